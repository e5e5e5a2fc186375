//! What if: two cases on the same random numbers, day by day.

use super::figures::{Column, Kind, Outcome, Part, Place};
use super::scenario::Runs;
use crate::results::figure::{Figure, Unit};
use whatif::{GroupMeasure, Measure};

/// One figure of both cases.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) column: Column,
    pub(crate) before: f64,
    pub(crate) after: f64,
    /// After minus before, with the confidence interval of paired days.
    pub(crate) change: Figure,
    pub(crate) verdict: Verdict,
}

/// What the difference says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The whole confidence interval lies on the good side.
    Better,
    /// On the bad side.
    Worse,
    /// Above zero, and neither good nor bad.
    Higher,
    /// Below zero, and neither good nor bad.
    Lower,
    /// The interval holds zero.
    Unclear,
}

impl Verdict {
    /// Its name in files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Verdict::Better => "better",
            Verdict::Worse => "worse",
            Verdict::Higher => "higher",
            Verdict::Lower => "lower",
            Verdict::Unclear => "no clear difference",
        }
    }
}

/// Which direction is good.
#[derive(Clone, Copy)]
enum Good {
    Up,
    Down,
    Neither,
}

/// Compares `after` with `before`, of everything that has the same name in both.
pub(crate) fn compare(before: &Outcome, after: &Outcome, runs: &Runs) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (part, place) in before.places() {
        let other = after.places().find(|(other, _)| other.kind == part.kind && other.name == part.name);
        let Some((_, other)) = other else { continue };
        for (column, good) in compared(part.kind, runs) {
            let change = whatif::difference(
                before.days.iter().filter_map(|day| place.terms(day, None, column)),
                after.days.iter().filter_map(|day| other.terms(day, None, column)),
            );
            let first =
                part.day.get(column).or_else(|| place.figure(&before.days, None, column, runs.confidence));
            let (Some(first), Some(change)) = (first, change) else { continue };
            // A way that nobody took in either case is not worth a line.
            let is_way = [Measure::BlockingRate, Measure::UnservedRate, Measure::OverflowRate]
                .map(Column::Callers)
                .contains(&column);
            if is_way && first.value == 0.0 && change.mean == 0.0 {
                continue;
            }
            let change = Figure::of(change, runs.confidence);
            differences.push(Difference {
                kind: part.kind,
                name: part.name.clone(),
                column,
                before: first.value,
                after: first.value + change.value,
                change,
                verdict: verdict(change, column, good),
            });
        }
    }
    differences
}

impl Outcome {
    /// The parts with their places in the model.
    fn places(&self) -> impl Iterator<Item = (&Part, Place)> {
        self.parts.iter().enumerate().map(|(number, part)| {
            let index = self.parts[..number].iter().filter(|earlier| earlier.kind == part.kind).count();
            (part, Place { kind: part.kind, index, skipped: self.skipped })
        })
    }
}

/// What is compared: the usual, and each way to lose a caller. Without these a day on which most callers are sent away
/// would only be better for the rest.
fn compared(kind: Kind, runs: &Runs) -> Vec<(Column, Good)> {
    match kind {
        Kind::Centre | Kind::Queue => vec![
            (Column::level(runs.level), Good::Up),
            (Column::Callers(Measure::AverageSpeedOfAnswer), Good::Down),
            (Column::Callers(Measure::AbandonmentRate), Good::Down),
            (Column::Callers(Measure::BlockingRate), Good::Down),
            (Column::Callers(Measure::UnservedRate), Good::Down),
            // The next queue, a voice mailbox or a farewell: only the reader knows whether that is good.
            (Column::Callers(Measure::OverflowRate), Good::Neither),
        ],
        Kind::Callers => Vec::new(),
        Kind::Group => vec![(Column::Agents(GroupMeasure::Occupancy), Good::Neither)],
    }
}

fn verdict(change: Figure, column: Column, good: Good) -> Verdict {
    // What nobody would see in a report is no difference, however sure it is.
    let least = match column.unit() {
        Unit::Count => 0.01,
        Unit::Seconds => 0.01,
        Unit::Share => 0.000_1,
    };
    if (change.low <= 0.0 && change.high >= 0.0) || change.value.abs() < least {
        return Verdict::Unclear;
    }
    match (good, change.value > 0.0) {
        (Good::Up, true) | (Good::Down, false) => Verdict::Better,
        (Good::Up, false) | (Good::Down, true) => Verdict::Worse,
        (Good::Neither, true) => Verdict::Higher,
        (Good::Neither, false) => Verdict::Lower,
    }
}
