//! What goes wrong beside datagrams that are lost: phones, PBX, network, DNS, and the machine that the centre runs on.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use acd::Activity;
use timing::Instant;

use super::{AGENTS, Appointment, CALLERS, CENTRE, PhoneId, RTP_PORT, Station, World, address};
use crate::network::{Cut, Datagram};
use crate::phone::{self, Situation};

/// Agents' phones that moved are here in their network; others are below.
const MOVED: u32 = 0x8000;
/// The second octet of callers that moved: they are no callers any more, for no trunk leads there.
const MOVED_CALLERS: u8 = 3;

/// A part of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The centre.
    Centre,
    /// All callers, the PBX and the phone outside.
    Callers,
    /// All agents.
    Agents,
    /// One phone, where it is by then.
    Phone(PhoneId),
}

/// What befalls a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Harm {
    /// It is gone for good.
    Dies,
    /// It forgets everything and comes back.
    Reboots,
    /// It forgets everything and comes back somewhere else.
    Moves,
}

impl Harm {
    /// Every kind.
    pub const ALL: [Harm; 3] = [Harm::Dies, Harm::Reboots, Harm::Moves];
}

/// What a phone is in the middle of, as the world sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// A REGISTER of its own is under way.
    Registering,
    /// Nobody rings, is called or talks.
    Idle,
    /// Somebody calls it.
    Ringing,
    /// It calls, and nobody has answered.
    Calling,
    /// It is a caller whose call is answered and to whom no agent talks.
    Waiting,
    /// Two people talk.
    Talking,
    /// It holds the other side.
    Holding,
    /// The other side holds it.
    Held,
    /// Its agent wraps up.
    AfterCallWork,
}

impl State {
    /// Those of an agent's phone.
    pub const OF_AGENTS: [State; 7] = [
        State::Registering,
        State::Idle,
        State::Ringing,
        State::Talking,
        State::Holding,
        State::Held,
        State::AfterCallWork,
    ];
    /// Those of a caller's phone.
    pub const OF_CALLERS: [State; 5] =
        [State::Calling, State::Waiting, State::Talking, State::Holding, State::Held];
}

/// Whose phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// An agent's.
    Agent,
    /// A caller's.
    Caller,
}

/// How often what befell whose phones in which state.
pub type Struck = BTreeMap<(Owner, State, Harm), u64>;

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// As soon as the phone is in this state, and so long after, it is harmed; who comes back does so after `off`.
    Ambush {
        /// Which phone; a caller's may come later.
        phone: PhoneId,
        /// In which state.
        state: State,
        /// How long after it got there. It may be in another state by then.
        after: Duration,
        /// What happens to it.
        harm: Harm,
        /// How long it is away.
        off: Duration,
    },
    /// A part of the network is not heard by another.
    Cut {
        /// Who is not heard.
        from: Side,
        /// By whom.
        to: Side,
        /// Whether that is so the other way round, too.
        is_mutual: bool,
        /// For so long.
        lasting: Duration,
    },
    /// The PBX starts anew. It is silent for a while, then refuses new calls for another.
    PbxRestarts {
        /// Silent for so long.
        silent: Duration,
        /// And then without service for so long.
        refusing: Duration,
    },
    /// The centre is woken for its deadlines at multiples of `by` only; what arrives is taken when it arrives.
    TimersLate {
        /// The most that a deadline is late.
        by: Duration,
        /// For so long.
        lasting: Duration,
    },
    /// The centre does nothing at all, as on a machine that stands still. Then everything is there at once.
    Stall {
        /// For so long.
        lasting: Duration,
        /// Whether it looks at its deadlines before it takes what arrived.
        are_timers_first: bool,
    },
    /// Every question to the DNS fails.
    NoDns {
        /// For so long.
        lasting: Duration,
        /// Each so long after it was asked.
        after: Duration,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Ambush { phone, state, after, harm, off } => {
                write!(f, "phone {} {harm:?} {after:?} after it is {state:?}, away {off:?}", phone.0)
            }
            Fault::Cut { from, to, is_mutual: false, lasting } => {
                write!(f, "{to:?} does not hear {from:?} for {lasting:?}")
            }
            Fault::Cut { from, to, is_mutual: true, lasting } => {
                write!(f, "{to:?} and {from:?} do not hear each other for {lasting:?}")
            }
            Fault::PbxRestarts { silent, refusing } => {
                write!(f, "the PBX starts anew, silent {silent:?}, without service {refusing:?}")
            }
            Fault::TimersLate { by, lasting } => {
                write!(f, "timers of the centre are late by {by:?} for {lasting:?}")
            }
            Fault::Stall { lasting, are_timers_first } => {
                write!(f, "the centre stands still for {lasting:?}, deadlines first: {are_timers_first}")
            }
            Fault::NoDns { lasting, after } => write!(f, "no DNS for {lasting:?}, told after {after:?}"),
        }
    }
}

/// A phone that something will befall.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ambush {
    state: State,
    after: Duration,
    harm: Harm,
    off: Duration,
}

/// How the machine behaves that the centre runs on.
#[derive(Clone, Debug, Default)]
pub(super) struct Computer {
    late_by: Duration,
    late_until: Instant,
    stands_still_until: Instant,
    are_timers_first: bool,
    /// What arrived while it stood still.
    held: Vec<Datagram>,
}

impl Computer {
    /// When the centre gets its turn that wants one at `due`.
    pub(super) fn wakes(&self, due: Option<Instant>) -> Option<Instant> {
        if !self.held.is_empty() {
            return Some(self.stands_still_until);
        }
        let due = due?.max(self.stands_still_until);
        if due >= self.late_until || self.late_by.is_zero() {
            return Some(due);
        }
        let step = u64::try_from(self.late_by.as_micros()).unwrap_or(u64::MAX);
        let late = Instant::from_micros(due.as_micros().div_ceil(step).saturating_mul(step));
        Some(late.min(self.late_until))
    }
}

/// Faults.
impl World {
    pub(super) fn go_wrong(&mut self, fault: Fault) {
        let now = self.now;
        match fault {
            Fault::Ambush { phone, state, after, harm, off } => {
                let ambush = Ambush { state, after, harm, off };
                self.ambushes.entry(phone).or_default().push(ambush);
                self.spring(phone);
            }
            Fault::Cut { from, to, is_mutual, lasting } => {
                let (Some(from), Some(to)) = (self.network_of(from), self.network_of(to)) else { return };
                let until = now + lasting;
                self.network.cut(Cut { from, to, until });
                if is_mutual {
                    self.network.cut(Cut { from: to, to: from, until });
                }
            }
            Fault::PbxRestarts { silent, refusing } => {
                if let Some(pbx) = &mut self.pbx {
                    pbx.restart(now + silent, now + silent + refusing);
                }
            }
            Fault::TimersLate { by, lasting } => {
                self.computer.late_by = by;
                self.computer.late_until = now + lasting;
                self.witness.add_slow(now, lasting, by);
            }
            Fault::Stall { lasting, are_timers_first } => {
                self.computer.stands_still_until = self.computer.stands_still_until.max(now + lasting);
                self.computer.are_timers_first = are_timers_first;
                self.witness.add_slow(now, lasting, lasting);
            }
            Fault::NoDns { lasting, after } => self.centre.fail_dns(now + lasting, after),
        }
    }

    /// `None`: that phone is not there.
    fn network_of(&self, side: Side) -> Option<sip::Network> {
        let (address, prefix) = match side {
            Side::Centre => (CENTRE, 32),
            Side::Callers => (address(CALLERS, 0), 16),
            Side::Agents => (address(AGENTS, 0), 16),
            Side::Phone(id) => (self.phone(id)?.settings().address, 32),
        };
        Some(sip::Network { address: address.ip(), prefix })
    }

    /// What a phone is in the middle of; `None`: it is not there, or without a plug.
    pub fn state_of(&self, id: PhoneId) -> Option<State> {
        let phone = self.phone(id)?;
        let wraps_up = || {
            let agent = self.centre.distributor().agent_snapshot(self.agent_of(id));
            agent.is_some_and(|agent| matches!(agent.activity, Activity::AfterCallWork { .. }))
        };
        let waits = || self.is_caller(id) && !self.partners.contains_key(&phone.settings().user);
        match phone.situation() {
            Situation::Unplugged => None,
            Situation::Registering => Some(State::Registering),
            Situation::Idle if wraps_up() => Some(State::AfterCallWork),
            Situation::Idle => Some(State::Idle),
            Situation::Ringing => Some(State::Ringing),
            Situation::Calling => Some(State::Calling),
            Situation::Talking if waits() => Some(State::Waiting),
            Situation::Talking => Some(State::Talking),
            Situation::Holding => Some(State::Holding),
            Situation::Held => Some(State::Held),
        }
    }

    fn is_caller(&self, id: PhoneId) -> bool {
        self.stations.get(&id).is_some_and(|station| station.is_caller)
    }

    /// Whether something lies in wait for this phone in the state that it is in now.
    pub(super) fn spring(&mut self, id: PhoneId) {
        if !self.ambushes.contains_key(&id) {
            return;
        }
        let Some(state) = self.state_of(id) else { return };
        let Some(waiting) = self.ambushes.get_mut(&id) else { return };
        let Some(index) = waiting.iter().position(|ambush| ambush.state == state) else { return };
        let Ambush { after, harm, off, .. } = waiting.remove(index);
        if waiting.is_empty() {
            self.ambushes.remove(&id);
        }
        let now = self.now;
        self.appoint(now + after, Appointment::Harm { phone: id, harm, off });
    }

    pub(super) fn harm(&mut self, id: PhoneId, harm: Harm, off: Duration) {
        let Some(state) = self.state_of(id) else { return };
        let owner = if self.is_caller(id) { Owner::Caller } else { Owner::Agent };
        *self.struck.entry((owner, state, harm)).or_default() += 1;
        let now = self.now;
        if let Some(user) = self.phone(id).map(|phone| phone.settings().user.clone()) {
            self.witness.forgotten_by(&user);
        }
        self.with_phone(id, |phone| phone.unplug(now));
        match harm {
            Harm::Dies => return,
            Harm::Reboots => {}
            Harm::Moves => self.move_phone(id),
        }
        self.appoint(now + off, Appointment::PlugIn(id));
    }

    fn move_phone(&mut self, id: PhoneId) {
        self.moves += 1;
        let network = if self.is_caller(id) { MOVED_CALLERS } else { AGENTS };
        let sip = address(network, MOVED + self.moves % MOVED);
        let media = SocketAddr::new(sip.ip(), RTP_PORT);
        let Some(Station { phone, .. }) = self.stations.get_mut(&id) else { return };
        let phone::Settings { address, media: heard, .. } = phone.settings();
        for socket in [address, heard] {
            self.sockets.remove(socket);
        }
        phone.move_to(sip, media);
        self.sockets.insert(sip, id);
        self.sockets.insert(media, id);
    }

    /// Whether the centre takes what arrives now; otherwise it is kept for it.
    pub(super) fn is_taken(&mut self, datagram: Datagram) -> Option<Datagram> {
        if self.now >= self.computer.stands_still_until && self.computer.held.is_empty() {
            return Some(datagram);
        }
        self.computer.held.push(datagram);
        None
    }

    /// The centre's turn.
    pub(super) fn wake_centre(&mut self) {
        let now = self.now;
        if self.computer.are_timers_first {
            self.centre.handle_timeout(now);
        }
        for datagram in std::mem::take(&mut self.computer.held) {
            self.note_arrival(&datagram);
            self.centre.handle_datagram(now, datagram);
        }
        self.centre.handle_timeout(now);
    }
}
