//! Days that are known to be difficult.

use hours::{Calendar, DayHours, Days, Exception, Utc, Week, Zone};

fn calendar(zone: &str, week: &str, exceptions: &[(&str, &str)]) -> Calendar {
    let exception = |&(on, hours): &(&str, &str)| Exception {
        on: Days::parse(on).expect("good"),
        hours: DayHours::parse(hours).expect("good"),
        name: None,
    };
    let zone = Zone::named(zone).expect("known");
    Calendar::new(zone, Week::parse(week).expect("good"), exceptions.iter().map(exception).collect())
}

fn utc(text: &str) -> Utc {
    Utc::from_seconds(text.parse::<jiff::Timestamp>().expect("RFC 3339").as_second())
}

/// The changes from one moment to another, as `2026-03-29T01:00:00Z open`.
fn changes(calendar: &Calendar, from: &str, to: &str) -> Vec<String> {
    let word = |open| if open { "open" } else { "closed" };
    let changes = calendar.changes(utc(from)).take_while(|change| change.at <= utc(to));
    changes.map(|change| format!("{} {}", change.at, word(change.open))).collect()
}

#[test]
fn an_hour_that_summer_time_skips_is_not_there_to_be_open_in() {
    // In Berlin 02:00 is followed by 03:00 on 29 March 2026 (01:00 UTC).
    let whole = calendar("Europe/Berlin", "daily 02:00-03:00", &[]);
    assert_eq!(
        changes(&whole, "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"),
        ["2026-03-30T00:00:00Z open", "2026-03-30T01:00:00Z closed"]
    );
    let begins_in_it = calendar("Europe/Berlin", "daily 02:30-04:00", &[]);
    assert_eq!(
        changes(&begins_in_it, "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z"),
        ["2026-03-29T01:00:00Z open", "2026-03-29T02:00:00Z closed"],
        "it opens when the clock shows 03:00"
    );
    let ends_in_it = calendar("Europe/Berlin", "daily 01:00-02:30", &[]);
    assert_eq!(
        changes(&ends_in_it, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"),
        ["2026-03-29T00:00:00Z open", "2026-03-29T01:00:00Z closed"]
    );
}

#[test]
fn an_hour_that_comes_twice_is_open_both_times() {
    // In New York 02:00 is followed by 01:00 on 1 November 2026 (06:00 UTC).
    let calendar = calendar("America/New_York", "daily 01:15-01:45", &[]);
    assert_eq!(
        changes(&calendar, "2026-11-01T04:00:00Z", "2026-11-01T12:00:00Z"),
        [
            "2026-11-01T05:15:00Z open",
            "2026-11-01T05:45:00Z closed",
            "2026-11-01T06:15:00Z open",
            "2026-11-01T06:45:00Z closed"
        ]
    );
}

#[test]
fn a_shift_of_half_an_hour_counts_as_half_an_hour() {
    // Lord Howe goes from 02:00 back to 01:30 on 5 April 2026 (15:00 UTC the day before).
    let calendar = calendar("Australia/Lord_Howe", "daily 01:30-01:45", &[]);
    assert_eq!(
        changes(&calendar, "2026-04-04T12:00:00Z", "2026-04-04T20:00:00Z"),
        [
            "2026-04-04T14:30:00Z open",
            "2026-04-04T14:45:00Z closed",
            "2026-04-04T15:00:00Z open",
            "2026-04-04T15:15:00Z closed"
        ]
    );
}

#[test]
fn a_day_that_a_country_skipped_is_not_there() {
    // Samoa went from Thursday 29 December 2011, 24:00, to Saturday 31 December (10:00 UTC on the 30th).
    let fridays = calendar("Pacific/Apia", "fri 09:00-17:00", &[]);
    let skipped = changes(&fridays, "2011-12-26T00:00:00Z", "2012-01-07T12:00:00Z");
    assert_eq!(skipped, ["2012-01-05T19:00:00Z open", "2012-01-06T03:00:00Z closed"]);
    let always = calendar("Pacific/Apia", "daily 24h", &[("2011-12-30", "closed")]);
    assert_eq!(changes(&always, "2011-12-01T00:00:00Z", "2012-01-31T00:00:00Z"), Vec::<String>::new());
}

#[test]
fn hours_past_midnight_belong_to_the_day_on_which_they_begin() {
    let bar = calendar("Asia/Seoul", "fri-sat 22:00-02:00", &[("2026-11-07", "closed")]);
    assert_eq!(
        changes(&bar, "2026-11-06T00:00:00Z", "2026-11-13T12:00:00Z"),
        ["2026-11-06T13:00:00Z open", "2026-11-06T17:00:00Z closed"],
        "Saturday is closed, and what began on Friday runs to its end"
    );
}

#[test]
fn hours_that_touch_at_midnight_are_one() {
    let calendar = calendar("Asia/Seoul", "mon 18:00-24:00; tue 00:00-06:00; wed 24h; thu 24h", &[]);
    assert_eq!(
        changes(&calendar, "2026-11-02T00:00:00Z", "2026-11-06T00:00:00Z"),
        [
            "2026-11-02T09:00:00Z open",
            "2026-11-02T21:00:00Z closed",
            "2026-11-03T15:00:00Z open",
            "2026-11-05T15:00:00Z closed"
        ]
    );
}

#[test]
fn the_narrower_exception_counts() {
    let calendar = calendar(
        "Europe/Berlin",
        "daily 09:00-18:00",
        &[
            ("12-24 to 01-02", "closed"),
            ("12-31", "10:00-12:00"),
            ("2026-12-28 to 2026-12-31", "14:00-15:00"),
            ("2026-12-31", "08:00-09:00"),
        ],
    );
    assert_eq!(
        changes(&calendar, "2026-12-24T00:00:00Z", "2027-01-03T12:00:00Z"),
        [
            "2026-12-28T13:00:00Z open",
            "2026-12-28T14:00:00Z closed",
            "2026-12-29T13:00:00Z open",
            "2026-12-29T14:00:00Z closed",
            "2026-12-30T13:00:00Z open",
            "2026-12-30T14:00:00Z closed",
            "2026-12-31T07:00:00Z open",
            "2026-12-31T08:00:00Z closed",
            "2027-01-03T08:00:00Z open"
        ]
    );
    let next = changes(&calendar, "2027-12-24T00:00:00Z", "2028-01-02T12:00:00Z");
    assert_eq!(next, ["2027-12-31T09:00:00Z open", "2027-12-31T11:00:00Z closed"]);
}

#[test]
fn what_is_always_so_never_changes_and_the_search_for_it_ends() {
    for (week, open) in [("daily 24h", true), ("daily closed", false)] {
        for zone in ["Europe/Berlin", "Asia/Seoul"] {
            let calendar = calendar(zone, week, &[]);
            assert_eq!(calendar.changes(utc("2026-01-01T00:00:00Z")).next(), None);
            assert_eq!(calendar.is_open(utc("2026-01-01T00:00:00Z")), open);
        }
    }
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    let calendar =
        calendar("Europe/Berlin", "mon-fri 09:00-18:00", &[("easter+1", "closed"), ("02-29", "24h")]);
    for at in [Utc::MIN, Utc::MAX, Utc::MAX.plus(-86_400)] {
        assert!(calendar.changes(at).take(10).count() <= 10);
    }
}

#[test]
fn a_standing_says_why_and_until_when() {
    let mut exceptions = vec![Exception {
        on: Days::parse("12-25").expect("good"),
        hours: DayHours::closed(),
        name: Some("Christmas Day".to_owned()),
    }];
    exceptions.extend(exceptions.clone());
    let week = Week::parse("mon-fri 09:00-18:00").expect("good");
    let calendar = Calendar::new(Zone::named("Europe/Berlin").expect("known"), week, exceptions);
    let standing = calendar.standing(utc("2026-12-25T12:00:00Z"));
    assert_eq!((standing.open, standing.until), (false, Some(utc("2026-12-28T08:00:00Z"))));
    assert_eq!(standing.exception.and_then(|day| day.name.as_deref()), Some("Christmas Day"));
    assert_eq!(calendar.standing(utc("2026-12-28T12:00:00Z")).exception, None);
}
