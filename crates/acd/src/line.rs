//! Ordered lists: whoever waits, and whoever is idle, in order, without an allocation per entry.
//!
//! A [`Line`] is a doubly linked list with express lanes above it: a skip list (Pugh, "Skip Lists: A Probabilistic
//! Alternative to Balanced Trees", CACM 33(6), 1990). The height of an entry is a hash of its key, so the same
//! entries always make the same list and nothing is drawn by lot. All nodes of all lines lie in one vector,
//! [`Lines`], and are used again.
//!
//! Looking at the head, and putting in and taking out at either end cost the same however long the line is. Elsewhere
//! putting in (a priority, somebody who is back in the old place) costs the logarithm of its length, and so does taking
//! out one of eight: entries do not know their like in the lanes above, because few have one.

use crate::table::make_room;

/// The end of a chain.
const NONE: u32 = u32::MAX;
/// Lanes, the bottom one included: enough for 8^6 entries with a few entries in the top lane.
const LANES: usize = 7;
/// log2 of how many entries of a lane share one in the lane above.
const LANE_BITS: u32 = 3;

/// What a line is ordered by. No two entries of one line have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) major: u64,
    pub(crate) minor: u64,
    pub(crate) last: u32,
}

/// An entry of a line, for as long as it stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node(u32);

impl Node {
    /// No entry: the place of a [`Node`] that stands in no line.
    pub(crate) const NOWHERE: Node = Node(NONE);

    fn some(index: u32) -> Option<Node> {
        (index != NONE).then_some(Node(index))
    }
}

/// One ordered list. Its entries lie in the [`Lines`] that it was filled through.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The first entry of each lane.
    first: [u32; LANES],
    /// The last entry of each lane.
    last: [u32; LANES],
    len: u32,
}

/// The entries of all lines.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    entries: Vec<Entry>,
    /// The first of the unused entries, chained by `next`.
    unused: u32,
}

/// An entry in one lane, in 32 bytes: there are millions.
#[derive(Clone, Copy, Debug)]
struct Entry {
    major: u64,
    minor: u64,
    last: u32,
    /// In the bottom lane what was put in; above it the same entry in the lane below.
    item: u32,
    previous: u32,
    next: u32,
}

impl Entry {
    fn key(&self) -> Key {
        Key { major: self.major, minor: self.minor, last: self.last }
    }
}

impl Key {
    /// In how many lanes above the bottom one an entry stands.
    fn lanes_above(self) -> usize {
        let mixed = (self.major ^ self.minor.rotate_left(29) ^ u64::from(self.last).rotate_left(47))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let zeros = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93).leading_zeros();
        ((zeros / LANE_BITS) as usize).min(LANES - 1)
    }
}

impl Line {
    pub(crate) fn new() -> Line {
        Line { first: [NONE; LANES], last: [NONE; LANES], len: 0 }
    }

    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The entry with the greatest key.
    pub(crate) fn tail(&self) -> Option<Node> {
        Node::some(self.last[0])
    }

    /// The entry with the smallest key.
    pub(crate) fn head(&self) -> Option<Node> {
        Node::some(self.first[0])
    }
}

impl Lines {
    pub(crate) fn new() -> Lines {
        Lines { entries: Vec::new(), unused: NONE }
    }

    pub(crate) fn key(&self, node: Node) -> Key {
        self.entries[node.0 as usize].key()
    }

    /// What was put in.
    pub(crate) fn item(&self, node: Node) -> u32 {
        self.entries[node.0 as usize].item
    }

    /// The one behind it.
    pub(crate) fn next(&self, node: Node) -> Option<Node> {
        Node::some(self.entries[node.0 as usize].next)
    }

    /// The first entry but this one.
    pub(crate) fn head_but(&self, line: &Line, except: Option<Node>) -> Option<Node> {
        let head = line.head()?;
        if Some(head) == except { self.next(head) } else { Some(head) }
    }

    /// The first entry whose key is greater.
    pub(crate) fn after(&self, line: &Line, key: Key) -> Option<Node> {
        let before = self.predecessors(line, |entry| entry.key() <= key);
        Node::some(if before[0] == NONE { line.first[0] } else { self.entries[before[0] as usize].next })
    }

    /// All entries in order.
    pub(crate) fn iter(&self, line: &Line) -> impl Iterator<Item = Node> {
        std::iter::successors(line.head(), |&node| self.next(node))
    }

    /// Puts something in where its key belongs.
    pub(crate) fn insert(&mut self, line: &mut Line, key: Key, item: u32) -> Node {
        let lanes_above = key.lanes_above();
        let is_last = line.last[0] == NONE || self.entries[line.last[0] as usize].key() < key;
        let before = if is_last {
            line.last
        } else if key < self.entries[line.first[0] as usize].key() {
            [NONE; LANES]
        } else {
            self.predecessors(line, |entry| entry.key() < key)
        };
        let bottom = self.link(line, 0, before[0], key, item);
        let mut below = bottom;
        for (lane, &before) in (1..=lanes_above).zip(&before[1..]) {
            below = self.link(line, lane, before, key, below);
        }
        line.len += 1;
        Node(bottom)
    }

    /// Takes an entry out of the line in which it stands.
    pub(crate) fn remove(&mut self, line: &mut Line, node: Node) {
        let key = self.key(node);
        let lanes_above = key.lanes_above();
        if lanes_above > 0 {
            let before = self.before(line, node, key);
            for (lane, &before) in (1..=lanes_above).zip(&before[1..]) {
                let index =
                    if before == NONE { line.first[lane] } else { self.entries[before as usize].next };
                self.unlink(line, lane, index);
            }
        }
        self.unlink(line, 0, node.0);
        line.len -= 1;
    }

    /// In each lane in which an entry stands the one before it.
    fn before(&self, line: &Line, node: Node, key: Key) -> [u32; LANES] {
        let Entry { previous, next, .. } = self.entries[node.0 as usize];
        if previous == NONE {
            // Whoever is the first of all is the first of each lane; whoever is the last of all, the last.
            [NONE; LANES]
        } else if next == NONE {
            line.last.map(|last| if last == NONE { NONE } else { self.entries[last as usize].previous })
        } else {
            self.predecessors(line, |entry| entry.key() < key)
        }
    }

    #[inline]
    fn unlink(&mut self, line: &mut Line, lane: usize, index: u32) {
        let Entry { previous, next, .. } = self.entries[index as usize];
        if previous == NONE {
            line.first[lane] = next;
        } else {
            self.entries[previous as usize].next = next;
        }
        if next == NONE {
            line.last[lane] = previous;
        } else {
            self.entries[next as usize].previous = previous;
        }
        self.entries[index as usize].next = self.unused;
        self.unused = index;
    }

    /// Takes everything out.
    pub(crate) fn clear(&mut self, line: &mut Line) {
        while let Some(head) = line.head() {
            self.remove(line, head);
        }
    }

    /// In each lane the last entry that is before the place looked for.
    fn predecessors(&self, line: &Line, is_before: impl Fn(&Entry) -> bool) -> [u32; LANES] {
        let mut before = [NONE; LANES];
        let mut at = NONE;
        for lane in (0..LANES).rev() {
            let mut next = if at == NONE { line.first[lane] } else { self.entries[at as usize].next };
            while next != NONE && is_before(&self.entries[next as usize]) {
                at = next;
                next = self.entries[next as usize].next;
            }
            before[lane] = at;
            if at != NONE && lane > 0 {
                at = self.entries[at as usize].item;
            }
        }
        before
    }

    #[inline]
    fn link(&mut self, line: &mut Line, lane: usize, previous: u32, key: Key, item: u32) -> u32 {
        let next = if previous == NONE { line.first[lane] } else { self.entries[previous as usize].next };
        let Key { major, minor, last } = key;
        let entry = Entry { major, minor, last, item, previous, next };
        let index = self.allocate(entry);
        if previous == NONE {
            line.first[lane] = index;
        } else {
            self.entries[previous as usize].next = index;
        }
        if next != NONE {
            self.entries[next as usize].previous = index;
        } else {
            line.last[lane] = index;
        }
        index
    }

    #[inline]
    fn allocate(&mut self, entry: Entry) -> u32 {
        let index = self.unused;
        if index == NONE {
            return self.grow(entry);
        }
        let slot = &mut self.entries[index as usize];
        self.unused = slot.next;
        *slot = entry;
        index
    }

    #[cold]
    fn grow(&mut self, entry: Entry) -> u32 {
        let index = u32::try_from(self.entries.len()).unwrap_or(NONE);
        assert!(index != NONE, "the bounds of the settings keep the lines below 2^32 entries");
        make_room(&mut self.entries);
        self.entries.push(entry);
        index
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn key(number: u64) -> Key {
        Key { major: number / 7, minor: number % 7, last: 0 }
    }

    fn content(lines: &Lines, line: &Line) -> Vec<(Key, u32)> {
        lines.iter(line).map(|node| (lines.key(node), lines.item(node))).collect()
    }

    /// Every lane is in order, is part of the lane below it, and can be walked backwards.
    fn check_lanes(lines: &Lines, line: &Line) {
        let lane = |lane: usize| {
            let next = |&index: &u32| Some(lines.entries[index as usize].next).filter(|&next| next != NONE);
            let first = Some(line.first[lane]).filter(|&first| first != NONE);
            std::iter::successors(first, next).collect::<Vec<u32>>()
        };
        for number in 0..LANES {
            let indexes = lane(number);
            let mut previous = NONE;
            for &index in &indexes {
                let entry = &lines.entries[index as usize];
                assert_eq!(entry.previous, previous);
                assert!(previous == NONE || lines.entries[previous as usize].key() < entry.key());
                if number > 0 {
                    assert_eq!(lines.entries[entry.item as usize].key(), entry.key(), "the same entry below");
                }
                previous = index;
            }
            assert_eq!(line.last[number], previous);
            assert!(number > 0 || line.len as usize == indexes.len());
            let keys = lines.iter(line).map(|node| lines.key(node)).filter(|key| key.lanes_above() >= number);
            assert!(keys.eq(indexes.iter().map(|&index| lines.entries[index as usize].key())));
        }
    }

    proptest! {
        #[test]
        fn a_line_is_an_ordered_map(steps in prop::collection::vec((0..400u64, any::<bool>()), 1..300)) {
            let (mut lines, mut line) = (Lines::new(), Line::new());
            let (mut other, mut model) = (Line::new(), BTreeMap::new());
            lines.insert(&mut other, key(3), 3);
            for (number, puts_in) in steps {
                let key = key(number);
                match model.remove(&key) {
                    Some(node) => lines.remove(&mut line, node),
                    None if puts_in => {
                        let node = lines.insert(&mut line, key, number as u32);
                        model.insert(key, node);
                    }
                    None => {}
                }
                let after = model.range((std::ops::Bound::Excluded(key), std::ops::Bound::Unbounded)).next();
                prop_assert_eq!(lines.after(&line, key), after.map(|(_, &node)| node));
            }
            let expected: Vec<Key> = model.keys().copied().collect();
            let found: Vec<Key> = content(&lines, &line).into_iter().map(|(key, _)| key).collect();
            prop_assert_eq!(found, expected);
            check_lanes(&lines, &line);
            prop_assert_eq!(content(&lines, &other), vec![(key(3), 3)]);
            lines.clear(&mut line);
            prop_assert!(line.is_empty());
            check_lanes(&lines, &line);
        }
    }

    #[test]
    fn entries_are_used_again() {
        let (mut lines, mut line) = (Lines::new(), Line::new());
        for round in 0..1_000 {
            let node = lines.insert(&mut line, key(round), 0);
            if round >= 10 {
                lines.remove(&mut line, node);
            }
        }
        assert!(lines.entries.len() < 10 * LANES + LANES, "{}", lines.entries.len());
    }

    #[test]
    fn lanes_thin_out_towards_the_top() {
        let of_height = |height| (0..160_000).filter(|&n| key(n).lanes_above() >= height).count();
        assert!((18_000..22_000).contains(&of_height(1)), "{}", of_height(1));
        assert!((2_200..2_800).contains(&of_height(2)), "{}", of_height(2));
    }
}
