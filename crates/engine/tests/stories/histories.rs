//! Random callers, phones and delays of the rings between engine and distributor. Whatever crosses
//! whatever: at the end nothing is left, and the records count what the distributor counted.

use std::time::Duration;

use acd::{CallbackMode, CallbackRules, Exit, MaxWait, QueueSettings, Ring};
use engine::Treatment;
use proptest::prelude::*;

use crate::world::{BILLING, BUSY, MUSIC, Manner, NUMBER, OTHER, World};

fn manner() -> impl Strategy<Value = Manner> {
    prop_oneof![
        3 => (0..4_000u64).prop_map(Manner::Answers),
        1 => (prop::sample::select(vec![486u16, 603, 480, 503, 302]), 0..3_000u64)
            .prop_map(|(status, after)| Manner::Refuses(status, after)),
        2 => (0..3_000u64, 0..600u64).prop_map(|(after, stays)| Manner::Leaves(after, stays)),
        1 => Just(Manner::Ignores),
        1 => Just(Manner::Dead),
    ]
}

/// When a caller calls, and how long it stays.
fn caller() -> impl Strategy<Value = (u64, u64)> {
    (0..5_000u64, prop_oneof![0..300u64, 0..6_000u64, 5_000..30_000u64])
}

fn ring_delays() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(prop::sample::select(vec![0u64, 0, 1, 3, 40, 700, 2_500]), 1..4)
}

fn exit() -> impl Strategy<Value = Option<Exit>> {
    prop::sample::select(vec![
        None,
        Some(Exit::Leave(BUSY)),
        Some(Exit::Leave(NUMBER)),
        Some(Exit::Queue(OTHER)),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_books_agree_whatever_crosses_whatever(
        agents in prop::collection::vec(manner(), 0..4),
        callers in prop::collection::vec(caller(), 1..8),
        delays in ring_delays(),
        music: bool,
        exit in exit(),
        max_wait in 500..6_000u64,
        ring_timeout in 200..4_000u64,
        ring in (1..4u8, prop::sample::select(vec![0u64, 700])),
        seed: u64,
    ) {
        let treatment = if music { Treatment::Music(MUSIC) } else { Treatment::Ringback };
        let mut world = World::with(treatment, acd::Settings::default(), seed);
        let max_wait = exit.map(|exit| MaxWait { after: Duration::from_millis(max_wait), exit });
        let ring_timeout = Duration::from_millis(ring_timeout);
        let ring = Ring { most: ring.0, every: Duration::from_millis(ring.1) };
        world.define(BILLING, QueueSettings { max_wait, ring_timeout, ring, ..QueueSettings::default() });
        world.delays = delays;
        for (number, manner) in (1..).zip(agents) {
            world.agent(number, manner);
        }
        world.peer("10.2.0.1", Manner::Answers(1_000));
        for (number, (at, stays)) in callers.into_iter().enumerate() {
            let caller = world.peer(&format!("10.0.0.{}", number + 2), Manner::ByHand);
            world.plan_call(caller, at, Some(stays));
        }
        world.run(60_000);
        world.assert_nothing_left();
    }

    #[test]
    fn all_books_agree_also_of_those_who_are_called_back(
        agents in prop::collection::vec(manner(), 0..4),
        customer in manner(),
        callers in prop::collection::vec(caller(), 1..6),
        callbacks in prop::collection::vec(0..9_000u64, 1..6),
        delays in ring_delays(),
        music: bool,
        exit in exit(),
        customer_first: bool,
        times in (200..4_000u64, 200..4_000u64, 500..6_000u64, prop::sample::select(vec![0u64, 3_000])),
        ends in prop::sample::select(vec![None, Some(8_000u64), Some(20_000)]),
        seed: u64,
    ) {
        let (ring_timeout, call_timeout, max_wait, delay) = times;
        let treatment = if music { Treatment::Music(MUSIC) } else { Treatment::Ringback };
        let mut world = World::with(treatment, acd::Settings::default(), seed);
        let max_wait = exit.map(|exit| MaxWait { after: Duration::from_millis(max_wait), exit });
        let ring_timeout = Duration::from_millis(ring_timeout);
        let mode = if customer_first { CallbackMode::CustomerFirst } else { CallbackMode::AgentFirst };
        let callback = Some(CallbackRules {
            mode,
            attempts: 2,
            spacing: Duration::from_secs(5),
            delay: Duration::from_millis(delay),
            call_timeout: Duration::from_millis(call_timeout),
            keep: Duration::from_secs(60),
            ..CallbackRules::default()
        });
        world.define(BILLING, QueueSettings { max_wait, ring_timeout, callback, ..QueueSettings::default() });
        world.delays = delays;
        for (number, manner) in (1..).zip(agents) {
            world.agent(number, manner);
        }
        world.peer("10.2.0.1", customer);
        for (number, (at, stays)) in callers.into_iter().enumerate() {
            let caller = world.peer(&format!("10.0.0.{}", number + 2), Manner::ByHand);
            world.plan_call(caller, at, Some(stays));
        }
        callbacks.into_iter().for_each(|at| world.plan_callback(at));
        if let Some(ends) = ends {
            world.run(ends);
            world.engine.drain();
        }
        world.run(120_000);
        // Nobody hangs up who was called back.
        world.engine.hang_up_all(world.now);
        world.assert_nothing_left();
    }
}
