//! What a result may be written into, and what is told where it cannot be written.

use std::io::{Error, ErrorKind};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{Answer, Files, told};
use crate::exit::Exit;

/// A folder with a scenario in it that must survive.
struct Folder {
    path: PathBuf,
    scenario: PathBuf,
}

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("cordboard-{}-results-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the folder for temporary files is there");
        let scenario = path.join("day.toml");
        std::fs::write(&scenario, "as it was").expect("it can be written to");
        Folder { path, scenario }
    }

    /// What is said where the CSV goes into this file and the scenario is read.
    fn over(&self, file: &Path) -> String {
        let files = Files { csv: Some(file.to_owned()), ..Files::default() };
        let refused = files.spare(std::slice::from_ref(&self.scenario));
        refused.err().map(|overwritten| overwritten.to_string()).unwrap_or_default()
    }

    /// What is said where the CSV and the page go into these.
    fn both(&self, csv: &Path, html: &Path) -> String {
        let files = Files { csv: Some(csv.to_owned()), html: Some(html.to_owned()), json: None };
        let refused = files.spare(std::slice::from_ref(&self.scenario));
        refused.err().map(|overwritten| overwritten.to_string()).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.path).expect("our own folder");
    }
}

#[test]
fn a_file_that_is_read_is_known_by_all_of_its_names() {
    let folder = Folder::new("names");
    let (link, hard) = (folder.path.join("link"), folder.path.join("hard"));
    symlink("day.toml", &link).expect("the folder takes links");
    std::fs::hard_link(&folder.scenario, &hard).expect("the folder takes links");
    let around =
        folder.path.join("..").join(folder.path.file_name().expect("it has a name")).join("day.toml");
    for name in [&folder.scenario, &link, &hard, &around] {
        let said = folder.over(name);
        let remedy = "which is read; name another file";
        assert!(said.starts_with("--csv would overwrite") && said.ends_with(remedy), "{name:?}: {said}");
    }
    assert_eq!(folder.over(&folder.path.join("day.csv")), "");
}

#[test]
fn two_results_never_go_into_one_file() {
    let folder = Folder::new("twice");
    let (new, link) = (folder.path.join("new"), folder.path.join("link"));
    symlink("new", &link).expect("the folder takes links");
    for other in [&new, &link, &folder.path.join(".").join("new")] {
        let said = folder.both(&new, other);
        assert!(said.starts_with("--csv and --html both name"), "{other:?}: {said}");
    }
    assert_eq!(folder.both(&new, &folder.path.join("newer")), "");
    let nothing = Path::new("/dev/null");
    assert_eq!(folder.both(nothing, nothing), "", "a device takes both");
}

#[test]
fn links_in_a_circle_come_to_an_end() {
    let folder = Folder::new("circle");
    let link = folder.path.join("link");
    symlink("link", &link).expect("the folder takes links");
    assert_eq!(folder.over(&link), "", "nothing lies there; writing it will fail and say so");
}

#[test]
fn one_file_that_cannot_be_written_takes_neither_the_text_nor_the_others_along() {
    let folder = Folder::new("unwritten");
    let json = folder.path.join("day.json");
    let files = Files { csv: Some(folder.path.join("no/day.csv")), json: Some(json.clone()), html: None };
    let csv = || Ok(b"figure\n".to_vec());
    let answer = files.write("found\n".to_owned(), csv, || serde_json::json!({ "figure": 1 }), String::new);
    assert_eq!(answer.text, format!("found\nwritten: {}\n", json.display()));
    assert_eq!(answer.unwritten.len(), 1);
    assert!(answer.unwritten[0].0.ends_with("no/day.csv"));
    assert_eq!(std::fs::read_to_string(json).expect("it was written"), "{\n  \"figure\": 1\n}\n");
    assert_eq!(answer.tell(), Exit::System);
    assert_eq!(Answer::text(String::new()).tell(), Exit::Well);
}

#[test]
fn a_full_disk_is_told_and_a_closed_pipe_is_not() {
    assert_eq!(told(Err(Error::from(ErrorKind::StorageFull))), Exit::System);
    assert_eq!(told(Err(Error::from(ErrorKind::BrokenPipe))), Exit::Well);
    assert_eq!(told(Ok(())), Exit::Well);
}
