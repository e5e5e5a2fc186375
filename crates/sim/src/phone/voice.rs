//! A phone's sound: a tone of its own goes out, and an ear says whose tone comes in.

use std::net::SocketAddr;
use std::time::Duration;

use media::{Law, StreamDescription, tone};
use serde::{Deserialize, Serialize};
use timing::Instant;

use super::RtpTransmit;
use crate::chance::Chance;

/// Samples in a packet of 20 ms.
const PACKET_SAMPLES: usize = 160;
const PACKET_TIME: Duration = Duration::from_millis(20);
/// Samples in a row that a tone is looked for in: 100 ms, which tells tones 20 Hz apart.
const WINDOW_SAMPLES: usize = 800;
/// The share of the power that must lie at a frequency: music on hold does not reach it.
const SHARE: f64 = 0.85;
/// A phone that fell behind (a busy machine) leaves packets out rather than sending them in a burst.
const BEHIND_MAX: Duration = Duration::from_millis(200);
/// RTP without CSRC and extension (RFC 3550 §5.1).
const HEADER: usize = 12;

/// What a phone sends and listens for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Voice {
    /// The frequency of its own tone, hertz.
    pub hertz: f64,
    /// The tones it knows, at least 20 Hz apart.
    pub listens_for: Vec<f64>,
}

/// How much of one tone was heard in a call.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// The tone.
    pub hertz: f64,
    /// In how many windows of 100 ms.
    pub windows: u32,
}

/// The sound of one call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Sound {
    voice: Voice,
    sine: tone::Sine,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    next_at: Instant,
    stream: Option<StreamDescription>,
    is_muted: bool,
    ear: Ear,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Ear {
    source: Option<u32>,
    next_sequence: u16,
    window: Vec<u8>,
    packets: u64,
    hears: Option<f64>,
    tally: Vec<Heard>,
}

impl Sound {
    pub(super) fn new(now: Instant, voice: &Voice, chance: &mut Chance) -> Sound {
        Sound {
            sine: tone::Sine::new(voice.hertz),
            voice: voice.clone(),
            ssrc: chance.number() as u32,
            sequence: chance.number() as u16,
            timestamp: chance.number() as u32,
            next_at: now,
            stream: None,
            is_muted: false,
            ear: Ear::default(),
        }
    }

    /// What offer and answer agreed; `None`: no audio.
    pub(super) fn agree(&mut self, now: Instant, stream: Option<StreamDescription>) {
        let had_stream = self.target().is_some();
        self.stream = stream;
        if !had_stream {
            self.next_at = now;
        }
    }

    /// Sends silence in place of the tone: what a person does who holds a call.
    pub(super) fn mute(&mut self, is_muted: bool) {
        self.is_muted = is_muted;
    }

    fn target(&self) -> Option<(SocketAddr, Law, u8)> {
        let stream = self.stream.as_ref().filter(|stream| stream.direction.sends())?;
        let codec = stream.send.iter().find(|codec| codec.law().is_some())?;
        Some((stream.remote?, codec.law()?, codec.payload_type))
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.target().map(|_| self.next_at)
    }

    /// The next packet that is due.
    pub(super) fn poll_packet(&mut self, now: Instant) -> Option<RtpTransmit> {
        let (to, law, payload_type) = self.target()?;
        if now < self.next_at {
            return None;
        }
        if now.since(self.next_at) > BEHIND_MAX {
            self.next_at = now;
        }
        self.next_at += PACKET_TIME;
        let mut bytes = Vec::with_capacity(HEADER + PACKET_SAMPLES);
        bytes.extend([0x80, payload_type]);
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.timestamp.to_be_bytes());
        bytes.extend(self.ssrc.to_be_bytes());
        if self.is_muted {
            bytes.resize(HEADER + PACKET_SAMPLES, law.silence());
        } else {
            bytes.extend(self.sine.next(law, PACKET_SAMPLES));
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(PACKET_SAMPLES as u32);
        Some(RtpTransmit { to, bytes })
    }

    /// Listens to a packet. `Some` where something else is heard than before.
    pub(super) fn hear(&mut self, packet: &[u8]) -> Option<Option<f64>> {
        if packet.len() < HEADER || packet[0] >> 6 != 2 {
            return None;
        }
        let payload_type = packet[1] & 0x7F;
        let codecs = &self.stream.as_ref()?.receive;
        let law = codecs.iter().find(|codec| codec.payload_type == payload_type)?.law()?;
        self.ear.hear(law, packet, &self.voice.listens_for)
    }

    /// What was heard since the beginning of the call.
    pub(super) fn tally(&self) -> &[Heard] {
        &self.ear.tally
    }

    pub(super) fn packets_heard(&self) -> u64 {
        self.ear.packets
    }
}

impl Ear {
    fn hear(&mut self, law: Law, packet: &[u8], known: &[f64]) -> Option<Option<f64>> {
        let sequence = u16::from_be_bytes([packet[2], packet[3]]);
        let source = u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]]);
        self.packets += 1;
        if self.source != Some(source) || self.next_sequence != sequence {
            let is_late = self.source == Some(source) && self.next_sequence.wrapping_sub(sequence) < 1 << 15;
            if is_late {
                return None;
            }
            // A gap or another source: what was heard does not join on to what comes.
            self.window.clear();
            self.source = Some(source);
        }
        self.next_sequence = sequence.wrapping_add(1);
        if known.is_empty() {
            return None;
        }
        self.window.extend_from_slice(&packet[HEADER..]);
        if self.window.len() < WINDOW_SAMPLES {
            return None;
        }
        let heard = known.iter().copied().find(|&hertz| tone::share_at(hertz, law, &self.window) > SHARE);
        self.window.clear();
        if let Some(hertz) = heard {
            match self.tally.iter_mut().find(|heard| heard.hertz == hertz) {
                Some(heard) => heard.windows += 1,
                None => self.tally.push(Heard { hertz, windows: 1 }),
            }
        }
        let changed = heard != self.hears;
        self.hears = heard;
        changed.then_some(heard)
    }
}
