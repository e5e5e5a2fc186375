//! Lists and counts are what a rebuild from the plain state gives.

use std::collections::BTreeMap;

use super::{Violation, holds, rung, serves};
use crate::distributor::{Front, Listing, Queue, rank};
use crate::estimate::Staff;
use crate::state::{AgentState, EntryState, InteractionState, Place, QueueState, Stage, State};
use crate::table::Slot;
use crate::{Distributor, InteractionId, QueueId, ReservationId, Selection};

use super::deadlines::next_overflow;

/// What the indexes say is what the plain state says.
pub(super) fn check(distributor: &Distributor, state: &State) -> Result<(), Violation> {
    let is_handled = |stage| matches!(stage, Stage::Handling { .. });
    let unanswered = state.interactions.values().filter(|i| !is_handled(i.stage)).count();
    holds(distributor.unanswered as usize == unanswered, Violation::StaleIndex(None))?;
    for (_, agent) in distributor.agents.iter() {
        holds(agent.is_listed == agent.is_available(&state.settings), Violation::StaleIndex(None))?;
        let skills = &distributor.profiles.at(agent.profile).skills;
        holds(*skills == agent.state.settings.skills, Violation::StaleIndex(None))?;
        let capacity = distributor.profiles.at(agent.profile).capacity;
        holds(capacity == agent.state.settings.capacity, Violation::StaleIndex(None))?;
    }
    check_rung(distributor, state)?;
    let with_room: u32 = distributor.queues.iter().map(|(_, queue)| queue.lines.with_room.len()).sum();
    holds(distributor.with_room == with_room, Violation::StaleIndex(None))?;
    let selects = |agent: &&AgentState| {
        agent.settings.selection.unwrap_or(state.settings.selection) != Selection::Oldest
    };
    let selecting = state.agents.values().filter(selects).count();
    holds(distributor.selecting as usize == selecting, Violation::StaleIndex(None))?;
    let members: u32 = distributor.profiles.all().map(|(_, profile)| profile.members).sum();
    holds(members as usize == state.agents.len(), Violation::StaleIndex(None))?;
    let here = state.agents.values().filter(|agent| agent.presence.is_logged_in()).count();
    let logged_in: u32 = distributor.profiles.all().map(|(_, profile)| profile.logged_in).sum();
    holds(logged_in as usize == here, Violation::StaleIndex(None))?;
    holds(distributor.counts_own_right(), Violation::StaleIndex(None))?;
    for (slot, queue) in distributor.queues.iter() {
        check_own_staff(distributor, state, slot)?;
        let expected = expected_listing(state, queue.id);
        holds(Listing::of(distributor, slot) == expected, Violation::StaleIndex(Some(queue.id)))?;
        let estimator = &queue.state.estimator;
        let hears_all =
            estimator.waiting() == expected.len && estimator.staff() == expected_staff(state, queue.id);
        holds(hears_all, Violation::StaleIndex(Some(queue.id)))?;
        let (front, fresh) = (&distributor.fronts[slot.number() as usize], Front::new(queue));
        let weighs = |front: &Front| (front.band, front.objective, front.weight, front.ratio, front.level(1));
        let is_same = weighs(front) == weighs(&fresh)
            && front.waiting == queue.lines.len
            && front.reserves_open == queue.state.reserves_open;
        holds(is_same, Violation::StaleIndex(Some(queue.id)))?;
    }
    Ok(())
}

/// What is counted for own requirements is what a look at everybody gives.
fn check_own_staff(distributor: &Distributor, state: &State, slot: Slot<Queue>) -> Result<(), Violation> {
    let id = distributor.queues[slot].id;
    let queue = &state.queues[&id];
    for (own, [waiting, reserved], staff) in distributor.own_staff(slot) {
        let has_it = |of: &&InteractionState| of.requirement.as_ref() == Some(own) && of.entry(id).is_some();
        let count = |is_it: fn(Stage) -> bool| {
            state.interactions.values().filter(has_it).filter(|of| is_it(of.stage)).count()
        };
        let is_right = waiting as usize == count(|stage| stage == Stage::Waiting)
            && reserved as usize == count(|stage| matches!(stage, Stage::Reserved { .. }));
        holds(is_right, Violation::StaleIndex(Some(id)))?;
        for (step, &staff) in staff.iter().enumerate() {
            let is_there = |agent: &&AgentState| {
                agent.presence.is_logged_in()
                    && serves(queue, step, agent)
                    && own.is_met_by(&agent.settings.skills)
            };
            let expected = state.agents.values().filter(is_there).count();
            holds(staff as usize == expected, Violation::StaleIndex(Some(id)))?;
        }
    }
    Ok(())
}

/// The reservations of each interaction hang together in the order of their ids.
fn check_rung(distributor: &Distributor, state: &State) -> Result<(), Violation> {
    let mut expected: BTreeMap<InteractionId, Vec<ReservationId>> = BTreeMap::new();
    for (&id, held) in &state.reservations {
        expected.entry(held.interaction).or_default().push(id);
    }
    for (slot, interaction) in distributor.interactions.iter() {
        let held = distributor.reservations_of(slot).map(|held| distributor.reservations[held].id);
        let is_same = held.eq(expected.remove(&interaction.id).unwrap_or_default());
        holds(is_same, Violation::BrokenBond(interaction.id))?;
    }
    Ok(())
}

/// The agents that a queue's estimator has to know of.
fn expected_staff(state: &State, id: QueueId) -> Staff {
    let could =
        |queue: &QueueState, agent| (0..=queue.settings.steps.len()).any(|step| serves(queue, step, agent));
    let mut staff = Staff::default();
    for agent in state.agents.values().filter(|agent| could(&state.queues[&id], agent)) {
        staff.logged_in += u32::from(agent.presence.is_logged_in());
        if agent.takes_work() {
            let places = u32::from(agent.settings.capacity.of(state.queues[&id].settings.channel));
            staff.working += places;
            let mut others = state.queues.iter().filter(|&(&other, _)| other != id);
            staff.shared += if others.any(|(_, queue)| could(queue, agent)) { places } else { 0 };
        }
    }
    staff
}

/// Who has to stand where in a queue.
fn expected_listing(state: &State, id: QueueId) -> Listing {
    let queue = &state.queues[&id];
    let steps = queue.settings.steps.len() + 1;
    let rung = rung(state);
    let mut listing = Listing { staff: vec![0; steps], ..Listing::default() };
    for (&interaction, state_of) in &state.interactions {
        let Some(entry) = state_of.entry(id) else { continue };
        if state_of.pending_callback().is_some() {
            listing.callbacks.insert(interaction);
        }
        let place = state_of.place(interaction, state.settings.head_start_per_point);
        match state_of.stage {
            Stage::Waiting => {
                stands(&mut listing, place, state_of, entry);
                listing.entries.entry(entry.step).or_default().insert((entry.entered, interaction));
                if queue.settings.max_wait.is_some() && !entry.overdue && state_of.callback.is_none() {
                    listing.expiring.insert((entry.entered, interaction));
                }
                if let Some((rule, _)) = next_overflow(&queue.settings, state_of, entry) {
                    listing.overflowing.entry(rule).or_default().insert((entry.entered, interaction));
                }
                listing.len += 1;
            }
            Stage::Resting { .. } => {}
            Stage::Reserved { since, most } => {
                let Some(rung) = rung.get(&interaction).filter(|rung| rung.queues.contains(&id)) else {
                    listing.elsewhere += 1;
                    continue;
                };
                listing.reserved += 1;
                listing.with_room.extend((rung.agents < most.into()).then_some(place));
                let widens_after = state_of.ring(id, &queue.settings).widens_after(most);
                listing.widening.extend(widens_after.map(|after| (since + after, interaction)));
            }
            Stage::Handling { .. } => listing.handling += 1,
        }
    }
    listing.waiting.values_mut().for_each(|line| line.sort_unstable());
    listing.with_room.sort_unstable();
    listing.wanting.sort_unstable();
    listing.wanting_agent.values_mut().for_each(|line| line.sort_unstable());
    for ((own, step), line) in &listing.waiting {
        match own {
            Some(_) => listing.has_own = true,
            None => drop(listing.front.insert(*step, line[0])),
        }
    }
    for (&agent, entry) in &state.agents {
        let mut serves_any = false;
        for (number, step) in (0..steps).zip(0u8..) {
            if !serves(queue, number, entry) {
                continue;
            }
            serves_any = true;
            listing.staff[number] += u32::from(entry.presence.is_logged_in());
            if entry.is_available_for(queue.settings.channel, &state.settings.interruptions) {
                let rank = rank(&queue.settings, entry);
                let bucket = queue.settings.bucket(&entry.settings.skills);
                listing.idle.entry(step).or_default().insert((bucket, rank, agent));
            }
        }
        listing.staff_any += u32::from(serves_any && entry.presence.is_logged_in());
    }
    listing
}

/// By place in the line of the step, or in those of the agents who are wanted by name.
fn stands(listing: &mut Listing, place: Place, state_of: &InteractionState, entry: &EntryState) {
    let Some(wanted) = entry.wanted else {
        let class = (state_of.requirement.clone(), entry.step);
        return listing.waiting.entry(class).or_default().push(place);
    };
    listing.wanting.push(place);
    wanted.names().for_each(|agent| listing.wanting_agent.entry(agent).or_default().push(place));
}
