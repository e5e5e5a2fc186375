//! Bounded rings between threads: the only way in which threads speak to each other on the path of a call.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam::queue::ArrayQueue;

use crate::doorbell::Doorbell;

/// Makes a ring of `capacity` values whose consumer answers to `doorbell`.
pub fn ring<T>(capacity: usize, doorbell: &Arc<Doorbell>) -> (Producer<T>, Consumer<T>) {
    let shared = Arc::new(Shared { queue: ArrayQueue::new(capacity.max(1)), dropped: AtomicU64::new(0) });
    (Producer { shared: Arc::clone(&shared), doorbell: Arc::clone(doorbell) }, Consumer { shared })
}

#[derive(Debug)]
struct Shared<T> {
    queue: ArrayQueue<T>,
    dropped: AtomicU64,
}

/// The end that puts values in. On the path of a call each ring has one producing thread, so that the order
/// in which the consumer drains its rings is the order of its inputs; tasks of the runtime share theirs.
#[derive(Debug)]
pub struct Producer<T> {
    shared: Arc<Shared<T>>,
    doorbell: Arc<Doorbell>,
}

impl<T> Clone for Producer<T> {
    fn clone(&self) -> Producer<T> {
        Producer { shared: Arc::clone(&self.shared), doorbell: Arc::clone(&self.doorbell) }
    }
}

impl<T> Producer<T> {
    /// Puts a value in without waking anybody: call [`Producer::wake`] once per batch.
    ///
    /// # Errors
    /// Gives the value back where the ring is full.
    pub fn push(&self, value: T) -> Result<(), T> {
        self.shared.queue.push(value)
    }

    /// Puts a value in and wakes the consumer where it sleeps.
    ///
    /// # Errors
    /// Gives the value back where the ring is full; the consumer is woken all the same.
    pub fn send(&self, value: T) -> Result<(), T> {
        let pushed = self.push(value);
        self.wake();
        pushed
    }

    /// Puts in a value that may be lost: where the ring is full it is dropped and counted. Whether it is in.
    pub fn offer(&self, value: T) -> bool {
        let is_in = self.push(value).is_ok();
        if !is_in {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
        is_in
    }

    /// Wakes the consumer where it sleeps.
    pub fn wake(&self) {
        self.doorbell.ring();
    }

    /// How many values [`Producer::offer`] has dropped.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

/// The end that takes values out.
#[derive(Debug)]
pub struct Consumer<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Consumer<T> {
    /// The oldest value.
    pub fn pop(&self) -> Option<T> {
        self.shared.queue.pop()
    }

    /// Hands up to `limit` values to `take`, oldest first; how many there were.
    pub fn drain(&self, limit: usize, mut take: impl FnMut(T)) -> usize {
        for taken in 0..limit {
            match self.pop() {
                Some(value) => take(value),
                None => return taken,
            }
        }
        limit
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.shared.queue.is_empty()
    }
}

impl<T: Send + 'static> Consumer<T> {
    /// Something that tells how full the ring is, for metrics.
    pub fn gauge(&self) -> Gauge {
        let shared = Arc::clone(&self.shared);
        Box::new(move || Depth {
            depth: shared.queue.len(),
            capacity: shared.queue.capacity(),
            dropped: shared.dropped.load(Ordering::Relaxed),
        })
    }
}

/// How full a ring is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Values in it.
    pub depth: usize,
    /// Values that fit.
    pub capacity: usize,
    /// Values that [`Producer::offer`] has dropped.
    pub dropped: u64,
}

/// Tells how full a ring is, whatever is in it.
pub type Gauge = Box<dyn Fn() -> Depth + Send + Sync>;

/// A producer of values that must not be lost, with its own bounded backlog for when the ring is full.
///
/// While the backlog is not empty its owner takes no new work from outside (so the backlog is bounded by what
/// the work in hand can still produce) and sleeps at most [`Outbox::RETRY`]. The limit is therefore never met
/// unless the consumer is dead; meeting it is counted, and `/healthz` then says that this process has lost
/// state and wants to be restarted.
#[derive(Debug)]
pub struct Outbox<T> {
    producer: Producer<T>,
    backlog: VecDeque<T>,
    limit: usize,
    unwoken: bool,
    lost: Arc<AtomicU64>,
}

impl<T> Outbox<T> {
    /// How long a thread with a backlog sleeps at most before it tries again.
    pub const RETRY: std::time::Duration = std::time::Duration::from_millis(1);

    /// An outbox over `producer` that keeps up to `limit` values when the ring is full and counts in `lost`
    /// what did not fit even there.
    pub fn new(producer: Producer<T>, limit: usize, lost: Arc<AtomicU64>) -> Outbox<T> {
        Outbox { producer, backlog: VecDeque::new(), limit, unwoken: false, lost }
    }

    /// Lets the backlog grow up to `limit` where that is more than now: a reload that allows more calls allows
    /// more of this. It is never less, because what is in hand was taken under the limit before.
    pub fn raise(&mut self, limit: usize) {
        self.limit = self.limit.max(limit);
    }

    /// Puts a value in line. The consumer is woken by [`Outbox::flush`].
    pub fn put(&mut self, value: T) {
        self.unwoken = true;
        let value = if self.backlog.is_empty() {
            match self.producer.push(value) {
                Ok(()) => return,
                Err(value) => value,
            }
        } else {
            value
        };
        if self.backlog.len() < self.limit {
            self.backlog.push_back(value);
        } else {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Moves what fits from the backlog into the ring and wakes the consumer once for everything since the
    /// last time. Call at the end of each turn.
    pub fn flush(&mut self) {
        while let Some(value) = self.backlog.pop_front() {
            if let Err(value) = self.producer.push(value) {
                self.backlog.push_front(value);
                break;
            }
            self.unwoken = true;
        }
        if std::mem::take(&mut self.unwoken) {
            self.producer.wake();
        }
    }

    /// Whether everything has found its place in the ring: the condition for taking new work.
    pub fn is_clear(&self) -> bool {
        self.backlog.is_empty()
    }
}

#[cfg(test)]
mod tests;
