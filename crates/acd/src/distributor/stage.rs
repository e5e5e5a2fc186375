//! The stage of an interaction in as few bytes as it can be told in, with the first of the reservations that it may have.

use timing::Instant;

use super::{Interaction, Reservation};
use crate::AgentId;
use crate::state::Stage;
use crate::table::Slot;

/// What [`Stage`] says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KeptStage {
    Waiting,
    Reserved {
        most: u8,
        /// Of those by which agents are held for it; nowhere until there is one.
        first: Slot<Reservation>,
        since: Instant,
    },
    Resting {
        until: Instant,
    },
    /// Until the window of its queue opens.
    RestingShut,
    Handling {
        agent: AgentId,
        since: Instant,
    },
}

impl From<Stage> for KeptStage {
    fn from(stage: Stage) -> KeptStage {
        match stage {
            Stage::Waiting => KeptStage::Waiting,
            Stage::Reserved { since, most } => KeptStage::Reserved { most, first: Slot::NOWHERE, since },
            Stage::Resting { until: Some(until) } => KeptStage::Resting { until },
            Stage::Resting { until: None } => KeptStage::RestingShut,
            Stage::Handling { agent, since } => KeptStage::Handling { agent, since },
        }
    }
}

impl Interaction {
    #[inline]
    pub(crate) fn stage(&self) -> Stage {
        match self.stage {
            KeptStage::Waiting => Stage::Waiting,
            KeptStage::Reserved { most, since, .. } => Stage::Reserved { since, most },
            KeptStage::Resting { until } => Stage::Resting { until: Some(until) },
            KeptStage::RestingShut => Stage::Resting { until: None },
            KeptStage::Handling { agent, since } => Stage::Handling { agent, since },
        }
    }

    /// To another stage than before.
    #[inline]
    pub(super) fn enter_stage(&mut self, stage: Stage) {
        self.stage = stage.into();
    }

    /// One more may be rung for an interaction that is reserved, or one less.
    pub(super) fn ring_at_most(&mut self, agents: u8) {
        match &mut self.stage {
            KeptStage::Reserved { most, .. } => *most = agents,
            KeptStage::Waiting
            | KeptStage::Resting { .. }
            | KeptStage::RestingShut
            | KeptStage::Handling { .. } => unreachable!("only what is rung for is widened"),
        }
    }

    /// The first of the reservations by which agents are held for it; nowhere where there is none.
    #[inline]
    pub(crate) fn first_reservation(&self) -> Slot<Reservation> {
        match self.stage {
            KeptStage::Reserved { first, .. } => first,
            KeptStage::Waiting
            | KeptStage::Resting { .. }
            | KeptStage::RestingShut
            | KeptStage::Handling { .. } => Slot::NOWHERE,
        }
    }

    /// Of one that is reserved.
    pub(crate) fn begin_reservations_with(&mut self, reservation: Slot<Reservation>) {
        match &mut self.stage {
            KeptStage::Reserved { first, .. } => *first = reservation,
            KeptStage::Waiting
            | KeptStage::Resting { .. }
            | KeptStage::RestingShut
            | KeptStage::Handling { .. } => unreachable!("agents are held for what is reserved"),
        }
    }
}
