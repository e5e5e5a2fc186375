//! Callers and agents by the thousand: the SIP of a load test, without sockets and without a clock.
//!
//! [`Load`] is told by a [`Plan`] who calls, how often and for how long, and who answers; it says what to send, takes what
//! comes, and keeps [`Figures`]. Calls begin when the plan says so, whatever became of those before (an open loop), and
//! every latency counts from the planned moment, so a system that stops for a second is charged for all whom it kept
//! waiting.
//!
//! Messages are read and composed by `sip`. Transactions and dialogs are its own and not those of `sip::UserAgent`: the
//! product shall not be tested by its own mistakes, and whoever measures must see each message, the 100 Trying, the answer
//! to a BYE and what was repeated among them. It is the least that RFC 3261 allows: one branch of a fork, the offer always
//! in the INVITE, every re-INVITE agreed to.
//!
//! It deliberately knows nothing of Cordboard: any SIP system can stand between its callers and its agents.
//!
//! [`Audio`] is a machine beside it, because sound must go on while messages are handled: [`Load`] says who talks with whom,
//! it says a pattern for each and hears what comes. Descriptions are read by `media`.
//!
//! Read first: [`Plan`], [`Load`], [`Figures`], [`Audio`].

mod account;
mod agents;
mod audio;
mod callers;
mod figures;
mod line;
mod machine;
mod pace;
mod pairs;
mod plan;
mod sending;
mod slots;
mod wire;

pub use audio::{
    Audio, AudioChange, AudioCommand, AudioFigures, AudioSettings, AudioTransmit, Heard, Leg, PACKET, PairId,
    Target,
};
pub use figures::{AgentFault, Figures, Measure, Outcome, Second};
pub use machine::{Load, Phase, Transmit};
pub use pace::{Pace, Point, Spacing};
pub use plan::{Agents, Answers, Callers, Credentials, Plan, Side, TalkFrom};
