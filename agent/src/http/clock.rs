//! When a connection's patience ends. One timer serves all its time-outs: it is armed for the
//! earliest and moved only when an earlier one comes up.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::config::Http;
use crate::limits::{HTTP_LINGER, HTTP_SETTLE};

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// To look how much the client has acknowledged, and to tell by [`Clock::seen`].
    Look,
    /// The client took no byte for `stall_timeout`.
    Stalled,
    /// A request's head did not arrive within `header_timeout`.
    Slow {
        /// Whether any of it did.
        begun: bool,
    },
    /// Nothing was asked for `idle_timeout`.
    Idle,
    /// The client did not close its side.
    Lingered,
}

/// The timer of one connection.
pub struct Clock {
    sleep: Pin<Box<Sleep>>,
    armed: Option<Instant>,
    times: Times,
}

/// What the timer is computed from.
#[derive(Debug)]
struct Times {
    /// Requests that had arrived whole when it was last looked.
    requests: u64,
    /// Since when a head is awaited, and whether its first bytes are there. `None`: between requests.
    head: Option<(Instant, bool)>,
    /// Since when there is nothing to do; `None`: there was something a moment ago.
    quiet: Option<Instant>,
    /// The socket takes nothing.
    blocked: bool,
    /// When the client last took a byte, as far as it was looked.
    moved: Instant,
    /// Bytes that it had acknowledged then.
    acknowledged: u64,
    /// When to look next, and the wait before.
    look: Option<Instant>,
    look_wait: Duration,
    /// This side is closed.
    closed: bool,
}

impl Clock {
    /// The clock of a connection that was just accepted: its first request's head is awaited.
    pub fn new() -> Clock {
        let now = Instant::now();
        Clock {
            sleep: Box::pin(tokio::time::sleep_until(now)),
            armed: None,
            times: Times::new(now),
        }
    }

    /// Bytes of a next request have arrived.
    pub fn read(&mut self) {
        let since = self
            .times
            .head
            .map_or_else(Instant::now, |(since, _)| since);
        self.times.head = Some((since, true));
    }

    /// How many requests have arrived whole.
    pub fn requests(&mut self, requests: u64) {
        if requests != self.times.requests {
            self.times.requests = requests;
            self.times.head = None;
            self.times.quiet = None;
        }
    }

    /// The socket took bytes.
    pub fn wrote(&mut self) {
        self.times.blocked = false;
        self.times.moved = Instant::now();
    }

    /// The socket takes nothing.
    pub fn blocked(&mut self) {
        self.times.blocked = true;
    }

    /// The kernel has a transfer's last byte, the client perhaps not.
    pub fn settle(&mut self) {
        self.times.settle(Instant::now());
    }

    /// How many bytes the client has acknowledged.
    pub fn seen(&mut self, acknowledged: u64) {
        self.times.seen(acknowledged, Instant::now());
    }

    /// When the client last took a byte, as far as it was looked.
    pub fn moved(&self) -> std::time::Instant {
        self.times.moved.into_std()
    }

    /// This side is closed.
    pub fn closed(&mut self) {
        self.times.closed = true;
    }

    /// What is due now; if nothing is, the task is woken when something may be.
    pub fn poll(
        &mut self,
        cx: &mut Context<'_>,
        limits: &Http,
        settling: bool,
        busy: bool,
    ) -> Poll<Due> {
        loop {
            let now = Instant::now();
            let Some((at, due)) = self.times.next(now, limits, settling, busy) else {
                return Poll::Pending;
            };
            if at <= now {
                return Poll::Ready(due);
            }
            if self.armed.is_none_or(|armed| armed > at) {
                self.sleep.as_mut().reset(at);
                self.armed = Some(at);
            }
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.armed = None;
        }
    }
}

impl Times {
    fn new(now: Instant) -> Times {
        Times {
            requests: 0,
            head: Some((now, false)),
            quiet: None,
            blocked: false,
            moved: now,
            acknowledged: 0,
            look: None,
            look_wait: HTTP_SETTLE.0,
            closed: false,
        }
    }

    fn settle(&mut self, now: Instant) {
        self.look_wait = HTTP_SETTLE.0;
        self.look = Some(now + self.look_wait);
        self.moved = now;
    }

    fn seen(&mut self, acknowledged: u64, now: Instant) {
        if acknowledged != self.acknowledged {
            self.acknowledged = acknowledged;
            self.moved = now;
        }
        self.look = None;
        self.look_wait = (self.look_wait * 2).min(HTTP_SETTLE.1);
    }

    /// The next thing and its time. `settling`: the client lacks bytes that the kernel has; `busy`:
    /// a request is being answered.
    fn next(
        &mut self,
        now: Instant,
        limits: &Http,
        settling: bool,
        busy: bool,
    ) -> Option<(Instant, Due)> {
        if self.blocked || settling {
            self.quiet = None;
            // A full socket says nothing of a slow client: it may need minutes for what the kernel
            // holds. So it is looked what it acknowledges, four times before it counts as gone.
            let quarter = limits.stall_timeout / 4;
            let wait = if settling {
                self.look_wait.min(quarter)
            } else {
                quarter
            };
            let look = *self.look.get_or_insert(now + wait);
            let stalled = self.moved + limits.stall_timeout;
            return Some(if look <= stalled {
                (look, Due::Look)
            } else {
                (stalled, Due::Stalled)
            });
        }
        self.look = None;
        if self.closed {
            let since = *self.quiet.get_or_insert(now);
            return Some((since + HTTP_LINGER, Due::Lingered));
        }
        if busy {
            self.quiet = None;
            return None;
        }
        if let Some((since, begun)) = self.head {
            return Some((since + limits.header_timeout, Due::Slow { begun }));
        }
        let since = *self.quiet.get_or_insert(now);
        Some((since + limits.idle_timeout, Due::Idle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Http = Http {
        connections: 1,
        retry_after: Duration::from_secs(1),
        header_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(30),
        stall_timeout: Duration::from_secs(60),
    };

    fn after(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_head_has_its_time_from_the_start_however_slowly_it_comes() {
        let start = Instant::now();
        let mut times = Times::new(start);
        let slow = |begun| Some((start + LIMITS.header_timeout, Due::Slow { begun }));
        assert_eq!(
            times.next(start + after(5), &LIMITS, false, false),
            slow(false)
        );
        times.head = times.head.map(|(since, _)| (since, true));
        assert_eq!(
            times.next(start + after(9), &LIMITS, false, false),
            slow(true)
        );
    }

    #[test]
    fn a_request_that_is_being_answered_has_no_time_out() {
        let start = Instant::now();
        let mut times = Times::new(start);
        assert_eq!(times.next(start + after(500), &LIMITS, false, true), None);
    }

    #[test]
    fn idle_time_begins_when_the_client_has_everything() {
        let start = Instant::now();
        let mut times = Times::new(start);
        times.head = None;
        times.settle(start);
        assert!(matches!(
            times.next(start, &LIMITS, true, false),
            Some((_, Due::Look))
        ));
        let settled = start + after(100);
        let idle = Some((settled + LIMITS.idle_timeout, Due::Idle));
        assert_eq!(times.next(settled, &LIMITS, false, false), idle);
        assert_eq!(times.next(settled + after(7), &LIMITS, false, false), idle);
    }

    #[test]
    fn a_client_that_acknowledges_nothing_is_gone_after_the_stall_time() {
        let start = Instant::now();
        let mut times = Times::new(start);
        times.blocked = true;
        let mut now = start;
        let mut looks = 0;
        loop {
            match times.next(now, &LIMITS, false, true) {
                Some((at, Due::Look)) => {
                    now = at;
                    looks += 1;
                    times.seen(0, now);
                }
                Some((at, Due::Stalled)) => {
                    assert_eq!(at, start + LIMITS.stall_timeout);
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(looks, 4);
    }

    #[test]
    fn a_slow_client_that_acknowledges_a_little_is_not_gone() {
        let start = Instant::now();
        let mut times = Times::new(start);
        times.blocked = true;
        let mut now = start;
        for round in 1..100 {
            let Some((at, Due::Look)) = times.next(now, &LIMITS, false, true) else {
                panic!("gone in round {round}");
            };
            now = at;
            times.seen(round, now);
        }
        assert!(now > start + 10 * LIMITS.stall_timeout);
    }

    #[test]
    fn a_transfer_settles_by_looks_that_become_rarer() {
        let start = Instant::now();
        let mut times = Times::new(start);
        times.settle(start);
        let mut now = start;
        let mut waits = Vec::new();
        for _ in 0..12 {
            let Some((at, Due::Look)) = times.next(now, &LIMITS, true, false) else {
                panic!("no look");
            };
            waits.push((at - now).as_millis());
            now = at;
            times.seen(waits.len() as u64, now);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000]);
    }

    #[test]
    fn a_closed_side_lingers_and_no_longer() {
        let start = Instant::now();
        let mut times = Times::new(start);
        times.closed = true;
        let end = Some((start + HTTP_LINGER, Due::Lingered));
        assert_eq!(times.next(start, &LIMITS, false, true), end);
        assert_eq!(times.next(start + after(1), &LIMITS, false, false), end);
    }
}
