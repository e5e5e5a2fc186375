//! Who is not offered an interaction for a while.

use super::order::{meets, step_in};
use super::{AgentId, BackOff, Entry, InteractionId, Mirror, Settings};

impl Mirror {
    /// Other settings of the whole. Beyond a lowered bound those are forgotten who would be offered it again first.
    pub(super) fn configured(&mut self, settings: &Settings) {
        self.state.settings = settings.clone();
        let most = settings.exclusions_max as usize;
        for contact in self.state.interactions.values_mut() {
            while contact.exclusions.len() > most {
                let first = contact.exclusions.iter().map(|(&agent, &until)| (until, agent)).min();
                first.and_then(|(_, agent)| contact.exclusions.remove(&agent));
            }
        }
    }

    /// After an offer that failed.
    pub(super) fn exclude_after(
        &mut self,
        id: InteractionId,
        agent: AgentId,
        back_off: BackOff,
    ) -> Option<()> {
        let others = self.others_could_take(id, agent)?;
        let (now, most) = (self.state.now, self.state.settings.exclusions_max as usize);
        let exclusions = &mut self.contact(id)?.exclusions;
        if !others {
            exclusions.clear();
        }
        let lasts = back_off.exclusion_for(others);
        if lasts.is_zero() || most == 0 {
            return Some(());
        }
        if exclusions.len() >= most {
            let (_, first) = exclusions.iter().map(|(&agent, &until)| (until, agent)).min()?;
            exclusions.remove(&first);
        }
        exclusions.insert(agent, now + lasts);
        Some(())
    }

    /// Whether an agent who is logged in and not excluded could take it when free, other than this one.
    fn others_could_take(&self, id: InteractionId, agent: AgentId) -> Option<bool> {
        let contact = self.state.interactions.get(&id)?;
        Some(contact.entries.iter().any(|entry| {
            let Some(queue) = self.state.queues.get(&entry.queue) else { return false };
            let step = step_in(entry, queue);
            let could = |(&other, state): (&AgentId, &crate::state::AgentState)| {
                other != agent
                    && !contact.exclusions.contains_key(&other)
                    && state.presence.is_logged_in()
                    && state.settings.capacity.of(queue.settings.channel) > 0
                    && contact.accepts(state)
                    && meets(&queue.settings, step, state)
            };
            entry.wanted.is_some() || self.state.agents.iter().any(could)
        }))
    }

    /// Whether something of its queue may have to be looked at for an interaction that is rung for, before anybody joins.
    pub(super) fn may_have_to_leave(&self, (id, queue): Entry) -> bool {
        let entry = self.state.interactions.get(&id).and_then(|contact| contact.entry(queue));
        let queue = self.state.queues.get(&queue);
        entry
            .zip(queue)
            .is_some_and(|(entry, queue)| queue.is_time_to_look(entry.entered, false, 0, self.state.now))
    }
}
