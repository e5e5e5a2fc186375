//! Waking a thread that sleeps, and only then.

use std::sync::OnceLock;
use std::thread::Thread;
use std::time::Duration;

use tokio::sync::Notify;

use announcement::Announcement;

mod announcement;
/// Where [`announcement`] finds its atomics: here those of the machine, in the crate `handoff` those of a model.
mod atomic {
    pub(super) use std::sync::atomic::{AtomicBool, Ordering, fence};
}

/// Wakes the one thread (or task) that drains a set of rings.
///
/// Producers push first and ring afterwards; ringing costs one atomic load while the consumer is awake. The
/// consumer announces that it is going to sleep, looks at its rings once more, and sleeps. The two fences
/// make one of both see the other: either the producer sees the announcement and wakes, or the consumer sees
/// the value and stays. No wake-up is lost, and none is sent to a thread that is awake.
#[derive(Debug)]
pub struct Doorbell {
    announcement: Announcement,
    bell: Bell,
}

#[derive(Debug)]
enum Bell {
    /// `park` and `unpark`; empty until the thread has introduced itself.
    Thread(OnceLock<Thread>),
    /// An eventfd in the poll that the thread sleeps in.
    Poll(mio::Waker),
    /// A task of the runtime.
    Task(Notify),
}

impl Doorbell {
    /// For a thread that sleeps by [`Doorbell::park`].
    pub fn for_thread() -> Doorbell {
        Doorbell::new(Bell::Thread(OnceLock::new()))
    }

    /// For a thread that sleeps in the poll to which `waker` belongs.
    pub fn for_poll(waker: mio::Waker) -> Doorbell {
        Doorbell::new(Bell::Poll(waker))
    }

    /// For a task that sleeps by [`Doorbell::rest`].
    pub fn for_task() -> Doorbell {
        Doorbell::new(Bell::Task(Notify::new()))
    }

    fn new(bell: Bell) -> Doorbell {
        Doorbell { announcement: Announcement::new(), bell }
    }

    /// Wakes the consumer where it sleeps. Call after the values it shall find are in their rings.
    pub fn ring(&self) {
        if !self.announcement.is_to_wake() {
            return;
        }
        match &self.bell {
            Bell::Thread(thread) => {
                if let Some(thread) = thread.get() {
                    thread.unpark();
                }
            }
            // An eventfd refuses only when its counter is full, and then the consumer is being woken anyway.
            Bell::Poll(waker) => drop(waker.wake()),
            Bell::Task(notify) => notify.notify_one(),
        }
    }

    /// Announces sleep; `idle` is asked afterwards whether every ring is empty. Answers whether to sleep.
    /// After sleeping, or in place of it, the consumer calls [`Doorbell::rise`].
    pub fn lie_down(&self, idle: impl FnOnce() -> bool) -> bool {
        self.announcement.lie_down(idle)
    }

    /// The consumer is awake; nobody needs to ring.
    pub fn rise(&self) {
        self.announcement.rise();
    }

    /// The consuming thread introduces itself. Once, at its start.
    pub fn answer_here(&self) {
        if let Bell::Thread(thread) = &self.bell {
            let introduced = thread.set(std::thread::current());
            debug_assert!(introduced.is_ok(), "one thread answers one doorbell");
        }
    }

    /// Parks this thread while `idle`, until somebody rings or `limit` has passed.
    pub fn park(&self, limit: Option<Duration>, idle: impl FnOnce() -> bool) {
        if self.lie_down(idle) {
            match limit {
                Some(limit) => std::thread::park_timeout(limit),
                None => std::thread::park(),
            }
            self.rise();
        }
    }

    /// Waits in a task while `idle`, until somebody rings.
    pub async fn rest(&self, idle: impl FnOnce() -> bool) {
        if self.lie_down(idle) {
            if let Bell::Task(notify) = &self.bell {
                notify.notified().await;
            }
            self.rise();
        }
    }
}
