//! `docs/simulate.md` tells every setting of a scenario, its default and its bounds, and no other; and what it
//! shows can be simulated.

use std::path::{Path, PathBuf};

use super::super::centre::Centre;
use super::super::sheet::Sheets;
use super::super::{centre, load, read_tables};
use crate::config;
use crate::config::report::{Report, Setting};

fn page() -> &'static str {
    include_str!("../../../../../../docs/simulate.md")
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/simulate")
}

fn complete() -> &'static str {
    include_str!("../../../../../../docs/examples/simulate/every-setting.toml")
}

/// Every setting that the code asks for when all tables are there.
fn settings() -> Vec<Setting> {
    let folder = examples();
    let tables = config::document("every-setting.toml", complete()).expect("the example is TOML");
    let file = centre::file(&tables, &folder, None).expect("it names a configuration");
    let text = std::fs::read_to_string(&file).expect("the configuration is there");
    let centre =
        Centre::new("every-setting.toml", complete(), &tables, Some((file.as_path(), text.as_str())));
    let (config, _) = centre.expect("the configuration is TOML").config();
    let report = Report::new("every-setting.toml", complete());
    read_tables(&report, &tables, config, &Sheets::new(&folder));
    report.settings()
}

/// Tables that say how long something lasts; they are explained in one place.
fn is_length(table: &str) -> bool {
    ["talk", "patience", "after_call_work", "pick_up", "after"]
        .iter()
        .any(|name| table.ends_with(&format!(".{name}")))
}

/// The row of a setting as the page must begin it.
fn row(setting: &Setting) -> String {
    let Setting { key, default, bounds, .. } = setting;
    let default = match default.as_str() {
        "" => "required".to_owned(),
        "none" => "none".to_owned(),
        default => format!("`{default}`"),
    };
    format!("| `{key}` | {default} | {bounds} |").replace("|  |", "| |")
}

fn section(heading: &str) -> &'static str {
    let begin = page().find(&format!("\n## {heading}")).unwrap_or_else(|| panic!("no heading {heading}"));
    let rest = &page()[begin + 4..];
    &rest[..rest.find("\n## ").unwrap_or(rest.len())]
}

fn heading(table: &str) -> String {
    match table {
        "" => "The scenario".to_owned(),
        "arrivals" | "group" => format!("`[[{table}]]`"),
        "staffing" => "The fewest agents: `[staffing]`".to_owned(),
        _ => format!("`[{table}]`"),
    }
}

#[test]
fn every_setting_is_explained_with_its_default_and_bounds() {
    let settings = settings();
    assert!(settings.len() > 60, "only {} settings were asked for", settings.len());
    let mut missing = Vec::new();
    for setting in &settings {
        if is_length(&setting.table) {
            let named = section("How long").contains(&format!("`{}`", setting.key));
            assert!(named, "`{}` is not in How long", setting.key);
            continue;
        }
        let row = row(setting);
        let told = section(&heading(&setting.table))
            .lines()
            .any(|line| line.strip_prefix(&row).is_some_and(|rest| rest.len() > 10));
        if !told {
            missing.push(format!("[{}] {row}", setting.table));
        }
    }
    assert!(missing.is_empty(), "not in docs/simulate.md:\n{}", missing.join("\n"));
}

#[test]
fn nothing_is_explained_that_does_not_exist() {
    let settings = settings();
    for table in ["", "day", "runs", "arrivals", "arrivals.retrials", "group", "ringing", "staffing"] {
        let keys =
            section(&heading(table)).lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        for key in keys {
            let known = settings.iter().any(|setting| setting.table == table && setting.key == key);
            assert!(known, "[{table}] `{key}` is explained, but no setting");
        }
    }
}

/// As a key, or as a table of its own.
fn is_shown(key: &str) -> bool {
    complete().contains(&format!("\n{key} ")) || complete().contains(&format!(".{key}]"))
}

#[test]
fn the_example_shows_every_setting() {
    let hidden: Vec<String> = settings()
        .iter()
        .filter(|setting| !is_length(&setting.table) && !is_shown(setting.key))
        .map(|setting| format!("[{}] {}", setting.table, setting.key))
        .collect();
    assert!(hidden.is_empty(), "not in the example: {hidden:?}");
}

#[test]
fn every_example_can_be_simulated_and_nothing_but_a_callback_is_not_played() {
    for name in ["every-setting.toml", "bilingual.toml", "staffing.toml"] {
        let scenario = load(&examples().join(name), None).unwrap_or_else(|refused| panic!("{refused}"));
        // The configuration that has every setting has that one, too.
        let others =
            scenario.warnings.iter().filter(|told| !told.message.contains("`callback` is not played"));
        assert_eq!(others.collect::<Vec<_>>(), Vec::<&config::Problem>::new(), "{name}");
        for case in &scenario.cases {
            let built = crate::simulate::model::build(&scenario.day, &scenario.runs, case);
            assert!(built.is_ok(), "{name}, {}: {built:?}", case.name);
        }
    }
}

#[test]
fn the_least_scenario_and_the_variants_of_the_page_are_right() {
    let blocks: Vec<&str> =
        page().split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [least, variants] = &blocks[..] else { panic!("{} examples", blocks.len()) };
    let live =
        config::document("cordboard.toml", include_str!("../../../../../../docs/examples/cordboard.toml"));
    assert!(live.expect("it is TOML").contains_key("queue"));
    let evening = "[[group]]\nname = \"evening\"\ncount = 4\n[[group]]\nname = \"day\"\nagents = \"kim\"\n";
    let text = format!("{least}{evening}{variants}");
    let scenario = super::super::parse("day.toml", &text, &examples().join(".."), None);
    let scenario = scenario.unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(scenario.cases.len(), 4);
}
