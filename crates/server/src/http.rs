//! HTTP: an API for programs, figures for machines, a wallboard for people, health for whoever watches the process.

mod agents;
mod api;
mod connections;
mod export;
mod guard;
mod health;
mod interactions;
mod log_level;
mod metrics;
mod openapi;
mod page;
mod plain;
mod problem;
mod queues;
mod token;
mod trace;
mod wallboard;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post, put};
use report::{ApiSeries, Exposition, Names, ProcessSeries, RingSeries};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::config::Secret;
use crate::limits::StreamFiles;
use crate::logging::LogSwitch;
use crate::phase::PhaseCell;
use crate::published::Published;
use crate::ring::Gauge;
use crate::sip_trace::SipTrace;
use crate::worker::Link;

pub use api::Api;
pub use openapi::document as openapi_document;

/// How long a request may take in all.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Octets of a request's body.
const BODY_MAX: usize = 16 * 1024;

/// All that handlers may see. They read what others published, and ask the machines through rings.
pub struct View {
    /// The clock.
    pub clock: Clock,
    /// Where the process stands.
    pub phase: Arc<PhaseCell>,
    /// The threads that must live.
    pub links: Vec<Arc<Link>>,
    /// Values that found no room in a backlog: state is lost.
    pub lost: Arc<AtomicU64>,
    /// Queues and agents as the distributor's thread last published them.
    pub published: Arc<ArcSwap<Published>>,
    /// Their names.
    pub names: Arc<ArcSwap<Names>>,
    /// The switch of the SIP trace.
    pub trace: Arc<SipTrace>,
    /// The level of the log.
    pub log: Arc<LogSwitch>,
    /// Whoever knows it may use the API.
    pub token: Option<Secret>,
    /// The ways to the machines.
    pub api: Api,
    /// What the API counts.
    pub api_series: ApiSeries,
    /// Every metric.
    pub exposition: Exposition,
    /// Those of the process itself.
    pub process: ProcessSeries,
    /// Those of the rings, and where they come from.
    pub rings: Vec<(RingSeries, Gauge)>,
    /// HTTP connections at once; for one more, one of those who hold the most is cut.
    pub connections_max: usize,
    /// The files that they may take; for one beyond, one of those who hold the most is cut, too.
    pub files: StreamFiles,
}

/// The address of a request's sender.
#[derive(Clone, Copy, Debug)]
struct Peer(SocketAddr);

/// All routes.
fn router(view: Arc<View>) -> Router {
    Router::new()
        .route("/", get(page::wallboard))
        .route("/wallboard.css", get(page::style))
        .route("/wallboard.js", get(page::script))
        .route("/wallboard.svg", get(page::icon))
        .route("/metrics", get(metrics::metrics))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/api/v1/wallboard", get(wallboard::wallboard))
        .route("/api/v1/openapi.json", get(openapi::openapi))
        .merge(guarded(Arc::clone(&view)))
        .fallback(problem::nowhere)
        .method_not_allowed_fallback(problem::not_so)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(axum::middleware::from_fn(guard::bounded))
        .layer(axum::middleware::from_fn(guard::headers))
        .with_state(view)
}

/// The routes for those who know the token.
fn guarded(view: Arc<View>) -> Router<Arc<View>> {
    Router::new()
        .route("/api/v1/agents", get(agents::list))
        .route("/api/v1/agents/{id}", get(agents::show))
        .route("/api/v1/agents/{id}/presence", put(agents::set_presence))
        .route("/api/v1/agents/{id}/presence/forced", delete(agents::lift_forced))
        .route("/api/v1/agents/{id}/after-call-work/end", post(agents::end_after_call_work))
        .route("/api/v1/agents/{id}/after-call-work/extend", post(agents::extend_after_call_work))
        .route("/api/v1/queues", get(queues::list))
        .route("/api/v1/queues/{name}", get(queues::show))
        .route("/api/v1/interactions", get(interactions::list))
        .route("/api/v1/interactions.csv", get(export::export))
        .route("/api/v1/interactions/{id}", get(interactions::show).patch(interactions::change))
        .route(
            "/api/v1/interactions/{id}/callback",
            post(interactions::call_back).delete(interactions::withdraw_callback),
        )
        .route("/api/v1/log-level", get(log_level::show).post(log_level::switch))
        .route("/api/v1/sip-trace", get(trace::show).post(trace::switch))
        .route_layer(axum::middleware::from_fn_with_state(view, token::required))
}

/// Serves until `stop` changes; then every connection ends with its present request.
pub async fn serve(listener: TcpListener, view: Arc<View>, stop: watch::Receiver<bool>) {
    let (most, files) = (view.connections_max, view.files);
    connections::serve(listener, router(view), most, files, stop).await;
}
