//! What a world is made of.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use acd::{AgentSettings, ExitId, QueueId, QueueSettings};
use engine::{Leave, Treatment};
use media::MusicId;

use super::{CALLERS, CENTRE};
use crate::chance::Span;
use crate::network::Conditions;
use crate::phone::Plan;

/// The music that every relay of a world knows.
pub const MUSIC: MusicId = MusicId(1);

/// A queue and the number that leads to it.
#[derive(Clone, Debug)]
pub struct Line {
    /// What is dialled.
    pub number: String,
    /// Where it leads.
    pub queue: QueueId,
    /// The queue's rules.
    pub settings: QueueSettings,
    /// What callers hear while they wait.
    pub treatment: Treatment,
}

/// An agent, and the person that is one.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Skills and the rest.
    pub settings: AgentSettings,
    /// What the person does with calls.
    pub plan: Plan,
}

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The network.
    pub conditions: Conditions,
    /// How long values are on their way between engine, distributor and relay.
    pub ring_latency: Span,
    /// The distributor's invariants are checked at every so many of its steps.
    pub check_every: u32,
    /// Numbers and queues.
    pub lines: Vec<Line>,
    /// Agents.
    pub seats: Vec<Seat>,
    /// What interactions do that leave by these exits.
    pub exits: BTreeMap<ExitId, Leave>,
    /// How long phones register for.
    pub expires: Duration,
    /// Callers are behind a proxy that stays in the way of their dialogs.
    pub has_pbx: bool,
    /// Phones send tones and listen. Without, not a packet of RTP is sent.
    pub has_voice: bool,
    /// Everything that happens is kept for the story to look at.
    pub keeps_diary: bool,
    /// The name that numbers outside are under, where the DNS is to be asked; otherwise it is an address.
    pub outside_host: Option<String>,
    /// What the person does who is at the phone of every number outside; `None`: nobody is there.
    pub outside: Option<Plan>,
    /// Calls, SIP and media of the centre.
    pub settings: engine::Settings,
    /// The distributor.
    pub routing: acd::Settings,
}

impl Scenario {
    /// The number of [`Scenario::quiet`]'s queue.
    pub const NUMBER: &'static str = "100";
    /// The domain of every world.
    pub const DOMAIN: &'static str = "cc.example.com";

    /// The user part of an agent's address; agents are numbered from 0.
    pub fn user(number: u32) -> String {
        format!("a{number}")
    }

    /// The password of a user.
    pub fn secret(user: &str) -> String {
        format!("secret of {user}")
    }

    /// One queue behind one number with ringback, a clean network, nobody there.
    pub fn quiet() -> Scenario {
        Scenario {
            conditions: Conditions::CLEAN,
            ring_latency: Span::millis(0),
            check_every: 1,
            lines: vec![Line {
                number: Scenario::NUMBER.to_owned(),
                queue: QueueId(1),
                settings: QueueSettings::default(),
                treatment: Treatment::Ringback,
            }],
            seats: Vec::new(),
            exits: BTreeMap::new(),
            expires: Duration::from_secs(3_600),
            has_pbx: false,
            has_voice: false,
            keeps_diary: true,
            outside_host: None,
            outside: None,
            settings: settings(),
            routing: acd::Settings::default(),
        }
    }

    /// The same with so many more agents who behave so.
    #[must_use]
    pub fn with_agents(mut self, count: usize, plan: &Plan) -> Scenario {
        let seat = Seat { settings: AgentSettings::default(), plan: plan.clone() };
        self.seats.extend(std::iter::repeat_n(seat, count));
        self
    }

    /// The same with music in place of ringback.
    #[must_use]
    pub fn with_music(mut self) -> Scenario {
        for line in &mut self.lines {
            line.treatment = Treatment::Music(MUSIC);
        }
        self
    }

    /// The same with callers behind a PBX.
    #[must_use]
    pub fn with_pbx(mut self) -> Scenario {
        self.has_pbx = true;
        self
    }

    /// The same with tones in both directions.
    #[must_use]
    pub fn with_voice(mut self) -> Scenario {
        self.has_voice = true;
        self
    }

    /// The same with other rules for every queue.
    #[must_use]
    pub fn with_rules(mut self, change: impl Fn(&mut QueueSettings)) -> Scenario {
        self.lines.iter_mut().for_each(|line| change(&mut line.settings));
        self
    }
}

/// One trunk, which callers come by, and as many media ports as there are.
fn settings() -> engine::Settings {
    let endpoint = sip::Endpoint {
        protocol: sip::Protocol::Udp,
        bound: CENTRE,
        host: CENTRE.ip().to_string(),
        port: CENTRE.port(),
    };
    let mut own = sip::Settings::new(Scenario::DOMAIN, vec![endpoint]);
    let address = IpAddr::V4(Ipv4Addr::new(10, CALLERS, 0, 0));
    own.trunks = vec![sip::Trunk {
        id: sip::TrunkId(0),
        name: "pbx".to_owned(),
        networks: vec![sip::Network { address, prefix: 16 }],
        credentials: None,
        challenge: false,
        outbound_proxy: None,
        calls_per_second: None,
    }];
    // Every caller of a world calls once, from an address of its own: all would be doubted, and a lost answer not repeated.
    own.limits.is_amplification_bounded = false;
    let calls = b2bua::Settings {
        media_v4: Some(CENTRE.ip()),
        ports: media::PortPoolSettings { first: 10_000, last: 59_999, ..media::PortPoolSettings::default() },
        ..b2bua::Settings::default()
    };
    engine::Settings {
        calls,
        sip: own,
        retry_after: Duration::from_secs(5),
        missed_pause: None,
        phone_grace: Duration::from_secs(30),
        lease: None,
        callers_max: 0,
    }
}
