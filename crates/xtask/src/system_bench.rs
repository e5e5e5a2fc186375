//! Builds the whole-system benchmark and what it measures, runs it, and writes its tables into the pages that show them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::performance::{self, Blocks, is_of_system};
use crate::{cargo_program, pass_through};

/// Proves that everything works, with what the tests have built.
const QUICK: &str = "--quick";
/// Writes the tables into the pages.
const WRITE: &str = "--write";

/// Runs it. `arguments` are the program's own, and `--write`.
///
/// # Errors
///
/// What could not be built, or that something could not be measured.
pub fn run(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let is_quick = arguments.contains(&QUICK);
    let writes = arguments.contains(&WRITE);
    if is_quick && writes {
        return Err(format!(
            "{WRITE} would show figures of {QUICK}, which mean nothing; leave one of the two out"
        ));
    }
    let cordboard = build(root, is_quick)?;
    let own: Vec<&str> = arguments.iter().copied().filter(|&argument| argument != WRITE).collect();
    let said = measure(root, is_quick, &cordboard, &own)?;
    if !writes {
        return Ok("system-bench: done".to_owned());
    }
    let mut blocks = Blocks::new();
    performance::add_blocks(&mut blocks, &said);
    performance::write(root, &blocks, is_of_system)?;
    Ok("system-bench: the pages show this run".to_owned())
}

/// The program `cordboard`. In short it is the one that the tests beside real peers have built, without another build.
fn build(root: &Path, is_quick: bool) -> Result<PathBuf, String> {
    let tests =
        ["test", "--package", "cordboard", "--features", "real-peers", "--test", "real_peers", "--no-run"];
    let release = ["build", "--release", "--package", "cordboard"];
    let (arguments, profile) = if is_quick { (&tests[..], "debug") } else { (&release[..], "release") };
    let status = Command::new(cargo_program()).args(arguments).current_dir(root).status();
    if !status.is_ok_and(|status| status.success()) {
        return Err(format!("FAILED: cargo {}", arguments.join(" ")));
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join(profile).join("cordboard"))
}

/// Runs the program; what it says passes through, and is the answer.
fn measure(root: &Path, is_quick: bool, cordboard: &Path, own: &[&str]) -> Result<String, String> {
    let profile: &[&str] = if is_quick { &[] } else { &["--release"] };
    let mut command = Command::new(cargo_program());
    command
        .args(["run", "--quiet", "--package", "cordboard-benches", "--bin", "system"])
        .args(profile)
        .args(["--", "--cordboard"])
        .arg(cordboard)
        .args(own)
        .current_dir(root);
    let mut said = String::new();
    let succeeded = pass_through(&mut command, |line| {
        said.push_str(line);
        said.push('\n');
    });
    if succeeded.map_err(|error| format!("cannot run cargo: {error}"))? {
        return Ok(said);
    }
    Err("FAILED: something could not be measured, or is not as it must be; the reason is above".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_mean_nothing_are_never_written_into_a_page() {
        let error = run(Path::new("nowhere"), &[QUICK, WRITE]).expect_err("it would build in no folder");
        assert!(error.contains("leave one of the two out"), "{error}");
    }
}
