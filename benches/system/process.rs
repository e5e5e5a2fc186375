//! Programs that are measured from outside: what Linux says of a process and its children.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Linux counts CPU time for other processes in hundredths of a second (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;
/// How long a program may take to begin or to end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A program that is ended with its owner.
pub(crate) struct Process {
    child: Child,
    name: &'static str,
    log: PathBuf,
}

/// What a process and its children have used since they began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// User and system time, in seconds.
    pub(crate) cpu: f64,
    /// Times that one of their threads was given a core, or had to leave it.
    pub(crate) switches: u64,
}

impl Process {
    /// Starts a program with its output in a file of that folder.
    ///
    /// # Errors
    ///
    /// Where it is not there, with the remedy.
    pub(crate) fn start(name: &'static str, command: &mut Command, folder: &Path) -> Result<Process, String> {
        let log = folder.join(format!("{name}.log"));
        let cannot =
            |error: std::io::Error| format!("{name} does not start: {error}; `cargo xtask test` installs it");
        let output = File::create(&log).map_err(cannot)?;
        let errors = output.try_clone().map_err(cannot)?;
        let child = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn().map_err(cannot)?;
        Ok(Process { child, name, log })
    }

    /// Waits for its end, which must be well.
    ///
    /// # Errors
    ///
    /// Where it ends otherwise or not in time, with the end of what it said.
    pub(crate) fn succeeds(&mut self, limit: Duration) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(self.blame(&format!("ended with {status}"))),
                Ok(None) if begun.elapsed() < limit => std::thread::sleep(Duration::from_millis(20)),
                Ok(None) => return Err(self.blame(&format!("has not ended in {} s", limit.as_secs()))),
                Err(error) => return Err(format!("{} is lost: {error}", self.name)),
            }
        }
    }

    /// Polls until `probe` has an answer, as long as the process lives.
    ///
    /// # Errors
    ///
    /// Where it has none in time, or the process ends.
    pub(crate) fn awaits<T>(
        &mut self,
        what: &str,
        mut probe: impl FnMut() -> Option<T>,
    ) -> Result<T, String> {
        let begun = Instant::now();
        loop {
            if let Some(found) = probe() {
                return Ok(found);
            }
            if !matches!(self.child.try_wait(), Ok(None)) {
                return Err(self.blame("ended by itself"));
            }
            if begun.elapsed() > PATIENCE {
                return Err(self.blame(&format!("not within {} s: {what}", PATIENCE.as_secs())));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it at once.
    pub(crate) fn kill(mut self) {
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<_> = self.child.wait();
    }

    /// A fault of this program, with the last lines that it wrote.
    fn blame(&self, fault: &str) -> String {
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = said.lines().collect();
        format!(
            "{} {fault}; its last words: {}",
            self.name,
            lines[lines.len().saturating_sub(5)..].join(" | ")
        )
    }

    /// What it and its children have used.
    pub(crate) fn usage(&self) -> Usage {
        let family = self.family();
        let ticks = family.iter().filter_map(|&id| stat(id)).map(|stat| stat.ticks).sum::<f64>();
        let switches = family.iter().map(|&id| switches(id)).sum();
        Usage { cpu: ticks / TICKS_PER_SECOND, switches }
    }

    /// Time on a core of all its threads, to the nanosecond; without those that have ended.
    pub(crate) fn running(&self) -> Duration {
        let nanos = |id: &u32| {
            let times = tasks(*id).into_iter().filter_map(|task| {
                std::fs::read_to_string(task.join("schedstat"))
                    .ok()?
                    .split_whitespace()
                    .next()?
                    .parse::<u64>()
                    .ok()
            });
            times.sum::<u64>()
        };
        Duration::from_nanos(self.family().iter().map(nanos).sum())
    }

    /// Resident memory of it and its children in KiB, what they share counted once (`Pss`).
    pub(crate) fn resident_kib(&self) -> f64 {
        let kib = |id: &u32| {
            let text = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
            let line = text.lines().find(|line| line.starts_with("Pss:"))?.to_owned();
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        };
        self.family().iter().filter_map(kib).sum()
    }

    /// Open files of it and its children.
    pub(crate) fn files(&self) -> f64 {
        let of = |id: &u32| std::fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().count();
        self.family().iter().map(of).sum::<usize>() as f64
    }

    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// It and its direct children.
    fn family(&self) -> Vec<u32> {
        let id = self.child.id();
        let processes = std::fs::read_dir("/proc").into_iter().flatten();
        let all = processes.filter_map(|entry| entry.ok()?.file_name().to_string_lossy().parse::<u32>().ok());
        let mut family: Vec<u32> =
            all.filter(|&one| stat(one).is_some_and(|stat| stat.parent == id)).collect();
        family.push(id);
        family
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        // SIGTERM first: Kamailio's children end with their parent only when it ends itself.
        if let Some(id) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _: rustix::io::Result<()> = kill_process(id, Signal::TERM);
        }
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<_> = self.child.wait();
    }
}

struct Stat {
    parent: u32,
    ticks: f64,
}

fn stat(id: u32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in parentheses may hold anything; the numbers begin after it (proc(5)).
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks })
}

/// The folders of a process's threads.
fn tasks(id: u32) -> Vec<PathBuf> {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten();
    tasks.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn switches(id: u32) -> u64 {
    let of = |task: PathBuf| {
        let text = std::fs::read_to_string(task.join("status")).ok()?;
        let lines = text.lines().filter(|line| line.contains("_ctxt_switches:"));
        Some(lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum::<u64>())
    };
    tasks(id).into_iter().filter_map(of).sum()
}
