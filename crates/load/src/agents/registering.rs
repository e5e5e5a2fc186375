//! Agents' phones register.

use std::time::Duration;

use bytes::Bytes;
use sip::Message;
use timing::Instant;

use super::{Agents, Around, What};
use crate::account::Outcome;
use crate::figures::Measure;
use crate::line::Key;
use crate::sending::{Due, Repeated};
use crate::slots::ACCOUNT;

/// How long a phone waits before it tries again what failed.
const RETRY: Duration = Duration::from_secs(5);
/// What falls due of a REGISTER.
const DUE: Due<What> = Due { again: What::RepeatRegister, give_up: What::GiveUpRegister };

impl Agents {
    /// All phones register, so many in a second.
    pub(crate) fn begin(&mut self, now: Instant, per_second: u32) {
        self.spread(now, per_second);
    }

    /// All phones take their registrations back.
    pub(crate) fn leave(&mut self, now: Instant, per_second: u32) {
        self.wants_registration = false;
        self.spread(now, per_second);
    }

    fn spread(&mut self, now: Instant, per_second: u32) {
        let distance = Duration::from_secs(1) / per_second.max(1);
        let with_account = self.agents.iter().zip(0..).filter(|(agent, _)| agent.account.is_some());
        let keys: Vec<Key> = with_account.map(|(_, index)| Key { index, generation: ACCOUNT }).collect();
        for (number, key) in (0..).zip(keys) {
            self.schedule(now + distance * number, key, What::Register);
        }
    }

    /// Phones that have not heard from the registrar yet.
    pub(crate) fn unsettled(&self) -> usize {
        self.unsettled
    }

    /// Phones that are registered.
    pub(crate) fn registered(&self) -> usize {
        self.registered
    }

    pub(super) fn register(&mut self, around: &mut Around<'_>, key: Key) {
        let is_wanted = self.wants_registration;
        let place = self.place.clone();
        let Some(account) = self.agents.get_mut(key.index as usize).and_then(|agent| agent.account.as_mut())
        else {
            return;
        };
        if !is_wanted && !account.is_registered {
            return;
        }
        match account.ask(around.now, &place, is_wanted) {
            Some(bytes) => self.ask(around, key, bytes),
            None => {
                let before = (account.is_settled, account.is_registered);
                let outcome = account.refused(400);
                self.registration(around, key, outcome, before);
            }
        }
    }

    fn ask(&mut self, around: &mut Around<'_>, key: Key, bytes: Bytes) {
        let message = (self.place.system, bytes);
        around.out.push_back(message.clone());
        let repeated = self.place.repeated(Repeated::Capped);
        let Some(account) = self.agents[key.index as usize].account.as_mut() else { return };
        account.sending.begin(&mut self.timers, around.now, key, message, (repeated, DUE));
    }

    pub(super) fn repeat_register(&mut self, around: &mut Around<'_>, key: Key) {
        let Some(account) = self.agents[key.index as usize].account.as_mut() else { return };
        let again = account.sending.again(&mut self.timers, around.now, key, What::RepeatRegister);
        around.figures.sent_again += u64::from(again.is_some());
        around.out.extend(again);
    }

    pub(super) fn give_up_registration(&mut self, around: &mut Around<'_>, key: Key) {
        let Some(account) = self.agents[key.index as usize].account.as_mut() else { return };
        let (was_settled, was_registered) = (account.is_settled, account.is_registered);
        let outcome = account.refused(408);
        self.registration(around, key, outcome, (was_settled, was_registered));
    }

    pub(super) fn register_answered(&mut self, around: &mut Around<'_>, key: Key, response: &Message) {
        let place = self.place.clone();
        let Some(account) = self.agents.get_mut(key.index as usize).and_then(|agent| agent.account.as_mut())
        else {
            around.figures.strays += 1;
            return;
        };
        let before = (account.is_settled, account.is_registered);
        let outcome = account.handle_response(around.now, &place, response);
        self.registration(around, key, outcome, before);
    }

    /// Follows what came of a REGISTER; `before`: whether it was settled and registered.
    fn registration(&mut self, around: &mut Around<'_>, key: Key, outcome: Outcome, before: (bool, bool)) {
        let (was_settled, was_registered) = before;
        match outcome {
            Outcome::Nothing => return,
            Outcome::Ask(bytes) => return self.ask(around, key, bytes),
            Outcome::Registered { lasts, took, is_first } => {
                if is_first {
                    around.figures.registered += 1;
                    around.figures.time(Measure::Registered, took);
                }
                // Early enough that a refresh that is lost twice still comes in time.
                self.schedule(around.now + lasts.mul_f64(0.7), key, What::Register);
                self.registered += usize::from(!was_registered);
            }
            Outcome::Gone => self.registered -= usize::from(was_registered),
            Outcome::Refused(status) => {
                *around.figures.not_registered.entry(status).or_default() += 1;
                self.registered -= usize::from(was_registered);
                if self.wants_registration {
                    self.schedule(around.now + RETRY, key, What::Register);
                }
            }
        }
        if let Some(account) = self.agents[key.index as usize].account.as_mut() {
            account.sending.settle(&mut self.timers);
        }
        self.unsettled -= usize::from(!was_settled);
    }
}
