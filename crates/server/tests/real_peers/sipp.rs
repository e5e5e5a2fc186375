//! SIPp as callers and as phones.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::cordboard::{Cordboard, password};
use crate::port::free_port;
use crate::process::Process;

/// Which transport SIPp speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Udp,
    Tcp,
}

impl Over {
    fn argument(self) -> &'static str {
        match self {
            Over::Udp => "u1",
            Over::Tcp => "t1",
        }
    }
}

/// A running SIPp.
pub(crate) struct Sipp {
    process: Process,
    errors: PathBuf,
    name: String,
}

/// How a SIPp is started.
pub(crate) struct Run<'a> {
    pub(crate) scenario: &'a str,
    pub(crate) over: Over,
    pub(crate) calls: u32,
    pub(crate) rate: u32,
    /// The service number, and what `[service]` says.
    pub(crate) number: &'a str,
    /// `[field0]` and so on.
    pub(crate) table: Option<PathBuf>,
    pub(crate) port: u16,
    /// Values for `[$1]`-like keys of the scenario: `-key name value`.
    pub(crate) keys: Vec<(&'a str, String)>,
}

impl<'a> Run<'a> {
    /// One call of a scenario over UDP.
    pub(crate) fn new(scenario: &'a str) -> Run<'a> {
        Run {
            scenario,
            over: Over::Udp,
            calls: 1,
            rate: 10,
            number: "100",
            table: None,
            port: free_port(),
            keys: Vec::new(),
        }
    }

    /// Starts it towards `target`.
    pub(crate) fn start(self, folder: &Path, target: SocketAddr) -> Sipp {
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/real_peers/scenarios")
            .join(format!("{}.xml", self.scenario));
        assert!(scenario.exists(), "no scenario {}", scenario.display());
        let name = format!("sipp-{}-{}", self.scenario, self.port);
        let errors = folder.join(format!("{name}.errors"));
        let mut command = Command::new("sipp");
        command
            .current_dir(folder)
            .arg(target.to_string())
            .arg("-sf")
            .arg(&scenario)
            .args(["-t", self.over.argument(), "-i", "127.0.0.1", "-p", &self.port.to_string()])
            .args(["-m", &self.calls.to_string(), "-r", &self.rate.to_string()])
            .args(["-l", &self.calls.to_string(), "-s", self.number])
            .args(["-nostdin", "-timeout", "120s", "-timeout_error", "-trace_err", "-error_file"])
            .arg(&errors);
        if let Some(table) = &self.table {
            command.arg("-inf").arg(table);
        }
        for (key, value) in &self.keys {
            command.args(["-key", key, value]);
        }
        let process = Process::start("sipp", &mut command, &folder.join(format!("{name}.log")));
        Sipp { process, errors, name }
    }
}

impl Sipp {
    /// Waits for its end; every call must have gone as its scenario says.
    pub(crate) fn succeeds(mut self) {
        let status = self.process.wait(Duration::from_secs(130));
        let errors = std::fs::read_to_string(&self.errors).unwrap_or_default();
        assert!(
            status.success(),
            "{} ended with {status}:\n{}",
            self.name,
            errors.chars().take(4_000).collect::<String>()
        );
    }
}

/// Phones of these agents, all behind one SIPp that answers by a scenario: registers them with digest.
pub(crate) fn phones(cordboard: &Cordboard, agents: &[&str], scenario: &str, over: Over, calls: u32) -> Sipp {
    let port = free_port();
    register(cordboard, agents, port, over, 3_600);
    phones_at(cordboard, port, scenario, over, calls)
}

/// Phones that need no registration.
pub(crate) fn phones_at(cordboard: &Cordboard, port: u16, scenario: &str, over: Over, calls: u32) -> Sipp {
    Run { over, calls, port, ..Run::new(scenario) }.start(&cordboard.folder, cordboard.sip)
}

/// Registers agents at a port of loopback; `expires` 0 takes the registration back.
pub(crate) fn register(cordboard: &Cordboard, agents: &[&str], port: u16, over: Over, expires: u32) {
    let rows: Vec<String> = agents
        .iter()
        .map(|agent| format!("{agent};[authentication username={agent} password={}]", password(agent)))
        .collect();
    let table = cordboard.folder.join(format!("agents-{port}-{expires}.csv"));
    std::fs::write(&table, format!("SEQUENTIAL\n{}\n", rows.join("\n")))
        .expect("the test's folder is writable");
    let transport = match over {
        Over::Udp => "udp",
        Over::Tcp => "tcp",
    };
    let keys = vec![
        ("contact_port", port.to_string()),
        ("contact_transport", transport.to_owned()),
        ("expires", expires.to_string()),
    ];
    let calls = u32::try_from(agents.len()).expect("few agents");
    let run = Run { calls, rate: 200, table: Some(table), keys, ..Run::new("register") };
    run.start(&cordboard.folder, cordboard.sip).succeeds();
}
