use std::time::Duration;

use super::support::*;

#[test]
fn every_answer_is_guarded_against_browsers_and_caches() {
    let running = start(configuration(nobody(), ""));
    for path in ["/", "/wallboard.js", "/api/v1/wallboard", "/metrics", "/nothing-here"] {
        let head = fetch(&running, path).head;
        assert!(
            head.contains("content-security-policy: default-src 'none'; script-src 'self'"),
            "{path}: {head}"
        );
        assert!(head.contains("cache-control: no-store"), "{path}: {head}");
        assert!(head.contains("x-content-type-options: nosniff"), "{path}: {head}");
    }
    assert_eq!(fetch(&running, "/nothing-here").status, 404);
    assert_eq!(post(&running, "/metrics", "").status, 405);
    running.shut_down();
}

#[test]
fn the_page_speaks_the_reader_s_language() {
    let running = start(configuration(nobody(), ""));
    let korean =
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Language: ko-KR,ko;q=0.9,en;q=0.5\r\n\r\n";
    assert!(request(&running, korean).body.contains("<html lang=\"ko\">"));
    assert!(fetch(&running, "/").body.contains("<html lang=\"en\">"));
    running.shut_down();
}

#[test]
fn a_running_process_is_healthy_and_ready() {
    let running = start(configuration(nobody(), ""));
    for _ in 0..20 {
        let health = fetch(&running, "/healthz");
        assert_eq!(health.status, 200, "{}", health.body);
        assert_eq!(health.json()["healthy"], true);
    }
    assert_eq!(fetch(&running, "/readyz").status, 200);
    running.shut_down();
}

#[test]
fn the_wallboard_names_queues_and_agents() {
    let running = start(configuration(nobody(), ""));
    let board = eventually("the first figures", || {
        let board = fetch(&running, "/api/v1/wallboard").json();
        (board["agents"][0]["state"] == "idle").then_some(board)
    });
    assert_eq!(board["phase"], "serving");
    assert_eq!(board["queues"][0]["name"], "billing");
    assert_eq!(board["queues"][0]["waiting"], 0);
    assert_eq!(board["agents"][0]["id"], "kim");
    assert_eq!(
        board["agents"][0]["name"], "Kim <b>Minji</b>",
        "JSON says it as it is; the page writes it as text"
    );
    running.shut_down();
}

#[test]
fn a_waiting_caller_is_seen_on_the_wallboard_and_in_the_metrics() {
    let running = start(configuration(
        nobody(),
        "[[agent]]\nid = \"lee\"\nname = \"Lee\"\npassword = \"a-long-pass-77\"",
    ));
    let mut caller = Phone::udp("01012345678", udp(&running));
    let answer = caller.call("15881000", "waiting");
    eventually("one waits", || {
        let board = fetch(&running, "/api/v1/wallboard").json();
        (board["queues"][0]["waiting"] == 1 && board["calls"] == 1).then_some(())
    });
    let metrics = fetch(&running, "/metrics").body;
    assert!(metrics.contains("cordboard_interactions_offered_total{channel=\"voice\",queue=\"billing\"} 1"));
    assert!(metrics.contains("cordboard_ring_depth{ring=\"commands\"} 0"));
    assert!(metrics.contains("process_resident_memory_bytes "));
    assert!(!metrics.contains("0101234"), "no caller in a metric");
    let bye = caller.inside(&answer, "BYE", 2);
    caller.send(&bye);
    caller.expect("200");
    eventually("nobody waits", || {
        (fetch(&running, "/api/v1/wallboard").json()["queues"][0]["abandoned"] == 1).then_some(())
    });
    running.shut_down();
}

#[test]
fn the_description_of_the_api_names_every_route_and_resolves_every_reference() {
    let running = start(configuration(nobody(), ""));
    let answer = fetch(&running, "/api/v1/openapi.json");
    let document = answer.json();
    let paths: Vec<&String> = document["paths"].as_object().expect("paths").keys().collect();
    let expected = [
        "/api/v1/agents",
        "/api/v1/agents/{id}",
        "/api/v1/agents/{id}/after-call-work/end",
        "/api/v1/agents/{id}/after-call-work/extend",
        "/api/v1/agents/{id}/presence",
        "/api/v1/agents/{id}/presence/forced",
        "/api/v1/interactions",
        "/api/v1/interactions.csv",
        "/api/v1/interactions/{id}",
        "/api/v1/interactions/{id}/callback",
        "/api/v1/log-level",
        "/api/v1/openapi.json",
        "/api/v1/queues",
        "/api/v1/queues/{name}",
        "/api/v1/sip-trace",
        "/api/v1/wallboard",
        "/healthz",
        "/metrics",
        "/readyz",
    ];
    assert_eq!(paths, expected);
    for path in expected.iter().filter(|path| !path.contains('{')) {
        assert_eq!(ask(&running, "GET", path, "").status, 200, "{path}");
    }
    for reference in answer.body.split("\"$ref\":\"").skip(1) {
        let reference = reference.split('"').next().expect("a reference ends").trim_start_matches('#');
        assert!(document.pointer(reference).is_some(), "{reference} leads nowhere");
    }
    let mut operations = std::collections::BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let tag = operation["tags"][0].as_str().expect("a tag");
            assert!(["agents", "queues", "interactions", "operations"].contains(&tag), "{tag}");
            let name = operation["operationId"].as_str().expect("a name");
            assert!(operations.insert(name.to_owned()), "{name} is there twice");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let in_path = path.contains(&format!("{{{}}}", parameter["name"].as_str().expect("a name")));
                assert_eq!(parameter["in"], if in_path { "path" } else { "query" }, "{name}: {parameter}");
            }
            let is_open = operation["security"].is_null();
            let status = request(
                &running,
                &format!("{} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method.to_uppercase()),
            );
            assert_eq!(status.status == 401, !is_open, "{method} {path} is not as described");
        }
    }
    running.shut_down();
}

#[test]
fn the_sip_trace_is_switched_by_those_who_know_the_token_and_by_json_only() {
    let running = start(configuration(nobody(), ""));
    let switch = |body: &str| ask(&running, "POST", "/api/v1/sip-trace", body);
    assert_eq!(post(&running, "/api/v1/sip-trace", r#"{"pattern":""}"#).status, 401);
    assert_eq!(running.trace().shown(), None);
    let shown = ask(&running, "GET", "/api/v1/sip-trace", "").json();
    assert_eq!(shown["pattern"], serde_json::Value::Null);
    assert_eq!(switch(r#"{"pattern":"kim"}"#).status, 200);
    assert_eq!(running.trace().shown().as_deref(), Some("kim"));
    assert_eq!(switch(r#"{"pattern":null}"#).status, 200);
    assert_eq!(running.trace().shown(), None);
    for (wrong, status) in [("{", 400), (r#"{"patern":"x"}"#, 422), (r#"{"pattern":7}"#, 422)] {
        let answer = switch(wrong);
        assert_eq!(answer.status, status, "{wrong}");
        assert!(answer.json()["remedy"].is_string(), "{}", answer.body);
    }
    let long = format!(r#"{{"pattern":"{}"}}"#, "x".repeat(129));
    assert_eq!(switch(&long).status, 422);
    let huge = format!(r#"{{"pattern":"{}"}}"#, "x".repeat(20_000));
    assert_eq!(switch(&huge).status, 413);
    let form = format!(
        "POST /api/v1/sip-trace HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: text/plain\r\nContent-Length: 17\r\n\r\n{{\"pattern\":\"kim\"}}"
    );
    assert_eq!(request(&running, &form).status, 415, "JSON is said to be JSON");
    running.shut_down();
}

/// A connection from an address of its own.
fn connect_from(host: [u8; 4], to: std::net::SocketAddr) -> std::net::TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.bind(&std::net::SocketAddr::from((host, 0)).into()).expect("all of 127.0.0.0/8 is ours");
    socket.connect(&to.into()).expect("HTTP listens");
    let stream = std::net::TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    stream
}

#[test]
fn one_address_that_takes_every_connection_keeps_nobody_from_asking_for_health() {
    use std::io::{Read, Write};
    let mut config = configuration(nobody(), "");
    config.http.connections_max = 4;
    let running = start(config);
    let mut monitor = connect_from([127, 0, 0, 2], running.http());
    let mut greedy: Vec<_> = (0..6).map(|_| connect_from([127, 0, 0, 3], running.http())).collect();
    assert_eq!(fetch(&running, "/healthz").status, 200, "a newcomer has a place");
    monitor
        .write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .expect("it was not cut");
    let mut answer = String::new();
    monitor.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // Cut without an answer: its head was never asked for.
    let clock = server::clock::Clock::start();
    assert_eq!(greedy[0].read(&mut [0; 1]).unwrap_or(0), 0, "the oldest is cut");
    assert!(clock.uptime() < Duration::from_secs(5), "by the newcomers, not by its own timeout");
    running.shut_down();
}
