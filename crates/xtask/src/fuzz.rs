//! `cargo xtask fuzz`: libFuzzer at every place where octets come in (docs/decisions/0086-fuzzing-without-nightly.md).

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cargo_program;

/// Coverage for libFuzzer by the passes that the stable compiler has, and the checks that a debug build has.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Coverflow-checks --cfg fuzzing";
/// How long each target is searched where nothing is said.
const SECONDS: u64 = 60;
/// An input that takes longer, in seconds, is a finding.
const INPUT_SECONDS: u64 = 20;
/// A search that holds more memory, in MiB, is a finding.
const MEMORY_MAX: u64 = 2_048;
/// Lines of what libFuzzer says that are shown of a finding.
const LINES_MAX: usize = 60;

/// What is searched, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    seconds: u64,
    /// Only this target.
    target: Option<String>,
    /// From the seeds alone, and by the same chance each time.
    again: bool,
}

impl Search {
    /// As the words of the command line say: `--seconds N`, `--again` and the name of a target, in any order.
    ///
    /// # Errors
    ///
    /// What cannot be understood.
    pub fn parse(words: &[&str]) -> Result<Search, String> {
        let mut search = Search { seconds: SECONDS, target: None, again: false };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--seconds" => {
                    let number = words.next().and_then(|text| text.parse().ok()).filter(|&number| number > 0);
                    search.seconds = number.ok_or("--seconds: give a whole number of seconds, at least 1")?;
                }
                "--again" => search.again = true,
                name if search.target.is_none() && !name.starts_with('-') => {
                    search.target = Some(name.to_owned());
                }
                other => return Err(format!("fuzz: `{other}` means nothing here")),
            }
        }
        Ok(search)
    }
}

/// Builds the fuzzer and searches one target after the other, until something is found.
///
/// # Errors
///
/// What was found and how to repeat it, or what could not be built.
pub fn run(root: &Path, search: &Search) -> Result<String, String> {
    let names = names(root, search)?;
    let program = build(root)?;
    let mut lines = Vec::new();
    for name in &names {
        let line = search_one(root, &program, name, search)?;
        println!("{line}");
        lines.push(line);
    }
    Ok(format!("fuzz: {} targets, {} s each, nothing found", lines.len(), search.seconds))
}

/// The targets: each has a folder of seeds.
fn names(root: &Path, search: &Search) -> Result<Vec<String>, String> {
    let folder = root.join("crates/fuzz/seeds");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let Some(wanted) = &search.target else { return Ok(names) };
    if names.contains(wanted) {
        return Ok(vec![wanted.clone()]);
    }
    Err(format!("fuzz: there is no target `{wanted}`; there is {}", names.join(", ")))
}

/// The fuzzer, in a folder of its own: its flags would have everything else built anew.
fn build(root: &Path) -> Result<PathBuf, String> {
    let host = host()?;
    let target = root.join("target/fuzz");
    let status = Command::new(cargo_program())
        .args([
            "build",
            "--package",
            "cordboard-fuzz",
            "--bin",
            "cordboard-fuzz",
            "--target",
            &host,
            "--target-dir",
        ])
        .arg(&target)
        .env("RUSTFLAGS", FLAGS)
        // Unoptimized code spends its time elsewhere than in the branches that are searched.
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
        .current_dir(root)
        .stdin(Stdio::null())
        .status();
    if status.is_ok_and(|status| status.success()) {
        return Ok(target.join(host).join("debug/cordboard-fuzz"));
    }
    Err("FAILED: fuzz: the fuzzer cannot be built; libFuzzer wants a C++ compiler (Debian: g++)".to_owned())
}

/// What this machine is called. With `--target` the flags are not used for what runs while building.
fn host() -> Result<String, String> {
    let output = Command::new("rustc").arg("-vV").output().map_err(|error| format!("rustc: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).ok_or_else(|| "`rustc -vV` names no host".to_owned())
}

fn search_one(root: &Path, program: &Path, name: &str, search: &Search) -> Result<String, String> {
    let work = root.join("target/fuzz");
    let (corpus, findings) = (work.join("corpus").join(name), work.join("findings"));
    if search.again && corpus.exists() {
        fs::remove_dir_all(&corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
    }
    for folder in [&corpus, &findings] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let log = work.join(format!("{name}.log"));
    let file = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    let here = root.join("crates/fuzz");
    let mut command = Command::new(program);
    command
        .env("CORDBOARD_FUZZ_TARGET", name)
        .arg(format!("-max_total_time={}", search.seconds))
        .arg(format!("-timeout={INPUT_SECONDS}"))
        .arg(format!("-rss_limit_mb={MEMORY_MAX}"))
        .arg(format!("-dict={}", here.join("dictionaries").join(format!("{name}.txt")).display()))
        .arg(format!("-artifact_prefix={}/{name}-", findings.display()))
        .arg("-print_final_stats=1")
        .arg(&corpus);
    command.args(search.again.then_some("-seed=1")).args(seeds(root, name));
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file).status();
    let said = String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).into_owned();
    if status.is_ok_and(|status| status.success()) {
        return Ok(summary(name, &said));
    }
    let lines: Vec<&str> = said.lines().collect();
    let last = lines[lines.len().saturating_sub(LINES_MAX)..].join("\n");
    let repeat = format!("CORDBOARD_FUZZ_TARGET={name} cargo run -p cordboard-fuzz -- FILE");
    let found = finding(&said);
    Err(format!("{last}\n\n{found}FAILED: fuzz: {name}\nthe file is named above; repeat with: {repeat}"))
}

/// The octets that were found, for whoever has only this text of them.
fn finding(said: &str) -> String {
    let file = said.lines().find_map(|line| line.split_once("Test unit written to ").map(|(_, file)| file));
    let octets = file.and_then(|file| fs::read(file.trim()).ok());
    octets.map(|octets| format!("the octets: b\"{}\"\n\n", octets.escape_ascii())).unwrap_or_default()
}

/// What a search begins with: its seeds, what was found before, and for messages those of the RFCs.
fn seeds(root: &Path, name: &str) -> Vec<PathBuf> {
    let here = root.join("crates/fuzz");
    let mut folders = vec![here.join("seeds").join(name), here.join("findings").join(name)];
    if name == "message" {
        folders.extend(["rfc4475", "rfc5118"].map(|rfc| root.join("crates/sip/tests/data").join(rfc)));
    }
    folders.retain(|folder| folder.is_dir());
    folders
}

/// How much was tried, and how much of the program it has reached.
fn summary(name: &str, said: &str) -> String {
    let executed = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let reached = said.lines().rev().find_map(|line| line.split(" cov: ").nth(1)?.split(' ').next());
    let known =
        |figure: Option<&str>| figure.map_or_else(|| "?".to_owned(), |figure| figure.trim().to_owned());
    format!("{name}: {} inputs, {} branches reached", known(executed), known(reached))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_command_line_stand_in_any_order() {
        let search = |words: &[&str]| Search::parse(words);
        assert_eq!(search(&[]), Ok(Search { seconds: SECONDS, target: None, again: false }));
        let calls = Ok(Search { seconds: 9, target: Some("calls".to_owned()), again: false });
        assert!(search(&["--again"]).is_ok_and(|search| search.again));
        assert_eq!(search(&["calls", "--seconds", "9"]), calls);
        assert_eq!(search(&["--seconds", "9", "calls"]), calls);
        for wrong in [&["--seconds"][..], &["--seconds", "0"], &["--hours", "1"], &["a", "b"]] {
            assert!(search(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_summary_says_how_much_was_tried_and_reached() {
        let said = "#2 INITED cov: 50 ft: 51\n#900 DONE   cov: 1234 ft: 99 corp: 3/4b\n\
                    stat::number_of_executed_units: 900\n";
        assert_eq!(summary("calls", said), "calls: 900 inputs, 1234 branches reached");
        assert_eq!(summary("calls", ""), "calls: ? inputs, ? branches reached");
    }

    #[test]
    fn an_unknown_target_is_told_which_there_are() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let wanted = Search { seconds: 1, target: Some("nothing".to_owned()), again: false };
        assert!(
            names(&root, &wanted).is_err_and(|error| error.contains("calls") && error.contains("message"))
        );
    }
}
