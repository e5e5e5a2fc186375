//! What a simulation has found out, as a page for people.

mod staffing;

use std::fmt::Write as _;

use whatif::{GroupMeasure, Measure};

use super::comparison::{Difference, Verdict};
use super::figures::{Column, Kind, Outcome, Part, Row};
use super::scenario::{Scenario, clock, date, unplayed};
use super::words::{between, change, percent, with_half};
use super::{Results, service_level};
use crate::config::Problem;
use crate::results::figure::{Figure, Unit, value};
use crate::results::page::chart::{Chart, Line, Shape};
use crate::results::page::{both, drawn, escaped, folded, frame, grid, spoken, titled};
use crate::results::words::{Words, words};

/// The whole page.
pub(crate) fn page(results: &Results) -> String {
    let scenario = &results.scenario;
    let mut html = String::new();
    let mut put = |text: &str| writeln!(html, "{text}").expect("a String takes every line");
    let outcome = &results.outcomes[0];
    put(&warnings(scenario));
    put(&summary(scenario, outcome));
    for part in outcome.parts.iter().filter(|part| part.kind == Kind::Queue && part.is_used()) {
        put(&queue(scenario, part, &outcome.beside));
    }
    put(&groups(scenario, outcome));
    for (outcome, (_, differences)) in results.outcomes[1..].iter().zip(&results.comparisons) {
        put(&comparison(scenario, outcome, differences));
    }
    if let Some(plan) = &results.staffing {
        put(&staffing::section(scenario, plan));
    }
    put(&definitions(scenario));
    frame(&scenario.file, &both(&head(scenario, "en"), &head(scenario, "ko")), &html)
}

fn head(scenario: &Scenario, language: &str) -> String {
    let (day, runs) = (&scenario.day, &scenario.runs);
    let (from, to) = (format!("{}{}", date(day), clock(day.from)), clock(day.to));
    let (days, seed, sure) = (runs.replications, runs.seed, percent(runs.confidence));
    if language == "ko" {
        format!("{from}–{to}, 모의실험 {days}일, 시드 {seed}; ±와 색 띠는 {sure} 신뢰구간")
    } else {
        format!(
            "{from} to {to}, {days} simulated days, seed {seed}; ± and shaded bands are {sure} confidence"
        )
    }
}

/// What is odd about the files, as it is told on the terminal: figures of another centre must not pass for those of this.
fn warnings(scenario: &Scenario) -> String {
    if scenario.warnings.is_empty() {
        return String::new();
    }
    let item = |problem: &Problem| {
        let place = escaped(&format!("{}:{}:{}", problem.file, problem.line, problem.column));
        let message = match unplayed::korean(&problem.message) {
            Some(korean) => both(&escaped(&problem.message), &escaped(&korean)),
            None => escaped(&problem.message),
        };
        format!("<li><code>{place}</code> {message}</li>")
    };
    let items: String = scenario.warnings.iter().map(item).collect();
    section(words("Warnings", "주의할 점"), &format!("<ul class=\"warnings\">{items}</ul>"))
}

/// The figures of the whole day, large.
fn summary(scenario: &Scenario, outcome: &Outcome) -> String {
    let Some(centre) = outcome.parts.iter().find(|part| part.kind == Kind::Centre) else {
        return String::new();
    };
    let columns = [
        Column::Callers(Measure::Offered),
        Column::level(scenario.runs.level),
        Column::Callers(Measure::AverageSpeedOfAnswer),
        Column::Callers(Measure::AbandonmentRate),
    ];
    let mut cards = String::new();
    for column in columns {
        cards.push_str(&card(&spoken(column.words()), centre.day.get(column), column.unit()));
    }
    if outcome.beside.contains(&Measure::Closed) {
        let label = spoken(words("Came while closed", "운영 시간 외 인입"));
        cards.push_str(&card(&label, centre.day.get(Column::Callers(Measure::Closed)), Unit::Count));
    }
    if outcome.beside.contains(&Measure::Blocked) {
        let column = Column::Callers(Measure::Blocked);
        cards.push_str(&card(&spoken(column.words()), centre.day.get(column), column.unit()));
    }
    for group in outcome.parts.iter().filter(|part| part.kind == Kind::Group) {
        let column = Column::Agents(GroupMeasure::Occupancy);
        let label = format!("{} {}", spoken(column.words()), escaped(&group.name));
        cards.push_str(&card(&label, group.day.get(column), column.unit()));
    }
    let mut html = section(words("The day", "하루 전체"), &format!("<div class=\"cards\">{cards}</div>"));
    html.push_str(&never_served(outcome));
    html
}

/// Says of any case that somebody waited in vain.
fn never_served(outcome: &Outcome) -> String {
    let Some(count) = outcome.never_served() else { return String::new() };
    let korean = count.replace("Fewer than 0.1", "0.1 미만의 ");
    let korean = if count == korean { format!("{count}건") } else { format!("{korean}고객") };
    let said = both(
        &format!("{count} callers a day were never answered and never gave up: nobody served them."),
        &format!("하루 {korean}은 응답되지도 포기하지도 않음: 담당 상담원이 없음."),
    );
    format!("<p class=\"bad\">{said}</p>")
}

fn card(label: &str, figure: Option<Figure>, unit: Unit) -> String {
    let large = figure.map_or_else(|| "–".to_owned(), |figure| shown(figure.value, unit));
    let half = figure.map(|figure| figure.half()).filter(|half| half.is_finite());
    let half =
        half.map_or_else(String::new, |half| format!(" <span class=\"half\">±{}</span>", shown(half, unit)));
    format!(
        "<div class=\"card\"><div class=\"figure\">{large}</div><div class=\"quiet\">{label}{half}</div></div>"
    )
}

/// A figure with its unit, in both languages.
fn shown(figure: f64, unit: Unit) -> String {
    let en = value(figure, unit);
    match unit {
        Unit::Count | Unit::Share => en,
        Unit::Seconds => both(&en, &format!("{figure:.1}초")),
    }
}

/// The same of a change.
fn shown_change(figure: f64, unit: Unit) -> String {
    let en = change(figure, unit);
    match unit {
        Unit::Count => en,
        Unit::Share => both(&format!("{en} points"), &format!("{en}%p")),
        Unit::Seconds => both(&en, &en.replace("\u{a0}s", "초")),
    }
}

fn queue(scenario: &Scenario, part: &Part, beside: &[Measure]) -> String {
    let level = Column::level(scenario.runs.level);
    let line = |column: Column, class| Line { words: column.words(), class, points: points(part, column) };
    let target = part.target.map(|(share, _)| share);
    let mut calls =
        vec![line(Column::Callers(Measure::Offered), "a"), line(Column::Callers(Measure::Abandoned), "b")];
    if beside.contains(&Measure::Blocked) {
        calls.push(line(Column::Callers(Measure::Blocked), "c"));
    }
    let charts = [
        Chart {
            title: level.words(),
            unit: Unit::Share,
            labels: labels(scenario),
            lines: vec![line(level, "a")],
            target,
            shape: Shape::Line,
        },
        Chart {
            title: words("Answer delay in seconds", "응답 지연 (초)"),
            unit: Unit::Seconds,
            labels: labels(scenario),
            lines: vec![
                line(Column::Callers(Measure::AverageSpeedOfAnswer), "a"),
                line(Column::Delay(50), "c"),
                line(Column::Delay(90), "b"),
            ],
            target: None,
            shape: Shape::Line,
        },
        Chart {
            title: words("Calls", "인입"),
            unit: Unit::Count,
            labels: labels(scenario),
            lines: calls,
            target: None,
            shape: Shape::Bars,
        },
    ];
    let mut columns = vec![
        Column::Callers(Measure::Offered),
        level,
        Column::Callers(Measure::AverageSpeedOfAnswer),
        Column::Delay(50),
        Column::Delay(90),
        Column::Callers(Measure::AbandonmentRate),
        Column::Callers(Measure::Overflowed),
    ];
    columns.extend(beside.iter().map(|&measure| Column::Callers(measure)));
    let promise = part.target.map_or_else(String::new, |(share, within)| {
        let (share, within) = (share * 100.0, within.as_secs_f64());
        let said = both(
            &format!("{share:.0} % within {within} s promised"),
            &format!("목표: {within}초 이내 {share:.0}%"),
        );
        format!("<p class=\"quiet\">{said}</p>")
    });
    let title = format!("{} {}", spoken(Kind::Queue.words()), escaped(&part.name));
    let levels = levels(part);
    titled(&title, &format!("{promise}{}{}{levels}", drawn(&charts), table(scenario, part, &columns)))
}

/// Every variant of the service level for the day.
fn levels(part: &Part) -> String {
    let rows: String = service_level::WORDS
        .into_iter()
        .map(|(word, level)| {
            let figure = with_half(part.day.get(Column::level(level)), Unit::Share);
            format!(
                "<tr><th scope=\"row\">{word}</th><td class=\"left\">{}</td><td>{figure}</td></tr>",
                level.formula()
            )
        })
        .collect();
    let headings = [words("Variant", "종류"), words("Formula", "계산식"), words("Day, %", "하루, %")];
    folded(words("Every service level", "서비스 레벨 종류별"), &grid(&headings.map(spoken), &rows))
}

fn groups(scenario: &Scenario, outcome: &Outcome) -> String {
    let parts: Vec<&Part> = outcome.parts.iter().filter(|part| part.kind == Kind::Group).collect();
    let occupancy = Column::Agents(GroupMeasure::Occupancy);
    let mut html = String::new();
    for part in parts {
        let line =
            |column: Column| vec![Line { words: column.words(), class: "a", points: points(part, column) }];
        let chart = |column: Column, shape| Chart {
            title: column.words(),
            unit: column.unit(),
            labels: labels(scenario),
            lines: line(column),
            target: None,
            shape,
        };
        let charts = [chart(occupancy, Shape::Line), chart(Column::Scheduled, Shape::Bars)];
        let columns = [
            Column::Scheduled,
            occupancy,
            Column::Agents(GroupMeasure::Utilisation),
            Column::Agents(GroupMeasure::Answered),
        ];
        let title = format!("{} {}", spoken(Kind::Group.words()), escaped(&part.name));
        html.push_str(&titled(&title, &format!("{}{}", drawn(&charts), table(scenario, part, &columns))));
    }
    html
}

fn comparison(scenario: &Scenario, outcome: &Outcome, differences: &[Difference]) -> String {
    let rows: String = differences
        .iter()
        .map(|difference| {
            let Difference { kind, name, column, before, after, change: by, verdict } = difference;
            let unit = column.unit();
            let [low, high] = between([by.low, by.high], *verdict, unit);
            let korean = |text: &str| text.replace("\u{a0}s", "초");
            let (low, high) = (both(&low, &korean(&low)), both(&high, &korean(&high)));
            format!(
                "<tr><th scope=\"row\">{} {}</th><td \
                 class=\"left\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{low} … {high}</td><td \
                 class=\"left {}\">{}</td></tr>",
                spoken(kind.words()),
                escaped(name),
                spoken(column.words()),
                shown(*before, unit),
                shown(*after, unit),
                shown_change(by.value, unit),
                tone(*verdict),
                spoken(verdict.words()),
            )
        })
        .collect();
    let sure = percent(scenario.runs.confidence);
    let headings = [
        words("Of", "대상"),
        words("Figure", "지표"),
        words("Before", "이전"),
        words("After", "이후"),
        words("Change", "변화"),
        words("Between", "구간"),
        words("Says", "판정"),
    ];
    let note = both(
        &format!(
            "The same callers on the same days. The change lies between the two with {sure} confidence."
        ),
        &format!("같은 날 같은 고객으로 비교. 변화는 {sure} 신뢰수준에서 두 값 사이."),
    );
    let title = format!("{} {}", spoken(words("What if:", "만약:")), escaped(&outcome.name));
    let table = grid(&headings.map(spoken), &rows).replacen("<table>", "<table class=\"compared\">", 1);
    titled(&title, &format!("<p class=\"quiet\">{note}</p>{table}{}", never_served(outcome)))
}

fn tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "good",
        Verdict::Worse => "bad",
        Verdict::Higher | Verdict::Lower | Verdict::Unclear => "",
    }
}

fn definitions(scenario: &Scenario) -> String {
    let level = scenario.runs.level;
    let (word, formula) = (service_level::word(level), level.formula());
    let said = both(
        &format!(
            "Service level {word}: {formula}, where A is answered, B abandoned, F overflowed, K turned \
             away, S abandoned within 5 s, Off offered without the dequeued, each up to the threshold (T) or at all. Answer \
             delay counts from entry into the queue to the answer. Occupancy is conversation and after-call \
             work over these and idle time."
        ),
        &format!(
            "서비스 레벨 {word}: {formula}. A 응답, B 포기, F 넘침, K 수용 불가, S 5초 이내 포기, Off 인입이며 (T)는 기준 시간 이내. 응답 \
             지연은 대기열 진입부터 응답까지. 점유율은 통화와 후처리 시간을 이와 유휴 시간의 합으로 나눈 값."
        ),
    );
    format!("<p class=\"quiet\">{said}</p>")
}

/// Figures by interval and for the day, folded away.
fn table(scenario: &Scenario, part: &Part, columns: &[Column]) -> String {
    let line = |label: &str, row: &Row| {
        let cells: String = columns
            .iter()
            .map(|&column| format!("<td>{}</td>", with_half(row.get(column), column.unit())))
            .collect();
        format!("<tr><th scope=\"row\">{label}</th>{cells}</tr>")
    };
    let mut rows: String = part
        .intervals
        .iter()
        .enumerate()
        .map(|(number, row)| line(&scenario.day.label(number), row))
        .collect();
    rows.push_str(&line(&spoken(words("Day", "하루")), &part.day));
    let unit = |column: &Column| match column.unit() {
        Unit::Count => String::new(),
        Unit::Seconds => both(", s", ", 초"),
        Unit::Share => ", %".to_owned(),
    };
    let headings: Vec<String> = std::iter::once(spoken(words("Interval", "시간대")))
        .chain(columns.iter().map(|column| format!("{}{}", spoken(column.words()), unit(column))))
        .collect();
    folded(words("By interval", "시간대별"), &grid(&headings, &rows))
}

fn points(part: &Part, column: Column) -> Vec<Option<Figure>> {
    part.intervals.iter().map(|row| row.get(column)).collect()
}

/// When each interval begins.
fn labels(scenario: &Scenario) -> Vec<String> {
    (0..scenario.day.intervals()).map(|number| clock(scenario.day.interval(number).0)).collect()
}

fn section(title: Words, content: &str) -> String {
    titled(&spoken(title), content)
}
