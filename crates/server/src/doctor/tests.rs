use std::net::UdpSocket;

use super::*;
use crate::config::{Config, parse};

/// A centre on loopback whose few media ports begin at `media`.
fn configuration(media: u16, more: &str) -> Config {
    let text = format!(
        "[sip]\ndomain = \"cc.example.com\"\nlisten = [\"udp:127.0.0.1:5060\", \"tcp:127.0.0.1:5060\"]\n\
         dns = \"127.0.0.1:9\"\n[sip.limits]\ncalls_max = 2\n[media]\naddress = \"127.0.0.1\"\nbind = \"127.0.0.1\"\n\
         ports = \"{media}-{}\"\n[http]\nlisten = \"127.0.0.1:8080\"\n{more}",
        media + 9
    );
    let mut config = parse("test.toml", &text, Passwords::Strong).expect("a good file").config;
    for listen in &mut config.sip.listen {
        listen.address.set_port(0);
    }
    config.http.listen.set_port(0);
    config
}

/// A machine without a fault.
fn sound() -> Machine {
    Machine {
        lent_ports: "32768\t60999\n".to_owned(),
        reserved_ports: String::new(),
        receive_buffer_max: Some(4 << 20),
        tracked_max: None,
        open_files: None,
        timekeeper: Some("chronyd runs".to_owned()),
    }
}

/// The verdict and the message of one check.
fn found(findings: &[Finding], check: &str) -> (Verdict, String) {
    let of_check = findings.iter().filter(|finding| finding.check == check);
    let worst =
        of_check.max_by_key(|finding| finding.verdict).unwrap_or_else(|| panic!("{check} was not looked at"));
    (worst.verdict, worst.message.clone())
}

fn of_machine(machine: &Machine, check: &str) -> (Verdict, String) {
    found(&machine::findings(&configuration(31_000, ""), machine), check)
}

#[test]
fn a_sound_machine_has_nothing_to_be_warned_about() {
    let findings = machine::findings(&configuration(31_000, ""), &sound());
    assert_eq!(findings.len(), 4, "no tracking, no finding: {findings:?}");
    assert!(findings.iter().all(|finding| finding.verdict == Verdict::Ok), "{findings:?}");
}

#[test]
fn each_fault_of_the_machine_is_found_with_its_remedy() {
    let faults = [
        (Machine { open_files: Some(100), ..sound() }, "open files", "LimitNOFILE"),
        (
            Machine { lent_ports: "1024 60999".to_owned(), ..sound() },
            "port range",
            "ip_local_reserved_ports=31000-31009",
        ),
        (Machine { receive_buffer_max: Some(212_992), ..sound() }, "socket buffer", "rmem_max=4194304"),
        (Machine { receive_buffer_max: None, ..sound() }, "socket buffer", "cannot be read"),
        (Machine { timekeeper: None, ..sound() }, "clock", "install chrony"),
        (Machine { tracked_max: Some(15), ..sound() }, "tracking", "nf_conntrack_max=16"),
    ];
    for (machine, check, remedy) in faults {
        let (verdict, message) = of_machine(&machine, check);
        assert_eq!(verdict, Verdict::Warn, "{check}: {message}");
        assert!(message.contains(remedy), "{check}: {message}");
    }
    assert_eq!(of_machine(&Machine { tracked_max: Some(16), ..sound() }, "tracking").0, Verdict::Ok);
}

#[test]
fn this_machine_says_something_of_itself() {
    let here = Machine::here();
    assert!(here.lent_ports.split_whitespace().count() == 2, "{here:?}");
}

#[test]
fn a_port_that_somebody_has_is_named_and_free_ones_are_free() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let mut config = configuration(31_020, "");
    let findings = network::findings(&config);
    assert_eq!(found(&findings, "sockets").0, Verdict::Ok, "{findings:?}");
    assert_eq!(found(&findings, "media ports").0, Verdict::Ok, "{findings:?}");
    assert_eq!(found(&findings, "http").0, Verdict::Ok, "{findings:?}");
    assert_eq!(found(&findings, "names").0, Verdict::Ok, "{findings:?}");
    config.sip.listen[0].address = taken.local_addr().expect("it is bound");
    let (verdict, message) = found(&network::findings(&config), "sockets");
    assert_eq!(verdict, Verdict::Fail);
    assert!(message.contains("[sip] listen: udp:127.0.0.1") && message.contains("ss -ulpn"), "{message}");
}

#[test]
fn media_ports_that_are_taken_are_counted_and_none_at_all_fails() {
    let config = configuration(31_040, "");
    let taken: Vec<UdpSocket> = (31_040..=31_049)
        .map(|port| UdpSocket::bind(("127.0.0.1", port)).expect("free for this test"))
        .collect();
    let (verdict, message) = found(&network::findings(&config), "media ports");
    assert_eq!((verdict, message.contains("none of 31040-31049")), (Verdict::Fail, true), "{message}");
    let few: Vec<UdpSocket> = taken.into_iter().take(3).collect();
    let (verdict, message) = found(&network::findings(&config), "media ports");
    assert_eq!((verdict, message.contains("3 of 10")), (Verdict::Warn, true), "{message}");
    assert!(message.contains("ss -ulpn 'sport = :31040'"), "{message}");
    drop(few);
}

#[test]
fn http_that_others_reach_is_warned_about() {
    let mut config = configuration(31_060, "");
    config.http.listen = "0.0.0.0:0".parse().expect("an address");
    let (verdict, message) = found(&network::findings(&config), "http");
    assert_eq!((verdict, message.contains("TLS")), (Verdict::Warn, true), "{message}");
}

#[test]
fn a_name_that_no_server_answers_for_fails() {
    let agent = "[[agent]]\nid = \"kim\"\ncontact = \"sip:kim@pbx.example.com:5060\"\nskills = { a = 1 }\n";
    let (verdict, message) = found(&network::findings(&configuration(31_080, agent)), "names");
    assert_eq!((verdict, message.contains("`dns` of [sip]")), (Verdict::Fail, true), "{message}");
}

#[test]
fn a_file_with_errors_is_told_and_nothing_else_is_looked_at() {
    let (exit, findings) = examine(Path::new("not/there.toml"));
    assert_eq!(exit, Exit::Configuration);
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].check, findings[0].verdict), ("configuration", Verdict::Fail));
}

#[test]
fn a_line_begins_with_the_verdict() {
    let line = Finding::warn("clock", "nobody keeps it").to_string();
    assert_eq!(line, "warn  clock          nobody keeps it");
}
