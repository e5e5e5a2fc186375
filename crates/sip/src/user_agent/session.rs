//! What a user agent remembers of one INVITE usage.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::{ExchangeId, FailureCause, HeaderField};
use super::rate::Rate;
use super::settings::TrunkId;
use crate::dialog::{Dialog, DialogState};
use crate::locate::Locator;
pub(super) use crate::locate::Target;
use crate::transaction::{ClientId, ServerId};
use crate::{Message, Method};

/// One INVITE usage: see [`SessionId`](super::SessionId).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) phase: Phase,
    /// Our tag: by it messages find the session.
    pub(super) local_tag: String,
    /// Whose credentials answer a challenge: only those of the trunk that the session goes over.
    pub(super) trunk: Option<TrunkId>,
    /// Whether the other side is a phone that only its flow reaches.
    pub(super) is_bound_to_flow: bool,
    /// Early ones, one for each fork; after the answer the confirmed one alone.
    pub(super) dialogs: Vec<Dialog>,
    pub(super) exchanges: BTreeMap<ExchangeId, Exchange>,
    /// Of the other side's requests.
    pub(super) rate: Rate,
}

/// Where a session stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Phase {
    /// Ours: the DNS was asked where to send the INVITE.
    Locating {
        /// The INVITE as far as it can be written without knowing the way.
        invite: Box<Message>,
        locator: Box<Locator>,
    },
    /// Ours: sent, not answered.
    Calling(Box<Calling>),
    /// Ours: answered, and the application must still answer the offer of the 2xx.
    Unacknowledged { client: ClientId, cseq: u32 },
    /// Theirs: not answered.
    Ringing { server: ServerId },
    /// Theirs: answered, the ACK has not come.
    Accepted {
        server: ServerId,
        /// The application has hung up meanwhile: the headers of the BYE to come.
        bye: Option<Vec<HeaderField>>,
    },
    /// Answered and acknowledged.
    Confirmed,
    /// A BYE of ours waits for its answer. Over for the application.
    Ending,
}

/// An INVITE of ours on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Calling {
    pub(super) client: ClientId,
    /// Addresses not yet tried, the next first.
    pub(super) targets: Vec<Target>,
    /// Challenges answered so far.
    pub(super) challenges: u8,
    pub(super) cancel: Cancel,
    /// Who answers although the CANCEL is on its way is taken.
    pub(super) takes_late: bool,
}

/// Whether an INVITE of ours is to be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Cancel {
    /// No.
    No,
    /// Yes, as soon as a provisional response allows it (RFC 3261 §9.1).
    Wanted { headers: Vec<HeaderField> },
    /// The CANCEL was sent; what the application will be told.
    Sent { cause: FailureCause },
}

/// A request inside a session that is not finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Exchange {
    /// Theirs: the application has not answered.
    Asked {
        server: ServerId,
        method: Method,
        /// Whether it may change the session: INVITE, or UPDATE with a body.
        is_offer: bool,
        /// The dialog it came in.
        remote_tag: Vec<u8>,
    },
    /// Theirs: a re-INVITE answered with 2xx, its ACK has not come.
    Accepted { server: ServerId, cseq: u32 },
    /// Ours: not answered.
    Asking {
        client: ClientId,
        method: Method,
        is_offer: bool,
        remote_tag: Vec<u8>,
        /// Challenges answered so far.
        challenges: u8,
        cancel: ExchangeCancel,
    },
    /// Ours: a re-INVITE without a body that was answered; the application must answer the offer.
    Unacknowledged { client: ClientId, cseq: u32 },
}

/// Whether a re-INVITE of ours is to be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ExchangeCancel {
    /// No.
    No,
    /// Yes, as soon as a provisional response allows it.
    Wanted,
    /// The CANCEL was sent.
    Sent,
}

impl Session {
    /// The dialog that requests of the application go through: the confirmed one or the newest early one.
    pub(super) fn dialog_mut(&mut self) -> Option<&mut Dialog> {
        self.dialogs.last_mut()
    }

    pub(super) fn dialog_for(&mut self, call_id: &[u8], remote_tag: &[u8]) -> Option<&mut Dialog> {
        self.dialogs.iter_mut().find(|dialog| dialog.is_for(call_id, remote_tag))
    }

    pub(super) fn dialog_with(&mut self, remote_tag: &[u8]) -> Option<&mut Dialog> {
        self.dialogs.iter_mut().find(|dialog| dialog.remote_tag() == remote_tag)
    }

    /// Keeps this dialog alone, confirmed.
    pub(super) fn confirm(&mut self, dialog: Dialog) {
        self.dialogs = vec![dialog];
    }

    /// Whether an offer of ours waits for its answer or that answer for its ACK.
    pub(super) fn has_own_offer(&self) -> bool {
        self.exchanges.values().any(|exchange| match exchange {
            Exchange::Asking { is_offer, .. } => *is_offer,
            Exchange::Unacknowledged { .. } => true,
            Exchange::Asked { .. } | Exchange::Accepted { .. } => false,
        })
    }

    /// Whether an offer of theirs waits for our answer or our answer for its ACK.
    pub(super) fn has_their_offer(&self) -> bool {
        self.exchanges.values().any(|exchange| match exchange {
            Exchange::Asked { is_offer, .. } => *is_offer,
            Exchange::Accepted { .. } => true,
            Exchange::Asking { .. } | Exchange::Unacknowledged { .. } => false,
        })
    }

    pub(super) fn asked_count(&self) -> usize {
        self.exchanges.values().filter(|exchange| matches!(exchange, Exchange::Asked { .. })).count()
    }

    pub(super) fn is_confirmed(&self) -> bool {
        self.dialogs.iter().any(|dialog| dialog.state == DialogState::Confirmed)
    }
}
