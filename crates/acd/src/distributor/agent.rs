//! An agent: presence, activity, and the lists that the agent stands in.

use std::time::Duration;

use timing::{Instant, TimerId};

use super::lease::LeaseNodes;
use super::profile::Profile;
use super::{Alarm, Deadline, Distributor, Due, Reservation};
use crate::line::Node;
use crate::state::{AgentState, Phase};
use crate::table::{Named, Slot};
use crate::{
    AgentId, AgentSettings, Aside, Channel, Event, InteractionId, Presence, QueueId, ReasonCode, Refusal,
    ReservationEnd, ReservationId, Settings, Work, WorkStage,
};

#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    pub(crate) state: AgentState,
    pub(crate) profile: Slot<Profile>,
    /// Whether the agent stands in the lines of the idle: whenever available, except in the midst of a change and
    /// until the distributor has seen whether somebody waits for whom this agent is free.
    pub(crate) is_listed: bool,
    /// Where the agent stands there: one for each queue that the profile serves or, in a pool, for each order.
    pub(crate) nodes: Vec<Node>,
    /// Ends after-call work or a back-off.
    pub(super) timer: Option<TimerId>,
    /// The same where there is more than one to end.
    pub(super) more_timers: Vec<TimerId>,
    /// Where the agent stands in the lines of leases.
    pub(super) lease_nodes: LeaseNodes,
}

impl Named for Agent {
    type Id = AgentId;

    fn id(&self) -> AgentId {
        self.id
    }

    fn number(id: AgentId) -> u64 {
        id.0.into()
    }

    const IS_SHORT: bool = true;
}

/// What of an agent's works differs after every change.
type Gist = (usize, usize, u64);

/// Whether the clock of `SinceReady` starts anew when an agent becomes available.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadyClock {
    Restarts,
    Goes,
}

impl Agent {
    pub(super) fn new(id: AgentId, settings: AgentSettings, profile: Slot<Profile>, now: Instant) -> Agent {
        Agent {
            id,
            state: AgentState::new(settings, now),
            profile,
            is_listed: false,
            nodes: Vec::new(),
            timer: None,
            more_timers: Vec::new(),
            lease_nodes: LeaseNodes::default(),
        }
    }

    /// Whether anything may be offered.
    #[inline]
    pub(crate) fn is_available(&self, settings: &Settings) -> bool {
        !self.state.open(&settings.interruptions).is_empty()
    }

    /// What ends by itself, where the agent does one thing at most.
    fn due(&self) -> Option<Due> {
        self.ends().next()
    }

    /// All that ends by itself.
    pub(super) fn ends(&self) -> impl Iterator<Item = Due> {
        let id = self.id;
        let wrap_ups = self.state.works.iter().filter_map(move |work| match work.stage {
            WorkStage::AfterCallWork { until, .. } => {
                Some((until, Deadline::AfterCallWork(id, work.interaction)))
            }
            WorkStage::Reserved { .. } | WorkStage::Handling { .. } => None,
        });
        let back_off = match self.state.aside {
            Aside::BackingOff { until, .. } => Some((until, Deadline::BackOff(id))),
            Aside::Nothing { .. } | Aside::Occupied { .. } => None,
        };
        wrap_ups.chain(back_off)
    }

    /// The queue and beginning of after-call work.
    fn after_call_work(&self, interaction: InteractionId) -> Option<(QueueId, Instant)> {
        let work = self.state.works.find(|work| work.is_after_call_work_of(interaction))?;
        Some((work.queue, work.since()))
    }

    /// What changes where leases change, for an agent who does one thing at most.
    fn lease(&self, settings: &Settings) -> (Option<Instant>, Option<Instant>) {
        let work = self.state.works.iter().find_map(|work| AgentState::handling_lease(work, settings));
        (work.or_else(|| self.state.occupied_lease(settings)), self.state.log_in_lease(settings))
    }
}

impl Distributor {
    /// The agent as commands know it: one who is leaving is gone already.
    pub(super) fn agent_slot(&self, id: AgentId) -> Result<Slot<Agent>, Refusal> {
        match self.agents.slot(id) {
            Some(slot) if !self.agents[slot].state.leaving => Ok(slot),
            Some(_) | None => Err(Refusal::UnknownAgent(id)),
        }
    }

    pub(super) fn logged_in(&self, id: AgentId) -> Result<Slot<Agent>, Refusal> {
        let slot = self.agent_slot(id)?;
        let is_logged_in = self.agents[slot].state.presence.is_logged_in();
        if is_logged_in { Ok(slot) } else { Err(Refusal::NotLoggedIn(id)) }
    }

    pub(super) fn log_in(&mut self, id: AgentId, not_ready: Option<ReasonCode>) -> Result<(), Refusal> {
        let slot = self.agent_slot(id)?;
        if self.agents[slot].state.presence.is_logged_in() {
            return Err(Refusal::AlreadyLoggedIn(id));
        }
        if not_ready == Some(ReasonCode::MISSED) {
            return Err(Refusal::ReservedReason);
        }
        let held = self.held_presence(slot);
        if held == Some(Presence::LoggedOut) {
            return Err(Refusal::Forced(id));
        }
        let now = self.now;
        self.change_agent(slot, ReadyClock::Restarts, |agent| {
            agent.presence = held.unwrap_or(not_ready.map_or(Presence::Ready, Presence::NotReady));
            agent.misses = 0;
            agent.log_in_renewed = now;
            // A log-out that waited for the end of the conversations is taken back: the shift goes on.
            if !agent.works.is_empty() {
                return;
            }
            match agent.aside {
                Aside::Nothing { .. } => agent.aside = Aside::nothing(now),
                Aside::Occupied { .. } => {}
                Aside::BackingOff { .. } => unreachable!("log-out ends these"),
            }
            agent.begin_shift(now);
            agent.handled_at = now;
            agent.ready_at = now;
            agent.offered_at = now;
        });
        Ok(())
    }

    pub(super) fn log_out(&mut self, id: AgentId) -> Result<(), Refusal> {
        let slot = self.logged_in(id)?;
        self.log_out_now(slot);
        Ok(())
    }

    /// Logged out, and what was in hand ended, except conversations and what is not ours.
    pub(super) fn log_out_now(&mut self, slot: Slot<Agent>) {
        let now = self.now;
        let mut returned = Vec::new();
        for number in 0..self.agents[slot].state.works.len() {
            let Work { interaction, stage, .. } = self.work(slot, number);
            match stage {
                WorkStage::Handling { .. } => {}
                WorkStage::AfterCallWork { .. } => self.emit_after_call_work_ended(slot, interaction),
                WorkStage::Reserved { reservation, .. } => {
                    let reservation = self.reservations.slot(reservation).expect("the agent is held by it");
                    returned.push(self.end_reservation(reservation, ReservationEnd::Withdrawn));
                }
            }
        }
        self.change_agent(slot, ReadyClock::Restarts, |agent| {
            agent.presence = Presence::LoggedOut;
            while agent.lay_down(now, |work| !work.is_handling()).is_some() {}
            match agent.aside {
                Aside::BackingOff { .. } => agent.aside = Aside::nothing(now),
                Aside::Nothing { .. } | Aside::Occupied { .. } => {}
            }
        });
        for Reservation { state, interaction, .. } in returned {
            self.go_on_without(interaction, &state);
        }
    }

    /// Nothing is offered to whoever cannot be rung, and what rings there is given to somebody else.
    pub(super) fn set_reachable(&mut self, id: AgentId, reachable: bool) -> Result<(), Refusal> {
        let slot = self.agent_slot(id)?;
        let now = self.now;
        if self.agents[slot].state.unreachable.is_none() == reachable {
            return Ok(());
        }
        let mut returned = Vec::new();
        let rings = |work: &Work| work.reservation().filter(|_| !reachable);
        let rung: Vec<ReservationId> = self.agents[slot].state.works.iter().filter_map(rings).collect();
        for id in rung {
            let reservation = self.reservations.slot(id).expect("the agent is held by it");
            // An agent who is on the line already, or is rung only later, is not given up for that.
            match self.reservations[reservation].state.phase {
                Phase::Ringing => {
                    returned.push(self.end_reservation(reservation, ReservationEnd::Withdrawn));
                }
                Phase::Calling | Phase::Alerting => {}
            }
        }
        self.emit(Event::AgentReachable { agent: id, reachable });
        self.change_agent(slot, ReadyClock::Restarts, |agent| {
            agent.unreachable = (!reachable).then_some(now);
            for ended in &returned {
                agent.lay_down(now, |work| work.reservation() == Some(ended.id));
            }
        });
        for Reservation { state, interaction, .. } in returned {
            self.go_on_without(interaction, &state);
        }
        Ok(())
    }

    pub(super) fn begin_shift(&mut self, id: AgentId) -> Result<(), Refusal> {
        let slot = self.logged_in(id)?;
        let now = self.now;
        self.emit(Event::ShiftBegan { agent: id });
        self.change_agent(slot, ReadyClock::Goes, |agent| agent.begin_shift(now));
        Ok(())
    }

    fn work(&self, slot: Slot<Agent>, number: usize) -> Work {
        *self.agents[slot].state.works.iter().nth(number).expect("there are as many")
    }

    pub(super) fn set_ready(&mut self, id: AgentId) -> Result<(), Refusal> {
        let slot = self.logged_in(id)?;
        self.check_wish(slot, Presence::Ready)?;
        self.change_agent(slot, ReadyClock::Restarts, |agent| {
            agent.presence = Presence::Ready;
            agent.misses = 0;
        });
        Ok(())
    }

    pub(super) fn set_not_ready(&mut self, id: AgentId, reason: ReasonCode) -> Result<(), Refusal> {
        let slot = self.logged_in(id)?;
        if reason == ReasonCode::MISSED {
            return Err(Refusal::ReservedReason);
        }
        self.check_wish(slot, Presence::NotReady(reason))?;
        self.change_agent(slot, ReadyClock::Restarts, |agent| agent.presence = Presence::NotReady(reason));
        Ok(())
    }

    pub(super) fn set_presence(&mut self, id: AgentId, wish: Presence) -> Result<(), Refusal> {
        let slot = self.agent_slot(id)?;
        let is = self.agents[slot].state.presence;
        if is == wish {
            // Saying it again is no sign of life: missed reservations stay counted.
            return Ok(());
        }
        if wish.is_logged_in() && wish != Presence::NotReady(ReasonCode::MISSED) {
            self.check_wish(slot, wish)?;
        }
        match wish {
            Presence::LoggedOut => self.log_out(id),
            Presence::Ready if is.is_logged_in() => self.set_ready(id),
            Presence::NotReady(reason) if is.is_logged_in() => self.set_not_ready(id, reason),
            Presence::Ready => self.log_in(id, None),
            Presence::NotReady(reason) => self.log_in(id, Some(reason)),
        }
    }

    pub(super) fn occupy(&mut self, id: AgentId) -> Result<(), Refusal> {
        let now = self.now;
        let slot = self.agent_slot(id)?;
        let AgentState { aside, ref works, .. } = self.agents[slot].state;
        if let Aside::Occupied { .. } = aside {
            return Err(Refusal::WrongActivity(id));
        }
        let is_wrap_up = |work: &Work| work.channel == Channel::VOICE && work.is_after_call_work();
        for number in 0..works.len() {
            let work = self.work(slot, number);
            if is_wrap_up(&work) {
                self.emit_after_call_work_ended(slot, work.interaction);
            }
        }
        self.change_agent(slot, ReadyClock::Restarts, |agent| {
            while agent.lay_down(now, is_wrap_up).is_some() {}
            agent.aside = Aside::Occupied { since: now, renewed: now };
        });
        Ok(())
    }

    pub(super) fn release(&mut self, id: AgentId) -> Result<(), Refusal> {
        let slot = self.agent_slot(id)?;
        let Aside::Occupied { .. } = self.agents[slot].state.aside else {
            return Err(Refusal::WrongActivity(id));
        };
        self.end_aside(slot);
        Ok(())
    }

    pub(super) fn end_after_call_work(
        &mut self,
        id: AgentId,
        of: Option<InteractionId>,
    ) -> Result<(), Refusal> {
        let slot = self.agent_slot(id)?;
        let (Work { interaction, queue, .. }, since, until) = self.after_call_work_of(slot, of)?;
        let rules = self.queues.by_id(queue).map(|queue| &queue.state.settings);
        let min = rules.map_or(Duration::ZERO, |rules| rules.after_call_work_min);
        if self.now < (since + min).min(until) {
            return Err(Refusal::AfterCallWorkMin(id));
        }
        self.leave_after_call_work(slot, interaction);
        Ok(())
    }

    pub(super) fn extend_after_call_work(
        &mut self,
        id: AgentId,
        of: Option<InteractionId>,
        by: Duration,
    ) -> Result<(), Refusal> {
        let slot = self.agent_slot(id)?;
        let (Work { interaction, queue, .. }, since, until) = self.after_call_work_of(slot, of)?;
        let rules = self.queues.by_id(queue).map(|queue| &queue.state.settings);
        let of_all = self.settings.after_call_work_max;
        let most = rules.map_or(of_all, |rules| rules.after_call_work_bound(&self.settings));
        let later = (until + by).min(since + most).max(until);
        if later == until {
            return Ok(());
        }
        self.set_end_of_after_call_work(slot, interaction, (since, later));
        Ok(())
    }

    /// After-call work that began then ends then.
    pub(super) fn set_end_of_after_call_work(
        &mut self,
        slot: Slot<Agent>,
        interaction: InteractionId,
        (since, until): (Instant, Instant),
    ) {
        let agent = self.agents[slot].id;
        self.emit(Event::AfterCallWorkExtended { agent, interaction, until });
        self.change_agent(slot, ReadyClock::Restarts, |agent| {
            let work = agent.works.find_mut(|work| work.is_after_call_work_of(interaction));
            work.expect("the caller has seen it").stage = WorkStage::AfterCallWork { since, until };
        });
    }

    /// The after-call work of an interaction, or else the one that began first; from when and until when.
    fn after_call_work_of(
        &self,
        slot: Slot<Agent>,
        of: Option<InteractionId>,
    ) -> Result<(Work, Instant, Instant), Refusal> {
        let Agent { id, ref state, .. } = self.agents[slot];
        let first = state.works.iter().find_map(|work| match work.stage {
            WorkStage::AfterCallWork { since, until } if of.is_none_or(|of| of == work.interaction) => {
                Some((*work, since, until))
            }
            WorkStage::Reserved { .. } | WorkStage::Handling { .. } | WorkStage::AfterCallWork { .. } => None,
        });
        first.ok_or(Refusal::WrongActivity(id))
    }

    /// By its deadline or by the agent.
    pub(super) fn leave_after_call_work(&mut self, slot: Slot<Agent>, interaction: InteractionId) {
        let now = self.now;
        self.emit_after_call_work_ended(slot, interaction);
        self.change_agent(slot, ReadyClock::Restarts, |agent| {
            agent.lay_down(now, |work| work.is_after_call_work_of(interaction));
        });
    }

    pub(super) fn emit_after_call_work_ended(&mut self, slot: Slot<Agent>, interaction: InteractionId) {
        let agent = &mut self.agents[slot];
        let (queue, since) = agent.after_call_work(interaction).expect("the caller has seen it");
        let (id, lasted) = (agent.id, self.now - since);
        agent.state.count_work_in(queue, lasted);
        self.emit(Event::AfterCallWorkEnded { agent: id, interaction, queue, lasted });
    }

    /// A back-off or the agent's own business is over.
    pub(super) fn end_aside(&mut self, slot: Slot<Agent>) {
        let now = self.now;
        self.change_agent(slot, ReadyClock::Restarts, |agent| agent.aside = Aside::nothing(now));
    }

    /// The only way to change an agent: lists, counts, deadlines and events follow.
    pub(super) fn change_agent(
        &mut self,
        slot: Slot<Agent>,
        ready_clock: ReadyClock,
        change: impl FnOnce(&mut AgentState),
    ) {
        self.change_agent_in_hand(slot, ready_clock, change);
        self.present(slot);
    }

    /// The same for an agent who is being matched, and is offered more only where the caller goes on.
    pub(super) fn change_agent_in_hand(
        &mut self,
        slot: Slot<Agent>,
        ready_clock: ReadyClock,
        change: impl FnOnce(&mut AgentState),
    ) {
        self.withdraw(slot);
        let now = self.now;
        let agent = &mut self.agents[slot];
        let before = (agent.state.presence, agent.state.activity());
        let restarts = ready_clock == ReadyClock::Restarts && !agent.is_available(&self.settings);
        let (was_plain, aside) = (agent.state.is_plain(), agent.state.aside);
        let was_reachable = agent.state.unreachable.is_none();
        let works = if was_plain { Gist::default() } else { agent.state.works.gist() };
        let has_leases = self.settings.has_leases();
        let (due, lease) = (agent.due(), has_leases.then(|| agent.lease(&self.settings)));
        let took_work = agent.state.takes_work();
        change(&mut agent.state);
        agent.state.follow_works(now);
        let after = (agent.state.presence, agent.state.activity());
        let takes_work = agent.state.takes_work();
        if after.0 != before.0 {
            agent.state.presence_since = now;
        }
        if restarts && agent.is_available(&self.settings) {
            self.restart_ready_clock(slot);
        }
        let agent = &mut self.agents[slot];
        let is_plain = was_plain && agent.state.is_plain();
        let is_leased_anew = has_leases && (!is_plain || Some(agent.lease(&self.settings)) != lease);
        let has_other_ends = !is_plain || agent.due() != due;
        let id = agent.id;
        if before.0.is_logged_in() != after.0.is_logged_in() {
            self.count_staff(slot, after.0.is_logged_in());
            self.upset_wanting(id);
        }
        if takes_work != took_work {
            self.count_working(slot, takes_work);
        }
        let is_other =
            !is_plain && (self.tell_aside(slot, aside) || self.differs(slot, was_reachable, works));
        if before != after || is_other {
            self.emit(Event::AgentChanged { agent: id, presence: after.0, activity: after.1 });
        }
        if !is_plain {
            self.tell_interruptions(slot);
        }
        if has_other_ends {
            self.schedule_ends(slot);
        }
        if is_leased_anew {
            self.stand_down_from_leases(slot);
            self.stand_for_leases(slot);
        }
        self.follow_forced(slot);
    }

    /// An agent in no line of those available becomes available now.
    pub(super) fn restart_ready_clock(&mut self, slot: Slot<Agent>) {
        let now = self.now;
        let state = &mut self.agents[slot].state;
        state.ready_at = now;
        state.occupancy = state.occupancy_at(now);
    }

    /// Whether an agent can be rung, or not, otherwise than before, or something in hand is another.
    fn differs(&self, slot: Slot<Agent>, was_reachable: bool, before: Gist) -> bool {
        let state = &self.agents[slot].state;
        let is_reachable = state.unreachable.is_none();
        is_reachable != was_reachable || state.works.gist() != before
    }

    /// Says what an agent with something in hand does beside, where it is another than before.
    fn tell_aside(&mut self, slot: Slot<Agent>, before: Aside) -> bool {
        let Agent { id: agent, state: AgentState { aside, .. }, .. } = self.agents[slot];
        let is_nothing = |aside: Aside| matches!(aside, Aside::Nothing { .. });
        let is_other = aside != before && !(is_nothing(aside) && is_nothing(before));
        if is_other && !self.agents[slot].state.works.is_empty() {
            self.emit(Event::AgentAside { agent, aside });
        }
        is_other
    }

    /// Says which conversations are interrupted now, and which no more.
    fn tell_interruptions(&mut self, slot: Slot<Agent>) {
        let (agent, now) = (self.agents[slot].id, self.now);
        while let Some((work, ended)) = self.agents[slot].state.follow_interruption(now) {
            let Work { interaction, queue, .. } = work;
            match ended {
                Some(interrupted_for) => {
                    self.emit(Event::Resumed { interaction, queue, agent, interrupted_for });
                }
                None => {
                    let last = self.agents[slot].state.works.answered_last();
                    let by = last.expect("it interrupts").interaction;
                    self.emit(Event::Interrupted { interaction, queue, agent, by });
                }
            }
        }
    }

    /// Sets a timer for each thing of the agent's that ends by itself, and no other.
    pub(super) fn schedule_ends(&mut self, slot: Slot<Agent>) {
        let agent = &mut self.agents[slot];
        for timer in agent.timer.take().into_iter().chain(agent.more_timers.drain(..)) {
            self.deadlines.cancel(timer);
        }
        let agent = &self.agents[slot];
        let mut ends = agent.ends();
        let (first, more) = (ends.next(), ends.collect::<Vec<Due>>());
        let mut schedule = |(at, deadline)| self.deadlines.schedule(at, Alarm::Single(at, deadline));
        let (timer, more_timers) = (first.map(&mut schedule), more.into_iter().map(schedule).collect());
        let agent = &mut self.agents[slot];
        (agent.timer, agent.more_timers) = (timer, more_timers);
    }

    /// Takes an agent out of the lines of those available.
    pub(super) fn withdraw(&mut self, slot: Slot<Agent>) {
        if std::mem::replace(&mut self.agents[slot].is_listed, false) {
            self.stand_down(slot);
        }
    }

    /// Notes that an agent who is available may find an interaction now. Only who finds none is put into the lines:
    /// while many wait, an agent who becomes free is taken at once and would stand there for nothing.
    pub(super) fn present(&mut self, slot: Slot<Agent>) {
        if self.agents[slot].is_available(&self.settings) {
            self.unsettled.agents.push(slot);
            if self.with_room > 0 {
                self.unsettled.joiners.push(slot);
            }
        }
    }

    /// Puts an agent who is available into the lines.
    pub(super) fn enlist(&mut self, slot: Slot<Agent>) {
        let Some(agent) = self.agents.get(slot) else { return };
        if !agent.is_listed && agent.is_available(&self.settings) {
            self.agents[slot].is_listed = true;
            self.stand_idle(slot);
        }
    }

    /// Counts an agent into or out of the staff of all queues that the agent serves.
    pub(super) fn count_staff(&mut self, slot: Slot<Agent>, logged_in: bool) {
        let profile = self.profiles.at_mut(self.agents[slot].profile);
        profile.logged_in = if logged_in { profile.logged_in + 1 } else { profile.logged_in - 1 };
        let has_pairs = self.own_pairs > 0;
        for serves in &profile.serves {
            let queue = &mut self.queues[serves.queue];
            queue.count_staff(serves.steps, |staff| if logged_in { *staff += 1 } else { *staff -= 1 });
            if has_pairs {
                let what = (&profile.skills, serves.steps);
                queue.count_own_staff(&self.own_requirements, what, logged_in, self.now);
            }
            self.unsettled.staffing.push(queue.id);
            self.unsettled.estimates.push(queue.id);
        }
    }
}
