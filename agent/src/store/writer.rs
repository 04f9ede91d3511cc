//! The one thread that writes.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use super::apply::{apply, prune};
use super::rows::Write;
use super::{Error, Written};
use crate::id::MachineId;
use crate::limits;
use crate::stamp::now_ms;

/// What waits for the thread.
#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// What does not wait until the disk takes changes again: a restore, which may be the remedy.
    urgent: VecDeque<Urgent>,
    /// Events among the jobs.
    events: usize,
    /// Jobs that were left after machines were last collapsed.
    collapsed: usize,
    /// Events that found no room since the last line about it.
    dropped: u64,
    trouble: Option<String>,
    closed: bool,
}

/// Something with the connection. `true`: changes from before it no longer count. What comes back
/// tells whoever waits, once those changes are gone and before any later one can be taken for one.
pub type Urgent = Box<dyn FnOnce(&mut Connection) -> (bool, Tell) + Send>;

/// Tells somebody.
pub type Tell = Box<dyn FnOnce() + Send>;

/// What the thread does.
pub enum Job {
    /// Changes, all or none.
    Changes {
        /// They, in order.
        changes: Vec<Write>,
        /// Whom to tell; nobody any more once told.
        tell: Option<Written>,
        /// Since when they wait.
        since: Instant,
    },
    /// Something else with the connection, between transactions.
    Other(Box<dyn FnOnce(&mut Connection) + Send>),
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes changes; events for which there is no room are dropped.
    pub fn put(&self, mut changes: Vec<Write>, tell: Written) {
        let mut state = self.state();
        if state.events >= limits::STORE_EVENTS {
            let before = changes.len();
            changes.retain(|change| !matches!(change, Write::Event(_)));
            let dropped = before - changes.len();
            if dropped > 0 && state.dropped == 0 {
                log::warn!(
                    "the disk is slower than what happens: events are dropped from the timeline, \
                     nothing else is lost"
                );
            }
            state.dropped += dropped as u64;
        }
        if changes.is_empty() {
            let _ = tell.send(Ok(()));
            return;
        }
        state.events += events(&changes);
        state.jobs.push_back(Job::Changes {
            changes,
            tell: Some(tell),
            since: Instant::now(),
        });
        if state.jobs.len() >= limits::STORE_BATCH.max(state.collapsed * 2) {
            collapse(&mut state.jobs);
            state.collapsed = state.jobs.len();
        }
        self.more.notify_one();
    }

    /// Has something done now, also while changes cannot be written.
    pub fn urgent(&self, job: Urgent) {
        self.state().urgent.push_back(job);
        self.more.notify_one();
    }

    fn take_urgent(&self) -> Option<Urgent> {
        self.state().urgent.pop_front()
    }

    /// Tells all that wait here that they wait in vain, and forgets them.
    fn discard(&self, why: &Error) {
        let mut state = self.state();
        for mut job in mem::take(&mut state.jobs) {
            match job {
                Job::Changes { .. } => tell(&mut job, Err(why.clone())),
                Job::Other(_) => state.jobs.push_back(job),
            }
        }
        state.events = 0;
    }

    /// Waits before another try, and tells those that have waited long enough meanwhile.
    fn pause(&self, pause: Duration, why: &Error) {
        let until = Instant::now() + pause;
        let mut state = self.state();
        loop {
            for job in &mut state.jobs {
                tell_if_late(job, why);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || state.closed || !state.urgent.is_empty() {
                return;
            }
            let step = left.min(limits::STORE_PAUSE.0);
            state = self
                .more
                .wait_timeout(state, step)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Has something done behind all that waits.
    pub fn other(&self, job: Box<dyn FnOnce(&mut Connection) + Send>) {
        self.state().jobs.push_back(Job::Other(job));
        self.more.notify_one();
    }

    /// Lets the thread end once nothing waits.
    pub fn close(&self) {
        self.state().closed = true;
        self.more.notify_one();
    }

    /// Why changes are not kept now.
    pub fn trouble(&self) -> Option<String> {
        self.state().trouble.clone()
    }

    fn trouble_is(&self, trouble: Option<String>) {
        let mut state = self.state();
        match (&state.trouble, &trouble) {
            (None, Some(why)) => log::error!("{why}"),
            (Some(_), None) => log::info!("changes are written to the database again"),
            _ => {}
        }
        state.trouble = trouble;
    }

    /// What is to be done now: everything that waits, up to a batch. `None`: nothing came for
    /// `patience`, or the queue is closed and empty (`true`).
    fn take(&self, patience: Duration) -> (Vec<Job>, bool) {
        let mut state = self.state();
        let until = Instant::now() + patience;
        while state.jobs.is_empty() && state.urgent.is_empty() && !state.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return (Vec::new(), false);
            }
            state = self
                .more
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        let mut jobs = Vec::new();
        let mut count = 0;
        while let Some(job) = state.jobs.pop_front() {
            let alone = matches!(job, Job::Other(_));
            if alone && !jobs.is_empty() {
                state.jobs.push_front(job);
                break;
            }
            if let Job::Changes { changes, .. } = &job {
                count += changes.len();
                state.events -= events(changes);
            }
            jobs.push(job);
            if alone || count >= limits::STORE_BATCH {
                break;
            }
        }
        let over = jobs.is_empty() && state.urgent.is_empty() && state.closed;
        (jobs, over)
    }
}

fn events(changes: &[Write]) -> usize {
    let is_event = |change: &&Write| matches!(change, Write::Event(_));
    changes.iter().filter(is_event).count()
}

/// Writes what comes until the queue is closed and empty.
pub fn run(queue: &Arc<Queue>, mut connection: Connection) {
    let mut grown = BTreeSet::new();
    let mut pruned = Instant::now();
    loop {
        let wait = limits::PRUNE_EVERY.saturating_sub(pruned.elapsed());
        let (mut jobs, over) = queue.take(wait.max(Duration::from_millis(10)));
        if over {
            return;
        }
        if do_urgent(queue, &mut connection, &mut jobs) {
            jobs.retain(|job| matches!(job, Job::Other(_)));
        }
        if let [Job::Other(_)] = &jobs[..] {
            if let Some(Job::Other(job)) = jobs.pop() {
                job(&mut connection);
            }
        } else if !jobs.is_empty() {
            note_growth(&jobs, &mut grown);
            persist(queue, &mut connection, jobs);
        }
        if pruned.elapsed() >= limits::PRUNE_EVERY {
            let mut machines: Vec<i64> = mem::take(&mut grown).into_iter().collect();
            tidy(queue, &connection, &mut machines);
            grown.extend(machines);
            pruned = Instant::now();
        }
    }
}

fn note_growth(jobs: &[Job], grown: &mut BTreeSet<i64>) {
    for job in jobs {
        let Job::Changes { changes, .. } = job else {
            continue;
        };
        grown.extend(changes.iter().filter_map(|change| match change {
            Write::Event(event) => event.machine.and_then(|id| i64::try_from(id.0).ok()),
            _ => None,
        }));
    }
}

/// Removes what is too much, as long as nobody waits.
fn tidy(queue: &Queue, connection: &Connection, machines: &mut Vec<i64>) {
    let now = now_ms();
    while queue.state().jobs.is_empty() {
        match prune(connection, machines, now) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                log::debug!("removing old events: {error}");
                return;
            }
        }
    }
}

/// Commits the jobs together; tries for as long as it takes.
fn persist(queue: &Queue, connection: &mut Connection, mut jobs: Vec<Job>) {
    let mut pause = limits::STORE_PAUSE.0;
    loop {
        let error = match commit(connection, &jobs) {
            Ok(()) => {
                queue.trouble_is(None);
                for job in &mut jobs {
                    tell(job, Ok(()));
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
            jobs.iter_mut().for_each(|job| tell(job, Err(why.clone())));
            return;
        }
        if is_lasting(&error) {
            for job in jobs {
                persist(queue, connection, vec![job]);
            }
            return;
        }
        queue.trouble_is(Some(why.0.clone()));
        jobs.iter_mut().for_each(|job| tell_if_late(job, &why));
        if do_urgent(queue, connection, &mut jobs) {
            queue.trouble_is(None);
            return;
        }
        let closed = queue.state().closed;
        if closed {
            jobs.iter_mut().for_each(|job| tell(job, Err(why.clone())));
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
            jobs.iter_mut().for_each(|job| tell(job, Err(why.clone())));
            queue.discard(&why);
            gone = true;
        }
        told();
    }
    gone
}

/// Keeps of every machine only the last state that nobody waits for any more, so that what waits
/// while the disk takes nothing is bounded by the number of machines. A state that is left out here is
/// acknowledged to nobody, and a later one waits behind it.
fn collapse(jobs: &mut VecDeque<Job>) {
    let mut later = HashSet::new();
    for job in jobs.iter_mut().rev() {
        let Job::Changes { changes, tell, .. } = job else {
            later.clear();
            continue;
        };
        let is_free = tell.as_ref().is_none_or(|tell| tell.is_closed());
        let mut at = changes.len();
        while at > 0 {
            at -= 1;
            if let Write::Machine(row) = &changes[at]
                && !later.insert(row.id)
                && is_free
            {
                changes.remove(at);
            }
        }
    }
    jobs.retain(|job| !matches!(job, Job::Changes { changes, .. } if changes.is_empty()));
}

fn tell_if_late(job: &mut Job, why: &Error) {
    if matches!(job, Job::Changes { since, .. } if since.elapsed() >= limits::STORE_PATIENCE) {
        tell(job, Err(why.clone()));
    }
}

fn tell(job: &mut Job, result: Result<(), Error>) {
    if let Job::Changes { tell, .. } = job
        && let Some(tell) = tell.take()
    {
        let _ = tell.send(result);
    }
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
    let changes = || {
        jobs.iter().flat_map(|job| match job {
            Job::Changes { changes, .. } => &changes[..],
            Job::Other(_) => &[],
        })
    };
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
