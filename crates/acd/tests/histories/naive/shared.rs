//! Settings of the whole, changed at any moment.

use acd::{Invalid, Setting};

use super::*;

impl Naive {
    pub(super) fn configure(&mut self, settings: Settings) -> Result<(), Refusal> {
        for (name, length) in [
            (Setting::HandlingLease, settings.handling_lease),
            (Setting::OccupiedLease, settings.occupied_lease),
            (Setting::LogInLease, settings.log_in_lease),
        ] {
            if length.is_some_and(|length| length.is_zero()) {
                return Err(Refusal::Invalid(Invalid::NoLease(name)));
            }
        }
        if matches!(settings.selection, Selection::LateLast { guard } if guard.is_zero()) {
            return Err(Refusal::Invalid(Invalid::NoGuard));
        }
        let changed = differing(&self.state.settings, &settings);
        let fixed = [Setting::PooledFrom, Setting::PoolsMax, Setting::Seed];
        if let Some(fixed) = changed.iter().find(|setting| fixed.contains(setting)) {
            return Err(Refusal::FixedAtStart(*fixed));
        }
        if self.state.agents.len() > settings.agents_max as usize {
            return Err(Refusal::TooManyAgents);
        }
        if self.state.queues.len() > settings.queues_max as usize {
            return Err(Refusal::TooManyQueues);
        }
        let has_other_estimates = changed.contains(&Setting::Estimate);
        let not_free: Vec<AgentId> =
            self.state.agents.iter().filter(|(_, agent)| !self.is_free(agent)).map(|(&id, _)| id).collect();
        self.state.settings = settings;
        if changed.is_empty() {
            return Ok(());
        }
        self.say(Event::Configured { changed });
        // Whoever can be offered something now and could not before has become available.
        for id in not_free {
            if self.is_free(&self.state.agents[&id]) {
                self.is_free_from_now_on(id);
            }
        }
        if has_other_estimates {
            let (now, rules) = (self.state.now, self.state.settings.estimate);
            self.state.queues.values_mut().for_each(|queue| queue.estimator.configure(now, rules));
        }
        self.cut_after_call_work();
        self.drop_what_was_left();
        let most = self.state.settings.exclusions_max as usize;
        for contact in self.state.interactions.values_mut() {
            let mut by_end: Vec<_> = contact.exclusions.iter().map(|(&id, &until)| (until, id)).collect();
            by_end.sort_unstable();
            by_end.reverse();
            by_end.truncate(most);
            contact.exclusions = by_end.into_iter().map(|(until, id)| (id, until)).collect();
        }
        Ok(())
    }

    /// Nothing lasts longer than it may.
    fn cut_after_call_work(&mut self) {
        let (now, most) = (self.state.now, self.state.settings.after_call_work_max);
        let agents: Vec<AgentId> = self.state.agents.keys().copied().collect();
        for id in agents {
            for work in works(&self.state.agents[&id]) {
                let WorkStage::AfterCallWork { since, until } = work.stage else { continue };
                if until - since <= most {
                    continue;
                }
                if now - since >= most {
                    self.reached.push(label::NO_MORE_AFTER_CALL_WORK);
                    self.close_after_call_work(id, work.interaction);
                    continue;
                }
                let until = since + most;
                self.reached.push(label::SHORTER_AFTER_CALL_WORK);
                self.say(Event::AfterCallWorkExtended { agent: id, interaction: work.interaction, until });
                self.change(id, true, |agent| {
                    revise(agent, |other| {
                        if is_wrap_up_of(other, work.interaction) {
                            other.stage = WorkStage::AfterCallWork { since, until };
                        }
                    });
                });
            }
        }
    }

    /// Where agents may change what is forced, who is here and otherwise has changed it.
    fn drop_what_was_left(&mut self) {
        if self.state.settings.forced_presence == ForcedPresence::HoldsUntilLifted {
            return;
        }
        let has_left = |agent: &AgentState| {
            let is_here = agent.presence != Presence::LoggedOut;
            is_here && agent.forced.is_some_and(|forced| forced.presence != agent.presence)
        };
        let agents = self.state.agents.iter().filter(|(_, agent)| has_left(agent));
        let agents: Vec<AgentId> = agents.map(|(&id, _)| id).collect();
        agents.into_iter().for_each(|id| self.unforce(id));
    }
}

/// What is written otherwise when both are written down.
fn differing(old: &Settings, new: &Settings) -> Vec<Setting> {
    let [old, new] = [old, new].map(|settings| serde_json::to_value(settings).expect("plain data"));
    let all = [
        Setting::AgentsMax,
        Setting::QueuesMax,
        Setting::WaitingMax,
        Setting::SkillsMax,
        Setting::RequirementTermsMax,
        Setting::RequirementDepthMax,
        Setting::ExclusionsMax,
        Setting::FlowOutsMax,
        Setting::HeadStartPerPoint,
        Setting::MissesMax,
        Setting::AfterCallWorkMax,
        Setting::Estimate,
        Setting::HandlingLease,
        Setting::OccupiedLease,
        Setting::LogInLease,
        Setting::ForcedPresence,
        Setting::PooledFrom,
        Setting::PoolsMax,
        Setting::FollowedRequirementsMax,
        Setting::Selection,
        Setting::Seed,
        Setting::Interruptions,
    ];
    let fields = new.as_object().expect("settings have names");
    assert_eq!(fields.len(), all.len(), "each setting has its name");
    all.into_iter().filter(|setting| old[setting.name()] != fields[setting.name()]).collect()
}
