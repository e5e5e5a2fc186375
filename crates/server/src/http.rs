//! HTTP: figures for machines, a wallboard for people, health for whoever watches the process.

mod connections;
mod guard;
mod health;
mod metrics;
mod openapi;
mod page;
mod trace;
mod wallboard;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use report::{Exposition, Names, ProcessSeries, RingSeries};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::phase::PhaseCell;
use crate::published::Published;
use crate::ring::Gauge;
use crate::sip_trace::SipTrace;
use crate::worker::Link;

pub use openapi::document as openapi_document;

/// How long a request may take in all.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Octets of a request's body.
const BODY_MAX: usize = 16 * 1024;

/// All that handlers may see. They read what others published and never touch a machine.
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
    /// Every metric.
    pub exposition: Exposition,
    /// Those of the process itself.
    pub process: ProcessSeries,
    /// Those of the rings, and where they come from.
    pub rings: Vec<(RingSeries, Gauge)>,
    /// HTTP connections at once; for one more, one of those who hold the most is cut.
    pub connections_max: usize,
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
        .route("/api/v1/sip-trace", get(trace::show).post(trace::switch))
        .route("/api/v1/openapi.json", get(openapi::openapi))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(axum::middleware::from_fn(guard::bounded))
        .layer(axum::middleware::from_fn(guard::headers))
        .with_state(view)
}

/// Serves until `stop` changes; then every connection ends with its present request.
pub async fn serve(listener: TcpListener, view: Arc<View>, stop: watch::Receiver<bool>) {
    let connections_max = view.connections_max;
    connections::serve(listener, router(view), connections_max, stop).await;
}
