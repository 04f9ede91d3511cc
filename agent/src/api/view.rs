//! Records and events as programs read them, and queries as they are written.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::problem::Problem;
use crate::event::{Stamped, line};
use crate::id::MachineId;
use crate::limits;
use crate::machine::{Phase, Record};
use crate::percent::decoded_text;
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

/// The word for what kind of event it is.
pub fn kind(event: &Stamped) -> String {
    let value = serde_json::to_value(&event.event).unwrap_or_default();
    value["kind"].as_str().unwrap_or_default().to_owned()
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
        .map(|(key, value)| (decoded_text(key), decoded_text(value)))
        .collect()
}

/// A number of a query.
///
/// # Errors
/// It is something else.
fn number(pairs: &BTreeMap<String, String>, key: &str) -> Result<Option<u64>, Problem> {
    let Some(text) = pairs.get(key) else {
        return Ok(None);
    };
    let number = text.parse().ok().filter(|_| !text.starts_with('+'));
    // The database has no greater ones.
    let number = number.filter(|&number| number <= i64::MAX as u64);
    let wrong = || Problem::wrong(&format!("{key} must be a number, and is {text:?}"));
    number.map(Some).ok_or_else(wrong)
}

/// Whether a key is there, alone or with `true`.
fn flag(pairs: &BTreeMap<String, String>, key: &str) -> Result<bool, Problem> {
    match pairs.get(key).map(String::as_str) {
        None | Some("false") => Ok(false),
        Some("" | "true") => Ok(true),
        Some(other) => Err(Problem::wrong(&format!(
            "{key} must be true or false, and is {other:?}"
        ))),
    }
}

/// How many are wanted at most.
///
/// # Errors
/// Not a number from 1 to [`limits::PAGE`].
pub fn limit(pairs: &BTreeMap<String, String>) -> Result<usize, Problem> {
    match number(pairs, "limit")? {
        None => Ok(limits::PAGE),
        Some(limit) if (1..=limits::PAGE as u64).contains(&limit) => Ok(limit as usize),
        Some(limit) => Err(Problem::wrong(&format!(
            "limit must be 1 to {}, and is {limit}",
            limits::PAGE
        ))),
    }
}

/// The events that a query asks for: `machine`, `kind`, `after`, `before`, `since`, `limit`, `newest`.
pub fn filter(query: &str) -> Result<EventFilter, Problem> {
    let pairs = pairs(query);
    let number = |key: &str| number(&pairs, key);
    let limit = limit(&pairs)?;
    Ok(EventFilter {
        machine: number("machine")?.map(MachineId),
        kind: pairs.get("kind").cloned(),
        after: number("after")?,
        before: number("before")?,
        since: number("since")?,
        newest_first: flag(&pairs, "newest")?,
        limit,
    })
}
