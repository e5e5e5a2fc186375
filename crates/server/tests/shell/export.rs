//! From what the running system remembers to a simulated day: the API writes the CSV, `simulate` reads it.

use std::process::Command;

use super::support::*;

/// A second queue, whose name needs quotes in CSV, and nobody who serves it.
const MORE: &str = r#"
[[queue]]
name = "sales, new"
require = "sales"
[[entry]]
number = "15882000"
queue = "sales, new"
"#;

/// The scenario that reads the export: the calls of each queue at their times, and talks drawn from those that were.
const SCENARIO: &str = r#"
[day]
from = "00:00"
to = "24:00"
interval = "1h"
[runs]
replications = 2
[[queue]]
name = "billing"
[[queue]]
name = "sales, new"
[[arrivals]]
queue = "billing"
file = "day.csv"
come = "as-recorded"
talk = { shape = "empirical", file = "day.csv", column = "talk" }
[[arrivals]]
queue = "sales, new"
file = "day.csv"
come = "as-recorded"
talk = { shape = "empirical", file = "day.csv", column = "wait" }
[[group]]
name = "agents"
count = 2
"#;

#[test]
fn a_day_that_the_api_has_told_as_csv_is_simulated() {
    let mut agent_phone = Phone::udp("kim", nobody());
    let running = start(configuration(agent_phone.address(), MORE));
    let empty = ask(&running, "GET", "/api/v1/interactions.csv", "");
    assert_eq!((empty.status, empty.body.as_str()), (200, "time,queue,talk,wait,outcome\n"));

    // One is answered, two give up; what they are called is a formula.
    let mut answered = Phone::udp("=1+1", udp(&running));
    let answer = answered.call("15881000", "talk");
    let invite = agent_phone.expect("INVITE");
    agent_phone.send(&response(&invite, "200 OK", agent_phone.address(), "udp", &sdp()));
    agent_phone.expect("ACK");
    let mut gone: Vec<Phone> = ["0101", "0102"].map(|name| Phone::udp(name, udp(&running))).into();
    for (place, caller) in gone.iter_mut().enumerate() {
        let answer = caller.call("15882000", &format!("gone{place}"));
        let bye = caller.inside(&answer, "BYE", 2);
        caller.send(&bye);
        caller.expect("200");
    }
    answered.send(&answered.inside(&answer, "BYE", 2));
    answered.expect("200");
    let bye = agent_phone.expect("BYE");
    agent_phone.send(&response(&bye, "200 OK", agent_phone.address(), "udp", ""));

    let day = eventually("all three are remembered", || {
        let day = ask(&running, "GET", "/api/v1/interactions.csv?time_zone=UTC", "");
        (day.body.lines().count() == 4).then_some(day)
    });
    assert!(day.head.contains("content-type: text/csv"), "{}", day.head);
    let lines = |queue: &str| day.body.lines().filter(|line| line.contains(queue)).count();
    assert_eq!((lines(",billing,"), lines(",\"sales, new\",,")), (1, 2), "{}", day.body);
    assert!(
        day.body.contains(",answered\n") && day.body.matches(",abandoned\n").count() == 2,
        "{}",
        day.body
    );
    assert!(!day.body.contains("1+1"), "nothing that a caller says is in it:\n{}", day.body);
    let date = &day.body.lines().nth(1).expect("a call")[..10];
    let other = ask(&running, "GET", "/api/v1/interactions.csv?date=2001-01-01", "");
    assert_eq!(other.body.lines().count(), 1, "of another day there is none");
    let ours = ask(&running, "GET", &format!("/api/v1/interactions.csv?date={date}"), "");
    assert!(ours.body.lines().count() > 1, "{}", ours.body);
    running.shut_down();

    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("export");
    std::fs::create_dir_all(&folder).expect("the folder for tests can be written");
    std::fs::write(folder.join("day.csv"), &day.body).expect("the folder for tests can be written");
    let scenario = folder.join("day.toml");
    std::fs::write(&scenario, SCENARIO).expect("the folder for tests can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_cordboard"))
        .args(["simulate", "--threads", "1", "--watch", "every"])
        .arg(&scenario)
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let calls = |queue: &str| {
        let table = text.split(&format!("Queue {queue}:")).nth(1).expect("the queue has a table");
        let day = table.lines().find(|line| line.starts_with("day ")).expect("the table has a sum");
        day.split_whitespace().nth(1).expect("the calls").to_owned()
    };
    assert_eq!((calls("billing"), calls("sales, new")), ("1.0".to_owned(), "2.0".to_owned()), "{text}");
}
