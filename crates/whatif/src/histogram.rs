//! How waits are spread.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Sub-buckets of each power of two, as a power of two: a bucket is at most an eighth of its value wide.
const SUB_BITS: u32 = 3;
const SUB: u64 = 1 << SUB_BITS;

/// Counts of times in buckets of milliseconds that widen with the value (log-linear, like HdrHistogram): below
/// 8 ms exact, above at most 12.5 % of the value wide.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// By bucket; as long as the largest time needs.
    counts: Vec<u64>,
    count: u64,
}

impl Histogram {
    /// The most octets that one takes whose longest time is this, the room for growth included.
    pub fn octets_max(longest: Duration) -> usize {
        let buckets = bucket(u64::try_from(longest.as_millis()).unwrap_or(u64::MAX)) + 1;
        size_of::<Histogram>() + buckets.next_power_of_two() * size_of::<u64>()
    }

    /// Counts one.
    pub fn add(&mut self, time: Duration) {
        let bucket = bucket(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.count += 1;
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Histogram) {
        if other.counts.len() > self.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.count += other.count;
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The buckets that are not empty: from, to (exclusive), how many.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, Duration, u64)> + '_ {
        let filled = self.counts.iter().enumerate().filter(|&(_, &count)| count > 0);
        filled.map(|(bucket, &count)| {
            let from = |bucket| Duration::from_millis(lower_end(bucket));
            (from(bucket), from(bucket + 1), count)
        })
    }

    /// The time that this share (0 to 1) of them does not exceed: the upper end of the bucket in which it lies.
    /// `None` where nothing was counted.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let wanted = share.clamp(0.0, 1.0) * self.count as f64;
        let mut seen = 0;
        self.buckets().find_map(|(_, to, count)| {
            seen += count;
            (seen as f64 >= wanted).then_some(to)
        })
    }
}

fn bucket(millis: u64) -> usize {
    let bucket = if millis < SUB {
        millis
    } else {
        let power = u64::from(millis.ilog2() - SUB_BITS);
        (power + 1) * SUB + (millis >> power) - SUB
    };
    usize::try_from(bucket).expect("at most 64 times the sub-buckets")
}

fn lower_end(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < SUB {
        return bucket;
    }
    let (power, rest) = (bucket / SUB - 1, bucket % SUB);
    (SUB + rest) << power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_join_without_gap_and_are_narrow() {
        for bucket_at in 0..200 {
            let (from, to) = (lower_end(bucket_at), lower_end(bucket_at + 1));
            assert_eq!((bucket(from), bucket(to - 1), bucket(to)), (bucket_at, bucket_at, bucket_at + 1));
            assert!(to - from <= 1.max(from / 8), "{from} to {to}");
        }
    }

    #[test]
    fn a_quantile_is_the_upper_end_of_its_bucket() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        (1..=100).for_each(|seconds| histogram.add(Duration::from_secs(seconds)));
        let median = histogram.quantile(0.5).expect("a hundred were counted");
        assert!(Duration::from_secs(50) <= median && median <= Duration::from_secs(57), "{median:?}");
        assert_eq!(histogram.buckets().map(|(_, _, count)| count).sum::<u64>(), 100);
    }

    #[test]
    fn merging_is_counting_together() {
        let (mut one, mut other, mut both) = Default::default();
        let add = |histogram: &mut Histogram, millis| histogram.add(Duration::from_millis(millis));
        for millis in [0, 7, 5_000] {
            add(&mut one, millis);
            add(&mut both, millis);
        }
        for millis in [9, 90_000] {
            add(&mut other, millis);
            add(&mut both, millis);
        }
        one.merge(&other);
        assert_eq!(one, both);
    }
}
