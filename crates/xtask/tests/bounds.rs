//! The page about bounds names tests that exist.

use std::path::Path;

use xtask::Tree;

#[test]
fn every_test_that_the_page_about_bounds_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/xtask lies two below");
    let tree = Tree::read(root).expect("the project can be read");
    let page = tree.text("docs/bounds.md").expect("the page is there");
    // Between back quotes, and words that only a test is named by.
    let is_test = |name: &&str| name.matches('_').count() >= 3 && !name.contains(['/', ' ']);
    let named: Vec<&str> = page.split('`').skip(1).step_by(2).filter(is_test).collect();
    assert!(named.len() > 20, "{named:?}");
    let is_there = |name: &str| tree.sources().any(|(_, text)| text.contains(&format!("fn {name}()")));
    let missing: Vec<&str> = named.into_iter().filter(|name| !is_there(name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}
