//! A distributor and its twin, told the same, step by step.

use std::collections::BTreeMap;
use std::time::Duration;

use acd::state::{Phase, Stage, State};
use acd::watch::{Input, Journal, Step, Watch};
use acd::{
    AgentId, Command, Distributor, Event, InteractionId, Lease, QueueId, QueueSettings, Refusal, RejectCause,
    ReservationId, Settings, WorkStage, invariants,
};
use proptest::prelude::*;
use timing::Instant;

use crate::generate::{History, Op, Part, Shared};
use crate::label;
use crate::naive::Naive;

/// What happened in all histories together, and how often.
pub(crate) type Tally = BTreeMap<&'static str, u64>;

/// How closely a history is looked at. Answers and events are compared, and the [`Watch`] hears them, at
/// every step in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// States, hashes, invariants and deadlines at every so many steps, and at the end.
    EveryFew,
    /// All of that at every step; every choice against all that could have been chosen; and the replay.
    Close,
}

/// The steps between two comparisons of everything.
const FEW: usize = 8;

fn drain(distributor: &mut Distributor) -> Vec<Event> {
    std::iter::from_fn(|| distributor.poll_event()).collect()
}

struct Pair {
    look: Look,
    now: Instant,
    steps: usize,
    fast: Distributor,
    naive: Naive,
    watch: Watch,
    journal: Journal,
}

/// Plays one history and looks at it so; `restore_at` writes the distributor down before that step and goes on with
/// what was read back.
pub(crate) fn play(
    history: &History,
    look: Look,
    restore_at: Option<usize>,
    tally: &mut Tally,
) -> Result<(), TestCaseError> {
    let mut pair = Pair::new(&history.settings, look);
    for (number, op) in history.ops.iter().enumerate() {
        if restore_at == Some(number) {
            pair.run(&Op::Restore, tally)?;
        }
        pair.run(op, tally)?;
    }
    pair.compare_everything()?;
    let snapshot = pair.fast.snapshot(pair.now);
    prop_assert_eq!(pair.watch.agree(&snapshot), Ok(()));
    if look == Look::Close {
        prop_assert_eq!(pair.journal.check(pair.fast.state_hash()), Ok(()));
    }
    Ok(())
}

impl Pair {
    fn new(settings: &Settings, look: Look) -> Pair {
        let mut naive = Naive::new(settings.clone());
        naive.watches_refusals = look == Look::Close;
        Pair {
            look,
            now: Instant::from_micros(7),
            steps: 0,
            fast: Distributor::new(settings.clone()),
            naive,
            watch: Watch::new(settings.clone()),
            journal: Journal::new(settings.clone()),
        }
    }

    fn run(&mut self, op: &Op, tally: &mut Tally) -> Result<(), TestCaseError> {
        match op {
            Op::Command(command) => self.command(command, tally),
            Op::Answer(pick) => {
                self.maybe(self.live(*pick).map(|reservation| Command::Accept { reservation }), tally)
            }
            Op::Refuse(pick, cause) => {
                let cause = *cause;
                let command = self.live(*pick).map(|reservation| Command::Reject { reservation, cause });
                self.maybe(command, tally)
            }
            Op::Reach(_) | Op::Alert(_) | Op::Hold(_) | Op::Withdraw(..) | Op::Miss(..) | Op::CallBack(_) => {
                self.maybe(self.about_callbacks(op), tally)
            }
            Op::Finish(pick) => {
                let over = self.interrupting(*pick).or_else(|| self.handled(*pick));
                self.maybe(over.map(|interaction| Command::Finish { interaction }), tally)
            }
            Op::Return(pick) => {
                self.maybe(self.handled(*pick).map(|interaction| Command::Return { interaction }), tally)
            }
            Op::Change(pick, change) => {
                let waiting = self.waiting(*pick);
                let change = |interaction| Command::Change { interaction, change: change.clone(), by: None };
                self.maybe(waiting.map(change), tally)
            }
            Op::Renew(pick) => {
                let lease = self.handled(*pick).map(Lease::Handling);
                self.maybe(lease.map(|lease| Command::Renew { lease }), tally)
            }
            Op::Adjust(queue, part, from) => self.maybe(self.adjusted(*queue, *part, from), tally),
            Op::Configure(part, from) => self.command(&self.configured(*part, from), tally),
            Op::WrapUp(pick, by) => {
                let command = self.wrapping_up(*pick).map(|(agent, interaction)| match *by {
                    Some(by) => Command::ExtendAfterCallWork { agent, interaction, by },
                    None => Command::EndAfterCallWork { agent, interaction },
                });
                self.maybe(command, tally)
            }
            Op::Stale(reservation) => {
                let reservation = ReservationId(*reservation);
                self.command(&Command::Accept { reservation }, tally)?;
                self.command(&Command::CallbackReached { reservation }, tally)?;
                self.command(&Command::Reject { reservation, cause: RejectCause::Busy }, tally)
            }
            Op::Wait(duration) => {
                self.now += *duration;
                self.timeout(tally)
            }
            Op::Blink(agent, duration) => self.blink(*agent, *duration, tally),
            // Time that passes while the owner of the distributor is late to look at the deadlines.
            Op::Lag(duration) => {
                self.now += *duration;
                Ok(())
            }
            Op::NextDeadline => match self.fast.poll_timeout() {
                Some(deadline) => {
                    self.now = self.now.max(deadline);
                    self.timeout(tally)
                }
                None => Ok(()),
            },
            Op::Restore => {
                let written = serde_json::to_string(&self.fast).expect("plain data");
                self.fast = serde_json::from_str(&written).expect("what was written");
                self.compare_everything()
            }
        }
    }

    fn blink(&mut self, agent: AgentId, duration: Duration, tally: &mut Tally) -> Result<(), TestCaseError> {
        self.command(&Command::LogOut { agent }, tally)?;
        self.now += duration;
        self.timeout(tally)?;
        self.command(&Command::LogIn { agent, not_ready: None }, tally)
    }

    fn adjusted(&self, queue: QueueId, part: Part, from: &QueueSettings) -> Option<Command> {
        let mut settings = Box::new(self.naive.state.queues.get(&queue)?.settings.clone());
        part.of(&mut settings, from.clone());
        Some(Command::DefineQueue { queue, settings })
    }

    fn configured(&self, part: Shared, from: &Settings) -> Command {
        let mut settings = Box::new(self.naive.state.settings.clone());
        part.of(&mut settings, from.clone());
        Command::Configure { settings }
    }

    fn live(&self, pick: usize) -> Option<ReservationId> {
        let reservations = &self.naive.state.reservations;
        reservations.keys().nth(pick % reservations.len().max(1)).copied()
    }

    fn waiting(&self, pick: usize) -> Option<InteractionId> {
        let waiting: Vec<InteractionId> = (self.naive.state.interactions.iter())
            .filter(|(_, interaction)| interaction.stage == Stage::Waiting)
            .map(|(&id, _)| id)
            .collect();
        waiting.get(pick % waiting.len().max(1)).copied()
    }

    fn about_callbacks(&self, op: &Op) -> Option<Command> {
        match *op {
            Op::Reach(pick) => self.calling(pick).map(|reservation| Command::CallbackReached { reservation }),
            Op::Miss(pick, cause) => {
                self.calling(pick).map(|reservation| Command::CallbackFailed { reservation, cause })
            }
            Op::Alert(pick) => self.calling(pick).map(|reservation| Command::CallbackRings { reservation }),
            Op::Hold(pick) => self.pending(pick).map(|interaction| Command::CallbackHolds { interaction }),
            Op::Withdraw(pick, by) => {
                self.pending(pick).map(|interaction| Command::WithdrawCallback { interaction, by })
            }
            Op::CallBack(pick) => self.unanswered(pick).map(|interaction| Command::CallBack { interaction }),
            _ => None,
        }
    }

    /// Mostly one by which a customer is called.
    fn calling(&self, pick: usize) -> Option<ReservationId> {
        let held = self.naive.state.reservations.iter();
        let calling: Vec<ReservationId> =
            held.filter(|(_, held)| held.phase != Phase::Ringing).map(|(&id, _)| id).collect();
        calling.get(pick % calling.len().max(1)).copied().or_else(|| self.live(pick))
    }

    /// Mostly a callback whose customer is not on the line.
    fn pending(&self, pick: usize) -> Option<InteractionId> {
        let interactions = self.naive.state.interactions.iter();
        let pending: Vec<InteractionId> = interactions
            .filter(|(_, interaction)| interaction.pending_callback().is_some())
            .map(|(&id, _)| id)
            .collect();
        pending.get(pick % pending.len().max(1)).copied().or_else(|| self.unanswered(pick))
    }

    fn unanswered(&self, pick: usize) -> Option<InteractionId> {
        let all: Vec<InteractionId> = (self.naive.state.interactions.iter())
            .filter(|(_, interaction)| !matches!(interaction.stage, Stage::Handling { .. }))
            .map(|(&id, _)| id)
            .collect();
        all.get(pick % all.len().max(1)).copied()
    }

    fn handled(&self, pick: usize) -> Option<InteractionId> {
        let handled: Vec<InteractionId> = (self.naive.state.interactions.iter())
            .filter(|(_, interaction)| matches!(interaction.stage, Stage::Handling { .. }))
            .map(|(&id, _)| id)
            .collect();
        handled.get(pick % handled.len().max(1)).copied()
    }

    /// In every second case one that interrupts another, whose end is rare otherwise.
    fn interrupting(&self, pick: usize) -> Option<InteractionId> {
        let interrupted = |work: &acd::Work| matches!(work.stage, WorkStage::Handling { interrupted, .. } if interrupted.since.is_some());
        let agents = self.naive.state.agents.values().filter(|agent| agent.works.iter().any(interrupted));
        let works = agents.flat_map(|agent| agent.works.iter());
        let others: Vec<InteractionId> = works
            .filter(|work| work.is_handling() && !interrupted(work))
            .map(|work| work.interaction)
            .collect();
        others.get(pick / 2 % others.len().max(1)).copied().filter(|_| pick % 2 == 1)
    }

    /// Every other time the after-call work of an interaction by its name, which need not be the first.
    fn wrapping_up(&self, pick: usize) -> Option<(AgentId, Option<InteractionId>)> {
        let mut all = Vec::new();
        for (&id, agent) in &self.naive.state.agents {
            let works = agent.works.iter().filter(|work| work.is_after_call_work());
            all.extend(works.map(|work| (id, work.interaction)));
        }
        let (agent, interaction) = all.get(pick % all.len().max(1)).copied()?;
        Some((agent, pick.is_multiple_of(2).then_some(interaction)))
    }

    fn maybe(&mut self, command: Option<Command>, tally: &mut Tally) -> Result<(), TestCaseError> {
        command.map_or(Ok(()), |command| self.command(&command, tally))
    }

    fn command(&mut self, command: &Command, tally: &mut Tally) -> Result<(), TestCaseError> {
        let before = self.state_before();
        if self.look == Look::Close {
            self.journal.command(self.now, command.clone());
        }
        let expected = self.naive.handle_command(self.now, command.clone());
        let answer = self.fast.handle_command(self.now, command.clone());
        prop_assert_eq!(answer, expected);
        self.compare(Some((command, answer)), before.as_ref(), tally)
    }

    fn timeout(&mut self, tally: &mut Tally) -> Result<(), TestCaseError> {
        let before = self.state_before();
        if self.look == Look::Close {
            self.journal.timeout(self.now);
        }
        self.fast.handle_timeout(self.now);
        self.naive.handle_timeout(self.now);
        self.compare(None, before.as_ref(), tally)
    }

    fn state_before(&self) -> Option<State> {
        (self.look == Look::Close).then(|| self.naive.state.clone())
    }

    fn compare(
        &mut self,
        command: Option<(&Command, Result<(), Refusal>)>,
        before: Option<&State>,
        tally: &mut Tally,
    ) -> Result<(), TestCaseError> {
        let expected = std::mem::take(&mut self.naive.events);
        for reached in self.naive.reached.drain(..) {
            *tally.entry(reached).or_default() += 1;
        }
        for event in &expected {
            *tally.entry(label::of(event)).or_default() += 1;
        }
        if let Some((Command::Configure { .. }, _)) = command
            && expected.iter().any(|event| matches!(event, Event::Reserved { .. }))
        {
            *tally.entry(label::OFFERED_BY_OTHER_SETTINGS).or_default() += 1;
        }
        let events = drain(&mut self.fast);
        prop_assert_eq!(&events, &expected);
        let input = command.map_or(Input::Timeout, Input::from);
        let step = Step { now: self.now, input, events: &events, wakes: self.fast.poll_timeout() };
        let watched = match before {
            Some(before) => self.watch.step_between(before, &step, &self.naive.state),
            None => self.watch.step(&step),
        };
        prop_assert_eq!(watched, Ok(()));
        self.steps += 1;
        match self.look {
            Look::EveryFew if !self.steps.is_multiple_of(FEW) => Ok(()),
            Look::EveryFew | Look::Close => self.compare_everything(),
        }
    }

    /// What everybody who waits would be told.
    fn compare_estimates(&self) -> Result<(), TestCaseError> {
        for &id in self.naive.state.interactions.keys() {
            let lines = self.naive.lines_before(id);
            let estimates = lines
                .iter()
                .map(|(queue, line)| self.naive.state.queues[queue].estimator.estimate(self.now, line));
            let shortest = estimates.clone().flatten().min_by_key(|estimate| estimate.wait);
            let expected = shortest.map(Ok).or_else(|| estimates.clone().next());
            prop_assert_eq!(self.fast.estimate_for(self.now, id), expected);
        }
        Ok(())
    }

    fn compare_everything(&self) -> Result<(), TestCaseError> {
        if self.fast.state_hash() != self.naive.state.hash() {
            prop_assert_eq!(self.fast.state(), self.naive.state.clone());
            prop_assert!(false, "equal states have different hashes");
        }
        prop_assert_eq!(invariants::check(&self.fast), Ok(()));
        self.compare_estimates()?;
        let wakes_in_time = match (self.fast.poll_timeout(), self.naive.first_deadline()) {
            (None, None) => true,
            // What was due before now (a reserve that somebody's return opens) wakes at once.
            (Some(fast), Some(naive)) => {
                let tick = naive.as_micros().next_multiple_of(1_024);
                fast.as_micros() <= tick.max(self.naive.state.now.as_micros())
            }
            (Some(_), None) | (None, Some(_)) => false,
        };
        prop_assert!(wakes_in_time);
        Ok(())
    }
}
