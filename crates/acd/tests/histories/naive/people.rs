//! Agents and configuration, as said and not as made fast.

use super::contacts::is_held_by;
use super::*;

impl Naive {
    pub(super) fn is_free_from_now_on(&mut self, id: AgentId) {
        let now = self.state.now;
        let agent = self.person(id);
        agent.ready_at = now;
        let here_for = (now - agent.logged_in_at).as_micros();
        let so_far = agent.worked.since.map_or(Duration::ZERO, |since| now - since);
        let worked = (agent.worked.before + so_far).as_micros();
        agent.occupancy = (worked * 1_000_000).checked_div(here_for).unwrap_or(0) as u32;
    }

    pub(super) fn change(&mut self, id: AgentId, restarts: bool, change: impl FnOnce(&mut AgentState)) {
        let now = self.state.now;
        let was_free = self.is_free(&self.state.agents[&id]);
        let agent = self.person(id);
        let before = agent.clone();
        change(agent);
        let is_at_work = agent.works.iter().any(|work| !is_reserved(work));
        match (agent.worked.since, is_at_work) {
            (None, true) => agent.worked.since = Some(now),
            (Some(since), false) => {
                agent.worked.before += now - since;
                agent.worked.since = None;
            }
            (Some(_), true) | (None, false) => {}
        }
        if agent.presence != before.presence {
            agent.presence_since = now;
        }
        let is_free = self.is_free(&self.state.agents[&id]);
        if restarts && !was_free && is_free {
            self.is_free_from_now_on(id);
        }
        let agent = self.person(id);
        let (presence, activity, forced) = (agent.presence, foreground(agent), agent.forced);
        let (aside, has_work) = (agent.aside, !agent.works.is_empty());
        let is_out_of_reach = agent.unreachable.is_some();
        let is_nothing = |aside: Aside| matches!(aside, Aside::Nothing { .. });
        let has_other_aside = aside != before.aside && !(is_nothing(aside) && is_nothing(before.aside));
        let holds_other = tokens(agent) != tokens(&before);
        if has_work && has_other_aside {
            self.say(Event::AgentAside { agent: id, aside });
        }
        let is_other = (before.presence, foreground(&before)) != (presence, activity);
        let is_elsewhere = before.unreachable.is_some() != is_out_of_reach;
        if is_other || has_other_aside || holds_other || is_elsewhere {
            self.say(Event::AgentChanged { agent: id, presence, activity });
        }
        self.interrupt(id);
        let may_change = self.state.settings.forced_presence == ForcedPresence::AgentMayChange;
        let has_another = presence != Presence::LoggedOut;
        if may_change && has_another && forced.is_some_and(|forced| forced.presence != presence) {
            self.unforce(id);
        }
    }

    /// Conversations of other channels than what was answered last are put aside, and those of its channel go on.
    fn interrupt(&mut self, id: AgentId) {
        let (now, agent) = (self.state.now, self.state.agents[&id].clone());
        let Some(by) = works(&agent).into_iter().rfind(|work| !is_reserved(work)) else { return };
        for Work { interaction, queue, channel, stage } in works(&agent) {
            let WorkStage::Handling { since, renewed, interrupted } = stage else { continue };
            let after = match (interrupted.since, channel == by.channel) {
                (None, false) => {
                    self.say(Event::Interrupted { interaction, queue, agent: id, by: by.interaction });
                    Interruption { since: Some(now), before: interrupted.before }
                }
                (Some(began), true) => {
                    self.say(Event::Resumed { interaction, queue, agent: id, interrupted_for: now - began });
                    Interruption { since: None, before: interrupted.before + (now - began) }
                }
                (None, true) | (Some(_), false) => continue,
            };
            revise(self.person(id), |work| {
                if work.interaction == interaction && matches!(work.stage, WorkStage::Handling { .. }) {
                    work.stage = WorkStage::Handling { since, renewed, interrupted: after };
                }
            });
        }
    }

    pub(super) fn idle(&mut self, id: AgentId) {
        let since = self.state.now;
        self.change(id, true, |agent| agent.aside = Aside::Nothing { since });
    }

    pub(super) fn log_in(&mut self, id: AgentId, not_ready: Option<ReasonCode>) -> Result<(), Refusal> {
        self.known(id)?;
        if self.here(id).is_ok() {
            return Err(Refusal::AlreadyLoggedIn(id));
        }
        if not_ready == Some(ReasonCode::MISSED) {
            return Err(Refusal::ReservedReason);
        }
        let now = self.state.now;
        let mut presence = not_ready.map_or(Presence::Ready, Presence::NotReady);
        if self.state.settings.forced_presence == ForcedPresence::HoldsUntilLifted
            && let Some(forced) = self.state.agents[&id].forced
        {
            if forced.presence == Presence::LoggedOut {
                return Err(Refusal::Forced(id));
            }
            presence = forced.presence;
        }
        self.change(id, true, |agent| {
            agent.presence = presence;
            agent.misses = 0;
            agent.log_in_renewed = now;
            if agent.works.is_empty() {
                (agent.logged_in_at, agent.occupancy) = (now, 0);
                agent.worked = Worked { before: Duration::ZERO, since: None };
                agent.worked_in = BTreeMap::new();
                (agent.handled, agent.handled_at, agent.ready_at, agent.offered_at) = (0, now, now, now);
                if matches!(agent.aside, Aside::Nothing { .. }) {
                    agent.aside = Aside::Nothing { since: now };
                }
            }
        });
        Ok(())
    }

    pub(super) fn log_out(&mut self, id: AgentId) {
        let since = self.state.now;
        let mut returned = Vec::new();
        for work in works(&self.state.agents[&id]) {
            match work.stage {
                WorkStage::Reserved { reservation, .. } => {
                    returned.push(self.end(reservation, ReservationEnd::Withdrawn));
                }
                WorkStage::AfterCallWork { .. } => self.say_after_call_work_ended(id, &work),
                WorkStage::Handling { .. } => {}
            }
        }
        self.change(id, true, |agent| {
            agent.presence = Presence::LoggedOut;
            keep(agent, since, |work| matches!(work.stage, WorkStage::Handling { .. }));
            if matches!(agent.aside, Aside::BackingOff { .. }) {
                agent.aside = Aside::Nothing { since };
            }
        });
        for held in returned {
            self.go_on(held);
        }
    }

    pub(super) fn remove_agent(&mut self, id: AgentId) -> Result<(), Refusal> {
        self.known(id)?;
        self.log_out(id);
        if self.state.agents[&id].works.is_empty() {
            self.drop_agent(id);
        } else {
            self.person(id).leaving = true;
        }
        Ok(())
    }

    pub(super) fn set_presence(&mut self, id: AgentId, presence: Presence) -> Result<(), Refusal> {
        self.here(id)?;
        if presence == Presence::NotReady(ReasonCode::MISSED) {
            return Err(Refusal::ReservedReason);
        }
        self.may_want(id, presence)?;
        self.change(id, true, |agent| {
            agent.presence = presence;
            if presence == Presence::Ready {
                agent.misses = 0;
            }
        });
        Ok(())
    }

    pub(super) fn release(&mut self, id: AgentId) -> Result<(), Refusal> {
        self.known(id)?;
        if !matches!(self.state.agents[&id].aside, Aside::Occupied { .. }) {
            return Err(Refusal::WrongActivity(id));
        }
        self.idle(id);
        Ok(())
    }

    pub(super) fn occupy(&mut self, id: AgentId) -> Result<(), Refusal> {
        self.known(id)?;
        let agent = self.state.agents[&id].clone();
        if matches!(agent.aside, Aside::Occupied { .. }) {
            return Err(Refusal::WrongActivity(id));
        }
        // Whoever picks up the phone has done with writing.
        let ends = |work: &Work| {
            work.channel == Channel::VOICE && matches!(work.stage, WorkStage::AfterCallWork { .. })
        };
        for work in works(&agent).iter().filter(|work| ends(work)) {
            self.say_after_call_work_ended(id, work);
        }
        let since = self.state.now;
        self.change(id, true, |agent| {
            keep(agent, since, |work| !ends(work));
            agent.aside = Aside::Occupied { since, renewed: since };
        });
        Ok(())
    }

    /// Whoever cannot be rung is rung no more; a customer who is being called is called on.
    pub(super) fn set_reachable(&mut self, id: AgentId, reachable: bool) -> Result<(), Refusal> {
        self.known(id)?;
        if self.state.agents[&id].unreachable.is_none() == reachable {
            return Ok(());
        }
        let now = self.state.now;
        let mut rung = Vec::new();
        if !reachable {
            let held = works(&self.state.agents[&id]).into_iter().filter_map(|work| work.reservation());
            rung = held.filter(|held| self.state.reservations[held].phase == Phase::Ringing).collect();
        }
        let mut again = Vec::new();
        for &reservation in &rung {
            again.push(self.end(reservation, ReservationEnd::Withdrawn));
        }
        self.say(Event::AgentReachable { agent: id, reachable });
        self.change(id, true, |agent| {
            agent.unreachable = if reachable { None } else { Some(now) };
            for &reservation in &rung {
                keep(agent, now, |work| !is_held_by(work, reservation));
            }
        });
        for held in again {
            self.wait_again(held.interaction, held.queue);
        }
        Ok(())
    }

    /// As if the agent had logged in at this moment, for what is counted.
    pub(super) fn begin_shift(&mut self, id: AgentId) -> Result<(), Refusal> {
        self.here(id)?;
        let now = self.state.now;
        self.say(Event::ShiftBegan { agent: id });
        self.change(id, false, |agent| {
            (agent.logged_in_at, agent.occupancy, agent.handled) = (now, 0, 0);
            agent.worked = Worked { before: Duration::ZERO, since: None };
            agent.worked_in = BTreeMap::new();
        });
        Ok(())
    }

    /// Where what a supervisor forced holds, the agent may want nothing else.
    pub(super) fn may_want(&self, id: AgentId, wish: Presence) -> Result<(), Refusal> {
        match (self.state.settings.forced_presence, self.state.agents[&id].forced) {
            (ForcedPresence::HoldsUntilLifted, Some(forced)) if forced.presence != wish => {
                Err(Refusal::Forced(id))
            }
            (ForcedPresence::AgentMayChange | ForcedPresence::HoldsUntilLifted, _) => Ok(()),
        }
    }

    pub(super) fn force(
        &mut self,
        id: AgentId,
        presence: Presence,
        by: SupervisorId,
        why: ReasonCode,
    ) -> Result<(), Refusal> {
        self.known(id)?;
        if [presence, Presence::NotReady(why)].contains(&Presence::NotReady(ReasonCode::MISSED)) {
            return Err(Refusal::ReservedReason);
        }
        let forced = Some(Forced { presence, by, why, since: self.state.now });
        self.person(id).forced = forced;
        self.say(Event::AgentForced { agent: id, forced });
        if self.state.agents[&id].presence == presence {
            return Ok(());
        }
        match (presence, self.here(id)) {
            (Presence::LoggedOut, _) => {
                self.log_out(id);
                Ok(())
            }
            (Presence::NotReady(_) | Presence::Ready, Ok(())) => self.set_presence(id, presence),
            (Presence::NotReady(reason), Err(_)) => self.log_in(id, Some(reason)),
            (Presence::Ready, Err(_)) => self.log_in(id, None),
        }
    }

    pub(super) fn unforce(&mut self, id: AgentId) {
        if self.person(id).forced.take().is_some() {
            self.say(Event::AgentForced { agent: id, forced: None });
        }
    }

    /// Every lease, with the time at which it ends.
    pub(super) fn leases(&self) -> Vec<(Instant, Due)> {
        let Settings { handling_lease, occupied_lease, log_in_lease, .. } = self.state.settings;
        let mut all = Vec::new();
        for (&id, agent) in &self.state.agents {
            for work in works(agent) {
                if let (WorkStage::Handling { renewed, .. }, Some(lease)) = (work.stage, handling_lease) {
                    all.push((renewed + lease, Due::HandlingLease(id, work.interaction)));
                }
            }
            if let (Aside::Occupied { renewed, .. }, Some(lease)) = (agent.aside, occupied_lease) {
                all.push((renewed + lease, Due::OccupiedLease(id)));
            }
            if let (true, Some(lease)) = (agent.presence != Presence::LoggedOut, log_in_lease) {
                all.push((agent.log_in_renewed + lease, Due::LogInLease(id)));
            }
        }
        all
    }

    pub(super) fn lose_conversation(&mut self, agent: AgentId, interaction: InteractionId) {
        self.say(Event::LeaseExpired { lease: Lease::Handling(interaction), agent });
        self.finish(interaction, HandlingEnd::LeaseExpired).expect("it is in conversation");
    }

    pub(super) fn lose_own_business(&mut self, agent: AgentId) {
        self.say(Event::LeaseExpired { lease: Lease::Occupied(agent), agent });
        self.idle(agent);
    }

    pub(super) fn renew(&mut self, lease: Lease) -> Result<(), Refusal> {
        let now = self.state.now;
        match lease {
            Lease::Handling(id) => match self.present(id)?.stage {
                Stage::Handling { agent, .. } => revise(self.person(agent), |work| match &mut work.stage {
                    WorkStage::Handling { renewed, .. } if work.interaction == id => *renewed = now,
                    _ => {}
                }),
                Stage::Waiting | Stage::Reserved { .. } | Stage::Resting { .. } => {
                    return Err(Refusal::WrongStage(id));
                }
            },
            Lease::Occupied(agent) => {
                self.known(agent)?;
                match &mut self.person(agent).aside {
                    Aside::Occupied { renewed, .. } => *renewed = now,
                    _ => return Err(Refusal::WrongActivity(agent)),
                }
            }
            Lease::LogIn(agent) => {
                self.here(agent)?;
                self.person(agent).log_in_renewed = now;
            }
        }
        Ok(())
    }

    /// The after-call work of an interaction, or the one that began first; from when and until when.
    pub(super) fn in_after_call_work(
        &self,
        id: AgentId,
        of: Option<InteractionId>,
    ) -> Result<(Work, Instant, Instant), Refusal> {
        self.known(id)?;
        let wraps_up = |work: &Work| match work.stage {
            WorkStage::AfterCallWork { since, until } => Some((*work, since, until)),
            WorkStage::Reserved { .. } | WorkStage::Handling { .. } => None,
        };
        let mut all = works(&self.state.agents[&id]);
        if let Some(of) = of {
            all.retain(|work| work.interaction == of);
        }
        all.iter().find_map(wraps_up).ok_or(Refusal::WrongActivity(id))
    }

    pub(super) fn stop_wrapping_up(&mut self, id: AgentId, of: Option<InteractionId>) -> Result<(), Refusal> {
        let (work, since, until) = self.in_after_call_work(id, of)?;
        let least = self.state.queues.get(&work.queue).map(|queue| queue.settings.after_call_work_min);
        let now = self.state.now;
        if now < until && now - since < least.unwrap_or_default() {
            return Err(Refusal::AfterCallWorkMin(id));
        }
        self.close_after_call_work(id, work.interaction);
        Ok(())
    }

    pub(super) fn longest_after_call_work(&self, queue: QueueId) -> Duration {
        let of_queue = self.state.queues.get(&queue).and_then(|queue| queue.settings.after_call_work_max);
        of_queue.into_iter().chain([self.state.settings.after_call_work_max]).min().expect("there is one")
    }

    pub(super) fn say_after_call_work_ended(&mut self, agent: AgentId, work: &Work) {
        let WorkStage::AfterCallWork { since, .. } = work.stage else { panic!("no after-call work") };
        let (interaction, queue, lasted) = (work.interaction, work.queue, self.state.now - since);
        self.say(Event::AfterCallWorkEnded { agent, interaction, queue, lasted });
        self.note_work(agent, queue, lasted);
    }

    /// Whoever has shares keeps account of the work for each queue.
    pub(super) fn note_work(&mut self, agent: AgentId, queue: QueueId, lasted: Duration) {
        let agent = self.person(agent);
        if !agent.settings.shares.is_empty() {
            let before = agent.worked_in.get(&queue).copied().unwrap_or_default();
            agent.worked_in.insert(queue, before + lasted);
        }
    }

    pub(super) fn close_after_call_work(&mut self, id: AgentId, interaction: InteractionId) {
        let is_it = |work: &Work| is_wrap_up_of(work, interaction);
        let work = works(&self.state.agents[&id]).into_iter().find(is_it).expect("known to be here");
        self.say_after_call_work_ended(id, &work);
        let now = self.state.now;
        self.change(id, true, |agent| keep(agent, now, |work| !is_it(work)));
    }

    pub(super) fn extend(
        &mut self,
        id: AgentId,
        of: Option<InteractionId>,
        by: Duration,
    ) -> Result<(), Refusal> {
        let (work, since, until) = self.in_after_call_work(id, of)?;
        let latest = since + self.longest_after_call_work(work.queue);
        let later = (until + by).min(latest);
        if later > until {
            let interaction = work.interaction;
            self.say(Event::AfterCallWorkExtended { agent: id, interaction, until: later });
            self.change(id, true, |agent| {
                revise(agent, |other| {
                    if is_wrap_up_of(other, work.interaction) {
                        other.stage = WorkStage::AfterCallWork { since, until: later };
                    }
                });
            });
        }
        Ok(())
    }

    pub(super) fn drop_agent(&mut self, id: AgentId) {
        self.state.agents.remove(&id);
        self.say(Event::AgentRemoved { agent: id });
    }

    pub(super) fn define_queue(&mut self, id: QueueId, settings: QueueSettings) -> Result<(), Refusal> {
        check_rules(&settings)?;
        if overflow::exits(&settings).contains(&Exit::Queue(id)) {
            return Err(Refusal::Invalid(acd::Invalid::ExitToItself));
        }
        let now = self.state.now;
        let is_new = !self.state.queues.contains_key(&id);
        if is_new && self.state.queues.len() == self.state.settings.queues_max as usize {
            return Err(Refusal::TooManyQueues);
        }
        let line = self.line(id);
        let before = self.state.queues.get(&id).map(|queue| queue.settings.clone());
        let moves_people = before.as_ref().is_none_or(|before| what_moves(before) != what_moves(&settings));
        let reserves = |of: &QueueSettings| (of.reserves.clone(), of.reserves_close);
        let closes_reserves = before.is_none_or(|before| reserves(&before) != reserves(&settings));
        self.follow_new_overflows(id, &settings);
        let rules = self.state.settings.estimate;
        let entry = self.state.queues.entry(id).or_insert_with(|| QueueState {
            settings: settings.clone(),
            rules: 0,
            open: true,
            staffing: Staffing::Unstaffed { since: now },
            step_staffing: Vec::new(),
            last_chosen: None,
            reserves_open: 0,
            counters: Counters::default(),
            callback_window: true,
            estimator: Estimator::new(now, rules),
        });
        entry.settings = settings;
        if moves_people {
            self.state.last_rules += 1;
            entry.rules = self.state.last_rules;
        }
        if closes_reserves {
            entry.reserves_open = 0;
        }
        let since = match entry.staffing {
            Staffing::Staffed => now,
            Staffing::Unstaffed { since } | Staffing::Deserted { since } => since,
        };
        entry.staffing = Staffing::Unstaffed { since };
        let grace_over = entry.settings.nobody_logged_in.is_some_and(|rule| since + rule.grace <= now);
        self.restart_steps(id);
        let steps = self.state.queues[&id].settings.steps.len();
        if (0..=steps).any(|step| self.is_staffed(id, step)) {
            self.state.queues.get_mut(&id).expect("known to be here").staffing = Staffing::Staffed;
        } else if grace_over {
            self.state.queues.get_mut(&id).expect("known to be here").staffing = Staffing::Deserted { since };
            self.deserted.insert(id);
        }
        self.say(Event::QueueDefined { queue: id });
        if !moves_people {
            return Ok(());
        }
        for place in line {
            let stand = (place.interaction, id);
            self.take_new_rules(stand);
            self.begins_to_wait(stand);
            self.overdue.insert((place, id));
        }
        let rung: BTreeSet<InteractionId> = (self.state.reservations.values())
            .filter(|held| held.queue == id)
            .map(|held| held.interaction)
            .collect();
        for interaction in rung {
            self.widen((interaction, id));
        }
        Ok(())
    }

    /// By new rules a step that is empty was so since then if one of the same number was before.
    fn restart_steps(&mut self, id: QueueId) {
        let now = self.state.now;
        let QueueState { settings, step_staffing: before, .. } = &self.state.queues[&id];
        let grace = settings.unstaffed_grace;
        let skips = settings.skip_unstaffed_steps && !settings.steps.is_empty();
        let numbers = (0..=settings.steps.len()).filter(|_| skips);
        let after = numbers.map(|step| {
            let since = match before.get(step) {
                _ if self.is_staffed(id, step) => return Staffing::Staffed,
                Some(Staffing::Unstaffed { since } | Staffing::Deserted { since }) => *since,
                Some(Staffing::Staffed) | None => now,
            };
            if since + grace > now { Staffing::Unstaffed { since } } else { Staffing::Deserted { since } }
        });
        let after = after.collect();
        self.state.queues.get_mut(&id).expect("known to be here").step_staffing = after;
        self.restart_own(id);
    }

    pub(super) fn set_open(&mut self, id: QueueId, open: bool) -> Result<(), Refusal> {
        let Some(entry) = self.state.queues.get_mut(&id) else { return Err(Refusal::UnknownQueue(id)) };
        if entry.open != open {
            entry.open = open;
            let empties = !open && entry.settings.closed.is_some_and(|rule| rule.waiting == AtClosing::Leave);
            self.say(Event::OpenChanged { queue: id, open });
            if empties {
                self.overdue.extend(self.line(id).into_iter().map(|place| (place, id)));
            }
        }
        Ok(())
    }

    pub(super) fn remove_queue(&mut self, id: QueueId, exit: Exit) -> Result<(), Refusal> {
        if !self.state.queues.contains_key(&id) {
            return Err(Refusal::UnknownQueue(id));
        }
        if let Exit::Queue(to) = exit
            && (to == id || !self.state.queues.contains_key(&to))
        {
            return Err(Refusal::UselessExit(id));
        }
        let in_queue: BTreeSet<Place> = self
            .state
            .interactions
            .iter()
            .filter(|(_, entry)| entry.entry(id).is_some() && !matches!(entry.stage, Stage::Handling { .. }))
            .map(|(&id, _)| self.place(id))
            .collect();
        let rings_here = |place: &&Place| {
            let mut held = self.state.reservations.values();
            held.any(|held| held.interaction == place.interaction && held.queue == id)
        };
        let rung: BTreeSet<Place> = in_queue.iter().filter(rings_here).copied().collect();
        let mut freed = Vec::new();
        for place in &rung {
            freed.extend(self.end_all(place.interaction, ReservationEnd::Cancelled));
        }
        self.state.queues.remove(&id);
        self.forget_queue(id);
        for (agent, reservation) in freed {
            self.unhand(agent, reservation);
        }
        let stays = |place: &Place| !self.elsewhere((place.interaction, id)).is_empty();
        let (stay, alone): (Vec<Place>, Vec<Place>) = in_queue.into_iter().partition(stays);
        for place in stay {
            self.dequeue((place.interaction, id), DequeueCause::QueueRemoved);
            if rung.contains(&place) {
                self.wait_again(place.interaction, id);
            }
        }
        for place in alone {
            if matches!(exit, Exit::Leave(_)) && self.is_pending(place.interaction) {
                self.end_callback_from(place.interaction, CallbackEnd::QueueRemoved, false);
                continue;
            }
            let stand = (place.interaction, id);
            self.overflow(stand, OverflowCause::QueueRemoved, exit, false);
            match exit {
                Exit::Leave(_) => drop(self.state.interactions.remove(&place.interaction)),
                Exit::Queue(to) => self.enter(stand, to, Some(id)),
            }
        }
        self.say(Event::QueueRemoved { queue: id });
        Ok(())
    }

    pub(super) fn define_agent(&mut self, id: AgentId, settings: AgentSettings) -> Result<(), Refusal> {
        if let Some(agent) = self.state.agents.get_mut(&id) {
            // A lot is drawn for a weight.
            if agent.settings.weight != settings.weight {
                agent.lot = acd::Lot::default();
            }
            agent.settings = settings;
            agent.leaving = false;
            return Ok(());
        }
        if self.state.agents.len() == self.state.settings.agents_max as usize {
            return Err(Refusal::TooManyAgents);
        }
        let now = self.state.now;
        let (presence, activity) = (Presence::LoggedOut, Activity::Idle { since: now });
        let agent = AgentState {
            settings,
            presence,
            presence_since: now,
            forced: None,
            works: Works::default(),
            aside: Aside::Nothing { since: now },
            unreachable: None,
            leaving: false,
            misses: 0,
            handled: 0,
            logged_in_at: now,
            worked: Worked { before: Duration::ZERO, since: None },
            worked_in: BTreeMap::new(),
            occupancy: 0,
            log_in_renewed: now,
            handled_at: now,
            ready_at: now,
            offered_at: now,
            lot: acd::Lot::default(),
        };
        self.state.agents.insert(id, agent);
        self.say(Event::AgentChanged { agent: id, presence, activity });
        Ok(())
    }

    pub(super) fn count(&mut self, queue: QueueId, change: impl Fn(&mut Counters)) {
        change(&mut self.state.totals);
        if let Some(queue) = self.state.queues.get_mut(&queue) {
            change(&mut queue.counters);
        }
    }
}

fn check_rules(settings: &QueueSettings) -> Result<(), Refusal> {
    if let (Some(close), Some(first)) = (settings.reserves_close, settings.reserves.first())
        && close > first.after
    {
        return Err(Refusal::Invalid(acd::Invalid::ReservesClose));
    }
    if settings.ring.most == 0 || settings.ring.most > acd::RING_MAX {
        return Err(Refusal::Invalid(acd::Invalid::Ring(settings.ring.most)));
    }
    if settings.after_call_work_max.is_some_and(|max| max < settings.after_call_work_min) {
        return Err(Refusal::Invalid(acd::Invalid::AfterCallWorkBounds));
    }
    if settings.callback.is_some_and(callbacks::lacks_something) {
        return Err(Refusal::Invalid(acd::Invalid::NoCallback));
    }
    Ok(())
}

/// What says who may take an interaction, how many at once are asked, and when it moves on or out while it waits.
#[expect(clippy::type_complexity, reason = "rules side by side")]
fn what_moves(
    of: &QueueSettings,
) -> (
    (Channel, &Requirement, &[acd::Step], bool),
    (Strategy, &[Requirement], &[acd::Reserve], Option<Duration>),
    (acd::Ring, Option<acd::MaxWait>, Option<acd::Closed>, &[acd::Overflow]),
) {
    (
        (of.channel, &of.requirement, &of.steps, of.skip_unstaffed_steps),
        (of.strategy, &of.prefer, &of.reserves, of.reserves_close),
        (of.ring, of.max_wait, of.closed, &of.overflows),
    )
}
