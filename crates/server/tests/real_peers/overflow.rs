//! Callers who are sent to another queue because of how the queues stand.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cordboard::Plan;
use crate::port::free_port;
use crate::process::eventually;
use crate::sipp::{Over, Run, Sipp, phones, phones_at};

const FIRST: &str = "require = \"billing >= 3\"\nwaiting = \"ringback\"\noverflow = [{ \
                     when = [\"oldest_wait >= 1s\", \"queue:second oldest_wait <= 10s\"], then = \"queue:second\" }]";

/// The oldest in the first queue has waited for more than a second, nobody waits in the second: whoever comes now is
/// answered there, and the one who came first is answered when the first queue's agent is there.
#[test]
fn newcomer_goes_to_the_queue_where_nobody_waits_while_the_oldest_here_waits() {
    let port = free_port();
    let cordboard = Plan::new("overflow_rule")
        .agent("kim", "billing = 8")
        .agent_at("park", "second = 5", &format!("sip:park@127.0.0.1:{port}"))
        .queue("billing", "100", FIRST)
        .queue("second", "200", "require = \"second\"\nwaiting = \"ringback\"")
        .start();
    let call = || -> Sipp { Run::new("call").start(&cordboard.folder, cordboard.sip) };
    let of_billing = [("queue", "billing")];
    let first = call();
    eventually(Duration::from_secs(20), "the first caller has waited for more than a second", || {
        (cordboard.metrics().sum("cordboard_longest_wait_seconds", &of_billing) > 1.1).then_some(())
    });
    let park = phones_at(&cordboard, port, "phone_answers", Over::Udp, 1);
    call().succeeds();
    park.succeeds();
    assert_eq!(cordboard.metrics().sum("cordboard_waiting", &of_billing), 1.0, "the first caller waits on");
    let by_rule = [("queue", "billing"), ("cause", "rule_1")];
    assert_eq!(cordboard.metrics().sum("cordboard_overflows_total", &by_rule), 1.0);
    let ended = eventually(Duration::from_secs(20), "the interaction is remembered", || {
        let (_, answer) = cordboard.ask("GET", "/interactions?state=ended&agent=park", &Value::Null);
        answer["interactions"].get(0).cloned()
    });
    let left = &ended["visits"][0];
    assert_eq!(left["queue"], json!("billing"), "{ended}");
    assert_eq!((&left["overflow"]["cause"], &left["overflow"]["rule"]), (&json!("rule"), &json!(1)));
    let kim = phones(&cordboard, &["kim"], "phone_answers", Over::Udp, 1);
    first.succeeds();
    kim.succeeds();
    cordboard.nothing_is_left();
    assert_eq!((cordboard.outcome("answered"), cordboard.outcome("overflowed")), (2.0, 1.0));
    cordboard.stop();
}
