//! What comes to agents in calls.

use std::net::SocketAddr;

use bytes::Bytes;
use sip::{Message, Method};

use super::ring::Stage;
use super::{Agents, Around};
use crate::audio::AudioChange;
use crate::figures::{AgentFault, Measure};
use crate::line::Key;
use crate::pairs::target_of;
use crate::plan::Side;
use crate::slots::ACCOUNT;

/// The tag of answers that nothing is kept of. It is the same each time, so that an INVITE that is repeated has the same
/// answer (RFC 3261 §8.2.7), and no call has it.
const NOBODY: &str = "none";

impl Agents {
    /// A request of the system.
    pub(crate) fn handle_request(&mut self, around: &mut Around<'_>, request: &Message, source: SocketAddr) {
        let branch =
            request.top_via().ok().and_then(|via| via.branch().map(str::to_owned)).unwrap_or_default();
        let call_id = request.call_id().map(Bytes::copy_from_slice).unwrap_or_default();
        let by_branch = self.invites.get(&(call_id, branch.clone())).copied();
        let by_tag = request.to_tag().and_then(|tag| self.place.key_of(tag));
        let key = by_tag.or(by_branch).filter(|key| self.find(*key).is_some());
        match (request.method(), key) {
            (Method::Invite, None) if request.to_tag().is_none() => {
                self.invited(around, request, &branch, source);
            }
            (Method::Invite, Some(key)) if by_tag.is_none() => self.invited_again(around, key),
            (Method::Ack, Some(key)) => self.acknowledged(around, key),
            // Of an INVITE that was refused without being kept.
            (Method::Ack, None) if request.to_tag() == Some(NOBODY.as_bytes()) => {}
            (Method::Ack, None) => around.figures.strays += 1,
            (Method::Cancel, Some(key)) => self.cancelled(around, request, source, key),
            (Method::Bye, Some(key)) => self.hung_up(around, request, source, key),
            // A hold, a change of the media's way, a question: agreed to.
            (Method::Invite, Some(key)) => self.agree(around, request, source, key, true),
            (Method::Update, Some(key)) => {
                self.agree(around, request, source, key, !request.body().is_empty());
            }
            (Method::Info | Method::Message | Method::Notify | Method::Options, Some(key)) => {
                self.agree(around, request, source, key, false);
            }
            // REFER, SUBSCRIBE and what else a load does not do.
            (_, Some(_)) => self.answer(around, request, source, 501),
            (Method::Options, None) => self.answer(around, request, source, 200),
            (_, None) => {
                around.figures.strays += 1;
                self.answer(around, request, source, 481);
            }
        }
    }

    fn invited(&mut self, around: &mut Around<'_>, invite: &Message, branch: &str, source: SocketAddr) {
        if self.is_full() {
            around.figures.not_kept += 1;
            return self.answer(around, invite, source, 486);
        }
        let called = invite.uri().ok().and_then(|uri| uri.user()).unwrap_or_default();
        let named = self.names.get(&called).copied();
        let Some(who) = named.or_else(|| self.next_taker()) else {
            around.figures.unknown += 1;
            return self.turn_away(around, invite, branch, source, 404);
        };
        if self.agents[who as usize].busy.is_some() {
            around.figures.clashes += 1;
            return self.turn_away(around, invite, branch, source, 486);
        }
        self.rung(around, invite, branch, source, who);
    }

    /// The next who is free and takes any number. One who was called by name meanwhile stands in the list still.
    fn next_taker(&mut self) -> Option<u32> {
        loop {
            let who = self.takers.pop_front()?;
            if self.agents[who as usize].busy.is_none() {
                return Some(who);
            }
        }
    }

    /// The same INVITE once more: what was said last is said again.
    fn invited_again(&mut self, around: &mut Around<'_>, key: Key) {
        around.figures.came_again += 1;
        around.out.extend(self.find(key).and_then(|ring| ring.said.clone()));
    }

    fn acknowledged(&mut self, around: &mut Around<'_>, key: Key) {
        let Some(ring) = self.find(key) else { return };
        match ring.stage {
            Stage::Answered => {
                ring.stage = Stage::Talking;
                let took = around.now.since(ring.since);
                let wants_out = ring.wants_out;
                if around.figures.counts(around.now) {
                    around.figures.time(Measure::Acknowledged, took);
                }
                self.settle(key);
                if wants_out {
                    self.hang_up(around, key);
                }
            }
            Stage::Refused => self.end(around, key),
            // Of a re-INVITE, or repeated.
            Stage::Ringing | Stage::Talking | Stage::Leaving | Stage::Over => {}
        }
    }

    fn cancelled(&mut self, around: &mut Around<'_>, cancel: &Message, source: SocketAddr, key: Key) {
        self.agree(around, cancel, source, key, false);
        if self.find(key).is_some_and(|ring| ring.stage == Stage::Ringing) {
            self.refuse(around, key, 487);
        }
    }

    fn hung_up(&mut self, around: &mut Around<'_>, bye: &Message, source: SocketAddr, key: Key) {
        self.agree(around, bye, source, key, false);
        match self.find(key).map(|ring| ring.stage) {
            Some(Stage::Answered | Stage::Talking) => self.end(around, key),
            // Both at once: the answer to our own BYE is still to come.
            Some(Stage::Leaving) => {}
            Some(Stage::Over) => around.figures.came_again += 1,
            Some(Stage::Ringing | Stage::Refused) | None => around.figures.strays += 1,
        }
    }

    fn agree(
        &mut self,
        around: &mut Around<'_>,
        request: &Message,
        source: SocketAddr,
        key: Key,
        is_described: bool,
    ) {
        let Some(ring) = self.find(key) else { return };
        let (tag, agent, pair) = (ring.tag.clone(), ring.agent, ring.pair);
        if let Some(pair) = pair.filter(|_| is_described && !request.body().is_empty()) {
            around.pairs.say(pair, Side::Agents, key, AudioChange::Send(target_of(request)));
        }
        let user = agent.map_or("", |who| self.agents[who as usize].user.as_str());
        let sdp = is_described.then(|| self.place.sdp(pair));
        around.out.extend(self.place.respond(request, source, 200, &tag, user, sdp));
    }

    /// Answers what belongs to no call.
    fn answer(&self, around: &mut Around<'_>, request: &Message, source: SocketAddr, status: u16) {
        around.out.extend(self.place.respond(request, source, status, NOBODY, "", None));
    }

    /// A response to a BYE or a REGISTER of ours.
    pub(crate) fn handle_response(&mut self, around: &mut Around<'_>, response: &Message) {
        let Some(key) = response.from_tag().and_then(|tag| self.place.key_of(tag)) else {
            around.figures.strays += 1;
            return;
        };
        if key.generation == ACCOUNT {
            return self.register_answered(around, key, response);
        }
        let Some(ring) = self.find(key) else {
            around.figures.strays += 1;
            return;
        };
        if !matches!(response.cseq(), Ok((_, Method::Bye))) || response.status() < 200 {
            return;
        }
        if ring.stage != Stage::Leaving {
            around.figures.came_again += 1;
            return;
        }
        let counts = ring.counts;
        if let Some(since) = ring.sending.since().filter(|_| around.figures.counts(around.now)) {
            around.figures.time(Measure::Bye, around.now.since(since));
        }
        // 481: the other side has ended it at the same time, and knows it no more.
        if response.status() >= 300 && response.status() != 481 {
            around.figures.fault(AgentFault::NotEnded, counts);
        }
        self.end(around, key);
    }
}
