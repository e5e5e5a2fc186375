//! A queue that closes while people call.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cordboard::{Cordboard, Plan};
use crate::process::eventually;
use crate::sipp::{Over, Run, phones};

/// Time for a call before the queue closes, on a machine that has other things to do.
const LEAD_SECONDS: u64 = 25;
/// From the reload until a minute is over that begins after the lead.
const CLOSES_WITHIN: Duration = Duration::from_secs(LEAD_SECONDS + 60 + 20);

/// The minute of the day in UTC at which the queue closes: the first whole one after the lead.
fn closing_minute() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs();
    (now + LEAD_SECONDS).div_ceil(60) % 1_440
}

fn calendar(hours: &str) -> String {
    format!("[[calendar]]\nname = \"office\"\ntime_zone = \"UTC\"\nhours = \"daily {hours}\"\n")
}

/// The half hour before a minute of the day.
fn open_until(closes: u64) -> String {
    let time = |minute: u64| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{}-{}", time((closes + 1_440 - 30) % 1_440), time(closes))
}

fn reload(cordboard: &Cordboard, before: &str, after: &str) {
    let file = cordboard.folder.join("cordboard.toml");
    let text = std::fs::read_to_string(&file).expect("the test wrote it");
    let changed = text.replace(before, after);
    assert_ne!(changed, text);
    std::fs::write(&file, changed).expect("the test's folder is writable");
    cordboard.signal("-HUP");
}

fn open_is(cordboard: &Cordboard, open: bool) {
    let wanted = f64::from(u8::from(open));
    eventually(CLOSES_WITHIN, &format!("open is {open}"), || {
        let is = cordboard.metrics().sum("cordboard_queue_open", &[("queue", "billing")]);
        (is == wanted).then_some(())
    });
}

fn caller(cordboard: &Cordboard, scenario: &str) {
    Run { over: Over::Udp, ..Run::new(scenario) }.start(&cordboard.folder, cordboard.sip).succeeds();
}

#[test]
fn a_call_reaches_an_agent_before_the_queue_closes_and_none_after_it() {
    let always = calendar("24h");
    let cordboard = Plan::new("hours")
        .agent("kim", "billing = 8")
        .queue(
            "billing",
            "100",
            "require = \"billing\"\nwaiting = \"ringback\"\nhours = \"office\"\nclosed = { then = \"busy\" }",
        )
        .extra(&always)
        .start();
    let agent = phones(&cordboard, &["kim"], "phone_answers", Over::Udp, 2);
    // Only now, so that however long the start took there is time for a call.
    let until_it_closes = calendar(&open_until(closing_minute()));
    reload(&cordboard, &always, &until_it_closes);
    caller(&cordboard, "call");
    open_is(&cordboard, false);
    caller(&cordboard, "refused_486");
    reload(&cordboard, &until_it_closes, &always);
    open_is(&cordboard, true);
    caller(&cordboard, "call");
    agent.succeeds();
    cordboard.nothing_is_left();
    let closed = cordboard.metrics().sum("cordboard_overflows_total", &[("cause", "closed")]);
    assert_eq!((cordboard.outcome("answered"), cordboard.outcome("overflowed"), closed), (2.0, 1.0, 1.0));
    cordboard.stop();
}
