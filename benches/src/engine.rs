//! What a load is given to.

use acd::{AgentId, Command, Distributor, Event, InteractionId, ReservationId};
use timing::Instant;

/// An agent is held for an interaction: what the load has to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What to accept.
    pub reservation: ReservationId,
    /// For whom.
    pub interaction: InteractionId,
    /// Who.
    pub agent: AgentId,
}

/// Takes commands and makes offers.
pub trait Engine {
    /// Carries one command out and adds the offers that follow from it.
    fn give(&mut self, now: Instant, command: Command, offers: &mut Vec<Offer>);

    /// Does what has become due by itself; whether anything had.
    fn run_due(&mut self, now: Instant, offers: &mut Vec<Offer>) -> bool;
}

impl Engine for Distributor {
    fn give(&mut self, now: Instant, command: Command, offers: &mut Vec<Offer>) {
        self.apply(now, command);
        drain(self, offers);
    }

    fn run_due(&mut self, now: Instant, offers: &mut Vec<Offer>) -> bool {
        let is_due = self.poll_timeout().is_some_and(|deadline| deadline <= now);
        if is_due {
            self.handle_timeout(now);
            drain(self, offers);
        }
        is_due
    }
}

/// Every event is taken out, as its owner must; a refusal is a fault of the load.
fn drain(distributor: &mut Distributor, offers: &mut Vec<Offer>) {
    while let Some(event) = distributor.poll_event() {
        if let Event::Reserved { reservation, interaction, agent, .. } = event {
            offers.push(Offer { reservation, interaction, agent });
        } else if let Event::Refused { command, refusal } = event {
            panic!("the load is legal, but {command:?} was refused: {refusal}");
        }
    }
}
