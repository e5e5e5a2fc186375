//! A histogram of waits with one movable edge: the queue's own threshold.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus::Opts;
use prometheus::core::{Collector, Desc, Describer};
use prometheus::proto::{Bucket, Histogram, LabelPair, Metric, MetricFamily, MetricType};

/// The edges that every queue has, in seconds.
pub(crate) const EDGES: [u64; 16] = [1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800];

const MICROS: u64 = 1_000_000;

/// Waits by [`EDGES`] and, exactly, by a threshold that a reload may move without forgetting anything
/// (docs/decisions/0041-movable-bucket.md). One writer; clones are the same histogram.
#[derive(Clone)]
pub(crate) struct WaitHistogram(Arc<Cells>);

struct Cells {
    desc: Desc,
    name: &'static str,
    labels: Vec<LabelPair>,
    /// Waits up to and including the edge and more than the one before; the last cell has the rest.
    counts: [AtomicU64; EDGES.len() + 1],
    sum_micros: AtomicU64,
    threshold_micros: AtomicU64,
    /// Waits up to and including the threshold.
    within: AtomicU64,
}

impl WaitHistogram {
    pub(crate) fn new(name: &'static str, options: &Opts, threshold: Duration) -> WaitHistogram {
        let desc = options.describe().expect("names and labels of metrics are constants of this crate");
        let labels = desc.const_label_pairs.clone();
        let histogram = WaitHistogram(Arc::new(Cells {
            desc,
            name,
            labels,
            counts: Default::default(),
            sum_micros: AtomicU64::new(0),
            threshold_micros: AtomicU64::new(0),
            within: AtomicU64::new(0),
        }));
        histogram.set_threshold(threshold);
        histogram
    }

    pub(crate) fn observe(&self, waited: Duration) {
        let cells = &self.0;
        let waited = micros(waited);
        let cell = EDGES.partition_point(|edge| edge * MICROS < waited);
        cells.counts[cell].fetch_add(1, Ordering::Relaxed);
        cells.sum_micros.fetch_add(waited, Ordering::Relaxed);
        if waited <= cells.threshold_micros.load(Ordering::Relaxed) {
            cells.within.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Moves the edge. What was counted before is counted at the next fixed edge below, for nobody knows which
    /// of it belongs here; from now on the edge is exact.
    pub(crate) fn set_threshold(&self, threshold: Duration) {
        let threshold = micros(threshold);
        if threshold == self.0.threshold_micros.load(Ordering::Relaxed) {
            return;
        }
        let below = EDGES.partition_point(|edge| edge * MICROS <= threshold);
        let known = self.0.counts[..below].iter().map(|count| count.load(Ordering::Relaxed)).sum();
        self.0.within.store(known, Ordering::Relaxed);
        self.0.threshold_micros.store(threshold, Ordering::Relaxed);
    }

    fn value(&self) -> Histogram {
        let cells = &self.0;
        let threshold = cells.threshold_micros.load(Ordering::Relaxed);
        let within = cells.within.load(Ordering::Relaxed);
        let mut buckets = Vec::with_capacity(EDGES.len() + 1);
        let mut cumulative = 0;
        let mut below = 0;
        for (edge, count) in EDGES.iter().map(|edge| edge * MICROS).zip(&cells.counts) {
            let up_to = cumulative + count.load(Ordering::Relaxed);
            if (below + 1..edge).contains(&threshold) {
                // The writer goes on while this reads: keep the buckets in order.
                buckets.push(bucket(threshold, within.clamp(cumulative, up_to)));
            }
            buckets.push(bucket(edge, up_to));
            (below, cumulative) = (edge, up_to);
        }
        let all = cumulative + cells.counts[EDGES.len()].load(Ordering::Relaxed);
        if threshold > below {
            buckets.push(bucket(threshold, within.clamp(cumulative, all)));
        }
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets);
        histogram.set_sample_count(all);
        histogram.set_sample_sum(seconds(cells.sum_micros.load(Ordering::Relaxed)));
        histogram
    }
}

impl Collector for WaitHistogram {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.0.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut metric = Metric::from_label(self.0.labels.clone());
        metric.set_histogram(self.value());
        let mut family = MetricFamily::default();
        family.set_name(self.0.name.to_owned());
        family.set_help(self.0.desc.help.clone());
        family.set_field_type(MetricType::HISTOGRAM);
        family.set_metric(vec![metric]);
        vec![family]
    }
}

fn bucket(edge: u64, cumulative: u64) -> Bucket {
    let mut bucket = Bucket::default();
    bucket.set_upper_bound(seconds(edge));
    bucket.set_cumulative_count(cumulative);
    bucket
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / MICROS as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(threshold: Duration) -> WaitHistogram {
        WaitHistogram::new("wait", &Opts::new("wait", "help"), threshold)
    }

    /// Cumulative count at an edge; `None` where there is no such edge.
    fn at(histogram: &WaitHistogram, edge: f64) -> Option<u64> {
        let value = histogram.value();
        value.get_bucket().iter().find(|bucket| bucket.upper_bound() == edge).map(Bucket::cumulative_count)
    }

    fn edges(histogram: &WaitHistogram) -> Vec<f64> {
        histogram.value().get_bucket().iter().map(Bucket::upper_bound).collect()
    }

    #[test]
    fn a_wait_of_exactly_the_threshold_is_within_it() {
        for threshold in [Duration::from_secs(20), Duration::from_millis(12_345), Duration::from_secs(2400)] {
            let histogram = histogram(threshold);
            histogram.observe(threshold - Duration::from_micros(1));
            histogram.observe(threshold);
            histogram.observe(threshold + Duration::from_micros(1));
            assert_eq!(at(&histogram, threshold.as_secs_f64()), Some(2), "{threshold:?}");
            assert_eq!(histogram.value().get_sample_count(), 3);
        }
    }

    #[test]
    fn the_edges_rise_and_a_threshold_that_is_an_edge_already_is_there_once() {
        for seconds in [0, 1, 7, 20, 1800, 2000] {
            let edges = edges(&histogram(Duration::from_secs(seconds)));
            assert!(edges.is_sorted_by(|a, b| a < b), "{edges:?}");
            assert_eq!(edges.contains(&(seconds as f64)), seconds > 0, "{edges:?}");
        }
    }

    #[test]
    fn a_moved_threshold_forgets_nothing_and_counts_exactly_from_then_on() {
        let histogram = histogram(Duration::from_secs(25));
        for wait in [4, 22, 24, 28] {
            histogram.observe(Duration::from_secs(wait));
        }
        assert_eq!(at(&histogram, 25.0), Some(3));
        histogram.set_threshold(Duration::from_secs(40));
        assert_eq!((at(&histogram, 25.0), at(&histogram, 40.0)), (None, Some(4)));
        histogram.set_threshold(Duration::from_secs(25));
        assert_eq!(at(&histogram, 25.0), Some(1), "what is known to be below");
        histogram.observe(Duration::from_secs(25));
        histogram.observe(Duration::from_secs(26));
        assert_eq!(
            (at(&histogram, 20.0), at(&histogram, 25.0), at(&histogram, 30.0)),
            (Some(1), Some(2), Some(6))
        );
        assert_eq!(histogram.value().get_sample_sum(), 129.0);
    }
}
