//! Child processes that never outlive their test, and waiting with a bound.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A child that is ended, by its process id, when its owner goes.
pub(crate) struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts a program with its output in `log`.
    pub(crate) fn start(name: &str, command: &mut Command, log: &Path) -> Process {
        let output = File::create(log).expect("the test's folder is writable");
        let errors = output.try_clone().expect("a file that is open");
        let child =
            command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn().unwrap_or_else(|error| {
                panic!("{name} does not start: {error}; `cargo xtask test` installs it")
            });
        Process { child, name: name.to_owned() }
    }

    /// Asks it to end (SIGTERM).
    pub(crate) fn terminate(&self) {
        signal("-TERM", self.child.id());
    }

    /// Sends it a signal by name, as `kill` spells it.
    pub(crate) fn signal(&self, name: &str) {
        signal(name, self.child.id());
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child of ours").is_none()
    }

    /// Waits for its end; a process that takes longer fails the test.
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        let name = self.name.clone();
        eventually(limit, &format!("{name} ends"), || self.child.try_wait().expect("a child of ours"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        // SIGTERM first: a server's own children end with it only where it ends itself.
        let _: std::io::Result<ExitStatus> =
            Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < Duration::from_secs(3) {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Killing what has ended by itself is no failure.
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<ExitStatus> = self.child.wait();
    }
}

fn signal(name: &str, id: u32) {
    let status = Command::new("kill").arg(name).arg(id.to_string()).status().expect("kill is a program");
    assert!(status.success(), "no process {id} to send {name} to");
}

/// Polls until `probe` has an answer; fails the test with `what` when `limit` has passed.
pub(crate) fn eventually<T>(limit: Duration, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(begun.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Polls `probe`, seldom enough for a crowd of tests that do the same, until it has said `true` for as long as
/// `quiet`; says whether it did so within `limit`.
pub(crate) fn comes_to_rest(limit: Duration, quiet: Duration, mut probe: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    let mut at_rest_since = None;
    loop {
        let asked = Instant::now();
        at_rest_since = if probe() { at_rest_since.or(Some(asked)) } else { None };
        if at_rest_since.is_some_and(|since| asked.duration_since(since) >= quiet) {
            return true;
        }
        if begun.elapsed() >= limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// A folder for one test's files, below the build's own folder for such things.
pub(crate) fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real_peers").join(test);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("left by an earlier run of this test");
    }
    std::fs::create_dir_all(&folder).expect("the build's folder is writable");
    folder
}

/// The first of `count` ports for media that this process hands out once: below the usual ephemeral range.
pub(crate) fn media_ports(count: u16) -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(16_000);
    let first = NEXT.fetch_add(count.into(), Ordering::Relaxed);
    assert!(first + u32::from(count) <= 32_768, "no media ports are left: give each test fewer");
    u16::try_from(first).expect("below 32768")
}
