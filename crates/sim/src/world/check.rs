//! The end of a world: nothing is left, and all who counted say the same.

use std::time::Duration;

use timing::Instant;

use super::{Appointment, Failure, PhoneId, Told, Verdict, World};

/// The longest that calls may go on once a world is asked to come to its end.
const CALLS_END_WITHIN: Duration = Duration::from_secs(4 * 3_600);
/// 64*T1, and what the last message may need before.
const TRANSACTIONS_END_WITHIN: Duration = Duration::from_secs(32 + 12);

impl World {
    /// Lets all calls come to their end, takes all registrations back, waits until the last transaction
    /// must be over, and says whether all was right.
    pub fn finish(mut self) -> Result<Verdict, Box<Failure>> {
        let limit = self.now + CALLS_END_WITHIN;
        while (self.is_anybody_busy() || self.has_calls()) && self.now < limit {
            self.run_for(Duration::from_secs(1));
        }
        if self.is_anybody_busy() {
            let busy: Vec<PhoneId> = self.busy.iter().copied().take(5).collect();
            let phone = busy.first().and_then(|id| self.phone(*id));
            let (user, other) = phone.map_or(("", ""), |phone| {
                (phone.settings().user.as_str(), phone.other().unwrap_or_default())
            });
            // The ladder is that of whoever called.
            let caller = if self.witness.is_agent(user) { other } else { user }.to_owned();
            let what = format!("calls never end: {busy:?}, the first with {other}");
            self.witness.accuse(self.now, &caller, what);
        }
        self.run_for(TRANSACTIONS_END_WITHIN);
        for number in 0..self.agent_count() {
            self.appoint(self.now, Appointment::Unregister(PhoneId(number)));
        }
        self.run_for(TRANSACTIONS_END_WITHIN);
        self.check_nothing_is_left();
        self.witness.check_the_end(self.now);
        self.check_counts();
        let verdict = self.verdict();
        let violations = self.witness.violations().to_vec();
        if violations.is_empty() {
            return Ok(verdict);
        }
        Err(Box::new(Failure::new(verdict, violations, |caller| self.witness.ladder(caller))))
    }

    /// Whether the centre has calls still: of phones that are both dead nobody else knows.
    fn has_calls(&self) -> bool {
        self.centre.engine().counts().calls.calls > 0
    }

    fn verdict(&self) -> Verdict {
        Verdict {
            seed: self.seed,
            truth: self.witness.truth(),
            told: Told { refused: self.centre.engine().totals().refused_calls(), ..self.told },
            counted: self.centre.distributor().snapshot(self.now).totals,
            clashes: self.clashes,
            struck: self.struck.clone(),
            network: self.network.counts(),
            history: self.history,
            seconds: self.now.since(Instant::ORIGIN).as_secs(),
        }
    }

    fn check_nothing_is_left(&mut self) {
        let counts = self.centre.engine().counts();
        let calls = counts.calls;
        // Phones that were unplugged leave their contact behind until it expires.
        let sip = sip::Counts { contacts: 0, connections: 0, ..calls.sip };
        let relay = self.centre.relay().counts();
        let snapshot = self.centre.distributor().snapshot(self.now);
        let waiting: u32 =
            snapshot.queues.iter().map(|queue| queue.waiting + queue.reserved + queue.handling).sum();
        let left = [
            ("interactions of the engine", counts.interactions),
            ("timers of the engine", counts.timers),
            ("calls", calls.calls),
            ("connected calls", calls.connected),
            ("terminations of the calls", calls.terminations),
            ("media ports", calls.ports.in_use),
            ("timers of the calls", calls.timers),
            ("terminations of the relay", relay.terminations),
            ("ports of the relay", relay.ports),
            ("timers of the relay", relay.timers),
            ("outputs of the relay", relay.queued),
            ("interactions in the distributor", snapshot.interactions as usize),
            ("interactions in queues", waiting as usize),
        ];
        for (what, count) in left.into_iter().filter(|&(_, count)| count != 0) {
            self.witness.accuse(self.now, "", format!("left over: {count} {what}"));
        }
        let without_timers = sip::Counts { timers: 0, ..sip };
        let has_orphans = calls.sip.contacts == 0 && sip.timers != 0;
        if without_timers != sip::Counts::default() || has_orphans {
            self.witness.accuse(self.now, "", format!("left over in the user agent: {sip:?}"));
        }
    }

    fn check_counts(&mut self) {
        let verdict = self.verdict();
        let (truth, told, counted) = (verdict.truth, verdict.told, verdict.counted);
        // Who is given back is offered, and may be answered, once more.
        let offered = counted.offered - counted.flowed_in - counted.returned;
        let answered = counted.answered - counted.returned;
        let refusals = self.witness.refusals().max(truth.refused);
        let arrived = self.centre.engine().totals().sip.calls();
        let pairs = [
            ("offered, by wire and distributor", truth.offered, offered),
            ("answered, by wire and distributor", truth.answered, answered),
            ("abandoned, by wire and distributor", truth.abandoned, counted.abandoned),
            ("overflowed, by wire and distributor", truth.overflowed, counted.left),
            ("answered, by wire and records", truth.answered, told.answered),
            ("abandoned, by wire and records", truth.abandoned, told.abandoned),
            ("overflowed, by wire and records", truth.overflowed, told.overflowed),
            ("refused, by wire and records", told.refused.clamp(truth.refused, refusals), told.refused),
            ("arrived and offered or refused", arrived, offered + told.refused),
            ("waiting, by wire and by the end of the day", truth.waiting, 0),
            ("answered and finished, by the distributor", counted.answered, counted.finished),
        ];
        for (what, one, other) in pairs.into_iter().filter(|&(_, one, other)| one != other) {
            self.witness.accuse(self.now, "", format!("{what}: {one} and {other}"));
        }
    }
}
