//! Writes what the benchmarks of the distributor say into the pages that show it.
//!
//! A benchmark prints blocks, each after a line `<!-- block: NAME -->`. A page has places for them, between
//! `<!-- begin: NAME -->` and `<!-- end: NAME -->`; what stands there is replaced.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cargo_program;

/// The pages that have places for blocks.
const PAGES: [&str; 2] = ["README.md", "docs/performance.md"];
/// The benchmarks, in the order in which their rows of the same block stand.
const BENCHES: [&str; 3] = ["acd_latency", "acd_memory", "whatif"];
/// Blocks of rows only: several benchmarks add to them.
const HEADS: [(&str, &str); 1] =
    [("goals", "| what | goal | measured | | naive scan |\n|---|---|---|---|---|\n")];

pub(crate) type Blocks = BTreeMap<String, String>;

/// Whether a place of a page is for the figures of the whole system, which `cargo xtask system-bench` measures.
pub(crate) fn is_of_system(name: &str) -> bool {
    name.starts_with("system-")
}

/// Runs the benchmarks and rewrites the pages. `arguments` go to `acd_latency` (`--seconds 5`).
///
/// # Errors
///
/// The benchmark that failed, or the place for which nothing was measured.
pub fn run(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut blocks = Blocks::new();
    for bench in BENCHES {
        let passed = if bench == "acd_latency" { arguments } else { &[] };
        add_blocks(&mut blocks, &output_of(root, bench, passed)?);
    }
    for (name, head) in HEADS {
        if let Some(rows) = blocks.get_mut(name) {
            rows.insert_str(0, head);
        }
    }
    write(root, &blocks, |name| !is_of_system(name))?;
    Ok(format!("performance: {} and {} show this run", PAGES[0], PAGES[1]))
}

/// Fills the places of all pages that one command fills.
pub(crate) fn write(root: &Path, blocks: &Blocks, is_ours: fn(&str) -> bool) -> Result<(), String> {
    for page in PAGES {
        let path = root.join(page);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("cannot read {page}: {error}"))?;
        let filled = fill(&text, blocks, is_ours).map_err(|what| format!("{page}: {what}"))?;
        std::fs::write(&path, filled).map_err(|error| format!("cannot write {page}: {error}"))?;
    }
    Ok(())
}

fn output_of(root: &Path, bench: &str, arguments: &[&str]) -> Result<String, String> {
    println!("running {bench}");
    let output = Command::new(cargo_program())
        .args(["bench", "--package", "cordboard-benches", "--bench", bench, "--"])
        .args(arguments)
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("FAILED: cargo bench --package cordboard-benches --bench {bench}"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

pub(crate) fn add_blocks(blocks: &mut Blocks, output: &str) {
    let mut name = None;
    for line in output.lines() {
        if let Some(next) = marked(line, "block") {
            name = Some(next.to_owned());
        } else if let Some(name) = &name
            && !line.is_empty()
        {
            let block = blocks.entry(name.clone()).or_default();
            block.push_str(line);
            block.push('\n');
        }
    }
}

/// The name in `<!-- word: NAME -->`.
pub(crate) fn marked<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let rest = line.trim().strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    rest.strip_prefix(word)?.strip_prefix(": ")
}

/// The page with every place filled that is ours; the others stay as they are.
pub(crate) fn fill(page: &str, blocks: &Blocks, is_ours: fn(&str) -> bool) -> Result<String, String> {
    let mut filled = String::new();
    let mut inside: Option<&str> = None;
    for line in page.lines() {
        match (inside, marked(line, "begin"), marked(line, "end")) {
            (None, Some(name), _) if is_ours(name) => {
                let block = blocks.get(name).ok_or_else(|| format!("nothing was measured for `{name}`"))?;
                filled.push_str(&format!("{line}\n{block}"));
                inside = Some(name);
            }
            (Some(name), None, Some(end)) if name == end => {
                filled.push_str(&format!("{line}\n"));
                inside = None;
            }
            (Some(_), None, None) => {}
            (Some(name), _, _) => return Err(format!("the place for `{name}` has no end")),
            (None, None, Some(name)) if is_ours(name) => {
                return Err(format!("the place for `{name}` has no beginning"));
            }
            (None, _, _) => filled.push_str(&format!("{line}\n")),
        }
    }
    match inside {
        None => Ok(filled),
        Some(name) => Err(format!("the place for `{name}` has no end")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(output: &str) -> Blocks {
        let mut blocks = Blocks::new();
        add_blocks(&mut blocks, output);
        blocks
    }

    #[test]
    fn blocks_of_one_name_are_joined_and_what_is_before_the_first_is_left() {
        let found =
            blocks("noise\n<!-- block: a -->\n| 1 |\n\n<!-- block: b -->\nx\n<!-- block: a -->\n| 2 |\n");
        assert_eq!(found["a"], "| 1 |\n| 2 |\n");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_place_shows_the_block_and_the_rest_of_the_page_stays() {
        let page = "# A\n<!-- begin: a -->\nold\nolder\n<!-- end: a -->\nrest\n";
        let filled = fill(page, &blocks("<!-- block: a -->\nnew\n"), |_| true).expect("it has the block");
        assert_eq!(filled, "# A\n<!-- begin: a -->\nnew\n<!-- end: a -->\nrest\n");
    }

    #[test]
    fn a_place_without_a_block_or_without_an_end_is_reported() {
        let some = blocks("<!-- block: a -->\nnew\n");
        for page in [
            "<!-- begin: b -->\n<!-- end: b -->\n",
            "<!-- begin: a -->\n",
            "<!-- end: a -->\n",
            "<!-- begin: a -->\n<!-- end: b -->\n",
        ] {
            assert!(fill(page, &some, |_| true).is_err(), "{page}");
        }
    }

    #[test]
    fn a_place_of_another_command_stays_as_it_is() {
        let page = "<!-- begin: system-rates -->\nold\n<!-- end: system-rates -->\n";
        let some = blocks("<!-- block: a -->\nnew\n<!-- block: system-rates -->\nnew\n");
        assert_eq!(fill(page, &some, |name| !is_of_system(name)).as_deref(), Ok(page));
        assert_eq!(fill(page, &some, is_of_system), Ok(page.replace("old", "new")));
    }
}
