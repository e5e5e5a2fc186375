//! Histories in a small world, so that everything meets everything.

mod shared;

use std::collections::BTreeMap;
use std::time::Duration;

use acd::estimate::EstimateRules;
use acd::requirement::{Comparison, Skills};
use acd::{
    AgentId, AgentSettings, AtClosing, BAND_MAX, BAND_USUAL, BackOff, BackOffs, CallFailure, CallbackMode,
    CallbackRules, Capacity, Change, Channel, Closed, Command, Condition, Exit, ExitId, ForcedPresence,
    IdleClock, InteractionId, Interruptions, Lease, Limit, MaxLength, MaxWait, Measure, NobodyLoggedIn,
    Otherwise, Overflow, PREFERENCES_MAX, Presence, QueueId, QueueSettings, RESERVES_MAX, RING_MAX,
    ReasonCode, RejectCause, Request, Requirement, Reserve, Ring, Selection, Settings, SkillId, Step,
    StepEffect, Strategy as Choice, SupervisorId, Wanted,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::subsequence;
use timing::Instant;

pub(crate) use shared::Shared;

/// Channels that queues have.
const CHANNELS: u8 = 3;

#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) settings: Settings,
    pub(crate) ops: Vec<Op>,
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Command(Command),
    /// Accept one of the live reservations.
    Answer(usize),
    /// Reject one of the live reservations.
    Refuse(usize, RejectCause),
    /// The customer called by one of the live reservations is reached.
    Reach(usize),
    /// The phone of a customer rings.
    Alert(usize),
    /// A customer is on the line whose agent is gone.
    Hold(usize),
    /// Somebody takes a callback back.
    Withdraw(usize, Option<SupervisorId>),
    /// Or is not.
    Miss(usize, CallFailure),
    /// Call back whoever waits or is reserved, one of them.
    CallBack(usize),
    /// Finish one of the conversations.
    Finish(usize),
    /// Give one of the conversations back to its queue.
    Return(usize),
    /// Change one of those who wait.
    Change(usize, Change),
    /// Renew the lease of one of the conversations.
    Renew(usize),
    /// Change one part of the rules of a queue to what these say.
    Adjust(QueueId, Part, Box<QueueSettings>),
    /// Change one part of the settings of the whole to what these say.
    Configure(Shared, Box<Settings>),
    /// Extend (or end) the after-call work of one who has some.
    WrapUp(usize, Option<Duration>),
    /// Accept and reject a reservation that is probably over.
    Stale(u64),
    /// An agent is logged out for so long.
    Blink(AgentId, Duration),
    Wait(Duration),
    Lag(Duration),
    NextDeadline,
    Restore,
}

/// A part of a queue's rules.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// What it weighs against others.
    Weights,
    /// What a reservation and a conversation lead to.
    Times,
    /// Who leaves at entry or because nobody is there.
    Doors,
    Grace,
    MaxWait,
    Overflows,
    Steps,
    Reserves,
    Ring,
    Closed,
    Strategy,
}

impl Part {
    /// The rules with this part from others.
    pub(crate) fn of(self, rules: &mut QueueSettings, from: QueueSettings) {
        match self {
            Part::Weights => {
                (rules.band, rules.objective) = (from.band, from.objective);
                (rules.weight, rules.ratio) = (from.weight, from.ratio);
            }
            Part::Times => {
                (rules.ring_timeout, rules.back_offs) = (from.ring_timeout, from.back_offs);
                rules.after_call_work = from.after_call_work;
                rules.after_call_work_min = from.after_call_work_min;
                rules.after_call_work_max = from.after_call_work_max;
            }
            Part::Doors => {
                (rules.max_length, rules.nobody_logged_in) = (from.max_length, from.nobody_logged_in);
                rules.callback = from.callback;
            }
            Part::Grace => rules.unstaffed_grace = from.unstaffed_grace,
            Part::MaxWait => rules.max_wait = from.max_wait,
            Part::Overflows => rules.overflows = from.overflows,
            Part::Steps => rules.steps = from.steps,
            Part::Reserves => {
                (rules.reserves, rules.reserves_close) = (from.reserves, from.reserves_close);
            }
            Part::Ring => rules.ring = from.ring,
            Part::Closed => rules.closed = from.closed,
            Part::Strategy => rules.strategy = from.strategy,
        }
    }
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        2 => Just(Part::Weights),
        2 => Just(Part::Times),
        2 => Just(Part::Doors),
        2 => Just(Part::Grace),
        1 => Just(Part::MaxWait),
        1 => Just(Part::Overflows),
        1 => Just(Part::Steps),
        1 => Just(Part::Reserves),
        1 => Just(Part::Ring),
        1 => Just(Part::Closed),
        1 => Just(Part::Strategy),
    ]
}

pub(crate) fn history() -> impl Strategy<Value = History> {
    let start = (vec(queue_settings(), 3), vec(agent_settings(), 5));
    // Beside those with up to three channels.
    let only_calls = prop::bool::weighted(0.2);
    (shared::at_first(), start, vec(op(), 60..240), only_calls).prop_map(
        |(settings, (queues, agents), ops, only_calls)| {
            let mut all = Vec::new();
            for (settings, queue) in queues.into_iter().zip(0..) {
                let settings = Box::new(settings);
                all.push(Op::Command(Command::DefineQueue { queue: QueueId(queue), settings }));
            }
            for (settings, agent) in agents.into_iter().zip(0..) {
                let (agent, settings) = (AgentId(agent), Box::new(settings));
                all.push(Op::Command(Command::DefineAgent { agent, settings }));
                all.push(Op::Command(Command::LogIn { agent, not_ready: None }));
            }
            all.extend(ops);
            if only_calls {
                all.iter_mut().for_each(make_a_call);
            }
            History { settings, ops: all }
        },
    )
}

/// As in a world without other channels.
fn make_a_call(op: &mut Op) {
    match op {
        Op::Command(Command::DefineQueue { settings, .. }) => settings.channel = Channel::VOICE,
        Op::Command(Command::DefineAgent { settings, .. }) => settings.capacity = Capacity::default(),
        _ => {}
    }
}

fn capacity() -> impl Strategy<Value = Capacity> {
    let at_once = || prop_oneof![1 => Just(0), 3 => 1..4u8];
    let some = (1..3u8, at_once(), at_once()).prop_map(|(calls, chats, mails)| {
        let calls = Capacity::NOTHING.with(Channel::VOICE, calls);
        calls.with(Channel(1), chats).with(Channel(2), mails)
    });
    let without_calls = (1..4u8).prop_map(|chats| Capacity::NOTHING.with(Channel(1), chats));
    prop_oneof![7 => some, 1 => without_calls]
}

fn queue() -> impl Strategy<Value = QueueId> {
    (0..5u32).prop_map(QueueId)
}

fn agent() -> impl Strategy<Value = AgentId> {
    (0..8u32).prop_map(AgentId)
}

fn interaction() -> impl Strategy<Value = InteractionId> {
    (0..20u64).prop_map(InteractionId)
}

/// Microseconds matter: some are on the ticks of the wheel, most are not.
fn duration(most_millis: u64) -> impl Strategy<Value = Duration> {
    prop_oneof![
        3 => (1..most_millis * 1_000).prop_map(Duration::from_micros),
        1 => (1..most_millis).prop_map(|ticks| Duration::from_micros(ticks * 1_024)),
    ]
}

fn duration_or_zero(most_millis: u64) -> impl Strategy<Value = Duration> {
    prop_oneof![2 => Just(Duration::ZERO), 3 => duration(most_millis)]
}

fn requirement() -> impl Strategy<Value = Requirement> {
    let comparison = prop_oneof![
        4 => Just(Comparison::AtLeast),
        1 => Just(Comparison::MoreThan),
        1 => Just(Comparison::AtMost),
        1 => Just(Comparison::LessThan),
        1 => Just(Comparison::Equal),
        1 => Just(Comparison::NotEqual),
    ];
    let skill = (0..3u32, comparison, 1..6u8).prop_map(|(skill, comparison, level)| Requirement::Skill {
        skill: SkillId(skill),
        comparison,
        level,
    });
    skill.prop_recursive(3, 6, 2, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Requirement::All),
            vec(inner.clone(), 0..3).prop_map(Requirement::Any),
            inner.prop_map(|inner| Requirement::Not(Box::new(inner))),
        ]
    })
}

/// Shallow enough for the bound in `settings`, which `own_requirement` sometimes exceeds.
fn shallow() -> impl Strategy<Value = Requirement> {
    prop_oneof![
        1 => Just(Requirement::anyone()),
        4 => requirement().prop_filter_map("too deep", |r| (r.size().depth <= 3).then_some(r)),
    ]
}

/// Mostly one of a few, so that several wait with the same, and often one that the agents of some steps meet only.
fn own_requirement() -> impl Strategy<Value = Requirement> {
    let few = (0..3u32, prop_oneof![Just(1u8), Just(4)]);
    let few = few.prop_map(|(skill, level)| Requirement::at_least(SkillId(skill), level));
    prop_oneof![3 => few, 1 => requirement()]
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        Just(Choice::LongestIdle(IdleClock::SinceHandled)),
        Just(Choice::LongestIdle(IdleClock::SinceReady)),
        Just(Choice::LongestIdle(IdleClock::SinceOffered)),
        Just(Choice::MostSkilled),
        Just(Choice::LeastSkilled),
        Just(Choice::FewestHandled),
        Just(Choice::LeastOccupied),
        Just(Choice::RoundRobin),
        Just(Choice::TopDown),
        Just(Choice::WeightedRandom),
    ]
}

/// What counts when an agent becomes free and several wait.
fn selection() -> impl Strategy<Value = Selection> {
    prop_oneof![
        Just(Selection::Oldest),
        Just(Selection::EarliestDue),
        Just(Selection::SkillLevel),
        Just(Selection::Weight),
        Just(Selection::QueueRatio),
        Just(Selection::PercentAllocation),
        duration(9_000).prop_map(|guard| Selection::LateLast { guard }),
    ]
}

fn prefer() -> impl Strategy<Value = Vec<Requirement>> {
    prop_oneof![2 => Just(Vec::new()), 1 => vec(shallow(), 1..=PREFERENCES_MAX)]
}

/// Reserves, and when they close: sometimes later than they open.
fn reserves() -> impl Strategy<Value = (Vec<Reserve>, Option<Duration>)> {
    let some = vec((duration(3_000), shallow()), 1..=RESERVES_MAX).prop_map(|reserves| {
        let mut after = Duration::ZERO;
        let later = |(gap, requirement)| {
            after += gap;
            Reserve { requirement, after }
        };
        reserves.into_iter().map(later).collect()
    });
    let close = option::weighted(0.4, duration_or_zero(1_000));
    prop_oneof![2 => Just((Vec::new(), None)), 1 => (some, close)]
}

/// Band, objective, weight and ratio.
fn needs() -> impl Strategy<Value = (u8, Duration, u32, u32)> {
    let band = prop_oneof![3 => Just(BAND_USUAL), 1 => 0..=BAND_MAX];
    (band, duration(6_000), 1..=4u32, 1..=3u32)
}

fn exit() -> impl Strategy<Value = Exit> {
    prop_oneof![2 => queue().prop_map(Exit::Queue), 1 => (0..3u32).prop_map(|id| Exit::Leave(ExitId(id)))]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let effect = prop_oneof![Just(StepEffect::Replace), Just(StepEffect::Add)];
    vec((duration(4_000), shallow(), effect), 0..4).prop_map(|steps| {
        let mut after = Duration::ZERO;
        steps
            .into_iter()
            .map(|(gap, requirement, effect)| {
                after += gap;
                Step { after, requirement, effect }
            })
            .collect()
    })
}

fn back_offs() -> impl Strategy<Value = BackOffs> {
    let one = || {
        (duration_or_zero(4_000), duration_or_zero(9_000))
            .prop_map(|(pause, exclusion)| BackOff { pause, exclusion })
    };
    (one(), one(), one(), one(), one()).prop_map(|(no_answer, busy, rejected, unreachable, no_resources)| {
        BackOffs { no_answer, busy, rejected, unreachable, no_resources }
    })
}

/// How many are rung at once; rarely more than can be.
fn ring() -> impl Strategy<Value = Ring> {
    let most = prop_oneof![10 => Just(1), 10 => 2..=4u8, 1 => Just(RING_MAX + 1)];
    (most, prop_oneof![Just(Duration::ZERO), duration(3_000)]).prop_map(|(most, every)| Ring { most, every })
}

/// Mostly none. Sometimes with an exit to the queue itself.
fn overflows() -> impl Strategy<Value = Vec<Overflow>> {
    let measure = prop_oneof![
        (0..4u32).prop_map(Measure::Waiting),
        duration_or_zero(8_000).prop_map(Measure::OldestWait),
        duration_or_zero(20_000).prop_map(Measure::EstimatedWait),
        (0..3u32).prop_map(Measure::AgentsIdle),
        (0..4u32).prop_map(Measure::AgentsWorking),
        (0..4u32).prop_map(Measure::AgentsLoggedIn),
    ];
    let limit = prop_oneof![Just(Limit::AtLeast), Just(Limit::AtMost)];
    let condition = (option::of(queue()), limit, measure).prop_map(|(queue, limit, measure)| Condition {
        queue,
        limit,
        measure,
    });
    let rule = (duration_or_zero(8_000), vec(condition, 1..3), exit())
        .prop_map(|(after, when, exit)| Overflow { after, when, exit });
    prop_oneof![3 => Just(Vec::new()), 2 => vec(rule, 1..4)]
}

/// Often the same, because an interaction waits in several queues of one channel only.
fn channel() -> impl Strategy<Value = Channel> {
    prop_oneof![1 => Just(Channel::VOICE), 3 => (0..CHANNELS).prop_map(Channel)]
}

fn callback() -> impl Strategy<Value = CallbackRules> {
    let mode = prop_oneof![Just(CallbackMode::AgentFirst), Just(CallbackMode::CustomerFirst)];
    let rests = (duration(4_000), duration_or_zero(2_000), duration_or_zero(2_000));
    // Sometimes without any.
    let bounds = (prop_oneof![20 => 1..4u32, 1 => Just(0)], 1..5u32);
    (mode, rests, duration(4_000), duration(20_000), bounds).prop_map(
        |(mode, (spacing, delay, pause), call_timeout, keep, (attempts, most))| CallbackRules {
            mode,
            attempts,
            spacing,
            delay,
            call_timeout,
            pause,
            keep,
            most,
        },
    )
}

fn queue_settings() -> impl Strategy<Value = QueueSettings> {
    let exits = (
        option::weighted(0.4, (duration(12_000), exit())),
        option::weighted(0.4, (0..4u32, exit())),
        option::weighted(0.4, (duration_or_zero(4_000), exit())),
        option::weighted(0.4, (prop_oneof![Just(AtClosing::Stay), Just(AtClosing::Leave)], exit())),
        overflows(),
        option::weighted(0.6, callback()),
    );
    // Sometimes the wrong way round.
    let wrap_up = (
        duration_or_zero(4_000),
        option::weighted(0.4, duration(3_000)).prop_map(Option::unwrap_or_default),
        option::weighted(0.3, duration_or_zero(8_000)),
    );
    let times = (duration(6_000), wrap_up, back_offs(), ring());
    let who = (choice(), prefer(), reserves(), channel());
    let skips = (prop::bool::weighted(0.6), duration_or_zero(3_000));
    (shallow(), steps(), skips, who, needs(), times, exits).prop_map(
        |(requirement, steps, (skip_unstaffed_steps, unstaffed_grace), who, needs, times, exits)| {
            let (strategy, prefer, reserves, channel) = who;
            QueueSettings {
                channel,
                requirement,
                steps,
                skip_unstaffed_steps,
                unstaffed_grace,
                strategy,
                prefer,
                reserves: reserves.0,
                reserves_close: reserves.1,
                band: needs.0,
                objective: needs.1,
                weight: needs.2,
                ratio: needs.3,
                ring_timeout: times.0,
                after_call_work: times.1.0,
                after_call_work_min: times.1.1,
                after_call_work_max: times.1.2,
                back_offs: times.2,
                ring: times.3,
                max_wait: exits.0.map(|(after, exit)| MaxWait { after, exit }),
                max_length: exits.1.map(|(waiting, exit)| MaxLength { waiting, exit }),
                nobody_logged_in: exits.2.map(|(grace, exit)| NobodyLoggedIn { grace, exit }),
                closed: exits.3.map(|(waiting, exit)| Closed { waiting, exit }),
                overflows: exits.4,
                callback: exits.5,
            }
        },
    )
}

fn agent_settings() -> impl Strategy<Value = AgentSettings> {
    let alike = prop_oneof![Just([(0, 5), (1, 3)]), Just([(0, 2), (2, 6)])];
    let skills = prop_oneof![
        2 => btree_map((0..3u32).prop_map(SkillId), 1..=8u8, 0..4),
        3 => alike.prop_map(|skills| skills.map(|(skill, level)| (SkillId(skill), level)).into()),
    ];
    let after_call_work = option::weighted(0.3, duration_or_zero(3_000));
    let shares = prop_oneof![1 => Just(BTreeMap::new()), 2 => btree_map(queue(), 1..=3u32, 0..4)];
    let work = (option::weighted(0.3, selection()), shares, capacity());
    (skills, 0..3u32, 1..=4u32, after_call_work, work).prop_map(
        |(skills, order, weight, after_call_work, work): (Skills, _, _, _, _)| {
            let (selection, shares, capacity) = work;
            AgentSettings { skills, order, weight, after_call_work, selection, shares, capacity }
        },
    )
}

fn reason() -> impl Strategy<Value = ReasonCode> {
    prop_oneof![9 => (0..3u32).prop_map(ReasonCode), 1 => Just(ReasonCode::MISSED)]
}

fn cause() -> impl Strategy<Value = RejectCause> {
    prop_oneof![
        Just(RejectCause::NoAnswer),
        Just(RejectCause::Busy),
        Just(RejectCause::Rejected),
        Just(RejectCause::Unreachable),
        Just(RejectCause::NoResources),
    ]
}

fn call_failure() -> impl Strategy<Value = CallFailure> {
    prop_oneof![
        Just(CallFailure::NoAnswer),
        Just(CallFailure::Busy),
        Just(CallFailure::Unreachable),
        Just(CallFailure::NoResources),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        30 => work().prop_map(Op::Command),
        12 => presence().prop_map(Op::Command),
        5 => configuration().prop_map(Op::Command),
        22 => any::<usize>().prop_map(Op::Answer),
        7 => (any::<usize>(), cause()).prop_map(|(pick, cause)| Op::Refuse(pick, cause)),
        3 => any::<usize>().prop_map(Op::CallBack),
        4 => any::<usize>().prop_map(Op::Reach),
        2 => any::<usize>().prop_map(Op::Alert),
        2 => any::<usize>().prop_map(Op::Hold),
        1 => (any::<usize>(), option::of(0..3u32))
            .prop_map(|(pick, by)| Op::Withdraw(pick, by.map(SupervisorId))),
        4 => (any::<usize>(), call_failure()).prop_map(|(pick, cause)| Op::Miss(pick, cause)),
        16 => any::<usize>().prop_map(Op::Finish),
        3 => any::<usize>().prop_map(Op::Return),
        4 => (any::<usize>(), change()).prop_map(|(pick, change)| Op::Change(pick, change)),
        5 => any::<usize>().prop_map(Op::Renew),
        3 => (queue(), part(), queue_settings())
            .prop_map(|(queue, part, from)| Op::Adjust(queue, part, Box::new(from))),
        4 => (shared::shared(), shared::settings())
            .prop_map(|(part, from)| Op::Configure(part, Box::new(from))),
        4 => (any::<usize>(), option::of(duration(5_000))).prop_map(|(pick, by)| Op::WrapUp(pick, by)),
        1 => (0..60u64).prop_map(Op::Stale),
        2 => (agent(), duration(1_000)).prop_map(|(agent, duration)| Op::Blink(agent, duration)),
        12 => duration(3_000).prop_map(Op::Wait),
        4 => duration(3_000).prop_map(Op::Lag),
        10 => Just(Op::NextDeadline),
        1 => Just(Op::Restore),
    ]
}

fn enqueue() -> impl Strategy<Value = Command> {
    let arrived = option::weighted(0.2, (0..40_000_000u64).prop_map(Instant::from_micros));
    let own = option::weighted(0.25, own_requirement());
    // Sometimes one twice, or more than there are.
    let some = subsequence((0..5).map(QueueId).collect::<Vec<_>>(), 1..4);
    let also = prop_oneof![2 => Just(Vec::new()), 3 => some, 1 => vec(queue(), 0..10)];
    // Whoever waits in several queues can want nobody, and is refused where it is said all the same.
    let wanted = (option::weighted(0.35, wanted()), prop::bool::weighted(0.1));
    (interaction(), queue(), also, -2..3i32, own, arrived, wanted).prop_map(
        |(interaction, queue, also, priority, requirement, arrived, (wanted, is_wrong))| {
            let wanted = wanted.filter(|_| also.is_empty() || is_wrong);
            let request = Request { queue, also, priority, requirement, arrived, wanted };
            Command::Enqueue { interaction, request }
        },
    )
}

/// Sometimes one twice, and sometimes to stay with an end.
fn wanted() -> impl Strategy<Value = Wanted> {
    let otherwise = prop_oneof![
        5 => Just(Otherwise::Anybody),
        3 => exit().prop_map(Otherwise::Exit),
        2 => Just(Otherwise::Stay),
    ];
    let within = prop_oneof![1 => Just(None), 1 => duration_or_zero(6_000).prop_map(Some)];
    let within = (within, any::<bool>());
    (vec(agent(), 0..4), within, otherwise, any::<bool>()).prop_map(
        |(agents, (within, is_wrong), otherwise, regardless_of_skills)| {
            let within = within.filter(|_| otherwise != Otherwise::Stay || is_wrong);
            let names = std::array::from_fn(|place| agents.get(place).copied());
            Wanted { agents: names, within, otherwise, regardless_of_skills }
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    let priority = option::of(-2..3i32);
    let requirement = option::weighted(0.3, option::of(own_requirement()));
    (priority, requirement, option::weighted(0.3, queue()))
        .prop_map(|(priority, requirement, queue)| Change { priority, requirement, queue })
}

fn work() -> impl Strategy<Value = Command> {
    prop_oneof![
        12 => enqueue(),
        3 => interaction().prop_map(|interaction| Command::Cancel { interaction }),
        1 => interaction().prop_map(|interaction| Command::CallBack { interaction }),
        2 => (queue(), any::<bool>()).prop_map(|(queue, open)| Command::SetCallbackWindow { queue, open }),
        4 => (interaction(), change(), option::of(0..3u32)).prop_map(|(interaction, change, by)| {
            Command::Change { interaction, change, by: by.map(SupervisorId) }
        }),
        1 => interaction().prop_map(|interaction| Command::Finish { interaction }),
        1 => interaction().prop_map(|interaction| Command::Return { interaction }),
    ]
}

fn presence() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => (agent(), option::weighted(0.2, reason()))
            .prop_map(|(agent, not_ready)| Command::LogIn { agent, not_ready }),
        2 => agent().prop_map(|agent| Command::LogOut { agent }),
        7 => agent().prop_map(|agent| Command::SetReady { agent }),
        2 => (agent(), reason()).prop_map(|(agent, reason)| Command::SetNotReady { agent, reason }),
        3 => (agent(), wish()).prop_map(|(agent, presence)| Command::SetPresence { agent, presence }),
        1 => forced(),
        1 => agent().prop_map(|agent| Command::LiftForced { agent }),
        2 => lease().prop_map(|lease| Command::Renew { lease }),
        1 => agent().prop_map(|agent| Command::Occupy { agent }),
        2 => agent().prop_map(|agent| Command::Release { agent }),
        1 => (agent(), any::<bool>())
            .prop_map(|(agent, reachable)| Command::SetReachable { agent, reachable }),
        2 => agent().prop_map(|agent| Command::SetReachable { agent, reachable: true }),
        1 => agent().prop_map(|agent| Command::BeginShift { agent }),
        3 => (agent(), of()).prop_map(|(agent, interaction)| Command::EndAfterCallWork { agent, interaction }),
        2 => (agent(), of(), duration(5_000))
            .prop_map(|(agent, interaction, by)| Command::ExtendAfterCallWork { agent, interaction, by }),
    ]
}

fn of() -> impl Strategy<Value = Option<InteractionId>> {
    option::weighted(0.3, interaction())
}

fn forced() -> impl Strategy<Value = Command> {
    (agent(), wish(), 0..3u32, reason()).prop_map(|(agent, presence, by, why)| Command::ForcePresence {
        agent,
        presence,
        by: SupervisorId(by),
        why,
    })
}

fn lease() -> impl Strategy<Value = Lease> {
    prop_oneof![
        1 => interaction().prop_map(Lease::Handling),
        1 => agent().prop_map(Lease::Occupied),
        2 => agent().prop_map(Lease::LogIn),
    ]
}

fn wish() -> impl Strategy<Value = Presence> {
    prop_oneof![
        1 => Just(Presence::LoggedOut),
        4 => Just(Presence::Ready),
        2 => reason().prop_map(Presence::NotReady),
    ]
}

fn configuration() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => (queue(), queue_settings()).prop_map(|(queue, settings)| Command::DefineQueue {
            queue,
            settings: Box::new(settings)
        }),
        4 => (queue(), any::<bool>()).prop_map(|(queue, open)| Command::SetOpen { queue, open }),
        3 => (queue(), exit()).prop_map(|(queue, exit)| Command::RemoveQueue { queue, exit }),
        4 => (agent(), agent_settings()).prop_map(|(agent, settings)| Command::DefineAgent {
            agent,
            settings: Box::new(settings)
        }),
        1 => agent().prop_map(|agent| Command::RemoveAgent { agent }),
    ]
}
