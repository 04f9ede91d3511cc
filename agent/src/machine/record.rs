//! What Hearth knows of one machine: who it is, what it said of itself, where it is on its way, and
//! what a person said about it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Facts;
use super::phase::Phase;
use crate::config::{Config, LocalBoot, Name};
use crate::event::Event;
use crate::id::MachineId;
use crate::limits;
use crate::mac::Mac;
use crate::uuid::Uuid;

/// One machine that was met or declared. Times are milliseconds since 1970. As JSON it is without the
/// parts that say nothing: a start reads every byte of every machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its number.
    pub id: MachineId,
    /// Its UUID, as it said it first; both byte orders are this machine.
    pub uuid: Option<Uuid>,
    /// Every card of it that was seen, the one it booted from last first; at most
    /// [`crate::limits::MACHINE_MACS`].
    pub macs: Vec<Mac>,
    /// The name of the declared machine that it is, as of the last time it asked.
    pub declared: Option<Name>,
    /// The name that a person gave it by the API; a declared name counts more.
    pub given_name: Option<Name>,
    /// What it said of itself last.
    pub facts: Facts,
    /// Where it is.
    pub phase: Phase,
    /// Since when.
    pub since: u64,
    /// When it was met.
    pub first_seen: u64,
    /// When it was last heard of.
    pub last_seen: u64,
    /// The address that it last asked from.
    pub address: Option<IpAddr>,
    /// What a person said about it: nothing, of most.
    #[serde(default, skip_serializing_if = "is_default")]
    pub wishes: Wishes,
    /// What was learnt of it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub learnt: Learnt,
    /// The policy with a limit that it is counted for.
    pub policy: Option<String>,
}

/// What a person said about a machine by the API or the command line. What is declared in the
/// configuration counts where nothing is said here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wishes {
    /// The profile it gets; counts more than the declared one and than policies.
    pub profile: Option<Name>,
    /// A profile for its next boot only, whatever its phase: rescue, or a boot of another system.
    pub once: Option<Name>,
    /// A person holds it.
    pub held: bool,
    /// It was approved: neither `server.unknown = "hold"` nor a policy with `approval` holds it.
    pub approved: bool,
    /// The loader it gets.
    pub loader: Option<String>,
    /// How its disk is started.
    pub local_boot: Option<LocalBoot>,
    /// Words to find it by, and for policies.
    pub tags: BTreeSet<Name>,
    /// For people.
    pub notes: String,
}

/// What was learnt of a machine from what happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Learnt {
    /// The loader it gets since another one stalled, and why.
    pub loader: Option<(String, String)>,
    /// How its disk is started since the usual way brought it back at once, and why.
    pub local_boot: Option<(LocalBoot, String)>,
    /// When it was last sent to its disk.
    pub sent_local: Option<u64>,
    /// The card that it had booted from then: a firmware that goes on to its next card is not back.
    pub sent_local_card: Option<Mac>,
    /// The profile that it was sent for one boot only, and when: while that boot lasts it gets the
    /// files, and asking again gets the same.
    pub sent_once: Option<(Name, u64)>,
    /// Loader transfers in a row that stalled, by the name of the loader.
    pub stalls: Option<(String, u32)>,
    /// The profile that was installed when a person held or ignored it: what is on its disk outlives that.
    pub on_disk: Option<Name>,
}

impl Learnt {
    /// It was sent a one-time boot, and that boot may still be loading its files.
    pub fn is_booted_once(&self, now: u64) -> bool {
        let sent = self
            .sent_once
            .as_ref()
            .and_then(|(_, at)| now.checked_sub(*at));
        sent.is_some_and(|age| u128::from(age) < limits::ONCE_LASTS.as_millis())
    }
}

impl Record {
    /// One of which nothing is known.
    pub fn new(id: MachineId, now: u64) -> Record {
        Record {
            id,
            uuid: None,
            macs: Vec::new(),
            declared: None,
            given_name: None,
            facts: Facts::default(),
            phase: Phase::default(),
            since: now,
            first_seen: now,
            last_seen: now,
            address: None,
            wishes: Wishes::default(),
            learnt: Learnt::default(),
            policy: None,
        }
    }

    /// Goes into a phase; the event is there if it is another one.
    pub fn enter(&mut self, phase: Phase, reason: String, now: u64) -> Option<Event> {
        let (from, to) = (self.phase.word(), phase.word());
        self.phase = phase;
        (from != to).then(|| {
            self.since = now;
            Event::Phase { from, to, reason }
        })
    }

    /// What people call it: its declared name, the name given to it, its MAC, its UUID, its number.
    pub fn label(&self) -> String {
        self.name()
            .map(Name::to_string)
            .or_else(|| self.macs.first().map(Mac::to_string))
            .or_else(|| self.uuid.map(|uuid| uuid.to_string()))
            .unwrap_or_else(|| format!("machine {}", self.id))
    }

    /// Its name: the declared one, else the one given to it.
    pub fn name(&self) -> Option<&Name> {
        self.declared.as_ref().or(self.given_name.as_ref())
    }

    /// It gets this profile from now on: a place in a policy's limit that it had is free again, unless
    /// that is what the policy gives.
    pub fn leaves_place(&mut self, profile: &Name, config: &Config) {
        let counted = self.policy.as_deref();
        let mut policies = config.policies.iter();
        let policy = policies.find(|policy| Some(policy.name.as_str()) == counted);
        if policy.is_none_or(|policy| policy.profile != *profile) {
            self.policy = None;
        }
    }

    /// Cuts what could grow for ever: whatever a machine, a person or a program puts in, a record
    /// stays within a few kilobytes.
    pub fn bound(&mut self) {
        let mut macs = Vec::with_capacity(self.macs.len().min(limits::MACHINE_MACS));
        for mac in &self.macs {
            if macs.len() < limits::MACHINE_MACS && !macs.contains(mac) {
                macs.push(*mac);
            }
        }
        self.macs = macs;
        self.facts.bound();
        cut(&mut self.wishes.notes, limits::NOTES_BYTES);
        while self.wishes.tags.len() > limits::TAGS {
            self.wishes.tags.pop_last();
        }
        let names = [
            self.wishes.loader.as_mut(),
            self.learnt.loader.as_mut().map(|(name, _)| name),
            self.learnt.stalls.as_mut().map(|(name, _)| name),
        ];
        for name in names.into_iter().flatten() {
            cut(name, limits::NAME_BYTES);
        }
        let failed = match &mut self.phase {
            Phase::Failed { reason } => Some(reason),
            _ => None,
        };
        let reasons = [
            self.learnt.loader.as_mut().map(|(_, why)| why),
            self.learnt.local_boot.as_mut().map(|(_, why)| why),
            failed,
        ];
        for reason in reasons.into_iter().flatten() {
            cut(reason, limits::REASON_BYTES);
        }
    }
}

fn is_default<T: Default + PartialEq>(part: &T) -> bool {
    *part == T::default()
}

/// Cuts a text between two characters, and gives back the room that it does not need.
pub(super) fn cut(text: &mut String, bytes: usize) {
    text.truncate(text.floor_char_boundary(bytes));
    text.shrink_to_fit();
}
