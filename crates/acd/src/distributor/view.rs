//! What can be seen of the distributor from outside.

use std::collections::{BTreeMap, BTreeSet};

use timing::Instant;

use super::entry::Spot;
use super::{Agent, Distributor, Interaction, Queue};
use crate::line::Line;
use crate::state::{AgentState, InteractionState, Place, Stage, State};
use crate::table::Slot;
use crate::{
    AgentCounts, AgentId, AgentSnapshot, InteractionId, QueueId, QueueSnapshot, Requirement, Snapshot,
    Waiting,
};

pub(super) fn snapshot(distributor: &Distributor, at: Instant) -> Snapshot {
    let agents = agent_counts(distributor);
    let count = |length: usize| u32::try_from(length).expect("the bounds are u32");
    let callbacks = |queue: &Queue, is: fn(Stage) -> bool| {
        let stages = queue.callbacks.iter().map(|&id| distributor.interactions[distributor.at(id)].stage());
        stages.filter(|&stage| is(stage)).count()
    };
    let agents = |queue: QueueId| {
        let slot = distributor.queues.slot(queue).expect("it is one of the queues");
        agents[slot.number() as usize]
    };
    let queue_snapshot = |queue: &Queue| QueueSnapshot {
        queue: queue.id,
        open: queue.state.open,
        waiting: queue.lines.len,
        reserved: queue.reserved,
        elsewhere: queue.elsewhere,
        handling: queue.handling,
        callbacks_waiting: count(callbacks(queue, |stage| stage == Stage::Waiting)),
        callbacks_resting: count(callbacks(queue, |stage| matches!(stage, Stage::Resting { .. }))),
        callback_window: queue.state.callback_window,
        longest_wait: first_entry(distributor, queue).map(|first| at - first).unwrap_or_default(),
        reserves_open: queue.state.reserves_open,
        agents: agents(queue.id),
        counters: queue.state.counters,
        estimate: distributor.estimate_of(at, queue),
        accuracy: queue.state.estimator.accuracy(),
    };
    Snapshot {
        at,
        queues: distributor.queues.in_order().into_iter().map(queue_snapshot).collect(),
        agents: distributor
            .agents
            .in_order()
            .into_iter()
            .map(|of| agent(distributor, of.id, &of.state))
            .collect(),
        interactions: count(distributor.interactions.len()),
        totals: distributor.totals,
    }
}

/// When the first of those who wait on the line entered, or was reached to be called back.
fn first_entry(distributor: &Distributor, queue: &Queue) -> Option<Instant> {
    let first = |line: &Line| {
        let mut first: Option<Instant> = None;
        for node in distributor.lines.iter(line) {
            let interaction = &distributor.interactions[Slot::new(distributor.lines.item(node))];
            let entered = Instant::from_micros(distributor.lines.key(node).major);
            // Whoever is behind has entered later, and nobody holds on longer than since that.
            let Some(callback) = interaction.rare.callback() else {
                return Some(first.map_or(entered, |first| first.min(entered)));
            };
            let reached = callback.state.reached.map(|reached| reached.max(entered));
            first = first.into_iter().chain(reached).min();
        }
        first
    };
    queue.lines.entries.iter().filter_map(|aging| first(&aging.line)).min()
}

pub(super) fn agent(distributor: &Distributor, agent: AgentId, state: &AgentState) -> AgentSnapshot {
    AgentSnapshot {
        agent,
        presence: state.presence,
        presence_since: state.presence_since,
        forced: state.forced,
        activity: state.activity(),
        works: state.works.clone(),
        capacity: state.settings.capacity,
        open: state.open(&distributor.settings.interruptions).and(state.settings.capacity.channels()),
        handled: state.handled,
        occupancy: state.occupancy,
    }
}

/// By number of the queue's slot. The agents of a profile are counted together, whatever the number of queues that it
/// serves.
fn agent_counts(distributor: &Distributor) -> Vec<AgentCounts> {
    let mut by_profile: Vec<AgentCounts> = Vec::new();
    for (_, agent) in distributor.agents.iter() {
        let index = agent.profile.number() as usize;
        if by_profile.len() <= index {
            by_profile.resize(index + 1, AgentCounts::default());
        }
        by_profile[index].add(agent.state.presence, agent.state.activity());
    }
    let mut by_queue = vec![AgentCounts::default(); distributor.fronts.len()];
    for (slot, profile) in distributor.profiles.all() {
        let Some(&counts) = by_profile.get(slot.number() as usize) else { continue };
        for serves in &profile.serves {
            by_queue[serves.queue.number() as usize] += counts;
        }
    }
    by_queue
}

pub(super) fn first_in_line(distributor: &Distributor, queue: &Queue, most: usize) -> Vec<Waiting> {
    let heads = queue.lines.all().flat_map(|line| spots(distributor, line).take(most));
    let mut spots: Vec<Spot> = heads.collect();
    spots.sort_unstable();
    spots.truncate(most);
    let waiting = |Spot { place, nth, slot }: Spot| {
        let interaction = &distributor.interactions[slot];
        let entry = interaction.entry(nth);
        Waiting {
            interaction: place.interaction,
            priority: interaction.priority,
            step: entry.step,
            arrived: interaction.arrived,
            entered: entry.entered,
            is_callback: interaction.pending_callback().is_some(),
            attempts: entry.attempts,
        }
    };
    spots.into_iter().map(waiting).collect()
}

fn spots<'a>(distributor: &'a Distributor, line: &Line) -> impl Iterator<Item = Spot> + use<'a> {
    let lines = &distributor.lines;
    std::iter::successors(line.head(), |&node| lines.next(node)).map(|node| lines.spot(node))
}

pub(super) fn state(distributor: &Distributor) -> State {
    let queues = distributor.queues.iter();
    let agents = distributor.agents.iter();
    let interactions = distributor.interactions.iter();
    let reservations = distributor.reservations.iter();
    State {
        settings: distributor.settings.clone(),
        now: distributor.now,
        queues: queues.map(|(_, queue)| (queue.id, queue.state.clone())).collect(),
        agents: agents.map(|(_, agent)| (agent.id, agent.state.clone())).collect(),
        interactions: interactions.map(|(_, of)| (of.id, interaction(distributor, of))).collect(),
        reservations: reservations.map(|(_, reservation)| (reservation.id, reservation.state)).collect(),
        last_reservation: distributor.last_reservation,
        last_rules: distributor.last_rules,
        totals: distributor.totals,
        lots: distributor.lots,
        own_staffing: distributor.own_staffing(),
    }
}

fn interaction(distributor: &Distributor, of: &Interaction) -> InteractionState {
    InteractionState {
        priority: of.priority,
        requirement: of.requirement.map(|own| distributor.own_requirements.at(own).clone()),
        arrived: of.arrived,
        flow_outs: of.flow_outs,
        exclusions: of.rare.exclusions().collect(),
        callback: of.rare.callback().map(|callback| callback.state),
        stage: of.stage(),
        entries: of.standing.map(|nth| of.entry_state(nth)).collect(),
    }
}

/// Who stands where, read off the indexes: for [`crate::invariants`], which makes the same from the plain state.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// By own requirement and step.
    pub(crate) waiting: BTreeMap<(Option<Requirement>, u8), Vec<Place>>,
    /// By step.
    pub(crate) entries: BTreeMap<u8, BTreeSet<(Instant, InteractionId)>>,
    pub(crate) expiring: BTreeSet<(Instant, InteractionId)>,
    /// Those for whom agents are rung and more may be.
    pub(crate) with_room: Vec<Place>,
    /// When more may be rung.
    pub(crate) widening: BTreeSet<(Instant, InteractionId)>,
    /// By rule.
    pub(crate) overflowing: BTreeMap<u8, BTreeSet<(Instant, InteractionId)>>,
    pub(crate) len: u32,
    /// Available agents who could serve a step, with their bucket and rank.
    pub(crate) idle: BTreeMap<u8, BTreeSet<(u8, super::Rank, AgentId)>>,
    pub(crate) staff: Vec<u32>,
    pub(crate) staff_any: u32,
    pub(crate) reserved: u32,
    pub(crate) elsewhere: u32,
    pub(crate) handling: u32,
    pub(crate) callbacks: BTreeSet<InteractionId>,
    /// The first of those without own requirement, by step.
    pub(crate) front: BTreeMap<u8, Place>,
    pub(crate) has_own: bool,
    /// Who wants agents by name.
    pub(crate) wanting: Vec<Place>,
    /// The same by agent.
    pub(crate) wanting_agent: BTreeMap<AgentId, Vec<Place>>,
}

impl Listing {
    pub(crate) fn of(distributor: &Distributor, slot: Slot<Queue>) -> Listing {
        let queue = &distributor.queues[slot];
        let front = &distributor.fronts[slot.number() as usize];
        let steps = 0..u8::try_from(queue.staff.len()).expect("there are at most STEPS_MAX");
        let own =
            queue.lines.own.iter().map(|(&(own, step), line)| {
                ((Some(distributor.own_requirements.at(own).clone()), step), line)
            });
        let plain = (0u8..).zip(&queue.lines.plain).map(|(step, line)| ((None, step), line));
        let lists = plain.chain(own).filter(|(_, line)| !line.is_empty());
        let by_entry = |line: &Line| {
            let keys = distributor.lines.iter(line).map(|node| distributor.lines.key(node));
            keys.map(|key| (Instant::from_micros(key.major), InteractionId(key.minor))).collect()
        };
        let by_number = |lines: &[super::waiting::Aging]| {
            let lines = (0u8..).zip(lines).filter(|(_, aging)| !aging.line.is_empty());
            lines.map(|(number, aging)| (number, by_entry(&aging.line))).collect()
        };
        let idle = steps.clone().map(|step| (step, Listing::idle_at(distributor, queue, step)));
        Listing {
            waiting: lists
                .map(|(class, line)| (class, spots(distributor, line).map(|spot| spot.place).collect()))
                .collect(),
            entries: by_number(&queue.lines.entries),
            expiring: by_entry(&queue.lines.expiring.line),
            with_room: spots(distributor, &queue.lines.with_room).map(|spot| spot.place).collect(),
            widening: by_entry(&queue.lines.widening.line),
            overflowing: by_number(&queue.lines.overflowing),
            len: queue.lines.len,
            idle: idle.filter(|(_, agents)| !agents.is_empty()).collect(),
            staff: queue.staff.clone(),
            staff_any: queue.staff_any,
            reserved: queue.reserved,
            elsewhere: queue.elsewhere,
            handling: queue.handling,
            callbacks: queue.callbacks.clone(),
            front: steps
                .filter(|step| front.open >> step & 1 == 1)
                .map(|step| (step, front.heads[usize::from(step)].place))
                .collect(),
            has_own: front.has_own,
            wanting: spots(distributor, &queue.lines.wanting).map(|spot| spot.place).collect(),
            wanting_agent: distributor
                .wanted
                .of_queue(slot)
                .map(|(agent, line)| (agent, spots(distributor, line).map(|spot| spot.place).collect()))
                .collect(),
        }
    }

    fn idle_at(distributor: &Distributor, queue: &Queue, step: u8) -> BTreeSet<(u8, super::Rank, AgentId)> {
        let (mut idle, mut heads) = (BTreeSet::new(), BTreeMap::new());
        let all = u8::MAX;
        distributor.look_at_heads(queue, step, all, |head, length| {
            heads.insert((head.bucket, head.rank, AgentId(head.agent)), length);
        });
        for source in distributor.sources(queue, step, all) {
            for (number, node) in distributor.lines.iter(source.line).enumerate() {
                let agent: &Agent = &distributor.agents[Slot::new(distributor.lines.item(node))];
                let head = queue.head(source.from, distributor.lines.key(node));
                let entry = (head.bucket, head.rank, agent.id);
                let was_new = idle.insert(entry);
                assert!(was_new, "nobody stands in two lines of one queue");
                let length = (number == 0).then(|| source.line.len());
                assert_eq!(heads.get(&entry).copied(), length, "the heads of lines are noted as they are");
            }
        }
        idle
    }
}
