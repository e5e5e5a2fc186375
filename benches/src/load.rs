//! Commands without end that keep a world in its steady state.

use std::collections::VecDeque;

use acd::{Command, InteractionId, QueueId};

use crate::world::{Half, enqueue};
use crate::{Offer, Random, World};

/// Makes one legal command after the other: in turn an arrival in the calm half, the end of a conversation in the
/// contended half, an arrival there, and the end of a conversation in the calm half; and an acceptance as soon as
/// there is an offer. So numbers of idle agents and waiting interactions stay as they are.
#[derive(Clone, Debug)]
pub struct Load {
    random: Random,
    /// One for each calm agent, so that queues are asked for as they are staffed.
    calm_queues: Vec<QueueId>,
    contended_queues: Vec<QueueId>,
    calm: Vec<InteractionId>,
    contended: Vec<InteractionId>,
    to_accept: VecDeque<Offer>,
    next_id: u64,
    /// Between two ids of this load.
    stride: u64,
    turn: Turn,
}

#[derive(Clone, Copy, Debug)]
enum Turn {
    CalmArrival,
    ContendedEnd,
    ContendedArrival,
    CalmEnd,
}

/// What a command of the load is meant to bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An arrival that should find an idle agent.
    AgentSurplus,
    /// An agent who becomes free while others wait.
    ContactSurplus,
    /// An arrival in a line.
    Wait,
    /// The answer to an offer.
    Accept,
    /// An agent who becomes free and should be idle.
    BecomeIdle,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Purpose; 5] =
        [Purpose::AgentSurplus, Purpose::ContactSurplus, Purpose::Wait, Purpose::Accept, Purpose::BecomeIdle];

    /// As it is called in tables.
    pub fn name(self) -> &'static str {
        match self {
            Purpose::AgentSurplus => "arrival, an agent is idle",
            Purpose::ContactSurplus => "end, others wait",
            Purpose::Wait => "arrival, nobody is idle",
            Purpose::Accept => "acceptance",
            Purpose::BecomeIdle => "end, nobody waits",
        }
    }
}

impl Load {
    /// For a world as it is built.
    pub fn new(world: &World) -> Load {
        let busy = |half| {
            let agents = world.agents().filter(move |agent| world.half_of(agent.0) == half);
            let busy = agents.filter(|&agent| world.begins_busy(agent));
            busy.map(|agent| world.first_interaction(agent)).collect()
        };
        let calm = world.agents().filter(|agent| world.half_of(agent.0) == Half::Calm);
        Load {
            random: Random::new(11),
            calm_queues: calm.map(|agent| world.home(agent)).collect(),
            contended_queues: world.queues_of(Half::Contended).map(|queue| QueueId(queue as u32)).collect(),
            calm: busy(Half::Calm),
            contended: busy(Half::Contended),
            to_accept: VecDeque::new(),
            next_id: world.ids_from(),
            stride: 2,
            turn: Turn::CalmArrival,
        }
    }

    /// The same for the calm half alone: every match is an arrival that finds an idle agent.
    pub fn calm_only(mut self) -> Load {
        self.contended.clear();
        self.contended_queues.clear();
        self
    }

    /// One of `number` loads that share the conversations of this one and never use the same id.
    pub fn share(&self, part: usize, number: usize) -> Load {
        let of = |all: &[InteractionId]| all.iter().copied().skip(part).step_by(number).collect();
        let mut share = self.clone();
        share.calm = of(&self.calm);
        share.contended = of(&self.contended);
        share.random = Random::new(11 + part as u64);
        share.next_id = self.next_id + 2 * part as u64;
        share.stride = 2 * number as u64;
        share
    }

    /// What to send next.
    pub fn command(&mut self) -> (Command, Purpose) {
        if let Some(Offer { reservation, interaction, .. }) = self.to_accept.pop_front() {
            match World::half_of_interaction(interaction) {
                Half::Calm => self.calm.push(interaction),
                Half::Contended => self.contended.push(interaction),
            }
            return (Command::Accept { reservation }, Purpose::Accept);
        }
        // An arrival in the calm half is always possible, so the turns come to a command.
        std::iter::repeat_with(|| self.take_turn()).flatten().next().expect("it has no end")
    }

    fn take_turn(&mut self) -> Option<(Command, Purpose)> {
        match self.turn {
            Turn::CalmArrival => {
                self.turn = Turn::ContendedEnd;
                Some((self.arrival(Half::Calm), Purpose::AgentSurplus))
            }
            Turn::ContendedEnd => {
                let end = self.end(Half::Contended);
                self.turn = if end.is_some() { Turn::ContendedArrival } else { Turn::CalmEnd };
                end.map(|command| (command, Purpose::ContactSurplus))
            }
            Turn::ContendedArrival => {
                self.turn = Turn::CalmEnd;
                Some((self.arrival(Half::Contended), Purpose::Wait))
            }
            Turn::CalmEnd => {
                self.turn = Turn::CalmArrival;
                self.end(Half::Calm).map(|command| (command, Purpose::BecomeIdle))
            }
        }
    }

    /// A new interaction in a queue of that half.
    pub(crate) fn arrival(&mut self, half: Half) -> Command {
        let queues = match half {
            Half::Calm => &self.calm_queues,
            Half::Contended => &self.contended_queues,
        };
        let queue = queues[self.random.below(queues.len())];
        self.next_id += self.stride;
        enqueue(InteractionId(self.next_id + u64::from(half == Half::Contended)), queue)
    }

    /// The end of any conversation in that half.
    pub(crate) fn end(&mut self, half: Half) -> Option<Command> {
        let busy = match half {
            Half::Calm => &mut self.calm,
            Half::Contended => &mut self.contended,
        };
        if busy.is_empty() {
            return None;
        }
        let interaction = busy.swap_remove(self.random.below(busy.len()));
        Some(Command::Finish { interaction })
    }

    /// A conversation in the contended half goes on in place of the one that ended.
    pub(crate) fn goes_on(&mut self, interaction: InteractionId) {
        self.contended.push(interaction);
    }

    /// What came of the commands: offers are accepted next.
    pub fn hear(&mut self, offers: &mut Vec<Offer>) {
        self.to_accept.extend(offers.drain(..));
    }
}
