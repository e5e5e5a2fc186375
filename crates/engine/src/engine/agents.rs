//! Agents whose shift follows their phone.

use std::fmt;

use acd::{AgentId, Command, Presence, ReasonCode};
use timing::Instant;

use super::Engine;
use crate::{AgentLine, LogIn, Notice, Reach};

/// An agent cannot begin to work: no phone of theirs is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPhone;

impl fmt::Display for NoPhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no phone of the agent is registered")
    }
}

impl std::error::Error for NoPhone {}

impl Engine {
    /// Logs in who has become reachable and out who is no longer, among those whose shift follows the
    /// phone.
    pub(super) fn update_log_ins(&mut self) {
        let mut changes: Vec<(AgentId, bool)> = Vec::new();
        for (&agent, line) in &self.directory.agents {
            match line.log_in {
                // The shift goes on as it is; what ends it is the desktop's to say from now on.
                LogIn::Desktop => drop(self.logged_in.remove(&agent)),
                LogIn::OnRegister => {
                    let reachable = match &line.reach {
                        Reach::Account(account) => self.registered.contains(account),
                        Reach::Contact { .. } => true,
                    };
                    if reachable != self.logged_in.contains(&agent) {
                        changes.push((agent, reachable));
                    }
                }
            }
        }
        for (agent, reachable) in changes {
            if reachable {
                self.logged_in.insert(agent);
                // Whoever went to lunch is there still, whatever the phone and its network do meanwhile.
                let not_ready = self.breaks.get(&agent).copied();
                self.command(Command::LogIn { agent, not_ready });
            } else {
                self.logged_in.remove(&agent);
                self.command(Command::LogOut { agent });
            }
        }
    }

    /// An agent who missed too many calls in a row is not ready. Whose shift follows the phone gets another
    /// chance after a pause; nobody else could say that they are back.
    pub(super) fn presence_changed(&mut self, now: Instant, agent: AgentId, presence: Presence) {
        match presence {
            Presence::NotReady(reason) if reason != ReasonCode::MISSED => {
                self.breaks.insert(agent, reason);
            }
            Presence::Ready => drop(self.breaks.remove(&agent)),
            Presence::NotReady(_) | Presence::LoggedOut => {}
        }
        if presence != Presence::NotReady(ReasonCode::MISSED) {
            if let Some(timer) = self.pausing.remove(&agent) {
                self.pauses.cancel(timer);
            }
            return;
        }
        let follows = self.directory.agents.get(&agent).is_some_and(|line| line.log_in == LogIn::OnRegister);
        if let Some(pause) = self.settings.missed_pause.filter(|_| follows)
            && !self.pausing.contains_key(&agent)
        {
            self.pausing.insert(agent, self.pauses.schedule(now + pause, agent));
        }
    }

    pub(super) fn pause_ended(&mut self, agent: AgentId) {
        self.pausing.remove(&agent);
        self.command(Command::SetReady { agent });
    }

    /// The command for what somebody at a desktop, or the API, wants of an agent: to be ready, not ready or
    /// gone. It goes to the distributor by itself.
    ///
    /// # Errors
    /// [`NoPhone`] where the agent would be ready without a phone that can ring.
    pub fn presence(&self, agent: AgentId, presence: Presence) -> Result<Command, NoPhone> {
        let has_phone = match self.directory.agents.get(&agent).map(|line| &line.reach) {
            Some(Reach::Account(account)) => self.registered.contains(account),
            Some(Reach::Contact { .. }) => true,
            // The distributor knows better who exists and refuses.
            None => true,
        };
        if has_phone || presence != Presence::Ready {
            Ok(Command::SetPresence { agent, presence })
        } else {
            Err(NoPhone)
        }
    }

    /// The agent whose account a call comes from.
    pub(super) fn agent_at(&self, origin: &sip::Origin) -> Option<AgentId> {
        let sip::Origin::Account(account) = origin else { return None };
        let is_theirs = |line: &AgentLine| matches!(&line.reach, Reach::Account(own) if own == account);
        self.directory.agents.iter().find(|(_, line)| is_theirs(line)).map(|(&agent, _)| agent)
    }

    /// An agent's own phone calls: nobody can be given to them, least of all themselves.
    pub(super) fn call_began(&mut self, agent: AgentId) {
        let calls = self.calling.entry(agent).or_default();
        *calls += 1;
        if *calls == 1 {
            self.command(Command::Occupy { agent });
        }
    }

    /// That is over.
    pub(super) fn call_ended(&mut self, agent: AgentId) {
        let Some(calls) = self.calling.get_mut(&agent) else { return };
        *calls -= 1;
        if *calls == 0 {
            self.calling.remove(&agent);
            self.command(Command::Release { agent });
        }
    }

    pub(super) fn registration_changed(&mut self, account: String, contacts: usize) {
        let known = self.registered.contains(&account);
        if known == (contacts > 0) {
            return;
        }
        if contacts > 0 {
            self.registered.insert(account.clone());
        } else {
            self.registered.remove(&account);
        }
        self.update_log_ins();
        self.notice(Notice::RegistrationChanged { account, contacts });
    }

    /// Where an agent's phones are now; empty where none can be asked.
    pub(super) fn destinations(&self, agent: AgentId) -> Vec<sip::Destination> {
        match self.directory.agents.get(&agent).map(|line| &line.reach) {
            Some(Reach::Account(account)) => self
                .b2bua
                .contacts(account)
                .into_iter()
                .map(|contact| sip::Destination::Contact(Box::new(contact)))
                .collect(),
            Some(Reach::Contact { uri, trunk: Some(trunk) }) => {
                vec![sip::Destination::Trunk { trunk: *trunk, target: uri.clone() }]
            }
            Some(Reach::Contact { uri, trunk: None }) => vec![sip::Destination::Uri(uri.clone())],
            None => Vec::new(),
        }
    }
}
