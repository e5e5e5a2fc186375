//! Several types of customers and servers with different skills: the first in line is taken by the longest idle.

use std::collections::BTreeMap;

use acd::{AgentSettings, QueueId, Requirement, SkillId};
use whatif::{
    AgentGroup, Arrivals, CustomerType, Distribution, Handling, Law, Measure, Queue, Scope, estimate,
};

use crate::case::{Case, Column};
use crate::row::{Check, Effort, Played};
use crate::steady::{mean, occupancy, scaled, steady_model};

/// The unit is a minute, whatever the case calls it.
const UNIT: f64 = 60.0;
const REPLICATIONS: u32 = 40;

fn skill(letter: char) -> SkillId {
    SkillId(u32::from(letter))
}

/// SBR.
pub(crate) fn play(case: &Case, effort: Effort) -> Played {
    let letters: Vec<char> =
        case.text(Column::Lambda).split('/').map(|part| part.chars().next().expect("a letter")).collect();
    let rates = case.numbers(Column::Lambda);
    let services = case.numbers(Column::Mu);
    let servers: Vec<&str> =
        case.text(Column::Other).trim_start_matches("servers:").split_whitespace().collect();
    assert_eq!(services.len(), servers.len(), "one rate of service for each server");

    let arrivals: f64 = rates.iter().map(|rate| rate.value).sum();
    let count = u32::try_from(servers.len()).expect("a few servers");
    let mut model = steady_model(arrivals / UNIT, mean(1.0, UNIT), count);
    // Each server is a group, so that each has figures of its own and may have a rate of its own.
    let law = |rate: f64| Law::same(Distribution::exponential(mean(rate, UNIT)));
    let by_group: BTreeMap<usize, Law> = services.iter().map(|rate| law(rate.value)).enumerate().collect();
    for ((letter, rate), id) in letters.iter().zip(&rates).zip(1..) {
        let mut queue = Queue::new(id, letter.to_string());
        queue.settings.requirement = Requirement::at_least(skill(*letter), 1);
        model.queues.push(queue);
        let handling = Handling { law: law(1.0), by_group: by_group.clone() };
        let arrivals = Arrivals::poisson(rate.value / UNIT * 3_600.0);
        model.customers.push(CustomerType::new(letter.to_string(), QueueId(id), arrivals, handling));
    }
    for (server, index) in servers.iter().zip(1..) {
        let skills = server.chars().map(|letter| (skill(letter), 1)).collect();
        let settings = AgentSettings { skills, ..AgentSettings::default() };
        model.groups.push(AgentGroup::alike(format!("{server} {index}"), settings, 1));
    }
    let days = effort.play(&model, REPLICATIONS);

    let mut played = Played::default();
    let delayed = case.numbers(Column::DelayProbability);
    let waits = case.numbers(Column::Wait);
    for (index, letter) in letters.iter().enumerate() {
        let of = |measure| estimate(&days, Scope::Queue(index), measure);
        let check =
            |what, expected, figure| Check::exact(format!("{what} of type {letter}"), expected, figure);
        played.checks.push(check("P(wait > 0)", delayed[index], of(Measure::DelayProbability)));
        let wait = of(Measure::AverageSpeedOfAnswer).map(|wait| scaled(wait, 1.0 / UNIT));
        played.checks.push(check("mean wait", waits[index], wait));
    }
    for ((index, server), expected) in servers.iter().enumerate().zip(case.numbers(Column::Occupancy)) {
        let name = format!("occupancy of server {} ({server})", index + 1);
        played.checks.push(Check::exact(name, expected, occupancy(&days, index)));
    }
    played
}
