//! What new rules of a queue touch: the cost of a change is that of what differs.

use super::QueueSettings;

impl QueueSettings {
    /// Whether other rules differ only in what is looked up when it is needed: what a queue weighs, what a reservation and
    /// its end mean, who is called back and how, and who leaves at entry or because nobody is there. Who stands in which
    /// line, at which step and until when does not depend on it, but for the grace of steps: where a grace is over by the new
    /// one, whoever waits there goes on, and nobody else is looked at.
    pub(crate) fn leaves_everybody_in_place(&self, other: &QueueSettings) -> bool {
        self.with_what_is_looked_up_of(other) == *other
    }

    /// Whether other rules differ, beside that, only in when and how those leave who wait, and in how many agents are rung
    /// for them. Who serves the queue, and in which order, does not depend on it.
    pub(crate) fn leaves_agents_in_place(&self, other: &QueueSettings) -> bool {
        let with_it = QueueSettings {
            max_wait: other.max_wait,
            overflows: other.overflows.clone(),
            closed: other.closed,
            ring: other.ring,
            ..self.with_what_is_looked_up_of(other)
        };
        with_it == *other
    }

    fn with_what_is_looked_up_of(&self, other: &QueueSettings) -> QueueSettings {
        let QueueSettings { after_call_work_min, after_call_work_max, .. } = *other;
        QueueSettings {
            unstaffed_grace: other.unstaffed_grace,
            band: other.band,
            objective: other.objective,
            weight: other.weight,
            ratio: other.ratio,
            ring_timeout: other.ring_timeout,
            after_call_work: other.after_call_work,
            after_call_work_min,
            after_call_work_max,
            back_offs: other.back_offs.clone(),
            max_length: other.max_length,
            nobody_logged_in: other.nobody_logged_in,
            callback: other.callback,
            ..self.clone()
        }
    }

    /// Whether the same reserves open and close at the same times.
    pub(crate) fn has_the_reserves_of(&self, other: &QueueSettings) -> bool {
        self.reserves == other.reserves && self.reserves_close == other.reserves_close
    }
}
