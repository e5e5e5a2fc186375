//! Who may use the API: whoever knows the token.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cti::Problem;
use subtle::ConstantTimeEq;
use tracing::debug;

use super::problem::Trouble;
use super::{Peer, View};

/// Lets a request pass whose `Authorization: Bearer` is the token of `[http]` (RFC 6750 §2.1). A browser sends
/// no such header by itself, so a page of another site can do nothing here.
pub(super) async fn required(
    State(view): State<Arc<View>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let Some(token) = &view.token else {
        let problem = Problem {
            status: 403,
            title: "The API is off",
            detail: "no `token` is configured, so nobody may use this part of the API".to_owned(),
            remedy: "set `token` in [http] to at least 16 characters chosen by chance, and restart"
                .to_owned(),
        };
        return Trouble(problem).into_response();
    };
    let given = request.headers().get(header::AUTHORIZATION).and_then(bearer);
    if given.is_some_and(|given| bool::from(given.ct_eq(token.reveal().as_bytes()))) {
        return next.run(request).await;
    }
    view.api_series.refused();
    debug!(%peer, path = request.uri().path(), "a request without the token was refused");
    let problem = Problem {
        status: 401,
        title: "Not authorized",
        detail: match given {
            Some(_) => "the token is not the one of [http]".to_owned(),
            None => "the request has no token".to_owned(),
        },
        remedy: "send the header `Authorization: Bearer` with the `token` of [http]".to_owned(),
    };
    let mut response = Trouble(problem).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn bearer(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, token) = value.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_from_a_bearer_header_only() {
        let of = |value: &'static str| bearer(&HeaderValue::from_static(value)).map(<[u8]>::to_vec);
        assert_eq!(of("Bearer abc"), Some(b"abc".to_vec()));
        assert_eq!(of("bearer   abc "), Some(b"abc".to_vec()));
        assert_eq!(of("Basic abc"), None);
        assert_eq!(of("Bearer"), None);
        assert_eq!(of(""), None);
    }
}
