//! Who is connected with whom: every thread and every task of a running shell.

mod rings;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use acd::Distributor;
use arc_swap::ArcSwap;
use cti::TrunkNames;
use engine::{Engine, Notice};
use media::{Music, MusicId, Relay};
use mio::Poll;
use report::{
    ApiSeries, CallReporter, Exposition, MediaSeries, ProcessSeries, Reporter, SocketSeries, TraceSeries,
    TrafficCounts,
};
use rustix::rand::{GetRandomFlags, getrandom};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tracing::info;

use super::sockets::Sockets;
use super::{Orders, Running, Shell, Workers};
use crate::calendar;
use crate::call_log::CallLog;
use crate::clock::Clock;
use crate::config::DistributorThread;
use crate::dns::Dns;
use crate::doors::Doors;
use crate::http::{self, Api, View};
use crate::otlp::Traces;
use crate::outward::{self, Outward};
use crate::phase::PhaseCell;
use crate::plan::{self, Numbering, Plan};
use crate::published::Published;
use crate::remembered::Remembered;
use crate::ring::{Consumer, Outbox, Producer};
use crate::sip_trace::SipTrace;
use crate::start_error::StartError;
use crate::tcp::{self, Streams};
use crate::threads::distributor::{Distribution, Rhythm};
use crate::threads::engine::{self as engine_thread, EngineThread, Guest, Progress};
use crate::threads::media::MediaThread;
use crate::worker::{Casualties, Link, Worker};
use rings::{Bells, Consumers, DistributorEnds, EngineEnds, MediaEnds, Producers};

/// Threads of the runtime: connections, DNS and HTTP need little.
const RUNTIME_THREADS: usize = 2;

/// Up to so many agents the distributor shares the engine's thread where the configuration does not say. Beyond, a picture
/// of them for readers takes so long that signalling would have to wait for it.
pub(super) const AGENTS_BESIDE_THE_ENGINE: usize = 10_000;

/// Which thread runs the distributor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placement {
    /// The engine's.
    WithTheEngine,
    /// One of its own.
    OnItsOwn,
}

impl Placement {
    fn of(setting: DistributorThread, agents: usize) -> Placement {
        match setting {
            DistributorThread::Shared => Placement::WithTheEngine,
            DistributorThread::Own => Placement::OnItsOwn,
            DistributorThread::Auto if agents <= AGENTS_BESIDE_THE_ENGINE => Placement::WithTheEngine,
            DistributorThread::Auto => Placement::OnItsOwn,
        }
    }
}

/// What several parts of the shell look at.
struct Shared {
    clock: Clock,
    exposition: Exposition,
    published: Arc<ArcSwap<Published>>,
    names: Arc<ArcSwap<report::Names>>,
    trunks: Arc<ArcSwap<TrunkNames>>,
    phase: Arc<PhaseCell>,
    trace: Arc<SipTrace>,
    progress: Arc<Progress>,
    lost: Arc<AtomicU64>,
    remembered: Arc<Remembered>,
    casualties: Arc<Casualties>,
}

impl Shared {
    fn new(clock: Clock, plan: &Plan, shell: &Shell) -> Shared {
        let shared = Shared {
            clock,
            exposition: Exposition::new(env!("CARGO_PKG_VERSION")),
            published: Arc::new(ArcSwap::from_pointee(Published::nothing(clock.now()))),
            names: Arc::new(ArcSwap::from_pointee(plan.names.clone())),
            trunks: Arc::new(ArcSwap::from_pointee(plan.trunk_names.clone())),
            phase: Arc::default(),
            trace: Arc::default(),
            progress: Arc::default(),
            lost: Arc::default(),
            remembered: Arc::new(Remembered::new(shell.config.http.ended_interactions as usize)),
            casualties: Arc::default(),
        };
        shared.trace.show(shell.sip_trace.clone());
        shared
    }

    fn outbox<T>(&self, producer: Producer<T>, limit: usize) -> Outbox<T> {
        Outbox::new(producer, limit, Arc::clone(&self.lost))
    }
}

/// Starts everything.
pub(super) fn wire(
    shell: Shell,
    clock: Clock,
    sockets: Sockets,
    mut plan: Plan,
    numbering: Numbering,
    music: Vec<(MusicId, Arc<Music>)>,
    media_may_rest: bool,
) -> Result<Running, StartError> {
    plan.shared = with_lots(&plan.shared, seed()?);
    let shared = Shared::new(clock, &plan, &shell);
    let (engine_poll, media_poll) = (poll()?, poll()?);
    let placement = Placement::of(shell.config.routing.distributor_thread, plan.agents.len());
    let bells = Bells::new(&engine_poll, &media_poll, placement)?;
    let (producers, consumers) = rings::rings(&bells);
    let (sip, http) = (sockets.bound(), sockets.http.1);
    let view = view(&shell, &shared, &bells, &producers, &consumers);
    let runtime = runtime()?;
    let (stop, stopped) = watch::channel(false);
    let Sockets { udp, tcp, http: http_listener, media: media_addresses } = sockets;
    let Consumers { engine, distributor, media, outward, notices } = consumers;
    let starts = Starts { shell: &shell, plan: &plan, shared: &shared, bells: &bells, producers: &producers };
    let distribution = starts.distribution(distributor);
    let (guest, distributor) = match placement {
        Placement::WithTheEngine => {
            let guest = Guest { distribution, link: Arc::clone(&bells.distributor) };
            (Some(guest), Worker::without_thread(Arc::clone(&bells.distributor)))
        }
        Placement::OnItsOwn => (None, starts.spawn(&bells.distributor, move |link| distribution.run(link))?),
    };
    let workers = Workers {
        engine: starts.engine(engine, engine_poll, udp, guest)?,
        distributor,
        media: starts.media(media, media_poll, (media_addresses, media_may_rest), music)?,
    };
    let tasks = {
        let _inside = runtime.enter();
        let mut tasks = starts.streams(tcp, outward, &stopped)?;
        tasks.push(starts.http(http_listener.0, view, &stopped)?);
        let (traces, export) = starts.traces(&stopped);
        tasks.extend(export);
        tasks.push(starts.call_log(notices, traces, &stopped));
        tasks.push(starts.task(calendar::announce_days(producers.distributor_orders.clone(), stopped)));
        tasks
    };
    let orders = Orders { engine: producers.engine_orders, music: producers.music };
    Ok(Running {
        config: shell.config,
        base: shell.base,
        clock,
        plan,
        numbering,
        sip,
        http,
        phase: shared.phase,
        names: shared.names,
        published: shared.published,
        trunks: shared.trunks,
        trace: shared.trace,
        log: shell.log,
        progress: shared.progress,
        casualties: shared.casualties,
        orders,
        workers: Some(workers),
        stop,
        tasks,
        runtime: Some(runtime),
    })
}

fn poll() -> Result<Poll, StartError> {
    Poll::new().map_err(StartError::resource("a poll"))
}

fn runtime() -> Result<Runtime, StartError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(RUNTIME_THREADS)
        .thread_name("cb-runtime")
        .enable_all()
        .build()
        .map_err(StartError::resource("the threads of the runtime"))
}

fn view(
    shell: &Shell,
    shared: &Shared,
    bells: &Bells,
    producers: &Producers,
    consumers: &Consumers,
) -> Arc<View> {
    Arc::new(View {
        clock: shared.clock,
        phase: Arc::clone(&shared.phase),
        links: vec![Arc::clone(&bells.engine), Arc::clone(&bells.distributor), Arc::clone(&bells.media)],
        lost: Arc::clone(&shared.lost),
        published: Arc::clone(&shared.published),
        names: Arc::clone(&shared.names),
        trace: Arc::clone(&shared.trace),
        log: Arc::clone(&shell.log),
        token: shell.config.http.token.clone(),
        api: Api {
            engine: producers.engine_asks.clone(),
            asks: producers.asks.clone(),
            remembered: Arc::clone(&shared.remembered),
            trunks: Arc::clone(&shared.trunks),
        },
        api_series: ApiSeries::new(&shared.exposition),
        exposition: shared.exposition.clone(),
        process: ProcessSeries::new(&shared.exposition, crate::process::since_1970()),
        rings: consumers.series(&shared.exposition),
        connections_max: shell.config.http.connections_max as usize,
        files: shell.files,
    })
}

/// What every start needs.
struct Starts<'a> {
    shell: &'a Shell,
    plan: &'a Plan,
    shared: &'a Shared,
    bells: &'a Bells,
    producers: &'a Producers,
}

impl Starts<'_> {
    fn engine(
        &self,
        ends: EngineEnds,
        poll: Poll,
        udp: Vec<(UdpSocket, SocketAddr)>,
        guest: Option<Guest>,
    ) -> Result<Worker, StartError> {
        let Starts { shared, plan, producers, .. } = self;
        let sockets = udp.into_iter().map(|(socket, _)| socket).collect();
        let sockets = engine_thread::Sockets::new(poll, sockets).map_err(StartError::resource("a poll"))?;
        let mut engine = Engine::new(plan.engine_settings(), seed()?);
        for (account, password) in &plan.accounts {
            engine.set_account(account, sip::digest::Secret::Password(password.reveal().into()));
        }
        engine.reload(shared.clock.now(), plan.directory.clone(), plan::from_nothing(plan));
        let backlog = plan.engine_backlog();
        let thread = EngineThread {
            clock: shared.clock,
            engine,
            guest,
            sockets,
            orders: ends.orders,
            asks: ends.asks,
            asking: BTreeMap::new(),
            events: ends.events,
            media_events: ends.media_events,
            replies: ends.replies,
            inward: ends.inward,
            commands: shared.outbox(producers.commands.clone(), backlog),
            media_commands: shared.outbox(producers.media_commands.clone(), backlog),
            outward: shared.outbox(producers.outward.clone(), backlog),
            notices: producers.notices.clone(),
            remembered: Arc::clone(&shared.remembered),
            progress: Arc::clone(&shared.progress),
            trace: Arc::clone(&shared.trace),
            reporter: CallReporter::new(&shared.exposition, &plan.names),
            socket_series: SocketSeries::new(&shared.exposition, "sip"),
            traffic: TrafficCounts::default(),
        };
        self.spawn(&self.bells.engine, move |link| thread.run(link))
    }

    fn distribution(&self, ends: DistributorEnds) -> Distribution {
        let Starts { shell, shared, plan, producers, .. } = self;
        let now = shared.clock.now();
        let settings = report::Settings::default();
        Distribution {
            clock: shared.clock,
            wall: shell.wall.clone(),
            distributor: Distributor::new(plan.shared.clone()),
            doors: Doors::new(plan.hours.clone()),
            orders: ends.orders,
            asks: ends.asks,
            commands: ends.commands,
            events: shared.outbox(producers.events.clone(), plan.distributor_backlog()),
            published: Arc::clone(&shared.published),
            reporter: Reporter::new(&shared.exposition, settings, &plan.names, now),
            rhythm: Rhythm::new(now),
        }
    }

    fn media(
        &self,
        ends: MediaEnds,
        poll: Poll,
        (addresses, may_rest): (Vec<IpAddr>, bool),
        music: Vec<(MusicId, Arc<Music>)>,
    ) -> Result<Worker, StartError> {
        let Starts { shared, plan, producers, .. } = self;
        let mut relay = Relay::new(plan.relay, seed()?);
        for (id, piece) in music {
            relay.set_music(id, piece);
        }
        let backlog = plan.media_backlog();
        let thread = MediaThread {
            clock: shared.clock,
            poll,
            relay,
            packet_bytes: plan.relay.packet_bytes,
            may_rest,
            addresses,
            music: ends.music,
            commands: ends.commands,
            events: shared.outbox(producers.media_events.clone(), backlog),
            relay_series: MediaSeries::new(&shared.exposition),
            socket_series: SocketSeries::new(&shared.exposition, "rtp"),
            traffic: TrafficCounts::default(),
        };
        self.spawn(&self.bells.media, move |link| thread.run(link))
    }

    fn spawn(
        &self,
        link: &Arc<Link>,
        body: impl FnOnce(&Link) + Send + 'static,
    ) -> Result<Worker, StartError> {
        Worker::spawn(Arc::clone(link), Arc::clone(&self.shared.casualties), body)
            .map_err(StartError::resource("a thread"))
    }

    /// A task without which the product is not whole.
    fn task(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        tokio::spawn(Arc::clone(&self.shared.casualties).watch(task))
    }

    /// Listeners, and the task that keeps the streams.
    fn streams(
        &self,
        listeners: Vec<(TcpListener, SocketAddr)>,
        outward: Consumer<Outward>,
        stopped: &watch::Receiver<bool>,
    ) -> Result<Vec<JoinHandle<()>>, StartError> {
        let Starts { shared, producers, bells, .. } = self;
        let limits = &self.shell.config.sip.limits;
        let settings = tcp::Settings {
            idle: limits.tcp_idle_timeout,
            ..tcp::Settings::around(limits.tcp_connections_max as usize)
        };
        let (arrivals, arrived) = mpsc::channel(tcp::ARRIVALS);
        let mut tasks = Vec::new();
        for (listener, address) in listeners {
            let listener = tokio::net::TcpListener::from_std(listener)
                .map_err(StartError::resource("a TCP listener in the runtime"))?;
            tasks.push(self.task(tcp::listen(
                listener,
                address,
                self.shell.files,
                arrivals.clone(),
                stopped.clone(),
            )));
        }
        let streams = Streams::new(
            settings,
            shared.clock,
            producers.inward.clone(),
            producers.replies.clone(),
            arrivals,
        );
        let dns = Dns::new(&self.shell.config.sip.dns, producers.replies.clone());
        let doorbell = Arc::clone(&bells.outward);
        tasks.push(self.task(outward::serve(outward, doorbell, streams, arrived, dns, stopped.clone())));
        Ok(tasks)
    }

    fn http(
        &self,
        listener: TcpListener,
        view: Arc<View>,
        stopped: &watch::Receiver<bool>,
    ) -> Result<JoinHandle<()>, StartError> {
        let listener = tokio::net::TcpListener::from_std(listener)
            .map_err(StartError::resource("an HTTP listener in the runtime"))?;
        Ok(self.task(http::serve(listener, view, stopped.clone())))
    }

    /// The way of calls to a collector, and the task that sends them, where one is configured.
    fn traces(&self, stopped: &watch::Receiver<bool>) -> (Option<Traces>, Option<JoinHandle<()>>) {
        let otlp = &self.shell.config.otlp;
        let Some(endpoint) = otlp.endpoint.clone() else { return (None, None) };
        let series = TraceSeries::new(&self.shared.exposition);
        let (traces, export) = Traces::towards(otlp, endpoint, series);
        (Some(traces), Some(self.task(export.run(stopped.clone()))))
    }

    fn call_log(
        &self,
        notices: Consumer<Notice>,
        traces: Option<Traces>,
        stopped: &watch::Receiver<bool>,
    ) -> JoinHandle<()> {
        let log = CallLog {
            traces,
            clock: self.shared.clock,
            names: Arc::clone(&self.shared.names),
            trunks: Arc::clone(&self.shared.trunks),
            remembered: Arc::clone(&self.shared.remembered),
            mask_numbers: self.shell.config.log.mask_numbers,
        };
        self.task(log.write(notices, Arc::clone(&self.bells.notices), stopped.clone()))
    }
}

/// The distributor's settings with lots that are other ones after every start. The seed is part of the recorded state, and
/// in the log, so that the same history can be played again.
fn with_lots(shared: &acd::Settings, chance: [u8; 32]) -> acd::Settings {
    let seed = u64::from_le_bytes(chance[..8].try_into().expect("eight of the octets"));
    info!(seed, "lots are drawn from this seed");
    acd::Settings { seed, ..shared.clone() }
}

/// Chance that nobody can guess: tags, nonces and SSRCs are made of it.
fn seed() -> Result<[u8; 32], StartError> {
    let mut seed = [0; 32];
    let mut filled = 0;
    while filled < seed.len() {
        filled += getrandom(&mut seed[filled..], GetRandomFlags::empty())
            .map_err(|error| StartError::Resource { what: "randomness", error: error.into() })?;
    }
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_agents_leave_the_distributor_on_the_engine_s_thread_unless_the_file_says_otherwise() {
        use DistributorThread::{Auto, Own, Shared};
        let few = AGENTS_BESIDE_THE_ENGINE;
        let placed = |setting, agents| Placement::of(setting, agents);
        assert_eq!([placed(Auto, few), placed(Shared, few + 1)], [Placement::WithTheEngine; 2]);
        assert_eq!([placed(Auto, few + 1), placed(Own, 0)], [Placement::OnItsOwn; 2]);
    }

    #[test]
    fn each_start_draws_its_own_lots_by_otherwise_the_same_settings() {
        let shared = acd::Settings { misses_max: 7, ..acd::Settings::default() };
        let starts =
            [with_lots(&shared, seed().expect("chance")), with_lots(&shared, seed().expect("chance"))];
        assert_ne!(starts[0].seed, starts[1].seed);
        assert!(starts.iter().all(|start| acd::Settings { seed: 0, ..start.clone() } == shared));
        let draw = |settings: &acd::Settings| acd::Lots::new(settings.seed).draw(100);
        assert_ne!(draw(&starts[0]), draw(&starts[1]), "a lot of each");
        let state = Distributor::new(starts[0].clone()).state();
        assert_eq!(state.settings.seed, starts[0].seed, "what is written down repeats it");
    }
}
