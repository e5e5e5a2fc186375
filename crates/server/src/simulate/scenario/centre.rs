//! The queues and agents of a scenario: those of a configuration file, or tables of the same form in the
//! scenario itself.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use crate::config::reader::Section;
use crate::config::{self, Config, Problem, Refused, Severity};

/// What to do where the configuration cannot be read.
pub(super) const REMEDY: &str =
    "correct `config` in the scenario, which begins where the scenario is, or give --config FILE";

/// The tables of the scenario that are those of a configuration.
const TABLES: [&str; 6] = ["queue", "agent", "entry", "routing", "calendar", "channel"];

/// Where the configuration of a scenario is, if it has one: that of the command line is before its own.
pub(super) fn file(tables: &DeTable<'_>, folder: &Path, given: Option<&Path>) -> Option<PathBuf> {
    let own = || tables.get("config")?.get_ref().as_str().map(|file| folder.join(file));
    given.map(Path::to_owned).or_else(own)
}

/// Marks what this module reads as asked for.
pub(super) fn pass_over(file: &mut Section<'_>) {
    file.text("config");
    for table in TABLES {
        file.raw(table);
    }
}

/// Tables of a configuration, whole, and where they came from.
#[derive(Clone)]
pub(super) struct Centre<'a> {
    name: String,
    text: &'a str,
    pub(super) tables: DeTable<'a>,
    /// Whether the tables stand in the scenario: then it lacks everything about telephony.
    inline: bool,
}

impl<'a> Centre<'a> {
    /// The centre of a scenario; `other` is the path and the text of its configuration file.
    pub(super) fn new(
        name: &str,
        text: &'a str,
        tables: &DeTable<'a>,
        other: Option<(&Path, &'a str)>,
    ) -> Result<Centre<'a>, Refused> {
        let own: Vec<&str> = TABLES.into_iter().filter(|table| tables.contains_key(*table)).collect();
        let Some((file, other)) = other else {
            if !tables.contains_key("queue") {
                let message = "there is no queue; name your configuration with config = \"cordboard.toml\" \
                 or --config FILE, or add a [[queue]]";
                return Err(refusal(name, 1, message.to_owned()));
            }
            let own = own.into_iter().filter_map(|table| tables.get_key_value(table));
            let tables = own.map(|(key, value)| (key.clone(), value.clone())).collect();
            return Ok(Centre { name: name.to_owned(), text, tables, inline: true });
        };
        if let Some((key, _)) = own.first().and_then(|table| tables.get_key_value(*table)) {
            let before = text.get(..key.span().start).unwrap_or_default();
            let table = own[0];
            let message = format!(
                "`{table}` stands in the configuration {} already; leave it out, or change single settings \
                 in a [[variant]]",
                file.display()
            );
            return Err(refusal(name, before.matches('\n').count() + 1, message));
        }
        let name = file.display().to_string();
        Ok(Centre { tables: config::document(&name, other)?, name, text: other, inline: false })
    }

    /// The configuration, checked like any other, and what is wrong or odd about it.
    pub(super) fn config(&self) -> (Config, Vec<Problem>) {
        // Agents that are not there may be in groups: who lacks what is looked at when these are known.
        let is_about_all =
            |problem: &Problem| problem.severity == Severity::Error || !problem.message.contains("no agent ");
        if !self.inline {
            let (config, mut problems) = config::of_document(&self.name, self.text, &self.tables);
            problems.retain(is_about_all);
            return (config, problems);
        }
        let (config, mut problems) =
            config::of_document(&self.name, self.text, &with_telephony(&self.tables));
        // What is said of the file as a whole speaks of telephony.
        problems.retain(|problem| {
            is_about_all(problem) && (problem.severity == Severity::Error || problem.line > 1)
        });
        (config, problems)
    }
}

fn refusal(file: &str, line: usize, message: String) -> Refused {
    let problem = Problem { file: file.to_owned(), line, column: 1, severity: Severity::Error, message };
    Refused { problems: vec![problem] }
}

/// The tables with what a configuration must have beside them, and a simulation never uses: a domain, a media
/// address, a trunk, phones.
fn with_telephony<'a>(tables: &DeTable<'a>) -> DeTable<'a> {
    let mut all = tables.clone();
    all.insert(key("sip"), table(&[("domain", "simulation.invalid")]));
    all.insert(key("media"), table(&[("address", "192.0.2.1")]));
    let trunk =
        table(&[("name", "simulation"), ("from", "192.0.2.0/24"), ("outbound_proxy", "sip:192.0.2.2")]);
    let mut trunks = DeArray::new();
    trunks.push(trunk);
    all.insert(key("trunk"), Spanned::new(0..0, DeValue::Array(trunks)));
    if let Some(DeValue::Array(agents)) = all.get_mut("agent").map(Spanned::get_mut) {
        for agent in agents.iter_mut() {
            if let DeValue::Table(agent) = agent.get_mut()
                && !agent.contains_key("password")
                && !agent.contains_key("contact")
            {
                agent.insert(key("contact"), word("sip:agent@192.0.2.2"));
            }
        }
    }
    all
}

fn table(settings: &[(&'static str, &'static str)]) -> Spanned<DeValue<'static>> {
    let settings = settings.iter().map(|(name, value)| (key(name), word(value)));
    Spanned::new(0..0, DeValue::Table(settings.collect()))
}

fn key(name: &'static str) -> Spanned<DeString<'static>> {
    Spanned::new(0..0, DeString::Borrowed(name))
}

fn word(text: &'static str) -> Spanned<DeValue<'static>> {
    Spanned::new(0..0, DeValue::String(DeString::Borrowed(text)))
}
