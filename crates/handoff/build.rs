//! Writes the real hand-off and its mutants for `tests/handoff.rs`: the same text each time, but for one change.

use std::fs;
use std::path::Path;

/// A change that must be found.
struct Mutant {
    /// The module in `tests/handoff.rs`.
    name: &'static str,
    /// The part that it changes.
    part: &'static str,
    /// What stands there exactly once.
    from: &'static str,
    to: &'static str,
}

const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "push_relaxed",
        part: "array_queue",
        from: "self.tail.store(tail + 1, Ordering::Release);",
        to: "self.tail.store(tail + 1, Ordering::Relaxed);",
    },
    Mutant {
        name: "pop_relaxed",
        part: "array_queue",
        from: "let tail = self.tail.load(Ordering::Acquire);",
        to: "let tail = self.tail.load(Ordering::Relaxed);",
    },
    Mutant {
        name: "room_relaxed",
        part: "array_queue",
        from: "self.head.store(head + 1, Ordering::Release);",
        to: "self.head.store(head + 1, Ordering::Relaxed);",
    },
    Mutant {
        name: "bell_before_push",
        part: "ring",
        from: "let pushed = self.push(value);\n        self.wake();",
        to: "self.wake();\n        let pushed = self.push(value);",
    },
    Mutant {
        name: "flush_without_bell",
        part: "ring",
        from: "            self.unwoken = true;\n        }\n        if std::mem",
        to: "        }\n        if std::mem",
    },
    Mutant { name: "no_second_look", part: "announcement", from: "if idle() {", to: "if idle() || true {" },
    Mutant {
        name: "look_before_announcement",
        part: "announcement",
        from: "self.asleep.store(true, Ordering::SeqCst);\n        fence(Ordering::SeqCst);\n        if idle() {",
        to: "let is_idle = idle();\n        self.asleep.store(true, Ordering::SeqCst);\n        fence(Ordering::SeqCst);\n        if is_idle {",
    },
    Mutant {
        name: "producer_without_fence",
        part: "announcement",
        from: "fence(Ordering::SeqCst);\n        // The load",
        to: "fence(Ordering::AcqRel);\n        // The load",
    },
    Mutant {
        name: "consumer_without_fence",
        part: "announcement",
        from: "fence(Ordering::SeqCst);\n        if idle() {",
        to: "fence(Ordering::AcqRel);\n        if idle() {",
    },
    Mutant {
        name: "never_announced",
        part: "announcement",
        from: "self.asleep.store(true, Ordering::SeqCst);",
        to: "self.asleep.store(false, Ordering::SeqCst);",
    },
];

/// The parts in their order: the module, and where its text is.
const PARTS: [(&str, &str); 5] = [
    ("array_queue", "model/array_queue.rs"),
    ("announcement", "../server/src/doorbell/announcement.rs"),
    ("doorbell", "model/doorbell.rs"),
    ("ring", "../server/src/ring.rs"),
    ("scenes", "model/scenes.rs"),
];

/// What the text of the server finds elsewhere in the model.
const ELSEWHERE: [(&str, &str, &str); 5] = [
    ("ring", "use std::sync::Arc;", "use loom::sync::Arc;"),
    (
        "ring",
        "use std::sync::atomic::{AtomicU64, Ordering};",
        "use loom::sync::atomic::{AtomicU64, Ordering};",
    ),
    ("ring", "use crossbeam::queue::ArrayQueue;", "use super::array_queue::ArrayQueue;"),
    ("ring", "use crate::doorbell::Doorbell;", "use super::doorbell::Doorbell;"),
    ("ring", "#[cfg(test)]\nmod tests;\n", ""),
];

fn main() {
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    println!("cargo::rerun-if-changed=build.rs");
    let mut texts = Vec::new();
    for (part, path) in PARTS {
        println!("cargo::rerun-if-changed={path}");
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        // Introductions cannot be included.
        let lines = text.lines().filter(|line| !line.starts_with("//!"));
        let mut text: String = lines.map(|line| format!("{line}\n")).collect();
        for (_, from, to) in ELSEWHERE.iter().filter(|(of, ..)| *of == part) {
            text = replaced(path, &text, from, to);
        }
        texts.push((part, path, text));
    }
    write(&out, "real", &texts, None);
    for mutant in MUTANTS {
        write(&out, mutant.name, &texts, Some(mutant));
    }
}

fn write(out: &str, name: &str, texts: &[(&str, &str, String)], mutant: Option<&Mutant>) {
    let mut all = String::from(
        "mod atomic {\n    pub(super) use loom::sync::atomic::{AtomicBool, Ordering, fence};\n}\n",
    );
    for (part, path, text) in texts {
        let text = match mutant.filter(|mutant| mutant.part == *part) {
            Some(mutant) => replaced(path, text, mutant.from, mutant.to),
            None => text.clone(),
        };
        all += &format!("pub mod {part} {{\n{text}\n}}\n");
    }
    fs::write(Path::new(out).join(format!("{name}.rs")), all)
        .expect("the folder for generated text is writable");
}

fn replaced(path: &str, text: &str, from: &str, to: &str) -> String {
    let times = text.matches(from).count();
    assert!(
        times == 1,
        "crates/handoff/{path} has {times} times what crates/handoff/build.rs changes there once; bring the two together:\n{from}"
    );
    text.replace(from, to)
}
