//! An agent whose shift is the API's to say, with a real phone.

use std::time::Duration;

use serde_json::{Value, json};

use crate::audio::start_kims_phone;
use crate::cordboard::{Cordboard, Plan};
use crate::process::eventually;
use crate::sipp::{Over, Run};

const QUEUE: &str = "require = \"billing >= 3\"\nwaiting = \"ringback\"\nafter_call_work = \"10m\"";

fn wish(cordboard: &Cordboard, body: &Value) -> (u16, Value) {
    cordboard.ask("PUT", "/agents/kim/presence", body)
}

fn get(cordboard: &Cordboard, path: &str) -> Value {
    let (status, answer) = cordboard.ask("GET", path, &Value::Null);
    assert_eq!(status, 200, "{answer}");
    answer
}

#[test]
fn an_agent_logs_in_is_rung_and_ends_after_call_work_by_the_api() {
    let cordboard = Plan::new("desktop")
        .agent("kim", "billing = 8")
        .of_the_desktop()
        .queue("billing", "100", QUEUE)
        .extra("[[reason]]\nid = \"lunch\"\nname = \"Lunch\"\n")
        .start();
    let (status, problem) = wish(&cordboard, &json!({"presence": "ready"}));
    assert_eq!(status, 409, "no phone is registered: {problem}");
    let _phone = start_kims_phone(&cordboard, "udp");
    eventually(Duration::from_secs(20), "the phone is registered", || {
        let (status, _) = wish(&cordboard, &json!({"presence": "not_ready", "reason": "lunch"}));
        (status == 200).then_some(())
    });
    let caller = Run { over: Over::Udp, ..Run::new("call") }.start(&cordboard.folder, cordboard.sip);
    eventually(Duration::from_secs(20), "the caller waits", || {
        let line = get(&cordboard, "/queues/billing")["line"].clone();
        (line.as_array().map(Vec::len) == Some(1)).then_some(())
    });
    assert_eq!(wish(&cordboard, &json!({"presence": "ready"})).0, 200);
    caller.succeeds();
    let ended = eventually(Duration::from_secs(20), "the interaction is remembered", || {
        get(&cordboard, "/interactions?state=ended&agent=kim")["interactions"].get(0).cloned()
    });
    assert_eq!((&ended["outcome"], &ended["agent"]), (&json!("answered"), &json!("kim")), "{ended}");
    assert_eq!(ended["attempts"][0]["why"]["eligible"], 1);
    let mut one = get(&cordboard, &format!("/interactions/{}", ended["id"]));
    assert!(one["attributes"].as_array().is_some_and(|headers| !headers.is_empty()), "{one}");
    one["attributes"] = json!([]);
    assert_eq!(one, ended, "a list leaves the headers out, and nothing else");
    assert_eq!(get(&cordboard, "/agents/kim")["activity"], "after_call_work");
    let (status, free) = cordboard.ask("POST", "/agents/kim/after-call-work/end", &Value::Null);
    assert_eq!((status, &free["activity"]), (200, &json!("idle")));
    assert_eq!(wish(&cordboard, &json!({"presence": "logged_out"})).1["presence"], "logged_out");
    cordboard.nothing_is_left();
    cordboard.stop();
}
