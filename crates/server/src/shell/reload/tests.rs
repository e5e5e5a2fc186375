use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use super::*;
use crate::config::{DistributorThread, Passwords, parse};
use crate::shell::{ANSWER, Shell};

const ONE_QUEUE: &str = r#"
[sip]
domain = "cc.example.com"
listen = "udp:127.0.0.1:5060"
[sip.limits]
calls_max = 10
[media]
address = "127.0.0.1"
ports = "51000-51039"
[http]
listen = "127.0.0.1:8080"
[[queue]]
name = "billing"
"#;

/// Ports are chosen by the system.
fn configuration(more: &str) -> Config {
    let text = format!("{ONE_QUEUE}{more}");
    let mut config = parse("test.toml", &text, Passwords::Strong).expect("a good file").config;
    config.sip.listen[0].address.set_port(0);
    config.http.listen.set_port(0);
    config
}

fn metrics(running: &Running) -> String {
    let mut stream = TcpStream::connect(running.http()).expect("HTTP listens");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    text
}

#[test]
fn a_reload_that_finds_no_room_has_changed_nothing() {
    // The engine's thread is stopped, and the distributor shall go on.
    let apart = configuration("[routing]\ndistributor_thread = \"own\"\n");
    let mut running = Shell::new(apart, PathBuf::new()).start().unwrap_or_else(|refused| panic!("{refused}"));
    let link = running.workers.as_ref().expect("it runs").engine.link();
    link.stop();
    while link.ask_and_wait(Duration::from_millis(50)) {}
    while running.orders.engine.push(engine::Order::Drain).is_ok() {}
    let refused =
        running.reload(configuration("[[queue]]\nname = \"english\"\n")).expect_err("there is no room");
    assert!(refused.to_string().contains("try again"), "{refused}");
    assert!(running.workers.as_ref().expect("it runs").distributor.link().ask_and_wait(ANSWER));
    let text = metrics(&running);
    assert!(text.contains("queue=\"billing\"") && !text.contains("queue=\"english\""), "{text}");
    assert_eq!(running.config().queues.len(), 1);
}

#[test]
fn a_line_says_what_is_in_force_and_what_waits() {
    let old = configuration("[[queue]]\nname = \"english\"\n");
    let mut new = configuration("[[queue]]\nname = \"sales\"\n");
    new.queues[0].priority = 3;
    new.sip.drain_timeout = Duration::from_secs(1);
    let changed = changes::between(&old, &new);
    let reloaded = Reloaded { changed, waiting: vec!["[http]", "[media] ports"] };
    assert_eq!(
        reloaded.to_string(),
        "[sip], 1 queue added (sales), 1 queue changed (billing), 1 queue removed (english); \
         waits for a restart: [http], [media] ports"
    );
    let same = Reloaded { changed: changes::between(&old, &old), waiting: Vec::new() };
    assert_eq!(same.to_string(), "nothing differs; waits for a restart: nothing");
    let many: String = (0..9).map(|queue| format!("[[queue]]\nname = \"q{queue}\"\n")).collect();
    let changed = changes::between(&configuration(""), &configuration(&many));
    assert_eq!(changed, ["9 queues added (q0, q1, q2, q3, q4 and 4 more)"]);
    let mut turned = old.clone();
    turned.queues.reverse();
    assert_eq!(changes::between(&old, &turned), ["order of queues"]);
}

#[test]
fn the_distributor_s_thread_waits_for_a_restart() {
    let old = configuration("");
    let mut new = old.clone();
    new.routing.distributor_thread = DistributorThread::Own;
    assert_eq!(at_start::keep(&old, &mut new), ["[routing] distributor_thread"]);
    assert_eq!(new, old, "what runs is what is in force");
}
