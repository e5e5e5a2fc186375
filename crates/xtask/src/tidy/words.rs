//! Words that must not stand in any file.

use super::tokens::{find, words};
use super::{Violation, tokens::Word};
use crate::Tree;

/// Folders of somebody's machine. Cut in two so that this file obeys its own rule.
const MACHINE_FOLDERS: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/tm", "p/"),
    concat!("/Us", "ers/"),
];
/// Marks of unfinished work; followed by `(name)` they have an owner.
const MARKS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
/// Macros of unfinished work.
const UNFINISHED: [&str; 3] = ["todo", "unimplemented", "dbg"];
/// Messages as they were sent: not our words.
const RECORDED: &str = "/data/";
/// The paths in here are those inside a container, the same on every machine.
const CONTAINERS: &str = "docker/";

pub(super) fn banned(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.files().filter(|(path, _)| !path.contains(RECORDED) && *path != "Cargo.lock") {
        for (index, line) in text.lines().enumerate() {
            in_line(path, index + 1, line, &mut violations);
        }
        if path.ends_with(".rs") {
            in_code(path, &words(text), &mut violations);
        }
    }
    violations
}

fn in_line(path: &str, number: usize, line: &str, violations: &mut Vec<Violation>) {
    for folder in MACHINE_FOLDERS.into_iter().filter(|_| !path.starts_with(CONTAINERS)) {
        if occurrences(line, folder).any(|at| !follows_a_name(line, at)) {
            let message = format!("a path of one machine (`{folder}`)");
            violations.push(Violation::new(
                path,
                number,
                message,
                "take it from the environment or an argument",
            ));
        }
    }
    for mark in MARKS {
        let ownerless = |at: usize| {
            let after = line[at + mark.len()..].chars().next();
            let is_word =
                !follows_a_name(line, at) && !after.is_some_and(|next| next.is_alphanumeric() || next == '_');
            is_word && after != Some('(')
        };
        if occurrences(line, mark).any(ownerless) {
            let remedy = format!("do it, or write `{mark}(name)`");
            violations.push(Violation::new(path, number, format!("`{mark}` without an owner"), remedy));
        }
    }
}

fn in_code(path: &str, words: &[Word], violations: &mut Vec<Violation>) {
    for name in UNFINISHED {
        for line in find(words, &[name, "!"]) {
            violations.push(Violation::new(
                path,
                line,
                format!("`{name}!`"),
                "write the code or return an error",
            ));
        }
    }
    for line in find(words, &["#", "[", "ignore"]) {
        let remedy = "repair or delete the test, or put it behind a feature";
        violations.push(Violation::new(path, line, "a test that is never run", remedy));
    }
}

fn occurrences<'a>(line: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    line.match_indices(word).map(|(at, _)| at)
}

/// Whether what stands before `at` belongs to the same word or path: a folder further down, or part of an address.
fn follows_a_name(line: &str, at: usize) -> bool {
    line[..at]
        .chars()
        .next_back()
        .is_some_and(|before| before.is_alphanumeric() || "_-.})$*".contains(before))
}

#[cfg(test)]
mod tests {
    use super::super::messages;
    use super::*;

    fn found(path: &str, text: &str) -> String {
        messages(&banned(&Tree::of(&[(path, text)])))
    }

    #[test]
    fn a_folder_of_a_machine_is_reported_in_any_file() {
        for folder in MACHINE_FOLDERS {
            assert!(
                found("docs/a.md", &format!("\nsee `{folder}x`")).starts_with("docs/a.md:2: a path"),
                "{folder}"
            );
        }
        assert_eq!(found("docker/Dockerfile", concat!("COPY a /ro", "ot/a")), "");
        assert_eq!(found("docs/a.md", concat!("https://example.com/ho", "me/ and crates/wo", "rk/a")), "");
    }

    #[test]
    fn a_mark_without_an_owner_is_reported() {
        for mark in MARKS {
            assert!(found("a.rs", &format!("// {mark}: later")).contains("a.rs:1: "), "{mark}");
            assert_eq!(found("a.rs", &format!("// {mark}(kim): later, {mark}S")), "");
        }
    }

    #[test]
    fn unfinished_code_and_ignored_tests_are_reported() {
        let source = "fn a() {\n todo!()\n}\n#[test]\n#[ignore = \"slow\"]\nfn b() { vec![unimplemented!()]; dbg!(1); }";
        let found = found("a.rs", source);
        for expected in ["a.rs:2: `todo!`", "a.rs:5: a test that is never run", "`unimplemented!`", "`dbg!`"]
        {
            assert!(found.contains(expected), "{expected} not in {found}");
        }
    }
}
