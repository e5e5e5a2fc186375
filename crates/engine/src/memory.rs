//! What is known of callers by their numbers, for a time.

use std::collections::{BTreeMap, BTreeSet};

use acd::QueueId;
use serde::{Deserialize, Serialize};
use timing::Instant;

/// The longest number that is remembered. E.164 numbers have at most 15 digits; a name of SIP is rarely longer, and
/// nobody may fill the memory with what is no number.
const NUMBER_LENGTH_MAX: usize = 64;

/// Something about callers, by queue and number. Bounded in number and in age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory<T> {
    known: BTreeMap<QueueId, BTreeMap<String, Known<T>>>,
    /// All of it, by the end.
    ends: BTreeSet<(Instant, QueueId, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known<T> {
    what: T,
    until: Instant,
}

impl<T: Copy> Memory<T> {
    pub(crate) fn new() -> Memory<T> {
        Memory { known: BTreeMap::new(), ends: BTreeSet::new() }
    }

    /// How much is known.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// When [`Memory::forget_ended`] has something to do.
    pub(crate) fn next_end(&self) -> Option<Instant> {
        self.ends.first().map(|&(until, _, _)| until)
    }

    /// What is known of a caller.
    pub(crate) fn recall(&self, now: Instant, queue: QueueId, number: &str) -> Option<T> {
        let known = self.known.get(&queue)?.get(number)?;
        (known.until > now).then_some(known.what)
    }

    /// Knows this of a caller, in place of what was known before. Where more than `most` would be known, whatever
    /// would have been forgotten first is forgotten now.
    pub(crate) fn keep(&mut self, queue: QueueId, number: &str, what: T, until: Instant, most: usize) {
        self.forget(queue, number);
        if most == 0 || number.len() > NUMBER_LENGTH_MAX {
            return;
        }
        while self.ends.len() >= most {
            self.forget_first();
        }
        self.known.entry(queue).or_default().insert(number.to_owned(), Known { what, until });
        self.ends.insert((until, queue, number.to_owned()));
    }

    /// Knows nothing of a caller any more.
    pub(crate) fn forget(&mut self, queue: QueueId, number: &str) {
        let Some(of_queue) = self.known.get_mut(&queue) else { return };
        let Some(Known { until, .. }) = of_queue.remove(number) else { return };
        if of_queue.is_empty() {
            self.known.remove(&queue);
        }
        self.ends.remove(&(until, queue, number.to_owned()));
    }

    /// Forgets whatever has come to its end.
    pub(crate) fn forget_ended(&mut self, now: Instant) {
        while self.next_end().is_some_and(|end| end <= now) {
            self.forget_first();
        }
    }

    /// Forgets whatever belongs to other queues than these.
    pub(crate) fn retain_queues(&mut self, is_kept: impl Fn(QueueId) -> bool) {
        self.known.retain(|&queue, _| is_kept(queue));
        self.ends.retain(|&(_, queue, _)| is_kept(queue));
    }

    fn forget_first(&mut self) {
        if let Some((_, queue, number)) = self.ends.first().cloned() {
            self.forget(queue, &number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: QueueId = QueueId(1);
    const B: QueueId = QueueId(2);

    fn at(second: u64) -> Instant {
        Instant::from_secs(second)
    }

    fn memory() -> Memory<u32> {
        let mut memory = Memory::new();
        memory.keep(A, "031", 1, at(30), 3);
        memory.keep(B, "031", 2, at(10), 3);
        memory.keep(A, "032", 3, at(20), 3);
        memory
    }

    #[test]
    fn each_queue_knows_a_caller_for_itself_and_for_its_time() {
        let mut memory = memory();
        assert_eq!((memory.recall(at(9), A, "031"), memory.recall(at(9), B, "031")), (Some(1), Some(2)));
        assert_eq!((memory.recall(at(10), B, "031"), memory.recall(at(9), B, "032")), (None, None));
        assert_eq!((memory.next_end(), memory.len()), (Some(at(10)), 3));
        memory.forget_ended(at(20));
        assert_eq!((memory.next_end(), memory.len()), (Some(at(30)), 1));
        memory.forget(A, "031");
        assert_eq!(memory, Memory::new());
    }

    #[test]
    fn what_is_new_takes_the_place_of_what_was_and_then_of_what_ends_first() {
        let mut memory = memory();
        memory.keep(A, "031", 4, at(40), 3);
        assert_eq!((memory.recall(at(0), A, "031"), memory.len()), (Some(4), 3));
        memory.keep(A, "033", 5, at(5), 3);
        let known = [(A, "031"), (B, "031"), (A, "032"), (A, "033")];
        let known = known.map(|(queue, number)| memory.recall(at(0), queue, number));
        assert_eq!(known, [Some(4), None, Some(3), Some(5)]);
        memory.keep(A, "034", 6, at(50), 1);
        assert_eq!((memory.len(), memory.recall(at(0), A, "034")), (1, Some(6)));
        memory.keep(A, "034", 7, at(50), 0);
        assert_eq!(memory, Memory::new());
    }

    #[test]
    fn nothing_is_kept_of_what_is_too_long_for_a_number_nor_of_a_queue_that_is_gone() {
        let mut memory = memory();
        memory.keep(A, &"1".repeat(NUMBER_LENGTH_MAX + 1), 7, at(50), 9);
        memory.keep(A, &"1".repeat(NUMBER_LENGTH_MAX), 8, at(50), 9);
        assert_eq!(memory.len(), 4);
        memory.retain_queues(|queue| queue == B);
        assert_eq!((memory.len(), memory.recall(at(0), B, "031")), (1, Some(2)));
        memory.forget_ended(at(10));
        assert_eq!(memory, Memory::new());
    }
}
