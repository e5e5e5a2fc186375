//! What happens by the passing of time alone.

use serde::{Deserialize, Serialize};
use timing::Instant;

use super::Distributor;
use crate::{AgentId, InteractionId, QueueId, ReservationEnd, ReservationId};

/// What becomes due. The order is that of equal deadlines: who becomes free comes before who gives up waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Deadline {
    AfterCallWork(AgentId),
    BackOff(AgentId),
    Exclusion(InteractionId, AgentId),
    Reservation(ReservationId),
    Step(InteractionId),
    MaxWait(InteractionId),
    Grace(QueueId),
}

/// A deadline with its exact time, which the wheel rounds up.
pub(crate) type Due = (Instant, Deadline);

impl Distributor {
    /// Runs everything that is due by exact time, then by kind and id; never by the order of scheduling, which
    /// is no part of the state. Nothing run here schedules anything that is due in the same call, because
    /// every duration is longer than zero. What an earlier one has made void is passed over.
    pub(super) fn run_deadlines(&mut self) {
        let mut due = Vec::new();
        while let Some(deadline) = self.deadlines.poll(self.now) {
            due.push(deadline);
        }
        due.sort_unstable();
        for deadline in due {
            if self.is_current(deadline) {
                self.run(deadline.1);
                self.settle();
            }
        }
    }

    fn is_current(&self, (at, deadline): Due) -> bool {
        match deadline {
            Deadline::AfterCallWork(id) | Deadline::BackOff(id) => {
                self.agents.get(&id).is_some_and(|agent| agent.due(id) == Some((at, deadline)))
            }
            Deadline::Exclusion(interaction, agent) => self
                .interactions
                .get(&interaction)
                .is_some_and(|interaction| interaction.state.exclusions.get(&agent) == Some(&at)),
            Deadline::Reservation(reservation) => self.reservations.contains_key(&reservation),
            Deadline::Step(interaction) => self.next_step(interaction) == Some(at),
            Deadline::MaxWait(interaction) => self.max_wait(interaction) == Some(at),
            Deadline::Grace(queue) => self.grace_end(queue) == Some(at),
        }
    }

    fn run(&mut self, deadline: Deadline) {
        match deadline {
            Deadline::AfterCallWork(agent) => self.leave_after_call_work(agent),
            Deadline::BackOff(agent) => self.make_idle(agent),
            Deadline::Exclusion(interaction, agent) => self.end_exclusion(interaction, agent),
            Deadline::Reservation(reservation) => self.fail_reservation(reservation, ReservationEnd::Expired),
            Deadline::Step(interaction) => self.advance_step(interaction),
            Deadline::MaxWait(interaction) => self.leave_if_overdue(interaction),
            Deadline::Grace(queue) => self.desert(queue),
        }
    }
}
