//! Offer and answer (RFC 3264) as functions over descriptions.
//!
//! Each leg has one [`Author`]: the identity of what *we* say on that leg. It counts versions and
//! remembers how many m-lines it has used, because they never become fewer (RFC 3264 §8).
//!
//! | the B2BUA wants | it calls |
//! |---|---|
//! | pass one leg's offer to the other | [`relay_offer`] with the other leg's author |
//! | pass the answer back | [`relay_answer`] with the first leg's author |
//! | play music to a caller who offered | [`answer_ourselves`] |
//! | offer the agent what the caller has agreed to | [`offer_ourselves`] |
//! | know what to tell the relay | [`agreed_streams`] over a leg's own pair |
//!
//! ICE, SRTP keys, bundling, SSRC names and RTCP feedback are dropped from what is relayed: the
//! relay ends them and cannot honour them. Whatever else stands in a description is passed on.

mod author;
mod own;
mod relayed;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use author::Author;
pub use own::{OwnAnswer, answer_ourselves, full_list, offer_ourselves};
pub use relayed::{relay_answer, relay_offer};

use crate::port::LocalPort;
use crate::sdp::{Media, Session};
use crate::stream::{Codec, StreamDescription};

/// Why there is no description to send. The peer's offer is to blame, not the peer: the answer is
/// 488 Not Acceptable Here, or ringback instead of music.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NegotiationError {
    /// No audio m-line in use that is plain RTP.
    NoAudio,
    /// Audio, but none of the codecs that we speak (G.711): music is impossible, relaying is not.
    CodecMismatch,
    /// No m-line that the relay can carry (all refused, SRTP only, T.38 only ...).
    NothingToRelay,
    /// No local port given for any m-line that could be relayed.
    NoPort,
}

impl fmt::Display for NegotiationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NegotiationError::NoAudio => "the offer has no audio over plain RTP",
            NegotiationError::CodecMismatch => "the offer has no G.711",
            NegotiationError::NothingToRelay => "the offer has nothing that can be relayed",
            NegotiationError::NoPort => "no local port for any m-line",
        })
    }
}

impl std::error::Error for NegotiationError {}

/// How many m-lines of a description are carried: sound and a picture. Each takes a port pair on either
/// leg, and whoever offers more must not empty the pool; further ones are refused with port 0.
pub const LINES_MAX: usize = 2;

/// Which m-lines of an offer are carried, in order: those for which the B2BUA allocates a port pair on
/// each leg. The first [`LINES_MAX`] that the relay can carry, the first audio always among them.
pub fn relayable(offer: &Session) -> Vec<bool> {
    let is_audio = |media: &Media| is_relayable(media) && media.kind == "audio";
    let audio = offer.media.iter().position(is_audio);
    let mut room = LINES_MAX - usize::from(audio.is_some());
    let carried = |(index, media): (usize, &Media)| {
        if Some(index) == audio {
            return true;
        }
        let carried = is_relayable(media) && room > 0;
        room -= usize::from(carried);
        carried
    };
    offer.media.iter().enumerate().map(carried).collect()
}

fn is_relayable(media: &Media) -> bool {
    media.port != 0 && media.is_plain_rtp()
}

/// The streams of one leg after offer and answer, by position: what the relay has to know. `None`
/// for m-lines that are refused by either or that are not plain RTP.
///
/// `local` is what we said last on this leg and `remote` what the far end said last, whichever of
/// the two was the offer.
pub fn agreed_streams(local: &Session, remote: &Session) -> Vec<Option<StreamDescription>> {
    local
        .media
        .iter()
        .zip(&remote.media)
        .map(|(ours, theirs)| {
            if !is_relayable(ours) || !is_relayable(theirs) {
                return None;
            }
            let mux = ours.attribute("rtcp-mux").is_some() && theirs.attribute("rtcp-mux").is_some();
            let rtp = remote.rtp_address(theirs);
            let (our_codecs, their_codecs) = (ours.codecs(), theirs.codecs());
            Some(StreamDescription {
                remote: rtp,
                remote_rtcp: if mux { rtp } else { remote.rtcp_address(theirs) },
                direction: local.direction(ours).and(remote.direction(theirs).reversed()),
                receive: shared(&our_codecs, &their_codecs),
                send: shared(&their_codecs, &our_codecs),
                ptime_ms: theirs.ptime_ms(),
                mux,
            })
        })
        .collect()
}

/// What of `list` the other list has too: only that may be sent (RFC 3264 §6.1, §7), under the
/// numbers of `list`.
fn shared(list: &[Codec], other: &[Codec]) -> Vec<Codec> {
    list.iter().filter(|codec| other.iter().any(|theirs| codec.same_format(theirs))).cloned().collect()
}

/// The streams of a leg that we have made an offer on and have no answer from, by position: ports
/// can be opened with these before the phone answers.
pub fn waiting_streams(local: &Session) -> Vec<Option<StreamDescription>> {
    local
        .media
        .iter()
        .map(|ours| is_relayable(ours).then(|| StreamDescription::waiting(ours.codecs())))
        .collect()
}

/// The local RTP port that a description of ours names for an m-line.
pub fn local_port(local: &Session, media: usize) -> Option<LocalPort> {
    local.media.get(media).map(|media| media.port).filter(|&port| port != 0).map(LocalPort)
}

#[cfg(test)]
mod tests;
