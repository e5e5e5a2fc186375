//! `[[group]]` and `[ringing]`: who works, when, and how they answer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use acd::requirement::LEVEL_MAX;
use whatif::Distribution;

use super::lasting;
use super::sheet::Sheets;
use super::{Day, clock};
use crate::config::channel::read_capacity;
use crate::config::reader::Section;
use crate::config::report::{Kind, Span};
use crate::config::{Agent, Config, LogIn, Reach, spelling};

/// The most agents of one group by `count`.
const COUNT_MAX: u32 = 10_000;
/// What the agents of a configuration are called who stand in no group.
const EVERYBODY: &str = "agents";

/// Agents who work the same hours and whose occupancy is told together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// Its name.
    pub(crate) name: String,
    /// Their ids; those of a group with a `count` were made from its name.
    pub(crate) agents: Vec<String>,
    /// Logged in from when to when; since midnight, in order, apart from each other.
    pub(crate) shifts: Vec<(Duration, Duration)>,
    /// Not ready from when to when.
    pub(crate) breaks: Vec<(Duration, Duration)>,
}

/// How agents answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ringing {
    /// How long the phone rings before it is picked up.
    pub(crate) pick_up: Distribution,
    /// The share of rings that nobody picks up.
    pub(crate) no_answer: f64,
}

pub(super) fn read_ringing(section: &mut Section<'_>, sheets: &Sheets) -> Ringing {
    let pick_up = section
        .optional_table("pick_up", lasting::EXAMPLE)
        .and_then(|mut table| lasting::read(&mut table, sheets, None));
    Ringing {
        pick_up: pick_up.unwrap_or(Distribution::Constant(Duration::ZERO)),
        no_answer: section.portion("no_answer", "0%", "0%", "99%").unwrap_or_default(),
    }
}

/// Reads who works. Agents of groups with a `count` join those of the configuration; who is in no group goes
/// home, unless there is no group at all.
pub(super) fn read(file: &mut Section<'_>, day: &Day, config: &mut Config) -> Vec<Group> {
    let sections = file.tables("group", "name");
    let mut groups = Vec::new();
    let mut made = Vec::new();
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    let mut skills: BTreeSet<String> = config.skills().into_iter().collect();
    for mut section in sections {
        let group = read_one(&mut section, day, config, &mut taken, &mut made);
        skills.extend(made.iter().flat_map(|agent: &Agent| agent.skills.keys().cloned()));
        groups.push(group);
    }
    if groups.is_empty() {
        let agents: Vec<String> = config.agents.iter().map(|agent| agent.id.clone()).collect();
        if agents.is_empty() {
            let remedy = "add a [[group]] with `count` and `skills`, or an [[agent]]";
            file.error(0..0, format!("nobody works; {remedy}"));
        }
        return vec![Group {
            name: EVERYBODY.to_owned(),
            agents,
            shifts: vec![(day.from, day.to)],
            breaks: Vec::new(),
        }];
    }
    let home: Vec<&str> =
        config.agents.iter().map(|agent| agent.id.as_str()).filter(|id| !taken.contains_key(*id)).collect();
    if let (Some(first), false) = (home.first(), taken.is_empty()) {
        let count = home.len();
        file.warning(
            0..0,
            format!(
                "{count} of the configuration's agents are in no [[group]] and do not \
         work that day, \"{first}\" among them; add them to one"
            ),
        );
    }
    config.agents.retain(|agent| taken.contains_key(&agent.id));
    config.agents.extend(made);
    let most = acd::Settings::default().agents_max as usize;
    if config.agents.len() > most {
        file.error(0..0, format!("there are {} agents; {most} are the most", config.agents.len()));
    }
    groups
}

fn read_one(
    section: &mut Section<'_>,
    day: &Day,
    config: &Config,
    taken: &mut BTreeMap<String, String>,
    made: &mut Vec<Agent>,
) -> Group {
    let name = section.name("name", Kind::Group, "evening");
    let named = section.one_or_more("agents", "");
    let by_count = section.gives("count");
    let count = section.integer("count", 0, 0..=COUNT_MAX);
    let skills = read_skills(section, &config.required_skills());
    let order = section.integer("order", 0, 0..=1_000_000);
    let capacity = read_capacity(section);
    let after_call_work = section.optional_duration("after_call_work", "0s", "1h");
    let shifts = read_spans(section, "shifts", day);
    let breaks = read_spans(section, "breaks", day);
    let shifts = if section.gives("shifts") { shifts } else { vec![(day.from, day.to)] };
    check_breaks(section, &shifts, &breaks);
    if named.is_empty() != by_count {
        section.error(
            section.span(),
            "needs either `agents` (ids of the configuration) or `count` (so many \
         new ones with `skills`); write one of the two",
        );
    }
    if !named.is_empty() {
        for key in
            ["skills", "order", "capacity", "after_call_work"].into_iter().filter(|key| section.gives(key))
        {
            section.error(
                section.span(),
                format!(
                    "`{key}` belongs to `count`; agents named by `agents` \
             have those of the configuration: leave it out, or use a [[variant]]"
                ),
            );
        }
        let agents = take(section, &name, &named, config, taken);
        return Group { name, agents, shifts, breaks };
    }
    let mut agents = Vec::new();
    for number in 1..=count {
        // No configured agent has a blank in the id, so these are never taken for one.
        let id = format!("{name} {number}");
        made.push(Agent {
            name: id.clone(),
            reach: Reach::Contact(String::new()),
            skills: skills.clone(),
            log_in: LogIn::OnRegister,
            order,
            weight: acd::WEIGHT_USUAL,
            shares: BTreeMap::new(),
            capacity: capacity.clone(),
            after_call_work,
            selection: None,
            id: id.clone(),
        });
        agents.push(id);
    }
    Group { name, agents, shifts, breaks }
}

/// Breaks lie within shifts, and leave something of them.
fn check_breaks(section: &Section<'_>, shifts: &[(Duration, Duration)], breaks: &[(Duration, Duration)]) {
    for (from, to) in breaks {
        if !shifts.iter().any(|(begin, end)| begin <= from && to <= end)
            && section.gives("shifts")
            && !shifts.is_empty()
        {
            let (from, to) = (clock(*from), clock(*to));
            section.error(
                section.span(),
                format!("the break {from}-{to} is not inside a shift; move it, or end the shift there"),
            );
        }
    }
    if let Some((from, to)) = shifts.iter().find(|shift| breaks.contains(shift)) {
        let span = format!("{}-{}", clock(*from), clock(*to));
        section.warning(
            section.span(),
            format!(
                "the break {span} is as long as the shift, so nobody works in it; leave one of the two out"
            ),
        );
    }
}

/// The agents of the configuration that a group names, each in one group only.
fn take(
    section: &Section<'_>,
    group: &str,
    named: &[(String, Span)],
    config: &Config,
    taken: &mut BTreeMap<String, String>,
) -> Vec<String> {
    let mut agents = Vec::new();
    for (id, span) in named {
        section.report().mention(Kind::Agent, id, span.clone(), section.label());
        if let Some(other) = taken.get(id) {
            section.error(
                span.clone(),
                format!("agent \"{id}\" is in group \"{other}\" already; leave it out of one of the two"),
            );
            continue;
        }
        taken.insert(id.clone(), group.to_owned());
        if config.agents.iter().any(|agent| agent.id == *id) {
            agents.push(id.clone());
        }
    }
    agents
}

fn read_skills(section: &mut Section<'_>, required: &BTreeSet<String>) -> BTreeMap<String, u8> {
    let mut skills = BTreeMap::new();
    for (name, name_span, level, level_span) in section.numbers("skills") {
        if !required.is_empty() && !required.contains(&name) {
            let hint = spelling::hint(&name, required.iter().map(String::as_str));
            let remedy = "correct the name, or leave it out";
            section.warning(
                name_span.clone(),
                format!("`skills`: no queue asks for \"{name}\"{hint}; {remedy}"),
            );
        }
        section.report().define(Kind::Skill, &name, name_span);
        match u8::try_from(level) {
            Ok(level @ 1..=LEVEL_MAX) => {
                skills.insert(name, level);
            }
            Ok(_) | Err(_) => {
                section.error(
                    level_span,
                    format!("skill level {level} is out of range; levels are 1 to {LEVEL_MAX}"),
                );
                // It is there all the same, so that nobody is told that it is not.
                skills.insert(name, LEVEL_MAX);
            }
        }
    }
    skills
}

/// Spans within the day, in order and apart.
fn read_spans(section: &mut Section<'_>, key: &'static str, day: &Day) -> Vec<(Duration, Duration)> {
    let mut spans = section.spans_of_day(key);
    spans.sort_by_key(|(from, to, _)| (*from, *to));
    let mut kept: Vec<(Duration, Duration)> = Vec::new();
    for (from, to, place) in spans {
        if kept.last().is_some_and(|(_, end)| *end > from) {
            section.error(
                place,
                format!("`{key}`: {} begins before the one before it ends; part the two", clock(from)),
            );
            continue;
        }
        if !day.is_known() {
            kept.push((from, to));
            continue;
        }
        // Who works longer than the doors are open works for us while they are.
        let (from, to) = (from.max(day.from), to.min(day.to));
        if from >= to {
            let (open, close) = (clock(day.from), clock(day.to));
            section.warning(place, format!("`{key}`: lies outside the day, {open} to {close}; leave it out"));
            continue;
        }
        kept.push((from, to));
    }
    kept
}
