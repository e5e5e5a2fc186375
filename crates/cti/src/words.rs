//! Names for numbers, and times of the calendar for times of the machines.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use acd::{AgentId, QueueId, ReasonCode, Requirement, ReservationId, SkillId, SupervisorId};
use chrono::{DateTime, SecondsFormat};
use report::{AgentName, Names, ReasonName, SupervisorName};
use timing::Instant;

/// What trunks are called.
pub type TrunkNames = BTreeMap<sip::TrunkId, String>;

/// Everything that a reply needs beside what a machine says.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// Queues, agents, reasons and supervisors.
    pub names: &'a Names,
    /// Trunks.
    pub trunks: &'a TrunkNames,
    /// Reservations for which a customer is being called back.
    pub calling_back: &'a BTreeSet<ReservationId>,
    /// Now, as the machines count.
    pub now: Instant,
    /// The same moment, since 1970 in UTC.
    pub since_1970: Duration,
}

impl Words<'_> {
    /// A time as RFC 3339 writes it, in UTC, to the millisecond.
    pub fn time(&self, at: Instant) -> String {
        let at = if at <= self.now {
            self.since_1970.saturating_sub(self.now.since(at))
        } else {
            self.since_1970 + at.since(self.now)
        };
        let micros = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
        let time = DateTime::from_timestamp_micros(micros).unwrap_or_default();
        time.to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// How long ago a time was, in seconds, to the millisecond.
    pub fn ago(&self, at: Instant) -> f64 {
        seconds(self.now.since(at))
    }

    /// The name of a queue, or the last that it had; its number where none is known.
    pub fn queue(&self, queue: QueueId) -> String {
        self.names.queue(queue).map_or_else(|| format!("#{}", queue.0), str::to_owned)
    }

    /// The id of an agent, or the last that they had; their number where none is known.
    pub fn agent(&self, agent: AgentId) -> String {
        self.names.agent(agent).map_or_else(|| format!("#{}", agent.0), str::to_owned)
    }

    /// The id of a reason, or the last that it had; `missed` for the one that the distributor gives, `other` where
    /// none is known.
    pub fn reason(&self, reason: ReasonCode) -> String {
        match (self.names.reasons.get(&reason), self.names.former.reasons.get(&reason)) {
            (Some(ReasonName { id, .. }), _) | (None, Some(id)) => id.clone(),
            (None, None) if reason == ReasonCode::MISSED => "missed".to_owned(),
            (None, None) => "other".to_owned(),
        }
    }

    /// The id of a supervisor, or the last that they had; their number where none is known.
    pub fn supervisor(&self, supervisor: SupervisorId) -> String {
        match (self.names.supervisors.get(&supervisor), self.names.former.supervisors.get(&supervisor)) {
            (Some(SupervisorName { id, .. }), _) | (None, Some(id)) => id.clone(),
            (None, None) => format!("#{}", supervisor.0),
        }
    }

    /// Which supervisor has this id.
    pub fn find_supervisor(&self, id: &str) -> Option<SupervisorId> {
        let mut supervisors = self.names.supervisors.iter();
        supervisors.find(|(_, supervisor)| supervisor.id == id).map(|(&supervisor, _)| supervisor)
    }

    /// Who has this id.
    pub fn find_agent(&self, id: &str) -> Option<(AgentId, &AgentName)> {
        let mut agents = self.names.agents.iter();
        agents.find(|(_, agent)| agent.id == id).map(|(&agent, name)| (agent, name))
    }

    /// Which queue has this name.
    pub fn find_queue(&self, name: &str) -> Option<QueueId> {
        self.names.queues.iter().find(|(_, queue)| queue.name == name).map(|(&queue, _)| queue)
    }

    /// Which queue has this name, or had it while it was configured: records speak of both.
    pub fn find_queue_ever(&self, name: &str) -> Option<QueueId> {
        let former =
            || self.names.former.queues.iter().find(|(_, former)| *former == name).map(|(&id, _)| id);
        self.find_queue(name).or_else(former)
    }

    /// Who has this id, or had it while they were configured.
    pub fn find_agent_ever(&self, id: &str) -> Option<AgentId> {
        let former = || self.names.former.agents.iter().find(|(_, former)| *former == id).map(|(&id, _)| id);
        self.find_agent(id).map(|(agent, _)| agent).or_else(former)
    }

    /// A requirement as the configuration writes it, with the last names of skills that the configuration has no longer.
    pub fn requirement(&self, requirement: &Requirement) -> String {
        let name = |skill: SkillId| {
            let known = self.names.skills.get(&skill).or_else(|| self.names.former.skills.get(&skill));
            known.map_or_else(|| format!("#{}", skill.0), Clone::clone)
        };
        requirement.text(name)
    }

    /// Which skill has this name.
    pub fn find_skill(&self, name: &str) -> Option<SkillId> {
        self.names.skills.iter().find(|(_, known)| *known == name).map(|(&skill, _)| skill)
    }

    /// Which reason has this id.
    pub fn find_reason(&self, id: &str) -> Option<ReasonCode> {
        self.names.reasons.iter().find(|(_, reason)| reason.id == id).map(|(&reason, _)| reason)
    }
}

/// A duration in seconds, to the millisecond.
pub(crate) fn seconds(duration: Duration) -> f64 {
    // Milliseconds of any duration that matters are exact in a float.
    duration.as_millis() as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_and_after_now_are_those_of_the_calendar() {
        let (names, trunks) = (Names::default(), TrunkNames::new());
        let words = Words {
            names: &names,
            trunks: &trunks,
            calling_back: &BTreeSet::new(),
            now: Instant::from_secs(1_000),
            since_1970: Duration::from_millis(1_700_000_000_250),
        };
        assert_eq!(words.time(Instant::from_secs(1_000)), "2023-11-14T22:13:20.250Z");
        assert_eq!(words.time(Instant::from_secs(940)), "2023-11-14T22:12:20.250Z");
        assert_eq!(words.time(Instant::from_secs(1_001)), "2023-11-14T22:13:21.250Z");
    }
}
