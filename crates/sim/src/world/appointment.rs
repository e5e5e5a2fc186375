//! What will happen in a world whatever else does.

use std::fmt;
use std::time::Duration;

use super::{Fault, Harm, PhoneId};
use crate::phone::CallPlan;

/// Something that will happen whatever else does.
#[derive(Clone, Debug)]
pub enum Appointment {
    /// A phone registers.
    Register(PhoneId),
    /// A phone takes its registration back.
    Unregister(PhoneId),
    /// Somebody new calls this number.
    Call(String, CallPlan),
    /// The caller with this number, who has not called yet, calls this number. Unlike [`Appointment::Call`] it is
    /// the same caller whoever else calls before.
    CallOf(u32, String, CallPlan),
    /// A phone loses its plug.
    Unplug(PhoneId),
    /// A phone gets it back.
    PlugIn(PhoneId),
    /// Something goes wrong.
    Fault(Fault),
    /// Something befalls a phone.
    Harm {
        /// Which.
        phone: PhoneId,
        /// What.
        harm: Harm,
        /// How long it is away.
        off: Duration,
    },
    /// Engine and distributor are written down and read back.
    Rewrite,
}

impl fmt::Display for Appointment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Appointment::Register(id) => write!(f, "phone {} registers", id.0),
            Appointment::Unregister(id) => write!(f, "phone {} takes its registration back", id.0),
            Appointment::Call(number, plan) => write!(f, "somebody calls {number}: {plan:?}"),
            Appointment::CallOf(caller, number, plan) => write!(f, "c{caller} calls {number}: {plan:?}"),
            Appointment::Unplug(id) => write!(f, "phone {} loses its plug", id.0),
            Appointment::PlugIn(id) => write!(f, "phone {} gets its plug back", id.0),
            Appointment::Fault(fault) => write!(f, "{fault}"),
            Appointment::Harm { phone, harm, off } => write!(f, "phone {} {harm:?}, away {off:?}", phone.0),
            Appointment::Rewrite => write!(f, "engine and distributor are written down and read back"),
        }
    }
}
