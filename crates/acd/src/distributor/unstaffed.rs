//! Steps that nobody serves. Nobody waits at a step for agents who are not there; a phone that registers anew has not
//! gone away, so that a step is passed over only once nobody has been logged in for it for the grace.

use timing::Instant;

use super::entry::Spot;
use super::{Alarm, Deadline, Distributor, Queue};
use crate::QueueId;
use crate::state::Staffing;
use crate::table::Slot;

impl Queue {
    /// Since when nobody has been logged in for a step that is not passed over yet.
    fn unstaffed_since(&self, step: u8) -> Option<Instant> {
        match self.state.step_staffing.get(usize::from(step))? {
            Staffing::Staffed | Staffing::Deserted { .. } => None,
            Staffing::Unstaffed { since } => Some(*since),
        }
    }
}

impl Distributor {
    /// Follows for each step of a queue whether anybody is logged in for it. Only where that changes, somebody may have to
    /// go on to another step.
    pub(super) fn follow_unstaffed_steps(&mut self, slot: Slot<Queue>) {
        let queue = &self.queues[slot];
        let mut steps = queue.state.step_staffing.iter().zip(&queue.staff);
        if steps.all(|(staffing, &staff)| (*staffing == Staffing::Staffed) == (staff > 0)) {
            return;
        }
        for step in 0..self.queues[slot].state.step_staffing.len() {
            let queue = &mut self.queues[slot];
            match (queue.staff[step] > 0, queue.state.step_staffing[step]) {
                (true, Staffing::Staffed)
                | (false, Staffing::Unstaffed { .. } | Staffing::Deserted { .. }) => {}
                (true, Staffing::Unstaffed { .. } | Staffing::Deserted { .. }) => {
                    queue.state.step_staffing[step] = Staffing::Staffed;
                    let timer = queue.step_timers[step].take();
                    timer.and_then(|timer| self.deadlines.cancel(timer));
                }
                (false, Staffing::Staffed) => self.begin_grace_of_step(slot, step, self.now),
            }
        }
        self.skip_unstaffed_steps(slot);
    }

    /// Nobody has been logged in for a step since then.
    fn begin_grace_of_step(&mut self, slot: Slot<Queue>, step: usize, since: Instant) {
        let queue = &mut self.queues[slot];
        let is_over = since + queue.state.settings.unstaffed_grace <= self.now;
        queue.state.step_staffing[step] =
            if is_over { Staffing::Deserted { since } } else { Staffing::Unstaffed { since } };
        self.set_step_timer(slot, step);
    }

    fn set_step_timer(&mut self, slot: Slot<Queue>, step: usize) {
        let number = u8::try_from(step).expect("there are at most STEPS_MAX steps");
        let queue = &mut self.queues[slot];
        queue.step_timers[step] = queue.unstaffed_since(number).map(|since| {
            let end = since + queue.state.settings.unstaffed_grace;
            self.deadlines.schedule(end, Alarm::Single(end, Deadline::Unstaffed(queue.id, number)))
        });
    }

    /// Sets all timers that the state calls for, where none is set.
    pub(super) fn set_step_timers(&mut self, slot: Slot<Queue>) {
        let steps = self.queues[slot].state.step_staffing.len();
        self.queues[slot].step_timers = vec![None; steps];
        (0..steps).for_each(|step| self.set_step_timer(slot, step));
    }

    /// Before the queue gets new rules, or goes.
    pub(super) fn stop_step_timers(&mut self, slot: Slot<Queue>) {
        for timer in std::mem::take(&mut self.queues[slot].step_timers).into_iter().flatten() {
            self.deadlines.cancel(timer);
        }
    }

    /// After the rules changed: for a step that nobody served before, by its number, and nobody serves now, the grace
    /// runs on from when it began.
    pub(super) fn restart_unstaffed_steps(&mut self, slot: Slot<Queue>) {
        self.stop_step_timers(slot);
        let queue = &mut self.queues[slot];
        let before = std::mem::take(&mut queue.state.step_staffing);
        let steps = queue.state.settings.steps_that_may_be_skipped();
        queue.state.step_staffing = vec![Staffing::Staffed; steps];
        queue.step_timers = vec![None; steps];
        for step in 0..steps {
            if self.queues[slot].staff[step] > 0 {
                continue;
            }
            let since = match before.get(step) {
                None | Some(Staffing::Staffed) => self.now,
                Some(Staffing::Unstaffed { since } | Staffing::Deserted { since }) => *since,
            };
            self.begin_grace_of_step(slot, step, since);
        }
    }

    /// When a step of a queue is passed over, if nobody logs in for it.
    pub(super) fn unstaffed_end(&self, id: QueueId, step: u8) -> Option<Instant> {
        let queue = self.queues.by_id(id)?;
        Some(queue.unstaffed_since(step)? + queue.state.settings.unstaffed_grace)
    }

    /// The grace of a step is over, and that of all from whom the last agent went with the same log-out: together, so
    /// that nobody goes on to a step that is passed over in the same moment.
    pub(super) fn pass_over(&mut self, id: QueueId, step: u8) {
        let slot = self.queues.slot(id).expect("the grace of a removed queue is cancelled");
        let since = self.queues[slot].unstaffed_since(step).expect("looked at by the caller");
        for step in 0..self.queues[slot].state.step_staffing.len() {
            let queue = &mut self.queues[slot];
            if queue.state.step_staffing[step] == (Staffing::Unstaffed { since }) {
                queue.state.step_staffing[step] = Staffing::Deserted { since };
                let timer = queue.step_timers[step].take();
                timer.and_then(|timer| self.deadlines.cancel(timer));
            }
        }
        self.skip_unstaffed_steps(slot);
    }

    /// Moves everybody on who waits at a step that is passed over.
    pub(super) fn skip_unstaffed_steps(&mut self, slot: Slot<Queue>) {
        let queue = &self.queues[slot];
        let is_stuck = |step: usize| queue.state.past_unstaffed(step) != step;
        if !(0..queue.staff.len()).any(|step| !queue.lines.entries[step].line.is_empty() && is_stuck(step)) {
            return;
        }
        for Spot { place, nth, .. } in self.line_of(slot) {
            let interaction = self.at(place.interaction);
            let step = usize::from(self.interactions[interaction].entry(nth).step);
            if self.queues[slot].state.past_unstaffed(step) != step {
                self.advance_step(interaction, nth);
            }
        }
    }
}
