//! The obvious twin: one plain [`State`], no index, no timer, everything found by looking at everything.

mod asked;
mod callbacks;
mod contacts;
mod estimates;
mod overflow;
mod own;
mod people;
mod reserve;
mod ring;
mod shared;
mod wanted;
mod wish;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use acd::estimate::Estimator;
use acd::requirement::{Skills, score};
use acd::state::{
    AgentState, EntryState, InteractionState, Phase, Place, QueueState, ReservationState, Staffing, Stage,
    State,
};
use acd::{
    AbandonedDuring, Activity, AgentId, AgentSettings, Aside, AtClosing, BackOff, CHANNELS_MAX, CallbackEnd,
    Change, Channel, Command, Counters, Decision, DequeueCause, ELIGIBLE_MAX, ENTRIES_MAX, Event, Exit,
    Fault, Forced, ForcedPresence, HandlingEnd, IdleClock, InteractionId, Interruption, Lease, Otherwise,
    OverflowCause, Presence, QueueId, QueueSettings, ReasonCode, Refusal, RejectCause, Request, Requirement,
    ReservationEnd, ReservationId, Selection, Settings, StepCause, StepEffect, Strategy, SupervisorId,
    Wanted, WantedEnd, Work, WorkStage, Worked, Works,
};
use timing::Instant;
use wanted::{asks_no_skills, is_wanted, until};

use crate::label;
use asked::skills_asked_for;
use reserve::reserve;

/// An interaction as it stands in one queue.
type Stand = (InteractionId, QueueId);

/// What the passing of time brings, in the order in which equal times are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    AfterCallWork(AgentId, InteractionId),
    BackOff(AgentId),
    HandlingLease(AgentId, InteractionId),
    OccupiedLease(AgentId),
    LogInLease(AgentId),
    Exclusion(InteractionId, AgentId),
    Rest(InteractionId),
    Reservation(ReservationId),
    Widening(InteractionId),
    Unstaffed(QueueId),
    Step(InteractionId, QueueId),
    Reserve(QueueId),
    Wanted(InteractionId, QueueId),
    MaxWait(InteractionId, QueueId),
    Overflow(InteractionId, QueueId),
    CallbackEnd(InteractionId),
    Grace(QueueId),
}

pub(crate) struct Naive {
    pub(crate) state: State,
    pub(crate) events: Vec<Event>,
    /// Queues that the command in hand has deserted, and interactions to look at for their age.
    deserted: BTreeSet<QueueId>,
    overdue: BTreeSet<(Place, QueueId)>,
    /// Those back in line, to be looked at before anybody is rung for them.
    returned: BTreeSet<(Place, QueueId)>,
    /// Own requirements that were followed when the last command had come to rest.
    kept: Vec<own::Pair>,
    /// What was reached that no event shows.
    pub(crate) reached: Vec<&'static str>,
    /// Whether it is looked at that a refused command has changed nothing, for which everything is copied.
    pub(crate) watches_refusals: bool,
}

/// All that an agent has in hand.
fn works(agent: &AgentState) -> Vec<Work> {
    agent.works.iter().copied().collect()
}

/// Whoever has laid something down, and does nothing beside, has done nothing since then.
fn keep(agent: &mut AgentState, now: Instant, stays: impl Fn(&Work) -> bool) {
    let before = works(agent);
    agent.works = before.iter().copied().filter(stays).collect();
    if let (true, Aside::Nothing { since }) = (agent.works.len() < before.len(), &mut agent.aside) {
        *since = now;
    }
}

/// The same things in hand, changed.
fn revise(agent: &mut AgentState, change: impl FnMut(&mut Work)) {
    let mut all = works(agent);
    all.iter_mut().for_each(change);
    agent.works = all.into_iter().collect();
}

fn is_reserved(work: &Work) -> bool {
    matches!(work.stage, WorkStage::Reserved { .. })
}

fn is_wrap_up_of(work: &Work, interaction: InteractionId) -> bool {
    work.interaction == interaction && matches!(work.stage, WorkStage::AfterCallWork { .. })
}

/// The channel of what was answered last and is not over.
fn channel_in_front(agent: &AgentState) -> Option<Channel> {
    works(agent).into_iter().rfind(|work| !is_reserved(work)).map(|work| work.channel)
}

/// What is in hand, but for what changes without anybody being told.
fn tokens(agent: &AgentState) -> Vec<(InteractionId, u8, Instant)> {
    let token = |work: &Work| match work.stage {
        WorkStage::Reserved { since, .. } => (work.interaction, 0, since),
        WorkStage::Handling { since, .. } => (work.interaction, 1, since),
        WorkStage::AfterCallWork { until, .. } => (work.interaction, 2, until),
    };
    works(agent).iter().map(token).collect()
}

/// What an agent does, in one word.
fn foreground(agent: &AgentState) -> Activity {
    let works = works(agent);
    let word = |work: &Work| {
        let Work { interaction, queue, stage, .. } = *work;
        match stage {
            WorkStage::Reserved { reservation, since } => Activity::Reserved { reservation, since },
            WorkStage::Handling { since, .. } => Activity::Handling { interaction, since },
            WorkStage::AfterCallWork { since, until } => {
                Activity::AfterCallWork { interaction, queue, since, until }
            }
        }
    };
    let channel = channel_in_front(agent);
    let weight = |work: &&Work| match work.stage {
        WorkStage::Reserved { .. } => 4,
        _ if Some(work.channel) != channel => 3,
        WorkStage::AfterCallWork { .. } => 2,
        WorkStage::Handling { .. } => 1,
    };
    if let Some(work) = works.iter().min_by_key(weight) {
        return word(work);
    }
    match (agent.aside, agent.unreachable) {
        (Aside::Occupied { since, .. }, _) => Activity::Occupied { since },
        (_, Some(since)) => Activity::Unreachable { since },
        (Aside::Nothing { since }, None) => Activity::Idle { since },
        (Aside::BackingOff { since, until }, None) => Activity::BackingOff { since, until },
    }
}

fn meets(settings: &QueueSettings, step: usize, skills: &Skills) -> bool {
    if step == 0 {
        return settings.requirement.is_met_by(skills);
    }
    let this = &settings.steps[step - 1];
    this.requirement.is_met_by(skills)
        || (this.effect == StepEffect::Add && meets(settings, step - 1, skills))
}

/// How many of the preferences the agent does not meet before one that is met.
fn preference(settings: &QueueSettings, agent: &AgentState) -> usize {
    settings.prefer.iter().take_while(|wish| !wish.is_met_by(&agent.settings.skills)).count()
}

impl Naive {
    pub(crate) fn new(settings: Settings) -> Naive {
        let seed = settings.seed;
        let state = State {
            settings,
            now: Instant::ORIGIN,
            queues: BTreeMap::new(),
            agents: BTreeMap::new(),
            interactions: BTreeMap::new(),
            reservations: BTreeMap::new(),
            last_reservation: 0,
            last_rules: 0,
            totals: Counters::default(),
            lots: acd::Lots::new(seed),
            own_staffing: Vec::new(),
        };
        let (deserted, overdue, returned) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let (events, reached, kept) = (Vec::new(), Vec::new(), Vec::new());
        Naive { state, events, deserted, overdue, returned, kept, reached, watches_refusals: true }
    }

    pub(crate) fn handle_command(&mut self, now: Instant, command: Command) -> Result<(), Refusal> {
        self.state.now = self.state.now.max(now);
        let before = self.watches_refusals.then(|| self.state.clone());
        let result = self.obey(command);
        if let Err(refusal) = result {
            if let Some(before) = before {
                assert_eq!(before, self.state, "a refused command changes nothing");
            }
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
                self.fire(deadline);
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
            for work in works(agent) {
                if let WorkStage::AfterCallWork { until, .. } = work.stage {
                    all.insert((until, Due::AfterCallWork(id, work.interaction)));
                }
            }
            if let Aside::BackingOff { until, .. } = agent.aside {
                all.insert((until, Due::BackOff(id)));
            }
        }
        all.extend(self.leases());
        all.extend(self.callback_deadlines());
        all.extend(self.own_ends().into_iter().map(|(at, queue)| (at, Due::Unstaffed(queue))));
        for (&id, reservation) in &self.state.reservations {
            all.insert((reservation.deadline, Due::Reservation(id)));
        }
        for (&id, interaction) in &self.state.interactions {
            for (&agent, &until) in &interaction.exclusions {
                all.insert((until, Due::Exclusion(id, agent)));
            }
            if let Stage::Reserved { since, most } = interaction.stage {
                let ring = self.ring_rules(id, self.ringing_queue(id));
                let every = Duration::from_micros(ring.every.as_micros() as u64);
                let is_open = self.entry((id, self.ringing_queue(id))).wanted.is_none();
                if most < ring.most && every > Duration::ZERO && is_open {
                    all.insert((since + every * u32::from(most), Due::Widening(id)));
                }
            }
            if interaction.stage != Stage::Waiting {
                continue;
            }
            for entry in &interaction.entries {
                let rules = &self.state.queues[&entry.queue].settings;
                if usize::from(entry.step) < rules.steps.len() {
                    let after = rules.steps[usize::from(entry.step)].after;
                    all.insert((entry.entered + after, Due::Step(id, entry.queue)));
                }
                if let Some(until) = until(entry) {
                    all.insert((until, Due::Wanted(id, entry.queue)));
                }
                if let (Some(rule), false, None) = (rules.max_wait, entry.overdue, interaction.callback) {
                    all.insert((entry.entered + rule.after, Due::MaxWait(id, entry.queue)));
                }
                let times =
                    overflow::times(rules, entry).into_iter().filter(|_| interaction.callback.is_none());
                all.extend(times.map(|at| (at, Due::Overflow(id, entry.queue))));
            }
        }
        for (&id, queue) in &self.state.queues {
            if let (Staffing::Unstaffed { since }, Some(rule)) =
                (queue.staffing, queue.settings.nobody_logged_in)
            {
                all.insert((since + rule.grace, Due::Grace(id)));
            }
            for staffing in &queue.step_staffing {
                if let Staffing::Unstaffed { since } = *staffing {
                    all.insert((since + queue.settings.unstaffed_grace, Due::Unstaffed(id)));
                }
            }
            let next = queue.settings.reserves.get(usize::from(queue.reserves_open));
            if let (Some(next), Some(first)) = (next, self.first_entry(id)) {
                all.insert((first + next.after, Due::Reserve(id)));
            }
        }
        all
    }

    fn fire(&mut self, (at, due): (Instant, Due)) {
        match due {
            Due::AfterCallWork(agent, interaction) => self.close_after_call_work(agent, interaction),
            Due::BackOff(agent) => self.idle(agent),
            Due::HandlingLease(agent, interaction) => self.lose_conversation(agent, interaction),
            Due::OccupiedLease(agent) => self.lose_own_business(agent),
            Due::LogInLease(agent) => {
                self.say(Event::LeaseExpired { lease: Lease::LogIn(agent), agent });
                self.log_out(agent);
            }
            Due::Exclusion(interaction, agent) => {
                self.contact(interaction).exclusions.remove(&agent);
            }
            Due::Widening(interaction) => self.widen((interaction, self.ringing_queue(interaction))),
            Due::Rest(interaction) => self.end_rest(interaction),
            Due::CallbackEnd(interaction) => self.end_callback(interaction, CallbackEnd::Expired),
            Due::Reservation(reservation) => match self.state.reservations[&reservation].phase {
                Phase::Ringing => self.fail(reservation, ReservationEnd::Expired),
                Phase::Calling | Phase::Alerting => self.fail_call(reservation, ReservationEnd::CallExpired),
            },
            Due::Unstaffed(queue) => self.pass_over(queue, at),
            Due::Step(interaction, queue) => self.advance((interaction, queue)),
            Due::Reserve(queue) => self.open_reserves(queue),
            Due::Wanted(interaction, queue) => {
                let place = self.place(interaction);
                self.go_without((interaction, queue), WantedEnd::TimedOut);
                self.overdue.insert((place, queue));
            }
            Due::MaxWait(interaction, queue) | Due::Overflow(interaction, queue) => {
                self.leave_if_too_old((interaction, queue));
            }
            Due::Grace(queue) => {
                let entry = self.state.queues.get_mut(&queue).expect("known to be here");
                let Staffing::Unstaffed { since } = entry.staffing else { panic!("grace without need") };
                entry.staffing = Staffing::Deserted { since };
                self.empty_deserted(queue);
            }
        }
    }

    fn obey(&mut self, command: Command) -> Result<(), Refusal> {
        match command {
            Command::Configure { settings } => self.configure(*settings),
            Command::DefineQueue { queue, settings } => self.define_queue(queue, *settings),
            Command::SetOpen { queue, open } => self.set_open(queue, open),
            Command::RemoveQueue { queue, exit } => self.remove_queue(queue, exit),
            Command::DefineAgent { agent, settings } => self.define_agent(agent, *settings),
            Command::RemoveAgent { agent } => self.remove_agent(agent),
            Command::LogIn { agent, not_ready } => self.log_in(agent, not_ready),
            Command::LogOut { agent } => {
                self.here(agent)?;
                self.log_out(agent);
                Ok(())
            }
            Command::SetReady { agent } => self.set_presence(agent, Presence::Ready),
            Command::SetNotReady { agent, reason } => self.set_presence(agent, Presence::NotReady(reason)),
            Command::SetPresence { agent, presence } => {
                self.known(agent)?;
                if self.state.agents[&agent].presence == presence {
                    return Ok(());
                }
                match presence {
                    Presence::LoggedOut if self.here(agent).is_ok() => self.log_out(agent),
                    Presence::LoggedOut => {}
                    Presence::Ready if self.here(agent).is_err() => {
                        self.may_want(agent, presence)?;
                        return self.log_in(agent, None);
                    }
                    Presence::NotReady(why) if self.here(agent).is_err() => {
                        if why != ReasonCode::MISSED {
                            self.may_want(agent, presence)?;
                        }
                        return self.log_in(agent, Some(why));
                    }
                    Presence::Ready | Presence::NotReady(_) => return self.set_presence(agent, presence),
                }
                Ok(())
            }
            Command::ForcePresence { agent, presence, by, why } => self.force(agent, presence, by, why),
            Command::LiftForced { agent } => {
                self.known(agent)?;
                self.unforce(agent);
                Ok(())
            }
            Command::Renew { lease } => self.renew(lease),
            Command::Occupy { agent } => self.occupy(agent),
            Command::Release { agent } => self.release(agent),
            Command::SetReachable { agent, reachable } => self.set_reachable(agent, reachable),
            Command::BeginShift { agent } => self.begin_shift(agent),
            Command::EndAfterCallWork { agent, interaction } => self.stop_wrapping_up(agent, interaction),
            Command::ExtendAfterCallWork { agent, interaction, by } => self.extend(agent, interaction, by),
            Command::Enqueue { interaction, request } => self.enqueue(interaction, request),
            Command::Cancel { interaction } => self.cancel(interaction),
            Command::CallBack { interaction } => self.call_back(interaction),
            Command::CallbackReached { reservation } => self.reach(reservation),
            Command::CallbackRings { reservation } => self.alert(reservation),
            Command::CallbackHolds { interaction } => self.hold_on(interaction),
            Command::WithdrawCallback { interaction, by } => self.withdraw(interaction, by),
            Command::CallbackFailed { reservation, cause } => self.call_failed(reservation, cause),
            Command::SetCallbackWindow { queue, open } => self.set_callback_window(queue, open),
            Command::Change { interaction, change, by } => self.alter(interaction, change, by),
            Command::Accept { reservation } => self.accept(reservation),
            Command::Reject { reservation, cause } => self.reject(reservation, cause),
            Command::Finish { interaction } => self.finish(interaction, HandlingEnd::Finished),
            Command::Return { interaction } => self.give_back(interaction),
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
        self.state.agents.get_mut(&id).expect("known to be here")
    }

    fn contact(&mut self, id: InteractionId) -> &mut InteractionState {
        self.state.interactions.get_mut(&id).expect("known to be here")
    }

    fn entry(&self, (id, queue): Stand) -> &EntryState {
        self.state.interactions[&id].entry(queue).expect("known to stand there")
    }

    fn entry_mut(&mut self, (id, queue): Stand) -> &mut EntryState {
        let mut entries = self.contact(id).entries.iter_mut();
        entries.find(|entry| entry.queue == queue).expect("known to stand there")
    }

    fn waits(&self, (id, queue): Stand) -> bool {
        let contact = self.state.interactions.get(&id);
        contact.is_some_and(|contact| contact.stage == Stage::Waiting && contact.entry(queue).is_some())
    }

    /// The place, and of one who stands there in several queues the first.
    fn rank(&self, (id, queue): Stand) -> (Place, usize) {
        let entries = &self.state.interactions[&id].entries;
        let nth = entries.iter().position(|entry| entry.queue == queue).expect("known to stand there");
        (self.place(id), nth)
    }

    fn place(&self, id: InteractionId) -> Place {
        let entry = &self.state.interactions[&id];
        Place::new(id, entry.arrived, entry.priority, self.state.settings.head_start_per_point)
    }

    fn line(&self, queue: QueueId) -> BTreeSet<Place> {
        let waits = |entry: &InteractionState| entry.entry(queue).is_some() && entry.stage == Stage::Waiting;
        let all = self.state.interactions.iter();
        all.filter(|(_, entry)| waits(entry)).map(|(&id, _)| self.place(id)).collect()
    }

    fn is_staffed(&self, queue: QueueId, step: usize) -> bool {
        let rules = &self.state.queues[&queue].settings;
        self.state
            .agents
            .values()
            .filter(|agent| agent.settings.capacity.of(rules.channel) > 0)
            .any(|agent| agent.presence != Presence::LoggedOut && meets(rules, step, &agent.settings.skills))
    }

    /// A step for which nobody was logged in for the grace is passed over, unless all that come after are like that.
    fn past_unstaffed(&self, queue: QueueId, step: usize) -> usize {
        let steps = &self.state.queues[&queue].step_staffing;
        let is_good = |later: &usize| !matches!(steps[*later], Staffing::Deserted { .. });
        (step..steps.len()).find(is_good).unwrap_or(step)
    }

    fn step_now(&self, stand: Stand, from: u8) -> (u8, StepCause) {
        let entry = self.entry(stand);
        let rules = &self.state.queues[&entry.queue].settings;
        let waited = self.state.now - entry.entered;
        let passed = rules.steps.iter().filter(|step| step.after <= waited).count();
        let base = passed.max(usize::from(from)).min(rules.steps.len());
        let step = self.past_unstaffed_for(stand, base);
        (step as u8, if step > base { StepCause::Unstaffed } else { StepCause::Time })
    }

    fn has_exit(&self, (id, from): Stand, exit: Exit) -> bool {
        // Nobody is on the line of a callback, or was called back to be sent away.
        if !self.waits((id, from)) || self.state.interactions[&id].callback.is_some() {
            return false;
        }
        let entry = &self.state.interactions[&id];
        match exit {
            Exit::Leave(_) => true,
            Exit::Queue(queue) => {
                self.state.queues.contains_key(&queue)
                    && queue != from
                    && (entry.flow_outs < self.state.settings.flow_outs_max || entry.entry(queue).is_some())
            }
        }
    }

    // Coming to rest.

    fn settle(&mut self) {
        let queues: Vec<QueueId> = self.state.queues.keys().copied().collect();
        for &queue in &queues {
            self.watch_steps(queue);
            self.watch_own(queue);
            for place in self.line(queue) {
                let stand = (place.interaction, queue);
                let step = usize::from(self.entry(stand).step);
                if self.past_unstaffed_for(stand, step) != step {
                    self.advance(stand);
                }
            }
        }
        for &queue in &queues {
            self.watch_staffing(queue);
        }
        self.free_the_forsaken();
        for (place, queue) in std::mem::take(&mut self.returned) {
            let before = self.events.len();
            self.leave_if_too_old((place.interaction, queue));
            if self.events.len() > before {
                self.reached.push(label::LEFT_AFTER_A_RING);
            }
        }
        self.match_all();
        for queue in std::mem::take(&mut self.deserted) {
            self.empty_deserted(queue);
        }
        for (place, queue) in std::mem::take(&mut self.overdue) {
            self.leave_if_too_old((place.interaction, queue));
        }
        self.close_reserves();
        self.join_all();
        self.tell_staff();
        self.forget_unasked();
    }

    /// Of each step whether anybody is logged in who could serve it.
    fn watch_steps(&mut self, queue: QueueId) {
        let now = self.state.now;
        for step in 0..self.state.queues[&queue].step_staffing.len() {
            let is_staffed = self.is_staffed(queue, step);
            let entry = self.state.queues.get_mut(&queue).expect("known to be here");
            let was = entry.step_staffing[step];
            entry.step_staffing[step] = match (is_staffed, was) {
                (true, _) => Staffing::Staffed,
                (false, Staffing::Staffed) if entry.settings.unstaffed_grace.is_zero() => {
                    Staffing::Deserted { since: now }
                }
                (false, Staffing::Staffed) => Staffing::Unstaffed { since: now },
                (false, Staffing::Unstaffed { .. } | Staffing::Deserted { .. }) => was,
            };
        }
    }

    /// The steps that became empty at one moment are passed over at one moment.
    fn pass_over(&mut self, queue: QueueId, at: Instant) {
        if self.own_ends().contains(&(at, queue)) {
            self.reached.push(label::OWN_GRACE_IS_OVER);
        }
        let rules = self.state.queues.get_mut(&queue).expect("known to be here");
        let grace = rules.settings.unstaffed_grace;
        let own = self.state.own_staffing.iter_mut().filter(|noted| noted.queue == queue);
        let own = own.flat_map(|noted| &mut noted.steps);
        for staffing in rules.step_staffing.iter_mut().chain(own) {
            match *staffing {
                Staffing::Unstaffed { since } if since + grace == at => {
                    *staffing = Staffing::Deserted { since };
                }
                Staffing::Staffed | Staffing::Unstaffed { .. } | Staffing::Deserted { .. } => {}
            }
        }
    }

    fn watch_staffing(&mut self, queue: QueueId) {
        let steps = self.state.queues[&queue].settings.steps.len();
        let staffed = (0..=steps).any(|step| self.is_staffed(queue, step));
        let now = self.state.now;
        let entry = self.state.queues.get_mut(&queue).expect("known to be here");
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
        let exit = self.state.queues[&queue].settings.nobody_logged_in.expect("known to be here").exit;
        for place in self.line(queue) {
            let stand = (place.interaction, queue);
            if self.has_exit(stand, exit) && !self.is_spared(stand) {
                self.leave(stand, OverflowCause::NobodyLoggedIn, exit);
            }
        }
    }

    /// Who would be first by a lot that says nothing any more draws a new one, until somebody is first by a good one.
    /// Who is named goes by that, and by no lot.
    fn draw_lots(&mut self, stand: Stand, able: &mut [AgentId]) {
        let queue = stand.1;
        let by_lot = self.state.queues[&queue].settings.strategy == Strategy::WeightedRandom;
        if !by_lot || self.entry(stand).wanted.is_some() {
            return;
        }
        loop {
            let rules = &self.state.queues[&queue].settings;
            able.sort_by_key(|id| {
                let agent = &self.state.agents[id];
                (preference(rules, agent), agent.lot, *id)
            });
            let first = self.state.agents.get_mut(&able[0]).expect("known to be here");
            if first.lot > self.state.lots.reached {
                self.state.lots.reached = first.lot;
                return;
            }
            first.lot = self.state.lots.draw(first.settings.weight);
        }
    }

    fn match_all(&mut self) {
        loop {
            self.close_reserves();
            let agents = self.state.agents.keys();
            let wishes: Vec<(AgentId, Stand)> =
                agents.filter_map(|&agent| Some((agent, self.wish(agent)?))).collect();
            let turn = |stand: Stand| (self.rules_of(stand).band, self.rank(stand));
            let Some(&(_, stand)) = wishes.iter().min_by_key(|&&(_, stand)| turn(stand)) else { return };
            let wished_by = |agent: &AgentId| wishes.contains(&(*agent, stand));
            let mut able = self.candidates(stand);
            able.retain(wished_by);
            self.draw_lots(stand, &mut able);
            self.reserve(stand, &able);
        }
    }

    fn can_take(&self, agent: AgentId, stand: Stand) -> bool {
        self.state.interactions[&stand.0].stage == Stage::Waiting && self.suits(agent, stand)
    }

    fn suits(&self, agent_id: AgentId, stand: Stand) -> bool {
        let entry = &self.state.interactions[&stand.0];
        let Some(queue) = self.state.queues.get(&stand.1) else { return false };
        let agent = &self.state.agents[&agent_id];
        let skills = &agent.settings.skills;
        agent.presence == Presence::Ready
            && self.has_room(agent, queue.settings.channel)
            && !entry.exclusions.contains_key(&agent_id)
            && is_wanted(self.entry(stand), agent_id)
            && (asks_no_skills(self.entry(stand))
                || meets(&queue.settings, self.step_of(stand), skills)
                    && entry.requirement.as_ref().is_none_or(|own| own.is_met_by(skills)))
            && (self.entry(stand).wanted.is_some()
                || reserve(&queue.settings, agent) <= usize::from(queue.reserves_open))
    }

    /// Whether an agent could take one more of a channel, by what is in hand and beside.
    fn has_room(&self, agent: &AgentState, channel: Channel) -> bool {
        let rules = &self.state.settings.interruptions;
        let in_hand = works(agent);
        let (of_it, of_others): (Vec<&Work>, Vec<&Work>) =
            in_hand.iter().partition(|work| work.channel == channel);
        matches!(agent.aside, Aside::Nothing { .. })
            && agent.unreachable.is_none()
            && of_it.len() < usize::from(agent.settings.capacity.of(channel))
            && of_others.iter().all(|work| rules.of(work.channel).contains(channel))
    }

    /// Whether anything at all could be offered to an agent.
    fn is_free(&self, agent: &AgentState) -> bool {
        let mut channels = (0..CHANNELS_MAX as u8).map(Channel);
        agent.presence == Presence::Ready && channels.any(|channel| self.has_room(agent, channel))
    }

    fn candidates(&self, stand: Stand) -> Vec<AgentId> {
        let queue = &self.state.queues[&stand.1];
        let wanted = skills_asked_for(&queue.settings);
        let mut able: Vec<(AgentId, &AgentState)> = self
            .state
            .agents
            .iter()
            .filter(|&(&agent, _)| self.suits(agent, stand))
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
            Strategy::LeastOccupied => able.sort_by_key(|(id, a)| (a.occupancy, a.handled_at, *id)),
            Strategy::TopDown => able.sort_by_key(|(id, a)| (a.settings.order, a.handled_at, *id)),
            Strategy::WeightedRandom => able.sort_by_key(|(id, a)| (a.lot, *id)),
            Strategy::RoundRobin => able.sort_by_key(|(id, a)| {
                let turn = (a.settings.order, *id);
                (queue.last_chosen.is_some_and(|last| turn <= last), turn)
            }),
        }
        // Whom the queue prefers comes first; the order by strategy stays among those preferred alike.
        able.sort_by_key(|(_, agent)| preference(&queue.settings, agent));
        let mut able: Vec<AgentId> = able.into_iter().map(|(id, _)| id).collect();
        // Whom the interaction names goes by that, and by nothing of the queue.
        if let Some(wanted) = self.entry(stand).wanted {
            able.sort_by_key(|agent| wanted.agents.iter().position(|name| *name == Some(*agent)));
        }
        able
    }

    fn reserve(&mut self, (id, queue): Stand, able: &[AgentId]) {
        let now = self.state.now;
        let agent = able[0];
        let selection = self.selection(agent);
        self.state.last_reservation += 1;
        let reservation = ReservationId(self.state.last_reservation);
        let beside = self.rung_for(id).len() as u8;
        let step = self.step_of((id, queue)) as u8;
        let contact = self.contact(id);
        let (arrived, own) = (contact.arrived, contact.requirement.is_some());
        if beside == 0 {
            contact.stage = Stage::Reserved { since: now, most: 1 };
            self.widen((id, queue));
        }
        let entry = self.entry_mut((id, queue));
        entry.attempts += 1;
        let entry = *entry;
        let still_waiting = self.line(queue).len() as u32;
        if beside == 0 {
            self.others_lose((id, queue));
        }
        self.count(queue, |counters| counters.reservations += 1);
        let order = self.state.agents[&agent].settings.order;
        let rules = self.state.queues.get_mut(&queue).expect("known to be here");
        let (strategy, channel) = (rules.settings.strategy, rules.settings.channel);
        let name = |wanted: Wanted| wanted.agents.iter().position(|&name| name == Some(agent));
        let wanted = entry.wanted.map(|wanted| name(wanted).expect("one of them takes it") as u8);
        if strategy == Strategy::RoundRobin && wanted.is_none() {
            rules.last_chosen = Some((order, agent));
        }
        let pending = self.state.interactions[&id].pending_callback().map(|callback| callback.rules);
        let callback = pending.map(|rules| rules.mode);
        let (phase, length) = callbacks::first_phase(pending, rules.settings.ring_timeout);
        let deadline = now + length;
        let reserve = reserve(&rules.settings, &self.state.agents[&agent]) as u8;
        let preference = (!rules.settings.prefer.is_empty())
            .then(|| preference(&rules.settings, &self.state.agents[&agent]) as u8);
        let record = ReservationState { interaction: id, agent, queue, since: now, deadline, phase };
        self.state.reservations.insert(reservation, record);
        self.say(Event::Reserved {
            reservation,
            interaction: id,
            agent,
            queue,
            deadline,
            waited: now - entry.entered,
            age: now - arrived,
            attempt: entry.attempts,
            callback,
            decision: Decision {
                beside,
                step,
                own_requirement: own,
                wanted,
                strategy,
                preference,
                reserve,
                selection,
                eligible: able.len().min(usize::from(ELIGIBLE_MAX)) as u16,
                runners_up: [1, 2, 3].map(|n| able.get(n).copied()),
                still_waiting,
            },
        });
        self.change(agent, false, |agent| {
            let stage = WorkStage::Reserved { reservation, since: now };
            let work = Work { interaction: id, queue, channel, stage };
            agent.works = works(agent).into_iter().chain([work]).collect();
            agent.offered_at = now;
        });
    }
}
