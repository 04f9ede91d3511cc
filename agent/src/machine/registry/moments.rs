//! Moments from which something is counted, when the clock was set while the agent ran or before.

use super::Registry;
use crate::clock::Jump;
use crate::id::MachineId;
use crate::limits;
use crate::machine::phase::Phase;
use crate::machine::record::Record;

impl Registry {
    /// The clock was set: whatever is counted goes on as if it had not been. The machines that are to
    /// be kept anew come back.
    pub fn clock_jumped(&mut self, jump: &Jump) -> Vec<MachineId> {
        let mut changed = Vec::new();
        for (id, kept) in &mut self.machines {
            kept.last_seen = jump.of(kept.last_seen);
            if jumped(&mut kept.record, jump) {
                changed.push(*id);
            }
        }
        changed
    }

    /// The agent ends at `now`: what it saw of installations is counted up to here. The machines that are to be
    /// kept anew come back.
    pub fn rest(&mut self, now: u64) -> Vec<MachineId> {
        let mut changed = Vec::new();
        for (id, kept) in &mut self.machines {
            if let Phase::Installing(installing) = &mut kept.record.phase {
                installing.counted = Some(now);
                changed.push(*id);
            }
        }
        changed
    }

    /// The agent starts at `now`, some time after it last ran: see [`resumed`]. The machines that are to
    /// be kept anew come back.
    pub fn resume(&mut self, now: u64) -> Vec<MachineId> {
        let mut changed = Vec::new();
        for (id, kept) in &mut self.machines {
            let record = &mut *kept.record;
            let heard = record.last_seen.max(record.since);
            let Phase::Installing(installing) = &mut record.phase else {
                continue;
            };
            let heard = heard.max(installing.counted.unwrap_or(0));
            let by = resumed(installing.began, heard, now);
            installing.began = installing.began.saturating_add_signed(by);
            installing.counted = Some(now);
            // No moment that is known lies ahead, or the next start would take it for the last.
            for at in [&mut record.since, &mut record.last_seen] {
                *at = (*at).min(now);
            }
            changed.push(*id);
        }
        changed
    }
}

/// Moves what is counted; `false`: nothing is.
fn jumped(record: &mut Record, jump: &Jump) -> bool {
    let mut is_other = false;
    if let Phase::Installing(installing) = &mut record.phase {
        installing.began = jump.counted(installing.began);
        installing.counted = installing.counted.map(|at| jump.counted(at));
        is_other = true;
    }
    let learnt = &mut record.learnt;
    let sent_once = learnt.sent_once.as_mut().map(|(_, at)| at);
    let moments = [
        Some(&mut record.since),
        Some(&mut record.first_seen),
        Some(&mut record.last_seen),
        learnt.sent_local.as_mut(),
        sent_once,
    ];
    for at in moments.into_iter().flatten() {
        let moved = jump.of(*at);
        is_other |= moved != *at;
        *at = moved;
    }
    is_other
}

/// By how much the beginning of an installation is moved at a start. What lies between the last that is
/// known of the machine itself (it was `heard` of, or counted) and now counts for [`limits::UNSEEN`] at most: nobody
/// could report then, and the clock may have been set. By a clock that went back behind that, no time
/// passed. Nobody else's events count: a start by a wrong clock moves what is known of the machine to
/// that clock, and they are of another.
fn resumed(began: u64, heard: u64, now: u64) -> i64 {
    let signed = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
    let known = heard.max(began);
    if known > now {
        return -signed(known - now);
    }
    let counts = u64::try_from(limits::UNSEEN.as_millis()).unwrap_or(u64::MAX);
    signed((now - known).saturating_sub(counts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Name;
    use crate::machine::phase::Installing;

    const MINUTE: u64 = 60_000;
    const NOON: u64 = 1_700_000_000_000;

    /// How long an installation takes already that began at noon, when the agent starts.
    fn took(heard: u64, now: u64) -> u64 {
        let by = resumed(NOON, heard, now);
        now - NOON.saturating_add_signed(by)
    }

    fn installing(began: u64) -> Phase {
        Phase::Installing(Installing {
            profile: Name::new("debian").unwrap(),
            began,
            counted: None,
            tries: 1,
            token: None,
            address: [10, 0, 0, 1].into(),
            chosen: false,
            last_file: None,
            loaded: false,
        })
    }

    #[test]
    fn a_start_counts_what_is_known_and_a_little_of_what_is_not() {
        let at = |minutes: u64| NOON + minutes * MINUTE;
        assert_eq!(took(at(1), at(8)), 8 * MINUTE, "started again at once");
        assert_eq!(
            took(at(1), at(55)),
            11 * MINUTE,
            "away, or silent before, or a clock set forward"
        );
        assert_eq!(took(at(30), at(9_999)), 40 * MINUTE);
        assert_eq!(took(at(30), NOON - 600 * MINUTE), 30 * MINUTE, "set back");
        assert_eq!(
            took(at(30), MINUTE),
            MINUTE,
            "as far as there is time before"
        );
    }

    #[test]
    fn a_clock_that_goes_back_and_forth_between_starts_takes_no_time() {
        let mut record = Record::new(MachineId(1), NOON);
        record.phase = installing(NOON);
        let mut registry = Registry::new([record], 2);
        let mut now = NOON + MINUTE;
        // Whether it is heard after the start.
        for (hours, is_heard) in [
            (-9, true),
            (9, true),
            (-9, false),
            (9, false),
            (4, false),
            (-4_i64, true),
            (-9, false),
            (9, true),
        ] {
            now = now.saturating_add_signed(hours * 3_600_000) + MINUTE;
            registry.resume(now);
            let record = registry.get(MachineId(1)).unwrap();
            let Phase::Installing(installing) = &record.phase else {
                panic!("{record:?}")
            };
            assert!(now - installing.began <= 60 * MINUTE, "{hours}");
            assert!(record.last_seen <= now && record.since <= now);
            if is_heard {
                registry.change(MachineId(1), |record| record.last_seen = now);
            }
        }
    }

    #[test]
    fn an_installer_that_says_nothing_runs_out_of_time_through_any_starts() {
        let age = |is_killed: bool| {
            let mut record = Record::new(MachineId(1), NOON);
            record.phase = installing(NOON);
            let mut registry = Registry::new([record], 2);
            let mut now = NOON;
            for _ in 0..12 {
                now += 60 * MINUTE;
                if !is_killed {
                    registry.rest(now - MINUTE);
                }
                registry.resume(now);
            }
            let record = registry.get(MachineId(1)).unwrap();
            match &record.phase {
                Phase::Installing(installing) => (now - installing.began) / MINUTE,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(age(false), 12 * 60);
        assert_eq!(age(true), 12 * 10, "as much as is known");
    }

    #[test]
    fn every_moment_of_a_record_goes_with_the_clock() {
        let mut record = Record::new(MachineId(1), NOON - 400 * 86_400_000);
        (record.last_seen, record.since) = (NOON, NOON);
        record.learnt.sent_local = Some(NOON);
        record.learnt.sent_once = Name::new("rescue").ok().map(|name| (name, NOON));
        record.phase = installing(NOON - 10 * MINUTE);
        let mut registry = Registry::new([record.clone(), Record::new(MachineId(2), 7)], 3);
        let jump = Jump {
            by: -3 * 3_600_000,
            began: NOON - 5 * MINUTE,
            before: NOON + 1_000,
        };
        assert_eq!(registry.clock_jumped(&jump), [MachineId(1)]);
        registry.is_consistent().unwrap();
        let after = registry.get(MachineId(1)).unwrap();
        let back = 3 * 3_600_000;
        assert_eq!((after.last_seen, after.since), (NOON - back, NOON - back));
        assert_eq!(after.learnt.sent_local, Some(NOON - back));
        assert_eq!(after.learnt.sent_once.as_ref().unwrap().1, NOON - back);
        assert_eq!(after.first_seen, record.first_seen, "of the year before");
        let Phase::Installing(installing) = &after.phase else {
            panic!("{after:?}")
        };
        assert_eq!(installing.began, NOON - 10 * MINUTE - back);
        let forth = Jump {
            by: back as i64,
            began: jump.began - back,
            before: jump.before - back,
        };
        registry.clock_jumped(&forth);
        assert_eq!(
            *registry.get(MachineId(1)).unwrap(),
            record,
            "and forth again"
        );
    }
}
