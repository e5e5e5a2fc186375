//! What a fuzzer is let loose on: a function from octets to nothing for each place where octets come in, which panics
//! where the product is wrong.
//!
//! `cargo xtask fuzz` joins these functions to libFuzzer, with the dictionaries and seeds that lie beside them. The same
//! functions run over every seed and over everything that was ever found, as ordinary tests of this package. It
//! deliberately knows nothing of libFuzzer (`main.rs` does), and it is no part of the product.
//!
//! Read first: [`TARGETS`], then [`calls`].

mod api;
mod audio;
pub mod calls;
mod configuration;
mod description;
mod headers;
mod message;

/// One place where octets come in.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it is called on the command line; also the name of its folder in `seeds` and of the dictionary of words that its
    /// octets are made of.
    pub name: &'static str,
    /// Takes the octets. A panic is a finding.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "message", run: message::run },
    Target { name: "headers", run: headers::run },
    Target { name: "description", run: description::run },
    Target { name: "audio", run: audio::run },
    Target { name: "configuration", run: configuration::run },
    Target { name: "api", run: api::run },
    Target { name: "calls", run: calls::run },
];

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
