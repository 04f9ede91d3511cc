//! The time that the agent goes by: the system's, but for jumps. The system's clock may be hours off
//! when a firewall starts, and be set while machines are installed. What is counted from a moment that was
//! written down (how long an installation takes, whether a machine is back at once) would then be
//! wrong by as much.
//!
//! So [`now_ms`] goes on by the monotonic clock, and is made the system's time again at one place only,
//! by [`step`], together with every moment from which something is counted: each is moved by the
//! same [`Jump`].

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use crate::limits;
use crate::stamp;

/// Milliseconds since 1970 at this moment of the monotonic clock, and by how much the system's clock
/// jumped since.
static BEGAN: LazyLock<(Instant, u64)> = LazyLock::new(|| (Instant::now(), stamp::now_ms()));
static MOVED: AtomicI64 = AtomicI64::new(0);

/// Milliseconds since 1970; between two calls of [`step`] it never jumps.
pub fn now_ms() -> u64 {
    began().saturating_add(lasts_ms())
}

/// When this was first asked for the time, by the clock as it is now.
pub fn began() -> u64 {
    BEGAN.1.saturating_add_signed(MOVED.load(Ordering::Relaxed))
}

/// Milliseconds since this was first asked for the time, whatever the clock says.
pub fn lasts_ms() -> u64 {
    u64::try_from(BEGAN.0.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// How far the system's clock is from [`now_ms`], if that is more than such clocks are apart.
pub fn jump() -> Option<Jump> {
    jump_to(began(), now_ms(), stamp::now_ms())
}

fn jump_to(began: u64, before: u64, wall: u64) -> Option<Jump> {
    let by = i64::try_from(i128::from(wall) - i128::from(before)).unwrap_or(0);
    let is_one = u128::from(by.unsigned_abs()) >= limits::CLOCK_JUMP.as_millis();
    is_one.then_some(Jump { by, began, before })
}

/// Goes by the system's time from now on. Whoever calls this moves what is counted, and lets nobody
/// count meanwhile.
pub fn step(jump: &Jump) {
    MOVED.fetch_add(jump.by, Ordering::Relaxed);
}

/// The system's clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    /// By so many milliseconds; less than 0: back.
    pub by: i64,
    /// When this process began, by the clock before.
    pub began: u64,
    /// What the clock before said when it jumped.
    pub before: u64,
}

impl Jump {
    /// A moment as the clock now has it. One from before this process is taken for one of the clock
    /// before if it is near: an older one may be right as it is, and nothing is counted from it any
    /// more.
    pub fn of(&self, at: u64) -> u64 {
        let of_this_run = (self.began..=self.before).contains(&at);
        let age = self.before.checked_sub(at);
        let is_near = age.is_some_and(|age| u128::from(age) < limits::CLOCK_NEAR.as_millis());
        match of_this_run || is_near {
            true => self.counted(at),
            false => at,
        }
    }

    /// A moment from which something is counted, whenever it was.
    pub fn counted(&self, at: u64) -> u64 {
        at.saturating_add_signed(self.by)
    }
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.by.unsigned_abs().div_ceil(60_000);
        let to = stamp::plain(self.counted(self.before) / 1_000);
        write!(
            f,
            "the system's clock was set {} by {} h {} min, to {to} UTC: what is timed (installations, \
             boots) goes on as if it had not been",
            if self.by < 0 { "back" } else { "forward" },
            minutes / 60,
            minutes % 60
        )
    }
}

/// The jumps of this run, each with the number of the first event after it.
#[derive(Debug, Default)]
pub struct Jumps {
    /// The number of the first event of this run.
    first: u64,
    all: Vec<(u64, i64)>,
}

impl Jumps {
    /// None so far.
    pub fn new(first: u64) -> Jumps {
        Jumps {
            first,
            all: Vec::new(),
        }
    }

    /// Adds one; of very many the oldest are forgotten.
    pub fn add(&mut self, next: u64, jump: &Jump) {
        if self.all.len() >= limits::CLOCK_JUMPS {
            self.all.remove(0);
        }
        self.all.push((next, jump.by));
    }

    /// When an event of this run happened, as the clock now has it, so that what lies between two is
    /// how long it took.
    pub fn of(&self, seq: u64, at: u64) -> u64 {
        if seq < self.first {
            return at;
        }
        let after = self.all.iter().filter(|(next, _)| seq < *next);
        after.fold(at, |at, (_, by)| at.saturating_add_signed(*by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const NOON: u64 = 1_700_000_000_000;

    #[test]
    fn a_clock_that_is_a_little_off_did_not_jump() {
        for off in [0, 900, 9_999] {
            assert_eq!(jump_to(NOON, NOON, NOON + off), None);
            assert_eq!(jump_to(NOON, NOON, NOON - off), None);
        }
        let by = |wall| jump_to(NOON, NOON, wall).map(|jump| jump.by);
        assert_eq!(by(NOON + 10_000), Some(10_000));
        assert_eq!(by(0), Some(-(NOON as i64)));
    }

    #[test]
    fn what_is_counted_goes_with_the_clock() {
        let jump = |by| Jump {
            by,
            began: NOON,
            before: NOON + 60_000,
        };
        let forward = jump(3 * HOUR);
        assert_eq!(forward.of(NOON + 50_000), NOON + 50_000 + 3 * HOUR as u64);
        let back = jump(-3 * HOUR);
        assert_eq!(back.of(NOON + 50_000), NOON + 50_000 - 3 * HOUR as u64);
        assert_eq!(
            back.of(NOON - 5_000),
            NOON - 5_000 - 3 * HOUR as u64,
            "near"
        );
        let long_ago = NOON - 30 * 24 * HOUR as u64;
        assert_eq!(back.of(long_ago), long_ago);
        assert_eq!(back.counted(long_ago), long_ago - 3 * HOUR as u64);
        let to_come = NOON + 24 * HOUR as u64;
        assert_eq!(
            forward.of(to_come),
            to_come,
            "from when the clock was right"
        );
        assert_eq!(jump(-(NOON as i64) * 2).of(NOON), 0);
    }

    #[test]
    fn a_jump_is_told_in_words() {
        let jump = Jump {
            by: -2 * HOUR - 61_000,
            began: 0,
            before: NOON,
        };
        assert_eq!(
            jump.to_string(),
            "the system's clock was set back by 2 h 2 min, to 2023-11-14 20:12:19 UTC: what is timed \
             (installations, boots) goes on as if it had not been"
        );
    }

    #[test]
    fn between_two_events_lies_how_long_it_took() {
        let mut jumps = Jumps::new(10);
        let jump = |by| Jump {
            by,
            began: 0,
            before: 0,
        };
        jumps.add(12, &jump(HOUR));
        jumps.add(14, &jump(-HOUR / 2));
        let half = HOUR as u64 / 2;
        assert_eq!(jumps.of(9, NOON), NOON, "of the run before");
        assert_eq!(jumps.of(11, NOON), NOON + half);
        assert_eq!(jumps.of(12, NOON), NOON - half);
        assert_eq!(jumps.of(14, NOON), NOON);
        (0..1_000).for_each(|_| jumps.add(20, &jump(1)));
        assert_eq!(jumps.of(15, NOON), NOON + limits::CLOCK_JUMPS as u64);
    }
}
