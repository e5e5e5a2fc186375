//! What is wrong with a file, and the names that its parts give each other.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use super::spelling;

/// Bytes of the file.
pub(crate) type Span = Range<usize>;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can, and is probably not what was meant.
    Warning,
}

/// One thing that is wrong, where, and what repairs it.
///
/// Displays as `cordboard.toml:12:11: agent "kim": skill level 11 is out of range; levels are 1 to 10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// Whether the file can be used all the same.
    pub severity: Severity,
    /// What is wrong and the remedy. Never holds a secret.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        write!(f, "{}:{}:{}: {kind}", self.file, self.line, self.column)?;
        // What a file says is told as it stands, but for what a terminal would obey.
        for letter in self.message.chars() {
            if letter.is_control() {
                write!(f, "{}", letter.escape_default())?;
            } else {
                write!(f, "{letter}")?;
            }
        }
        Ok(())
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Trunk,
    Agent,
    Table,
    Calendar,
    Channel,
    Queue,
    Skill,
    Number,
    Reason,
    Group,
    Arrivals,
    Variant,
    Supervisor,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Trunk => "trunk",
            Kind::Agent => "agent",
            Kind::Table => "table",
            Kind::Calendar => "calendar",
            Kind::Channel => "channel",
            Kind::Queue => "queue",
            Kind::Skill => "skill",
            Kind::Number => "number",
            Kind::Reason => "reason",
            Kind::Group => "group",
            Kind::Arrivals => "arrivals",
            Kind::Variant => "variant",
            Kind::Supervisor => "supervisor",
        }
    }
}

/// A name used where it is not defined.
struct Mention {
    kind: Kind,
    name: String,
    span: Span,
    label: String,
}

/// One setting as the reader asked for it: what the page about the configuration must tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Setting {
    /// `sip.timers`, `queue`
    pub(crate) table: String,
    pub(crate) key: &'static str,
    /// As written in the file; empty where it must be given, `none` where it may be left out.
    pub(crate) default: String,
    /// `500ms to 5s`; empty where the kind of value says it all.
    pub(crate) bounds: String,
}

/// Collects problems, names and settings while a file is read.
pub(crate) struct Report<'a> {
    file: &'a str,
    text: &'a str,
    problems: RefCell<Vec<(Span, Severity, String)>>,
    names: RefCell<BTreeMap<(Kind, String), Span>>,
    mentions: RefCell<Vec<Mention>>,
    /// Where each setting stands that the file gives, by what the messages about its table begin with.
    places: RefCell<BTreeMap<(String, &'static str), Span>>,
    settings: RefCell<Vec<Setting>>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Report<'a> {
        Report {
            file,
            text,
            problems: RefCell::default(),
            names: RefCell::default(),
            mentions: RefCell::default(),
            places: RefCell::default(),
            settings: RefCell::default(),
        }
    }

    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    pub(crate) fn error(&self, span: Span, message: String) {
        self.problems.borrow_mut().push((span, Severity::Error, message));
    }

    pub(crate) fn warning(&self, span: Span, message: String) {
        self.problems.borrow_mut().push((span, Severity::Warning, message));
    }

    pub(crate) fn setting(&self, setting: Setting) {
        self.settings.borrow_mut().push(setting);
    }

    /// Gives a name; a second one of the same kind is an error, of skills not.
    pub(crate) fn define(&self, kind: Kind, name: &str, span: Span) {
        let mut names = self.names.borrow_mut();
        let key = (kind, name.to_owned());
        if let Some(first) = names.get(&key) {
            if kind != Kind::Skill {
                let (line, _) = self.place(first.start);
                let word = kind.word();
                self.error(
                    span,
                    format!("{word} \"{name}\" is there twice, first in line {line}; rename one of the two"),
                );
            }
        } else {
            names.insert(key, span);
        }
    }

    /// Uses a name; `label` says who does.
    pub(crate) fn mention(&self, kind: Kind, name: &str, span: Span, label: &str) {
        let mention = Mention { kind, name: name.to_owned(), span, label: label.to_owned() };
        self.mentions.borrow_mut().push(mention);
    }

    /// Where a name was given.
    pub(crate) fn place_of(&self, kind: Kind, name: &str) -> Span {
        self.names.borrow().get(&(kind, name.to_owned())).cloned().unwrap_or(0..0)
    }

    /// Notes where a setting stands; `label` is that of its table.
    pub(crate) fn given(&self, label: &str, key: &'static str, span: Span) {
        self.places.borrow_mut().insert((label.to_owned(), key), span);
    }

    /// Where the first of these settings stands that the file gives: each as the label of its table and its key.
    pub(crate) fn place_of_setting(&self, settings: &[(&str, &'static str)]) -> Option<Span> {
        let places = self.places.borrow();
        settings.iter().find_map(|&(label, key)| places.get(&(label.to_owned(), key)).cloned())
    }

    /// Every skill that something asks for.
    pub(crate) fn skills_asked_for(&self) -> Vec<String> {
        let mentions = self.mentions.borrow();
        let skills = mentions.iter().filter(|mention| mention.kind == Kind::Skill);
        let mut names: Vec<String> = skills.map(|mention| mention.name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Reports the names that were used and never given. A skill that nobody holds is allowed: it may be
    /// about to be hired.
    pub(crate) fn resolve(&self) {
        let names = self.names.borrow();
        for Mention { kind, name, span, label } in self.mentions.borrow().iter() {
            if names.contains_key(&(*kind, name.clone())) {
                continue;
            }
            let known = names.keys().filter(|(of, _)| of == kind).map(|(_, name)| name.as_str());
            let hint = spelling::hint(name, known);
            let word = kind.word();
            if *kind == Kind::Skill {
                let remedy = "give it to an agent or correct the name";
                self.warning(
                    span.clone(),
                    format!("{label}: no agent has the skill \"{name}\"{hint}; {remedy}"),
                );
            } else {
                let remedy = format!("add a [[{word}]] or correct the name");
                self.error(span.clone(), format!("{label}: there is no {word} \"{name}\"{hint}; {remedy}"));
            }
        }
    }

    /// The settings that were asked for, each once.
    #[cfg(test)]
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let mut settings = self.settings.borrow().clone();
        settings.sort();
        settings.dedup();
        settings
    }

    /// All problems in order of place, errors before warnings at the same place.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        let mut found = self.problems.take();
        found.sort_by(|left, right| (left.0.start, left.1, &left.2).cmp(&(right.0.start, right.1, &right.2)));
        found.dedup();
        let place = |(span, severity, message): (Span, Severity, String)| {
            let (line, column) = self.place(span.start);
            Problem { file: self.file.to_owned(), line, column, severity, message }
        };
        found.into_iter().map(place).collect()
    }

    /// Line and column, from 1, of a byte of the file.
    pub(crate) fn place(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}
