//! The machine that decides who takes what.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use timing::Instant;

use crate::{Command, Counters, Event, Refusal, Settings, Snapshot};

/// Who takes what. One owner; one command or timeout at a time; then drain [`Distributor::poll_event`].
///
/// An agent who becomes free while interactions wait is reserved in the same call: there is no polling.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Distributor {
    settings: Settings,
    events: VecDeque<Event>,
}

impl Distributor {
    /// A distributor without queues and agents.
    pub fn new(settings: Settings) -> Distributor {
        Distributor { settings, events: VecDeque::new() }
    }

    /// Does what the command says, or refuses it and changes nothing.
    pub fn handle_command(&mut self, _now: Instant, _command: Command) -> Result<(), Refusal> {
        Err(Refusal::TooManyWaiting)
    }

    /// The same for callers who hear of everything through events: a refusal becomes [`Event::Refused`].
    pub fn apply(&mut self, now: Instant, command: Command) {
        if let Err(refusal) = self.handle_command(now, command.clone()) {
            self.events.push_back(Event::Refused { command: Box::new(command), refusal });
        }
    }

    /// Does what has become due. Calling it too early does nothing.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// What happened, in order. Call until `None`.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Distributor::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The state for readers. Costs a walk over all queues and agents; take it once a second, not per event.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        Snapshot {
            at: now,
            queues: Vec::new(),
            agents: Vec::new(),
            interactions: 0,
            totals: Counters::default(),
        }
    }

    /// The settings given at construction.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A number over all that decides the future: equal histories give equal numbers on any machine.
    pub fn state_hash(&self) -> u64 {
        0
    }
}
