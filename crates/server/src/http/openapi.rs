//! The description of the API, made from the handlers that it describes.

use axum::Json;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(title = "Cordboard", description = "Figures, health and the wallboard of a contact centre."),
    paths(
        super::health::healthz,
        super::health::readyz,
        super::metrics::metrics,
        super::wallboard::wallboard,
        super::trace::show,
        super::trace::switch,
        openapi,
    )
)]
struct Description;

/// The OpenAPI document.
pub fn document() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", responses(
    (status = 200, description = "The OpenAPI document", content_type = "application/json"),
))]
pub(super) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}
