//! Media streams of a leg: ports, terminations, and what the relay is told.

use std::net::IpAddr;

use media::{Command, LocalPort, StreamDescription, TerminationId, negotiate, sdp};
use sip::SessionId;
use timing::Instant;

use super::{B2bua, Owner};
use crate::call::{Leg, Role, Stage, Stream};
use crate::{CallRef, Failure, FailureKind, HangUp, Side};

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

/// Streams of one leg at once: those of the last agreement and those of the one that is being made.
const STREAMS_MAX: usize = 2 * negotiate::LINES_MAX;
/// So many port pairs that the system refuses are met for one leg before it is given up: then something
/// else than one foreign program is wrong.
const PAIRS_REFUSED_MAX: u8 = 4;

impl B2bua {
    /// Takes a port pair for every m-line that wants one and has none. Where the pool runs dry, or the leg
    /// has as many as it may, the m-line stays without, and is refused in what we say.
    pub(super) fn take_ports(
        &mut self,
        now: Instant,
        call: CallRef,
        session: SessionId,
        leg: &mut Leg,
        wanted: &[bool],
    ) {
        leg.streams.resize(leg.streams.len().max(wanted.len()), None);
        let mut room = STREAMS_MAX.saturating_sub(leg.streams.iter().flatten().count());
        for (slot, _) in
            leg.streams.iter_mut().zip(wanted).filter(|(slot, wanted)| **wanted && slot.is_none())
        {
            if room == 0 {
                return;
            }
            room -= 1;
            let Some(port) = self.ports.allocate(now) else { continue };
            self.terminations_made += 1;
            let termination = TerminationId(self.terminations_made);
            *slot = Some(Stream { termination, port, open: false, joined: None });
            let side = leg.role.side();
            let owner = Owner { call, session, side, port, is_audio: false, closing: false };
            self.terminations.insert(termination, owner);
        }
    }

    /// Lets the relay open a leg's ports before anything is said about them: one that the system refuses is
    /// then replaced unnoticed.
    pub(super) fn open_ahead(&mut self, leg: &mut Leg) {
        for stream in leg.streams.iter_mut().flatten().filter(|stream| !stream.open) {
            stream.open = true;
            self.commands.push_back(Command::Open {
                termination: stream.termination,
                port: stream.port,
                source: leg.source,
                stream: StreamDescription::waiting(Vec::new()),
            });
        }
    }

    /// The system refused a port pair: another program holds it. Whoever was not told of it yet gets
    /// another; a phone that was is rung anew.
    pub(super) fn port_unavailable(&mut self, now: Instant, termination: TerminationId, port: LocalPort) {
        self.ports.quarantine(now, port);
        let Some(owner) = self.terminations.get(&termination).copied().filter(|owner| !owner.closing) else {
            return;
        };
        let (call, session) = (owner.call, owner.session);
        let Some(state) = self.calls.get_mut(&call) else { return };
        let is_callee = state.callee == Some(session);
        let Some(leg) = state.legs.get_mut(&session) else { return };
        leg.pairs_refused = leg.pairs_refused.saturating_add(1);
        let (role, is_described, pairs_refused) = (leg.role, leg.ours.is_some(), leg.pairs_refused);
        match role {
            Role::Caller if !is_described => self.replace_pair(now, call, session, termination),
            Role::Callee(attempt) if !is_callee => {
                self.phone_without_port(now, session, (call, attempt), pairs_refused);
            }
            // What was said to the far end stands. A picture may be missing; without sound there is no call.
            Role::Caller | Role::Callee(_) if owner.is_audio => self.end_call(now, call, HangUp::NoPort),
            Role::Caller | Role::Callee(_) => {}
        }
    }

    /// The next pair for a caller who was not told of the one that was refused.
    fn replace_pair(&mut self, now: Instant, call: CallRef, session: SessionId, termination: TerminationId) {
        let Some(mut leg) = self.calls.get_mut(&call).and_then(|call| call.legs.remove(&session)) else {
            return;
        };
        let holds = |slot: &Option<Stream>| slot.is_some_and(|stream| stream.termination == termination);
        let place = leg.streams.iter().position(holds);
        if let Some(stream) = place.and_then(|place| leg.streams[place].take()) {
            self.drop_stream(call, stream);
        }
        if leg.pairs_refused < PAIRS_REFUSED_MAX {
            let wanted: Vec<bool> = (0..leg.streams.len()).map(|index| Some(index) == place).collect();
            self.take_ports(now, call, session, &mut leg, &wanted);
            self.open_ahead(&mut leg);
        }
        let is_without = leg.streams.iter().all(Option::is_none);
        if let Some(state) = self.calls.get_mut(&call) {
            state.legs.insert(session, leg);
        }
        if is_without {
            self.end_call(now, call, HangUp::NoPort);
        }
    }

    /// A phone was offered a port that the system refuses. It rings anew with another when it has stopped
    /// ringing for this one; who has picked up is sent away.
    fn phone_without_port(
        &mut self,
        now: Instant,
        session: SessionId,
        (call, attempt): (CallRef, crate::AttemptId),
        pairs_refused: u8,
    ) {
        let Some(state) = self.calls.get_mut(&call) else { return };
        let answered = state.attempts.get(&attempt).and_then(|attempt| attempt.answered);
        let failure = Failure { kind: FailureKind::NoPort, status: 503 };
        if answered == Some(session) {
            self.end_leg(now, session, 503);
            self.end_attempt(now, call, attempt, 480);
            self.events.push_back(crate::Event::AttemptFailed { call, attempt, failure });
            return;
        }
        let rings_again = pairs_refused < PAIRS_REFUSED_MAX;
        if let Some(leg) = state.legs.get_mut(&session) {
            leg.rings_again = rings_again;
        }
        // To the phone it is a call that was taken elsewhere, not one that its user missed.
        self.end_leg(now, session, 200);
        if !rings_again {
            self.phone_lost(now, call, attempt, failure);
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
        let (source, streams) = (leg.source, leg.streams.clone());
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
                        Command::Open {
                            termination: stream.termination,
                            port: stream.port,
                            source,
                            stream: agreed,
                        }
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
        let Some(caller) = call.caller else { return };
        let pairs = open(&caller).into_iter().zip(open(&callee));
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
    /// A termination that the relay does not know is closed. Where the relay has no room for a phone, only
    /// that phone fails.
    pub(super) fn command_refused(
        &mut self,
        now: Instant,
        termination: TerminationId,
        refusal: media::Refusal,
    ) {
        let Some(owner) = self.terminations.get(&termination).copied() else { return };
        let (call, session) = (owner.call, owner.session);
        let ringing = self.calls.get(&call).filter(|state| state.callee != Some(session));
        let ringing = ringing.and_then(|state| state.legs.get(&session)).map(|leg| leg.role);
        match refusal {
            media::Refusal::UnknownTermination if owner.closing => {
                self.termination_closed(termination, owner.port, media::Statistics::default());
            }
            media::Refusal::UnknownMusic | media::Refusal::NoG711 | media::Refusal::SameTermination => {}
            // Connect is refused under the name of one for what is wrong with the other.
            media::Refusal::UnknownTermination => self.end_call(now, call, HangUp::NoPort),
            media::Refusal::TerminationInUse
            | media::Refusal::PortInUse
            | media::Refusal::TooManyTerminations => match ringing {
                Some(Role::Callee(attempt)) => {
                    self.phone_without_port(now, session, (call, attempt), PAIRS_REFUSED_MAX);
                }
                Some(Role::Caller) | None => self.end_call(now, call, HangUp::NoPort),
            },
            media::Refusal::NoSharedCodec => self.end_call(now, call, HangUp::Requested),
        }
    }
}
