use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn pair(capacity: usize) -> (Producer<u32>, Consumer<u32>) {
    ring(capacity, &Arc::new(Doorbell::for_thread()))
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Push,
    Offer,
    Pop,
    Drain(usize),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => Just(Action::Push),
        2 => Just(Action::Offer),
        3 => Just(Action::Pop),
        1 => (0..9usize).prop_map(Action::Drain),
    ]
}

proptest! {
    #[test]
    fn a_ring_is_a_bounded_line_that_loses_only_what_was_offered(
        capacity in 1..9usize,
        actions in proptest::collection::vec(action(), 0..200),
    ) {
        let (producer, consumer) = pair(capacity);
        let mut model: VecDeque<u32> = VecDeque::new();
        let mut dropped = 0;
        for (value, action) in (0u32..).zip(actions) {
            match action {
                Action::Push if model.len() < capacity => {
                    prop_assert_eq!(producer.push(value), Ok(()));
                    model.push_back(value);
                }
                Action::Push => prop_assert_eq!(producer.push(value), Err(value)),
                Action::Offer => {
                    producer.offer(value);
                    if model.len() < capacity { model.push_back(value) } else { dropped += 1 }
                }
                Action::Pop => prop_assert_eq!(consumer.pop(), model.pop_front()),
                Action::Drain(limit) => {
                    let mut taken = Vec::new();
                    let count = consumer.drain(limit, |value| taken.push(value));
                    let expected: Vec<u32> = model.drain(..limit.min(model.len())).collect();
                    prop_assert_eq!(count, expected.len());
                    prop_assert_eq!(taken, expected);
                }
            }
            prop_assert_eq!(consumer.is_empty(), model.is_empty());
            prop_assert_eq!(producer.dropped(), dropped);
        }
    }

    #[test]
    fn an_outbox_keeps_the_order_whatever_the_ring_does(
        capacity in 1..5usize,
        pops in proptest::collection::vec(0..4usize, 1..100),
    ) {
        let (producer, consumer) = pair(capacity);
        let lost = Arc::new(AtomicU64::new(0));
        let mut outbox = Outbox::new(producer, 1_000, Arc::clone(&lost));
        let mut seen = Vec::new();
        for (value, pops) in (0u32..).zip(&pops) {
            outbox.put(value);
            outbox.put(value + 1_000);
            outbox.flush();
            consumer.drain(*pops, |value| seen.push(value));
        }
        while !outbox.is_clear() || !consumer.is_empty() {
            outbox.flush();
            consumer.drain(capacity, |value| seen.push(value));
        }
        let expected: Vec<u32> = (0..pops.len() as u32).flat_map(|value| [value, value + 1_000]).collect();
        prop_assert_eq!(seen, expected);
        prop_assert_eq!(lost.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn an_outbox_whose_consumer_is_dead_counts_what_it_loses() {
    let (producer, consumer) = pair(2);
    let lost = Arc::new(AtomicU64::new(0));
    let mut outbox = Outbox::new(producer, 3, Arc::clone(&lost));
    for value in 0..10 {
        outbox.put(value);
    }
    outbox.flush();
    assert_eq!(lost.load(Ordering::Relaxed), 5);
    assert!(!outbox.is_clear());
    let mut seen = Vec::new();
    for _ in 0..5 {
        consumer.drain(2, |value| seen.push(value));
        outbox.flush();
    }
    assert_eq!(seen, [0, 1, 2, 3, 4]);
}

/// Two threads play ping-pong through rings and sleep after every value; a lost wake-up would leave both
/// asleep, which shows as a park that ran into its limit.
#[test]
fn no_wake_up_is_lost_between_threads() {
    const ROUNDS: u32 = 30_000;
    const LIMIT: Duration = Duration::from_secs(20);
    let (near, far) = (Arc::new(Doorbell::for_thread()), Arc::new(Doorbell::for_thread()));
    let (to_far, at_far) = ring::<u32>(4, &far);
    let (to_near, at_near) = ring::<u32>(4, &near);
    let echo = std::thread::spawn(move || {
        far.answer_here();
        let mut expected = 0;
        while expected < ROUNDS {
            match at_far.pop() {
                Some(value) => {
                    assert_eq!(value, expected);
                    expected += 1;
                    to_near.send(value).expect("the other side waits for this one");
                }
                None => far.park(Some(LIMIT), || at_far.is_empty()),
            }
        }
    });
    near.answer_here();
    let clock = crate::clock::Clock::start();
    for value in 0..ROUNDS {
        to_far.send(value).expect("the other side has taken the one before");
        while at_near.is_empty() {
            near.park(Some(LIMIT), || at_near.is_empty());
        }
        assert_eq!(at_near.pop(), Some(value));
    }
    echo.join().expect("the echo ends by itself");
    assert!(clock.uptime() < LIMIT, "a wake-up was lost: a thread slept until its limit");
}

#[test]
fn many_producers_into_one_thread_lose_nothing() {
    const EACH: u32 = 20_000;
    let doorbell = Arc::new(Doorbell::for_thread());
    let rings: Vec<_> = (0..3).map(|_| ring::<u32>(64, &doorbell)).collect();
    let (producers, consumers): (Vec<_>, Vec<_>) = rings.into_iter().unzip();
    let threads: Vec<_> = producers
        .into_iter()
        .map(|producer| {
            std::thread::spawn(move || {
                for mut value in 0..EACH {
                    while let Err(back) = producer.send(value) {
                        value = back;
                        std::thread::yield_now();
                    }
                }
            })
        })
        .collect();
    doorbell.answer_here();
    let mut next = [0u32; 3];
    while next.iter().any(|&next| next < EACH) {
        let mut taken = 0;
        for (consumer, next) in consumers.iter().zip(&mut next) {
            taken += consumer.drain(16, |value| {
                assert_eq!(value, *next);
                *next += 1;
            });
        }
        if taken == 0 {
            doorbell.park(Some(Duration::from_secs(20)), || consumers.iter().all(Consumer::is_empty));
        }
    }
    for thread in threads {
        thread.join().expect("a producer ends by itself");
    }
}

#[test]
fn a_task_is_woken_by_a_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers");
    let doorbell = Arc::new(Doorbell::for_task());
    let (producer, consumer) = ring::<u32>(8, &doorbell);
    let sender = std::thread::spawn(move || {
        for mut value in 0..1_000 {
            while let Err(back) = producer.send(value) {
                value = back;
                std::thread::yield_now();
            }
        }
    });
    runtime.block_on(async {
        let mut expected = 0;
        while expected < 1_000 {
            match consumer.pop() {
                Some(value) => {
                    assert_eq!(value, expected);
                    expected += 1;
                }
                None => doorbell.rest(|| consumer.is_empty()).await,
            }
        }
    });
    sender.join().expect("the sender ends by itself");
}

#[test]
fn a_backlog_that_is_raised_keeps_what_the_old_limit_would_have_lost() {
    let (producer, consumer) = pair(1);
    let lost = Arc::new(AtomicU64::new(0));
    let mut outbox = Outbox::new(producer, 1, Arc::clone(&lost));
    (0..2).for_each(|value| outbox.put(value));
    outbox.raise(3);
    outbox.raise(2);
    (2..5).for_each(|value| outbox.put(value));
    assert_eq!(
        lost.load(Ordering::Relaxed),
        1,
        "one in the ring, three in the backlog, the fifth has no room"
    );
    let mut taken = Vec::new();
    while let Some(value) = consumer.pop() {
        taken.push(value);
        outbox.flush();
    }
    assert_eq!(taken, [0, 1, 2, 3]);
}
