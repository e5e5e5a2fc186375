//! Media ports that another program really holds.

use std::net::UdpSocket;

use server::config::Waiting;

use super::support::*;

/// The port of the first m-line in a message.
fn media_port(message: &Message) -> u16 {
    let line = message.0.lines().find_map(|line| line.strip_prefix("m=audio "));
    line.and_then(|line| line.split(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("{}", message.0))
}

#[test]
fn ports_that_another_program_holds_are_passed_over_and_the_call_is_none_the_worse() {
    let mut agent = Phone::udp("kim", nobody());
    let address = agent.address();
    let mut config = configuration(address, "");
    // The caller is answered with the agent: by then its port was tried.
    config.queues[0].waiting = Waiting::Ringback;
    let first = config.media.ports.first;
    // The first two pairs, one by its RTP port and one by its RTCP port. Whether the agent's phone is offered
    // one of them depends on which thread is quicker.
    let held = [first, first + 3].map(|port| UdpSocket::bind(("0.0.0.0", port)).expect("the port is free"));
    let running = start(config);
    let mut caller = Phone::udp("01012345678", udp(&running));
    let invite = caller.request("INVITE", "15881000", "ports");
    caller.send(&invite);

    let mut offered = agent.expect("INVITE");
    if media_port(&offered) < first + 4 {
        agent.send(&response(&offered, "180 Ringing", address, "udp", ""));
        let cancel = agent.expect("CANCEL");
        assert!(cancel.header("Reason").contains("cause=200"), "it is no missed call");
        agent.send(&response(&cancel, "200 OK", address, "udp", ""));
        agent.send(&response(&offered, "487 Request Terminated", address, "udp", ""));
        offered = agent.expect("INVITE");
    }
    agent.send(&response(&offered, "200 OK", address, "udp", &sdp()));

    let answer = caller.expect("200");
    let mut ports = [media_port(&offered), media_port(&answer)];
    ports.sort_unstable();
    assert_eq!(ports, [first + 4, first + 6]);
    let ack = caller.inside(&answer, "ACK", 1);
    caller.send(&ack);
    eventually("the pairs that are held are set apart", || {
        fetch(&running, "/metrics")
            .body
            .contains("cordboard_media_ports{state=\"quarantined\"} 2")
            .then_some(())
    });
    let bye = caller.inside(&answer, "BYE", 2);
    caller.send(&bye);
    caller.expect("200");
    let bye = agent.expect("BYE");
    agent.send(&response(&bye, "200 OK", address, "udp", ""));
    eventually("the call is over", || (running.calls() == 0).then_some(()));
    running.shut_down();
    drop(held);
}

#[test]
fn a_caller_for_whom_no_port_can_be_had_is_told_when_to_try_again() {
    let config = unstaffed("");
    let first = config.media.ports.first;
    let held: Vec<UdpSocket> = (first..=config.media.ports.last)
        .step_by(2)
        .map(|port| UdpSocket::bind(("0.0.0.0", port)).expect("the port is free"))
        .collect();
    let mut config = config;
    config.queues[0].waiting = Waiting::Ringback;
    let running = start(config);
    let mut caller = Phone::udp("01012345678", udp(&running));
    let invite = caller.request("INVITE", "15881000", "no-ports");
    caller.send(&invite);
    let refused = caller.expect("503");
    assert_eq!(refused.header("Retry-After"), "5");
    eventually("the call has failed", || {
        let metrics = fetch(&running, "/metrics").body;
        metrics.contains("cordboard_calls_total{outcome=\"failed\"} 1").then_some(())
    });
    running.shut_down();
    drop(held);
}
