//! How the person at a phone behaves.

use serde::{Deserialize, Serialize};

use crate::chance::{Chance, Span};

/// What somebody does with a call that comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Rings and picks up.
    After(Span),
    /// 486 at once.
    Busy,
    /// Rings, then 603: somebody pressed the red button.
    RejectAfter(Span),
    /// Rings until the caller gives up, or after three minutes the phone by itself: 480.
    RingOut,
    /// 200 without ever ringing.
    AtOnce,
}

/// Holding the other side for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// After so long a conversation.
    pub after: Span,
    /// For so long; then it is resumed.
    pub lasting: Span,
}

/// How somebody treats one call that comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manner {
    /// Whether and when they pick up.
    pub answer: Answer,
    /// When they hang up, counted from picking up; `None`: the other side will.
    pub talk: Option<Span>,
    /// Whether they hold once.
    pub hold: Option<Hold>,
}

impl Manner {
    /// Picks up after this time and leaves hanging up to the other side.
    pub const fn answers_after(ring: Span) -> Manner {
        Manner { answer: Answer::After(ring), talk: None, hold: None }
    }

    /// Never talks.
    pub const fn only(answer: Answer) -> Manner {
        Manner { answer, talk: None, hold: None }
    }

    /// Hangs up first.
    pub const fn talking(self, talk: Span) -> Manner {
        Manner { talk: Some(talk), ..self }
    }

    /// Holds once.
    pub const fn holding(self, hold: Hold) -> Manner {
        Manner { hold: Some(hold), ..self }
    }
}

/// How somebody treats one call after another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Plan {
    /// All alike.
    Always(Manner),
    /// These in turn, the last for ever.
    InTurn(Vec<Manner>),
    /// One of these, drawn by its weight. At least one, and not all of weight 0.
    Mixed(Vec<(u16, Manner)>),
}

impl Plan {
    /// The manner of the call with this number (from 0).
    pub(super) fn manner(&self, call: u64, chance: &mut Chance) -> Manner {
        match self {
            Plan::Always(manner) => *manner,
            Plan::InTurn(manners) => {
                let index = usize::try_from(call).unwrap_or(usize::MAX).min(manners.len() - 1);
                manners[index]
            }
            Plan::Mixed(manners) => {
                let total = manners.iter().map(|&(weight, _)| u64::from(weight)).sum();
                let mut drawn = chance.below(total);
                for &(weight, manner) in manners {
                    if drawn < u64::from(weight) {
                        return manner;
                    }
                    drawn -= u64::from(weight);
                }
                unreachable!("the number drawn is below the sum of the weights")
            }
        }
    }
}

/// How a caller behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallPlan {
    /// How long they wait for somebody before they give up: CANCEL, or BYE where they hear music.
    pub patience: Option<Span>,
    /// When they hang up, counted from `talk_from`; `None`: the other side will.
    pub talk: Option<Span>,
    /// When the conversation begins.
    pub talk_from: TalkFrom,
    /// Whether they hold once, counted like `talk`.
    pub hold: Option<Hold>,
}

/// When a conversation begins for a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TalkFrom {
    /// At the 200: there is no music before a human.
    Answer,
    /// When one of the tones is heard that the phone knows.
    Voice,
}

impl CallPlan {
    /// Waits for ever and talks so long from the answer.
    pub const fn talking(talk: Span) -> CallPlan {
        CallPlan { patience: None, talk: Some(talk), talk_from: TalkFrom::Answer, hold: None }
    }

    /// Waits for ever and never hangs up.
    pub const fn patient() -> CallPlan {
        CallPlan { patience: None, talk: None, talk_from: TalkFrom::Answer, hold: None }
    }

    /// Gives up after this time.
    pub const fn giving_up_after(self, patience: Span) -> CallPlan {
        CallPlan { patience: Some(patience), ..self }
    }

    /// Knows a human by their tone.
    pub const fn from_voice(self) -> CallPlan {
        CallPlan { talk_from: TalkFrom::Voice, ..self }
    }

    /// Holds once.
    pub const fn holding(self, hold: Hold) -> CallPlan {
        CallPlan { hold: Some(hold), ..self }
    }
}
