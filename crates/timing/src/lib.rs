//! Time for machines that have no clock: [`Instant`], a number that the caller hands in, and
//! [`TimerWheel`], the deadlines a machine has promised to itself.
//!
//! The crate deliberately has no way to ask what time it is. The shell reads the clock once per
//! batch and passes it down as `now`; a simulator passes whatever it likes. Both types are plain
//! serialisable values, so a machine that holds them can be written down and continued elsewhere.
//!
//! Read first: [`Instant`], then [`TimerWheel`].

mod instant;
mod wheel;

pub use instant::Instant;
pub use wheel::{TimerId, TimerWheel};
