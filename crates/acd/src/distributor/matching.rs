//! Who takes what. One rule for both problems: every available agent wishes the one that the agent's selection puts
//! first of those whom the agent could take; of all who are wished, the first by band and place gets the agent whom
//! its queue's strategy puts first of those who wish it.
//!
//! With several idle agents and one new interaction this chooses the agent (agent surplus); with one agent who
//! becomes free and several interactions it chooses the interaction (contact surplus, see [`super::selection`]).
//! Because nothing could be matched before a change, only what the change set free needs to be looked at.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::agent::ReadyClock;
use super::callback::first_phase;
use super::entry::{Entry, Nth, Spot};
use super::idle::{Head, Rank};
use super::selection::Turn;
use super::{Agent, Alarm, Deadline, Distributor, Interaction, Queue, Reservation, sorted};
use crate::line::Node;
use crate::state::ReservationState;
use crate::table::Slot;
use crate::{
    AgentId, Decision, ELIGIBLE_MAX, Event, QueueSettings, RUNNERS_UP_MAX, ReservationId, Strategy, Wanted,
    Work, WorkStage,
};

/// The agent whom an interaction gets, and what the decision record says about the others.
pub(super) struct Choice {
    agent: Slot<Agent>,
    bucket: u8,
    /// At most [`ELIGIBLE_MAX`].
    eligible: u16,
    runners_up: [Option<AgentId>; RUNNERS_UP_MAX],
    /// The agent's place among those whom the interaction wants by name.
    wanted: Option<u8>,
}

/// Somebody in a line of idle agents. The order is that of the queue's strategy.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    /// Round robin: before or after the turn comes to the first again.
    lap: u8,
    head: Head,
    /// The entry; nowhere as long as it is the first of the line and nobody has looked.
    node: Node,
}

impl Candidate {
    /// Behind everybody: an empty place among the best.
    const NOBODY: Candidate = Candidate { lap: u8::MAX, head: Head::NOBODY, node: Node::NOWHERE };

    fn order(&self) -> (u8, u8, Rank, u32) {
        (self.head.bucket, self.lap, self.head.rank, self.head.agent)
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Candidate) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Candidate) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Candidate) -> Ordering {
        self.order().cmp(&other.order())
    }
}

/// The best few of many, in order.
struct Best([Candidate; RUNNERS_UP_MAX + 1]);

impl Best {
    /// Whoever is pushed out at the end is lost.
    fn admit(&mut self, candidate: Candidate) {
        let mut place = self.0.len();
        while place > 0 && candidate < self.0[place - 1] {
            if place < self.0.len() {
                self.0[place] = self.0[place - 1];
            }
            place -= 1;
        }
        if place < self.0.len() {
            self.0[place] = candidate;
        }
    }

    /// In its place in the order, counted from 0.
    fn at(&self, place: usize) -> Option<Candidate> {
        self.0.get(place).copied().filter(|candidate| candidate.lap != u8::MAX)
    }
}

/// Agents who are free, each with the first in line for that agent as of so many matches.
///
/// Lines only become shorter while this goes on, so what was found earlier can only have become worse and is looked at
/// again when it comes to the top.
#[derive(Clone, Debug, Default)]
pub(super) struct Hopes {
    heap: BinaryHeap<Reverse<(Turn, Slot<Agent>, u64)>>,
    matches: u64,
}

impl Hopes {
    pub(super) fn extend(&mut self, hopes: impl IntoIterator<Item = (Turn, Slot<Agent>)>) {
        let as_of = self.matches;
        self.heap.extend(hopes.into_iter().map(|(turn, agent)| Reverse((turn, agent, as_of))));
    }

    /// The first of all for whom one of the agents is there, whose own first `first_for` tells.
    pub(super) fn best(&mut self, first_for: impl Fn(Slot<Agent>) -> Option<Turn>) -> Option<Turn> {
        while let Some(&Reverse((turn, agent, as_of))) = self.heap.peek() {
            if as_of == self.matches {
                return Some(turn);
            }
            self.heap.pop();
            self.extend(first_for(agent).map(|turn| (turn, agent)));
        }
        None
    }

    /// Somebody is in line no more, and somebody free no more.
    pub(super) fn matched(&mut self) {
        self.matches += 1;
    }
}

/// What matching needs room for, kept from one event to the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Room {
    hopes: Hopes,
    /// By agent.
    wishes: Vec<(Slot<Agent>, Turn)>,
    candidates: BinaryHeap<Reverse<Candidate>>,
}

impl Distributor {
    /// Matches until nothing that was set free can be matched.
    pub(super) fn match_all(&mut self) {
        self.settle_reserves();
        if self.unsettled.agents.is_empty() && self.unsettled.interactions.is_empty() {
            return;
        }
        if let ([agent], []) = (&self.unsettled.agents[..], &self.unsettled.interactions[..]) {
            let agent = *agent;
            self.unsettled.agents.clear();
            return self.match_freed(agent);
        }
        let mut freed = sorted(std::mem::take(&mut self.unsettled.agents));
        let mut upset = sorted(std::mem::take(&mut self.unsettled.interactions));
        freed.iter().for_each(|&agent| self.enlist(agent));
        // One agent has nobody to compare with, and one interaction is the first of all who could take it.
        if self.selecting == 0 || freed.len() + upset.len() <= 1 {
            self.match_in_turn(&mut freed, &mut upset);
        } else {
            self.match_by_wish(&mut freed, &mut upset);
        }
        (self.unsettled.agents, self.unsettled.interactions) = (freed, upset);
    }

    /// Matches an agent who alone was set free and stands in no line yet, or puts the agent there. Whoever was idle
    /// before could take nobody, so nobody else is eligible for whom this agent takes.
    fn match_freed(&mut self, agent: Slot<Agent>) {
        while let Some(turn) = self.first_for(agent) {
            self.match_first(agent, turn);
        }
        self.enlist(agent);
    }

    fn match_first(&mut self, agent: Slot<Agent>, turn: Turn) {
        let Spot { slot, nth, .. } = turn.spot;
        let queue = self.interactions[slot].entry(nth).queue_slot;
        let serves = &self.profiles.at(self.agents[agent].profile).serves;
        let (bucket, wanted) = match self.interactions[slot].by_name(nth) {
            None => {
                let serves = serves.iter().find(|serves| serves.queue == queue);
                (serves.expect("it could take from there").bucket, None)
            }
            Some(by_name) => {
                let (id, settings) = (self.agents[agent].id, &self.queues[queue].state.settings);
                (settings.bucket(&self.agents[agent].state.settings.skills), by_name.wanted.place(id))
            }
        };
        let choice = Choice { agent, bucket, eligible: 1, runners_up: [None; RUNNERS_UP_MAX], wanted };
        self.draws_lot(slot, nth, agent);
        self.reserve(slot, nth, &choice);
    }

    /// Where all agents select alike: whoever is first of all is the first of every agent who could take it.
    fn match_in_turn(&mut self, freed: &mut Vec<Slot<Agent>>, upset: &mut Vec<Turn>) {
        let mut hopes = self.take_hopes();
        hopes.extend(freed.drain(..).filter_map(|agent| Some((self.first_for(agent)?, agent))));
        let mut upset = upset.drain(..).peekable();
        loop {
            let hope = hopes.best(|agent| self.first_for(agent));
            // What finds nobody is forgotten: agents only become fewer.
            let mut choice = None;
            while let Some(&turn) = upset.peek().filter(|&&turn| hope.is_none_or(|hope| turn < hope)) {
                upset.next();
                choice = self.choose_for(turn);
                if choice.is_some() {
                    break;
                }
            }
            let choice = choice.or_else(|| hope.and_then(|hope| self.choose_for(hope)));
            let Some((slot, nth, choice)) = choice else { break };
            self.reserve(slot, nth, &choice);
            hopes.matched();
        }
        self.keep_hopes(hopes);
    }

    /// Room for hopes, of which there are none.
    pub(super) fn take_hopes(&mut self) -> Hopes {
        std::mem::take(&mut self.room.hopes)
    }

    pub(super) fn keep_hopes(&mut self, mut hopes: Hopes) {
        hopes.heap.clear();
        hopes.matches = 0;
        self.room.hopes = hopes;
    }

    /// Matches an interaction that has just come and stands in no line yet, where nothing else was set free: what
    /// [`Distributor::match_all`] would do, without putting it into line and taking it out again.
    pub(super) fn match_at_entry(&mut self, slot: Slot<Interaction>, nth: Nth) -> bool {
        // Whether reserves close is decided with this one in line.
        let is_alone = self.unsettled.agents.is_empty()
            && self.unsettled.interactions.is_empty()
            && self.unsettled.reserves.is_empty();
        if !is_alone {
            return false;
        }
        let Some(choice) = self.choose(slot, nth) else { return false };
        self.reserve(slot, nth, &choice);
        true
    }

    /// Where agents select differently: each wishes the first of those whom this agent could take. Of all who are
    /// wished, the one whose turn it is goes to the agent whom its queue puts first of those who wish it.
    fn match_by_wish(&mut self, freed: &mut Vec<Slot<Agent>>, upset: &mut Vec<Turn>) {
        for turn in upset.drain(..) {
            self.collect_able(turn, freed);
        }
        let mut free = sorted(std::mem::take(freed));
        let mut wishes = std::mem::take(&mut self.room.wishes);
        loop {
            wishes.clear();
            wishes.extend(free.iter().filter_map(|&agent| Some((agent, self.first_for(agent)?))));
            let Some(first) = wishes.iter().map(|&(_, turn)| turn).min() else { break };
            // Who could take nobody can do so no more: those who wait only become fewer.
            free.clear();
            free.extend(wishes.iter().map(|&(agent, _)| agent));
            let Spot { slot, nth, .. } = first.spot;
            let wishes_it = |agent| wishes.binary_search(&(agent, first)).is_ok();
            let choice = self.choose_asked(slot, nth, |_, agent| wishes_it(agent));
            let choice = choice.expect("the first is wished by somebody who could take it");
            self.reserve(slot, nth, &choice);
        }
        self.room.wishes = wishes;
        free.clear();
        *freed = free;
    }

    /// All available agents who could take an interaction by this entry, if it waits.
    fn collect_able(&self, turn: Turn, able: &mut Vec<Slot<Agent>>) {
        let Some((slot, nth)) = self.whose(turn) else { return };
        let interaction = &self.interactions[slot];
        let entry = interaction.entry(nth);
        if let Some(by_name) = interaction.by_name(nth) {
            able.extend(self.able_by_name(interaction, entry, &by_name.wanted).map(|(_, agent)| agent));
            return;
        }
        let queue = &self.queues[entry.queue_slot];
        for source in self.sources(queue, entry.step, queue.state.reserves_open) {
            let agents = self.lines.iter(source.line).map(|node| Slot::new(self.lines.item(node)));
            able.extend(agents.filter(|&agent| self.could_take(interaction, &self.agents[agent])));
        }
    }

    /// Whether an agent who could serve the step could take this one.
    pub(super) fn could_take(&self, interaction: &Interaction, agent: &Agent) -> bool {
        interaction.exclusion(agent.id).is_none() && self.accepts(interaction, agent)
    }

    /// The interaction that was at a spot, if it is still here.
    pub(super) fn who_has(&self, spot: Spot) -> Option<Slot<Interaction>> {
        let interaction = self.interactions.get(spot.slot)?;
        (interaction.id == spot.place.interaction).then_some(spot.slot)
    }

    /// The interaction whose turn it is and its entry, if it waits by that, and has not gone on to a queue of another band
    /// since.
    fn whose(&self, turn: Turn) -> Option<(Slot<Interaction>, Nth)> {
        let (slot, nth) = (self.who_has(turn.spot)?, turn.spot.nth);
        let interaction = &self.interactions[slot];
        if !self.waits(slot) || !interaction.standing.contains(nth) {
            return None;
        }
        let queue = interaction.entry(nth).queue_slot;
        (self.fronts[queue.number() as usize].band == turn.band).then_some((slot, nth))
    }

    /// The agent for an interaction, if it waits and there is one.
    fn choose_for(&mut self, turn: Turn) -> Option<(Slot<Interaction>, Nth, Choice)> {
        let (slot, nth) = self.whose(turn)?;
        self.choose(slot, nth).map(|choice| (slot, nth, choice))
    }

    /// The agent for an interaction that waits in a queue.
    ///
    /// This is the one place that decides agent surplus.
    fn choose(&mut self, slot: Slot<Interaction>, nth: Nth) -> Option<Choice> {
        let interaction = &self.interactions[slot];
        let Entry { queue_slot, step, .. } = *interaction.entry(nth);
        let queue = &self.queues[queue_slot];
        let is_plain = interaction.requirement.is_none()
            && !interaction.rare.has_exclusions()
            && interaction.by_name(nth).is_none();
        if is_plain && queue.state.settings.strategy != Strategy::RoundRobin {
            loop {
                let choice = self.choose_any(&self.queues[queue_slot], step)?;
                if !self.draws_lot(slot, nth, choice.agent) {
                    return Some(choice);
                }
            }
        } else {
            self.choose_asked(slot, nth, |_, _| true)
        }
    }

    /// The best of those who could take an interaction and are asked.
    pub(super) fn choose_asked(
        &mut self,
        slot: Slot<Interaction>,
        nth: Nth,
        is_asked: impl Fn(&Distributor, Slot<Agent>) -> bool,
    ) -> Option<Choice> {
        let mut room = std::mem::take(&mut self.room.candidates);
        let choice = loop {
            let choice = self.choose_among(slot, nth, &mut room, |agent| is_asked(self, agent));
            room.clear();
            if !choice.as_ref().is_some_and(|choice| self.draws_lot(slot, nth, choice.agent)) {
                break choice;
            }
        };
        self.room.candidates = room;
        choice
    }

    /// The best of all who could serve a step. The best few of all are among the best few heads and those behind
    /// them, so that one look at every line is enough.
    fn choose_any(&self, queue: &Queue, step: u8) -> Option<Choice> {
        let mut best = Best([Candidate::NOBODY; RUNNERS_UP_MAX + 1]);
        let mut eligible = 0u32;
        self.look_at_heads(queue, step, queue.state.reserves_open, |head, length| {
            eligible = eligible.saturating_add(length);
            best.admit(Candidate { lap: 0, head, node: Node::NOWHERE });
        });
        let first = self.entered(queue, best.at(0)?);
        let (mut runners_up, mut before) = ([None; RUNNERS_UP_MAX], first);
        // Whoever is behind somebody comes later in the order. Where nobody else is eligible there is nobody to look for.
        for (place, runner_up) in (1..eligible as usize).zip(&mut runners_up) {
            if let Some(behind) = self.behind(queue, before) {
                best.admit(behind);
            }
            let Some(next) = best.at(place) else { break };
            *runner_up = Some(AgentId(next.head.agent));
            before = self.entered(queue, next);
        }
        let eligible = u16::try_from(eligible).unwrap_or(ELIGIBLE_MAX).min(ELIGIBLE_MAX);
        let (agent, bucket) = (self.agent_at(first), first.head.bucket);
        Some(Choice { agent, bucket, eligible, runners_up, wanted: None })
    }

    /// With the entry looked up.
    fn entered(&self, queue: &Queue, candidate: Candidate) -> Candidate {
        if candidate.node != Node::NOWHERE {
            return candidate;
        }
        let node = self.line_of_idle(queue, candidate.head.from).head().expect("its head was seen");
        Candidate { node, ..candidate }
    }

    fn agent_at(&self, candidate: Candidate) -> Slot<Agent> {
        Slot::new(self.lines.item(candidate.node))
    }

    /// The next in the same line.
    fn behind(&self, queue: &Queue, candidate: Candidate) -> Option<Candidate> {
        let node = self.lines.next(candidate.node)?;
        let head = queue.head(candidate.head.from, self.lines.key(node));
        Some(Candidate { head, node, ..candidate })
    }

    /// The best of those who are asked, for an interaction that asks for more than its queue, or whose queue gives
    /// everybody a turn: one by one in the order of the strategy.
    fn choose_among(
        &self,
        slot: Slot<Interaction>,
        nth: Nth,
        room: &mut BinaryHeap<Reverse<Candidate>>,
        is_asked: impl Fn(Slot<Agent>) -> bool,
    ) -> Option<Choice> {
        let interaction = &self.interactions[slot];
        let entry = interaction.entry(nth);
        if let Some(by_name) = interaction.by_name(nth) {
            return self.choose_by_name(interaction, entry, &by_name.wanted, is_asked);
        }
        let queue = &self.queues[entry.queue_slot];
        let step = entry.step_in(queue);
        let turn = match queue.state.settings.strategy {
            Strategy::RoundRobin => queue.state.last_chosen,
            Strategy::LongestIdle(_)
            | Strategy::MostSkilled
            | Strategy::LeastSkilled
            | Strategy::FewestHandled
            | Strategy::LeastOccupied
            | Strategy::TopDown
            | Strategy::WeightedRandom => None,
        };
        let turn = turn.map(|(order, agent)| Rank { major: u64::from(order), minor: 0 }.key(agent));
        for source in self.sources(queue, step, queue.state.reserves_open) {
            let mut begin = |node: Option<Node>, lap| {
                let head = |node| queue.head(source.from, self.lines.key(node));
                room.extend(node.map(|node| Reverse(Candidate { lap, head: head(node), node })));
            };
            match turn {
                None => begin(source.line.head(), 0),
                Some(turn) => {
                    begin(self.lines.after(source.line, turn), 0);
                    begin(source.line.head().filter(|&head| self.lines.key(head) <= turn), 1);
                }
            }
        }
        let mut able = std::iter::from_fn(|| {
            let Reverse(next) = room.pop()?;
            let is_in_lap = |behind: &Candidate| {
                behind.lap == 0 || turn.is_none_or(|turn| self.lines.key(behind.node) <= turn)
            };
            room.extend(self.behind(queue, next).filter(is_in_lap).map(Reverse));
            Some(next)
        })
        .filter(|&candidate| {
            let agent = self.agent_at(candidate);
            self.could_take(interaction, &self.agents[agent]) && is_asked(agent)
        })
        .take(usize::from(ELIGIBLE_MAX));
        let first = able.next()?;
        let (agent, bucket) = (self.agent_at(first), first.head.bucket);
        let (mut eligible, mut runners_up) = (1, [None; RUNNERS_UP_MAX]);
        for candidate in able {
            if let Some(runner_up) = runners_up.get_mut(usize::from(eligible) - 1) {
                *runner_up = Some(AgentId(candidate.head.agent));
            }
            eligible += 1;
        }
        Some(Choice { agent, bucket, eligible, runners_up, wanted: None })
    }

    /// The first of those who are asked and whom an interaction wants by name.
    fn choose_by_name(
        &self,
        interaction: &Interaction,
        entry: &Entry,
        wanted: &Wanted,
        is_asked: impl Fn(Slot<Agent>) -> bool,
    ) -> Option<Choice> {
        let mut able = self.able_by_name(interaction, entry, wanted).filter(|&(_, agent)| is_asked(agent));
        let (place, agent) = able.next()?;
        let (mut eligible, mut runners_up) = (1, [None; RUNNERS_UP_MAX]);
        for ((_, other), runner_up) in able.zip(&mut runners_up) {
            *runner_up = Some(self.agents[other].id);
            eligible += 1;
        }
        let skills = &self.agents[agent].state.settings.skills;
        let bucket = self.queues[entry.queue_slot].state.settings.bucket(skills);
        Some(Choice { agent, bucket, eligible, runners_up, wanted: Some(place) })
    }

    /// Holds the chosen agent for an interaction, by its turn in one of its queues.
    fn reserve(&mut self, slot: Slot<Interaction>, nth: Nth, choice: &Choice) {
        self.leave_lines(slot, nth);
        self.hold(slot, nth, choice);
        self.settle_reserves();
    }

    /// Holds the chosen agent for an interaction that stands in no line, or beside others.
    pub(super) fn hold(&mut self, slot: Slot<Interaction>, nth: Nth, choice: &Choice) {
        let now = self.now;
        self.last_reservation += 1;
        let reservation = ReservationId(self.last_reservation);
        let Agent { id: agent, ref state, .. } = self.agents[choice.agent];
        let selection = self.selection_of(state);
        let profile = self.agents[choice.agent].profile;
        let (waited, age) = self.ages(slot, nth);

        let beside = self.begin_or_go_on_ringing(slot, nth);
        let interaction = &mut self.interactions[slot];
        let (id, own_requirement) = (interaction.id, interaction.requirement.is_some());
        let callback = interaction.pending_callback().map(|callback| callback.rules);
        let entry = interaction.entry_mut(nth);
        entry.attempts += 1;
        let Entry { queue, queue_slot, attempts: attempt, .. } = *entry;
        let step = entry.step_in(&self.queues[queue_slot]);
        self.count(queue_slot, |counters| counters.reservations += 1);

        // Whom an interaction wants by name has had no turn.
        if choice.wanted.is_none() {
            self.had_a_turn(queue_slot, choice.agent);
        }
        let entry = &self.queues[queue_slot];
        let QueueSettings { strategy, channel, .. } = entry.state.settings;
        let (callback, phase, length) = first_phase(callback, entry.state.settings.ring_timeout);
        let deadline = now + length;
        let still_waiting = entry.lines.len;
        let Choice { bucket, eligible, runners_up, wanted, .. } = *choice;
        let reserve = entry.state.settings.reserve(&self.profiles.at(profile).skills);
        let preference = (!entry.state.settings.prefer.is_empty()).then_some(bucket);
        let decision = Decision {
            beside,
            step,
            own_requirement,
            wanted,
            strategy,
            preference,
            reserve,
            selection,
            eligible,
            runners_up,
            still_waiting,
        };
        let alarm = Alarm::Single(deadline, Deadline::Reservation(reservation));
        let timer = self.deadlines.schedule(deadline, alarm);
        let state = ReservationState { interaction: id, agent, queue, since: now, deadline, phase };
        let held = Reservation::new(reservation, state, (slot, choice.agent), timer);
        let held = self.reservations.insert(held);
        self.link(slot, held);
        self.stand_ringing(slot);
        self.follow_callback(slot);
        let reserved = Event::Reserved {
            reservation,
            interaction: id,
            agent,
            queue,
            deadline,
            waited,
            age,
            attempt,
            callback,
            decision,
        };
        self.emit_in(Some(queue_slot), reserved);
        let stage = WorkStage::Reserved { reservation, since: now };
        self.take_in_hand(choice.agent, Work { interaction: id, queue, channel, stage });
    }

    /// An agent was chosen by the strategy of a queue.
    fn had_a_turn(&mut self, queue: Slot<Queue>, agent: Slot<Agent>) {
        let Agent { id, ref state, .. } = self.agents[agent];
        let queue = &mut self.queues[queue].state;
        match queue.settings.strategy {
            Strategy::RoundRobin => queue.last_chosen = Some((state.settings.order, id)),
            Strategy::WeightedRandom => self.lots.reach(state.lot),
            Strategy::LongestIdle(_)
            | Strategy::MostSkilled
            | Strategy::LeastSkilled
            | Strategy::FewestHandled
            | Strategy::LeastOccupied
            | Strategy::TopDown => {}
        }
    }

    /// Whoever takes several at once may take another by the same change.
    fn take_in_hand(&mut self, slot: Slot<Agent>, work: Work) {
        self.change_agent_in_hand(slot, ReadyClock::Goes, |agent| {
            agent.works.push(work);
            agent.offered_at = work.since();
        });
        self.enlist(slot);
    }
}
