//! Callers who call again: who served them last is remembered, and the place of those who gave up.
//!
//! A caller is known by the number, in the queue that the number dialled leads to. Whoever withholds the number is not
//! remembered.

use acd::{InteractionId, QueueId, Wanted};
use b2bua::HangUp;
use timing::Instant;

use super::Engine;
use crate::{LastAgent, Wish, WishCause};

impl Engine {
    /// The agent who served a caller last, where the queue wants that one again.
    pub(super) fn last_agent(&self, now: Instant, queue: QueueId, number: &str) -> Option<Wish> {
        let LastAgent { wait, .. } = self.directory.callers.get(&queue)?.last_agent?;
        let agent = self.served.recall(now, queue, number)?;
        let is_here = self.directory.agents.contains_key(&agent);
        is_here.then(|| Wish { cause: WishCause::LastAgent, wanted: Wanted::preferred(agent, wait) })
    }

    /// A conversation is over: who talked to the caller is remembered from now on for as long as the queue says.
    pub(super) fn keep_agent(&mut self, now: Instant, interaction: InteractionId) {
        let Some(state) = self.interactions.get(&interaction).filter(|state| state.has_talked) else {
            return;
        };
        let queue = state.story.entry;
        let Some(rule) = self.directory.callers.get(&queue).and_then(|rules| rules.last_agent) else {
            return;
        };
        if let (Some(number), Some(agent)) = (state.known_number(), state.story.agent) {
            self.served.keep(queue, number, agent, now + rule.remember, self.settings.callers_max);
        }
    }

    /// When the first caller who gave up had arrived whose place a call from this number has now. A place is handed
    /// out once.
    pub(super) fn regain_place(&mut self, now: Instant, queue: QueueId, number: &str) -> Option<Instant> {
        self.directory.callers.get(&queue)?.keep_place?;
        let arrived = self.places.recall(now, queue, number)?;
        self.places.forget(queue, number);
        Some(arrived)
    }

    /// A caller was gone before an answer: the place is kept, unless it was us who ended the call.
    pub(super) fn gave_up(&mut self, now: Instant, interaction: InteractionId) {
        let hung_up = self.interactions.get(&interaction).and_then(|state| state.hung_up);
        match hung_up.map(|(_, cause)| cause) {
            Some(HangUp::Requested | HangUp::TooLong) => {}
            Some(
                HangUp::Abandoned | HangUp::By(_) | HangUp::Silent(_) | HangUp::Lost(_) | HangUp::NoPort,
            )
            | None => self.keep_place(now, interaction),
        }
    }

    /// The place of a caller is kept from now on for as long as the queue says.
    pub(super) fn keep_place(&mut self, now: Instant, interaction: InteractionId) {
        let Some(state) = self.interactions.get(&interaction) else { return };
        let queue = state.story.entry;
        let Some(keep) = self.directory.callers.get(&queue).and_then(|rules| rules.keep_place) else {
            return;
        };
        if let Some(number) = state.known_number() {
            self.places.keep(queue, number, state.story.place_since(), now + keep, self.settings.callers_max);
        }
    }

    /// What is known of callers by a rule that is no more is forgotten.
    pub(super) fn forget_without_rules(&mut self) {
        let rules = &self.directory.callers;
        self.served.retain_queues(|queue| rules.get(&queue).is_some_and(|rules| rules.last_agent.is_some()));
        self.places.retain_queues(|queue| rules.get(&queue).is_some_and(|rules| rules.keep_place.is_some()));
    }

    /// What has been known of callers for long enough is forgotten.
    pub(super) fn forget_callers(&mut self, now: Instant) {
        self.served.forget_ended(now);
        self.places.forget_ended(now);
    }

    /// When the next is forgotten.
    pub(super) fn next_forgotten(&self) -> Option<Instant> {
        self.served.next_end().into_iter().chain(self.places.next_end()).min()
    }
}
