//! `[log]`

use super::reader::Section;

/// What is written about the running system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// The least important line that is written.
    pub level: LogLevel,
    /// For machines or for people.
    pub format: LogFormat,
    /// Whether the last digits of callers' numbers are hidden.
    pub mask_numbers: bool,
}

/// Importance of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Somebody must act.
    Error,
    /// Something is not as it should be.
    Warn,
    /// One line a call.
    Info,
    /// What the machines decide.
    Debug,
    /// Everything.
    Trace,
}

/// Shape of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

pub(super) fn read(section: &mut Section<'_>) -> Log {
    let levels = [
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("trace", LogLevel::Trace),
    ];
    Log {
        level: section.word("level", "info", &levels),
        format: section.word("format", "text", &[("text", LogFormat::Text), ("json", LogFormat::Json)]),
        mask_numbers: section.switch("mask_numbers", true),
    }
}
