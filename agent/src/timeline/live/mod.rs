//! The boots that are under way, from events as they happen: a table of the last boot of each machine,
//! bounded, and in memory only. An event costs it some microseconds; what is sent costs it nothing.

mod boot;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use super::boots::{Stage, begins, stage};
use crate::boot::loader;
use crate::boot::site::DEFAULT;
use crate::clock::Jump;
use crate::event::{Event, Stamped};
use crate::id::MachineId;
use crate::limits;
use crate::mac::Mac;

pub use boot::{Beside, Boot, How, Now, Place, Sent};

/// Whose a boot is, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Who {
    /// A machine that was met.
    Machine(MachineId),
    /// A card that asked for an address, of a machine that nobody has met.
    Card(Mac),
    /// An address that asked for a file, of a machine that nobody has met.
    Address(IpAddr),
}

/// The last boots, at most [`limits::LIVE_BOOTS`]: the one that was silent longest makes room.
#[derive(Debug, Default)]
pub struct Live {
    boots: HashMap<Who, Boot>,
    /// Whose last event has this number.
    order: BTreeMap<u64, Who>,
}

impl Live {
    /// Takes the next event.
    pub fn take(&mut self, event: &Arc<Stamped>) {
        let Some(who) = who(event) else { return };
        let stage = stage(&event.event);
        let stranger = match who {
            Who::Machine(_) => self.stranger(&event.event),
            _ => None,
        };
        let known = match (self.remove(who), stranger) {
            (Some(boot), Some(stranger)) => Some(boot.and(stranger)),
            (boot, stranger) => boot.or(stranger),
        };
        if let Event::Merged { other, .. } = &event.event {
            self.remove(Who::Machine(*other));
        }
        let is_another = |boot: &Boot| {
            stage.is_some_and(|stage| begins((boot.came, boot.event.at), stage, event.began()))
        };
        let boot = match known {
            Some(boot) if !is_another(&boot) => Some(boot),
            known => match opens(&who, stage, &event.event) {
                true => Some(Boot::new(event, stage)),
                false => known,
            },
        };
        if let Some(mut boot) = boot {
            boot.take(event);
            self.put(who, boot);
        }
    }

    /// Takes up what happened before the first event that was taken, in its order: whose boot is known
    /// already keeps it.
    pub fn before(&mut self, events: impl IntoIterator<Item = Stamped>) {
        let mut old = Live::default();
        for event in events {
            old.take(&Arc::new(event));
        }
        for (who, boot) in old.boots {
            if !self.boots.contains_key(&who) {
                self.put(who, boot);
            }
        }
    }

    /// The clock was set: how long something takes is what it was before.
    pub fn clock_jumped(&mut self, jump: &Jump) {
        self.boots
            .values_mut()
            .for_each(|boot| boot.clock_jumped(jump));
    }

    /// All of them.
    pub fn boots(&self) -> Vec<(Who, Boot)> {
        let boots = self.boots.iter();
        boots.map(|(who, boot)| (*who, boot.clone())).collect()
    }

    fn put(&mut self, who: Who, boot: Boot) {
        self.order.insert(boot.event.seq, who);
        self.boots.insert(who, boot);
        while self.boots.len() > limits::LIVE_BOOTS {
            let Some((_, oldest)) = self.order.pop_first() else {
                break;
            };
            self.boots.remove(&oldest);
        }
    }

    fn remove(&mut self, who: Who) -> Option<Boot> {
        let boot = self.boots.remove(&who)?;
        self.order.remove(&boot.event.seq);
        Some(boot)
    }

    /// What was taken for another's, before it was known that it is of the machine of this event.
    fn stranger(&mut self, event: &Event) -> Option<Boot> {
        match event {
            Event::Dhcp(dhcp) => self.remove(Who::Card(dhcp.mac)),
            Event::Transfer { peer, .. } | Event::Script { peer, .. } => {
                self.remove(Who::Address(peer.ip().to_canonical()))
            }
            _ => None,
        }
    }
}

/// Whether a file that was asked for at this time, in milliseconds since 1970, is of another boot.
pub fn is_of_another(boot: &Boot, name: &str, at: u64) -> bool {
    let stage = match place_of_file(name) {
        Place::Loader => Stage::Loader,
        Place::Ipxe => Stage::Default,
        _ => Stage::Images,
    };
    begins((boot.came, boot.event.at), stage, at)
}

/// Where a boot is that is sent this file.
pub fn place_of_file(name: &str) -> Place {
    match name {
        name if loader::is_loader(name) => Place::Loader,
        DEFAULT => Place::Ipxe,
        _ => Place::Files,
    }
}

fn who(event: &Stamped) -> Option<Who> {
    if let Some(id) = event.machine {
        return Some(Who::Machine(id));
    }
    match &event.event {
        Event::Dhcp(dhcp) => Some(Who::Card(dhcp.mac)),
        Event::Transfer { peer, .. } | Event::Script { peer, .. } => {
            Some(Who::Address(peer.ip().to_canonical()))
        }
        _ => None,
    }
}

/// Whether a boot begins with this event if none is under way. A system that runs asks for its address
/// again, and a person looks at files with a browser: neither boots.
fn opens(who: &Who, stage: Option<Stage>, event: &Event) -> bool {
    match (stage, who) {
        (Some(Stage::System), _) => matches!(event, Event::Report { .. }),
        (Some(Stage::Images), who) => matches!(who, Who::Machine(_)),
        (Some(_), _) => true,
        (None, _) => matches!(event, Event::Report { .. } | Event::Answer { .. }),
    }
}

#[cfg(test)]
mod tests;
