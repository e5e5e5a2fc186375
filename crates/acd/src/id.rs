//! Ids: numbers given from outside, except [`ReservationId`], which the distributor counts itself.

use serde::{Deserialize, Serialize};

/// One customer's contact, from arrival to the end of the conversation. Given by whoever enqueues it.
/// It may be used again once the interaction has left; ids that grow with arrival keep ties in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InteractionId(pub u64);

/// A person (or a bot) who handles interactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AgentId(pub u32);

/// A line of waiting interactions with its routing rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueueId(pub u32);

/// An attribute of an agent with a level from 1 to 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SkillId(pub u32);

/// A way by which customers and agents speak: calls, chats, e-mail. The meaning belongs to the configuration, except
/// [`Channel::VOICE`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Channel(pub u8);

/// One agent held for one interaction. Counted from 1 and never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReservationId(pub u64);

/// Why an agent is not ready. The meaning belongs to the configuration, except [`ReasonCode::MISSED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReasonCode(pub u32);

/// Somebody who may force an agent's presence. The meaning belongs to the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SupervisorId(pub u32);

/// "What then" for an interaction that leaves without an agent: opaque here. A number to dial, a busy
/// answer, a hang-up: that is for the engine to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExitId(pub u32);

impl Channel {
    /// Calls.
    pub const VOICE: Channel = Channel(0);
}

impl ReasonCode {
    /// Given by the distributor to an agent who missed too many reservations in a row. No command may use it.
    pub const MISSED: ReasonCode = ReasonCode(u32::MAX);
}
