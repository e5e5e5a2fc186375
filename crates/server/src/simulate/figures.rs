//! From days to figures: for each queue, kind of callers and group of agents, by interval and for the day.

use std::time::Duration;

use whatif::{
    AgentTime, Day as Played, Estimate, GroupMeasure, Histogram, Measure, Ratio, Series, ServiceLevel, Tally,
};

use super::model::Built;
use super::scenario::{Case, Runs};
use super::service_level;
use crate::config::Exit;
use crate::results::figure::{Figure, Unit};

impl Figure {
    pub(crate) fn of(estimate: Estimate, confidence: f64) -> Figure {
        let interval = estimate.interval(confidence);
        Figure { value: estimate.mean, low: interval.low, high: interval.high }
    }

    /// The same, with an interval that ends where the figure can be no lower or higher. One without ends stays so:
    /// nothing is known of it.
    pub(crate) fn possible(estimate: Estimate, unit: Unit, confidence: f64) -> Figure {
        let Figure { value, low, high } = Figure::of(estimate, confidence);
        let most = match unit {
            Unit::Share => 1.0,
            Unit::Count | Unit::Seconds => f64::INFINITY,
        };
        if !low.is_finite() || !high.is_finite() {
            return Figure { value, low, high };
        }
        // A figure that lies outside by the last bit of its sum stays in its interval.
        Figure { value, low: low.max(0.0).min(value), high: high.min(most).max(value) }
    }
}

/// One figure of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// Of callers.
    Callers(Measure),
    /// The answer delay that so many of a hundred answered callers do not exceed.
    Delay(u8),
    /// Agents who should be there by their shifts, on average.
    Scheduled,
    /// Of agents.
    Agents(GroupMeasure),
}

/// Of queues and of kinds of callers, before the service levels.
const COUNTS: [Column; 7] = [
    Column::Callers(Measure::Offered),
    Column::Callers(Measure::Answered),
    Column::Callers(Measure::Abandoned),
    Column::Callers(Measure::Overflowed),
    Column::Callers(Measure::Closed),
    Column::Callers(Measure::Dequeued),
    Column::Callers(Measure::Blocked),
];
/// And after them.
const TIMES: [Column; 7] = [
    Column::Callers(Measure::AverageSpeedOfAnswer),
    Column::Delay(50),
    Column::Delay(90),
    Column::Callers(Measure::AbandonmentRate),
    Column::Callers(Measure::DelayProbability),
    Column::Callers(Measure::AverageHandlingTime),
    Column::Callers(Measure::QueueLength),
];
/// Of groups of agents.
const AGENTS: [Column; 4] = [
    Column::Scheduled,
    Column::Agents(GroupMeasure::Occupancy),
    Column::Agents(GroupMeasure::Utilisation),
    Column::Agents(GroupMeasure::Answered),
];

impl Column {
    /// The service level by a formula.
    pub(crate) fn level(level: ServiceLevel) -> Column {
        Column::Callers(Measure::ServiceLevel(level))
    }

    /// Its name in files.
    pub(crate) fn name(self) -> String {
        match self {
            Column::Callers(Measure::ServiceLevel(level)) => {
                format!("service_level_{}", service_level::word(level).replace('-', "_"))
            }
            Column::Callers(Measure::AverageSpeedOfAnswer) => "answer_delay_mean_seconds".to_owned(),
            Column::Callers(measure) => measure.name().to_owned(),
            Column::Delay(percent) => format!("answer_delay_p{percent}_seconds"),
            Column::Scheduled => "agents_scheduled".to_owned(),
            Column::Agents(measure) => measure.name().to_owned(),
        }
    }

    pub(crate) fn unit(self) -> Unit {
        match self {
            Column::Callers(measure) => match measure {
                Measure::AbandonmentRate
                | Measure::BlockingRate
                | Measure::OverflowRate
                | Measure::UnservedRate
                | Measure::DelayProbability
                | Measure::ServiceLevel(_) => Unit::Share,
                Measure::AverageSpeedOfAnswer | Measure::AverageWait | Measure::AverageHandlingTime => {
                    Unit::Seconds
                }
                Measure::Offered
                | Measure::Answered
                | Measure::AnsweredWithin
                | Measure::Abandoned
                | Measure::Blocked
                | Measure::Overflowed
                | Measure::Closed
                | Measure::Dequeued
                | Measure::Retrials
                | Measure::QueueLength
                | Measure::QueueLengthMax => Unit::Count,
            },
            Column::Delay(_) => Unit::Seconds,
            Column::Scheduled => Unit::Count,
            Column::Agents(measure) => match measure {
                GroupMeasure::Occupancy | GroupMeasure::Utilisation | GroupMeasure::Presence => Unit::Share,
                GroupMeasure::Answered => Unit::Count,
            },
        }
    }
}

/// Whose figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All callers, by their wait since they first called.
    Centre,
    /// One queue.
    Queue,
    /// One `[[arrivals]]`.
    Callers,
    /// One group of agents.
    Group,
}

impl Kind {
    /// Its name in files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Centre => "centre",
            Kind::Queue => "queue",
            Kind::Callers => "arrivals",
            Kind::Group => "group",
        }
    }
}

/// The figures of one queue, kind of callers or group.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// What the queue promises: share, threshold.
    pub(crate) target: Option<(f64, Duration)>,
    /// Of the whole day.
    pub(crate) day: Row,
    /// By interval, in order.
    pub(crate) intervals: Vec<Row>,
}

/// Figures side by side. `None` where there was nothing to divide by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row(pub(crate) Vec<(Column, Option<Figure>)>);

impl Row {
    pub(crate) fn get(&self, column: Column) -> Option<Figure> {
        self.0.iter().find(|(known, _)| *known == column).and_then(|(_, figure)| *figure)
    }
}

/// All that was found out about one case.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The variant's name; empty for the scenario as written.
    pub(crate) name: String,
    /// The centre first, then queues, callers, groups.
    pub(crate) parts: Vec<Part>,
    /// The days themselves: comparisons go day by day.
    pub(crate) days: Vec<Played>,
    /// Intervals of warm-up in front of each day.
    pub(crate) skipped: usize,
    /// What is shown beside the usual, because it can be: who came while a queue was closed, who was dequeued, who
    /// was turned away.
    pub(crate) beside: Vec<Measure>,
    /// Callers a day whom nobody had answered when it ended, a day later.
    pub(crate) stranded: f64,
}

impl Outcome {
    /// Callers a day whom nobody served, as it is shown; `None`: everybody was.
    pub(crate) fn never_served(&self) -> Option<String> {
        let few = || "Fewer than 0.1".to_owned();
        let shown = || if self.stranded < 0.05 { few() } else { format!("{:.1}", self.stranded) };
        (self.stranded > 0.0).then(shown)
    }
}

/// Which part: its kind and its place in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    pub(crate) index: usize,
    /// Intervals of warm-up in front of the day.
    pub(crate) skipped: usize,
}

impl Place {
    /// The callers of a day, or of one of its intervals.
    fn tally(self, day: &Played, interval: Option<usize>) -> Tally {
        let mut sum = Tally::default();
        for series in self.series(day) {
            match interval {
                Some(interval) => sum += &series.intervals[interval],
                None => sum += &series.all(),
            }
        }
        sum
    }

    fn series(self, day: &Played) -> &[Series] {
        match self.kind {
            Kind::Centre => &day.customers,
            Kind::Queue => &day.queues[self.index..=self.index],
            Kind::Callers => &day.customers[self.index..=self.index],
            Kind::Group => &[],
        }
    }

    fn time(self, day: &Played, interval: Option<usize>) -> AgentTime {
        let group = &day.groups[self.index];
        interval.map_or_else(|| group.day(), |interval| group.intervals[interval])
    }

    /// The two terms of a figure in one day; `None` for what is no quotient.
    pub(crate) fn terms(self, day: &Played, interval: Option<usize>, column: Column) -> Option<Ratio> {
        let seconds = || interval.map_or(day.measured, |_| day.interval).as_secs_f64();
        match column {
            Column::Callers(measure) => Some(measure.ratio(&self.tally(day, interval), seconds())),
            Column::Delay(_) => None,
            Column::Agents(measure) => Some(measure.ratio(&self.time(day, interval))),
            Column::Scheduled => {
                let of_day = day.groups[self.index].intervals.len() - self.skipped;
                let intervals = interval.map_or(of_day, |_| 1);
                let seconds = day.interval.as_secs_f64() * intervals as f64;
                Some(Ratio {
                    numerator: self.time(day, interval).scheduled.as_secs_f64(),
                    denominator: seconds,
                })
            }
        }
    }

    /// A figure of these days.
    pub(crate) fn figure(
        self,
        days: &[Played],
        interval: Option<usize>,
        column: Column,
        confidence: f64,
    ) -> Option<Figure> {
        let estimate = match column {
            Column::Delay(percent) => self.quantile(days, interval, f64::from(percent) / 100.0),
            Column::Callers(_) | Column::Scheduled | Column::Agents(_) => {
                whatif::ratio(days.iter().filter_map(|day| self.terms(day, interval, column)))
            }
        };
        let is_of_nobody = match column {
            Column::Agents(GroupMeasure::Occupancy | GroupMeasure::Utilisation) => {
                days.iter().all(|day| self.time(day, interval).scheduled.is_zero())
            }
            Column::Agents(GroupMeasure::Presence | GroupMeasure::Answered)
            | Column::Callers(_)
            | Column::Delay(_)
            | Column::Scheduled => false,
        };
        // A conversation that outlasts the shift makes nobody fully occupied.
        let estimate = estimate.filter(|_| !is_of_nobody);
        estimate.map(|estimate| Figure::possible(estimate, column.unit(), confidence))
    }

    /// The quantile over all days together; how much it varies from day to day says how sure it is (sectioning:
    /// Asmussen and Glynn, *Stochastic Simulation*, section III.5).
    fn quantile(self, days: &[Played], interval: Option<usize>, share: f64) -> Option<Estimate> {
        let mut all = Histogram::default();
        let mut single = Vec::new();
        for day in days {
            let mut own = Histogram::default();
            for series in self.series(day) {
                match interval {
                    Some(interval) => own.merge(&series.waits_by_interval[interval]),
                    None => own.merge(&series.waits),
                }
            }
            single.extend(own.quantile(share).map(|delay| delay.as_secs_f64()));
            all.merge(&own);
        }
        let mean = all.quantile(share)?.as_secs_f64();
        let n = single.len() as f64;
        let squares: f64 = single.iter().map(|own| (own - mean).powi(2)).sum();
        let standard_error = if single.len() < 2 { f64::INFINITY } else { (squares / (n - 1.0) / n).sqrt() };
        Some(Estimate { mean, standard_error, replications: u32::try_from(single.len()).unwrap_or(u32::MAX) })
    }
}

/// Puts the days of a case together.
pub(crate) fn outcome(case: &Case, built: &Built, days: Vec<Played>, runs: &Runs) -> Outcome {
    let mut parts = Vec::new();
    let mut add = |kind, index, name: &str, target| {
        let place = Place { kind, index, skipped: built.skipped };
        let row = |interval| {
            let columns = columns(kind);
            Row(columns
                .map(|column| (column, place.figure(&days, interval, column, runs.confidence)))
                .collect())
        };
        let intervals =
            (built.skipped..built.model.intervals()).map(|interval| row(Some(interval))).collect();
        parts.push(Part { kind, name: name.to_owned(), target, day: row(None), intervals });
    };
    add(Kind::Centre, 0, "", None);
    for (index, queue) in case.config.queues.iter().enumerate() {
        let promise = &queue.service_level;
        add(Kind::Queue, index, &queue.name, Some((promise.target, promise.within)));
    }
    for (index, arrivals) in case.arrivals.iter().enumerate() {
        add(Kind::Callers, index, &arrivals.name, None);
    }
    for (index, group) in case.groups.iter().enumerate() {
        add(Kind::Group, index, &group.name, None);
    }
    let in_system: u64 =
        days.iter().flat_map(|day| &day.customers).map(|series| series.all().in_system).sum();
    let stranded = in_system as f64 / days.len().max(1) as f64;
    let keeps_hours = case.config.queues.iter().any(|queue| queue.hours.is_some());
    let is_in_several = built.model.customers.iter().any(|callers| !callers.also.is_empty());
    let beside = [
        (keeps_hours, Measure::Closed),
        (is_in_several, Measure::Dequeued),
        (may_be_full(case, built) || is_ever(&days, |tally| tally.blocked), Measure::Blocked),
    ];
    let beside = beside.into_iter().filter(|(can_be, _)| *can_be).map(|(_, measure)| measure).collect();
    Outcome { name: case.name.clone(), parts, days, skipped: built.skipped, beside, stranded }
}

/// Whether callers can be turned away by what was set, not only by the bound that every centre has.
fn may_be_full(case: &Case, built: &Built) -> bool {
    let leaves = |exit: &Exit| match exit {
        Exit::Queue(_) => false,
        Exit::Number(_) | Exit::Busy | Exit::HangUp => true,
    };
    let mut lengths = case.config.queues.iter().filter_map(|queue| queue.max_length.as_ref());
    built.model.trunks.is_some() || lengths.any(|rule| leaves(&rule.then))
}

/// Whether it was counted of any caller of any day.
fn is_ever(days: &[Played], count: impl Fn(&Tally) -> u64) -> bool {
    let mut series = days.iter().flat_map(|day| day.customers.iter().chain(&day.queues));
    series.any(|series| count(&series.all()) > 0)
}

fn columns(kind: Kind) -> Box<dyn Iterator<Item = Column>> {
    let of_callers = || {
        let levels = service_level::WORDS.into_iter().map(|(_, level)| Column::level(level));
        COUNTS.into_iter().chain(levels).chain(TIMES)
    };
    match kind {
        // Only queues have a length.
        Kind::Centre | Kind::Callers => {
            Box::new(of_callers().filter(|column| *column != Column::Callers(Measure::QueueLength)))
        }
        Kind::Queue => Box::new(of_callers()),
        Kind::Group => Box::new(AGENTS.into_iter()),
    }
}
