//! The section about the fewest agents.

use super::{labels, never_served};
use crate::results::figure::{Figure, Unit};
use crate::results::page::chart::{Chart, Line, Shape};
use crate::results::page::{both, drawn, escaped, grid, spoken, titled};
use crate::results::words::{Words, words};
use crate::simulate::figures::{Column, Kind, Part};
use crate::simulate::scenario::Scenario;
use crate::simulate::staffing::{Need, Plan};
use crate::simulate::words::with_half;
use whatif::Measure;

/// The numbers by interval, and the day that they give.
pub(super) fn section(scenario: &Scenario, plan: &Plan) -> String {
    let title = format!(
        "{} {}",
        spoken(words("Fewest agents of group", "최소 상담원 수: 상담 그룹")),
        escaped(&plan.group)
    );
    let hours = plan.agent_hours(scenario);
    let sum = both(&format!("{hours:.1} agent hours"), &format!("총 {hours:.1}인시"));
    let mut content = format!("<p class=\"quiet\">{sum}</p>");
    if plan.ignores_hours {
        content.push_str(&quiet(
            "Its own shifts and breaks are left out: the numbers say how many must be at their phones.",
            "이 그룹의 근무 시간과 휴식은 제외: 실제로 자리에 있어야 하는 인원.",
        ));
    }
    content.push_str(&drawn(&[chart(scenario, plan)]));
    content.push_str(&needs(scenario, plan));
    if let Some(most) = plan.too_few() {
        content.push_str(&quiet(
            &format!(
                "&gt; {most}: not even {most} agents of this group suffice; another group lacks people, or \
                 <code>agents_max</code> is too low."
            ),
            &format!("&gt; {most}: 이 그룹 {most}명으로도 부족함. 다른 그룹의 인원이 모자라거나 <code>agents_max</code>가 너무 작음."),
        ));
    }
    if plan.colleagues_max() > 0 {
        content.push_str(&quiet(
            "Erlang C and A are the agents of the whole pool less those of other groups who are there and serve these queues, too.",
            "Erlang C와 A는 전체 필요 인원에서, 그 시간에 이 대기열을 함께 담당하는 다른 그룹의 인원을 뺀 값.",
        ));
    }
    content.push_str(&quiet("The day with these numbers:", "이 인원으로 본 하루:"));
    content.push_str(&day(scenario, plan));
    content.push_str(&never_served(&plan.day));
    titled(&title, &content)
}

/// A sentence; it must be escaped.
fn quiet(en: &str, ko: &str) -> String {
    format!("<p class=\"quiet\">{}</p>", both(en, ko))
}

fn chart(scenario: &Scenario, plan: &Plan) -> Chart {
    let exact = |value: f64| Figure { value, low: value, high: value };
    let points = |of: fn(&Need) -> Option<u32>| {
        plan.intervals.iter().map(|need| of(need).map(|count| exact(f64::from(count)))).collect()
    };
    let line = |words: Words, class: &'static str, of: fn(&Need) -> Option<u32>| Line {
        words,
        class,
        points: points(of),
    };
    let mut lines = vec![
        line(words("Simulated", "모의실험"), "a", |need| need.agents),
        line(words("Erlang C", "Erlang C"), "b", |need| need.erlang_c),
    ];
    if plan.intervals.iter().any(|need| need.erlang_a.is_some()) {
        lines.push(line(words("Erlang A", "Erlang A"), "c", |need| need.erlang_a));
    }
    Chart {
        title: words("Fewest agents", "최소 상담원 수"),
        unit: Unit::Count,
        labels: labels(scenario),
        lines,
        target: None,
        shape: Shape::Steps,
    }
}

fn needs(scenario: &Scenario, plan: &Plan) -> String {
    let turns_away = plan.intervals.iter().any(Need::turns_away);
    let names_queues = plan.served.len() > 1;
    let row = |(number, need): (usize, &Need)| {
        let number_of = |count: Option<u32>| count.map_or_else(|| "–".to_owned(), |count| count.to_string());
        let agents =
            need.agents.map_or_else(|| format!("&gt; {}", plan.agents_max), |agents| agents.to_string());
        let mut cells = vec![
            format!("{:.1}", need.per_hour),
            format!("{:.2}", need.erlangs),
            format!("<b>{agents}</b>"),
            with_half(need.level, Unit::Share),
            with_half(need.delay, Unit::Seconds),
            with_half(need.abandonment, Unit::Share),
            with_half(need.one_fewer, Unit::Share),
            number_of(need.erlang_c),
            number_of(need.erlang_a),
        ];
        cells.extend(turns_away.then(|| with_half(need.blocked, Unit::Share)));
        cells.extend(names_queues.then(|| need.queue.as_deref().map_or_else(|| "–".to_owned(), escaped)));
        let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        format!("<tr><th scope=\"row\">{}</th>{cells}</tr>", scenario.day.label(number))
    };
    let rows: String = plan.intervals.iter().enumerate().map(row).collect();
    let mut headings = vec![
        words("Interval", "시간대"),
        words("Calls an hour", "시간당 인입"),
        words("Erlangs", "얼랑"),
        words("Agents", "상담원 수"),
        words("Service level, %", "서비스 레벨, %"),
        words("Answer delay, s", "응답 지연, 초"),
        words("Abandonment, %", "포기율, %"),
        words("With one fewer, %", "1명 적을 때, %"),
        words("Erlang C", "Erlang C"),
        words("Erlang A", "Erlang A"),
    ];
    headings.extend(turns_away.then_some(words("Turned away, %", "수용 불가율, %")));
    headings.extend(names_queues.then_some(words("Worst queue", "가장 나쁜 대기열")));
    table(headings, &rows)
}

/// The queues on the day with these numbers, and which of them miss their targets.
fn day(scenario: &Scenario, plan: &Plan) -> String {
    let mut columns = vec![
        Column::Callers(Measure::Offered),
        Column::level(scenario.runs.level),
        Column::Callers(Measure::AverageSpeedOfAnswer),
        Column::Callers(Measure::AbandonmentRate),
        Column::Callers(Measure::Overflowed),
    ];
    columns.extend(plan.day.beside.iter().map(|&measure| Column::Callers(measure)));
    let row = |part: &Part| {
        let cells: String = columns
            .iter()
            .map(|&column| format!("<td>{}</td>", with_half(part.day.get(column), column.unit())))
            .collect();
        let (tone, said) = match (plan.served.contains(&part.name), plan.misses(scenario, part)) {
            (true, true) => ("bad", spoken(words("missed", "미달"))),
            (true, false) => ("good", spoken(words("met", "달성"))),
            (false, _) => ("", "–".to_owned()),
        };
        let name = escaped(&part.name);
        format!("<tr><th scope=\"row\">{name}</th>{cells}<td class=\"left {tone}\">{said}</td></tr>")
    };
    let parts = plan.day.parts.iter().filter(|part| part.kind == Kind::Queue && part.is_used());
    let rows: String = parts.map(row).collect();
    let unit = |column: &Column| match column.unit() {
        Unit::Count => String::new(),
        Unit::Seconds => both(", s", ", 초"),
        Unit::Share => ", %".to_owned(),
    };
    let headings: Vec<String> = std::iter::once(spoken(Kind::Queue.words()))
        .chain(columns.iter().map(|column| format!("{}{}", spoken(column.words()), unit(column))))
        .chain([spoken(words("Target", "목표"))])
        .collect();
    grid(&headings, &rows)
}

fn table(headings: Vec<Words>, rows: &str) -> String {
    let headings: Vec<String> = headings.into_iter().map(spoken).collect();
    grid(&headings, rows)
}
