//! `hearth token` and `hearth audit`.

use std::path::Path;

use serde_json::{Value, json};

use super::args::Tokens;
use super::client::{Client, encoded};
use super::exit::Failed;
use super::table::table;
use super::value::{items, text, when};
use super::{done, print};
use crate::stamp;

pub fn token(path: &Path, command: &Tokens) -> Result<u8, Failed> {
    let mut client = Client::of(path);
    match command {
        Tokens::Create {
            name,
            role,
            expires,
            json,
        } => {
            let lasts = expires.map(|lasts| u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX));
            let expires = lasts.map(|lasts| stamp::now_ms().saturating_add(lasts));
            let wanted = json!({ "name": name, "role": role.word(), "expires": expires });
            let made = client.post("tokens", &wanted)?;
            match json {
                true => print(&format!("{made:#}\n"))?,
                // Alone on its line, so that a script can take it.
                false => print(&format!("{}\n", text(&made["token"])))?,
            }
        }
        Tokens::List { json: true } => print(&format!("{:#}\n", client.get("tokens")?))?,
        Tokens::List { json: false } => {
            let answer = client.get("tokens")?;
            let row = |token: &Value| {
                vec![
                    text(&token["name"]),
                    text(&token["role"]),
                    when(&token["created"]),
                    match &token["expires"] {
                        Value::Null => "never".to_owned(),
                        end => when(end),
                    },
                ]
            };
            let rows: Vec<_> = items(&answer["tokens"]).map(row).collect();
            print(&table(&["TOKEN", "ROLE", "CREATED", "EXPIRES"], &rows))?;
        }
        Tokens::Revoke { name, json } => {
            let answer = client.delete(&format!("tokens/{}", encoded(name)))?;
            done(&answer, *json, &format!("{name} is revoked"))?;
        }
    }
    Ok(0)
}

pub fn audit(path: &Path, number: u16, json: bool) -> Result<u8, Failed> {
    let answer = Client::of(path).get(&format!("audit?limit={number}"))?;
    if json {
        print(&format!("{answer:#}\n"))?;
        return Ok(0);
    }
    // The newest last, where a terminal ends.
    let mut rows: Vec<_> = items(&answer["audit"]).map(audit_row).collect();
    rows.reverse();
    print(&table(&["WHEN", "WHO", "WHAT", "OF WHAT"], &rows))?;
    Ok(0)
}

fn audit_row(entry: &Value) -> Vec<String> {
    let what = &entry["what"];
    let object = ["label", "name", "path", "fragment"]
        .iter()
        .map(|key| text(&what[key]))
        .find(|text| !text.is_empty());
    let known = ["action", "label", "machine", "path", "fragment", "diff"];
    let more = what.as_object().into_iter().flatten();
    let more: Vec<String> = more
        .filter(|(key, value)| !known.contains(&key.as_str()) && !value.is_null())
        .map(|(key, value)| match value {
            Value::Array(_) => format!("{key} {}", super::value::list(value)),
            value => format!("{key} {}", text(value)),
        })
        .collect();
    vec![
        when(&entry["at"]),
        text(&entry["who"]),
        format!("{} {}", text(&what["action"]), more.join(", "))
            .trim()
            .to_owned(),
        object.unwrap_or_default(),
    ]
}
