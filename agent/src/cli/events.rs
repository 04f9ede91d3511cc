//! `hearth timeline`, `findings`, `events`, `backup` and `restore`.

use std::path::Path;

use serde_json::json;

use super::client::{Client, encoded};
use super::exit::{Failed, USAGE};
use super::print;
use super::table::table;
use super::value::text;
use crate::stamp;

pub fn timeline(path: &Path, machine: &str, all: bool, json: bool) -> Result<u8, Failed> {
    let answer = Client::of(path).get(&format!("machines/{}/timeline", encoded(machine)))?;
    if json {
        print(&format!("{answer:#}\n"))?;
    } else {
        let which = if all { "all" } else { "text" };
        print(answer[which].as_str().unwrap_or_default())?;
    }
    Ok(0)
}

pub fn findings(path: &Path, json: bool) -> Result<u8, Failed> {
    let answer = Client::of(path).get("findings")?;
    if json {
        print(&format!("{answer:#}\n"))?;
        return Ok(0);
    }
    let found = answer["findings"].as_array().map_or(&[][..], Vec::as_slice);
    if found.is_empty() {
        print("nothing is wrong, as far as is known\n")?;
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|finding| {
            ["label", "severity", "code", "sentence"]
                .map(|key| text(&finding[key]))
                .to_vec()
        })
        .collect();
    print(&table(&["MACHINE", "SEVERITY", "FINDING", "WHAT"], &rows))?;
    Ok(0)
}

pub fn events(path: &Path, machine: Option<&str>, number: u16, json: bool) -> Result<u8, Failed> {
    let page = match machine {
        Some(machine) => format!("machines/{}/events", encoded(machine)),
        None => "events".to_owned(),
    };
    let mut answer = Client::of(path).get(&format!("{page}?newest&limit={number}"))?;
    if let Some(events) = answer["events"].as_array_mut() {
        events.reverse();
    }
    if json {
        print(&format!("{answer:#}\n"))?;
        return Ok(0);
    }
    let events = answer["events"].as_array().map_or(&[][..], Vec::as_slice);
    let lines = events.iter().map(|event| {
        let at = event["at"].as_u64().unwrap_or(0);
        let when = stamp::from_seconds(at / 1000).to_string();
        let who = event["machine"]
            .as_u64()
            .map_or_else(String::new, |id| format!("machine {id}: "));
        format!(
            "{} {who}{}\n",
            when.replace('T', " ").replace('Z', ""),
            text(&event["text"])
        )
    });
    print(&lines.collect::<String>())?;
    Ok(0)
}

/// `backup` or `restore`.
pub fn copy(path: &Path, what: &str, file: &Path) -> Result<u8, Failed> {
    let whole = std::path::absolute(file)
        .map_err(|error| Failed::new(USAGE, format!("{}: {error}", file.display())))?;
    let whole = whole.to_string_lossy();
    Client::of(path).post(what, &json!({ "path": whole }))?;
    let done = match what {
        "backup" => "the database was copied to",
        _ => "in force again is what was in",
    };
    print(&format!("{done} {whole}\n"))?;
    Ok(0)
}
