//! The audio of calls whose both ends are of this load: everybody says a pattern, and hears whose it is.
//!
//! A call with audio has a pair of ports for itself, one for each end, so a packet says by where it comes whom it was meant
//! for, and by its [pattern](pattern) who has sent it. What is another call's is foreign whatever its header says.

mod ear;
mod figures;
mod pair;
mod pattern;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use timing::{Instant, TimerWheel};

use crate::figures::record;
use crate::line::Key;
use crate::plan::Side;
use ear::Came;
pub use figures::{AudioFigures, Heard};
use pair::{End, Pair, Talk, Waiting};
use pattern::{Mark, SAMPLES, Speaker};

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

/// A pair of ports: its place in [`Plan::audio`](crate::Plan::audio).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PairId(pub u32);

impl PairId {
    /// Its place in a list of pairs.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One end's part in a call. A caller can have several agents for a while: phones that were answered at the same moment,
/// and a transfer. No other of the same end in a test is equal to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leg(pub(crate) Key);

/// What [`Load`](crate::Load) says of the audio of its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioCommand {
    /// Where.
    pub pair: PairId,
    /// At which end of it.
    pub side: Side,
    /// Of which call there.
    pub leg: Leg,
    /// What happens to it.
    pub what: AudioChange,
}

/// What happens to one end's part in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioChange {
    /// A caller calls, or an agent has answered: this leg has the end of the pair from now on, and an agent talks with the
    /// caller. Where another agent of the same caller has it, it is had by this one when the other's leg ends.
    Begin,
    /// Where its audio goes; none: nowhere.
    Send(Option<Target>),
    /// It is over.
    End,
}

/// A packet to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioTransmit {
    /// From which pair of ports.
    pub pair: PairId,
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
    /// Speakers so far.
    speakers: u32,
    timers: TimerWheel<Due>,
    out: VecDeque<Spoken>,
    figures: AudioFigures,
}

/// What falls due at a pair of ports; one that is of another conversation or speaker by then is over. A conversation is
/// known by its agent, who has no other.
#[derive(Clone, Copy, Debug)]
enum Due {
    Packet {
        pair: PairId,
        side: Side,
        speaker: Speaker,
    },
    /// The peers should have been heard.
    Judge {
        pair: PairId,
        agent: Speaker,
    },
    /// What was under way at the end has come.
    Close {
        pair: PairId,
        agent: Speaker,
    },
}

/// A packet that is due.
#[derive(Clone, Copy, Debug)]
struct Spoken {
    pair: PairId,
    side: Side,
    speaker: Speaker,
    counter: u32,
    target: Target,
    planned: Instant,
}

impl Audio {
    /// Audio over so many pairs of ports; `test` is [`Plan::nonce`](crate::Plan::nonce).
    pub fn new(test: u64, pairs: usize, settings: AudioSettings) -> Audio {
        Audio {
            test,
            settings,
            pairs: std::iter::repeat_with(Pair::default).take(pairs).collect(),
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

    /// Something happens to a call. A pair that is not there, and a leg that is over, are passed over.
    pub fn handle_command(&mut self, now: Instant, command: AudioCommand) {
        let AudioCommand { pair, side, leg, what } = command;
        if pair.index() >= self.pairs.len() {
            return;
        }
        match what {
            AudioChange::Begin => self.begin(now, pair, side, leg),
            AudioChange::Send(target) => self.direct(now, pair, side, leg, target),
            AudioChange::End => self.end(now, pair, side, leg),
        }
    }

    /// A packet came at one end of a pair.
    pub fn handle_packet(&mut self, now: Instant, pair: PairId, side: Side, packet: &[u8]) {
        let Some(payload) = payload(packet) else { return };
        let Some(at) = self.pairs.get_mut(pair.index()) else { return };
        let heard = self.figures.heard_mut(side);
        let Some(mark) = Mark::read(payload) else { return at.hear_other(side, heard) };
        let Some(of) = at.side_of(mark.speaker).filter(|_| mark.test == self.test) else {
            heard.foreign += 1;
            return;
        };
        if at.is_invented(of, &mark) {
            return at.hear_other(side, heard);
        }
        if of == side {
            heard.echoed += u64::from(at.ends[side.index()].leg.is_some());
            return;
        }
        // Nobody talks yet, or any more: it was under way when the call ended.
        let Some(talk) = at.talk_of(of, &mark) else { return };
        let came = talk.ears[side.index()].hear(now, mark.counter, self.settings.gap);
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
                    let closed = self.pairs[pair.index()].take_done(agent);
                    self.add_up(closed);
                }
            }
        }
    }

    /// The test is over: conversations that are not end now.
    pub fn finish(&mut self, now: Instant) {
        for pair in (0..).map(PairId).take(self.pairs.len()) {
            self.clear(now, pair);
        }
    }

    /// A packet was not taken by our own system.
    pub fn transmit_failed(&mut self) {
        self.figures.not_sent += 1;
    }

    /// What to send at once: it says that it is sent `now`, so each packet asks for the time anew.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<AudioTransmit> {
        let Spoken { pair, side, speaker, counter, target, planned } = self.out.pop_front()?;
        let mark = Mark { test: self.test, speaker, counter, sent: now };
        self.figures.sent += 1;
        self.figures.late(now.since(planned));
        Some(AudioTransmit { pair, side, to: target.to, bytes: packet(mark, target) })
    }

    /// When [`Audio::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next_deadline()
    }
}

/// Who sits where.
impl Audio {
    fn begin(&mut self, now: Instant, pair: PairId, side: Side, leg: Leg) {
        match side {
            // Whoever had the ports before is a stranger to this call.
            Side::Callers => self.clear(now, pair),
            Side::Agents => {
                let at = &mut self.pairs[pair.index()];
                if at.ends[side.index()].leg.is_some() {
                    // Which of the two the system keeps shows by whose leg it ends.
                    at.waiting.push_back(Waiting { leg, target: None });
                    return;
                }
                let earlier = at.make_room();
                self.add_up(earlier);
            }
        }
        self.sit(now, pair, side, leg);
    }

    fn sit(&mut self, now: Instant, pair: PairId, side: Side, leg: Leg) {
        self.speakers += 1;
        let at = &mut self.pairs[pair.index()];
        let speaker = Some(Speaker(self.speakers));
        at.ends[side.index()] = End { speaker, leg: Some(leg), ..End::default() };
        let Some(talk) = at.conversation(now) else { return };
        let agent = talk.speakers[Side::Agents.index()];
        at.talk = Some(talk);
        for side in Side::BOTH {
            self.figures.heard_mut(side).conversations += 1;
        }
        self.timers.schedule(now + self.settings.heard_within, Due::Judge { pair, agent });
    }

    fn direct(&mut self, now: Instant, pair: PairId, side: Side, leg: Leg, target: Option<Target>) {
        let at = &mut self.pairs[pair.index()];
        let end = &mut at.ends[side.index()];
        if end.leg != Some(leg) {
            if let Some(waiting) = at.find_waiting(side, leg) {
                waiting.target = target;
            }
            return;
        }
        let was_silent = std::mem::replace(&mut end.target, target).is_none();
        match (target, end.speaker) {
            (None, _) => drop(end.timer.take().map(|timer| self.timers.cancel(timer))),
            (Some(_), Some(speaker)) if was_silent => {
                end.next = now;
                end.timer = Some(self.timers.schedule(now, Due::Packet { pair, side, speaker }));
            }
            (Some(_), _) => {}
        }
    }

    fn end(&mut self, now: Instant, pair: PairId, side: Side, leg: Leg) {
        let at = &mut self.pairs[pair.index()];
        if at.ends[side.index()].leg != Some(leg) {
            at.waiting.retain(|waiting| side != Side::Agents || waiting.leg != leg);
            return;
        }
        self.leave(now, pair, side);
        let at = &mut self.pairs[pair.index()];
        match side {
            // There is nobody left to talk with.
            Side::Callers => at.waiting.clear(),
            Side::Agents => {
                if let Some(Waiting { leg, target }) = at.waiting.pop_front() {
                    self.begin(now, pair, side, leg);
                    self.direct(now, pair, side, leg, target);
                }
            }
        }
    }

    /// Whoever sits there leaves, and so ends the conversation for both.
    fn leave(&mut self, now: Instant, pair: PairId, side: Side) {
        let at = &mut self.pairs[pair.index()];
        let end = &mut at.ends[side.index()];
        if end.leg.take().is_none() {
            return;
        }
        end.target = None;
        if let Some(timer) = end.timer.take() {
            self.timers.cancel(timer);
        }
        if let Some(agent) = at.end_talk(now, self.settings.gap) {
            self.timers.schedule(now + UNDER_WAY, Due::Close { pair, agent });
        }
    }

    /// Everybody leaves, and nothing is awaited of them any more.
    fn clear(&mut self, now: Instant, pair: PairId) {
        for side in Side::BOTH {
            self.leave(now, pair, side);
        }
        let Pair { talk, before, .. } = std::mem::take(&mut self.pairs[pair.index()]);
        self.add_up(before);
        self.add_up(talk);
    }

    /// The peers should have been heard by now.
    fn judge(&mut self, pair: PairId, agent: Speaker) {
        let at = &mut self.pairs[pair.index()];
        let sent = at.sent();
        let Some(talk) = at.talk.as_mut().filter(|talk| !talk.is_over && talk.is_of(agent)) else { return };
        for side in Side::BOTH {
            let ear = &mut talk.ears[side.index()];
            if ear.has_heard() {
                continue;
            }
            ear.expect_from(sent[side.other().index()]);
            let heard = self.figures.heard_mut(side);
            let which = if ear.has_heard_others() { &mut heard.not_recognised } else { &mut heard.one_way };
            *which += 1;
        }
    }

    /// Adds up a conversation that is over, and of which nothing is under way any more.
    fn add_up(&mut self, talk: Option<Talk>) {
        let Some(talk) = talk else { return };
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
    fn speak(&mut self, now: Instant, pair: PairId, side: Side, speaker: Speaker) {
        let end = &mut self.pairs[pair.index()].ends[side.index()];
        if end.speaker != Some(speaker) {
            return;
        }
        let Some(target) = end.target else { return };
        while now.since(end.next) > BEHIND_MAX {
            end.next += PACKET_TIME;
            self.figures.left_out += 1;
        }
        while end.next <= now {
            let (counter, planned) = (end.counter, end.next);
            self.out.push_back(Spoken { pair, side, speaker, counter, target, planned });
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
    packet[8..HEADER].copy_from_slice(&((mark.test as u32) ^ mark.speaker.0).to_be_bytes());
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
