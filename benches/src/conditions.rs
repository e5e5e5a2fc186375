//! Under what conditions something was measured, and whether the machine kept still meanwhile.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use rustix::thread::{CpuSet, Pid, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// The machine and what else it did, in one line.
pub fn describe() -> String {
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = text("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model).to_owned();
    // Not what this thread may use: it may be pinned to one.
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let load = text("/proc/loadavg");
    let load = load.split(' ').take(3).collect::<Vec<&str>>().join(" ");
    let kernel = text("/proc/sys/kernel/osrelease");
    let virtual_machine = if cpu.contains("hypervisor") { ", a virtual machine" } else { "" };
    // The 19th figure; the name in parentheses may hold anything (proc(5)).
    let status = text("/proc/thread-self/stat");
    let nice =
        status.rsplit(')').next().and_then(|figures| figures.split_whitespace().nth(16)).unwrap_or("?");
    format!(
        "{cores} cores of {model}{virtual_machine}, Linux {}, load average {load}, our nice value {nice}",
        kernel.trim()
    )
}

/// CPU time of this thread.
pub fn thread_cpu() -> Duration {
    cpu(ClockId::ThreadCPUTime)
}

/// CPU time of all threads of this process.
pub fn process_cpu() -> Duration {
    cpu(ClockId::ProcessCPUTime)
}

fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("less than a second"))
}

/// Keeps this thread on one core. Whether that was possible.
pub fn pin(core: usize) -> bool {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None::<Pid>, &set).is_ok()
}

/// Tells whether the scheduler took a thread off its core.
#[derive(Debug)]
pub struct Watch {
    file: File,
}

/// How long a thread wanted to run and could not, and how often it was given a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheduled {
    delayed: u64,
    slices: u64,
}

impl Watch {
    /// Over the calling thread, readable from any other.
    pub fn this_thread() -> Watch {
        let thread = rustix::thread::gettid().as_raw_nonzero();
        let path = format!("/proc/self/task/{thread}/schedstat");
        Watch { file: File::open(path).expect("Linux with /proc mounted") }
    }

    /// Equal twice: nobody else ran on the thread's core in between.
    pub fn read(&self) -> Scheduled {
        let mut bytes = [0; 96];
        let length = self.file.read_at(&mut bytes, 0).expect("the thread lives");
        let text = str::from_utf8(&bytes[..length]).expect("digits and blanks");
        let mut figures = text.split_ascii_whitespace().map(|figure| figure.parse().expect("a number"));
        let [_, delayed, slices] = [(); 3].map(|()| figures.next().expect("three figures: proc(5)"));
        Scheduled { delayed, slices }
    }
}
