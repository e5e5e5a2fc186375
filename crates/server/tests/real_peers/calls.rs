//! One caller, one or two phones, every way in which a call can go.

use std::time::Duration;

use crate::cordboard::{Cordboard, Plan};
use crate::port::free_port;
use crate::raw::Caller;
use crate::sipp::{Over, Run, Sipp, phones, phones_at};

/// A queue that lets the caller's network play ringback, so that 200 means that an agent answered.
const RINGBACK: &str = "require = \"billing >= 3\"\nwaiting = \"ringback\"\nring_timeout = \"3s\"";
/// The same with music: the caller is answered at once.
const MUSIC: &str = "require = \"billing >= 3\"\nwaiting = \"music\"\nring_timeout = \"3s\"";

fn one_queue(test: &'static str, lines: &str) -> Cordboard {
    Plan::new(test).agent("kim", "billing = 8").queue("billing", "100", lines).start()
}

fn caller(cordboard: &Cordboard, scenario: &str, over: Over) -> Sipp {
    Run { over, ..Run::new(scenario) }.start(&cordboard.folder, cordboard.sip)
}

fn settled(cordboard: Cordboard, outcomes: &[(&str, f64)]) {
    cordboard.nothing_is_left();
    for &(outcome, wanted) in outcomes {
        assert_eq!(cordboard.outcome(outcome), wanted, "{outcome}");
    }
    cordboard.stop();
}

#[test]
fn an_agent_answers_over_udp() {
    let cordboard = one_queue("answer_udp", RINGBACK);
    let agent = phones(&cordboard, &["kim"], "phone_answers", Over::Udp, 1);
    caller(&cordboard, "call", Over::Udp).succeeds();
    agent.succeeds();
    settled(cordboard, &[("answered", 1.0)]);
}

#[test]
fn an_agent_answers_over_tcp() {
    let port = free_port();
    let cordboard = Plan::new("answer_tcp")
        .agent_at("kim", "billing = 8", &format!("sip:kim@127.0.0.1:{port};transport=tcp"))
        .queue("billing", "100", RINGBACK)
        .start();
    let agent = phones_at(&cordboard, port, "phone_answers", Over::Tcp, 1);
    caller(&cordboard, "call", Over::Tcp).succeeds();
    agent.succeeds();
    settled(cordboard, &[("answered", 1.0)]);
}

#[test]
fn a_caller_over_tcp_hears_music_and_reaches_a_phone_on_udp() {
    let cordboard = one_queue("answer_mixed", MUSIC);
    let agent = phones(&cordboard, &["kim"], "phone_answers", Over::Udp, 1);
    caller(&cordboard, "call", Over::Tcp).succeeds();
    agent.succeeds();
    settled(cordboard, &[("answered", 1.0)]);
}

#[test]
fn an_unknown_number_is_refused_with_404() {
    let cordboard = one_queue("unknown_number", RINGBACK);
    Run { number: "999", ..Run::new("refused_404") }.start(&cordboard.folder, cordboard.sip).succeeds();
    cordboard.nothing_is_left();
    assert_eq!(cordboard.metrics().sum("cordboard_calls_refused_total", &[("cause", "unknown_number")]), 1.0);
    cordboard.stop();
}

/// Two agents: the better one is tried first and does what `scenario` says, the other one answers.
fn the_next_agent_answers(test: &'static str, scenario: &str) {
    let cordboard = Plan::new(test)
        .agent("kim", "billing = 9")
        .agent("lee", "billing = 4")
        .queue("billing", "100", &format!("{RINGBACK}\nstrategy = \"most-skilled\""))
        .start();
    let first = phones(&cordboard, &["kim"], scenario, Over::Udp, 1);
    let second = phones(&cordboard, &["lee"], "phone_answers", Over::Udp, 1);
    caller(&cordboard, "call", Over::Udp).succeeds();
    first.succeeds();
    second.succeeds();
    settled(cordboard, &[("answered", 1.0)]);
}

#[test]
fn three_agents_ring_and_when_one_answers_the_others_are_cancelled() {
    let cordboard = Plan::new("ring_several")
        .agent("kim", "billing = 9")
        .agent("lee", "billing = 4")
        .agent("park", "billing = 4")
        .queue(
            "billing",
            "100",
            "require = \"billing >= 3\"\nwaiting = \"ringback\"\nring_timeout = \"20s\"\nring = 3",
        )
        .start();
    // These wait for the CANCEL, answer it, and send 487 for the INVITE.
    let silenced = ["kim", "lee"].map(|agent| phones(&cordboard, &[agent], "phone_rings_out", Over::Udp, 1));
    let answers = phones(&cordboard, &["park"], "phone_answers", Over::Udp, 1);
    caller(&cordboard, "call", Over::Udp).succeeds();
    answers.succeeds();
    silenced.into_iter().for_each(Sipp::succeeds);
    let ended = |outcome| cordboard.metrics().sum("cordboard_reservations_total", &[("outcome", outcome)]);
    assert_eq!((ended("accepted"), ended("taken_by_another")), (1.0, 2.0));
    assert_eq!(cordboard.metrics().sum("cordboard_agents", &[("state", "backing_off")]), 0.0);
    settled(cordboard, &[("answered", 1.0)]);
}

#[test]
fn a_busy_agent_is_passed_over() {
    the_next_agent_answers("busy", "phone_busy");
}

#[test]
fn an_agent_who_declines_is_passed_over() {
    the_next_agent_answers("rejects", "phone_rejects");
}

#[test]
fn an_agent_who_does_not_answer_is_passed_over() {
    the_next_agent_answers("rings_out", "phone_rings_out");
}

#[test]
fn a_dead_phone_is_passed_over() {
    // A socket that is open and says nothing: worse than a closed one, which answers by ICMP.
    let silent = std::net::UdpSocket::bind(("127.0.0.1", 0)).expect("loopback has free ports");
    let address = silent.local_addr().expect("it is bound");
    let cordboard = Plan::new("dead_phone")
        .agent_at("kim", "billing = 9", &format!("sip:kim@{address}"))
        .agent("lee", "billing = 4")
        .queue("billing", "100", &format!("{RINGBACK}\nstrategy = \"most-skilled\""))
        // A dead phone's INVITE is given up after 64*T1.
        .extra("[sip.timers]\nt1 = \"100ms\"\n")
        .start();
    let second = phones(&cordboard, &["lee"], "phone_answers", Over::Udp, 1);
    caller(&cordboard, "call", Over::Udp).succeeds();
    second.succeeds();
    settled(cordboard, &[("answered", 1.0)]);
}

#[test]
fn all_are_busy_and_whoever_becomes_free_is_rung_at_once() {
    let cordboard = one_queue("busy_then_free", RINGBACK);
    let agent = phones(&cordboard, &["kim"], "phone_answers_at_once", Over::Udp, 5);
    let callers =
        Run { calls: 5, rate: 50, ..Run::new("call_briefly") }.start(&cordboard.folder, cordboard.sip);
    callers.succeeds();
    agent.succeeds();
    settled(cordboard, &[("answered", 5.0)]);
}

#[test]
fn a_caller_gives_up_while_nobody_is_there() {
    let cordboard = one_queue("abandon_waiting", RINGBACK);
    caller(&cordboard, "abandon", Over::Udp).succeeds();
    settled(cordboard, &[("abandoned", 1.0)]);
}

#[test]
fn a_caller_gives_up_while_the_agent_is_rung() {
    let cordboard = one_queue("abandon_ringing", RINGBACK);
    let agent = phones(&cordboard, &["kim"], "phone_rings_out", Over::Udp, 1);
    caller(&cordboard, "abandon", Over::Udp).succeeds();
    agent.succeeds();
    settled(cordboard, &[("abandoned", 1.0)]);
}

#[test]
fn an_invite_and_a_bye_that_come_twice_are_one_call() {
    let cordboard = one_queue("repeats", RINGBACK);
    let agent = phones(&cordboard, &["kim"], "phone_answers", Over::Udp, 1);
    let mut caller = Caller::new(cordboard.sip, "twice");
    caller.send("INVITE", 1, "i");
    caller.send("INVITE", 1, "i");
    assert_eq!(caller.await_final("INVITE", |caller| caller.send("INVITE", 1, "i")), 200);
    caller.send("ACK", 1, "a");
    caller.send("BYE", 2, "b");
    caller.send("BYE", 2, "b");
    assert_eq!(caller.await_final("BYE", |caller| caller.send("BYE", 2, "b")), 200);
    assert_eq!(caller.await_final("BYE", |_| {}), 200, "the second BYE has the answer of the first");
    agent.succeeds();
    assert_eq!(cordboard.metrics().sum("cordboard_interactions_offered_total", &[]), 1.0);
    settled(cordboard, &[("answered", 1.0)]);
}

#[test]
fn the_agent_hangs_up_first() {
    let cordboard = one_queue("agent_hangs_up", RINGBACK);
    let agent = phones(&cordboard, &["kim"], "phone_hangs_up", Over::Udp, 1);
    caller(&cordboard, "call_until_bye", Over::Udp).succeeds();
    agent.succeeds();
    settled(cordboard, &[("answered", 1.0)]);
}

#[test]
fn hold_and_resume_travel_end_to_end() {
    let cordboard = one_queue("hold", RINGBACK);
    let agent = phones(&cordboard, &["kim"], "phone_is_held", Over::Udp, 1);
    caller(&cordboard, "hold", Over::Udp).succeeds();
    agent.succeeds();
    cordboard.nothing_is_left();
    let held = cordboard.metrics().sum("cordboard_hold_seconds_sum", &[]);
    assert!((1.0..3.0).contains(&held), "held for one and a half seconds, counted {held}");
    settled(cordboard, &[("answered", 1.0)]);
}

#[test]
fn a_caller_whose_ack_never_comes_is_released_with_the_agent() {
    // 64*T1 is how long the 200 is repeated (RFC 3261 §13.3.1.4); a short T1 makes it a short test.
    let cordboard = Plan::new("lost_ack")
        .agent("kim", "billing = 8")
        .queue("billing", "100", RINGBACK)
        .extra("[sip.timers]\nt1 = \"50ms\"\n")
        .start();
    let agent = phones(&cordboard, &["kim"], "phone_answers", Over::Udp, 1);
    caller(&cordboard, "lost_ack", Over::Udp).succeeds();
    agent.succeeds();
    settled(cordboard, &[("answered", 1.0)]);
}

#[test]
fn a_full_queue_refuses_with_486_before_it_answers() {
    let lines = format!("{MUSIC}\nmax_length = {{ waiting = 0, then = \"busy\" }}");
    let cordboard = one_queue("full_queue", &lines);
    caller(&cordboard, "refused_486", Over::Udp).succeeds();
    settled(cordboard, &[("overflowed", 1.0)]);
}

#[test]
fn whoever_waited_too_long_goes_to_the_next_queue() {
    let port = free_port();
    let cordboard = Plan::new("overflow_queue")
        .agent_at("park", "second = 5", &format!("sip:park@127.0.0.1:{port}"))
        .queue(
            "billing",
            "100",
            &format!("{RINGBACK}\nmax_wait = {{ after = \"1s\", then = \"queue:second\" }}"),
        )
        .queue("second", "200", "require = \"second\"\nwaiting = \"ringback\"")
        .agent("kim", "billing = 8")
        .start();
    let agent = phones_at(&cordboard, port, "phone_answers", Over::Udp, 1);
    caller(&cordboard, "call", Over::Udp).succeeds();
    agent.succeeds();
    settled(cordboard, &[("answered", 1.0), ("overflowed", 1.0)]);
}

#[test]
fn a_drain_refuses_new_calls_and_lets_those_in_progress_end() {
    let cordboard = one_queue("drain", RINGBACK);
    let agent = phones(&cordboard, &["kim"], "phone_answers", Over::Udp, 1);
    let talking = caller(&cordboard, "call_long", Over::Udp);
    cordboard.await_metric("cordboard_agents", &[("state", "handling")], 1.0);
    cordboard.signal("-TERM");
    crate::process::eventually(Duration::from_secs(5), "it is no longer ready", || {
        (crate::http::get(cordboard.http, "/readyz")?.0 == 503).then_some(())
    });
    caller(&cordboard, "refused_503", Over::Udp).succeeds();
    talking.succeeds();
    agent.succeeds();
    cordboard.ends();
}
