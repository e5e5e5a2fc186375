//! Symmetric RTP: which source is believed, and where packets go.
//!
//! Two attacks decide the rules. *Bleed*: a stranger sends to our ports and gets the audio; so
//! nothing is ever sent to a source that was merely seen, only to the signalled address and to a
//! source that was taken. *Injection*: a stranger's packets are played to the other side; so nobody
//! is heard before being taken, and once a source is taken only one nearer to what was signalled
//! takes its place.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use timing::Instant;

use super::{Latching, SourceRule};

/// A source that is not the signalled one must send this many packets before it is taken.
const PACKETS_TO_LATCH: u32 = 3;
/// A candidate that is quiet for this long makes room for another: a single stray packet must not
/// keep the real far end out.
const CANDIDATE_PATIENCE: Duration = Duration::from_millis(100);

/// What is known of the far end's source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Latch {
    rule: SourceRule,
    signalled: Option<SocketAddr>,
    signalled_rtcp: Option<SocketAddr>,
    taken: Option<Source>,
    candidate: Option<Candidate>,
    /// Whence RTCP comes; not changed by any packet of another port, but by the signalled one.
    taken_rtcp: Option<SocketAddr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Source {
    address: SocketAddr,
    nearness: Nearness,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate {
    source: Source,
    since: Instant,
    last: Instant,
    packets: u32,
}

/// How well a source fits what was signalled; less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    /// The signalled address and port.
    Signalled,
    /// Another port of the signalled host.
    SameHost,
    /// The host that the far end's signalling comes from: behind an address translator that is
    /// where its media comes from too (RFC 4787 REQ-2).
    SignallingHost,
    Stranger,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// From the source that is taken.
    Accepted,
    /// From one who may yet be taken; not to be passed on.
    Candidate,
    /// From somebody else.
    Refused,
}

impl Latch {
    pub(super) fn new(
        rule: SourceRule,
        signalled: Option<SocketAddr>,
        signalled_rtcp: Option<SocketAddr>,
    ) -> Latch {
        Latch { rule, signalled, signalled_rtcp, taken: None, candidate: None, taken_rtcp: None }
    }

    /// Signalling has spoken. Another address opens the latch. The same one does not: a held phone
    /// may be silent for minutes, and whoever sends first would take its place. Neither does the
    /// absence of an address (hold with c=0.0.0.0).
    pub(super) fn signal(&mut self, signalled: Option<SocketAddr>, signalled_rtcp: Option<SocketAddr>) {
        if signalled.is_none() {
            return;
        }
        if self.signalled != signalled {
            *self = Latch::new(self.rule, signalled, signalled_rtcp);
        } else if self.signalled_rtcp != signalled_rtcp {
            self.signalled_rtcp = signalled_rtcp;
            self.taken_rtcp = None;
        }
    }

    /// A valid RTP packet came from `source` while we want to receive. Before signalling names an
    /// address all are refused.
    pub(super) fn admit(&mut self, now: Instant, source: SocketAddr, window: Duration) -> Admission {
        let Some(nearness) = self.nearness(source).filter(|nearness| self.allows(*nearness)) else {
            return Admission::Refused;
        };
        let source = Source { address: source, nearness };
        match self.taken {
            Some(taken) if taken.address == source.address => return Admission::Accepted,
            Some(taken) if taken.nearness <= nearness => return Admission::Refused,
            // Nearer than the one who was quicker.
            Some(_) | None => {}
        }
        if nearness == Nearness::Signalled {
            self.take(source);
            return Admission::Accepted;
        }
        self.wait(now, source, window)
    }

    /// One who was not signalled proves itself.
    fn wait(&mut self, now: Instant, source: Source, window: Duration) -> Admission {
        if let Some(candidate) = &mut self.candidate {
            if candidate.source == source {
                candidate.last = now;
                candidate.packets = candidate.packets.saturating_add(1);
                if now.since(candidate.since) < window || candidate.packets < PACKETS_TO_LATCH {
                    return Admission::Candidate;
                }
                self.take(source);
                return Admission::Accepted;
            }
            let is_patient = now.since(candidate.last) < CANDIDATE_PATIENCE;
            if source.nearness >= candidate.source.nearness && is_patient {
                return Admission::Refused;
            }
        }
        self.candidate = Some(Candidate { source, since: now, last: now, packets: 1 });
        Admission::Candidate
    }

    fn take(&mut self, source: Source) {
        let host = self.taken.map(|taken| taken.address.ip());
        if host.is_some_and(|host| host != source.address.ip()) {
            self.taken_rtcp = None;
        }
        self.taken = Some(source);
        self.candidate = None;
    }

    /// A valid RTCP packet came from `source` to the RTCP port. RTCP never takes part in finding the
    /// source of RTP: it comes from the signalled RTCP address, or from one port of the host that RTP
    /// comes from, the first that does.
    pub(super) fn admit_rtcp(&mut self, source: SocketAddr) -> bool {
        if self.signalled_rtcp == Some(source) {
            self.taken_rtcp = Some(source);
            return true;
        }
        if let Some(taken) = self.taken_rtcp {
            return taken == source;
        }
        let is_its_host = self.taken.is_some_and(|taken| taken.address.ip() == source.ip());
        if is_its_host && self.rule.latching != Latching::Strict {
            self.taken_rtcp = Some(source);
            return true;
        }
        false
    }

    /// The source that was taken.
    pub(super) fn taken(&self) -> Option<SocketAddr> {
        self.taken.map(|taken| taken.address)
    }

    /// Where RTP goes.
    pub(super) fn destination(&self) -> Option<SocketAddr> {
        self.taken().or(self.signalled)
    }

    /// Where RTCP goes when it has a port of its own.
    pub(super) fn rtcp_destination(&self) -> Option<SocketAddr> {
        if self.taken_rtcp.is_some() {
            return self.taken_rtcp;
        }
        // Behind an address translator the signalled RTCP address leads nowhere, or to somebody else.
        let host = self.destination()?.ip();
        self.signalled_rtcp.filter(|rtcp| rtcp.ip() == host)
    }

    fn nearness(&self, source: SocketAddr) -> Option<Nearness> {
        let signalled = self.signalled?;
        let host: Option<IpAddr> = self.rule.signalling_host;
        Some(match source {
            _ if source == signalled => Nearness::Signalled,
            _ if source.ip() == signalled.ip() => Nearness::SameHost,
            _ if Some(source.ip()) == host => Nearness::SignallingHost,
            _ => Nearness::Stranger,
        })
    }

    fn allows(&self, nearness: Nearness) -> bool {
        match self.rule.latching {
            Latching::Learn => true,
            Latching::SameHost => nearness <= Nearness::SignallingHost,
            Latching::Strict => nearness == Nearness::Signalled,
        }
    }
}
