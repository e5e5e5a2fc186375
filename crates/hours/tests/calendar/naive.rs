//! The definition, word for word and slowly: what the clock on the wall shows at each minute. Shares no code with
//! the crate: dates and zones are those of the library, hours and days are read here from their texts.

use jiff::Timestamp;
use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;

/// A calendar as texts.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) zone: &'static str,
    /// Monday first.
    pub(crate) week: Vec<Vec<(u16, u16)>>,
    pub(crate) exceptions: Vec<(On, Vec<(u16, u16)>)>,
}

/// The days of an exception.
#[derive(Clone, Debug)]
pub(crate) enum On {
    Once(Date, Date),
    Yearly((i8, i8), (i8, i8)),
    Nth(i8, Weekday, i8),
    Easter(i64),
}

impl Written {
    /// Whether the clock on the wall shows a time within the hours.
    pub(crate) fn is_open(&self, zone: &TimeZone, second: i64) -> bool {
        let shown = zone.to_datetime(Timestamp::from_second(second).expect("a year with four digits"));
        let minute = i32::from(shown.hour()) * 60 + i32::from(shown.minute());
        let within = |hours: &[(u16, u16)], minute: i32| {
            hours.iter().any(|&(from, to)| {
                let to = if to <= from { i32::from(to) + 1_440 } else { i32::from(to) };
                (i32::from(from)..to).contains(&minute)
            })
        };
        let yesterday = shown.date().yesterday().expect("a year with four digits");
        within(self.hours(shown.date()), minute) || within(self.hours(yesterday), minute + 1_440)
    }

    fn hours(&self, day: Date) -> &[(u16, u16)] {
        let fitting = self.exceptions.iter().filter(|(on, _)| on.is(day));
        // The first of the narrowest: `min_by_key` keeps the first of equals.
        match fitting.min_by_key(|(on, _)| on.breadth()) {
            Some((_, hours)) => hours,
            None => &self.week[day.weekday().to_monday_zero_offset() as usize],
        }
    }
}

impl On {
    fn is(&self, day: Date) -> bool {
        match self {
            On::Once(first, last) => *first <= day && day <= *last,
            On::Yearly(first, last) => {
                let own = (day.month(), day.day());
                if last < first { own >= *first || own <= *last } else { *first <= own && own <= *last }
            }
            On::Nth(nth, weekday, month) => {
                let first = date(day.year(), *month, 1);
                first.nth_weekday_of_month(*nth, *weekday).is_ok_and(|found| found == day)
            }
            On::Easter(offset) => (-1..=1).any(|years: i16| {
                let sunday = easter(day.year() + years);
                sunday.checked_add(jiff::Span::new().days(*offset)).is_ok_and(|found| found == day)
            }),
        }
    }

    /// Once before yearly, then the number of days.
    fn breadth(&self) -> (u8, i32) {
        match self {
            On::Once(first, last) => (0, first.until(*last).expect("days").get_days()),
            On::Yearly(first, last) => {
                let on = |(month, day)| date(2000, month, day);
                let days = on(*first).until(on(*last)).expect("days").get_days();
                (1, if days < 0 { days + 366 } else { days })
            }
            On::Nth(..) | On::Easter(_) => (1, 0),
        }
    }
}

/// The Sunday after the first ecclesiastical full moon on or after 21 March, from the golden number and the tables
/// of 1900 to 2199.
fn easter(year: i16) -> Date {
    let golden = i64::from(year) % 19;
    let shift = 24;
    let mut moon = (19 * golden + shift) % 30;
    if moon == 29 || (moon == 28 && golden > 10) {
        moon -= 1;
    }
    let full = date(year, 3, 21).checked_add(jiff::Span::new().days(moon)).expect("in spring");
    let mut sunday = full.tomorrow().expect("in spring");
    while sunday.weekday() != Weekday::Sunday {
        sunday = sunday.tomorrow().expect("in spring");
    }
    sunday
}
