//! The relay: RTP and RTCP between terminations, music to those who wait.

mod commands;
mod latch;
mod outgoing;
mod packets;
mod playing;
mod reception;
mod reports;
mod termination;
mod vocabulary;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};
use timing::{Instant, TimerWheel};

use crate::music::{Music, MusicId};
use crate::port::LocalPort;

use playing::Beat;
use termination::{Hears, Slot, Socket, Termination};
pub use vocabulary::{
    Command, Counts, Event, Latching, Refusal, SocketRequest, SourceRule, Statistics, TerminationId, Transmit,
};

/// Bounds and habits of a [`Relay`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Most terminations at once; beyond, `Open` is refused.
    pub terminations: usize,
    /// Packets and events waiting to be fetched; beyond, packets are dropped and counted (events
    /// never are: there are as many as commands, and few per packet).
    pub queued_packets: usize,
    /// Largest packet that is looked at, bytes.
    pub packet_bytes: usize,
    /// How long the signalled address may come first before another source is taken.
    pub latch_window: Duration,
    /// RTP expected and none for so long: [`Event::Silent`]. At least 100 ms.
    pub silence: Duration,
    /// Mean time between our reports (RFC 3550 §6.2: 5 s), varied by half either way.
    /// At least 100 ms.
    pub report_interval: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            terminations: 10_000,
            queued_packets: 65_536,
            packet_bytes: 1_500,
            latch_window: Duration::from_millis(250),
            silence: Duration::from_secs(30),
            report_interval: Duration::from_secs(5),
        }
    }
}

/// Used buffers that are kept for new packets.
const SPARE_BUFFERS: usize = 512;
/// Shorter periods would keep the media thread busy with nothing.
const SHORTEST_PERIOD: Duration = Duration::from_millis(100);
/// The table of ports: one entry for each pair.
const PORT_PAIRS: usize = 1 << 15;
/// No termination on that port pair.
const NOBODY: u32 = u32::MAX;

/// All terminations of one media thread.
///
/// ```text
/// handle_command, handle_packet, port_failed, handle_timeout      (one input, or a batch)
/// poll_socket, poll_transmit, poll_socket, poll_event             (each until None)
/// poll_timeout                                                    (when to come back)
/// ```
///
/// Sockets are asked for twice because a port is closed only after its last packet has left.
pub struct Relay {
    settings: Settings,
    random: ChaCha12Rng,
    terminations: Vec<Option<Termination>>,
    free: Vec<Slot>,
    names: BTreeMap<TerminationId, Slot>,
    /// By half the port number.
    slots_of_ports: Vec<u32>,
    open_ports: usize,
    music: BTreeMap<MusicId, Arc<Music>>,
    playing: BTreeSet<Slot>,
    beat: Beat,
    /// How many `Play`s there have been: names one.
    plays: u64,
    timers: TimerWheel<Due>,
    sockets: VecDeque<SocketRequest>,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
    spare: Vec<Vec<u8>>,
    overflowed: u64,
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug)]
enum Due {
    /// Our next RTCP report.
    Report(Slot),
    /// Look whether the far end has gone silent.
    Silence(Slot),
}

impl Relay {
    /// A relay without terminations. The seed decides SSRCs, first sequence numbers and
    /// timestamps, CNAMEs and the spread of reports: it must be unpredictable to the outside.
    pub fn new(settings: Settings, seed: [u8; 32]) -> Relay {
        Relay {
            settings: Settings {
                silence: settings.silence.max(SHORTEST_PERIOD),
                report_interval: settings.report_interval.max(SHORTEST_PERIOD),
                ..settings
            },
            random: ChaCha12Rng::from_seed(seed),
            terminations: Vec::new(),
            free: Vec::new(),
            names: BTreeMap::new(),
            slots_of_ports: vec![NOBODY; PORT_PAIRS],
            open_ports: 0,
            music: BTreeMap::new(),
            playing: BTreeSet::new(),
            beat: Beat::default(),
            plays: 0,
            timers: TimerWheel::new(),
            sockets: VecDeque::new(),
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            spare: Vec::new(),
            overflowed: 0,
        }
    }

    /// Makes music known, or replaces it for those who start to hear it from now on.
    pub fn set_music(&mut self, id: MusicId, music: Arc<Music>) {
        self.music.insert(id, music);
    }

    /// Does what the engine says; what cannot be done is answered by [`Event::Refused`].
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        let (termination, outcome) = match command {
            Command::Open { termination, port, source, stream } => {
                (termination, self.open(now, termination, port, source, stream))
            }
            Command::Update { termination, stream } => (termination, self.update(now, termination, stream)),
            Command::Connect { a, b } => (a, self.connect(a, b)),
            Command::Play { termination, music } => (termination, self.play(now, termination, music)),
            Command::Close { termination } => (termination, self.close(now, termination)),
        };
        if let Err(refusal) = outcome {
            self.events.push_back(Event::Refused { termination, refusal });
        }
    }

    /// Takes a datagram that arrived at one of our ports. The buffer is rewritten and sent on, so
    /// the shell gives it away; [`Relay::buffer`] has used ones.
    pub fn handle_packet(&mut self, now: Instant, port: LocalPort, source: SocketAddr, packet: Vec<u8>) {
        self.packet_in(now, port, canonical(source), packet);
    }

    /// The shell could not open a port, or its socket broke. Both ports of the pair are closed.
    pub fn port_failed(&mut self, port: LocalPort) {
        let Some(slot) = self.slot_of_port(port) else {
            return;
        };
        let termination = self.at(slot);
        if termination.socket == Socket::Failed {
            return;
        }
        termination.socket = Socket::Failed;
        let (id, port) = (termination.id, termination.port);
        self.close_ports(port);
        self.events.push_back(Event::PortUnavailable { termination: id, port });
    }

    /// Does what is due: music, reports, silence.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.play_due(now);
        while let Some(due) = self.timers.poll(now) {
            match due {
                Due::Report(slot) => {
                    self.send_report(now, slot, false);
                    let at = now + self.report_interval();
                    self.at(slot).timers[0] = self.timers.schedule(at, due);
                }
                Due::Silence(slot) => self.look_for_silence(now, slot),
            }
        }
    }

    /// The next socket to open or close. A close waits until all packets have been fetched.
    pub fn poll_socket(&mut self) -> Option<SocketRequest> {
        match self.sockets.front()? {
            SocketRequest::Close(_) if !self.transmits.is_empty() => None,
            SocketRequest::Open(_) | SocketRequest::Close(_) => self.sockets.pop_front(),
        }
    }

    /// The next packet to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Relay::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timer = self.timers.next_deadline();
        self.beat.next().into_iter().chain(timer).min()
    }

    /// An empty buffer with room for a packet, a used one where there is one.
    pub fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_else(|| Vec::with_capacity(self.settings.packet_bytes))
    }

    /// Takes a sent packet's buffer back.
    pub fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.spare.len() < SPARE_BUFFERS {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    /// A termination's numbers so far.
    pub fn statistics(&self, termination: TerminationId) -> Option<Statistics> {
        let &slot = self.names.get(&termination)?;
        self.terminations[slot].as_ref().map(Termination::statistics)
    }

    /// How many of each thing is held.
    pub fn counts(&self) -> Counts {
        let connected = self.terminations.iter().flatten();
        Counts {
            terminations: self.names.len(),
            connected: connected.filter(|one| matches!(one.hears, Hears::Far { .. })).count(),
            playing: self.playing.len(),
            ports: self.open_ports,
            timers: self.timers.len(),
            queued: self.sockets.len() + self.transmits.len() + self.events.len(),
            overflowed: self.overflowed,
        }
    }

    fn look_for_silence(&mut self, now: Instant, slot: Slot) {
        let silence = self.settings.silence;
        let termination = self.at(slot);
        let silent = termination.expects_rtp() && now.since(termination.heard_at) >= silence;
        let say = (silent && !termination.silence_said).then_some(termination.id);
        termination.silence_said |= silent;
        let due = termination.heard_at + silence;
        let next = if due > now { due } else { now + silence };
        self.at(slot).timers[1] = self.timers.schedule(next, Due::Silence(slot));
        if let Some(termination) = say {
            self.events.push_back(Event::Silent { termination });
        }
    }

    fn send_report(&mut self, now: Instant, slot: Slot, bye: bool) {
        let mut buffer = self.buffer();
        let termination = self.at(slot);
        let Some((port, to)) = termination.rtcp_route() else {
            self.recycle(buffer);
            return;
        };
        let sending = termination.sending(now);
        termination.reports.write(now, sending, &mut termination.reception, bye, &mut buffer);
        termination.statistics.rtcp_sent += 1;
        self.transmit(port, to, buffer);
    }

    fn transmit(&mut self, port: LocalPort, to: SocketAddr, bytes: Vec<u8>) {
        if self.transmits.len() >= self.settings.queued_packets {
            self.overflowed += 1;
            self.recycle(bytes);
            return;
        }
        self.transmits.push_back(Transmit { port, to, bytes });
    }

    /// RFC 3550 §6.3.1: half to one and a half times the mean, over e - 3/2 because the spread
    /// shortens the mean.
    fn report_interval(&mut self) -> Duration {
        const COMPENSATION: f64 = std::f64::consts::E - 1.5;
        let share = 0.5 + f64::from(self.random()) / f64::from(u32::MAX);
        self.settings.report_interval.mul_f64(share / COMPENSATION)
    }

    fn random(&mut self) -> u32 {
        self.random.next_u32()
    }

    /// 96 random bits (RFC 7022 §4.2).
    fn canonical_name(&mut self) -> String {
        format!("{:08x}{:08x}{:08x}", self.random(), self.random(), self.random())
    }

    fn slot(&self, id: TerminationId) -> Result<Slot, Refusal> {
        self.names.get(&id).copied().ok_or(Refusal::UnknownTermination)
    }

    fn at(&mut self, slot: Slot) -> &mut Termination {
        self.terminations[slot].as_mut().expect("slots in use are filled")
    }

    fn free_slot(&mut self) -> Slot {
        self.free.pop().unwrap_or_else(|| {
            self.terminations.push(None);
            self.terminations.len() - 1
        })
    }

    fn slot_of_port(&self, port: LocalPort) -> Option<Slot> {
        let slot = self.slots_of_ports[usize::from(port.0 >> 1)];
        (slot != NOBODY).then_some(slot as Slot)
    }

    fn set_slot_of_port(&mut self, port: LocalPort, slot: Option<Slot>) {
        let slot = slot.map_or(NOBODY, |slot| u32::try_from(slot).expect("fewer terminations than ports"));
        self.slots_of_ports[usize::from(port.0 >> 1)] = slot;
    }
}

/// An IPv4 source as it is signalled, where the socket is IPv6 and shows it mapped.
fn canonical(source: SocketAddr) -> SocketAddr {
    SocketAddr::new(source.ip().to_canonical(), source.port())
}

#[cfg(test)]
mod tests;
