//! Names that say nothing.

use syn::visit::{self, Visit};

use super::Violation;
use crate::Tree;

/// Last words of a type, a module or a file that only say that its author had no word for it.
const EMPTY_WORDS: [&str; 7] = ["manager", "helper", "helpers", "util", "utils", "data", "misc"];
/// Folders in which everything ends that has no place.
const EMPTY_FOLDERS: [&str; 7] = ["common", "core", "types", "util", "utils", "helper", "helpers"];
/// A folder named so holds data, not code, and may say it.
const DATA_FOLDER: &str = "data";

const REMEDY: &str = "name it after what it is or does, by the glossary";

/// Types, modules and functions.
pub(super) fn of_items(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.sources() {
        if let Ok(file) = syn::parse_file(text) {
            let mut names = Names { path, violations: &mut violations };
            names.visit_file(&file);
        }
    }
    violations
}

/// Files and folders.
pub(super) fn of_files(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, _) in tree.files() {
        let mut parts: Vec<&str> = path.split('/').collect();
        let file = parts.pop().unwrap_or_default();
        let stem = file.split('.').next().unwrap_or_default();
        if let Some(folder) = parts.iter().find(|folder| EMPTY_FOLDERS.contains(folder)) {
            violations.push(Violation::new(path, 1, format!("a folder named `{folder}`"), REMEDY));
        }
        if file == "mod.rs" {
            violations.push(Violation::new(path, 1, "a file named `mod.rs`", "use `foo.rs` + `foo/`"));
        }
        if file.ends_with(".rs") && stem != DATA_FOLDER && ends_empty(stem) {
            violations.push(Violation::new(path, 1, format!("a file named `{file}`"), REMEDY));
        }
    }
    violations
}

/// Whether the last word of `CamelCase` or `snake_case` says nothing.
fn ends_empty(name: &str) -> bool {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake.rsplit('_').next().is_some_and(|word| EMPTY_WORDS.contains(&word))
}

struct Names<'a> {
    path: &'a str,
    violations: &'a mut Vec<Violation>,
}

impl Names<'_> {
    fn thing(&mut self, name: &syn::Ident) {
        if ends_empty(&name.to_string()) {
            self.report(name, REMEDY);
        }
    }

    fn action(&mut self, name: &syn::Ident) {
        if name.to_string().starts_with("get_") {
            self.report(name, "leave the `get_` away");
        }
    }

    fn report(&mut self, name: &syn::Ident, remedy: &str) {
        let line = name.span().start().line;
        self.violations.push(Violation::new(
            self.path,
            line,
            format!("the name `{name}` says nothing"),
            remedy,
        ));
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.thing(&item.ident);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.thing(&item.ident);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.thing(&item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.thing(&item.ident);
        visit::visit_item_type(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.thing(&item.ident);
        visit::visit_item_mod(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.action(&item.sig.ident);
        visit::visit_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.action(&item.sig.ident);
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        // A foreign trait chose the names of its functions.
        if item.trait_.is_none() {
            for part in &item.items {
                if let syn::ImplItem::Fn(function) = part {
                    self.action(&function.sig.ident);
                }
            }
        }
        visit::visit_item_impl(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::super::messages;
    use super::*;

    #[test]
    fn empty_names_of_types_and_functions_are_reported_at_their_line() {
        let source = "\nstruct CallManager;\nenum CallData { A }\nmod sip_utils {}\nfn get_call() {}\n\
                      impl X { fn get_leg(&self) {} }\nfn f() { struct Helper; }";
        let found = messages(&of_items(&Tree::of(&[("a.rs", source)])));
        for expected in
            ["a.rs:2: the name `CallManager`", ":3:", ":4:", ":5: the name `get_call`", ":6:", ":7:"]
        {
            assert!(found.contains(expected), "{expected} not in {found}");
        }
    }

    #[test]
    fn a_name_that_only_contains_such_a_word_passes() {
        let source =
            "struct DataChannel; struct Utility; fn getting() {} impl Iterator for X { fn get_leg() {} }";
        assert_eq!(of_items(&Tree::of(&[("a.rs", source)])), []);
    }

    #[test]
    fn empty_names_of_files_and_folders_are_reported() {
        let bad = [
            "a/mod.rs",
            "a/sip_utils.rs",
            "crates/common/x.rs",
            "src/core/x.rs",
            "helper.rs",
            "types/a.toml",
        ];
        for path in bad {
            assert_eq!(of_files(&Tree::of(&[(path, "")])).len(), 1, "{path}");
        }
        assert_eq!(of_files(&Tree::of(&[("tests/data/a.txt", ""), ("src/scored.rs", "")])), []);
    }
}
