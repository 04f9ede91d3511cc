//! A timeline as people read it: 80 columns, no colour.

use std::time::Duration;

use serde_json::{Value, json};

use super::boots::{Boot, boots, stage};
use super::finding::{Finding, Severity};
use crate::event::{Dhcp, DhcpMessage, Event, Outcome, Report, Stamped, line};
use crate::stamp;

/// Columns of a line.
const WIDTH: usize = 80;
/// Columns in front of what happened.
const INDENT: usize = 12;

/// The boots of a machine, the newest last, at most `many` of them, and what is wrong now.
pub fn people(name: &str, events: &[Stamped], findings: &[Finding], many: usize) -> String {
    let boots = boots(events);
    let mut text = String::new();
    if boots.is_empty() {
        text.push_str(&format!("{name}: nothing happened yet\n"));
    }
    let skipped = boots.len().saturating_sub(many.max(1));
    if skipped > 0 {
        text.push_str(&format!(
            "{skipped} earlier boots are left out (--all shows them)\n\n"
        ));
    }
    for boot in &boots[skipped..] {
        let when = stamp::plain(boot.began() / 1000);
        text.push_str(&format!("{name}, boot of {when} UTC\n\n"));
        for event in &boot.events {
            let marked = findings.iter().any(|finding| {
                finding.severity == Severity::Error && finding.evidence.contains(&event.seq)
            });
            text.push_str(&row(boot, event, marked));
        }
        text.push('\n');
    }
    for finding in findings {
        text.push_str(&found(finding));
    }
    text
}

fn row(boot: &Boot, event: &Stamped, marked: bool) -> String {
    let time = event.at.saturating_sub(boot.began());
    let mark = if marked { '!' } else { ' ' };
    let time = match time {
        0..600_000 => format!("{:>7.1} s", time as f64 / 1000.0),
        _ => format!("{:>5} min", time / 60_000),
    };
    let (what, figures) = told(&event.event);
    let start = format!("{mark}{time}  ");
    let mut lines = wrapped(&what, WIDTH - INDENT);
    let Some(figures) = figures else {
        return block(&start, &lines);
    };
    // Figures stand at the end of the last line if it has room, else on one of their own.
    let last = lines.pop().unwrap_or_default();
    let room = WIDTH - INDENT - figures.len();
    if last.chars().count() + 2 <= room {
        let gap = room - last.chars().count();
        lines.push(format!("{last}{}{figures}", " ".repeat(gap)));
    } else {
        lines.push(last);
        lines.push(format!("{}{figures}", " ".repeat(room)));
    }
    block(&start, &lines)
}

fn block(start: &str, lines: &[String]) -> String {
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let start = if number == 0 {
            start
        } else {
            &" ".repeat(INDENT)
        };
        text.push_str(format!("{start}{line}").trim_end());
        text.push('\n');
    }
    text
}

fn found(finding: &Finding) -> String {
    let word = match finding.severity {
        Severity::Error => "why",
        Severity::Warning => "note",
        Severity::Notice => "waits",
    };
    let mut text = String::new();
    let what = format!("{} [{}]", finding.sentence, finding.code);
    text.push_str(&block(
        &format!("{word:>10}  "),
        &wrapped(&what, WIDTH - INDENT),
    ));
    text.push_str(&block(
        &format!("{:>10}  ", "do"),
        &wrapped(&finding.remedy, WIDTH - INDENT),
    ));
    text.push('\n');
    text
}

/// What happened, and bytes, time and rate if it was a transfer.
fn told(event: &Event) -> (String, Option<String>) {
    let text = match event {
        Event::Transfer {
            via,
            name,
            bytes,
            size,
            took,
            outcome,
            ..
        } => {
            let what = format!("{name} by {}", line::word(*via));
            let of = size.unwrap_or(*bytes);
            return match outcome {
                Outcome::Done => (what, Some(figures(*bytes, *took))),
                Outcome::Sent => (what, Some(figures(of, *took))),
                Outcome::Probe => (format!("asks how large {name} is"), None),
                Outcome::NotFound => (format!("{name}: there is no such file"), None),
                Outcome::Refused(why) => (format!("{name} refused: {why}"), None),
                Outcome::Failed(why) => {
                    let what = format!("{what} broke off: {why}");
                    (
                        what,
                        Some(format!("{} of {}", grouped(*bytes), grouped(of))),
                    )
                }
            };
        }
        Event::Dhcp(dhcp) => heard(dhcp),
        Event::Script {
            decision, reason, ..
        } => format!("decided: {decision} ({reason})"),
        Event::Phase { from, to, reason } => format!("{from} -> {to}: {reason}"),
        Event::Answer {
            name, bytes, error, ..
        } => match error {
            None => format!("answer {name} given, {} bytes", grouped(*bytes)),
            Some(error) => format!("answer {name} could not be given: {error}"),
        },
        Event::Report { report, text } => match report {
            Report::Done => format!("installer: done {text}"),
            Report::Failed => format!("installer failed: {text}"),
            Report::Log => format!("installer: {text}"),
        },
        other => line::line(other),
    };
    (text.trim_end().to_owned(), None)
}

fn heard(dhcp: &Dhcp) -> String {
    let Some(server) = dhcp.server else {
        let who = match (dhcp.is_ipxe, dhcp.architectures.first()) {
            (true, _) => "iPXE".to_owned(),
            (false, Some(architecture)) => format!("firmware (architecture {architecture})"),
            (false, None) => "the system".to_owned(),
        };
        return match dhcp.message {
            DhcpMessage::Discover => format!("{who} looks for a DHCP server"),
            DhcpMessage::Request => format!("{who} asks for its address"),
            DhcpMessage::Decline => format!("{who} refuses its address: another machine has it"),
            DhcpMessage::Release => format!("{who} gives its address back"),
            _ => format!("{who} asks a DHCP server"),
        };
    };
    let mut text = match (dhcp.message, dhcp.address) {
        (DhcpMessage::Offer, Some(address)) => format!("{server} offers {address}"),
        (DhcpMessage::Offer, None) => format!("{server} offers boot fields"),
        (DhcpMessage::Ack, Some(address)) => format!("{server} gives {address}"),
        (DhcpMessage::Nak, _) => format!("{server} refuses the address"),
        _ => format!("{server} answers"),
    };
    if let Some(file) = &dhcp.file {
        text.push_str(&format!(", file {file}"));
        if let Some(next) = &dhcp.next_server {
            text.push_str(&format!(" from {next}"));
        }
    }
    text
}

fn figures(bytes: u64, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    let rate = bytes as f64 / seconds.max(1e-6) / 1e6;
    format!("{} bytes {seconds:>6.1} s {rate:>6.1} MB/s", grouped(bytes))
}

/// A number with a comma between groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Words put into lines of at most so many characters; a longer word has a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The same for programs: boots with their events, each with its text and stage.
pub fn programs(events: &[Stamped], findings: &[Finding]) -> Value {
    let boots = boots(events).into_iter().map(|boot| {
        let events = boot.events.iter().map(|event| {
            let mut value = serde_json::to_value(event).unwrap_or_default();
            value["text"] = told(&event.event).0.into();
            value["offset"] = event.at.saturating_sub(boot.began()).into();
            value["stage"] = stage(&event.event).map(|stage| format!("{stage:?}").to_lowercase()).into();
            value
        });
        json!({ "began": boot.began(), "ended": boot.ended(), "events": events.collect::<Vec<_>>() })
    });
    json!({ "boots": boots.collect::<Vec<_>>(), "findings": findings })
}
