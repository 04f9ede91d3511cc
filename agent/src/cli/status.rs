//! `hearth status`: asks the running agent over its control socket.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::Value;

use super::{Failed, print};
use crate::config::Config;
use crate::daemon::SOCKET;

/// Bytes of an answer that are read; a status has a few thousand.
const ANSWER_BYTES: u64 = 4 << 20;

pub fn status(config: &Config, json: bool) -> Result<u8, Failed> {
    let path = config.server.run.join(SOCKET);
    let answer = ask(&path).map_err(|error| {
        let text = format!(
            "asking the agent at {}: {error}; is it running?",
            path.display()
        );
        Failed::new(69, text)
    })?;
    if json {
        print(&format!("{answer:#}\n"))?;
    } else {
        print(&table(&answer))?;
    }
    Ok(0)
}

fn ask(path: &std::path::Path) -> std::io::Result<Value> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream
        .write_all(b"GET /api/v1/status HTTP/1.1\r\nHost: hearth\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.take(ANSWER_BYTES).read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    if !head.starts_with("HTTP/1.1 200 ") {
        let line = head.lines().next().unwrap_or_default();
        return Err(std::io::Error::other(format!("it answered {line:?}")));
    }
    serde_json::from_str(body).map_err(std::io::Error::from)
}

fn table(status: &Value) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let list = |value: &Value| {
        let items: Vec<String> = value.as_array().into_iter().flatten().map(text).collect();
        items.join(", ")
    };
    let mut lines = vec![
        format!(
            "hearth {}, up {} s",
            text(&status["version"]),
            status["uptime"]
        ),
        format!(
            "listening  {} (TFTP {}, HTTP {})",
            list(&status["addresses"]),
            status["tftp_port"],
            status["http_port"]
        ),
        format!("files      {}", status["files"]),
        format!("scripts    {}", status["scripts"]),
    ];
    for via in ["tftp", "http"] {
        let totals = &status[via];
        lines.push(format!(
            "{:<10} {} transfers, {} failed, {} bytes, {} packets sent again",
            via.to_uppercase(),
            totals["transfers"],
            totals["failed"],
            totals["bytes"],
            totals["repeats"]
        ));
    }
    if let Some(error) = status["reload_error"].as_str() {
        lines.push(format!("the last reload was refused: {error}"));
    }
    for missing in status["missing"].as_array().into_iter().flatten() {
        lines.push(format!(
            "{}; run `{}`",
            text(&missing["what"]),
            text(&missing["remedy"])
        ));
    }
    lines.extend(
        status["events"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|event| text(&event["event"])),
    );
    lines.join("\n") + "\n"
}
