//! The rules. Each looks for one thing that goes wrong; docs/findings.md has a row for each.

mod after;
mod dhcp;
mod images;
mod loaders;

use std::time::Duration;

use super::boots::Boot;
use super::finding::{Context, Finding, Rule, Severity};
use crate::event::{Dhcp, Event, Outcome, Stamped};
use crate::limits;

/// All of them.
pub const ALL: [Rule; 23] = [
    dhcp::no_offer,
    dhcp::no_boot_file,
    dhcp::wrong_next_server,
    dhcp::options_66_67,
    dhcp::loader_never_asked,
    dhcp::other_dhcp_server,
    dhcp::wrong_architecture,
    loaders::loader_missing,
    loaders::loader_stalls,
    loaders::ipxe_loops,
    loaders::script_never_asked,
    images::not_fetched,
    images::image_missing,
    images::image_cut_off,
    images::image_never_asked,
    images::no_address,
    images::nic_needs_extension,
    after::back_after_local,
    after::answer_broken,
    after::installer_failed,
    after::waits,
    after::impostor,
    after::shared_identity,
];

fn found(
    code: &'static str,
    severity: Severity,
    evidence: &[&Stamped],
    sentence: impl Into<String>,
    remedy: impl Into<String>,
) -> Option<Finding> {
    Some(Finding {
        code,
        severity,
        sentence: sentence.into(),
        remedy: remedy.into(),
        evidence: evidence.iter().map(|event| event.seq).collect(),
    })
}

fn all<'a>(boot: &'a Boot, is_it: impl Fn(&Event) -> bool) -> Vec<&'a Stamped> {
    let events = boot.events.iter().copied();
    events.filter(|event| is_it(&event.event)).collect()
}

fn dhcp(event: &Stamped) -> Option<&Dhcp> {
    match &event.event {
        Event::Dhcp(dhcp) => Some(dhcp),
        _ => None,
    }
}

/// Time enough passed since an event that the next one should have come.
fn is_over(event: &Stamped, context: &Context) -> bool {
    is_over_for(limits::STEP_PATIENCE, event, context)
}

/// The same, for a step that may take this long.
fn is_over_for(patience: Duration, event: &Stamped, context: &Context) -> bool {
    let waited = context.now.saturating_sub(event.at);
    !context.is_sent && waited >= patience.as_millis() as u64
}

fn transfer(event: &Event) -> Option<(&str, &Outcome, u64)> {
    match event {
        Event::Transfer {
            name,
            outcome,
            bytes,
            ..
        } => Some((name, outcome, *bytes)),
        _ => None,
    }
}

fn went(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done | Outcome::Sent)
}

fn script(boot: &Boot) -> Option<(u64, String, String)> {
    boot.events
        .iter()
        .rev()
        .find_map(|event| match &event.event {
            Event::Script {
                decision, reason, ..
            } => Some((event.seq, decision.clone(), reason.clone())),
            _ => None,
        })
}
