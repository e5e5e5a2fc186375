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
}

fn octets(record: &CallRecord) -> usize {
    let story = &record.story;
    let attributes: usize =
        story.attributes.iter().map(|one| one.name.len() + one.value.len() + 2 * size_of::<String>()).sum();
    OCTETS_OF_A_RECORD + attributes + story.call_id.len() + story.caller.len() + story.called.len()
}

#[cfg(test)]
mod tests {
    use b2bua::{HangUp, Side, Summary};
    use engine::{Outcome, Story};
    use timing::Instant;

    use super::*;

    fn record(id: u64, queue: u32, agent: Option<u32>, header: usize) -> Arc<CallRecord> {
        Arc::new(CallRecord {
            story: Story {
                interaction: InteractionId(id),
                call_id: format!("{id}@pbx"),
                caller: "0212345678".to_owned(),
                called: "15881000".to_owned(),
                origin: sip::Origin::Account("kim".to_owned()),
                attributes: vec![sip::HeaderField::new("X-Long", &"x".repeat(header))],
                entry: QueueId(queue),
                queue: QueueId(queue),
                arrived: Instant::from_secs(id),
                regained: None,
                wish: None,
                wish_ended: None,
                priority: 0,
                requirement: None,
                changes: Vec::new(),
                changes_total: 0,
                answered: None,
                outside_answered: None,
                agent: agent.map(AgentId),
                visits: Vec::new(),
                visits_total: 0,
                attempts: Vec::new(),
                attempts_total: 0,
                callback: None,
            },
            outcome: Outcome::Abandoned,
            ended: Instant::from_secs(1_000),
            cause: HangUp::By(Side::Caller),
            summary: Summary::default(),
        })
    }

    fn ids(records: &[Arc<CallRecord>]) -> Vec<u64> {
        records.iter().map(|record| record.story.interaction.0).collect()
    }

    #[test]
    fn the_newest_come_first_and_the_oldest_ends_are_forgotten() {
        let mut ledger = Ledger::new(3);
        for id in [2, 1, 4, 3] {
            ledger.add(record(id, 1, None, 0));
        }
        assert_eq!(ids(&ledger.list(None, 9, Filter::default())), [4, 3, 1]);
        assert_eq!(ids(&ledger.list(None, 2, Filter::default())), [4, 3]);
        assert_eq!(ids(&ledger.list(Some(InteractionId(3)), 2, Filter::default())), [1]);
        assert!(ledger.find(InteractionId(2)).is_none() && ledger.find(InteractionId(1)).is_some());
    }

    #[test]
    fn only_those_of_a_queue_or_an_agent_are_listed() {
        let mut ledger = Ledger::new(9);
        ledger.add(record(1, 1, Some(7), 0));
        ledger.add(record(2, 1, Some(8), 0));
        ledger.add(record(3, 2, Some(7), 0));
        let of = |queue: Option<u32>, agent: Option<u32>| {
            let filter = Filter { queue: queue.map(QueueId), agent: agent.map(AgentId) };
            ids(&ledger.list(None, 9, filter))
        };
        assert_eq!(of(Some(1), None), [2, 1]);
        assert_eq!(of(None, Some(7)), [3, 1]);
        assert!(of(Some(2), Some(8)).is_empty());
    }

    #[test]
    fn long_headers_make_it_forget_sooner_and_never_grow() {
        let mut ledger = Ledger::new(100);
        for id in 0..100 {
            ledger.add(record(id, 1, None, 60_000));
            assert!(ledger.octets <= 100 * OCTETS_PER_RECORD, "{} octets", ledger.octets);
        }
        let kept = ledger.list(None, 100, Filter::default());
        assert!((5..20).contains(&kept.len()), "{} are kept", kept.len());
        assert_eq!(ids(&kept)[0], 99);
        let mut nothing = Ledger::new(0);
        nothing.add(record(1, 1, None, 0));
        assert!(nothing.find(InteractionId(1)).is_none());
    }
}
