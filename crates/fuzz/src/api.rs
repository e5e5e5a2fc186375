//! The HTTP side of a whole contact centre that runs in this process: paths, queries and bodies by somebody who knows the
//! token.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use parking_lot::Mutex;
use server::config::{self, Passwords};
use server::shell::Shell;

const METHODS: [&str; 6] = ["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD"];
const TOKEN: &str = "a-token-chosen-by-chance";
/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

const CONFIGURATION: &str = r#"
[sip]
domain = "cc.example.com"
listen = "udp:127.0.0.1:5060"
[media]
address = "127.0.0.1"
[http]
listen = "127.0.0.1:8080"
token = "a-token-chosen-by-chance"
[[agent]]
id = "kim"
password = "a-long-pass-77"
skills = { billing = 8 }
[[queue]]
name = "billing"
[[supervisor]]
id = "park"
[[entry]]
number = "*"
queue = "billing"
"#;

/// Where the centre listens. It lives as long as the process; its ports are chosen by the system.
static CENTRE: LazyLock<SocketAddr> = LazyLock::new(|| {
    let loaded = config::parse("fuzz.toml", CONFIGURATION, Passwords::Strong);
    let mut config = loaded.unwrap_or_else(|refused| panic!("{refused}")).config;
    config.sip.listen.iter_mut().for_each(|listen| listen.address.set_port(0));
    config.http.listen.set_port(0);
    let running = Shell::new(config, PathBuf::new()).start().unwrap_or_else(|refused| panic!("{refused}"));
    let address = running.http();
    // It would end with its owner.
    std::mem::forget(running);
    address
});

/// The connection that is kept for the next request.
static KEPT: Mutex<Option<TcpStream>> = Mutex::new(None);

/// A method by its number, a path up to the end of the line, and a body.
pub(super) fn run(octets: &[u8]) {
    let Some((method, rest)) = octets.split_first() else { return };
    let method = METHODS[usize::from(*method) % METHODS.len()];
    let (path, body) = match rest.iter().position(|&octet| octet == b'\n') {
        Some(end) => (&rest[..end], &rest[end + 1..]),
        None => (rest, &[][..]),
    };
    let request = request(method, path, body);
    let mut kept = KEPT.lock();
    let mut stream = kept.take().unwrap_or_else(|| open(*CENTRE));
    let (status, goes_on) = exchange(&mut stream, &request, method == "HEAD");
    assert!(status < 500 || status == 503, "{status} to {:?}", String::from_utf8_lossy(&request));
    if goes_on {
        *kept = Some(stream);
    }
}

fn open(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).expect("HTTP listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    stream.set_nodelay(true).expect("an option of every stream");
    stream
}

/// Whatever would end the line of the request is escaped: how requests are cut is hyper's business.
fn request(method: &str, path: &[u8], body: &[u8]) -> Vec<u8> {
    let escaped: String = path
        .iter()
        .map(|&octet| match octet {
            0x21..=0x7e => char::from(octet).to_string(),
            _ => format!("%{octet:02X}"),
        })
        .collect();
    let head = format!(
        "{method} /{escaped} HTTP/1.1\r\nHost: fuzz\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The status, and whether the connection takes another request.
fn exchange(stream: &mut TcpStream, request: &[u8], is_head: bool) -> (u16, bool) {
    // Who refuses a body early does not read it to its end.
    let _refused = stream.write_all(request);
    let mut read = Vec::new();
    let mut buffer = [0; 8_192];
    loop {
        if let Some((status, length)) = measure(&read, is_head)
            && read.len() >= length
        {
            return (status, read.len() == length && !has_close(&read));
        }
        match stream.read(&mut buffer) {
            Ok(octets) if octets > 0 => read.extend_from_slice(&buffer[..octets]),
            Ok(_) | Err(_) => match measure(&read, is_head) {
                Some((status, _)) => return (status, false),
                None => panic!("no answer to {:?}", String::from_utf8_lossy(request)),
            },
        }
    }
}

fn has_close(answer: &[u8]) -> bool {
    String::from_utf8_lossy(answer).to_ascii_lowercase().contains("connection: close")
}

/// Status and octets of an answer, once its head is there. One in chunks ends with its connection for us.
fn measure(answer: &[u8], is_head: bool) -> Option<(u16, usize)> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    if is_head {
        return Some((status, end));
    }
    match length {
        Some(length) => Some((status, end + length)),
        None if answer.ends_with(b"0\r\n\r\n") => Some((status, answer.len())),
        None => Some((status, usize::MAX)),
    }
}
