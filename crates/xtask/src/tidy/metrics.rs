//! Every metric that the code names is explained in `docs/metrics.md`, and nothing else is.

use std::collections::BTreeMap;

use super::Violation;
use super::tokens::{Kind, words};
use crate::Tree;

/// Where metrics are named.
const NAMING: [&str; 2] = ["crates/report/src/", "crates/server/src/"];
/// Where they are explained.
const PAGE: &str = "docs/metrics.md";
const PREFIX: &str = "cordboard_";
/// What a histogram adds to its name.
const HISTOGRAM_ENDS: [&str; 3] = ["_bucket", "_sum", "_count"];

pub(super) fn documented(tree: &Tree) -> Vec<Violation> {
    let named = in_code(tree);
    let explained = tree.text(PAGE).map(in_page).unwrap_or_default();
    let mut violations = Vec::new();
    for (name, (path, line)) in &named {
        if name == PREFIX {
            let message = "the name of a metric is put together from pieces";
            violations.push(Violation::new(
                path,
                *line,
                message,
                "write it in full, so that it can be found",
            ));
        } else if !explained.contains_key(name) && !is_part(name, &named) {
            let message = format!("metric `{name}` is not explained");
            violations.push(Violation::new(path, *line, message, format!("explain it in {PAGE}")));
        }
    }
    for (name, line) in &explained {
        if !named.contains_key(name) && !is_part(name, &named) {
            let message = format!("no code exports the metric `{name}`");
            violations.push(Violation::new(PAGE, *line, message, "export it or leave it out of the page"));
        }
    }
    violations
}

/// Whether the name is one of the series of a histogram that the code names.
fn is_part(name: &str, named: &BTreeMap<String, (String, usize)>) -> bool {
    HISTOGRAM_ENDS.iter().any(|end| name.strip_suffix(end).is_some_and(|base| named.contains_key(base)))
}

fn in_code(tree: &Tree) -> BTreeMap<String, (String, usize)> {
    let mut named = BTreeMap::new();
    for (path, text) in
        tree.sources().filter(|(path, _)| NAMING.iter().any(|folder| path.starts_with(folder)))
    {
        for word in words(text).iter().filter(|word| word.kind == Kind::Literal) {
            for name in names(&word.text) {
                named.entry(name).or_insert_with(|| (path.to_owned(), word.line));
            }
        }
    }
    named
}

fn in_page(page: &str) -> BTreeMap<String, usize> {
    let mut explained = BTreeMap::new();
    for (index, line) in page.lines().enumerate() {
        for name in names(line).filter(|name| name != PREFIX) {
            explained.entry(name).or_insert(index + 1);
        }
    }
    explained
}

fn names(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with(PREFIX)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::messages;
    use super::*;

    const CODE: &str = "/// cordboard_comment\nconst A: &str = \"cordboard_calls_total\";\n\
                        const B: &str = \"rate(cordboard_wait_seconds_bucket[5m])\"; const C: &str = \"cordboard_wait_seconds\";";

    fn found(code: &str, page: Option<&str>) -> String {
        let mut files = vec![("crates/report/src/lib.rs", code)];
        files.extend(page.map(|text| (PAGE, text)));
        messages(&documented(&Tree::of(&files)))
    }

    #[test]
    fn a_metric_without_an_explanation_is_reported_even_while_there_is_no_page() {
        assert!(found(CODE, None).contains("lib.rs:2: metric `cordboard_calls_total` is not explained"));
        assert!(!found(CODE, None).contains("cordboard_comment"));
        assert_eq!(found("fn nothing_yet() {}", None), "");
    }

    #[test]
    fn an_explanation_without_a_metric_is_reported() {
        let page =
            "`cordboard_calls_total`\n`cordboard_wait_seconds` `cordboard_wait_seconds_sum`\n`cordboard_old`";
        assert_eq!(found(CODE, Some(page)).lines().count(), 1);
        assert!(
            found(CODE, Some(page))
                .starts_with("docs/metrics.md:3: no code exports the metric `cordboard_old`")
        );
    }

    #[test]
    fn a_name_out_of_pieces_is_reported() {
        assert!(found("fn f() { format!(\"cordboard_{x}_total\"); }", None).contains("from pieces"));
    }
}
