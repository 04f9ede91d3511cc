//! Records and events as programs read them, and queries as they are written.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::problem::Problem;
use crate::event::{Stamped, line};
use crate::id::MachineId;
use crate::limits;
use crate::machine::{Phase, Record};
use crate::store::EventFilter;

/// A machine, with the words that people use for it.
pub fn machine(record: &Record) -> Value {
    let mut value = serde_json::to_value(record).unwrap_or_default();
    // The store leaves out what says nothing; programs find every key.
    value["wishes"] = json!(record.wishes);
    value["learnt"] = json!(record.learnt);
    value["label"] = record.label().into();
    let phase = record.phase.word();
    // The hash of a token is nobody's business, and says nothing.
    if let Phase::Installing(_) = record.phase
        && let Some(phase) = value["phase"].as_object_mut()
    {
        phase.remove("token");
    }
    value["detail"] = value["phase"].take();
    value["phase"] = phase.as_str().into();
    value
}

/// An event, with its sentence.
pub fn event(event: &Stamped) -> Value {
    let mut value = serde_json::to_value(event).unwrap_or_default();
    value["text"] = line::line(&event.event).into();
    value
}

/// The events of a machine that a timeline is made of.
pub fn last_events(machine: MachineId) -> EventFilter {
    EventFilter {
        machine: Some(machine),
        newest_first: true,
        limit: limits::EVENTS_OF_MACHINE,
        ..EventFilter::default()
    }
}

/// A query's pairs; of a key that comes twice the last counts.
pub fn pairs(query: &str) -> BTreeMap<String, String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (decoded(key.as_bytes()), decoded(value.as_bytes())))
        .collect()
}

/// The events that a query asks for: `machine`, `kind`, `after`, `before`, `since`, `limit`, `newest`.
pub fn filter(query: &str) -> Result<EventFilter, Problem> {
    let pairs = pairs(query);
    let number = |key: &str| match pairs.get(key) {
        None => Ok(None),
        Some(text) => text
            .parse::<u64>()
            .map(Some)
            .map_err(|_| Problem::wrong(&format!("{key} must be a number, and is {text:?}"))),
    };
    let limit = number("limit")?.map_or(limits::PAGE, |limit| limit as usize);
    Ok(EventFilter {
        machine: number("machine")?.map(MachineId),
        kind: pairs.get("kind").cloned(),
        after: number("after")?,
        before: number("before")?,
        since: number("since")?,
        newest_first: pairs.contains_key("newest"),
        limit: limit.clamp(1, limits::PAGE),
    })
}

/// Undoes percent-encoding (RFC 3986 section 2.1); a `%` without two digits stands for itself.
pub fn decoded(bytes: &[u8]) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (mut decoded, mut at) = (Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// A page of machines, and where the next begins.
pub fn page(machines: &[Value], next: Option<MachineId>) -> Value {
    json!({ "machines": machines, "next": next })
}
