//! An interaction whose customer has hung up to be called back.

use acd::{AgentId, CallbackEnd, Decision, InteractionId, QueueId, ReservationId};
use b2bua::{HangUp, Side, Summary};
use serde::{Deserialize, Serialize};
use timing::Instant;

use crate::{CallbackLine, Outbound, Standing};

/// Digits of a telephone number at least: service numbers of two digits are nobody's own.
const DIGITS_MIN: usize = 3;
/// Digits of a telephone number at most: E.164 has 15, and a prefix to get outside may come before them.
const DIGITS_MAX: usize = 20;

/// What is told of a callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackStory {
    /// The number that is called.
    pub number: String,
    /// When the customer hung up.
    pub taken: Instant,
    /// How often the customer was called in vain.
    pub failed: u32,
    /// When it is tried again at the earliest; `None`: it waits in line, is being tried, or rests until its window opens.
    pub rests_until: Option<Instant>,
    /// Since when the customer is on the line again: from then on it is a wait like others.
    pub reached: Option<Instant>,
    /// Why it ended without the customer.
    pub ended: Option<CallbackEnd>,
}

/// What the engine knows of a callback beside its story.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Callback {
    /// Whom to call.
    pub(crate) number: String,
    /// By which way.
    pub(crate) outbound: Outbound,
    /// It is somebody else's number than the caller's.
    pub(crate) is_other: bool,
    /// The agent who is held while somebody is called, and why that one.
    pub(crate) held: Option<(AgentId, Decision)>,
    /// The agent is the first side of the call, and the customer the second.
    pub(crate) is_agent_first: bool,
}

/// How far an attempt to call a customer back is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    /// In line or at rest: nobody is called.
    Away,
    /// The agent's phones ring.
    AgentRings(ReservationId),
    /// The agent picked up; the distributor has not confirmed yet.
    AgentUp(ReservationId),
    /// The customer's phone rings.
    CustomerRings(ReservationId),
    /// The customer picked up; the distributor has not confirmed yet.
    CustomerUp(ReservationId),
    /// The agent is gone, and the customer's phone, which rang, is told to stop: it may have been answered meanwhile.
    /// Where the distributor still holds the agent, by which reservation.
    Silencing(Option<ReservationId>),
    /// The customer picked up all the same; the distributor has not confirmed yet that it waits.
    Alone,
}

impl Step {
    /// The reservation by which somebody is called.
    pub(crate) fn reservation(self) -> Option<ReservationId> {
        match self {
            Step::Away | Step::Alone => None,
            Step::Silencing(reservation) => reservation,
            Step::AgentRings(reservation)
            | Step::AgentUp(reservation)
            | Step::CustomerRings(reservation)
            | Step::CustomerUp(reservation) => Some(reservation),
        }
    }

    pub(crate) fn standing(self) -> Standing {
        match self {
            Step::Away => Standing::ToCallBack,
            Step::AgentRings(_) | Step::AgentUp(_) => Standing::Ringing,
            Step::CustomerRings(_) | Step::CustomerUp(_) | Step::Silencing(_) | Step::Alone => {
                Standing::CallingBack
            }
        }
    }
}

impl Callback {
    /// Why it ended, and what became of its media, told with the customer as the caller whoever was called first.
    pub(crate) fn as_of_the_customer(&self, cause: HangUp, summary: Summary) -> (HangUp, Summary) {
        if !self.is_agent_first {
            return (cause, summary);
        }
        let other = |side| match side {
            Side::Caller => Side::Callee,
            Side::Callee => Side::Caller,
        };
        let cause = match cause {
            HangUp::By(side) => HangUp::By(other(side)),
            HangUp::Silent(side) => HangUp::Silent(other(side)),
            HangUp::Lost(side) => HangUp::Lost(other(side)),
            HangUp::Abandoned | HangUp::TooLong | HangUp::NoPort | HangUp::Requested => cause,
        };
        let Summary { held, caller, callee } = summary;
        (cause, Summary { held, caller: callee, callee: caller })
    }
}

/// Why a customer is not called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoCallback {
    /// There is no such interaction, or it is over.
    Unknown,
    /// The caller does not wait: an agent has answered, it leaves its queue, or a callback was asked for already.
    NotWaiting,
    /// The caller waits in several queues.
    InSeveralQueues,
    /// The queue calls nobody back.
    NotOffered(QueueId),
    /// The caller has no telephone number, or withheld it.
    NoNumber,
    /// That is no telephone number.
    BadNumber,
    /// The queue must not call such numbers.
    NotAllowed,
    /// Somebody is to be called back at this number already.
    Promised(InteractionId),
    /// The process is about to end.
    Draining,
    /// The distributor has refused it.
    Refused(acd::Refusal),
}

impl CallbackLine {
    /// Whether it may call a number. `is_other`: it is another one than the caller's.
    pub(crate) fn check(&self, number: &str, is_other: bool) -> Result<(), NoCallback> {
        if !is_number(number) {
            return Err(if is_other { NoCallback::BadNumber } else { NoCallback::NoNumber });
        }
        if self.denies(number) || is_other && !begins_with(number, &self.allow) {
            return Err(NoCallback::NotAllowed);
        }
        Ok(())
    }

    /// Whether it must not call a number, whosever that is.
    pub(crate) fn denies(&self, number: &str) -> bool {
        begins_with(number, &self.deny)
    }
}

fn begins_with(number: &str, prefixes: &[String]) -> bool {
    prefixes.iter().any(|prefix| number.starts_with(prefix.as_str()))
}

/// Digits, with or without a plus before them; nothing that a PBX could take for a command.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(allow: &[&str], deny: &[&str]) -> CallbackLine {
        let owned = |prefixes: &[&str]| prefixes.iter().map(|&prefix| prefix.to_owned()).collect();
        let outbound = Outbound { trunk: sip::TrunkId(1), host: "192.0.2.1".to_owned() };
        CallbackLine { outbound, allow: owned(allow), deny: owned(deny) }
    }

    #[test]
    fn other_numbers_need_a_prefix_that_is_allowed_and_the_own_one_none() {
        let none = line(&[], &[]);
        assert_eq!(none.check("0311112222", false), Ok(()));
        assert_eq!(none.check("0311112222", true), Err(NoCallback::NotAllowed));
        let seoul = line(&["02", "+822"], &[]);
        assert_eq!(seoul.check("0212345678", true), Ok(()));
        assert_eq!(seoul.check("+82212345678", true), Ok(()));
        assert_eq!(seoul.check("0311112222", true), Err(NoCallback::NotAllowed));
        assert_eq!(seoul.check("0311112222", false), Ok(()));
    }

    #[test]
    fn a_prefix_that_is_denied_is_called_for_nobody() {
        let line = line(&["0"], &["060"]);
        assert_eq!(line.check("0601234567", true), Err(NoCallback::NotAllowed));
        assert_eq!(line.check("0601234567", false), Err(NoCallback::NotAllowed));
        assert_eq!(line.check("0611234567", true), Ok(()));
    }

    #[test]
    fn only_digits_are_a_number() {
        let all = line(&[""], &[]);
        for bad in
            ["", "+", "12", "*72", "031#22", "0311112222;x=1", "031 111", "alice", "031@evil", "+1+2345"]
        {
            assert_eq!(all.check(bad, true), Err(NoCallback::BadNumber), "{bad}");
            assert_eq!(all.check(bad, false), Err(NoCallback::NoNumber), "{bad}");
        }
        assert_eq!(all.check(&"1".repeat(DIGITS_MAX + 1), true), Err(NoCallback::BadNumber));
        assert_eq!(all.check("112", true), Ok(()));
    }
}
