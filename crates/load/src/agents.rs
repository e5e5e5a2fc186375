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
use crate::callers::Around;
use crate::figures::Measure;
use crate::line::{Key, Rung};
use crate::plan::Agents as Profile;
use crate::wire::{GIVE_UP, LINGER, Pending, Place};
use ring::{Ring, Stage};

/// The generation that stands in tags of registrations: calls never come to it.
const ACCOUNT: u32 = u32::MAX;
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
    /// What is over need not answer repetitions any more.
    Forget,
    /// An account registers, or refreshes.
    Register,
    /// A REGISTER is sent again.
    RepeatRegister,
    /// No answer to a REGISTER.
    GiveUpRegister,
}

/// Everybody who answers: see the module.
#[derive(Debug)]
pub(crate) struct Agents {
    place: Place,
    profiles: Vec<Profile>,
    agents: Vec<Agent>,
    names: BTreeMap<String, u32>,
    /// Those without a call whose profile takes any number.
    takers: VecDeque<u32>,
    rings: Vec<Slot>,
    free: Vec<u32>,
    /// Initial INVITEs by Call-ID and branch.
    invites: BTreeMap<(Bytes, String), Key>,
    /// Rings so far: the place in the draws.
    rung: u32,
    seed: u64,
    timers: TimerWheel<(Key, What)>,
    /// Phones that register again and again until told otherwise.
    wants_registration: bool,
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

/// One place for a ring.
#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    ring: Option<Ring>,
}

impl Agents {
    pub(crate) fn new(place: Place, profiles: Vec<Profile>, seed: u64) -> Agents {
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
            rings: Vec::new(),
            free: Vec::new(),
            invites: BTreeMap::new(),
            rung: 0,
            seed,
            timers: TimerWheel::new(),
            wants_registration: true,
            registered: 0,
        }
    }

    /// Whether nothing is left, not even what answers repetitions.
    pub(crate) fn is_empty(&self) -> bool {
        self.rings.len() == self.free.len()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next_deadline()
    }

    pub(crate) fn handle_timeout(&mut self, around: &mut Around<'_>) {
        while let Some((key, what)) = self.timers.poll(around.now) {
            match what {
                What::Act => self.act(around, key),
                What::Repeat => self.repeat(around, key),
                What::GiveUp => self.give_up(around, key),
                What::HangUp => self.hang_up(around, key),
                What::Forget => self.forget(key),
                What::Register => self.register(around, key),
                What::RepeatRegister => self.repeat_register(around, key),
                What::GiveUpRegister => self.give_up_registration(around, key),
            }
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
        let key = self.place_for_a_ring();
        let profile = self.agents[who as usize].profile;
        let mut ring = Ring::new(invite.clone(), source, self.place.tag(key), who, from, profile, self.rung);
        self.rung = self.rung.wrapping_add(1);
        ring.branch = branch.to_owned();
        let index = (invite.call_id().map(Bytes::copy_from_slice).unwrap_or_default(), branch.to_owned());
        self.invites.insert(index, key);
        let agent = &mut self.agents[who as usize];
        agent.busy = Some(key);
        let free_since = agent.free_since.take();
        self.measure_ring(around, profile, free_since, &ring.from);
        let mut draws = Draws::new(self.seed, 0, lane(profile), ring.number, Purpose::Retrial, 0);
        let answers = self.profiles[profile].answers;
        let drawn = draws.uniform();
        ring.will = ring::Will::drawn(&answers, drawn);
        let will = ring.will;
        self.rings[key.index as usize].ring = Some(ring);
        if will == ring::Will::BeBusy {
            return self.refuse(around, key, 486);
        }
        self.say(around, key, 180);
        let mut draws = Draws::new(self.seed, 0, lane(profile), self.rung, Purpose::PickUp, 0);
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

    /// How long the caller and the agent have waited for this ring.
    fn measure_ring(&self, around: &mut Around<'_>, profile: usize, free_since: Option<Instant>, from: &str) {
        let planned = match around.line.ring(from) {
            Rung::First(planned) => {
                if around.figures.counts(planned) {
                    around.figures.time(Measure::Agent, around.now.since(planned));
                }
                planned
            }
            Rung::Again(planned) => planned,
            Rung::Stranger => {
                around.figures.strangers += 1;
                return;
            }
        };
        // Only a caller who was there already waited for this agent.
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
        let source = ring.source;
        around.line.answer(&ring.from);
        self.keep_sending(around.now, key, bytes, source);
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
        let Some(bytes) = self.say(around, key, status) else { return };
        let Some(ring) = self.find(key) else { return };
        ring.stage = Stage::Refused;
        let source = ring.source;
        self.let_go(key);
        self.keep_sending(around.now, key, bytes, source);
    }

    fn hang_up(&mut self, around: &mut Around<'_>, key: Key) {
        let place = self.place.clone();
        let Some(ring) = self.find(key) else { return };
        if !matches!(ring.stage, Stage::Answered | Stage::Talking) {
            return;
        }
        let bye = ring.dialog().and_then(|dialog| {
            Some((dialog.request(Method::Bye, 1, &place.via(key, 1))?, dialog.next_hop()))
        });
        ring.stage = Stage::Leaving;
        let Some((bye, to)) = bye else { return self.end(around, key) };
        let bytes = bye.bytes().clone();
        around.out.push_back((to, bytes.clone()));
        self.keep_sending(around.now, key, bytes, to);
    }

    /// The agent has nothing to do with this call any more.
    fn let_go(&mut self, key: Key) {
        let Some(ring) = self.find(key) else { return };
        let who = ring.agent;
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
        let who = ring.agent;
        let has_talked = matches!(ring.stage, Stage::Answered | Stage::Talking | Stage::Leaving);
        ring.stage = Stage::Over;
        self.let_go(key);
        if has_talked {
            self.agents[who as usize].free_since = Some(around.now);
        }
        if self.place.is_reliable() {
            self.forget(key);
        } else {
            self.schedule(around.now + LINGER, key, What::Forget);
        }
    }

    fn give_up(&mut self, around: &mut Around<'_>, key: Key) {
        if self.find(key).is_some() {
            self.end(around, key);
        }
    }
}

/// Places and timers.
impl Agents {
    fn find(&mut self, key: Key) -> Option<&mut Ring> {
        let slot = self.rings.get_mut(key.index as usize)?;
        if slot.generation != key.generation {
            return None;
        }
        slot.ring.as_mut()
    }

    fn place_for_a_ring(&mut self) -> Key {
        let index = self.free.pop().unwrap_or_else(|| {
            self.rings.push(Slot::default());
            u32::try_from(self.rings.len() - 1).expect("fewer than 2^32 rings at once")
        });
        Key { index, generation: self.rings[index as usize].generation }
    }

    fn forget(&mut self, key: Key) {
        self.settle(key);
        let Some(slot) = self.rings.get_mut(key.index as usize) else { return };
        if slot.generation != key.generation {
            return;
        }
        if let Some(ring) = slot.ring.take() {
            slot.generation = (slot.generation + 1) % ACCOUNT;
            self.free.push(key.index);
            let call_id = ring.invite.call_id().map(Bytes::copy_from_slice).unwrap_or_default();
            self.invites.remove(&(call_id, ring.branch));
        }
    }

    fn schedule(&mut self, at: Instant, key: Key, what: What) -> TimerId {
        self.timers.schedule(at, (key, what))
    }

    /// What was just sent is repeated until [`Agents::settle`].
    fn keep_sending(&mut self, now: Instant, key: Key, bytes: Bytes, to: SocketAddr) {
        self.settle(key);
        let pending = Pending::new(bytes, to, now, true);
        let repeat = (!self.place.is_reliable()).then(|| self.schedule(pending.first(), key, What::Repeat));
        let deadline = self.schedule(now + GIVE_UP, key, What::GiveUp);
        let Some(ring) = self.find(key) else { return };
        (ring.repeat, ring.deadline, ring.pending) = (repeat, Some(deadline), Some(pending));
    }

    fn repeat(&mut self, around: &mut Around<'_>, key: Key) {
        let Some(pending) = self.find(key).and_then(|ring| ring.pending.as_mut()) else { return };
        around.out.push_back((pending.to, pending.bytes.clone()));
        let next = pending.again(around.now);
        around.figures.sent_again += 1;
        let repeat = self.schedule(next, key, What::Repeat);
        if let Some(ring) = self.find(key) {
            ring.repeat = Some(repeat);
        }
    }

    fn settle(&mut self, key: Key) {
        let Some(ring) = self.find(key) else { return };
        ring.pending = None;
        for timer in [ring.repeat.take(), ring.deadline.take()].into_iter().flatten() {
            self.timers.cancel(timer);
        }
    }

    /// Answers the INVITE; what was said.
    fn say(&mut self, around: &mut Around<'_>, key: Key, status: u16) -> Option<Bytes> {
        let slot = self.rings.get_mut(key.index as usize)?;
        let ring = slot.ring.as_mut().filter(|_| slot.generation == key.generation)?;
        let user = &self.agents[ring.agent as usize].user;
        let response =
            self.place.respond(&ring.invite, ring.source, status, &ring.tag, user, status == 200)?;
        let bytes = response.bytes().clone();
        ring.said = Some(bytes.clone());
        around.out.push_back((ring.source, bytes.clone()));
        Some(bytes)
    }
}

fn lane(profile: usize) -> u32 {
    u32::try_from(profile).unwrap_or(u32::MAX)
}
