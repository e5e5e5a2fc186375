//! `[log]`

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
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

impl LogLevel {
    /// All of them, the most important first.
    pub const ALL: [LogLevel; 5] =
        [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];

    /// Its name in the configuration and the API.
    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
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
    let levels = LogLevel::ALL.map(|level| (level.name(), level));
    Log {
        level: section.word("level", "info", &levels),
        format: section.word("format", "text", &[("text", LogFormat::Text), ("json", LogFormat::Json)]),
        mask_numbers: section.switch("mask_numbers", true),
    }
}
