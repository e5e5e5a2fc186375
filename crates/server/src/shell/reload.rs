//! A new configuration while calls are in progress.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tracing::info;

use super::{Running, sockets};
use crate::config::Config;
use crate::inward::deliver;
use crate::plan::{self, Plan};
use crate::ring::Producer;
use crate::start_error::StartError;
use crate::threads::{distributor, engine};

/// How long a thread may take to have room for an order.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a new configuration was not taken; the old one stays in force.
#[derive(Debug)]
pub enum Refused {
    /// Its music cannot be played.
    Music(StartError),
    /// A thread has not yet taken the orders that it was given before.
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
    /// keep everything, calls in progress go on, callers who wait keep their place. Answers which settings
    /// differ that are read at the start only.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn reload(&mut self, config: Config) -> Result<Vec<&'static str>, Refused> {
        let mut numbering = self.numbering.clone();
        let plan = Plan::new(&config, &self.base, &self.sip, &mut numbering);
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
        info!(changes = commands.len(), accounts_gone = gone.len(), "reloading");
        let names = Arc::new(plan.names.clone());
        for piece in music {
            self.give(&self.orders.music, piece)?;
        }
        // Names first, so that a new queue has its series when its first event comes.
        let order = distributor::Order::Names(Arc::clone(&names));
        self.give(&self.orders.distributor, order)?;
        let order = engine::Order::Reload { plan: Box::new(plan.clone()), gone, commands };
        self.give(&self.orders.engine, order)?;
        self.names.store(names);
        self.trunks.store(Arc::new(plan.trunk_names()));
        let later = only_at_start(&self.config, &config);
        (self.plan, self.numbering, self.config) = (plan, numbering, config);
        Ok(later)
    }

    /// Waits until the ring has room, but not for ever.
    fn give<T>(&self, ring: &Producer<T>, order: T) -> Result<(), Refused> {
        let delivery = async { tokio::time::timeout(PATIENCE, deliver(ring, order)).await };
        self.block_on(delivery).map_err(|_| Refused::Busy)
    }
}

/// Settings that differ and are read at the start only.
fn only_at_start(old: &Config, new: &Config) -> Vec<&'static str> {
    let differing = [
        ("[sip] listen", old.sip.listen != new.sip.listen),
        (
            "[sip.limits] tcp_connections_max",
            old.sip.limits.tcp_connections_max != new.sip.limits.tcp_connections_max,
        ),
        ("[sip.limits] tcp_idle_timeout", old.sip.limits.tcp_idle_timeout != new.sip.limits.tcp_idle_timeout),
        ("[media] bind", old.media.bind != new.media.bind),
        ("[media] ports", old.media.ports != new.media.ports),
        ("[media] silence_timeout", old.media.silence_timeout != new.media.silence_timeout),
        ("[http]", old.http != new.http),
        ("[log]", old.log != new.log),
        ("[routing]", old.routing != new.routing),
    ];
    differing.into_iter().filter_map(|(setting, differs)| differs.then_some(setting)).collect()
}
