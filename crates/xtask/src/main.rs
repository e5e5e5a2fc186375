//! `cargo xtask tidy`, `test`, `soak`, `fuzz`, `accuracy`, `instructions`, `mutants`, `performance` and `system-bench`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use xtask::{Tree, accuracy, fuzz, instructions, mutants, performance, soak, suite, system_bench, tidy};

const USAGE: &str = "usage: cargo xtask <command>

commands:
  tidy           report every breach of the house rules, with its place and remedy
  test           install what the tests need and is missing (Debian, as root), then run every check and test
  soak           play everything that is random from fresh seeds until something fails;
                 --minutes N: or until so many minutes are over; --calls: the real binary under calls at half
                 of its highest rate instead (30 minutes), and nothing may grow; --quick: by a debug build
  fuzz           search every place where octets come in by libFuzzer; TARGET: only this one;
                 --seconds N: so long for each (60); --again: from the seeds alone, by the same chance each time;
                 wants a C++ compiler
  accuracy       play the reference cases and write their table into docs/accuracy.md (minutes);
                 --check: only say whether the page is stale; --trace FILE: the Anonymous Bank's part instead
  instructions   count the distributor's instructions under callgrind and compare with the baseline;
                 --accept: write the baseline anew
  mutants        plant bugs one by one in a copy: each must be found; writes docs/mutants.md (hours);
                 --only AREA-OR-WORDS: only these
  performance    run the distributor's benchmarks and write their tables into README.md and docs/performance.md;
                 --seconds N: so long for each run (10)
  system-bench   measure the whole system beside Kamailio and SIPp: a quarter of an hour after the build;
                 --write: write its tables into README.md and docs/performance.md; --keep-awake: keep the
                 cores from halting; --quick: prove in about a minute that everything works;
                 --rates 100,800, --rounds N, --only rates, --only goals, --json FILE";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tidy"] => report(run_tidy(&root())),
        ["test"] => report(suite::run(&root())),
        ["soak", rest @ ..] => report(soak::Soak::parse(rest).and_then(|soak| soak.run(&root()))),
        ["fuzz", rest @ ..] => {
            report(fuzz::Search::parse(rest).and_then(|search| fuzz::run(&root(), &search)))
        }
        ["accuracy"] => report(accuracy::run(&root())),
        ["accuracy", "--check"] => report(accuracy::check(&root())),
        ["accuracy", "--trace", file] => report(accuracy::trace(&root(), file)),
        ["instructions"] => report(instructions::run(&root(), false)),
        ["instructions", "--accept"] => report(instructions::run(&root(), true)),
        ["mutants"] => report(mutants::run(&root(), None)),
        ["mutants", "--only", only] => report(mutants::run(&root(), Some(only))),
        ["performance"] => report(performance::run(&root(), &[])),
        ["performance", "--seconds", seconds] => report(performance::run(&root(), &["--seconds", seconds])),
        ["system-bench", arguments @ ..] => report(system_bench::run(&root(), arguments)),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => report(Err(USAGE.to_owned())),
    }
}

fn report(outcome: Result<String, String>) -> ExitCode {
    match outcome {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run_tidy(root: &Path) -> Result<String, String> {
    let tree = Tree::read(root).map_err(|error| format!("cannot read the project: {error}"))?;
    let violations = tidy::check(&tree);
    if violations.is_empty() {
        return Ok(format!("tidy: {} files, nothing to report", tree.len()));
    }
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    Err(format!("{}\ntidy: {} to repair", lines.join("\n"), violations.len()))
}

/// The folder of the workspace, two above this package.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).expect("the package lies in crates/xtask").to_path_buf()
}
