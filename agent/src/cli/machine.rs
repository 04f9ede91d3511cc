//! `hearth machine`.

use std::path::Path;

use serde_json::{Value, json};

use super::args::{MachineSet, Machines};
use super::client::{Client, encoded};
use super::exit::Failed;
use super::print;
use super::table::table;
use super::value::{items, list as all, text, when};

pub fn machine(path: &Path, command: &Machines) -> Result<u8, Failed> {
    let mut client = Client::of(path);
    let mut act = |machine: &str, action: Value| act(&mut client, machine, &[action]);
    let simple = |action: &str| json!({ "action": action });
    match command {
        Machines::List {
            text,
            phase,
            tag,
            json,
        } => {
            let pairs = [("q", text), ("phase", phase), ("tag", tag)];
            let pairs = pairs.iter().filter_map(|(key, value)| {
                value
                    .as_ref()
                    .map(|value| format!("{key}={}", encoded(value)))
            });
            list(&mut client, &pairs.collect::<Vec<_>>(), *json)
        }
        Machines::Show { machine, json } => show(&mut client, machine, *json),
        Machines::Approve { machine } => act(machine, simple("approve")),
        Machines::Assign { machine, profile } => {
            act(machine, json!({ "action": "assign", "profile": profile }))
        }
        Machines::Unassign { machine } => act(machine, simple("unassign")),
        Machines::Reinstall { machine, wake } => {
            act(machine, simple("reinstall"))?;
            match wake {
                true => self::wake(&mut client, machine),
                false => Ok(0),
            }
        }
        Machines::Local { machine, profile } => {
            act(machine, json!({ "action": "local", "profile": profile }))
        }
        Machines::Hold { machine } => act(machine, simple("hold")),
        Machines::Release { machine } => act(machine, simple("release")),
        Machines::Ignore { machine } => act(machine, simple("ignore")),
        Machines::Boot { machine, profile } => {
            act(machine, json!({ "action": "boot", "profile": profile }))
        }
        Machines::Wake { machine } => wake(&mut client, machine),
        Machines::Set(set) => set_all(&mut client, set),
        Machines::Forget { machine } => {
            client.post(
                &format!("machines/{}/actions", encoded(machine)),
                &simple("forget"),
            )?;
            print(&format!("{machine} is forgotten\n"))?;
            Ok(0)
        }
    }
}

/// Switches a machine on, and says what was done for it.
fn wake(client: &mut Client, machine: &str) -> Result<u8, Failed> {
    let done = client.post(&format!("machines/{}/wake", encoded(machine)), &json!({}))?;
    let (label, what) = (text(&done["label"]), text(&done["what"]));
    print(&format!("{label}: {what}\n"))?;
    Ok(0)
}

/// Every page of the list.
fn list(client: &mut Client, pairs: &[String], json: bool) -> Result<u8, Failed> {
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
            None => break,
        }
    }
    if json {
        print(&format!("{:#}\n", json!({ "machines": machines })))?;
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = machines
        .iter()
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
    print(&table(
        &[
            "MACHINE",
            "PHASE",
            "PROFILE",
            "ADDRESS",
            "LAST SEEN",
            "WHAT IT IS",
        ],
        &rows,
    ))?;
    Ok(0)
}

fn show(client: &mut Client, name: &str, json: bool) -> Result<u8, Failed> {
    let machine = client.get(&format!("machines/{}", encoded(name)))?;
    if json {
        print(&format!("{machine:#}\n"))?;
        return Ok(0);
    }
    let facts = &machine["facts"];
    let wishes = &machine["wishes"];
    let rows = [
        ("machine", text(&machine["label"])),
        ("number", text(&machine["id"])),
        ("phase", phase(&machine)),
        ("since", when(&machine["since"])),
        ("profile", profile(&machine)),
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
    print(&lines)?;
    Ok(0)
}

fn set_all(client: &mut Client, set: &MachineSet) -> Result<u8, Failed> {
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
    act(client, &set.machine, &actions)
}

/// Does something with a machine, and says where it is then.
fn act(client: &mut Client, machine: &str, actions: &[Value]) -> Result<u8, Failed> {
    let path = format!("machines/{}/actions", encoded(machine));
    let mut after = Value::Null;
    for action in actions {
        after = client.post(&path, action)?;
    }
    print(&format!("{} is {}\n", text(&after["label"]), phase(&after)))?;
    Ok(0)
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
