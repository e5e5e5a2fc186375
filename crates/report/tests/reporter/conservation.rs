//! Nothing is lost: offered = answered + abandoned + overflowed + dequeued + called back + callbacks ended + waiting + to
//! be called back, after every event of any history.

use std::time::Duration;

use acd::{
    AgentId, AgentSettings, CallFailure, CallbackRules, Change, Command, Exit, ExitId, InteractionId,
    MaxLength, MaxWait, QueueId, QueueSettings, ReasonCode, RejectCause, Request, Ring,
};
use proptest::prelude::*;
use report::AgentState;

use crate::centre::{BILLING, Centre, Scrape, TECHNICAL, names, secs};

/// Checks the sum for each queue that is shown.
pub(crate) fn holds(scrape: &Scrape) {
    for queue in scrape.queues() {
        let outcomes = ["answered", "abandoned", "overflowed", "dequeued", "called_back", "callback_ended"];
        let left: f64 = outcomes.iter().map(|outcome| scrape.outcome(queue, outcome)).sum();
        let waiting = scrape.of_queue("cordboard_waiting", queue);
        let callbacks = scrape.of_queue("cordboard_callbacks", queue);
        assert_eq!(scrape.offered(queue), left + waiting + callbacks, "{queue}");
    }
}

#[derive(Clone, Debug)]
enum Deed {
    Pass(Duration),
    Call(u64, QueueId),
    CallBoth(u64, QueueId),
    GiveUp(u64),
    Accept(u64),
    Reject(u64, RejectCause),
    CallBack(u64),
    Reach(u64),
    Fail(u64),
    Hold(u64),
    Finish(u64),
    Return(u64),
    Move(u64, QueueId),
    LogIn(AgentId),
    LogOut(AgentId),
    NotReady(AgentId),
    Ready(AgentId),
    Remove(AgentId),
    EndAfterCallWork(AgentId),
    RemoveQueue(QueueId),
    DefineQueue(QueueId),
    Reload(u64),
    NewDay,
}

fn deed() -> impl Strategy<Value = Deed> {
    let call = || 0..12u64;
    let queue = || prop_oneof![Just(BILLING), Just(TECHNICAL)];
    let agent = || (0..4u32).prop_map(AgentId);
    let cause = prop_oneof![
        Just(RejectCause::NoAnswer),
        Just(RejectCause::Busy),
        Just(RejectCause::Rejected),
        Just(RejectCause::Unreachable),
        Just(RejectCause::NoResources)
    ];
    prop_oneof![
        8 => (0..30_000u64).prop_map(|millis| Deed::Pass(Duration::from_millis(millis))),
        8 => (call(), queue()).prop_map(|(call, queue)| Deed::Call(call, queue)),
        4 => (call(), queue()).prop_map(|(call, first)| Deed::CallBoth(call, first)),
        3 => call().prop_map(Deed::GiveUp),
        9 => call().prop_map(Deed::Accept),
        3 => (call(), cause).prop_map(|(call, cause)| Deed::Reject(call, cause)),
        4 => call().prop_map(Deed::CallBack),
        4 => call().prop_map(Deed::Reach),
        3 => call().prop_map(Deed::Fail),
        2 => call().prop_map(Deed::Hold),
        6 => call().prop_map(Deed::Finish),
        3 => call().prop_map(Deed::Return),
        2 => (call(), queue()).prop_map(|(call, queue)| Deed::Move(call, queue)),
        6 => agent().prop_map(Deed::LogIn),
        1 => agent().prop_map(Deed::LogOut),
        1 => agent().prop_map(Deed::NotReady),
        2 => agent().prop_map(Deed::Ready),
        1 => agent().prop_map(Deed::Remove),
        2 => agent().prop_map(Deed::EndAfterCallWork),
        1 => queue().prop_map(Deed::RemoveQueue),
        2 => queue().prop_map(Deed::DefineQueue),
        1 => (1..100u64).prop_map(Deed::Reload),
        1 => Just(Deed::NewDay),
    ]
}

fn settings() -> QueueSettings {
    QueueSettings {
        after_call_work: secs(12),
        max_wait: Some(MaxWait { after: secs(45), exit: Exit::Leave(ExitId(1)) }),
        callback: Some(CallbackRules { attempts: 2, spacing: secs(30), ..CallbackRules::default() }),
        max_length: Some(MaxLength { waiting: 4, exit: Exit::Leave(ExitId(2)) }),
        ring: Ring { most: 3, every: secs(2) },
        ..QueueSettings::default()
    }
}

fn act(centre: &mut Centre, deed: &Deed) {
    match *deed {
        Deed::Pass(time) => centre.pass(time),
        Deed::Call(call, queue) => centre.enqueue(call, queue),
        Deed::CallBoth(call, first) => {
            let second = if first == BILLING { TECHNICAL } else { BILLING };
            let request = Request { also: vec![second], ..Request::new(first) };
            centre.apply(Command::Enqueue { interaction: InteractionId(call), request });
        }
        Deed::GiveUp(call) => centre.cancel(call),
        Deed::Accept(call) => {
            if let Some(&reservation) = centre.reservations.get(&InteractionId(call)) {
                centre.apply(Command::Accept { reservation });
            }
        }
        Deed::Reject(call, cause) => {
            if let Some(&reservation) = centre.reservations.get(&InteractionId(call)) {
                centre.apply(Command::Reject { reservation, cause });
            }
        }
        Deed::CallBack(call) => centre.apply(Command::CallBack { interaction: InteractionId(call) }),
        Deed::Reach(call) => {
            if let Some(&reservation) = centre.reservations.get(&InteractionId(call)) {
                centre.apply(Command::CallbackReached { reservation });
            }
        }
        Deed::Fail(call) => {
            if let Some(&reservation) = centre.reservations.get(&InteractionId(call)) {
                centre.apply(Command::CallbackFailed { reservation, cause: CallFailure::Busy });
            }
        }
        Deed::Hold(call) => centre.apply(Command::CallbackHolds { interaction: InteractionId(call) }),
        Deed::Finish(call) => centre.finish(call),
        Deed::Return(call) => centre.apply(Command::Return { interaction: InteractionId(call) }),
        Deed::Move(call, queue) => {
            let (interaction, change) = (InteractionId(call), Change::queue(queue));
            centre.apply(Command::Change { interaction, change, by: None });
        }
        Deed::LogIn(agent) => {
            centre.apply(Command::DefineAgent { agent, settings: Box::new(AgentSettings::default()) });
            centre.apply(Command::LogIn { agent, not_ready: None });
        }
        Deed::LogOut(agent) => centre.apply(Command::LogOut { agent }),
        Deed::NotReady(agent) => centre.apply(Command::SetNotReady { agent, reason: ReasonCode(1) }),
        Deed::Ready(agent) => centre.apply(Command::SetReady { agent }),
        Deed::Remove(agent) => centre.apply(Command::RemoveAgent { agent }),
        Deed::EndAfterCallWork(agent) => centre.apply(Command::EndAfterCallWork { agent, interaction: None }),
        Deed::RemoveQueue(queue) => {
            let other = if queue == BILLING { TECHNICAL } else { BILLING };
            centre.apply(Command::RemoveQueue { queue, exit: Exit::Queue(other) });
        }
        Deed::DefineQueue(queue) => {
            centre.apply(Command::DefineQueue { queue, settings: Box::new(settings()) });
        }
        Deed::Reload(threshold) => {
            let mut names = names();
            names.queues.get_mut(&BILLING).expect("named above").threshold = secs(threshold);
            centre.reporter.set_names(&names);
        }
        Deed::NewDay => centre.reporter.new_day(centre.now),
    }
}

/// What the metrics say is what the distributor says, snapshots apart.
fn agrees(centre: &Centre) {
    let snapshot = centre.distributor.snapshot(centre.now);
    let scrape = centre.scrape();
    let figures = centre.reporter.figures();
    for queue in &snapshot.queues {
        let name = names().queues[&queue.queue].name.clone();
        let gauge = |metric| scrape.of_queue(metric, &name);
        let counters = queue.counters;
        assert_eq!(scrape.offered(&name), counters.offered as f64);
        assert_eq!(scrape.outcome(&name, "answered"), counters.answered as f64);
        assert_eq!(scrape.outcome(&name, "abandoned"), counters.abandoned as f64);
        assert_eq!(scrape.outcome(&name, "overflowed"), counters.overflowed as f64);
        assert_eq!(scrape.outcome(&name, "dequeued"), counters.dequeued as f64);
        assert_eq!(gauge("cordboard_flow_outs_total"), counters.flowed_out as f64);
        assert_eq!(gauge("cordboard_flow_ins_total"), counters.flowed_in as f64);
        assert_eq!(gauge("cordboard_returns_total"), counters.returned as f64);
        let ended = |outcomes: &[&str]| outcomes.iter().map(|of| scrape.reservations(&name, of)).sum::<f64>();
        assert_eq!(ended(&["accepted"]), (counters.answered + counters.called_back) as f64);
        assert_eq!(ended(&["no_answer", "expired", "unreachable"]), counters.missed as f64);
        assert_eq!(ended(&["busy", "rejected"]), counters.declined as f64);
        assert_eq!(ended(&["no_resources"]), counters.no_resources as f64);
        assert_eq!(ended(&["withdrawn"]), counters.withdrawn as f64);
        assert_eq!(ended(&["cancelled"]), counters.cancelled as f64);
        assert_eq!(ended(&["taken_by_another"]), counters.taken as f64);
        assert_eq!(ended(&["call_failed"]), counters.calls_failed as f64);
        assert_eq!(scrape.outcome(&name, "called_back"), counters.called_back as f64);
        assert_eq!(scrape.outcome(&name, "callback_ended"), counters.callbacks_ended as f64);
        assert_eq!(gauge("cordboard_callbacks_taken_total"), counters.callbacks_taken as f64);
        let callbacks = figures.queues[&queue.queue].callbacks;
        assert!(callbacks >= (queue.callbacks_waiting + queue.callbacks_resting) as usize);
        assert_eq!(gauge("cordboard_callbacks"), callbacks as f64);
        let all = queue.waiting + queue.callbacks_resting + queue.reserved + queue.elsewhere;
        let waiting = u64::from(all) - callbacks as u64;
        assert_eq!(gauge("cordboard_waiting"), waiting as f64);
        assert_eq!(gauge("cordboard_ringing"), f64::from(queue.reserved));
        assert!(gauge("cordboard_longest_wait_seconds") >= queue.longest_wait.as_secs_f64());
        let tally = figures.queues[&queue.queue].tally;
        let left = tally.answered + tally.abandoned + tally.overflowed + tally.dequeued;
        let called = tally.called_back + tally.callbacks_ended;
        assert_eq!(tally.offered, left + called + u64::from(all));
    }
    for state in AgentState::ALL {
        let is = |agent: &&acd::AgentSnapshot| AgentState::of(agent.presence, agent.activity) == state;
        let agents = snapshot.agents.iter().filter(is).count();
        let shown = scrape.value("cordboard_agents_overall", &[("state", state.name())]);
        assert!(
            state == AgentState::LoggedOut || shown == agents as f64,
            "{}: {shown} {agents}",
            state.name()
        );
    }
}

/// What every histogram promises: buckets rise and end with the count.
fn buckets_rise(scrape: &Scrape) {
    for queue in scrape.queues() {
        for outcome in ["answered", "abandoned", "overflowed", "dequeued"] {
            let mut edges: Vec<(f64, f64)> = scrape
                .samples
                .iter()
                .filter(|((name, labels), _)| {
                    name == "cordboard_wait_seconds_bucket"
                        && labels["queue"] == queue
                        && labels["outcome"] == outcome
                })
                .map(|((_, labels), &count)| (labels["le"].parse().expect("an edge"), count))
                .collect();
            edges.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(edges.is_sorted_by(|a, b| a.1 <= b.1), "{edges:?}");
            assert_eq!(edges.last().expect("+Inf").1, scrape.outcome(queue, outcome));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn offered_is_every_outcome_and_who_waits_or_is_to_be_called_back_after_every_event(
        deeds in prop::collection::vec(deed(), 1..120)
    ) {
        let mut centre = Centre::new(&settings());
        for deed in &deeds {
            act(&mut centre, deed);
            agrees(&centre);
        }
        buckets_rise(&centre.scrape());
        let before = centre.scrape();
        centre.snapshot();
        let after = centre.scrape();
        for queue in before.queues() {
            prop_assert_eq!(
                before.of_queue("cordboard_handling", queue),
                after.of_queue("cordboard_handling", queue),
                "added up and counted"
            );
        }
    }
}
