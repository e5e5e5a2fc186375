//! What a [`B2bua`](crate::B2bua) tells its application, and the names it uses.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Names a call. The word is Q.931's *call reference*; a *Call-ID* is a SIP header of one leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallRef(pub u64);

/// Names one attempt to reach somebody for a call: all phones of one agent, or one number. Chosen by
/// the application, unique within the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptId(pub u64);

/// One of the two who talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Who called us.
    Caller,
    /// Whom we called.
    Callee,
}

/// How an attempt came to nothing. Where the phones of one attempt fail in different ways the last of
/// these counts: the more a human had to do with it, the more it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FailureKind {
    /// No phone could be asked: no contact, no address, no connection, dead (no response at all).
    Unreachable,
    /// A phone could not be asked because we had no media port for it: no fault of the agent's.
    NoPort,
    /// A phone rang, or was asked, and nobody answered.
    NoAnswer,
    /// The phone says that its user is busy.
    Busy,
    /// The user, or a rule of the phone, said no.
    Rejected,
}

/// Why an attempt came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What it means.
    pub kind: FailureKind,
    /// The SIP status; 408, 480 or 503 where we speak for a phone that said nothing.
    pub status: u16,
}

/// Why a call is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HangUp {
    /// The caller gave up before an answer (CANCEL, or BYE while hearing music).
    Abandoned,
    /// This side ended the conversation.
    By(Side),
    /// No RTP came from this side for too long.
    Silent(Side),
    /// This side's phone never acknowledged our 200, or lost the dialog.
    Lost(Side),
    /// The call reached its maximum length, which counts from its arrival.
    TooLong,
    /// No local media port for the caller: all in use, or the system refused one.
    NoPort,
    /// The application said so.
    Requested,
}

impl HangUp {
    /// All of them, in order.
    pub const ALL: [HangUp; 10] = [
        HangUp::Abandoned,
        HangUp::By(Side::Caller),
        HangUp::By(Side::Callee),
        HangUp::Silent(Side::Caller),
        HangUp::Silent(Side::Callee),
        HangUp::Lost(Side::Caller),
        HangUp::Lost(Side::Callee),
        HangUp::TooLong,
        HangUp::NoPort,
        HangUp::Requested,
    ];

    /// Its name in metrics, logs and replies.
    pub fn name(self) -> &'static str {
        match self {
            HangUp::Abandoned => "abandoned",
            HangUp::By(Side::Caller) => "by_caller",
            HangUp::By(Side::Callee) => "by_agent",
            HangUp::Silent(Side::Caller) => "silent_caller",
            HangUp::Silent(Side::Callee) => "silent_agent",
            HangUp::Lost(Side::Caller) => "lost_caller",
            HangUp::Lost(Side::Callee) => "lost_agent",
            HangUp::TooLong => "too_long",
            HangUp::NoPort => "no_port",
            HangUp::Requested => "requested",
        }
    }
}

/// Why a call was refused before it was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RefusalCause {
    /// [`Settings::calls_max`](crate::Settings::calls_max) is reached: 503.
    Calls,
    /// No media port is free: 503.
    NoPort,
    /// We have no media address of the caller's family: 488.
    NoMediaAddress,
    /// Nothing in the offer can be relayed: 488.
    NothingToRelay,
    /// The offer leads to our own media ports, or to this machine where that is not allowed: 488.
    LeadsToUs,
    /// The body has no session description: 415.
    NoDescription,
    /// The session description breaks its grammar or a bound: 400.
    BadDescription,
}

impl RefusalCause {
    /// All of them, in order.
    pub const ALL: [RefusalCause; 7] = [
        RefusalCause::Calls,
        RefusalCause::NoPort,
        RefusalCause::NoMediaAddress,
        RefusalCause::NothingToRelay,
        RefusalCause::LeadsToUs,
        RefusalCause::NoDescription,
        RefusalCause::BadDescription,
    ];

    /// What the caller is answered.
    pub fn status(self) -> u16 {
        match self {
            RefusalCause::Calls | RefusalCause::NoPort => 503,
            RefusalCause::NoMediaAddress | RefusalCause::NothingToRelay | RefusalCause::LeadsToUs => 488,
            RefusalCause::NoDescription => 415,
            RefusalCause::BadDescription => 400,
        }
    }

    /// One word for labels and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            RefusalCause::Calls => "calls",
            RefusalCause::NoPort => "no_port",
            RefusalCause::NoMediaAddress => "no_media_address",
            RefusalCause::NothingToRelay => "nothing_to_relay",
            RefusalCause::LeadsToUs => "leads_to_us",
            RefusalCause::NoDescription => "no_description",
            RefusalCause::BadDescription => "bad_description",
        }
    }
}

/// What became of a call's media, known when its last termination is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// How long either side held the other.
    pub held: Duration,
    /// What the caller's termination counted (the first audio stream); `None` without anchoring.
    pub caller: Option<media::Statistics>,
    /// What the callee's termination counted.
    pub callee: Option<media::Statistics>,
}

/// What happened. A call is either refused at once ([`Event::Refused`], [`Event::RequestRefused`]), or begins
/// with [`Event::Arrived`], has exactly one [`Event::HungUp`] and ends with [`Event::Closed`], after which its
/// reference is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A call came in. Say `ring`, `play`, `dial` or `refuse`.
    Arrived {
        /// The new call.
        call: CallRef,
        /// Who calls whom, and every header that came along.
        invite: Box<sip::Invite>,
    },
    /// A phone of this attempt rings; said once.
    Ringing {
        /// The call.
        call: CallRef,
        /// The attempt.
        attempt: AttemptId,
    },
    /// Somebody picked up. Nothing is heard before `connect`; `drop_attempt` sends them away.
    Answered {
        /// The call.
        call: CallRef,
        /// The attempt.
        attempt: AttemptId,
    },
    /// An attempt came to nothing: no phone of it is left. It is not said of attempts that the
    /// application dropped.
    AttemptFailed {
        /// The call.
        call: CallRef,
        /// The attempt.
        attempt: AttemptId,
        /// Why.
        failure: Failure,
    },
    /// The conversation begins.
    Connected {
        /// The call.
        call: CallRef,
        /// The attempt that won.
        attempt: AttemptId,
    },
    /// The conversation is held by either side, or no longer by any.
    HoldChanged {
        /// The call.
        call: CallRef,
        /// Whether it is held now.
        held: bool,
    },
    /// Whoever was kept first in a call that we place has hung up ([`B2bua::keep`](crate::B2bua::keep)); the others are
    /// still tried, and whoever answers can be kept.
    Left {
        /// The call.
        call: CallRef,
        /// Why: what [`Event::HungUp`] would say.
        cause: HangUp,
    },
    /// The call is over for everybody; legs that are still there are being ended.
    HungUp {
        /// The call.
        call: CallRef,
        /// Why.
        cause: HangUp,
    },
    /// Nothing of the call is left.
    Closed {
        /// The call; its reference is unknown now.
        call: CallRef,
        /// What became of its media.
        summary: Box<Summary>,
    },
    /// A call was refused before it was one; it has no reference and no other event.
    Refused {
        /// Who called whom.
        invite: Box<sip::Invite>,
        /// Why.
        cause: RefusalCause,
    },
    /// A request was refused before it was even an invitation.
    RequestRefused(sip::RefusedRequest),
    /// An account has a new, changed or refreshed set of contacts, at least one.
    Registered {
        /// The account.
        account: String,
        /// How many contacts it has.
        contacts: usize,
    },
    /// An account has no contact any more.
    Unregistered {
        /// The account.
        account: String,
        /// Why the last one went.
        cause: sip::UnregisteredCause,
    },
}
