//! Switching the SIP trace while the process runs.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tracing::info;
use utoipa::ToSchema;

use super::{Peer, View};
use crate::sip_trace::SipTrace;

/// Which SIP messages go into the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tracing {
    /// Messages whose From, To or Call-ID contains this; `""`: all; `null`: none. At most 128 octets.
    pattern: Option<String>,
}

/// What is traced now. Answered to this machine only.
#[utoipa::path(get, path = "/api/v1/sip-trace", responses(
    (status = 200, description = "What is traced", body = Tracing),
    (status = 403, description = "Asked from another machine"),
))]
pub(super) async fn show(
    State(view): State<Arc<View>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    if !is_local(peer, &headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    Json(Tracing { pattern: view.trace.shown() }).into_response()
}

/// Traces the messages of an agent, a number or a call, everything, or nothing. From this machine only, for
/// messages hold who calls whom.
#[utoipa::path(post, path = "/api/v1/sip-trace", request_body = Tracing, responses(
    (status = 200, description = "What is traced from now on", body = Tracing),
    (status = 403, description = "Asked from another machine"),
    (status = 422, description = "The pattern is too long, or the body says something else"),
))]
pub(super) async fn switch(
    State(view): State<Arc<View>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Json(wanted): Json<Tracing>,
) -> Response {
    if !is_local(peer, &headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    if wanted.pattern.as_ref().is_some_and(|pattern| pattern.len() > SipTrace::PATTERN_MAX) {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    info!(pattern = wanted.pattern.as_deref(), "SIP trace switched");
    view.trace.show(wanted.pattern.clone());
    Json(wanted).into_response()
}

/// Whether the request comes from this machine and was meant for it: a page of another site that a browser
/// here shows could reach us under a name of its own (DNS rebinding), and then Host is that name.
fn is_local(peer: Peer, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = if host.starts_with('[') {
        host.split(']').next().unwrap_or_default().trim_start_matches('[')
    } else {
        host.split(':').next().unwrap_or_default()
    };
    let named_local = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    peer.0.ip().to_canonical().is_loopback() && named_local
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(peer: &str, host: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, axum::http::HeaderValue::from_static(host));
        is_local(Peer(peer.parse().expect("an address")), &headers)
    }

    #[test]
    fn only_this_machine_under_its_own_name_may_switch() {
        assert!(local("127.0.0.1:9", "127.0.0.1:8080"));
        assert!(local("[::1]:9", "[::1]:8080"));
        assert!(local("127.0.0.1:9", "localhost:8080"));
        assert!(!local("192.0.2.1:9", "127.0.0.1:8080"));
        assert!(!local("127.0.0.1:9", "evil.example:8080"));
        assert!(!local("127.0.0.1:9", ""));
    }
}
