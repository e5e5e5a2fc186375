//! How many instructions an operation of the distributor takes, and a whole call, by callgrind, beside a committed
//! baseline.
//!
//! A count does not depend on what else the machine does, so a change of a few per cent can be seen where a
//! stopwatch sees nothing. Each case runs twice, the second time with twice as many rounds; the difference is what
//! the added rounds took, and building the world and starting the process are not in it.
//!
//! The counts belong to one toolchain (`rust-toolchain.toml`), one `Cargo.lock` and the release profile for generic
//! x86-64. Beside a change of the code itself, another version of the C library moves them a little (its allocator
//! and its ways to copy memory are counted), which is what the tolerance is for; another processor does not, since
//! valgrind shows programs a processor of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo_program;

/// Where the baseline lies, from the top of the project.
const BASELINE: &str = "benches/instructions.toml";
const REMEDY: &str = "cargo xtask instructions --accept";
/// What callgrind runs: programs of `benches` that name their cases by `--list`.
const PROGRAMS: [&str; 2] = ["acd_instructions", "call_instructions"];
/// Rounds of the first run; the second has twice as many.
const ROUNDS: u64 = 25;
/// Instructions of one processor family can only be compared with each other.
const ARCHITECTURE: &str = "x86_64";
/// Cases counted side by side.
const WORKERS: usize = 2;

/// Instructions for one operation, by world and operation.
type Counts = BTreeMap<String, BTreeMap<String, u64>>;

/// The committed figures.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Baseline {
    /// How far a count may be above its figure, in per cent.
    tolerance_percent: u64,
    counts: Counts,
}

/// Counts and compares; with `accept` writes the baseline anew instead.
///
/// # Errors
///
/// Every operation that takes more instructions than the baseline and its tolerance allow, or what is missing.
pub fn run(root: &Path, accept: bool) -> Result<String, String> {
    if std::env::consts::ARCH != ARCHITECTURE {
        // Said and not passed over in silence: this machine cannot answer the question.
        return Ok(format!(
            "instructions: the baseline is for {ARCHITECTURE} and this is {}: nothing was compared",
            std::env::consts::ARCH
        ));
    }
    let text = std::fs::read_to_string(root.join(BASELINE)).unwrap_or_default();
    let baseline = Baseline::read(&text)?;
    let mut counts = Counts::new();
    for program in build(root)? {
        counts.extend(count_all(&program)?);
    }
    if accept {
        let accepted = Baseline { counts, ..baseline };
        std::fs::write(root.join(BASELINE), accepted.write())
            .map_err(|error| format!("cannot write {BASELINE}: {error}"))?;
        return Ok(format!("instructions: {BASELINE} is written anew; say in the change why"));
    }
    let (table, faults) = baseline.compare(&counts);
    println!("{table}");
    if faults.is_empty() {
        return Ok(format!("instructions: all within {} % of {BASELINE}", baseline.tolerance_percent));
    }
    Err(format!(
        "{}\ninstructions: make it cheaper again, or accept it with `{REMEDY}` and say in the change why",
        faults.join("\n")
    ))
}

impl Baseline {
    fn read(text: &str) -> Result<Baseline, String> {
        let wrong = |what: &str| format!("{BASELINE}: {what}: correct it, or write it anew with `{REMEDY}`");
        let table: toml::Table = text.parse().map_err(|error| wrong(&format!("{error}")))?;
        let mut baseline = Baseline { tolerance_percent: 3, counts: Counts::new() };
        for (key, value) in &table {
            match value {
                toml::Value::Integer(percent) if key == "tolerance_percent" => {
                    baseline.tolerance_percent =
                        u64::try_from(*percent).map_err(|_| wrong("the tolerance is negative"))?;
                }
                toml::Value::Table(operations) => {
                    for (operation, count) in operations {
                        let count = count.as_integer().and_then(|count| u64::try_from(count).ok());
                        let count = count.ok_or_else(|| wrong(&format!("{key}.{operation} is no count")))?;
                        baseline.counts.entry(key.clone()).or_default().insert(operation.clone(), count);
                    }
                }
                toml::Value::String(_)
                | toml::Value::Integer(_)
                | toml::Value::Float(_)
                | toml::Value::Boolean(_)
                | toml::Value::Datetime(_)
                | toml::Value::Array(_) => return Err(wrong(&format!("`{key}` means nothing here"))),
            }
        }
        Ok(baseline)
    }

    fn write(&self) -> String {
        let mut text = format!(
            "# Instructions for one operation of the distributor, what prepares and what undoes it included, as\n\
             # callgrind counts them in worlds of 2,000 agents, 50 queues and 5,000 waiting (benches/acd_instructions.rs);\n\
             # and for a whole call without sockets and threads, what the phones say included (benches/call_instructions.rs).\n\
             # `cargo xtask instructions` compares; `{REMEDY}` writes this file.\n\
             tolerance_percent = {}\n",
            self.tolerance_percent
        );
        for (world, operations) in &self.counts {
            write!(text, "\n[{world}]\n").expect("a String takes everything");
            for (operation, count) in operations {
                writeln!(text, "{operation} = {count}").expect("a String takes everything");
            }
        }
        text
    }

    /// All figures side by side, and what is above its allowance or not in both.
    fn compare(&self, counts: &Counts) -> (String, Vec<String>) {
        let mut table =
            format!("{:10} {:14} {:>12} {:>12} {:>8}\n", "world", "operation", "baseline", "now", "change");
        let mut faults = Vec::new();
        for (world, operation, now) in each(counts) {
            let Some(&before) = self.counts.get(world).and_then(|operations| operations.get(operation))
            else {
                faults.push(format!("{world} {operation}: {now} instructions, and no baseline"));
                continue;
            };
            let change = (now as f64 - before as f64) * 100.0 / (before.max(1) as f64);
            writeln!(table, "{world:10} {operation:14} {before:>12} {now:>12} {change:>+7.1}%")
                .expect("a String takes everything");
            if now * 100 > before * (100 + self.tolerance_percent) {
                faults.push(format!(
                    "{world} {operation}: {now} instructions, {change:.1} % more than the baseline's {before} \
                     (allowed: {} %)",
                    self.tolerance_percent
                ));
            }
        }
        for (world, operation, _) in each(&self.counts) {
            if !counts.get(world).is_some_and(|operations| operations.contains_key(operation)) {
                faults.push(format!("{world} {operation}: in the baseline, and counted no more"));
            }
        }
        (table, faults)
    }
}

fn each(counts: &Counts) -> impl Iterator<Item = (&str, &str, u64)> {
    counts.iter().flat_map(|(world, operations)| {
        operations.iter().map(move |(operation, &count)| (world.as_str(), operation.as_str(), count))
    })
}

/// The programs that callgrind runs.
fn build(root: &Path) -> Result<[PathBuf; PROGRAMS.len()], String> {
    let mut arguments = vec!["build", "--release", "--package", "cordboard-benches"];
    arguments.extend(PROGRAMS.iter().flat_map(|program| ["--bin", program]));
    let status = Command::new(cargo_program()).args(&arguments).current_dir(root).status();
    if !status.is_ok_and(|status| status.success()) {
        return Err(format!("FAILED: cargo {}", arguments.join(" ")));
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(PROGRAMS.map(|program| target.join("release").join(program)))
}

fn count_all(program: &Path) -> Result<Counts, String> {
    let output = Command::new(program).arg("--list").output();
    let output = output.map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    let (cases, in_a_round) = cases(&list)?;
    let shares: Vec<Vec<&(String, String)>> =
        (0..WORKERS).map(|worker| cases.iter().skip(worker).step_by(WORKERS).collect()).collect();
    let counted = std::thread::scope(|scope| {
        let count = |share: Vec<&(String, String)>| -> Result<Vec<(String, String, u64)>, String> {
            share
                .into_iter()
                .map(|(world, operation)| {
                    let once = callgrind(program, world, operation, ROUNDS)?;
                    let twice = callgrind(program, world, operation, 2 * ROUNDS)?;
                    let each = twice.saturating_sub(once) / (ROUNDS * in_a_round);
                    Ok((world.clone(), operation.clone(), each))
                })
                .collect()
        };
        let workers: Vec<_> = shares.into_iter().map(|share| scope.spawn(move || count(share))).collect();
        let joined = workers.into_iter().map(|worker| worker.join().expect("counting does not panic"));
        joined.collect::<Result<Vec<_>, String>>()
    })?;
    let mut counts = Counts::new();
    for (world, operation, count) in counted.into_iter().flatten() {
        counts.entry(world).or_default().insert(operation, count);
    }
    Ok(counts)
}

/// The cases that the program names, and how many operations it does in a round.
fn cases(list: &str) -> Result<(Vec<(String, String)>, u64), String> {
    let mut cases = Vec::new();
    let mut in_a_round = None;
    for line in list.lines() {
        match line.split_once(": ") {
            Some((_, number)) => in_a_round = number.parse().ok(),
            None => {
                cases.extend(line.split_once(' ').map(|(world, name)| (world.to_owned(), name.to_owned())));
            }
        }
    }
    match in_a_round {
        Some(number) if number > 0 && !cases.is_empty() => Ok((cases, number)),
        Some(_) | None => Err(format!("`--list` says nothing that can be counted:\n{list}")),
    }
}

/// All instructions of one run.
fn callgrind(program: &Path, world: &str, operation: &str, rounds: u64) -> Result<u64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([world, operation, &rounds.to_string()])
        .output()
        .map_err(|error| {
            format!("cannot run valgrind: {error}: install it (Debian: `apt-get install valgrind`)")
        })?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match collected(&said) {
        Some(count) if output.status.success() => Ok(count),
        Some(_) | None => Err(format!("FAILED: callgrind of {world} {operation}:\n{said}")),
    }
}

/// `==7== Collected : 12345`
fn collected(said: &str) -> Option<u64> {
    let line = said.lines().find_map(|line| line.split_once("Collected :"))?;
    line.1.trim().parse().ok()
}

#[cfg(test)]
mod tests;
