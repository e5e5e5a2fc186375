//! Nonces that verify themselves: issuing one keeps nothing, so a flood of requests without
//! credentials costs no memory. Only a nonce that was used with the right secret is remembered.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::RngCore;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use timing::Instant;

use super::backoff::bucket;
use super::hex;
use crate::lexis;

/// Octets of a nonce before it is written in hexadecimal: time, randomness, seal.
const TIME: usize = 8;
const SALT: usize = 8;
const SEAL: usize = 16;

/// What a nonce is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Fresh,
    /// Too old, or its count was used before.
    Stale,
}

/// A nonce that was issued to the source that used it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    issued: Instant,
    salt: u64,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Nonces {
    key: [u8; 32],
    random: ChaCha20Rng,
    lifetime: Duration,
    capacity: usize,
    /// The highest count accepted for each nonce, by time of issue (upper half) and salt (lower half).
    used: BTreeMap<u128, u32>,
    /// Nonces issued up to here are stale: those that had to be forgotten before their time.
    forgotten: Option<Instant>,
}

impl Nonces {
    pub(super) fn new(mut random: ChaCha20Rng, lifetime: Duration, capacity: usize) -> Nonces {
        let mut key = [0; 32];
        random.fill_bytes(&mut key);
        Nonces { key, random, lifetime, capacity, used: BTreeMap::new(), forgotten: None }
    }

    /// For this source alone: who can use it has received what we sent there.
    pub(super) fn issue(&mut self, now: Instant, source: IpAddr) -> String {
        let mut octets = Vec::with_capacity(TIME + SALT + SEAL);
        octets.extend_from_slice(&now.as_micros().to_be_bytes());
        octets.extend_from_slice(&self.random.next_u64().to_be_bytes());
        let seal = self.seal(&octets, source);
        octets.extend_from_slice(&seal);
        hex(&octets)
    }

    /// Accepts each count of a nonce once and in rising order, which is how a client that waits for its
    /// answers counts (RFC 7616 §3.4); what was recorded and sent again is stale.
    pub(super) fn accept(&mut self, now: Instant, opened: Opened, count: u32) -> Standing {
        let Opened { issued, salt } = opened;
        let is_timely = issued <= now && now.since(issued) < self.lifetime;
        if !is_timely || self.forgotten.is_some_and(|forgotten| issued <= forgotten) {
            return Standing::Stale;
        }
        let key = u128::from(issued.as_micros()) << 64 | u128::from(salt);
        if self.used.get(&key).is_some_and(|&last| count <= last) || count == 0 {
            return Standing::Stale;
        }
        self.used.insert(key, count);
        self.forget(now);
        Standing::Fresh
    }

    fn forget(&mut self, now: Instant) {
        while let Some((&key, _)) = self.used.first_key_value() {
            let issued = u64::try_from(key >> 64).expect("half of the bits are left");
            let issued = Instant::from_micros(issued);
            if now.since(issued) >= self.lifetime {
                self.used.pop_first();
            } else if self.used.len() > self.capacity {
                self.used.pop_first();
                self.forgotten = Some(issued);
            } else {
                return;
            }
        }
    }

    /// `None`: not ours, or issued to somebody else.
    pub(super) fn open(&self, nonce: &str, source: IpAddr) -> Option<Opened> {
        let digits = nonce.as_bytes();
        if digits.len() != 2 * (TIME + SALT + SEAL) {
            return None;
        }
        let pair = |pair: &[u8]| Some(lexis::hex_digit(pair[0])? << 4 | lexis::hex_digit(pair[1])?);
        let octets = digits.chunks_exact(2).map(pair).collect::<Option<Vec<u8>>>()?;
        let (content, seal) = octets.split_at(TIME + SALT);
        if !bool::from(self.seal(content, source).ct_eq(seal)) {
            return None;
        }
        let (time, salt) = content.split_at(TIME);
        let issued = Instant::from_micros(u64::from_be_bytes(time.try_into().ok()?));
        Some(Opened { issued, salt: u64::from_be_bytes(salt.try_into().ok()?) })
    }

    /// The content has one length only and half of the hash is kept, so that nothing can be appended.
    fn seal(&self, content: &[u8], source: IpAddr) -> [u8; SEAL] {
        let source = match bucket(source) {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        let hasher = Sha256::new().chain_update(self.key).chain_update(source.octets());
        let hash = hasher.chain_update(content).finalize();
        let mut seal = [0; SEAL];
        seal.copy_from_slice(&hash[..SEAL]);
        seal
    }

    /// A secret for users that do not exist.
    pub(super) fn decoy(&self) -> String {
        hex(&self.key)
    }
}
