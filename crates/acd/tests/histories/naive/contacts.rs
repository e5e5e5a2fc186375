//! Interactions and reservations, as said and not as made fast.

use super::*;

impl Naive {
    pub(super) fn enqueue(&mut self, id: InteractionId, request: Request) -> Result<(), Refusal> {
        let Request { queue, also, priority, requirement, arrived, wanted } = request;
        if !self.state.queues.contains_key(&queue) {
            return Err(Refusal::UnknownQueue(queue));
        }
        if also.len() + 1 > ENTRIES_MAX {
            return Err(Refusal::TooManyEntries);
        }
        let mut queues = vec![queue];
        let in_several = !also.is_empty();
        for queue in also {
            if !self.state.queues.contains_key(&queue) {
                return Err(Refusal::UnknownQueue(queue));
            }
            if queues.contains(&queue) {
                return Err(Refusal::DuplicateQueue(queue));
            }
            if self.state.queues[&queue].settings.channel != self.state.queues[&queues[0]].settings.channel {
                return Err(Refusal::OtherChannel(queue));
            }
            queues.push(queue);
        }
        let is_shut = |queue: &QueueId| {
            let queue = &self.state.queues[queue];
            !queue.open && queue.settings.closed.is_some()
        };
        if queues.iter().all(is_shut) {
            queues.truncate(1);
        } else {
            queues.retain(|queue| !is_shut(queue));
        }
        if self.state.interactions.contains_key(&id) {
            return Err(Refusal::DuplicateInteraction(id));
        }
        if let Some(requirement) = &requirement {
            self.check_size(requirement)?;
        }
        self.check_wanted(wanted, queue, in_several)?;
        let is_unanswered = |entry: &&InteractionState| !matches!(entry.stage, Stage::Handling { .. });
        let unanswered = self.state.interactions.values().filter(is_unanswered).count();
        if unanswered >= self.state.settings.waiting_max as usize {
            return Err(Refusal::TooManyWaiting);
        }
        let now = self.state.now;
        let entry = InteractionState {
            priority,
            requirement,
            arrived: arrived.unwrap_or(now).min(now),
            flow_outs: 0,
            exclusions: BTreeMap::new(),
            callback: None,
            stage: Stage::Waiting,
            entries: queues.iter().map(|&queue| self.fresh_entry(queue, wanted)).collect(),
        };
        self.state.interactions.insert(id, entry);
        if let [only] = queues[..] {
            self.enter((id, only), only, None);
            return Ok(());
        }
        for &queue in &queues {
            self.offer((id, queue), None);
            self.advance((id, queue));
            self.begins_to_wait((id, queue));
        }
        self.match_all();
        for queue in queues {
            self.stay_or_go((id, queue));
        }
        Ok(())
    }

    fn check_wanted(&self, wanted: Option<Wanted>, queue: QueueId, in_several: bool) -> Result<(), Refusal> {
        if let Some(wanted) = &wanted {
            let names: Vec<AgentId> = wanted.agents.iter().copied().flatten().collect();
            let different: BTreeSet<&AgentId> = names.iter().collect();
            if names.len() != different.len() || names.is_empty() {
                return Err(Refusal::Invalid(acd::Invalid::WantedAgents));
            }
            if wanted.otherwise == Otherwise::Stay && wanted.within.is_some() {
                return Err(Refusal::Invalid(acd::Invalid::StayAndEnd));
            }
            if wanted.otherwise == Otherwise::Exit(Exit::Queue(queue)) {
                return Err(Refusal::UselessExit(queue));
            }
            if in_several {
                return Err(Refusal::Invalid(acd::Invalid::WantedInSeveral));
            }
        }
        Ok(())
    }

    pub(super) fn check_size(&self, requirement: &Requirement) -> Result<(), Refusal> {
        let size = requirement.size();
        if size.terms > self.state.settings.requirement_terms_max as usize {
            return Err(Refusal::Invalid(acd::Invalid::RequirementTooLarge));
        }
        if size.depth > self.state.settings.requirement_depth_max as usize {
            return Err(Refusal::Invalid(acd::Invalid::RequirementTooDeep));
        }
        Ok(())
    }

    fn fresh_entry(&self, queue: QueueId, wanted: Option<Wanted>) -> EntryState {
        let rules = self.state.queues[&queue].rules;
        EntryState { rules, wanted, ..EntryState::new(queue, self.state.now) }
    }

    /// Where it stood in another queue so far, it stands in this one.
    pub(super) fn enter(&mut self, stand: Stand, queue: QueueId, from: Option<QueueId>) {
        let wanted = self.entry(stand).wanted.filter(|_| from.is_none());
        *self.entry_mut(stand) = self.fresh_entry(queue, wanted);
        let stand = (stand.0, queue);
        // A callback that was at rest goes on to rest.
        let came_at = std::mem::replace(&mut self.contact(stand.0).stage, Stage::Waiting);
        self.offer(stand, from);
        let entry = &self.state.queues[&queue];
        if let (false, Some(rule)) = (entry.open, entry.settings.closed)
            && self.has_exit(stand, rule.exit)
        {
            return self.leave(stand, OverflowCause::Closed, rule.exit);
        }
        self.advance(stand);
        if self.rests_at_entry(stand.0, came_at) {
            return;
        }
        if !self.stays_although_forsaken(stand) {
            return;
        }
        self.begins_to_wait(stand);
        self.match_all();
        self.stay_or_go(stand);
    }

    fn offer(&mut self, stand: Stand, from: Option<QueueId>) {
        let ((id, queue), now) = (stand, self.state.now);
        let contact = self.contact(id);
        let (priority, waited, age) = (contact.priority, Duration::ZERO, now - contact.arrived);
        let comes_from_another = from.is_some();
        self.count(queue, |counters| {
            counters.offered += 1;
            counters.flowed_in += u64::from(comes_from_another);
        });
        let beside = from.is_none() && self.state.interactions[&id].first().queue != queue;
        self.say(Event::Queued { interaction: id, queue, from, beside, priority, waited, age });
    }

    /// Who has just entered a queue that is deserted or full goes on, whoever has to wait there is promised something.
    fn stay_or_go(&mut self, stand: Stand) {
        if !self.waits(stand) || !self.stays_without(stand) || !self.waits(stand) {
            return;
        }
        let queue = stand.1;
        let entry = &self.state.queues[&queue];
        if let (Staffing::Deserted { .. }, Some(rule)) = (entry.staffing, entry.settings.nobody_logged_in)
            && !self.is_spared(stand)
            && self.has_exit(stand, rule.exit)
        {
            return self.leave(stand, OverflowCause::NobodyLoggedIn, rule.exit);
        }
        if let Some(rule) = entry.settings.max_length
            && self.line(queue).len() > rule.waiting as usize
            && self.has_exit(stand, rule.exit)
        {
            return self.leave(stand, OverflowCause::MaxLength, rule.exit);
        }
        if let Some((cause, exit)) = self.rule_at_entry(stand) {
            return self.leave(stand, cause, exit);
        }
        self.promise(stand);
    }

    pub(super) fn leave(&mut self, stand: Stand, cause: OverflowCause, exit: Exit) {
        let (id, from) = stand;
        let others = self.elsewhere(stand);
        let stays = match exit {
            Exit::Leave(_) => !others.is_empty(),
            Exit::Queue(next) => others.contains(&next),
        };
        self.overflow(stand, cause, exit, stays);
        match exit {
            Exit::Leave(_) | Exit::Queue(_) if stays => self.end_entry(stand),
            Exit::Leave(_) => drop(self.state.interactions.remove(&id)),
            Exit::Queue(queue) => {
                self.contact(id).flow_outs += 1;
                self.enter(stand, queue, Some(from));
            }
        }
    }

    pub(super) fn overflow(&mut self, stand: Stand, cause: OverflowCause, exit: Exit, elsewhere: bool) {
        let (id, queue) = stand;
        let (waited, age) = self.ages(stand);
        self.count(queue, |counters| {
            counters.overflowed += 1;
            counters.flowed_out += u64::from(!elsewhere && matches!(exit, Exit::Queue(_)));
            counters.left += u64::from(!elsewhere && matches!(exit, Exit::Leave(_)));
        });
        self.say(Event::Overflowed { interaction: id, queue, waited, age, cause, exit, elsewhere });
    }

    /// The other queues in which it stands.
    pub(super) fn elsewhere(&self, (id, queue): Stand) -> Vec<QueueId> {
        let entries = self.state.interactions[&id].entries.iter().map(|entry| entry.queue);
        entries.filter(|&other| other != queue).collect()
    }

    /// It stands in that queue no more, but in others.
    fn end_entry(&mut self, (id, queue): Stand) {
        self.contact(id).entries.retain(|entry| entry.queue != queue);
    }

    /// It leaves a queue because of what became of it in another.
    pub(super) fn dequeue(&mut self, stand: Stand, cause: DequeueCause) {
        let (interaction, queue) = stand;
        let (waited, age) = self.ages(stand);
        self.count(queue, |counters| counters.dequeued += 1);
        self.say(Event::Dequeued { interaction, queue, waited, age, cause });
        self.end_entry(stand);
    }

    /// The estimators of the other queues see one less in their lines: no event of theirs tells it.
    pub(super) fn others_lose(&mut self, stand: Stand) {
        let now = self.state.now;
        for queue in self.elsewhere(stand) {
            self.state.queues.get_mut(&queue).expect("known to be here").estimator.left(now);
        }
    }

    /// Since entry into that queue, and since arrival.
    pub(super) fn ages(&self, stand: Stand) -> (Duration, Duration) {
        let now = self.state.now;
        (now - self.entry(stand).entered, now - self.state.interactions[&stand.0].arrived)
    }

    pub(super) fn advance(&mut self, stand: Stand) {
        let (step, cause) = self.step_now(stand, self.entry(stand).step);
        self.set_step(stand, step, cause);
    }

    pub(super) fn set_step(&mut self, stand: Stand, step: u8, cause: StepCause) {
        let (id, queue) = stand;
        let (waited, _) = self.ages(stand);
        if cause == StepCause::Unstaffed
            && self.past_unstaffed(queue, usize::from(step) - 1) < usize::from(step)
        {
            self.reached.push(label::PASSED_OVER_FOR_AN_OWN_REQUIREMENT);
        }
        let entry = self.entry_mut(stand);
        if entry.step != step {
            entry.step = step;
            self.say(Event::StepEntered { interaction: id, queue, step, cause, waited });
        }
    }

    pub(super) fn leave_if_too_old(&mut self, stand: Stand) {
        if !self.waits(stand) {
            return;
        }
        if until(self.entry(stand)).is_some_and(|until| until <= self.state.now) {
            self.go_without(stand, WantedEnd::TimedOut);
            self.match_all();
            return self.leave_if_too_old(stand);
        }
        let (entry, queue) = (self.entry(stand), &self.state.queues[&stand.1]);
        if let (false, Some(rule)) = (queue.open, queue.settings.closed)
            && rule.waiting == AtClosing::Leave
            && self.has_exit(stand, rule.exit)
        {
            return self.leave(stand, OverflowCause::Closed, rule.exit);
        }
        if let (Staffing::Deserted { .. }, Some(rule)) = (queue.staffing, queue.settings.nobody_logged_in)
            && !self.is_spared(stand)
            && self.has_exit(stand, rule.exit)
        {
            return self.leave(stand, OverflowCause::NobodyLoggedIn, rule.exit);
        }
        let waited = self.state.now - entry.entered;
        let is_callback = self.state.interactions[&stand.0].callback.is_some();
        if let Some(rule) = queue.settings.max_wait
            && waited >= rule.after
            && !entry.overdue
            && !is_callback
        {
            if self.has_exit(stand, rule.exit) {
                return self.leave(stand, OverflowCause::MaxWait, rule.exit);
            }
            self.entry_mut(stand).overdue = true;
        }
        if !is_callback && let Some((cause, exit)) = self.rule_after(stand, waited) {
            self.leave(stand, cause, exit);
        }
    }

    pub(super) fn cancel(&mut self, id: InteractionId) -> Result<(), Refusal> {
        let entry = self.present(id)?.clone();
        if self.is_pending(id) {
            self.cancel_callback(id, CallbackEnd::Cancelled);
            return Ok(());
        }
        let (during, agents) = match entry.stage {
            Stage::Waiting => {
                self.others_lose((id, entry.first().queue));
                (AbandonedDuring::Waiting, Vec::new())
            }
            Stage::Reserved { .. } => {
                (AbandonedDuring::Reserved, self.end_all(id, ReservationEnd::Cancelled))
            }
            Stage::Resting { .. } => panic!("only callbacks rest"),
            Stage::Handling { .. } => return Err(Refusal::WrongStage(id)),
        };
        let queue = entry.first().queue;
        let (waited, age) = self.ages((id, queue));
        self.count(queue, |counters| counters.abandoned += 1);
        self.say(Event::Abandoned { interaction: id, queue, waited, age, during });
        for other in self.elsewhere((id, queue)) {
            self.dequeue((id, other), DequeueCause::Abandoned);
        }
        self.state.interactions.remove(&id);
        for (agent, reservation) in agents {
            self.unhand(agent, reservation);
        }
        Ok(())
    }

    /// The agent as if the reservation had not been.
    pub(super) fn unhand(&mut self, agent: AgentId, reservation: ReservationId) {
        let now = self.state.now;
        self.change(agent, false, |agent| keep(agent, now, |work| !is_held_by(work, reservation)));
    }

    pub(super) fn alter(
        &mut self,
        id: InteractionId,
        wanted: Change,
        by: Option<SupervisorId>,
    ) -> Result<(), Refusal> {
        let contact = self.present(id)?;
        let queues: Vec<QueueId> = contact.entries.iter().map(|entry| entry.queue).collect();
        if matches!(contact.stage, Stage::Handling { .. }) {
            return Err(Refusal::WrongStage(id));
        }
        if let Some(queue) = wanted.queue {
            let channel = |queue| self.state.queues.get(&queue).map(|queue| queue.settings.channel);
            match channel(queue) {
                None => return Err(Refusal::UnknownQueue(queue)),
                there if there != channel(queues[0]) => return Err(Refusal::OtherChannel(queue)),
                Some(_) if self.is_one_too_many(id, queue) => return Err(Refusal::TooManyCallbacks(queue)),
                Some(_) => {}
            }
        }
        if let Some(Some(requirement)) = &wanted.requirement {
            self.check_size(requirement)?;
        }
        let mut change = wanted;
        if change.priority == Some(contact.priority) {
            change.priority = None;
        }
        if change.requirement.as_ref() == Some(&contact.requirement) {
            change.requirement = None;
        }
        if change.queue.is_some_and(|queue| queues == [queue]) {
            change.queue = None;
        }
        let is_more_than_priority = change.requirement.is_some() || change.queue.is_some();
        if contact.stage != Stage::Waiting && is_more_than_priority {
            return Err(Refusal::WrongStage(id));
        }
        self.say(Event::Changed { interaction: id, queue: queues[0], change: Box::new(change.clone()), by });
        let contact = self.contact(id);
        if let Some(priority) = change.priority {
            contact.priority = priority;
        }
        if let Some(requirement) = change.requirement {
            contact.requirement = requirement;
            let stays = |queue: &&QueueId| change.queue.is_none_or(|to| to == **queue);
            for stand in queues.iter().filter(stays).map(|&queue| (id, queue)) {
                self.advance(stand);
                self.begins_to_wait(stand);
            }
        }
        if let Some(queue) = change.queue {
            self.relocate(id, &queues, queue);
        }
        Ok(())
    }

    fn relocate(&mut self, id: InteractionId, queues: &[QueueId], queue: QueueId) {
        let from = queues[0];
        let now = self.state.now;
        for &other in queues[1..].iter().filter(|&&other| other != queue) {
            self.state.queues.get_mut(&other).expect("known to be here").estimator.left(now);
            self.dequeue((id, other), DequeueCause::Moved);
        }
        if from != queue {
            let stands_there = queues.contains(&queue);
            self.overflow((id, from), OverflowCause::Moved, Exit::Queue(queue), stands_there);
            if stands_there {
                self.end_entry((id, from));
            } else {
                self.enter((id, from), queue, Some(from));
            }
        }
    }

    pub(super) fn end(&mut self, id: ReservationId, cause: ReservationEnd) -> ReservationState {
        let record = self.state.reservations.remove(&id).expect("known to be here");
        let left = self.rung_for(record.interaction).len() as u8;
        self.count(record.queue, |counters| match cause {
            ReservationEnd::Accepted => {}
            ReservationEnd::Rejected(RejectCause::Busy | RejectCause::Rejected) => counters.declined += 1,
            ReservationEnd::Rejected(RejectCause::NoResources) => counters.no_resources += 1,
            ReservationEnd::Rejected(_) | ReservationEnd::Expired => counters.missed += 1,
            ReservationEnd::Withdrawn => counters.withdrawn += 1,
            ReservationEnd::Cancelled => counters.cancelled += 1,
            ReservationEnd::TakenByAnother => counters.taken += 1,
            ReservationEnd::CallFailed(_) | ReservationEnd::CallExpired => counters.calls_failed += 1,
        });
        if left == 0 {
            self.contact(record.interaction).stage = Stage::Waiting;
        }
        self.say(Event::ReservationEnded {
            reservation: id,
            interaction: record.interaction,
            agent: record.agent,
            queue: record.queue,
            cause,
            lasted: self.state.now - record.since,
            left,
        });
        record
    }

    pub(super) fn rung_for(&self, id: InteractionId) -> Vec<ReservationId> {
        let held = self.state.reservations.iter().filter(|(_, held)| held.interaction == id);
        held.map(|(&reservation, _)| reservation).collect()
    }

    /// Ends whatever rings for an interaction, and tells who is free by that.
    pub(super) fn end_all(
        &mut self,
        id: InteractionId,
        cause: ReservationEnd,
    ) -> Vec<(AgentId, ReservationId)> {
        let rung = self.rung_for(id).into_iter();
        rung.map(|reservation| (self.end(reservation, cause).agent, reservation)).collect()
    }

    /// At the step that it has come to, or by rules that have changed meanwhile at that of its age.
    fn go_on_by_the_rules(&mut self, stand: Stand) {
        if self.entry(stand).rules == self.state.queues[&stand.1].rules {
            return self.advance(stand);
        }
        self.take_new_rules(stand);
    }

    pub(super) fn take_new_rules(&mut self, stand: Stand) {
        let rules = self.state.queues[&stand.1].rules;
        let entry = self.entry_mut(stand);
        (entry.rules, entry.overdue) = (rules, false);
        let (step, _) = self.step_now(stand, 0);
        self.set_step(stand, step, StepCause::Changed);
    }

    /// Unless somebody else is still rung for it; then it comes to the step of its age all the same.
    pub(super) fn wait_again(&mut self, id: InteractionId, rung_in: QueueId) {
        if !self.rung_for(id).is_empty() {
            let (stand, before) = ((id, self.ringing_queue(id)), self.events.len());
            if self.entry(stand).rules == self.state.queues[&stand.1].rules {
                self.advance(stand);
            }
            if self.events.len() > before {
                self.reached.push(label::STEP_WHILE_RUNG);
            }
            return;
        }
        if self.ends_or_rests(id) {
            return;
        }
        let queues: Vec<QueueId> =
            self.state.interactions[&id].entries.iter().map(|entry| entry.queue).collect();
        for queue in queues {
            self.go_on_by_the_rules((id, queue));
            self.begins_to_wait((id, queue));
            self.promise_nothing_new((id, queue));
            self.returned.insert((self.place(id), queue));
            if queue != rung_in {
                let now = self.state.now;
                self.state.queues.get_mut(&queue).expect("known to be here").estimator.entered(now);
            }
        }
    }

    pub(super) fn accept(&mut self, id: ReservationId) -> Result<(), Refusal> {
        if !self.state.reservations.contains_key(&id) {
            return Err(Refusal::StaleReservation(id));
        }
        let ReservationState { interaction, phase, .. } = self.state.reservations[&id];
        if phase != Phase::Ringing {
            return Err(Refusal::WrongStage(interaction));
        }
        if self.is_pending(interaction) {
            self.call_customer(id);
        } else {
            self.begin_conversation(id);
        }
        Ok(())
    }

    pub(super) fn begin_conversation(&mut self, id: ReservationId) {
        let ReservationState { interaction, agent, queue, .. } = self.end(id, ReservationEnd::Accepted);
        let now = self.state.now;
        let too_late = self.end_all(interaction, ReservationEnd::TakenByAnother);
        let entry = self.contact(interaction);
        entry.stage = Stage::Handling { agent, since: now };
        entry.exclusions.clear();
        let (waited, age) = self.ages((interaction, queue));
        let by_name = self.entry((interaction, queue)).wanted.is_some();
        match self.state.interactions[&interaction].callback {
            None => {
                self.count(queue, |counters| counters.answered += 1);
                self.say(Event::Answered { interaction, queue, agent, waited, age, by_name });
            }
            Some(callback) => {
                self.count(queue, |counters| counters.called_back += 1);
                let failed = callback.failed;
                self.say(Event::CalledBack { interaction, queue, agent, waited, age, failed });
            }
        }
        self.entry_mut((interaction, queue)).promise = None;
        for other in self.elsewhere((interaction, queue)) {
            self.dequeue((interaction, other), DequeueCause::Answered);
        }
        self.change(agent, false, |agent| {
            // What was answered last stands last.
            let (held, mut all): (Vec<Work>, Vec<Work>) =
                works(agent).into_iter().partition(|work| is_held_by(work, id));
            let interrupted = Interruption { since: None, before: Duration::ZERO };
            let stage = WorkStage::Handling { since: now, renewed: now, interrupted };
            all.extend(held.into_iter().map(|work| Work { stage, ..work }));
            agent.works = all.into_iter().collect();
            agent.misses = 0;
            agent.handled += 1;
        });
        for (agent, reservation) in too_late {
            self.unhand(agent, reservation);
        }
    }

    pub(super) fn reject(&mut self, id: ReservationId, cause: RejectCause) -> Result<(), Refusal> {
        if !self.state.reservations.contains_key(&id) {
            return Err(Refusal::StaleReservation(id));
        }
        self.fail(id, ReservationEnd::Rejected(cause));
        Ok(())
    }

    pub(super) fn fail(&mut self, id: ReservationId, end: ReservationEnd) {
        let ended = self.end(id, end);
        let ReservationState { interaction, agent, queue, .. } = ended;
        let rules = self.state.queues[&queue].settings.back_offs.clone();
        let (back_off, miss) = match end {
            ReservationEnd::Rejected(RejectCause::Busy) => (rules.busy, 0),
            ReservationEnd::Rejected(RejectCause::Rejected) => (rules.rejected, 0),
            ReservationEnd::Rejected(RejectCause::NoResources) => (rules.no_resources, 0),
            ReservationEnd::Rejected(RejectCause::Unreachable) => (rules.unreachable, 1),
            ReservationEnd::Rejected(RejectCause::NoAnswer) | ReservationEnd::Expired => (rules.no_answer, 1),
            ReservationEnd::Accepted
            | ReservationEnd::Cancelled
            | ReservationEnd::Withdrawn
            | ReservationEnd::TakenByAnother
            | ReservationEnd::CallFailed(_)
            | ReservationEnd::CallExpired => panic!("no failure of an agent"),
        };
        let (now, most) = (self.state.now, self.state.settings.misses_max);
        self.change(agent, true, |agent| {
            agent.misses += miss;
            if most > 0 && agent.misses >= most && agent.presence == Presence::Ready {
                agent.presence = Presence::NotReady(ReasonCode::MISSED);
            }
            keep(agent, now, |work| !is_held_by(work, id));
            let until = now + back_off.pause;
            if agent.presence == Presence::Ready && until > now {
                agent.aside = match agent.aside {
                    Aside::Nothing { .. } => Aside::BackingOff { since: now, until },
                    Aside::BackingOff { since, until: other } => {
                        Aside::BackingOff { since, until: until.max(other) }
                    }
                    occupied @ Aside::Occupied { .. } => occupied,
                };
            }
        });
        self.exclude(interaction, agent, back_off);
        self.go_on(ended);
    }

    /// Whom an offer was made to in vain is not offered the interaction for a while, as long as there is somebody else:
    /// who is logged in, could take it and has not been tried in vain. Where there is nobody, all begin anew.
    fn exclude(&mut self, id: InteractionId, agent: AgentId, BackOff { pause, exclusion }: BackOff) {
        let (now, bound) = (self.state.now, self.state.settings.exclusions_max as usize);
        let contact = &self.state.interactions[&id];
        let could = |other: &AgentState| {
            contact.entries.iter().any(|entry| {
                let (rules, skills) = (&self.state.queues[&entry.queue].settings, &other.settings.skills);
                other.presence != Presence::LoggedOut
                    && other.settings.capacity.of(rules.channel) > 0
                    && meets(rules, self.step_of((id, entry.queue)), skills)
                    && contact.requirement.as_ref().is_none_or(|own| own.is_met_by(skills))
            })
        };
        let is_by_name = contact.entries.iter().any(|entry| entry.wanted.is_some());
        let mut others = self.state.agents.iter();
        let mut lasts = exclusion;
        if !is_by_name
            && !others
                .any(|(other, of)| *other != agent && !contact.exclusions.contains_key(other) && could(of))
        {
            lasts = if pause.is_zero() { exclusion.min(Duration::from_secs(5)) } else { Duration::ZERO };
            if !contact.exclusions.is_empty() {
                self.reached.push(label::ALL_TRIED_IN_VAIN);
            }
            self.contact(id).exclusions.clear();
            self.reached.push(label::THE_ONLY_AGENT_FAILED);
        }
        let exclusions = &mut self.contact(id).exclusions;
        if lasts.is_zero() || bound == 0 {
            return;
        }
        if exclusions.len() == bound {
            let soonest = exclusions.iter().map(|(&id, &until)| (until, id)).min().expect("known to be here");
            exclusions.remove(&soonest.1);
        }
        exclusions.insert(agent, now + lasts);
    }

    pub(super) fn finish(&mut self, id: InteractionId, cause: HandlingEnd) -> Result<(), Refusal> {
        let entry = self.present(id)?.clone();
        let Stage::Handling { agent, since } = entry.stage else { return Err(Refusal::WrongStage(id)) };
        let (now, queue) = (self.state.now, entry.first().queue);
        self.state.interactions.remove(&id);
        self.count(queue, |counters| {
            counters.finished += 1;
            counters.expired += u64::from(cause == HandlingEnd::LeaseExpired);
        });
        let handled_for = now - since;
        let interrupted_for = self.interrupted_for(agent, id);
        self.say(Event::HandlingEnded { interaction: id, queue, agent, handled_for, interrupted_for, cause });
        self.note_work(agent, queue, handled_for);
        self.wrap_up(id, queue, agent);
        Ok(())
    }

    pub(super) fn give_back(&mut self, id: InteractionId) -> Result<(), Refusal> {
        let entry = self.present(id)?.clone();
        let Stage::Handling { agent, since } = entry.stage else { return Err(Refusal::WrongStage(id)) };
        let (now, queue) = (self.state.now, entry.first().queue);
        let Some(rules) = self.state.queues.get(&queue) else { return Err(Refusal::UnknownQueue(queue)) };
        let exclusion = rules.settings.back_offs.rejected.exclusion;
        let is_unanswered = |entry: &&InteractionState| !matches!(entry.stage, Stage::Handling { .. });
        let unanswered = self.state.interactions.values().filter(is_unanswered).count();
        if unanswered >= self.state.settings.waiting_max as usize {
            return Err(Refusal::TooManyWaiting);
        }
        self.count(queue, |counters| {
            counters.finished += 1;
            counters.returned += 1;
            counters.offered += 1;
        });
        let handled_for = now - since;
        let interrupted_for = self.interrupted_for(agent, id);
        let cause = HandlingEnd::Returned;
        self.say(Event::HandlingEnded { interaction: id, queue, agent, handled_for, interrupted_for, cause });
        self.note_work(agent, queue, handled_for);
        self.wrap_up(id, queue, agent);
        self.say(Event::Queued {
            interaction: id,
            queue,
            from: Some(queue),
            beside: false,
            priority: entry.priority,
            waited: now - entry.first().entered,
            age: now - entry.arrived,
        });
        let entry = self.contact(id);
        entry.stage = Stage::Waiting;
        entry.entries[0].overdue = false;
        self.exclude(id, agent, BackOff { pause: Duration::ZERO, exclusion });
        self.wait_again(id, queue);
        // Who was cut off is not sent away where somebody is free.
        self.overdue.append(&mut self.returned);
        Ok(())
    }

    fn interrupted_for(&self, agent: AgentId, id: InteractionId) -> Duration {
        let of = |work: Work| match work.stage {
            WorkStage::Handling { interrupted, .. } if work.interaction == id => {
                let now = interrupted.since.map(|since| self.state.now - since);
                Some(interrupted.before + now.unwrap_or_default())
            }
            _ => None,
        };
        works(&self.state.agents[&agent]).into_iter().find_map(of).expect("it is in conversation")
    }

    fn wrap_up(&mut self, id: InteractionId, queue: QueueId, agent: AgentId) {
        let now = self.state.now;
        let person = &self.state.agents[&agent];
        let is_it = |work: &Work| work.interaction == id && matches!(work.stage, WorkStage::Handling { .. });
        if person.leaving && works(person).iter().all(is_it) {
            return self.drop_agent(agent);
        }
        let rules = self.state.queues.get(&queue).map(|queue| queue.settings.clone()).unwrap_or_default();
        let mut length = person.settings.after_call_work.unwrap_or(rules.after_call_work);
        if length < rules.after_call_work_min {
            length = rules.after_call_work_min;
        }
        length = length.min(self.longest_after_call_work(queue));
        if person.presence == Presence::LoggedOut || length == Duration::ZERO {
            self.change(agent, true, |agent| {
                keep(agent, now, |work| !is_it(work));
                agent.handled_at = now;
            });
            return;
        }
        if let Some(work) = works(person).into_iter().find(|work| is_wrap_up_of(work, id)) {
            self.say_after_call_work_ended(agent, &work);
        }
        let until = now + length;
        self.say(Event::AfterCallWorkStarted { agent, interaction: id, queue, until });
        self.change(agent, true, |agent| {
            keep(agent, now, |work| !is_wrap_up_of(work, id));
            revise(agent, |work| {
                if is_it(work) {
                    work.stage = WorkStage::AfterCallWork { since: now, until };
                }
            });
            agent.handled_at = now;
        });
    }
}

pub(super) fn is_held_by(work: &Work, by: ReservationId) -> bool {
    matches!(work.stage, WorkStage::Reserved { reservation, .. } if reservation == by)
}
