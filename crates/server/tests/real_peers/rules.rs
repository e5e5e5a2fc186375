//! The alert rules as `promtool` judges them, and what every alert must have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use yaml_rust2::{Yaml, YamlLoader};

use crate::turn::Turn;

/// The folder of what is not code: rules, dashboards, images.
pub(crate) fn docker() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docker")
}

/// What a file under `docker` says.
pub(crate) fn yaml(file: &Path) -> Yaml {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let documents =
        YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    documents.into_iter().next().unwrap_or_else(|| panic!("{} is empty", file.display()))
}

/// The elements of a list, none where there is no list.
pub(crate) fn list(yaml: &Yaml) -> impl Iterator<Item = &Yaml> {
    yaml.as_vec().into_iter().flatten()
}

fn promtool(arguments: &[&str], files: &[PathBuf]) {
    let output = Command::new("promtool")
        .args(arguments)
        .args(files)
        .output()
        .expect("promtool is installed with prometheus");
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "promtool {arguments:?}:\n{said}");
}

/// What Prometheus evaluates.
pub(crate) fn rule_files() -> [PathBuf; 2] {
    ["recording.yml", "alerts.yml"].map(|name| docker().join("prometheus").join(name))
}

fn stories() -> Vec<PathBuf> {
    let folder = docker().join("prometheus/tests");
    let files = std::fs::read_dir(&folder).expect("the stories of the alerts");
    let files: Vec<PathBuf> = files.map(|entry| entry.expect("a readable folder").path()).collect();
    assert!(!files.is_empty(), "no story in {}", folder.display());
    files
}

#[test]
fn promtool_accepts_the_rules_and_the_configuration() {
    promtool(&["check", "rules"], &rule_files());
    promtool(&["check", "config"], &[docker().join("prometheus/prometheus.yml")]);
}

#[test]
fn alerts_fire_and_stay_quiet_as_their_stories_say() {
    let _turn = Turn::shared();
    promtool(&["test", "rules"], &stories());
}

/// How often an alert is expected to fire, and to stay quiet.
#[derive(Default)]
struct Told {
    fires: usize,
    quiet: usize,
}

fn told() -> BTreeMap<String, Told> {
    let mut told: BTreeMap<String, Told> = BTreeMap::new();
    for file in stories() {
        let story = yaml(&file);
        for case in list(&story["tests"]).flat_map(|test| list(&test["alert_rule_test"])) {
            let alert = case["alertname"].as_str().expect("an alert").to_owned();
            let one = told.entry(alert).or_default();
            if list(&case["exp_alerts"]).next().is_some() {
                one.fires += 1;
            } else {
                one.quiet += 1;
            }
        }
    }
    told
}

#[test]
fn every_alert_has_its_page_and_stories_in_which_it_fires_and_does_not() {
    let page = std::fs::read_to_string(docker().join("../docs/operations.md")).expect("the page");
    let headings: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let told = told();
    let rules = yaml(&docker().join("prometheus/alerts.yml"));
    let mut alerts = BTreeSet::new();
    for rule in list(&rules["groups"]).flat_map(|group| list(&group["rules"])) {
        let name = rule["alert"].as_str().expect("alerts.yml holds alerts only");
        let note = |key: &str| rule["annotations"][key].as_str().unwrap_or_default();
        assert!(alerts.insert(name.to_owned()), "{name} twice");
        assert!(!note("summary").is_empty() && !note("description").is_empty(), "{name} says nothing");
        assert!(
            matches!(rule["labels"]["severity"].as_str(), Some("critical" | "warning")),
            "{name}: severity"
        );
        assert_eq!(note("runbook_url"), format!("docs/operations.md#{}", name.to_lowercase()), "{name}");
        assert!(headings.contains(name), "docs/operations.md has no section {name}");
        let stories = told.get(name).unwrap_or_else(|| panic!("{name} has no story"));
        assert!(stories.fires > 0, "{name} fires in no story");
        assert!(stories.quiet > 0, "{name} stays quiet in no story");
    }
    assert!(!alerts.is_empty());
    let strangers: Vec<&String> = told.keys().filter(|name| !alerts.contains(*name)).collect();
    assert!(strangers.is_empty(), "stories of alerts that are no more: {strangers:?}");
}
