//! What figures are called on the screen, in English and Korean.

use super::comparison::Verdict;
use super::figures::{Column, Kind};
use crate::results::figure::{Figure, Unit};
use crate::results::words::{Words, words};
use whatif::{GroupMeasure, Measure};

impl Column {
    pub(crate) fn words(self) -> Words {
        match self {
            Column::Callers(measure) => match measure {
                Measure::Offered => words("Calls", "인입"),
                Measure::Answered => words("Answered", "응답"),
                Measure::AnsweredWithin => words("Answered in time", "목표 내 응답"),
                Measure::Abandoned => words("Abandoned", "포기"),
                Measure::Blocked => words("Turned away", "수용 불가"),
                Measure::Overflowed => words("Overflowed", "넘침"),
                Measure::Closed => words("While closed", "운영 종료 중"),
                Measure::Dequeued => words("Dequeued", "다른 대기열에서 처리"),
                Measure::Retrials => words("Calls again", "재시도"),
                Measure::AbandonmentRate => words("Abandonment", "포기율"),
                Measure::BlockingRate => words("Turned away", "수용 불가율"),
                Measure::OverflowRate => words("Overflowed", "넘침률"),
                Measure::UnservedRate => words("Never served", "미응대율"),
                Measure::DelayProbability => words("Had to wait", "대기 확률"),
                Measure::AverageSpeedOfAnswer => words("Answer delay", "응답 지연"),
                Measure::AverageWait => words("Wait", "대기 시간"),
                Measure::AverageHandlingTime => words("Conversation", "통화 시간"),
                Measure::QueueLength => words("Waiting on average", "평균 대기 수"),
                Measure::QueueLengthMax => words("Longest queue", "최대 대기 수"),
                Measure::ServiceLevel(_) => words("Service level", "서비스 레벨"),
            },
            Column::Delay(50) => words("Half answered by", "응답 지연 중앙값"),
            Column::Delay(_) => words("90 % answered by", "응답 지연 90%"),
            Column::Scheduled => words("Agents", "상담원 수"),
            Column::Agents(measure) => match measure {
                GroupMeasure::Occupancy => words("Occupancy", "점유율"),
                GroupMeasure::Utilisation => words("Utilisation", "가동률"),
                GroupMeasure::Presence => words("Presence", "재석률"),
                GroupMeasure::Answered => words("Answered", "응답"),
            },
        }
    }
}

impl Kind {
    pub(crate) fn words(self) -> Words {
        match self {
            Kind::Centre => words("All callers", "전체"),
            Kind::Queue => words("Queue", "대기열"),
            Kind::Callers => words("Callers", "인입 유형"),
            Kind::Group => words("Group", "상담 그룹"),
        }
    }
}

impl Verdict {
    pub(crate) fn words(self) -> Words {
        match self {
            Verdict::Better => words("better", "개선"),
            Verdict::Worse => words("worse", "악화"),
            Verdict::Higher => words("higher", "증가"),
            Verdict::Lower => words("lower", "감소"),
            Verdict::Unclear => words("no clear difference", "뚜렷한 차이 없음"),
        }
    }
}

/// A share without needless digits: `95 %`, `99.9 %`.
pub(crate) fn percent(share: f64) -> String {
    let percent = (share * 1_000.0).round() / 10.0;
    format!("{percent}\u{a0}%")
}

/// A figure with half of its interval; the unit stands in the heading.
pub(crate) fn with_half(figure: Option<Figure>, unit: Unit) -> String {
    let Some(figure) = figure else { return "–".to_owned() };
    let scale = if unit == Unit::Share { 100.0 } else { 1.0 };
    let (value, half) = (figure.value * scale, figure.half() * scale);
    if half.is_finite() { format!("{value:.1} ±{half:.1}") } else { format!("{value:.1}") }
}

/// A figure alone; the unit stands in the heading.
pub(crate) fn bare(figure: Option<Figure>, unit: Unit) -> String {
    let scale = if unit == Unit::Share { 100.0 } else { 1.0 };
    figure.map_or_else(|| "–".to_owned(), |figure| format!("{:.1}", figure.value * scale))
}

/// The most digits that a bound of a change is shown with.
const DIGITS_MAX: usize = 4;

/// The bounds of a change with their signs, with so many digits that neither of a clear one looks like zero.
pub(crate) fn between(bounds: [f64; 2], verdict: Verdict, unit: Unit) -> [String; 2] {
    let scale = if unit == Unit::Share { 100.0 } else { 1.0 };
    let is_zero = |digits: usize| {
        let least = 0.5 * 0.1_f64.powi(i32::try_from(digits).unwrap_or(i32::MAX));
        bounds.iter().any(|bound| *bound != 0.0 && (bound * scale).abs() < least)
    };
    let is_clear = verdict != Verdict::Unclear;
    let digits = (1..DIGITS_MAX).find(|&digits| !is_clear || !is_zero(digits)).unwrap_or(DIGITS_MAX);
    bounds.map(|bound| {
        let shown = match digits {
            1 => return change(bound, unit),
            digits => format!("{:+.digits$}", bound * scale),
        };
        match unit {
            Unit::Count | Unit::Share => shown,
            Unit::Seconds => format!("{shown}\u{a0}s"),
        }
    })
}

/// A change with its sign, in the words of its unit.
pub(crate) fn change(value: f64, unit: Unit) -> String {
    let scale = if unit == Unit::Share { 100.0 } else { 1.0 };
    // A zero has no sign, nor has what is shown as one.
    let shown = (value * scale * 10.0).round() / 10.0 + 0.0;
    match unit {
        Unit::Count | Unit::Share => format!("{shown:+.1}"),
        Unit::Seconds => format!("{shown:+.1}\u{a0}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_of_a_clear_change_do_not_look_like_zero() {
        let seconds = |bounds, verdict| between(bounds, verdict, Unit::Seconds);
        assert_eq!(seconds([-1.24, -0.004], Verdict::Better), ["-1.240\u{a0}s", "-0.004\u{a0}s"]);
        assert_eq!(seconds([-1.24, -0.2], Verdict::Better), ["-1.2\u{a0}s", "-0.2\u{a0}s"]);
        assert_eq!(seconds([-1.24, 0.004], Verdict::Unclear), ["-1.2\u{a0}s", "+0.0\u{a0}s"]);
        assert_eq!(between([0.000_3, 0.02], Verdict::Higher, Unit::Share), ["+0.03", "+2.00"]);
    }
}
