//! Traces of calls on their way to an OpenTelemetry collector: OTLP over HTTP, in protobuf.
//!
//! Calls never wait for a collector. What is over is handed to [`Traces`], which keeps a bounded number; a task of the runtime sends
//! them in batches. Where the collector is slow or away they are dropped and counted, and not tried again: a trace is worth less than
//! the memory that a collector's bad day would take.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use report::TraceSeries;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tracing::warn;

use crate::config::{Endpoint, Otlp};

/// Calls whose spans wait for the collector; of one more they are dropped.
const CALLS_MAX: usize = 2_048;
/// Calls in one request.
const BATCH_MAX: usize = 256;
/// How long calls gather for one request.
const GATHERS_FOR: Duration = Duration::from_secs(1);
/// How long the collector may take for one request, the connection included.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long what is left at the end of the process may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where the spans of calls are handed in. Cheap to copy.
#[derive(Clone, Debug)]
pub struct Traces {
    calls: mpsc::Sender<Vec<Span>>,
    series: Arc<TraceSeries>,
}

impl Traces {
    /// The way in, and the task that sends.
    pub fn towards(otlp: &Otlp, endpoint: Endpoint, series: TraceSeries) -> (Traces, Export) {
        let series = Arc::new(series);
        let (calls, waiting) = mpsc::channel(CALLS_MAX);
        let service = otlp.service.clone();
        let export = Export { waiting, endpoint, service, series: Arc::clone(&series), is_well: true };
        (Traces { calls, series }, export)
    }

    /// Hands in the spans of a call; without room they are dropped and counted.
    pub fn add(&self, spans: Vec<Span>) {
        if self.calls.try_send(spans).is_err() {
            self.series.dropped(1);
        }
    }
}

/// Why a batch did not arrive.
#[derive(Debug)]
enum Trouble {
    /// No connection, or it broke.
    Lost(String),
    /// The collector said no.
    Refused(u16),
    /// It took longer than [`PATIENCE`].
    Slow,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Lost(why) => write!(f, "it cannot be reached: {why}"),
            Trouble::Refused(status) => write!(f, "it refused them with {status}"),
            Trouble::Slow => write!(f, "it took longer than {} s", PATIENCE.as_secs()),
        }
    }
}

/// Sends what was handed in.
#[derive(Debug)]
pub struct Export {
    waiting: mpsc::Receiver<Vec<Span>>,
    endpoint: Endpoint,
    service: String,
    series: Arc<TraceSeries>,
    /// Whether the last batch arrived: only a change is worth a line.
    is_well: bool,
}

impl Export {
    /// Sends until `stopped` changes, and then what is left, for a moment.
    pub async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while !*stopped.borrow_and_update() {
            let received = tokio::select! {
                received = self.waiting.recv_many(&mut batch, BATCH_MAX) => received,
                _ = stopped.changed() => break,
            };
            if received == 0 {
                // Nobody can hand in any more.
                return;
            }
            let gathering = async {
                while batch.len() < BATCH_MAX {
                    let room = BATCH_MAX - batch.len();
                    if self.waiting.recv_many(&mut batch, room).await == 0 {
                        return;
                    }
                }
            };
            tokio::select! {
                _ = tokio::time::timeout(GATHERS_FOR, gathering) => {}
                _ = stopped.changed() => {}
            }
            self.send(std::mem::take(&mut batch)).await;
        }
        let last = async {
            // Until the call log has handed in its last.
            while self.waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
                self.send(std::mem::take(&mut batch)).await;
            }
        };
        // Who does not answer in a moment is not waited for.
        let _all_sent = tokio::time::timeout(LAST_WORDS, last).await;
    }

    /// Sends one batch and counts what became of it.
    async fn send(&mut self, batch: Vec<Vec<Span>>) {
        if batch.is_empty() {
            return;
        }
        let calls = batch.len() as u64;
        let octets = self.request(batch).encode_to_vec();
        let sent = tokio::time::timeout(PATIENCE, post(&self.endpoint, octets)).await;
        match sent.unwrap_or(Err(Trouble::Slow)) {
            Ok(()) => {
                self.series.exported(calls);
                self.is_well = true;
            }
            Err(trouble) => {
                self.series.dropped(calls);
                if std::mem::take(&mut self.is_well) {
                    let at = self.endpoint.authority();
                    warn!(
                        collector = at,
                        "traces are dropped until the collector takes them again: {trouble}"
                    );
                }
            }
        }
    }

    fn request(&self, batch: Vec<Vec<Span>>) -> ExportTraceServiceRequest {
        let of_resource = [("service.name", self.service.as_str()), ("service.version", VERSION)];
        let attributes = of_resource.map(|(key, value)| KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) }),
            ..KeyValue::default()
        });
        let scope = InstrumentationScope { name: "cordboard".to_owned(), ..InstrumentationScope::default() };
        let spans = batch.into_iter().flatten().collect();
        let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
        let resource = Some(Resource { attributes: attributes.into(), ..Resource::default() });
        let resource_spans = vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
        ExportTraceServiceRequest { resource_spans }
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One request over a connection of its own: there is one a second at most.
async fn post(endpoint: &Endpoint, octets: Vec<u8>) -> Result<(), Trouble> {
    let lost = |error: &dyn std::error::Error| Trouble::Lost(error.to_string());
    let stream =
        TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await.map_err(|error| lost(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| lost(&error))?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(&endpoint.path)
        .header(HOST, endpoint.authority())
        .header(USER_AGENT, concat!("cordboard/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"))
        .body(Body::from(octets))
        .map_err(|error| lost(&error))?;
    let driving = tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    // Whatever else the collector has to say is not read.
    driving.abort();
    let status = answer.map_err(|error| lost(&error))?.status();
    if status.is_success() { Ok(()) } else { Err(Trouble::Refused(status.as_u16())) }
}
