//! What the threads do: producers with a ring each, one consumer that drains them in a fixed rotation, sleeps when all are
//! empty, and ends when it has everything.

use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;
use loom::thread;

use super::doorbell::Doorbell;
use super::ring::{Consumer, Outbox, Producer, ring};

/// Values of each producer.
const EACH: usize = 2;

/// Takes what comes in rotation, at most one of each ring in a turn, until everything is there.
fn consume(doorbell: &Doorbell, consumers: &[Consumer<usize>], each: usize) {
    let mut next = vec![0; consumers.len()];
    while next.iter().any(|&next| next < each) {
        let mut taken = 0;
        for (consumer, next) in consumers.iter().zip(&mut next) {
            taken += consumer.drain(1, |value| {
                assert_eq!(value, *next, "in order, each once");
                *next += 1;
            });
        }
        if taken == 0 {
            doorbell.park(|| consumers.iter().all(Consumer::is_empty));
        }
    }
}

fn send_all(producer: &Producer<usize>, each: usize) {
    for mut value in 0..each {
        while let Err(back) = producer.send(value) {
            value = back;
            // Every loop that waits lets the others go on, or the model never gets to see what they do.
            thread::yield_now();
        }
    }
}

/// So many producers, rings of that capacity.
fn producers(count: usize, capacity: usize, each: usize) {
    let doorbell = Arc::new(Doorbell::for_thread());
    let (producers, consumers): (Vec<_>, Vec<_>) = (0..count).map(|_| ring(capacity, &doorbell)).unzip();
    let threads: Vec<_> = producers
        .into_iter()
        .map(|producer| thread::spawn(move || send_all(&producer, each)))
        .collect();
    consume(&doorbell, &consumers, each);
    threads.into_iter().for_each(|thread| thread.join().expect("a producer ends by itself"));
}

pub fn one_producer() {
    producers(1, 2, EACH);
}

pub fn one_producer_in_a_ring_that_is_too_small() {
    producers(1, 1, EACH);
}

pub fn two_producers() {
    producers(2, 1, 1);
}

/// Values that must not be lost, through a backlog, and a bell for all of a turn together.
pub fn an_outbox() {
    let doorbell = Arc::new(Doorbell::for_thread());
    let (producer, consumer) = ring(1, &doorbell);
    let thread = thread::spawn(move || {
        let mut outbox = Outbox::new(producer, EACH, Arc::new(AtomicU64::new(0)));
        (0..EACH).for_each(|value| outbox.put(value));
        outbox.flush();
        while !outbox.is_clear() {
            thread::yield_now();
            outbox.flush();
        }
    });
    consume(&doorbell, &[consumer], EACH);
    thread.join().expect("the outbox empties");
}
