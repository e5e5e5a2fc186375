//! Queues that keep hours, by a wall clock that the tests put forward and back.

use server::clock::Wall;
use server::config::Config;
use server::shell::{Running, Shell};

use super::support::*;

const OFFICE: &str = r#"
[[calendar]]
name = "office"
time_zone = "Europe/Berlin"
hours = "mon-fri 09:00-18:00"
exceptions = [{ on = "12-25", name = "Christmas Day" }]
[[queue]]
name = "office"
hours = "office"
closed = { then = "busy" }
[[entry]]
number = "15882000"
queue = "office"
"#;

/// Shows this moment, and goes on from there.
fn set(wall: &Wall, shown: &str) {
    let shown = chrono::DateTime::parse_from_rfc3339(shown).expect("a time").timestamp();
    wall.set_ahead(0);
    wall.set_ahead(shown - wall.now().seconds());
}

fn start_at(config: Config, shown: &str) -> (Running, Wall) {
    let shell = Shell::new(config, std::path::PathBuf::new());
    let wall = shell.wall.clone();
    set(&wall, shown);
    (shell.start().unwrap_or_else(|refused| panic!("{refused}")), wall)
}

fn queue(running: &Running) -> serde_json::Value {
    ask(running, "GET", "/api/v1/queues/office", "").json()
}

fn becomes(running: &Running, open: bool) -> serde_json::Value {
    eventually(&format!("open is {open}"), || Some(queue(running)).filter(|queue| queue["open"] == open))
}

/// Somebody calls, and is told that nobody is there.
fn is_turned_away(running: &Running, call: &str) {
    let mut caller = Phone::udp("01012345678", udp(running));
    let invite = caller.request("INVITE", "15882000", call);
    caller.send(&invite);
    caller.expect("486");
}

#[test]
fn a_queue_closes_when_the_clock_shows_it_and_opens_again_also_over_jumps() {
    let (running, wall) = start_at(unstaffed(OFFICE), "2026-11-23T17:30:00+01:00");
    let mut waits = Phone::udp("01087654321", udp(&running));
    let answer = waits.call("15882000", "before");
    // The time in between goes by as it does.
    set(&wall, "2026-11-23T17:59:58+01:00");
    let closed = becomes(&running, false);
    assert_eq!(closed["hours"]["calendar"], "office");
    assert_eq!(closed["hours"]["next_change"], "2026-11-24T08:00:00Z");
    is_turned_away(&running, "after");
    let still = eventually("the one who waited is still there", || {
        Some(queue(&running)).filter(|queue| queue["overflowed"] == 1)
    });
    assert_eq!(still["waiting"], 1, "{still}");
    let metrics = fetch(&running, "/metrics").body;
    assert!(metrics.contains("cordboard_queue_open{queue=\"office\"} 0"), "{metrics}");
    assert!(metrics.contains("cordboard_queue_open{queue=\"billing\"} 1"), "{metrics}");
    assert!(metrics.contains("cordboard_overflows_total{cause=\"closed\",queue=\"office\"} 1"), "{metrics}");
    let board = fetch(&running, "/api/v1/wallboard").json();
    assert_eq!(board["queues"][1]["open"], false, "{board}");
    // The machine sleeps until the next morning.
    set(&wall, "2026-11-24T09:00:00+01:00");
    becomes(&running, true);
    let mut early = Phone::udp("01011112222", udp(&running));
    early.call("15882000", "morning");
    // Somebody corrects a clock that was a month behind, and wrongly so.
    set(&wall, "2026-12-25T12:00:00+01:00");
    becomes(&running, false);
    set(&wall, "2026-11-24T12:00:00+01:00");
    becomes(&running, true);
    let bye = waits.inside(&answer, "BYE", 2);
    waits.send(&bye);
    waits.expect("200");
    running.shut_down();
}

#[test]
fn a_queue_that_is_closed_at_the_start_takes_nobody_from_the_first_call_on() {
    let (running, _wall) = start_at(unstaffed(OFFICE), "2026-11-22T12:00:00+01:00");
    is_turned_away(&running, "sunday");
    assert_eq!(queue(&running)["open"], false);
    running.shut_down();
}

#[test]
fn a_reload_puts_other_hours_in_force_at_once_and_who_waits_leaves_where_that_is_wanted() {
    let leave = OFFICE.replace("{ then = \"busy\" }", "{ waiting = \"leave\", then = \"hang-up\" }");
    let first = unstaffed(&leave);
    let (mut running, _wall) = start_at(first.clone(), "2026-11-23T12:00:00+01:00");
    let mut waits = Phone::udp("01087654321", udp(&running));
    waits.call("15882000", "noon");
    let again = |text: &str| {
        let mut config = unstaffed(text);
        config.media.ports = first.media.ports;
        config
    };
    let reloaded =
        running.reload(again(&leave.replace("18:00", "11:30"))).expect("nothing stands in the way");
    assert_eq!(reloaded.changed, ["1 calendar changed (office)"]);
    waits.expect("BYE");
    becomes(&running, false);
    let always =
        leave.replace("hours = \"office\"\nclosed = { waiting = \"leave\", then = \"hang-up\" }\n", "");
    assert_ne!(always, leave);
    running.reload(again(&always)).expect("nothing stands in the way");
    let open = becomes(&running, true);
    assert!(open["hours"].is_null(), "{open}");
    let mut late = Phone::udp("01011112222", udp(&running));
    late.call("15882000", "late");
    running.shut_down();
}
