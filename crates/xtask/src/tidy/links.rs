//! Links between the project's pages lead somewhere.

use super::Violation;
use crate::Tree;

/// Its tests name pages that are not there.
const EXAMPLES: &str = "crates/xtask/src/";

pub(super) fn resolve(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.files().filter(|(path, _)| path.ends_with(".md")) {
        for (line, target) in links(text) {
            if let Some(message) = broken(tree, path, text, &target) {
                violations.push(Violation::new(
                    path,
                    line,
                    message,
                    "correct the link or write what it leads to",
                ));
            }
        }
    }
    violations
}

/// Pages that comments, messages and manifests name by their path are there too.
pub(super) fn mentions(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in
        tree.files().filter(|(path, _)| !path.starts_with(EXAMPLES) && !path.contains("/data/"))
    {
        for (index, line) in text.lines().enumerate() {
            // A link to it is reported as such.
            let linked = |page: &str| line.contains(&format!("]({page}"));
            for page in pages(line).filter(|page| !tree.holds(page) && !linked(page)) {
                let message = format!("there is no page {page}");
                violations.push(Violation::new(
                    path,
                    index + 1,
                    message,
                    "correct the name or write the page",
                ));
            }
        }
    }
    violations
}

/// Every `docs/..md` in a line. `NNNN` stands for any number.
fn pages(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|letter: char| !letter.is_ascii_alphanumeric() && !"/-_.".contains(letter));
    let pages = words.map(|word| word.trim_end_matches('.'));
    pages.filter(|word| word.starts_with("docs/") && word.ends_with(".md") && !word.contains("NNNN"))
}

/// The targets of `[text](target)` outside code, with their lines.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in prose(text) {
        let plain: String = line.split('`').step_by(2).collect::<Vec<&str>>().join("`");
        for (at, _) in plain.match_indices("](") {
            let rest = &plain[at + 2..];
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            found.push((index + 1, target.to_owned()));
        }
    }
    found
}

/// The lines outside fenced code.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

fn broken(tree: &Tree, path: &str, text: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let page = if file.is_empty() { path.to_owned() } else { join(path, file)? };
    if !tree.holds(&page) {
        return Some(format!("the link `{target}` leads to no file"));
    }
    let page_text = if file.is_empty() { text } else { tree.text(&page).unwrap_or_default() };
    let found =
        anchor.is_empty() || !page.ends_with(".md") || anchors(page_text).any(|known| known == anchor);
    (!found).then(|| format!("the link `{target}` leads to no heading"))
}

/// `file` as seen from the folder of `path`; a link out of the project keeps its dots and is found nowhere.
fn join(path: &str, file: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    Some(parts.join("/"))
}

/// The anchors of a page's headings: lower case, blanks as `-`, marks left out.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let headings = prose(text).map(|(_, line)| line).filter(|line| line.starts_with('#'));
    let headings = headings.map(|line| line.trim_start_matches('#').trim());
    headings.map(|heading| {
        let kept = heading.to_lowercase().replace(' ', "-");
        kept.chars().filter(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::super::messages;
    use super::*;

    #[test]
    fn a_link_to_nothing_is_reported_at_its_line() {
        let page = "# A\n[x](b.md) [y](#a-b)\n[z](../crates/sip/src) [w](../docs/b.md#two-words)";
        let found = messages(&resolve(&Tree::of(&[("docs/a.md", page), ("crates/sip/src/lib.rs", "")])));
        assert!(found.contains("docs/a.md:2: the link `b.md` leads to no file"), "{found}");
        assert!(found.contains("docs/a.md:2: the link `#a-b` leads to no heading"), "{found}");
        assert!(found.contains("docs/a.md:3: the link `../docs/b.md#two-words`"), "{found}");
        assert_eq!(found.lines().count(), 3, "{found}");
    }

    #[test]
    fn a_page_that_a_comment_names_must_be_there() {
        let files = [("crates/a/src/lib.rs", "//! See\n//! `docs/none.md`, docs/b.md."), ("docs/b.md", "")];
        let found = messages(&mentions(&Tree::of(&files)));
        assert_eq!(found.lines().count(), 1, "{found}");
        assert!(found.starts_with("crates/a/src/lib.rs:2: there is no page docs/none.md"), "{found}");
    }

    #[test]
    fn links_that_resolve_and_links_in_code_pass() {
        let page = "## Two, words!\n[x](docs/b.md#it-is) [y](#two-words) [z](https://x.org/)\n```\n[x](no.md)\n```\n`[x](no.md)`";
        let tree = Tree::of(&[("README.md", page), ("docs/b.md", "# It is\n")]);
        assert_eq!(resolve(&tree), []);
    }
}
