//! Which machine a request says it is from, as that machine was before, and whether that is refused.

use crate::config::{Config, Machine, Name, Profile, Variable};
use crate::id::MachineId;
use crate::mac::Mac;
use crate::machine::Record;
use crate::machine::trust::Trust;

/// The machine that is claimed.
pub struct Claim {
    /// Its record, if it was heard of before.
    pub id: Option<MachineId>,
    /// Its cards: those that it had, and those that are declared for it.
    pub cards: Vec<Mac>,
    is_meant_alone: bool,
}

/// Why a request is not taken for the machine that it claims.
pub struct Refusal {
    /// A card of that machine, or the one that the request says it has.
    pub claimed: Mac,
    /// The card that has the address.
    pub found: Mac,
    /// In words.
    pub why: String,
}

impl Claim {
    /// The claim to be this machine: its record, and its name if it is declared.
    pub fn new(config: &Config, record: Option<&Record>, declared: Option<&Name>) -> Claim {
        let machine = declared
            .or_else(|| record?.declared.as_ref())
            .and_then(|name| config.machines.get(name));
        let had = record.map_or(&[][..], |record| &record.macs);
        let declared = machine.map_or(&[][..], |machine| &machine.macs);
        Claim {
            id: record.map(|record| record.id),
            cards: had.iter().chain(declared).copied().collect(),
            is_meant_alone: is_meant_alone(config, record, machine),
        }
    }

    /// What stands against it, once it was held against the neighbour table.
    pub fn refused(&self, trust: Trust) -> Option<Refusal> {
        let (claimed, found, why) = match trust {
            Trust::Impostor { claimed, found } => (
                claimed,
                found,
                "the address that it asks from is another machine's".to_owned(),
            ),
            Trust::NewCard { known, found } if self.is_meant_alone => (
                known,
                found,
                format!(
                    "its card {found} was never seen on this machine, which gets a secret: declare \
                     the card, or forget the machine and assign its profile anew"
                ),
            ),
            Trust::NewCard { .. } | Trust::Confirmed | Trust::Unknown => return None,
        };
        Some(Refusal {
            claimed,
            found,
            why,
        })
    }
}

/// Whether a machine is meant to get a secret that no other machine gets by asking alone: by a person,
/// or because it is declared. What a policy, the menu or `server.unknown` gives, anybody gets.
fn is_meant_alone(config: &Config, record: Option<&Record>, machine: Option<&Machine>) -> bool {
    let wishes = record.map(|record| &record.wishes);
    let profiles = [
        wishes.and_then(|wishes| wishes.profile.as_ref()),
        wishes.and_then(|wishes| wishes.once.as_ref()),
        machine.and_then(|machine| machine.profile.as_ref()),
    ];
    let mut profiles = profiles
        .into_iter()
        .flatten()
        .filter_map(|name| config.profiles.get(name));
    let mut variables = machine
        .into_iter()
        .flat_map(|machine| machine.variables.values());
    profiles.any(Profile::holds_secrets)
        || variables.any(|variable| matches!(variable, Variable::Secret(_)))
}
