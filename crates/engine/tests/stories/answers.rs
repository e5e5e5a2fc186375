//! From the queue to the conversation, and the races between phones, callers and the distributor.

use std::time::Duration;

use acd::{Activity, Presence, QueueSettings, RejectCause, Requirement, ReservationEnd, SkillId};
use b2bua::{FailureKind, HangUp, Side};
use engine::{Outcome, Standing, Treatment};

use crate::world::{BILLING, BUSY, MUSIC, Manner, OTHER, Peer, World};

fn treatments() -> [Treatment; 2] {
    [Treatment::Ringback, Treatment::Music(MUSIC)]
}

fn ended(world: &World) -> Vec<ReservationEnd> {
    world
        .said
        .iter()
        .filter_map(|event| match event {
            acd::Event::ReservationEnded { cause, .. } => Some(*cause),
            _ => None,
        })
        .collect()
}

#[test]
fn a_caller_reaches_an_agent_and_the_record_tells_it() {
    for treatment in treatments() {
        let mut world = World::new(treatment);
        let agent = world.agent(1, Manner::Answers(3_000));
        let caller = world.peer("10.0.0.2", Manner::ByHand);
        let session = world.call(caller, "100");
        world.run(100);
        assert_eq!(world.sent("SIP/2.0 180", world.at(caller)) == 1, treatment == Treatment::Ringback);
        world.run(5_000);
        assert!(matches!(world.activity(1), Some(Activity::Handling { .. })));
        world.run(10_000);
        world.bye(caller, session);
        world.assert_nothing_left();
        assert_eq!(world.sent("BYE", world.at(agent)), 1);
        let record = world.records()[0].clone();
        assert_eq!(record.outcome, Outcome::Answered);
        assert_eq!(record.cause, HangUp::By(Side::Caller));
        assert_eq!((record.story.caller.as_str(), record.story.called.as_str()), ("0311112222", "100"));
        assert_eq!(record.story.agent, Some(acd::AgentId(1)));
        assert_eq!(record.waited().as_secs(), 3);
        assert_eq!(record.talked().as_secs(), 12);
        assert_eq!((record.story.attempts.len(), record.story.attempts[0].failure), (1, None));
    }
}

#[test]
fn the_record_says_through_which_queues_and_steps_a_caller_came_and_why_to_this_agent() {
    let mut world = World::new(Treatment::Music(MUSIC));
    let spoken = |skill| Requirement::at_least(SkillId(skill), 5);
    world.define(
        BILLING,
        QueueSettings {
            requirement: spoken(1),
            steps: vec![acd::Step {
                after: Duration::from_secs(5),
                requirement: spoken(2),
                effect: acd::StepEffect::Replace,
            }],
            skip_unstaffed_steps: false,
            max_wait: Some(acd::MaxWait { after: Duration::from_secs(10), exit: acd::Exit::Queue(OTHER) }),
            ..QueueSettings::default()
        },
    );
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(12_000);
    let seen = world.engine.interactions(None, 9, Some(OTHER), None);
    assert_eq!(seen.iter().map(|one| one.standing).collect::<Vec<_>>(), [Standing::Waiting]);
    let visits = |story: &engine::Story| -> Vec<_> {
        story.visits.iter().map(|one| (one.queue, one.overflowed.map(|(_, cause)| cause))).collect()
    };
    let path = [(BILLING, Some(acd::OverflowCause::MaxWait)), (OTHER, None)];
    assert_eq!(visits(&seen[0].story), path);
    assert!(world.engine.interactions(None, 9, Some(BILLING), None).is_empty(), "it is there no longer");
    world.agent(1, Manner::Answers(2_000));
    world.run(1_000);
    let ringing = world.engine.interactions(None, 9, None, Some(acd::AgentId(1)));
    assert_eq!(ringing[0].standing, Standing::Ringing);
    let id = ringing[0].story.interaction;
    assert!(world.engine.interactions(Some(id), 9, None, None).is_empty(), "nothing is behind it");
    world.run(3_000);
    assert_eq!(world.engine.interaction(id).map(|one| one.standing), Some(Standing::Talking));
    world.bye(caller, session);
    world.assert_nothing_left();
    assert_eq!(world.engine.interaction(id), None);
    let story = &world.records()[0].story;
    assert_eq!(visits(story), path);
    let steps: Vec<_> = story.visits[0].steps.iter().map(|one| (one.step, one.cause)).collect();
    assert_eq!(steps, [(1, acd::StepCause::Time)]);
    assert_eq!(story.visits[0].steps[0].at.since(story.arrived).as_secs(), 5);
    let attempt = &story.attempts[0];
    let decision = attempt.decision.as_ref().expect("an agent is chosen for a reason");
    assert_eq!((attempt.queue, decision.eligible, decision.still_waiting), (OTHER, 1, 0));
}

#[test]
fn nobody_begins_to_work_without_a_phone() {
    let mut world = World::new(Treatment::Ringback);
    let phone = world.registering_agent(1, Manner::Answers(50));
    let agent = acd::AgentId(1);
    assert_eq!(world.engine.presence(agent, Presence::Ready), Err(engine::NoPhone));
    assert!(world.engine.presence(agent, Presence::LoggedOut).is_ok());
    world.register(phone, "agent1", 300);
    let wish = world.engine.presence(agent, Presence::Ready);
    assert_eq!(wish, Ok(acd::Command::SetPresence { agent, presence: Presence::Ready }));
}

#[test]
fn a_waiting_caller_gets_the_agent_in_the_moment_in_which_one_is_free() {
    let mut world = World::new(Treatment::Music(MUSIC));
    let agent = world.agent(1, Manner::Answers(100));
    let (first, second) = (world.peer("10.0.0.2", Manner::ByHand), world.peer("10.0.0.3", Manner::ByHand));
    let talking = world.call(first, "100");
    world.run(1_000);
    world.call(second, "100");
    world.run(5_000);
    assert_eq!(world.sent("INVITE", world.at(agent)), 1);
    let now = world.now;
    world.ua(first).bye(now, talking, Vec::new()).unwrap();
    world.run(3);
    assert_eq!(world.sent("INVITE", world.at(agent)), 2);
    world.run(1_000);
    assert_eq!(world.totals().answered, 2);
}

#[test]
fn what_the_phone_says_decides_the_back_off_and_the_caller_keeps_the_place() {
    for (manner, cause, kind) in [
        (Manner::Refuses(486, 10), RejectCause::Busy, FailureKind::Busy),
        (Manner::Refuses(603, 10), RejectCause::Rejected, FailureKind::Rejected),
        (Manner::Refuses(480, 10), RejectCause::NoAnswer, FailureKind::NoAnswer),
        (Manner::Refuses(503, 10), RejectCause::Unreachable, FailureKind::Unreachable),
    ] {
        let mut world = World::new(Treatment::Ringback);
        world.agent(1, manner);
        let second = world.agent(2, Manner::Answers(50));
        let caller = world.peer("10.0.0.2", Manner::ByHand);
        let session = world.call(caller, "100");
        world.run(1_000);
        assert_eq!(ended(&world), [ReservationEnd::Rejected(cause), ReservationEnd::Accepted]);
        assert!(matches!(world.activity(1), Some(Activity::BackingOff { .. })));
        assert_eq!(world.sent("INVITE", world.at(second)), 1);
        world.bye(caller, session);
        world.assert_nothing_left();
        let record = world.records()[0].clone();
        assert_eq!(record.story.attempts_total, 2);
        assert_eq!(record.story.attempts[0].failure.map(|failure| failure.kind), Some(kind));
        assert!(record.story.attempts[0].stopped.is_none());
        assert_eq!(record.story.attempts[1].failure, None);
    }
}

#[test]
fn an_agent_who_ignores_the_phone_loses_the_reservation_to_the_next() {
    let mut world = World::new(Treatment::Ringback);
    let first = world.agent(1, Manner::Ignores);
    world.agent(2, Manner::Answers(50));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(16_000);
    assert_eq!(ended(&world), [ReservationEnd::Expired, ReservationEnd::Accepted]);
    assert_eq!(world.sent("CANCEL", world.at(first)), 1);
    world.bye(caller, session);
    world.assert_nothing_left();
    assert_eq!(world.records()[0].story.attempts[0].stopped, Some(engine::Stopped::Missed));
}

#[test]
fn a_pick_up_in_the_moment_of_expiry_sends_the_agent_away_and_the_caller_waits_on() {
    let mut world = World::new(Treatment::Ringback);
    let phone = world.agent(1, Manner::ByHand);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(14_000);
    let (rung, _) = world.rung(phone);
    world.hold_commands = true;
    world.accept(phone, rung);
    world.run(2_000);
    assert_eq!(ended(&world), [ReservationEnd::Expired]);
    world.hold_commands = false;
    world.run(1_000);
    assert_eq!(world.sent("BYE", world.at(phone)), 1);
    assert_eq!(world.totals().answered, 0);
    // After the back-off of a missed call the same agent is rung again and takes it.
    world.run(15_000);
    world.heard(phone).into_iter().for_each(drop);
    assert_eq!(world.sent("INVITE", world.at(phone)), 2);
    world.cancel(caller, session);
    world.assert_nothing_left();
    assert_eq!(world.records()[0].outcome, Outcome::Abandoned);
}

#[test]
fn an_expiry_that_is_on_its_way_when_the_phone_is_picked_up_ends_the_same() {
    let mut world = World::new(Treatment::Ringback);
    let phone = world.agent(1, Manner::ByHand);
    let next = world.agent(2, Manner::Answers(20));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(14_900);
    let (rung, _) = world.rung(phone);
    world.hold_events = true;
    world.run(200);
    world.accept(phone, rung);
    world.hold_events = false;
    world.run(1_000);
    assert_eq!(world.sent("BYE", world.at(phone)), 1);
    assert_eq!(world.sent("INVITE", world.at(next)), 1);
    assert_eq!(world.totals().answered, 1);
    world.bye(caller, session);
    world.assert_nothing_left();
    assert_eq!(world.records()[0].story.agent, Some(acd::AgentId(2)));
}

#[test]
fn a_caller_who_hangs_up_between_accept_and_answered_is_what_the_distributor_says() {
    for (late, treatment) in [(true, treatments()[0]), (true, treatments()[1]), (false, treatments()[1])] {
        let mut world = World::new(treatment);
        let phone = world.agent(1, Manner::ByHand);
        let caller = world.peer("10.0.0.2", Manner::ByHand);
        let session = world.call(caller, "100");
        world.run(1_000);
        let (rung, _) = world.rung(phone);
        if late {
            world.hold_events = true;
        } else {
            world.hold_commands = true;
        }
        world.accept(phone, rung);
        if treatment == Treatment::Ringback {
            world.cancel(caller, session);
        } else {
            world.bye(caller, session);
        }
        if !late {
            // The Accept arrives when its reservation is long over.
            world.run(20_000);
        }
        world.assert_nothing_left();
        assert_eq!(world.sent("BYE", world.at(phone)), 1);
        let outcome = if late { Outcome::Answered } else { Outcome::Abandoned };
        assert_eq!(world.records()[0].outcome, outcome);
        assert_eq!(world.records()[0].cause, HangUp::Abandoned);
        assert_eq!(world.records()[0].talked().as_secs(), 0);
    }
}

#[test]
fn a_caller_who_hangs_up_while_a_stale_accept_and_a_new_reservation_cross_leaves_nobody_held() {
    let mut world = World::new(Treatment::Music(MUSIC));
    let phone = world.agent(1, Manner::ByHand);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(1_000);
    let next = world.agent(2, Manner::Answers(20));
    let (rung, _) = world.rung(phone);
    world.hold_commands = true;
    world.hold_events = true;
    world.accept(phone, rung);
    world.run(15_000);
    world.bye(caller, session);
    world.hold_events = false;
    world.run(100);
    assert_eq!(world.sent("INVITE", world.at(next)), 0);
    world.hold_commands = false;
    world.run(100);
    assert!(matches!(world.activity(2), Some(Activity::Idle { .. })), "no fault of the second agent");
    world.assert_nothing_left();
    assert_eq!(world.records()[0].outcome, Outcome::Abandoned);
}

/// An agent picks up and hangs up again before `Answered` arrives. The phone is the agent's.
fn gone_before_answered(treatment: Treatment) -> (World, Peer, sip::SessionId, Peer) {
    let mut world = World::new(treatment);
    let phone = world.agent(1, Manner::ByHand);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(1_000);
    let (rung, _) = world.rung(phone);
    world.hold_events = true;
    world.accept(phone, rung);
    world.bye(phone, rung);
    (world, caller, session, phone)
}

#[test]
fn an_agent_who_hangs_up_between_accept_and_answered_gives_the_caller_to_the_next() {
    for treatment in treatments() {
        let (mut world, caller, session, phone) = gone_before_answered(treatment);
        let next = world.agent(2, Manner::Answers(2_000));
        world.hold_events = false;
        let answers = |world: &World| {
            world.sent("SIP/2.0 1", world.at(caller)) + world.sent("SIP/2.0 200", world.at(caller))
        };
        let heard = answers(&world);
        world.run(1_000);
        assert!(matches!(world.activity(1), Some(Activity::Idle { .. })), "a conversation has ended");
        assert_eq!((world.sent("BYE", world.at(caller)), world.sent("INVITE", world.at(next))), (0, 1));
        assert_eq!(answers(&world), heard, "the caller hears what it heard");
        world.run(5_000);
        assert!(matches!(world.activity(2), Some(Activity::Handling { .. })));
        world.bye(caller, session);
        world.assert_nothing_left();
        assert_eq!(world.sent("INVITE", world.at(phone)), 1, "who was gone is not asked again at once");
        let totals = world.totals();
        assert_eq!((totals.offered, totals.answered, totals.returned), (2, 2, 1));
        let record = world.records()[0].clone();
        assert_eq!((record.outcome, record.story.agent), (Outcome::Answered, Some(acd::AgentId(2))));
        assert_eq!((record.story.visits_total, record.story.attempts_total), (1, 2));
        assert_eq!(record.story.attempts[0].failure.map(|failure| failure.kind), Some(FailureKind::Rejected));
        assert_eq!(record.story.attempts[1].failure, None);
        assert!(record.waited().as_secs() >= 3 && record.talked().as_secs() < 6, "{record:#?}");
    }
}

#[test]
fn a_caller_who_gives_up_while_being_given_back_is_abandoned() {
    for treatment in treatments() {
        for is_on_its_way in [true, false] {
            let (mut world, caller, session, _) = gone_before_answered(treatment);
            world.hold_events = false;
            world.hold_commands = is_on_its_way;
            world.run(100);
            match treatment {
                Treatment::Ringback => world.cancel(caller, session),
                Treatment::Music(_) => world.bye(caller, session),
            }
            world.assert_nothing_left();
            let record = world.records()[0].clone();
            assert_eq!((record.outcome, record.story.agent), (Outcome::Abandoned, None));
            assert_eq!(world.totals().returned, 1);
        }
    }
}

#[test]
fn a_caller_without_a_queue_to_go_back_to_is_released_and_counts_as_answered() {
    for treatment in treatments() {
        for gives_up in [true, false] {
            let (mut world, caller, session, _) = gone_before_answered(treatment);
            let removed = acd::Command::RemoveQueue { queue: BILLING, exit: acd::Exit::Leave(BUSY) };
            world.reload(vec![removed]);
            world.hold_events = false;
            world.hold_commands = gives_up;
            world.run(100);
            match treatment {
                _ if !gives_up => {}
                Treatment::Ringback => world.cancel(caller, session),
                Treatment::Music(_) => world.bye(caller, session),
            }
            world.assert_nothing_left();
            let released = usize::from(!gives_up);
            match treatment {
                Treatment::Ringback => assert_eq!(world.sent("SIP/2.0 480", world.at(caller)), released),
                Treatment::Music(_) => assert_eq!(world.sent("BYE", world.at(caller)), released),
            }
            assert_eq!(world.records()[0].outcome, Outcome::Answered);
            assert_eq!((world.totals().answered, world.totals().returned), (1, 0));
        }
    }
}

#[test]
fn a_caller_and_an_agent_who_both_hang_up_before_answered_leave_one_finished_interaction() {
    let (mut world, caller, session, _) = gone_before_answered(Treatment::Music(MUSIC));
    world.bye(caller, session);
    world.assert_nothing_left();
    assert_eq!((world.totals().answered, world.totals().returned), (1, 0));
}

#[test]
fn a_caller_who_gives_up_while_a_phone_rings_is_abandoned_and_the_phone_falls_silent() {
    let mut world = World::new(Treatment::Ringback);
    let phone = world.agent(1, Manner::Ignores);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(2_000);
    world.cancel(caller, session);
    assert_eq!(world.sent("CANCEL", world.at(phone)), 1);
    world.run(100);
    assert!(matches!(world.activity(1), Some(Activity::Idle { .. })), "no fault of the agent");
    world.assert_nothing_left();
    let record = world.records()[0].clone();
    assert_eq!(record.outcome, Outcome::Abandoned);
    assert!(record.story.attempts[0].stopped == Some(engine::Stopped::Cancelled), "{record:#?}");
    assert_eq!(record.story.attempts[0].lasted.as_secs(), 2);
}

#[test]
fn an_engine_that_is_written_down_after_every_step_has_the_same_future() {
    let history = |writes_down: bool| {
        let mut world = World::new(Treatment::Music(MUSIC));
        world.writes_down = writes_down;
        world.agent(1, Manner::Refuses(486, 20));
        world.agent(2, Manner::Leaves(50, 1_500));
        for number in 2..6 {
            let caller = world.peer(&format!("10.0.0.{number}"), Manner::ByHand);
            world.plan_call(caller, number * 200, Some(3_000));
        }
        world.run(10_000);
        world.assert_nothing_left();
        (world.wire.clone(), world.said.clone(), world.notices.clone())
    };
    assert_eq!(history(false), history(true));
}

#[test]
fn after_call_work_begins_when_either_hangs_up() {
    for agent_ends in [false, true] {
        let mut world = World::new(Treatment::Ringback);
        let work = QueueSettings { after_call_work: Duration::from_secs(30), ..QueueSettings::default() };
        world.define(BILLING, work);
        let phone = world.agent(1, Manner::ByHand);
        let caller = world.peer("10.0.0.2", Manner::ByHand);
        let session = world.call(caller, "100");
        world.run(1_000);
        let (rung, _) = world.rung(phone);
        world.accept(phone, rung);
        if agent_ends {
            world.bye(phone, rung);
        } else {
            world.bye(caller, session);
        }
        assert!(matches!(world.activity(1), Some(Activity::AfterCallWork { .. })));
        world.assert_nothing_left();
        let side = if agent_ends { Side::Callee } else { Side::Caller };
        assert_eq!(world.records()[0].cause, HangUp::By(side));
    }
}

#[test]
fn an_agent_who_cannot_be_rung_for_want_of_a_port_has_missed_nothing_and_the_caller_waits_on() {
    for treatment in treatments() {
        let mut world = World::new(treatment);
        let caller = world.peer("10.0.0.2", Manner::ByHand);
        let session = world.call(caller, "100");
        world.run(1_000);
        world.sockets_fail = true;
        let phone = world.agent(1, Manner::Ignores);
        world.run(24_000);
        let unrung = ReservationEnd::Rejected(RejectCause::NoResources);
        assert_eq!(ended(&world), [unrung; 5], "every five seconds, more often than may be missed");
        world.sockets_fail = false;
        world.manners[phone] = Manner::Answers(100);
        world.run(4_000);
        assert_eq!(ended(&world).last(), Some(&ReservationEnd::Accepted));
        assert_eq!(world.totals().answered, 1);
        world.bye(caller, session);
        world.assert_nothing_left();
        let record = world.records()[0].clone();
        assert_eq!(record.outcome, Outcome::Answered);
        let failures: Vec<_> =
            record.story.attempts.iter().map(|one| one.failure.map(|why| why.kind)).collect();
        assert_eq!(failures[..5], [Some(FailureKind::NoPort); 5]);
    }
}

#[test]
fn a_caller_for_whom_no_port_can_be_opened_has_failed_and_not_given_up() {
    for treatment in treatments() {
        let mut world = World::new(treatment);
        world.sockets_fail = true;
        let caller = world.peer("10.0.0.2", Manner::ByHand);
        world.call(caller, "100");
        world.run(1_000);
        assert_eq!(world.sent("SIP/2.0 503", world.at(caller)), 1);
        world.assert_nothing_left();
        let record = world.records()[0].clone();
        assert_eq!((record.outcome, record.cause), (Outcome::Failed, HangUp::NoPort));
    }
}
