//! What all queues share, while calls wait: what can be changed, what a change says, and what is refused.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Invalid, Settings};
use crate::Selection;

/// The name of one of [`Settings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Setting {
    /// [`Settings::agents_max`].
    AgentsMax,
    /// [`Settings::queues_max`].
    QueuesMax,
    /// [`Settings::waiting_max`].
    WaitingMax,
    /// [`Settings::skills_max`].
    SkillsMax,
    /// [`Settings::requirement_terms_max`].
    RequirementTermsMax,
    /// [`Settings::requirement_depth_max`].
    RequirementDepthMax,
    /// [`Settings::exclusions_max`].
    ExclusionsMax,
    /// [`Settings::flow_outs_max`].
    FlowOutsMax,
    /// [`Settings::head_start_per_point`].
    HeadStartPerPoint,
    /// [`Settings::misses_max`].
    MissesMax,
    /// [`Settings::after_call_work_max`].
    AfterCallWorkMax,
    /// [`Settings::estimate`].
    Estimate,
    /// [`Settings::handling_lease`].
    HandlingLease,
    /// [`Settings::occupied_lease`].
    OccupiedLease,
    /// [`Settings::log_in_lease`].
    LogInLease,
    /// [`Settings::forced_presence`].
    ForcedPresence,
    /// [`Settings::pooled_from`].
    PooledFrom,
    /// [`Settings::pools_max`].
    PoolsMax,
    /// [`Settings::followed_requirements_max`].
    FollowedRequirementsMax,
    /// [`Settings::selection`].
    Selection,
    /// [`Settings::seed`].
    Seed,
    /// [`Settings::interruptions`].
    Interruptions,
}

impl Setting {
    /// The name of the field.
    pub fn name(self) -> &'static str {
        match self {
            Setting::AgentsMax => "agents_max",
            Setting::QueuesMax => "queues_max",
            Setting::WaitingMax => "waiting_max",
            Setting::SkillsMax => "skills_max",
            Setting::RequirementTermsMax => "requirement_terms_max",
            Setting::RequirementDepthMax => "requirement_depth_max",
            Setting::ExclusionsMax => "exclusions_max",
            Setting::FlowOutsMax => "flow_outs_max",
            Setting::HeadStartPerPoint => "head_start_per_point",
            Setting::MissesMax => "misses_max",
            Setting::AfterCallWorkMax => "after_call_work_max",
            Setting::Estimate => "estimate",
            Setting::HandlingLease => "handling_lease",
            Setting::OccupiedLease => "occupied_lease",
            Setting::LogInLease => "log_in_lease",
            Setting::ForcedPresence => "forced_presence",
            Setting::PooledFrom => "pooled_from",
            Setting::PoolsMax => "pools_max",
            Setting::FollowedRequirementsMax => "followed_requirements_max",
            Setting::Selection => "selection",
            Setting::Seed => "seed",
            Setting::Interruptions => "interruptions",
        }
    }

    /// Whether it holds from the beginning to the end. By another seed a history could not be played again from its
    /// settings; how agents are looked at together decides nothing, so that nobody needs to change it under calls.
    pub fn is_fixed(self) -> bool {
        matches!(self, Setting::Seed | Setting::PooledFrom | Setting::PoolsMax)
    }

    /// Whether it says what may be defined. It cannot be lowered below what is.
    pub(crate) fn bounds_what_is_defined(self) -> bool {
        match self {
            Setting::AgentsMax
            | Setting::QueuesMax
            | Setting::SkillsMax
            | Setting::RequirementTermsMax
            | Setting::RequirementDepthMax => true,
            Setting::WaitingMax
            | Setting::ExclusionsMax
            | Setting::FlowOutsMax
            | Setting::HeadStartPerPoint
            | Setting::MissesMax
            | Setting::AfterCallWorkMax
            | Setting::Estimate
            | Setting::HandlingLease
            | Setting::OccupiedLease
            | Setting::LogInLease
            | Setting::ForcedPresence
            | Setting::PooledFrom
            | Setting::PoolsMax
            | Setting::FollowedRequirementsMax
            | Setting::Selection
            | Setting::Seed
            | Setting::Interruptions => false,
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Settings {
    /// What is another in `other`, in the order of the fields.
    pub fn difference(&self, other: &Settings) -> Vec<Setting> {
        // Every field by its name, so that a new one cannot be forgotten.
        let Settings {
            agents_max,
            queues_max,
            waiting_max,
            skills_max,
            requirement_terms_max,
            requirement_depth_max,
            exclusions_max,
            flow_outs_max,
            head_start_per_point,
            misses_max,
            after_call_work_max,
            estimate,
            handling_lease,
            occupied_lease,
            log_in_lease,
            forced_presence,
            pooled_from,
            pools_max,
            followed_requirements_max,
            selection,
            seed,
            interruptions,
        } = self;
        let all = [
            (Setting::AgentsMax, *agents_max != other.agents_max),
            (Setting::QueuesMax, *queues_max != other.queues_max),
            (Setting::WaitingMax, *waiting_max != other.waiting_max),
            (Setting::SkillsMax, *skills_max != other.skills_max),
            (Setting::RequirementTermsMax, *requirement_terms_max != other.requirement_terms_max),
            (Setting::RequirementDepthMax, *requirement_depth_max != other.requirement_depth_max),
            (Setting::ExclusionsMax, *exclusions_max != other.exclusions_max),
            (Setting::FlowOutsMax, *flow_outs_max != other.flow_outs_max),
            (Setting::HeadStartPerPoint, *head_start_per_point != other.head_start_per_point),
            (Setting::MissesMax, *misses_max != other.misses_max),
            (Setting::AfterCallWorkMax, *after_call_work_max != other.after_call_work_max),
            (Setting::Estimate, *estimate != other.estimate),
            (Setting::HandlingLease, *handling_lease != other.handling_lease),
            (Setting::OccupiedLease, *occupied_lease != other.occupied_lease),
            (Setting::LogInLease, *log_in_lease != other.log_in_lease),
            (Setting::ForcedPresence, *forced_presence != other.forced_presence),
            (Setting::PooledFrom, *pooled_from != other.pooled_from),
            (Setting::PoolsMax, *pools_max != other.pools_max),
            (Setting::FollowedRequirementsMax, *followed_requirements_max != other.followed_requirements_max),
            (Setting::Selection, *selection != other.selection),
            (Setting::Seed, *seed != other.seed),
            (Setting::Interruptions, *interruptions != other.interruptions),
        ];
        all.into_iter().filter_map(|(setting, differs)| differs.then_some(setting)).collect()
    }

    /// Whether the settings of a running distributor can become these.
    pub(crate) fn check(&self) -> Result<(), Invalid> {
        let leases = [
            (Setting::HandlingLease, self.handling_lease),
            (Setting::OccupiedLease, self.occupied_lease),
            (Setting::LogInLease, self.log_in_lease),
        ];
        if let Some((lease, _)) = leases.into_iter().find(|&(_, length)| length == Some(Duration::ZERO)) {
            return Err(Invalid::NoLease(lease));
        }
        if self.selection == (Selection::LateLast { guard: Duration::ZERO }) {
            return Err(Invalid::NoGuard);
        }
        Ok(())
    }
}
