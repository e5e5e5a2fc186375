//! The examples of `docs/simulate.md`.

use std::path::{Path, PathBuf};

use super::super::*;
use super::{options, unwatched};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/simulate").join(name)
}

/// Watched at every step, unlike those of a user: some days of each.
#[test]
fn every_example_keeps_every_invariant_at_every_step() {
    for name in ["bilingual.toml", "every-setting.toml", "staffing.toml"] {
        let mut scenario = scenario::load(&example(name), None).unwrap_or_else(|refused| panic!("{refused}"));
        scenario.runs.replications = 2;
        scenario.wants_staffing = false;
        let watched =
            results(scenario.clone(), &options()).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        let plain = results(scenario, &unwatched()).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert_eq!(files::json(&watched), files::json(&plain), "{name}: looking changes nothing");
    }
}

/// What the page shows is what the command prints.
#[test]
fn the_printed_output_of_the_worked_example_is_that_of_the_page() {
    let file = example("staffing.toml");
    let shown = simulate(&Options { scenario: file.clone(), ..unwatched() });
    let shown = shown.unwrap_or_else(|failure| panic!("{failure}")).text;
    let shown = shown.replace(&file.display().to_string(), "docs/examples/simulate/staffing.toml");
    let page = include_str!("../../../../../docs/simulate.md").replace('\r', "");
    let block = page.split("simulate docs/examples/simulate/staffing.toml\n```\n\n```text\n").nth(1);
    let block =
        block.and_then(|rest| rest.split("```").next()).expect("the page shows the command and its output");
    assert_eq!(block, shown, "if the change is meant, this is the new block of docs/simulate.md:\n{shown}");
}
