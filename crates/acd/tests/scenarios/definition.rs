//! `queue NAME: ...`, `agent NAME: ...`, `settings: ...`.

use std::time::Duration;

use acd::{
    AgentSettings, AtClosing, BackOff, CallbackMode, CallbackRules, Channel, Closed, Condition,
    ForcedPresence, IdleClock, Interruptions, Limit, MaxLength, MaxWait, Measure, NobodyLoggedIn, Overflow,
    QueueSettings, Ring, Settings, Step, StepEffect, Strategy,
};

use crate::names::{Names, Said, duration, exit, number};

/// The parts after the colon, parted by semicolons, as the first word and the rest.
fn parts(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.split_once(' ').map_or((part, ""), |(word, rest)| (word, rest.trim())))
}

/// Other settings than those before.
pub(crate) fn settings(mut settings: Settings, text: &str) -> Said<Settings> {
    for (word, rest) in parts(text) {
        match word {
            "misses" => settings.misses_max = number(rest)?,
            "head-start" => settings.head_start_per_point = duration(rest)?,
            "waiting" => settings.waiting_max = number(rest)?,
            "flow-outs" => settings.flow_outs_max = number(rest)?,
            "wrap-up" => settings.after_call_work_max = duration(rest)?,
            "call-lease" => settings.handling_lease = lease(rest)?,
            "own-call-lease" => settings.occupied_lease = lease(rest)?,
            "log-in-lease" => settings.log_in_lease = lease(rest)?,
            "hold-forced" => settings.forced_presence = ForcedPresence::HoldsUntilLifted,
            "agents-may-change-forced" => settings.forced_presence = ForcedPresence::AgentMayChange,
            "exclusions" => settings.exclusions_max = number(rest)?,
            "interrupt-nothing" => settings.interruptions = Interruptions::default(),
            "interrupt" => {
                let (interrupted, by) = rest.split_once(" by ").ok_or("write `interrupt chat by voice`")?;
                let (interrupted, by) = (channel(interrupted)?, channel(by)?);
                settings.interruptions = settings.interruptions.allow(interrupted, by);
            }
            other => {
                let known = "misses, head-start, waiting, flow-outs, wrap-up, call-lease, own-call-lease, \
                             log-in-lease, hold-forced, agents-may-change-forced, exclusions, interrupt, \
                             interrupt-nothing";
                return Err(format!("there is no setting `{other}`: {known}"));
            }
        }
    }
    Ok(settings)
}

fn lease(text: &str) -> Said<Option<Duration>> {
    if text == "none" { Ok(None) } else { duration(text).map(Some) }
}

fn channel(name: &str) -> Said<Channel> {
    match name.trim() {
        "voice" => Ok(Channel::VOICE),
        "chat" => Ok(Channel(1)),
        "mail" => Ok(Channel(2)),
        other => Err(format!("there is no channel `{other}`: voice, chat, mail")),
    }
}

pub(crate) fn agent(names: &mut Names, text: &str) -> Said<AgentSettings> {
    let mut settings = AgentSettings::default();
    for (word, rest) in parts(text) {
        match word {
            "order" => settings.order = number(rest)?,
            "wrap-up" => settings.after_call_work = Some(duration(rest)?),
            "takes" => {
                let (at_once, of) = rest.split_once(' ').ok_or("write `takes 3 chat`")?;
                settings.capacity = settings.capacity.with(channel(of)?, number(at_once)?);
            }
            skill => {
                let id = names.skill(skill);
                settings.skills.insert(id, number(rest)?);
            }
        }
    }
    Ok(settings)
}

pub(crate) fn queue(names: &mut Names, text: &str) -> Said<QueueSettings> {
    let mut settings = QueueSettings::default();
    for (word, rest) in parts(text) {
        match word {
            "require" => settings.requirement = names.requirement(rest)?,
            "step" => settings.steps.push(step(names, rest)?),
            "channel" => settings.channel = channel(rest)?,
            "band" => settings.band = number(rest)?,
            "patient" => settings.skip_unstaffed_steps = false,
            "unstaffed-grace" => settings.unstaffed_grace = duration(rest)?,
            "strategy" => settings.strategy = strategy(rest)?,
            "ring" => settings.ring_timeout = duration(rest)?,
            "ring-several" => {
                let (most, every) = rest.split_once(" every ").unwrap_or((rest, "0s"));
                settings.ring = Ring { most: number(most)?, every: duration(every)? };
            }
            "wrap-up" => settings.after_call_work = duration(rest)?,
            "wrap-up-min" => settings.after_call_work_min = duration(rest)?,
            "wrap-up-max" => settings.after_call_work_max = Some(duration(rest)?),
            "max-wait" => {
                let (after, to) = to(rest)?;
                settings.max_wait = Some(MaxWait { after: duration(after)?, exit: exit(names, to)? });
            }
            "max-length" => {
                let (waiting, to) = to(rest)?;
                settings.max_length = Some(MaxLength { waiting: number(waiting)?, exit: exit(names, to)? });
            }
            "nobody" => {
                let (grace, to) = to(rest)?;
                let rule = NobodyLoggedIn { grace: duration(grace)?, exit: exit(names, to)? };
                settings.nobody_logged_in = Some(rule);
            }
            "overflow" => settings.overflows.push(overflow(names, rest)?),
            "closed" => {
                let (waiting, to) = to(rest)?;
                let waiting = match waiting {
                    "stay" => AtClosing::Stay,
                    "leave" => AtClosing::Leave,
                    other => return Err(format!("who waits cannot `{other}`: stay, leave")),
                };
                settings.closed = Some(Closed { waiting, exit: exit(names, to)? });
            }
            "callback" => settings.callback = Some(callback(rest)?),
            "back-off" => back_off(&mut settings, rest)?,
            other => {
                let known = "require, step, band, patient, unstaffed-grace, strategy, ring, ring-several, wrap-up, wrap-up-min, wrap-up-max, \
                             max-wait, max-length, nobody, closed, overflow, callback, back-off";
                return Err(format!("a queue has no `{other}`: {known}"));
            }
        }
    }
    Ok(settings)
}

/// `20s waiting >= 3 and second oldest-wait <= 10s -> second`; `0` is at entry.
fn overflow(names: &Names, text: &str) -> Said<Overflow> {
    let (rule, exit_to) = to(text)?;
    let (after, when) = rule.split_once(' ').unwrap_or((rule, ""));
    let when = when.split(" and ").map(|text| condition(names, text)).collect::<Said<_>>()?;
    Ok(Overflow { after: duration(after)?, when, exit: exit(names, exit_to)? })
}

fn condition(names: &Names, text: &str) -> Said<Condition> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (queue, measure, sign, bound) = match words[..] {
        [measure, sign, bound] => (None, measure, sign, bound),
        [queue, measure, sign, bound] => (Some(names.queue(queue)?), measure, sign, bound),
        _ => {
            return Err(format!(
                "`{text}` is no condition: write `waiting >= 3` or `second oldest-wait <= 10s`"
            ));
        }
    };
    let limit = match sign {
        ">=" => Limit::AtLeast,
        "<=" => Limit::AtMost,
        other => return Err(format!("`{other}` does not compare: write >= or <=")),
    };
    let measure = match measure {
        "waiting" => Measure::Waiting(number(bound)?),
        "oldest-wait" => Measure::OldestWait(duration(bound)?),
        "estimated-wait" => Measure::EstimatedWait(duration(bound)?),
        "idle" => Measure::AgentsIdle(number(bound)?),
        "working" => Measure::AgentsWorking(number(bound)?),
        "logged-in" => Measure::AgentsLoggedIn(number(bound)?),
        other => {
            let known = "waiting, oldest-wait, estimated-wait, idle, working, logged-in";
            return Err(format!("`{other}` cannot be measured: {known}"));
        }
    };
    Ok(Condition { queue, limit, measure })
}

/// `agent-first, attempts 2, spacing 5m, delay 0s`
fn callback(text: &str) -> Said<CallbackRules> {
    let mut parts = text.split(',').map(str::trim);
    let mode = match parts.next() {
        Some("agent-first") => CallbackMode::AgentFirst,
        Some("customer-first") => CallbackMode::CustomerFirst,
        _ => return Err(format!("`callback {text}` lacks a mode: agent-first, customer-first")),
    };
    let mut rules = CallbackRules { mode, ..CallbackRules::default() };
    for part in parts {
        match part.split_once(' ') {
            Some(("attempts", rest)) => rules.attempts = number(rest)?,
            Some(("most", rest)) => rules.most = number(rest)?,
            Some(("spacing", rest)) => rules.spacing = duration(rest)?,
            Some(("delay", rest)) => rules.delay = duration(rest)?,
            Some(("call", rest)) => rules.call_timeout = duration(rest)?,
            Some(("pause", rest)) => rules.pause = duration(rest)?,
            Some(("keep", rest)) => rules.keep = duration(rest)?,
            _ => {
                let known = "attempts, most, spacing, delay, call, pause, keep";
                return Err(format!("`{part}` is unclear: {known}"));
            }
        }
    }
    Ok(rules)
}

fn to(text: &str) -> Said<(&str, &str)> {
    let parted = text.split_once("->").map(|(what, to)| (what.trim(), to.trim()));
    parted.ok_or_else(|| format!("`{text}` leads nowhere: write `-> QUEUE` or `-> exit 1`"))
}

/// `20s billing >= 3`, `40s or english`.
fn step(names: &mut Names, text: &str) -> Said<Step> {
    let (after, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = rest.trim();
    let (effect, requirement) = match rest.strip_prefix("or ") {
        Some(requirement) => (StepEffect::Add, requirement),
        None => (StepEffect::Replace, rest),
    };
    Ok(Step { after: duration(after)?, requirement: names.requirement(requirement)?, effect })
}

pub(crate) const STRATEGIES: [(&str, Strategy); 10] = [
    ("longest idle", Strategy::LongestIdle(IdleClock::SinceHandled)),
    ("longest ready", Strategy::LongestIdle(IdleClock::SinceReady)),
    ("longest without offer", Strategy::LongestIdle(IdleClock::SinceOffered)),
    ("most skilled", Strategy::MostSkilled),
    ("least skilled", Strategy::LeastSkilled),
    ("fewest handled", Strategy::FewestHandled),
    ("least occupied", Strategy::LeastOccupied),
    ("round robin", Strategy::RoundRobin),
    ("top down", Strategy::TopDown),
    ("weighted random", Strategy::WeightedRandom),
];

fn strategy(text: &str) -> Said<Strategy> {
    let known = STRATEGIES.iter().find(|(name, _)| *name == text).map(|&(_, strategy)| strategy);
    let names: Vec<&str> = STRATEGIES.iter().map(|(name, _)| *name).collect();
    known.ok_or_else(|| format!("there is no strategy `{text}`: {}", names.join(", ")))
}

/// `rejected 5s 60s`: the pause, and how long the agent is not offered the same call.
fn back_off(settings: &mut QueueSettings, text: &str) -> Said<()> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [cause, pause, exclusion] = words[..] else {
        return Err(format!("`back-off {text}` lacks something: write `back-off rejected 5s 60s`"));
    };
    let back_offs = &mut settings.back_offs;
    let target = match cause {
        "no-answer" => &mut back_offs.no_answer,
        "busy" => &mut back_offs.busy,
        "rejected" => &mut back_offs.rejected,
        "unreachable" => &mut back_offs.unreachable,
        "no-resources" => &mut back_offs.no_resources,
        other => {
            let known = "no-answer, busy, rejected, unreachable, no-resources";
            return Err(format!("there is no back-off for `{other}`: {known}"));
        }
    };
    *target = BackOff { pause: duration(pause)?, exclusion: duration(exclusion)? };
    Ok(())
}
