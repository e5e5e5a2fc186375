//! Time moves: what is due first happens first, and what is due together happens in a fixed order.

use std::cmp::Reverse;
use std::time::Duration;

use timing::Instant;

use super::{Appointment, Moment, OUTSIDE_PHONE, PhoneId, SIP_PORT, World, fnv};
use crate::centre::Happening;
use crate::network::Datagram;
use crate::pbx::Handled;
use crate::phone::{self, End, Party, Situation};

/// Steps at one and the same instant before a world counts as stuck.
const STUCK_AFTER: u64 = 5_000_000;

/// Whose turn it is. At the same instant, the earlier variant goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Network,
    Centre,
    Phone(PhoneId),
    Agenda,
}

/// How long a caller stays after its call, for an answer that comes when it has forgotten the call.
const FAREWELL: Duration = Duration::from_secs(300);

impl World {
    /// Lets everything happen that happens within this time.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now + duration);
    }

    /// Lets everything happen up to a moment.
    pub fn run_until(&mut self, end: Instant) {
        while self.step(end) {}
        self.now = self.now.max(end);
    }

    /// Lets things happen until a moment comes that fits. Whether one came before `limit` was over.
    pub fn run_until_moment(&mut self, limit: Duration, fits: impl Fn(&Moment) -> bool) -> bool {
        let end = self.now + limit;
        let mut seen = self.diary.len();
        while self.step(end) {
            if self.diary[seen..].iter().any(|(_, moment)| fits(moment)) {
                return true;
            }
            seen = self.diary.len();
        }
        self.now = self.now.max(end);
        false
    }

    /// The next thing that happens, if it happens by `end`.
    fn step(&mut self, end: Instant) -> bool {
        let Some((at, turn)) = self.next_turn().filter(|&(at, _)| at <= end) else { return false };
        if at > self.now {
            self.now = at;
            self.stuck = 0;
        }
        self.stuck += 1;
        assert!(
            self.stuck < STUCK_AFTER,
            "seed {}: time stands still at {:?}, {turn:?}",
            self.seed,
            self.now
        );
        match turn {
            Turn::Network => self.deliver(),
            Turn::Centre => {
                self.wake_centre();
                self.follow_centre();
            }
            Turn::Phone(id) => {
                let now = self.now;
                if let Some(station) = self.stations.get_mut(&id) {
                    station.wake = None;
                    station.phone.handle_timeout(now);
                }
                self.attend(id);
            }
            Turn::Agenda => self.keep_appointment(),
        }
        true
    }

    fn next_turn(&mut self) -> Option<(Instant, Turn)> {
        while let Some(&Reverse((at, id))) = self.wakes.peek() {
            if self.stations.get(&id).is_some_and(|station| station.wake == Some(at)) {
                break;
            }
            self.wakes.pop();
        }
        let network = self.network.poll_timeout().map(|at| (at, Turn::Network));
        let centre = self.computer.wakes(self.centre.poll_timeout()).map(|at| (at, Turn::Centre));
        let phone = self.wakes.peek().map(|&Reverse((at, id))| (at, Turn::Phone(id)));
        let agenda = self.agenda.first_key_value().map(|(&(at, _), _)| (at, Turn::Agenda));
        let next = [network, centre, phone, agenda].into_iter().flatten();
        // A deadline in the past is due now, not before what else is due now.
        next.map(|(at, turn)| (at.max(self.now), turn)).min()
    }

    fn keep_appointment(&mut self) {
        let Some((_, appointment)) = self.agenda.pop_first() else { return };
        let now = self.now;
        match appointment {
            Appointment::Register(id) => self.with_phone(id, |phone| phone.register(now)),
            Appointment::Unregister(id) => self.with_phone(id, |phone| phone.unregister(now)),
            Appointment::Call(number, plan) => {
                self.call(&number, plan);
            }
            Appointment::CallOf(caller, number, plan) => {
                self.call_of(caller, &number, plan);
            }
            Appointment::Unplug(id) => self.with_phone(id, |phone| phone.unplug(now)),
            Appointment::PlugIn(id) => self.with_phone(id, |phone| phone.plug_in(now)),
            Appointment::Fault(fault) => self.go_wrong(fault),
            Appointment::Harm { phone, harm, off } => self.harm(phone, harm, off),
            Appointment::Rewrite => {
                if let Err(error) = self.centre.rewrite() {
                    self.witness.accuse(now, "", format!("state that cannot be written or read: {error}"));
                }
            }
        }
    }

    fn deliver(&mut self) {
        let Some(datagram) = self.network.poll_arrival(self.now) else { return };
        self.remember(&datagram);
        if let Some(pbx) = self.pbx.as_mut().filter(|pbx| pbx.address() == datagram.to) {
            match pbx.handle_datagram(self.now, &datagram) {
                Handled::Sent(sent) => self.send(sent),
                Handled::Dropped => {}
                Handled::Unreadable => {
                    self.witness.accuse(self.now, "", format!("the PBX cannot forward {datagram:?}"));
                }
            }
            return;
        }
        if self.centre.owns(datagram.to) {
            if let Some(datagram) = self.is_taken(datagram) {
                self.note_arrival(&datagram);
                self.centre.handle_datagram(self.now, datagram);
                self.follow_centre();
            }
            return;
        }
        // Nobody there: a phone that is gone, or a port for RTCP that phones do not have.
        let Some(&id) = self.sockets.get(&datagram.to) else { return };
        let now = self.now;
        if self.phone(id).is_some_and(|phone| phone.situation() != Situation::Unplugged) {
            self.note_arrival(&datagram);
        }
        self.with_phone(id, |phone| {
            if datagram.to.port() == SIP_PORT {
                phone.handle_datagram(now, datagram.from, datagram.bytes);
            } else {
                phone.handle_rtp(now, &datagram.bytes);
            }
        });
    }

    pub(super) fn note_arrival(&mut self, datagram: &Datagram) {
        if datagram.to.port() == SIP_PORT {
            self.witness.arrived(self.now, datagram);
        }
    }

    fn remember(&mut self, datagram: &Datagram) {
        self.history = fnv(self.history, &self.now.as_micros().to_be_bytes());
        for address in [datagram.from, datagram.to] {
            let octets = match address.ip() {
                std::net::IpAddr::V4(ip) => u128::from(ip.to_bits()),
                std::net::IpAddr::V6(ip) => ip.to_bits(),
            };
            self.history = fnv(self.history, &octets.to_be_bytes());
            self.history = fnv(self.history, &address.port().to_be_bytes());
        }
        self.history = fnv(self.history, &datagram.bytes);
    }

    fn send(&mut self, datagram: Datagram) {
        if datagram.from.port() == SIP_PORT {
            self.witness.sent(self.now, &datagram);
        }
        self.network.send(self.now, datagram);
    }

    /// Takes everything that the centre has to say.
    pub(super) fn follow_centre(&mut self) {
        while let Some(datagram) = self.centre.poll_datagram() {
            self.send(datagram);
        }
        while let Some(happening) = self.centre.poll_happening() {
            let moment = match happening {
                Happening::Distributed(event) => {
                    self.history = fnv(self.history, format!("{event:?}").as_bytes());
                    if let acd::Event::AfterCallWorkStarted { agent, .. } = event {
                        self.spring(PhoneId(agent.0));
                    }
                    Moment::Distributed(event)
                }
                Happening::LetGo(caller) => {
                    self.witness.overflowed(self.now, caller);
                    continue;
                }
                Happening::Noticed(notice) => {
                    self.told.note(&notice);
                    if let engine::Notice::CallEnded(record) = &notice {
                        self.witness.recorded(&record.story.caller, record.outcome);
                    }
                    Moment::Noticed(notice)
                }
                Happening::Relayed(event) => Moment::Relayed(event),
                Happening::Broken(what) => {
                    self.witness.accuse(self.now, "", what);
                    continue;
                }
                Happening::Asked(query) => {
                    self.witness.accuse(self.now, "", format!("the engine asks the DNS: {query:?}"));
                    continue;
                }
            };
            self.note(moment);
        }
    }

    fn note(&mut self, moment: Moment) {
        if self.scenario.keeps_diary {
            self.diary.push((self.now, moment));
        }
    }

    /// Takes everything that a phone has to say, and sees when it wants to be woken.
    pub(super) fn attend(&mut self, id: PhoneId) {
        let Some(mut station) = self.stations.remove(&id) else { return };
        let settings = station.phone.settings();
        let media = settings.media;
        while let Some(transmit) = station.phone.poll_transmit() {
            self.send(Datagram {
                from: transmit.flow.local,
                to: transmit.flow.remote,
                bytes: transmit.bytes,
            });
        }
        while let Some(packet) = station.phone.poll_rtp() {
            self.send(Datagram { from: media, to: packet.to, bytes: packet.bytes.into() });
        }
        while let Some(event) = station.phone.poll_event() {
            self.take_note(id, &station.phone, &event);
            self.note(Moment::Phone(id, event));
        }
        if station.phone.is_idle() {
            self.busy.remove(&id);
        } else {
            self.busy.insert(id);
        }
        let wake = station.phone.poll_timeout();
        let is_over = station.is_caller && station.phone.is_idle() && wake.is_none();
        if is_over && station.leaves.is_some_and(|at| at <= self.now) {
            self.retire(&station.phone);
            return;
        }
        station.leaves = is_over.then(|| station.leaves.unwrap_or(self.now + FAREWELL));
        let wake = wake.or(station.leaves);
        if wake != station.wake {
            station.wake = wake;
            self.wakes.extend(wake.map(|at| Reverse((at.max(self.now), id))));
            // The heap and the station must name the same instant.
            station.wake = wake.map(|at| at.max(self.now));
        }
        self.stations.insert(id, station);
        self.spring(id);
    }

    /// A caller whose call is over for [`FAREWELL`] leaves the world.
    fn retire(&mut self, phone: &phone::Phone) {
        let settings = phone.settings();
        self.sockets.remove(&settings.address);
        self.sockets.remove(&settings.media);
        self.partners.remove(&settings.user);
        self.witness.close(self.now, &settings.user);
    }

    fn take_note(&mut self, id: PhoneId, phone: &phone::Phone, event: &phone::Event) {
        match event {
            phone::Event::Clash { .. } => self.clashes += 1,
            phone::Event::PickedUp { by: Party::Us } => {
                if let Some(caller) = phone.other() {
                    self.partners.entry(caller.to_owned()).or_default().insert(id);
                }
            }
            phone::Event::Ended { end, other, heard, .. } => {
                let is_agent = id.0 < self.agent_count();
                let wrong =
                    heard.iter().find(|heard| !self.may_hear(id, is_agent, phone, other, heard.hertz));
                if let Some(heard) = wrong {
                    let user = phone.settings().user.clone();
                    let what =
                        format!("{user} heard {} Hz, which is nobody it talked to ({end:?})", heard.hertz);
                    let caller = if is_agent { other.clone() } else { user };
                    self.witness.accuse(self.now, &caller, what);
                }
            }
            phone::Event::Registered
            | phone::Event::Unregistered
            | phone::Event::RegistrationFailed { .. }
            | phone::Event::Rung { .. }
            | phone::Event::Progress { .. }
            | phone::Event::PickedUp { by: Party::Other }
            | phone::Event::Hears { .. }
            | phone::Event::Held { .. }
            | phone::Event::Resumed { .. }
            | phone::Event::HoldRefused { .. } => {}
        }
    }

    /// Whether a phone may have heard this tone: an agent the caller's, a caller that of an agent who
    /// picked up for it.
    fn may_hear(&self, id: PhoneId, is_agent: bool, phone: &phone::Phone, other: &str, hertz: f64) -> bool {
        let of_user = |user: &str| user.get(1..).and_then(|number| number.parse::<u32>().ok());
        if is_agent || id == OUTSIDE_PHONE {
            let caller = of_user(other).map(|number| PhoneId(self.agent_count() + number));
            return caller.is_some_and(|caller| self.tone_of(caller) == hertz);
        }
        let partners = self.partners.get(&phone.settings().user);
        partners.is_some_and(|partners| partners.iter().any(|&agent| self.tone_of(agent) == hertz))
    }

    /// Whether anything of a call is under way.
    pub(super) fn is_anybody_busy(&self) -> bool {
        !self.busy.is_empty() || !self.agenda.is_empty()
    }

    /// A call of an agent that ended so.
    pub fn ends_of(&self, id: PhoneId) -> Vec<End> {
        let end = |(_, event): (Instant, phone::Event)| match event {
            phone::Event::Ended { end, .. } => Some(end),
            _other => None,
        };
        self.events_of(id).into_iter().filter_map(end).collect()
    }
}
