//! More than anybody should send: each message costs one answer at most and nothing is remembered.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use crate::centre::{Centre, cancel, send, stranger_address, trunk_address, udp_phone};
use crate::phone::{Message, Phone};

/// What memory may grow by, in octets: pages that the allocator keeps, not what is remembered.
const GROWTH_MAX: f64 = 64.0 * 1024.0 * 1024.0;

/// Numbers that look like chance and are the same in every run (Marsaglia's xorshift).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("below a usize")
    }
}

/// The torture messages, to be mutilated.
fn messages() -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sip/tests/data/rfc4475");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("the messages").map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a file")).collect()
}

fn garbage(chance: &mut Chance, messages: &[Vec<u8>]) -> Vec<u8> {
    let noise = |chance: &mut Chance, length| (0..length).map(|_| chance.next() as u8).collect::<Vec<u8>>();
    match chance.below(4) {
        0 => {
            let length = chance.below(1_400);
            noise(chance, length)
        }
        1 => [b"INVITE sip:15881000@example.com SIP/2.0\r\nVia: ".to_vec(), noise(chance, 60)].concat(),
        2 => b"\r\n".repeat(1 + chance.below(100)),
        _ => {
            let mut message = messages[chance.below(messages.len())].clone();
            for _ in 0..1 + chance.below(8) {
                let at = chance.below(message.len());
                message[at] = chance.next() as u8;
            }
            message
        }
    }
}

/// Nobody's message is in progress, and memory is what it was.
fn nothing_is_left(centre: &Centre, resident: f64) {
    centre.await_figure("cordboard_sip_transactions", "server", |left| left == 0.0);
    centre.await_figure("cordboard_sip_sessions", "", |left| left == 0.0);
    let growth = centre.resident() - resident;
    assert!(growth < GROWTH_MAX, "{growth} octets more");
}

#[test]
fn twenty_thousand_datagrams_of_garbage_leave_nothing_behind() {
    let mut centre = Centre::start("garbage", "");
    let messages = messages();
    let mut chance = Chance(4_475);
    let mut stranger = udp_phone(&centre, stranger_address(), 0);
    let resident = centre.resident();
    for round in 0..200 {
        for _ in 0..100 {
            send(&mut stranger, &garbage(&mut chance, &messages));
        }
        centre.is_alive(&format!("garbage, round {round}"));
    }
    nothing_is_left(&centre, resident);
    assert!(centre.figure("cordboard_sip_messages_dropped_total", "malformed") > 1_000.0);
}

/// A request outside of every dialog, as short as they come.
fn request(phone: &Phone, method: &str, from: &str, number: u32) -> String {
    let address = phone.address();
    format!(
        "{method} sip:100@example.com SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch=z9hG4bK-{number}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{from}>;tag={number}\r\nTo: <sip:{from}>\r\nCall-ID: {number}\r\n\
         CSeq: {number} {method}\r\nContact: <sip:m@{address}>\r\nContent-Length: 0\r\n\r\n"
    )
}

/// Sends so many, one after the other is answered; the statuses, each of which may be no more than three times as long as
/// its request.
fn ask(phone: &mut Phone, method: &str, from: &str, count: u32) -> Vec<u16> {
    let mut statuses: Vec<u16> = Vec::new();
    for number in 1..=count {
        let request = request(phone, method, from, number);
        phone.send(&request);
        let Message(answer) = phone.receive().expect("an answer");
        assert!(answer.len() <= 3 * request.len(), "{} octets for {}", answer.len(), request.len());
        statuses.extend(Message(answer).status());
    }
    statuses.dedup();
    statuses
}

#[test]
fn a_flood_of_requests_by_strangers_is_refused_one_by_one_and_not_remembered() {
    let kim = "[[agent]]\nid = \"kim\"\nname = \"Kim\"\npassword = \"a-long-pass-77\"\n";
    let mut centre = Centre::start("strangers", kim);
    let resident = centre.resident();
    let mut stranger = udp_phone(&centre, stranger_address(), 0);
    for (method, from, status) in [
        ("REGISTER", "kim@example.com", 401),
        ("REGISTER", "nobody@example.com", 401),
        ("INVITE", "kim@example.com", 401),
        ("INVITE", "m@elsewhere.example", 403),
        ("MESSAGE", "kim@example.com", 405),
        ("SUBSCRIBE", "kim@example.com", 405),
        ("REFER", "kim@example.com", 405),
    ] {
        assert_eq!(ask(&mut stranger, method, from, 1_500), [status], "{method} from {from}");
        centre.is_alive(method);
    }
    nothing_is_left(&centre, resident);
    assert_eq!(
        centre.figure("cordboard_calls_arrived_total", ""),
        1_500.0,
        "those of 403; 401 is a question"
    );
}

#[test]
fn a_trunk_that_sends_more_calls_than_there_is_room_for_costs_nobody_a_call_that_is_taken() {
    let mut centre = Centre::start("calls", "");
    let host: Ipv4Addr = trunk_address();
    let mut first = udp_phone(&centre, host, 0);
    let invite = first.request("INVITE", "100", "first");
    first.send(&invite);
    first.expect("180");
    let mut crowd = udp_phone(&centre, host, 0);
    let mut taken = 0;
    for number in 0..1_000 {
        let invite = crowd.request("INVITE", "100", &format!("crowd-{number}"));
        crowd.send(&invite);
        // Those that are taken are told twice, by 100 and 180; what comes late belongs to one before.
        let answer = crowd.receive().expect("an answer");
        taken += usize::from(answer.status() == Some(180));
    }
    assert!(taken < 20, "{taken}");
    centre.is_alive("a crowd");
    centre.await_figure("cordboard_calls_refused_total", "", |refused| refused >= 900.0);
    let room = centre.figure("cordboard_waiting", "");
    assert_eq!(room, 20.0, "as many as there is room for");
    first.send(&cancel(&invite));
    assert!(
        first.expect("487").header("Call-ID").starts_with("first"),
        "it was there until its caller gave up"
    );
}
