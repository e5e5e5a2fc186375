//! Strangers at the ports of a conversation: they are neither heard, nor do they hear anything.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use crate::centre::{Centre, invite, send, stranger_address, trunk_address, udp_phone};
use crate::phone::{Line, Message, PATIENCE, Phone, response};

/// How many packets each sends: more than make a source known.
const PACKETS: u16 = 10;
/// Octets of audio in a packet: 20 ms of G.711.
const AUDIO: usize = 160;

fn socket(host: Ipv4Addr) -> UdpSocket {
    let socket = UdpSocket::bind((host, 0)).expect("all of 127.0.0.0/8 is ours");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    socket
}

fn address(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().expect("it is bound")
}

fn description(ear: &UdpSocket) -> String {
    let (host, port) = (address(ear).ip(), address(ear).port());
    format!("v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n")
}

/// An RTP packet (RFC 3550 §5.1) whose audio is one octet repeated.
fn packet(number: u16, sound: u8) -> Vec<u8> {
    let timestamp = u32::from(number) * AUDIO as u32;
    let header = [&[0x80, 0][..], &number.to_be_bytes(), &timestamp.to_be_bytes(), &[7, 7, 7, 7]].concat();
    [header, vec![sound; AUDIO]].concat()
}

/// An RTCP BYE of the source of [`packet`] (RFC 3550 §6.6).
const RTCP_BYE: [u8; 8] = [0x81, 203, 0, 1, 7, 7, 7, 7];

/// Where Cordboard wants the audio of whoever got this message.
fn media_port(message: &Message) -> u16 {
    let line = message.0.lines().find_map(|line| line.strip_prefix("m=audio ")).expect("a stream");
    line.split(' ').next().and_then(|port| port.parse().ok()).expect("a port")
}

/// Speaks into a port of Cordboard; what is heard at the other end, and from whom.
fn speak(from: &UdpSocket, port: u16, sound: u8, first: u16, to: &UdpSocket) -> Vec<(u8, u16)> {
    for number in first..first + PACKETS {
        from.send_to(&packet(number, sound), ("127.0.0.1", port)).expect("loopback takes it");
    }
    let mut buffer = [0; 2_048];
    (0..PACKETS)
        .map(|_| {
            let (length, source) = to.recv_from(&mut buffer).expect("it is passed on");
            assert_eq!(length, 12 + AUDIO);
            (buffer[length - 1], source.port())
        })
        .collect()
}

fn is_silent(socket: &UdpSocket) {
    socket.set_nonblocking(true).expect("an option of every socket");
    let heard = socket.recv(&mut [0; 2_048]);
    assert!(heard.is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "something was heard");
}

#[test]
fn packets_of_strangers_to_every_port_are_heard_by_nobody_and_bring_them_nothing() {
    let (here, there) = (trunk_address(), trunk_address());
    let desk = socket(there);
    let kim = format!("[[agent]]\nid = \"kim\"\nname = \"Kim\"\ncontact = \"sip:kim@{}\"\n", address(&desk));
    let mut centre = Centre::start("audio", &kim);
    let mut agent = Phone { line: Line::Udp(desk, centre.sip), name: "kim" };
    let mut caller = udp_phone(&centre, here, 0);
    let (caller_ear, agent_ear) = (socket(here), socket(there));
    let offer = invite(&caller, "audio", description(&caller_ear).as_bytes());
    send(&mut caller, &offer);
    let offered = agent.expect("INVITE");
    let contact = agent.address();
    agent.send(&response(&offered, "200 OK", contact, "udp", &description(&agent_ear)));
    agent.expect("ACK");
    let answer = caller.expect("200");
    let ack = caller.inside(&answer, "ACK", 1);
    caller.send(&ack);
    let (to_caller, to_agent) = (media_port(&answer), media_port(&offered));

    let stranger = socket(stranger_address());
    let attack = |first: u16| {
        for port in centre.media.clone() {
            for number in first..first + PACKETS {
                stranger.send_to(&packet(number, 0xee), ("127.0.0.1", port)).expect("loopback takes it");
                stranger.send_to(&RTCP_BYE, ("127.0.0.1", port)).expect("loopback takes it");
            }
        }
    };
    for first in [0, 1_000, 2_000] {
        attack(first);
        let heard = speak(&caller_ear, to_caller, 0x11, first, &agent_ear);
        assert!(
            heard.iter().all(|&heard| heard == (0x11, to_agent)),
            "the agent hears the caller: {heard:?}"
        );
        let heard = speak(&agent_ear, to_agent, 0x22, first, &caller_ear);
        assert!(
            heard.iter().all(|&heard| heard == (0x22, to_caller)),
            "the caller hears the agent: {heard:?}"
        );
    }
    for ear in [&stranger, &caller_ear, &agent_ear] {
        is_silent(ear);
    }
    let bye = caller.inside(&answer, "BYE", 2);
    caller.send(&bye);
    caller.expect("200");
    let bye = agent.expect("BYE");
    agent.send(&response(&bye, "200 OK", contact, "udp", ""));
    // At the RTP port of either side; what finds no room in a socket's buffer is not counted.
    let wanted = f64::from(PACKETS);
    centre.await_figure("cordboard_rtp_refused_total", "cause=\"source\"", |refused| refused >= wanted);
    centre.is_alive("packets of strangers");
}
