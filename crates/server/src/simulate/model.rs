//! A case in the simulator's words: the same distributor, set up by the same mapping as in the live server.

use std::collections::BTreeMap;
use std::time::Duration;

use acd::{AgentId, Request};
use hours::Utc;
use whatif::{
    Agent, AgentGroup, Break, Busyness, Count, CustomerType, Distribution, Ending, Handling, LastAgent, Law,
    Member, Members, Model, Opening, Queue, Rate, Retrial, Shift, Wish,
};

use super::scenario::{Arrivals, Case, Day, Group, Misfit, Pattern, Ringing, Runs, Target, Where};
use crate::config::{self, Config};
use crate::plan::{self, Numbering};

/// Who is still waiting when the doors close is served, for so long at most.
const OVERTIME_MAX: Duration = Duration::from_secs(24 * 3_600);
/// An agent who does not answer lets it ring until the queue's ring timeout ends it.
const NEVER_PICKED_UP: Duration = Duration::from_secs(86_400);
/// Abandons up to this wait, it included, are short: as in the live report.
pub(crate) const SHORT_ABANDON: Duration = Duration::from_secs(5);
/// Thresholds are included in the live report, and excluded in the simulator.
pub(crate) const INCLUDED: Duration = Duration::from_micros(1);

/// A model, and how its times lie to those of the day.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    /// What is played.
    pub(crate) model: Model,
    /// So many intervals are warm-up; the day's first is the next.
    pub(crate) skipped: usize,
}

/// Where the model's time begins.
#[derive(Clone, Copy)]
struct Clock {
    day: Day,
    /// The model's origin, in front of the day by the warm-up.
    warm_up: Duration,
}

impl Clock {
    /// A time of the day in the model. What begins with the day begins with the warm-up.
    fn begin(&self, time: Duration) -> Duration {
        if time <= self.day.from { Duration::ZERO } else { self.at(time) }
    }

    /// What ends with the day ends when the last caller is served.
    fn end(&self, time: Duration) -> Duration {
        if time >= self.day.to { self.at(self.day.to) + OVERTIME_MAX } else { self.at(time) }
    }

    fn at(&self, time: Duration) -> Duration {
        self.warm_up + time.saturating_sub(self.day.from)
    }
}

/// Builds the model of a case.
///
/// # Errors
///
/// What only shows when the parts stand side by side.
pub(crate) fn build(day: &Day, runs: &Runs, case: &Case) -> Result<Built, Misfit> {
    let intervals = runs.warm_up.as_micros().div_ceil(day.interval.as_micros());
    let skipped = u32::try_from(intervals).map_err(|_| {
        Misfit::new(
            Where::Runs,
            "`warm_up` has too many intervals; make it shorter, or the `interval` longer",
        )
    })?;
    let clock = Clock { day: *day, warm_up: day.interval * skipped };
    let mut numbering = Numbering::default();
    let mut plan = plan::Distribution::new(&case.config, &mut numbering);
    let mut model = Model::new(clock.at(day.to));
    model.distributor = plan.shared.clone();
    model.interval = day.interval;
    model.warm_up = clock.warm_up;
    model.trunks = day.lines;
    model.shuffled = day.shuffled;
    model.ending = Ending::Serve { at_most: OVERTIME_MAX };
    if day.spread > 0.0 {
        model.busyness = Busyness::Common { shape: 1.0 / (day.spread * day.spread) };
    }
    for queue in &case.config.queues {
        let id = numbering.queue(&queue.name);
        let settings = plan.queues.remove(&id).expect("a queue that is there twice was refused");
        model.queues.push(Queue {
            id,
            name: queue.name.clone(),
            settings,
            within: queue.service_level.within + INCLUDED,
            short_abandon: SHORT_ABANDON + INCLUDED,
            openings: openings(queue, &case.config, &clock)
                .map_err(|message| Misfit::new(Where::Day, format!("queue \"{}\": {message}", queue.name)))?,
            keep_place: queue.keep_place,
            last_agent: queue.last_agent.map(|rule| LastAgent { remember: rule.remember, wait: rule.wait }),
        });
    }
    let mut places = BTreeMap::new();
    for (number, group) in case.groups.iter().enumerate() {
        let agents = group.agents.iter().map(|id| numbering.agent(id)).zip(0..);
        places.extend(agents.map(|(agent, place)| (agent, Member { group: number, place })));
        model.groups.push(agents_of(group, case, &clock, &mut plan.agents, &mut numbering));
    }
    for arrivals in &case.arrivals {
        let customers = customers(arrivals, case, &clock, (&plan.entries, &places), &mut numbering)
            .map_err(|message| Misfit::new(Where::Arrivals(arrivals.name.clone()), message))?;
        model.customers.push(customers);
    }
    model.check().map_err(|fault| Misfit::new(Where::Day, fault.to_string()))?;
    let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
    Ok(Built { model, skipped })
}

/// When a queue opens and closes. In the warm-up it is as when the day begins, whose state that leads to.
fn openings(queue: &config::Queue, config: &Config, clock: &Clock) -> Result<Vec<Opening>, String> {
    let Some(name) = &queue.hours else { return Ok(Vec::new()) };
    let calendar = config.calendars.iter().find(|calendar| calendar.name == *name);
    let calendar = calendar.ok_or_else(|| format!("there is no calendar \"{name}\""))?;
    let begin = clock.day.begin.ok_or("the day has no `date`, and a queue keeps hours")?;
    let span = clock.day.to.saturating_sub(clock.day.from) + OVERTIME_MAX;
    let passed = |at: Utc| Duration::from_secs(u64::try_from(at.seconds() - begin.seconds()).unwrap_or(0));
    let first = Opening { at: Duration::ZERO, open: calendar.hours.is_open(begin) };
    let changes = calendar.hours.changes(begin).take_while(|change| passed(change.at) <= span);
    let later = changes.map(|change| Opening { at: clock.warm_up + passed(change.at), open: change.open });
    Ok(std::iter::once(first).chain(later).collect())
}

fn customers(
    arrivals: &Arrivals,
    case: &Case,
    clock: &Clock,
    (entries, places): (&[engine::Entry], &BTreeMap<AgentId, Member>),
    numbering: &mut Numbering,
) -> Result<CustomerType, String> {
    let request = match &arrivals.target {
        Target::Queue { name, also } => {
            one_channel(arrivals, name, also, &case.config)?;
            let points = case.config.queues.iter().find(|queue| queue.name == *name);
            let points = points.map_or(0, |queue| i32::try_from(queue.priority).unwrap_or(i32::MAX));
            Request {
                also: also.iter().map(|name| numbering.queue(name)).collect(),
                priority: points,
                ..Request::new(numbering.queue(name))
            }
        }
        Target::Number(number) => {
            let entry = entries.iter().find(|entry| entry.number.matches(number));
            let entry = entry.ok_or_else(|| format!("no entry takes the number {number}"))?;
            entry.request()
        }
    };
    let retrial = arrivals.retrials.as_ref().map_or_else(Retrial::default, |retrials| Retrial {
        after_abandonment: retrials.share,
        after_blocking: retrials.share_blocked,
        after_answer: retrials.share_answered,
        delay: Law::same(retrials.after.clone()),
    });
    Ok(CustomerType {
        name: arrivals.name.clone(),
        queue: request.queue,
        also: request.also,
        priority: request.priority,
        requirement: request.requirement,
        wanted: request.wanted.map(|wanted| wish(&wanted, places)),
        arrivals: pattern(&arrivals.pattern, clock),
        patience: arrivals.patience.clone().map(Law::same),
        handling: Handling::same(arrivals.talk.clone()),
        after_call_work: arrivals.after_call_work.clone().map(Law::same),
        retrial,
    })
}

/// Whom callers want by name, each by the place among those who work that day.
fn wish(wanted: &acd::Wanted, places: &BTreeMap<AgentId, Member>) -> Wish {
    Wish {
        agents: wanted.names().map(|agent| places.get(&agent).copied()).collect(),
        within: wanted.within,
        otherwise: wanted.otherwise,
        regardless_of_skills: wanted.regardless_of_skills,
    }
}

fn one_channel(arrivals: &Arrivals, first: &str, also: &[String], config: &Config) -> Result<(), String> {
    let channel_of = |name: &str| {
        config.queues.iter().find(|queue| queue.name == name).map(|queue| queue.channel.as_str())
    };
    match also.iter().find(|other| channel_of(other) != channel_of(first)) {
        Some(other) => Err(format!(
            "arrivals \"{}\": queue \"{other}\" is of another channel than \"{first}\"; name queues of one channel",
            arrivals.name
        )),
        None => Ok(()),
    }
}

fn pattern(pattern: &Pattern, clock: &Clock) -> whatif::Arrivals {
    let day = clock.day;
    let span = |number: usize| {
        let (from, to) = day.interval(number);
        (clock.at(from), clock.at(to))
    };
    match pattern {
        Pattern::Poisson(counts) => {
            let per_hour = |count: f64| count * 3_600.0 / day.interval.as_secs_f64();
            let rates = counts.iter().enumerate().map(|(number, &count)| Rate {
                // The first interval's callers come from the beginning of the warm-up on.
                from: if number == 0 { Duration::ZERO } else { span(number).0 },
                per_hour: per_hour(count),
            });
            whatif::Arrivals::Poisson(rates.collect())
        }
        Pattern::Counted(counts) => {
            let counts = counts.iter().enumerate().map(|(number, &customers)| {
                let (from, to) = span(number);
                Count { from, to, customers }
            });
            whatif::Arrivals::Counts(counts.collect())
        }
        Pattern::Recorded(times) => {
            whatif::Arrivals::Times(times.iter().map(|&time| clock.at(time)).collect())
        }
    }
}

fn agents_of(
    group: &Group,
    case: &Case,
    clock: &Clock,
    settings: &mut BTreeMap<AgentId, acd::AgentSettings>,
    numbering: &mut Numbering,
) -> AgentGroup {
    let shifts: Vec<Shift> =
        group.shifts.iter().map(|&shift| self::shift(shift, &group.breaks, clock)).collect();
    let agents = group.agents.iter().map(|id| {
        let settings = settings.remove(&numbering.agent(id)).expect("an agent is in one group");
        Agent { name: id.clone(), settings, shifts: shifts.clone() }
    });
    let pause = case.config.routing.missed_pause;
    AgentGroup {
        name: group.name.clone(),
        members: Members::Named(agents.collect()),
        pick_up: pick_up(&case.ringing),
        missed_pause: Some(pause).filter(|pause| !pause.is_zero()),
    }
}

fn shift((from, to): (Duration, Duration), breaks: &[(Duration, Duration)], clock: &Clock) -> Shift {
    let within = breaks.iter().filter(|(begin, end)| from <= *begin && *end <= to);
    let breaks = within.map(|&(begin, end)| Break { from: clock.at(begin), to: clock.at(end) });
    Shift { from: clock.begin(from), to: clock.end(to), breaks: breaks.collect() }
}

/// How long it rings: `None` where everybody picks up at once.
pub(crate) fn pick_up(ringing: &Ringing) -> Option<Law> {
    if ringing.no_answer > 0.0 {
        return Some(Law::same(Distribution::Either {
            share: ringing.no_answer,
            first: Box::new(Distribution::Constant(NEVER_PICKED_UP)),
            other: Box::new(ringing.pick_up.clone()),
        }));
    }
    match &ringing.pick_up {
        Distribution::Constant(time) if time.is_zero() => None,
        pick_up => Some(Law::same(pick_up.clone())),
    }
}
