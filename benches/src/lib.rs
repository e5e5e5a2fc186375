//! What the benchmarks of the distributor share: worlds, a load, and other ways to build it.
//!
//! [`World`] says who works where and builds a [`Distributor`](acd::Distributor) of any size in its steady state;
//! [`Load`] makes legal commands for it without end. [`Engine`] is what a load can be given to: the distributor,
//! or [`Naive`], which takes the same decisions by scanning. [`Claims`] is the design without a single writer.
//! [`pace`] sends on a schedule and measures from it, [`conditions`] says what the machine did meanwhile.
//!
//! The package never looks into the distributor: commands go in, events come out, as in the product. Nothing of
//! it is part of the product.

#![allow(clippy::disallowed_types, reason = "measures real time")]

mod claims;
pub mod conditions;
mod designs;
mod engine;
mod house;
mod load;
mod naive;
pub mod pace;
mod random;
pub mod rings;
mod stage;
pub mod table;
pub mod throughput;
mod world;

pub use claims::Claims;
pub use designs::Design;
pub use engine::{Engine, Offer};
pub use house::{House, Passed};
pub use load::{Load, Purpose};
pub use naive::Naive;
pub use random::Random;
pub use stage::{Operation, Stage};
pub use world::{STEP_AFTER, Size, Vectors, World};
