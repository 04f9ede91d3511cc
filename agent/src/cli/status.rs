//! `hearth status`: asks the running agent over its control socket.

use std::path::Path;

use serde_json::Value;

use super::exit::Failed;
use super::table::{bytes, time};
use super::value::{items, list, text};
use super::view::{self, Output, View};
use crate::{daemon, limits, stamp};

/// How many events people are shown; programs get all.
const EVENTS: usize = 15;

pub fn status(path: &Path, output: Output) -> Result<u8, Failed> {
    let view = View {
        ask: &|client| client.get("status"),
        people: &people,
        every: limits::WATCH_COUNTERS,
    };
    view::show(path, output, &view)
}

fn people(status: &Value) -> String {
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let mut lines = vec![
        format!(
            "hearth {}, process {}, up {}",
            text(&status["version"]),
            status["process"],
            time(number(&status["uptime"]))
        ),
        format!(
            "listening on  {} (TFTP {}, HTTP {})",
            list(&status["addresses"]),
            status["tftp_port"],
            status["http_port"]
        ),
        format!("configuration {}", list(&status["configuration"]["files"])),
        format!(
            "declared      {} machines, {} profiles, {} policies",
            status["declared"]["machines"],
            status["declared"]["profiles"],
            status["declared"]["policies"]
        ),
        format!(
            "files         {} in {}",
            status["files"],
            text(&status["root"])
        ),
        format!("loaders       {}", states(&status["loaders"])),
        format!("images        {}", states(&status["images"])),
    ];
    let (tftp, http) = (&status["tftp"], &status["http"]);
    lines.push(format!(
        "TFTP          {} now, {}, {} packets sent again",
        tftp["active"],
        totals(tftp),
        tftp["repeats"]
    ));
    lines.push(format!(
        "HTTP          {} of {} connections now, {}, {} sent away for a while",
        http["connections"],
        http["limit"],
        totals(http),
        http["turned_away"]
    ));
    lines.push(format!("scripts       {}", status["scripts"]));
    let refused = &status["configuration"]["refused"];
    if let Some(error) = refused["error"].as_str() {
        let when = date(&refused["time"]);
        lines.push(format!(
            "\nthe reload of {when} was refused, the old configuration is in force:\n{error}"
        ));
    }
    let wanting = items(&status["loaders"]).chain(items(&status["images"]));
    let wanting = wanting.filter(|one| one["state"] == "missing");
    let wanting = wanting.map(|one| {
        format!(
            "{} is missing; {}",
            text(&one["name"]),
            text(&one["remedy"])
        )
    });
    let failed = items(&status["fetches"]["findings"]);
    let failed = failed.map(|one| format!("{}; {}", text(&one["sentence"]), text(&one["remedy"])));
    let warnings = items(&status["warnings"]).map(text);
    let waits = items(&status["waits_for"]).filter_map(|one| one.as_str()?.parse().ok());
    let waits = waits.map(|address| daemon::waits(&address));
    let warnings = waits.chain(warnings).chain(failed).chain(wanting);
    section(&mut lines, "to do", warnings.collect());
    let events: Vec<_> = items(&status["events"])
        .map(|event| format!("{} {}", date(&event["time"]), text(&event["text"])))
        .collect();
    let newest = events.len().saturating_sub(EVENTS);
    section(&mut lines, "last events", events[newest..].to_vec());
    lines.join("\n") + "\n"
}

fn section(lines: &mut Vec<String>, heading: &str, content: Vec<String>) {
    if !content.is_empty() {
        lines.push(format!("\n{heading}:"));
        lines.extend(content.into_iter().map(|line| format!("  {line}")));
    }
}

fn totals(totals: &Value) -> String {
    let all = totals["bytes"].as_u64().unwrap_or(0);
    format!(
        "{} transfers, {} failed, {}",
        totals["transfers"],
        totals["failed"],
        bytes(all)
    )
}

fn states(list: &Value) -> String {
    let all = items(list).count();
    let ready = items(list).filter(|one| one["state"] == "ready").count();
    format!("{ready} of {all} ready")
}

fn date(seconds: &Value) -> String {
    stamp::from_seconds(seconds.as_u64().unwrap_or(0)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn people_are_told_what_to_do() {
        let status = json!({
            "version": "0.1.0", "process": 7, "uptime": 61, "addresses": ["192.168.1.1"],
            "tftp_port": 69, "http_port": 8069, "root": "/usr/local/tftp", "files": 3, "scripts": 2,
            "configuration": {"files": ["/a.toml"], "refused": {"time": 0, "error": "a.toml:1:1: no"}},
            "declared": {"machines": 1, "profiles": 1, "policies": 0},
            "warnings": [], "loaders": [{"name": "snponly.efi", "state": "ready"}],
            "images": [{"name": "talos", "state": "missing", "remedy": "run `hearth fetch talos`"}],
            "tftp": {"active": 0, "transfers": 4, "failed": 1, "bytes": 2_000_000, "repeats": 0},
            "http": {"connections": 1, "limit": 9, "transfers": 0, "failed": 0, "bytes": 0,
                "turned_away": 0},
            "events": [{"time": 0, "text": "oden at 192.168.1.171 gets menu: unknown"}],
        });
        let shown = people(&status);
        for line in [
            "hearth 0.1.0, process 7, up 1 min 1 s",
            "images        0 of 1 ready",
            "TFTP          0 now, 4 transfers, 1 failed, 2.0 MB, 0 packets sent again",
            "a.toml:1:1: no",
            "  talos is missing; run `hearth fetch talos`",
            "  1970-01-01T00:00:00Z oden at 192.168.1.171 gets menu: unknown",
        ] {
            assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
        }
    }
}
