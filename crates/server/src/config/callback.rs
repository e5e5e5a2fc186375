//! `[queue.callback]`

use std::time::Duration;

use super::reader::Section;
use super::report::Kind;

/// How customers of a queue are called back who do not want to hold on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Who is called first.
    pub first: First,
    /// How often the customer is called before it ends.
    pub attempts: u32,
    /// How long it rests after an attempt that failed.
    pub spacing: Duration,
    /// How long it rests at its beginning.
    pub delay: Duration,
    /// How long the customer's phone rings.
    pub ring_timeout: Duration,
    /// How long an agent is offered nothing whose customer was not reached.
    pub pause: Duration,
    /// After so long it ends, wherever it stands.
    pub keep: Duration,
    /// So many at once; one more is refused.
    pub most: u32,
    /// The calendar of the hours in which customers are called; none: always.
    pub hours: Option<String>,
    /// The trunk to the customers; none: the first to which calls can be sent.
    pub trunk: Option<String>,
    /// Prefixes of the numbers that may be called beside the caller's own.
    pub allow: Vec<String>,
    /// Prefixes of numbers that are never called.
    pub deny: Vec<String>,
}

/// Who is called first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// The agent, then the customer.
    Agent,
    /// The customer, while an agent is held.
    Customer,
}

/// That of a queue, where it has one.
pub(super) fn read(queue: &mut Section<'_>) -> Option<Callback> {
    let mut section = queue.optional_table("callback", "{ trunk = \"carrier\" }")?;
    let hours = named(&mut section, "hours", Kind::Calendar);
    let trunk = named(&mut section, "trunk", Kind::Trunk);
    Some(Callback {
        first: section.word("first", "agent", &[("agent", First::Agent), ("customer", First::Customer)]),
        attempts: section.integer("attempts", 3, 1..=20),
        spacing: section.duration("spacing", "10m", "10s", "1d"),
        delay: section.duration("delay", "10s", "0s", "1h"),
        ring_timeout: section.duration("ring_timeout", "40s", "5s", "2m"),
        pause: section.duration("pause", "0s", "0s", "1h"),
        keep: section.duration("keep", "1d", "1m", "7d"),
        most: section.integer("most", 100, 1..=100_000),
        hours,
        trunk,
        allow: read_prefixes(&mut section, "allow"),
        deny: read_prefixes(&mut section, "deny"),
    })
}

fn named(section: &mut Section<'_>, key: &'static str, kind: Kind) -> Option<String> {
    let (name, span) = section.text(key)?;
    section.report().mention(kind, &name, span, section.label());
    Some(name)
}

fn read_prefixes(section: &mut Section<'_>, key: &'static str) -> Vec<String> {
    let prefixes = section.one_or_more(key, "");
    for (text, span) in &prefixes {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let is_prefix = !text.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_prefix {
            let message = format!(
                "`{key}`: \"{text}\" is no beginning of a telephone number; write digits, as in \"02\" or \"+82\""
            );
            section.error(span.clone(), message);
        }
    }
    prefixes.into_iter().map(|(text, _)| text).collect()
}
