//! Reading a table setting by setting: type, bounds and default in one call, and every key that nobody
//! asked for reported when the section is done.

pub(crate) mod figures;

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::report::{Kind, Report, Setting, Span};
use super::{spelling, units};

/// One table of the file. Whatever of it was not asked for is reported when it is dropped.
pub(crate) struct Section<'a> {
    report: &'a Report<'a>,
    /// `sip.timers`, `queue`
    path: String,
    /// What the messages begin with: `[sip]`, `agent "kim"`.
    label: String,
    table: Option<&'a DeTable<'a>>,
    span: Span,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(crate) fn top(report: &'a Report<'a>, table: &'a DeTable<'a>) -> Section<'a> {
        Section {
            report,
            path: String::new(),
            label: String::new(),
            table: Some(table),
            span: 0..0,
            asked: Vec::new(),
        }
    }

    /// Ends the reading without a word about settings that nobody asked for: somebody else does.
    pub(crate) fn leave_the_rest(mut self) {
        self.table = None;
    }

    pub(crate) fn report(&self) -> &'a Report<'a> {
        self.report
    }

    /// What the messages about it begin with.
    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// Where it begins.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Where a setting stands; of one that is not given, where the table begins.
    pub(crate) fn span_of(&self, key: &str) -> Span {
        self.peek(key).map_or_else(|| self.span(), Spanned::span)
    }

    /// Whether the file gives this setting, rightly or wrongly.
    pub(crate) fn gives(&self, key: &str) -> bool {
        self.peek(key).is_some()
    }

    pub(crate) fn error(&self, span: Span, message: impl AsRef<str>) {
        self.report.error(span, self.labelled(message.as_ref()));
    }

    pub(crate) fn warning(&self, span: Span, message: impl AsRef<str>) {
        self.report.warning(span, self.labelled(message.as_ref()));
    }

    fn labelled(&self, message: &str) -> String {
        if self.label.is_empty() { message.to_owned() } else { format!("{}: {message}", self.label) }
    }

    /// A table inside; where it is absent, an empty one, so that the defaults are read.
    pub(crate) fn table(&mut self, key: &'static str) -> Section<'a> {
        self.table_as(key, "{ key = \"value\" }")
    }

    /// The same, with what is written in place of something that is no table.
    fn table_as(&mut self, key: &'static str, example: &str) -> Section<'a> {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        let is_single = self.path.is_empty() || self.label.starts_with('[');
        let label = if is_single { format!("[{path}]") } else { format!("{} {key}", self.label) };
        let (table, span) = match self.value(key) {
            None => (None, self.span()),
            Some(value) => match value.get_ref() {
                DeValue::Table(table) => {
                    if self.path.is_empty() {
                        self.report.define(Kind::Table, key, value.span());
                    }
                    (Some(table), value.span())
                }
                DeValue::Array(items) if self.path.is_empty() => {
                    let message =
                        format!("there is one [{key}] only, headed with one bracket; write [{key}]");
                    self.error(value.span(), message);
                    (items.first().and_then(|first| first.get_ref().as_table()), value.span())
                }
                other => {
                    self.wrong_kind(key, value.span(), &format!("a table such as {example}"), other);
                    (None, value.span())
                }
            },
        };
        Section { report: self.report, path, label, table, span, asked: Vec::new() }
    }

    /// A table inside that changes something by being there.
    pub(crate) fn optional_table(&mut self, key: &'static str, example: &str) -> Option<Section<'a>> {
        self.describe(key, "none", "");
        self.if_table(key, example)
    }

    /// A table, if it is one: of what is none that is said, and not what it lacks.
    fn if_table(&mut self, key: &'static str, example: &str) -> Option<Section<'a>> {
        let is_table = self.peek(key).is_some_and(|value| value.get_ref().as_table().is_some());
        let section = self.table_as(key, example);
        is_table.then_some(section)
    }

    /// The tables of a `[[key]]` or of a list, each labelled by its `name_key` where it has one.
    pub(crate) fn tables(&mut self, key: &'static str, name_key: &'static str) -> Vec<Section<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let items = match value.get_ref() {
            DeValue::Array(items) => &items[..],
            // Read all the same, so that whoever names it is not told that it is absent.
            DeValue::Table(_) if self.path.is_empty() => {
                let message = format!(
                    "there may be several of [{key}], so each is headed with two brackets; write [[{key}]]"
                );
                self.error(value.span(), message);
                std::slice::from_ref(value)
            }
            other => {
                let remedy = if self.path.is_empty() {
                    format!("tables, each headed [[{key}]]")
                } else {
                    "a list of tables such as [{ key = \"value\" }]".to_owned()
                };
                self.wrong_kind(key, value.span(), &remedy, other);
                return Vec::new();
            }
        };
        let mut sections = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let DeValue::Table(table) = item.get_ref() else {
                self.wrong_kind(key, item.span(), "a table", item.get_ref());
                continue;
            };
            let name = table.get(name_key).and_then(|name| name.get_ref().as_str());
            let own = match name {
                Some(name) if self.path.is_empty() => format!("{key} \"{name}\""),
                Some(_) | None => format!("{key} {}", number + 1),
            };
            let label = if self.label.is_empty() { own } else { format!("{} {own}", self.label) };
            let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
            let section = Section {
                report: self.report,
                path,
                label,
                table: Some(table),
                span: item.span(),
                asked: Vec::new(),
            };
            sections.push(section);
        }
        sections
    }

    /// A text that may be absent.
    pub(crate) fn text(&mut self, key: &'static str) -> Option<(String, Span)> {
        self.describe(key, "none", "");
        self.string(key)
    }

    /// A text with a default, which is not handed out.
    pub(super) fn text_or(&mut self, key: &'static str, default: &str) -> Option<(String, Span)> {
        self.describe(key, default, "");
        self.string(key)
    }

    /// A text that must be there and not empty.
    pub(crate) fn required(&mut self, key: &'static str, example: &str) -> Option<(String, Span)> {
        self.describe(key, "", "");
        if self.peek(key).is_none() {
            self.error(self.span(), format!("`{key}` is missing; add {key} = \"{example}\""));
        }
        let (text, span) = self.string(key)?;
        if text.trim().is_empty() {
            self.error(span, format!("`{key}` is empty; write {key} = \"{example}\""));
            return None;
        }
        Some((text, span))
    }

    /// The name of the section itself, given to the report so that others may refer to it.
    pub(crate) fn name(&mut self, key: &'static str, kind: Kind, example: &str) -> String {
        let Some((name, span)) = self.required(key, example) else { return String::new() };
        if name.chars().any(|letter| letter.is_control() || letter.is_whitespace() && letter != ' ') {
            self.error(
                span.clone(),
                format!("`{key}` holds a line break or another control character; leave it out"),
            );
        }
        self.report.define(kind, &name, span);
        name
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        default: &'static str,
        words: &[(&'static str, T)],
    ) -> T {
        let listed = words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<String>>().join(", ");
        self.describe(key, default, &listed);
        let meaning =
            |wanted: &str| words.iter().find(|(word, _)| *word == wanted).map(|&(_, meaning)| meaning);
        let fallback = meaning(default).expect("the default is one of the words");
        let Some((text, span)) = self.string(key) else { return fallback };
        meaning(&text).unwrap_or_else(|| {
            let hint = spelling::hint(&text, words.iter().map(|(word, _)| *word));
            self.error(span, format!("`{key}` cannot be \"{text}\"{hint}; choose one of {listed}"));
            fallback
        })
    }

    /// A time with a default, within bounds; all three as they are written in the file.
    pub(crate) fn duration(&mut self, key: &'static str, default: &str, min: &str, max: &str) -> Duration {
        self.describe(key, default, &format!("{min} to {max}"));
        self.bounded_duration(key, min, max).unwrap_or_else(|| known_duration(default))
    }

    /// A time that may be absent.
    pub(crate) fn optional_duration(&mut self, key: &'static str, min: &str, max: &str) -> Option<Duration> {
        self.describe(key, "none", &format!("{min} to {max}"));
        self.bounded_duration(key, min, max)
    }

    /// A time that must be there.
    pub(crate) fn required_duration(&mut self, key: &'static str, min: &str, max: &str) -> Option<Duration> {
        self.describe(key, "", &format!("{min} to {max}"));
        if self.peek(key).is_none() {
            self.error(
                self.span(),
                format!("`{key}` is missing; add a time from {min} to {max}, as in {key} = \"20s\""),
            );
        }
        self.bounded_duration(key, min, max)
    }

    fn bounded_duration(&mut self, key: &'static str, min: &str, max: &str) -> Option<Duration> {
        let value = self.value(key)?;
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_kind(
                key,
                value.span(),
                "a time with its unit, such as \"20s\" or \"1m30s\"",
                value.get_ref(),
            );
            return None;
        };
        let Some(duration) = units::duration(text) else {
            let message = format!(
                "`{key}`: \"{text}\" is no time; write whole numbers with d, h, m, s or ms, as in \"1m30s\""
            );
            self.error(value.span(), message);
            return None;
        };
        if !(known_duration(min)..=known_duration(max)).contains(&duration) {
            self.error(value.span(), format!("`{key}`: {text} is out of range; choose from {min} to {max}"));
            return None;
        }
        Some(duration)
    }

    /// A whole number with a default, within bounds.
    pub(crate) fn integer(&mut self, key: &'static str, default: u32, bounds: RangeInclusive<u32>) -> u32 {
        self.describe(key, &default.to_string(), &format!("{} to {}", bounds.start(), bounds.end()));
        self.bounded_integer(key, bounds).unwrap_or(default)
    }

    /// A whole number that must be there.
    pub(crate) fn required_integer(&mut self, key: &'static str, bounds: RangeInclusive<u32>) -> Option<u32> {
        let (min, max) = (*bounds.start(), *bounds.end());
        self.describe(key, "", &format!("{min} to {max}"));
        if self.peek(key).is_none() {
            self.error(self.span(), format!("`{key}` is missing; add a number from {min} to {max}"));
        }
        self.bounded_integer(key, bounds)
    }

    fn bounded_integer(&mut self, key: &'static str, bounds: RangeInclusive<u32>) -> Option<u32> {
        let value = self.value(key)?;
        let (min, max) = (*bounds.start(), *bounds.end());
        let Some(number) = whole(value.get_ref()) else {
            if let Some(number) = value.get_ref().as_integer() {
                // So many digits that no number of ours holds it.
                let number = number.as_str();
                self.error(
                    value.span(),
                    format!("`{key}`: {number} is out of range; choose from {min} to {max}"),
                );
            } else {
                self.wrong_kind(key, value.span(), "a whole number without quotes", value.get_ref());
            }
            return None;
        };
        let fitting = u32::try_from(number).ok().filter(|number| bounds.contains(number));
        if fitting.is_none() {
            self.error(
                value.span(),
                format!("`{key}`: {number} is out of range; choose from {min} to {max}"),
            );
        }
        fitting
    }

    /// `true` or `false`.
    pub(crate) fn switch(&mut self, key: &'static str, default: bool) -> bool {
        self.describe(key, &default.to_string(), "");
        let Some(value) = self.value(key) else { return default };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.wrong_kind(key, value.span(), "true or false without quotes", value.get_ref());
            default
        })
    }

    /// A share as a percentage, from 1 % to 100 %, as a number between 0 and 1.
    pub(crate) fn share(&mut self, key: &'static str, default: &str) -> f64 {
        self.describe(key, default, "1% to 100%");
        let fallback = units::share(default).expect("the default is a percentage");
        let Some(value) = self.value(key) else { return fallback };
        let share =
            value.get_ref().as_str().and_then(units::share).filter(|share| (0.01..=1.0).contains(share));
        share.unwrap_or_else(|| {
            self.error(value.span(), format!("`{key}` is no percentage from 1 to 100; write it as \"80%\""));
            fallback
        })
    }

    /// One text or a list of texts; the default is the items parted by a blank, or nothing.
    pub(crate) fn one_or_more(&mut self, key: &'static str, default: &str) -> Vec<(String, Span)> {
        self.describe(key, if default.is_empty() { "none" } else { default }, "");
        if self.peek(key).is_none() {
            return default.split_whitespace().map(|item| (item.to_owned(), self.span())).collect();
        }
        self.texts(key)
    }

    fn texts(&mut self, key: &'static str) -> Vec<(String, Span)> {
        let Some(value) = self.value(key) else { return Vec::new() };
        match value.get_ref() {
            DeValue::String(text) => vec![(text.to_string(), value.span())],
            DeValue::Array(items) => items.iter().filter_map(|item| self.item(key, item)).collect(),
            other => {
                self.wrong_kind(key, value.span(), "a text or a list of texts", other);
                Vec::new()
            }
        }
    }

    /// The same where there must be one.
    pub(crate) fn one_at_least(&mut self, key: &'static str, example: &str) -> Vec<(String, Span)> {
        self.describe(key, "", "");
        match self.value(key).map(Spanned::get_ref) {
            None => self.error(self.span(), format!("`{key}` is missing; add {key} = \"{example}\"")),
            Some(DeValue::Array(items)) if items.is_empty() => {
                self.error(self.span(), format!("`{key}` is empty; write {key} = \"{example}\""));
            }
            Some(_) => return self.texts(key),
        }
        Vec::new()
    }

    fn item(&self, key: &str, item: &Spanned<DeValue<'_>>) -> Option<(String, Span)> {
        let text = item.get_ref().as_str();
        if text.is_none() {
            self.wrong_kind(key, item.span(), "a list of texts", item.get_ref());
        }
        Some((text?.to_owned(), item.span()))
    }

    /// A table of whole numbers by name, with the places of the names and of the numbers.
    pub(crate) fn numbers(&mut self, key: &'static str) -> Vec<(String, Span, i64, Span)> {
        self.describe(key, "none", "");
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_kind(
                key,
                value.span(),
                "a table such as { billing = 8, english = 5 }",
                value.get_ref(),
            );
            return Vec::new();
        };
        let mut numbers = Vec::new();
        for (name, value) in table {
            match whole(value.get_ref()) {
                Some(number) => numbers.push((name.get_ref().to_string(), name.span(), number, value.span())),
                None => self.wrong_kind(
                    name.get_ref(),
                    value.span(),
                    "a whole number without quotes",
                    value.get_ref(),
                ),
            }
        }
        numbers
    }

    fn string(&mut self, key: &'static str) -> Option<(String, Span)> {
        let value = self.value(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong_kind(key, value.span(), "a text in quotes", value.get_ref());
        }
        Some((text?.to_owned(), value.span()))
    }

    /// Never shows the value itself: it may be a secret.
    fn wrong_kind(&self, key: &str, span: Span, wanted: &str, found: &DeValue<'_>) {
        let found = found.type_str();
        let article = if found.starts_with(['a', 'i']) { "an" } else { "a" };
        self.error(span, format!("`{key}` is {article} {found}; write {wanted}"));
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.push(key);
        let value = self.peek(key)?;
        self.report.given(&self.label, key, value.span());
        Some(value)
    }

    fn peek(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table?.get(key)
    }

    fn describe(&mut self, key: &'static str, default: &str, bounds: &str) {
        self.asked.push(key);
        let table = self.path.clone();
        self.report.setting(Setting { table, key, default: default.to_owned(), bounds: bounds.to_owned() });
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        for (key, _) in self.table.into_iter().flatten() {
            let name = key.get_ref().as_ref();
            if !self.asked.contains(&name) {
                let hint = spelling::hint(name, self.asked.iter().copied());
                self.error(
                    key.span(),
                    format!("there is no setting `{name}`{hint}; correct it or leave it out"),
                );
            }
        }
    }
}

fn known_duration(text: &str) -> Duration {
    units::duration(text).expect("defaults and bounds are durations")
}

fn whole(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}
