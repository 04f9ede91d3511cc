//! Events cut into boots.

use crate::boot::loader;
use crate::boot::site::DEFAULT;
use crate::event::{Event, Outcome, Report, Stamped};
use crate::limits;

/// How far a boot came, in the order of its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The firmware asks for an address.
    Firmware,
    /// A loader is sent.
    Loader,
    /// iPXE asks for an address.
    Ipxe,
    /// `default.ipxe` is sent.
    Default,
    /// It is decided what it gets.
    Script,
    /// Kernel, initrd and the like are sent.
    Images,
    /// A system runs: it asks for an address, or its installer reports.
    System,
}

/// The events of one boot, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Boot<'a> {
    /// They; never empty.
    pub events: Vec<&'a Stamped>,
    /// How far it came.
    pub stage: Stage,
}

impl Boot<'_> {
    /// Milliseconds since 1970 of its first event.
    pub fn began(&self) -> u64 {
        self.events.first().map_or(0, |event| event.at)
    }

    /// Milliseconds since 1970 of its last event.
    pub fn ended(&self) -> u64 {
        self.events.last().map_or(0, |event| event.at)
    }
}

/// Cuts events, in the order of their numbers, into boots. What belongs to no way of a boot (an
/// action, a merge) goes with the boot before it, or with the next if there is none.
pub fn boots(events: &[Stamped]) -> Vec<Boot<'_>> {
    let mut boots: Vec<Boot> = Vec::new();
    for event in events {
        let stage = stage(&event.event);
        let begins = match (boots.last(), stage) {
            (None, _) => true,
            (Some(boot), Some(stage)) => begins((boot.stage, boot.ended()), stage, event.began()),
            (Some(_), None) => false,
        };
        match boots.last_mut() {
            Some(boot) if !begins => {
                boot.events.push(event);
                boot.stage = boot.stage.max(stage.unwrap_or(boot.stage));
            }
            _ => boots.push(Boot {
                events: vec![event],
                stage: stage.unwrap_or(Stage::Firmware),
            }),
        }
    }
    boots
}

/// What an event says of how far a boot is.
pub fn stage(event: &Event) -> Option<Stage> {
    match event {
        Event::Dhcp(dhcp) if dhcp.server.is_some() => None,
        Event::Dhcp(dhcp) if dhcp.is_ipxe => Some(Stage::Ipxe),
        Event::Dhcp(dhcp) if dhcp.architectures.is_empty() => Some(Stage::System),
        Event::Dhcp(_) => Some(Stage::Firmware),
        Event::Transfer {
            outcome: Outcome::NotFound,
            ..
        } => None,
        Event::Transfer { name, .. } if loader::is_loader(name) => Some(Stage::Loader),
        Event::Transfer { name, .. } if name == DEFAULT => Some(Stage::Default),
        Event::Transfer { .. } => Some(Stage::Images),
        Event::Script { .. } => Some(Stage::Script),
        Event::Report { report, .. } if *report != Report::Log => Some(Stage::System),
        _ => None,
    }
}

/// Whether what is of this stage and began at this time in milliseconds is of another boot than the one before it,
/// which came so far and whose last event was then.
pub(super) fn begins((came, ended): (Stage, u64), stage: Stage, began: u64) -> bool {
    // What iPXE read by HTTP ends with an acknowledgement, and a client asks for the next before it sends that.
    if began <= ended {
        return false;
    }
    let silence = began - ended;
    let after = limits::BOOT_SILENCE.as_millis() as u64;
    match stage {
        // A firmware repeats its question, and asks on each of its cards; but not once a loader runs.
        Stage::Firmware => came > Stage::Loader || silence > after,
        // The size is asked for first; a loader that is asked for again while none has run is the
        // same boot.
        Stage::Loader => came > Stage::Ipxe || silence > after,
        // iPXE asks for an address once. Whoever decided already does not come again without it.
        Stage::Ipxe | Stage::Default => came > Stage::Default,
        // One that asks again, or chose in its menu, is no other boot.
        Stage::Script => came == Stage::System && silence > after,
        Stage::Images | Stage::System => false,
    }
}
