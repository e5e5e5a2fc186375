//! The audio of a test: its figures with their names, and what of them is worse than the scenario wants.

use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::Histogram;
use load::{AudioFigures, Heard, Side};
use serde_json::{Map, Value, json};

use super::{QUANTILES, millis, percent, times_head, times_json, times_row};
use crate::load::drive::Driven;
use crate::load::scenario::audio::Audio;
use crate::results::words::{Words, words};

/// A count of one end with its name in files and on the screen; whether more than none of it is bad.
pub(crate) struct Count {
    pub(crate) key: &'static str,
    pub(crate) words: Words,
    pub(crate) is_bad: bool,
    of: fn(&Heard) -> u64,
}

impl Count {
    /// How many at this end.
    pub(crate) fn at(&self, figures: &AudioFigures, side: Side) -> u64 {
        (self.of)(figures.heard(side))
    }
}

const fn count(key: &'static str, words: Words, is_bad: bool, of: fn(&Heard) -> u64) -> Count {
    Count { key, words, is_bad, of }
}

/// All of them, in the order of a report.
pub(crate) const COUNTS: [Count; 13] = [
    count("conversations", words("conversations", "통화"), false, |heard| heard.conversations),
    count(
        "foreign",
        words("packets of another call (crosstalk)", "다른 통화의 패킷 (혼선)"),
        true,
        |heard| heard.foreign,
    ),
    count(
        "one_way",
        words("conversations with nothing heard (one-way)", "아무것도 들리지 않은 통화 (단방향)"),
        true,
        |heard| heard.one_way,
    ),
    count(
        "not_recognised",
        words("conversations with other audio than the peer's", "상대의 음성이 아닌 통화"),
        true,
        |heard| heard.not_recognised,
    ),
    count("due", words("packets that had to come", "도착해야 할 패킷"), false, |heard| heard.due),
    count("lost", words("lost", "손실"), true, |heard| heard.lost),
    count("doubled", words("came again", "중복"), true, |heard| heard.doubled),
    count("overtaken", words("overtaken", "순서 뒤바뀜"), true, |heard| heard.overtaken),
    count("too_late", words("too late to be used", "너무 늦음"), true, |heard| heard.too_late),
    count("gaps", words("silences that were too long", "허용보다 긴 무음"), true, |heard| heard.gaps),
    count(
        "unrecognised",
        words("not recognised in a conversation", "통화 중 식별 불가"),
        true,
        |heard| heard.unrecognised,
    ),
    count("echoed", words("one's own that came back", "되돌아온 자기 음성"), true, |heard| {
        heard.echoed
    }),
    count("music", words("music and announcements", "음악·안내"), false, |heard| heard.music),
];

/// A time of one end with its name in files and on the screen.
pub(crate) struct Time {
    pub(crate) key: &'static str,
    pub(crate) words: Words,
    of: fn(&Heard) -> &Histogram<u64>,
}

impl Time {
    /// The times at this end.
    pub(crate) fn at<'a>(&self, figures: &'a AudioFigures, side: Side) -> &'a Histogram<u64> {
        (self.of)(figures.heard(side))
    }
}

/// All of them, in the order of a report.
pub(crate) const TIMES: [Time; 3] = [
    Time { key: "delay", words: words("through the system", "시스템 통과"), of: |heard| &heard.delay },
    Time {
        key: "first",
        words: words("conversation to the first packet", "통화 시작부터 첫 패킷"),
        of: |heard| &heard.first,
    },
    Time {
        key: "silence",
        words: words("longest silence of each", "통화별 최장 무음"),
        of: |heard| &heard.silence,
    },
];

/// The load's own delay, in words.
pub(crate) const LATENESS: Words = words("planned to sent (ours)", "예정 시각부터 송신 (부하기 자체)");

/// One end's name in files and on the screen.
pub(crate) fn of_side(side: Side) -> (&'static str, Words) {
    match side {
        Side::Callers => ("callers", words("callers", "고객")),
        Side::Agents => ("agents", words("agents", "상담원")),
    }
}

/// Why a test with audio says nothing of the system's: nobody talked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// It ended before its time, and before anybody did.
    EndedEarly,
    /// Nobody of ours called whom an agent was rung for.
    NoFrom,
    /// Calls that no agent answered had all the ports.
    NoPorts,
    /// No agent answered a call that counts.
    NoAnswer,
}

impl Silence {
    /// None where somebody talked, or nobody was to be heard.
    pub(crate) fn of(driven: &Driven) -> Option<Silence> {
        let (heard, figures) = (driven.audio.as_ref()?, &driven.figures);
        if heard.heard(Side::Callers).conversations > 0 {
            return None;
        }
        Some(if driven.was_stopped || driven.lost.is_some() {
            Silence::EndedEarly
        } else if figures.rung > 0 && figures.strangers == figures.rung {
            Silence::NoFrom
        } else if figures.without_audio > 0 {
            Silence::NoPorts
        } else {
            Silence::NoAnswer
        })
    }

    /// What is to be done about it, in English and Korean; none where it is nobody's fault.
    pub(crate) fn told(self) -> Option<(String, String)> {
        let (en, ko) = match self {
            Silence::EndedEarly => return None,
            Silence::NoFrom => (
                "agents were rung for none of our callers; let the system pass From on",
                "상담원에게 온 호의 From이 이 부하기의 고객이 아님; 시스템이 From을 전달하게 할 것",
            ),
            Silence::NoPorts => (
                "calls that no agent answered had all the ports; raise `calls` in [audio]",
                "응답되지 않은 호가 포트를 모두 사용함; [audio]의 `calls`를 늘릴 것",
            ),
            Silence::NoAnswer => (
                "no agent answered a call that began after the warm-up; see what became of the calls, or raise `length`",
                "예열 이후에 시작된 호에 응답한 상담원이 없음; 호의 결과를 확인하거나 `length`를 늘릴 것",
            ),
        };
        Some((
            format!("nobody talked, so nothing was heard: {en}"),
            format!("통화가 없어 들은 것이 없음: {ko}"),
        ))
    }
}

/// What was heard and is worse than the scenario wants, in English and Korean.
pub(crate) fn worse(wanted: &Audio, figures: &AudioFigures) -> Vec<(String, String)> {
    let mut missed = Vec::new();
    for side in Side::BOTH {
        let (heard, (_, name)) = (figures.heard(side), of_side(side));
        let mut say = |en: String, ko: String| {
            missed.push((format!("{}: {en}", name.en), format!("{}: {ko}", name.ko)));
        };
        if heard.foreign > 0 {
            say(
                format!("{} packets of ANOTHER CALL were heard", heard.foreign),
                format!("다른 통화의 패킷 {}개가 들림", heard.foreign),
            );
        }
        let mut beyond = |en: &str, ko: &str, share: f64, limit: f64| {
            if share > limit {
                let (share, limit) = (percent(share), percent(limit));
                say(format!("{share} {en}, more than {limit}"), format!("{ko} {share}, 허용 {limit}"));
            }
        };
        beyond("of packets lost", "패킷 손실", heard.loss(), wanted.loss);
        beyond(
            "of conversations without the peer",
            "상대가 들리지 않은 통화",
            heard.unheard_share(),
            wanted.unheard,
        );
        let slow = heard.delay.value_at_quantile(0.99);
        if wanted.delay.is_some_and(|limit| Duration::from_micros(slow) > limit) && !heard.delay.is_empty() {
            let slow = millis(slow);
            say(format!("p99 of the delay is {slow} ms"), format!("지연 p99 {slow} ms"));
        }
    }
    missed
}

/// What the terminal shows of it.
pub(super) fn text(missed: &[(String, String)], figures: &AudioFigures, without_audio: u64) -> String {
    let mut text = String::new();
    let mut put = |line: &str| writeln!(text, "{line}").expect("a String takes every line");
    for (en, _) in missed {
        put(&format!("AUDIO {en}"));
    }
    put(&format!("{:<44}{:>12}{:>12}", "audio that was heard by", "callers", "agents"));
    for row in &COUNTS {
        let at = Side::BOTH.map(|side| format!("{:>12}", row.at(figures, side)));
        put(&format!("  {:<42}{}", row.words.en, at.concat()));
    }
    put(&times_head("milliseconds of audio"));
    for side in Side::BOTH {
        let name = of_side(side).1.en;
        let rows = TIMES
            .iter()
            .filter_map(|time| times_row(&format!("{name}: {}", time.words.en), time.at(figures, side)));
        rows.for_each(|row| put(&row));
    }
    times_row(LATENESS.en, &figures.lateness).iter().for_each(|row| put(row));
    put(&format!(
        "packets: {} sent, {} left out because this machine was late, {} not taken by it; {without_audio} calls had no \
         audio because all ports were in use",
        figures.sent, figures.left_out, figures.not_sent,
    ));
    text
}

pub(super) fn object(missed: &[(String, String)], figures: &AudioFigures, without_audio: u64) -> Value {
    let mut object = json!({
        "sent": figures.sent,
        "left_out": figures.left_out,
        "not_sent": figures.not_sent,
        "calls_without": without_audio,
        "milliseconds": { "lateness": times_json(&figures.lateness) },
        "missed": missed.iter().map(|(en, _)| en.as_str()).collect::<Vec<&str>>(),
    });
    for side in Side::BOTH {
        let heard = figures.heard(side);
        let mut of: Map<String, Value> =
            COUNTS.iter().map(|row| (row.key.to_owned(), json!(row.at(figures, side)))).collect();
        of.insert("loss".to_owned(), json!(heard.loss()));
        of.insert("unheard".to_owned(), json!(heard.unheard_share()));
        let times = TIMES.iter().map(|time| (time.key.to_owned(), times_json(time.at(figures, side))));
        of.insert("milliseconds".to_owned(), Value::Object(times.collect()));
        object[of_side(side).0] = Value::Object(of);
    }
    object
}

/// Names, quantiles and values for a table with a line for each.
pub(super) fn rows(figures: &AudioFigures, without_audio: u64) -> Vec<(String, &'static str, String)> {
    let mut rows = vec![
        ("audio_sent".to_owned(), "", figures.sent.to_string()),
        ("audio_left_out".to_owned(), "", figures.left_out.to_string()),
        ("audio_not_sent".to_owned(), "", figures.not_sent.to_string()),
        ("audio_calls_without".to_owned(), "", without_audio.to_string()),
    ];
    let mut times = vec![("audio_lateness".to_owned(), &figures.lateness)];
    for side in Side::BOTH {
        let name = of_side(side).0;
        rows.extend(
            COUNTS
                .iter()
                .map(|row| (format!("audio_{name}_{}", row.key), "", row.at(figures, side).to_string())),
        );
        times.extend(TIMES.iter().map(|time| (format!("audio_{name}_{}", time.key), time.at(figures, side))));
    }
    for (name, times) in times.into_iter().filter(|(_, times)| !times.is_empty()) {
        rows.extend(QUANTILES.map(|(quantile, share)| {
            let value = times.value_at_quantile(share) as f64 / 1_000.0;
            (name.clone(), quantile, format!("{value:.3}"))
        }));
    }
    rows
}
