//! Figures as people read them.

use std::time::Duration;

use hdrhistogram::Histogram;

/// The quantiles that every table shows, with their heads.
pub const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// The quantiles and the maximum in microseconds, as cells of a table; dashes where nothing was measured.
pub fn latencies(histogram: &Histogram<u64>) -> String {
    if histogram.is_empty() {
        return ["–"; QUANTILES.len() + 1].join(" | ");
    }
    let quantiles = QUANTILES.map(|(_, quantile)| histogram.value_at_quantile(quantile));
    let cells = quantiles.into_iter().chain([histogram.max()]);
    cells.map(|nanos| micros(nanos as f64)).collect::<Vec<String>>().join(" | ")
}

/// Microseconds with as many digits as mean something.
pub fn micros(nanos: f64) -> String {
    let micros = nanos / 1e3;
    if micros < 10.0 {
        format!("{micros:.2}")
    } else if micros < 100.0 {
        format!("{micros:.1}")
    } else {
        thousands(micros)
    }
}

/// A whole number with commas.
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).expect("digits")).collect();
    groups.join(",")
}

/// Millions with two digits.
pub fn millions(number: f64) -> String {
    format!("{:.2}", number / 1e6)
}

/// Seconds with one digit.
pub fn seconds(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64())
}

/// Whether a goal is met.
pub fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "missed" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_digits_that_mean_something() {
        assert_eq!([micros(812.0), micros(24_411.0), micros(1_378_084.0)], ["0.81", "24.4", "1,378"]);
        assert_eq!([thousands(7.0), thousands(1_000_000.0)], ["7", "1,000,000"]);
    }

    #[test]
    fn a_histogram_without_values_has_no_latencies() {
        assert_eq!(latencies(&crate::pace::histogram()), "– | – | – | – | –");
    }
}
