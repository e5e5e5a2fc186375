//! What the operating system says about this process.
#![expect(
    clippy::disallowed_types,
    reason = "the wall clock, for a metric that Prometheus wants in its terms"
)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use report::ProcessFigures;
use rustix::process::{Resource, getrlimit};

/// CPU time, memory and open files now; zero where the system does not say.
pub fn figures() -> ProcessFigures {
    ProcessFigures {
        cpu: cpu().unwrap_or_default(),
        resident_bytes: resident_bytes().unwrap_or_default(),
        open_files: std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
        open_files_max: usize::try_from(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
            .unwrap_or(usize::MAX),
    }
}

/// Now, since 1970: when the process starts.
pub fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn cpu() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(u64::try_from(rustix::param::page_size()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_says_something_about_us() {
        let figures = figures();
        assert!(
            figures.resident_bytes > 0 && figures.open_files > 2 && figures.open_files_max > 2,
            "{figures:?}"
        );
    }
}
