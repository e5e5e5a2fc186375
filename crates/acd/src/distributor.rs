//! The machine that decides who takes what.
//!
//! The parts: [`agent`] and [`interaction`] hold the two sides and the indexes over them, [`reservation`] joins
//! them, [`matching`] chooses, [`queue`] and [`configure`] follow the configuration, [`deadline`] the time.
//! Every command ends in `settle`, after which no available agent could take a waiting interaction.

mod agent;
mod configure;
mod deadline;
mod interaction;
mod matching;
mod queue;
mod reservation;
mod view;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use timing::{Instant, TimerWheel};

use crate::state::Place;
use crate::{
    AgentId, AgentSnapshot, Command, Counters, Event, InteractionId, QueueId, Refusal, ReservationId,
    Settings, Snapshot, Waiting,
};

pub(crate) use agent::{Agent, Serves};
pub(crate) use deadline::{Deadline, Due};
pub(crate) use interaction::Interaction;
pub(crate) use matching::Rank;
pub(crate) use queue::Queue;
pub(crate) use reservation::Reservation;

/// Who takes what. One owner; one command or timeout at a time; then drain [`Distributor::poll_event`].
///
/// An agent who becomes free while interactions wait is reserved in the same call: there is no polling.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Distributor {
    pub(crate) settings: Settings,
    pub(crate) now: Instant,
    pub(crate) queues: BTreeMap<QueueId, Queue>,
    pub(crate) agents: BTreeMap<AgentId, Agent>,
    pub(crate) interactions: BTreeMap<InteractionId, Interaction>,
    pub(crate) reservations: BTreeMap<ReservationId, Reservation>,
    pub(crate) last_reservation: u64,
    pub(crate) totals: Counters,
    /// Agents who are ready and idle.
    pub(crate) available: BTreeSet<AgentId>,
    /// Interactions that wait or are reserved.
    pub(crate) unanswered: u32,
    pub(crate) deadlines: TimerWheel<Due>,
    pub(crate) unsettled: Unsettled,
    events: VecDeque<Event>,
}

/// What the command in hand has set free or upset; empty between commands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unsettled {
    /// Interactions that may find an agent now.
    interactions: BTreeSet<Place>,
    /// Agents who may find an interaction now.
    agents: BTreeSet<AgentId>,
    /// Queues whose logged-in agents changed.
    staffing: BTreeSet<QueueId>,
    /// Queues that nobody has served for too long.
    deserted: BTreeSet<QueueId>,
    /// Interactions that may have waited too long meanwhile.
    overdue: BTreeSet<Place>,
}

impl Distributor {
    /// A distributor without queues and agents.
    pub fn new(settings: Settings) -> Distributor {
        Distributor {
            settings,
            now: Instant::ORIGIN,
            queues: BTreeMap::new(),
            agents: BTreeMap::new(),
            interactions: BTreeMap::new(),
            reservations: BTreeMap::new(),
            last_reservation: 0,
            totals: Counters::default(),
            available: BTreeSet::new(),
            unanswered: 0,
            deadlines: TimerWheel::new(),
            unsettled: Unsettled::default(),
            events: VecDeque::new(),
        }
    }

    /// Does what the command says, or refuses it and changes nothing (but the time).
    pub fn handle_command(&mut self, now: Instant, command: Command) -> Result<(), Refusal> {
        self.now = self.now.max(now);
        match command {
            Command::DefineQueue { queue, settings } => self.define_queue(queue, *settings)?,
            Command::RemoveQueue { queue, exit } => self.remove_queue(queue, exit)?,
            Command::DefineAgent { agent, settings } => self.define_agent(agent, *settings)?,
            Command::RemoveAgent { agent } => self.remove_agent(agent)?,
            Command::LogIn { agent, not_ready } => self.log_in(agent, not_ready)?,
            Command::LogOut { agent } => self.log_out(agent)?,
            Command::SetReady { agent } => self.set_ready(agent)?,
            Command::SetNotReady { agent, reason } => self.set_not_ready(agent, reason)?,
            Command::SetPresence { agent, presence } => self.set_presence(agent, presence)?,
            Command::Occupy { agent } => self.occupy(agent)?,
            Command::Release { agent } => self.release(agent)?,
            Command::EndAfterCallWork { agent } => self.end_after_call_work(agent)?,
            Command::ExtendAfterCallWork { agent, by } => self.extend_after_call_work(agent, by)?,
            Command::Enqueue { interaction, queue, priority, requirement, arrived } => {
                self.enqueue(interaction, queue, priority, requirement, arrived)?;
            }
            Command::Cancel { interaction } => self.cancel(interaction)?,
            Command::SetPriority { interaction, priority } => self.set_priority(interaction, priority)?,
            Command::SetRequirement { interaction, requirement } => {
                self.set_requirement(interaction, requirement)?;
            }
            Command::Move { interaction, queue } => self.move_to(interaction, queue)?,
            Command::Accept { reservation } => self.accept(reservation)?,
            Command::Reject { reservation, cause } => self.reject(reservation, cause)?,
            Command::Finish { interaction } => self.finish(interaction)?,
            Command::Return { interaction } => self.return_to_queue(interaction)?,
        }
        self.settle();
        Ok(())
    }

    /// The same for callers who hear of everything through events: a refusal becomes [`Event::Refused`].
    pub fn apply(&mut self, now: Instant, command: Command) {
        if let Err(refusal) = self.handle_command(now, command.clone()) {
            self.events.push_back(Event::Refused { command: Box::new(command), refusal });
        }
    }

    /// Does what has become due, in the order of the deadlines. Calling it too early does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.run_deadlines();
    }

    /// What happened, in order. Call until `None`.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Distributor::handle_timeout`] wants to be called; it may be a little before anything is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.next_deadline()
    }

    /// The state for readers. Costs a walk over all queues and agents; take it once a second, not per event.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        view::snapshot(self, self.now.max(now))
    }

    /// One agent; `None` where they are not defined, or leaving.
    pub fn agent_snapshot(&self, agent: AgentId) -> Option<AgentSnapshot> {
        self.agent(agent).ok().map(|state| view::agent(agent, state))
    }

    /// Who waits in a queue, first in line first, at most so many; nobody where the queue is not defined.
    pub fn first_in_line(&self, queue: QueueId, most: usize) -> Vec<Waiting> {
        self.queues.get(&queue).map(|queue| view::first_in_line(self, queue, most)).unwrap_or_default()
    }

    /// All that decides the future, as plain values.
    pub fn state(&self) -> crate::state::State {
        view::state(self)
    }

    /// A number over all that decides the future: equal histories give equal numbers on any machine.
    pub fn state_hash(&self) -> u64 {
        self.state().hash()
    }

    /// The settings given at construction.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn emit(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// Brings the consequences of a change to rest, in this order: steps without agents are passed over,
    /// whoever can be matched is, and who has to leave leaves.
    fn settle(&mut self) {
        let upset = std::mem::take(&mut self.unsettled.staffing);
        for &queue in &upset {
            self.skip_unstaffed_steps(queue);
        }
        for queue in upset {
            if self.update_staffing(queue) {
                self.unsettled.deserted.insert(queue);
            }
        }
        self.match_all();
        for queue in std::mem::take(&mut self.unsettled.deserted) {
            self.leave_deserted(queue);
        }
        for place in std::mem::take(&mut self.unsettled.overdue) {
            self.leave_if_overdue(place.interaction);
        }
        debug_assert_eq!(self.unsettled, Unsettled::default(), "everything is settled");
    }

    /// Counts in the queue, if it is still defined, and in the totals.
    fn count(&mut self, queue: QueueId, change: impl Fn(&mut Counters)) {
        change(&mut self.totals);
        if let Some(queue) = self.queues.get_mut(&queue) {
            change(&mut queue.state.counters);
        }
    }
}
