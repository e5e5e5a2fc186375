//! What an agent has in hand: one interaction at a time, or several where the agent's capacity allows it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use timing::Instant;

use crate::{Activity, Channel, InteractionId, QueueId, ReservationId};

/// One interaction in an agent's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Work {
    /// Which. After its conversation the id may be in use again while the agent still wraps up.
    pub interaction: InteractionId,
    /// The queue that it came from.
    pub queue: QueueId,
    /// Of that queue.
    pub channel: Channel,
    /// How far it is.
    pub stage: WorkStage,
}

/// How far an agent is with an interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum WorkStage {
    /// Rung for it.
    Reserved {
        /// By which reservation.
        reservation: ReservationId,
        /// From when.
        since: Instant,
    },
    /// In conversation.
    Handling {
        /// From when.
        since: Instant,
        /// When the conversation was last renewed, or began: its lease counts from here.
        renewed: Instant,
        /// By work of another channel.
        interrupted: Interruption,
    },
    /// Wrapping up.
    AfterCallWork {
        /// From when.
        since: Instant,
        /// When it ends by itself.
        until: Instant,
    },
}

/// How long a conversation was put aside for work of another channel: what others show as hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Interruption {
    /// Since when it is so now.
    pub since: Option<Instant>,
    /// How long it was so before, in all.
    pub before: Duration,
}

impl Interruption {
    /// In all until now.
    pub fn until(&self, now: Instant) -> Duration {
        self.before + self.since.map(|since| now - since).unwrap_or_default()
    }
}

/// What an agent does beside the interactions in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Aside {
    /// Nothing.
    Nothing {
        /// From when; while something is in hand it means nothing.
        since: Instant,
    },
    /// Left alone for a while after a failed reservation.
    BackingOff {
        /// From when.
        since: Instant,
        /// When it ends.
        until: Instant,
    },
    /// Busy with something that is not the distributor's.
    Occupied {
        /// From when.
        since: Instant,
        /// When it was last renewed, or began: its lease counts from here.
        renewed: Instant,
    },
}

/// All that an agent has in hand: those answered in the order of the answers, and wherever they came in, those that
/// ring. The first lies where the agent does, because most agents never have a second.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Works {
    first: Option<Work>,
    /// Nobody, where there is no first.
    more: Vec<Work>,
}

impl Work {
    /// Whether it is a conversation or its after-call work: what counts as being at work.
    pub fn is_answered(&self) -> bool {
        match self.stage {
            WorkStage::Reserved { .. } => false,
            WorkStage::Handling { .. } | WorkStage::AfterCallWork { .. } => true,
        }
    }

    /// Whether it is a conversation.
    pub fn is_handling(&self) -> bool {
        match self.stage {
            WorkStage::Handling { .. } => true,
            WorkStage::Reserved { .. } | WorkStage::AfterCallWork { .. } => false,
        }
    }

    /// Whether it is after-call work.
    pub fn is_after_call_work(&self) -> bool {
        match self.stage {
            WorkStage::AfterCallWork { .. } => true,
            WorkStage::Reserved { .. } | WorkStage::Handling { .. } => false,
        }
    }

    /// Whether it is the after-call work of this interaction; an agent has no two of one.
    pub(crate) fn is_after_call_work_of(&self, interaction: InteractionId) -> bool {
        self.interaction == interaction && self.is_after_call_work()
    }

    /// Whether it is the conversation with this interaction.
    pub(crate) fn is_handling_of(&self, interaction: InteractionId) -> bool {
        self.interaction == interaction && self.is_handling()
    }

    /// Whether it is a conversation that waits because the agent has taken work of another channel.
    pub fn is_interrupted(&self) -> bool {
        match self.stage {
            WorkStage::Handling { interrupted, .. } => interrupted.since.is_some(),
            WorkStage::Reserved { .. } | WorkStage::AfterCallWork { .. } => false,
        }
    }

    /// When its stage began.
    pub fn since(&self) -> Instant {
        match self.stage {
            WorkStage::Reserved { since, .. }
            | WorkStage::Handling { since, .. }
            | WorkStage::AfterCallWork { since, .. } => since,
        }
    }

    /// The reservation by which it rings.
    pub fn reservation(&self) -> Option<ReservationId> {
        match self.stage {
            WorkStage::Reserved { reservation, .. } => Some(reservation),
            WorkStage::Handling { .. } | WorkStage::AfterCallWork { .. } => None,
        }
    }

    /// The same as what an agent does who has only this in hand.
    pub(crate) fn activity(&self) -> Activity {
        let Work { interaction, queue, .. } = *self;
        match self.stage {
            WorkStage::Reserved { reservation, since } => Activity::Reserved { reservation, since },
            WorkStage::Handling { since, .. } => Activity::Handling { interaction, since },
            WorkStage::AfterCallWork { since, until } => {
                Activity::AfterCallWork { interaction, queue, since, until }
            }
        }
    }
}

impl Aside {
    /// Nothing, from then on.
    pub(crate) fn nothing(since: Instant) -> Aside {
        Aside::Nothing { since }
    }

    /// The same as what an agent does who has nothing in hand.
    pub(crate) fn activity(self) -> Activity {
        match self {
            Aside::Nothing { since } => Activity::Idle { since },
            Aside::BackingOff { since, until } => Activity::BackingOff { since, until },
            Aside::Occupied { since, .. } => Activity::Occupied { since },
        }
    }
}

impl Works {
    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = &Work> {
        self.first.iter().chain(&self.more)
    }

    /// Whether nothing is in hand.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// How many.
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }

    /// The one that came first.
    pub(crate) fn first(&self) -> Option<&Work> {
        self.first.as_ref()
    }

    /// Whether there is a second.
    pub(crate) fn are_several(&self) -> bool {
        !self.more.is_empty()
    }

    /// The one that is so.
    pub fn find(&self, is_it: impl Fn(&Work) -> bool) -> Option<&Work> {
        self.first.as_ref().filter(|work| is_it(work)).or_else(|| self.more.iter().find(|work| is_it(work)))
    }

    /// At the end.
    pub(crate) fn push(&mut self, work: Work) {
        match self.first {
            None => self.first = Some(work),
            Some(_) => self.more.push(work),
        }
    }

    pub(crate) fn find_mut(&mut self, is_it: impl Fn(&Work) -> bool) -> Option<&mut Work> {
        self.iter_mut().find(|work| is_it(work))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Work> {
        self.first.iter_mut().chain(&mut self.more)
    }

    /// Takes the first out that is so.
    pub(crate) fn take(&mut self, is_it: impl Fn(&Work) -> bool) -> Option<Work> {
        if self.first.as_ref().is_some_and(&is_it) {
            let next = if self.more.is_empty() { None } else { Some(self.more.remove(0)) };
            return std::mem::replace(&mut self.first, next);
        }
        let index = self.more.iter().position(is_it)?;
        Some(self.more.remove(index))
    }

    /// What was answered last. All conversations of other channels are interrupted by it, until its after-call work is
    /// over.
    pub(crate) fn answered_last(&self) -> Option<&Work> {
        let answered = |work: &&Work| work.is_answered();
        self.more.iter().rev().find(answered).or(self.first.as_ref().filter(answered))
    }

    /// The one that stands for all. Of the channel of what was answered last it is the conversation that began first;
    /// without any, the after-call work that began first. Where nothing is answered, it is what rings longest.
    pub fn foreground(&self) -> Option<&Work> {
        if self.more.is_empty() {
            return self.first.as_ref();
        }
        let Some(last) = self.answered_last() else { return self.first.as_ref() };
        let handling = self.find(|work| work.channel == last.channel && work.is_handling());
        handling.or_else(|| self.find(|work| work.channel == last.channel && work.is_answered()))
    }

    /// Something that differs after every change of what is in hand.
    pub(crate) fn gist(&self) -> (usize, usize, u64) {
        let answered = self.iter().filter(|work| work.is_handling()).count();
        let until = |work: &Work| match work.stage {
            WorkStage::AfterCallWork { until, .. } => until.as_micros(),
            WorkStage::Reserved { .. } | WorkStage::Handling { .. } => 0,
        };
        (self.len(), answered, self.iter().map(until).fold(0, u64::wrapping_add))
    }
}

impl FromIterator<Work> for Works {
    fn from_iter<I: IntoIterator<Item = Work>>(works: I) -> Works {
        let mut all = Works::default();
        works.into_iter().for_each(|work| all.push(work));
        all
    }
}

/// The time at work: conversations and after-call work, and where there are several at once, the time once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Worked {
    /// What is over.
    pub before: Duration,
    /// Since when the agent has been at work.
    pub since: Option<Instant>,
}

impl Worked {
    /// Nothing, and not at work.
    pub(crate) const NOTHING: Worked = Worked { before: Duration::ZERO, since: None };

    /// After a change.
    pub(crate) fn follow(&mut self, is_at_work: bool, now: Instant) {
        match (self.since, is_at_work) {
            (Some(since), false) => {
                self.before += now - since;
                self.since = None;
            }
            (None, true) => self.since = Some(now),
            (Some(_), true) | (None, false) => {}
        }
    }

    /// In all until now.
    pub(crate) fn until(&self, now: Instant) -> Duration {
        self.before + self.since.map(|since| now - since).unwrap_or_default()
    }
}
