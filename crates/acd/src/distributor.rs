//! The machine that decides who takes what.
//!
//! The parts: [`agent`] and [`interaction`] hold the two sides, the latter with an [`entry`] in each queue where it
//! stands ([`several`] where it stands in more than one; [`stage`] and [`rare`] keep it small) and [`changing`] what people want of it while it waits; [`reservation`] joins them, [`ringing`] where several
//! agents are rung for one interaction. [`matching`] chooses the agent ([`lots`] at random) and [`selection`] the
//! interaction. [`queue`], [`configure`] and [`shared`] follow the configuration, [`unstaffed`] who is there for each step ([`own`] for those who need more),
//! [`deadline`] the time, [`reserve`] the overload, [`overflow`] who leaves by rule, [`callback`] keeps places for customers who hang up, [`lease`] what
//! ends unless it is renewed, [`forced`] what supervisors want of agents, [`estimating`] how long people wait. Two
//! indexes make the choice cheap: [`waiting`] keeps who waits (and [`wanted`] who waits for agents by name), [`idle`]
//! who is idle, the latter by [`profile`] where many agents share their skills.
//! [`written`] writes the whole down and builds it up again.
//! Every command ends in `settle`, after which no available agent could take a waiting interaction.

mod agent;
mod callback;
mod changing;
mod configure;
mod deadline;
mod entry;
mod estimating;
mod exclusion;
mod forced;
mod idle;
mod interaction;
mod lease;
mod lots;
mod matching;
mod overflow;
mod own;
mod profile;
mod queue;
mod rare;
mod reservation;
mod reserve;
mod ringing;
mod selection;
mod several;
mod shared;
mod stage;
mod unstaffed;
mod view;
mod waiting;
mod wanted;
mod written;

use std::collections::VecDeque;

use timing::{Instant, TimerWheel};

use crate::line::Lines;
use crate::state::Place;
use crate::table::{Slot, Table};
use crate::{
    AgentId, AgentSnapshot, Command, Counters, Event, HandlingEnd, InteractionId, QueueId, Refusal, Settings,
    Snapshot, Waiting,
};

pub(crate) use agent::Agent;
pub(crate) use callback::Callback;
pub(crate) use deadline::{Alarm, Deadline, Due};
pub(crate) use idle::{Idle, Rank, rank};
pub(crate) use interaction::Interaction;
pub(crate) use lease::{LeaseKind, LeaseLine, Leases, Standing, kind_of};
pub(crate) use profile::Profiles;
pub(crate) use queue::Queue;
pub(crate) use reservation::Reservation;
pub(crate) use view::Listing;
pub(crate) use waiting::{Front, OwnRequirement, OwnRequirements};
pub(crate) use wanted::{ByName, WantedLines};

/// Who takes what. One owner; one command or timeout at a time; then drain [`Distributor::poll_event`].
///
/// An agent who becomes free while interactions wait is reserved in the same call: there is no polling.
/// Nothing is allocated on the way from an arrival to its reservation once as much has been held before
/// (`docs/decisions/0011-data-structure.md`).
#[derive(Clone, Debug)]
pub struct Distributor {
    pub(crate) settings: Settings,
    pub(crate) now: Instant,
    pub(crate) queues: Table<Queue>,
    pub(crate) agents: Table<Agent>,
    pub(crate) interactions: Table<Interaction>,
    pub(crate) reservations: Table<Reservation>,
    pub(crate) last_reservation: u64,
    pub(crate) last_rules: u32,
    pub(crate) totals: Counters,
    pub(crate) lots: crate::Lots,
    pub(crate) profiles: Profiles,
    pub(crate) own_requirements: OwnRequirements,
    /// Pairs of a queue and an own requirement for which anything is known.
    pub(crate) own_pairs: u32,
    /// Those that are followed.
    pub(crate) own_followed: u32,
    /// Those that nobody has begun to wait with and that are kept all the same.
    pub(crate) own_idle: own::IdlePairs,
    /// Whoever stands in any line.
    pub(crate) lines: Lines,
    /// The heads of the lines of each queue, by the queue's slot.
    pub(crate) fronts: Vec<Front>,
    pub(crate) idle: Idle,
    /// Agents who select otherwise than [`crate::Selection::Oldest`].
    pub(crate) selecting: u32,
    pub(crate) leases: Leases,
    pub(crate) wanted: WantedLines,
    /// Interactions that wait or are reserved.
    pub(crate) unanswered: u32,
    pub(crate) deadlines: TimerWheel<Alarm>,
    unsettled: Unsettled,
    room: matching::Room,
    /// Interactions for which agents are rung and more may be.
    pub(crate) with_room: u32,
    /// Room for what few interactions have.
    spare: rare::Spare,
    /// Room for agents who are set free together.
    let_go: Vec<ringing::Held>,
    due: Vec<Due>,
    /// Alarms of lines that went off and have to be set again.
    spent: Vec<Alarm>,
    pub(crate) events: VecDeque<Event>,
}

/// What the command in hand has set free or upset; empty between commands. The vectors keep their room.
#[derive(Clone, Debug, Default)]
struct Unsettled {
    /// Interactions that may find an agent now.
    interactions: Vec<selection::Turn>,
    /// Agents who may find an interaction now.
    agents: Vec<Slot<Agent>>,
    /// Interactions for which agents are rung and one more may be found now.
    with_room: Vec<selection::Turn>,
    /// Agents who may be rung beside others now.
    joiners: Vec<Slot<Agent>>,
    /// Queues whose logged-in agents changed.
    staffing: Vec<QueueId>,
    /// Queues that nobody has served for too long.
    deserted: Vec<QueueId>,
    /// Interactions that want agents by name, of whom perhaps none is there any more.
    forsaken: Vec<(Place, QueueId)>,
    /// Interactions that may have waited too long meanwhile.
    overdue: Vec<(Place, QueueId)>,
    /// The same for those who are back in line, and must not be rung for again before that is looked at.
    returned: Vec<(Place, QueueId)>,
    /// Queues with reserves where somebody has begun or ceased to wait.
    reserves: Vec<QueueId>,
    /// Queues whose working agents may have changed.
    estimates: Vec<QueueId>,
    /// Own requirements with which perhaps nobody waits or is reserved any more in a queue.
    own: Vec<(QueueId, OwnRequirement)>,
}

impl Distributor {
    /// A distributor without queues and agents.
    pub fn new(settings: Settings) -> Distributor {
        Distributor {
            lots: crate::Lots::new(settings.seed),
            settings,
            now: Instant::ORIGIN,
            queues: Table::new(),
            agents: Table::new(),
            interactions: Table::new(),
            reservations: Table::new(),
            last_reservation: 0,
            last_rules: 0,
            totals: Counters::default(),
            profiles: Profiles::new(),
            own_requirements: OwnRequirements::new(),
            own_pairs: 0,
            own_followed: 0,
            own_idle: own::IdlePairs::new(),
            lines: Lines::new(),
            fronts: Vec::new(),
            idle: Idle::new(),
            selecting: 0,
            leases: Leases::new(),
            wanted: WantedLines::new(),
            unanswered: 0,
            deadlines: TimerWheel::new(),
            unsettled: Unsettled::default(),
            room: matching::Room::default(),
            with_room: 0,
            spare: rare::Spare::default(),
            let_go: Vec::new(),
            due: Vec::new(),
            spent: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// Does what the command says, or refuses it and changes nothing (but the time).
    #[expect(clippy::needless_pass_by_value, reason = "a command is given away, as to `apply`")]
    pub fn handle_command(&mut self, now: Instant, command: Command) -> Result<(), Refusal> {
        self.obey(now, &command)
    }

    /// The same for callers who hear of everything through events: a refusal becomes [`Event::Refused`].
    pub fn apply(&mut self, now: Instant, command: Command) {
        if let Err(refusal) = self.obey(now, &command) {
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

    /// The state for readers. Costs a walk over all queues, agents and skill profiles; take it some times a second at most,
    /// not per event.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        view::snapshot(self, self.now.max(now))
    }

    /// One agent; `None` where they are not defined, or leaving.
    pub fn agent_snapshot(&self, agent: AgentId) -> Option<AgentSnapshot> {
        let slot = self.agent_slot(agent).ok()?;
        Some(view::agent(self, agent, &self.agents[slot].state))
    }

    /// Who waits in a queue, first in line first, at most so many; nobody where the queue is not defined.
    pub fn first_in_line(&self, queue: QueueId, most: usize) -> Vec<Waiting> {
        self.queues.by_id(queue).map(|queue| view::first_in_line(self, queue, most)).unwrap_or_default()
    }

    /// All that decides the future, as plain values.
    pub fn state(&self) -> crate::state::State {
        view::state(self)
    }

    /// A number over all that decides the future: equal histories give equal numbers on any machine.
    pub fn state_hash(&self) -> u64 {
        self.state().hash()
    }

    /// The settings given at construction, or since.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn obey(&mut self, now: Instant, command: &Command) -> Result<(), Refusal> {
        self.now = self.now.max(now);
        match *command {
            Command::Configure { ref settings } => self.configure(settings)?,
            Command::DefineQueue { queue, ref settings } => self.define_queue(queue, settings)?,
            Command::SetOpen { queue, open } => self.set_open(queue, open)?,
            Command::RemoveQueue { queue, exit } => self.remove_queue(queue, exit)?,
            Command::DefineAgent { agent, ref settings } => self.define_agent(agent, settings)?,
            Command::RemoveAgent { agent } => self.remove_agent(agent)?,
            Command::LogIn { agent, not_ready } => self.log_in(agent, not_ready)?,
            Command::LogOut { agent } => self.log_out(agent)?,
            Command::SetReady { agent } => self.set_ready(agent)?,
            Command::SetNotReady { agent, reason } => self.set_not_ready(agent, reason)?,
            Command::SetPresence { agent, presence } => self.set_presence(agent, presence)?,
            Command::ForcePresence { agent, presence, by, why } => {
                self.force_presence(agent, presence, by, why)?;
            }
            Command::LiftForced { agent } => self.lift_forced(agent)?,
            Command::Renew { lease } => self.renew(lease)?,
            Command::Occupy { agent } => self.occupy(agent)?,
            Command::Release { agent } => self.release(agent)?,
            Command::SetReachable { agent, reachable } => self.set_reachable(agent, reachable)?,
            Command::BeginShift { agent } => self.begin_shift(agent)?,
            Command::EndAfterCallWork { agent, interaction } => {
                self.end_after_call_work(agent, interaction)?;
            }
            Command::ExtendAfterCallWork { agent, interaction, by } => {
                self.extend_after_call_work(agent, interaction, by)?;
            }
            Command::Enqueue { interaction, ref request } => self.enqueue(interaction, request)?,
            Command::Cancel { interaction } => self.cancel(interaction)?,
            Command::CallBack { interaction } => self.call_back(interaction)?,
            Command::CallbackReached { reservation } => self.reach(reservation)?,
            Command::CallbackRings { reservation } => self.alert(reservation)?,
            Command::CallbackHolds { interaction } => self.hold_on(interaction)?,
            Command::WithdrawCallback { interaction, by } => self.withdraw_callback(interaction, by)?,
            Command::CallbackFailed { reservation, cause } => self.call_failed(reservation, cause)?,
            Command::SetCallbackWindow { queue, open } => self.set_callback_window(queue, open)?,
            Command::Change { interaction, ref change, by } => self.change(interaction, change, by)?,
            Command::Accept { reservation } => self.accept(reservation)?,
            Command::Reject { reservation, cause } => self.reject(reservation, cause)?,
            Command::Finish { interaction } => self.end_conversation(interaction, HandlingEnd::Finished)?,
            Command::Return { interaction } => self.return_to_queue(interaction)?,
        }
        self.settle();
        Ok(())
    }

    fn emit(&mut self, event: Event) {
        let queue = event.queue().and_then(|queue| self.queues.slot(queue));
        self.emit_in(queue, event);
    }

    /// The same where the caller has the queue at hand, or knows that there is none.
    #[inline]
    fn emit_in(&mut self, queue: Option<Slot<Queue>>, event: Event) {
        if let Some(queue) = queue {
            self.queues[queue].state.estimator.hear(self.now, &event, None);
        }
        self.events.push_back(event);
    }

    /// Brings the consequences of a change to rest, in this order: steps without agents are passed over, who wants
    /// agents by name and has none gives up, who is back in line and has waited too long leaves, whoever can be matched
    /// is, who else has to leave leaves, and who is idle even then is rung beside others.
    fn settle(&mut self) {
        if !self.unsettled.staffing.is_empty() {
            self.settle_staffing();
        }
        if !self.unsettled.forsaken.is_empty() {
            self.settle_forsaken();
        }
        if !self.unsettled.returned.is_empty() {
            self.settle_returned();
        }
        self.match_all();
        if !self.unsettled.deserted.is_empty() {
            for queue in sorted(std::mem::take(&mut self.unsettled.deserted)) {
                self.leave_deserted(queue);
            }
        }
        if !self.unsettled.overdue.is_empty() {
            let mut overdue = sorted(std::mem::take(&mut self.unsettled.overdue));
            for (place, queue) in overdue.drain(..) {
                self.leave_if_overdue(place.interaction, queue);
            }
            self.unsettled.overdue = overdue;
        }
        self.settle_reserves();
        if !self.unsettled.with_room.is_empty() || !self.unsettled.joiners.is_empty() {
            self.join_ringing();
        }
        if !self.unsettled.estimates.is_empty() {
            self.settle_estimates();
        }
        if !self.unsettled.own.is_empty() {
            self.settle_own();
        }
        debug_assert!(self.unsettled.is_empty(), "everything is settled");
    }

    fn settle_returned(&mut self) {
        // Rules of overflow count who is idle.
        for number in 0..self.unsettled.agents.len() {
            self.enlist(self.unsettled.agents[number]);
        }
        let mut returned = sorted(std::mem::take(&mut self.unsettled.returned));
        for (place, queue) in returned.drain(..) {
            self.leave_if_overdue(place.interaction, queue);
        }
        self.unsettled.returned = returned;
    }

    fn settle_staffing(&mut self) {
        let mut upset = sorted(std::mem::take(&mut self.unsettled.staffing));
        for &queue in &upset {
            if let Some(slot) = self.queues.slot(queue) {
                self.follow_unstaffed_steps(slot);
            }
        }
        for queue in upset.drain(..) {
            if self.update_staffing(queue) {
                self.unsettled.deserted.push(queue);
            }
        }
        self.unsettled.staffing = upset;
    }

    /// Counts in a queue and in the totals.
    fn count(&mut self, queue: Slot<Queue>, change: impl Fn(&mut Counters)) {
        change(&mut self.totals);
        change(&mut self.queues[queue].state.counters);
    }

    /// The same where the queue may have been removed meanwhile.
    fn count_if_defined(&mut self, queue: QueueId, change: impl Fn(&mut Counters)) {
        self.count_if_there(self.queues.slot(queue), change);
    }

    /// The same where the caller has looked.
    fn count_if_there(&mut self, queue: Option<Slot<Queue>>, change: impl Fn(&mut Counters)) {
        change(&mut self.totals);
        if let Some(slot) = queue {
            change(&mut self.queues[slot].state.counters);
        }
    }

    /// The agent with this id, one that the caller knows to be here.
    fn who(&self, id: AgentId) -> Slot<Agent> {
        self.agents.slot(id).expect("the caller has looked the agent up")
    }

    /// The interaction with this id, one that the caller knows to be here.
    fn at(&self, id: InteractionId) -> Slot<Interaction> {
        self.interactions.slot(id).expect("the caller has looked the interaction up")
    }
}

impl Unsettled {
    fn is_empty(&self) -> bool {
        self.interactions.is_empty()
            && self.agents.is_empty()
            && self.with_room.is_empty()
            && self.joiners.is_empty()
            && self.staffing.is_empty()
            && self.deserted.is_empty()
            && self.forsaken.is_empty()
            && self.overdue.is_empty()
            && self.returned.is_empty()
            && self.reserves.is_empty()
            && self.estimates.is_empty()
            && self.own.is_empty()
    }
}

/// In order and without repetitions.
fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    if values.len() > 1 {
        values.sort_unstable();
        values.dedup();
    }
    values
}
