//! What happens at the bounds, and nothing leaks there.

use b2bua::{Event, HangUp, Settings};
use media::PortPoolSettings;

use crate::world::{ATTEMPT, MUSIC, World, audio, settings};

fn with_ports(pairs: u16) -> World {
    let ports =
        PortPoolSettings { first: 20_000, last: 20_000 + 2 * pairs - 1, ..PortPoolSettings::default() };
    World::with(Settings { ports, ..settings() })
}

#[test]
fn a_call_for_which_no_port_is_left_is_refused_at_once() {
    let mut world = with_ports(1);
    let (first, second) = (world.peer("10.0.0.2"), world.peer("10.0.0.3"));
    let offer = audio(world.ear(first));
    let (session, call) = world.call(first, Some(&offer));
    for offer in [Some(audio(world.ear(second))), None] {
        world.invite(second, offer.as_deref());
        world.run(100);
        let sip::Event::Failed { status, retry_after, .. } = world.hear(second) else {
            panic!("not refused")
        };
        assert_eq!((status, retry_after.map(|after| after.as_secs())), (503, Some(5)));
    }
    assert_eq!(world.event(), None);
    world.cancel(first, session);
    assert_eq!(world.cause(call), Some(HangUp::Abandoned));
    let offer = audio(world.ear(second));
    let (session, _) = world.call(second, Some(&offer));
    world.cancel(second, session);
    world.assert_nothing_left();
}

#[test]
fn an_agent_is_not_blamed_for_our_want_of_ports() {
    for music in [false, true] {
        let mut world = with_ports(1);
        let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
        let offer = audio(world.ear(caller));
        let (_, call) = world.call(caller, Some(&offer));
        if music {
            world.b2bua.play(world.now, call, MUSIC).unwrap();
            world.run(30);
        }
        assert_eq!(world.b2bua.dial(world.now, call, ATTEMPT, &world.dialled(&[phone])), Ok(()));
        assert_eq!(world.event(), Some(Event::HungUp { call, cause: HangUp::NoPort }));
        world.run(100);
        assert_eq!(world.sent("SIP/2.0 503", world.at(caller)), usize::from(!music));
        assert_eq!(world.sent("BYE", world.at(caller)), usize::from(music));
        assert_eq!(world.sent("INVITE", world.at(phone)), 0);
        world.assert_nothing_left();
    }
}

#[test]
fn a_port_that_the_system_refuses_costs_the_call_and_stays_out_of_use() {
    let mut world = with_ports(4);
    world.sockets_fail = true;
    let caller = world.peer("10.0.0.2");
    let offer = audio(world.ear(caller));
    let (_, call) = world.call(caller, Some(&offer));
    world.b2bua.play(world.now, call, MUSIC).unwrap();
    world.run(1_000);
    assert_eq!(world.cause(call), Some(HangUp::NoPort));
    assert_eq!(world.counts().ports.quarantined, 1);
    assert_eq!(world.counts().ports.free, 3);
    world.sockets_fail = false;
    world.assert_nothing_left();
}

#[test]
fn one_call_more_than_allowed_is_told_when_to_try_again() {
    let mut world = World::with(Settings { calls_max: 1, ..settings() });
    let (first, second) = (world.peer("10.0.0.2"), world.peer("10.0.0.3"));
    let offer = audio(world.ear(first));
    let (session, _) = world.call(first, Some(&offer));
    world.invite(second, Some(&offer));
    world.run(100);
    assert!(matches!(world.hear(second), sip::Event::Failed { status: 503, retry_after: Some(_), .. }));
    world.cancel(first, session);
    world.assert_nothing_left();
}

#[test]
fn a_relay_that_has_no_room_ends_the_call_and_nothing_leaks() {
    let mut world = World::new();
    let full = media::Settings { terminations: 1, ..media::Settings::default() };
    world.relay = media::Relay::new(full, [4; 32]);
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    let offer = audio(world.ear(caller));
    let (_, call) = world.call(caller, Some(&offer));
    world.dial(call, ATTEMPT, &[phone]);
    let (session, _) = world.rung(phone);
    let answer = audio(world.ear(phone));
    world.accept(phone, session, Some(&answer));
    // The phone's termination is there; the caller's is refused, and the connection with it.
    let connected = world.b2bua.connect(world.now, call, ATTEMPT);
    assert!(connected.is_ok());
    world.run(1_000);
    assert_eq!(world.cause(call), Some(HangUp::NoPort));
    world.assert_nothing_left();
}

#[test]
fn two_who_share_no_codec_do_not_stay_on_the_line() {
    let mut world = World::new();
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    let offer = audio(world.ear(caller));
    let (_, call) = world.call(caller, Some(&offer));
    world.dial(call, ATTEMPT, &[phone]);
    let (session, _) = world.rung(phone);
    let answer = crate::world::description(world.ear(phone), "RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n");
    world.accept(phone, session, Some(&answer));
    let _ = world.b2bua.connect(world.now, call, ATTEMPT);
    world.run(40_000);
    assert!(world.cause(call).is_some());
    world.assert_nothing_left();
}

#[test]
fn music_that_nobody_knows_is_silence_and_no_failure() {
    let mut world = World::new();
    let caller = world.peer("10.0.0.2");
    let offer = audio(world.ear(caller));
    let (session, call) = world.call(caller, Some(&offer));
    world.b2bua.play(world.now, call, media::MusicId(77)).unwrap();
    world.run(1_000);
    assert_eq!(world.cause(call), None);
    world.bye(caller, session);
    world.assert_nothing_left();
}
