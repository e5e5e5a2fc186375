//! The distributor's leases: what goes on is said again and again, so that no lost message can hold an agent.

use std::ops::Bound;
use std::time::Duration;

use acd::{Command, InteractionId, Lease};
use serde::{Deserialize, Serialize};
use timing::Instant;

use super::Engine;
use crate::interaction::{Interaction, Stage};

/// How many interactions are looked at in one go: the commands of ten thousand calls at once would keep an
/// arriving call waiting.
const AT_ONCE: usize = 256;
/// The pause before the next go of the same round.
const PAUSE: Duration = Duration::from_millis(20);
/// Rounds in the time of a lease: two may come to nothing.
const ROUNDS: u32 = 3;

/// Where the round of renewals stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Renewals {
    /// When it goes on; `None` while there is nothing to renew.
    next: Option<Instant>,
    /// Up to here it has come; `None`: it begins.
    behind: Option<InteractionId>,
}

impl Renewals {
    pub(super) fn due(&self) -> Option<Instant> {
        self.next
    }
}

impl Engine {
    /// Sees to it that a round comes while there are interactions.
    pub(super) fn plan_renewal(&mut self, now: Instant) {
        let Some(lease) = self.settings.lease else {
            self.renewals = Renewals::default();
            return;
        };
        if self.interactions.is_empty() {
            self.renewals = Renewals::default();
        } else if self.renewals.next.is_none() {
            self.renewals.next = Some(now + lease / ROUNDS);
        }
    }

    /// Before the distributor hears of another lease, which counts from the last renewal: where it is shorter, or there
    /// was none, everything is renewed at once, so that nothing that goes on ends by the change. Rounds begin anew.
    pub(super) fn follow_lease(&mut self, lease: Option<Duration>) {
        let before = self.settings.lease;
        if lease == before {
            return;
        }
        if lease.is_some_and(|lease| before.is_none_or(|before| lease < before)) {
            let held = self.interactions.iter().flat_map(|(&interaction, state)| held(interaction, state));
            let leases: Vec<Lease> = held.collect();
            leases.into_iter().for_each(|lease| self.command(Command::Renew { lease }));
        }
        self.renewals = Renewals::default();
    }

    /// Renews the leases of the next few interactions, if it is time.
    pub(super) fn renew_leases(&mut self, now: Instant) {
        let Some(lease) = self.settings.lease.filter(|_| self.renewals.next.is_some_and(|next| next <= now))
        else {
            return;
        };
        let first = self.renewals.behind.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.interactions.range((first, Bound::Unbounded));
        let mut last = None;
        let mut leases: Vec<Lease> = Vec::new();
        for (&interaction, state) in rest.take(AT_ONCE) {
            leases.extend(held(interaction, state));
            last = Some(interaction);
        }
        let is_over = last.is_none_or(|last| {
            self.interactions.range((Bound::Excluded(last), Bound::Unbounded)).next().is_none()
        });
        self.renewals = if is_over {
            Renewals { next: Some(now + lease / ROUNDS), behind: None }
        } else {
            Renewals { next: Some(now + PAUSE), behind: last }
        };
        leases.into_iter().for_each(|lease| self.command(Command::Renew { lease }));
        self.plan_renewal(now);
    }
}

/// What an interaction keeps busy: the agent who talks, and the agent whose own phone calls.
fn held(interaction: InteractionId, state: &Interaction) -> impl Iterator<Item = Lease> + use<> {
    let talks = match state.stage {
        Stage::Talking => true,
        Stage::Waiting
        | Stage::Confirming { .. }
        | Stage::CallingBack(_)
        | Stage::Leaving { .. }
        | Stage::Over => false,
    };
    let conversation = talks.then_some(Lease::Handling(interaction));
    conversation.into_iter().chain(state.own.map(Lease::Occupied))
}
