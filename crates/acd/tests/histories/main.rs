//! Random histories through the distributor and its obvious twin: the same answers, the same events, the same
//! state after every step, and every invariant. A third of a million commands and timeouts in all.

mod generate;
mod naive;

use acd::{Command, Distributor, Event, RejectCause, ReservationId, invariants};
use generate::{History, Op};
use naive::Naive;
use proptest::prelude::*;
use timing::Instant;

/// Histories times their length is the number of steps; both were chosen for a minute on two busy cores.
const HISTORIES: u32 = 1_500;

fn drain(distributor: &mut Distributor) -> Vec<Event> {
    std::iter::from_fn(|| distributor.poll_event()).collect()
}

struct Pair {
    now: Instant,
    fast: Distributor,
    naive: Naive,
}

impl Pair {
    fn run(&mut self, op: &Op) -> Result<(), TestCaseError> {
        match op {
            Op::Command(command) => self.command(command.clone())?,
            Op::Answer(pick) => {
                if let Some(reservation) = self.live(*pick) {
                    self.command(Command::Accept { reservation })?;
                }
            }
            Op::Refuse(pick, cause) => {
                if let Some(reservation) = self.live(*pick) {
                    self.command(Command::Reject { reservation, cause: *cause })?;
                }
            }
            Op::Stale(reservation) => {
                let reservation = ReservationId(*reservation);
                self.command(Command::Accept { reservation })?;
                self.command(Command::Reject { reservation, cause: RejectCause::Busy })?;
            }
            Op::Wait(duration) => {
                self.now += *duration;
                self.fast.handle_timeout(self.now);
                self.naive.handle_timeout(self.now);
            }
            // Time that passes while the owner of the distributor is late to look at the deadlines.
            Op::Lag(duration) => self.now += *duration,
            Op::NextDeadline => {
                if let Some(deadline) = self.fast.poll_timeout() {
                    self.now = self.now.max(deadline);
                    self.fast.handle_timeout(self.now);
                    self.naive.handle_timeout(self.now);
                }
            }
            Op::Restore => {
                let written = serde_json::to_string(&self.fast).expect("plain data");
                self.fast = serde_json::from_str(&written).expect("what was written");
            }
        }
        self.compare()
    }

    fn live(&self, pick: usize) -> Option<ReservationId> {
        let reservations = &self.naive.state.reservations;
        reservations.keys().nth(pick % reservations.len().max(1)).copied()
    }

    fn command(&mut self, command: Command) -> Result<(), TestCaseError> {
        let expected = self.naive.handle_command(self.now, command.clone());
        let answer = self.fast.handle_command(self.now, command);
        prop_assert_eq!(answer, expected);
        Ok(())
    }

    fn compare(&mut self) -> Result<(), TestCaseError> {
        let expected = std::mem::take(&mut self.naive.events);
        prop_assert_eq!(drain(&mut self.fast), expected);
        if self.fast.state_hash() != self.naive.state.hash() {
            prop_assert_eq!(self.fast.state(), self.naive.state.clone());
            prop_assert!(false, "equal states have different hashes");
        }
        prop_assert_eq!(invariants::check(&self.fast), Ok(()));
        let wakes_in_time = match (self.fast.poll_timeout(), self.naive.first_deadline()) {
            (None, None) => true,
            (Some(fast), Some(naive)) => fast.as_micros() <= naive.as_micros().next_multiple_of(1_024),
            (Some(_), None) | (None, Some(_)) => false,
        };
        prop_assert!(wakes_in_time);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: HISTORIES, ..ProptestConfig::default() })]

    #[test]
    fn the_distributor_does_what_its_obvious_twin_does(history in generate::history()) {
        let History { settings, ops } = history;
        let mut pair = Pair {
            now: Instant::from_micros(7),
            fast: Distributor::new(settings.clone()),
            naive: Naive::new(settings),
        };
        for op in &ops {
            pair.run(op)?;
        }
    }

    #[test]
    fn a_distributor_written_down_in_the_middle_has_the_same_future(
        history in generate::history(),
        middle in 0.0..1.0f64,
    ) {
        let History { settings, ops } = history;
        let cut = (ops.len() as f64 * middle) as usize;
        let mut pair = Pair {
            now: Instant::from_micros(7),
            fast: Distributor::new(settings.clone()),
            naive: Naive::new(settings),
        };
        for op in &ops[..cut] {
            pair.run(op)?;
        }
        pair.run(&Op::Restore)?;
        for op in &ops[cut..] {
            pair.run(op)?;
        }
    }
}
