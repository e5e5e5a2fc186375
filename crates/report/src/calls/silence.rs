//! Conversations in which a side was never heard: one-way audio, the fault that callers report and servers miss.

use std::time::Duration;

use engine::CallRecord;
use prometheus::IntCounter;

use crate::series::{Definition, Group};

const SILENT: Definition = Definition {
    name: "cordboard_calls_silent_total",
    help: "Answered calls of at least 5 s in which no RTP packet was accepted from a side, by that side.",
};
/// A conversation that is shorter proves nothing: its first packet may not have come.
const CONVERSATION_MIN: Duration = Duration::from_secs(5);

/// Counts them, once a call.
pub(super) struct SilentCalls {
    caller: IntCounter,
    agent: IntCounter,
    both: IntCounter,
}

impl SilentCalls {
    pub(super) fn new(group: &mut Group) -> SilentCalls {
        let mut counter = |side| group.counter(SILENT, &[("side", side)]);
        SilentCalls { caller: counter("caller"), agent: counter("agent"), both: counter("both") }
    }

    /// A call is over. Where its media did not pass here nobody knows what was heard.
    pub(super) fn end(&self, record: &CallRecord) {
        let (Some(caller), Some(agent)) = (&record.summary.caller, &record.summary.callee) else { return };
        if record.talked() < CONVERSATION_MIN {
            return;
        }
        match (caller.received_packets == 0, agent.received_packets == 0) {
            (true, true) => self.both.inc(),
            (true, false) => self.caller.inc(),
            (false, true) => self.agent.inc(),
            (false, false) => {}
        }
    }
}
