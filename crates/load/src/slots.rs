//! Places for calls, each used again and again under another name.

use crate::line::Key;

/// The generation that no place comes to: it names an agent's account.
pub(crate) const ACCOUNT: u32 = u32::MAX;

/// What is held under a [`Key`], which names nothing any more as soon as its place is left.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    held: Option<T>,
}

impl<T> Slots<T> {
    pub(crate) fn new() -> Slots<T> {
        Slots { slots: Vec::new(), free: Vec::new() }
    }

    /// Whether nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.slots.len() == self.free.len()
    }

    /// Takes a place for what [`Slots::put`] brings, or [`Slots::take`] leaves.
    pub(crate) fn reserve(&mut self) -> Key {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, held: None });
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 calls at once")
        });
        Key { index, generation: self.slots[index as usize].generation }
    }

    /// Holds this in a place that was reserved.
    pub(crate) fn put(&mut self, key: Key, held: T) {
        let slot = &mut self.slots[key.index as usize];
        debug_assert_eq!(slot.generation, key.generation, "the place was reserved under this name");
        slot.held = Some(held);
    }

    pub(crate) fn find(&mut self, key: Key) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.index as usize)?;
        if slot.generation != key.generation {
            return None;
        }
        slot.held.as_mut()
    }

    /// Leaves the place to others, whether something was put there or it was only reserved.
    pub(crate) fn take(&mut self, key: Key) -> Option<T> {
        let slot = self.slots.get_mut(key.index as usize).filter(|slot| slot.generation == key.generation)?;
        slot.generation = (slot.generation + 1) % ACCOUNT;
        self.free.push(key.index);
        slot.held.take()
    }

    /// The names of all that is held, in the order of their places.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let held = (0..).zip(&self.slots).filter(|(_, slot)| slot.held.is_some());
        held.map(|(index, slot)| Key { index, generation: slot.generation }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_finds_nothing_once_its_place_is_left() {
        let mut slots = Slots::new();
        let first = slots.reserve();
        slots.put(first, 'a');
        assert_eq!((slots.keys(), slots.is_empty()), (vec![first], false));
        assert_eq!(slots.take(first), Some('a'));
        assert!(slots.is_empty());
        let second = slots.reserve();
        slots.put(second, 'b');
        assert_eq!(second.index, first.index, "the place is used again");
        assert_eq!([slots.find(first).copied(), slots.find(second).copied()], [None, Some('b')]);
        assert_eq!((slots.take(first), slots.keys()), (None, vec![second]), "an old name takes nothing away");
    }

    #[test]
    fn a_place_that_was_only_reserved_is_given_back() {
        let mut slots: Slots<char> = Slots::new();
        let key = slots.reserve();
        assert!(slots.keys().is_empty() && !slots.is_empty());
        assert_eq!(slots.take(key), None);
        assert!(slots.is_empty());
    }
}
