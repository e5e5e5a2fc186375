//! The whole product in one process, over real sockets of this machine.
#![expect(unreachable_pub, reason = "everything here is one program")]

mod api;
mod drain;
mod export;
mod hours;
mod http;
mod ports;
mod refusals;
mod reload;
mod start;
mod streams;
mod support;
mod traces;
mod trunks;
