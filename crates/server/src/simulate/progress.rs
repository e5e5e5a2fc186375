//! How far it is, in one line of the terminal.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};

/// How wide the bar is.
const WIDTH: u64 = 30;

/// Counts days; shows them where standard error is a terminal.
pub(crate) struct Progress {
    shown: bool,
    /// Days that will be played; more may come (a search does not know).
    all: AtomicU64,
    over: AtomicU64,
}

impl Progress {
    /// Nothing has been played yet.
    pub(crate) fn new() -> Progress {
        let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        let shown = std::io::stderr().is_terminal() && !dumb;
        Progress { shown, all: AtomicU64::new(0), over: AtomicU64::new(0) }
    }

    /// So many more days will be played.
    pub(crate) fn expect(&self, days: u64) {
        self.all.fetch_add(days, Ordering::Relaxed);
    }

    /// One is over.
    pub(crate) fn day_is_over(&self) {
        let over = self.over.fetch_add(1, Ordering::Relaxed) + 1;
        let all = self.all.load(Ordering::Relaxed).max(over);
        // A hundred pictures are enough.
        if self.shown && (over == all || over.is_multiple_of((all / 100).max(1))) {
            let done = over * WIDTH / all;
            let bar: String = (0..WIDTH).map(|place| if place < done { '#' } else { '.' }).collect();
            self.write(&format!("\r[{bar}] {over} of {all} days"));
        }
    }

    /// Takes the line away.
    pub(crate) fn end(&self) {
        if self.shown {
            self.write("\r\x1b[K");
        }
    }

    fn write(&self, text: &str) {
        let mut out = std::io::stderr().lock();
        // A terminal that is gone needs no progress.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}
