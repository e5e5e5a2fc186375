//! The interactions that are over, as far as they are remembered, for whoever asks by HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cti::Ledger;
use engine::CallRecord;
use parking_lot::Mutex;
use tokio::sync::watch;

/// How long somebody who asks waits for records that are on their way.
const PATIENCE: Duration = Duration::from_secs(1);

/// A [`Ledger`] between the task that writes records into it and the handlers that read it. The engine's thread
/// never touches the lock: it only counts what it has sent off.
#[derive(Debug)]
pub struct Remembered {
    ledger: Mutex<Ledger>,
    sent: AtomicU64,
    taken: watch::Sender<u64>,
}

impl Remembered {
    /// Nothing yet, and never more than so many.
    pub fn new(most: usize) -> Remembered {
        Remembered {
            ledger: Mutex::new(Ledger::new(most)),
            sent: AtomicU64::new(0),
            taken: watch::Sender::new(0),
        }
    }

    /// A record has been sent off towards the task that calls [`Remembered::add`].
    pub fn will_come(&self) {
        self.sent.fetch_add(1, Ordering::Release);
    }

    /// A record has arrived.
    pub fn add(&self, record: Arc<CallRecord>) {
        self.ledger.lock().add(record);
        self.taken.send_modify(|taken| *taken += 1);
    }

    /// Reads the ledger, after every record that was sent off before has arrived: whatever the engine no longer
    /// has is then here, or forgotten.
    pub async fn read<T>(&self, read: impl FnOnce(&Ledger) -> T) -> T {
        let sent = self.sent.load(Ordering::Acquire);
        let mut taken = self.taken.subscribe();
        let arrived = taken.wait_for(|taken| *taken >= sent);
        // A task that is so late is overwhelmed; what has arrived is better than nothing.
        let _too_late = tokio::time::timeout(PATIENCE, arrived).await;
        self.read_now(read)
    }

    /// Reads the ledger as it is.
    pub fn read_now<T>(&self, read: impl FnOnce(&Ledger) -> T) -> T {
        read(&self.ledger.lock())
    }
}
