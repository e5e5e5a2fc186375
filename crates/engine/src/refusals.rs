//! What is refused before it becomes an interaction: every one is counted, and so many are told that a flood
//! cannot fill a log.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sip::RequestKind;
use timing::Instant;

/// How often the refusals of one cause and source are told; what came meanwhile is told as a number.
pub const REFUSAL_INTERVAL: Duration = Duration::from_secs(10);
/// Sources that are told apart in one interval; the others of one cause share a line.
pub const REFUSAL_SOURCES_MAX: usize = 64;

/// Why a call never became an interaction, or another request came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RefusalCause {
    /// No entry fits the dialled number: 404.
    UnknownNumber,
    /// We are going down: 503.
    Draining,
    /// The distributor has no room: 503.
    Full,
    /// It cannot be a call here.
    Call(b2bua::RefusalCause),
    /// It is not even an invitation.
    Request(sip::RefusalCause),
}

impl RefusalCause {
    /// All of them, in order.
    pub fn all() -> impl Iterator<Item = RefusalCause> {
        [RefusalCause::UnknownNumber, RefusalCause::Draining, RefusalCause::Full]
            .into_iter()
            .chain(b2bua::RefusalCause::ALL.map(RefusalCause::Call))
            .chain(RefusalCause::of_requests())
    }

    /// Those of requests that are not even an invitation.
    pub fn of_requests() -> impl Iterator<Item = RefusalCause> {
        sip::RefusalCause::ALL.into_iter().map(RefusalCause::Request)
    }

    /// One word for labels and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            RefusalCause::UnknownNumber => "unknown_number",
            RefusalCause::Draining => "draining",
            RefusalCause::Full => "full",
            RefusalCause::Call(cause) => cause.as_str(),
            RefusalCause::Request(cause) => cause.as_str(),
        }
    }
}

/// One refusal, the first of its cause and source in an interval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What was asked for.
    pub request: RequestKind,
    /// Why it was refused.
    pub cause: RefusalCause,
    /// What we answered.
    pub status: u16,
    /// Whence it came.
    pub remote: SocketAddr,
    /// The trunk whose address that is.
    pub trunk: Option<sip::TrunkId>,
    /// Who called whom, where the call was looked at so far.
    pub parties: Option<Parties>,
}

/// Who called whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parties {
    /// Who called.
    pub caller: String,
    /// The number dialled.
    pub called: String,
}

/// Refusals that were not told one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FurtherRefusals {
    /// What was asked for.
    pub request: RequestKind,
    /// Why it was refused.
    pub cause: RefusalCause,
    /// Whence; `None`: from more sources than are told apart.
    pub source: Option<IpAddr>,
    /// How many, within [`REFUSAL_INTERVAL`].
    pub count: u64,
}

/// How many of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalCount {
    /// What was asked for.
    pub request: RequestKind,
    /// Why it was refused.
    pub cause: RefusalCause,
    /// How many since the start; never falls.
    pub count: u64,
}

/// Counts all and chooses what is told.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Refusals {
    counts: Vec<RefusalCount>,
    /// What was told within the interval, the oldest first.
    told: VecDeque<Told>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Told {
    since: Instant,
    request: RequestKind,
    cause: RefusalCause,
    source: Option<IpAddr>,
    /// Not told since.
    further: u64,
}

impl Refusals {
    /// Counts one; whether it is told.
    pub(crate) fn note(
        &mut self,
        now: Instant,
        request: RequestKind,
        cause: RefusalCause,
        source: IpAddr,
    ) -> bool {
        let is_same = |one: &&mut RefusalCount| one.request == request && one.cause == cause;
        match self.counts.iter_mut().find(is_same) {
            Some(found) => found.count += 1,
            None => self.counts.push(RefusalCount { request, cause, count: 1 }),
        }
        let source = Some(source.to_canonical());
        if let Some(told) = self.told_mut(request, cause, source) {
            told.further += 1;
            return false;
        }
        if self.told.len() < REFUSAL_SOURCES_MAX {
            self.told.push_back(Told { since: now, request, cause, source, further: 0 });
            return true;
        }
        match self.told_mut(request, cause, None) {
            Some(told) => told.further += 1,
            None => self.told.push_back(Told { since: now, request, cause, source: None, further: 1 }),
        }
        false
    }

    fn told_mut(
        &mut self,
        request: RequestKind,
        cause: RefusalCause,
        source: Option<IpAddr>,
    ) -> Option<&mut Told> {
        let is_same =
            |told: &&mut Told| told.cause == cause && told.source == source && told.request == request;
        self.told.iter_mut().find(is_same)
    }

    /// What came after the first of an interval that is over. Who goes on is told again an interval later.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<FurtherRefusals> {
        while self.next_deadline().is_some_and(|deadline| deadline <= now) {
            let told = self.told.pop_front()?;
            let Told { request, cause, source, further: count, .. } = told;
            if count > 0 {
                self.told.push_back(Told { since: now, further: 0, ..told });
                return Some(FurtherRefusals { request, cause, source, count });
            }
        }
        None
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.told.front().map(|told| told.since + REFUSAL_INTERVAL)
    }

    pub(crate) fn counts(&self) -> &[RefusalCount] {
        &self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSE: RefusalCause = RefusalCause::Request(sip::RefusalCause::TrunkRate);

    fn address(last: u16) -> IpAddr {
        let [high, low] = last.to_be_bytes();
        IpAddr::from([10, 0, high, low])
    }

    #[test]
    fn a_flood_of_one_source_is_told_once_and_then_as_a_number_in_each_interval() {
        let mut refusals = Refusals::default();
        let mut now = Instant::from_secs(5);
        assert!(refusals.note(now, RequestKind::Call, CAUSE, address(1)));
        for round in 1..=3 {
            for _ in 0..1_000 {
                assert!(!refusals.note(now, RequestKind::Call, CAUSE, address(1)));
            }
            assert_eq!(refusals.poll(now), None);
            now += REFUSAL_INTERVAL;
            assert_eq!(refusals.next_deadline(), Some(now));
            let further = refusals.poll(now).expect("a thousand came");
            assert_eq!((further.count, further.source), (1_000, Some(address(1))), "{round}");
            assert_eq!(refusals.poll(now), None);
        }
        now += REFUSAL_INTERVAL;
        assert_eq!(refusals.poll(now), None);
        assert_eq!(refusals.next_deadline(), None, "quiet again: nothing is remembered");
        assert!(refusals.note(now, RequestKind::Call, CAUSE, address(1)), "so the next one is told");
        assert_eq!(refusals.counts()[0].count, 3_002);
    }

    #[test]
    fn causes_kinds_and_sources_are_told_apart_up_to_a_bound() {
        let mut refusals = Refusals::default();
        let now = Instant::from_secs(5);
        assert!(refusals.note(now, RequestKind::Call, CAUSE, address(1)));
        assert!(refusals.note(now, RequestKind::Registration, CAUSE, address(1)));
        assert!(refusals.note(now, RequestKind::Call, RefusalCause::Full, address(1)));
        let told = (0..10_000).filter(|last| refusals.note(now, RequestKind::Call, CAUSE, address(2 + last)));
        assert_eq!(told.count(), REFUSAL_SOURCES_MAX - 3);
        let end = now + REFUSAL_INTERVAL;
        let further: Vec<FurtherRefusals> = std::iter::from_fn(|| refusals.poll(end)).collect();
        let rest = 10_000 - (REFUSAL_SOURCES_MAX as u64 - 3);
        let expected =
            FurtherRefusals { request: RequestKind::Call, cause: CAUSE, source: None, count: rest };
        assert_eq!(further, [expected]);
        assert!(refusals.told.len() <= REFUSAL_SOURCES_MAX);
    }

    #[test]
    fn every_cause_has_a_word_of_its_own() {
        let words: std::collections::BTreeSet<&str> = RefusalCause::all().map(RefusalCause::as_str).collect();
        assert_eq!(words.len(), RefusalCause::all().count());
    }
}
