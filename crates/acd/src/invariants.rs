//! What always holds, as code. [`check`] makes everything anew from the plain state, so its cost grows with agents times
//! queues and with all who wait. Stories and scenarios call it after every step; histories at every eighth and at the end, one in
//! sixteen and while a failure shrinks at every step; the worlds of calls at every step, crowds at every 23rd and 50th; the
//! simulator at every step in its stories, its examples and the beginning of its reference cases, and for users as
//! `--watch` says (without it not at all). `docs/proof.md` has the table; what must hold over time is in [`crate::watch`].

mod deadlines;
mod indexes;
mod steps;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use timing::Instant;

use crate::state::{AgentState, EntryState, InteractionState, Phase, QueueState, Staffing, Stage, State};
use crate::{
    AgentId, Aside, CAPACITY_MAX, CallbackMode, Counters, Distributor, ENTRIES_MAX, ForcedPresence,
    InteractionId, Overflow, Presence, QueueId, RING_MAX, ReasonCode, ReservationId, Settings, StepEffect,
    Wanted, Work, WorkStage,
};

/// What does not hold although it must. It is our fault, never that of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// An interaction, its reservation and its agent do not name each other.
    BrokenBond(InteractionId),
    /// A reservation without its interaction or agent.
    LostReservation(ReservationId),
    /// An agent who is held for, or talks to, nothing that is here.
    LostAgent(AgentId),
    /// Presence and what is in hand contradict each other.
    Contradiction(AgentId),
    /// An available agent could take a waiting interaction.
    WorkNotConserved(AgentId, InteractionId),
    /// An available agent could be rung beside others for an interaction that has room.
    RoomUnused(AgentId, InteractionId),
    /// A rule of overflow that the queue does not have, or whose time has not come, was looked at.
    WrongOverflow(InteractionId),
    /// A waiting interaction wants agents by name of whom none is there.
    Forsaken(InteractionId),
    /// A waiting interaction is at a step that is not there, or at one of rules that hold no more. Whether its step goes
    /// with its age is for [`crate::watch::Watch`] to say: between a command and the time-out that is due, it may lag
    /// behind.
    WrongStep(InteractionId),
    /// A callback waits, rests or is called although it must not.
    WrongCallback(InteractionId),
    /// Offered is not answered + abandoned + overflowed + dequeued + called back + callbacks ended + who is there.
    /// `None`: over all queues.
    LostCount(Option<QueueId>),
    /// Reserves are open although nobody has waited long enough to keep them open, or more than there are.
    OpenReserve(QueueId),
    /// A queue's lists differ from what a rebuild gives.
    StaleIndex(Option<QueueId>),
    /// The deadlines set differ from those that the state calls for.
    Deadlines,
    /// A bound of the settings is exceeded.
    BoundExceeded,
}

impl std::error::Error for Violation {}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an invariant of the distributor is broken: {self:?}")
    }
}

/// Whether everything holds that always must. Call it between commands.
///
/// - Every interaction is in exactly one of waiting, resting, reserved, handled; every reservation joins one interaction
///   and one agent who name each other; no agent has two things in hand.
/// - No available agent could take a waiting interaction (work conservation), or be rung beside others for one for which
///   more may be rung.
/// - Every reservation, wait, back-off and after-call work that ends by time has its deadline set, and no other
///   deadline is set.
/// - Nothing is lost: offered = answered + abandoned + overflowed + dequeued + called back + callbacks ended + waiting +
///   resting + reserved, for each queue and in all; who stands in several queues is counted in each.
/// - A callback waits only while its window is open, rests only for a reason, and is called as its mode says.
/// - Lists and counts are what a rebuild from the plain state gives; no bound is exceeded.
pub fn check(distributor: &Distributor) -> Result<(), Violation> {
    let state = distributor.state();
    check_state(&state)?;
    indexes::check(distributor, &state)?;
    deadlines::check(distributor, &state)
}

/// The part of [`check`] that speaks of the plain state alone.
pub fn check_state(state: &State) -> Result<(), Violation> {
    check_interactions(state)?;
    check_reservations(state)?;
    check_agents(state)?;
    check_work_conserved(state)?;
    check_wanted(state)?;
    steps::check_own(state)?;
    check_queues(state)?;
    check_totals(state)
}

/// Whether what a state names is there and within bounds, so that a distributor can be built up from it: what was
/// written down may have been changed by others. Costs one look at everything.
pub(crate) fn check_bonds(state: &State) -> Result<(), Violation> {
    for (&id, queue) in &state.queues {
        let is_sound = state.settings.check_queue(id, &queue.settings).is_ok()
            && queue.step_staffing.len() == queue.settings.steps_that_may_be_skipped();
        holds(is_sound, Violation::BoundExceeded)?;
    }
    for agent in state.agents.values() {
        holds(state.settings.check_agent(&agent.settings).is_ok(), Violation::BoundExceeded)?;
    }
    check_interactions(state)?;
    steps::check_pairs(state)?;
    check_reservations(state)?;
    check_agents(state)
}

fn holds(condition: bool, violation: Violation) -> Result<(), Violation> {
    if condition { Ok(()) } else { Err(violation) }
}

/// Who is rung for an interaction.
#[derive(Default)]
struct Rung {
    agents: usize,
    /// By which queues: one, if nothing is wrong.
    queues: BTreeSet<QueueId>,
}

fn rung(state: &State) -> BTreeMap<InteractionId, Rung> {
    let mut all: BTreeMap<InteractionId, Rung> = BTreeMap::new();
    for held in state.reservations.values() {
        let rung = all.entry(held.interaction).or_default();
        rung.agents += 1;
        rung.queues.insert(held.queue);
    }
    all
}

fn check_interactions(state: &State) -> Result<(), Violation> {
    let rung = rung(state);
    for (&id, interaction) in &state.interactions {
        let broken = Violation::BrokenBond(id);
        let queues: BTreeSet<QueueId> = interaction.entries.iter().map(|entry| entry.queue).collect();
        let is_distinct = queues.len() == interaction.entries.len();
        holds(is_distinct && (1..=ENTRIES_MAX).contains(&queues.len()), broken)?;
        match interaction.stage {
            Stage::Waiting => {
                for entry in &interaction.entries {
                    let queue = state.queues.get(&entry.queue).ok_or(broken)?;
                    holds(entry.rules == queue.rules, Violation::WrongStep(id))?;
                    let step = usize::from(entry.step);
                    holds(step <= queue.settings.steps.len(), Violation::WrongStep(id))?;
                    let may_wait = interaction.pending_callback().is_none() || queue.callback_window;
                    holds(may_wait, Violation::WrongCallback(id))?;
                    check_overflows_seen(state, id, entry)?;
                }
            }
            Stage::Resting { until } => {
                let [entry] = &interaction.entries[..] else { return Err(broken) };
                let queue = state.queues.get(&entry.queue).ok_or(broken)?;
                let may_rest = until.is_some() || !queue.callback_window;
                let is_callback = interaction.pending_callback().is_some();
                holds(may_rest && is_callback, Violation::WrongCallback(id))?;
            }
            Stage::Reserved { most, .. } => {
                let rung = rung.get(&id).ok_or(broken)?;
                let is_within = rung.agents <= RING_MAX.into() && (1..=RING_MAX).contains(&most);
                holds(is_within, Violation::BoundExceeded)?;
                holds(rung.queues.len() == 1 && rung.queues.is_subset(&queues), broken)?;
                holds(
                    interaction.pending_callback().is_none() || rung.agents == 1,
                    Violation::WrongCallback(id),
                )?;
                holds(queues.iter().all(|queue| state.queues.contains_key(queue)), broken)?;
                interaction.entries.iter().try_for_each(|entry| check_overflows_seen(state, id, entry))?;
            }
            Stage::Handling { agent, since } => {
                let agent = state.agents.get(&agent).ok_or(broken)?;
                let is_it = |work: &Work| work.is_handling_of(id) && work.since() == since;
                holds(agent.works.iter().filter(|work| is_it(work)).count() == 1, broken)?;
                holds(interaction.exclusions.is_empty() && queues.len() == 1, broken)?;
                holds(interaction.pending_callback().is_none(), Violation::WrongCallback(id))?;
            }
        }
        let tried = interaction.pending_callback().map(|callback| (callback.failed, callback.rules.attempts));
        holds(tried.is_none_or(|(failed, most)| failed < most), Violation::BoundExceeded)?;
        let most = state.settings.exclusions_max as usize;
        holds(interaction.exclusions.len() <= most, Violation::BoundExceeded)?;
        let wanted = interaction.entries.iter().filter_map(|entry| entry.wanted);
        let is_sound = wanted.into_iter().all(|wanted| wanted.check().is_ok() && queues.len() == 1);
        holds(is_sound, Violation::BoundExceeded)?;
    }
    Ok(())
}

/// Only rules are looked at that the queue has, and not before their time. The queue is there.
fn check_overflows_seen(state: &State, id: InteractionId, entry: &EntryState) -> Result<(), Violation> {
    let rules = &state.queues[&entry.queue].settings.overflows;
    let is_due = |rule: &Overflow| !rule.after.is_zero() && entry.entered + rule.after <= state.now;
    let mut seen = (0..u8::BITS).filter(|number| entry.overflows_seen >> number & 1 == 1);
    let is_right = seen.all(|number| rules.get(number as usize).is_some_and(is_due));
    holds(is_right, Violation::WrongOverflow(id))
}

fn check_reservations(state: &State) -> Result<(), Violation> {
    for (&id, reservation) in &state.reservations {
        let lost = Violation::LostReservation(id);
        let interaction = state.interactions.get(&reservation.interaction).ok_or(lost)?;
        match interaction.stage {
            Stage::Reserved { since, .. } => holds(since <= reservation.since, lost)?,
            Stage::Waiting | Stage::Resting { .. } | Stage::Handling { .. } => return Err(lost),
        }
        holds(interaction.entry(reservation.queue).is_some(), lost)?;
        let may_ring = match (reservation.phase, interaction.pending_callback()) {
            (Phase::Ringing, None) | (Phase::Calling | Phase::Alerting, Some(_)) => true,
            (Phase::Ringing, Some(callback)) => callback.rules.mode == CallbackMode::AgentFirst,
            (Phase::Calling | Phase::Alerting, None) => false,
        };
        holds(may_ring, Violation::WrongCallback(reservation.interaction))?;
        let agent = state.agents.get(&reservation.agent).ok_or(lost)?;
        let is_it = |work: &Work| {
            let is_same = (work.interaction, work.since()) == (reservation.interaction, reservation.since);
            work.reservation() == Some(id) && is_same
        };
        holds(agent.works.iter().filter(|work| is_it(work)).count() == 1, lost)?;
        holds(reservation.deadline > reservation.since, lost)?;
        holds(id.0 <= state.last_reservation, lost)?;
    }
    Ok(())
}

fn check_agents(state: &State) -> Result<(), Violation> {
    for (&id, agent) in &state.agents {
        let contradiction = Violation::Contradiction(id);
        for work in agent.works.iter() {
            check_work(state, id, agent, work)?;
        }
        let only_conversations = agent.works.iter().all(Work::is_handling);
        let is_backing_off = matches!(agent.aside, Aside::BackingOff { .. });
        let may_be_logged_out = only_conversations && !is_backing_off;
        holds(may_be_logged_out || agent.presence != Presence::LoggedOut, contradiction)?;
        holds(is_as_forced(agent, &state.settings), contradiction)?;
        holds(!agent.leaving || !agent.works.is_empty(), contradiction)?;
        holds(!agent.leaving || agent.presence == Presence::LoggedOut, contradiction)?;
        let is_at_work = agent.works.iter().any(Work::is_answered);
        holds(agent.worked.since.is_some() == is_at_work, contradiction)?;
        // How many of each is judged when one is taken (`acd::watch`): a capacity may become smaller afterwards.
        let of = |channel| agent.works.iter().filter(|work| work.channel == channel).count();
        let most = agent.works.iter().map(|work| of(work.channel)).max().unwrap_or(0);
        holds(most <= usize::from(CAPACITY_MAX), Violation::BoundExceeded)?;
        let foreground = agent.works.answered_last().map(|last| last.channel);
        let is_noted = |work: &Work| match work.stage {
            WorkStage::Handling { interrupted, .. } => {
                interrupted.since.is_some() == (Some(work.channel) != foreground)
            }
            WorkStage::Reserved { .. } | WorkStage::AfterCallWork { .. } => true,
        };
        holds(agent.works.iter().all(is_noted), contradiction)?;
    }
    Ok(())
}

/// Whether what an agent has in hand is there, and no second time.
fn check_work(state: &State, id: AgentId, agent: &AgentState, work: &Work) -> Result<(), Violation> {
    let lost = Violation::LostAgent(id);
    match work.stage {
        WorkStage::Reserved { reservation, .. } => {
            let reservation = state.reservations.get(&reservation).ok_or(lost)?;
            holds(reservation.agent == id, lost)
        }
        WorkStage::Handling { since, .. } => {
            let interaction = state.interactions.get(&work.interaction).ok_or(lost)?;
            holds(interaction.stage == Stage::Handling { agent: id, since }, lost)
        }
        WorkStage::AfterCallWork { since, until } => {
            let of_it = agent.works.iter().filter(|other| other.is_after_call_work_of(work.interaction));
            holds(of_it.count() == 1, lost)?;
            holds(until <= since + state.settings.after_call_work_max, Violation::BoundExceeded)
        }
    }
}

/// Whether an agent's presence is one that goes with what a supervisor has forced.
fn is_as_forced(agent: &AgentState, settings: &Settings) -> bool {
    let Some(forced) = agent.forced else { return true };
    let holds = settings.forced_presence == ForcedPresence::HoldsUntilLifted;
    let is_missed = match agent.presence {
        Presence::NotReady(reason) => reason == ReasonCode::MISSED && forced.presence == Presence::Ready,
        Presence::LoggedOut | Presence::Ready => false,
    };
    agent.presence == forced.presence || !agent.presence.is_logged_in() || (is_missed && holds)
}

/// Whether an agent takes anything of a queue's channel and meets what a step asks for.
fn serves(queue: &QueueState, step: usize, agent: &AgentState) -> bool {
    agent.settings.capacity.of(queue.settings.channel) > 0 && meets(queue, step, agent)
}

fn meets(queue: &QueueState, step: usize, agent: &AgentState) -> bool {
    let Some(before) = step.checked_sub(1) else {
        return queue.settings.requirement.is_met_by(&agent.settings.skills);
    };
    let this = &queue.settings.steps[before];
    let is_met = this.requirement.is_met_by(&agent.settings.skills);
    match this.effect {
        StepEffect::Replace => is_met,
        StepEffect::Add => is_met || meets(queue, before, agent),
    }
}

/// Whether an agent could take an interaction, by one of these queues.
fn could_take(
    state: &State,
    (id, agent): (AgentId, &AgentState),
    interaction: &InteractionState,
    queues: &BTreeSet<QueueId>,
) -> bool {
    let mut entries = interaction.entries.iter().filter(|entry| queues.contains(&entry.queue));
    entries.any(|entry| {
        let channel = state.queues[&entry.queue].settings.channel;
        agent.is_available_for(channel, &state.settings.interruptions)
            && is_fit(state, id, agent, (interaction, entry))
    })
}

/// Whether an agent, if free, could take an interaction from one of its queues.
fn is_fit(
    state: &State,
    id: AgentId,
    agent: &AgentState,
    (interaction, entry): (&InteractionState, &EntryState),
) -> bool {
    let queue = &state.queues[&entry.queue];
    // While agents are rung the rules may have changed, and with them how many steps there are.
    let step = usize::from(entry.step).min(queue.settings.steps.len());
    let serves_it = || serves(queue, step, agent);
    // Whom an interaction wants by name takes it, reserve or not.
    let is_open =
        entry.wanted.is_some() || queue.settings.reserve(&agent.settings.skills) <= queue.reserves_open;
    is_open
        && !interaction.exclusions.contains_key(&id)
        && entry.is_open_to(id)
        && agent.settings.capacity.of(queue.settings.channel) > 0
        && (entry.is_regardless_of_skills() || (serves_it() && interaction.accepts(agent)))
}

/// Who wants agents by name and may give up has one who could take it when free.
fn check_wanted(state: &State) -> Result<(), Violation> {
    let waiting = state.interactions.iter().filter(|(_, interaction)| interaction.stage == Stage::Waiting);
    for (&id, interaction) in waiting {
        for entry in &interaction.entries {
            let Some(wanted) = entry.wanted.filter(Wanted::has_agents) else { continue };
            let could = |name: AgentId| {
                state.agents.get(&name).is_some_and(|agent| {
                    agent.presence.is_logged_in() && is_fit(state, name, agent, (interaction, entry))
                })
            };
            holds(wanted.names().any(could), Violation::Forsaken(id))?;
        }
    }
    Ok(())
}

fn check_work_conserved(state: &State) -> Result<(), Violation> {
    let is_available = |agent: &AgentState| !agent.open(&state.settings.interruptions).is_empty();
    let available: Vec<_> = state.agents.iter().filter(|(_, agent)| is_available(agent)).collect();
    let rung = rung(state);
    for (&id, interaction) in &state.interactions {
        let all = interaction.entries.iter().map(|entry| entry.queue);
        let (queues, violation): (BTreeSet<QueueId>, fn(AgentId, InteractionId) -> Violation) =
            match (interaction.stage, rung.get(&id)) {
                (Stage::Waiting, _) => (all.collect(), Violation::WorkNotConserved),
                (Stage::Reserved { most, .. }, Some(rung)) if rung.agents < most.into() => {
                    let mut joined = rung.queues.clone();
                    joined.retain(|&queue| !is_time_to_look(state, interaction, queue));
                    (joined, Violation::RoomUnused)
                }
                (Stage::Reserved { .. } | Stage::Resting { .. } | Stage::Handling { .. }, _) => continue,
            };
        let is_rung = |of: &AgentState| {
            of.works.iter().any(|work| work.interaction == id && work.reservation().is_some())
        };
        let mut takers = available.iter().filter(|(_, of)| !is_rung(of));
        let taker = takers.find(|(agent, of)| could_take(state, (**agent, of), interaction, &queues));
        if let Some(&(&agent, _)) = taker {
            return Err(violation(agent, id));
        }
    }
    Ok(())
}

fn is_time_to_look(state: &State, of: &InteractionState, queue: QueueId) -> bool {
    of.entry(queue).is_none_or(|&EntryState { entered, overdue, overflows_seen, .. }| {
        state.queues[&queue].is_time_to_look(entered, overdue, overflows_seen, state.now)
    })
}

fn check_queues(state: &State) -> Result<(), Violation> {
    for (&id, queue) in &state.queues {
        let here = state.interactions.values().filter(|interaction| interaction.entry(id).is_some());
        let is_handled =
            |interaction: &&InteractionState| matches!(interaction.stage, Stage::Handling { .. });
        let in_system = here.filter(|interaction| !is_handled(interaction)).count() as u64;
        let held = state.reservations.values().filter(|held| held.queue == id).count() as u64;
        holds(is_balanced(&queue.counters, in_system, held), Violation::LostCount(Some(id)))?;
        let close = queue.settings.reserves_close_below();
        let is_needed = first_entry(state, id).is_some_and(|entered| state.now - entered >= close);
        let most = if is_needed { queue.settings.reserves.len() } else { 0 };
        holds(usize::from(queue.reserves_open) <= most, Violation::OpenReserve(id))?;
        let steps = 0..=queue.settings.steps.len();
        let is_there = |agent: &AgentState| {
            agent.presence.is_logged_in() && steps.clone().any(|step| serves(queue, step, agent))
        };
        let is_staffed = matches!(queue.staffing, Staffing::Staffed);
        holds(is_staffed == state.agents.values().any(is_there), Violation::StaleIndex(Some(id)))?;
        steps::check(state, id, queue)?;
    }
    Ok(())
}

/// When whoever waits longest in a queue entered it.
fn first_entry(state: &State, id: QueueId) -> Option<Instant> {
    let waiting = state.interactions.values().filter(|interaction| interaction.stage == Stage::Waiting);
    let entries = waiting.flat_map(|interaction| &interaction.entries);
    entries.filter(|entry| entry.queue == id).map(|entry| entry.entered).min()
}

/// Nothing is lost, neither an interaction nor a reservation.
fn is_balanced(counters: &Counters, in_system: u64, held: u64) -> bool {
    let called = counters.called_back + counters.callbacks_ended;
    let left = counters.answered + counters.abandoned + counters.overflowed + counters.dequeued + called;
    counters.offered == left + in_system
        && counters.reservations == counters.reservations_ended() + held
        && counters.flowed_out + counters.left <= counters.overflowed
        && counters.flowed_in + counters.returned <= counters.offered
        && counters.returned + counters.expired <= counters.finished
}

fn check_totals(state: &State) -> Result<(), Violation> {
    let is_handled = |stage| matches!(stage, Stage::Handling { .. });
    let handled = state.interactions.values().filter(|i| is_handled(i.stage)).count() as u64;
    let entries: usize = state.interactions.values().map(|interaction| interaction.entries.len()).sum();
    let totals = &state.totals;
    let held = state.reservations.len() as u64;
    holds(is_balanced(totals, entries as u64 - handled, held), Violation::LostCount(None))?;
    holds(totals.flowed_out == totals.flowed_in, Violation::LostCount(None))?;
    holds(totals.answered + totals.called_back == totals.finished + handled, Violation::LostCount(None))?;
    let settings = &state.settings;
    let within = state.agents.len() <= settings.agents_max as usize
        && state.queues.len() <= settings.queues_max as usize;
    holds(within, Violation::BoundExceeded)
}
