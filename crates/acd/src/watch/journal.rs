//! I13: the same inputs, the same state.

use timing::Instant;

use super::Violation;
use crate::{Command, Distributor, Settings};

/// All that a distributor was told. It grows with every input: for histories and the runs of a simulator, not for
/// a process that stays up.
#[derive(Clone, Debug)]
pub struct Journal {
    settings: Settings,
    inputs: Vec<(Instant, Option<Command>)>,
}

impl Journal {
    /// Of a distributor with these settings that has been told nothing yet.
    pub fn new(settings: Settings) -> Journal {
        Journal { settings, inputs: Vec::new() }
    }

    /// Notes a command, refused or not: time moves by it in any case.
    pub fn command(&mut self, now: Instant, command: Command) {
        self.inputs.push((now, Some(command)));
    }

    /// Notes that time was told.
    pub fn timeout(&mut self, now: Instant) {
        self.inputs.push((now, None));
    }

    /// A fresh distributor that has been told the same.
    pub fn replay(&self) -> Distributor {
        let mut distributor = Distributor::new(self.settings.clone());
        for (now, command) in &self.inputs {
            match command {
                // A refusal was a refusal the first time as well.
                Some(command) => drop(distributor.handle_command(*now, command.clone())),
                None => distributor.handle_timeout(*now),
            }
            while distributor.poll_event().is_some() {}
        }
        distributor
    }

    /// Checks I13 against the [`Distributor::state_hash`] of the distributor that was told first.
    ///
    /// # Errors
    ///
    /// The replay has another hash.
    pub fn check(&self, hash: u64) -> Result<(), Violation> {
        if self.replay().state_hash() == hash { Ok(()) } else { Err(Violation::OtherReplay) }
    }
}
