//! What a test found, as text, CSV and JSON.

pub(crate) mod audio;

use std::fmt::Write as _;

use hdrhistogram::Histogram;
use load::{AgentFault, Figures, Measure, Outcome};
use serde_json::{Value, json};

use super::drive::Driven;
use super::scenario::Scenario;
use super::search::{Found, Trial, Verdict};
use crate::results::words::{Words, words};
use audio::Silence;

/// The shares at which a distribution of times is told.
pub(crate) const QUANTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];

/// All that one call found out.
pub(crate) struct Results {
    pub(crate) scenario: Scenario,
    pub(crate) found: Outcomes,
}

impl Results {
    /// What of a test's audio is worse than the scenario wants, in English and Korean. A search tells it by its verdicts.
    pub(crate) fn missed(&self) -> Vec<(String, String)> {
        match &self.found {
            Outcomes::Test(driven) => missed(&self.scenario, driven),
            Outcomes::Search(_) => Vec::new(),
        }
    }

    /// Whether the way to the system was lost in a test.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(&self.found, Outcomes::Test(driven) if driven.lost.is_some())
    }
}

/// What was asked for.
pub(crate) enum Outcomes {
    /// One test.
    Test(Box<Driven>),
    /// The highest rate.
    Search(Found),
}

/// What of the audio is worse than the scenario wants, in English and Korean.
pub(crate) fn missed(scenario: &Scenario, driven: &Driven) -> Vec<(String, String)> {
    let mut missed = worse(scenario, driven);
    missed.extend(Silence::of(driven).and_then(Silence::told));
    missed
}

/// The same of what was heard: nothing where nobody talked.
pub(crate) fn worse(scenario: &Scenario, driven: &Driven) -> Vec<(String, String)> {
    let both = scenario.audio.as_ref().zip(driven.audio.as_ref());
    both.map(|(wanted, figures)| audio::worse(wanted, figures)).unwrap_or_default()
}

/// What is measured, in words.
pub(crate) fn of_measure(measure: Measure) -> Words {
    match measure {
        Measure::Lateness => {
            words("planned to INVITE sent (ours)", "예정 시각부터 INVITE 송신 (부하기 자체)")
        }
        Measure::Trying => words("planned to 100", "예정 시각부터 100"),
        Measure::Ringing => words("planned to 180 or 183", "예정 시각부터 180·183"),
        Measure::Answered => words("planned to 200", "예정 시각부터 200"),
        Measure::Agent => words("planned to the agent's INVITE", "예정 시각부터 상담원 INVITE"),
        Measure::Acknowledged => words("the agent's 200 to its ACK", "상담원 200부터 ACK"),
        Measure::Bye => words("BYE to its answer", "BYE부터 응답"),
        Measure::Cancel => words("CANCEL to the 487", "CANCEL부터 487"),
        Measure::NextRing => words("agent free to the next ring", "상담원 대기부터 다음 호출"),
        Measure::Registered => words("REGISTER to 200", "REGISTER부터 200"),
    }
}

/// What became of calls, in English and Korean.
pub(crate) fn of_outcome(outcome: Outcome) -> (String, String) {
    let told = |en: &str, ko: &str| (en.to_owned(), ko.to_owned());
    match outcome {
        Outcome::Completed => told("completed", "정상 종료"),
        Outcome::Abandoned => told("abandoned as planned", "계획된 포기"),
        Outcome::Refused(status) => (format!("refused with {status}"), format!("거절 {status}")),
        Outcome::Unanswered => told("no final answer", "최종 응답 없음"),
        Outcome::HungUp => told("hung up by the system before the talk", "통화 전 시스템이 종료"),
        Outcome::CutOff => told("cut off by the system while talking", "통화 중 시스템이 끊음"),
        Outcome::NotEnded => told("BYE not answered with 2xx", "BYE에 2xx 응답 없음"),
        Outcome::NotMade => {
            told("not made: `calls_max` calls were in progress", "`calls_max` 초과로 발신하지 않음")
        }
        Outcome::LeftOver => told("still there when `drain` was over", "`drain` 종료 후에도 남음"),
    }
}

/// What went wrong at agents, in English and Korean.
pub(crate) fn of_fault(fault: AgentFault) -> Words {
    match fault {
        AgentFault::NotAcknowledged => words("agents' 200 never acknowledged", "상담원 200에 ACK 없음"),
        AgentFault::NotEnded => words("agents' BYE not answered with 2xx", "상담원 BYE에 2xx 응답 없음"),
        AgentFault::LeftOver => {
            words("agents still in a call when `drain` was over", "`drain` 종료 후에도 통화 중인 상담원")
        }
    }
}

fn fault_key(fault: AgentFault) -> &'static str {
    match fault {
        AgentFault::NotAcknowledged => "agent_not_acknowledged",
        AgentFault::NotEnded => "agent_not_ended",
        AgentFault::LeftOver => "agent_left_over",
    }
}

/// The outcome's name in files.
fn outcome_key(outcome: Outcome) -> String {
    match outcome {
        Outcome::Completed => "completed".to_owned(),
        Outcome::Abandoned => "abandoned".to_owned(),
        Outcome::Refused(status) => format!("refused_{status}"),
        Outcome::Unanswered => "unanswered".to_owned(),
        Outcome::HungUp => "hung_up".to_owned(),
        Outcome::CutOff => "cut_off".to_owned(),
        Outcome::NotEnded => "not_ended".to_owned(),
        Outcome::NotMade => "not_made".to_owned(),
        Outcome::LeftOver => "left_over".to_owned(),
    }
}

/// Calls that are over, those of the warm-up included, or those at agents where nobody of ours calls: what the processor's
/// time is divided by.
fn calls_over(figures: &Figures) -> u64 {
    let seconds = figures.seconds.iter();
    let over: u64 =
        seconds.map(|second| u64::from(second.completed + second.abandoned + second.failed)).sum();
    if over == 0 { figures.rung } else { over }
}

/// For how long calls began, in seconds, without the warm-up.
fn counted_seconds(scenario: &Scenario, driven: &Driven) -> f64 {
    let begun = driven.figures.seconds.iter().rposition(|second| second.begun > 0).map_or(0, |last| last + 1);
    let all = if driven.was_stopped || driven.lost.is_some() {
        std::time::Duration::from_secs(begun as u64)
    } else {
        scenario.length
    };
    all.saturating_sub(scenario.warm_up).as_secs_f64()
}

/// What the terminal shows.
pub(crate) fn text(results: &Results) -> String {
    match &results.found {
        Outcomes::Test(driven) => test_text(&results.scenario, driven),
        Outcomes::Search(found) => search_text(found),
    }
}

fn test_text(scenario: &Scenario, driven: &Driven) -> String {
    let figures = &driven.figures;
    let mut text = String::new();
    let mut put = |line: &str| writeln!(text, "{line}").expect("a String takes every line");
    let counted = counted_seconds(scenario, driven);
    put(&format!(
        "{}: {} calls in {counted} s after the warm-up, {:.1} a second; {} failed ({})",
        scenario.file,
        figures.begun,
        figures.begun as f64 / counted.max(1.0),
        figures.failed(),
        percent(figures.failure_share()),
    ));
    if let Some(lost) = &driven.lost {
        put(&format!("the way to the system was lost: {lost}; what follows is of the calls until then"));
    }
    if driven.was_stopped {
        put("stopped before its time: what follows is of the calls that were made");
    }
    put("");
    for (outcome, count) in &figures.outcomes {
        put(&format!("{count:>10}  {}", of_outcome(*outcome).0));
    }
    for (fault, count) in &figures.agent_faults {
        put(&format!("{count:>10}  {}", of_fault(*fault).en));
    }
    put("");
    put(&times_head("milliseconds"));
    let rows = Measure::ALL.into_iter().map(|measure| (of_measure(measure).en, figures.times(measure)));
    rows.filter_map(|(name, times)| times_row(name, times)).for_each(|row| put(&row));
    put("");
    put(beside_text(scenario, figures).trim_end());
    if let Some(heard) = &driven.audio {
        put("");
        put(audio::text(&missed(scenario, driven), heard, figures.without_audio).trim_end());
        put("");
    }
    put(&format!(
        "this process: {:.0} µs of processor time a call (both ends), {:.1} % of one core",
        micros_a_call(driven),
        driven.processor.as_secs_f64() / driven.elapsed.as_secs_f64().max(1e-9) * 100.0,
    ));
    text
}

/// Agents and messages.
fn beside_text(scenario: &Scenario, figures: &Figures) -> String {
    let mut text = String::new();
    let mut put = |line: &str| writeln!(text, "{line}").expect("a String takes every line");
    let refused: u64 = figures.not_registered.values().sum();
    put(&format!("agents: {} registered, {refused} registrations refused", figures.registered));
    put(&format!(
        "        rung {} times, picked up {}, rung while on the phone {}, called by unknown names {}",
        figures.rung, figures.picked_up, figures.clashes, figures.unknown,
    ));
    if figures.not_kept > 0 {
        put(&format!(
            "        refused {} times because too many calls came or none was ended (`calls_max`)",
            figures.not_kept
        ));
    }
    put(&format!(
        "messages: {} sent again, {} came again, {} that belong to no call, {} not taken by this machine",
        figures.sent_again, figures.came_again, figures.strays, figures.not_sent,
    ));
    if figures.strangers > 0 && !scenario.callers.is_empty() {
        put(&format!(
            "{} calls came to agents with a From that is none of our callers'; with talk_from = \"agent\" these \
             callers wait in vain: let the system pass From on, or write talk_from = \"answer\"",
            figures.strangers,
        ));
    }
    text
}

/// The first line of a table of times.
fn times_head(title: &str) -> String {
    format!("{title:<32}{:>9}{}", "number", QUANTILES.map(|(name, _)| format!("{name:>10}")).concat())
}

/// A line of it; none where nothing was measured.
fn times_row(name: &str, times: &Histogram<u64>) -> Option<String> {
    let at = QUANTILES.map(|(_, share)| format!("{:>10}", millis(times.value_at_quantile(share))));
    (!times.is_empty()).then(|| format!("{name:<32}{:>9}{}", times.len(), at.concat()))
}

/// Processor time of the load itself for one call.
pub(crate) fn micros_a_call(driven: &Driven) -> f64 {
    driven.processor.as_secs_f64() * 1e6 / calls_over(&driven.figures).max(1) as f64
}

fn search_text(found: &Found) -> String {
    let mut text = String::new();
    let mut put = |line: &str| writeln!(text, "{line}").expect("a String takes every line");
    put("  calls/s     calls    failed    share   to agent p50        p99   our delay p99  verdict");
    for trial in &found.trials {
        let Trial { rate, driven, verdict } = trial;
        let figures = &driven.figures;
        let at = |measure, share| millis_of(figures, measure, share);
        put(&format!(
            "{rate:>9.1} {:>9} {:>9} {:>8} {:>14} {:>10} {:>15}  {}",
            figures.begun,
            figures.failed(),
            percent(figures.failure_share()),
            at(Measure::Agent, 0.5),
            at(Measure::Agent, 0.99),
            at(Measure::Lateness, 0.99),
            verdict.words(),
        ));
    }
    put("");
    put(&match found.highest {
        Some(rate) => format!("highest rate that held: {rate:.1} calls/s"),
        None => "no rate held; begin lower, with a smaller `from`".to_owned(),
    });
    if found.trials.iter().any(|trial| matches!(trial.verdict, Verdict::Late | Verdict::Full)) {
        put("the load itself was the limit in some trials: the system may hold more");
    }
    let silent = found.trials.iter().find(|trial| trial.verdict == Verdict::Silent);
    if let Some((en, _)) = silent.and_then(|trial| Silence::of(&trial.driven)?.told()) {
        put(&format!("in some trials {en}"));
    }
    text
}

fn millis_of(figures: &Figures, measure: Measure, share: f64) -> String {
    let times = figures.times(measure);
    if times.is_empty() { "-".to_owned() } else { millis(times.value_at_quantile(share)) }
}

/// Microseconds as milliseconds with three digits.
pub(crate) fn millis(micros: u64) -> String {
    let millis = micros as f64 / 1_000.0;
    match micros {
        ..=9_999 => format!("{millis:.2}"),
        10_000..=99_999 => format!("{millis:.1}"),
        100_000.. => format!("{millis:.0}"),
    }
}

pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

/// Everything, as one object.
pub(crate) fn json(results: &Results) -> Value {
    let scenario = &results.scenario;
    let mut object = json!({
        "scenario": scenario.file,
        "system": scenario.system.to_string(),
        "transport": scenario.protocol.transport().as_str().to_lowercase(),
        "seed": scenario.seed,
    });
    let (key, value) = match &results.found {
        Outcomes::Test(driven) => ("test", test_json(scenario, driven)),
        Outcomes::Search(found) => {
            let trials = found.trials.iter().map(|trial| {
                json!({ "calls_per_second": trial.rate, "verdict": trial.verdict.key(), "test": test_json(scenario, &trial.driven) })
            });
            let trials = trials.collect::<Vec<Value>>();
            ("search", json!({ "highest_calls_per_second": found.highest, "trials": trials }))
        }
    };
    object[key] = value;
    object
}

fn test_json(scenario: &Scenario, driven: &Driven) -> Value {
    let figures = &driven.figures;
    let outcomes: serde_json::Map<String, Value> =
        figures.outcomes.iter().map(|(outcome, count)| (outcome_key(*outcome), json!(count))).collect();
    let times: serde_json::Map<String, Value> = Measure::ALL
        .into_iter()
        .map(|measure| (measure.key().to_owned(), times_json(figures.times(measure))))
        .collect();
    let seconds = figures.seconds.iter().map(|second| {
        json!({
            "begun": second.begun,
            "completed": second.completed,
            "abandoned": second.abandoned,
            "failed": second.failed,
            "in_progress_max": second.in_progress,
        })
    });
    let audio = driven.audio.as_ref();
    let audio = audio.map(|heard| audio::object(&missed(scenario, driven), heard, figures.without_audio));
    json!({
        "audio": audio,
        "calls": figures.begun,
        "failed": figures.failed(),
        "failure_share": figures.failure_share(),
        "outcomes": outcomes,
        "agent_faults": figures.agent_faults.iter().map(|(fault, count)| (fault_key(*fault).to_owned(), json!(count)))
            .collect::<serde_json::Map<String, Value>>(),
        "lost": driven.lost,
        "milliseconds": times,
        "agents": {
            "registered": figures.registered,
            "registrations_refused": figures.not_registered.iter().map(|(status, count)| (status.to_string(), json!(count)))
                .collect::<serde_json::Map<String, Value>>(),
            "rung": figures.rung,
            "picked_up": figures.picked_up,
            "rung_while_on_the_phone": figures.clashes,
            "called_by_unknown_names": figures.unknown,
            "called_by_strangers": figures.strangers,
            "refused_unkept": figures.not_kept,
        },
        "messages": { "sent_again": figures.sent_again, "came_again": figures.came_again, "strays": figures.strays, "not_sent": figures.not_sent },
        "own_processor_microseconds_per_call": micros_a_call(driven),
        "stopped": driven.was_stopped,
        "seconds": seconds.collect::<Vec<Value>>(),
    })
}

fn times_json(times: &Histogram<u64>) -> Value {
    if times.is_empty() {
        return json!({ "number": 0 });
    }
    let at = |share| times.value_at_quantile(share) as f64 / 1_000.0;
    json!({
        "number": times.len(),
        "mean": times.mean() / 1_000.0,
        "p50": at(0.5),
        "p90": at(0.9),
        "p99": at(0.99),
        "p99.9": at(0.999),
        "max": at(1.0),
    })
}

/// A line for each figure: `calls_per_second,figure,quantile,value`; times in milliseconds.
///
/// # Errors
///
/// Those of the writer; there are none in memory.
pub(crate) fn csv(results: &Results) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["calls_per_second", "figure", "quantile", "value"])?;
    match &results.found {
        Outcomes::Test(driven) => rows(&mut writer, results.scenario.peak(), driven)?,
        Outcomes::Search(found) => {
            for trial in &found.trials {
                rows(&mut writer, trial.rate, &trial.driven)?;
            }
        }
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

fn rows(writer: &mut csv::Writer<Vec<u8>>, rate: f64, driven: &Driven) -> Result<(), csv::Error> {
    let figures = &driven.figures;
    let rate = format!("{rate:.1}");
    let mut row =
        |figure: &str, quantile: &str, value: String| writer.write_record([&rate, figure, quantile, &value]);
    row("calls", "", figures.begun.to_string())?;
    row("failed", "", figures.failed().to_string())?;
    for (outcome, count) in &figures.outcomes {
        row(&outcome_key(*outcome), "", count.to_string())?;
    }
    for (fault, count) in &figures.agent_faults {
        row(fault_key(*fault), "", count.to_string())?;
    }
    for measure in Measure::ALL {
        let times = figures.times(measure);
        if times.is_empty() {
            continue;
        }
        for (name, share) in QUANTILES {
            row(measure.key(), name, format!("{:.3}", times.value_at_quantile(share) as f64 / 1_000.0))?;
        }
    }
    for (figure, quantile, value) in
        driven.audio.iter().flat_map(|heard| audio::rows(heard, figures.without_audio))
    {
        row(&figure, quantile, value)?;
    }
    row("sent_again", "", figures.sent_again.to_string())?;
    row("own_processor_microseconds_per_call", "", format!("{:.1}", micros_a_call(driven)))
}
