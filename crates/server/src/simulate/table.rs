//! The result in the terminal.

use std::fmt::Write as _;

use whatif::{GroupMeasure, Measure};

use super::comparison::Difference;
use super::figures::{Column, Kind, Outcome, Part, Row};
use super::scenario::{Scenario, clock, date};
use super::service_level;
use super::staffing::{Need, Plan};
use super::words::{bare, between, change, percent, with_half};
use crate::results::figure::{Unit, value};

/// The first lines: what was simulated.
pub(crate) fn head(scenario: &Scenario) -> String {
    let (day, runs) = (&scenario.day, &scenario.runs);
    let minutes = day.interval.as_secs_f64() / 60.0;
    format!(
        "{}: {}{} to {} by {minutes} min, {} days, seed {}; ± is {} confidence\n\
         service level: {} ({})\n",
        scenario.file,
        date(day),
        clock(day.from),
        clock(day.to),
        runs.replications,
        runs.seed,
        percent(runs.confidence),
        service_level::word(runs.level),
        runs.level.formula(),
    )
}

/// The tables of one case.
pub(crate) fn outcome(scenario: &Scenario, outcome: &Outcome) -> String {
    let mut text = String::new();
    if !outcome.name.is_empty() {
        put(&mut text, &format!("\nVariant: {}", outcome.name));
    }
    for part in outcome.parts.iter().filter(|part| part.kind == Kind::Queue && part.is_used()) {
        queue(&mut text, scenario, part, &outcome.beside);
    }
    for part in outcome.parts.iter().filter(|part| part.kind == Kind::Group) {
        group(&mut text, scenario, part);
    }
    if let Some(centre) = outcome.parts.iter().find(|part| part.kind == Kind::Centre) {
        put(&mut text, "");
        put(&mut text, &queue_headings(&outcome.beside));
        put(&mut text, &queue_line("all callers", &centre.day, scenario, &outcome.beside));
    }
    never_served(&mut text, outcome);
    text
}

/// Says of any case that somebody waited in vain.
fn never_served(text: &mut String, outcome: &Outcome) {
    if let Some(count) = outcome.never_served() {
        put(
            text,
            &format!("{count} callers a day were never answered and never gave up: nobody served them."),
        );
    }
}

const QUEUE_HEADINGS: &str =
    "interval          calls     in time %     answer delay s     half    90 %      gave up %  overflow";

/// With what can be beside the usual.
fn queue_headings(beside: &[Measure]) -> String {
    let beside: String =
        beside.iter().map(|&measure| format!("{:>1$}", heading(measure), width(measure))).collect();
    format!("{QUEUE_HEADINGS}{beside}")
}

fn heading(measure: Measure) -> &'static str {
    if measure == Measure::Blocked { "turned away" } else { measure.name() }
}

fn width(measure: Measure) -> usize {
    if measure == Measure::Blocked { 13 } else { 10 }
}

fn queue(text: &mut String, scenario: &Scenario, part: &Part, beside: &[Measure]) {
    let promise = part.target.map_or_else(String::new, |(share, within)| {
        format!(": {:.0} % within {} s promised", share * 100.0, within.as_secs_f64())
    });
    put(text, &format!("\nQueue {}{promise}", part.name));
    put(text, &queue_headings(beside));
    for (number, row) in part.intervals.iter().enumerate() {
        put(text, &queue_line(&scenario.day.label(number), row, scenario, beside));
    }
    put(text, &queue_line("day", &part.day, scenario, beside));
}

fn queue_line(label: &str, row: &Row, scenario: &Scenario, beside: &[Measure]) -> String {
    let callers = |measure| row.get(Column::Callers(measure));
    let beside =
        beside.iter().map(|&measure| format!("{:>1$}", bare(callers(measure), Unit::Count), width(measure)));
    format!(
        "{label:<13}{:>10}{:>14}{:>19}{:>9}{:>8}{:>15}{:>10}{}",
        bare(callers(Measure::Offered), Unit::Count),
        with_half(row.get(Column::level(scenario.runs.level)), Unit::Share),
        with_half(callers(Measure::AverageSpeedOfAnswer), Unit::Seconds),
        bare(row.get(Column::Delay(50)), Unit::Seconds),
        bare(row.get(Column::Delay(90)), Unit::Seconds),
        with_half(callers(Measure::AbandonmentRate), Unit::Share),
        bare(callers(Measure::Overflowed), Unit::Count),
        beside.collect::<String>(),
    )
}

fn group(text: &mut String, scenario: &Scenario, part: &Part) {
    put(text, &format!("\nGroup {}", part.name));
    put(text, "interval         agents   occupancy %      answered");
    let line = |label: &str, row: &Row| {
        format!(
            "{label:<13}{:>10}{:>14}{:>14}",
            bare(row.get(Column::Scheduled), Unit::Count),
            with_half(row.get(Column::Agents(GroupMeasure::Occupancy)), Unit::Share),
            bare(row.get(Column::Agents(GroupMeasure::Answered)), Unit::Count),
        )
    };
    for (number, row) in part.intervals.iter().enumerate() {
        put(text, &line(&scenario.day.label(number), row));
    }
    put(text, &line("day", &part.day));
}

/// What changed with another case, a sentence a figure.
pub(crate) fn comparison(scenario: &Scenario, outcome: &Outcome, differences: &[Difference]) -> String {
    let mut text = String::new();
    put(&mut text, &format!("\nWhat if: {} (the same callers on the same days)", outcome.name));
    for difference in differences {
        put(&mut text, &sentence(difference, scenario.runs.confidence));
    }
    never_served(&mut text, outcome);
    text
}

fn sentence(difference: &Difference, confidence: f64) -> String {
    let Difference { kind, name, column, before, after, change: by, verdict } = difference;
    let unit = column.unit();
    let whose = match kind {
        Kind::Centre => kind.words().en.to_owned(),
        Kind::Queue | Kind::Callers | Kind::Group => format!("{} {name}", kind.words().en),
    };
    let points = if unit == Unit::Share { " points" } else { "" };
    let (sure, said) = (percent(confidence), verdict.words().en);
    let [low, high] = between([by.low, by.high], *verdict, unit);
    format!(
        "  {whose}: {} {} -> {}: {said} ({}{points}; {sure} sure: {} to {})",
        column.words().en.to_lowercase(),
        value(*before, unit),
        value(*after, unit),
        change(by.value, unit),
        low,
        high,
    )
}

/// The numbers of agents, and what they give.
pub(crate) fn staffing(scenario: &Scenario, plan: &Plan) -> String {
    let mut text = String::new();
    put(
        &mut text,
        &format!("\nFewest agents of group {} that meet the targets, each interval simulated", plan.group),
    );
    if plan.ignores_hours {
        put(
            &mut text,
            "Its own shifts and breaks are left out: the numbers say how many must be at their phones.",
        );
    }
    let turns_away = plan.intervals.iter().any(Need::turns_away);
    let names_queues = plan.served.len() > 1;
    let away = if turns_away { "   turned away %" } else { "" };
    let queue = if names_queues { "  worst queue" } else { "" };
    put(&mut text, &format!("{STAFFING_HEADINGS}{away}{queue}"));
    for (number, need) in plan.intervals.iter().enumerate() {
        let mut line = need_line(&scenario.day.label(number), need, plan.agents_max);
        if turns_away {
            write!(line, "{:>16}", with_half(need.blocked, Unit::Share)).expect("a String takes every text");
        }
        if let Some(queue) = need.queue.as_ref().filter(|_| names_queues) {
            write!(line, "  {queue}").expect("a String takes every text");
        }
        put(&mut text, &line);
    }
    if let Some(most) = plan.too_few() {
        put(
            &mut text,
            &format!(
                ">{most}: not even {most} agents of this group suffice; another group lacks people, or \
                 `agents_max` is too low"
            ),
        );
    }
    if plan.colleagues_max() > 0 {
        put(&mut text, COLLEAGUES);
    }
    put(&mut text, &format!("{:.1} agent hours; the day with these numbers:", plan.agent_hours(scenario)));
    put(&mut text, &queue_headings(&plan.day.beside));
    for part in plan.day.parts.iter().filter(|part| part.kind == Kind::Queue && part.is_used()) {
        let misses = if plan.misses(scenario, part) { "  misses its target" } else { "" };
        put(&mut text, &format!("{}{misses}", queue_line(&part.name, &part.day, scenario, &plan.day.beside)));
    }
    never_served(&mut text, &plan.day);
    text
}

fn need_line(label: &str, need: &Need, agents_max: u32) -> String {
    let count = |count: Option<u32>| count.map_or("-".to_owned(), |count| count.to_string());
    let agents = need.agents.map_or_else(|| format!(">{agents_max}"), |agents| agents.to_string());
    format!(
        "{label:<13}{:>11.1}{:>9.2}{agents:>8}{:>14}{:>17}{:>14}{:>15}{:>9}{:>9}",
        need.per_hour,
        need.erlangs,
        with_half(need.level, Unit::Share),
        with_half(need.delay, Unit::Seconds),
        with_half(need.abandonment, Unit::Share),
        with_half(need.one_fewer, Unit::Share),
        count(need.erlang_c),
        count(need.erlang_a),
    )
}

/// What is said of the formulas where other groups serve the queues, too.
const COLLEAGUES: &str = "ErlangC and ErlangA are the agents of the whole pool less those of other groups who are there and serve these \
    queues, too.";
const STAFFING_HEADINGS: &str = "interval     calls/hour  erlang  agents     in time %   answer delay s     gave up %\
    \u{20}   one fewer %  ErlangC  ErlangA";

impl Part {
    /// Whether anybody came.
    pub(crate) fn is_used(&self) -> bool {
        self.day.get(Column::Callers(Measure::Offered)).is_some_and(|offered| offered.value > 0.0)
    }
}

fn put(text: &mut String, line: &str) {
    writeln!(text, "{}", line.trim_end()).expect("a String takes every line");
}
