//! Those who call.

mod answers;
mod call;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use sip::compose::RequestBuilder;
use sip::{Message, Method, NameAddr};
use timing::{Instant, TimerId, TimerWheel};
use whatif::{Distribution, Draws, Purpose};

use crate::audio::{AudioChange, PairId};
use crate::figures::{Figures, Measure, Outcome};
use crate::line::{Key, Line};
use crate::pace::Schedule;
use crate::pairs::Pairs;
use crate::plan::{Callers as Profile, Side, TalkFrom};
use crate::sending::{Due, Repeated, Sending};
use crate::slots::Slots;
use crate::wire::{LINGER, Place};
use call::{Call, Stage};

/// How long a call may ring or wait without a final answer (Timer C of RFC 3261 §16.6 is three minutes; a queue keeps
/// longer).
const RINGS_FOR: Duration = Duration::from_secs(1_800);

/// How many people who are in a call already are passed over for the next.
const PEOPLE_SKIPPED_MAX: u64 = 64;

/// What comes due for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// A request is sent again.
    Repeat,
    /// Nothing came.
    GiveUp,
    /// The caller has waited long enough.
    Impatient,
    /// The caller has talked long enough.
    HangUp,
    /// What is over need not answer repetitions any more.
    Forget,
}

/// What falls due of a request that is sent.
const DUE: Due<What> = Due { again: What::Repeat, give_up: What::GiveUp };

/// What callers and machine share while one input is handled.
pub(crate) struct Around<'a> {
    pub(crate) now: Instant,
    pub(crate) figures: &'a mut Figures,
    pub(crate) line: &'a mut Line,
    pub(crate) pairs: &'a mut Pairs,
    pub(crate) out: &'a mut VecDeque<(SocketAddr, Bytes)>,
}

/// Everybody who calls: see the module.
#[derive(Debug)]
pub(crate) struct Callers {
    place: Place,
    profiles: Vec<Profile>,
    pacing: Vec<Pacing>,
    seed: u64,
    calls_max: usize,
    calls: Slots<Call>,
    in_progress: usize,
    timers: TimerWheel<(Key, What)>,
}

/// When the next call of a profile begins.
#[derive(Debug)]
struct Pacing {
    schedule: Schedule,
    next: Option<Instant>,
    number: u32,
}

impl Callers {
    pub(crate) fn new(place: Place, profiles: Vec<Profile>, seed: u64, calls_max: usize) -> Callers {
        let pacing = profiles.iter().zip(0..).map(|(profile, index)| Pacing {
            schedule: profile.pace.schedule(seed, index),
            next: None,
            number: 0,
        });
        Callers {
            pacing: pacing.collect(),
            place,
            profiles,
            seed,
            calls_max,
            calls: Slots::new(),
            in_progress: 0,
            timers: TimerWheel::new(),
        }
    }

    /// Calls begin from now on, and none at `end` or later.
    pub(crate) fn begin(&mut self, now: Instant, end: Instant) {
        for pacing in &mut self.pacing {
            pacing.draw(now, end);
        }
    }

    /// No call begins any more.
    pub(crate) fn stop(&mut self) {
        for pacing in &mut self.pacing {
            pacing.next = None;
        }
    }

    /// Whether a call is still to begin.
    pub(crate) fn is_beginning(&self) -> bool {
        self.pacing.iter().any(|pacing| pacing.next.is_some())
    }

    pub(crate) fn in_progress(&self) -> usize {
        self.in_progress
    }

    /// Whether nothing is left, not even what answers repetitions.
    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let next = self.pacing.iter().filter_map(|pacing| pacing.next).min();
        [next, self.timers.next_deadline()].into_iter().flatten().min()
    }

    pub(crate) fn handle_timeout(&mut self, around: &mut Around<'_>, begins: Instant, end: Instant) {
        for profile in 0..self.profiles.len() {
            while let Some(planned) = self.pacing[profile].next.filter(|planned| *planned <= around.now) {
                let number = self.pacing[profile].number;
                self.pacing[profile].number += 1;
                self.pacing[profile].draw(begins, end);
                self.call(around, profile, number, planned);
            }
        }
        while let Some((key, what)) = self.timers.poll(around.now) {
            self.fall_due(around, key, what);
        }
    }

    /// An agent talks with this caller now.
    pub(crate) fn connected(&mut self, around: &mut Around<'_>, key: Key) {
        let Some(call) = self.find(key) else { return };
        if call.is_connected || call.talk_from == TalkFrom::Answer {
            return;
        }
        call.is_connected = true;
        let talk = call.talk;
        // Where our own 200 is late the talk begins all the same; it cannot end before that has come.
        self.schedule(around.now + talk, key, What::HangUp);
    }

    /// The time to end is over: what is still there is ended without waiting for an answer.
    pub(crate) fn leave_over(&mut self, around: &mut Around<'_>) {
        for key in self.calls.keys() {
            match self.find(key).map(|call| call.stage) {
                None | Some(Stage::Over) => continue,
                Some(Stage::Ringing) => self.cancel(around, key),
                Some(Stage::Answered) => self.hang_up(around, key, Outcome::LeftOver),
                Some(Stage::Calling | Stage::Cancelling(_) | Stage::Leaving(_)) => {}
            }
            self.end(around, key, Outcome::LeftOver);
        }
    }
}

impl Pacing {
    fn draw(&mut self, begins: Instant, end: Instant) {
        let next = self.schedule.next().map(|seconds| begins + Duration::from_secs_f64(seconds.min(1e9)));
        self.next = next.filter(|next| *next < end);
    }
}

/// The life of a call.
impl Callers {
    fn call(&mut self, around: &mut Around<'_>, profile: usize, number: u32, planned: Instant) {
        let counts = around.figures.counts(planned);
        around.figures.second(around.now).begun += 1;
        if counts {
            around.figures.begun += 1;
        }
        if self.in_progress >= self.calls_max {
            around.figures.over(around.now, Outcome::NotMade, counts);
            return;
        }
        let key = self.calls.reserve();
        // In the warm-up it would be talked with for nothing, and keep the ports from a call that is counted.
        let pair = if counts { around.pairs.take(around.now) } else { None };
        let Some(call) = self.prepare(around, (key, pair), profile, number, planned) else {
            self.calls.take(key);
            if let Some(pair) = pair {
                around.pairs.release(around.now, pair);
            }
            around.figures.over(around.now, Outcome::NotMade, counts);
            return;
        };
        match pair {
            Some(pair) => around.pairs.say(pair, Side::Callers, key, AudioChange::Begin),
            None => around.figures.without_audio += u64::from(counts && around.pairs.is_wanted()),
        }
        around.line.join(&call.from, key, planned, pair);
        if counts {
            around.figures.time(Measure::Lateness, around.now.since(planned));
        }
        self.in_progress += 1;
        around.figures.in_progress(around.now, self.in_progress);
        if let Some(patience) = call.patience {
            self.schedule(planned + patience, key, What::Impatient);
        }
        let bytes = call.invite.bytes().clone();
        self.calls.put(key, call);
        let to = self.place.system;
        self.send(around, key, (to, bytes), Repeated::Doubling);
    }

    /// A call that is planned, with what it draws; none where nobody is left who could call.
    fn prepare(
        &self,
        around: &Around<'_>,
        (key, pair): (Key, Option<PairId>),
        which: usize,
        number: u32,
        planned: Instant,
    ) -> Option<Call> {
        let profile = &self.profiles[which];
        let lane = u32::try_from(which).unwrap_or(u32::MAX);
        let draw =
            |law: &Distribution, purpose| law.draw(&mut Draws::new(self.seed, 0, lane, number, purpose, 0));
        let people = u64::from(profile.people.max(1));
        let person = |skipped: u64| (self.place.nonce() % people + u64::from(number) + skipped) % people;
        let mut names =
            (0..PEOPLE_SKIPPED_MAX).map(|skipped| format!("{}{:07}", profile.from, person(skipped)));
        let from = names.find(|from| !around.line.holds(from))?;
        let called = &profile.numbers[number as usize % profile.numbers.len()];
        let invite = self.invite((key, pair), &from, called, 1, &[])?;
        Some(Call {
            profile: which,
            pair,
            called: called.clone(),
            from,
            planned,
            counts: around.figures.counts(planned),
            talk: draw(&profile.talk, Purpose::Handling),
            talk_from: profile.talk_from,
            patience: profile.patience.as_ref().map(|law| draw(law, Purpose::Patience)),
            invite,
            cseq: 1,
            stage: Stage::Calling,
            is_trying: false,
            is_ringing: false,
            is_connected: false,
            wants_out: false,
            dialog: None,
            ack: None,
            sending: Sending::default(),
            answers: Vec::new(),
            challenged: None,
            may_be_hung_up: profile.may_be_hung_up,
        })
    }

    fn invite(
        &self,
        (key, pair): (Key, Option<PairId>),
        from: &str,
        called: &str,
        cseq: u32,
        answers: &[sip::digest::Answer],
    ) -> Option<Message> {
        let target = self.place.address(called);
        let mut request = RequestBuilder::new(Method::Invite, &target)
            .via(&self.place.via(key, cseq))
            .from(&NameAddr::new(self.place.address(from)).with_tag(&self.place.tag(key)))
            .to(&NameAddr::new(target.clone()))
            .call_id(&self.place.call_id(key))
            .cseq(cseq)
            .contact(&self.place.contact(from));
        for answer in answers {
            request = request.header(answer.name, &answer.value);
        }
        // What cannot be written came from a challenge, or from the plan.
        request.body("application/sdp", self.place.sdp(pair)).build().ok()
    }

    fn fall_due(&mut self, around: &mut Around<'_>, key: Key, what: What) {
        let Some(call) = self.find(key) else { return };
        match what {
            What::Repeat => self.repeat(around, key),
            What::GiveUp => {
                let outcome = match call.stage {
                    Stage::Leaving(outcome) => outcome.max(Outcome::NotEnded),
                    Stage::Calling | Stage::Ringing | Stage::Cancelling(_) => Outcome::Unanswered,
                    Stage::Answered | Stage::Over => return,
                };
                if call.stage == Stage::Ringing {
                    self.cancel(around, key);
                }
                self.end(around, key, outcome);
            }
            What::Impatient => self.give_up(around, key),
            What::HangUp => match call.stage {
                Stage::Answered => self.hang_up(around, key, Outcome::Completed),
                // Its 200 has not come yet although an agent talks: ended as soon as it has.
                Stage::Calling | Stage::Ringing => call.wants_out = true,
                Stage::Cancelling(_) | Stage::Leaving(_) | Stage::Over => {}
            },
            What::Forget => self.forget(key),
        }
    }

    /// The caller has waited long enough, unless somebody talks with it.
    fn give_up(&mut self, around: &mut Around<'_>, key: Key) {
        let Some(call) = self.find(key) else { return };
        if call.is_connected {
            return;
        }
        match call.stage {
            // RFC 3261 §9.1: not before something came.
            Stage::Calling => call.wants_out = true,
            Stage::Ringing => self.cancel(around, key),
            Stage::Answered => self.hang_up(around, key, Outcome::Abandoned),
            Stage::Cancelling(_) | Stage::Leaving(_) | Stage::Over => {}
        }
    }

    fn cancel(&mut self, around: &mut Around<'_>, key: Key) {
        let system = self.place.system;
        let Some(call) = self.find(key) else { return };
        let Ok(cancel) = sip::compose::cancel_of(&call.invite) else { return };
        call.stage = Stage::Cancelling(around.now);
        self.send(around, key, (system, cancel.bytes().clone()), Repeated::Capped);
    }

    fn hang_up(&mut self, around: &mut Around<'_>, key: Key, outcome: Outcome) {
        let Some(call) = self.find(key) else { return };
        call.cseq += 1;
        let cseq = call.cseq;
        let via = self.place.via(key, cseq);
        let Some(call) = self.find(key) else { return };
        let Some((bye, to)) = call.bye(&via) else { return };
        call.stage = Stage::Leaving(outcome);
        if let Some(pair) = call.pair {
            around.pairs.say(pair, Side::Callers, key, AudioChange::End);
        }
        around.line.leave(&call.from, key);
        self.send(around, key, (to, bye.bytes().clone()), Repeated::Capped);
    }

    /// It is over; what still comes for it is answered for some seconds.
    fn end(&mut self, around: &mut Around<'_>, key: Key, outcome: Outcome) {
        self.settle(key);
        let Some(call) = self.find(key) else { return };
        if call.stage == Stage::Over {
            return;
        }
        call.stage = Stage::Over;
        let counts = call.counts;
        if let Some(pair) = call.pair.take() {
            around.pairs.say(pair, Side::Callers, key, AudioChange::End);
            around.pairs.release(around.now, pair);
        }
        around.line.leave(&call.from, key);
        around.figures.over(around.now, outcome, counts);
        self.in_progress -= 1;
        around.figures.in_progress(around.now, self.in_progress);
        if self.place.is_reliable() {
            self.forget(key);
        } else {
            self.schedule(around.now + LINGER, key, What::Forget);
        }
    }
}

/// Places and timers.
impl Callers {
    fn find(&mut self, key: Key) -> Option<&mut Call> {
        self.calls.find(key)
    }

    fn forget(&mut self, key: Key) {
        self.settle(key);
        self.calls.take(key);
    }

    fn schedule(&mut self, at: Instant, key: Key, what: What) -> TimerId {
        self.timers.schedule(at, (key, what))
    }

    /// Sends a request that is repeated until [`Callers::settle`].
    fn send(&mut self, around: &mut Around<'_>, key: Key, message: (SocketAddr, Bytes), repeated: Repeated) {
        around.out.push_back(message.clone());
        let repeated = self.place.repeated(repeated);
        let Some(call) = self.calls.find(key) else { return };
        call.sending.begin(&mut self.timers, around.now, key, message, (repeated, DUE));
    }

    fn repeat(&mut self, around: &mut Around<'_>, key: Key) {
        let Some(call) = self.calls.find(key) else { return };
        let again = call.sending.again(&mut self.timers, around.now, key, What::Repeat);
        around.figures.sent_again += u64::from(again.is_some());
        around.out.extend(again);
    }

    /// Nothing needs to be sent again, and no answer is due.
    fn settle(&mut self, key: Key) {
        if let Some(call) = self.calls.find(key) {
            call.sending.settle(&mut self.timers);
        }
    }
}
