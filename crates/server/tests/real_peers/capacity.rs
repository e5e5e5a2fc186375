//! An agent who takes two calls at once.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cordboard::{Cordboard, Plan};
use crate::process::eventually;
use crate::raw::Caller;
use crate::sipp::{Over, phones};

fn kim(cordboard: &Cordboard) -> Value {
    let (status, kim) = cordboard.ask("GET", "/agents/kim", &Value::Null);
    assert_eq!(status, 200, "{kim}");
    kim
}

fn voice(used: u8, free: u8) -> Value {
    json!([{"channel": "voice", "capacity": 2, "used": used, "free": free}])
}

/// A caller who is answered and stays.
fn talks(cordboard: &Cordboard, name: &str) -> Caller {
    let mut caller = Caller::new(cordboard.sip, name);
    caller.send("INVITE", 1, "i");
    assert_eq!(caller.await_final("INVITE", |caller| caller.send("INVITE", 1, "i")), 200);
    caller.send("ACK", 1, "a");
    eventually(Duration::from_secs(20), "the conversation is told", || {
        let (_, all) = cordboard.ask("GET", "/interactions", &Value::Null);
        let all = all["interactions"].as_array()?.clone();
        all.iter().all(|one| one["state"] == "talking").then_some(())
    });
    caller
}

fn hangs_up(mut caller: Caller) {
    caller.send("BYE", 2, "b");
    assert_eq!(caller.await_final("BYE", |caller| caller.send("BYE", 2, "b")), 200);
}

#[test]
fn a_phone_rings_for_a_second_call_while_the_first_goes_on_and_the_api_tells_both() {
    let cordboard = Plan::new("capacity")
        .agent("kim", "billing = 8")
        .who("capacity = { voice = 2 }")
        .queue("billing", "100", "require = \"billing\"\nwaiting = \"ringback\"")
        .start();
    let phone = phones(&cordboard, &["kim"], "phone_answers", Over::Udp, 2);
    eventually(Duration::from_secs(20), "kim could be offered two", || {
        (kim(&cordboard)["channels"] == voice(0, 2)).then_some(())
    });
    let first = talks(&cordboard, "first");
    assert_eq!(
        (&kim(&cordboard)["channels"], &kim(&cordboard)["activity"]),
        (&voice(1, 1), &json!("handling"))
    );
    let second = talks(&cordboard, "second");
    let both = kim(&cordboard);
    let works = both["works"].as_array().expect("a list");
    let talk = |work: &Value| work["state"] == "handling" && work["queue"] == "billing";
    assert!(works.len() == 2 && works.iter().all(talk), "{both}");
    assert!(works[0]["interaction"].as_u64() < works[1]["interaction"].as_u64(), "the first first: {both}");
    assert_eq!(both["channels"], voice(2, 0));
    let labels = [("channel", "voice"), ("state", "handling")];
    cordboard.await_metric("cordboard_agent_interactions", &labels, 2.0);
    hangs_up(first);
    eventually(Duration::from_secs(20), "one goes on", || {
        (kim(&cordboard)["channels"] == voice(1, 1)).then_some(())
    });
    hangs_up(second);
    phone.succeeds();
    cordboard.nothing_is_left();
    assert_eq!(cordboard.outcome("answered"), 2.0);
    cordboard.stop();
}
