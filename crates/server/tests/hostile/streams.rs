//! Streams that are opened to be in the way.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use crate::centre::{Centre, TOKEN, stranger_address, stream_from, trunk_phone};
use crate::phone::{PATIENCE, Phone};

const BEGINNING: &[u8] = b"OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1";

fn open(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    stream
}

/// Ends a stream as a machine does that has lost all of it: with a reset.
fn reset(stream: TcpStream) {
    let socket = socket2::Socket::from(stream);
    socket.set_linger(Some(std::time::Duration::ZERO)).expect("an option of every stream");
}

#[test]
fn streams_that_are_half_closed_or_reset_are_given_back() {
    let mut centre = Centre::start("half_closed", "");
    let before = centre.figure("process_open_fds", "");
    for number in 0..300 {
        let mut phone = Phone::tcp("half", centre.sip);
        let options = phone.request("OPTIONS", "half", &format!("half-{number}"));
        let crate::phone::Line::Tcp(stream, _) = &mut phone.line else { panic!("it is a stream") };
        match number % 4 {
            // Who closes one way has closed: the answer may come, the end must.
            0 => {
                stream.write_all(options.as_bytes()).expect("it reads");
                stream.shutdown(Shutdown::Write).expect("an open stream");
                while phone.receive().is_some() {}
            }
            1 => {
                stream.write_all(BEGINNING).expect("it reads");
                stream.shutdown(Shutdown::Write).expect("an open stream");
                assert_eq!(stream.read(&mut [0; 1]).expect("an end"), 0, "nobody waits for the rest");
            }
            2 => {
                stream.write_all(options.as_bytes()).expect("it reads");
                reset(stream.try_clone().expect("a second handle"));
            }
            _ => {
                stream.write_all(BEGINNING).expect("it reads");
                reset(stream.try_clone().expect("a second handle"));
            }
        }
    }
    centre.takes_streams("streams that were half closed or reset");
    centre.await_figure("process_open_fds", "", |files| files <= before + 2.0);
}

#[test]
fn slow_streams_of_one_peer_keep_nobody_from_calling_or_looking() {
    let mut centre = Centre::start("slow", "");
    let mut slow = Vec::new();
    // One address may have 1,000 streams of SIP; HTTP cuts its oldest.
    for _ in 0..1_200 {
        let mut sip = open(centre.sip);
        // Closed at once where there are too many.
        let _closed = sip.write_all(BEGINNING);
        slow.push(sip);
        if slow.len() % 8 == 0 {
            let mut http = open(centre.http);
            let _closed = http.write_all(b"GET /api/v1/agents HTTP/1.1\r\nHost: x\r\nX-Slow: ");
            slow.push(http);
        }
    }
    centre.is_alive("slow streams");
    let mut elsewhere = stream_from(&centre, stranger_address());
    let options = elsewhere.request("OPTIONS", "elsewhere", "elsewhere");
    elsewhere.send(&options);
    assert_eq!(elsewhere.expect("200").header("Call-ID"), "elsewhere@test");
    assert_eq!(centre.get("/readyz").0, 200);
    drop(slow);
    centre.await_figure("cordboard_sip_connections", "", |left| left <= 1.0);
    centre.takes_streams("slow streams that are gone");
}

#[test]
fn a_process_that_may_open_no_more_files_serves_who_is_there_and_recovers() {
    // So few that half of the streams below find none.
    let mut centre = Centre::start_with_files("files", 160, "");
    let mut crowd: Vec<TcpStream> = Vec::new();
    for _ in 0..200 {
        crowd.push(open(centre.sip));
        crowd.push(open(centre.http));
    }
    centre.is_alive("more streams than files");
    let mut caller = trunk_phone(&centre, 0);
    let invite = caller.request("INVITE", "100", "no-files");
    caller.send(&invite);
    // Ringback needs no socket: the call is taken.
    caller.expect("180");
    drop(crowd);
    centre.await_figure("process_open_fds", "", |files| files < 60.0);
    centre.takes_streams("files are there again");
    let (status, agents) = crate::http::ask(centre.http, "GET", "/agents", TOKEN, &serde_json::Value::Null);
    assert_eq!(status, 200, "{agents}");
}
