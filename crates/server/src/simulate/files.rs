//! The result for other programs: CSV with a line for each figure, and JSON.

use serde_json::{Value, json};

use super::comparison::Difference;
use super::figures::{Outcome, Row};
use super::scenario::{Scenario, clock};
use super::staffing::Plan;
use super::{Results, service_level};
use crate::results::figure::Figure;

/// A line for each figure: `case,kind,name,from,to,figure,value,low,high`. Lines of the whole day have its hours.
///
/// # Errors
///
/// Those of the writer; there are none in memory.
pub(crate) fn csv(results: &Results) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["case", "kind", "name", "from", "to", "figure", "value", "low", "high"])?;
    for outcome in &results.outcomes {
        for part in &outcome.parts {
            let mut rows = |span: (std::time::Duration, std::time::Duration), row: &Row| {
                for (column, figure) in &row.0 {
                    let Some(figure) = figure else { continue };
                    writer.write_record([
                        outcome.name.as_str(),
                        part.kind.name(),
                        &part.name,
                        &clock(span.0),
                        &clock(span.1),
                        &column.name(),
                        &number(figure.value),
                        &number(figure.low),
                        &number(figure.high),
                    ])?;
                }
                Ok::<(), csv::Error>(())
            };
            let day = &results.scenario.day;
            for (number, row) in part.intervals.iter().enumerate() {
                rows(day.interval(number), row)?;
            }
            rows((day.from, day.to), &part.day)?;
        }
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// Six digits behind the point; an interval without an end is empty.
fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:.6}") } else { String::new() }
}

/// Everything, as one object.
pub(crate) fn json(results: &Results) -> Value {
    let Results { scenario, outcomes, comparisons, staffing } = results;
    let (day, runs) = (&scenario.day, &scenario.runs);
    json!({
        "scenario": scenario.file,
        "date": day.date.map(|date| date.to_string()),
        "from": clock(day.from),
        "to": clock(day.to),
        "interval_seconds": day.interval.as_secs_f64(),
        "replications": runs.replications,
        "seed": runs.seed,
        "confidence": runs.confidence,
        "service_level": service_level::word(runs.level),
        "cases": outcomes.iter().map(|outcome| case(scenario, outcome)).collect::<Vec<Value>>(),
        "comparisons": comparisons.iter().map(|(name, differences)| json!({
            "case": name,
            "differences": differences.iter().map(difference).collect::<Vec<Value>>(),
        })).collect::<Vec<Value>>(),
        "warnings": scenario.warnings.iter().map(|warning| json!({
            "file": warning.file,
            "line": warning.line,
            "column": warning.column,
            "message": warning.message,
        })).collect::<Vec<Value>>(),
        "staffing": staffing.as_ref().map(|plan| self::staffing(scenario, plan)),
    })
}

fn case(scenario: &Scenario, outcome: &Outcome) -> Value {
    let parts = outcome.parts.iter().map(|part| {
        let intervals = part.intervals.iter().enumerate().map(|(number, row)| {
            let (from, to) = scenario.day.interval(number);
            json!({ "from": clock(from), "to": clock(to), "figures": figures(row) })
        });
        json!({
            "kind": part.kind.name(),
            "name": part.name,
            "target": part.target.map(|(share, within)| json!({ "share": share, "within_seconds": within.as_secs_f64() })),
            "day": figures(&part.day),
            "intervals": intervals.collect::<Vec<Value>>(),
        })
    });
    json!({
        "name": outcome.name,
        "stranded_callers_per_day": outcome.stranded,
        "parts": parts.collect::<Vec<Value>>(),
    })
}

fn figures(row: &Row) -> Value {
    row.0
        .iter()
        .map(|(column, figure)| (column.name(), figure.as_ref().map_or(Value::Null, self::figure)))
        .collect()
}

/// JSON has no infinity: an interval without an end is `null`.
fn figure(figure: &Figure) -> Value {
    json!({ "value": figure.value, "low": figure.low, "high": figure.high })
}

fn difference(difference: &Difference) -> Value {
    json!({
        "kind": difference.kind.name(),
        "name": difference.name,
        "figure": difference.column.name(),
        "before": difference.before,
        "after": difference.after,
        "change": figure(&difference.change),
        "verdict": difference.verdict.name(),
    })
}

fn staffing(scenario: &Scenario, plan: &Plan) -> Value {
    let intervals = plan.intervals.iter().enumerate().map(|(number, need)| {
        let (from, to) = scenario.day.interval(number);
        json!({
            "from": clock(from),
            "to": clock(to),
            "calls_per_hour": need.per_hour,
            "erlangs": need.erlangs,
            "agents": need.agents,
            "service_level": need.level.as_ref().map(figure),
            "answer_delay_mean_seconds": need.delay.as_ref().map(figure),
            "abandonment_rate": need.abandonment.as_ref().map(figure),
            "turned_away": need.blocked.as_ref().map(figure),
            "worst_queue": need.queue,
            "service_level_with_one_fewer": need.one_fewer.as_ref().map(figure),
            "other_agents": need.colleagues,
            "erlang_c_agents": need.erlang_c,
            "erlang_a_agents": need.erlang_a,
        })
    });
    json!({
        "group": plan.group,
        "agents_max": plan.agents_max,
        "own_hours_left_out": plan.ignores_hours,
        "queues": plan.served,
        "agent_hours": plan.agent_hours(scenario),
        "intervals": intervals.collect::<Vec<Value>>(),
        "day": case(scenario, &plan.day),
    })
}
