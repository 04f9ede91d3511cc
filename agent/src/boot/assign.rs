//! Which machines a policy with a `limit` was used for.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::Policy;
use crate::limits;

/// Machines by policy. It is kept in memory and counts from the agent's start: after a restart a
/// limit can be used up once more.
#[derive(Clone, Debug, Default)]
pub struct Assignments {
    machines: BTreeMap<String, BTreeSet<String>>,
    all: usize,
}

impl Assignments {
    /// Whether a policy may be used for a machine: it has no limit, the machine is one of those
    /// counted, or there is room for one more.
    pub fn has_room(&self, policy: &Policy, machine: &str) -> bool {
        let Some(limit) = policy.limit else {
            return true;
        };
        let used = self.machines.get(policy.name.as_str());
        if used.is_some_and(|used| used.contains(machine)) {
            return true;
        }
        let used = used.map_or(0, BTreeSet::len);
        self.all < limits::ASSIGNMENTS && u32::try_from(used).is_ok_and(|used| used < limit)
    }

    /// Counts a machine for a policy; one that is counted already is not counted again.
    pub fn count(&mut self, policy: &str, machine: &str) {
        let machines = self.machines.entry(policy.to_owned()).or_default();
        if machines.insert(machine.to_owned()) {
            self.all += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Label, Name};

    fn policy(limit: Option<u32>) -> Policy {
        Policy {
            name: Label::new("old servers").unwrap(),
            conditions: Vec::new(),
            profile: Name::new("p").unwrap(),
            limit,
        }
    }

    #[test]
    fn a_limit_counts_machines_and_not_boots() {
        let (policy, mut assignments) = (policy(Some(2)), Assignments::default());
        for machine in ["a", "a", "b", "a"] {
            assert!(assignments.has_room(&policy, machine));
            assignments.count("old servers", machine);
        }
        assert!(!assignments.has_room(&policy, "c"));
        assert!(assignments.has_room(&policy, "b"));
    }

    #[test]
    fn without_a_limit_there_is_always_room_and_with_zero_never() {
        let assignments = Assignments::default();
        assert!(assignments.has_room(&policy(None), "a"));
        assert!(!assignments.has_room(&policy(Some(0)), "a"));
    }
}
