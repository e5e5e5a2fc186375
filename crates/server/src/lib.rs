//! The shell of Cordboard: everything that has sockets, threads, a clock or a file, around machines that have none.
//!
//! It reads the configuration and turns names into numbers ([`config`]), gives each machine its thread and the
//! bounded rings between them ([`ring`]), carries bytes and time in and out, and shows what happens (logs,
//! metrics, wallboard). It deliberately decides nothing about calls: whoever looks for a routing rule or a SIP
//! answer is in the wrong crate.
//!
//! Read first: [`ring`], then `shell`, which puts it all together, then `docs/decisions/0030-threads-and-rings.md`.

pub mod board;
pub mod clock;
pub mod config;
pub mod doorbell;
pub mod http;
pub mod limits;
pub mod mask;
pub mod phase;
pub mod ring;
pub mod sip_trace;
pub mod worker;
