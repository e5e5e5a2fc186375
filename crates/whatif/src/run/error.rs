//! Why a day could not be played.

use std::fmt;

use acd::Refusal;
use acd::invariants::Violation;

use crate::model::ModelFault;

/// Why a day could not be played to its end.
#[derive(Clone, Debug, PartialEq)]
pub enum RunError {
    /// The model is wrong. The fault of whoever wrote it.
    Model(ModelFault),
    /// The settings of a queue or an agent are refused by the distributor. The fault of whoever wrote them.
    Settings {
        /// Of the queue or the agent.
        name: String,
        /// What the distributor says.
        refusal: Refusal,
    },
    /// More customers at once than [`crate::Model::customers_max`]: too few agents for customers who never give up, or a
    /// limit too low.
    TooManyCustomers,
    /// The distributor refused what it must not refuse: a fault in this crate or in `acd`. Please report it.
    Refused(Refusal),
    /// Customers were lost or counted twice: a fault in this crate or in `acd`. Please report it.
    NotConserved {
        /// What does not agree.
        what: &'static str,
        /// By our count.
        ours: u64,
        /// By the other one.
        other: u64,
    },
    /// An invariant of the distributor is broken: a fault in `acd`. Please report it.
    Broken(Violation),
    /// What must hold over time did not: a fault in `acd`. Please report it.
    BrokenOverTime(acd::watch::Violation),
}

impl std::error::Error for RunError {}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Model(fault) => write!(f, "{fault}"),
            RunError::Settings { name, refusal } => write!(f, "\"{name}\": {refusal}"),
            RunError::TooManyCustomers => write!(
                f,
                "more customers are here at once than the limit allows: there are too few agents for customers \
                 who do not give up, or the limit is too low"
            ),
            RunError::Refused(refusal) => {
                write!(f, "a fault of ours, please report it: the distributor refused a command: {refusal}")
            }
            RunError::NotConserved { what, ours, other } => write!(
                f,
                "a fault of ours, please report it: {what} is {ours} by one count and {other} by the other"
            ),
            RunError::Broken(violation) => write!(f, "a fault of ours, please report it: {violation}"),
            RunError::BrokenOverTime(violation) => {
                write!(f, "a fault of ours, please report it: {violation}")
            }
        }
    }
}

impl From<ModelFault> for RunError {
    fn from(fault: ModelFault) -> RunError {
        RunError::Model(fault)
    }
}
