//! Scenarios as tables: one line for each command with its time, the expected events indented below. The language
//! is told in `docs/proof.md`.
//!
//! Every event must be expected, in its order; all invariants hold after every line. Where the tables are to
//! say what the distributor does now, `CORDBOARD_SCENARIOS=rewrite` writes it into them: read the difference before
//! you keep it.

mod definition;
mod names;
mod run;
mod sentence;
mod table;
mod told;

use std::fs;
use std::path::{Path, PathBuf};

const REWRITE: &str = "CORDBOARD_SCENARIOS";

fn tables() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let entries = fs::read_dir(&folder).expect("the folder of the scenarios");
    let paths = entries.map(|entry| entry.expect("an entry of the folder").path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "txt")).collect();
    paths.sort();
    paths
}

#[test]
fn every_scenario_does_what_its_table_says() {
    let rewrites = match std::env::var(REWRITE).as_deref() {
        Ok("rewrite") => true,
        Ok(other) => panic!("{REWRITE}={other} means nothing: say `rewrite`, or unset it"),
        Err(_) => false,
    };
    let tables = tables();
    assert!(tables.len() >= 10, "the tables have gone: {tables:?}");
    let mut failures = Vec::new();
    for path in tables {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("a table is UTF-8");
        match run::run(&text) {
            Ok(outcome) if outcome.difference.is_none() => println!("{name}: {} events", outcome.events),
            Ok(outcome) if rewrites => fs::write(&path, outcome.rewritten).expect("the table is ours"),
            Ok(outcome) => failures.push(format!("{name}:{}", outcome.difference.expect("matched above"))),
            Err(error) => failures.push(format!("{name}:{error}")),
        }
    }
    assert!(failures.is_empty(), "\n\n{}", failures.join("\n\n"));
}

fn difference(text: &str) -> String {
    run::run(text).expect("a readable table").difference.unwrap_or_default()
}

fn error(text: &str) -> String {
    run::run(text).err().map(|error| error.to_string()).unwrap_or_default()
}

const SMALL: &str = "queue support
agent kim
0:00    kim logs in
            kim is idle and ready
0:05    call 1 enters support
            call 1 is queued in support
            call 1 rings kim, waited 0:00, until 0:20
            kim is ringing and ready
";

#[test]
fn a_table_that_is_true_has_no_difference_and_is_not_rewritten() {
    let outcome = run::run(SMALL).expect("a readable table");
    assert_eq!((outcome.difference, outcome.rewritten.as_str(), outcome.events), (None, SMALL, 4));
}

#[test]
fn a_field_left_out_is_not_compared_and_a_wrong_one_is_shown_with_its_line() {
    let wrong = SMALL.replace("waited 0:00", "waited 0:01");
    let shown = difference(&wrong);
    assert!(shown.starts_with("5: "), "{shown}");
    assert!(shown.contains("- call 1 rings kim, waited 0:01, until 0:20"), "{shown}");
    assert!(shown.contains("+ call 1 rings kim, waited 0:00, until 0:20"), "{shown}");
    assert_eq!(run::run(&wrong).expect("a readable table").rewritten, SMALL);
}

#[test]
fn an_event_that_nobody_expected_and_one_that_does_not_come_are_shown() {
    let unexpected = SMALL.replace("            kim is ringing and ready\n", "");
    assert!(difference(&unexpected).contains("+ kim is ringing and ready"));
    assert_eq!(run::run(&unexpected).expect("a readable table").rewritten, SMALL);
    let missing = format!("{SMALL}            call 1 is abandoned\n");
    assert!(difference(&missing).contains("- call 1 is abandoned"));
    assert_eq!(run::run(&missing).expect("a readable table").rewritten, SMALL);
}

#[test]
fn what_time_brings_before_the_next_command_is_expected_at_its_own_time() {
    let late = format!("{SMALL}1:00    call 2 enters support\n            call 2 is queued in support\n");
    let shown = difference(&late);
    assert!(shown.starts_with("9: at 0:20, before this line"), "{shown}");
    let rewritten = run::run(&late).expect("a readable table").rewritten;
    assert!(rewritten.contains("\n0:20\n            call 1 rings kim no more: expired\n"), "{rewritten}");
    assert_eq!(difference(&rewritten), "", "{rewritten}");
}

#[test]
fn a_bad_table_is_refused_with_its_line_what_is_wrong_and_what_to_write() {
    let cases = [
        ("0:00 kim logs in\n", "1: there is no agent or call `kim`: define it above"),
        ("queue a\n\n0:00 call 1 enters b\n", "3: there is no queue `b`: define it above"),
        ("agent kim\n0:0x kim logs in\n", "2: `0:0x` is no time"),
        ("agent kim\n0:05 kim logs in\n0:04 kim logs out\n", "3: the time goes back"),
        ("agent kim\n0:05 kim dances\n", "2: an agent cannot `dances`"),
        ("agent kim: billing 11\n", "1: the definition is refused: "),
        ("queue a: require (billing\n", "1: no `)` closes"),
        ("queue a: colour red\n", "1: a queue has no `colour`"),
        ("agent kim: order first\n", "1: `first` is no number"),
        ("queue a: step 10s billing\nqueue a\n", "2: `a` is defined already"),
        ("agent kim\n    kim is idle and ready\n", "2: an expected event before the first line with a time"),
        ("agent kim\n0:00 kim accepts\n", "2: nothing rings kim"),
        ("settings: colour 3\n", "1: there is no setting `colour`"),
        ("0:00 call x hangs up\n", "1: `x` is no number"),
        ("agent kim\n0:00 kim logs in\n0:01 kim extends wrap-up by soon\n", "3: `soon` is no duration"),
        ("agent call\n", "1: `call` cannot be a name"),
    ];
    for (text, expected) in cases {
        let error = error(text);
        assert!(error.starts_with(expected), "{text}gives: {error}");
    }
}
