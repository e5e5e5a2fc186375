//! Which crate may know which, and which foreign library, as data.

use toml::{Table, Value};

use super::{Violation, line_where};
use crate::Tree;

/// One crate of the workspace and all that it may import.
pub(super) struct Row {
    /// The folder in `crates/`, which is also the name in code.
    pub(super) name: &'static str,
    /// A pure crate has no clock, lock, thread, socket or file; the shell has.
    pub(super) pure: bool,
    /// Our own crates that it may import, for its tests as well. `*` is all.
    may_know: &'static [&'static str],
    /// Foreign libraries that it may import. `*` is any: the shell's business.
    libraries: &'static [&'static str],
}

/// Foreign libraries that any crate may use in its tests.
const TEST_LIBRARIES: &[&str] = &["hound", "loom", "proptest", "rand_chacha", "rand_core", "serde_json"];

/// The table. An arrow that is not in it must be added here with a decision page, or not drawn.
#[rustfmt::skip]
pub(super) const CRATES: &[Row] = &[
    Row { name: "timing", pure: true, may_know: &[], libraries: &["serde"] },
    Row { name: "hours", pure: true, may_know: &[], libraries: &["jiff", "serde"] },
    Row { name: "acd", pure: true, may_know: &["timing"],
          libraries: &["bytes", "rand_chacha", "rand_core", "serde"] },
    Row { name: "whatif", pure: true, may_know: &["acd", "timing"], libraries: &["libm", "serde"] },
    Row { name: "sip", pure: true, may_know: &["timing"],
          libraries: &["base64", "bytes", "md-5", "memchr", "rand_chacha", "rand_core", "rsip", "serde", "sha2", "smol_str", "subtle", "thiserror"] },
    Row { name: "media", pure: true, may_know: &["timing"],
          libraries: &["bytes", "hound", "memchr", "rand_chacha", "rand_core", "rtcp-types", "rtp-rs", "serde", "smol_str", "thiserror"] },
    Row { name: "b2bua", pure: true, may_know: &["media", "sip", "timing"],
          libraries: &["bytes", "rand_chacha", "rand_core", "serde", "thiserror"] },
    Row { name: "flow", pure: true, may_know: &["timing"], libraries: &["bytes", "serde", "thiserror"] },
    Row { name: "engine", pure: true, may_know: &["acd", "b2bua", "flow", "media", "sip", "timing"],
          libraries: &["bytes", "rand_chacha", "rand_core", "serde", "thiserror"] },
    Row { name: "report", pure: true, may_know: &["acd", "b2bua", "engine", "media", "sip", "timing"],
          libraries: &["bytes", "prometheus", "serde", "thiserror", "utoipa"] },
    Row { name: "cti", pure: true, may_know: &["acd", "b2bua", "engine", "media", "report", "sip", "timing"],
          libraries: &["chrono", "serde", "utoipa"] },
    Row { name: "sim", pure: true, may_know: &["acd", "b2bua", "engine", "flow", "media", "report", "sip", "timing"],
          libraries: &["bytes", "rand_chacha", "rand_core", "rsip", "serde", "serde_json", "thiserror"] },
    Row { name: "load", pure: true, may_know: &["media", "sip", "timing", "whatif"], libraries: &["bytes", "hdrhistogram"] },
    Row { name: "fuzz", pure: false, may_know: &["*"], libraries: &["*"] },
    Row { name: "handoff", pure: false, may_know: &[], libraries: &[] },
    Row { name: "server", pure: false, may_know: &["*"], libraries: &["*"] },
    Row { name: "xtask", pure: false, may_know: &[], libraries: &["proc-macro2", "syn", "toml"] },
];

/// The row of the crate that a path lies in.
pub(super) fn row_of(path: &str) -> Option<&'static Row> {
    let name = path.strip_prefix("crates/")?.split('/').next()?;
    CRATES.iter().find(|row| row.name == name)
}

/// A crate imports only those of ours that its row names, and says the same name everywhere.
pub(super) fn between_crates(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for name in tree.crates() {
        let path = format!("crates/{name}/Cargo.toml");
        let Some(row) = row_of(&path) else {
            let remedy = "add its row to the table of arrows in crates/xtask, or make it a module";
            violations.push(Violation::new(&path, 1, format!("crate `{name}` has no row of arrows"), remedy));
            continue;
        };
        let Some((text, manifest)) = manifest(tree, &path) else {
            violations.push(Violation::new(&path, 1, "the manifest is missing or no TOML", "write it"));
            continue;
        };
        check_package(row, &path, text, &manifest, &mut violations);
        for dependency in ours(&dependencies(&manifest)) {
            if !allows(row.may_know, &dependency) && dependency != name {
                let line = line_of(text, &dependency);
                let message = format!("`{name}` must not know `{dependency}`");
                let remedy =
                    "let the crate above connect the two, or change the table of arrows by a decision";
                violations.push(Violation::new(&path, line, message, remedy));
            }
        }
    }
    violations
}

/// A crate imports only the foreign libraries that its row names.
pub(super) fn to_the_outside(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for row in CRATES {
        let path = format!("crates/{}/Cargo.toml", row.name);
        let Some((text, manifest)) = manifest(tree, &path) else { continue };
        for Dependency { name, for_tests } in dependencies(&manifest) {
            let is_ours = CRATES.iter().any(|row| row.name == name);
            let allowed = allows(row.libraries, &name) || (for_tests && allows(TEST_LIBRARIES, &name));
            if !is_ours && !allowed {
                let message = format!("`{}` must not import the library `{name}`", row.name);
                let remedy = "do it in `server`, or add the library to the row of the crate in crates/xtask";
                violations.push(Violation::new(&path, line_of(text, &name), message, remedy));
            }
        }
    }
    violations
}

struct Dependency {
    name: String,
    for_tests: bool,
}

fn allows(list: &[&str], name: &str) -> bool {
    list.contains(&"*") || list.contains(&name)
}

fn ours(dependencies: &[Dependency]) -> Vec<String> {
    let known = dependencies.iter().filter(|dependency| CRATES.iter().any(|row| row.name == dependency.name));
    known.map(|dependency| dependency.name.clone()).collect()
}

fn manifest<'a>(tree: &'a Tree, path: &str) -> Option<(&'a str, Table)> {
    let text = tree.text(path)?;
    Some((text, text.parse().ok()?))
}

fn dependencies(manifest: &Table) -> Vec<Dependency> {
    let mut found = Vec::new();
    collect(manifest, &mut found);
    if let Some(Value::Table(targets)) = manifest.get("target") {
        targets.values().filter_map(Value::as_table).for_each(|target| collect(target, &mut found));
    }
    found
}

fn collect(table: &Table, found: &mut Vec<Dependency>) {
    for (section, for_tests) in
        [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)]
    {
        if let Some(Value::Table(entries)) = table.get(section) {
            found.extend(
                entries.iter().map(|(key, value)| Dependency { name: true_name(key, value), for_tests }),
            );
        }
    }
}

/// What is imported, where an entry renames it: `package = "cordboard-sip"` is `sip`.
fn true_name(key: &str, value: &Value) -> String {
    let package = value.get("package").and_then(Value::as_str).unwrap_or(key);
    package.strip_prefix("cordboard-").unwrap_or(package).to_owned()
}

fn line_of(text: &str, dependency: &str) -> usize {
    line_where(text, |line| {
        let key = line.split(['.', '=', ' ']).next().unwrap_or_default();
        key == dependency || line.contains(&format!("\"cordboard-{dependency}\""))
    })
}

fn check_package(row: &Row, path: &str, text: &str, manifest: &Table, violations: &mut Vec<Violation>) {
    let package =
        if row.name == "server" { "cordboard".to_owned() } else { format!("cordboard-{}", row.name) };
    let written = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
    if written != Some(&package) {
        let line = line_of(text, "name");
        violations.push(Violation::new(
            path,
            line,
            "the package has another name",
            format!("call it `{package}`"),
        ));
    }
    let lints = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool);
    if lints != Some(true) {
        let remedy = "add `[lints]` with `workspace = true`";
        violations.push(Violation::new(path, 1, "the lints of the workspace do not hold here", remedy));
    }
}

#[cfg(test)]
mod tests {
    use super::super::messages;
    use super::*;

    fn tree(name: &str, dependencies: &str) -> Tree {
        let manifest =
            format!("[package]\nname = \"cordboard-{name}\"\n[lints]\nworkspace = true\n{dependencies}");
        Tree::of(&[(&format!("crates/{name}/Cargo.toml"), &manifest)])
    }

    #[test]
    fn an_arrow_that_is_not_in_the_table_is_reported_at_its_line() {
        let found =
            between_crates(&tree("acd", "[dependencies]\ntiming.workspace = true\nsip.workspace = true\n"));
        assert!(
            messages(&found).starts_with("crates/acd/Cargo.toml:7: `acd` must not know `sip`"),
            "{found:?}"
        );
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn an_arrow_for_tests_or_under_another_name_counts_too() {
        let found =
            between_crates(&tree("sip", "[dev-dependencies]\nx = { package = \"cordboard-media\" }\n"));
        assert!(messages(&found).contains(":6: `sip` must not know `media`"), "{found:?}");
    }

    #[test]
    fn a_crate_without_a_row_is_reported() {
        assert!(messages(&between_crates(&tree("common", ""))).contains("`common` has no row"));
    }

    #[test]
    fn a_crate_that_leaves_the_lints_or_the_naming_is_reported() {
        let tree = Tree::of(&[("crates/acd/Cargo.toml", "[package]\nname = \"distributor\"\n")]);
        let found = messages(&between_crates(&tree));
        assert!(found.contains(":2: the package has another name; call it `cordboard-acd`"), "{found}");
        assert!(found.contains("lints of the workspace"), "{found}");
    }

    #[test]
    fn a_pure_crate_that_imports_a_runtime_is_reported() {
        let found =
            to_the_outside(&tree("sip", "[dependencies]\nrsip.workspace = true\ntokio.workspace = true\n"));
        assert!(messages(&found).contains(":7: `sip` must not import the library `tokio`"), "{found:?}");
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_test_library_is_for_tests_only() {
        assert_eq!(to_the_outside(&tree("acd", "[dev-dependencies]\nproptest.workspace = true\n")), []);
        assert_eq!(to_the_outside(&tree("acd", "[dependencies]\nproptest.workspace = true\n")).len(), 1);
        assert_eq!(
            to_the_outside(&tree("acd", "[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n")).len(),
            1
        );
    }

    #[test]
    fn no_pure_crate_may_import_a_runtime_a_lock_or_a_socket_library() {
        for row in CRATES.iter().filter(|row| row.pure) {
            for library in ["tokio", "parking_lot", "crossbeam", "quinn-udp", "axum", "*"] {
                assert!(!row.libraries.contains(&library), "{} may import {library}", row.name);
            }
        }
    }
}
