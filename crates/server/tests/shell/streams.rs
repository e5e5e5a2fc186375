use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::support::*;

#[test]
fn a_message_in_pieces_and_two_in_one_piece_are_both_answered() {
    let running = start(configuration(nobody(), ""));
    let mut phone = Phone::tcp("pbx", tcp(&running));
    let options = phone.request("OPTIONS", "15881000", "pieces");
    for piece in options.as_bytes().chunks(options.len() / 3 + 1) {
        phone.send(std::str::from_utf8(piece).expect("ASCII"));
    }
    assert_eq!(phone.expect("200").header("Call-ID"), "pieces@test");
    let both =
        [phone.request("OPTIONS", "15881000", "one"), phone.request("OPTIONS", "15881000", "two")].concat();
    phone.send(&both);
    let answers =
        [phone.expect("200"), phone.expect("200")].map(|answer| answer.header("Call-ID").to_owned());
    assert_eq!(answers, ["one@test", "two@test"]);
    running.shut_down();
}

#[test]
fn a_keep_alive_is_answered() {
    let running = start(configuration(nobody(), ""));
    let mut stream = TcpStream::connect(tcp(&running)).expect("SIP listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    stream.write_all(b"\r\n\r\n").expect("it reads");
    let mut pong = [0; 2];
    stream.read_exact(&mut pong).expect("an answer");
    assert_eq!(&pong, b"\r\n");
    running.shut_down();
}

#[test]
fn a_stream_that_is_not_sip_is_closed() {
    let running = start(configuration(nobody(), ""));
    let mut phone = Phone::tcp("scanner", tcp(&running));
    phone.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    while let Some(answer) = phone.receive() {
        assert_eq!(answer.status(), Some(400), "{answer:?}");
    }
    running.shut_down();
}

#[test]
fn a_stream_on_which_nothing_happens_is_closed() {
    let mut config = configuration(nobody(), "");
    config.sip.limits.tcp_idle_timeout = Duration::from_millis(100);
    let running = start(config);
    let mut phone = Phone::tcp("idle", tcp(&running));
    assert!(phone.receive().is_none());
    running.shut_down();
}

#[test]
fn streams_that_said_nothing_make_room_for_one_that_calls_and_those_with_calls_stay() {
    let mut config = unstaffed("");
    config.sip.limits.tcp_connections_max = 2;
    let running = start(config);
    let mut idle = [Phone::tcp("idle", tcp(&running)), Phone::tcp("idle", tcp(&running))];
    let mut first = Phone::tcp("first", tcp(&running));
    let first_call = first.call("15881000", "first");
    let mut second = Phone::tcp("second", tcp(&running));
    let second_call = second.call("15881000", "second");
    for phone in &mut idle {
        assert!(phone.receive().is_none(), "it made room");
    }
    let mut third = Phone::tcp("third", tcp(&running));
    assert!(third.receive().is_none(), "there is no room");
    let calling = [(&mut first, first_call), (&mut second, second_call)];
    for (phone, answer) in calling {
        let bye = phone.inside(&answer, "BYE", 2);
        phone.send(&bye);
        phone.expect("200");
    }
    drop(first);
    eventually("room for a third", || {
        let mut third = Phone::tcp("third", tcp(&running));
        let options = third.request("OPTIONS", "15881000", "room");
        third.send(&options);
        third.receive()
    });
    running.shut_down();
}

#[test]
fn a_call_over_tcp_reaches_an_agent_over_a_stream_that_we_open() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let mut config = configuration(address, "");
    let server::config::Reach::Contact(contact) = &mut config.agents[0].reach else {
        panic!("kim has a contact")
    };
    contact.push_str(";transport=tcp");
    let running = start(config);
    let mut caller = Phone::tcp("01012345678", tcp(&running));
    let invite = caller.request("INVITE", "15881000", "streams");
    caller.send(&invite);
    let (stream, _) = listener.accept().expect("the agent's phone is called");
    let mut agent = Phone::over("kim", stream);
    let offered = agent.expect("INVITE");
    agent.send(&response(&offered, "180 Ringing", address, "tcp", ""));
    agent.send(&response(&offered, "200 OK", address, "tcp", &sdp()));
    let answer = caller.expect("200");
    let ack = caller.inside(&answer, "ACK", 1);
    caller.send(&ack);
    agent.expect("ACK");
    let bye = caller.inside(&answer, "BYE", 2);
    caller.send(&bye);
    caller.expect("200");
    let bye = agent.expect("BYE");
    agent.send(&response(&bye, "200 OK", address, "tcp", ""));
    eventually("the call is over", || (running.calls() == 0).then_some(()));
    running.shut_down();
}

#[test]
fn an_agent_whose_stream_cannot_be_opened_is_left_alone_for_a_while_and_the_caller_waits_on() {
    let mut config = configuration(nobody(), "");
    let server::config::Reach::Contact(contact) = &mut config.agents[0].reach else {
        panic!("kim has a contact")
    };
    // Nobody listens on the port of a listener that is closed again.
    let closed =
        TcpListener::bind("127.0.0.1:0").expect("a port is free").local_addr().expect("it was bound");
    *contact = format!("sip:kim@{closed};transport=tcp");
    let running = start(config);
    let mut caller = Phone::tcp("01012345678", tcp(&running));
    caller.call("15881000", "unreachable");
    eventually("kim is left alone", || {
        let board = fetch(&running, "/api/v1/wallboard").json();
        (board["agents"][0]["state"] == "backing_off" && board["queues"][0]["waiting"] == 1).then_some(())
    });
    running.shut_down();
}

#[test]
fn a_peer_that_does_not_read_is_cut_off_and_others_are_served() {
    let running = start(configuration(nobody(), ""));
    let mut deaf = Phone::tcp("deaf", tcp(&running));
    let Line::Tcp(stream, _) = &mut deaf.line else { panic!("it is a stream") };
    stream.set_write_timeout(Some(Duration::from_secs(2))).expect("a timeout can be set");
    let mut stream = stream.try_clone().expect("a second handle");
    // Each is answered, and the answers are never read: the buffers of both systems fill, then ours.
    let cut = (0..200_000).any(|number| {
        let options = deaf.request("OPTIONS", "15881000", &format!("deaf-{number}"));
        stream.write_all(options.as_bytes()).is_err()
    });
    assert!(cut, "a peer that never reads could go on for ever");
    let mut other = Phone::tcp("other", tcp(&running));
    let options = other.request("OPTIONS", "15881000", "other");
    other.send(&options);
    other.expect("200");
    running.shut_down();
}
