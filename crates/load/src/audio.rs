//! The audio of calls whose both ends are of this load: everybody says a pattern, and hears whose it is.
//!
//! A call with audio has a pair of ports for itself, one for each end, so a packet says by where it comes whom it was meant
//! for, and by its [pattern](pattern) who has sent it. What is another call's is foreign whatever its header says.

mod ear;
mod figures;
mod pattern;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use timing::{Instant, TimerId, TimerWheel};

use crate::figures::record;
use crate::plan::Side;
use ear::{Came, Ear};
pub use figures::{AudioFigures, Heard};
use pattern::{Mark, SAMPLES};

/// From one packet to the next.
const PACKET_TIME: Duration = Duration::from_millis(20);
/// Octets of an RTP header without contributing sources and extension (RFC 3550 §5.1).
const HEADER: usize = 12;
/// Octets of a packet.
pub const PACKET: usize = HEADER + SAMPLES;
/// Packets that would be sent later than this are left out: a phone does not send them in a burst either.
const BEHIND_MAX: Duration = Duration::from_millis(200);
/// The last packets of a conversation that need not come: the BYE may overtake them.
const LAST_PACKETS: u32 = 5;
/// How long after a conversation what is under way may still come.
const UNDER_WAY: Duration = Duration::from_secs(1);
/// The payload types that RTCP has beside RTP on one port (RFC 5761 §4), in the octet that the marker shares.
const RTCP_TYPES: std::ops::RangeInclusive<u8> = 192..=223;

/// How audio is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioSettings {
    /// A silence longer than this is a gap.
    pub gap: Duration,
    /// The peer must be heard so long after the conversation began.
    pub heard_within: Duration,
}

/// Where somebody's audio goes, and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address of the other side's description.
    pub to: SocketAddr,
    /// The RTP payload type of G.711 there.
    pub payload_type: u8,
}

/// What [`Load`](crate::Load) says of the audio of its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioCommand {
    /// Which pair of ports.
    pub pair: u32,
    /// What happens there.
    pub what: AudioChange,
}

/// What happens at a pair of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioChange {
    /// Somebody sits at one end from now on.
    Begin {
        /// Which end.
        side: Side,
        /// Whether the call began after the warm-up; of an agent's end as of the caller's, once they talk.
        counts: bool,
    },
    /// Where the audio of one end goes; none: nowhere.
    Send {
        /// Which end.
        side: Side,
        /// Where to.
        target: Option<Target>,
    },
    /// The two who sit there talk with each other.
    Connect,
    /// Nobody sits at one end any more.
    End {
        /// Which end.
        side: Side,
    },
}

/// A packet to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioTransmit {
    /// From which pair of ports.
    pub pair: u32,
    /// From which end's.
    pub side: Side,
    /// Where to.
    pub to: SocketAddr,
    /// RTP.
    pub bytes: [u8; PACKET],
}

/// The audio of a test, as a machine beside [`Load`](crate::Load).
///
/// ```text
/// handle_command, handle_packet, handle_timeout, finish    (one input)
/// poll_transmit                                            (until None)
/// poll_timeout                                             (when to come back)
/// ```
#[derive(Debug)]
pub struct Audio {
    test: u64,
    settings: AudioSettings,
    pairs: Vec<Pair>,
    /// Speakers so far: each has a number of its own, from 1.
    speakers: u32,
    timers: TimerWheel<Due>,
    out: VecDeque<AudioTransmit>,
    figures: AudioFigures,
}

/// What falls due at a pair of ports; one that is of another conversation or speaker by then is over.
#[derive(Clone, Copy, Debug)]
enum Due {
    Packet {
        pair: u32,
        side: Side,
        speaker: u32,
    },
    /// The peers should have been heard.
    Judge {
        pair: u32,
        agent: u32,
    },
    /// What was under way at the end has come.
    Close {
        pair: u32,
        agent: u32,
    },
}

#[derive(Debug)]
struct Pair {
    ends: [End; 2],
    talk: Option<Talk>,
}

/// Who sits, or sat last, at one port.
#[derive(Debug, Default)]
struct End {
    /// 0: nobody so far.
    speaker: u32,
    is_there: bool,
    counts: bool,
    target: Option<Target>,
    /// When the next packet is due, and what waits for that.
    next: Instant,
    timer: Option<TimerId>,
    /// Packets so far.
    counter: u32,
}

/// A conversation.
#[derive(Debug)]
struct Talk {
    since: Instant,
    counts: bool,
    is_over: bool,
    ears: [Ear; 2],
}

impl Pair {
    /// The agent of this conversation: what a timer knows it by.
    fn agent(&self) -> u32 {
        self.ends[Side::Agents.index()].speaker
    }
}

impl Audio {
    /// Audio over so many pairs of ports; `test` is [`Plan::nonce`](crate::Plan::nonce).
    pub fn new(test: u64, pairs: usize, settings: AudioSettings) -> Audio {
        let pair = || Pair { ends: [End::default(), End::default()], talk: None };
        Audio {
            test,
            settings,
            pairs: std::iter::repeat_with(pair).take(pairs).collect(),
            speakers: 0,
            timers: TimerWheel::new(),
            out: VecDeque::new(),
            figures: AudioFigures::new(),
        }
    }

    /// What was measured of the conversations that are over; of all, after [`Audio::finish`].
    pub fn figures(&self) -> &AudioFigures {
        &self.figures
    }

    /// Something happens to a call. A pair that is not there is passed over.
    pub fn handle_command(&mut self, now: Instant, command: AudioCommand) {
        let AudioCommand { pair, what } = command;
        if pair as usize >= self.pairs.len() {
            return;
        }
        match what {
            AudioChange::Begin { side, counts } => self.begin(now, pair, side, counts),
            AudioChange::Send { side, target } => self.direct(now, pair, side, target),
            AudioChange::Connect => self.connect(now, pair),
            AudioChange::End { side } => self.leave(now, pair, side),
        }
    }

    /// A packet came at one end of a pair.
    pub fn handle_packet(&mut self, now: Instant, pair: u32, side: Side, packet: &[u8]) {
        let Some(payload) = payload(packet) else { return };
        let (test, settings) = (self.test, self.settings);
        let Some(at) = self.pairs.get_mut(pair as usize) else { return };
        let heard = self.figures.heard_mut(side);
        let (own, peer) = (&at.ends[side.index()], at.ends[side.other().index()].speaker);
        let counts = own.is_there && own.counts;
        let Some(mark) = Mark::read(payload) else {
            let is_in_place = at.talk.as_mut().is_some_and(|talk| talk.ears[side.index()].hear_other());
            heard.unrecognised += u64::from(is_in_place && counts);
            heard.music += u64::from(!is_in_place && counts);
            return;
        };
        if mark.test != test || (mark.speaker != own.speaker && mark.speaker != peer) {
            heard.foreign += 1;
            return;
        }
        if mark.speaker == own.speaker {
            heard.echoed += u64::from(counts);
            return;
        }
        // Nobody talks yet, or any more: it was under way when the call ended.
        let Some(talk) = &mut at.talk else { return };
        let came = talk.ears[side.index()].hear(now, mark.counter, settings.gap);
        if !talk.counts {
            return;
        }
        match came {
            Came::First => record(&mut heard.first, now.since(talk.since)),
            Came::Again => heard.doubled += 1,
            Came::Overtaken => heard.overtaken += 1,
            Came::TooLate => heard.too_late += 1,
            Came::InOrder | Came::Undue => {}
        }
        if came != Came::Again {
            record(&mut heard.delay, now.since(mark.sent));
        }
    }

    /// Deadlines up to `now` are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(due) = self.timers.poll(now) {
            match due {
                Due::Packet { pair, side, speaker } => self.speak(now, pair, side, speaker),
                Due::Judge { pair, agent } => self.judge(pair, agent),
                Due::Close { pair, agent } => {
                    if self.pairs[pair as usize].agent() == agent {
                        self.close(pair);
                    }
                }
            }
        }
    }

    /// The test is over: conversations that are not end now.
    pub fn finish(&mut self, now: Instant) {
        for pair in 0..u32::try_from(self.pairs.len()).expect("fewer than 2^32 ports") {
            self.leave(now, pair, Side::Callers);
            self.leave(now, pair, Side::Agents);
            self.close(pair);
        }
    }

    /// A packet was not taken by our own system.
    pub fn transmit_failed(&mut self) {
        self.figures.not_sent += 1;
    }

    /// What to send.
    pub fn poll_transmit(&mut self) -> Option<AudioTransmit> {
        self.out.pop_front()
    }

    /// When [`Audio::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next_deadline()
    }
}

/// Who sits where.
impl Audio {
    fn begin(&mut self, now: Instant, pair: u32, side: Side, counts: bool) {
        self.leave(now, pair, side);
        self.close(pair);
        self.speakers += 1;
        let ends = &mut self.pairs[pair as usize].ends;
        // Whoever sat at the other end before is a stranger to this one.
        if !ends[side.other().index()].is_there {
            ends[side.other().index()] = End::default();
        }
        ends[side.index()] = End { speaker: self.speakers, is_there: true, counts, ..End::default() };
    }

    fn direct(&mut self, now: Instant, pair: u32, side: Side, target: Option<Target>) {
        let end = &mut self.pairs[pair as usize].ends[side.index()];
        if !end.is_there {
            return;
        }
        let was_silent = std::mem::replace(&mut end.target, target).is_none();
        match target {
            None => drop(end.timer.take().map(|timer| self.timers.cancel(timer))),
            Some(_) if was_silent => {
                end.next = now;
                let due = Due::Packet { pair, side, speaker: end.speaker };
                end.timer = Some(self.timers.schedule(now, due));
            }
            Some(_) => {}
        }
    }

    fn connect(&mut self, now: Instant, pair: u32) {
        let at = &mut self.pairs[pair as usize];
        if at.talk.is_some() || !at.ends.iter().all(|end| end.is_there) {
            return;
        }
        // An agent may be rung after the warm-up for a call that began in it.
        let counts = at.ends[Side::Callers.index()].counts;
        at.ends[Side::Agents.index()].counts = counts;
        at.talk = Some(Talk { since: now, counts, is_over: false, ears: [Ear::new(), Ear::new()] });
        for side in Side::BOTH {
            self.figures.heard_mut(side).conversations += u64::from(counts);
        }
        let agent = at.agent();
        self.timers.schedule(now + self.settings.heard_within, Due::Judge { pair, agent });
    }

    /// Whoever sits there leaves, and so ends the conversation for both.
    fn leave(&mut self, now: Instant, pair: u32, side: Side) {
        let at = &mut self.pairs[pair as usize];
        let end = &mut at.ends[side.index()];
        if !std::mem::take(&mut end.is_there) {
            return;
        }
        end.target = None;
        if let Some(timer) = end.timer.take() {
            self.timers.cancel(timer);
        }
        let sent = at.ends.each_ref().map(|end| end.counter);
        let agent = at.agent();
        let Some(talk) = at.talk.as_mut().filter(|talk| !talk.is_over) else { return };
        talk.is_over = true;
        for side in Side::BOTH {
            let ends = sent[side.other().index()].saturating_sub(LAST_PACKETS);
            talk.ears[side.index()].end(now, ends, self.settings.gap);
        }
        self.timers.schedule(now + UNDER_WAY, Due::Close { pair, agent });
    }

    /// The peers should have been heard by now.
    fn judge(&mut self, pair: u32, agent: u32) {
        let at = &mut self.pairs[pair as usize];
        if at.agent() != agent {
            return;
        }
        let sent = at.ends.each_ref().map(|end| end.counter);
        let Some(talk) = at.talk.as_mut().filter(|talk| !talk.is_over) else { return };
        for side in Side::BOTH {
            let ear = &mut talk.ears[side.index()];
            if ear.has_heard() {
                continue;
            }
            ear.expect_from(sent[side.other().index()]);
            let heard = self.figures.heard_mut(side);
            let which = if ear.has_heard_others() { &mut heard.not_recognised } else { &mut heard.one_way };
            *which += u64::from(talk.counts);
        }
    }

    /// Adds up a conversation that is over.
    fn close(&mut self, pair: u32) {
        let Some(talk) = self.pairs[pair as usize].talk.take_if(|talk| talk.is_over) else { return };
        if !talk.counts {
            return;
        }
        for side in Side::BOTH {
            let ear = &talk.ears[side.index()];
            let (heard, sum, (gaps, longest)) = (self.figures.heard_mut(side), ear.sum(), ear.gaps());
            heard.due += sum.due;
            heard.lost += sum.lost;
            heard.gaps += gaps;
            if ear.has_heard() {
                record(&mut heard.silence, longest);
            }
        }
    }
}

/// Speaking.
impl Audio {
    fn speak(&mut self, now: Instant, pair: u32, side: Side, speaker: u32) {
        let end = &mut self.pairs[pair as usize].ends[side.index()];
        if end.speaker != speaker {
            return;
        }
        let Some(target) = end.target else { return };
        while now.since(end.next) > BEHIND_MAX {
            end.next += PACKET_TIME;
            self.figures.left_out += u64::from(end.counts);
        }
        while end.next <= now {
            let mark = Mark { test: self.test, speaker, counter: end.counter, sent: now };
            self.out.push_back(AudioTransmit { pair, side, to: target.to, bytes: packet(mark, target) });
            if end.counts {
                self.figures.sent += 1;
                self.figures.late(now.since(end.next));
            }
            end.counter += 1;
            end.next += PACKET_TIME;
        }
        end.timer = Some(self.timers.schedule(end.next, Due::Packet { pair, side, speaker }));
    }
}

/// RTP around a mark: a stream of its own for each speaker, the first packet with the marker (RFC 3551 §4.1).
fn packet(mark: Mark, target: Target) -> [u8; PACKET] {
    let mut packet = [0; PACKET];
    packet[0] = 0x80;
    packet[1] = target.payload_type & 0x7f | if mark.counter == 0 { 0x80 } else { 0 };
    packet[2..4].copy_from_slice(&(mark.counter as u16).to_be_bytes());
    packet[4..8].copy_from_slice(&mark.counter.wrapping_mul(SAMPLES as u32).to_be_bytes());
    packet[8..HEADER].copy_from_slice(&((mark.test as u32) ^ mark.speaker).to_be_bytes());
    mark.write(&mut packet[HEADER..]);
    packet
}

/// The audio of an RTP packet (RFC 3550 §5.1); none where it is no RTP.
fn payload(packet: &[u8]) -> Option<&[u8]> {
    let (first, second) = (*packet.first()?, *packet.get(1)?);
    if first >> 6 != 2 || RTCP_TYPES.contains(&second) {
        return None;
    }
    let mut start = HEADER + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let words = packet.get(start + 2..start + 4)?;
        start += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    let padding = if first & 0x20 != 0 { usize::from(*packet.last()?) } else { 0 };
    packet.get(start..packet.len().checked_sub(padding)?)
}

#[cfg(test)]
mod tests;
