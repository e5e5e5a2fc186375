//! The examples of ContactCenters (Buist and L'Ecuyer, Université de Montréal): days and weeks with opening hours,
//! busyness, several types of calls, retrials and messages, published with the intervals of 1,000 replications.

use std::time::Duration;

use acd::{
    AgentSettings, Exit, ExitId, MaxLength, MaxWait, NobodyLoggedIn, QueueId, Requirement, SkillId, Strategy,
};
use whatif::{
    AgentGroup, Arrivals, Busyness, CustomerType, Day, Distribution, Estimate, Handling, HeadCount, Law,
    Measure, Members, Model, Queue, Rate, Retrial, Scope, ServiceLevel, Tally, estimate,
};

use crate::bank;
use crate::case::Case;
use crate::row::{Check, Effort, Played};
use crate::steady::{occupancy, of_day, scaled};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
const OUT: Exit = Exit::Leave(ExitId(1));
pub(crate) const REPLICATIONS: u32 = 1_000;

/// CC.
pub(crate) fn play(case: &Case, effort: Effort) -> Played {
    match case.name.as_str() {
        "CC-01 MMC" => mmc(effort),
        "CC-02 MMCAb" => mmc_with_abandonment(effort),
        "CC-03 MMCBlocked" => mmc_with_blocking(effort),
        "CC-04 SimpleMSK" => simple_msk(effort),
        "CC-05 Bilingual" => bilingual(effort),
        "CC-x Telethon" => telethon(effort),
        "CC-x Bank" => bank::play(effort),
        "CC-x Teamwork" => not_played("a second agent joins in a conversation: the core knows no conference"),
        "CC-x CallCC" => call_cc(effort),
        "CC-x Blend" => {
            not_played("a dialler calls when enough agents are idle: the core knows no outbound calls")
        }
        other => panic!("no model for {other}"),
    }
}

fn not_played(why: &str) -> Played {
    Played { remark: format!("**cannot be expressed**: {why}"), ..Played::default() }
}

pub(crate) fn exponential(mean: Duration) -> Distribution {
    Distribution::exponential(mean)
}

pub(crate) fn minutes(figure: Option<Estimate>) -> Option<Estimate> {
    figure.map(|figure| scaled(figure, 1.0 / 60.0))
}

pub(crate) fn percent(figure: Option<Estimate>) -> Option<Estimate> {
    figure.map(|figure| scaled(figure, 100.0))
}

/// A figure of all customers of a day.
fn mean(days: &[Day], count: impl Fn(&Tally) -> f64) -> Option<Estimate> {
    of_day(days, |day| (count(&Scope::AllCustomers.tally(day)), 1.0))
}

/// Twelve agents for eight hours, 4.2 calls a minute, two minutes each.
fn eight_hours() -> Model {
    let mut model = Model::new(8 * HOUR);
    model.interval = model.horizon;
    model.queues.push(Queue::new(1, "queue"));
    let handling = Handling::same(exponential(2 * MINUTE));
    model.customers.push(CustomerType::new("calls", QueueId(1), Arrivals::poisson(4.2 * 60.0), handling));
    model.groups.push(AgentGroup::alike("agents", AgentSettings::default(), 12));
    model
}

fn mmc(effort: Effort) -> Played {
    let days = effort.play_as_published(&eight_hours(), REPLICATIONS);
    let of = |measure| estimate(&days, Scope::Queue(0), measure);
    let level = of(Measure::ServiceLevel(ServiceLevel::OfAnswered));
    let speed = minutes(of(Measure::AverageSpeedOfAnswer));
    Played {
        checks: vec![
            Check::published("in target", 1_816.158, (1_812.618, 1_819.698), 3, of(Measure::AnsweredWithin)),
            Check::published("A(T) / A", 0.902, (0.900, 0.904), 3, level),
            Check::published("speed of answer, min", 0.099, (0.097, 0.102), 3, speed),
            Check::published("occupancy", 0.695, (0.694, 0.697), 3, occupancy(&days, 0)),
        ],
        ..Played::default()
    }
}

fn mmc_with_abandonment(effort: Effort) -> Played {
    let mut model = eight_hours();
    model.customers[0].patience = Some(Law::same(exponential(MINUTE)));
    let days = effort.play_as_published(&model, REPLICATIONS);
    let of = |measure| estimate(&days, Scope::Queue(0), measure);
    let level = |variant| of(Measure::ServiceLevel(variant));
    let late = level(ServiceLevel::OfAnsweredAndLateAbandoned);
    let speed = minutes(of(Measure::AverageSpeedOfAnswer));
    Played {
        checks: vec![
            Check::published("abandoned", 58.609, (57.660, 59.558), 3, of(Measure::Abandoned)),
            Check::published("in target", 1_906.008, (1_903.785, 1_908.231), 3, of(Measure::AnsweredWithin)),
            Check::published("A(T) / A", 0.975, (0.974, 0.975), 3, level(ServiceLevel::OfAnswered)),
            Check::published("A(T) / (A + B − B(T))", 0.968, (0.968, 0.969), 3, late),
            Check::published("speed of answer, min", 0.024, (0.023, 0.024), 3, speed),
            Check::published("occupancy", 0.675, (0.674, 0.677), 3, occupancy(&days, 0)),
        ],
        ..Played::default()
    }
}

fn mmc_with_blocking(effort: Effort) -> Played {
    let mut model = eight_hours();
    model.queues[0].settings.max_length = Some(MaxLength { waiting: 5, exit: OUT });
    let days = effort.play_as_published(&model, REPLICATIONS);
    let of = |measure| estimate(&days, Scope::Queue(0), measure);
    let level = |variant| of(Measure::ServiceLevel(variant));
    let with_blocked = level(ServiceLevel::OfAnsweredAndBlocked);
    let speed = minutes(of(Measure::AverageSpeedOfAnswer));
    Played {
        checks: vec![
            Check::published("blocked", 18.655, (18.045, 19.265), 3, of(Measure::Blocked)),
            Check::published("in target", 1_854.284, (1_851.667, 1_856.901), 3, of(Measure::AnsweredWithin)),
            Check::published("A(T) / A", 0.929, (0.928, 0.930), 3, level(ServiceLevel::OfAnswered)),
            Check::published("A(T) / (A + K)", 0.920, (0.919, 0.922), 3, with_blocked),
            Check::published("speed of answer, min", 0.060, (0.059, 0.061), 3, speed),
            Check::published("occupancy", 0.689, (0.688, 0.690), 3, occupancy(&days, 0)),
        ],
        ..Played::default()
    }
}

/// Times of `values` at the beginning of each period.
fn periods<T: Copy>(length: Duration, values: &[T]) -> impl Iterator<Item = (Duration, T)> {
    (0u32..).map(move |period| period * length).zip(values.iter().copied())
}

pub(crate) fn group(name: &str, settings: AgentSettings, heads: Vec<HeadCount>) -> AgentGroup {
    let members = Members::Alike { settings, heads };
    AgentGroup { name: name.to_owned(), members, pick_up: None, missed_pause: None }
}

pub(crate) fn with_skills(skills: &[(u32, u8)], order: u32) -> AgentSettings {
    let skills = skills.iter().map(|&(skill, level)| (SkillId(skill), level)).collect();
    AgentSettings { skills, order, ..AgentSettings::default() }
}

pub(crate) fn queue_for(id: u32, skill: u32, within: Duration) -> Queue {
    let mut queue = Queue::new(id, format!("type {}", id - 1));
    queue.settings.requirement = Requirement::at_least(SkillId(skill), 1);
    queue.within = within;
    queue
}

fn simple_msk(effort: Effort) -> Played {
    const PERIOD: Duration = Duration::from_secs(7_200);
    let rates = [[4.2, 5.3, 3.2], [5.1, 4.3, 4.8], [6.3, 5.2, 4.8]];
    let per_minute = |rate: f64| MINUTE.div_f64(rate);
    let law = |rates: [f64; 3]| Law {
        from: periods(PERIOD, &rates).map(|(from, rate)| (from, exponential(per_minute(rate)))).collect(),
    };
    let mut model = Model::new(3 * PERIOD);
    model.interval = PERIOD;
    model.busyness = Busyness::Common { shape: 28.7 };
    for (id, rates) in (1..).zip(&rates) {
        let mut queue = queue_for(id, id, Duration::from_secs(20));
        // Type 1 prefers group 0, whose agents have the lower order.
        queue.settings.strategy = Strategy::TopDown;
        model.queues.push(queue);
        let hourly = |(from, rate): (Duration, f64)| Rate { from, per_hour: rate * 60.0 };
        let arrivals = Arrivals::Poisson(periods(PERIOD, rates).map(hourly).collect());
        let mut handling = Handling::same(exponential(MINUTE));
        handling.law = law([0.5, 0.6, 0.4]);
        model.customers.push(CustomerType {
            patience: Some(law([0.3, 0.4, 0.2])),
            ..CustomerType::new(format!("type {}", id - 1), QueueId(id), arrivals, handling)
        });
    }
    let heads = |agents: [u32; 3]| {
        periods(PERIOD, &agents).map(|(from, agents)| HeadCount { from, agents }).collect::<Vec<_>>()
    };
    model.groups.push(group("group 0", with_skills(&[(1, 1), (2, 1)], 0), heads([12, 18, 9])));
    model.groups.push(group("group 1", with_skills(&[(2, 1), (3, 1)], 1), heads([15, 20, 11])));
    let days = effort.play_as_published(&model, REPLICATIONS);

    let all = |measure| estimate(&days, Scope::AllQueues, measure);
    let late = all(Measure::ServiceLevel(ServiceLevel::OfAnsweredAndLateAbandoned));
    let busy = of_day(&days, |day| {
        let time = day.groups[0].all();
        (time.busy().as_secs_f64(), time.present().as_secs_f64())
    });
    let mut checks = vec![
        Check::published("served", 4_297.305, (4_270.150, 4_324.460), 3, all(Measure::Answered)),
        Check::published("abandoned", 910.335, (876.133, 944.537), 3, all(Measure::Abandoned)),
        Check::published("A(T) / (A + B − B(T))", 0.501, (0.494, 0.509), 3, late),
        Check::published("occupancy of group 0, overtime included", 0.881, (0.877, 0.884), 3, busy),
    ];
    let in_target = [
        [(170.154, 164.338, 175.970), (599.334, 594.159, 604.509), (15.490, 13.782, 17.198)],
        [(262.936, 254.597, 271.275), (511.648, 506.276, 517.020), (34.697, 31.270, 38.124)],
        [(259.806, 250.178, 269.434), (613.732, 607.586, 619.878), (24.888, 22.137, 27.639)],
    ];
    for (kind, of_type) in in_target.iter().enumerate() {
        for (period, &(mean, low, high)) in of_type.iter().enumerate() {
            let scope = Scope::QueueInterval(kind, period);
            let figure = estimate(&days, scope, Measure::AnsweredWithin);
            let name = format!("in target, type {kind}, period {period}");
            checks.push(Check::published(name, mean, (low, high), 3, figure));
        }
    }
    Played { checks, ..Played::default() }
}

/// From and to these hours of so many days; nobody else.
pub(crate) fn open(days: u32, hours: (u32, u32), agents: u32) -> Vec<HeadCount> {
    let of_day = |day: u32| {
        let at = |hour: u32| (24 * day + hour) * HOUR;
        [HeadCount { from: at(hours.0), agents }, HeadCount { from: at(hours.1), agents: 0 }]
    };
    (0..days).flat_map(of_day).collect()
}

/// So many an hour in the first hour, and in the others, of so many days.
pub(crate) fn calls(days: u32, hours: (u32, u32), (first, others): (f64, f64)) -> Arrivals {
    let of_day = |day: u32| {
        let rate = |hour: u32, per_hour| Rate { from: (24 * day + hour) * HOUR, per_hour };
        [rate(hours.0, first), rate(hours.0 + 1, others), rate(hours.1, 0.0)]
    };
    Arrivals::Poisson((0..days).flat_map(of_day).collect())
}

pub(crate) fn closed() -> NobodyLoggedIn {
    NobodyLoggedIn { grace: Duration::ZERO, exit: OUT }
}

/// Present by the plan: the share of it in which the group was busy, overtime counted as busy.
fn busy_of_scheduled(days: &[Day], group: usize) -> Option<Estimate> {
    of_day(days, |day| {
        let time = day.groups[group].all();
        (time.busy().as_secs_f64(), time.scheduled.as_secs_f64())
    })
}

fn bilingual(effort: Effort) -> Played {
    let mut model = Model::new(5 * 24 * HOUR);
    model.interval = model.horizon;
    model.trunks = Some(40);
    // Any idle agent, with the same probability.
    model.shuffled = true;
    let talk = [(3, 7), (4, 6)];
    for (id, (from, to)) in (1..).zip(talk) {
        let mut queue = queue_for(id, id, MINUTE);
        queue.settings.nobody_logged_in = Some(closed());
        queue.settings.strategy = Strategy::TopDown;
        model.queues.push(queue);
        let handling = Distribution::Uniform { from: from * MINUTE, to: to * MINUTE };
        let arrivals = calls(5, (8, 17), (100.0, 50.0));
        model.customers.push(CustomerType {
            patience: Some(Law::same(exponential(2 * MINUTE))),
            retrial: Retrial {
                after_abandonment: 0.75,
                delay: Law::same(Distribution::constant(20 * MINUTE)),
                ..Retrial::default()
            },
            ..CustomerType::new(format!("type {}", id - 1), QueueId(id), arrivals, Handling::same(handling))
        });
    }
    for (name, skills, agents) in [
        ("English only", &[(1, 1)][..], 7),
        ("Spanish only", &[(2, 1)], 7),
        ("bilingual", &[(1, 1), (2, 1)], 4),
    ] {
        model.groups.push(group(name, with_skills(skills, 0), open(5, (8, 17), agents)));
    }
    let days = effort.play_as_published(&model, REPLICATIONS);
    let all = |measure| estimate(&days, Scope::AllCustomers, measure);
    let level = mean(&days, |tally| tally.answered_within as f64 / 5_000.0);
    let busy = |group| percent(busy_of_scheduled(&days, group));
    Played {
        checks: vec![
            Check::published("arrivals", 5_110.161, (5_105.009, 5_115.313), 3, all(Measure::Offered)),
            Check::published("retrials", 107.168, (105.841, 108.495), 3, all(Measure::Retrials)),
            Check::published("served", 4_967.235, (4_962.946, 4_971.524), 3, all(Measure::Answered)),
            Check::published("abandoned", 142.868, (141.209, 144.527), 3, all(Measure::Abandoned)),
            Check::published("in target", 4_896.885, (4_892.789, 4_900.981), 3, all(Measure::AnsweredWithin)),
            Check::published("in target, % of expected", 97.938, (97.856, 98.020), 3, percent(level)),
            Check::published("occupancy, English only, %", 47.624, (47.563, 47.684), 3, busy(0)),
            Check::published("occupancy, Spanish only, %", 47.639, (47.580, 47.699), 3, busy(1)),
            Check::published("occupancy, bilingual, %", 63.254, (63.197, 63.310), 3, busy(2)),
        ],
        remark:
            "any idle agent, with the same probability: top-down in an order drawn anew for every arrival"
                .to_owned(),
        ..Played::default()
    }
}

fn telethon(effort: Effort) -> Played {
    let mut model = Model::new(5 * 24 * HOUR);
    model.interval = model.horizon;
    model.trunks = Some(24);
    let mut queue = Queue::new(1, "donors");
    queue.within = MINUTE;
    queue.settings.max_wait = Some(MaxWait { after: 2 * MINUTE, exit: OUT });
    // By way of a queue of their own, so that those who leave a message and those who are cut off count apart.
    let night = Exit::Queue(QueueId(2));
    queue.settings.nobody_logged_in = Some(NobodyLoggedIn { exit: night, ..closed() });
    let mut cut_off = Queue::new(2, "cut off");
    cut_off.settings.nobody_logged_in = Some(closed());
    model.queues.extend([queue, cut_off]);
    let arrivals = calls(5, (6, 10), (50.0, 50.0));
    model.customers.push(CustomerType {
        patience: Some(Law::same(exponential(2 * MINUTE))),
        ..CustomerType::new("donors", QueueId(1), arrivals, Handling::same(exponential(10 * MINUTE)))
    });
    model.groups.push(group("volunteers", with_skills(&[], 0), open(5, (6, 10), 12)));
    let days = effort.play_as_published(&model, REPLICATIONS);
    let of = |measure| estimate(&days, Scope::Queue(0), measure);
    let cut_off = estimate(&days, Scope::Queue(1), Measure::Offered);
    let messages = of_day(&days, |day| {
        let (queue, cut_off) = (day.queues[0].all(), day.queues[1].all());
        ((queue.overflowed - cut_off.offered) as f64, 1.0)
    });
    let speed = minutes(of(Measure::AverageSpeedOfAnswer));
    let level = mean(&days, |tally| tally.answered_within as f64 / 10.0);
    let busy = percent(busy_of_scheduled(&days, 0));
    Played {
        checks: vec![
            Check::published("arrivals", 1_000.169, (998.111, 1_002.227), 3, of(Measure::Offered)),
            Check::published("served", 963.109, (961.372, 964.846), 3, of(Measure::Answered)),
            Check::published("blocked", 0.0, (0.0, 0.0), 3, of(Measure::Blocked)),
            Check::published("abandoned", 31.820, (31.172, 32.468), 3, of(Measure::Abandoned)),
            Check::published("messages", 4.960, (4.776, 5.144), 3, messages),
            Check::published("cut off at closing", 0.280, (0.235, 0.325), 3, cut_off),
            Check::published("in target", 950.265, (948.579, 951.951), 3, of(Measure::AnsweredWithin)),
            Check::published("in target, % of expected", 95.026, (94.858, 95.195), 3, level),
            Check::published("speed of answer, min", 0.036, (0.036, 0.037), 3, speed),
            Check::published("occupancy, overtime included, %", 66.772, (66.607, 66.936), 3, busy),
        ],
        ..Played::default()
    }
}

fn call_cc(effort: Effort) -> Played {
    let plan: [(u32, f64); 13] = [
        (4, 100.0),
        (6, 150.0),
        (8, 150.0),
        (8, 180.0),
        (8, 200.0),
        (7, 150.0),
        (8, 150.0),
        (8, 150.0),
        (6, 120.0),
        (6, 100.0),
        (4, 80.0),
        (4, 70.0),
        (4, 60.0),
    ];
    let mut model = Model::new(13 * HOUR);
    model.interval = model.horizon;
    model.busyness = Busyness::Common { shape: 10.0 };
    model.queues.push(Queue::new(1, "calls"));
    let rates = periods(HOUR, &plan).map(|(from, (_, per_hour))| Rate { from, per_hour }).collect();
    let handling = Handling::same(exponential(Duration::from_secs(100)));
    model.customers.push(CustomerType {
        patience: Some(Law::same(Distribution::Either {
            share: 0.1,
            first: Box::new(Distribution::constant(Duration::ZERO)),
            other: Box::new(exponential(Duration::from_secs(1_000))),
        })),
        ..CustomerType::new("calls", QueueId(1), Arrivals::Poisson(rates), handling)
    });
    let heads = periods(HOUR, &plan).map(|(from, (agents, _))| HeadCount { from, agents }).collect();
    model.groups.push(group("agents", with_skills(&[], 0), heads));
    let days = effort.play_as_published(&model, REPLICATIONS);

    let expected = 1_660.0;
    let early = mean(&days, |tally| (tally.answered_within + tally.abandoned_within) as f64 / expected);
    let lost = mean(&days, |tally| tally.abandoned as f64 / expected);
    let wait = mean(&days, |tally| (tally.wait_answered + tally.wait_abandoned).as_secs_f64() / expected);
    let arrivals = mean(&days, |tally| tally.offered as f64);
    let check =
        |name, mean, ends, digits, figure| Check::published_at(0.90, name, mean, ends, digits, figure);
    Played {
        checks: vec![
            check("arrivals", 1_639.507, (1_612.789, 1_666.225), 3, arrivals),
            check("(A(T) + B(T)) / expected", 0.853, (0.844, 0.862), 3, early),
            check("lost / expected", 0.0342, (0.0311, 0.0374), 4, lost),
            check("wait / expected, s", 11.834, (10.060, 13.608), 3, wait),
        ],
        remark: "intervals at 90 %, as published".to_owned(),
        ..Played::default()
    }
}
