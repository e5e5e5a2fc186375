//! A queue, its lists, and what happens when nobody serves it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use timing::{Instant, TimerId};

use super::entry::{Nth, Spot};
use super::idle::Pooled;
use super::own::{Graces, OwnStaff};
use super::profile::Alike;
use super::waiting::{Aging, LinesOfQueue};
use super::{Alarm, Deadline, Distributor, Interaction, OwnRequirement};
use crate::estimate::{EstimateRules, Estimator};
use crate::requirement::Skills;
use crate::state::{QueueState, Staffing, State};
use crate::table::{Named, Slot};
use crate::{
    Counters, Event, InteractionId, OverflowCause, QueueId, QueueSettings, Refusal, SkillId, StepCause,
    StepEffect,
};

#[derive(Clone, Debug)]
pub(crate) struct Queue {
    pub(crate) id: QueueId,
    pub(crate) state: QueueState,
    /// The skills that the rules ask for.
    pub(crate) wanted: Vec<SkillId>,
    /// Who waits.
    pub(crate) lines: LinesOfQueue,
    /// Lines of idle agents outside pools, by what makes them alike.
    pub(crate) groups: Vec<(Alike, u32)>,
    /// Pools of idle agents.
    pub(crate) pooled: Pooled,
    /// Logged-in agents by step that they could serve.
    pub(crate) staff: Vec<u32>,
    /// Logged-in agents who could serve some step.
    pub(crate) staff_any: u32,
    /// Agents who take work and could serve some step.
    pub(crate) working: u32,
    /// How many of this queue they take at once, and of these, those who serve other queues as well.
    pub(crate) places: u32,
    pub(crate) shared: u32,
    pub(crate) reserved: u32,
    /// Reserved by another of their queues.
    pub(crate) elsewhere: u32,
    pub(crate) handling: u32,
    /// Callbacks whose customers are not on the line: waiting, resting or reserved.
    pub(crate) callbacks: BTreeSet<InteractionId>,
    /// Ends the grace of `nobody_logged_in`.
    pub(crate) grace_timer: Option<TimerId>,
    /// Goes off when the grace is over of a step that nobody serves, or before.
    pub(crate) unstaffed_alarm: Option<(Instant, TimerId)>,
    /// Who is there for those who need more than the queue asks for.
    pub(crate) own: BTreeMap<OwnRequirement, OwnStaff>,
    /// The graces that run for them.
    pub(crate) graces: Graces,
    /// Opens the next reserve, and when.
    pub(crate) reserve_timer: Option<(Instant, TimerId)>,
}

impl Named for Queue {
    type Id = QueueId;

    fn id(&self) -> QueueId {
        self.id
    }

    fn number(id: QueueId) -> u64 {
        id.0.into()
    }

    const IS_SHORT: bool = true;
}

impl Queue {
    pub(crate) fn new(id: QueueId, settings: QueueSettings, now: Instant, rules: EstimateRules) -> Queue {
        let (steps, lines) = (settings.steps.len() + 1, LinesOfQueue::new(&settings));
        Queue {
            id,
            wanted: State::wanted_skills(&settings),
            state: QueueState {
                settings,
                rules: 0,
                open: true,
                staffing: Staffing::Unstaffed { since: now },
                step_staffing: Vec::new(),
                last_chosen: None,
                reserves_open: 0,
                counters: Counters::default(),
                callback_window: true,
                estimator: Estimator::new(now, rules),
            },
            lines,
            groups: Vec::new(),
            pooled: Pooled::default(),
            staff: vec![0; steps],
            staff_any: 0,
            working: 0,
            places: 0,
            shared: 0,
            reserved: 0,
            elsewhere: 0,
            handling: 0,
            callbacks: BTreeSet::new(),
            grace_timer: None,
            unstaffed_alarm: None,
            own: BTreeMap::new(),
            graces: Graces::new(),
            reserve_timer: None,
        }
    }

    /// The line that an alarm stands for, and how long after entry somebody's time there comes.
    pub(crate) fn aging(&mut self, alarm: Alarm) -> Option<(&mut Aging, Duration)> {
        let settings = &self.state.settings;
        match alarm {
            Alarm::Step(_, step) => {
                let after = settings.steps.get(usize::from(step))?.after;
                Some((self.lines.entries.get_mut(usize::from(step))?, after))
            }
            Alarm::MaxWait(_) => Some((&mut self.lines.expiring, settings.max_wait?.after)),
            Alarm::Widening(_) => Some((&mut self.lines.widening, Duration::ZERO)),
            Alarm::Overflow(_, rule) => {
                let after = settings.overflows.get(usize::from(rule))?.after;
                Some((self.lines.overflowing.get_mut(usize::from(rule))?, after))
            }
            Alarm::Single(..) | Alarm::Lease(_) | Alarm::Wanted | Alarm::Unstaffed(_) => None,
        }
    }

    /// The steps that an agent with these skills could serve, as bits.
    pub(crate) fn steps_served(&self, skills: &Skills) -> u16 {
        let mut meets = self.state.settings.requirement.is_met_by(skills);
        let mut steps = u16::from(meets);
        for (step, bit) in self.state.settings.steps.iter().zip(1u8..) {
            let meets_step = step.requirement.is_met_by(skills);
            meets = match step.effect {
                StepEffect::Replace => meets_step,
                StepEffect::Add => meets || meets_step,
            };
            steps |= u16::from(meets) << bit;
        }
        steps
    }

    /// The step of an interaction by its age alone, that was at step `from` and entered then.
    #[inline]
    pub(crate) fn step_by_age(&self, from: u8, entered: Instant, now: Instant) -> usize {
        let waited = now - entered;
        let by_time = self.state.settings.steps.iter().take_while(|step| step.after <= waited).count();
        by_time.max(usize::from(from)).min(self.state.settings.steps.len())
    }

    /// The step of an interaction that needs no more than the queue asks for, and why if that is further on.
    pub(crate) fn step_at(&self, from: u8, entered: Instant, now: Instant) -> (u8, StepCause) {
        let base = self.step_by_age(from, entered, now);
        let staffed = self.state.past_unstaffed(base);
        let step = u8::try_from(staffed).expect("there are at most STEPS_MAX steps");
        (step, if staffed == base { StepCause::Time } else { StepCause::Unstaffed })
    }

    pub(crate) fn count_staff(&mut self, steps: u16, change: impl Fn(&mut u32)) {
        if steps != 0 {
            change(&mut self.staff_any);
        }
        for (step, staff) in self.staff.iter_mut().enumerate() {
            if steps >> step & 1 == 1 {
                change(staff);
            }
        }
    }
}

impl Distributor {
    /// Opens or closes a queue. Who has to leave because of that leaves when the command comes to rest.
    pub(super) fn set_open(&mut self, id: QueueId, open: bool) -> Result<(), Refusal> {
        let slot = self.queues.slot(id).ok_or(Refusal::UnknownQueue(id))?;
        let queue = &mut self.queues[slot].state;
        if queue.open == open {
            return Ok(());
        }
        let emptied = queue.exit_of_those_who_wait().is_some();
        queue.open = open;
        let empties = queue.exit_of_those_who_wait().is_some();
        if emptied {
            self.upset_ringing(slot);
        }
        self.emit(Event::OpenChanged { queue: id, open });
        if empties {
            let line = self.line_of(slot);
            self.unsettled.overdue.extend(line.into_iter().map(|spot| (spot.place, id)));
        }
        Ok(())
    }

    /// Follows whether anybody is logged in for the queue. True where the queue has just been deserted.
    pub(super) fn update_staffing(&mut self, id: QueueId) -> bool {
        let Some(slot) = self.queues.slot(id) else { return false };
        let queue = &mut self.queues[slot];
        match (queue.staff_any > 0, queue.state.staffing) {
            (true, Staffing::Staffed) | (false, Staffing::Unstaffed { .. } | Staffing::Deserted { .. }) => {
                false
            }
            (true, Staffing::Unstaffed { .. } | Staffing::Deserted { .. }) => {
                queue.state.staffing = Staffing::Staffed;
                let timer = queue.grace_timer.take();
                timer.and_then(|timer| self.deadlines.cancel(timer));
                false
            }
            (false, Staffing::Staffed) => self.begin_grace(slot, self.now),
        }
    }

    /// Nobody has been logged in for the queue since then. True where it is deserted by now.
    pub(super) fn begin_grace(&mut self, slot: Slot<Queue>, since: Instant) -> bool {
        let queue = &mut self.queues[slot];
        queue.state.staffing = Staffing::Unstaffed { since };
        let Some(rule) = queue.state.settings.nobody_logged_in else { return false };
        let end = since + rule.grace;
        if end <= self.now {
            queue.state.staffing = Staffing::Deserted { since };
            return true;
        }
        let alarm = Alarm::Single(end, Deadline::Grace(queue.id));
        queue.grace_timer = Some(self.deadlines.schedule(end, alarm));
        false
    }

    /// When the grace of an unstaffed queue ends.
    pub(super) fn grace_end(&self, id: QueueId) -> Option<Instant> {
        let queue = self.queues.by_id(id)?;
        match queue.state.staffing {
            Staffing::Staffed | Staffing::Deserted { .. } => None,
            Staffing::Unstaffed { since } => {
                queue.state.settings.nobody_logged_in.map(|rule| since + rule.grace)
            }
        }
    }

    /// The grace is over.
    pub(super) fn desert(&mut self, id: QueueId) {
        let slot = self.queues.slot(id).expect("the grace of a removed queue is cancelled");
        let queue = &mut self.queues[slot];
        queue.grace_timer = None;
        let Staffing::Unstaffed { since } = queue.state.staffing else {
            unreachable!("grace runs only while the queue is unstaffed")
        };
        queue.state.staffing = Staffing::Deserted { since };
        self.leave_deserted(id);
    }

    /// Everybody who waits in a deserted queue leaves.
    pub(super) fn leave_deserted(&mut self, id: QueueId) {
        let Some(slot) = self.queues.slot(id) else { return };
        let Some(rule) = self.queues[slot].state.settings.nobody_logged_in else { return };
        for Spot { place, .. } in self.line_of(slot) {
            let Some((interaction, nth)) = self.waiting_in(place.interaction, id) else { continue };
            let is_spared = self.interactions[interaction].has_agents_of_its_own(nth);
            if !is_spared && self.can_leave_by(interaction, rule.exit) {
                self.leave(interaction, nth, OverflowCause::NobodyLoggedIn, rule.exit);
            }
        }
    }

    /// Brings a waiting interaction to the step that its age and the logged-in agents call for.
    pub(super) fn advance_step(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let from = self.interactions[slot].entry(nth).step;
        let (step, cause) = self.step_now(slot, nth, from);
        if step != from {
            self.stop_waiting(slot, nth);
            self.enter_step(slot, nth, step, cause);
            self.start_waiting(slot, nth);
        }
    }

    /// Brings an interaction that is in no line to the step of its age, where the rules are those by which it came to its
    /// step; false where they are others.
    pub(super) fn follow_age(&mut self, slot: Slot<Interaction>, nth: Nth) -> bool {
        let entry = self.interactions[slot].entry(nth);
        let (from, has_same_rules) = (entry.step, entry.rules == self.queues[entry.queue_slot].state.rules);
        if has_same_rules {
            let (step, cause) = self.step_now(slot, nth, from);
            self.enter_step(slot, nth, step, cause);
        }
        has_same_rules
    }

    /// Notes the step of an interaction that is in no line of that queue at the moment.
    pub(super) fn enter_step(&mut self, slot: Slot<Interaction>, nth: Nth, step: u8, cause: StepCause) {
        let id = self.interactions[slot].id;
        let entry = self.interactions[slot].entry_mut(nth);
        if entry.step == step {
            return;
        }
        entry.step = step;
        let queue = entry.queue;
        let waited = self.now - entry.entered;
        self.emit(Event::StepEntered { interaction: id, queue, step, cause, waited });
    }
}
