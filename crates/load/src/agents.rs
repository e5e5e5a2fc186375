//! Those who answer.

mod registering;
mod requests;
mod ring;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use sip::{Message, Method};
use timing::{Instant, TimerId, TimerWheel};
use whatif::{Draws, Purpose};

use crate::account::Account;
use crate::audio::AudioChange;
use crate::callers::Around;
use crate::figures::{AgentFault, Measure};
use crate::line::{Key, Rung};
use crate::pairs::target_of;
use crate::plan::{Agents as Profile, Side};
use crate::sending::{Due, Repeated};
use crate::slots::{ACCOUNT, Slots};
use crate::wire::{LINGER, Place};
use ring::{Ring, Stage};

/// Where the draws of agents begin: above those of all kinds of callers.
const AGENTS_LANE: u32 = 1 << 19;
/// How long a phone rings before it gives up by itself.
const RINGS_FOR: Duration = Duration::from_secs(180);

/// What comes due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// The agent does what it does when rung.
    Act,
    /// A message is sent again.
    Repeat,
    /// Nothing came.
    GiveUp,
    /// The agent has talked long enough.
    HangUp,
    /// An account registers, or refreshes.
    Register,
    /// A REGISTER is sent again.
    RepeatRegister,
    /// No answer to a REGISTER.
    GiveUpRegister,
}

/// What falls due of a message that is sent.
const DUE: Due<What> = Due { again: What::Repeat, give_up: What::GiveUp };

/// Everybody who answers: see the module.
#[derive(Debug)]
pub(crate) struct Agents {
    place: Place,
    profiles: Vec<Profile>,
    agents: Vec<Agent>,
    names: BTreeMap<String, u32>,
    /// Those without a call whose profile takes any number.
    takers: VecDeque<u32>,
    rings: Slots<Ring>,
    /// Rings beyond one for each agent, and rings that are over, are no more than this.
    spare_max: usize,
    /// Those that are over and answer repetitions until then, the oldest first.
    over: VecDeque<(Instant, Key)>,
    /// Initial INVITEs by Call-ID and branch.
    invites: BTreeMap<(Bytes, String), Key>,
    /// Rings so far: the place in the draws.
    rung: u32,
    seed: u64,
    timers: TimerWheel<(Key, What)>,
    /// Phones that register again and again until told otherwise.
    wants_registration: bool,
    /// Rings that are not over.
    active: usize,
    unsettled: usize,
    registered: usize,
}

/// Somebody with a phone.
#[derive(Debug)]
struct Agent {
    profile: usize,
    user: String,
    account: Option<Account>,
    /// The ring or call in hand.
    busy: Option<Key>,
    /// When the last conversation ended.
    free_since: Option<Instant>,
}

impl Agents {
    /// `spare_max`: how many rings are kept beyond one for each agent, whatever comes, and how many that are over.
    pub(crate) fn new(place: Place, profiles: Vec<Profile>, seed: u64, spare_max: usize) -> Agents {
        let mut agents = Vec::new();
        for (which, profile) in profiles.iter().enumerate() {
            for credentials in &profile.accounts {
                let index = u32::try_from(agents.len()).expect("fewer than 2^32 agents");
                let key = Key { index, generation: ACCOUNT };
                let account = profile.expires.map(|expires| Account::new(key, credentials.clone(), expires));
                let user = credentials.user.clone();
                agents.push(Agent { profile: which, user, account, busy: None, free_since: None });
            }
        }
        let names = agents.iter().zip(0..).map(|(agent, index)| (agent.user.clone(), index)).collect();
        let takers = (0..).zip(&agents).filter(|(_, agent)| profiles[agent.profile].take_any);
        Agents {
            takers: takers.map(|(index, _)| index).collect(),
            names,
            unsettled: agents.iter().filter(|agent| agent.account.is_some()).count(),
            place,
            profiles,
            agents,
            rings: Slots::new(),
            spare_max,
            over: VecDeque::new(),
            invites: BTreeMap::new(),
            rung: 0,
            seed,
            timers: TimerWheel::new(),
            wants_registration: true,
            active: 0,
            registered: 0,
        }
    }

    /// Whether nothing is left, not even what answers repetitions.
    pub(crate) fn is_empty(&self) -> bool {
        self.rings.is_empty()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let forgotten = self.over.front().map(|&(at, _)| at);
        [self.timers.next_deadline(), forgotten].into_iter().flatten().min()
    }

    pub(crate) fn handle_timeout(&mut self, around: &mut Around<'_>) {
        while let Some((key, what)) = self.timers.poll(around.now) {
            match what {
                What::Act => self.act(around, key),
                What::Repeat => self.repeat(around, key),
                What::GiveUp => self.give_up(around, key),
                What::HangUp => self.hang_up(around, key),
                What::Register => self.register(around, key),
                What::RepeatRegister => self.repeat_register(around, key),
                What::GiveUpRegister => self.give_up_registration(around, key),
            }
        }
        while let Some(&(_, key)) = self.over.front().filter(|&&(at, _)| at <= around.now) {
            self.over.pop_front();
            self.forget(key);
        }
    }
}

/// What agents do.
impl Agents {
    /// A phone rings.
    fn rung(
        &mut self,
        around: &mut Around<'_>,
        invite: &Message,
        branch: &str,
        source: SocketAddr,
        who: u32,
    ) {
        around.figures.rung += 1;
        let from = invite.from().ok().and_then(|from| from.uri.user()).unwrap_or_default();
        let profile = self.agents[who as usize].profile;
        let number = self.rung;
        self.rung = self.rung.wrapping_add(1);
        let draws = |purpose| Draws::new(self.seed, 0, lane(profile), number, purpose, 0);
        let will = ring::Will::drawn(&self.profiles[profile].answers, draws(Purpose::Order).uniform());
        let mut draws = draws(Purpose::PickUp);
        let unheld = Ring::new(invite.clone(), source, from.clone());
        let counts = around.figures.counts(around.now);
        let pair = around.line.pair(&from);
        if let Some(pair) = pair {
            around.pairs.hold(pair);
        }
        let key = self.hold(Ring { profile, number, counts, pair, will, agent: Some(who), ..unheld }, branch);
        let agent = &mut self.agents[who as usize];
        agent.busy = Some(key);
        let free_since = agent.free_since.take();
        self.measure_ring(around, profile, free_since, &from);
        if will == ring::Will::BeBusy {
            return self.refuse(around, key, 486);
        }
        if self.say(around, key, 180).is_none() {
            // It cannot be answered, so nothing that belongs to it will ever come.
            around.figures.strays += 1;
            return self.end(around, key);
        }
        let after = match will {
            ring::Will::Ignore => RINGS_FOR,
            ring::Will::PickUp | ring::Will::Decline | ring::Will::BeBusy => {
                self.profiles[profile].ring.draw(&mut draws)
            }
        };
        if after.is_zero() {
            self.act(around, key);
        } else {
            self.schedule(around.now + after, key, What::Act);
        }
    }

    /// Keeps a ring from now on; its name.
    fn hold(&mut self, ring: Ring, branch: &str) -> Key {
        let key = self.rings.reserve();
        let call_id = ring.invite.call_id().map(Bytes::copy_from_slice).unwrap_or_default();
        self.invites.insert((call_id, branch.to_owned()), key);
        let ring = Ring { branch: branch.to_owned(), tag: self.place.tag(key), ..ring };
        self.rings.put(key, ring);
        self.active += 1;
        key
    }

    /// Refuses what rings nobody, and answers its repetitions with the same.
    fn turn_away(
        &mut self,
        around: &mut Around<'_>,
        invite: &Message,
        branch: &str,
        source: SocketAddr,
        status: u16,
    ) {
        let key = self.hold(Ring::new(invite.clone(), source, String::new()), branch);
        self.refuse(around, key, status);
        if self.find(key).is_some_and(|ring| ring.said.is_none()) {
            around.figures.strays += 1;
            self.forget(key);
        }
    }

    /// Whether no further ring can be kept: a flood, or a system that ends nothing.
    fn is_full(&self) -> bool {
        self.active >= self.agents.len().saturating_add(self.spare_max)
    }

    /// How long the caller and the agent have waited for this ring.
    fn measure_ring(&self, around: &mut Around<'_>, profile: usize, free_since: Option<Instant>, from: &str) {
        let planned = match around.line.ring(from) {
            Rung::First(planned) => planned,
            Rung::Again => return,
            Rung::Stranger => {
                around.figures.strangers += 1;
                return;
            }
        };
        if around.figures.counts(planned) {
            around.figures.time(Measure::Agent, around.now.since(planned));
        }
        // Only a caller who was there already, and with no other agent, waited for this one.
        if let Some(since) = free_since.filter(|since| planned <= *since && around.figures.counts(*since)) {
            let peace = self.profiles[profile].after_call_work;
            around.figures.time(Measure::NextRing, around.now.since(since).saturating_sub(peace));
        }
    }

    /// The agent has heard the phone for long enough.
    fn act(&mut self, around: &mut Around<'_>, key: Key) {
        let Some(ring) = self.find(key).filter(|ring| ring.stage == Stage::Ringing) else { return };
        match ring.will {
            ring::Will::PickUp => self.pick_up(around, key),
            ring::Will::Decline => self.refuse(around, key, 603),
            ring::Will::Ignore | ring::Will::BeBusy => self.refuse(around, key, 480),
        }
    }

    fn pick_up(&mut self, around: &mut Around<'_>, key: Key) {
        around.figures.picked_up += 1;
        let Some(bytes) = self.say(around, key, 200) else { return };
        let Some(ring) = self.find(key) else { return };
        (ring.stage, ring.since) = (Stage::Answered, around.now);
        around.line.answer(&ring.from);
        if let Some(pair) = ring.pair {
            let target = target_of(&ring.invite);
            around.pairs.say(pair, Side::Agents, key, AudioChange::Begin);
            around.pairs.say(pair, Side::Agents, key, AudioChange::Send(target));
        }
        // RFC 3261 §13.3.1.4: whatever the transport, for an ACK goes from end to end.
        self.keep_sending(around.now, key, bytes, Repeated::Capped);
        self.plan_end(around, key);
    }

    fn plan_end(&mut self, around: &mut Around<'_>, key: Key) {
        let Some(ring) = self.find(key) else { return };
        let (number, profile) = (ring.number, ring.profile);
        let Some(talk) = &self.profiles[profile].talk else { return };
        let talk = talk.draw(&mut Draws::new(self.seed, 0, lane(profile), number, Purpose::Handling, 0));
        self.schedule(around.now + talk, key, What::HangUp);
    }

    fn refuse(&mut self, around: &mut Around<'_>, key: Key, status: u16) {
        let Some(sent) = self.say(around, key, status) else { return };
        let Some(ring) = self.find(key) else { return };
        ring.stage = Stage::Refused;
        self.let_go(key);
        let repeated = self.place.repeated(Repeated::Capped);
        self.keep_sending(around.now, key, sent, repeated);
    }

    fn hang_up(&mut self, around: &mut Around<'_>, key: Key) {
        let place = self.place.clone();
        let Some(ring) = self.find(key) else { return };
        match ring.stage {
            Stage::Talking => {}
            // RFC 3261 §15: not before the ACK.
            Stage::Answered => {
                ring.wants_out = true;
                return;
            }
            Stage::Ringing | Stage::Refused | Stage::Leaving | Stage::Over => return,
        }
        let bye = ring.dialog().and_then(|dialog| {
            Some((dialog.request(Method::Bye, 1, &place.via(key, 1))?, dialog.next_hop()))
        });
        ring.stage = Stage::Leaving;
        let counts = ring.counts;
        around.line.hang_up(&ring.from);
        if let Some(pair) = ring.pair {
            around.pairs.say(pair, Side::Agents, key, AudioChange::End);
        }
        // Whoever has hung up can be rung again.
        self.free_from(around.now, key);
        let Some((bye, to)) = bye else {
            around.figures.fault(AgentFault::NotEnded, counts);
            return self.end(around, key);
        };
        let sent = (to, bye.bytes().clone());
        around.out.push_back(sent.clone());
        let repeated = self.place.repeated(Repeated::Capped);
        self.keep_sending(around.now, key, sent, repeated);
    }

    /// The agent's conversation is over, and the next may come.
    fn free_from(&mut self, now: Instant, key: Key) {
        let agent = self.find(key).and_then(|ring| ring.agent);
        if let Some(agent) =
            agent.map(|who| &mut self.agents[who as usize]).filter(|agent| agent.busy == Some(key))
        {
            agent.free_since = Some(now);
        }
        self.let_go(key);
    }

    /// The agent has nothing to do with this call any more.
    fn let_go(&mut self, key: Key) {
        let Some(who) = self.find(key).and_then(|ring| ring.agent) else { return };
        let agent = &mut self.agents[who as usize];
        if agent.busy == Some(key) {
            agent.busy = None;
            if self.profiles[agent.profile].take_any {
                self.takers.push_back(who);
            }
        }
    }

    /// A conversation is over: the agent can be rung again.
    fn end(&mut self, around: &mut Around<'_>, key: Key) {
        self.settle(key);
        let Some(ring) = self.find(key) else { return };
        let has_talked = matches!(ring.stage, Stage::Answered | Stage::Talking);
        if ring.stage == Stage::Over {
            return;
        }
        ring.stage = Stage::Over;
        if let Some(pair) = ring.pair.take() {
            if has_talked {
                around.pairs.say(pair, Side::Agents, key, AudioChange::End);
            }
            around.pairs.release(around.now, pair);
        }
        if has_talked {
            self.free_from(around.now, key);
        } else {
            self.let_go(key);
        }
        self.active -= 1;
        if self.place.is_reliable() {
            return self.forget(key);
        }
        self.over.push_back((around.now + LINGER, key));
        // Under a flood the oldest, whose repetitions are the least likely, go before their time.
        if self.over.len() > self.spare_max
            && let Some((_, oldest)) = self.over.pop_front()
        {
            self.forget(oldest);
        }
    }

    /// An answer, or the ACK of ours, has not come for as long as the protocol waits.
    fn give_up(&mut self, around: &mut Around<'_>, key: Key) {
        let Some(ring) = self.find(key) else { return };
        match ring.stage {
            Stage::Answered => {
                around.figures.fault(AgentFault::NotAcknowledged, ring.counts);
                ring.stage = Stage::Talking;
                // RFC 3261 §13.3.1.4.
                self.hang_up(around, key);
            }
            Stage::Leaving => {
                around.figures.fault(AgentFault::NotEnded, ring.counts);
                self.end(around, key);
            }
            Stage::Ringing | Stage::Talking | Stage::Refused => self.end(around, key),
            Stage::Over => {}
        }
    }

    /// Rings and conversations, and what is still to be answered of them.
    pub(crate) fn active(&self) -> usize {
        self.active
    }

    /// The time to end is over: what is still there is ended without waiting for an answer.
    pub(crate) fn leave_over(&mut self, around: &mut Around<'_>) {
        for key in self.rings.keys() {
            let Some(ring) = self.find(key) else { continue };
            match ring.stage {
                Stage::Ringing => self.refuse(around, key, 480),
                Stage::Answered | Stage::Talking => {
                    around.figures.fault(AgentFault::LeftOver, ring.counts);
                    ring.stage = Stage::Talking;
                    self.hang_up(around, key);
                }
                Stage::Refused | Stage::Leaving | Stage::Over => {}
            }
            self.end(around, key);
        }
    }
}

/// Places and timers.
impl Agents {
    fn find(&mut self, key: Key) -> Option<&mut Ring> {
        self.rings.find(key)
    }

    fn forget(&mut self, key: Key) {
        self.settle(key);
        if let Some(ring) = self.rings.take(key) {
            self.active -= usize::from(ring.stage != Stage::Over);
            let call_id = ring.invite.call_id().map(Bytes::copy_from_slice).unwrap_or_default();
            self.invites.remove(&(call_id, ring.branch));
        }
    }

    fn schedule(&mut self, at: Instant, key: Key, what: What) -> TimerId {
        self.timers.schedule(at, (key, what))
    }

    /// What was just sent is repeated until [`Agents::settle`].
    fn keep_sending(&mut self, now: Instant, key: Key, message: (SocketAddr, Bytes), repeated: Repeated) {
        let Some(ring) = self.rings.find(key) else { return };
        ring.sending.begin(&mut self.timers, now, key, message, (repeated, DUE));
    }

    fn repeat(&mut self, around: &mut Around<'_>, key: Key) {
        let Some(ring) = self.rings.find(key) else { return };
        let again = ring.sending.again(&mut self.timers, around.now, key, What::Repeat);
        around.figures.sent_again += u64::from(again.is_some());
        around.out.extend(again);
    }

    fn settle(&mut self, key: Key) {
        if let Some(ring) = self.rings.find(key) {
            ring.sending.settle(&mut self.timers);
        }
    }

    /// Answers the INVITE; what was said.
    fn say(&mut self, around: &mut Around<'_>, key: Key, status: u16) -> Option<(SocketAddr, Bytes)> {
        let ring = self.rings.find(key)?;
        let user = ring.agent.map_or("", |who| self.agents[who as usize].user.as_str());
        let sdp = (status == 200).then(|| self.place.sdp(ring.pair));
        let said = self.place.respond(&ring.invite, ring.source, status, &ring.tag, user, sdp)?;
        ring.said = Some(said.clone());
        around.out.push_back(said.clone());
        Some(said)
    }
}

/// Whose draws these are: no caller's.
fn lane(profile: usize) -> u32 {
    AGENTS_LANE + u32::try_from(profile).unwrap_or(0)
}
