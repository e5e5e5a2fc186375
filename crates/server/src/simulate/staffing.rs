//! The fewest agents: for every interval the simulator plays that interval for long, with more and fewer agents,
//! until it knows the smallest number that meets the targets.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use whatif::{
    Arrivals, CustomerType, Distribution, Ending, Estimate, HeadCount, Law, Measure, Members, Model, Opening,
    Rate, RunError, Scope,
};

use super::erlang::Pool;
use super::figures::{self, Column, Outcome, Part};
use super::model::{self, Built};
use super::play::Players;
use super::scenario::{Case, Group, Misfit, Pattern, Scenario, Staffing, Where};
use crate::results::figure::{Figure, Unit};

/// How long one interval is played, after a warm-up: long enough that its beginning does not matter.
const MEASURED: Duration = Duration::from_secs(4 * 3_600);
/// The warm-up is at least this, and so many conversations long.
const WARM_UP: Duration = Duration::from_secs(3_600);
const WARM_UP_CONVERSATIONS: f64 = 10.0;

/// What the search found.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Whose number was sought.
    pub(crate) group: String,
    /// The most that were tried.
    pub(crate) agents_max: u32,
    /// The queues that the group serves and anybody calls.
    pub(crate) served: Vec<String>,
    /// Whether the group has shifts or breaks of its own, which the search leaves out.
    pub(crate) ignores_hours: bool,
    /// By interval of the day.
    pub(crate) intervals: Vec<Need>,
    /// The whole day with these numbers.
    pub(crate) day: Outcome,
}

impl Plan {
    /// The most agents of other groups in an interval who serve these queues, too; the numbers of the formulas are what
    /// those leave.
    pub(crate) fn colleagues_max(&self) -> u32 {
        self.intervals.iter().map(|need| need.colleagues).max().unwrap_or_default()
    }

    /// What the numbers cost; an interval for which no number suffices counts with the most.
    pub(crate) fn agent_hours(&self, scenario: &Scenario) -> f64 {
        let heads: u32 = self.intervals.iter().map(|need| need.agents.unwrap_or(self.agents_max)).sum();
        f64::from(heads) * scenario.day.interval.as_secs_f64() / 3_600.0
    }

    /// The most that were tried, where they do not suffice in some interval.
    pub(crate) fn too_few(&self) -> Option<u32> {
        self.intervals.iter().any(|need| need.agents.is_none()).then_some(self.agents_max)
    }

    /// Whether a queue misses a target on the day with these numbers.
    pub(crate) fn misses(&self, scenario: &Scenario, part: &Part) -> bool {
        let aims = &scenario.staffing;
        let get = |column| part.day.get(column).map(|figure: Figure| figure.value);
        let target = aims.target.or(part.target.map(|(share, _)| share)).unwrap_or_default();
        let is_above = |measure, most: Option<f64>| {
            most.is_some_and(|most| get(Column::Callers(measure)).is_some_and(|value| value > most))
        };
        self.served.contains(&part.name)
            && (get(Column::level(scenario.runs.level)).is_none_or(|level| level < target)
                || is_above(Measure::AbandonmentRate, aims.abandonment)
                || is_above(
                    Measure::AverageSpeedOfAnswer,
                    aims.answer_delay.map(|delay| delay.as_secs_f64()),
                ))
    }
}

/// One interval.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    /// Callers an hour, of the queues that the group serves.
    pub(crate) per_hour: f64,
    /// Their load: callers times handling time.
    pub(crate) erlangs: f64,
    /// The fewest; `None`: not even the most suffice.
    pub(crate) agents: Option<u32>,
    /// What that number, or the most, gives: of the queue that is worst off.
    pub(crate) level: Option<Figure>,
    pub(crate) delay: Option<Figure>,
    pub(crate) abandonment: Option<Figure>,
    pub(crate) blocked: Option<Figure>,
    /// Which queue that is.
    pub(crate) queue: Option<String>,
    /// The service level with one agent fewer; `None`: there is nobody to leave out, or nobody was answered then.
    pub(crate) one_fewer: Option<Figure>,
    /// Agents of other groups who are there and serve these queues.
    pub(crate) colleagues: u32,
    /// What the formulas say of all agents as one pool, less the colleagues; `None`: the formula has no answer up to the
    /// most and the colleagues together.
    pub(crate) erlang_c: Option<u32>,
    /// With the callers' mean patience; `None` also where callers never give up.
    pub(crate) erlang_a: Option<u32>,
}

impl Need {
    /// Whether callers are turned away with that number.
    pub(crate) fn turns_away(&self) -> bool {
        self.blocked.is_some_and(|share| share.value > 0.0)
    }
}

/// Why there is no plan.
#[derive(Clone, Debug)]
pub(crate) enum Unplanned {
    /// The scenario does not allow the search.
    Scenario(Misfit),
    /// A day cannot be played.
    Run(RunError),
}

/// Whether a search could begin.
///
/// # Errors
///
/// What the scenario lacks for it.
pub(crate) fn check(
    scenario: &Scenario,
    case: &Case,
    built: &Built,
    group: Option<&str>,
) -> Result<(), Misfit> {
    Search::new(scenario, case, built, group).map(|_| ())
}

/// Searches the numbers for one group, the other groups as they work.
///
/// # Errors
///
/// See [`Unplanned`].
pub(crate) fn plan(
    scenario: &Scenario,
    case: &Case,
    built: &Built,
    group: Option<&str>,
    players: &Players<'_>,
) -> Result<Plan, Unplanned> {
    let search = Search::new(scenario, case, built, group).map_err(Unplanned::Scenario)?;
    let mut known: BTreeMap<String, Need> = BTreeMap::new();
    let mut intervals = Vec::new();
    for number in 0..scenario.day.intervals() {
        // Intervals with the same callers and the same colleagues need the same.
        let situation = search.situation(number);
        let key = situation.key();
        let need = match known.get(&key) {
            Some(need) => need.clone(),
            None => search.need(&situation, players).map_err(Unplanned::Run)?,
        };
        known.insert(key, need.clone());
        intervals.push(need);
    }
    let day = search.day(&intervals, players).map_err(Unplanned::Run)?;
    let group = &case.groups[search.group];
    let all_day = [(scenario.day.from, scenario.day.to)];
    Ok(Plan {
        group: group.name.clone(),
        agents_max: scenario.staffing.agents_max,
        served: search.queues.iter().map(|&queue| case.config.queues[queue].name.clone()).collect(),
        ignores_hours: group.shifts != all_day || !group.breaks.is_empty(),
        intervals,
        day,
    })
}

/// What does not change from interval to interval.
struct Search<'a> {
    scenario: &'a Scenario,
    case: &'a Case,
    built: &'a Built,
    /// Whose number is sought, by place.
    group: usize,
    /// What such an agent can do.
    settings: acd::AgentSettings,
    /// The queues, by place, that such an agent serves and somebody calls or comes to when another is closed.
    queues: Vec<usize>,
}

/// Who calls and who else works in one interval.
struct Situation {
    /// By kind of callers, an hour.
    per_hour: Vec<f64>,
    /// By group, who is there; the sought one's is not used.
    colleagues: Vec<u32>,
    /// By queue.
    open: Vec<bool>,
}

impl Situation {
    fn key(&self) -> String {
        format!("{:?} {:?} {:?}", self.per_hour, self.colleagues, self.open)
    }
}

impl<'a> Search<'a> {
    fn new(
        scenario: &'a Scenario,
        case: &'a Case,
        built: &'a Built,
        wanted: Option<&str>,
    ) -> Result<Search<'a>, Misfit> {
        let group = sought(scenario, case, wanted)?;
        let name = &case.groups[group].name;
        let misfit = |message: String| Misfit::new(Where::Group(name.clone()), message);
        let agents = match &built.model.groups[group].members {
            Members::Named(agents) => agents,
            Members::Alike { .. } => unreachable!("a group of a scenario is a list of agents"),
        };
        let first = agents.first().ok_or_else(|| {
            misfit(format!(
                "group \"{name}\" has nobody to be like; give it a `count` of at least 1 (how many is \
             searched)"
            ))
        })?;
        if agents.iter().any(|agent| agent.settings != first.settings) {
            return Err(misfit(format!(
                "the agents of group \"{name}\" differ in skills or order, so their number says nothing; \
                 search a group of equal agents"
            )));
        }
        let serves = |queue: &whatif::Queue| is_served(queue, &first.settings.skills);
        let called = called(&built.model);
        let wanted = |(_, queue): &(usize, &whatif::Queue)| serves(queue) && called.contains(&queue.id);
        let queues = built.model.queues.iter().enumerate().filter(wanted);
        let queues: Vec<usize> = queues.map(|(place, _)| place).collect();
        if queues.is_empty() {
            return Err(misfit(format!(
                "group \"{name}\" serves no queue that anybody calls; give it the skills, or search another \
                 group"
            )));
        }
        Ok(Search { scenario, case, built, group, settings: first.settings.clone(), queues })
    }

    fn situation(&self, interval: usize) -> Situation {
        let hours = self.scenario.day.interval.as_secs_f64() / 3_600.0;
        let per_hour = self.case.arrivals.iter().map(|arrivals| {
            let count = match &arrivals.pattern {
                Pattern::Poisson(counts) => counts[interval],
                Pattern::Counted(counts) => f64::from(counts[interval]),
                Pattern::Recorded(times) => times
                    .iter()
                    .filter(|time| self.scenario.day.interval_of(**time) == Some(interval))
                    .count() as f64,
            };
            count / hours
        });
        let (from, to) = self.scenario.day.interval(interval);
        let middle = from + (to - from) / 2;
        let at = self.built.model.warm_up + (middle - self.scenario.day.from);
        let is_open = |queue: &whatif::Queue| {
            queue.openings.iter().rev().find(|opening| opening.at <= at).is_none_or(|opening| opening.open)
        };
        Situation {
            per_hour: per_hour.collect(),
            colleagues: self.case.groups.iter().map(|group| heads(group, (from, to))).collect(),
            open: self.built.model.queues.iter().map(is_open).collect(),
        }
    }

    /// The fewest agents: doubling until it suffices, then halving the gap, then downwards as long as one fewer
    /// suffices too.
    fn need(&self, situation: &Situation, players: &Players<'_>) -> Result<Need, RunError> {
        let pool = self.pool(situation);
        let most = self.scenario.staffing.agents_max;
        let colleagues = self.colleagues(situation);
        let erlang = |patience| {
            let of_all = self.erlang(&pool, patience, most.saturating_add(colleagues))?;
            Some(of_all.saturating_sub(colleagues))
        };
        let mut need = Need {
            per_hour: pool.per_hour,
            erlangs: pool.erlangs(),
            agents: Some(0),
            level: None,
            delay: None,
            abandonment: None,
            blocked: None,
            queue: None,
            one_fewer: None,
            colleagues,
            erlang_c: erlang(None),
            erlang_a: pool.patience.and_then(|patience| erlang(Some(patience))),
        };
        if pool.per_hour <= 0.0 {
            return Ok(need);
        }
        let mut tried: BTreeMap<u32, Trial> = BTreeMap::new();
        let mut suffices = |agents: u32| -> Result<bool, RunError> {
            if let Some(trial) = tried.get(&agents) {
                return Ok(trial.suffices);
            }
            let trial = self.trial(situation, agents, players)?;
            let suffices = trial.suffices;
            tried.insert(agents, trial);
            Ok(suffices)
        };
        let agents = fewest(most, need.erlang_a.or(need.erlang_c), &mut suffices)?;
        let trial = &tried[&agents.unwrap_or(most)];
        (need.level, need.delay, need.abandonment) = (trial.level, trial.delay, trial.abandonment);
        need.blocked = trial.blocked;
        need.queue = trial.queue.map(|queue| self.case.config.queues[queue].name.clone());
        // The search ends with a look at one fewer.
        let fewer = agents.and_then(|agents| agents.checked_sub(1)).and_then(|fewer| tried.get(&fewer));
        need.one_fewer = fewer.and_then(|trial| trial.level);
        need.agents = agents;
        Ok(need)
    }

    /// Plays the interval with so many agents.
    fn trial(&self, situation: &Situation, agents: u32, players: &Players<'_>) -> Result<Trial, RunError> {
        let (runs, aims) = (&self.scenario.runs, &self.scenario.staffing);
        let model = self.standing(situation, agents);
        players.progress.expect(u64::from(runs.replications));
        let mut worst =
            Trial { suffices: true, queue: None, level: None, delay: None, abandonment: None, blocked: None };
        let days = match players.play(&model, runs.seed, runs.replications) {
            // So few that callers who never give up stand a million long.
            Err(RunError::TooManyCustomers) => return Ok(Trial { suffices: false, ..worst }),
            days => days?,
        };
        let mut least = f64::INFINITY;
        for &queue in self.queues.iter().filter(|&&queue| situation.open[queue]) {
            let figure = |measure| whatif::estimate(&days, Scope::Queue(queue), measure);
            let Some(level) = figure(Measure::ServiceLevel(runs.level)) else {
                // Callers of whom nobody was answered or gave up wait for ever.
                worst.suffices &= figure(Measure::Offered).is_none_or(|offered| offered.mean <= 0.0);
                continue;
            };
            let delay = figure(Measure::AverageSpeedOfAnswer);
            let abandonment = figure(Measure::AbandonmentRate);
            let target = aims.target.unwrap_or(self.case.config.queues[queue].service_level.target);
            worst.suffices &= level.mean >= target && meets(aims, delay, abandonment);
            if level.mean - target < least {
                least = level.mean - target;
                let shown = |estimate: Option<Estimate>, unit| {
                    estimate.map(|it| Figure::possible(it, unit, runs.confidence))
                };
                worst.queue = Some(queue);
                worst.level = shown(Some(level), Unit::Share);
                worst.delay = shown(delay, Unit::Seconds);
                worst.abandonment = shown(abandonment, Unit::Share);
                worst.blocked = shown(figure(Measure::BlockingRate), Unit::Share);
            }
        }
        Ok(worst)
    }

    /// The interval as if it lasted for ever.
    fn standing(&self, situation: &Situation, agents: u32) -> Model {
        let mut model = self.built.model.clone();
        let longest =
            self.case.arrivals.iter().map(|arrivals| arrivals.talk.mean()).max().unwrap_or_default();
        model.warm_up = WARM_UP.max(longest.mul_f64(WARM_UP_CONVERSATIONS));
        model.horizon = model.warm_up + MEASURED;
        model.interval = model.horizon;
        model.ending = Ending::Serve { at_most: Duration::from_secs(24 * 3_600) };
        for (callers, &per_hour) in model.customers.iter_mut().zip(&situation.per_hour) {
            callers.arrivals = Arrivals::Poisson(vec![Rate { from: Duration::ZERO, per_hour }]);
        }
        for (queue, &open) in model.queues.iter_mut().zip(&situation.open) {
            queue.openings = vec![Opening { at: Duration::ZERO, open }];
        }
        if let Some(within) = self.scenario.staffing.within {
            model.queues.iter_mut().for_each(|queue| queue.within = within + model::INCLUDED);
        }
        for (place, group) in model.groups.iter_mut().enumerate() {
            if place == self.group {
                let heads = vec![HeadCount { from: Duration::ZERO, agents }];
                group.members = Members::Alike { settings: self.settings.clone(), heads };
            } else if let Members::Named(named) = &mut group.members {
                let all_day = whatif::Shift { from: Duration::ZERO, to: Duration::MAX, breaks: Vec::new() };
                named.truncate(usize::try_from(situation.colleagues[place]).unwrap_or(usize::MAX));
                named.iter_mut().for_each(|agent| agent.shifts = vec![all_day.clone()]);
            }
        }
        model
    }

    /// All who call the group's queues, and all who serve them, as the formulas see them: one pool.
    fn pool(&self, situation: &Situation) -> Pool {
        let model = &self.built.model;
        let ours = |queue: acd::QueueId| self.queues.iter().any(|&place| model.queues[place].id == queue);
        let mut pool = Pool::default();
        for (callers, &per_hour) in model.customers.iter().zip(&situation.per_hour) {
            let entered = self.entered(callers, situation);
            let Some(queue) = entered.into_iter().find(|&queue| ours(queue)) else { continue };
            if per_hour <= 0.0 {
                continue;
            }
            let work = callers.after_call_work.as_ref().map_or_else(
                || {
                    let queue = model.queues.iter().find(|of| of.id == queue);
                    let of_queue = queue.map(|queue| queue.settings.after_call_work).unwrap_or_default();
                    self.settings.after_call_work.unwrap_or(of_queue)
                },
                mean,
            );
            let ring = Distribution::mean(&self.case.ringing.pick_up);
            let handled = mean(&callers.handling.law) + work + ring;
            pool.add(per_hour, handled, callers.patience.as_ref().map(mean));
        }
        pool
    }

    /// How many agents of other groups are there who serve one of the queues.
    fn colleagues(&self, situation: &Situation) -> u32 {
        let queues: Vec<&whatif::Queue> =
            self.queues.iter().map(|&place| &self.built.model.queues[place]).collect();
        let serves =
            |agent: &&whatif::Agent| queues.iter().any(|queue| is_served(queue, &agent.settings.skills));
        let groups = self.built.model.groups.iter().enumerate().filter(|&(place, _)| place != self.group);
        let there = groups.map(|(place, group)| match &group.members {
            Members::Named(agents) => {
                let heads = usize::try_from(situation.colleagues[place]).unwrap_or(usize::MAX);
                agents.iter().take(heads).filter(serves).count()
            }
            Members::Alike { .. } => unreachable!("a group of a scenario is a list of agents"),
        });
        u32::try_from(there.sum::<usize>()).unwrap_or(u32::MAX)
    }

    /// The queues in which callers wait: closed ones are left out, unless all are.
    fn entered(&self, callers: &CustomerType, situation: &Situation) -> Vec<acd::QueueId> {
        let queues = &self.built.model.queues;
        let is_open = |id: &acd::QueueId| {
            queues.iter().zip(&situation.open).any(|(queue, &open)| open && queue.id == *id)
        };
        let named = std::iter::once(callers.queue).chain(callers.also.iter().copied());
        let open: Vec<acd::QueueId> = named.filter(is_open).collect();
        if open.is_empty() { self.enters(callers.queue, situation).into_iter().collect() } else { open }
    }

    /// Where callers of a queue come to be while some are closed; nowhere, where that leads out.
    fn enters(&self, called: acd::QueueId, situation: &Situation) -> Option<acd::QueueId> {
        let queues = &self.built.model.queues;
        let mut here = called;
        // Closed queues that lead in a circle keep the caller in the end.
        for _ in queues {
            let place = queues.iter().position(|queue| queue.id == here)?;
            let Some(rule) = queues[place].settings.closed.filter(|_| !situation.open[place]) else { break };
            match rule.exit {
                acd::Exit::Leave(_) => return None,
                acd::Exit::Queue(next) => here = next,
            }
        }
        Some(here)
    }

    fn erlang(&self, pool: &Pool, patience: Option<Duration>, most: u32) -> Option<u32> {
        let (aims, level) = (&self.scenario.staffing, self.scenario.runs.level);
        let promise = &self.case.config.queues[self.queues[0]].service_level;
        let (target, within) = (aims.target.unwrap_or(promise.target), aims.within.unwrap_or(promise.within));
        pool.fewest(patience, most, |said| {
            said.service_level(level, within) >= target
                && aims.answer_delay.is_none_or(|longest| said.answer_delay() <= longest.as_secs_f64())
                && aims.abandonment.is_none_or(|share| said.abandonment() <= share)
        })
    }

    /// The whole day with the numbers found.
    fn day(&self, needs: &[Need], players: &Players<'_>) -> Result<Outcome, RunError> {
        let mut built = self.built.clone();
        let heads = needs.iter().enumerate().map(|(number, need)| HeadCount {
            // The first number holds in the warm-up, too.
            from: if number == 0 {
                Duration::ZERO
            } else {
                built.model.warm_up + self.scenario.day.interval * u32::try_from(number).unwrap_or(u32::MAX)
            },
            agents: need.agents.unwrap_or(self.scenario.staffing.agents_max),
        });
        let heads = heads.collect();
        built.model.groups[self.group].members = Members::Alike { settings: self.settings.clone(), heads };
        let runs = &self.scenario.runs;
        players.progress.expect(u64::from(runs.replications));
        let days = players.play(&built.model, runs.seed, runs.replications)?;
        Ok(figures::outcome(self.case, &built, days, runs))
    }
}

/// Whether somebody with these skills serves a queue, in any of its steps.
fn is_served(queue: &whatif::Queue, skills: &acd::requirement::Skills) -> bool {
    let steps = queue.settings.steps.iter().map(|step| &step.requirement);
    steps.chain([&queue.settings.requirement]).any(|need| need.is_met_by(skills))
}

/// The queues that somebody calls, and those to which they lead while they are closed.
fn called(model: &Model) -> BTreeSet<acd::QueueId> {
    let named = |callers: &CustomerType| std::iter::once(callers.queue).chain(callers.also.clone());
    let mut called: BTreeSet<acd::QueueId> = model.customers.iter().flat_map(named).collect();
    loop {
        let before = called.len();
        for queue in model.queues.iter().filter(|queue| !queue.openings.is_empty()) {
            if let Some(acd::Exit::Queue(next)) = queue.settings.closed.map(|rule| rule.exit)
                && called.contains(&queue.id)
            {
                called.insert(next);
            }
        }
        if called.len() == before {
            return called;
        }
    }
}

/// What so many agents give.
struct Trial {
    suffices: bool,
    /// The queue that is worst off, whose figures these are.
    queue: Option<usize>,
    level: Option<Figure>,
    delay: Option<Figure>,
    abandonment: Option<Figure>,
    blocked: Option<Figure>,
}

/// How many of a group are there in an interval: the mean over its time, rounded down, so that the number sought is
/// rather too large than too small.
pub(crate) fn heads(group: &Group, (from, to): (Duration, Duration)) -> u32 {
    let common = |spans: &[(Duration, Duration)]| -> u128 {
        spans.iter().map(|(begin, end)| to.min(*end).saturating_sub(from.max(*begin)).as_micros()).sum()
    };
    // Breaks lie within the shifts, apart from each other.
    let there = common(&group.shifts).saturating_sub(common(&group.breaks));
    let heads = there * group.agents.len() as u128 / (to - from).as_micros().max(1);
    u32::try_from(heads).unwrap_or(u32::MAX)
}

fn meets(aims: &Staffing, delay: Option<Estimate>, abandonment: Option<Estimate>) -> bool {
    let at_most = |figure: Option<Estimate>, most: f64| figure.is_none_or(|figure| figure.mean <= most);
    aims.answer_delay.is_none_or(|longest| at_most(delay, longest.as_secs_f64()))
        && aims.abandonment.is_none_or(|share| at_most(abandonment, share))
}

fn mean(law: &Law) -> Duration {
    law.at(Duration::ZERO).mean()
}

/// Which group's number is sought.
fn sought(scenario: &Scenario, case: &Case, wanted: Option<&str>) -> Result<usize, Misfit> {
    let names = || case.groups.iter().map(|group| group.name.as_str());
    match (wanted.or(scenario.staffing.group.as_deref()), &case.groups[..]) {
        (Some(name), _) => names().position(|known| known == name).ok_or_else(|| {
            let hint = crate::config::spelling::hint(name, names());
            let all = listed(names());
            let message =
                format!("--staff: there is no group \"{name}\"{hint}; name one of those here: {all}");
            Misfit::new(Where::Groups, message)
        }),
        (None, [_]) => Ok(0),
        (None, _) => {
            let part = if scenario.wants_staffing { Where::Staffing } else { Where::Groups };
            let message = format!(
                "there are several groups; say whose number is sought, with --staff GROUP or `group` in \
                 [staffing]: one of {}",
                listed(names())
            );
            Err(Misfit::new(part, message))
        }
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("\"{name}\"")).collect::<Vec<String>>().join(", ")
}

/// The least number from 0 to `most` that suffices, beginning near `guess`. More agents are never worse, but for
/// chance; so at the end it goes down as long as one fewer suffices.
fn fewest<E>(
    most: u32,
    guess: Option<u32>,
    suffices: &mut impl FnMut(u32) -> Result<bool, E>,
) -> Result<Option<u32>, E> {
    let mut below = None;
    let mut above = guess.unwrap_or(1).clamp(1, most);
    let mut step = 1;
    while !suffices(above)? {
        if above == most {
            return Ok(None);
        }
        below = Some(above);
        above = above.saturating_add(step).min(most);
        step *= 2;
    }
    step = 1;
    while below.is_none() && above > 0 {
        let next = above.saturating_sub(step);
        if suffices(next)? {
            above = next;
        } else {
            below = Some(next);
        }
        step *= 2;
    }
    while let Some(least) = below.filter(|least| above - least > 1) {
        let middle = u32::midpoint(least, above);
        if suffices(middle)? {
            above = middle;
        } else {
            below = Some(middle);
        }
    }
    while above > 0 && suffices(above - 1)? {
        above -= 1;
    }
    Ok(Some(above))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewest_is_found_from_any_guess_and_its_absence_is_said() {
        for need in 0..40 {
            for guess in [None, Some(0), Some(1), Some(17), Some(39), Some(1_000)] {
                let mut asked = 0;
                let found = fewest(39, guess, &mut |agents| {
                    asked += 1;
                    Ok::<bool, ()>(agents >= need)
                });
                assert_eq!(found, Ok((need <= 39).then_some(need)), "{need} from {guess:?}");
                assert!(asked <= 20, "{asked} questions for {need} from {guess:?}");
            }
        }
        assert_eq!(fewest(39, None, &mut |_| Ok::<bool, ()>(false)), Ok(None));
        assert_eq!(fewest(39, None, &mut |_| Err("no")), Err("no"));
    }
}
