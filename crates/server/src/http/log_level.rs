//! Switching the level of the log while the process runs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use cti::Problem;
use serde::{Deserialize, Serialize};
use tracing::warn;
use utoipa::ToSchema;

use super::View;
use super::problem::{Body, NoQuery};
use crate::config::LogLevel;

/// How important a line of the log must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Importance {
    /// The least important line that is written. `info` has one line a call, `debug` what happens to connections and
    /// questions, `trace` what the libraries say as well.
    level: LogLevel,
}

/// The level of the log.
#[utoipa::path(get, path = "/api/v1/log-level", tag = "operations", operation_id = "show_log_level", security(("token" = [])), responses(
    (status = 200, description = "The level that is in force", body = Importance),
    (status = 400, description = "There is a query", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(State(view): State<Arc<View>>, _: NoQuery) -> Json<Importance> {
    Json(Importance { level: view.log.level() })
}

/// Another level from now on, until it is switched again, the configuration is read again or the process ends.
#[utoipa::path(post, path = "/api/v1/log-level", tag = "operations", operation_id = "switch_log_level", security(("token" = [])), request_body = Importance,
    responses(
        (status = 200, description = "The level from now on", body = Importance),
        (status = 400, description = "There is a query, or the body is no JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too long", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body does not say that it is JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "There is no such level, or the body says something else", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn switch(
    State(view): State<Arc<View>>,
    _: NoQuery,
    Body(wanted): Body<Importance>,
) -> Json<Importance> {
    let before = view.log.level();
    view.log.switch(wanted.level);
    if before != wanted.level {
        // A warning, so that a log that was made quieter still says why it is.
        warn!(from = before.name(), to = wanted.level.name(), "the level of the log was switched by the API");
    }
    Json(wanted)
}
