//! The description of the API, made from the handlers that it describes.

use axum::Json;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cordboard",
        description = "Agents, queues and interactions of a contact centre; figures and health of the process.\n\n\
            Everything under `agents`, `queues` and `interactions`, the SIP trace and the level of the log, wants \
            `Authorization: Bearer` with the `token` of `[http]`. Errors are `application/problem+json` with a \
            `remedy`."
    ),
    paths(
        super::agents::list,
        super::agents::show,
        super::agents::set_presence,
        super::agents::lift_forced,
        super::agents::end_after_call_work,
        super::agents::extend_after_call_work,
        super::queues::list,
        super::queues::show,
        super::interactions::list,
        super::export::export,
        super::interactions::show,
        super::interactions::change,
        super::interactions::call_back,
        super::interactions::withdraw_callback,
        super::wallboard::wallboard,
        super::log_level::show,
        super::log_level::switch,
        super::trace::show,
        super::trace::switch,
        super::health::healthz,
        super::health::readyz,
        super::metrics::metrics,
        openapi,
    ),
    components(schemas(super::interactions::Wherever)),
    modifiers(&Token),
    tags(
        (name = "agents", description = "Agents and their presence"),
        (name = "queues", description = "Queues and who waits"),
        (name = "interactions", description = "Interactions, and why this agent"),
        (name = "operations", description = "Wallboard, metrics, health, the SIP trace and the level of the log"),
    )
)]
struct Description;

/// The token in the terms of OpenAPI.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("token", token);
    }
}

/// The OpenAPI document.
pub fn document() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "operations", responses(
    (status = 200, description = "The OpenAPI document", content_type = "application/json"),
))]
pub(super) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}
