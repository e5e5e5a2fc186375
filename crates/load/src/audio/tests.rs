//! Conversations over a wire of our own, so that what is counted can be foretold.

use std::collections::BTreeMap;

use super::*;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const SETTINGS: AudioSettings = AudioSettings { gap: Duration::from_millis(100), heard_within: SECOND };

/// What a wire makes of a packet: where it arrives, and as what.
type Carry = fn(&AudioTransmit) -> Vec<(PairId, Side, Vec<u8>)>;

/// The caller of every call, the agent of most, and the one who comes beside that.
const CALLER: Leg = leg(0);
const AGENT: Leg = leg(1);
const OTHER: Leg = leg(2);

const fn leg(index: u32) -> Leg {
    Leg(Key { index, generation: 0 })
}

/// The port of one end of a pair, in an address that nothing else has.
fn port(pair: PairId, side: Side) -> SocketAddr {
    let number = 2 * pair.0 as u16 + side.index() as u16;
    SocketAddr::from(([192, 0, 2, 1], 10_000 + number))
}

/// To the other end, unchanged.
fn straight(sent: &AudioTransmit) -> Vec<(PairId, Side, Vec<u8>)> {
    vec![(sent.pair, sent.side.other(), sent.bytes.to_vec())]
}

fn counter(sent: &AudioTransmit) -> u32 {
    Mark::read(&sent.bytes[HEADER..]).expect("it was just written").counter
}

struct Wire {
    audio: Audio,
    now: Instant,
    carry: Carry,
    delay: Duration,
    /// What is under way, by its arrival and the order of sending.
    under_way: BTreeMap<(Instant, usize), (PairId, Side, Vec<u8>)>,
    sent: usize,
}

impl Wire {
    fn new(carry: Carry) -> Wire {
        let audio = Audio::new(77, 3, SETTINGS);
        let (now, under_way) = (Instant::from_secs(1_000), BTreeMap::new());
        Wire { audio, now, carry, delay: 2 * MS, under_way, sent: 0 }
    }

    fn say(&mut self, pair: u32, side: Side, leg: Leg, what: AudioChange) {
        self.audio.handle_command(self.now, AudioCommand { pair: PairId(pair), side, leg, what });
    }

    /// Somebody sits down and is told where the other is.
    fn sit(&mut self, pair: u32, side: Side, leg: Leg) {
        self.say(pair, side, leg, AudioChange::Begin);
        let target = Some(Target { to: port(PairId(pair), side.other()), payload_type: 8 });
        self.say(pair, side, leg, AudioChange::Send(target));
    }

    fn talk(&mut self, pair: u32) {
        self.sit(pair, Side::Callers, CALLER);
        self.sit(pair, Side::Agents, AGENT);
    }

    /// Time passes; the wire takes two milliseconds, unless it is said to take longer.
    fn after(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            while let Some(sent) = self.audio.poll_transmit(self.now) {
                assert_eq!(sent.to, port(sent.pair, sent.side.other()));
                for arrives in (self.carry)(&sent) {
                    self.under_way.insert((self.now + self.delay, self.sent), arrives);
                    self.sent += 1;
                }
            }
            let arrival = self.under_way.first_key_value().map(|((at, _), _)| *at);
            let next = [arrival, self.audio.poll_timeout()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            if arrival.is_some_and(|at| at <= self.now) {
                let (_, (pair, side, octets)) = self.under_way.pop_first().expect("looked at");
                self.audio.handle_packet(self.now, pair, side, &octets);
            }
            self.audio.handle_timeout(self.now);
        }
        self.now = end;
    }

    fn hang_up(&mut self, pair: u32) {
        self.ends(pair);
        self.after(2 * SECOND);
    }

    fn ends(&mut self, pair: u32) {
        self.say(pair, Side::Callers, CALLER, AudioChange::End);
        self.say(pair, Side::Agents, AGENT, AudioChange::End);
    }

    fn heard(&self, side: Side) -> &Heard {
        self.audio.figures().heard(side)
    }
}

/// `due`, `lost`, `doubled`, `overtaken`, `foreign`.
fn counts(heard: &Heard) -> [u64; 5] {
    [heard.due, heard.lost, heard.doubled, heard.overtaken, heard.foreign]
}

#[test]
fn a_clean_wire_loses_nothing_and_its_delay_is_known() {
    let mut wire = Wire::new(straight);
    wire.talk(0);
    wire.talk(1);
    wire.after(10 * SECOND);
    wire.hang_up(0);
    wire.hang_up(1);
    let figures = wire.audio.figures();
    // The second talks for the two seconds longer in which the first hangs up.
    assert_eq!(figures.sent, 2 * (500 + 600));
    assert_eq!((figures.left_out, figures.not_sent), (0, 0));
    for side in Side::BOTH {
        let heard = wire.heard(side);
        assert_eq!(counts(heard), [500 + 600 - 10, 0, 0, 0, 0], "five of each are allowed to miss the end");
        assert_eq!((heard.conversations, heard.one_way, heard.not_recognised, heard.gaps), (2, 0, 0, 0));
        assert_eq!((heard.music, heard.unrecognised, heard.echoed), (0, 0, 0));
        assert_eq!(heard.delay.len(), 500 + 600);
        assert_eq!((heard.delay.value_at_quantile(0.01), heard.delay.max()), (2_000, 2_000));
        assert_eq!(heard.first.len(), 2);
        assert!(heard.silence.max() < 22_000, "20 ms and a tick: {}", heard.silence.max());
        assert_eq!((heard.loss(), heard.unheard_share()), (0.0, 0.0));
    }
}

/// Loses each tenth packet of callers, doubles each seventh, and lets others hear each eleventh; rewrites every header.
fn bad_relay(sent: &AudioTransmit) -> Vec<(PairId, Side, Vec<u8>)> {
    let mut octets = sent.bytes.to_vec();
    octets[2..12].copy_from_slice(&[9; 10]);
    let (own, number) = ((sent.pair, sent.side.other(), octets.clone()), counter(sent));
    if sent.side == Side::Agents {
        return vec![own];
    }
    let mut arrive = Vec::new();
    if number % 10 != 9 {
        arrive.push(own.clone());
    }
    if number % 7 == 6 && number % 10 != 9 {
        arrive.push(own);
    }
    if number % 11 == 10 {
        arrive.push((PairId(1 - sent.pair.0), sent.side.other(), octets));
    }
    arrive
}

#[test]
fn each_packet_that_is_lost_doubled_or_let_others_hear_is_counted_whatever_its_header_says() {
    let mut wire = Wire::new(bad_relay);
    wire.talk(0);
    wire.talk(1);
    wire.after(10 * SECOND);
    (0..2).for_each(|pair| wire.ends(pair));
    wire.after(2 * SECOND);
    let of =
        |wanted: fn(u32) -> bool, until: u32| 2 * (0..until).filter(|number| wanted(*number)).count() as u64;
    let lost = of(|number| number % 10 == 9, 495);
    // These show at once, without looking whether they come too shortly before the end.
    let doubled = of(|number| number % 7 == 6 && number % 10 != 9, 500);
    let foreign = of(|number| number % 11 == 10, 500);
    assert_eq!(counts(wire.heard(Side::Agents)), [2 * 495, lost, doubled, 0, foreign]);
    assert_eq!(counts(wire.heard(Side::Callers)), [2 * 495, 0, 0, 0, 0]);
    assert_eq!(wire.heard(Side::Agents).gaps, 0);
    assert!((wire.heard(Side::Agents).loss() - 0.099).abs() < 0.001);
}

/// The caller of the first pair hears so many packets that nobody of this load has made.
fn play(wire: &mut Wire, packets: u32) {
    let mut music = [0x55; PACKET];
    music[..2].copy_from_slice(&[0x80, 0]);
    for _ in 0..packets {
        wire.audio.handle_packet(wire.now, PairId(0), Side::Callers, &music);
    }
}

#[test]
fn who_waits_hears_music_and_that_is_nobodys_audio() {
    let mut wire = Wire::new(straight);
    wire.sit(0, Side::Callers, CALLER);
    play(&mut wire, 50);
    // RTCP, and what is no RTP at all.
    for other in [&[0x80, 200, 0, 6][..], b"\x80", b"OPTIONS sip:x SIP/2.0"] {
        wire.audio.handle_packet(wire.now, PairId(0), Side::Callers, other);
    }
    wire.after(SECOND);
    wire.sit(0, Side::Agents, AGENT);
    play(&mut wire, 3);
    wire.after(SECOND);
    play(&mut wire, 4);
    wire.hang_up(0);
    let heard = wire.heard(Side::Callers);
    assert_eq!((heard.music, heard.unrecognised, heard.foreign), (53, 4, 0));
    assert_eq!((heard.one_way, heard.not_recognised, heard.lost), (0, 0, 0));
    assert_eq!(
        wire.heard(Side::Agents).music,
        0,
        "who was heard waiting is not heard before the conversation"
    );
}

/// Callers are not heard.
fn one_way(sent: &AudioTransmit) -> Vec<(PairId, Side, Vec<u8>)> {
    if sent.side == Side::Callers { Vec::new() } else { straight(sent) }
}

#[test]
fn a_conversation_in_which_nothing_is_heard_is_one_way_and_all_that_must_come_is_lost() {
    let mut wire = Wire::new(one_way);
    wire.talk(0);
    wire.after(3 * SECOND);
    wire.talk(1);
    // Over before anybody had to be heard.
    wire.after(SECOND / 2);
    wire.hang_up(1);
    wire.hang_up(0);
    let (agents, callers) = (wire.heard(Side::Agents), wire.heard(Side::Callers));
    assert_eq!((agents.conversations, agents.one_way, callers.one_way), (2, 1, 0));
    // From one second to five and a half, but for the last five.
    assert!((218..=221).contains(&agents.due), "{}", agents.due);
    assert_eq!((agents.lost, agents.unheard_share()), (agents.due, 0.5));
    assert_eq!(callers.lost, 0);
}

/// As one who decodes and encodes: each octet is another.
fn transcoded(sent: &AudioTransmit) -> Vec<(PairId, Side, Vec<u8>)> {
    let mut octets = sent.bytes.to_vec();
    octets[HEADER..].iter_mut().for_each(|octet| *octet = octet.wrapping_add(1));
    vec![(sent.pair, sent.side.other(), octets)]
}

#[test]
fn audio_that_is_changed_on_its_way_is_told_to_be_and_is_not_lost() {
    let mut wire = Wire::new(transcoded);
    wire.talk(0);
    wire.after(5 * SECOND);
    wire.hang_up(0);
    for side in Side::BOTH {
        let heard = wire.heard(side);
        assert_eq!((heard.not_recognised, heard.one_way, heard.lost, heard.foreign), (1, 0, 0, 0));
        assert!(heard.due > 190 && heard.unrecognised >= heard.due, "{} {}", heard.due, heard.unrecognised);
    }
}

/// Everybody hears themselves.
fn echo(sent: &AudioTransmit) -> Vec<(PairId, Side, Vec<u8>)> {
    vec![(sent.pair, sent.side, sent.bytes.to_vec())]
}

#[test]
fn ones_own_audio_is_an_echo_and_not_the_peer() {
    let mut wire = Wire::new(echo);
    wire.talk(0);
    wire.after(SECOND / 2);
    wire.hang_up(0);
    for side in Side::BOTH {
        assert_eq!((wire.heard(side).echoed, wire.heard(side).foreign), (25, 0));
        assert_eq!(wire.heard(side).delay.len(), 0);
    }
}

#[test]
fn a_silence_is_a_gap_where_it_is_longer_than_allowed() {
    let mut wire = Wire::new(straight);
    wire.talk(0);
    wire.after(SECOND);
    // Held for a while, and talked with again.
    wire.say(0, Side::Agents, AGENT, AudioChange::Send(None));
    wire.after(SECOND / 2);
    let target = Some(Target { to: port(PairId(0), Side::Callers), payload_type: 0 });
    wire.say(0, Side::Agents, AGENT, AudioChange::Send(target));
    wire.after(SECOND);
    wire.hang_up(0);
    let heard = wire.heard(Side::Callers);
    assert_eq!((heard.gaps, heard.lost), (1, 0));
    assert!((500_000..=530_000).contains(&heard.silence.max()), "{}", heard.silence.max());
    assert_eq!(wire.heard(Side::Agents).gaps, 0);
}

#[test]
fn what_a_call_leaves_behind_is_let_pass_until_the_next_has_its_ports_and_foreign_then() {
    let mut wire = Wire::new(straight);
    wire.talk(0);
    wire.after(SECOND);
    let last = wire.audio.pairs[0].ends[Side::Agents.index()].counter - 1;
    let late = forged(77, 2, last, wire.now);
    wire.hang_up(0);
    wire.audio.handle_packet(wire.now, PairId(0), Side::Callers, &late);
    assert_eq!(wire.heard(Side::Callers).foreign, 0);
    wire.sit(0, Side::Callers, CALLER);
    wire.audio.handle_packet(wire.now, PairId(0), Side::Callers, &late);
    assert_eq!(wire.heard(Side::Callers).foreign, 1, "an ended call is heard in another");
    // The number of the one who sits there now.
    let other = forged(78, 3, 0, wire.now);
    wire.audio.handle_packet(wire.now, PairId(0), Side::Callers, &other);
    assert_eq!(wire.heard(Side::Callers).foreign, 2, "and so is another test");
}

/// A packet with this mark.
fn forged(test: u64, speaker: u32, counter: u32, sent: Instant) -> [u8; PACKET] {
    let mark = Mark { test, speaker: Speaker(speaker), counter, sent };
    packet(mark, Target { to: port(PairId(0), Side::Callers), payload_type: 0 })
}

#[test]
fn a_packet_that_the_peer_has_not_sent_is_nobodys_and_what_it_does_send_is_counted_as_before() {
    let mut wire = Wire::new(straight);
    wire.talk(0);
    wire.after(SECOND);
    let next = wire.audio.pairs[0].ends[Side::Agents.index()].counter;
    for counter in [next, u32::MAX] {
        let forged = forged(77, 2, counter, wire.now);
        wire.audio.handle_packet(wire.now, PairId(0), Side::Callers, &forged);
    }
    wire.after(SECOND);
    wire.hang_up(0);
    let heard = wire.heard(Side::Callers);
    assert_eq!(counts(heard), [95, 0, 0, 0, 0], "all is due and came but for the last five");
    assert_eq!((heard.unrecognised, heard.too_late), (2, 0));
}

#[test]
fn music_while_the_agent_holds_the_caller_hides_no_packet_that_is_lost_afterwards() {
    let mut wire = Wire::new(straight);
    wire.talk(0);
    wire.after(SECOND);
    wire.say(0, Side::Agents, AGENT, AudioChange::Send(None));
    wire.after(SECOND);
    play(&mut wire, 50);
    let target = Some(Target { to: port(PairId(0), Side::Callers), payload_type: 8 });
    wire.say(0, Side::Agents, AGENT, AudioChange::Send(target));
    wire.after(SECOND);
    wire.carry = |sent| if sent.side == Side::Agents { Vec::new() } else { straight(sent) };
    wire.after(SECOND / 2);
    wire.hang_up(0);
    let heard = wire.heard(Side::Callers);
    assert_eq!((heard.due, heard.unrecognised), (50 + 50 + 25 - 5, 50));
    assert_eq!(heard.lost, 25 - 5, "the last half second, but for what need not come");
}

#[test]
fn of_two_agents_who_answer_together_the_one_whom_the_system_keeps_is_heard_and_nobody_is_foreign() {
    for (dropped, kept) in [(OTHER, AGENT), (AGENT, OTHER)] {
        let mut wire = Wire::new(straight);
        wire.talk(0);
        wire.sit(0, Side::Agents, OTHER);
        wire.after(SECOND / 10);
        wire.say(0, Side::Agents, dropped, AudioChange::End);
        wire.after(2 * SECOND);
        // What is said of the leg that is over changes nothing.
        wire.say(0, Side::Agents, dropped, AudioChange::Send(None));
        wire.say(0, Side::Agents, dropped, AudioChange::End);
        wire.after(2 * SECOND);
        wire.say(0, Side::Callers, CALLER, AudioChange::End);
        wire.say(0, Side::Agents, kept, AudioChange::End);
        wire.after(2 * SECOND);
        for side in Side::BOTH {
            let heard = wire.heard(side);
            assert!((190..=205).contains(&heard.due), "{kept:?} {side:?}: {}", heard.due);
            assert_eq!(counts(heard), [heard.due, 0, 0, 0, 0], "{kept:?} {side:?}");
            assert_eq!((heard.one_way, heard.not_recognised, heard.unrecognised), (0, 0, 0));
        }
    }
}

#[test]
fn a_transfer_ends_one_conversation_and_begins_another_and_what_is_under_way_is_of_the_first() {
    let mut wire = Wire::new(straight);
    wire.talk(0);
    wire.after(2 * SECOND);
    // A queue of the network: everything takes 300 ms more from now on.
    wire.delay = 300 * MS;
    wire.after(SECOND);
    wire.sit(0, Side::Agents, OTHER);
    wire.after(20 * MS);
    wire.say(0, Side::Agents, AGENT, AudioChange::End);
    wire.after(3 * SECOND);
    wire.say(0, Side::Callers, CALLER, AudioChange::End);
    wire.say(0, Side::Agents, OTHER, AudioChange::End);
    wire.after(2 * SECOND);
    for side in Side::BOTH {
        let heard = wire.heard(side);
        assert!((285..=305).contains(&heard.due), "{side:?}: {}", heard.due);
        assert_eq!(counts(heard), [heard.due, 0, 0, 0, 0], "{side:?}");
        assert_eq!((heard.conversations, heard.first.len()), (2, 2), "{side:?}");
        assert_eq!((heard.one_way, heard.not_recognised, heard.unrecognised), (0, 0, 0));
    }
}

#[test]
fn who_has_answered_a_caller_who_is_gone_says_nothing() {
    let mut wire = Wire::new(straight);
    wire.talk(0);
    wire.sit(0, Side::Agents, OTHER);
    wire.after(SECOND);
    wire.ends(0);
    let sent = wire.audio.figures().sent;
    wire.after(SECOND);
    assert_eq!(wire.audio.figures().sent, sent);
    assert_eq!(wire.heard(Side::Agents).conversations, 1);
    // The next call has the ports for itself.
    wire.talk(0);
    wire.after(2 * SECOND);
    wire.hang_up(0);
    assert_eq!((wire.heard(Side::Callers).lost, wire.heard(Side::Callers).foreign), (0, 0));
    assert_eq!(wire.heard(Side::Agents).conversations, 2);
}

#[test]
fn what_waits_to_be_sent_is_the_loads_own_delay_and_not_the_systems() {
    let mut wire = Wire::new(straight);
    wire.talk(0);
    wire.now += 2 * MS;
    wire.audio.handle_timeout(wire.now);
    // The thread is kept from sending what is due.
    wire.now += 150 * MS;
    wire.after(SECOND);
    wire.hang_up(0);
    let figures = wire.audio.figures();
    assert!((150_000..155_000).contains(&figures.lateness.max()), "{}", figures.lateness.max());
    assert_eq!(wire.heard(Side::Callers).delay.max(), 2_000, "what the wire took");
}

#[test]
fn a_load_that_stood_still_leaves_packets_out_and_says_so() {
    let mut wire = Wire::new(straight);
    wire.talk(0);
    wire.after(SECOND);
    wire.now += SECOND;
    wire.audio.handle_timeout(wire.now);
    wire.after(SECOND);
    wire.hang_up(0);
    let figures = wire.audio.figures();
    assert!((38..=40).contains(&(figures.left_out / 2)), "{}", figures.left_out);
    assert!((180_000..=201_000).contains(&figures.lateness.max()), "{}", figures.lateness.max());
    assert_eq!(wire.heard(Side::Agents).lost, 0, "what was not sent cannot be lost");
}

#[test]
fn a_test_that_ends_in_the_middle_of_a_conversation_counts_it() {
    let mut wire = Wire::new(bad_relay);
    wire.talk(0);
    wire.after(2 * SECOND);
    wire.audio.finish(wire.now);
    let heard = wire.heard(Side::Agents);
    assert_eq!((heard.due, heard.lost), (95, 9));
    assert!(wire.audio.poll_transmit(wire.now).is_none());
}
