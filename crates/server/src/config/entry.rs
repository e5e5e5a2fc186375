//! `[[entry]]`, `[[reason]]` and `[[supervisor]]`

use std::time::Duration;

use acd::{ENTRIES_MAX, WANTED_MAX};

use super::queue::{Exit, exit_of, read_requirement};
use super::reader::Section;
use super::report::{Kind, Span};

/// Where calls to a number go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which number was dialled.
    pub number: Number,
    /// The queue; where there are several, the first of them.
    pub queue: String,
    /// Further queues in which its callers wait at the same time.
    pub also: Vec<String>,
    /// Points of priority, beside the queue's.
    pub priority: u32,
    /// What its callers need beside what the queue requires.
    pub require: Option<String>,
    /// Agents whom its callers want by name.
    pub wanted: Option<EntryAgents>,
}

/// Agents whom the callers of an entry want by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryAgents {
    /// The first of several comes first. None twice.
    pub agents: Vec<String>,
    /// The number is the agent's own: skills are not asked for.
    pub is_direct: bool,
    /// How long nobody else is offered the call; without an end for who stays.
    pub wait: Duration,
    /// What then, and as soon as none of them is there.
    pub then: WithoutThem,
}

/// What becomes of a call that the agents whom it wants do not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WithoutThem {
    /// Anybody who serves the queue may take it.
    Anybody,
    /// It leaves the queue.
    Exit(Exit),
    /// It waits on for them.
    Stay,
}

/// A dialled number, or many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Number {
    /// This one.
    Exact(String),
    /// All that begin so.
    Prefix(String),
    /// All that nothing else fits.
    Any,
}

impl Entry {
    /// Every queue in which its callers wait, the first first.
    pub fn queues(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.queue).chain(&self.also).map(String::as_str)
    }

    /// Where its callers go whom the agents that they want by name do not take.
    pub fn exit(&self) -> Option<&Exit> {
        match &self.wanted.as_ref()?.then {
            WithoutThem::Exit(exit) => Some(exit),
            WithoutThem::Anybody | WithoutThem::Stay => None,
        }
    }
}

impl Number {
    /// Whether `number` is one of them.
    pub fn fits(&self, number: &str) -> bool {
        match self {
            Number::Exact(own) => own == number,
            Number::Prefix(own) => number.starts_with(own.as_str()),
            Number::Any => true,
        }
    }

    /// Of those that fit, the heaviest counts.
    pub(super) fn weight(&self) -> usize {
        match self {
            Number::Exact(_) => usize::MAX,
            Number::Prefix(own) => own.len(),
            Number::Any => 0,
        }
    }

    /// As it stands in the file.
    pub(super) fn written(&self) -> String {
        match self {
            Number::Exact(own) => own.clone(),
            Number::Prefix(own) => format!("{own}*"),
            Number::Any => "*".to_owned(),
        }
    }

    fn parse(text: &str) -> Option<Number> {
        let (stem, is_prefix) = text.strip_suffix('*').map_or((text, false), |stem| (stem, true));
        let is_user = |letter: char| letter.is_ascii_alphanumeric() || "+-_.#".contains(letter);
        match (stem.is_empty(), is_prefix) {
            (true, false) => None,
            (true, true) => Some(Number::Any),
            (false, _) if !stem.chars().all(is_user) => None,
            (false, true) => Some(Number::Prefix(stem.to_owned())),
            (false, false) => Some(Number::Exact(stem.to_owned())),
        }
    }
}

/// Why an agent is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// In metrics and the API.
    pub id: String,
    /// For people.
    pub name: String,
}

/// Somebody who may force an agent's presence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supervisor {
    /// In the API.
    pub id: String,
    /// For people.
    pub name: String,
}

pub(super) fn read(sections: Vec<Section<'_>>) -> Vec<Entry> {
    sections.into_iter().map(|mut section| read_one(&mut section)).collect()
}

fn read_one(section: &mut Section<'_>) -> Entry {
    let written = section.name("number", Kind::Number, "15881000");
    let number = Number::parse(&written).unwrap_or_else(|| {
        if !written.is_empty() {
            let place = section.report().place_of(Kind::Number, &written);
            let message = "`number` is no number; write it as dialled (\"15881000\"), as a prefix (\"1588*\") or as \"*\" for all";
            section.error(place, message);
        }
        Number::Any
    });
    let queue = section.required("queue", "billing").map(|(queue, span)| {
        section.report().mention(Kind::Queue, &queue, span, section.label());
        queue
    });
    let also = read_also(section, queue.as_deref());
    let wanted = read_wanted(section, queue.as_deref().unwrap_or_default(), also.is_empty());
    Entry {
        number,
        queue: queue.unwrap_or_default(),
        also,
        priority: section.integer("priority", 0, 0..=1_000),
        require: read_requirement(section, "require"),
        wanted,
    }
}

/// Further queues beside the first: each once.
pub(crate) fn read_also(section: &mut Section<'_>, first: Option<&str>) -> Vec<String> {
    let mut also: Vec<String> = Vec::new();
    for (queue, span) in section.one_or_more("also", "") {
        if first == Some(queue.as_str()) || also.contains(&queue) {
            section.error(span, format!("`also` names the queue \"{queue}\" a second time; name it once"));
        } else if also.len() + 1 == ENTRIES_MAX {
            let remedy = "leave some out of `also`";
            section.error(span, format!("a caller waits in at most {ENTRIES_MAX} queues at once; {remedy}"));
            break;
        } else {
            section.report().mention(Kind::Queue, &queue, span, section.label());
            also.push(queue);
        }
    }
    also
}

fn read_wanted(section: &mut Section<'_>, queue: &str, is_alone: bool) -> Option<EntryAgents> {
    let own = section.text("agent");
    let preferred = section.one_or_more("prefer_agents", "");
    let wait = section.duration("agent_wait", "30s", "0s", "1h");
    let then = read_then(section, queue);
    if own.is_some() && section.gives("prefer_agents") {
        let message =
            "`agent` and `prefer_agents` exclude each other; `agent` makes the number that agent's own";
        section.error(section.span_of("prefer_agents"), message);
    } else if own.is_none()
        && !section.gives("prefer_agents")
        && let Some(key) = ["agent_wait", "agent_then"].into_iter().find(|key| section.gives(key))
    {
        let message =
            format!("`{key}` waits for nobody without `agent` or `prefer_agents`; name one, or leave it out");
        section.warning(section.span_of(key), message);
    } else if section.gives("prefer_agents") && preferred.is_empty() {
        section.error(
            section.span_of("prefer_agents"),
            "`prefer_agents` names nobody; name an agent, or leave it out",
        );
    }
    if !is_alone && (own.is_some() || !preferred.is_empty()) {
        let message = "who waits in several queues wants nobody by name; leave out `also`, or the agents";
        section.error(section.span_of("also"), message);
    }
    if let Some((_, span)) = preferred.get(WANTED_MAX) {
        let message =
            format!("`prefer_agents` has more than {WANTED_MAX}; a skill in `require` can name many");
        section.error(span.clone(), message);
    }
    let is_direct = own.is_some();
    let named: Vec<(String, Span)> = own.into_iter().chain(preferred).collect();
    for (place, (name, span)) in named.iter().enumerate() {
        section.report().mention(Kind::Agent, name, span.clone(), section.label());
        if named[..place].iter().any(|(other, _)| other == name) {
            section.error(span.clone(), format!("agent \"{name}\" is named twice; leave one out"));
        }
    }
    let agents: Vec<String> = named.into_iter().map(|(name, _)| name).collect();
    (!agents.is_empty()).then_some(EntryAgents { agents, is_direct, wait, then })
}

fn read_then(section: &mut Section<'_>, queue: &str) -> WithoutThem {
    let Some((text, span)) = section.text("agent_then") else { return WithoutThem::Anybody };
    match text.as_str() {
        "anybody" => WithoutThem::Anybody,
        "stay" => {
            if section.gives("agent_wait") {
                let message =
                    "who stays waits without an end; leave out `agent_wait`, or say where to go then";
                section.error(span, message);
            }
            WithoutThem::Stay
        }
        _ => WithoutThem::Exit(exit_of(section, ("agent_then", &text), span, queue, &["anybody", "stay"])),
    }
}

/// Reasons of the system, in metrics and in the API.
const RESERVED: [&str; 2] = ["missed", "other"];

pub(super) fn read_reasons(sections: Vec<Section<'_>>) -> Vec<Reason> {
    let read = |mut section: Section<'_>| {
        let id = section.name("id", Kind::Reason, "lunch");
        if RESERVED.contains(&id.as_str()) {
            let place = section.report().place_of(Kind::Reason, &id);
            section.error(
                place,
                format!("`id` must not be `{id}`, which the system gives itself; choose another"),
            );
        }
        let name = section.text("name").map_or_else(|| id.clone(), |(name, _)| name);
        Reason { id, name }
    };
    sections.into_iter().map(read).collect()
}

pub(super) fn read_supervisors(sections: Vec<Section<'_>>) -> Vec<Supervisor> {
    let read = |mut section: Section<'_>| {
        let id = section.name("id", Kind::Supervisor, "park");
        let name = section.text("name").map_or_else(|| id.clone(), |(name, _)| name);
        Supervisor { id, name }
    };
    sections.into_iter().map(read).collect()
}
