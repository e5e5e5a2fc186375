//! What callers and agents of a load hear: through Cordboard, and through a relay that does what relays must not do.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Load, agents, loopback};
use crate::cordboard::Plan;
use crate::port::free_port;
use crate::process::folder;
use crate::turn::Turn;

/// One every half second, before five seconds are over.
const CALLS: u64 = 9;
const CALLERS: &str = "[[callers]]\nnumber = \"100\"\nper_second = 2\nspacing = \"even\"\n\
                       talk = { shape = \"constant\", mean = \"3s\" }\n";

#[test]
fn everybody_hears_their_peer_through_cordboard_and_nobody_else() {
    let mut plan = Plan::new("load_audio").queue("billing", "100", "require = \"billing\"");
    for number in 1..=12 {
        plan = plan.agent(&format!("agent{number}"), "billing = 5");
    }
    let cordboard = plan.start();
    let rest = format!("[audio]\nheard_within = \"1m\"\n{CALLERS}{}", agents(12));
    let found = Load::start(&cordboard.folder, cordboard.sip, "", &rest).found();
    let audio = &found["audio"];
    assert_eq!(found["outcomes"], serde_json::json!({ "completed": CALLS }), "{found:#}");
    assert_eq!(audio["missed"], serde_json::json!([]), "{audio:#}");
    for side in ["callers", "agents"] {
        let heard = &audio[side];
        assert_eq!(heard["conversations"], CALLS, "{audio:#}");
        assert_eq!(heard["milliseconds"]["first"]["number"], CALLS, "each peer was heard: {audio:#}");
        for bad in ["foreign", "lost", "doubled", "overtaken", "too_late", "unrecognised", "echoed"] {
            assert_eq!(heard[bad], 0, "{side} {bad}: {audio:#}");
        }
        assert!(heard["due"].as_u64().is_some_and(|due| due > CALLS * 100), "{audio:#}");
    }
    assert!(audio["callers"]["music"].as_u64().is_some_and(|music| music > 0), "callers wait: {audio:#}");
    assert_eq!(audio["agents"]["music"], 0, "and agents do not");
    cordboard.nothing_is_left();
    cordboard.stop();
}

/// What the relay has done to the packets of agents.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Done {
    passed: u64,
    dropped: u64,
    doubled: u64,
    /// Let another caller hear as well.
    bled: u64,
}

/// A proxy that puts itself into the way of what agents say, and does not carry all of it as it should.
struct BadRelay {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Done>,
}

/// The way of one call's audio: where it comes in, and where the caller is.
struct Way {
    socket: UdpSocket,
    caller: SocketAddr,
}

impl BadRelay {
    fn start(port: u16, agents: SocketAddr) -> BadRelay {
        let sip = UdpSocket::bind(loopback(port)).expect("it was free");
        sip.set_read_timeout(Some(Duration::from_millis(1))).expect("a millisecond is a time");
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let (mut ways, mut done, mut callers) = (BTreeMap::new(), Done::default(), None);
            while !over.load(Ordering::Acquire) {
                forward(&sip, agents, &mut callers, &mut ways);
                carry(&ways, &mut done);
            }
            done
        });
        BadRelay { is_over, thread }
    }

    fn end(self) -> Done {
        self.is_over.store(true, Ordering::Release);
        self.thread.join().expect("the relay does not panic")
    }
}

/// Hands one message on, if there is any.
fn forward(
    sip: &UdpSocket,
    agents: SocketAddr,
    callers: &mut Option<SocketAddr>,
    ways: &mut BTreeMap<String, Way>,
) {
    let mut octets = [0; 4_096];
    let (length, from) = match sip.recv_from(&mut octets) {
        Ok(came) => came,
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return,
        Err(error) => panic!("loopback reads: {error}"),
    };
    let text = String::from_utf8(octets[..length].to_vec()).expect("a load writes text");
    if from == agents {
        let callers = callers.expect("somebody has called");
        sip.send_to(text.as_bytes(), callers).expect("loopback sends");
        return;
    }
    *callers = Some(from);
    sip.send_to(redirected(&text, ways).as_bytes(), agents).expect("loopback sends");
}

/// The same with our port in its description, one for each call; as long as it was.
fn redirected(text: &str, ways: &mut BTreeMap<String, Way>) -> String {
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let (Some(media), Some(call)) = (line("m=audio "), line("Call-ID:")) else { return text.to_owned() };
    let port = media.split(' ').next().expect("it begins with the port");
    let way = ways.entry(call.to_owned()).or_insert_with(|| {
        let socket = UdpSocket::bind(loopback(0)).expect("loopback has ports");
        socket.set_nonblocking(true).expect("sockets need not block");
        Way { socket, caller: loopback(port.parse().expect("a number")) }
    });
    let own = way.socket.local_addr().expect("it is bound").port();
    assert_eq!(own.to_string().len(), port.len(), "Content-Length stays right");
    text.replacen(&format!("m=audio {port} "), &format!("m=audio {own} "), 1)
}

/// Drops each tenth packet, doubles each seventh of the others and lets the next caller hear each eleventh.
fn carry(ways: &BTreeMap<String, Way>, done: &mut Done) {
    let all: Vec<&Way> = ways.values().collect();
    for (place, way) in all.iter().enumerate() {
        let mut packet = [0; 2_048];
        while let Ok(length) = way.socket.recv(&mut packet) {
            let packet = &packet[..length];
            let number = u16::from_be_bytes([packet[2], packet[3]]);
            let send =
                |to: SocketAddr| assert_eq!(way.socket.send_to(packet, to).expect("loopback sends"), length);
            if number % 10 == 9 {
                done.dropped += 1;
            } else {
                done.passed += 1;
                send(way.caller);
                if number % 7 == 6 {
                    done.doubled += 1;
                    send(way.caller);
                }
            }
            let other = all[(place + 1) % all.len()];
            if number % 11 == 10 && other.caller != way.caller {
                done.bled += 1;
                send(other.caller);
            }
        }
    }
}

#[test]
fn what_a_bad_relay_drops_doubles_and_lets_others_hear_is_counted_to_the_packet() {
    let (folder, turn) = (folder("load_bad_relay"), Turn::shared());
    let (port, agents_port) = (free_port(), free_port());
    let relay = BadRelay::start(port, loopback(agents_port));
    let rest = format!(
        "[audio]\nheard_within = \"1m\"\n{CALLERS}{}register = false\nany_number = true\n",
        agents(12)
    );
    let load = Load::start(&folder, loopback(port), &format!("agents_port = {agents_port}"), &rest);
    let (status, log, found) = load.ended();
    let done = relay.end();
    println!("{done:?}\n{log}");
    assert_eq!(status.code(), Some(1), "the audio is not what was wanted");
    assert!(log.contains("packets of ANOTHER CALL were heard"), "{log}");
    assert_eq!(found["outcomes"], serde_json::json!({ "completed": CALLS }), "{found:#}");
    let (callers, agents) = (&found["audio"]["callers"], &found["audio"]["agents"]);
    let count = |key: &str| callers[key].as_u64().unwrap_or_else(|| panic!("{key}: {callers:#}"));
    assert_eq!(count("foreign"), done.bled, "{callers:#}");
    // One of the last five of each call may be among what was dropped or doubled: these need not come.
    let lost = count("lost");
    assert!(lost <= done.dropped && done.dropped <= lost + CALLS, "{lost} {done:?}");
    let (least, most) = ((count("due") - 9 * CALLS) / 10, count("due") / 10);
    assert!((least..=most).contains(&lost), "each tenth: {callers:#}");
    let doubled = count("doubled");
    assert!(doubled <= done.doubled && done.doubled <= doubled + CALLS, "{doubled} {done:?}");
    assert_eq!((count("unrecognised"), count("echoed"), count("overtaken")), (0, 0, 0), "{callers:#}");
    // What callers say goes straight to the agents.
    for bad in ["foreign", "lost", "doubled", "unrecognised"] {
        assert_eq!(agents[bad], 0, "{agents:#}");
    }
    drop(turn);
}
