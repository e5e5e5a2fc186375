//! Every seed, and every octet string that was ever found to do harm, through its target: what was mended stays mended.

use std::path::{Path, PathBuf};

use fuzz::TARGETS;

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a folder, in order; none where there is no such folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    files.sort();
    files
}

fn run(target: &fuzz::Target, file: &Path) {
    println!("{}: {}", target.name, file.display());
    (target.run)(&std::fs::read(file).expect("it can be read"));
}

#[test]
fn every_seed_and_every_finding_passes_its_target() {
    for target in TARGETS {
        let seeds = files(&here().join("seeds").join(target.name));
        let findings = files(&here().join("findings").join(target.name));
        seeds.iter().chain(&findings).for_each(|file| run(target, file));
    }
}

#[test]
fn the_torture_messages_pass_the_targets_of_messages() {
    let data = here().join("../sip/tests/data");
    let messages: Vec<PathBuf> =
        ["rfc4475", "rfc5118"].iter().flat_map(|folder| files(&data.join(folder))).collect();
    assert!(messages.len() >= 61, "{}", messages.len());
    for target in ["message", "headers"] {
        let target = fuzz::target(target).expect("a target");
        messages.iter().for_each(|file| run(target, file));
    }
}

/// A search that begins before every conversation would take long to find one.
#[test]
fn the_plays_that_the_search_begins_with_reach_conversations() {
    let answered = |name: &str| {
        fuzz::calls::play(&std::fs::read(here().join("seeds/calls").join(name)).expect("it can be read"))
    };
    assert_eq!(["answered", "held", "busy", "cancelled"].map(answered), [1, 1, 0, 0]);
}

#[test]
fn every_target_has_a_dictionary_and_somewhere_to_begin() {
    for target in TARGETS {
        let dictionary = here().join("dictionaries").join(format!("{}.txt", target.name));
        let words = std::fs::read_to_string(&dictionary).expect("the dictionary is there");
        assert!(words.lines().filter(|line| line.starts_with('"')).count() > 10, "{}", target.name);
        let seeds = files(&here().join("seeds").join(target.name));
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
    }
    let folders = files(&here().join("seeds")).len();
    assert_eq!(folders, TARGETS.len(), "`cargo xtask fuzz` knows the targets by their folders");
}
