//! Whatever stands in the file, the answer is a configuration or a list of places, and no secret.

use proptest::prelude::*;

use super::super::{Passwords, parse};
use super::example;

const SECRETS: [&str; 3] = ["glass-otter-51", "k3Vq-79-maple", "3f9c-71ab-c2d8-66e0"];

/// What is put in place of a part of the example.
fn snippet() -> impl Strategy<Value = String> {
    let known =
        ["", "\"", "[", "]", "{", "}", "=", "\n", "-1", "99999999999999999999", "0x1f", "1e9", "[[queue]]\n"];
    let values = [
        "\"queue:billing\"",
        "\"20s\"",
        "\"18446744073709551615d\"",
        "\"udp:[::\"",
        "\"::/0\"",
        "\"((((((\"",
        "한",
    ];
    prop_oneof![
        proptest::sample::select(known.to_vec()).prop_map(str::to_owned),
        proptest::sample::select(values.to_vec()).prop_map(str::to_owned),
        "\\PC{0,8}",
    ]
}

fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

proptest! {
    #[test]
    fn a_damaged_file_never_panics_and_is_explained_at_a_place_that_exists(
        damages in proptest::collection::vec((0..6_000usize, 0..40usize, snippet()), 1..6),
    ) {
        let mut text = example().to_owned();
        for (start, length, snippet) in damages {
            let start = boundary(&text, start);
            let end = boundary(&text, start + length).max(start);
            text.replace_range(start..end, &snippet);
        }
        let lines = text.lines().count() + 1;
        if let Err(refused) = parse("cordboard.toml", &text, Passwords::Strong) {
            prop_assert!(!refused.problems.is_empty());
            for problem in &refused.problems {
                prop_assert!((1..=lines).contains(&problem.line) && problem.column >= 1, "{}", problem);
                prop_assert!(!SECRETS.iter().any(|secret| problem.message.contains(secret)), "{}", problem);
            }
        }
    }

    #[test]
    fn any_text_at_all_is_answered(text in "\\PC{0,200}") {
        let _ = parse("cordboard.toml", &text, Passwords::Any);
    }
}
