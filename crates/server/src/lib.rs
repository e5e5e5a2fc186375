//! The shell of Cordboard: everything that has sockets, threads, a clock or a file, around machines that have
//! none.
//!
//! It reads the configuration and turns names into numbers ([`config`]), gives each machine its thread and
//! the bounded rings between them ([`ring`]), carries bytes and time in and out, and shows what happens
//! (logs, metrics, wallboard). It deliberately decides nothing about calls: whoever looks for a routing rule
//! or a SIP answer is in the wrong crate.
//!
//! Read first: [`ring`], then [`shell`], which puts it all together, then
//! `docs/decisions/0030-threads-and-rings.md`.

pub mod calendar;
pub mod call_log;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod dns;
pub mod doctor;
pub mod doorbell;
pub mod doors;
pub mod exit;
pub mod health;
pub mod http;
pub mod inward;
pub mod limits;
pub mod load;
pub mod logging;
pub mod mask;
pub mod otlp;
pub mod outward;
pub mod phase;
pub mod plan;
pub mod process;
pub mod published;
pub mod remembered;
pub mod results;
pub mod ring;
pub mod run;
pub mod shell;
pub mod simulate;
pub mod sip_trace;
pub mod start_error;
pub mod tcp;
pub mod threads;
pub mod worker;
