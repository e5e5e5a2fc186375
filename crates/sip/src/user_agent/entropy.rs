//! Names that nobody can guess: tags, branches, Call-IDs.

use rand_chacha::ChaCha12Rng;
use rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

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

/// How a request reaches who was invited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Only on the flow by which we hear from it: a phone, perhaps behind a NAT.
    Flow,
    /// By its routes and its Contact.
    Target,
}

/// Makes the From tags of our INVITEs, and knows one again when the INVITE is long forgotten.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Seal {
    key: [u8; 32],
}

/// Hexadecimal digits of the number, and of its seal, in a sealed tag.
const SEAL_DIGITS: usize = 16;

impl Seal {
    pub(super) fn new(key: [u8; 32]) -> Seal {
        Seal { key }
    }

    /// The tag of an INVITE with this Call-ID: a number that nobody can guess, and our seal on all.
    pub(super) fn tag(&self, number: u64, call_id: &[u8], reach: Reach) -> String {
        let number = format!("{number:016x}");
        let seal = self.seal(number.as_bytes(), call_id, reach);
        number + &seal
    }

    /// Whether an INVITE of ours had this tag and Call-ID, and whom it went to.
    pub(super) fn open(&self, tag: &[u8], call_id: &[u8]) -> Option<Reach> {
        let (number, seal) = tag.split_at_checked(SEAL_DIGITS)?;
        let is_right = |reach: &Reach| bool::from(self.seal(number, call_id, *reach).as_bytes().ct_eq(seal));
        [Reach::Flow, Reach::Target].into_iter().find(is_right)
    }

    /// The branch of the BYE that ends what this branch began with this fork: always the same, so that
    /// the BYE under way is found.
    pub(super) fn bye_branch(&self, branch: &str, remote_tag: &[u8]) -> String {
        format!("{MAGIC_COOKIE}{}", self.hash(&[b"bye", branch.as_bytes(), remote_tag]))
    }

    fn seal(&self, number: &[u8], call_id: &[u8], reach: Reach) -> String {
        let reach: &[u8] = match reach {
            Reach::Flow => b"flow",
            Reach::Target => b"target",
        };
        self.hash(&[reach, number, call_id])
    }

    /// No part but the last may hold a NUL. A quarter of the hash is kept, so that nothing can be
    /// appended.
    fn hash(&self, parts: &[&[u8]]) -> String {
        let mut hasher = Sha256::new().chain_update(self.key);
        for part in parts {
            hasher.update(part);
            hasher.update([0]);
        }
        let hash = hasher.finalize();
        hash[..SEAL_DIGITS / 2].iter().map(|octet| format!("{octet:02x}")).collect()
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(..)")
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
