//! Calls meet queues, told as stories, and random histories in which all books must agree.

#![allow(clippy::unwrap_used, reason = "a test says so by failing")]

mod agents;
mod answers;
mod callbacks;
mod capacity;
mod changes;
mod entries;
mod exits;
mod histories;
mod identity;
mod leases;
mod returning;
mod several;
mod wanted;
mod world;
