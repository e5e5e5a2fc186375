//! Agents whose shift follows their phone.

use acd::{AgentId, Command};

use super::Engine;
use crate::{LogIn, Notice, Reach};

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
                self.command(Command::LogIn { agent, not_ready: None });
            } else {
                self.logged_in.remove(&agent);
                self.command(Command::LogOut { agent });
            }
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
