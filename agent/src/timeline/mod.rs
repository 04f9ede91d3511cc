//! What happened to a machine, boot by boot ([`boots()`]), what of it went wrong and what to do
//! ([`finding`]), and how people read it ([`render`]); the boots that are under way ([`live`]); what is wrong with
//! fetches ([`fetch_findings()`]). Pure: events and a time go in.

pub mod boots;
mod fetches;
pub mod finding;
pub mod live;
pub mod render;
mod rules;

pub use boots::{Boot, boots};
pub use fetches::{failing, fetch_findings};
pub use finding::{Context, Finding, findings};

use crate::event::{Event, Stamped};

/// What was decided last, in the word of [`crate::boot::decide::Decision::word`].
pub fn decided(events: &[Stamped]) -> Option<&str> {
    events.iter().rev().find_map(|event| match &event.event {
        Event::Script { decision, .. } => Some(decision.as_str()),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
