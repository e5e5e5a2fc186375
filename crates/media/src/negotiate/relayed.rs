//! Passing one leg's description to the other leg.

use super::author::{Author, refused};
use super::{NegotiationError, is_relayable};
use crate::port::LocalPort;
use crate::sdp::{Attribute, Connection, Line, Media, Session};

/// Attributes that promise what the relay does not do: ICE (RFC 8839), SDES and DTLS keys (RFC
/// 4568, RFC 8842), one port for several m-lines (RFC 9143), SSRC names (RFC 5576, the relay has
/// its own SSRCs), RTCP extensions (RFC 4585, RFC 3611), and ports of the other side (RFC 3605).
const DROPPED: [&str; 29] = [
    "candidate",
    "remote-candidates",
    "end-of-candidates",
    "ice-ufrag",
    "ice-pwd",
    "ice-options",
    "ice-lite",
    "ice-mismatch",
    "ice-pacing",
    "crypto",
    "fingerprint",
    "setup",
    "tls-id",
    "dtls-id",
    "key-mgmt",
    "zrtp-hash",
    "identity",
    "bundle-only",
    "ssrc",
    "ssrc-group",
    "msid",
    "msid-semantic",
    "rtcp",
    "rtcp-fb",
    "rtcp-xr",
    "rtcp-mux-only",
    "rtcp-rsize",
    "rtcpping",
    "altc",
];

/// Rewrites the offer of one leg as our offer on the other leg: our identity, our address, our
/// ports; every codec, direction, ptime and unknown line as it was.
///
/// `ports` are our RTP ports on the other leg, one per m-line of the offer ([`super::relayable`]
/// says where one is needed); `None` refuses the m-line on that leg.
pub fn relay_offer(
    author: &mut Author,
    offer: &Session,
    ports: &[Option<LocalPort>],
) -> Result<Session, NegotiationError> {
    if !offer.media.iter().any(is_relayable) {
        return Err(NegotiationError::NothingToRelay);
    }
    let media: Vec<Media> = offer
        .media
        .iter()
        .enumerate()
        .map(|(index, media)| relay_media(author, offer, media, ports.get(index).copied().flatten()))
        .collect();
    if media.iter().all(|media| media.port == 0) {
        return Err(NegotiationError::NoPort);
    }
    let session = Session { origin: offer.origin.clone(), lines: session_lines(author, offer), media };
    Ok(author.sign(session))
}

/// Rewrites the answer of one leg as our answer on the leg whose `offer` it answers. `ports` are
/// our RTP ports on that leg. The answer has the m-lines of `offer`, no more and no fewer (RFC
/// 3264 §6); what the answerer refused or left out is refused.
pub fn relay_answer(
    author: &mut Author,
    offer: &Session,
    answer: &Session,
    ports: &[Option<LocalPort>],
) -> Result<Session, NegotiationError> {
    let media = offer
        .media
        .iter()
        .enumerate()
        .map(|(index, offered)| match answer.media.get(index) {
            Some(answered) if is_relayable(offered) && answered.kind == offered.kind => {
                let port = ports.get(index).copied().flatten();
                let mut media = relay_media(author, answer, answered, port);
                // RFC 3264 §6: the answer repeats the transport of the offer. AVP and AVPF differ
                // in RTCP feedback only, which is not relayed.
                media.protocol.clone_from(&offered.protocol);
                media
            }
            Some(_) | None => refused(offered),
        })
        .collect();
    let session = Session { origin: answer.origin.clone(), lines: session_lines(author, answer), media };
    Ok(author.sign_answer(session))
}

/// One m-line as we say it on the other leg.
fn relay_media(author: &Author, session: &Session, media: &Media, port: Option<LocalPort>) -> Media {
    let Some(port) = port.filter(|_| is_relayable(media)) else {
        return refused(media);
    };
    let mut relayed = Media { port: port.0, port_count: None, ..media.clone() };
    relayed.lines.retain(kept);
    for line in &mut relayed.lines {
        if let Line::Connection(connection) = line {
            **connection = Connection::new(author.address());
        }
    }
    // The old hold (c=0.0.0.0) is lost with its address and must be said in today's words. A
    // direction at session level stays where it is unless that hold narrows it.
    let direction = session.direction(media);
    let said = media
        .attributes()
        .chain(session.attributes())
        .find_map(|attribute| crate::Direction::from_name(&attribute.name))
        .unwrap_or_default();
    if said != direction {
        relayed.set_direction(direction);
    }
    relayed
}

fn session_lines(author: &Author, session: &Session) -> Vec<Line> {
    let mut lines: Vec<Line> = session
        .lines
        .iter()
        .filter(|line| kept(line))
        .map(|line| match line {
            Line::Connection(_) => Line::Connection(Box::new(Connection::new(author.address()))),
            Line::Attribute(_) | Line::Other(..) => line.clone(),
        })
        .collect();
    // Without c= at session level every m-line has its own, except those that we refuse.
    if session.connection().is_none() {
        let after =
            lines.iter().take_while(|line| matches!(line, Line::Other('s' | 'i' | 'u' | 'e' | 'p', _)));
        let place = after.count();
        lines.insert(place, Line::Connection(Box::new(Connection::new(author.address()))));
    }
    lines
}

fn kept(line: &Line) -> bool {
    match line {
        Line::Attribute(attribute) => !is_dropped(attribute),
        // k= carries a key in the clear (RFC 8866 §5.12: obsolete).
        Line::Other(letter, _) => *letter != 'k',
        Line::Connection(_) => true,
    }
}

fn is_dropped(attribute: &Attribute) -> bool {
    if attribute.name.eq_ignore_ascii_case("group") {
        return attribute.value.as_deref().is_some_and(|value| value.trim_start().starts_with("BUNDLE"));
    }
    DROPPED.iter().any(|name| attribute.name.eq_ignore_ascii_case(name))
}
