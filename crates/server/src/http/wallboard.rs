//! The wallboard's figures.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use report::Wallboard;
use serde::Serialize;
use utoipa::ToSchema;

use super::View;

/// The state of the contact centre now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Board {
    /// `starting`, `serving` or `draining`.
    phase: &'static str,
    /// Since the process started.
    uptime_seconds: f64,
    /// Interactions in progress: waiting, to be called back, ringing or in conversation.
    calls: u32,
    /// Queues and agents.
    #[serde(flatten)]
    wallboard: Wallboard,
}

/// Every queue and every agent as they are now; counts are of the day.
#[utoipa::path(get, path = "/api/v1/wallboard", tag = "operations", responses(
    (status = 200, description = "The state of the contact centre", body = Board),
))]
pub(super) async fn wallboard(State(view): State<Arc<View>>) -> Json<Board> {
    let (published, names) = (view.published.load(), view.names.load());
    let wallboard = Wallboard::new(view.clock.now(), &published.snapshot, &published.figures, &names);
    Json(Board {
        phase: view.phase.now().name(),
        uptime_seconds: view.clock.uptime().as_secs_f64(),
        calls: published.snapshot.interactions,
        wallboard,
    })
}
