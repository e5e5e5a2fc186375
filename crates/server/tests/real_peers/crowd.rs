//! Many at once.

use std::time::Duration;

use crate::cordboard::Plan;
use crate::process::eventually;
use crate::sipp::{Over, Run, phones};

#[test]
fn five_hundred_agents_and_a_thousand_calls_at_once() {
    let names: Vec<String> = (0..500).map(|number| format!("agent{number}")).collect();
    let mut plan = Plan::new("crowd").alone().media_ports(5_000).queue(
        "billing",
        "100",
        "require = \"billing\"\nwaiting = \"ringback\"\nring_timeout = \"10s\"",
    );
    for name in &names {
        plan = plan.agent(name, "billing = 5");
    }
    let cordboard = plan.start();
    let agents: Vec<&str> = names.iter().map(String::as_str).collect();
    let desks = phones(&cordboard, &agents, "phone_answers_at_once", Over::Udp, 1_000);
    cordboard.await_metric("cordboard_agents", &[("queue", "billing"), ("state", "idle")], 500.0);
    let callers =
        Run { calls: 1_000, rate: 200, ..Run::new("call_long") }.start(&cordboard.folder, cordboard.sip);
    // All thousand are here at the same moment: five hundred talk, five hundred wait.
    let mut most = 0.0_f64;
    eventually(Duration::from_secs(60), "every agent talks while others wait", || {
        let metrics = cordboard.metrics();
        let talking = metrics.sum("cordboard_agents", &[("queue", "billing"), ("state", "handling")]);
        let waiting = metrics.sum("cordboard_waiting", &[]);
        most = most.max(talking + waiting);
        (talking >= 490.0 && waiting >= 400.0).then_some(())
    });
    callers.succeeds();
    desks.succeeds();
    cordboard.nothing_is_left();
    assert_eq!(cordboard.outcome("answered"), 1_000.0, "most at once: {most}");
    cordboard.stop();
}
