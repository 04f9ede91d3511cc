//! What the store keeps, as plain types.

use crate::id::MachineId;
use crate::limits;
use crate::uuid::Uuid;

/// A machine. What a person looks for who opens the file has a column; the record itself is JSON that
/// the store does not look into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineRow {
    /// Its number.
    pub id: MachineId,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its UUID.
    pub uuid: Option<Uuid>,
    /// Its phase, in a word.
    pub phase: String,
    /// Milliseconds since 1970.
    pub last_seen: u64,
    /// The whole record as JSON.
    pub data: String,
}

/// A machine as it is read at a start: its columns only repeat what is in its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptMachine {
    /// Its number.
    pub id: MachineId,
    /// The whole record as JSON.
    pub data: String,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Its number, in the order of arrival.
    pub seq: u64,
    /// Milliseconds since 1970.
    pub at: u64,
    /// The machine, if it is known.
    pub machine: Option<MachineId>,
    /// What kind of event.
    pub kind: String,
    /// The whole event as JSON.
    pub data: String,
}

/// A token of the control side; the token itself is nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Its name.
    pub name: String,
    /// sha256 of the token, as hexadecimal digits.
    pub hash: String,
    /// `read`, `operate` or `admin`.
    pub role: String,
    /// Milliseconds since 1970.
    pub created: u64,
    /// When it ends, if it does.
    pub expires: Option<u64>,
}

/// One change made by a person or program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number; 0 when it is written.
    pub seq: u64,
    /// Milliseconds since 1970.
    pub at: u64,
    /// Who.
    pub who: String,
    /// What, as JSON.
    pub what: String,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Inserts the machine, or replaces it.
    Machine(Box<MachineRow>),
    /// Removes the machine; its events stay until they are pruned.
    Forget(MachineId),
    /// Makes the events of one machine those of another, and removes it.
    Merge {
        /// The machine that stays.
        into: MachineId,
        /// The machine that is no more.
        from: MachineId,
    },
    /// Appends an event.
    Event(EventRow),
    /// Inserts or replaces a token by its name.
    Token(TokenRow),
    /// Removes a token.
    Revoke(String),
    /// Appends to the audit log; the store numbers it.
    Audit(AuditRow),
}

impl Write {
    /// Whether it is an event, without which a timeline is shorter and nothing else.
    pub fn is_event(&self) -> bool {
        matches!(self, Write::Event(_))
    }

    /// Whether it is in force only once it is written, so that who wants it can be told that it is not.
    pub fn can_be_refused(&self) -> bool {
        matches!(
            self,
            Write::Event(_) | Write::Token(_) | Write::Revoke(_) | Write::Audit(_)
        )
    }

    /// About how many bytes of memory it takes while it waits.
    pub fn bytes(&self) -> usize {
        limits::STORE_OVERHEAD
            + match self {
                Write::Machine(row) => row.data.len(),
                Write::Event(row) => row.data.len(),
                Write::Audit(row) => row.who.len() + row.what.len(),
                Write::Token(_) | Write::Revoke(_) | Write::Forget(_) | Write::Merge { .. } => 0,
            }
    }
}

/// What waits to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Changes.
    pub changes: usize,
    /// Bytes of memory that they take, about.
    pub bytes: usize,
    /// Events that found no room since the start.
    pub events_dropped: u64,
}

/// What was in the store when it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Every machine, by number.
    pub machines: Vec<KeptMachine>,
    /// Every token.
    pub tokens: Vec<TokenRow>,
    /// The number that the next event gets.
    pub next_seq: u64,
    /// The number that the next machine gets: above every one that was ever given.
    pub next_machine: u64,
    /// When the last event happened, in milliseconds since 1970.
    pub last_event: Option<u64>,
}

/// Which events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of this machine.
    pub machine: Option<MachineId>,
    /// Of this kind.
    pub kind: Option<String>,
    /// With a greater number.
    pub after: Option<u64>,
    /// With a smaller number.
    pub before: Option<u64>,
    /// Not before this time, in milliseconds since 1970.
    pub since: Option<u64>,
    /// The newest of them first.
    pub newest_first: bool,
    /// At most so many.
    pub limit: usize,
}
