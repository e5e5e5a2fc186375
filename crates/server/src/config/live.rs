//! What is probably not meant in a file that is to run: said there, and not where it is simulated.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::media::PORTS_PER_CALL;
use super::network::{Listen, Transport};
use super::report::{Kind, Report, Span};
use super::{Config, Entry, Exit, Queue, Reach, VOICE, spelling, staffing};

/// The port of an address that names none (RFC 3261 §19.1.2).
const SIP_PORT: u16 = 5_060;

/// Warns of it; of what cannot work at all it is an error.
pub(super) fn check(config: &Config, report: &Report<'_>) {
    contacts(config, report);
    skills(config, report);
    staffing::check_agents(config, report);
    queues_are_reached(config, report);
    room_for_calls(config, report);
    ports_are_apart(config, report);
}

/// A SIP address as far as it says whose phone it is: user, host, port, transport.
type Address = (String, String, u16, Transport);

fn address(contact: &str) -> Option<Address> {
    let uri = sip::Uri::parse(contact.as_bytes()).ok()?;
    let uri = uri.as_sip()?;
    let is_tcp = uri.params.value("transport").is_some_and(|name| name.eq_ignore_ascii_case("tcp"));
    let transport = if is_tcp { Transport::Tcp } else { Transport::Udp };
    let user = uri.user.clone().unwrap_or_default();
    Some((user.into(), uri.host.to_string().to_ascii_lowercase(), uri.port.unwrap_or(SIP_PORT), transport))
}

/// Each agent has a phone of their own, and none of them is this machine.
fn contacts(config: &Config, report: &Report<'_>) {
    let mut known: BTreeMap<Address, &str> = BTreeMap::new();
    for agent in &config.agents {
        let Reach::Contact(contact) = &agent.reach else { continue };
        let Some(address) = address(contact) else { continue };
        let label = format!("agent \"{}\"", agent.id);
        let place = || report.place_of_setting(&[(&label, "contact")]).unwrap_or(0..0);
        if let Some(socket) = own_socket(config, &address) {
            let message =
                format!("`contact` is our own socket {socket}, so a call to it would come back to us");
            report.error(place(), format!("{label}: {message}; write the address of the phone or the PBX"));
        }
        if let Some(other) = known.get(&address) {
            let message =
                format!("`contact` is that of agent \"{other}\", too: one phone would ring for both");
            report.warning(place(), format!("{label}: {message}; give each their own"));
        } else {
            known.insert(address, &agent.id);
        }
    }
}

/// Which of our sockets has this address.
fn own_socket(config: &Config, (_, host, port, transport): &Address) -> Option<Listen> {
    let ip = host.trim_matches(['[', ']']).parse().ok()?;
    let wanted = Listen { transport: *transport, address: SocketAddr::new(ip, *port) };
    let is_ours = |listen: &&Listen| {
        let of_this_machine = config.sip.advertised.like(ip) == Some(ip) || ip.is_loopback();
        listen.conflicts(&wanted) && (listen.address.ip() == ip || of_this_machine)
    };
    config.sip.listen.iter().find(is_ours).copied()
}

/// A skill that nothing asks for is a slip of the pen where a similar one is asked for.
fn skills(config: &Config, report: &Report<'_>) {
    let held: BTreeSet<&str> =
        config.agents.iter().flat_map(|agent| agent.skills.keys().map(String::as_str)).collect();
    let asked = report.skills_asked_for();
    for skill in held.iter().filter(|skill| !asked.iter().any(|one| one == *skill)) {
        // Of one that is asked for and held by nobody it was said there.
        let similar = asked.iter().map(String::as_str).filter(|one| held.contains(one));
        let Some(meant) = spelling::nearest(skill, similar) else { continue };
        let place = report.place_of(Kind::Skill, skill);
        let message = format!("nothing asks for the skill \"{skill}\" (did you mean `{meant}`?)");
        report.warning(place, format!("{message}; correct the name, or leave it out"));
    }
}

/// Every queue has callers.
fn queues_are_reached(config: &Config, report: &Report<'_>) {
    // That there is no entry at all is said once, for the whole file.
    if config.entries.is_empty() {
        return;
    }
    let by_number = config.entries.iter().flat_map(Entry::queues);
    let exits = config.queues.iter().flat_map(Queue::exits);
    let exits = exits.chain(config.entries.iter().filter_map(Entry::exit));
    let reached: BTreeSet<&str> = by_number.chain(exits.filter_map(Exit::queue)).collect();
    let voice = config.queues.iter().filter(|queue| queue.channel == VOICE);
    for queue in voice.filter(|queue| !reached.contains(queue.name.as_str())) {
        let message = "no [[entry]] and no exit of another queue leads to it, so nobody will wait in it";
        let remedy = "add an [[entry]], or leave the queue out";
        let place = report.place_of(Kind::Queue, &queue.name);
        report.warning(place, format!("queue \"{}\": {message}; {remedy}", queue.name));
    }
}

fn room_for_calls(config: &Config, report: &Report<'_>) {
    let room = config.media.ports.ports() / PORTS_PER_CALL;
    let wanted = config.sip.limits.calls_max;
    if room < wanted {
        let remedy = "widen `ports` or lower calls_max in [sip.limits]";
        let message = format!("`ports` has room for {room} calls, calls_max is {wanted}; {remedy}");
        report.warning(place_of_ports(report), format!("[media]: {message}"));
    }
}

fn place_of_ports(report: &Report<'_>) -> Span {
    let given = report.place_of_setting(&[("[media]", "ports"), ("[sip.limits]", "calls_max")]);
    given.unwrap_or_else(|| report.place_of(Kind::Table, "media"))
}

/// Audio has ports of its own.
fn ports_are_apart(config: &Config, report: &Report<'_>) {
    let ports = config.media.ports;
    let among = |port: u16| (ports.first..=ports.last).contains(&port);
    for listen in config.sip.listen.iter().filter(|listen| among(listen.address.port())) {
        let message = match listen.transport {
            Transport::Udp => "the pair of ports with it is never used for audio",
            Transport::Tcp => "whoever opens the range to the world opens that port, too",
        };
        let message = format!("`ports` has the port of {listen} in [sip]: {message}; choose another range");
        report.warning(place_of_ports(report), format!("[media]: {message}"));
    }
    if among(config.http.listen.port()) {
        let message = "whoever opens the range to the world opens the API, too; choose another range";
        let what = format!("`ports` has the port of `listen` in [http], {}", config.http.listen);
        report.warning(place_of_ports(report), format!("[media]: {what}: {message}"));
    }
}
