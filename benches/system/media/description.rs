//! Session descriptions of audio on loopback.

/// G.711 at this port.
pub(super) fn description(port: u16) -> String {
    format!(
        "v=0\r\no=bench {port} 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

/// The port of the audio that a text describes, a message or an answer around it.
pub(super) fn audio_port(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("\nm=audio ")?;
    rest.split(' ').next()?.parse().ok().filter(|&port| port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_a_description_is_found_and_a_refused_stream_has_none() {
        assert_eq!(audio_port(&description(4_000)), Some(4_000));
        assert_eq!(audio_port(&format!("SIP/2.0 200 OK\r\n\r\n{}", description(4_002))), Some(4_002));
        assert_eq!(audio_port(&description(0)), None);
        assert_eq!(audio_port("SIP/2.0 486 Busy Here\r\n\r\n"), None);
    }
}
