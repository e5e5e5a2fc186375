//! How many events a second one core plays of a simulated day.
//!
//! `cargo bench -p cordboard-benches --bench whatif`: about half a minute. An event is an arrival, an end of patience, of
//! a conversation or of after-call work, a change of staff, or a deadline of the distributor; with each come the
//! commands to the distributor, its decisions, and the books. The time is the thread's own (user and system), so
//! a neighbour on the machine makes it slower but does not count itself.

use std::time::Duration;

use acd::{AgentSettings, QueueId, Requirement, SkillId};
use benches::table;
use rustix::time::{ClockId, clock_gettime};
use whatif::{AgentGroup, Arrivals, CustomerType, Distribution, Ending, Handling, Law, Model, Queue, Watch};

/// Each world is played for at least so many seconds.
const SECONDS: f64 = 4.0;
/// Agents and queues. With several queues every agent serves two, and every queue is served by its share.
const WORLDS: [(u32, u32); 5] = [(14, 1), (100, 1), (1_000, 1), (100, 10), (1_000, 50)];

/// The goal, in events a second, and where it stands: the slowest world counts.
const GOAL: f64 = 1e6;

fn main() {
    let mut slowest = f64::INFINITY;
    println!("<!-- block: simulator -->");
    println!(
        "| agents | queues | customers a second | events a second | commands a second |\n|---|---|---|---|---|"
    );
    for (agents, queues) in WORLDS {
        let model = world(agents, queues);
        let start = thread_seconds();
        let (mut events, mut commands, mut customers) = (0, 0, 0);
        let mut seconds = 0.0;
        let mut replication = 0;
        while seconds < SECONDS {
            let day = whatif::run(&model, 1, replication, Watch::End).expect("the model is sound");
            events += day.events;
            commands += day.commands;
            customers += day.queues.iter().map(|queue| queue.all().offered).sum::<u64>();
            replication += 1;
            seconds = thread_seconds() - start;
        }
        let rate = |count: u64| format!("{:.0} k", count as f64 / seconds / 1e3);
        println!("| {agents} | {queues} | {} | {} | {} |", rate(customers), rate(events), rate(commands));
        slowest = slowest.min(events as f64 / seconds);
    }
    println!(
        "<!-- block: goals -->\n| the simulator, events played on one core: the slowest of five worlds | at least {:.2} M/s \
         | {:.2} M/s | {} | – |",
        GOAL / 1e6,
        slowest / 1e6,
        table::verdict(slowest >= GOAL),
    );
}

/// Eight hours at 95 % load: three minutes of conversation, five of patience.
fn world(agents: u32, queues: u32) -> Model {
    let mut model = Model::new(Duration::from_secs(8 * 3_600));
    model.ending = Ending::Stop;
    let hourly = f64::from(agents) * 0.95 * 20.0 / f64::from(queues);
    for id in 1..=queues {
        let mut queue = Queue::new(id, format!("queue {id}"));
        if queues > 1 {
            queue.settings.requirement = Requirement::at_least(SkillId(id), 1);
        }
        model.queues.push(queue);
        let handling = Handling::same(Distribution::exponential(Duration::from_secs(180)));
        model.customers.push(CustomerType {
            patience: Some(Law::same(Distribution::exponential(Duration::from_secs(300)))),
            ..CustomerType::new(format!("type {id}"), QueueId(id), Arrivals::poisson(hourly), handling)
        });
    }
    let groups = if queues > 1 { queues } else { 1 };
    for group in 1..=groups {
        let next = group % groups + 1;
        let skills = [(SkillId(group), 1), (SkillId(next), 1)].into();
        let settings = AgentSettings { skills, ..AgentSettings::default() };
        model.groups.push(AgentGroup::alike(format!("group {group}"), settings, agents / groups));
    }
    model
}

fn thread_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
