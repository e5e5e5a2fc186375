//! Showing SIP messages on demand: everything, or only the dialogs of one agent, caller or Call-ID.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use tracing::info;

use crate::mask;

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To us.
    Received,
    /// From us.
    Sent,
}

/// Which messages are shown. Switched while the process runs; costs one atomic load per message when off.
#[derive(Debug, Default)]
pub struct SipTrace {
    on: AtomicBool,
    /// Shown are messages whose From, To or Call-ID contains this; an empty pattern shows all.
    pattern: ArcSwapOption<String>,
}

impl SipTrace {
    /// The longest pattern that is accepted, in bytes.
    pub const PATTERN_MAX: usize = 128;

    /// Shows messages whose From, To or Call-ID contains `pattern` (all where it is empty), or none.
    pub fn show(&self, pattern: Option<String>) {
        self.on.store(pattern.is_some(), Ordering::Release);
        self.pattern.store(pattern.map(std::sync::Arc::new));
    }

    /// What is shown now.
    pub fn shown(&self) -> Option<String> {
        self.pattern.load().as_deref().cloned()
    }

    /// Whether any message is shown.
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Logs a whole message where it is wanted.
    pub fn message(&self, direction: Direction, transport: &str, peer: SocketAddr, bytes: &[u8]) {
        if self.is_on() {
            self.log(direction, transport, peer, bytes);
        }
    }

    #[cold]
    fn log(&self, direction: Direction, transport: &str, peer: SocketAddr, bytes: &[u8]) {
        let Some(pattern) = self.pattern.load_full() else { return };
        // Keep-alives (RFC 5626 §3.5.1) are no messages.
        if bytes.iter().all(u8::is_ascii_whitespace) || !concerns(&pattern, bytes) {
            return;
        }
        let arrow = match direction {
            Direction::Received => "<-",
            Direction::Sent => "->",
        };
        // Every line is marked, so that no message can look like a line of the log.
        let text = mask::sip_message(bytes).trim_end().replace('\n', "\n    | ");
        info!(target: "sip_trace", "{arrow} {transport} {peer}\n    | {text}");
    }
}

/// Whether From, To or Call-ID contains the pattern.
fn concerns(pattern: &str, bytes: &[u8]) -> bool {
    if pattern.is_empty() {
        return true;
    }
    let mut wanted = false;
    for line in bytes.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return false;
        }
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            wanted = is_party(line);
        }
        if wanted && line.windows(pattern.len()).any(|window| window == pattern.as_bytes()) {
            return true;
        }
    }
    false
}

/// Whether the line begins From, To or Call-ID, in full or compact form (RFC 3261 §7.3.3).
fn is_party(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|&byte| byte == b':') else { return false };
    let name = line[..colon].trim_ascii();
    ["from", "f", "to", "t", "call-id", "i"].iter().any(|party| name.eq_ignore_ascii_case(party.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &[u8] = b"INVITE sip:15881000@cc SIP/2.0\r\nf: <sip:01012345678@pbx>;tag=1\r\n\
        To:\r\n <sip:15881000@cc>\r\ni: abc@pbx\r\nSubject: kim\r\n\r\nkim";

    #[test]
    fn a_pattern_is_looked_for_in_the_parties_and_the_call_id_only() {
        assert!(concerns("", INVITE));
        assert!(concerns("0101234", INVITE));
        assert!(concerns("<sip:15881000@cc>", INVITE), "folded lines belong to their header");
        assert!(concerns("abc@", INVITE));
        assert!(!concerns("kim", INVITE));
    }

    #[test]
    fn it_is_off_until_somebody_asks() {
        let trace = SipTrace::default();
        assert_eq!(trace.shown(), None);
        trace.show(Some("kim".to_owned()));
        assert_eq!(trace.shown().as_deref(), Some("kim"));
        trace.show(None);
        assert_eq!(trace.shown(), None);
    }
}
