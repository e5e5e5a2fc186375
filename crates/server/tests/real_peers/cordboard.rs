//! The real binary with a configuration of its own.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::port::free_port;
use crate::process::{Process, comes_to_rest, eventually, folder};
use crate::turn::Turn;

/// What is under way: gauges that are 0 as soon as the last call is over.
const UNDER_WAY: [(&str, &[(&str, &str)]); 8] = [
    ("cordboard_waiting", &[]),
    ("cordboard_sip_sessions", &[]),
    ("cordboard_sip_dialogs", &[]),
    ("cordboard_calls", &[]),
    ("cordboard_media_terminations", &[]),
    ("cordboard_media_ports", &[("state", "in_use")]),
    ("cordboard_agents", &[("state", "reserved")]),
    ("cordboard_agents", &[("state", "handling")]),
];
/// What may stay for a while: over UDP a transaction remembers its last message for 64*T1.
const REMEMBERED: [(&str, &[(&str, &str)]); 6] = [
    ("cordboard_sip_transactions", &[("side", "client")]),
    ("cordboard_sip_transactions", &[("side", "server")]),
    ("cordboard_timers", &[("owner", "engine")]),
    ("cordboard_timers", &[("owner", "b2bua")]),
    ("cordboard_timers", &[("owner", "sip")]),
    ("cordboard_dns_queries", &[]),
];
/// 64*T1 until a request to somebody who has gone is given up, and 64*T1 for what came of it (RFC 3261 §17),
/// on a machine that has other things to do.
const FORGETS_WITHIN: Duration = Duration::from_secs(2 * 32 + 16);
/// Gauges may be a second old (docs/metrics.md): a zero that was true before the call proves nothing.
const GAUGES_AGE: Duration = Duration::from_millis(1_500);

/// Whoever knows it may use the API.
const TOKEN: &str = "a-token-chosen-by-chance";

/// A running Cordboard.
pub(crate) struct Cordboard {
    process: Process,
    /// Given back when nothing remains but to wait.
    turn: Cell<Option<Turn>>,
    pub(crate) sip: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) folder: PathBuf,
}

/// The figures of one scrape.
pub(crate) struct Metrics(String);

/// What a test configures beside the defaults of [`Plan::new`].
pub(crate) struct Plan {
    test: &'static str,
    agents: Vec<String>,
    queues: Vec<String>,
    extra: String,
    media_ports: u16,
    dns: Option<u16>,
    is_alone: bool,
}

impl Plan {
    /// No agents, no queues; loopback is a trunk.
    pub(crate) fn new(test: &'static str) -> Plan {
        Plan {
            test,
            agents: Vec::new(),
            queues: Vec::new(),
            extra: String::new(),
            media_ports: 200,
            dns: None,
            is_alone: false,
        }
    }

    /// An agent who registers with the password `secret-NAME-7` and has this skill table.
    pub(crate) fn agent(mut self, name: &str, skills: &str) -> Plan {
        self.agents.push(format!(
            "[[agent]]\nid = \"{name}\"\nname = \"{name}\"\npassword = \"{}\"\nskills = {{ {skills} }}\n",
            password(name)
        ));
        self
    }

    /// The last agent is logged in by the API only.
    pub(crate) fn of_the_desktop(self) -> Plan {
        self.who("log_in = \"desktop\"")
    }

    /// The last agent has this line as well.
    pub(crate) fn who(mut self, line: &str) -> Plan {
        self.agents.last_mut().expect("there is one").push_str(&format!("{line}\n"));
        self
    }

    /// An agent at a fixed address.
    pub(crate) fn agent_at(mut self, name: &str, skills: &str, contact: &str) -> Plan {
        self.agents.push(format!(
            "[[agent]]\nid = \"{name}\"\nname = \"{name}\"\ncontact = \"{contact}\"\nskills = {{ {skills} }}\n"
        ));
        self
    }

    /// A queue with lines of its own, reached by the number `number`.
    pub(crate) fn queue(mut self, name: &str, number: &str, lines: &str) -> Plan {
        self.queues.push(format!(
            "[[queue]]\nname = \"{name}\"\n{lines}\n\n[[entry]]\nnumber = \"{number}\"\nqueue = \"{name}\"\n"
        ));
        self
    }

    /// Further lines, tables of their own.
    pub(crate) fn extra(mut self, lines: &str) -> Plan {
        self.extra.push_str(lines);
        self
    }

    /// How many media ports there are.
    pub(crate) fn media_ports(mut self, ports: u16) -> Plan {
        self.media_ports = ports;
        self
    }

    /// Names are looked up at this port of loopback.
    pub(crate) fn dns(mut self, port: u16) -> Plan {
        self.dns = Some(port);
        self
    }

    /// No other test is busy meanwhile.
    pub(crate) fn alone(mut self) -> Plan {
        self.is_alone = true;
        self
    }

    fn text(&self, sip: u16, http: u16, media: u16) -> String {
        let last = media + self.media_ports - 1;
        format!(
            "[sip]\ndomain = \"cc.test\"\nlisten = [\"udp:127.0.0.1:{sip}\", \"tcp:127.0.0.1:{sip}\"]\n\
             drain_timeout = \"10s\"\n{}\n\
             [sip.limits]\ncalls_max = {}\n\n\
             [media]\naddress = [\"127.0.0.1\"]\nports = \"{media}-{last}\"\n\n\
             [http]\nlisten = \"127.0.0.1:{http}\"\ntoken = \"{TOKEN}\"\n\n\
             [[trunk]]\nname = \"pbx\"\nfrom = \"127.0.0.0/8\"\ncalls_per_second = 1000\n\n{}\n{}\n{}",
            self.dns.map_or_else(String::new, |port| format!("dns = \"127.0.0.1:{port}\"\n")),
            self.media_ports / 4,
            self.agents.join("\n"),
            self.queues.join("\n"),
            self.extra,
        )
    }

    /// Waits for the test's turn, starts the binary and waits until it says that it is ready.
    pub(crate) fn start(self) -> Cordboard {
        let turn = Cell::new(Some(if self.is_alone { Turn::alone() } else { Turn::shared() }));
        let folder = folder(self.test);
        let (sip, http) = (free_port(), free_port());
        let media = crate::process::media_ports(self.media_ports);
        let file = folder.join("cordboard.toml");
        std::fs::write(&file, self.text(sip, http, media)).expect("the test's folder is writable");
        let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
        command.arg("run").arg("-c").arg(&file);
        let mut process = Process::start("cordboard", &mut command, &folder.join("cordboard.log"));
        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        eventually(Duration::from_secs(20), "cordboard is ready", || {
            assert!(process.is_running(), "cordboard ended: see {}", folder.join("cordboard.log").display());
            (crate::http::get(address(http), "/readyz")?.0 == 200).then_some(())
        });
        Cordboard { process, turn, sip: address(sip), http: address(http), folder }
    }
}

/// The password of a configured agent.
pub(crate) fn password(agent: &str) -> String {
    format!("secret-{agent}-7")
}

impl Cordboard {
    /// Scrapes.
    pub(crate) fn metrics(&self) -> Metrics {
        let (status, text) = crate::http::get(self.http, "/metrics").expect("cordboard answers HTTP");
        assert_eq!(status, 200);
        Metrics(text)
    }

    /// Asks the API; `Null` is no body.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &serde_json::Value) -> (u16, serde_json::Value) {
        crate::http::ask(self.http, method, path, TOKEN, body)
    }

    /// Waits until a sum of metrics has this value.
    pub(crate) fn await_metric(&self, name: &str, labels: &[(&str, &str)], wanted: f64) {
        let mut last = f64::NAN;
        eventually(Duration::from_secs(20), &format!("{name}{labels:?} is {wanted}"), || {
            let value = self.metrics().sum(name, labels);
            if value != last {
                println!("{name}{labels:?} = {value}");
                last = value;
            }
            (value == wanted).then_some(())
        });
    }

    /// Waits until nothing is under way and nothing is remembered any more, then checks that nothing was lost.
    /// Phones may stay registered, but must be silent by now.
    pub(crate) fn nothing_is_left(&self) {
        for (gauge, labels) in UNDER_WAY {
            self.await_metric(gauge, labels, 0.0);
        }
        drop(self.turn.take());
        let mut left = Vec::new();
        let is_empty = comes_to_rest(FORGETS_WITHIN, GAUGES_AGE, || {
            let metrics = self.metrics();
            left.clear();
            for (gauge, labels) in UNDER_WAY.into_iter().chain(REMEMBERED) {
                let value = metrics.sum(gauge, labels);
                assert!(metrics.has(gauge), "no metric {gauge}");
                if value != 0.0 {
                    left.push(format!("{gauge}{labels:?} = {value}"));
                }
            }
            left.is_empty()
        });
        assert!(is_empty, "left after {FORGETS_WITHIN:?}: {left:#?}");
        let metrics = self.metrics();
        let offered = metrics.sum("cordboard_interactions_offered_total", &[]);
        let ended = metrics.sum("cordboard_interactions_total", &[]);
        assert_eq!(
            offered, ended,
            "offered = everything that became of them, with nobody waiting or to be called back"
        );
        let again = ["cordboard_flow_ins_total", "cordboard_returns_total", "cordboard_entered_beside_total"];
        let moved: f64 = again.iter().map(|metric| metrics.sum(metric, &[])).sum();
        assert_eq!(
            metrics.sum("cordboard_calls_arrived_total", &[]),
            offered - moved + metrics.sum("cordboard_calls_refused_total", &[]),
            "arrived = offered - flow-ins - returns - entered beside + refused"
        );
        let log = std::fs::read_to_string(self.folder.join("cordboard.log")).expect("its log");
        let errors: Vec<&str> =
            log.lines().filter(|line| line.contains("ERROR") || line.contains("panicked")).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }

    /// Interactions by outcome.
    pub(crate) fn outcome(&self, outcome: &str) -> f64 {
        self.metrics().sum("cordboard_interactions_total", &[("outcome", outcome)])
    }

    /// Ends it as an operator would, and checks that it ends well.
    pub(crate) fn stop(self) {
        self.process.terminate();
        self.ends();
    }

    /// Waits until it has ended, which must be well.
    pub(crate) fn ends(mut self) {
        let status = self.process.wait(Duration::from_secs(15));
        assert!(status.success(), "cordboard ended with {status}: see {}", self.folder.display());
    }

    /// Sends the process a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }
}

impl Metrics {
    /// Whether a name has any series.
    fn has(&self, name: &str) -> bool {
        self.0.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
    }

    /// The sum of all series of a name that carry these labels; 0 where there is none.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.0
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(series, _)| {
                let (found, rest) = series.split_once('{').unwrap_or((series, ""));
                found == name
                    && labels.iter().all(|(key, value)| rest.contains(&format!("{key}=\"{value}\"")))
            })
            .map(|(_, value)| value.parse::<f64>().expect("a number"))
            .sum()
    }
}
