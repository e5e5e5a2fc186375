//! Choosing by lot.
//!
//! Idle agents stand in the order of their lots as in any other. Only who would be chosen by a lot that says nothing any
//! more draws a new one and stands anew; then the choice is made again. So nothing is drawn for who is not chosen, and an
//! agent who stood by while others were chosen draws once when the turn comes.

use super::entry::Nth;
use super::{Agent, Distributor, Interaction};
use crate::Strategy;
use crate::table::Slot;

impl Distributor {
    /// Whether the agent who was found for an entry had to draw a lot first, so that somebody else may be first now.
    pub(super) fn draws_lot(&mut self, slot: Slot<Interaction>, nth: Nth, chosen: Slot<Agent>) -> bool {
        let entry = self.interactions[slot].entry(nth);
        let strategy = self.queues[entry.queue_slot].state.settings.strategy;
        // Who is wanted by name is not chosen by the strategy.
        let by_lot = strategy == Strategy::WeightedRandom && self.interactions[slot].by_name(nth).is_none();
        if !by_lot || !self.lots.is_behind(self.agents[chosen].state.lot) {
            return false;
        }
        let is_listed = self.agents[chosen].is_listed;
        if is_listed {
            self.stand_down(chosen);
        }
        let agent = &mut self.agents[chosen].state;
        agent.lot = self.lots.draw(agent.settings.weight);
        if is_listed {
            self.stand_idle(chosen);
        }
        true
    }
}
