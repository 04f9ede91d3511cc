//! So many at once, and so many each second.

use std::time::Instant;

/// Counts down, and fills up again as time goes by.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// At once, and each second.
    size: (u32, u32),
    /// Thousandths of what is left.
    left: u64,
    filled: Instant,
}

impl Bucket {
    /// A full one.
    pub fn new(size: (u32, u32), now: Instant) -> Bucket {
        Bucket {
            size,
            left: u64::from(size.0) * 1_000,
            filled: now,
        }
    }

    /// Takes one out; `false`: there is none.
    pub fn take(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.filled).as_millis();
        // Whole milliseconds only, so that many short waits add up to what one long wait gives.
        if since > 0 {
            let since = u64::try_from(since).unwrap_or(u64::MAX);
            let more = since.saturating_mul(u64::from(self.size.1));
            let full = u64::from(self.size.0) * 1_000;
            self.left = self.left.saturating_add(more).min(full);
            self.filled = now;
        }
        let Some(left) = self.left.checked_sub(1_000) else {
            return false;
        };
        self.left = left;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn so_many_come_at_once_and_then_so_many_each_second() {
        let start = Instant::now();
        let mut bucket = Bucket::new((3, 2), start);
        let mut taken = |after| {
            let now = start + Duration::from_millis(after);
            (0..10).filter(|_| bucket.take(now)).count()
        };
        assert_eq!(taken(0), 3);
        assert_eq!(taken(499), 0);
        assert_eq!(taken(500), 1);
        assert_eq!(taken(1_000), 1);
        assert_eq!(taken(60_000), 3, "no more than at once");
    }
}
