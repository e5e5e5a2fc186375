//! Estimated waits as the API and the wallboard tell them.

use acd::estimate::{Accuracy, Estimate, Method, NoEstimate};
use serde::Serialize;
use utoipa::ToSchema;

/// How long somebody will wait from now to the answer, or why that is not known; see docs/estimated-wait.md.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EstimatedWait {
    /// The mean; null where there is no number.
    pub seconds: Option<f64>,
    /// Nine of ten wait no longer; null where there is no number.
    pub at_most_seconds: Option<f64>,
    /// How it was found: `immediate`, `queue_length`, `head_of_line` or `combined`; null where there is no number.
    pub method: Option<&'static str>,
    /// Why there is no number: `nobody_logged_in`, `nobody_ready`, `poor_sample`, `too_uncertain` or `too_long`; null
    /// where there is one.
    pub unknown: Option<&'static str>,
}

/// How far off the estimates of a queue were of late: of those who had to wait and were answered.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EstimatedWaitError {
    /// Interactions behind the figures, the older the less.
    pub sample: u32,
    /// Their mean wait.
    pub mean_wait_seconds: f64,
    /// The mean of estimate minus wait: above 0, people waited less than told.
    pub bias_seconds: f64,
    /// The mean distance between estimate and wait.
    pub mean_absolute_seconds: f64,
    /// The root of the mean square of the distance.
    pub root_mean_square_seconds: f64,
    /// The share of waits within `at_most_seconds`; should be 0.9.
    pub covered_ratio: f64,
}

impl EstimatedWait {
    /// What the distributor said.
    pub fn new(told: &Result<Estimate, NoEstimate>) -> EstimatedWait {
        match told {
            Ok(estimate) => EstimatedWait {
                seconds: Some(estimate.wait.as_secs_f64()),
                at_most_seconds: Some(estimate.at_most.as_secs_f64()),
                method: Some(method_name(estimate.method)),
                unknown: None,
            },
            Err(reason) => EstimatedWait {
                seconds: None,
                at_most_seconds: None,
                method: None,
                unknown: Some(reason_name(*reason)),
            },
        }
    }
}

impl EstimatedWaitError {
    /// `None` where no estimate has been compared with a wait lately.
    pub fn new(accuracy: &Accuracy) -> Option<EstimatedWaitError> {
        (accuracy.sample > 0).then(|| EstimatedWaitError {
            sample: accuracy.sample,
            mean_wait_seconds: accuracy.mean_wait.as_secs_f64(),
            bias_seconds: accuracy.bias_micros as f64 / 1e6,
            mean_absolute_seconds: accuracy.mean_absolute.as_secs_f64(),
            root_mean_square_seconds: accuracy.root_mean_square.as_secs_f64(),
            covered_ratio: f64::from(accuracy.covered_millionths) / 1e6,
        })
    }
}

fn method_name(method: Method) -> &'static str {
    match method {
        Method::Immediate => "immediate",
        Method::QueueLength => "queue_length",
        Method::HeadOfLine => "head_of_line",
        Method::Combined => "combined",
    }
}

fn reason_name(reason: NoEstimate) -> &'static str {
    match reason {
        NoEstimate::NobodyLoggedIn => "nobody_logged_in",
        NoEstimate::NobodyReady => "nobody_ready",
        NoEstimate::PoorSample { .. } => "poor_sample",
        NoEstimate::TooUncertain => "too_uncertain",
        NoEstimate::TooLong => "too_long",
    }
}
