//! Who works where: agents, queues and waiting interactions of any number, the same for the same size.
//!
//! A world has two halves that share no skill. In the *contended* half every agent is in conversation and all
//! the waiting interactions wait, so that whoever becomes free meets contact surplus. In the *calm* half nobody
//! waits and one agent in ten is idle, so that whoever arrives meets agent surplus. Both are in one distributor.

use std::time::Duration;

use acd::requirement::Skills;
use acd::{
    AgentId, AgentSettings, Command, Distributor, InteractionId, QueueId, QueueSettings, Request,
    Requirement, Settings, SkillId, Step, StepEffect,
};
use timing::Instant;

use crate::{Engine, Load, Offer, Random};

/// Skills in all; a half has half of them.
const SKILLS: u32 = 200;
/// Skills of one agent.
const SKILLS_EACH: usize = 10;
/// The level that a queue asks for at first and in its two steps.
const LEVELS: [u8; 3] = [7, 4, 1];
/// One calm agent in so many is idle.
const IDLE_SHARE: u32 = 10;
/// The step after the first requirement, and again as long to the next: who waits is spread over three steps.
pub const STEP_AFTER: Duration = Duration::from_secs(600);
/// Between the log-ins of two agents.
const LOG_IN_GAP: u64 = 100;

/// How large a world is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Both halves together.
    pub agents: u32,
    /// Both halves together.
    pub queues: u32,
    /// How skills are spread.
    pub vectors: Vectors,
    /// All of them in the contended half.
    pub waiting: u32,
}

/// How many agents have the same skills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vectors {
    /// No two of them.
    Unique,
    /// There are so many different skill vectors, in both halves together.
    Shared(u32),
}

/// The half of a world; the queues and agents of [`Half::Contended`] come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    Contended,
    Calm,
}

/// Everything about a world that is not the distributor's.
#[derive(Clone, Debug)]
pub struct World {
    size: Size,
    skills: Vec<Skills>,
    /// A queue whose first requirement the agent meets.
    homes: Vec<QueueId>,
}

impl Size {
    /// In one line.
    pub fn name(self) -> String {
        let vectors = match self.vectors {
            Vectors::Unique => "unique vectors".to_owned(),
            Vectors::Shared(number) => format!("{number} profiles"),
        };
        format!("{} x {}, {vectors}, {} waiting", self.agents, self.queues, self.waiting)
    }
}

impl World {
    /// A world of that size: at least two queues, and agents enough that one in each half is idle or busy.
    pub fn new(size: Size) -> World {
        assert!(size.queues >= 2 && size.agents >= 2 * IDLE_SHARE, "a world has two halves with agents");
        let mut world = World { size, skills: Vec::new(), homes: Vec::new() };
        for agent in 0..size.agents {
            let half = world.half_of(agent);
            let vector = match size.vectors {
                Vectors::Unique => u64::from(agent),
                Vectors::Shared(number) => u64::from(agent % (number / 2).max(1)),
            };
            let (skills, home) = world.vector(half, vector);
            world.skills.push(skills);
            world.homes.push(home);
        }
        world
    }

    /// Its size.
    pub fn size(&self) -> Size {
        self.size
    }

    pub(crate) fn half_of(&self, agent: u32) -> Half {
        if agent < self.size.agents / 2 { Half::Contended } else { Half::Calm }
    }

    fn vector(&self, half: Half, number: u64) -> (Skills, QueueId) {
        let mut random = Random::new(number ^ (half as u64) << 40);
        let per_half = SKILLS / 2;
        let base = half as u32 * per_half;
        let first = random.below(per_half as usize) as u32;
        let mut skills = Skills::from([(SkillId(base + first), 7 + random.below(4) as u8)]);
        while skills.len() < SKILLS_EACH {
            let skill = SkillId(base + random.below(per_half as usize) as u32);
            let level = 1 + random.below(10) as u8;
            skills.entry(skill).or_insert(level);
        }
        let queues = self.queues_of(half);
        let classes = self.classes(half);
        let among = (queues.len() as u32 - first % classes).div_ceil(classes);
        let queue = queues.start as u32 + first % classes + classes * random.below(among as usize) as u32;
        (skills, QueueId(queue))
    }

    pub(crate) fn queues_of(&self, half: Half) -> std::ops::Range<usize> {
        let middle = self.size.queues as usize / 2;
        match half {
            Half::Contended => 0..middle,
            Half::Calm => middle..self.size.queues as usize,
        }
    }

    /// Queues of a half that ask for different skills; where there are more queues, some ask for the same.
    fn classes(&self, half: Half) -> u32 {
        (self.queues_of(half).len() as u32).min(SKILLS / 2)
    }

    /// What a queue asks for at this step: any one skill of its share of the half's skills.
    pub fn requirement(&self, queue: QueueId, step: usize) -> Requirement {
        let middle = self.size.queues / 2;
        let (half, number) =
            if queue.0 < middle { (Half::Contended, queue.0) } else { (Half::Calm, queue.0 - middle) };
        let base = half as u32 * (SKILLS / 2);
        let classes = self.classes(half);
        let wanted = (0..SKILLS / 2).filter(|skill| skill % classes == number % classes);
        let mut any: Vec<Requirement> =
            wanted.map(|skill| Requirement::at_least(SkillId(base + skill), LEVELS[step])).collect();
        if any.len() == 1 { any.remove(0) } else { Requirement::Any(any) }
    }

    /// The settings of a queue: 15 s to ring, no after-call work, longest idle.
    pub fn queue_settings(&self, queue: QueueId) -> QueueSettings {
        let steps = (1..LEVELS.len()).map(|step| Step {
            after: STEP_AFTER * step as u32,
            requirement: self.requirement(queue, step),
            effect: StepEffect::Replace,
        });
        let requirement = self.requirement(queue, 0);
        QueueSettings { requirement, steps: steps.collect(), ..QueueSettings::default() }
    }

    /// The first step at which each agent may serve each queue, row by agent; `u8::MAX`: never.
    pub fn first_steps(&self) -> Vec<u8> {
        let asked: Vec<[Requirement; 3]> = (0..self.size.queues)
            .map(|queue| [0, 1, 2].map(|step| self.requirement(QueueId(queue), step)))
            .collect();
        let first = |skills: &Skills, steps: &[Requirement; 3]| {
            let step = steps.iter().position(|requirement| requirement.is_met_by(skills));
            step.map_or(u8::MAX, |step| step as u8)
        };
        let pairs = self.skills.iter().flat_map(|skills| asked.iter().map(move |steps| (skills, steps)));
        pairs.map(|(skills, steps)| first(skills, steps)).collect()
    }

    /// Agents as configured.
    pub fn agent_settings(&self, agent: AgentId) -> AgentSettings {
        AgentSettings { skills: self.skills[agent.0 as usize].clone(), ..AgentSettings::default() }
    }

    /// A queue whose first requirement the agent meets.
    pub fn home(&self, agent: AgentId) -> QueueId {
        self.homes[agent.0 as usize]
    }

    /// Whether an agent is in conversation at the start.
    pub(crate) fn begins_busy(&self, agent: AgentId) -> bool {
        match self.half_of(agent.0) {
            Half::Contended => true,
            Half::Calm => {
                let calm = self.size.agents - self.size.agents / 2;
                agent.0 < self.size.agents - calm.div_ceil(IDLE_SHARE)
            }
        }
    }

    pub(crate) fn agents(&self) -> impl Iterator<Item = AgentId> + use<> {
        (0..self.size.agents).map(AgentId)
    }

    /// When an agent logs in, and the conversation of one who begins busy.
    pub(crate) fn log_in_at(agent: AgentId) -> Instant {
        Instant::from_micros(u64::from(agent.0) * LOG_IN_GAP)
    }

    /// The interaction of an agent who begins busy. Even ids are calm, odd ones contended.
    pub(crate) fn first_interaction(&self, agent: AgentId) -> InteractionId {
        InteractionId(2 * u64::from(agent.0) + u64::from(self.half_of(agent.0) == Half::Contended))
    }

    pub(crate) fn half_of_interaction(interaction: InteractionId) -> Half {
        if interaction.0 % 2 == 1 { Half::Contended } else { Half::Calm }
    }

    /// The interactions that wait at the start, in the order of their entry, spread over all three steps.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (InteractionId, QueueId, Instant)> + use<> {
        let queues = self.queues_of(Half::Contended).len();
        let (agents, waiting) = (u64::from(self.size.agents), u64::from(self.size.waiting));
        let begin = agents * LOG_IN_GAP;
        let span = self.span().as_micros() as u64;
        let mut random = Random::new(3);
        (0..waiting).map(move |number| {
            let entered = Instant::from_micros(begin + span * number / waiting);
            (InteractionId(2 * (agents + number) + 1), QueueId(random.below(queues) as u32), entered)
        })
    }

    fn span(&self) -> Duration {
        STEP_AFTER * LEVELS.len() as u32
    }

    /// The time at which the world is as described: all have logged in and waited.
    pub fn start(&self) -> Instant {
        Instant::from_micros(u64::from(self.size.agents) * LOG_IN_GAP) + self.span()
    }

    /// The first id that is not used yet.
    pub(crate) fn ids_from(&self) -> u64 {
        2 * (u64::from(self.size.agents) + u64::from(self.size.waiting))
    }

    /// A distributor in this state, at [`World::start`], and the load that goes on from there.
    pub fn build(&self) -> (Distributor, Load) {
        let mut distributor = self.staffed();
        let mut offers = Vec::new();
        for (interaction, queue, entered) in self.waiting() {
            distributor.run_due(entered, &mut offers);
            distributor.give(entered, enqueue(interaction, queue), &mut offers);
        }
        distributor.run_due(self.start(), &mut offers);
        assert_eq!(offers, [], "nobody is free in the contended half");
        (distributor, Load::new(self))
    }

    /// The same before anybody waits.
    pub fn staffed(&self) -> Distributor {
        let mut distributor = self.defined();
        let mut offers: Vec<Offer> = Vec::new();
        for agent in self.agents() {
            let now = World::log_in_at(agent);
            distributor.give(now, Command::LogIn { agent, not_ready: None }, &mut offers);
            if self.begins_busy(agent) {
                let interaction = self.first_interaction(agent);
                distributor.give(now, enqueue(interaction, self.home(agent)), &mut offers);
                let offer = offers.pop().expect("this agent is idle and meets the requirement");
                assert_eq!((offer.agent, offers.len()), (agent, 0), "everybody else is busy");
                distributor.give(now, Command::Accept { reservation: offer.reservation }, &mut offers);
            }
        }
        distributor
    }

    /// The same before anybody has logged in.
    pub fn defined(&self) -> Distributor {
        let settings = Settings { waiting_max: self.size.waiting + 100_000, ..Settings::default() };
        let mut distributor = Distributor::new(settings);
        let mut offers = Vec::new();
        let now = Instant::ORIGIN;
        for queue in (0..self.size.queues).map(QueueId) {
            let settings = Box::new(self.queue_settings(queue));
            distributor.give(now, Command::DefineQueue { queue, settings }, &mut offers);
        }
        for agent in self.agents() {
            let settings = Box::new(self.agent_settings(agent));
            distributor.give(now, Command::DefineAgent { agent, settings }, &mut offers);
        }
        distributor
    }
}

/// Into a queue with no priority and no wish of its own.
pub(crate) fn enqueue(interaction: InteractionId, queue: QueueId) -> Command {
    Command::Enqueue { interaction, request: Request::new(queue) }
}
