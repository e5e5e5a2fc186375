//! A timer that a poll waits for: more exact than the milliseconds of a poll's own limit.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Poll, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use timing::Instant;

use crate::clock::Clock;

/// A timer in a poll.
pub(super) struct Timer {
    descriptor: OwnedFd,
    armed: Option<Instant>,
}

impl Timer {
    /// One that wakes this poll by `token`.
    ///
    /// # Errors
    /// Where the system has no more files for us.
    pub(super) fn new(poll: &Poll, token: Token) -> io::Result<Timer> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let descriptor = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        poll.registry().register(&mut SourceFd(&descriptor.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Timer { descriptor, armed: None })
    }

    /// Sees that the poll wakes at `deadline` or before; at once where that is over.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn ring_by(&mut self, clock: Clock, deadline: Instant) -> io::Result<()> {
        // One that rings too early costs a turn, one less than a call of the system for each deadline.
        if self.armed.is_some_and(|armed| armed <= deadline) {
            return Ok(());
        }
        // Zero would put it out.
        let after = clock.until(deadline).max(Duration::from_nanos(1));
        let value = Timespec {
            tv_sec: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(after.subsec_nanos()),
        };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        timerfd_settime(&self.descriptor, TimerfdTimerFlags::empty(), &once)?;
        self.armed = Some(deadline);
        Ok(())
    }

    /// The poll has told of it.
    pub(super) fn has_rung(&mut self) {
        self.armed = None;
    }
}
