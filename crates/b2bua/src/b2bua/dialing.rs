//! Trying to reach somebody: all phones of one agent at once, or one number.

use media::{negotiate, sdp};
use serde::{Deserialize, Serialize};
use sip::{Body, FailureCause, HeaderField, SessionId};
use timing::Instant;

use super::{B2bua, Deadline, NotPossible, streams, tolerate};
use crate::call::{Attempt, Leg, Role, Stage};
use crate::{AttemptId, CallRef, Event, Failure, FailureKind, HangUp};

/// Whom to try, and as whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dial {
    /// The phones; all ring at once, the first to answer wins.
    pub destinations: Vec<sip::Destination>,
    /// Who calls, as the phones show it.
    pub caller: sip::Identity,
    /// Who is called, as a display name.
    pub to_display_name: String,
    /// Headers that go along: P-Asserted-Identity, Diversion, User-to-User, X- and others.
    pub headers: Vec<HeaderField>,
}

/// Why nobody was connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotConnected {
    /// Whoever picked up is gone, or never did; the caller is still there and hears what it heard.
    Gone,
    /// The call is in conversation or over; where the attempt to connect ended it, [`Event::HungUp`] says
    /// why.
    Over,
}

impl std::fmt::Display for NotConnected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NotConnected::Gone => f.write_str("nobody is there who picked up"),
            NotConnected::Over => f.write_str("the call waits for nobody"),
        }
    }
}

impl std::error::Error for NotConnected {}

/// One phone of an attempt.
#[derive(Clone, Copy)]
struct Phone {
    /// Which of the destinations.
    place: usize,
    /// Port pairs that the system refused for it so far.
    pairs_refused: u8,
}

/// No phone could be asked.
const NOBODY: Failure = Failure { kind: FailureKind::Unreachable, status: 480 };
/// No media port is left for a phone.
const NO_PORT: Failure = Failure { kind: FailureKind::NoPort, status: 503 };

impl B2bua {
    /// Tries to reach somebody for a call. A failure that is known at once is returned and not said as
    /// an event. The call goes on whatever comes of it.
    pub fn dial(
        &mut self,
        now: Instant,
        call: CallRef,
        attempt: AttemptId,
        dial: &Dial,
    ) -> Result<(), Failure> {
        let free = self.calls.get(&call).is_some_and(|call| {
            matches!(call.stage, Stage::Placing | Stage::Unanswered | Stage::Treated { .. })
                && !call.attempts.contains_key(&attempt)
        });
        if !free {
            return Err(NOBODY);
        }
        let mut failure = NOBODY;
        let mut phones = 0;
        for place in 0..dial.destinations.len() {
            match self.ring_phone(now, call, attempt, dial, Phone { place, pairs_refused: 0 }) {
                Ok(()) => phones += 1,
                Err(why) => failure = failure.max_kind(why),
            }
        }
        if phones == 0 {
            return Err(failure);
        }
        let deadline = self.timers.schedule(now + self.settings.ring_max, Deadline::Ring(call, attempt));
        if let Some(call) = self.calls.get_mut(&call) {
            let dial = Box::new(dial.clone());
            let attempt_state = Attempt {
                dial,
                phones,
                answered: None,
                silenced: false,
                ringing: false,
                failure: None,
                deadline,
            };
            call.attempts.insert(attempt, Box::new(attempt_state));
        }
        self.settle(now);
        Ok(())
    }

    fn ring_phone(
        &mut self,
        now: Instant,
        call: CallRef,
        attempt: AttemptId,
        dial: &Dial,
        phone: Phone,
    ) -> Result<(), Failure> {
        let destination = dial.destinations.get(phone.place).ok_or(NOBODY)?;
        // The session's number is not known before the INVITE is made, and the INVITE needs the offer.
        let mut leg = Leg::new(Role::Callee(attempt), self.callee_rule(destination));
        (leg.place, leg.pairs_refused) = (phone.place, phone.pairs_refused);
        let body = self.offer(now, call, &mut leg, destination)?;
        let invitation = sip::Invitation {
            destination: destination.clone(),
            caller: dial.caller.clone(),
            to_display_name: dial.to_display_name.clone(),
            max_forwards: self.calls.get(&call).map_or(0, |call| call.max_forwards.saturating_sub(1)),
            headers: dial.headers.clone(),
            body,
        };
        match self.user_agent.invite(now, &invitation) {
            Ok(session) => {
                for stream in leg.streams.iter().flatten() {
                    if let Some(owner) = self.terminations.get_mut(&stream.termination) {
                        owner.session = session;
                    }
                }
                self.sessions.insert(session, call);
                if let Some(call) = self.calls.get_mut(&call) {
                    call.legs.insert(session, Box::new(leg));
                }
                self.apply(call, session);
                Ok(())
            }
            Err(_) => {
                self.give_back(call, &mut leg);
                Err(Failure { kind: FailureKind::Unreachable, status: 503 })
            }
        }
    }

    /// What a phone is offered: what the caller has agreed to, else the caller's own offer, else
    /// everything that we speak, also where there is no caller. Direct calls: what the caller said, untouched.
    fn offer(
        &mut self,
        now: Instant,
        call: CallRef,
        leg: &mut Leg,
        destination: &sip::Destination,
    ) -> Result<Option<Body>, Failure> {
        let state = self.calls.get(&call).ok_or(NOBODY)?;
        let caller = state.caller.and_then(|caller| state.legs.get(&caller));
        if !state.anchored {
            return Ok(caller.ok_or(NOBODY)?.raw.clone());
        }
        let source = caller.and_then(|caller| offered(caller));
        let caller_address = caller.and_then(|caller| caller.author.as_ref()).map(negotiate::Author::address);
        // Whose they are is known when the INVITE is made.
        let session = state.caller.unwrap_or(SessionId(0));
        let no_media = Failure { kind: FailureKind::Unreachable, status: 503 };
        let address = match destination_address(destination).or(caller_address) {
            Some(peer) => self.settings.media_address(peer),
            None => self.settings.media_v4.or(self.settings.media_v6),
        };
        let address = address.ok_or(no_media)?;
        let wanted = source.as_ref().map_or_else(|| vec![true], negotiate::relayable);
        let mut author = self.author(address);
        self.take_ports(now, call, session, leg, &wanted);
        let ports = streams::ports(leg);
        if wanted.contains(&true) && ports.iter().all(Option::is_none) {
            return Err(NO_PORT);
        }
        let described = match &source {
            Some(source) => negotiate::relay_offer(&mut author, source, &ports).ok(),
            None => ports.first().copied().flatten().map(|port| {
                let everything = negotiate::full_list();
                negotiate::offer_ourselves(&mut author, port, &everything, media::Direction::SendRecv)
            }),
        };
        leg.author = Some(author);
        match described {
            Some(described) => {
                let body = Body::sdp(described.to_string());
                leg.ours = Some(described);
                Ok(Some(body))
            }
            None => {
                self.give_back(call, leg);
                Err(no_media)
            }
        }
    }

    /// Whose RTP is taken from who answers there.
    fn callee_rule(&self, destination: &sip::Destination) -> media::SourceRule {
        let trunk = match destination {
            sip::Destination::Trunk { trunk, .. } | sip::Destination::Behind { trunk, .. } => Some(*trunk),
            sip::Destination::Contact(_) | sip::Destination::Uri(_) => None,
        };
        self.settings.source_rule(trunk, destination_address(destination))
    }

    /// A phone that was offered a port which the system refused has stopped ringing: it rings anew, with
    /// the next one.
    fn ring_again(&mut self, now: Instant, call: CallRef, attempt: AttemptId, phone: Phone) {
        let waiting = self.calls.get(&call).and_then(|call| call.attempts.get(&attempt));
        let Some(dial) = waiting.filter(|one| one.answered.is_none()).map(|one| one.dial.clone()) else {
            return;
        };
        if let Err(failure) = self.ring_phone(now, call, attempt, &dial, phone) {
            self.phone_lost(now, call, attempt, failure);
        }
    }

    /// Ends an attempt without a word about it; whoever picked up is sent away.
    pub fn drop_attempt(&mut self, now: Instant, call: CallRef, attempt: AttemptId) {
        self.end_attempt(now, call, attempt, 480);
        self.settle(now);
    }

    /// The same where somebody else has the caller: the phones that stop ringing need not count a missed call
    /// (RFC 3326 §2).
    pub fn answered_elsewhere(&mut self, now: Instant, call: CallRef, attempt: AttemptId) {
        self.end_attempt(now, call, attempt, 200);
        self.settle(now);
    }

    pub(super) fn end_attempt(&mut self, now: Instant, call: CallRef, attempt: AttemptId, cause: u16) {
        let Some(state) = self.calls.get_mut(&call) else { return };
        let Some(ended) = state.attempts.remove(&attempt) else { return };
        self.timers.cancel(ended.deadline);
        let callee = state.callee;
        for session in state.phones(attempt).into_iter().filter(|&session| Some(session) != callee) {
            self.end_leg(now, session, cause);
        }
    }

    pub(super) fn attempt_rang_out(&mut self, now: Instant, call: CallRef, attempt: AttemptId) {
        let waiting = self.calls.get(&call).and_then(|call| call.attempts.get(&attempt));
        if waiting.is_some_and(|attempt| attempt.answered.is_none()) {
            self.end_attempt(now, call, attempt, 408);
            let failure = Failure { kind: FailureKind::NoAnswer, status: 408 };
            self.events.push_back(Event::AttemptFailed { call, attempt, failure });
        }
    }

    /// A provisional response: the phone rings.
    pub(super) fn phone_progress(&mut self, session: SessionId, status: u16) {
        let Some((reference, call)) = self.leg_mut(session) else { return };
        let leg = call.legs.get_mut(&session).map(Box::as_mut);
        let Some(Leg { role: Role::Callee(attempt), ringing, .. }) = leg else { return };
        let attempt = *attempt;
        if !(180..=189).contains(&status) || std::mem::replace(ringing, true) {
            return;
        }
        if let Some(state) = call.attempts.get_mut(&attempt)
            && !std::mem::replace(&mut state.ringing, true)
        {
            self.events.push_back(Event::Ringing { call: reference, attempt });
        }
    }

    /// Somebody picked up. The other phones of the attempt stop ringing.
    pub(super) fn phone_answered(&mut self, now: Instant, session: SessionId, body: Option<Body>) {
        let said = self.read_description(body.as_ref());
        let Some((reference, call)) = self.leg_mut(session) else { return };
        let anchored = call.anchored;
        let Some(leg) = call.legs.get_mut(&session) else { return };
        let Role::Callee(attempt) = leg.role else { return };
        leg.answered = true;
        let usable = if anchored {
            leg.said = said.unwrap_or_default();
            leg.agrees()
        } else {
            leg.raw = body;
            leg.raw.is_some()
        };
        if !usable {
            // A 2xx whose description is missing, cannot be read or accepts nothing is no conversation.
            self.end_leg(now, session, 488);
            return self.phone_lost(
                now,
                reference,
                attempt,
                Failure { kind: FailureKind::Unreachable, status: 488 },
            );
        }
        let others: Vec<SessionId> =
            call.phones(attempt).into_iter().filter(|&phone| phone != session).collect();
        let Some(state) = call.attempts.get_mut(&attempt) else {
            return self.end_leg(now, session, 480);
        };
        if state.answered.is_some() {
            // Two answers in one segment of a stream: the first wins.
            return self.end_leg(now, session, 200);
        }
        state.answered = Some(session);
        let deadline = state.deadline;
        self.timers.cancel(deadline);
        for phone in others {
            // RFC 3326 §2: so that the phones that stop ringing do not count a missed call.
            self.end_leg(now, phone, 200);
        }
        self.events.push_back(Event::Answered { call: reference, attempt });
    }

    /// A phone said no, or nothing.
    pub(super) fn phone_failed(
        &mut self,
        now: Instant,
        session: SessionId,
        status: u16,
        cause: FailureCause,
    ) {
        let Some((reference, call)) = self.leg_mut(session) else { return };
        let Some(leg) = call.legs.get(&session) else { return };
        let Role::Callee(attempt) = leg.role else { return };
        let failure = Failure { kind: kind(status, cause, leg.ringing), status };
        let phone = Phone { place: leg.place, pairs_refused: leg.pairs_refused };
        let rings_again = leg.rings_again;
        self.forget_leg(session);
        match cause {
            FailureCause::Cancelled if self.is_silenced(reference, attempt) => {
                self.phone_lost(now, reference, attempt, failure);
            }
            FailureCause::Cancelled if rings_again => self.ring_again(now, reference, attempt, phone),
            FailureCause::Cancelled => {}
            FailureCause::Response
            | FailureCause::Timeout
            | FailureCause::Transport
            | FailureCause::Resolution => {
                self.phone_lost(now, reference, attempt, failure);
            }
        }
    }

    fn is_silenced(&self, call: CallRef, attempt: AttemptId) -> bool {
        let attempt = self.calls.get(&call).and_then(|call| call.attempts.get(&attempt));
        attempt.is_some_and(|attempt| attempt.silenced)
    }

    pub(super) fn phone_lost(&mut self, now: Instant, call: CallRef, attempt: AttemptId, failure: Failure) {
        let Some(state) = self.calls.get_mut(&call).and_then(|call| call.attempts.get_mut(&attempt)) else {
            return;
        };
        if state.answered.is_some() {
            return;
        }
        state.phones = state.phones.saturating_sub(1);
        let worst = state.failure.map_or(failure, |before| before.max_kind(failure));
        state.failure = Some(worst);
        // RFC 3261 §16.7 step 5: a 6xx speaks for all phones of this person.
        if state.phones == 0 || failure.status >= 600 {
            self.end_attempt(now, call, attempt, 480);
            self.events.push_back(Event::AttemptFailed { call, attempt, failure: worst });
        }
    }

    /// Lets the caller talk to whoever answered this attempt.
    pub fn connect(&mut self, now: Instant, call: CallRef, attempt: AttemptId) -> Result<(), NotConnected> {
        let state = self.calls.get_mut(&call).ok_or(NotConnected::Over)?;
        let is_answered = match state.stage {
            Stage::Unanswered => false,
            Stage::Treated { .. } => true,
            Stage::Placing | Stage::Connected | Stage::Over => return Err(NotConnected::Over),
        };
        let answered = state.attempts.get(&attempt).and_then(|attempt| attempt.answered);
        let callee = answered.ok_or(NotConnected::Gone)?;
        state.callee = Some(callee);
        state.attempts.remove(&attempt);
        let others: Vec<AttemptId> = state.attempts.keys().copied().collect();
        for other in others {
            self.end_attempt(now, call, other, 200);
        }
        if is_answered {
            self.apply(call, callee);
            self.connect_streams(call);
        } else if let Err(cause) = self.answer_caller(now, call, callee) {
            self.end_call(now, call, cause);
            self.settle(now);
            return Err(NotConnected::Over);
        }
        if let Some(state) = self.calls.get_mut(&call) {
            state.stage = Stage::Connected;
        }
        self.events.push_back(Event::Connected { call, attempt });
        self.notice_hold(now, call);
        self.settle(now);
        Ok(())
    }

    /// Passes the callee's answer (or offer, where the caller made none) to the caller in our 200.
    fn answer_caller(&mut self, now: Instant, call: CallRef, callee: SessionId) -> Result<(), HangUp> {
        const LOST: HangUp = HangUp::Lost(crate::Side::Callee);
        let state = self.calls.get_mut(&call).ok_or(LOST)?;
        let caller = state.caller.ok_or(LOST)?;
        let from = state.legs.get(&callee).ok_or(LOST)?;
        let body = if state.anchored {
            let answer = from.said.clone().ok_or(LOST)?;
            let described = self.describe_for_caller(now, call, caller, &answer).ok_or(LOST)?;
            if described.media.iter().all(|media| media.port == 0) {
                return Err(HangUp::NoPort);
            }
            self.apply(call, caller);
            self.apply(call, callee);
            self.connect_streams(call);
            Some(Body::sdp(described.to_string()))
        } else {
            from.raw.clone()
        };
        if let Some(leg) = self.calls.get_mut(&call).and_then(|call| call.legs.get_mut(&caller)) {
            leg.answered = true;
        }
        let accepted = self.user_agent.accept(now, caller, &[], body.as_ref());
        accepted.map_err(|_| HangUp::Lost(crate::Side::Caller))
    }

    fn describe_for_caller(
        &mut self,
        now: Instant,
        call: CallRef,
        caller: SessionId,
        answer: &sdp::Session,
    ) -> Option<sdp::Session> {
        let mut leg = self.calls.get_mut(&call)?.legs.remove(&caller)?;
        let wanted = negotiate::relayable(leg.said.as_ref().unwrap_or(answer));
        self.take_ports(now, call, caller, &mut leg, &wanted);
        let ports = streams::ports(&leg);
        leg.we_offered = leg.said.is_none();
        leg.ours = leg.author.as_mut().and_then(|author| match &leg.said {
            Some(offer) => negotiate::relay_answer(author, offer, answer, &ports).ok(),
            None => negotiate::relay_offer(author, answer, &ports).ok(),
        });
        let described = leg.ours.clone();
        self.calls.get_mut(&call)?.legs.insert(caller, leg);
        described
    }

    /// Refuses an unanswered call with a final status.
    pub fn refuse(
        &mut self,
        now: Instant,
        call: CallRef,
        status: u16,
        headers: &[HeaderField],
    ) -> Result<(), NotPossible> {
        let state = self.calls.get(&call).ok_or(NotPossible)?;
        if state.stage != Stage::Unanswered {
            return Err(NotPossible);
        }
        let caller = state.caller.ok_or(NotPossible)?;
        tolerate(self.user_agent.refuse(now, caller, status, headers));
        self.forget_leg(caller);
        self.end_call(now, call, HangUp::Requested);
        self.settle(now);
        Ok(())
    }
}

impl Failure {
    /// Of two, the one that says more about the human.
    fn max_kind(self, other: Failure) -> Failure {
        if other.kind > self.kind { other } else { self }
    }
}

/// What has been agreed with, or offered by, the caller, as an offer for somebody else. The layout of
/// m-lines stays, so that later offers of either side fit the other.
fn offered(caller: &Leg) -> Option<sdp::Session> {
    match (caller.answered, &caller.ours, &caller.said) {
        // We answered the caller's offer: our answer is the narrower list.
        (true, Some(ours), Some(_)) if !caller.we_offered => {
            Some(ours.clone().with_direction(media::Direction::SendRecv))
        }
        (true, _, Some(said)) => Some(said.clone().with_direction(media::Direction::SendRecv)),
        // Our offer is on its way; its answer will be a part of it.
        (true, Some(ours), None) => Some(ours.clone()),
        (_, _, said) => said.clone(),
    }
}

/// The numeric address that a destination is reached at, for its family.
fn destination_address(destination: &sip::Destination) -> Option<std::net::IpAddr> {
    match destination {
        sip::Destination::Contact(contact) => Some(contact.flow.remote.ip()),
        sip::Destination::Trunk { target: uri, .. }
        | sip::Destination::Behind { target: uri, .. }
        | sip::Destination::Uri(uri) => uri.host().and_then(sip::Host::ip),
    }
}

/// What a phone's failure says about the human beside it.
fn kind(status: u16, cause: FailureCause, rang: bool) -> FailureKind {
    match cause {
        FailureCause::Timeout if rang => FailureKind::NoAnswer,
        FailureCause::Timeout | FailureCause::Transport | FailureCause::Resolution => {
            FailureKind::Unreachable
        }
        FailureCause::Response | FailureCause::Cancelled => match status {
            486 | 600 => FailureKind::Busy,
            408 | 480 | 487 => FailureKind::NoAnswer,
            403 | 433 | 603 | 607 | 608 => FailureKind::Rejected,
            _ => FailureKind::Unreachable,
        },
    }
}
