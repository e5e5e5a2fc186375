//! `[[channel]]`, and how many of each an agent takes at once.

use std::collections::BTreeMap;

use acd::{CAPACITY_MAX, CHANNELS_MAX};

use super::reader::Section;
use super::report::{Kind, Report, Span};
use super::{Config, Exit};

/// The channel of calls, which is always there.
pub const VOICE: &str = "voice";

/// A way by which customers and agents speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// What queues and capacities call it.
    pub name: String,
    /// Agents who have something of these channels in hand may be offered something of this one.
    pub interrupts: Vec<String>,
}

/// How many of a channel at once, by its name.
pub type Capacity = BTreeMap<String, u8>;

pub(super) fn read(sections: Vec<Section<'_>>, report: &Report<'_>) -> Vec<Channel> {
    let channels: Vec<Channel> = sections.into_iter().map(|mut section| read_one(&mut section)).collect();
    let others = channels.iter().filter(|channel| channel.name != VOICE);
    if let Some(beyond) = others.clone().nth(CHANNELS_MAX - 1) {
        let place = report.place_of(Kind::Channel, &beyond.name);
        let most = CHANNELS_MAX - 1;
        report.error(place, format!("more than {most} channels beside \"{VOICE}\"; merge some"));
    }
    if others.count() == channels.len() {
        report.define(Kind::Channel, VOICE, 0..0);
    }
    channels
}

fn read_one(section: &mut Section<'_>) -> Channel {
    let name = section.name("name", Kind::Channel, "chat");
    let mut interrupts = Vec::new();
    for (other, span) in section.one_or_more("interrupts", "") {
        if other == name {
            let remedy = "take it out; how many of one channel at once is said by `capacity`";
            section.error(span, format!("`interrupts` names the channel itself; {remedy}"));
            continue;
        }
        section.report().mention(Kind::Channel, &other, span, section.label());
        interrupts.push(other);
    }
    Channel { name, interrupts }
}

/// The channel of a queue.
pub(super) fn read_name(section: &mut Section<'_>) -> String {
    let Some((name, span)) = section.text_or("channel", VOICE) else { return VOICE.to_owned() };
    section.report().mention(Kind::Channel, &name, span, section.label());
    name
}

/// Capacities that are given; a channel that is not named has that of somebody else.
pub(crate) fn read_capacity(section: &mut Section<'_>) -> Capacity {
    let mut capacity = Capacity::new();
    for (channel, name_span, at_once, span) in section.numbers("capacity") {
        section.report().mention(Kind::Channel, &channel, name_span, section.label());
        match u8::try_from(at_once) {
            Ok(at_once @ 0..=CAPACITY_MAX) => drop(capacity.insert(channel, at_once)),
            Ok(_) | Err(_) => section.error(
                span,
                format!("a capacity of {at_once} is out of range; so many at once are 0 to {CAPACITY_MAX}"),
            ),
        }
    }
    capacity
}

/// What an agent takes at once: the own capacity of each channel, else that of `[routing]`, else one call.
pub fn capacity_of(own: &Capacity, of_all: &Capacity) -> Capacity {
    let mut capacity = Capacity::from([(VOICE.to_owned(), 1)]);
    capacity.extend(of_all.clone());
    capacity.extend(own.clone());
    capacity.retain(|_, at_once| *at_once > 0);
    capacity
}

/// Channels and queues that do not fit each other.
pub(super) fn check(config: &Config, report: &Report<'_>) {
    let channel_of = |name: &str| {
        let queue = config.queues.iter().find(|queue| queue.name == name);
        queue.map_or(VOICE, |queue| queue.channel.as_str())
    };
    for agent in &config.agents {
        if capacity_of(&agent.capacity, &config.routing.capacity).is_empty() {
            let what = "`capacity` leaves nothing that could be offered; give one channel more than 0";
            report.error(report.place_of(Kind::Agent, &agent.id), format!("agent \"{}\": {what}", agent.id));
        }
    }
    for queue in &config.queues {
        let place = || report.place_of(Kind::Queue, &queue.name);
        for exit in queue.exits() {
            match exit {
                Exit::Queue(other) if channel_of(other) != queue.channel => {
                    let what =
                        format!("of channel \"{}\" leads to \"{other}\" of another one", queue.channel);
                    let remedy = "lead to a queue of the same channel";
                    report.error(place(), format!("queue \"{}\": {what}; {remedy}", queue.name));
                }
                Exit::Number(number) if queue.channel != VOICE => {
                    let what = format!("what is of channel \"{}\" cannot go to a telephone", queue.channel);
                    let remedy = format!("replace \"number:{number}\" by another exit");
                    report.error(place(), format!("queue \"{}\": {what}; {remedy}", queue.name));
                }
                Exit::Queue(_) | Exit::Number(_) | Exit::Busy | Exit::HangUp => {}
            }
        }
    }
    for entry in &config.entries {
        let onward = entry.exit().and_then(Exit::queue);
        if let Some(queue) = entry.queues().chain(onward).find(|queue| channel_of(queue) != VOICE) {
            let number = entry.number.written();
            let what = format!("a call cannot wait in \"{queue}\" of channel \"{}\"", channel_of(queue));
            let remedy = "lead to a queue of channel \"voice\"";
            let place = report.place_of(Kind::Number, &number);
            report.error(place, format!("entry \"{number}\": {what}; {remedy}"));
        }
    }
}

/// What is configured and not served yet: said where the file is to run, and not where it is simulated.
pub(super) fn check_live(config: &Config, report: &Report<'_>) {
    for queue in config.queues.iter().filter(|queue| queue.channel != VOICE) {
        let place: Span = report.place_of(Kind::Queue, &queue.name);
        let what = format!("nobody comes by channel \"{}\": calls alone are served so far", queue.channel);
        let remedy = "`cordboard simulate` plays it";
        report.warning(place, format!("queue \"{}\": {what}; {remedy}", queue.name));
    }
}
