//! Customers who hang up to be called back.

use engine::CallbackStory;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Words;

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
}

impl Callback {
    pub(crate) fn new(story: &CallbackStory, words: &Words<'_>) -> Callback {
        Callback {
            number: story.number.clone(),
            taken: words.time(story.taken),
            failed: story.failed,
            rests_until: story.rests_until.map(|until| words.time(until)),
        }
    }
}
