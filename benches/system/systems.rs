//! What stands between callers and agents: nothing, Kamailio, or Cordboard.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::Process;

pub(crate) const CALLER_PORT: u16 = 15_060;
pub(crate) const AGENT_PORT: u16 = 15_070;
pub(crate) const SERVER_PORT: u16 = 15_080;
const HTTP_PORT: u16 = 15_090;
/// More agents than can talk at once at the highest rate.
pub(crate) const AGENTS: usize = 2_500;

/// Where a measurement has its files, and what is measured.
pub(crate) struct Place {
    /// For configurations, logs and results.
    pub(crate) folder: PathBuf,
    /// The program `cordboard`.
    pub(crate) cordboard: PathBuf,
    /// CPU seconds that SIPp as callers needs before its first call.
    pub(crate) sipp_start: f64,
}

impl Place {
    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf, String> {
        let file = self.folder.join(name);
        std::fs::write(&file, text)
            .map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
        Ok(file)
    }

    /// Takes the folder away: nobody wants to know why anything failed.
    pub(crate) fn leave(&self) -> Result<(), String> {
        std::fs::remove_dir_all(&self.folder).map_err(|error| format!("{}: {error}", self.folder.display()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum System {
    Direct,
    Kamailio,
    Cordboard,
}

impl System {
    pub(crate) const ALL: [System; 3] = [System::Direct, System::Kamailio, System::Cordboard];

    pub(crate) fn name(self) -> &'static str {
        match self {
            System::Direct => "nothing between",
            System::Kamailio => "Kamailio, proxy",
            System::Cordboard => "Cordboard, ACD",
        }
    }

    /// The port that callers call.
    pub(crate) fn port(self) -> u16 {
        match self {
            System::Direct => AGENT_PORT,
            System::Kamailio | System::Cordboard => SERVER_PORT,
        }
    }

    /// Starts it and waits until it answers SIP.
    pub(crate) fn start(self, place: &Place) -> Result<Option<Process>, String> {
        match self {
            System::Direct => Ok(None),
            System::Kamailio => kamailio(place).map(Some),
            System::Cordboard => cordboard(place, &Centre::default()).map(Some),
        }
    }
}

/// How a Cordboard is set up.
pub(crate) struct Centre {
    /// Agents at fixed contacts, logged in from the start.
    pub(crate) agents: usize,
    /// What waiting callers hear.
    pub(crate) waiting: &'static str,
    /// Interactions that are over and still told by the API.
    pub(crate) remembered: u32,
}

impl Default for Centre {
    fn default() -> Centre {
        Centre { agents: AGENTS, waiting: "ringback", remembered: 10_000 }
    }
}

pub(crate) fn kamailio(place: &Place) -> Result<Process, String> {
    let modules =
        ["/usr/lib/x86_64-linux-gnu/kamailio/modules", "/usr/lib/aarch64-linux-gnu/kamailio/modules"];
    let modules = modules.iter().find(|path| Path::new(path).exists());
    let modules =
        modules.ok_or("Kamailio's modules are not where Debian has them; `cargo xtask test` installs it")?;
    let text = include_str!("../scenarios/kamailio.cfg")
        .replace("@PORT@", &SERVER_PORT.to_string())
        .replace("@AGENTS@", &AGENT_PORT.to_string())
        .replace("@MODULES@", modules);
    let file = place.write("kamailio.cfg", &text)?;
    let mut command = Command::new("kamailio");
    // -x fm -X fm: Debian's default allocator costs 3.5 times as much and would flatter us.
    command
        .args(["-DD", "-E", "-m", "256", "-x", "fm", "-X", "fm", "-f"])
        .arg(&file)
        .arg("-Y")
        .arg(&place.folder);
    let mut server = Process::start("kamailio", &mut command, &place.folder)?;
    await_sip(&mut server)?;
    Ok(server)
}

pub(crate) fn cordboard(place: &Place, centre: &Centre) -> Result<Process, String> {
    let mut text = format!(
        "[sip]\ndomain = \"cc.test\"\nlisten = [\"udp:127.0.0.1:{SERVER_PORT}\"]\n\
         [sip.limits]\ncalls_per_second = 100000\n\
         [media]\naddress = [\"127.0.0.1\"]\nports = \"20000-31999\"\n\
         [http]\nlisten = \"127.0.0.1:{HTTP_PORT}\"\nended_interactions = {}\n[log]\nlevel = \"warn\"\n\
         [[trunk]]\nname = \"pbx\"\nfrom = \"127.0.0.0/8\"\ncalls_per_second = 100000\n\
         [[queue]]\nname = \"all\"\nrequire = \"talk\"\nwaiting = \"{}\"\nafter_call_work = \"0s\"\n\
         [[entry]]\nnumber = \"*\"\nqueue = \"all\"\n",
        centre.remembered, centre.waiting
    );
    for agent in 0..centre.agents {
        let contact = format!("sip:a{agent}@127.0.0.1:{AGENT_PORT}");
        write!(text, "[[agent]]\nid = \"a{agent}\"\nname = \"a{agent}\"\ncontact = \"{contact}\"\nskills = {{ talk = 5 }}\n")
            .expect("a String takes everything");
    }
    let file = place.write("cordboard.toml", &text)?;
    let mut command = Command::new(&place.cordboard);
    let mut server = Process::start("cordboard", command.arg("run").arg("-c").arg(&file), &place.folder)?;
    await_sip(&mut server)?;
    Ok(server)
}

/// Waits until somebody answers SIP there: a bound port says only that a process has begun.
fn await_sip(server: &mut Process) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("no socket on loopback: {error}");
    let socket = UdpSocket::bind(("127.0.0.1", 0)).map_err(cannot)?;
    socket.set_read_timeout(Some(Duration::from_millis(200))).map_err(cannot)?;
    let local = socket.local_addr().map_err(cannot)?;
    let mut attempt = 0;
    server.awaits("an answer to OPTIONS", || {
        attempt += 1;
        let options = format!(
            "OPTIONS sip:127.0.0.1:{SERVER_PORT} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{attempt};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:bench@127.0.0.1>;tag=b\r\nTo: <sip:127.0.0.1:{SERVER_PORT}>\r\n\
             Call-ID: bench{attempt}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        socket.send_to(options.as_bytes(), ("127.0.0.1", SERVER_PORT)).ok()?;
        socket.recv(&mut [0; 4_096]).ok()
    })?;
    Ok(())
}

/// Waits until one of Cordboard's gauges has come to this value.
pub(crate) fn await_gauge(server: &mut Process, series: &str, value: f64) -> Result<(), String> {
    server.awaits(&format!("{series} comes to {value}"), || (gauge(series)? >= value).then_some(()))
}

/// What Cordboard's `/metrics` says of a series.
pub(crate) fn gauge(series: &str) -> Option<f64> {
    metrics()?.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

/// The sum of all series of a metric, or of a single series where its labels are given; none where there are none.
pub(crate) fn sum(metric: &str) -> Option<f64> {
    let text = metrics()?;
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(metric)?;
        let (labels, value) = rest.rsplit_once(' ')?;
        (labels.is_empty() || labels.starts_with('{')).then(|| value.parse::<f64>().ok())?
    });
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

fn metrics() -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", HTTP_PORT)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}
