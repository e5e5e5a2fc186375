//! One kind of command at a time, again and again, in a world that is afterwards as it was before.

use std::hint::black_box;
use std::time::{Duration, Instant};

use acd::{
    Activity, AgentId, Change, Command, Distributor, Exit, ExitId, InteractionId, MaxWait, Presence, QueueId,
    QueueSettings, Settings, Waiting,
};

use crate::world::Half;
use crate::{Engine, Load, Offer, Random, STEP_AFTER, World};

/// A maximum wait that is never over.
const A_YEAR: Duration = Duration::from_hours(24 * 365);

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// An arrival that finds an idle agent.
    Match,
    /// An arrival that finds nobody and waits.
    Wait,
    /// An agent becomes free and is held for the first in line.
    TakeNext,
    /// An agent becomes free and nobody waits.
    BecomeIdle,
    /// The agent takes the conversation.
    Accept,
    /// Who waits gives up.
    Cancel,
    /// Who waits comes to the next step, where nobody is idle either.
    StepEntry,
    /// An idle agent logs out.
    LogOut,
    /// An agent logs in and is idle.
    LogIn,
    /// An idle agent's skills change.
    SkillChange,
    /// A queue gets another maximum wait: a matter of those who wait there, and of no agent.
    RuleChange,
    /// A queue asks for another level: all agents are looked at.
    QueueChange,
    /// A point is worth more: everybody who waits is looked at, and one in sixteen has points and moves.
    HeadStart,
    /// Another number of misses: nobody is looked at.
    MissesMax,
    /// Readers get a picture of everything.
    Snapshot,
}

impl Operation {
    /// All of them.
    pub const ALL: [Operation; 15] = [
        Operation::Match,
        Operation::Wait,
        Operation::TakeNext,
        Operation::BecomeIdle,
        Operation::Accept,
        Operation::Cancel,
        Operation::LogOut,
        Operation::LogIn,
        Operation::SkillChange,
        Operation::RuleChange,
        Operation::QueueChange,
        Operation::HeadStart,
        Operation::MissesMax,
        Operation::Snapshot,
        // The last, because it lets the time go on by whole steps.
        Operation::StepEntry,
    ];

    /// As it is called in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Match => "match",
            Operation::Wait => "wait",
            Operation::TakeNext => "take-next",
            Operation::BecomeIdle => "become-idle",
            Operation::Accept => "accept",
            Operation::Cancel => "cancel",
            Operation::StepEntry => "step-entry",
            Operation::LogOut => "log-out",
            Operation::LogIn => "log-in",
            Operation::SkillChange => "skill-change",
            Operation::RuleChange => "rule-change",
            Operation::QueueChange => "queue-change",
            Operation::HeadStart => "head-start",
            Operation::MissesMax => "misses-max",
            Operation::Snapshot => "snapshot",
        }
    }
}

/// A distributor in its steady state, and what is needed to bring it back there.
#[derive(Clone, Debug)]
pub struct Stage {
    world: World,
    distributor: Distributor,
    load: Load,
    random: Random,
    now: timing::Instant,
    steps_are_past: bool,
    have_points: bool,
    settings: Settings,
    commands: Vec<Command>,
    offers: Vec<Offer>,
    entered: Vec<InteractionId>,
    chosen: Vec<AgentId>,
}

impl Stage {
    /// Builds the world.
    pub fn new(world: World) -> Stage {
        let (distributor, load) = world.build();
        Stage {
            settings: distributor.settings().clone(),
            distributor,
            load,
            random: Random::new(17),
            now: world.start(),
            steps_are_past: false,
            have_points: false,
            commands: Vec::new(),
            offers: Vec::new(),
            entered: Vec::new(),
            chosen: Vec::new(),
            world,
        }
    }

    /// How many of an operation one round may do: few beside the idle agents, so that each finds what it needs.
    pub fn round_max(&self) -> usize {
        (self.world.size().agents as usize / 2 / 10 / 16).clamp(1, 64)
    }

    /// Does an operation `number` times; how long these took, without what prepares and what restores the state.
    pub fn round(&mut self, operation: Operation, number: usize) -> Duration {
        self.prepare(operation, number);
        let begin = Instant::now();
        match operation {
            Operation::StepEntry => self.step(),
            Operation::Snapshot => (0..number).for_each(|_| {
                black_box(self.distributor.snapshot(self.now));
            }),
            Operation::Match
            | Operation::Wait
            | Operation::TakeNext
            | Operation::BecomeIdle
            | Operation::Accept
            | Operation::Cancel
            | Operation::LogOut
            | Operation::LogIn
            | Operation::SkillChange
            | Operation::RuleChange
            | Operation::QueueChange
            | Operation::HeadStart
            | Operation::MissesMax => self.give(),
        }
        let took = begin.elapsed();
        self.restore(operation, number);
        took
    }

    fn prepare(&mut self, operation: Operation, number: usize) {
        match operation {
            Operation::Match => self.arrivals(Half::Calm, number),
            Operation::Wait => self.arrivals(Half::Contended, number),
            Operation::TakeNext => {
                self.commands.extend((0..number).map_while(|_| self.load.end(Half::Contended)));
            }
            Operation::Accept | Operation::BecomeIdle => {
                self.arrivals(Half::Calm, number);
                self.give();
                self.cancel_unmatched();
                self.accept_all();
                if operation == Operation::BecomeIdle {
                    self.give();
                    self.finish_all();
                }
            }
            Operation::Cancel => {
                self.arrivals(Half::Contended, number);
                self.give();
                self.cancel_unmatched();
            }
            Operation::StepEntry => {
                if !self.steps_are_past {
                    // Who waits from the beginning comes to the last step, so that only our own are due below.
                    self.step();
                    self.step();
                    self.steps_are_past = true;
                }
                self.arrivals(Half::Contended, number);
                self.give();
            }
            Operation::LogOut => self.change_idle(number, |_, agent| Command::LogOut { agent }),
            Operation::LogIn => {
                self.change_idle(number, |_, agent| Command::LogOut { agent });
                self.give();
                self.change_chosen(|_, agent| Command::LogIn { agent, not_ready: None });
            }
            Operation::SkillChange => self.change_idle(number, |world, agent| {
                let mut settings = world.agent_settings(agent);
                let skill = settings.skills.last_entry();
                let mut skill = skill.expect("every agent has skills");
                *skill.get_mut() = if *skill.get() == 5 { 6 } else { 5 };
                Command::DefineAgent { agent, settings: Box::new(settings) }
            }),
            Operation::RuleChange => self.change_queues(number, |settings| {
                settings.max_wait = Some(MaxWait { after: A_YEAR, exit: Exit::Leave(ExitId(0)) });
            }),
            Operation::QueueChange => self.change_queues(number, |settings| {
                settings.steps.pop();
            }),
            Operation::HeadStart => {
                self.give_points();
                self.configure(number, |settings, turn| {
                    settings.head_start_per_point += Duration::from_secs(1 + u64::from(turn));
                });
            }
            Operation::MissesMax => self.configure(number, |settings, turn| settings.misses_max += 1 + turn),
            Operation::Snapshot => {}
        }
    }

    /// One in sixteen of those who wait gets a point, once.
    fn give_points(&mut self) {
        if self.have_points {
            return;
        }
        self.have_points = true;
        let queues = (0..self.world.size().queues).map(QueueId);
        let waiting = queues.flat_map(|queue| self.distributor.first_in_line(queue, usize::MAX));
        for Waiting { interaction, .. } in waiting.step_by(16) {
            self.commands.push(Command::Change { interaction, change: Change::priority(1), by: None });
        }
        self.give();
    }

    /// Other settings than before each time.
    fn configure(&mut self, number: usize, change: impl Fn(&mut Settings, u32)) {
        for turn in 0..number as u32 {
            let mut settings = Box::new(self.settings.clone());
            change(&mut settings, turn);
            self.commands.push(Command::Configure { settings });
        }
    }

    fn restore(&mut self, operation: Operation, number: usize) {
        match operation {
            Operation::Match => {
                self.cancel_unmatched();
                self.give();
                self.accept_all();
                self.give();
                self.finish_all();
                self.give();
            }
            Operation::Wait | Operation::StepEntry => {
                self.cancel_unmatched();
                self.give();
            }
            Operation::TakeNext => {
                self.offers.iter().for_each(|offer| self.load.goes_on(offer.interaction));
                let taken = self.offers.len();
                self.accept_all();
                self.give();
                self.offers.clear();
                self.arrivals(Half::Contended, taken);
                self.give();
            }
            Operation::Accept => {
                self.finish_all();
                self.give();
            }
            Operation::LogOut => {
                self.change_chosen(|_, agent| Command::LogIn { agent, not_ready: None });
                self.give();
            }
            Operation::SkillChange => {
                self.change_chosen(|world, agent| Command::DefineAgent {
                    agent,
                    settings: Box::new(world.agent_settings(agent)),
                });
                self.give();
            }
            Operation::RuleChange | Operation::QueueChange => {
                self.change_queues(number, |_| {});
                self.give();
            }
            Operation::HeadStart | Operation::MissesMax => {
                self.configure(1, |_, _| {});
                self.give();
            }
            Operation::BecomeIdle | Operation::Cancel | Operation::LogIn | Operation::Snapshot => {}
        }
        self.offers.clear();
        self.entered.clear();
        self.chosen.clear();
    }

    fn give(&mut self) {
        for command in self.commands.drain(..) {
            self.now += Duration::from_micros(1);
            self.distributor.give(self.now, command, &mut self.offers);
        }
    }

    fn step(&mut self) {
        self.now += STEP_AFTER;
        self.distributor.run_due(self.now, &mut self.offers);
    }

    fn arrivals(&mut self, half: Half, number: usize) {
        for _ in 0..number {
            let command = self.load.arrival(half);
            if let Command::Enqueue { interaction, .. } = command {
                self.entered.push(interaction);
            }
            self.commands.push(command);
        }
    }

    /// Only some tens of arrivals are in a round, so a list does.
    fn cancel_unmatched(&mut self) {
        let is_matched = |id: &InteractionId| self.offers.iter().any(|offer| offer.interaction == *id);
        let unmatched = self.entered.iter().copied().filter(|id| !is_matched(id));
        self.commands.extend(unmatched.map(|interaction| Command::Cancel { interaction }));
    }

    fn accept_all(&mut self) {
        self.commands
            .extend(self.offers.iter().map(|offer| Command::Accept { reservation: offer.reservation }));
    }

    fn finish_all(&mut self) {
        self.commands
            .extend(self.offers.iter().map(|offer| Command::Finish { interaction: offer.interaction }));
    }

    fn change_idle(&mut self, number: usize, command: impl Fn(&World, AgentId) -> Command) {
        let agents = self.world.size().agents as usize;
        while self.chosen.len() < number {
            let agent = AgentId((agents / 2 + self.random.below(agents - agents / 2)) as u32);
            let state = self.distributor.agent_snapshot(agent).expect("every agent is defined");
            let is_idle =
                matches!(state.activity, Activity::Idle { .. }) && state.presence == Presence::Ready;
            if is_idle && !self.chosen.contains(&agent) {
                self.chosen.push(agent);
            }
        }
        self.change_chosen(command);
    }

    /// The first queues in turn, half of them of the contended half.
    fn change_queues(&mut self, number: usize, change: impl Fn(&mut QueueSettings)) {
        let queues = self.world.size().queues;
        for turn in 0..number as u32 {
            let queue = QueueId((turn / 2 + turn % 2 * (queues / 2)) % queues);
            let mut settings = Box::new(self.world.queue_settings(queue));
            change(&mut settings);
            self.commands.push(Command::DefineQueue { queue, settings });
        }
    }

    fn change_chosen(&mut self, command: impl Fn(&World, AgentId) -> Command) {
        self.commands.extend(self.chosen.iter().map(|&agent| command(&self.world, agent)));
    }
}

#[cfg(test)]
mod tests {
    use crate::{Size, Vectors};

    use super::*;

    #[test]
    fn a_round_leaves_the_world_as_it_was() {
        let world = World::new(Size { agents: 400, queues: 20, vectors: Vectors::Unique, waiting: 3_000 });
        let mut stage = Stage::new(world);
        let figures = |stage: &Stage| {
            let snapshot = stage.distributor.snapshot(stage.now);
            let waiting: u32 = snapshot.queues.iter().map(|queue| queue.waiting).sum();
            let idle = snapshot.agents.iter().filter(|agent| matches!(agent.activity, Activity::Idle { .. }));
            (waiting, idle.count(), snapshot.interactions)
        };
        let before = figures(&stage);
        assert_eq!((before.0, before.1), (3_000, 20));
        for operation in Operation::ALL {
            for _ in 0..20 {
                stage.round(operation, 4);
                assert_eq!(figures(&stage), before, "{}", operation.name());
            }
        }
    }
}
