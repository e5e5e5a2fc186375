//! Queues: how they stand, and who waits.

use std::collections::BTreeMap;

use acd::{InteractionId, Waiting};
use report::QueueRow;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Words;

/// Every queue, by name. Counts are of the day.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Queues {
    /// When it was so (RFC 3339): at most a quarter of a second ago while things change.
    pub as_of: String,
    /// The queues.
    pub queues: Vec<QueueRow>,
}

/// One queue and who waits in it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Queue {
    /// When the figures were so (RFC 3339); the line is as it is now.
    pub as_of: String,
    /// How it stands.
    #[serde(flatten)]
    pub figures: QueueRow,
    /// When it is open; null where it always is.
    pub hours: Option<Hours>,
    /// Who waits, first in line first, as far as asked for. Those for whom an agent is rung are not in it.
    pub line: Vec<InLine>,
}

/// The hours that a queue keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Hours {
    /// The calendar in the configuration.
    pub calendar: String,
    /// When the queue opens or closes next (RFC 3339); null where that is not within two years.
    pub next_change: Option<String>,
}

/// One who waits.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct InLine {
    /// Place in the line, from 1.
    pub position: usize,
    /// Which interaction.
    pub interaction: u64,
    /// Who calls.
    pub caller: Option<String>,
    /// The number dialled.
    pub called: Option<String>,
    /// Its points.
    pub priority: i32,
    /// Its step in the queue; 0 is the queue's first requirement.
    pub step: u8,
    /// When it entered this queue (RFC 3339).
    pub entered: String,
    /// How long it has waited in this queue.
    pub waited_seconds: f64,
    /// How long since the customer's wait began, over all queues.
    pub age_seconds: f64,
    /// Agents who were rung for it in this queue and did not take it.
    pub failed_attempts: u32,
    /// The customer has hung up to be called back, and keeps the place.
    pub callback: bool,
}

impl InLine {
    /// Those who wait, with what `callers` knows of them: caller and number dialled. Who left between the two
    /// looks has neither.
    pub fn list(
        waiting: &[Waiting],
        callers: &BTreeMap<InteractionId, (String, String)>,
        words: &Words<'_>,
    ) -> Vec<InLine> {
        let one = |(index, one): (usize, &Waiting)| {
            let (caller, called) = callers.get(&one.interaction).cloned().unzip();
            InLine {
                position: index + 1,
                interaction: one.interaction.0,
                caller,
                called,
                priority: one.priority,
                step: one.step,
                entered: words.time(one.entered),
                waited_seconds: words.ago(one.entered),
                age_seconds: words.ago(one.arrived),
                failed_attempts: one.attempts,
                callback: one.is_callback,
            }
        };
        waiting.iter().enumerate().map(one).collect()
    }
}
