//! What callbacks change between two states.

use timing::Instant;

use super::Mirror;
use crate::state::{CallbackState, Phase, Stage};
use crate::{CallbackMode, Event, InteractionId, ReservationId};

/// Who is called first by a reservation.
pub(super) fn phase_of(callback: Option<CallbackMode>) -> Phase {
    match callback {
        Some(CallbackMode::CustomerFirst) => Phase::Calling,
        Some(CallbackMode::AgentFirst) | None => Phase::Ringing,
    }
}

impl Mirror {
    pub(super) fn callback(&mut self, event: &Event) -> Option<()> {
        match *event {
            Event::CallbackTaken { interaction, queue, .. } => {
                let rules = self.state.queues.get(&queue)?.settings.callback?;
                let taken = CallbackState { rules, taken: self.state.now, failed: 0, reached: None };
                let contact = self.contact(interaction)?;
                contact.callback = Some(taken);
                contact.entries.iter_mut().for_each(|entry| entry.wanted = None);
                Some(())
            }
            Event::CallbackRests { interaction, until, .. } => {
                self.put(interaction, Stage::Resting { until })
            }
            Event::CallbackWaits { interaction, .. } => self.put(interaction, Stage::Waiting),
            Event::CallbackCalling { reservation, deadline, .. } => {
                self.prolong(reservation, Phase::Calling, deadline)
            }
            Event::CallbackReached { reservation, deadline, .. } => {
                self.prolong(reservation, Phase::Ringing, deadline)
            }
            // Where an agent is held, the end of that reservation follows.
            Event::CallbackHolds { interaction, rested: true, .. } => self.put(interaction, Stage::Waiting),
            Event::CallbackHolds { rested: false, .. } => Some(()),
            _ => None,
        }
    }

    /// The phone of the customer rings.
    pub(super) fn alerts(&mut self, id: ReservationId) {
        if let Some(held) = self.state.reservations.get_mut(&id) {
            held.phase = Phase::Alerting;
        }
    }

    pub(super) fn put(&mut self, id: InteractionId, stage: Stage) -> Option<()> {
        self.contact(id).map(|contact| contact.stage = stage)
    }

    fn prolong(&mut self, id: ReservationId, phase: Phase, deadline: Instant) -> Option<()> {
        let held = self.state.reservations.get_mut(&id)?;
        (held.phase, held.deadline) = (phase, deadline);
        Some(())
    }
}
