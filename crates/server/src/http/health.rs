//! Whether the process lives, and whether it takes calls.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::View;
use crate::phase::Phase;

/// How long a thread may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often we look whether it has.
const LOOK: Duration = Duration::from_millis(2);

/// Whether the process lives.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// All is well.
    healthy: bool,
    /// Threads that did not answer in two seconds.
    silent_threads: Vec<&'static str>,
    /// Messages between threads that were lost because a thread was stuck: restart the process.
    lost_messages: u64,
}

/// Asks every thread for a sign of life: 200 where all answered and nothing was lost between them, else 503.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses(
    (status = 200, description = "The process lives", body = Health),
    (status = 503, description = "A thread is stuck or state is lost: restart the process", body = Health),
))]
pub(super) async fn healthz(State(view): State<Arc<View>>) -> (StatusCode, Json<Health>) {
    let silent = silent_threads(&view, PATIENCE).await;
    let lost_messages = view.lost.load(Ordering::Relaxed);
    let healthy = silent.is_empty() && lost_messages == 0;
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Health { healthy, silent_threads: silent, lost_messages }))
}

/// Asks every thread for a sign of life; those that have not given one in time.
pub(super) async fn silent_threads(view: &View, patience: Duration) -> Vec<&'static str> {
    let questions: Vec<u64> = view.links.iter().map(|link| link.ask()).collect();
    let asked = view.clock.now();
    loop {
        let silent: Vec<&'static str> = std::iter::zip(&view.links, &questions)
            .filter(|&(link, &question)| !link.has_answered(question))
            .map(|(link, _)| link.name())
            .collect();
        if silent.is_empty() || view.clock.now().since(asked) >= patience {
            return silent;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Whether new calls are taken.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// New calls are taken.
    ready: bool,
    /// `starting`, `serving` or `draining`.
    phase: &'static str,
}

/// 200 while new calls are taken, 503 before and after.
#[utoipa::path(get, path = "/readyz", tag = "operations", responses(
    (status = 200, description = "New calls are taken", body = Readiness),
    (status = 503, description = "Starting or draining", body = Readiness),
))]
pub(super) async fn readyz(State(view): State<Arc<View>>) -> (StatusCode, Json<Readiness>) {
    let phase = view.phase.now();
    let ready = phase == Phase::Serving;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, phase: phase.name() }))
}
