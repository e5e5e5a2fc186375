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

    assert_eq!(running.reload(second).expect("it can be played"), [] as [&str; 0]);
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
fn what_is_read_at_the_start_only_is_named() {
    let mut config = configuration(nobody(), "");
    let mut running = start(config.clone());
    config.http.connections_max += 1;
    config.routing.misses_max += 1;
    assert_eq!(running.reload(config).expect("it can be played"), ["[http]", "[routing]"]);
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
