//! A queue, its lists, and what happens when nobody serves it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use timing::{Instant, TimerId};

use super::{Deadline, Distributor, Rank};
use crate::requirement::Skills;
use crate::state::{Place, QueueState, Staffing, State};
use crate::{
    AgentId, Counters, Event, InteractionId, OverflowCause, QueueId, QueueSettings, SkillId, StepCause,
    StepEffect,
};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Queue {
    pub(crate) state: QueueState,
    /// The skills that the rules ask for.
    pub(crate) wanted: Vec<SkillId>,
    /// Who waits, by step; without those who have their own requirement beside the queue's.
    pub(crate) waiting: Vec<BTreeSet<Place>>,
    /// Who waits with an own requirement, at whatever step.
    pub(crate) own: BTreeSet<Place>,
    /// All who wait, by entry.
    pub(crate) entries: BTreeSet<(Instant, InteractionId)>,
    /// Available agents who could serve some step, best first.
    pub(crate) idle: BTreeSet<(Rank, AgentId)>,
    /// Logged-in agents by step that they could serve.
    pub(crate) staff: Vec<u32>,
    /// Logged-in agents who could serve some step.
    pub(crate) staff_any: u32,
    pub(crate) reserved: u32,
    pub(crate) handling: u32,
    /// Ends the grace of `nobody_logged_in`.
    pub(crate) grace_timer: Option<TimerId>,
}

impl Queue {
    pub(crate) fn new(settings: QueueSettings, now: Instant) -> Queue {
        let steps = settings.steps.len() + 1;
        Queue {
            wanted: State::wanted_skills(&settings),
            state: QueueState {
                settings,
                staffing: Staffing::Unstaffed { since: now },
                last_chosen: None,
                counters: Counters::default(),
            },
            waiting: vec![BTreeSet::new(); steps],
            own: BTreeSet::new(),
            entries: BTreeSet::new(),
            idle: BTreeSet::new(),
            staff: vec![0; steps],
            staff_any: 0,
            reserved: 0,
            handling: 0,
            grace_timer: None,
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

    /// Everybody who waits, in order.
    pub(crate) fn line(&self) -> BTreeSet<Place> {
        self.waiting.iter().flatten().chain(&self.own).copied().collect()
    }

    /// Where an interaction stands that was at step `from` and entered then, and why if that is further on.
    pub(crate) fn step_at(&self, from: u8, entered: Instant, now: Instant) -> (u8, StepCause) {
        let waited = now - entered;
        let by_time = self.state.settings.steps.iter().take_while(|step| step.after <= waited).count();
        let base = by_time.max(usize::from(from)).min(self.state.settings.steps.len());
        let staffed = self.past_unstaffed(base);
        let step = u8::try_from(staffed).expect("there are at most STEPS_MAX steps");
        (step, if staffed == base { StepCause::Time } else { StepCause::Unstaffed })
    }

    /// The first step from `step` on that a logged-in agent could serve; `step` itself where there is none.
    fn past_unstaffed(&self, step: usize) -> usize {
        if !self.state.settings.skip_unstaffed_steps {
            return step;
        }
        (step..self.staff.len()).find(|&later| self.staff[later] > 0).unwrap_or(step)
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
    /// Moves everybody on who waits at a step that no logged-in agent could serve.
    pub(super) fn skip_unstaffed_steps(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get(&id) else { return };
        let mut movers = BTreeSet::new();
        for (step, line) in queue.waiting.iter().enumerate() {
            if !line.is_empty() && queue.past_unstaffed(step) != step {
                movers.extend(line.iter().copied());
            }
        }
        let is_stuck = |place: &&Place| {
            let step = usize::from(self.interactions[&place.interaction].state.step);
            queue.past_unstaffed(step) != step
        };
        movers.extend(queue.own.iter().filter(is_stuck).copied());
        for place in movers {
            self.advance_step(place.interaction);
        }
    }

    /// Follows whether anybody is logged in for the queue. True where the queue has just been deserted.
    pub(super) fn update_staffing(&mut self, id: QueueId) -> bool {
        let Some(queue) = self.queues.get_mut(&id) else { return false };
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
            (false, Staffing::Staffed) => self.begin_grace(id, self.now),
        }
    }

    /// Nobody has been logged in for the queue since then. True where it is deserted by now.
    pub(super) fn begin_grace(&mut self, id: QueueId, since: Instant) -> bool {
        let queue = self.queues.get_mut(&id).expect("the caller has looked it up");
        queue.state.staffing = Staffing::Unstaffed { since };
        let Some(rule) = queue.state.settings.nobody_logged_in else { return false };
        let end = since + rule.grace;
        if end <= self.now {
            queue.state.staffing = Staffing::Deserted { since };
            return true;
        }
        queue.grace_timer = Some(self.deadlines.schedule(end, (end, Deadline::Grace(id))));
        false
    }

    /// When the grace of an unstaffed queue ends.
    pub(super) fn grace_end(&self, id: QueueId) -> Option<Instant> {
        let queue = self.queues.get(&id)?;
        match queue.state.staffing {
            Staffing::Staffed | Staffing::Deserted { .. } => None,
            Staffing::Unstaffed { since } => {
                queue.state.settings.nobody_logged_in.map(|rule| since + rule.grace)
            }
        }
    }

    /// The grace is over.
    pub(super) fn desert(&mut self, id: QueueId) {
        let queue = self.queues.get_mut(&id).expect("the grace of a removed queue is cancelled");
        queue.grace_timer = None;
        let Staffing::Unstaffed { since } = queue.state.staffing else {
            unreachable!("grace runs only while the queue is unstaffed")
        };
        queue.state.staffing = Staffing::Deserted { since };
        self.leave_deserted(id);
    }

    /// Everybody who waits in a deserted queue leaves.
    pub(super) fn leave_deserted(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get(&id) else { return };
        let Some(rule) = queue.state.settings.nobody_logged_in else { return };
        for place in queue.line() {
            if self.can_leave_by(place.interaction, rule.exit) {
                self.leave(place.interaction, OverflowCause::NobodyLoggedIn, rule.exit);
            }
        }
    }

    /// Brings a waiting interaction to the step that its age and the logged-in agents call for.
    pub(super) fn advance_step(&mut self, id: InteractionId) {
        let interaction = &self.interactions[&id].state;
        let queue = &self.queues[&interaction.queue];
        let (step, cause) = queue.step_at(interaction.step, interaction.entered, self.now);
        if step != interaction.step {
            self.stop_waiting(id);
            self.enter_step(id, step, cause);
            self.start_waiting(id);
        }
    }

    /// Notes the step of an interaction that is in no list at the moment.
    pub(super) fn enter_step(&mut self, id: InteractionId, step: u8, cause: StepCause) {
        let interaction = &mut self.interaction_mut(id).state;
        if interaction.step == step {
            return;
        }
        interaction.step = step;
        let (queue, entered) = (interaction.queue, interaction.entered);
        let waited = self.now - entered;
        self.emit(Event::StepEntered { interaction: id, queue, step, cause, waited });
    }
}
