//! Agents and their phones.

use std::fmt;

use acd::{AgentId, Command, Presence};
use timing::Instant;

use super::Engine;
use crate::{AgentLine, Notice, Reach};

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

    pub(super) fn registration_changed(&mut self, now: Instant, account: String, contacts: usize) {
        let known = self.registered.contains(&account);
        if known == (contacts > 0) {
            return;
        }
        if contacts > 0 {
            self.registered.insert(account.clone());
        } else {
            self.registered.remove(&account);
        }
        self.follow_account(now, &account);
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
            Some(Reach::Contact { uri, way }) => vec![way.to(uri.clone())],
            None => Vec::new(),
        }
    }
}
