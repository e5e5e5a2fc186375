//! Days on which queues open and close.

use std::path::Path;
use std::time::Duration;

use whatif::{Measure, Opening};

use super::super::figures::{Column, Kind, Row};
use super::super::scenario::{self, Scenario};
use super::super::{Results, files, model, page, text};
use super::{options, played};

/// On Christmas Eve the office closes at noon; ten callers an hour, and more agents than they need.
const EVE: &str = r#"
[day]
date = "2026-12-24"
from = "09:00"
to = "15:00"
interval = "1h"

[runs]
replications = 5

[[calendar]]
name = "office"
time_zone = "Europe/Berlin"
hours = "mon-fri 09:00-18:00"
exceptions = [{ on = "12-24", hours = "09:00-12:00", name = "Christmas Eve" }]

[[queue]]
name = "office"
hours = "office"
closed = { then = "hang-up" }

[[queue]]
name = "night"

[[arrivals]]
queue = "office"
count = 10
come = "as-counted"
talk = { shape = "constant", mean = "1m" }

[[group]]
name = "all"
count = 20

[[variant]]
name = "a day like others"
calendar.office.exceptions = "none"

[[variant]]
name = "a night queue"
queue.office.closed.then = "queue:night"
"#;

fn scenario(text: &str) -> Scenario {
    let scenario = scenario::parse("eve.toml", text, Path::new(""), None);
    scenario.unwrap_or_else(|refused| panic!("refused:\n{refused}"))
}

fn refused(text: &str) -> String {
    scenario::parse("eve.toml", text, Path::new(""), None).expect_err("it is wrong").to_string()
}

/// A count of the case `number`, by interval and for the day.
fn counts(results: &Results, number: usize, kind: Kind, name: &str, measure: Measure) -> Vec<f64> {
    let part = results.outcomes[number].parts.iter().find(|part| part.kind == kind && part.name == name);
    let part = part.unwrap_or_else(|| panic!("there is no {name}"));
    let count = |row: &Row| row.get(Column::Callers(measure)).expect("it is a count").value;
    part.intervals.iter().chain([&part.day]).map(count).collect()
}

#[test]
fn who_comes_after_the_office_has_closed_leaves_and_is_counted_as_such() {
    let results = played(EVE, &options());
    let closed = |number, kind, name| counts(&results, number, kind, name, Measure::Closed);
    let eve = [0.0, 0.0, 0.0, 10.0, 10.0, 10.0, 30.0];
    assert_eq!(closed(0, Kind::Queue, "office"), eve);
    assert_eq!(closed(0, Kind::Callers, "office"), eve);
    assert_eq!(closed(0, Kind::Centre, ""), eve);
    let answered = |number, kind, name| counts(&results, number, kind, name, Measure::Answered);
    assert_eq!(answered(0, Kind::Queue, "office"), [10.0, 10.0, 10.0, 0.0, 0.0, 0.0, 30.0]);
    assert_eq!(closed(1, Kind::Queue, "office"), [0.0; 7], "without the exception it is a Thursday");
    assert_eq!(closed(2, Kind::Queue, "office"), eve);
    assert_eq!(answered(2, Kind::Queue, "night"), [0.0, 0.0, 0.0, 10.0, 10.0, 10.0, 30.0]);
    assert_eq!(closed(2, Kind::Callers, "office"), [0.0; 7], "somebody answers them");
}

#[test]
fn the_report_tells_the_date_and_who_came_while_it_was_closed() {
    let results = played(EVE, &options());
    let shown = text(&results);
    assert!(shown.contains("small.toml: 2026-12-24 09:00 to 15:00"), "{shown}");
    let line = |begin: &str| shown.lines().find(|line| line.starts_with(begin)).expect("it is there");
    assert!(line("interval").ends_with("overflow    closed"), "{shown}");
    assert!(line("12:00-13:00").ends_with("10.0      10.0"), "{shown}");
    assert!(line("all callers").ends_with("30.0      30.0"), "{shown}");
    let html = page::page(&results);
    for words in
        ["2026-12-24 09:00", "Came while closed", "운영 시간 외 인입", "While closed", "운영 종료 중"]
    {
        assert!(html.contains(words), "{words}");
    }
    let json = files::json(&results);
    assert_eq!(json["date"], "2026-12-24");
    assert_eq!(json["cases"][0]["parts"][0]["day"]["closed"]["value"], 30.0);
    let csv = String::from_utf8(files::csv(&results).expect("memory takes it")).expect("it is text");
    assert!(csv.contains(",queue,office,12:00,13:00,closed,10.000000,10.000000,10.000000\n"), "{csv}");
}

#[test]
fn without_hours_nothing_is_said_of_them() {
    let results = played(super::SMALL, &options());
    assert!(!text(&results).contains("closed"));
    assert!(!page::page(&results).contains("Came while closed"));
    assert!(files::json(&results)["date"].is_null());
}

/// When the queue of a scenario opens and closes, in minutes of the model.
fn openings(text: &str) -> Vec<(u64, bool)> {
    let scenario = scenario(text);
    let built = model::build(&scenario.day, &scenario.runs, &scenario.cases[0]).expect("it is right");
    let minutes = |at: Duration| at.as_secs() / 60;
    built.model.queues[0].openings.iter().map(|&Opening { at, open }| (minutes(at), open)).collect()
}

#[test]
fn the_hours_are_those_of_the_date_by_the_clock_of_the_day() {
    // Christmas Eve is a Thursday and Christmas a Friday, of which a day after the end is looked at.
    assert_eq!(openings(EVE), [(0, true), (180, false), (1_440, true)]);
    // In UTC it is an hour earlier, and in summer two.
    let utc = EVE.replace("date = ", "time_zone = \"UTC\"\ndate = ");
    assert_eq!(openings(&utc)[..2], [(0, true), (120, false)]);
    let summer = utc.replace("2026-12-24", "2026-07-02").replace("09:00\"\nto", "06:00\"\nto");
    assert_eq!(openings(&summer)[..3], [(0, false), (60, true), (600, false)]);
    // The warm-up, rounded up to whole intervals, is as the beginning of the day.
    let warm = EVE.replace("replications = 5", "replications = 5\nwarm_up = \"90m\"");
    assert_eq!(openings(&warm)[..2], [(0, true), (120 + 180, false)]);
}

#[test]
fn in_a_night_on_which_the_clocks_change_time_goes_on_evenly() {
    let night = EVE.replace("2026-12-24", "2026-10-24").replace("mon-fri", "daily");
    let night =
        night.replace("from = \"09:00\"", "from = \"22:00\"").replace("to = \"15:00\"", "to = \"34:00\"");
    // From ten in the evening it is eleven hours to nine by the clock, and twelve in this night.
    assert_eq!(openings(&night)[..2], [(0, false), (12 * 60, true)]);
}

#[test]
fn the_day_must_be_known_where_a_queue_keeps_hours() {
    let undated = refused(&EVE.replace("date = \"2026-12-24\"\n", ""));
    assert!(undated.contains("queue \"office\" keeps hours: which day is played decides"), "{undated}");
    assert!(undated.contains("date = \"2026-12-24\""), "{undated}");
    let wrong = refused(&EVE.replace("\"2026-12-24\"", "\"24.12.\""));
    assert!(wrong.starts_with("eve.toml:3:") && wrong.contains("\"24.12.\" is no date"), "{wrong}");
    assert_eq!(wrong.lines().count(), 1, "{wrong}");
    let unknown = refused(&EVE.replace("date = ", "time_zone = \"Europe/Berln\"\ndate = "));
    assert!(unknown.contains("did you mean `Europe/Berlin`?"), "{unknown}");
    let two = EVE.replace("[[queue]]\nname = \"night\"", "[[calendar]]\nname = \"seoul\"\ntime_zone = \"Asia/Seoul\"\nhours = \"daily 24h\"\n[[queue]]\nname = \"night\"");
    let several = refused(&two);
    assert!(several.contains("calendars are in Europe/Berlin and Asia/Seoul; say by which"), "{several}");
    let said = two.replace("date = ", "time_zone = \"Europe/Berlin\"\ndate = ");
    assert_eq!(openings(&said), openings(EVE));
}

#[test]
fn the_search_needs_nobody_while_it_is_closed_unless_another_queue_takes_the_callers() {
    let base =
        EVE[..EVE.find("[[variant]]").expect("it has variants")].replace("to = \"15:00\"", "to = \"13:00\"");
    let base = base.replace("interval = \"1h\"", "interval = \"2h\"").replace("09:00-12:00", "09:00-11:00");
    let agents = |text: &str| -> Vec<Option<u32>> {
        let plan =
            played(&format!("{text}[staffing]\n"), &super::unwatched()).staffing.expect("it is asked for");
        plan.intervals.iter().map(|need| need.agents).collect()
    };
    let [Some(open), Some(0)] = agents(&base)[..] else { panic!("{:?}", agents(&base)) };
    assert!(open > 0);
    assert_eq!(agents(&base.replace("\"hang-up\"", "\"queue:night\"")), [Some(open), Some(open)]);
}
