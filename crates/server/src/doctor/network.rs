//! Sockets and names: what the configuration speaks of, tried.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use sip::locate::{Question, Records};
use sip::{Host, Uri};

use super::Finding;
use crate::config::{Config, Reach, Transport};
use crate::dns::Resolver;
use crate::health;
use crate::shell::{SIP_LISTEN, media_binds, refused};
use crate::{tcp, threads};

/// Names that are looked up; of more, these stand for all.
const NAMES_MAX: usize = 20;

/// Questions about a name that may stay without an answer before it is given up: each takes eight seconds then.
const UNANSWERED_MAX: usize = 2;

/// Everything that can be tried without calling anybody.
pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if health::answers(config.http.listen) {
        let message = format!(
            "Cordboard answers at {} already: its sockets and media ports are in use, and were not tried",
            config.http.listen
        );
        findings.push(Finding::ok("sockets", message));
    } else {
        findings.extend(sockets(config));
        findings.extend(media_binds(config).into_iter().map(|address| media_ports(config, address)));
    }
    findings.push(exposure(config));
    findings.extend(names(config));
    findings
}

/// Each socket that must be there at the start, for a moment.
fn sockets(config: &Config) -> Vec<Finding> {
    const CHECK: &str = "sockets";
    let mut findings = Vec::new();
    let mut tried =
        |setting: &'static str, transport: &'static str, address: SocketAddr, bound: io::Result<()>| {
            findings.push(match bound.map_err(refused(setting, transport, address, None)) {
                Ok(()) => Finding::ok(CHECK, format!("{setting}: {transport}:{address} is free")),
                Err(error) => Finding::fail(CHECK, error.to_string()),
            });
        };
    for listen in &config.sip.listen {
        let address = listen.address;
        match listen.transport {
            Transport::Udp => {
                tried(SIP_LISTEN, "udp", address, threads::bind_udp(address, None).map(drop));
            }
            Transport::Tcp => tried(SIP_LISTEN, "tcp", address, tcp::bind(address).map(drop)),
        }
    }
    let http = config.http.listen;
    tried("[http] listen", "tcp", http, tcp::bind(http).map(drop));
    findings
}

/// Every media port of an address, one after the other.
fn media_ports(config: &Config, address: IpAddr) -> Finding {
    const CHECK: &str = "media ports";
    let range = config.media.ports;
    let taken: Vec<u16> = (range.first..=range.last)
        .filter(|&port| UdpSocket::bind(SocketAddr::new(address, port)).is_err())
        .collect();
    let all = range.ports();
    match taken.first() {
        None => Finding::ok(CHECK, format!("all {all} of {address} are free")),
        Some(_) if taken.len() >= all as usize => Finding::fail(
            CHECK,
            format!(
                "none of {}-{} of {address} can be used: correct `bind` or `ports` of [media]",
                range.first, range.last
            ),
        ),
        Some(first) => Finding::warn(
            CHECK,
            format!(
                "{} of {all} of {address} are taken, {first} among them; calls pass over them. `ss -ulpn 'sport = :{first}'` \
                 shows by whom; stop it, or choose other `ports`",
                taken.len()
            ),
        ),
    }
}

/// Whether others than this machine reach HTTP.
fn exposure(config: &Config) -> Finding {
    const CHECK: &str = "http";
    let listen = config.http.listen;
    if listen.ip().is_loopback() {
        return Finding::ok(CHECK, format!("{listen} is reached from this machine only"));
    }
    Finding::warn(
        CHECK,
        format!(
            "whoever reaches {listen} reads wallboard and metrics, and tokens cross the network unencrypted: listen at \
             127.0.0.1 behind a proxy with TLS, or let the firewall admit Prometheus and the proxy only"
        ),
    )
}

/// A name that calls are sent to, and whether a port is named with it (then SRV is not asked, RFC 3263 §4.2).
type Target = (String, bool);

/// The names of proxies and agents' contacts.
fn targets(config: &Config) -> BTreeSet<Target> {
    let proxies = config.trunks.iter().map(|trunk| trunk.outbound_proxy.as_ref());
    let proxies = proxies.chain([config.sip.outbound_proxy.as_ref()]).flatten();
    let contacts = config.agents.iter().filter_map(|agent| match &agent.reach {
        Reach::Contact(contact) => Some(contact),
        Reach::Registers(_) => None,
    });
    let uris = proxies.chain(contacts).filter_map(|text| Uri::parse(text.as_bytes()).ok());
    uris.filter_map(|uri| match uri.as_sip()? {
        sip::SipUri { host: Host::Name(name), port, .. } => Some((name.to_ascii_lowercase(), port.is_some())),
        sip::SipUri { host: Host::V4(_) | Host::V6(_), .. } => None,
    })
    .collect()
}

fn names(config: &Config) -> Vec<Finding> {
    const CHECK: &str = "names";
    let targets = targets(config);
    if targets.is_empty() {
        return vec![Finding::ok(CHECK, "calls are sent to addresses only, so DNS is not needed")];
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return vec![Finding::fail(CHECK, format!("the system refused a way to ask: {error}"))],
    };
    let mut findings: Vec<Finding> = runtime.block_on(async {
        let resolver = Resolver::new(&config.sip.dns);
        let mut findings = Vec::new();
        for target in targets.iter().take(NAMES_MAX) {
            match named(&resolver, target).await {
                Ok(finding) => findings.push(finding),
                Err(finding) => {
                    // Nobody who asks a doctor waits for as long as all the others would take.
                    findings.push(finding);
                    break;
                }
            }
        }
        findings
    });
    let more = targets.len() - findings.len();
    if more > 0 {
        findings.push(Finding::warn(CHECK, format!("{more} more names were not asked for")));
    }
    findings
}

/// What is known of a name; an error where no name server answers.
async fn named(resolver: &Resolver, (name, has_port): &Target) -> Result<Finding, Finding> {
    const CHECK: &str = "names";
    let mut questions = vec![Question::A(name.clone()), Question::Aaaa(name.clone())];
    if !has_port {
        questions.push(Question::Naptr(name.clone()));
        questions.push(Question::Srv(format!("_sip._udp.{name}")));
        questions.push(Question::Srv(format!("_sip._tcp.{name}")));
    }
    let (mut found, mut unanswered) = (0, 0);
    for question in &questions {
        match resolver.look_up(question).await {
            Ok(records) => found += number(&records),
            Err(_) => unanswered += 1,
        }
        if found == 0 && unanswered == UNANSWERED_MAX {
            let remedy = "correct `dns` of [sip] or /etc/resolv.conf, or the name";
            return Err(Finding::fail(CHECK, format!("no name server answers for {name}: {remedy}")));
        }
    }
    if found == 0 {
        return Ok(Finding::fail(
            CHECK,
            format!("{name} has no address: calls to it fail. Correct the name, or make its records"),
        ));
    }
    Ok(Finding::ok(CHECK, format!("{name} is known, with {found} records")))
}

fn number(records: &Records) -> usize {
    match records {
        Records::Naptr(records) => records.len(),
        Records::Srv(records) => records.len(),
        Records::A(records) => records.len(),
        Records::Aaaa(records) => records.len(),
    }
}
