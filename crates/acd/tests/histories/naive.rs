//! The obvious twin: one plain [`State`], no index, no timer, everything found by looking at everything.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use acd::requirement::{Skills, score};
use acd::state::{AgentState, InteractionState, Place, QueueState, ReservationState, Staffing, Stage, State};
use acd::{
    AbandonedDuring, Activity, AgentId, AgentSettings, Command, Counters, Decision, ELIGIBLE_MAX, Event,
    Exit, Fault, IdleClock, InteractionId, OverflowCause, Presence, QueueId, QueueSettings, ReasonCode,
    Refusal, RejectCause, Requirement, ReservationEnd, ReservationId, Settings, StepCause, StepEffect,
    Strategy,
};
use timing::Instant;

/// What the passing of time brings, in the order in which equal times are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    AfterCallWork(AgentId),
    BackOff(AgentId),
    Exclusion(InteractionId, AgentId),
    Reservation(ReservationId),
    Step(InteractionId),
    MaxWait(InteractionId),
    Grace(QueueId),
}

pub(crate) struct Naive {
    pub(crate) state: State,
    pub(crate) events: Vec<Event>,
    /// Queues that the command in hand has deserted, and interactions to look at for their age.
    deserted: BTreeSet<QueueId>,
    overdue: BTreeSet<Place>,
}

fn is_idle_kind(activity: Activity) -> bool {
    matches!(activity, Activity::Idle { .. })
}

fn meets(settings: &QueueSettings, step: usize, skills: &Skills) -> bool {
    if step == 0 {
        return settings.requirement.is_met_by(skills);
    }
    let this = &settings.steps[step - 1];
    this.requirement.is_met_by(skills)
        || (this.effect == StepEffect::Add && meets(settings, step - 1, skills))
}

impl Naive {
    pub(crate) fn new(settings: Settings) -> Naive {
        let state = State {
            settings,
            now: Instant::ORIGIN,
            queues: BTreeMap::new(),
            agents: BTreeMap::new(),
            interactions: BTreeMap::new(),
            reservations: BTreeMap::new(),
            last_reservation: 0,
            totals: Counters::default(),
        };
        Naive { state, events: Vec::new(), deserted: BTreeSet::new(), overdue: BTreeSet::new() }
    }

    pub(crate) fn handle_command(&mut self, now: Instant, command: Command) -> Result<(), Refusal> {
        self.state.now = self.state.now.max(now);
        let before = self.state.clone();
        let result = self.obey(command);
        if let Err(refusal) = result {
            assert_eq!(before, self.state, "a refused command changes nothing");
            assert!([Fault::Sender, Fault::Configuration, Fault::Capacity].contains(&refusal.fault()));
            return result;
        }
        self.settle();
        Ok(())
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.state.now = self.state.now.max(now);
        // Deadlines come in ticks of 1.024 ms, never early.
        let is_due = |at: Instant| at.as_micros().div_ceil(1_024) <= self.state.now.as_micros() / 1_024;
        let due: Vec<_> = self.deadlines().into_iter().filter(|&(at, _)| is_due(at)).collect();
        for deadline in due {
            if self.deadlines().contains(&deadline) {
                self.fire(deadline.1);
                self.settle();
            }
        }
    }

    pub(crate) fn first_deadline(&self) -> Option<Instant> {
        self.deadlines().first().map(|&(at, _)| at)
    }

    fn deadlines(&self) -> BTreeSet<(Instant, Due)> {
        let mut all = BTreeSet::new();
        for (&id, agent) in &self.state.agents {
            match agent.activity {
                Activity::AfterCallWork { until, .. } => drop(all.insert((until, Due::AfterCallWork(id)))),
                Activity::BackingOff { until, .. } => drop(all.insert((until, Due::BackOff(id)))),
                _ => {}
            }
        }
        for (&id, reservation) in &self.state.reservations {
            all.insert((reservation.deadline, Due::Reservation(id)));
        }
        for (&id, interaction) in &self.state.interactions {
            for (&agent, &until) in &interaction.exclusions {
                all.insert((until, Due::Exclusion(id, agent)));
            }
            if interaction.stage != Stage::Waiting {
                continue;
            }
            let rules = &self.state.queues[&interaction.queue].settings;
            if interaction.requirement.is_none() && usize::from(interaction.step) < rules.steps.len() {
                let after = rules.steps[usize::from(interaction.step)].after;
                all.insert((interaction.entered + after, Due::Step(id)));
            }
            if let (Some(rule), false) = (rules.max_wait, interaction.overdue) {
                all.insert((interaction.entered + rule.after, Due::MaxWait(id)));
            }
        }
        for (&id, queue) in &self.state.queues {
            if let (Staffing::Unstaffed { since }, Some(rule)) =
                (queue.staffing, queue.settings.nobody_logged_in)
            {
                all.insert((since + rule.grace, Due::Grace(id)));
            }
        }
        all
    }

    fn fire(&mut self, due: Due) {
        match due {
            Due::AfterCallWork(agent) => self.close_after_call_work(agent),
            Due::BackOff(agent) => self.idle(agent),
            Due::Exclusion(interaction, agent) => {
                self.contact(interaction).exclusions.remove(&agent);
            }
            Due::Reservation(reservation) => self.fail(reservation, ReservationEnd::Expired),
            Due::Step(interaction) => self.advance(interaction),
            Due::MaxWait(interaction) => self.leave_if_too_old(interaction),
            Due::Grace(queue) => {
                let entry = self.state.queues.get_mut(&queue).unwrap();
                let Staffing::Unstaffed { since } = entry.staffing else { panic!("grace without need") };
                entry.staffing = Staffing::Deserted { since };
                self.empty_deserted(queue);
            }
        }
    }

    fn obey(&mut self, command: Command) -> Result<(), Refusal> {
        match command {
            Command::DefineQueue { queue, settings } => self.define_queue(queue, *settings),
            Command::RemoveQueue { queue, exit } => self.remove_queue(queue, exit),
            Command::DefineAgent { agent, settings } => self.define_agent(agent, *settings),
            Command::RemoveAgent { agent } => {
                self.known(agent)?;
                self.log_out(agent);
                match self.state.agents[&agent].activity {
                    Activity::Handling { .. } => self.person(agent).leaving = true,
                    _ => self.drop_agent(agent),
                }
                Ok(())
            }
            Command::LogIn { agent, not_ready } => self.log_in(agent, not_ready),
            Command::LogOut { agent } => {
                self.here(agent)?;
                self.log_out(agent);
                Ok(())
            }
            Command::SetReady { agent } => {
                self.here(agent)?;
                self.change(agent, true, |agent| {
                    agent.presence = Presence::Ready;
                    agent.misses = 0;
                });
                Ok(())
            }
            Command::SetNotReady { agent, reason } => {
                self.here(agent)?;
                if reason == ReasonCode::MISSED {
                    return Err(Refusal::ReservedReason);
                }
                self.change(agent, true, |agent| agent.presence = Presence::NotReady(reason));
                Ok(())
            }
            Command::Occupy { agent } => self.occupy(agent),
            Command::Release { agent } => {
                self.known(agent)?;
                if !matches!(self.state.agents[&agent].activity, Activity::Occupied { .. }) {
                    return Err(Refusal::WrongActivity(agent));
                }
                self.idle(agent);
                Ok(())
            }
            Command::EndAfterCallWork { agent } => {
                self.in_after_call_work(agent)?;
                self.close_after_call_work(agent);
                Ok(())
            }
            Command::ExtendAfterCallWork { agent, by } => self.extend(agent, by),
            Command::Enqueue { interaction, queue, priority, requirement, arrived } => {
                self.enqueue(interaction, queue, priority, requirement, arrived)
            }
            Command::Cancel { interaction } => self.cancel(interaction),
            Command::SetPriority { interaction, priority } => {
                let entry = self.present(interaction)?;
                if matches!(entry.stage, Stage::Handling { .. }) {
                    return Err(Refusal::WrongStage(interaction));
                }
                let queue = entry.queue;
                self.contact(interaction).priority = priority;
                self.events.push(Event::PriorityChanged { interaction, queue, priority });
                Ok(())
            }
            Command::SetRequirement { interaction, requirement } => {
                self.set_requirement(interaction, requirement)
            }
            Command::Move { interaction, queue } => self.relocate(interaction, queue),
            Command::Accept { reservation } => self.accept(reservation),
            Command::Reject { reservation, cause } => {
                if !self.state.reservations.contains_key(&reservation) {
                    return Err(Refusal::StaleReservation(reservation));
                }
                self.fail(reservation, ReservationEnd::Rejected(cause));
                Ok(())
            }
            Command::Finish { interaction } => self.finish(interaction),
        }
    }

    // Looking things up.

    fn known(&self, id: AgentId) -> Result<(), Refusal> {
        match self.state.agents.get(&id) {
            Some(agent) if !agent.leaving => Ok(()),
            _ => Err(Refusal::UnknownAgent(id)),
        }
    }

    fn here(&self, id: AgentId) -> Result<(), Refusal> {
        self.known(id)?;
        if self.state.agents[&id].presence == Presence::LoggedOut {
            return Err(Refusal::NotLoggedIn(id));
        }
        Ok(())
    }

    fn present(&self, id: InteractionId) -> Result<&InteractionState, Refusal> {
        self.state.interactions.get(&id).ok_or(Refusal::UnknownInteraction(id))
    }

    fn person(&mut self, id: AgentId) -> &mut AgentState {
        self.state.agents.get_mut(&id).unwrap()
    }

    fn contact(&mut self, id: InteractionId) -> &mut InteractionState {
        self.state.interactions.get_mut(&id).unwrap()
    }

    fn place(&self, id: InteractionId) -> Place {
        let entry = &self.state.interactions[&id];
        Place::new(id, entry.arrived, entry.priority, self.state.settings.head_start_per_point)
    }

    fn line(&self, queue: QueueId) -> BTreeSet<Place> {
        let waits = |entry: &InteractionState| entry.queue == queue && entry.stage == Stage::Waiting;
        let all = self.state.interactions.iter();
        all.filter(|(_, entry)| waits(entry)).map(|(&id, _)| self.place(id)).collect()
    }

    fn is_staffed(&self, queue: QueueId, step: usize) -> bool {
        let rules = &self.state.queues[&queue].settings;
        self.state
            .agents
            .values()
            .any(|agent| agent.presence != Presence::LoggedOut && meets(rules, step, &agent.settings.skills))
    }

    fn past_unstaffed(&self, queue: QueueId, step: usize) -> usize {
        let rules = &self.state.queues[&queue].settings;
        if !rules.skip_unstaffed_steps || self.is_staffed(queue, step) {
            return step;
        }
        (step..=rules.steps.len()).find(|&later| self.is_staffed(queue, later)).unwrap_or(step)
    }

    fn step_now(&self, id: InteractionId, from: u8) -> (u8, StepCause) {
        let entry = &self.state.interactions[&id];
        let rules = &self.state.queues[&entry.queue].settings;
        let waited = self.state.now - entry.entered;
        let passed = rules.steps.iter().filter(|step| step.after <= waited).count();
        let base = passed.max(usize::from(from)).min(rules.steps.len());
        let step = self.past_unstaffed(entry.queue, base);
        (step as u8, if step > base { StepCause::Unstaffed } else { StepCause::Time })
    }

    fn has_exit(&self, id: InteractionId, exit: Exit) -> bool {
        let Some(entry) = self.state.interactions.get(&id) else { return false };
        if entry.stage != Stage::Waiting {
            return false;
        }
        match exit {
            Exit::Leave(_) => true,
            Exit::Queue(queue) => {
                self.state.queues.contains_key(&queue)
                    && queue != entry.queue
                    && entry.flow_outs < self.state.settings.flow_outs_max
            }
        }
    }

    // Coming to rest.

    fn settle(&mut self) {
        let queues: Vec<QueueId> = self.state.queues.keys().copied().collect();
        for &queue in &queues {
            for place in self.line(queue) {
                let entry = &self.state.interactions[&place.interaction];
                let step = usize::from(entry.step);
                if entry.requirement.is_none() && self.past_unstaffed(queue, step) != step {
                    self.advance(place.interaction);
                }
            }
        }
        for &queue in &queues {
            self.watch_staffing(queue);
        }
        self.match_all();
        for queue in std::mem::take(&mut self.deserted) {
            self.empty_deserted(queue);
        }
        for place in std::mem::take(&mut self.overdue) {
            self.leave_if_too_old(place.interaction);
        }
    }

    fn watch_staffing(&mut self, queue: QueueId) {
        let steps = self.state.queues[&queue].settings.steps.len();
        let staffed = (0..=steps).any(|step| self.is_staffed(queue, step));
        let now = self.state.now;
        let entry = self.state.queues.get_mut(&queue).unwrap();
        if staffed {
            entry.staffing = Staffing::Staffed;
        } else if entry.staffing == Staffing::Staffed {
            entry.staffing = Staffing::Unstaffed { since: now };
            if entry.settings.nobody_logged_in.is_some_and(|rule| rule.grace.is_zero()) {
                entry.staffing = Staffing::Deserted { since: now };
                self.deserted.insert(queue);
            }
        }
    }

    fn empty_deserted(&mut self, queue: QueueId) {
        let exit = self.state.queues[&queue].settings.nobody_logged_in.unwrap().exit;
        for place in self.line(queue) {
            let waits_here =
                self.state.interactions.get(&place.interaction).is_some_and(|e| e.queue == queue);
            if waits_here && self.has_exit(place.interaction, exit) {
                self.leave(place.interaction, OverflowCause::NobodyLoggedIn, exit);
            }
        }
    }

    fn match_all(&mut self) {
        loop {
            let waiting: BTreeSet<Place> =
                self.state.queues.keys().flat_map(|&queue| self.line(queue)).collect();
            let lucky = waiting.into_iter().find(|place| !self.candidates(place.interaction).is_empty());
            let Some(place) = lucky else { return };
            self.reserve(place.interaction);
        }
    }

    fn candidates(&self, id: InteractionId) -> Vec<AgentId> {
        let entry = &self.state.interactions[&id];
        let queue = &self.state.queues[&entry.queue];
        let wanted = match &entry.requirement {
            Some(own) => {
                let mut wanted = BTreeSet::new();
                own.wanted_skills(&mut wanted);
                wanted.into_iter().collect()
            }
            None => State::wanted_skills(&queue.settings),
        };
        let can = |agent: &AgentState| {
            let skills = &agent.settings.skills;
            agent.presence == Presence::Ready
                && is_idle_kind(agent.activity)
                && match &entry.requirement {
                    Some(own) => own.is_met_by(skills),
                    None => meets(&queue.settings, usize::from(entry.step), skills),
                }
        };
        let mut able: Vec<(AgentId, &AgentState)> = self
            .state
            .agents
            .iter()
            .filter(|(id, agent)| !entry.exclusions.contains_key(id) && can(agent))
            .map(|(&id, agent)| (id, agent))
            .collect();
        let level = |agent: &AgentState| score(&wanted, &agent.settings.skills);
        match queue.settings.strategy {
            Strategy::LongestIdle(IdleClock::SinceHandled) => able.sort_by_key(|(id, a)| (a.handled_at, *id)),
            Strategy::LongestIdle(IdleClock::SinceReady) => {
                able.sort_by_key(|(id, a)| (a.ready_at, a.handled_at, *id));
            }
            Strategy::LongestIdle(IdleClock::SinceOffered) => {
                able.sort_by_key(|(id, a)| (a.offered_at, a.handled_at, *id));
            }
            Strategy::MostSkilled => able.sort_by_key(|(id, a)| (Reverse(level(a)), a.handled_at, *id)),
            Strategy::LeastSkilled => able.sort_by_key(|(id, a)| (level(a), a.handled_at, *id)),
            Strategy::FewestHandled => able.sort_by_key(|(id, a)| (a.handled, a.handled_at, *id)),
            Strategy::TopDown => able.sort_by_key(|(id, a)| (a.settings.order, a.handled_at, *id)),
            Strategy::RoundRobin => able.sort_by_key(|(id, a)| {
                let turn = (a.settings.order, *id);
                (queue.last_chosen.is_some_and(|last| turn <= last), turn)
            }),
        }
        able.into_iter().map(|(id, _)| id).collect()
    }

    fn reserve(&mut self, id: InteractionId) {
        let now = self.state.now;
        let able = self.candidates(id);
        let agent = able[0];
        self.state.last_reservation += 1;
        let reservation = ReservationId(self.state.last_reservation);
        let entry = self.contact(id);
        entry.stage = Stage::Reserved(reservation);
        entry.attempts += 1;
        let entry = entry.clone();
        let queue = entry.queue;
        let still_waiting = self.line(queue).len() as u32;
        self.count(queue, |counters| counters.reservations += 1);
        let order = self.state.agents[&agent].settings.order;
        let rules = self.state.queues.get_mut(&queue).unwrap();
        let strategy = rules.settings.strategy;
        if strategy == Strategy::RoundRobin {
            rules.last_chosen = Some((order, agent));
        }
        let deadline = now + rules.settings.ring_timeout;
        let record = ReservationState { interaction: id, agent, since: now, deadline };
        self.state.reservations.insert(reservation, record);
        self.events.push(Event::Reserved {
            reservation,
            interaction: id,
            agent,
            queue,
            deadline,
            waited: now - entry.entered,
            age: now - entry.arrived,
            attempt: entry.attempts,
            decision: Decision {
                step: entry.step,
                own_requirement: entry.requirement.is_some(),
                strategy,
                eligible: able.len().min(usize::from(ELIGIBLE_MAX)) as u16,
                runners_up: [1, 2, 3].map(|n| able.get(n).copied()),
                still_waiting,
            },
        });
        self.change(agent, false, |agent| {
            agent.activity = Activity::Reserved { reservation, since: now };
            agent.offered_at = now;
        });
    }

    // Interactions.

    fn enqueue(
        &mut self,
        id: InteractionId,
        queue: QueueId,
        priority: i32,
        requirement: Option<Requirement>,
        arrived: Option<Instant>,
    ) -> Result<(), Refusal> {
        if !self.state.queues.contains_key(&queue) {
            return Err(Refusal::UnknownQueue(queue));
        }
        if self.state.interactions.contains_key(&id) {
            return Err(Refusal::DuplicateInteraction(id));
        }
        if let Some(requirement) = &requirement {
            self.check_size(requirement)?;
        }
        let is_unanswered = |entry: &&InteractionState| !matches!(entry.stage, Stage::Handling { .. });
        let unanswered = self.state.interactions.values().filter(is_unanswered).count();
        if unanswered >= self.state.settings.waiting_max as usize {
            return Err(Refusal::TooManyWaiting);
        }
        let now = self.state.now;
        let entry = InteractionState {
            queue,
            priority,
            requirement,
            arrived: arrived.unwrap_or(now).min(now),
            entered: now,
            step: 0,
            attempts: 0,
            flow_outs: 0,
            exclusions: BTreeMap::new(),
            overdue: false,
            stage: Stage::Waiting,
        };
        self.state.interactions.insert(id, entry);
        self.enter(id, queue, None);
        Ok(())
    }

    fn check_size(&self, requirement: &Requirement) -> Result<(), Refusal> {
        let size = requirement.size();
        if size.terms > self.state.settings.requirement_terms_max as usize {
            return Err(Refusal::Invalid(acd::Invalid::RequirementTooLarge));
        }
        if size.depth > self.state.settings.requirement_depth_max as usize {
            return Err(Refusal::Invalid(acd::Invalid::RequirementTooDeep));
        }
        Ok(())
    }

    fn enter(&mut self, id: InteractionId, queue: QueueId, from: Option<QueueId>) {
        let now = self.state.now;
        let entry = self.contact(id);
        entry.queue = queue;
        entry.entered = now;
        entry.step = 0;
        entry.attempts = 0;
        entry.overdue = false;
        let (priority, age) = (entry.priority, now - entry.arrived);
        self.count(queue, |counters| counters.offered += 1);
        self.events.push(Event::Queued { interaction: id, queue, from, priority, age });
        self.advance(id);
        self.match_all();
        if self.state.interactions[&id].stage != Stage::Waiting {
            return;
        }
        let entry = &self.state.queues[&queue];
        if let (Staffing::Deserted { .. }, Some(rule)) = (entry.staffing, entry.settings.nobody_logged_in)
            && self.has_exit(id, rule.exit)
        {
            return self.leave(id, OverflowCause::NobodyLoggedIn, rule.exit);
        }
        if let Some(rule) = entry.settings.max_length
            && self.line(queue).len() > rule.waiting as usize
            && self.has_exit(id, rule.exit)
        {
            self.leave(id, OverflowCause::MaxLength, rule.exit);
        }
    }

    fn leave(&mut self, id: InteractionId, cause: OverflowCause, exit: Exit) {
        let from = self.state.interactions[&id].queue;
        self.overflow(id, cause, exit);
        match exit {
            Exit::Leave(_) => drop(self.state.interactions.remove(&id)),
            Exit::Queue(queue) => {
                self.contact(id).flow_outs += 1;
                self.enter(id, queue, Some(from));
            }
        }
    }

    fn overflow(&mut self, id: InteractionId, cause: OverflowCause, exit: Exit) {
        let entry = &self.state.interactions[&id];
        let (queue, now) = (entry.queue, self.state.now);
        let (waited, age) = (now - entry.entered, now - entry.arrived);
        self.count(queue, |counters| {
            counters.overflowed += 1;
            counters.flowed_out += u64::from(matches!(exit, Exit::Queue(_)));
        });
        self.events.push(Event::Overflowed { interaction: id, queue, waited, age, cause, exit });
    }

    fn advance(&mut self, id: InteractionId) {
        let entry = &self.state.interactions[&id];
        if entry.requirement.is_none() {
            let (step, cause) = self.step_now(id, entry.step);
            self.set_step(id, step, cause);
        }
    }

    fn set_step(&mut self, id: InteractionId, step: u8, cause: StepCause) {
        let now = self.state.now;
        let entry = self.contact(id);
        if entry.step != step {
            entry.step = step;
            let (queue, waited) = (entry.queue, now - entry.entered);
            self.events.push(Event::StepEntered { interaction: id, queue, step, cause, waited });
        }
    }

    fn leave_if_too_old(&mut self, id: InteractionId) {
        let Some(entry) = self.state.interactions.get(&id) else { return };
        if entry.stage != Stage::Waiting {
            return;
        }
        let queue = &self.state.queues[&entry.queue];
        if let (Staffing::Deserted { .. }, Some(rule)) = (queue.staffing, queue.settings.nobody_logged_in)
            && self.has_exit(id, rule.exit)
        {
            return self.leave(id, OverflowCause::NobodyLoggedIn, rule.exit);
        }
        let Some(rule) = queue.settings.max_wait else { return };
        if self.state.now - entry.entered < rule.after || entry.overdue {
            return;
        }
        if self.has_exit(id, rule.exit) {
            self.leave(id, OverflowCause::MaxWait, rule.exit);
        } else {
            self.contact(id).overdue = true;
        }
    }

    fn cancel(&mut self, id: InteractionId) -> Result<(), Refusal> {
        let entry = self.present(id)?.clone();
        let now = self.state.now;
        let (during, agent) = match entry.stage {
            Stage::Waiting => (AbandonedDuring::Waiting, None),
            Stage::Reserved(reservation) => {
                let agent = self.end(reservation, ReservationEnd::Cancelled).agent;
                (AbandonedDuring::Reserved, Some(agent))
            }
            Stage::Handling { .. } => return Err(Refusal::WrongStage(id)),
        };
        self.count(entry.queue, |counters| counters.abandoned += 1);
        self.events.push(Event::Abandoned {
            interaction: id,
            queue: entry.queue,
            waited: now - entry.entered,
            age: now - entry.arrived,
            during,
        });
        self.state.interactions.remove(&id);
        if let Some(agent) = agent {
            self.change(agent, false, |agent| agent.activity = Activity::Idle { since: now });
        }
        Ok(())
    }

    fn set_requirement(&mut self, id: InteractionId, own: Option<Requirement>) -> Result<(), Refusal> {
        if self.present(id)?.stage != Stage::Waiting {
            return Err(Refusal::WrongStage(id));
        }
        if let Some(own) = &own {
            self.check_size(own)?;
        }
        let has_own = own.is_some();
        self.contact(id).requirement = own;
        let step = if has_own { 0 } else { self.step_now(id, 0).0 };
        self.set_step(id, step, StepCause::Changed);
        Ok(())
    }

    fn relocate(&mut self, id: InteractionId, queue: QueueId) -> Result<(), Refusal> {
        let entry = self.present(id)?;
        let from = entry.queue;
        if entry.stage != Stage::Waiting {
            return Err(Refusal::WrongStage(id));
        }
        if !self.state.queues.contains_key(&queue) {
            return Err(Refusal::UnknownQueue(queue));
        }
        if from == queue {
            return Err(Refusal::UselessExit(queue));
        }
        self.overflow(id, OverflowCause::Moved, Exit::Queue(queue));
        self.enter(id, queue, Some(from));
        Ok(())
    }

    // Reservations and conversations.

    fn end(&mut self, id: ReservationId, cause: ReservationEnd) -> ReservationState {
        let record = self.state.reservations.remove(&id).unwrap();
        self.contact(record.interaction).stage = Stage::Waiting;
        self.events.push(Event::ReservationEnded {
            reservation: id,
            interaction: record.interaction,
            agent: record.agent,
            queue: self.state.interactions[&record.interaction].queue,
            cause,
            lasted: self.state.now - record.since,
        });
        record
    }

    fn wait_again(&mut self, id: InteractionId) {
        self.advance(id);
        self.overdue.insert(self.place(id));
    }

    fn accept(&mut self, id: ReservationId) -> Result<(), Refusal> {
        if !self.state.reservations.contains_key(&id) {
            return Err(Refusal::StaleReservation(id));
        }
        let ReservationState { interaction, agent, .. } = self.end(id, ReservationEnd::Accepted);
        let now = self.state.now;
        let entry = self.contact(interaction);
        entry.stage = Stage::Handling { agent, since: now };
        entry.exclusions.clear();
        let (queue, waited, age) = (entry.queue, now - entry.entered, now - entry.arrived);
        self.count(queue, |counters| counters.answered += 1);
        self.events.push(Event::Answered { interaction, queue, agent, waited, age });
        self.change(agent, false, |agent| {
            agent.activity = Activity::Handling { interaction, since: now };
            agent.misses = 0;
            agent.handled += 1;
        });
        Ok(())
    }

    fn fail(&mut self, id: ReservationId, end: ReservationEnd) {
        let ReservationState { interaction, agent, .. } = self.end(id, end);
        let queue = self.state.interactions[&interaction].queue;
        self.count(queue, |counters| counters.missed += 1);
        let rules = self.state.queues[&queue].settings.back_offs.clone();
        let (back_off, miss) = match end {
            ReservationEnd::Rejected(RejectCause::Busy) => (rules.busy, 0),
            ReservationEnd::Rejected(RejectCause::Rejected) => (rules.rejected, 0),
            ReservationEnd::Rejected(RejectCause::Unreachable) => (rules.unreachable, 1),
            _ => (rules.no_answer, 1),
        };
        let (now, most) = (self.state.now, self.state.settings.misses_max);
        self.change(agent, true, |agent| {
            agent.misses += miss;
            if most > 0 && agent.misses >= most && agent.presence == Presence::Ready {
                agent.presence = Presence::NotReady(ReasonCode::MISSED);
            }
            let until = now + back_off.pause;
            agent.activity = if agent.presence == Presence::Ready && until > now {
                Activity::BackingOff { since: now, until }
            } else {
                Activity::Idle { since: now }
            };
        });
        let bound = self.state.settings.exclusions_max as usize;
        let entry = self.contact(interaction);
        if !back_off.exclusion.is_zero() && bound > 0 {
            if entry.exclusions.len() == bound {
                let soonest = *entry.exclusions.iter().min_by_key(|&(&id, &until)| (until, id)).unwrap().0;
                entry.exclusions.remove(&soonest);
            }
            entry.exclusions.insert(agent, now + back_off.exclusion);
        }
        self.wait_again(interaction);
    }

    fn finish(&mut self, id: InteractionId) -> Result<(), Refusal> {
        let entry = self.present(id)?.clone();
        let Stage::Handling { agent, since } = entry.stage else { return Err(Refusal::WrongStage(id)) };
        let (now, queue) = (self.state.now, entry.queue);
        self.state.interactions.remove(&id);
        self.count(queue, |counters| counters.finished += 1);
        self.events.push(Event::HandlingEnded { interaction: id, queue, agent, handled_for: now - since });
        let person = &self.state.agents[&agent];
        if person.leaving {
            self.drop_agent(agent);
            return Ok(());
        }
        let of_queue = self.state.queues.get(&queue).map(|queue| queue.settings.after_call_work);
        let length = person.settings.after_call_work.or(of_queue).unwrap_or_default();
        let length = length.min(self.state.settings.after_call_work_max);
        let mut activity = Activity::Idle { since: now };
        if person.presence != Presence::LoggedOut && length > Duration::ZERO {
            let until = now + length;
            self.events.push(Event::AfterCallWorkStarted { agent, interaction: id, queue, until });
            activity = Activity::AfterCallWork { interaction: id, queue, since: now, until };
        }
        self.change(agent, true, |agent| {
            agent.activity = activity;
            agent.handled_at = now;
        });
        Ok(())
    }

    // Agents.

    fn change(&mut self, id: AgentId, restarts: bool, change: impl FnOnce(&mut AgentState)) {
        let now = self.state.now;
        let agent = self.person(id);
        let before = agent.clone();
        change(agent);
        if restarts && !before.is_available() && agent.is_available() {
            agent.ready_at = now;
        }
        let (presence, activity) = (agent.presence, agent.activity);
        if (before.presence, before.activity) != (presence, activity) {
            self.events.push(Event::AgentChanged { agent: id, presence, activity });
        }
    }

    fn idle(&mut self, id: AgentId) {
        let since = self.state.now;
        self.change(id, true, |agent| agent.activity = Activity::Idle { since });
    }

    fn log_in(&mut self, id: AgentId, not_ready: Option<ReasonCode>) -> Result<(), Refusal> {
        self.known(id)?;
        if self.here(id).is_ok() {
            return Err(Refusal::AlreadyLoggedIn(id));
        }
        if not_ready == Some(ReasonCode::MISSED) {
            return Err(Refusal::ReservedReason);
        }
        let now = self.state.now;
        self.change(id, true, |agent| {
            agent.presence = not_ready.map_or(Presence::Ready, Presence::NotReady);
            agent.misses = 0;
            if !matches!(agent.activity, Activity::Handling { .. }) {
                (agent.handled, agent.handled_at, agent.ready_at, agent.offered_at) = (0, now, now, now);
            }
            if is_idle_kind(agent.activity) {
                agent.activity = Activity::Idle { since: now };
            }
        });
        Ok(())
    }

    fn log_out(&mut self, id: AgentId) {
        let since = self.state.now;
        let mut returned = None;
        let activity = match self.state.agents[&id].activity {
            Activity::Reserved { reservation, .. } => {
                returned = Some(self.end(reservation, ReservationEnd::Withdrawn).interaction);
                Activity::Idle { since }
            }
            Activity::AfterCallWork { .. } => {
                self.say_after_call_work_ended(id);
                Activity::Idle { since }
            }
            Activity::BackingOff { .. } => Activity::Idle { since },
            other => other,
        };
        self.change(id, true, |agent| {
            agent.presence = Presence::LoggedOut;
            agent.activity = activity;
        });
        if let Some(interaction) = returned {
            self.wait_again(interaction);
        }
    }

    fn occupy(&mut self, id: AgentId) -> Result<(), Refusal> {
        self.known(id)?;
        match self.state.agents[&id].activity {
            Activity::Idle { .. } | Activity::BackingOff { .. } => {}
            Activity::AfterCallWork { .. } => self.say_after_call_work_ended(id),
            _ => return Err(Refusal::WrongActivity(id)),
        }
        let since = self.state.now;
        self.change(id, true, |agent| agent.activity = Activity::Occupied { since });
        Ok(())
    }

    fn in_after_call_work(&self, id: AgentId) -> Result<(Instant, Instant), Refusal> {
        self.known(id)?;
        match self.state.agents[&id].activity {
            Activity::AfterCallWork { since, until, .. } => Ok((since, until)),
            _ => Err(Refusal::WrongActivity(id)),
        }
    }

    fn say_after_call_work_ended(&mut self, id: AgentId) {
        let Activity::AfterCallWork { interaction, queue, since, .. } = self.state.agents[&id].activity
        else {
            panic!("no after-call work")
        };
        let lasted = self.state.now - since;
        self.events.push(Event::AfterCallWorkEnded { agent: id, interaction, queue, lasted });
    }

    fn close_after_call_work(&mut self, id: AgentId) {
        self.say_after_call_work_ended(id);
        self.idle(id);
    }

    fn extend(&mut self, id: AgentId, by: Duration) -> Result<(), Refusal> {
        let (since, until) = self.in_after_call_work(id)?;
        let latest = since + self.state.settings.after_call_work_max;
        let later = (until + by).min(latest);
        if later > until {
            self.events.push(Event::AfterCallWorkExtended { agent: id, until: later });
            self.change(id, true, |agent| {
                if let Activity::AfterCallWork { until, .. } = &mut agent.activity {
                    *until = later;
                }
            });
        }
        Ok(())
    }

    fn drop_agent(&mut self, id: AgentId) {
        self.state.agents.remove(&id);
        self.events.push(Event::AgentRemoved { agent: id });
    }

    // Configuration.

    fn define_queue(&mut self, id: QueueId, settings: QueueSettings) -> Result<(), Refusal> {
        let exits = [
            settings.max_wait.map(|rule| rule.exit),
            settings.max_length.map(|rule| rule.exit),
            settings.nobody_logged_in.map(|rule| rule.exit),
        ];
        if exits.into_iter().flatten().any(|exit| exit == Exit::Queue(id)) {
            return Err(Refusal::Invalid(acd::Invalid::ExitToItself));
        }
        let now = self.state.now;
        let is_new = !self.state.queues.contains_key(&id);
        if is_new && self.state.queues.len() == self.state.settings.queues_max as usize {
            return Err(Refusal::TooManyQueues);
        }
        let line = self.line(id);
        let entry = self.state.queues.entry(id).or_insert_with(|| QueueState {
            settings: settings.clone(),
            staffing: Staffing::Unstaffed { since: now },
            last_chosen: None,
            counters: Counters::default(),
        });
        entry.settings = settings;
        let since = match entry.staffing {
            Staffing::Staffed => now,
            Staffing::Unstaffed { since } | Staffing::Deserted { since } => since,
        };
        entry.staffing = Staffing::Unstaffed { since };
        let grace_over = entry.settings.nobody_logged_in.is_some_and(|rule| since + rule.grace <= now);
        let steps = entry.settings.steps.len();
        if (0..=steps).any(|step| self.is_staffed(id, step)) {
            self.state.queues.get_mut(&id).unwrap().staffing = Staffing::Staffed;
        } else if grace_over {
            self.state.queues.get_mut(&id).unwrap().staffing = Staffing::Deserted { since };
            self.deserted.insert(id);
        }
        self.events.push(Event::QueueDefined { queue: id });
        for place in line {
            self.contact(place.interaction).overdue = false;
            if self.state.interactions[&place.interaction].requirement.is_none() {
                let (step, _) = self.step_now(place.interaction, 0);
                self.set_step(place.interaction, step, StepCause::Changed);
            }
            self.overdue.insert(place);
        }
        Ok(())
    }

    fn remove_queue(&mut self, id: QueueId, exit: Exit) -> Result<(), Refusal> {
        if !self.state.queues.contains_key(&id) {
            return Err(Refusal::UnknownQueue(id));
        }
        if let Exit::Queue(to) = exit
            && (to == id || !self.state.queues.contains_key(&to))
        {
            return Err(Refusal::UselessExit(id));
        }
        let now = self.state.now;
        let in_queue: BTreeSet<Place> = self
            .state
            .interactions
            .iter()
            .filter(|(_, entry)| entry.queue == id && !matches!(entry.stage, Stage::Handling { .. }))
            .map(|(&id, _)| self.place(id))
            .collect();
        let mut freed = Vec::new();
        for place in &in_queue {
            if let Stage::Reserved(reservation) = self.state.interactions[&place.interaction].stage {
                freed.push(self.end(reservation, ReservationEnd::Cancelled).agent);
            }
        }
        self.state.queues.remove(&id);
        for agent in freed {
            self.change(agent, false, |agent| agent.activity = Activity::Idle { since: now });
        }
        for place in in_queue {
            self.overflow(place.interaction, OverflowCause::QueueRemoved, exit);
            match exit {
                Exit::Leave(_) => drop(self.state.interactions.remove(&place.interaction)),
                Exit::Queue(to) => self.enter(place.interaction, to, Some(id)),
            }
        }
        self.events.push(Event::QueueRemoved { queue: id });
        Ok(())
    }

    fn define_agent(&mut self, id: AgentId, settings: AgentSettings) -> Result<(), Refusal> {
        if let Some(agent) = self.state.agents.get_mut(&id) {
            agent.settings = settings;
            agent.leaving = false;
            return Ok(());
        }
        if self.state.agents.len() == self.state.settings.agents_max as usize {
            return Err(Refusal::TooManyAgents);
        }
        let now = self.state.now;
        let (presence, activity) = (Presence::LoggedOut, Activity::Idle { since: now });
        let agent = AgentState {
            settings,
            presence,
            activity,
            leaving: false,
            misses: 0,
            handled: 0,
            handled_at: now,
            ready_at: now,
            offered_at: now,
        };
        self.state.agents.insert(id, agent);
        self.events.push(Event::AgentChanged { agent: id, presence, activity });
        Ok(())
    }

    fn count(&mut self, queue: QueueId, change: impl Fn(&mut Counters)) {
        change(&mut self.state.totals);
        if let Some(queue) = self.state.queues.get_mut(&queue) {
            change(&mut queue.counters);
        }
    }
}
