//! `cordboard load`: callers and agents for this or any other SIP system, and what the system made of them.
//!
//! The scenario (`scenario`) says who calls how often and who answers; the machine of the crate `load` makes the messages;
//! `drive` gives it sockets and the clock, `audio` carries what callers and agents say, `search` tries one rate after the
//! other, and `report` and `page` write what was found.

mod audio;
mod drive;
mod page;
mod report;
mod scenario;
mod search;
#[cfg(test)]
mod tests;
mod timer;

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::config::Refused;
use crate::exit::Exit;
use crate::results::{Answer, Files, Overwritten};
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
    /// Where the results go.
    #[command(flatten)]
    pub files: Files,
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
    /// A file that is to be written is read, or is written twice.
    Overwritten(Overwritten),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Files(refused) => refused.fmt(f),
            Failure::Sockets(what, error) => write!(f, "{what}: {error}"),
            Failure::Overwritten(overwritten) => overwritten.fmt(f),
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
                Failure::Files(_) | Failure::Overwritten(_) => Exit::Configuration,
                Failure::Sockets(..) => Exit::System,
            }
        }
    }
}

fn load(options: &Options) -> Result<Exit, Failure> {
    let mut scenario = scenario::load(&options.scenario).map_err(Failure::Files)?;
    for warning in &scenario.warnings {
        eprintln!("{warning}");
    }
    scenario.seed = options.seed.unwrap_or(scenario.seed);
    let is_search = options.search || scenario.wants_search;
    let mut reads = scenario.reads.clone();
    reads.push(options.scenario.clone());
    options.files.spare(&reads).map_err(Failure::Overwritten)?;
    if options.check {
        return Ok(Answer::text(checked(&scenario, is_search)).tell());
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
    let is_missed = !results.missed().is_empty();
    let (csv, json, page) = (|| report::csv(&results), || report::json(&results), || page::page(&results));
    let exit = options.files.write(report::text(&results), csv, json, page).tell();
    Ok(match exit {
        _ if results.is_lost() => Exit::System,
        Exit::Well if is_missed => Exit::Missed,
        exit => exit,
    })
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
