//! Many days on several threads. Which thread plays which day changes nothing: a day is a function of the model,
//! the seed and its number, and the days are put together in order of their numbers.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc;

use whatif::{Day, Model, RunError, Watch};

use super::progress::Progress;

/// How many threads play, and where it is shown.
pub(crate) struct Players<'a> {
    /// At least one.
    pub(crate) threads: usize,
    /// How closely the distributor is watched meanwhile.
    pub(crate) watch: Watch,
    /// What the user sees meanwhile.
    pub(crate) progress: &'a Progress,
}

/// As many threads as the machine has cores.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

impl Players<'_> {
    /// Plays so many days of a model, from the first on.
    ///
    /// # Errors
    ///
    /// That of the first day that could not be played.
    pub(crate) fn play(&self, model: &Model, seed: u64, replications: u32) -> Result<Vec<Day>, RunError> {
        let next = AtomicU32::new(0);
        let stop = AtomicBool::new(false);
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                let (sender, next, stop) = (sender.clone(), &next, &stop);
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= replications {
                            break;
                        }
                        let day = whatif::run(model, seed, number, self.watch);
                        if sender.send((number, day)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let mut days = Vec::new();
            for (number, day) in receiver {
                if day.is_err() {
                    stop.store(true, Ordering::Relaxed);
                }
                self.progress.day_is_over();
                days.push((number, day));
            }
            days.sort_by_key(|(number, _)| *number);
            days.into_iter().map(|(_, day)| day).collect()
        })
    }
}
