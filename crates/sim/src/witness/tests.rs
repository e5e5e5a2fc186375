//! The witness must notice: each story here is one that the product must never tell.

use bytes::Bytes;

use super::*;

const CENTRE: ([u8; 4], u16) = ([10, 0, 0, 1], 5060);
const CALLER: ([u8; 4], u16) = ([10, 1, 0, 1], 5060);
const AGENT: ([u8; 4], u16) = ([10, 2, 0, 1], 5060);

/// One message on the wire: from whom to whom, its first line, its Call-ID, branch and CSeq.
struct Wire {
    witness: Witness,
    now: Instant,
}

impl Wire {
    fn new() -> Wire {
        let mut witness = Witness::new(SocketAddr::from(CENTRE), Duration::ZERO);
        witness.add_agent("a0", 0);
        Wire { witness, now: Instant::ORIGIN }
    }

    fn say(&mut self, from: ([u8; 4], u16), to: ([u8; 4], u16), line: &str, call_id: &str, cseq: &str) {
        let called = if call_id == "in" { "100" } else { "a0" };
        let tag = if line.starts_with("INVITE") { "" } else { ";tag=2" };
        let text = format!(
            "{line}\r\nVia: SIP/2.0/UDP {}.{}.{}.{};branch=z9hG4bK{}{}\r\nFrom: <sip:c0@x>;tag=1\r\nTo: <sip:{called}@x>{tag}\r\nCall-ID: {call_id}\r\nCSeq: {cseq}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            from.0[0],
            from.0[1],
            from.0[2],
            from.0[3],
            from.0[1],
            cseq.replace(' ', ""),
        );
        let bytes = Bytes::from(text);
        let datagram = Datagram { from: SocketAddr::from(from), to: SocketAddr::from(to), bytes };
        self.now += Duration::from_millis(10);
        self.witness.sent(self.now, &datagram);
        self.witness.arrived(self.now, &datagram);
    }

    fn answered_leg(&mut self, client: ([u8; 4], u16), server: ([u8; 4], u16), call_id: &str) {
        self.say(client, server, "INVITE sip:x SIP/2.0", call_id, "1 INVITE");
        self.say(server, client, "SIP/2.0 200 OK", call_id, "1 INVITE");
        self.say(client, server, "ACK sip:x SIP/2.0", call_id, "1 ACK");
    }

    fn found(mut self) -> Vec<String> {
        self.witness.check_the_end(self.now);
        self.witness.violations().iter().map(|violation| violation.what.clone()).collect()
    }
}

#[test]
fn a_call_that_ends_well_is_no_violation() {
    let mut wire = Wire::new();
    wire.answered_leg(CENTRE, AGENT, "out");
    wire.answered_leg(CALLER, CENTRE, "in");
    wire.say(CALLER, CENTRE, "BYE sip:x SIP/2.0", "in", "2 BYE");
    wire.say(CENTRE, AGENT, "BYE sip:x SIP/2.0", "out", "2 BYE");
    wire.witness.recorded("c0", Outcome::Answered);
    assert_eq!(wire.witness.truth().answered, 1);
    assert_eq!(wire.found(), Vec::<String>::new());
}

#[test]
fn an_answered_leg_without_bye_is_noticed() {
    let mut wire = Wire::new();
    wire.answered_leg(CALLER, CENTRE, "in");
    assert!(wire.found().iter().any(|what| what.contains("with 0 BYEs")));
}

#[test]
fn an_answer_that_nobody_acknowledges_is_noticed() {
    let mut wire = Wire::new();
    wire.say(CENTRE, AGENT, "INVITE sip:x SIP/2.0", "out", "1 INVITE");
    wire.say(AGENT, CENTRE, "SIP/2.0 200 OK", "out", "1 INVITE");
    wire.say(AGENT, CENTRE, "BYE sip:x SIP/2.0", "out", "1 BYE");
    assert!(wire.found().iter().any(|what| what.contains("never acknowledged")));
}

#[test]
fn two_byes_that_do_not_cross_are_noticed() {
    let mut wire = Wire::new();
    wire.answered_leg(CALLER, CENTRE, "in");
    wire.say(CALLER, CENTRE, "BYE sip:x SIP/2.0", "in", "2 BYE");
    wire.say(CENTRE, CALLER, "BYE sip:x SIP/2.0", "in", "1 BYE");
    assert!(wire.found().iter().any(|what| what.contains("with 2 BYEs")));
}

#[test]
fn two_final_answers_are_noticed_and_a_repeated_one_is_not() {
    for (second, is_wrong) in [("SIP/2.0 486 Busy", true), ("SIP/2.0 404 Not Found", false)] {
        let mut wire = Wire::new();
        wire.say(CALLER, CENTRE, "INVITE sip:x SIP/2.0", "in", "1 INVITE");
        wire.say(CENTRE, CALLER, "SIP/2.0 404 Not Found", "in", "1 INVITE");
        wire.say(CENTRE, CALLER, second, "in", "1 INVITE");
        assert_eq!(wire.found().iter().any(|what| what.contains("several final")), is_wrong);
    }
}

#[test]
fn an_invite_that_is_never_answered_is_noticed() {
    let mut wire = Wire::new();
    wire.say(CALLER, CENTRE, "INVITE sip:x SIP/2.0", "in", "1 INVITE");
    assert!(wire.found().iter().any(|what| what.contains("final answers []")));
}

#[test]
fn an_agent_who_is_put_through_twice_is_noticed() {
    let mut wire = Wire::new();
    wire.answered_leg(CENTRE, AGENT, "out");
    wire.answered_leg(CENTRE, AGENT, "other");
    assert!(wire.found().iter().any(|what| what.contains("while talking to")));
}

#[test]
fn a_record_that_says_something_else_is_noticed() {
    let mut wire = Wire::new();
    wire.say(CALLER, CENTRE, "INVITE sip:x SIP/2.0", "in", "1 INVITE");
    wire.say(CENTRE, CALLER, "SIP/2.0 487 Request Terminated", "in", "1 INVITE");
    wire.witness.recorded("c0", Outcome::Answered);
    assert!(wire.found().iter().any(|what| what.contains("the records say")));
}

#[test]
fn an_agent_who_hangs_up_before_the_distributors_word_arrives_may_have_answered_or_not() {
    for (slack, outcome, is_wrong) in [
        (20, Outcome::Abandoned, false),
        (20, Outcome::Answered, false),
        (5, Outcome::Answered, false),
        (5, Outcome::Abandoned, true),
    ] {
        let mut wire = Wire::new();
        wire.witness.slack = Duration::from_millis(slack);
        wire.answered_leg(CALLER, CENTRE, "in");
        wire.answered_leg(CENTRE, AGENT, "out");
        wire.say(AGENT, CENTRE, "BYE sip:x SIP/2.0", "out", "2 BYE");
        (0..5).for_each(|_| wire.say(CALLER, CENTRE, "INFO sip:x SIP/2.0", "in", "2 INFO"));
        wire.say(CALLER, CENTRE, "BYE sip:x SIP/2.0", "in", "3 BYE");
        wire.witness.recorded("c0", outcome);
        assert_eq!(!wire.found().is_empty(), is_wrong, "{slack} ms, {outcome:?}");
    }
}

#[test]
fn a_refusal_that_does_not_say_when_to_come_again_is_noticed() {
    for (line, is_wrong) in [("SIP/2.0 503 Full\r\nRetry-After: 5", false), ("SIP/2.0 503 Full", true)] {
        let mut wire = Wire::new();
        wire.say(CALLER, CENTRE, "INVITE sip:x SIP/2.0", "in", "1 INVITE");
        wire.say(CENTRE, CALLER, line, "in", "1 INVITE");
        assert_eq!(wire.found().iter().any(|what| what.contains("no Retry-After")), is_wrong, "{line}");
    }
}

#[test]
fn what_a_pbx_answers_by_itself_is_no_answer_of_the_centre() {
    let mut wire = Wire::new();
    wire.say(CALLER, CENTRE, "INVITE sip:x SIP/2.0", "in", "1 INVITE");
    wire.say(([10, 1, 255, 2], 5060), CALLER, "SIP/2.0 503 Full", "in", "1 INVITE");
    wire.say(CENTRE, CALLER, "SIP/2.0 404 Not Found", "in", "1 INVITE");
    assert_eq!(wire.found(), Vec::<String>::new());
}
