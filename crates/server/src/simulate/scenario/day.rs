//! `[day]` and `[runs]`.

use std::time::Duration;

use hours::{Date, Days, Local, Utc, Zone};
use whatif::ServiceLevel;

use super::clock;
use crate::config::reader::Section;
use crate::config::{Config, calendar};
use crate::simulate::service_level;

/// The most intervals of a day: one a minute for two days.
const INTERVALS_MAX: u32 = 2_880;

/// The part of a day that is simulated. Times are since midnight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Day {
    /// The doors open.
    pub(crate) from: Duration,
    /// They close: nobody calls any more, who waits is still served.
    pub(crate) to: Duration,
    /// Figures are told for each of these.
    pub(crate) interval: Duration,
    /// Callers who can be here at once; one more is turned away. None: no limit.
    pub(crate) lines: Option<u32>,
    /// Whether agents get a random order number before every call: with `top-down` any idle one is then chosen with
    /// the same probability.
    pub(crate) shuffled: bool,
    /// The day that is played; it decides about opening hours.
    pub(crate) date: Option<Date>,
    /// The moment at which the clock on the wall shows `from`. Known wherever a queue keeps hours.
    pub(crate) begin: Option<Utc>,
    /// The standard deviation of a day's busyness around its mean, as a share; zero: all days are alike.
    pub(crate) spread: f64,
}

impl Day {
    /// Whether the file says it rightly; where not, nothing that is measured by it can be judged.
    pub(crate) fn is_known(&self) -> bool {
        self.from < self.to
    }

    /// How many intervals there are.
    pub(crate) fn intervals(&self) -> usize {
        let count = self.to.saturating_sub(self.from).as_millis() / self.interval.as_millis().max(1);
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    /// From when to when an interval lasts.
    pub(crate) fn interval(&self, number: usize) -> (Duration, Duration) {
        let number = u32::try_from(number).unwrap_or(INTERVALS_MAX);
        let from = self.from + self.interval * number;
        (from, from + self.interval)
    }

    /// `08:00-08:30`
    pub(crate) fn label(&self, number: usize) -> String {
        let (from, to) = self.interval(number);
        format!("{}-{}", clock(from), clock(to))
    }

    /// In which settings another day is not this one, with the values of both.
    pub(crate) fn differences(&self, other: &Day) -> Vec<String> {
        let date = |day: &Day| day.date.map_or_else(|| "none".to_owned(), |date| date.to_string());
        let lines = |day: &Day| day.lines.map_or_else(|| "none".to_owned(), |lines| lines.to_string());
        let minutes = |time: Duration| format!("{} min", time.as_secs_f64() / 60.0);
        let share = |share: f64| format!("{} %", share * 100.0);
        let pairs = [
            ("from", clock(self.from), clock(other.from)),
            ("to", clock(self.to), clock(other.to)),
            ("interval", minutes(self.interval), minutes(other.interval)),
            ("lines", lines(self), lines(other)),
            ("shuffled", self.shuffled.to_string(), other.shuffled.to_string()),
            ("spread", share(self.spread), share(other.spread)),
            ("date", date(self), date(other)),
            // The same times of the day by another clock.
            ("time_zone", format!("{:?}", self.begin), format!("{:?}", other.begin)),
        ];
        let is_same_day = pairs[..7].iter().all(|(_, ours, theirs)| ours == theirs);
        let differ = pairs.into_iter().filter(|(key, ours, theirs)| {
            // The moment follows from the others wherever these differ.
            ours != theirs && (*key != "time_zone" || is_same_day)
        });
        differ
            .map(|(key, ours, theirs)| match key {
                "time_zone" => "`time_zone`".to_owned(),
                _ => format!("`{key}` is {theirs} and not {ours}"),
            })
            .collect()
    }

    /// In which interval a time lies.
    pub(crate) fn interval_of(&self, time: Duration) -> Option<usize> {
        if time < self.from || time >= self.to {
            return None;
        }
        usize::try_from((time - self.from).as_millis() / self.interval.as_millis().max(1)).ok()
    }
}

/// How often the day is simulated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Runs {
    /// Days, each with other chance.
    pub(crate) replications: u32,
    /// What all chance comes from.
    pub(crate) seed: u64,
    /// Of the confidence intervals, between 0.5 and 0.999.
    pub(crate) confidence: f64,
    /// The service level of tables, charts, comparisons and the search; files have every one.
    pub(crate) level: ServiceLevel,
    /// How long before the doors open the first interval's calls come already, uncounted; rounded up to whole
    /// intervals.
    pub(crate) warm_up: Duration,
}

pub(super) fn read(section: &mut Section<'_>, config: &Config) -> Day {
    let from = section.time_of_day("from", "08:00");
    let to = section.time_of_day("to", "18:00");
    let interval = section.duration("interval", "30m", "1m", "1d");
    let lines = section.optional_integer("lines", 1..=1_000_000);
    let shuffled = section.switch("shuffled", false);
    let spread = section.portion("spread", "0%", "0%", "100%").unwrap_or_default();
    let date = read_date(section);
    let zone = read_zone(section, config);
    let keeps_hours = config.queues.iter().find(|queue| queue.hours.is_some());
    if let Some(queue) = keeps_hours.filter(|_| date.is_none() && !section.gives("date")) {
        let message = "which day is played decides; add a date, as in date = \"2026-12-24\"";
        section.error(section.span(), format!("queue \"{}\" keeps hours: {message}", queue.name));
    }
    let stand_in = Day {
        from: Duration::ZERO,
        to: Duration::ZERO,
        interval,
        lines,
        shuffled,
        date,
        begin: None,
        spread,
    };
    let (Some((from, _)), Some((to, span))) = (from, to) else { return stand_in };
    if from >= to {
        let remedy = "the next morning is written past 24:00, as in to = \"30:00\"";
        section.error(span, format!("`to` is not later than `from`; {remedy}"));
        return stand_in;
    }
    let length = (to - from).as_millis();
    if length % interval.as_millis() != 0 {
        let remedy = "choose one that does, such as \"15m\" or \"30m\", or move `to`";
        section.error(span, format!("`interval` does not divide the time from `from` to `to`; {remedy}"));
        return stand_in;
    }
    let begin = date.zip(zone).map(|(date, zone)| zone.moment(shown(date, from)));
    Day { from, to, begin, ..stand_in }
}

/// A time of a day, which may be that of the next.
fn shown(date: Date, time: Duration) -> Local {
    let days = i32::try_from(time.as_secs() / 86_400).unwrap_or(i32::MAX);
    let second = u32::try_from(time.as_secs() % 86_400).expect("a day has fewer seconds than 2^32");
    Local { date: date.plus(days), second }
}

fn read_date(section: &mut Section<'_>) -> Option<Date> {
    let (text, span) = section.text("date")?;
    match Days::parse(&text) {
        Ok(Days::Dates { first, last }) if first == last => Some(first),
        Ok(_) | Err(_) => {
            section.error(span, format!("`date`: \"{text}\" is no date; write it as \"2026-12-24\""));
            None
        }
    }
}

/// By which clock the times of the day are written: that of all calendars, unless it is said.
fn read_zone(section: &mut Section<'_>, config: &Config) -> Option<Zone> {
    if let Some((name, span)) = section.text("time_zone") {
        return calendar::zone(section, &name, span);
    }
    let zones = || config.calendars.iter().map(|calendar| calendar.hours.zone());
    let first = zones().next()?;
    let is_needed = config.queues.iter().any(|queue| queue.hours.is_some());
    if let Some(other) = zones().find(|zone| *zone != first) {
        if is_needed {
            let names = format!("{} and {}", first.name(), other.name());
            let remedy = format!("say by which the day is written, as in time_zone = \"{}\"", first.name());
            section.error(section.span(), format!("calendars are in {names}; {remedy}"));
        }
        return None;
    }
    Some(first.clone())
}

pub(super) fn read_runs(section: &mut Section<'_>) -> Runs {
    Runs {
        replications: section.integer("replications", 100, 2..=10_000),
        seed: u64::from(section.integer("seed", 1, 0..=u32::MAX)),
        confidence: section.portion("confidence", "95%", "50%", "99.9%").unwrap_or(0.95),
        level: section.word("service_level", "abandons-negative", &service_level::WORDS),
        warm_up: section.duration("warm_up", "0s", "0s", "1d"),
    }
}
