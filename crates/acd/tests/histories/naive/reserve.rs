//! Reserve agents, as said and not as made fast.

use super::*;

/// Of which reserve an agent is: the first whose requirement is met, counted from 1; 0 for nobody's.
pub(super) fn reserve(settings: &QueueSettings, agent: &AgentState) -> usize {
    let met = settings.reserves.iter().position(|of| of.requirement.is_met_by(&agent.settings.skills));
    met.map_or(0, |position| position + 1)
}

impl Naive {
    /// When whoever waits longest in a queue entered it.
    pub(super) fn first_entry(&self, queue: QueueId) -> Option<Instant> {
        let waiting = self.state.interactions.values().filter(|contact| contact.stage == Stage::Waiting);
        let entries = waiting.flat_map(|contact| &contact.entries);
        entries.filter(|entry| entry.queue == queue).map(|entry| entry.entered).min()
    }

    /// All reserves of a queue close once nobody there has waited long enough to keep them open.
    pub(super) fn close_reserves(&mut self) {
        let queues: Vec<QueueId> = self.state.queues.keys().copied().collect();
        for id in queues {
            let queue = &self.state.queues[&id];
            let Some(first) = queue.settings.reserves.first() else { continue };
            let least = queue.settings.reserves_close.unwrap_or(first.after);
            let is_over = self.first_entry(id).is_none_or(|entered| self.state.now - entered < least);
            if queue.reserves_open > 0 && is_over {
                self.change_reserves(id, 0);
            }
        }
    }

    /// The time of the next reserve has come, and perhaps that of the one after it.
    pub(super) fn open_reserves(&mut self, id: QueueId) {
        let waited = self.state.now - self.first_entry(id).expect("nobody's wait opens nothing");
        let reserves = &self.state.queues[&id].settings.reserves;
        let open = reserves.iter().filter(|reserve| reserve.after <= waited).count();
        self.change_reserves(id, open as u8);
    }

    fn change_reserves(&mut self, queue: QueueId, open: u8) {
        self.state.queues.get_mut(&queue).expect("known to be here").reserves_open = open;
        self.events.push(Event::ReservesChanged { queue, open });
    }
}
