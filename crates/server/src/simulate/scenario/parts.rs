//! The parts of a scenario that a message may point at when all of it has been read.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use crate::config::report::Report;

/// Which part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Where {
    /// `[day]`
    Day,
    /// `[runs]`
    Runs,
    /// `[staffing]`
    Staffing,
    /// The first `[[group]]`.
    Groups,
    /// The `[[group]]` of this name.
    Group(String),
    /// The `[[arrivals]]` of this name, or without one of this queue or number.
    Arrivals(String),
}

impl Where {
    /// The table of the file.
    fn table(&self) -> &'static str {
        match self {
            Where::Day => "day",
            Where::Runs => "runs",
            Where::Staffing => "staffing",
            Where::Groups | Where::Group(_) => "group",
            Where::Arrivals(_) => "arrivals",
        }
    }
}

/// Something about a part that does not fit the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// Which part.
    pub(crate) part: Where,
    /// What is wrong, and the remedy.
    pub(crate) message: String,
}

impl Misfit {
    /// Something about a part.
    pub(crate) fn new(part: Where, message: impl Into<String>) -> Misfit {
        Misfit { part, message: message.into() }
    }
}

/// Where each part begins: line and column, from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts(BTreeMap<Where, (usize, usize)>);

impl Parts {
    pub(super) fn new(report: &Report<'_>, tables: &DeTable<'_>) -> Parts {
        let mut parts = BTreeMap::new();
        for part in [Where::Day, Where::Runs, Where::Staffing] {
            if let Some((key, _)) = tables.get_key_value(part.table()) {
                parts.insert(part, report.place(key.span().start));
            }
        }
        let named = |text: &str| {
            let names: &[&str] = if text == "group" { &["name"] } else { &["name", "queue", "number"] };
            let items = tables.get(text).and_then(|items| items.get_ref().as_array());
            let items = items.into_iter().flat_map(|items| items.iter());
            let named = items.filter_map(|item| {
                let table = item.get_ref().as_table()?;
                let value = names.iter().find_map(|key| table.get(*key))?;
                let DeValue::String(name) = value.get_ref() else { return None };
                Some((name.clone().into_owned(), report.place(value.span().start)))
            });
            named.collect::<Vec<_>>()
        };
        for (name, place) in named("group") {
            parts.entry(Where::Groups).or_insert(place);
            parts.entry(Where::Group(name)).or_insert(place);
        }
        for (name, place) in named("arrivals") {
            parts.entry(Where::Arrivals(name)).or_insert(place);
        }
        Parts(parts)
    }

    /// Where a part begins; the beginning of the file where that has none, so that the defaults hold.
    pub(super) fn place(&self, part: &Where) -> (usize, usize) {
        self.0.get(part).copied().unwrap_or((1, 1))
    }
}
