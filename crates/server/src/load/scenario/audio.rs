//! `[audio]`: what callers and agents say and hear, and how well.

use std::time::Duration;

use load::AudioSettings;

use crate::config::reader::Section;

/// Two sockets for each: more are not for one thread.
const CALLS_MAX: u32 = 2_000;

/// What is wanted of the audio of calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Audio {
    /// How many calls at once have any.
    pub(crate) calls: u32,
    /// How it is judged.
    pub(crate) judged: AudioSettings,
    /// What part of what had to come may be lost.
    pub(crate) loss: f64,
    /// In what part of conversations the peer may not be heard in time.
    pub(crate) unheard: f64,
    /// How long a packet may take, but for one of a hundred; none: as long as it likes.
    pub(crate) delay: Option<Duration>,
}

impl Audio {
    /// What the table says; none where there is none. `is_whole`: there are callers and agents.
    pub(super) fn read(file: &mut Section<'_>, is_whole: bool) -> Option<Audio> {
        let is_wanted = file.gives("audio");
        let mut section = file.table("audio");
        let audio = Audio {
            calls: section.integer("calls", 100, 1..=CALLS_MAX),
            judged: AudioSettings {
                gap: section.duration("gap", "100ms", "20ms", "1m"),
                heard_within: section.duration("heard_within", "2s", "20ms", "1m"),
            },
            loss: section.portion("loss", "1%", "0%", "100%").unwrap_or(0.01),
            unheard: section.portion("unheard", "0%", "0%", "100%").unwrap_or(0.0),
            delay: section.optional_duration("delay", "1ms", "1m"),
        };
        if is_wanted && !is_whole {
            let remedy = "add the one that is missing, or leave [audio] out";
            let message =
                "[audio] is between [[callers]] and [[agents]] of this load, and one of them is missing";
            section.error(section.span(), format!("{message}; {remedy}"));
        }
        is_wanted.then_some(audio)
    }
}
