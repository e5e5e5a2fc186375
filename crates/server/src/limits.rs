//! What the operating system allows this process: open files, and so sockets.

use std::os::fd::AsRawFd;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;
use crate::tcp;

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

/// Sockets that a configuration may need at its busiest: media ports at so many addresses, and connections.
pub fn sockets_wanted(config: &Config, media_addresses: usize) -> (u64, u64) {
    let ports = u64::from(config.media.ports.ports()) * media_addresses as u64;
    let sip = tcp::Settings::around(config.sip.limits.tcp_connections_max as usize).streams_max();
    (ports, sip as u64 + u64::from(config.http.connections_max))
}

/// How many files a process with these figures may have open at its busiest.
pub fn open_files_wanted(media_ports: u64, connections: u64) -> u64 {
    media_ports.saturating_add(connections).saturating_add(OTHER_FILES)
}

/// How many of the files that this process may open its streams may take: the rest is for media ports, so that whoever
/// opens streams without end takes no call from anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamFiles(u64);

impl StreamFiles {
    /// As many as there are.
    pub const ALL: StreamFiles = StreamFiles(u64::MAX);

    /// All but those that media ports can use; where these are more than half, half of them.
    pub fn of(allowed: Option<u64>, media_ports: u64) -> StreamFiles {
        allowed.map_or(StreamFiles::ALL, |allowed| StreamFiles(allowed - media_ports.min(allowed / 2)))
    }

    /// Whether a file that was opened just now is one too many. The system gives each the lowest number that is free,
    /// so the number says how many there are.
    pub fn is_beyond(self, file: &impl AsRawFd) -> bool {
        u64::try_from(file.as_raw_fd()).is_ok_and(|number| number >= self.0)
    }
}

/// What to tell the user where `allowed` is too small, with the remedy.
pub fn shortage(allowed: Option<u64>, media_ports: u64, connections: u64) -> Option<String> {
    let wanted = open_files_wanted(media_ports, connections);
    let allowed = allowed.filter(|&allowed| allowed < wanted)?;
    Some(format!(
        "this process may open {allowed} files, but its settings can use {wanted} ({media_ports} media ports, \
         {connections} connections): connections beyond that will be closed and calls refused with 503. Raise LimitNOFILE= in the \
         systemd unit (or `ulimit -Hn`), or narrow [media] ports"
    ))
}

/// What to tell the user where the system may give media ports to other programs, with the remedy. `range` is
/// the system's range of ports for whoever asks for any, `reserved` its list of exceptions.
pub fn lent_ports(first: u16, last: u16, range: &str, reserved: &str) -> Option<String> {
    let mut ends = range.split_whitespace().map(str::parse::<u16>);
    let (Some(Ok(low)), Some(Ok(high))) = (ends.next(), ends.next()) else { return None };
    if last < low || first > high || is_reserved(first.max(low), last.min(high), reserved) {
        return None;
    }
    Some(format!(
        "the media ports {first}-{last} overlap {low}-{high}, from which the system gives ports to any program: a call \
         whose port is taken that way is refused. Choose [media] ports outside of it, or keep them free with \
         `sysctl net.ipv4.ip_local_reserved_ports={first}-{last}`"
    ))
}

/// Whether one entry of a list like `8080,20000-29999` holds all of a range.
fn is_reserved(first: u16, last: u16, list: &str) -> bool {
    list.trim().split(',').any(|entry| {
        let (low, high) = entry.split_once('-').unwrap_or((entry, entry));
        matches!((low.parse::<u16>(), high.parse::<u16>()), (Ok(low), Ok(high)) if low <= first && last <= high)
    })
}

/// The same, by what this machine says.
pub fn lent_ports_here(first: u16, last: u16) -> Option<String> {
    let read = |name| std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).unwrap_or_default();
    lent_ports(first, last, &read("ip_local_port_range"), &read("ip_local_reserved_ports"))
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
    fn streams_leave_media_ports_their_files() {
        assert_eq!(StreamFiles::of(None, 100), StreamFiles::ALL);
        assert_eq!(StreamFiles::of(Some(1_024), 100), StreamFiles(924));
        assert_eq!(StreamFiles::of(Some(1_024), 10_000), StreamFiles(512));
        let file = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port is free");
        assert!(!StreamFiles::ALL.is_beyond(&file) && StreamFiles(1).is_beyond(&file));
    }

    #[test]
    fn a_shortage_names_the_figures_and_the_remedy() {
        assert_eq!(shortage(None, 1 << 20, 1), None);
        assert_eq!(shortage(Some(20_000), 10_000, 100), None);
        let text = shortage(Some(1_024), 10_000, 100).expect("1,024 files are too few");
        assert!(text.contains("1024") && text.contains("10164") && text.contains("LimitNOFILE"), "{text}");
    }

    #[test]
    fn ports_that_the_system_lends_are_warned_about_unless_they_are_reserved() {
        assert_eq!(lent_ports(20_000, 29_999, "32768\t60999\n", "\n"), None);
        assert!(
            lent_ports(30_000, 39_999, "32768\t60999\n", "\n")
                .is_some_and(|text| text.contains("32768-60999"))
        );
        assert_eq!(lent_ports(30_000, 39_999, "32768 60999", "8080,30000-39999"), None);
        assert!(lent_ports(30_000, 39_999, "32768 60999", "8080,30000-35000").is_some());
        assert_eq!(lent_ports(30_000, 39_999, "", ""), None, "another system says nothing");
    }
}
