//! Calls told as stories: callers and phones are real user agents, the relay is the real one.

#![allow(clippy::unwrap_used, reason = "a test says so by failing")]

mod bridge;
mod direct;
mod endings;
mod limits;
mod phones;
mod sources;
mod treatments;
mod world;
