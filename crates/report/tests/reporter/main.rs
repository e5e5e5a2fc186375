//! A reporter beside a real distributor, read as Prometheus reads it.

mod centre;
mod conservation;
mod exposition;
mod stories;
mod wallboard;
