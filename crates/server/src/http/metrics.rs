//! Figures for Prometheus.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use report::Exposition;

use super::{View, health};

/// How long the threads may take to renew the figures that they publish only when asked.
const PATIENCE: Duration = Duration::from_millis(200);

/// Every metric in Prometheus's text format; each is explained in docs/metrics.md.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses(
    (status = 200, description = "Prometheus text format 0.0.4", content_type = "text/plain", body = String),
))]
pub(super) async fn metrics(State(view): State<Arc<View>>) -> Response {
    // Depths and counts are written when somebody wants them: an idle process has nothing to do.
    let _too_slow = health::silent_threads(&view, PATIENCE).await;
    // Thousands of series take milliseconds to write: not on a thread that also carries connections.
    let rendered = tokio::task::spawn_blocking(move || {
        view.process.set(&crate::process::figures());
        for (series, gauge) in &view.rings {
            let now = gauge();
            series.set(now.depth, now.capacity, now.dropped);
        }
        view.exposition.render(view.clock.now())
    });
    match rendered.await {
        Ok(text) => ([(header::CONTENT_TYPE, Exposition::CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
