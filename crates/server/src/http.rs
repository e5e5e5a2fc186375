//! HTTP: figures for machines, a wallboard for people, health for whoever watches the process.

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
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use report::{Exposition, Names, ProcessSeries, RingSeries};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tracing::{debug, warn};

use crate::clock::Clock;
use crate::phase::PhaseCell;
use crate::published::Published;
use crate::ring::Gauge;
use crate::sip_trace::SipTrace;
use crate::worker::Link;

pub use openapi::document as openapi_document;

/// How long a request's head may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request may take in all.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a connection lives, kept alive or not; then it ends with its present request.
const CONNECTION_LIFE: Duration = Duration::from_secs(600);
/// How long an ending connection may take for its present request.
const LAST_REQUEST: Duration = Duration::from_secs(5);
/// Octets of a request's body.
const BODY_MAX: usize = 16 * 1024;
/// Octets that one connection buffers of a request's head.
const HEAD_MAX: usize = 16 * 1024;

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
    /// HTTP connections at once; the next ones wait in the system's backlog.
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
    let permits = Arc::new(Semaphore::new(view.connections_max));
    let router = router(view);
    let mut stopping = stop.clone();
    loop {
        let next = async {
            let permit = Arc::clone(&permits).acquire_owned().await.expect("nobody closes this semaphore");
            listener.accept().await.map(|accepted| (permit, accepted))
        };
        let accepted = tokio::select! {
            accepted = next => accepted,
            _ = stopping.changed() => return,
        };
        match accepted {
            Ok((permit, (stream, peer))) => {
                let service = router.clone().layer(axum::Extension(Peer(peer)));
                let stop = stop.clone();
                tokio::spawn(async move {
                    connection(stream, service, stop).await;
                    drop(permit);
                });
            }
            Err(error) => {
                warn!(%error, "an HTTP connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, service: Router, mut stop: watch::Receiver<bool>) {
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(serving);
    tokio::select! {
        ended = serving.as_mut() => return log_end(ended),
        _ = stop.changed() => {}
        () = tokio::time::sleep(CONNECTION_LIFE) => {}
    }
    serving.as_mut().graceful_shutdown();
    if let Ok(ended) = tokio::time::timeout(LAST_REQUEST, serving).await {
        log_end(ended);
    }
}

fn log_end(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        debug!(%error, "an HTTP connection ended");
    }
}
