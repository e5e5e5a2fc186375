//! Events to figures: Prometheus metrics, and what a wallboard shows.
//!
//! [`Exposition`] is what all share and what `/metrics` renders. Each thread that knows something holds its own
//! writer: the distributor's thread a [`Reporter`], which is fed every [`acd::Event`] and, about once a second,
//! a [`acd::Snapshot`]; the engine's thread a [`CallReporter`], which is fed every [`engine::Notice`]; the shell
//! [`RingSeries`], [`ProcessSeries`] and the like, which are given plain numbers. Read these first, then
//! [`Wallboard`]. `docs/metrics.md` says what each metric means and how to ask it.
//!
//! Writers hold the series of a queue themselves: an event costs a look-up by number and a few atomic additions,
//! never one by name. The time is handed in, also to [`Exposition::render`], so that a wait is as old as it is
//! at the scrape.
//!
//! What is deliberately absent: labels that name a call, a caller or an agent (they would grow without bound);
//! a clock (the shell says when a new day begins); HTTP; and a copy of the distributor's state beyond who waits
//! since when.

mod agents;
mod calls;
mod estimate;
mod exposition;
mod names;
mod process;
mod queue;
mod reporter;
mod series;
mod service_level;
mod wait_histogram;
mod wallboard;
mod works;

pub use agents::AgentState;
pub use calls::CallReporter;
pub use estimate::{EstimatedWait, EstimatedWaitError};
pub use exposition::Exposition;
pub use names::{AgentName, FormerNames, Names, QueueName, ReasonName, SupervisorName};
pub use process::{
    ApiSeries, MediaSeries, ProcessFigures, ProcessSeries, RingSeries, SocketSeries, TraceSeries,
    TrafficCounts,
};
pub use queue::{QueueFigures, Tally};
pub use reporter::{Figures, Reporter, Settings};
pub use service_level::ServiceLevel;
pub use wallboard::{AgentRow, QueueRow, ServiceLevelRow, Wallboard};
pub use works::{ChannelRow, WorkRow, WorkState, works};
