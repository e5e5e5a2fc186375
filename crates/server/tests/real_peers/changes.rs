//! Callers who wait and whom the API puts elsewhere in line.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cordboard::{Cordboard, Plan};
use crate::process::eventually;
use crate::sipp::{Over, Run, Sipp, phones};

fn get(cordboard: &Cordboard, path: &str) -> Value {
    let (status, answer) = cordboard.ask("GET", path, &Value::Null);
    assert_eq!(status, 200, "{answer}");
    answer
}

/// A caller of this number, who waits as this interaction.
fn waits(cordboard: &Cordboard, number: &str) -> (Sipp, Value) {
    let caller = Run { number, ..Run::new("call") }.start(&cordboard.folder, cordboard.sip);
    let id = eventually(Duration::from_secs(20), "the caller waits", || {
        let all = get(cordboard, "/interactions")["interactions"].clone();
        let one = all.as_array()?.iter().find(|one| one["called"] == number)?;
        (one["state"] == "waiting").then(|| one["id"].clone())
    });
    (caller, id)
}

fn change(cordboard: &Cordboard, id: &Value, body: &Value) -> (u16, Value) {
    cordboard.ask("PATCH", &format!("/interactions/{id}"), body)
}

#[test]
fn callers_are_answered_in_the_order_that_the_api_has_made_of_them() {
    let rules = "require = \"billing\"\nwaiting = \"ringback\"";
    let cordboard = Plan::new("changes")
        .agent("kim", "billing = 8")
        .of_the_desktop()
        .queue("billing", "100", rules)
        .queue("sales", "200", "require = \"sales\"\nwaiting = \"ringback\"")
        .extra("[[entry]]\nnumber = \"101\"\nqueue = \"billing\"\n\n[[supervisor]]\nid = \"park\"\n")
        .start();
    let phone = phones(&cordboard, &["kim"], "phone_answers", Over::Udp, 3);
    let (first, first_id) = waits(&cordboard, "100");
    let (second, second_id) = waits(&cordboard, "101");
    let (third, third_id) = waits(&cordboard, "200");
    let (status, changed) = change(&cordboard, &second_id, &json!({"priority": 5, "by": "park"}));
    assert_eq!((status, &changed["priority"]), (200, &json!(5)), "{changed}");
    let wrong = json!({"priority": 9, "queue": "billing", "require": "billing >="});
    let (status, problem) = change(&cordboard, &third_id, &wrong);
    assert_eq!(status, 422, "{problem}");
    assert_eq!(get(&cordboard, &format!("/interactions/{third_id}"))["queue"], "sales");
    let moved = json!({"priority": 9, "queue": "billing", "require": "billing >= 3"});
    let (status, changed) = change(&cordboard, &third_id, &moved);
    assert_eq!((status, &changed["queue"]), (200, &json!("billing")), "{changed}");
    let line = get(&cordboard, "/queues/billing")["line"].clone();
    let order: Vec<&Value> = line.as_array().expect("a line").iter().map(|one| &one["interaction"]).collect();
    assert_eq!(order, [&third_id, &second_id, &first_id]);
    let (status, answer) = cordboard.ask("PUT", "/agents/kim/presence", &json!({"presence": "ready"}));
    assert_eq!(status, 200, "{answer}");
    for caller in [first, second, third] {
        caller.succeeds();
    }
    phone.succeeds();
    let answered = [&third_id, &second_id, &first_id].map(|id| {
        let one = eventually(Duration::from_secs(20), "the interaction is remembered", || {
            let one = get(&cordboard, &format!("/interactions/{id}"));
            (one["state"] == "ended").then_some(one)
        });
        one["answered"].as_str().expect("kim answered").to_owned()
    });
    assert!(answered.is_sorted(), "{answered:?}");
    let (status, late) = change(&cordboard, &second_id, &json!({"priority": 1}));
    assert_eq!(status, 409, "{late}");
    let second = get(&cordboard, &format!("/interactions/{second_id}"));
    assert_eq!(
        (&second["changes"][0]["by"], &second["changes_total"]),
        (&json!("park"), &json!(1)),
        "{second}"
    );
    cordboard.nothing_is_left();
    cordboard.stop();
}
