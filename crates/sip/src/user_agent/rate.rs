//! How many a second.

use serde::{Deserialize, Serialize};
use timing::Instant;

/// A token bucket that holds one second's worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rate {
    /// Millionths of a token.
    level: u64,
    since: Instant,
}

const TOKEN: u64 = 1_000_000;

impl Rate {
    /// A full bucket.
    pub(super) fn new(now: Instant, per_second: u32) -> Rate {
        Rate { level: u64::from(per_second) * TOKEN, since: now }
    }

    /// Takes one; `false` where there is none left.
    pub(super) fn take(&mut self, now: Instant, per_second: u32) -> bool {
        let elapsed = now.since(self.since).as_micros().min(u128::from(TOKEN));
        let elapsed = u64::try_from(elapsed).expect("at most a second in microseconds");
        let full = u64::from(per_second) * TOKEN;
        self.level = (self.level + elapsed * u64::from(per_second)).min(full);
        self.since = now;
        let is_left = self.level >= TOKEN;
        if is_left {
            self.level -= TOKEN;
        }
        is_left
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_rate_allows_its_number_each_second_and_no_more() {
        let mut now = Instant::from_secs(7);
        let mut rate = Rate::new(now, 10);
        for _ in 0..5 {
            let taken = (0..100).filter(|_| rate.take(now, 10)).count();
            assert_eq!(taken, 10);
            now += Duration::from_secs(1);
        }
        now += Duration::from_secs(3600);
        assert_eq!((0..100).filter(|_| rate.take(now, 10)).count(), 10);
        now += Duration::from_millis(100);
        assert!(rate.take(now, 10));
        assert!(!rate.take(now, 10));
    }
}
