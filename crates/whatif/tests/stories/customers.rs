//! Customers: who comes, waits, gives up, is blocked, and comes back.

use acd::{Exit, ExitId, MaxLength, MaxWait, NobodyLoggedIn, QueueId};
use whatif::{
    Arrivals, CustomerType, Distribution, Ending, Handling, Law, Members, Model, Queue, Retrial, RunError,
    Watch,
};

use crate::{HOUR, MINUTE, at, one_agent, play, seconds, small};

#[test]
fn a_customer_who_finds_the_agent_busy_waits_for_the_end_of_the_conversation() {
    let day = play(&one_agent(at(&[10, 40], seconds(60))));
    let tally = day.queues[0].day();
    assert_eq!((tally.offered, tally.answered, tally.delayed), (2, 2, 1));
    assert_eq!((tally.wait_answered, tally.wait_max), (seconds(30), seconds(30)));
    assert_eq!((tally.answered_within, tally.waiting_max), (1, 1));
    assert!((tally.waiting_area - 30.0).abs() < 1e-9);
    assert_eq!(tally.handled, seconds(120));
}

#[test]
fn a_customer_gives_up_when_the_patience_is_at_its_end_and_not_later() {
    let customers = CustomerType {
        patience: Some(Law::same(Distribution::constant(seconds(25)))),
        ..at(&[10, 40, 50], seconds(60))
    };
    let tally = play(&one_agent(customers)).queues[0].day();
    // The second waits from 40 to 65 and gives up; the third from 50 to 70 and is answered.
    assert_eq!((tally.answered, tally.abandoned), (2, 1));
    assert_eq!((tally.wait_abandoned, tally.wait_answered), (seconds(25), seconds(20)));
    // Answered after 20 s is not answered within 20 s.
    assert_eq!((tally.answered_within, tally.abandoned_within), (1, 0));
}

#[test]
fn a_customer_without_patience_is_gone_at_once_unless_an_agent_is_free() {
    let customers = CustomerType {
        patience: Some(Law::same(Distribution::constant(seconds(0)))),
        ..at(&[10, 40], seconds(60))
    };
    let tally = play(&one_agent(customers)).queues[0].day();
    assert_eq!((tally.answered, tally.abandoned, tally.abandoned_short), (1, 1, 1));
    assert_eq!(tally.wait_abandoned, seconds(0));
}

#[test]
fn who_gave_up_comes_back_with_the_wait_of_the_first_try_on_the_account() {
    let customers = CustomerType {
        patience: Some(Law::same(Distribution::constant(seconds(20)))),
        retrial: Retrial {
            after_abandonment: 1.0,
            delay: Law::same(Distribution::constant(seconds(35))),
            ..Retrial::default()
        },
        ..at(&[10, 40], seconds(100))
    };
    let day = play(&one_agent(customers));
    // The second gives up at 60, comes back at 95, and is answered at 110.
    let (queue, customers) = (day.queues[0].day(), day.customers[0].day());
    assert_eq!((queue.offered, queue.answered, queue.abandoned), (3, 2, 1));
    assert_eq!(customers.retrials, 1);
    assert_eq!(queue.wait_answered, seconds(15));
    assert_eq!(customers.wait_answered, seconds(35));
    // In the queue it was within 20 s, for the customer it was not.
    assert_eq!((queue.answered_within, customers.answered_within), (2, 1));
}

#[test]
fn who_finds_no_line_is_blocked_and_may_come_back() {
    let mut model = one_agent(CustomerType {
        retrial: Retrial {
            after_blocking: 1.0,
            delay: Law::same(Distribution::constant(seconds(100))),
            ..Retrial::default()
        },
        ..at(&[10, 20, 30], seconds(60))
    });
    model.trunks = Some(2);
    let day = play(&model);
    let tally = day.queues[0].day();
    assert_eq!((tally.offered, tally.blocked, tally.answered), (4, 1, 3));
    assert_eq!(day.trunks.max, 2);
    // Lines are held from 10 to 70, from 20 to 130 and from 130 to 190.
    assert!((day.trunks.area - (60.0 + 110.0 + 60.0)).abs() < 1e-9, "{:?}", day.trunks);
}

#[test]
fn who_is_blocked_and_calls_again_at_once_gives_up_in_the_end() {
    let mut model = one_agent(CustomerType {
        retrial: Retrial {
            after_blocking: 1.0,
            delay: Law::same(Distribution::constant(seconds(0))),
            ..Retrial::default()
        },
        ..at(&[10, 20], seconds(60))
    });
    model.trunks = Some(1);
    let tally = play(&model).queues[0].day();
    assert_eq!((tally.offered, tally.blocked, tally.answered), (257, 256, 1));
}

#[test]
fn who_finds_the_distributor_full_is_blocked_as_a_live_caller_is_turned_away() {
    let mut model = one_agent(at(&[10, 20, 30, 40], seconds(60)));
    model.distributor.waiting_max = 2;
    let day = play(&model);
    let tally = day.queues[0].day();
    assert_eq!((tally.offered, tally.blocked, tally.answered), (4, 1, 3));
    assert_eq!(day.trunks.max, 3);
}

#[test]
fn a_full_queue_blocks_and_a_long_wait_overflows() {
    let mut model = one_agent(at(&[10, 20, 30], seconds(60)));
    let out = Exit::Leave(ExitId(1));
    model.queues[0].settings.max_length = Some(MaxLength { waiting: 1, exit: out });
    model.queues[0].settings.max_wait = Some(MaxWait { after: seconds(40), exit: out });
    let tally = play(&model).queues[0].day();
    assert_eq!((tally.offered, tally.answered, tally.blocked, tally.overflowed), (3, 1, 1, 1));
    assert!(tally.wait_overflowed.as_secs_f64() - 40.0 < 0.002);
}

#[test]
fn who_overflows_into_another_queue_counts_in_both_and_once_as_a_customer() {
    let mut model = one_agent(at(&[10, 20], seconds(60)));
    let mut second = Queue::new(2, "second");
    second.within = seconds(45);
    model.queues.push(second);
    let after = MaxWait { after: seconds(30), exit: Exit::Queue(QueueId(2)) };
    model.queues[0].settings.max_wait = Some(after);
    let day = play(&model);
    let (first, second, customers) = (day.queues[0].day(), day.queues[1].day(), day.customers[0].day());
    assert_eq!((first.offered, first.answered, first.overflowed), (2, 1, 1));
    assert_eq!((second.offered, second.answered), (1, 1));
    assert_eq!((customers.offered, customers.answered, customers.overflowed), (2, 2, 0));
    // 30 s in the first queue and 20 s in the second.
    assert_eq!(customers.wait_answered, seconds(50));
    assert_eq!((second.answered_within, customers.answered_within), (1, 1));
}

#[test]
fn when_the_last_agent_goes_home_who_waits_leaves_too() {
    let mut model = one_agent(at(&[10, 20], seconds(600)));
    let exit = NobodyLoggedIn { grace: seconds(0), exit: Exit::Leave(ExitId(1)) };
    model.queues[0].settings.nobody_logged_in = Some(exit);
    let Members::Alike { heads, .. } = &mut model.groups[0].members else { panic!("they are alike") };
    heads.push(whatif::HeadCount { from: seconds(300), agents: 0 });
    let day = play(&model);
    let tally = day.queues[0].day();
    assert_eq!((tally.answered, tally.overflowed, tally.abandoned), (1, 1, 0));
    assert_eq!(tally.wait_overflowed, seconds(280));
    // The conversation goes on to its end after the shift.
    assert_eq!(day.groups[0].all().handling, seconds(600));
    assert_eq!(day.groups[0].all().scheduled, seconds(300));
}

#[test]
fn at_the_horizon_time_stops_or_everybody_is_served() {
    let mut model = small();
    model.horizon = HOUR;
    model.customers[0].patience = None;
    model.customers[0].arrivals = Arrivals::poisson(200.0);
    let served = play(&model);
    let all = served.queues[0].all();
    assert_eq!((all.in_system, all.offered), (0, all.answered));
    assert!(served.measured > HOUR);

    model.ending = Ending::Stop;
    let stopped = play(&model);
    let tally = stopped.queues[0].all();
    assert_eq!(stopped.measured, HOUR);
    assert!(tally.in_system > 0 && tally.offered == tally.answered + tally.in_system);
    assert_eq!(tally.offered, all.offered);
}

#[test]
fn who_comes_during_the_warm_up_is_served_but_not_counted() {
    let mut model = one_agent(at(&[10, 100, 130], seconds(60)));
    model.warm_up = seconds(60);
    let day = play(&model);
    assert_eq!(day.queues[0].all().offered, 2);
    assert_eq!(day.queues[0].waits.count(), 2);
    let by_interval = day.queues[0].waits_by_interval.iter().map(whatif::Histogram::count);
    assert_eq!(by_interval.sum::<u64>(), 2, "who came after the horizon is in none");
    // Of the first conversation, 10 to 70, ten seconds lie behind the warm-up.
    assert_eq!(day.groups[0].day().handling, seconds(10 + 120));
}

#[test]
fn a_handling_time_may_depend_on_the_group_of_the_agent() {
    let mut customers = at(&[10], seconds(60));
    customers.handling.by_group.insert(0, Law::same(Distribution::constant(seconds(45))));
    assert_eq!(play(&one_agent(customers)).queues[0].day().handled, seconds(45));
}

#[test]
fn a_recorded_day_is_played_again_customer_by_customer() {
    let recorded = Distribution::Recorded(vec![seconds(30), seconds(50)]);
    let customers = CustomerType { handling: Handling::same(recorded), ..at(&[10, 20, 200], seconds(0)) };
    let tally = play(&one_agent(customers)).queues[0].day();
    // The third has the first's time again.
    assert_eq!((tally.handled, tally.wait_answered), (seconds(110), seconds(20)));
}

#[test]
fn any_idle_agent_is_as_likely_as_another_where_agents_are_shuffled() {
    let mut model = small();
    model.shuffled = true;
    model.queues[0].settings.strategy = acd::Strategy::TopDown;
    let agent = |id: u32| whatif::Agent {
        name: id.to_string(),
        settings: acd::AgentSettings::default(),
        shifts: vec![whatif::Shift { from: seconds(0), to: 5 * HOUR, breaks: vec![] }],
    };
    let group = |id| whatif::AgentGroup {
        members: Members::Named(vec![agent(id)]),
        ..whatif::AgentGroup::alike(id.to_string(), acd::AgentSettings::default(), 0)
    };
    model.groups = (0..6).map(group).collect();
    let days = whatif::replicate(&model, 1, 0..20, Watch::End).unwrap();
    let answered = |group: usize| days.iter().map(|day| day.groups[group].all().answered).sum::<u64>();
    let each: Vec<u64> = (0..6).map(answered).collect();
    let mean = each.iter().sum::<u64>() / 6;
    // In a fixed order the first would take twice as many as the last.
    assert!(each.iter().all(|&answered| answered.abs_diff(mean) < mean / 12), "{each:?}");
}

#[test]
fn too_many_customers_for_the_limit_are_an_error_and_no_panic() {
    let mut model = small();
    model.customers[0].patience = None;
    model.customers[0].arrivals = Arrivals::poisson(100_000.0);
    model.customers_max = 1_000;
    assert_eq!(whatif::run(&model, 1, 0, Watch::End), Err(RunError::TooManyCustomers));
}

#[test]
fn a_wrong_model_says_what_is_wrong() {
    let mut model = small();
    model.customers[0].queue = QueueId(9);
    let error = whatif::run(&model, 1, 0, Watch::End).unwrap_err();
    assert_eq!(error.to_string(), "customers \"billing\" enter queue 9, which is not defined");

    let mut model = small();
    model.queues[0].settings.ring_timeout = seconds(0);
    let error = whatif::run(&model, 1, 0, Watch::End).unwrap_err();
    assert!(
        error.to_string().starts_with("\"billing\": the settings are wrong: the ring timeout"),
        "{error}"
    );
}

#[test]
fn after_call_work_is_drawn_and_may_be_shorter_or_longer_than_the_setting() {
    for (drawn, expected) in [(seconds(10), 10), (seconds(90), 90)] {
        let mut model = one_agent(CustomerType {
            after_call_work: Some(Law::same(Distribution::constant(drawn))),
            ..at(&[10, 20], MINUTE)
        });
        model.queues[0].settings.after_call_work = seconds(30);
        let day = play(&model);
        let work = day.groups[0].day().after_call_work.as_secs_f64();
        // The distributor's own deadline may be a millisecond late.
        assert!((work - f64::from(2 * expected)).abs() < 0.005, "{work}");
        let wait = day.queues[0].day().wait_answered.as_secs_f64();
        assert!((wait - f64::from(50 + expected)).abs() < 0.005, "{wait}");
    }
}

#[test]
fn after_call_work_stays_between_the_bounds_of_its_queue_and_no_conversation_needs_a_lease() {
    for (drawn, expected) in [(seconds(10), 20), (seconds(30), 30), (seconds(90), 40)] {
        let mut model = one_agent(CustomerType {
            after_call_work: Some(Law::same(Distribution::constant(drawn))),
            ..at(&[10, 20], MINUTE)
        });
        model.distributor.handling_lease = Some(seconds(2));
        let rules = &mut model.queues[0].settings;
        rules.after_call_work = seconds(35);
        rules.after_call_work_min = seconds(20);
        rules.after_call_work_max = Some(seconds(40));
        let day = play(&model);
        let work = day.groups[0].day().after_call_work.as_secs_f64();
        assert!((work - f64::from(2 * expected)).abs() < 0.005, "{work}");
        let wait = day.queues[0].day().wait_answered.as_secs_f64();
        assert!((wait - f64::from(50 + expected)).abs() < 0.005, "{wait}");
    }
}

#[test]
fn customers_of_two_types_come_in_their_own_streams() {
    let model = small();
    let mut with_more: Model = model.clone();
    with_more.customers.push(CustomerType::new(
        "others",
        QueueId(1),
        Arrivals::poisson(50.0),
        Handling::same(Distribution::exponential(MINUTE)),
    ));
    let (alone, beside) = (play(&model), play(&with_more));
    assert_eq!(alone.customers[0].day().offered, beside.customers[0].day().offered);
    assert_ne!(alone.customers[0].day().wait_answered, beside.customers[0].day().wait_answered);
}
