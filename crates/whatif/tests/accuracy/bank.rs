//! The example *Bank* of ContactCenters: two groups of specialists who take calls of their own type first.

use std::time::Duration;

use acd::{AgentSettings, QueueId, Selection, Strategy};
use whatif::{
    CustomerType, Distribution, Handling, Law, Measure, Model, Scope, ServiceLevel, Tally, estimate,
};

use crate::contact_centers::{
    HOUR, MINUTE, REPLICATIONS, calls, closed, exponential, group, minutes, open, percent, queue_for,
    with_skills,
};
use crate::row::{Check, Effort, Played};
use crate::steady::of_day;

/// Mean and ends of the interval: arrivals, blocked, service level, service, wait, abandoned, cut off.
type Published = [(f64, f64, f64); 7];

const PUBLISHED: [(&str, Published); 3] = [
    (
        "savings",
        [
            (99.819, 99.196, 100.442),
            (0.069, 0.052, 0.086),
            (99.234, 99.172, 99.295),
            (3.781, 3.758, 3.805),
            (0.024, 0.023, 0.026),
            (0.017, 0.009, 0.025),
            (0.0, 0.0, 0.0),
        ],
    ),
    (
        "checking",
        [
            (1_000.146, 998.212, 1_002.080),
            (0.756, 0.683, 0.829),
            (99.461, 99.431, 99.491),
            (3.852, 3.844, 3.860),
            (0.028, 0.027, 0.029),
            (0.161, 0.130, 0.192),
            (0.006, 0.0012, 0.011),
        ],
    ),
    (
        "balance",
        [
            (2_502.340, 2_499.236, 2_505.444),
            (1.826, 1.687, 1.965),
            (97.301, 97.237, 97.365),
            (0.999, 0.998, 1.001),
            (0.036, 0.035, 0.037),
            (5.357, 5.038, 5.676),
            (0.017, 0.0072, 0.027),
        ],
    ),
];

/// Savings, checking accounts and balances; specialists for the first two, who take their own calls first.
fn model() -> Model {
    let mut model = Model::new(5 * 24 * HOUR);
    model.interval = model.horizon;
    model.trunks = Some(15);
    // For balances any idle agent, with the same probability.
    model.shuffled = true;
    let own = |mean: Duration| Law::same(exponential(mean.mul_f64(0.75)));
    let half_minutes =
        |from: u32, to: u32| Distribution::Uniform { from: from * MINUTE / 2, to: to * MINUTE / 2 };
    for (id, rates, mean, patience, within) in [
        (1, (4.0, 2.0), 5 * MINUTE, half_minutes(6, 10), MINUTE),
        (2, (40.0, 20.0), 5 * MINUTE, half_minutes(6, 10), MINUTE * 3 / 2),
        (3, (100.0, 50.0), MINUTE, half_minutes(5, 7), MINUTE / 2),
    ] {
        let mut queue = queue_for(id, id, within);
        queue.settings.nobody_logged_in = Some(closed());
        queue.settings.strategy = if id == 3 { Strategy::TopDown } else { Strategy::MostSkilled };
        model.queues.push(queue);
        let mut handling = Handling::same(exponential(mean));
        if id < 3 {
            let specialists = usize::try_from(id - 1).expect("the first or the second group");
            handling.by_group.insert(specialists, own(mean));
        }
        let arrivals = calls(5, (8, 17), rates);
        model.customers.push(CustomerType {
            patience: Some(Law::same(patience)),
            ..CustomerType::new(format!("type {}", id - 1), QueueId(id), arrivals, handling)
        });
    }
    for (name, skills, agents) in
        [("savings", [(1, 10), (2, 5), (3, 5)], 3), ("checking", [(1, 5), (2, 10), (3, 5)], 4)]
    {
        let settings = AgentSettings { selection: Some(Selection::SkillLevel), ..with_skills(&skills, 0) };
        model.groups.push(group(name, settings, open(5, (8, 17), agents)));
    }
    model
}

/// The days of 1,000 weeks beside those published.
pub(crate) fn play(effort: Effort) -> Played {
    let days = effort.play_as_published(&model(), REPLICATIONS);
    let of = |kind, measure| estimate(&days, Scope::Customers(kind), measure);
    // As published: the mean over days of what each day's quotient is.
    let daily = |kind: usize, terms: fn(&Tally) -> (Duration, u64)| {
        minutes(of_day(&days, |day| {
            let (time, count) = terms(&day.customers[kind].all());
            (time.as_secs_f64() / count as f64, 1.0)
        }))
    };
    let level = Measure::ServiceLevel(ServiceLevel::OfOffered);
    let mut checks = Vec::new();
    for (kind, (name, figures)) in PUBLISHED.iter().enumerate() {
        let simulated = [
            ("arrivals", of(kind, Measure::Offered)),
            ("blocked", of(kind, Measure::Blocked)),
            ("A(T) / Off, %", percent(of(kind, level))),
            ("service, min", daily(kind, |tally| (tally.handled, tally.finished))),
            ("wait of the answered / Off, min", daily(kind, |tally| (tally.wait_answered, tally.offered))),
            ("abandoned", of(kind, Measure::Abandoned)),
            ("cut off at closing", of(kind, Measure::Overflowed)),
        ];
        for ((what, figure), &(mean, low, high)) in simulated.into_iter().zip(figures) {
            checks.push(Check::published(format!("{what}, {name}"), mean, (low, high), 3, figure));
        }
    }
    let busy = |group: usize| {
        percent(of_day(&days, |day| {
            let time = day.groups[group].all();
            (time.busy().as_secs_f64(), time.present().as_secs_f64())
        }))
    };
    // The published average is over the whole week.
    let trunks = of_day(&days, |day| (day.trunks.area, 7.0 * 86_400.0));
    checks.push(Check::published("occupancy, savings specialists, %", 25.353, (25.281, 25.425), 3, busy(0)));
    checks.push(Check::published("occupancy, checking specialists, %", 43.093, (43.014, 43.172), 3, busy(1)));
    checks.push(Check::published("busy lines", 0.680, (0.679, 0.682), 3, trunks));
    Played {
        checks,
        remark: "own calls first: selection by skill level; balances as in Bilingual".to_owned(),
        ..Played::default()
    }
}
