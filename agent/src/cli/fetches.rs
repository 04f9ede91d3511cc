//! `hearth fetches`: what the agent fetches, or did.

use std::path::Path;

use serde_json::Value;

use super::args::Fetches;
use super::client::Client;
use super::exit::Failed;
use super::print;
use super::table::{bytes, table};
use super::value::{items, list as all, text, when};
use super::view::{self, View};
use crate::limits;

pub fn fetches(path: &Path, command: &Fetches) -> Result<u8, Failed> {
    match command {
        Fetches::List { output } => {
            let view = View {
                ask: &|client| client.get("fetches"),
                people: &list,
                every: limits::WATCH_COUNTERS,
            };
            view::show(path, *output, &view)
        }
        Fetches::Show { fetch, output } => {
            let view = View {
                ask: &|client| client.get(&format!("fetches/{fetch}")),
                people: &one,
                every: limits::WATCH_COUNTERS,
            };
            view::show(path, *output, &view)
        }
        Fetches::Cancel { fetch, json } => {
            let answer = Client::of(path).delete(&format!("fetches/{fetch}"))?;
            match json {
                true => print(&format!("{answer:#}\n"))?,
                false => print(&match answer["ended"].is_null() {
                    true => format!("fetch {fetch} is told to end\n"),
                    false => format!("fetch {fetch} had ended: {}\n", text(&answer["state"])),
                })?,
            }
            Ok(0)
        }
    }
}

fn list(answer: &Value) -> String {
    let row = |fetch: &Value| {
        let came = items(&fetch["files"]).filter_map(|file| file["bytes"].as_u64());
        vec![
            text(&fetch["id"]),
            state(fetch),
            names(fetch),
            bytes(came.sum()),
            when(&fetch["began"]),
            when(&fetch["ended"]),
            text(&fetch["who"]),
        ]
    };
    let rows: Vec<_> = items(&answer["fetches"]).map(row).collect();
    if rows.is_empty() {
        return "the agent has fetched nothing since it was started\n".to_owned();
    }
    let heading = ["FETCH", "STATE", "WHAT", "BYTES", "BEGAN", "ENDED", "WHO"];
    table(&heading, &rows)
}

fn names(fetch: &Value) -> String {
    match all(&fetch["names"]).as_str() {
        "" => "everything".to_owned(),
        names => names.to_owned(),
    }
}

/// The state, and the end's reason.
fn state(fetch: &Value) -> String {
    let state = text(&fetch["state"]);
    match text(&fetch["error"]).as_str() {
        "" => state,
        error => format!("{state}: {error}"),
    }
}

fn one(fetch: &Value) -> String {
    let (id, names) = (text(&fetch["id"]), names(fetch));
    let mut lines = format!("fetch {id} of {names}: {}\n", state(fetch));
    let row = |file: &Value| {
        let number = |key: &str| file[key].as_u64();
        let come = match (number("bytes"), number("total")) {
            (Some(come), Some(total)) if come != total => {
                format!("{} of {}", bytes(come), bytes(total))
            }
            (come, _) => bytes(come.unwrap_or(0)),
        };
        let rate = number("rate").filter(|rate| *rate > 0);
        let rate = rate.map_or_else(String::new, |rate| format!("{}/s", bytes(rate)));
        vec![text(&file["name"]), come, rate, state(file)]
    };
    let rows: Vec<_> = items(&fetch["files"]).map(row).collect();
    if !rows.is_empty() {
        lines.push('\n');
        lines.push_str(&table(&["FILE", "BYTES", "RATE", "STATE"], &rows));
    }
    if let Some(note) = fetch["note"].as_str() {
        lines.push_str(&format!("\nlast note: {note}\n"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fetch_is_shown_with_how_far_it_is() {
        let file = |name: &str, state: &str, come: u64, total: u64| json!({"name": name, "state": state, "bytes": come, "total": total, "rate": 0});
        let fetch = json!({
            "id": 3, "names": ["talos"], "state": "running", "who": "root", "began": 0, "ended": null,
            "error": null, "note": "trying again in 1 s",
            "files": [file("a/vmlinuz", "fetched", 2_000_000, 2_000_000),
                file("a/initramfs", "running", 1_000_000, 4_000_000)],
        });
        assert_eq!(
            one(&fetch),
            "fetch 3 of talos: running\n\n\
             FILE         BYTES             RATE  STATE\n\
             a/vmlinuz    2.0 MB                  fetched\n\
             a/initramfs  1.0 MB of 4.0 MB        running\n\n\
             last note: trying again in 1 s\n"
        );
        let shown = list(&json!({ "fetches": [fetch] }));
        assert!(
            shown.contains("3      running  talos  3.0 MB  1970-01-01 00:00:00"),
            "{shown}"
        );
    }
}
