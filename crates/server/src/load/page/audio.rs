//! The audio of a test, as a section of its page.

use hdrhistogram::Histogram;
use load::{AudioFigures, Side};

use super::cells;
use crate::load::report::QUANTILES;
use crate::load::report::audio::{COUNTS, LATENESS, TIMES, of_side};
use crate::results::page::{both, grid, spoken, titled};
use crate::results::words::words;

pub(super) fn section(missed: &[(String, String)], figures: &AudioFigures, without_audio: u64) -> String {
    let missed: String =
        missed.iter().map(|(en, ko)| format!("<p class=\"bad\">{}</p>", both(en, ko))).collect();
    let title = spoken(words("Audio", "음성"));
    titled(&title, &format!("{missed}{}{}", counts(figures, without_audio), times(figures)))
}

fn counts(figures: &AudioFigures, without_audio: u64) -> String {
    let rows: String = COUNTS
        .iter()
        .map(|row| {
            let cell = |side| {
                let count = row.at(figures, side);
                let class = if row.is_bad && count > 0 { " class=\"bad\"" } else { "" };
                format!("<td{class}>{count}</td>")
            };
            let cells = Side::BOTH.map(cell).concat();
            format!("<tr><th scope=\"row\">{}</th>{cells}</tr>", spoken(row.words))
        })
        .collect();
    let [callers, agents] = Side::BOTH.map(|side| spoken(of_side(side).1));
    let table = grid(&[spoken(words("Heard by", "들은 쪽")), callers, agents], &rows);
    let AudioFigures { sent, left_out, not_sent, .. } = figures;
    let said = both(
        &format!(
            "{sent} packets sent, {left_out} left out because this machine was late, {not_sent} not taken by it; \
             {without_audio} calls had no audio because all ports were in use."
        ),
        &format!(
            "패킷 {sent}개 송신, 부하기 지연으로 생략 {left_out}개, 송신 실패 {not_sent}개; 포트가 모두 사용 중이라 음성 없는 호 \
             {without_audio}건."
        ),
    );
    format!("{table}<p class=\"quiet\">{said}</p>")
}

fn times(figures: &AudioFigures) -> String {
    let row = |name: String, times: &Histogram<u64>| {
        if times.is_empty() {
            return String::new();
        }
        format!("<tr><th scope=\"row\">{name}</th><td>{}</td>{}</tr>", times.len(), cells(times))
    };
    let of = |side: Side| {
        let name = spoken(of_side(side).1);
        TIMES
            .iter()
            .map(|time| row(format!("{name}: {}", spoken(time.words)), time.at(figures, side)))
            .collect()
    };
    let rows: [String; 2] = Side::BOTH.map(of);
    let rows = format!("{}{}", rows.concat(), row(spoken(LATENESS), &figures.lateness));
    let mut headings = vec![spoken(words("Milliseconds", "밀리초")), spoken(words("Number", "건수"))];
    headings.extend(QUANTILES.map(|(name, _)| name.to_owned()));
    grid(&headings, &rows)
}
