//! `hearth machine`.

use std::path::Path;

use serde_json::{Value, json};

use super::args::{MachineSet, Machines, One};
use super::client::{Client, encoded};
use super::exit::Failed;
use super::print;
use super::table::table;
use super::value::{items, list as all, text, when};
use super::view::{self, View};
use crate::limits;

pub fn machine(path: &Path, command: &Machines) -> Result<u8, Failed> {
    let mut client = Client::of(path);
    let mut act = |one: &One, action: Value| {
        let after = acted(&mut client, &one.machine, &[action])?;
        say(one, &after, &told(&after))
    };
    let simple = |action: &str| json!({ "action": action });
    match command {
        Machines::List {
            text,
            phase,
            tag,
            output,
        } => {
            let pairs = [("q", text), ("phase", phase), ("tag", tag)];
            let pairs = pairs.iter().filter_map(|(key, value)| {
                value
                    .as_ref()
                    .map(|value| format!("{key}={}", encoded(value)))
            });
            let pairs: Vec<_> = pairs.collect();
            let view = View {
                ask: &|client| list(client, &pairs),
                people: &rows,
                every: limits::WATCH_EVENTS,
            };
            view::show(path, *output, &view)
        }
        Machines::Show { machine, output } => {
            let view = View {
                ask: &|client| client.get(&format!("machines/{}", encoded(machine))),
                people: &one,
                every: limits::WATCH_EVENTS,
            };
            view::show(path, *output, &view)
        }
        Machines::Approve(one) => act(one, simple("approve")),
        Machines::Assign { one, profile } => {
            act(one, json!({ "action": "assign", "profile": profile }))
        }
        Machines::Unassign(one) => act(one, simple("unassign")),
        Machines::Reinstall { one, wake: false } => act(one, simple("reinstall")),
        Machines::Reinstall { one, wake: true } => {
            let mut after = acted(&mut client, &one.machine, &[simple("reinstall")])?;
            let told = told(&after);
            // It is to be installed anew whether it can be switched on or not.
            let woken = match woken(&mut client, &one.machine) {
                Ok(woken) => woken,
                Err(failed) => {
                    say(one, &after, &told)?;
                    return Err(failed);
                }
            };
            after["wake"] = woken["what"].clone();
            say(one, &after, &format!("{told}{}", wake_line(&woken)))
        }
        Machines::Local { one, profile } => {
            act(one, json!({ "action": "local", "profile": profile }))
        }
        Machines::Hold(one) => act(one, simple("hold")),
        Machines::Release(one) => act(one, simple("release")),
        Machines::Ignore(one) => act(one, simple("ignore")),
        Machines::Boot { one, profile } => {
            act(one, json!({ "action": "boot", "profile": profile }))
        }
        Machines::Wake(one) => {
            let woken = woken(&mut client, &one.machine)?;
            say(one, &woken, &wake_line(&woken))
        }
        Machines::Set(set) => {
            let after = acted(&mut client, &set.one.machine, &settings(set))?;
            say(&set.one, &after, &told(&after))
        }
        Machines::Overrides { machine, put } => {
            let page = format!("machines/{}/overrides", encoded(machine));
            let answer = match put {
                Some(file) => client.send("PUT", &page, super::apply::read(file)?.as_bytes())?,
                None => client.get(&page)?,
            };
            print(&format!("{answer:#}\n"))?;
            Ok(0)
        }
        Machines::Forget(one) => {
            let after = acted(&mut client, &one.machine, &[simple("forget")])?;
            say(one, &after, &format!("{} is forgotten\n", one.machine))
        }
    }
}

/// Tells a program or a person.
fn say(one: &One, answer: &Value, people: &str) -> Result<u8, Failed> {
    match one.json {
        true => print(&format!("{answer:#}\n"))?,
        false => print(people)?,
    }
    Ok(0)
}

/// Switches a machine on.
fn woken(client: &mut Client, machine: &str) -> Result<Value, Failed> {
    client.post(&format!("machines/{}/wake", encoded(machine)), &json!({}))
}

/// What was done for it.
fn wake_line(woken: &Value) -> String {
    format!("{}: {}\n", text(&woken["label"]), text(&woken["what"]))
}

/// Every page of the list.
fn list(client: &mut Client, pairs: &[String]) -> Result<Value, Failed> {
    let mut machines = Vec::new();
    let mut after = String::new();
    loop {
        let mut query = pairs.to_vec();
        query.push(format!("after={}", encoded(&after)));
        let mut page = client.get(&format!("machines?{}", query.join("&")))?;
        if let Some(some) = page["machines"].as_array_mut() {
            machines.append(some);
        }
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => return Ok(json!({ "machines": machines })),
        }
    }
}

fn rows(answer: &Value) -> String {
    let rows: Vec<Vec<String>> = items(&answer["machines"])
        .map(|machine| {
            let facts = &machine["facts"];
            let make = format!(
                "{} {}",
                text(&facts["manufacturer"]),
                text(&facts["product"])
            );
            vec![
                text(&machine["label"]),
                text(&machine["phase"]),
                profile(machine),
                text(&machine["address"]),
                when(&machine["last_seen"]),
                make.trim().to_owned(),
            ]
        })
        .collect();
    let heading = [
        "MACHINE",
        "PHASE",
        "PROFILE",
        "ADDRESS",
        "LAST SEEN",
        "WHAT IT IS",
    ];
    table(&heading, &rows)
}

fn one(machine: &Value) -> String {
    let facts = &machine["facts"];
    let wishes = &machine["wishes"];
    let rows = [
        ("machine", text(&machine["label"])),
        ("number", text(&machine["id"])),
        ("phase", phase(machine)),
        ("since", when(&machine["since"])),
        ("profile", profile(machine)),
        ("next boot only", text(&wishes["once"])),
        ("UUID", text(&machine["uuid"])),
        ("MACs", all(&machine["macs"])),
        ("address", text(&machine["address"])),
        ("first seen", when(&machine["first_seen"])),
        ("last seen", when(&machine["last_seen"])),
        ("manufacturer", text(&facts["manufacturer"])),
        ("product", text(&facts["product"])),
        ("serial", text(&facts["serial"])),
        ("asset", text(&facts["asset"])),
        ("platform", text(&facts["platform"])),
        ("processor", text(&facts["cpu_model"])),
        ("memory MB", text(&facts["memory_mb"])),
        (
            "network card",
            format!("{} {}", text(&facts["busid"]), text(&facts["chip"])),
        ),
        ("switch", text(&facts["switch"])),
        ("switch port", text(&facts["port"])),
        ("loader", text(&wishes["loader"])),
        ("loader, learnt", all(&machine["learnt"]["loader"])),
        ("way to the disk", text(&wishes["local_boot"])),
        ("the same, learnt", all(&machine["learnt"]["local_boot"])),
        ("tags", all(&wishes["tags"])),
        ("notes", text(&wishes["notes"])),
    ];
    let mut lines = String::new();
    for (name, value) in rows.iter().filter(|(_, value)| !value.trim().is_empty()) {
        lines.push_str(&format!("{name:<17} {}\n", value.trim()));
    }
    for finding in items(&machine["findings"]) {
        lines.push_str(&format!(
            "\n{}: {}\n  {}\n",
            text(&finding["code"]),
            text(&finding["sentence"]),
            text(&finding["remedy"])
        ));
    }
    lines
}

fn settings(set: &MachineSet) -> Vec<Value> {
    let or_none = |value: &String| match value.as_str() {
        "none" => Value::Null,
        value => value.into(),
    };
    let mut actions = Vec::new();
    if let Some(loader) = &set.loader {
        actions.push(json!({ "action": "loader", "loader": or_none(loader) }));
    }
    if let Some(way) = &set.local_boot {
        actions.push(json!({ "action": "local-boot", "method": or_none(way) }));
    }
    if let Some(tags) = &set.tags {
        let tags: Vec<_> = tags
            .split(',')
            .map(str::trim)
            .filter(|tag| !tag.is_empty())
            .collect();
        actions.push(json!({ "action": "tags", "tags": tags }));
    }
    if let Some(notes) = &set.notes {
        actions.push(json!({ "action": "notes", "notes": notes }));
    }
    // Last, because it may be found by its old name only until then.
    if let Some(name) = &set.name {
        actions.push(json!({ "action": "name", "name": or_none(name) }));
    }
    actions
}

/// Does something with a machine; what it is then.
fn acted(client: &mut Client, machine: &str, actions: &[Value]) -> Result<Value, Failed> {
    let path = format!("machines/{}/actions", encoded(machine));
    let mut after = Value::Null;
    for action in actions {
        after = client.post(&path, action)?;
    }
    Ok(after)
}

/// Where a machine is.
fn told(machine: &Value) -> String {
    format!("{} is {}\n", text(&machine["label"]), phase(machine))
}

/// The phase with what belongs to it.
fn phase(machine: &Value) -> String {
    let word = text(&machine["phase"]);
    match word.as_str() {
        "failed" => format!("failed: {}", text(&machine["detail"]["reason"])),
        "installing" => {
            let tries = machine["detail"]["tries"].as_u64().unwrap_or(1);
            format!(
                "installing {}, try {tries}",
                text(&machine["detail"]["profile"])
            )
        }
        _ => word,
    }
}

fn profile(machine: &Value) -> String {
    let (wished, detail) = (
        text(&machine["wishes"]["profile"]),
        text(&machine["detail"]["profile"]),
    );
    if wished.is_empty() { detail } else { wished }
}
