//! What arrived, and what was refused before it became an interaction.

use std::collections::BTreeMap;

use engine::{RefusalCause, RequestKind};
use prometheus::IntCounter;

use crate::series::{Definition, Group, raise};

const ARRIVED: Definition = Definition {
    name: "cordboard_calls_arrived_total",
    help: "Calls that arrived: each is offered to a queue or refused.",
};
const CALLS_REFUSED: Definition = Definition {
    name: "cordboard_calls_refused_total",
    help: "Calls refused before they became an interaction, by cause.",
};
const REQUESTS_REFUSED: Definition = Definition {
    name: "cordboard_sip_requests_refused_total",
    help: "Other SIP requests refused before they changed anything, by what they asked for and cause.",
};
const CHALLENGES: Definition = Definition {
    name: "cordboard_sip_challenges_total",
    help: "SIP requests without credentials that were asked for them.",
};
const DROPPED: Definition = Definition {
    name: "cordboard_sip_messages_dropped_total",
    help: "SIP messages that were neither answered nor used, by reason.",
};

/// One writer, from totals.
pub(super) struct RefusalSeries {
    arrived: IntCounter,
    calls: BTreeMap<RefusalCause, IntCounter>,
    others: BTreeMap<(RequestKind, RefusalCause), IntCounter>,
    calls_challenged: IntCounter,
    others_challenged: IntCounter,
    malformed: IntCounter,
    stray: IntCounter,
}

impl RefusalSeries {
    pub(super) fn new(group: &mut Group) -> RefusalSeries {
        let mut calls = BTreeMap::new();
        let mut others = BTreeMap::new();
        for cause in RefusalCause::all() {
            calls.insert(cause, group.counter(CALLS_REFUSED, &[("cause", cause.as_str())]));
        }
        for request in [RequestKind::Registration, RequestKind::Other] {
            for cause in RefusalCause::of_requests() {
                let labels = [("request", request.as_str()), ("cause", cause.as_str())];
                let counter = group.counter(REQUESTS_REFUSED, &labels);
                others.insert((request, cause), counter);
            }
        }
        RefusalSeries {
            arrived: group.counter(ARRIVED, &[]),
            calls,
            others,
            calls_challenged: group.counter(CHALLENGES, &[("request", "call")]),
            others_challenged: group.counter(CHALLENGES, &[("request", "other")]),
            malformed: group.counter(DROPPED, &[("reason", "malformed")]),
            stray: group.counter(DROPPED, &[("reason", "stray")]),
        }
    }

    pub(super) fn set(&self, totals: &engine::Totals) {
        raise(&self.arrived, totals.sip.calls());
        raise(&self.calls_challenged, totals.sip.invites_challenged);
        raise(&self.others_challenged, totals.sip.others_challenged);
        raise(&self.malformed, totals.sip.malformed);
        raise(&self.stray, totals.sip.stray);
        for refused in &totals.refused {
            let counter = match refused.request {
                RequestKind::Call => self.calls.get(&refused.cause),
                RequestKind::Registration | RequestKind::Other => {
                    self.others.get(&(refused.request, refused.cause))
                }
            };
            raise(counter.expect("every cause has its series"), refused.count);
        }
    }
}
