//! Who waits, in order: by queue, step and own requirement, so that whoever becomes free looks at heads only.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use timing::{Instant, TimerId};

use super::entry::{Entry, Nth, Spot};
use super::selection::Turn;
use super::{Alarm, Distributor, Interaction, Queue};
use crate::line::{Key, Line, Lines, Node};
use crate::state::{Place, Stage};
use crate::table::Slot;
use crate::{InteractionId, QueueId, QueueSettings, Requirement, STEPS_MAX};

/// The lines of one queue.
#[derive(Clone, Debug)]
pub(crate) struct LinesOfQueue {
    /// By step, in order of place: who has no own requirement beside the queue's.
    pub(crate) plain: Vec<Line>,
    /// By own requirement and step: who has one. None is empty.
    pub(crate) own: BTreeMap<(OwnRequirement, u8), Line>,
    /// By step, in order of entry: who waits, one timer for each but the last.
    pub(crate) entries: Vec<Aging>,
    /// In order of place: who wants agents by name, and stands in none of the above.
    pub(crate) wanting: Line,
    /// In order of entry: who leaves when the maximum wait is over.
    pub(crate) expiring: Aging,
    /// In order of place: those for whom agents are rung and more may be.
    pub(crate) with_room: Line,
    /// In order of the time at which more may be rung for them.
    pub(crate) widening: Aging,
    /// By rule of overflow, in order of entry: those whose next time is that rule's.
    pub(crate) overflowing: Vec<Aging>,
    /// All who wait.
    pub(crate) len: u32,
}

/// A line in order of entry, whose head is the next to become too old for it: one timer for all.
#[derive(Clone, Debug)]
pub(crate) struct Aging {
    pub(crate) line: Line,
    /// When it goes off: not after the head's time. `None` where nobody's time comes.
    pub(crate) alarm: Option<(Instant, TimerId)>,
}

impl Aging {
    pub(super) fn new() -> Aging {
        Aging { line: Line::new(), alarm: None }
    }
}

impl LinesOfQueue {
    pub(crate) fn new(settings: &QueueSettings) -> LinesOfQueue {
        let steps = settings.steps.len() + 1;
        LinesOfQueue {
            plain: vec![Line::new(); steps],
            own: BTreeMap::new(),
            wanting: Line::new(),
            entries: vec![Aging::new(); steps],
            expiring: Aging::new(),
            with_room: Line::new(),
            widening: Aging::new(),
            overflowing: super::overflow::lines(&settings.overflows),
            len: 0,
        }
    }

    /// Every line in order of place.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Line> {
        self.plain.iter().chain(self.own.values()).chain([&self.wanting])
    }

    /// Who entered first of those who wait.
    pub(crate) fn first_entry(&self, lines: &Lines) -> Option<Instant> {
        let heads = self.entries.iter().filter_map(|aging| aging.line.head());
        heads.map(|head| Instant::from_micros(lines.key(head).major)).min()
    }
}

/// The heads of the lines of one queue, and what selections weigh: all that an agent who becomes free looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Front {
    /// Bit n: somebody waits at step n without an own requirement, and `heads[n]` is the first.
    pub(crate) open: u16,
    /// Somebody waits with an own requirement.
    pub(crate) has_own: bool,
    pub(crate) band: u8,
    pub(crate) reserves_open: u8,
    /// All who wait.
    pub(crate) waiting: u32,
    pub(crate) heads: [Spot; STEPS_MAX + 1],
    /// In microseconds.
    pub(crate) objective: u64,
    pub(crate) weight: u32,
    pub(crate) ratio: u32,
    /// How many skills the queue asks for.
    asked: u32,
}

impl Front {
    /// Of a queue in which nobody waits.
    pub(crate) fn new(queue: &Queue) -> Front {
        let nowhere = Place { key: 0, interaction: InteractionId(0) };
        let nobody = Spot { place: nowhere, nth: Nth::FIRST, slot: Slot::NOWHERE };
        let mut front = Front {
            open: 0,
            has_own: false,
            band: 0,
            reserves_open: queue.state.reserves_open,
            waiting: 0,
            heads: [nobody; STEPS_MAX + 1],
            objective: 0,
            weight: 0,
            ratio: 0,
            asked: u32::try_from(queue.wanted.len()).expect("the bounds of requirements are u32"),
        };
        front.weigh(&queue.state.settings);
        front
    }

    /// What selections weigh, by the rules of the queue.
    pub(super) fn weigh(&mut self, settings: &QueueSettings) {
        self.band = settings.band;
        self.objective = u64::try_from(settings.objective.as_micros()).unwrap_or(u64::MAX);
        (self.weight, self.ratio) = (settings.weight, settings.ratio);
    }

    /// When somebody who waits there is served, compared with all others.
    pub(super) fn turn(&self, spot: Spot) -> Turn {
        Turn { band: self.band, spot }
    }

    /// The average level of agents with this sum of levels, in 2^-20: fine enough to keep all averages apart.
    pub(crate) fn level(&self, score: u32) -> u64 {
        (u64::from(score) << 20) / u64::from(self.asked.max(1))
    }
}

/// A requirement that an interaction has beside the queue's; equal ones are one. Counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OwnRequirement(NonZeroU32);

/// The own requirements of all interactions.
#[derive(Clone, Debug)]
pub(crate) struct OwnRequirements {
    /// With the number of interactions that have it, and of queues that follow who is there for it.
    kept: Vec<(Requirement, u32)>,
    vacant: Vec<u32>,
    index: BTreeMap<Requirement, u32>,
}

impl OwnRequirement {
    fn at(index: u32) -> OwnRequirement {
        OwnRequirement(NonZeroU32::MIN.saturating_add(index))
    }

    fn index(self) -> u32 {
        self.0.get() - 1
    }
}

impl OwnRequirements {
    pub(crate) fn new() -> OwnRequirements {
        OwnRequirements { kept: Vec::new(), vacant: Vec::new(), index: BTreeMap::new() }
    }

    pub(crate) fn at(&self, own: OwnRequirement) -> &Requirement {
        &self.kept[own.index() as usize].0
    }

    /// One interaction more has it.
    pub(crate) fn keep(&mut self, requirement: &Requirement) -> OwnRequirement {
        if let Some(&index) = self.index.get(requirement) {
            self.kept[index as usize].1 += 1;
            return OwnRequirement::at(index);
        }
        let index = match self.vacant.pop() {
            Some(index) => {
                self.kept[index as usize] = (requirement.clone(), 1);
                index
            }
            None => {
                self.kept.push((requirement.clone(), 1));
                u32::try_from(self.kept.len() - 1).expect("there are no more than interactions")
            }
        };
        self.index.insert(requirement.clone(), index);
        OwnRequirement::at(index)
    }

    /// One more keeps it that has it already.
    pub(crate) fn hold(&mut self, own: OwnRequirement) {
        self.kept[own.index() as usize].1 += 1;
    }

    /// Those that are used, in order, each with the number of its uses.
    pub(crate) fn uses(&self) -> impl Iterator<Item = (&Requirement, u32)> {
        self.index.iter().map(|(requirement, &index)| (requirement, self.kept[index as usize].1))
    }

    /// One interaction less has it.
    pub(crate) fn release(&mut self, own: OwnRequirement) {
        let (requirement, uses) = &mut self.kept[own.index() as usize];
        *uses -= 1;
        if *uses == 0 {
            self.index.remove(requirement);
            *requirement = Requirement::anyone();
            self.vacant.push(own.index());
        }
    }
}

pub(super) fn place_key(Spot { place, nth, .. }: Spot) -> Key {
    // The sign bit turned over makes the order of signed numbers that of unsigned ones.
    Key { major: place.key.cast_unsigned() ^ 1 << 63, minor: place.interaction.0, last: nth.number() }
}

impl Lines {
    /// Who stands there, in a line by place.
    pub(super) fn spot(&self, node: Node) -> Spot {
        let Key { major, minor, last } = self.key(node);
        let place = Place { key: (major ^ 1 << 63).cast_signed(), interaction: InteractionId(minor) };
        Spot { place, nth: Nth::from_number(last), slot: Slot::new(self.item(node)) }
    }
}

/// In the lines by entry.
pub(super) fn entry_key(interaction: &Interaction, nth: Nth) -> Key {
    let entered = interaction.entry(nth).entered;
    Key { major: entered.as_micros(), minor: interaction.id.0, last: nth.number() }
}

impl Distributor {
    /// Into the lines of all its queues.
    pub(super) fn start_waiting_everywhere(&mut self, slot: Slot<Interaction>) {
        for nth in self.interactions[slot].standing {
            self.start_waiting(slot, nth);
        }
    }

    /// Out of the lines of all its queues.
    pub(super) fn stop_waiting_everywhere(&mut self, slot: Slot<Interaction>) {
        for nth in self.interactions[slot].standing {
            self.stop_waiting(slot, nth);
        }
    }

    /// Into the lines of a queue, with the deadlines of waiting; whoever is free may take it.
    pub(super) fn start_waiting(&mut self, slot: Slot<Interaction>, nth: Nth) {
        self.list(slot, nth);
        let interaction = &self.interactions[slot];
        let (key, spot) = (entry_key(interaction, nth), interaction.spot(slot, nth));
        let Entry { queue: id, queue_slot, step, entered, overdue, .. } = *interaction.entry(nth);
        let wants_somebody = interaction.by_name(nth).is_some();
        let has_own = interaction.requirement.is_some();
        let is_callback = interaction.rare.callback().is_some();
        let stays = overdue || is_callback;
        let queue = &mut self.queues[queue_slot];
        queue.lines.len += 1;
        let entries = &mut queue.lines.entries[usize::from(step)];
        let entry_node = self.lines.insert(&mut entries.line, key, slot.number());
        if let Some(next) = queue.state.settings.steps.get(usize::from(step)) {
            let at = entered + next.after;
            entries.wake(&mut self.deadlines, at, Alarm::Step(id, step));
        }
        let mut expiry_node = Node::NOWHERE;
        if let Some(rule) = queue.state.settings.max_wait.filter(|_| !stays) {
            expiry_node = self.lines.insert(&mut queue.lines.expiring.line, key, slot.number());
            let at = entered + rule.after;
            queue.lines.expiring.wake(&mut self.deadlines, at, Alarm::MaxWait(id));
        }
        let has_rules = !queue.lines.overflowing.is_empty() && !is_callback;
        let entry = self.interactions[slot].entry_mut(nth);
        entry.entry_node = entry_node;
        entry.expiry_node = expiry_node;
        if has_rules {
            self.enter_overflow_line(slot, nth);
        }
        let front = &mut self.fronts[queue_slot.number() as usize];
        front.waiting += 1;
        self.unsettled.interactions.push(front.turn(spot));
        self.upset_reserves(queue_slot);
        if wants_somebody {
            self.start_wanting(slot, nth);
        }
        if has_own {
            self.begin_waiting_with_own(slot, nth);
        }
    }

    /// Out of the lines of a queue, without deadlines of waiting there.
    pub(super) fn stop_waiting(&mut self, slot: Slot<Interaction>, nth: Nth) {
        self.unlist(slot, nth);
        self.stop_expiring(slot, nth);
        if self.interactions[slot].entry(nth).overflow_node != Node::NOWHERE {
            self.leave_overflow_line(slot, nth);
        }
        self.stop_wanting(slot, nth);
        let interaction = &mut self.interactions[slot];
        let has_own = interaction.requirement.is_some();
        let entry = interaction.entry_mut(nth);
        let node = std::mem::replace(&mut entry.entry_node, Node::NOWHERE);
        let queue_slot = entry.queue_slot;
        let queue = &mut self.queues[queue_slot];
        queue.lines.len -= 1;
        self.fronts[entry.queue_slot.number() as usize].waiting -= 1;
        let entries = &mut queue.lines.entries[usize::from(entry.step)];
        self.lines.remove(&mut entries.line, node);
        entries.rest_if_empty(&mut self.deadlines);
        self.upset_reserves(queue_slot);
        if has_own {
            self.end_waiting_with_own(slot, nth);
        }
    }

    /// The maximum wait does not apply any more.
    pub(super) fn stop_expiring(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let entry = self.interactions[slot].entry_mut(nth);
        let node = std::mem::replace(&mut entry.expiry_node, Node::NOWHERE);
        if node != Node::NOWHERE {
            let expiring = &mut self.queues[entry.queue_slot].lines.expiring;
            self.lines.remove(&mut expiring.line, node);
            expiring.rest_if_empty(&mut self.deadlines);
        }
    }

    /// Into the line of its place.
    pub(super) fn list(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let interaction = &self.interactions[slot];
        let key = place_key(interaction.spot(slot, nth));
        let Entry { step, queue_slot, .. } = *interaction.entry(nth);
        if interaction.by_name(nth).is_some() {
            return self.list_wanting(slot, nth);
        }
        let queue = &mut self.queues[queue_slot];
        let node = match interaction.requirement {
            None => {
                let node = self.lines.insert(&mut queue.lines.plain[usize::from(step)], key, slot.number());
                self.refresh_front(queue_slot, step);
                node
            }
            Some(own) => {
                let line = queue.lines.own.entry((own, step)).or_insert_with(Line::new);
                self.fronts[queue_slot.number() as usize].has_own = true;
                self.lines.insert(line, key, slot.number())
            }
        };
        self.interactions[slot].entry_mut(nth).node = node;
    }

    /// Out of the line of its place.
    pub(super) fn unlist(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let interaction = &mut self.interactions[slot];
        if interaction.by_name(nth).is_some() {
            return self.unlist_wanting(slot, nth);
        }
        let entry = interaction.entry_mut(nth);
        let node = std::mem::replace(&mut entry.node, Node::NOWHERE);
        let (step, queue_slot) = (entry.step, entry.queue_slot);
        let lines = &mut self.queues[queue_slot].lines;
        match interaction.requirement {
            None => {
                self.lines.remove(&mut lines.plain[usize::from(step)], node);
                self.refresh_front(queue_slot, step);
            }
            Some(own) => {
                let line = lines.own.get_mut(&(own, step)).expect("who waits is listed");
                self.lines.remove(line, node);
                if line.is_empty() {
                    lines.own.remove(&(own, step));
                    self.fronts[queue_slot.number() as usize].has_own = !lines.own.is_empty();
                }
            }
        }
    }

    fn refresh_front(&mut self, queue: Slot<Queue>, step: u8) {
        let front = &mut self.fronts[queue.number() as usize];
        match self.queues[queue].lines.plain[usize::from(step)].head() {
            Some(head) => {
                front.open |= 1 << step;
                front.heads[usize::from(step)] = self.lines.spot(head);
            }
            None => front.open &= !(1 << step),
        }
    }

    /// Everybody who waits in a queue, in order.
    pub(super) fn line_of(&self, queue: Slot<Queue>) -> Vec<Spot> {
        let lines = self.queues[queue].lines.all();
        let mut spots: Vec<Spot> =
            lines.flat_map(|line| self.lines.iter(line)).map(|node| self.lines.spot(node)).collect();
        spots.sort_unstable();
        spots
    }

    /// Whose time in a line has come, as single deadlines; the alarm of the line is spent.
    pub(super) fn collect_due(&mut self, alarm: Alarm, queue: QueueId) {
        let Some(slot) = self.queues.slot(queue) else { return };
        let queue = &mut self.queues[slot];
        let Some((aging, after)) = queue.aging(alarm) else { return };
        aging.alarm = None;
        let line = aging.line.clone();
        for node in self.lines.iter(&line) {
            let at = Instant::from_micros(self.lines.key(node).major) + after;
            if !self.deadlines.is_due(at, self.now) {
                break;
            }
            let id = InteractionId(self.lines.key(node).minor);
            self.due.extend(alarm.of_interaction(id).map(|deadline| (at, deadline)));
        }
    }

    /// Sets the alarm of a line whose alarm is spent, if somebody stands there.
    pub(super) fn rearm(&mut self, alarm: Alarm, queue: QueueId) {
        let Some(slot) = self.queues.slot(queue) else { return };
        let Some((aging, after)) = self.queues[slot].aging(alarm) else { return };
        if let Some(head) = aging.line.head() {
            let at = Instant::from_micros(self.lines.key(head).major) + after;
            aging.wake(&mut self.deadlines, at, alarm);
        }
    }

    /// The entry of an interaction in a queue, if it waits there.
    pub(super) fn waiting_in(&self, id: InteractionId, queue: QueueId) -> Option<(Slot<Interaction>, Nth)> {
        let slot = self.interactions.slot(id).filter(|&slot| self.waits(slot))?;
        Some((slot, self.interactions[slot].nth_in(queue)?))
    }

    /// Whether an interaction stands in lines, waiting.
    pub(super) fn waits(&self, slot: Slot<Interaction>) -> bool {
        matches!(self.interactions[slot].stage(), Stage::Waiting)
    }
}

impl Aging {
    /// Sees to it that the alarm goes off by then.
    pub(super) fn wake(&mut self, deadlines: &mut timing::TimerWheel<Alarm>, at: Instant, alarm: Alarm) {
        if self.alarm.is_some_and(|(set, _)| set <= at) {
            return;
        }
        if let Some((_, timer)) = self.alarm {
            deadlines.cancel(timer);
        }
        self.alarm = Some((at, deadlines.schedule(at, alarm)));
    }

    pub(super) fn rest_if_empty(&mut self, deadlines: &mut timing::TimerWheel<Alarm>) {
        if self.line.is_empty()
            && let Some((_, timer)) = self.alarm.take()
        {
            deadlines.cancel(timer);
        }
    }
}
