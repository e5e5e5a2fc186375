//! A distributor written down is its plain [`State`]; everything else is built up again from it.

use std::collections::VecDeque;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::agent::Agent;
use super::entry::{Entry, Standing};
use super::rare::Rare;
use super::waiting::OwnRequirements;
use super::{Alarm, ByName, Callback, Deadline, Distributor, Interaction, Queue, Reservation};
use crate::invariants::check_bonds;
use crate::state::{InteractionState, Place, QueueState, ReservationState, Stage, State};
use crate::table::Slot;
use crate::{Event, InteractionId, QueueId, ReservationId};

/// What is written: nothing that could contradict itself.
#[derive(Serialize, Deserialize)]
struct Written {
    state: State,
    /// Said and not yet heard.
    events: VecDeque<Event>,
}

impl Serialize for Distributor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written { state: self.state(), events: self.events.clone() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Distributor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Distributor, D::Error> {
        let Written { state, events } = Written::deserialize(deserializer)?;
        check_bonds(&state).map_err(|violation| {
            Error::custom(format_args!("what was written down is damaged: {violation}"))
        })?;
        let mut distributor = Distributor::from(state);
        distributor.events = events;
        Ok(distributor)
    }
}

impl From<State> for Distributor {
    /// A distributor in this state, which must be one that a distributor had ([`Distributor::state`]).
    ///
    /// # Panics
    /// Where the state contradicts itself, such as a reservation whose agent is not there.
    fn from(state: State) -> Distributor {
        let State {
            settings,
            now,
            queues,
            agents,
            interactions,
            reservations,
            last_reservation,
            last_rules,
            totals,
            lots,
            own_staffing,
        } = state;
        let mut distributor = Distributor::new(settings);
        distributor.now = now;
        distributor.last_reservation = last_reservation;
        distributor.last_rules = last_rules;
        distributor.totals = totals;
        distributor.lots = lots;
        for (id, state) in queues {
            distributor.restore_queue(id, state);
        }
        for (id, state) in agents {
            let profile = distributor.join_profile(&state.settings);
            let agent = Agent { state, ..Agent::new(id, Default::default(), profile, now) };
            distributor.count_selection(distributor.selection_of(&agent.state), true);
            let slot = distributor.agents.insert(agent);
            distributor.restore_agent(slot);
        }
        for staffing in own_staffing {
            distributor.restore_own(staffing);
        }
        for (id, interaction) in interactions {
            distributor.restore_interaction(id, interaction);
        }
        for (id, reservation) in reservations {
            distributor.restore_reservation(id, reservation);
        }
        distributor.settle_reserves();
        let queues: Vec<Slot<Queue>> = distributor.queues.iter().map(|(slot, _)| slot).collect();
        for queue in queues {
            distributor.set_unstaffed_alarm(queue);
            for interaction in distributor.rung_in(queue) {
                distributor.stand_ringing(interaction);
            }
        }
        // Nothing has been set free: what could be matched was, before it was written.
        distributor.unsettled = Default::default();
        distributor
    }
}

impl Distributor {
    fn restore_queue(&mut self, id: QueueId, state: QueueState) {
        let mut queue = Queue::new(id, state.settings.clone(), self.now, self.settings.estimate);
        queue.state = state;
        let slot = self.add_queue(queue);
        if let Some(end) = self.grace_end(id) {
            let alarm = Alarm::Single(end, Deadline::Grace(id));
            self.queues[slot].grace_timer = Some(self.deadlines.schedule(end, alarm));
        }
    }

    fn restore_agent(&mut self, slot: Slot<Agent>) {
        self.schedule_ends(slot);
        if self.agents[slot].state.presence.is_logged_in() {
            self.count_staff(slot, true);
        }
        if self.agents[slot].state.takes_work() {
            self.count_working(slot, true);
        }
        self.stand_for_leases(slot);
        self.enlist(slot);
    }

    fn restore_reservation(&mut self, id: ReservationId, state: ReservationState) {
        let alarm = Alarm::Single(state.deadline, Deadline::Reservation(id));
        let timer = self.deadlines.schedule(state.deadline, alarm);
        let slot = self.at(state.interaction);
        let agent = self.who(state.agent);
        let held = self.reservations.insert(Reservation::new(id, state, (slot, agent), timer));
        self.link(slot, held);
        let interaction = &self.interactions[slot];
        if interaction.first_reservation() == held {
            for nth in interaction.standing {
                let entry = interaction.entry(nth);
                let stands = &mut self.queues[entry.queue_slot];
                *(if entry.queue == state.queue { &mut stands.reserved } else { &mut stands.elsewhere }) += 1;
            }
            self.begin_reserved_with_own(slot);
        }
    }

    fn restore_interaction(&mut self, id: InteractionId, state: InteractionState) {
        // Of a queue that was removed under a conversation.
        let nowhere = Slot::new(0);
        let mut entries = state
            .entries
            .iter()
            .map(|entry| Entry::restored(entry, self.queues.slot(entry.queue).unwrap_or(nowhere)));
        let entry = entries.next().expect("an interaction has an entry");
        let also: Vec<Entry> = entries.collect();
        let wanted = state.entries.first().and_then(|entry| entry.wanted);
        let standing = Standing::of(also.len() + 1);
        let own =
            |own: &mut OwnRequirements| state.requirement.as_ref().map(|requirement| own.keep(requirement));
        let slot = self.interactions.insert(Interaction {
            id,
            key: Place::new(id, state.arrived, state.priority, self.settings.head_start_per_point).key,
            arrived: state.arrived,
            stage: state.stage.into(),
            priority: state.priority,
            flow_outs: state.flow_outs,
            requirement: own(&mut self.own_requirements),
            entry,
            standing,
            rare: Rare::NOTHING,
        });
        self.interactions[slot].rare.change(&mut self.spare, |rare| {
            rare.also = also;
            rare.by_name = wanted.map(ByName::new);
            rare.callback = state.callback.map(|state| Callback { state, timer: None });
        });
        for (agent, until) in state.exclusions {
            self.exclude(slot, agent, until);
        }
        if self.interactions[slot].pending_callback().is_some() {
            let queue = self.interactions[slot].entry(self.interactions[slot].first()).queue_slot;
            self.queues[queue].callbacks.insert(id);
            self.follow_callback(slot);
        }
        match state.stage {
            Stage::Resting { .. } => self.unanswered += 1,
            Stage::Waiting => {
                self.unanswered += 1;
                self.start_waiting_everywhere(slot);
            }
            // Its queues count it with the first of its reservations.
            Stage::Reserved { .. } => self.unanswered += 1,
            Stage::Handling { .. } => {
                let queue = self.interactions[slot].entry.queue;
                if let Some(queue) = self.queues.slot(queue) {
                    self.queues[queue].handling += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use timing::Instant;

    use crate::{AgentId, Command, Distributor, InteractionId, QueueId, Request, Settings};

    fn written() -> String {
        let mut acd = Distributor::new(Settings::default());
        let (queue, agent, interaction) = (QueueId(1), AgentId(7), InteractionId(1));
        let commands = [
            Command::DefineQueue { queue, settings: Box::default() },
            Command::DefineAgent { agent, settings: Box::default() },
            Command::LogIn { agent, not_ready: None },
            Command::Enqueue { interaction, request: Request::new(queue) },
        ];
        commands.into_iter().for_each(|command| acd.apply(Instant::from_secs(1), command));
        serde_json::to_string(&acd).expect("plain data")
    }

    #[test]
    fn what_was_written_and_then_damaged_is_an_error_and_no_panic() {
        let whole = written();
        assert!(serde_json::from_str::<Distributor>(&whole).is_ok());
        let without = |part: &str| {
            let mut value: serde_json::Value = serde_json::from_str(&whole).expect("just written");
            let things = value["state"][part].as_object_mut().expect("a map");
            assert!(!things.is_empty(), "{part}");
            things.clear();
            serde_json::from_value::<Distributor>(value).map(|_| ())
        };
        for part in ["queues", "agents", "interactions", "reservations"] {
            let error = without(part).expect_err(part).to_string();
            assert!(error.contains("invariant"), "{part}: {error}");
        }
    }
}
