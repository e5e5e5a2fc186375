//! Rules for stories: lose the next ACK, double every BYE.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Datagram;

/// Which datagrams a rule is about. What is `None` or empty fits all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    /// Sent from here.
    pub from: Option<SocketAddr>,
    /// Sent to here.
    pub to: Option<SocketAddr>,
    /// Begins so: `ACK `, `SIP/2.0 200`.
    pub begins: String,
    /// Has this in it: `CSeq: 1 INVITE`.
    pub contains: String,
}

impl Pattern {
    /// Everything.
    pub fn any() -> Pattern {
        Pattern::default()
    }

    /// Requests of this method.
    pub fn request(method: &str) -> Pattern {
        Pattern { begins: format!("{method} "), ..Pattern::default() }
    }

    /// Responses with this status to this method.
    pub fn response(status: u16, method: &str) -> Pattern {
        Pattern {
            begins: format!("SIP/2.0 {status}"),
            contains: format!(" {method}\r\n"),
            ..Pattern::default()
        }
    }

    /// Only those that this address sends.
    pub fn from(self, from: SocketAddr) -> Pattern {
        Pattern { from: Some(from), ..self }
    }

    /// Only those that go to this address.
    pub fn to(self, to: SocketAddr) -> Pattern {
        Pattern { to: Some(to), ..self }
    }

    /// Whether a datagram fits.
    pub fn fits(&self, datagram: &Datagram) -> bool {
        self.from.is_none_or(|from| from == datagram.from)
            && self.to.is_none_or(|to| to == datagram.to)
            && datagram.bytes.starts_with(self.begins.as_bytes())
            && contains(&datagram.bytes, self.contains.as_bytes())
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// It never arrives.
    Lose,
    /// It arrives, and once more so much later.
    Duplicate(Duration),
    /// It arrives so much later.
    Delay(Duration),
}

/// A pattern and what happens to what fits it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pattern: Pattern,
    action: Action,
    /// How often it is still applied; `None`: always.
    left: Option<u32>,
}

impl Rule {
    /// A rule for ever.
    pub fn new(pattern: Pattern, action: Action) -> Rule {
        Rule { pattern, action, left: None }
    }

    /// A rule that is applied so often.
    pub fn times(self, times: u32) -> Rule {
        Rule { left: Some(times), ..self }
    }
}

/// What the first rule that fits does to a datagram. Rules that are used up are forgotten.
pub(super) fn decide(rules: &mut Vec<Rule>, datagram: &Datagram) -> Option<Action> {
    let index = rules.iter().position(|rule| rule.pattern.fits(datagram))?;
    let rule = &mut rules[index];
    let action = rule.action;
    if let Some(left) = &mut rule.left {
        *left = left.saturating_sub(1);
        if *left == 0 {
            rules.remove(index);
        }
    }
    Some(action)
}
