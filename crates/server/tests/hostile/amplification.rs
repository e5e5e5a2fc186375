//! Whoever forges the source of a datagram has our answers sent to somebody else.

use std::net::{SocketAddr, UdpSocket};

use crate::centre::{Centre, invite, send, trunk_address, udp_phone};
use crate::phone::{Line, PATIENCE, Phone};

/// Queue and number with music, and timers of SIP that are over in 3.2 s (64*T1).
const MUSIC: &str = "[sip.timers]\nt1 = \"50ms\"\nt2 = \"500ms\"\n\
    [[queue]]\nname = \"music\"\n[[entry]]\nnumber = \"100\"\nqueue = \"music\"\n";

fn offer(ear: &UdpSocket) -> String {
    let SocketAddr::V4(address) = ear.local_addr().expect("it is bound") else { panic!("an IPv4 address") };
    let (host, port) = (address.ip(), address.port());
    // As long as those of real phones.
    format!(
        "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 8 101\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n\
         a=ptime:20\r\na=sendrecv\r\n"
    )
}

/// All octets that wait in a socket.
fn drain(socket: &UdpSocket) -> usize {
    socket.set_nonblocking(true).expect("an option of every socket");
    let mut buffer = [0; 65_535];
    let mut octets = 0;
    while let Ok(length) = socket.recv(&mut buffer) {
        octets += length;
    }
    octets
}

/// Calls that were accepted and never acknowledged, until their centre has given them up.
fn until_given_up(centre: &Centre) {
    centre.await_figure("cordboard_calls_total", "", |ended| ended == 1.0);
    centre.await_figure("cordboard_sip_transactions", "", |left| left == 0.0);
}

#[test]
fn who_calls_in_the_name_of_another_has_no_more_than_three_octets_sent_there_for_one() {
    let mut centre = Centre::start("amplification", MUSIC);
    let host = trunk_address();
    let mut forged = udp_phone(&centre, host, 0);
    let ear = UdpSocket::bind((host, 0)).expect("all of 127.0.0.0/8 is ours");
    let call = invite(&forged, "forged", offer(&ear).as_bytes());
    send(&mut forged, &call);
    // The answer itself comes: an honest caller needs it.
    let Some(trying) = forged.receive() else { panic!("it is a socket") };
    let Some(answer) = forged.receive() else { panic!("it is a socket") };
    assert_eq!((trying.status(), answer.status()), (Some(100), Some(200)));
    until_given_up(&centre);
    let Line::Udp(socket, _) = &forged.line else { panic!("it is a socket") };
    let octets = trying.0.len() + answer.0.len() + drain(socket) + drain(&ear);
    assert!(octets <= 3 * call.len(), "{octets} octets for {}", call.len());
    centre.is_alive("a forged call");
}

#[test]
fn who_has_shown_to_be_there_hears_music_and_has_lost_answers_repeated() {
    let centre = Centre::start("shown", MUSIC);
    let host = trunk_address();
    let mut caller = udp_phone(&centre, host, 0);
    let ear = UdpSocket::bind((host, 0)).expect("all of 127.0.0.0/8 is ours");
    ear.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    let call = invite(&caller, "honest", offer(&ear).as_bytes());
    send(&mut caller, &call);
    let answer = caller.expect("200");
    let ack = caller.inside(&answer, "ACK", 1);
    caller.send(&ack);
    assert!(ear.recv(&mut [0; 2_048]).is_ok(), "music");
    let bye = caller.inside(&answer, "BYE", 2);
    caller.send(&bye);
    while caller.receive().is_some_and(|message| !message.0.contains("BYE")) {}
    // The same address again, and this time its ACK is lost for good: RFC 3261 §13.3.1.4.
    let mut other = udp_phone(&centre, host, 0);
    let call = invite(&other, "lost", offer(&ear).as_bytes());
    send(&mut other, &call);
    let answers = count(&mut other, "SIP/2.0 200");
    assert!(answers > 3, "{answers}: more than a stranger is sent");
}

/// How many messages begin so, until a BYE comes.
fn count(phone: &mut Phone, beginning: &str) -> usize {
    let mut found = 0;
    loop {
        let message = phone.receive().expect("it is a socket");
        if message.method() == "BYE" {
            return found;
        }
        found += usize::from(message.0.starts_with(beginning));
    }
}
