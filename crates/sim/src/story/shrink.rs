//! A failing story is made smaller: whatever can be left out while it fails in the same way is left out.

use super::{Broken, Entry, Story};
use crate::chance::Span;
use crate::network::Conditions;
use crate::world::Scenario;

/// A story that fails and is as small as it could be made.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// What is left.
    pub story: Story,
    /// How it fails.
    pub broken: Broken,
    /// How many entries there were before.
    pub entries_before: usize,
    /// How often a story was played for it.
    pub plays: usize,
}

impl Story {
    /// Makes a story smaller that fails as `broken` says, in at most so many plays: first its world is made simpler,
    /// then entries are left out, half of them, a quarter, and so on down to single ones (delta debugging,
    /// Zeller and Hildebrandt 2002).
    pub fn shrink(self, broken: Broken, plays_max: usize) -> Shrunk {
        let complaint = broken.complaint();
        let entries_before = self.entries.len();
        let mut search = Search { complaint, left: plays_max, story: self, broken };
        search.simplify();
        search.leave_out();
        // Without most of its entries a world may do with less.
        search.simplify();
        let Search { left, story, broken, .. } = search;
        Shrunk { story, broken, entries_before, plays: plays_max - left }
    }
}

struct Search {
    complaint: String,
    left: usize,
    story: Story,
    broken: Broken,
}

impl Search {
    /// Takes a smaller story where it fails in the same way.
    fn accept(&mut self, smaller: Story) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        match smaller.play() {
            Err(broken) if broken.complaint() == self.complaint => {
                (self.story, self.broken) = (smaller, broken);
                true
            }
            Err(_) | Ok(_) => false,
        }
    }

    fn simplify(&mut self) {
        let simpler: [fn(&mut Scenario); 4] = [
            |scenario| scenario.conditions = Conditions::CLEAN,
            |scenario| scenario.ring_latency = Span::millis(0),
            |scenario| scenario.has_pbx = false,
            |scenario| scenario.has_voice = false,
        ];
        for change in simpler {
            let mut story = self.story.clone();
            change(&mut story.scenario);
            self.accept(story);
        }
    }

    fn leave_out(&mut self) {
        let mut size = self.story.entries.len().div_ceil(2);
        while size > 0 && self.left > 0 {
            let mut start = 0;
            let mut has_changed = false;
            while start < self.story.entries.len() && self.left > 0 {
                let mut smaller = self.story.clone();
                smaller.entries = without(&self.story.entries, start, size);
                if self.accept(smaller) {
                    has_changed = true;
                } else {
                    start += size;
                }
            }
            // What could not be left out before may be, now that others are gone.
            if size > 1 || !has_changed {
                size /= 2;
            }
        }
    }
}

fn without(entries: &[Entry], start: usize, size: usize) -> Vec<Entry> {
    let end = (start + size).min(entries.len());
    entries[..start].iter().chain(&entries[end..]).cloned().collect()
}
