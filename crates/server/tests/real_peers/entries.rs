//! Dialled numbers whose callers wait in two queues at once.

use serde_json::{Value, json};

use crate::cordboard::Plan;
use crate::port::free_port;
use crate::process::eventually;
use crate::sipp::{Over, Run, phones_at};

/// Nobody serves the first of the two queues, and the phone of the second's agent answers.
#[test]
fn who_waits_in_two_queues_is_answered_from_the_one_that_has_an_agent_and_leaves_the_other() {
    let port = free_port();
    let cordboard = Plan::new("two_queues")
        .agent("kim", "billing = 8")
        .agent_at("park", "second = 5", &format!("sip:park@127.0.0.1:{port}"))
        .queue("billing", "150", "require = \"billing >= 3\"\nwaiting = \"ringback\"")
        .queue("second", "200", "require = \"second\"\nwaiting = \"ringback\"")
        .extra("[[entry]]\nnumber = \"100\"\nqueue = \"billing\"\nalso = \"second\"\n")
        .start();
    let park = phones_at(&cordboard, port, "phone_answers", Over::Udp, 1);
    Run::new("call").start(&cordboard.folder, cordboard.sip).succeeds();
    park.succeeds();
    let ended = eventually(std::time::Duration::from_secs(20), "the interaction is remembered", || {
        let (_, answer) = cordboard.ask("GET", "/interactions?state=ended&agent=park", &Value::Null);
        answer["interactions"].get(0).cloned()
    });
    assert_eq!(ended["queue"], json!("second"), "{ended}");
    let visits = ended["visits"].as_array().expect("a list");
    let queues: Vec<&Value> = visits.iter().map(|visit| &visit["queue"]).collect();
    assert_eq!(queues, [&json!("billing"), &json!("second")], "{ended}");
    cordboard.nothing_is_left();
    let metrics = cordboard.metrics();
    let ended = |queue, outcome| {
        metrics.sum("cordboard_interactions_total", &[("queue", queue), ("outcome", outcome)])
    };
    assert_eq!((ended("second", "answered"), ended("billing", "dequeued")), (1.0, 1.0));
    assert_eq!(metrics.sum("cordboard_entered_beside_total", &[]), 1.0);
    assert_eq!(metrics.sum("cordboard_dequeues_total", &[("queue", "billing"), ("cause", "answered")]), 1.0);
    cordboard.stop();
}

/// The first number is Kim's own and Kim has no phone registered; the second wants Kim, too, and goes on into a queue
/// whose agent is there.
#[test]
fn a_call_whose_agent_is_not_there_goes_where_its_number_says() {
    let port = free_port();
    let cordboard = Plan::new("direct_numbers")
        .agent("kim", "billing = 8")
        .agent_at("park", "second = 5", &format!("sip:park@127.0.0.1:{port}"))
        .queue("billing", "150", "require = \"billing >= 3\"\nwaiting = \"ringback\"")
        .queue("second", "200", "require = \"second\"\nwaiting = \"ringback\"")
        .extra(
            "[[entry]]\nnumber = \"100\"\nqueue = \"billing\"\nagent = \"kim\"\nagent_then = \"busy\"\n\
             [[entry]]\nnumber = \"101\"\nqueue = \"billing\"\nagent = \"kim\"\nagent_then = \"queue:second\"\n",
        )
        .start();
    Run::new("refused_486").start(&cordboard.folder, cordboard.sip).succeeds();
    let park = phones_at(&cordboard, port, "phone_answers", Over::Udp, 1);
    Run { number: "101", ..Run::new("call") }.start(&cordboard.folder, cordboard.sip).succeeds();
    park.succeeds();
    cordboard.nothing_is_left();
    let metrics = cordboard.metrics();
    let absent = [("queue", "billing"), ("cause", "wanted_absent")];
    assert_eq!(metrics.sum("cordboard_overflows_total", &absent), 2.0);
    assert_eq!(metrics.sum("cordboard_flow_ins_total", &[("queue", "second")]), 1.0);
    cordboard.stop();
}
