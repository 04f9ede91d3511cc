//! `hearth policy` and `hearth profiles`.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::args::{Policies, PolicyTest};
use super::client::Client;
use super::exit::{DATA, Failed, UNAVAILABLE};
use super::table::table;
use super::{load, print};
use crate::api::policies::{
    declared_policies, declared_profiles, declared_record, made_up, tested,
};
use crate::boot::decide::{Asking, decide};
use crate::boot::policy::Count;
use crate::config::Config;
use crate::machine::Known;
use crate::stamp::now_ms;

pub fn policy(path: &Path, command: &Policies) -> Result<u8, Failed> {
    match command {
        Policies::List { offline, json } => {
            let ask = |client: &mut Client| client.get("policies");
            let from_file = |config: &Config| Ok(declared_policies(config, &|_| None));
            let answer = agent_or_file(path, *offline, ask, from_file)?;
            show(&answer, *json, list)
        }
        Policies::Test(wanted) => {
            let facts = facts(wanted);
            let mut body = json!({ "facts": facts });
            if let Some(machine) = &wanted.machine {
                body["machine"] = machine.as_str().into();
            }
            let ask = |client: &mut Client| client.post("policies/test", &body);
            let from_file = |config: &Config| test_offline(config, wanted, &facts);
            let answer = agent_or_file(path, wanted.offline, ask, from_file)?;
            show(&answer, wanted.json, test)
        }
    }
}

pub fn profiles(path: &Path, json: bool) -> Result<u8, Failed> {
    let ask = |client: &mut Client| client.get("profiles");
    let answer = agent_or_file(path, false, ask, |config| Ok(declared_profiles(config)))?;
    show(&answer, json, profile_list)
}

/// Asks the agent, and the configuration file where none answers.
fn agent_or_file(
    path: &Path,
    offline: bool,
    ask: impl FnOnce(&mut Client) -> Result<Value, Failed>,
    from_file: impl FnOnce(&Config) -> Result<Value, Failed>,
) -> Result<Value, Failed> {
    if !offline {
        match ask(&mut Client::of(path)) {
            Err(failed) if failed.code == UNAVAILABLE => {
                let note = "no agent answers: this is what the configuration file says";
                let _ = writeln!(io::stderr(), "{note}");
            }
            answered => return answered,
        }
    }
    from_file(&load(path)?)
}

fn test_offline(
    config: &Config,
    wanted: &PolicyTest,
    facts: &Map<String, Value>,
) -> Result<Value, Failed> {
    let wrong = |why: String| Failed::new(DATA, why);
    let now = now_ms();
    let known = wanted.machine.as_deref().map(|name| {
        declared_record(config, name, now).ok_or_else(|| {
            wrong(format!(
                "no machine is declared as {name:?}, and without the agent no other is known: say \
                 what it has with --fact"
            ))
        })
    });
    let record = made_up(config, known.transpose()?, facts, now).map_err(wrong)?;
    let known = Known::of(config);
    let asking = Asking {
        config,
        identity: known.identify(config, &record.facts),
        record: &record,
        facts: &record.facts,
        counts: &|_| Count::Others(0),
        now,
    };
    Ok(tested(&asking, &decide(&asking)))
}

/// What was written, each key once.
fn facts(wanted: &PolicyTest) -> Map<String, Value> {
    let mut facts: Map<String, Value> = Map::new();
    for fact in &wanted.facts {
        let value = Value::from(fact.value.as_str());
        match facts.get_mut(&fact.key) {
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = json!([first, value]),
            // No tag at all, as nothing else can be said to be missing.
            None if fact.key == "tag" && fact.value.is_empty() => {
                facts.insert(fact.key.clone(), json!([]));
            }
            None => {
                facts.insert(fact.key.clone(), value);
            }
        }
    }
    facts
}

fn show(answer: &Value, json: bool, people: fn(&Value) -> String) -> Result<u8, Failed> {
    match json {
        true => print(&format!("{answer:#}\n"))?,
        false => print(&people(answer))?,
    }
    Ok(0)
}

fn list(answer: &Value) -> String {
    let otherwise = text(&answer["otherwise"]);
    let policies = items(&answer["policies"]);
    if policies.is_empty() {
        return format!("there are no policies: a machine without a profile gets: {otherwise}\n");
    }
    let rows: Vec<_> = policies
        .iter()
        .map(|policy| {
            let machines = match (policy["machines"].as_u64(), policy["limit"].as_u64()) {
                (Some(machines), Some(limit)) => format!("{machines} of {limit}"),
                (Some(machines), None) => machines.to_string(),
                (None, Some(limit)) => format!("at most {limit}"),
                (None, None) => String::new(),
            };
            let conditions = items(&policy["conditions"]);
            let conditions: Vec<_> = conditions.iter().map(text).collect();
            vec![
                number(&policy["number"]),
                text(&policy["name"]),
                match policy["approval"].as_bool() {
                    Some(true) => format!("{}, once approved", text(&policy["profile"])),
                    _ => text(&policy["profile"]),
                },
                machines,
                match conditions.is_empty() {
                    true => "every machine".to_owned(),
                    false => conditions.join(", "),
                },
            ]
        })
        .collect();
    let heading = ["", "POLICY", "PROFILE", "MACHINES", "CONDITIONS"];
    format!(
        "{}any other machine gets: {otherwise}\n",
        table(&heading, &rows)
    )
}

fn test(answer: &Value) -> String {
    let mut lines = String::new();
    for (fact, values) in answer["has"].as_object().into_iter().flatten() {
        let values: Vec<_> = items(values).iter().map(text).collect();
        lines.push_str(&format!("{fact:<13} {}\n", values.join(", ")));
    }
    if !lines.is_empty() {
        lines.push('\n');
    }
    let rows: Vec<_> = items(&answer["policies"])
        .iter()
        .map(|policy| {
            let outcome = match text(&policy["outcome"]).as_str() {
                "taken" => "taken".to_owned(),
                "unmet" => "no".to_owned(),
                other => other.to_owned(),
            };
            let number = number(&policy["number"]);
            vec![number, text(&policy["name"]), outcome, text(&policy["why"])]
        })
        .collect();
    if !rows.is_empty() {
        lines.push_str(&table(&["", "POLICY", "", "WHY"], &rows));
        lines.push('\n');
    }
    if answer["taken"].is_null() {
        let otherwise = text(&answer["otherwise"]);
        lines.push_str(&format!(
            "no policy takes it; server.unknown says: {otherwise}\n"
        ));
    }
    if answer["applies"] == false {
        lines.push_str("it has a profile of its own, so policies are not asked\n");
    }
    let label = answer["machine"].as_str().unwrap_or("the machine");
    let (decision, reason) = (text(&answer["decision"]), text(&answer["reason"]));
    lines.push_str(&format!("{label} gets: {decision}\n  because: {reason}\n"));
    lines
}

fn profile_list(answer: &Value) -> String {
    let rows: Vec<_> = items(&answer["profiles"])
        .iter()
        .map(|profile| {
            let names = |key: &str| {
                let names: Vec<_> = items(&profile[key]).iter().map(text).collect();
                names.join(", ")
            };
            vec![
                text(&profile["name"]),
                text(&profile["image"]),
                text(&profile["installed"]),
                names("policies"),
                names("machines"),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "there are no profiles\n".to_owned();
    }
    let heading = ["PROFILE", "IMAGE", "INSTALLED", "POLICIES", "MACHINES"];
    table(&heading, &rows)
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value) -> String {
    value
        .as_u64()
        .map(|number| number.to_string())
        .unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
