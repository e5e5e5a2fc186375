//! Random calendars in zones whose clocks do odd things: the iterator agrees with minute-by-minute evaluation.

use std::fmt::Write;

use hours::{Calendar, DayHours, Days, Exception, Utc, Week, Weekday, Zone};
use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::naive::{On, Written};

/// Summer time of an hour and of half an hour, in both hemispheres; none; a skipped day; a shift at midnight; a
/// country that suspends summer time for a month.
const ZONES: [&str; 9] = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Seoul",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Havana",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "UTC",
];

/// Days around which something happens in some of the zones.
fn first_day() -> impl Strategy<Value = Date> {
    let known = prop_oneof![
        Just(date(2011, 12, 27)),
        Just(date(2026, 3, 6)),
        Just(date(2026, 3, 27)),
        Just(date(2026, 4, 3)),
        Just(date(2026, 10, 2)),
        Just(date(2026, 10, 23)),
        Just(date(2026, 10, 30)),
        Just(date(2026, 12, 29)),
        Just(date(2028, 2, 27)),
    ];
    let any = (1990_i16..2090, 1_i8..=12, 1_i8..=28).prop_map(|(year, month, day)| date(year, month, day));
    prop_oneof![1 => known, 1 => any]
}

/// Intervals that do not overlap, many of them at the hours in which clocks shift.
fn hours() -> impl Strategy<Value = Vec<(u16, u16)>> {
    let minute = prop_oneof![3 => (0_u16..5, 0_u16..4).prop_map(|(hour, quarter)| hour * 60 + quarter * 15), 1 => 0_u16..1_440];
    let cuts = proptest::collection::btree_set(minute, 0..7);
    (cuts, any::<bool>(), any::<bool>()).prop_map(|(cuts, past_midnight, whole)| {
        if whole && cuts.len() == 1 {
            return vec![(0, 1_440)];
        }
        let cuts: Vec<u16> = cuts.into_iter().collect();
        let mut hours: Vec<(u16, u16)> = cuts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        if let (true, Some(&last), Some(&(first, _))) =
            (past_midnight && cuts.len() % 2 == 1, cuts.last(), hours.first())
        {
            hours.push((last, if first == 0 { 1_440 } else { first }));
        }
        hours
    })
}

fn on() -> impl Strategy<Value = On> {
    let once = (first_day(), 0_i64..6, 0_i64..5).prop_map(|(day, later, length)| {
        let first = day.checked_add(jiff::Span::new().days(later)).expect("a year with four digits");
        On::Once(first, first.checked_add(jiff::Span::new().days(length)).expect("a year with four digits"))
    });
    let month_day = || {
        (1_i8..=12, 1_i8..=31).prop_map(|(month, day)| (month, day.min(date(2000, month, 1).days_in_month())))
    };
    let yearly = month_day().prop_map(|day| On::Yearly(day, day));
    let range = (month_day(), month_day()).prop_map(|(first, last)| On::Yearly(first, last));
    let nth = (prop_oneof![Just(-1_i8), 1_i8..=5], 0_i8..7, 1_i8..=12).prop_map(|(nth, weekday, month)| {
        On::Nth(nth, jiff::civil::Weekday::from_monday_zero_offset(weekday).expect("seven days"), month)
    });
    let easter = (-60_i64..=60).prop_map(On::Easter);
    prop_oneof![3 => once, 1 => yearly, 1 => range, 2 => nth, 1 => easter]
}

fn written() -> impl Strategy<Value = Written> {
    let week = proptest::collection::vec(hours(), 7);
    let exceptions = proptest::collection::vec((on(), hours()), 0..5);
    (0..ZONES.len(), week, exceptions).prop_map(|(zone, week, exceptions)| Written {
        zone: ZONES[zone],
        week,
        exceptions,
    })
}

fn hours_text(hours: &[(u16, u16)]) -> String {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let texts: Vec<String> = hours.iter().map(|&(from, to)| format!("{}-{}", time(from), time(to))).collect();
    if texts.is_empty() { "closed".to_owned() } else { texts.join(", ") }
}

fn on_text(on: &On) -> String {
    match on {
        On::Once(first, last) => format!("{first} to {last}"),
        On::Yearly(first, last) => format!("{:02}-{:02} to {:02}-{:02}", first.0, first.1, last.0, last.1),
        On::Nth(nth, weekday, month) => {
            let nth = ["1st", "2nd", "3rd", "4th", "5th"]
                .get(usize::try_from(*nth - 1).unwrap_or(9))
                .unwrap_or(&"last");
            let day = Weekday::ALL[weekday.to_monday_zero_offset() as usize].name();
            format!("{nth} {day} of {month:02}")
        }
        On::Easter(offset) => format!("easter{offset:+}"),
    }
}

/// The same calendar, read from its texts.
fn read(written: &Written) -> Calendar {
    let mut week = String::new();
    for (day, hours) in Weekday::ALL.iter().zip(&written.week) {
        let parted = if week.is_empty() { "" } else { "; " };
        write!(week, "{parted}{} {}", day.short(), hours_text(hours)).expect("a string takes everything");
    }
    let exception = |(on, hours): &(On, Vec<(u16, u16)>)| Exception {
        on: Days::parse(&on_text(on)).unwrap_or_else(|error| panic!("{error}")),
        hours: DayHours::parse(&hours_text(hours)).unwrap_or_else(|error| panic!("{error}")),
        name: None,
    };
    let week = Week::parse(&week).unwrap_or_else(|error| panic!("{week}: {error}"));
    let zone = Zone::named(written.zone).expect("known");
    Calendar::new(zone, week, written.exceptions.iter().map(exception).collect())
}

/// Days of each history.
const DAYS: i64 = 8;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_iterator_agrees_with_the_clock_on_the_wall_at_every_minute(written in written(), first in first_day(), odd in 0_i64..60) {
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(written.zone).expect("known");
        let calendar = read(&written);
        let begin = first.to_zoned(jiff::tz::TimeZone::UTC).expect("a date").timestamp().as_second();
        let mut open = written.is_open(&zone, begin);
        prop_assert_eq!(calendar.is_open(Utc::from_seconds(begin)), open);
        let mut naive = Vec::new();
        for minute in 1..=DAYS * 1_440 {
            let at = begin + minute * 60;
            let now = written.is_open(&zone, at);
            if now != open {
                naive.push((at, now));
                open = now;
            }
            // Between two minutes nothing changes.
            if minute % 97 == 0 {
                prop_assert_eq!(calendar.is_open(Utc::from_seconds(at + odd)), open);
            }
        }
        let end = begin + DAYS * 86_400;
        let changes = calendar.changes(Utc::from_seconds(begin)).take_while(|change| change.at.seconds() <= end);
        let fast: Vec<(i64, bool)> = changes.map(|change| (change.at.seconds(), change.open)).collect();
        prop_assert_eq!(fast, naive);
    }

    #[test]
    fn a_text_of_any_kind_is_read_or_explained(text in "[0-9a-z:,; \\-+]{0,24}") {
        for error in [Week::parse(&text).err(), DayHours::parse(&text).err(), Days::parse(&text).err()].into_iter().flatten() {
            prop_assert!(error.at <= text.len());
            prop_assert!(error.to_string().contains("; "));
        }
    }

    #[test]
    fn letters_beyond_ascii_are_no_trouble(text in "\\PC{0,16}") {
        for error in [Week::parse(&text).err(), DayHours::parse(&text).err(), Days::parse(&text).err()].into_iter().flatten() {
            prop_assert!(text.is_char_boundary(error.at), "{error}");
        }
    }
}
