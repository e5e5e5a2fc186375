//! Interactions that want agents by name: where they stand, whom they get, and how that ends.
//!
//! Whoever wants nobody is in none of these lines and pays for none. One who does stands in a line of each wanted agent
//! and queue, by place, so that an agent who becomes free looks at the heads of the own lines beside those of the
//! queues; and, over all queues, in one line by the time at which it ceases to want them.

use std::collections::BTreeMap;

use timing::Instant;

use super::entry::{Entry, Nth, Spot};
use super::waiting::{Aging, place_key};
use super::{Agent, Alarm, Deadline, Distributor, Interaction, Queue};
use crate::line::{Key, Line, Node};
use crate::table::Slot;
use crate::{
    AgentId, Event, Exit, InteractionId, Otherwise, OverflowCause, QueueId, WANTED_MAX, Wanted, WantedEnd,
};

/// What an interaction has in a queue beside the others as long as it wants agents by name there.
#[derive(Clone, Debug)]
pub(crate) struct ByName {
    pub(crate) wanted: Wanted,
    /// Where it stands in the lines of those agents while it waits, in their order.
    nodes: [Node; WANTED_MAX],
    /// Where it stands in the line by the end of that.
    ending: Node,
}

impl ByName {
    pub(crate) fn new(wanted: Wanted) -> ByName {
        ByName { wanted, nodes: [Node::NOWHERE; WANTED_MAX], ending: Node::NOWHERE }
    }
}

/// The lines of those who want agents by name.
#[derive(Clone, Debug)]
pub(crate) struct WantedLines {
    /// In order of place. None is empty.
    by_agent: BTreeMap<(AgentId, Slot<Queue>), Line>,
    /// In order of the end.
    pub(crate) ending: Aging,
}

impl WantedLines {
    pub(crate) fn new() -> WantedLines {
        WantedLines { by_agent: BTreeMap::new(), ending: Aging::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_agent.is_empty()
    }

    /// The lines of one agent.
    pub(super) fn of(&self, agent: AgentId) -> impl Iterator<Item = (Slot<Queue>, &Line)> {
        let all = (agent, Slot::new(0))..=(agent, Slot::new(u32::MAX));
        self.by_agent.range(all).map(|(&(_, queue), line)| (queue, line))
    }

    /// The lines of one queue.
    pub(crate) fn of_queue(&self, queue: Slot<Queue>) -> impl Iterator<Item = (AgentId, &Line)> {
        let all = self.by_agent.iter().filter(move |&(&(_, of), _)| of == queue);
        all.map(|(&(agent, _), line)| (agent, line))
    }
}

impl Interaction {
    /// When it ceases to want agents by name in a queue, if time decides that.
    pub(super) fn wanted_until(&self, nth: Nth) -> Option<Instant> {
        let within = self.by_name(nth)?.wanted.within?;
        Some(self.entry(nth).entered + within)
    }

    /// Whether it wants agents by name there who may be there although nobody serves that queue.
    pub(super) fn has_agents_of_its_own(&self, nth: Nth) -> bool {
        self.by_name(nth).is_some_and(|by_name| by_name.wanted.has_agents())
    }
}

impl Distributor {
    /// Into the lines of its place: all of those in its queue who want somebody, and those of the agents.
    pub(super) fn list_wanting(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let interaction = &mut self.interactions[slot];
        let key = place_key(interaction.spot(slot, nth));
        let entry = interaction.entry_mut(nth);
        let queue = entry.queue_slot;
        entry.node = self.lines.insert(&mut self.queues[queue].lines.wanting, key, slot.number());
        let Some(ByName { wanted, nodes, .. }) = interaction.rare.by_name_mut() else { return };
        for (agent, node) in wanted.names().zip(nodes) {
            let line = self.wanted.by_agent.entry((agent, queue)).or_insert_with(Line::new);
            *node = self.lines.insert(line, key, slot.number());
        }
    }

    /// Out of them.
    pub(super) fn unlist_wanting(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let interaction = &mut self.interactions[slot];
        let entry = interaction.entry_mut(nth);
        let (node, queue) = (std::mem::replace(&mut entry.node, Node::NOWHERE), entry.queue_slot);
        self.lines.remove(&mut self.queues[queue].lines.wanting, node);
        let Some(ByName { wanted, nodes, .. }) = interaction.rare.by_name_mut() else { return };
        for (agent, node) in wanted.names().zip(nodes) {
            let line = self.wanted.by_agent.get_mut(&(agent, queue)).expect("who waits is listed");
            self.lines.remove(line, std::mem::replace(node, Node::NOWHERE));
            if line.is_empty() {
                self.wanted.by_agent.remove(&(agent, queue));
            }
        }
    }

    /// One who wants somebody begins to wait: the end of that, and a look at whether anybody is there.
    pub(super) fn start_wanting(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let interaction = &mut self.interactions[slot];
        let (place, id) = (interaction.place(), interaction.id);
        self.unsettled.forsaken.push((place, interaction.entry(nth).queue));
        if let (Some(until), Some(by_name)) = (interaction.wanted_until(nth), interaction.rare.by_name_mut())
        {
            let (ending, key) = (&mut self.wanted.ending, ending_key(until, id, nth));
            by_name.ending = self.lines.insert(&mut ending.line, key, slot.number());
            ending.wake(&mut self.deadlines, until, Alarm::Wanted);
        }
    }

    /// It waits no more, or wants nobody any more.
    pub(super) fn stop_wanting(&mut self, slot: Slot<Interaction>, nth: Nth) {
        if self.interactions[slot].by_name(nth).is_none() {
            return;
        }
        let Some(by_name) = self.interactions[slot].rare.by_name_mut() else { return };
        let node = std::mem::replace(&mut by_name.ending, Node::NOWHERE);
        if node != Node::NOWHERE {
            let ending = &mut self.wanted.ending;
            self.lines.remove(&mut ending.line, node);
            ending.rest_if_empty(&mut self.deadlines);
        }
    }

    /// Who ceases to want somebody now, as single deadlines; the alarm is spent.
    pub(super) fn collect_wanted_ends(&mut self) {
        let ending = &mut self.wanted.ending;
        ending.alarm = None;
        for node in self.lines.iter(&ending.line) {
            let Key { major: until, minor: id, last } = self.lines.key(node);
            let until = Instant::from_micros(until);
            if !self.deadlines.is_due(until, self.now) {
                break;
            }
            let interaction = &self.interactions[Slot::new(self.lines.item(node))];
            let queue = interaction.entry(Nth::from_number(last)).queue;
            self.due.push((until, Deadline::Wanted(InteractionId(id), queue)));
        }
    }

    /// Sets the alarm again, if somebody stands there.
    pub(super) fn rearm_wanted_ends(&mut self) {
        let ending = &mut self.wanted.ending;
        if let Some(head) = ending.line.head() {
            let until = Instant::from_micros(self.lines.key(head).major);
            ending.wake(&mut self.deadlines, until, Alarm::Wanted);
        }
    }

    /// When a waiting interaction ceases to want agents by name.
    pub(super) fn wanted_end(&self, id: InteractionId, queue: QueueId) -> Option<Instant> {
        let (slot, nth) = self.waiting_in(id, queue)?;
        self.interactions[slot].wanted_until(nth)
    }

    /// Whether an agent, if free, could take an interaction that wants agents by name: takes anything of its channel, is
    /// fit for it, and has not declined it.
    fn is_fit_by_name(
        &self,
        interaction: &Interaction,
        entry: &Entry,
        wanted: &Wanted,
        agent: &Agent,
    ) -> bool {
        let serves_step = || self.profiles.at(agent.profile).serves_step(entry.queue_slot, entry.step);
        let channel = self.queues[entry.queue_slot].state.settings.channel;
        agent.state.settings.capacity.of(channel) > 0
            && interaction.exclusion(agent.id).is_none()
            && (wanted.regardless_of_skills || (serves_step() && self.accepts(interaction, agent)))
    }

    /// The available agents whom an interaction wants and who could take it, in the order in which it wants them.
    pub(super) fn able_by_name<'a>(
        &'a self,
        interaction: &'a Interaction,
        entry: &'a Entry,
        wanted: &'a Wanted,
    ) -> impl Iterator<Item = (u8, Slot<Agent>)> + 'a {
        let slots = (0u8..).zip(wanted.agents);
        let slots = slots.filter_map(|(at, agent)| Some((at, self.agents.slot(agent?)?)));
        slots.filter(|&(_, slot)| {
            let agent = &self.agents[slot];
            let open = agent.state.open(&self.settings.interruptions);
            let channel = self.queues[entry.queue_slot].state.settings.channel;
            agent.is_listed
                && open.contains(channel)
                && self.is_fit_by_name(interaction, entry, wanted, agent)
        })
    }

    /// Of those who want an agent, the ones in one line whom the agent could take if free for their channel, in order of
    /// place; with when they entered, in microseconds.
    pub(super) fn able_in<'a>(
        &'a self,
        line: &Line,
        agent: &'a Agent,
    ) -> impl Iterator<Item = (Spot, u64)> + 'a {
        let nodes = std::iter::successors(line.head(), |&node| self.lines.next(node));
        nodes.filter_map(|node| {
            let spot = self.lines.spot(node);
            let interaction = &self.interactions[spot.slot];
            let entry = interaction.entry(spot.nth);
            let by_name = interaction.by_name(spot.nth).expect("only who wants somebody stands there");
            let is_fit = self.is_fit_by_name(interaction, entry, &by_name.wanted, agent);
            is_fit.then(|| (spot, entry.entered.as_micros()))
        })
    }

    /// Whether none of those whom an interaction wants could take it even when free.
    fn is_forsaken(&self, slot: Slot<Interaction>, nth: Nth) -> bool {
        let interaction = &self.interactions[slot];
        let entry = interaction.entry(nth);
        let Some(ByName { wanted, .. }) = interaction.by_name(nth) else { return false };
        let is_there = |agent: &Agent| {
            agent.state.presence.is_logged_in() && self.is_fit_by_name(interaction, entry, wanted, agent)
        };
        match wanted.otherwise {
            Otherwise::Stay => false,
            Otherwise::Anybody | Otherwise::Exit(_) => {
                !wanted.names().any(|agent| self.agents.by_id(agent).is_some_and(is_there))
            }
        }
    }

    /// An agent is there no more, or has other skills: who wants the agent is looked at again.
    pub(super) fn upset_wanting(&mut self, agent: AgentId) {
        for (queue, line) in self.wanted.of(agent) {
            let queue = self.queues[queue].id;
            let places = self.lines.iter(line).map(|node| (self.lines.spot(node).place, queue));
            self.unsettled.forsaken.extend(places);
        }
    }

    /// Whoever wants agents by name of whom none is there wants them no more.
    pub(super) fn settle_forsaken(&mut self) {
        let mut upset = super::sorted(std::mem::take(&mut self.unsettled.forsaken));
        for (place, queue) in upset.drain(..) {
            let waiting = self.waiting_in(place.interaction, queue);
            if let Some((slot, nth)) = waiting.filter(|&(slot, nth)| self.is_forsaken(slot, nth)) {
                self.give_up_wanted(slot, nth, WantedEnd::Absent);
                self.unsettled.overdue.push((place, queue));
            }
        }
        debug_assert!(self.unsettled.forsaken.is_empty(), "who gives up wants nobody any more");
        self.unsettled.forsaken = upset;
    }

    /// The time is over for which an interaction wanted agents by name.
    pub(super) fn end_wanted_by_time(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let place = self.interactions[slot].place();
        let queue = self.interactions[slot].entry(nth).queue;
        self.give_up_wanted(slot, nth, WantedEnd::TimedOut);
        self.unsettled.overdue.push((place, queue));
    }

    /// A waiting interaction that stands in line wants nobody any more, or leaves.
    pub(super) fn give_up_wanted(&mut self, slot: Slot<Interaction>, nth: Nth, end: WantedEnd) {
        match self.exit_without_wanted(slot, nth, end) {
            Some((cause, exit)) => self.leave(slot, nth, cause, exit),
            None => {
                self.stop_wanting(slot, nth);
                self.unlist_wanting(slot, nth);
                self.open_to_all(slot, nth, end);
                self.list(slot, nth);
                let interaction = &self.interactions[slot];
                let front = &self.fronts[interaction.entry(nth).queue_slot.number() as usize];
                self.unsettled.interactions.push(front.turn(interaction.spot(slot, nth)));
            }
        }
    }

    /// How an interaction leaves that does not get whom it wants; `None`: not at all.
    fn exit_without_wanted(
        &self,
        slot: Slot<Interaction>,
        nth: Nth,
        end: WantedEnd,
    ) -> Option<(OverflowCause, Exit)> {
        let cause = match end {
            WantedEnd::Absent => OverflowCause::WantedAbsent,
            WantedEnd::TimedOut => OverflowCause::WantedTimeout,
        };
        match self.interactions[slot].by_name(nth)?.wanted.otherwise {
            Otherwise::Exit(exit) if self.can_leave_by(slot, exit) => Some((cause, exit)),
            Otherwise::Exit(_) | Otherwise::Anybody | Otherwise::Stay => None,
        }
    }

    /// One that stands in no line wants nobody by name any more, if it ever did.
    pub(super) fn want_nobody(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let interaction = &mut self.interactions[slot];
        if interaction.by_name(nth).is_some() {
            interaction.rare.change(&mut self.spare, |rare| rare.by_name = None);
        }
    }

    fn open_to_all(&mut self, slot: Slot<Interaction>, nth: Nth, cause: WantedEnd) {
        self.want_nobody(slot, nth);
        let interaction = &self.interactions[slot];
        let (interaction, queue) = (interaction.id, interaction.entry(nth).queue);
        let (waited, _) = self.ages(slot, nth);
        self.emit(Event::OpenedToAll { interaction, queue, cause, waited });
    }

    /// Before one who has just come, and stands in no line yet, is matched for the first time: how it leaves where
    /// none of those is there whom it wants. Where it need not leave, it wants nobody any more.
    pub(super) fn exit_if_forsaken(
        &mut self,
        slot: Slot<Interaction>,
        nth: Nth,
    ) -> Option<(OverflowCause, Exit)> {
        if self.interactions[slot].by_name(nth).is_none() || !self.is_forsaken(slot, nth) {
            return None;
        }
        let leaving = self.exit_without_wanted(slot, nth, WantedEnd::Absent);
        if leaving.is_none() {
            self.open_to_all(slot, nth, WantedEnd::Absent);
        }
        leaving
    }

    /// After that: the same for one who wants somebody at the moment of entry only.
    pub(super) fn exit_if_not_at_once(
        &mut self,
        slot: Slot<Interaction>,
        nth: Nth,
    ) -> Option<(OverflowCause, Exit)> {
        if self.interactions[slot].wanted_until(nth).is_none_or(|until| until > self.now) {
            return None;
        }
        let leaving = self.exit_without_wanted(slot, nth, WantedEnd::TimedOut);
        if leaving.is_none() {
            self.give_up_wanted(slot, nth, WantedEnd::TimedOut);
            self.match_all();
        }
        leaving
    }

    /// The line by the end of the wish, with its alarm, for [`crate::invariants`].
    pub(crate) fn wanted_ends(&self) -> (Vec<(Instant, InteractionId)>, Option<Instant>) {
        let ending = &self.wanted.ending;
        let keys = self.lines.iter(&ending.line).map(|node| self.lines.key(node));
        let standing = keys.map(|key| (Instant::from_micros(key.major), InteractionId(key.minor)));
        (standing.collect(), ending.alarm.map(|(at, _)| at))
    }
}

fn ending_key(until: Instant, interaction: InteractionId, nth: Nth) -> Key {
    Key { major: until.as_micros(), minor: interaction.0, last: nth.number() }
}
