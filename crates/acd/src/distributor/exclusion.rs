//! Whom an interaction is not offered to for a while, because an offer to that agent has just failed: others are first.
//! Where there are no others, nobody is first, and the interaction would only lose its turn to those behind it.

use std::time::Duration;

use super::entry::Nth;
use super::{Agent, Distributor, Interaction, Queue};
use crate::table::Slot;
use crate::{AgentId, BackOff};

/// How long the only agent who could take an interaction is not offered it again where the back-off has no pause:
/// long enough not to ring a phone that refuses by itself without end.
pub(crate) const SOLE_AGENT_EXCLUSION: Duration = Duration::from_secs(5);

impl BackOff {
    /// How long the agent is not offered the interaction.
    pub(crate) fn exclusion_for(self, others_could_take_it: bool) -> Duration {
        match (others_could_take_it, self.pause.is_zero()) {
            (true, _) => self.exclusion,
            (false, true) => self.exclusion.min(SOLE_AGENT_EXCLUSION),
            (false, false) => Duration::ZERO,
        }
    }
}

impl Distributor {
    /// After an offer that failed. Where the agent is the last whom the interaction could be offered to, no exclusion of it
    /// counts any more.
    pub(super) fn exclude_after(&mut self, slot: Slot<Interaction>, agent: AgentId, back_off: BackOff) {
        let others_could_take_it = self.others_could_take(slot, agent);
        if !others_could_take_it {
            self.clear_exclusions(slot);
        }
        let lasts = back_off.exclusion_for(others_could_take_it);
        if !lasts.is_zero() {
            self.exclude(slot, agent, self.now + lasts);
        }
    }

    /// Whether somebody else who is logged in and not excluded could take it when free. Who is wanted by name is not
    /// waited for after that, so that there is somebody else, or the interaction has said otherwise.
    fn others_could_take(&self, slot: Slot<Interaction>, agent: AgentId) -> bool {
        let mut standing = self.interactions[slot].standing;
        standing.any(|nth| self.others_could_take_by(slot, nth, agent))
    }

    fn others_could_take_by(&self, slot: Slot<Interaction>, nth: Nth, agent: AgentId) -> bool {
        let interaction = &self.interactions[slot];
        let entry = interaction.entry(nth);
        if interaction.by_name(nth).is_some() {
            return true;
        }
        let queue = &self.queues[entry.queue_slot];
        let step = entry.step_in(queue);
        let all = match interaction.requirement {
            None => queue.staff[usize::from(step)],
            Some(own) => {
                let own = self.own_requirements.at(own);
                let profiles = self.profiles.all().map(|(_, profile)| profile);
                let could =
                    profiles.filter(|of| of.serves_step(entry.queue_slot, step) && own.is_met_by(&of.skills));
                could.map(|profile| profile.logged_in).sum()
            }
        };
        let excluded = interaction.rare.exclusions().map(|(agent, _)| agent);
        let out = excluded.filter(|&other| other != agent).chain([agent]);
        let out = out.filter_map(|agent| self.agents.by_id(agent));
        let out = out.filter(|of| self.is_staff(of, entry.queue_slot, step) && self.accepts(interaction, of));
        all as usize > out.count()
    }

    /// Whether an agent is logged in who could serve a step.
    fn is_staff(&self, agent: &Agent, queue: Slot<Queue>, step: u8) -> bool {
        agent.state.presence.is_logged_in() && self.profiles.at(agent.profile).serves_step(queue, step)
    }
}
