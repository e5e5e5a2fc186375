//! Days of the Gregorian calendar.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A day, as the number of days since 1970-01-01. Years 0 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Date(i32);

/// A day of any year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MonthDay {
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of days explain themselves")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// All seven, Monday first (ISO 8601).
    pub const ALL: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];

    /// In full, without capitals.
    pub fn name(self) -> &'static str {
        match self {
            Weekday::Monday => "monday",
            Weekday::Tuesday => "tuesday",
            Weekday::Wednesday => "wednesday",
            Weekday::Thursday => "thursday",
            Weekday::Friday => "friday",
            Weekday::Saturday => "saturday",
            Weekday::Sunday => "sunday",
        }
    }

    /// Three letters: `mon`.
    pub fn short(self) -> &'static str {
        &self.name()[..3]
    }

    /// From the full name or its three letters, in capitals or not.
    pub fn parse(text: &str) -> Option<Weekday> {
        let text = text.to_ascii_lowercase();
        Self::ALL.into_iter().find(|day| day.name() == text || day.short() == text)
    }

    /// 0 for Monday.
    pub fn index(self) -> usize {
        self as usize
    }
}

impl Date {
    /// A day by year (0 to 9999), month (1 to 12) and day; `None` where there is no such day.
    pub fn new(year: i32, month: u8, day: u8) -> Option<Date> {
        let exists = (0..=9_999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day);
        exists.then(|| {
            let months: i32 = (1..month).map(|before| i32::from(days_in(year, before))).sum();
            Date(days_before(year) - days_before(1970) + months + i32::from(day) - 1)
        })
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> i32 {
        self.0
    }

    /// So many days later; earlier where they are negative.
    #[must_use]
    pub fn plus(self, days: i32) -> Date {
        Date(self.0.saturating_add(days))
    }

    /// The day of the week.
    pub fn weekday(self) -> Weekday {
        // 1970-01-01 was a Thursday.
        Weekday::ALL[self.0.saturating_add(Weekday::Thursday as i32).rem_euclid(7) as usize]
    }

    /// The year.
    pub fn year(self) -> i32 {
        self.parts().0
    }

    /// Month and day.
    pub fn month_day(self) -> MonthDay {
        let (_, month, day) = self.parts();
        MonthDay { month, day }
    }

    fn parts(self) -> (i32, u8, u8) {
        let number = i64::from(self.0) + i64::from(days_before(1970));
        // A year has 365.2425 days: never more than one off, and always early.
        let mut year = i32::try_from(number * 400 / 146_097 - 1).expect("days of an i32 are fewer years");
        while i64::from(days_before(year + 1)) <= number {
            year += 1;
        }
        let mut left = number - i64::from(days_before(year));
        let mut month = 1;
        while left >= i64::from(days_in(year, month)) {
            left -= i64::from(days_in(year, month));
            month += 1;
        }
        (year, month, u8::try_from(left + 1).expect("a month has at most 31 days"))
    }
}

/// `2026-12-24`
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// `12-24`
impl fmt::Display for MonthDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

/// Date and second of the day, of seconds since 1970 began by the same clock.
pub(crate) fn split(seconds: i64) -> (Date, i64) {
    let days = i32::try_from(seconds.div_euclid(86_400)).expect("moments lie between the years 0 and 9999");
    (Date(days), seconds.rem_euclid(86_400))
}

fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month; of an unknown month none.
pub(crate) fn days_in(year: i32, month: u8) -> u8 {
    match month {
        2 => 28 + u8::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    }
}

/// Days from the beginning of the year 1 to that of `year`.
fn days_before(year: i32) -> i32 {
    let before = year - 1;
    before * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_five_centuries_is_the_day_after_the_one_before() {
        let mut expected = jiff::civil::date(1700, 1, 1);
        let mut date = Date::new(1700, 1, 1).expect("it was");
        while date.year() < 2200 {
            assert_eq!(date.to_string(), expected.to_string());
            assert_eq!(date.weekday().index(), expected.weekday().to_monday_zero_offset() as usize);
            let MonthDay { month, day } = date.month_day();
            assert_eq!(Date::new(date.year(), month, day), Some(date));
            (date, expected) = (date.plus(1), expected.tomorrow().expect("far from the end"));
        }
    }

    #[test]
    fn what_is_no_day_is_none() {
        for (year, month, day) in [(2026, 2, 29), (1900, 2, 29), (2026, 13, 1), (2026, 0, 1), (2026, 4, 31)] {
            assert_eq!(Date::new(year, month, day), None, "{year}-{month}-{day}");
        }
        assert!(Date::new(2000, 2, 29).is_some());
    }
}
