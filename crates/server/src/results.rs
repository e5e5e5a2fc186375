//! What a command has found out: a text for the terminal, and files for people and programs.
//!
//! A file that was read is never overwritten, nor are two results written into one: both are told before the work begins,
//! because a result that took an hour and the scenario that it came from are worth more than a slip of the keyboard.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::exit::Exit;

pub(crate) mod figure;
pub(crate) mod page;
#[cfg(test)]
mod tests;
pub(crate) mod words;

/// Symbolic links that lead from one to the next; Linux follows no more either (path_resolution(7)).
const LINKS_MAX: usize = 40;

/// The files that a user names for the results.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Files {
    /// Write every figure into this file, one a line.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write everything into this file, for programs.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write a report with charts into this file; it needs nothing else.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// A result would take the place of what was read, or of another result.
#[derive(Debug)]
pub(crate) struct Overwritten(String);

impl fmt::Display for Overwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Overwritten {}

/// What is told in the end.
#[derive(Debug)]
pub(crate) struct Answer {
    /// For the terminal.
    pub(crate) text: String,
    /// The files that could not be written.
    pub(crate) unwritten: Vec<(PathBuf, io::Error)>,
}

impl Answer {
    /// Nothing but a text.
    pub(crate) fn text(text: String) -> Answer {
        Answer { text, unwritten: Vec::new() }
    }

    /// Shows the text, and what could not be written behind it: no file takes the text along.
    pub(crate) fn tell(&self) -> Exit {
        let mut out = io::stdout().lock();
        let shown = told(out.write_all(self.text.as_bytes()).and_then(|()| out.flush()));
        for (file, error) in &self.unwritten {
            let remedy = "name a file in a folder that is there and has room";
            eprintln!("{} cannot be written: {error}; {remedy}", file.display());
        }
        if self.unwritten.is_empty() { shown } else { Exit::System }
    }

    fn write(&mut self, file: Option<&Path>, bytes: impl FnOnce() -> io::Result<Vec<u8>>) {
        let Some(file) = file else { return };
        match bytes().and_then(|bytes| std::fs::write(file, bytes)) {
            Ok(()) => self.text.push_str(&format!("written: {}\n", file.display())),
            Err(error) => self.unwritten.push((file.to_owned(), error)),
        }
    }
}

/// What becomes of a text that was written to the terminal, a pipe or a file behind it.
fn told(written: io::Result<()>) -> Exit {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!(
                "the result cannot be written to the standard output: {error}; make room, or name a file"
            );
            Exit::System
        }
        // Whoever closes the pipe has seen enough.
        Ok(()) | Err(_) => Exit::Well,
    }
}

impl Files {
    /// Those that are named, with their options.
    fn named(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let all = [("--csv", &self.csv), ("--json", &self.json), ("--html", &self.html)];
        all.into_iter().filter_map(|(option, file)| Some((option, file.as_deref()?)))
    }

    /// Sees that what will be written is neither what was read nor written twice.
    ///
    /// # Errors
    ///
    /// The first file that would be, with its option.
    pub(crate) fn spare(&self, reads: &[PathBuf]) -> Result<(), Overwritten> {
        let mut written: Vec<(&str, Place)> = Vec::new();
        for (option, file) in self.named() {
            let shown = file.display();
            let place = Place::of(file);
            if reads.iter().any(|read| Place::of(read) == place) {
                let message = format!("{option} would overwrite {shown}, which is read; name another file");
                return Err(Overwritten(message));
            }
            // A device takes everything, one after the other.
            let is_twice = written.iter().find(|(_, other)| *other == place && !is_special(file));
            if let Some((other, _)) = is_twice {
                let message = format!("{other} and {option} both name {shown}; name two files");
                return Err(Overwritten(message));
            }
            written.push((option, place));
        }
        Ok(())
    }

    /// Writes the files that are named, and says so behind the text. One that cannot be written does not keep the others
    /// from it.
    pub(crate) fn write(
        &self,
        text: String,
        csv: impl FnOnce() -> Result<Vec<u8>, csv::Error>,
        json: impl FnOnce() -> Value,
        page: impl FnOnce() -> String,
    ) -> Answer {
        let mut answer = Answer::text(text);
        answer.write(self.csv.as_deref(), || csv().map_err(|error| io::Error::other(error.to_string())));
        answer.write(self.json.as_deref(), || {
            let mut text = serde_json::to_vec_pretty(&json())?;
            text.push(b'\n');
            Ok(text)
        });
        answer.write(self.html.as_deref(), || Ok(page().into_bytes()));
        answer
    }
}

fn is_special(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|metadata| !metadata.is_file())
}

/// Where a file lies, by whichever name.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// It is there: one file may have many names.
    There { device: u64, inode: u64 },
    /// It would be made under this name.
    New(PathBuf),
}

impl Place {
    fn of(file: &Path) -> Place {
        let mut file = file.to_owned();
        for _ in 0..LINKS_MAX {
            if let Ok(metadata) = std::fs::metadata(&file) {
                return Place::There { device: metadata.dev(), inode: metadata.ino() };
            }
            // A link to a file that is not there yet: that one would be made.
            let Ok(target) = std::fs::read_link(&file) else { break };
            file = folder_of(&file).join(target);
        }
        let folder = folder_of(&file).canonicalize();
        Place::New(match (folder, file.file_name()) {
            (Ok(folder), Some(name)) => folder.join(name),
            (Ok(_) | Err(_), _) => file,
        })
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
