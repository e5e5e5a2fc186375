//! Memory of each call that waits with music and of each that an agent talks to, in engine, distributor and relay.
//!
//! `cargo bench -p cordboard-benches --bench call_memory`: half a minute. Live bytes are what the program has asked its
//! allocator for and not given back (`stats_alloc`). *Fresh* is right after the calls came, when all of their
//! transactions are remembered; *settled* is a minute later. Sockets, threads and the log are not in it: what a process
//! holds is measured by `cargo xtask system-bench`.

use std::alloc::System;
use std::time::Duration;

use benches::{House, table};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Calls that are there before anything is counted, so that tables have their size.
const FIRST: u32 = 250;
const CALLS: u32 = 750;
/// All transactions are over by then, and no session wants a refresh.
const SETTLING: Duration = Duration::from_secs(60);

fn main() {
    println!("| a call | live bytes, fresh | settled |\n|---|---|---|");
    row("that waits with music", House::with_music(0), House::wait);
    row("that an agent talks to", House::with_relay(FIRST + CALLS), House::talk);
}

fn row(what: &str, mut house: House, call: fn(&mut House)) {
    (0..FIRST).for_each(|_| call(&mut house));
    house.rest(SETTLING);
    let before = live();
    (0..CALLS).for_each(|_| call(&mut house));
    let fresh = live() - before;
    house.rest(SETTLING);
    let settled = live() - before;
    let each = |bytes: f64| table::thousands(bytes / f64::from(CALLS));
    println!("| {what} | {} | {} |", each(fresh), each(settled));
}

fn live() -> f64 {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated as f64 - stats.bytes_deallocated as f64
}
