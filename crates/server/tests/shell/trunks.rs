use super::support::*;

#[test]
fn an_agent_with_an_address_of_their_own_is_rung_there_and_not_by_the_proxy_of_their_trunk() {
    let mut kim = Phone::udp("kim", nobody());
    let mut config = configuration(kim.address(), "");
    config.trunks[0].outbound_proxy = Some(format!("sip:{}", nobody()));
    let running = start(config);
    let mut caller = Phone::udp("01012345678", udp(&running));
    let invite = caller.request("INVITE", "15881000", "past-the-proxy");
    caller.send(&invite);
    let offered = kim.expect("INVITE");
    assert!(!offered.0.contains("\nRoute:"), "{}", offered.0);
    let address = kim.address();
    kim.send(&response(&offered, "200 OK", address, "udp", &sdp()));
    let answer = caller.expect("200");
    let ack = caller.inside(&answer, "ACK", 1);
    caller.send(&ack);
    kim.expect("ACK");
    running.shut_down();
}
