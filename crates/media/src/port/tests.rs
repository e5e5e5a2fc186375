use proptest::prelude::*;

use super::*;

fn pool(first: u16, last: u16) -> PortPool {
    PortPool::new(&PortPoolSettings { first, last, quarantine: Duration::from_secs(60) })
}

#[test]
fn pairs_are_even_with_the_rtcp_port_in_the_range() {
    let mut odd = pool(20_001, 20_006);
    let all: Vec<u16> = std::iter::from_fn(|| odd.allocate(Instant::ORIGIN)).map(|port| port.0).collect();
    assert_eq!(all, [20_002, 20_004]);
    assert_eq!(pool(20_000, 20_000).allocate(Instant::ORIGIN), None);
    assert_eq!(pool(65_534, 65_535).allocate(Instant::ORIGIN), Some(LocalPort(65_534)));
    assert_eq!(pool(9, 3).counts(), PoolCounts::default());
}

#[test]
fn the_pair_returned_last_is_given_out_last() {
    let mut pool = pool(20_000, 20_005);
    let first = pool.allocate(Instant::ORIGIN).unwrap();
    assert!(pool.release(first));
    let order: Vec<u16> = std::iter::from_fn(|| pool.allocate(Instant::ORIGIN)).map(|port| port.0).collect();
    assert_eq!(order, [20_002, 20_004, 20_000]);
}

#[test]
fn a_refused_pair_stays_away_until_its_quarantine_ends() {
    let mut pool = pool(20_000, 20_001);
    let port = pool.allocate(Instant::ORIGIN).unwrap();
    assert!(pool.quarantine(Instant::from_secs(1), port));
    assert!(!pool.release(port), "it is returned once");
    assert_eq!(pool.allocate(Instant::from_secs(60)), None);
    assert_eq!(pool.allocate(Instant::from_secs(61)), Some(port));
}

#[derive(Clone, Debug)]
enum Step {
    Allocate,
    Release(usize),
    Quarantine(usize),
    ReleaseStranger(u16),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Allocate),
        3 => any::<usize>().prop_map(Step::Release),
        1 => any::<usize>().prop_map(Step::Quarantine),
        1 => any::<u16>().prop_map(Step::ReleaseStranger),
        1 => (0..100u64).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn no_pair_is_given_out_twice_and_none_is_lost(steps in proptest::collection::vec(step(), 1..200)) {
        let mut pool = pool(20_000, 20_019);
        let mut held = BTreeSet::new();
        let mut now = Instant::ORIGIN;
        for step in steps {
            match step {
                Step::Allocate => match pool.allocate(now) {
                    Some(port) => {
                        prop_assert!(!port.is_rtcp() && (20_000..20_020).contains(&port.0));
                        prop_assert!(held.insert(port), "given out twice");
                    }
                    None => prop_assert_eq!(pool.counts().free, 0),
                },
                Step::Release(pick) | Step::Quarantine(pick) if !held.is_empty() => {
                    let port = *held.iter().nth(pick % held.len()).unwrap();
                    held.remove(&port);
                    let returned = match step {
                        Step::Quarantine(_) => pool.quarantine(now, port),
                        _ => pool.release(port),
                    };
                    prop_assert!(returned);
                    prop_assert!(!pool.release(port));
                }
                Step::Release(_) | Step::Quarantine(_) => {}
                Step::ReleaseStranger(port) => {
                    let port = LocalPort(port);
                    if !held.contains(&port) {
                        prop_assert!(!pool.release(port));
                    }
                }
                Step::Wait(secs) => now += Duration::from_secs(secs),
            }
            let counts = pool.counts();
            prop_assert_eq!(counts.in_use, held.len());
            prop_assert_eq!(counts.free + counts.in_use + counts.quarantined, 10);
        }
    }
}

#[test]
fn each_call_that_is_let_in_has_a_second_pair_coming() {
    let mut pool = pool(20_000, 20_011);
    let now = Instant::ORIGIN;
    let mut calls = 0;
    while pool.has_room_beside(now, calls) {
        assert!(pool.allocate(now).is_some());
        calls += 1;
    }
    assert_eq!((calls, pool.counts().free), (3, 3), "one for the other end of each");
    assert!(self::pool(20_000, 20_001).has_room_beside(now, 0), "nobody is owed anything yet");
}
