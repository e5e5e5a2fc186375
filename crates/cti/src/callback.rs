//! Customers who hang up to be called back.

use acd::{CallbackEnd, InteractionId, Refusal, SupervisorId};
use engine::CallbackStory;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::change::find_supervisor;
use crate::{InteractionState, Problem, Words};

/// A wish to be called back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallbackWish {
    /// At which number; absent: at the one that called. Others only as far as `allow` of the queue's `callback` says.
    #[schema(example = "0212345678")]
    pub number: Option<String>,
}

/// A callback that was promised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Callback {
    /// The number that is called.
    pub number: String,
    /// When the customer was rung off (RFC 3339).
    pub taken: String,
    /// How often the customer was called in vain.
    pub failed: u32,
    /// When it stands in line again (RFC 3339); null where it does, is being called, or rests until its hours begin.
    pub rests_until: Option<String>,
    /// Since when the customer is on the line again (RFC 3339): a wait begins there that ends with the conversation or
    /// with who gives up; null where nobody was reached.
    pub reached: Option<String>,
    /// Why it ended without the customer; null where it has not.
    pub ended: Option<CallbackEndName>,
    /// Who took it back: the id of a supervisor; null where nobody did, or the request did not say.
    #[schema(example = "park")]
    pub withdrawn_by: Option<String>,
}

/// Why a callback ended without a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallbackEndName {
    /// Its number must not be called any more, or the process ends.
    Cancelled,
    /// Somebody took it back: a supervisor, or the customer.
    Withdrawn,
    /// The customer was called as often as allowed.
    Unreached,
    /// It was kept for as long as allowed.
    Expired,
    /// The queue is in the configuration no longer.
    QueueRemoved,
}

impl From<CallbackEnd> for CallbackEndName {
    fn from(end: CallbackEnd) -> CallbackEndName {
        match end {
            CallbackEnd::Cancelled => CallbackEndName::Cancelled,
            CallbackEnd::Withdrawn { .. } => CallbackEndName::Withdrawn,
            CallbackEnd::Unreached => CallbackEndName::Unreached,
            CallbackEnd::Expired => CallbackEndName::Expired,
            CallbackEnd::QueueRemoved => CallbackEndName::QueueRemoved,
        }
    }
}

/// Who takes a callback back, by the id of a `[[supervisor]]`.
///
/// # Errors
///
/// There is no such supervisor.
pub fn withdrawn_by(by: Option<&str>, words: &Words<'_>) -> Result<Option<SupervisorId>, Problem> {
    by.map(|id| find_supervisor(id, words)).transpose()
}

/// The distributor did not take a callback back: the interaction stands so.
pub fn not_withdrawn(refusal: Refusal, interaction: InteractionId, state: InteractionState) -> Problem {
    let id = interaction.0;
    let detail = match refusal {
        Refusal::WrongStage(_) | Refusal::UnknownInteraction(_) => {
            format!("nobody is to be called back by interaction {id}: its state is `{}`", state.name())
        }
        _ => refusal.to_string(),
    };
    Problem {
        status: 409,
        title: "Not possible now",
        detail,
        remedy: format!("see `callback` and `state` of GET /api/v1/interactions/{id}"),
    }
}

impl Callback {
    pub(crate) fn new(story: &CallbackStory, words: &Words<'_>) -> Callback {
        Callback {
            number: story.number.clone(),
            taken: words.time(story.taken),
            failed: story.failed,
            rests_until: story.rests_until.map(|until| words.time(until)),
            reached: story.reached.map(|since| words.time(since)),
            ended: story.ended.map(CallbackEndName::from),
            withdrawn_by: match story.ended {
                Some(CallbackEnd::Withdrawn { by }) => by.map(|by| words.supervisor(by)),
                Some(
                    CallbackEnd::Cancelled
                    | CallbackEnd::Unreached
                    | CallbackEnd::Expired
                    | CallbackEnd::QueueRemoved,
                )
                | None => None,
            },
        }
    }
}
