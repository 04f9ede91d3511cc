//! `hearth images`, `hearth loaders`, and `--agent` of what fetches or removes files.

use std::path::Path;
use std::thread;

use serde_json::Value;

use super::args::By;
use super::client::Client;
use super::exit::{Failed, UNAVAILABLE};
use super::progress::bar;
use super::table::{bytes, table};
use super::value::{items, list, text};
use super::view::{self, Output, View};
use super::{done, print};
use crate::limits;

pub fn images(path: &Path, output: Output) -> Result<u8, Failed> {
    let view = View {
        ask: &|client| client.get("images"),
        people: &image_table,
        every: limits::WATCH_COUNTERS,
    };
    view::show(path, output, &view)
}

pub fn loaders(path: &Path, output: Output) -> Result<u8, Failed> {
    let view = View {
        ask: &|client| client.get("loaders"),
        people: &loader_table,
        every: limits::WATCH_COUNTERS,
    };
    view::show(path, output, &view)
}

fn image_table(answer: &Value) -> String {
    let row = |image: &Value| {
        let size = items(&image["files"]).filter_map(|file| file["size"].as_u64());
        let state = match image["state"].as_str() {
            Some("missing") => format!("missing {}", list(&image["missing"])),
            _ => text(&image["state"]),
        };
        vec![
            text(&image["name"]),
            text(&image["recipe"]),
            text(&image["version"]),
            bytes(size.sum()),
            state,
        ]
    };
    let rows: Vec<_> = items(&answer["images"]).map(row).collect();
    table(&["IMAGE", "RECIPE", "VERSION", "PINNED", "STATE"], &rows)
}

fn loader_table(answer: &Value) -> String {
    let row = |loader: &Value| {
        let name = text(&loader["name"]);
        let pinned = items(&answer["files"]).find(|file| file["path"] == name.as_str());
        let size = pinned.and_then(|file| file["size"].as_u64());
        let size = size.map_or_else(String::new, bytes);
        let remedy = text(&loader["remedy"]);
        vec![name, size, text(&loader["state"]), remedy]
    };
    let rows: Vec<_> = items(&answer["loaders"]).map(row).collect();
    table(&["LOADER", "PINNED", "STATE", "TO DO"], &rows)
}

/// Has the agent do a task of files: the operation, its body, and whether its end is waited for.
pub fn have(path: &Path, operation: &str, body: &Value, by: By) -> Result<u8, Failed> {
    let mut client = Client::of(path);
    let begun = client.post(operation, body)?;
    let id = text(&begun["id"]);
    if by.detach {
        let words = format!("{} {id} has begun", text(&begun["task"]));
        done(&begun, by.json, &words)?;
        return Ok(0);
    }
    let mut said = 0;
    let mut shown: Option<(String, indicatif::ProgressBar)> = None;
    loop {
        let now = client.get(&format!("fetches/{id}"))?;
        let files: Vec<_> = items(&now["files"]).collect();
        // They end in their order; an archive on its way has no end of its own.
        let is_over = |file: &&Value| file["state"] != "running";
        let over: Vec<_> = files.iter().copied().filter(is_over).collect();
        for file in over.iter().skip(said) {
            if let Some((_, bar)) = shown.take() {
                bar.finish_and_clear();
            }
            print(&format!("{}\n", line(file)))?;
        }
        said = over.len();
        if !now["ended"].is_null() {
            if let Some((_, bar)) = shown.take() {
                bar.finish_and_clear();
            }
            return ended(&now);
        }
        if let Some(file) = files.iter().rev().find(|file| file["state"] == "running") {
            let name = text(&file["name"]);
            let is_it = shown.as_ref().is_some_and(|(of, _)| *of == name);
            if !is_it {
                shown = Some((name.clone(), bar(&name, file["total"].as_u64())));
            }
            if let Some((_, bar)) = &shown {
                bar.set_position(file["bytes"].as_u64().unwrap_or(0));
            }
        }
        thread::sleep(limits::FETCH_LOOK);
    }
}

fn ended(now: &Value) -> Result<u8, Failed> {
    match now["state"].as_str() {
        Some("done") if now["task"] == "prune" && items(&now["files"]).next().is_none() => {
            print("nothing to remove\n")?;
            Ok(0)
        }
        Some("done") => Ok(0),
        Some("cancelled") => Err(Failed::new(UNAVAILABLE, "it was cancelled")),
        _ => Err(Failed::new(UNAVAILABLE, text(&now["error"]))),
    }
}

fn line(file: &Value) -> String {
    let number = |key: &str| file[key].as_u64().unwrap_or(0);
    let state = file["state"].as_str().unwrap_or_default();
    let (name, why) = (text(&file["name"]), file["error"].as_str());
    became(&name, (state, number("bytes"), why), number("rate"))
}

/// What became of a file: its state in a word, bytes, and why, as [`crate::image::prune::Pruned::told`] has them, and bytes a
/// second if it was fetched.
pub fn became(name: &str, (state, size, why): (&str, u64, Option<&str>), rate: u64) -> String {
    let what = match (state, why.unwrap_or_default()) {
        ("fetched", _) => format!("fetched, {}, {}/s", bytes(size), bytes(rate)),
        ("removed", _) => format!("removed, {}", bytes(size)),
        ("forgotten", _) => "was not there".to_owned(),
        ("kept", _) => "there and true".to_owned(),
        ("yours", "") => "kept yours, a file that Hearth did not fetch".to_owned(),
        ("yours", why) => format!("left, it is yours now: {why}"),
        ("absent", why) => format!("not to be had: {why}"),
        (_, why) => format!("failed: {why}"),
    };
    format!("{name}: {what}")
}
