//! What the estimators of the queues hear and are asked.

use std::time::Duration;

use timing::Instant;

use super::entry::{Entry, Nth, Spot};
use super::profile::Profile;
use super::{Agent, Distributor, Interaction, Queue};
use crate::estimate::{Estimate, Line, NoEstimate, Promise, Staff};
use crate::line::Node;
use crate::table::Slot;
use crate::{Event, InteractionId, QueueId};

impl Distributor {
    /// How long somebody without priority would wait who entered a queue now; `None` where it is not defined.
    pub fn estimate(&self, now: Instant, queue: QueueId) -> Option<Result<Estimate, NoEstimate>> {
        self.queues.by_id(queue).map(|queue| self.estimate_of(now, queue))
    }

    pub(super) fn estimate_of(&self, now: Instant, queue: &Queue) -> Result<Estimate, NoEstimate> {
        self.estimate_without(now, queue, None)
    }

    /// The same as if one of those who wait there were not there.
    pub(super) fn estimate_without(
        &self,
        now: Instant,
        queue: &Queue,
        except: Option<&Entry>,
    ) -> Result<Estimate, NoEstimate> {
        let (step, _) = queue.step_at(0, now, now);
        let is_free = self.sources(queue, step, queue.state.reserves_open).next().is_some();
        // Where an idle agent could take a newcomer, nobody who waits could be taken by that agent.
        let line = Line {
            ahead: if is_free { 0 } else { queue.lines.len - u32::from(except.is_some()) },
            available: u32::from(is_free),
            head: self
                .first_plain_but(queue, except.map(|entry| entry.node))
                .and_then(|spot| self.promise_of(spot)),
        };
        queue.state.estimator.estimate(now.max(self.now), &line)
    }

    /// How long an interaction waits from now on, by its place; `None` where it is not here or does not wait in line. Of
    /// one that waits in several queues the shortest estimate counts, and where none of them has a number, what the
    /// first says. Costs a walk along those ahead.
    pub fn estimate_for(
        &self,
        now: Instant,
        interaction: InteractionId,
    ) -> Option<Result<Estimate, NoEstimate>> {
        let slot = self.interactions.slot(interaction).filter(|&slot| self.waits(slot))?;
        // Who waits for agents by name does not wait in line.
        let is_in_line = |&nth: &Nth| self.interactions[slot].by_name(nth).is_none();
        let estimates =
            self.interactions[slot].standing.filter(is_in_line).map(|nth| self.estimate_in(now, slot, nth));
        estimates.min_by_key(|estimate| estimate.as_ref().map_or(Duration::MAX, |estimate| estimate.wait))
    }

    fn estimate_in(&self, now: Instant, slot: Slot<Interaction>, nth: Nth) -> Result<Estimate, NoEstimate> {
        let interaction = &self.interactions[slot];
        let queue = &self.queues[interaction.entry(nth).queue_slot];
        let place = interaction.place();
        let ahead =
            |line| self.lines.iter(line).take_while(|&node| self.lines.spot(node).place < place).count();
        let ahead: usize = queue.lines.all().map(ahead).sum();
        let line = Line {
            ahead: u32::try_from(ahead).expect("the bound of waiting is a u32"),
            available: 0,
            head: self.first_plain(queue).and_then(|spot| self.promise_of(spot)),
        };
        queue.state.estimator.estimate(now.max(self.now), &line)
    }

    /// Says that an interaction is answered by an entry; the queue's estimator hears what it was promised there.
    pub(super) fn emit_answer(&mut self, slot: Slot<Interaction>, nth: Nth, event: Event) {
        let entry = self.interactions[slot].entry_mut(nth);
        let promise = entry.promise.take();
        self.queues[entry.queue_slot].state.estimator.hear(self.now, &event, promise.as_ref());
        self.events.push_back(event);
    }

    /// Whoever has entered a queue and has to wait there is promised something. It is compared later only for those who
    /// come to the end of the line and want no more than the queue asks for: of the others nobody can say cheaply who is
    /// ahead.
    pub(super) fn make_promise(&mut self, slot: Slot<Interaction>, nth: Nth) {
        if !self.waits(slot) {
            return;
        }
        let interaction = &self.interactions[slot];
        let (spot, queue) = (interaction.spot(slot, nth), &self.queues[interaction.entry(nth).queue_slot]);
        let tails = queue.lines.plain.iter().filter_map(crate::line::Line::tail);
        let is_last = tails.map(|node| self.lines.spot(node)).max() == Some(spot);
        let line = (is_last && interaction.requirement.is_none()).then(|| Line {
            ahead: queue.lines.len - 1,
            available: 0,
            head: self
                .first_plain(queue)
                .filter(|&first| first != spot)
                .and_then(|first| self.promise_of(first)),
        });
        let promise = queue.state.estimator.promise(self.now, line.as_ref());
        self.interactions[slot].entry_mut(nth).promise = Some(promise);
    }

    /// Whoever waits now and was reserved at once before has no promise yet.
    pub(super) fn begin_promise(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let entry = self.interactions[slot].entry(nth);
        if entry.promise.is_none() {
            let promise = self.queues[entry.queue_slot].state.estimator.promise(self.now, None);
            self.interactions[slot].entry_mut(nth).promise = Some(promise);
        }
    }

    fn promise_of(&self, Spot { slot, nth, .. }: Spot) -> Option<Promise> {
        self.interactions[slot].entry(nth).promise
    }

    /// The first in line of those who want no more than the queue asks for.
    fn first_plain(&self, queue: &Queue) -> Option<Spot> {
        self.first_plain_but(queue, None)
    }

    /// The same without the one that stands there.
    fn first_plain_but(&self, queue: &Queue, except: Option<Node>) -> Option<Spot> {
        let firsts = queue.lines.plain.iter().filter_map(|line| self.lines.head_but(line, except));
        firsts.map(|node| self.lines.spot(node)).min()
    }

    /// Counts an agent in or out of those who take work, in all queues that the agent serves.
    pub(super) fn count_working(&mut self, slot: Slot<Agent>, takes_work: bool) {
        let profile = self.profiles.at_mut(self.agents[slot].profile);
        let add = |count: &mut u32, places: u32| {
            if takes_work { *count += places } else { *count -= places }
        };
        add(&mut profile.working, 1);
        let is_shared = profile.serves.len() > 1;
        for serves in &profile.serves {
            let queue = &mut self.queues[serves.queue];
            add(&mut queue.working, 1);
            add(&mut queue.places, serves.places.into());
            if is_shared {
                add(&mut queue.shared, serves.places.into());
            }
            self.unsettled.estimates.push(queue.id);
        }
    }

    /// The agents of a profile serve one queue more, the last in its list.
    pub(super) fn count_working_for(&mut self, profile: Slot<Profile>) {
        let Profile { working, ref serves, .. } = *self.profiles.at(profile);
        if working == 0 {
            return;
        }
        if let Some(last) = serves.last() {
            let queue = &mut self.queues[last.queue];
            queue.working += working;
            queue.places += working * u32::from(last.places);
        }
        // With the second queue those of the first are shared, too.
        let newly_shared = match serves.as_slice() {
            [] | [_] => &[],
            both @ [_, _] => both,
            [.., last] => std::slice::from_ref(last),
        };
        for serves in newly_shared {
            self.queues[serves.queue].shared += working * u32::from(serves.places);
        }
        for serves in serves {
            self.unsettled.estimates.push(self.queues[serves.queue].id);
        }
    }

    /// The agents of a profile have ceased to serve a queue whose counts begin anew; where one other is left, they are
    /// its alone.
    pub(super) fn count_working_alone(&mut self, profile: Slot<Profile>) {
        let Profile { working, ref serves, .. } = *self.profiles.at(profile);
        if let [only] = serves.as_slice() {
            self.queues[only.queue].shared -= working * u32::from(only.places);
            self.unsettled.estimates.push(self.queues[only.queue].id);
        }
    }

    /// Tells the estimators which agents their queues have now.
    pub(super) fn settle_estimates(&mut self) {
        let mut changed = super::sorted(std::mem::take(&mut self.unsettled.estimates));
        for id in changed.drain(..) {
            if let Some(slot) = self.queues.slot(id) {
                let Queue { staff_any: logged_in, places, shared, .. } = self.queues[slot];
                let staff = Staff { logged_in, working: places, shared };
                self.queues[slot].state.estimator.staffed(self.now, staff);
            }
        }
        self.unsettled.estimates = changed;
    }
}
