//! `cargo xtask mutants`: bugs that are planted on purpose, one by one, in a copy of the project. Each must be found
//! by the tests, or the tests are not sharp enough.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The bugs, beside this file.
const LIST: &str = include_str!("mutants/list.toml");
/// The page that the table is written into, and the place in it.
const PAGE: &str = "docs/mutants.md";
const PLACE: &str = "mutants";
/// A planted bug may keep a test from ever ending: then this many seconds are enough.
const SECONDS_MAX: &str = "600";
/// Where building costs more than the tests: nothing is optimised but what the profile of the tests says by name.
const QUICK_BUILD: [(&str, &str); 2] =
    [("CARGO_PROFILE_TEST_OPT_LEVEL", "0"), ("CARGO_PROFILE_TEST_DEBUG", "0")];
/// How a test names what repeats its failure.
const REPEAT: &str = "repeat with: ";

/// A machine in which bugs are planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Area {
    Transaction,
    Dialog,
    Bridge,
    Distributor,
}

impl Area {
    fn parse(name: &str) -> Option<Area> {
        match name {
            "transaction" => Some(Area::Transaction),
            "dialog" => Some(Area::Dialog),
            "bridge" => Some(Area::Bridge),
            "distributor" => Some(Area::Distributor),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Area::Transaction => "transaction",
            Area::Dialog => "dialog",
            Area::Bridge => "bridge",
            Area::Distributor => "distributor",
        }
    }

    /// The tests that must find a bug there, the quickest first: those that know nothing of the mutants.
    fn tests(self) -> &'static [Test] {
        match self {
            Area::Transaction | Area::Dialog | Area::Bridge => WORLDS,
            Area::Distributor => HISTORIES,
        }
    }
}

/// Tests that look for a planted bug.
struct Test {
    name: &'static str,
    /// Arguments of `cargo`.
    arguments: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
    /// What is different from the profile of the tests.
    profile: &'static [(&'static str, &'static str)],
}

const WORLDS: &[Test] = &[
    Test {
        name: "worlds and stories",
        arguments: &[
            "test",
            "-p",
            "cordboard-sim",
            "--test",
            "crowd",
            "whatever_the_seed",
            "--",
            "--nocapture",
        ],
        environment: &[
            ("CORDBOARD_SIM_SEED", "2"),
            ("CORDBOARD_SIM_PLAYS", "0"),
            ("CORDBOARD_SIM_CALLS", "1000"),
            ("CORDBOARD_SIM_STORIES", "24"),
        ],
        profile: &QUICK_BUILD,
    },
    Test {
        name: "overload",
        arguments: &["test", "-p", "cordboard-sim", "--test", "crowd", "ten_times", "--", "--nocapture"],
        environment: &[],
        profile: &QUICK_BUILD,
    },
];

const HISTORIES: &[Test] = &[Test {
    name: "histories",
    arguments: &["test", "-p", "cordboard-acd", "--test", "histories", "fresh_seed", "--", "--nocapture"],
    environment: &[("CORDBOARD_HISTORY_EVENTS", "300000")],
    // The twin looks at everything, and is slow enough as it is.
    profile: &[],
}];

/// A bug and where it is planted.
#[derive(Clone, Debug)]
struct Mutant {
    area: Area,
    bug: String,
    file: String,
    search: String,
    replacement: String,
}

/// What became of one.
struct Found {
    by: &'static str,
    /// What repeats it without the rest, where the test has named it.
    seed: String,
    seconds: f64,
}

/// Plants every bug whose area or words contain `only`, says which test found it, and writes that into the table in the
/// documentation, whose other lines stay.
///
/// # Errors
///
/// The bugs that nothing found; a text that is no longer where the list says; a copy or a page that cannot be written.
pub fn run(root: &Path, only: Option<&str>) -> Result<String, String> {
    let all = read(LIST)?;
    let fits =
        |mutant: &&Mutant| only.is_none_or(|only| mutant.area.name() == only || mutant.bug.contains(only));
    let mutants: Vec<&Mutant> = all.iter().filter(fits).collect();
    if mutants.is_empty() {
        return Err("no mutant is named so".to_owned());
    }
    let copy = copy(root)?;
    for test in WORLDS.iter().chain(HISTORIES).filter(|test| mutants.iter().any(|one| uses(one, test))) {
        if let Some(found) = look(root, &copy, test)? {
            return Err(format!("FAILED: {} finds something without a mutant: {}", test.name, found.seed));
        }
    }
    let mut lines = BTreeMap::new();
    let mut survivors = Vec::new();
    for mutant in &mutants {
        let found = try_one(root, &copy, mutant)?;
        let line = match &found {
            Some(Found { by, seed, seconds }) => format!("{by} | {seconds:.0} | {seed}"),
            None => "**nothing** | | ".to_owned(),
        };
        let line = format!("{}{line} |", beginning(mutant));
        println!("{line}");
        if found.is_none() {
            survivors.push(mutant.bug.clone());
        }
        lines.insert(mutant.bug.clone(), line);
    }
    let page = root.join(PAGE);
    let old = std::fs::read_to_string(&page).map_err(|error| format!("{PAGE}: {error}"))?;
    let blocks = [(PLACE.to_owned(), table(&old, &all, &lines))].into_iter().collect();
    let new = crate::performance::fill(&old, &blocks, |name| name == PLACE)?;
    std::fs::write(&page, new).map_err(|error| format!("{PAGE}: {error}"))?;
    if !survivors.is_empty() {
        return Err(format!("FAILED: nothing found: {}", survivors.join("; ")));
    }
    Ok(format!("{} mutants, all found", mutants.len()))
}

/// How the line of a mutant begins.
fn beginning(mutant: &Mutant) -> String {
    format!("| {} | {} | ", mutant.area.name(), mutant.bug)
}

/// All mutants of the list: the new line of each, or else the one on the page.
fn table(page: &str, all: &[Mutant], lines: &BTreeMap<String, String>) -> String {
    let mut table =
        String::from("| machine | bug | found by | seconds | seed or test |\n|---|---|---|---|---|\n");
    for mutant in all {
        let beginning = beginning(mutant);
        let before = page.lines().find(|line| line.starts_with(&beginning));
        let line = lines.get(&mutant.bug).map(String::as_str).or(before);
        let untried = format!("{beginning}not tried yet | | |");
        table.push_str(line.unwrap_or(&untried));
        table.push('\n');
    }
    table
}

fn uses(mutant: &Mutant, test: &Test) -> bool {
    mutant.area.tests().iter().any(|one| one.name == test.name)
}

fn read(list: &str) -> Result<Vec<Mutant>, String> {
    let table: toml::Table = list.parse().map_err(|error| format!("the list of mutants: {error}"))?;
    let entries = table.get("mutant").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let mutant = |entry: &toml::Value| {
        let text = |name: &str| {
            let value = entry.get(name).and_then(toml::Value::as_str);
            value.map(str::to_owned).ok_or_else(|| format!("a mutant lacks `{name}`: {entry}"))
        };
        let area = text("area")?;
        Ok(Mutant {
            area: Area::parse(&area).ok_or_else(|| format!("no such area: {area}"))?,
            bug: text("bug")?,
            file: text("file")?,
            search: text("search")?,
            replacement: text("replacement")?,
        })
    };
    entries.iter().map(mutant).collect()
}

/// The file with the bug in it.
fn plant(mutant: &Mutant, sound: &str) -> Result<String, String> {
    match sound.matches(&mutant.search).count() {
        1 => Ok(sound.replacen(&mutant.search, &mutant.replacement, 1)),
        count => Err(format!(
            "{}: the text of the mutant `{}` is there {count} times: correct `search` in the list of mutants",
            mutant.file, mutant.bug
        )),
    }
}

fn try_one(root: &Path, copy: &Path, mutant: &Mutant) -> Result<Option<Found>, String> {
    let path = copy.join(&mutant.file);
    let sound = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", mutant.file))?;
    let write = |text: &str| std::fs::write(&path, text).map_err(|error| format!("{}: {error}", mutant.file));
    write(&plant(mutant, &sound)?)?;
    let mut found = Ok(None);
    for test in mutant.area.tests() {
        found = look(root, copy, test);
        if !matches!(found, Ok(None)) {
            break;
        }
    }
    write(&sound)?;
    found
}

/// Builds and runs a test in the copy. `None`: it found nothing.
fn look(root: &Path, copy: &Path, test: &Test) -> Result<Option<Found>, String> {
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new("timeout");
        command.arg(SECONDS_MAX).arg(crate::cargo_program()).args(arguments);
        command.envs(test.environment.iter().copied());
        command.envs(test.profile.iter().copied());
        command.env("CARGO_TARGET_DIR", root.join("target/mutants-build")).current_dir(copy);
        command.stdin(Stdio::null());
        command.output().map_err(|error| format!("cannot run cargo: {error}"))
    };
    let until_filter = test.arguments.iter().position(|word| *word == "--test").map_or(0, |at| at + 2);
    let mut build = test.arguments[..until_filter].to_vec();
    build.push("--no-run");
    let built = cargo(&build)?;
    if !built.status.success() {
        let said = String::from_utf8_lossy(&built.stderr).into_owned();
        return Err(format!("{said}\nFAILED: {} cannot be built", test.name));
    }
    let start = Instant::now();
    let output = cargo(test.arguments)?;
    if output.status.success() {
        return Ok(None);
    }
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ok(Some(Found { by: test.name, seed: seed(&said), seconds: start.elapsed().as_secs_f64() }))
}

/// What repeats a failure: the seed that the test has named, or else the test itself.
fn seed(said: &str) -> String {
    let repeat = said.lines().find_map(|line| line.trim().strip_prefix(REPEAT));
    let named = repeat.and_then(|line| line.split_whitespace().find(|word| word.contains('=')));
    let panicked = said.lines().find_map(|line| line.strip_prefix("thread '")?.split('\'').next());
    let what = named.or(panicked).unwrap_or("it did not end");
    format!("`{what}`")
}

/// The tracked files, as they are now, in a folder of their own.
fn copy(root: &Path) -> Result<PathBuf, String> {
    let copy = root.join("target/mutants");
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output();
    let output = output.map_err(|error| format!("cannot run git: {error}"))?;
    let files = String::from_utf8_lossy(&output.stdout).into_owned();
    for file in files.split('\0').filter(|file| !file.is_empty()) {
        let (from, to) = (root.join(file), copy.join(file));
        let cannot = |error: std::io::Error| format!("{file}: {error}");
        let Ok(wanted) = std::fs::read(&from) else { continue };
        // What has not changed keeps its time, so that nothing is built in vain.
        if std::fs::read(&to).is_ok_and(|there| there == wanted) {
            continue;
        }
        std::fs::create_dir_all(to.parent().unwrap_or(&copy)).map_err(cannot)?;
        std::fs::write(&to, wanted).map_err(cannot)?;
    }
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_can_be_planted_and_every_machine_has_five() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mutants = read(LIST).expect("the list can be read");
        for mutant in &mutants {
            let sound = std::fs::read_to_string(root.join(&mutant.file)).expect("the file is there");
            let planted = plant(mutant, &sound).unwrap_or_else(|error| panic!("{error}"));
            assert_ne!(planted, sound, "{}", mutant.bug);
        }
        for area in [Area::Transaction, Area::Dialog, Area::Bridge, Area::Distributor] {
            let of_it = mutants.iter().filter(|mutant| mutant.area == area).count();
            assert!(of_it >= 5, "{}: {of_it}", area.name());
        }
    }

    #[test]
    fn a_text_that_is_gone_or_there_twice_is_refused() {
        let mutant = Mutant {
            area: Area::Dialog,
            bug: "none".to_owned(),
            file: "a.rs".to_owned(),
            search: "one".to_owned(),
            replacement: "two".to_owned(),
        };
        assert_eq!(plant(&mutant, "a one b").as_deref(), Ok("a two b"));
        assert!(plant(&mutant, "a b").is_err_and(|error| error.contains("0 times")));
        assert!(plant(&mutant, "one one").is_err_and(|error| error.contains("2 times")));
    }

    #[test]
    fn the_table_keeps_the_lines_of_those_who_were_not_tried() {
        let mutants = read(LIST).expect("the list can be read");
        let [first, second, third] = &mutants[..3] else { unreachable!("three were asked for") };
        let page = format!("x\n{}worlds | 1 | `a` |\n", beginning(second));
        let line = format!("{}worlds | 2 | `b` |", beginning(third));
        let lines = [(third.bug.clone(), line)].into_iter().collect();
        let ends: Vec<String> =
            table(&page, &mutants[..3], &lines).lines().skip(2).map(str::to_owned).collect();
        assert_eq!(ends[0], format!("{}not tried yet | | |", beginning(first)));
        assert!(ends[1].ends_with("| 1 | `a` |") && ends[2].ends_with("| 2 | `b` |"), "{ends:?}");
    }

    #[test]
    fn what_repeats_a_failure_is_its_seed_or_its_test() {
        let story = "panicked\n repeat with: CORDBOARD_SIM_STORY=7 cargo test -p x\n";
        assert_eq!(seed(story), "`CORDBOARD_SIM_STORY=7`");
        assert_eq!(seed("thread 'overload::ten_times' (1) panicked at x"), "`overload::ten_times`");
        assert_eq!(seed(""), "`it did not end`");
    }
}
