//! Callers who are turned away or whom nobody serves, and what is told of them.

use std::path::PathBuf;
use std::time::Duration;

use whatif::Measure;

use super::super::comparison::Verdict;
use super::super::figures::{Column, Kind};
use super::super::{Options, Results, files, page, scenario, simulate, text};
use super::{POOL, options, played};
use crate::results::Files;
use crate::results::figure::{Figure, Unit};

/// Twenty callers an hour of ten minutes for two agents, and a variant in which most find the queue full.
const FULL: &str = r#"
[day]
from = "09:00"
to = "11:00"
interval = "1h"
[runs]
replications = 20
[[queue]]
name = "waiting"
[[arrivals]]
queue = "waiting"
per_hour = 20
talk = { mean = "10m" }
patience = { mean = "10m" }
[[group]]
name = "two"
count = 2
[[variant]]
name = "nobody waits"
queue.waiting.max_length = { waiting = 0, then = "busy" }
"#;

#[test]
fn who_is_turned_away_makes_a_variant_worse_too() {
    let results = played(FULL, &options());
    let differences = &results.comparisons[0].1;
    let of = |measure| {
        let found = |difference: &&super::super::comparison::Difference| {
            difference.kind == Kind::Centre && difference.column == Column::Callers(measure)
        };
        differences.iter().find(found).expect("it is compared")
    };
    let away = of(Measure::BlockingRate);
    assert_eq!((away.before, away.verdict), (0.0, Verdict::Worse));
    assert!(away.after > 0.3, "{away:?}");
    let shown = text(&results);
    assert!(shown.contains("All callers: turned away 0.0\u{a0}% -> "), "{shown}");
    assert!(page::page(&results).contains("수용 불가율"));
    let full = FULL
        .replace("name = \"waiting\"", "name = \"waiting\"\nmax_length = { waiting = 0, then = \"busy\" }");
    let full = full.split("[[variant]]").next().expect("there is a beginning");
    let results = played(full, &options());
    let shown = text(&results);
    assert!(shown.contains("overflow  turned away\n"), "{shown}");
    let html = page::page(&results);
    assert!(html.contains("Turned away") && html.contains("수용 불가"));
}

#[test]
fn who_is_never_served_is_told_of_every_case() {
    let idle = FULL.replace(
        "queue.waiting.max_length = { waiting = 0, then = \"busy\" }",
        "queue.waiting.require = \"x\"",
    );
    let idle = idle.replace("patience = { mean = \"10m\" }\n", "");
    let results = played(&idle, &options());
    let shown = text(&results);
    let (_, variant) = shown.split_once("What if:").expect("there is a variant");
    assert!(variant.contains("callers a day were never answered and never gave up"), "{variant}");
    assert!(variant.contains("never served 0.0\u{a0}% -> 100.0\u{a0}%: worse"), "{variant}");
    assert!(page::page(&results).contains("담당 상담원이 없음"));
}

#[test]
fn what_has_no_length_and_no_agents_has_no_figure_of_them() {
    let evening = FULL.replace("count = 2", "count = 2\nshifts = \"09:00-10:00\"");
    let results = played(&evening, &options());
    let part = |kind| results.outcomes[0].parts.iter().find(|part| part.kind == kind).expect("it is there");
    let length =
        |kind| part(kind).day.0.iter().any(|(column, _)| *column == Column::Callers(Measure::QueueLength));
    assert!(length(Kind::Queue) && !length(Kind::Centre) && !length(Kind::Callers));
    let occupancy = Column::Agents(whatif::GroupMeasure::Occupancy);
    let group = part(Kind::Group);
    assert!(group.intervals[0].get(occupancy).is_some() && group.intervals[1].get(occupancy).is_none());
}

#[test]
fn intervals_end_where_figures_do() {
    let estimate = |mean, standard_error| whatif::Estimate { mean, standard_error, replications: 10 };
    let of = |mean, unit| Figure::possible(estimate(mean, 0.1), unit, 0.95);
    let share = of(0.95, Unit::Share);
    assert!(share.high == 1.0 && share.low > 0.7 && (share.half() - (0.95 - share.low)).abs() < 1e-12);
    assert_eq!(of(0.05, Unit::Share).low, 0.0);
    assert!(of(5.0, Unit::Count).high > 5.2 && of(0.1, Unit::Seconds).low == 0.0);
    let unknown = Figure::possible(estimate(0.5, f64::INFINITY), Unit::Share, 0.95);
    assert!(unknown.half().is_infinite());
    let results = played(FULL, &options());
    let rows = results.outcomes[0].parts.iter().flat_map(|part| part.intervals.iter().chain([&part.day]));
    for (column, figure) in rows.flat_map(|row| &row.0) {
        let Some(figure) = figure.filter(|figure| figure.half().is_finite()) else { continue };
        assert!(figure.low >= 0.0, "{column:?}: {figure:?}");
        assert!(column.unit() != Unit::Share || figure.high <= 1.0, "{column:?}: {figure:?}");
    }
}

#[test]
fn the_search_tells_one_fewer_its_queue_and_who_misses() {
    let two = POOL.replace("[staffing]", "[[queue]]\nname = \"late\"\nservice_level = { target = \"100%\", within = \"1s\" }\n\
         [[arrivals]]\nqueue = \"late\"\nper_hour = 6\ntalk = { mean = \"3m\" }\n[staffing]\nservice_level = \"87%\"");
    let two = two.replace("count = 6", "count = 6\nbreaks = \"10:00-10:15\"");
    let results = played(&two, &super::unwatched());
    let plan = results.staffing.as_ref().expect("the scenario asks for it");
    let fewer = plan.intervals[0].one_fewer.expect("somebody was answered");
    assert!(fewer.value < 0.87, "{fewer:?}");
    assert!(plan.ignores_hours && plan.served.len() == 2);
    assert_eq!(plan.intervals[0].queue.as_deref(), Some("late"), "its threshold is the shorter one");
    let shown = text(&results);
    for said in ["worst queue", "one fewer %", "Its own shifts and breaks are left out"] {
        assert!(shown.contains(said), "{said}:\n{shown}");
    }
    let html = page::page(&results);
    assert!(html.contains("The day with these numbers:") && html.contains("이 인원으로 본 하루:"));
    assert!(files::json(&results)["staffing"]["intervals"][0]["service_level_with_one_fewer"].is_object());
    let strict = POOL.replace("[staffing]", "[staffing]\nagents_max = 3");
    let results: Results = played(&strict, &super::unwatched());
    let shown = text(&results);
    assert!(shown.contains("misses its target"), "{shown}");
    assert!(page::page(&results).contains("not even 3 agents of this group suffice"));
}

#[test]
fn colleagues_count_by_their_mean_rounded_down() {
    let hour = Duration::from_secs(3_600);
    let group = |agents: usize, breaks: Vec<(Duration, Duration)>| scenario::Group {
        name: "others".to_owned(),
        agents: vec!["a".to_owned(); agents],
        shifts: vec![(hour * 9, hour * 12)],
        breaks,
    };
    let heads = |agents, breaks| super::super::staffing::heads(&group(agents, breaks), (hour * 9, hour * 10));
    let pause = vec![(hour * 9 + hour / 60, hour * 9 + hour / 60 * 29)];
    assert_eq!((heads(10, Vec::new()), heads(10, pause.clone()), heads(1, pause)), (10, 5, 0));
    assert_eq!(heads(10, vec![(hour * 10, hour * 11)]), 10, "a break at another time");
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("cordboard-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder for temporary files is there");
    folder
}

#[test]
fn nothing_that_is_read_is_overwritten() {
    let folder = folder("overwritten");
    let (day, calls, other) = (folder.join("day.toml"), folder.join("calls.csv"), folder.join("other.toml"));
    let with_calls = FULL.replace("per_hour = 20", "file = \"calls.csv\"");
    std::fs::write(&day, &with_calls).expect("it can be written to");
    std::fs::write(&other, &with_calls).expect("it can be written to");
    std::fs::write(&calls, "time\n09:10\n").expect("it can be written to");
    for file in [&day, &calls, &other] {
        let files = Files { csv: Some(file.clone()), ..Files::default() };
        let told = Options { scenario: day.clone(), compare: Some(other.clone()), files, ..options() };
        let refused = simulate(&told).expect_err("it would be lost").to_string();
        assert!(refused.starts_with("--csv would overwrite"), "{refused}");
    }
    assert_eq!(std::fs::read_to_string(&day).expect("it is there"), with_calls);
}

#[test]
fn a_check_refuses_what_the_search_would() {
    let folder = folder("check");
    let day = folder.join("day.toml");
    std::fs::write(&day, FULL).expect("it can be written to");
    let told = Options { scenario: day, check: true, staff: Some("nobody".to_owned()), ..options() };
    let refused = simulate(&told).expect_err("there is no such group").to_string();
    assert!(refused.contains("day.toml:") && refused.contains("there is no group \"nobody\""), "{refused}");
}
