//! The audio of a test: its figures with their names, and what of them is worse than the scenario wants.

use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::Histogram;
use load::{AudioFigures, Heard, Side};
use serde_json::{Map, Value, json};

use super::{QUANTILES, millis, percent, times_head, times_json, times_row};
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

/// What is worse than the scenario wants, in English and Korean.
pub(crate) fn missed(wanted: &Audio, figures: &AudioFigures) -> Vec<(String, String)> {
    let mut missed = Vec::new();
    for side in Side::BOTH {
        let (heard, (_, name)) = (figures.heard(side), of_side(side));
        let mut say = |en: String, ko: String| {
            missed.push((format!("{}: {en}", name.en), format!("{}: {ko}", name.ko)));
        };
        if heard.conversations == 0 {
            say(
                "nobody talked, so nothing was heard; see that the system hands From on".to_owned(),
                "통화가 없어 들은 것이 없음; 시스템이 From을 전달하는지 확인".to_owned(),
            );
        }
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
pub(super) fn text(wanted: &Audio, figures: &AudioFigures, without_audio: u64) -> String {
    let mut text = String::new();
    let mut put = |line: &str| writeln!(text, "{line}").expect("a String takes every line");
    for (en, _) in missed(wanted, figures) {
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

pub(super) fn object(wanted: &Audio, figures: &AudioFigures, without_audio: u64) -> Value {
    let mut object = json!({
        "sent": figures.sent,
        "left_out": figures.left_out,
        "not_sent": figures.not_sent,
        "calls_without": without_audio,
        "milliseconds": { "lateness": times_json(&figures.lateness) },
        "missed": missed(wanted, figures).into_iter().map(|(en, _)| en).collect::<Vec<String>>(),
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
