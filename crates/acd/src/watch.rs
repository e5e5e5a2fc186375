//! What always holds over time, as code: a [`Watch`] follows a distributor step by step and tells the first breach.
//!
//! [`crate::invariants`] looks at one state and finds what contradicts itself there (I1 to I4, I11, I14). What needs
//! memory is here, and each breach names its invariant:
//!
//! | invariant | what must hold | checked by |
//! |---|---|---|
//! | I2 | no agent has more in hand than the capacity, and the rules of interruption, allow | [`Watch::step`] |
//! | I5 | the chosen interaction is the first, by band and the agent's selection, of those that the agent could take; who is rung beside others is needed by nobody who waits | [`Watch::step_between`] |
//! | I6 | the chosen agent is the first by the queue's strategy of those who wish it, and the decision record says so | [`Watch::step_between`] |
//! | I7 | in a queue, step and priority the first come is served first; a returned one keeps its place | [`Watch::step`] |
//! | I8 | the step follows the age, and never goes back unless the rules change; nobody goes past a step that somebody is there for; agents are wanted by name until their time is over | [`Watch::step`], [`Watch::step_between`] |
//! | I9 | every reservation, and every rest of a callback, ends by its deadline and one tick | [`Watch::step`] |
//! | I10 | a reservation that is over changes nothing | [`Watch::step`], [`Watch::step_between`] |
//! | I11 | nothing is lost: one outcome each, and the counters say the same | [`Watch::step`], [`Watch::agree`] |
//! | I12 | Little: the integral of a queue's length is the sum of its waits | [`Watch::step`] |
//! | I13 | the same inputs give the same state | [`Journal::check`] |
//! | | no more wait than may, but for those who did when the bound was lowered | [`Watch::step_between`] |
//!
//! [`Watch::step`] needs the events alone and costs a few look-ups for each, so that a simulator can afford it for
//! every event of a day. [`Watch::step_between`] checks every choice against all that could have been chosen.

mod callbacks;
mod choice;
mod hands;
mod journal;
mod ledger;
mod line;

use std::fmt;

use timing::Instant;

use crate::state::State;
use crate::{
    AgentId, Command, Counters, Event, InteractionId, QueueId, Refusal, ReservationId, Settings, Snapshot,
};

pub use journal::Journal;
use ledger::Ledger;

/// The resolution of deadlines: one is met at most this much late, once time has been told.
pub const TICK: std::time::Duration = std::time::Duration::from_micros(1_024);

/// What went into the distributor.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A command that was obeyed.
    Obeyed(&'a Command),
    /// A command that was refused.
    Refused(&'a Command, Refusal),
    /// [`crate::Distributor::handle_timeout`].
    Timeout,
}

impl<'a> Input<'a> {
    /// For users of [`crate::Distributor::apply`], which tells a refusal as an event.
    pub fn applied(command: &'a Command, events: &[Event]) -> Input<'a> {
        let refusal = events.iter().find_map(|event| match event {
            Event::Refused { refusal, .. } => Some(*refusal),
            Event::Queued { .. }
            | Event::StepEntered { .. }
            | Event::OpenedToAll { .. }
            | Event::Changed { .. }
            | Event::Reserved { .. }
            | Event::ReservationEnded { .. }
            | Event::Answered { .. }
            | Event::Abandoned { .. }
            | Event::CallbackTaken { .. }
            | Event::CallbackRests { .. }
            | Event::CallbackWaits { .. }
            | Event::CallbackCalling { .. }
            | Event::CallbackReached { .. }
            | Event::CallbackHolds { .. }
            | Event::CalledBack { .. }
            | Event::CallbackEnded { .. }
            | Event::CallbackWindow { .. }
            | Event::Overflowed { .. }
            | Event::Dequeued { .. }
            | Event::HandlingEnded { .. }
            | Event::AfterCallWorkStarted { .. }
            | Event::AfterCallWorkExtended { .. }
            | Event::AfterCallWorkEnded { .. }
            | Event::AgentChanged { .. }
            | Event::LeaseExpired { .. }
            | Event::AgentForced { .. }
            | Event::AgentAside { .. }
            | Event::AgentReachable { .. }
            | Event::ShiftBegan { .. }
            | Event::Interrupted { .. }
            | Event::Resumed { .. }
            | Event::AgentRemoved { .. }
            | Event::QueueDefined { .. }
            | Event::Configured { .. }
            | Event::ReservesChanged { .. }
            | Event::OpenChanged { .. }
            | Event::QueueRemoved { .. } => None,
        });
        match refusal {
            Some(refusal) => Input::Refused(command, refusal),
            None => Input::Obeyed(command),
        }
    }
}

impl<'a> From<(&'a Command, Result<(), Refusal>)> for Input<'a> {
    fn from((command, result): (&'a Command, Result<(), Refusal>)) -> Input<'a> {
        match result {
            Ok(()) => Input::Obeyed(command),
            Err(refusal) => Input::Refused(command, refusal),
        }
    }
}

/// One call of the distributor and all that it said.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The time that was told.
    pub now: Instant,
    /// What it was told.
    pub input: Input<'a>,
    /// All events, drained.
    pub events: &'a [Event],
    /// [`crate::Distributor::poll_timeout`] afterwards.
    pub wakes: Option<Instant>,
}

/// What does not hold over time although it must. It is our fault, never that of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// I2: the agent has as much in hand as the capacity allows, or something that this may not interrupt.
    BeyondCapacity {
        /// Who was chosen.
        agent: AgentId,
        /// For whom.
        interaction: InteractionId,
    },
    /// I2: an event tells something of the interaction that does not fit what its agent has in hand, or for how long it
    /// was interrupted.
    FalseHands(InteractionId),
    /// I5: the agent could have taken one whom the agent's selection puts before the one chosen.
    PassedOver {
        /// Who was chosen.
        chosen: InteractionId,
        /// Who stands before.
        earlier: InteractionId,
        /// By this agent.
        agent: AgentId,
    },
    /// I6: the agent could not take the interaction at all.
    UnfitAgent {
        /// For whom.
        interaction: InteractionId,
        /// Who was chosen.
        agent: AgentId,
    },
    /// I6: the strategy puts another agent first.
    WrongAgent {
        /// For whom.
        interaction: InteractionId,
        /// Who was chosen.
        chosen: AgentId,
        /// Who is first.
        first: AgentId,
    },
    /// I6: the decision record does not say what was.
    FalseDecision(ReservationId),
    /// I7: somebody of the same queue, step and priority came earlier.
    OutOfTurn {
        /// Who was chosen.
        chosen: InteractionId,
        /// Who came earlier.
        earlier: InteractionId,
    },
    /// I8: the step is not the one that the age calls for, or went back.
    WrongStep(InteractionId),
    /// I8: it ceased to want agents by name before its time, or wants them after it.
    WrongWish(InteractionId),
    /// I9: the reservation outlived its deadline, ended before it, or nobody will be woken for it.
    Overdue(ReservationId),
    /// I9: the rest of a callback outlived its end, or ended before it.
    Overslept(InteractionId),
    /// I10: a reservation that is over, or never was, had an effect, or an id was used twice.
    StaleReservation(ReservationId),
    /// I10: a refused command changed something.
    RefusedWithEffect,
    /// I11: an event tells something of the interaction that cannot be where it stands.
    Lost(InteractionId),
    /// I11: it left by a rule of overflow that its queue does not have, too early for it, or elsewhere than it says.
    FalseExit(InteractionId),
    /// I11: the counters differ from what the events add up to. `None`: those over all queues.
    LostCount(Option<QueueId>),
    /// I12: the waits that were told differ from the time that interactions spent in the queue.
    FalseWaits(QueueId),
    /// I13: the same inputs gave another state.
    OtherReplay,
    /// More wait than may, although no more did before.
    TooManyWaiting,
    /// The events do not tell all that changed (what I5 and I6 are judged by).
    Untold,
}

impl Violation {
    /// The invariant's name in `docs/proof.md`.
    pub fn invariant(&self) -> &'static str {
        match self {
            Violation::BeyondCapacity { .. } | Violation::FalseHands(_) => "I2",
            Violation::PassedOver { .. } => "I5",
            Violation::UnfitAgent { .. } | Violation::WrongAgent { .. } | Violation::FalseDecision(_) => "I6",
            Violation::OutOfTurn { .. } => "I7",
            Violation::WrongStep(_) | Violation::WrongWish(_) => "I8",
            Violation::Overdue(_) | Violation::Overslept(_) => "I9",
            Violation::StaleReservation(_) | Violation::RefusedWithEffect => "I10",
            Violation::Lost(_) | Violation::FalseExit(_) | Violation::LostCount(_) => "I11",
            Violation::FalseWaits(_) => "I12",
            Violation::OtherReplay => "I13",
            Violation::TooManyWaiting => "the bound of those who wait",
            Violation::Untold => "events tell all",
        }
    }
}

impl std::error::Error for Violation {}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is broken: {self:?}", self.invariant())
    }
}

/// Follows one distributor from its beginning. After a breach it is of no further use.
#[derive(Clone, Debug)]
pub struct Watch {
    ledger: Ledger,
}

impl Watch {
    /// Over a distributor with these settings that has been told nothing yet.
    #[expect(clippy::needless_pass_by_value, reason = "settings are given away, as to the distributor")]
    pub fn new(settings: Settings) -> Watch {
        Watch { ledger: Ledger::new(&settings) }
    }

    /// Checks a step by its events alone: I2 and I7 to I12.
    ///
    /// # Errors
    ///
    /// The first invariant that does not hold.
    pub fn step(&mut self, step: &Step<'_>) -> Result<(), Violation> {
        self.ledger.step(step)
    }

    /// Checks a step with the state before and after it: I5 to I12.
    ///
    /// # Errors
    ///
    /// The first invariant that does not hold.
    pub fn step_between(&mut self, before: &State, step: &Step<'_>, after: &State) -> Result<(), Violation> {
        if let Input::Refused(..) = step.input {
            let untouched = State { now: before.now.max(step.now), ..before.clone() };
            if untouched != *after {
                return Err(Violation::RefusedWithEffect);
            }
        }
        if step.events.iter().any(|event| matches!(event, Event::Reserved { .. })) {
            choice::check(before, step, after)?;
        }
        // A bound that is lowered sends nobody away.
        let unanswered = [before, after].map(State::unanswered);
        if unanswered[1] > unanswered[0].max(u64::from(after.settings.waiting_max)) {
            return Err(Violation::TooManyWaiting);
        }
        choice::passing::check(before, step, after)?;
        self.ledger.step(step)?;
        let queues = after.queues.iter().map(|(&id, queue)| (id, &queue.counters));
        self.agree_on(queues, &after.totals)
    }

    /// Checks that a snapshot counts what the events told: I11. At the end of a run, or now and then.
    ///
    /// # Errors
    ///
    /// The queue that counts something else.
    pub fn agree(&self, snapshot: &Snapshot) -> Result<(), Violation> {
        let queues = snapshot.queues.iter().map(|queue| (queue.queue, &queue.counters));
        self.agree_on(queues, &snapshot.totals)?;
        let here = snapshot.queues.iter().find(|queue| {
            let here = [queue.waiting, queue.reserved, queue.elsewhere, queue.callbacks_resting];
            self.ledger.in_line(queue.queue) != here.into_iter().map(u64::from).sum::<u64>()
        });
        match here {
            Some(queue) => Err(Violation::LostCount(Some(queue.queue))),
            None if self.ledger.here() != u64::from(snapshot.interactions) => Err(Violation::LostCount(None)),
            None => Ok(()),
        }
    }

    fn agree_on<'a>(
        &self,
        queues: impl Iterator<Item = (QueueId, &'a Counters)>,
        totals: &Counters,
    ) -> Result<(), Violation> {
        for (id, counters) in queues {
            if self.ledger.counted(id) != Some(counters) {
                return Err(Violation::LostCount(Some(id)));
            }
        }
        if self.ledger.totals() == totals { Ok(()) } else { Err(Violation::LostCount(None)) }
    }
}
