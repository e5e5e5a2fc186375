//! Contact surplus: which of those who wait is the next of an agent who is free.
//!
//! Within a queue everybody goes by place, so that the first of each line is all that an agent looks at; what the
//! selection weighs against each other is queues. Only [`Selection::LateLast`] may look behind the first, because
//! who is late stands before who is not: it finds the first who is in time by the express lanes of the line.

use super::entry::{Nth, Spot};
use super::profile::Serves;
use super::{Agent, Distributor, Front, Queue};
use crate::line::{Key, Line, Node};
use crate::state::{AgentState, Place};
use crate::table::Slot;
use crate::{Channels, Selection, requirement};

/// Who goes first of those who are wanted, and by which entry: the lower band, then the smaller place, then the order of
/// the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    pub(crate) band: u8,
    pub(crate) spot: Spot,
}

/// How an agent compares two who wait: the smaller, the sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Appeal {
    band: u8,
    need: i128,
    place: Place,
    nth: Nth,
}

/// Somebody who waits, with how an agent compares.
type Wish = (Appeal, Turn);

/// What the queues that an agent serves have together.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    waiting: u64,
    ratio: u64,
}

impl Distributor {
    /// How an agent selects.
    pub(super) fn selection_of(&self, agent: &AgentState) -> Selection {
        agent.settings.selection.unwrap_or(self.settings.selection)
    }

    /// An agent has come (or gone) who selects so.
    pub(super) fn count_selection(&mut self, selection: Selection, is_here: bool) {
        if selection != Selection::Oldest {
            self.selecting = if is_here { self.selecting + 1 } else { self.selecting - 1 };
        }
    }

    /// The waiting interaction, over all queues, that an available agent takes next.
    ///
    /// This is the one place that decides contact surplus.
    pub(super) fn first_for(&self, slot: Slot<Agent>) -> Option<Turn> {
        let agent = self.agents.get(slot)?;
        let open = agent.state.open(&self.settings.interruptions);
        if open.is_empty() {
            return None;
        }
        match self.selection_of(&agent.state) {
            Selection::Oldest if self.wanted.is_empty() => self.oldest_for(agent, open),
            Selection::Oldest => {
                let oldest = self.oldest_for(agent, open);
                oldest.into_iter().chain(self.oldest_wanting(agent, open)).min()
            }
            selection @ (Selection::EarliestDue
            | Selection::SkillLevel
            | Selection::Weight
            | Selection::QueueRatio
            | Selection::PercentAllocation
            | Selection::LateLast { .. }) => self.first_by(selection, agent, open),
        }
    }

    fn oldest_for(&self, agent: &Agent, open: Channels) -> Option<Turn> {
        let mut best: Option<Turn> = None;
        let serves = &self.profiles.at(agent.profile).serves;
        for serves in serves.iter().filter(|serves| open.meets(serves.channel)) {
            let front = &self.fronts[serves.queue.number() as usize];
            if serves.reserve > front.reserves_open {
                continue;
            }
            let mut steps = serves.steps & front.open;
            while steps != 0 {
                best = sooner(best, front.turn(front.heads[steps.trailing_zeros() as usize]));
                steps &= steps - 1;
            }
            if front.has_own {
                best = self.first_own_for(agent, *serves).map_or(best, |own| sooner(best, front.turn(own)));
            }
        }
        if best.is_none_or(|best| !self.excludes(best.spot, agent)) {
            return best;
        }
        let allowed = |serves: &Serves| {
            let front = &self.fronts[serves.queue.number() as usize];
            if serves.reserve > front.reserves_open {
                return None;
            }
            self.first_allowed_of(agent, *serves).map(|spot| front.turn(spot))
        };
        serves.iter().filter(|serves| open.meets(serves.channel)).filter_map(allowed).min()
    }

    /// By any selection but the usual one.
    fn first_by(&self, selection: Selection, agent: &Agent, open: Channels) -> Option<Turn> {
        let serves = &self.profiles.at(agent.profile).serves;
        let mut sums = Sums::default();
        if selection == Selection::QueueRatio {
            for serves in serves {
                let front = &self.fronts[serves.queue.number() as usize];
                if serves.reserve <= front.reserves_open {
                    sums.waiting += u64::from(front.waiting);
                    sums.ratio += u64::from(front.ratio);
                }
            }
        }
        let mut best: Option<Wish> = None;
        for serves in serves {
            let front = &self.fronts[serves.queue.number() as usize];
            let is_closed = serves.reserve > front.reserves_open;
            if front.waiting == 0 || is_closed || !open.meets(serves.channel) {
                continue;
            }
            let wish = match selection {
                Selection::LateLast { guard } => {
                    self.first_of_late_last(agent, *serves, front, micros(guard))
                }
                Selection::Oldest
                | Selection::EarliestDue
                | Selection::SkillLevel
                | Selection::Weight
                | Selection::QueueRatio
                | Selection::PercentAllocation => self.first_of(agent, *serves, front).map(|spot| {
                    let Spot { place, nth, .. } = spot;
                    let from = (serves.queue, serves.score);
                    let need = self.need(selection, agent, from, front, place, sums);
                    (Appeal { band: front.band, need, place, nth }, front.turn(spot))
                }),
            };
            best = best.into_iter().chain(wish).min();
        }
        if !self.wanted.is_empty() {
            best = best.into_iter().chain(self.first_wanting(selection, agent, open, sums)).min();
        }
        best.map(|(_, turn)| turn)
    }

    /// The first of those who want the agent by name.
    fn oldest_wanting(&self, agent: &Agent, open: Channels) -> Option<Turn> {
        let first = |(queue, line): (Slot<Queue>, &Line)| {
            let (spot, _) = self.able_in(line, agent).next()?;
            Some(self.fronts[queue.number() as usize].turn(spot))
        };
        self.wanting(agent, open).filter_map(first).min()
    }

    /// The lines of those who want the agent by name, of queues of these channels.
    fn wanting(&self, agent: &Agent, open: Channels) -> impl Iterator<Item = (Slot<Queue>, &Line)> {
        let channel = |queue: Slot<Queue>| self.queues[queue].state.settings.channel;
        self.wanted.of(agent.id).filter(move |&(queue, _)| open.contains(channel(queue)))
    }

    /// The same by any selection but the usual one.
    fn first_wanting(&self, selection: Selection, agent: &Agent, open: Channels, sums: Sums) -> Option<Wish> {
        let first = |(queue, line): (Slot<Queue>, &Line)| {
            let front = &self.fronts[queue.number() as usize];
            let mut able = self.able_in(line, agent);
            match selection {
                Selection::LateLast { guard } => able
                    .map(|(spot, entered)| {
                        (self.appeal_of_late_last(entered, spot, front, micros(guard)), front.turn(spot))
                    })
                    .min(),
                Selection::Oldest
                | Selection::EarliestDue
                | Selection::SkillLevel
                | Selection::Weight
                | Selection::QueueRatio
                | Selection::PercentAllocation => able.next().map(|(spot, _)| {
                    let Spot { place, nth, .. } = spot;
                    let skills = &self.profiles.at(agent.profile).skills;
                    let score = requirement::score(&self.queues[queue].wanted, skills);
                    let need = self.need(selection, agent, (queue, score), front, place, sums);
                    (Appeal { band: front.band, need, place, nth }, front.turn(spot))
                }),
            }
        };
        self.wanting(agent, open).filter_map(first).min()
    }

    /// How much one that is first in its queue needs this agent, compared with the firsts of other queues; the
    /// smaller, the more.
    fn need(
        &self,
        selection: Selection,
        agent: &Agent,
        (queue, score): (Slot<Queue>, u32),
        front: &Front,
        place: Place,
        sums: Sums,
    ) -> i128 {
        match selection {
            Selection::Oldest | Selection::LateLast { .. } => 0,
            Selection::PercentAllocation => agent.state.above_share(self.queues[queue].id),
            Selection::EarliestDue => i128::from(place.key) + i128::from(front.objective),
            Selection::SkillLevel => -i128::from(front.level(score)),
            Selection::Weight => {
                let age = i128::from(self.now.as_micros()) - i128::from(place.key);
                -(age.max(0) * i128::from(front.weight))
            }
            // Both sides times the sum of the ratios, so that no share is rounded.
            Selection::QueueRatio => {
                i128::from(front.ratio) * i128::from(sums.waiting)
                    - i128::from(front.waiting) * i128::from(sums.ratio)
            }
        }
    }

    /// The first by place in one queue whom an agent could take.
    fn first_of(&self, agent: &Agent, serves: Serves, front: &Front) -> Option<Spot> {
        let mut best: Option<Spot> = None;
        let mut steps = serves.steps & front.open;
        while steps != 0 {
            let head = front.heads[steps.trailing_zeros() as usize];
            best = Some(best.map_or(head, |best| best.min(head)));
            steps &= steps - 1;
        }
        if front.has_own {
            best = best.into_iter().chain(self.first_own_for(agent, serves)).min();
        }
        match best {
            Some(spot) if self.excludes(spot, agent) => self.first_allowed_of(agent, serves),
            Some(_) | None => best,
        }
    }

    /// The same with a look behind the heads, for an agent who declined the first.
    fn first_allowed_of(&self, agent: &Agent, serves: Serves) -> Option<Spot> {
        let plain = (0u8..).zip(&self.queues[serves.queue].lines.plain);
        let plain = plain.filter(|&(step, _)| serves.step(step));
        let plain = plain.filter_map(|(_, line)| self.first_allowed(line, agent));
        plain.chain(self.first_own_for(agent, serves)).min()
    }

    /// The first in a queue of those who have an own requirement that an agent meets.
    fn first_own_for(&self, agent: &Agent, serves: Serves) -> Option<Spot> {
        let skills = &self.profiles.at(agent.profile).skills;
        let own = self.queues[serves.queue].lines.own.iter();
        let own = own.filter(|&(&(own, step), _)| {
            serves.step(step) && self.own_requirements.at(own).is_met_by(skills)
        });
        own.filter_map(|(_, line)| self.first_allowed(line, agent)).min()
    }

    fn first_allowed(&self, line: &Line, agent: &Agent) -> Option<Spot> {
        let spots = self.lines.iter(line).map(|node| self.lines.spot(node));
        spots.into_iter().find(|&spot| !self.excludes(spot, agent))
    }

    fn excludes(&self, spot: Spot, agent: &Agent) -> bool {
        self.interactions[spot.slot].exclusion(agent.id).is_some()
    }

    /// The first in one queue by [`Selection::LateLast`].
    fn first_of_late_last(&self, agent: &Agent, serves: Serves, front: &Front, guard: u64) -> Option<Wish> {
        let entries = (0u8..).zip(&self.queues[serves.queue].lines.entries);
        let entries = entries.filter(|&(step, aging)| serves.step(step) && !aging.line.is_empty());
        entries.filter_map(|(_, aging)| self.first_in_time(agent, &aging.line, front, guard)).min()
    }

    /// The first in a line that is in order of entry: who has waited for as long as the guard, else the first who is
    /// in time, else the first.
    fn first_in_time(&self, agent: &Agent, line: &Line, front: &Front, guard: u64) -> Option<Wish> {
        let now = self.now.as_micros();
        let first = self.first_able(agent, line.head())?;
        let entered = self.lines.key(first).major;
        let waited = now - entered;
        let node = if waited >= guard || waited <= front.objective {
            first
        } else {
            let last_late = Key { major: now - front.objective - 1, minor: u64::MAX, last: u32::MAX };
            self.first_able(agent, self.lines.after(line, last_late)).unwrap_or(first)
        };
        let Key { major: entered, last, .. } = self.lines.key(node);
        let slot = Slot::new(self.lines.item(node));
        let spot = self.interactions[slot].spot(slot, Nth::from_number(last));
        Some((self.appeal_of_late_last(entered, spot, front, guard), front.turn(spot)))
    }

    /// By [`Selection::LateLast`]: who has waited for as long as the guard, by entry; who is in time, by the end of
    /// that; the others, by it.
    fn appeal_of_late_last(&self, entered: u64, spot: Spot, front: &Front, guard: u64) -> Appeal {
        let waited = self.now.as_micros() - entered;
        let (class, time) = if waited >= guard {
            (0, entered)
        } else {
            (if waited <= front.objective { 1 } else { 2 }, entered.saturating_add(front.objective))
        };
        let need = (i128::from(class) << 64) + i128::from(time);
        let id_alone = Place { key: 0, interaction: spot.place.interaction };
        Appeal { band: front.band, need, place: id_alone, nth: spot.nth }
    }

    /// The first from here on in a line by entry whom an agent could take.
    fn first_able(&self, agent: &Agent, from: Option<Node>) -> Option<Node> {
        std::iter::successors(from, |&node| self.lines.next(node)).find(|&node| {
            let interaction = &self.interactions[Slot::new(self.lines.item(node))];
            let nth = Nth::from_number(self.lines.key(node).last);
            interaction.by_name(nth).is_none()
                && interaction.exclusion(agent.id).is_none()
                && self.accepts(interaction, agent)
        })
    }
}

fn sooner(best: Option<Turn>, turn: Turn) -> Option<Turn> {
    Some(best.map_or(turn, |best| best.min(turn)))
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
