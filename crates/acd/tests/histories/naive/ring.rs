//! Several agents rung for one interaction, as said and not as made fast.

use super::*;

impl Naive {
    /// As many may be rung as the time since the first one allows.
    pub(super) fn widen(&mut self, (id, queue): Stand) {
        let now = self.state.now;
        let rules = self.ring_rules(id, queue);
        let Stage::Reserved { since, most } = &mut self.contact(id).stage else { panic!("nobody is rung") };
        let (rung_for, every) = ((now - *since).as_micros(), rules.every.as_micros());
        *most = (1..=rules.most).filter(|&n| (u128::from(n) - 1) * every <= rung_for).count() as u8;
    }

    /// Whoever is called back has one agent, and who wants agents by name has one after the other.
    pub(super) fn ring_rules(&self, id: InteractionId, queue: QueueId) -> acd::Ring {
        if self.state.interactions[&id].callback.is_some() || self.entry((id, queue)).wanted.is_some() {
            return acd::Ring::default();
        }
        self.state.queues[&queue].settings.ring
    }

    /// By which queue agents are rung for an interaction: they all are by one.
    pub(super) fn ringing_queue(&self, id: InteractionId) -> QueueId {
        self.state.reservations[&self.rung_for(id)[0]].queue
    }

    /// The step at which an interaction stands; at the last one where the rules have fewer by now.
    pub(super) fn step_of(&self, stand: Stand) -> usize {
        usize::from(self.entry(stand).step).min(self.state.queues[&stand.1].settings.steps.len())
    }

    /// Whether a rule of its queue wants to look at it as soon as nobody is rung any more.
    fn has_to_be_looked_at(&self, stand: Stand) -> bool {
        let (entry, queue) = (self.entry(stand), &self.state.queues[&stand.1]);
        let (rules, now) = (&queue.settings, self.state.now);
        let has_closed = !queue.open && rules.closed.is_some_and(|rule| rule.waiting == AtClosing::Leave);
        let is_too_old = rules.max_wait.is_some_and(|rule| entry.entered + rule.after <= now);
        has_closed
            || (is_too_old && !entry.overdue)
            || overflow::times(rules, entry).into_iter().any(|at| at <= now)
    }

    fn able_beside(&self, stand: Stand) -> Vec<AgentId> {
        let rung: Vec<AgentId> =
            self.rung_for(stand.0).iter().map(|held| self.state.reservations[held].agent).collect();
        self.candidates(stand).into_iter().filter(|agent| !rung.contains(agent)).collect()
    }

    /// Agents whom nobody who waits needs are rung beside others, by the turn of those for whom they are rung.
    pub(super) fn join_all(&mut self) {
        loop {
            let mut ringing: Vec<Stand> = Vec::new();
            for (&id, entry) in &self.state.interactions {
                if let Stage::Reserved { most, .. } = entry.stage
                    && self.rung_for(id).len() < usize::from(most)
                    && !self.has_to_be_looked_at((id, self.ringing_queue(id)))
                {
                    ringing.push((id, self.ringing_queue(id)));
                }
            }
            ringing.sort_by_key(|&stand| (self.rules_of(stand).band, self.rank(stand)));
            let next = ringing.into_iter().map(|stand| (stand, self.able_beside(stand)));
            let Some((stand, mut able)) = next.into_iter().find(|(_, able)| !able.is_empty()) else { return };
            self.draw_lots(stand, &mut able);
            self.reserve(stand, &able);
        }
    }
}
