//! What a call costs: CPU microseconds per completed call, all processes of a system together, with SIPp
//! as callers and as agents. Side by side in one run: Cordboard (queue, two legs, anchored media set-up),
//! Kamailio (a record-routing stateful proxy: no queue, no B2BUA, the floor of a C server) and SIPp to
//! SIPp with nothing in between.
//!
//! `cargo bench -p cordboard-benches --bench calls [-- --seconds 10 --rates 100,400,800]`. SIPp and
//! Kamailio must be installed (`cargo xtask test` does that). Loopback only; bounded by its arguments.
//!
//! The last column, the server's CPU per call over the SIPp caller's CPU per call in the same run, is the
//! steadiest: the speed of shared machines drifts, and both drift together.

#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "times real programs")]

use std::fmt::Write as _;
use std::fs::File;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const CALLER_PORT: u16 = 15_060;
const AGENT_PORT: u16 = 15_070;
const SERVER_PORT: u16 = 15_080;
const HTTP_PORT: u16 = 15_090;
/// Linux counts CPU time for other processes in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;
/// Agents of Cordboard: more than can talk at once at the highest rate.
const AGENTS: usize = 2_500;

#[derive(Clone, Copy, PartialEq, Eq)]
enum System {
    Direct,
    Kamailio,
    Cordboard,
}

impl System {
    fn name(self) -> &'static str {
        match self {
            System::Direct => "SIPp to SIPp",
            System::Kamailio => "Kamailio, proxy",
            System::Cordboard => "Cordboard, ACD",
        }
    }
}

struct Figures {
    calls: u64,
    failed: u64,
    server_micros: f64,
    caller_micros: f64,
    resident_mib: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let seconds: u64 = option("--seconds").map_or(10, |text| text.parse().expect("--seconds takes a number"));
    let rates = option("--rates").unwrap_or_else(|| "100,400,800".to_owned());
    let rates: Vec<u64> = rates.split(',').map(|rate| rate.parse().expect("--rates takes numbers")).collect();
    let folder = std::env::temp_dir().join(format!("cordboard-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
    let binary = build();
    println!("{seconds} s at each rate, calls of 1 s; CPU is user + system of all processes of the system.");
    println!();
    println!(
        "| calls/s | system | calls | failed | server µs/call | caller µs/call | ratio | resident MiB |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for rate in rates {
        for system in [System::Direct, System::Kamailio, System::Cordboard] {
            let figures = measure(system, rate, seconds, &folder, &binary);
            println!(
                "| {rate} | {} | {} | {} | {:.0} | {:.0} | {:.2} | {:.0} |",
                system.name(),
                figures.calls,
                figures.failed,
                figures.server_micros,
                figures.caller_micros,
                figures.server_micros / figures.caller_micros,
                figures.resident_mib,
            );
        }
    }
    std::fs::remove_dir_all(&folder).expect("our own folder");
}

/// The release binary; a bench of another package does not build it.
fn build() -> PathBuf {
    let status = Command::new(env!("CARGO")).args(["build", "--release", "-p", "cordboard"]).status();
    assert!(status.expect("cargo runs").success(), "the release build failed");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    target.join("release/cordboard")
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("benches/ lies in the workspace").to_path_buf()
}

fn measure(system: System, rate: u64, seconds: u64, folder: &Path, binary: &Path) -> Figures {
    let server = match system {
        System::Direct => None,
        System::Kamailio => Some(kamailio(folder)),
        System::Cordboard => Some(cordboard(folder, binary)),
    };
    let agent = agent(folder);
    let target = if system == System::Direct { AGENT_PORT } else { SERVER_PORT };
    let before = server.as_ref().map_or(0.0, |server| cpu_seconds(server.0.id()));
    let calls = rate * seconds;
    let (failed, caller_seconds) = callers(folder, target, rate, calls);
    let (after, resident_mib) = match &server {
        Some(server) => (cpu_seconds(server.0.id()), resident_mib(server.0.id())),
        None => (0.0, 0.0),
    };
    drop(agent);
    drop(server);
    let completed = calls.saturating_sub(failed).max(1) as f64;
    Figures {
        calls,
        failed,
        server_micros: (after - before) * 1e6 / completed,
        caller_micros: caller_seconds * 1e6 / completed,
        resident_mib,
    }
}

/// A child that is ended with its owner.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let id = self.0.id().to_string();
        // SIGTERM first: Kamailio's children end with their parent only when it ends itself.
        let _: std::io::Result<_> = Command::new("kill").args(["-TERM", &id]).status();
        let begun = Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(50));
        }
        let _: std::io::Result<()> = self.0.kill();
        let _: std::io::Result<_> = self.0.wait();
    }
}

fn start(command: &mut Command, log: &Path) -> Server {
    let output = File::create(log).expect("our own folder");
    let errors = output.try_clone().expect("an open file");
    let child = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn();
    Server(child.expect("the program is installed: `cargo xtask test` sees to it"))
}

fn await_port(port: u16) {
    let begun = Instant::now();
    while UdpSocket::bind(("127.0.0.1", port)).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody listens at port {port}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until somebody answers SIP there: a bound port says only that a process has begun.
fn await_sip(port: u16) {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("loopback has free ports");
    socket.set_read_timeout(Some(Duration::from_millis(200))).expect("not zero");
    let local = socket.local_addr().expect("it is bound");
    let begun = Instant::now();
    for attempt in 0.. {
        let options = format!(
            "OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{attempt};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:bench@127.0.0.1>;tag=b\r\nTo: <sip:127.0.0.1:{port}>\r\n\
             Call-ID: bench{attempt}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        socket.send_to(options.as_bytes(), ("127.0.0.1", port)).expect("loopback takes datagrams");
        if socket.recv(&mut [0; 4_096]).is_ok() {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody answers at port {port}");
    }
}

fn kamailio(folder: &Path) -> Server {
    let modules =
        ["/usr/lib/x86_64-linux-gnu/kamailio/modules", "/usr/lib/aarch64-linux-gnu/kamailio/modules"];
    let modules = modules.iter().find(|path| Path::new(path).exists()).expect("Kamailio's modules");
    let text = format!(
        r#"debug=0
log_stderror=yes
children=1
listen=udp:127.0.0.1:{SERVER_PORT}
mpath="{modules}/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("404", "Not here");
        exit;
    }}
    if (is_method("INVITE")) {{ record_route(); $du = "sip:127.0.0.1:{AGENT_PORT}"; t_relay(); exit; }}
    sl_send_reply("405", "Method Not Allowed");
}}
"#
    );
    let file = folder.join("kamailio.cfg");
    std::fs::write(&file, text).expect("our own folder");
    let mut command = Command::new("kamailio");
    // -x fm -X fm: Debian's default allocator costs 3.5 times as much and would flatter us.
    command.args(["-DD", "-E", "-m", "256", "-x", "fm", "-X", "fm", "-f"]).arg(&file).arg("-Y").arg(folder);
    let server = start(&mut command, &folder.join("kamailio.log"));
    await_sip(SERVER_PORT);
    server
}

fn cordboard(folder: &Path, binary: &Path) -> Server {
    let mut text = format!(
        "[sip]\ndomain = \"cc.test\"\nlisten = [\"udp:127.0.0.1:{SERVER_PORT}\"]\n\
         [sip.limits]\ncalls_per_second = 100000\n\
         [media]\naddress = [\"127.0.0.1\"]\nports = \"20000-31999\"\n\
         [http]\nlisten = \"127.0.0.1:{HTTP_PORT}\"\n[log]\nlevel = \"warn\"\n\
         [[trunk]]\nname = \"pbx\"\nfrom = \"127.0.0.0/8\"\ncalls_per_second = 100000\n\
         [[queue]]\nname = \"all\"\nrequire = \"talk\"\nwaiting = \"ringback\"\nafter_call_work = \"0s\"\n\
         [[entry]]\nnumber = \"*\"\nqueue = \"all\"\n"
    );
    for agent in 0..AGENTS {
        let contact = format!("sip:a{agent}@127.0.0.1:{AGENT_PORT}");
        write!(text, "[[agent]]\nid = \"a{agent}\"\nname = \"a{agent}\"\ncontact = \"{contact}\"\nskills = {{ talk = 5 }}\n")
            .expect("a String takes everything");
    }
    let file = folder.join("cordboard.toml");
    std::fs::write(&file, text).expect("our own folder");
    let server = start(Command::new(binary).arg("run").arg("-c").arg(&file), &folder.join("cordboard.log"));
    await_sip(SERVER_PORT);
    server
}

fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name)
}

fn agent(folder: &Path) -> Server {
    let mut command = Command::new("sipp");
    command.current_dir(folder).arg("127.0.0.1").arg("-sf").arg(scenario("agent.xml"));
    command.args(["-i", "127.0.0.1", "-p", &AGENT_PORT.to_string(), "-nostdin"]);
    let server = start(&mut command, &folder.join("agent.log"));
    await_port(AGENT_PORT);
    server
}

/// Failed calls, and the CPU seconds of SIPp.
fn callers(folder: &Path, target: u16, rate: u64, calls: u64) -> (u64, f64) {
    let statistics = folder.join("callers.csv");
    let _: std::io::Result<()> = std::fs::remove_file(&statistics);
    // The shell's own `times` tells the CPU time of its children, SIPp alone.
    let script = "sipp \"$@\" >/dev/null 2>&1; times";
    let output = Command::new("bash")
        .current_dir(folder)
        .args(["-c", script, "callers", &format!("127.0.0.1:{target}"), "-sf"])
        .arg(scenario("caller.xml"))
        .args(["-i", "127.0.0.1", "-p", &CALLER_PORT.to_string(), "-nostdin", "-s", "100"])
        .args(["-r", &rate.to_string(), "-m", &calls.to_string(), "-l", &(rate * 20).to_string()])
        .args(["-timeout", "120s", "-trace_stat", "-stf"])
        .arg(&statistics)
        .output()
        .expect("bash runs");
    let times = String::from_utf8_lossy(&output.stdout).into_owned();
    let children = times.lines().nth(1).expect("`times` prints two lines");
    let cpu = children.split_whitespace().map(minutes).sum();
    let text = std::fs::read_to_string(&statistics).expect("SIPp wrote its statistics");
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().expect("a heading").split(';').collect();
    let last: Vec<&str> = lines.next_back().expect("a row").split(';').collect();
    let column = columns.iter().position(|&name| name == "SuccessfulCall(C)").expect("SIPp's column");
    let succeeded: u64 = last[column].parse().expect("a number");
    (calls.saturating_sub(succeeded), cpu)
}

/// `0m1.234s` in seconds.
fn minutes(text: &str) -> f64 {
    let (minutes, seconds) = text.trim_end_matches('s').split_once('m').expect("minutes and seconds");
    minutes.parse::<f64>().expect("a number") * 60.0 + seconds.parse::<f64>().expect("a number")
}

/// CPU seconds of a process and its children, user and system.
fn cpu_seconds(id: u32) -> f64 {
    family(id).iter().filter_map(|&id| stat(id)).map(|stat| stat.ticks).sum::<f64>() / TICKS_PER_SECOND
}

fn resident_mib(id: u32) -> f64 {
    let kib = |id: &u32| {
        let text = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = text.lines().find(|line| line.starts_with("VmRSS:"))?.to_owned();
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    family(id).iter().filter_map(kib).sum::<f64>() / 1_024.0
}

struct Stat {
    parent: u32,
    ticks: f64,
}

fn stat(id: u32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in parentheses may hold anything; the numbers begin after it (proc(5)).
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks })
}

/// A process and its direct children.
fn family(id: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("Linux");
    let all = processes.filter_map(|entry| entry.ok()?.file_name().to_string_lossy().parse::<u32>().ok());
    let mut family: Vec<u32> = all.filter(|&one| stat(one).is_some_and(|stat| stat.parent == id)).collect();
    family.push(id);
    family
}
