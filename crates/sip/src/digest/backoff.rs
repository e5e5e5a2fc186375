//! Slowing down who guesses passwords, by source address and user.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use timing::Instant;

/// When a source is slowed down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackoffSettings {
    /// Failures of one user from one source within `window` that are forgiven: mistyped passwords.
    pub failures: u32,
    /// Users of one source that may fail within `window` before it is slowed down for all: behind one
    /// address there may be a whole office, and one phone with a wrong password must not lock it out.
    pub users: u32,
    /// After this long without a failure it is forgotten.
    pub window: Duration,
    /// The first pause; each failure after it doubles the pause.
    pub pause: Duration,
    /// The longest pause.
    pub pause_max: Duration,
    /// Sources, and users of sources, remembered. At the limit the one that failed longest ago makes room.
    pub sources: usize,
}

impl Default for BackoffSettings {
    fn default() -> BackoffSettings {
        BackoffSettings {
            failures: 5,
            users: 20,
            window: Duration::from_secs(600),
            pause: Duration::from_secs(4),
            pause_max: Duration::from_secs(300),
            sources: 10_000,
        }
    }
}

/// Letters of a user name that count; more tell nobody apart.
const USER_MAX: usize = 64;

/// Who failed how often. While a user of a source is in its pause its credentials are not looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Backoff {
    settings: BackoffSettings,
    failed: BTreeMap<Guesser, Failures>,
    /// The same by time of the last failure, for forgetting.
    by_age: BTreeSet<(Instant, Guesser)>,
}

/// A user of a source, or all users of it: the address, and a space and the user where it is one. Text,
/// because it is the key of a map that is written down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Guesser(String);

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Failures {
    count: u32,
    last: Instant,
    until: Instant,
}

impl Guesser {
    fn user(source: IpAddr, user: &str) -> Guesser {
        let user: String = user.chars().take(USER_MAX).collect();
        Guesser(format!("{} {user}", bucket(source)))
    }

    fn everybody(source: IpAddr) -> Guesser {
        Guesser(bucket(source).to_string())
    }
}

impl Backoff {
    /// Nobody has failed yet.
    pub fn new(settings: BackoffSettings) -> Backoff {
        Backoff { settings, failed: BTreeMap::new(), by_age: BTreeSet::new() }
    }

    /// How long this user of this source still has to wait; `None`: it may try.
    pub fn pause_of(&self, now: Instant, source: IpAddr, user: &str) -> Option<Duration> {
        let guessers = [Guesser::user(source, user), Guesser::everybody(source)];
        let until =
            guessers.iter().filter_map(|guesser| self.failed.get(guesser)).map(|failures| failures.until);
        until.max().filter(|until| *until > now).map(|until| until.since(now))
    }

    /// Notes a wrong user or secret from this source.
    pub fn note_failure(&mut self, now: Instant, source: IpAddr, user: &str) {
        self.forget(now);
        let is_new = self.count(now, Guesser::user(source, user), self.settings.failures);
        if is_new {
            self.count(now, Guesser::everybody(source), self.settings.users);
        }
    }

    /// Notes a right secret: this user of the source is forgiven. It is not forgotten, for a second phone
    /// of the same user that goes on failing is not a second user who fails.
    pub fn note_success(&mut self, source: IpAddr, user: &str) {
        if let Some(failures) = self.failed.get_mut(&Guesser::user(source, user)) {
            failures.count = 0;
            failures.until = failures.last;
        }
    }

    /// Sources, and users of sources, remembered.
    pub fn len(&self) -> usize {
        self.failed.len()
    }

    /// Whether nobody has failed of late.
    pub fn is_empty(&self) -> bool {
        self.failed.is_empty()
    }

    /// One failure more, of which so many are forgiven; whether it was the first in the window.
    fn count(&mut self, now: Instant, guesser: Guesser, forgiven: u32) -> bool {
        let before = self.failed.get(&guesser).copied();
        let count = before.map_or(0, |failures| failures.count).saturating_add(1);
        let doublings = count.saturating_sub(forgiven.saturating_add(1)).min(16);
        let pause = self.settings.pause.saturating_mul(1 << doublings).min(self.settings.pause_max);
        let until = if count > forgiven { now + pause } else { now };
        if let Some(failures) = before {
            self.by_age.remove(&(failures.last, guesser.clone()));
        } else if self.failed.len() >= self.settings.sources
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.failed.remove(&oldest);
        }
        self.failed.insert(guesser.clone(), Failures { count, last: now, until });
        self.by_age.insert((now, guesser));
        before.is_none()
    }

    fn forget(&mut self, now: Instant) {
        while let Some((last, _)) = self.by_age.first()
            && now.since(*last) >= self.settings.window
        {
            let Some((_, oldest)) = self.by_age.pop_first() else { return };
            self.failed.remove(&oldest);
        }
    }
}

/// One guesser usually holds a whole IPv6 /64.
pub(super) fn bucket(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
    }
}
