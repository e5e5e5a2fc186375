//! How threads hand values over, under a model checker that tries every interleaving and every value that a weak memory
//! may show.
//!
//! There is nothing to call here, and nothing of the product knows this crate. Its build script takes the text of
//! `crates/server/src/ring.rs` and `crates/server/src/doorbell/announcement.rs`, puts loom's atomics in the place of
//! the machine's, and makes copies with one line changed. The test says that the real text never loses a value or a
//! wake-up, and that every changed one does.
//!
//! What it deliberately does not prove: the insides of crossbeam's `ArrayQueue`, in whose place stands a ring that keeps
//! its contract and no more (`model/array_queue.rs`); and that the kernel's `futex` and `eventfd` remember a wake-up
//! that comes before the sleep, which `model/doorbell.rs` takes for granted.
//!
//! Read first: `build.rs`, then `model/scenes.rs`.
