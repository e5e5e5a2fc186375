//! Names that nobody can guess: tags, branches, Call-IDs.

use rand_chacha::ChaCha12Rng;
use rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::MAGIC_COOKIE;

/// The only source of chance in a user agent; its seed decides everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entropy(ChaCha12Rng);

impl Entropy {
    pub(super) fn new(seed: [u8; 32]) -> Entropy {
        Entropy(ChaCha12Rng::from_seed(seed))
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    pub(super) fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }

    /// A tag: 64 bits (RFC 3261 §19.3 asks for 32).
    pub(super) fn tag(&mut self) -> String {
        format!("{:016x}", self.number())
    }

    /// A branch: the cookie and 64 bits.
    pub(super) fn branch(&mut self) -> String {
        format!("{MAGIC_COOKIE}{:016x}", self.number())
    }

    /// A Call-ID: 128 bits. It names no host (RFC 3261 §20.8 lets it), so nothing is given away.
    pub(super) fn call_id(&mut self) -> String {
        format!("{:016x}{:016x}", self.number(), self.number())
    }
}

/// A To tag for an answer without memory: the same request gets the same tag (RFC 3261 §8.2.7), and
/// without the key nobody can tell it beforehand. FNV-1a, 64 bits: a name, not a proof.
pub(super) fn stateless_tag(key: u64, parts: [&[u8]; 3]) -> String {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash = key;
    for part in parts {
        for &octet in part.iter().chain(&[0]) {
            hash = (hash ^ u64::from(octet)).wrapping_mul(PRIME);
        }
    }
    format!("{:016x}", hash ^ (hash >> 29))
}
