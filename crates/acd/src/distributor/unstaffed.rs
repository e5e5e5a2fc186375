//! Steps that nobody serves. Nobody waits at a step for agents who are not there; a phone that registers anew has not
//! gone away, so that a step is passed over only once nobody has been logged in for it for the grace. [`super::own`] has the
//! same for interactions that need more than the queue asks for.

use std::collections::BTreeSet;
use std::time::Duration;

use timing::Instant;

use super::entry::{Nth, Spot};
use super::own::is_deserted;
use super::{Alarm, Deadline, Distributor, Interaction, Queue};
use crate::state::Staffing;
use crate::table::Slot;
use crate::{QueueId, StepCause};

impl Staffing {
    /// Of a step that nobody has been logged in for since then.
    pub(crate) fn of_nobody(since: Instant, grace: Duration, now: Instant) -> Staffing {
        if since + grace <= now { Staffing::Deserted { since } } else { Staffing::Unstaffed { since } }
    }

    /// By rules that have changed: where nobody was there before, the grace runs on from when it began.
    pub(crate) fn renewed(
        before: Option<&Staffing>,
        is_staffed: bool,
        grace: Duration,
        now: Instant,
    ) -> Staffing {
        match before {
            _ if is_staffed => Staffing::Staffed,
            None | Some(Staffing::Staffed) => Staffing::of_nobody(now, grace, now),
            Some(Staffing::Unstaffed { since } | Staffing::Deserted { since }) => {
                Staffing::of_nobody(*since, grace, now)
            }
        }
    }

    /// Follows whether anybody is logged in; true where that is otherwise than before.
    fn follow(&mut self, is_staffed: bool, grace: Duration, now: Instant) -> bool {
        let has_changed = is_staffed != (*self == Staffing::Staffed);
        if has_changed {
            *self = if is_staffed { Staffing::Staffed } else { Staffing::of_nobody(now, grace, now) };
        }
        has_changed
    }
}

impl Queue {
    /// When steps come to be passed over, if nobody logs in for them, for whoever it is. Those of own requirements come in
    /// order.
    pub(crate) fn unstaffed_ends(&self) -> impl Iterator<Item = Instant> {
        let since = self.state.step_staffing.iter().filter_map(|staffing| match staffing {
            Staffing::Staffed | Staffing::Deserted { .. } => None,
            Staffing::Unstaffed { since } => Some(*since),
        });
        since.chain(self.graces.keys().copied()).map(|since| since + self.state.settings.unstaffed_grace)
    }
}

impl Queue {
    /// The first of them, whatever the number of own requirements.
    fn next_unstaffed_end(&self) -> Option<Instant> {
        let steps = self.state.step_staffing.len();
        self.unstaffed_ends().take(steps + 1).min()
    }
}

impl Distributor {
    /// The step of an interaction by an entry that was at step `from`, and why if that is further on.
    #[inline]
    pub(super) fn step_now(&mut self, slot: Slot<Interaction>, nth: Nth, from: u8) -> (u8, StepCause) {
        let interaction = &self.interactions[slot];
        let entry = interaction.entry(nth);
        match interaction.requirement {
            None => self.queues[entry.queue_slot].step_at(from, entry.entered, self.now),
            Some(own) => self.step_with_own((entry.queue_slot, entry.entered), from, own),
        }
    }

    /// Follows for each step of a queue, and for each own requirement that somebody waits with, whether anybody is logged in
    /// for it. Only where that changes, somebody may have to go on to another step.
    pub(super) fn follow_unstaffed_steps(&mut self, slot: Slot<Queue>) {
        let queue = &self.queues[slot];
        let mut steps = queue.state.step_staffing.iter().zip(&queue.staff);
        let is_as_before = steps.all(|(staffing, &staff)| (*staffing == Staffing::Staffed) == (staff > 0));
        if !is_as_before || self.has_pairs(slot) {
            self.follow_steps_of(slot);
        }
    }

    fn follow_steps_of(&mut self, slot: Slot<Queue>) {
        let now = self.now;
        let queue = &mut self.queues[slot];
        let grace = queue.state.settings.unstaffed_grace;
        let mut has_changed = false;
        for (staffing, &staff) in queue.state.step_staffing.iter_mut().zip(&queue.staff) {
            has_changed |= staffing.follow(staff > 0, grace, now);
        }
        for pair in queue.own.values_mut() {
            for (staffing, &staff) in pair.followed.steps_mut().iter_mut().zip(&pair.staff) {
                has_changed |= staffing.follow(staff > 0, grace, now);
            }
        }
        if has_changed {
            queue.count_graces();
            self.set_unstaffed_alarm(slot);
            self.skip_unstaffed_steps(slot);
        }
    }

    /// One alarm for all steps of a queue, not after the first of them comes to be passed over.
    pub(super) fn set_unstaffed_alarm(&mut self, slot: Slot<Queue>) {
        let queue = &mut self.queues[slot];
        let first = queue.next_unstaffed_end();
        if let (Some((set, _)), Some(first)) = (queue.unstaffed_alarm, first)
            && set <= first
        {
            return;
        }
        if let Some((_, timer)) = queue.unstaffed_alarm.take() {
            self.deadlines.cancel(timer);
        }
        let alarm = Alarm::Unstaffed(queue.id);
        queue.unstaffed_alarm = first.map(|at| (at, self.deadlines.schedule(at, alarm)));
    }

    /// Before the queue goes.
    pub(super) fn stop_unstaffed_alarm(&mut self, slot: Slot<Queue>) {
        if let Some((_, timer)) = self.queues[slot].unstaffed_alarm.take() {
            self.deadlines.cancel(timer);
        }
    }

    /// After the rules changed: for a step that nobody served before, by its number, and nobody serves now, the grace
    /// runs on from when it began.
    pub(super) fn restart_unstaffed_steps(&mut self, slot: Slot<Queue>) {
        let queue = &mut self.queues[slot];
        let before = std::mem::take(&mut queue.state.step_staffing);
        let (steps, grace) =
            (queue.state.settings.steps_that_may_be_skipped(), queue.state.settings.unstaffed_grace);
        let staff = queue.staff.iter().take(steps).enumerate();
        let after =
            staff.map(|(step, &staff)| Staffing::renewed(before.get(step), staff > 0, grace, self.now));
        queue.state.step_staffing = after.collect();
        self.restart_own(slot);
        self.set_unstaffed_alarm(slot);
    }

    /// The alarm of a queue has gone off: what is due of it, as single deadlines.
    pub(super) fn collect_unstaffed(&mut self, id: QueueId) {
        let Some(slot) = self.queues.slot(id) else { return };
        let queue = &mut self.queues[slot];
        queue.unstaffed_alarm = None;
        let ends: BTreeSet<Instant> = queue.unstaffed_ends().collect();
        let due = ends.into_iter().filter(|&at| self.deadlines.is_due(at, self.now));
        self.due.extend(due.map(|at| (at, Deadline::Unstaffed(id))));
    }

    /// Sets the alarm again, if there is something to wait for.
    pub(super) fn rearm_unstaffed(&mut self, id: QueueId) {
        if let Some(slot) = self.queues.slot(id) {
            self.set_unstaffed_alarm(slot);
        }
    }

    /// Whether steps of a queue come to be passed over then, if nobody logs in for them.
    pub(super) fn is_unstaffed_until(&self, id: QueueId, at: Instant) -> bool {
        self.queues.by_id(id).is_some_and(|queue| queue.unstaffed_ends().any(|end| end == at))
    }

    /// The grace of steps is over: of all together from whom the last agent went with the same log-out, so that nobody
    /// goes on to a step that is passed over in the same moment.
    pub(super) fn pass_over(&mut self, id: QueueId, at: Instant) {
        let slot = self.queues.slot(id).expect("looked at by the caller");
        let queue = &mut self.queues[slot];
        let grace = queue.state.settings.unstaffed_grace;
        let own = queue.own.values_mut().flat_map(|pair| pair.followed.steps_mut());
        for staffing in queue.state.step_staffing.iter_mut().chain(own) {
            if let Staffing::Unstaffed { since } = *staffing
                && since + grace == at
            {
                *staffing = Staffing::Deserted { since };
            }
        }
        queue.count_graces();
        self.set_unstaffed_alarm(slot);
        self.skip_unstaffed_steps(slot);
    }

    /// Moves everybody on who waits at a step that is passed over.
    pub(super) fn skip_unstaffed_steps(&mut self, slot: Slot<Queue>) {
        let mut stuck = self.stuck_in(slot);
        stuck.sort_unstable();
        for spot in stuck {
            self.advance_step(spot.slot, spot.nth);
        }
    }

    /// Who waits in a queue at a step that is passed over, and would go on.
    fn stuck_in(&self, slot: Slot<Queue>) -> Vec<Spot> {
        let queue = &self.queues[slot];
        let mut stuck = Vec::new();
        for (step, line) in queue.lines.plain.iter().enumerate() {
            if !line.is_empty() && queue.state.past_unstaffed(step) != step {
                stuck.extend(self.lines.iter(line).map(|node| self.lines.spot(node)));
            }
        }
        let goes_on = |own, step: u8| {
            let steps = queue.own.get(&own).map_or(&[][..], |pair| pair.followed.steps());
            let step = usize::from(step);
            queue.state.past_those(step, |step| is_deserted(steps, step)) != step
        };
        for (&(own, step), line) in &queue.lines.own {
            if goes_on(own, step) {
                stuck.extend(self.lines.iter(line).map(|node| self.lines.spot(node)));
            }
        }
        let wanting = self.lines.iter(&queue.lines.wanting).map(|node| self.lines.spot(node));
        stuck.extend(wanting.filter(|spot| {
            let interaction = &self.interactions[spot.slot];
            let step = interaction.entry(spot.nth).step;
            match interaction.requirement {
                None => queue.state.past_unstaffed(step.into()) != usize::from(step),
                Some(own) => goes_on(own, step),
            }
        }));
        stuck
    }
}
