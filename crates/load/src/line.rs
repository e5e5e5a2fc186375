//! What callers and agents know of each other: the same call seen from both ends.

use std::collections::{BTreeMap, VecDeque};

use timing::Instant;

use crate::audio::PairId;

/// Names a call of a caller: its place and how often that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// How a caller stands, for the agents' side.
#[derive(Clone, Copy, Debug)]
struct Standing {
    key: Key,
    planned: Instant,
    /// The ports of its audio.
    pair: Option<PairId>,
    /// Some agent's phone has rung for it.
    has_rung: bool,
    /// An agent has hung up on it.
    is_left: bool,
}

/// Everybody who calls, by the user part of their From.
#[derive(Debug, Default)]
pub(crate) struct Line {
    callers: BTreeMap<String, Standing>,
    /// Callers whom an agent has answered, until their side has heard of it.
    answered: VecDeque<Key>,
}

impl Line {
    /// A call begins.
    pub(crate) fn join(&mut self, from: &str, key: Key, planned: Instant, pair: Option<PairId>) {
        let standing = Standing { key, planned, pair, has_rung: false, is_left: false };
        self.callers.insert(from.to_owned(), standing);
    }

    /// The ports of this caller's audio.
    pub(crate) fn pair(&self, from: &str) -> Option<PairId> {
        self.callers.get(from)?.pair
    }

    /// Whether this person is in a call already.
    pub(crate) fn holds(&self, from: &str) -> bool {
        self.callers.contains_key(from)
    }

    /// An agent hangs up on this caller.
    pub(crate) fn hang_up(&mut self, from: &str) {
        if let Some(standing) = self.callers.get_mut(from) {
            standing.is_left = true;
        }
    }

    /// Whether an agent has hung up on this call.
    pub(crate) fn is_left(&self, from: &str, key: Key) -> bool {
        self.callers.get(from).is_some_and(|standing| standing.key == key && standing.is_left)
    }

    /// It is over.
    pub(crate) fn leave(&mut self, from: &str, key: Key) {
        if self.callers.get(from).is_some_and(|standing| standing.key == key) {
            self.callers.remove(from);
        }
    }

    /// An agent is rung for this caller.
    pub(crate) fn ring(&mut self, from: &str) -> Rung {
        let Some(standing) = self.callers.get_mut(from) else { return Rung::Stranger };
        if std::mem::replace(&mut standing.has_rung, true) {
            Rung::Again
        } else {
            Rung::First(standing.planned)
        }
    }

    /// The agent has picked up.
    pub(crate) fn answer(&mut self, from: &str) {
        self.answered.extend(self.callers.get(from).map(|standing| standing.key));
    }

    /// A caller whom an agent has answered.
    pub(crate) fn poll_answered(&mut self) -> Option<Key> {
        self.answered.pop_front()
    }
}

/// For whom an agent is rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rung {
    /// For a caller for whom nobody was rung before, who was planned to call then.
    First(Instant),
    /// For a caller for whom somebody was rung before.
    Again,
    /// For nobody of ours.
    Stranger,
}
