//! The one thread that writes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Row, TransactionBehavior};

use super::Error;
use super::apply::apply;
use super::prune::{Prune, surely};
use super::queue::{Job, Next, Queue};
use super::rows::Write;
use crate::clock;
use crate::id::MachineId;
use crate::limits;

/// Writes what comes until the queue is closed and empty.
pub fn run(queue: &Arc<Queue>, mut connection: Connection, last_event: Option<u64>) {
    let mut prune = Prune::default();
    let began = last_event.unwrap_or_else(clock::now_ms);
    let mut pruned = Instant::now();
    let mut has_log = true;
    loop {
        let wait = limits::PRUNE_EVERY.saturating_sub(pruned.elapsed());
        let Next::Jobs(mut jobs) = queue.take(wait.max(Duration::from_millis(10))) else {
            empty_log(&connection);
            return;
        };
        if do_urgent(queue, &mut connection, &mut jobs) {
            jobs.clear();
        }
        if !jobs.is_empty() {
            let changes = jobs.iter().flat_map(|job| &job.changes);
            prune.grew(changes);
            persist(queue, &mut connection, jobs);
            has_log = true;
        }
        let is_other = queue.has_other_retention();
        if is_other {
            prune.look_at_all();
        }
        if is_other || pruned.elapsed() >= limits::PRUNE_EVERY {
            let now = surely(clock::now_ms(), began, clock::lasts_ms());
            tidy(queue, &connection, &mut prune, now);
            pruned = Instant::now();
            if has_log && queue.is_idle() {
                has_log = !empty_log(&connection);
            }
        }
    }
}

/// Removes what is too much, as long as nobody waits; a step of it in any case, so that a time without
/// a pause does not fill the disk.
fn tidy(queue: &Queue, connection: &Connection, prune: &mut Prune, now: u64) {
    let retention = queue.retention();
    let begun = prune.begin(connection, &retention, now);
    let mut more = begun.map(|()| true);
    while let Ok(true) = more {
        more = prune.step(connection, &retention);
        if !queue.is_idle() {
            break;
        }
    }
    if let Err(error) = more {
        log::debug!("removing old events: {error}");
    }
}

/// Moves what stands in the log of the database into the database, if nobody reads just now, and says
/// whether that was done: a start reads the whole log before anything else.
fn empty_log(connection: &Connection) -> bool {
    let busy = |row: &Row| row.get::<_, i64>(0);
    let empty = || connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], busy);
    // Whoever reads goes first: a backup takes its time, and changes must not wait for it.
    let done = connection
        .busy_timeout(Duration::ZERO)
        .and_then(|()| empty());
    if let Err(error) = connection.busy_timeout(limits::STORE_BUSY) {
        log::warn!("setting the database's patience: {error}");
    }
    done.is_ok_and(|busy| busy == 0)
}

/// Commits the jobs together; tries for as long as it takes.
fn persist(queue: &Queue, connection: &mut Connection, mut jobs: Vec<Job>) {
    let mut pause = limits::STORE_PAUSE.0;
    loop {
        let error = match commit(connection, &jobs) {
            Ok(()) => {
                queue.trouble_is(None);
                for job in &mut jobs {
                    job.tell(Ok(()));
                }
                return;
            }
            Err(error) => error,
        };
        let why = Error(format!(
            "the database cannot be written: {error}; what happens now is kept in memory only: make \
             room on the disk, or make it writable"
        ));
        if is_lasting(&error) && jobs.len() == 1 {
            // This change itself is impossible: with it nothing would ever be written again.
            log::error!("a change is left out: {error}");
            jobs.iter_mut().for_each(|job| job.tell(Err(why.clone())));
            return;
        }
        if is_lasting(&error) {
            for job in jobs {
                persist(queue, connection, vec![job]);
            }
            return;
        }
        queue.trouble_is(Some(why.0.clone()));
        jobs.iter_mut().for_each(|job| job.tell_if_late(&why));
        if do_urgent(queue, connection, &mut jobs) {
            queue.trouble_is(None);
            return;
        }
        if queue.is_closed() {
            jobs.iter_mut().for_each(|job| job.tell(Err(why.clone())));
            return;
        }
        queue.pause(pause, &why);
        pause = (pause * 2).min(limits::STORE_PAUSE.1);
    }
}

/// Does what is urgent; `true`: the jobs, and all that waited, no longer count.
fn do_urgent(queue: &Queue, connection: &mut Connection, jobs: &mut [Job]) -> bool {
    let mut gone = false;
    while let Some(urgent) = queue.take_urgent() {
        let (done, told) = urgent(connection);
        if done {
            let why = Error(
                "a backup was restored before the change was written; make it again".to_owned(),
            );
            jobs.iter_mut().for_each(|job| job.tell(Err(why.clone())));
            queue.discard(&why);
            gone = true;
        }
        told();
    }
    gone
}

/// Errors of the change, not of the disk.
fn is_lasting(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{ConstraintViolation, TooBig, TypeMismatch};
    matches!(
        error.sqlite_error_code(),
        Some(ConstraintViolation | TooBig | TypeMismatch)
    )
}

fn commit(connection: &mut Connection, jobs: &[Job]) -> rusqlite::Result<()> {
    let changes = || jobs.iter().flat_map(|job| &job.changes);
    // Of a machine that is in the batch many times only the last state is written, at the place of
    // the last: what stands before it (a merge, a removal) keeps its order.
    let mut last: HashMap<MachineId, usize> = HashMap::new();
    for (place, change) in changes().enumerate() {
        if let Write::Machine(row) = change {
            last.insert(row.id, place);
        }
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (place, change) in changes().enumerate() {
        match change {
            Write::Machine(row) if last.get(&row.id) != Some(&place) => {}
            change => apply(&transaction, change)?,
        }
    }
    transaction.commit()
}
