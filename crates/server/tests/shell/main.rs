//! The whole product in one process, over real sockets of this machine.

mod drain;
mod http;
mod reload;
mod start;
mod streams;
mod support;
