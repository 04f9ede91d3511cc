//! What all connections share: limits, counters, seats.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{Notify, watch};

use super::running::Running;
use crate::boot::Gate;
use crate::config;
use crate::event::Sink;
use crate::limits::DESCRIPTORS_RESERVED;

/// Counters since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests that arrived whole.
    pub requests: AtomicU64,
    /// Bytes of files that the kernel took.
    pub bytes: AtomicU64,
    /// Clients that were told 503.
    pub turned_away: AtomicU64,
}

/// What all connections share.
pub struct Shared {
    /// Decides what a client gets.
    pub gate: Arc<dyn Gate>,
    /// Takes the events.
    pub sink: Arc<dyn Sink>,
    /// Counters.
    pub stats: Counters,
    /// Connections that are served.
    pub serving: Seats,
    /// Connections that are being told 503.
    pub turning_away: Seats,
    /// Files on their way.
    pub running: Arc<Running>,
    limits: RwLock<config::Http>,
    descriptors: usize,
}

impl Shared {
    /// `descriptors`: how many the process may have.
    pub fn new(
        limits: config::Http,
        gate: Arc<dyn Gate>,
        sink: Arc<dyn Sink>,
        descriptors: usize,
    ) -> Shared {
        let freed = Arc::new(Notify::new());
        Shared {
            gate,
            sink,
            stats: Counters::default(),
            serving: Seats::new(freed.clone()),
            turning_away: Seats::new(freed),
            running: Arc::default(),
            limits: RwLock::new(limits),
            descriptors,
        }
    }

    /// The limits in force.
    pub fn limits(&self) -> config::Http {
        self.limits
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Puts other limits in force; what is running goes on under them.
    pub fn set_limits(&self, limits: config::Http) {
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = limits;
        self.serving.freed.notify_waiters();
    }

    /// Connections that are served at a time: what the configuration says, but no more than there
    /// are descriptors for, two each (socket and file). TFTP, fetches and the log need some too.
    pub fn connections(&self) -> u32 {
        let room = self.descriptors.saturating_sub(DESCRIPTORS_RESERVED) / 2;
        let room = u32::try_from(room).unwrap_or(u32::MAX).max(1);
        self.limits().connections.min(room)
    }
}

/// Waits until the server is to stop.
pub async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the server is gone altogether.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// A number of seats that are taken, each by a [`Seat`].
pub struct Seats {
    taken: Arc<AtomicU32>,
    /// Told whenever a seat, of whichever kind, becomes free.
    pub freed: Arc<Notify>,
}

impl Seats {
    fn new(freed: Arc<Notify>) -> Seats {
        Seats {
            taken: Arc::default(),
            freed,
        }
    }

    /// How many are taken.
    pub fn taken(&self) -> u32 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Takes one if fewer than `limit` are taken.
    pub fn take(&self, limit: u32) -> Option<Seat> {
        let more = |taken| (taken < limit).then_some(taken + 1);
        self.taken
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, more)
            .ok()?;
        Some(Seat {
            taken: self.taken.clone(),
            freed: self.freed.clone(),
        })
    }
}

/// One connection's place; free again when dropped.
pub struct Seat {
    taken: Arc<AtomicU32>,
    freed: Arc<Notify>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.taken.fetch_sub(1, Ordering::AcqRel);
        self.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_taken_up_to_the_limit_and_come_back() {
        let seats = Seats::new(Arc::default());
        let first = seats.take(2).unwrap();
        let _second = seats.take(2).unwrap();
        assert!(seats.take(2).is_none());
        drop(first);
        assert_eq!(seats.taken(), 1);
        assert!(seats.take(1).is_none(), "a lower limit counts at once");
        assert!(seats.take(2).is_some());
    }
}
