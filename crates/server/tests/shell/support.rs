//! A contact centre for a test, a web client and a telephone that says what a test tells it to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use server::config::{self, Config, Passwords, Reach, Secret};
use server::shell::{Running, Shell};

mod phone;

pub use phone::{Line, Message, PATIENCE, Phone, response, sdp};

/// Whoever knows it may use the API.
pub const TOKEN: &str = "a-token-chosen-by-chance";

/// One queue, one agent behind the PBX at `agent`, all of loopback as trunk. Ports are chosen by the system.
pub fn configuration(agent: SocketAddr, more: &str) -> Config {
    let text = format!(
        r#"
[sip]
domain = "cc.example.com"
listen = ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"]
[media]
address = "127.0.0.1"
ports = "{}"
[http]
listen = "127.0.0.1:8080"
token = "{TOKEN}"
[[trunk]]
name = "pbx"
from = ["127.0.0.0/8"]
[[agent]]
id = "kim"
name = "Kim <b>Minji</b>"
contact = "sip:kim@{agent}"
skills = {{ billing = 8 }}
[[queue]]
name = "billing"
require = "billing >= 3"
[[entry]]
number = "15881000"
queue = "billing"
{more}
"#,
        media_ports()
    );
    let mut config = read(&text);
    for listen in &mut config.sip.listen {
        listen.address.set_port(0);
    }
    config.http.listen.set_port(0);
    config
}

/// The same, and the agent is not there: nobody is rung.
pub fn unstaffed(more: &str) -> Config {
    let mut config = configuration(nobody(), more);
    config.agents[0].reach = Reach::Registers(Secret::new("a-long-pass-77"));
    config
}

pub fn read(text: &str) -> Config {
    config::parse("test.toml", text, Passwords::Strong).unwrap_or_else(|refused| panic!("{refused}")).config
}

/// A range of ports for each test: they run at the same time in one process. Below those that the system lends to sockets
/// that ask for any.
fn media_ports() -> String {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    let first = NEXT.fetch_add(40, Ordering::Relaxed);
    format!("{first}-{}", first + 39)
}

pub fn start(config: Config) -> Running {
    Shell::new(config, PathBuf::new()).start().unwrap_or_else(|refused| panic!("{refused}"))
}

/// Nobody is there: an agent who cannot be reached.
pub fn nobody() -> SocketAddr {
    "127.0.0.1:9".parse().expect("an address")
}

pub fn udp(running: &Running) -> SocketAddr {
    running.sip()[0].address
}

pub fn tcp(running: &Running) -> SocketAddr {
    running.sip()[1].address
}

/// Asks until the answer is as wanted.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let clock = server::clock::Clock::start();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(clock.uptime() < PATIENCE, "it never came to: {what}");
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "a real process is waited for in real time")]
fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}

/// An answer of a web server.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

pub fn fetch(running: &Running, path: &str) -> Answer {
    request(running, &format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", running.http()))
}

pub fn post(running: &Running, path: &str, body: &str) -> Answer {
    request(
        running,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            running.http(),
            body.len()
        ),
    )
}

/// A request of the API by someone who knows the token; an empty body is none.
pub fn ask(running: &Running, method: &str, path: &str, body: &str) -> Answer {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    let host = running.http();
    let length = body.len();
    request(
        running,
        &format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\
             {kind}Content-Length: {length}\r\n\r\n{body}"
        ),
    )
}

pub fn request(running: &Running, request: &str) -> Answer {
    let mut stream = TcpStream::connect(running.http()).expect("HTTP listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    stream.write_all(request.as_bytes()).expect("HTTP reads");
    let mut bytes = Vec::new();
    // A server that refuses a body may reset the connection after its answer.
    let _end = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).expect("our answers are UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer but {text:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let head = head.to_lowercase();
    let body = if head.contains("transfer-encoding: chunked") { unchunked(body) } else { body.to_owned() };
    Answer { status, head, body }
}

/// RFC 9112 §7.1: the length of each chunk in hexadecimal digits before it, and one of zero at the end.
fn unchunked(body: &str) -> String {
    let (mut whole, mut rest) = (String::new(), body);
    loop {
        let (length, chunks) = rest.split_once("\r\n").expect("a chunk has a length");
        let length = usize::from_str_radix(length, 16).expect("the length is a number");
        if length == 0 {
            return whole;
        }
        let (chunk, after) = chunks.split_at(length);
        whole.push_str(chunk);
        rest = after.strip_prefix("\r\n").expect("a chunk ends with its line");
    }
}
