//! Switching the SIP trace while the process runs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use cti::Problem;
use serde::{Deserialize, Serialize};
use tracing::info;
use utoipa::ToSchema;

use super::View;
use super::problem::{Answer, Body, NoQuery, Trouble};
use crate::sip_trace::SipTrace;

/// Which SIP messages go into the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tracing {
    /// Messages whose From, To or Call-ID contains this; `""`: all; `null`: none. At most 128 octets.
    pattern: Option<String>,
}

/// What is traced now.
#[utoipa::path(get, path = "/api/v1/sip-trace", tag = "operations", operation_id = "show_sip_trace", security(("token" = [])), responses(
    (status = 200, description = "What is traced", body = Tracing),
    (status = 400, description = "There is a query", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(State(view): State<Arc<View>>, _: NoQuery) -> Json<Tracing> {
    Json(Tracing { pattern: view.trace.shown() })
}

/// Traces the messages of an agent, a number or a call, everything, or nothing. They hold who calls whom.
#[utoipa::path(post, path = "/api/v1/sip-trace", tag = "operations", operation_id = "switch_sip_trace", security(("token" = [])), request_body = Tracing,
    responses(
        (status = 200, description = "What is traced from now on", body = Tracing),
        (status = 400, description = "There is a query, or the body is no JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or a wrong one", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too long", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body does not say that it is JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The pattern is too long, or the body says something else", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn switch(
    State(view): State<Arc<View>>,
    _: NoQuery,
    Body(wanted): Body<Tracing>,
) -> Answer<Tracing> {
    if wanted.pattern.as_ref().is_some_and(|pattern| pattern.len() > SipTrace::PATTERN_MAX) {
        let detail = format!("`pattern` is longer than {} octets", SipTrace::PATTERN_MAX);
        return Err(Trouble(Problem::unusable(detail, "take a part that tells the call from others")));
    }
    match wanted.pattern.as_deref() {
        Some("") => info!("SIP trace switched on for every message"),
        Some(pattern) => info!(pattern, "SIP trace switched on"),
        None => info!("SIP trace switched off"),
    }
    view.trace.show(wanted.pattern.clone());
    Ok(Json(wanted))
}
