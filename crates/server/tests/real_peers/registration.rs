//! Phones that come and go.

use crate::cordboard::Plan;
use crate::port::free_port;
use crate::sipp::{Over, Run, phones_at, register};

const RINGBACK: &str = "require = \"billing >= 3\"\nwaiting = \"ringback\"\nring_timeout = \"20s\"";

#[test]
fn a_phone_that_takes_its_registration_back_is_no_longer_an_agent() {
    let cordboard =
        Plan::new("unregister").agent("kim", "billing = 8").queue("billing", "100", RINGBACK).start();
    let port = free_port();
    register(&cordboard, &["kim"], port, Over::Udp, 3_600);
    cordboard.await_metric("cordboard_agents", &[("queue", "billing"), ("state", "idle")], 1.0);
    register(&cordboard, &["kim"], port, Over::Udp, 0);
    cordboard.await_metric("cordboard_agents", &[("queue", "billing"), ("state", "idle")], 0.0);
    cordboard.nothing_is_left();
    assert_eq!(cordboard.metrics().sum("cordboard_sip_registrations", &[]), 0.0);
    cordboard.stop();
}

#[test]
fn a_registration_lost_while_ringing_gives_the_caller_to_the_next_agent() {
    let cordboard = Plan::new("lost_registration")
        .agent("kim", "billing = 9")
        .agent("lee", "billing = 4")
        .queue("billing", "100", &format!("{RINGBACK}\nstrategy = \"most-skilled\""))
        .start();
    let (kim, lee) = (free_port(), free_port());
    register(&cordboard, &["kim"], kim, Over::Udp, 3_600);
    register(&cordboard, &["lee"], lee, Over::Udp, 3_600);
    let first = phones_at(&cordboard, kim, "phone_rings_out", Over::Udp, 1);
    let second = phones_at(&cordboard, lee, "phone_answers", Over::Udp, 1);
    let caller = Run::new("call").start(&cordboard.folder, cordboard.sip);
    cordboard.await_metric("cordboard_agents", &[("queue", "billing"), ("state", "reserved")], 1.0);
    register(&cordboard, &["kim"], kim, Over::Udp, 0);
    caller.succeeds();
    first.succeeds();
    second.succeeds();
    cordboard.nothing_is_left();
    assert_eq!(cordboard.outcome("answered"), 1.0);
    cordboard.stop();
}
