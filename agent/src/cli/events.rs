//! `hearth timeline`, `findings`, `events`, `backup` and `restore`.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use super::client::{Client, encoded};
use super::exit::{Failed, UNAVAILABLE, USAGE};
use super::table::table;
use super::value::{items, text, when};
use super::view::{self, Output, View};
use super::{done, print};
use crate::limits;

pub fn timeline(path: &Path, machine: &str, all: bool, output: Output) -> Result<u8, Failed> {
    let which = if all { "all" } else { "text" };
    let view = View {
        ask: &|client| client.get(&format!("machines/{}/timeline", encoded(machine))),
        people: &|answer| text(&answer[which]),
        every: limits::WATCH_EVENTS,
    };
    view::show(path, output, &view)
}

pub fn findings(path: &Path, output: Output) -> Result<u8, Failed> {
    let view = View {
        ask: &|client| client.get("findings"),
        people: &found,
        every: limits::WATCH_EVENTS,
    };
    view::show(path, output, &view)
}

fn found(answer: &Value) -> String {
    let row = |finding: &Value| {
        let cells = ["label", "severity", "code", "sentence"].map(|key| text(&finding[key]));
        cells.to_vec()
    };
    let rows: Vec<_> = items(&answer["findings"]).map(row).collect();
    match rows.is_empty() {
        true => "nothing is wrong, as far as is known\n".to_owned(),
        false => table(&["MACHINE", "SEVERITY", "FINDING", "WHAT"], &rows),
    }
}

pub fn events(
    path: &Path,
    machine: Option<&str>,
    number: u16,
    output: Output,
) -> Result<u8, Failed> {
    let mut client = Client::of(path);
    let (page, of) = match machine {
        Some(name) => {
            let page = format!("machines/{}", encoded(name));
            let id = match output.watch {
                true => text(&client.get(&page)?["id"]),
                false => String::new(),
            };
            (format!("{page}/events"), format!("events?machine={id}"))
        }
        None => ("events".to_owned(), "events".to_owned()),
    };
    // Begun before the last ones are asked for, so that none falls between.
    let stream = match output.watch {
        true => Some(client.follow(&of, None)?),
        false => None,
    };
    let mut answer = client.get(&format!("{page}?newest&limit={number}"))?;
    if let Some(events) = answer["events"].as_array_mut() {
        events.reverse();
    }
    match (output.json, &stream) {
        (true, None) => print(&format!("{answer:#}\n"))?,
        (true, Some(_)) => print(&items(&answer["events"]).map(object).collect::<String>())?,
        (false, _) => print(&items(&answer["events"]).map(line).collect::<String>())?,
    }
    let Some(mut stream) = stream else {
        return Ok(0);
    };
    // Where there was none yet, all that come are new.
    let shown = items(&answer["events"]).last();
    let mut last = shown.and_then(|event| event["seq"].as_u64()).unwrap_or(0);
    loop {
        match stream.next(Instant::now() + limits::API_ALIVE) {
            Ok(Some(told)) if told.id > last => {
                last = told.id;
                let event = serde_json::from_str(&told.data).unwrap_or_default();
                print(&match output.json {
                    true => object(&event),
                    false => line(&event),
                })?;
            }
            Ok(_) => {}
            Err(error) => {
                let why = Failed::new(UNAVAILABLE, error.to_string());
                stream = view::again(&mut client, &of, Some(last), &why)?;
            }
        }
    }
}

/// An event for a program: an object on a line.
fn object(event: &Value) -> String {
    format!("{event}\n")
}

/// An event for people.
fn line(event: &Value) -> String {
    let who = event["machine"].as_u64();
    let who = who.map_or_else(String::new, |id| format!("machine {id}: "));
    format!("{} {who}{}\n", when(&event["at"]), text(&event["text"]))
}

/// `backup` or `restore`.
pub fn copy(path: &Path, what: &str, file: &Path, json: bool) -> Result<u8, Failed> {
    let whole = std::path::absolute(file)
        .map_err(|error| Failed::new(USAGE, format!("{}: {error}", file.display())))?;
    let whole = whole.to_string_lossy();
    let answer = Client::of(path).post(what, &json!({ "path": whole }))?;
    let told = match what {
        "backup" => "the database was copied to",
        _ => "in force again is what was in",
    };
    done(&answer, json, &format!("{told} {whole}"))?;
    Ok(0)
}
