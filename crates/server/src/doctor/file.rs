//! Who may read and write the configuration: it holds passwords.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Finding;

const CHECK: &str = "file";
/// Bits of a file's mode: whoever is neither its owner nor in its group may read it; somebody but the owner may write it.
const OTHERS_READ: u32 = 0o004;
const MORE_WRITE: u32 = 0o022;

/// Who may, by the file's mode.
pub(super) fn readers(path: &Path) -> Finding {
    match std::fs::metadata(path) {
        Ok(metadata) => judged(path, metadata.permissions().mode()),
        Err(error) => Finding::fail(CHECK, format!("{}: {error}", path.display())),
    }
}

fn judged(path: &Path, mode: u32) -> Finding {
    let (path, shown) = (path.display(), mode & 0o777);
    let remedy = format!("`chown root:cordboard {path}` and `chmod 640 {path}`");
    if mode & MORE_WRITE != 0 {
        return Finding::fail(
            CHECK,
            format!("others than the owner may write {path} (mode {shown:o}), and so take calls: {remedy}"),
        );
    }
    if mode & OTHERS_READ != 0 {
        return Finding::warn(
            CHECK,
            format!("everybody on this machine may read the passwords in {path} (mode {shown:o}): {remedy}"),
        );
    }
    Finding::ok(CHECK, format!("mode {shown:o}"))
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_file_that_others_read_is_warned_about_and_one_that_others_write_fails() {
        let verdict = |mode| judged(Path::new("a.toml"), mode).verdict;
        assert_eq!([0o100_640, 0o600, 0o440].map(verdict), [Verdict::Ok; 3]);
        assert_eq!([0o644, 0o604].map(verdict), [Verdict::Warn; 2]);
        assert_eq!([0o660, 0o602, 0o666].map(verdict), [Verdict::Fail; 3]);
        assert!(judged(Path::new("a.toml"), 0o644).message.contains("chmod 640 a.toml"));
    }

    #[test]
    fn a_file_that_is_gone_fails() {
        assert_eq!(readers(Path::new("not/there.toml")).verdict, Verdict::Fail);
    }
}
