//! The wallboard's figures.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::View;
use crate::board::Board;

/// Every queue and every agent as they are now.
#[utoipa::path(get, path = "/api/v1/wallboard", responses(
    (status = 200, description = "The state of the contact centre", body = Board),
))]
pub(super) async fn wallboard(State(view): State<Arc<View>>) -> Json<Board> {
    let (snapshot, titles, levels) = (view.snapshot.load(), view.titles.load(), view.levels.load());
    Json(Board::at(view.clock, view.phase.now(), &snapshot, &titles, &levels))
}
