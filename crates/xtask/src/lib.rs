//! The project's own checks: `cargo xtask tidy` (house style that no compiler knows) and
//! `cargo xtask test` (everything that must hold before a change is taken).
//!
//! It deliberately does not build, release or change anything of the product, and no crate of the
//! product knows it. Every check is a function from a [`Tree`] (the tracked files as text) to
//! [`Violation`]s, so that each is tested with an example that it must refuse.
//!
//! Read first: [`tidy`], then [`suite`].

#![allow(clippy::disallowed_types, reason = "a tool that runs programs and says how long they took")]

pub mod suite;
pub mod tidy;
mod tree;

pub use tree::Tree;

pub use tidy::Violation;
