//! Every step of the distributor, looked at while it is made.

use acd::watch::{Input, Step};
use acd::{Command, Event, Refusal};

use super::{Run, RunError};

impl Run<'_> {
    /// Gives a command, or tells the time (`None`), and checks what came of it. What is broken is kept until the
    /// end of the step, where [`Run::breach`] is asked for.
    pub(super) fn step_watched(&mut self, command: Option<&Command>) -> Result<(), Refusal> {
        self.steps += 1;
        let closely = self.watch.is_close(self.steps);
        let before = closely.then(|| self.distributor.state());
        let result = match command {
            Some(command) => self.distributor.handle_command(self.now, command.clone()),
            None => {
                self.distributor.handle_timeout(self.now);
                Ok(())
            }
        };
        let events: Vec<Event> = std::iter::from_fn(|| self.distributor.poll_event()).collect();
        let input = match (command, result) {
            (None, _) => Input::Timeout,
            (Some(command), Ok(())) => Input::Obeyed(command),
            (Some(command), Err(refusal)) => Input::Refused(command, refusal),
        };
        let wakes = self.distributor.poll_timeout();
        let step = Step { now: self.now, input, events: &events, wakes };
        if let Some(watch) = &mut self.over_time {
            let checked = match &before {
                Some(before) => watch.step_between(before, &step, &self.distributor.state()),
                None => watch.step(&step),
            };
            if let Err(violation) = checked {
                self.breach.get_or_insert(RunError::BrokenOverTime(violation));
            }
        }
        if closely && let Err(violation) = acd::invariants::check(&self.distributor) {
            self.breach.get_or_insert(RunError::Broken(violation));
        }
        self.heard.extend(events);
        result
    }
}
