//! Writes what the reference cases give into the page that shows it.
//!
//! The test `accuracy` of the package `cordboard-whatif` plays them and prints the blocks; the places in the page are
//! those of [`crate::performance`].

use std::path::Path;
use std::process::{Command, Stdio};

use crate::cargo_program;
use crate::performance::{Blocks, add_blocks, fill, marked};

const PAGE: &str = "docs/accuracy.md";

/// Plays all cases and rewrites the page.
///
/// # Errors
///
/// That cases disagree (the page is left as it was), or what could not be run, read or written.
pub fn run(root: &Path) -> Result<String, String> {
    let filled = filled_page(root, &["--page"])?;
    write(root, &filled)
}

/// Plays all cases and says whether the page shows them.
///
/// # Errors
///
/// That it does not, and the remedy; or as [`run`].
pub fn check(root: &Path) -> Result<String, String> {
    if filled_page(root, &["--page"])? == read(root)? {
        return Ok(format!("accuracy: {PAGE} shows what the present core gives"));
    }
    Err(format!("accuracy: {PAGE} is stale; run `cargo xtask accuracy`"))
}

/// Plays the trace in a file and rewrites its part of the page.
///
/// # Errors
///
/// As [`run`].
pub fn trace(root: &Path, file: &str) -> Result<String, String> {
    let file = std::path::absolute(file).map_err(|error| format!("cannot find {file}: {error}"))?;
    let file = file.to_str().ok_or("the name of the file is no text")?;
    let filled = filled_page(root, &["--trace", file])?;
    write(root, &filled)
}

fn filled_page(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let page = read(root)?;
    let mut blocks = standing(&page);
    let mut fresh = Blocks::new();
    add_blocks(&mut fresh, &output(root, arguments)?);
    blocks.extend(fresh);
    fill(&page, &blocks, |_| true).map_err(|what| format!("{PAGE}: {what}"))
}

fn read(root: &Path) -> Result<String, String> {
    std::fs::read_to_string(root.join(PAGE)).map_err(|error| format!("cannot read {PAGE}: {error}"))
}

fn write(root: &Path, text: &str) -> Result<String, String> {
    std::fs::write(root.join(PAGE), text).map_err(|error| format!("cannot write {PAGE}: {error}"))?;
    Ok(format!("accuracy: {PAGE} shows this run"))
}

fn output(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(cargo_program())
        .args(["test", "--quiet", "--package", "cordboard-whatif", "--test", "accuracy", "--"])
        .args(arguments)
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        return Err(format!("{text}\nFAILED: cargo test --package cordboard-whatif --test accuracy"));
    }
    Ok(text)
}

/// What stands in the places of a page now: a run fills some of them and leaves the others.
fn standing(page: &str) -> Blocks {
    let mut blocks = Blocks::new();
    let mut inside = None;
    for line in page.lines() {
        if let Some(name) = marked(line, "begin") {
            blocks.insert(name.to_owned(), String::new());
            inside = Some(name);
        } else if marked(line, "end").is_some() {
            inside = None;
        } else if let Some(block) = inside.and_then(|name| blocks.get_mut(name)) {
            block.push_str(line);
            block.push('\n');
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_a_run_does_not_fill_keeps_what_it_shows() {
        let page = "a\n<!-- begin: one -->\nold\n<!-- end: one -->\n<!-- begin: two -->\nkept\n\n<!-- end: two -->\n";
        let mut blocks = standing(page);
        assert_eq!(fill(page, &blocks, |_| true), Ok(page.to_owned()));
        add_blocks(&mut blocks, "");
        blocks.insert("one".to_owned(), "new\n".to_owned());
        let filled = fill(page, &blocks, |_| true).expect("both places have a block");
        assert!(filled.contains("\nnew\n") && filled.contains("\nkept\n") && !filled.contains("old"));
    }
}
