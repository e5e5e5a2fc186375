//! Interactions that are over, as far as they are remembered.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use acd::{AgentId, InteractionId, QueueId};
use engine::CallRecord;

/// What a remembered interaction may take on average. A sender who writes long headers makes the ledger forget
/// sooner, never grow.
const OCTETS_PER_RECORD: usize = 8 * 1024;
/// What a record takes beside its texts.
const OCTETS_OF_A_RECORD: usize = 2 * 1024;

/// The last interactions that ended, up to a bound: the oldest ends are forgotten first.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    records: BTreeMap<InteractionId, Arc<CallRecord>>,
    /// In order of their ends.
    ends: VecDeque<InteractionId>,
    octets: usize,
    most: usize,
    forgotten: u64,
}

/// Which interactions are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// In this queue, or last in it.
    pub queue: Option<QueueId>,
    /// With this agent.
    pub agent: Option<AgentId>,
}

impl Filter {
    fn fits(self, record: &CallRecord) -> bool {
        let story = &record.story;
        self.queue.is_none_or(|queue| story.queue == queue)
            && self.agent.is_none_or(|agent| {
                story.agent == Some(agent) || story.attempts.iter().any(|one| one.agent == Some(agent))
            })
    }
}

impl Ledger {
    /// A ledger that remembers at most so many interactions, and eight KiB for each.
    pub fn new(most: usize) -> Ledger {
        Ledger { most, ..Ledger::default() }
    }

    /// Remembers one more, and forgets what does not fit.
    pub fn add(&mut self, record: Arc<CallRecord>) {
        let interaction = record.story.interaction;
        self.octets += octets(&record);
        if let Some(before) = self.records.insert(interaction, record) {
            self.octets -= octets(&before);
        } else {
            self.ends.push_back(interaction);
        }
        while self.ends.len() > self.most || self.octets > self.most.saturating_mul(OCTETS_PER_RECORD) {
            let Some(oldest) = self.ends.pop_front() else { return };
            if let Some(record) = self.records.remove(&oldest) {
                self.octets -= octets(&record);
                self.forgotten += 1;
            }
        }
    }

    /// One, where it is remembered.
    pub fn find(&self, interaction: InteractionId) -> Option<Arc<CallRecord>> {
        self.records.get(&interaction).cloned()
    }

    /// The newest arrivals first: at most `most` of those that came before `before` and fit the filter.
    pub fn list(&self, before: Option<InteractionId>, most: usize, filter: Filter) -> Vec<Arc<CallRecord>> {
        let end = before.unwrap_or(InteractionId(u64::MAX));
        let older = self.records.range(..end).rev().map(|(_, record)| record);
        older.filter(|record| filter.fits(record)).take(most).cloned().collect()
    }

    /// How many it remembers, and how many it has forgotten.
    pub fn counts(&self) -> (usize, u64) {
        (self.records.len(), self.forgotten)
    }
}

fn octets(record: &CallRecord) -> usize {
    let story = &record.story;
    let attributes: usize =
        story.attributes.iter().map(|one| one.name.len() + one.value.len() + 2 * size_of::<String>()).sum();
    OCTETS_OF_A_RECORD + attributes + story.call_id.len() + story.caller.len() + story.called.len()
}
