//! Answers to the user agent's questions (RFC 3263), by the resolver of the runtime.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use sip::Query;
use sip::locate::{Naptr, Question, Records, ResolverFailed, Srv};
use tokio::sync::Semaphore;
use tracing::{debug, warn};

use crate::inward::{Reply, deliver};
use crate::ring::Producer;

/// Questions that are asked at once; one more fails at once, as if the resolver had.
const QUESTIONS_MAX: usize = 1_024;
/// How long a question may take with all its repetitions.
const PATIENCE: Duration = Duration::from_secs(8);

/// Asks the DNS in tasks of the runtime.
#[derive(Clone)]
pub struct Dns {
    resolver: Resolver,
    replies: Producer<Reply>,
    permits: Arc<Semaphore>,
}

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dns").finish_non_exhaustive()
    }
}

impl Dns {
    /// A resolver that asks `servers`; without any, those of the system. Call inside the runtime.
    pub fn new(servers: &[SocketAddr], replies: Producer<Reply>) -> Dns {
        Dns { resolver: Resolver::new(servers), replies, permits: Arc::new(Semaphore::new(QUESTIONS_MAX)) }
    }

    /// Asks; the answer goes into the engine's ring.
    pub fn ask(&self, query: Query) {
        let dns = self.clone();
        tokio::spawn(async move {
            let permit = Arc::clone(&dns.permits).try_acquire_owned();
            let answer = match permit {
                Ok(_held) => dns.resolver.look_up(&query.question).await,
                Err(_) => Err(ResolverFailed),
            };
            debug!(question = ?query.question, ?answer, "DNS");
            deliver(&dns.replies, Reply::Resolved(query.id, answer)).await;
        });
    }
}

/// Asks the DNS and waits.
#[derive(Clone)]
pub(crate) struct Resolver(TokioResolver);

impl Resolver {
    /// Asks `servers`; without any, those of the system. Call inside a runtime.
    pub(crate) fn new(servers: &[SocketAddr]) -> Resolver {
        Resolver(resolver(servers))
    }

    /// What the DNS says; a failure after eight seconds.
    pub(crate) async fn look_up(&self, question: &Question) -> Result<Records, ResolverFailed> {
        tokio::time::timeout(PATIENCE, self.look_up_patiently(question)).await.unwrap_or(Err(ResolverFailed))
    }

    async fn look_up_patiently(&self, question: &Question) -> Result<Records, ResolverFailed> {
        let records = match question {
            Question::Naptr(name) => {
                let found = self.records(name, RecordType::NAPTR).await?;
                Records::Naptr(found.into_iter().filter_map(naptr).collect())
            }
            Question::Srv(name) => {
                let found = self.records(name, RecordType::SRV).await?;
                Records::Srv(found.into_iter().filter_map(srv).collect())
            }
            Question::A(name) => {
                let found = self.records(name, RecordType::A).await?;
                let address = |record| if let RData::A(address) = record { Some(address.0) } else { None };
                Records::A(found.into_iter().filter_map(address).collect())
            }
            Question::Aaaa(name) => {
                let found = self.records(name, RecordType::AAAA).await?;
                let address = |record| if let RData::AAAA(address) = record { Some(address.0) } else { None };
                Records::Aaaa(found.into_iter().filter_map(address).collect())
            }
        };
        Ok(records)
    }

    /// Every record in the answer, aliases among them; empty where the name or the kind does not exist.
    async fn records(&self, name: &str, kind: RecordType) -> Result<Vec<RData>, ResolverFailed> {
        match self.0.lookup(name, kind).await {
            Ok(answer) => Ok(answer.answers().iter().map(|record| record.data.clone()).collect()),
            Err(error) if error.is_no_records_found() || error.is_nx_domain() => Ok(Vec::new()),
            Err(error) => {
                debug!(name, %kind, %error, "the resolver failed");
                Err(ResolverFailed)
            }
        }
    }
}

fn resolver(servers: &[SocketAddr]) -> TokioResolver {
    let own = |servers: &[SocketAddr]| {
        let servers = servers.iter().map(|server| {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            connections.iter_mut().for_each(|connection| connection.port = server.port());
            NameServerConfig::new(server.ip(), true, connections)
        });
        let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    let builder = if servers.is_empty() {
        TokioResolver::builder_tokio().unwrap_or_else(|error| {
            warn!(%error, "the system names no DNS server: only numeric addresses and /etc/hosts can be reached");
            own(&[])
        })
    } else {
        own(servers)
    };
    builder.build().expect("a resolver without TLS has nothing that could be wrong")
}

fn naptr(record: RData) -> Option<Naptr> {
    let RData::NAPTR(record) = record else { return None };
    Some(Naptr {
        order: record.order,
        preference: record.preference,
        flags: String::from_utf8_lossy(&record.flags).into_owned(),
        service: String::from_utf8_lossy(&record.services).into_owned(),
        replacement: text(&record.replacement),
    })
}

fn srv(record: RData) -> Option<Srv> {
    let RData::SRV(record) = record else { return None };
    Some(Srv {
        priority: record.priority,
        weight: record.weight,
        port: record.port,
        target: text(&record.target),
    })
}

/// Lower case, without the dot at the end, except that the root stays `.`.
fn text(name: &Name) -> String {
    let text = name.to_lowercase().to_ascii();
    match text.strip_suffix('.') {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        Some(_) | None => text,
    }
}
