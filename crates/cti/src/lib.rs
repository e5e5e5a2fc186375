//! What the API says and takes: the requests and replies behind `/api/v1`, as types that are the JSON.
//!
//! [`Agent`], [`Queue`] and [`Interaction`] are replies; each is made from what a machine knows by number and
//! from [`Words`], which hold the names. [`PresenceWish`], [`Extension`], [`ChangeWish`] and [`CallbackWish`] are requests; they turn into what a
//! machine takes or into a [`Problem`] that says whose fault it is. The [`Ledger`] remembers interactions that
//! are over, within a bound.
//!
//! It never knows a socket, a token or HTTP (the shell has these), and keeps no state of an interaction
//! in progress (its machine is asked).
//!
//! Read first: [`Interaction`], then [`Why`].

mod agent;
mod callback;
mod change;
mod interaction;
mod ledger;
mod problem;
mod queue;
mod why;
mod wish;
mod words;

pub use agent::{
    ActivityName, AfterCallWorkEnd, Agent, AgentWork, Agents, Extension, Forced, PresenceName, PresenceWish,
};
pub use callback::{Callback, CallbackEndName, CallbackWish, not_withdrawn, withdrawn_by};
pub use change::{ChangeWish, Changed};
pub use interaction::{
    Attempt, AttemptResult, Attribute, Dequeue, DequeueName, Interaction, InteractionState, Interactions,
    Media, Origin, Overflow, OverflowName, Step, StepName, Visit,
};
pub use ledger::{Filter, Ledger};
pub use problem::Problem;
pub use queue::{Hours, InLine, Queue, Queues};
pub use why::Why;
pub use wish::{WantedAgents, WantedCause, WantedOver, WantedOverName};
pub use words::{TrunkNames, Words};
