//! The books that are kept by listening to the events alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use timing::Instant;

use super::line::{Book, Lines, Stand, Stay};
use super::{Input, Step, TICK, Violation};
use crate::{
    AgentId, Command, Counters, Event, Exit, HandlingEnd, InteractionId, QueueId, Refusal, ReservationEnd,
    ReservationId, Selection, StepCause,
};

/// A reservation that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    interaction: InteractionId,
    agent: AgentId,
    queue: QueueId,
    deadline: Instant,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    now: Instant,
    stays: BTreeMap<InteractionId, Stay>,
    /// In the middle of something that must be over by the end of the step.
    passing: BTreeSet<InteractionId>,
    lines: Lines,
    held: BTreeMap<ReservationId, Held>,
    deadlines: BTreeSet<(Instant, ReservationId)>,
    last_reservation: u64,
    /// The times of the steps of each queue that is defined.
    rules: BTreeMap<QueueId, Vec<Duration>>,
    books: BTreeMap<QueueId, Book>,
    /// How agents select who have no selection of their own, and those who have.
    selection: Selection,
    selections: BTreeMap<AgentId, Selection>,
    /// Queues whose books this step has changed.
    touched: BTreeSet<QueueId>,
    totals: Counters,
}

impl Ledger {
    /// Of a distributor in which agents select so who have no selection of their own.
    pub(super) fn new(selection: Selection) -> Ledger {
        Ledger { selection, ..Ledger::default() }
    }

    pub(super) fn step(&mut self, step: &Step<'_>) -> Result<(), Violation> {
        self.now = self.now.max(step.now);
        self.check_answer(step)?;
        match step.input {
            Input::Obeyed(command) => self.obey(command),
            Input::Refused(..) | Input::Timeout => {}
        }
        for event in step.events {
            self.hear(step.input, event)?;
        }
        if let Some(&id) = self.passing.first() {
            return Err(Violation::Lost(id));
        }
        for queue in std::mem::take(&mut self.touched) {
            if self.books.get(&queue).is_some_and(|book| !book.is_balanced()) {
                return Err(Violation::FalseWaits(queue));
            }
        }
        self.check_time(step)
    }

    pub(super) fn counted(&self, queue: QueueId) -> Option<&Counters> {
        self.books.get(&queue).map(|book| &book.counters)
    }

    pub(super) fn in_line(&self, queue: QueueId) -> u64 {
        self.books.get(&queue).map_or(0, |book| book.length)
    }

    pub(super) fn here(&self) -> u64 {
        self.stays.len() as u64
    }

    pub(super) fn totals(&self) -> &Counters {
        &self.totals
    }

    /// I10: what is over is refused and changes nothing; what is not over is not called so.
    fn check_answer(&self, step: &Step<'_>) -> Result<(), Violation> {
        let answered = |command: &Command| match command {
            Command::Accept { reservation } | Command::Reject { reservation, .. } => Some(*reservation),
            Command::DefineQueue { .. }
            | Command::SetOpen { .. }
            | Command::RemoveQueue { .. }
            | Command::DefineAgent { .. }
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
            | Command::EndAfterCallWork { .. }
            | Command::ExtendAfterCallWork { .. }
            | Command::Enqueue { .. }
            | Command::Cancel { .. }
            | Command::SetPriority { .. }
            | Command::SetRequirement { .. }
            | Command::Move { .. }
            | Command::Finish { .. }
            | Command::Return { .. } => None,
        };
        match step.input {
            Input::Obeyed(command) => match answered(command) {
                Some(id) if !self.held.contains_key(&id) => Err(Violation::StaleReservation(id)),
                Some(_) | None => Ok(()),
            },
            Input::Refused(_, Refusal::StaleReservation(id)) if self.held.contains_key(&id) => {
                Err(Violation::StaleReservation(id))
            }
            Input::Refused(..) => {
                let is_refusal = |event: &Event| matches!(event, Event::Refused { .. });
                let says_only_so = step.events.iter().all(is_refusal);
                if says_only_so { Ok(()) } else { Err(Violation::RefusedWithEffect) }
            }
            Input::Timeout => Ok(()),
        }
    }

    /// I8 and I9, once time has been told; and that somebody will be woken for the next reservation.
    fn check_time(&self, step: &Step<'_>) -> Result<(), Violation> {
        let first = self.deadlines.first();
        if let Some(&(deadline, id)) = first
            && step.wakes.is_none_or(|wakes| wakes > deadline + TICK)
        {
            return Err(Violation::Overdue(id));
        }
        match step.input {
            Input::Obeyed(_) | Input::Refused(..) => Ok(()),
            Input::Timeout => match first {
                Some(&(deadline, id)) if deadline + TICK <= self.now => Err(Violation::Overdue(id)),
                Some(_) | None => self.lines.check_steps(self.now),
            },
        }
    }

    /// What no event tells.
    fn obey(&mut self, command: &Command) {
        match command {
            Command::DefineQueue { queue, settings } => {
                let line = self.waiting_in(*queue);
                line.iter().for_each(|&id| self.unlist(id));
                self.rules.insert(*queue, settings.steps.iter().map(|step| step.after).collect());
                let elsewhere = |stay: &&mut Stay| stay.queue == *queue && stay.stand != Stand::Waiting;
                self.stays.values_mut().filter(elsewhere).for_each(|stay| stay.has_old_step = true);
                line.iter().for_each(|&id| self.list(id));
            }
            Command::SetRequirement { interaction, requirement } => {
                self.unlist(*interaction);
                if let Some(stay) = self.stays.get_mut(interaction) {
                    stay.own = requirement.is_some();
                }
                self.list(*interaction);
            }
            Command::DefineAgent { agent, settings } => {
                match settings.selection {
                    Some(selection) => self.selections.insert(*agent, selection),
                    None => self.selections.remove(agent),
                };
            }
            Command::SetOpen { .. }
            | Command::RemoveQueue { .. }
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
            | Command::EndAfterCallWork { .. }
            | Command::ExtendAfterCallWork { .. }
            | Command::Enqueue { .. }
            | Command::Cancel { .. }
            | Command::SetPriority { .. }
            | Command::Move { .. }
            | Command::Accept { .. }
            | Command::Reject { .. }
            | Command::Finish { .. }
            | Command::Return { .. } => {}
        }
    }

    fn hear(&mut self, input: Input<'_>, event: &Event) -> Result<(), Violation> {
        match *event {
            Event::Queued { interaction, queue, from, priority, waited, age } => {
                self.queued(input, interaction, queue, from, priority, waited, age)
            }
            Event::StepEntered { interaction, step, cause, .. } => {
                self.step_entered(interaction, step, cause)
            }
            Event::PriorityChanged { interaction, priority, .. } => {
                self.unlist(interaction);
                self.stay(interaction)?.priority = priority;
                self.list(interaction);
                Ok(())
            }
            Event::Reserved { reservation, interaction, agent, queue, deadline, ref decision, .. } => {
                let held = Held { interaction, agent, queue, deadline };
                self.reserved(reservation, held, decision.beside)
            }
            Event::ReservationEnded { reservation, interaction, agent, queue, cause, left, .. } => {
                self.reservation_ended(reservation, (interaction, agent, queue), cause, left)
            }
            Event::Answered { interaction, agent, waited, .. } => {
                self.expect(interaction, |stand| stand == Stand::Accepted(agent))?;
                if self.stay(interaction)?.rung > 0 {
                    // Somebody else could answer it as well.
                    return Err(Violation::Lost(interaction));
                }
                self.leave(interaction, waited, |counters| counters.answered += 1)?;
                self.put(interaction, Stand::Handled(agent))
            }
            Event::Abandoned { interaction, waited, .. } => {
                self.expect(interaction, |stand| stand == Stand::Waiting)?;
                self.leave(interaction, waited, |counters| counters.abandoned += 1)?;
                self.forget(interaction)
            }
            Event::Overflowed { interaction, waited, exit, .. } => self.overflowed(interaction, waited, exit),
            Event::HandlingEnded { interaction, agent, cause, .. } => {
                self.handling_ended(interaction, agent, cause)
            }
            Event::QueueDefined { queue } => {
                self.books.entry(queue).or_default();
                Ok(())
            }
            Event::QueueRemoved { queue } => self.queue_removed(queue),
            Event::AfterCallWorkStarted { .. }
            | Event::AfterCallWorkExtended { .. }
            | Event::AfterCallWorkEnded { .. }
            | Event::AgentChanged { .. }
            | Event::LeaseExpired { .. }
            | Event::AgentForced { .. }
            | Event::AgentRemoved { .. }
            | Event::ReservesChanged { .. }
            | Event::OpenChanged { .. }
            | Event::Refused { .. } => Ok(()),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of the event")]
    fn queued(
        &mut self,
        input: Input<'_>,
        id: InteractionId,
        queue: QueueId,
        from: Option<QueueId>,
        priority: i32,
        waited: Duration,
        age: Duration,
    ) -> Result<(), Violation> {
        let lost = Violation::Lost(id);
        let arrived = Instant::from_micros(self.now.as_micros().saturating_sub(micros(age)));
        let entered = Instant::from_micros(self.now.as_micros().saturating_sub(micros(waited)));
        let fresh = |own| Stay {
            queue,
            priority,
            own,
            arrived,
            entered,
            credit: waited,
            step: 0,
            has_old_step: false,
            stand: Stand::Waiting,
            rung: 0,
            tried: BTreeSet::new(),
        };
        let stay = match (self.stays.remove(&id), from) {
            (None, None) => fresh(brings_requirement(input, id)),
            (Some(stay), Some(from)) => {
                let was_returned = stay.stand == Stand::Between(queue) && from == queue;
                let came_over = stay.stand == Stand::Between(queue) && stay.queue == from && waited.is_zero();
                let is_same = stay.arrived == arrived && stay.priority == priority;
                let is_back = was_returned && stay.entered == entered;
                if !is_same || !(is_back || came_over) {
                    return Err(lost);
                }
                let (step, has_old_step) = if is_back { (stay.step, stay.has_old_step) } else { (0, false) };
                Stay { step, has_old_step, tried: stay.tried, ..fresh(stay.own) }
            }
            (Some(_), None) | (None, Some(_)) => return Err(lost),
        };
        self.passing.remove(&id);
        self.stays.insert(id, stay);
        self.list(id);
        let now = self.now;
        self.books.get_mut(&queue).ok_or(lost)?.enter(now);
        self.totals.offered += 1;
        self.touched.insert(queue);
        Ok(())
    }

    fn step_entered(&mut self, id: InteractionId, step: u8, cause: StepCause) -> Result<(), Violation> {
        self.expect(id, |stand| stand == Stand::Waiting)?;
        let stay = &self.stays[&id];
        let waited = self.now - stay.entered;
        let rules = self.rules.get(&stay.queue).ok_or(Violation::Lost(id))?;
        let by_time = rules.iter().take_while(|&&after| after <= waited).count();
        let new = usize::from(step);
        let fits = match cause {
            StepCause::Time | StepCause::Unstaffed if stay.has_old_step => true,
            StepCause::Time => step > stay.step && new == by_time,
            StepCause::Unstaffed => step > stay.step && new > by_time,
            StepCause::Changed => new >= by_time,
        };
        if !fits || new > rules.len() {
            return Err(Violation::WrongStep(id));
        }
        self.unlist(id);
        let stay = self.stay(id)?;
        (stay.step, stay.has_old_step) = (step, false);
        self.list(id);
        Ok(())
    }

    fn reserved(&mut self, id: ReservationId, held: Held, beside: u8) -> Result<(), Violation> {
        if id.0 <= self.last_reservation {
            return Err(Violation::StaleReservation(id));
        }
        if held.deadline <= self.now {
            return Err(Violation::Overdue(id));
        }
        let stand = if beside == 0 { Stand::Waiting } else { Stand::Reserved };
        self.expect(held.interaction, |is| is == stand)?;
        let stay = self.stay(held.interaction)?;
        if stay.queue != held.queue || stay.rung != beside {
            return Err(Violation::Lost(held.interaction));
        }
        stay.rung += 1;
        match self.selections.get(&held.agent).unwrap_or(&self.selection) {
            Selection::Oldest
            | Selection::EarliestDue
            | Selection::SkillLevel
            | Selection::Weight
            | Selection::QueueRatio
            | Selection::PercentAllocation => {
                if beside == 0 || !self.stays[&held.interaction].has_old_step {
                    self.lines.check_turn(&self.stays, held.interaction, held.agent)?;
                }
            }
            // Passes over those who are late.
            Selection::LateLast { .. } => {}
        }
        self.last_reservation = id.0;
        self.held.insert(id, held);
        self.deadlines.insert((held.deadline, id));
        self.count(held.queue, |counters| counters.reservations += 1);
        self.put(held.interaction, Stand::Reserved)
    }

    fn reservation_ended(
        &mut self,
        id: ReservationId,
        (interaction, agent, queue): (InteractionId, AgentId, QueueId),
        cause: ReservationEnd,
        left: u8,
    ) -> Result<(), Violation> {
        let stale = Violation::StaleReservation(id);
        let held = self.held.remove(&id).ok_or(stale.clone())?;
        if (held.interaction, held.agent, held.queue) != (interaction, agent, queue) {
            return Err(stale);
        }
        self.deadlines.remove(&(held.deadline, id));
        let is_taken = cause == ReservationEnd::TakenByAnother;
        self.expect(interaction, |stand| match stand {
            Stand::Reserved => !is_taken,
            Stand::Accepted(_) => is_taken,
            Stand::Waiting | Stand::Handled(_) | Stand::Between(_) => false,
        })?;
        let stay = self.stay(interaction)?;
        if stay.rung != left + 1 {
            return Err(stale);
        }
        stay.rung = left;
        match cause {
            ReservationEnd::Accepted => return self.put(interaction, Stand::Accepted(agent)),
            ReservationEnd::TakenByAnother => return Ok(()),
            ReservationEnd::Cancelled | ReservationEnd::Withdrawn => {}
            ReservationEnd::Expired if self.now < held.deadline => return Err(Violation::Overdue(id)),
            ReservationEnd::Rejected(_) | ReservationEnd::Expired => {
                self.count(queue, |counters| counters.missed += 1);
                self.stay(interaction)?.tried.insert(agent);
            }
        }
        if left == 0 { self.put(interaction, Stand::Waiting) } else { Ok(()) }
    }

    fn overflowed(&mut self, id: InteractionId, waited: Duration, exit: Exit) -> Result<(), Violation> {
        self.expect(id, |stand| stand == Stand::Waiting)?;
        self.leave(id, waited, |counters| {
            counters.overflowed += 1;
            match exit {
                Exit::Queue(_) => counters.flowed_out += 1,
                Exit::Leave(_) => {}
            }
        })?;
        match exit {
            Exit::Queue(queue) => self.put(id, Stand::Between(queue)),
            Exit::Leave(_) => self.forget(id),
        }
    }

    fn handling_ended(
        &mut self,
        id: InteractionId,
        agent: AgentId,
        cause: HandlingEnd,
    ) -> Result<(), Violation> {
        self.expect(id, |stand| stand == Stand::Handled(agent))?;
        let stay = self.stay(id)?;
        stay.tried.insert(agent);
        let queue = stay.queue;
        self.count(queue, |counters| {
            counters.finished += 1;
            counters.returned += u64::from(cause == HandlingEnd::Returned);
            counters.expired += u64::from(cause == HandlingEnd::LeaseExpired);
        });
        match cause {
            HandlingEnd::Returned => self.put(id, Stand::Between(queue)),
            HandlingEnd::Finished | HandlingEnd::LeaseExpired => self.forget(id),
        }
    }

    fn queue_removed(&mut self, queue: QueueId) -> Result<(), Violation> {
        self.rules.remove(&queue);
        match self.books.remove(&queue) {
            Some(book) if book.length == 0 && book.is_balanced() => Ok(()),
            Some(book) if book.length == 0 => Err(Violation::FalseWaits(queue)),
            Some(_) | None => Err(Violation::LostCount(Some(queue))),
        }
    }

    fn stay(&mut self, id: InteractionId) -> Result<&mut Stay, Violation> {
        self.stays.get_mut(&id).ok_or(Violation::Lost(id))
    }

    fn expect(&self, id: InteractionId, is: impl Fn(Stand) -> bool) -> Result<(), Violation> {
        match self.stays.get(&id) {
            Some(stay) if is(stay.stand) => Ok(()),
            Some(_) | None => Err(Violation::Lost(id)),
        }
    }

    fn put(&mut self, id: InteractionId, stand: Stand) -> Result<(), Violation> {
        self.unlist(id);
        self.stay(id)?.stand = stand;
        if stand.is_passing() {
            self.passing.insert(id);
        } else {
            self.passing.remove(&id);
        }
        self.list(id);
        Ok(())
    }

    fn forget(&mut self, id: InteractionId) -> Result<(), Violation> {
        self.unlist(id);
        self.stays.remove(&id).map(drop).ok_or(Violation::Lost(id))
    }

    /// Out of the queue's length, with what the event says of the wait.
    fn leave(
        &mut self,
        id: InteractionId,
        waited: Duration,
        count: impl Fn(&mut Counters),
    ) -> Result<(), Violation> {
        let stay = &self.stays[&id];
        let (queue, at) = (stay.queue, stay.entered + stay.credit);
        let since = waited.saturating_sub(stay.credit);
        let now = self.now;
        self.count(queue, count);
        self.touched.insert(queue);
        let book = self.books.get_mut(&queue).ok_or(Violation::Lost(id))?;
        if book.leave(now, at, since) { Ok(()) } else { Err(Violation::LostCount(Some(queue))) }
    }

    fn count(&mut self, queue: QueueId, change: impl Fn(&mut Counters)) {
        change(&mut self.totals);
        if let Some(book) = self.books.get_mut(&queue) {
            change(&mut book.counters);
        }
    }

    fn list(&mut self, id: InteractionId) {
        if let Some(stay) = self.stays.get(&id).filter(|stay| stay.stand == Stand::Waiting) {
            let rules = self.rules.get(&stay.queue).map_or(&[][..], Vec::as_slice);
            self.lines.insert(id, stay, rules);
        }
    }

    fn unlist(&mut self, id: InteractionId) {
        if let Some(stay) = self.stays.get(&id).filter(|stay| stay.stand == Stand::Waiting) {
            let rules = self.rules.get(&stay.queue).map_or(&[][..], Vec::as_slice);
            self.lines.remove(id, stay, rules);
        }
    }

    /// Only when the rules change: it looks at everybody.
    fn waiting_in(&self, queue: QueueId) -> Vec<InteractionId> {
        let here = self.stays.iter().filter(|(_, stay)| stay.queue == queue);
        here.filter(|(_, stay)| stay.stand == Stand::Waiting).map(|(&id, _)| id).collect()
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Whether the interaction came with a requirement of its own, which only the command tells.
fn brings_requirement(input: Input<'_>, id: InteractionId) -> bool {
    matches!(input, Input::Obeyed(Command::Enqueue { interaction, request })
        if *interaction == id && request.requirement.is_some())
}
