//! What is too much is removed, in steps that hold up nobody: events by age, by their number for each
//! machine and by their number in all, and the oldest lines of the audit log.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::read::signed;
use super::rows::Write;
use crate::config::Events;
use crate::limits;

/// What is to be removed.
#[derive(Debug, Default)]
pub struct Prune {
    /// Machines whose events became more since they were last looked at.
    grown: BTreeSet<i64>,
    /// Every machine was looked at since the start, and since the bound became another.
    knows_all: bool,
    /// Events older than this are too old, in milliseconds since 1970.
    oldest: i64,
    /// Events that are too many in all, once it was counted.
    surplus: Option<i64>,
}

impl Prune {
    /// Notes which machines get more events.
    pub fn grew<'c>(&mut self, changes: impl Iterator<Item = &'c Write>) {
        self.grown.extend(changes.filter_map(|change| match change {
            Write::Event(event) => event.machine.map(|id| signed(id.0)),
            Write::Merge { into, .. } => Some(signed(into.0)),
            _ => None,
        }));
    }

    /// Has every machine looked at.
    pub fn look_at_all(&mut self) {
        self.knows_all = false;
    }

    /// Begins a round.
    ///
    /// # Errors
    /// SQLite's.
    pub fn begin(
        &mut self,
        connection: &Connection,
        keep: &Events,
        now: u64,
    ) -> rusqlite::Result<()> {
        let age = u64::try_from(keep.keep.as_millis()).unwrap_or(u64::MAX);
        self.oldest = signed(now.saturating_sub(age));
        self.surplus = None;
        if !self.knows_all {
            let mut crowded = connection.prepare_cached(
                "SELECT machine FROM events WHERE machine IS NOT NULL \
                 GROUP BY machine HAVING count(*) > ?1",
            )?;
            let crowded = crowded.query_map([keep.per_machine], |row| row.get(0))?;
            for machine in crowded {
                self.grown.insert(machine?);
            }
            self.knows_all = true;
        }
        Ok(())
    }

    /// Removes some; `true`: there may be more.
    ///
    /// # Errors
    /// SQLite's.
    pub fn step(&mut self, connection: &Connection, keep: &Events) -> rusqlite::Result<bool> {
        let step = limits::PRUNE_STEP as i64;
        if let Some(machine) = self.grown.first().copied() {
            let gone = connection
                .prepare_cached(
                    "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE machine = ?1 \
                     ORDER BY seq DESC LIMIT ?2 OFFSET ?3)",
                )?
                .execute(params![machine, step, keep.per_machine])?;
            if (gone as i64) < step {
                self.grown.remove(&machine);
            }
            return Ok(true);
        }
        let surplus = match self.surplus {
            Some(surplus) => surplus,
            None => surplus(connection, keep)?,
        };
        // The oldest have the lowest numbers.
        let gone = connection
            .prepare_cached(
                "DELETE FROM events WHERE seq IN (SELECT seq FROM events ORDER BY seq LIMIT ?1)",
            )?
            .execute([surplus.clamp(0, step)])? as i64;
        self.surplus = Some(surplus - gone);
        let old = connection
            .prepare_cached(
                "DELETE FROM events WHERE seq IN (SELECT seq FROM events ORDER BY seq LIMIT ?1) \
                 AND at < ?2",
            )?
            .execute(params![step, self.oldest])? as i64;
        let audits = connection
            .prepare_cached(
                "DELETE FROM audit WHERE seq <= (SELECT coalesce(max(seq), 0) FROM audit) - ?1",
            )?
            .execute([limits::AUDITS as i64])?;
        Ok(gone == step || old == step || audits > 0)
    }
}

/// The time by which events are taken for too old: what the clock says, but no more than a while ahead
/// of the last event that was there at the start. A clock that was set to next year by mistake removes
/// nothing that is wanted; one that is right removes a little later.
pub fn surely(now: u64, last_event: u64, lasts: u64) -> u64 {
    let ahead = u64::try_from(limits::PRUNE_AHEAD.as_millis()).unwrap_or(u64::MAX);
    now.min(last_event.saturating_add(lasts).saturating_add(ahead))
}

/// How many events there are too many in all. They are counted only where their numbers leave it open:
/// that takes as long as reading an index.
fn surplus(connection: &Connection, keep: &Events) -> rusqlite::Result<i64> {
    let bound = i64::from(keep.in_all);
    let span: i64 = connection.query_row(
        "SELECT coalesce(max(seq) - min(seq) + 1, 0) FROM events",
        [],
        |row| row.get(0),
    )?;
    if span <= bound {
        return Ok(0);
    }
    let count: i64 = connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0))?;
    Ok((count - bound).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_forward_makes_nothing_old() {
        let (day, last) = (86_400_000, 1_700_000_000_000);
        assert_eq!(surely(last + day / 2, last, 5), last + day / 2);
        assert_eq!(surely(last + 400 * day, last, 5), last + day + 5);
        assert_eq!(surely(last - 400 * day, last, 5), last - 400 * day);
    }
}
