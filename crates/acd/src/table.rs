//! Where things lie: ids from outside lead to slots, and slots lead to things at the price of an index.
//!
//! [`Table`] never moves what it holds, uses slots again, and allocates only when it holds more than ever before.
//! Its index is an open-addressing hash table with linear probing and backward-shift deletion (Knuth, The Art of
//! Computer Programming, volume 3, section 6.4, algorithm R): there are no tombstones, so it never has to be
//! rebuilt in steady operation. It keeps half of the hash beside the slot, in eight bytes, and asks the thing itself for
//! its id. It cannot be iterated by hash; what is iterated is sorted by id.

use std::cmp::Ordering;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// A thing with its number.
pub(crate) trait Named {
    /// The newtype of its ids.
    type Id: Copy + Ord;

    /// Its own.
    fn id(&self) -> Self::Id;

    /// The number inside an id.
    fn number(id: Self::Id) -> u64;

    /// Whether every number fits into 32 bits: then no two ids have the same hash, and a thing need not be asked for its
    /// own.
    const IS_SHORT: bool;
}

/// Where a `T` lies, as long as it is there.
pub(crate) struct Slot<T> {
    index: u32,
    of: PhantomData<fn() -> T>,
}

/// Things by slot and by id.
#[derive(Clone)]
pub(crate) struct Table<T> {
    things: Vec<Option<T>>,
    vacant: Vec<u32>,
    index: Hashed,
}

impl<T: Named> Table<T> {
    pub(crate) fn new() -> Table<T> {
        Table { things: Vec::new(), vacant: Vec::new(), index: Hashed::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.things.len() - self.vacant.len()
    }

    pub(crate) fn slot(&self, id: T::Id) -> Option<Slot<T>> {
        let is_it = |index| T::IS_SHORT || self[Slot::<T>::new(index)].id() == id;
        self.index.find(hash(T::number(id)), is_it).map(Slot::new)
    }

    pub(crate) fn contains(&self, id: T::Id) -> bool {
        self.slot(id).is_some()
    }

    pub(crate) fn by_id(&self, id: T::Id) -> Option<&T> {
        self.slot(id).map(|slot| &self[slot])
    }

    pub(crate) fn get(&self, slot: Slot<T>) -> Option<&T> {
        self.things.get(slot.index as usize)?.as_ref()
    }

    /// Puts a thing in whose id is not here yet.
    pub(crate) fn insert(&mut self, thing: T) -> Slot<T> {
        let id = thing.id();
        let index = match self.vacant.pop() {
            Some(index) => index,
            None => {
                make_room(&mut self.things);
                self.things.push(None);
                u32::try_from(self.things.len() - 1).expect("the bounds of the settings are u32")
            }
        };
        self.things[index as usize] = Some(thing);
        self.index.insert(hash(T::number(id)), index);
        Slot::new(index)
    }

    /// Takes a thing out that is here.
    pub(crate) fn remove(&mut self, slot: Slot<T>) -> T {
        let thing = self.things[slot.index as usize].take().expect("the caller has looked it up");
        self.vacant.push(slot.index);
        self.index.remove(hash(T::number(thing.id())), slot.index);
        thing
    }

    /// Everything, in the order of the slots: for what does not depend on order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot<T>, &T)> {
        let slots = (0u32..).map(Slot::new).zip(&self.things);
        slots.filter_map(|(slot, thing)| Some((slot, thing.as_ref()?)))
    }

    /// Everything, by id. Costs sorting.
    pub(crate) fn in_order(&self) -> Vec<&T> {
        let mut all: Vec<&T> = self.things.iter().flatten().collect();
        all.sort_unstable_by_key(|thing| thing.id());
        all
    }
}

impl<T> Index<Slot<T>> for Table<T> {
    type Output = T;

    fn index(&self, slot: Slot<T>) -> &T {
        self.things[slot.index as usize].as_ref().expect("slots are kept only of what is here")
    }
}

impl<T> IndexMut<Slot<T>> for Table<T> {
    fn index_mut(&mut self, slot: Slot<T>) -> &mut T {
        self.things[slot.index as usize].as_mut().expect("slots are kept only of what is here")
    }
}

impl<T: Named + fmt::Debug> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.in_order()).finish()
    }
}

impl<T> Slot<T> {
    /// Where nothing lies.
    pub(crate) const NOWHERE: Slot<T> = Slot { index: VACANT, of: PhantomData };

    pub(crate) fn new(index: u32) -> Slot<T> {
        Slot { index, of: PhantomData }
    }

    /// As an item of a line.
    pub(crate) fn number(self) -> u32 {
        self.index
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Slot<T> {
        *self
    }
}

impl<T> Copy for Slot<T> {}

impl<T> PartialEq for Slot<T> {
    fn eq(&self, other: &Slot<T>) -> bool {
        self.index == other.index
    }
}

impl<T> Eq for Slot<T> {}

impl<T> PartialOrd for Slot<T> {
    fn partial_cmp(&self, other: &Slot<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Slot<T> {
    fn cmp(&self, other: &Slot<T>) -> Ordering {
        self.index.cmp(&other.index)
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.index)
    }
}

/// Where a full vector has no room, a sixteenth more: what is doubled lies half empty, and with a million things that is
/// more than what they need themselves. Vectors of many pages are moved by the system without a copy.
pub(crate) fn make_room<T>(things: &mut Vec<T>) {
    if things.len() == things.capacity() {
        things.reserve_exact(things.len() / 16 + 64);
    }
}

/// Different numbers below 2^32 have different hashes: each step can be undone.
fn hash(number: u64) -> u32 {
    let folded = number as u32 ^ ((number >> 32) as u32).wrapping_mul(0x85eb_ca6b);
    let mixed = folded.wrapping_mul(0x9e37_79b1);
    mixed ^ (mixed >> 16)
}

/// From hashes to indexes.
#[derive(Clone)]
struct Hashed {
    /// A power of two long.
    places: Vec<Lodger>,
    len: usize,
}

/// What lies in a place.
#[derive(Clone, Copy)]
struct Lodger {
    hash: u32,
    /// `VACANT` where nothing lies.
    index: u32,
}

const VACANT: u32 = u32::MAX;

impl Lodger {
    const NOBODY: Lodger = Lodger { hash: 0, index: VACANT };
}

impl Hashed {
    fn new() -> Hashed {
        Hashed { places: vec![Lodger::NOBODY; 16], len: 0 }
    }

    fn mask(&self) -> usize {
        self.places.len() - 1
    }

    /// Where a hash would like to lie.
    fn home(&self, hash: u32) -> usize {
        hash as usize & self.mask()
    }

    /// Where this one lies, or the first vacant place.
    fn place(&self, hash: u32, is_it: impl Fn(Lodger) -> bool) -> usize {
        let mut place = self.home(hash);
        while self.places[place].index != VACANT && !is_it(self.places[place]) {
            place = (place + 1) & self.mask();
        }
        place
    }

    fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let place = self.place(hash, |lodger| lodger.hash == hash && is_it(lodger.index));
        Some(self.places[place].index).filter(|&index| index != VACANT)
    }

    /// What is not here yet.
    fn insert(&mut self, hash: u32, index: u32) {
        if (self.len + 1) * 4 > self.places.len() * 3 {
            let twice = vec![Lodger::NOBODY; self.places.len() * 2];
            for lodger in std::mem::replace(&mut self.places, twice) {
                if lodger.index != VACANT {
                    self.lodge(lodger);
                }
            }
        }
        self.lodge(Lodger { hash, index });
        self.len += 1;
    }

    fn lodge(&mut self, lodger: Lodger) {
        let place = self.place(lodger.hash, |_| false);
        self.places[place] = lodger;
    }

    /// What is here.
    fn remove(&mut self, hash: u32, index: u32) {
        let mut hole = self.place(hash, |lodger| lodger.index == index);
        debug_assert_ne!(self.places[hole].index, VACANT, "a thing is taken out that is here");
        let mut next = hole;
        loop {
            next = (next + 1) & self.mask();
            let lodger = self.places[next];
            if lodger.index == VACANT {
                break;
            }
            // It may move into the hole unless its home lies behind the hole on the way to it.
            let from_home = next.wrapping_sub(self.home(lodger.hash)) & self.mask();
            if from_home >= next.wrapping_sub(hole) & self.mask() {
                self.places[hole] = lodger;
                hole = next;
            }
        }
        self.places[hole] = Lodger::NOBODY;
        self.len -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Thing(u64);

    impl Named for Thing {
        type Id = u64;

        fn id(&self) -> u64 {
            self.0
        }

        fn number(id: u64) -> u64 {
            id
        }

        const IS_SHORT: bool = false;
    }

    /// One whose ids are of 32 bits.
    #[derive(Clone, Debug, PartialEq)]
    struct Short(u32);

    impl Named for Short {
        type Id = u32;

        fn id(&self) -> u32 {
            self.0
        }

        fn number(id: u32) -> u64 {
            u64::from(id)
        }

        const IS_SHORT: bool = true;
    }

    proptest! {
        #[test]
        fn what_has_short_ids_is_found_by_the_hash_alone(ids in prop::collection::btree_set(any::<u32>(), 1..300)) {
            let mut table = Table::new();
            let slots: Vec<_> = ids.iter().map(|&id| table.insert(Short(id))).collect();
            for (&id, &slot) in ids.iter().zip(&slots) {
                prop_assert_eq!(table.slot(id), Some(slot));
                let next = id.wrapping_add(1);
                prop_assert_eq!(table.contains(next), ids.contains(&next));
            }
        }

        #[test]
        fn a_table_is_a_map(ids in prop::collection::vec(0..60u64, 1..400)) {
            let (mut table, mut model) = (Table::new(), BTreeMap::new());
            for id in ids {
                // Far apart and close together: the high bits of an id must count as well.
                let id = if id % 2 == 0 { id } else { id << 40 };
                match model.remove(&id) {
                    Some(slot) => prop_assert_eq!(table.remove(slot), Thing(id)),
                    None => drop(model.insert(id, table.insert(Thing(id)))),
                }
                prop_assert_eq!(table.len(), model.len());
                for (&id, &slot) in &model {
                    prop_assert_eq!(table.slot(id), Some(slot));
                    prop_assert_eq!(&table[slot], &Thing(id));
                }
                prop_assert_eq!(table.contains(id), model.contains_key(&id));
            }
            let ids: Vec<u64> = table.in_order().iter().map(|thing| thing.0).collect();
            prop_assert_eq!(ids, model.keys().copied().collect::<Vec<u64>>());
        }
    }
}
