//! The hours of one day.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::unreadable::{Unreadable, Why};

/// The most intervals in one day.
pub const INTERVALS_MAX: usize = 24;
/// Minutes of a day by the clock on the wall.
const DAY: u16 = 24 * 60;

/// From one time to another, the first included, the second not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Interval {
    /// Minutes since midnight: 0 to 1439.
    pub from: u16,
    /// Minutes since the same midnight, more than `from` and at most a day later: past 1440 it is the next day.
    pub to: u16,
}

/// When something is open that opens on one day: intervals that do not overlap, the earliest first. None: closed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DayHours(Vec<Interval>);

impl DayHours {
    /// Not at all.
    pub fn closed() -> DayHours {
        DayHours::default()
    }

    /// Reads `09:00-12:00, 13:00-18:00`, `22:00-02:00` (until two the next morning), `18:00-24:00`, `24h` or
    /// `closed`.
    ///
    /// # Errors
    /// What cannot be read, and where.
    pub fn parse(text: &str) -> Result<DayHours, Unreadable> {
        match text.trim().to_ascii_lowercase().as_str() {
            "closed" => return Ok(DayHours::closed()),
            "24h" => return Ok(DayHours(vec![Interval { from: 0, to: DAY }])),
            _ => {}
        }
        let mut intervals: Vec<Interval> = Vec::new();
        let mut at = 0;
        for piece in text.split(',') {
            let interval = Interval::parse(piece).map_err(|unreadable| unreadable.within(at))?;
            let start = at + piece.len() - piece.trim_start().len();
            if intervals.iter().any(|other| other.from < interval.to && interval.from < other.to) {
                return Err(Unreadable::new(start, Why::Overlap(piece.trim().to_owned())));
            }
            if intervals.len() == INTERVALS_MAX {
                return Err(Unreadable::new(start, Why::TooMany(INTERVALS_MAX)));
            }
            intervals.push(interval);
            at += piece.len() + 1;
        }
        intervals.sort_unstable();
        Ok(DayHours(intervals))
    }

    /// The intervals, the earliest first.
    pub fn intervals(&self) -> &[Interval] {
        &self.0
    }

    /// Whether it is open so many seconds after the midnight that begins the day; a day's tail has more than 86,400.
    pub(crate) fn contain(&self, second: u32) -> bool {
        let within = |interval: &Interval| {
            (u32::from(interval.from) * 60..u32::from(interval.to) * 60).contains(&second)
        };
        self.0.iter().any(within)
    }
}

impl Interval {
    fn parse(text: &str) -> Result<Interval, Unreadable> {
        let shown = text.trim();
        let start = text.len() - text.trim_start().len();
        let wrong = |why: fn(String) -> Why| Unreadable::new(start, why(shown.to_owned()));
        let (from, to) = text.split_once('-').ok_or_else(|| wrong(Why::Interval))?;
        let end = from.len() + 1;
        let (from, to) = (time(from)?, time(to).map_err(|unreadable| unreadable.within(end))?);
        match (from, to) {
            (DAY, _) => Err(Unreadable::new(start, Why::Time("24:00".to_owned()))),
            (_, to) if from == to => Err(wrong(Why::Empty)),
            (_, to) if from < to => Ok(Interval { from, to }),
            (_, to) => Ok(Interval { from, to: to + DAY }),
        }
    }
}

/// Minutes since midnight: `09:00` or `9:00`, up to `24:00`.
fn time(text: &str) -> Result<u16, Unreadable> {
    let shown = text.trim();
    let read = || {
        let (hour, minute) = shown.split_once(':')?;
        let digits = |part: &str| part.bytes().all(|letter| letter.is_ascii_digit());
        let is_time = digits(hour) && (1..=2).contains(&hour.len()) && digits(minute) && minute.len() == 2;
        let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
        (is_time && minute < 60 && hour * 60 + minute <= DAY).then_some(hour * 60 + minute)
    };
    let start = text.len() - text.trim_start().len();
    read().ok_or_else(|| Unreadable::new(start, Why::Time(shown.to_owned())))
}

/// As [`DayHours::parse`] reads it.
impl fmt::Display for DayHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("closed"),
            [Interval { from: 0, to: DAY }] => f.write_str("24h"),
            intervals => {
                let texts: Vec<String> = intervals.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join(", "))
            }
        }
    }
}

/// `22:00-02:00`
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = if self.to > DAY { self.to - DAY } else { self.to };
        write!(f, "{:02}:{:02}-{:02}:{:02}", self.from / 60, self.from % 60, to / 60, to % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_and_written_as_people_write_them() {
        for (text, canonical) in [
            ("09:00-18:00", "09:00-18:00"),
            (" 13:00 - 18:00 ,9:00-12:30", "09:00-12:30, 13:00-18:00"),
            ("22:00-02:00", "22:00-02:00"),
            ("00:00-24:00", "24h"),
            ("24H", "24h"),
            ("Closed", "closed"),
            ("22:00-00:00", "22:00-24:00"),
            ("23:59-23:58", "23:59-23:58"),
        ] {
            let hours = DayHours::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(hours.to_string(), canonical);
            assert_eq!(DayHours::parse(canonical).as_ref(), Ok(&hours));
        }
    }

    #[test]
    fn what_cannot_be_read_is_shown_with_its_place_and_its_remedy() {
        for (text, at, message) in [
            ("", 0, "\"\" is no hours; write 09:00-18:00"),
            ("9-18", 0, "\"9\" is no time of day; write 09:00"),
            ("09:00-18:00, 19:00-25:00", 19, "\"25:00\" is no time of day"),
            ("09:00-18:60", 6, "\"18:60\" is no time of day"),
            ("24:00-06:00", 0, "\"24:00\" is no time of day"),
            ("09:00-09:00", 0, "begins when it ends; write 24h"),
            ("09:00-12:00, 11:00-13:00", 13, "overlaps with hours before it"),
            ("20:00-04:00, 23:00-23:30", 13, "overlaps"),
            ("09:00-+9:30", 6, "\"+9:30\" is no time of day"),
            ("shut", 0, "\"shut\" is no hours"),
        ] {
            let error = DayHours::parse(text).expect_err(text);
            assert_eq!(error.at, at, "{text}: {error}");
            assert!(error.to_string().contains(message), "{text}: {error}");
        }
        let many: Vec<String> = (0..25)
            .map(|n| format!("{:02}:{:02}-{:02}:{:02}", n / 2, n % 2 * 30, n / 2, n % 2 * 30 + 9))
            .collect();
        assert_eq!(DayHours::parse(&many.join(",")).map_err(|error| error.why), Err(Why::TooMany(24)));
    }

    #[test]
    fn the_first_minute_is_in_and_the_last_is_not() {
        let hours = DayHours::parse("22:00-02:00").expect("good");
        assert!(!hours.contain(22 * 3_600 - 1) && hours.contain(22 * 3_600));
        assert!(hours.contain(26 * 3_600 - 1) && !hours.contain(26 * 3_600));
    }
}
