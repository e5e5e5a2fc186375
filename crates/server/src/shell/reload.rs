//! A new configuration while calls are in progress.

mod at_start;
mod changes;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::{Running, sockets, wiring};
use crate::config::{Config, DistributorThread};
use crate::inward::deliver;
use crate::plan::{self, Plan};
use crate::ring::Producer;
use crate::start_error::StartError;
use crate::threads::engine;

/// How long a thread may take to have room for an order.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a reload did. Displays as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// What is different now, in the words of the file: `1 queue added (english)`, `[sip.limits]`.
    pub changed: Vec<String>,
    /// Settings whose value in the file is not the one that runs, because they are read at the start only.
    pub waiting: Vec<&'static str>,
}

impl fmt::Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_nothing = |empty, list: String| if list.is_empty() { String::from(empty) } else { list };
        let changed = or_nothing("nothing differs", self.changed.join(", "));
        let waiting = or_nothing("nothing", self.waiting.join(", "));
        write!(f, "{changed}; waits for a restart: {waiting}")
    }
}

/// Why a new configuration was not taken; the old one stays in force, all of it.
#[derive(Debug)]
pub enum Refused {
    /// Its music cannot be played.
    Music(StartError),
    /// The engine's thread has not yet taken the orders that it was given before.
    Busy,
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Music(error) => error.fmt(f),
            Refused::Busy => f.write_str("the reload before this one is still going on; try again"),
        }
    }
}

impl Running {
    /// Puts a new configuration into force. Only what differs is touched: queues and agents that are the same
    /// keep everything, calls in progress go on, callers who wait keep their place. Settings that are read at
    /// the start only keep the value that runs, and are named each time.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn reload(&mut self, mut config: Config) -> Result<Reloaded, Refused> {
        let waiting = at_start::keep(&self.config, &mut config);
        let changed = changes::between(&self.config, &config);
        let mut numbering = self.numbering.clone();
        let mut plan = Plan::new(&config, &self.base, &self.sip, &mut numbering);
        // Drawn at the start, for as long as the process lives.
        plan.shared.seed = self.plan.shared.seed;
        let limit = wiring::AGENTS_BESIDE_THE_ENGINE;
        let has_outgrown = plan.agents.len() > limit && self.plan.agents.len() <= limit;
        if has_outgrown && config.routing.distributor_thread == DistributorThread::Auto {
            warn!(
                "there are more than {limit} agents now: restart when it suits you, and the distributor has a thread of its own"
            );
        }
        let new_music = plan.music.iter().filter(|&(id, piece)| self.plan.music.get(id) != Some(piece));
        let new_music = new_music.map(|(&id, piece)| (id, piece.clone())).collect();
        let music = sockets::load_music(&new_music).map_err(Refused::Music)?;
        let commands = plan::between(&self.plan, &plan);
        let gone: Vec<String> = self
            .plan
            .accounts
            .keys()
            .filter(|account| !plan.accounts.contains_key(*account))
            .cloned()
            .collect();
        // New music is heard by nobody before the engine knows its number.
        for piece in music {
            self.give(&self.orders.music, piece)?;
        }
        // One order changes everything else or nothing: the engine passes on what concerns the distributor.
        let order = engine::Order::Reload { plan: Box::new(plan.clone()), gone, commands };
        self.give(&self.orders.engine, order)?;
        self.log.switch(config.log.level);
        self.names.store(Arc::new(plan.names.clone()));
        self.trunks.store(Arc::new(plan.trunk_names.clone()));
        (self.plan, self.numbering, self.config) = (plan, numbering, config);
        Ok(Reloaded { changed, waiting })
    }

    /// Waits until the ring has room, but not for ever.
    fn give<T>(&self, ring: &Producer<T>, order: T) -> Result<(), Refused> {
        let delivery = async { tokio::time::timeout(PATIENCE, deliver(ring, order)).await };
        self.block_on(delivery).map_err(|_| Refused::Busy)
    }
}
