//! A finding: a named diagnosis with its evidence and its remedy.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

use super::boots::{Boot, boots};
use super::rules;
use crate::event::{Stamped, Word};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The machine did not boot.
    Error,
    /// It boots, and something is not as it should be.
    Warning,
    /// A person is waited for.
    Notice,
}

/// A named diagnosis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its name, which never changes.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong, in a sentence.
    pub sentence: String,
    /// What to do.
    pub remedy: String,
    /// The numbers of the events that show it.
    pub evidence: Vec<u64>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.sentence)
    }
}

/// What is known beside the events.
#[derive(Clone, Debug)]
pub struct Context {
    /// Milliseconds since 1970.
    pub now: u64,
    /// A file is on its way to it. It is an event at its end only, and what follows it is not late yet.
    pub is_sent: bool,
    /// The addresses that Hearth serves at.
    pub ours: Vec<IpAddr>,
    /// DHCP is listened to, so that what was not heard was not said.
    pub hears_dhcp: bool,
    /// The machine's phase.
    pub phase: Word,
    /// Why it is in it, where that is known.
    pub phase_reason: String,
    /// The last file that its script loads.
    pub last_file: Option<String>,
    /// What is known of its network card, as advice.
    pub nic: Option<String>,
    /// The extension that its card needs and that the image which is meant for it lacks.
    pub nic_lacks: Option<&'static str>,
}

/// Everything that is wrong with a machine now: what its last boot shows. A later boot that passes a
/// step ends the finding of that step. The worst first.
pub fn findings(events: &[Stamped], context: &Context) -> Vec<Finding> {
    let boots = boots(events);
    let mut found: Vec<Finding> = match boots.split_last() {
        Some((last, before)) => rules::ALL
            .iter()
            .filter_map(|rule| rule(last, before, context))
            .collect(),
        None => Vec::new(),
    };
    found.sort_by_key(|finding| finding.severity);
    found
}

/// A rule: what the last boot shows, with those before it.
pub type Rule = fn(&Boot, &[Boot], &Context) -> Option<Finding>;
