//! Interactions: where one stands, through which queues it came, whom it was offered to and why.

use acd::{DequeueCause, OverflowCause, StepCause};
use b2bua::FailureKind;
use engine::{AttemptRecord, CallRecord, Ongoing, Standing, StepRecord, Stopped, Story};
use report::EstimatedWait;
use serde::Serialize;
use utoipa::ToSchema;

use crate::words::seconds;
use crate::{Callback, Changed, WantedAgents, Why, Words};

/// One interaction, in progress or over.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Interaction {
    /// Its number; numbers grow with arrival and begin anew with the process.
    pub id: u64,
    /// How the customer came.
    #[schema(example = "voice")]
    pub channel: &'static str,
    /// Where it stands.
    pub state: InteractionState,
    /// The SIP Call-ID of the caller's leg.
    pub call_id: String,
    /// Who called: the number or name in P-Asserted-Identity, else From.
    pub caller: String,
    /// The number dialled.
    pub called: String,
    /// Where it came from.
    pub origin: Origin,
    /// The SIP headers that came along: Diversion, History-Info, User-to-User, X- and others. A list has none: ask
    /// for one interaction.
    pub attributes: Vec<Attribute>,
    /// The queue it is in, or was in last.
    pub queue: String,
    /// The agent whom it reached.
    pub agent: Option<String>,
    /// When it arrived (RFC 3339).
    pub arrived: String,
    /// When an earlier call of this caller arrived, who gave up and called again in time (`keep_place` of the queue):
    /// this call has its place in line. Waits count from its own arrival all the same.
    pub regained: Option<String>,
    /// The agents whom it wanted by name; null for most.
    pub wanted: Option<WantedAgents>,
    /// Its points: each is a head start in line (`head_start` of `[routing]`).
    pub priority: i32,
    /// What it needs beside what its queue requires, as the configuration writes it; null: nothing.
    #[schema(example = "english >= 3")]
    pub require: Option<String>,
    /// What people changed of it while it waited, first first.
    pub changes: Vec<Changed>,
    /// All changes, those beyond the list included.
    pub changes_total: u32,
    /// When an agent answered.
    pub answered: Option<String>,
    /// When a number outside answered that a rule of the queue led to.
    pub outside_answered: Option<String>,
    /// When it was over for the caller.
    pub ended: Option<String>,
    /// What became of it: `answered`, `abandoned`, `overflowed`, `failed`, `called_back` or `callback_ended`; null while
    /// it goes on.
    #[schema(example = "answered")]
    pub outcome: Option<&'static str>,
    /// Who or what ended it.
    #[schema(example = "by_caller")]
    pub end: Option<&'static str>,
    /// How long it will wait from now on, by its place in line; null where it does not wait for an agent, and in a
    /// list: ask for one interaction.
    pub estimated_wait: Option<EstimatedWait>,
    /// From arrival to the answer of an agent or of a number outside, to the end where there was none, or to now.
    pub waited_seconds: f64,
    /// From this answer to the end or to now; holds are in it while it goes on, and taken out at the end.
    pub talked_seconds: f64,
    /// How long either side held the other; null while it goes on.
    pub held_seconds: Option<f64>,
    /// The customer has hung up to be called back; null otherwise.
    pub callback: Option<Callback>,
    /// Its stays in queues, first first.
    pub visits: Vec<Visit>,
    /// All stays, those beyond the list included.
    pub visits_total: u32,
    /// Whom it was offered to, first first, and why to them.
    pub attempts: Vec<Attempt>,
    /// All attempts, those beyond the list included.
    pub attempts_total: u32,
    /// What the caller's side sent us; null while it goes on, or where media does not pass through us.
    pub caller_media: Option<Media>,
    /// What the agent's side sent us.
    pub agent_media: Option<Media>,
}

/// Some interactions, and how to go on.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Interactions {
    /// In progress: oldest first. Ended: newest first.
    pub interactions: Vec<Interaction>,
    /// There may be more: ask again with this as `from`; null at the end.
    pub next: Option<u64>,
}

/// Where an interaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InteractionState {
    /// Nobody is rung.
    Waiting,
    /// The customer has hung up to be called back, and nobody is rung.
    ToCallBack,
    /// An agent's phones ring.
    Ringing,
    /// The customer is being called back.
    CallingBack,
    /// Agent and caller talk.
    Talking,
    /// On its way out of its queue by a rule: to a number, or to its end.
    Leaving,
    /// Over for the caller; what is left is being taken down.
    Ending,
    /// Nothing of it is left.
    Ended,
}

impl InteractionState {
    /// As it is written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            InteractionState::Waiting => "waiting",
            InteractionState::ToCallBack => "to_call_back",
            InteractionState::CallingBack => "calling_back",
            InteractionState::Ringing => "ringing",
            InteractionState::Talking => "talking",
            InteractionState::Leaving => "leaving",
            InteractionState::Ending => "ending",
            InteractionState::Ended => "ended",
        }
    }

    /// That of one that goes on.
    pub fn of(standing: Standing) -> InteractionState {
        match standing {
            Standing::Waiting => InteractionState::Waiting,
            Standing::ToCallBack => InteractionState::ToCallBack,
            Standing::CallingBack => InteractionState::CallingBack,
            Standing::Ringing => InteractionState::Ringing,
            Standing::Talking => InteractionState::Talking,
            Standing::Leaving => InteractionState::Leaving,
            Standing::Ending => InteractionState::Ending,
        }
    }
}

/// Where an interaction came from: one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A trunk, by name.
    Trunk(String),
    /// A registered phone, by account.
    Account(String),
}

/// A SIP header that came along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Attribute {
    /// Its name as it was written.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// One stay in a queue.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Visit {
    /// Which queue.
    pub queue: String,
    /// When it began (RFC 3339).
    pub entered: String,
    /// The steps that it came to after the first requirement.
    pub steps: Vec<Step>,
    /// How a rule ended it; null where an agent answered, the caller gave up, it was dequeued, or it goes on.
    pub overflow: Option<Overflow>,
    /// How it ended because of what became of the interaction in another of its queues; null otherwise.
    pub dequeue: Option<Dequeue>,
}

/// A step of a queue that an interaction came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Step {
    /// Which, from 1.
    pub step: u8,
    /// When (RFC 3339).
    pub at: String,
    /// Why.
    pub cause: StepName,
}

/// Why an interaction came to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// Its time had come.
    Time,
    /// No logged-in agent could satisfy the step before.
    Unstaffed,
    /// The queue's rules changed.
    Changed,
}

/// How what became of an interaction in another of its queues ended a stay in one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Dequeue {
    /// When (RFC 3339).
    pub at: String,
    /// What became of it.
    pub cause: DequeueName,
}

/// Why an interaction left one of several queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DequeueName {
    /// It was answered from another queue.
    Answered,
    /// The caller gave up; that counts in the first of its queues.
    Abandoned,
    /// Somebody moved it.
    Moved,
    /// The queue is in the configuration no longer.
    QueueRemoved,
}

/// How a rule ended a stay in a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Overflow {
    /// When (RFC 3339).
    pub at: String,
    /// Why.
    pub cause: OverflowName,
    /// Which of the queue's `overflow` tables, where one of them is the cause; 1 is the first.
    pub rule: Option<u8>,
}

/// Why an interaction left a queue without an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverflowName {
    /// `nobody_logged_in` of the queue.
    NobodyLoggedIn,
    /// `max_wait` of the queue.
    MaxWait,
    /// `max_length` of the queue.
    MaxLength,
    /// The queue is closed: `closed` of the queue.
    Closed,
    /// One of the `overflow` tables of the queue.
    Rule,
    /// Somebody moved it.
    Moved,
    /// The queue is in the configuration no longer.
    QueueRemoved,
    /// None of the agents whom it wanted by name was there.
    WantedAbsent,
    /// The agents whom it wanted by name did not take it in time.
    WantedTimeout,
}

/// One attempt to reach an agent, or a number outside.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Attempt {
    /// Who; null for a number outside.
    pub agent: Option<String>,
    /// The queue it came from.
    pub queue: String,
    /// When it began (RFC 3339).
    pub at: String,
    /// How long it rang.
    pub rang_seconds: f64,
    /// What came of it.
    pub result: AttemptResult,
    /// The SIP status of an attempt that failed; 408, 480 or 503 where we speak for a phone that said nothing.
    pub status: Option<u16>,
    /// Why this agent and no other; null for a number outside.
    pub why: Option<Why>,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptResult {
    /// It goes on.
    Ringing,
    /// Somebody picked up.
    Answered,
    /// We ended it, because the caller was gone.
    Cancelled,
    /// We ended it, because the agent was gone: logged out, or without a phone.
    Withdrawn,
    /// We ended it, because another agent who was rung as well was first.
    TakenByAnother,
    /// A phone rang, or was asked, and nobody answered in time: missed.
    NoAnswer,
    /// The phone says that its user is busy.
    Busy,
    /// The user, or a rule of the phone, said no.
    Rejected,
    /// No phone could be asked.
    Unreachable,
    /// We had no media port for the call to the phone: no fault of the agent.
    NoPort,
}

/// What one side's media was like, as it reached us.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Media {
    /// RTP packets that came.
    pub packets: u64,
    /// RTP packets that should have come and did not (RFC 3550 A.3).
    pub lost: i64,
    /// Interarrival jitter (RFC 3550 A.8).
    pub jitter_seconds: f64,
}

impl Interaction {
    /// One that goes on.
    pub fn ongoing(ongoing: &Ongoing, words: &Words<'_>) -> Interaction {
        let Ongoing { standing, trying, story } = ongoing;
        let waited = story.talk_began().unwrap_or(words.now).since(story.arrived);
        let talked = story.talk_began().map_or(0.0, |answered| words.ago(answered));
        let mut interaction = told(story, seconds(waited), talked, words);
        interaction.state = InteractionState::of(*standing);
        for &listed in trying {
            if let (Some(attempt), Some(record)) =
                (interaction.attempts.get_mut(listed), story.attempts.get(listed))
            {
                attempt.result = AttemptResult::Ringing;
                attempt.rang_seconds = words.ago(record.at);
            }
        }
        interaction
    }

    /// One that is over.
    pub fn ended(record: &CallRecord, words: &Words<'_>) -> Interaction {
        let (waited, talked) = (seconds(record.waited()), seconds(record.talked()));
        Interaction {
            state: InteractionState::Ended,
            ended: Some(words.time(record.ended)),
            outcome: Some(record.outcome.name()),
            end: Some(record.cause.name()),
            held_seconds: Some(seconds(record.summary.held)),
            caller_media: record.summary.caller.as_ref().map(Media::new),
            agent_media: record.summary.callee.as_ref().map(Media::new),
            ..told(&record.story, waited, talked, words)
        }
    }
}

/// What holds for both.
fn told(story: &Story, waited_seconds: f64, talked_seconds: f64, words: &Words<'_>) -> Interaction {
    let attribute = |one: &sip::HeaderField| Attribute { name: one.name.clone(), value: one.value.clone() };
    Interaction {
        id: story.interaction.0,
        channel: "voice",
        state: InteractionState::Waiting,
        call_id: story.call_id.clone(),
        caller: story.caller.clone(),
        called: story.called.clone(),
        origin: Origin::new(&story.origin, words),
        attributes: story.attributes.iter().map(attribute).collect(),
        queue: words.queue(story.queue),
        agent: story.agent.map(|agent| words.agent(agent)),
        arrived: words.time(story.arrived),
        regained: story.regained.map(|at| words.time(at)),
        wanted: WantedAgents::of(story, words),
        priority: story.priority,
        require: story.requirement.as_ref().map(|own| words.requirement(own)),
        changes: story.changes.iter().map(|one| Changed::new(one, words)).collect(),
        changes_total: story.changes_total,
        answered: story.answered.map(|at| words.time(at)),
        outside_answered: story.outside_answered.map(|at| words.time(at)),
        ended: None,
        outcome: None,
        end: None,
        estimated_wait: None,
        waited_seconds,
        talked_seconds,
        held_seconds: None,
        callback: story.callback.as_ref().map(|callback| Callback::new(callback, words)),
        visits: story.visits.iter().map(|one| Visit::new(one, words)).collect(),
        visits_total: story.visits_total,
        attempts: story.attempts.iter().map(|one| Attempt::new(one, words)).collect(),
        attempts_total: story.attempts_total,
        caller_media: None,
        agent_media: None,
    }
}

impl Origin {
    fn new(origin: &sip::Origin, words: &Words<'_>) -> Origin {
        match origin {
            sip::Origin::Trunk(trunk) => {
                let name = words.trunks.get(trunk);
                Origin::Trunk(name.map_or_else(|| format!("#{}", trunk.0), Clone::clone))
            }
            sip::Origin::Account(account) => Origin::Account(account.clone()),
        }
    }
}

impl Visit {
    fn new(visit: &engine::Visit, words: &Words<'_>) -> Visit {
        let overflow = |(at, cause)| Overflow {
            at: words.time(at),
            cause: OverflowName::of(cause),
            rule: rule_of(cause),
        };
        Visit {
            queue: words.queue(visit.queue),
            entered: words.time(visit.entered),
            steps: visit.steps.iter().map(|step| Step::new(*step, words)).collect(),
            overflow: visit.overflowed.map(overflow),
            dequeue: visit
                .dequeued
                .map(|(at, cause)| Dequeue { at: words.time(at), cause: DequeueName::of(cause) }),
        }
    }
}

impl Step {
    fn new(record: StepRecord, words: &Words<'_>) -> Step {
        let cause = match record.cause {
            StepCause::Time => StepName::Time,
            StepCause::Unstaffed => StepName::Unstaffed,
            StepCause::Changed => StepName::Changed,
        };
        Step { step: record.step, at: words.time(record.at), cause }
    }
}

impl DequeueName {
    fn of(cause: DequeueCause) -> DequeueName {
        match cause {
            DequeueCause::Answered => DequeueName::Answered,
            DequeueCause::Abandoned => DequeueName::Abandoned,
            DequeueCause::Moved => DequeueName::Moved,
            DequeueCause::QueueRemoved => DequeueName::QueueRemoved,
        }
    }
}

/// The place of a rule of overflow, counted from 1 as in the file.
fn rule_of(cause: OverflowCause) -> Option<u8> {
    match cause {
        OverflowCause::Rule(number) => Some(number.saturating_add(1)),
        OverflowCause::NobodyLoggedIn
        | OverflowCause::MaxWait
        | OverflowCause::MaxLength
        | OverflowCause::Closed
        | OverflowCause::Moved
        | OverflowCause::QueueRemoved
        | OverflowCause::WantedAbsent
        | OverflowCause::WantedTimeout => None,
    }
}

impl OverflowName {
    fn of(cause: OverflowCause) -> OverflowName {
        match cause {
            OverflowCause::NobodyLoggedIn => OverflowName::NobodyLoggedIn,
            OverflowCause::MaxWait => OverflowName::MaxWait,
            OverflowCause::MaxLength => OverflowName::MaxLength,
            OverflowCause::Closed => OverflowName::Closed,
            OverflowCause::Rule(_) => OverflowName::Rule,
            OverflowCause::Moved => OverflowName::Moved,
            OverflowCause::QueueRemoved => OverflowName::QueueRemoved,
            OverflowCause::WantedAbsent => OverflowName::WantedAbsent,
            OverflowCause::WantedTimeout => OverflowName::WantedTimeout,
        }
    }
}

impl Attempt {
    fn new(record: &AttemptRecord, words: &Words<'_>) -> Attempt {
        let result = match record.failure.map(|failure| failure.kind) {
            None => match record.stopped {
                Some(Stopped::Missed) => AttemptResult::NoAnswer,
                Some(Stopped::Cancelled) => AttemptResult::Cancelled,
                Some(Stopped::Withdrawn) => AttemptResult::Withdrawn,
                Some(Stopped::TakenByAnother) => AttemptResult::TakenByAnother,
                None => AttemptResult::Answered,
            },
            Some(FailureKind::NoAnswer) => AttemptResult::NoAnswer,
            Some(FailureKind::Busy) => AttemptResult::Busy,
            Some(FailureKind::Rejected) => AttemptResult::Rejected,
            Some(FailureKind::Unreachable) => AttemptResult::Unreachable,
            Some(FailureKind::NoPort) => AttemptResult::NoPort,
        };
        Attempt {
            agent: record.agent.map(|agent| words.agent(agent)),
            queue: words.queue(record.queue),
            at: words.time(record.at),
            rang_seconds: seconds(record.lasted),
            result,
            status: record.failure.map(|failure| failure.status),
            why: record.decision.as_ref().map(|decision| Why::new(decision, words)),
        }
    }
}

impl Media {
    fn new(counted: &media::Statistics) -> Media {
        Media {
            packets: counted.received_packets,
            lost: counted.lost,
            jitter_seconds: counted.jitter_micros as f64 / 1e6,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use acd::{InteractionId, QueueId};
    use b2bua::{HangUp, Side, Summary};
    use engine::Outcome;
    use report::Names;
    use timing::Instant;

    use super::*;
    use crate::{TrunkNames, WantedCause, WantedOverName};

    /// Arrived in second 100; a rule led it to a number outside, which answered in second 130.
    fn transferred() -> Story {
        Story {
            interaction: InteractionId(7),
            call_id: "7@pbx".to_owned(),
            caller: "0212345678".to_owned(),
            called: "15881000".to_owned(),
            origin: sip::Origin::Account("kim".to_owned()),
            attributes: Vec::new(),
            entry: QueueId(1),
            queue: QueueId(1),
            arrived: Instant::from_secs(100),
            regained: None,
            wish: None,
            wish_ended: None,
            priority: 0,
            requirement: None,
            changes: Vec::new(),
            changes_total: 0,
            answered: None,
            outside_answered: Some(Instant::from_secs(130)),
            agent: None,
            visits: Vec::new(),
            visits_total: 0,
            attempts: Vec::new(),
            attempts_total: 0,
            callback: None,
        }
    }

    fn told_at(now: u64, tell: impl FnOnce(&Words<'_>) -> Interaction) -> Interaction {
        let (names, trunks) = (Names::default(), TrunkNames::new());
        let now = Instant::from_secs(now);
        tell(&Words {
            names: &names,
            trunks: &trunks,
            calling_back: &std::collections::BTreeSet::new(),
            now,
            since_1970: Duration::from_secs(1_700_000_000),
        })
    }

    #[test]
    fn who_talks_to_a_number_outside_waits_no_longer() {
        let ongoing = |outside_answered| Ongoing {
            standing: Standing::Leaving,
            trying: Vec::new(),
            story: Story { outside_answered, ..transferred() },
        };
        let rings = told_at(150, |words| Interaction::ongoing(&ongoing(None), words));
        assert_eq!((rings.waited_seconds, rings.talked_seconds), (50.0, 0.0));
        assert_eq!((rings.answered, rings.outside_answered), (None, None));
        let answered = Some(Instant::from_secs(130));
        let talks = told_at(150, |words| Interaction::ongoing(&ongoing(answered), words));
        assert_eq!((talks.waited_seconds, talks.talked_seconds), (30.0, 20.0));
        assert_eq!(talks.answered, None, "no agent answered");
        assert_eq!(talks.outside_answered.as_deref(), Some("2023-11-14T22:13:00.000Z"));
    }

    #[test]
    fn the_agents_whom_it_wanted_and_how_that_ended_are_told() {
        let wanted = acd::Wanted::preferred(acd::AgentId(4), Duration::from_millis(1_500));
        let wish = Some(engine::Wish { cause: engine::WishCause::LastAgent, wanted });
        let tell = |wish_ended| {
            let story = Story { wish, wish_ended, ..transferred() };
            let ongoing = Ongoing { standing: Standing::Waiting, trying: Vec::new(), story };
            told_at(140, |words| Interaction::ongoing(&ongoing, words)).wanted.expect("it wants somebody")
        };
        let told = tell(None);
        assert_eq!((told.cause, told.wait_seconds, told.over), (WantedCause::LastAgent, Some(1.5), None));
        assert_eq!(told.agents, ["#4"]);
        let over = tell(Some((Instant::from_secs(110), acd::WantedEnd::TimedOut))).over;
        let over = over.map(|over| (over.at, over.cause));
        assert_eq!(over, Some(("2023-11-14T22:12:50.000Z".to_owned(), WantedOverName::TimedOut)));
    }

    #[test]
    fn the_call_whose_place_it_has_is_told_by_its_arrival() {
        let story = Story { regained: Some(Instant::from_secs(40)), ..transferred() };
        let ongoing = Ongoing { standing: Standing::Waiting, trying: Vec::new(), story };
        let told = told_at(140, |words| Interaction::ongoing(&ongoing, words));
        assert_eq!(told.regained.as_deref(), Some("2023-11-14T22:11:40.000Z"));
        assert_eq!(told.arrived, "2023-11-14T22:12:40.000Z");
    }

    #[test]
    fn the_answer_of_a_number_outside_is_told_after_the_end_too() {
        let record = CallRecord {
            story: transferred(),
            outcome: Outcome::Overflowed,
            ended: Instant::from_secs(170),
            cause: HangUp::By(Side::Caller),
            summary: Summary::default(),
        };
        let ended = told_at(200, |words| Interaction::ended(&record, words));
        assert_eq!((ended.waited_seconds, ended.talked_seconds), (30.0, 40.0));
        assert_eq!(ended.outside_answered.as_deref(), Some("2023-11-14T22:12:10.000Z"));
    }
}
