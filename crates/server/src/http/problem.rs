//! Errors as `application/problem+json` (RFC 9457), and requests whose faults are told that way.

use axum::body::HttpBody;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, extract};
use cti::Problem;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::plain;

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
        rejected(rejection.status(), plain::of_query(&rejection.body_text()))
    }
}

impl From<PathRejection> for Trouble {
    fn from(rejection: PathRejection) -> Trouble {
        rejected(rejection.status(), plain::of_path(&rejection.body_text()))
    }
}

/// A JSON object as body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Trouble;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Trouble> {
        let Json(value) = Json::<Value>::from_request(request, state).await?;
        // A derived reader takes an array for a struct; nobody means that.
        let Value::Object(object) = value else {
            let detail = "the body must be a JSON object".to_owned();
            return Err(rejected(StatusCode::UNPROCESSABLE_ENTITY, detail));
        };
        plain::read(&object).map(Body).map_err(|detail| rejected(StatusCode::UNPROCESSABLE_ENTITY, detail))
    }
}

/// A JSON object as body, where there is a body.
pub(super) struct MaybeBody<T>(pub(super) Option<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for MaybeBody<T> {
    type Rejection = Trouble;

    async fn from_request(request: Request, state: &S) -> Result<MaybeBody<T>, Trouble> {
        if request.body().is_end_stream() {
            return Ok(MaybeBody(None));
        }
        Body::from_request(request, state).await.map(|Body(value)| MaybeBody(Some(value)))
    }
}

/// A path that leads nowhere.
pub(super) async fn nowhere(uri: Uri) -> Trouble {
    rejected(StatusCode::NOT_FOUND, format!("there is nothing at {}", uri.path()))
}

/// A path that does not take such a request.
pub(super) async fn not_so(method: Method, uri: Uri) -> Trouble {
    rejected(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is nothing for {}", uri.path()))
}

/// The query of the URL.
#[derive(FromRequestParts)]
#[from_request(via(extract::Query), rejection(Trouble))]
pub(super) struct Parameters<T>(pub(super) T);

/// No query at all: whoever sends one means something that is not done.
pub(super) struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<NoQuery, Trouble> {
        let query = parts.uri.query().unwrap_or_default();
        let key = query.split(['=', '&']).find(|key| !key.is_empty());
        match key {
            None => Ok(NoQuery),
            Some(key) => {
                let detail = format!("there is no `{key}` here: this request takes no query");
                Err(rejected(StatusCode::BAD_REQUEST, detail))
            }
        }
    }
}

/// What stands in the path.
#[derive(FromRequestParts)]
#[from_request(via(extract::Path), rejection(Trouble))]
pub(super) struct Path<T>(pub(super) T);
