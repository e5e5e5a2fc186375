//! Reserve agents: who helps out while the longest wait is over a threshold.
//!
//! A reserve opens by its deadline alone, so that it opens at the same moment whatever else happens. Whether all close
//! is looked at whenever somebody has ceased to wait, before the next agent is chosen.

use timing::Instant;

use super::{Alarm, Deadline, Distributor, Queue};
use crate::table::Slot;
use crate::{Event, QueueId};

impl Distributor {
    /// Somebody has begun or ceased to wait in a queue.
    pub(super) fn upset_reserves(&mut self, slot: Slot<Queue>) {
        let queue = &self.queues[slot];
        if !queue.state.settings.reserves.is_empty() {
            self.unsettled.reserves.push(queue.id);
        }
    }

    /// Closes the reserves that are needed no more, and sets the times at which the next ones open.
    #[inline]
    pub(super) fn settle_reserves(&mut self) {
        if !self.unsettled.reserves.is_empty() {
            self.settle_upset_reserves();
        }
    }

    #[inline(never)]
    fn settle_upset_reserves(&mut self) {
        let mut upset = super::sorted(std::mem::take(&mut self.unsettled.reserves));
        for queue in upset.drain(..) {
            if let Some(slot) = self.queues.slot(queue) {
                self.settle_reserves_of(slot);
            }
        }
        self.unsettled.reserves = upset;
    }

    fn settle_reserves_of(&mut self, slot: Slot<Queue>) {
        let queue = &self.queues[slot];
        let longest = queue.lines.first_entry(&self.lines).map(|entered| self.now - entered);
        let is_over = longest.is_none_or(|wait| wait < queue.state.settings.reserves_close_below());
        if queue.state.reserves_open > 0 && is_over {
            self.set_reserves(slot, 0);
        }
        self.set_reserve_timer(slot);
    }

    fn set_reserves(&mut self, slot: Slot<Queue>, open: u8) {
        let queue = &mut self.queues[slot];
        queue.state.reserves_open = open;
        let id = queue.id;
        self.fronts[slot.number() as usize].reserves_open = open;
        self.emit(Event::ReservesChanged { queue: id, open });
    }

    fn set_reserve_timer(&mut self, slot: Slot<Queue>) {
        let due = self.reserve_due(slot);
        if self.queues[slot].reserve_timer.map(|(at, _)| at) == due {
            return;
        }
        self.stop_reserve_timer(slot);
        let queue = &mut self.queues[slot];
        queue.reserve_timer = due.map(|at| {
            let alarm = Alarm::Single(at, Deadline::Reserve(queue.id));
            (at, self.deadlines.schedule(at, alarm))
        });
    }

    /// Before the queue gets new rules, or goes.
    pub(super) fn stop_reserve_timer(&mut self, slot: Slot<Queue>) {
        if let Some((_, timer)) = self.queues[slot].reserve_timer.take() {
            self.deadlines.cancel(timer);
        }
    }

    /// When the next reserve of a queue opens.
    pub(super) fn reserve_due(&self, slot: Slot<Queue>) -> Option<Instant> {
        let queue = &self.queues[slot];
        let next = queue.state.settings.reserves.get(usize::from(queue.state.reserves_open))?;
        Some(queue.lines.first_entry(&self.lines)? + next.after)
    }

    /// The threshold is reached: those of the reserve who are idle may find somebody now.
    pub(super) fn open_reserves(&mut self, id: QueueId) {
        let slot = self.queues.slot(id).expect("the deadline of a removed queue is void");
        // The timer is spent, unless the first in line went and came back since it went off.
        self.stop_reserve_timer(slot);
        let queue = &self.queues[slot];
        let first = queue.lines.first_entry(&self.lines).expect("nobody's wait opens nothing");
        let before = queue.state.reserves_open;
        self.set_reserves(slot, queue.state.settings.reserves_after(self.now - first));
        let mut idle = self.idle_of_reserves(slot, before);
        if self.with_room > 0 {
            self.unsettled.joiners.extend(&idle);
        }
        self.unsettled.agents.append(&mut idle);
        self.unsettled.reserves.push(id);
    }
}
