//! Slowing down who guesses passwords, by source address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use timing::Instant;

/// When a source is slowed down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackoffSettings {
    /// Failures within `window` that are forgiven: mistyped passwords.
    pub failures: u32,
    /// After this long without a failure a source is forgotten.
    pub window: Duration,
    /// The first pause; each failure after it doubles the pause.
    pub pause: Duration,
    /// The longest pause.
    pub pause_max: Duration,
    /// Sources remembered. At the limit the one that failed longest ago makes room.
    pub sources: usize,
}

impl Default for BackoffSettings {
    fn default() -> BackoffSettings {
        BackoffSettings {
            failures: 5,
            window: Duration::from_secs(600),
            pause: Duration::from_secs(4),
            pause_max: Duration::from_secs(300),
            sources: 10_000,
        }
    }
}

/// Who failed how often. While a source is in its pause its credentials are not looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Backoff {
    settings: BackoffSettings,
    sources: BTreeMap<IpAddr, Failures>,
    /// The same by time of the last failure, for forgetting.
    by_age: BTreeSet<(Instant, IpAddr)>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Failures {
    count: u32,
    last: Instant,
    until: Instant,
}

impl Backoff {
    /// Nobody has failed yet.
    pub fn new(settings: BackoffSettings) -> Backoff {
        Backoff { settings, sources: BTreeMap::new(), by_age: BTreeSet::new() }
    }

    /// How long this source still has to wait; `None`: it may try.
    pub fn pause_of(&self, now: Instant, source: IpAddr) -> Option<Duration> {
        let failures = self.sources.get(&bucket(source))?;
        (failures.until > now).then(|| failures.until.since(now))
    }

    /// Notes a wrong user or secret from this source.
    pub fn note_failure(&mut self, now: Instant, source: IpAddr) {
        self.forget(now);
        let source = bucket(source);
        let before = self.sources.get(&source).copied();
        let count = before.map_or(0, |failures| failures.count).saturating_add(1);
        let doublings = count.saturating_sub(self.settings.failures.saturating_add(1)).min(16);
        let pause = self.settings.pause.saturating_mul(1 << doublings).min(self.settings.pause_max);
        let until = if count > self.settings.failures { now + pause } else { now };
        if let Some(failures) = before {
            self.by_age.remove(&(failures.last, source));
        } else if self.sources.len() >= self.settings.sources
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.sources.remove(&oldest);
        }
        self.sources.insert(source, Failures { count, last: now, until });
        self.by_age.insert((now, source));
    }

    /// Notes a right secret: the source is forgiven.
    pub fn note_success(&mut self, source: IpAddr) {
        let source = bucket(source);
        if let Some(failures) = self.sources.remove(&source) {
            self.by_age.remove(&(failures.last, source));
        }
    }

    /// Sources remembered.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether nobody has failed of late.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    fn forget(&mut self, now: Instant) {
        while let Some(&(last, source)) = self.by_age.first() {
            if now.since(last) < self.settings.window {
                return;
            }
            self.by_age.pop_first();
            self.sources.remove(&source);
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
