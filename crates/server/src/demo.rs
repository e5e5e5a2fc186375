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
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sim::chance::Chance;

use crate::config::{self, Passwords};
use crate::plan::Bound;
use crate::shell::{Running, Shell};
use crate::start_error::StartError;
use people::{Experience, People};

/// How often the table is drawn in a terminal, and a line is written elsewhere.
const FRAME: Duration = Duration::from_millis(500);
const LINE: Duration = Duration::from_secs(5);
/// How often the demo looks whether it shall end.
const ATTENTION: Duration = Duration::from_millis(50);

/// What a user can say about the demo.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the wallboard and the metrics are; port 0 is any.
    pub http: SocketAddr,
    /// How long the day is; `None`: until told to stop.
    pub duration: Option<Duration>,
    /// How many people call.
    pub calls_per_minute: u32,
    /// The seed of everything random about the people.
    pub seed: u64,
}

/// Why there is no demo.
#[derive(Debug)]
pub enum DemoError {
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

/// Runs the demo until `stop` is set or its day is over, and prints the summary.
///
/// # Errors
/// What stands in the way.
pub fn run(options: &Options, stop: &AtomicBool) -> Result<(), DemoError> {
    let mut chance = Chance::new(options.seed);
    let (text, passwords) = centre::configuration(options.http, &mut chance);
    let loaded = config::parse("demo", &text, Passwords::Any).expect("the built-in configuration is right");
    let running = Shell::new(loaded.config, PathBuf::new()).start().map_err(DemoError::Start)?;
    let experience = Arc::new(Experience::default());
    let server = udp_address(&running);
    let people = People::new(
        running.clock(),
        server,
        &passwords,
        options.calls_per_minute,
        chance.fork(),
        Arc::clone(&experience),
    )
    .map_err(DemoError::People)?;
    let over = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&over);
    let town = std::thread::Builder::new()
        .name("town".to_owned())
        .spawn(move || people.live(&flag))
        .map_err(DemoError::People)?;
    let began = running.clock().now();
    let shown = show(options, &running, server, stop);
    let summary =
        table::summary(&running.wallboard(), &experience, running.clock().now().since(began));
    over.store(true, Ordering::Relaxed);
    let lived = town.join().expect("the town's thread does not panic");
    running.stop();
    shown.map_err(DemoError::Terminal)?;
    lived.map_err(DemoError::People)?;
    print(&format!("\n{summary}")).map_err(DemoError::Terminal)
}

fn udp_address(running: &Running) -> SocketAddr {
    let udp = |bound: &&Bound| bound.transport == config::Transport::Udp;
    running.sip().iter().find(udp).expect("the built-in configuration listens on UDP").address
}

/// Draws the table until the day is over.
fn show(options: &Options, running: &Running, server: SocketAddr, stop: &AtomicBool) -> std::io::Result<()> {
    let terminal = std::io::stdout().is_terminal();
    let http = running.http();
    let head = vec![
        format!("Cordboard demo: SIP at {server}, {} calls a minute", options.calls_per_minute),
        format!("wallboard  http://{http}/"),
        format!("metrics    http://{http}/metrics"),
        "Ctrl-C ends the day.".to_owned(),
    ];
    if !terminal {
        print(&format!("{}\n", head.join("\n")))?;
    }
    let began = running.clock().now();
    let every = if terminal { FRAME } else { LINE };
    let mut next = began;
    loop {
        let now = running.clock().now();
        let day_is_over = options.duration.is_some_and(|duration| now.since(began) >= duration);
        if stop.load(Ordering::Relaxed) || day_is_over {
            return Ok(());
        }
        if now >= next {
            next = now + every;
            let text = table::wallboard(&running.wallboard(), if terminal { &head } else { &[] });
            // Home, then each line with its rest cleared, then everything below: no flicker.
            let frame = if terminal {
                format!("\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\n"))
            } else {
                text
            };
            print(&frame)?;
        }
        std::thread::park_timeout(ATTENTION);
    }
}

fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
