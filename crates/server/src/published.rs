//! What the distributor's thread publishes for readers.

use std::collections::BTreeMap;

use acd::{Counters, QueueId, Snapshot};
use report::Figures;
use timing::Instant;

use crate::doors::Opening;

/// Queues and agents at one moment, and the figures that belong to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// What the distributor knows.
    pub snapshot: Snapshot,
    /// What only the report knows.
    pub figures: Figures,
    /// The hours of the queues that keep some.
    pub openings: BTreeMap<QueueId, Opening>,
}

impl Published {
    /// Before anything was published.
    pub fn nothing(at: Instant) -> Published {
        let snapshot = Snapshot {
            at,
            queues: Vec::new(),
            agents: Vec::new(),
            interactions: 0,
            totals: Counters::default(),
        };
        Published { snapshot, figures: Figures::default(), openings: BTreeMap::new() }
    }
}
