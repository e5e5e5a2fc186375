//! An agent: presence, activity, and the lists that the agent stands in.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use timing::{Instant, TimerId};

use super::{Deadline, Distributor, Due};
use crate::state::AgentState;
use crate::{
    Activity, AgentId, AgentSettings, Event, InteractionId, Presence, QueueId, ReasonCode, Refusal,
    ReservationEnd,
};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Agent {
    pub(crate) state: AgentState,
    /// The queues with a step that the agent could serve.
    pub(crate) serves: BTreeMap<QueueId, Serves>,
    /// Ends after-call work or a back-off.
    pub(crate) timer: Option<TimerId>,
}

/// What an agent is to a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Serves {
    /// Bit n: could serve step n. Not zero.
    pub(crate) steps: u16,
    /// The sum of levels over the skills that the queue asks for.
    pub(crate) score: u32,
}

impl Serves {
    /// Whether the agent could serve this step.
    pub(crate) fn step(self, step: usize) -> bool {
        self.steps >> step & 1 == 1
    }
}

/// Whether the clock of `SinceReady` starts anew when an agent becomes available.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadyClock {
    Restarts,
    Goes,
}

impl Agent {
    pub(super) fn new(settings: AgentSettings, now: Instant) -> Agent {
        let state = AgentState {
            settings,
            presence: Presence::LoggedOut,
            presence_since: now,
            activity: Activity::Idle { since: now },
            leaving: false,
            misses: 0,
            handled: 0,
            handled_at: now,
            ready_at: now,
            offered_at: now,
        };
        Agent { state, serves: BTreeMap::new(), timer: None }
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

    pub(crate) fn due(&self, id: AgentId) -> Option<Due> {
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
    pub(super) fn agent(&self, id: AgentId) -> Result<&AgentState, Refusal> {
        match self.agents.get(&id) {
            Some(agent) if !agent.state.leaving => Ok(&agent.state),
            Some(_) | None => Err(Refusal::UnknownAgent(id)),
        }
    }

    fn logged_in(&self, id: AgentId) -> Result<&AgentState, Refusal> {
        let agent = self.agent(id)?;
        if agent.presence.is_logged_in() { Ok(agent) } else { Err(Refusal::NotLoggedIn(id)) }
    }

    pub(super) fn log_in(&mut self, id: AgentId, not_ready: Option<ReasonCode>) -> Result<(), Refusal> {
        if self.agent(id)?.presence.is_logged_in() {
            return Err(Refusal::AlreadyLoggedIn(id));
        }
        if not_ready == Some(ReasonCode::MISSED) {
            return Err(Refusal::ReservedReason);
        }
        let now = self.now;
        self.change_agent(id, ReadyClock::Restarts, |agent| {
            agent.presence = not_ready.map_or(Presence::Ready, Presence::NotReady);
            agent.misses = 0;
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
            agent.handled_at = now;
            agent.ready_at = now;
            agent.offered_at = now;
        });
        Ok(())
    }

    pub(super) fn log_out(&mut self, id: AgentId) -> Result<(), Refusal> {
        self.logged_in(id)?;
        self.log_out_now(id);
        Ok(())
    }

    /// Logged out, and what was in hand ended, except a conversation or what is not ours.
    pub(super) fn log_out_now(&mut self, id: AgentId) {
        let now = self.now;
        let activity = self.agents[&id].state.activity;
        let (after, returned) = match activity {
            Activity::Idle { .. } | Activity::Handling { .. } | Activity::Occupied { .. } => (activity, None),
            Activity::BackingOff { .. } => (Activity::Idle { since: now }, None),
            Activity::AfterCallWork { interaction, queue, since, .. } => {
                self.emit_after_call_work_ended(id, interaction, queue, since);
                (Activity::Idle { since: now }, None)
            }
            Activity::Reserved { reservation, .. } => {
                let reservation = self.end_reservation(reservation, ReservationEnd::Withdrawn);
                (Activity::Idle { since: now }, Some(reservation.interaction))
            }
        };
        self.change_agent(id, ReadyClock::Restarts, |agent| {
            agent.presence = Presence::LoggedOut;
            agent.activity = after;
        });
        if let Some(interaction) = returned {
            self.wait_again(interaction);
        }
    }

    pub(super) fn set_ready(&mut self, id: AgentId) -> Result<(), Refusal> {
        self.logged_in(id)?;
        self.change_agent(id, ReadyClock::Restarts, |agent| {
            agent.presence = Presence::Ready;
            agent.misses = 0;
        });
        Ok(())
    }

    pub(super) fn set_not_ready(&mut self, id: AgentId, reason: ReasonCode) -> Result<(), Refusal> {
        self.logged_in(id)?;
        if reason == ReasonCode::MISSED {
            return Err(Refusal::ReservedReason);
        }
        self.change_agent(id, ReadyClock::Restarts, |agent| agent.presence = Presence::NotReady(reason));
        Ok(())
    }

    pub(super) fn set_presence(&mut self, id: AgentId, wish: Presence) -> Result<(), Refusal> {
        let is = self.agent(id)?.presence;
        if is == wish {
            // Saying it again is no sign of life: missed reservations stay counted.
            return Ok(());
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
        match self.agent(id)?.activity {
            Activity::Idle { .. } | Activity::BackingOff { .. } => {}
            Activity::AfterCallWork { interaction, queue, since, .. } => {
                self.emit_after_call_work_ended(id, interaction, queue, since);
            }
            Activity::Reserved { .. } | Activity::Handling { .. } | Activity::Occupied { .. } => {
                return Err(Refusal::WrongActivity(id));
            }
        }
        self.change_agent(id, ReadyClock::Restarts, |agent| agent.activity = Activity::Occupied { since });
        Ok(())
    }

    pub(super) fn release(&mut self, id: AgentId) -> Result<(), Refusal> {
        let Activity::Occupied { .. } = self.agent(id)?.activity else {
            return Err(Refusal::WrongActivity(id));
        };
        self.make_idle(id);
        Ok(())
    }

    pub(super) fn end_after_call_work(&mut self, id: AgentId) -> Result<(), Refusal> {
        let Activity::AfterCallWork { .. } = self.agent(id)?.activity else {
            return Err(Refusal::WrongActivity(id));
        };
        self.leave_after_call_work(id);
        Ok(())
    }

    pub(super) fn extend_after_call_work(&mut self, id: AgentId, by: Duration) -> Result<(), Refusal> {
        let Activity::AfterCallWork { interaction, queue, since, until } = self.agent(id)?.activity else {
            return Err(Refusal::WrongActivity(id));
        };
        let later = (until + by).min(since + self.settings.after_call_work_max).max(until);
        if later == until {
            return Ok(());
        }
        self.emit(Event::AfterCallWorkExtended { agent: id, until: later });
        self.change_agent(id, ReadyClock::Restarts, |agent| {
            agent.activity = Activity::AfterCallWork { interaction, queue, since, until: later };
        });
        Ok(())
    }

    /// By its deadline or by the agent.
    pub(super) fn leave_after_call_work(&mut self, id: AgentId) {
        let Activity::AfterCallWork { interaction, queue, since, .. } = self.agents[&id].state.activity
        else {
            unreachable!("the caller has seen the after-call work")
        };
        self.emit_after_call_work_ended(id, interaction, queue, since);
        self.make_idle(id);
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

    pub(super) fn make_idle(&mut self, id: AgentId) {
        let since = self.now;
        self.change_agent(id, ReadyClock::Restarts, |agent| agent.activity = Activity::Idle { since });
    }

    /// The only way to change an agent: lists, counts, deadlines and events follow.
    pub(super) fn change_agent(
        &mut self,
        id: AgentId,
        ready_clock: ReadyClock,
        change: impl FnOnce(&mut AgentState),
    ) {
        self.withdraw(id);
        let now = self.now;
        let agent = self.agents.get_mut(&id).expect("the caller has looked the agent up");
        let before = (agent.state.presence, agent.state.activity);
        let (was_available, end) = (agent.state.is_available(), agent.end());
        change(&mut agent.state);
        if agent.state.presence != before.0 {
            agent.state.presence_since = now;
        }
        if agent.state.is_available() && !was_available && ready_clock == ReadyClock::Restarts {
            agent.state.ready_at = now;
        }
        if agent.end() != end {
            if let Some(timer) = agent.timer.take() {
                self.deadlines.cancel(timer);
            }
            agent.timer = agent.due(id).map(|due| self.deadlines.schedule(due.0, due));
        }
        let after = (agent.state.presence, agent.state.activity);
        if before.0.is_logged_in() != after.0.is_logged_in() {
            self.count_staff(id, after.0.is_logged_in());
        }
        if before != after {
            self.emit(Event::AgentChanged { agent: id, presence: after.0, activity: after.1 });
        }
        self.present(id);
    }

    /// Takes an agent out of the lists of those available.
    pub(super) fn withdraw(&mut self, id: AgentId) {
        if !self.available.remove(&id) {
            return;
        }
        let agent = &self.agents[&id];
        for (queue, serves) in &agent.serves {
            let queue = self.queues.get_mut(queue).expect("agents serve queues that are defined");
            let rank = queue.rank(&agent.state, serves.score);
            let was_there = queue.idle.remove(&(rank, id));
            debug_assert!(was_there, "available agents are listed in every queue that they serve");
        }
    }

    /// Puts an agent who is available into the lists.
    pub(super) fn present(&mut self, id: AgentId) {
        let agent = &self.agents[&id];
        if !agent.state.is_available() {
            return;
        }
        for (queue, serves) in &agent.serves {
            let queue = self.queues.get_mut(queue).expect("agents serve queues that are defined");
            let rank = queue.rank(&agent.state, serves.score);
            queue.idle.insert((rank, id));
        }
        self.available.insert(id);
        self.unsettled.agents.insert(id);
    }

    /// Counts an agent into or out of the staff of all queues that the agent serves.
    pub(super) fn count_staff(&mut self, id: AgentId, logged_in: bool) {
        for (&queue_id, serves) in &self.agents[&id].serves {
            let queue = self.queues.get_mut(&queue_id).expect("agents serve queues that are defined");
            queue.count_staff(serves.steps, |staff| if logged_in { *staff += 1 } else { *staff -= 1 });
            self.unsettled.staffing.insert(queue_id);
        }
    }
}
