//! What agents have in hand, followed by the events.

use std::time::Duration;

use timing::Instant;

use super::Mirror;
use crate::state::Stage;
use crate::{AgentId, InteractionId, Interruption, QueueId, Work, WorkStage};

impl Mirror {
    pub(super) fn answered(&mut self, interaction: InteractionId, agent: AgentId) -> Option<()> {
        let now = self.state.now;
        let contact = self.contact(interaction)?;
        contact.stage = Stage::Handling { agent, since: now };
        contact.exclusions.clear();
        let agent = self.state.agents.get_mut(&agent)?;
        let work = agent.works.take(|work| work.interaction == interaction && !work.is_answered())?;
        let stage = WorkStage::Handling { since: now, renewed: now, interrupted: Interruption::default() };
        agent.works.push(Work { stage, ..work });
        agent.handled = agent.handled.saturating_add(1);
        Some(())
    }

    pub(super) fn interrupted(
        &mut self,
        agent: AgentId,
        interaction: InteractionId,
        change: impl FnOnce(&mut Interruption),
    ) -> Option<()> {
        let works = &mut self.state.agents.get_mut(&agent)?.works;
        match &mut works.find_mut(|work| work.is_handling_of(interaction))?.stage {
            WorkStage::Handling { interrupted, .. } => change(interrupted),
            WorkStage::Reserved { .. } | WorkStage::AfterCallWork { .. } => return None,
        }
        Some(())
    }

    pub(super) fn after_call_work_started(
        &mut self,
        agent: AgentId,
        interaction: InteractionId,
        until: Instant,
    ) -> Option<()> {
        let works = &mut self.state.agents.get_mut(&agent)?.works;
        let work = works.find_mut(|work| work.is_handling_of(interaction))?;
        work.stage = WorkStage::AfterCallWork { since: self.state.now, until };
        Some(())
    }

    pub(super) fn after_call_work_extended(
        &mut self,
        agent: AgentId,
        interaction: InteractionId,
        until: Instant,
    ) -> Option<()> {
        let works = &mut self.state.agents.get_mut(&agent)?.works;
        let work = works.find_mut(|work| work.is_after_call_work_of(interaction))?;
        work.stage = WorkStage::AfterCallWork { since: work.since(), until };
        Some(())
    }

    pub(super) fn reachable(&mut self, agent: AgentId, reachable: bool) -> Option<()> {
        let now = self.state.now;
        self.state.agents.get_mut(&agent)?.unreachable = (!reachable).then_some(now);
        Some(())
    }

    /// The figures of a shift, though nobody logged in.
    pub(super) fn shift_began(&mut self, agent: AgentId) -> Option<()> {
        let now = self.state.now;
        let agent = self.state.agents.get_mut(&agent)?;
        agent.begin_shift(now);
        agent.follow_works(now);
        Some(())
    }

    pub(super) fn after_call_work_ended(
        &mut self,
        agent: AgentId,
        interaction: InteractionId,
        queue: QueueId,
        lasted: Duration,
    ) -> Option<()> {
        self.worked(agent, queue, lasted);
        let now = self.state.now;
        let agent = self.state.agents.get_mut(&agent)?;
        agent.lay_down(now, |work| work.is_after_call_work_of(interaction)).map(drop)
    }

    pub(super) fn worked(&mut self, agent: AgentId, queue: QueueId, lasted: Duration) {
        if let Some(agent) = self.state.agents.get_mut(&agent)
            && !agent.settings.shares.is_empty()
        {
            *agent.worked_in.entry(queue).or_default() += lasted;
        }
    }
}
