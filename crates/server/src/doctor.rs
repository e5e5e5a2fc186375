//! `cordboard doctor`: what of this machine stands in the way of a configuration, before a caller finds out.
//!
//! `cordboard check` judges the file alone; this asks the machine as well: sockets, limits, DNS, the clock (`network`, `machine`)
//! and who may read the file (`file`). Nothing is changed, and no call is touched: it can be asked beside a running Cordboard.

mod file;
mod machine;
mod network;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::{self, Passwords};
use crate::exit::Exit;
use machine::Machine;

/// What a user says on the command line.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The configuration.
    #[arg(short, long, value_name = "FILE", default_value = "cordboard.toml")]
    pub config: PathBuf,
    /// Say it for programs.
    #[arg(long)]
    pub json: bool,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// As it should be.
    Ok,
    /// Calls can be taken, and something will go wrong under load, or has not been looked at.
    Warn,
    /// Calls cannot be taken, or secrets are open.
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    /// What was looked at, in a word or two.
    check: &'static str,
    verdict: Verdict,
    /// What was found, and where it is not as it should be, the remedy.
    message: String,
}

impl Finding {
    fn ok(check: &'static str, message: impl Into<String>) -> Finding {
        Finding { check, verdict: Verdict::Ok, message: message.into() }
    }

    fn warn(check: &'static str, message: impl Into<String>) -> Finding {
        Finding { check, verdict: Verdict::Warn, message: message.into() }
    }

    fn fail(check: &'static str, message: impl Into<String>) -> Finding {
        Finding { check, verdict: Verdict::Fail, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        };
        write!(f, "{verdict:4}  {:13}  {}", self.check, self.message)
    }
}

/// Everything that was looked at.
#[derive(Debug, Serialize)]
struct Diagnosis {
    /// The worst of the findings.
    verdict: Verdict,
    findings: Vec<Finding>,
}

/// Looks at everything and says it, one line each.
///
/// [`Exit::Configuration`]: the file is wrong, and nothing else was looked at. [`Exit::System`]: something failed.
/// [`Exit::Well`]: nothing did; there may be warnings.
pub fn run(options: &Options) -> Exit {
    let (exit, findings) = examine(&options.config);
    let verdict = findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok);
    if options.json {
        let diagnosis = Diagnosis { verdict, findings };
        println!("{}", serde_json::to_string_pretty(&diagnosis).expect("words and lists are JSON"));
    } else {
        for finding in &findings {
            println!("{finding}");
        }
    }
    match (exit, verdict) {
        (Exit::Well, Verdict::Fail) => Exit::System,
        (exit, _) => exit,
    }
}

fn examine(path: &Path) -> (Exit, Vec<Finding>) {
    let loaded = match config::load(path, Passwords::Strong) {
        Ok(loaded) => loaded,
        Err(refused) => {
            let findings = refused.errors().map(|error| Finding::fail("configuration", error.to_string()));
            return (Exit::Configuration, findings.collect());
        }
    };
    let config = &loaded.config;
    let mut findings = vec![Finding::ok("configuration", format!("{} can be run", path.display()))];
    let warnings = loaded.warnings.iter();
    findings.extend(warnings.map(|warning| Finding::warn("configuration", warning.to_string())));
    findings.push(file::readers(path));
    findings.extend(network::findings(config));
    findings.extend(machine::findings(config, &Machine::here()));
    (Exit::Well, findings)
}
