//! The configuration file: read, checked and explained.
//!
//! [`load()`] turns one TOML file into a [`Config`] of plain values (addresses, durations, texts), or into
//! every [`Problem`] that stands in the way, each with its line, its column and its remedy. It opens no
//! socket and resolves no name; ids of skills and queues are given later, by whoever builds the machines.
//! `docs/configuration.md` explains every setting.

use std::fmt;
use std::path::Path;

mod agent;
pub(crate) mod calendar;
mod callback;
pub(crate) mod channel;
mod checks;
mod circles;
pub(crate) mod entry;
mod http;
mod live;
mod log;
mod media;
mod network;
mod otlp;
mod overflow;
mod queue;
pub(crate) mod reader;
pub(crate) mod report;
mod requirement;
mod routing;
mod secret;
mod sip;
pub(crate) mod spelling;
mod staffing;
#[cfg(test)]
mod tests;
mod trunk;
pub(crate) mod units;

pub use agent::{Agent, LogIn, Reach};
pub use calendar::Calendar;
pub use callback::{Callback, First};
pub use channel::{Capacity, Channel, VOICE, capacity_of};
pub use entry::{Entry, EntryAgents, Number, Reason, Supervisor, WithoutThem};
pub use http::Http;
pub use log::{Log, LogFormat, LogLevel};
pub use media::{Media, PortRange};
pub use network::{Addresses, Listen, Network, Transport};
pub use otlp::{Endpoint, Otlp};
pub use overflow::{Condition, Overflow};
pub use queue::{
    AtClosing, BackOff, BackOffs, Closed, Exit, IdleClock, LastAgent, MaxLength, MaxWait, NobodyLoggedIn,
    Queue, Reserve, ServiceLevel, Step, StepMode, Strategy, Waiting,
};
pub use report::{Problem, Severity};
pub use routing::{DistributorThread, Routing, Selection};
pub use secret::Secret;
pub use sip::{Digest, Registrar, Sip, SipLimits, SipTimers};
pub use trunk::{Credentials, MediaPath, Trunk};

use toml::de::DeTable;

use reader::Section;
use report::Report;

/// Everything that one file configures. References between its parts have been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `[sip]`
    pub sip: Sip,
    /// `[media]`
    pub media: Media,
    /// `[http]`
    pub http: Http,
    /// `[log]`
    pub log: Log,
    /// `[otlp]`
    pub otlp: Otlp,
    /// `[routing]`: what all queues share.
    pub routing: Routing,
    /// `[[trunk]]`, in order of the file.
    pub trunks: Vec<Trunk>,
    /// `[[agent]]`, in order of the file.
    pub agents: Vec<Agent>,
    /// `[[calendar]]`, in order of the file.
    pub calendars: Vec<Calendar>,
    /// `[[channel]]`, in order of the file.
    pub channels: Vec<Channel>,
    /// `[[queue]]`, in order of the file.
    pub queues: Vec<Queue>,
    /// `[[entry]]`, in order of the file.
    pub entries: Vec<Entry>,
    /// `[[reason]]`, in order of the file.
    pub reasons: Vec<Reason>,
    /// `[[supervisor]]`, in order of the file.
    pub supervisors: Vec<Supervisor>,
}

impl Config {
    /// Where a call to this number enters: the entry that names it, else the longest prefix, else `*`.
    pub fn entry_for(&self, number: &str) -> Option<&Entry> {
        let fitting = self.entries.iter().filter(|entry| entry.number.fits(number));
        fitting.max_by_key(|entry| entry.number.weight())
    }

    /// Every channel, once; that of calls is always there.
    pub(crate) fn channel_names(&self) -> impl Iterator<Item = &str> {
        let names = self.channels.iter().map(|channel| channel.name.as_str());
        std::iter::once(VOICE).chain(names.filter(|name| *name != VOICE))
    }

    /// Every skill that a requirement names, in order of name.
    pub(crate) fn required_skills(&self) -> std::collections::BTreeSet<String> {
        let queues = self.queues.iter().flat_map(Queue::requirements);
        let wanted = queues.chain(self.entries.iter().filter_map(|entry| entry.require.as_deref()));
        wanted.flat_map(requirement::skills).collect()
    }

    /// Every skill that an agent holds or a requirement names, in order of name.
    pub fn skills(&self) -> Vec<String> {
        let held = self.agents.iter().flat_map(|agent| agent.skills.keys().cloned());
        let queues = self.queues.iter().flat_map(Queue::requirements);
        let wanted = queues.chain(self.entries.iter().filter_map(|entry| entry.require.as_deref()));
        let mut skills: Vec<String> = held.chain(wanted.flat_map(requirement::skills)).collect();
        skills.sort();
        skills.dedup();
        skills
    }
}

/// How passwords are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Passwords {
    /// Empty, short and well-known ones are refused.
    #[default]
    Strong,
    /// Anything goes: the built-in contact centre that only listens on loopback.
    Any,
}

/// A configuration that can be run, and what is odd about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is allowed and probably not meant.
    pub warnings: Vec<Problem>,
}

/// Why a file cannot be used. Displays as one line a problem, in order of place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// At least one error; warnings among them.
    pub problems: Vec<Problem>,
}

impl Refused {
    /// What stands in the way, without the warnings.
    pub fn errors(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| problem.severity == Severity::Error)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Refused {}

/// Reads and checks a file, the files that it names included.
///
/// # Errors
///
/// Every problem that was found; the file's own absence is one.
pub fn load(path: &Path, passwords: Passwords) -> Result<Loaded, Refused> {
    let name = path.display().to_string();
    let text = text_of(path, "give another file with `-c FILE`")?;
    check(&name, &text, passwords, |config, report| {
        checks::files(config, path.parent().unwrap_or(Path::new("")), report);
        channel::check_live(config, report);
        live::check(config, report);
    })
}

/// The text of a file; the remedy says what to do where it cannot be read.
///
/// # Errors
///
/// The problem, as one in its first line.
pub(crate) fn text_of(path: &Path, remedy: &str) -> Result<String, Refused> {
    let refused = |line, message| {
        let file = path.display().to_string();
        let problem = Problem { file, line, column: 1, severity: Severity::Error, message };
        Refused { problems: vec![problem] }
    };
    let octets =
        std::fs::read(path).map_err(|error| refused(1, format!("cannot be read: {error}; {remedy}")))?;
    String::from_utf8(octets).map_err(|error| {
        let line = line_of(error.as_bytes(), error.utf8_error().valid_up_to());
        refused(line, NOT_UTF_8.to_owned())
    })
}

/// What is said of a text in another encoding.
pub(crate) const NOT_UTF_8: &str = "holds octets that are no UTF-8; save it as UTF-8";

/// The line, from 1, in which an octet stands.
pub(crate) fn line_of(octets: &[u8], at: usize) -> usize {
    octets.iter().take(at).filter(|octet| **octet == b'\n').count() + 1
}

/// Warns of queues and entries whose requirements nobody of this configuration meets.
pub(crate) fn warn_of_unstaffed(config: &Config, report: &Report<'_>) {
    staffing::check(config, report);
}

/// Checks a text; `name` stands for the file in the messages. Files that it names are not looked for.
///
/// # Errors
///
/// Every problem that was found.
pub fn parse(name: &str, text: &str, passwords: Passwords) -> Result<Loaded, Refused> {
    check(name, text, passwords, |_, _| {})
}

fn check(
    name: &str,
    text: &str,
    passwords: Passwords,
    further: impl FnOnce(&Config, &Report<'_>),
) -> Result<Loaded, Refused> {
    let document = document(name, text)?;
    let report = Report::new(name, text);
    let config = read(&report, &document, passwords);
    further(&config, &report);
    let (config, warnings) = judged(config, report.into_problems())?;
    Ok(Loaded { config, warnings })
}

/// The tables of a text.
///
/// # Errors
///
/// What is no TOML.
pub(crate) fn document<'a>(name: &str, text: &'a str) -> Result<DeTable<'a>, Refused> {
    let report = Report::new(name, text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let remedy =
            several(text, &span).unwrap_or_else(|| "the syntax is explained at https://toml.io".to_owned());
        report.error(span, format!("{}; {remedy}", error.message()));
    }
    if errors.is_empty() {
        Ok(document.into_inner())
    } else {
        Err(Refused { problems: report.into_problems() })
    }
}

/// Reads tables that came from a text and may have been changed since: what a simulation varies. Files that they
/// name are not looked for. Where something is wrong the configuration has a stand-in, and an error is among the
/// problems.
pub(crate) fn of_document(name: &str, text: &str, document: &DeTable<'_>) -> (Config, Vec<Problem>) {
    let report = Report::new(name, text);
    let config = read(&report, document, Passwords::Any);
    (config, report.into_problems())
}

/// What was read, unless an error is among what was found.
pub(crate) fn judged<T>(read: T, problems: Vec<Problem>) -> Result<(T, Vec<Problem>), Refused> {
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(Refused { problems });
    }
    Ok((read, problems))
}

/// What to do where a second `[queue]` was taken for the first one again.
fn several(text: &str, span: &std::ops::Range<usize>) -> Option<String> {
    const TABLES: [&str; 11] = [
        "trunk",
        "reason",
        "supervisor",
        "agent",
        "calendar",
        "channel",
        "queue",
        "entry",
        "arrivals",
        "group",
        "variant",
    ];
    let begin = text.get(..span.start)?.rfind('\n').map_or(0, |feed| feed + 1);
    let line = text[begin..].lines().next()?;
    let name = line.trim().trim_matches(['[', ']']).trim();
    TABLES
        .contains(&name)
        .then(|| format!("there may be several, each headed with two brackets: write [[{name}]]"))
}

/// Reads the whole file. Where something is wrong the value is a stand-in and the report holds an error.
fn read<'a>(report: &'a Report<'a>, document: &'a DeTable<'a>, passwords: Passwords) -> Config {
    let mut file = Section::top(report, document);
    let mut sip = sip::read(&mut file.table("sip"));
    let media = media::read(&mut file.table("media"), &mut sip);
    let http = http::read(&mut file.table("http"), passwords);
    let log = log::read(&mut file.table("log"));
    let otlp = otlp::read(&mut file.table("otlp"));
    let routing = routing::read(&mut file.table("routing"));
    let trunks = trunk::read(file.tables("trunk", "name"), passwords);
    let reasons = entry::read_reasons(file.tables("reason", "id"));
    let supervisors = entry::read_supervisors(file.tables("supervisor", "id"));
    let agents = agent::read(file.tables("agent", "id"), passwords);
    let calendars = calendar::read(file.tables("calendar", "name"));
    let channels = channel::read(file.tables("channel", "name"), report);
    let queues = queue::read(file.tables("queue", "name"));
    let entries = entry::read(file.tables("entry", "number"));
    drop(file);
    let config = Config {
        sip,
        media,
        http,
        log,
        otlp,
        routing,
        trunks,
        agents,
        calendars,
        channels,
        queues,
        entries,
        reasons,
        supervisors,
    };
    report.resolve();
    checks::whole(&config, report);
    channel::check(&config, report);
    staffing::check(&config, report);
    config
}
