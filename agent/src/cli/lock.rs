//! `hearth lock`.

use std::path::Path;

use serde_json::json;

use super::exit::{DATA, Failed, IO};
use super::progress::{Screen, bar};
use super::{args, fetch, images, print};
use crate::api;
use crate::boot::site;
use crate::config::Config;
use crate::fetch::Fetcher;
use crate::image::lock::Lock;
use crate::image::prune::Pruned;
use crate::image::verify::{self, State};

pub fn lock(path: &Path, command: &args::Lock) -> Result<u8, Failed> {
    match command {
        args::Lock::Update { names, by } if by.is_agent() => {
            images::have(path, "lock/update", &json!({ "names": names }), *by)
        }
        args::Lock::Prune { by, .. } if by.is_agent() => {
            images::have(path, "lock/prune", &json!({}), *by)
        }
        _ => alone(&super::load(path)?, command),
    }
}

/// What needs no agent.
fn alone(config: &Config, command: &args::Lock) -> Result<u8, Failed> {
    match command {
        args::Lock::Print { json } => {
            let lock = read(config)?;
            match json {
                true => print(&format!("{:#}\n", api::pins(&lock)))?,
                false => print(&lock.table())?,
            }
            Ok(0)
        }
        args::Lock::Check => check(config),
        args::Lock::Update { names, .. } => fetch::update(config, names),
        args::Lock::Prune { all, .. } => prune(config, *all),
    }
}

fn read(config: &Config) -> Result<Lock, Failed> {
    Lock::load(&config.server.state.join(Lock::FILE))
        .map_err(|error| Failed::new(DATA, error.to_string()))
}

fn check(config: &Config) -> Result<u8, Failed> {
    let lock = read(config)?;
    let all = lock.files().map(|(_, locked)| locked.size).sum();
    let bar = bar("", Some(all));
    let states = verify::check(&lock, &config.server.root, &mut |name, bytes| {
        bar.set_message(name.to_owned());
        bar.inc(bytes);
    });
    bar.finish_and_clear();
    let lines = states
        .iter()
        .map(|(name, state)| format!("{name}: {state}\n"));
    print(&lines.collect::<String>())?;
    let wrong = states.iter().filter(|(_, state)| *state != State::True);
    match wrong.count() {
        0 => Ok(0),
        wrong => {
            let text = format!(
                "{wrong} of {} files are not what the lock says",
                states.len()
            );
            Err(Failed::new(DATA, text))
        }
    }
}

fn prune(config: &Config, all: bool) -> Result<u8, Failed> {
    let screen = Screen::default();
    let pruned = Fetcher::new(config, &screen)?.prune(all)?;
    let mut lines = String::new();
    for (name, what) in &pruned {
        lines.push_str(&format!("{}\n", images::became(name, what.told(), 0)));
    }
    if all && site::remove_default(&config.server.root)? {
        lines.push_str(&format!("{}: removed\n", site::DEFAULT));
    }
    if lines.is_empty() {
        lines.push_str("nothing to remove\n");
    }
    print(&lines)?;
    let failed = pruned
        .iter()
        .filter(|(_, what)| matches!(what, Pruned::Failed(_)));
    match failed.count() {
        0 => Ok(0),
        failed => Err(Failed::new(
            IO,
            format!("{failed} files could not be removed"),
        )),
    }
}
