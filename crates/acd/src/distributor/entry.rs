//! An interaction in one queue. Nearly all interactions stand in one only: that entry lies in the interaction itself,
//! and those of the few who stand in several lie in a list of their own.

use timing::Instant;

use super::{ByName, Interaction, Queue};
use crate::estimate::Promise;
use crate::line::Node;
use crate::state::{EntryState, Place};
use crate::table::Slot;
use crate::{Exit, QueueId};

/// What [`EntryState`] says, and where it stands in the lines of its queue.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) entered: Instant,
    pub(crate) queue: QueueId,
    /// The same queue; only while waiting or reserved, because a queue may be removed under a conversation.
    pub(crate) queue_slot: Slot<Queue>,
    pub(crate) attempts: u32,
    /// In the lines of its queue while it waits: by place, by entry, by its maximum wait, by the next rule of overflow.
    pub(crate) node: Node,
    pub(crate) entry_node: Node,
    pub(crate) expiry_node: Node,
    pub(crate) overflow_node: Node,
    pub(crate) promise: Option<Promise>,
    /// The number of the rules by which it came to its step.
    pub(crate) rules: u32,
    pub(crate) step: u8,
    pub(crate) overdue: bool,
    pub(crate) overflows_seen: u8,
}

/// Which of its entries, counted as they came. It stays the same as long as the interaction waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Nth(u8);

/// The entries that have not ended, in their order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing(u8);

/// A place in the lines of one queue, and who stands there. Where somebody stands at one place in several, the first entry
/// is the sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    pub(crate) place: Place,
    pub(crate) nth: Nth,
    pub(crate) slot: Slot<Interaction>,
}

impl Entry {
    /// In a queue from now on.
    pub(crate) fn new(queue: QueueId, queue_slot: Slot<Queue>, now: Instant) -> Entry {
        Entry {
            entered: now,
            queue,
            queue_slot,
            attempts: 0,
            node: Node::NOWHERE,
            entry_node: Node::NOWHERE,
            expiry_node: Node::NOWHERE,
            overflow_node: Node::NOWHERE,
            promise: None,
            rules: 0,
            step: 0,
            overdue: false,
            overflows_seen: 0,
        }
    }

    /// As it was written down; in a line or not, that comes later.
    pub(crate) fn restored(state: &EntryState, queue_slot: Slot<Queue>) -> Entry {
        let EntryState { queue, entered, step, rules, attempts, overdue, overflows_seen, promise, .. } =
            *state;
        let entry = Entry::new(queue, queue_slot, entered);
        Entry { attempts, promise, rules, step, overdue, overflows_seen, ..entry }
    }
}

impl Nth {
    /// The one that lies in the interaction itself.
    pub(crate) const FIRST: Nth = Nth(0);

    /// Its index among the entries behind the first.
    pub(crate) fn behind(self) -> Option<usize> {
        usize::from(self.0).checked_sub(1)
    }

    /// For the key of a line.
    pub(crate) fn number(self) -> u32 {
        self.0.into()
    }

    /// From the key of a line.
    pub(crate) fn from_number(number: u32) -> Nth {
        Nth(u8::try_from(number).expect("there are at most ENTRIES_MAX"))
    }
}

impl Standing {
    /// Of an interaction in one queue.
    pub(crate) const ONE: Standing = Standing(1);

    /// Of one that has so many entries.
    pub(crate) fn of(entries: usize) -> Standing {
        let bits = (1u16 << entries) - 1;
        Standing(u8::try_from(bits).expect("there are at most ENTRIES_MAX"))
    }

    pub(crate) fn contains(self, nth: Nth) -> bool {
        self.0 >> nth.0 & 1 == 1
    }

    /// All but one.
    pub(crate) fn but(self, nth: Nth) -> Standing {
        Standing(self.0 & !(1 << nth.0))
    }

    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl Iterator for Standing {
    type Item = Nth;

    fn next(&mut self) -> Option<Nth> {
        if self.0 == 0 {
            return None;
        }
        let nth = u8::try_from(self.0.trailing_zeros()).expect("a number of a bit");
        self.0 &= self.0 - 1;
        Some(Nth(nth))
    }
}

impl Interaction {
    pub(crate) fn entry(&self, nth: Nth) -> &Entry {
        match nth.behind() {
            None => &self.entry,
            Some(index) => &self.rare.also()[index],
        }
    }

    pub(crate) fn entry_mut(&mut self, nth: Nth) -> &mut Entry {
        match nth.behind() {
            None => &mut self.entry,
            Some(index) => &mut self.rare.also_mut()[index],
        }
    }

    /// What it has in a queue as long as it wants agents by name there.
    pub(crate) fn by_name(&self, nth: Nth) -> Option<&ByName> {
        self.rare.by_name().filter(|_| nth == Nth::FIRST)
    }

    pub(crate) fn entry_state(&self, nth: Nth) -> EntryState {
        let Entry { queue, entered, step, rules, attempts, overdue, overflows_seen, promise, .. } =
            *self.entry(nth);
        let wanted = self.by_name(nth).map(|by_name| by_name.wanted);
        EntryState { queue, entered, step, rules, attempts, overdue, overflows_seen, promise, wanted }
    }

    /// The first of the queues in which it stands.
    pub(crate) fn first(&self) -> Nth {
        let mut standing = self.standing;
        standing.next().expect("it stands in a queue as long as it is here")
    }

    /// Its entry in a queue.
    pub(crate) fn nth_in(&self, queue: QueueId) -> Option<Nth> {
        let mut standing = self.standing;
        standing.find(|&nth| self.entry(nth).queue == queue)
    }

    /// Whether it stands in this queue and in no other.
    pub(crate) fn stands_in_alone(&self, queue: QueueId) -> bool {
        self.nth_in(queue).is_some_and(|nth| self.standing.but(nth).is_none())
    }

    /// Of one that lies in that slot.
    pub(crate) fn spot(&self, slot: Slot<Interaction>, nth: Nth) -> Spot {
        Spot { place: self.place(), nth, slot }
    }

    /// Whether it stays in another queue when it leaves one by this exit. An exit to a queue in which it stands already
    /// leads nowhere else.
    pub(crate) fn stays_elsewhere(&self, nth: Nth, exit: Exit) -> bool {
        let others = self.standing.but(nth);
        match exit {
            Exit::Leave(_) => !others.is_none(),
            Exit::Queue(queue) => !others.is_none() && self.nth_in(queue).is_some(),
        }
    }
}
