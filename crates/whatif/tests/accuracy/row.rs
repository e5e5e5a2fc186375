//! A row of the table: what was expected, what came out, and whether they agree.

use std::fmt::Write;
use std::time::Duration;

use whatif::{Day, Estimate, Interval, Model, Watch};

use crate::case::{Case, Printed};
use crate::{contact_centers, skills, steady};

/// The seed of the first look is the number of the row in the file, so that rows do not share their luck; that of the
/// second look is so much more.
const SECOND_SEED: u64 = 1_000;
/// The second look has so many times the replications.
const SECOND_LOOK: u32 = 4;
/// Exact values must lie in our interval at this level.
const EXACT_LEVEL: f64 = 0.99;
/// The intervals of published simulations are at this level, and ours beside them.
pub(crate) const PUBLISHED_LEVEL: f64 = 0.95;

/// A watched customer costs as much as there are agents to choose from, so this many are divided by their number.
const WATCHED: f64 = 20_000.0;
const WATCHED_MAX: f64 = 2_000.0;

/// How much is played.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    seed: u64,
    /// 1 at the first look.
    times: u32,
}

impl Effort {
    /// Plays so many days of a model, more at a second look.
    pub(crate) fn play(self, model: &Model, replications: u32) -> Vec<Day> {
        self.watch(model);
        let days = whatif::replicate(model, self.seed, 0..replications * self.times, Watch::End);
        days.expect("the model of a reference case is sound")
    }

    /// Plays so many days, at any look: the number of the published simulation.
    pub(crate) fn play_as_published(self, model: &Model, replications: u32) -> Vec<Day> {
        self.watch(model);
        let days = whatif::replicate(model, self.seed, 0..replications, Watch::End);
        days.expect("the model of a reference case is sound")
    }
}

impl Effort {
    /// Plays the beginning with every step watched: the order of waiting, the choice of agents, and all invariants. The
    /// figures can agree by chance where the policy is another; this cannot.
    fn watch(self, model: &Model) {
        let agents: usize = model.groups.iter().map(whatif::AgentGroup::size).sum();
        let customers: f64 = model.customers.iter().map(|of| of.arrivals.expected(model.horizon)).sum();
        let share = (WATCHED / agents as f64).min(WATCHED_MAX) / customers;
        let beginning = model.horizon.mul_f64(share.min(1.0));
        let model = Model { horizon: beginning, warm_up: Duration::ZERO, ..model.clone() };
        let day = whatif::run(&model, self.seed, 0, Watch::EveryEvent);
        day.expect("every invariant holds in every step");
    }
}

/// One figure.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    name: String,
    expected: Expected,
    simulated: Estimate,
}

#[derive(Clone, Copy, Debug)]
enum Expected {
    /// A value that is known, up to the rounding with which it is printed.
    Exact(Printed),
    /// The mean and the interval of somebody's simulation, at a level.
    Published { mean: f64, interval: Interval, level: f64 },
}

impl Check {
    /// Against a value that is known.
    pub(crate) fn exact(name: impl Into<String>, expected: Printed, simulated: Option<Estimate>) -> Check {
        let simulated = simulated.expect("a reference case has customers");
        Check { name: name.into(), expected: Expected::Exact(expected), simulated }
    }

    /// Against a simulation of somebody else: the mean, the ends of its 95 % interval, and the number of digits
    /// after the point with which they are printed.
    pub(crate) fn published(
        name: impl Into<String>,
        mean: f64,
        ends: (f64, f64),
        digits: i32,
        simulated: Option<Estimate>,
    ) -> Check {
        Check::published_at(PUBLISHED_LEVEL, name, mean, ends, digits, simulated)
    }

    /// The same at another level.
    pub(crate) fn published_at(
        level: f64,
        name: impl Into<String>,
        mean: f64,
        (low, high): (f64, f64),
        digits: i32,
        simulated: Option<Estimate>,
    ) -> Check {
        let simulated = simulated.expect("a reference case has customers");
        let rounding = 0.5 * 10f64.powi(-digits);
        let interval = Interval { low: low - rounding, high: high + rounding };
        Check { name: name.into(), expected: Expected::Published { mean, interval, level }, simulated }
    }

    fn interval(&self) -> Interval {
        match self.expected {
            Expected::Exact(_) => self.simulated.interval(EXACT_LEVEL),
            Expected::Published { level, .. } => self.simulated.interval(level),
        }
    }

    fn agrees(&self) -> bool {
        match self.expected {
            Expected::Exact(Printed { value, rounding }) => {
                let printed = Interval { low: value - rounding, high: value + rounding };
                self.interval().overlaps(printed)
            }
            Expected::Published { interval, .. } => self.interval().overlaps(interval),
        }
    }
}

/// One reference case, played.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    model: String,
    checks: Vec<Check>,
    /// By the formula, where there is one: how many values were compared and the largest difference.
    formula: Option<(usize, f64)>,
    /// Why it was not played, or what has to be known to read it.
    remark: String,
    looks: u32,
    replications: u32,
}

/// What the play of a case gives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Played {
    pub(crate) checks: Vec<Check>,
    /// By the formula: each value beside that of the file.
    pub(crate) formula: Vec<(f64, Printed)>,
    pub(crate) remark: String,
}

impl Row {
    /// Plays a case; where a figure disagrees, once more with another seed and more replications. With a few
    /// hundred figures at 99 % some disagree by chance; a fault disagrees again.
    pub(crate) fn of(case: &Case) -> Row {
        let mut row = Row::look(case, Effort { seed: case.number, times: 1 });
        if row.disagrees() {
            row = Row::look(case, Effort { seed: SECOND_SEED + case.number, times: SECOND_LOOK });
            row.looks = 2;
        }
        row
    }

    fn look(case: &Case, effort: Effort) -> Row {
        let family = case.name.split(['-', ' ']).next().unwrap_or_default();
        let played = match family {
            "EB" | "EC" | "EA" | "LK" => steady::one_class(case, effort),
            "PR" => steady::priorities(case, effort),
            "SBR" => skills::play(case, effort),
            "CC" => contact_centers::play(case, effort),
            "DATA" => Played {
                remark: "needs the trace, which is not part of the project (compared below: two of its sixteen figures differ)".to_owned(),
                ..Played::default()
            },
            other => panic!("no model for cases of the family {other}"),
        };
        let difference = |&(value, printed): &(f64, Printed)| {
            // A value that is printed with six digits cannot agree better than these.
            ((value - printed.value).abs() - printed.rounding).max(0.0)
        };
        let largest = played.formula.iter().map(difference).fold(0.0, f64::max);
        Row {
            name: case.name.clone(),
            model: case.model.clone(),
            replications: played.checks.first().map_or(0, |check| check.simulated.replications),
            checks: played.checks,
            formula: (!played.formula.is_empty()).then_some((played.formula.len(), largest)),
            remark: played.remark,
            looks: 1,
        }
    }

    fn disagrees(&self) -> bool {
        self.checks.iter().any(|check| !check.agrees())
    }

    /// Whether it was played: only then it can agree.
    pub(crate) fn is_played(&self) -> bool {
        !self.checks.is_empty()
    }

    /// Why it was not played, or what has to be known to read it.
    pub(crate) fn remark(&self) -> &str {
        &self.remark
    }

    /// Whether a figure disagrees, or a formula does by more than a millionth.
    pub(crate) fn failed(&self) -> bool {
        self.disagrees() || self.formula.is_some_and(|(_, difference)| difference > 1e-6)
    }

    /// In a word.
    pub(crate) fn verdict(&self) -> String {
        match (self.failed(), self.is_played(), self.looks) {
            (true, _, _) => "FAILED".to_owned(),
            (false, false, _) => format!("ignored, not played: {}", self.remark),
            (false, true, 1) => "ok".to_owned(),
            (false, true, _) => "ok at the second look".to_owned(),
        }
    }
}

/// The table, as it stands in the page.
pub(crate) fn table(rows: &[impl std::borrow::Borrow<Row>]) -> String {
    let mut text = String::from(
        "| case | figure | expected | simulated | interval | verdict |\n|---|---|---|---|---|---|\n",
    );
    for row in rows.iter().map(std::borrow::Borrow::borrow) {
        head(&mut text, row);
        for check in &row.checks {
            let verdict = if check.agrees() { "agrees" } else { "**disagrees**" };
            let expected = match check.expected {
                Expected::Exact(printed) => format!("{}", printed.value),
                Expected::Published { mean, interval, .. } => {
                    format!("{mean} [{}, {}]", short(interval.low), short(interval.high))
                }
            };
            let interval = check.interval();
            let (mean, low, high) = (check.simulated.mean, interval.low, interval.high);
            let (mean, low, high) = (short(mean), short(low), short(high));
            line(
                &mut text,
                &format!("| | {} | {expected} | {mean} | {low} to {high} | {verdict} |", check.name),
            );
        }
    }
    text
}

/// The table in one line.
pub(crate) fn sum(rows: &[Row]) -> String {
    let (played, not_played): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.is_played());
    let figures: Vec<&Check> = played.iter().flat_map(|row| &row.checks).collect();
    let agree = figures.iter().filter(|check| check.agrees()).count();
    let formulas: usize = rows.iter().filter_map(|row| row.formula).map(|(values, _)| values).sum();
    let second = rows.iter().filter(|row| row.looks > 1).count();
    let within = played.iter().filter(|row| !row.failed()).count();
    let reasons = not_played.iter().map(|row| format!("{} {}", row.name, row.remark()));
    format!(
        "{} cases: {within} within tolerance, {} not played, because {}. {} figures, {agree} agree; {formulas} values of \
         formulas. {second} {} a second look.",
        rows.len(),
        not_played.len(),
        reasons.collect::<Vec<String>>().join("; "),
        figures.len(),
        if second == 1 { "case needed" } else { "cases needed" },
    )
}

fn head(text: &mut String, row: &Row) {
    let mut remarks = Vec::new();
    if let Some((values, difference)) = row.formula {
        let agrees = if difference <= 1e-6 { "agree" } else { "**disagree**" };
        remarks.push(format!("{values} values of the formula {agrees}"));
    }
    if row.replications > 0 {
        remarks.push(format!("{} replications", row.replications));
    }
    if row.looks > 1 {
        remarks.push("second look".to_owned());
    }
    if !row.remark.is_empty() {
        remarks.push(row.remark.clone());
    }
    line(text, &format!("| **{}** | {} | | | | {} |", row.name, row.model, remarks.join("; ")));
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes everything");
}

/// Five digits that matter.
fn short(value: f64) -> String {
    let digits = if value == 0.0 { 0 } else { 4 - value.abs().log10().floor().clamp(-6.0, 4.0) as i32 };
    format!("{value:.*}", usize::try_from(digits.max(0)).unwrap_or_default())
}
