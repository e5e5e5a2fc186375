//! What went wrong with a request: whose fault it is and what to do.

use acd::{InteractionId, Refusal};
use engine::{NoCallback, NoPhone};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Words;

/// Why a request changed nothing, as `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// What is wrong with this request.
    pub detail: String,
    /// What to do.
    pub remedy: String,
}

impl Problem {
    /// A path that leads nowhere: `what` is `agent`, `queue`, ...
    pub fn unknown(what: &str, name: &str, remedy: &str) -> Problem {
        Problem {
            status: 404,
            title: "Not found",
            detail: format!("there is no {what} `{name}`"),
            remedy: remedy.to_owned(),
        }
    }

    /// A body or a query that cannot be taken.
    pub fn unusable(detail: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem { status: 422, title: "Unusable request", detail: detail.into(), remedy: remedy.into() }
    }

    /// The distributor refused what somebody wanted of an agent.
    pub fn refused(refusal: Refusal, agent: &str) -> Problem {
        let conflict = |detail: String, remedy: &str| Problem {
            status: 409,
            title: "Not possible now",
            detail,
            remedy: remedy.to_owned(),
        };
        match refusal {
            Refusal::UnknownAgent(_) => {
                Problem::unknown("agent", agent, "see GET /api/v1/agents for all of them")
            }
            Refusal::WrongActivity(_) => conflict(
                format!("agent `{agent}` is not in after-call work"),
                "look at the agent's `activity` first; it may have ended by itself",
            ),
            Refusal::Forced(_) => conflict(
                format!("a supervisor has forced the presence of agent `{agent}`, and it holds"),
                "let a supervisor force another one, or lift it: see `forced` of the agent",
            ),
            Refusal::AfterCallWorkMin(_) => conflict(
                format!("the after-call work of agent `{agent}` must last longer"),
                "try again later: the queue's `after_call_work_min` says how long it lasts at least",
            ),
            Refusal::ReservedReason => Problem::unusable(
                "the reason `missed` is given by the distributor only",
                "use one of the [[reason]]s of the configuration",
            ),
            Refusal::NotLoggedIn(_)
            | Refusal::AlreadyLoggedIn(_)
            | Refusal::UnknownQueue(_)
            | Refusal::UnknownInteraction(_)
            | Refusal::StaleReservation(_)
            | Refusal::DuplicateInteraction(_)
            | Refusal::DuplicateQueue(_)
            | Refusal::OtherChannel(_)
            | Refusal::TooManyEntries
            | Refusal::WrongStage(_)
            | Refusal::UselessExit(_)
            | Refusal::Invalid(_)
            | Refusal::FixedAtStart(_)
            | Refusal::TooManyAgents
            | Refusal::TooManyQueues
            | Refusal::TooManyWaiting
            | Refusal::NoCallbacks(_)
            | Refusal::InSeveralQueues(_)
            | Refusal::TooManyCallbacks(_) => {
                conflict(refusal.to_string(), "look at the agent's state and try again")
            }
        }
    }

    /// The same of the after-call work of an interaction, or of any.
    pub fn not_wrapping_up(refusal: Refusal, agent: &str, interaction: Option<InteractionId>) -> Problem {
        let told = Problem::refused(refusal, agent);
        match (refusal, interaction) {
            (Refusal::WrongActivity(_), Some(InteractionId(id))) => Problem {
                detail: format!("agent `{agent}` is not wrapping up interaction {id}"),
                remedy: "look at the agent's `works` first; it may have ended by itself".to_owned(),
                ..told
            },
            _ => told,
        }
    }

    /// An agent without a phone cannot begin to work.
    pub fn no_phone(_: NoPhone, agent: &str) -> Problem {
        Problem {
            status: 409,
            title: "No phone",
            detail: format!("no phone of agent `{agent}` is registered, so no call could reach them"),
            remedy: "register the phone, then repeat the request".to_owned(),
        }
    }

    /// A customer is not called back.
    pub fn no_callback(why: NoCallback, interaction: u64, words: &Words<'_>) -> Problem {
        let conflict = |detail: String, remedy: &str| Problem {
            status: 409,
            title: "Not possible now",
            detail,
            remedy: remedy.to_owned(),
        };
        match why {
            NoCallback::Unknown | NoCallback::Refused(Refusal::UnknownInteraction(_)) => Problem::unknown(
                "interaction",
                &interaction.to_string(),
                "it never was, or is over: see GET /api/v1/interactions for those in progress",
            ),
            NoCallback::NotWaiting | NoCallback::Refused(Refusal::WrongStage(_)) => conflict(
                format!("interaction {interaction} does not wait on the line"),
                "look at its `state`: only who waits can be called back, and is asked for it once",
            ),
            NoCallback::NotOffered(queue) | NoCallback::Refused(Refusal::NoCallbacks(queue)) => conflict(
                format!("queue `{}` of interaction {interaction} calls nobody back", words.queue(queue)),
                "give the queue a `callback` in the configuration",
            ),
            NoCallback::Refused(Refusal::TooManyCallbacks(_)) => conflict(
                format!("the queue of interaction {interaction} has as many to call back as it may"),
                "let the caller hold on, or raise `most` of the queue's `callback`",
            ),
            NoCallback::InSeveralQueues | NoCallback::Refused(Refusal::InSeveralQueues(_)) => conflict(
                format!("interaction {interaction} waits in several queues"),
                "let the caller hold on: only who waits in one queue can be called back",
            ),
            NoCallback::Refused(refusal) => {
                conflict(refusal.to_string(), "look at the interaction, and try again")
            }
            NoCallback::NoNumber => Problem::unusable(
                format!("the caller of interaction {interaction} has no telephone number"),
                "ask the caller for one, and give it as `number`",
            ),
            NoCallback::BadNumber => Problem::unusable(
                "`number` is no telephone number",
                "write 3 to 20 digits, with or without a + before them, and nothing else",
            ),
            NoCallback::NotAllowed => Problem::unusable(
                "the queue must not call this number",
                "see `allow` and `deny` of the queue's `callback`; without `allow` only the caller's own number is called",
            ),
            NoCallback::Promised(InteractionId(other)) => conflict(
                format!("interaction {other} is to be called back at this number already"),
                "let that one do, or take it back by DELETE of its `callback`, or give another `number`",
            ),
            NoCallback::Draining => Problem {
                status: 503,
                title: "About to end",
                detail: "the process is about to end, and callbacks would end with it".to_owned(),
                remedy: "let the caller hold on".to_owned(),
            },
        }
    }

    /// A thread is stuck or has too much to do.
    pub fn busy() -> Problem {
        Problem {
            status: 503,
            title: "Too busy",
            detail: "the call processing did not answer in time; what was asked may still be done".to_owned(),
            remedy: "look at /healthz, and try again in a second".to_owned(),
        }
    }
}
