//! `cordboard load`: callers and agents for this or any other SIP system, and what the system made of them.
//!
//! The scenario (`scenario`) says who calls how often and who answers; the machine of the crate `load` makes the messages;
//! `drive` gives it sockets and the clock, `search` tries one rate after the other, and `report` and `page` write what was
//! found.

mod drive;
mod page;
mod report;
mod scenario;
mod search;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::config::Refused;
use crate::exit::Exit;
use drive::{Ends, Interrupt, Shown};
use report::{Outcomes, Results};
use scenario::Scenario;

/// What a user says on the command line.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// The scenario.
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// Search the highest rate that the system holds, as `[search]` says.
    #[arg(long)]
    pub search: bool,
    /// Read everything, explain every error, and call nobody.
    #[arg(long)]
    pub check: bool,
    /// Write every figure into this file, one a line.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write everything into this file, for programs.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write a report with charts into this file; it needs nothing else.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// In place of the scenario's `seed`.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u32>,
}

/// Why there is no result.
#[derive(Debug)]
enum Failure {
    /// A file is wrong.
    Files(Refused),
    /// Sockets, or what the system under test does to a stream.
    Sockets(String, io::Error),
    /// A file cannot be written.
    Write(PathBuf, io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Files(refused) => refused.fmt(f),
            Failure::Sockets(what, error) => write!(f, "{what}: {error}"),
            Failure::Write(file, error) => {
                let remedy = "name a file in a folder that is there";
                write!(f, "{} cannot be written: {error}; {remedy}", file.display())
            }
        }
    }
}

impl std::error::Error for Failure {}

/// Does what the user asked for.
pub fn run(options: &Options) -> Exit {
    match load(options) {
        Ok(exit) => exit,
        Err(failure) => {
            eprintln!("{failure}");
            match failure {
                Failure::Files(_) => Exit::Configuration,
                Failure::Sockets(..) | Failure::Write(..) => Exit::System,
            }
        }
    }
}

/// Shows a text; what becomes of it.
fn told(text: &str) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("the result cannot be written to the standard output: {error}; make room");
            Exit::System
        }
        // Whoever closes the pipe has seen enough.
        Ok(()) | Err(_) => Exit::Well,
    }
}

fn load(options: &Options) -> Result<Exit, Failure> {
    let mut scenario = scenario::load(&options.scenario).map_err(Failure::Files)?;
    for warning in &scenario.warnings {
        eprintln!("{warning}");
    }
    scenario.seed = options.seed.unwrap_or(scenario.seed);
    let is_search = options.search || scenario.wants_search;
    if options.check {
        return Ok(told(&checked(&scenario, is_search)));
    }
    let failed = |what: String| move |error| Failure::Sockets(what, error);
    let system = scenario.system;
    let mut ends = Ends::open(&scenario).map_err(failed(format!("no way to {system}")))?;
    let interrupt = Interrupt::listen().map_err(failed("Ctrl-C cannot be listened for".to_owned()))?;
    let mut shown = Shown::new();
    let ended = format!("the test at {system} ended");
    let found = if is_search {
        let found = search::search(&scenario, &mut ends, &interrupt, &mut shown);
        Outcomes::Search(found.map_err(failed(ended))?)
    } else {
        let plan = ends.plan(&scenario, u64::from(scenario.seed)).map_err(failed(ended))?;
        Outcomes::Test(Box::new(drive::drive(&mut ends, plan, &interrupt, &mut shown)))
    };
    let results = Results { scenario, found };
    // First of all what was found: a file that cannot be written shall not take it along.
    let exit = told(&report::text(&results));
    write(options.csv.as_deref(), || {
        report::csv(&results).map_err(|error| io::Error::other(error.to_string()))
    })?;
    write(options.json.as_deref(), || {
        let mut text = serde_json::to_vec_pretty(&report::json(&results))?;
        text.push(b'\n');
        Ok(text)
    })?;
    write(options.html.as_deref(), || Ok(page::page(&results).into_bytes()))?;
    for file in [&options.csv, &options.json, &options.html].into_iter().flatten() {
        told(&format!("written: {}\n", file.display()));
    }
    Ok(if results.is_lost() { Exit::System } else { exit })
}

/// What `--check` says of a scenario that is right.
fn checked(scenario: &Scenario, is_search: bool) -> String {
    let agents: usize = scenario.agents.iter().map(|agents| agents.accounts.len()).sum();
    let what = if is_search { "searched" } else { "tested" };
    format!(
        "{}: {} can be {what}; {} kinds of callers, at most {} calls a second, {agents} agents\n",
        scenario.file,
        scenario.system,
        scenario.callers.len(),
        scenario.peak(),
    )
}

fn write(file: Option<&Path>, bytes: impl FnOnce() -> io::Result<Vec<u8>>) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    bytes()
        .and_then(|bytes| std::fs::write(file, bytes))
        .map_err(|error| Failure::Write(file.to_owned(), error))
}
