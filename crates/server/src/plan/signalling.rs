//! Sockets, trunks, accounts and media in the machines' words.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use engine::{AgentLine, CallbackLine, LogIn, Outbound, Reach, Way};
use sip::digest::Algorithm;
use sip::{Endpoint, Network, Protocol, Trunk, TrunkCredentials, Uri};

use super::Bound;
use super::numbering::Numbering;
use crate::config::{self, Config, Digest};

/// The name of the trunk that stands for `[sip] outbound_proxy`; no `[[trunk]]` can be called so.
const PROXY: &str = "(outbound proxy)";
/// The port of an address that names none (RFC 3261 §19.1.2).
const SIP_PORT: u16 = 5_060;

/// The trunks of the configuration in its order, and one more for the outbound proxy of all.
pub(super) fn trunks(config: &Config, numbering: &mut Numbering) -> Vec<Trunk> {
    let common = config.sip.outbound_proxy.as_deref().and_then(uri);
    let mut trunks: Vec<Trunk> = config
        .trunks
        .iter()
        .map(|trunk| Trunk {
            id: numbering.trunk(&trunk.name),
            name: trunk.name.clone(),
            networks: trunk.from.iter().map(network).collect(),
            challenge: trunk.credentials.is_some(),
            credentials: trunk.credentials.as_ref().map(|credentials| TrunkCredentials {
                user: credentials.username.clone(),
                secret: credentials.password.reveal().to_owned(),
            }),
            outbound_proxy: trunk.outbound_proxy.as_deref().and_then(uri),
            calls_per_second: Some(trunk.calls_per_second),
        })
        .collect();
    if let Some(proxy) = common {
        trunks.push(Trunk {
            id: numbering.trunk(PROXY),
            name: PROXY.to_owned(),
            networks: Vec::new(),
            credentials: None,
            challenge: false,
            outbound_proxy: Some(proxy),
            calls_per_second: None,
        });
    }
    trunks
}

/// How numbers outside are called: over the first trunk to which calls can be sent.
pub(super) fn outbound(trunks: &[Trunk]) -> Option<Outbound> {
    trunks.iter().find_map(outbound_over)
}

fn outbound_over(trunk: &Trunk) -> Option<Outbound> {
    let proxy = trunk.outbound_proxy.as_ref()?.as_sip()?;
    let host = match proxy.port {
        Some(port) => format!("{}:{port}", proxy.host),
        None => proxy.host.to_string(),
    };
    Some(Outbound { trunk: trunk.id, host })
}

/// How the customers of each queue are called back that does so.
pub(super) fn callbacks(
    config: &Config,
    trunks: &[Trunk],
    numbering: &mut Numbering,
) -> BTreeMap<acd::QueueId, CallbackLine> {
    let lines = config.queues.iter().filter_map(|queue| {
        let rules = queue.callback.as_ref()?;
        let way = match &rules.trunk {
            Some(name) => trunks.iter().find(|trunk| trunk.name == *name).and_then(outbound_over),
            None => outbound(trunks),
        };
        let line = CallbackLine { outbound: way?, allow: rules.allow.clone(), deny: rules.deny.clone() };
        Some((numbering.queue(&queue.name), line))
    });
    lines.collect()
}

/// How each agent is reached and when a shift begins.
pub(super) fn agent_lines(
    config: &Config,
    trunks: &[Trunk],
    numbering: &mut Numbering,
) -> BTreeMap<acd::AgentId, AgentLine> {
    let lines = config.agents.iter().filter_map(|agent| {
        let reach = match &agent.reach {
            config::Reach::Registers(_) => Reach::Account(agent.id.clone()),
            config::Reach::Contact(contact) => {
                let uri = uri(contact)?;
                let way = way_to(&uri, trunks);
                Reach::Contact { uri, way }
            }
        };
        let log_in = match agent.log_in {
            config::LogIn::OnRegister => LogIn::OnRegister,
            config::LogIn::Desktop => LogIn::Desktop,
        };
        Some((numbering.agent(&agent.id), AgentLine { reach, log_in }))
    });
    lines.collect()
}

/// The way to a fixed address: through the trunk whose proxy it is; straight there where it is another one of the proxy's
/// host or in a trunk's network, because a trunk's proxy is for telephone numbers; else through the outbound proxy of all,
/// or by DNS.
fn way_to(contact: &Uri, trunks: &[Trunk]) -> Way {
    let Some(address) = contact.as_sip() else { return Way::Open };
    let neighbours = || trunks.iter().filter(|trunk| trunk.name != PROXY);
    let proxy = |trunk: &Trunk| Some(trunk.outbound_proxy.as_ref()?.as_sip()?.clone());
    let is_its_host = |trunk: &&Trunk| proxy(trunk).is_some_and(|proxy| proxy.host == address.host);
    // A contact without a port is the PBX itself, on whatever port it takes calls.
    let is_its_proxy = |trunk: &&Trunk| {
        let port = |proxy: sip::SipUri| proxy.port.unwrap_or(SIP_PORT);
        let same_port = |proxy| address.port.is_none_or(|wanted| wanted == port(proxy));
        is_its_host(trunk) && proxy(trunk).is_some_and(same_port)
    };
    let ip: Option<IpAddr> = address.host.ip();
    let is_in_its_network =
        |trunk: &&Trunk| ip.is_some_and(|ip| trunk.networks.iter().any(|network| network.contains(ip)));
    if let Some(trunk) = trunks.iter().find(is_its_proxy) {
        return Way::Through(trunk.id);
    }
    if let Some(trunk) = neighbours().find(is_in_its_network).or_else(|| neighbours().find(is_its_host)) {
        return Way::Behind(trunk.id);
    }
    let common = trunks.iter().find(|trunk| trunk.name == PROXY);
    common.map_or(Way::Open, |trunk| Way::Through(trunk.id))
}

/// Who may register: the agents with a password.
pub(super) fn accounts(config: &Config) -> BTreeMap<String, config::Secret> {
    let accounts = config.agents.iter().filter_map(|agent| match &agent.reach {
        config::Reach::Registers(password) => Some((agent.id.clone(), password.clone())),
        config::Reach::Contact(_) => None,
    });
    accounts.collect()
}

/// The user agent's settings.
pub(super) fn sip(config: &Config, bound: &[Bound], trunks: Vec<Trunk>) -> sip::Settings {
    let endpoints = bound.iter().map(|bound| endpoint(config, *bound)).collect();
    let timers = &config.sip.timers;
    let limits = &config.sip.limits;
    let mut settings = sip::Settings::new(&config.sip.domain, endpoints);
    settings.trunks = trunks;
    settings.timers = sip::Timers { t2: timers.t2, t4: timers.t4, ..sip::Timers::from_t1(timers.t1) };
    let message_bytes = limits.message_bytes_max as usize;
    settings.limits.message.head_bytes = settings.limits.message.head_bytes.min(message_bytes);
    settings.limits.message.body_bytes = message_bytes;
    settings.limits.message.headers = limits.headers_max as usize;
    settings.limits.transactions = limits.transactions_max as usize;
    settings.limits.sessions = limits.dialogs_max as usize;
    settings.limits.calls_per_second = limits.calls_per_second;
    settings.limits.connections = limits.tcp_connections_max as usize;
    settings.limits.retry_after = limits.retry_after;
    let registrar = &config.sip.registrar;
    settings.registrar = sip::registrar::RegistrarSettings {
        expires: registrar.expires_default,
        expires_min: registrar.expires_min,
        expires_max: registrar.expires_max,
        contacts_per_account: registrar.contacts_max as usize,
        contacts: limits.registrations_max as usize,
        retry_after: limits.retry_after,
    };
    settings.digest = match registrar.digest {
        Digest::Both => vec![Algorithm::Sha256, Algorithm::Md5],
        Digest::Sha256 => vec![Algorithm::Sha256],
        Digest::Md5 => vec![Algorithm::Md5],
    };
    settings.backoff.failures = registrar.failures_max;
    settings.backoff.pause = registrar.failure_back_off;
    settings
}

fn endpoint(config: &Config, bound: Bound) -> Endpoint {
    let own = bound.address.ip();
    let host = if own.is_unspecified() { config.sip.advertised.like(own) } else { Some(own) };
    Endpoint {
        protocol: protocol(bound.transport),
        bound: bound.address,
        host: match host {
            Some(IpAddr::V6(address)) => format!("[{address}]"),
            Some(IpAddr::V4(address)) => address.to_string(),
            // A wildcard without an advertised address was refused when the file was read.
            None => config.sip.domain.clone(),
        },
        port: bound.address.port(),
    }
}

pub(super) fn protocol(transport: config::Transport) -> Protocol {
    match transport {
        config::Transport::Udp => Protocol::Udp,
        config::Transport::Tcp => Protocol::Tcp,
    }
}

/// Calls and their media ports.
pub(super) fn calls(config: &Config, numbering: &mut Numbering) -> b2bua::Settings {
    let mut direct = BTreeSet::new();
    let mut trunk_latching = BTreeMap::new();
    for trunk in &config.trunks {
        let id = numbering.trunk(&trunk.name);
        trunk_latching.insert(id, trunk.latching);
        if trunk.media == config::MediaPath::Direct {
            direct.insert(id);
        }
    }
    b2bua::Settings {
        media_v4: config.media.addresses.v4.map(IpAddr::V4),
        media_v6: config.media.addresses.v6.map(IpAddr::V6),
        ports: media::PortPoolSettings {
            first: config.media.ports.first,
            last: config.media.ports.last,
            ..media::PortPoolSettings::default()
        },
        direct,
        latching: config.media.latching,
        trunk_latching,
        own_addresses: own_addresses(config),
        allow_loopback: config.media.allow_loopback,
        calls_max: config.sip.limits.calls_max as usize,
        retry_after: config.sip.limits.retry_after,
        ring_max: config.sip.timers.ring_max,
        call_max: Some(config.sip.timers.call_max),
        ..b2bua::Settings::default()
    }
}

/// Every address that the configuration names as one of this machine.
fn own_addresses(config: &Config) -> BTreeSet<IpAddr> {
    let listed = [config.media.addresses, config.media.bind, config.sip.advertised];
    let listed = listed.iter().flat_map(|one| [one.v4.map(IpAddr::V4), one.v6.map(IpAddr::V6)]).flatten();
    let heard = config.sip.listen.iter().map(|listen| listen.address.ip());
    listed.chain(heard).filter(|address| !address.is_unspecified()).collect()
}

/// The relay's settings. Two terminations a call, and one more for each while phones are tried.
pub(super) fn relay(config: &Config) -> media::Settings {
    let silence = config.media.silence_timeout;
    media::Settings {
        terminations: (config.media.ports.ports() / 2) as usize,
        // Zero means never; the longest duration is never enough.
        silence: if silence.is_zero() { std::time::Duration::MAX } else { silence },
        ..media::Settings::default()
    }
}

fn network(network: &config::Network) -> Network {
    Network { address: network.address(), prefix: network.prefix() }
}

/// A URI that was checked roughly when the file was read; `None` where the SIP side cannot read it.
fn uri(text: &str) -> Option<Uri> {
    Uri::parse(text.as_bytes()).ok()
}
