//! Callers who call again.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cordboard::{Cordboard, Plan};
use crate::process::eventually;
use crate::raw::Caller;
use crate::sipp::{Over, Run, Sipp, phones};

fn get(cordboard: &Cordboard, path: &str) -> Value {
    let (status, answer) = cordboard.ask("GET", path, &Value::Null);
    assert_eq!(status, 200, "{answer}");
    answer
}

/// The SIPp callers of these scenarios have one number.
fn caller(cordboard: &Cordboard, scenario: &str) -> Sipp {
    Run::new(scenario).start(&cordboard.folder, cordboard.sip)
}

/// Somebody else, who waits until told to give up.
fn rival(cordboard: &Cordboard) -> Caller {
    let rival = Caller::new(cordboard.sip, "rival");
    rival.send("INVITE", 1, "i");
    rival
}

fn gives_up(mut rival: Caller) {
    rival.send("CANCEL", 1, "i");
    assert_eq!(rival.await_final("INVITE", |_| {}), 487);
    rival.send("ACK", 1, "i");
}

fn waiting(cordboard: &Cordboard, many: usize) {
    eventually(Duration::from_secs(20), &format!("{many} wait"), || {
        let line = get(cordboard, "/queues/billing")["line"].clone();
        (line.as_array().map(Vec::len) == Some(many)).then_some(())
    });
}

fn becomes(cordboard: &Cordboard, agent: &str, presence: &str) {
    let (status, answer) =
        cordboard.ask("PUT", &format!("/agents/{agent}/presence"), &json!({"presence": presence}));
    assert_eq!(status, 200, "{answer}");
}

/// The one interaction of an agent that is over.
fn ended_of(cordboard: &Cordboard, agent: &str) -> Value {
    eventually(Duration::from_secs(20), "the interaction is remembered", || {
        let ended = get(cordboard, &format!("/interactions?state=ended&agent={agent}"));
        ended["interactions"].get(0).cloned()
    })
}

#[test]
fn who_gives_up_and_calls_again_is_answered_before_who_came_meanwhile() {
    let rules =
        "require = \"billing\"\nwaiting = \"ringback\"\nkeep_place = \"5m\"\nafter_call_work = \"10m\"";
    let cordboard = Plan::new("place_regained")
        .agent("kim", "billing = 8")
        .of_the_desktop()
        .queue("billing", "100", rules)
        .start();
    let phone = phones(&cordboard, &["kim"], "phone_answers", Over::Udp, 1);
    caller(&cordboard, "abandon").succeeds();
    cordboard.await_metric("cordboard_callers_remembered", &[("kind", "place")], 1.0);
    let rival = rival(&cordboard);
    waiting(&cordboard, 1);
    let again = caller(&cordboard, "call");
    waiting(&cordboard, 2);
    becomes(&cordboard, "kim", "ready");
    again.succeeds();
    phone.succeeds();
    gives_up(rival);
    let ended = ended_of(&cordboard, "kim");
    assert_eq!((&ended["outcome"], &ended["caller"]), (&json!("answered"), &json!("0212341")), "{ended}");
    assert!(ended["regained"].as_str().is_some_and(|at| Some(at) < ended["arrived"].as_str()), "{ended}");
    cordboard.nothing_is_left();
    assert_eq!(cordboard.metrics().sum("cordboard_places_regained_total", &[("queue", "billing")]), 1.0);
    assert_eq!((cordboard.outcome("answered"), cordboard.outcome("abandoned")), (1.0, 2.0));
    cordboard.stop();
}

/// Two agents of whom Kim is chosen wherever both are free, and Lee's own number 2001.
fn kim_and_lee(test: &'static str, rules: &str) -> Cordboard {
    let queue =
        "require = \"billing\"\nwaiting = \"ringback\"\nstrategy = \"most-skilled\"\nring_timeout = \"20s\"";
    Plan::new(test)
        .agent("kim", "billing = 9")
        .of_the_desktop()
        .agent("lee", "billing = 4")
        .of_the_desktop()
        .queue("billing", "100", &format!("{queue}\n{rules}"))
        .extra("[[entry]]\nnumber = \"2001\"\nqueue = \"billing\"\nagent = \"lee\"\nagent_wait = \"30s\"\n")
        .start()
}

#[test]
fn who_served_a_caller_last_is_rung_again_and_a_stranger_reaches_who_is_chosen() {
    let cordboard = kim_and_lee("last_agent", "last_agent = { remember = \"1h\", wait = \"30s\" }");
    let lees = phones(&cordboard, &["lee"], "phone_answers", Over::Udp, 2);
    let kims = phones(&cordboard, &["kim"], "phone_answers", Over::Udp, 1);
    becomes(&cordboard, "lee", "ready");
    caller(&cordboard, "call").succeeds();
    cordboard.await_metric("cordboard_callers_remembered", &[("kind", "last_agent")], 1.0);
    becomes(&cordboard, "kim", "ready");
    caller(&cordboard, "call").succeeds();
    lees.succeeds();
    let mut stranger = Caller::new(cordboard.sip, "stranger");
    stranger.send("INVITE", 1, "i");
    assert_eq!(stranger.await_final("INVITE", |caller| caller.send("INVITE", 1, "i")), 200);
    stranger.send("ACK", 1, "a");
    stranger.send("BYE", 2, "b");
    assert_eq!(stranger.await_final("BYE", |caller| caller.send("BYE", 2, "b")), 200);
    kims.succeeds();
    let second = ended_of(&cordboard, "lee");
    assert_eq!(second["wanted"]["cause"], "last_agent", "{second}");
    assert_eq!(
        (&second["wanted"]["agents"], &second["attempts"][0]["why"]["wanted"]),
        (&json!(["lee"]), &json!(1))
    );
    assert_eq!(ended_of(&cordboard, "kim")["wanted"], Value::Null);
    cordboard.nothing_is_left();
    assert_eq!(cordboard.metrics().sum("cordboard_wanted_agents_total", &[("outcome", "answered")]), 1.0);
    cordboard.stop();
}

#[test]
fn a_number_of_an_agents_own_reaches_that_agent_and_without_the_agent_the_queue() {
    let cordboard = kim_and_lee("direct_number", "");
    let direct = || Run { number: "2001", ..Run::new("call") }.start(&cordboard.folder, cordboard.sip);
    let lees = phones(&cordboard, &["lee"], "phone_answers", Over::Udp, 1);
    let kims = phones(&cordboard, &["kim"], "phone_answers", Over::Udp, 1);
    becomes(&cordboard, "kim", "ready");
    becomes(&cordboard, "lee", "ready");
    direct().succeeds();
    lees.succeeds();
    let reached = ended_of(&cordboard, "lee");
    assert_eq!((&reached["wanted"]["cause"], &reached["called"]), (&json!("direct_number"), &json!("2001")));
    assert_eq!(reached["wanted"]["over"], Value::Null, "{reached}");
    becomes(&cordboard, "lee", "logged_out");
    direct().succeeds();
    kims.succeeds();
    let other = ended_of(&cordboard, "kim");
    assert_eq!(other["wanted"]["over"]["cause"], "absent", "{other}");
    cordboard.nothing_is_left();
    let wanted = |outcome| cordboard.metrics().sum("cordboard_wanted_agents_total", &[("outcome", outcome)]);
    assert_eq!((wanted("answered"), wanted("absent")), (1.0, 1.0));
    cordboard.stop();
}
