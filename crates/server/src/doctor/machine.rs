//! What the kernel allows, and who keeps the clock.

use std::path::Path;

use super::Finding;
use crate::config::Config;
use crate::limits;
use crate::shell::{SIP_BUFFER, media_binds};

/// Entries that connection tracking needs for a call whose audio it follows: RTP and RTCP of both sides, and as many for calls
/// that ended within its timeout of three minutes.
const TRACKED_PER_CALL: u64 = 8;
/// Programs that keep a clock, as `/proc` abbreviates their names.
const TIMEKEEPERS: [&str; 6] = ["chronyd", "ntpd", "ntpsec", "openntpd", "ptp4l", "systemd-timesyn"];
/// systemd-timesyncd makes it when it has set the clock.
const SYNCHRONIZED: &str = "/run/systemd/timesync/synchronized";

/// What was read of this machine. A text is empty, a number `None`, where the system does not say.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine {
    /// `net.ipv4.ip_local_port_range`
    pub(super) lent_ports: String,
    /// `net.ipv4.ip_local_reserved_ports`
    pub(super) reserved_ports: String,
    /// `net.core.rmem_max`, bytes.
    pub(super) receive_buffer_max: Option<u64>,
    /// `net.netfilter.nf_conntrack_max`, where connections are tracked.
    pub(super) tracked_max: Option<u64>,
    /// Files that a process may open; `None` is no limit.
    pub(super) open_files: Option<u64>,
    /// Whoever was seen to keep the clock.
    pub(super) timekeeper: Option<String>,
}

impl Machine {
    /// This one.
    pub(super) fn here() -> Machine {
        let setting =
            |name: &str| std::fs::read_to_string(format!("/proc/sys/net/{name}")).unwrap_or_default();
        let number = |name: &str| setting(name).trim().parse().ok();
        Machine {
            lent_ports: setting("ipv4/ip_local_port_range"),
            reserved_ports: setting("ipv4/ip_local_reserved_ports"),
            receive_buffer_max: number("core/rmem_max"),
            tracked_max: number("netfilter/nf_conntrack_max"),
            open_files: limits::raise_open_files(),
            timekeeper: timekeeper(),
        }
    }
}

fn timekeeper() -> Option<String> {
    if Path::new(SYNCHRONIZED).exists() {
        return Some("systemd-timesyncd has set it".to_owned());
    }
    let processes = std::fs::read_dir("/proc").ok()?;
    let mut names = processes
        .filter_map(|process| std::fs::read_to_string(process.ok()?.path().join("comm")).ok())
        .map(|name| name.trim().to_owned());
    let found = names.find(|name| TIMEKEEPERS.contains(&name.as_str()))?;
    Some(format!("{found} runs"))
}

/// Everything, by what the configuration needs.
pub(super) fn findings(config: &Config, machine: &Machine) -> Vec<Finding> {
    let mut findings = vec![
        open_files(config, machine),
        lent_ports(config, machine),
        receive_buffer(machine),
        clock(machine),
    ];
    findings.extend(tracking(config, machine));
    findings
}

fn open_files(config: &Config, machine: &Machine) -> Finding {
    const CHECK: &str = "open files";
    let (ports, streams) = limits::sockets_wanted(config, media_binds(config).len());
    match limits::shortage(machine.open_files, ports, streams) {
        Some(shortage) => Finding::warn(CHECK, shortage),
        None => {
            let wanted = limits::open_files_wanted(ports, streams);
            let allowed =
                machine.open_files.map_or_else(|| "any number".to_owned(), |allowed| allowed.to_string());
            Finding::ok(CHECK, format!("{allowed} allowed here, {wanted} at most needed"))
        }
    }
}

fn lent_ports(config: &Config, machine: &Machine) -> Finding {
    const CHECK: &str = "port range";
    let ports = config.media.ports;
    match limits::lent_ports(ports.first, ports.last, &machine.lent_ports, &machine.reserved_ports) {
        Some(lent) => Finding::warn(CHECK, lent),
        None => Finding::ok(CHECK, "the system lends no media port to other programs"),
    }
}

fn receive_buffer(machine: &Machine) -> Finding {
    const CHECK: &str = "socket buffer";
    let wanted = SIP_BUFFER as u64;
    match machine.receive_buffer_max {
        Some(granted) if granted < wanted => Finding::warn(
            CHECK,
            format!(
                "a SIP socket gets {granted} of the {wanted} octets that it asks for: a burst of calls loses messages, which \
                 come again half a second later. `sysctl -w net.core.rmem_max={wanted}`, for good in /etc/sysctl.d"
            ),
        ),
        Some(granted) => Finding::ok(CHECK, format!("net.core.rmem_max is {granted}")),
        None => {
            Finding::warn(CHECK, "net.core.rmem_max cannot be read here: nobody knows what a burst may hold")
        }
    }
}

fn clock(machine: &Machine) -> Finding {
    const CHECK: &str = "clock";
    match &machine.timekeeper {
        Some(seen) => Finding::ok(CHECK, seen.clone()),
        None => Finding::warn(
            CHECK,
            "nobody is seen to keep it: queues open and close, and the log is dated, as wrong as the clock is. \
             `apt install chrony`; in a container the host keeps it and cannot be seen",
        ),
    }
}

/// Nothing where connections are not tracked.
fn tracking(config: &Config, machine: &Machine) -> Option<Finding> {
    const CHECK: &str = "tracking";
    let allowed = machine.tracked_max?;
    let wanted = TRACKED_PER_CALL * u64::from(config.sip.limits.calls_max);
    let (first, last) = (config.media.ports.first, config.media.ports.last);
    if allowed >= wanted {
        return Some(Finding::ok(CHECK, format!("{allowed} connections may be tracked")));
    }
    Some(Finding::warn(
        CHECK,
        format!(
            "the firewall may track {allowed} connections, and calls_max needs up to {wanted}: beyond, calls have no audio. Leave \
             udp ports {first}-{last} untracked (docs/operations.md), or `sysctl -w net.netfilter.nf_conntrack_max={wanted}`"
        ),
    ))
}
