//! Requirements that none of the configured agents could meet.

use std::collections::BTreeMap;

use acd::SkillId;
use acd::requirement::{LEVEL_MAX, Requirement, Skills, parse};

use super::report::{Kind, Report};
use super::{Agent, Config, Queue, channel::capacity_of};

/// Warns of every queue, and of every entry with its queue, whose callers nobody could be given.
pub(super) fn check(config: &Config, report: &Report<'_>) {
    // That there is no agent at all is said once, for the whole file.
    if config.agents.is_empty() {
        return;
    }
    let staff = Staff::of(config);
    wanted(config, &staff, report);
    let mut staffed: BTreeMap<&str, Vec<Requirement>> = BTreeMap::new();
    for queue in &config.queues {
        let Some(stages) = staff.stages(queue) else { continue };
        if !staff.somebody_meets(&stages, None) {
            let place = report.place_of(Kind::Queue, &queue.name);
            let what = if queue.steps.is_empty() {
                "no agent meets what it requires"
            } else {
                "no agent meets what it requires, nor any of its steps"
            };
            let remedy = "give an agent these skills, or relax `require`";
            report.warning(place, format!("queue \"{}\": {what}; {remedy}", queue.name));
        } else {
            staff.unmet_stages(queue, &stages, report);
            staffed.insert(&queue.name, stages);
        }
    }
    for entry in &config.entries {
        let Some(own) = entry.require.as_deref().and_then(|text| staff.read(text)) else { continue };
        let is_in_vain =
            |queue: &&str| staffed.get(queue).is_some_and(|stages| !staff.somebody_meets(stages, Some(&own)));
        for queue in entry.queues().filter(is_in_vain) {
            let number = entry.number.written();
            let place = report.place_of(Kind::Number, &number);
            let what = format!("no agent meets what it and its queue \"{queue}\" require together");
            let remedy = "give an agent these skills, or relax one of the two";
            report.warning(place, format!("entry \"{number}\": {what}; {remedy}"));
        }
    }
}

/// Warns of every agent who meets no requirement of any queue, and whom no number reaches either.
pub(super) fn check_agents(config: &Config, report: &Report<'_>) {
    let staff = Staff::of(config);
    let stages: Vec<_> =
        config.queues.iter().filter_map(|queue| Some((queue, staff.stages(queue)?))).collect();
    if stages.len() < config.queues.len() || stages.is_empty() {
        return;
    }
    let direct = config.entries.iter().filter_map(|entry| entry.wanted.as_ref());
    let direct: Vec<&String> =
        direct.filter(|wanted| wanted.is_direct).flat_map(|wanted| &wanted.agents).collect();
    for agent in config.agents.iter().filter(|agent| !direct.contains(&&agent.id)) {
        let capacity = capacity_of(&agent.capacity, &config.routing.capacity);
        let serves = |(queue, stages): &(&Queue, Vec<Requirement>)| {
            capacity.contains_key(&queue.channel) && staff.might_meet(agent, stages)
        };
        if !stages.iter().any(serves) {
            let place = report.place_of(Kind::Agent, &agent.id);
            let what = "serves no queue, because no `require` and no step is met";
            let remedy = "give the agent a skill that a queue asks for";
            report.warning(place, format!("agent \"{}\": {what}; {remedy}", agent.id));
        }
    }
}

/// Warns of every agent whom an entry prefers and its queue never accepts.
fn wanted(config: &Config, staff: &Staff, report: &Report<'_>) {
    let preferring = config.entries.iter().filter_map(|entry| Some((entry, entry.wanted.as_ref()?)));
    for (entry, wanted) in preferring.filter(|(_, wanted)| !wanted.is_direct) {
        let queue = config.queues.iter().find(|queue| queue.name == entry.queue);
        let Some(stages) = queue.and_then(|queue| staff.stages(queue)) else { continue };
        let own = entry.require.as_deref().and_then(|text| staff.read(text));
        for name in &wanted.agents {
            let Some(agent) = config.agents.iter().find(|agent| agent.id == *name) else { continue };
            if !staff.meets(agent, &stages, own.as_ref()) {
                let number = entry.number.written();
                let place = report.place_of(Kind::Number, &number);
                let what = format!(
                    "agent \"{name}\", whom it prefers, does not meet what queue \"{}\"",
                    entry.queue
                );
                let remedy = "give the agent these skills, or leave the name out";
                report.warning(place, format!("entry \"{number}\": {what} requires; {remedy}"));
            }
        }
    }
}

/// All agents by their skills.
struct Staff {
    /// A skill's number is its place in this order.
    names: Vec<String>,
    /// Of every agent, once as configured and once with all skills that nobody holds: those were warned
    /// about where they are named, and one mistake is told once.
    skills: Vec<Skills>,
    /// Those that nobody holds, at the highest level.
    unheld: Skills,
}

impl Staff {
    fn of(config: &Config) -> Staff {
        let names = config.skills();
        let number = |name: &str| names.binary_search_by(|known| known.as_str().cmp(name)).map(id);
        let mut unheld: Skills = (0..names.len()).map(|place| (id(place), LEVEL_MAX)).collect();
        let mut skills: Vec<Skills> = Vec::new();
        for agent in &config.agents {
            let held = agent.skills.iter().filter_map(|(name, &level)| Some((number(name).ok()?, level)));
            skills.push(held.collect());
        }
        for skill in skills.iter().flat_map(Skills::keys) {
            unheld.remove(skill);
        }
        if !unheld.is_empty() {
            let richer: Vec<Skills> =
                skills.iter().map(|own| own.clone().into_iter().chain(unheld.clone()).collect()).collect();
            skills.extend(richer);
        }
        Staff { names, skills, unheld }
    }

    /// The first requirement and those of the steps, one of which must be met: a step that adds to those
    /// before it asks for no more than they. `None` where one is wrong, which was reported as an error.
    fn stages(&self, queue: &Queue) -> Option<Vec<Requirement>> {
        let first = queue.require.as_deref().map_or(Some(Requirement::anyone()), |text| self.read(text));
        let steps = queue.steps.iter().map(|step| self.read(&step.require));
        std::iter::once(first).chain(steps).collect()
    }

    fn read(&self, text: &str) -> Option<Requirement> {
        let number = |name: &str| self.names.binary_search_by(|known| known.as_str().cmp(name)).ok().map(id);
        parse(text, number).ok()
    }

    /// Whether an agent meets one of these and, where it is given, `own` too.
    fn somebody_meets(&self, stages: &[Requirement], own: Option<&Requirement>) -> bool {
        let meets = |skills: &Skills| {
            own.is_none_or(|own| own.is_met_by(skills)) && stages.iter().any(|stage| stage.is_met_by(skills))
        };
        self.skills.iter().any(meets)
    }

    /// Warns of each requirement of a queue that nobody meets while another one lets somebody in.
    fn unmet_stages(&self, queue: &Queue, stages: &[Requirement], report: &Report<'_>) {
        for (number, stage) in stages.iter().enumerate() {
            if self.somebody_meets(std::slice::from_ref(stage), None) {
                continue;
            }
            let label = format!("queue \"{}\"", queue.name);
            let step = format!("{label} steps {number}");
            let (what, setting) = match number.checked_sub(1).map(|step| &queue.steps[step]) {
                None => ("`require`, so its callers wait for a step".to_owned(), (label.as_str(), "require")),
                Some(rule) => (format!("step {number}, \"{}\"", rule.require), (step.as_str(), "require")),
            };
            let place = report.place_of_setting(&[setting]);
            let place = place.unwrap_or_else(|| report.place_of(Kind::Queue, &queue.name));
            let remedy = "give an agent these skills, or relax it";
            report.warning(place, format!("{label}: no agent meets {what}; {remedy}"));
        }
    }

    /// Whether an agent meets one of these, or would with the skills that nobody holds.
    fn might_meet(&self, agent: &Agent, stages: &[Requirement]) -> bool {
        let held = self.skills_of(agent);
        let richer: Skills = self.unheld.iter().chain(&held).map(|(&skill, &level)| (skill, level)).collect();
        stages.iter().any(|stage| stage.is_met_by(&held) || stage.is_met_by(&richer))
    }

    fn skills_of(&self, agent: &Agent) -> Skills {
        let held = agent.skills.iter().filter_map(|(name, &level)| {
            let place = self.names.binary_search_by(|known| known.as_str().cmp(name)).ok()?;
            Some((id(place), level))
        });
        held.collect()
    }

    /// The same of one agent.
    fn meets(&self, agent: &Agent, stages: &[Requirement], own: Option<&Requirement>) -> bool {
        let skills = self.skills_of(agent);
        own.is_none_or(|own| own.is_met_by(&skills)) && stages.iter().any(|stage| stage.is_met_by(&skills))
    }
}

fn id(place: usize) -> SkillId {
    SkillId(u32::try_from(place).unwrap_or(u32::MAX))
}
