//! `[[queue]]`

use std::path::PathBuf;
use std::time::Duration;

use acd::{BAND_MAX, BAND_USUAL, PREFERENCES_MAX, RESERVES_MAX, RING_MAX, SHARE_MAX, STEPS_MAX};

use super::callback::{self, Callback};
use super::media::wav;
use super::reader::Section;
use super::report::{Kind, Span};
use super::{channel, overflow, requirement, spelling};

/// A line of waiting callers and its routing rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// Its name in metrics and logs.
    pub name: String,
    /// The channel of all who wait in it.
    pub channel: String,
    /// What a caller needs at first; none: any agent.
    pub require: Option<String>,
    /// How that changes as the wait grows, `after` strictly rising.
    pub steps: Vec<Step>,
    /// Whether a step that nobody logged in could satisfy is passed over.
    pub skip_unstaffed_steps: bool,
    /// For how long nobody must have been logged in for it.
    pub unstaffed_grace: Duration,
    /// Who of several idle agents is chosen.
    pub strategy: Strategy,
    /// Whom of them to prefer: who meets the first, then who meets the second, and so on.
    pub prefer: Vec<String>,
    /// Who takes its calls only while it is overloaded, `after` strictly rising.
    pub reserves: Vec<Reserve>,
    /// The longest wait under which all reserves close; none: that which opens the first.
    pub reserves_close: Option<Duration>,
    /// What "idle longest" is counted from.
    pub idle_clock: IdleClock,
    /// Before every queue with a higher one.
    pub band: u8,
    /// How much a second of wait counts here, where agents select by weight.
    pub weight: u32,
    /// Its share of all who wait, where agents select by queue ratio.
    pub ratio: u32,
    /// What the queue promises.
    pub service_level: ServiceLevel,
    /// How long an agent's phone rings.
    pub ring_timeout: Duration,
    /// How many agents are rung at once for one call.
    pub ring: u8,
    /// One agent more each time that this has passed; zero: all at once.
    pub ring_every: Duration,
    /// Time after the call before the next.
    pub after_call_work: Duration,
    /// The agent cannot end it sooner.
    pub after_call_work_min: Duration,
    /// It cannot be extended beyond; none: only the bound of all queues.
    pub after_call_work_max: Option<Duration>,
    /// Points of its callers' priority.
    pub priority: u32,
    /// What follows an offer that failed.
    pub back_offs: BackOffs,
    /// Leaving after a wait; none: callers stay.
    pub max_wait: Option<MaxWait>,
    /// Leaving a full queue; none: callers stay.
    pub max_length: Option<MaxLength>,
    /// Leaving a queue that nobody serves; none: callers stay.
    pub nobody_logged_in: Option<NobodyLoggedIn>,
    /// Who served a caller last is wanted again; none: whoever is chosen.
    pub last_agent: Option<LastAgent>,
    /// Who gives up and calls again within so long has the place in line of the first call; none: nobody.
    pub keep_place: Option<Duration>,
    /// The calendar of its hours; none: always open.
    pub hours: Option<String>,
    /// Leaving a queue that is closed.
    pub closed: Option<Closed>,
    /// Leaving because of how this queue, or another one, stands.
    pub overflows: Vec<overflow::Overflow>,
    /// Calling customers back who hang up; none: nobody is.
    pub callback: Option<Callback>,
    /// What the caller hears.
    pub waiting: Waiting,
}

impl Queue {
    /// Its first requirement and those of its steps, as texts.
    pub fn requirements(&self) -> impl Iterator<Item = &str> {
        self.require.as_deref().into_iter().chain(self.steps.iter().map(|step| step.require.as_str()))
    }

    /// Every way out of it.
    pub fn exits(&self) -> impl Iterator<Item = &Exit> {
        let rules = self.overflows.iter().map(|rule| &rule.then);
        self.exits_while_open().chain(self.closed.iter().map(|rule| &rule.then)).chain(rules)
    }

    /// Every way out of it that does not need it to be closed, or a queue to stand in some way.
    pub(super) fn exits_while_open(&self) -> impl Iterator<Item = &Exit> {
        let wait = self.max_wait.iter().map(|rule| &rule.then);
        let length = self.max_length.iter().map(|rule| &rule.then);
        wait.chain(length).chain(self.nobody_logged_in.iter().map(|rule| &rule.then))
    }
}

/// Agents kept for an overload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// The longest wait in the queue that opens it.
    pub after: Duration,
    /// Who is in it.
    pub require: String,
}

/// One relaxation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Time since the caller entered the queue.
    pub after: Duration,
    /// What suffices from then on.
    pub require: String,
    /// Instead of, or beside, what sufficed before.
    pub mode: StepMode,
}

/// What a step does with those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepMode {
    /// Only this step counts.
    Replace,
    /// This or what counted before.
    Add,
}

/// Who of several idle agents is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Who is idle longest.
    LongestIdle,
    /// The highest levels in what the queue asks for.
    MostSkilled,
    /// The lowest that suffice: specialists stay free.
    LeastSkilled,
    /// Who took the fewest calls today.
    FewestHandled,
    /// Who was busy for the smallest share of the shift.
    LeastOccupied,
    /// The next after the last.
    RoundRobin,
    /// The first in order.
    TopDown,
    /// By lot, each as likely as the weight says.
    WeightedRandom,
}

/// What "idle longest" is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdleClock {
    /// The end of the last call.
    SinceHandled,
    /// The last time the agent became available.
    SinceReady,
    /// The last offer.
    SinceOffered,
}

/// The share of callers answered within a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServiceLevel {
    /// Between 0.01 and 1.
    pub target: f64,
    /// The threshold.
    pub within: Duration,
}

/// Pauses after an offer that failed, by cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackOffs {
    /// Nobody picked up.
    pub no_answer: BackOff,
    /// The phone was busy.
    pub busy: BackOff,
    /// The agent declined.
    pub rejected: BackOff,
    /// The phone could not be reached.
    pub unreachable: BackOff,
}

/// Two pauses that begin when an offer fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackOff {
    /// How long the agent is offered nothing.
    pub pause: Duration,
    /// How long the agent is not offered this caller.
    pub exclusion: Duration,
}

/// Wanting the agent again who served a caller last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastAgent {
    /// After the conversation.
    pub remember: Duration,
    /// How long nobody else is offered the call.
    pub wait: Duration,
}

/// Leaving after a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxWait {
    /// Since entry into this queue.
    pub after: Duration,
    /// Where to.
    pub then: Exit,
}

/// Leaving a full queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxLength {
    /// Callers that may wait.
    pub waiting: u32,
    /// Where to.
    pub then: Exit,
}

/// Leaving a queue that nobody serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NobodyLoggedIn {
    /// How long it must have been so.
    pub grace: Duration,
    /// Where to.
    pub then: Exit,
}

/// Leaving a queue that is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Those who wait already.
    pub waiting: AtClosing,
    /// Where to.
    pub then: Exit,
}

/// What becomes of those who wait when a queue closes. Who comes later leaves at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtClosing {
    /// They are served.
    Stay,
    /// They leave, too.
    Leave,
}

/// Where a caller goes who leaves a queue without an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Into another queue, with the time waited so far.
    Queue(String),
    /// To a telephone number, through a trunk.
    Number(String),
    /// 486 Busy Here, or the end of a call that was answered.
    Busy,
    /// The end of the call.
    HangUp,
}

impl Exit {
    /// The queue that it leads to.
    pub(super) fn queue(&self) -> Option<&str> {
        match self {
            Exit::Queue(queue) => Some(queue),
            Exit::Number(_) | Exit::Busy | Exit::HangUp => None,
        }
    }
}

/// What a waiting caller hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Music: a file, or none for that of `[media]`.
    Music(Option<PathBuf>),
    /// The ringing tone of the own telephone.
    Ringback,
}

pub(super) fn read(sections: Vec<Section<'_>>) -> Vec<Queue> {
    sections.into_iter().map(|mut section| read_one(&mut section)).collect()
}

fn read_one(section: &mut Section<'_>) -> Queue {
    let strategies = [
        ("longest-idle", Strategy::LongestIdle),
        ("most-skilled", Strategy::MostSkilled),
        ("least-skilled", Strategy::LeastSkilled),
        ("fewest-handled", Strategy::FewestHandled),
        ("least-occupied", Strategy::LeastOccupied),
        ("round-robin", Strategy::RoundRobin),
        ("top-down", Strategy::TopDown),
        ("weighted-random", Strategy::WeightedRandom),
    ];
    let clocks = [
        ("since-handled", IdleClock::SinceHandled),
        ("since-ready", IdleClock::SinceReady),
        ("since-offered", IdleClock::SinceOffered),
    ];
    let name = section.name("name", Kind::Queue, "billing");
    let (reserves, reserves_close) = read_reserves(section);
    Queue {
        channel: channel::read_name(section),
        require: read_requirement(section, "require"),
        steps: read_steps(section),
        skip_unstaffed_steps: section.switch("skip_unstaffed_steps", true),
        unstaffed_grace: section.duration("unstaffed_grace", "30s", "0s", "1h"),
        strategy: section.word("strategy", "longest-idle", &strategies),
        prefer: read_prefer(section),
        reserves,
        reserves_close,
        idle_clock: section.word("idle_clock", "since-handled", &clocks),
        band: read_band(section),
        weight: section.integer("weight", 100, 1..=SHARE_MAX),
        ratio: section.integer("ratio", 1, 1..=SHARE_MAX),
        service_level: read_service_level(section.table("service_level")),
        ring_timeout: section.duration("ring_timeout", "15s", "3s", "2m"),
        ring: read_ring(section),
        ring_every: section.duration("ring_every", "0s", "0s", "2m"),
        after_call_work: section.duration("after_call_work", "0s", "0s", "1h"),
        after_call_work_min: section.duration("after_call_work_min", "0s", "0s", "1h"),
        after_call_work_max: section.optional_duration("after_call_work_max", "0s", "1h"),
        priority: section.integer("priority", 0, 0..=1_000),
        back_offs: read_back_offs(section.table("back_off")),
        max_wait: section.optional_table("max_wait", "{ after = \"5m\", then = \"queue:other\" }").map(
            |mut rule| MaxWait {
                after: rule.required_duration("after", "1s", "1d").unwrap_or_default(),
                then: read_exit(&mut rule, &name),
            },
        ),
        max_length: read_max_length(section, &name),
        nobody_logged_in: read_nobody_logged_in(section, &name),
        last_agent: section.optional_table("last_agent", "{ remember = \"7d\" }").map(|mut rule| LastAgent {
            remember: rule.required_duration("remember", "1m", "90d").unwrap_or_default(),
            wait: rule.duration("wait", "20s", "0s", "1h"),
        }),
        keep_place: section.optional_duration("keep_place", "1s", "1d"),
        hours: read_hours(section),
        closed: section.optional_table("closed", "{ then = \"busy\" }").map(|mut rule| Closed {
            waiting: rule.word("waiting", "stay", &[("stay", AtClosing::Stay), ("leave", AtClosing::Leave)]),
            then: read_exit(&mut rule, &name),
        }),
        overflows: overflow::read(section, &name),
        callback: callback::read(section),
        waiting: read_waiting(section),
        name,
    }
}

fn read_max_length(section: &mut Section<'_>, name: &str) -> Option<MaxLength> {
    let mut rule = section.optional_table("max_length", "{ waiting = 10, then = \"busy\" }")?;
    Some(MaxLength {
        waiting: rule.required_integer("waiting", 0..=100_000).unwrap_or_default(),
        then: read_exit(&mut rule, name),
    })
}

fn read_nobody_logged_in(section: &mut Section<'_>, name: &str) -> Option<NobodyLoggedIn> {
    let mut rule = section.optional_table("nobody_logged_in", "{ grace = \"30s\", then = \"busy\" }")?;
    Some(NobodyLoggedIn {
        grace: rule.duration("grace", "30s", "0s", "1h"),
        then: read_exit(&mut rule, name),
    })
}

fn read_prefer(section: &mut Section<'_>) -> Vec<String> {
    let wishes = section.one_or_more("prefer", "");
    if let Some((_, span)) = wishes.get(PREFERENCES_MAX) {
        section.error(span.clone(), format!("`prefer` has more than {PREFERENCES_MAX}; join some by \"or\""));
    }
    for (text, span) in &wishes {
        requirement::check(section, "prefer", text, span.clone());
    }
    wishes.into_iter().map(|(text, _)| text).collect()
}

/// Reserves, and when they close.
fn read_reserves(section: &mut Section<'_>) -> (Vec<Reserve>, Option<Duration>) {
    let mut reserves: Vec<Reserve> = Vec::new();
    let tables = section.tables("reserves", "");
    if tables.len() > RESERVES_MAX {
        section.error(tables[RESERVES_MAX].span(), format!("more than {RESERVES_MAX} reserves; merge some"));
    }
    for mut table in tables {
        let after = table.required_duration("after", "1s", "1d");
        let require = table.required("require", "trainer");
        if let Some((text, span)) = &require {
            requirement::check(&table, "require", text, span.clone());
        }
        let (Some(after), Some((require, _))) = (after, require) else { continue };
        if reserves.last().is_some_and(|before| before.after >= after) {
            table.error(table.span(), "`after` is not later than that of the reserve before");
        }
        reserves.push(Reserve { after, require });
    }
    let close = section.optional_duration("reserves_close", "0s", "1d");
    let first = reserves.first().map(|reserve| reserve.after);
    if close.is_some_and(|close| first.is_none_or(|first| close > first)) {
        let message = match first {
            Some(_) => {
                "`reserves_close` is later than the `after` of the first reserve, which would close as it opens"
            }
            None => "`reserves_close` without `reserves`; add some, or take it out",
        };
        section.error(section.span(), message);
    }
    (reserves, close)
}

fn read_band(section: &mut Section<'_>) -> u8 {
    let band = section.integer("band", BAND_USUAL.into(), 0..=BAND_MAX.into());
    u8::try_from(band).expect("within bounds that are bytes")
}

fn read_ring(section: &mut Section<'_>) -> u8 {
    let ring = section.integer("ring", 1, 1..=RING_MAX.into());
    u8::try_from(ring).expect("within bounds that are bytes")
}

/// A requirement that may be absent.
pub(super) fn read_requirement(section: &mut Section<'_>, key: &'static str) -> Option<String> {
    let (text, span) = section.text(key)?;
    requirement::check(section, key, &text, span);
    Some(text)
}

/// Hours without a way out, and a way out that is never open, are mistakes.
fn read_hours(section: &mut Section<'_>) -> Option<String> {
    let Some((name, span)) = section.text("hours") else {
        if section.gives("closed") {
            let message = "`closed` never acts, because without `hours` the queue is always open; name a calendar, or leave it out";
            section.warning(section.span_of("closed"), message);
        }
        return None;
    };
    section.report().mention(Kind::Calendar, &name, span.clone(), section.label());
    if !section.gives("closed") {
        let remedy = "add closed = { then = \"busy\" }, or another exit";
        section.error(span, format!("`hours` change nothing without `closed`; {remedy}"));
    }
    Some(name)
}

fn read_steps(section: &mut Section<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let tables = section.tables("steps", "");
    if tables.len() > STEPS_MAX {
        section.error(tables[STEPS_MAX].span(), format!("more than {STEPS_MAX} steps; merge some"));
    }
    for mut table in tables {
        let after = table.required_duration("after", "1s", "1d");
        let require = table.required("require", "billing >= 3");
        if let Some((text, span)) = &require {
            requirement::check(&table, "require", text, span.clone());
        }
        let mode = table.word("mode", "replace", &[("replace", StepMode::Replace), ("add", StepMode::Add)]);
        let (Some(after), Some((require, _))) = (after, require) else { continue };
        if steps.last().is_some_and(|before| before.after >= after) {
            table.error(table.span(), "`after` is not later than that of the step before; times count from the entry into the queue");
        }
        steps.push(Step { after, require, mode });
    }
    steps
}

fn read_service_level(mut section: Section<'_>) -> ServiceLevel {
    ServiceLevel {
        target: section.share("target", "80%"),
        within: section.duration("within", "20s", "1s", "1h"),
    }
}

fn read_back_offs(mut section: Section<'_>) -> BackOffs {
    let mut one = |key, pause, exclusion| {
        let mut section = section.table(key);
        BackOff {
            pause: section.duration("pause", pause, "0s", "1h"),
            exclusion: section.duration("exclusion", exclusion, "0s", "1h"),
        }
    };
    BackOffs {
        no_answer: one("no_answer", "10s", "30s"),
        busy: one("busy", "20s", "20s"),
        rejected: one("rejected", "5s", "1m"),
        unreachable: one("unreachable", "30s", "30s"),
    }
}

const EXITS: &str = "\"queue:NAME\", \"number:+82215881000\", \"busy\" or \"hang-up\"";

pub(super) fn read_exit(rule: &mut Section<'_>, queue: &str) -> Exit {
    let Some((text, span)) = rule.required("then", "queue:NAME") else { return Exit::HangUp };
    exit_of(rule, ("then", &text), span, queue, &[])
}

/// The way out that stands under a key, where no word of `more` stands there.
pub(super) fn exit_of(
    rule: &Section<'_>,
    (key, text): (&str, &str),
    span: Span,
    queue: &str,
    more: &[&str],
) -> Exit {
    match text.split_once(':') {
        Some(("queue", name)) => exit_to_queue(rule, (key, name), span, queue),
        Some(("number", number)) => {
            let is_number =
                !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || "+*#".contains(c));
            if !is_number {
                rule.error(span, format!("`{key}`: \"{number}\" is no telephone number; write digits, as in \"number:+82215881000\""));
                return Exit::HangUp;
            }
            Exit::Number(number.to_owned())
        }
        None if text == "busy" => Exit::Busy,
        None if text == "hang-up" => Exit::HangUp,
        Some(_) | None => {
            let word = text.split(':').next().unwrap_or_default();
            let known = more.iter().copied().chain(["queue", "number", "busy", "hang-up"]);
            let hint = spelling::hint(word, known);
            let more: String = more.iter().map(|word| format!("\"{word}\", ")).collect();
            rule.error(span, format!("`{key}` cannot be \"{text}\"{hint}; write {more}{EXITS}"));
            Exit::HangUp
        }
    }
}

fn exit_to_queue(rule: &Section<'_>, (key, name): (&str, &str), span: Span, queue: &str) -> Exit {
    if name == queue {
        let message = format!("`{key}` leads back to the same queue; name another, or leave `{key}` out");
        rule.error(span, message);
    } else {
        rule.report().mention(Kind::Queue, name, span, rule.label());
    }
    Exit::Queue(name.to_owned())
}

fn read_waiting(section: &mut Section<'_>) -> Waiting {
    let plays_music = section.word("waiting", "music", &[("music", true), ("ringback", false)]);
    let place = section.text("music").map(|(_, span)| span);
    let music = wav(section, "music");
    if plays_music {
        return Waiting::Music(music);
    }
    if let Some(span) = place {
        section.warning(
            span,
            "`music` is never played because waiting = \"ringback\"; leave one of the two out",
        );
    }
    Waiting::Ringback
}
