//! What if: the distributor that runs in production, under a virtual clock, with customers and agents who are
//! drawn from distributions.
//!
//! [`Model`] says who comes, how long they wait and talk, and who works when. [`run`] plays one day of it and
//! gives a [`Day`]; [`replicate`] plays many; [`estimate`] turns them into figures with confidence intervals, one
//! for each [`Measure`]. Read these in this order. [`erlang`] has the formulas beside which a simulation is checked,
//! and `docs/accuracy.md` the result of that check.
//!
//! ```
//! use std::time::Duration;
//! use whatif::{Arrivals, CustomerType, Distribution, Handling, Law, Measure, Model, Scope, Watch};
//! use whatif::{AgentGroup, HeadCount, Members, Queue, ServiceLevel};
//!
//! let mut model = Model::new(Duration::from_secs(8 * 3_600));
//! model.queues.push(Queue::new(1, "billing"));
//! model.customers.push(CustomerType {
//!     patience: Some(Law::same(Distribution::exponential(Duration::from_secs(120)))),
//!     ..CustomerType::new(
//!         "billing",
//!         acd::QueueId(1),
//!         Arrivals::poisson(100.0),
//!         Handling::same(Distribution::exponential(Duration::from_secs(180))),
//!     )
//! });
//! model.groups.push(AgentGroup::alike("everybody", acd::AgentSettings::default(), 6));
//!
//! let days = whatif::replicate(&model, 1, 0..20, Watch::End).expect("the model is sound");
//! let level = Measure::ServiceLevel(ServiceLevel::OfOffered);
//! let figure = whatif::estimate(&days, Scope::Queue(0), level).expect("somebody called");
//! assert!(figure.mean > 0.5 && figure.mean < 1.0);
//! ```
//!
//! The core is not imitated: every decision is made by [`acd::Distributor`]. What this crate deliberately does
//! not know: telephony, the server and its configuration file, files at all, the clock, and threads. One
//! replication is one call of [`run`], a function of its arguments and of nothing else; whoever has cores calls
//! it on several.

mod agenda;
mod arrivals;
mod day;
mod distribution;
mod draws;
pub mod erlang;
mod estimate;
mod histogram;
mod measure;
mod model;
mod run;
mod tally;

pub use arrivals::{Arrivals, Count, Rate};
pub use day::{Day, GroupSeries, Series, TrunkUse};
pub use distribution::{Distribution, Law};
pub use draws::{Draws, Purpose};
pub use estimate::{Estimate, Interval, LEVEL, difference, estimate, ratio, student_quantile};
pub use histogram::Histogram;
pub use measure::{GroupMeasure, Measure, Ratio, Scope, ServiceLevel};
pub use model::{
    Agent, AgentGroup, Break, Busyness, CustomerType, Ending, Handling, HeadCount, LastAgent, Member,
    Members, Model, ModelFault, Opening, Queue, Retrial, Shift, Wish,
};
pub use run::{RunError, Watch, replicate, run};
pub use tally::{AgentTime, Tally};
