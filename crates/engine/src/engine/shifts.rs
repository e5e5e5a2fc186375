//! Shifts, and the phones that some of them follow.
//!
//! Three things are kept apart. Whether an agent's phone is *there* decides whether the agent can be rung, for everybody and
//! at once. The *shift* is from log-in to log-out: a phone that comes begins it where the directory says so, and a phone
//! that is gone for the grace ends it, whoever began it. What the agent *wants* in between (a break) is the distributor's,
//! and no phone changes it.

use std::collections::BTreeMap;

use acd::{AgentId, Command, Forced, Presence, ReasonCode};
use serde::{Deserialize, Serialize};
use timing::{Instant, TimerId, TimerWheel};

use super::Engine;
use crate::{AgentLine, LogIn, Reach};

/// One agent's.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Shift {
    /// Whether the phone is there, as the distributor was told; `None`: it was told nothing yet.
    reachable: Option<bool>,
    /// The phone has logged the agent in, and has not been gone since for as long as the grace. Until then it does not
    /// do so again: a log-out that somebody has said holds.
    is_used: bool,
    /// Logged in, by whatever.
    is_in: bool,
    /// What a supervisor has forced.
    forced: Option<Presence>,
    /// Not ready after too many missed calls.
    missed: bool,
    /// Ends the pause after too many missed calls.
    pause: Option<TimerId>,
    /// Ends the grace of a phone that is gone.
    grace: Option<TimerId>,
}

/// What time does to a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Alarm {
    /// The pause after too many missed calls is over.
    Pause(AgentId),
    /// The phone has been gone for the grace.
    Grace(AgentId),
}

/// Of all agents.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Shifts {
    agents: BTreeMap<AgentId, Shift>,
    /// Whose phones register as this account: who comes and goes is found without a look at everybody.
    by_account: BTreeMap<String, Vec<AgentId>>,
    alarms: TimerWheel<Alarm>,
}

impl Shifts {
    pub(super) fn new() -> Shifts {
        Shifts { agents: BTreeMap::new(), by_account: BTreeMap::new(), alarms: TimerWheel::new() }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.alarms.next_deadline()
    }

    /// These are the agents from now on. Nothing stays of whoever is none any more.
    pub(super) fn keep(&mut self, agents: &BTreeMap<AgentId, AgentLine>) {
        self.by_account.clear();
        for (&agent, line) in agents {
            if let Reach::Account(account) = &line.reach {
                self.by_account.entry(account.clone()).or_default().push(agent);
            }
        }
        let alarms = &mut self.alarms;
        self.agents.retain(|agent, shift| {
            let stays = agents.contains_key(agent);
            if !stays {
                for timer in shift.pause.take().into_iter().chain(shift.grace.take()) {
                    alarms.cancel(timer);
                }
            }
            stays
        });
    }
}

impl Engine {
    /// Tells the distributor whose phones have come and gone, and logs in whose shift begins with that: of everybody, where
    /// it is another directory.
    pub(super) fn follow_phones(&mut self, now: Instant) {
        let agents: Vec<AgentId> = self.directory.agents.keys().copied().collect();
        agents.into_iter().for_each(|agent| self.follow_phone(now, agent));
    }

    /// The same of whoever registers as this account.
    pub(super) fn follow_account(&mut self, now: Instant, account: &str) {
        let agents = self.shifts.by_account.get(account).cloned().unwrap_or_default();
        agents.into_iter().for_each(|agent| self.follow_phone(now, agent));
    }

    fn follow_phone(&mut self, now: Instant, agent: AgentId) {
        let Some(line) = self.directory.agents.get(&agent) else { return };
        let mut commands = Vec::new();
        let shift = self.shifts.agents.entry(agent).or_default();
        let is_there = match &line.reach {
            Reach::Account(account) => self.registered.contains(account),
            Reach::Contact { .. } => true,
        };
        let before = shift.reachable.replace(is_there);
        if before != Some(is_there) {
            commands.push(Command::SetReachable { agent, reachable: is_there });
            if is_there {
                if let Some(timer) = shift.grace.take() {
                    self.shifts.alarms.cancel(timer);
                }
                // Whoever has seen to the phone is back.
                let is_back = shift.missed && line.log_in == LogIn::OnRegister;
                commands.extend(is_back.then_some(Command::SetReady { agent }));
            } else if before.is_some() {
                let timer = self.shifts.alarms.schedule(now + self.settings.phone_grace, Alarm::Grace(agent));
                shift.grace = Some(timer);
            }
        }
        match line.log_in {
            LogIn::OnRegister if is_there && !shift.is_used => {
                // It is as good as done: the phone may be gone before the distributor has said so.
                (shift.is_used, shift.is_in) = (true, true);
                let not_ready = shift.forced.and_then(reason);
                commands.push(Command::LogIn { agent, not_ready });
            }
            LogIn::OnRegister => {}
            // The shift goes on as it is; what ends it is the desktop's to say from now on.
            LogIn::Desktop => shift.is_used = false,
        }
        commands.into_iter().for_each(|command| self.command(command));
    }

    /// The distributor says what an agent wants from now on. An agent who missed too many calls in a row is not ready.
    /// Whose shift follows the phone gets another chance after a pause; nobody else could say that they are back.
    pub(super) fn presence_changed(&mut self, now: Instant, agent: AgentId, presence: Presence) {
        let Some(line) = self.directory.agents.get(&agent) else { return };
        let shift = self.shifts.agents.entry(agent).or_default();
        shift.is_in = presence.is_logged_in();
        shift.missed = presence == Presence::NotReady(ReasonCode::MISSED);
        if !shift.missed {
            if let Some(timer) = shift.pause.take() {
                self.shifts.alarms.cancel(timer);
            }
        } else if let (Some(pause), LogIn::OnRegister, None) =
            (self.settings.missed_pause, line.log_in, shift.pause)
        {
            shift.pause = Some(self.shifts.alarms.schedule(now + pause, Alarm::Pause(agent)));
        }
    }

    /// A log-in by the phone wants what a supervisor has forced, and else to be ready.
    pub(super) fn presence_forced(&mut self, agent: AgentId, forced: Option<Forced>) {
        if let Some(shift) = self.shifts.agents.get_mut(&agent) {
            shift.forced = forced.map(|forced| forced.presence);
        }
    }

    /// Ends what is over.
    pub(super) fn follow_shifts(&mut self, now: Instant) {
        while let Some(alarm) = self.shifts.alarms.poll(now) {
            let (Alarm::Pause(agent) | Alarm::Grace(agent)) = alarm;
            let Some(shift) = self.shifts.agents.get_mut(&agent) else { continue };
            match alarm {
                Alarm::Pause(agent) => {
                    shift.pause = None;
                    self.command(Command::SetReady { agent });
                }
                Alarm::Grace(agent) => {
                    (shift.grace, shift.is_used) = (None, false);
                    if shift.is_in {
                        self.command(Command::LogOut { agent });
                    }
                }
            }
        }
    }

    /// A day begins: so do the figures of agents whose shift nobody may ever end, because it follows a phone.
    pub fn new_day(&mut self, now: Instant) {
        let follows = |line: &AgentLine| line.log_in == LogIn::OnRegister;
        let agents = self.directory.agents.iter().filter(|(_, line)| follows(line)).map(|(&agent, _)| agent);
        let is_in = |agent: &AgentId| self.shifts.agents.get(agent).is_some_and(|shift| shift.is_in);
        let here: Vec<AgentId> = agents.filter(is_in).collect();
        here.into_iter().for_each(|agent| self.command(Command::BeginShift { agent }));
        self.settle(now);
    }
}

/// Why somebody is not ready.
fn reason(presence: Presence) -> Option<ReasonCode> {
    match presence {
        Presence::NotReady(reason) => Some(reason),
        Presence::LoggedOut | Presence::Ready => None,
    }
}
