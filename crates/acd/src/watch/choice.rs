//! I5 and I6: every choice against all that could have been chosen.
//!
//! Between two states a step may make many reservations, each in a state of its own. Those states are found again by
//! applying the events, one by one, to the state before; that the last one is the state after shows that
//! the events tell all.

mod callbacks;
mod excluded;
mod order;
pub(super) mod passing;
mod turn;
mod works;

use std::collections::BTreeSet;
use std::time::Duration;

use timing::Instant;

use self::order::{meets, need_of, step_in, turn_of};
use self::turn::{Turn, turn};
use super::{Input, Step, Violation};
use crate::estimate::Estimator;
use crate::state::{
    AgentState, EntryState, InteractionState, QueueState, ReservationState, Staffing, Stage, State,
};
use crate::{
    Activity, AgentId, Aside, BackOff, Change, Command, Counters, Decision, DequeueCause, ELIGIBLE_MAX,
    Event, Exit, HandlingEnd, InteractionId, Interruption, Presence, QueueId, QueueSettings, RejectCause,
    Requirement, ReservationEnd, ReservationId, Selection, Settings, Strategy, Wanted, Work, WorkStage,
    Worked,
};

/// Checks every reservation of a step.
pub(super) fn check(before: &State, step: &Step<'_>, after: &State) -> Result<(), Violation> {
    let mut mirror = Mirror {
        available: BTreeSet::new(),
        ended: Vec::new(),
        state: State { now: before.now.max(step.now), ..before.clone() },
        freed_without_fault: BTreeSet::new(),
        brings: (None, None),
        runs_deadlines: matches!(step.input, Input::Timeout),
    };
    match step.input {
        Input::Obeyed(command) => mirror.obey(command),
        Input::Refused(..) | Input::Timeout => {}
    }
    mirror.make_available_by_other_interruptions(before);
    let rules = &mirror.state.settings.interruptions;
    let available = mirror.state.agents.iter().filter(|(_, agent)| !agent.open(rules).is_empty());
    mirror.available = available.map(|(&id, _)| id).collect();
    for event in step.events {
        if let Event::Reserved { reservation, interaction, queue, agent, ref decision, .. } = *event {
            let chosen = (interaction, queue);
            match decision.beside {
                0 => mirror.check_choice(reservation, chosen, agent, decision)?,
                _ => mirror.check_beside(reservation, chosen, agent, decision)?,
            }
        }
        mirror.apply(event, after).ok_or(Violation::Untold)?;
    }
    if mirror.tells(after) { Ok(()) } else { Err(Violation::Untold) }
}

/// The state in the middle of a step.
struct Mirror {
    state: State,
    /// Agents who were available when they were last said to have changed.
    available: BTreeSet<AgentId>,
    /// Conversations that are over, until it is said what follows.
    ended: Vec<(AgentId, InteractionId)>,
    /// Agents whose caller gave up, so that the clock of being ready goes on.
    freed_without_fault: BTreeSet<AgentId>,
    /// The requirement of the interaction that the command brings, and the agents whom it wants.
    brings: (Option<Requirement>, Option<Wanted>),
    /// Exclusions end in this step without a word.
    runs_deadlines: bool,
}

/// An interaction as it stands in one queue.
type Entry = (InteractionId, QueueId);

/// An agent who could take an interaction: the place among those whom it wants by name, and by the strategy.
type Able = (Option<u8>, Turn, AgentId, Fit);

/// Whether an agent could take an interaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    No,
    Yes,
    /// An exclusion ends in this very step, before or after.
    Unsure,
}

impl Mirror {
    fn check_choice(
        &self,
        reservation: ReservationId,
        chosen: Entry,
        agent: AgentId,
        decision: &Decision,
    ) -> Result<(), Violation> {
        let id = chosen.0;
        let unfit = Violation::UnfitAgent { interaction: id, agent };
        if self.fit(agent, chosen) == Fit::No {
            return Err(unfit);
        }
        if let Some((earlier, _)) = self.wished_before(agent, chosen, Fit::Yes) {
            return Err(Violation::PassedOver { chosen: id, earlier, agent });
        }
        self.check_agent(reservation, chosen, agent, decision, |other| self.wish(other, chosen))
    }

    /// The same for an agent who is rung beside others: nobody who waits needs the agent, and nobody who comes before
    /// has room for the agent.
    fn check_beside(
        &self,
        reservation: ReservationId,
        chosen: Entry,
        agent: AgentId,
        decision: &Decision,
    ) -> Result<(), Violation> {
        let id = chosen.0;
        let unfit = Violation::UnfitAgent { interaction: id, agent };
        let (rung, most) = self.rung(id).ok_or(unfit.clone())?;
        // More may be rung by the time that has passed, in which no event says so.
        let by_time = self.most_by_time(chosen).filter(|_| self.runs_deadlines);
        if rung != decision.beside || rung >= by_time.map_or(most, |by_time| most.max(by_time)) {
            return Err(unfit);
        }
        if self.fit_beside(agent, chosen) == Fit::No {
            return Err(unfit);
        }
        let turn = turn_of(&self.state, chosen);
        let is_needed = |other: Entry| {
            let has_room = self.rung(other.0).is_some_and(|(rung, most)| rung < most);
            let has_room = has_room && !self.may_have_to_leave(other);
            let is_before = turn_of(&self.state, other) < turn;
            self.fit(agent, other) == Fit::Yes
                || (has_room && is_before && self.fit_beside(agent, other) == Fit::Yes)
        };
        if let Some((earlier, _)) = self.entries().find(|&other| is_needed(other)) {
            return Err(Violation::PassedOver { chosen: id, earlier, agent });
        }
        self.check_agent(reservation, chosen, agent, decision, |other| self.fit_beside(other, chosen))
    }

    /// Whether an agent is the first by the queue's strategy of those who fit so, and the record says it.
    fn check_agent(
        &self,
        reservation: ReservationId,
        (id, queue_id): Entry,
        agent: AgentId,
        decision: &Decision,
        fit: impl Fn(AgentId) -> Fit,
    ) -> Result<(), Violation> {
        let unfit = Violation::UnfitAgent { interaction: id, agent };
        let interaction = &self.state.interactions[&id];
        let entry = interaction.entry(queue_id).ok_or(unfit.clone())?;
        let queue = self.state.queues.get(&queue_id).ok_or(unfit.clone())?;
        let step = u8::try_from(step_in(entry, queue)).unwrap_or(u8::MAX);
        let mut able: Vec<Able> = Vec::new();
        for (&other, state) in &self.state.agents {
            let fit = fit(other);
            if fit != Fit::No {
                able.push((name_of(entry, other), turn(queue, other, state), other, fit));
            }
        }
        able.sort_unstable_by_key(|&(name, turn, other, _)| (name, turn, other));
        // No event tells the lots, by which anybody may come first of those preferred alike.
        let by_lot = queue.settings.strategy == Strategy::WeightedRandom && entry.wanted.is_none();
        if by_lot && let Some(place) = able.iter().position(|&(_, _, other, _)| other == agent) {
            let is_alike = |&&(_, turn, _, _): &&Able| turn == able[place].1;
            let before = able.iter().take_while(|entry| !is_alike(entry)).count();
            able[before..=place].rotate_right(1);
        }
        if let Some(&(_, _, first, _)) = able.iter().find(|(_, _, _, fit)| *fit == Fit::Yes)
            && able.iter().position(|(_, _, other, _)| *other == agent)
                > able.iter().position(|(_, _, other, _)| *other == first)
        {
            return Err(Violation::WrongAgent { interaction: id, chosen: agent, first });
        }
        let is_sure = able.iter().all(|(_, _, _, fit)| *fit == Fit::Yes);
        let names: Vec<AgentId> = able.iter().map(|(_, _, other, _)| *other).collect();
        if decision.wanted != name_of(entry, agent) {
            return Err(Violation::FalseDecision(reservation));
        }
        let selection = selection_of(&self.state, agent).ok_or(unfit.clone())?;
        let skills = &self.state.agents.get(&agent).ok_or(unfit)?.settings.skills;
        let (preference, reserve) = (queue.settings.bucket(skills), queue.settings.reserve(skills));
        if is_sure && !is_true(decision, (interaction, step), queue, (selection, preference, reserve), &names)
        {
            return Err(Violation::FalseDecision(reservation));
        }
        Ok(())
    }

    /// Whether an interaction, in this queue, is the first of those that an agent could take.
    fn wish(&self, agent: AgentId, wanted: Entry) -> Fit {
        match self.fit(agent, wanted) {
            Fit::No => Fit::No,
            Fit::Yes | Fit::Unsure if self.wished_before(agent, wanted, Fit::Yes).is_some() => Fit::No,
            Fit::Yes if self.wished_before(agent, wanted, Fit::Unsure).is_some() => Fit::Unsure,
            fit @ (Fit::Yes | Fit::Unsure) => fit,
        }
    }

    /// Somebody whom an agent, fit so, would take before this one.
    fn wished_before(&self, agent: AgentId, wanted: Entry, fit: Fit) -> Option<Entry> {
        let need = need_of(&self.state, agent, wanted)?;
        let is_before = |other| need_of(&self.state, agent, other).is_some_and(|other| other < need);
        self.entries().find(|&other| self.fit(agent, other) == fit && is_before(other))
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        let all = self.state.interactions.iter();
        all.flat_map(|(&id, state)| state.entries.iter().map(move |entry| (id, entry.queue)))
    }

    /// Whether an agent could take an interaction that waits.
    fn fit(&self, agent: AgentId, wanted: Entry) -> Fit {
        let waits = self.state.interactions.get(&wanted.0).is_some_and(|of| of.stage == Stage::Waiting);
        if waits { self.fit_for(agent, wanted) } else { Fit::No }
    }

    /// The same, wherever the interaction stands.
    fn fit_for(&self, agent_id: AgentId, (id, queue): Entry) -> Fit {
        let (Some(agent), Some(interaction)) =
            (self.state.agents.get(&agent_id), self.state.interactions.get(&id))
        else {
            return Fit::No;
        };
        let (Some(queue), Some(entry)) = (self.state.queues.get(&queue), interaction.entry(queue)) else {
            return Fit::No;
        };
        let could = agent.is_available_for(queue.settings.channel, &self.state.settings.interruptions)
            && entry.is_open_to(agent_id)
            && (entry.is_regardless_of_skills()
                || (interaction.accepts(agent) && meets(&queue.settings, step_in(entry, queue), agent)))
            && (entry.wanted.is_some()
                || queue.settings.reserve(&agent.settings.skills) <= queue.reserves_open);
        if !could {
            return Fit::No;
        }
        match interaction.exclusions.get(&agent_id) {
            None => Fit::Yes,
            Some(&until) if self.runs_deadlines && until <= self.state.now => Fit::Unsure,
            Some(_) => Fit::No,
        }
    }

    /// How many agents are rung for an interaction, and how many may be.
    fn rung(&self, id: InteractionId) -> Option<(u8, u8)> {
        let contact = self.state.interactions.get(&id)?;
        let Stage::Reserved { most, .. } = contact.stage else { return None };
        let rung = self.state.reservations.values().filter(|held| held.interaction == id).count();
        Some((u8::try_from(rung).ok()?, most))
    }

    fn most_by_time(&self, (id, queue): Entry) -> Option<u8> {
        let contact = self.state.interactions.get(&id)?;
        let Stage::Reserved { since, .. } = contact.stage else { return None };
        let ring = contact.ring(queue, &self.state.queues.get(&queue)?.settings);
        Some(ring.most_after(self.state.now - since))
    }

    /// Whether an agent could be rung beside others.
    fn fit_beside(&self, agent_id: AgentId, wanted: Entry) -> Fit {
        let (id, queue) = wanted;
        let rung = |held: &&ReservationState| held.interaction == id;
        let mut rung = self.state.reservations.values().filter(rung).peekable();
        let is_rung_there = rung.peek().is_some_and(|held| held.queue == queue);
        if !is_rung_there || rung.any(|held| held.agent == agent_id) {
            return Fit::No;
        }
        self.fit_for(agent_id, wanted)
    }

    /// What no event tells.
    fn obey(&mut self, command: &Command) {
        match command {
            Command::Configure { settings } => self.configured(settings),
            Command::DefineQueue { queue, settings } => self.rules_given(*queue, settings),
            Command::RemoveQueue { queue, .. } => drop(self.state.queues.remove(queue)),
            Command::DefineAgent { agent, settings } => {
                if let Some(state) = self.state.agents.get_mut(agent) {
                    state.settings = (**settings).clone();
                    state.leaving = false;
                }
            }
            Command::Enqueue { request, .. } => {
                self.brings = (request.requirement.clone(), request.wanted);
            }
            Command::CallbackRings { reservation } => self.alerts(*reservation),
            Command::SetCallbackWindow { .. }
            | Command::SetOpen { .. }
            | Command::RemoveAgent { .. }
            | Command::LogIn { .. }
            | Command::LogOut { .. }
            | Command::SetReady { .. }
            | Command::SetNotReady { .. }
            | Command::SetPresence { .. }
            | Command::ForcePresence { .. }
            | Command::LiftForced { .. }
            | Command::Renew { .. }
            | Command::Occupy { .. }
            | Command::Release { .. }
            | Command::SetReachable { .. }
            | Command::BeginShift { .. }
            | Command::EndAfterCallWork { .. }
            | Command::ExtendAfterCallWork { .. }
            | Command::Cancel { .. }
            | Command::CallBack { .. }
            | Command::CallbackReached { .. }
            | Command::CallbackHolds { .. }
            | Command::WithdrawCallback { .. }
            | Command::CallbackFailed { .. }
            | Command::Change { .. }
            | Command::Accept { .. }
            | Command::Reject { .. }
            | Command::Finish { .. }
            | Command::Return { .. } => {}
        }
    }

    fn changed(&mut self, interaction: InteractionId, change: &Change) -> Option<()> {
        let contact = self.contact(interaction)?;
        contact.priority = change.priority.unwrap_or(contact.priority);
        if let Some(requirement) = &change.requirement {
            contact.requirement.clone_from(requirement);
        }
        Some(())
    }

    fn rules_given(&mut self, queue: QueueId, settings: &QueueSettings) {
        let now = self.state.now;
        let rules = self.state.settings.estimate;
        let fresh = || QueueState {
            settings: QueueSettings::default(),
            rules: 0,
            open: true,
            staffing: Staffing::Unstaffed { since: now },
            step_staffing: Vec::new(),
            last_chosen: None,
            reserves_open: 0,
            counters: Counters::default(),
            callback_window: true,
            estimator: Estimator::new(now, rules),
        };
        let entry = self.state.queues.entry(queue).or_insert_with(fresh);
        if !entry.settings.has_the_reserves_of(settings) {
            entry.reserves_open = 0;
        }
        let is_rung_so = entry.settings.leaves_everybody_in_place(settings);
        entry.settings = settings.clone();
        if is_rung_so {
            return;
        }
        let rung = self.state.reservations.values().filter(|held| held.queue == queue);
        for held in rung {
            let Some(contact) = self.state.interactions.get_mut(&held.interaction) else { continue };
            let ring = contact.ring(queue, settings);
            if let Stage::Reserved { since, most } = &mut contact.stage {
                *most = ring.most_after(now - *since);
            }
        }
    }

    /// `None` where the event speaks of something that is not there.
    fn apply(&mut self, event: &Event, after: &State) -> Option<()> {
        let now = self.state.now;
        match *event {
            Event::Queued { interaction, queue, from, priority, age, .. } => {
                let arrived = now.as_micros().checked_sub(u64::try_from(age.as_micros()).ok()?)?;
                self.queued(interaction, queue, from, priority, Instant::from_micros(arrived))
            }
            Event::StepEntered { interaction, queue, step, .. } => {
                self.entry(interaction, queue).map(|entry| entry.step = step)
            }
            Event::OpenedToAll { interaction, queue, .. } => {
                self.entry(interaction, queue).map(|entry| entry.wanted = None)
            }
            Event::Changed { interaction, ref change, .. } => self.changed(interaction, change),
            Event::Reserved { .. } => self.reserved(event),
            Event::ReservationEnded { reservation, cause, .. } => self.reservation_ended(reservation, cause),
            Event::Answered { interaction, queue, agent, by_name, .. } => {
                self.answered_by_name((interaction, queue), agent, by_name)
            }
            Event::CalledBack { interaction, agent, .. } => self.answered(interaction, agent),
            Event::CallbackTaken { .. }
            | Event::CallbackRests { .. }
            | Event::CallbackWaits { .. }
            | Event::CallbackCalling { .. }
            | Event::CallbackReached { .. }
            | Event::CallbackHolds { .. } => self.callback(event),
            Event::Overflowed { interaction, queue, elsewhere: true, .. } => {
                self.end_entry(interaction, queue)
            }
            // Who has given up is gone already.
            Event::Dequeued { cause: DequeueCause::Abandoned, .. } => Some(()),
            Event::Dequeued { interaction, queue, .. } => self.end_entry(interaction, queue),
            Event::Abandoned { interaction, .. }
            | Event::CallbackEnded { interaction, .. }
            | Event::Overflowed { interaction, exit: Exit::Leave(_), .. } => {
                self.state.interactions.remove(&interaction).map(drop)
            }
            Event::Overflowed { interaction, exit: Exit::Queue(_), .. } => self.stands_nowhere(interaction),
            Event::HandlingEnded { interaction, queue, agent, handled_for, cause, .. } => {
                self.worked(agent, queue, handled_for);
                self.handling_ended(interaction, agent, cause)
            }
            Event::AgentChanged { agent, presence, activity } => {
                self.agent_changed(agent, presence, activity, after)
            }
            Event::AgentReachable { agent, reachable } => self.reachable(agent, reachable),
            Event::ShiftBegan { agent } => self.shift_began(agent),
            Event::ReservesChanged { queue, open } => self.reserves_changed(queue, open),
            Event::OpenChanged { queue, open } => self.open_changed(queue, open),
            Event::AgentRemoved { agent } => self.state.agents.remove(&agent).map(drop),
            Event::Interrupted { .. } | Event::Resumed { .. } | Event::AgentAside { .. } => self.hands(event),
            Event::AfterCallWorkStarted { agent, interaction, until, .. } => {
                self.after_call_work_started(agent, interaction, until)
            }
            Event::AfterCallWorkExtended { agent, interaction, until } => {
                self.after_call_work_extended(agent, interaction, until)
            }
            Event::AfterCallWorkEnded { agent, interaction, queue, lasted } => {
                self.after_call_work_ended(agent, interaction, queue, lasted)
            }
            Event::LeaseExpired { .. }
            | Event::AgentForced { .. }
            | Event::CallbackWindow { .. }
            | Event::Configured { .. }
            | Event::QueueDefined { .. }
            | Event::QueueRemoved { .. }
            | Event::Refused { .. } => Some(()),
        }
    }

    /// Whoever could be offered nothing by the rules before, and can by other ones, is available from now on.
    fn make_available_by_other_interruptions(&mut self, before: &State) {
        let (now, old, new) =
            (self.state.now, before.settings.interruptions, self.state.settings.interruptions);
        let became = |agent: &&mut AgentState| agent.open(&old).is_empty() && !agent.open(&new).is_empty();
        for agent in self.state.agents.values_mut().filter(became) {
            agent.ready_at = now;
            agent.occupancy = parts_per_million(agent.worked.until(now), now - agent.logged_in_at);
        }
    }

    fn answered_by_name(&mut self, (id, queue): Entry, agent: AgentId, by_name: bool) -> Option<()> {
        let is_true = self.entry(id, queue)?.wanted.is_some() == by_name;
        self.answered(id, agent).filter(|()| is_true)
    }

    /// Until it is queued.
    fn stands_nowhere(&mut self, id: InteractionId) -> Option<()> {
        let nowhere = Stage::Reserved { since: self.state.now, most: 0 };
        self.contact(id).map(|contact| contact.stage = nowhere)
    }

    /// What befalls an agent and a conversation in hand.
    fn hands(&mut self, event: &Event) -> Option<()> {
        let now = self.state.now;
        match *event {
            Event::Interrupted { interaction, agent, .. } => {
                self.interrupted(agent, interaction, |by| by.since = Some(now))
            }
            Event::Resumed { interaction, agent, .. } => self.interrupted(agent, interaction, |by| {
                *by = Interruption { since: None, before: by.until(now) };
            }),
            Event::AgentAside { agent, aside } => {
                self.state.agents.get_mut(&agent).map(|state| state.aside = aside)
            }
            _ => unreachable!("the caller has matched it"),
        }
    }

    fn end_entry(&mut self, interaction: InteractionId, queue: QueueId) -> Option<()> {
        self.contact(interaction).map(|contact| contact.entries.retain(|entry| entry.queue != queue))
    }

    fn reserves_changed(&mut self, queue: QueueId, open: u8) -> Option<()> {
        self.state.queues.get_mut(&queue)?.reserves_open = open;
        Some(())
    }

    fn open_changed(&mut self, queue: QueueId, open: bool) -> Option<()> {
        self.state.queues.get_mut(&queue).map(|state| state.open = open)
    }

    fn entry(&mut self, id: InteractionId, queue: QueueId) -> Option<&mut EntryState> {
        self.contact(id)?.entries.iter_mut().find(|entry| entry.queue == queue)
    }

    fn contact(&mut self, id: InteractionId) -> Option<&mut InteractionState> {
        self.state.interactions.get_mut(&id)
    }

    fn queued(
        &mut self,
        id: InteractionId,
        queue: QueueId,
        from: Option<QueueId>,
        priority: i32,
        arrived: Instant,
    ) -> Option<()> {
        let entered = self.state.now;
        if from.is_none()
            && let Some(contact) = self.contact(id)
        {
            contact.entries.push(EntryState::new(queue, entered));
            return Some(());
        }
        if from.is_none() {
            let (requirement, wanted) = std::mem::take(&mut self.brings);
            let contact = InteractionState {
                priority,
                requirement,
                arrived,
                flow_outs: 0,
                exclusions: std::collections::BTreeMap::new(),
                callback: None,
                stage: Stage::Waiting,
                entries: vec![EntryState { wanted, ..EntryState::new(queue, entered) }],
            };
            self.state.interactions.insert(id, contact);
            return Some(());
        }
        let contact = self.contact(id)?;
        if from != Some(queue) {
            let mut entries = contact.entries.iter_mut();
            *entries.find(|entry| Some(entry.queue) == from)? = EntryState::new(queue, entered);
        }
        contact.stage = Stage::Waiting;
        Some(())
    }

    fn reserved(&mut self, event: &Event) -> Option<()> {
        let &Event::Reserved {
            reservation, interaction, agent, queue, deadline, callback, ref decision, ..
        } = event
        else {
            unreachable!("the caller has matched it")
        };
        let (since, phase) = (self.state.now, callbacks::phase_of(callback));
        let held = ReservationState { interaction, agent, queue, since, deadline, phase };
        let had_a_turn = decision.wanted.is_none();
        let rules = self.state.queues.get(&held.queue)?.settings.clone();
        let contact = self.contact(held.interaction)?;
        match contact.stage {
            Stage::Waiting => {
                let most = contact.ring(held.queue, &rules).most_after(Duration::ZERO);
                contact.stage = Stage::Reserved { since: held.since, most };
            }
            Stage::Reserved { .. } => {}
            Stage::Resting { .. } | Stage::Handling { .. } => return None,
        }
        let agent = self.state.agents.get_mut(&held.agent)?;
        agent.offered_at = held.since;
        agent.works.push(Work {
            interaction: held.interaction,
            queue: held.queue,
            channel: self.state.queues.get(&held.queue)?.settings.channel,
            stage: WorkStage::Reserved { reservation, since: held.since },
        });
        let queue = self.state.queues.get_mut(&held.queue)?;
        match queue.settings.strategy {
            Strategy::RoundRobin if had_a_turn => {
                queue.last_chosen = Some((agent.settings.order, held.agent));
            }
            Strategy::RoundRobin
            | Strategy::LongestIdle(_)
            | Strategy::MostSkilled
            | Strategy::LeastSkilled
            | Strategy::FewestHandled
            | Strategy::LeastOccupied
            | Strategy::TopDown
            | Strategy::WeightedRandom => {}
        }
        self.state.reservations.insert(reservation, held);
        Some(())
    }

    fn reservation_ended(&mut self, id: ReservationId, cause: ReservationEnd) -> Option<()> {
        let (held, now) = (self.state.reservations.remove(&id)?, self.state.now);
        if cause != ReservationEnd::Accepted {
            let agent = self.state.agents.get_mut(&held.agent)?;
            agent.lay_down(now, |work| work.reservation() == Some(id))?;
        }
        let is_last = !self.state.reservations.values().any(|other| other.interaction == held.interaction);
        let contact = self.contact(held.interaction)?;
        if is_last {
            contact.stage = Stage::Waiting;
        }
        let rules = self.state.queues.get(&held.queue).map(|queue| queue.settings.back_offs.clone());
        let back_off = match cause {
            ReservationEnd::Accepted | ReservationEnd::Withdrawn => return Some(()),
            ReservationEnd::Cancelled
            | ReservationEnd::TakenByAnother
            | ReservationEnd::CallFailed(_)
            | ReservationEnd::CallExpired => {
                self.freed_without_fault.insert(held.agent);
                return Some(());
            }
            ReservationEnd::Expired => {
                // Deadlines run in their order, so exclusions that end no later have ended.
                for contact in self.state.interactions.values_mut() {
                    contact.exclusions.retain(|_, until| *until > held.deadline);
                }
                rules?.no_answer
            }
            ReservationEnd::Rejected(RejectCause::NoAnswer) => rules?.no_answer,
            ReservationEnd::Rejected(RejectCause::Busy) => rules?.busy,
            ReservationEnd::Rejected(RejectCause::Rejected) => rules?.rejected,
            ReservationEnd::Rejected(RejectCause::Unreachable) => rules?.unreachable,
            ReservationEnd::Rejected(RejectCause::NoResources) => rules?.no_resources,
        };
        self.exclude_after(held.interaction, held.agent, back_off)
    }

    /// Whoever has shares keeps account of the work for each queue.
    fn handling_ended(&mut self, id: InteractionId, agent: AgentId, cause: HandlingEnd) -> Option<()> {
        let agent_id = agent;
        let now = self.state.now;
        if let Some(agent) = self.state.agents.get_mut(&agent) {
            agent.handled_at = now;
            self.ended.push((agent_id, id));
        }
        match cause {
            HandlingEnd::Finished | HandlingEnd::LeaseExpired => {
                return self.state.interactions.remove(&id).map(drop);
            }
            HandlingEnd::Returned => {}
        }
        let queue = self.contact(id)?.first().queue;
        let exclusion = self.state.queues.get(&queue)?.settings.back_offs.rejected.exclusion;
        self.exclude_after(id, agent, BackOff { pause: Duration::ZERO, exclusion })
    }

    fn agent_changed(
        &mut self,
        id: AgentId,
        presence: Presence,
        activity: Activity,
        after: &State,
    ) -> Option<()> {
        let now = self.state.now;
        let Some(agent) = self.state.agents.get_mut(&id) else {
            // A new agent: nothing has happened to anybody of that name yet.
            return self.state.agents.insert(id, after.agents.get(&id)?.clone()).map_or(Some(()), |_| None);
        };
        let was_available = self.available.contains(&id);
        let was_here = agent.presence.is_logged_in();
        for (_, interaction) in self.ended.extract_if(.., |&mut (of, _)| of == id) {
            agent.lay_down(now, |work| work.is_handling_of(interaction));
        }
        agent.follow_works(now);
        if presence.is_logged_in() && !was_here && agent.works.is_empty() {
            agent.handled = 0;
            (agent.logged_in_at, agent.worked, agent.occupancy) = (now, Worked::NOTHING, 0);
            agent.worked_in.clear();
            (agent.handled_at, agent.ready_at, agent.offered_at) = (now, now, now);
        }
        agent.presence = presence;
        agent.aside = match activity {
            Activity::Idle { since } => Aside::Nothing { since },
            Activity::BackingOff { since, until } => Aside::BackingOff { since, until },
            Activity::Occupied { since } => Aside::Occupied { since, renewed: since },
            // A call of the agent's own would be told.
            Activity::Unreachable { .. } if matches!(agent.aside, Aside::Occupied { .. }) => {
                Aside::Nothing { since: now }
            }
            Activity::Unreachable { .. }
            | Activity::Reserved { .. }
            | Activity::Handling { .. }
            | Activity::AfterCallWork { .. } => agent.aside,
        };
        // Several that rang may end together, and the agent lays them down one by one.
        let is_passing = match activity {
            Activity::Reserved { reservation, .. } => !self.state.reservations.contains_key(&reservation),
            Activity::Idle { .. }
            | Activity::BackingOff { .. }
            | Activity::Occupied { .. }
            | Activity::Unreachable { .. }
            | Activity::Handling { .. }
            | Activity::AfterCallWork { .. } => false,
        };
        if agent.activity() != activity && !is_passing {
            return None;
        }
        let goes_on = self.freed_without_fault.remove(&id);
        let is_available = !agent.open(&self.state.settings.interruptions).is_empty();
        if is_available && !was_available && !goes_on {
            agent.ready_at = now;
            agent.occupancy = parts_per_million(agent.worked.until(now), now - agent.logged_in_at);
        }
        if is_available {
            self.available.insert(id);
        } else {
            self.available.remove(&id);
        }
        Some(())
    }

    /// Whether this is what came of it, as far as choices depend on it.
    fn tells(&self, after: &State) -> bool {
        let stage = |stage: Stage| match stage {
            // That more may be rung is said by no event.
            Stage::Reserved { since, .. } if self.runs_deadlines => Stage::Reserved { since, most: 0 },
            Stage::Waiting | Stage::Reserved { .. } | Stage::Resting { .. } | Stage::Handling { .. } => stage,
        };
        let contact = |state: &InteractionState| {
            let entries =
                state.entries.iter().map(|entry| (entry.queue, entry.entered, entry.step, entry.wanted));
            (state.priority, stage(state.stage), entries.collect::<Vec<_>>())
        };
        let agent = |state: &AgentState| {
            (
                state.presence,
                state.activity(),
                state.works.clone(),
                state.handled,
                state.occupancy,
                state.handled_at,
                state.ready_at,
                state.offered_at,
            )
        };
        let contacts = |state: &State| -> Vec<_> {
            state.interactions.iter().map(|(&id, state)| (id, contact(state))).collect()
        };
        let agents = |state: &State| -> Vec<_> {
            state.agents.iter().map(|(&id, state)| (id, agent(state))).collect()
        };
        contacts(&self.state) == contacts(after)
            && agents(&self.state) == agents(after)
            && self.state.reservations == after.reservations
    }
}

fn parts_per_million(part: Duration, whole: Duration) -> u32 {
    let share = (part.as_micros() * 1_000_000).checked_div(whole.as_micros()).unwrap_or(0);
    u32::try_from(share).unwrap_or(u32::MAX)
}

/// Whether the record of a decision says what was: the same step, strategy and agents.
fn is_true(
    decision: &Decision,
    (interaction, step): (&InteractionState, u8),
    queue: &QueueState,
    (selection, preference, reserve): (Selection, u8, u8),
    able: &[AgentId],
) -> bool {
    let eligible = able.len().min(usize::from(ELIGIBLE_MAX));
    let by_lot = decision.strategy == Strategy::WeightedRandom;
    let runners_up = decision.runners_up.iter().enumerate().all(|(n, &name)| match name {
        Some(name) if by_lot => n + 1 < able.len() && able[1..].contains(&name),
        name => name == able.get(n + 1).copied(),
    });
    usize::from(decision.eligible) == eligible
        && runners_up
        && decision.step == step
        && decision.own_requirement == interaction.requirement.is_some()
        && decision.strategy == queue.settings.strategy
        && decision.selection == selection
        && decision.reserve == reserve
        && decision.preference.is_none() == queue.settings.prefer.is_empty()
        && decision.preference.is_none_or(|bucket| bucket == preference)
}

/// The place of an agent among those whom an interaction wants.
fn name_of(entry: &EntryState, agent: AgentId) -> Option<u8> {
    entry.wanted?.place(agent)
}

fn selection_of(state: &State, agent: AgentId) -> Option<Selection> {
    Some(state.agents.get(&agent)?.settings.selection.unwrap_or(state.settings.selection))
}
