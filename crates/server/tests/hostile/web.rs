//! HTTP for people who want more than they may.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::centre::Centre;
use crate::phone::PATIENCE;

/// What is answered to octets that need be no request.
fn answer(centre: &Centre, octets: &[u8]) -> String {
    let mut stream = TcpStream::connect(centre.http).expect("HTTP listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    // Who is refused early may find that the rest is not read any more.
    let _refused = stream.write_all(octets);
    let mut text = Vec::new();
    let _reset = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn status(answer: &str) -> Option<u16> {
    answer.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()
}

const PATHS: [&str; 14] = [
    "/../../../../etc/passwd",
    "/..%2f..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/%252e%252e%252fetc%252fpasswd",
    "/wallboard.js/../../Cargo.toml",
    "/wallboard.js%00.html",
    "//etc/passwd",
    "/etc/passwd",
    "/\\..\\..\\etc\\passwd",
    "/api/v1/../../etc/passwd",
    "/api/v1/queues/..%2f..%2f..%2fetc%2fpasswd",
    "/api/v1/interactions/../../../cordboard.toml",
    "/cordboard.toml",
    "/api/v1/wallboard/../agents",
];

#[test]
fn no_path_leads_to_a_file_or_round_the_token() {
    let mut centre = Centre::start("paths", "");
    for path in PATHS {
        for path in [
            path.to_owned(),
            format!("http://{}{path}", centre.http),
            format!("{path}?token={}", crate::centre::TOKEN),
        ] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            let answer = answer(&centre, request.as_bytes());
            assert!(matches!(status(&answer), Some(400 | 401 | 404)), "{path}: {answer}");
            assert!(!answer.contains("root:") && !answer.contains(crate::centre::TOKEN), "{path}: {answer}");
        }
    }
    centre.is_alive("paths");
}

#[test]
fn requests_that_are_none_or_too_much_are_refused_and_the_next_is_served() {
    let mut centre = Centre::start("requests", "");
    let host = "Host: x\r\nConnection: close\r\n";
    let long = "x".repeat(1_000_000);
    let many: String = (0..2_000).map(|number| format!("X-{number}: x\r\n")).collect();
    let odd: [(&str, String); 10] = [
        ("a long path", format!("GET /{long} HTTP/1.1\r\n{host}\r\n")),
        ("a long header", format!("GET / HTTP/1.1\r\n{host}X: {long}\r\n\r\n")),
        ("many headers", format!("GET / HTTP/1.1\r\n{host}{many}\r\n")),
        (
            "two lengths",
            format!(
                "POST /api/v1/sip-trace HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"
            ),
        ),
        (
            "a length beside chunks",
            format!(
                "POST /api/v1/sip-trace HTTP/1.1\r\n{host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"
            ),
        ),
        (
            "a chunk without end",
            format!(
                "POST /api/v1/sip-trace HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n"
            ),
        ),
        (
            "a length below zero",
            format!("POST /api/v1/sip-trace HTTP/1.1\r\n{host}Content-Length: -1\r\n\r\n"),
        ),
        ("a line feed in a header", "GET / HTTP/1.1\r\nHost: x\nX-Evil\r\n\r\n".to_owned()),
        ("SIP", "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP x\r\n\r\n".to_owned()),
        ("noise", "\u{0}\u{1}\u{2}\u{ff}\r\n\r\n".to_owned()),
    ];
    for (what, octets) in odd {
        let answer = answer(&centre, octets.as_bytes());
        assert!(status(&answer).is_none_or(|status| (400..500).contains(&status)), "{what}: {answer}");
        assert_eq!(centre.get("/healthz").0, 200, "after {what}");
    }
    centre.is_alive("odd requests");
}
