//! What the operating system allows this process: open files, and so sockets.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are open besides sockets of media and connections: the log, the polls, listeners, a margin.
const OTHER_FILES: u64 = 64;

/// Raises the number of files this process may open to its hard limit; the number then allowed.
/// `None` is no limit.
pub fn raise_open_files() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    }
}

/// How many files a process with these figures may have open at its busiest.
pub fn open_files_wanted(media_ports: u64, connections: u64) -> u64 {
    media_ports.saturating_add(connections).saturating_add(OTHER_FILES)
}

/// What to tell the user where `allowed` is too small, with the remedy.
pub fn shortage(allowed: Option<u64>, media_ports: u64, connections: u64) -> Option<String> {
    let wanted = open_files_wanted(media_ports, connections);
    let allowed = allowed.filter(|&allowed| allowed < wanted)?;
    Some(format!(
        "this process may open {allowed} files, but its settings can use {wanted} ({media_ports} media ports, \
         {connections} connections): calls beyond that will be refused with 503. Raise LimitNOFILE= in the \
         systemd unit (or `ulimit -Hn`), or narrow [media] ports"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let allowed = raise_open_files();
        assert_eq!(getrlimit(Resource::Nofile).current, allowed);
    }

    #[test]
    fn a_shortage_names_the_figures_and_the_remedy() {
        assert_eq!(shortage(None, 1 << 20, 1), None);
        assert_eq!(shortage(Some(20_000), 10_000, 100), None);
        let text = shortage(Some(1_024), 10_000, 100).expect("1,024 files are too few");
        assert!(text.contains("1024") && text.contains("10164") && text.contains("LimitNOFILE"), "{text}");
    }
}
