//! A witness on the wire: what was really sent, whoever says what about it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use sip::{Message, Method};
use timing::Instant;

use crate::ladder::Ladders;
use crate::network::Datagram;

/// One INVITE and all that followed from it, as seen on the wire.
#[derive(Clone, Debug)]
struct Leg {
    /// Whether the centre sent the INVITE.
    is_outbound: bool,
    caller: String,
    called: String,
    cseq: u32,
    /// The INVITE came to its server at least once.
    reached: bool,
    /// Final answers to the first INVITE, each once however often it was repeated.
    finals: Vec<u16>,
    /// The ACK for a 2xx was sent.
    acknowledged: Option<Instant>,
    cancelled: Option<Instant>,
    byes: Vec<Bye>,
}

/// One BYE transaction.
#[derive(Clone, Debug)]
struct Bye {
    from: SocketAddr,
    branch: String,
    sent: Instant,
    arrived: Option<Instant>,
}

/// What became of all calls, by the wire alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// Calls that came in and were not refused outright.
    pub offered: u64,
    /// An agent was connected.
    pub answered: u64,
    /// The caller gave up before.
    pub abandoned: u64,
    /// It was refused, ended or sent elsewhere by a rule of its queue.
    pub overflowed: u64,
    /// Refused outright: 404, 488, 503.
    pub refused: u64,
    /// No final answer yet, or music and nobody yet.
    pub waiting: u64,
}

/// Something that must not be, and whose call it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When.
    pub at: Instant,
    /// Whose call, by the caller's user part; empty where it is nobody's.
    pub caller: String,
    /// What.
    pub what: String,
}

/// The witness.
#[derive(Clone, Debug)]
pub struct Witness {
    centre: SocketAddr,
    legs: BTreeMap<Vec<u8>, Leg>,
    /// Legs of each caller, in the order in which they began.
    by_caller: BTreeMap<String, Vec<Vec<u8>>>,
    /// Who talks to each agent, by the ACKs and BYEs that the centre sent.
    talking: BTreeMap<String, Vec<u8>>,
    /// How long the centre may take to send somebody away who picked up in vain.
    slack: Duration,
    /// Users that are agents; whoever else is called is a number outside.
    agents: BTreeMap<String, u32>,
    ladders: Ladders,
    violations: Vec<Violation>,
}

impl Witness {
    /// Watches the centre at this address. `slack`: twice the latency of its rings.
    pub fn new(centre: SocketAddr, slack: Duration) -> Witness {
        Witness {
            centre,
            legs: BTreeMap::new(),
            by_caller: BTreeMap::new(),
            talking: BTreeMap::new(),
            slack,
            agents: BTreeMap::new(),
            ladders: Ladders::default(),
            violations: Vec::new(),
        }
    }

    /// Makes an agent known.
    pub fn add_agent(&mut self, user: &str, agent: u32) {
        self.agents.insert(user.to_owned(), agent);
    }

    /// Notes something that others found.
    pub fn accuse(&mut self, at: Instant, caller: &str, what: impl Into<String>) {
        self.violations.push(Violation { at, caller: caller.to_owned(), what: what.into() });
    }

    /// Everything that is wrong so far.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// The ladder of a caller's call.
    pub fn ladder(&self, caller: &str) -> String {
        self.ladders.draw(caller)
    }

    /// Forgets the ladder of a caller about whom nothing is wrong.
    pub fn forget(&mut self, caller: &str) {
        if self.violations.iter().all(|violation| violation.caller != caller) {
            self.ladders.forget(caller);
        }
    }

    /// Somebody sent a SIP message.
    pub fn sent(&mut self, now: Instant, datagram: &Datagram) {
        let Ok(message) = Message::parse(datagram.bytes.clone(), &sip::Limits::default()) else {
            self.accuse(now, "", format!("{} sent what is no SIP message", datagram.from));
            return;
        };
        let Some(call_id) = message.call_id().map(<[u8]>::to_vec) else { return };
        let Ok((cseq, method)) = message.cseq() else { return };
        if method == Method::Register || method == Method::Options {
            return;
        }
        if message.is_request() && method == Method::Invite && message.to_tag().is_none() {
            self.begin(&call_id, datagram, &message, cseq);
        }
        let Some(leg) = self.legs.get_mut(&call_id) else { return };
        let what = if message.is_request() {
            format!("{} {}", method.as_str(), leg.called)
        } else {
            format!("{} ({} {})", message.status(), cseq, method.as_str())
        };
        self.ladders.note(&leg.caller, now, datagram.from, datagram.to, what);
        if message.is_request() {
            self.request(now, &call_id, datagram, &message, &method, cseq);
        } else {
            self.response(now, &call_id, message.status(), &method, cseq);
        }
    }

    /// A SIP message arrived.
    pub fn arrived(&mut self, now: Instant, datagram: &Datagram) {
        let is_bye = datagram.bytes.starts_with(b"BYE ");
        if !is_bye && !datagram.bytes.starts_with(b"INVITE ") {
            return;
        }
        let Ok(message) = Message::parse(datagram.bytes.clone(), &sip::Limits::default()) else { return };
        let Some(leg) = message.call_id().and_then(|call_id| self.legs.get_mut(call_id)) else { return };
        if !is_bye {
            leg.reached = true;
            return;
        }
        let Some(branch) = branch(&message) else { return };
        if let Some(bye) = leg.byes.iter_mut().find(|bye| bye.branch == branch) {
            bye.arrived.get_or_insert(now);
        }
    }

    fn begin(&mut self, call_id: &[u8], datagram: &Datagram, message: &Message, cseq: u32) {
        if self.legs.contains_key(call_id) {
            return;
        }
        let user = |name: Result<sip::NameAddr, sip::Fault>| {
            name.ok().and_then(|name| name.uri.user()).unwrap_or_default()
        };
        let caller = user(message.from());
        self.by_caller.entry(caller.clone()).or_default().push(call_id.to_vec());
        let leg = Leg {
            is_outbound: datagram.from == self.centre,
            caller,
            called: user(message.to()),
            cseq,
            reached: false,
            finals: Vec::new(),
            acknowledged: None,
            cancelled: None,
            byes: Vec::new(),
        };
        self.legs.insert(call_id.to_vec(), leg);
    }

    fn request(
        &mut self,
        now: Instant,
        call_id: &[u8],
        datagram: &Datagram,
        message: &Message,
        method: &Method,
        cseq: u32,
    ) {
        let Some(leg) = self.legs.get_mut(call_id) else { return };
        let is_ours = datagram.from == self.centre;
        if *method == Method::Cancel {
            leg.cancelled.get_or_insert(now);
        }
        let is_answered = leg.finals.iter().any(|status| *status < 300);
        if *method == Method::Ack && is_answered && cseq == leg.cseq && leg.acknowledged.is_none() {
            leg.acknowledged = Some(now);
            if is_ours {
                self.agent_talks(now, call_id);
            }
        } else if *method == Method::Bye {
            let Some(branch) = branch(message) else { return };
            if leg.byes.iter().all(|bye| bye.branch != branch) {
                leg.byes.push(Bye { from: datagram.from, branch, sent: now, arrived: None });
                let called = leg.called.clone();
                if self.talking.get(&called).is_some_and(|leg| leg == call_id) {
                    self.talking.remove(&called);
                }
            }
        }
    }

    /// An agent who picks up is acknowledged at once, also where it was in vain: then a BYE follows
    /// before anybody else may be put through.
    fn agent_talks(&mut self, now: Instant, call_id: &[u8]) {
        let Some(leg) = self.legs.get(call_id) else { return };
        let (called, caller) = (leg.called.clone(), leg.caller.clone());
        let other = self.talking.insert(called.clone(), call_id.to_vec());
        if let Some(other) = other.and_then(|other| self.legs.get(&other)) {
            let what = format!("{called} is put through to {caller} while talking to {}", other.caller);
            self.accuse(now, &caller, what);
        }
    }

    fn response(&mut self, now: Instant, call_id: &[u8], status: u16, method: &Method, cseq: u32) {
        let Some(leg) = self.legs.get_mut(call_id) else { return };
        if *method != Method::Invite || cseq != leg.cseq || status < 200 || leg.finals.contains(&status) {
            return;
        }
        leg.finals.push(status);
        if leg.finals.len() > 1 {
            let (caller, what) = (leg.caller.clone(), format!("several final answers: {:?}", leg.finals));
            self.accuse(now, &caller, what);
        }
    }

    /// What must hold once everything is over.
    pub fn check_the_end(&mut self, now: Instant) {
        let mut found = Vec::new();
        for leg in self.legs.values() {
            let mut wrong = |what: String| found.push((leg.caller.clone(), what));
            if !leg.is_outbound && leg.reached && leg.finals.len() != 1 {
                wrong(format!("an INVITE with the final answers {:?}", leg.finals));
            }
            let is_answered = leg.finals.iter().any(|status| *status < 300);
            let direction = if leg.is_outbound { "outbound" } else { "inbound" };
            match leg.byes.as_slice() {
                [] if is_answered => wrong(format!("an answered {direction} leg without BYE")),
                [] => {}
                [_] if is_answered => {}
                [first, second] if is_answered && cross(first, second) => {}
                byes => {
                    wrong(format!("an {direction} leg, answered {:?}, with {} BYEs", leg.finals, byes.len()))
                }
            }
        }
        for (caller, what) in found {
            self.accuse(now, &caller, what);
        }
    }

    /// What became of all calls that came in.
    pub fn truth(&self) -> Truth {
        let mut truth = Truth::default();
        for leg in self.legs.values().filter(|leg| !leg.is_outbound && leg.reached) {
            match leg.finals.first() {
                Some(404 | 488 | 503) => {
                    truth.refused += 1;
                    continue;
                }
                None => truth.waiting += 1,
                Some(487) => truth.abandoned += 1,
                Some(300..) => truth.overflowed += 1,
                Some(_) => match self.kept(&leg.caller) {
                    Some(true) => truth.answered += 1,
                    Some(false) => truth.overflowed += 1,
                    None => match leg.byes.first() {
                        None => truth.waiting += 1,
                        Some(bye) if bye.from == self.centre => truth.overflowed += 1,
                        Some(_) => truth.abandoned += 1,
                    },
                },
            }
            truth.offered += 1;
        }
        truth
    }

    /// Whom the caller was put through to: an agent (`true`) or a number outside; `None`: nobody.
    fn kept(&self, caller: &str) -> Option<bool> {
        let legs = self.by_caller.get(caller)?.iter().filter_map(|call_id| self.legs.get(call_id));
        let kept = legs.filter(|leg| leg.is_outbound).find(|leg| {
            let in_vain = |at: Instant| {
                leg.byes.iter().any(|bye| bye.from == self.centre && bye.sent <= at + self.slack)
            };
            leg.acknowledged.is_some_and(|at| !in_vain(at))
        });
        kept.map(|leg| self.agents.contains_key(&leg.called))
    }

    /// When the centre first sent an INVITE to this user, for each leg.
    pub fn legs_to(&self, user: &str) -> usize {
        self.legs.values().filter(|leg| leg.is_outbound && leg.called == user).count()
    }
}

/// Both sides hung up before either heard of the other's BYE.
fn cross(first: &Bye, second: &Bye) -> bool {
    first.from != second.from && first.arrived.is_none_or(|arrived| second.sent <= arrived)
}

fn branch(message: &Message) -> Option<String> {
    message.top_via().ok()?.branch().map(str::to_owned)
}
