//! The real binary among people who mean harm: what docs/security.md promises, over real sockets of loopback.
//!
//! Bounded in count, never by the clock: an attack is over when so many messages are sent, and each test ends by asking
//! for something ordinary, which must be answered.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "drives programs in real time")]
#![expect(unreachable_pub, reason = "everything here is one program")]

mod amplification;
mod audio;
mod centre;
mod descriptions;
mod floods;
mod streams;
mod torture;
mod web;

#[path = "../real_peers/http.rs"]
#[allow(dead_code, reason = "each group of tests uses a part of it")]
mod http;
#[path = "../shell/support/phone.rs"]
#[allow(dead_code, reason = "each group of tests uses a part of it")]
mod phone;
#[path = "../real_peers/port.rs"]
mod port;
#[path = "../real_peers/process.rs"]
#[allow(dead_code, reason = "each group of tests uses a part of it")]
mod process;
