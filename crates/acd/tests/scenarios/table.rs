//! The lines of a table.

use std::fmt;

/// What is wrong with a table, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.what)
    }
}

/// A line, numbered from 1.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) number: usize,
    pub(crate) text: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Empty, or from `#` on.
    Comment,
    /// `queue`, `agent`, `settings`.
    Definition(String),
    /// A time in milliseconds from the beginning, and a command; empty: only time passes.
    Command(u64, String),
    /// Indented: an event of the command above.
    Expected(String),
}

/// Reads the lines; what they mean is for others.
pub(crate) fn read(text: &str) -> Result<Vec<Line>, Wrong> {
    let mut lines = Vec::new();
    let mut last = None;
    for (text, number) in text.lines().zip(1..) {
        let wrong = |what: String| Wrong { line: number, what };
        let said = text.split('#').next().unwrap_or_default();
        let kind = if said.trim().is_empty() {
            Kind::Comment
        } else if said.starts_with([' ', '\t']) {
            if last.is_none() {
                return Err(wrong("an expected event before the first line with a time".to_owned()));
            }
            Kind::Expected(said.trim().to_owned())
        } else if said.starts_with(|first: char| first.is_ascii_digit()) {
            let (time, command) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
            let at = clock(time).ok_or_else(|| {
                wrong(format!("`{time}` is no time: write minutes and seconds, like 0:05 or 12:30.5"))
            })?;
            if last.is_some_and(|last| at < last) {
                return Err(wrong("the time goes back: order the lines".to_owned()));
            }
            last = Some(at);
            Kind::Command(at, command.trim().to_owned())
        } else {
            Kind::Definition(said.trim().to_owned())
        };
        lines.push(Line { number, text: text.to_owned(), kind });
    }
    Ok(lines)
}

/// `1:05`, `0:20.5` in milliseconds.
fn clock(text: &str) -> Option<u64> {
    let (minutes, seconds) = text.split_once(':')?;
    let whole = seconds.split('.').next()?;
    let is_clock = whole.len() == 2 && whole.parse::<u64>().ok()? < 60;
    let millis = milliseconds(seconds)?;
    is_clock.then_some(minutes.parse::<u64>().ok()?.checked_mul(60_000)? + millis)
}

/// `20s`, `2m`, `1.5s`, `250ms`, `0`.
pub(crate) fn duration(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    if let Some(millis) = text.strip_suffix("ms") {
        return millis.parse().ok();
    }
    if let Some(minutes) = text.strip_suffix('m') {
        return minutes.parse::<u64>().ok()?.checked_mul(60_000);
    }
    milliseconds(text.strip_suffix('s')?)
}

/// Decimal seconds, at most three places.
fn milliseconds(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if part.len() > 3 || !is_digits(part) || !is_digits(whole) {
        return None;
    }
    let part = format!("{part:0<3}");
    Some(whole.parse::<u64>().ok()?.checked_mul(1_000)? + part.parse::<u64>().ok()?)
}
