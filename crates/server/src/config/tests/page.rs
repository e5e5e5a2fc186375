//! `docs/configuration.md` tells every setting, its default and its bounds, and no other.

use std::collections::BTreeSet;

use toml::de::DeTable;

use super::super::report::{Report, Setting};
use super::super::{Passwords, read};
use super::example;

fn page() -> &'static str {
    include_str!("../../../../../docs/configuration.md")
}

/// Every setting that the code asks for when all tables are there.
fn settings() -> Vec<Setting> {
    let report = Report::new("cordboard.toml", example());
    let document = DeTable::parse(example()).expect("the example is TOML");
    read(&report, document.get_ref(), Passwords::Strong);
    report.settings()
}

/// The row of a setting as the page must begin it.
fn row(setting: &Setting) -> String {
    let Setting { key, default, bounds, .. } = setting;
    let default = if default.is_empty() { "required".to_owned() } else { format!("`{default}`") };
    let default = if default == "`none`" { "none".to_owned() } else { default };
    format!("| `{key}` | {default} | {bounds} |").replace("|  |", "| |")
}

/// `## [sip.timers]` holds the rows up to the next heading.
fn section<'a>(table: &str) -> &'a str {
    let repeated = ["trunk", "agent", "calendar", "channel", "queue", "entry", "reason", "supervisor"];
    let heading = if repeated.contains(&table) { format!("[[{table}]]") } else { format!("[{table}]") };
    let begin =
        page().find(&format!("\n## `{heading}`\n")).unwrap_or_else(|| panic!("no heading for {heading}"));
    let rest = &page()[begin + 4..];
    &rest[..rest.find("\n## ").unwrap_or(rest.len())]
}

#[test]
fn every_setting_is_explained_with_its_default_and_bounds() {
    let settings = settings();
    assert!(settings.len() > 90, "only {} settings were asked for", settings.len());
    let missing: Vec<String> = settings
        .iter()
        .filter(|setting| {
            let row = row(setting);
            !section(&setting.table)
                .lines()
                .any(|line| line.strip_prefix(&row).is_some_and(|rest| rest.len() > 10))
        })
        .map(|setting| format!("[{}] {}", setting.table, row(setting)))
        .collect();
    assert!(missing.is_empty(), "not in docs/configuration.md:\n{}", missing.join("\n"));
}

#[test]
fn nothing_is_explained_that_does_not_exist() {
    let known: BTreeSet<String> = settings().iter().map(|setting| setting.key.to_owned()).collect();
    let keys = page().lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let unknown: Vec<&str> = keys.filter(|key| !known.contains(*key)).collect();
    assert!(unknown.is_empty(), "explained, but no setting: {unknown:?}");
}

#[test]
fn the_example_shows_every_setting() {
    let hidden: Vec<String> = settings()
        .iter()
        .filter(|Setting { table, key, .. }| {
            let written = [format!("{key} "), format!("[{table}.{key}]")];
            !written.iter().any(|written| example().contains(written))
        })
        .map(|setting| format!("[{}] {}", setting.table, setting.key))
        .collect();
    assert!(hidden.is_empty(), "not in the example: {hidden:?}");
}
