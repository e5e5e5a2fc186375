//! The report for people.

mod audio;

use hdrhistogram::Histogram;
use load::{Figures, Measure, Second};

use super::drive::Driven;
use super::report::{
    Outcomes, QUANTILES, Results, micros_a_call, millis, missed, of_fault, of_measure, of_outcome, percent,
};
use super::scenario::Scenario;
use super::search::{Found, Trial, Verdict};
use crate::results::figure::{Figure, Unit};
use crate::results::page::chart::{Chart, Line, Shape};
use crate::results::page::{both, drawn, frame, grid, spoken, titled};
use crate::results::words::{Words, words};

/// The most columns of a chart over time.
const COLUMNS_MAX: usize = 120;

/// The whole page.
pub(crate) fn page(results: &Results) -> String {
    let scenario = &results.scenario;
    let transport = scenario.protocol.transport();
    let (system, transport) = (scenario.system, transport.as_str());
    let head = both(
        &format!("{system} over {transport}, seed {}", scenario.seed),
        &format!("{system}, {transport}, 시드 {}", scenario.seed),
    );
    let content = match &results.found {
        Outcomes::Test(driven) => test(scenario, driven),
        Outcomes::Search(found) => search(found),
    };
    frame(&scenario.file, &head, &content)
}

fn test(scenario: &Scenario, driven: &Driven) -> String {
    let figures = &driven.figures;
    let cards = [
        card(words("Calls", "호"), &figures.begun.to_string()),
        card(words("Failed", "실패"), &percent(figures.failure_share())),
        card(words("To the agent, p50", "상담원까지, p50"), &at(figures, Measure::Agent, 0.5)),
        card(words("To the agent, p99", "상담원까지, p99"), &at(figures, Measure::Agent, 0.99)),
        card(
            words("Own processor time a call", "호당 부하기 CPU 시간"),
            &format!("{:.0} µs", micros_a_call(driven)),
        ),
    ];
    let mut html =
        titled(&spoken(words("The test", "시험")), &format!("<div class=\"cards\">{}</div>", cards.concat()));
    if driven.was_stopped {
        let said = words("Stopped before its time.", "예정보다 일찍 중단됨.");
        html.push_str(&format!("<p class=\"bad\">{}</p>", spoken(said)));
    }
    html.push_str(&over_time(figures));
    if let Some(heard) = &driven.audio {
        html.push_str(&audio::section(&missed(scenario, driven), heard, figures.without_audio));
    }
    html.push_str(&times(figures));
    html.push_str(&outcomes(figures));
    html.push_str(&beside(figures));
    html
}

fn card(label: Words, figure: &str) -> String {
    format!(
        "<div class=\"card\"><div class=\"figure\">{figure}</div><div class=\"quiet\">{}</div></div>",
        spoken(label)
    )
}

fn at(figures: &Figures, measure: Measure, share: f64) -> String {
    let times = figures.times(measure);
    if times.is_empty() { "–".to_owned() } else { format!("{} ms", millis(times.value_at_quantile(share))) }
}

/// Calls by second, or by several seconds where there are many.
fn over_time(figures: &Figures) -> String {
    let wide = figures.seconds.len().div_ceil(COLUMNS_MAX).max(1);
    let columns: Vec<&[Second]> = figures.seconds.chunks(wide).collect();
    let labels: Vec<String> = (0..columns.len()).map(|column| format!("{} s", column * wide)).collect();
    let rate = |of: fn(&Second) -> u32| {
        let rate = |column: &&[Second]| column.iter().map(of).sum::<u32>() as f64 / column.len() as f64;
        columns.iter().map(|column| exactly(rate(column))).collect()
    };
    let most = |column: &&[Second]| column.iter().map(|second| second.in_progress).max().unwrap_or(0);
    let line = |en, ko, class, points| Line { words: words(en, ko), class, points };
    let chart = |title, lines| Chart {
        title,
        unit: Unit::Count,
        labels: labels.clone(),
        lines,
        target: None,
        shape: Shape::Steps,
    };
    let charts = [
        chart(
            words("Calls a second", "초당 호"),
            vec![
                line("begun", "시작", "a", rate(|second| second.begun)),
                line(
                    "completed or abandoned as planned",
                    "정상 종료·계획된 포기",
                    "c",
                    rate(|second| second.completed + second.abandoned),
                ),
                line("failed", "실패", "b", rate(|second| second.failed)),
            ],
        ),
        chart(
            words("Calls in progress", "진행 중인 호"),
            vec![line(
                "in progress",
                "진행 중",
                "a",
                columns.iter().map(|column| exactly(f64::from(most(column)))).collect(),
            )],
        ),
    ];
    titled(&spoken(words("Over time", "시간별")), &drawn(&charts))
}

fn exactly(value: f64) -> Option<Figure> {
    Some(Figure { value, low: value, high: value })
}

fn times(figures: &Figures) -> String {
    let rows: String = Measure::ALL
        .into_iter()
        .filter(|measure| !figures.times(*measure).is_empty())
        .map(|measure| {
            let times = figures.times(measure);
            let (name, cells) = (spoken(of_measure(measure)), cells(times));
            format!("<tr><th scope=\"row\">{name}</th><td>{}</td>{cells}</tr>", times.len())
        })
        .collect();
    let mut headings = vec![spoken(words("Milliseconds", "밀리초")), spoken(words("Number", "건수"))];
    headings.extend(QUANTILES.map(|(name, _)| name.to_owned()));
    titled(&spoken(words("Times", "소요 시간")), &grid(&headings, &rows))
}

/// The cells of a row of [`QUANTILES`].
fn cells(times: &Histogram<u64>) -> String {
    QUANTILES.map(|(_, share)| format!("<td>{}</td>", millis(times.value_at_quantile(share)))).concat()
}

fn outcomes(figures: &Figures) -> String {
    let rows: String = figures
        .outcomes
        .iter()
        .map(|(outcome, count)| {
            let (en, ko) = of_outcome(*outcome);
            let class = if outcome.is_failure() { " class=\"bad\"" } else { "" };
            format!("<tr><th scope=\"row\">{}</th><td{class}>{count}</td></tr>", both(&en, &ko))
        })
        .collect();
    let faults = figures.agent_faults.iter().map(|(fault, count)| {
        let name = spoken(of_fault(*fault));
        format!("<tr><th scope=\"row\">{name}</th><td class=\"bad\">{count}</td></tr>")
    });
    let rows: String = std::iter::once(rows).chain(faults).collect();
    let headings = [words("Calls", "호"), words("Number", "건수")].map(spoken);
    titled(&spoken(words("What became of them", "결과")), &grid(&headings, &rows))
}

/// Agents and messages.
fn beside(figures: &Figures) -> String {
    let refused = figures.not_registered.values().sum();
    let rows: String = [
        (words("agents registered", "등록된 상담원"), figures.registered),
        (words("registrations refused", "거절된 등록"), refused),
        (words("agents rung", "상담원 호출"), figures.rung),
        (words("picked up", "응답"), figures.picked_up),
        (words("rung while on the phone", "통화 중 호출"), figures.clashes),
        (words("called by unknown names", "알 수 없는 이름으로 호출"), figures.unknown),
        (words("called by somebody else", "부하기 외 발신자"), figures.strangers),
        (words("refused beyond `calls_max`", "`calls_max` 초과로 거절"), figures.not_kept),
        (words("messages sent again", "재전송한 메시지"), figures.sent_again),
        (words("messages that came again", "재수신한 메시지"), figures.came_again),
        (words("messages that belong to no call", "호에 속하지 않는 메시지"), figures.strays),
    ]
    .into_iter()
    .map(|(name, count)| format!("<tr><th scope=\"row\">{}</th><td>{count}</td></tr>", spoken(name)))
    .collect();
    let headings = [words("Beside", "기타"), words("Number", "건수")].map(spoken);
    titled(&spoken(words("Agents and messages", "상담원과 메시지")), &grid(&headings, &rows))
}

fn search(found: &Found) -> String {
    let highest = found.highest.map_or_else(|| "–".to_owned(), |rate| format!("{rate:.1}"));
    let label = words("Calls a second, the highest that held", "유지된 최고 초당 호");
    let mut html = titled(
        &spoken(words("The search", "탐색")),
        &format!("<div class=\"cards\">{}</div>", card(label, &highest)),
    );
    let mut trials: Vec<&Trial> = found.trials.iter().collect();
    trials.sort_by(|left, right| left.rate.total_cmp(&right.rate));
    let labels: Vec<String> = trials.iter().map(|trial| format!("{:.0}", trial.rate)).collect();
    let of = |measure: Measure, share: f64| {
        let point = |trial: &&Trial| {
            let times = trial.driven.figures.times(measure);
            exactly(times.value_at_quantile(share) as f64 / 1_000.0).filter(|_| !times.is_empty())
        };
        trials.iter().map(point).collect::<Vec<Option<Figure>>>()
    };
    let charts = [
        Chart {
            title: words("Failed", "실패"),
            unit: Unit::Share,
            labels: labels.clone(),
            lines: vec![Line {
                words: words("failed", "실패"),
                class: "b",
                points: trials.iter().map(|trial| exactly(trial.driven.figures.failure_share())).collect(),
            }],
            target: None,
            shape: Shape::Bars,
        },
        Chart {
            title: words("To the agent, ms", "상담원까지, ms"),
            unit: Unit::Count,
            labels,
            lines: vec![
                Line { words: words("p50", "p50"), class: "a", points: of(Measure::Agent, 0.5) },
                Line { words: words("p99", "p99"), class: "b", points: of(Measure::Agent, 0.99) },
            ],
            target: None,
            shape: Shape::Line,
        },
    ];
    html.push_str(&titled(&spoken(words("By calls a second", "초당 호별")), &drawn(&charts)));
    let rows: String = found.trials.iter().map(row).collect();
    let headings = [
        words("Calls a second", "초당 호"),
        words("Calls", "호"),
        words("Failed", "실패"),
        words("To the agent, p50", "상담원까지, p50"),
        words("p99", "p99"),
        words("Our delay, p99", "부하기 지연, p99"),
        words("Own processor time a call", "호당 부하기 CPU 시간"),
        words("Verdict", "판정"),
    ];
    html.push_str(&titled(
        &spoken(words("Every trial, as made", "시도 순서")),
        &grid(&headings.map(spoken), &rows),
    ));
    html
}

fn row(trial: &Trial) -> String {
    let Trial { rate, driven, verdict } = trial;
    let figures = &driven.figures;
    let (said, class) = match verdict {
        Verdict::Held => (words("held", "유지"), "good"),
        Verdict::Failed => (words("too high", "너무 높음"), "bad"),
        Verdict::Abandoned => (words("too high: too many gave up", "너무 높음: 포기가 많음"), "bad"),
        Verdict::Audio => (words("too high: the audio", "너무 높음: 음성"), "bad"),
        Verdict::Lost => (words("too high: the connection was lost", "너무 높음: 연결 끊김"), "bad"),
        Verdict::Full => (words("not made: `calls_max` calls in progress", "`calls_max` 초과로 무효"), ""),
        Verdict::Late => (words("not made: the load itself was late", "부하기 자체 지연으로 무효"), ""),
        Verdict::Silent => (words("not made: nobody talked", "통화가 없어 무효"), ""),
        Verdict::Stopped => (words("stopped", "중단"), ""),
    };
    format!(
        "<tr><th scope=\"row\">{rate:.1}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.0} \
         µs</td><td class=\"left {class}\">{}</td></tr>",
        figures.begun,
        percent(figures.failure_share()),
        at(figures, Measure::Agent, 0.5),
        at(figures, Measure::Agent, 0.99),
        at(figures, Measure::Lateness, 0.99),
        micros_a_call(driven),
        spoken(said),
    )
}
