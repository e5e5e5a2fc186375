//! Customers who wait in several queues at once.
//!
//! Nearly all wait in one, which the customer itself names; what is beside it is kept here.

use acd::{InteractionId, QueueId};

use super::Run;
use super::book::End;
use super::customer::{Customer, Stage};

/// A queue in which a customer stands beside the one that the customer names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beside {
    /// Its index.
    queue: u32,
    /// The slot of the statistics at entry.
    queue_slot: u32,
}

impl Run<'_> {
    /// A customer enters a queue: the only one, or one more.
    pub(super) fn enter_queue(&mut self, interaction: InteractionId, queue: QueueId) {
        let (queue, queue_slot) = (self.queue_index[&queue], self.book.slot);
        let customer = self.customer(interaction);
        customer.queues += 1;
        if customer.queues == 1 {
            (customer.queue, customer.queue_slot) = (queue, queue_slot);
            customer.at_once = false;
            customer.stage = Stage::Waiting;
        } else {
            self.beside.entry(interaction).or_default().push(Beside { queue, queue_slot });
        }
        self.book.offered(queue as usize);
        self.book.waiting(queue as usize, self.now, 1);
    }

    /// A customer as one of those of a queue.
    pub(super) fn customer_in(&mut self, interaction: InteractionId, queue: QueueId) -> Customer {
        let mut customer = *self.customer(interaction);
        if customer.queues <= 1 {
            return customer;
        }
        let index = self.queue_index[&queue];
        let mut beside = self.beside.get(&interaction).into_iter().flatten();
        if let Some(&Beside { queue, queue_slot }) = beside.find(|one| one.queue == index) {
            (customer.queue, customer.queue_slot) = (queue, queue_slot);
        }
        customer
    }

    /// A customer names this queue from now on, and stands beside in the one named so far.
    pub(super) fn name_queue(&mut self, interaction: InteractionId, queue: QueueId) -> Customer {
        let named = self.customer_in(interaction, queue);
        let before = std::mem::replace(self.customer(interaction), named);
        if named.queue != before.queue {
            let beside = self.beside.get_mut(&interaction).into_iter().flatten();
            let place = beside.into_iter().find(|one| one.queue == named.queue);
            *place.expect("it was found there") =
                Beside { queue: before.queue, queue_slot: before.queue_slot };
        }
        named
    }

    /// A customer stands in a queue no more, and waits in it no longer.
    pub(super) fn leave_queue(&mut self, interaction: InteractionId, queue: QueueId) -> Customer {
        let left = self.name_queue(interaction, queue);
        if left.stage == Stage::Waiting {
            self.book.waiting(left.queue as usize, self.now, -1);
        }
        self.customer(interaction).queues -= 1;
        if left.queues > 1 {
            let beside = self.beside.get_mut(&interaction).expect("it stands in several queues");
            let Beside { queue, queue_slot } = beside.pop().expect("all but the one that is named");
            if beside.is_empty() {
                self.beside.remove(&interaction);
            }
            let customer = self.customer(interaction);
            (customer.queue, customer.queue_slot) = (queue, queue_slot);
        }
        left
    }

    /// A customer stands in line, or no more, in all queues.
    pub(super) fn stand_in_line(&mut self, interaction: InteractionId, change: i32) {
        let customer = *self.customer(interaction);
        self.book.waiting(customer.queue as usize, self.now, change);
        if customer.queues > 1 {
            for one in self.beside.get(&interaction).into_iter().flatten() {
                self.book.waiting(one.queue as usize, self.now, change);
            }
        }
    }

    /// What became of a customer in another queue ends the wait in this one.
    pub(super) fn dequeued(
        &mut self,
        interaction: InteractionId,
        queue: QueueId,
        waited: std::time::Duration,
    ) {
        let customer = self.leave_queue(interaction, queue);
        self.book.leaves_queue(&customer, waited, End::Dequeued);
    }

    /// Counts a customer who is neither answered nor gone at the end.
    pub(super) fn count_who_is_left(&mut self) {
        for customer in &self.customers {
            self.book.still_here(customer);
            match customer.stage {
                Stage::Waiting | Stage::Reserved if customer.queues > 1 => {
                    for one in self.beside.get(&customer.interaction).into_iter().flatten() {
                        self.book.still_in_queue(one.queue, one.queue_slot);
                    }
                }
                Stage::Waiting | Stage::Reserved | Stage::Talking | Stage::Between | Stage::Gone => {}
            }
        }
    }
}
