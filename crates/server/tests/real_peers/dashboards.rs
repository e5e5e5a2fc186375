//! Every query of every dashboard and rule, asked of a real Prometheus that scraped a real run.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::audio;
use crate::cordboard::Plan;
use crate::process::eventually;
use crate::prometheus::Prometheus;
use crate::rules::{docker, list, rule_files, yaml};
use crate::sipp::Run;

/// What Grafana puts in the place of its variables.
const VARIABLES: [(&str, &str); 3] = [("$__rate_interval", "1m"), ("$instance", ".*"), ("$queue", ".*")];

/// Something to ask, and where it comes from.
#[derive(Debug)]
struct Query {
    from: String,
    text: String,
}

/// The queries of all panels.
fn panels() -> Vec<Query> {
    let folder = docker().join("grafana/dashboards");
    let (mut queries, mut uids) = (Vec::new(), BTreeSet::new());
    for entry in std::fs::read_dir(&folder).expect("the dashboards") {
        let file = entry.expect("a readable folder").path();
        let text = std::fs::read_to_string(&file).expect("a dashboard");
        let dashboard: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let uid = dashboard["uid"].as_str().expect("a uid");
        assert!(uids.insert(uid.to_owned()), "{uid} twice");
        for panel in dashboard["panels"].as_array().expect("panels") {
            let from = format!("{uid}: {}", panel["title"].as_str().expect("a title"));
            let targets = panel["targets"].as_array().expect("queries");
            assert!(!targets.is_empty(), "{from} shows nothing");
            for target in targets {
                let mut text = target["expr"].as_str().expect("a query").to_owned();
                for (variable, value) in VARIABLES {
                    text = text.replace(variable, value);
                }
                assert!(!text.contains('$'), "{from}: a variable that this test does not know: {text}");
                queries.push(Query { from: from.clone(), text });
            }
        }
    }
    assert!(uids.len() >= 6, "service level, queues, agents, SIP, media and process: {uids:?}");
    queries
}

/// The expressions of all rules.
fn rules() -> Vec<Query> {
    let files = rule_files().map(|file| yaml(&file));
    let groups = files.iter().flat_map(|file| list(&file["groups"]));
    let rules = groups.flat_map(|group| list(&group["rules"]));
    rules
        .map(|rule| {
            let name = rule["record"].as_str().or(rule["alert"].as_str()).expect("a name");
            let text = rule["expr"].as_str().expect("an expression");
            Query { from: name.to_owned(), text: text.to_owned() }
        })
        .collect()
}

/// Every selector of an expression: a metric of ours or of the process, with its matchers.
fn selectors(text: &str) -> BTreeSet<String> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
    let mut found = BTreeSet::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_name) {
        rest = &rest[start..];
        let end = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let matchers = after.starts_with('{').then(|| after.split_inclusive('}').next()).flatten();
        if name == "up" || name.contains("cordboard_") || name.starts_with("process_") {
            found.insert(format!("{name}{}", matchers.unwrap_or_default()));
        }
        rest = &after[matchers.map_or(0, str::len)..];
    }
    found
}

/// A call that is answered, heard and ended, one that is given up, one that is refused: afterwards every panel
/// shows something (NaN included: nobody's estimate was compared), every recording rule has a value, and whatever an
/// alert looks at is there, although none fires.
#[test]
fn every_query_of_dashboards_and_rules_finds_what_a_run_leaves() {
    let cordboard = Plan::new("dashboards")
        .agent("kim", "billing = 8")
        .queue("billing", "100", "require = \"billing\"\nwaiting = \"ringback\"")
        .start();
    let prometheus = Prometheus::evaluating(&cordboard, &rule_files());
    Run::new("abandon").start(&cordboard.folder, cordboard.sip).succeeds();
    Run { number: "999", ..Run::new("refused_404") }.start(&cordboard.folder, cordboard.sip).succeeds();
    audio::a_call_is_heard(&cordboard, "udp");
    prometheus.becomes("sum(cordboard_calls_total{outcome=\"answered\"})", 1.0);

    let alerts = |query: &Query| query.from.starts_with("Cordboard");
    let (alerts, recorded): (Vec<Query>, Vec<Query>) = rules().into_iter().partition(alerts);
    let mut wanted: BTreeSet<(String, String)> = BTreeSet::new();
    for Query { from, text } in panels().iter().chain(&recorded) {
        wanted.insert((text.clone(), from.clone()));
    }
    for Query { from, text } in &alerts {
        assert!(!prometheus.finds(text), "{from} fires in a run without a fault");
        let looked_at = selectors(text);
        assert!(!looked_at.is_empty(), "{from} looks at nothing");
        wanted.extend(looked_at.into_iter().map(|selector| (selector, from.clone())));
    }
    assert!(wanted.len() > 100, "{} queries are too few to be all", wanted.len());
    let mut before = usize::MAX;
    eventually(Duration::from_secs(30), "every query finds something", || {
        wanted.retain(|(text, _)| !prometheus.finds(text));
        if wanted.len() < before {
            before = wanted.len();
            println!("nothing yet: {wanted:#?}");
        }
        wanted.is_empty().then_some(())
    });
    cordboard.stop();
}

#[test]
fn selectors_are_told_from_functions_labels_and_words() {
    let text = "sum by (queue) (rate(cordboard_a_total{x=\"y z\", q=~\"a|b\"}[5m])) / on (job) up == 1 or q:cordboard_b:rate5m";
    let wanted = ["cordboard_a_total{x=\"y z\", q=~\"a|b\"}", "q:cordboard_b:rate5m", "up"];
    assert_eq!(selectors(text), wanted.map(str::to_owned).into());
}
