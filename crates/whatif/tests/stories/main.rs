//! The simulator's own behaviour, told as stories.

mod customers;
mod figures;
mod hours;
mod returning;
mod several;
mod staff;

use std::time::Duration;

use acd::{AgentSettings, QueueId};
use whatif::{AgentGroup, Arrivals, CustomerType, Day, Distribution, Handling, Law, Model, Queue, Watch};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn exponential(mean: Duration) -> Law {
    Law::same(Distribution::exponential(mean))
}

/// One queue, a hundred customers an hour for four hours, who talk three minutes and wait two, and six agents.
fn small() -> Model {
    let mut model = Model::new(4 * HOUR);
    model.queues.push(Queue::new(1, "billing"));
    model.customers.push(CustomerType {
        patience: Some(exponential(2 * MINUTE)),
        ..CustomerType::new(
            "billing",
            QueueId(1),
            Arrivals::poisson(100.0),
            Handling::same(Distribution::exponential(3 * MINUTE)),
        )
    });
    model.groups.push(AgentGroup::alike("all", AgentSettings::default(), 6));
    model
}

/// Customers at these times, in seconds, who all talk for so long.
fn at(times: &[u64], handling: Duration) -> CustomerType {
    let times = times.iter().copied().map(seconds).collect();
    let handling = Handling::same(Distribution::constant(handling));
    CustomerType::new("listed", QueueId(1), Arrivals::Times(times), handling)
}

/// One queue and one agent all day, with these customers.
fn one_agent(customers: CustomerType) -> Model {
    let mut model = Model::new(HOUR);
    model.queues.push(Queue::new(1, "queue"));
    model.customers.push(customers);
    model.groups.push(AgentGroup::alike("all", AgentSettings::default(), 1));
    model
}

fn play(model: &Model) -> Day {
    whatif::run(model, 1, 0, Watch::EveryEvent).expect("the model is sound")
}
