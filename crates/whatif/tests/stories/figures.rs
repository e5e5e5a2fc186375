//! Figures: the same seed gives the same bytes, the same customers stand beside each other, intervals cover.

use whatif::{
    Arrivals, Busyness, Distribution, Ending, GroupMeasure, Measure, Scope, ServiceLevel, Tally, Watch,
    difference, estimate, ratio, replicate, run,
};

use crate::{HOUR, MINUTE, play, seconds, small};

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
    let model = small();
    let bytes = |seed, replication| {
        serde_json::to_string(&run(&model, seed, replication, Watch::End).unwrap()).unwrap()
    };
    assert_eq!(bytes(1, 0), bytes(1, 0));
    assert_ne!(bytes(1, 0), bytes(2, 0));
    assert_ne!(bytes(1, 0), bytes(1, 1));
}

#[test]
fn a_day_does_not_depend_on_how_closely_it_is_watched() {
    let model = small();
    let unwatched = run(&model, 3, 0, Watch::End);
    assert_eq!(unwatched, run(&model, 3, 0, Watch::Steps));
    assert_eq!(unwatched, run(&model, 3, 0, Watch::EveryEvent));
}

#[test]
fn with_one_agent_more_the_same_customers_come_and_fewer_give_up() {
    let model = small();
    let mut more = small();
    more.groups[0] = whatif::AgentGroup::alike("all", acd::AgentSettings::default(), 7);
    let (before, after) =
        (replicate(&model, 1, 0..20, Watch::End).unwrap(), replicate(&more, 1, 0..20, Watch::End).unwrap());
    let offered = |day: &whatif::Day| day.queues[0].all().offered;
    assert!(before.iter().zip(&after).all(|(before, after)| offered(before) == offered(after)));

    let terms = |day: &whatif::Day| Measure::AbandonmentRate.ratio(&Scope::Queue(0).tally(day), 1.0);
    let paired = difference(before.iter().map(terms), after.iter().map(terms)).unwrap();
    assert!(paired.interval(0.99).high < 0.0, "{paired:?}");
    // The same customers on both sides make the difference surer than either figure.
    let apart =
        [&before, &after].map(|days| estimate(days, Scope::Queue(0), Measure::AbandonmentRate).unwrap());
    let unpaired = apart[0].standard_error.hypot(apart[1].standard_error);
    assert!(paired.standard_error < 0.8 * unpaired, "{} of {unpaired}", paired.standard_error);
}

#[test]
fn nobody_is_lost_in_any_interval() {
    let mut model = small();
    model.trunks = Some(9);
    model.interval = 10 * MINUTE;
    for ending in [Ending::Stop, Ending::Serve { at_most: HOUR }] {
        model.ending = ending;
        let day = play(&model);
        for series in day.queues.iter().chain(&day.customers) {
            assert!(series.intervals.iter().all(Tally::is_conserved));
            assert_eq!(series.intervals.len(), 24);
        }
        let sum: u64 = day.queues[0].intervals.iter().map(|tally| tally.offered).sum();
        assert_eq!(sum, day.queues[0].day().offered);
        assert!(day.queues[0].day().blocked > 0 && day.queues[0].day().abandoned > 0);
    }
}

#[test]
fn the_integral_of_the_queue_is_the_sum_of_the_waits() {
    let day = play(&small());
    let tally = day.queues[0].all();
    let waits = (tally.wait_answered + tally.wait_abandoned).as_secs_f64();
    assert!(waits > 100.0 && (tally.waiting_area - waits).abs() < 1e-6, "{tally:?}");
    assert_eq!(day.groups[0].all().handling, tally.handled);
    assert_eq!(day.groups[0].all().answered, tally.answered);
}

#[test]
fn the_service_level_variants_are_those_of_the_worked_check() {
    // Cisco's counts: 70 answered within the threshold, 10 abandoned within, 20 later, of a hundred.
    let tally = Tally {
        offered: 100,
        answered: 70,
        answered_within: 70,
        abandoned: 30,
        abandoned_within: 10,
        abandoned_short: 4,
        ..Tally::default()
    };
    let level = |level: ServiceLevel| {
        let terms = level.ratio(&tally);
        terms.numerator / terms.denominator
    };
    for (variant, expected) in [
        (ServiceLevel::OfOffered, 0.70),
        (ServiceLevel::EarlyAbandonsIgnored, 70.0 / 90.0),
        (ServiceLevel::EarlyAbandonsCountAsMet, 0.80),
        (ServiceLevel::EarlyAbandonsCountAsMetOfEnded, 0.80),
        (ServiceLevel::OfAnswered, 1.0),
        (ServiceLevel::OfOfferedWithoutShort, 70.0 / 96.0),
        (ServiceLevel::OfAnsweredAndLateAbandoned, 70.0 / 90.0),
    ] {
        assert!((level(variant) - expected).abs() < 1e-12, "{}", variant.formula());
    }
    let mut names: Vec<&str> = ServiceLevel::ALL.iter().map(|variant| variant.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ServiceLevel::ALL.len());
}

#[test]
fn a_confidence_interval_covers_the_truth_about_as_often_as_it_says() {
    // Offered customers have a known mean: 400 in four hours. 200 intervals of 10 days at 90 %.
    let model = small();
    let days = replicate(&model, 11, 0..2_000, Watch::End).unwrap();
    let covers = |days: &[whatif::Day]| {
        let figure = estimate(days, Scope::Queue(0), Measure::Offered).unwrap();
        figure.interval(0.90).contains(400.0)
    };
    let covered = days.chunks(10).filter(|days| covers(days)).count();
    // 180 expected; four standard deviations are 17.
    assert!((163..=197).contains(&covered), "{covered} of 200");
}

#[test]
fn busy_days_make_counts_vary_more_than_chance() {
    let mut model = small();
    let spread = |model: &whatif::Model| {
        let days = replicate(model, 5, 0..200, Watch::End).unwrap();
        let figure = estimate(&days, Scope::Customers(0), Measure::Offered).unwrap();
        assert!((figure.mean - 400.0).abs() < 5.0 * figure.standard_error, "{figure:?}");
        figure.standard_error
    };
    let same = spread(&model);
    model.busyness = Busyness::Common { shape: 10.0 };
    // The standard deviation of a day: 20 by chance alone, and 400 / √10 from busyness.
    let busy = spread(&model);
    assert!((4.0..9.0).contains(&(busy / same)), "{same} {busy}");
}

#[test]
fn occupancy_is_what_agents_do_when_they_are_not_waiting_for_a_customer() {
    let mut model = small();
    model.ending = Ending::Stop;
    model.warm_up = 30 * MINUTE;
    model.customers[0].arrivals = Arrivals::poisson(60.0);
    model.customers[0].handling = whatif::Handling::same(Distribution::constant(seconds(120)));
    let days = replicate(&model, 1, 0..30, Watch::End).unwrap();
    let figure = ratio(days.iter().map(|day| GroupMeasure::Occupancy.ratio(&day.groups[0].day()))).unwrap();
    // Two erlang on six agents, hardly anybody gives up.
    assert!((figure.mean - 1.0 / 3.0).abs() < 0.02, "{figure:?}");
}
