//! Automatic call distribution: interactions, queues, agents, skills and reservations. Who takes what.
//!
//! [`Distributor`] is a pure machine with one owner: a [`Command`] and the time go in, [`Event`]s and the next
//! deadline come out. Read it first, then [`Command`] and [`Event`]; [`QueueSettings`] says what can be
//! configured, and `docs/routing.md` what it means to a supervisor.
//!
//! ```
//! use acd::{AgentId, AgentSettings, Command, Distributor, Event, InteractionId, QueueId, QueueSettings, Request, Settings};
//! use timing::Instant;
//!
//! let now = Instant::ORIGIN;
//! let mut acd = Distributor::new(Settings::default());
//! let (queue, agent, interaction) = (QueueId(1), AgentId(7), InteractionId(1));
//! acd.apply(now, Command::DefineQueue { queue, settings: Box::new(QueueSettings::default()) });
//! acd.apply(now, Command::DefineAgent { agent, settings: Box::new(AgentSettings::default()) });
//! acd.apply(now, Command::LogIn { agent, not_ready: None });
//! acd.apply(now, Command::Enqueue { interaction, request: Request::new(queue) });
//! while let Some(event) = acd.poll_event() {
//!     if let Event::Reserved { reservation, agent, .. } = event {
//!         // Ring the agent, then tell what came of it.
//!         acd.apply(now, Command::Accept { reservation });
//!         assert_eq!(agent, AgentId(7));
//!     }
//! }
//! ```
//!
//! What is deliberately absent: telephony (an [`ExitId`] is opaque, a reservation rings nothing by itself),
//! names (ids are numbers, the configuration maps them), clocks, threads and locks. What is drawn by lot comes from a seed
//! in the settings, so that equal commands give equal choices. The owner's
//! thread drains the rings, calls this, and publishes a [`Snapshot`] for readers.
//!
//! What always holds is written as code in [`invariants`], and what holds over time in [`watch`]. How long somebody
//! will wait is estimated in [`estimate`], and how far off that was.

mod channel;
mod command;
mod distributor;
pub mod estimate;
mod event;
mod id;
pub mod invariants;
mod line;
mod lot;
mod overflow;
pub mod requirement;
mod selection;
mod settings;
mod snapshot;
pub mod state;
mod table;
mod wanted;
pub mod watch;
mod work;

pub use channel::{CAPACITY_MAX, CHANNELS_MAX, Capacity, Channels, Interruptions};
pub use command::{CallFailure, Change, Command, Fault, Lease, Refusal, RejectCause, Request};
pub use distributor::Distributor;
pub use event::{
    AbandonedDuring, Activity, CallbackEnd, Decision, DequeueCause, ELIGIBLE_MAX, Event, Forced, HandlingEnd,
    OverflowCause, Presence, RUNNERS_UP_MAX, ReservationEnd, StepCause, WantedEnd,
};
pub use id::{
    AgentId, Channel, ExitId, InteractionId, QueueId, ReasonCode, ReservationId, SkillId, SupervisorId,
};
pub use lot::{Lot, Lots};
pub use overflow::{CONDITIONS_MAX, Condition, Limit, Measure, OVERFLOWS_MAX, Overflow};
pub use requirement::Requirement;
pub use selection::{BAND_MAX, BAND_USUAL, SHARE_MAX, Selection, WEIGHT_USUAL};
pub use settings::{
    AgentSettings, BackOff, BackOffs, CallbackMode, CallbackRules, ENTRIES_MAX, Exit, ForcedPresence,
    IdleClock, Invalid, MaxLength, MaxWait, NobodyLoggedIn, POOLS_MAX, PREFERENCES_MAX, QueueSettings,
    RESERVES_MAX, RING_MAX, Reserve, Ring, STEPS_MAX, Setting, Settings, Step, StepEffect, Strategy,
};
pub use settings::{AtClosing, Closed};
pub use snapshot::{AgentCounts, AgentSnapshot, Counters, QueueSnapshot, Snapshot, Waiting};
pub use wanted::{Otherwise, WANTED_MAX, Wanted};
pub use work::{Aside, Interruption, Work, WorkStage, Worked, Works};
