//! What the caller hears before anybody answers: ringback, or music after we answered ourselves.

use media::{Command, Direction, MusicId, negotiate};
use serde::{Deserialize, Serialize};
use sip::{Body, ExchangeId, Method, SessionId};
use timing::Instant;

use super::bridge::Request;
use super::{B2bua, NotPossible, streams, tolerate};
use crate::call::{Awaited, Exchange, Leg, Stage};
use crate::{CallRef, HangUp};

/// What came of [`B2bua::play`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Played {
    /// The caller is answered and hears the music.
    Music,
    /// The caller speaks no G.711, or media is direct: it hears ringback instead.
    Ringback,
}

impl B2bua {
    /// The caller hears ringback (180). Does nothing where the call is answered already.
    pub fn ring(&mut self, now: Instant, call: CallRef) -> Result<(), NotPossible> {
        let state = self.calls.get_mut(&call).ok_or(NotPossible)?;
        let session = state.caller.ok_or(NotPossible)?;
        let leg = state.legs.get_mut(&session).ok_or(NotPossible)?;
        match state.stage {
            Stage::Unanswered if !leg.ringing => {
                leg.ringing = true;
                tolerate(self.user_agent.progress(now, session, 180, &[], None));
                self.settle(now);
                Ok(())
            }
            Stage::Unanswered | Stage::Treated { .. } => Ok(()),
            Stage::Placing | Stage::Connected | Stage::Over => Err(NotPossible),
        }
    }

    /// Answers the caller, where that has not happened, and plays music; ringback where that is
    /// impossible.
    pub fn play(&mut self, now: Instant, call: CallRef, music: MusicId) -> Result<Played, NotPossible> {
        let state = self.calls.get(&call).ok_or(NotPossible)?;
        let caller = state.caller.ok_or(NotPossible)?;
        match state.stage {
            Stage::Unanswered if state.anchored => {}
            Stage::Unanswered => return self.ring(now, call).map(|()| Played::Ringback),
            Stage::Treated { music: playing } => {
                if playing != Some(music) {
                    self.start_music(call, Some(music));
                }
                return Ok(Played::Music);
            }
            Stage::Placing | Stage::Connected | Stage::Over => return Err(NotPossible),
        }
        let Some(body) = self.describe_ourselves(now, call, caller) else {
            // What it was given ports for stays as it is: the agent may speak what we do not.
            return self.ring(now, call).map(|()| Played::Ringback);
        };
        self.apply(call, caller);
        self.start_music(call, Some(music));
        if let Some(leg) = self.calls.get_mut(&call).and_then(|call| call.legs.get_mut(&caller)) {
            leg.answered = true;
        }
        let accepted = self.user_agent.accept(now, caller, &[], Some(&body));
        if accepted.is_err() {
            self.end_call(now, call, HangUp::Lost(crate::Side::Caller));
        }
        self.settle(now);
        Ok(Played::Music)
    }

    /// The caller, who is answered, hears music from now on, or nothing. It begins with the ACK: a source that is forged
    /// never sends one, and whoever its offer names would be played to until the call is given up.
    pub(super) fn start_music(&mut self, call: CallRef, music: Option<MusicId>) {
        let Some(state) = self.calls.get_mut(&call) else { return };
        state.stage = Stage::Treated { music };
        let Some(caller) = state.caller else { return };
        let is_established = state.legs.get(&caller).is_some_and(|leg| leg.established);
        if let (Some(termination), Some(music), true) = (self.audio(call, caller), music, is_established) {
            self.commands.push_back(Command::Play { termination, music });
        }
    }

    /// Our own description for the caller: the answer to its offer, or an offer where it made none.
    /// `None` where it speaks no G.711 or no port is left.
    fn describe_ourselves(&mut self, now: Instant, call: CallRef, caller: SessionId) -> Option<Body> {
        let mut leg = self.calls.get_mut(&call)?.legs.remove(&caller)?;
        let body = self.describe_on(now, call, caller, &mut leg);
        self.calls.get_mut(&call)?.legs.insert(caller, leg);
        body
    }

    fn describe_on(
        &mut self,
        now: Instant,
        call: CallRef,
        session: SessionId,
        leg: &mut Leg,
    ) -> Option<Body> {
        let place = leg.said.as_ref().map_or(Some(0), g711_line)?;
        let wanted: Vec<bool> = (0..=place).map(|index| index == place).collect();
        self.take_ports(now, call, session, leg, &wanted);
        let port = streams::ports(leg).get(place).copied().flatten()?;
        let author = leg.author.as_mut()?;
        let described = match &leg.said {
            Some(offer) => negotiate::answer_ourselves(author, offer, port).ok()?.session,
            None => negotiate::offer_ourselves(author, port, &negotiate::full_list(), Direction::SendRecv),
        };
        leg.we_offered = leg.said.is_none();
        let body = Body::sdp(described.to_string());
        leg.ours = Some(described);
        Some(body)
    }

    /// The caller's ACK. Where our 2xx carried the offer, it brings the answer.
    pub(super) fn caller_established(&mut self, now: Instant, session: SessionId, body: Option<&Body>) {
        let Some((reference, call)) = self.leg_mut(session) else { return };
        let (anchored, callee, stage) = (call.anchored, call.callee, call.stage);
        let Some(leg) = call.legs.get_mut(&session) else { return };
        leg.established = true;
        if !anchored {
            // The answer to the callee's offer, which went to the caller in our 2xx.
            if leg.raw.is_none()
                && let Some(callee) = callee
            {
                leg.raw = body.cloned();
                tolerate(self.user_agent.acknowledge(callee, body));
            }
            return;
        }
        if leg.said.is_some() {
            return self.begin_music(reference, stage);
        }
        match self.read_description(body) {
            Ok(Some(answer)) => {
                if let Some((_, call)) = self.leg_mut(session)
                    && let Some(leg) = call.legs.get_mut(&session)
                {
                    leg.said = Some(answer);
                }
                self.apply(reference, session);
                if self.audio(reference, session).is_none() {
                    return self.end_call(now, reference, HangUp::Lost(crate::Side::Caller));
                }
                self.begin_music(reference, stage);
                self.connect_streams(reference);
                self.notice_hold(now, reference);
            }
            // RFC 3261 §13.2.1: the ACK must carry the answer. Without one nobody can be heard.
            Ok(None) | Err(_) => self.end_call(now, reference, HangUp::Lost(crate::Side::Caller)),
        }
    }

    /// The music that has waited for the ACK.
    fn begin_music(&mut self, call: CallRef, stage: Stage) {
        if let Stage::Treated { music } = stage {
            self.start_music(call, music);
        }
    }

    /// A request of the caller who hears music: hold, resume, another address.
    pub(super) fn answer_while_waiting(
        &mut self,
        now: Instant,
        call: CallRef,
        session: SessionId,
        request: &Request,
    ) {
        let offer = match self.read_description(request.body.as_ref()) {
            Ok(offer) => offer,
            Err(cause) => return self.reply(now, session, request.exchange, cause.status(), None),
        };
        let Some(mut leg) = self.calls.get_mut(&call).and_then(|call| call.legs.remove(&session)) else {
            return;
        };
        let body = match offer {
            Some(offer) => {
                let before = leg.said.replace(offer);
                let body = self.describe_on(now, call, session, &mut leg);
                if body.is_none() {
                    leg.said = before;
                }
                body
            }
            None => self.offer_again(call, session, request.exchange, &mut leg),
        };
        if let Some(call) = self.calls.get_mut(&call) {
            call.legs.insert(session, leg);
        }
        match body {
            Some(body) => {
                self.reply(now, session, request.exchange, 200, Some(body));
                self.agreed_while_waiting(call, session);
            }
            None => self.reply(now, session, request.exchange, 488, None),
        }
    }

    /// The caller who hears music wants an offer: what we said last, both ways. It stands when the ACK
    /// has brought the answer.
    fn offer_again(
        &mut self,
        call: CallRef,
        session: SessionId,
        asked: ExchangeId,
        leg: &mut Leg,
    ) -> Option<Body> {
        let sent = leg.ours.clone()?.with_direction(Direction::SendRecv);
        let sent = leg.author.as_mut()?.sign(sent);
        let body = Body::sdp(sent.to_string());
        let call = self.calls.get_mut(&call)?;
        call.exchanges.push(Exchange {
            method: Method::Invite,
            from: session,
            asked,
            to: session,
            passed: asked,
            awaited: Awaited::OwnOffer { sent },
        });
        Some(body)
    }

    /// Tells the relay what the caller has agreed to; music that lost its termination goes on.
    pub(super) fn agreed_while_waiting(&mut self, call: CallRef, caller: SessionId) {
        let before = self.audio(call, caller);
        self.apply(call, caller);
        let stage = self.calls.get(&call).map(|call| call.stage);
        if let Some(Stage::Treated { music }) = stage
            && before != self.audio(call, caller)
        {
            self.start_music(call, music);
        }
    }
}

/// The m-line that [`negotiate::answer_ourselves`] will serve.
fn g711_line(offer: &media::sdp::Session) -> Option<usize> {
    let relayable = negotiate::relayable(offer);
    offer.media.iter().zip(relayable).position(|(media, relayable)| {
        relayable && media.kind == "audio" && media.codecs().iter().any(|codec| codec.law().is_some())
    })
}
