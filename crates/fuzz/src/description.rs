//! Descriptions of sessions (SDP), and what is negotiated from them.

use std::net::{IpAddr, Ipv4Addr};

use media::LocalPort;
use media::negotiate::{self, Author};
use media::sdp::{Limits, Session};

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const PORT: LocalPort = LocalPort(20_000);

/// An offer, or an offer and its answer with a NUL between them.
pub(super) fn run(octets: &[u8]) {
    let mut parts = octets.split(|&octet| octet == 0);
    let Some(offer) = parts.next().and_then(read) else { return };
    let ports = vec![Some(PORT); offer.media.len()];
    let mut author = Author::new(7, ADDRESS);
    if let Ok(answer) = negotiate::answer_ourselves(&mut author, &offer, PORT) {
        assert_eq!(answer.session.media.len(), offer.media.len(), "RFC 3264 §6: a line for each line");
        written(&answer.session);
        let _agreed = negotiate::agreed_streams(&answer.session, &offer);
    }
    let mut author = Author::new(8, ADDRESS);
    let Ok(relayed) = negotiate::relay_offer(&mut author, &offer, &ports) else { return };
    written(&relayed);
    assert_eq!(relayed.media.len(), offer.media.len());
    let Some(answer) = parts.next().and_then(read) else { return };
    let mut author = Author::new(9, ADDRESS);
    if let Ok(passed) = negotiate::relay_answer(&mut author, &offer, &answer, &ports) {
        assert_eq!(passed.media.len(), offer.media.len(), "RFC 3264 §6");
        written(&passed);
        let _agreed =
            (negotiate::agreed_streams(&relayed, &answer), negotiate::agreed_streams(&passed, &offer));
    }
}

fn read(octets: &[u8]) -> Option<Session> {
    let session = Session::parse(octets, &Limits::default()).ok()?;
    written(&session);
    for media in &session.media {
        let _read = (media.codecs(), media.ptime_ms(), media.is_plain_rtp(), session.direction(media));
        let _addresses = (session.rtp_address(media), session.rtcp_address(media));
    }
    Some(session)
}

/// What is written reads the same.
fn written(session: &Session) {
    let text = session.to_string();
    let again = Session::parse(text.as_bytes(), &Limits::default());
    assert!(again.as_ref() == Ok(session), "{session:?} is written {text:?} and read {again:?}");
}
