//! The files that belong to the project, as text.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Command;

/// Folders that a walk passes over: what the build makes and what git keeps.
const NOT_OURS: [&str; 2] = ["target", ".git"];

/// The project's files by path from its top (`crates/sip/src/lib.rs`), in order of path.
///
/// A file that is not UTF-8 (recorded packets, sound) is kept with an empty text: it has a place and
/// a name, and nothing to read.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// A tree of the given paths and texts.
    pub fn of(files: &[(&str, &str)]) -> Tree {
        Tree { files: files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect() }
    }

    /// What git tracks below `root`; where there is no git (an unpacked archive), all files but the build's.
    ///
    /// # Errors
    ///
    /// A folder that cannot be listed. A tracked file that is gone from the disk is left out.
    pub fn read(root: &Path) -> io::Result<Tree> {
        let paths = match tracked(root) {
            Some(paths) => paths,
            None => {
                let mut paths = Vec::new();
                walk(root, "", &mut paths)?;
                paths
            }
        };
        let mut files = BTreeMap::new();
        for path in paths {
            if let Ok(bytes) = std::fs::read(root.join(&path)) {
                files.insert(path, String::from_utf8(bytes).unwrap_or_default());
            }
        }
        Ok(Tree { files })
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The text of one file.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Every path with its text, in order of path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The Rust sources.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(|(path, _)| path.ends_with(".rs"))
    }

    /// Whether `path` is a file or a folder of the tree.
    pub fn holds(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files.contains_key(path) || self.files.keys().any(|file| file.starts_with(&folder))
    }

    /// The names of the folders directly in `crates/`.
    pub fn crates(&self) -> Vec<&str> {
        let inside = self.files.keys().filter_map(|path| path.strip_prefix("crates/"));
        let mut names: Vec<&str> = inside.filter_map(|path| Some(path.split_once('/')?.0)).collect();
        names.dedup();
        names
    }
}

fn tracked(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git").arg("-C").arg(root).args(["ls-files", "-z"]).output().ok()?;
    if !output.status.success() {
        return None;
    }
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    let paths: Vec<String> = list.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    (!paths.is_empty()).then_some(paths)
}

fn walk(root: &Path, folder: &str, paths: &mut Vec<String>) -> io::Result<()> {
    for entry in std::fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if !entry.file_type()?.is_dir() {
            paths.push(path);
        } else if !NOT_OURS.contains(&name.as_str()) {
            walk(root, &path, paths)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_is_found_with_and_without_git() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let tree = Tree::read(root).expect("our own sources");
        assert!(tree.text("src/lib.rs").is_some_and(|text| text.starts_with("//!")));
        let mut paths = Vec::new();
        walk(root, "", &mut paths).expect("our own folder");
        assert!(paths.contains(&"src/lib.rs".to_owned()));
    }

    #[test]
    fn a_folder_is_held_where_a_file_lies_in_it() {
        let tree = Tree::of(&[("crates/sip/src/lib.rs", ""), ("crates/acd/Cargo.toml", "")]);
        assert!(tree.holds("crates/sip/src") && tree.holds("crates/sip/") && !tree.holds("crates/s"));
        assert_eq!(tree.crates(), ["acd", "sip"]);
    }
}
