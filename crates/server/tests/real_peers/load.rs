//! `cordboard load` beside others: what it counts must be what they count.

mod audio;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use serde_json::Value;

use crate::cordboard::Plan;
use crate::pbx::kamailio;
use crate::port::free_port;
use crate::process::{Process, eventually, folder};
use crate::sipp::Run;
use crate::turn::Turn;

/// One every 50 ms, before five seconds are over.
const CALLS: u32 = 99;
const CALLERS: &str = "[[callers]]\nnumber = \"100\"\nper_second = 20\nspacing = \"even\"\n\
                       talk = { shape = \"constant\", mean = \"300ms\" }\n";

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// A running `cordboard load`.
struct Load {
    process: Process,
    json: PathBuf,
    log: PathBuf,
}

impl Load {
    fn start(folder: &Path, system: SocketAddr, of_system: &str, rest: &str) -> Load {
        let (file, json, log) =
            (folder.join("calls.toml"), folder.join("calls.json"), folder.join("load.log"));
        let text = format!(
            "[system]\naddress = \"{system}\"\ndomain = \"cc.test\"\n{of_system}\n\
             [run]\nwarm_up = \"0s\"\nlength = \"5s\"\ndrain = \"40s\"\n{rest}"
        );
        std::fs::write(&file, text).expect("the test's folder is writable");
        let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
        command.arg("load").arg(&file).arg("--json").arg(&json);
        Load { process: Process::start("cordboard load", &mut command, &log), json, log }
    }

    /// Waits for its end, which must be well, and reads what it found.
    fn found(self) -> Value {
        let (status, log, found) = self.ended();
        assert!(status.success(), "{status}: {log}");
        println!("{log}");
        found
    }

    /// Waits for its end; how it ended, what it said and what it found.
    fn ended(mut self) -> (ExitStatus, String, Value) {
        let status = self.process.wait(Duration::from_secs(100));
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let text = std::fs::read_to_string(&self.json).unwrap_or_else(|error| panic!("{error}: {log}"));
        let found: Value = serde_json::from_str(&text).expect("JSON");
        (status, log, found["test"].clone())
    }
}

/// Every call completed and nothing else happened.
fn all_completed(found: &Value) {
    assert_eq!(found["calls"], CALLS, "{found:#}");
    assert_eq!(found["outcomes"], serde_json::json!({ "completed": CALLS }), "{found:#}");
    assert_eq!(found["messages"]["strays"], 0, "{found:#}");
    assert_eq!(found["milliseconds"]["bye_to_200"]["number"], CALLS);
}

fn agents(count: u32) -> String {
    format!(
        "[[agents]]\nuser = \"agent{{}}\"\ncount = {count}\npassword = \"secret-agent{{}}-7\"\n\
         ring = {{ shape = \"constant\", mean = \"50ms\" }}\n"
    )
}

fn through_cordboard(test: &'static str, transport: &str) {
    let mut plan = Plan::new(test).queue("billing", "100", "require = \"billing\"\nwaiting = \"ringback\"");
    // Fewer than are needed at once: some callers wait.
    for number in 1..=6 {
        plan = plan.agent(&format!("agent{number}"), "billing = 5");
    }
    let cordboard = plan.start();
    let rest = format!("{CALLERS}{}", agents(6));
    let load = Load::start(&cordboard.folder, cordboard.sip, &format!("transport = \"{transport}\""), &rest);
    let found = load.found();
    all_completed(&found);
    assert_eq!(found["agents"]["registered"], 6);
    assert_eq!(found["agents"]["picked_up"], CALLS);
    assert_eq!(found["agents"]["called_by_strangers"], 0);
    for measure in ["invite_to_100", "invite_to_200", "invite_to_agent", "agent_200_to_ack"] {
        assert_eq!(found["milliseconds"][measure]["number"], CALLS, "{measure}");
    }
    let waited = found["milliseconds"]["agent_free_to_ring"]["number"].as_u64();
    assert!(
        waited.is_some_and(|waited| waited > 10),
        "seven agents are needed and six are there: {waited:?}"
    );
    cordboard.await_metric("cordboard_sip_registrations", &[], 0.0);
    assert_eq!(cordboard.outcome("answered"), f64::from(CALLS));
    cordboard.nothing_is_left();
    cordboard.stop();
}

#[test]
fn a_load_over_udp_counts_what_cordboard_counts() {
    through_cordboard("load_udp", "udp");
}

#[test]
fn a_load_over_tcp_counts_what_cordboard_counts() {
    through_cordboard("load_tcp", "tcp");
}

#[test]
fn a_load_of_callers_is_served_by_sipp() {
    let (folder, turn, port) = (folder("load_sipp_agents"), Turn::shared(), free_port());
    let phones = Run { calls: CALLS, port, ..Run::new("phone_answers_at_once") };
    let phones = phones.start(&folder, loopback(9));
    eventually(Duration::from_secs(10), "SIPp listens", || {
        std::net::UdpSocket::bind(loopback(port)).is_err().then_some(())
    });
    let found = Load::start(&folder, loopback(port), "", CALLERS).found();
    all_completed(&found);
    phones.succeeds();
    drop(turn);
}

#[test]
fn a_load_of_agents_serves_sipp() {
    let (folder, turn, port) = (folder("load_sipp_callers"), Turn::shared(), free_port());
    let rest = format!("{}register = false\nany_number = true\n", agents(40));
    let load = Load::start(&folder, loopback(9), &format!("agents_port = {port}"), &rest);
    eventually(Duration::from_secs(10), "the load listens", || {
        std::net::UdpSocket::bind(loopback(port)).is_err().then_some(())
    });
    Run { calls: 30, rate: 20, ..Run::new("call_briefly") }.start(&folder, loopback(port)).succeeds();
    let found = load.found();
    assert_eq!(found["agents"]["rung"], 30);
    assert_eq!(found["agents"]["picked_up"], 30);
    assert_eq!(found["agents"]["called_by_strangers"], 30, "SIPp's callers are none of the load's");
    assert_eq!(found["messages"]["strays"], 0, "{found:#}");
    drop(turn);
}

#[test]
fn a_load_finds_its_way_through_a_record_routing_proxy() {
    let (folder, turn) = (folder("load_kamailio"), Turn::shared());
    let (port, agents_port) = (free_port(), free_port());
    let pbx = kamailio(&folder, loopback(agents_port), port);
    let rest = format!("{CALLERS}{}register = false\nany_number = true\n", agents(40));
    let found = Load::start(&folder, loopback(port), &format!("agents_port = {agents_port}"), &rest).found();
    all_completed(&found);
    assert_eq!(found["milliseconds"]["invite_to_agent"]["number"], CALLS);
    assert_eq!(found["agents"]["called_by_strangers"], 0);
    drop(pbx);
    drop(turn);
}
