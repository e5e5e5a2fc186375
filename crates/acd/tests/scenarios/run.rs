//! Runs a table and compares.

use std::time::Duration;

use acd::state::State;
use acd::watch::{Input, Journal, Step, Watch};
use acd::{Command, Distributor, Event, Settings, invariants};
use timing::Instant;

use crate::definition;
use crate::names::Names;
use crate::sentence;
use crate::table::{self, Kind, Line, Wrong};
use crate::told::{BEGIN, Told, clock, told};

/// A line's time is meant to the hundredth of a second: deadlines that fall into it run before its command.
const MOMENT: Duration = Duration::from_millis(9);
/// Where expected events begin when they are written anew.
const INDENT: &str = "            ";

/// What came of a table.
pub(crate) struct Outcome {
    /// Where it is not as the table says, with line numbers.
    pub(crate) difference: Option<String>,
    /// The table as it would be true.
    pub(crate) rewritten: String,
    pub(crate) events: usize,
}

pub(crate) fn run(text: &str) -> Result<Outcome, Wrong> {
    let lines = table::read(text)?;
    let mut world = World::new(settings(&lines)?);
    let (mut differences, mut rewritten, mut events) = (Vec::new(), String::new(), 0);
    let mut rest = lines.as_slice();
    while let Some((line, after)) = rest.split_first() {
        let (at, command) = match &line.kind {
            Kind::Comment | Kind::Expected(_) => {
                rewritten += &format!("{}\n", line.text);
                rest = after;
                continue;
            }
            Kind::Definition(definition) => {
                world.define(definition).map_err(|what| Wrong { line: line.number, what })?;
                rewritten += &format!("{}\n", line.text);
                rest = after;
                continue;
            }
            Kind::Command(at, command) => (BEGIN + Duration::from_millis(*at), command),
        };
        let wrong = |what| Wrong { line: line.number, what };
        for (time, told) in world.pass(at).map_err(wrong)? {
            let came: String = told.iter().map(|told| format!("{INDENT}{}\n", told.line(None))).collect();
            differences.push(format!("{}: at {time}, before this line\n{}", line.number, marked('+', &came)));
            rewritten += &format!("{time}\n{came}");
            events += told.len();
        }
        let told = world.moment(at, command).map_err(wrong)?;
        events += told.len();
        let block =
            after.iter().take_while(|line| !matches!(line.kind, Kind::Command(..) | Kind::Definition(_)));
        let block: Vec<&Line> = block.collect();
        // Comments below the last expected event belong to what follows.
        let length =
            block.iter().rposition(|line| matches!(line.kind, Kind::Expected(_))).map_or(0, |at| at + 1);
        let (shown, written) = compare(&block[..length], &told);
        if let Some(shown) = shown {
            differences.push(format!("{}: {}\n{shown}", line.number, line.text.trim_end()));
        }
        rewritten += &format!("{}\n{written}", line.text);
        rest = &after[length..];
    }
    world
        .journal
        .check(world.acd.state_hash())
        .map_err(|violation| Wrong { line: lines.len(), what: violation.to_string() })?;
    let difference = (!differences.is_empty()).then(|| differences.join("\n"));
    Ok(Outcome { difference, rewritten, events })
}

fn settings(lines: &[Line]) -> Result<Settings, Wrong> {
    for line in lines {
        if let Kind::Definition(text) = &line.kind
            && let Some(text) = text.strip_prefix("settings:")
        {
            return definition::settings(Settings::default(), text)
                .map_err(|what| Wrong { line: line.number, what });
        }
    }
    Ok(Settings::default())
}

fn marked(mark: char, lines: &str) -> String {
    lines.lines().map(|line| format!("    {mark} {}", line.trim())).collect::<Vec<_>>().join("\n")
}

/// The difference, if any, and the expected lines as they would be true.
fn compare(expected: &[&Line], came: &[Told]) -> (Option<String>, String) {
    let said: Vec<(&Line, &str)> = expected
        .iter()
        .filter_map(|line| match &line.kind {
            Kind::Expected(text) => Some((*line, text.as_str())),
            Kind::Comment | Kind::Definition(_) | Kind::Command(..) => None,
        })
        .collect();
    let is_true = said.len() == came.len() && said.iter().zip(came).all(|(line, told)| told.is(line.1));
    if is_true {
        return (None, expected.iter().map(|line| format!("{}\n", line.text)).collect());
    }
    let (mut shown, mut written) = (Vec::new(), String::new());
    let (mut left, mut right) = (said.as_slice(), came);
    while !left.is_empty() || !right.is_empty() {
        match (left.first(), right.first()) {
            (Some((line, text)), Some(told)) if told.is(text) => {
                shown.push(format!("      {text}"));
                written += &format!("{}\n", line.text);
                (left, right) = (&left[1..], &right[1..]);
            }
            // The line that would spoil less of what follows is given up first.
            (Some((_, text)), told)
                if told.is_none() || common(&left[1..], right) >= common(left, &right[1..]) =>
            {
                shown.push(format!("    - {text}"));
                if let Some(told) = told.filter(|told| text.split(',').next() == Some(told.head.as_str())) {
                    let line = told.line(Some(text));
                    shown.push(format!("    + {line}"));
                    written += &format!("{INDENT}{line}\n");
                    right = &right[1..];
                }
                left = &left[1..];
            }
            (_, Some(told)) => {
                shown.push(format!("    + {}", told.line(None)));
                written += &format!("{INDENT}{}\n", told.line(None));
                right = &right[1..];
            }
            (_, None) => unreachable!("one of the two has a first"),
        }
    }
    (Some(shown.join("\n")), written)
}

/// The length of the longest sequence that both have.
fn common(said: &[(&Line, &str)], came: &[Told]) -> usize {
    let mut best = vec![0; came.len() + 1];
    for (_, text) in said.iter().rev() {
        let below = best.clone();
        for (at, told) in came.iter().enumerate().rev() {
            best[at] = if told.is(text) { below[at + 1] + 1 } else { below[at].max(best[at + 1]) };
        }
    }
    best[0]
}

struct World {
    acd: Distributor,
    names: Names,
    now: Instant,
    watch: Watch,
    journal: Journal,
}

impl World {
    fn new(settings: Settings) -> World {
        World {
            watch: Watch::new(settings.clone()),
            journal: Journal::new(settings.clone()),
            acd: Distributor::new(settings),
            names: Names::default(),
            now: BEGIN,
        }
    }

    /// Before the first time: what it brings about is not told.
    fn define(&mut self, text: &str) -> Result<(), String> {
        let word = text.split([' ', ':']).next().unwrap_or_default();
        match word {
            "settings" => return Ok(()),
            "queue" | "agent" => {}
            other => return Err(format!("`{other}` defines nothing: settings, queue, agent, or a time")),
        }
        let name = text[word.len()..].split(':').next().unwrap_or_default().trim();
        let command = match word {
            "queue" => {
                self.names.define_queue(name)?;
                sentence::command(&mut self.names, &self.acd.state(), self.now, text)?
            }
            _ => {
                self.names.define_agent(name)?;
                sentence::command(&mut self.names, &self.acd.state(), self.now, text)?
            }
        };
        let events = self.tell(command)?;
        let refused = events.iter().find_map(|event| match event {
            Event::Refused { refusal, .. } => Some(*refusal),
            _ => None,
        });
        refused.map_or(Ok(()), |refusal| Err(format!("the definition is refused: {refusal}")))
    }

    /// Lets time pass until just before a line; what that brings, by time.
    fn pass(&mut self, until: Instant) -> Result<Vec<(String, Vec<Told>)>, String> {
        let mut all: Vec<(String, Vec<Told>)> = Vec::new();
        while let Some(deadline) = self.acd.poll_timeout().filter(|&deadline| deadline < until) {
            let told = self.deadline(deadline)?;
            if told.is_empty() {
                continue;
            }
            let time = clock(self.now);
            match all.last_mut() {
                Some((last, events)) if *last == time => events.extend(told),
                Some(_) | None => all.push((time, told)),
            }
        }
        Ok(all)
    }

    /// The deadlines of the moment, and then the command.
    fn moment(&mut self, at: Instant, command: &str) -> Result<Vec<Told>, String> {
        let mut all = Vec::new();
        while let Some(deadline) = self.acd.poll_timeout().filter(|&deadline| deadline <= at + MOMENT) {
            all.extend(self.deadline(deadline)?);
        }
        self.now = self.now.max(at);
        if !command.is_empty() {
            let command = sentence::command(&mut self.names, &self.acd.state(), self.now, command)?;
            let events = self.tell(command)?;
            all.extend(events.iter().map(|event| told(&self.names, event)));
        }
        Ok(all)
    }

    fn deadline(&mut self, at: Instant) -> Result<Vec<Told>, String> {
        self.now = self.now.max(at);
        let before = self.acd.state();
        self.journal.timeout(self.now);
        self.acd.handle_timeout(self.now);
        let events: Vec<Event> = std::iter::from_fn(|| self.acd.poll_event()).collect();
        self.look(&before, Input::Timeout, &events)?;
        Ok(events.iter().map(|event| told(&self.names, event)).collect())
    }

    fn tell(&mut self, command: Command) -> Result<Vec<Event>, String> {
        let before = self.acd.state();
        self.acd.apply(self.now, command.clone());
        let events: Vec<Event> = std::iter::from_fn(|| self.acd.poll_event()).collect();
        self.look(&before, Input::applied(&command, &events), &events)?;
        self.journal.command(self.now, command);
        Ok(events)
    }

    fn look(&mut self, before: &State, input: Input<'_>, events: &[Event]) -> Result<(), String> {
        invariants::check(&self.acd).map_err(|violation| violation.to_string())?;
        let step = Step { now: self.now, input, events, wakes: self.acd.poll_timeout() };
        let watched = self.watch.step_between(before, &step, &self.acd.state());
        watched.map_err(|violation| violation.to_string())
    }
}
