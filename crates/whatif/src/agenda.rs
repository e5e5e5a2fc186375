//! What happens next: a binary heap by time, and by the order of entry where times are equal.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use acd::{AgentId, InteractionId, ReservationId};
use timing::Instant;

/// One thing that will happen. It may be out of date when its time comes; whoever takes it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The next customer of a type comes for the first time.
    Arrive { customer_type: u32 },
    /// The customer in this slot tries again.
    Retry { slot: u32 },
    /// The patience of this try is at its end.
    GiveUp { interaction: InteractionId },
    /// The agent picks up.
    PickUp { reservation: ReservationId },
    /// The conversation is over.
    Finish { interaction: InteractionId },
    /// The agent has done the after-call work that began with this number of the agent's after-call works.
    EndAfterCallWork { agent: AgentId, number: u32 },
    /// The next line of the staff's plan.
    Staff,
    /// An agent who missed too much is back.
    Return { agent: AgentId },
    /// A queue, by its place in the model, opens or closes.
    SetOpen { queue: u32, open: bool },
    /// An interval, the warm-up or the day ends.
    Turn,
}

/// All that will happen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agenda {
    heap: BinaryHeap<Entry>,
    entered: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: Instant,
    number: u64,
    action: Action,
}

impl Agenda {
    /// Enters an action behind all that are due at the same time.
    pub(crate) fn enter(&mut self, at: Instant, action: Action) {
        self.entered += 1;
        self.heap.push(Entry { at, number: self.entered, action });
    }

    /// When the next one is due.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// Takes the next one.
    pub(crate) fn take(&mut self) -> Option<Action> {
        self.heap.pop().map(|entry| entry.action)
    }
}

// The standard heap gives the greatest, so the earliest is the greatest here.
impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_together_comes_in_the_order_of_entry() {
        let mut agenda = Agenda::default();
        let second = Instant::from_secs(1);
        for slot in 0..3 {
            agenda.enter(second, Action::Retry { slot });
        }
        agenda.enter(Instant::ORIGIN, Action::Turn);
        assert_eq!(agenda.next_at(), Some(Instant::ORIGIN));
        assert_eq!(agenda.take(), Some(Action::Turn));
        for slot in 0..3 {
            assert_eq!(agenda.take(), Some(Action::Retry { slot }));
        }
        assert_eq!(agenda.take(), None);
    }
}
