//! The whole product in one process: threads, rings, sockets and the runtime, started and ended together.
//!
//! [`Shell`] says how to start, [`Running`] is what runs. Both serve `cordboard run`, the demo and tests;
//! several can run in one process.

mod ending;
mod reload;
mod sockets;
mod wiring;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use cti::TrunkNames;
use report::{Names, Wallboard};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::clock::{Clock, Wall};
use crate::config::Config;
use crate::limits::{self, StreamFiles};
use crate::logging::LogSwitch;
use crate::phase::{Phase, PhaseCell};
use crate::plan::{Bound, Numbering, Plan};
use crate::published::Published;
use crate::ring::Producer;
use crate::sip_trace::SipTrace;
use crate::start_error::StartError;
use crate::threads::{engine, media};
use crate::worker::{Casualties, Worker};

pub use reload::{Refused as ReloadRefused, Reloaded};
pub(crate) use sockets::{SIP_BUFFER, SIP_LISTEN, media_binds, refused};

/// How long the threads may take at the start to take in the configuration.
const CONFIGURED: Duration = Duration::from_secs(10);
/// How long a thread may take to answer a question of the shell.
const ANSWER: Duration = Duration::from_secs(1);

/// How the product is started.
#[derive(Clone, Debug)]
pub struct Shell {
    /// Everything that is configured.
    pub config: Config,
    /// Files that the configuration names are relative to this folder: that of its own file.
    pub base: PathBuf,
    /// SIP messages that are logged from the start: see [`SipTrace::show`].
    pub sip_trace: Option<String>,
    /// The level of the log.
    pub log: Arc<LogSwitch>,
    /// What queues take for the clock on the wall: that of the system, unless it is put ahead.
    pub wall: Wall,
    /// The files that streams may take; [`Shell::start`] asks the system.
    files: StreamFiles,
}

/// The product, running. Dropping it ends it at once.
#[derive(Debug)]
pub struct Running {
    config: Config,
    base: PathBuf,
    clock: Clock,
    plan: Plan,
    numbering: Numbering,
    sip: Vec<Bound>,
    http: SocketAddr,
    phase: Arc<PhaseCell>,
    names: Arc<ArcSwap<Names>>,
    published: Arc<ArcSwap<Published>>,
    trunks: Arc<ArcSwap<TrunkNames>>,
    trace: Arc<SipTrace>,
    log: Arc<LogSwitch>,
    progress: Arc<engine::Progress>,
    casualties: Arc<Casualties>,
    orders: Orders,
    workers: Option<Workers>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    runtime: Option<Runtime>,
}

/// How the shell speaks to its threads.
#[derive(Debug)]
struct Orders {
    engine: Producer<engine::Order>,
    music: Producer<media::Piece>,
}

/// The threads on the path of a call.
#[derive(Debug)]
struct Workers {
    engine: Worker,
    distributor: Worker,
    media: Worker,
}

impl Shell {
    /// A shell with nothing special about it.
    pub fn new(config: Config, base: PathBuf) -> Shell {
        let log = Arc::new(LogSwitch::without_log(config.log.level));
        Shell { config, base, sip_trace: None, log, wall: Wall::system(), files: StreamFiles::ALL }
    }

    /// Binds every socket, starts every thread, and takes calls when it returns.
    ///
    /// # Errors
    /// What stands in the way; nothing is left behind then.
    pub fn start(mut self) -> Result<Running, StartError> {
        let allowed = limits::raise_open_files();
        let sockets = sockets::Sockets::bind(&self.config)?;
        let (ports, streams) = limits::sockets_wanted(&self.config, sockets.media.len());
        self.files = StreamFiles::of(allowed, ports);
        let shortage = limits::shortage(allowed, ports, streams);
        if let Some(shortage) = &shortage {
            warn!("{shortage}");
        }
        if let Some(lent) =
            limits::lent_ports_here(self.config.media.ports.first, self.config.media.ports.last)
        {
            warn!("{lent}");
        }
        let clock = Clock::start();
        let mut numbering = Numbering::default();
        let plan = Plan::new(&self.config, &self.base, &sockets.bound(), &mut numbering);
        let music = sockets::load_music(&plan.music)?;
        let running = wiring::wire(self, clock, sockets, plan, numbering, music, shortage.is_none())?;
        running.await_configuration();
        running.phase.enter(Phase::Serving);
        for bound in &running.sip {
            info!(transport = ?bound.transport, address = %bound.address, "SIP");
        }
        info!(address = %running.http, version = env!("CARGO_PKG_VERSION"), "Cordboard takes calls; wallboard and metrics by HTTP");
        Ok(running)
    }
}

impl Running {
    /// Waits until readers see every queue and agent: whoever is told that we are ready finds them.
    fn await_configuration(&self) {
        let Some(workers) = &self.workers else { return };
        let began = self.clock.now();
        workers.engine.link().ask_and_wait(ANSWER);
        while self.clock.now().since(began) < CONFIGURED {
            workers.distributor.link().ask_and_wait(ANSWER);
            let seen = self.published.load();
            if seen.snapshot.queues.len() >= self.plan.queues.len()
                && seen.snapshot.agents.len() >= self.plan.agents.len()
            {
                return;
            }
        }
        warn!("the configuration is taken in slowly; the API may not know every queue and agent yet");
    }

    /// The SIP sockets as they were bound.
    pub fn sip(&self) -> &[Bound] {
        &self.sip
    }

    /// The address of HTTP as it was bound.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// The configuration that is in force: that of the file, and for what is read at the start only, that of
    /// the start.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The clock of this shell.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Calls in progress, those that wait included. Asks the engine's thread.
    pub fn calls(&self) -> usize {
        if let Some(workers) = &self.workers {
            workers.engine.link().ask_and_wait(ANSWER);
        }
        self.progress.interactions()
    }

    /// Queues and agents as they are now, by name.
    pub fn wallboard(&self) -> Wallboard {
        let published = self.published.load();
        Wallboard::new(self.clock.now(), &published.snapshot, &published.figures, &self.names.load())
    }

    /// The switch of the SIP trace.
    pub fn trace(&self) -> &SipTrace {
        &self.trace
    }
}
