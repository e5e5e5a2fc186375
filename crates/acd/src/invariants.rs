//! What always holds, as code: tests and the simulator call [`check`] after every step. It rebuilds everything
//! from scratch, so its cost grows with agents times waiting interactions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::distributor::{Deadline, Due};
use crate::state::{Staffing, Stage};
use crate::{Activity, AgentId, Counters, Distributor, InteractionId, Presence, QueueId, ReservationId};

/// What does not hold although it must. It is our fault, never that of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// An interaction, its reservation and its agent do not name each other.
    BrokenBond(InteractionId),
    /// A reservation without its interaction or agent.
    LostReservation(ReservationId),
    /// An agent who is held for, or talks to, nothing that is here.
    LostAgent(AgentId),
    /// Presence and activity contradict each other.
    Contradiction(AgentId),
    /// An available agent could take a waiting interaction.
    WorkNotConserved(AgentId, InteractionId),
    /// A waiting interaction is at an earlier step than its age calls for, or at one that is not there.
    WrongStep(InteractionId),
    /// Offered is not answered + abandoned + overflowed + waiting + reserved. `None`: over all queues.
    LostCount(Option<QueueId>),
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
/// - Every interaction is in exactly one of waiting, reserved, handled; every reservation joins one interaction
///   and one agent who name each other; no agent has two things in hand.
/// - No available agent could take a waiting interaction (work conservation).
/// - Every reservation, wait, back-off and after-call work that ends by time has its deadline set, and no other
///   deadline is set.
/// - Nothing is lost: offered = answered + abandoned + overflowed + waiting + reserved, for each queue and in all.
/// - Lists and counts are what a rebuild from the plain state gives; no bound is exceeded.
pub fn check(distributor: &Distributor) -> Result<(), Violation> {
    check_interactions(distributor)?;
    check_reservations(distributor)?;
    check_agents(distributor)?;
    check_work_conserved(distributor)?;
    check_queues(distributor)?;
    check_totals(distributor)?;
    check_deadlines(distributor)
}

fn holds(condition: bool, violation: Violation) -> Result<(), Violation> {
    if condition { Ok(()) } else { Err(violation) }
}

fn check_interactions(distributor: &Distributor) -> Result<(), Violation> {
    for (&id, interaction) in &distributor.interactions {
        let state = &interaction.state;
        let broken = Violation::BrokenBond(id);
        match state.stage {
            Stage::Waiting => {
                let queue = &distributor.queues.get(&state.queue).ok_or(broken)?.state.settings;
                let step = usize::from(state.step);
                holds(step <= queue.steps.len(), Violation::WrongStep(id))?;
            }
            Stage::Reserved(reservation) => {
                let reservation = &distributor.reservations.get(&reservation).ok_or(broken)?.state;
                holds(reservation.interaction == id, broken)?;
                holds(distributor.queues.contains_key(&state.queue), broken)?;
            }
            Stage::Handling { agent, since } => {
                let agent = &distributor.agents.get(&agent).ok_or(broken)?.state;
                holds(agent.activity == Activity::Handling { interaction: id, since }, broken)?;
                holds(state.exclusions.is_empty(), broken)?;
            }
        }
    }
    Ok(())
}

fn check_reservations(distributor: &Distributor) -> Result<(), Violation> {
    for (&id, reservation) in &distributor.reservations {
        let lost = Violation::LostReservation(id);
        let reservation = &reservation.state;
        let interaction = distributor.interactions.get(&reservation.interaction).ok_or(lost)?;
        holds(interaction.state.stage == Stage::Reserved(id), lost)?;
        let agent = &distributor.agents.get(&reservation.agent).ok_or(lost)?.state;
        holds(agent.activity == Activity::Reserved { reservation: id, since: reservation.since }, lost)?;
        holds(reservation.deadline > reservation.since, lost)?;
        holds(id.0 <= distributor.last_reservation, lost)?;
    }
    Ok(())
}

fn check_agents(distributor: &Distributor) -> Result<(), Violation> {
    for (&id, agent) in &distributor.agents {
        let state = &agent.state;
        let lost = Violation::LostAgent(id);
        let may_be_logged_out = match state.activity {
            Activity::Idle { .. } | Activity::Occupied { .. } => true,
            Activity::Reserved { reservation, .. } => {
                let reservation = distributor.reservations.get(&reservation).ok_or(lost)?;
                holds(reservation.state.agent == id, lost)?;
                false
            }
            Activity::Handling { interaction, since } => {
                let interaction = distributor.interactions.get(&interaction).ok_or(lost)?;
                holds(interaction.state.stage == Stage::Handling { agent: id, since }, lost)?;
                true
            }
            Activity::AfterCallWork { since, until, .. } => {
                holds(until <= since + distributor.settings.after_call_work_max, Violation::BoundExceeded)?;
                false
            }
            Activity::BackingOff { .. } => false,
        };
        holds(may_be_logged_out || state.presence != Presence::LoggedOut, Violation::Contradiction(id))?;
        let is_handling = matches!(state.activity, Activity::Handling { .. });
        holds(!state.leaving || is_handling, Violation::Contradiction(id))?;
        holds(!state.leaving || state.presence == Presence::LoggedOut, Violation::Contradiction(id))?;
        let is_listed = distributor.available.contains(&id);
        holds(is_listed == state.is_available(), Violation::StaleIndex(None))?;
        for &queue in distributor.queues.keys() {
            let afresh = distributor.serves_afresh(id, queue);
            holds(agent.serves.get(&queue).copied() == afresh, Violation::StaleIndex(Some(queue)))?;
        }
    }
    Ok(())
}

fn check_work_conserved(distributor: &Distributor) -> Result<(), Violation> {
    for (&id, interaction) in &distributor.interactions {
        if interaction.state.stage != Stage::Waiting {
            continue;
        }
        let taker = distributor.available.iter().find(|&&agent| distributor.could_take(agent, id));
        if let Some(&agent) = taker {
            return Err(Violation::WorkNotConserved(agent, id));
        }
    }
    Ok(())
}

fn check_queues(distributor: &Distributor) -> Result<(), Violation> {
    for (&id, queue) in &distributor.queues {
        let stale = Violation::StaleIndex(Some(id));
        let mut waiting = vec![BTreeSet::new(); queue.state.settings.steps.len() + 1];
        let (mut own, mut entries) = (BTreeSet::new(), BTreeSet::new());
        let (mut reserved, mut handling) = (0, 0);
        for (&interaction, entry) in distributor.interactions.iter().filter(|(_, i)| i.state.queue == id) {
            match entry.state.stage {
                Stage::Waiting => {
                    entries.insert((entry.state.entered, interaction));
                    match entry.state.requirement {
                        Some(_) => own.insert(entry.place),
                        None => waiting[usize::from(entry.state.step)].insert(entry.place),
                    };
                }
                Stage::Reserved(_) => reserved += 1,
                Stage::Handling { .. } => handling += 1,
            }
        }
        holds(queue.waiting == waiting && queue.own == own && queue.entries == entries, stale)?;
        holds(queue.reserved == reserved && queue.handling == handling, stale)?;
        check_staff(distributor, id)?;
        let in_system = entries.len() as u64 + u64::from(reserved);
        holds(is_balanced(&queue.state.counters, in_system), Violation::LostCount(Some(id)))?;
    }
    Ok(())
}

fn check_staff(distributor: &Distributor, id: QueueId) -> Result<(), Violation> {
    let queue = &distributor.queues[&id];
    let mut staff = vec![0; queue.state.settings.steps.len() + 1];
    let (mut staff_any, mut idle) = (0, BTreeSet::new());
    for (&agent, entry) in &distributor.agents {
        let Some(serves) = entry.serves.get(&id) else { continue };
        if entry.state.presence.is_logged_in() {
            staff_any += 1;
            for (step, staff) in staff.iter_mut().enumerate() {
                *staff += u32::from(serves.steps >> step & 1);
            }
        }
        if entry.state.is_available() {
            idle.insert((queue.rank(&entry.state, serves.score), agent));
        }
    }
    let stale = Violation::StaleIndex(Some(id));
    holds(queue.staff == staff && queue.staff_any == staff_any && queue.idle == idle, stale)?;
    let is_staffed = matches!(queue.state.staffing, Staffing::Staffed);
    holds(is_staffed == (staff_any > 0), stale)
}

fn is_balanced(counters: &Counters, in_system: u64) -> bool {
    counters.offered == counters.answered + counters.abandoned + counters.overflowed + in_system
        && counters.flowed_out <= counters.overflowed
        && counters.missed <= counters.reservations
        && counters.returned <= counters.finished
}

fn check_totals(distributor: &Distributor) -> Result<(), Violation> {
    let is_handled = |stage| matches!(stage, Stage::Handling { .. });
    let handled = distributor.interactions.values().filter(|i| is_handled(i.state.stage)).count() as u64;
    let unanswered = distributor.interactions.len() as u64 - handled;
    let totals = &distributor.totals;
    holds(is_balanced(totals, unanswered), Violation::LostCount(None))?;
    holds(totals.answered == totals.finished + handled, Violation::LostCount(None))?;
    holds(u64::from(distributor.unanswered) == unanswered, Violation::StaleIndex(None))?;
    let settings = &distributor.settings;
    let within = distributor.agents.len() <= settings.agents_max as usize
        && distributor.queues.len() <= settings.queues_max as usize
        && unanswered <= u64::from(settings.waiting_max)
        && distributor.interactions.values().all(|interaction| {
            interaction.state.exclusions.len() <= settings.exclusions_max as usize
                && interaction.state.exclusions.keys().eq(interaction.exclusion_timers.keys())
        });
    holds(within, Violation::BoundExceeded)
}

/// The deadlines that the plain state calls for are those that are set: told by their number and their values.
fn check_deadlines(distributor: &Distributor) -> Result<(), Violation> {
    let expected = expected_deadlines(distributor);
    let mut wheel = distributor.deadlines.clone();
    let mut set = BTreeMap::new();
    let end = timing::Instant::from_micros(u64::MAX);
    while let Some((at, deadline)) = wheel.poll(end) {
        holds(set.insert(deadline, at).is_none(), Violation::Deadlines)?;
    }
    holds(set == expected, Violation::Deadlines)
}

fn expected_deadlines(distributor: &Distributor) -> BTreeMap<Deadline, timing::Instant> {
    let mut expected = BTreeMap::new();
    let mut expect = |due: Option<Due>| expected.extend(due.map(|(at, deadline)| (deadline, at)));
    for (&id, agent) in &distributor.agents {
        expect(agent.due(id));
    }
    for (&id, reservation) in &distributor.reservations {
        expect(Some((reservation.state.deadline, Deadline::Reservation(id))));
    }
    for (&id, queue) in &distributor.queues {
        if let (Staffing::Unstaffed { since }, Some(rule)) =
            (queue.state.staffing, queue.state.settings.nobody_logged_in)
        {
            expect(Some((since + rule.grace, Deadline::Grace(id))));
        }
    }
    for (&id, interaction) in &distributor.interactions {
        let state = &interaction.state;
        for (&agent, &until) in &state.exclusions {
            expect(Some((until, Deadline::Exclusion(id, agent))));
        }
        if state.stage != Stage::Waiting {
            continue;
        }
        let queue = &distributor.queues[&state.queue].state.settings;
        if let Some(rule) = queue.max_wait.filter(|_| !state.overdue) {
            expect(Some((state.entered + rule.after, Deadline::MaxWait(id))));
        }
        if let Some(step) = queue.steps.get(usize::from(state.step)) {
            expect(Some((state.entered + step.after, Deadline::Step(id))));
        }
    }
    expected
}
