//! The scenario file: what a simulation is told, read by the same reader as the configuration.
//!
//! [`load()`] turns one TOML file, the configuration and the days of real calls that it names into a
//! [`Scenario`] of plain values, or into every problem that stands in the way. `docs/simulate.md` explains every
//! setting.

mod arrivals;
mod centre;
mod day;
mod groups;
pub(crate) mod lasting;
mod parts;
pub(crate) mod sheet;
mod staffing;
pub(crate) mod unplayed;
mod variants;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeTable;

use crate::config::reader::Section;
use crate::config::report::{Kind, Report};
use crate::config::{self, Config, Problem, Refused, Severity};

pub(crate) use arrivals::{Arrivals, Pattern, Target};
pub(crate) use day::{Day, Runs};
pub(crate) use groups::{Group, Ringing};
pub(crate) use parts::{Misfit, Where};
pub(crate) use staffing::Staffing;

use centre::Centre;
use parts::Parts;
use sheet::Sheets;

/// Everything that one file says.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// The file as it was named.
    pub(crate) file: String,
    /// What is simulated, from when to when.
    pub(crate) day: Day,
    /// How often, and from which seed.
    pub(crate) runs: Runs,
    /// The centre as written, then each `[[variant]]`.
    pub(crate) cases: Vec<Case>,
    /// What the search for numbers of agents aims at; also where the file has no `[staffing]`.
    pub(crate) staffing: Staffing,
    /// Whether the file asks for that search.
    pub(crate) wants_staffing: bool,
    /// What is allowed and probably not meant.
    pub(crate) warnings: Vec<Problem>,
    /// Every other file that was read: the configuration, the days of real calls.
    pub(crate) reads: Vec<PathBuf>,
    /// Where its parts begin.
    parts: Parts,
}

impl Scenario {
    /// What shows only when all has been read, with the file and the line.
    pub(crate) fn problem(&self, misfit: Misfit) -> Problem {
        let (line, column) = self.parts.place(&misfit.part);
        let file = self.file.clone();
        Problem { file, line, column, severity: Severity::Error, message: misfit.message }
    }
}

/// One way the day could be: the centre, who calls and who works.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The variant's name; empty for the scenario as written.
    pub(crate) name: String,
    /// Queues, and all agents who work that day, those of groups with a `count` included.
    pub(crate) config: Config,
    /// Who calls.
    pub(crate) arrivals: Vec<Arrivals>,
    /// How agents answer.
    pub(crate) ringing: Ringing,
    /// Who works, and when.
    pub(crate) groups: Vec<Group>,
}

/// What one reading of the tables gave, before the parts were put together.
struct Written {
    day: Day,
    runs: Runs,
    staffing: Staffing,
    wants_staffing: bool,
    parts: Parts,
    case: Case,
}

/// Reads and checks a scenario and all that it names. `config` stands in for the scenario's own `config`.
///
/// # Errors
///
/// Every problem that was found, in whichever of the files.
pub(crate) fn load(path: &Path, config: Option<&Path>) -> Result<Scenario, Refused> {
    let text = config::text_of(path, "name a scenario, as in `cordboard simulate day.toml`")?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&path.display().to_string(), &text, folder, config)
}

/// Checks a text; `name` stands for the file in the messages, and what it names is found from `folder`.
///
/// # Errors
///
/// Every problem that was found.
pub(super) fn parse(
    name: &str,
    text: &str,
    folder: &Path,
    config: Option<&Path>,
) -> Result<Scenario, Refused> {
    let tables = config::document(name, text)?;
    let sheets = Sheets::new(folder);
    let file = centre::file(&tables, folder, config);
    let other = file.as_deref().map(|file| config::text_of(file, centre::REMEDY)).transpose()?;
    let centre = Centre::new(name, text, &tables, file.as_deref().zip(other.as_deref()))?;
    let (written, mut warnings) = read(name, text, &tables, &centre, &sheets)?;
    let base =
        variants::Base { text, tables: &tables, centre: &centre, sheets: &sheets, warnings: &warnings };
    let (variants, further) = variants::read_all(name, &base)?;
    warnings.extend(further);
    let Written { day, runs, staffing, wants_staffing, parts, case } = written;
    let cases = std::iter::once(case).chain(variants).collect();
    let reads = file.into_iter().chain(sheets.files()).collect();
    let file = name.to_owned();
    Ok(Scenario { file, day, runs, cases, staffing, wants_staffing, warnings, reads, parts })
}

/// Reads all tables of a scenario, with the centre that goes with them.
fn read(
    name: &str,
    text: &str,
    tables: &DeTable<'_>,
    centre: &Centre<'_>,
    sheets: &Sheets,
) -> Result<(Written, Vec<Problem>), Refused> {
    let (config, mut problems) = centre.config();
    let report = Report::new(name, text);
    let written = read_tables(&report, tables, config, sheets);
    problems.extend(report.into_problems());
    problems.extend(sheets.take_problems());
    // The scenario itself first, whatever part of it was read first.
    problems.sort_by_key(|problem| if problem.file == name { problem.line } else { usize::MAX });
    config::judged(written, problems)
}

fn read_tables<'a>(
    report: &'a Report<'a>,
    tables: &'a DeTable<'a>,
    mut config: Config,
    sheets: &Sheets,
) -> Written {
    let mut file = Section::top(report, tables);
    centre::pass_over(&mut file);
    // A name that is there twice was reported when the configuration was read.
    let queues: BTreeSet<&str> = config.queues.iter().map(|queue| queue.name.as_str()).collect();
    queues
        .into_iter()
        .for_each(|queue| report.define(Kind::Queue, queue, place(tables, "queue", "name", queue)));
    let agents: BTreeSet<&str> = config.agents.iter().map(|agent| agent.id.as_str()).collect();
    agents
        .into_iter()
        .for_each(|agent| report.define(Kind::Agent, agent, place(tables, "agent", "id", agent)));
    for channel in config.channel_names() {
        report.define(Kind::Channel, channel, 0..0);
    }
    let day = day::read(&mut file.table("day"), &config);
    let runs = day::read_runs(&mut file.table("runs"));
    let ringing = groups::read_ringing(&mut file.table("ringing"), sheets);
    let arrivals = arrivals::read(&mut file, &day, &config, sheets);
    let groups = groups::read(&mut file, &day, &mut config);
    unplayed::warn(&config, &arrivals, &ringing, report);
    if !config.agents.is_empty() {
        skills_are_held(&config, report);
        config::warn_of_unstaffed(&config, report);
    }
    let wants_staffing = file.gives("staffing");
    let staffing = staffing::read(&mut file.table("staffing"), &groups);
    variants::pass_over(&mut file);
    drop(file);
    report.resolve();
    let parts = Parts::new(report, tables);
    let case = Case { name: String::new(), config, arrivals, ringing, groups };
    Written { day, runs, staffing, wants_staffing, parts, case }
}

/// Where a table of the scenario has its name; the beginning of the file where the configuration has it.
fn place(tables: &DeTable<'_>, kind: &str, key: &str, name: &str) -> std::ops::Range<usize> {
    let items = tables.get(kind).and_then(|items| items.get_ref().as_array());
    let names = items
        .into_iter()
        .flat_map(|items| items.iter())
        .filter_map(|item| item.get_ref().as_table()?.get(key));
    let mut names = names.filter(|value| value.get_ref().as_str() == Some(name));
    names.next().map_or(0..0, toml::Spanned::span)
}

/// Warns of skills that a queue asks for and nobody who works that day has.
fn skills_are_held(config: &Config, report: &Report<'_>) {
    let held: BTreeSet<&str> =
        config.agents.iter().flat_map(|agent| agent.skills.keys().map(String::as_str)).collect();
    for skill in config.required_skills().iter().filter(|skill| !held.contains(skill.as_str())) {
        let hint = config::spelling::hint(skill, held.iter().copied());
        let asks = |queue: &&config::Queue| queue.requirements().any(|text| text.contains(skill.as_str()));
        let queue = config.queues.iter().find(asks);
        let place = queue.map_or(0..0, |queue| report.place_of(Kind::Queue, &queue.name));
        let whose = queue.map_or_else(String::new, |queue| format!("queue \"{}\": ", queue.name));
        let remedy = "give it to an agent or a group, or correct the name";
        report.warning(place, format!("{whose}nobody who works has the skill \"{skill}\"{hint}; {remedy}"));
    }
}

/// The date in front of the times of a day, where it has one.
pub(crate) fn date(day: &Day) -> String {
    day.date.map_or_else(String::new, |date| format!("{date} "))
}

/// A time of day as people write it.
pub(crate) fn clock(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}
