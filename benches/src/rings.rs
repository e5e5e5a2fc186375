//! The distributor on a thread of its own, as in the product: commands cross a bounded ring, offers cross back.
//!
//! The rings are those of `server` (crossbeam's `ArrayQueue`, one for each producing thread, drained in a fixed
//! rotation, up to [`TURN`] commands of each, one reading of the clock a turn) and so is the way to sleep: announce
//! it, look once more, park (`docs/decisions/0030-threads-and-rings.md`). They are written again here in the few
//! lines that it takes, because the product's own come with its sockets and its runtime.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::thread::Thread;
use std::time::{Duration, Instant};

use acd::{Command, Distributor};
use crossbeam::queue::ArrayQueue;
use crossbeam::utils::CachePadded;

use crate::conditions::{Watch, pin, process_cpu};
use crate::load::Purpose;
use crate::pace::{HOLE, Paced, Plan, Sample, WINDOW};
use crate::throughput::{Throughput, measure};
use crate::{Engine, Load, Offer, Random};

/// Commands that fit into a ring.
const CAPACITY: usize = 4_096;
/// Commands of one ring in a turn.
pub const TURN: usize = 256;
/// Commands under way at once where there is no schedule.
const UNDER_WAY_MAX: u64 = 512;

/// What the distributor's thread does when its rings are empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Looks again at once.
    Spins,
    /// Parks until it is woken, as in the product.
    Sleeps,
}

/// What came of a run: the same commands, measured at two places.
#[derive(Clone, Debug)]
pub struct Crossing {
    /// From the time to send until the distributor's thread had made the offer.
    pub decided: Paced,
    /// From the time to send until the sender heard of it.
    pub heard: Paced,
}

struct Sent {
    command: Command,
    purpose: Purpose,
    due: Instant,
}

#[derive(Clone, Copy)]
struct Heard {
    offer: Offer,
    purpose: Purpose,
    due: Instant,
    decided: Instant,
}

struct Shared {
    /// The second is the ring of another producer, who has nothing to say: the rotation looks at it.
    commands: [ArrayQueue<Sent>; 2],
    offers: ArrayQueue<Heard>,
    /// Commands carried out.
    done: CachePadded<AtomicU64>,
    /// Holes in the distributor's thread while it had nothing to do.
    holes: CachePadded<AtomicU64>,
    asleep: CachePadded<AtomicBool>,
    over: AtomicBool,
}

impl Shared {
    fn new() -> Shared {
        Shared {
            commands: [ArrayQueue::new(CAPACITY), ArrayQueue::new(CAPACITY)],
            offers: ArrayQueue::new(CAPACITY),
            done: CachePadded::default(),
            holes: CachePadded::default(),
            asleep: CachePadded::default(),
            over: AtomicBool::new(false),
        }
    }

    fn is_idle(&self) -> bool {
        self.commands.iter().all(ArrayQueue::is_empty) && !self.over.load(Ordering::Acquire)
    }

    fn wake(&self, thread: &Thread) {
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::SeqCst) {
            thread.unpark();
        }
    }
}

/// The owner of the distributor.
fn serve(shared: &Shared, distributor: &mut Distributor, start: timing::Instant, rest: Rest) {
    let begin = Instant::now();
    let mut offers: Vec<Offer> = Vec::with_capacity(8);
    let mut before: Option<Instant> = None;
    while !shared.over.load(Ordering::Acquire) {
        let mut taken = 0;
        let turn = Instant::now();
        let now = start + (turn - begin);
        for ring in &shared.commands {
            for _ in 0..TURN {
                let Some(Sent { command, purpose, due }) = ring.pop() else { break };
                distributor.give(now, command, &mut offers);
                let decided = Instant::now();
                for offer in offers.drain(..) {
                    let heard = Heard { offer, purpose, due, decided };
                    assert!(shared.offers.push(heard).is_ok(), "the sender listens while it waits");
                }
                taken += 1;
            }
        }
        distributor.run_due(now, &mut offers);
        for offer in offers.drain(..) {
            let heard = Heard { offer, purpose: Purpose::Wait, due: turn, decided: Instant::now() };
            assert!(shared.offers.push(heard).is_ok(), "the sender listens while it waits");
        }
        if taken > 0 {
            shared.done.fetch_add(taken, Ordering::Release);
            before = None;
            continue;
        }
        match rest {
            Rest::Spins => {
                if before.is_some_and(|before| turn - before > HOLE) {
                    shared.holes.fetch_add(1, Ordering::Relaxed);
                }
                before = Some(turn);
            }
            Rest::Sleeps => {
                shared.asleep.store(true, Ordering::SeqCst);
                fence(Ordering::SeqCst);
                if shared.is_idle() {
                    std::thread::park();
                }
                shared.asleep.store(false, Ordering::SeqCst);
            }
        }
    }
}

/// Runs `send` on this thread beside the distributor's, each on a core of its own.
fn beside<R>(
    distributor: &mut Distributor,
    start: timing::Instant,
    rest: Rest,
    send: impl FnOnce(&Shared, &Thread, &Watch) -> R,
) -> R {
    let shared = &Shared::new();
    std::thread::scope(|scope| {
        let (tell, told) = crossbeam::channel::bounded(1);
        let matcher = scope.spawn(move || {
            pin(1);
            let introduced = tell.send(Watch::this_thread());
            introduced.expect("the sender waits for it");
            serve(shared, distributor, start, rest);
        });
        pin(0);
        let watch = told.recv().expect("the thread introduces itself");
        let result = send(shared, matcher.thread(), &watch);
        shared.over.store(true, Ordering::Release);
        matcher.thread().unpark();
        matcher.join().expect("the load is legal");
        result
    })
}

/// Sends on a schedule from this thread.
pub fn paced(
    distributor: &mut Distributor,
    load: &mut Load,
    start: timing::Instant,
    plan: Plan,
    rest: Rest,
) -> Crossing {
    beside(distributor, start, rest, |shared, thread, matcher| {
        let sender = Watch::this_thread();
        let mut random = Random::new(5);
        let mut crossing = Crossing { decided: Paced::new(), heard: Paced::new() };
        let mut window = Window { shared, thread, load, sent: 0, decided: Vec::new(), heard: Vec::new() };
        let begin = Instant::now();
        while begin.elapsed() < plan.duration {
            let counted = begin.elapsed() >= plan.duration / 10;
            let before = (sender.read(), matcher.read(), shared.holes.load(Ordering::Relaxed));
            let opened = Instant::now();
            let hole = window.run(plan.rate, &mut random);
            let wall = opened.elapsed();
            // A thread that sleeps is scheduled at every command: only the sender's stillness can be asked for.
            let still = match rest {
                Rest::Spins => {
                    (sender.read(), matcher.read(), shared.holes.load(Ordering::Relaxed)) == before
                }
                Rest::Sleeps => sender.read() == before.0,
            };
            if counted {
                let quiet = still && hole <= HOLE;
                crossing.decided.add(&window.decided, quiet);
                crossing.heard.add(&window.heard, quiet);
                crossing.decided.wall += wall;
                crossing.heard.wall += wall;
            }
        }
        crossing
    })
}

struct Window<'a> {
    shared: &'a Shared,
    thread: &'a Thread,
    load: &'a mut Load,
    sent: u64,
    decided: Vec<Sample>,
    heard: Vec<Sample>,
}

impl Window<'_> {
    /// Sends for one window and waits until all is answered; the longest hole while waiting for a time to send.
    fn run(&mut self, rate: u32, random: &mut Random) -> Duration {
        self.decided.clear();
        self.heard.clear();
        let gap = 1e9 / f64::from(rate);
        let mut hole = Duration::ZERO;
        let opened = Instant::now();
        let mut due = opened + Duration::from_nanos(random.exponential(gap) as u64);
        while due < opened + WINDOW {
            let mut now = Instant::now();
            while now < due {
                self.listen();
                let next = Instant::now();
                hole = hole.max(next - now);
                now = next;
            }
            let (command, purpose) = self.load.command();
            self.send(Sent { command, purpose, due });
            due += Duration::from_nanos(random.exponential(gap) as u64);
        }
        while self.shared.done.load(Ordering::Acquire) < self.sent {
            self.listen();
        }
        self.listen();
        hole
    }

    fn send(&mut self, sent: Sent) {
        let mut refused = self.shared.commands[0].push(sent);
        while let Err(sent) = refused {
            self.listen();
            refused = self.shared.commands[0].push(sent);
        }
        self.shared.wake(self.thread);
        self.sent += 1;
    }

    fn listen(&mut self) {
        while let Some(Heard { offer, purpose, due, decided }) = self.shared.offers.pop() {
            let sample = |until: Instant| Sample::Command {
                purpose,
                offered: true,
                nanos: (until - due).as_nanos() as u64,
                cost: 0,
            };
            self.decided.push(sample(decided));
            self.heard.push(sample(Instant::now()));
            self.load.hear(&mut vec![offer]);
        }
    }
}

/// Sends as fast as the distributor's thread answers.
pub fn closed(
    distributor: &mut Distributor,
    load: &mut Load,
    start: timing::Instant,
    duration: Duration,
) -> Throughput {
    let cpu = process_cpu();
    let mut throughput = beside(distributor, start, Rest::Spins, |shared, _, _| {
        let mut sent = 0;
        let mut offers: Vec<Offer> = Vec::with_capacity(CAPACITY);
        measure(duration, || {
            let mut matches = 0;
            for _ in 0..TURN {
                while sent - shared.done.load(Ordering::Acquire) >= UNDER_WAY_MAX {
                    std::hint::spin_loop();
                }
                while let Some(heard) = shared.offers.pop() {
                    offers.push(heard.offer);
                    matches += 1;
                }
                load.hear(&mut offers);
                let (command, purpose) = load.command();
                let pushed = shared.commands[0].push(Sent { command, purpose, due: Instant::now() });
                assert!(pushed.is_ok(), "less than the capacity is under way");
                sent += 1;
            }
            matches
        })
    });
    // Both threads, spinning included.
    throughput.cpu = process_cpu() - cpu;
    throughput
}
