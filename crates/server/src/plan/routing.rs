//! Queues, agents and entries in numbers.

use std::collections::BTreeMap;
use std::path::Path;

use acd::estimate::EstimateRules;
use acd::{AgentSettings, QueueSettings, Requirement};
use engine::{CallerRules, NumberPattern, Treatment, Wish, WishCause};
use media::MusicId;

use super::Music;
use super::numbering::{Leaving, Numbering};
use crate::config::{self, Config, WithoutThem};
use crate::doors::Hours;

/// What all queues share.
pub(super) fn shared(config: &Config, numbering: &mut Numbering) -> acd::Settings {
    let routing = &config.routing;
    acd::Settings {
        waiting_max: routing.waiting_max,
        flow_outs_max: routing.overflows_max,
        head_start_per_point: routing.head_start,
        misses_max: routing.misses_max,
        after_call_work_max: routing.after_call_work_max,
        estimate: EstimateRules {
            half_life: routing.estimate_half_life,
            samples_min: routing.estimate_samples_min,
            error_max_percent: routing.estimate_error_max,
        },
        handling_lease: routing.lease,
        occupied_lease: routing.lease,
        forced_presence: routing.forced_presence,
        interruptions: interruptions(&config.channels, numbering),
        ..acd::Settings::default()
    }
}

/// One queue's rules.
pub(super) fn queue(queue: &config::Queue, numbering: &mut Numbering) -> QueueSettings {
    let steps = queue.steps.iter().map(|step| acd::Step {
        after: step.after,
        requirement: requirement(&step.require, numbering),
        effect: match step.mode {
            config::StepMode::Replace => acd::StepEffect::Replace,
            config::StepMode::Add => acd::StepEffect::Add,
        },
    });
    let steps = steps.collect();
    let reserves = queue.reserves.iter().map(|reserve| acd::Reserve {
        requirement: requirement(&reserve.require, numbering),
        after: reserve.after,
    });
    let reserves = reserves.collect();
    QueueSettings {
        channel: numbering.channel(&queue.channel),
        requirement: requirement(queue.require.as_deref().unwrap_or_default(), numbering),
        steps,
        skip_unstaffed_steps: queue.skip_unstaffed_steps,
        unstaffed_grace: queue.unstaffed_grace,
        strategy: strategy(queue),
        prefer: queue.prefer.iter().map(|text| requirement(text, numbering)).collect(),
        reserves,
        reserves_close: queue.reserves_close,
        band: queue.band,
        objective: queue.service_level.within,
        weight: queue.weight,
        ratio: queue.ratio,
        ring_timeout: queue.ring_timeout,
        ring: acd::Ring { most: queue.ring, every: queue.ring_every },
        after_call_work: queue.after_call_work,
        after_call_work_min: queue.after_call_work_min,
        after_call_work_max: queue.after_call_work_max,
        back_offs: acd::BackOffs {
            no_answer: back_off(queue.back_offs.no_answer),
            busy: back_off(queue.back_offs.busy),
            rejected: back_off(queue.back_offs.rejected),
            unreachable: back_off(queue.back_offs.unreachable),
            ..acd::BackOffs::default()
        },
        max_wait: queue
            .max_wait
            .as_ref()
            .map(|rule| acd::MaxWait { after: rule.after, exit: exit(&rule.then, numbering) }),
        max_length: queue
            .max_length
            .as_ref()
            .map(|rule| acd::MaxLength { waiting: rule.waiting, exit: exit(&rule.then, numbering) }),
        nobody_logged_in: queue
            .nobody_logged_in
            .as_ref()
            .map(|rule| acd::NobodyLoggedIn { grace: rule.grace, exit: exit(&rule.then, numbering) }),
        closed: queue.closed.as_ref().map(|rule| acd::Closed {
            waiting: match rule.waiting {
                config::AtClosing::Stay => acd::AtClosing::Stay,
                config::AtClosing::Leave => acd::AtClosing::Leave,
            },
            exit: exit(&rule.then, numbering),
        }),
        overflows: queue.overflows.iter().map(|rule| overflow(rule, numbering)).collect(),
        callback: queue.callback.as_ref().map(callback),
    }
}

fn callback(rules: &config::Callback) -> acd::CallbackRules {
    acd::CallbackRules {
        mode: match rules.first {
            config::First::Agent => acd::CallbackMode::AgentFirst,
            config::First::Customer => acd::CallbackMode::CustomerFirst,
        },
        attempts: rules.attempts,
        spacing: rules.spacing,
        delay: rules.delay,
        call_timeout: rules.ring_timeout,
        pause: rules.pause,
        keep: rules.keep,
        most: rules.most,
    }
}

/// Calendars, and the queues that keep their hours.
pub(super) fn hours(config: &Config, numbering: &mut Numbering) -> Hours {
    let calendars = config.calendars.iter();
    let queues = config.queues.iter();
    Hours {
        calendars: calendars.map(|calendar| (calendar.name.clone(), calendar.hours.clone())).collect(),
        queues: queues
            .filter_map(|queue| Some((numbering.queue(&queue.name), queue.hours.clone()?)))
            .collect(),
        callbacks: config
            .queues
            .iter()
            .filter_map(|queue| Some((numbering.queue(&queue.name), queue.callback.as_ref()?.hours.clone()?)))
            .collect(),
    }
}

fn overflow(rule: &config::Overflow, numbering: &mut Numbering) -> acd::Overflow {
    let condition = |condition: &config::Condition| acd::Condition {
        queue: condition.queue.as_ref().map(|name| numbering.queue(name)),
        limit: condition.limit,
        measure: condition.measure,
    };
    let when = rule.when.iter().map(condition).collect();
    acd::Overflow { after: rule.after, when, exit: exit(&rule.then, numbering) }
}

fn strategy(queue: &config::Queue) -> acd::Strategy {
    match queue.strategy {
        config::Strategy::LongestIdle => acd::Strategy::LongestIdle(match queue.idle_clock {
            config::IdleClock::SinceHandled => acd::IdleClock::SinceHandled,
            config::IdleClock::SinceReady => acd::IdleClock::SinceReady,
            config::IdleClock::SinceOffered => acd::IdleClock::SinceOffered,
        }),
        config::Strategy::MostSkilled => acd::Strategy::MostSkilled,
        config::Strategy::LeastSkilled => acd::Strategy::LeastSkilled,
        config::Strategy::FewestHandled => acd::Strategy::FewestHandled,
        config::Strategy::LeastOccupied => acd::Strategy::LeastOccupied,
        config::Strategy::RoundRobin => acd::Strategy::RoundRobin,
        config::Strategy::TopDown => acd::Strategy::TopDown,
        config::Strategy::WeightedRandom => acd::Strategy::WeightedRandom,
    }
}

fn back_off(pauses: config::BackOff) -> acd::BackOff {
    acd::BackOff { pause: pauses.pause, exclusion: pauses.exclusion }
}

fn exit(exit: &config::Exit, numbering: &mut Numbering) -> acd::Exit {
    match exit {
        config::Exit::Queue(name) => acd::Exit::Queue(numbering.queue(name)),
        config::Exit::Number(number) => acd::Exit::Leave(numbering.exit(Leaving::Number(number.clone()))),
        config::Exit::Busy => acd::Exit::Leave(numbering.exit(Leaving::Busy)),
        config::Exit::HangUp => acd::Exit::Leave(numbering.exit(Leaving::HangUp)),
    }
}

/// Every way out that some queue or number has, for the engine.
pub(super) fn exits(config: &Config, numbering: &mut Numbering) -> BTreeMap<acd::ExitId, engine::Leave> {
    let ways = config.queues.iter().flat_map(config::Queue::exits);
    let ways = ways.chain(config.entries.iter().filter_map(config::Entry::exit)).filter_map(Leaving::of);
    let ways = ways.map(|leaving| {
        let meaning = match &leaving {
            Leaving::Number(number) => engine::Leave::Dial(number.clone()),
            Leaving::Busy => engine::Leave::Busy,
            Leaving::HangUp => engine::Leave::HangUp,
        };
        (numbering.exit(leaving), meaning)
    });
    ways.collect()
}

/// One agent's skills and the rest.
pub(super) fn agent(
    agent: &config::Agent,
    shared: &config::Routing,
    numbering: &mut Numbering,
) -> AgentSettings {
    AgentSettings {
        capacity: capacity(&config::capacity_of(&agent.capacity, &shared.capacity), numbering),
        skills: agent.skills.iter().map(|(name, &level)| (numbering.skill(name), level)).collect(),
        order: agent.order,
        weight: agent.weight,
        shares: agent.shares.iter().map(|(name, &share)| (numbering.queue(name), share)).collect(),
        after_call_work: agent.after_call_work,
        selection: Some(selection(agent.selection.unwrap_or(shared.selection), shared)),
    }
}

fn capacity(at_once: &config::Capacity, numbering: &mut Numbering) -> acd::Capacity {
    let each = at_once.iter().map(|(name, &at_once)| (numbering.channel(name), at_once));
    each.fold(acd::Capacity::NOTHING, |all, (channel, at_once)| all.with(channel, at_once))
}

fn interruptions(channels: &[config::Channel], numbering: &mut Numbering) -> acd::Interruptions {
    let mut all = acd::Interruptions::default();
    for channel in channels {
        let by = numbering.channel(&channel.name);
        for interrupted in &channel.interrupts {
            all = all.allow(numbering.channel(interrupted), by);
        }
    }
    all
}

fn selection(selection: config::Selection, shared: &config::Routing) -> acd::Selection {
    match selection {
        config::Selection::Oldest => acd::Selection::Oldest,
        config::Selection::EarliestDue => acd::Selection::EarliestDue,
        config::Selection::SkillLevel => acd::Selection::SkillLevel,
        config::Selection::Weight => acd::Selection::Weight,
        config::Selection::QueueRatio => acd::Selection::QueueRatio,
        config::Selection::PercentAllocation => acd::Selection::PercentAllocation,
        config::Selection::LateLast => acd::Selection::LateLast {
            guard: shared.late_guard.expect("a configuration without the guard was refused"),
        },
    }
}

/// The dialled numbers, the most particular first: that is the order in which the engine looks.
pub(super) fn entries(config: &Config, numbering: &mut Numbering) -> Vec<engine::Entry> {
    let mut entries: Vec<&config::Entry> = config.entries.iter().collect();
    entries.sort_by_key(|entry| match &entry.number {
        config::Number::Exact(_) => (0, 0),
        config::Number::Prefix(prefix) => (1, usize::MAX - prefix.len()),
        config::Number::Any => (2, 0),
    });
    let of_queue = |name: &str| config.queues.iter().find(|queue| queue.name == name);
    let entries = entries.into_iter().filter_map(|entry| {
        // A queue that is not there was refused when the file was read.
        let queue = of_queue(&entry.queue)?;
        let points = i32::try_from(entry.priority.saturating_add(queue.priority)).unwrap_or(i32::MAX);
        Some(engine::Entry {
            number: match &entry.number {
                config::Number::Exact(number) => NumberPattern::Exact(number.clone()),
                config::Number::Prefix(prefix) => NumberPattern::Prefix(prefix.clone()),
                config::Number::Any => NumberPattern::Any,
            },
            queue: numbering.queue(&entry.queue),
            also: entry.also.iter().map(|name| numbering.queue(name)).collect(),
            priority: points,
            requirement: entry.require.as_deref().map(|own| requirement(own, numbering)),
            wish: entry.wanted.as_ref().map(|wanted| wish(wanted, numbering)),
        })
    });
    entries.collect()
}

/// Whom an entry's callers want by name; of those named beyond the bound, which was checked, nobody.
fn wish(wanted: &config::EntryAgents, numbering: &mut Numbering) -> Wish {
    let mut agents = [None; acd::WANTED_MAX];
    for (place, name) in agents.iter_mut().zip(&wanted.agents) {
        *place = Some(numbering.agent(name));
    }
    let (within, otherwise) = match &wanted.then {
        WithoutThem::Anybody => (Some(wanted.wait), acd::Otherwise::Anybody),
        WithoutThem::Exit(way) => (Some(wanted.wait), acd::Otherwise::Exit(exit(way, numbering))),
        WithoutThem::Stay => (None, acd::Otherwise::Stay),
    };
    let wish = acd::Wanted { agents, within, otherwise, regardless_of_skills: wanted.is_direct };
    let cause = if wanted.is_direct { WishCause::DirectNumber } else { WishCause::Preferred };
    Wish { cause, wanted: wish }
}

/// What queues remember of their callers.
pub(super) fn callers(config: &Config, numbering: &mut Numbering) -> BTreeMap<acd::QueueId, CallerRules> {
    let rules = config.queues.iter().map(|queue| {
        let rules = CallerRules {
            last_agent: queue
                .last_agent
                .map(|rule| engine::LastAgent { remember: rule.remember, wait: rule.wait }),
            keep_place: queue.keep_place,
        };
        (numbering.queue(&queue.name), rules)
    });
    rules.filter(|(_, rules)| *rules != CallerRules::default()).collect()
}

/// What the callers of each queue hear, and the files that this needs.
pub(super) fn treatments(
    config: &Config,
    base: &Path,
    numbering: &mut Numbering,
) -> (BTreeMap<acd::QueueId, Treatment>, BTreeMap<MusicId, Music>) {
    let mut treatments = BTreeMap::new();
    let mut pieces = BTreeMap::new();
    for queue in &config.queues {
        let treatment = match &queue.waiting {
            config::Waiting::Ringback => Treatment::Ringback,
            config::Waiting::Music(own) => {
                let file = own.as_ref().or(config.media.music.as_ref()).map(|file| base.join(file));
                let id = numbering.music(file.clone());
                pieces.insert(id, file.map_or(Music::Generated, Music::File));
                Treatment::Music(id)
            }
        };
        treatments.insert(numbering.queue(&queue.name), treatment);
    }
    (treatments, pieces)
}

/// Reads a requirement that was checked when the file was read.
fn requirement(text: &str, numbering: &mut Numbering) -> Requirement {
    acd::requirement::parse(text, |name| Some(numbering.skill(name)))
        .expect("a requirement was checked by the same reader when the file was read")
}
