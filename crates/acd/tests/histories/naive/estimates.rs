//! What the estimators hear, as said and not as made fast. The estimator itself is the distributor's.

use acd::estimate::{Line, Promise, Staff};

use super::*;

impl Naive {
    pub(super) fn say(&mut self, event: Event) {
        let promise = match event {
            Event::Answered { interaction, queue, .. } | Event::CalledBack { interaction, queue, .. } => {
                self.entry((interaction, queue)).promise
            }
            _ => None,
        };
        let now = self.state.now;
        if let Some(queue) = event.queue().and_then(|queue| self.state.queues.get_mut(&queue)) {
            queue.estimator.hear(now, &event, promise.as_ref());
        }
        self.events.push(event);
    }

    /// Who has to wait is promised something; in numbers only who stands last of all without an own requirement.
    pub(super) fn promise(&mut self, (id, queue): Stand) {
        let line: Vec<InteractionId> = self.line(queue).into_iter().map(|place| place.interaction).collect();
        let is_plain = |id: &InteractionId| self.is_plain((*id, queue));
        let plain: Vec<InteractionId> = line.iter().copied().filter(is_plain).collect();
        let of = |id: InteractionId| self.entry((id, queue)).promise;
        let question = (plain.last() == Some(&id)).then(|| Line {
            ahead: line.len() as u32 - 1,
            available: 0,
            head: if plain[0] == id { None } else { of(plain[0]) },
        });
        let promise = self.state.queues[&queue].estimator.promise(self.state.now, question.as_ref());
        self.entry_mut((id, queue)).promise = Some(promise);
    }

    pub(super) fn is_plain(&self, stand: Stand) -> bool {
        self.state.interactions[&stand.0].requirement.is_none() && self.entry(stand).wanted.is_none()
    }

    /// Who was reserved at once and waits now is promised nothing.
    pub(super) fn promise_nothing_new(&mut self, stand: Stand) {
        let nothing: Promise = self.state.queues[&stand.1].estimator.promise(self.state.now, None);
        self.entry_mut(stand).promise.get_or_insert(nothing);
    }

    fn could_serve(&self, agent: &AgentState, queue: QueueId) -> bool {
        let rules = &self.state.queues[&queue].settings;
        agent.settings.capacity.of(rules.channel) > 0
            && (0..=rules.steps.len()).any(|step| meets(rules, step, &agent.settings.skills))
    }

    /// Who is there for each queue, when everything has come to rest.
    pub(super) fn tell_staff(&mut self) {
        let queues: Vec<QueueId> = self.state.queues.keys().copied().collect();
        for &id in &queues {
            let mut staff = Staff::default();
            for agent in self.state.agents.values().filter(|agent| self.could_serve(agent, id)) {
                staff.logged_in += u32::from(agent.presence != Presence::LoggedOut);
                let is_elsewhere = matches!(agent.aside, Aside::Occupied { .. });
                if agent.presence == Presence::Ready && !is_elsewhere {
                    let places = agent.settings.capacity.of(self.state.queues[&id].settings.channel);
                    staff.working += u32::from(places);
                    let mut others = queues.iter().filter(|&&other| other != id);
                    if others.any(|&other| self.could_serve(agent, other)) {
                        staff.shared += u32::from(places);
                    }
                }
            }
            let queue = self.state.queues.get_mut(&id).expect("known to be here");
            queue.estimator.staffed(self.state.now, staff);
        }
    }

    /// What [`acd::Distributor::estimate_for`] is asked, in each queue: who is ahead, found by looking at everybody.
    pub(crate) fn lines_before(&self, id: InteractionId) -> Vec<(QueueId, Line)> {
        let entries = &self.state.interactions[&id].entries;
        let in_line = entries.iter().filter(|entry| entry.wanted.is_none());
        let queues = in_line.map(|entry| entry.queue).filter(|&queue| self.waits((id, queue)));
        queues.map(|queue| (queue, self.line_before(id, queue))).collect()
    }

    fn line_before(&self, id: InteractionId, queue: QueueId) -> Line {
        let line = self.line(queue);
        let ahead = line.iter().take_while(|place| place.interaction != id).count() as u32;
        let is_plain = |place: &&Place| self.is_plain((place.interaction, queue));
        let first = line.iter().find(is_plain);
        let head = first.and_then(|first| self.entry((first.interaction, queue)).promise);
        Line { ahead, available: 0, head }
    }
}
