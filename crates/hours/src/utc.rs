//! A moment.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A moment in UTC: seconds since 1970-01-01T00:00:00Z as POSIX counts them, without leap seconds. Lies between
/// the years 1 and 9998, so that it has a local date in every zone; what is outside counts as the nearest inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "i64", into = "i64")]
pub struct Utc(i64);

impl Utc {
    /// 0001-01-02T00:00:00Z
    pub const MIN: Utc = Utc(-62_135_510_400);
    /// 9998-12-31T00:00:00Z
    pub const MAX: Utc = Utc(253_370_678_400);

    /// The moment so many seconds after 1970 began.
    pub fn from_seconds(seconds: i64) -> Utc {
        Utc(seconds.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Seconds since 1970 began.
    pub fn seconds(self) -> i64 {
        self.0
    }

    /// So many seconds later; earlier where they are negative.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Utc {
        Utc::from_seconds(self.0.saturating_add(seconds))
    }
}

impl From<i64> for Utc {
    fn from(seconds: i64) -> Utc {
        Utc::from_seconds(seconds)
    }
}

impl From<Utc> for i64 {
    fn from(utc: Utc) -> i64 {
        utc.0
    }
}

/// As RFC 3339 writes it: `2026-12-24T09:00:00Z`.
impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, second) = crate::date::split(self.0);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{date}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_the_dates_that_they_are_said_to_be() {
        assert_eq!(Utc::MIN.to_string(), "0001-01-02T00:00:00Z");
        assert_eq!(Utc::MAX.to_string(), "9998-12-31T00:00:00Z");
        assert_eq!(Utc::from_seconds(i64::MAX), Utc::MAX);
        assert_eq!(Utc::MIN.plus(i64::MIN), Utc::MIN);
        assert_eq!(Utc::from_seconds(-1).to_string(), "1969-12-31T23:59:59Z");
    }
}
