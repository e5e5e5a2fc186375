//! The people of the demo: agents' and callers' phones behind real sockets, in one thread.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use sim::chance::{Chance, Span};
use sim::phone::{Account, Answer, CallPlan, End, Event, Hold, Manner, Phone, Plan, Settings, Voice};
use timing::Instant;

use super::centre::{AGENTS, NUMBERS};
use crate::clock::Clock;

/// How many people may call at once.
const CALLERS: usize = 48;
/// The tone that all callers make; agents have one each.
const CALLER_HERTZ: f64 = 1_500.0;
/// How often the thread looks whether it shall end.
const ATTENTION: Duration = Duration::from_millis(100);
/// The largest datagram that a phone takes.
const DATAGRAM_MAX: usize = 4_096;
/// Windows of 100 ms in which the other was heard that make a conversation with sound.
const HEARD_MIN: u32 = 5;

/// What the people know of how it went, for the summary.
#[derive(Debug, Default)]
pub(super) struct Experience {
    /// Calls begun.
    pub(super) calls: AtomicU64,
    /// Calls for which every line was taken: nobody was there to make them.
    pub(super) not_made: AtomicU64,
    /// Callers who heard an agent.
    pub(super) callers_heard: AtomicU64,
    /// Agents who heard a caller.
    pub(super) agents_heard: AtomicU64,
    /// Callers who gave up.
    pub(super) gave_up: AtomicU64,
    /// Conversations as agents saw them: phones picked up.
    pub(super) picked_up: AtomicU64,
}

/// One phone and its two sockets.
struct Seat {
    phone: Phone,
    sip: UdpSocket,
    rtp: UdpSocket,
    is_agent: bool,
}

/// All phones of the demo.
pub(super) struct People {
    poll: Poll,
    seats: Vec<Seat>,
    chance: Chance,
    clock: Clock,
    /// Mean time between two calls.
    spacing: Duration,
    next_call: Instant,
    experience: Arc<Experience>,
}

fn agent_hertz(index: usize) -> f64 {
    400.0 + 60.0 * index as f64
}

impl People {
    /// Gives everybody a phone.
    ///
    /// # Errors
    /// The system's, where it has no sockets left.
    pub(super) fn new(
        clock: Clock,
        server: SocketAddr,
        passwords: &[String],
        calls_per_minute: u32,
        mut chance: Chance,
        experience: Arc<Experience>,
    ) -> std::io::Result<People> {
        let mut people = People {
            poll: Poll::new()?,
            seats: Vec::new(),
            chance: chance.fork(),
            clock,
            spacing: Duration::from_secs(60) / calls_per_minute.max(1),
            next_call: clock.now() + Duration::from_secs(2),
            experience,
        };
        for (index, (person, password)) in AGENTS.iter().zip(passwords).enumerate() {
            let account = Account { secret: password.clone(), expires: Duration::from_secs(60) };
            let voice = Voice { hertz: agent_hertz(index), listens_for: vec![CALLER_HERTZ] };
            people.seat(server, person.account, person.name, Some(account), voice, chance.number())?;
        }
        for index in 0..CALLERS {
            let number = format!("0105550{index:04}");
            let listens_for = (0..AGENTS.len()).map(agent_hertz).collect();
            let voice = Voice { hertz: CALLER_HERTZ, listens_for };
            people.seat(server, &number, "", None, voice, chance.number())?;
        }
        let now = clock.now();
        for seat in people.seats.iter_mut().filter(|seat| seat.is_agent) {
            seat.phone.register(now);
        }
        Ok(people)
    }

    fn seat(
        &mut self,
        server: SocketAddr,
        user: &str,
        display_name: &str,
        account: Option<Account>,
        voice: Voice,
        seed: u64,
    ) -> std::io::Result<()> {
        let mut sip = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let mut rtp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let token = self.seats.len() * 2;
        self.poll.registry().register(&mut sip, Token(token), Interest::READABLE)?;
        self.poll.registry().register(&mut rtp, Token(token + 1), Interest::READABLE)?;
        let is_agent = account.is_some();
        let settings = Settings {
            user: user.to_owned(),
            display_name: display_name.to_owned(),
            domain: "demo.cordboard.invalid".to_owned(),
            server,
            address: sip.local_addr()?,
            media: rtp.local_addr()?,
            voice: Some(voice),
            account,
            plan: manners(),
        };
        self.seats.push(Seat { phone: Phone::new(settings, seed), sip, rtp, is_agent });
        Ok(())
    }

    /// Lets everybody live until told to stop.
    ///
    /// # Errors
    /// The system's, where waiting for sockets fails.
    pub(super) fn live(mut self, stop: &AtomicBool) -> std::io::Result<()> {
        let mut events = Events::with_capacity(256);
        let mut buffer = vec![0; DATAGRAM_MAX];
        while !stop.load(Ordering::Relaxed) {
            let now = self.clock.now();
            let next = self.seats.iter().filter_map(|seat| seat.phone.poll_timeout()).min();
            let next = next.map_or(self.next_call, |next| next.min(self.next_call));
            match self.poll.poll(&mut events, Some(next.since(now).min(ATTENTION))) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            let now = self.clock.now();
            for event in &events {
                self.seats[event.token().0 / 2].receive(now, event.token().0 % 2 == 1, &mut buffer);
            }
            if now >= self.next_call {
                self.somebody_calls(now);
            }
            for seat in &mut self.seats {
                if seat.phone.poll_timeout().is_some_and(|deadline| deadline <= now) {
                    seat.phone.handle_timeout(now);
                }
                seat.send();
                while let Some(event) = seat.phone.poll_event() {
                    self.experience.note(seat.is_agent, &event);
                }
            }
        }
        Ok(())
    }

    /// Somebody who is not on the phone calls one of the numbers.
    fn somebody_calls(&mut self, now: Instant) {
        // The time between two independent arrivals is exponential.
        let share = (self.chance.below(1 << 32) + 1) as f64 / (1u64 << 32) as f64;
        self.next_call = now + self.spacing.mul_f64(-share.ln());
        let free: Vec<usize> = (0..self.seats.len())
            .filter(|&seat| !self.seats[seat].is_agent && self.seats[seat].phone.is_idle())
            .collect();
        let Some(&seat) = free.get(self.chance.below(free.len() as u64) as usize) else {
            self.experience.not_made.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let talk = self.chance.length(Span::between_millis(8_000, 26_000));
        let patience = self.chance.length(Span::between_millis(15_000, 60_000));
        let hold = self.chance.happens(80).then_some(Hold { after: Span::secs(4), lasting: Span::secs(3) });
        let plan = CallPlan { hold, ..CallPlan::talking(Span::exactly(talk)) }
            .giving_up_after(Span::exactly(patience))
            .from_voice();
        let total = NUMBERS.iter().map(|&(weight, _)| weight).sum();
        let mut drawn = self.chance.below(total);
        let number = NUMBERS.iter().find(|&&(weight, _)| {
            let found = drawn < weight;
            drawn = drawn.saturating_sub(weight);
            found
        });
        let number = number.map_or("15881000", |&(_, number)| number);
        if self.seats[seat].phone.call(now, number, plan).is_ok() {
            self.experience.calls.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// How agents treat calls: most are quick, some look away, some decline.
fn manners() -> Plan {
    Plan::Mixed(vec![
        (90, Manner::answers_after(Span::between_millis(400, 2_500))),
        (4, Manner::only(Answer::RingOut)),
        (3, Manner::only(Answer::RejectAfter(Span::millis(900)))),
        (3, Manner::only(Answer::Busy)),
    ])
}

impl Seat {
    fn receive(&mut self, now: Instant, is_rtp: bool, buffer: &mut [u8]) {
        loop {
            let socket = if is_rtp { &self.rtp } else { &self.sip };
            // Any error ends the batch: "would block" is the usual one, the rest are the network's.
            let Ok((length, source)) = socket.recv_from(buffer) else { return };
            if is_rtp {
                self.phone.handle_rtp(now, &buffer[..length]);
            } else {
                self.phone.handle_datagram(now, source, Bytes::copy_from_slice(&buffer[..length]));
            }
        }
    }

    /// What cannot be sent is lost, as datagrams are.
    fn send(&mut self) {
        while let Some(transmit) = self.phone.poll_transmit() {
            drop(self.sip.send_to(&transmit.bytes, transmit.flow.remote));
        }
        while let Some(packet) = self.phone.poll_rtp() {
            drop(self.rtp.send_to(&packet.bytes, packet.to));
        }
    }
}

impl Experience {
    fn note(&self, is_agent: bool, event: &Event) {
        let one = |counter: &AtomicU64| {
            counter.fetch_add(1, Ordering::Relaxed);
        };
        match event {
            Event::PickedUp { .. } if is_agent => one(&self.picked_up),
            Event::Ended { end, heard, .. } => {
                if *end == End::GaveUp {
                    one(&self.gave_up);
                }
                if heard.iter().any(|heard| heard.windows >= HEARD_MIN) {
                    one(if is_agent { &self.agents_heard } else { &self.callers_heard });
                }
            }
            Event::PickedUp { .. }
            | Event::Registered
            | Event::Unregistered
            | Event::RegistrationFailed { .. }
            | Event::Rung { .. }
            | Event::Clash { .. }
            | Event::Progress { .. }
            | Event::Hears { .. }
            | Event::Held { .. }
            | Event::Resumed { .. }
            | Event::HoldRefused { .. } => {}
        }
    }
}
