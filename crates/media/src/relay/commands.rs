//! What the engine says, done.

use timing::Instant;

use super::latch::Latch;
use super::outgoing::Outgoing;
use super::reception::Reception;
use super::reports::Reports;
use super::termination::{Hears, Slot, Socket, Termination};
use super::{Due, Event, Refusal, Relay, SocketRequest, SourceRule, Statistics, TerminationId};
use crate::music::MusicId;
use crate::port::LocalPort;
use crate::stream::{PayloadMap, StreamDescription};

impl Relay {
    pub(super) fn open(
        &mut self,
        now: Instant,
        id: TerminationId,
        port: LocalPort,
        source: SourceRule,
        stream: StreamDescription,
    ) -> Result<(), Refusal> {
        if self.names.contains_key(&id) {
            return Err(Refusal::TerminationInUse);
        }
        if port.is_rtcp() || port.0 == 0 || self.slot_of_port(port).is_some() {
            return Err(Refusal::PortInUse);
        }
        if self.names.len() >= self.settings.terminations {
            return Err(Refusal::TooManyTerminations);
        }
        let slot = self.free_slot();
        let first_report = now + self.report_interval() / 2;
        let termination = Termination {
            id,
            port,
            socket: Socket::Open,
            latch: Latch::new(source, stream.remote, stream.remote_rtcp),
            stream,
            hears: Hears::Nothing,
            outgoing: Outgoing::new(self.random(), self.random() as u16, self.random()),
            music_sequence: 0,
            reception: Reception::default(),
            reports: Reports::new(self.canonical_name()),
            statistics: Statistics::default(),
            heard_at: now,
            silence_said: false,
            timers: [
                self.timers.schedule(first_report, Due::Report(slot)),
                self.timers.schedule(now + self.settings.silence, Due::Silence(slot)),
            ],
        };
        self.terminations[slot] = Some(termination);
        self.names.insert(id, slot);
        self.set_slot_of_port(port, Some(slot));
        self.sockets.push_back(SocketRequest::Open(port));
        self.sockets.push_back(SocketRequest::Open(port.rtcp()));
        self.open_ports += 2;
        Ok(())
    }

    pub(super) fn update(
        &mut self,
        now: Instant,
        id: TerminationId,
        stream: StreamDescription,
    ) -> Result<(), Refusal> {
        let slot = self.slot(id)?;
        let termination = self.at(slot);
        let sent_before = termination.destination();
        termination.latch.signal(stream.remote, stream.remote_rtcp);
        termination.stream = stream;
        if termination.destination() != sent_before {
            // Another listener, or one that was away: its numbering starts from a splice.
            termination.outgoing.pause();
        }
        termination.heard_at = now;
        termination.silence_said = false;
        if let Hears::Far { peer, .. } = termination.hears {
            self.map(slot, peer);
        }
        Ok(())
    }

    pub(super) fn connect(&mut self, a: TerminationId, b: TerminationId) -> Result<(), Refusal> {
        let (slot_a, slot_b) = (self.slot(a)?, self.slot(b)?);
        if slot_a == slot_b {
            return Err(Refusal::SameTermination);
        }
        if !self.can_hear(slot_a, slot_b) || !self.can_hear(slot_b, slot_a) {
            return Err(Refusal::NoSharedCodec);
        }
        self.unlink(slot_a);
        self.unlink(slot_b);
        self.at(slot_a).hears = Hears::Far { peer: slot_b, map: PayloadMap::default() };
        self.at(slot_b).hears = Hears::Far { peer: slot_a, map: PayloadMap::default() };
        self.map(slot_a, slot_b);
        Ok(())
    }

    pub(super) fn play(&mut self, now: Instant, id: TerminationId, music: MusicId) -> Result<(), Refusal> {
        let slot = self.slot(id)?;
        let music = self.music.get(&music).cloned().ok_or(Refusal::UnknownMusic)?;
        let termination = self.at(slot);
        if !termination.stream.send.is_empty() && termination.g711().is_none() {
            return Err(Refusal::NoG711);
        }
        self.unlink(slot);
        self.plays += 1;
        let play = self.plays;
        self.at(slot).hears = Hears::Music { music, play, position: 0 };
        self.playing.insert(slot);
        self.beat.start(now);
        Ok(())
    }

    pub(super) fn close(&mut self, now: Instant, id: TerminationId) -> Result<(), Refusal> {
        let slot = self.slot(id)?;
        self.unlink(slot);
        // RFC 3550 §6.3.7: who has never sent anything says no BYE.
        let statistics = &self.at(slot).statistics;
        if statistics.sent_packets > 0 || statistics.rtcp_sent > 0 {
            self.send_report(now, slot, true);
        }
        let termination = self.terminations[slot].take().expect("a named slot is filled");
        for timer in termination.timers {
            self.timers.cancel(timer);
        }
        self.names.remove(&id);
        self.set_slot_of_port(termination.port, None);
        self.free.push(slot);
        match termination.socket {
            Socket::Open => self.close_ports(termination.port),
            Socket::Failed => {}
        }
        self.events.push_back(Event::Closed {
            termination: id,
            port: termination.port,
            statistics: termination.statistics(),
        });
        Ok(())
    }

    pub(super) fn close_ports(&mut self, port: LocalPort) {
        self.sockets.push_back(SocketRequest::Close(port));
        self.sockets.push_back(SocketRequest::Close(port.rtcp()));
        self.open_ports -= 2;
    }

    /// Neither hears nor is heard from now on.
    fn unlink(&mut self, slot: Slot) {
        self.playing.remove(&slot);
        let termination = self.at(slot);
        termination.outgoing.pause();
        match std::mem::replace(&mut termination.hears, Hears::Nothing) {
            Hears::Nothing | Hears::Music { .. } => {}
            // What it hears next comes by a command that pauses it.
            Hears::Far { peer, .. } => self.at(peer).hears = Hears::Nothing,
        }
    }

    /// Works out the payload numbers of a connected pair, both ways.
    fn map(&mut self, one: Slot, other: Slot) {
        for (from, to) in [(one, other), (other, one)] {
            let leaving = std::mem::take(&mut self.at(to).stream.send);
            let from = self.at(from);
            if let Hears::Far { map, .. } = &mut from.hears {
                *map = PayloadMap::new(&from.stream.receive, &leaving);
            }
            self.at(to).stream.send = leaving;
        }
    }

    /// Whether anything that arrives at `from` can leave to `to`. Before an answer is known there
    /// is nothing to say against it.
    fn can_hear(&mut self, from: Slot, to: Slot) -> bool {
        let arriving = self.at(from).stream.receive.clone();
        let leaving = &self.at(to).stream.send;
        arriving.is_empty() || leaving.is_empty() || !PayloadMap::new(&arriving, leaving).is_empty()
    }
}
