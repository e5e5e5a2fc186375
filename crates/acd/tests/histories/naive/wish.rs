//! Whom an agent would take, as said and not as made fast.

use super::*;

impl Naive {
    pub(super) fn selection(&self, agent: AgentId) -> Selection {
        let own = self.state.agents[&agent].settings.selection;
        own.unwrap_or(self.state.settings.selection)
    }

    pub(super) fn rules_of(&self, (_, queue): Stand) -> &QueueSettings {
        &self.state.queues[&queue].settings
    }

    /// The first of all whom the agent could take.
    pub(super) fn wish(&self, agent: AgentId) -> Option<Stand> {
        let all = self.state.interactions.iter();
        let stands =
            all.flat_map(|(&id, contact)| contact.entries.iter().map(move |entry| (id, entry.queue)));
        let mut able: Vec<Stand> = stands.filter(|&stand| self.can_take(agent, stand)).collect();
        let lowest = able.iter().map(|&stand| self.rules_of(stand).band).min()?;
        able.retain(|&stand| self.rules_of(stand).band == lowest);
        let now = self.state.now;
        let objective = |stand| self.rules_of(stand).objective;
        let micros = |duration: Duration| duration.as_micros() as i128;
        match self.selection(agent) {
            Selection::Oldest => able.into_iter().min_by_key(|&stand| self.rank(stand)),
            Selection::EarliestDue => able.into_iter().min_by_key(|&stand| {
                let place = self.place(stand.0);
                (i128::from(place.key) + micros(objective(stand)), self.rank(stand))
            }),
            Selection::SkillLevel => able.into_iter().min_by_key(|&stand| {
                let (levels, skills) = self.levels(agent, stand);
                // An average as a whole number of 1/2^20.
                (Reverse(levels * (1 << 20) / skills.max(1)), self.rank(stand))
            }),
            Selection::Weight => able.into_iter().min_by_key(|&stand| {
                let age = i128::from(now.as_micros()) - i128::from(self.place(stand.0).key);
                (Reverse(age.max(0) * i128::from(self.rules_of(stand).weight)), self.rank(stand))
            }),
            Selection::QueueRatio => able.into_iter().min_by_key(|&stand| {
                let served: Vec<(QueueId, u32)> = self.served_by(agent);
                let waiting: usize = served.iter().map(|&(queue, _)| self.line(queue).len()).sum();
                let ratios: u32 = served.iter().map(|&(_, ratio)| ratio).sum();
                let here = self.line(stand.1).len() as i128;
                let share = i128::from(self.rules_of(stand).ratio) * waiting as i128;
                (Reverse(here * i128::from(ratios) - share), self.rank(stand))
            }),
            Selection::PercentAllocation => able.into_iter().min_by_key(|&stand| {
                let agent = &self.state.agents[&agent];
                let shares = &agent.settings.shares;
                let worked = |queue: &QueueId| agent.worked_in.get(queue).map_or(0, |&worked| micros(worked));
                let all: i128 = shares.keys().map(worked).sum();
                let of_all: i128 = shares.values().map(|&share| i128::from(share)).sum();
                // What it should have had and has not, in parts of the sum of the shares.
                let missing =
                    shares.get(&stand.1).map(|&share| i128::from(share) * all - worked(&stand.1) * of_all);
                (missing.is_none(), Reverse(missing), self.rank(stand))
            }),
            Selection::LateLast { guard } => {
                let entered = |stand: &Stand| self.entry(*stand).entered;
                let waited = |stand: &Stand| now - entered(stand);
                let guarded = able.iter().copied().filter(|stand| waited(stand) >= guard);
                let in_time = able.iter().copied().filter(|stand| waited(stand) <= objective(*stand));
                let last = |stand: &Stand| (stand.0, self.rank(*stand));
                let due = |stand: &Stand| {
                    (entered(stand).as_micros() as i128 + micros(objective(*stand)), last(stand))
                };
                guarded
                    .min_by_key(|stand| (entered(stand), last(stand)))
                    .or_else(|| in_time.min_by_key(due))
                    .or_else(|| able.iter().copied().min_by_key(due))
            }
        }
    }

    /// The agent's levels in what the queue asks for, added up, and how many skills those are.
    fn levels(&self, agent: AgentId, stand: Stand) -> (u64, u64) {
        let wanted = skills_asked_for(self.rules_of(stand));
        let levels = score(&wanted, &self.state.agents[&agent].settings.skills);
        (u64::from(levels), wanted.len() as u64)
    }

    /// The queues with a step that the agent meets, and no closed reserve of which the agent is; and their ratios.
    fn served_by(&self, agent: AgentId) -> Vec<(QueueId, u32)> {
        let AgentSettings { skills, capacity, .. } = &self.state.agents[&agent].settings;
        let serves = |rules: &QueueSettings| {
            capacity.of(rules.channel) > 0 && (0..=rules.steps.len()).any(|step| meets(rules, step, skills))
        };
        let all = self.state.queues.iter();
        let is_open = |queue: &QueueState| {
            reserve(&queue.settings, &self.state.agents[&agent]) <= usize::from(queue.reserves_open)
        };
        all.filter(|(_, queue)| serves(&queue.settings) && is_open(queue))
            .map(|(&id, queue)| (id, queue.settings.ratio))
            .collect()
    }
}
