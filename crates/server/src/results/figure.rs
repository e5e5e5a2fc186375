//! A figure of a report: how sure it is, and what it is counted in.

/// A figure and its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub(crate) struct Figure {
    /// The estimate.
    pub(crate) value: f64,
    /// The lower end.
    pub(crate) low: f64,
    /// The upper end.
    pub(crate) high: f64,
}

impl Figure {
    /// How far the interval reaches from the figure, on the side on which it reaches farther.
    pub(crate) fn half(&self) -> f64 {
        (self.high - self.value).max(self.value - self.low)
    }
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Things.
    Count,
    /// Seconds.
    Seconds,
    /// Between 0 and 1.
    Share,
}

/// A figure without its interval.
pub(crate) fn value(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count => format!("{value:.1}"),
        Unit::Seconds => format!("{value:.1}\u{a0}s"),
        Unit::Share => format!("{:.1}\u{a0}%", value * 100.0),
    }
}
