//! What waits for the thread that writes, within bounds.

use std::collections::{HashSet, VecDeque};
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::rows::{Backlog, Write};
use super::{Error, Written};
use crate::config::{Events, defaults};
use crate::limits;

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
    /// Bytes of the jobs, as [`Write::bytes`] counts them.
    bytes: usize,
    /// Changes and bytes that the thread has, and that are not on the disk yet.
    in_hand: (usize, usize),
    /// Jobs that were left after machines were last collapsed.
    collapsed: usize,
    /// Events that found no room since the start, and how many of them were not told yet.
    dropped: (u64, u64),
    /// Which events are kept; none is said at first.
    retention: Option<Events>,
    /// Another one was said, and what is too much now was not looked for yet.
    is_other: bool,
    trouble: Option<String>,
    closed: bool,
}

/// Something with the connection. `true`: changes from before it no longer count. What comes back
/// tells whoever waits, once those changes are gone and before any later one can be taken for one.
pub type Urgent = Box<dyn FnOnce(&mut Connection) -> (bool, Tell) + Send>;

/// Tells somebody.
pub type Tell = Box<dyn FnOnce() + Send>;

/// Changes, all or none. Without any it only tells that all before it is on the disk.
pub struct Job {
    /// They, in order.
    pub changes: Vec<Write>,
    /// Whom to tell; nobody any more once told.
    tell: Option<Written>,
    /// Since when they wait.
    since: Instant,
}

impl Job {
    /// Tells who waits, if anybody still does.
    pub fn tell(&mut self, result: Result<(), Error>) {
        if let Some(tell) = self.tell.take() {
            let _ = tell.send(result);
        }
    }

    /// The same if they wait for too long already.
    pub fn tell_if_late(&mut self, why: &Error) {
        if self.since.elapsed() >= limits::STORE_PATIENCE {
            self.tell(Err(why.clone()));
        }
    }

    fn is_awaited(&self) -> bool {
        self.tell.as_ref().is_some_and(|tell| !tell.is_closed())
    }
}

/// What is to be done now.
pub enum Next {
    /// These, together; none where something is urgent or to be removed, or nothing came.
    Jobs(Vec<Job>),
    /// The queue is closed and empty.
    Over,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes changes. Where there is no room events are dropped, those that come first and then those
    /// that wait; after them what can be refused is. A machine's state is always taken: it is in force
    /// already, and there are only as many as machines.
    pub fn put(&self, mut changes: Vec<Write>, tell: Written) {
        let mut state = self.state();
        if !state.has_room(&changes) {
            let before = changes.len();
            changes.retain(|change| !change.is_event());
            state.drop_events(before - changes.len());
            if changes.is_empty() {
                let _ = tell.send(Ok(()));
                return;
            }
        }
        if !state.has_room(&changes) {
            state.drop_waiting_events();
            if !state.has_room(&changes) && changes.iter().all(Write::can_be_refused) {
                let _ = tell.send(Err(Error::full()));
                return;
            }
        }
        state.add(changes, tell);
        if state.jobs.len() >= limits::STORE_BATCH.max(state.collapsed * 2) {
            state.collapse();
        }
        self.more.notify_one();
    }

    /// Tells once everything before it is on the disk.
    pub fn flush(&self, tell: Written) {
        self.state().add(Vec::new(), tell);
        self.more.notify_one();
    }

    /// Has something done now, also while changes cannot be written.
    pub fn urgent(&self, job: Urgent) {
        self.state().urgent.push_back(job);
        self.more.notify_one();
    }

    /// What is to be done now.
    pub fn take_urgent(&self) -> Option<Urgent> {
        self.state().urgent.pop_front()
    }

    /// Which events are kept from now on. What is too much then goes at once, but for what is said
    /// first: a start has other things to do.
    pub fn retain(&self, retention: Events) {
        let mut state = self.state();
        let before = state.retention.replace(retention);
        if before.is_some() && before != state.retention {
            state.is_other = true;
            self.more.notify_one();
        }
    }

    /// Which events are kept.
    pub fn retention(&self) -> Events {
        let retention = self.state().retention.clone();
        retention.unwrap_or_else(defaults::events)
    }

    /// Whether that is another than when it was asked last.
    pub fn has_other_retention(&self) -> bool {
        mem::take(&mut self.state().is_other)
    }

    /// Tells all that wait here that they wait in vain, and forgets them.
    pub fn discard(&self, why: &Error) {
        let mut state = self.state();
        for mut job in mem::take(&mut state.jobs) {
            job.tell(Err(why.clone()));
        }
        (state.events, state.bytes) = (0, 0);
    }

    /// Waits before another try, and tells those that have waited long enough meanwhile.
    pub fn pause(&self, pause: Duration, why: &Error) {
        let until = Instant::now() + pause;
        let mut state = self.state();
        loop {
            for job in &mut state.jobs {
                job.tell_if_late(why);
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

    /// Lets the thread end once nothing waits.
    pub fn close(&self) {
        self.state().closed = true;
        self.more.notify_one();
    }

    /// Whether nothing more comes.
    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Whether nobody waits.
    pub fn is_idle(&self) -> bool {
        let state = self.state();
        state.jobs.is_empty() && state.urgent.is_empty()
    }

    /// Why changes are not kept now.
    pub fn trouble(&self) -> Option<String> {
        self.state().trouble.clone()
    }

    /// What waits, and what found no room.
    pub fn backlog(&self) -> Backlog {
        let state = self.state();
        let changes = state.jobs.iter().map(|job| job.changes.len());
        Backlog {
            changes: state.in_hand.0 + changes.sum::<usize>(),
            bytes: state.in_hand.1 + state.bytes,
            events_dropped: state.dropped.0,
        }
    }

    /// Notes why what the thread has is not written, or that it is (`None`), and says so where that is
    /// new.
    pub fn trouble_is(&self, trouble: Option<String>) {
        let mut state = self.state();
        if trouble.is_none() {
            state.in_hand = (0, 0);
        }
        match (&state.trouble, &trouble) {
            (None, Some(why)) => log::error!("{why}"),
            (Some(_), None) => log::info!("changes are written to the database again"),
            _ => {}
        }
        state.trouble = trouble;
        let is_past = state.trouble.is_none() && state.bytes <= limits::STORE_BYTES / 2;
        if is_past && state.dropped.1 > 0 {
            let dropped = mem::take(&mut state.dropped.1);
            log::warn!(
                "the disk keeps up again: {dropped} events are missing in timelines, nothing else is"
            );
        }
    }

    /// What is to be done now: everything that waits, up to a batch, or nothing once `patience` is over.
    pub fn take(&self, patience: Duration) -> Next {
        let mut state = self.state();
        // The thread is done with what it had, also where that was left out.
        state.in_hand = (0, 0);
        let until = Instant::now() + patience;
        while state.jobs.is_empty() && state.urgent.is_empty() && !state.closed && !state.is_other {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Next::Jobs(Vec::new());
            }
            state = self
                .more
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        let mut jobs = Vec::new();
        while state.in_hand.0 < limits::STORE_BATCH
            && let Some(job) = state.jobs.pop_front()
        {
            let size = bytes(&job.changes);
            state.in_hand = (state.in_hand.0 + job.changes.len(), state.in_hand.1 + size);
            state.bytes -= size;
            state.events -= events(&job.changes);
            jobs.push(job);
        }
        if jobs.is_empty() && state.urgent.is_empty() && state.closed {
            return Next::Over;
        }
        Next::Jobs(jobs)
    }
}

impl State {
    fn has_room(&self, changes: &[Write]) -> bool {
        self.in_hand.1 + self.bytes + bytes(changes) <= limits::STORE_BYTES
    }

    fn add(&mut self, changes: Vec<Write>, tell: Written) {
        self.bytes += bytes(&changes);
        self.events += events(&changes);
        self.jobs.push_back(Job {
            changes,
            tell: Some(tell),
            since: Instant::now(),
        });
    }

    fn drop_events(&mut self, count: usize) {
        if count > 0 && self.dropped.1 == 0 {
            log::warn!(
                "the disk is slower than what happens: events are dropped from the timeline, \
                 nothing else is lost"
            );
        }
        self.dropped.0 += count as u64;
        self.dropped.1 += count as u64;
    }

    /// Drops the events that wait and that nobody waits for.
    fn drop_waiting_events(&mut self) {
        if self.events == 0 {
            return;
        }
        let before = self.events;
        for job in self.jobs.iter_mut().filter(|job| !job.is_awaited()) {
            job.changes.retain(|change| !change.is_event());
        }
        self.swept();
        self.drop_events(before - self.events);
    }

    /// Keeps of every machine only the last state that nobody waits for any more, so that what waits
    /// while the disk takes nothing is bounded by the number of machines. A state that is left out here
    /// is acknowledged to nobody, and a later one waits behind it.
    fn collapse(&mut self) {
        let mut later = HashSet::new();
        for job in self.jobs.iter_mut().rev() {
            if job.changes.is_empty() {
                // What stands before it is to be on the disk when it is told.
                later.clear();
            }
            let is_free = !job.is_awaited();
            let mut at = job.changes.len();
            while at > 0 {
                at -= 1;
                if let Write::Machine(row) = &job.changes[at]
                    && !later.insert(row.id)
                    && is_free
                {
                    job.changes.remove(at);
                }
            }
        }
        self.swept();
        self.collapsed = self.jobs.len();
    }

    /// After changes were taken out of jobs: those that have none left go, and the rest is counted.
    fn swept(&mut self) {
        self.jobs
            .retain(|job| !job.changes.is_empty() || job.is_awaited());
        let changes = || self.jobs.iter().map(|job| &job.changes[..]);
        (self.events, self.bytes) = (changes().map(events).sum(), changes().map(bytes).sum());
    }
}

fn events(changes: &[Write]) -> usize {
    changes.iter().filter(|change| change.is_event()).count()
}

fn bytes(changes: &[Write]) -> usize {
    changes.iter().map(Write::bytes).sum()
}
