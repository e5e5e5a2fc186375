//! `[[variant]]`: the same day with single settings changed.
//!
//! A variant names a setting by the table, the name and the key: `agent.kim.skills.english = 6`. The change is
//! laid over the tables as they were written, and these are read again, so that whatever can be configured can
//! be varied, and is checked as always.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::centre::Centre;
use super::sheet::Sheets;
use super::{Case, read};
use crate::config::reader::Section;
use crate::config::report::{Kind, Report, Span};
use crate::config::{Problem, Refused, Severity, judged, spelling};

/// The most names that an error lists.
const NAMES_MAX: usize = 12;
/// The most variants of one scenario.
const VARIANTS_MAX: usize = 20;
/// The value that takes a setting away.
const NONE: &str = "none";

/// A kind of table that can be varied, and which of its settings is the name.
struct Varied {
    kind: &'static str,
    names: &'static [&'static str],
    /// Whether it belongs to the configuration.
    of_centre: bool,
}

const VARIED: [Varied; 9] = [
    Varied { kind: "agent", names: &["id"], of_centre: true },
    Varied { kind: "queue", names: &["name"], of_centre: true },
    Varied { kind: "entry", names: &["number"], of_centre: true },
    Varied { kind: "routing", names: &[], of_centre: true },
    Varied { kind: "channel", names: &["name"], of_centre: true },
    Varied { kind: "calendar", names: &["name"], of_centre: true },
    Varied { kind: "group", names: &["name"], of_centre: false },
    Varied { kind: "arrivals", names: &["name", "queue", "number"], of_centre: false },
    Varied { kind: "ringing", names: &[], of_centre: false },
];

/// One setting that a variant gives.
struct Change<'a> {
    varied: &'static Varied,
    /// Name and keys.
    path: Vec<Spanned<DeString<'a>>>,
    value: Spanned<DeValue<'a>>,
}

impl Change<'_> {
    fn span(&self) -> Span {
        self.path.last().map_or(0..0, Spanned::span)
    }

    fn shown(&self) -> String {
        let keys: Vec<&str> = self.path.iter().map(|key| key.get_ref().as_ref()).collect();
        format!("{}.{}", self.varied.kind, keys.join("."))
    }
}

/// Marks what this module reads as asked for.
pub(super) fn pass_over(file: &mut Section<'_>) {
    file.raw("variant");
}

/// The scenario as it was written.
pub(super) struct Base<'b, 'a> {
    pub(super) text: &'a str,
    pub(super) tables: &'b DeTable<'a>,
    pub(super) centre: &'b Centre<'a>,
    pub(super) sheets: &'b Sheets,
    /// What was told of it already.
    pub(super) warnings: &'b [Problem],
}

/// Reads all variants of a scenario whose tables are right as they stand, and what is odd about them.
pub(super) fn read_all(name: &str, base: &Base<'_, '_>) -> Result<(Vec<Case>, Vec<Problem>), Refused> {
    let report = Report::new(name, base.text);
    let mut cases = Vec::new();
    let mut file = Section::top(&report, base.tables);
    let sections = file.tables("variant", "name");
    if sections.len() > VARIANTS_MAX {
        report.error(
            sections[VARIANTS_MAX].span(),
            format!("more than {VARIANTS_MAX} variants; compare fewer at once"),
        );
    }
    for mut section in sections {
        let name = section.name("name", Kind::Variant, "kim also speaks English");
        let changes = changes(&mut section);
        let is_of_all = tell_fixed(&mut section);
        if changes.is_empty() && !is_of_all {
            section
                .error(section.span(), "changes nothing; name a setting, as in agent.kim.skills.english = 6");
        }
        if let Some(case) = varied(&section, &changes, base) {
            cases.push(Case { name, ..case });
        }
    }
    // Only the variants are read here: all else was asked for when the scenario was read.
    file.leave_the_rest();
    let problems = report.into_problems();
    judged(cases, problems)
}

/// Tells of settings that are the same in all cases. Whether there were some.
fn tell_fixed(section: &mut Section<'_>) -> bool {
    let mut is_told = false;
    for key in ["day", "runs", "staffing"] {
        if let Some(value) = section.raw(key) {
            let remedy = "leave it out, and simulate such a day by itself";
            section.error(
                value.span(),
                format!("[{key}] cannot be varied, because cases are compared on the same days; {remedy}"),
            );
            is_told = true;
        }
    }
    is_told
}

/// The settings that a variant gives, in order of the file.
fn changes<'a>(section: &mut Section<'a>) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    for varied in &VARIED {
        let Some(value) = section.raw(varied.kind) else { continue };
        let DeValue::Table(table) = value.get_ref() else {
            let example = if varied.names.is_empty() { "key" } else { "NAME.key" };
            section.error(
                value.span(),
                format!("`{}` must name a setting; write {}.{example} = value", varied.kind, varied.kind),
            );
            continue;
        };
        collect(varied, table, &mut Vec::new(), &mut changes);
    }
    changes.sort_by_key(|change| change.span().start);
    changes
}

fn collect<'a>(
    varied: &'static Varied,
    table: &DeTable<'a>,
    path: &mut Vec<Spanned<DeString<'a>>>,
    changes: &mut Vec<Change<'a>>,
) {
    for (key, value) in table {
        path.push(key.clone());
        match value.get_ref() {
            DeValue::Table(inner) => collect(varied, inner, path, changes),
            _ => changes.push(Change { varied, path: path.clone(), value: value.clone() }),
        }
        path.pop();
    }
}

/// The scenario with the changes laid over it. What is wrong then is told at the change that brings it.
fn varied<'a>(section: &Section<'_>, changes: &[Change<'a>], base: &Base<'_, 'a>) -> Option<Case> {
    let refused = match with(changes, base) {
        Ok((case, warnings)) => {
            warn(section, changes, base, &case, &warnings);
            return Some(case);
        }
        Err(refused) => refused,
    };
    // A later change may mend what an earlier one broke, so the guilty one is the first after which it is wrong
    // to the end.
    let sound = (0..changes.len()).rev().find(|&count| with(&changes[..count], base).is_ok());
    let guilty = &changes[sound.unwrap_or(0)];
    match refused {
        Wrong::Change(message) => section.error(guilty.span(), message),
        Wrong::Scenario(refused) => {
            let errors = refused.problems.iter().filter(|problem| problem.severity == Severity::Error);
            for problem in errors {
                section.error(guilty.span(), format!("with {}: {}", guilty.shown(), problem.message));
            }
        }
    }
    None
}

/// Tells what is odd with the changes and was not before.
fn warn(
    section: &Section<'_>,
    changes: &[Change<'_>],
    base: &Base<'_, '_>,
    case: &Case,
    warnings: &[Problem],
) {
    let required = case.config.required_skills();
    for change in changes.iter().filter(|change| change.varied.kind == "agent") {
        let keys: Vec<&str> = change.path.iter().map(|key| key.get_ref().as_ref()).collect();
        if let [_, "skills", skill] = keys[..]
            && change.value.get_ref().as_str() != Some(NONE)
            && !required.contains(skill)
        {
            let hint = spelling::hint(skill, required.iter().map(String::as_str));
            let remedy = "correct the name, or leave it out";
            let what = format!("`{}`: no queue asks for \"{skill}\"{hint}; {remedy}", change.shown());
            section.warning(change.span(), what);
        }
    }
    let is_new = |problem: &&Problem| !base.warnings.iter().any(|known| known.message == problem.message);
    let place = changes.last().map_or_else(|| section.span(), Change::span);
    for problem in warnings.iter().filter(is_new) {
        section.warning(place.clone(), format!("with it: {}", problem.message));
    }
}

/// Why there is no such case.
enum Wrong {
    /// A change names what is not there.
    Change(String),
    /// The scenario is wrong with it.
    Scenario(Refused),
}

fn with<'a>(changes: &[Change<'a>], base: &Base<'_, 'a>) -> Result<(Case, Vec<Problem>), Wrong> {
    let (mut tables, mut centre) = (base.tables.clone(), base.centre.clone());
    for change in changes {
        let target = if change.varied.of_centre { &mut centre.tables } else { &mut tables };
        lay_over(target, change).map_err(Wrong::Change)?;
    }
    let (written, warnings) = read("", base.text, &tables, &centre, base.sheets).map_err(Wrong::Scenario)?;
    Ok((written.case, warnings))
}

/// Lays one change over the tables.
fn lay_over<'a>(tables: &mut DeTable<'a>, change: &Change<'a>) -> Result<(), String> {
    let Varied { kind, names, .. } = change.varied;
    if names.is_empty() {
        let empty = Spanned::new(0..0, DeValue::Table(DeTable::new()));
        let key = Spanned::new(0..0, DeString::Borrowed(*kind));
        let table = tables.entry(key).or_insert(empty);
        return match table.get_mut() {
            DeValue::Table(table) => set(table, &change.path, &change.value),
            _ => Ok(()),
        };
    }
    let Some(DeValue::Array(items)) = tables.get_mut(*kind).map(Spanned::get_mut) else {
        return Err(format!(
            "there is no [[{kind}]] in the scenario or its configuration; leave `{}` out",
            change.shown()
        ));
    };
    let wanted = change.path[0].get_ref().as_ref();
    let name_of = |item: &Spanned<DeValue<'a>>| {
        let table = item.get_ref().as_table()?;
        let name = names.iter().find_map(|key| table.get(*key)?.get_ref().as_str());
        name.map(str::to_owned)
    };
    let known: Vec<String> = items.iter().filter_map(name_of).collect();
    let Some(place) = items.iter().position(|item| name_of(item).as_deref() == Some(wanted)) else {
        let hint = spelling::hint(wanted, known.iter().map(String::as_str));
        return Err(format!("there is no {kind} \"{wanted}\"{hint}; {}", one_of(&known)));
    };
    if change.path.len() == 1 {
        return Err(format!(
            "`{}` must name a setting of it, as in {kind}.{wanted}.KEY = value",
            change.shown()
        ));
    }
    match items.get_mut(place).expect("it was found there").get_mut() {
        DeValue::Table(table) => set(table, &change.path[1..], &change.value),
        _ => Ok(()),
    }
}

/// The names to choose from, unless they are too many to be read.
fn one_of(known: &[String]) -> String {
    if known.is_empty() || known.len() > NAMES_MAX {
        return "correct the name".to_owned();
    }
    let names: Vec<String> = known.iter().map(|name| format!("\"{name}\"")).collect();
    format!("name one of those here: {}", names.join(", "))
}

/// Sets, or takes away, what lies at a path.
fn set<'a>(
    table: &mut DeTable<'a>,
    path: &[Spanned<DeString<'a>>],
    value: &Spanned<DeValue<'a>>,
) -> Result<(), String> {
    let (key, rest) = path.split_first().expect("a change has a key");
    if rest.is_empty() {
        let taken = value.get_ref().as_str() == Some(NONE);
        if taken {
            table.remove(key.get_ref().as_ref());
        } else {
            table.insert(key.clone(), value.clone());
        }
        return Ok(());
    }
    let empty = Spanned::new(key.span(), DeValue::Table(DeTable::new()));
    match table.entry(key.clone()).or_insert(empty).get_mut() {
        DeValue::Table(inner) => set(inner, rest, value),
        _ => Err(format!(
            "`{}` is no table, so it has no `{}`; give the whole of it",
            key.get_ref(),
            rest[0].get_ref()
        )),
    }
}
