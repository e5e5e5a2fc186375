//! Calls told as stories: callers and phones are real user agents, the relay is the real one.

mod bridge;
mod direct;
mod endings;
mod limits;
mod phones;
mod treatments;
mod world;
