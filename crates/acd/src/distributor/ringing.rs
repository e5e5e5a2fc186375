//! All the agents who are rung for one interaction: the first who accepts has it, the others are let go.
//!
//! The reservations of an interaction hang together in the order in which they were made, so that an interaction, of
//! which a million may wait, needs to know the first alone.

use super::{Distributor, Interaction, Reservation};
use crate::state::Stage;
use crate::table::Slot;
use crate::{AgentId, ReservationEnd, ReservationId};

use super::agent::ReadyClock;

/// An agent who was rung, and by which reservation.
pub(crate) type Held = (AgentId, ReservationId);

impl Distributor {
    /// The reservations of an interaction, in the order in which they were made.
    pub(crate) fn reservations_of(
        &self,
        slot: Slot<Interaction>,
    ) -> impl Iterator<Item = Slot<Reservation>> + '_ {
        let mut next = self.interactions[slot].first_reservation;
        std::iter::from_fn(move || {
            let this = next;
            next = self.reservations.get(this)?.next;
            Some(this)
        })
    }

    /// How many agents are rung for an interaction.
    pub(super) fn rung(&self, slot: Slot<Interaction>) -> u8 {
        u8::try_from(self.reservations_of(slot).count()).expect("the bound of agents rung at once is a u8")
    }

    /// The newest of an interaction's reservations.
    pub(super) fn link(&mut self, interaction: Slot<Interaction>, reservation: Slot<Reservation>) {
        let last = self.reservations_of(interaction).last();
        match last {
            None => self.interactions[interaction].first_reservation = reservation,
            Some(last) => self.reservations[last].next = reservation,
        }
    }

    pub(super) fn unlink(&mut self, interaction: Slot<Interaction>, reservation: Slot<Reservation>) {
        let next = self.reservations[reservation].next;
        let before = self.reservations_of(interaction).take_while(|&other| other != reservation).last();
        match before {
            None => self.interactions[interaction].first_reservation = next,
            Some(before) => self.reservations[before].next = next,
        }
    }

    /// Ends all reservations that an interaction still has, none of them by a fault of its agent. The agents are the
    /// caller's to set free, once it is said what became of the interaction.
    pub(super) fn end_all(&mut self, slot: Slot<Interaction>, cause: ReservationEnd) -> Vec<Held> {
        let mut let_go = std::mem::take(&mut self.let_go);
        while self.reservations.get(self.interactions[slot].first_reservation).is_some() {
            let first = self.interactions[slot].first_reservation;
            let id = self.reservations[first].id;
            let_go.push((self.end_reservation(first, cause).agent, id));
        }
        let_go
    }

    /// The agents are as if the reservations had not been, except for the clock of the last offer.
    pub(super) fn free_without_fault(&mut self, mut let_go: Vec<Held>) {
        let now = self.now;
        for (agent, reservation) in let_go.drain(..) {
            let slot = self.who(agent);
            self.change_agent(slot, ReadyClock::Goes, |agent| {
                agent.lay_down(now, |work| work.reservation() == Some(reservation));
            });
        }
        self.let_go = let_go;
    }

    /// An interaction has lost an agent who was rung for it: where that was the last one, it waits again.
    pub(super) fn go_on_without(&mut self, slot: Slot<Interaction>) {
        match self.interactions[slot].stage {
            Stage::Waiting => self.wait_again(slot),
            Stage::Reserved { .. } => {}
            Stage::Handling { .. } => unreachable!("who is answered is rung for no more"),
        }
    }
}
