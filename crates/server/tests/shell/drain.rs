use std::net::{TcpListener, UdpSocket};

use super::support::*;

#[test]
fn draining_refuses_new_calls_and_waits_for_those_in_progress() {
    let running = start(unstaffed(""));
    let mut caller = Phone::udp("01012345678", udp(&running));
    let answer = caller.call("15881000", "old");
    running.drain();
    eventually("not ready", || (fetch(&running, "/readyz").status == 503).then_some(()));
    assert_eq!(fetch(&running, "/api/v1/wallboard").json()["phase"], "draining");
    let mut late = Phone::udp("01087654321", udp(&running));
    let refused = eventually("a refusal", || {
        let invite = late.request("INVITE", "15881000", "new");
        late.send(&invite);
        let answer = late.receive().expect("UDP has no end");
        (answer.status() != Some(100)).then_some(answer)
    });
    assert_eq!(refused.status(), Some(503), "{refused:?}");
    assert!(refused.header("Retry-After").parse::<u32>().is_ok());
    assert_eq!(running.calls(), 1, "the call in progress goes on");
    let bye = caller.inside(&answer, "BYE", 2);
    caller.send(&bye);
    caller.expect("200");
    let drained = running.block_on(async { tokio::time::timeout(PATIENCE, running.drained()).await });
    drained.expect("no call is left");
    running.shut_down();
}

#[test]
fn hanging_up_ends_what_draining_waits_for() {
    let running = start(unstaffed(""));
    let mut caller = Phone::udp("01012345678", udp(&running));
    caller.call("15881000", "patient");
    running.drain();
    running.hang_up();
    let bye = caller.expect("BYE");
    let address = caller.address();
    caller.send(&response(&bye, "200 OK", address, "udp", ""));
    let drained = running.block_on(async { tokio::time::timeout(PATIENCE, running.drained()).await });
    drained.expect("no call is left");
    running.shut_down();
}

#[test]
fn an_idle_centre_is_drained_at_once() {
    let running = start(unstaffed(""));
    running.drain();
    let drained = running.block_on(async { tokio::time::timeout(PATIENCE, running.drained()).await });
    drained.expect("no call was there");
    running.shut_down();
}

#[test]
fn the_end_leaves_no_socket_behind_whatever_was_going_on() {
    let running = start(unstaffed(""));
    let (sip, http) = (running.sip().to_vec(), running.http());
    let mut caller = Phone::udp("01012345678", udp(&running));
    caller.call("15881000", "cut");
    let mut streaming = Phone::tcp("pbx", tcp(&running));
    let options = streaming.request("OPTIONS", "15881000", "open");
    streaming.send(&options);
    streaming.expect("200");
    let first_port = running.config().media.ports.first;
    running.shut_down();
    assert!(streaming.receive().is_none(), "the stream is closed");
    UdpSocket::bind(sip[0].address).expect("SIP over UDP is free");
    drop(streaming);
    UdpSocket::bind(("127.0.0.1", first_port)).expect("the media port is free");
    assert!(std::net::TcpStream::connect(sip[1].address).is_err(), "nobody listens");
    assert!(std::net::TcpStream::connect(http).is_err(), "nobody listens");
    let _rebound = TcpListener::bind(http).expect("HTTP is free");
}
