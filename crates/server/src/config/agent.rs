//! `[[agent]]`

use std::collections::BTreeMap;
use std::time::Duration;

use acd::SHARE_MAX;
use acd::requirement::LEVEL_MAX;

use super::reader::Section;
use super::report::Kind;
use super::routing::{SELECTIONS, Selection};
use super::sip::uri;
use super::trunk::check_password;
use super::{Capacity, Passwords, Secret, channel};

/// A person who takes calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    /// The user part of the address: `kim` registers as `sip:kim@` the domain.
    pub id: String,
    /// For people.
    pub name: String,
    /// How the phone is reached.
    pub reach: Reach,
    /// Levels from 1 to 10 by skill.
    pub skills: BTreeMap<String, u8>,
    /// When the agent's working day begins.
    pub log_in: LogIn,
    /// The place in line for `top-down` and `round-robin`: lower is first.
    pub order: u32,
    /// How likely the agent is for `weighted-random`, compared with others.
    pub weight: u32,
    /// For `percent-allocation`: the part of the work that each queue should get, relative to the others.
    pub shares: BTreeMap<String, u32>,
    /// How many at once, of the channels that are named; of others as `[routing]` says.
    pub capacity: Capacity,
    /// Instead of the queue's.
    pub after_call_work: Option<Duration>,
    /// Instead of that of `[routing]`.
    pub selection: Option<Selection>,
}

/// How an agent's phone is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It registers with this password.
    Registers(Secret),
    /// At this SIP URI, through the PBX.
    Contact(String),
}

/// When an agent is logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogIn {
    /// Ready as soon as the phone registers; with a contact, from the start.
    OnRegister,
    /// Only by the API or the pages.
    Desktop,
}

pub(super) fn read(sections: Vec<Section<'_>>, passwords: Passwords) -> Vec<Agent> {
    sections.into_iter().map(|mut section| read_one(&mut section, passwords)).collect()
}

fn read_one(section: &mut Section<'_>, passwords: Passwords) -> Agent {
    let id = section.name("id", Kind::Agent, "kim");
    let is_user = |letter: char| letter.is_ascii_alphanumeric() || "-_.!~*'+".contains(letter);
    if !id.chars().all(is_user) {
        let place = section.report().place_of(Kind::Agent, &id);
        section.error(place, "`id` cannot stand in a SIP address; use letters, digits and -_.!~*'+ only");
    }
    let name = section.text("name").map_or_else(|| id.clone(), |(name, _)| name);
    let reach = read_reach(section, &id, passwords);
    Agent {
        id,
        name,
        reach,
        skills: read_skills(section),
        log_in: section.word(
            "log_in",
            "on-register",
            &[("on-register", LogIn::OnRegister), ("desktop", LogIn::Desktop)],
        ),
        order: section.integer("order", 0, 0..=1_000_000),
        weight: section.integer("weight", 100, 1..=SHARE_MAX),
        shares: read_shares(section),
        capacity: channel::read_capacity(section),
        after_call_work: section.optional_duration("after_call_work", "0s", "1h"),
        selection: read_selection(section),
    }
}

fn read_selection(section: &mut Section<'_>) -> Option<Selection> {
    let own = SELECTIONS.map(|(word, selection)| (word, Some(selection)));
    let words: Vec<_> = std::iter::once(("usual", None)).chain(own).collect();
    section.word("selection", "usual", &words)
}

fn read_reach(section: &mut Section<'_>, id: &str, passwords: Passwords) -> Reach {
    let password = section.text("password");
    let contact = uri(section, "contact", "sip:2001@pbx.example.com");
    match (password, contact) {
        (Some((password, span)), None) => {
            check_password(section, &password, id, span, passwords);
            Reach::Registers(Secret::new(password))
        }
        (None, Some(contact)) => Reach::Contact(contact),
        (Some((_, span)), Some(contact)) => {
            section.error(span, "has both `password` and `contact`; a phone registers or is reached at a contact: leave one out");
            Reach::Contact(contact)
        }
        (None, None) => {
            let remedy = "add `password` (the phone registers) or `contact` (it is reached through the PBX)";
            section.error(section.span(), format!("has no phone; {remedy}"));
            Reach::Contact(String::new())
        }
    }
}

fn read_shares(section: &mut Section<'_>) -> BTreeMap<String, u32> {
    let mut shares = BTreeMap::new();
    for (queue, name_span, share, share_span) in section.numbers("shares") {
        section.report().mention(Kind::Queue, &queue, name_span, section.label());
        match u32::try_from(share) {
            Ok(share @ 1..=SHARE_MAX) => drop(shares.insert(queue, share)),
            Ok(_) | Err(_) => {
                section
                    .error(share_span, format!("share {share} is out of range; shares are 1 to {SHARE_MAX}"));
            }
        }
    }
    shares
}

fn read_skills(section: &mut Section<'_>) -> BTreeMap<String, u8> {
    let mut skills = BTreeMap::new();
    for (name, name_span, level, level_span) in section.numbers("skills") {
        match u8::try_from(level) {
            Ok(level @ 1..=LEVEL_MAX) => {
                section.report().define(Kind::Skill, &name, name_span);
                skills.insert(name, level);
            }
            Ok(_) | Err(_) => {
                section.report().define(Kind::Skill, &name, name_span);
                section.error(
                    level_span,
                    format!("skill level {level} is out of range; levels are 1 to {LEVEL_MAX}"),
                );
            }
        }
    }
    skills
}
