//! Names as the running agent knows them, asked for one kind at a time and only when they are wanted.
//! Where no agent answers in time, what is declared in the configuration stands in.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use serde_json::Value;

use crate::cli::client::{Client, encoded};
use crate::cli::load;
use crate::cli::value::{items, text};
use crate::event::Word;
use crate::limits;

/// Every phase in a word.
pub const PHASES: [&str; Word::ALL.len()] = {
    let mut words = [""; Word::ALL.len()];
    let mut at = 0;
    while at < words.len() {
        words[at] = Word::ALL[at].as_str();
        at += 1;
    }
    words
};

/// What kind of name an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A machine: its name, or where it has none or another is begun, a MAC, UUID or number.
    Machine,
    /// A profile.
    Profile,
    /// What `hearth fetch` takes: images, profiles, `loaders`.
    Fetchable,
    /// A fragment of the configuration.
    Fragment,
    /// A token, by its name.
    Token,
    /// A tag that a machine has.
    Tag,
    /// An item of the menu.
    Item,
    /// A loader.
    Loader,
    /// A fetch that runs in the agent, or did.
    Fetch,
    /// One of these.
    Words(&'static [&'static str]),
}

/// A word, and what it is.
type Named = (String, String);

/// Where names are looked for.
pub struct Names {
    config: PathBuf,
}

impl Names {
    /// Those of a configuration, and of the agent that runs with it.
    pub fn of(config: PathBuf) -> Names {
        Names { config }
    }

    /// Names of this kind that begin with what is typed, at most [`limits::COMPLETE_NAMES`]. Whoever
    /// presses a key does not wait: what takes longer than [`limits::COMPLETE_PATIENCE`] is left.
    pub fn of_kind(&self, kind: Kind, typed: &str) -> Vec<Named> {
        if let Kind::Words(words) = kind {
            let words = words.iter().filter(|word| word.starts_with(typed));
            return words
                .map(|word| ((*word).to_owned(), String::new()))
                .collect();
        }
        let (tell, told) = mpsc::channel();
        let (config, begun) = (self.config.clone(), typed.to_owned());
        // It ends with the process.
        thread::spawn(move || {
            // What is left of the time is for the configuration.
            let patience = limits::COMPLETE_PATIENCE / 2;
            let mut client = Client::of(&config).with_patience(patience);
            let found = asked(&mut client, kind, &begun).unwrap_or_else(|| declared(&config, kind));
            // Whoever asked may have given up.
            let _ = tell.send(found);
        });
        let mut found = told
            .recv_timeout(limits::COMPLETE_PATIENCE)
            .unwrap_or_default();
        found.retain(|(name, _)| name.starts_with(typed));
        found.sort();
        found.dedup_by(|one, other| one.0 == other.0);
        found.truncate(limits::COMPLETE_NAMES);
        found
    }
}

/// Asks the agent; `None` if none answers.
fn asked(client: &mut Client, kind: Kind, typed: &str) -> Option<Vec<Named>> {
    let mut list = |path: &str, key: &str, what: &str| {
        let answer = client.get(path).ok()?;
        let named = |one: &Value| (text(&one["name"]), text(&one[what]));
        Some(items(&answer[key]).map(named).collect::<Vec<_>>())
    };
    match kind {
        Kind::Machine => machines(client, typed),
        Kind::Tag => {
            let answer = client.get(&page("")).ok()?;
            let machines = items(&answer["machines"]);
            let tags = machines.flat_map(|one| items(&one["wishes"]["tags"]));
            Some(tags.map(|tag| (text(tag), String::new())).collect())
        }
        Kind::Profile => list("profiles", "profiles", "image"),
        Kind::Fetchable => {
            let mut all = list("images", "images", "state")?;
            all.extend(list("profiles", "profiles", "image")?);
            all.push(("loaders".to_owned(), String::new()));
            Some(all)
        }
        Kind::Fragment => list("config/fragments", "fragments", "origin"),
        Kind::Token => list("tokens", "tokens", "role"),
        Kind::Loader => {
            let mut all = list("loaders", "loaders", "state")?;
            all.push(("none".to_owned(), String::new()));
            Some(all)
        }
        Kind::Fetch => {
            let answer = client.get("fetches").ok()?;
            let named = |one: &Value| (text(&one["id"]), text(&one["state"]));
            Some(items(&answer["fetches"]).map(named).collect())
        }
        Kind::Item | Kind::Words(_) => None,
    }
}

/// Machines that have what is typed anywhere: not all of a hundred thousand go over the socket.
fn machines(client: &mut Client, typed: &str) -> Option<Vec<Named>> {
    let answer = client.get(&page(typed)).ok()?;
    let mut found = Vec::new();
    for machine in items(&answer["machines"]) {
        let profile = text(&machine["detail"]["profile"]);
        let what = format!("{} {profile}", text(&machine["phase"]));
        let what = what.trim().to_owned();
        let label = text(&machine["label"]);
        if label.starts_with(typed) {
            found.push((label, what));
            continue;
        }
        let others = items(&machine["macs"]).chain([&machine["uuid"], &machine["id"]]);
        let others = others.map(text).filter(|other| other.starts_with(typed));
        found.extend(others.map(|other| (other, format!("{label}, {what}"))));
    }
    Some(found)
}

fn page(typed: &str) -> String {
    let most = limits::COMPLETE_NAMES;
    format!("machines?q={}&limit={most}", encoded(typed))
}

/// What the configuration declares.
fn declared(path: &std::path::Path, kind: Kind) -> Vec<Named> {
    let Ok(config) = load(path) else {
        return Vec::new();
    };
    let named = |name: &dyn ToString| (name.to_string(), String::new());
    let images = || config.images.keys().map(|name| named(name));
    let profiles = || config.profiles.keys().map(|name| named(name));
    match kind {
        Kind::Machine => config.machines.keys().map(|name| named(name)).collect(),
        Kind::Profile => profiles().collect(),
        Kind::Fetchable => {
            let loaders = ("loaders".to_owned(), String::new());
            images().chain(profiles()).chain([loaders]).collect()
        }
        Kind::Item => config
            .menu
            .items
            .iter()
            .map(|item| named(&item.name()))
            .collect(),
        _ => Vec::new(),
    }
}
