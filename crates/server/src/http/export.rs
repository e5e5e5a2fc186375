//! Interactions that are over as a day of real calls: CSV in the columns that `cordboard simulate` reads.
//!
//! Nothing in it comes from a caller: the texts are names of queues of our configuration and words of ours. So no cell can
//! be a formula that somebody has dialled in.
#![expect(
    unused_qualifications,
    reason = "the macro of the API's description writes longer paths than it needs"
)]

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use acd::InteractionId;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use cti::{Filter, Problem, Words};
use engine::CallRecord;
use hours::{Date, Days, Utc, Zone};
use hyper::body::Frame;
use serde::Deserialize;
use utoipa::IntoParams;

use super::View;
use super::api::Dictionary;
use super::problem::{Parameters, Trouble};

/// Interactions that are written at once, with the ledger held.
const PAGE: usize = 500;
/// The headings. The first three are those that a scenario asks for; lengths are in seconds.
const HEADINGS: &str = "time,queue,talk,wait,outcome\n";

/// Which calls, and by which clock.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// The clock by which times are written, such as `Asia/Seoul`; UTC where it is left out.
    time_zone: Option<String>,
    /// Only calls of this day by that clock, such as `2026-11-20`.
    date: Option<String>,
}

/// Every interaction that is over, as far as they are remembered, as CSV for `cordboard simulate`: a line for each call
/// with its time, the queue that the number dialled led to, how long an agent talked (holds included; empty where none did),
/// how long the caller waited, and what became of it. Newest first.
#[utoipa::path(get, path = "/api/v1/interactions.csv", tag = "interactions", operation_id = "export_interactions", security(("token" = [])),
    params(Wanted),
    responses(
        (status = 200, description = "A line of headings and a line for each call", body = String, content_type = "text/csv"),
        (status = 400, description = "The query cannot be taken", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "There is no such date or time zone", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn export(
    State(view): State<Arc<View>>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Trouble> {
    let lines = Lines::new(&wanted)?;
    // What was sent off before is there from now on.
    view.api.remembered.read(|_| ()).await;
    let pages = Pages { view, lines, before: None, stage: Stage::Headings };
    let mut response = Body::new(pages).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    let name = HeaderValue::from_static("attachment; filename=\"interactions.csv\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// How lines are written, and of which day.
#[derive(Clone, Debug)]
struct Lines {
    zone: Zone,
    date: Option<Date>,
}

impl Lines {
    fn new(wanted: &Wanted) -> Result<Lines, Problem> {
        let zone = wanted.time_zone.as_deref().unwrap_or("UTC");
        let zone = Zone::named(zone).ok_or_else(|| {
            let detail = format!("there is no time zone `{zone}`");
            Problem::unusable(detail, "write it as the IANA database does, such as Asia/Seoul")
        })?;
        let read = |text: &String| match Days::parse(text) {
            Ok(Days::Dates { first, last }) if first == last => Ok(first),
            Ok(_) | Err(_) => Err(Problem::unusable(
                format!("`date` is `{text}`, which is no date"),
                "write it as year-month-day, such as 2026-11-20",
            )),
        };
        Ok(Lines { zone, date: wanted.date.as_ref().map(read).transpose()? })
    }

    /// Writes a call, unless it is of another day.
    fn write(&self, record: &CallRecord, words: &Words<'_>, text: &mut String) {
        let story = &record.story;
        let arrived = words.since_1970.saturating_sub(words.now.since(story.arrived));
        let local = self.zone.local(Utc::from_seconds(i64::try_from(arrived.as_secs()).unwrap_or(i64::MAX)));
        if self.date.is_some_and(|date| date != local.date) {
            return;
        }
        let second = local.second;
        let time = format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60);
        let talk = story.answered.map(|answered| seconds(record.ended.since(answered)));
        let queue = cell(&words.queue(story.entry));
        let (talk, wait) = (talk.unwrap_or_default(), seconds(record.waited()));
        text.push_str(&format!("{} {time},{queue},{talk},{wait},{}\n", local.date, record.outcome.name()));
    }
}

fn seconds(length: Duration) -> String {
    format!("{:.3}", length.as_secs_f64())
}

/// A text as RFC 4180 writes it.
fn cell(text: &str) -> String {
    if text.contains(['"', ',', ';', '\t', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

/// The answer, made while it is sent: no more than a page of it is in memory.
struct Pages {
    view: Arc<View>,
    lines: Lines,
    /// All that arrived from here on is written.
    before: Option<InteractionId>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Headings,
    Calls,
    Over,
}

impl Pages {
    fn next_text(&mut self) -> Option<String> {
        match self.stage {
            Stage::Headings => {
                self.stage = Stage::Calls;
                Some(HEADINGS.to_owned())
            }
            Stage::Calls => {
                let page = self
                    .view
                    .api
                    .remembered
                    .read_now(|ledger| ledger.list(self.before, PAGE, Filter::default()));
                self.before = page.last().map(|record| record.story.interaction);
                if page.len() < PAGE {
                    self.stage = Stage::Over;
                }
                let dictionary = Dictionary::of(&self.view);
                let words = dictionary.words();
                let mut text = String::new();
                page.iter().for_each(|record| self.lines.write(record, &words, &mut text));
                Some(text)
            }
            Stage::Over => None,
        }
    }
}

impl hyper::body::Body for Pages {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.next_text().map(|text| Ok(Frame::data(Bytes::from(text)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_with_a_mark_between_columns_is_put_into_quotes() {
        assert_eq!(cell("billing"), "billing");
        assert_eq!(cell("콜백, \"문의\""), "\"콜백, \"\"문의\"\"\"");
    }

    #[test]
    fn an_unknown_clock_or_day_is_refused_with_a_remedy() {
        let refused = |time_zone: Option<&str>, date: Option<&str>| {
            let wanted = Wanted { time_zone: time_zone.map(str::to_owned), date: date.map(str::to_owned) };
            Lines::new(&wanted).err().map(|problem| (problem.status, problem.remedy))
        };
        assert!(refused(Some("Asia/Soul"), None).is_some_and(|(status, _)| status == 422));
        assert!(refused(None, Some("20.11.2026")).is_some_and(|(_, remedy)| remedy.contains("2026-11-20")));
        assert_eq!(refused(Some("Asia/Seoul"), Some("2026-11-20")), None);
    }
}
