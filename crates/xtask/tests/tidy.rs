//! The house rules hold in the project as it is.

use std::path::Path;

use xtask::{Tree, tidy};

#[test]
fn the_project_obeys_its_own_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/xtask lies two below");
    let tree = Tree::read(root).expect("the project can be read");
    assert!(tree.len() > 50, "only {} files were found", tree.len());
    let lines: Vec<String> = tidy::check(&tree).iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "\n{}\n{} to repair\n", lines.join("\n"), lines.len());
}
