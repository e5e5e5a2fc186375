//! Calls meet queues: `b2bua` events become `acd` commands, `acd` events become verbs on calls.
//!
//! An [`Engine`] owns the calls of one thread. The distributor that decides lives elsewhere and is
//! reached by values ([`Output::Distributor`], [`Engine::handle_distributor`]); so does the relay that
//! carries media. Nothing here waits for either.
//!
//! The crate deliberately knows no sockets, no names of queues and agents, no JSON and no storage, and
//! it never chooses an agent.
//!
//! Read first: [`Engine`], [`Directory`], [`CallRecord`].

mod callback;
mod directory;
mod engine;
mod interaction;
mod memory;
mod record;
mod refusals;

pub use callback::{CallbackStory, NoCallback};
pub use directory::{
    AgentLine, CallbackLine, CallerRules, Directory, Entry, LastAgent, Leave, LogIn, NumberPattern, Outbound,
    Reach, Treatment, Way, Wish, WishCause,
};
pub use engine::{Counts, Engine, NoPhone, Output, Settings, Totals};
pub use record::{
    ATTEMPTS_MAX, AttemptRecord, CHANGES_MAX, CallRecord, ChangeRecord, Notice, Ongoing, Outcome, Standing,
    StepRecord, Stopped, Story, VISIT_STEPS_MAX, VISITS_MAX, Visit,
};
pub use refusals::{
    FurtherRefusals, Parties, REFUSAL_INTERVAL, REFUSAL_SOURCES_MAX, Refusal, RefusalCause, RefusalCount,
};
pub use sip::RequestKind;
