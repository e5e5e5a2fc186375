//! A ring that keeps the contract of crossbeam's `ArrayQueue` between one producer and one consumer, and no more of it:
//! what was pushed is seen by who pops it, and what was popped by who pushes into its place.

use loom::sync::atomic::{AtomicUsize, Ordering};

#[derive(Debug)]
pub struct ArrayQueue<T> {
    /// Values popped so far; the consumer writes it.
    head: AtomicUsize,
    /// Values pushed so far; the producer writes it.
    tail: AtomicUsize,
    slots: Vec<Slot<T>>,
}

/// The two marks stand for the memory of the value: they are as weakly ordered as plain memory, so whoever takes the
/// value without being allowed to sees an old mark.
#[derive(Debug)]
struct Slot<T> {
    pushed: AtomicUsize,
    popped: AtomicUsize,
    /// The model runs its threads one at a time; this lock is never contended and invisible to it.
    #[allow(clippy::disallowed_types, reason = "stands for plain memory, which only unsafe code could share")]
    value: std::sync::Mutex<Option<T>>,
}

impl<T> ArrayQueue<T> {
    pub fn new(capacity: usize) -> ArrayQueue<T> {
        let slot = || Slot {
            pushed: AtomicUsize::new(0),
            popped: AtomicUsize::new(0),
            value: std::sync::Mutex::new(None),
        };
        ArrayQueue {
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
            slots: std::iter::repeat_with(slot).take(capacity).collect(),
        }
    }

    pub fn push(&self, value: T) -> Result<(), T> {
        let tail = self.tail.load(Ordering::Relaxed);
        let head = self.head.load(Ordering::Acquire);
        if tail - head == self.capacity() {
            return Err(value);
        }
        let slot = &self.slots[tail % self.capacity()];
        let before = (tail + 1).saturating_sub(self.capacity());
        assert_eq!(slot.popped.load(Ordering::Relaxed), before, "the place is not free yet");
        slot.pushed.store(tail + 1, Ordering::Relaxed);
        *slot.value.lock().expect("never poisoned") = Some(value);
        self.tail.store(tail + 1, Ordering::Release);
        Ok(())
    }

    pub fn pop(&self) -> Option<T> {
        let head = self.head.load(Ordering::Relaxed);
        let tail = self.tail.load(Ordering::Acquire);
        if head == tail {
            return None;
        }
        let slot = &self.slots[head % self.capacity()];
        assert_eq!(slot.pushed.load(Ordering::Relaxed), head + 1, "the value is not there yet");
        let value = slot.value.lock().expect("never poisoned").take();
        slot.popped.store(head + 1, Ordering::Relaxed);
        self.head.store(head + 1, Ordering::Release);
        value
    }

    /// Weaker than the real one, so that the bell must not rely on it.
    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::Relaxed) == self.tail.load(Ordering::Relaxed)
    }

    pub fn len(&self) -> usize {
        self.tail.load(Ordering::Relaxed) - self.head.load(Ordering::Relaxed)
    }

    pub fn capacity(&self) -> usize {
        self.slots.len()
    }
}
