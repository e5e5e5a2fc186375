//! Errors as `application/problem+json` (RFC 9457), and requests whose faults are told that way.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, extract};
use cti::Problem;

/// A [`Problem`] on its way out.
#[derive(Debug)]
pub(super) struct Trouble(pub(super) Problem);

/// What a handler of the API gives.
pub(super) type Answer<T> = Result<Json<T>, Trouble>;

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Trouble {
        Trouble(problem)
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.0)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

fn rejected(status: StatusCode, detail: String) -> Trouble {
    Trouble(Problem {
        status: status.as_u16(),
        title: status.canonical_reason().unwrap_or("Unusable request"),
        detail,
        remedy: "see /api/v1/openapi.json for what this request takes".to_owned(),
    })
}

impl From<JsonRejection> for Trouble {
    fn from(rejection: JsonRejection) -> Trouble {
        rejected(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Trouble {
    fn from(rejection: QueryRejection) -> Trouble {
        rejected(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for Trouble {
    fn from(rejection: PathRejection) -> Trouble {
        rejected(rejection.status(), rejection.body_text())
    }
}

/// A JSON body.
#[derive(FromRequest)]
#[from_request(via(Json), rejection(Trouble))]
pub(super) struct Body<T>(pub(super) T);

/// The query of the URL.
#[derive(FromRequestParts)]
#[from_request(via(extract::Query), rejection(Trouble))]
pub(super) struct Parameters<T>(pub(super) T);

/// What stands in the path.
#[derive(FromRequestParts)]
#[from_request(via(extract::Path), rejection(Trouble))]
pub(super) struct Path<T>(pub(super) T);
