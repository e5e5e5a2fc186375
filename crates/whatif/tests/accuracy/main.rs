//! Every reference case of `tests/reference_cases.csv`, played by the real core.
//!
//! A test without the usual harness, because the same run also makes the table of `docs/accuracy.md`:
//!
//! - `cargo test -p cordboard-whatif --test accuracy` runs all rows, or those whose name holds a word given;
//! - `cargo xtask accuracy` runs it with `--page` and writes the table into the page;
//! - `--trace FILE` reads the Anonymous Bank's calls of February 1999 and plays them again, for the row DATA-01.
//!
//! What counts as agreement is said in the page, above the table.

mod bank;
mod case;
mod contact_centers;
mod row;
mod skills;
mod steady;
mod trace;

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use case::Case;
use row::Row;

/// Rows are played on so many threads. Which thread plays a row does not change it.
const THREADS: usize = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let for_page = arguments.iter().any(|argument| argument == "--page");
    if let Some(at) = arguments.iter().position(|argument| argument == "--trace") {
        return trace::report(arguments.get(at + 1).map(String::as_str));
    }
    let words: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted =
        |case: &&Case| words.is_empty() || words.iter().any(|word| case.name.contains(word.as_str()));
    let cases = case::read(include_str!("../reference_cases.csv"));
    assert_eq!(cases.len(), 45, "the reference cases are complete");
    let wanted: Vec<&Case> = cases.iter().filter(is_wanted).collect();
    let rows = play(&wanted);
    if for_page {
        println!("<!-- block: cases -->\n{}", row::table(&rows));
        println!("<!-- block: sum -->\n{}", row::sum(&rows));
    } else {
        rows.iter().for_each(|row| println!("test {} ... {}", row.name, row.verdict()));
    }
    let failed: Vec<&Row> = rows.iter().filter(|row| row.failed()).collect();
    if !for_page {
        failed.iter().for_each(|row| println!("\n{}", row::table(&[*row])));
        let result = if failed.is_empty() { "ok" } else { "FAILED" };
        let not_played: Vec<&Row> = rows.iter().filter(|row| !row.is_played()).collect();
        let passed = rows.len() - failed.len() - not_played.len();
        let filtered = cases.len() - rows.len();
        println!("\n{passed} within tolerance, {} outside, {} not played:", failed.len(), not_played.len());
        not_played.iter().for_each(|row| println!("  {}: {}", row.name, row.remark()));
        println!(
            "\ntest result: {result}. {passed} passed; {} failed; {} ignored; 0 measured; {filtered} filtered out",
            failed.len(),
            not_played.len(),
        );
    }
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays the rows, in the order of the file.
fn play(cases: &[&Case]) -> Vec<Row> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            // From the end: the longest rows stand there.
            let Some(index) = cases.len().checked_sub(at + 1) else { return done };
            done.push((index, Row::of(cases[index])));
        }
    };
    let mut rows: Vec<(usize, Row)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a row panicked")).collect()
    });
    rows.sort_by_key(|&(index, _)| index);
    rows.into_iter().map(|(_, row)| row).collect()
}
