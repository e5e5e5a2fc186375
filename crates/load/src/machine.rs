//! The whole load as one machine.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use sip::{Limits, Message, Method};
use timing::Instant;

use crate::agents::Agents;
use crate::audio::AudioCommand;
use crate::callers::{Around, Callers};
use crate::figures::Figures;
use crate::line::Line;
use crate::pairs::Pairs;
use crate::plan::{Plan, Side};
use crate::wire::Place;

/// How long phones may take to take their registrations back.
const LEAVING: Duration = Duration::from_secs(10);
/// How long what is over answers repetitions before the test ends.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How far the test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Phones register.
    Registering,
    /// Calls begin.
    Calling,
    /// No call begins any more; those in progress end.
    Draining,
    /// Phones take their registrations back.
    Leaving,
    /// Nothing happens any more.
    Over,
}

/// Octets to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// From whose socket.
    pub side: Side,
    /// Where to; over a stream there is only one way.
    pub to: SocketAddr,
    /// A whole message.
    pub bytes: Bytes,
}

/// A load test: see the [crate](crate).
///
/// ```text
/// handle_datagram, handle_message, handle_timeout, stop    (one input)
/// poll_transmit, poll_audio                                (until None)
/// poll_timeout                                             (when to come back)
/// ```
#[derive(Debug)]
pub struct Load {
    plan: Plan,
    phase: Phase,
    /// When calls began, and until when they begin.
    calling: (Instant, Instant),
    deadline: Option<Instant>,
    is_warming_up: bool,
    /// Since when phones take their registrations back, and until when they may.
    leaving: (Instant, Instant),
    callers: Callers,
    agents: Agents,
    shared: Shared,
    from_callers: VecDeque<(SocketAddr, Bytes)>,
    from_agents: VecDeque<(SocketAddr, Bytes)>,
}

/// What both ends work with.
#[derive(Debug)]
struct Shared {
    line: Line,
    figures: Figures,
    pairs: Pairs,
}

impl Shared {
    fn around<'a>(&'a mut self, now: Instant, out: &'a mut VecDeque<(SocketAddr, Bytes)>) -> Around<'a> {
        let Shared { line, figures, pairs } = self;
        Around { now, figures, line, pairs, out }
    }
}

impl Load {
    /// A test that begins now: phones register first.
    pub fn new(now: Instant, plan: Plan) -> Load {
        let at = |side: Side, at, media, nonce| {
            let ports = plan.audio.iter().map(|pair| pair[side.index()]);
            Place::new(at, plan.system, plan.protocol, &plan.domain, media, nonce).with_audio(media, ports)
        };
        let callers = at(Side::Callers, plan.callers_at, plan.callers_media, plan.nonce);
        let agents = at(Side::Agents, plan.agents_at, plan.agents_media, plan.nonce.rotate_left(32));
        let mut load = Load {
            phase: Phase::Registering,
            calling: (now, now),
            deadline: None,
            is_warming_up: true,
            leaving: (now, now),
            callers: Callers::new(callers, plan.callers.clone(), plan.seed, plan.calls_max),
            agents: Agents::new(agents, plan.agents.clone(), plan.seed, plan.calls_max),
            shared: Shared {
                line: Line::default(),
                figures: Figures::new(now, now),
                pairs: Pairs::new(plan.audio.len()),
            },
            from_callers: VecDeque::new(),
            from_agents: VecDeque::new(),
            plan,
        };
        load.agents.begin(now, load.plan.registrations_per_second);
        load.advance(now);
        load
    }

    /// How far it is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What was measured so far.
    pub fn figures(&self) -> &Figures {
        &self.shared.figures
    }

    /// Calls in progress.
    pub fn in_progress(&self) -> usize {
        self.callers.in_progress()
    }

    /// Phones that are registered.
    pub fn registered(&self) -> usize {
        self.agents.registered()
    }

    /// When calls began to begin, and when they end to.
    pub fn calling(&self) -> (Instant, Instant) {
        self.calling
    }

    /// A datagram came. What is no message is counted.
    pub fn handle_datagram(&mut self, now: Instant, side: Side, source: SocketAddr, octets: Bytes) {
        match Message::parse(octets, &Limits::default()) {
            Ok(message) => self.handle_message(now, side, source, &message),
            Err(_) => self.shared.figures.strays += 1,
        }
    }

    /// A message came.
    pub fn handle_message(&mut self, now: Instant, side: Side, source: SocketAddr, message: &Message) {
        // What cannot be answered is no message to us.
        if message.is_request() && message.method() != Method::Ack && !message.is_answerable() {
            self.shared.figures.strays += 1;
            return;
        }
        self.take(now, side, source, message);
    }

    /// A message of ours was not taken by our own system: the protocol sends it again where it matters.
    pub fn transmit_failed(&mut self) {
        self.shared.figures.not_sent += 1;
    }

    fn take(&mut self, now: Instant, side: Side, source: SocketAddr, message: &Message) {
        match side {
            Side::Callers => {
                let mut around = self.shared.around(now, &mut self.from_callers);
                if message.is_request() {
                    self.callers.handle_request(&mut around, message, source);
                } else {
                    self.callers.handle_response(&mut around, message);
                }
            }
            Side::Agents => {
                let mut around = self.shared.around(now, &mut self.from_agents);
                if message.is_request() {
                    self.agents.handle_request(&mut around, message, source);
                } else {
                    self.agents.handle_response(&mut around, message);
                }
            }
        }
        self.connect(now);
        self.advance(now);
    }

    /// Deadlines up to `now` are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let (begins, end) = self.calling;
        let mut around = self.shared.around(now, &mut self.from_callers);
        self.callers.handle_timeout(&mut around, begins, end);
        let mut around = self.shared.around(now, &mut self.from_agents);
        self.agents.handle_timeout(&mut around);
        self.connect(now);
        self.advance(now);
    }

    /// No call begins any more.
    pub fn stop(&mut self, now: Instant) {
        self.callers.stop();
        if matches!(self.phase, Phase::Registering | Phase::Calling) {
            self.phase = Phase::Calling;
            self.calling.1 = self.calling.1.min(now);
        }
        self.advance(now);
    }

    /// The way to the system is lost: what is in progress is left over, and the test is over.
    pub fn give_up(&mut self, now: Instant) {
        self.callers.stop();
        let mut around = self.shared.around(now, &mut self.from_callers);
        self.callers.leave_over(&mut around);
        let mut around = self.shared.around(now, &mut self.from_agents);
        self.agents.leave_over(&mut around);
        self.from_callers.clear();
        self.from_agents.clear();
        (self.phase, self.deadline) = (Phase::Over, None);
    }

    /// What to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let (side, (to, bytes)) = match self.from_callers.pop_front() {
            Some(sent) => (Side::Callers, sent),
            None => (Side::Agents, self.from_agents.pop_front()?),
        };
        Some(Transmit { side, to, bytes })
    }

    /// What happens to calls with audio: for the [`Audio`](crate::Audio) that has the same pairs of ports.
    pub fn poll_audio(&mut self) -> Option<AudioCommand> {
        self.shared.pairs.poll()
    }

    /// When [`Load::handle_timeout`] wants to be called; never when it is over.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.phase == Phase::Over {
            return None;
        }
        let deadlines = [self.callers.poll_timeout(), self.agents.poll_timeout(), self.deadline];
        deadlines.into_iter().flatten().min()
    }

    /// Callers hear that an agent has picked up.
    fn connect(&mut self, now: Instant) {
        while let Some(key) = self.shared.line.poll_answered() {
            let mut around = self.shared.around(now, &mut self.from_callers);
            self.callers.connected(&mut around, key);
        }
    }

    fn advance(&mut self, now: Instant) {
        let is_late = self.deadline.is_some_and(|deadline| deadline <= now);
        if self.phase == Phase::Registering && self.agents.unsettled() == 0 {
            self.phase = Phase::Calling;
            self.calling = (now, now + self.plan.length);
            self.shared.figures.begin(now, self.plan.warm_up);
            self.callers.begin(now, now + self.plan.length);
            self.deadline = Some(now + self.plan.length);
        }
        if self.is_warming_up && self.phase != Phase::Registering && now >= self.shared.figures.counts_from()
        {
            self.is_warming_up = false;
            self.shared.figures.count_from_now();
        }
        if self.phase == Phase::Calling && !self.callers.is_beginning() && (is_late || self.calling.1 <= now)
        {
            self.phase = Phase::Draining;
            self.deadline = Some(now + self.plan.drain);
        }
        let is_late = self.deadline.is_some_and(|deadline| deadline <= now);
        if self.phase == Phase::Draining {
            if is_late {
                let mut around = self.shared.around(now, &mut self.from_callers);
                self.callers.leave_over(&mut around);
                let mut around = self.shared.around(now, &mut self.from_agents);
                self.agents.leave_over(&mut around);
            }
            if self.callers.in_progress() == 0 && self.agents.active() == 0 {
                self.phase = Phase::Leaving;
                // As long as it takes to ask them all at their rate, and then some.
                let phones = u32::try_from(self.agents.registered()).unwrap_or(u32::MAX);
                let asking = Duration::from_secs(1) * phones / self.plan.registrations_per_second.max(1);
                self.leaving = (now, now + LEAVING + asking);
                self.deadline = Some(now + LAST_WORDS);
                self.agents.leave(now, self.plan.registrations_per_second);
            }
        }
        if self.phase == Phase::Leaving {
            let (since, until) = self.leaving;
            let has_spoken = now >= since + LAST_WORDS;
            let is_silent = self.agents.is_empty() && self.callers.is_empty() || has_spoken;
            if self.agents.registered() == 0 && is_silent || now >= until {
                self.phase = Phase::Over;
                self.deadline = None;
            } else if has_spoken {
                self.deadline = Some(until);
            }
        }
    }
}
