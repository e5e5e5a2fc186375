//! Each invariant over time is seen to fail: a true record of a small day passes, and each change to it is found by
//! the invariant that it breaks.

use std::time::Duration;

use acd::state::State;
use acd::watch::{Input, Journal, Step, Violation, Watch};
use acd::{
    AgentId, AgentSettings, Aside, Command, Distributor, Event, Exit, InteractionId, QueueId, QueueSettings,
    Refusal, RejectCause, Request, Requirement, ReservationEnd, ReservationId, Settings, SkillId, StepCause,
    StepEffect, Strategy, Works,
};
use timing::Instant;

const BILLING: SkillId = SkillId(1);
const QUEUE: QueueId = QueueId(1);
const KIM: AgentId = AgentId(1);
const LEE: AgentId = AgentId(2);

/// One call of the distributor, as it was.
#[derive(Clone, Debug)]
struct Seen {
    now: Instant,
    /// `None`: time was told.
    command: Option<(Command, Result<(), Refusal>)>,
    before: State,
    events: Vec<Event>,
    after: State,
    wakes: Option<Instant>,
}

impl Seen {
    fn step(&self) -> Step<'_> {
        let input = match &self.command {
            Some((command, result)) => Input::from((command, *result)),
            None => Input::Timeout,
        };
        Step { now: self.now, input, events: &self.events, wakes: self.wakes }
    }
}

struct Day {
    acd: Distributor,
    now: Instant,
    seen: Vec<Seen>,
    journal: Journal,
}

impl Day {
    fn tell(&mut self, command: Command) {
        let before = self.acd.state();
        self.journal.command(self.now, command.clone());
        let result = self.acd.handle_command(self.now, command.clone());
        self.note(before, Some((command, result)));
    }

    fn wait(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while let Some(deadline) = self.acd.poll_timeout().filter(|&deadline| deadline <= end) {
            self.now = self.now.max(deadline);
            let before = self.acd.state();
            self.journal.timeout(self.now);
            self.acd.handle_timeout(self.now);
            self.note(before, None);
        }
        self.now = end;
    }

    fn note(&mut self, before: State, command: Option<(Command, Result<(), Refusal>)>) {
        let events = std::iter::from_fn(|| self.acd.poll_event()).collect();
        let (after, wakes) = (self.acd.state(), self.acd.poll_timeout());
        self.seen.push(Seen { now: self.now, command, before, events, after, wakes });
    }

    fn call(&mut self, id: u64) {
        self.tell(Command::Enqueue { interaction: InteractionId(id), request: Request::new(QUEUE) });
    }

    fn log_in(&mut self, agent: AgentId) {
        self.tell(Command::LogIn { agent, not_ready: None });
    }
}

fn settings() -> Settings {
    Settings::default()
}

/// Three callers wait; Kim logs in and takes the first, declines the second, who is given to Lee when the step of
/// twenty seconds lets Lee serve it; the third waits on, and the reservation of the last runs out.
fn day() -> Day {
    let mut day = Day {
        acd: Distributor::new(settings()),
        now: Instant::from_secs(100),
        seen: Vec::new(),
        journal: Journal::new(settings()),
    };
    let queue = QueueSettings {
        requirement: Requirement::at_least(BILLING, 5),
        steps: vec![acd::Step {
            after: Duration::from_secs(20),
            requirement: Requirement::anyone(),
            effect: StepEffect::Replace,
        }],
        skip_unstaffed_steps: false,
        strategy: Strategy::MostSkilled,
        ..QueueSettings::default()
    };
    day.tell(Command::DefineQueue { queue: QUEUE, settings: Box::new(queue) });
    for (agent, level) in [(KIM, 9), (LEE, 2)] {
        let skills = [(BILLING, level)].into();
        let settings = Box::new(AgentSettings { skills, ..AgentSettings::default() });
        day.tell(Command::DefineAgent { agent, settings });
    }
    for id in 1..=3 {
        day.call(id);
        day.wait(1);
    }
    day.log_in(KIM);
    day.wait(2);
    day.tell(Command::Accept { reservation: ReservationId(1) });
    day.wait(3);
    day.tell(Command::Finish { interaction: InteractionId(1) });
    day.tell(Command::Reject { reservation: ReservationId(2), cause: RejectCause::Rejected });
    day.wait(4);
    day.log_in(LEE);
    day.wait(30);
    day.tell(Command::Accept { reservation: ReservationId(1) });
    day.tell(Command::Cancel { interaction: InteractionId(3) });
    day.wait(60);
    day
}

/// The first breach of a record.
fn breach(seen: &[Seen]) -> Option<Violation> {
    let mut watch = Watch::new(settings());
    seen.iter().find_map(|seen| watch.step_between(&seen.before, &seen.step(), &seen.after).err())
}

/// The first breach by the events alone.
fn breach_heard(seen: &[Seen]) -> Option<Violation> {
    let mut watch = Watch::new(settings());
    seen.iter().find_map(|seen| watch.step(&seen.step()).err())
}

fn invariant(violation: Option<&Violation>) -> Option<&'static str> {
    violation.map(Violation::invariant)
}

/// Changes the first event that `change` answers true for. It must find one.
fn change_event(day: &mut Day, change: impl FnMut(&mut Event) -> bool) {
    let mut events = day.seen.iter_mut().flat_map(|seen| seen.events.iter_mut());
    assert!(events.any(change), "the day has such an event");
}

/// Takes the first event out that `is` answers true for.
fn drop_event(day: &mut Day, is: impl Fn(&Event) -> bool) {
    let seen = day.seen.iter_mut().find(|seen| seen.events.iter().any(&is)).expect("the day has it");
    let at = seen.events.iter().position(is).expect("found above");
    seen.events.remove(at);
}

#[test]
fn a_true_record_passes_and_reaches_what_the_changes_below_need() {
    let day = day();
    assert_eq!((breach(&day.seen), breach_heard(&day.seen)), (None, None));
    assert_eq!(day.journal.check(day.acd.state_hash()), Ok(()));
    let mut watch = Watch::new(settings());
    day.seen.iter().for_each(|seen| watch.step(&seen.step()).expect("a true record"));
    assert_eq!(watch.agree(&day.acd.snapshot(day.now)), Ok(()));
}

#[test]
fn i5_an_interaction_passed_over_is_found() {
    let mut day = day();
    // As if the first caller had been in the line with a worse place: the one chosen would not be the first.
    let at = day.seen.iter().position(has_reservation).expect("somebody is reserved");
    let third = InteractionId(3);
    day.seen[at].before.interactions.get_mut(&third).expect("the third waits").arrived =
        Instant::from_secs(1);
    let passed_over = Violation::PassedOver { chosen: InteractionId(1), earlier: third, agent: KIM };
    assert_eq!(breach(&day.seen), Some(passed_over));
}

fn has_reservation(seen: &Seen) -> bool {
    seen.events.iter().any(|event| matches!(event, Event::Reserved { .. }))
}

#[test]
fn i6_an_agent_who_is_not_the_first_by_the_strategy_is_found() {
    let mut day = day();
    let at = day.seen.iter().rposition(has_reservation).expect("somebody is reserved");
    // As if a third, more skilled agent had been idle as well.
    let seen = &mut day.seen[at];
    for state in [&mut seen.before, &mut seen.after] {
        let mut other = state.agents[&KIM].clone();
        other.works = Works::default();
        other.aside = Aside::Nothing { since: Instant::from_secs(100) };
        other.settings.skills.insert(BILLING, 10);
        state.agents.insert(AgentId(3), other);
    }
    assert!(matches!(breach(&day.seen), Some(Violation::WrongAgent { first: AgentId(3), .. })));
}

#[test]
fn i6_an_agent_who_could_not_take_it_is_found() {
    let mut day = day();
    let seen = day.seen.iter_mut().find(|seen| has_reservation(seen)).expect("somebody is reserved");
    seen.before.agents.get_mut(&KIM).expect("defined").settings.skills.insert(BILLING, 1);
    assert!(matches!(breach(&day.seen), Some(Violation::UnfitAgent { agent: KIM, .. })));
}

#[test]
fn i6_a_decision_record_that_is_not_true_is_found() {
    let mut day = day();
    change_event(&mut day, |event| match event {
        Event::Reserved { decision, .. } => {
            decision.eligible += 1;
            true
        }
        _ => false,
    });
    assert_eq!(breach(&day.seen), Some(Violation::FalseDecision(ReservationId(1))));
}

#[test]
fn i7_one_who_comes_out_of_turn_is_found_by_the_events_alone() {
    let mut day = day();
    change_event(&mut day, |event| match event {
        Event::Reserved { interaction, .. } => {
            *interaction = InteractionId(2);
            true
        }
        _ => false,
    });
    let out_of_turn = Violation::OutOfTurn { chosen: InteractionId(2), earlier: InteractionId(1) };
    assert_eq!(breach_heard(&day.seen), Some(out_of_turn));
}

#[test]
fn i8_a_step_before_its_time_a_step_back_and_a_step_forgotten_are_found() {
    let by_time = |event: &Event| matches!(event, Event::StepEntered { cause: StepCause::Time, .. });
    let mut early = day();
    let at = early.seen.iter().position(|seen| seen.events.iter().any(by_time)).expect("a step");
    early.seen[at].now = Instant::from_secs(115);
    assert_eq!(invariant(breach_heard(&early.seen).as_ref()), Some("I8"));

    let mut back = day();
    change_event(&mut back, |event| match event {
        Event::StepEntered { step, .. } => {
            *step = 0;
            true
        }
        _ => false,
    });
    assert_eq!(invariant(breach_heard(&back.seen).as_ref()), Some("I8"));

    let mut forgotten = day();
    let at = forgotten.seen.iter().position(|seen| seen.events.iter().any(by_time)).expect("a step");
    forgotten.seen[at].now += acd::watch::TICK;
    forgotten.seen[at].events.clear();
    assert_eq!(invariant(breach_heard(&forgotten.seen).as_ref()), Some("I8"));
}

#[test]
fn i9_a_reservation_that_outlives_its_deadline_or_has_none_is_found() {
    let expired =
        |event: &Event| matches!(event, Event::ReservationEnded { cause: ReservationEnd::Expired, .. });
    let mut forgotten = day();
    let at = forgotten.seen.iter().position(|seen| seen.events.iter().any(expired)).expect("one expires");
    forgotten.seen[at].events.clear();
    forgotten.seen[at].now += acd::watch::TICK;
    assert_eq!(invariant(breach_heard(&forgotten.seen).as_ref()), Some("I9"));

    let mut early = day();
    early.seen[at].now = early.seen[at - 1].now;
    assert_eq!(invariant(breach_heard(&early.seen).as_ref()), Some("I9"));

    let mut asleep = day();
    asleep.seen.iter_mut().filter(|seen| has_reservation(seen)).for_each(|seen| seen.wakes = None);
    assert_eq!(invariant(breach_heard(&asleep.seen).as_ref()), Some("I9"));

    let mut without = day();
    change_event(&mut without, |event| match event {
        Event::Reserved { deadline, .. } => {
            *deadline = Instant::from_secs(1);
            true
        }
        _ => false,
    });
    assert_eq!(invariant(breach_heard(&without.seen).as_ref()), Some("I9"));
}

#[test]
fn i10_an_answer_that_came_too_late_and_had_an_effect_is_found() {
    let stale = |seen: &Seen| matches!(seen.command, Some((_, Err(Refusal::StaleReservation(_)))));
    let mut obeyed = day();
    let at = obeyed.seen.iter().position(stale).expect("an answer comes too late");
    obeyed.seen[at].command.as_mut().expect("a command").1 = Ok(());
    assert_eq!(breach_heard(&obeyed.seen), Some(Violation::StaleReservation(ReservationId(1))));

    let mut changed = day();
    changed.seen[at].after.agents.get_mut(&LEE).expect("defined").misses = 7;
    assert_eq!(breach(&changed.seen), Some(Violation::RefusedWithEffect));

    let mut said = day();
    said.seen[at].events.push(Event::AgentRemoved { agent: KIM });
    assert_eq!(breach_heard(&said.seen), Some(Violation::RefusedWithEffect));

    let mut twice = day();
    let mut seen_before = false;
    change_event(&mut twice, |event| match event {
        Event::Reserved { reservation, .. } => {
            *reservation = ReservationId(1);
            std::mem::replace(&mut seen_before, true)
        }
        _ => false,
    });
    assert_eq!(breach_heard(&twice.seen), Some(Violation::StaleReservation(ReservationId(1))));
}

#[test]
fn i11_an_interaction_that_is_lost_or_answered_twice_or_not_counted_is_found() {
    let mut unanswered = day();
    drop_event(&mut unanswered, |event| matches!(event, Event::Answered { .. }));
    assert_eq!(breach_heard(&unanswered.seen), Some(Violation::Lost(InteractionId(1))));

    let mut twice = day();
    let (at, abandoned) = last(&twice, |event| matches!(event, Event::Abandoned { .. }));
    twice.seen[at].events.push(abandoned);
    assert_eq!(breach_heard(&twice.seen), Some(Violation::Lost(InteractionId(3))));

    let mut vanished = day();
    let (at, _) = last(&vanished, |event| matches!(event, Event::Abandoned { .. }));
    let left = Event::Overflowed {
        interaction: InteractionId(3),
        queue: QUEUE,
        waited: Duration::from_secs(41),
        age: Duration::from_secs(41),
        cause: acd::OverflowCause::Moved,
        exit: Exit::Queue(QueueId(2)),
        elsewhere: false,
    };
    vanished.seen[at].events = vec![left];
    assert_eq!(breach_heard(&vanished.seen), Some(Violation::Lost(InteractionId(3))), "it came nowhere");

    let mut miscounted = day();
    let seen = miscounted.seen.last_mut().expect("the day has steps");
    seen.after.queues.get_mut(&QUEUE).expect("defined").counters.abandoned += 1;
    assert_eq!(breach(&miscounted.seen), Some(Violation::LostCount(Some(QUEUE))));

    let day = day();
    let mut watch = Watch::new(settings());
    day.seen.iter().for_each(|seen| watch.step(&seen.step()).expect("a true record"));
    let mut snapshot = day.acd.snapshot(day.now);
    snapshot.queues[0].waiting += 1;
    assert_eq!(watch.agree(&snapshot), Err(Violation::LostCount(Some(QUEUE))));
}

fn last(day: &Day, is: impl Fn(&Event) -> bool) -> (usize, Event) {
    let at = day.seen.iter().rposition(|seen| seen.events.iter().any(&is)).expect("the day has it");
    let event = day.seen[at].events.iter().find(|event| is(event)).expect("found above");
    (at, event.clone())
}

#[test]
fn i12_a_wait_that_was_not_is_found() {
    for by in [Duration::from_micros(1), Duration::from_secs(3)] {
        let mut day = day();
        change_event(&mut day, |event| match event {
            Event::Answered { waited, .. } => {
                *waited += by;
                true
            }
            _ => false,
        });
        assert_eq!(breach_heard(&day.seen), Some(Violation::FalseWaits(QUEUE)));
    }
    let mut shorter = day();
    change_event(&mut shorter, |event| match event {
        Event::Abandoned { waited, .. } => {
            *waited -= Duration::from_millis(1);
            true
        }
        _ => false,
    });
    assert_eq!(breach_heard(&shorter.seen), Some(Violation::FalseWaits(QUEUE)));
}

#[test]
fn i13_another_history_than_the_one_told_is_found() {
    let mut day = day();
    day.journal.command(day.now, Command::SetReady { agent: LEE });
    day.journal.command(day.now, Command::Occupy { agent: LEE });
    assert_eq!(day.journal.check(day.acd.state_hash()), Err(Violation::OtherReplay));
}

#[test]
fn events_that_do_not_tell_all_are_found() {
    let mut day = day();
    let at = day.seen.iter().position(has_reservation).expect("somebody is reserved");
    day.seen[at].events.pop();
    day.seen[at].after.agents.get_mut(&KIM).expect("defined").handled = 9;
    assert_eq!(breach(&day.seen), Some(Violation::Untold));
}

#[test]
fn one_more_who_waits_than_may_is_found_and_those_who_did_already_are_not() {
    let lowered = |waiting_max| {
        let mut day = day();
        for seen in &mut day.seen {
            seen.before.settings.waiting_max = waiting_max;
            seen.after.settings.waiting_max = waiting_max;
        }
        breach(&day.seen)
    };
    assert_eq!(lowered(2), Some(Violation::TooManyWaiting), "three wait");
    assert_eq!(lowered(3), None);
    let mut day = day();
    let third = day.seen.iter().position(|seen| seen.after.interactions.len() == 3).expect("three wait");
    for seen in &mut day.seen[third + 1..] {
        seen.before.settings.waiting_max = 0;
        seen.after.settings.waiting_max = 0;
    }
    assert_eq!(breach(&day.seen), None, "nobody more comes");
}

#[test]
fn i2_a_second_reservation_for_an_agent_who_takes_one_thing_at_once_is_found() {
    let mut day = day();
    let seen = day.seen.iter_mut().find(|seen| has_reservation(seen)).expect("somebody is reserved");
    let again = seen.events.iter().find(|event| matches!(event, Event::Reserved { .. })).cloned();
    seen.events.extend(again);
    let found = breach_heard(&day.seen);
    assert!(matches!(found, Some(Violation::BeyondCapacity { .. })), "{found:?}");
    assert_eq!(invariant(found.as_ref()), Some("I2"));
}

#[test]
fn i2_an_interruption_that_was_not_is_found() {
    let mut day = day();
    change_event(&mut day, |event| match event {
        Event::HandlingEnded { interrupted_for, .. } => {
            *interrupted_for = Duration::from_secs(1);
            true
        }
        _ => false,
    });
    assert!(matches!(breach_heard(&day.seen), Some(Violation::FalseHands(_))));
}

#[test]
fn a_violation_names_its_invariant() {
    let violation = Violation::FalseWaits(QUEUE);
    assert!(violation.to_string().starts_with("I12 is broken"), "{violation}");
}
