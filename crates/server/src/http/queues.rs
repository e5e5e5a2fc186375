//! Queues and who waits in them.
#![expect(
    unused_qualifications,
    reason = "the macro of the API's description writes longer paths than it needs"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use acd::{InteractionId, Waiting};
use axum::Json;
use axum::extract::State;
use cti::{Hours, InLine, Problem, Queue, Queues};
use engine::Engine;
use report::{QueueRow, Wallboard};
use serde::Deserialize;
use utoipa::IntoParams;

use super::View;
use super::api::Dictionary;
use super::problem::{Answer, NoQuery, Parameters, Path, Trouble};

/// The most who are listed of a line.
const LINE_MAX: usize = 1_000;
/// How many are, where nobody says.
const LINE: usize = 100;

/// How much of a line is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct HowMany {
    /// How many of those who wait are listed: 0 to 1000, else 100.
    line: Option<usize>,
}

/// Every queue as it is now, with the counts of the day.
#[utoipa::path(get, path = "/api/v1/queues", tag = "queues", operation_id = "list_queues", security(("token" = [])), responses(
    (status = 200, description = "Every queue, by name", body = Queues),
    (status = 400, description = "There is a query", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(State(view): State<Arc<View>>, _: NoQuery) -> Json<Queues> {
    let published = view.published.load();
    let dictionary = Dictionary::of(&view);
    let words = dictionary.words();
    let board = Wallboard::new(words.now, &published.snapshot, &published.figures, words.names);
    Json(Queues { as_of: words.time(published.snapshot.at), queues: board.queues })
}

/// One queue, and who waits in it, first in line first.
#[utoipa::path(get, path = "/api/v1/queues/{name}", tag = "queues", operation_id = "show_queue", security(("token" = [])),
    params(("name" = String, Path, description = "The name in the configuration", example = "billing"), HowMany),
    responses(
        (status = 200, description = "The queue", body = Queue),
        (status = 400, description = "The query cannot be taken", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such queue", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "So many cannot be listed", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A thread is stuck", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(view): State<Arc<View>>,
    Path(name): Path<String>,
    Parameters(wanted): Parameters<HowMany>,
) -> Answer<Queue> {
    let unknown = || Trouble(Problem::unknown("queue", &name, "see GET /api/v1/queues for all of them"));
    let queue = Dictionary::of(&view).words().find_queue(&name).ok_or_else(unknown)?;
    let most = wanted.line.unwrap_or(LINE);
    if most > LINE_MAX {
        let detail = format!("`line` is {most}; it must be 0 to {LINE_MAX}");
        return Err(Trouble(Problem::unusable(detail, "ask for fewer")));
    }
    let waiting = view.api.distributor(move |distributor| distributor.first_in_line(queue, most)).await?;
    let (waiting, callers) = view.api.engine(move |engine| named(engine, waiting)).await?;
    let dictionary = Dictionary::of(&view);
    let words = dictionary.words();
    let published = view.published.load();
    let figures = QueueRow::find(words.now, queue, &published.snapshot, &published.figures, words.names);
    Ok(Json(Queue {
        as_of: words.time(published.snapshot.at),
        figures: figures.ok_or_else(unknown)?,
        hours: published.openings.get(&queue).map(|opening| Hours {
            calendar: opening.calendar.clone(),
            next_change: opening.until.map(|until| until.to_string()),
        }),
        line: InLine::list(&waiting, &callers, &words),
    }))
}

/// Caller and number dialled of those who wait.
fn named(
    engine: &Engine,
    waiting: Vec<Waiting>,
) -> (Vec<Waiting>, BTreeMap<InteractionId, (String, String)>) {
    let named = |one: &Waiting| Some((one.interaction, engine.caller(one.interaction)?));
    let callers = waiting.iter().filter_map(named).collect();
    (waiting, callers)
}
