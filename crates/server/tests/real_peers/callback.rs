//! A caller who hangs up to be called back.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cordboard::{Cordboard, Plan};
use crate::port::free_port;
use crate::process::eventually;
use crate::sipp::{Over, Run, phones, phones_at};

/// Who hears music is answered, and rung off by BYE.
const QUEUE: &str = "require = \"billing >= 3\"\nwaiting = \"music\"";

/// A centre that calls back over a trunk to this port; Kim is there and not ready.
fn centre(test: &'static str, customer: u16, callback: &str) -> Cordboard {
    Plan::new(test)
        .agent("kim", "billing = 8")
        .of_the_desktop()
        .agent("lee", "billing = 8")
        .of_the_desktop()
        .queue("billing", "100", &format!("{QUEUE}\ncallback = {{ trunk = \"outside\", {callback} }}"))
        .extra(&format!("[[trunk]]\nname = \"outside\"\noutbound_proxy = \"sip:127.0.0.1:{customer};lr\"\n"))
        .start()
}

fn get(cordboard: &Cordboard, path: &str) -> Value {
    let (status, answer) = cordboard.ask("GET", path, &Value::Null);
    assert_eq!(status, 200, "{answer}");
    answer
}

/// Somebody calls, waits, asks to be called back, and is rung off. The number of the interaction.
fn taken(cordboard: &Cordboard) -> u64 {
    let caller =
        Run { over: Over::Udp, ..Run::new("call_until_bye") }.start(&cordboard.folder, cordboard.sip);
    let waiting = eventually(Duration::from_secs(20), "the caller waits", || {
        let line = get(cordboard, "/queues/billing")["line"].clone();
        line[0]["interaction"].as_u64()
    });
    // Not before: whoever has not been answered hears 480 and no BYE.
    cordboard.await_metric("cordboard_media_terminations", &[("state", "playing")], 1.0);
    let path = format!("/interactions/{waiting}/callback");
    let (status, problem) = cordboard.ask("POST", &path, &json!({"number": "0699999999"}));
    assert_eq!(status, 422, "no other number is allowed: {problem}");
    let (status, told) = cordboard.ask("POST", &path, &json!({}));
    assert_eq!((status, &told["state"]), (200, &json!("to_call_back")), "{told}");
    assert_eq!(told["callback"]["number"], told["caller"]);
    assert_eq!(cordboard.ask("POST", &path, &json!({})).0, 409, "once is enough");
    caller.succeeds();
    let row = get(cordboard, "/queues/billing");
    assert_eq!((&row["line"][0]["callback"], row["line"].as_array().map(Vec::len)), (&json!(true), Some(1)));
    waiting
}

fn ready(cordboard: &Cordboard, agent: &str) {
    let path = format!("/agents/{agent}/presence");
    assert_eq!(cordboard.ask("PUT", &path, &json!({"presence": "ready"})).0, 200);
}

/// Kim is ready; the interaction is over in the end.
fn served(cordboard: &Cordboard, interaction: u64) -> Value {
    ready(cordboard, "kim");
    over(cordboard, interaction)
}

fn over(cordboard: &Cordboard, interaction: u64) -> Value {
    eventually(Duration::from_secs(30), "the interaction is over", || {
        let told = get(cordboard, &format!("/interactions/{interaction}"));
        (told["state"] == "ended").then_some(told)
    })
}

#[test]
fn a_caller_who_hangs_up_is_called_back_and_talks() {
    let customer = free_port();
    let cordboard = centre("callback", customer, "delay = \"0s\"");
    let agent = phones(&cordboard, &["kim"], "phone_answers", Over::Udp, 1);
    let answers = phones_at(&cordboard, customer, "phone_hangs_up", Over::Udp, 1);
    let interaction = taken(&cordboard);
    cordboard.await_metric("cordboard_callbacks", &[("queue", "billing")], 1.0);
    let told = served(&cordboard, interaction);
    assert_eq!((&told["outcome"], &told["agent"]), (&json!("called_back"), &json!("kim")), "{told}");
    assert_eq!(told["end"], "by_caller", "the customer ended it, whoever was called first");
    answers.succeeds();
    agent.succeeds();
    cordboard.nothing_is_left();
    assert_eq!((cordboard.outcome("called_back"), cordboard.outcome("abandoned")), (1.0, 0.0));
    cordboard.stop();
}

#[test]
fn customer_first_the_agent_is_rung_when_the_customer_is_there() {
    let customer = free_port();
    let cordboard = centre("callback_customer_first", customer, "delay = \"0s\", first = \"customer\"");
    let agent = phones(&cordboard, &["kim"], "phone_hangs_up", Over::Udp, 1);
    let answers = phones_at(&cordboard, customer, "phone_answers", Over::Udp, 1);
    let interaction = taken(&cordboard);
    let told = served(&cordboard, interaction);
    assert_eq!((&told["outcome"], &told["end"]), (&json!("called_back"), &json!("by_agent")), "{told}");
    answers.succeeds();
    agent.succeeds();
    cordboard.nothing_is_left();
    cordboard.stop();
}

#[test]
fn a_customer_who_is_busy_is_given_up_after_the_attempts() {
    let customer = free_port();
    let cordboard = centre("callback_busy", customer, "delay = \"0s\", attempts = 1");
    let agent = phones(&cordboard, &["kim"], "phone_answers", Over::Udp, 1);
    let busy = phones_at(&cordboard, customer, "phone_busy", Over::Udp, 1);
    let interaction = taken(&cordboard);
    let told = served(&cordboard, interaction);
    assert_eq!(
        (&told["outcome"], &told["callback"]["failed"]),
        (&json!("callback_ended"), &json!(1)),
        "{told}"
    );
    busy.succeeds();
    agent.succeeds();
    cordboard.nothing_is_left();
    let ended = cordboard.metrics().sum("cordboard_callbacks_ended_total", &[("cause", "unreached")]);
    assert_eq!((ended, cordboard.outcome("callback_ended")), (1.0, 1.0));
    cordboard.stop();
}

#[test]
fn an_agent_who_hangs_up_while_the_phone_rings_leaves_the_customer_in_peace_until_the_promise_is_taken_back()
{
    let customer = free_port();
    let cordboard = centre("callback_agent_leaves", customer, "delay = \"0s\", spacing = \"1h\"");
    let agent = phones(&cordboard, &["kim"], "phone_hangs_up", Over::Udp, 1);
    let rings = phones_at(&cordboard, customer, "phone_rings_out", Over::Udp, 1);
    let interaction = taken(&cordboard);
    ready(&cordboard, "kim");
    // One INVITE and one CANCEL, and no second call.
    rings.succeeds();
    agent.succeeds();
    let path = format!("/interactions/{interaction}");
    let told = eventually(Duration::from_secs(20), "the callback rests", || {
        let told = get(&cordboard, &path);
        told["callback"]["rests_until"].is_string().then_some(told)
    });
    assert_eq!((&told["state"], &told["callback"]["failed"]), (&json!("to_call_back"), &json!(1)), "{told}");
    let callback = format!("{path}/callback");
    assert_eq!(cordboard.ask("DELETE", &format!("{callback}?by=nobody"), &Value::Null).0, 422);
    let (status, told) = cordboard.ask("DELETE", &callback, &Value::Null);
    assert_eq!((status, &told["callback"]["ended"]), (200, &json!("withdrawn")), "{told}");
    assert_eq!(over(&cordboard, interaction)["outcome"], "callback_ended");
    assert_eq!(cordboard.ask("DELETE", &callback, &Value::Null).0, 409, "it is over");
    assert_eq!(cordboard.ask("DELETE", "/interactions/999/callback", &Value::Null).0, 404);
    cordboard.nothing_is_left();
    let ended = cordboard.metrics().sum("cordboard_callbacks_ended_total", &[("cause", "withdrawn")]);
    assert_eq!(ended, 1.0);
    cordboard.stop();
}

#[test]
fn a_customer_who_answers_as_the_agent_hangs_up_hears_music_and_gets_the_next_agent() {
    let customer = free_port();
    let cordboard = centre("callback_crossing", customer, "delay = \"0s\"");
    let kim = phones(&cordboard, &["kim"], "phone_hangs_up", Over::Udp, 1);
    let lee = phones(&cordboard, &["lee"], "phone_hangs_up", Over::Udp, 1);
    let answers = phones_at(&cordboard, customer, "phone_answers_too_late", Over::Udp, 1);
    let interaction = taken(&cordboard);
    ready(&cordboard, "kim");
    kim.succeeds();
    let path = format!("/interactions/{interaction}");
    let told = eventually(Duration::from_secs(20), "the customer holds on", || {
        let told = get(&cordboard, &path);
        (told["state"] == "waiting").then_some(told)
    });
    assert!(told["callback"]["reached"].is_string(), "{told}");
    cordboard.await_metric("cordboard_media_terminations", &[("state", "playing")], 1.0);
    cordboard.await_metric("cordboard_waiting", &[("queue", "billing")], 1.0);
    assert_eq!((cordboard.outcome("called_back"), cordboard.outcome("callback_ended")), (0.0, 0.0));
    ready(&cordboard, "lee");
    let told = over(&cordboard, interaction);
    assert_eq!((&told["outcome"], &told["agent"]), (&json!("called_back"), &json!("lee")), "{told}");
    assert_eq!(told["end"], "by_agent", "{told}");
    answers.succeeds();
    lee.succeeds();
    cordboard.nothing_is_left();
    assert_eq!((cordboard.outcome("called_back"), cordboard.outcome("abandoned")), (1.0, 0.0));
    cordboard.stop();
}
