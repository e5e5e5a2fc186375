//! Texts that cannot be read.

use std::fmt;

use crate::Weekday;

/// Why a text is no hours or no days, and where in it. Displays with the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The byte of the text at which the trouble begins.
    pub at: usize,
    /// What the trouble is.
    pub why: Why,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Not a time of day.
    Time(String),
    /// Not an interval of two times.
    Interval(String),
    /// An interval that begins and ends at the same time.
    Empty(String),
    /// Two intervals of one day overlap.
    Overlap(String),
    /// More intervals in a day than there may be.
    TooMany(usize),
    /// Not a day of the week.
    Weekday(String),
    /// A rule of a week without days.
    NoDays,
    /// A rule of a week without hours.
    NoHours,
    /// A day of the week that has its hours already.
    Twice(Weekday),
    /// Not a day or days of a year.
    Days(String),
    /// A date that does not exist.
    NoSuchDate(String),
    /// A range that ends before it begins.
    Backwards(String),
}

impl Unreadable {
    pub(crate) fn new(at: usize, why: Why) -> Unreadable {
        Unreadable { at, why }
    }

    /// The same trouble in a text of which the one that was read begins at `start`.
    #[must_use]
    pub(crate) fn within(self, start: usize) -> Unreadable {
        Unreadable { at: self.at + start, why: self.why }
    }
}

impl std::error::Error for Unreadable {}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::Time(text) => write!(f, "\"{text}\" is no time of day; write 09:00, from 00:00 to 24:00"),
            Why::Interval(text) => {
                write!(f, "\"{text}\" is no hours; write 09:00-18:00, 24h or closed")
            }
            Why::Empty(text) => {
                write!(f, "\"{text}\" begins when it ends; write 24h for the whole day, or closed")
            }
            Why::Overlap(text) => write!(f, "\"{text}\" overlaps with hours before it; merge the two"),
            Why::TooMany(most) => write!(f, "more than {most} intervals in a day; merge some"),
            Why::Weekday(text) => {
                write!(f, "\"{text}\" is no day of the week; write mon to sun, mon-fri, or daily")
            }
            Why::NoDays => {
                write!(f, "the days are missing; write them before the hours, as in mon-fri 09:00-18:00")
            }
            Why::NoHours => {
                write!(f, "the hours are missing; write them after the days, as in mon-fri 09:00-18:00")
            }
            Why::Twice(day) => {
                write!(f, "{} has its hours already; write all of a day in one place, as in ", day.name())?;
                write!(f, "{} 09:00-12:00, 13:00-18:00", day.short())
            }
            Why::Days(text) => write!(
                f,
                "\"{text}\" is no day; write 2026-12-24, 12-25 for every year, \
                 \"2026-12-24 to 2027-01-02\", \"4th thu of 11\", \"last mon of 05\" or easter+1"
            ),
            Why::NoSuchDate(text) => write!(f, "there is no {text}; correct the date"),
            Why::Backwards(text) => {
                write!(f, "\"{text}\" ends before it begins; write the earlier date first")
            }
        }
    }
}
