use std::time::Duration;

use serde_json::json;
use server::config::LogLevel;

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
    second.routing.head_start += Duration::from_secs(1);
    second.sip.dns.push(nobody());
    second.sip.drain_timeout += Duration::from_secs(1);
    second.log.level = LogLevel::Debug;
    second.log.mask_numbers = false;
    let waiting = ["[sip] dns", "[http]", "[log] mask_numbers"];
    let reloaded = running.reload(second.clone()).expect("it can be played");
    assert_eq!(reloaded.waiting, waiting);
    let changed = ["[sip]", "[log] level", "[routing] (head_start, misses_max, missed_pause)"];
    assert_eq!(reloaded.changed, changed, "the rest of the sections is in force");
    assert_eq!(running.config().sip.drain_timeout, second.sip.drain_timeout);
    assert_eq!(running.config().routing, second.routing, "all of it");
    assert_eq!(running.config().http, first.http);
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
fn calls_keep_the_names_of_what_a_reload_has_removed() {
    let first = unstaffed(MORE);
    let mut second = unstaffed("");
    second.media.ports = first.media.ports;
    let mut third = second.clone();
    third.queues[0].name = "invoices".to_owned();
    third.entries.clear();
    let mut running = start(first);
    let mut over = Phone::udp("01012345678", udp(&running));
    let answer = over.call("15882000", "over");
    let id = eventually("it waits", || {
        ask(&running, "GET", "/api/v1/interactions?queue=english", "").json()["interactions"][0]["id"]
            .as_u64()
    });
    let bye = over.inside(&answer, "BYE", 2);
    over.send(&bye);
    over.expect("200");
    let told = |running: &server::shell::Running, id: u64| {
        ask(running, "GET", &format!("/api/v1/interactions/{id}"), "").json()
    };
    eventually("it is over", || (told(&running, id)["state"] == "ended").then_some(()));

    running.reload(second).expect("it can be played");
    let ended = told(&running, id);
    assert_eq!(
        (&ended["queue"], &ended["visits"][0]["queue"]),
        (&"english".into(), &"english".into()),
        "{ended}"
    );
    let found = ask(&running, "GET", "/api/v1/interactions?state=ended&queue=english", "");
    assert_eq!((found.status, &found.json()["interactions"][0]["id"]), (200, &id.into()), "{}", found.body);
    let gone = ask(&running, "GET", "/api/v1/interactions?state=ended&agent=lee", "");
    assert_eq!(gone.status, 200, "{}", gone.body);
    assert_eq!(
        ask(&running, "GET", "/api/v1/interactions?agent=leo", "").status,
        404,
        "nobody was ever called so"
    );
    assert_eq!(ask(&running, "GET", "/api/v1/agents/lee", "").status, 404, "nobody is called so now");
    let csv = ask(&running, "GET", "/api/v1/interactions.csv", "").body;
    assert!(csv.contains(",english,"), "{csv}");

    let mut late = Phone::udp("01087654321", udp(&running));
    late.call("15881000", "late");
    let id = eventually("it waits", || {
        ask(&running, "GET", "/api/v1/interactions?queue=billing", "").json()["interactions"][0]["id"]
            .as_u64()
    });
    running.reload(third).expect("it can be played");
    let bye = late.expect("BYE");
    let address = late.address();
    late.send(&response(&bye, "200 OK", address, "udp", ""));
    let renamed =
        eventually("the queue is gone", || Some(told(&running, id)).filter(|told| told["state"] == "ended"));
    assert_eq!(renamed["queue"], "billing", "{renamed}");
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

/// What the API tells of an agent: presence and reason.
fn presence(running: &server::shell::Running, agent: &str) -> (String, String) {
    let told = ask(running, "GET", &format!("/api/v1/agents/{agent}"), "").json();
    let word = |field: &str| told[field].as_str().unwrap_or_default().to_owned();
    (word("presence"), word("reason"))
}

#[test]
fn other_misses_and_another_pause_after_them_count_for_the_next_call_that_is_missed() {
    let mut agent = Phone::udp("kim", nobody());
    let address = agent.address();
    let mut config = configuration(address, "");
    let none = server::config::BackOff { pause: Duration::ZERO, exclusion: Duration::ZERO };
    config.queues[0].back_offs.unreachable = none;
    let mut running = start(config.clone());
    config.routing.misses_max = 1;
    config.routing.missed_pause = Duration::from_secs(86_400);
    let reloaded = running.reload(config.clone()).expect("it can be played");
    assert_eq!(reloaded.to_string(), "[routing] (misses_max, missed_pause); waits for a restart: nothing");
    let mut caller = Phone::udp("01012345678", udp(&running));
    let answer = caller.call("15881000", "missed");
    let miss = |agent: &mut Phone| {
        let invite = agent.expect("INVITE");
        agent.send(&response(&invite, "404 Not Found", address, "udp", ""));
        agent.expect("ACK");
    };
    miss(&mut agent);
    let missed = ("not_ready".to_owned(), "missed".to_owned());
    eventually("one is enough", || (presence(&running, "kim") == missed).then_some(()));
    config.routing.missed_pause = Duration::from_millis(50);
    running.reload(config).expect("it can be played");
    assert_eq!(presence(&running, "kim"), missed, "the pause that runs goes on");
    let ready = json!({"presence": "ready"}).to_string();
    assert_eq!(ask(&running, "PUT", "/api/v1/agents/kim/presence", &ready).status, 200);
    miss(&mut agent);
    // Nobody says that the agent is back.
    agent.expect("INVITE");
    let bye = caller.inside(&answer, "BYE", 2);
    caller.send(&bye);
    caller.expect("200");
    running.shut_down();
}

/// A REGISTER with an answer to the challenge: until it is taken.
fn register(phone: &mut Phone, password: &str, seconds: u32, sequence: u32) {
    let mut credentials = String::new();
    for sequence in [sequence, sequence + 1] {
        let address = phone.address();
        let text = format!(
            "REGISTER sip:cc.example.com SIP/2.0\r\nVia: SIP/2.0/UDP {address};rport;branch=z9hG4bK-r{sequence}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{name}@cc.example.com>;tag=r\r\nTo: <sip:{name}@cc.example.com>\r\n\
             Call-ID: register@test\r\nCSeq: {sequence} REGISTER\r\n\
             Contact: <sip:{name}@{address}>;expires={seconds}\r\n{credentials}Content-Length: 0\r\n\r\n",
            name = phone.name
        );
        phone.send(&text);
        let answer = phone.receive().expect("an answer");
        if answer.status() == Some(200) {
            return;
        }
        let parse = |text: String| sip::Message::parse(text.into(), &sip::Limits::default()).expect("SIP");
        let secret = sip::digest::Secret::Password(password.to_owned());
        let account = sip::digest::ClientAccount { user: phone.name.to_owned(), secret, realm: None };
        let header = sip::digest::answer(&account, &parse(text), &parse(answer.0), "0a4f113b", 1);
        let header = header.expect("a challenge that can be answered");
        credentials = format!("{}: {}\r\n", header.name.as_str(), header.value);
    }
    panic!("not registered");
}

#[test]
fn another_grace_of_phones_counts_for_the_next_phone_that_goes() {
    let mut config = unstaffed("");
    config.routing.phone_grace = Duration::from_secs(3_600);
    let mut running = start(config.clone());
    let mut phone = Phone::udp("kim", udp(&running));
    let is = |word: &str, running: &server::shell::Running| {
        eventually(word, || (presence(running, "kim").0 == word).then_some(()));
    };
    register(&mut phone, "a-long-pass-77", 300, 1);
    is("ready", &running);
    config.routing.phone_grace = Duration::ZERO;
    let reloaded = running.reload(config).expect("it can be played");
    assert_eq!(reloaded.changed, ["[routing] (phone_grace)"]);
    register(&mut phone, "a-long-pass-77", 0, 11);
    is("logged_out", &running);
    running.shut_down();
}

#[test]
fn a_greater_head_start_brings_who_waits_already_to_the_front() {
    let mut agent = Phone::udp("kim", nobody());
    let address = agent.address();
    let more = "[[entry]]\nnumber = \"15889000\"\nqueue = \"billing\"\npriority = 1\n";
    let mut config = configuration(address, more);
    config.routing.head_start = Duration::ZERO;
    let mut running = start(config.clone());
    let away = json!({"presence": "logged_out"}).to_string();
    eventually("kim is logged in", || (presence(&running, "kim").0 == "ready").then_some(()));
    assert_eq!(ask(&running, "PUT", "/api/v1/agents/kim/presence", &away).status, 200);
    let mut first = Phone::udp("01011111111", udp(&running));
    let mut second = Phone::udp("01022222222", udp(&running));
    let answers = [first.call("15881000", "ordinary"), second.call("15889000", "with-points")];
    config.routing.head_start = Duration::from_secs(3_600);
    let line = |running: &server::shell::Running| {
        let told = ask(running, "GET", "/api/v1/queues/billing?line=9", "").json();
        let line = told["line"].as_array().expect("a line").clone();
        line.iter().map(|one| one["priority"].as_i64().expect("points")).collect::<Vec<_>>()
    };
    eventually("they stand as they came", || (line(&running) == [0, 1]).then_some(()));
    let reloaded = running.reload(config).expect("it can be played");
    assert_eq!(reloaded.to_string(), "[routing] (head_start); waits for a restart: nothing");
    eventually("the points count for those who wait", || (line(&running) == [1, 0]).then_some(()));
    let ready = json!({"presence": "ready"}).to_string();
    assert_eq!(ask(&running, "PUT", "/api/v1/agents/kim/presence", &ready).status, 200);
    let invite = agent.expect("INVITE");
    assert!(invite.header("From").contains("01022222222"), "{invite:?}");
    for (phone, answer) in [(&mut second, &answers[1]), (&mut first, &answers[0])] {
        let bye = phone.inside(answer, "BYE", 2);
        phone.send(&bye);
        phone.expect("200");
    }
    running.shut_down();
}
