//! One line, one group: Erlang B, C and A, a limited queue, and priorities.

use std::time::Duration;

use acd::{AgentSettings, Exit, ExitId, MaxLength, QueueId};
use whatif::erlang::{Queueing, non_preemptive_priorities};
use whatif::{
    AgentGroup, Arrivals, CustomerType, Day, Distribution, Ending, Estimate, GroupMeasure, Handling, Law,
    Measure, Model, Queue, Ratio, Scope, ServiceLevel, estimate, ratio,
};

use crate::case::{Case, Column};
use crate::row::{Check, Effort, Played};

/// Customers who are counted in a replication.
const CUSTOMERS: f64 = 30_000.0;
const REPLICATIONS: u32 = 40;
const HOUR: f64 = 3_600.0;

/// A model with one queue and one group, long enough, with a warm-up of some mean service times: the more the
/// fewer servers, because a small system forgets slowly.
pub(crate) fn steady_model(arrivals_per_second: f64, service: Duration, servers: u32) -> Model {
    let services = match servers {
        0..=7 => 1_000.0,
        8..=49 => 150.0,
        _ => 30.0,
    };
    let warm_up = service.mul_f64(services);
    let mut model = Model::new(warm_up + Duration::from_secs_f64(CUSTOMERS / arrivals_per_second));
    model.warm_up = warm_up;
    model.interval = model.horizon;
    // Who came before the horizon is served, so that long waits are not cut off.
    model.ending = Ending::Serve { at_most: model.horizon };
    model
}

/// Seconds in the unit of a case.
fn unit(case: &Case) -> f64 {
    if case.text(Column::Other) == "min" { 60.0 } else { 1.0 }
}

/// The mean of so many per unit, as a time.
pub(crate) fn mean(rate: f64, unit: f64) -> Duration {
    Duration::from_secs_f64(unit / rate)
}

/// EB, EC, EA and LK.
pub(crate) fn one_class(case: &Case, effort: Effort) -> Played {
    let number = |column| case.value(column).map(|printed| printed.value);
    let rate = |column| number(column).expect("the case has this rate");
    let (arrivals, service) = (rate(Column::Lambda), rate(Column::Mu));
    let abandonment = number(Column::Theta).unwrap_or(0.0);
    let servers = rate(Column::Servers) as u32;
    let unit = unit(case);
    let places = match case.model.as_str() {
        "M/M/c/c" => Some(servers),
        "M/M/c/17" => Some(17),
        _ => None,
    };

    let mut model = steady_model(arrivals / unit, mean(service, unit), servers);
    let mut queue = Queue::new(1, "queue");
    let threshold = number(Column::Threshold);
    queue.within = threshold.map_or(queue.within, |threshold| Duration::from_secs_f64(threshold * unit));
    let exit = Exit::Leave(ExitId(1));
    queue.settings.max_length = places.map(|places| MaxLength { waiting: places - servers, exit });
    model.queues.push(queue);
    let mut customers = CustomerType::new(
        "customers",
        QueueId(1),
        Arrivals::poisson(arrivals / unit * HOUR),
        Handling::same(Distribution::exponential(mean(service, unit))),
    );
    if abandonment > 0.0 {
        customers.patience = Some(Law::same(Distribution::exponential(mean(abandonment, unit))));
    }
    model.customers.push(customers);
    model.groups.push(AgentGroup::alike("servers", AgentSettings::default(), servers));

    let days = effort.play(&model, REPLICATIONS);
    let queueing = Queueing { arrivals, service, abandonment, servers, places };
    compare_one_class(case, queueing, unit, &days)
}

fn compare_one_class(case: &Case, queueing: Queueing, unit: f64, days: &[Day]) -> Played {
    let state = queueing.steady_state().expect("a reference case has a steady state");
    let of = |measure| estimate(days, Scope::Queue(0), measure);
    let per_unit = |figure: Option<Estimate>| figure.map(|figure| scaled(figure, 1.0 / unit));
    let threshold = case.value(Column::Threshold).map_or(0.0, |printed| printed.value);
    let early = state.abandoned_within(threshold);
    let level = |variant| of(Measure::ServiceLevel(variant));
    let is_blocking = queueing.places.is_some();
    let delayed =
        if case.name.starts_with("LK") { delayed_of_offered(days) } else { of(Measure::DelayProbability) };
    // Where customers are blocked or give up, the file's wait is that of all who were offered.
    let wait = per_unit(wait_of_offered(days));
    let columns = [
        ("P(wait > 0)", case.value(Column::DelayProbability), state.delayed(), delayed),
        ("mean wait", case.value(Column::Wait), state.wait(), wait),
        (
            "A(T) / Off",
            case.value(Column::ServiceLevel),
            state.answered_within(threshold),
            level(ServiceLevel::OfOffered),
        ),
        (
            "abandoned",
            case.value(Column::Abandoned).filter(|_| queueing.abandonment > 0.0),
            state.abandoned(),
            of(Measure::AbandonmentRate),
        ),
        ("occupancy", case.value(Column::Occupancy), state.occupancy(), occupancy(days, 0)),
        (
            "blocked",
            case.other("blocking=").or(case.other("blocked ").filter(|_| is_blocking)),
            state.blocked(),
            of(Measure::BlockingRate),
        ),
        (
            "A(T) / (Off − B(T))",
            case.other("abandon<=T "),
            state.answered_within(threshold) / (1.0 - early - state.blocked()),
            excluding_blocked(days),
        ),
        (
            "wait of the served",
            case.other("ASA of served "),
            state.wait_of_answered(),
            per_unit(of(Measure::AverageSpeedOfAnswer)),
        ),
        ("queue length", case.other("Lq"), state.queue_length(), queue_length(days, queueing.servers)),
    ];
    let mut played = Played::default();
    for (name, expected, formula, simulated) in columns {
        if let Some(expected) = expected {
            played.formula.push((formula, expected));
            played.checks.push(Check::exact(name, expected, simulated));
        }
    }
    played
}

/// A figure in another unit.
pub(crate) fn scaled(figure: Estimate, by: f64) -> Estimate {
    Estimate { mean: figure.mean * by, standard_error: figure.standard_error * by, ..figure }
}

pub(crate) fn occupancy(days: &[Day], group: usize) -> Option<Estimate> {
    ratio(days.iter().map(|day| GroupMeasure::Occupancy.ratio(&day.groups[group].day())))
}

pub(crate) fn of_day(days: &[Day], terms: impl Fn(&Day) -> (f64, f64)) -> Option<Estimate> {
    ratio(days.iter().map(|day| {
        let (numerator, denominator) = terms(day);
        Ratio { numerator, denominator }
    }))
}

fn wait_of_offered(days: &[Day]) -> Option<Estimate> {
    of_day(days, |day| {
        let tally = day.queues[0].all();
        ((tally.wait_answered + tally.wait_abandoned).as_secs_f64(), tally.offered as f64)
    })
}

fn delayed_of_offered(days: &[Day]) -> Option<Estimate> {
    of_day(days, |day| {
        let tally = day.queues[0].all();
        (tally.delayed as f64, tally.offered as f64)
    })
}

fn excluding_blocked(days: &[Day]) -> Option<Estimate> {
    of_day(days, |day| {
        let tally = day.queues[0].all();
        let counted = tally.offered - tally.abandoned_within - tally.blocked;
        (tally.answered_within as f64, counted as f64)
    })
}

/// Up to the horizon only: afterwards nobody comes.
fn queue_length(days: &[Day], servers: u32) -> Option<Estimate> {
    of_day(days, |day| {
        let measured = day.groups[0].day().scheduled / servers;
        (day.queues[0].day().waiting_area, measured.as_secs_f64())
    })
}

/// PR.
pub(crate) fn priorities(case: &Case, effort: Effort) -> Played {
    let rates: Vec<f64> = case.numbers(Column::Lambda).iter().map(|printed| printed.value).collect();
    let service = case.value(Column::Mu).expect("the case has a rate of service").value;
    let servers = case.value(Column::Servers).expect("the case has servers").value as u32;
    // The unit is a minute, whatever the case calls it.
    let unit = 60.0;
    let arrivals: f64 = rates.iter().sum();
    let mut model = steady_model(arrivals / unit, mean(service, unit), servers);
    // So large that nobody is ever overtaken by age: strict.
    model.distributor.head_start_per_point = Duration::from_secs(100 * 24 * 3_600);
    model.queues.push(Queue::new(1, "queue"));
    let last = i32::try_from(rates.len()).expect("a few classes");
    for (rate, class) in rates.iter().zip(1..) {
        model.customers.push(CustomerType {
            priority: last - class,
            ..CustomerType::new(
                format!("class {class}"),
                QueueId(1),
                Arrivals::poisson(rate / unit * HOUR),
                Handling::same(Distribution::exponential(mean(service, unit))),
            )
        });
    }
    model.groups.push(AgentGroup::alike("servers", AgentSettings::default(), servers));
    let days = effort.play(&model, REPLICATIONS);

    let mut played = Played::default();
    let formula = non_preemptive_priorities(&rates, service, servers);
    let expected = case.numbers(Column::Wait);
    for (class, (formula, expected)) in formula.into_iter().zip(expected).enumerate() {
        let wait = estimate(&days, Scope::Customers(class), Measure::AverageSpeedOfAnswer);
        let name = format!("mean wait of class {}", class + 1);
        played.checks.push(Check::exact(name, expected, wait.map(|wait| scaled(wait, 1.0 / unit))));
        played.formula.push((formula, expected));
    }
    let delayed = case.value(Column::DelayProbability).expect("the case has it");
    played.formula.push((whatif::erlang::erlang_c(arrivals / service, servers), delayed));
    let simulated = estimate(&days, Scope::AllCustomers, Measure::DelayProbability);
    played.checks.push(Check::exact("P(wait > 0)", delayed, simulated));
    let busy = case.value(Column::Occupancy).expect("the case has it");
    played.checks.push(Check::exact("occupancy", busy, occupancy(&days, 0)));
    played
}
