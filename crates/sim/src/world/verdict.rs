//! What is said about a world when everything is over.

use std::fmt;

use engine::{Notice, Outcome};

use super::fault::Struck;
use crate::network;
use crate::witness::{Truth, Violation};

/// Violations and ladders that a [`Failure`] prints.
const VIOLATIONS_SHOWN: usize = 10;
const LADDERS_SHOWN: usize = 2;

/// The same calls, counted by those who tell the story afterwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Records of calls that an agent answered.
    pub answered: u64,
    /// Records of calls whose caller gave up, or whom signalling lost before an answer.
    pub abandoned: u64,
    /// Records of calls that left by a rule.
    pub overflowed: u64,
    /// Calls refused outright, by the engine's totals.
    pub refused: u64,
}

impl Told {
    pub(super) fn note(&mut self, notice: &Notice) {
        match notice {
            Notice::CallEnded(record) => match record.outcome {
                Outcome::Answered | Outcome::CalledBack => self.answered += 1,
                Outcome::Abandoned | Outcome::Failed | Outcome::CallbackEnded => self.abandoned += 1,
                Outcome::Overflowed => self.overflowed += 1,
            },
            // Not each is told; the engine's totals have all of them.
            Notice::Refused(_) | Notice::RefusedFurther(_) => {}
            Notice::RegistrationChanged { .. } | Notice::CommandRefused { .. } => {}
        }
    }
}

/// What a world did, for tests that want to know more than that nothing was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The seed that makes it happen again.
    pub seed: u64,
    /// What became of the calls, by the wire.
    pub truth: Truth,
    /// By the records.
    pub told: Told,
    /// By the distributor.
    pub counted: acd::Counters,
    /// Calls that rang at a phone whose line was in use.
    pub clashes: u64,
    /// What befell phones.
    pub struck: Struck,
    /// What the network did.
    pub network: network::Counts,
    /// A number over everything that arrived and was decided, in order.
    pub history: u64,
    /// Virtual seconds.
    pub seconds: u64,
}

/// What was wrong, with the seed and the ladders of the first offending calls.
#[derive(Clone, Debug)]
pub struct Failure {
    pub(super) verdict: Verdict,
    pub(super) violations: Vec<Violation>,
    pub(super) ladders: Vec<(String, String)>,
}

impl Failure {
    pub(super) fn new(
        verdict: Verdict,
        violations: Vec<Violation>,
        draw: impl Fn(&str) -> String,
    ) -> Failure {
        let mut callers: Vec<String> =
            violations.iter().map(|one| one.caller.clone()).filter(|caller| !caller.is_empty()).collect();
        callers.dedup();
        callers.truncate(LADDERS_SHOWN);
        let ladders = callers.into_iter().map(|caller| (caller.clone(), draw(&caller))).collect();
        Failure { verdict, violations, ladders }
    }

    /// What was wrong.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }
}

impl std::error::Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {} violations", self.verdict.seed, self.violations.len())?;
        for violation in self.violations.iter().take(VIOLATIONS_SHOWN) {
            let seconds = violation.at.as_micros() as f64 / 1e6;
            writeln!(f, "{seconds:>12.6}  {}: {}", violation.caller, violation.what)?;
        }
        for (caller, ladder) in &self.ladders {
            writeln!(f, "the call of {caller}:\n{ladder}")?;
        }
        writeln!(f, "{:#?}", self.verdict)
    }
}
