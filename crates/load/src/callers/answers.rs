//! What comes to callers: answers to their requests, and requests of the system.

use std::net::SocketAddr;

use sip::digest::{ClientAccount, Secret};
use sip::{Message, Method, compose};

use super::call::Stage;
use super::{Around, Callers, RINGS_FOR, What};
use crate::audio::AudioChange;
use crate::figures::{Measure, Outcome};
use crate::line::Key;
use crate::pairs::target_of;
use crate::plan::{Side, TalkFrom};
use crate::sending::Repeated;
use crate::wire::Dialog;

/// The last INVITE of a call: a proxy's challenge and its server's are answered, and each once more where it was stale.
const CSEQ_MAX: u32 = 5;

/// Answers.
impl Callers {
    /// A response to a request of ours.
    pub(crate) fn handle_response(&mut self, around: &mut Around<'_>, response: &Message) {
        let key = response.from_tag().and_then(|tag| self.place.key_of(tag));
        let (Some(key), Ok((cseq, method))) = (key, response.cseq()) else {
            around.figures.strays += 1;
            return;
        };
        let Some(call) = self.find(key) else {
            around.figures.strays += 1;
            return;
        };
        match method {
            Method::Invite if call.invite.cseq().is_ok_and(|(ours, _)| ours == cseq) => {
                self.invite_answered(around, key, response);
            }
            Method::Invite => self.challenged_again(around, key, response),
            Method::Bye => self.bye_answered(around, key, response),
            Method::Cancel => {
                if response.status() >= 200 {
                    self.settle_cancel(around, key);
                }
            }
            _ => around.figures.strays += 1,
        }
    }

    /// A challenge that was answered, repeated: it is acknowledged again.
    fn challenged_again(&mut self, around: &mut Around<'_>, key: Key, response: &Message) {
        around.figures.came_again += 1;
        let system = self.place.system;
        let Some(challenged) = self.find(key).and_then(|call| call.challenged.as_ref()) else { return };
        if response.status() >= 300 {
            let ack = compose::ack_of(challenged, response).ok();
            around.out.extend(ack.map(|ack| (system, ack.bytes().clone())));
        }
    }

    fn invite_answered(&mut self, around: &mut Around<'_>, key: Key, response: &Message) {
        match response.status() {
            ..=199 => self.progressed(around, key, response.status()),
            200..=299 => self.accepted(around, key, response),
            _ => self.refused(around, key, response),
        }
    }

    fn progressed(&mut self, around: &mut Around<'_>, key: Key, status: u16) {
        let Some(call) = self.find(key) else { return };
        let since = around.now.since(call.planned);
        let first = match status {
            100 => (!std::mem::replace(&mut call.is_trying, true)).then_some(Measure::Trying),
            180..=189 => (!std::mem::replace(&mut call.is_ringing, true)).then_some(Measure::Ringing),
            _ => None,
        };
        if let Some(measure) = first.filter(|_| call.counts) {
            around.figures.time(measure, since);
        }
        if call.stage != Stage::Calling {
            return;
        }
        call.stage = Stage::Ringing;
        if call.wants_out {
            self.cancel(around, key);
        } else if let Some(call) = self.calls.find(key) {
            call.sending.wait(&mut self.timers, around.now + RINGS_FOR, key, What::GiveUp);
        }
    }

    fn accepted(&mut self, around: &mut Around<'_>, key: Key, response: &Message) {
        let place = self.place.clone();
        let Some(call) = self.find(key) else { return };
        match call.stage {
            Stage::Calling | Stage::Ringing | Stage::Cancelling(_) => {}
            Stage::Answered | Stage::Leaving(_) | Stage::Over => {
                // RFC 3261 §13.2.2.4: each 2xx is acknowledged, the repeated too.
                around.figures.came_again += 1;
                around.out.extend(call.ack.clone());
                return;
            }
        }
        let number = call.invite.cseq().map_or(1, |(number, _)| number);
        let dialog = Dialog::of_caller(response, &place);
        let via = place.via(key, u32::MAX);
        let ack = dialog.as_ref().and_then(|dialog| {
            Some((dialog.next_hop(), dialog.request(Method::Ack, number, &via)?.bytes().clone()))
        });
        let Some(ack) = ack else {
            // A 2xx without a Contact that can be read: there is nobody to talk to.
            around.figures.strays += 1;
            return self.end(around, key, Outcome::Refused(response.status()));
        };
        let is_cancelled = matches!(call.stage, Stage::Cancelling(_));
        (call.dialog, call.ack, call.stage) = (dialog, Some(ack.clone()), Stage::Answered);
        around.out.push_back(ack);
        let (since, counts) = (around.now.since(call.planned), call.counts);
        if counts && !is_cancelled {
            around.figures.time(Measure::Answered, since);
        }
        let (wants_out, talks, talk) = (call.wants_out, call.talk_from == TalkFrom::Answer, call.talk);
        let (is_connected, pair) = (call.is_connected, call.pair);
        self.settle(key);
        if let Some(pair) = pair {
            around.pairs.say(pair, Side::Callers, key, AudioChange::Send(target_of(response)));
        }
        if is_cancelled || wants_out {
            let outcome = if is_connected { Outcome::Completed } else { Outcome::Abandoned };
            self.hang_up(around, key, outcome);
        } else if talks {
            if let Some(call) = self.find(key) {
                call.is_connected = true;
            }
            self.schedule(around.now + talk, key, What::HangUp);
        }
    }

    fn refused(&mut self, around: &mut Around<'_>, key: Key, response: &Message) {
        let system = self.place.system;
        let Some(call) = self.find(key) else { return };
        around
            .out
            .extend(compose::ack_of(&call.invite, response).ok().map(|ack| (system, ack.bytes().clone())));
        let status = response.status();
        let outcome = match call.stage {
            Stage::Over => {
                around.figures.came_again += 1;
                return;
            }
            Stage::Cancelling(since) if status == 487 => {
                if call.counts {
                    around.figures.time(Measure::Cancel, around.now.since(since));
                }
                Outcome::Abandoned
            }
            Stage::Calling | Stage::Ringing if matches!(status, 401 | 407) => {
                if self.call_again(around, key, response) {
                    return;
                }
                Outcome::Refused(status)
            }
            Stage::Calling | Stage::Ringing | Stage::Cancelling(_) => Outcome::Refused(status),
            // A refusal after a 200 is against the protocol.
            Stage::Answered | Stage::Leaving(_) => {
                around.figures.strays += 1;
                return;
            }
        };
        self.end(around, key, outcome);
    }

    /// Calls again with what the challenge asks for; not where we have nothing or it was wrong.
    fn call_again(&mut self, around: &mut Around<'_>, key: Key, response: &Message) -> bool {
        let system = self.place.system;
        let Some(call) = self.find(key).filter(|call| call.cseq < CSEQ_MAX) else { return false };
        let (profile, request, cseq) = (call.profile, call.invite.clone(), call.cseq + 1);
        let (from, called, pair) = (call.from.clone(), call.called.clone(), call.pair);
        let Some(credentials) = self.profiles[profile].credentials.clone() else { return false };
        let secret = Secret::Password(credentials.password);
        let account = ClientAccount { user: credentials.user, secret, realm: None };
        let cnonce = self.place.tag(key).replace('.', "");
        let Ok(answer) = sip::digest::answer(&account, &request, response, &cnonce, 1) else { return false };
        let Some(call) = self.find(key) else { return false };
        let mut answers = std::mem::take(&mut call.answers);
        answers.retain(|other| other.name != answer.name);
        answers.push(answer);
        let Some(invite) = self.invite((key, pair), &from, &called, cseq, &answers) else { return false };
        let bytes = invite.bytes().clone();
        let Some(call) = self.find(key) else { return false };
        call.challenged = Some(std::mem::replace(&mut call.invite, invite));
        (call.answers, call.cseq, call.stage) = (answers, cseq, Stage::Calling);
        self.send(around, key, (system, bytes), Repeated::Doubling);
        true
    }

    fn bye_answered(&mut self, around: &mut Around<'_>, key: Key, response: &Message) {
        let Some(call) = self.find(key) else { return };
        let Stage::Leaving(outcome) = call.stage else {
            around.figures.came_again += 1;
            return;
        };
        if response.status() < 200 {
            return;
        }
        if let Some(since) = call.sending.since().filter(|_| call.counts) {
            around.figures.time(Measure::Bye, around.now.since(since));
        }
        // 481: the other side has ended it at the same time, and knows it no more.
        let is_ended = response.status() < 300 || response.status() == 481;
        let outcome = if is_ended { outcome } else { outcome.max(Outcome::NotEnded) };
        self.end(around, key, outcome);
    }

    /// The CANCEL has arrived: it is not repeated; the 487 is still to come.
    fn settle_cancel(&mut self, around: &mut Around<'_>, key: Key) {
        let Some(call) = self.calls.find(key) else { return };
        if !matches!(call.stage, Stage::Cancelling(_)) {
            around.figures.came_again += 1;
            return;
        }
        call.sending.arrived(&mut self.timers);
    }
}

/// Requests.
impl Callers {
    /// A request of the system.
    pub(crate) fn handle_request(&mut self, around: &mut Around<'_>, request: &Message, source: SocketAddr) {
        let key = request.to_tag().and_then(|tag| self.place.key_of(tag));
        let is_known = key.is_some_and(|key| self.find(key).is_some());
        let (status, is_described) = match (request.method(), is_known) {
            (Method::Ack, _) => return,
            (Method::Invite, true) => (200, true),
            (Method::Update, true) => (200, !request.body().is_empty()),
            (Method::Bye | Method::Cancel | Method::Info | Method::Message | Method::Notify, true)
            | (Method::Options, _) => (200, false),
            // REFER, SUBSCRIBE and what else a load does not do.
            (_, true) => (501, false),
            (Method::Invite, false) => (480, false),
            (_, false) => {
                around.figures.strays += 1;
                (481, false)
            }
        };
        let call = key.and_then(|key| self.find(key));
        let (user, pair) = call.map(|call| (call.from.clone(), call.pair)).unwrap_or_default();
        let is_offer = is_described && !request.body().is_empty();
        if let Some((pair, key)) = pair.zip(key).filter(|_| is_offer) {
            around.pairs.say(pair, Side::Callers, key, AudioChange::Send(target_of(request)));
        }
        let sdp = is_described.then(|| self.place.sdp(pair));
        around.out.extend(self.place.respond(request, source, status, "", &user, sdp));
        if let (Method::Bye, Some(key)) = (request.method(), key) {
            self.hung_up(around, key);
        }
    }

    /// The system has hung up.
    fn hung_up(&mut self, around: &mut Around<'_>, key: Key) {
        let Some(call) = self.find(key) else { return };
        let outcome = match call.stage {
            Stage::Answered if call.is_connected => {
                let is_right = call.may_be_hung_up || around.line.is_left(&call.from, key);
                if is_right { Outcome::Completed } else { Outcome::CutOff }
            }
            // Both at once: the answer to our own BYE is still to come.
            Stage::Leaving(_) => return,
            Stage::Over => {
                around.figures.came_again += 1;
                return;
            }
            Stage::Answered | Stage::Calling | Stage::Ringing | Stage::Cancelling(_) => Outcome::HungUp,
        };
        self.end(around, key, outcome);
    }
}
