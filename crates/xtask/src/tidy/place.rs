//! What lies where: the top of the project, and the first words of every crate.

use super::Violation;
use crate::Tree;

/// What may lie at the top of the project, and whether it must.
const TOP: &[(&str, Presence)] = &[
    (".cargo", Presence::Must),
    (".ci", Presence::Must),
    (".gitignore", Presence::Must),
    ("CHANGELOG.md", Presence::Must),
    ("Cargo.lock", Presence::Must),
    ("Cargo.toml", Presence::Must),
    ("LICENSE-APACHE", Presence::Must),
    ("LICENSE-MIT", Presence::Must),
    ("README.md", Presence::Must),
    ("benches", Presence::May),
    ("clippy.toml", Presence::Must),
    ("crates", Presence::Must),
    ("deny.toml", Presence::Must),
    ("docker", Presence::May),
    ("docs", Presence::Must),
    ("rust-toolchain.toml", Presence::Must),
    ("rustfmt.toml", Presence::Must),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Must,
    May,
}

/// An introduction shorter than this says nothing, in characters.
const INTRODUCTION_MIN: usize = 200;
/// One of these words must stand in it, or it does not say what the crate leaves to others.
const ABSENCE: [&str; 6] = ["not", "never", "nothing", "neither", "no", "without"];

pub(super) fn top_level(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, _) in tree.files() {
        let top = path.split('/').next().unwrap_or(path);
        if !TOP.iter().any(|&(name, _)| name == top) {
            let remedy = "move it into crates, docs, docker or benches";
            violations.push(Violation::new(path, 1, format!("`{top}` has no place at the top"), remedy));
        }
    }
    for (name, _) in TOP.iter().filter(|&&(name, presence)| presence == Presence::Must && !tree.holds(name)) {
        violations.push(Violation::new(name, 1, "missing at the top of the project", "add it"));
    }
    violations
}

/// Each crate's `lib.rs` begins with what the crate does and what it deliberately leaves to others.
pub(super) fn crate_introductions(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for name in tree.crates() {
        let path = format!("crates/{name}/src/lib.rs");
        let lines = tree.text(&path).unwrap_or_default().lines().take_while(|line| line.starts_with("//!"));
        let introduction = lines.map(|line| &line[3..]).collect::<Vec<&str>>().join(" ").to_lowercase();
        let says_absence =
            introduction.split(|c: char| !c.is_alphabetic()).any(|word| ABSENCE.contains(&word));
        if introduction.len() < INTRODUCTION_MIN || !says_absence {
            let message = format!("crate `{name}` is not introduced");
            let remedy = "begin lib.rs with what it does, what it deliberately does not, and which types to read first";
            violations.push(Violation::new(&path, 1, message, remedy));
        }
    }
    violations
}

/// Decision pages are numbered, each number once.
pub(super) fn decisions(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut taken: Vec<&str> = Vec::new();
    for (path, _) in tree.files() {
        let Some(name) = path.strip_prefix("docs/decisions/") else { continue };
        let number = name.split('-').next().unwrap_or_default();
        let is_number = number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || !name.ends_with(".md") {
            violations.push(Violation::new(path, 1, "no decision page", "name it NNNN-title.md"));
        } else if taken.contains(&number) {
            violations.push(Violation::new(
                path,
                1,
                format!("{number} is taken"),
                "take the next free number",
            ));
        }
        taken.push(number);
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::super::messages;
    use super::*;

    #[test]
    fn a_stranger_at_the_top_and_a_missing_file_are_reported() {
        let found = messages(&top_level(&Tree::of(&[("scripts/a.sh", ""), ("docs/a.md", "")])));
        assert!(found.contains("scripts/a.sh:1: `scripts` has no place"), "{found}");
        assert!(found.contains("README.md:1: missing"), "{found}");
        assert!(!found.contains("docs:1") && !found.contains("benches:1"), "{found}");
    }

    #[test]
    fn a_crate_without_an_introduction_is_reported() {
        let good = format!("//! Calls.\n//! It never knows an agent. {}\nmod a;", "Long. ".repeat(40));
        let bad =
            ["//! To be written.".to_owned(), good.replace("never", "always"), good.replace("//!", "//")];
        assert_eq!(crate_introductions(&Tree::of(&[("crates/sip/src/lib.rs", &good)])), []);
        for text in bad {
            assert_eq!(
                crate_introductions(&Tree::of(&[("crates/sip/src/lib.rs", &text)])).len(),
                1,
                "{text}"
            );
        }
        assert_eq!(crate_introductions(&Tree::of(&[("crates/sip/Cargo.toml", "")])).len(), 1);
    }

    #[test]
    fn a_decision_without_a_number_of_its_own_is_reported() {
        let pages = ["docs/decisions/0001-a.md", "docs/decisions/0001-b.md", "docs/decisions/c.md"];
        let found = messages(&decisions(&Tree::of(&pages.map(|page| (page, "")))));
        assert!(
            found.contains("0001-b.md:1: 0001 is taken") && found.contains("c.md:1: no decision"),
            "{found}"
        );
        assert_eq!(found.lines().count(), 2, "{found}");
    }
}
