//! A store without a disk, for previews and tests.

use std::path::Path;
use std::sync::Mutex;

use super::{AuditRow, Contents, Error, EventFilter, EventRow, Pending, Store, Write};
use crate::sync::held;

/// Keeps events and the audit log in memory, and of machines nothing.
#[derive(Debug, Default)]
pub struct Memory {
    kept: Mutex<(Vec<EventRow>, Vec<AuditRow>)>,
}

impl Store for Memory {
    fn write(&self, changes: Vec<Write>) -> Pending {
        let mut kept = held(&self.kept);
        for change in changes {
            match change {
                Write::Event(event) => kept.0.push(event),
                Write::Audit(mut row) => {
                    row.seq = kept.1.len() as u64 + 1;
                    kept.1.push(row);
                }
                Write::Merge { into, from } => {
                    for event in &mut kept.0 {
                        if event.machine == Some(from) {
                            event.machine = Some(into);
                        }
                    }
                }
                Write::Machine(_) | Write::Forget(_) | Write::Token(_) | Write::Revoke(_) => {}
            }
        }
        Pending::over(Ok(()))
    }

    fn events(&self, filter: &EventFilter) -> Result<Vec<EventRow>, Error> {
        let kept = held(&self.kept);
        let lets = |event: &&EventRow| {
            filter
                .machine
                .is_none_or(|machine| event.machine == Some(machine))
                && filter.kind.as_ref().is_none_or(|kind| event.kind == *kind)
                && filter.after.is_none_or(|after| event.seq > after)
                && filter.before.is_none_or(|before| event.seq < before)
                && filter.since.is_none_or(|since| event.at >= since)
        };
        let found = kept.0.iter().filter(lets).cloned();
        Ok(if filter.newest_first {
            found.rev().take(filter.limit).collect()
        } else {
            found.take(filter.limit).collect()
        })
    }

    fn audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<AuditRow>, Error> {
        let kept = held(&self.kept);
        let rows = kept.1.iter().rev();
        let rows = rows.filter(|row| before.is_none_or(|before| row.seq < before));
        Ok(rows.take(limit).cloned().collect())
    }

    fn backup(&self, _: &Path) -> Result<(), Error> {
        Err(Error("there is no database to copy".to_owned()))
    }

    fn restore(&self, _: &Path) -> Result<Contents, Error> {
        Err(Error("there is no database to restore".to_owned()))
    }

    fn trouble(&self) -> Option<String> {
        None
    }
}
