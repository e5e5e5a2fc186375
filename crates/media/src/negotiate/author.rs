//! Who signs what we say on a leg.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, ToSmolStr};

use crate::sdp::{Connection, Line, Media, Origin, Session};

/// The author of every description that we send on one leg: our `o=` identity and address.
///
/// RFC 3264 §8: the session identifier stays for the life of the dialog, the version rises by one
/// exactly when what is said changes, and an m-line once said stays in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    session_id: u64,
    address: IpAddr,
    version: u64,
    last: Option<Session>,
}

/// The version that the first description carries.
const FIRST_VERSION: u64 = 1;

impl Author {
    /// An author at our media address. `session_id` should be random, below 2^63 (RFC 8866 §5.2
    /// asks for a number that is unique in practice; some agents read it as signed).
    pub const fn new(session_id: u64, address: IpAddr) -> Author {
        Author { session_id: session_id & (u64::MAX >> 1), address, version: FIRST_VERSION, last: None }
    }

    /// Our media address on this leg.
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// What we said last on this leg: the `local` of [`super::agreed_streams`].
    pub const fn last(&self) -> Option<&Session> {
        self.last.as_ref()
    }

    /// Signs an offer: puts our identity on it and adds refused m-lines in the places that we used
    /// before. The version rises where anything else differs from what we said last.
    pub fn sign(&mut self, mut offer: Session) -> Session {
        if let Some(last) = &self.last {
            offer.media.extend(last.media.iter().skip(offer.media.len()).map(refused));
        }
        self.sign_answer(offer)
    }

    /// Signs an answer: the same, but the m-lines are those of the offer, whatever we used before.
    pub fn sign_answer(&mut self, mut answer: Session) -> Session {
        answer.origin = self.origin();
        if self.last.as_ref().is_some_and(|last| *last != answer) {
            self.version += 1;
            answer.origin = self.origin();
        }
        self.last = Some(answer.clone());
        answer
    }

    fn origin(&self) -> Origin {
        Origin {
            username: SmolStr::new_static("-"),
            session_id: self.session_id.to_smolstr(),
            version: self.version.to_smolstr(),
            address: Connection::new(self.address),
        }
    }

    /// The session-level lines of a description that is all our own.
    pub(super) fn own_lines(&self) -> Vec<Line> {
        vec![
            Line::Other('s', SmolStr::new_static("-")),
            Line::Connection(Box::new(Connection::new(self.address))),
            Line::Other('t', SmolStr::new_static("0 0")),
        ]
    }

    /// A description of ours with these m-lines, not yet signed.
    pub(super) fn own_session(&self, media: Vec<Media>) -> Session {
        Session { origin: self.origin(), lines: self.own_lines(), media }
    }
}

/// The same m-line with port 0 and nothing below (RFC 3264 §6: the formats do not matter).
pub(super) fn refused(media: &Media) -> Media {
    Media {
        kind: media.kind.clone(),
        port: 0,
        port_count: None,
        protocol: media.protocol.clone(),
        formats: media.formats.iter().take(1).cloned().collect(),
        lines: Vec::new(),
    }
}
