//! Queues and agents come, change and go while calls wait: each costs what it changes and resets nothing.

use std::collections::BTreeSet;

use super::{Agent, Distributor, Queue, Serves};
use crate::requirement;
use crate::state::{AgentState, Place, Staffing, Stage, State};
use crate::{
    Activity, AgentId, AgentSettings, Event, Exit, InteractionId, OverflowCause, QueueId, QueueSettings,
    Refusal, ReservationEnd, StepCause,
};

impl Queue {
    fn serves(&self, agent: &AgentState) -> Option<Serves> {
        let skills = &agent.settings.skills;
        let steps = self.steps_served(skills);
        (steps != 0).then(|| Serves { steps, score: requirement::score(&self.wanted, skills) })
    }
}

impl Distributor {
    pub(super) fn define_queue(&mut self, id: QueueId, settings: QueueSettings) -> Result<(), Refusal> {
        self.settings.check_queue(id, &settings)?;
        if self.queues.contains_key(&id) {
            self.change_queue(id, settings);
            return Ok(());
        }
        if self.queues.len() >= self.settings.queues_max as usize {
            return Err(Refusal::TooManyQueues);
        }
        let mut queue = Queue::new(settings, self.now);
        // Conversations may go on that came from a queue of this id, removed since.
        let handled = self.agents.values().filter(|agent| self.handles_from(agent, id)).count();
        queue.handling = u32::try_from(handled).expect("the bound of agents is a u32");
        self.queues.insert(id, queue);
        self.emit(Event::QueueDefined { queue: id });
        self.assign_agents(id);
        self.restart_staffing(id);
        Ok(())
    }

    fn handles_from(&self, agent: &Agent, queue: QueueId) -> bool {
        match agent.state.activity {
            Activity::Handling { interaction, .. } => self.interactions[&interaction].state.queue == queue,
            Activity::Idle { .. }
            | Activity::Reserved { .. }
            | Activity::AfterCallWork { .. }
            | Activity::BackingOff { .. }
            | Activity::Occupied { .. } => false,
        }
    }

    fn change_queue(&mut self, id: QueueId, settings: QueueSettings) {
        self.emit(Event::QueueDefined { queue: id });
        let line = self.queues[&id].line();
        for place in &line {
            self.stop_waiting(place.interaction);
        }
        let queue = self.queues.get_mut(&id).expect("the caller has looked it up");
        let steps = settings.steps.len() + 1;
        queue.waiting = vec![BTreeSet::new(); steps];
        queue.staff = vec![0; steps];
        queue.wanted = State::wanted_skills(&settings);
        queue.state.settings = settings;
        self.assign_agents(id);
        self.restart_staffing(id);
        for place in line {
            self.follow_new_rules(place);
        }
    }

    /// Back into the line of a queue whose rules have changed, at the step that the age calls for.
    fn follow_new_rules(&mut self, place: Place) {
        let id = place.interaction;
        let now = self.now;
        let interaction = &mut self.interaction_mut(id).state;
        interaction.overdue = false;
        let (queue, entered) = (interaction.queue, interaction.entered);
        let (step, _) = self.queues[&queue].step_at(0, entered, now);
        self.enter_step(id, step, StepCause::Changed);
        self.start_waiting(id);
        self.unsettled.overdue.insert(place);
    }

    /// Finds out anew who could serve a queue.
    fn assign_agents(&mut self, id: QueueId) {
        let queue = self.queues.get_mut(&id).expect("the caller has looked it up");
        queue.idle.clear();
        queue.staff_any = 0;
        for (&agent_id, agent) in &mut self.agents {
            let Some(serves) = queue.serves(&agent.state) else {
                agent.serves.remove(&id);
                continue;
            };
            agent.serves.insert(id, serves);
            if agent.state.presence.is_logged_in() {
                queue.count_staff(serves.steps, |staff| *staff += 1);
            }
            if agent.state.is_available() {
                let rank = queue.rank(&agent.state, serves.score);
                queue.idle.insert((rank, agent_id));
            }
        }
    }

    /// After the rules changed: whether anybody serves the queue, and from when the grace runs.
    fn restart_staffing(&mut self, id: QueueId) {
        let now = self.now;
        let queue = self.queues.get_mut(&id).expect("the caller has looked it up");
        if let Some(timer) = queue.grace_timer.take() {
            self.deadlines.cancel(timer);
        }
        let since = match queue.state.staffing {
            Staffing::Staffed => now,
            Staffing::Unstaffed { since } | Staffing::Deserted { since } => since,
        };
        if queue.staff_any > 0 {
            queue.state.staffing = Staffing::Staffed;
        } else if self.begin_grace(id, since) {
            self.unsettled.deserted.insert(id);
        }
    }

    pub(super) fn remove_queue(&mut self, id: QueueId, exit: Exit) -> Result<(), Refusal> {
        if !self.queues.contains_key(&id) {
            return Err(Refusal::UnknownQueue(id));
        }
        if let Exit::Queue(target) = exit
            && (target == id || !self.queues.contains_key(&target))
        {
            return Err(Refusal::UselessExit(id));
        }
        let (places, freed) = self.empty_queue(id);
        let queue = self.queues.remove(&id).expect("looked up above");
        if let Some(timer) = queue.grace_timer {
            self.deadlines.cancel(timer);
        }
        for agent in self.agents.values_mut() {
            agent.serves.remove(&id);
        }
        for agent in freed {
            self.free_without_fault(agent);
        }
        for place in places {
            let interaction = place.interaction;
            self.note_overflow(interaction, OverflowCause::QueueRemoved, exit);
            match exit {
                Exit::Leave(_) => self.forget(interaction),
                Exit::Queue(target) => self.enter(interaction, target, Some(id)),
            }
        }
        self.emit(Event::QueueRemoved { queue: id });
        Ok(())
    }

    /// Takes everybody out who waits or is reserved; in the order of the line, with the agents who were held.
    fn empty_queue(&mut self, id: QueueId) -> (BTreeSet<Place>, Vec<AgentId>) {
        let mut places = self.queues[&id].line();
        for place in &places {
            self.stop_waiting(place.interaction);
        }
        let mut reserved = BTreeSet::new();
        for reservation in self.reservations.values() {
            let interaction = &self.interactions[&reservation.state.interaction];
            if interaction.state.queue == id {
                reserved.insert(interaction.place);
            }
        }
        let mut freed = Vec::new();
        for place in &reserved {
            if let Stage::Reserved(reservation) = self.interactions[&place.interaction].state.stage {
                freed.push(self.end_reservation(reservation, ReservationEnd::Cancelled).agent);
            }
        }
        places.append(&mut reserved);
        (places, freed)
    }

    pub(super) fn define_agent(&mut self, id: AgentId, settings: AgentSettings) -> Result<(), Refusal> {
        self.settings.check_agent(&settings)?;
        if !self.agents.contains_key(&id) {
            if self.agents.len() >= self.settings.agents_max as usize {
                return Err(Refusal::TooManyAgents);
            }
            let agent = Agent::new(settings, self.now);
            let (presence, activity) = (agent.state.presence, agent.state.activity);
            self.agents.insert(id, agent);
            self.assign_queues(id);
            self.emit(Event::AgentChanged { agent: id, presence, activity });
            return Ok(());
        }
        self.withdraw(id);
        let is_logged_in = self.agents[&id].state.presence.is_logged_in();
        if is_logged_in {
            self.count_staff(id, false);
        }
        let agent = self.agents.get_mut(&id).expect("looked up above");
        agent.state.settings = settings;
        agent.state.leaving = false;
        self.assign_queues(id);
        if is_logged_in {
            self.count_staff(id, true);
        }
        self.present(id);
        Ok(())
    }

    /// Finds out anew which queues an agent could serve.
    fn assign_queues(&mut self, id: AgentId) {
        let agent = self.agents.get_mut(&id).expect("the caller has looked it up");
        let queues = self.queues.iter();
        agent.serves = queues.filter_map(|(&id, queue)| Some((id, queue.serves(&agent.state)?))).collect();
    }

    pub(super) fn remove_agent(&mut self, id: AgentId) -> Result<(), Refusal> {
        self.agent(id)?;
        self.log_out_now(id);
        let agent = self.agents.get_mut(&id).expect("looked up above");
        match agent.state.activity {
            Activity::Handling { .. } => agent.state.leaving = true,
            Activity::Idle { .. } | Activity::Occupied { .. } => self.drop_agent(id),
            Activity::Reserved { .. } | Activity::AfterCallWork { .. } | Activity::BackingOff { .. } => {
                unreachable!("log-out ends these")
            }
        }
        Ok(())
    }

    /// Forgets an agent who is logged out and has nothing in hand.
    pub(super) fn drop_agent(&mut self, id: AgentId) {
        self.agents.remove(&id);
        self.emit(Event::AgentRemoved { agent: id });
    }

    /// Only for reading in [`crate::invariants`].
    pub(crate) fn serves_afresh(&self, agent: AgentId, queue: QueueId) -> Option<Serves> {
        self.queues[&queue].serves(&self.agents[&agent].state)
    }

    /// Only for reading in [`crate::invariants`]: whether an agent could take a waiting interaction now.
    pub(crate) fn could_take(&self, agent_id: AgentId, id: InteractionId) -> bool {
        let (agent, interaction) = (&self.agents[&agent_id].state, &self.interactions[&id].state);
        if !agent.is_available() || interaction.exclusions.contains_key(&agent_id) {
            return false;
        }
        let steps = self.queues[&interaction.queue].steps_served(&agent.settings.skills);
        steps >> interaction.step & 1 == 1 && interaction.accepts(agent)
    }
}
