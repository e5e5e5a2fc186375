//! Clocks, locks, threads, sockets, chance and runtimes belong to the shell.

use super::Violation;
use super::arrows::row_of;
use super::tokens::{Kind, Word, words};
use crate::Tree;

/// What a pure crate must not name: the last two parts of a path, however it is imported.
const PATHS: [(&str, &str); 12] = [
    ("time", "Instant"),
    ("time", "SystemTime"),
    ("sync", "Mutex"),
    ("sync", "RwLock"),
    ("sync", "Condvar"),
    ("sync", "mpsc"),
    ("thread", "sleep"),
    ("thread", "spawn"),
    ("net", "UdpSocket"),
    ("net", "TcpStream"),
    ("net", "TcpListener"),
    ("rand", "rng"),
];
/// What a pure crate must not name at all.
const NAMES: [&str; 7] = ["tokio", "parking_lot", "SystemTime", "RwLock", "OsRng", "thread_rng", "getrandom"];

const REMEDY: &str = "make it an input: this crate is pure, the shell hands time, chance and messages in";

pub(super) fn outside_the_shell(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.sources().filter(|(path, _)| row_of(path).is_some_and(|row| row.pure)) {
        let words = words(text);
        let mut report = |line: usize, what: String| {
            violations.push(Violation::new(path, line, format!("`{what}` in a pure crate"), REMEDY));
        };
        for word in words.iter().filter(|word| word.kind == Kind::Identifier) {
            if NAMES.contains(&word.text.as_str()) {
                report(word.line, word.text.clone());
            }
        }
        for (line, parent, name) in paths(&words) {
            if PATHS.contains(&(parent.as_str(), name.as_str())) {
                report(line, format!("{parent}::{name}"));
            }
        }
    }
    violations
}

/// Every `parent::name`, also out of `use parent::{name, other::{..}}`.
fn paths(words: &[Word]) -> Vec<(usize, String, String)> {
    let mut found = Vec::new();
    let mut parents: Vec<Option<String>> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let before = |back: usize| index.checked_sub(back).map(|at| words[at].text.as_str());
        let follows_colons = before(1) == Some(":") && before(2) == Some(":");
        let parent = follows_colons.then(|| before(3).unwrap_or_default().to_owned());
        match word.text.as_str() {
            "{" => parents.push(parent),
            "}" => {
                parents.pop();
            }
            _ if word.kind != Kind::Identifier => {}
            name => {
                let inherited =
                    matches!(before(1), Some("{" | ",")).then(|| parents.last().cloned().flatten());
                if let Some(parent) = parent.or(inherited.flatten()) {
                    found.push((word.line, parent, name.to_owned()));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::messages;
    use super::*;

    fn found(path: &str, source: &str) -> String {
        messages(&outside_the_shell(&Tree::of(&[(path, source)])))
    }

    #[test]
    fn a_clock_a_lock_or_a_thread_in_a_pure_crate_is_reported_however_it_is_imported() {
        let bad = [
            "use std::time::Instant;",
            "use std::{time::{Duration, Instant}, fmt};",
            "use std::sync::{Arc, Mutex};",
            "use std::time; fn f() { time::Instant::now(); }",
            "fn f() { std::thread::sleep(d); }",
            "fn f() { tokio::spawn(x); }",
            "fn f() { foo!(std::time::SystemTime::now()); }",
            "use std::net::UdpSocket;",
        ];
        for source in bad {
            assert!(found("crates/acd/src/a.rs", source).starts_with("crates/acd/src/a.rs:1: `"), "{source}");
            assert_eq!(found("crates/server/src/a.rs", source), "", "{source}");
        }
    }

    #[test]
    fn our_own_instant_and_what_a_comment_says_pass() {
        let source = "//! Not std::time::Instant.\nuse timing::Instant;\nuse std::time::Duration;\n\
                      use std::{net::IpAddr, sync::Arc};\nfn f(now: Instant) -> Instant { now }";
        assert_eq!(found("crates/acd/src/a.rs", source), "");
    }
}
