use std::time::Duration;

use super::support::*;

const MORE: &str = r#"
[[agent]]
id = "lee"
name = "Lee Jun"
password = "a-long-pass-77"
skills = { english = 5 }
[[queue]]
name = "english"
require = "english >= 3"
[[entry]]
number = "15882000"
queue = "english"
"#;

#[test]
fn a_reload_adds_and_removes_and_calls_in_progress_go_on() {
    let first = configuration(nobody(), "");
    let mut second = configuration(nobody(), MORE);
    let running_ports = first.media.ports;
    second.media.ports = running_ports;
    let mut running = start(first.clone());
    let mut caller = Phone::udp("01012345678", udp(&running));
    let answer = caller.call("15881000", "survivor");
    let mut stranger = Phone::udp("01087654321", udp(&running));
    let invite = stranger.request("INVITE", "15882000", "too-early");
    stranger.send(&invite);
    stranger.expect("404");

    let reloaded = running.reload(second).expect("it can be played");
    assert_eq!(
        reloaded.to_string(),
        "1 agent added (lee), 1 queue added (english), 1 entry added (15882000); waits for a restart: nothing"
    );
    let names = |running: &server::shell::Running| -> Vec<String> {
        let board = fetch(running, "/api/v1/wallboard").json();
        let queues = board["queues"].as_array().expect("queues").clone();
        queues.iter().map(|queue| queue["name"].as_str().expect("a name").to_owned()).collect()
    };
    eventually("two queues", || (names(&running) == ["billing", "english"]).then_some(()));
    let mut late = Phone::udp("01011112222", udp(&running));
    late.call("15882000", "in-time");
    assert!(fetch(&running, "/metrics").body.contains("cordboard_waiting{queue=\"english\"} 1"));

    running.reload(first).expect("it can be played");
    eventually("one queue", || (names(&running) == ["billing"]).then_some(()));
    // Who waited in the queue that is gone is released; who waits in the other stays and leaves by
    // themselves.
    late.expect("BYE");
    assert!(running.calls() >= 1);
    let bye = caller.inside(&answer, "BYE", 2);
    caller.send(&bye);
    caller.expect("200");
    running.shut_down();
}

#[test]
fn what_waits_for_a_restart_is_named_each_time_and_does_not_run_meanwhile() {
    let first = configuration(nobody(), "");
    let mut running = start(first.clone());
    let mut second = first.clone();
    second.http.connections_max += 1;
    second.routing.misses_max += 1;
    second.routing.missed_pause += Duration::from_secs(1);
    second.sip.dns.push(nobody());
    second.sip.drain_timeout += Duration::from_secs(1);
    let waiting = ["[sip] dns", "[http]", "[routing] misses_max"];
    let reloaded = running.reload(second.clone()).expect("it can be played");
    assert_eq!(reloaded.waiting, waiting);
    assert_eq!(reloaded.changed, ["[sip]", "[routing]"], "the rest of the sections is in force");
    assert_eq!(running.config().sip.drain_timeout, second.sip.drain_timeout);
    assert_eq!(running.config().routing.missed_pause, second.routing.missed_pause);
    assert_eq!(running.config().routing.misses_max, first.routing.misses_max);
    let again = running.reload(second).expect("it can be played");
    assert_eq!((again.changed, again.waiting), (Vec::new(), waiting.to_vec()), "the file still differs");
    let back = running.reload(first).expect("it can be played");
    assert_eq!(back.waiting, [] as [&str; 0], "the file is again what runs");
    running.shut_down();
}

#[test]
fn a_skill_that_an_agent_is_given_while_a_caller_waits_counts_at_once() {
    let mut agent = Phone::udp("kim", nobody());
    let address = agent.address();
    let mut config = configuration(address, "");
    config.agents[0].skills.insert("billing".to_owned(), 2);
    let mut running = start(config.clone());
    let mut caller = Phone::udp("01012345678", udp(&running));
    let answer = caller.call("15881000", "learns");
    eventually("the caller waits", || {
        fetch(&running, "/metrics").body.contains("cordboard_waiting{queue=\"billing\"} 1").then_some(())
    });
    config.agents[0].skills.insert("billing".to_owned(), 3);
    let reloaded = running.reload(config).expect("it can be played");
    assert_eq!(reloaded.to_string(), "1 agent changed (kim); waits for a restart: nothing");
    let invite = agent.expect("INVITE");
    agent.send(&response(&invite, "200 OK", address, "udp", &sdp()));
    agent.expect("ACK");
    let bye = caller.inside(&answer, "BYE", 2);
    caller.send(&bye);
    caller.expect("200");
    agent.expect("BYE");
    running.shut_down();
}

#[test]
fn an_address_without_sockets_is_not_offered_to_callers() {
    let mut config = configuration(nobody(), "");
    let mut running = start(config.clone());
    config.media.addresses.v4 = Some("192.0.2.77".parse().expect("an address"));
    config.media.addresses.v6 = Some("::1".parse().expect("an address"));
    let reloaded = running.reload(config).expect("it can be played");
    assert_eq!(reloaded.waiting, ["[media] address"]);
    let mut caller = Phone::udp("01012345678", udp(&running));
    let answer = caller.call("15881000", "where-to");
    assert!(answer.0.contains("c=IN IP4 127.0.0.1"), "{answer:?}");
    let bye = caller.inside(&answer, "BYE", 2);
    caller.send(&bye);
    caller.expect("200");
    running.shut_down();
}

#[test]
fn callers_whose_queue_is_removed_are_counted() {
    let first = configuration(nobody(), MORE);
    let mut second = first.clone();
    second.queues.retain(|queue| queue.name != "english");
    second.entries.retain(|entry| entry.queue != "english");
    let mut running = start(first);
    let mut caller = Phone::udp("01012345678", udp(&running));
    caller.call("15882000", "released");
    running.reload(second).expect("it can be played");
    let bye = caller.expect("BYE");
    let address = caller.address();
    caller.send(&response(&bye, "200 OK", address, "udp", ""));
    let counted = "cordboard_overflows_total{cause=\"queue_removed\",queue=\"english\"} 1";
    eventually("the overflow is counted", || {
        fetch(&running, "/metrics").body.contains(counted).then_some(())
    });
    running.shut_down();
}

#[test]
fn a_reload_with_missing_music_changes_nothing() {
    let mut config = configuration(nobody(), "");
    let mut running = start(config.clone());
    config.media.music = Some("not/there.wav".into());
    config.queues.clear();
    config.entries.clear();
    let mut with_queue = configuration(nobody(), MORE);
    with_queue.media.music = Some("not/there.wav".into());
    let refused = running.reload(with_queue).expect_err("the file is missing");
    assert!(refused.to_string().contains("not/there.wav"), "{refused}");
    assert_eq!(running.config().queues.len(), 1);
    running.shut_down();
}
