//! A witness on the wire: what was really sent, whoever says what about it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use engine::Outcome;
use sip::{Message, Method};
use timing::Instant;

use crate::ladder::Ladders;
use crate::network::Datagram;

/// One INVITE and all that followed from it, as seen on the wire.
#[derive(Clone, Debug)]
struct Leg {
    /// Whether the centre sent the INVITE.
    is_outbound: bool,
    /// Who sent the INVITE.
    client: SocketAddr,
    /// Its tag in From.
    tag: Vec<u8>,
    caller: String,
    called: String,
    cseq: u32,
    /// The INVITE came to its server at least once.
    reached: bool,
    /// Final answers to the first INVITE, each once however often it was repeated.
    finals: Vec<u16>,
    /// When the first of them was sent.
    ended: Option<Instant>,
    /// A 2xx came back to the client at least once, and it knew the call.
    answer_arrived: bool,
    /// The phone has forgotten the call: it has died, or begun anew.
    is_forgotten: bool,
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

/// What became of one call that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    Abandoned,
    Overflowed,
    Refused,
    Waiting,
}

/// Who took a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    ByAgent,
    /// By a number outside.
    ByNumber,
    ByNobody,
    /// An agent hung up, or was sent away by a machine that is late, while the distributor's word was on its way through
    /// the rings: whether the caller was connected by then only the record knows.
    Unclear,
}

impl Fate {
    fn is_told_by(self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Answered | Outcome::CalledBack => self == Fate::Answered,
            Outcome::Abandoned | Outcome::Failed | Outcome::CallbackEnded => self == Fate::Abandoned,
            Outcome::Overflowed => self == Fate::Overflowed,
        }
    }
}

impl Leg {
    /// Whether this is a final response to the INVITE that began the leg. A re-INVITE of the other side
    /// may have the same number; its From has another tag.
    fn is_answer(&self, message: &Message) -> bool {
        let is_numbered_so = message.cseq().ok() == Some((self.cseq, Method::Invite));
        is_numbered_so && message.status() >= 200 && message.from_tag() == Some(&self.tag)
    }

    /// When the caller gave up, as the centre saw it.
    fn given_up(&self) -> Option<Instant> {
        match self.finals.first() {
            Some(487) => self.ended,
            Some(_) | None => {
                self.byes.iter().find(|bye| bye.from == self.client).and_then(|bye| bye.arrived)
            }
        }
    }

    /// Somebody picked up and waits for the ACK.
    fn is_picked_up_in_vain(&self) -> bool {
        self.answer_arrived && self.acknowledged.is_none()
    }

    /// What must not be once the leg is over.
    fn wrong(&self) -> Option<String> {
        if !self.is_outbound && self.reached && self.finals.len() != 1 {
            return Some(format!("an INVITE with the final answers {:?}", self.finals));
        }
        if self.is_picked_up_in_vain() {
            return Some(format!("{} picked up and was never acknowledged", self.called));
        }
        let is_answered = self.finals.iter().any(|status| *status < 300);
        match self.byes.as_slice() {
            [] if !self.answer_arrived => None,
            [_] if is_answered => None,
            [first, second] if is_answered && cross(first, second) => None,
            byes => {
                let direction = if self.is_outbound { "outbound" } else { "inbound" };
                let (called, finals, count) = (&self.called, &self.finals, byes.len());
                Some(format!("an {direction} leg to {called}, answered {finals:?}, with {count} BYEs"))
            }
        }
    }
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
    /// Spans in which it may take longer: their ends, and how much.
    slow: Vec<(Instant, Instant, Duration)>,
    /// Users that are agents; whoever else is called is a number outside.
    agents: BTreeMap<String, u32>,
    records: BTreeMap<String, Vec<Outcome>>,
    /// When the distributor let somebody go by a rule.
    overflows: BTreeSet<Instant>,
    /// Agents who were put through twice at once, if nobody was sent away: the two legs.
    suspicions: Vec<(Instant, Vec<u8>, Vec<u8>)>,
    /// Callers whom it let go so.
    let_go: BTreeSet<String>,
    refusals: u64,
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
            slow: Vec::new(),
            agents: BTreeMap::new(),
            records: BTreeMap::new(),
            overflows: BTreeSet::new(),
            suspicions: Vec::new(),
            let_go: BTreeSet::new(),
            refusals: 0,
            ladders: Ladders::default(),
            violations: Vec::new(),
        }
    }

    /// Makes an agent known.
    pub fn add_agent(&mut self, user: &str, agent: u32) {
        self.agents.insert(user.to_owned(), agent);
    }

    /// From now on, and for so long, the machine that the centre runs on is late by so much.
    pub fn add_slow(&mut self, now: Instant, lasting: Duration, by: Duration) {
        // What begins to wait at the end of the span waits no longer than that.
        self.slow.push((now, now + lasting + by, by));
    }

    /// A phone has forgotten its calls: it owes nothing to those that it had placed, and may answer those that it was
    /// offered another time.
    pub fn forgotten_by(&mut self, user: &str) {
        let legs = self.legs.values_mut();
        let its = legs.filter(|leg| if leg.is_outbound { leg.called == user } else { leg.caller == user });
        its.for_each(|leg| leg.is_forgotten = true);
    }

    fn slack_at(&self, at: Instant) -> Duration {
        let slow = self.slow.iter().filter(|(from, until, _)| (*from..=*until).contains(&at));
        // Twice, for there and back.
        self.slack + slow.map(|&(.., by)| by * 2).max().unwrap_or_default()
    }

    /// Whether this user is an agent.
    pub fn is_agent(&self, user: &str) -> bool {
        self.agents.contains_key(user)
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
            self.response(now, &call_id, datagram, &message);
        }
    }

    /// A SIP message arrived.
    pub fn arrived(&mut self, now: Instant, datagram: &Datagram) {
        if ![&b"BYE "[..], b"INVITE ", b"SIP/2.0 2"].iter().any(|start| datagram.bytes.starts_with(start)) {
            return;
        }
        let Ok(message) = Message::parse(datagram.bytes.clone(), &sip::Limits::default()) else { return };
        let Some(leg) = message.call_id().and_then(|call_id| self.legs.get_mut(call_id)) else { return };
        if !message.is_request() {
            let is_known = leg.is_outbound || !leg.is_forgotten;
            leg.answer_arrived |= is_known && leg.is_answer(&message);
            return;
        }
        if message.method() == Method::Invite {
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
            client: datagram.from,
            tag: message.from_tag().unwrap_or_default().to_vec(),
            caller,
            called: user(message.to()),
            cseq,
            reached: false,
            finals: Vec::new(),
            ended: None,
            answer_arrived: false,
            is_forgotten: false,
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
        // The ACK for a refusal has the same number.
        if *method == Method::Ack && leg.answer_arrived && cseq == leg.cseq && leg.acknowledged.is_none() {
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
        // Who picks up while our CANCEL is on its way is acknowledged and sent away, whatever else that phone
        // does by then: it may have hung up for itself, which nobody hears of before the ACK (RFC 3261 §15).
        let Some(leg) = self.legs.get(call_id).filter(|leg| leg.cancelled.is_none()) else { return };
        let other = self.talking.insert(leg.called.clone(), call_id.to_vec());
        self.suspicions.extend(other.map(|other| (now, call_id.to_vec(), other)));
    }

    /// Who answers when the centre has given up, as the answers were not heard, is acknowledged and sent away, whoever
    /// talks there by then.
    fn check_suspicions(&mut self) {
        for (at, one, other) in std::mem::take(&mut self.suspicions) {
            let (Some(one), Some(other)) = (self.legs.get(&one), self.legs.get(&other)) else { continue };
            let is_sent_away = |leg| self.is_sent_away_within(leg, self.slack_at(at));
            if is_sent_away(one) || is_sent_away(other) {
                continue;
            }
            let (called, caller) = (&one.called, one.caller.clone());
            let what = format!("{called} is put through to {caller} while talking to {}", other.caller);
            self.accuse(at, &caller, what);
        }
    }

    /// Whether the centre ended a leg so soon after it was answered.
    fn is_sent_away_within(&self, leg: &Leg, slack: Duration) -> bool {
        leg.acknowledged.is_some_and(|answered| {
            leg.byes.iter().any(|bye| bye.from == self.centre && bye.sent <= answered + slack)
        })
    }

    fn response(&mut self, now: Instant, call_id: &[u8], datagram: &Datagram, message: &Message) {
        let Some(leg) = self.legs.get_mut(call_id).filter(|leg| leg.is_answer(message)) else { return };
        // What a PBX on the way says, by itself or again, is no answer of the centre.
        if leg.is_outbound == (datagram.from == self.centre) {
            return;
        }
        let status = message.status();
        self.refusals += u64::from(!leg.is_outbound && matches!(status, 404 | 488 | 503));
        if status == 503 && !leg.is_outbound && message.fields(sip::Name::RetryAfter).next().is_none() {
            let caller = leg.caller.clone();
            self.accuse(now, &caller, "refused with 503 and no Retry-After");
            return;
        }
        if leg.finals.contains(&status) {
            return;
        }
        // A full house keeps nothing of whom it refuses (RFC 3261 §8.2.7): the INVITE comes once more, because the 503 was
        // lost or the network doubled it, and may find room.
        if !leg.is_outbound && leg.finals == [503] {
            leg.finals.clear();
        }
        leg.ended.get_or_insert(now);
        leg.finals.push(status);
        if leg.finals.len() > 1 && !(leg.is_outbound && leg.is_forgotten) {
            let (caller, what) = (leg.caller.clone(), format!("several final answers: {:?}", leg.finals));
            self.accuse(now, &caller, what);
        }
    }

    /// The distributor let somebody go by a rule: out of the centre, where the caller is named. Whoever gives up while
    /// a number outside is looked for or rings has gone by that rule.
    pub fn overflowed(&mut self, now: Instant, let_go: Option<String>) {
        self.overflows.insert(now);
        self.let_go.extend(let_go);
    }

    /// What the record of a call says about it.
    pub fn recorded(&mut self, caller: &str, outcome: Outcome) {
        self.records.entry(caller.to_owned()).or_default().push(outcome);
    }

    /// A caller's call is over: whether all was right. Where it was, its ladder is forgotten.
    pub fn close(&mut self, now: Instant, caller: &str) {
        self.judge(now, caller, false);
    }

    fn judge(&mut self, now: Instant, caller: &str, is_the_end: bool) {
        let legs_of = self.by_caller.get(caller).map(Vec::as_slice).unwrap_or_default();
        let legs: Vec<&Leg> = legs_of.iter().filter_map(|call_id| self.legs.get(call_id)).collect();
        if !is_the_end && legs.iter().any(|leg| leg.is_picked_up_in_vain()) {
            return;
        }
        let mut wrong: Vec<String> = legs.iter().filter_map(|leg| leg.wrong()).collect();
        let records = self.records.get(caller).map(Vec::as_slice).unwrap_or_default();
        let inbound = legs.iter().find(|leg| !leg.is_outbound && leg.reached);
        match (inbound.map(|leg| self.fate(leg)), records) {
            (None | Some(Fate::Refused), []) => {}
            // A phone that is dead keeps its leg for 64*T1, and the record waits for it.
            (Some(_), []) if !is_the_end => return,
            (Some(fate), [outcome]) if fate.is_told_by(*outcome) => {}
            (fate, records) => wrong.push(format!("the wire says {fate:?}, the records say {records:?}")),
        }
        let is_suspect =
            self.suspicions.iter().any(|(_, one, other)| legs_of.contains(one) || legs_of.contains(other));
        if wrong.is_empty() && !is_suspect {
            self.ladders.forget(caller);
        }
        for what in wrong {
            self.accuse(now, caller, what);
        }
    }

    /// Refusals that the centre sent, repeated ones counted. One that keeps nothing of a call that it refuses takes
    /// a copy of its INVITE for another call.
    pub fn refusals(&self) -> u64 {
        self.refusals
    }

    /// Looks at all calls that were not closed before.
    pub fn check_the_end(&mut self, now: Instant) {
        self.check_suspicions();
        let open: Vec<String> = self.by_caller.keys().cloned().collect();
        for caller in open {
            let is_accused = self.violations.iter().any(|violation| violation.caller == caller);
            if !is_accused {
                self.judge(now, &caller, true);
            }
        }
    }

    /// What became of all calls that came in.
    pub fn truth(&self) -> Truth {
        let mut truth = Truth::default();
        for leg in self.legs.values().filter(|leg| !leg.is_outbound && leg.reached) {
            let fate = self.fate(leg);
            match fate {
                Fate::Answered => truth.answered += 1,
                Fate::Abandoned => truth.abandoned += 1,
                Fate::Overflowed => truth.overflowed += 1,
                Fate::Refused => truth.refused += 1,
                Fate::Waiting => truth.waiting += 1,
            }
            truth.offered += u64::from(fate != Fate::Refused);
        }
        truth
    }

    fn fate(&self, leg: &Leg) -> Fate {
        match leg.finals.first() {
            None => Fate::Waiting,
            Some(487 | 200..=299) if self.is_contested(leg) => self.recorded_fate(&leg.caller),
            Some(_) if self.let_go.contains(&leg.caller) => Fate::Overflowed,
            Some(404 | 488 | 503) => Fate::Refused,
            // It gave up, or the centre ended what nobody else would have ended.
            Some(300..) => Fate::Abandoned,
            Some(_) => match self.kept(&leg.caller) {
                Kept::ByAgent => Fate::Answered,
                Kept::ByNumber => Fate::Overflowed,
                Kept::Unclear => self.recorded_fate(&leg.caller),
                Kept::ByNobody => match leg.byes.first() {
                    None => Fate::Waiting,
                    Some(_) => Fate::Abandoned,
                },
            },
        }
    }

    /// Whether something was on its way through the rings while the caller gave up, or happened in the same
    /// instant: an agent had picked up (in vain, as the wire shows), or the queue had let the caller go.
    /// Whichever the distributor heard of first is right, and only the record knows.
    fn is_contested(&self, leg: &Leg) -> bool {
        let Some(given_up) = leg.given_up() else { return false };
        let picked_up = |outbound: &Leg| {
            let picked_up = outbound.acknowledged.filter(|_| self.agents.contains_key(&outbound.called));
            picked_up.is_some_and(|at| at <= given_up && given_up <= at + self.slack_at(at))
        };
        let slack = self.slack_at(given_up);
        self.outbound(&leg.caller).any(picked_up)
            || self.overflows.range(given_up - slack..=given_up + slack).next().is_some()
    }

    fn recorded_fate(&self, caller: &str) -> Fate {
        match self.records.get(caller).and_then(|records| records.first()) {
            Some(Outcome::Answered | Outcome::CalledBack) => Fate::Answered,
            Some(Outcome::Abandoned | Outcome::Failed | Outcome::CallbackEnded) => Fate::Abandoned,
            Some(Outcome::Overflowed) => Fate::Overflowed,
            None => Fate::Waiting,
        }
    }

    fn outbound(&self, caller: &str) -> impl Iterator<Item = &Leg> {
        let legs = self.by_caller.get(caller).map(Vec::as_slice).unwrap_or_default();
        legs.iter().filter_map(|call_id| self.legs.get(call_id)).filter(|leg| leg.is_outbound)
    }

    /// Whom the caller was put through to.
    fn kept(&self, caller: &str) -> Kept {
        let mut kept = Kept::ByNobody;
        for leg in self.outbound(caller) {
            let Some(picked_up) = leg.acknowledged else { continue };
            let slack = self.slack_at(picked_up);
            let window = picked_up + slack;
            let is_sent_away = self.is_sent_away_within(leg, self.slack);
            let is_agent = self.agents.contains_key(&leg.called);
            let leaves = |bye: &Bye| bye.from != self.centre && bye.arrived.is_some_and(|at| at <= window);
            // A machine that is late may have sent somebody away in vain, or ended a conversation.
            let is_unclear = !is_sent_away && self.is_sent_away_within(leg, slack);
            if is_agent && (is_unclear || leg.byes.iter().any(leaves)) {
                kept = Kept::Unclear;
            } else if !is_sent_away {
                return if is_agent { Kept::ByAgent } else { Kept::ByNumber };
            }
        }
        kept
    }

    /// How many INVITEs the centre sent to this user, repetitions not counted.
    pub fn legs_to(&self, user: &str) -> usize {
        self.legs.values().filter(|leg| leg.is_outbound && leg.called == user).count()
    }
}

/// The transaction's name where it began: proxies on the way put their own above it.
fn branch(message: &Message) -> Option<String> {
    let first = message.values(sip::Name::Via).last()?;
    sip::Via::parse(&first).ok()?.branch().map(str::to_owned)
}

/// Both sides hung up before either heard of the other's BYE.
fn cross(first: &Bye, second: &Bye) -> bool {
    first.from != second.from && first.arrived.is_none_or(|arrived| second.sent <= arrived)
}

#[cfg(test)]
mod tests;
