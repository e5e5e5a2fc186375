//! The days that an exception is about.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::date::{Date, MonthDay, Weekday, days_in};
use crate::unreadable::{Unreadable, Why};

/// Days, once or every year.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Days {
    /// `2026-12-24`, `2026-12-24 to 2027-01-02`: once, both ends included.
    Dates {
        /// The first.
        first: Date,
        /// The last; the same for one day.
        last: Date,
    },
    /// `12-25`, `12-24 to 01-02`: every year, both ends included. 02-29 is there in leap years only.
    Yearly {
        /// The first.
        first: MonthDay,
        /// The last, of the next year where it comes before the first.
        last: MonthDay,
    },
    /// `4th thu of 11`, `last mon of 05`: every year.
    Weekday {
        /// Which one.
        nth: Nth,
        /// The day of the week.
        weekday: Weekday,
        /// The month, 1 to 12.
        month: u8,
    },
    /// `easter`, `easter+1`, `easter-2`: every year, days after Easter Sunday of the Gregorian calendar.
    Easter {
        /// Days after it; negative before it.
        offset: i16,
    },
}

/// Which of the same days of the week in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Nth {
    /// From the beginning: 1 to 5. The fifth is there in some years only.
    Number(u8),
    /// The last one.
    Last,
}

/// Days from Easter that can be named.
const EASTER_OFFSET_MAX: i16 = 100;

impl Days {
    /// Reads what the variants show.
    ///
    /// # Errors
    /// What cannot be read, and where.
    pub fn parse(text: &str) -> Result<Days, Unreadable> {
        let start = text.len() - text.trim_start().len();
        let whole = text.trim();
        read(whole).map_err(|why| Unreadable::new(start, why))
    }

    /// Whether a day is one of them.
    pub fn contain(&self, date: Date) -> bool {
        match *self {
            Days::Dates { first, last } => (first..=last).contains(&date),
            Days::Yearly { first, last } => {
                let day = date.month_day();
                if first <= last { (first..=last).contains(&day) } else { day >= first || day <= last }
            }
            Days::Weekday { nth, weekday, month } => {
                let MonthDay { month: own, day } = date.month_day();
                let is_nth = match nth {
                    Nth::Number(number) => (day - 1) / 7 + 1 == number,
                    Nth::Last => day + 7 > days_in(date.year(), own),
                };
                own == month && date.weekday() == weekday && is_nth
            }
            // An offset can lead into the year before or after.
            Days::Easter { offset } => {
                let year = date.year();
                (year - 1..=year + 1).any(|year| easter(year).plus(i32::from(offset)) == date)
            }
        }
    }

    /// Smaller for what is meant more narrowly: what happens once comes before what comes each year, and fewer
    /// days before more.
    pub(crate) fn breadth(&self) -> (bool, i32) {
        match *self {
            Days::Dates { first, last } => (false, last.days() - first.days()),
            Days::Yearly { first, last } => (true, days_between(first, last)),
            Days::Weekday { .. } | Days::Easter { .. } => (true, 0),
        }
    }
}

/// In a leap year, so that every day of a year is there.
fn days_between(first: MonthDay, last: MonthDay) -> i32 {
    let place = |day: MonthDay| Date::new(2_000, day.month, day.day).map_or(0, Date::days);
    (place(last) - place(first)).rem_euclid(366)
}

/// Easter Sunday: the method of "Spencer Jones, General Astronomy, 1922" for the Gregorian calendar.
fn easter(year: i32) -> Date {
    let golden = year.rem_euclid(19);
    let (century, in_century) = (year.div_euclid(100), year.rem_euclid(100));
    let (leap_centuries, rest) = (century / 4, century % 4);
    let lunar = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - leap_centuries - lunar + 15).rem_euclid(30);
    let weekday = (32 + 2 * rest + 2 * (in_century / 4) - epact - in_century % 4).rem_euclid(7);
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * late + 114;
    let part = |number: i32| u8::try_from(number).expect("months and days are small");
    let first = Date::new(year.clamp(0, 9_999), part(days / 31), 1).expect("Easter is in March or April");
    first.plus(days % 31)
}

fn read(text: &str) -> Result<Days, Why> {
    let unreadable = || Why::Days(text.to_owned());
    if let Some(rest) = text.to_ascii_lowercase().strip_prefix("easter") {
        return easter_offset(rest).map(|offset| Days::Easter { offset }).ok_or_else(unreadable);
    }
    if let Some((day, month)) = text.split_once(" of ") {
        return weekday_of_month(day, month).ok_or_else(unreadable);
    }
    let (first, last) = text.split_once(" to ").unwrap_or((text, text));
    let (first, last) = (first.trim(), last.trim());
    match (parts(first).as_deref(), parts(last).as_deref()) {
        (Some(&[year, month, day]), Some(&[last_year, last_month, last_day])) => {
            let (first, last) =
                (date(first, year, month, day)?, date(last, last_year, last_month, last_day)?);
            if last < first {
                return Err(Why::Backwards(text.to_owned()));
            }
            Ok(Days::Dates { first, last })
        }
        (Some(&[month, day]), Some(&[last_month, last_day])) => {
            let (first, last) = (month_day(first, month, day)?, month_day(last, last_month, last_day)?);
            Ok(Days::Yearly { first, last })
        }
        (_, _) => Err(unreadable()),
    }
}

/// The numbers of `2026-12-24` or `12-25`: four digits for a year, two for the rest.
fn parts(text: &str) -> Option<Vec<u16>> {
    let pieces: Vec<&str> = text.split('-').collect();
    let lengths: &[usize] = match pieces.len() {
        3 => &[4, 2, 2],
        2 => &[2, 2],
        _ => return None,
    };
    let number = |(piece, length): (&&str, &usize)| {
        let is_number = piece.len() == *length && piece.bytes().all(|letter| letter.is_ascii_digit());
        is_number.then(|| piece.parse().ok()).flatten()
    };
    pieces.iter().zip(lengths).map(number).collect()
}

fn date(text: &str, year: u16, month: u16, day: u16) -> Result<Date, Why> {
    let (month, day) = (u8::try_from(month).unwrap_or(0), u8::try_from(day).unwrap_or(0));
    Date::new(i32::from(year), month, day).ok_or_else(|| Why::NoSuchDate(text.to_owned()))
}

fn month_day(text: &str, month: u16, day: u16) -> Result<MonthDay, Why> {
    // 2000 was a leap year: every day that some year has.
    date(text, 2_000, month, day).map(Date::month_day)
}

fn easter_offset(text: &str) -> Option<i16> {
    let text = text.trim();
    if text.is_empty() {
        return Some(0);
    }
    let digits = text.strip_prefix(['+', '-'])?.trim_start();
    let is_number = (1..=3).contains(&digits.len()) && digits.bytes().all(|letter| letter.is_ascii_digit());
    let days: i16 = is_number.then(|| digits.parse().ok()).flatten()?;
    let days = if text.starts_with('-') { -days } else { days };
    (days.abs() <= EASTER_OFFSET_MAX).then_some(days)
}

/// `4th thu` of `11`
fn weekday_of_month(day: &str, month: &str) -> Option<Days> {
    let (nth, weekday) = day.trim().split_once(' ')?;
    let nth = match nth.to_ascii_lowercase().as_str() {
        "1st" => Nth::Number(1),
        "2nd" => Nth::Number(2),
        "3rd" => Nth::Number(3),
        "4th" => Nth::Number(4),
        "5th" => Nth::Number(5),
        "last" => Nth::Last,
        _ => return None,
    };
    let month = month.trim();
    let is_number = (1..=2).contains(&month.len()) && month.bytes().all(|letter| letter.is_ascii_digit());
    let month =
        is_number.then(|| month.parse::<u8>().ok()).flatten().filter(|month| (1..=12).contains(month))?;
    Some(Days::Weekday { nth, weekday: Weekday::parse(weekday.trim())?, month })
}

/// As [`Days::parse`] reads it.
impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Days::Dates { first, last } if first == last => write!(f, "{first}"),
            Days::Dates { first, last } => write!(f, "{first} to {last}"),
            Days::Yearly { first, last } if first == last => write!(f, "{first}"),
            Days::Yearly { first, last } => write!(f, "{first} to {last}"),
            Days::Weekday { nth, weekday, month } => write!(f, "{nth} {} of {month:02}", weekday.short()),
            Days::Easter { offset: 0 } => f.write_str("easter"),
            Days::Easter { offset } => write!(f, "easter{offset:+}"),
        }
    }
}

/// `4th`, `last`
impl fmt::Display for Nth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Nth::Number(1) => f.write_str("1st"),
            Nth::Number(2) => f.write_str("2nd"),
            Nth::Number(3) => f.write_str("3rd"),
            Nth::Number(number) => write!(f, "{number}th"),
            Nth::Last => f.write_str("last"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        match Days::parse(text).expect("a date") {
            Days::Dates { first, .. } => first,
            Days::Yearly { .. } | Days::Weekday { .. } | Days::Easter { .. } => panic!("{text} has no year"),
        }
    }

    #[test]
    fn days_are_read_and_written_as_people_write_them() {
        for (text, canonical) in [
            ("2026-12-24", "2026-12-24"),
            (" 2026-12-24  to 2027-01-02", "2026-12-24 to 2027-01-02"),
            ("12-25", "12-25"),
            ("02-29", "02-29"),
            ("12-24 to 01-02", "12-24 to 01-02"),
            ("4th Thursday of 11", "4th thu of 11"),
            ("LAST mon of 5", "last mon of 05"),
            ("Easter", "easter"),
            ("easter + 1", "easter+1"),
            ("easter-2", "easter-2"),
        ] {
            let days = Days::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(days.to_string(), canonical);
            assert_eq!(Days::parse(canonical).as_ref(), Ok(&days));
        }
    }

    #[test]
    fn what_cannot_be_read_is_shown_with_its_remedy() {
        for (text, message) in [
            ("", "is no day; write 2026-12-24"),
            ("tomorrow", "is no day"),
            ("24.12.2026", "is no day"),
            ("26-12-24", "is no day"),
            ("2026-02-29", "there is no 2026-02-29"),
            ("02-30", "there is no 02-30"),
            ("2026-12-24 to 2026-12-01", "ends before it begins"),
            ("2026-12-24 to 12-26", "is no day"),
            ("6th mon of 05", "is no day"),
            ("1st mon of 13", "is no day"),
            ("easter+101", "is no day"),
            ("easter*1", "is no day"),
        ] {
            let error = Days::parse(text).expect_err(text);
            assert!(error.to_string().contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn easter_is_when_the_churches_say() {
        // The tables of the Book of Common Prayer, and the extremes that can occur.
        for (year, text) in [
            (1818, "1818-03-22"),
            (1943, "1943-04-25"),
            (2000, "2000-04-23"),
            (2008, "2008-03-23"),
            (2019, "2019-04-21"),
            (2024, "2024-03-31"),
            (2025, "2025-04-20"),
            (2026, "2026-04-05"),
            (2027, "2027-03-28"),
            (2038, "2038-04-25"),
        ] {
            assert_eq!(easter(year), day(text));
        }
        let good_friday = Days::parse("easter-2").expect("good");
        assert!(good_friday.contain(day("2026-04-03")) && !good_friday.contain(day("2026-04-05")));
        let before = Days::parse("easter-100").expect("good");
        assert!(before.contain(day("2026-12-18")), "a hundred days before 28 March 2027");
    }

    #[test]
    fn a_day_of_the_week_in_a_month_is_found() {
        let thanksgiving = Days::parse("4th thu of 11").expect("good");
        assert!(thanksgiving.contain(day("2026-11-26")) && !thanksgiving.contain(day("2026-11-19")));
        let memorial = Days::parse("last mon of 05").expect("good");
        assert!(memorial.contain(day("2026-05-25")) && !memorial.contain(day("2026-05-18")));
        let fifth = Days::parse("5th sun of 02").expect("good");
        assert!(fifth.contain(day("2032-02-29")) && !fifth.contain(day("2026-02-22")));
    }

    #[test]
    fn a_yearly_range_may_pass_the_new_year() {
        let holidays = Days::parse("12-24 to 01-02").expect("good");
        assert!(holidays.contain(day("2026-12-24")) && holidays.contain(day("2027-01-02")));
        assert!(!holidays.contain(day("2027-01-03")) && !holidays.contain(day("2026-12-23")));
    }

    #[test]
    fn once_is_narrower_than_every_year_and_a_day_narrower_than_a_week() {
        let breadth = |text| Days::parse(text).expect("good").breadth();
        let order = ["2026-12-25", "2026-12-20 to 2026-12-31", "12-25", "12-24 to 12-26", "12-24 to 01-02"];
        assert!(order.windows(2).all(|pair| breadth(pair[0]) < breadth(pair[1])));
        assert_eq!(breadth("easter"), breadth("12-25"));
    }
}
