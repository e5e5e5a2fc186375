//! Queues and agents come, change and go while calls wait: each costs what it changes and resets nothing.

use super::entry::{Nth, Spot};
use super::ringing::Held;
use super::{Agent, Distributor, Front, Interaction, Queue, Reservation};
use crate::state::{Staffing, Stage, State};
use crate::table::Slot;
use crate::{
    AgentId, AgentSettings, CallbackEnd, DequeueCause, Event, Exit, OverflowCause, QueueId, QueueSettings,
    Refusal, ReservationEnd, StepCause,
};

/// Who stays in other queues when one is removed, by which entry there, and whether it was rung for in that one.
type Stayer = (Slot<Interaction>, Nth, bool);

impl Distributor {
    pub(super) fn define_queue(&mut self, id: QueueId, settings: &QueueSettings) -> Result<(), Refusal> {
        self.settings.check_queue(id, settings)?;
        if let Some(slot) = self.queues.slot(id) {
            self.change_queue(slot, settings.clone());
            return Ok(());
        }
        if self.queues.len() >= self.settings.queues_max as usize {
            return Err(Refusal::TooManyQueues);
        }
        let slot = self.add_queue(Queue::new(id, settings.clone(), self.now, self.settings.estimate));
        self.number_rules(slot);
        // Conversations may go on that came from a queue of this id, removed since.
        let is_from_it = |interaction: &Interaction| {
            interaction.entry.queue == id && matches!(interaction.stage(), Stage::Handling { .. })
        };
        let handled = self.interactions.iter().filter(|(_, interaction)| is_from_it(interaction)).count();
        self.queues[slot].handling = u32::try_from(handled).expect("the bound of agents is a u32");
        self.forget_overflows_seen(id);
        self.emit(Event::QueueDefined { queue: id });
        self.assign_agents(slot);
        self.restart_unstaffed_steps(slot);
        self.restart_staffing(slot);
        Ok(())
    }

    /// Into the table, without agents and without anybody who waits.
    pub(super) fn add_queue(&mut self, queue: Queue) -> Slot<Queue> {
        let strategy = queue.state.settings.strategy;
        let front = Front::new(&queue);
        let slot = self.queues.insert(queue);
        let index = slot.number() as usize;
        if index == self.fronts.len() {
            self.fronts.push(front);
        } else {
            self.fronts[index] = front;
        }
        self.want_order(strategy, true);
        slot
    }

    fn change_queue(&mut self, slot: Slot<Queue>, settings: QueueSettings) {
        let id = self.queues[slot].id;
        self.emit(Event::QueueDefined { queue: id });
        if self.queues[slot].state.settings.leaves_everybody_in_place(&settings) {
            return self.change_in_place(slot, settings);
        }
        let line = self.line_of(slot);
        for spot in &line {
            self.stop_waiting(spot.slot, spot.nth);
        }
        let rung = self.rung_in(slot);
        for &interaction in &rung {
            self.stand_down_from_ringing(interaction);
        }
        if self.queues[slot].state.settings.overflows != settings.overflows {
            self.forget_overflows_seen(id);
        }
        self.stop_reserve_timer(slot);
        if self.queues[slot].state.settings.leaves_agents_in_place(&settings) {
            self.unsettled.estimates.push(id);
            self.replace_rules(slot, settings);
        } else {
            self.replace_agents_and_rules(slot, settings);
        }
        self.restart_unstaffed_steps(slot);
        self.restart_staffing(slot);
        for spot in line {
            self.follow_new_rules(spot);
        }
        for interaction in rung {
            self.widen(interaction);
        }
    }

    /// Other rules, by which other agents may serve the queue, or the same in another order: all of them are looked at.
    fn replace_agents_and_rules(&mut self, slot: Slot<Queue>, settings: QueueSettings) {
        let before = self.queues[slot].state.settings.strategy;
        self.retire_agents(slot);
        self.want_order(settings.strategy, true);
        self.want_order(before, false);
        let queue = &mut self.queues[slot];
        if !queue.state.settings.has_the_reserves_of(&settings) {
            queue.state.reserves_open = 0;
        }
        queue.staff = vec![0; settings.steps.len() + 1];
        queue.staff_any = 0;
        queue.working = 0;
        queue.places = 0;
        queue.shared = 0;
        queue.wanted = State::wanted_skills(&settings);
        self.replace_rules(slot, settings);
        self.assign_agents(slot);
        self.count_all_own_anew(slot);
    }

    /// Other rules, while nobody waits in any line of the queue.
    fn replace_rules(&mut self, slot: Slot<Queue>, settings: QueueSettings) {
        let queue = &mut self.queues[slot];
        queue.lines = super::waiting::LinesOfQueue::new(&settings);
        queue.state.settings = settings;
        self.fronts[slot.number() as usize] = Front::new(queue);
        self.number_rules(slot);
    }

    /// Other rules that are looked up where they are needed: whatever the number of agents and of those who wait, nobody
    /// is touched but who waits at a step whose grace is over by a shorter one.
    fn change_in_place(&mut self, slot: Slot<Queue>, settings: QueueSettings) {
        let queue = &mut self.queues[slot];
        queue.state.settings = settings;
        self.fronts[slot.number() as usize].weigh(&queue.state.settings);
        self.restart_unstaffed_steps(slot);
        self.skip_unstaffed_steps(slot);
        self.restart_staffing(slot);
    }

    /// Other rules hold in a queue: whoever came to a step by those before comes to another when it waits again. The
    /// number would come back after four thousand million changes, within one reservation.
    fn number_rules(&mut self, slot: Slot<Queue>) {
        self.last_rules = self.last_rules.wrapping_add(1);
        self.queues[slot].state.rules = self.last_rules;
    }

    /// Back into the line of a queue whose rules have changed, at the step that the age calls for.
    fn follow_new_rules(&mut self, Spot { place, nth, .. }: Spot) {
        let slot = self.at(place.interaction);
        let queue = self.interactions[slot].entry(nth).queue;
        self.take_new_rules(slot, nth);
        self.start_waiting(slot, nth);
        self.unsettled.overdue.push((place, queue));
    }

    /// To the step that the age calls for by the rules of its queue, which have changed; it is in no line.
    pub(super) fn take_new_rules(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let interaction = &mut self.interactions[slot];
        let own = interaction.requirement;
        let entry = interaction.entry_mut(nth);
        let (queue_slot, entered) = (entry.queue_slot, entry.entered);
        let queue = &self.queues[queue_slot];
        entry.overdue = false;
        entry.rules = queue.state.rules;
        let (step, _) = match own {
            None => queue.step_at(0, entered, self.now),
            Some(own) => self.step_with_own((queue_slot, entered), 0, own),
        };
        self.enter_step(slot, nth, step, StepCause::Changed);
    }

    /// No agent serves the queue any more, whatever their skills.
    fn retire_agents(&mut self, slot: Slot<Queue>) {
        self.dissolve_groups(slot);
        self.queues[slot].dismiss_all_pools();
        let mut left: Vec<Option<usize>> = Vec::new();
        for profile in self.profiles.slots() {
            let serves = &mut self.profiles.at_mut(profile).serves;
            let position = serves.iter().position(|serves| serves.queue == slot);
            if let Some(position) = position {
                serves.swap_remove(position);
                self.count_working_alone(profile);
            }
            let index = profile.number() as usize;
            if left.len() <= index {
                left.resize(index + 1, None);
            }
            left[index] = position.filter(|_| self.profiles.at(profile).pool.is_none());
        }
        let listed: Vec<Slot<Agent>> =
            self.agents.iter().filter(|(_, agent)| agent.is_listed).map(|(slot, _)| slot).collect();
        for agent in listed {
            let agent = &mut self.agents[agent];
            if let Some(position) = left[agent.profile.number() as usize] {
                agent.nodes.swap_remove(position);
            }
        }
    }

    /// Finds out who could serve a queue that nobody serves so far.
    pub(super) fn assign_agents(&mut self, slot: Slot<Queue>) {
        self.unsettled.estimates.push(self.queues[slot].id);
        let mut served = Vec::new();
        for profile in self.profiles.slots() {
            let index = profile.number() as usize;
            if served.len() <= index {
                served.resize(index + 1, None);
            }
            served[index] = self.assess(profile, slot);
        }
        let agents: Vec<Slot<Agent>> = self.agents.iter().map(|(slot, _)| slot).collect();
        for agent_slot in agents {
            let agent = &mut self.agents[agent_slot];
            let Some(serves) = served[agent.profile.number() as usize] else { continue };
            if agent.state.presence.is_logged_in() {
                self.queues[slot].count_staff(serves.steps, |staff| *staff += 1);
            }
            if agent.is_listed && self.profiles.at(agent.profile).pool.is_none() {
                self.stand_idle_for(agent_slot, serves);
            }
        }
    }

    /// After the rules changed: whether anybody serves the queue, and from when the grace runs.
    fn restart_staffing(&mut self, slot: Slot<Queue>) {
        let now = self.now;
        let queue = &mut self.queues[slot];
        if let Some(timer) = queue.grace_timer.take() {
            self.deadlines.cancel(timer);
        }
        let since = match queue.state.staffing {
            Staffing::Staffed => now,
            Staffing::Unstaffed { since } | Staffing::Deserted { since } => since,
        };
        if queue.staff_any > 0 {
            queue.state.staffing = Staffing::Staffed;
        } else if self.begin_grace(slot, since) {
            let id = self.queues[slot].id;
            self.unsettled.deserted.push(id);
        }
    }

    pub(super) fn remove_queue(&mut self, id: QueueId, exit: Exit) -> Result<(), Refusal> {
        let slot = self.queues.slot(id).ok_or(Refusal::UnknownQueue(id))?;
        if let Exit::Queue(target) = exit
            && (target == id || !self.queues.contains(target))
        {
            return Err(Refusal::UselessExit(id));
        }
        let (spots, stay, freed) = self.empty_queue(slot);
        self.retire_agents(slot);
        self.stop_reserve_timer(slot);
        self.stop_unstaffed_alarm(slot);
        self.drop_all_pairs(slot);
        let queue = self.queues.remove(slot);
        self.want_order(queue.state.settings.strategy, false);
        if let Some(timer) = queue.grace_timer {
            self.deadlines.cancel(timer);
        }
        self.free_without_fault(freed);
        for (interaction, nth, was_rung_here) in stay {
            self.dequeue(interaction, nth, DequeueCause::QueueRemoved);
            self.end_entry(interaction, nth);
            if was_rung_here {
                self.wait_again(interaction, id);
            }
        }
        for Spot { place, nth, .. } in spots {
            let interaction = self.at(place.interaction);
            let is_callback = self.interactions[interaction].pending_callback().is_some();
            if is_callback && matches!(exit, Exit::Leave(_)) {
                // Nobody is on the line who could be sent anywhere.
                self.end_callback(interaction, CallbackEnd::QueueRemoved, false);
                continue;
            }
            self.note_overflow(interaction, nth, OverflowCause::QueueRemoved, exit, false);
            match exit {
                Exit::Leave(_) => self.forget(interaction),
                Exit::Queue(target) => self.enter(interaction, nth, target, Some(id)),
            }
        }
        self.emit(Event::QueueRemoved { queue: id });
        Ok(())
    }

    /// Takes everybody out who waits, rests or is reserved, in the order of the line: those who stand there alone, those
    /// who stay in other queues (with whether they were rung for in this one), and the agents who were held.
    fn empty_queue(&mut self, slot: Slot<Queue>) -> (Vec<Spot>, Vec<Stayer>, Vec<Held>) {
        let id = self.queues[slot].id;
        let mut spots = self.line_of(slot);
        for spot in &spots {
            self.stop_waiting(spot.slot, spot.nth);
        }
        let is_here = |reservation: &Reservation| {
            let interaction = &self.interactions[reservation.interaction];
            let nth = interaction.nth_in(id)?;
            Some((interaction.spot(reservation.interaction, nth), reservation.state.queue == id))
        };
        let mut reserved: Vec<(Spot, bool)> =
            self.reservations.iter().filter_map(|(_, reservation)| is_here(reservation)).collect();
        reserved.sort_unstable();
        reserved.dedup();
        let mut freed = Vec::new();
        for (Spot { place, .. }, _) in reserved.iter().filter(|(_, is_rung_here)| *is_rung_here) {
            let let_go = self.end_all(self.at(place.interaction), ReservationEnd::Cancelled);
            freed.extend(let_go);
        }
        let is_rung_here = |spot: &Spot| reserved.contains(&(*spot, true));
        spots.extend(reserved.iter().map(|&(spot, _)| spot));
        spots.append(&mut self.resting_in(slot));
        spots.sort_unstable();
        let stays = |spot: &Spot| {
            let interaction = &self.interactions[self.at(spot.place.interaction)];
            !interaction.standing.but(spot.nth).is_none()
        };
        let (stay, alone): (Vec<Spot>, Vec<Spot>) = spots.into_iter().partition(stays);
        let stay = stay.iter().map(|spot| (self.at(spot.place.interaction), spot.nth, is_rung_here(spot)));
        (alone, stay.collect(), freed)
    }

    pub(super) fn define_agent(&mut self, id: AgentId, settings: &AgentSettings) -> Result<(), Refusal> {
        self.settings.check_agent(settings)?;
        let Some(slot) = self.agents.slot(id) else {
            if self.agents.len() >= self.settings.agents_max as usize {
                return Err(Refusal::TooManyAgents);
            }
            let profile = self.join_profile(settings);
            let agent = Agent::new(id, settings.clone(), profile, self.now);
            self.count_selection(self.selection_of(&agent.state), true);
            let (presence, activity) = (agent.state.presence, agent.state.activity());
            self.agents.insert(agent);
            self.forget_who_was_last(profile);
            self.emit(Event::AgentChanged { agent: id, presence, activity });
            return Ok(());
        };
        self.withdraw(slot);
        let is_logged_in = self.agents[slot].state.presence.is_logged_in();
        if is_logged_in {
            self.count_staff(slot, false);
        }
        let takes_work = self.agents[slot].state.takes_work();
        if takes_work {
            self.count_working(slot, false);
        }
        let profile = self.join_profile(settings);
        self.count_selection(self.selection_of(&self.agents[slot].state), false);
        let agent = &mut self.agents[slot];
        let before = std::mem::replace(&mut agent.profile, profile);
        self.forget_who_was_last(before);
        self.forget_who_was_last(profile);
        let agent = &mut self.agents[slot];
        if agent.state.settings.weight != settings.weight {
            agent.state.lot = crate::Lot::default();
        }
        agent.state.settings = settings.clone();
        agent.state.leaving = false;
        self.count_selection(self.selection_of(&self.agents[slot].state), true);
        self.leave_profile(before);
        if is_logged_in {
            self.count_staff(slot, true);
        }
        if takes_work {
            self.count_working(slot, true);
        }
        self.upset_wanting(id);
        self.present(slot);
        Ok(())
    }

    pub(super) fn remove_agent(&mut self, id: AgentId) -> Result<(), Refusal> {
        let slot = self.agent_slot(id)?;
        self.log_out_now(slot);
        let agent = &mut self.agents[slot];
        // A log-out leaves nothing in hand but conversations.
        if agent.state.works.is_empty() {
            self.drop_agent(slot);
        } else {
            agent.state.leaving = true;
            let profile = agent.profile;
            self.forget_who_was_last(profile);
        }
        Ok(())
    }

    /// Forgets an agent who is logged out and has nothing (any more) in hand.
    pub(super) fn drop_agent(&mut self, slot: Slot<Agent>) {
        self.stand_down_from_leases(slot);
        let agent = self.agents.remove(slot);
        self.count_selection(self.selection_of(&agent.state), false);
        self.forget_who_was_last(agent.profile);
        self.leave_profile(agent.profile);
        self.emit(Event::AgentRemoved { agent: agent.id });
    }
}
