//! The one line of a phone: ringing, calling, talking.

use media::Direction;
use serde::{Deserialize, Serialize};
use sip::{
    Body, Destination, EndCause, ExchangeId, FailureCause, Host, Identity, Invitation, Invite, Method,
    Refused, Reply, SessionId, Uri,
};
use timing::Instant;

use super::audio::Audio;
use super::manner::{Answer, CallPlan, Hold, Manner, TalkFrom};
use super::voice::Sound;
use super::{CannotCall, End, Event, Party, Phone, SERVER, Situation};
use crate::chance::Span;

/// How long a phone waits where another offer is under way on its own side.
const PENDING: Span = Span::between_millis(300, 900);
/// How long a phone rings before it gives up by itself, as telephones do: a CANCEL may be lost, or never come
/// because no answer to the INVITE reached the caller.
const RINGS_FOR: Span = Span::secs(180);
/// How long after a 491 the owner of the Call-ID tries again, and the other (RFC 3261 §14.1).
const GLARE_OWNER: Span = Span::between_millis(2_100, 4_000);
const GLARE_OTHER: Span = Span::between_millis(0, 2_000);

/// A deadline of the call with this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Due {
    call: u64,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum What {
    PickUp,
    Reject,
    RingOut,
    GiveUp,
    HangUp,
    Hold,
    Resume,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant)] // One line a phone; most of the time it talks.
pub(super) enum Line {
    Idle,
    Ringing(Ringing),
    Calling(Calling),
    Talking(Talking),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ringing {
    session: SessionId,
    invite: Box<Invite>,
    manner: Manner,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Calling {
    session: SessionId,
    number: String,
    plan: CallPlan,
    audio: Audio,
    gave_up: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Talking {
    session: SessionId,
    other: String,
    role: Role,
    audio: Audio,
    hold: Option<Hold>,
    /// Our re-INVITE under way.
    asking: Option<ExchangeId>,
    /// Waits for a human: what begins when one is heard.
    until_voice: Option<CallPlan>,
}

/// Who sent the first INVITE and so owns the Call-ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Role {
    Caller,
    Callee,
}

impl Line {
    fn audio(&self) -> Option<&Audio> {
        match self {
            Line::Idle | Line::Ringing(_) => None,
            Line::Calling(calling) => Some(&calling.audio),
            Line::Talking(talking) => Some(&talking.audio),
        }
    }

    fn audio_mut(&mut self) -> Option<&mut Audio> {
        match self {
            Line::Idle | Line::Ringing(_) => None,
            Line::Calling(calling) => Some(&mut calling.audio),
            Line::Talking(talking) => Some(&mut talking.audio),
        }
    }

    pub(super) fn sound(&self) -> Option<&Sound> {
        self.audio()?.sound.as_ref()
    }

    pub(super) fn sound_mut(&mut self) -> Option<&mut Sound> {
        self.audio_mut()?.sound.as_mut()
    }

    pub(super) fn situation(&self) -> Situation {
        match self {
            Line::Idle => Situation::Idle,
            Line::Ringing(_) => Situation::Ringing,
            Line::Calling(_) => Situation::Calling,
            Line::Talking(talking) if talking.audio.is_holding() => Situation::Holding,
            Line::Talking(talking) if talking.audio.is_held() => Situation::Held,
            Line::Talking(_) => Situation::Talking,
        }
    }

    fn session(&self) -> Option<SessionId> {
        match self {
            Line::Idle => None,
            Line::Ringing(ringing) => Some(ringing.session),
            Line::Calling(calling) => Some(calling.session),
            Line::Talking(talking) => Some(talking.session),
        }
    }

    pub(super) fn other(&self) -> &str {
        match self {
            Line::Idle => "",
            Line::Ringing(ringing) => &ringing.invite.from.user,
            Line::Calling(calling) => &calling.number,
            Line::Talking(talking) => &talking.other,
        }
    }

    fn talking(&mut self, session: SessionId) -> Option<&mut Talking> {
        match self {
            Line::Talking(talking) if talking.session == session => Some(talking),
            Line::Talking(_) | Line::Idle | Line::Ringing(_) | Line::Calling(_) => None,
        }
    }
}

/// Verbs.
impl Phone {
    /// Calls a number at the server.
    pub fn call(&mut self, now: Instant, number: &str, plan: CallPlan) -> Result<(), CannotCall> {
        if !self.is_plugged_in {
            return Err(CannotCall::Unplugged);
        }
        if !self.is_idle() {
            return Err(CannotCall::LineInUse);
        }
        let host = Host::parse(self.settings.domain.as_bytes()).map_err(|_| CannotCall::BadNumber)?;
        let mut audio = Audio::new(now, &self.settings, &mut self.chance);
        let invitation = Invitation {
            destination: Destination::Trunk { trunk: SERVER, target: Uri::sip(number, host, None) },
            caller: Identity {
                display_name: self.settings.display_name.clone(),
                user: self.settings.user.clone(),
                host: None,
            },
            to_display_name: String::new(),
            headers: Vec::new(),
            body: Some(Body::sdp(audio.offer())),
            max_forwards: sip::compose::MAX_FORWARDS,
        };
        let session = self.user_agent.invite(now, &invitation).map_err(|_| CannotCall::BadNumber)?;
        self.calls += 1;
        let number = number.to_owned();
        self.line = Line::Calling(Calling { session, number, plan, audio, gave_up: false });
        self.schedule(now, plan.patience, What::GiveUp);
        self.follow(now);
        Ok(())
    }

    /// Ends whatever is on the line: gives up, refuses or hangs up.
    pub fn hang_up(&mut self, now: Instant) {
        match &self.line {
            Line::Idle => {}
            Line::Ringing(_) => self.refuse(now, 603),
            Line::Calling(_) => self.give_up(now),
            Line::Talking(talking) => {
                let end = if talking.until_voice.is_some() { End::GaveUp } else { End::HungUp };
                // It is over for us even where the other side ended it in this very moment.
                let _ = self.user_agent.bye(now, talking.session, Vec::new());
                self.end_line(now, end);
            }
        }
        self.follow(now);
    }

    /// Picks up now, whatever the plan says.
    pub fn pick_up(&mut self, now: Instant) {
        let Line::Ringing(ringing) = &self.line else { return };
        let (session, manner) = (ringing.session, ringing.manner);
        let other = ringing.invite.from.user.clone();
        let mut audio = Audio::new(now, &self.settings, &mut self.chance);
        let body = match &ringing.invite.body {
            Some(offer) => audio.answer(now, &offer.bytes),
            None => Some(audio.offer()),
        };
        let Some(body) = body else { return self.refuse(now, 488) };
        if self.user_agent.accept(now, session, &[], Some(&Body::sdp(body))).is_err() {
            return;
        }
        self.begin(now, session, other, Role::Callee, audio);
        self.schedule(now, manner.talk, What::HangUp);
        self.plan_hold(now, manner.hold);
        self.events.push_back(Event::PickedUp { by: Party::Us });
        self.follow(now);
    }

    /// Holds the other side (`true`) or talks to it again.
    pub fn hold(&mut self, now: Instant, hold: bool) {
        let Line::Talking(talking) = &mut self.line else { return };
        let wants = if hold { Direction::SendOnly } else { Direction::SendRecv };
        talking.audio.want(wants);
        let body = Body::sdp(talking.audio.offer());
        match self.user_agent.request(now, talking.session, Method::Invite, &[], Some(&body)) {
            Ok(exchange) => talking.asking = Some(exchange),
            Err(Refused::Pending | Refused::WrongState) => self.hold_later(now, hold, PENDING),
            Err(_) => self.events.push_back(Event::HoldRefused { status: 500 }),
        }
        self.follow(now);
    }
}

/// What the person does.
impl Phone {
    fn schedule(&mut self, now: Instant, span: Option<Span>, what: What) {
        if let Some(span) = span {
            let at = now + self.chance.length(span);
            self.timers.schedule(at, Due { call: self.calls, what });
        }
    }

    fn plan_hold(&mut self, now: Instant, hold: Option<Hold>) {
        if let Line::Talking(talking) = &mut self.line {
            talking.hold = hold;
        }
        self.schedule(now, hold.map(|hold| hold.after), What::Hold);
    }

    fn hold_later(&mut self, now: Instant, hold: bool, wait: Span) {
        let what = if hold { What::Hold } else { What::Resume };
        self.schedule(now, Some(wait), what);
    }

    pub(super) fn fall_due(&mut self, now: Instant, due: Due) {
        if due.call != self.calls {
            return;
        }
        match due.what {
            What::PickUp => self.pick_up(now),
            What::Reject => self.refuse(now, 603),
            What::RingOut => self.refuse(now, 480),
            What::GiveUp if matches!(&self.line, Line::Talking(talking) if talking.until_voice.is_none()) => {
            }
            What::GiveUp => self.hang_up(now),
            What::HangUp => {
                if matches!(self.line, Line::Talking(_)) {
                    self.hang_up(now);
                }
            }
            What::Hold => self.hold(now, true),
            What::Resume => self.hold(now, false),
        }
    }

    fn refuse(&mut self, now: Instant, status: u16) {
        let Line::Ringing(ringing) = &self.line else { return };
        // Where the caller gave up in this very moment there is nothing to refuse any more.
        if self.user_agent.refuse(now, ringing.session, status, &[]).is_ok() {
            self.end_line(now, End::Refused { status });
        }
    }

    fn give_up(&mut self, now: Instant) {
        let Line::Calling(calling) = &mut self.line else { return };
        if !calling.gave_up {
            calling.gave_up = true;
            let cancelled = self.user_agent.cancel(now, calling.session, Vec::new());
            debug_assert!(cancelled.is_ok(), "an unanswered INVITE of ours can be taken back");
        }
    }

    fn begin(&mut self, _now: Instant, session: SessionId, other: String, role: Role, audio: Audio) {
        self.line = Line::Talking(Talking {
            session,
            other,
            role,
            audio,
            hold: None,
            asking: None,
            until_voice: None,
        });
    }

    pub(super) fn end_line(&mut self, _now: Instant, end: End) {
        if self.is_idle() {
            return;
        }
        let sound = self.line.sound();
        let heard = sound.map(|sound| sound.tally().to_vec()).unwrap_or_default();
        let packets = sound.map_or(0, Sound::packets_heard);
        let other = self.line.other().to_owned();
        self.line = Line::Idle;
        // Deadlines of this call find another number and do nothing.
        self.calls += 1;
        self.events.push_back(Event::Ended { end, other, heard, packets });
    }

    pub(super) fn listen(&mut self, now: Instant, packet: &[u8]) {
        let Some(changed) = self.line.sound_mut().and_then(|sound| sound.hear(packet)) else { return };
        self.events.push_back(Event::Hears { hertz: changed });
        let Line::Talking(talking) = &mut self.line else { return };
        if changed.is_some()
            && let Some(plan) = talking.until_voice.take()
        {
            self.schedule(now, plan.talk, What::HangUp);
            self.plan_hold(now, plan.hold);
        }
    }
}

/// What the user agent says.
impl Phone {
    /// Follows the user agent until it has nothing more to say.
    pub(super) fn follow(&mut self, now: Instant) {
        loop {
            while let Some(transmit) = self.user_agent.poll_transmit() {
                self.transmits.push_back(transmit);
            }
            // A phone's server is an address, so there is nothing to ask the DNS; it has no streams.
            while self.user_agent.poll_query().is_some() || self.user_agent.poll_close().is_some() {}
            let Some(event) = self.user_agent.poll_event() else { return };
            self.handle_sip(now, event);
        }
    }

    fn handle_sip(&mut self, now: Instant, event: sip::Event) {
        match event {
            sip::Event::Invited { session, invite } => self.ring(now, session, invite),
            sip::Event::Cancelled { session, .. } => self.ended(now, session, End::Cancelled),
            sip::Event::Progress { session, status, body, .. } => self.progressed(now, session, status, body),
            sip::Event::Answered { session, body, .. } => self.answered(now, session, body),
            sip::Event::Failed { session, status, cause, .. } => {
                let end = match cause {
                    FailureCause::Cancelled => End::GaveUp,
                    FailureCause::Response
                    | FailureCause::Timeout
                    | FailureCause::Transport
                    | FailureCause::Resolution => End::Failed { status },
                };
                self.ended(now, session, end);
            }
            sip::Event::Established { session, body } => self.take_answer(now, session, body),
            sip::Event::Acknowledged { session, body, .. } => self.take_answer(now, session, body),
            sip::Event::Requested { session, exchange, method, body, .. } => {
                self.requested(now, session, exchange, &method, body.as_ref());
            }
            sip::Event::Replied { session, exchange, status, body, .. } => {
                self.replied(now, session, exchange, status, body.as_ref());
            }
            sip::Event::Ended { session, cause, .. } => {
                let end = match cause {
                    EndCause::Bye { .. } => End::HungUpByOther,
                    EndCause::AckMissing | EndCause::Gone { .. } => End::Lost,
                };
                self.ended(now, session, end);
            }
            sip::Event::Withdrawn { .. }
            | sip::Event::Refused(_)
            | sip::Event::Registered { .. }
            | sip::Event::Unregistered { .. } => {}
        }
    }

    fn ring(&mut self, now: Instant, session: SessionId, invite: Box<Invite>) {
        let caller = invite.from.user.clone();
        if !self.is_idle() {
            self.events.push_back(Event::Clash { caller });
            // It cannot be over yet: it has just been told.
            let _ = self.user_agent.refuse(now, session, 486, &[]);
            return;
        }
        let manner = self.settings.plan.manner(self.rings, &mut self.chance);
        self.rings += 1;
        self.calls += 1;
        self.events.push_back(Event::Rung { caller, call_id: invite.call_id.clone() });
        self.line = Line::Ringing(Ringing { session, invite, manner });
        let (span, what) = match manner.answer {
            Answer::AtOnce => return self.pick_up(now),
            Answer::Busy => return self.refuse(now, 486),
            Answer::After(span) => (span, What::PickUp),
            Answer::RejectAfter(span) => (span, What::Reject),
            Answer::RingOut => (RINGS_FOR, What::RingOut),
        };
        let _ = self.user_agent.progress(now, session, 180, &[], None);
        self.schedule(now, Some(span), what);
    }

    fn ended(&mut self, now: Instant, session: SessionId, end: End) {
        if self.line.session() == Some(session) {
            self.end_line(now, end);
        }
    }

    fn progressed(&mut self, now: Instant, session: SessionId, status: u16, body: Option<Body>) {
        let Line::Calling(calling) = &mut self.line else { return };
        if calling.session != session {
            return;
        }
        if let Some(body) = body {
            calling.audio.answered(now, &body.bytes);
        }
        self.events.push_back(Event::Progress { status });
    }

    fn answered(&mut self, now: Instant, session: SessionId, body: Option<Body>) {
        if self.line.session() != Some(session) {
            return;
        }
        let Line::Calling(calling) = std::mem::replace(&mut self.line, Line::Idle) else { return };
        let Calling { number, plan, mut audio, .. } = calling;
        if let Some(body) = body {
            audio.answered(now, &body.bytes);
        }
        self.begin(now, session, number, Role::Caller, audio);
        self.events.push_back(Event::PickedUp { by: Party::Other });
        match plan.talk_from {
            TalkFrom::Answer => {
                self.schedule(now, plan.talk, What::HangUp);
                self.plan_hold(now, plan.hold);
            }
            TalkFrom::Voice => {
                if let Line::Talking(talking) = &mut self.line {
                    talking.until_voice = Some(plan);
                }
            }
        }
    }

    fn take_answer(&mut self, now: Instant, session: SessionId, body: Option<Body>) {
        if let (Some(talking), Some(body)) = (self.line.talking(session), body) {
            talking.audio.answered(now, &body.bytes);
        }
    }

    fn requested(
        &mut self,
        now: Instant,
        session: SessionId,
        exchange: ExchangeId,
        method: &Method,
        body: Option<&Body>,
    ) {
        let changes_media = matches!(method, Method::Invite | Method::Update);
        let reply = match self.line.talking(session) {
            Some(talking) if changes_media => {
                let was_held = talking.audio.is_held();
                let own = match body {
                    Some(offer) => talking.audio.answer(now, &offer.bytes),
                    None => Some(talking.audio.offer()),
                };
                let is_held = talking.audio.is_held();
                match (was_held, is_held) {
                    (false, true) => self.events.push_back(Event::Held { by: Party::Other }),
                    (true, false) => self.events.push_back(Event::Resumed { by: Party::Other }),
                    (true, true) | (false, false) => {}
                }
                own.map_or(Reply::status(488), |body| Reply {
                    body: Some(Body::sdp(body)),
                    ..Reply::status(200)
                })
            }
            Some(_) | None => Reply::status(200),
        };
        // Where the session ended in this very moment nobody waits for the reply.
        let _ = self.user_agent.reply(now, session, exchange, &reply);
    }

    fn replied(
        &mut self,
        now: Instant,
        session: SessionId,
        exchange: ExchangeId,
        status: u16,
        body: Option<&Body>,
    ) {
        let Some(talking) = self.line.talking(session).filter(|talking| talking.asking == Some(exchange))
        else {
            return;
        };
        talking.asking = None;
        let is_hold = talking.audio.is_holding();
        match status {
            200..=299 => {
                if let Some(body) = body {
                    talking.audio.answered(now, &body.bytes);
                }
                if let Some(sound) = &mut talking.audio.sound {
                    sound.mute(is_hold);
                }
                let lasting = talking.hold.map(|hold| hold.lasting);
                let by = Party::Us;
                self.events.push_back(if is_hold { Event::Held { by } } else { Event::Resumed { by } });
                if is_hold {
                    self.schedule(now, lasting, What::Resume);
                }
            }
            491 => {
                let wait = match talking.role {
                    Role::Caller => GLARE_OWNER,
                    Role::Callee => GLARE_OTHER,
                };
                self.hold_later(now, is_hold, wait);
            }
            status => self.events.push_back(Event::HoldRefused { status }),
        }
    }
}
