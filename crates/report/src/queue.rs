//! One queue: its series, who waits there since when, and the figures of its day.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use acd::{CallbackEnd, DequeueCause, Exit, InteractionId, OverflowCause, QueueId};
use timing::Instant;

use crate::service_level::ServiceLevel;

mod series;

pub(crate) use series::{QueueSeries, WantedOutcome};

/// What became of a queue's interactions since the day began. At every moment
/// `offered = answered + abandoned + overflowed + dequeued + called_back + callbacks_ended` and who still waits or is to be
/// called back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Entered the queue, or came back to it; at the start of a day, who waited already.
    pub offered: u64,
    /// A conversation began.
    pub answered: u64,
    /// Of these, within the threshold of that moment.
    pub answered_within: u64,
    /// The sum of their waits.
    pub answered_waits: Duration,
    /// Gave up.
    pub abandoned: u64,
    /// Of these, within the threshold of that moment.
    pub abandoned_within: u64,
    /// Of the abandoned, within [`crate::Settings::short_abandon`].
    pub short_abandons: u64,
    /// Left by rule, into another queue or out.
    pub overflowed: u64,
    /// Left because of what became of them in another of their queues.
    pub dequeued: u64,
    /// Hung up to be called back.
    pub callbacks_taken: u64,
    /// A conversation began with a customer who was called back; not among the answered.
    pub called_back: u64,
    /// Callbacks that ended without a conversation.
    pub callbacks_ended: u64,
    /// Interactions whose conversation and after-call work are over.
    pub handled: u64,
    /// The sum of their conversations and after-call work.
    pub handle_time: Duration,
}

impl Tally {
    /// The mean wait of those answered; `None` where there are none.
    pub fn average_speed_of_answer(&self) -> Option<Duration> {
        mean(self.answered_waits, self.answered)
    }

    /// The mean of conversation and after-call work; `None` where nothing is finished.
    pub fn average_handle_time(&self) -> Option<Duration> {
        mean(self.handle_time, self.handled)
    }
}

fn mean(sum: Duration, count: u64) -> Option<Duration> {
    (count > 0).then(|| sum.div_f64(count as f64))
}

/// How an interaction came into a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// From outside.
    New,
    /// From outside, and into another queue at the same time, where it counts as new.
    Beside,
    /// From another queue.
    FlowIn,
    /// From an agent of this queue who took it and was gone.
    Again,
}

impl Entry {
    /// As it is told of an interaction that came from another queue, or entered this one beside another.
    pub(crate) fn into_queue(queue: QueueId, from: Option<QueueId>, beside: bool) -> Entry {
        match from {
            None if beside => Entry::Beside,
            None => Entry::New,
            Some(from) if from == queue => Entry::Again,
            Some(_) => Entry::FlowIn,
        }
    }
}

/// What a reporter knows of a queue at one moment, for the wallboard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueFigures {
    /// Interactions not answered yet, those for whom an agent is rung included.
    pub waiting: usize,
    /// When the one who waits longest entered.
    pub oldest: Option<Instant>,
    /// To be called back; not among the waiting.
    pub callbacks: usize,
    /// Of the day.
    pub tally: Tally,
}

/// Everything about one queue.
pub(crate) struct Queue {
    /// `None` while the queue has no name. A queue that lost its name keeps its series until it is forgotten, so
    /// that what became of its callers is seen.
    pub(crate) series: Option<QueueSeries>,
    /// The configuration names it.
    pub(crate) named: bool,
    /// The distributor has it.
    pub(crate) defined: bool,
    /// The distributor had it, and what the series say is of that time.
    is_removed: bool,
    pub(crate) threshold: Duration,
    pub(crate) tally: Tally,
    /// Conversations, which go on when the queue is removed.
    handling: u32,
    /// Conversations whose handle time is not counted yet: these, and those in after-call work.
    unfinished: u32,
    /// Since when nothing is left of a queue that nobody knows any more.
    gone_since: Option<Instant>,
    waiting: BTreeMap<InteractionId, Instant>,
    line: BTreeSet<(Instant, InteractionId)>,
    /// Those who hung up to be called back.
    callbacks: BTreeSet<InteractionId>,
}

impl Queue {
    pub(crate) fn new() -> Queue {
        Queue {
            series: None,
            named: false,
            defined: false,
            is_removed: false,
            threshold: Duration::MAX,
            tally: Tally::default(),
            handling: 0,
            unfinished: 0,
            gone_since: None,
            waiting: BTreeMap::new(),
            line: BTreeSet::new(),
            callbacks: BTreeSet::new(),
        }
    }

    /// Somebody who waits hangs up to be called back.
    pub(crate) fn take_callback(&mut self, interaction: InteractionId) {
        self.tally.callbacks_taken += 1;
        if let Some(series) = &self.series {
            series.callbacks_taken.inc();
        }
        self.keep_callback(interaction);
    }

    /// One who waits is not on the line.
    pub(crate) fn keep_callback(&mut self, interaction: InteractionId) {
        if let Some(entered) = self.waiting.remove(&interaction) {
            self.line.remove(&(entered, interaction));
        }
        self.callbacks.insert(interaction);
        self.show_line();
    }

    /// A customer who is called back is on the line and waits from now on.
    pub(crate) fn reach_callback(&mut self, now: Instant, interaction: InteractionId) {
        if self.callbacks.remove(&interaction) {
            self.waiting.insert(interaction, now);
            self.line.insert((now, interaction));
            self.show_line();
        }
    }

    /// How long an interaction has waited on the line: since it entered, or since its customer was reached.
    pub(crate) fn wait_on_the_line(&self, now: Instant, interaction: InteractionId) -> Option<Duration> {
        self.waiting.get(&interaction).map(|&since| now.since(since))
    }

    /// The conversation of a callback began. Since when its customer was on the line.
    pub(crate) fn called_back(&mut self, interaction: InteractionId) -> Option<Instant> {
        self.tally.called_back += 1;
        if let Some(series) = &self.series {
            series.called_back.inc();
        }
        self.set_handling(self.handling + 1);
        self.unfinished += 1;
        let since = self.waiting.get(&interaction).copied();
        self.leave(interaction);
        since
    }

    /// A callback ended without a conversation.
    pub(crate) fn end_callback(&mut self, interaction: InteractionId, cause: CallbackEnd) {
        self.tally.callbacks_ended += 1;
        if let Some(series) = &self.series {
            series.end_callback(cause);
        }
        self.leave(interaction);
    }

    /// An interaction waits that entered then.
    pub(crate) fn enter(&mut self, entered: Instant, interaction: InteractionId, entry: Entry) {
        self.waiting.insert(interaction, entered);
        self.line.insert((entered, interaction));
        self.tally.offered += 1;
        if let Some(series) = &self.series {
            series.offered.inc();
            match entry {
                Entry::New => {}
                Entry::Beside => series.besides.inc(),
                Entry::FlowIn => series.flow_ins.inc(),
                Entry::Again => series.returns.inc(),
            }
        }
        self.show_line();
    }

    pub(crate) fn answer(&mut self, interaction: InteractionId, waited: Duration) {
        self.tally.answered += 1;
        self.tally.answered_waits = self.tally.answered_waits.saturating_add(waited);
        self.tally.answered_within += u64::from(waited <= self.threshold);
        if let Some(series) = &self.series {
            series.answered.leave(waited);
        }
        self.set_handling(self.handling + 1);
        self.unfinished += 1;
        self.leave(interaction);
    }

    pub(crate) fn end_conversation(&mut self) {
        self.set_handling(self.handling.saturating_sub(1));
    }

    /// The distributor has the queue. One that comes back begins at zero, as it does there.
    pub(crate) fn define(&mut self) {
        self.defined = true;
        if std::mem::take(&mut self.is_removed) {
            self.series = None;
        }
    }

    /// The distributor has the queue no longer, and all who waited have left; conversations go on.
    pub(crate) fn remove(&mut self) {
        self.defined = false;
        self.is_removed = true;
        self.tally = Tally::default();
        self.waiting.clear();
        self.line.clear();
        self.callbacks.clear();
        self.show_line();
        if let Some(series) = &self.series {
            series.end_snapshots();
        }
    }

    /// Whether nobody has known it and nothing has been left of it for `kept`.
    pub(crate) fn is_forgotten(&mut self, now: Instant, kept: Duration) -> bool {
        if self.named || self.defined || self.unfinished > 0 {
            self.gone_since = None;
            return false;
        }
        now.since(*self.gone_since.get_or_insert(now)) >= kept
    }

    pub(crate) fn abandon(&mut self, interaction: InteractionId, waited: Duration, short: bool) {
        self.tally.abandoned += 1;
        self.tally.abandoned_within += u64::from(waited <= self.threshold);
        self.tally.short_abandons += u64::from(short);
        if let Some(series) = &self.series {
            series.abandoned.leave(waited);
            if short {
                series.short_abandons.inc();
            }
        }
        self.leave(interaction);
    }

    /// Answers whether a callback moves to another queue.
    pub(crate) fn overflow(
        &mut self,
        interaction: InteractionId,
        waited: Duration,
        cause: OverflowCause,
        (exit, elsewhere): (Exit, bool),
    ) -> bool {
        self.tally.overflowed += 1;
        if let Some(series) = &self.series {
            series.overflowed.leave(waited);
            series.overflow(cause);
            match exit {
                // Who stood there already has not come there.
                Exit::Queue(_) if !elsewhere => series.flow_outs.inc(),
                Exit::Queue(_) | Exit::Leave(_) => {}
            }
        }
        let is_callback = self.callbacks.contains(&interaction);
        self.leave(interaction);
        is_callback && matches!(exit, Exit::Queue(_))
    }

    pub(crate) fn dequeue(&mut self, interaction: InteractionId, waited: Duration, cause: DequeueCause) {
        self.tally.dequeued += 1;
        if let Some(series) = &self.series {
            series.dequeued.leave(waited);
            series.dequeue(cause);
        }
        self.leave(interaction);
    }

    pub(crate) fn handled(&mut self, handle_time: Duration) {
        self.unfinished = self.unfinished.saturating_sub(1);
        self.tally.handled += 1;
        self.tally.handle_time = self.tally.handle_time.saturating_add(handle_time);
        if let Some(series) = &self.series {
            series.handle_time.observe(handle_time.as_secs_f64());
        }
    }

    /// Begins a day: who waits is offered to it, nothing else is.
    pub(crate) fn new_day(&mut self) {
        self.tally =
            Tally { offered: (self.waiting.len() + self.callbacks.len()) as u64, ..Tally::default() };
    }

    pub(crate) fn show_service_level(&self, variant: ServiceLevel) {
        if let Some(series) = &self.series {
            series.set_service_level(variant.of(&self.tally));
        }
    }

    pub(crate) fn figures(&self) -> QueueFigures {
        QueueFigures {
            waiting: self.waiting.len(),
            oldest: self.oldest(),
            callbacks: self.callbacks.len(),
            tally: self.tally,
        }
    }

    /// Shows in new series what gauges say; counters begin at zero.
    pub(crate) fn show(&mut self, series: QueueSeries, variant: ServiceLevel) {
        self.series = Some(series);
        self.set_handling(self.handling);
        self.show_line();
        self.show_service_level(variant);
    }

    fn set_handling(&mut self, handling: u32) {
        self.handling = handling;
        if let Some(series) = &self.series {
            series.handling.set(handling.into());
        }
    }

    fn oldest(&self) -> Option<Instant> {
        self.line.first().map(|&(entered, _)| entered)
    }

    fn leave(&mut self, interaction: InteractionId) {
        if let Some(entered) = self.waiting.remove(&interaction) {
            self.line.remove(&(entered, interaction));
        }
        self.callbacks.remove(&interaction);
        self.show_line();
    }

    fn show_line(&self) {
        if let Some(series) = &self.series {
            series.set_line(self.waiting.len(), self.oldest(), self.callbacks.len());
        }
    }
}
