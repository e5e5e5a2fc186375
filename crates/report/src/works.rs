//! What agents have in hand, and how much more they could take.

use std::collections::{BTreeMap, BTreeSet};

use acd::{AgentSnapshot, Channel, ReservationId, Work, WorkStage};
use prometheus::IntGauge;
use serde::Serialize;
use timing::Instant;
use utoipa::ToSchema;

use crate::exposition::Exposition;
use crate::names::Names;
use crate::series::{Definition, Group, Registration};

const IN_HAND: Definition = Definition {
    name: "cordboard_agent_interactions",
    help: "Interactions in the hands of agents, by channel and how far they are: an agent may have several.",
};
const FREE: Definition = Definition {
    name: "cordboard_agent_places_free",
    help: "How many more interactions of the channel agents could be offered now.",
};

/// How far an agent is with an interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkState {
    /// The phones ring.
    Reserved,
    /// The phone of a customer rings who is called back for the agent: the agent has picked up, or is held until the customer
    /// does.
    CallingBack,
    /// In conversation.
    Handling,
    /// In conversation, which waits because the agent has taken work of another channel.
    Interrupted,
    /// Wrapping up.
    AfterCallWork,
}

impl WorkState {
    /// All of them.
    pub const ALL: [WorkState; 5] = [
        WorkState::Reserved,
        WorkState::CallingBack,
        WorkState::Handling,
        WorkState::Interrupted,
        WorkState::AfterCallWork,
    ];

    /// How far it is; a customer is being called back for the reservations of `calling_back`.
    pub fn of(work: &Work, calling_back: &BTreeSet<ReservationId>) -> WorkState {
        match work.stage {
            WorkStage::Reserved { reservation, .. } if calling_back.contains(&reservation) => {
                WorkState::CallingBack
            }
            WorkStage::Reserved { .. } => WorkState::Reserved,
            WorkStage::Handling { .. } if work.is_interrupted() => WorkState::Interrupted,
            WorkStage::Handling { .. } => WorkState::Handling,
            WorkStage::AfterCallWork { .. } => WorkState::AfterCallWork,
        }
    }

    /// The value of the label `state`.
    pub fn name(self) -> &'static str {
        match self {
            WorkState::Reserved => "reserved",
            WorkState::CallingBack => "calling_back",
            WorkState::Handling => "handling",
            WorkState::Interrupted => "interrupted",
            WorkState::AfterCallWork => "after_call_work",
        }
    }
}

/// One interaction that an agent has in hand.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct WorkRow {
    /// The queue that it came from; null where the configuration has it no longer.
    pub queue: Option<String>,
    /// Of that queue.
    #[schema(example = "voice")]
    pub channel: String,
    /// How far it is.
    pub state: WorkState,
    /// Since that began; of an interrupted conversation since its beginning.
    pub since_seconds: f64,
}

/// How much of a channel an agent has in hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChannelRow {
    /// Which.
    #[schema(example = "voice")]
    pub channel: String,
    /// How many at once the agent takes.
    pub capacity: u8,
    /// How many are in hand: rung for, in conversation or being wrapped up. More than `capacity` after that was lowered.
    pub used: u8,
    /// How many more could be offered now: none while the agent is not ready or busy with something else, or has a
    /// conversation of another channel in hand that this one may not interrupt.
    pub free: u8,
}

/// All that an agent has in hand, what is in the foreground first.
pub fn works(seen: &AgentSnapshot) -> Vec<&Work> {
    let foreground = seen.works.foreground();
    let others = seen.works.iter().filter(|work| Some(*work) != foreground);
    foreground.into_iter().chain(others).collect()
}

impl WorkRow {
    pub(crate) fn new(
        work: &Work,
        now: Instant,
        names: &Names,
        calling_back: &BTreeSet<ReservationId>,
    ) -> WorkRow {
        WorkRow {
            queue: names.queue(work.queue).map(str::to_owned),
            channel: names.channel(work.channel),
            state: WorkState::of(work, calling_back),
            since_seconds: now.since(work.since()).as_secs_f64(),
        }
    }
}

impl ChannelRow {
    /// Every channel of which an agent takes or has anything, by name.
    pub fn list(seen: &AgentSnapshot, names: &Names) -> Vec<ChannelRow> {
        let taken = seen.works.iter().map(|work| work.channel);
        let channels = taken.fold(seen.capacity.channels(), acd::Channels::with);
        let row = |channel| ChannelRow {
            channel: names.channel(channel),
            capacity: seen.capacity.of(channel),
            used: seen.used(channel),
            free: seen.free(channel),
        };
        let mut rows: Vec<ChannelRow> = channels.iter().map(row).collect();
        rows.sort_by(|a, b| a.channel.cmp(&b.channel));
        rows
    }
}

/// The series of one channel.
struct Series {
    name: String,
    in_hand: [IntGauge; WorkState::ALL.len()],
    free: IntGauge,
    _registration: Registration,
}

/// What all agents have in hand, by channel.
pub(crate) struct InHand {
    exposition: Exposition,
    channels: BTreeMap<Channel, Series>,
}

impl InHand {
    pub(crate) fn new(exposition: &Exposition) -> InHand {
        InHand { exposition: exposition.clone(), channels: BTreeMap::new() }
    }

    /// Has series for each channel that is configured, and for no other.
    pub(crate) fn set_channels(&mut self, names: &Names) {
        let mut wanted: BTreeMap<Channel, String> = names.channels.clone();
        wanted.entry(Channel::VOICE).or_insert_with(|| names.channel(Channel::VOICE));
        self.channels.retain(|channel, series| wanted.get(channel) == Some(&series.name));
        for (channel, name) in wanted {
            if !self.channels.contains_key(&channel) {
                let mut group = Group::new("channel", &name);
                let in_hand = WorkState::ALL.map(|state| group.gauge(IN_HAND, &[("state", state.name())]));
                let free = group.gauge(FREE, &[]);
                let _registration = group.register(self.exposition.registry());
                self.channels.insert(channel, Series { name, in_hand, free, _registration });
            }
        }
    }

    pub(crate) fn set_snapshot(&self, agents: &[AgentSnapshot], calling_back: &BTreeSet<ReservationId>) {
        for (&channel, series) in &self.channels {
            let mut in_hand = [0; WorkState::ALL.len()];
            for work in agents.iter().flat_map(|agent| agent.works.iter()) {
                in_hand[WorkState::of(work, calling_back) as usize] += i64::from(work.channel == channel);
            }
            in_hand.into_iter().zip(&series.in_hand).for_each(|(count, gauge)| gauge.set(count));
            series.free.set(agents.iter().map(|agent| i64::from(agent.free(channel))).sum());
        }
    }
}
