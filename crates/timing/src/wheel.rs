//! Deadlines in a hierarchical timing wheel (Varghese and Lauck, "Hashed and Hierarchical Timing
//! Wheels", SOSP 1987, scheme 7): setting and cancelling cost the same however many are set.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::Instant;

/// log2 of the microseconds in a tick: deadlines are rounded up to 1.024 ms.
const TICK_BITS: u32 = 10;
/// log2 of the slots in a level.
const LEVEL_BITS: u32 = 6;
const SLOTS: usize = 1 << LEVEL_BITS;
const SLOT_MASK: u64 = (1 << LEVEL_BITS) - 1;
/// Ten levels of six bits hold every tick that 64-bit microseconds can name, so nothing is too far away.
const LEVELS: usize = 10;
/// The end of a list.
const NONE: u32 = u32::MAX;

/// Names one scheduled deadline. A stale one (fired or cancelled) is recognised and does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerId {
    index: u32,
    generation: u32,
}

/// Deadlines, each carrying a value that comes back when its time has come.
///
/// Never early, at most one tick (1.024 ms) late. Values due in the same tick come back in the
/// order in which they were scheduled, so the same inputs give the same outputs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TimerWheel<T> {
    levels: Vec<Level>,
    entries: Vec<Entry<T>>,
    free: Vec<u32>,
    /// Entries whose time has come, waiting for [`TimerWheel::poll`].
    due: VecDeque<u32>,
    /// Room for the entries of a slot that is being emptied.
    #[serde(skip)]
    arrived: Vec<u32>,
    /// The tick up to which slots have been emptied.
    elapsed: u64,
    sequence: u64,
    len: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Level {
    /// Bit `n` is set while slot `n` holds an entry.
    occupied: u64,
    heads: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Place {
    Free,
    Slot { level: u8, slot: u8 },
    Due,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry<T> {
    value: Option<T>,
    tick: u64,
    sequence: u64,
    generation: u32,
    place: Place,
    previous: u32,
    next: u32,
}

impl<T> Default for TimerWheel<T> {
    fn default() -> TimerWheel<T> {
        TimerWheel::new()
    }
}

impl<T> TimerWheel<T> {
    /// A wheel with no deadlines.
    pub fn new() -> TimerWheel<T> {
        TimerWheel {
            levels: (0..LEVELS).map(|_| Level { occupied: 0, heads: vec![NONE; SLOTS] }).collect(),
            entries: Vec::new(),
            free: Vec::new(),
            due: VecDeque::new(),
            arrived: Vec::new(),
            elapsed: 0,
            sequence: 0,
            len: 0,
        }
    }

    /// How many deadlines are set.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no deadline is set.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sets a deadline. One that lies in the past is due at the next [`TimerWheel::poll`].
    pub fn schedule(&mut self, at: Instant, value: T) -> TimerId {
        let tick = at.as_micros().div_ceil(1 << TICK_BITS);
        self.sequence += 1;
        let index = self.allocate(tick, value);
        self.len += 1;
        if tick <= self.elapsed {
            self.make_due(&mut [index]);
        } else {
            self.link(index);
        }
        TimerId { index, generation: self.entries[index as usize].generation }
    }

    /// Takes a deadline back; `None` where it fired or was cancelled before.
    pub fn cancel(&mut self, id: TimerId) -> Option<T> {
        let entry = self.entries.get_mut(id.index as usize)?;
        if entry.generation != id.generation {
            return None;
        }
        let value = entry.value.take()?;
        self.len -= 1;
        match entry.place {
            Place::Slot { level, slot } => {
                self.unlink(id.index, level, slot);
                self.release(id.index);
            }
            // Its number still stands in `due`; `poll` passes over it and releases it.
            Place::Due => {}
            Place::Free => unreachable!("an entry that holds a value is in a slot or due"),
        }
        Some(value)
    }

    /// The next value whose deadline is not after `now`. Call until `None`.
    pub fn poll(&mut self, now: Instant) -> Option<T> {
        self.advance(now.as_micros() >> TICK_BITS);
        while let Some(index) = self.due.pop_front() {
            let value = self.entries[index as usize].value.take();
            self.release(index);
            if value.is_some() {
                self.len -= 1;
                return value;
            }
        }
        None
    }

    /// Whether a deadline set for `at` comes back by `now`: for whoever keeps many deadlines behind one.
    pub fn is_due(&self, at: Instant, now: Instant) -> bool {
        at.as_micros().div_ceil(1 << TICK_BITS) <= now.as_micros() >> TICK_BITS
    }

    /// When [`TimerWheel::poll`] wants to be called: never after the earliest deadline. It may be
    /// before it, because far deadlines are sorted only coarsely until they come near.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.due.iter().any(|&index| self.entries[index as usize].value.is_some()) {
            return Some(Instant::from_micros(self.elapsed << TICK_BITS));
        }
        let (_, _, tick) = self.next_slot()?;
        Some(Instant::from_micros(tick.saturating_mul(1 << TICK_BITS)))
    }

    fn allocate(&mut self, tick: u64, value: T) -> u32 {
        let sequence = self.sequence;
        if let Some(index) = self.free.pop() {
            let entry = &mut self.entries[index as usize];
            entry.value = Some(value);
            entry.tick = tick;
            entry.sequence = sequence;
            return index;
        }
        let index = u32::try_from(self.entries.len()).expect("fewer than 2^32 deadlines are set at once");
        assert!(index != NONE, "fewer than 2^32 deadlines are set at once");
        self.entries.push(Entry {
            value: Some(value),
            tick,
            sequence,
            generation: 0,
            place: Place::Free,
            previous: NONE,
            next: NONE,
        });
        index
    }

    fn release(&mut self, index: u32) {
        let entry = &mut self.entries[index as usize];
        entry.place = Place::Free;
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(index);
    }

    /// The level is where the tick first differs from `elapsed`, counted in groups of six bits.
    fn link(&mut self, index: u32) {
        let tick = self.entries[index as usize].tick;
        debug_assert!(tick > self.elapsed);
        let level = ((63 - (tick ^ self.elapsed).leading_zeros()) / LEVEL_BITS) as usize;
        let slot = ((tick >> (LEVEL_BITS * level as u32)) & SLOT_MASK) as usize;
        let head = self.levels[level].heads[slot];
        let entry = &mut self.entries[index as usize];
        entry.place = Place::Slot { level: level as u8, slot: slot as u8 };
        entry.previous = NONE;
        entry.next = head;
        if head != NONE {
            self.entries[head as usize].previous = index;
        }
        self.levels[level].heads[slot] = index;
        self.levels[level].occupied |= 1 << slot;
    }

    fn unlink(&mut self, index: u32, level: u8, slot: u8) {
        let Entry { previous, next, .. } = self.entries[index as usize];
        if next != NONE {
            self.entries[next as usize].previous = previous;
        }
        if previous != NONE {
            self.entries[previous as usize].next = next;
            return;
        }
        let level = &mut self.levels[usize::from(level)];
        level.heads[usize::from(slot)] = next;
        if next == NONE {
            level.occupied &= !(1 << slot);
        }
    }

    /// The first occupied slot after `elapsed` and the tick at which it begins. A lower level
    /// always comes first: everything above it differs from `elapsed` in a higher digit.
    fn next_slot(&self) -> Option<(usize, usize, u64)> {
        let (number, level) = self.levels.iter().enumerate().find(|(_, level)| level.occupied != 0)?;
        let slot = level.occupied.trailing_zeros() as usize;
        let shift = LEVEL_BITS * number as u32;
        let window = self.elapsed >> shift >> LEVEL_BITS << LEVEL_BITS;
        Some((number, slot, (window | slot as u64) << shift))
    }

    fn advance(&mut self, now: u64) {
        let mut arrived = std::mem::take(&mut self.arrived);
        while let Some((level, slot, tick)) = self.next_slot().filter(|&(_, _, tick)| tick <= now) {
            self.elapsed = tick;
            self.take_slot(level, slot, &mut arrived);
            arrived.retain(|&index| {
                let is_due = self.entries[index as usize].tick <= tick;
                if !is_due {
                    self.link(index);
                }
                is_due
            });
            self.make_due(&mut arrived);
            arrived.clear();
        }
        self.arrived = arrived;
        self.elapsed = self.elapsed.max(now);
    }

    fn take_slot(&mut self, level: usize, slot: usize, taken: &mut Vec<u32>) {
        let mut index = std::mem::replace(&mut self.levels[level].heads[slot], NONE);
        self.levels[level].occupied &= !(1 << slot);
        while index != NONE {
            taken.push(index);
            index = self.entries[index as usize].next;
        }
    }

    fn make_due(&mut self, arrived: &mut [u32]) {
        arrived.sort_unstable_by_key(|&index| self.entries[index as usize].sequence);
        for &index in arrived.iter() {
            self.entries[index as usize].place = Place::Due;
            self.due.push_back(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const NOTHING: [u32; 0] = [];

    fn drain(wheel: &mut TimerWheel<u32>, now: Instant) -> Vec<u32> {
        std::iter::from_fn(|| wheel.poll(now)).collect()
    }

    #[test]
    fn a_deadline_fires_once_and_not_before_its_time() {
        let mut wheel = TimerWheel::new();
        wheel.schedule(Instant::from_millis(500), 1);
        assert_eq!(drain(&mut wheel, Instant::from_millis(499)), NOTHING);
        assert_eq!(drain(&mut wheel, Instant::from_millis(502)), [1]);
        assert_eq!(drain(&mut wheel, Instant::from_secs(9)), NOTHING);
        assert!(wheel.is_empty());
    }

    #[test]
    fn a_cancelled_deadline_never_fires_even_when_it_was_due() {
        let mut wheel = TimerWheel::new();
        let early = wheel.schedule(Instant::from_millis(5), 1);
        let late = wheel.schedule(Instant::from_millis(5), 2);
        assert_eq!(wheel.poll(Instant::from_millis(10)), Some(1));
        assert_eq!(wheel.cancel(late), Some(2));
        assert_eq!(wheel.cancel(early), None);
        assert_eq!(wheel.poll(Instant::from_millis(10)), None);
        assert_eq!(wheel.next_deadline(), None);
    }

    #[test]
    fn a_stale_id_does_not_cancel_the_deadline_that_took_its_place() {
        let mut wheel = TimerWheel::new();
        let stale = wheel.schedule(Instant::from_millis(1), 1);
        wheel.cancel(stale);
        wheel.schedule(Instant::from_millis(1), 2);
        assert_eq!(wheel.cancel(stale), None);
        assert_eq!(drain(&mut wheel, Instant::from_millis(3)), [2]);
    }

    #[test]
    fn following_next_deadline_reaches_a_deadline_a_year_away_in_few_steps() {
        let mut wheel = TimerWheel::new();
        let year = Instant::from_secs(365 * 86_400);
        wheel.schedule(year, 7);
        let mut steps = 0;
        let mut fired = Vec::new();
        while let Some(deadline) = wheel.next_deadline() {
            fired.extend(drain(&mut wheel, deadline));
            steps += 1;
            assert!(steps <= LEVELS, "one step a level at most");
        }
        assert_eq!(fired, [7]);
    }

    #[test]
    fn the_last_instant_of_all_can_be_scheduled() {
        let mut wheel = TimerWheel::new();
        wheel.schedule(Instant::from_micros(u64::MAX), 7);
        assert_eq!(drain(&mut wheel, Instant::from_secs(1)), NOTHING);
        assert!(wheel.next_deadline().is_some());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Schedule(u64),
        Cancel(usize),
        Advance(u64),
        Restore,
    }

    fn step() -> impl Strategy<Value = Step> {
        let micros = prop_oneof![0..3_000u64, 0..500_000u64, 0..100_000_000u64, 0..90_000_000_000u64];
        prop_oneof![
            4 => micros.clone().prop_map(Step::Schedule),
            2 => any::<usize>().prop_map(Step::Cancel),
            3 => micros.prop_map(Step::Advance),
            1 => Just(Step::Restore),
        ]
    }

    proptest! {
        /// The obvious twin: a sorted map of (tick, order of scheduling).
        #[test]
        fn the_wheel_fires_what_a_sorted_map_fires_in_the_same_order(steps in proptest::collection::vec(step(), 1..200)) {
            let mut wheel = TimerWheel::new();
            let mut twin: BTreeMap<(u64, u32), TimerId> = BTreeMap::new();
            let mut now = Instant::ORIGIN;
            let mut number = 0;
            for step in steps {
                match step {
                    Step::Schedule(delay) => {
                        let at = now + Duration::from_micros(delay);
                        let id = wheel.schedule(at, number);
                        let floor = (now.as_micros() >> TICK_BITS).min(at.as_micros().div_ceil(1 << TICK_BITS));
                        twin.insert((at.as_micros().div_ceil(1 << TICK_BITS).max(floor), number), id);
                        number += 1;
                    }
                    Step::Cancel(pick) if !twin.is_empty() => {
                        let (&key, &id) = twin.iter().nth(pick % twin.len()).expect("within the length");
                        twin.remove(&key);
                        prop_assert_eq!(wheel.cancel(id), Some(key.1));
                    }
                    Step::Cancel(_) => {}
                    Step::Advance(delay) => {
                        now += Duration::from_micros(delay);
                        let tick = now.as_micros() >> TICK_BITS;
                        let later = twin.split_off(&(tick + 1, 0));
                        let expected: Vec<u32> = twin.keys().map(|&(_, number)| number).collect();
                        twin = later;
                        prop_assert_eq!(drain(&mut wheel, now), expected);
                    }
                    Step::Restore => {
                        let written = serde_json::to_string(&wheel).expect("plain data");
                        wheel = serde_json::from_str(&written).expect("what was written");
                    }
                }
                prop_assert_eq!(wheel.len(), twin.len());
                if let Some((&(tick, _), _)) = twin.first_key_value() {
                    let next = wheel.next_deadline().expect("a deadline is set");
                    prop_assert!(next.as_micros() <= tick << TICK_BITS);
                }
            }
        }
    }
}
