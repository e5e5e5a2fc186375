//! A customer who does not want to hold on keeps the place in line and is called back.

use acd::state::Stage;
use acd::{
    AbandonedDuring, Activity, AgentId, CallFailure, CallbackEnd, CallbackMode, CallbackRules, Change,
    Command, Event, Exit, ExitId, InteractionId, Invalid, MaxWait, NobodyLoggedIn, Otherwise, Presence,
    QueueId, QueueSettings, Refusal, RejectCause, Request, ReservationEnd, ReservationId, SupervisorId,
    Wanted,
};

use crate::{World, seconds};

const RULES: CallbackRules = CallbackRules {
    mode: CallbackMode::AgentFirst,
    attempts: 2,
    spacing: seconds_of(300),
    delay: seconds_of(10),
    call_timeout: seconds_of(40),
    pause: std::time::Duration::ZERO,
    keep: seconds_of(3_600),
    most: 3,
};

const fn seconds_of(seconds: u64) -> std::time::Duration {
    std::time::Duration::from_secs(seconds)
}

fn world(rules: CallbackRules) -> World {
    let mut world = World::new();
    world.queue(1, |queue| queue.callback = Some(rules));
    world
}

fn customer_first() -> CallbackRules {
    CallbackRules { mode: CallbackMode::CustomerFirst, ..RULES }
}

impl World {
    fn call_back(&mut self, id: u64) {
        self.tell(Command::CallBack { interaction: InteractionId(id) });
    }

    fn reach(&mut self, agent: u32) {
        let reservation = self.reservation_of(agent);
        self.tell(Command::CallbackReached { reservation });
    }

    fn fail(&mut self, agent: u32, cause: CallFailure) {
        let reservation = self.reservation_of(agent);
        self.tell(Command::CallbackFailed { reservation, cause });
    }

    fn alert(&mut self, agent: u32) {
        let reservation = self.reservation_of(agent);
        self.tell(Command::CallbackRings { reservation });
    }

    fn hold_on(&mut self, id: u64) {
        self.tell(Command::CallbackHolds { interaction: InteractionId(id) });
    }

    fn window(&mut self, open: bool) {
        self.tell(Command::SetCallbackWindow { queue: QueueId(1), open });
    }

    fn stage(&self, id: u64) -> Option<Stage> {
        self.acd.state().interactions.get(&InteractionId(id)).map(|entry| entry.stage)
    }

    fn ended(&mut self) -> Vec<(u64, CallbackEnd, u32)> {
        let ended = |event: &Event| match event {
            Event::CallbackEnded { interaction, cause, failed, .. } => Some((interaction.0, *cause, *failed)),
            _ => None,
        };
        self.take_events().iter().filter_map(ended).collect()
    }
}

#[test]
fn a_callback_keeps_the_place_and_is_no_abandonment() {
    let mut world = world(RULES);
    world.call(1, 1);
    world.wait(seconds(5));
    world.call(2, 1);
    world.call_back(1);
    assert_eq!(world.stage(1), Some(Stage::Resting { until: Some(world.now + seconds(10)) }));
    world.wait(seconds(30));
    let line: Vec<u64> =
        world.acd.first_in_line(QueueId(1), 9).iter().map(|waiting| waiting.interaction.0).collect();
    assert_eq!(line, [1, 2], "it stands where it stood");
    let queue = &world.acd.snapshot(world.now).queues[0];
    assert_eq!((queue.waiting, queue.callbacks_waiting, queue.callbacks_resting), (2, 1, 0));
    assert_eq!(queue.longest_wait, seconds(30), "nobody on the line has waited longer");
    world.agent(1, &[]);
    assert_eq!(world.rings(1), Some(1));
    let reserved = |event: &Event| matches!(event, Event::Reserved { callback: Some(CallbackMode::AgentFirst), waited, .. } if *waited == seconds(35));
    assert!(world.take_events().iter().any(reserved));
    world.accept(1);
    world.wait(seconds(8));
    world.reach(1);
    let (interaction, queue, agent) = (InteractionId(1), QueueId(1), AgentId(1));
    let (waited, age, failed) = (seconds(43), seconds(43), 0);
    let called_back = Event::CalledBack { interaction, queue, agent, waited, age, failed };
    assert!(world.take_events().contains(&called_back));
    world.finish(1);
    let counters = world.acd.snapshot(world.now).totals;
    assert_eq!((counters.offered, counters.answered, counters.abandoned), (2, 0, 0));
    assert_eq!((counters.callbacks_taken, counters.called_back, counters.callbacks_ended), (1, 1, 0));
}

#[test]
fn who_wanted_an_agent_by_name_wants_anybody_when_called_back() {
    let mut world = world(CallbackRules { delay: seconds(0), ..RULES });
    world.agent(1, &[]);
    let wants = |id, agent| {
        let wanted = Wanted::direct(AgentId(agent), None, Otherwise::Stay);
        let request = Request { wanted: Some(wanted), ..Request::new(QueueId(1)) };
        Command::Enqueue { interaction: InteractionId(id), request }
    };
    world.tell(wants(1, 9));
    assert_eq!(world.rings(1), None, "it waits for another agent");
    world.call_back(1);
    assert_eq!(world.rings(1), Some(1));
    world.tell(wants(2, 1));
    world.accept(1);
    world.reach(1);
    world.finish(1);
    assert_eq!(world.rings(1), Some(2));
    world.call_back(2);
    assert_eq!(world.rings(1), Some(2), "the agent who was rung by name is let go, and is the only one");
    let is_by_name =
        |event: &Event| matches!(event, Event::Reserved { decision, .. } if decision.wanted.is_some());
    assert_eq!(world.take_events().iter().filter(|event| is_by_name(event)).count(), 1);
}

#[test]
fn an_agent_who_declines_has_not_used_up_an_attempt() {
    let mut world = world(CallbackRules { attempts: 1, delay: seconds(0), ..RULES });
    world.call(1, 1);
    world.call_back(1);
    for agent in 1..4 {
        world.agent(agent, &[]);
        assert_eq!(world.rings(agent), Some(1));
        world.reject(agent, RejectCause::Rejected);
    }
    world.agent(4, &[]);
    world.accept(4);
    world.reject(4, RejectCause::Rejected);
    assert!(matches!(world.stage(1), Some(Stage::Resting { .. })), "it rests, and nobody has rung");
    assert_eq!(world.acd.snapshot(world.now).totals.calls_failed, 0);
}

#[test]
fn a_customer_who_is_not_reached_is_tried_again_after_the_spacing_in_the_old_place() {
    let mut world = world(RULES);
    world.call(1, 1);
    world.call_back(1);
    world.wait(seconds(11));
    world.agent(1, &[]);
    world.accept(1);
    world.fail(1, CallFailure::NoAnswer);
    assert!(world.is_available(1), "no fault of the agent: no pause and no after-call work");
    assert_eq!(world.stage(1), Some(Stage::Resting { until: Some(world.now + seconds(300)) }));
    world.call(2, 1);
    assert_eq!(world.rings(1), Some(2), "who rests holds nobody up");
    world.accept(1);
    world.call(3, 1);
    world.wait(seconds(301));
    world.take_events();
    world.finish(2);
    assert_eq!(world.rings(1), Some(1), "older than the third");
    world.accept(1);
    world.fail(1, CallFailure::Busy);
    assert_eq!(world.ended(), [(1, CallbackEnd::Unreached, 2)]);
    let counters = world.acd.snapshot(world.now).totals;
    assert_eq!((counters.calls_failed, counters.callbacks_ended, counters.missed), (2, 1, 0));
}

#[test]
fn a_want_of_means_to_call_is_no_attempt_and_an_attempt_ends_by_itself() {
    let mut world = world(CallbackRules { attempts: 1, delay: seconds(0), ..RULES });
    world.agent(1, &[]);
    world.agent(2, &[]);
    world.call(1, 1);
    world.call_back(1);
    let first = world.rings(1).map_or(2, |_| 1);
    world.accept(first);
    world.fail(first, CallFailure::NoResources);
    world.wait(seconds(299));
    assert!(matches!(world.stage(1), Some(Stage::Resting { .. })));
    world.wait(seconds(2));
    let second = world.rings(1).map_or(2, |_| 1);
    world.accept(second);
    world.take_events();
    world.wait(seconds(41));
    let expired =
        |event: &Event| matches!(event, Event::ReservationEnded { cause: ReservationEnd::CallExpired, .. });
    let events = world.take_events();
    assert!(events.iter().any(expired));
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::CallbackEnded { cause: CallbackEnd::Unreached, .. }))
    );
    assert!(world.is_available(second));
}

#[test]
fn customer_first_holds_the_agent_unrung_until_the_customer_is_there() {
    let mut world = world(customer_first());
    world.call(1, 1);
    world.call_back(1);
    world.wait(seconds(11));
    world.agent(1, &[]);
    let reservation = world.reservation_of(1);
    let too_early = world.try_to(Command::Accept { reservation });
    assert_eq!(too_early, Err(Refusal::WrongStage(InteractionId(1))));
    world.wait(seconds(12));
    world.take_events();
    world.reach(1);
    let (interaction, queue, agent, deadline) =
        (InteractionId(1), QueueId(1), AgentId(1), world.now + seconds(15));
    let reached = Event::CallbackReached { reservation, interaction, agent, queue, deadline };
    assert_eq!(world.take_events(), [reached]);
    world.accept(1);
    let counters = world.acd.snapshot(world.now).totals;
    assert_eq!((counters.called_back, counters.answered), (1, 0));
}

#[test]
fn a_customer_who_was_reached_and_gives_up_while_the_agent_is_rung_has_abandoned() {
    let mut world = world(customer_first());
    world.agent(1, &[]);
    world.not_ready(1, 4);
    world.call(1, 1);
    world.call_back(1);
    world.wait(seconds(11));
    world.ready(1);
    world.reach(1);
    world.reject(1, RejectCause::Busy);
    world.agent(2, &[]);
    assert_eq!(world.rings(2), Some(1), "the next one is rung as for any caller");
    world.take_events();
    world.hang_up(1);
    let abandoned =
        |event: &Event| matches!(event, Event::Abandoned { during: AbandonedDuring::Reserved, .. });
    assert!(world.take_events().iter().any(abandoned));
    assert_eq!(world.acd.snapshot(world.now).totals.abandoned, 1);
}

#[test]
fn exits_do_not_end_a_callback_and_its_keep_does() {
    let mut world = World::new();
    world.queue(1, |queue| {
        let exit = Exit::Leave(ExitId(5));
        queue.callback = Some(RULES);
        queue.max_wait = Some(MaxWait { after: seconds(60), exit });
        queue.nobody_logged_in = Some(NobodyLoggedIn { grace: seconds(100), exit });
    });
    world.call(1, 1);
    world.wait(seconds(30));
    world.call_back(1);
    world.wait(seconds(3_590));
    assert_eq!(world.left(), []);
    assert_eq!(world.waits_in(1), Some(1));
    world.wait(seconds(11));
    assert_eq!(world.ended(), [(1, CallbackEnd::Expired, 0)]);
}

#[test]
fn the_keep_does_not_end_it_in_the_middle_of_an_attempt() {
    let mut world = world(CallbackRules { keep: seconds(60), ..RULES });
    world.call(1, 1);
    world.call_back(1);
    world.wait(seconds(50));
    world.agent(1, &[]);
    world.accept(1);
    world.wait(seconds(20));
    assert_eq!(world.ended(), []);
    world.fail(1, CallFailure::Busy);
    assert_eq!(world.ended(), [(1, CallbackEnd::Expired, 1)]);
}

#[test]
fn while_the_window_is_closed_callbacks_rest_and_keep_their_places() {
    let mut world = world(CallbackRules { delay: seconds(0), ..RULES });
    world.call(1, 1);
    world.call(2, 1);
    world.call_back(1);
    world.window(false);
    assert_eq!(world.stage(1), Some(Stage::Resting { until: None }));
    world.agent(1, &[]);
    assert_eq!(world.rings(1), Some(2));
    world.agent(2, &[]);
    assert_eq!(world.rings(2), None);
    assert!(!world.acd.snapshot(world.now).queues[0].callback_window);
    world.window(true);
    assert_eq!(world.rings(2), Some(1));
    world.accept(2);
    world.window(false);
    world.wait(seconds(5));
    world.fail(2, CallFailure::NoAnswer);
    world.wait(seconds(301));
    assert_eq!(
        world.stage(1),
        Some(Stage::Resting { until: None }),
        "an attempt goes on, the next one does not begin"
    );
}

#[test]
fn who_does_not_want_it_any_more_ends_it_with_a_cause_of_its_own() {
    let mut world = world(RULES);
    for id in 1..=3 {
        world.call(id, 1);
        world.call_back(id);
    }
    world.hang_up(1);
    world.wait(seconds(11));
    world.hang_up(2);
    world.agent(1, &[]);
    assert_eq!(world.rings(1), Some(3));
    world.hang_up(3);
    let cause = CallbackEnd::Cancelled;
    assert_eq!(world.ended(), [(1, cause, 0), (2, cause, 0), (3, cause, 0)]);
    assert!(world.is_available(1));
    assert_eq!(world.acd.snapshot(world.now).totals.abandoned, 0);
}

#[test]
fn a_customer_may_ask_while_an_agent_is_rung_and_the_agent_is_free_without_fault() {
    let mut world = world(RULES);
    world.agent(1, &[]);
    world.call(1, 1);
    assert_eq!(world.rings(1), Some(1));
    world.call_back(1);
    assert!(world.is_available(1));
    world.wait(seconds(11));
    assert_eq!(world.rings(1), Some(1), "it is the agent's turn again, now to call back");
}

#[test]
fn what_cannot_be_is_refused() {
    let mut world = world(CallbackRules { most: 1, ..RULES });
    world.queue(2, |_| {});
    for (id, queue) in [(1, 1), (2, 1), (3, 2)] {
        world.call(id, queue);
    }
    let call_back = |id| Command::CallBack { interaction: InteractionId(id) };
    world.call_back(1);
    assert_eq!(
        world.try_to(call_back(1)),
        Err(Refusal::WrongStage(InteractionId(1))),
        "who asks twice gets one"
    );
    assert_eq!(world.try_to(call_back(2)), Err(Refusal::TooManyCallbacks(QueueId(1))));
    assert_eq!(world.try_to(call_back(3)), Err(Refusal::NoCallbacks(QueueId(2))));
    assert_eq!(world.try_to(call_back(4)), Err(Refusal::UnknownInteraction(InteractionId(4))));
    let reservation = ReservationId(7);
    assert_eq!(
        world.try_to(Command::CallbackReached { reservation }),
        Err(Refusal::StaleReservation(reservation))
    );
    let queue = QueueId(9);
    assert_eq!(
        world.try_to(Command::SetCallbackWindow { queue, open: false }),
        Err(Refusal::UnknownQueue(queue))
    );
    let callback = Some(CallbackRules { attempts: 0, ..RULES });
    let settings = Box::new(QueueSettings { callback, ..QueueSettings::default() });
    let refused = world.try_to(Command::DefineQueue { queue, settings });
    assert_eq!(refused, Err(Refusal::Invalid(Invalid::NoCallback)));
}

#[test]
fn who_was_promised_a_callback_gets_it_whatever_becomes_of_the_queue() {
    let mut world = world(RULES);
    world.queue(2, |_| {});
    world.call(1, 1);
    world.call_back(1);
    world.queue(1, |_| {});
    world.tell(Command::RemoveQueue { queue: QueueId(1), exit: Exit::Queue(QueueId(2)) });
    assert!(matches!(world.stage(1), Some(Stage::Resting { until: Some(_) })), "it rests on");
    world.agent(1, &[]);
    world.wait(seconds(11));
    assert_eq!(world.rings(1), Some(1));
    world.accept(1);
    world.reach(1);
    assert!(matches!(world.activity(1), Activity::Handling { .. }));
}

#[test]
fn where_the_queue_goes_and_leads_nowhere_the_callback_ends() {
    let mut world = world(RULES);
    world.call(1, 1);
    world.call_back(1);
    world.tell(Command::RemoveQueue { queue: QueueId(1), exit: Exit::Leave(ExitId(1)) });
    assert_eq!(world.ended(), [(1, CallbackEnd::QueueRemoved, 0)]);
}

#[test]
fn a_pause_after_a_failed_attempt_is_a_setting_and_a_log_out_gives_the_callback_to_the_next() {
    let mut world = world(CallbackRules { pause: seconds(20), delay: seconds(0), ..RULES });
    world.call(1, 1);
    world.call_back(1);
    world.agent(1, &[]);
    world.log_out(1);
    world.agent(2, &[]);
    assert_eq!(world.rings(2), Some(1));
    world.accept(2);
    world.fail(2, CallFailure::Unreachable);
    assert!(matches!(world.activity(2), Activity::BackingOff { .. }));
    assert_eq!(world.presence(2), Presence::Ready);
    world.wait(seconds(21));
    assert!(world.is_available(2));
}

#[test]
fn a_customer_whose_phone_rings_when_the_agent_goes_is_left_in_peace_and_that_was_an_attempt() {
    for (mode, rings, leaves) in [
        (CallbackMode::AgentFirst, true, "declines"),
        (CallbackMode::AgentFirst, false, "declines"),
        (CallbackMode::AgentFirst, true, "logs out"),
        (CallbackMode::CustomerFirst, true, "logs out"),
        (CallbackMode::CustomerFirst, false, "logs out"),
    ] {
        let mut world = world(CallbackRules { mode, delay: seconds(0), ..RULES });
        world.agent(1, &[]);
        world.agent(2, &[]);
        world.not_ready(2, 4);
        world.call(1, 1);
        world.call_back(1);
        if mode == CallbackMode::AgentFirst {
            world.accept(1);
        }
        if rings {
            world.alert(1);
        }
        world.take_events();
        if leaves == "declines" {
            world.reject(1, RejectCause::Rejected);
        } else {
            world.log_out(1);
        }
        world.ready(2);
        assert_eq!(world.rings(2), None, "{mode:?}, {rings}: nobody calls the customer again at once");
        let until = Some(world.now + RULES.spacing);
        assert_eq!(world.stage(1), Some(Stage::Resting { until }));
        let failed = u32::from(rings);
        let rests = Event::CallbackRests { interaction: InteractionId(1), queue: QueueId(1), until, failed };
        assert!(world.take_events().contains(&rests), "{mode:?}, {rings}");
    }
}

#[test]
fn an_attempt_that_rang_is_the_last_one_although_the_agent_has_hung_up() {
    let mut world = world(CallbackRules { attempts: 1, delay: seconds(0), ..RULES });
    world.agent(1, &[]);
    world.call(1, 1);
    world.call_back(1);
    world.accept(1);
    world.alert(1);
    world.reject(1, RejectCause::Rejected);
    assert_eq!(world.ended(), [(1, CallbackEnd::Unreached, 1)]);
}

#[test]
fn a_customer_who_answers_when_the_agent_has_gone_holds_on_at_the_front_and_is_no_success() {
    for (mode, is_held) in [
        (CallbackMode::AgentFirst, true),
        (CallbackMode::AgentFirst, false),
        (CallbackMode::CustomerFirst, true),
        (CallbackMode::CustomerFirst, false),
    ] {
        let mut world = world(CallbackRules { mode, delay: seconds(0), ..RULES });
        world.agent(1, &[]);
        world.call(1, 1);
        world.call_back(1);
        if mode == CallbackMode::AgentFirst {
            world.accept(1);
        }
        world.alert(1);
        world.wait(seconds(4));
        world.call(2, 1);
        if !is_held {
            world.log_out(1);
        }
        world.hold_on(1);
        assert_eq!(world.stage(1), Some(Stage::Waiting));
        let line = world.acd.first_in_line(QueueId(1), 9);
        assert_eq!((line[0].interaction, line[0].is_callback), (InteractionId(1), false));
        world.wait(seconds(3));
        let queue = &world.acd.snapshot(world.now).queues[0];
        assert_eq!((queue.callbacks_waiting, queue.callbacks_resting), (0, 0));
        assert_eq!(queue.longest_wait, seconds(3), "since the customer has been on the line");
        world.agent(2, &[]);
        assert_eq!(world.rings(2), Some(1), "the next agent is rung for a customer who is there");
        world.hang_up(1);
        let totals = world.acd.snapshot(world.now).totals;
        assert_eq!((totals.called_back, totals.callbacks_ended, totals.abandoned), (0, 0, 1));
    }
}

#[test]
fn whoever_is_not_called_back_any_more_or_not_yet_cannot_hold_on() {
    let mut world = world(CallbackRules { delay: seconds(0), ..RULES });
    let holds = |id| Command::CallbackHolds { interaction: InteractionId(id) };
    let wrong = Err(Refusal::WrongStage(InteractionId(1)));
    world.call(1, 1);
    assert_eq!(world.try_to(holds(1)), wrong, "it is no callback");
    world.call_back(1);
    world.agent(1, &[]);
    assert_eq!(world.try_to(holds(1)), wrong, "the agent is rung, and the customer is not called");
    let reservation = world.reservation_of(1);
    assert_eq!(world.try_to(Command::CallbackRings { reservation }), wrong);
    world.accept(1);
    world.reach(1);
    assert_eq!(world.try_to(holds(1)), wrong, "they talk");
    assert_eq!(world.try_to(holds(9)), Err(Refusal::UnknownInteraction(InteractionId(9))));
}

#[test]
fn a_promise_is_taken_back_wherever_it_stands_until_the_customer_is_there() {
    let withdraw = |by| Command::WithdrawCallback { interaction: InteractionId(1), by };
    let (nobody, park) = (None, Some(SupervisorId(3)));
    let mut rests = world(RULES);
    rests.call(1, 1);
    assert_eq!(rests.try_to(withdraw(nobody)), Err(Refusal::WrongStage(InteractionId(1))));
    rests.call_back(1);
    rests.tell(withdraw(park));
    assert_eq!(rests.ended(), [(1, CallbackEnd::Withdrawn { by: park }, 0)]);
    let mut rings = world(CallbackRules { delay: seconds(0), ..RULES });
    rings.agent(1, &[]);
    rings.call(1, 1);
    rings.call_back(1);
    rings.accept(1);
    rings.alert(1);
    rings.tell(withdraw(nobody));
    assert_eq!(rings.ended(), [(1, CallbackEnd::Withdrawn { by: nobody }, 0)]);
    assert!(rings.is_available(1), "it is no fault of the agent");
    let mut there = world(CallbackRules { delay: seconds(0), ..customer_first() });
    there.agent(1, &[]);
    there.call(1, 1);
    there.call_back(1);
    there.reach(1);
    assert_eq!(there.try_to(withdraw(park)), Err(Refusal::WrongStage(InteractionId(1))));
    assert_eq!(there.rings(1), Some(1), "whoever is on the line stays");
}

#[test]
fn a_callback_does_not_move_into_a_queue_that_has_enough_of_them() {
    let mut world = world(RULES);
    world.queue(2, |queue| queue.callback = Some(CallbackRules { most: 1, ..RULES }));
    world.queue(3, |_| {});
    for (id, queue) in [(1, 1), (2, 2), (3, 2)] {
        world.call(id, queue);
    }
    world.call_back(1);
    world.call_back(2);
    world.wait(seconds(11));
    let moves = |id, to| Command::Change {
        interaction: InteractionId(id),
        change: Change::queue(QueueId(to)),
        by: None,
    };
    assert_eq!(world.try_to(moves(1, 2)), Err(Refusal::TooManyCallbacks(QueueId(2))));
    assert_eq!(world.try_to(moves(2, 2)), Ok(()), "it is there already");
    assert_eq!(world.try_to(moves(3, 1)), Ok(()), "whoever is on the line is no callback");
    assert_eq!(
        world.try_to(moves(1, 3)),
        Ok(()),
        "a queue that promises none has no bound for those who come"
    );
}
