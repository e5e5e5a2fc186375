//! The consumer's word that it lies down, and the producers' look at it: all that keeps a wake-up from being lost.
//!
//! The crate `handoff` compiles this text against a model checker, whole and with one line of it changed.

use super::atomic::{AtomicBool, Ordering, fence};

/// Whether the consumer of some rings sleeps, or is about to.
#[derive(Debug)]
pub(super) struct Announcement {
    asleep: AtomicBool,
}

impl Announcement {
    /// Of a consumer that is awake.
    pub(super) fn new() -> Announcement {
        Announcement { asleep: AtomicBool::new(false) }
    }

    /// For a producer whose values are in their rings: whether to wake the consumer. Only one of several that ask hears
    /// yes.
    pub(super) fn is_to_wake(&self) -> bool {
        fence(Ordering::SeqCst);
        // The load comes first because an exchange would take the cache line away from everybody each time. Where the
        // consumer is awake by then nothing is written, so that what it says next stands after all that it has said.
        let says_asleep = self.asleep.load(Ordering::Relaxed);
        says_asleep && self.asleep.compare_exchange(true, false, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    /// The consumer says that it is going to sleep; `idle` is asked afterwards whether every ring is empty. Answers
    /// whether to sleep.
    pub(super) fn lie_down(&self, idle: impl FnOnce() -> bool) -> bool {
        self.asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if idle() {
            return true;
        }
        self.rise();
        false
    }

    /// The consumer is awake; nobody needs to wake it.
    pub(super) fn rise(&self) {
        self.asleep.store(false, Ordering::SeqCst);
    }
}
