//! When which transfer is to be looked at next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// Deadlines by token. One that moves back costs nothing: the transfer is looked at once too early
/// and then set again, about once a second and not with each packet.
#[derive(Debug, Default)]
pub struct Timers(BinaryHeap<Reverse<(Instant, u64)>>);

impl Timers {
    /// Has `token` looked at then.
    pub fn set(&mut self, at: Instant, token: u64) {
        self.0.push(Reverse((at, token)));
    }

    /// When the next one is due.
    pub fn next(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes one that is due, with its time.
    pub fn due(&mut self, now: Instant) -> Option<(Instant, u64)> {
        if self.next()? > now {
            return None;
        }
        self.0.pop().map(|Reverse(due)| due)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_due_comes_in_order_and_nothing_sooner() {
        let now = Instant::now();
        let later = |milliseconds| now + Duration::from_millis(milliseconds);
        let mut timers = Timers::default();
        for (at, token) in [(30, 3), (10, 1), (20, 2)] {
            timers.set(later(at), token);
        }
        assert_eq!(timers.next(), Some(later(10)));
        assert_eq!(timers.due(later(9)), None);
        assert_eq!(timers.due(later(25)), Some((later(10), 1)));
        assert_eq!(timers.due(later(25)), Some((later(20), 2)));
        assert_eq!(timers.due(later(25)), None);
        assert_eq!(timers.next(), Some(later(30)));
    }
}
