//! Whom an agent would take, as said and not as made fast.

use super::*;

impl Naive {
    pub(super) fn selection(&self, agent: AgentId) -> Selection {
        let own = self.state.agents[&agent].settings.selection;
        own.unwrap_or(self.state.settings.selection)
    }

    pub(super) fn band(&self, id: InteractionId) -> u8 {
        self.rules_of(id).band
    }

    fn rules_of(&self, id: InteractionId) -> &QueueSettings {
        &self.state.queues[&self.state.interactions[&id].queue].settings
    }

    /// The first of all whom the agent could take.
    pub(super) fn wish(&self, agent: AgentId) -> Option<InteractionId> {
        let mut able: Vec<InteractionId> =
            self.state.interactions.keys().copied().filter(|&id| self.can_take(agent, id)).collect();
        let lowest = able.iter().map(|&id| self.band(id)).min()?;
        able.retain(|&id| self.band(id) == lowest);
        let now = self.state.now;
        let objective = |id| self.rules_of(id).objective;
        let micros = |duration: Duration| duration.as_micros() as i128;
        match self.selection(agent) {
            Selection::Oldest => able.into_iter().min_by_key(|&id| self.place(id)),
            Selection::EarliestDue => able.into_iter().min_by_key(|&id| {
                let place = self.place(id);
                (i128::from(place.key) + micros(objective(id)), place)
            }),
            Selection::SkillLevel => able.into_iter().min_by_key(|&id| {
                let (levels, skills) = self.levels(agent, id);
                // An average as a whole number of 1/2^20.
                (Reverse(levels * (1 << 20) / skills.max(1)), self.place(id))
            }),
            Selection::Weight => able.into_iter().min_by_key(|&id| {
                let place = self.place(id);
                let age = i128::from(now.as_micros()) - i128::from(place.key);
                (Reverse(age.max(0) * i128::from(self.rules_of(id).weight)), place)
            }),
            Selection::QueueRatio => able.into_iter().min_by_key(|&id| {
                let served: Vec<(QueueId, u32)> = self.served_by(agent);
                let waiting: usize = served.iter().map(|&(queue, _)| self.line(queue).len()).sum();
                let ratios: u32 = served.iter().map(|&(_, ratio)| ratio).sum();
                let here = self.line(self.state.interactions[&id].queue).len() as i128;
                let share = i128::from(self.rules_of(id).ratio) * waiting as i128;
                (Reverse(here * i128::from(ratios) - share), self.place(id))
            }),
            Selection::LateLast { guard } => {
                let entered = |id: &InteractionId| self.state.interactions[id].entered;
                let waited = |id: &InteractionId| now - entered(id);
                let guarded = able.iter().copied().filter(|id| waited(id) >= guard);
                let in_time = able.iter().copied().filter(|id| waited(id) <= objective(*id));
                let due =
                    |id: &InteractionId| (entered(id).as_micros() as i128 + micros(objective(*id)), *id);
                guarded
                    .min_by_key(|id| (entered(id), *id))
                    .or_else(|| in_time.min_by_key(due))
                    .or_else(|| able.iter().copied().min_by_key(due))
            }
        }
    }

    /// The agent's levels in what the queue asks for, added up, and how many skills those are.
    fn levels(&self, agent: AgentId, id: InteractionId) -> (u64, u64) {
        let wanted = State::wanted_skills(self.rules_of(id));
        let levels = score(&wanted, &self.state.agents[&agent].settings.skills);
        (u64::from(levels), wanted.len() as u64)
    }

    /// The queues with a step that the agent meets, and their ratios.
    fn served_by(&self, agent: AgentId) -> Vec<(QueueId, u32)> {
        let skills = &self.state.agents[&agent].settings.skills;
        let serves = |rules: &QueueSettings| (0..=rules.steps.len()).any(|step| meets(rules, step, skills));
        let all = self.state.queues.iter();
        all.filter(|(_, queue)| serves(&queue.settings))
            .map(|(&id, queue)| (id, queue.settings.ratio))
            .collect()
    }
}
