//! The engine's thread: SIP over UDP, and every call.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use acd::{Command, Event, InteractionId};
use bytes::Bytes;
use engine::{Engine, NoCallback, Notice, Output};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use report::{CallReporter, SocketSeries, TrafficCounts};
use sip::{Flow, Protocol, Transmit};
use timing::Instant;
use tokio::sync::{Notify, oneshot};

use super::BATCH;
use super::distributor::{Distribution, Sent, Told};
use super::look::{LOOKS_PER_TURN, Look};
use super::udp::{self, Received};
use crate::clock::Clock;
use crate::inward::{Inward, Reply};
use crate::outward::Outward;
use crate::plan::Plan;
use crate::remembered::Remembered;
use crate::ring::{Consumer, Outbox, Producer};
use crate::sip_trace::{Direction, SipTrace};
use crate::worker::Link;

/// The token that means: somebody rang.
pub const WAKE: Token = Token(usize::MAX);
/// Datagrams of one socket that are read before the rings have their turn again.
const DATAGRAMS_PER_SOCKET: usize = 64;
/// How old the figures of SIP and calls may be that somebody asks for.
const COUNT_INTERVAL: Duration = Duration::from_millis(250);
/// The largest UDP datagram there can be.
const DATAGRAM_MAX: usize = 65_535;

/// What the shell orders.
#[derive(Debug)]
pub enum Order {
    /// A new configuration; the commands are what it changes in the distributor.
    Reload {
        /// The whole of it.
        plan: Box<Plan>,
        /// Accounts that are no longer in it.
        gone: Vec<String>,
        /// Changes of queues and agents.
        commands: Vec<Command>,
    },
    /// Nothing new from now on.
    Drain,
    /// The end of every call.
    HangUp,
}

/// What somebody asks by HTTP.
#[derive(Debug)]
pub enum Ask {
    /// To look.
    Look(Look<Engine>),
    /// To call a customer back who waits.
    CallBack {
        /// Whom.
        interaction: InteractionId,
        /// At which number; none: the caller's own.
        number: Option<String>,
        /// Where the answer goes.
        reply: CallbackReply,
    },
}

/// Where the answer goes to whoever asks for a callback.
type CallbackReply = oneshot::Sender<Result<(), NoCallback>>;

/// How much is in progress, for whoever waits for its end.
#[derive(Debug, Default)]
pub struct Progress {
    interactions: AtomicUsize,
    is_draining: AtomicBool,
    drained: Notify,
}

impl Progress {
    /// Calls in progress when the thread was last asked; while it drains, at the end of its last turn.
    pub fn interactions(&self) -> usize {
        self.interactions.load(Ordering::Acquire)
    }

    /// Waits until, after an order to drain, no call is left.
    pub async fn drained(&self) {
        while !(self.is_draining.load(Ordering::Acquire) && self.interactions() == 0) {
            self.drained.notified().await;
        }
    }

    fn update(&self, interactions: usize, is_draining: bool) {
        self.interactions.store(interactions, Ordering::Release);
        if is_draining {
            self.is_draining.store(true, Ordering::Release);
            if interactions == 0 {
                self.drained.notify_one();
            }
        }
    }
}

/// A SIP socket.
#[derive(Debug)]
struct Socket {
    socket: UdpSocket,
    local: SocketAddr,
    /// There may be something to read: the poll said so, and we have not read to the end since.
    is_readable: bool,
}

/// The sockets and the poll in which the thread sleeps.
#[derive(Debug)]
pub struct Sockets {
    poll: Poll,
    sockets: Vec<Socket>,
}

impl Sockets {
    /// Takes bound sockets into a poll.
    ///
    /// # Errors
    /// Where the operating system has no room for them.
    pub fn new(poll: Poll, bound: Vec<std::net::UdpSocket>) -> std::io::Result<Sockets> {
        let mut sockets = Vec::new();
        for (index, socket) in bound.into_iter().enumerate() {
            let local = socket.local_addr()?;
            let mut socket = UdpSocket::from_std(socket);
            poll.registry().register(&mut socket, Token(index), Interest::READABLE)?;
            sockets.push(Socket { socket, local, is_readable: true });
        }
        Ok(Sockets { poll, sockets })
    }
}

/// The distributor, on the engine's thread.
#[derive(Debug)]
pub struct Guest {
    /// All of it.
    pub distribution: Distribution,
    /// By which it is asked.
    pub link: Arc<Link>,
}

/// The guest has so long for what one input of ours makes; what is left is done in the next turn.
const GUEST_TIME: Duration = Duration::from_millis(1);

/// Everything that the thread owns.
pub struct EngineThread {
    /// The clock.
    pub clock: Clock,
    /// The machine.
    pub engine: Engine,
    /// SIP over UDP.
    pub sockets: Sockets,
    /// The distributor, where it has no thread of its own.
    pub guest: Option<Guest>,
    /// From the shell.
    pub orders: Consumer<Order>,
    /// From whoever asks by HTTP.
    pub asks: Consumer<Ask>,
    /// Who has asked for a callback, until the distributor has answered.
    pub asking: BTreeMap<InteractionId, CallbackReply>,
    /// From the distributor.
    pub events: Consumer<Told>,
    /// From the media thread.
    pub media_events: Consumer<media::Event>,
    /// What came of what we asked the runtime for.
    pub replies: Consumer<Reply>,
    /// From streams.
    pub inward: Consumer<Inward>,
    /// To the distributor.
    pub commands: Outbox<Sent>,
    /// To the media thread.
    pub media_commands: Outbox<media::Command>,
    /// To streams and the DNS.
    pub outward: Outbox<Outward>,
    /// To the log. A notice that finds no room there is dropped and counted: figures are kept elsewhere.
    pub notices: Producer<Notice>,
    /// Where the records of ended calls go in the end.
    pub remembered: Arc<Remembered>,
    /// Calls in progress.
    pub progress: Arc<Progress>,
    /// The SIP trace.
    pub trace: Arc<SipTrace>,
    /// Figures of calls.
    pub reporter: CallReporter,
    /// Figures of the sockets.
    pub socket_series: SocketSeries,
    /// What the sockets counted.
    pub traffic: TrafficCounts,
}

impl EngineThread {
    /// Turns until the link says stop.
    pub fn run(mut self, link: &Link) {
        let mut ready = Events::with_capacity(64);
        let mut buffer = vec![0; DATAGRAM_MAX];
        let mut is_draining = false;
        let mut counted: Option<Instant> = None;
        if let Some(guest) = &mut self.guest {
            guest.distribution.begin();
        }
        self.carry_out(self.clock.now());
        while !link.must_stop() {
            let question = link.question();
            let now = self.clock.now();
            self.take_orders(now, &mut is_draining);
            self.take_asks(now);
            self.take_events(now);
            if self.is_clear() {
                self.take_inward(now);
                self.read(now, &mut buffer);
            }
            if self.engine.poll_timeout().is_some_and(|deadline| deadline <= now) {
                self.engine.handle_timeout(now);
                self.carry_out(now);
            }
            self.distribute(now);
            self.let_guest_turn(now);
            self.flush();
            let is_asked = !link.has_answered(question);
            if is_asked || is_draining {
                self.progress.update(self.engine.in_progress(), is_draining);
            }
            if is_asked {
                // Counting walks over every call, and anybody may ask.
                if counted.is_none_or(|counted| counted + COUNT_INTERVAL <= now) {
                    self.reporter.set_counts(&self.engine.counts());
                    counted = Some(now);
                }
                self.reporter.set_totals(&self.engine.totals());
                self.socket_series.set(&self.traffic);
                link.answer(question);
            }
            self.sleep(link, &mut ready);
        }
        self.flush();
        if let Some(Guest { distribution, link }) = &mut self.guest {
            distribution.finish(link);
        }
        // Nobody waits for an answer that will not come.
        while self.asks.pop().is_some() {}
    }

    /// Lets the distributor decide, where it is a guest on this thread, and takes what comes of that.
    fn distribute(&mut self, now: Instant) {
        let begun = self.clock.now();
        let mut clock = begun;
        while clock.since(begun) < GUEST_TIME {
            let Some(Guest { distribution, .. }) = &mut self.guest else { return };
            if distribution.decide(clock) == 0 {
                return;
            }
            self.take_told(now);
            clock = self.clock.now();
        }
    }

    /// Lets the guest do everything else that it has to do, once a turn.
    fn let_guest_turn(&mut self, now: Instant) {
        if let Some(Guest { distribution, link }) = &mut self.guest {
            distribution.turn(link);
            self.take_told(now);
        }
    }

    /// Whether every ring in front of us has taken what we had for it.
    fn is_clear(&self) -> bool {
        self.commands.is_clear() && self.media_commands.is_clear() && self.outward.is_clear()
    }

    fn flush(&mut self) {
        self.commands.flush();
        self.media_commands.flush();
        self.outward.flush();
        self.notices.wake();
    }

    fn take_orders(&mut self, now: Instant, is_draining: &mut bool) {
        while let Some(order) = self.orders.pop() {
            match order {
                Order::Reload { plan, gone, commands } => self.reload(now, *plan, &gone, commands),
                Order::Drain => {
                    *is_draining = true;
                    self.engine.drain();
                }
                Order::HangUp => self.engine.hang_up_all(now),
            }
            self.carry_out(now);
        }
    }

    fn take_asks(&mut self, now: Instant) {
        for _ in 0..LOOKS_PER_TURN {
            match self.asks.pop() {
                None => return,
                Some(Ask::Look(look)) => look.at(&self.engine),
                Some(Ask::CallBack { interaction, number, reply }) => {
                    match self.engine.call_back(now, interaction, number.as_deref()) {
                        Ok(()) => drop(self.asking.insert(interaction, reply)),
                        // Who asked may have given up.
                        Err(refusal) => drop(reply.send(Err(refusal))),
                    }
                    self.carry_out(now);
                }
            }
        }
    }

    /// What an event says to whoever asked for a callback, if it says that.
    fn answer_in(&self, event: &Event) -> Option<(InteractionId, Result<(), NoCallback>)> {
        if self.asking.is_empty() {
            None
        } else if let Event::CallbackTaken { interaction, .. } = *event {
            Some((interaction, Ok(())))
        } else if let Event::Refused { ref command, refusal } = *event
            && let Command::CallBack { interaction } = **command
        {
            Some((interaction, Err(NoCallback::Refused(refusal))))
        } else {
            None
        }
    }

    fn reload(&mut self, now: Instant, plan: Plan, gone: &[String], commands: Vec<Command>) {
        for account in gone {
            self.engine.remove_account(now, account);
        }
        for (account, password) in &plan.accounts {
            self.engine.set_account(account, sip::digest::Secret::Password(password.reveal().into()));
        }
        self.reporter.set_names(&plan.names);
        let backlog = plan.engine_backlog();
        self.commands.raise(backlog);
        self.media_commands.raise(backlog);
        self.outward.raise(backlog);
        // Before its commands, so that a new queue has its series when its first event comes.
        let names = Box::new(plan.names.clone());
        let (backlog, hours) = (plan.distributor_backlog(), Box::new(plan.hours.clone()));
        self.commands.put(Sent::Reload { names, backlog, hours });
        self.engine.configure(now, plan.engine_settings());
        self.engine.reload(now, plan.directory, commands);
    }

    /// What the other threads say, and what came of our own questions, is always taken: nobody who works for
    /// us ever waits for us.
    fn take_event(&mut self, now: Instant, event: Event) {
        let answer = self.answer_in(&event);
        self.engine.handle_distributor(now, event);
        self.carry_out(now);
        if let Some((interaction, answer)) = answer
            && let Some(reply) = self.asking.remove(&interaction)
        {
            // Who asked may have given up.
            let _: Result<(), _> = reply.send(answer);
        }
    }

    fn take_events(&mut self, now: Instant) {
        self.take_told(now);
        for _ in 0..BATCH {
            let Some(event) = self.media_events.pop() else { break };
            self.engine.handle_media(now, event);
            self.carry_out(now);
        }
        for _ in 0..BATCH {
            let Some(reply) = self.replies.pop() else { break };
            match reply {
                Reply::Failed(flow) => self.engine.transmit_failed(now, flow),
                Reply::Resolved(query, answer) => self.engine.resolved(now, query, answer),
            }
            self.carry_out(now);
        }
    }

    /// What the distributor says.
    fn take_told(&mut self, now: Instant) {
        for _ in 0..BATCH {
            let Some(told) = self.events.pop() else { return };
            match told {
                Told::Event(event) => self.take_event(now, event),
                Told::Look(look) => look.at(&self.engine),
                Told::NewDay => {
                    self.engine.new_day(now);
                    self.carry_out(now);
                }
            }
        }
    }

    fn take_inward(&mut self, now: Instant) {
        for _ in 0..BATCH {
            let Some(inward) = self.inward.pop() else { return };
            match inward {
                Inward::Opened(flow) => self.engine.connection_opened(now, flow),
                Inward::Octets { flow, octets } => self.read_stream(now, flow, &octets),
                Inward::Closed(connection) => self.engine.connection_closed(now, connection),
            }
            self.carry_out(now);
            self.distribute(now);
        }
    }

    /// What is shown of a stream is cut into messages by whoever reads it: octets come as they like, and half an
    /// `Authorization` looks like nothing that must be hidden.
    fn read_stream(&mut self, now: Instant, flow: Flow, octets: &[u8]) {
        let Some(connection) = flow.connection else { return };
        self.engine.watch_streams(self.trace.is_on());
        self.engine.handle_stream(now, connection, octets);
    }

    fn read(&mut self, now: Instant, buffer: &mut [u8]) {
        for index in 0..self.sockets.sockets.len() {
            for _ in 0..DATAGRAMS_PER_SOCKET {
                let Socket { socket, local, is_readable } = &mut self.sockets.sockets[index];
                if !*is_readable {
                    break;
                }
                match udp::receive(socket, buffer) {
                    Received::Datagram(length, remote) => {
                        let flow = Flow { protocol: Protocol::Udp, local: *local, remote, connection: None };
                        let datagram = Bytes::copy_from_slice(&buffer[..length]);
                        self.trace.message(Direction::Received, "UDP", remote, &datagram);
                        self.traffic.received += 1;
                        self.engine.handle_datagram(now, flow, datagram);
                        self.carry_out(now);
                        self.distribute(now);
                    }
                    Received::Empty => *is_readable = false,
                    Received::Trouble => break,
                }
            }
        }
    }

    /// Does what the engine says.
    fn carry_out(&mut self, now: Instant) {
        while let Some((flow, message)) = self.engine.poll_watched() {
            self.trace.message(Direction::Received, "TCP", flow.remote, &message);
        }
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Transmit(transmit) => self.transmit(now, transmit),
                Output::Query(query) => self.outward.put(Outward::Query(query)),
                Output::CloseConnection(connection) => self.outward.put(Outward::Close(connection)),
                // Not `now`, which is the beginning of a turn that may be long under load.
                Output::Distributor(command) => {
                    self.commands.put(Sent::Command { at: self.clock.now(), command });
                }
                Output::Media(command) => self.media_commands.put(command),
                Output::Notice(notice) => {
                    self.reporter.handle_notice(&notice);
                    self.notify(notice);
                }
            }
        }
        // An agent who is free shall not wait for the rest of our batch. It costs one load where the
        // distributor is awake.
        self.commands.flush();
    }

    fn notify(&mut self, notice: Notice) {
        let is_record = matches!(notice, Notice::CallEnded(_));
        if self.notices.offer(notice) && is_record {
            self.remembered.will_come();
        }
    }

    fn transmit(&mut self, now: Instant, transmit: Transmit) {
        let Transmit { flow, bytes } = &transmit;
        self.trace.message(Direction::Sent, flow.protocol.transport().as_str(), flow.remote, bytes);
        match flow.protocol {
            Protocol::Tcp => self.outward.put(Outward::Transmit(transmit)),
            Protocol::Udp => {
                let sockets = &self.sockets.sockets;
                let same_family = |socket: &&Socket| socket.local.is_ipv4() == flow.remote.is_ipv4();
                let socket = sockets.iter().find(|socket| socket.local == flow.local);
                let Some(socket) = socket.or_else(|| sockets.iter().find(same_family)) else {
                    return self.engine.transmit_failed(now, *flow);
                };
                match socket.socket.send_to(bytes, flow.remote) {
                    Ok(_) => self.traffic.sent += 1,
                    // The system's buffer is full: as if the network had lost it. SIP sends it again.
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                        self.traffic.sent_lost += 1;
                    }
                    Err(_) => {
                        self.traffic.sent_lost += 1;
                        self.engine.transmit_failed(now, *flow);
                    }
                }
            }
        }
    }

    fn sleep(&mut self, link: &Link, ready: &mut Events) {
        let clear = self.is_clear();
        let own = self.engine.poll_timeout().map(|deadline| self.clock.until(deadline));
        let of_guest = self.guest.as_ref().and_then(|guest| guest.distribution.rest());
        let mut limit = own.into_iter().chain(of_guest).min();
        if !clear {
            limit = Some(limit.map_or(Outbox::<Sent>::RETRY, |limit| limit.min(Outbox::<Sent>::RETRY)));
        }
        // With a backlog nothing is taken from outside; what waits there must not keep us awake.
        let outside =
            || clear && (!self.inward.is_empty() || self.sockets.sockets.iter().any(|one| one.is_readable));
        let inside = || {
            let told = !self.events.is_empty() || !self.media_events.is_empty();
            told || !self.orders.is_empty() || !self.asks.is_empty() || !self.replies.is_empty()
        };
        let guest_is_idle =
            || self.guest.as_ref().is_none_or(|guest| guest.distribution.is_idle(&guest.link));
        let nothing_to_do = || link.is_quiet() && !inside() && !outside() && guest_is_idle();
        let may_sleep = link.doorbell().lie_down(nothing_to_do);
        let limit = if may_sleep { limit } else { Some(Duration::ZERO) };
        if let Err(error) = self.sockets.poll.poll(ready, limit)
            && error.kind() != std::io::ErrorKind::Interrupted
        {
            panic!("the poll of the engine's thread is ours and valid: {error}");
        }
        link.doorbell().rise();
        for event in ready.iter().filter(|event| event.token() != WAKE) {
            self.sockets.sockets[event.token().0].is_readable = true;
        }
    }
}
