//! Who has shown to be where the source of its datagrams says: it knows something that we sent there and nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use timing::Instant;

/// How long it is believed. A PBX that calls at least so often is never doubted.
const BELIEVED: Duration = Duration::from_secs(3_600);
/// Addresses remembered; at the limit the one that showed itself longest ago makes room.
const ADDRESSES_MAX: usize = 10_000;

/// Addresses, and when each has shown itself last.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Proven {
    seen: BTreeMap<IpAddr, Instant>,
    by_age: BTreeSet<(Instant, IpAddr)>,
}

impl Proven {
    /// It has answered our challenge, or acknowledged our answer with the tag in it.
    pub(super) fn note(&mut self, now: Instant, source: IpAddr) {
        let source = source.to_canonical();
        if let Some(before) = self.seen.insert(source, now) {
            self.by_age.remove(&(before, source));
        } else if self.seen.len() > ADDRESSES_MAX
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.seen.remove(&oldest);
        }
        self.by_age.insert((now, source));
    }

    /// Whether it has shown itself not long ago.
    pub(super) fn holds(&self, now: Instant, source: IpAddr) -> bool {
        self.seen.get(&source.to_canonical()).is_some_and(|&seen| now.since(seen) < BELIEVED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn who_has_shown_itself_is_believed_for_an_hour() {
        let mut proven = Proven::default();
        let begin = Instant::from_secs(100);
        proven.note(begin, host(1));
        assert!(proven.holds(begin, host(1)) && !proven.holds(begin, host(2)));
        assert!(!proven.holds(begin + BELIEVED, host(1)));
        proven.note(begin + BELIEVED, host(1));
        assert!(proven.holds(begin + BELIEVED, host(1)));
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut proven = Proven::default();
        for number in 0..=u32::try_from(ADDRESSES_MAX).expect("it fits") {
            proven.note(Instant::from_secs(u64::from(number)), host(number));
        }
        let now = Instant::from_secs(1);
        assert!(!proven.holds(now, host(0)) && proven.holds(now, host(1)));
        assert_eq!((proven.seen.len(), proven.by_age.len()), (ADDRESSES_MAX, ADDRESSES_MAX));
    }
}
