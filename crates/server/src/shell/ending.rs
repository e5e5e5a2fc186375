//! From serving to nothing left.

use std::future::Future;
use std::time::Duration;

use tracing::{info, warn};

use super::{Running, Workers};
use crate::phase::Phase;
use crate::threads::engine::Order;

/// How long tasks may take to end once they are told.
const LAST_TASKS: Duration = Duration::from_secs(4);
/// How long the runtime's own threads may take.
const LAST_THREADS: Duration = Duration::from_secs(1);

impl Running {
    /// No new calls from now on: new ones are refused with 503 and Retry-After, `/readyz` says 503, calls in
    /// progress go on.
    pub fn drain(&self) {
        self.phase.enter(Phase::Draining);
        info!(calls = self.calls(), "draining: no new calls");
        self.order(Order::Drain);
    }

    /// Waits until, after [`Running::drain`], no call is left.
    pub async fn drained(&self) {
        self.progress.drained().await;
    }

    /// Ends every call in progress.
    pub fn hang_up(&self) {
        info!(calls = self.calls(), "ending every call");
        self.order(Order::HangUp);
    }

    /// Waits until a thread has died by a fault of ours. What runs on then is not to be trusted.
    pub async fn failed(&self) {
        self.casualties.first().await;
    }

    /// Waits for something in the runtime of this shell. Not to be called inside a runtime.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.as_ref().expect("the runtime ends with this value").block_on(future)
    }

    /// Ends the product and waits for the end of every thread; every socket is closed then. Calls in progress
    /// are not told: see [`Running::drain`] and [`Running::hang_up`]. Not to be called inside a runtime.
    pub fn shut_down(mut self) {
        self.end();
    }

    fn order(&self, order: Order) {
        if self.orders.engine.send(order).is_err() {
            warn!("the engine's thread takes no orders");
        }
    }

    fn end(&mut self) {
        let (Some(workers), Some(runtime)) = (self.workers.take(), self.runtime.take()) else { return };
        let Workers { engine, distributor, media } = workers;
        self.phase.enter(Phase::Draining);
        // The engine first: what it still has to say goes into the rings, and the tasks send it.
        engine.join();
        self.stop.send_replace(true);
        let tasks = std::mem::take(&mut self.tasks);
        let all_ended = runtime.block_on(async {
            let each = async {
                for task in tasks {
                    // A task that panicked has been reported by the panic's own message.
                    let _ended = task.await;
                }
            };
            tokio::time::timeout(LAST_TASKS, each).await
        });
        if all_ended.is_err() {
            warn!("some connections did not end in time and were cut");
        }
        runtime.shutdown_timeout(LAST_THREADS);
        distributor.join();
        media.join();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
