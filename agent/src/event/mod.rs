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

mod forms;
pub mod line;
mod under_way;
mod word;

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
        }
    }
}

/// A DHCP message as far as it matters to a boot (RFC 2131, RFC 2132, RFC 4578).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dhcp {
    /// Option 53.
    pub message: DhcpMessage,
    /// The client's card.
    pub mac: Mac,
    /// The transaction, the same in a request and its answers.
    pub xid: u32,
    /// Option 93, every value in order; empty: not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub architectures: Vec<u16>,
    /// Option 60 (bounded, one line).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub vendor_class: String,
    /// Option 77 is `iPXE`, or option 175 is there.
    #[serde(default)]
    pub is_ipxe: bool,
    /// Option 97.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<Uuid>,
    /// Who answers: option 54, else where the datagram came from. `None`: a client's message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<IpAddr>,
    /// `yiaddr` of an answer; of a request what it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// `siaddr`, else option 66 (bounded).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_server: Option<String>,
    /// `file`, else option 67 (bounded, escaped).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Options 66 or 67 are there beside the fields and say something else: some firmware takes those.
    #[serde(default)]
    pub has_options_66_67: bool,
}

impl Dhcp {
    /// An offer of a boot file without an address: another server gives that ("proxy DHCP", PXE 2.1).
    pub fn is_proxy_offer(&self) -> bool {
        self.message == DhcpMessage::Offer && self.address.is_none()
    }
}

/// Option 53 (RFC 2132 section 9.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DhcpMessage {
    /// 1.
    Discover,
    /// 2.
    Offer,
    /// 3.
    Request,
    /// 4.
    Decline,
    /// 5.
    Ack,
    /// 6.
    Nak,
    /// 7.
    Release,
    /// 8.
    Inform,
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
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_back_as_it_was_written() {
        let transfer = Event::Transfer {
            via: Via::Tftp,
            peer: "192.168.1.171:0".parse().unwrap(),
            name: "snponly.efi".to_owned(),
            bytes: 5,
            size: None,
            took: Duration::from_millis(1500),
            repeats: 0,
            outcome: Outcome::Failed("cut".to_owned()),
        };
        let stamped = Stamped {
            seq: 7,
            at: 1,
            machine: Some(MachineId(3)),
            event: transfer,
        };
        let text = serde_json::to_string(&stamped).unwrap();
        assert_eq!(
            text,
            "{\"seq\":7,\"at\":1,\"machine\":3,\"kind\":\"transfer\",\"via\":\"tftp\",\
             \"peer\":\"192.168.1.171\",\"name\":\"snponly.efi\",\"bytes\":5,\"size\":null,\
             \"seconds\":1.5,\"repeats\":0,\"outcome\":\"failed\",\"reason\":\"cut\"}"
        );
        assert_eq!(serde_json::from_str::<Stamped>(&text).unwrap(), stamped);
    }

    fn one_of_each() -> Vec<Event> {
        let peer = "192.168.1.171:0".parse().unwrap();
        let mac: Mac = "52:54:00:00:00:01".parse().unwrap();
        let uuid = "4c4c4544-0042-3510-8052-b4c04f4d3132".parse().unwrap();
        let text = || "text".to_owned();
        vec![
            Event::Transfer {
                via: Via::Http,
                peer,
                name: text(),
                bytes: 5,
                size: None,
                took: Duration::from_secs(1),
                repeats: 0,
                outcome: Outcome::Done,
            },
            Event::Script {
                peer,
                machine: text(),
                decision: text(),
                reason: text(),
            },
            Event::Dhcp(Dhcp {
                message: DhcpMessage::Ack,
                mac,
                xid: 1,
                architectures: vec![7],
                vendor_class: text(),
                is_ipxe: true,
                uuid: Some(uuid),
                server: Some(peer.ip()),
                address: Some(peer.ip()),
                next_server: Some(text()),
                file: Some(text()),
                has_options_66_67: true,
            }),
            Event::Phase {
                from: Word::Ready,
                to: Word::Installing,
                reason: text(),
            },
            Event::Loader {
                asked: text(),
                given: text(),
                reason: text(),
            },
            Event::LocalBoot {
                method: text(),
                reason: text(),
            },
            Event::Answer {
                peer,
                name: text(),
                bytes: 7,
                error: Some(text()),
            },
            Event::Report {
                report: Report::Log,
                text: text(),
            },
            Event::Impostor {
                claimed: mac,
                found: Some(mac),
                peer: peer.ip(),
            },
            Event::Merged {
                other: MachineId(2),
                reason: text(),
            },
            Event::Moved {
                what: text(),
                from: MachineId(2),
            },
            Event::Shared {
                what: text(),
                other: MachineId(2),
                reason: text(),
            },
            Event::Board {
                before: uuid,
                now: uuid,
            },
            Event::Action {
                who: text(),
                what: text(),
            },
            Event::Power {
                driver: text(),
                what: text(),
                error: Some(text()),
            },
        ]
    }

    #[test]
    fn every_kind_is_that_of_its_json_and_one_that_a_webhook_may_name() {
        let events = one_of_each();
        for event in &events {
            let value = serde_json::to_value(event).unwrap();
            assert_eq!(value["kind"], event.kind());
        }
        let kinds: std::collections::BTreeSet<&str> = events.iter().map(Event::kind).collect();
        assert_eq!(kinds, crate::config::KINDS.into());
    }

    #[test]
    fn no_event_has_a_field_that_its_stamp_has_too() {
        let events = one_of_each();
        for event in events {
            let stamped = Stamped {
                seq: 7,
                at: 1,
                machine: Some(MachineId(3)),
                event,
            };
            let text = serde_json::to_string(&stamped).unwrap();
            let read = serde_json::from_str::<Stamped>(&text);
            assert_eq!(
                read.unwrap_or_else(|error| panic!("{text}: {error}")),
                stamped
            );
        }
    }
}
