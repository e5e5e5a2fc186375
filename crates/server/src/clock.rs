//! The only place that reads the monotonic clock.
#![expect(clippy::disallowed_types, reason = "this is the clock that everybody else is given as a number")]

use std::time::Duration;

use timing::Instant;

/// How far from the origin a process starts: machines subtract head starts and ages from `now`, and an
/// origin at the start of the process would make all of those equal for its first minutes.
const HEADROOM: Duration = Duration::from_secs(1_000_000);

/// Turns the operating system's monotonic clock into [`Instant`]s with one origin per process.
///
/// A thread reads it once per batch and hands the number down; nothing below the shell can ask.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: std::time::Instant,
}

impl Clock {
    /// A clock whose origin lies far enough before now.
    pub fn start() -> Clock {
        Clock { start: std::time::Instant::now() }
    }

    /// The time now. Never goes back.
    pub fn now(self) -> Instant {
        Instant::ORIGIN + HEADROOM + self.start.elapsed()
    }

    /// How long from now until `deadline`; zero where it has passed.
    pub fn until(self, deadline: Instant) -> Duration {
        deadline.since(self.now())
    }

    /// How long the process has had this clock.
    pub fn uptime(self) -> Duration {
        self.start.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_starts_far_enough_from_the_origin_for_any_head_start() {
        let now = Clock::start().now();
        assert!(now - Duration::from_secs(24 * 3600) > Instant::ORIGIN);
    }

    #[test]
    fn it_never_goes_back() {
        let clock = Clock::start();
        let mut last = clock.now();
        for _ in 0..10_000 {
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
    }
}
