//! What a user sees of a simulated day.

use std::path::Path;

use super::comparison::Verdict;
use super::figures::{Column, Kind};
use super::*;
use whatif::{GroupMeasure, Measure, ServiceLevel};

mod channels;
mod examples;
mod hours;
mod lost;
mod pages;
mod returning;
mod several;

/// Two queues, two groups, callers with and without patience, a break, and two variants.
const SMALL: &str = r#"
[day]
from = "09:00"
to = "11:00"
interval = "1h"

[runs]
replications = 20
seed = 7

[[queue]]
name = "billing"
require = "billing"
after_call_work = "20s"

[[queue]]
name = "english"
require = "english >= 5"
max_wait = { after = "2m", then = "queue:billing" }

[[arrivals]]
queue = "billing"
per_hour = [40, 60]
talk = { shape = "lognormal", mean = "3m", sd = "3m" }
patience = { mean = "4m" }

[[arrivals]]
queue = "english"
count = 20
talk = { mean = "4m" }

[[group]]
name = "korean"
count = 4
skills = { billing = 7 }
breaks = "10:30-10:45"

[[group]]
name = "both"
count = 2
skills = { billing = 3, english = 8 }

[ringing]
pick_up = { mean = "3s" }
no_answer = "2%"

[[variant]]
name = "the Koreans speak English too"
group.korean.skills.english = 5

[[variant]]
name = "nothing that matters"
group.korean.order = 0
"#;

/// Every step is watched: small worlds can afford it.
fn options() -> Options {
    let watch = Watching::Every(std::num::NonZeroU32::MIN);
    Options { threads: Some(2), watch, ..Options::default() }
}

/// Only the books are compared: for searches and long days.
fn unwatched() -> Options {
    Options { watch: Watching::End, ..options() }
}

fn played(text: &str, options: &Options) -> Results {
    let scenario = scenario::parse("small.toml", text, Path::new(""), None);
    let scenario = scenario.unwrap_or_else(|refused| panic!("refused:\n{refused}"));
    results(scenario, options).unwrap_or_else(|failure| panic!("{failure}"))
}

#[test]
fn a_small_day_gives_these_tables() {
    let shown = text(&played(SMALL, &options()));
    let expected = include_str!("tests/small.txt").replace('\r', "");
    assert_eq!(shown, expected, "if the change is meant, this is the new tests/small.txt:\n{shown}");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let json = |threads| files::json(&played(SMALL, &Options { threads: Some(threads), ..options() }));
    let one = json(1);
    assert_eq!(one, json(2));
    assert_eq!(one, json(5));
}

#[test]
fn every_caller_is_somewhere() {
    let results = played(SMALL, &options());
    let outcome = &results.outcomes[0];
    for part in outcome.parts.iter().filter(|part| part.kind == Kind::Queue) {
        for row in part.intervals.iter().chain([&part.day]) {
            let count = |measure| row.get(Column::Callers(measure)).expect("it is a count").value;
            let ended = [Measure::Answered, Measure::Abandoned, Measure::Overflowed, Measure::Blocked];
            let ended: f64 = ended.into_iter().chain([Measure::Dequeued]).map(count).sum();
            assert!((count(Measure::Offered) - ended).abs() < 1e-9, "{}: {row:?}", part.name);
        }
    }
    assert!(outcome.stranded.abs() < 1e-9);
    let breaks = outcome.parts.iter().find(|part| part.name == "korean").expect("the group is there");
    let scheduled = |row: &figures::Row| row.get(Column::Scheduled).expect("it is a mean").value;
    assert!((scheduled(&breaks.day) - 4.0).abs() < 1e-9, "{breaks:?}");
    // On a break they are there, and busy with nothing: the second half of the hour has a quarter of it.
    let of = |row: &figures::Row, measure| row.get(Column::Agents(measure)).expect("they worked").value;
    let [before, with] = &breaks.intervals[..] else { panic!("two intervals") };
    let gap = |row| of(row, GroupMeasure::Occupancy) - of(row, GroupMeasure::Utilisation);
    assert!(gap(before) < 0.02 && gap(with) > 0.1, "{breaks:?}");
}

#[test]
fn what_helps_is_better_and_what_does_not_matter_is_no_difference_at_all() {
    let results = played(SMALL, &options());
    let [(helps, better), (idle, same)] = &results.comparisons[..] else { panic!("two variants") };
    assert_eq!((helps.as_str(), idle.as_str()), ("the Koreans speak English too", "nothing that matters"));
    let of = |queue: &str, column| {
        let found = better.iter().find(|difference| difference.name == queue && difference.column == column);
        found.expect("it is compared").verdict
    };
    let level = Column::level(ServiceLevel::OfAnsweredAndAbandoned);
    assert_eq!(of("english", level), Verdict::Better);
    assert_eq!(of("english", Column::Callers(Measure::AverageSpeedOfAnswer)), Verdict::Better);
    assert_eq!(of("both", Column::Agents(GroupMeasure::Occupancy)), Verdict::Lower);
    for difference in same {
        // The very same callers: not nearly, but exactly.
        assert!(difference.change.value.abs() < 1e-12 && difference.change.half() < 1e-12, "{difference:?}");
        assert_eq!(difference.verdict, Verdict::Unclear);
    }
}

#[test]
fn a_warm_up_is_in_front_of_the_day_and_not_counted() {
    let warm = SMALL.replace("seed = 7", "seed = 7\nwarm_up = \"90m\"");
    let results = played(&warm, &options());
    let billing = results.outcomes[0].parts.iter().find(|part| part.name == "billing").expect("it is there");
    assert_eq!(billing.intervals.len(), 2);
    let calls = |number: usize| {
        billing.intervals[number].get(Column::Callers(Measure::Offered)).expect("it is a count")
    };
    // Own callers and those who overflow from english.
    assert!(calls(0).value > 36.0 && calls(0).value < 48.0, "{:?}", calls(0));
    assert!(calls(1).value > 54.0 && calls(1).value < 70.0, "{:?}", calls(1));
}

/// One pool of equal agents and patient callers with exponential times: Erlang C is exact there.
const POOL: &str = r#"
[day]
from = "09:00"
to = "12:00"
interval = "1h"
[runs]
replications = 40
[[queue]]
name = "service"
service_level = { target = "87%", within = "20s" }
[[arrivals]]
queue = "service"
per_hour = [60, 0, 30]
talk = { mean = "3m" }
[[group]]
name = "service"
count = 6
[staffing]
"#;

#[test]
fn the_fewest_agents_are_those_of_erlang_c_where_that_is_exact() {
    let results = played(POOL, &unwatched());
    let plan = results.staffing.expect("the scenario asks for it");
    let agents: Vec<Option<u32>> = plan.intervals.iter().map(|need| need.agents).collect();
    let erlang: Vec<Option<u32>> = plan.intervals.iter().map(|need| need.erlang_c).collect();
    // By the formula 5 agents give .811 and 6 give .929 at 3 erlang; 3 give .800 and 4 give .943 at 1.5.
    assert_eq!(agents, [Some(6), Some(0), Some(4)]);
    assert_eq!(erlang, agents);
    assert_eq!(plan.intervals[0].erlang_a, None, "nobody gives up");
    let level = plan.intervals[0].level.expect("somebody called");
    assert!(level.low < 0.929 && 0.929 < level.high, "{level:?} does not hold the exact .929");
    assert!((plan.agent_hours(&results.scenario) - 10.0).abs() < 1e-9);
    let scheduled = plan.day.parts.iter().find(|part| part.kind == Kind::Group).expect("there is a group");
    let heads: Vec<f64> =
        scheduled.intervals.iter().map(|row| row.get(Column::Scheduled).expect("a mean").value).collect();
    assert_eq!(heads, [6.0, 0.0, 4.0]);
}

#[test]
fn the_formulas_leave_out_the_agents_of_other_groups_who_serve_the_same_queues() {
    let two = POOL.replace("count = 6\n", "count = 6\n[[group]]\nname = \"beside\"\ncount = 2\n");
    let search = Options { staff: Some("service".to_owned()), ..unwatched() };
    let results = played(&two, &search);
    let plan = results.staffing.as_ref().expect("it was asked for");
    let said = |of: fn(&staffing::Need) -> Option<u32>| plan.intervals.iter().map(of).collect::<Vec<_>>();
    assert_eq!(said(|need| Some(need.colleagues)), [Some(2); 3]);
    assert_eq!(said(|need| need.erlang_c), [Some(4), Some(0), Some(2)], "6 and 4 less 2");
    assert_eq!(said(|need| need.agents), said(|need| need.erlang_c), "it is exact here");
    let shown = text(&results);
    assert!(shown.contains("less those of other groups"), "{shown}");
    let page = page::page(&results);
    assert!(page.contains("less those of other groups") && page.contains("다른 그룹의 인원을 뺀 값"));
    assert_eq!(files::json(&results)["staffing"]["intervals"][0]["other_agents"], 2);
    let alone = text(&played(POOL, &unwatched()));
    assert!(!alone.contains("other groups"), "{alone}");
}

#[test]
fn that_no_number_suffices_is_said() {
    let few = POOL.replace("[staffing]", "[staffing]\nagents_max = 5");
    let results = played(&few, &unwatched());
    let plan = results.staffing.as_ref().expect("the scenario asks for it");
    assert_eq!(plan.intervals[0].agents, None);
    assert_eq!(plan.intervals[0].erlang_c, None);
    assert_eq!(plan.intervals[2].agents, Some(4));
    let shown = text(&results);
    assert!(shown.contains(" >5 ") && shown.contains("not even 5 agents of this group suffice"), "{shown}");
}

#[test]
fn the_search_says_what_it_needs() {
    let failed = |text: &str, group: &str| {
        let scenario = scenario::parse("small.toml", text, Path::new(""), None).expect("it is right");
        let options = Options { staff: Some(group.to_owned()), ..options() };
        results(scenario, &options).err().expect("there is no plan").to_string()
    };
    let several = failed(SMALL, "");
    assert!(several.starts_with("small.toml:33:8: there are several groups"), "{several}");
    assert!(
        several.contains("say whose number is sought, with --staff GROUP") && several.contains("\"both\""),
        "{several}"
    );
    let asked = failed(&SMALL.replace("[ringing]", "[staffing]\n[ringing]"), "");
    assert!(asked.starts_with("small.toml:43:2: there are several groups"), "{asked}");
    let unknown = failed(SMALL, "koraen");
    assert!(
        unknown.starts_with(
            "small.toml:33:8: --staff: there is no group \"koraen\" (did you mean `korean`?); name one of those here: \
             \"korean\", \"both\""
        ),
        "{unknown}"
    );
    let idle = SMALL.replacen("skills = { billing = 7 }", "skills = { cooking = 7 }", 1);
    let idle = failed(&idle, "korean");
    let expected = "small.toml:33:8: group \"korean\" serves no queue that anybody calls; give it the skills";
    assert!(idle.starts_with(expected), "{idle}");
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let failed = |text: &str| {
        let scenario = scenario::parse("small.toml", text, Path::new(""), None).expect("it is right");
        results(scenario, &options()).err().expect("it is too much").to_string()
    };
    let long = failed(
        &POOL
            .replace("replications = 40", "replications = 10000")
            .replace("interval = \"1h\"\n", "interval = \"1m\"\n")
            .replace("[60, 0, 30]", "60"),
    );
    assert!(
        long.starts_with("small.toml:6:2: the figures of all days of all cases could take")
            && long.contains("choose longer intervals"),
        "{long}"
    );
}

#[test]
fn another_scenario_is_one_more_case_of_the_first() {
    let folder = std::env::temp_dir().join(format!("cordboard-{}-compare", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder for temporary files is there");
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("it can be written to");
        path
    };
    let pool = POOL.replace("[staffing]", "");
    let one = file("one.toml", &pool);
    let other = file("other.toml", &pool.replace("count = 6", "count = 5"));
    let (csv, json, html) = (folder.join("a.csv"), folder.join("a.json"), folder.join("a.html"));
    let told = Options {
        scenario: one.clone(),
        compare: Some(other),
        files: Files { csv: Some(csv.clone()), json: Some(json.clone()), html: Some(html.clone()) },
        replications: Some(30),
        seed: Some(3),
        ..options()
    };
    let text = simulate(&told).unwrap_or_else(|failure| panic!("{failure}")).text;
    assert!(text.contains("30 days, seed 3"), "{text}");
    assert!(text.contains("other.toml (the same callers on the same days)"), "{text}");
    assert!(text.contains("Queue service: service level") && text.contains(": worse ("), "{text}");
    for (file, begin) in
        [(csv, "case,kind,name,from,to,figure,value,low,high\n"), (json, "{\n"), (html, "<!doctype html>\n")]
    {
        let written = std::fs::read_to_string(&file).expect("it was written");
        assert!(written.starts_with(begin) && written.ends_with('\n'), "{}", file.display());
    }
    let shifted =
        file("shifted.toml", &pool.replace("to = \"12:00\"", "to = \"13:00\"").replace("[60, 0, 30]", "60"));
    let refused =
        simulate(&Options { compare: Some(shifted), ..told.clone() }).expect_err("another day").to_string();
    assert!(refused.contains("shifted.toml:2:2: its [day] is not that of "), "{refused}");
    assert!(refused.contains("one.toml: `to` is 13:00 and not 12:00; make the two equal"), "{refused}");
    let checked = simulate(&Options { check: true, ..told }).expect("it is right").text;
    let said = "can be simulated; 1 queue, 6 agents in 1 group, 90 calls a day, 3 intervals, 1 variant\n";
    assert!(checked.ends_with(said), "{checked}");
}

#[test]
fn the_bilingual_centre_gives_the_published_figures() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/simulate/bilingual.toml");
    let mut scenario = scenario::load(&file, None).unwrap_or_else(|refused| panic!("{refused}"));
    scenario.runs.replications = 200;
    scenario.runs.confidence = 0.999;
    scenario.cases.truncate(1);
    let results = results(scenario, &unwatched()).unwrap_or_else(|failure| panic!("{failure}"));
    let outcome = &results.outcomes[0];
    let part = |name: &str| outcome.parts.iter().find(|part| part.name == name).expect("it is there");
    // ContactCenters, example Bilingual, means of 1,000 weeks of five days with 95 % intervals: per day 1,022.0
    // [1,021.0, 1,023.1] calls and 28.6 [28.2, 28.9] who gave up; occupancy .476, .476 and .633.
    let centre = |measure| part("").day.get(Column::Callers(measure)).expect("it is a count");
    let occupancy =
        |group: &str| part(group).day.get(Column::Agents(GroupMeasure::Occupancy)).expect("they worked");
    let figures = [
        (centre(Measure::Offered), 1_022.0, 1.1),
        (centre(Measure::Abandoned), 28.57, 0.4),
        (occupancy("English"), 0.476, 0.01),
        (occupancy("Spanish"), 0.476, 0.01),
        (occupancy("both"), 0.633, 0.01),
    ];
    for (simulated, published, tolerance) in figures {
        let is_near = simulated.low - tolerance <= published && published <= simulated.high + tolerance;
        assert!(is_near, "{published} is far from {simulated:?}; all: {figures:?}");
    }
}
