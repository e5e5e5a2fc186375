//! The whole story of one call, told once, when nothing of it is left.

use std::time::Duration;

use acd::{AgentId, InteractionId, QueueId};
use serde::{Deserialize, Serialize};
use timing::Instant;

/// What the engine tells whoever logs and reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// A call is over and nothing of it is left.
    CallEnded(Box<CallRecord>),
    /// A call was refused before it became an interaction.
    CallRefused {
        /// Who called.
        caller: String,
        /// The number dialled.
        called: String,
        /// Whence.
        origin: sip::Origin,
        /// What we answered.
        status: u16,
        /// Why.
        cause: RefusalCause,
    },
    /// An agent's phone registered or its registration ended.
    RegistrationChanged {
        /// The account.
        account: String,
        /// How many contacts it has now.
        contacts: usize,
    },
    /// The distributor refused a command of ours and no race explains it: a bound is reached, or the
    /// configuration is wrong.
    CommandRefused {
        /// Which command.
        command: Box<acd::Command>,
        /// Why.
        refusal: acd::Refusal,
    },
}

/// Why a call never became an interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusalCause {
    /// No entry fits the dialled number: 404.
    UnknownNumber,
    /// We are going down: 503.
    Draining,
    /// The distributor has no room: 503.
    Full,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Outcome {
    /// An agent talked to the caller.
    Answered,
    /// The caller gave up while waiting.
    Abandoned,
    /// It left its queue by a rule and was refused, ended, or sent to a number.
    Overflowed,
    /// We could not go on: media ports, lost signalling before an answer.
    Failed,
}

/// One attempt to reach an agent or a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// Who; `None` for a number outside.
    pub agent: Option<AgentId>,
    /// When it began.
    pub at: Instant,
    /// How long it rang or talked to nobody.
    pub lasted: Duration,
    /// How it ended; `None`: answered.
    pub failure: Option<b2bua::Failure>,
    /// We ended it: the reservation expired, or the caller went.
    pub withdrawn: bool,
}

/// The whole story of one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// Its interaction.
    pub interaction: InteractionId,
    /// The Call-ID of the caller's leg.
    pub call_id: String,
    /// Who called: the number or name in P-Asserted-Identity, else From.
    pub caller: String,
    /// The number dialled.
    pub called: String,
    /// Whence.
    pub origin: sip::Origin,
    /// Every header that came along and that we do not manage ourselves.
    pub attributes: Vec<sip::HeaderField>,
    /// The queue it waited in last.
    pub queue: QueueId,
    /// How it ended.
    pub outcome: Outcome,
    /// When it arrived.
    pub arrived: Instant,
    /// When an agent answered.
    pub answered: Option<Instant>,
    /// When it was over for the caller.
    pub ended: Instant,
    /// Whom it reached.
    pub agent: Option<AgentId>,
    /// Whom it tried, the first [`ATTEMPTS_MAX`].
    pub attempts: Vec<AttemptRecord>,
    /// All attempts, those beyond the list included.
    pub attempts_total: u32,
    /// Why it was over.
    pub cause: b2bua::HangUp,
    /// Hold time and media figures.
    pub summary: b2bua::Summary,
}

/// How many attempts a record lists.
pub const ATTEMPTS_MAX: usize = 16;

impl CallRecord {
    /// From arrival to the answer, or to the end where there was none.
    pub fn waited(&self) -> Duration {
        self.answered.unwrap_or(self.ended).since(self.arrived)
    }

    /// Talk time without holds; zero where nobody answered.
    pub fn talked(&self) -> Duration {
        self.answered
            .map_or(Duration::ZERO, |answered| self.ended.since(answered).saturating_sub(self.summary.held))
    }
}
