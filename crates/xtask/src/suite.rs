//! Everything that must hold before a change is taken, in the order in which failing is cheapest.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::{cargo_program, pass_through};

mod packages;

/// One thing that must succeed.
struct Step {
    /// Its name in the headings and in the failure.
    name: &'static str,
    /// Arguments of `cargo`.
    arguments: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
    /// A test target that must exist, or the step would pass by running nothing.
    needs: Option<Target>,
}

/// A test target behind a feature.
struct Target {
    manifest: &'static str,
    feature: &'static str,
    test: &'static str,
}

const STEPS: &[Step] = &[
    Step { name: "format", arguments: &["fmt", "--check"], environment: &[], needs: None },
    Step {
        name: "clippy",
        arguments: &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"],
        environment: &[],
        needs: None,
    },
    Step {
        name: "docs",
        arguments: &["doc", "--workspace", "--no-deps"],
        environment: &[("RUSTDOCFLAGS", "-Dwarnings")],
        needs: None,
    },
    Step {
        name: "tests that need no other program",
        arguments: &["test", "--workspace"],
        // By itself the run from a fresh seed is shorter, so that it can be tried between two changes.
        environment: &[("CORDBOARD_HISTORY_EVENTS", "4000000")],
        needs: None,
    },
    Step {
        name: "instructions of the distributor",
        arguments: &["run", "--quiet", "--package", "cordboard-xtask", "--", "instructions"],
        environment: &[],
        needs: None,
    },
    Step {
        name: "real peers",
        arguments: &[
            "test",
            "-p",
            "cordboard",
            "--features",
            "real-peers",
            "--test",
            "real_peers",
            "--",
            // One for each test: they wait for timers of SIP, and see to it themselves that few are busy.
            "--test-threads=64",
        ],
        environment: &[],
        needs: Some(Target {
            manifest: "crates/server/Cargo.toml",
            feature: "real-peers",
            test: "real_peers",
        }),
    },
    Step {
        name: "benchmark of the whole system, in short",
        arguments: &["run", "--quiet", "--package", "cordboard-xtask", "--", "system-bench", "--quick"],
        environment: &[],
        needs: None,
    },
    Step {
        name: "soak",
        arguments: &[
            "run",
            "--quiet",
            "--package",
            "cordboard-xtask",
            "--",
            "soak",
            "--calls",
            "--quick",
            "--minutes",
            "5",
        ],
        environment: &[],
        needs: None,
    },
];

/// How many tests of cargo's summaries passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
}

/// Installs what is missing, runs every step, stops at the first that fails. The last line of the
/// answer counts the tests.
///
/// # Errors
///
/// The name of the step that failed or of what is missing, with the remedy.
pub fn run(root: &Path) -> Result<String, String> {
    let begin = Instant::now();
    heading("packages");
    packages::provide()?;
    components(root)?;
    let mut total = Count::default();
    for step in STEPS {
        heading(step.name);
        let start = Instant::now();
        if let Some(target) = &step.needs {
            let manifest = std::fs::read_to_string(root.join(target.manifest)).unwrap_or_default();
            target_exists(target, &manifest, root)
                .map_err(|missing| format!("FAILED: {}: {missing}", step.name))?;
        }
        let (succeeded, count) = cargo(root, step)?;
        total.passed += count.passed;
        total.failed += count.failed;
        let seconds = start.elapsed().as_secs_f64();
        if !succeeded {
            return Err(format!(
                "FAILED: {} after {seconds:.1} s: cargo {}",
                step.name,
                step.arguments.join(" ")
            ));
        }
        println!("ok: {} in {seconds:.1} s", step.name);
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!("\nall {} steps succeeded in {seconds:.1} s", STEPS.len());
    Ok(format!("{} passed, {} failed", total.passed, total.failed))
}

fn heading(name: &str) {
    println!("\n=== {name} ===");
}

/// rustup installs both by `rust-toolchain.toml`; other installations of Rust may leave them out.
fn components(root: &Path) -> Result<(), String> {
    for (component, command) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        let answer = Command::new(cargo_program()).args([command, "--version"]).current_dir(root).output();
        if !answer.is_ok_and(|output| output.status.success()) {
            return Err(format!("cargo {command} is missing: run `rustup component add {component}`"));
        }
    }
    Ok(())
}

fn target_exists(target: &Target, manifest: &str, root: &Path) -> Result<(), String> {
    let Target { manifest: path, feature, test } = target;
    let table: toml::Table = manifest.parse().map_err(|error| format!("{path} cannot be read: {error}"))?;
    let has_feature = table.get("features").and_then(|features| features.get(feature)).is_some();
    if !has_feature {
        return Err(format!("{path} has no feature `{feature}`: add it under [features]"));
    }
    let declared = table.get("test").and_then(toml::Value::as_array).into_iter().flatten();
    let mut names = declared.filter_map(|entry| entry.get("name")?.as_str());
    let folder = Path::new(path).parent().unwrap_or(Path::new("")).join("tests");
    let lies_there = root.join(&folder).join(format!("{test}.rs")).exists();
    if names.any(|name| name == *test) || lies_there {
        return Ok(());
    }
    Err(format!("{path} has no test target `{test}`: write {}/{test}.rs", folder.display()))
}

/// Runs a step; its output passes through while the summaries are counted.
fn cargo(root: &Path, step: &Step) -> Result<(bool, Count), String> {
    let mut count = Count::default();
    let mut command = Command::new(cargo_program());
    command.args(step.arguments).envs(step.environment.iter().copied()).current_dir(root);
    let succeeded = pass_through(&mut command, |line| {
        if let Some(found) = summary(line) {
            count.passed += found.passed;
            count.failed += found.failed;
        }
    });
    let succeeded = succeeded.map_err(|error| format!("FAILED: {}: cannot run cargo: {error}", step.name))?;
    Ok((succeeded, count))
}

/// `test result: ok. 12 passed; 0 failed; ...`
fn summary(line: &str) -> Option<Count> {
    let (_, figures) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let figure = |name: &str| {
        let part = figures.split(';').find(|part| part.trim().ends_with(name))?;
        part.split_whitespace().next()?.parse().ok()
    };
    Some(Count { passed: figure("passed")?, failed: figure("failed")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_s_summary_is_counted() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(summary(line), Some(Count { passed: 12, failed: 3 }));
        assert_eq!(summary("test a_story ... ok"), None);
    }

    #[test]
    fn a_step_whose_target_is_missing_does_not_pass_by_running_nothing() {
        let target = Target { manifest: "crates/x/Cargo.toml", feature: "peers", test: "no_such_target" };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let error = |manifest: &str| target_exists(&target, manifest, root).expect_err("it does not exist");
        assert!(error("").contains("no feature `peers`"));
        assert!(error("[features]\npeers = []").contains("write crates/x/tests/no_such_target.rs"));
        let declared = "[features]\npeers = []\n[[test]]\nname = \"no_such_target\"";
        assert_eq!(target_exists(&target, declared, root), Ok(()));
    }

    #[test]
    fn a_failing_step_is_told_from_a_succeeding_one() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let step = |arguments| Step { name: "probe", arguments, environment: &[], needs: None };
        assert!(cargo(root, &step(&["--version"])).is_ok_and(|(succeeded, _)| succeeded));
        assert!(cargo(root, &step(&["no-such-command"])).is_ok_and(|(succeeded, _)| !succeeded));
    }
}
