//! What customers do, and what becomes of them.

use std::time::Duration;

use acd::{
    AgentId, Command, Exit, InteractionId, OverflowCause, QueueId, Refusal, RejectCause, Request,
    ReservationEnd, ReservationId,
};
use timing::Instant;

use super::book::{Doing, End};
use super::{Run, RunError, time_of_day};
use crate::agenda::Action;
use crate::draws::Purpose;

/// Bits of an interaction's id that name the slot; those above count tries, so ids grow with arrival.
const SLOT_BITS: u32 = 24;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;

/// Where a customer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Waiting,
    Reserved,
    Talking,
    /// Between two tries.
    Between,
    /// The slot is free.
    Gone,
}

/// One customer, from the first try to the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Customer {
    /// Of the present try.
    pub(super) interaction: InteractionId,
    pub(super) customer_type: u32,
    /// Within the type.
    number: u32,
    pub(super) stage: Stage,
    /// Tries before this one.
    tries: u8,
    /// Conversations before this one.
    matter: u8,
    /// The next try is about something new: it counts from there.
    renews: bool,
    /// An agent was free at entry into the queue.
    pub(super) at_once: bool,
    /// In how many queues the customer stands; one who talks, in that of the answer.
    pub(super) queues: u8,
    /// The index of the queue; where there are several, of one of them.
    pub(super) queue: u32,
    /// The slot of the statistics at entry into the queue.
    pub(super) queue_slot: u32,
    /// The slot of the statistics at this try.
    pub(super) try_slot: u32,
    first_arrived: Instant,
    /// In earlier tries.
    waited_before: Duration,
    /// Who talks with the customer, or did last.
    agent: AgentId,
}

/// The slot of a customer.
pub(super) fn slot_of(interaction: InteractionId) -> u32 {
    u32::try_from(interaction.0 & SLOT_MASK).expect("24 bits")
}

impl Run<'_> {
    pub(super) fn customer(&mut self, interaction: InteractionId) -> &mut Customer {
        let customer = &mut self.customers[slot_of(interaction) as usize];
        debug_assert_eq!(customer.interaction, interaction, "the distributor speaks of those who are there");
        customer
    }

    /// Enters the next customer of a type into the agenda, if one comes before the horizon.
    pub(super) fn plan_arrival(&mut self, customer_type: u32) {
        let number = self.arrivals[customer_type as usize].next;
        let mut draws = self.draws(customer_type, number, Purpose::Arrival, 0);
        let arrivals = &self.model.customers[customer_type as usize].arrivals;
        let arriving = &mut self.arrivals[customer_type as usize];
        let (busyness, horizon) = (arriving.busyness, self.model.horizon);
        if let Some(at) = arriving.process.next(arrivals, number, &mut draws, busyness, horizon) {
            self.agenda.enter(Instant::ORIGIN + at, Action::Arrive { customer_type });
        }
    }

    pub(super) fn arrive(&mut self, customer_type: u32) -> Result<(), RunError> {
        let arriving = &mut self.arrivals[customer_type as usize];
        let number = arriving.next;
        arriving.next += 1;
        let customer = Customer {
            interaction: InteractionId(0),
            customer_type,
            number,
            stage: Stage::Between,
            tries: 0,
            matter: 0,
            renews: false,
            at_once: false,
            queues: 0,
            queue: 0,
            queue_slot: 0,
            try_slot: 0,
            first_arrived: self.now,
            waited_before: Duration::ZERO,
            agent: AgentId(0),
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.customers[slot as usize] = customer;
                slot
            }
            None => {
                let slot = u32::try_from(self.customers.len()).expect("the model was checked");
                if slot >= self.model.customers_max {
                    return Err(RunError::TooManyCustomers);
                }
                self.customers.push(customer);
                slot
            }
        };
        self.plan_arrival(customer_type);
        self.try_to_enter(slot)
    }

    /// The first or a later try.
    pub(super) fn try_to_enter(&mut self, slot: u32) -> Result<(), RunError> {
        self.tries_made += 1;
        let interaction = InteractionId(self.tries_made << SLOT_BITS | u64::from(slot));
        let model = self.model;
        let customer = &mut self.customers[slot as usize];
        customer.interaction = interaction;
        customer.queues = 0;
        customer.try_slot = self.book.slot;
        if std::mem::take(&mut customer.renews) {
            (customer.matter, customer.first_arrived) = (customer.matter.saturating_add(1), self.now);
            customer.waited_before = Duration::ZERO;
        }
        let (number, customer_type, matter) = (customer.number, customer.customer_type, customer.matter);
        let (first_arrived, is_retrial) = (customer.first_arrived, customer.tries > 0);
        let customers = &model.customers[customer_type as usize];
        self.book.tries(customer_type, is_retrial);
        if model.trunks.is_some_and(|trunks| self.book.trunks_in_use() >= trunks) {
            self.blocked(slot);
            return Ok(());
        }
        if model.shuffled {
            self.shuffle(slot)?;
        }
        let request = Request {
            also: customers.also.clone(),
            priority: customers.priority,
            requirement: customers.requirement.clone(),
            arrived: self.regain_place(slot),
            wanted: self.whom_it_wants(slot),
            ..Request::new(customers.queue)
        };
        match self.command(Command::Enqueue { interaction, request }) {
            Ok(()) => {}
            Err(Refusal::TooManyWaiting) => {
                self.was_not_let_in(slot);
                self.blocked(slot);
                return Ok(());
            }
            Err(other) => return Err(RunError::Refused(other)),
        }
        self.book.trunk(self.now, 1);
        self.follow_events()?;
        let Some(patience) = &customers.patience else { return Ok(()) };
        match self.customers[slot as usize].stage {
            Stage::Waiting | Stage::Reserved => {
                let mut draws = self.draws(customer_type, number, Purpose::Patience, matter);
                let patience = patience.at(time_of_day(first_arrived)).draw(&mut draws);
                self.agenda.enter(self.now + patience, Action::GiveUp { interaction });
            }
            Stage::Talking | Stage::Between | Stage::Gone => {}
        }
        Ok(())
    }

    /// Turned away at the door, by the lines or by the distributor's own bound: in no queue.
    fn blocked(&mut self, slot: u32) {
        let customer_type = self.customers[slot as usize].customer_type;
        self.book.no_trunk(customer_type);
        let again = self.model.customers[customer_type as usize].retrial.after_blocking;
        self.think_again(slot, again);
    }

    /// Gives idle agents a random order.
    fn shuffle(&mut self, slot: u32) -> Result<(), RunError> {
        let customer = self.customers[slot as usize];
        let mut draws = self.draws(customer.customer_type, customer.number, Purpose::Order, customer.tries);
        for agent in self.staff.agents() {
            if self.book.doing(agent) != Doing::Idle {
                continue;
            }
            let order = u32::try_from(draws.bits() >> 32).expect("32 bits");
            let mut settings = Box::new(self.staff.settings(self.model, agent).clone());
            settings.order = order;
            self.command(Command::DefineAgent { agent, settings }).map_err(RunError::Refused)?;
        }
        self.follow_events()
    }

    pub(super) fn give_up(&mut self, interaction: InteractionId) -> Result<(), RunError> {
        let customer = &self.customers[slot_of(interaction) as usize];
        let is_waiting = matches!(customer.stage, Stage::Waiting | Stage::Reserved);
        if customer.interaction != interaction || !is_waiting {
            return Ok(());
        }
        self.command(Command::Cancel { interaction }).map_err(RunError::Refused)
    }

    pub(super) fn reserved(&mut self, interaction: InteractionId, at_once: bool) {
        let customer = self.customer(interaction);
        customer.stage = Stage::Reserved;
        customer.at_once |= at_once;
        self.stand_in_line(interaction, -1);
    }

    /// The agent picks up: at once, or after the time that belongs to this customer and attempt.
    pub(super) fn ring(
        &mut self,
        reservation: ReservationId,
        interaction: InteractionId,
        agent: AgentId,
        deadline: Instant,
        attempt: u32,
    ) -> Result<(), RunError> {
        let group = self.staff.group_of(agent);
        let Some(pick_up) = &self.model.groups[group].pick_up else {
            return self.command(Command::Accept { reservation }).map_err(RunError::Refused);
        };
        let customer = *self.customer(interaction);
        let attempt = u8::try_from(attempt).unwrap_or(u8::MAX);
        let mut draws = self.draws(customer.customer_type, customer.number, Purpose::PickUp, attempt);
        let at = self.now + pick_up.at(time_of_day(customer.first_arrived)).draw(&mut draws);
        if at < deadline {
            self.agenda.enter(at, Action::PickUp { reservation });
        }
        Ok(())
    }

    pub(super) fn reservation_ended(
        &mut self,
        interaction: InteractionId,
        queue: QueueId,
        end: ReservationEnd,
        left: u8,
    ) {
        match end {
            // What follows is said by the next event.
            ReservationEnd::Accepted
            | ReservationEnd::Cancelled
            | ReservationEnd::TakenByAnother
            | ReservationEnd::CallFailed(_)
            | ReservationEnd::CallExpired => {}
            ReservationEnd::Rejected(_) | ReservationEnd::Expired | ReservationEnd::Withdrawn => {
                let is_missed = match end {
                    ReservationEnd::Rejected(RejectCause::NoAnswer | RejectCause::Unreachable)
                    | ReservationEnd::Expired => true,
                    // The agent said no, was not asked, or went home while the phone rang.
                    ReservationEnd::Rejected(
                        RejectCause::Busy | RejectCause::Rejected | RejectCause::NoResources,
                    )
                    | ReservationEnd::Withdrawn => false,
                    ReservationEnd::Accepted
                    | ReservationEnd::Cancelled
                    | ReservationEnd::TakenByAnother
                    | ReservationEnd::CallFailed(_)
                    | ReservationEnd::CallExpired => unreachable!("matched above"),
                };
                if is_missed {
                    let customer = self.customer_in(interaction, queue);
                    self.book.missed(&customer);
                }
                if left == 0 {
                    self.customer(interaction).stage = Stage::Waiting;
                    self.stand_in_line(interaction, 1);
                }
            }
        }
    }

    pub(super) fn answered(
        &mut self,
        (interaction, queue): (InteractionId, QueueId),
        agent: AgentId,
        waited: Duration,
        age: Duration,
    ) {
        self.name_queue(interaction, queue);
        let customer = self.customer(interaction);
        customer.stage = Stage::Talking;
        customer.agent = agent;
        let customer = *customer;
        self.book.leaves_queue(&customer, waited, End::Answered);
        let total = customer.waited_before + self.of_this_try(interaction, age);
        self.book.leaves(&customer, total, End::Answered);
        self.book.agent_answered(agent);
        let handling = &self.model.customers[customer.customer_type as usize].handling;
        let law = handling.law(self.staff.group_of(agent)).at(time_of_day(customer.first_arrived));
        let mut draws =
            self.draws(customer.customer_type, customer.number, Purpose::Handling, customer.matter);
        self.agenda.enter(self.now + law.draw(&mut draws), Action::Finish { interaction });
    }

    pub(super) fn abandoned(
        &mut self,
        (interaction, queue): (InteractionId, QueueId),
        waited: Duration,
        age: Duration,
    ) {
        let customer = self.leave_queue(interaction, queue);
        if customer.stage == Stage::Waiting && customer.queues > 1 {
            // What follows tells only that the other queues are left.
            self.stand_in_line(interaction, -1);
        }
        let total = customer.waited_before + self.of_this_try(interaction, age);
        self.keep_place(slot_of(interaction), self.now - age);
        self.book.leaves_queue(&customer, waited, End::Abandoned);
        self.book.leaves(&customer, total, End::Abandoned);
        self.book.trunk(self.now, -1);
        self.customer(interaction).waited_before = total;
        let again = self.model.customers[customer.customer_type as usize].retrial.after_abandonment;
        self.think_again(slot_of(interaction), again);
    }

    /// Leaves a queue without an agent: turned away at the door, or by another exit.
    pub(super) fn overflowed(
        &mut self,
        (interaction, queue): (InteractionId, QueueId),
        (waited, age): (Duration, Duration),
        (cause, exit): (OverflowCause, Exit),
        elsewhere: bool,
    ) {
        let customer = self.leave_queue(interaction, queue);
        let retrial = &self.model.customers[customer.customer_type as usize].retrial;
        let (end, again) = match (cause, exit) {
            (OverflowCause::MaxLength, Exit::Leave(_)) => (End::Blocked, retrial.after_blocking),
            (OverflowCause::Closed, Exit::Queue(_) | Exit::Leave(_)) => (End::Closed, 0.0),
            (
                OverflowCause::MaxLength
                | OverflowCause::NobodyLoggedIn
                | OverflowCause::MaxWait
                | OverflowCause::Rule(_)
                | OverflowCause::Moved
                | OverflowCause::QueueRemoved
                | OverflowCause::WantedAbsent
                | OverflowCause::WantedTimeout,
                Exit::Queue(_) | Exit::Leave(_),
            ) => (End::Overflowed, 0.0),
        };
        self.book.leaves_queue(&customer, waited, end);
        match exit {
            // The next event says in which queue the customer is now, unless that is one where the customer stood before.
            Exit::Queue(_) => return,
            Exit::Leave(_) if elsewhere => return,
            Exit::Leave(_) => {}
        }
        let total = customer.waited_before + self.of_this_try(interaction, age);
        self.book.leaves(&customer, total, end);
        self.book.trunk(self.now, -1);
        self.think_again(slot_of(interaction), again);
    }

    /// Tries again with this probability, or is gone: after 255 tries for good, so that a time of zero between them
    /// has an end.
    fn think_again(&mut self, slot: u32, probability: f64) {
        match self.next_try(slot, probability) {
            Some(at) => self.come_again(slot, at),
            None => self.leave(slot),
        }
    }

    fn next_try(&self, slot: u32, probability: f64) -> Option<Instant> {
        let customer = &self.customers[slot as usize];
        if probability <= 0.0 || customer.tries == u8::MAX {
            return None;
        }
        let mut draws = self.draws(customer.customer_type, customer.number, Purpose::Retrial, customer.tries);
        if draws.uniform() >= probability {
            return None;
        }
        let delay = &self.model.customers[customer.customer_type as usize].retrial.delay;
        Some(self.now + delay.at(time_of_day(customer.first_arrived)).draw(&mut draws))
    }

    fn come_again(&mut self, slot: u32, at: Instant) {
        self.agenda.enter(at, Action::Retry { slot });
        let customer = &mut self.customers[slot as usize];
        customer.tries += 1;
        customer.stage = Stage::Between;
    }

    fn leave(&mut self, slot: u32) {
        self.customers[slot as usize].stage = Stage::Gone;
        self.forget(slot);
        self.free.push(slot);
    }

    /// The conversation of a customer is at its end.
    pub(super) fn finish(&mut self, interaction: InteractionId) -> Result<(), RunError> {
        let agent = self.customer(interaction).agent;
        // Where the agent's group is too large, the agent goes after this conversation and takes no other.
        self.go_if_too_many(agent)?;
        self.command(Command::Finish { interaction }).map_err(RunError::Refused)
    }

    pub(super) fn handling_ended(&mut self, interaction: InteractionId, handled_for: Duration) {
        let customer = *self.customer(interaction);
        self.book.handled(&customer, handled_for);
        self.book.trunk(self.now, -1);
        let slot = slot_of(interaction);
        let again = self.model.customers[customer.customer_type as usize].retrial.after_answer;
        // Nobody comes with something new when the doors are closed.
        let closing = Instant::ORIGIN + self.model.horizon;
        let Some(at) = self.next_try(slot, again).filter(|&at| at < closing) else {
            return self.leave(slot);
        };
        self.keep_agent(slot, customer.agent);
        self.come_again(slot, at);
        // After-call work of the conversation that is over is still to come.
        self.customers[slot as usize].renews = true;
    }

    /// The agent works as long as the model says, between the bounds of the settings.
    pub(super) fn after_call_work_started(
        &mut self,
        agent: AgentId,
        interaction: InteractionId,
        queue: QueueId,
        until: Instant,
    ) -> Result<(), RunError> {
        let customer = *self.customer(interaction);
        let number = self.staff.after_call_work_started(agent);
        let model = self.model;
        let Some(law) = &model.customers[customer.customer_type as usize].after_call_work else {
            return Ok(());
        };
        let mut draws =
            self.draws(customer.customer_type, customer.number, Purpose::AfterCallWork, customer.matter);
        let wanted = law.at(time_of_day(customer.first_arrived)).draw(&mut draws);
        let rules = model.queues.iter().find(|of| of.id == queue).map(|queue| &queue.settings);
        let end = self.now + wanted.max(rules.map_or(Duration::ZERO, |rules| rules.after_call_work_min));
        if end < until {
            self.agenda.enter(end, Action::EndAfterCallWork { agent, number });
        } else if end > until {
            let by = end - until;
            self.command(Command::ExtendAfterCallWork { agent, interaction: Some(interaction), by })
                .map_err(RunError::Refused)?;
        }
        Ok(())
    }
}
