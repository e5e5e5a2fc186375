//! What all queues share changes while calls wait: each setting costs what it touches. Nobody who waits, rests, talks or
//! is logged in is lost by it, and no clock of theirs begins anew. Whoever becomes available by it does so now.
//!
//! Most settings are looked up where they are needed, and only change places. What has to be followed: the places
//! of those who have points (head start), the lines of leases, the estimators, after-call work that would outlast its new
//! bound, what a supervisor has forced and an agent has left, who is excluded beyond the new bound, and who may be offered what (interruptions).

use std::time::Duration;

use super::lease::LeaseKind;
use super::{Agent, Distributor, Interaction};
use crate::line::Line;
use crate::state::Stage;
use crate::table::Slot;
use crate::{Event, ForcedPresence, Interruptions, Refusal, Selection, Settings, WorkStage};

impl Distributor {
    pub(super) fn configure(&mut self, settings: &Settings) -> Result<(), Refusal> {
        settings.check()?;
        let changed = self.settings.difference(settings);
        if let Some(&fixed) = changed.iter().find(|setting| setting.is_fixed()) {
            return Err(Refusal::FixedAtStart(fixed));
        }
        if changed.is_empty() {
            return Ok(());
        }
        if changed.iter().any(|setting| setting.bounds_what_is_defined()) {
            self.check_defined(settings)?;
        }
        let before = std::mem::replace(&mut self.settings, settings.clone());
        self.emit(Event::Configured { changed });
        if before.interruptions != settings.interruptions {
            self.restart_clocks_of_those_available(&before.interruptions);
        }
        if before.head_start_per_point != settings.head_start_per_point {
            self.follow_head_start();
        }
        if before.estimate != settings.estimate {
            self.follow_estimate_rules();
        }
        self.follow_leases(&before);
        if settings.after_call_work_max < before.after_call_work_max {
            self.shorten_after_call_work();
        }
        if before.forced_presence != settings.forced_presence {
            self.follow_forced_presence();
        }
        if before.selection != settings.selection {
            self.follow_selection(before.selection);
        }
        if settings.exclusions_max < before.exclusions_max {
            self.forget_exclusions();
        }
        if before.interruptions != settings.interruptions {
            self.follow_interruptions(&before.interruptions);
        }
        Ok(())
    }

    /// Whether all that is defined could be defined by other settings: lowered bounds take nothing away.
    fn check_defined(&self, settings: &Settings) -> Result<(), Refusal> {
        if self.agents.len() > settings.agents_max as usize {
            return Err(Refusal::TooManyAgents);
        }
        if self.queues.len() > settings.queues_max as usize {
            return Err(Refusal::TooManyQueues);
        }
        for queue in self.queues.in_order() {
            settings.check_queue(queue.id, &queue.state.settings)?;
        }
        for agent in self.agents.in_order() {
            settings.check_agent(&agent.state.settings)?;
        }
        for interaction in self.interactions.in_order() {
            let own = interaction.requirement.map(|own| self.own_requirements.at(own));
            own.map_or(Ok(()), |own| settings.check_requirement(own))?;
        }
        Ok(())
    }

    /// Everybody who has points comes to the place that they give now. Nobody idle could take any of them before, and
    /// nobody can now.
    fn follow_head_start(&mut self) {
        let with_points = self.interactions.iter().filter(|(_, interaction)| interaction.priority != 0);
        let with_points: Vec<Slot<Interaction>> = with_points.map(|(slot, _)| slot).collect();
        for slot in with_points {
            let Interaction { priority, .. } = self.interactions[slot];
            match self.interactions[slot].stage() {
                Stage::Waiting | Stage::Reserved { .. } | Stage::Resting { .. } => {
                    self.reorder(slot, priority);
                }
                // Where it would stand if it came back.
                Stage::Handling { .. } => self.set_priority(slot, priority),
            }
        }
    }

    fn follow_estimate_rules(&mut self) {
        let queues: Vec<_> = self.queues.iter().map(|(slot, _)| slot).collect();
        for queue in queues {
            self.queues[queue].state.estimator.configure(self.now, self.settings.estimate);
        }
    }

    /// Leases of another length end so long after their last renewal. One that nobody had so far begins with what it is
    /// for, or with its last renewal.
    fn follow_leases(&mut self, before: &Settings) {
        let lengths = |of: &Settings| {
            [
                (LeaseKind::Handling, of.handling_lease),
                (LeaseKind::Occupied, of.occupied_lease),
                (LeaseKind::LogIn, of.log_in_lease),
            ]
        };
        let pairs = lengths(before).into_iter().zip(lengths(&self.settings));
        let others: Vec<(LeaseKind, Option<Duration>)> =
            pairs.filter(|(old, new)| old != new).map(|(old, _)| old).collect();
        if others.is_empty() {
            return;
        }
        let mut touched: Vec<Slot<Agent>> = if others.iter().any(|(_, length)| length.is_none()) {
            self.agents.iter().map(|(slot, _)| slot).collect()
        } else {
            let lines = others.iter().map(|&(kind, _)| self.leases.line(kind));
            lines.flat_map(|line| self.agents_in(line)).collect()
        };
        touched.sort_unstable();
        touched.dedup();
        for &agent in &touched {
            self.stand_down_from_leases(agent);
        }
        for agent in touched {
            self.stand_for_leases(agent);
        }
    }

    fn agents_in<'a>(&'a self, line: &'a Line) -> impl Iterator<Item = Slot<Agent>> + 'a {
        self.lines.iter(line).map(|node| Slot::new(self.lines.item(node)))
    }

    /// All agents of whom something is so, by id: what is said of them is said in that order.
    fn agents_who(&self, are_so: impl Fn(&Agent) -> bool) -> Vec<Slot<Agent>> {
        let mut found: Vec<_> = self.agents.iter().filter(|(_, agent)| are_so(agent)).collect();
        found.sort_unstable_by_key(|(_, agent)| agent.id);
        found.into_iter().map(|(slot, _)| slot).collect()
    }

    /// After-call work that would last longer than it may from now on gets a new end, or ends at once.
    fn shorten_after_call_work(&mut self) {
        let (now, most) = (self.now, self.settings.after_call_work_max);
        let ends = |stage: WorkStage| match stage {
            WorkStage::AfterCallWork { since, until } if until > since + most => Some((since, since + most)),
            WorkStage::Reserved { .. } | WorkStage::Handling { .. } | WorkStage::AfterCallWork { .. } => None,
        };
        for slot in self.agents_who(|agent| agent.state.works.iter().any(|work| ends(work.stage).is_some())) {
            let works = self.agents[slot].state.works.iter();
            let longer: Vec<_> =
                works.filter_map(|work| Some((work.interaction, ends(work.stage)?))).collect();
            for (interaction, (since, end)) in longer {
                if end <= now {
                    self.leave_after_call_work(slot, interaction);
                } else {
                    self.set_end_of_after_call_work(slot, interaction, (since, end));
                }
            }
        }
    }

    /// Where agents may change what a supervisor has forced, nothing is forced that an agent has left already.
    fn follow_forced_presence(&mut self) {
        match self.settings.forced_presence {
            ForcedPresence::HoldsUntilLifted => {}
            ForcedPresence::AgentMayChange => {
                for slot in self.agents_who(|agent| agent.state.forced.is_some()) {
                    self.follow_forced(slot);
                }
            }
        }
    }

    fn follow_selection(&mut self, before: Selection) {
        let by_all = self.agents.iter().filter(|(_, agent)| agent.state.settings.selection.is_none()).count();
        let selection = self.settings.selection;
        for _ in 0..by_all {
            self.count_selection(before, false);
            self.count_selection(selection, true);
        }
    }

    /// Of whom more are excluded than may be, those who would be offered the interaction again first are now.
    fn forget_exclusions(&mut self) {
        let most = self.settings.exclusions_max as usize;
        let with_some = self.interactions.iter().filter(|(_, of)| of.rare.has_exclusions());
        let with_some: Vec<Slot<Interaction>> = with_some.map(|(slot, _)| slot).collect();
        for slot in with_some {
            let exclusions = self.interactions[slot].rare.exclusions();
            let mut exclusions: Vec<_> = exclusions.map(|(agent, until)| (until, agent)).collect();
            exclusions.sort_unstable();
            for &(_, agent) in &exclusions[..exclusions.len().saturating_sub(most)] {
                self.end_exclusion(slot, agent);
            }
        }
    }

    /// Whoever could be offered nothing by other interruptions, and can now, is available from now on. They stand in no line yet.
    fn restart_clocks_of_those_available(&mut self, before: &Interruptions) {
        let became = self
            .agents
            .iter()
            .filter(|(_, agent)| agent.state.open(before).is_empty() && agent.is_available(&self.settings));
        let became: Vec<Slot<Agent>> = became.map(|(slot, _)| slot).collect();
        became.into_iter().for_each(|agent| self.restart_ready_clock(agent));
    }

    /// Whoever has something in hand may be offered other channels than before, at once. What is in hand stays there.
    fn follow_interruptions(&mut self, before: &Interruptions) {
        let now = self.settings.interruptions;
        let differs = |agent: &Agent| agent.state.open(before) != agent.state.open(&now);
        let touched: Vec<Slot<Agent>> =
            self.agents.iter().filter(|(_, agent)| differs(agent)).map(|(slot, _)| slot).collect();
        for &agent in &touched {
            self.withdraw(agent);
        }
        self.pool_anew();
        for agent in touched {
            self.present(agent);
        }
    }
}
