//! A contact centre of a distributor and a reporter under virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use acd::{
    AgentId, AgentSettings, Command, Distributor, Event, InteractionId, QueueId, QueueSettings, Request,
    ReservationId, Settings,
};
use report::{AgentName, Exposition, Names, QueueName, Reporter};
use timing::Instant;

pub(crate) const BILLING: QueueId = QueueId(1);
pub(crate) const TECHNICAL: QueueId = QueueId(2);
pub(crate) const KIM: AgentId = AgentId(7);

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Names of two queues, with thresholds of 20 and 25 s, and of one agent.
pub(crate) fn names() -> Names {
    let queue =
        |name: &str, threshold| QueueName { name: name.to_owned(), threshold: secs(threshold), target: 0.8 };
    let kim = AgentName { id: "kim".to_owned(), name: "Kim Minji".to_owned() };
    Names {
        queues: BTreeMap::from([(BILLING, queue("billing", 20)), (TECHNICAL, queue("technical", 25))]),
        agents: BTreeMap::from([(KIM, kim)]),
        ..Names::default()
    }
}

pub(crate) struct Centre {
    pub(crate) now: Instant,
    pub(crate) distributor: Distributor,
    pub(crate) reporter: Reporter,
    pub(crate) exposition: Exposition,
    pub(crate) reservations: BTreeMap<InteractionId, ReservationId>,
}

impl Centre {
    /// Both queues defined so, and nobody there.
    pub(crate) fn new(queue: &QueueSettings) -> Centre {
        let mut centre = Centre::with(Settings::default(), &names());
        for id in [BILLING, TECHNICAL] {
            centre.apply(Command::DefineQueue { queue: id, settings: Box::new(queue.clone()) });
        }
        centre
    }

    /// No queues and nobody there.
    pub(crate) fn with(settings: Settings, names: &Names) -> Centre {
        let now = Instant::from_secs(1_000);
        let exposition = Exposition::new("0.1.0");
        let reporter = Reporter::new(&exposition, report::Settings::default(), names, now);
        let distributor = Distributor::new(settings);
        Centre { now, distributor, reporter, exposition, reservations: BTreeMap::new() }
    }

    pub(crate) fn apply(&mut self, command: Command) {
        self.distributor.apply(self.now, command);
        self.drain();
    }

    /// Time goes on, deadline by deadline.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.distributor.poll_timeout().filter(|&deadline| deadline <= end) {
            self.now = self.now.max(deadline);
            self.distributor.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    /// Feeds the reporter, as the distributor's thread does.
    fn drain(&mut self) {
        while let Some(event) = self.distributor.poll_event() {
            self.reporter.handle_event(self.now, &event);
            if let Event::Reserved { reservation, interaction, .. } = event {
                self.reservations.insert(interaction, reservation);
            }
            super::conservation::holds(&self.scrape());
        }
        self.reporter.flush(self.now);
    }

    pub(crate) fn enqueue(&mut self, interaction: u64, queue: QueueId) {
        let interaction = InteractionId(interaction);
        self.apply(Command::Enqueue { interaction, request: Request::new(queue) });
    }

    pub(crate) fn cancel(&mut self, interaction: u64) {
        self.apply(Command::Cancel { interaction: InteractionId(interaction) });
    }

    pub(crate) fn accept(&mut self, interaction: u64) {
        let reservation = self.reservations[&InteractionId(interaction)];
        self.apply(Command::Accept { reservation });
    }

    pub(crate) fn finish(&mut self, interaction: u64) {
        self.apply(Command::Finish { interaction: InteractionId(interaction) });
    }

    pub(crate) fn log_in(&mut self, agent: AgentId) {
        self.apply(Command::DefineAgent { agent, settings: Box::new(AgentSettings::default()) });
        self.apply(Command::LogIn { agent, not_ready: None });
    }

    pub(crate) fn snapshot(&mut self) -> acd::Snapshot {
        let snapshot = self.distributor.snapshot(self.now);
        self.reporter.handle_snapshot(&snapshot);
        snapshot
    }

    pub(crate) fn scrape(&self) -> Scrape {
        Scrape::of(&self.exposition.render(self.now))
    }
}

type Labels = BTreeMap<String, String>;

/// An exposition as Prometheus understands it.
#[derive(Debug, PartialEq)]
pub(crate) struct Scrape {
    pub(crate) samples: BTreeMap<(String, Labels), f64>,
}

impl Scrape {
    /// Reads the text format 0.0.4; panics where it is not.
    pub(crate) fn of(text: &str) -> Scrape {
        let mut samples = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let (name, labels) = match series.split_once('{') {
                Some((name, labels)) => (name, labels.strip_suffix('}').expect("a brace")),
                None => (series, ""),
            };
            let pairs = labels.split(',').filter(|pair| !pair.is_empty()).map(|pair| {
                let (label, value) = pair.split_once('=').expect("a label");
                (label.to_owned(), value.trim_matches('"').to_owned())
            });
            let before = samples.insert((name.to_owned(), pairs.collect()), value.parse().expect("a number"));
            assert_eq!(before, None, "{series} is there twice");
        }
        Scrape { samples }
    }

    /// The value of a series; `None` where it is not there.
    pub(crate) fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|&(label, value)| (label.to_owned(), value.to_owned())).collect();
        self.samples.get(&(name.to_owned(), labels)).copied()
    }

    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.find(name, labels).unwrap_or_else(|| panic!("no {name}{labels:?}"))
    }

    /// Interactions of a queue by outcome.
    pub(crate) fn outcome(&self, queue: &str, outcome: &str) -> f64 {
        let labels = [("channel", "voice"), ("outcome", outcome), ("queue", queue)];
        self.value("cordboard_interactions_total", &labels)
    }

    pub(crate) fn reservations(&self, queue: &str, outcome: &str) -> f64 {
        self.value("cordboard_reservations_total", &[("outcome", outcome), ("queue", queue)])
    }

    pub(crate) fn offered(&self, queue: &str) -> f64 {
        self.value("cordboard_interactions_offered_total", &[("channel", "voice"), ("queue", queue)])
    }

    /// A metric whose only label is the queue.
    pub(crate) fn of_queue(&self, name: &str, queue: &str) -> f64 {
        self.value(name, &[("queue", queue)])
    }

    /// The cumulative count of waits.
    pub(crate) fn waits(&self, queue: &str, outcome: &str, edge: &str) -> Option<f64> {
        let labels = [("le", edge), ("outcome", outcome), ("queue", queue)];
        self.find("cordboard_wait_seconds_bucket", &labels)
    }

    /// The values of the label `queue`.
    pub(crate) fn queues(&self) -> Vec<&str> {
        let mut queues: Vec<&str> =
            self.samples.keys().filter_map(|(_, labels)| labels.get("queue").map(String::as_str)).collect();
        queues.sort_unstable();
        queues.dedup();
        queues
    }
}
