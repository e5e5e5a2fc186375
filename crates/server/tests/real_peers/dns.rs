//! dnsmasq as the name server: where an agent's phone is, by NAPTR, SRV and A records (RFC 3263).

use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use crate::cordboard::{Cordboard, Plan};
use crate::port::free_port;
use crate::process::{Process, eventually};
use crate::sipp::{Over, Run, phones_at};

/// A name server on loopback with these records.
fn name_server(port: u16, records: &[String]) -> Process {
    let folder = crate::process::folder(&format!("dns-{port}"));
    let mut command = Command::new("dnsmasq");
    command.args([
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        "--pid-file=",
    ]);
    command.args(["--listen-address=127.0.0.1", "--bind-interfaces", "--log-queries", "--log-facility=-"]);
    command.arg(format!("--port={port}")).args(records);
    let process = Process::start("dnsmasq", &mut command, &folder.join("dnsmasq.log"));
    eventually(Duration::from_secs(10), "dnsmasq listens", || {
        UdpSocket::bind(("127.0.0.1", port)).is_err().then_some(())
    });
    process
}

fn phone_by_name(test: &'static str, dns: u16) -> Cordboard {
    Plan::new(test)
        .agent_at("kim", "billing = 8", "sip:kim@phones.test")
        .queue("billing", "100", "require = \"billing\"\nwaiting = \"ringback\"\nring_timeout = \"10s\"")
        .dns(dns)
        .extra("[sip.timers]\nt1 = \"50ms\"\n")
        .start()
}

/// A call reaches kim's phone at this port.
fn reaches_the_phone(cordboard: Cordboard, port: u16) {
    let agent = phones_at(&cordboard, port, "phone_answers", Over::Udp, 1);
    Run::new("call").start(&cordboard.folder, cordboard.sip).succeeds();
    agent.succeeds();
    cordboard.nothing_is_left();
    assert_eq!(cordboard.outcome("answered"), 1.0);
    cordboard.stop();
}

#[test]
fn a_phone_is_found_by_naptr_and_srv() {
    let (dns, port) = (free_port(), free_port());
    let server = name_server(
        dns,
        &[
            "--naptr-record=phones.test,10,50,s,SIP+D2U,,_sip._udp.phones.test".to_owned(),
            format!("--srv-host=_sip._udp.phones.test,kim.phones.test,{port},10,50"),
            "--host-record=kim.phones.test,127.0.0.1".to_owned(),
        ],
    );
    reaches_the_phone(phone_by_name("dns_found", dns), port);
    drop(server);
}

#[test]
fn the_doctor_knows_the_names_that_calls_go_to_and_misses_the_one_that_is_gone() {
    let dns = free_port();
    let server = name_server(
        dns,
        &[
            "--local=/phones.test/".to_owned(),
            "--srv-host=_sip._udp.phones.test,kim.phones.test,5070,10,50".to_owned(),
            "--host-record=kim.phones.test,127.0.0.1".to_owned(),
        ],
    );
    let cordboard = Plan::new("dns_doctor")
        .agent_at("kim", "billing = 8", "sip:kim@phones.test")
        .agent_at("lee", "billing = 8", "sip:lee@kim.phones.test:5071")
        .agent_at("park", "billing = 8", "sip:park@gone.phones.test")
        .queue("billing", "100", "require = \"billing\"")
        .dns(dns)
        .start();
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    doctor.args(["doctor", "-c"]).arg(cordboard.folder.join("cordboard.toml"));
    let output = doctor.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(71), "{said}");
    let line = |start: &str| said.lines().any(|line| line.starts_with(start));
    assert!(line("ok    names          phones.test is known, with 1 records"), "{said}");
    assert!(line("ok    names          kim.phones.test is known, with 1 records"), "{said}");
    assert!(line("fail  names          gone.phones.test has no address"), "{said}");
    cordboard.stop();
    drop(server);
}

#[test]
fn the_second_of_two_servers_is_tried_when_the_first_says_nothing() {
    let (dns, port) = (free_port(), free_port());
    // A socket that is open and says nothing.
    let silent = UdpSocket::bind(("127.0.0.1", 0)).expect("loopback has free ports");
    let dead = silent.local_addr().expect("it is bound").port();
    let server = name_server(
        dns,
        &[
            format!("--srv-host=_sip._udp.phones.test,kim.phones.test,{dead},10,50"),
            format!("--srv-host=_sip._udp.phones.test,kim.phones.test,{port},20,50"),
            "--host-record=kim.phones.test,127.0.0.1".to_owned(),
        ],
    );
    reaches_the_phone(phone_by_name("dns_second", dns), port);
    drop(server);
}
