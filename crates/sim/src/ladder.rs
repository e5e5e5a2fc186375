//! SIP ladders: who sent what to whom, for the failure messages of tests.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::net::SocketAddr;

use timing::Instant;

/// Messages kept of one call. The first half is how it began, the second half how it ended; what lies
/// between makes room.
const RUNGS_MAX: usize = 80;

/// One message.
#[derive(Clone, Debug)]
struct Rung {
    at: Instant,
    from: SocketAddr,
    to: SocketAddr,
    what: String,
}

/// The messages of every call that is watched, by caller.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ladders {
    calls: BTreeMap<String, VecDeque<Rung>>,
}

impl Ladders {
    /// Notes a message that was sent for this caller.
    pub(crate) fn note(&mut self, caller: &str, at: Instant, from: SocketAddr, to: SocketAddr, what: String) {
        let rungs = match self.calls.get_mut(caller) {
            Some(rungs) => rungs,
            None => self.calls.entry(caller.to_owned()).or_default(),
        };
        if rungs.len() == RUNGS_MAX {
            rungs.remove(RUNGS_MAX / 2);
        }
        rungs.push_back(Rung { at, from, to, what });
    }

    /// Forgets a call about which nothing is wrong.
    pub(crate) fn forget(&mut self, caller: &str) {
        self.calls.remove(caller);
    }

    /// The ladder of a caller's call, one message a line.
    pub(crate) fn draw(&self, caller: &str) -> String {
        let mut drawn = String::new();
        for Rung { at, from, to, what } in self.calls.get(caller).into_iter().flatten() {
            let seconds = at.as_micros() as f64 / 1e6;
            // Writing to a string does not fail.
            let _ = writeln!(drawn, "{seconds:>12.6}  {from:>21} -> {to:<21}  {what}");
        }
        drawn
    }
}
