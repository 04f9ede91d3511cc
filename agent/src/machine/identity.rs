//! Which declared machine asks.

use crate::config::{Config, Machine};
use crate::machine::Facts;

/// Finds the declared machine that these facts mean: by UUID in either byte order, else by any MAC.
/// The UUID counts more, because a NIC moves from machine to machine and a board does not.
pub fn identify<'a>(config: &'a Config, facts: &Facts) -> Option<&'a Machine> {
    let by_uuid = facts.uuid.and_then(|uuid| {
        let same = |machine: &&Machine| machine.uuid.is_some_and(|own| own.same_machine(uuid));
        config.machines.values().find(same)
    });
    by_uuid.or_else(|| {
        let has_one = |machine: &&Machine| machine.macs.iter().any(|mac| facts.macs.contains(mac));
        config.machines.values().find(has_one)
    })
}
