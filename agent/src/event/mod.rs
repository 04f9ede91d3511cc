//! What happened: one value for each thing worth a line in a timeline. Events are kept in the
//! database as the JSON that serde makes of them, so a field may be added but never renamed.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::MachineId;
#[allow(unused_imports, reason = "for the documentation")]
use crate::limits;
use crate::mac::Mac;
use crate::uuid::Uuid;

mod cause;
mod dhcp;
mod forms;
pub mod line;
mod under_way;
mod word;

pub use cause::Cause;
pub use dhcp::{Dhcp, DhcpMessage};
pub use under_way::UnderWay;
pub use word::Word;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// A file went (or did not go) to a client; exactly one for each transfer, at its end.
    Transfer {
        /// By which protocol.
        via: Via,
        /// The client.
        #[serde(with = "forms::host")]
        peer: SocketAddr,
        /// The catalogue name, or what was asked for if it is in no catalogue (bounded, escaped).
        name: String,
        /// Payload bytes that the client has acknowledged or taken.
        bytes: u64,
        /// The whole file's size, if there is one.
        size: Option<u64>,
        /// First request to end.
        #[serde(rename = "seconds", with = "forms::seconds")]
        took: Duration,
        /// Packets sent again (TFTP).
        repeats: u32,
        /// How it ended.
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// A machine asked what to do.
    Script {
        /// The client.
        #[serde(with = "forms::host")]
        peer: SocketAddr,
        /// Who it is: a declared machine's name, else its MAC, else its address.
        #[serde(rename = "who")]
        machine: String,
        /// The decision in a word, with the profile if there is one.
        decision: String,
        /// Why.
        reason: String,
    },
    /// A DHCP message that was heard, of a client that boots from the network or of a known
    /// machine, or an answer to one.
    Dhcp(Dhcp),
    /// A machine's phase moved on.
    Phase {
        /// Before.
        from: Word,
        /// Now.
        to: Word,
        /// Why.
        reason: String,
    },
    /// A machine gets another loader than it asks for.
    Loader {
        /// What it asks for.
        asked: String,
        /// What it gets.
        given: String,
        /// Why: declared, or what was learnt.
        reason: String,
    },
    /// How the machine's disk is started was learnt.
    LocalBoot {
        /// `exit` or `sanboot`.
        method: String,
        /// What it was learnt from.
        reason: String,
    },
    /// An installation asked for an answer file, with its token and from its machine.
    Answer {
        /// The client.
        #[serde(with = "forms::host")]
        peer: SocketAddr,
        /// The answer's name.
        name: String,
        /// How long it is; 0: it was not given.
        bytes: u64,
        /// Why it could not be filled in: the file, the line, and what is wrong there.
        error: Option<String>,
    },
    /// The installer, or the system that it installed, reported.
    Report {
        /// What.
        report: Report,
        /// What it says (bounded, one line).
        text: String,
    },
    /// A request claimed to be of a machine whose card does not have the address it came from.
    Impostor {
        /// The card that the request claims.
        claimed: Mac,
        /// The card that has the address, as far as the neighbour table knows.
        found: Option<Mac>,
        /// Where it came from.
        peer: IpAddr,
    },
    /// Two records turned out to be one machine; the events of the other are this one's now.
    Merged {
        /// The record that is no more.
        other: MachineId,
        /// By what they are one.
        reason: String,
    },
    /// A card or board went over from one machine to another.
    Moved {
        /// What: a MAC or UUID.
        what: String,
        /// The machine it was of.
        from: MachineId,
    },
    /// Two machines that are there at the same time have one UUID or serial number: it names neither
    /// of them from now on, and they are told apart by their cards.
    Shared {
        /// What they share: a UUID, or a serial number with its manufacturer.
        what: String,
        /// The other machine, or one of them.
        other: MachineId,
        /// By what they are known to be two.
        reason: String,
    },
    /// A machine has another mainboard: its cards are the same, and its UUID is another.
    Board {
        /// The UUID before.
        before: Uuid,
        /// The UUID now.
        now: Uuid,
    },
    /// A file was fetched in the agent, or could not be. Nothing is said of one that was there before,
    /// unless it had failed.
    Fetch {
        /// The catalogue name; empty: the fetch as a whole.
        name: String,
        /// Who was asked, `host[:port]`; empty if nobody was.
        host: String,
        /// Bytes that came.
        bytes: u64,
        /// From the first request to the end.
        #[serde(rename = "seconds", with = "forms::seconds")]
        took: Duration,
        /// Why it failed; `None`: it is there and true.
        cause: Option<Cause>,
        /// The same in a sentence.
        error: Option<String>,
    },
    /// A person or program did something by the API or the command line.
    Action {
        /// Who: a token's name, or a user of this host.
        who: String,
        /// What, in a word and its values.
        what: String,
    },
    /// A power driver was asked to do something.
    Power {
        /// `wake-on-lan`, ...
        driver: String,
        /// What was done.
        what: String,
        /// Why it failed; `None`: as far as the driver can tell it did not.
        error: Option<String>,
    },
}

impl Event {
    /// The word for what kind of event it is, as its JSON has it.
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Transfer { .. } => "transfer",
            Event::Script { .. } => "script",
            Event::Dhcp(_) => "dhcp",
            Event::Phase { .. } => "phase",
            Event::Loader { .. } => "loader",
            Event::LocalBoot { .. } => "local-boot",
            Event::Answer { .. } => "answer",
            Event::Report { .. } => "report",
            Event::Impostor { .. } => "impostor",
            Event::Merged { .. } => "merged",
            Event::Moved { .. } => "moved",
            Event::Shared { .. } => "shared",
            Event::Board { .. } => "board",
            Event::Action { .. } => "action",
            Event::Power { .. } => "power",
            Event::Fetch { .. } => "fetch",
        }
    }
}

/// What an installation reports (`/event/TOKEN/...`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// The disk is bootable.
    Done,
    /// It failed.
    Failed,
    /// A line of its log.
    Log,
}

/// An event with what is known only where it arrives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// Its number, in the order in which events arrived; it never goes back.
    pub seq: u64,
    /// Milliseconds since 1970.
    pub at: u64,
    /// The machine, if it is known.
    pub machine: Option<MachineId>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

impl Stamped {
    /// Milliseconds since 1970 when what it tells of began: a transfer is told once it ended.
    pub fn began(&self) -> u64 {
        match &self.event {
            Event::Transfer { took, .. } => self.at.saturating_sub(took.as_millis() as u64),
            _ => self.at,
        }
    }
}

/// The protocol of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// TFTP.
    Tftp,
    /// HTTP.
    Http,
}

/// How a transfer ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "reason", rename_all = "kebab-case")]
pub enum Outcome {
    /// The client has all it asked for.
    Done,
    /// Every byte was sent and the last of them, fewer than [`limits::HTTP_UNCONFIRMED`], were not
    /// acknowledged before the client fell silent. So looks a boot that worked: iPXE on UEFI starts
    /// a kernel without a word to those who sent it.
    Sent,
    /// The client only wanted to know the size (UEFI: OACK, then ERROR 8): no failure.
    Probe,
    /// No such name.
    NotFound,
    /// Refused, with the reason in words.
    Refused(String),
    /// The client stopped it, or vanished, or the file changed: in words.
    Failed(String),
}

/// Takes events; called from the servers' threads, so it must not block.
pub trait Sink: Send + Sync {
    /// Takes one event. Which machine it is about is found out by its peer or card.
    fn event(&self, event: Event);

    /// Takes one event about a machine that is known.
    fn event_of(&self, machine: MachineId, event: Event) {
        let _ = machine;
        self.event(event);
    }
}

#[cfg(test)]
mod tests;
