//! Counters in the text form that Prometheus reads (its "Exposition formats", version 0.0.4).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::event::Word;

/// The bounds of the histogram of transfers, in seconds: a loader takes less than one, a kernel some, and
/// what takes minutes is worth a look.
pub const TRANSFER_SECONDS: [f64; 8] = [0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0];

/// Counters from the status, and how many machines are in each phase.
pub fn text(status: &Value, phases: &BTreeMap<Word, usize>, trouble: bool) -> String {
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, help: &str, rows: &[(String, f64)]| {
        text.push_str(&format!(
            "# HELP hearth_{name} {help}\n# TYPE hearth_{name} {kind}\n"
        ));
        for (labels, value) in rows {
            text.push_str(&format!("hearth_{name}{labels} {value}\n"));
        }
    };
    let number = |path: &str| status.pointer(path).and_then(Value::as_f64).unwrap_or(0.0);
    let one = |path: &str| vec![(String::new(), number(path))];
    let via = |key: &str| {
        let row = |via: &str| {
            (
                format!("{{via=\"{via}\"}}"),
                number(&format!("/{via}/{key}")),
            )
        };
        vec![row("tftp"), row("http")]
    };
    let version = status["version"].as_str().unwrap_or_default();
    family(
        "info",
        "gauge",
        "What runs.",
        &[(format!("{{version=\"{version}\"}}"), 1.0)],
    );
    family(
        "start_time_seconds",
        "gauge",
        "When it started, in seconds since 1970.",
        &one("/started"),
    );
    let machines: Vec<_> = Word::ALL
        .iter()
        .map(|word| {
            let count = phases.get(word).copied().unwrap_or(0);
            (format!("{{phase=\"{word}\"}}"), count as f64)
        })
        .collect();
    family(
        "machines",
        "gauge",
        "Machines that are known, by phase.",
        &machines,
    );
    let decisions = status["decisions"].as_object().into_iter().flatten();
    let decisions: Vec<_> = decisions
        .map(|(word, count)| {
            let label = format!("{{decision=\"{word}\"}}");
            (label, count.as_f64().unwrap_or(0.0))
        })
        .collect();
    family(
        "decisions_total",
        "counter",
        "What machines got that asked what to do.",
        &decisions,
    );
    let rows = ["tftp", "http"].map(|via| histogram(via, &status[via]));
    family(
        "transfer_seconds",
        "histogram",
        "How long transfers took that went to their end.",
        &rows.concat(),
    );
    family(
        "transfers_total",
        "counter",
        "Transfers that ended.",
        &via("transfers"),
    );
    family(
        "transfers_failed_total",
        "counter",
        "Those that were refused or broken off.",
        &via("failed"),
    );
    family(
        "transfer_bytes_total",
        "counter",
        "Bytes that clients took.",
        &via("bytes"),
    );
    family(
        "tftp_transfers_active",
        "gauge",
        "TFTP transfers now.",
        &one("/tftp/active"),
    );
    family(
        "tftp_packets_repeated_total",
        "counter",
        "Packets sent again.",
        &one("/tftp/repeats"),
    );
    family(
        "http_connections",
        "gauge",
        "Connections now.",
        &one("/http/connections"),
    );
    family(
        "http_connections_limit",
        "gauge",
        "Connections at most.",
        &one("/http/limit"),
    );
    family(
        "http_requests_total",
        "counter",
        "Requests.",
        &one("/http/requests"),
    );
    family(
        "http_turned_away_total",
        "counter",
        "Clients that were told to come again.",
        &one("/http/turned_away"),
    );
    let hooks = status["webhooks"].as_array().map_or(&[][..], Vec::as_slice);
    for (key, name, help) in [
        (
            "sent",
            "webhook_events_total",
            "Events that a webhook took.",
        ),
        (
            "left_out",
            "webhook_events_left_out_total",
            "Events that a webhook did not take in the end.",
        ),
    ] {
        let row = |hook: &Value| {
            let label = hook["name"].as_str().unwrap_or_default();
            let count = hook[key].as_f64().unwrap_or(0.0);
            (format!("{{webhook=\"{label}\"}}"), count)
        };
        let rows: Vec<_> = hooks.iter().map(row).collect();
        family(name, "counter", help, &rows);
    }
    family(
        "fetches_running",
        "gauge",
        "Fetches in the agent now.",
        &one("/fetches/running"),
    );
    for (key, name, help) in [
        (
            "files",
            "fetched_files_total",
            "Files that the agent fetched.",
        ),
        (
            "failed",
            "fetches_failed_total",
            "Files and fetches that failed.",
        ),
        ("bytes", "fetched_bytes_total", "Bytes that came."),
    ] {
        family(
            name,
            "counter",
            help,
            &[(String::new(), number(&format!("/fetches/{key}")))],
        );
    }
    let refused = !status["configuration"]["refused"].is_null();
    family(
        "configuration_refused",
        "gauge",
        "The last reload was refused.",
        &[(String::new(), f64::from(u8::from(refused)))],
    );
    family(
        "database_trouble",
        "gauge",
        "Changes are kept in memory only.",
        &[(String::new(), f64::from(u8::from(trouble)))],
    );
    family(
        "database_waiting",
        "gauge",
        "Changes that wait for the disk.",
        &[(String::new(), number("/database/waiting"))],
    );
    family(
        "database_waiting_bytes",
        "gauge",
        "Bytes of memory that they take.",
        &[(String::new(), number("/database/waiting_bytes"))],
    );
    family(
        "events_dropped_total",
        "counter",
        "Events that are missing in timelines because the disk was slower than what happened.",
        &[(String::new(), number("/database/events_dropped"))],
    );
    text
}

/// The rows of one way's transfers: `took` are those within each bound, and all at last.
fn histogram(via: &str, totals: &Value) -> Vec<(String, f64)> {
    let took = totals["took"].as_array().map_or(&[][..], Vec::as_slice);
    let count = |place: usize| took.get(place).and_then(Value::as_f64).unwrap_or(0.0);
    let bounds = TRANSFER_SECONDS.map(|bound| bound.to_string());
    let bounds = bounds.iter().map(String::as_str).chain(["+Inf"]);
    let buckets = bounds.enumerate().map(|(place, bound)| {
        let name = format!("_bucket{{via=\"{via}\",le=\"{bound}\"}}");
        (name, count(place))
    });
    let mut rows: Vec<_> = buckets.collect();
    let seconds = totals["seconds"].as_f64().unwrap_or(0.0);
    rows.push((format!("_sum{{via=\"{via}\"}}"), seconds));
    rows.push((
        format!("_count{{via=\"{via}\"}}"),
        count(TRANSFER_SECONDS.len()),
    ));
    rows
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn decisions_and_durations_are_told_apart() {
        let status = json!({
            "decisions": { "install": 2, "menu": 1 },
            "tftp": { "seconds": 3.5, "took": [0, 1, 1, 1, 2, 2, 2, 2, 3] },
        });
        let text = text(&status, &BTreeMap::new(), false);
        for line in [
            "# TYPE hearth_transfer_seconds histogram",
            "hearth_decisions_total{decision=\"install\"} 2",
            "hearth_transfer_seconds_bucket{via=\"tftp\",le=\"0.1\"} 1",
            "hearth_transfer_seconds_bucket{via=\"tftp\",le=\"300\"} 2",
            "hearth_transfer_seconds_bucket{via=\"tftp\",le=\"+Inf\"} 3",
            "hearth_transfer_seconds_sum{via=\"tftp\"} 3.5",
            "hearth_transfer_seconds_count{via=\"tftp\"} 3",
            "hearth_transfer_seconds_count{via=\"http\"} 0",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
    }
}
