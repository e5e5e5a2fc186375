use super::*;
use crate::g711::Law;

fn frame_values(heard: &[Heard]) -> Vec<u8> {
    heard.iter().map(|one| one.payload[0]).collect()
}

#[test]
fn music_comes_every_20_ms_and_loops_without_a_seam() {
    let mut world = World::new();
    world.open(CALLER, CALLER_PORT, stream(caller_address(), 96));
    world.command(Command::Play { termination: CALLER, music: TUNE });
    world.pass(Duration::from_millis(20 * 12 - 1));
    let heard = world.take_rtp();
    assert_eq!(heard.len(), 12);
    let frames: Vec<u8> = (0..5).map(|frame| Law::Mu.encode((frame * FRAME as i16) * 40)).collect();
    let expected: Vec<u8> = frames.iter().copied().cycle().take(12).collect();
    assert_eq!(frame_values(&heard), expected, "five frames, over and over");
    for two in heard.windows(2) {
        assert_eq!(two[1].at - two[0].at, FRAME_TIME);
        assert_eq!(two[1].timestamp.wrapping_sub(two[0].timestamp), FRAME as u32);
        assert_eq!(two[1].sequence, two[0].sequence.wrapping_add(1));
    }
    assert!(heard.iter().all(|one| one.payload.len() == FRAME && one.to == caller_address()));
}

#[test]
fn music_speaks_the_law_and_the_number_that_the_far_end_takes() {
    let mut world = World::new();
    let mut description = stream(caller_address(), 96);
    description.send = vec![Codec::new(97, "opus", 48_000), Codec::pcma(), Codec::pcmu()];
    world.open(CALLER, CALLER_PORT, description);
    world.command(Command::Play { termination: CALLER, music: TUNE });
    world.pass(Duration::from_millis(39));
    let heard = world.take_rtp();
    assert_eq!(heard[0].payload_type, 8);
    assert_eq!(heard[1].payload[0], Law::A.encode(FRAME as i16 * 40));
}

#[test]
fn each_listener_has_a_place_of_its_own_in_the_same_music() {
    let mut world = World::new();
    world.open_both();
    world.command(Command::Play { termination: CALLER, music: TUNE });
    world.pass(Duration::from_millis(45));
    world.command(Command::Play { termination: AGENT, music: TUNE });
    world.pass(Duration::from_millis(35));
    let heard = world.take_rtp();
    let at = |port| heard.iter().filter(|one| one.port == port).cloned().collect::<Vec<_>>();
    let frames: Vec<u8> = (0..5).map(|frame| Law::Mu.encode(frame * FRAME as i16 * 40)).collect();
    assert_eq!(frame_values(&at(CALLER_PORT)), frames[..]);
    assert_eq!(frame_values(&at(AGENT_PORT)), frames[..2]);
}

#[test]
fn a_late_thread_makes_up_for_a_little_and_leaves_the_rest_out() {
    let mut world = World::new();
    world.open(CALLER, CALLER_PORT, stream(caller_address(), 96));
    world.command(Command::Play { termination: CALLER, music: TUNE });
    world.pass(Duration::from_millis(1));
    world.take_rtp();
    world.now += Duration::from_millis(500);
    world.relay.handle_timeout(world.now);
    world.drain();
    world.pass(Duration::from_millis(40));
    let heard = world.take_rtp();
    assert_eq!(heard.len(), 3 + 2);
    assert!(heard.windows(2).all(|two| two[1].sequence == two[0].sequence.wrapping_add(1)));
    let jump = heard[3].timestamp.wrapping_sub(heard[2].timestamp);
    assert!((3_400..3_800).contains(&jump), "the timestamp shows the time that was left out: {jump}");
}

#[test]
fn music_runs_on_unheard_during_hold_and_before_the_answer() {
    let mut world = World::new();
    let mut held = stream(caller_address(), 96);
    held.direction = Direction::RecvOnly;
    world.open(CALLER, CALLER_PORT, held);
    world.open(AGENT, AGENT_PORT, StreamDescription::waiting(vec![Codec::pcmu()]));
    world.command(Command::Play { termination: CALLER, music: TUNE });
    world.command(Command::Play { termination: AGENT, music: TUNE });
    world.pass(Duration::from_millis(59));
    assert!(world.take_rtp().is_empty());
    world.update(CALLER, stream(caller_address(), 96));
    world.pass(Duration::from_millis(20));
    let heard = world.take_rtp();
    assert_eq!(frame_values(&heard), [Law::Mu.encode(3 * FRAME as i16 * 40)]);
}

#[test]
fn who_hears_music_is_heard_by_nobody() {
    let mut world = World::connected();
    Phone::agent().speak(&mut world);
    assert_eq!(world.take_rtp().len(), 1);
    world.command(Command::Play { termination: CALLER, music: TUNE });
    Phone::caller().talk(&mut world, 2);
    Phone::agent().talk(&mut world, 2);
    let heard = world.take_rtp();
    assert_eq!(heard.len(), 5);
    assert!(heard.iter().all(|one| one.port == CALLER_PORT && one.payload[FRAME - 1] != one.payload[0]));
    assert_eq!(world.relay.counts().connected, 0);
}

#[test]
fn music_stops_with_its_last_listener_and_leaves_no_deadline_of_its_own() {
    let mut world = World::new();
    world.open(CALLER, CALLER_PORT, stream(caller_address(), 96));
    world.command(Command::Play { termination: CALLER, music: TUNE });
    world.pass(Duration::from_millis(100));
    world.open(AGENT, AGENT_PORT, stream(agent_address(), 101));
    world.command(Command::Connect { a: CALLER, b: AGENT });
    world.pass(Duration::from_millis(100));
    world.take_rtp();
    world.pass(Duration::from_secs(1));
    assert!(world.take_rtp().is_empty());
    assert!(world.relay.poll_timeout().unwrap() > world.now + FRAME_TIME);
}

#[test]
fn a_thousand_listeners_hear_a_beat_at_one_moment_from_recycled_buffers() {
    let mut world = World::new();
    for number in 0..1_000_u16 {
        let remote = SocketAddr::new(caller_address().ip(), 10_000 + 2 * number);
        world.open(TerminationId(u64::from(number)), LocalPort(20_000 + 2 * number), stream(remote, 96));
        world.command(Command::Play { termination: TerminationId(u64::from(number)), music: TUNE });
    }
    world.pass(Duration::from_millis(1));
    world.take_rtp();
    for _ in 0..3 {
        world.pass(FRAME_TIME);
        let sent = std::mem::take(&mut world.sent);
        assert_eq!(sent.iter().filter(|(_, one)| !is_rtcp(&one.bytes)).count(), 1_000);
        let instants: BTreeSet<Instant> = sent.iter().map(|(at, _)| *at).collect();
        assert!(instants.len() <= 2, "one tick, and perhaps a report");
        sent.into_iter().for_each(|(_, one)| world.relay.recycle(one.bytes));
    }
    let recycled = world.relay.buffer();
    assert!(recycled.is_empty() && recycled.capacity() >= 172);
}

#[test]
fn a_crowd_is_served_in_parts_and_a_late_thread_makes_up_as_for_one() {
    let mut world = World::new();
    for number in 0..600_u16 {
        let remote = SocketAddr::new(caller_address().ip(), 10_000 + 2 * number);
        world.open(TerminationId(u64::from(number)), LocalPort(20_000 + 2 * number), stream(remote, 96));
        world.command(Command::Play { termination: TerminationId(u64::from(number)), music: TUNE });
    }
    world.pass(Duration::from_millis(1));
    world.take_rtp();
    world.now += Duration::from_millis(500);
    let mut parts = 0;
    while world.relay.poll_timeout().is_some_and(|due| due <= world.now) {
        world.relay.handle_timeout(world.now);
        assert!(world.relay.counts().queued <= 256);
        parts += 1;
        world.drain();
        // One of those who wait for their part of this beat hangs up.
        if parts == 1 {
            world.command(Command::Close { termination: TerminationId(599) });
        }
    }
    assert_eq!(parts, 8, "1,797 packets and what was left out");
    let heard = world.take_rtp();
    let mut heard_by = BTreeMap::<LocalPort, usize>::new();
    heard.iter().for_each(|one| *heard_by.entry(one.port).or_default() += 1);
    assert_eq!(heard_by.len(), 599);
    assert!(heard_by.values().all(|&packets| packets == 3), "{heard_by:?}");
}

#[test]
fn what_cannot_be_played_is_refused() {
    let mut world = World::new();
    let mut wide = stream(caller_address(), 96);
    wide.send = vec![Codec::new(97, "opus", 48_000)];
    world.open(CALLER, CALLER_PORT, wide);
    world.command(Command::Play { termination: CALLER, music: MusicId(99) });
    world.command(Command::Play { termination: CALLER, music: TUNE });
    world.command(Command::Play { termination: AGENT, music: TUNE });
    let refusals: Vec<Refusal> = world
        .take_events()
        .into_iter()
        .map(|event| match event {
            Event::Refused { refusal, .. } => refusal,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(refusals, [Refusal::UnknownMusic, Refusal::NoG711, Refusal::UnknownTermination]);
    assert_eq!(world.relay.counts().playing, 0);
}
