//! Descriptions that are all our own: for music, and for an agent who is offered what the caller
//! has already agreed to.

use smol_str::{SmolStr, ToSmolStr};

use serde::{Deserialize, Serialize};

use super::author::{Author, refused};
use super::{NegotiationError, is_relayable};
use crate::g711::Law;
use crate::port::LocalPort;
use crate::sdp::{Line, Media, Session};
use crate::stream::{Codec, Direction};

/// Our answer to an offer that we serve ourselves, and what it agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnAnswer {
    /// The answer to send.
    pub session: Session,
    /// Which m-line it serves; the others are refused.
    pub media: usize,
    /// The G.711 law agreed.
    pub law: Law,
    /// What was agreed, in order: G.711 and, where offered, telephone-event, with the numbers of
    /// the offer. To offer an agent the same, pass it to [`offer_ourselves`].
    pub codecs: Vec<Codec>,
}

/// Answers an offer with our own audio: the first plain RTP audio m-line that has G.711, with
/// the law that the caller put first, and telephone-event where offered. Directions are mirrored.
pub fn answer_ourselves(
    author: &mut Author,
    offer: &Session,
    port: LocalPort,
) -> Result<OwnAnswer, NegotiationError> {
    let audio = |media: &&Media| media.kind == "audio" && is_relayable(media);
    if !offer.media.iter().any(|media| audio(&media)) {
        return Err(NegotiationError::NoAudio);
    }
    let (index, offered, g711) = offer
        .media
        .iter()
        .enumerate()
        .filter(|(_, media)| audio(media))
        .find_map(|(index, media)| Some((index, media, media.codecs().into_iter().find(is_g711)?)))
        .ok_or(NegotiationError::CodecMismatch)?;
    let law = g711.law().expect("found by its law");
    let mut codecs = vec![g711];
    codecs.extend(offered.codecs().into_iter().find(is_our_event));
    let direction = offer.direction(offered).reversed();
    let mut answered = audio_media(port, &codecs, direction);
    answered.protocol.clone_from(&offered.protocol);
    for name in ["mid", "rtcp-mux"] {
        // RFC 5888 §9.1: the answer repeats a=mid; RFC 5761 §5.1.1: mux is accepted by repeating it.
        if let Some(attribute) = offered.attributes().find(|attribute| attribute.name == name) {
            answered.lines.push(Line::Attribute(attribute.clone()));
        }
    }
    let mut media: Vec<Media> = offer.media.iter().map(refused).collect();
    media[index] = answered;
    let session = author.sign_answer(author.own_session(media));
    Ok(OwnAnswer { session, media: index, law, codecs })
}

/// Makes an offer of one audio m-line with these codecs: what a caller has agreed to
/// ([`OwnAnswer::codecs`], with the caller's numbers) or [`full_list`].
pub fn offer_ourselves(
    author: &mut Author,
    port: LocalPort,
    codecs: &[Codec],
    direction: Direction,
) -> Session {
    author.sign(author.own_session(vec![audio_media(port, codecs, direction)]))
}

/// Everything that we speak: both laws and telephone-event as 101.
pub fn full_list() -> Vec<Codec> {
    vec![Codec::pcmu(), Codec::pcma(), Codec::telephone_event(101)]
}

fn is_g711(codec: &Codec) -> bool {
    codec.law().is_some()
}

/// Telephone-event shares its timestamps with the audio, so only that of our clock rate will do.
fn is_our_event(codec: &Codec) -> bool {
    codec.is_telephone_event() && codec.clock_rate == 8_000
}

fn audio_media(port: LocalPort, codecs: &[Codec], direction: Direction) -> Media {
    let mut lines = Vec::new();
    for codec in codecs {
        let channels = if codec.channels > 1 { format!("/{}", codec.channels) } else { String::new() };
        let number = codec.payload_type;
        if !codec.name.is_empty() {
            lines.push(Line::attribute(
                "rtpmap",
                format!("{number} {}/{}{channels}", codec.name, codec.clock_rate),
            ));
        }
        if let Some(parameters) = &codec.parameters {
            lines.push(Line::attribute("fmtp", format!("{number} {parameters}")));
        }
    }
    lines.push(Line::attribute("ptime", "20"));
    lines.push(Line::flag(direction.name()));
    Media {
        kind: SmolStr::new_static("audio"),
        port: port.0,
        port_count: None,
        protocol: SmolStr::new_static("RTP/AVP"),
        formats: codecs.iter().map(|codec| codec.payload_type.to_smolstr()).collect(),
        lines,
    }
}
