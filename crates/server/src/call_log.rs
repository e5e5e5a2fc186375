//! One line for each call, with its whole story.

mod refusals;
mod spans;

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use acd::AgentId;
use arc_swap::ArcSwap;
use cti::TrunkNames;
use engine::{AttemptRecord, CallRecord, Notice, Stopped, Wish};
use report::Names;
use tokio::sync::watch;
use tracing::{error, info};

use crate::clock::Clock;
use crate::doorbell::Doorbell;
use crate::mask;
use crate::otlp::Traces;
use crate::remembered::Remembered;
use crate::ring::Consumer;
use spans::Moment;

/// How long notices gather before they are written together: to wake a thread of the runtime for each would be a tenth of
/// what a call costs.
const GATHERS_FOR: Duration = Duration::from_millis(20);

/// Turns the engine's notices into lines, in a task of the runtime: the engine's thread never writes.
#[derive(Debug)]
pub struct CallLog {
    /// What queues and agents are called.
    pub names: Arc<ArcSwap<Names>>,
    /// What trunks are called.
    pub trunks: Arc<ArcSwap<TrunkNames>>,
    /// Where the records stay for a while.
    pub remembered: Arc<Remembered>,
    /// Where the spans of calls go; none: nowhere.
    pub traces: Option<Traces>,
    /// The clock of the records.
    pub clock: Clock,
    /// Whether the last digits of callers' numbers are hidden.
    pub mask_numbers: bool,
}

impl CallLog {
    /// Writes until `stopped` changes, and then what is left.
    pub async fn write(
        self,
        notices: Consumer<Notice>,
        doorbell: Arc<Doorbell>,
        mut stopped: watch::Receiver<bool>,
    ) {
        while !*stopped.borrow_and_update() {
            while let Some(notice) = notices.pop() {
                self.notice(notice);
            }
            tokio::select! {
                () = doorbell.rest(|| notices.is_empty()) => {}
                _ = stopped.changed() => {}
            }
            // Who was rung counts as awake until the next rest: what comes meanwhile wakes nobody.
            tokio::select! {
                () = tokio::time::sleep(GATHERS_FOR) => {}
                _ = stopped.changed() => {}
            }
        }
        while let Some(notice) = notices.pop() {
            self.notice(notice);
        }
    }

    fn notice(&self, notice: Notice) {
        match notice {
            Notice::CallEnded(record) => {
                self.call(&record);
                if let Some(traces) = &self.traces {
                    traces.add(self.spans(&record, Moment::of(self.clock)));
                }
                self.remembered.add(Arc::from(record));
            }
            Notice::Refused(refusal) => self.refusal(&refusal),
            Notice::RefusedFurther(further) => self.further_refusals(&further),
            Notice::RegistrationChanged { account, contacts } => {
                info!(account, contacts, "registration changed");
            }
            Notice::CommandRefused { command, refusal } => {
                error!(?command, %refusal, "the distributor refused a command of the engine");
            }
        }
    }

    fn call(&self, record: &CallRecord) {
        let names = self.names.load();
        let queue = names.queue(record.story.queue);
        let agent = record.story.agent.map(|agent| agent_id(&names, agent));
        let (caller_lost, agent_lost) =
            (lost(record.summary.caller.as_ref()), lost(record.summary.callee.as_ref()));
        info!(
            interaction = record.story.interaction.0,
            call_id = record.story.call_id,
            caller = %self.number(&record.story.caller),
            called = %clean(&record.story.called),
            origin = %self.whence(&record.story.origin),
            queue,
            outcome = record.outcome.name(),
            end = record.cause.name(),
            agent,
            waited = %seconds(record.waited()),
            wanted = record.story.wish.map(|wish| names_of(&names, &wish)),
            regained = record.story.regained.map(|at| seconds(record.story.arrived.since(at))),
            talked = %seconds(record.talked()),
            held = %seconds(record.summary.held),
            attempts = record.story.attempts_total,
            tried = %tried(&names, &record.story.attempts),
            caller_lost,
            agent_lost,
            "call ended"
        );
    }

    fn number(&self, number: &str) -> String {
        let number = clean(number);
        if self.mask_numbers { mask::number(&number).into_owned() } else { number }
    }

    fn whence(&self, origin: &sip::Origin) -> String {
        match origin {
            sip::Origin::Trunk(trunk) => format!("trunk:{}", self.trunk(*trunk)),
            sip::Origin::Account(account) => format!("account:{account}"),
        }
    }

    fn trunk(&self, trunk: sip::TrunkId) -> String {
        self.trunks.load().get(&trunk).cloned().unwrap_or_else(|| trunk.0.to_string())
    }
}

/// What comes from outside could pretend to be the next line or the next field.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c.is_whitespace() { '_' } else { c }).collect()
}

fn agent_id(names: &Names, agent: AgentId) -> String {
    names.agent(agent).map_or_else(|| format!("#{}", agent.0), str::to_owned)
}

/// `kim,lee`: whom the call wanted by name.
fn names_of(names: &Names, wish: &Wish) -> String {
    let agents: Vec<String> = wish.wanted.names().map(|agent| agent_id(names, agent)).collect();
    agents.join(",")
}

/// `kim:408/15.0s,lee:answered/2.1s`: whom the call was offered to, how it went and how long it rang.
fn tried(names: &Names, attempts: &[AttemptRecord]) -> String {
    let mut text = String::new();
    for attempt in attempts {
        if !text.is_empty() {
            text.push(',');
        }
        let who = attempt.agent.map_or_else(|| "outside".to_owned(), |agent| agent_id(names, agent));
        let how = result(attempt);
        write!(text, "{who}:{how}/{}", seconds(attempt.lasted)).expect("a String takes everything");
    }
    text
}

/// How an attempt went, in a word.
fn result(attempt: &AttemptRecord) -> String {
    match (attempt.failure, attempt.stopped) {
        (Some(failure), _) => failure.status.to_string(),
        (None, Some(Stopped::Missed)) => "no_answer".to_owned(),
        (None, Some(Stopped::Cancelled)) => "cancelled".to_owned(),
        (None, Some(Stopped::Withdrawn)) => "withdrawn".to_owned(),
        (None, Some(Stopped::TakenByAnother)) => "taken_by_another".to_owned(),
        (None, None) => "answered".to_owned(),
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1}s", duration.as_secs_f64())
}

/// Packets lost of those expected, in percent; `None` where nothing was expected.
fn lost(statistics: Option<&media::Statistics>) -> Option<String> {
    let statistics = statistics?;
    let lost = u64::try_from(statistics.lost).unwrap_or(0);
    let expected = statistics.received_packets.saturating_add(lost);
    (expected > 0).then(|| format!("{:.2}%", lost as f64 * 100.0 / expected as f64))
}
