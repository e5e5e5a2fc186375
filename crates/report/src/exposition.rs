//! The page of all metrics.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::{Registry, TextEncoder};
use timing::Instant;

use crate::series::{Definition, Group, Registration};

const BUILD_INFO: Definition =
    Definition { name: "cordboard_build_info", help: "Always 1; the version of Cordboard is a label." };

/// What all writers write to and `/metrics` reads. Clones are the same page.
#[derive(Clone)]
pub struct Exposition {
    registry: Registry,
    scraped_at: Arc<AtomicU64>,
    _build: Arc<Registration>,
}

impl Exposition {
    /// A page that says which version is running and nothing else yet.
    pub fn new(version: &str) -> Exposition {
        let registry = Registry::new();
        let mut group = Group::new("version", version);
        group.gauge(BUILD_INFO, &[]).set(1);
        let build = Arc::new(group.register(&registry));
        Exposition { registry, scraped_at: Arc::default(), _build: build }
    }

    /// The value of the HTTP header `Content-Type` of [`Exposition::render`].
    pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

    /// All metrics in Prometheus's text format 0.0.4, waits being as old as they are at `now`. Costs a walk over
    /// all series; never call it on a thread that decides.
    pub fn render(&self, now: Instant) -> String {
        self.scraped_at.store(now.as_micros(), Ordering::Relaxed);
        let families = self.registry.gather();
        TextEncoder::new().encode_to_string(&families).expect("gathered families have a name and a metric")
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Microseconds of the last [`Exposition::render`].
    pub(crate) fn scraped_at(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.scraped_at)
    }
}

impl fmt::Debug for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exposition").finish_non_exhaustive()
    }
}
