//! What somebody does, in words: `kim logs in`, `call 3 enters support with priority 2`.

use acd::state::State;
use acd::{
    AgentId, CallFailure, Change, Command, InteractionId, Lease, Otherwise, Presence, ReasonCode,
    RejectCause, Request, ReservationId, SupervisorId, Wanted,
};
use timing::Instant;

use crate::definition;
use crate::names::{Names, Said, duration, exit, number};

/// The command that a sentence says, now, in this state.
pub(crate) fn command(names: &mut Names, state: &State, now: Instant, text: &str) -> Said<Command> {
    let (subject, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = rest.trim();
    match subject {
        "call" => {
            let (id, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            call(names, now, InteractionId(number(id)?), rest.trim())
        }
        "reservation" => {
            let (id, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            answer(ReservationId(number(id)?), rest.trim())
        }
        "queue" => queue(names, rest),
        "settings:" => {
            let settings = definition::settings(state.settings.clone(), rest)?;
            Ok(Command::Configure { settings: Box::new(settings) })
        }
        "agent" => {
            let (name, rest) = rest.split_once(':').unwrap_or((rest, ""));
            let agent = names.agent(name.trim()).or_else(|_| names.define_agent(name.trim()))?;
            Ok(Command::DefineAgent { agent, settings: Box::new(definition::agent(names, rest)?) })
        }
        name => {
            let agent = names.agent(name)?;
            agent_does(state, agent, name, rest)
        }
    }
}

fn queue(names: &mut Names, text: &str) -> Said<Command> {
    for (end, open) in [(" may call back", true), (" must not call back", false)] {
        if let Some(name) = text.strip_suffix(end) {
            return Ok(Command::SetCallbackWindow { queue: names.queue(name.trim())?, open });
        }
    }
    if let Some((name, to)) = text.split_once(" is removed ->") {
        let (queue, exit) = (names.queue(name.trim())?, exit(names, to.trim())?);
        return Ok(Command::RemoveQueue { queue, exit });
    }
    for (does, open) in [(" opens", true), (" closes", false)] {
        if let Some(name) = text.strip_suffix(does) {
            return Ok(Command::SetOpen { queue: names.queue(name.trim())?, open });
        }
    }
    let (name, rest) = text.split_once(':').unwrap_or((text, ""));
    let name = name.trim();
    let queue = if names.is_queue(name) { names.queue(name)? } else { names.define_queue(name)? };
    Ok(Command::DefineQueue { queue, settings: Box::new(definition::queue(names, rest)?) })
}

/// `enters support with priority 2, needing english >= 3, having waited 40s`
fn call(names: &mut Names, now: Instant, interaction: InteractionId, text: &str) -> Said<Command> {
    let words: Vec<&str> = text.splitn(3, ' ').collect();
    let changed = |change| Command::Change { interaction, change, by: None };
    match words[..] {
        ["enters", ..] => enters(names, now, interaction, text),
        ["wants", "no", "callback"] => Ok(Command::WithdrawCallback { interaction, by: None }),
        ["is", "there", "alone"] => Ok(Command::CallbackHolds { interaction }),
        ["hangs", "up"] => Ok(Command::Cancel { interaction }),
        ["wants", "a", "callback"] => Ok(Command::CallBack { interaction }),
        ["ends"] => Ok(Command::Finish { interaction }),
        ["goes", "on"] => Ok(Command::Renew { lease: Lease::Handling(interaction) }),
        ["goes", "back"] => Ok(Command::Return { interaction }),
        ["gets", "priority", points] => Ok(changed(Change::priority(number(points)?))),
        ["moves", "to", queue] => Ok(changed(Change::queue(names.queue(queue)?))),
        ["needs", "nothing", ..] => Ok(changed(Change::requirement(None))),
        ["needs", ..] => {
            let own = names.requirement(text.trim_start_matches("needs").trim())?;
            Ok(changed(Change::requirement(Some(own))))
        }
        _ => {
            let known = "enters QUEUE, hangs up, wants a callback, wants no callback, is there alone, ends, goes on, goes back, gets priority N, moves to QUEUE, needs ...";
            Err(format!("a call cannot `{text}`: {known}"))
        }
    }
}

fn enters(names: &mut Names, now: Instant, interaction: InteractionId, text: &str) -> Said<Command> {
    let mut parts = text.split(',').map(str::trim);
    let words: Vec<&str> = parts.next().unwrap_or_default().split_whitespace().collect();
    let (queue, priority) = match words[..] {
        ["enters", queue] => (queue, 0),
        ["enters", queue, "with", "priority", points] => (queue, number(points)?),
        _ => return Err(format!("`{text}` is unclear: write `enters QUEUE with priority 2`")),
    };
    let mut request = Request { priority, ..Request::new(names.queue(queue)?) };
    for part in parts {
        if let Some(points) = part.strip_prefix("with priority ") {
            request.priority = number(points)?;
        } else if let Some(queue) = part.strip_prefix("and ") {
            request.also.push(names.queue(queue)?);
        } else if let Some(text) = part.strip_prefix("needing ") {
            request.requirement = Some(names.requirement(text)?);
        } else if let Some(text) = part.strip_prefix("having waited ") {
            let ago = u64::try_from(duration(text)?.as_micros()).unwrap_or(u64::MAX);
            request.arrived = Some(Instant::from_micros(now.as_micros().saturating_sub(ago)));
        } else if let Some(text) = part.strip_prefix("wanting ") {
            request.wanted = Some(wanting(names, text)?);
        } else {
            return Err(format!(
                "`{part}` is unclear: and QUEUE, with priority N, needing ..., having waited 40s, wanting ..."
            ));
        }
    }
    Ok(Command::Enqueue { interaction, request })
}

/// `kim then lee for 30s`, `kim whatever the skills for 1m else -> exit 2`, `kim whatever happens`
fn wanting(names: &Names, text: &str) -> Said<Wanted> {
    let (text, otherwise) = match text.split_once(" else ->") {
        Some((text, to)) => (text, Otherwise::Exit(exit(names, to.trim())?)),
        None => (text, Otherwise::Anybody),
    };
    let (text, within) = match text.split_once(" for ") {
        Some((text, length)) => (text, Some(duration(length.trim())?)),
        None => (text, None),
    };
    let (text, otherwise) = match text.strip_suffix(" whatever happens") {
        Some(text) => (text, Otherwise::Stay),
        None => (text, otherwise),
    };
    let regardless_of_skills = text.ends_with(" whatever the skills");
    let text = text.trim_end_matches(" whatever the skills");
    let all = text.split(" then ").map(|name| names.agent(name.trim())).collect::<Said<Vec<_>>>()?;
    let agents = std::array::from_fn(|place| all.get(place).copied());
    Ok(Wanted { agents, within, otherwise, regardless_of_skills })
}

fn answer(reservation: ReservationId, text: &str) -> Said<Command> {
    match text.strip_prefix("is rejected") {
        Some(cause) => Ok(Command::Reject { reservation, cause: reject_cause(cause.trim())? }),
        None if text == "is accepted" => Ok(Command::Accept { reservation }),
        None => Err(format!("a reservation cannot `{text}`: is accepted, is rejected, is rejected busy")),
    }
}

fn reject_cause(text: &str) -> Said<RejectCause> {
    match text {
        "" => Ok(RejectCause::Rejected),
        "no answer" => Ok(RejectCause::NoAnswer),
        "busy" => Ok(RejectCause::Busy),
        "unreachable" => Ok(RejectCause::Unreachable),
        "no resources" => Ok(RejectCause::NoResources),
        other => Err(format!("`{other}` is no reason to reject: no answer, busy, unreachable, no resources")),
    }
}

fn call_failure(text: &str) -> Said<CallFailure> {
    match text {
        "nobody answers" => Ok(CallFailure::NoAnswer),
        "the customer is busy" => Ok(CallFailure::Busy),
        "the customer is unreachable" => Ok(CallFailure::Unreachable),
        "nobody can be called" => Ok(CallFailure::NoResources),
        other => {
            let known =
                "nobody answers, the customer is busy, the customer is unreachable, nobody can be called";
            Err(format!("`{other}` is no failure of a callback: {known}"))
        }
    }
}

fn agent_does(state: &State, agent: AgentId, name: &str, text: &str) -> Said<Command> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let reason = |text: &str| Ok::<_, String>(ReasonCode(number(text)?));
    let command = match words[..] {
        ["logs", "in"] => Command::LogIn { agent, not_ready: None },
        ["logs", "in", "not", "ready", why] => Command::LogIn { agent, not_ready: Some(reason(why)?) },
        ["logs", "out"] => Command::LogOut { agent },
        ["is", "ready"] => Command::SetReady { agent },
        ["is", "not", "ready", why] => Command::SetNotReady { agent, reason: reason(why)? },
        ["wishes", "ready"] => Command::SetPresence { agent, presence: Presence::Ready },
        ["wishes", "logged", "out"] => Command::SetPresence { agent, presence: Presence::LoggedOut },
        ["wishes", "not", "ready", why] => {
            Command::SetPresence { agent, presence: Presence::NotReady(reason(why)?) }
        }
        ["is", "forced", by, why, ref presence @ ..] => {
            let presence = match presence {
                ["ready"] => Presence::Ready,
                ["logged", "out"] => Presence::LoggedOut,
                ["not", "ready"] => Presence::NotReady(reason(why)?),
                _ => return Err(format!("`{text}` is unclear: write `is forced BY WHY not ready`")),
            };
            Command::ForcePresence { agent, presence, by: SupervisorId(number(by)?), why: reason(why)? }
        }
        ["is", "forced"] => return Err("say by whom, why and to what: `is forced 1 4 not ready`".to_owned()),
        ["is", "free", "again"] => Command::LiftForced { agent },
        ["is", "still", "there"] => Command::Renew { lease: Lease::LogIn(agent) },
        ["is", "still", "occupied"] => Command::Renew { lease: Lease::Occupied(agent) },
        ["is", "occupied"] => Command::Occupy { agent },
        ["is", "released"] => Command::Release { agent },
        ["cannot", "be", "rung"] => Command::SetReachable { agent, reachable: false },
        ["can", "be", "rung"] => Command::SetReachable { agent, reachable: true },
        ["begins", "a", "shift"] => Command::BeginShift { agent },
        ["is", "removed"] => Command::RemoveAgent { agent },
        ["ends", "wrap-up"] => Command::EndAfterCallWork { agent, interaction: None },
        ["ends", "wrap-up", "of", "call", call] => {
            Command::EndAfterCallWork { agent, interaction: Some(InteractionId(number(call)?)) }
        }
        ["extends", "wrap-up", "by", by] => {
            Command::ExtendAfterCallWork { agent, interaction: None, by: duration(by)? }
        }
        ["accepts"] => Command::Accept { reservation: rings(state, agent, name)? },
        ["hears", "the", "customer"] => Command::CallbackReached { reservation: rings(state, agent, name)? },
        ["hears", "ringback"] => Command::CallbackRings { reservation: rings(state, agent, name)? },
        ["hears", "that", ref why @ ..] => {
            let cause = call_failure(&why.join(" "))?;
            Command::CallbackFailed { reservation: rings(state, agent, name)?, cause }
        }
        ["rejects", ..] => {
            let cause = reject_cause(text.trim_start_matches("rejects").trim())?;
            Command::Reject { reservation: rings(state, agent, name)?, cause }
        }
        _ => {
            let known = "logs in, logs out, is ready, is not ready N, accepts, rejects, ends wrap-up, ...";
            return Err(format!("an agent cannot `{text}`: {known}"));
        }
    };
    Ok(command)
}

fn rings(state: &State, agent: AgentId, name: &str) -> Said<ReservationId> {
    let nothing = format!("nothing rings {name}: name the reservation, as in `reservation 3 is accepted`");
    let works = state.agents.get(&agent).map(|agent| agent.works.iter());
    works.into_iter().flatten().find_map(acd::Work::reservation).ok_or(nothing)
}
