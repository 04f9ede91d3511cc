//! Where there are as many machines as are taken up, one of which nothing is known but that it was there
//! makes room: else whoever makes up machines would keep real ones out for ever.

use super::Registry;
use crate::id::MachineId;
use crate::limits;
use crate::machine::phase::Phase;
use crate::machine::record::{Record, Wishes};

impl Registry {
    /// Makes room for one more machine, where there is none. `false`: there is none to be made. The
    /// machine that is no more comes back too. Each time it looks at some others, so that nobody waits.
    pub(super) fn make_room(&mut self, now: u64) -> (bool, Option<MachineId>) {
        if self.machines.len() < limits::MACHINES {
            return (true, None);
        }
        let (mut looked, mut last, mut oldest) = (0, None, None::<&Record>);
        let behind = self.behind(self.looked.unwrap_or(MachineId(0)));
        for record in behind.take(limits::LOOK_AT_ONCE) {
            (looked, last) = (looked + 1, Some(record.id));
            let is_older = oldest.is_none_or(|oldest| record.last_seen < oldest.last_seen);
            if is_older && is_nothing_lost(record, now) {
                oldest = Some(record);
            }
        }
        let gone = oldest.map(|record| record.id);
        self.looked = last.filter(|_| looked == limits::LOOK_AT_ONCE);
        if let Some(gone) = gone {
            self.take(gone);
        }
        (gone.is_some(), gone)
    }
}

/// Whether a machine that is forgotten and comes again is treated as it would have been: no disk of it is
/// guarded, nobody said anything of it, it has no place of a policy, and it is not under way.
fn is_nothing_lost(record: &Record, now: u64) -> bool {
    let is_idle = now.abs_diff(record.last_seen) > limits::ALIVE.as_millis() as u64;
    let waits = matches!(record.phase, Phase::Discovered | Phase::Held | Phase::Ready);
    let is_named = record.declared.is_some() || record.given_name.is_some();
    is_idle && waits && !is_named && record.policy.is_none() && record.wishes == Wishes::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Name;

    #[test]
    fn only_what_anybody_would_get_again_is_forgotten() {
        let name = || Name::new("p").ok();
        let later = limits::ALIVE.as_millis() as u64 + 1;
        let met = || Record::new(MachineId(1), 0);
        assert!(is_nothing_lost(&met(), later));
        assert!(!is_nothing_lost(&met(), later - 1), "it may be under way");
        let changes: [fn(&mut Record, Option<Name>); 6] = [
            |record, _| record.phase = Phase::Ignored,
            |record, profile| {
                record.phase = Phase::Installed {
                    profile: profile.unwrap(),
                }
            },
            |record, _| record.policy = Some("lab".to_owned()),
            |record, name| record.declared = name,
            |record, _| record.wishes.held = true,
            |record, name| record.given_name = name,
        ];
        for change in changes {
            let mut record = met();
            change(&mut record, name());
            assert!(!is_nothing_lost(&record, later), "{record:?}");
        }
    }
}
