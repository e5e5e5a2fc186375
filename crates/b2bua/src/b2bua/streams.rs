//! Media streams of a leg: ports, terminations, and what the relay is told.

use std::net::IpAddr;

use media::{Command, LocalPort, TerminationId, negotiate, sdp};
use sip::SessionId;
use timing::Instant;

use super::{B2bua, Owner};
use crate::call::{Leg, Stage, Stream};
use crate::{CallRef, HangUp, Side};

/// The address that a description's media goes to, for its family.
pub(super) fn address(session: &sdp::Session) -> Option<IpAddr> {
    session
        .media
        .iter()
        .find_map(|media| media.connection().and_then(sdp::Connection::ip))
        .or_else(|| session.connection().and_then(sdp::Connection::ip))
}

/// The RTP ports of a leg's streams, by position of the m-line.
pub(super) fn ports(leg: &Leg) -> Vec<Option<LocalPort>> {
    leg.streams.iter().map(|stream| stream.map(|stream| stream.port)).collect()
}

impl B2bua {
    /// Takes a port pair for every m-line that wants one and has none. Where the pool runs dry the
    /// m-line stays without, and is refused in what we say.
    pub(super) fn take_ports(
        &mut self,
        now: Instant,
        call: CallRef,
        session: SessionId,
        leg: &mut Leg,
        wanted: &[bool],
    ) {
        leg.streams.resize(leg.streams.len().max(wanted.len()), None);
        for (slot, _) in
            leg.streams.iter_mut().zip(wanted).filter(|(slot, wanted)| **wanted && slot.is_none())
        {
            let Some(port) = self.ports.allocate(now) else { continue };
            self.terminations_made += 1;
            let termination = TerminationId(self.terminations_made);
            *slot = Some(Stream { termination, port, open: false, joined: None });
            let side = leg.role.side();
            let owner = Owner { call, session, side, port, is_audio: false, closing: false };
            self.terminations.insert(termination, owner);
        }
    }

    /// Gives a leg's streams back: closes what the relay has, returns ports it never heard of.
    pub(super) fn give_back(&mut self, call: CallRef, leg: &mut Leg) {
        for stream in leg.streams.drain(..).flatten() {
            self.drop_stream(call, stream);
        }
    }

    fn drop_stream(&mut self, call: CallRef, stream: Stream) {
        if stream.open {
            self.commands.push_back(Command::Close { termination: stream.termination });
            if let Some(owner) = self.terminations.get_mut(&stream.termination) {
                owner.closing = true;
            }
            if let Some(call) = self.calls.get_mut(&call) {
                call.terminations += 1;
            }
        } else {
            self.ports.release(stream.port);
            self.terminations.remove(&stream.termination);
        }
    }

    /// Tells the relay what a leg has agreed to: our last description and theirs.
    pub(super) fn apply(&mut self, call: CallRef, session: SessionId) {
        let Some(leg) = self.calls.get(&call).and_then(|call| call.legs.get(&session)) else { return };
        let Some(local) = &leg.ours else { return };
        let agreed = match &leg.said {
            Some(remote) => negotiate::agreed_streams(local, remote),
            None => negotiate::waiting_streams(local),
        };
        let is_audio: Vec<bool> = local.media.iter().map(|media| media.kind == "audio").collect();
        let streams = leg.streams.clone();
        let mut kept = Vec::with_capacity(streams.len());
        for (index, stream) in streams.into_iter().enumerate() {
            let agreed = agreed.get(index).cloned().flatten();
            kept.push(match (stream, agreed) {
                (Some(stream), Some(agreed)) => {
                    if let Some(owner) = self.terminations.get_mut(&stream.termination) {
                        owner.is_audio = is_audio[index];
                    }
                    self.commands.push_back(if stream.open {
                        Command::Update { termination: stream.termination, stream: agreed }
                    } else {
                        Command::Open { termination: stream.termination, port: stream.port, stream: agreed }
                    });
                    Some(Stream { open: true, ..stream })
                }
                (Some(stream), None) => {
                    self.drop_stream(call, stream);
                    None
                }
                (None, _) => None,
            });
        }
        if let Some(leg) = self.calls.get_mut(&call).and_then(|call| call.legs.get_mut(&session)) {
            leg.streams = kept;
        }
    }

    /// Lets the two who talk hear each other, stream by stream. A pair that does already is left alone:
    /// the numbering of its packets goes on.
    pub(super) fn connect_streams(&mut self, call: CallRef) {
        let Some(call) = self.calls.get_mut(&call) else { return };
        let Some(callee) = call.callee else { return };
        let open = |session: &SessionId| -> Vec<Option<TerminationId>> {
            let streams = call.legs.get(session).map_or(&[][..], |leg| &leg.streams);
            let open = |stream: &Option<Stream>| stream.filter(|one| one.open).map(|one| one.termination);
            streams.iter().map(open).collect()
        };
        let (caller, pairs) = (call.caller, open(&call.caller).into_iter().zip(open(&callee)));
        for (place, pair) in pairs.enumerate() {
            let (Some(a), Some(b)) = pair else { continue };
            let mut is_new = false;
            for (session, far) in [(caller, b), (callee, a)] {
                let leg = call.legs.get_mut(&session).expect("its stream was found just now");
                let stream = leg.streams[place].as_mut().expect("it was found just now");
                is_new |= stream.joined.replace(far) != Some(far);
            }
            if is_new {
                self.commands.push_back(Command::Connect { a, b });
            }
        }
    }

    /// The termination on which a leg hears music: its first open stream.
    pub(super) fn audio(&self, call: CallRef, session: SessionId) -> Option<TerminationId> {
        let leg = self.calls.get(&call)?.legs.get(&session)?;
        leg.streams.iter().flatten().find(|stream| stream.open).map(|stream| stream.termination)
    }

    /// The relay closed a termination: its port can be used again, its figures belong to the call.
    pub(super) fn termination_closed(
        &mut self,
        termination: TerminationId,
        port: LocalPort,
        statistics: media::Statistics,
    ) {
        let Some(owner) = self.terminations.remove(&termination) else { return };
        // A port in quarantine is not in use and stays where it is.
        self.ports.release(port);
        let Some(call) = self.calls.get_mut(&owner.call) else { return };
        call.terminations = call.terminations.saturating_sub(1);
        let place = match owner.side {
            Side::Caller => Some(&mut call.summary.caller),
            Side::Callee if call.callee == Some(owner.session) => Some(&mut call.summary.callee),
            // A phone that rang for nothing.
            Side::Callee => None,
        };
        let place = place.filter(|_| owner.is_audio);
        // Where there were several, the one that was used.
        let packets = |one: &media::Statistics| one.received_packets + one.sent_packets;
        if let Some(place) = place
            && place.as_ref().is_none_or(|before| packets(before) < packets(&statistics))
        {
            *place = Some(statistics);
        }
        self.close_if_done(owner.call);
    }

    /// No RTP although the direction promises some: that side is gone without a BYE. Whoever holds sends
    /// nothing, whatever its direction says; the clock starts anew when it resumes.
    pub(super) fn termination_silent(&mut self, now: Instant, termination: TerminationId) {
        let Some(owner) = self.terminations.get(&termination).copied() else { return };
        let Some(call) = self.calls.get(&owner.call) else { return };
        let counts = match owner.side {
            Side::Caller => call.stage != Stage::Over,
            Side::Callee => call.callee == Some(owner.session),
        };
        let counts = counts && call.held_since.is_none();
        if counts {
            self.end_call(now, owner.call, HangUp::Silent(owner.side));
        }
    }

    /// A refusal of the relay is a disagreement about what exists: the call cannot be heard, so it ends.
    /// A termination that the relay does not know is closed.
    pub(super) fn command_refused(
        &mut self,
        now: Instant,
        termination: TerminationId,
        refusal: media::Refusal,
    ) {
        let Some(owner) = self.terminations.get(&termination).copied() else { return };
        match refusal {
            media::Refusal::UnknownTermination if owner.closing => {
                self.termination_closed(termination, owner.port, media::Statistics::default());
            }
            media::Refusal::UnknownMusic | media::Refusal::NoG711 | media::Refusal::SameTermination => {}
            // Connect is refused under the name of one for what is wrong with the other.
            media::Refusal::UnknownTermination
            | media::Refusal::TerminationInUse
            | media::Refusal::PortInUse
            | media::Refusal::TooManyTerminations => self.end_call(now, owner.call, HangUp::NoPort),
            media::Refusal::NoSharedCodec => self.end_call(now, owner.call, HangUp::Requested),
        }
    }
}
