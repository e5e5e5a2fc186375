//! `cordboard simulate`: what would happen on a day that did not happen.
//!
//! The scenario (`scenario`) says who calls and who works; queues and agents are those of a configuration, and
//! become the distributor's by the mapping of the live server (`model`). The crate `whatif` plays the days, on
//! several threads (`play`); here they become tables, files and a page (`table`, `files`, `page`), are
//! compared with variants (`comparison`), and give the fewest agents that suffice (`staffing`).

mod comparison;
mod erlang;
pub(crate) mod figures;
mod files;
mod model;
pub(crate) mod page;
mod play;
mod progress;
pub(crate) mod scenario;
mod service_level;
mod staffing;
mod table;
#[cfg(test)]
mod tests;
mod watching;
pub(crate) mod words;

use std::fmt;
use std::path::{Path, PathBuf};

use whatif::RunError;

use crate::cli::counted;
use crate::config::{Problem, Refused};
use crate::exit::Exit;
use crate::results::{Answer, Files, Overwritten};
use comparison::Difference;
use figures::Outcome;
use model::Built;
use play::Players;
use progress::Progress;
use scenario::{Case, Misfit, Scenario, Where};
use staffing::{Plan, Unplanned};
pub use watching::Watching;

/// What the figures of all days of all cases may take at most, in octets. Nearly always it is a fraction: a histogram
/// is counted with the buckets of the longest wait.
const OCTETS_MAX: usize = 4 * 1_024 * 1_024 * 1_024;

/// What a user says on the command line.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// The scenario.
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// The configuration whose queues and agents are simulated, in place of the scenario's `config`.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Another scenario, compared with the first on the same callers.
    #[arg(long, value_name = "SCENARIO")]
    pub compare: Option<PathBuf>,
    /// Search the fewest agents of this group that meet the targets; without a value, of the only group.
    #[arg(long, value_name = "GROUP", num_args = 0..=1, default_missing_value = "")]
    pub staff: Option<String>,
    /// Read everything, explain every error, and simulate nothing.
    #[arg(long)]
    pub check: bool,
    /// Where the results go.
    #[command(flatten)]
    pub files: Files,
    /// How many days, in place of the scenario's `replications`.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub replications: Option<u32>,
    /// In place of the scenario's `seed`.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u32>,
    /// How many threads; without it, one for each core. The result is the same.
    #[arg(long, value_name = "THREADS", value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub threads: Option<u32>,
    /// How closely the distributor is watched: `end` (its counters at the end of each day), `over-time` (also what must hold
    /// over time, after every step), `every` (also every invariant and choice, after every step), or a number N (the same
    /// after every Nth step). The result is the same.
    #[arg(long, value_name = "HOW", default_value = "end")]
    pub watch: Watching,
}

/// All that one call found out.
pub(crate) struct Results {
    pub(crate) scenario: Scenario,
    /// The scenario as written, its variants, the other scenario.
    pub(crate) outcomes: Vec<Outcome>,
    /// Each against the first.
    pub(crate) comparisons: Vec<(String, Vec<Difference>)>,
    /// Where it was asked for.
    pub(crate) staffing: Option<Plan>,
}

/// Why there is no result.
#[derive(Debug)]
enum Failure {
    /// A file is wrong.
    Files(Refused),
    /// The parts of a scenario do not fit each other.
    Scenario(Problem),
    /// A day cannot be played.
    Run(PathBuf, RunError),
    /// A file that is to be written is read, or is written twice.
    Overwritten(Overwritten),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Files(refused) => refused.fmt(f),
            Failure::Scenario(problem) => problem.fmt(f),
            Failure::Run(file, error) => write!(f, "{}: the day cannot be played: {error}", file.display()),
            Failure::Overwritten(overwritten) => overwritten.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

/// Does what the user asked for.
pub fn run(options: &Options) -> Exit {
    match simulate(options) {
        Ok(answer) => answer.tell(),
        Err(failure) => {
            eprintln!("{failure}");
            match failure {
                Failure::Files(_) | Failure::Scenario(_) | Failure::Overwritten(_) => Exit::Configuration,
                Failure::Run(_, error) => of_run(&error),
            }
        }
    }
}

/// Whose fault it is that a day cannot be played.
fn of_run(error: &RunError) -> Exit {
    match error {
        RunError::Model(_) | RunError::Settings { .. } | RunError::TooManyCustomers => Exit::Configuration,
        RunError::Refused(_)
        | RunError::NotConserved { .. }
        | RunError::Broken(_)
        | RunError::BrokenOverTime(_) => Exit::Fault,
    }
}

fn simulate(options: &Options) -> Result<Answer, Failure> {
    let mut scenario = read(&options.scenario, options)?;
    let mut reads = scenario.reads.clone();
    reads.push(options.scenario.clone());
    if let Some(other) = &options.compare {
        let (other_case, other_reads, warnings) = self::other(&scenario, other, options)?;
        scenario.cases.push(other_case);
        let further = warnings.into_iter().filter(|warning| !scenario.warnings.contains(warning));
        let further: Vec<Problem> = further.collect();
        scenario.warnings.extend(further);
        reads.extend(other_reads);
        reads.push(other.clone());
    }
    options.files.spare(&reads).map_err(Failure::Overwritten)?;
    if options.check {
        return checked(&scenario, options).map(Answer::text);
    }
    let results = results(scenario, options)?;
    let (csv, json, page) = (|| files::csv(&results), || files::json(&results), || page::page(&results));
    Ok(options.files.write(text(&results), csv, json, page))
}

fn read(file: &Path, options: &Options) -> Result<Scenario, Failure> {
    let mut scenario = scenario::load(file, options.config.as_deref()).map_err(Failure::Files)?;
    for warning in &scenario.warnings {
        eprintln!("{warning}");
    }
    let runs = &mut scenario.runs;
    runs.replications = options.replications.unwrap_or(runs.replications);
    runs.seed = options.seed.map_or(runs.seed, u64::from);
    Ok(scenario)
}

/// The other scenario as one more case of the first.
fn other(
    scenario: &Scenario,
    file: &Path,
    options: &Options,
) -> Result<(Case, Vec<PathBuf>, Vec<Problem>), Failure> {
    let other = read(file, options)?;
    let differ = scenario.day.differences(&other.day);
    if !differ.is_empty() {
        let message = format!(
            "its [day] is not that of {}: {}; make the two equal, because only the same callers on the same days can be \
             compared",
            scenario.file,
            differ.join(", "),
        );
        return Err(Failure::Scenario(other.problem(Misfit::new(Where::Day, message))));
    }
    let case = other.cases.into_iter().next().expect("a scenario has a case as written");
    Ok((Case { name: file.display().to_string(), ..case }, other.reads, other.warnings))
}

/// What `--check` says of a scenario that is right.
fn checked(scenario: &Scenario, options: &Options) -> Result<String, Failure> {
    let built = build_all(scenario, options)?;
    if wants_staffing(scenario, options) {
        let checked = staffing::check(scenario, &scenario.cases[0], &built[0], sought(options));
        checked.map_err(|misfit| Failure::Scenario(scenario.problem(misfit)))?;
    }
    let case = &scenario.cases[0];
    let calls: f64 = case.arrivals.iter().map(scenario::Arrivals::calls).sum();
    Ok(format!(
        "{}: can be simulated; {}, {} in {}, {calls:.0} calls a day, {}, {}\n",
        scenario.file,
        counted(case.config.queues.len(), "queue", "queues"),
        counted(case.config.agents.len(), "agent", "agents"),
        counted(case.groups.len(), "group", "groups"),
        counted(scenario.day.intervals(), "interval", "intervals"),
        counted(scenario.cases.len() - 1, "variant", "variants"),
    ))
}

fn wants_staffing(scenario: &Scenario, options: &Options) -> bool {
    options.staff.is_some() || scenario.wants_staffing
}

/// The group whose number is sought, where it is named.
fn sought(options: &Options) -> Option<&str> {
    options.staff.as_deref().filter(|group| !group.is_empty())
}

/// The models of all cases, unless their days would take too much memory.
fn build_all(scenario: &Scenario, options: &Options) -> Result<Vec<Built>, Failure> {
    let failure = |misfit| Failure::Scenario(scenario.problem(misfit));
    let build = |case| model::build(&scenario.day, &scenario.runs, case).map_err(failure);
    let built: Vec<Built> = scenario.cases.iter().map(build).collect::<Result<_, _>>()?;
    let days = usize::try_from(scenario.runs.replications).unwrap_or(usize::MAX);
    // The search ends with one more case.
    let last = built.first().filter(|_| wants_staffing(scenario, options));
    let octets = built.iter().chain(last).map(|built| built.model.octets_a_day().saturating_mul(days));
    let octets = octets.fold(0, usize::saturating_add);
    if octets > OCTETS_MAX {
        let mebi = |octets: usize| octets / (1_024 * 1_024);
        let message = format!(
            "the figures of all days of all cases could take {} MiB of memory; {} are the most: choose longer \
             intervals, fewer `replications` or fewer variants",
            mebi(octets),
            mebi(OCTETS_MAX),
        );
        return Err(failure(Misfit::new(Where::Runs, message)));
    }
    Ok(built)
}

fn results(scenario: Scenario, options: &Options) -> Result<Results, Failure> {
    let file = PathBuf::from(&scenario.file);
    let built = build_all(&scenario, options)?;
    let progress = Progress::new();
    let threads =
        options.threads.map_or_else(play::cores, |threads| usize::try_from(threads).unwrap_or(usize::MAX));
    let players = Players { threads, watch: options.watch.watch(), progress: &progress };
    let runs = scenario.runs;
    progress.expect(u64::from(runs.replications) * built.len() as u64);
    let mut outcomes = Vec::new();
    for (case, built) in scenario.cases.iter().zip(&built) {
        let days = players.play(&built.model, runs.seed, runs.replications);
        let days = days.map_err(|error| Failure::Run(file.clone(), error))?;
        outcomes.push(figures::outcome(case, built, days, &runs));
    }
    let comparisons = outcomes[1..].iter();
    let comparisons = comparisons
        .map(|other| (other.name.clone(), comparison::compare(&outcomes[0], other, &runs)))
        .collect();
    let staffing = if wants_staffing(&scenario, options) {
        let plan = staffing::plan(&scenario, &scenario.cases[0], &built[0], sought(options), &players);
        Some(plan.map_err(|unplanned| match unplanned {
            Unplanned::Scenario(misfit) => Failure::Scenario(scenario.problem(misfit)),
            Unplanned::Run(error) => Failure::Run(file, error),
        })?)
    } else {
        None
    };
    progress.end();
    Ok(Results { scenario, outcomes, comparisons, staffing })
}

/// What the terminal shows.
fn text(results: &Results) -> String {
    let mut text = table::head(&results.scenario);
    text.push_str(&table::outcome(&results.scenario, &results.outcomes[0]));
    for (outcome, (_, differences)) in results.outcomes[1..].iter().zip(&results.comparisons) {
        text.push_str(&table::comparison(&results.scenario, outcome, differences));
    }
    if let Some(plan) = &results.staffing {
        text.push_str(&table::staffing(&results.scenario, plan));
    }
    text
}
