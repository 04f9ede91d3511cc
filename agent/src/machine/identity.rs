//! Which declared machine asks.

use std::collections::HashMap;

use super::Facts;
use crate::config::{Config, Machine, Name};
use crate::mac::Mac;
use crate::uuid::Uuid;

/// The declared machines by what they are known by, so that finding one among a hundred thousand
/// takes no longer than among three.
#[derive(Clone, Debug, Default)]
pub struct Known {
    macs: HashMap<Mac, Name>,
    uuids: HashMap<Uuid, Name>,
}

/// Who a machine is.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// The declared machine.
    pub machine: &'a Machine,
    /// Another declared machine that has one of its MACs: the declaration is wrong, or a network
    /// card was moved.
    pub also: Option<&'a Machine>,
}

impl Known {
    /// Of a configuration.
    pub fn of(config: &Config) -> Known {
        let mut known = Known::default();
        for machine in config.machines.values() {
            for mac in &machine.macs {
                known.macs.insert(*mac, machine.name.clone());
            }
            // In both byte orders: SMBIOS, iPXE, Linux and BMCs do not agree on one.
            for uuid in machine.uuid.iter().flat_map(|uuid| [*uuid, uuid.swapped()]) {
                known.uuids.insert(uuid, machine.name.clone());
            }
        }
        known
    }

    /// The declared machine that has a MAC.
    pub fn by_mac<'a>(&self, config: &'a Config, mac: Mac) -> Option<&'a Machine> {
        config.machines.get(self.macs.get(&mac)?)
    }

    /// The declared machine that these facts mean: by UUID in either byte order, else by its MACs in
    /// their order. The UUID counts more, because a card moves from machine to machine and a board
    /// does not.
    pub fn identify<'a>(&self, config: &'a Config, facts: &Facts) -> Option<Identity<'a>> {
        let by_uuid = facts.uuid.and_then(|uuid| self.uuids.get(&uuid));
        let by_macs = facts.macs.iter().filter_map(|mac| self.macs.get(mac));
        let mut names = by_uuid.into_iter().chain(by_macs);
        let first = names.next()?;
        Some(Identity {
            machine: config.machines.get(first)?,
            also: names
                .find(|name| *name != first)
                .and_then(|name| config.machines.get(name)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::testing;

    fn config() -> Config {
        testing::config(
            r#"
            [[machine]]
            name = "board"
            uuid = "4c4c4544-0042-3510-8052-b4c04f4d3132"
            [[machine]]
            name = "card"
            mac = "5c:f3:fc:01:02:03"
            [[machine]]
            name = "other"
            mac = "5c:f3:fc:01:02:04"
            "#,
        )
    }

    fn who(query: &str) -> (Option<String>, Option<String>) {
        let config = config();
        let identity = Known::of(&config).identify(&config, &Facts::parse(query));
        let name = |machine: &Machine| machine.name.to_string();
        (
            identity.map(|identity| name(identity.machine)),
            identity.and_then(|identity| identity.also.map(name)),
        )
    }

    #[test]
    fn a_uuid_is_known_in_both_byte_orders() {
        for uuid in [
            "4c4c4544-0042-3510-8052-b4c04f4d3132",
            "44454c4c-4200-1035-8052-b4c04f4d3132",
        ] {
            let named = (Some("board".to_owned()), None);
            assert_eq!(who(&format!("uuid={uuid}")), named);
        }
    }

    #[test]
    fn any_mac_will_do() {
        let card = (Some("card".to_owned()), None);
        assert_eq!(who("mac=52:54:00:00:00:01&mac1=5c-f3-fc-01-02-03"), card);
        assert_eq!(who("mac=52:54:00:00:00:01"), (None, None));
    }

    #[test]
    fn a_uuid_counts_more_than_a_mac_and_the_conflict_is_known() {
        let conflict = (Some("board".to_owned()), Some("card".to_owned()));
        assert_eq!(
            who("mac=5c:f3:fc:01:02:03&uuid=4c4c4544-0042-3510-8052-b4c04f4d3132"),
            conflict
        );
    }

    #[test]
    fn of_two_cards_the_one_it_boots_from_counts() {
        let conflict = (Some("other".to_owned()), Some("card".to_owned()));
        assert_eq!(
            who("mac=5c:f3:fc:01:02:04&mac1=5c:f3:fc:01:02:03"),
            conflict
        );
    }
}
