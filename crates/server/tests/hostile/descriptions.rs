//! Descriptions of sessions (SDP) that are to break whoever reads them: each is answered for good, and the next call is
//! served.

use crate::centre::{Centre, cancel, invite, send, trunk_phone, trunk_stream};
use crate::phone::{Message, Phone};

const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n";

fn description(media: &str) -> Vec<u8> {
    format!("{HEAD}{media}").into_bytes()
}

/// What is said, and with what.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let line = "m=audio 49170 RTP/AVP 0\r\n";
    let formats = |count: u32| (0..count).map(|format| format!(" {format}")).collect::<String>();
    let maps = |count: u32| (0..count).map(|n| format!("a=rtpmap:{n} PCMU/8000\r\n")).collect::<String>();
    let with_head = |old: &str, new: &str| [HEAD.replace(old, new), line.to_owned()].concat().into_bytes();
    vec![
        ("200 streams", description(&line.repeat(200))),
        ("2,000 streams", description(&line.repeat(2_000))),
        ("3,000 formats", description(&format!("m=audio 49170 RTP/AVP{}\r\n", formats(3_000)))),
        ("2,000 maps", description(&format!("{line}{}", maps(2_000)))),
        ("60 kB in one line", description(&format!("{line}a=x:{}\r\n", "x".repeat(60_000)))),
        ("60 kB of attributes", description(&format!("{line}{}", "a=x\r\n".repeat(12_000)))),
        ("60 kB of no line at all", vec![b'x'; 60_000]),
        ("nothing but ends of lines", b"\r\n".repeat(20_000)),
        ("port 0", description("m=audio 0 RTP/AVP 0\r\n")),
        ("port 65536", description("m=audio 65536 RTP/AVP 0\r\n")),
        ("port -1", description("m=audio -1 RTP/AVP 0\r\n")),
        ("a port of 20 digits", description("m=audio 99999999999999999999 RTP/AVP 0\r\n")),
        ("4,294,967,295 ports", description("m=audio 49170/4294967295 RTP/AVP 0\r\n")),
        ("no port", description("m=audio\r\n")),
        ("format 999", description("m=audio 49170 RTP/AVP 999\r\n")),
        ("no formats", description("m=audio 49170 RTP/AVP\r\n")),
        ("a map without end", description(&format!("{line}a=rtpmap:0 PCMU/{}\r\n", "8".repeat(5_000)))),
        (
            "format parameters of another",
            description(&format!("{line}a=fmtp:200 {}\r\n", "x;".repeat(9_000))),
        ),
        ("a NUL", description("m=audio 49170 RTP/AVP 0\0\r\na=\0\r\n")),
        ("no CR", description(line).into_iter().filter(|&octet| octet != b'\r').collect()),
        ("no end of the last line", description("m=audio 49170 RTP/AVP 0")),
        (
            "octets that are no UTF-8",
            [description(line), vec![b's', b'=', 0xff, 0xfe, 0xc0, b'\r', b'\n']].concat(),
        ),
        ("version 1", with_head("v=0", "v=1")),
        ("no connection", with_head("c=IN IP4 127.0.0.1\r\n", "")),
        ("an address that is none", with_head("c=IN IP4 127.0.0.1", "c=IN IP4 999.1.1.1")),
        (
            "a host name of 5,000 letters",
            with_head("c=IN IP4 127.0.0.1", &format!("c=IN IP4 {}", "a".repeat(5_000))),
        ),
        ("a group of hosts", with_head("c=IN IP4 127.0.0.1", "c=IN IP4 224.0.0.1/127")),
        ("everybody", with_head("c=IN IP4 127.0.0.1", "c=IN IP4 255.255.255.255")),
        ("an origin of 5,000 digits", with_head("o=- 1 1", &format!("o=- {} 1", "9".repeat(5_000)))),
        ("a time without end", with_head("t=0 0", &format!("t=0 {}", "9".repeat(5_000)))),
    ]
}

/// Calls with this body; the answer for good, where 180 is one.
fn call(phone: &mut Phone, number: usize, body: &[u8]) -> u16 {
    let name = format!("bomb-{number}-{}", phone.address().port());
    let invite = invite(phone, &name, body);
    send(phone, &invite);
    let invite = String::from_utf8_lossy(&invite).into_owned();
    loop {
        let answer = phone.receive().expect("an answer, and no end of the stream");
        match answer.status() {
            Some(100) => {}
            Some(180) => {
                phone.send(&cancel(&invite));
                let refused = phone.expect("487");
                acknowledge(phone, &refused, &invite);
                return 180;
            }
            Some(status) => {
                acknowledge(phone, &answer, &invite);
                return status;
            }
            None => panic!("no answer but {answer:?}"),
        }
    }
}

/// RFC 3261 §17.1.1.3: the ACK of a refusal has the Via of its INVITE and the To of its answer.
fn acknowledge(phone: &mut Phone, refused: &Message, invite: &str) {
    let to = invite.lines().find(|line| line.starts_with("To:")).expect("a To");
    let ack = cancel(invite).replace("CANCEL", "ACK").replace(to, &format!("To: {}", refused.header("To")));
    phone.send(&ack);
}

#[test]
fn descriptions_that_are_to_break_their_reader_are_answered_and_the_next_call_is_served() {
    let mut centre = Centre::start("descriptions", "");
    let mut datagrams = trunk_phone(&centre, 0);
    let mut stream = trunk_stream(&centre);
    let resident = centre.resident();
    let good = description("m=audio 49170 RTP/AVP 0\r\n");
    for (number, (what, body)) in bombs().into_iter().enumerate() {
        assert!(body.len() < 62_000, "{what}: with its head it must find room in a datagram");
        for phone in [&mut stream, &mut datagrams] {
            let status = call(phone, 2 * number, &body);
            assert!([180, 400, 415, 488, 513].contains(&status), "{what}: {status}");
            assert_eq!(call(phone, 2 * number + 1, &good), 180, "after {what}");
        }
        centre.is_alive(what);
    }
    let growth = centre.resident() - resident;
    assert!(growth < 64.0 * 1024.0 * 1024.0, "{growth} octets more");
    centre.await_figure("cordboard_sip_sessions", "", |left| left == 0.0);
    centre.await_figure("cordboard_media_ports", "in_use", |left| left == 0.0);
}
