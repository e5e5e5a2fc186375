//! A time zone, a week and its exceptions.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::date::Date;
use crate::day_hours::DayHours;
use crate::days::Days;
use crate::utc::Utc;
use crate::week::Week;
use crate::zone::{Local, Zone};

/// The most exceptions that a calendar is meant to have: looking ahead costs in proportion to them.
pub const EXCEPTIONS_MAX: usize = 1_000;
/// How far ahead the next change is looked for: two years. What does not change until then counts as not changing.
pub const LOOK_AHEAD_DAYS: i64 = 731;
const DAY_SECONDS: i64 = 86_400;

/// When something is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    zone: Zone,
    week: Week,
    /// The narrowest first; the first that fits a day counts.
    exceptions: Vec<Exception>,
}

/// Days that are not like others of the week.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Exception {
    /// Which.
    pub on: Days,
    /// Instead of the week's hours for what opens on those days. What opened the day before runs to its end.
    pub hours: DayHours,
    /// For people: `Christmas Day`.
    pub name: Option<String>,
}

/// It opens, or closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// When. From this second on it is so.
    pub at: Utc,
    /// Open, or closed.
    pub open: bool,
}

/// How things stand at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing<'a> {
    /// Open, or closed.
    pub open: bool,
    /// When that changes; `None`: not within [`LOOK_AHEAD_DAYS`].
    pub until: Option<Utc>,
    /// The exception that applies to the local day, if one does.
    pub exception: Option<&'a Exception>,
}

impl Calendar {
    /// A calendar. Of several exceptions that fit one day, what happens once counts before what comes each year,
    /// then what names fewer days, then what stands first.
    pub fn new(zone: Zone, week: Week, mut exceptions: Vec<Exception>) -> Calendar {
        exceptions.sort_by_key(|exception| exception.on.breadth());
        Calendar { zone, week, exceptions }
    }

    /// Where its clock hangs.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Whether it is open.
    pub fn is_open(&self, at: Utc) -> bool {
        let Local { date, second } = self.zone.local(at);
        self.two_days(date).contain(second)
    }

    /// Whether it is open, why, and until when.
    pub fn standing(&self, at: Utc) -> Standing<'_> {
        let until = self.changes(at).next().map(|change| change.at);
        let exception = self.exception_on(self.zone.local(at).date);
        Standing { open: self.is_open(at), until, exception }
    }

    /// Every change after a moment, in order of time. Ends where none follows within [`LOOK_AHEAD_DAYS`].
    pub fn changes(&self, after: Utc) -> Changes<'_> {
        Changes { calendar: self, after }
    }

    /// The longest time for which it stays closed in an ordinary week: without exceptions and shifts of the clock. Zero
    /// where it never closes; `None` where it never opens.
    pub fn longest_closed_in_a_week(&self) -> Option<Duration> {
        const WEEK: i64 = 7 * DAY_SECONDS;
        let zone = Zone::named("UTC").expect("every database has UTC");
        let ordinary = Calendar::new(zone, self.week.clone(), Vec::new());
        let begin = Utc::from_seconds(0);
        let changes: Vec<Change> =
            ordinary.changes(begin).take_while(|change| change.at <= begin.plus(2 * WEEK)).collect();
        if changes.is_empty() {
            return ordinary.is_open(begin).then_some(Duration::ZERO);
        }
        let closed = changes.windows(2).filter(|two| !two[0].open);
        let longest = closed.map(|two| two[1].at.seconds() - two[0].at.seconds()).max();
        Some(Duration::from_secs(u64::try_from(longest.unwrap_or(0)).unwrap_or(0)))
    }

    /// The exception that applies to a local day.
    pub fn exception_on(&self, date: Date) -> Option<&Exception> {
        self.exceptions.iter().find(|exception| exception.on.contain(date))
    }

    /// The hours of what opens on a local day; `None`: closed.
    fn hours_on(&self, date: Date) -> Option<&DayHours> {
        match self.exception_on(date) {
            Some(exception) => Some(&exception.hours),
            None => self.week.on(date.weekday()),
        }
    }

    fn two_days(&self, date: Date) -> TwoDays<'_> {
        TwoDays { before: self.hours_on(date.plus(-1)), today: self.hours_on(date) }
    }

    /// The first change after a moment. Between two shifts of the clock on the wall, local time runs evenly and
    /// only the times in the hours have to be looked at; at a shift it may show anything.
    fn next_change(&self, after: Utc) -> Option<Utc> {
        let horizon = after.plus(LOOK_AHEAD_DAYS * DAY_SECONDS);
        let open = self.is_open(after);
        let mut begin = after;
        while begin < horizon {
            let end = self.zone.next_shift(begin).unwrap_or(horizon).min(horizon);
            if let Some(change) = self.change_between(begin, end, open) {
                return Some(change);
            }
            if end < horizon && self.is_open(end) != open {
                return Some(end);
            }
            begin = end;
        }
        None
    }

    /// The first moment after `begin` and before `end` at which it is not as `open` says; no shift lies between.
    fn change_between(&self, begin: Utc, end: Utc, open: bool) -> Option<Utc> {
        let offset = self.zone.offset(begin);
        let (begin, end) = (begin.seconds() + offset, end.seconds() + offset);
        let mut date = self.zone.local(Utc::from_seconds(begin - offset)).date;
        loop {
            let midnight = i64::from(date.days()) * DAY_SECONDS;
            if midnight >= end {
                return None;
            }
            let days = self.two_days(date);
            let is_change = |&second: &u32| {
                let local = midnight + i64::from(second);
                begin < local && local < end && days.contain(second) != open
            };
            if let Some(second) = days.times().filter(is_change).min() {
                return Some(Utc::from_seconds(midnight + i64::from(second) - offset));
            }
            date = date.plus(1);
        }
    }
}

/// What decides about one local day: its own hours, and what is left of those of the day before.
struct TwoDays<'a> {
    before: Option<&'a DayHours>,
    today: Option<&'a DayHours>,
}

impl TwoDays<'_> {
    fn contain(&self, second: u32) -> bool {
        self.today.is_some_and(|hours| hours.contain(second))
            || self.before.is_some_and(|hours| hours.contain(second + DAY_SECONDS as u32))
    }

    /// Every second of the day at which something may begin or end.
    fn times(&self) -> impl Iterator<Item = u32> {
        const DAY: u32 = DAY_SECONDS as u32;
        let ends = |hours: &DayHours| {
            let ends = hours.intervals().iter().flat_map(|interval| [interval.from, interval.to]);
            ends.map(|minute| u32::from(minute) * 60).collect::<Vec<u32>>()
        };
        let today = self.today.map(ends).unwrap_or_default().into_iter().filter(|&second| second < DAY);
        let before = self.before.map(ends).unwrap_or_default().into_iter();
        let tail = before.filter(|&second| second >= DAY).map(|second| second - DAY);
        std::iter::once(0).chain(today).chain(tail)
    }
}

/// See [`Calendar::changes`].
#[derive(Clone, Debug)]
pub struct Changes<'a> {
    calendar: &'a Calendar,
    after: Utc,
}

impl Iterator for Changes<'_> {
    type Item = Change;

    fn next(&mut self) -> Option<Change> {
        let at = self.calendar.next_change(self.after)?;
        self.after = at;
        Some(Change { at, open: self.calendar.is_open(at) })
    }
}
