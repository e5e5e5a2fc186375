//! A softphone without sockets: SIP by [`sip::UserAgent`], a little RTP of its own, and a person at it
//! who behaves by a plan.
//!
//! One line: whoever calls while it is in use hears 486. The same machine is an agent (it registers and
//! is called) and a caller (it calls a number), under virtual time or behind real sockets.

mod audio;
mod digest;
mod line;
mod manner;
mod registration;
mod voice;

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sip::{Endpoint, Flow, Host, Network, Protocol, Trunk, TrunkCredentials, TrunkId, Uri, UserAgent};
use timing::{Instant, TimerWheel};

pub use manner::{Answer, CallPlan, Hold, Manner, Plan, TalkFrom};
pub use registration::Account;
pub use voice::{Heard, Voice};

use crate::chance::Chance;
use line::{Due, Line};
use registration::{Outcome, Registration, bracketed};

/// The only neighbour that a phone knows: its server.
const SERVER: TrunkId = TrunkId(0);

/// Who a phone is and whom it belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The user part of its address.
    pub user: String,
    /// The display name in From.
    pub display_name: String,
    /// The domain of its address and of its registrar.
    pub domain: String,
    /// Where all its requests go, and who may call it.
    pub server: SocketAddr,
    /// Its SIP socket. Never a wildcard: it stands in Via and Contact.
    pub address: SocketAddr,
    /// Its RTP socket, named in its SDP whether it has a voice or not.
    pub media: SocketAddr,
    /// What it sends and hears; `None`: not a packet, and what comes is not listened to.
    pub voice: Option<Voice>,
    /// Its registration; `None`: it only calls.
    pub account: Option<Account>,
    /// What the person does with calls that come in.
    pub plan: Plan,
}

/// A packet for [`Settings::media`]'s socket to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RtpTransmit {
    /// Where to.
    pub to: SocketAddr,
    /// The packet.
    pub bytes: Vec<u8>,
}

/// One of the two who talk, seen from a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Party {
    /// The person at this phone.
    Us,
    /// The other.
    Other,
}

/// What a phone is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Situation {
    /// It has no plug in.
    Unplugged,
    /// A REGISTER of its own is under way, and nothing else is.
    Registering,
    /// Nobody rings, is called or talks.
    Idle,
    /// Somebody calls it.
    Ringing,
    /// It calls somebody who has not answered.
    Calling,
    /// Its call is answered, by music or by a human.
    Talking,
    /// It holds the other side.
    Holding,
    /// The other side holds it.
    Held,
}

/// How a call ended for a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum End {
    /// Our INVITE was refused, or nobody answered it.
    Failed {
        /// The status.
        status: u16,
    },
    /// We gave up waiting.
    GaveUp,
    /// We refused a call.
    Refused {
        /// With this status.
        status: u16,
    },
    /// The caller gave up before we picked up.
    Cancelled,
    /// We hung up.
    HungUp,
    /// The other side hung up.
    HungUpByOther,
    /// The other side is gone without a word, or we are (unplugged).
    Lost,
}

/// What happened at a phone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// Registered, or registered anew.
    Registered,
    /// The registration was taken back.
    Unregistered,
    /// The registrar refused or did not answer; it is tried again.
    RegistrationFailed {
        /// 408 where nothing came.
        status: u16,
    },
    /// Somebody calls and the line is free.
    Rung {
        /// The user part of their From.
        caller: String,
        /// The Call-ID.
        call_id: String,
    },
    /// Somebody calls and the line is not free: they hear 486.
    Clash {
        /// The user part of their From.
        caller: String,
    },
    /// A provisional response to our INVITE.
    Progress {
        /// 101 to 199.
        status: u16,
    },
    /// Somebody picked up.
    PickedUp {
        /// Who.
        by: Party,
    },
    /// The tone that is heard is another than before, or there is none any more.
    Hears {
        /// One of [`Voice::listens_for`].
        hertz: Option<f64>,
    },
    /// The conversation is held.
    Held {
        /// By whom.
        by: Party,
    },
    /// The conversation goes on.
    Resumed {
        /// By whom.
        by: Party,
    },
    /// The other side did not agree to be held or resumed.
    HoldRefused {
        /// Its answer.
        status: u16,
    },
    /// The call is over. Exactly one for each [`Event::Rung`] and each call that was begun.
    Ended {
        /// How.
        end: End,
        /// The other: the caller's user part, or the number called.
        other: String,
        /// What was heard.
        heard: Vec<Heard>,
        /// RTP packets that came.
        packets: u64,
    },
}

/// Why a phone does not do what its person wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CannotCall {
    /// Its line is in use.
    LineInUse,
    /// It is unplugged.
    Unplugged,
    /// The number cannot be written as a SIP URI.
    BadNumber,
}

/// A softphone: see the [module](self).
///
/// ```text
/// handle_datagram, handle_rtp, handle_timeout, call, ...   (one input)
/// poll_transmit, poll_rtp, poll_event                      (until None)
/// poll_timeout                                             (when to come back)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Phone {
    settings: Settings,
    chance: Chance,
    user_agent: UserAgent,
    registration: Option<Registration>,
    is_plugged_in: bool,
    line: Line,
    /// Calls so far, in and out: the name of the call on the line.
    calls: u64,
    /// Calls that came in, refused ones included: the place in the plan.
    rings: u64,
    timers: TimerWheel<Due>,
    transmits: VecDeque<sip::Transmit>,
    packets: VecDeque<RtpTransmit>,
    events: VecDeque<Event>,
}

impl Phone {
    /// A phone that has not registered yet. Two phones need two seeds.
    pub fn new(settings: Settings, seed: u64) -> Phone {
        let mut chance = Chance::new(seed);
        Phone {
            registration: registration(&settings, &mut chance),
            user_agent: user_agent(&settings, &mut chance),
            chance,
            is_plugged_in: true,
            line: Line::Idle,
            calls: 0,
            rings: 0,
            timers: TimerWheel::new(),
            transmits: VecDeque::new(),
            packets: VecDeque::new(),
            events: VecDeque::new(),
            settings,
        }
    }

    /// Who it is.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether nobody rings, is called or talks here.
    pub fn is_idle(&self) -> bool {
        matches!(self.line, Line::Idle)
    }

    /// Who is at the other end of the line: the caller's user part, or the number called.
    pub fn other(&self) -> Option<&str> {
        (!self.is_idle()).then(|| self.line.other())
    }

    /// Whether its registration stands, as far as it knows.
    pub fn is_registered(&self) -> bool {
        self.registration.as_ref().is_some_and(Registration::is_registered)
    }

    /// What it is in the middle of.
    pub fn situation(&self) -> Situation {
        if !self.is_plugged_in {
            return Situation::Unplugged;
        }
        match self.line.situation() {
            Situation::Idle if self.registration.as_ref().is_some_and(Registration::is_asking) => {
                Situation::Registering
            }
            situation => situation,
        }
    }

    /// What its user agent holds, for leak tests.
    pub fn counts(&self) -> sip::Counts {
        self.user_agent.counts()
    }

    /// Changes what the person does with calls that come in from now on, the next being the first.
    pub fn set_plan(&mut self, plan: Plan) {
        self.settings.plan = plan;
        self.rings = 0;
    }
}

/// Verbs.
impl Phone {
    /// Registers, and refreshes from now on.
    pub fn register(&mut self, now: Instant) {
        let request = self.registration.as_mut().and_then(|registration| registration.register(now));
        self.send_registration(request);
    }

    /// Takes the registration back, where it is plugged in.
    pub fn unregister(&mut self, now: Instant) {
        if !self.is_plugged_in {
            return;
        }
        let request = self.registration.as_mut().and_then(|registration| registration.unregister(now));
        self.send_registration(request);
    }

    /// Pulls the plug: nothing is said and nothing heard from now on, what was in progress is gone, and
    /// everything that it knew: its next registration is the first of another Call-ID.
    pub fn unplug(&mut self, now: Instant) {
        self.is_plugged_in = false;
        self.end_line(now, End::Lost);
        self.user_agent = user_agent(&self.settings, &mut self.chance);
        self.timers = TimerWheel::new();
        self.transmits.clear();
        self.packets.clear();
        self.registration = registration(&self.settings, &mut self.chance);
    }

    /// Gets other sockets, as after another lease of its address. It has no plug in at that moment: see
    /// [`Phone::unplug`].
    pub fn move_to(&mut self, address: SocketAddr, media: SocketAddr) {
        debug_assert!(!self.is_plugged_in, "whoever has a call at one address is not at another");
        self.settings.address = address;
        self.settings.media = media;
        self.user_agent = user_agent(&self.settings, &mut self.chance);
        self.registration = registration(&self.settings, &mut self.chance);
    }

    /// Puts the plug back in, and registers.
    pub fn plug_in(&mut self, now: Instant) {
        self.is_plugged_in = true;
        self.register(now);
    }

    fn send_registration(&mut self, request: Option<Bytes>) {
        if let Some(bytes) = request {
            let flow = self.flow(self.settings.server);
            self.transmits.push_back(sip::Transmit { flow, bytes });
        }
    }

    fn flow(&self, remote: SocketAddr) -> Flow {
        Flow { protocol: Protocol::Udp, local: self.settings.address, remote, connection: None }
    }
}

/// Inputs.
impl Phone {
    /// A datagram arrived at the SIP socket.
    pub fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: Bytes) {
        if !self.is_plugged_in {
            return;
        }
        if self.is_for_registration(now, &datagram) {
            return;
        }
        self.user_agent.handle_datagram(now, self.flow(source), datagram);
        self.follow(now);
    }

    /// A datagram arrived at the RTP socket.
    pub fn handle_rtp(&mut self, now: Instant, packet: &[u8]) {
        if self.is_plugged_in {
            self.listen(now, packet);
            self.follow(now);
        }
    }

    /// Deadlines up to `now` are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if !self.is_plugged_in {
            return;
        }
        if let Some(registration) = &mut self.registration {
            let (outcome, request) = registration.handle_timeout(now);
            self.report_registration(outcome);
            self.send_registration(request);
        }
        self.user_agent.handle_timeout(now);
        self.follow(now);
        while let Some(due) = self.timers.poll(now) {
            self.fall_due(now, due);
            self.follow(now);
        }
        if let Some(sound) = self.line.sound_mut() {
            while let Some(packet) = sound.poll_packet(now) {
                self.packets.push_back(packet);
            }
        }
    }

    /// Whether a datagram is the answer to a REGISTER: the registrar of a [`UserAgent`] serves, it does
    /// not ask.
    fn is_for_registration(&mut self, now: Instant, datagram: &Bytes) -> bool {
        let Some(registration) = self.registration.as_mut().filter(|registration| registration.is_asking())
        else {
            return false;
        };
        if !datagram.starts_with(b"SIP/2.0") {
            return false;
        }
        let Ok(message) = sip::Message::parse(datagram.clone(), &sip::Limits::default()) else {
            return false;
        };
        if message.method() != sip::Method::Register {
            return false;
        }
        let (outcome, request) = registration.handle_response(now, &message);
        self.report_registration(outcome);
        self.send_registration(request);
        true
    }

    fn report_registration(&mut self, outcome: Option<Outcome>) {
        self.events.extend(outcome.map(|outcome| match outcome {
            Outcome::Registered => Event::Registered,
            Outcome::Unregistered => Event::Unregistered,
            Outcome::Failed { status } => Event::RegistrationFailed { status },
        }));
    }
}

/// Outputs.
impl Phone {
    /// The next SIP datagram to send.
    pub fn poll_transmit(&mut self) -> Option<sip::Transmit> {
        self.transmits.pop_front()
    }

    /// The next RTP packet to send.
    pub fn poll_rtp(&mut self) -> Option<RtpTransmit> {
        self.packets.pop_front()
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Phone::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if !self.is_plugged_in {
            return None;
        }
        let registration = self.registration.as_ref().and_then(Registration::poll_timeout);
        let sound = self.line.sound().and_then(voice::Sound::poll_timeout);
        [self.user_agent.poll_timeout(), self.timers.next_deadline(), registration, sound]
            .into_iter()
            .flatten()
            .min()
    }
}

fn registration(settings: &Settings, chance: &mut Chance) -> Option<Registration> {
    let account = settings.account.clone()?;
    Some(Registration::new(account, &settings.user, &settings.domain, settings.address, chance.fork()))
}

/// A user agent that trusts its server and sends everything there.
fn user_agent(settings: &Settings, chance: &mut Chance) -> UserAgent {
    let address = settings.address;
    let endpoint =
        Endpoint { protocol: Protocol::Udp, bound: address, host: bracketed(address), port: address.port() };
    let server = Host::parse(bracketed(settings.server).as_bytes()).expect("an address is a host");
    let mut proxy = Uri::sip("", server, Some(settings.server.port()));
    proxy.set_param("lr", None);
    let prefix = if settings.server.is_ipv4() { 32 } else { 128 };
    let credentials = settings
        .account
        .as_ref()
        .map(|account| TrunkCredentials { user: settings.user.clone(), secret: account.secret.clone() });
    let mut own = sip::Settings::new(&settings.domain, vec![endpoint]);
    own.server = "Cordboard simulated phone".to_owned();
    own.trunks = vec![Trunk {
        id: SERVER,
        name: "server".to_owned(),
        networks: vec![Network { address: settings.server.ip(), prefix }],
        credentials,
        challenge: false,
        outbound_proxy: Some(proxy),
        calls_per_second: None,
    }];
    // A phone has no trunk that anybody could pretend to be, and networks lose what it answers.
    own.limits.is_amplification_bounded = false;
    UserAgent::new(own, chance.seed())
}
