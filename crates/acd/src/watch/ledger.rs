//! The books that are kept by listening to the events alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use timing::Instant;

use super::hands::Hands;
use super::line::{Book, Lines, Rules, Stand, Stay, Visit};
use super::{Input, Step, TICK, Violation};
use crate::{
    AgentId, CallFailure, Change, Command, Counters, DequeueCause, Event, Exit, HandlingEnd, InteractionId,
    OverflowCause, QueueId, Refusal, ReservationEnd, ReservationId, Selection, Settings, StepCause, Wanted,
    WantedEnd,
};

/// A reservation that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    interaction: InteractionId,
    agent: AgentId,
    queue: QueueId,
    pub(super) deadline: Instant,
    /// The phone of a customer who is called back rings.
    pub(super) alerting: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    pub(super) now: Instant,
    stays: BTreeMap<InteractionId, Stay>,
    /// In the middle of something that must be over by the end of the step.
    passing: BTreeSet<InteractionId>,
    lines: Lines,
    pub(super) held: BTreeMap<ReservationId, Held>,
    pub(super) deadlines: BTreeSet<(Instant, ReservationId)>,
    last_reservation: u64,
    rules: Rules,
    /// The rules of overflow of each queue: time and exit.
    overflows: BTreeMap<QueueId, Vec<(Duration, Exit)>>,
    books: BTreeMap<QueueId, Book>,
    /// How agents select who have no selection of their own, and those who have.
    selection: Selection,
    selections: BTreeMap<AgentId, Selection>,
    /// Queues whose books this step has changed.
    touched: BTreeSet<QueueId>,
    totals: Counters,
    hands: Hands,
}

impl Ledger {
    /// Of a distributor in which agents select so who have no selection of their own.
    pub(super) fn new(settings: &Settings) -> Ledger {
        let hands = Hands::new(settings.interruptions);
        Ledger { selection: settings.selection, hands, ..Ledger::default() }
    }

    pub(super) fn step(&mut self, step: &Step<'_>) -> Result<(), Violation> {
        self.now = self.now.max(step.now);
        self.check_answer(step)?;
        match step.input {
            Input::Obeyed(command) => {
                self.hands.obey(command);
                self.obey(command);
            }
            Input::Refused(..) | Input::Timeout => {}
        }
        for event in step.events {
            self.hands.hear(self.now, event)?;
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
            Command::Accept { reservation }
            | Command::Reject { reservation, .. }
            | Command::CallbackReached { reservation }
            | Command::CallbackRings { reservation }
            | Command::CallbackFailed { reservation, .. } => Some(*reservation),
            Command::Configure { .. }
            | Command::DefineQueue { .. }
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
            | Command::SetReachable { .. }
            | Command::BeginShift { .. }
            | Command::EndAfterCallWork { .. }
            | Command::ExtendAfterCallWork { .. }
            | Command::Enqueue { .. }
            | Command::Cancel { .. }
            | Command::CallBack { .. }
            | Command::CallbackHolds { .. }
            | Command::WithdrawCallback { .. }
            | Command::SetCallbackWindow { .. }
            | Command::Change { .. }
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
            Command::Configure { settings } => self.selection = settings.selection,
            Command::DefineQueue { queue, settings } => {
                let line = self.waiting_in(*queue);
                line.iter().for_each(|&id| self.unlist(id));
                self.rules.insert(*queue, settings.steps.iter().map(|step| step.after).collect());
                let overflows = settings.overflows.iter().map(|rule| (rule.after, rule.exit)).collect();
                self.overflows.insert(*queue, overflows);
                let visits = self.stays.values_mut().filter_map(|stay| stay.visit_mut(*queue));
                visits.for_each(|visit| visit.has_old_step = true);
                line.iter().for_each(|&id| self.list(id));
            }
            Command::DefineAgent { agent, settings } => {
                match settings.selection {
                    Some(selection) => self.selections.insert(*agent, selection),
                    None => self.selections.remove(agent),
                };
            }
            Command::CallbackRings { reservation } => {
                if let Some(held) = self.held.get_mut(reservation) {
                    held.alerting = true;
                }
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
            | Command::SetReachable { .. }
            | Command::BeginShift { .. }
            | Command::EndAfterCallWork { .. }
            | Command::ExtendAfterCallWork { .. }
            | Command::Enqueue { .. }
            | Command::Cancel { .. }
            | Command::CallBack { .. }
            | Command::CallbackReached { .. }
            | Command::CallbackHolds { .. }
            | Command::WithdrawCallback { .. }
            | Command::CallbackFailed { .. }
            | Command::SetCallbackWindow { .. }
            | Command::Change { .. }
            | Command::Accept { .. }
            | Command::Reject { .. }
            | Command::Finish { .. }
            | Command::Return { .. } => {}
        }
    }

    fn hear(&mut self, input: Input<'_>, event: &Event) -> Result<(), Violation> {
        match *event {
            Event::Queued { interaction, queue, from, beside, priority, waited, age } => {
                if beside != (from.is_none() && self.stays.contains_key(&interaction)) {
                    return Err(Violation::Lost(interaction));
                }
                self.queued(input, interaction, queue, from, priority, waited, age)
            }
            Event::StepEntered { interaction, queue, step, cause, .. } => {
                self.step_entered(interaction, queue, step, cause)
            }
            Event::OpenedToAll { interaction, cause, .. } => self.opened(interaction, cause),
            Event::Changed { interaction, ref change, .. } => self.changed(interaction, change),
            Event::Reserved { interaction, callback, .. } => {
                if self.stay(interaction)?.is_pending() != callback.is_some() {
                    return Err(Violation::Lost(interaction));
                }
                self.reserved(event)
            }
            Event::ReservationEnded { reservation, interaction, agent, queue, cause, left, .. } => {
                self.reservation_ended(reservation, (interaction, agent, queue), cause, left)
            }
            Event::Answered { interaction, queue, agent, waited, .. } => {
                self.answered(interaction, queue, agent, waited)
            }
            Event::CallbackTaken { .. }
            | Event::CallbackRests { .. }
            | Event::CallbackWaits { .. }
            | Event::CallbackCalling { .. }
            | Event::CallbackReached { .. }
            | Event::CallbackHolds { .. }
            | Event::CalledBack { .. }
            | Event::CallbackEnded { .. }
            | Event::CallbackWindow { .. } => self.callback(event),
            Event::Abandoned { interaction, queue, waited, .. } => self.abandoned(interaction, queue, waited),
            Event::Overflowed { interaction, queue, waited, cause, exit, elsewhere, .. } => {
                self.check_exit((interaction, queue), waited, cause, exit)?;
                self.overflowed(interaction, queue, waited, exit, elsewhere)
            }
            Event::Dequeued { interaction, queue, waited, cause, .. } => {
                self.dequeued(interaction, queue, waited, cause)
            }
            Event::HandlingEnded { interaction, queue, agent, cause, .. } => {
                self.handling_ended(interaction, queue, agent, cause)
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
            | Event::AgentAside { .. }
            | Event::AgentReachable { .. }
            | Event::ShiftBegan { .. }
            | Event::Interrupted { .. }
            | Event::Resumed { .. }
            | Event::AgentRemoved { .. }
            | Event::Configured { .. }
            | Event::ReservesChanged { .. }
            | Event::OpenChanged { .. }
            | Event::Refused { .. } => Ok(()),
        }
    }

    fn changed(&mut self, id: InteractionId, change: &Change) -> Result<(), Violation> {
        self.unlist(id);
        let stay = self.stay(id)?;
        stay.priority = change.priority.unwrap_or(stay.priority);
        stay.own = change.requirement.as_ref().map_or(stay.own, Option::is_some);
        self.list(id);
        Ok(())
    }

    fn answered(
        &mut self,
        interaction: InteractionId,
        queue: QueueId,
        agent: AgentId,
        waited: Duration,
    ) -> Result<(), Violation> {
        self.expect(interaction, |stand| stand == Stand::Accepted(agent))?;
        let stay = self.stay(interaction)?;
        // Somebody else could answer it as well, or it is no answer but a callback.
        if stay.rung > 0 || stay.callback.is_some() {
            return Err(Violation::Lost(interaction));
        }
        self.leave(interaction, queue, waited, |counters| counters.answered += 1)?;
        self.put(interaction, Stand::Handled(agent, queue))
    }

    fn abandoned(
        &mut self,
        interaction: InteractionId,
        queue: QueueId,
        waited: Duration,
    ) -> Result<(), Violation> {
        self.expect(interaction, |stand| stand == Stand::Waiting)?;
        let stay = &self.stays[&interaction];
        if stay.visits.first().map(|visit| visit.queue) != Some(queue) || stay.is_pending() {
            return Err(Violation::Lost(interaction));
        }
        self.leave(interaction, queue, waited, |counters| counters.abandoned += 1)?;
        self.put(interaction, Stand::Gone)?;
        self.end_visit(interaction, queue)
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
        let visit = Visit { queue, entered, credit: waited, step: 0, has_old_step: false, onto: None };
        if self.stays.get(&id).is_some_and(|stay| matches!(stay.stand, Stand::Resting(_))) {
            self.put(id, Stand::Waiting)?;
        }
        self.unlist(id);
        match (self.stays.get_mut(&id), from) {
            (None, None) => {
                let (own, wanted) = brings(input, id);
                let wants = wanted.map(|wanted| wanted.within.map(|within| entered + within));
                let (visits, tried) = (vec![visit], BTreeSet::new());
                let (stand, callback) = (Stand::Waiting, None);
                let stay = Stay { priority, own, wants, arrived, visits, stand, rung: 0, callback, tried };
                self.stays.insert(id, stay);
            }
            // The next of the queues that it was put into at once.
            (Some(stay), None) => {
                let is_new =
                    stay.stand == Stand::Waiting && stay.visits.iter().all(|other| other.queue != queue);
                let is_same = stay.arrived == arrived && stay.priority == priority && waited.is_zero();
                if !is_new || !is_same || !enters_also(input, id, queue) {
                    return Err(lost);
                }
                stay.visits.push(visit);
            }
            (Some(stay), Some(from)) => {
                let is_same = stay.arrived == arrived && stay.priority == priority;
                let stands_there = stay.visit(queue).is_some();
                let on_the_way = |visit: &&mut Visit| visit.queue == from && visit.onto == Some(queue);
                let before = stay.visits.iter_mut().find(on_the_way).ok_or(lost.clone())?;
                let is_back = from == queue && before.entered == entered;
                let came_over = from != queue && waited.is_zero();
                if !is_same || stands_there || !(is_back || came_over) {
                    return Err(lost);
                }
                let (step, has_old_step) =
                    if is_back { (before.step, before.has_old_step) } else { (0, false) };
                *before = Visit { step, has_old_step, ..visit };
                stay.wants = stay.wants.filter(|_| is_back);
            }
            (None, Some(_)) => return Err(lost),
        }
        self.list(id);
        let now = self.now;
        self.books.get_mut(&queue).ok_or(lost)?.enter(now);
        self.totals.offered += 1;
        if from.is_some_and(|from| from != queue) {
            self.count(queue, |counters| counters.flowed_in += 1);
        }
        self.touched.insert(queue);
        Ok(())
    }

    fn step_entered(
        &mut self,
        id: InteractionId,
        queue: QueueId,
        step: u8,
        cause: StepCause,
    ) -> Result<(), Violation> {
        // Where one of several phones has rung out it comes to the step of its age although others ring.
        self.expect(id, |stand| [Stand::Waiting, Stand::Reserved].contains(&stand))?;
        let stay = self.stays[&id].visit(queue).ok_or(Violation::Lost(id))?;
        let waited = self.now - stay.entered;
        let rules = self.rules.get(&queue).ok_or(Violation::Lost(id))?;
        let by_time = rules.iter().take_while(|&&after| after <= waited).count();
        let new = usize::from(step);
        let fits = match cause {
            StepCause::Time => step > stay.step && new == by_time,
            StepCause::Unstaffed => step > stay.step && new > by_time,
            StepCause::Changed => stay.has_old_step && new >= by_time,
        };
        if !fits || new > rules.len() {
            return Err(Violation::WrongStep(id));
        }
        self.unlist(id);
        let visit = self.stay(id)?.visit_mut(queue).ok_or(Violation::Lost(id))?;
        (visit.step, visit.has_old_step) = (step, false);
        self.list(id);
        Ok(())
    }

    fn opened(&mut self, id: InteractionId, cause: WantedEnd) -> Result<(), Violation> {
        self.expect(id, |stand| stand == Stand::Waiting)?;
        self.unlist(id);
        let now = self.now;
        let wants = self.stay(id)?.wants.take();
        let is_true = match (wants, cause) {
            (Some(_), WantedEnd::Absent) => true,
            (Some(until), WantedEnd::TimedOut) => until.is_some_and(|until| until <= now),
            (None, _) => false,
        };
        self.list(id);
        if is_true { Ok(()) } else { Err(Violation::WrongWish(id)) }
    }

    fn reserved(&mut self, event: &Event) -> Result<(), Violation> {
        let Event::Reserved { reservation: id, interaction, agent, queue, deadline, ref decision, .. } =
            *event
        else {
            unreachable!("the caller has matched it")
        };
        let (held, beside) = (Held { interaction, agent, queue, deadline, alerting: false }, decision.beside);
        if id.0 <= self.last_reservation {
            return Err(Violation::StaleReservation(id));
        }
        if held.deadline <= self.now {
            return Err(Violation::Overdue(id));
        }
        let stand = if beside == 0 { Stand::Waiting } else { Stand::Reserved };
        self.expect(held.interaction, |is| is == stand)?;
        let stay = self.stay(held.interaction)?;
        if stay.visit(held.queue).is_none() || stay.rung != beside {
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
                let visit = self.stays[&held.interaction].visit(held.queue);
                if beside == 0 || visit.is_none_or(|visit| !visit.has_old_step) {
                    self.lines.check_turn(&self.stays, (held.interaction, held.queue), held.agent)?;
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
            Stand::Waiting | Stand::Resting(_) | Stand::Handled(..) | Stand::Gone => false,
        })?;
        let stay = self.stay(interaction)?;
        if stay.rung != left + 1 {
            return Err(stale);
        }
        stay.rung = left;
        self.count(queue, |counters| counters.count_reservation_end(cause));
        match cause {
            ReservationEnd::Accepted => return self.put(interaction, Stand::Accepted(agent)),
            ReservationEnd::TakenByAnother => return Ok(()),
            ReservationEnd::Cancelled => {}
            ReservationEnd::Withdrawn => self.note_alerted(interaction, held),
            ReservationEnd::Expired | ReservationEnd::CallExpired if self.now < held.deadline => {
                return Err(Violation::Overdue(id));
            }
            ReservationEnd::CallFailed(_) | ReservationEnd::CallExpired => {
                let counts = cause != ReservationEnd::CallFailed(CallFailure::NoResources);
                self.pending(interaction)?.failed += u32::from(counts);
            }
            ReservationEnd::Rejected(_) | ReservationEnd::Expired => {
                self.stay(interaction)?.tried.insert(agent);
                self.note_alerted(interaction, held);
            }
        }
        if left == 0 { self.put(interaction, Stand::Waiting) } else { Ok(()) }
    }

    /// Who leaves by a rule of overflow has waited for its time and goes where it says.
    fn check_exit(
        &self,
        (id, queue): (InteractionId, QueueId),
        waited: Duration,
        cause: OverflowCause,
        exit: Exit,
    ) -> Result<(), Violation> {
        let number = match cause {
            OverflowCause::Rule(number) => number,
            OverflowCause::NobodyLoggedIn
            | OverflowCause::MaxWait
            | OverflowCause::MaxLength
            | OverflowCause::Closed
            | OverflowCause::Moved
            | OverflowCause::QueueRemoved
            | OverflowCause::WantedAbsent
            | OverflowCause::WantedTimeout => return Ok(()),
        };
        let rule = self.overflows.get(&queue).and_then(|rules| rules.get(usize::from(number)));
        // A rule without a time is for those who enter.
        let is_time = |after: Duration| if after.is_zero() { waited.is_zero() } else { after <= waited };
        match rule {
            Some(&(after, to)) if to == exit && is_time(after) => Ok(()),
            Some(_) | None => Err(Violation::FalseExit(id)),
        }
    }

    fn overflowed(
        &mut self,
        id: InteractionId,
        queue: QueueId,
        waited: Duration,
        exit: Exit,
        elsewhere: bool,
    ) -> Result<(), Violation> {
        self.expect(id, |stand| matches!(stand, Stand::Waiting | Stand::Resting(_)))?;
        let loses_nobody = matches!(exit, Exit::Queue(_)) || !self.stay(id)?.is_pending();
        if !loses_nobody {
            return Err(Violation::Lost(id));
        }
        self.leave(id, queue, waited, |counters| {
            counters.overflowed += 1;
            match exit {
                Exit::Queue(_) | Exit::Leave(_) if elsewhere => {}
                Exit::Queue(_) => counters.flowed_out += 1,
                Exit::Leave(_) => counters.left += 1,
            }
        })?;
        let stay = &self.stays[&id];
        let stays = match exit {
            Exit::Queue(next) => next != queue && stay.visit(next).is_some(),
            Exit::Leave(_) => stay.has_others(queue),
        };
        if stays != elsewhere {
            return Err(Violation::Lost(id));
        }
        match exit {
            Exit::Queue(_) | Exit::Leave(_) if elsewhere => self.end_visit(id, queue),
            Exit::Queue(next) => {
                self.unlist(id);
                self.stay(id)?.visit_mut(queue).ok_or(Violation::Lost(id))?.onto = Some(next);
                self.list(id);
                Ok(())
            }
            Exit::Leave(_) => self.forget(id),
        }
    }

    fn dequeued(
        &mut self,
        id: InteractionId,
        queue: QueueId,
        waited: Duration,
        cause: DequeueCause,
    ) -> Result<(), Violation> {
        let rung_there = self.held.values().any(|held| held.interaction == id && held.queue == queue);
        let others = self.stay(id)?.has_others(queue);
        self.expect(id, |stand| match (cause, stand) {
            (DequeueCause::Answered, Stand::Handled(_, from)) => from != queue,
            (DequeueCause::Abandoned, Stand::Gone) => true,
            (DequeueCause::Moved, Stand::Waiting) => others,
            (DequeueCause::QueueRemoved, Stand::Waiting | Stand::Reserved) => others && !rung_there,
            (
                DequeueCause::Answered
                | DequeueCause::Abandoned
                | DequeueCause::Moved
                | DequeueCause::QueueRemoved,
                _,
            ) => false,
        })?;
        self.leave(id, queue, waited, |counters| counters.dequeued += 1)?;
        self.end_visit(id, queue)
    }

    /// It stands there no more. With the last queue of one that is gone it is gone.
    fn end_visit(&mut self, id: InteractionId, queue: QueueId) -> Result<(), Violation> {
        self.unlist(id);
        let stay = self.stay(id)?;
        stay.visits.retain(|visit| visit.queue != queue);
        if stay.stand == Stand::Gone && stay.visits.is_empty() {
            return self.forget(id);
        }
        self.list(id);
        Ok(())
    }

    fn handling_ended(
        &mut self,
        id: InteractionId,
        queue: QueueId,
        agent: AgentId,
        cause: HandlingEnd,
    ) -> Result<(), Violation> {
        self.expect(id, |stand| stand == Stand::Handled(agent, queue))?;
        self.stay(id)?.tried.insert(agent);
        self.count(queue, |counters| {
            counters.finished += 1;
            counters.returned += u64::from(cause == HandlingEnd::Returned);
            counters.expired += u64::from(cause == HandlingEnd::LeaseExpired);
        });
        match cause {
            HandlingEnd::Returned => {
                self.stay(id)?.visit_mut(queue).ok_or(Violation::Lost(id))?.onto = Some(queue);
                self.put(id, Stand::Waiting)
            }
            HandlingEnd::Finished | HandlingEnd::LeaseExpired => self.forget(id),
        }
    }

    fn queue_removed(&mut self, queue: QueueId) -> Result<(), Violation> {
        self.rules.remove(&queue);
        self.overflows.remove(&queue);
        match self.books.remove(&queue) {
            Some(book) if book.length == 0 && book.is_balanced() => Ok(()),
            Some(book) if book.length == 0 => Err(Violation::FalseWaits(queue)),
            Some(_) | None => Err(Violation::LostCount(Some(queue))),
        }
    }

    pub(super) fn stay(&mut self, id: InteractionId) -> Result<&mut Stay, Violation> {
        self.stays.get_mut(&id).ok_or(Violation::Lost(id))
    }

    pub(super) fn expect(&self, id: InteractionId, is: impl Fn(Stand) -> bool) -> Result<(), Violation> {
        match self.stays.get(&id) {
            Some(stay) if is(stay.stand) => Ok(()),
            Some(_) | None => Err(Violation::Lost(id)),
        }
    }

    pub(super) fn put(&mut self, id: InteractionId, stand: Stand) -> Result<(), Violation> {
        self.unlist(id);
        if let Stand::Resting(Some(until)) = std::mem::replace(&mut self.stay(id)?.stand, stand) {
            self.lines.rests.remove(&(until, id));
        }
        if let Stand::Resting(Some(until)) = stand {
            self.lines.rests.insert((until, id));
        }
        self.list(id);
        Ok(())
    }

    pub(super) fn forget(&mut self, id: InteractionId) -> Result<(), Violation> {
        // Out of whatever it stands in.
        self.put(id, Stand::Waiting)?;
        self.unlist(id);
        self.passing.remove(&id);
        self.stays.remove(&id).map(drop).ok_or(Violation::Lost(id))
    }

    /// Out of the queue's length, with what the event says of the wait.
    pub(super) fn leave(
        &mut self,
        id: InteractionId,
        queue: QueueId,
        waited: Duration,
        count: impl Fn(&mut Counters),
    ) -> Result<(), Violation> {
        let visit = self.stays[&id].visit(queue).ok_or(Violation::Lost(id))?;
        let (at, since) = (visit.entered + visit.credit, waited.saturating_sub(visit.credit));
        let now = self.now;
        self.count(queue, count);
        self.touched.insert(queue);
        let book = self.books.get_mut(&queue).ok_or(Violation::Lost(id))?;
        if book.leave(now, at, since) { Ok(()) } else { Err(Violation::LostCount(Some(queue))) }
    }

    pub(super) fn count(&mut self, queue: QueueId, change: impl Fn(&mut Counters)) {
        change(&mut self.totals);
        if let Some(book) = self.books.get_mut(&queue) {
            change(&mut book.counters);
        }
    }

    /// Into the lines if it waits; notes whether the step must not end so.
    pub(super) fn list(&mut self, id: InteractionId) {
        let Some(stay) = self.stays.get(&id) else { return };
        if stay.is_passing() {
            self.passing.insert(id);
        } else {
            self.passing.remove(&id);
        }
        if stay.stand == Stand::Waiting {
            self.lines.insert(id, stay, &self.rules);
        }
    }

    pub(super) fn unlist(&mut self, id: InteractionId) {
        if let Some(stay) = self.stays.get(&id).filter(|stay| stay.stand == Stand::Waiting) {
            self.lines.remove(id, stay, &self.rules);
        }
    }

    /// Only when the rules change: it looks at everybody.
    fn waiting_in(&self, queue: QueueId) -> Vec<InteractionId> {
        let here = self.stays.iter().filter(|(_, stay)| stay.visit(queue).is_some());
        here.filter(|(_, stay)| stay.stand == Stand::Waiting).map(|(&id, _)| id).collect()
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Whether the interaction came with a requirement of its own, and whom it wants, which only the command tells.
fn brings(input: Input<'_>, id: InteractionId) -> (bool, Option<&Wanted>) {
    match input {
        Input::Obeyed(Command::Enqueue { interaction, request }) if *interaction == id => {
            (request.requirement.is_some(), request.wanted.as_ref())
        }
        Input::Obeyed(_) | Input::Refused(..) | Input::Timeout => (false, None),
    }
}

/// Whether the interaction was put into this queue beside the first.
fn enters_also(input: Input<'_>, id: InteractionId, queue: QueueId) -> bool {
    matches!(input, Input::Obeyed(Command::Enqueue { interaction, request })
        if *interaction == id && request.also.contains(&queue))
}
