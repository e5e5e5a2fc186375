//! How many tests are busy at once. A test spends most of its time waiting for timers of SIP that nobody can
//! hurry (64*T1 is 32 s), so there may be many more threads than cores; the calls themselves need the cores.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};

/// Tests that drive calls at the same moment.
const BUSY_AT_ONCE: usize = 2;

static LINE: Mutex<Line> = Mutex::new(Line { free: BUSY_AT_ONCE, tickets: 0, waiting: VecDeque::new() });
static MOVED: Condvar = Condvar::new();

/// Who waits for a turn: first come, first served, or a test that wants the machine for itself would starve.
struct Line {
    free: usize,
    tickets: u64,
    waiting: VecDeque<u64>,
}

/// The right to be busy, until it is dropped. A test has one at most, so nobody waits for himself.
pub(crate) struct Turn {
    share: usize,
}

impl Turn {
    /// Waits for a turn beside others.
    pub(crate) fn shared() -> Turn {
        Turn::take(1)
    }

    /// Waits until nobody else is busy.
    pub(crate) fn alone() -> Turn {
        Turn::take(BUSY_AT_ONCE)
    }

    fn take(share: usize) -> Turn {
        let mut line = line();
        let ticket = line.tickets;
        line.tickets += 1;
        line.waiting.push_back(ticket);
        let mut line = MOVED
            .wait_while(line, |line| line.waiting.front() != Some(&ticket) || line.free < share)
            .expect(NOBODY_PANICS);
        line.waiting.pop_front();
        line.free -= share;
        // The next in line may fit beside us.
        MOVED.notify_all();
        Turn { share }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        line().free += self.share;
        MOVED.notify_all();
    }
}

const NOBODY_PANICS: &str = "nobody panics who holds this lock";

fn line() -> MutexGuard<'static, Line> {
    LINE.lock().expect(NOBODY_PANICS)
}
