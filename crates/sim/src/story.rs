//! Stories: a world and everything that will happen in it as a list, so that what is not needed for a failure can be
//! left out.

mod shrink;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use timing::Instant;

pub use shrink::Shrunk;

use crate::world::{Appointment, Failure, Scenario, Verdict, World};

/// One thing that will happen.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When.
    pub at: Instant,
    /// What.
    pub what: Appointment,
}

/// A world and all that will happen in it. The same story has the same end.
#[derive(Clone, Debug)]
pub struct Story {
    /// What the world is made of. Nobody registers by themselves.
    pub scenario: Scenario,
    /// The seed of everything that is left to chance.
    pub seed: u64,
    /// What will happen; at the same instant the earlier entry first.
    pub entries: Vec<Entry>,
}

/// How a story failed.
#[derive(Clone, Debug)]
pub enum Broken {
    /// Something was wrong on the wire, or something was left.
    Wrong(Box<Failure>),
    /// The product or the world panicked, and said this.
    Panicked(String),
}

impl Story {
    /// An empty one.
    pub fn new(scenario: Scenario, seed: u64) -> Story {
        Story { scenario, seed, entries: Vec::new() }
    }

    /// Adds something that will happen.
    pub fn add(&mut self, at: Instant, what: Appointment) {
        self.entries.push(Entry { at, what });
    }

    /// How many calls will come in.
    pub fn calls(&self) -> u64 {
        let is_call = |entry: &&Entry| matches!(entry.what, Appointment::Call(..) | Appointment::CallOf(..));
        self.entries.iter().filter(is_call).count() as u64
    }

    /// Lets it happen.
    ///
    /// # Errors
    ///
    /// What was wrong.
    pub fn play(&self) -> Result<Verdict, Broken> {
        let played = catch_unwind(AssertUnwindSafe(|| {
            let mut world = World::asleep(self.scenario.clone(), self.seed);
            for Entry { at, what } in &self.entries {
                world.appoint(*at, what.clone());
            }
            world.finish()
        }));
        match played {
            Ok(end) => end.map_err(Broken::Wrong),
            Err(payload) => {
                let said = payload.downcast_ref::<String>().cloned();
                let said = said.or_else(|| payload.downcast_ref::<&str>().map(|&said| said.to_owned()));
                Err(Broken::Panicked(said.unwrap_or_default()))
            }
        }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scenario { conditions, ring_latency, seats, has_pbx, has_voice, .. } = &self.scenario;
        let (seed, agents) = (self.seed, seats.len());
        writeln!(f, "seed {seed}, {agents} agents, PBX: {has_pbx}, voice: {has_voice}")?;
        writeln!(f, "{conditions:?}, rings take {ring_latency:?}")?;
        for Entry { at, what } in &self.entries {
            writeln!(f, "{:>12.6}  {what}", at.as_micros() as f64 / 1e6)?;
        }
        Ok(())
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Wrong(failure) => write!(f, "{failure}"),
            Broken::Panicked(said) => writeln!(f, "panicked: {said}"),
        }
    }
}

impl Broken {
    /// What it is about, without the numbers in it: two failures with the same complaint count as the same.
    pub fn complaint(&self) -> String {
        let said = match self {
            Broken::Wrong(failure) => failure.violations().first().map_or("", |first| &first.what),
            Broken::Panicked(said) => said,
        };
        said.chars().filter(|letter| !letter.is_ascii_digit()).collect()
    }
}
