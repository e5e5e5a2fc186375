//! Symmetric RTP: which source is believed, and where packets go.
//!
//! Two attacks decide the rules. *Bleed*: a stranger sends to our ports and gets the audio; so
//! nothing is ever sent to a source that was merely seen, only to the signalled address and to a
//! source that was taken for good. *Injection*: a stranger's packets are played to the other side;
//! so once a source is taken nobody else is heard before signalling names another address.

use std::net::SocketAddr;
use std::time::Duration;

use timing::Instant;

use super::Latching;

/// A source that is not the signalled one must send this many packets before it is taken.
const PACKETS_TO_LATCH: u32 = 3;
/// A candidate that is quiet for this long makes room for another: a single stray packet must not
/// keep the real far end out.
const CANDIDATE_PATIENCE: Duration = Duration::from_millis(100);

/// What is known of the far end's source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Latch {
    signalled: Option<SocketAddr>,
    signalled_rtcp: Option<SocketAddr>,
    state: State,
    /// Whence RTCP came, at the host that RTP comes from.
    learned_rtcp: Option<SocketAddr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Open,
    Candidate { source: SocketAddr, nearness: Nearness, since: Instant, last: Instant, packets: u32 },
    Taken(SocketAddr),
}

/// How well a source fits what was signalled; less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    Signalled,
    SameHost,
    Stranger,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// From a source that is believed.
    Accepted,
    /// The same, and with this packet the source is taken for good.
    Latched,
    /// From somebody else.
    Refused,
}

impl Latch {
    pub(super) fn new(signalled: Option<SocketAddr>, signalled_rtcp: Option<SocketAddr>) -> Latch {
        Latch { signalled, signalled_rtcp, state: State::Open, learned_rtcp: None }
    }

    /// Signalling has spoken. Another address opens the latch. The same one does not: a held phone
    /// may be silent for minutes, and whoever sends first would take its place. Neither does the
    /// absence of an address (hold with c=0.0.0.0).
    pub(super) fn signal(&mut self, signalled: Option<SocketAddr>, signalled_rtcp: Option<SocketAddr>) {
        if signalled.is_none() {
            return;
        }
        self.signalled_rtcp = signalled_rtcp;
        if self.signalled != signalled {
            *self = Latch::new(signalled, signalled_rtcp);
        }
    }

    /// A valid RTP packet came from `source`. Before signalling names an address all are refused.
    pub(super) fn admit(
        &mut self,
        now: Instant,
        source: SocketAddr,
        policy: Latching,
        window: Duration,
    ) -> Admission {
        let Some(nearness) = self.nearness(source).filter(|nearness| allowed(policy, *nearness)) else {
            return Admission::Refused;
        };
        match &mut self.state {
            State::Taken(taken) if *taken == source => return Admission::Accepted,
            State::Taken(_) => return Admission::Refused,
            State::Open => {}
            State::Candidate { source: candidate, nearness: theirs, since, last, packets } => {
                if *candidate == source {
                    *last = now;
                    *packets = packets.saturating_add(1);
                    if now.since(*since) < window || *packets < PACKETS_TO_LATCH {
                        return Admission::Accepted;
                    }
                    self.state = State::Taken(source);
                    return Admission::Latched;
                }
                if nearness >= *theirs && now.since(*last) < CANDIDATE_PATIENCE {
                    return Admission::Refused;
                }
            }
        }
        if nearness == Nearness::Signalled {
            self.state = State::Taken(source);
            return Admission::Latched;
        }
        self.state = State::Candidate { source, nearness, since: now, last: now, packets: 1 };
        Admission::Accepted
    }

    /// A valid RTCP packet came from `source`. RTCP never takes part in finding the source.
    pub(super) fn admit_rtcp(&mut self, source: SocketAddr) -> bool {
        let host = match &self.state {
            State::Taken(taken) => Some(taken.ip()),
            State::Open | State::Candidate { .. } => self.signalled.map(|signalled| signalled.ip()),
        };
        if host == Some(source.ip()) {
            self.learned_rtcp = Some(source);
            return true;
        }
        self.signalled_rtcp == Some(source)
    }

    /// Where RTP goes.
    pub(super) fn destination(&self) -> Option<SocketAddr> {
        match &self.state {
            State::Taken(taken) => Some(*taken),
            State::Open | State::Candidate { .. } => self.signalled,
        }
    }

    /// Where RTCP goes when it has a port of its own.
    pub(super) fn rtcp_destination(&self) -> Option<SocketAddr> {
        if self.learned_rtcp.is_some() {
            return self.learned_rtcp;
        }
        // Behind an address translator the signalled RTCP address leads nowhere, or to somebody else.
        let host = self.destination()?.ip();
        self.signalled_rtcp.filter(|rtcp| rtcp.ip() == host || self.destination() == self.signalled)
    }

    fn nearness(&self, source: SocketAddr) -> Option<Nearness> {
        let signalled = self.signalled?;
        Some(match source {
            _ if source == signalled => Nearness::Signalled,
            _ if source.ip() == signalled.ip() => Nearness::SameHost,
            _ => Nearness::Stranger,
        })
    }
}

fn allowed(policy: Latching, nearness: Nearness) -> bool {
    match policy {
        Latching::Learn => true,
        Latching::SameHost => nearness <= Nearness::SameHost,
        Latching::Strict => nearness == Nearness::Signalled,
    }
}
