//! The distributor's place: whatever runs it is the only thread that ever touches the [`Distributor`]. That is the engine's
//! thread, or one of its own where the agents are many (docs/decisions/0033-one-thread-or-two.md).

use std::sync::Arc;
use std::time::Duration;

use acd::{AgentId, AgentSnapshot, Command, Distributor, Event, Refusal};
use arc_swap::ArcSwap;
use engine::Engine;
use hours::Turn;
use report::{Names, Reporter};
use timing::Instant;
use tokio::sync::oneshot;
use tracing::info;

use super::BATCH;
use super::look::{LOOKS_PER_TURN, Look};
use crate::clock::{Clock, Wall};
use crate::doors::{Door, Doors, Hours, Leads};
use crate::published::Published;
use crate::ring::{Consumer, Outbox};
use crate::worker::Link;

/// How often the state is published at most. It is published only after something has changed.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(250);

/// Publishing takes one part in so many of the thread's time at most, as long as that lets it come once in
/// [`PUBLISH_INTERVAL_MAX`]: where the agents are so many that a picture of them takes long, it is made less often.
const PUBLISH_SHARE: u32 = 50;

/// How often the state is published at least after changes, however long that took: it may have been another program that
/// had our core.
const PUBLISH_INTERVAL_MAX: Duration = Duration::from_secs(5);

/// How long we go without a look at the wall clock while queues keep hours: it may be set, and a machine that slept
/// wakes up hours later. Whatever it shows then holds after this time at the latest.
const LOOK_AT_WALL: Duration = Duration::from_secs(1);

/// Commands of one turn are left for the next after so long: some look at every agent, and on a shared thread signalling
/// waits meanwhile.
const COMMANDS_TIME: Duration = Duration::from_millis(1);

/// Turns that may be needed to take what is left when the end comes.
const LAST_TURNS: usize = 64;

/// What the shell says. Names and changes of queues and agents are no orders: they come through the engine, in
/// the order in which calls and log-ins depend on them.
#[derive(Debug)]
pub enum Order {
    /// A day has begun.
    NewDay,
}

/// What somebody asks by HTTP.
#[derive(Debug)]
pub enum Ask {
    /// To look.
    Look(Look<Distributor>),
    /// To do something for an agent, and how the agent is then.
    Tell {
        /// The agent.
        agent: AgentId,
        /// The command.
        command: Command,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<AgentSnapshot, Refusal>>,
    },
    /// To change an interaction.
    Change {
        /// The command.
        command: Command,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<(), Refusal>>,
        /// A look at the engine, which has heard by then of all that followed.
        then: Look<Engine>,
    },
}

/// What the engine's thread is told, in this order.
#[derive(Debug)]
pub enum Told {
    /// What happened.
    Event(Event),
    /// To let somebody look who wants to see what came of all before.
    Look(Look<Engine>),
    /// A day has begun.
    NewDay,
}

/// What the engine's thread says, in its order.
#[derive(Debug)]
pub enum Sent {
    /// A command.
    Command {
        /// When it was put into the ring.
        at: Instant,
        /// The command itself.
        command: Command,
    },
    /// The commands of a new configuration follow: their figures need its names.
    Reload {
        /// What queues, agents and reasons are called.
        names: Box<Names>,
        /// What the backlog of events may hold.
        backlog: usize,
        /// When queues are open.
        hours: Box<Hours>,
    },
}

/// Everything that belongs to the distributor.
#[derive(Debug)]
pub struct Distribution {
    /// The clock.
    pub clock: Clock,
    /// The clock on the wall.
    pub wall: Wall,
    /// The machine.
    pub distributor: Distributor,
    /// Which queues are open.
    pub doors: Doors,
    /// From the shell.
    pub orders: Consumer<Order>,
    /// From whoever asks by HTTP.
    pub asks: Consumer<Ask>,
    /// From the engine.
    pub commands: Consumer<Sent>,
    /// To the engine.
    pub events: Outbox<Told>,
    /// What readers see.
    pub published: Arc<ArcSwap<Published>>,
    /// Figures.
    pub reporter: Reporter,
    /// When it looks and publishes next.
    pub rhythm: Rhythm,
}

/// When the distributor's place looks at the wall clock and publishes next, and what it measures meanwhile.
#[derive(Debug)]
pub struct Rhythm {
    next_look: Instant,
    next_publication: Instant,
    /// Something has changed since the last publication.
    is_news: bool,
    /// When the commands of this turn set out.
    set_out: Vec<Instant>,
}

impl Rhythm {
    /// Everything is due.
    pub fn new(now: Instant) -> Rhythm {
        Rhythm { next_look: now, next_publication: now, is_news: false, set_out: Vec::with_capacity(BATCH) }
    }
}

impl Distribution {
    /// On a thread of its own: turns until the link says stop.
    pub fn run(mut self, link: &Link) {
        self.begin();
        while !link.must_stop() {
            if self.turn(link) == 0 {
                link.doorbell().park(self.rest(), || self.is_idle(link));
            }
        }
        self.finish(link);
    }

    /// Before the first turn, and before any queue is there: each is opened or closed as soon as it is.
    pub fn begin(&mut self) {
        self.look_at_wall(self.clock.now());
    }

    /// Looks once into every ring and does what is there and what is due. How much that was.
    pub fn turn(&mut self, link: &Link) -> usize {
        let question = link.question();
        let now = self.clock.now();
        let mut taken = self.take_orders(now);
        if self.events.is_clear() {
            if self.doors.is_needed() && self.rhythm.next_look <= now {
                taken += self.look_at_wall(now);
            }
            taken += self.take_asks(now);
        }
        taken += self.decide(now);
        // Who asks wants figures that are new.
        self.rhythm.is_news |= taken > 0 || !link.has_answered(question);
        if self.rhythm.is_news && self.rhythm.next_publication <= now {
            let begun = self.clock.now();
            self.publish(begun);
            let took = self.clock.now().since(begun);
            let pause = (took * PUBLISH_SHARE).clamp(PUBLISH_INTERVAL, PUBLISH_INTERVAL_MAX);
            self.rhythm.next_publication = begun + pause;
            self.rhythm.is_news = false;
        }
        link.answer(question);
        taken
    }

    /// Takes what is on the path of a call and nothing else: commands, and deadlines that have come. How much that was.
    pub fn decide(&mut self, now: Instant) -> usize {
        let mut taken = 0;
        if self.events.is_clear() {
            taken += self.take_commands(now);
            taken += self.take_deadline(now);
        }
        if taken > 0 {
            self.rhythm.is_news = true;
            self.reporter.flush(now);
        }
        self.events.flush();
        taken
    }

    /// After a turn that found nothing: how long until something is due, however quiet the rings are.
    pub fn rest(&self) -> Option<Duration> {
        let deadlines = [
            Some(self.rhythm.next_look).filter(|_| self.doors.is_needed() && self.events.is_clear()),
            self.distributor.poll_timeout().filter(|_| self.events.is_clear()),
            self.rhythm.is_news.then_some(self.rhythm.next_publication),
        ];
        let limit = deadlines.into_iter().flatten().min().map(|deadline| self.clock.until(deadline));
        if self.events.is_clear() {
            return limit;
        }
        Some(limit.map_or(Outbox::<Told>::RETRY, |limit| limit.min(Outbox::<Told>::RETRY)))
    }

    /// Whether nobody wants anything. With a backlog the engine's commands are left where they are; they must not keep a
    /// thread awake.
    pub fn is_idle(&self, link: &Link) -> bool {
        let nothing_taken = !self.events.is_clear() || (self.commands.is_empty() && self.asks.is_empty());
        link.is_quiet() && self.orders.is_empty() && nothing_taken
    }

    /// At the end: takes what was said before it, lets readers see how it ended, and leaves nobody waiting for an answer.
    pub fn finish(&mut self, link: &Link) {
        for _ in 0..LAST_TURNS {
            if self.turn(link) == 0 {
                break;
            }
        }
        self.publish(self.clock.now());
        while self.asks.pop().is_some() {}
    }

    fn take_orders(&mut self, now: Instant) -> usize {
        let mut taken = 0;
        while let Some(order) = self.orders.pop() {
            match order {
                Order::NewDay => {
                    self.reporter.new_day(now);
                    self.events.put(Told::NewDay);
                }
            }
            taken += 1;
        }
        taken
    }

    fn take_asks(&mut self, now: Instant) -> usize {
        for taken in 0..LOOKS_PER_TURN {
            match self.asks.pop() {
                None => return taken,
                Some(Ask::Look(look)) => look.at(&self.distributor),
                Some(Ask::Change { command, reply, then }) => {
                    let done = self.distributor.handle_command(now, command);
                    self.carry_out(now);
                    // Who asked may have given up.
                    let _: Result<(), _> = reply.send(done);
                    self.events.put(Told::Look(then));
                }
                Some(Ask::Tell { agent, command, reply }) => {
                    let done = self.distributor.handle_command(now, command);
                    self.carry_out(now);
                    let seen = self.distributor.agent_snapshot(agent).ok_or(Refusal::UnknownAgent(agent));
                    // Who asked may have given up.
                    let _: Result<(), _> = reply.send(done.and(seen));
                }
            }
        }
        LOOKS_PER_TURN
    }

    /// Opens and closes what the wall clock says, and finds out when to look again. How many turned.
    fn look_at_wall(&mut self, now: Instant) -> usize {
        let (turns, doors) = self.doors.look(self.wall.now());
        let turned = turns.len() + doors.len();
        for Turn { calendar, open, until } in turns {
            let until = until.map_or_else(|| "not in sight".to_owned(), |until| until.to_string());
            info!(calendar, until, "a calendar is {}", if open { "open" } else { "closed" });
        }
        doors.into_iter().for_each(|door| self.move_door(now, door));
        let next = self.doors.poll_timeout().map_or(LOOK_AT_WALL, |at| self.wall.until(at));
        self.rhythm.next_look = now + next.min(LOOK_AT_WALL);
        turned
    }

    fn move_door(&mut self, now: Instant, Door { queue, leads, open }: Door) {
        let command = match leads {
            Leads::Into => Command::SetOpen { queue, open },
            Leads::Back => Command::SetCallbackWindow { queue, open },
        };
        self.distributor.apply(now, command);
        self.carry_out(now);
    }

    fn take_commands(&mut self, now: Instant) -> usize {
        let mut taken = 0;
        while taken < BATCH
            && let Some(sent) = self.commands.pop()
        {
            match sent {
                Sent::Command { at, command } => {
                    self.apply(now, command);
                    self.rhythm.set_out.push(at);
                }
                Sent::Reload { names, backlog, hours } => {
                    self.reporter.set_names(&names);
                    self.events.raise(backlog);
                    self.doors.replace(*hours);
                    self.look_at_wall(now);
                }
            }
            taken += 1;
            if self.clock.now().since(now) >= COMMANDS_TIME {
                break;
            }
        }
        if self.rhythm.set_out.is_empty() {
            return taken;
        }
        self.events.flush();
        let done = self.clock.now();
        for at in self.rhythm.set_out.drain(..) {
            self.reporter.observe_latency(done.since(at));
        }
        taken
    }

    /// A queue that is new takes nobody before it was opened or closed.
    fn apply(&mut self, now: Instant, command: Command) {
        let defined = if let Command::DefineQueue { queue, .. } = command { Some(queue) } else { None };
        if let Command::RemoveQueue { queue, .. } = command {
            self.doors.removed(queue);
        }
        self.distributor.apply(now, command);
        self.carry_out(now);
        for door in defined.map(|queue| self.doors.defined(queue)).unwrap_or_default() {
            self.move_door(now, door);
        }
    }

    fn take_deadline(&mut self, now: Instant) -> usize {
        if self.distributor.poll_timeout().is_none_or(|deadline| deadline > now) {
            return 0;
        }
        self.distributor.handle_timeout(now);
        self.carry_out(now);
        1
    }

    /// Hands out what happened.
    fn carry_out(&mut self, now: Instant) {
        while let Some(event) = self.distributor.poll_event() {
            if let Event::Configured { changed } = &event {
                let names: Vec<&str> = changed.iter().map(|setting| setting.name()).collect();
                info!(settings = names.join(" "), "the distributor has other settings");
            }
            self.reporter.handle_event(now, &event);
            self.events.put(Told::Event(event));
        }
    }

    fn publish(&mut self, now: Instant) {
        let snapshot = self.distributor.snapshot(now);
        self.reporter.handle_snapshot(&snapshot);
        let published =
            Published { snapshot, figures: self.reporter.figures(), openings: self.doors.openings() };
        self.published.store(Arc::new(published));
    }
}
