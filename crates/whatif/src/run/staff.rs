//! Who works when.

use std::time::Duration;

use acd::{Activity, AgentId, AgentSettings, Command, Presence, ReasonCode, WANTED_MAX, Wanted};
use timing::Instant;

use super::book::Doing;
use super::{Run, RunError};
use crate::agenda::Action;
use crate::model::{Member as Place, Members, Model, Wish};

/// Why simulated agents on a break are not ready.
const BREAK: ReasonCode = ReasonCode(1);

/// One line of the plan.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// A group of agents who are all alike has this many from now on.
    Heads {
        group: usize,
        agents: u32,
    },
    ShiftBegins(AgentId),
    BreakBegins(AgentId),
    BreakEnds(AgentId),
    ShiftEnds(AgentId),
}

/// The plan, and what is needed to follow it.
pub(super) struct Staff {
    /// By time.
    plan: Vec<(Duration, Change)>,
    /// The next line.
    next: usize,
    agents: Vec<Member>,
    groups: Vec<Group>,
}

#[derive(Clone, Copy)]
struct Member {
    group: u32,
    /// Whether the plan, or the choice of who goes, wants the agent here.
    is_wanted: bool,
    after_call_works: u32,
    /// On a break by the plan.
    on_break: bool,
    is_missed: bool,
}

struct Group {
    /// The group's agents are numbered in a row.
    first: u32,
    end: u32,
    /// Only of groups of agents who are alike.
    heads: u32,
    /// Agents too many: whoever is free next goes.
    surplus: u32,
}

impl Staff {
    pub(super) fn new(model: &Model) -> Staff {
        let mut staff = Staff { plan: Vec::new(), next: 0, agents: Vec::new(), groups: Vec::new() };
        for (index, group) in model.groups.iter().enumerate() {
            let count = |length: usize| u32::try_from(length).expect("agents fit into memory");
            let first = count(staff.agents.len());
            let end = first + count(group.size());
            staff.groups.push(Group { first, end, heads: 0, surplus: 0 });
            let member = Member {
                group: count(index),
                is_wanted: false,
                after_call_works: 0,
                on_break: false,
                is_missed: false,
            };
            staff.agents.resize(end as usize, member);
            match &group.members {
                Members::Alike { heads, .. } => {
                    let change = |agents| Change::Heads { group: index, agents };
                    staff.plan.extend(heads.iter().map(|head| (head.from, change(head.agents))));
                }
                Members::Named(agents) => {
                    for (agent, id) in agents.iter().zip(first..) {
                        staff.plan_shifts(AgentId(id), &agent.shifts);
                    }
                }
            }
        }
        staff.plan.sort_by_key(|&(at, _)| at);
        staff
    }

    fn plan_shifts(&mut self, agent: AgentId, shifts: &[crate::Shift]) {
        for shift in shifts {
            self.plan.push((shift.from, Change::ShiftBegins(agent)));
            for pause in &shift.breaks {
                self.plan.push((pause.from, Change::BreakBegins(agent)));
                self.plan.push((pause.to, Change::BreakEnds(agent)));
            }
            self.plan.push((shift.to, Change::ShiftEnds(agent)));
        }
    }

    /// The group of each agent, by id.
    pub(super) fn groups(&self) -> impl Iterator<Item = u32> + '_ {
        self.agents.iter().map(|agent| agent.group)
    }

    /// All agents.
    pub(super) fn agents(&self) -> impl Iterator<Item = AgentId> + use<> {
        (0u32..).map(AgentId).take(self.agents.len())
    }

    /// What the model says of an agent.
    pub(super) fn settings<'a>(&self, model: &'a Model, agent: AgentId) -> &'a AgentSettings {
        let group = self.group_of(agent);
        match &model.groups[group].members {
            Members::Alike { settings, .. } => settings,
            Members::Named(agents) => &agents[(agent.0 - self.groups[group].first) as usize].settings,
        }
    }

    /// Whom customers want, by number. Who stays at home has one that no agent has: such an agent will not come.
    pub(super) fn wanted(&self, wish: &Wish) -> Wanted {
        let number = |agent: Place| {
            let group = &self.groups[agent.group];
            let place = u32::try_from(agent.place).ok()?;
            group.first.checked_add(place).filter(|&number| number < group.end)
        };
        let mut agents = [None; WANTED_MAX];
        for ((place, &agent), nobody) in agents.iter_mut().zip(&wish.agents).zip(0..) {
            *place = Some(AgentId(agent.and_then(number).unwrap_or(u32::MAX - nobody)));
        }
        let &Wish { within, otherwise, regardless_of_skills, .. } = wish;
        Wanted { agents, within, otherwise, regardless_of_skills }
    }

    pub(super) fn group_of(&self, agent: AgentId) -> usize {
        self.agents[agent.0 as usize].group as usize
    }

    /// The number of the after-call work that has begun.
    pub(super) fn after_call_work_started(&mut self, agent: AgentId) -> u32 {
        let works = &mut self.agents[agent.0 as usize].after_call_works;
        *works = works.wrapping_add(1);
        *works
    }

    pub(super) fn after_call_work_ended(&mut self, agent: AgentId) {
        let works = &mut self.agents[agent.0 as usize].after_call_works;
        *works = works.wrapping_add(1);
    }
}

impl Run<'_> {
    pub(super) fn define_agents(&mut self) -> Result<(), RunError> {
        let model = self.model;
        let mut ids = (0..).map(AgentId);
        let mut define = |run: &mut Self, name: &str, settings: &AgentSettings| {
            let agent = ids.next().expect("agents fit into memory");
            let settings = Box::new(settings.clone());
            let defined = run.command(Command::DefineAgent { agent, settings });
            defined.map_err(|refusal| RunError::Settings { name: name.to_owned(), refusal })
        };
        for group in &model.groups {
            match &group.members {
                Members::Alike { settings, .. } => {
                    for _ in 0..group.size() {
                        define(self, &group.name, settings)?;
                    }
                }
                Members::Named(agents) => {
                    for agent in agents {
                        define(self, &agent.name, &agent.settings)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Enters the next line of the plan into the agenda.
    pub(super) fn plan_staff(&mut self) {
        if let Some(&(at, _)) = self.staff.plan.get(self.staff.next) {
            self.agenda.enter(Instant::ORIGIN + at, Action::Staff);
        }
    }

    pub(super) fn change_staff(&mut self) -> Result<(), RunError> {
        let (_, change) = self.staff.plan[self.staff.next];
        self.staff.next += 1;
        self.plan_staff();
        match change {
            Change::Heads { group, agents } => self.set_heads(group, agents),
            Change::ShiftBegins(agent) => {
                self.staff.agents[agent.0 as usize].on_break = false;
                self.book.schedule(self.staff.group_of(agent), self.now, 1);
                self.wish(agent, Presence::Ready)
            }
            Change::BreakBegins(agent) => {
                self.staff.agents[agent.0 as usize].on_break = true;
                self.wish(agent, Presence::NotReady(BREAK))
            }
            Change::BreakEnds(agent) => {
                self.staff.agents[agent.0 as usize].on_break = false;
                self.wish(agent, Presence::Ready)
            }
            Change::ShiftEnds(agent) => {
                self.book.schedule(self.staff.group_of(agent), self.now, -1);
                self.wish(agent, Presence::LoggedOut)
            }
        }
    }

    fn wish(&mut self, agent: AgentId, presence: Presence) -> Result<(), RunError> {
        self.staff.agents[agent.0 as usize].is_wanted = presence.is_logged_in();
        self.command(Command::SetPresence { agent, presence }).map_err(RunError::Refused)
    }

    /// A group of agents who are alike grows or shrinks.
    fn set_heads(&mut self, group: usize, agents: u32) -> Result<(), RunError> {
        let book = &mut self.staff.groups[group];
        let (before, first, end) = (book.heads, book.first, book.end);
        book.heads = agents;
        let change = i64::from(agents) - i64::from(before);
        self.book.schedule(group, self.now, i32::try_from(change).expect("groups fit into memory"));
        if agents >= before {
            let more = agents - before;
            let stay = more.min(self.staff.groups[group].surplus);
            self.staff.groups[group].surplus -= stay;
            return self.hire(group, more - stay);
        }
        let mut fewer = before - agents;
        let at_once = [Doing::Idle, Doing::BackingOff, Doing::NotReady, Doing::AfterCallWork];
        // Where nobody is to stay there is no choice of who goes: then who waits learns at once that nobody is left.
        let rest = [Doing::Reserved, Doing::Handling].into_iter().filter(|_| agents == 0);
        if agents == 0 {
            fewer += std::mem::take(&mut self.staff.groups[group].surplus);
        }
        for reason in at_once.into_iter().chain(rest) {
            for agent in (first..end).rev().map(AgentId) {
                if fewer == 0 {
                    return Ok(());
                }
                let is_wanted = self.staff.agents[agent.0 as usize].is_wanted;
                if is_wanted && self.book.doing(agent) == reason {
                    fewer -= 1;
                    self.wish(agent, Presence::LoggedOut)?;
                    self.follow_events()?;
                }
            }
        }
        self.staff.groups[group].surplus += fewer;
        Ok(())
    }

    fn hire(&mut self, group: usize, mut more: u32) -> Result<(), RunError> {
        let (first, end) = (self.staff.groups[group].first, self.staff.groups[group].end);
        for agent in (first..end).map(AgentId) {
            if more == 0 {
                break;
            }
            if !self.staff.agents[agent.0 as usize].is_wanted {
                more -= 1;
                self.wish(agent, Presence::Ready)?;
                self.follow_events()?;
            }
        }
        Ok(())
    }

    pub(super) fn go_if_too_many(&mut self, agent: AgentId) -> Result<(), RunError> {
        let group = &mut self.staff.groups[self.staff.agents[agent.0 as usize].group as usize];
        if group.surplus == 0 || !self.staff.agents[agent.0 as usize].is_wanted {
            return Ok(());
        }
        group.surplus -= 1;
        self.wish(agent, Presence::LoggedOut)
    }

    pub(super) fn agent_changed(
        &mut self,
        agent: AgentId,
        presence: Presence,
        activity: Activity,
    ) -> Result<(), RunError> {
        let doing = Doing::of(presence, activity);
        self.book.agent_does(agent.0 as usize, self.now, doing);
        let member = &mut self.staff.agents[agent.0 as usize];
        let is_missed = presence == Presence::NotReady(ReasonCode::MISSED);
        if is_missed && !member.is_missed {
            let pause = self.model.groups[member.group as usize].missed_pause;
            if let Some(pause) = pause {
                self.agenda.enter(self.now + pause, Action::Return { agent });
            }
        }
        member.is_missed = is_missed;
        match doing {
            // After a reservation that failed: whoever is free goes.
            Doing::Idle | Doing::BackingOff => self.go_if_too_many(agent),
            Doing::Away | Doing::Reserved | Doing::Handling | Doing::AfterCallWork | Doing::NotReady => {
                Ok(())
            }
        }
    }

    /// After missed reservations, if nothing else has happened since.
    pub(super) fn come_back(&mut self, agent: AgentId) -> Result<(), RunError> {
        let member = self.staff.agents[agent.0 as usize];
        if !member.is_missed {
            return Ok(());
        }
        let presence = if member.on_break { Presence::NotReady(BREAK) } else { Presence::Ready };
        self.wish(agent, presence)
    }

    pub(super) fn end_after_call_work(&mut self, agent: AgentId, number: u32) -> Result<(), RunError> {
        if self.staff.agents[agent.0 as usize].after_call_works != number {
            return Ok(());
        }
        self.command(Command::EndAfterCallWork { agent, interaction: None }).map_err(RunError::Refused)
    }
}
