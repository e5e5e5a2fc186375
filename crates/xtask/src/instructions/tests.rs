use super::*;

const TEXT: &str = "tolerance_percent = 2\n[shared]\nmatch = 1000\n[unique]\nmatch = 2000\nwait = 50\n";

fn counts(figures: &[(&str, &str, u64)]) -> Counts {
    let mut counts = Counts::new();
    for &(world, operation, count) in figures {
        counts.entry(world.to_owned()).or_default().insert(operation.to_owned(), count);
    }
    counts
}

fn faults(figures: &[(&str, &str, u64)]) -> Vec<String> {
    Baseline::read(TEXT).expect("it is a baseline").compare(&counts(figures)).1
}

#[test]
fn what_is_written_is_read_again() {
    let baseline = Baseline::read(TEXT).expect("it is a baseline");
    assert_eq!(Baseline::read(&baseline.write()), Ok(baseline));
}

#[test]
fn counts_within_the_tolerance_or_below_pass() {
    assert_eq!(
        faults(&[("shared", "match", 1_020), ("unique", "match", 900), ("unique", "wait", 51)]),
        [""; 0]
    );
}

#[test]
fn a_count_above_the_tolerance_is_named_with_both_figures() {
    let found = faults(&[("shared", "match", 1_021), ("unique", "match", 2_000), ("unique", "wait", 50)]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("shared match: 1021 instructions, 2.1 % more than the baseline's 1000"),
        "{found:?}"
    );
}

#[test]
fn a_case_that_is_only_on_one_side_is_named() {
    let found = faults(&[("shared", "match", 1_000), ("unique", "match", 2_000), ("unique", "cancel", 5)]);
    assert_eq!(
        found,
        [
            "unique cancel: 5 instructions, and no baseline",
            "unique wait: in the baseline, and counted no more"
        ]
    );
}

#[test]
fn a_baseline_that_makes_no_sense_is_explained() {
    for text in ["speed = 3.5", "[shared]\nmatch = -1", "tolerance_percent = -1", "[shared"] {
        let error = Baseline::read(text).expect_err("it makes no sense");
        assert!(error.starts_with(BASELINE) && error.contains("--accept"), "{error}");
    }
}

#[test]
fn the_output_of_callgrind_is_read() {
    assert_eq!(collected("==7== Events    : Ir\n==7== Collected : 305992814\n==7==\n"), Some(305_992_814));
    assert_eq!(collected("valgrind: no such program\n"), None);
}

#[test]
fn a_list_without_cases_is_refused() {
    let list = "unique match\nshared step-entry\noperations in a round: 10\n";
    let expected = [("unique", "match"), ("shared", "step-entry")];
    let expected = expected.map(|(world, operation)| (world.to_owned(), operation.to_owned()));
    assert_eq!(cases(list), Ok((expected.to_vec(), 10)));
    assert!(cases("operations in a round: 10\n").is_err() && cases("unique match\n").is_err());
}
