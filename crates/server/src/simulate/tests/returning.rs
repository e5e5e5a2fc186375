//! Numbers that want agents by name, and callers who call again.

use std::path::Path;

use whatif::{GroupMeasure, Measure};

use super::super::figures::{Column, Kind};
use super::super::{Results, scenario, text};
use super::{options, played};

/// Kim and Lee serve the desk, each a group; nobody waits long.
const DESK: &str = r#"
[day]
from = "09:00"
to = "11:00"
interval = "1h"

[runs]
replications = 4

[[queue]]
name = "desk"

[[agent]]
id = "kim"
contact = "sip:kim@192.0.2.1"

[[agent]]
id = "lee"
contact = "sip:lee@192.0.2.1"

[[agent]]
id = "seo"
contact = "sip:seo@192.0.2.1"

[[entry]]
number = "100"
queue = "desk"

[[arrivals]]
number = "100"
count = 12
come = "as-counted"
talk = { shape = "constant", mean = "2m" }
patience = { mean = "10m" }

[[group]]
name = "kim"
agents = ["kim"]

[[group]]
name = "lee"
agents = ["lee"]
"#;

/// Seo is in no group, which is a warning of every scenario here.
fn warnings(text: &str) -> Vec<String> {
    let scenario = scenario::parse("desk.toml", text, Path::new(""), None);
    let scenario = scenario.unwrap_or_else(|refused| panic!("refused:\n{refused}"));
    let told = scenario.warnings.iter().map(ToString::to_string);
    told.filter(|warning| !warning.contains("\"seo\" among them")).collect()
}

fn with_entry(settings: &str) -> String {
    DESK.replace("queue = \"desk\"\n\n[[arr", &format!("queue = \"desk\"\n{settings}\n\n[[arr"))
}

fn with_queue(settings: &str) -> String {
    DESK.replace("name = \"desk\"\n", &format!("name = \"desk\"\n{settings}\n"))
}

/// How many a group answered in a day, on average.
fn answered(results: &Results, group: &str) -> f64 {
    let part = results.outcomes[0].parts.iter().find(|part| part.kind == Kind::Group && part.name == group);
    let part = part.unwrap_or_else(|| panic!("there is no group {group}"));
    part.day.get(Column::Agents(GroupMeasure::Answered)).expect("they worked").value
}

fn delay(results: &Results) -> f64 {
    let part = results.outcomes[0].parts.iter().find(|part| part.kind == Kind::Queue).expect("a queue");
    part.day.get(Column::Callers(Measure::AverageSpeedOfAnswer)).expect("somebody was answered").value
}

#[test]
fn the_number_of_an_agent_reaches_that_agent_as_long_as_it_says() {
    let plain = played(DESK, &options());
    assert!(answered(&plain, "kim") > 5.0 && answered(&plain, "lee") > 5.0, "{}", text(&plain));
    for wanted in ["agent = \"lee\"", "prefer_agents = [\"lee\"]"] {
        let named = played(&with_entry(&format!("{wanted}\nagent_wait = \"1h\"")), &options());
        assert_eq!(answered(&named, "kim"), 0.0, "{wanted}");
        assert!(delay(&named) > delay(&plain), "{wanted}: they wait for Lee");
    }
    let briefly = played(&with_entry("agent = \"lee\"\nagent_wait = \"0s\""), &options());
    assert!(answered(&briefly, "lee") > answered(&briefly, "kim") && answered(&briefly, "kim") > 0.0);
    let at_home = played(&with_entry("agent = \"seo\"\nagent_wait = \"1h\""), &options());
    assert_eq!(answered(&at_home, "kim"), answered(&plain, "kim"), "who stays at home is not waited for");
    let away = played(&with_entry("agent = \"seo\"\nagent_then = \"busy\""), &options());
    assert_eq!((answered(&away, "kim"), answered(&away, "lee")), (0.0, 0.0), "they leave, as live");
}

#[test]
fn the_search_sees_wishes_too_however_many_agents_it_tries() {
    let text = with_entry("prefer_agents = [\"lee\"]\nagent_wait = \"1h\"")
        + "[staffing]\ngroup = \"kim\"\nagents_max = 3\n";
    let plan = played(&text, &options()).staffing.expect("the scenario asks for it");
    // Whoever else works, they wait for Lee alone.
    assert!(plan.intervals.iter().all(|need| need.agents.is_none()), "{:?}", plan.intervals);
}

const AGAIN: &str = "patience = { mean = \"10m\" }\nretrials = { share = \"100%\", share_answered = \"60%\", after = { mean = \"5m\" } }";

#[test]
fn who_was_answered_and_calls_again_gets_the_last_agent_where_the_queue_wants_that() {
    let again = DESK.replace("patience = { mean = \"10m\" }", AGAIN);
    let plain = played(&again, &options());
    let rule = "last_agent = { remember = \"2h\", wait = \"1h\" }";
    let kept = played(&again.replace("name = \"desk\"\n", &format!("name = \"desk\"\n{rule}\n")), &options());
    let offered = |results: &Results| {
        results.outcomes[0].parts[0].day.get(Column::Callers(Measure::Offered)).expect("a count").value
    };
    assert!(offered(&plain) > 30.0, "{} calls of 24 with something else after some", offered(&plain));
    assert!(
        delay(&kept) > 1.5 * delay(&plain),
        "{} and {}: they wait for theirs",
        delay(&kept),
        delay(&plain)
    );
}

#[test]
fn who_gives_up_and_calls_again_in_time_has_the_place_and_waits_less_than_who_came_meanwhile() {
    let busy = DESK.replace("count = 12", "count = 80").replace("mean = \"10m\"", "mean = \"3m\"");
    let busy = busy.replace(
        "patience = { mean = \"3m\" }",
        "patience = { mean = \"3m\" }\nretrials = { share = \"100%\", after = { shape = \"constant\", mean = \"1m\" } }",
    );
    let kept = busy.replace("name = \"desk\"\n", "name = \"desk\"\nkeep_place = \"5m\"\n");
    let (plain, kept) = (played(&busy, &options()), played(&kept, &options()));
    assert_ne!(delay(&plain), delay(&kept), "the order is another one");
    let all = |results: &Results| answered(results, "kim") + answered(results, "lee");
    assert!((all(&plain) - all(&kept)).abs() < 0.2 * all(&plain), "nobody is lost by it");
}

#[test]
fn what_is_not_played_or_has_no_effect_is_told() {
    assert_eq!(warnings(DESK), Vec::<String>::new());
    let told = |settings: &str, again: bool| {
        let text = with_queue(settings);
        warnings(&if again { text.replace("patience = { mean = \"10m\" }", AGAIN) } else { text })
    };
    let callback = told("callback = { first = \"agent\", trunk = \"simulation\" }", false);
    assert!(
        matches!(&callback[..], [one] if one.contains("queue \"desk\": `callback` is not played")
            && one.starts_with("desk.toml:11:8: warning: ")),
        "{callback:?}"
    );
    let place = told("keep_place = \"5m\"", false);
    assert!(matches!(&place[..], [one] if one.contains("`keep_place` has no effect")), "{place:?}");
    let last = told("last_agent = { remember = \"2h\" }", false);
    assert!(matches!(&last[..], [one] if one.contains("`last_agent` has no effect")), "{last:?}");
    assert_eq!(told("keep_place = \"5m\"\nlast_agent = { remember = \"2h\" }", true), Vec::<String>::new());
}
