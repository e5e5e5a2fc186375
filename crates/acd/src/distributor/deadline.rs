//! What happens by the passing of time alone.

use timing::Instant;

use super::{Distributor, LeaseKind};
use crate::state::Phase;
use crate::{AgentId, InteractionId, QueueId, ReservationEnd, ReservationId};

/// What becomes due. The order is that of equal deadlines: who becomes free comes before who gives up waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deadline {
    AfterCallWork(AgentId, InteractionId),
    BackOff(AgentId),
    /// Of a conversation with the interaction, or of something else.
    Lease(LeaseKind, AgentId, Option<InteractionId>),
    Exclusion(InteractionId, AgentId),
    /// Of a callback.
    Rest(InteractionId),
    Reservation(ReservationId),
    Widening(InteractionId),
    /// The grace of steps that nobody serves.
    Unstaffed(QueueId),
    Step(InteractionId, QueueId),
    Reserve(QueueId),
    Wanted(InteractionId, QueueId),
    MaxWait(InteractionId, QueueId),
    Overflow(InteractionId, QueueId),
    CallbackEnd(InteractionId),
    Grace(QueueId),
}

/// A deadline with its exact time, which the wheel rounds up.
pub(crate) type Due = (Instant, Deadline);

/// What the wheel holds: single deadlines, and one alarm for each line whose heads grow too old for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    Single(Instant, Deadline),
    /// The next step of those who stand at this one.
    Step(QueueId, u8),
    /// The maximum wait.
    MaxWait(QueueId),
    /// More agents may be rung.
    Widening(QueueId),
    /// The time of a rule of overflow.
    Overflow(QueueId, u8),
    /// The grace of steps that nobody serves.
    Unstaffed(QueueId),
    /// The first to want agents by name no longer.
    Wanted,
    /// The first lease of a kind to end.
    Lease(LeaseKind),
}

impl Alarm {
    /// The deadline of an interaction that stands in the line.
    pub(crate) fn of_interaction(self, id: InteractionId) -> Option<Deadline> {
        match self {
            Alarm::Step(queue, _) => Some(Deadline::Step(id, queue)),
            Alarm::MaxWait(queue) => Some(Deadline::MaxWait(id, queue)),
            Alarm::Widening(_) => Some(Deadline::Widening(id)),
            Alarm::Overflow(queue, _) => Some(Deadline::Overflow(id, queue)),
            Alarm::Single(..) | Alarm::Lease(_) | Alarm::Wanted | Alarm::Unstaffed(_) => None,
        }
    }
}

impl Distributor {
    /// Runs everything that is due by exact time, then by kind and id; never by the order of scheduling, which
    /// is no part of the state. Nothing run here schedules anything that is due in the same call, because
    /// every duration is longer than zero. What an earlier one has made void is passed over.
    pub(super) fn run_deadlines(&mut self) {
        while let Some(alarm) = self.deadlines.poll(self.now) {
            match alarm {
                Alarm::Single(at, deadline) => self.due.push((at, deadline)),
                Alarm::Step(queue, _)
                | Alarm::MaxWait(queue)
                | Alarm::Widening(queue)
                | Alarm::Overflow(queue, _) => {
                    self.collect_due(alarm, queue);
                    self.spent.push(alarm);
                }
                Alarm::Lease(kind) => {
                    self.collect_expired(kind);
                    self.spent.push(alarm);
                }
                Alarm::Wanted => {
                    self.collect_wanted_ends();
                    self.spent.push(alarm);
                }
                Alarm::Unstaffed(queue) => {
                    self.collect_unstaffed(queue);
                    self.spent.push(alarm);
                }
            }
        }
        self.due.sort_unstable();
        let due = std::mem::take(&mut self.due);
        for &deadline in &due {
            if self.is_current(deadline) {
                self.run(deadline);
                self.settle();
            }
        }
        self.due = due;
        self.due.clear();
        while let Some(alarm) = self.spent.pop() {
            match alarm {
                Alarm::Step(queue, _)
                | Alarm::MaxWait(queue)
                | Alarm::Widening(queue)
                | Alarm::Overflow(queue, _) => {
                    self.rearm(alarm, queue);
                }
                Alarm::Lease(kind) => self.rearm_leases(kind),
                Alarm::Wanted => self.rearm_wanted_ends(),
                Alarm::Unstaffed(queue) => self.rearm_unstaffed(queue),
                Alarm::Single(..) => unreachable!("only alarms of lines are set again"),
            }
        }
    }

    fn is_current(&self, (at, deadline): Due) -> bool {
        match deadline {
            Deadline::AfterCallWork(id, _) | Deadline::BackOff(id) => {
                self.agents.by_id(id).is_some_and(|agent| agent.ends().any(|end| end == (at, deadline)))
            }
            Deadline::Lease(kind, agent, interaction) => self.ends_at(kind, agent, interaction, at),
            Deadline::Exclusion(interaction, agent) => self
                .interactions
                .by_id(interaction)
                .is_some_and(|interaction| interaction.exclusion(agent) == Some(at)),
            Deadline::Rest(interaction) | Deadline::CallbackEnd(interaction) => {
                let interaction = self.interactions.by_id(interaction);
                interaction.is_some_and(|interaction| interaction.callback_due() == Some((at, deadline)))
            }
            // Its deadline may have become another one in the step that served an earlier one.
            Deadline::Reservation(reservation) => {
                self.reservations.by_id(reservation).is_some_and(|held| held.state.deadline == at)
            }
            Deadline::Widening(interaction) => self.widens_at(interaction) == Some(at),
            Deadline::Unstaffed(queue) => self.is_unstaffed_until(queue, at),
            Deadline::Step(interaction, queue) => self.next_step(interaction, queue) == Some(at),
            Deadline::Reserve(queue) => {
                self.queues.slot(queue).is_some_and(|slot| self.reserve_due(slot) == Some(at))
            }
            Deadline::Wanted(interaction, queue) => self.wanted_end(interaction, queue) == Some(at),
            Deadline::MaxWait(interaction, queue) => self.max_wait(interaction, queue) == Some(at),
            Deadline::Overflow(interaction, queue) => self.next_overflow(interaction, queue) == Some(at),
            Deadline::Grace(queue) => self.grace_end(queue) == Some(at),
        }
    }

    fn run(&mut self, (at, deadline): Due) {
        match deadline {
            Deadline::AfterCallWork(agent, interaction) => {
                self.leave_after_call_work(self.who(agent), interaction);
            }
            Deadline::BackOff(agent) => self.end_aside(self.who(agent)),
            Deadline::Lease(kind, agent, interaction) => self.expire(kind, agent, interaction),
            Deadline::Exclusion(interaction, agent) => self.end_exclusion(self.at(interaction), agent),
            Deadline::Reservation(reservation) => {
                let slot = self.reservations.slot(reservation).expect("looked at by the caller");
                match self.reservations[slot].state.phase {
                    Phase::Ringing => self.fail_reservation(slot, ReservationEnd::Expired),
                    Phase::Calling | Phase::Alerting => self.fail_call(slot, ReservationEnd::CallExpired),
                }
            }
            Deadline::Widening(interaction) => self.widen(self.at(interaction)),
            Deadline::Rest(interaction) => self.end_rest(interaction),
            Deadline::CallbackEnd(interaction) => self.expire_callback(interaction),
            Deadline::Unstaffed(queue) => self.pass_over(queue, at),
            Deadline::Step(interaction, queue) => {
                let waiting = self.waiting_in(interaction, queue);
                let (slot, nth) = waiting.expect("looked at by the caller");
                self.advance_step(slot, nth);
            }
            Deadline::Reserve(queue) => self.open_reserves(queue),
            Deadline::Wanted(interaction, queue) => {
                let waiting = self.waiting_in(interaction, queue);
                let (slot, nth) = waiting.expect("looked at by the caller");
                self.end_wanted_by_time(slot, nth);
            }
            Deadline::MaxWait(interaction, queue) | Deadline::Overflow(interaction, queue) => {
                self.leave_if_overdue(interaction, queue);
            }
            Deadline::Grace(queue) => self.desert(queue),
        }
    }

    /// When a waiting interaction comes to its next step.
    fn next_step(&self, id: InteractionId, queue: QueueId) -> Option<Instant> {
        let (slot, nth) = self.waiting_in(id, queue)?;
        let entry = self.interactions[slot].entry(nth);
        let steps = &self.queues[entry.queue_slot].state.settings.steps;
        steps.get(usize::from(entry.step)).map(|step| entry.entered + step.after)
    }

    /// When a waiting interaction has waited too long.
    fn max_wait(&self, id: InteractionId, queue: QueueId) -> Option<Instant> {
        let (slot, nth) = self.waiting_in(id, queue)?;
        let stays = self.interactions[slot].rare.callback().is_some();
        let entry = self.interactions[slot].entry(nth);
        let rule = self.queues[entry.queue_slot].state.settings.max_wait;
        let rule = rule.filter(|_| !entry.overdue && !stays)?;
        Some(entry.entered + rule.after)
    }
}
