//! Presence against the agent's own wish.

use super::{Agent, Distributor};
use crate::table::Slot;
use crate::{AgentId, Event, Forced, ForcedPresence, Presence, ReasonCode, Refusal, SupervisorId};

impl Distributor {
    pub(super) fn force_presence(
        &mut self,
        id: AgentId,
        presence: Presence,
        by: SupervisorId,
        why: ReasonCode,
    ) -> Result<(), Refusal> {
        let slot = self.agent_slot(id)?;
        if presence == Presence::NotReady(ReasonCode::MISSED) || why == ReasonCode::MISSED {
            return Err(Refusal::ReservedReason);
        }
        let forced = Some(Forced { presence, by, why, since: self.now });
        self.agents[slot].state.forced = forced;
        self.emit(Event::AgentForced { agent: id, forced });
        // What is forced is never refused.
        self.set_presence(id, presence)
    }

    pub(super) fn lift_forced(&mut self, id: AgentId) -> Result<(), Refusal> {
        let slot = self.agent_slot(id)?;
        self.forget_forced(slot);
        Ok(())
    }

    /// Whether the agent may want this.
    pub(super) fn check_wish(&self, slot: Slot<Agent>, wish: Presence) -> Result<(), Refusal> {
        let agent = &self.agents[slot];
        match self.held_presence(slot) {
            Some(held) if held != wish => Err(Refusal::Forced(agent.id)),
            Some(_) | None => Ok(()),
        }
    }

    /// The presence that the agent cannot change.
    pub(super) fn held_presence(&self, slot: Slot<Agent>) -> Option<Presence> {
        match self.settings.forced_presence {
            ForcedPresence::AgentMayChange => None,
            ForcedPresence::HoldsUntilLifted => self.agents[slot].state.forced.map(|forced| forced.presence),
        }
    }

    /// After a change: what was forced and is not so any more is forgotten, unless it holds. Whoever is logged out may
    /// come back as forced: a phone that registers anew changes nothing.
    pub(super) fn follow_forced(&mut self, slot: Slot<Agent>) {
        let state = &self.agents[slot].state;
        let is_here = state.presence.is_logged_in();
        let is_left = is_here && state.forced.is_some_and(|forced| forced.presence != state.presence);
        if is_left && self.settings.forced_presence == ForcedPresence::AgentMayChange {
            self.forget_forced(slot);
        }
    }

    fn forget_forced(&mut self, slot: Slot<Agent>) {
        let agent = &mut self.agents[slot];
        if agent.state.forced.take().is_some() {
            let agent = agent.id;
            self.emit(Event::AgentForced { agent, forced: None });
        }
    }
}
