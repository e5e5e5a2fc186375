//! The whole system under virtual time, from one seed.

mod appointment;
mod check;
mod drive;
mod fault;
mod scenario;
mod verdict;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use acd::AgentId;
use engine::{AgentLine, Directory, Engine, Entry, LogIn, NumberPattern, Outbound, Reach};
use media::{Music, Relay};
use timing::Instant;

pub use appointment::Appointment;
pub use fault::{Fault, Harm, Owner, Side, State, Struck};
pub use scenario::{Line, MUSIC, Scenario, Seat};
pub use verdict::{Failure, Told, Verdict};

use crate::centre::{Centre, Resolver};
use crate::chance::Chance;
use crate::network::{Network, Rule};
use crate::pbx::Pbx;
use crate::phone::{self, Account, CallPlan, Phone, Plan, Voice};
use crate::witness::Witness;
use fault::{Ambush, Computer};

/// Everybody's SIP port.
const SIP_PORT: u16 = 5060;
/// Every phone's RTP port.
const RTP_PORT: u16 = 4000;
/// Where the centre is.
const CENTRE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), SIP_PORT);
/// The second octet of callers' and agents' addresses.
const CALLERS: u8 = 1;
const AGENTS: u8 = 2;
/// The phone that every number outside is at: 10.1.255.1.
const OUTSIDE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, CALLERS, 255, 1)), SIP_PORT);
/// The PBX, where callers are behind one: 10.1.255.2.
const PBX: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, CALLERS, 255, 2)), SIP_PORT);
/// Callers that have addresses of their own; then addresses come back.
const CALLERS_MAX: u32 = 60_000;
/// Tones that phones have in turn, and how far they are apart. None is in the noise that is played to those who wait.
const TONES: u32 = 60;
const TONE_FIRST: f64 = 410.0;
const TONE_STEP: f64 = 47.0;
/// The music of a world is a second of noise: cheap, and nobody takes it for a tone.
const NOISE_SAMPLES: usize = 8_000;
/// How far apart phones register, so that a morning is not one instant.
const MORNING: Duration = Duration::from_millis(2);
/// How long a name takes that is known.
const DNS_TAKES: Duration = Duration::from_millis(20);
/// RTP may be absent so long: worlds without voice have none at all.
const SILENCE: Duration = Duration::from_secs(30);
const SILENCE_WITHOUT_VOICE: Duration = Duration::from_secs(1_000_000);

/// Names a phone of a world. Agents come first, in the order of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneId(pub u32);

const OUTSIDE_PHONE: PhoneId = PhoneId(u32::MAX);

/// What happened, for stories.
#[derive(Clone, Debug, PartialEq)]
pub enum Moment {
    /// At a phone.
    Phone(PhoneId, phone::Event),
    /// In the distributor.
    Distributed(acd::Event),
    /// In the engine.
    Noticed(engine::Notice),
    /// In the relay.
    Relayed(media::Event),
}

struct Station {
    /// In a box: stations are taken out of their map and put back for every datagram.
    phone: Box<Phone>,
    /// When it wants to be woken, as it stands in the heap.
    wake: Option<Instant>,
    is_caller: bool,
    /// When a caller whose call is over leaves the world.
    leaves: Option<Instant>,
}

/// Callers, agents, a network, the product, and a witness.
pub struct World {
    seed: u64,
    scenario: Scenario,
    now: Instant,
    centre: Centre,
    network: Network,
    pbx: Option<Pbx>,
    stations: BTreeMap<PhoneId, Station>,
    /// SIP and RTP sockets of phones.
    sockets: BTreeMap<SocketAddr, PhoneId>,
    wakes: BinaryHeap<Reverse<(Instant, PhoneId)>>,
    agenda: BTreeMap<(Instant, u64), Appointment>,
    appointments: u64,
    callers: u32,
    /// Phones whose line is in use, and callers that still have transactions.
    busy: BTreeSet<PhoneId>,
    witness: Witness,
    /// Which agents picked up for which caller, by user part.
    partners: BTreeMap<String, BTreeSet<PhoneId>>,
    told: Told,
    clashes: u64,
    history: u64,
    /// Steps since time last moved.
    stuck: u64,
    diary: Vec<(Instant, Moment)>,
    computer: Computer,
    ambushes: BTreeMap<PhoneId, Vec<Ambush>>,
    struck: Struck,
    /// Phones that got another address so far.
    moves: u32,
}

impl World {
    /// A world in which nobody has done anything; agents register within their first second.
    pub fn new(scenario: Scenario, seed: u64) -> World {
        let mut world = World::asleep(scenario, seed);
        let mut at = world.now;
        for number in 0..world.agent_count() {
            world.appoint(at, Appointment::Register(PhoneId(number)));
            at += MORNING;
        }
        world
    }

    /// A world in which nobody has done anything, and nobody will by themselves.
    pub fn asleep(scenario: Scenario, seed: u64) -> World {
        let mut chance = Chance::new(seed);
        let centre = scenario.centre(&mut chance);
        let slack = scenario.ring_latency.most * 4;
        let mut witness = Witness::new(CENTRE, slack);
        for (user, _, number) in agents(&scenario) {
            witness.add_agent(&user, number);
        }
        let mut world = World {
            seed,
            now: Instant::ORIGIN,
            network: Network::new(scenario.conditions, chance),
            pbx: scenario.has_pbx.then(|| Pbx::new(PBX, CENTRE)),
            centre,
            stations: BTreeMap::new(),
            sockets: BTreeMap::new(),
            wakes: BinaryHeap::new(),
            agenda: BTreeMap::new(),
            appointments: 0,
            callers: 0,
            busy: BTreeSet::new(),
            witness,
            partners: BTreeMap::new(),
            told: Told::default(),
            clashes: 0,
            history: FNV_OFFSET,
            stuck: 0,
            diary: Vec::new(),
            computer: Computer::default(),
            ambushes: BTreeMap::new(),
            struck: Struck::new(),
            moves: 0,
            scenario,
        };
        world.seat_agents();
        if let Some(plan) = world.scenario.outside.clone() {
            world.add_outside_phone(plan);
        }
        world
    }

    fn seat_agents(&mut self) {
        let account = Account { secret: String::new(), expires: self.scenario.expires };
        let seats: Vec<(String, Plan, u32)> = agents(&self.scenario).collect();
        for (user, plan, number) in seats {
            let account = Account { secret: Scenario::secret(&user), ..account.clone() };
            let id = PhoneId(number);
            self.add_phone(id, &user, address(AGENTS, number), Some(account), plan);
        }
    }

    /// Puts a phone at the address that every number outside leads to. At most one.
    /// It is not behind the PBX.
    pub fn add_outside_phone(&mut self, plan: Plan) -> PhoneId {
        let id = OUTSIDE_PHONE;
        self.add_phone(id, "outside", OUTSIDE, None, plan);
        id
    }

    fn add_phone(
        &mut self,
        id: PhoneId,
        user: &str,
        address: SocketAddr,
        account: Option<Account>,
        plan: Plan,
    ) {
        let media = SocketAddr::new(address.ip(), RTP_PORT);
        let voice = self
            .scenario
            .has_voice
            .then(|| Voice { hertz: tone(id.0), listens_for: (0..TONES).map(tone).collect() });
        let settings = phone::Settings {
            user: user.to_owned(),
            display_name: String::new(),
            domain: Scenario::DOMAIN.to_owned(),
            server: self
                .pbx
                .as_ref()
                .filter(|_| account.is_none())
                .filter(|_| id != OUTSIDE_PHONE)
                .map_or(CENTRE, Pbx::address),
            address,
            media,
            voice,
            account,
            plan,
        };
        let is_caller = settings.account.is_none() && id != OUTSIDE_PHONE;
        // A phone's chance is its own, whoever else is there: a story that is made smaller stays the same story.
        let seed = fnv(fnv(FNV_OFFSET, &self.seed.to_be_bytes()), &id.0.to_be_bytes());
        let phone = Box::new(Phone::new(settings, seed));
        self.sockets.insert(address, id);
        self.sockets.insert(media, id);
        self.stations.insert(id, Station { phone, wake: None, is_caller, leaves: None });
    }
}

/// Verbs.
impl World {
    /// What will happen at a moment, after all that is due by then.
    pub fn appoint(&mut self, at: Instant, appointment: Appointment) {
        self.appointments += 1;
        self.agenda.insert((at.max(self.now), self.appointments), appointment);
    }

    /// Somebody new calls a number now.
    pub fn call(&mut self, number: &str, plan: CallPlan) -> PhoneId {
        self.call_of(self.callers, number, plan)
    }

    fn call_of(&mut self, caller: u32, number: &str, plan: CallPlan) -> PhoneId {
        let id = PhoneId(self.agent_count() + caller);
        let user = format!("c{caller}");
        let address = address(CALLERS, caller % CALLERS_MAX);
        self.callers = self.callers.max(caller + 1);
        self.add_phone(id, &user, address, None, Plan::Always(phone::Manner::only(phone::Answer::Busy)));
        let now = self.now;
        self.with_phone(id, |phone| {
            let called = phone.call(now, number, plan);
            debug_assert!(called.is_ok(), "a new phone can call");
        });
        id
    }

    /// Does something at a phone now and lets the world take note.
    pub fn with_phone(&mut self, id: PhoneId, act: impl FnOnce(&mut Phone)) {
        if let Some(station) = self.stations.get_mut(&id) {
            act(&mut station.phone);
            self.attend(id);
        }
    }

    /// Tells the witness that this user is an agent too: one who is reached through the trunk.
    pub fn know_agent(&mut self, user: &str, agent: AgentId) {
        self.witness.add_agent(user, agent.0);
    }

    /// Tells the distributor something, as an API would.
    pub fn command(&mut self, command: acd::Command) {
        self.centre.command(self.now, command);
        self.follow_centre();
    }

    /// Does something with the engine now, as the shell would: a new directory, a drain.
    pub fn with_engine(&mut self, act: impl FnOnce(&mut Engine, Instant)) {
        act(self.centre.engine_mut(), self.now);
        self.centre.handle_timeout(self.now);
        self.follow_centre();
    }

    /// A rule for the network.
    pub fn add_rule(&mut self, rule: Rule) {
        self.network.add_rule(rule);
    }
}

/// Views.
impl World {
    /// The time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// A phone; `None` for callers whose call is over and forgotten.
    pub fn phone(&self, id: PhoneId) -> Option<&Phone> {
        self.stations.get(&id).map(|station| &*station.phone)
    }

    /// The SIP address of a phone.
    pub fn address_of(&self, id: PhoneId) -> SocketAddr {
        if let Some(phone) = self.phone(id) {
            phone.settings().address
        } else if id.0 < self.agent_count() {
            address(AGENTS, id.0)
        } else {
            address(CALLERS, (id.0 - self.agent_count()) % CALLERS_MAX)
        }
    }

    /// Where the engine listens.
    pub fn centre_address(&self) -> SocketAddr {
        CENTRE
    }

    /// The tone of a phone.
    pub fn tone_of(&self, id: PhoneId) -> f64 {
        tone(id.0)
    }

    /// The agent at a phone.
    pub fn agent_of(&self, id: PhoneId) -> AgentId {
        AgentId(id.0)
    }

    /// Engine, distributor and relay.
    pub fn centre(&self) -> &Centre {
        &self.centre
    }

    /// All that happened, where the scenario keeps a diary.
    pub fn diary(&self) -> &[(Instant, Moment)] {
        &self.diary
    }

    /// What happened at one phone.
    pub fn events_of(&self, id: PhoneId) -> Vec<(Instant, phone::Event)> {
        let mine = |(at, moment): &(Instant, Moment)| match moment {
            Moment::Phone(phone, event) if *phone == id => Some((*at, event.clone())),
            Moment::Phone(..) | Moment::Distributed(_) | Moment::Noticed(_) | Moment::Relayed(_) => None,
        };
        self.diary.iter().filter_map(mine).collect()
    }

    /// What the distributor said.
    pub fn decisions(&self) -> Vec<(Instant, acd::Event)> {
        let told = |(at, moment): &(Instant, Moment)| match moment {
            Moment::Distributed(event) => Some((*at, event.clone())),
            Moment::Phone(..) | Moment::Noticed(_) | Moment::Relayed(_) => None,
        };
        self.diary.iter().filter_map(told).collect()
    }

    /// A number over everything so far: the same for the same seed.
    pub fn history(&self) -> u64 {
        self.history
    }

    fn agent_count(&self) -> u32 {
        u32::try_from(self.scenario.seats.len()).expect("fewer than 2^32 agents")
    }
}

/// FNV-1a: a number over octets that is the same everywhere.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME))
}

fn tone(number: u32) -> f64 {
    TONE_FIRST + TONE_STEP * f64::from(number % TONES)
}

fn address(network: u8, number: u32) -> SocketAddr {
    let [_, _, high, low] = number.to_be_bytes();
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, network, high, low)), SIP_PORT)
}

/// User, plan and number of every agent.
fn agents(scenario: &Scenario) -> impl Iterator<Item = (String, Plan, u32)> + '_ {
    (0u32..).zip(&scenario.seats).map(|(number, seat)| (Scenario::user(number), seat.plan.clone(), number))
}

impl Scenario {
    /// The product alone: it knows queues and agents of this scenario, and nobody has said anything to it yet.
    pub fn centre(&self, chance: &mut Chance) -> Centre {
        let mut centre = centre(self, chance);
        for (user, ..) in agents(self) {
            let secret = sip::digest::Secret::Password(Scenario::secret(&user));
            centre.engine_mut().set_account(&user, secret);
        }
        let (directory, commands) = directory(self);
        centre.engine_mut().reload(Instant::ORIGIN, directory, commands);
        centre.handle_timeout(Instant::ORIGIN);
        centre
    }
}

fn centre(scenario: &Scenario, chance: &mut Chance) -> Centre {
    let engine = Engine::new(scenario.settings.clone(), chance.seed());
    let silence = if scenario.has_voice { SILENCE } else { SILENCE_WITHOUT_VOICE };
    let mut relay = Relay::new(media::Settings { silence, ..media::Settings::default() }, chance.seed());
    let noise: Vec<i16> = (0..NOISE_SAMPLES).map(|_| (chance.below(8_000) as i16) - 4_000).collect();
    relay.set_music(MUSIC, Arc::new(Music::from_samples(&noise).expect("there are samples")));
    let distributor = acd::Distributor::new(scenario.routing.clone());
    let mut centre = Centre::new(engine, distributor, relay, CENTRE, chance.fork());
    centre.set_ring_latency(scenario.ring_latency);
    centre.check_every(scenario.check_every);
    if let Some(host) = scenario.outside_host.clone() {
        let IpAddr::V4(address) = OUTSIDE.ip() else { unreachable!("the address above is IPv4") };
        centre.set_resolver(Resolver { host, address, latency: DNS_TAKES });
    }
    centre
}

fn directory(scenario: &Scenario) -> (Directory, Vec<acd::Command>) {
    let mut directory = Directory { exits: scenario.exits.clone(), ..Directory::default() };
    directory.outbound = Some(Outbound {
        trunk: sip::TrunkId(0),
        host: scenario.outside_host.clone().unwrap_or_else(|| OUTSIDE.to_string()),
    });
    let mut commands = Vec::new();
    for line in &scenario.lines {
        directory.queues.insert(line.queue, line.treatment);
        directory.entries.push(Entry {
            number: NumberPattern::Exact(line.number.clone()),
            queue: line.queue,
            also: Vec::new(),
            priority: 0,
            requirement: None,
            wish: None,
        });
        let settings = Box::new(line.settings.clone());
        commands.push(acd::Command::DefineQueue { queue: line.queue, settings });
    }
    for ((user, _, number), seat) in agents(scenario).zip(&scenario.seats) {
        let line = AgentLine { reach: Reach::Account(user), log_in: LogIn::OnRegister };
        directory.agents.insert(AgentId(number), line);
        let settings = Box::new(seat.settings.clone());
        commands.push(acd::Command::DefineAgent { agent: AgentId(number), settings });
    }
    (directory, commands)
}
