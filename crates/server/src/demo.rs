//! `cordboard demo`: a whole contact centre on loopback.
//!
//! The product runs as it always does, from a configuration that is built in. Around it live twelve
//! agents and a town of callers, phones of the crate `sim` behind real UDP sockets: every call is real
//! SIP, every sound real RTP. Nothing outside this machine is spoken to.

mod centre;
mod people;
mod table;

use std::fmt;
use std::io::{IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sim::chance::Chance;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{self, Passwords, PortRange};
use crate::exit::Exit;
use crate::logging;
use crate::plan::Bound;
use crate::shell::{Running, Shell};
use crate::start_error::StartError;
use people::{Experience, People};

/// How often the table is drawn in a terminal, and a line is written elsewhere.
const FRAME: Duration = Duration::from_millis(500);
const LINE: Duration = Duration::from_secs(5);
/// How many ranges of media ports are tried: the demo must run beside another one.
const RANGES_TRIED: u16 = 20;

/// What a user can say about the demo.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Where the wallboard and the metrics are; port 0 is any.
    pub http: SocketAddr,
    /// How long the day is; `None`: until told to stop.
    pub duration: Option<Duration>,
    /// How many people call.
    pub calls_per_minute: u32,
    /// The seed of everything random about the people; `None`: another one each time.
    pub seed: Option<u64>,
}

/// Why there is no demo.
#[derive(Debug)]
enum DemoError {
    /// The product does not start.
    Start(StartError),
    /// The system has no sockets or threads for the people.
    People(std::io::Error),
    /// The terminal cannot be written to.
    Terminal(std::io::Error),
}

impl fmt::Display for DemoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DemoError::Start(error) => error.fmt(f),
            DemoError::People(error) => write!(
                f,
                "the demo's callers and agents cannot have their phones: {error}; they need about 130 sockets, \
                 see `ulimit -n`"
            ),
            DemoError::Terminal(error) => write!(f, "the table cannot be shown: {error}"),
        }
    }
}

impl std::error::Error for DemoError {}

/// Runs the demo until Ctrl-C or until its day is over, and prints the summary.
pub fn run(options: &Options) -> Exit {
    match day(options) {
        Ok(()) => Exit::Well,
        // Whoever read the table has seen enough.
        Err(DemoError::Terminal(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Well,
        Err(refused) => {
            eprintln!("cordboard: {refused}");
            Exit::System
        }
    }
}

fn day(options: &Options) -> Result<(), DemoError> {
    let seed = options.seed.unwrap_or_else(any_seed);
    let mut chance = Chance::new(seed);
    let (text, passwords) = centre::configuration(&mut chance);
    let loaded = config::parse("demo", &text, Passwords::Any).expect("the built-in configuration is right");
    let mut config = loaded.config;
    for listen in &mut config.sip.listen {
        // Any free port: the demo must run beside a real one.
        listen.address.set_port(0);
    }
    config.http.listen = options.http;
    config.media.ports = free_ports(config.media.ports);
    let (log, switch) = logging::begin(&config.log).unzip();
    let mut shell = Shell::new(config, PathBuf::new());
    if let Some(switch) = switch {
        shell.log = Arc::new(switch);
    }
    let running = shell.start().map_err(DemoError::Start)?;
    let experience = Arc::new(Experience::default());
    let server = udp_address(&running);
    let calls = options.calls_per_minute;
    let people =
        People::new(running.clock(), server, &passwords, calls, chance.fork(), Arc::clone(&experience));
    let people = people.map_err(DemoError::People)?;
    let over = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&over);
    let town = std::thread::Builder::new().name("town".to_owned()).spawn(move || people.live(&flag));
    let town = town.map_err(DemoError::People)?;
    let began = running.clock().now();
    let shown = running.block_on(show(options, &running, server));
    let lasted = running.clock().now().since(began);
    let summary = table::summary(&running.wallboard(), &experience, lasted, seed);
    over.store(true, Ordering::Relaxed);
    let lived = town.join().expect("the town's thread does not panic");
    running.shut_down();
    drop(log);
    shown.map_err(DemoError::Terminal)?;
    lived.map_err(DemoError::People)?;
    print(&format!("\n{summary}")).map_err(DemoError::Terminal)
}

/// A range of this size that nobody holds a port of. It begins elsewhere in each process, because another
/// demo holds only the ports of its calls in progress.
fn free_ports(wanted: PortRange) -> PortRange {
    let size = wanted.last - wanted.first + 1;
    let own = (std::process::id() % u32::from(RANGES_TRIED)) as u16;
    let mut ranges = (0..RANGES_TRIED).map(|range| wanted.first + (own + range) % RANGES_TRIED * size);
    let is_free =
        |&first: &u16| (first..first + size).all(|port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
    let first = ranges.find(is_free).unwrap_or(wanted.first);
    PortRange { first, last: first + (size - 1) }
}

fn any_seed() -> u64 {
    crate::process::since_1970().as_nanos() as u64
}

fn udp_address(running: &Running) -> SocketAddr {
    let udp = |bound: &&Bound| bound.transport == config::Transport::Udp;
    running.sip().iter().find(udp).expect("the built-in configuration listens on UDP").address
}

/// The token of the API: everybody who sees the demo may use it.
fn token(running: &Running) -> &str {
    running.config().http.token.as_ref().expect("the built-in configuration has one").reveal()
}

/// Draws the table until the day is over.
async fn show(options: &Options, running: &Running, server: SocketAddr) -> std::io::Result<()> {
    let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    let terminal = std::io::stdout().is_terminal() && !dumb;
    let http = running.http();
    let head = vec![
        format!(
            "Cordboard demo: SIP at {server}, {} calls a minute; Ctrl-C ends the day",
            options.calls_per_minute
        ),
        format!("wallboard http://{http}/   metrics http://{http}/metrics"),
        format!("API http://{http}/api/v1/   token {}   (docs/api.md)", token(running)),
    ];
    if terminal {
        print("\x1b[2J")?;
    } else {
        print(&format!("{}\n", head.join("\n")))?;
    }
    let day = options.duration.unwrap_or(Duration::MAX);
    let evening = tokio::time::sleep(day);
    tokio::pin!(evening);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut frames = tokio::time::interval(if terminal { FRAME } else { LINE });
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            () = &mut evening => return Ok(()),
            _ = frames.tick() => {}
        }
        let text = table::wallboard(&running.wallboard(), if terminal { &head } else { &[] });
        let frame = if terminal { frame(&text) } else { text };
        print(&frame)?;
    }
}

/// Home, then each line cleared and written, then everything below cleared: no flicker. Without wrapping: what
/// a narrow terminal has no room for is cut, and a line stays a line. A line is cleared before it is written,
/// because after its last column there is nothing behind the cursor but that column.
fn frame(text: &str) -> String {
    format!("\x1b[?7l\x1b[H\x1b[K{}\x1b[J\x1b[?7h", text.replace('\n', "\n\x1b[K"))
}

fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
