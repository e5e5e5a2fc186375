//! Names of a table and the ids they stand for, counted from 1 in the order of their definition.

use acd::requirement::{self, Requirement};
use acd::{AgentId, ExitId, QueueId, SkillId};

use crate::table;

/// Words with a meaning of their own.
const TAKEN: [&str; 4] = ["call", "exit", "reservation", "settings"];

#[derive(Debug, Default)]
pub(crate) struct Names {
    queues: Vec<String>,
    agents: Vec<String>,
    skills: Vec<String>,
}

/// What is wrong, without the line, which the caller knows.
pub(crate) type Said<T> = Result<T, String>;

impl Names {
    pub(crate) fn define_queue(&mut self, name: &str) -> Said<QueueId> {
        self.check_fresh(name)?;
        self.queues.push(name.to_owned());
        self.queue(name)
    }

    pub(crate) fn define_agent(&mut self, name: &str) -> Said<AgentId> {
        self.check_fresh(name)?;
        self.agents.push(name.to_owned());
        self.agent(name)
    }

    fn check_fresh(&self, name: &str) -> Said<()> {
        let is_word = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        let starts_well = name.starts_with(char::is_alphabetic);
        if !is_word || !starts_well || TAKEN.contains(&name) {
            return Err(format!("`{name}` cannot be a name: take another word"));
        }
        if self.queues.iter().chain(&self.agents).any(|taken| taken == name) {
            return Err(format!("`{name}` is defined already: change it at a time, or take another name"));
        }
        Ok(())
    }

    pub(crate) fn queue(&self, name: &str) -> Said<QueueId> {
        id(&self.queues, name)
            .map(QueueId)
            .ok_or_else(|| format!("there is no queue `{name}`: define it above"))
    }

    pub(crate) fn agent(&self, name: &str) -> Said<AgentId> {
        let unknown = || format!("there is no agent or call `{name}`: define it above");
        id(&self.agents, name).map(AgentId).ok_or_else(unknown)
    }

    pub(crate) fn is_queue(&self, name: &str) -> bool {
        self.queues.iter().any(|known| known == name)
    }

    /// A skill is there as soon as it is named.
    pub(crate) fn skill(&mut self, name: &str) -> SkillId {
        if id(&self.skills, name).is_none() {
            self.skills.push(name.to_owned());
        }
        SkillId(id(&self.skills, name).expect("just named"))
    }

    pub(crate) fn requirement(&mut self, text: &str) -> Said<Requirement> {
        if text == "anyone" {
            return Ok(Requirement::anyone());
        }
        requirement::parse(text, |name| Some(self.skill(name))).map_err(|error| error.to_string())
    }

    pub(crate) fn queue_name(&self, id: QueueId) -> String {
        name(&self.queues, id.0, "queue")
    }

    pub(crate) fn agent_name(&self, id: AgentId) -> String {
        name(&self.agents, id.0, "agent")
    }
}

fn id(names: &[String], name: &str) -> Option<u32> {
    let at = names.iter().position(|known| known == name)?;
    u32::try_from(at + 1).ok()
}

fn name(names: &[String], id: u32, kind: &str) -> String {
    let at = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
    at.and_then(|at| names.get(at)).cloned().unwrap_or_else(|| format!("{kind} {id}"))
}

pub(crate) fn number<T: std::str::FromStr>(text: &str) -> Said<T> {
    text.parse().map_err(|_| format!("`{text}` is no number that fits here"))
}

pub(crate) fn duration(text: &str) -> Said<std::time::Duration> {
    let millis = table::duration(text);
    let unclear = || format!("`{text}` is no duration: write 20s, 1.5s, 250ms, 2m or 0");
    millis.map(std::time::Duration::from_millis).ok_or_else(unclear)
}

pub(crate) fn exit(names: &Names, text: &str) -> Said<acd::Exit> {
    match text.strip_prefix("exit ") {
        Some(id) => Ok(acd::Exit::Leave(ExitId(number(id)?))),
        None => Ok(acd::Exit::Queue(names.queue(text)?)),
    }
}
