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
        Progress::shown_if(std::io::stderr().is_terminal() && !dumb)
    }

    fn shown_if(shown: bool) -> Progress {
        Progress { shown, all: AtomicU64::new(0), over: AtomicU64::new(0) }
    }

    /// So many more days will be played.
    pub(crate) fn expect(&self, days: u64) {
        self.all.fetch_add(days, Ordering::Relaxed);
    }

    /// One is over.
    pub(crate) fn day_is_over(&self) {
        self.day_is_over_on(std::io::stderr().lock());
    }

    /// Takes the line away.
    pub(crate) fn end(&self) {
        self.end_on(std::io::stderr().lock());
    }

    fn day_is_over_on(&self, out: impl Write) {
        let over = self.over.fetch_add(1, Ordering::Relaxed) + 1;
        let all = self.all.load(Ordering::Relaxed).max(over);
        // A hundred pictures are enough.
        if self.shown && (over == all || over.is_multiple_of((all / 100).max(1))) {
            let done = over * WIDTH / all;
            let bar: String = (0..WIDTH).map(|place| if place < done { '#' } else { '.' }).collect();
            write(out, &format!("\r[{bar}] {over} of {all} days"));
        }
    }

    fn end_on(&self, out: impl Write) {
        if self.shown {
            write(out, "\r\x1b[K");
        }
    }
}

fn write(mut out: impl Write, text: &str) {
    // A terminal that is gone needs no progress.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a terminal was sent while so many days were played of which `expected` were known of.
    fn sent(shown: bool, expected: u64, played: u64) -> String {
        let progress = Progress::shown_if(shown);
        progress.expect(expected);
        let mut out = Vec::new();
        (0..played).for_each(|_| progress.day_is_over_on(&mut out));
        progress.end_on(&mut out);
        String::from_utf8(out).expect("it is text")
    }

    #[test]
    fn the_bar_grows_with_the_days_and_is_taken_away_at_the_end() {
        let text = sent(true, 4, 4);
        let pictures: Vec<&str> = text.split('\r').collect();
        let expected = [
            "",
            "[#######.......................] 1 of 4 days",
            "[###############...............] 2 of 4 days",
            "[######################........] 3 of 4 days",
            "[##############################] 4 of 4 days",
            "\x1b[K",
        ];
        assert_eq!(pictures, expected);
    }

    #[test]
    fn a_search_that_plays_more_than_was_known_of_never_shows_more_than_all() {
        let text = sent(true, 1, 3);
        assert!(
            text.contains("1 of 1 days") && text.contains("3 of 3 days") && !text.contains("2 of 1"),
            "{text}"
        );
    }

    #[test]
    fn many_days_are_a_hundred_pictures_and_without_a_terminal_there_is_none() {
        assert_eq!(sent(true, 10_000, 10_000).matches("days").count(), 100);
        assert_eq!(sent(false, 10_000, 10_000), "");
    }
}
