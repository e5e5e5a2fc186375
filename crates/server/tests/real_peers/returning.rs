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
    cordboard.await_metric("cordboard_callers_remembered", &[("what", "place")], 1.0);
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
