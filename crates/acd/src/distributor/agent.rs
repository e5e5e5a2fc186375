//! An agent: presence, activity, and the lists that the agent stands in.

use std::time::Duration;

use timing::{Instant, TimerId};

use super::lease::LeaseNodes;
use super::profile::Profile;
use super::{Alarm, Deadline, Distributor, Due};
use crate::line::Node;
use crate::state::AgentState;
use crate::table::{Named, Slot};
use crate::{
    Activity, AgentId, AgentSettings, Event, InteractionId, Presence, QueueId, ReasonCode, Refusal,
    ReservationEnd,
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
    pub(crate) timer: Option<TimerId>,
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
}

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
            lease_nodes: LeaseNodes::NOWHERE,
        }
    }

    /// When the activity ends by itself, for those whose end this agent keeps.
    pub(super) fn end(&self) -> Option<Instant> {
        match self.state.activity {
            Activity::AfterCallWork { until, .. } | Activity::BackingOff { until, .. } => Some(until),
            Activity::Idle { .. }
            | Activity::Reserved { .. }
            | Activity::Handling { .. }
            | Activity::Occupied { .. } => None,
        }
    }

    pub(crate) fn due(&self) -> Option<Due> {
        let id = self.id;
        match self.state.activity {
            Activity::AfterCallWork { until, .. } => Some((until, Deadline::AfterCallWork(id))),
            Activity::BackingOff { until, .. } => Some((until, Deadline::BackOff(id))),
            Activity::Idle { .. }
            | Activity::Reserved { .. }
            | Activity::Handling { .. }
            | Activity::Occupied { .. } => None,
        }
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
            match agent.activity {
                // A log-out that waited for the end of the conversation is taken back: the shift goes on.
                Activity::Handling { .. } => return,
                Activity::Idle { .. } => agent.activity = Activity::Idle { since: now },
                Activity::Occupied { .. } => {}
                Activity::Reserved { .. } | Activity::AfterCallWork { .. } | Activity::BackingOff { .. } => {
                    unreachable!("log-out ends these")
                }
            }
            agent.handled = 0;
            agent.logged_in_at = now;
            agent.worked = Duration::ZERO;
            agent.occupancy = 0;
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

    /// Logged out, and what was in hand ended, except a conversation or what is not ours.
    pub(super) fn log_out_now(&mut self, slot: Slot<Agent>) {
        let now = self.now;
        let Agent { id, state: AgentState { activity, .. }, .. } = self.agents[slot];
        let (after, returned) = match activity {
            Activity::Idle { .. } | Activity::Handling { .. } | Activity::Occupied { .. } => (activity, None),
            Activity::BackingOff { .. } => (Activity::Idle { since: now }, None),
            Activity::AfterCallWork { interaction, queue, since, .. } => {
                self.emit_after_call_work_ended(id, interaction, queue, since);
                (Activity::Idle { since: now }, None)
            }
            Activity::Reserved { reservation, .. } => {
                let reservation = self.reservations.slot(reservation).expect("the agent is held by it");
                let ended = self.end_reservation(reservation, ReservationEnd::Withdrawn);
                (Activity::Idle { since: now }, Some(ended.interaction))
            }
        };
        self.change_agent(slot, ReadyClock::Restarts, |agent| {
            agent.presence = Presence::LoggedOut;
            agent.activity = after;
        });
        if let Some(interaction) = returned {
            self.go_on_without(self.at(interaction));
        }
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
        let since = self.now;
        let slot = self.agent_slot(id)?;
        match self.agents[slot].state.activity {
            Activity::Idle { .. } | Activity::BackingOff { .. } => {}
            Activity::AfterCallWork { interaction, queue, since, .. } => {
                self.emit_after_call_work_ended(id, interaction, queue, since);
            }
            Activity::Reserved { .. } | Activity::Handling { .. } | Activity::Occupied { .. } => {
                return Err(Refusal::WrongActivity(id));
            }
        }
        self.change_agent(slot, ReadyClock::Restarts, |agent| agent.activity = Activity::Occupied { since });
        Ok(())
    }

    pub(super) fn release(&mut self, id: AgentId) -> Result<(), Refusal> {
        let slot = self.agent_slot(id)?;
        let Activity::Occupied { .. } = self.agents[slot].state.activity else {
            return Err(Refusal::WrongActivity(id));
        };
        self.make_idle(slot);
        Ok(())
    }

    pub(super) fn end_after_call_work(&mut self, id: AgentId) -> Result<(), Refusal> {
        let slot = self.agent_slot(id)?;
        let Activity::AfterCallWork { queue, since, until, .. } = self.agents[slot].state.activity else {
            return Err(Refusal::WrongActivity(id));
        };
        let rules = self.queues.by_id(queue).map(|queue| &queue.state.settings);
        let min = rules.map_or(Duration::ZERO, |rules| rules.after_call_work_min);
        if self.now < (since + min).min(until) {
            return Err(Refusal::AfterCallWorkMin(id));
        }
        self.leave_after_call_work(slot);
        Ok(())
    }

    pub(super) fn extend_after_call_work(&mut self, id: AgentId, by: Duration) -> Result<(), Refusal> {
        let slot = self.agent_slot(id)?;
        let Activity::AfterCallWork { interaction, queue, since, until } = self.agents[slot].state.activity
        else {
            return Err(Refusal::WrongActivity(id));
        };
        let rules = self.queues.by_id(queue).map(|queue| &queue.state.settings);
        let of_all = self.settings.after_call_work_max;
        let most = rules.map_or(of_all, |rules| rules.after_call_work_bound(&self.settings));
        let later = (until + by).min(since + most).max(until);
        if later == until {
            return Ok(());
        }
        self.emit(Event::AfterCallWorkExtended { agent: id, until: later });
        self.change_agent(slot, ReadyClock::Restarts, |agent| {
            agent.activity = Activity::AfterCallWork { interaction, queue, since, until: later };
        });
        Ok(())
    }

    /// By its deadline or by the agent.
    pub(super) fn leave_after_call_work(&mut self, slot: Slot<Agent>) {
        let Agent { id, state: AgentState { activity, .. }, .. } = self.agents[slot];
        let Activity::AfterCallWork { interaction, queue, since, .. } = activity else {
            unreachable!("the caller has seen the after-call work")
        };
        self.emit_after_call_work_ended(id, interaction, queue, since);
        self.make_idle(slot);
    }

    fn emit_after_call_work_ended(
        &mut self,
        agent: AgentId,
        interaction: InteractionId,
        queue: QueueId,
        since: Instant,
    ) {
        let lasted = self.now - since;
        self.emit(Event::AfterCallWorkEnded { agent, interaction, queue, lasted });
    }

    pub(super) fn make_idle(&mut self, slot: Slot<Agent>) {
        let since = self.now;
        self.change_agent(slot, ReadyClock::Restarts, |agent| agent.activity = Activity::Idle { since });
    }

    /// The only way to change an agent: lists, counts, deadlines and events follow.
    pub(super) fn change_agent(
        &mut self,
        slot: Slot<Agent>,
        ready_clock: ReadyClock,
        change: impl FnOnce(&mut AgentState),
    ) {
        self.withdraw(slot);
        let now = self.now;
        let agent = &mut self.agents[slot];
        let before = (agent.state.presence, agent.state.activity);
        let (was_available, end) = (agent.state.is_available(), agent.end());
        let took_work = agent.state.takes_work();
        let leases = agent.leases(&self.settings);
        change(&mut agent.state);
        let after = (agent.state.presence, agent.state.activity);
        let takes_work = agent.state.takes_work();
        if before.1 != after.1 {
            agent.state.follow_work(before.1, now);
        }
        if after.0 != before.0 {
            agent.state.presence_since = now;
        }
        if agent.state.is_available() && !was_available && ready_clock == ReadyClock::Restarts {
            agent.state.ready_at = now;
            agent.state.occupancy = agent.state.occupancy_at(now);
        }
        let is_leased_anew = agent.leases(&self.settings) != leases;
        if agent.end() != end {
            if let Some(timer) = agent.timer.take() {
                self.deadlines.cancel(timer);
            }
            let due = agent.due();
            agent.timer = due.map(|(at, deadline)| self.deadlines.schedule(at, Alarm::Single(at, deadline)));
        }
        let id = agent.id;
        if before.0.is_logged_in() != after.0.is_logged_in() {
            self.count_staff(slot, after.0.is_logged_in());
        }
        if takes_work != took_work {
            self.count_working(slot, takes_work);
        }
        if before != after {
            self.emit(Event::AgentChanged { agent: id, presence: after.0, activity: after.1 });
        }
        if is_leased_anew {
            self.stand_down_from_leases(slot);
            self.stand_for_leases(slot);
        }
        self.follow_forced(slot);
        self.present(slot);
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
        if self.agents[slot].state.is_available() {
            self.unsettled.agents.push(slot);
        }
    }

    /// Puts an agent who is available into the lines.
    pub(super) fn enlist(&mut self, slot: Slot<Agent>) {
        let is_available = self.agents.get(slot).is_some_and(|agent| agent.state.is_available());
        if is_available && !std::mem::replace(&mut self.agents[slot].is_listed, true) {
            self.stand_idle(slot);
        }
    }

    /// Counts an agent into or out of the staff of all queues that the agent serves.
    pub(super) fn count_staff(&mut self, slot: Slot<Agent>, logged_in: bool) {
        let profile = self.profiles.at(self.agents[slot].profile);
        for serves in &profile.serves {
            let queue = &mut self.queues[serves.queue];
            queue.count_staff(serves.steps, |staff| if logged_in { *staff += 1 } else { *staff -= 1 });
            self.unsettled.staffing.push(queue.id);
            self.unsettled.estimates.push(queue.id);
        }
    }
}
