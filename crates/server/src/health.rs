//! `cordboard health`: whether the process that runs a configuration lives, for those who watch it and have no program that
//! speaks HTTP. An image of ours holds nothing but the one binary.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::config::{self, Passwords};
use crate::exit::Exit;

/// For the connection, and for each piece of the answer; `/healthz` itself takes two seconds at most.
const PATIENCE: Duration = Duration::from_secs(3);
/// Octets of an answer that are read.
const ANSWER_MAX: u64 = 16 * 1024;

/// Asks `/healthz` of the process that runs the configuration in `file` and prints what it said.
///
/// [`Exit::Well`]: it lives. [`Exit::Fault`]: it answered that it does not. [`Exit::System`]: nobody answered.
pub fn run(file: &Path) -> Exit {
    let loaded = match config::load(file, Passwords::Strong) {
        Ok(loaded) => loaded,
        Err(refused) => {
            eprintln!("{refused}");
            return Exit::Configuration;
        }
    };
    let address = reachable(loaded.config.http.listen);
    match ask(address) {
        Ok((status, body)) => {
            println!("{body}");
            if status == 200 { Exit::Well } else { Exit::Fault }
        }
        Err(error) => {
            eprintln!(
                "http://{address}/healthz does not answer: {error}; is `cordboard run` running with this file?"
            );
            Exit::System
        }
    }
}

/// Whether a process of ours answers there, well or not.
pub(crate) fn answers(listen: SocketAddr) -> bool {
    ask(reachable(listen)).is_ok_and(|(_, body)| body.contains("\"healthy\""))
}

/// Who listens everywhere is asked at loopback.
fn reachable(mut listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() {
        listen.set_ip(match listen.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    listen
}

/// Status and body of `GET /healthz`.
fn ask(address: SocketAddr) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.take(ANSWER_MAX).read_to_string(&mut text)?;
    understood(&text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "that is no HTTP"))
}

fn understood(text: &str) -> Option<(u16, String)> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_everywhere_is_asked_at_loopback() {
        let asked = |listen: &str| reachable(listen.parse().expect("an address")).to_string();
        assert_eq!(asked("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(asked("[::]:8080"), "[::1]:8080");
        assert_eq!(asked("192.0.2.7:8080"), "192.0.2.7:8080");
    }

    #[test]
    fn a_status_is_told_from_what_is_no_http() {
        let unwell = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: a/b\r\n\r\n{}";
        assert_eq!(understood(unwell), Some((503, "{}".to_owned())));
        for text in ["", "SSH-2.0-x\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n"] {
            assert_eq!(understood(text), None, "{text:?}");
        }
    }
}
