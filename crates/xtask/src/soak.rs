//! `cargo xtask soak`: everything that is random, from fresh seeds, round after round, until somebody stops it; or, with
//! `--calls`, the real binary under calls at half of the highest rate, whose memory, files and counters must not drift.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::system_bench;

/// Tests that take their randomness from the environment.
struct Part {
    name: &'static str,
    /// Arguments of `cargo`.
    arguments: &'static [&'static str],
    /// What else the environment says.
    environment: &'static [(&'static str, &'static str)],
    /// Where the seed of a round is given; otherwise the tests choose, and name on failure what repeats it.
    seed: Option<&'static str>,
}

const PARTS: &[Part] = &[
    Part {
        name: "histories",
        arguments: &[
            "test",
            "--package",
            "cordboard-acd",
            "--test",
            "histories",
            "fresh",
            "--",
            "--nocapture",
        ],
        environment: &[("CORDBOARD_HISTORY_EVENTS", "2000000")],
        seed: None,
    },
    Part {
        name: "worlds of calls",
        arguments: &[
            "test",
            "--package",
            "cordboard-sim",
            "--test",
            "crowd",
            "--",
            "--nocapture",
            // From seeds that are always the same.
            "--skip",
            "two_hundred_thousand",
            "--skip",
            "ten_times",
        ],
        environment: &[("CORDBOARD_SIM_STORIES", "500")],
        seed: Some("CORDBOARD_SIM_SEED"),
    },
];

/// How a test names what repeats its failure.
const REPEAT: &str = "repeat with: ";
/// Lines of a failure that are shown; the whole of it would fill the screen.
const LINES_MAX: usize = 200;

/// How long calls are made where nothing is said.
const MINUTES: u64 = 30;

/// What is soaked, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Soak {
    /// The binary under calls, instead of everything random.
    calls: bool,
    /// With what the tests have built, which is slower.
    quick: bool,
    minutes: Option<u64>,
}

impl Soak {
    /// As the words of the command line say, in any order: `--calls`, with it `--quick`, and `--minutes N`.
    ///
    /// # Errors
    ///
    /// What cannot be understood.
    pub fn parse(words: &[&str]) -> Result<Soak, String> {
        let mut soak = Soak { calls: false, quick: false, minutes: None };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--calls" => soak.calls = true,
                "--quick" => soak.quick = true,
                "--minutes" => soak.minutes = Some(minutes(words.next().copied().unwrap_or_default())?),
                other => return Err(format!("soak: `{other}` means nothing here")),
            }
        }
        if soak.quick && !soak.calls {
            return Err("soak: --quick is for --calls: everything random is built in one way only".to_owned());
        }
        Ok(soak)
    }

    /// Soaks.
    ///
    /// # Errors
    ///
    /// What failed or grew, what it said, and how to repeat it.
    pub fn run(&self, root: &Path) -> Result<String, String> {
        if !self.calls {
            return run(root, self.minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60))));
        }
        let minutes = self.minutes.unwrap_or(MINUTES).to_string();
        let mut arguments = vec!["--soak", &minutes];
        arguments.extend(self.quick.then_some("--quick"));
        system_bench::run(root, &arguments)
    }
}

/// Plays rounds of every part until one fails or, where a limit is given, no time is left for another.
fn run(root: &Path, limit: Option<Duration>) -> Result<String, String> {
    let begin = Instant::now();
    let mut rounds = 0_u64;
    println!("from fresh seeds until something fails{}; stop it with Ctrl-C", within(limit));
    while limit.is_none_or(|limit| begin.elapsed() < limit) {
        rounds += 1;
        for part in PARTS {
            let seed = RandomState::new().hash_one(rounds) >> 1;
            let start = Instant::now();
            let said = play(root, part, seed)?;
            let seconds = start.elapsed().as_secs_f64();
            let total = begin.elapsed().as_secs() / 60;
            println!(
                "round {rounds}, minute {total}: {}: {} in {seconds:.0} s",
                part.name,
                summary(part, seed, &said)
            );
        }
    }
    Ok(format!(
        "soak: {rounds} rounds in {:.0} minutes, nothing failed",
        begin.elapsed().as_secs_f64() / 60.0
    ))
}

/// The limit as given on the command line.
fn minutes(text: &str) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(minutes) if minutes > 0 => Ok(minutes),
        Ok(_) | Err(_) => Err(format!("--minutes {text}: give a whole number of minutes, at least 1")),
    }
}

fn within(limit: Option<Duration>) -> String {
    limit.map_or(String::new(), |limit| format!(" or {} minutes are over", limit.as_secs() / 60))
}

/// What the part said, or what failed and how to repeat it.
fn play(root: &Path, part: &Part, seed: u64) -> Result<String, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command
        .args(part.arguments)
        .envs(part.environment.iter().copied())
        .current_dir(root)
        .stdin(Stdio::null());
    if let Some(variable) = part.seed {
        command.env(variable, seed.to_string());
    }
    let output =
        command.output().map_err(|error| format!("FAILED: {}: cannot run cargo: {error}", part.name))?;
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return Ok(said);
    }
    let lines: Vec<&str> = said.lines().collect();
    let last = lines[lines.len().saturating_sub(LINES_MAX)..].join("\n");
    Err(format!("{last}\n\nFAILED: {}\n{REPEAT}{}", part.name, repetition(part, seed, &said)))
}

/// The command line that repeats a failure: what the test itself has named, or the part with its seed.
fn repetition(part: &Part, seed: u64, said: &str) -> String {
    if let Some(line) = said.lines().find_map(|line| line.trim().strip_prefix(REPEAT)) {
        return line.to_owned();
    }
    let seed = part.seed.map(|variable| format!("{variable}={seed} ")).unwrap_or_default();
    let environment = part.environment.iter().map(|(name, value)| format!("{name}={value} "));
    format!("{seed}{}cargo {}", environment.collect::<String>(), part.arguments.join(" "))
}

/// What a round has reached, in a few words.
fn summary(part: &Part, seed: u64, said: &str) -> String {
    let events = said.lines().find(|line| line.contains("events from the seeds"));
    match (events, part.seed) {
        (Some(line), _) => line.trim().to_owned(),
        (None, Some(_)) => format!("from the seed {seed}"),
        (None, None) => "done".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILING: Part = Part {
        name: "probe",
        arguments: &["no-such-command"],
        environment: &[("A", "1")],
        seed: Some("SEED"),
    };

    #[test]
    fn a_failure_names_its_part_and_what_repeats_it() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let error = play(root, &FAILING, 7).expect_err("cargo has no such command");
        assert!(error.ends_with("FAILED: probe\nrepeat with: SEED=7 A=1 cargo no-such-command"), "{error}");
    }

    #[test]
    fn what_a_test_names_itself_comes_first() {
        let said = "thread panicked\n  repeat with: CORDBOARD_HISTORY_SEED=3 cargo test\nnote";
        assert_eq!(repetition(&FAILING, 7, said), "CORDBOARD_HISTORY_SEED=3 cargo test");
    }

    #[test]
    fn a_round_tells_what_it_has_reached() {
        let said = "running 1 test\n2000100 events from the seeds 5 and following\n";
        assert_eq!(summary(&PARTS[0], 7, said), "2000100 events from the seeds 5 and following");
        assert_eq!(summary(&PARTS[1], 7, "ok"), "from the seed 7");
    }

    #[test]
    fn the_words_of_the_command_line_stand_in_any_order() {
        let soak = |calls, quick, minutes| Ok(Soak { calls, quick, minutes });
        assert_eq!(Soak::parse(&[]), soak(false, false, None));
        assert_eq!(Soak::parse(&["--minutes", "90"]), soak(false, false, Some(90)));
        assert_eq!(Soak::parse(&["--quick", "--minutes", "5", "--calls"]), soak(true, true, Some(5)));
        for text in ["0", "-1", "soon", ""] {
            let error = Soak::parse(&["--minutes", text]);
            assert!(error.is_err_and(|error| error.contains("whole number of minutes")));
        }
        assert!(Soak::parse(&["--quick"]).is_err_and(|error| error.contains("--calls")));
        assert!(Soak::parse(&["--hours"]).is_err());
    }
}
