//! The part of the books that speaks of callbacks.

use timing::Instant;

use super::Violation;
use super::ledger::{Held, Ledger};
use super::line::{Calls, Stand, Stay};
use crate::{CallbackEnd, Event, InteractionId, ReservationId};

impl Stay {
    /// The customer asked to be called back and is not on the line.
    pub(super) fn is_pending(&self) -> bool {
        self.callback.is_some_and(|calls| !calls.reached)
    }
}

impl Ledger {
    pub(super) fn callback(&mut self, event: &Event) -> Result<(), Violation> {
        match *event {
            Event::CallbackTaken { interaction, queue, .. } => {
                self.expect(interaction, |stand| stand == Stand::Waiting)?;
                let calls = Some(Calls { failed: 0, reached: false });
                self.unlist(interaction);
                let stay = self.stay(interaction)?;
                stay.wants = None;
                let before = std::mem::replace(&mut stay.callback, calls);
                self.list(interaction);
                self.count(queue, |counters| counters.callbacks_taken += 1);
                if before.is_none() { Ok(()) } else { Err(Violation::Lost(interaction)) }
            }
            Event::CallbackRests { interaction, until, failed, .. } => {
                self.expect(interaction, |stand| stand == Stand::Waiting)?;
                if self.pending(interaction)?.failed != failed {
                    return Err(Violation::Lost(interaction));
                }
                self.put(interaction, Stand::Resting(until))
            }
            Event::CallbackWaits { interaction, .. } => self.callback_waits(interaction),
            Event::CallbackCalling { reservation, interaction, deadline, .. } => {
                self.pending(interaction)?;
                self.prolong(reservation, interaction, deadline)
            }
            Event::CallbackReached { reservation, interaction, deadline, .. } => {
                self.pending(interaction)?.reached = true;
                if let Some(held) = self.held.get_mut(&reservation) {
                    held.alerting = false;
                }
                self.prolong(reservation, interaction, deadline)
            }
            Event::CallbackHolds { interaction, rested, .. } => self.callback_holds(interaction, rested),
            Event::CalledBack { interaction, queue, agent, waited, failed, .. } => {
                self.expect(interaction, |stand| stand == Stand::Accepted(agent))?;
                let calls = self.stay(interaction)?.callback.as_mut().ok_or(Violation::Lost(interaction))?;
                calls.reached = true;
                if calls.failed != failed {
                    return Err(Violation::Lost(interaction));
                }
                self.leave(interaction, queue, waited, |counters| counters.called_back += 1)?;
                self.put(interaction, Stand::Handled(agent, queue))
            }
            Event::CallbackEnded { interaction, queue, waited, failed, cause, was_in_line, .. } => {
                let lost = Err(Violation::Lost(interaction));
                let stand = self.stay(interaction)?.stand;
                if self.pending(interaction)?.failed != failed
                    || (was_in_line && stand != Stand::Waiting)
                    || !matches!(stand, Stand::Waiting | Stand::Resting(_))
                    || (cause == CallbackEnd::Unreached && failed == 0)
                {
                    return lost;
                }
                self.leave(interaction, queue, waited, |counters| counters.callbacks_ended += 1)?;
                self.forget(interaction)
            }
            _ => Ok(()),
        }
    }

    /// The callback, which must be one whose customer is not on the line.
    pub(super) fn pending(&mut self, id: InteractionId) -> Result<&mut Calls, Violation> {
        let calls = self.stay(id)?.callback.as_mut().filter(|calls| !calls.reached);
        calls.ok_or(Violation::Lost(id))
    }

    /// The customer is on the line, without anybody for whom the customer was called.
    fn callback_holds(&mut self, id: InteractionId, rested: bool) -> Result<(), Violation> {
        self.pending(id)?.reached = true;
        match (self.stay(id)?.stand, rested) {
            (Stand::Resting(_), true) => self.put(id, Stand::Waiting),
            (Stand::Waiting | Stand::Reserved, false) => Ok(()),
            _ => Err(Violation::Lost(id)),
        }
    }

    /// The agent is gone for whom a customer was called: an attempt, where the phone rang.
    pub(super) fn note_alerted(&mut self, id: InteractionId, held: Held) {
        if held.alerting
            && let Ok(calls) = self.pending(id)
        {
            calls.failed += 1;
        }
    }

    fn callback_waits(&mut self, id: InteractionId) -> Result<(), Violation> {
        let now = self.now;
        match self.stay(id)?.stand {
            Stand::Resting(Some(until)) if now < until => Err(Violation::Overslept(id)),
            Stand::Resting(_) => self.put(id, Stand::Waiting),
            Stand::Waiting | Stand::Reserved | Stand::Accepted(_) | Stand::Handled(..) | Stand::Gone => {
                Err(Violation::Lost(id))
            }
        }
    }

    /// The reservation goes on until then.
    fn prolong(
        &mut self,
        id: ReservationId,
        interaction: InteractionId,
        deadline: Instant,
    ) -> Result<(), Violation> {
        self.expect(interaction, |stand| stand == Stand::Reserved)?;
        let held = self.held.get_mut(&id).ok_or(Violation::StaleReservation(id))?;
        self.deadlines.remove(&(held.deadline, id));
        held.deadline = deadline;
        self.deadlines.insert((deadline, id));
        if deadline <= self.now { Err(Violation::Overdue(id)) } else { Ok(()) }
    }
}
