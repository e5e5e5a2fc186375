//! The only place that reads the monotonic clock, and the wall clock for those who keep hours.
#![expect(clippy::disallowed_types, reason = "this is the clock that everybody else is given as a number")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hours::Utc;
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

/// What the wall clock shows. It can be put forward or back beside that of the system, for rehearsals: how does
/// the centre behave on Christmas Eve at half past five?
#[derive(Clone, Debug, Default)]
pub struct Wall {
    ahead_seconds: Arc<AtomicI64>,
}

impl Wall {
    /// That of the system.
    pub fn system() -> Wall {
        Wall::default()
    }

    /// Puts it so many seconds ahead of the system's, or behind it, for everybody who has a copy.
    pub fn set_ahead(&self, seconds: i64) {
        self.ahead_seconds.store(seconds, Ordering::Relaxed);
    }

    /// The second that it shows.
    pub fn now(&self) -> Utc {
        self.exact().0
    }

    /// How long until it shows `at`, if nobody sets it; zero where it has.
    pub fn until(&self, at: Utc) -> Duration {
        let (now, fraction) = self.exact();
        let whole = u64::try_from(at.seconds() - now.seconds()).unwrap_or(0);
        Duration::from_secs(whole).saturating_sub(fraction)
    }

    /// The second that it shows, and how much of it has passed.
    fn exact(&self) -> (Utc, Duration) {
        let ahead = self.ahead_seconds.load(Ordering::Relaxed);
        // Before 1970 nobody keeps hours.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let fraction = Duration::from_nanos(u64::from(now.subsec_nanos()));
        (Utc::from_seconds(seconds.saturating_add(ahead)), fraction)
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
    fn the_wall_clock_can_be_put_ahead_and_is_reached_when_it_says() {
        let wall = Wall::system();
        let before = wall.now();
        wall.clone().set_ahead(3_600);
        let left = wall.until(before.plus(3_600 + 60));
        assert!(left <= Duration::from_secs(60) && left > Duration::from_secs(30), "{left:?}");
        assert_eq!(wall.until(before), Duration::ZERO);
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
