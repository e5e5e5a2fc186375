//! Random histories through the distributor and its obvious twin: the same answers, the same events, the same
//! state after every step, and every invariant. Hundreds of thousands of events in all, every kind
//! among them.

mod generate;
mod label;
mod naive;

use std::cell::RefCell;
use std::collections::BTreeMap;

use acd::state::Stage;
use acd::{
    Activity, AgentId, Command, Distributor, Event, InteractionId, RejectCause, ReservationId, invariants,
};
use generate::{History, Op};
use naive::Naive;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use timing::Instant;

/// Histories times their length is the number of steps; both were chosen for a minute on two busy cores.
const HISTORIES: u32 = 5_000;

fn drain(distributor: &mut Distributor) -> Vec<Event> {
    std::iter::from_fn(|| distributor.poll_event()).collect()
}

struct Pair {
    now: Instant,
    fast: Distributor,
    naive: Naive,
}

impl Pair {
    fn run(&mut self, op: &Op, tally: &mut Tally) -> Result<(), TestCaseError> {
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
            Op::Finish(pick) => {
                if let Some(interaction) = self.handled(*pick) {
                    self.command(Command::Finish { interaction })?;
                }
            }
            Op::Return(pick) => {
                if let Some(interaction) = self.handled(*pick) {
                    self.command(Command::Return { interaction })?;
                }
            }
            Op::WrapUp(pick, by) => {
                if let Some(agent) = self.wrapping_up(*pick) {
                    self.command(match *by {
                        Some(by) => Command::ExtendAfterCallWork { agent, by },
                        None => Command::EndAfterCallWork { agent },
                    })?;
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
        self.compare(tally)
    }

    fn live(&self, pick: usize) -> Option<ReservationId> {
        let reservations = &self.naive.state.reservations;
        reservations.keys().nth(pick % reservations.len().max(1)).copied()
    }

    fn handled(&self, pick: usize) -> Option<InteractionId> {
        let handled: Vec<InteractionId> = (self.naive.state.interactions.iter())
            .filter(|(_, interaction)| matches!(interaction.stage, Stage::Handling { .. }))
            .map(|(&id, _)| id)
            .collect();
        handled.get(pick % handled.len().max(1)).copied()
    }

    fn wrapping_up(&self, pick: usize) -> Option<AgentId> {
        let agents: Vec<AgentId> = (self.naive.state.agents.iter())
            .filter(|(_, agent)| matches!(agent.activity, Activity::AfterCallWork { .. }))
            .map(|(&id, _)| id)
            .collect();
        agents.get(pick % agents.len().max(1)).copied()
    }

    fn command(&mut self, command: Command) -> Result<(), TestCaseError> {
        let expected = self.naive.handle_command(self.now, command.clone());
        let answer = self.fast.handle_command(self.now, command);
        prop_assert_eq!(answer, expected);
        Ok(())
    }

    fn compare(&mut self, tally: &mut Tally) -> Result<(), TestCaseError> {
        let expected = std::mem::take(&mut self.naive.events);
        for event in &expected {
            *tally.entry(label::of(event)).or_default() += 1;
        }
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

/// What happened in all histories together, and how often.
type Tally = BTreeMap<&'static str, u64>;

fn play(history: &History, restore_at: Option<usize>, tally: &mut Tally) -> Result<(), TestCaseError> {
    let mut pair = Pair {
        now: Instant::from_micros(7),
        fast: Distributor::new(history.settings.clone()),
        naive: Naive::new(history.settings.clone()),
    };
    for (number, op) in history.ops.iter().enumerate() {
        if restore_at == Some(number) {
            pair.run(&Op::Restore, tally)?;
        }
        pair.run(op, tally)?;
    }
    Ok(())
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(ProptestConfig { cases, source_file: Some(file!()), ..ProptestConfig::default() })
}

#[test]
fn the_distributor_does_what_its_obvious_twin_does() {
    let tally = RefCell::new(Tally::new());
    runner(HISTORIES)
        .run(&generate::history(), |history| play(&history, None, &mut tally.borrow_mut()))
        .unwrap_or_else(|failure| panic!("{failure}"));

    let tally = tally.into_inner();
    for kind in label::ALL {
        let times = tally.get(kind).copied().unwrap_or_default();
        assert!(times >= 50, "{kind} happened only {times} times: the histories prove too little");
    }
    let events: u64 = tally.values().sum();
    assert!(events >= 500_000, "only {events} events");
}

#[test]
fn a_distributor_written_down_in_the_middle_has_the_same_future() {
    let tally = RefCell::new(Tally::new());
    let histories = (generate::history(), any::<usize>());
    runner(HISTORIES / 10)
        .run(&histories, |(history, middle)| {
            let middle = middle % history.ops.len();
            play(&history, Some(middle), &mut tally.borrow_mut())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}
