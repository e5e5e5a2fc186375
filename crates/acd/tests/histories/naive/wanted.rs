//! Agents wanted by name, as said and not as made fast.

use super::*;

/// Until when agents are wanted by name.
pub(super) fn until(entry: &EntryState) -> Option<Instant> {
    match entry.wanted {
        Some(Wanted { within: Some(within), .. }) => Some(entry.entered + within),
        Some(Wanted { within: None, .. }) | None => None,
    }
}

/// Whether nobody is named, or this agent.
pub(super) fn is_wanted(entry: &EntryState, agent: AgentId) -> bool {
    entry.wanted.iter().all(|wanted| wanted.agents.contains(&Some(agent)))
}

pub(super) fn asks_no_skills(entry: &EntryState) -> bool {
    entry.wanted.iter().any(|wanted| wanted.regardless_of_skills)
}

impl Naive {
    /// Whether a rule for queues without agents has nothing to say: those who are wanted are there, or it would not
    /// want them any more.
    pub(super) fn is_spared(&self, stand: Stand) -> bool {
        self.entry(stand).wanted.is_some_and(|wanted| wanted.otherwise != Otherwise::Stay)
    }

    /// Whether none of those who are wanted will ever take it as things are.
    fn is_forsaken(&self, stand: Stand) -> bool {
        let (contact, entry) = (&self.state.interactions[&stand.0], self.entry(stand));
        let Some(wanted) = entry.wanted else { return false };
        let rules = &self.state.queues[&entry.queue].settings;
        let could = |name: &AgentId| {
            let Some(agent) = self.state.agents.get(name) else { return false };
            let skills = &agent.settings.skills;
            let is_fit = meets(rules, usize::from(entry.step), skills)
                && contact.requirement.as_ref().is_none_or(|own| own.is_met_by(skills));
            agent.presence != Presence::LoggedOut
                && agent.settings.capacity.of(rules.channel) > 0
                && !contact.exclusions.contains_key(name)
                && (is_fit || wanted.regardless_of_skills)
        };
        wanted.otherwise != Otherwise::Stay && !wanted.agents.iter().flatten().any(could)
    }

    /// Nobody is wanted any more, or the interaction leaves. True where it stays.
    pub(super) fn go_without(&mut self, stand: Stand, end: WantedEnd) -> bool {
        let (interaction, queue) = stand;
        let wanted = self.entry(stand).wanted.expect("the caller has seen whom it wants");
        if let Otherwise::Exit(exit) = wanted.otherwise
            && self.has_exit(stand, exit)
        {
            let cause = match end {
                WantedEnd::Absent => OverflowCause::WantedAbsent,
                WantedEnd::TimedOut => OverflowCause::WantedTimeout,
            };
            self.leave(stand, cause, exit);
            return false;
        }
        self.entry_mut(stand).wanted = None;
        let (waited, _) = self.ages(stand);
        self.say(Event::OpenedToAll { interaction, queue, cause: end, waited });
        true
    }

    /// Everybody who wants agents of whom none is there, in order.
    pub(super) fn free_the_forsaken(&mut self) {
        let waits = |contact: &InteractionState| contact.stage == Stage::Waiting;
        let all = self.state.interactions.iter().filter(|(_, contact)| waits(contact));
        let stands =
            all.flat_map(|(&id, contact)| contact.entries.iter().map(move |entry| (id, entry.queue)));
        let all: BTreeSet<(Place, QueueId)> = stands.map(|(id, queue)| (self.place(id), queue)).collect();
        for (place, queue) in all {
            let stand = (place.interaction, queue);
            if self.waits(stand) && self.is_forsaken(stand) {
                self.go_without(stand, WantedEnd::Absent);
                self.overdue.insert((place, queue));
            }
        }
    }

    /// At entry, before anybody is matched. False where it has left.
    pub(super) fn stays_although_forsaken(&mut self, stand: Stand) -> bool {
        !self.is_forsaken(stand) || self.go_without(stand, WantedEnd::Absent)
    }

    /// At entry, after that: who wants somebody at that moment only. False where it has left.
    pub(super) fn stays_without(&mut self, stand: Stand) -> bool {
        if !self.waits(stand) || until(self.entry(stand)) != Some(self.state.now) {
            return true;
        }
        let stays = self.go_without(stand, WantedEnd::TimedOut);
        if stays {
            self.match_all();
        }
        stays
    }
}
