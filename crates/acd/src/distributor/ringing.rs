//! All the agents who are rung for one interaction: the first who accepts has it, the others are let go.
//!
//! The reservations of an interaction hang together in the order in which they were made, so that an interaction, of
//! which a million may wait, needs to know the first alone.
//!
//! Beside the first, agents are taken only when everything else has come to rest: whoever is idle then is needed by
//! nobody who waits. As with those who wait, nothing could be joined before a change, so that only the agents and the
//! ringing that a change set free need to be looked at.

use std::time::Duration;

use timing::Instant;

use super::agent::ReadyClock;
use super::entry::{Entry, Nth};
use super::matching::Choice;
use super::selection::Turn;
use super::waiting::place_key;
use super::{Agent, Alarm, Distributor, Interaction, Queue, Reservation};
use crate::line::{Key, Node};
use crate::state::{Phase, ReservationState, Stage};
use crate::table::Slot;
use crate::{AgentId, InteractionId, ReservationEnd, ReservationId, Ring};

/// Where an interaction for which agents are rung stands in the lines of its queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct RingPlaces {
    /// Among those for whom more may be rung.
    with_room: Node,
    /// Among those for whom more may be rung later.
    widening: Node,
}

impl RingPlaces {
    pub(super) const NOWHERE: RingPlaces = RingPlaces { with_room: Node::NOWHERE, widening: Node::NOWHERE };
}

impl Entry {
    /// The step whose requirement counts: that at which it was first reserved, or the last one where the rules have
    /// fewer since.
    pub(super) fn step_in(&self, queue: &Queue) -> u8 {
        let last = queue.state.settings.steps.len();
        self.step.min(u8::try_from(last).expect("there are at most STEPS_MAX steps"))
    }
}

/// An agent who was rung, and by which reservation.
pub(crate) type Held = (Slot<Agent>, ReservationId);

impl Distributor {
    /// The entry by which agents are rung for an interaction: they all are by one.
    fn rung_by(&self, slot: Slot<Interaction>) -> Nth {
        let interaction = &self.interactions[slot];
        let queue = self.reservations[interaction.first_reservation()].state.queue;
        interaction.nth_in(queue).expect("it stands in the queue that it is reserved in")
    }

    /// The queue of that entry.
    fn ringing_queue(&self, slot: Slot<Interaction>) -> Slot<Queue> {
        self.interactions[slot].entry(self.rung_by(slot)).queue_slot
    }

    /// How many agents are rung for an interaction by the queue of an entry: one after the other for a callback,
    /// because the customer is one, and for who wants agents by name.
    fn ring_of(&self, slot: Slot<Interaction>, nth: Nth) -> Ring {
        let interaction = &self.interactions[slot];
        let entry = interaction.entry(nth);
        if interaction.rare.callback().is_some() || interaction.by_name(nth).is_some() {
            return Ring::default();
        }
        self.queues[entry.queue_slot].state.settings.ring
    }

    /// When more agents may be rung for an interaction.
    pub(super) fn widens_at(&self, id: InteractionId) -> Option<Instant> {
        let slot = self.interactions.slot(id)?;
        match self.interactions[slot].stage() {
            Stage::Waiting | Stage::Resting { .. } | Stage::Handling { .. } => None,
            Stage::Reserved { since, most } => {
                let ring = self.ring_of(slot, self.rung_by(slot));
                Some(since + ring.widens_after(most)?)
            }
        }
    }

    /// More agents may be rung for an interaction, or other rules say how many.
    pub(super) fn widen(&mut self, slot: Slot<Interaction>) {
        self.stand_down_from_ringing(slot);
        let ring = self.ring_of(slot, self.rung_by(slot));
        let interaction = &mut self.interactions[slot];
        match interaction.stage() {
            Stage::Reserved { since, .. } => interaction.ring_at_most(ring.most_after(self.now - since)),
            Stage::Waiting | Stage::Resting { .. } | Stage::Handling { .. } => {
                unreachable!("only what is rung for is widened")
            }
        }
        self.stand_ringing(slot);
    }

    /// Whether one agent more may be rung for an interaction.
    fn has_room(&self, slot: Slot<Interaction>) -> bool {
        match self.interactions[slot].stage() {
            Stage::Reserved { most, .. } => self.rung(slot) < most,
            Stage::Waiting | Stage::Resting { .. } | Stage::Handling { .. } => false,
        }
    }

    /// Puts an interaction for which agents are rung where it is found when there are more agents, or more may be rung.
    pub(super) fn stand_ringing(&mut self, slot: Slot<Interaction>) {
        let id = self.interactions[slot].id;
        let Stage::Reserved { since, most } = self.interactions[slot].stage() else { return };
        let nth = self.rung_by(slot);
        let spot = self.interactions[slot].spot(slot, nth);
        let queue_slot = self.interactions[slot].entry(nth).queue_slot;
        let ring = self.ring_of(slot, nth);
        if most.max(ring.most) == 1 {
            return;
        }
        let has_room = self.has_room(slot);
        let mut places = RingPlaces::NOWHERE;
        let queue = &mut self.queues[queue_slot];
        if let Some(after) = ring.widens_after(most) {
            let at = since + after;
            let key = Key { major: at.as_micros(), minor: id.0, last: 0 };
            places.widening = self.lines.insert(&mut queue.lines.widening.line, key, slot.number());
            queue.lines.widening.wake(&mut self.deadlines, at, Alarm::Widening(queue.id));
        }
        if has_room {
            self.with_room += 1;
            places.with_room = self.lines.insert(&mut queue.lines.with_room, place_key(spot), slot.number());
            let turn = self.fronts[queue_slot.number() as usize].turn(spot);
            self.unsettled.with_room.push(turn);
        }
        let first = self.interactions[slot].first_reservation();
        self.reservations[first].places = places;
    }

    /// Takes it out of there: before whatever decides where it stands is changed.
    pub(super) fn stand_down_from_ringing(&mut self, slot: Slot<Interaction>) {
        let first = self.interactions[slot].first_reservation();
        let places = std::mem::replace(&mut self.reservations[first].places, RingPlaces::NOWHERE);
        if places.with_room == Node::NOWHERE && places.widening == Node::NOWHERE {
            return;
        }
        let queue = self.ringing_queue(slot);
        if places.with_room != Node::NOWHERE {
            self.with_room -= 1;
            self.lines.remove(&mut self.queues[queue].lines.with_room, places.with_room);
        }
        if places.widening != Node::NOWHERE {
            let widening = &mut self.queues[queue].lines.widening;
            self.lines.remove(&mut widening.line, places.widening);
            widening.rest_if_empty(&mut self.deadlines);
        }
    }

    /// Everybody for whom agents are rung by a queue.
    pub(super) fn rung_in(&self, queue: Slot<Queue>) -> Vec<Slot<Interaction>> {
        let id = self.queues[queue].id;
        let held = self.reservations.iter().map(|(_, held)| held).filter(|held| held.state.queue == id);
        let mut here: Vec<_> = held.map(|held| held.interaction).collect();
        here.sort_unstable();
        here.dedup();
        here
    }

    /// Rings agents whom nobody who waits needs beside those who are rung already: the first by band and place of all
    /// interactions that have room and find somebody, again and again.
    pub(super) fn join_ringing(&mut self) {
        let mut freed = super::sorted(std::mem::take(&mut self.unsettled.joiners));
        let mut upset = super::sorted(std::mem::take(&mut self.unsettled.with_room));
        if self.with_room > 0 {
            self.join_in_turn(&freed, &upset);
            // What they have room for still they had before, and nobody for it.
            self.unsettled.with_room.clear();
        }
        freed.clear();
        upset.clear();
        (self.unsettled.joiners, self.unsettled.with_room) = (freed, upset);
    }

    fn join_in_turn(&mut self, freed: &[Slot<Agent>], upset: &[Turn]) {
        let mut hopes = self.take_hopes();
        hopes.extend(freed.iter().filter_map(|&agent| Some((self.first_with_room_for(agent)?, agent))));
        let mut upset = upset.iter().copied().peekable();
        loop {
            let hope = hopes.best(|agent| self.first_with_room_for(agent));
            let upset_first = upset.peek().copied();
            let Some(turn) = hope.into_iter().chain(upset_first).min() else { break };
            match self.choose_beside(turn) {
                Some((slot, choice)) => {
                    self.hold(slot, turn.spot.nth, &choice);
                    hopes.matched();
                }
                // Nobody for it, or no more room: whoever set hopes on it looks again.
                None => drop(upset.next_if_eq(&turn)),
            }
        }
        self.keep_hopes(hopes);
    }

    /// The first, over all queues, of those who have room for an agent who is idle.
    fn first_with_room_for(&self, slot: Slot<Agent>) -> Option<Turn> {
        let agent = self.agents.get(slot).filter(|agent| agent.is_listed)?;
        let open = agent.state.open(&self.settings.interruptions);
        let serves = self.profiles.at(agent.profile).serves.iter();
        let firsts = serves.filter(|serves| open.meets(serves.channel)).filter_map(|serves| {
            let queue = &self.queues[serves.queue];
            let front = &self.fronts[serves.queue.number() as usize];
            if serves.reserve > front.reserves_open {
                return None;
            }
            let standing = self.lines.iter(&queue.lines.with_room);
            let first = standing.into_iter().find(|&node| {
                let rung = Slot::new(self.lines.item(node));
                let interaction = &self.interactions[rung];
                serves.step(interaction.entry(self.rung_by(rung)).step_in(queue))
                    && self.could_take(interaction, agent)
                    && !self.is_rung(rung, agent.id)
                    && !self.is_time_to_look(rung)
            })?;
            Some(front.turn(self.lines.spot(first)))
        });
        firsts.min()
    }

    /// Whether nobody joins those who are rung, because something by which the interaction may leave has to be looked at
    /// first: so the last of them bounds it, however many phones there are that nobody answers.
    fn is_time_to_look(&self, slot: Slot<Interaction>) -> bool {
        let Entry { queue_slot, entered, overdue, overflows_seen, .. } =
            *self.interactions[slot].entry(self.rung_by(slot));
        self.queues[queue_slot].state.is_time_to_look(entered, overdue, overflows_seen, self.now)
    }

    /// More may join again those who are rung by a queue.
    pub(super) fn upset_ringing(&mut self, slot: Slot<Queue>) {
        let front = &self.fronts[slot.number() as usize];
        let standing = self.lines.iter(&self.queues[slot].lines.with_room);
        let turns = standing.into_iter().map(|node| front.turn(self.lines.spot(node)));
        self.unsettled.with_room.extend(turns);
    }

    /// Whether an agent is rung for an interaction.
    fn is_rung(&self, slot: Slot<Interaction>, agent: AgentId) -> bool {
        self.reservations_of(slot).any(|held| self.reservations[held].state.agent == agent)
    }

    /// The agent to ring beside others, if there is room and one.
    fn choose_beside(&mut self, turn: Turn) -> Option<(Slot<Interaction>, Choice)> {
        let slot = self.who_has(turn.spot).filter(|&slot| self.has_room(slot))?;
        if self.rung_by(slot) != turn.spot.nth || self.is_time_to_look(slot) {
            return None;
        }
        let choice =
            self.choose_asked(slot, turn.spot.nth, |all, agent| !all.is_rung(slot, all.agents[agent].id))?;
        Some((slot, choice))
    }

    /// The reservations of an interaction, in the order in which they were made.
    pub(crate) fn reservations_of(
        &self,
        slot: Slot<Interaction>,
    ) -> impl Iterator<Item = Slot<Reservation>> + '_ {
        let mut next = self.interactions[slot].first_reservation();
        std::iter::from_fn(move || {
            let this = next;
            next = self.reservations.get(this)?.next;
            Some(this)
        })
    }

    /// How many agents are rung for an interaction.
    pub(super) fn rung(&self, slot: Slot<Interaction>) -> u8 {
        u8::try_from(self.reservations_of(slot).count()).expect("the bound of agents rung at once is a u8")
    }

    /// One agent more is held for an interaction. How many are already.
    pub(super) fn begin_or_go_on_ringing(&mut self, slot: Slot<Interaction>, nth: Nth) -> u8 {
        let ring = self.ring_of(slot, nth);
        let interaction = &mut self.interactions[slot];
        match interaction.stage() {
            Stage::Waiting => {
                let most = ring.most_after(Duration::ZERO);
                interaction.enter_stage(Stage::Reserved { since: self.now, most });
                self.queues[interaction.entry(nth).queue_slot].reserved += 1;
                for other in interaction.standing.but(nth) {
                    self.queues[interaction.entry(other).queue_slot].elsewhere += 1;
                }
                if self.own_pairs > 0 && interaction.requirement.is_some() {
                    self.begin_reserved_with_own(slot);
                }
                0
            }
            Stage::Reserved { .. } => {
                self.stand_down_from_ringing(slot);
                self.rung(slot)
            }
            Stage::Resting { .. } | Stage::Handling { .. } => {
                unreachable!("nobody is rung for what is answered")
            }
        }
    }

    /// The newest of an interaction's reservations.
    pub(super) fn link(&mut self, interaction: Slot<Interaction>, reservation: Slot<Reservation>) {
        let last = self.reservations_of(interaction).last();
        match last {
            None => self.interactions[interaction].begin_reservations_with(reservation),
            Some(last) => self.reservations[last].next = reservation,
        }
    }

    pub(super) fn unlink(&mut self, interaction: Slot<Interaction>, reservation: Slot<Reservation>) {
        let next = self.reservations[reservation].next;
        let before = self.reservations_of(interaction).take_while(|&other| other != reservation).last();
        match before {
            None => self.interactions[interaction].begin_reservations_with(next),
            Some(before) => self.reservations[before].next = next,
        }
    }

    /// Ends all reservations that an interaction still has, none of them by a fault of its agent. The agents are the
    /// caller's to set free, once it is said what became of the interaction.
    pub(super) fn end_all(&mut self, slot: Slot<Interaction>, cause: ReservationEnd) -> Vec<Held> {
        let mut let_go = std::mem::take(&mut self.let_go);
        while self.reservations.get(self.interactions[slot].first_reservation()).is_some() {
            let first = self.interactions[slot].first_reservation();
            let ended = self.end_reservation(first, cause);
            let_go.push((ended.agent, ended.id));
        }
        let_go
    }

    /// The agents are as if the reservations had not been, except for the clock of the last offer.
    pub(super) fn free_without_fault(&mut self, mut let_go: Vec<Held>) {
        let now = self.now;
        for (slot, reservation) in let_go.drain(..) {
            self.change_agent(slot, ReadyClock::Goes, |agent| {
                agent.lay_down(now, |work| work.reservation() == Some(reservation));
            });
        }
        self.let_go = let_go;
    }

    /// An interaction has lost an agent who was rung for it: where that was the last one, it waits again; otherwise
    /// there is room for another one, whom the step of its age admits.
    /// A callback rests whose customer was being called for the agent: the phone shall not ring again and again.
    pub(super) fn go_on_without(&mut self, slot: Slot<Interaction>, ended: &ReservationState) {
        match self.interactions[slot].stage() {
            Stage::Waiting => {
                let is_pending = self.interactions[slot].pending_callback().is_some();
                match ended.phase {
                    Phase::Calling | Phase::Alerting if is_pending => {
                        self.rest_after_call(slot, ended.phase == Phase::Alerting);
                    }
                    Phase::Ringing | Phase::Calling | Phase::Alerting => self.wait_again(slot, ended.queue),
                }
            }
            Stage::Reserved { .. } => {
                self.follow_age(slot, self.rung_by(slot));
                self.stand_ringing(slot);
            }
            Stage::Resting { .. } | Stage::Handling { .. } => {
                unreachable!("who is answered is rung for no more")
            }
        }
    }
}
