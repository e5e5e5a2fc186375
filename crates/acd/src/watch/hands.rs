//! I2: what agents have in hand, by what the events say.

use std::collections::BTreeMap;
use std::time::Duration;

use timing::Instant;

use super::Violation;
use crate::{
    AgentId, Capacity, Channel, Command, Event, InteractionId, Interruptions, QueueId, ReservationEnd,
};

/// One thing in an agent's hands.
#[derive(Clone, Copy, Debug)]
struct Held {
    interaction: InteractionId,
    channel: Channel,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Reserved,
    /// In conversation: interrupted since then, and so long before.
    Handling(Option<Instant>, Duration),
    /// After-call work may follow in the same step.
    Ended,
    AfterCallWork,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Hands {
    interruptions: Interruptions,
    channels: BTreeMap<QueueId, Channel>,
    capacities: BTreeMap<AgentId, Capacity>,
    held: BTreeMap<AgentId, Vec<Held>>,
}

impl Hands {
    pub(super) fn new(interruptions: Interruptions) -> Hands {
        Hands { interruptions, ..Hands::default() }
    }

    pub(super) fn obey(&mut self, command: &Command) {
        if let Command::Configure { settings } = command {
            self.interruptions = settings.interruptions;
        }
        if let Command::DefineQueue { queue, settings } = command {
            self.channels.insert(*queue, settings.channel);
        }
        if let Command::DefineAgent { agent, settings } = command {
            self.capacities.insert(*agent, settings.capacity);
        }
    }

    pub(super) fn hear(&mut self, now: Instant, event: &Event) -> Result<(), Violation> {
        match *event {
            Event::Reserved { interaction, agent, queue, .. } => self.reserved(agent, interaction, queue),
            Event::ReservationEnded { interaction, agent, cause, .. } => {
                if cause != ReservationEnd::Accepted {
                    self.drop(agent, interaction, How::Reserved);
                }
                Ok(())
            }
            Event::Answered { interaction, agent, .. } | Event::CalledBack { interaction, agent, .. } => self
                .change(agent, interaction, |how| {
                    (how == How::Reserved).then_some(How::Handling(None, Duration::ZERO))
                }),
            Event::Interrupted { .. } | Event::Resumed { .. } | Event::HandlingEnded { .. } => {
                self.handled(now, event)
            }
            Event::AfterCallWorkStarted { interaction, agent, .. } => {
                self.change(agent, interaction, |how| (how == How::Ended).then_some(How::AfterCallWork))
            }
            Event::AfterCallWorkEnded { interaction, agent, .. } => {
                self.drop(agent, interaction, How::AfterCallWork);
                Ok(())
            }
            Event::AgentChanged { agent, .. } => {
                self.held.entry(agent).or_default().retain(|held| held.how != How::Ended);
                Ok(())
            }
            Event::AgentRemoved { agent } => {
                self.held.remove(&agent);
                self.capacities.remove(&agent);
                Ok(())
            }
            Event::Queued { .. }
            | Event::StepEntered { .. }
            | Event::OpenedToAll { .. }
            | Event::Changed { .. }
            | Event::Abandoned { .. }
            | Event::Overflowed { .. }
            | Event::Dequeued { .. }
            | Event::CallbackTaken { .. }
            | Event::CallbackRests { .. }
            | Event::CallbackWaits { .. }
            | Event::CallbackCalling { .. }
            | Event::CallbackReached { .. }
            | Event::CallbackHolds { .. }
            | Event::CallbackEnded { .. }
            | Event::CallbackWindow { .. }
            | Event::ReservesChanged { .. }
            | Event::OpenChanged { .. }
            | Event::AfterCallWorkExtended { .. }
            | Event::AgentAside { .. }
            | Event::AgentReachable { .. }
            | Event::ShiftBegan { .. }
            | Event::LeaseExpired { .. }
            | Event::AgentForced { .. }
            | Event::Configured { .. }
            | Event::QueueDefined { .. }
            | Event::QueueRemoved { .. }
            | Event::Refused { .. } => Ok(()),
        }
    }

    /// What befalls a conversation.
    fn handled(&mut self, now: Instant, event: &Event) -> Result<(), Violation> {
        match *event {
            Event::Interrupted { interaction, agent, .. } => {
                self.change(agent, interaction, |how| match how {
                    How::Handling(None, before) => Some(How::Handling(Some(now), before)),
                    How::Reserved | How::Handling(Some(_), _) | How::Ended | How::AfterCallWork => None,
                })
            }
            Event::Resumed { interaction, agent, interrupted_for, .. } => {
                self.change(agent, interaction, |how| match how {
                    How::Handling(Some(since), before) if now - since == interrupted_for => {
                        Some(How::Handling(None, before + interrupted_for))
                    }
                    How::Reserved | How::Handling(..) | How::Ended | How::AfterCallWork => None,
                })
            }
            Event::HandlingEnded { interaction, agent, interrupted_for, .. } => {
                self.change(agent, interaction, |how| match how {
                    How::Handling(since, before) => {
                        let total = before + since.map(|since| now - since).unwrap_or_default();
                        (total == interrupted_for).then_some(How::Ended)
                    }
                    How::Reserved | How::Ended | How::AfterCallWork => None,
                })
            }
            _ => unreachable!("the caller has matched it"),
        }
    }

    fn reserved(
        &mut self,
        agent: AgentId,
        interaction: InteractionId,
        queue: QueueId,
    ) -> Result<(), Violation> {
        let channel = self.channels.get(&queue).copied().unwrap_or_default();
        let capacity = self.capacities.get(&agent).copied().unwrap_or_default();
        let held = self.held.entry(agent).or_default();
        let of_it = held.iter().filter(|held| held.channel == channel).count();
        let may_interrupt =
            |held: &Held| held.channel == channel || self.interruptions.of(held.channel).contains(channel);
        if of_it >= usize::from(capacity.of(channel)) || !held.iter().all(may_interrupt) {
            return Err(Violation::BeyondCapacity { agent, interaction });
        }
        held.push(Held { interaction, channel, how: How::Reserved });
        Ok(())
    }

    fn drop(&mut self, agent: AgentId, interaction: InteractionId, how: How) {
        if let Some(held) = self.held.get_mut(&agent) {
            held.retain(|held| held.interaction != interaction || held.how != how);
        }
    }

    fn change(
        &mut self,
        agent: AgentId,
        interaction: InteractionId,
        change: impl Fn(How) -> Option<How>,
    ) -> Result<(), Violation> {
        let mut all = self.held.get_mut(&agent).into_iter().flatten();
        let changed = all.find_map(|held| {
            let how = change(held.how).filter(|_| held.interaction == interaction)?;
            held.how = how;
            Some(())
        });
        changed.ok_or(Violation::FalseHands(interaction))
    }
}
