//! What is counted when.

use acd::{
    CallbackMode, CallbackRules, Change, Command, Exit, ExitId, InteractionId, MaxWait, QueueSettings,
    ReasonCode, RejectCause, Requirement, Reserve,
};
use report::Wallboard;
use timing::Instant;

use crate::centre::{BILLING, Centre, KIM, TECHNICAL, names, secs};

/// Billing, which calls back so, with Kim; call 1 is called back, and its customer is reached after a minute.
fn reached(mode: CallbackMode) -> Centre {
    let callback = Some(CallbackRules { mode, delay: secs(0), ..CallbackRules::default() });
    let mut centre = Centre::new(&QueueSettings { callback, ..QueueSettings::default() });
    centre.enqueue(1, BILLING);
    centre.pass(secs(10));
    centre.apply(Command::CallBack { interaction: InteractionId(1) });
    centre.pass(secs(50));
    let scrape = centre.scrape();
    let shown = |name| scrape.of_queue(name, "billing");
    assert_eq!((shown("cordboard_callbacks"), shown("cordboard_waiting")), (1.0, 0.0));
    centre.log_in(KIM);
    match mode {
        CallbackMode::CustomerFirst => {
            let reservation = centre.reservations[&InteractionId(1)];
            centre.apply(Command::CallbackReached { reservation });
        }
        CallbackMode::AgentFirst => {
            centre.accept(1);
            centre.apply(Command::CallbackHolds { interaction: InteractionId(1) });
        }
    }
    centre
}

#[test]
fn an_agent_for_whom_a_customer_is_called_is_shown_as_calling_back_and_not_as_ringing() {
    for mode in [CallbackMode::CustomerFirst, CallbackMode::AgentFirst] {
        let callback = Some(CallbackRules { mode, delay: secs(0), ..CallbackRules::default() });
        let mut centre = Centre::new(&QueueSettings { callback, ..QueueSettings::default() });
        let shown = |centre: &mut Centre| {
            let snapshot = centre.snapshot();
            let board = Wallboard::new(centre.now, &snapshot, &centre.reporter.figures(), &names());
            let kim = board.agents.iter().find(|agent| agent.id == "kim").expect("kim has a name").clone();
            (kim.state, kim.works.first().map(|work| work.state.name()))
        };
        centre.enqueue(1, BILLING);
        centre.apply(Command::CallBack { interaction: InteractionId(1) });
        centre.pass(secs(1));
        centre.log_in(KIM);
        if mode == CallbackMode::AgentFirst {
            assert_eq!(shown(&mut centre), ("reserved", Some("reserved")), "kim's phone rings");
            centre.accept(1);
        }
        assert_eq!(shown(&mut centre), ("calling_back", Some("calling_back")), "{mode:?}");
        let reservation = centre.reservations[&InteractionId(1)];
        centre.apply(Command::CallbackReached { reservation });
        let (after, _) = shown(&mut centre);
        match mode {
            CallbackMode::CustomerFirst => assert_eq!(after, "reserved", "now kim's phone rings"),
            CallbackMode::AgentFirst => assert_eq!(after, "handling", "they talk"),
        }
        assert!(centre.reporter.figures().calling_back.is_empty());
    }
}

#[test]
fn a_customer_who_was_reached_waits_from_then_on_and_abandons_that_wait() {
    for mode in [CallbackMode::CustomerFirst, CallbackMode::AgentFirst] {
        let mut centre = reached(mode);
        centre.pass(secs(3));
        let scrape = centre.scrape();
        let shown = |name| scrape.of_queue(name, "billing");
        assert_eq!((shown("cordboard_callbacks"), shown("cordboard_waiting")), (0.0, 1.0), "{mode:?}");
        assert_eq!(shown("cordboard_longest_wait_seconds"), 3.0, "{mode:?}");
        let snapshot = centre.snapshot();
        let board = Wallboard::new(centre.now, &snapshot, &centre.reporter.figures(), &names());
        let row = &board.queues[0];
        assert_eq!((row.waiting, row.callbacks, row.longest_wait_seconds), (1, 0, Some(3.0)), "{mode:?}");
        assert_eq!(row.called_back, 0);
        centre.pass(secs(1));
        centre.cancel(1);
        let scrape = centre.scrape();
        assert_eq!(scrape.outcome("billing", "abandoned"), 1.0);
        assert_eq!(
            scrape.of_queue("cordboard_short_abandons_total", "billing"),
            1.0,
            "after 4 s on the line"
        );
        let labels = [("outcome", "abandoned"), ("queue", "billing")];
        assert_eq!(scrape.value("cordboard_wait_seconds_sum", &labels), 4.0, "{mode:?}");
    }
}

#[test]
fn a_customer_whose_agent_is_gone_at_once_has_waited_since_the_customer_was_reached() {
    let mut centre = reached(CallbackMode::CustomerFirst);
    centre.pass(secs(2));
    centre.accept(1);
    centre.pass(secs(1));
    centre.apply(Command::Return { interaction: InteractionId(1) });
    let longest = centre.scrape().of_queue("cordboard_longest_wait_seconds", "billing");
    assert_eq!(longest, 3.0, "and not the minute off the line");
    centre.pass(secs(1));
    centre.cancel(1);
    let labels = [("outcome", "abandoned"), ("queue", "billing")];
    assert_eq!(centre.scrape().value("cordboard_wait_seconds_sum", &labels), 4.0);
}

#[test]
fn a_promise_that_is_taken_back_is_counted_with_its_cause() {
    let callback = Some(CallbackRules::default());
    let mut centre = Centre::new(&QueueSettings { callback, ..QueueSettings::default() });
    centre.enqueue(1, BILLING);
    centre.apply(Command::CallBack { interaction: InteractionId(1) });
    centre.apply(Command::WithdrawCallback { interaction: InteractionId(1), by: None });
    let scrape = centre.scrape();
    let labels = [("cause", "withdrawn"), ("queue", "billing")];
    assert_eq!(scrape.value("cordboard_callbacks_ended_total", &labels), 1.0);
    assert_eq!(
        (scrape.of_queue("cordboard_callbacks", "billing"), scrape.outcome("billing", "callback_ended")),
        (0.0, 1.0)
    );
}

fn plain() -> QueueSettings {
    QueueSettings::default()
}

#[test]
fn an_answered_call_counts_when_it_is_answered_and_not_when_it_ends() {
    let mut centre = Centre::new(&plain());
    centre.log_in(KIM);
    centre.enqueue(1, BILLING);
    centre.pass(secs(4));
    assert_eq!(centre.scrape().outcome("billing", "answered"), 0.0);
    centre.accept(1);
    let scrape = centre.scrape();
    assert_eq!(scrape.outcome("billing", "answered"), 1.0);
    assert_eq!(scrape.of_queue("cordboard_handling", "billing"), 1.0);
    assert_eq!(scrape.of_queue("cordboard_service_level_ratio", "billing"), 1.0);
    let labels = [("outcome", "answered"), ("queue", "billing")];
    assert_eq!(scrape.value("cordboard_wait_seconds_sum", &labels), 4.0);
    centre.pass(secs(60));
    centre.finish(1);
    let scrape = centre.scrape();
    assert_eq!(scrape.outcome("billing", "answered"), 1.0);
    assert_eq!(scrape.of_queue("cordboard_handling", "billing"), 0.0);
}

#[test]
fn a_wait_of_exactly_the_threshold_is_in_time_and_one_tick_more_is_not() {
    let mut centre = Centre::new(&plain());
    for (interaction, wait) in [(1, secs(25)), (2, secs(25) + secs(1) / 1000)] {
        centre.enqueue(interaction, TECHNICAL);
        centre.pass(wait);
        centre.cancel(interaction);
    }
    let scrape = centre.scrape();
    let waits = |edge| scrape.waits("technical", "abandoned", edge);
    assert_eq!(
        (waits("20"), waits("25"), waits("30"), waits("+Inf")),
        (Some(0.0), Some(1.0), Some(2.0), Some(2.0))
    );
    assert_eq!(scrape.waits("billing", "abandoned", "25"), None, "another queue's threshold");
    assert_eq!(scrape.of_queue("cordboard_service_level_threshold_seconds", "technical"), 25.0);
    assert_eq!(scrape.of_queue("cordboard_service_level_target_ratio", "technical"), 0.8);
}

#[test]
fn a_move_flows_out_of_one_queue_and_is_offered_to_the_other() {
    let mut centre = Centre::new(&plain());
    centre.enqueue(1, BILLING);
    centre.pass(secs(7));
    centre.apply(Command::Change {
        interaction: InteractionId(1),
        change: Change::queue(TECHNICAL),
        by: None,
    });
    let scrape = centre.scrape();
    assert_eq!(scrape.outcome("billing", "overflowed"), 1.0);
    assert_eq!(scrape.of_queue("cordboard_flow_outs_total", "billing"), 1.0);
    assert_eq!(scrape.value("cordboard_overflows_total", &[("cause", "moved"), ("queue", "billing")]), 1.0);
    assert_eq!(scrape.offered("technical"), 1.0);
    assert_eq!(scrape.of_queue("cordboard_flow_ins_total", "technical"), 1.0);
    assert_eq!(scrape.of_queue("cordboard_waiting", "billing"), 0.0);
    assert_eq!(scrape.of_queue("cordboard_waiting", "technical"), 1.0);
}

#[test]
fn an_interaction_that_is_given_back_is_offered_again_and_has_waited_since_it_entered() {
    let mut centre = Centre::new(&QueueSettings::default());
    centre.log_in(KIM);
    centre.enqueue(1, BILLING);
    centre.pass(secs(4));
    centre.accept(1);
    centre.pass(secs(1));
    centre.apply(Command::Return { interaction: InteractionId(1) });
    centre.pass(secs(5));
    let scrape = centre.scrape();
    assert_eq!((scrape.offered("billing"), scrape.outcome("billing", "answered")), (2.0, 1.0));
    assert_eq!(scrape.of_queue("cordboard_returns_total", "billing"), 1.0);
    assert_eq!(scrape.of_queue("cordboard_flow_ins_total", "billing"), 0.0);
    assert_eq!(scrape.of_queue("cordboard_waiting", "billing"), 1.0);
    assert_eq!(scrape.of_queue("cordboard_handling", "billing"), 0.0);
    assert_eq!(scrape.of_queue("cordboard_longest_wait_seconds", "billing"), 10.0);
    assert_eq!(scrape.of_queue("cordboard_handle_time_seconds_count", "billing"), 1.0);
}

#[test]
fn expired_leases_and_forced_presences_are_counted() {
    let mut centre = Centre::new(&QueueSettings::default());
    centre.log_in(KIM);
    let presence = acd::Presence::NotReady(ReasonCode(1));
    let (by, why) = (acd::SupervisorId(1), ReasonCode(1));
    centre.apply(Command::ForcePresence { agent: KIM, presence, by, why });
    centre.apply(Command::LiftForced { agent: KIM });
    for lease in [acd::Lease::Handling(InteractionId(1)), acd::Lease::LogIn(KIM), acd::Lease::LogIn(KIM)] {
        centre.reporter.handle_event(centre.now, &acd::Event::LeaseExpired { lease, agent: KIM });
    }
    let scrape = centre.scrape();
    assert_eq!(scrape.value("cordboard_presence_forced_total", &[]), 1.0);
    let expired = |lease| scrape.value("cordboard_leases_expired_total", &[("kind", lease)]);
    assert_eq!([expired("conversation"), expired("own_call"), expired("log_in")], [1.0, 0.0, 2.0]);
}

#[test]
fn an_interaction_that_leaves_by_rule_is_overflowed_and_not_abandoned() {
    let exit = Exit::Leave(ExitId(1));
    let mut centre =
        Centre::new(&QueueSettings { max_wait: Some(MaxWait { after: secs(60), exit }), ..plain() });
    centre.enqueue(1, BILLING);
    centre.pass(secs(61));
    let scrape = centre.scrape();
    assert_eq!((scrape.outcome("billing", "overflowed"), scrape.outcome("billing", "abandoned")), (1.0, 0.0));
    assert_eq!(
        scrape.value("cordboard_overflows_total", &[("cause", "max_wait"), ("queue", "billing")]),
        1.0
    );
    assert_eq!(scrape.of_queue("cordboard_flow_outs_total", "billing"), 0.0);
    assert!(scrape.of_queue("cordboard_service_level_ratio", "billing").is_nan(), "it counts in no variant");
}

#[test]
fn who_gives_up_at_once_is_a_short_abandon_as_well() {
    let mut centre = Centre::new(&plain());
    for (interaction, wait) in [(1, 5), (2, 6)] {
        centre.enqueue(interaction, BILLING);
        centre.pass(secs(wait));
        centre.cancel(interaction);
    }
    let scrape = centre.scrape();
    assert_eq!(scrape.outcome("billing", "abandoned"), 2.0);
    assert_eq!(scrape.of_queue("cordboard_short_abandons_total", "billing"), 1.0);
}

#[test]
fn the_longest_wait_grows_between_events_and_passes_to_the_next() {
    let mut centre = Centre::new(&plain());
    let longest = |centre: &Centre| centre.scrape().of_queue("cordboard_longest_wait_seconds", "billing");
    assert_eq!(longest(&centre), 0.0);
    centre.enqueue(1, BILLING);
    centre.pass(secs(10));
    centre.enqueue(2, BILLING);
    centre.pass(secs(5));
    assert_eq!(longest(&centre), 15.0);
    centre.cancel(1);
    assert_eq!(longest(&centre), 5.0);
    centre.cancel(2);
    assert_eq!(longest(&centre), 0.0);
}

#[test]
fn open_reserves_are_shown_until_nobody_waits_who_needs_them() {
    let reserve = Reserve { requirement: Requirement::anyone(), after: secs(30) };
    let mut centre = Centre::new(&QueueSettings { reserves: vec![reserve], ..plain() });
    let open = |centre: &mut Centre| {
        centre.snapshot();
        centre.scrape().of_queue("cordboard_reserves_open", "billing")
    };
    centre.enqueue(1, BILLING);
    centre.pass(secs(29));
    assert_eq!(open(&mut centre), 0.0);
    centre.pass(secs(2));
    assert_eq!(open(&mut centre), 1.0);
    centre.cancel(1);
    centre.pass(secs(1));
    assert_eq!(open(&mut centre), 0.0);
}

#[test]
fn who_is_rung_for_still_waits() {
    let mut centre = Centre::new(&plain());
    centre.log_in(KIM);
    centre.enqueue(1, BILLING);
    centre.pass(secs(3));
    let scrape = centre.scrape();
    assert_eq!(scrape.of_queue("cordboard_waiting", "billing"), 1.0);
    assert_eq!(scrape.of_queue("cordboard_ringing", "billing"), 1.0);
    assert_eq!(scrape.of_queue("cordboard_longest_wait_seconds", "billing"), 3.0);
    let reservation = centre.reservations[&InteractionId(1)];
    centre.apply(Command::Reject { reservation, cause: RejectCause::Busy });
    let scrape = centre.scrape();
    assert_eq!(scrape.of_queue("cordboard_ringing", "billing"), 0.0);
    assert_eq!(
        scrape.value("cordboard_reservations_total", &[("outcome", "busy"), ("queue", "billing")]),
        1.0
    );
    let labels = [("outcome", "not_accepted"), ("queue", "billing")];
    assert_eq!(scrape.value("cordboard_ring_seconds_sum", &labels), 3.0);
}

#[test]
fn handle_time_is_conversation_and_after_call_work_in_one_observation() {
    let mut centre = Centre::new(&QueueSettings { after_call_work: secs(30), ..plain() });
    centre.log_in(KIM);
    centre.enqueue(1, BILLING);
    centre.accept(1);
    centre.pass(secs(100));
    centre.finish(1);
    centre.pass(secs(10));
    assert_eq!(centre.scrape().of_queue("cordboard_handle_time_seconds_count", "billing"), 0.0);
    centre.apply(Command::EndAfterCallWork { agent: KIM, interaction: None });
    let scrape = centre.scrape();
    assert_eq!(scrape.of_queue("cordboard_handle_time_seconds_count", "billing"), 1.0);
    assert_eq!(scrape.of_queue("cordboard_handle_time_seconds_sum", "billing"), 110.0);
    assert_eq!(scrape.of_queue("cordboard_after_call_work_seconds_sum", "billing"), 10.0);
}

#[test]
fn without_after_call_work_handle_time_counts_at_the_end_of_the_conversation() {
    let mut centre = Centre::new(&plain());
    centre.log_in(KIM);
    for interaction in [1, 2] {
        centre.enqueue(interaction, BILLING);
    }
    for interaction in [1, 2] {
        centre.accept(interaction);
        centre.pass(secs(40));
        centre.finish(interaction);
    }
    let scrape = centre.scrape();
    assert_eq!(scrape.of_queue("cordboard_handle_time_seconds_count", "billing"), 2.0);
    assert_eq!(scrape.of_queue("cordboard_handle_time_seconds_sum", "billing"), 80.0);
    assert_eq!(scrape.of_queue("cordboard_after_call_work_seconds_count", "billing"), 0.0);
}

#[test]
fn the_seconds_of_agents_add_up_and_give_the_occupancy() {
    let mut centre = Centre::new(&QueueSettings { after_call_work: secs(20), ..plain() });
    centre.log_in(KIM);
    centre.pass(secs(50));
    centre.enqueue(1, BILLING);
    centre.pass(secs(5));
    centre.accept(1);
    centre.pass(secs(80));
    centre.finish(1);
    centre.pass(secs(20));
    centre.apply(Command::SetNotReady { agent: KIM, reason: ReasonCode(3) });
    centre.pass(secs(1_000));
    centre.snapshot();
    let scrape = centre.scrape();
    let seconds = |state| scrape.value("cordboard_agent_seconds_total", &[("state", state)]);
    let states = ["idle", "reserved", "handling", "after_call_work", "not_ready"];
    let round = |seconds: f64| (seconds * 10.0).round() / 10.0;
    assert_eq!(states.map(|state| round(seconds(state))), [50.0, 5.0, 80.0, 20.0, 1_000.0]);
    let occupancy = scrape.value("cordboard_occupancy_ratio", &[]);
    assert!((occupancy - 100.0 / 150.0).abs() < 1e-4, "{occupancy}");
    assert_eq!(scrape.value("cordboard_agents_overall", &[("state", "not_ready")]), 1.0);
    assert_eq!(scrape.value("cordboard_agents_not_ready", &[("reason", "other")]), 1.0);
    assert_eq!(scrape.value("cordboard_agents", &[("queue", "billing"), ("state", "not_ready")]), 1.0);
}

#[test]
fn a_reload_keeps_every_counter_and_moves_only_the_bucket_of_the_threshold() {
    let mut centre = Centre::new(&plain());
    for interaction in [1, 2] {
        centre.enqueue(interaction, BILLING);
        centre.pass(secs(22));
    }
    centre.cancel(1);
    let before = centre.scrape();
    let mut reloaded = names();
    let billing = reloaded.queues.get_mut(&BILLING).unwrap();
    (billing.threshold, billing.target) = (secs(50), 0.9);
    centre.reporter.set_names(&reloaded);
    let after = centre.scrape();
    for (series, value) in &before.samples {
        if !series.0.starts_with("cordboard_service_level_t") && !value.is_nan() {
            assert_eq!(after.samples.get(series), Some(value), "{series:?}");
        }
    }
    assert_eq!(before.waits("billing", "abandoned", "50"), None);
    assert_eq!(after.waits("billing", "abandoned", "50"), Some(1.0));
    assert_eq!(after.of_queue("cordboard_service_level_threshold_seconds", "billing"), 50.0);
    assert_eq!(after.of_queue("cordboard_service_level_target_ratio", "billing"), 0.9);
    centre.pass(secs(29));
    centre.cancel(2);
    assert_eq!(centre.scrape().waits("billing", "abandoned", "50"), Some(1.0), "51 s");
}

#[test]
fn a_queue_that_goes_takes_its_series_with_it_and_the_others_stay() {
    let mut centre = Centre::new(&plain());
    centre.enqueue(1, BILLING);
    centre.cancel(1);
    let all = centre.scrape();
    assert_eq!(all.queues(), ["billing", "technical"]);
    let mut reloaded = names();
    reloaded.queues.remove(&TECHNICAL);
    centre.reporter.set_names(&reloaded);
    centre.apply(Command::RemoveQueue { queue: TECHNICAL, exit: Exit::Leave(ExitId(1)) });
    centre.snapshot();
    centre.pass(secs(599));
    centre.snapshot();
    assert_eq!(centre.scrape().queues(), ["billing", "technical"], "what it did last is still to be seen");
    centre.pass(secs(1));
    centre.snapshot();
    let left = centre.scrape();
    assert_eq!(left.queues(), ["billing"]);
    assert_eq!(left.outcome("billing", "abandoned"), 1.0);
    assert_eq!(left.samples.len(), all.samples.len() - series_of(&all, "technical"));
    centre.reporter.set_names(&names());
    centre.apply(Command::DefineQueue { queue: TECHNICAL, settings: Box::new(plain()) });
    assert_eq!(centre.scrape().queues(), ["billing", "technical"]);
    // One that comes back while its series are still there begins at zero, as the distributor counts.
    centre.enqueue(2, TECHNICAL);
    centre.apply(Command::RemoveQueue { queue: TECHNICAL, exit: Exit::Leave(ExitId(1)) });
    assert_eq!(centre.scrape().offered("technical"), 1.0);
    centre.apply(Command::DefineQueue { queue: TECHNICAL, settings: Box::new(plain()) });
    assert_eq!(centre.scrape().offered("technical"), 0.0);
}

#[test]
fn what_becomes_of_the_callers_of_a_removed_queue_is_counted_to_the_last() {
    let mut centre = Centre::new(&QueueSettings { after_call_work: secs(20), ..plain() });
    centre.log_in(KIM);
    centre.enqueue(1, TECHNICAL);
    centre.accept(1);
    centre.enqueue(2, TECHNICAL);
    let mut reloaded = names();
    reloaded.queues.remove(&TECHNICAL);
    centre.reporter.set_names(&reloaded);
    centre.apply(Command::RemoveQueue { queue: TECHNICAL, exit: Exit::Leave(ExitId(1)) });
    let scrape = centre.scrape();
    let removed = [("cause", "queue_removed"), ("queue", "technical")];
    assert_eq!(scrape.value("cordboard_overflows_total", &removed), 1.0);
    assert_eq!(scrape.outcome("technical", "overflowed"), 1.0);
    assert_eq!(scrape.of_queue("cordboard_waiting", "technical"), 0.0);
    assert!(!centre.reporter.figures().queues.contains_key(&TECHNICAL), "the wallboard forgets it at once");
    centre.pass(secs(5_000));
    centre.snapshot();
    assert_eq!(centre.scrape().of_queue("cordboard_handling", "technical"), 1.0, "the conversation goes on");
    centre.finish(1);
    centre.snapshot();
    assert_eq!(centre.scrape().of_queue("cordboard_handle_time_seconds_sum", "technical"), 5_000.0);
    centre.pass(secs(600));
    centre.snapshot();
    assert_eq!(centre.scrape().queues(), ["billing"]);
}

fn series_of(scrape: &crate::centre::Scrape, queue: &str) -> usize {
    scrape.samples.keys().filter(|(_, labels)| labels.get("queue").is_some_and(|name| name == queue)).count()
}

#[test]
fn two_queues_of_one_name_are_both_reported() {
    let mut centre = Centre::new(&plain());
    let mut doubled = names();
    doubled.queues.get_mut(&TECHNICAL).unwrap().name = "billing".to_owned();
    centre.reporter.set_names(&doubled);
    centre.enqueue(1, TECHNICAL);
    let scrape = centre.scrape();
    assert_eq!(scrape.queues(), ["billing", "billing #2"]);
    assert_eq!((scrape.offered("billing"), scrape.offered("billing #2")), (0.0, 1.0));
}

#[test]
fn two_queues_may_swap_their_names() {
    let mut centre = Centre::new(&plain());
    let mut swapped = names();
    swapped.queues.get_mut(&BILLING).unwrap().name = "technical".to_owned();
    swapped.queues.get_mut(&TECHNICAL).unwrap().name = "billing".to_owned();
    centre.enqueue(1, BILLING);
    centre.reporter.set_names(&swapped);
    let scrape = centre.scrape();
    assert_eq!(scrape.of_queue("cordboard_waiting", "technical"), 1.0);
    assert_eq!(scrape.of_queue("cordboard_waiting", "billing"), 0.0);
}

#[test]
fn a_new_day_begins_with_who_waits_and_leaves_the_counters_alone() {
    let mut centre = Centre::new(&plain());
    centre.enqueue(1, BILLING);
    centre.enqueue(2, BILLING);
    centre.pass(secs(8));
    centre.cancel(1);
    centre.reporter.new_day(centre.now);
    let tally = centre.reporter.figures().queues[&BILLING].tally;
    assert_eq!((tally.offered, tally.abandoned), (1, 0));
    let scrape = centre.scrape();
    assert_eq!(scrape.outcome("billing", "abandoned"), 1.0);
    assert!(scrape.of_queue("cordboard_service_level_ratio", "billing").is_nan());
}

#[test]
fn a_refused_command_is_counted_by_fault_and_changes_nothing_else() {
    let mut centre = Centre::new(&plain());
    centre.cancel(99);
    let scrape = centre.scrape();
    assert_eq!(scrape.value("cordboard_commands_refused_total", &[("fault", "sender")]), 1.0);
    assert_eq!(scrape.offered("billing"), 0.0);
}

#[test]
fn latencies_are_seen_after_the_batch() {
    let mut centre = Centre::new(&plain());
    centre.reporter.observe_latency(secs(1) / 2000);
    let count = |centre: &Centre| centre.scrape().value("cordboard_distribution_latency_seconds_count", &[]);
    assert_eq!(count(&centre), 0.0);
    centre.reporter.flush(Instant::from_secs(2_000));
    assert_eq!(count(&centre), 1.0);
}

#[test]
fn the_estimated_wait_and_its_error_are_told_once_they_are_known() {
    let mut centre = Centre::new(&QueueSettings::default());
    // Kim serves one queue only, so that handle times tell how fast its line goes.
    centre.apply(Command::RemoveQueue { queue: TECHNICAL, exit: Exit::Leave(ExitId(1)) });
    centre.log_in(KIM);
    centre.snapshot();
    let seconds = |centre: &Centre| centre.scrape().of_queue("cordboard_estimated_wait_seconds", "billing");
    let error = |centre: &Centre, figure| {
        let labels = [("figure", figure), ("queue", "billing")];
        centre.scrape().value("cordboard_estimated_wait_error_seconds", &labels)
    };
    assert_eq!(seconds(&centre), 0.0, "Kim is idle");
    for interaction in 1..=25 {
        centre.enqueue(interaction, BILLING);
        if interaction == 1 {
            centre.snapshot();
            assert!(seconds(&centre).is_nan(), "nobody knows how long a conversation takes");
            assert!(error(&centre, "bias").is_nan());
        }
        centre.accept(interaction);
        centre.pass(secs(60));
        centre.finish(interaction);
    }
    centre.enqueue(26, BILLING);
    centre.accept(26);
    centre.enqueue(27, BILLING);
    centre.snapshot();
    assert!((seconds(&centre) - 120.0).abs() < 2.0, "one in conversation, one before: {}", seconds(&centre));
    assert!(centre.scrape().of_queue("cordboard_estimated_wait_at_most_seconds", "billing") > 120.0);
    centre.pass(secs(90));
    centre.finish(26);
    centre.accept(27);
    centre.snapshot();
    assert!((error(&centre, "bias") + 30.0).abs() < 1.0, "a minute was told, 90 s were waited");
    assert!((error(&centre, "mean_absolute") - 30.0).abs() < 1.0);
    assert!((error(&centre, "root_mean_square") - 30.0).abs() < 1.0);
    assert_eq!(centre.scrape().of_queue("cordboard_estimated_wait_covered_ratio", "billing"), 1.0);
}
