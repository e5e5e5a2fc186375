//! House rules that neither the compiler nor clippy knows.

use std::fmt;

use crate::Tree;

mod arrows;
mod links;
mod metrics;
mod names;
mod place;
mod shell;
mod tokens;
mod walls;
mod words;

/// One breach of a rule, with its place and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The file, from the top of the project.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What repairs it.
    pub remedy: String,
}

impl Violation {
    fn new(path: &str, line: usize, message: impl Into<String>, remedy: impl Into<String>) -> Violation {
        Violation { path: path.to_owned(), line, message: message.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.path, self.line, self.message, self.remedy)
    }
}

/// Every rule.
const RULES: [fn(&Tree) -> Vec<Violation>; 14] = [
    walls::files,
    walls::functions,
    arrows::between_crates,
    arrows::to_the_outside,
    names::of_items,
    names::of_files,
    words::banned,
    shell::outside_the_shell,
    metrics::documented,
    place::top_level,
    place::crate_introductions,
    place::decisions,
    links::resolve,
    links::mentions,
];

/// All violations, in order of place.
pub fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations: Vec<Violation> = RULES.iter().flat_map(|rule| rule(tree)).collect();
    violations.sort();
    violations.dedup();
    violations
}

/// The line (from 1) of the first line of `text` that `wanted` accepts; 1 where none does.
fn line_where(text: &str, wanted: impl Fn(&str) -> bool) -> usize {
    text.lines().position(wanted).map_or(1, |index| index + 1)
}

#[cfg(test)]
fn messages(violations: &[Violation]) -> String {
    violations.iter().map(|violation| format!("{violation}\n")).collect()
}
