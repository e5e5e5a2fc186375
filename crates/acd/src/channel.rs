//! Channels: how much of each an agent takes at once, and which may interrupt which.

use serde::{Deserialize, Serialize};

use crate::Channel;

/// Channels that can be told apart: their numbers are below this.
pub const CHANNELS_MAX: usize = 16;
/// The most interactions of one channel at once, as Genesys has it for each of its media.
pub const CAPACITY_MAX: u8 = 25;

/// How many interactions of each channel an agent may have in hand at once: reserved, in conversation and in
/// after-call work. By default one call and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Capacity([u8; CHANNELS_MAX]);

/// Which channels may be offered to an agent who has something of another channel in hand, by that other channel. By
/// default none: who has anything in hand is offered nothing of another channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Interruptions([Channels; CHANNELS_MAX]);

/// A set of channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Channels(u16);

impl Default for Capacity {
    fn default() -> Capacity {
        Capacity::NOTHING.with(Channel::VOICE, 1)
    }
}

impl Capacity {
    /// For no channel at all; to begin with, because an agent needs some.
    pub const NOTHING: Capacity = Capacity([0; CHANNELS_MAX]);

    /// The same with so many at once of one channel; nothing changes for a channel that cannot be.
    #[must_use]
    pub fn with(mut self, channel: Channel, at_once: u8) -> Capacity {
        if let Some(capacity) = self.0.get_mut(usize::from(channel.0)) {
            *capacity = at_once;
        }
        self
    }

    /// How many of a channel at once.
    pub fn of(&self, channel: Channel) -> u8 {
        self.0.get(usize::from(channel.0)).copied().unwrap_or(0)
    }

    /// The channels of which an agent takes anything.
    pub fn channels(&self) -> Channels {
        let taken = Channels::each().filter(|&channel| self.of(channel) > 0);
        taken.fold(Channels::NONE, Channels::with)
    }

    /// The most of all channels.
    pub(crate) fn greatest(&self) -> u8 {
        self.0.into_iter().max().expect("there are channels")
    }
}

impl Interruptions {
    /// The same, and a channel may be interrupted by another.
    #[must_use]
    pub fn allow(mut self, interrupted: Channel, by: Channel) -> Interruptions {
        if let Some(all) = self.0.get_mut(usize::from(interrupted.0)) {
            *all = all.with(by);
        }
        self
    }

    /// The channels that may interrupt this one.
    pub fn of(&self, interrupted: Channel) -> Channels {
        self.0.get(usize::from(interrupted.0)).copied().unwrap_or_default()
    }

    /// Whether an agent of this capacity may be offered everything or nothing, and never a part of the channels.
    pub(crate) fn leave_all_or_nothing(&self, capacity: &Capacity) -> bool {
        let channels = capacity.channels();
        let may_add = |by: &Channels| by.0 & channels.0 != 0;
        channels.are_at_most_one() || (capacity.greatest() <= 1 && !self.0.iter().any(may_add))
    }
}

impl Channels {
    /// No channel.
    pub const NONE: Channels = Channels(0);
    /// Every channel.
    pub const ALL: Channels = Channels(u16::MAX);

    /// The same and one more.
    #[must_use]
    pub fn with(self, channel: Channel) -> Channels {
        Channels(self.0 | Channels::bit(channel))
    }

    /// The same but one.
    #[must_use]
    pub(crate) fn without(self, channel: Channel) -> Channels {
        Channels(self.0 & !Channels::bit(channel))
    }

    /// Those in both.
    #[must_use]
    pub(crate) fn and(self, other: Channels) -> Channels {
        Channels(self.0 & other.0)
    }

    /// Whether one is in both.
    pub(crate) fn meets(self, other: Channels) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether it is in the set.
    pub fn contains(self, channel: Channel) -> bool {
        self.0 & Channels::bit(channel) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One after another.
    pub fn iter(self) -> impl Iterator<Item = Channel> {
        Channels::each().filter(move |&channel| self.contains(channel))
    }

    fn are_at_most_one(self) -> bool {
        self.0 & self.0.wrapping_sub(1) == 0
    }

    fn bit(channel: Channel) -> u16 {
        1u16.checked_shl(channel.0.into()).unwrap_or(0)
    }

    /// All that there can be.
    fn each() -> impl Iterator<Item = Channel> {
        (0..CHANNELS_MAX as u8).map(Channel)
    }
}
