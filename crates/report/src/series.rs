//! Series that come and go together, with the labels they share.

use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, Histogram, HistogramOpts, IntCounter, IntGauge, Opts, Registry};

/// Why making a metric cannot fail.
const VALID: &str = "names and labels of metrics are constants of this crate";

/// The name and the explanation of a metric: the same wherever one of its series is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
}

/// Labels beside the one that a group shares.
pub(crate) type Labels<'a> = &'a [(&'static str, &'a str)];

/// Collects the series of one thing (a queue, a ring) before they are shown.
pub(crate) struct Group {
    shared: Vec<(&'static str, String)>,
    collectors: Vec<Box<dyn Collector>>,
}

impl Group {
    /// A group whose series all carry this label.
    pub(crate) fn new(label: &'static str, value: &str) -> Group {
        Group { shared: vec![(label, value.to_owned())], collectors: Vec::new() }
    }

    /// A group whose series share no label.
    pub(crate) fn bare() -> Group {
        Group { shared: Vec::new(), collectors: Vec::new() }
    }

    pub(crate) fn options(&self, definition: Definition, labels: Labels<'_>) -> Opts {
        let mut options = Opts::new(definition.name, definition.help);
        for (label, value) in &self.shared {
            options = options.const_label(*label, value);
        }
        for (label, value) in labels {
            options = options.const_label(*label, *value);
        }
        options
    }

    pub(crate) fn counter(&mut self, definition: Definition, labels: Labels<'_>) -> IntCounter {
        let counter = IntCounter::with_opts(self.options(definition, labels)).expect(VALID);
        self.add(counter)
    }

    /// A counter of seconds.
    pub(crate) fn seconds(&mut self, definition: Definition, labels: Labels<'_>) -> Counter {
        let counter = Counter::with_opts(self.options(definition, labels)).expect(VALID);
        self.add(counter)
    }

    pub(crate) fn gauge(&mut self, definition: Definition, labels: Labels<'_>) -> IntGauge {
        let gauge = IntGauge::with_opts(self.options(definition, labels)).expect(VALID);
        self.add(gauge)
    }

    /// A gauge of seconds or of a ratio.
    pub(crate) fn real_gauge(&mut self, definition: Definition, labels: Labels<'_>) -> Gauge {
        let gauge = Gauge::with_opts(self.options(definition, labels)).expect(VALID);
        self.add(gauge)
    }

    pub(crate) fn histogram(
        &mut self,
        definition: Definition,
        edges: &[f64],
        labels: Labels<'_>,
    ) -> Histogram {
        let options = HistogramOpts::from(self.options(definition, labels)).buckets(edges.to_vec());
        let histogram = Histogram::with_opts(options).expect(VALID);
        self.add(histogram)
    }

    /// Adds a series and gives back the handle to write to it.
    pub(crate) fn add<C: Collector + Clone + 'static>(&mut self, collector: C) -> C {
        self.collectors.push(Box::new(collector.clone()));
        collector
    }

    /// Shows the series until the registration is dropped. They must not be shown already.
    pub(crate) fn register(self, registry: &Registry) -> Registration {
        let set = SeriesSet(Arc::new(self.collectors));
        registry
            .register(Box::new(set.clone()))
            .expect("each writer is made once, and its groups have labels of their own");
        Registration { registry: registry.clone(), set }
    }
}

/// Series that are shown while this lives.
pub(crate) struct Registration {
    registry: Registry,
    set: SeriesSet,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let removed = self.registry.unregister(Box::new(self.set.clone()));
        debug_assert!(removed.is_ok(), "what is registered can be removed");
    }
}

/// Several collectors as one, so that they are shown and removed in one step.
#[derive(Clone)]
struct SeriesSet(Arc<Vec<Box<dyn Collector>>>);

impl Collector for SeriesSet {
    fn desc(&self) -> Vec<&Desc> {
        self.0.iter().flat_map(|collector| collector.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.0.iter().flat_map(|collector| collector.collect()).collect()
    }
}

/// Brings a counter to a total that somebody else counts. One writer only; a total that fell changes nothing.
pub(crate) fn raise(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

/// Counts as a gauge wants them.
pub(crate) fn as_gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
