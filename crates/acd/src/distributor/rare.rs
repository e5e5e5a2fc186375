//! What few interactions have. It lies in a box of its own, which is there only as long as something is in it, so that the
//! many who have nothing of the kind pay for one pointer.

use std::collections::BTreeMap;

use timing::{Instant, TimerId};

use super::entry::Entry;
use super::{ByName, Callback};
use crate::AgentId;

/// Nothing for most interactions.
#[derive(Clone, Debug)]
pub(crate) struct Rare(Option<Box<Things>>);

/// What few interactions have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Things {
    /// The entries behind the first, of one that stands in several queues.
    pub(super) also: Vec<Entry>,
    /// What it has in its first entry as long as it wants agents by name there. One that stands in several queues wants
    /// nobody.
    pub(super) by_name: Option<ByName>,
    /// Since the customer asked to be called back.
    pub(super) callback: Option<Callback>,
    /// Agents who are not offered it, because they have declined it.
    pub(super) exclusions: Exclusions,
}

/// Agents who are not offered an interaction, until when, and what ends that.
pub(crate) type Exclusions = BTreeMap<AgentId, (Instant, TimerId)>;

/// Boxes that nothing is in, for those who get something rare.
#[derive(Clone, Debug, Default)]
pub(super) struct Spare(
    #[expect(clippy::vec_box, reason = "the boxes are moved to the interactions and back")] Vec<Box<Things>>,
);

impl Things {
    fn is_empty(&self) -> bool {
        self.also.is_empty()
            && self.by_name.is_none()
            && self.callback.is_none()
            && self.exclusions.is_empty()
    }

    fn clear(&mut self) {
        let Things { also, by_name, callback, exclusions } = self;
        also.clear();
        (*by_name, *callback) = (None, None);
        exclusions.clear();
    }
}

impl Rare {
    pub(super) const NOTHING: Rare = Rare(None);

    pub(crate) fn also(&self) -> &[Entry] {
        self.0.as_ref().map_or(&[], |things| &things.also)
    }

    pub(super) fn also_mut(&mut self) -> &mut [Entry] {
        self.0.as_mut().map_or(&mut [], |things| &mut things.also)
    }

    pub(crate) fn by_name(&self) -> Option<&ByName> {
        self.0.as_ref()?.by_name.as_ref()
    }

    pub(super) fn by_name_mut(&mut self) -> Option<&mut ByName> {
        self.0.as_mut()?.by_name.as_mut()
    }

    pub(crate) fn callback(&self) -> Option<&Callback> {
        self.0.as_ref()?.callback.as_ref()
    }

    pub(super) fn callback_mut(&mut self) -> Option<&mut Callback> {
        self.0.as_mut()?.callback.as_mut()
    }

    /// By agent.
    pub(crate) fn exclusions(&self) -> impl Iterator<Item = (AgentId, Instant)> {
        let all = self.0.iter().flat_map(|things| &things.exclusions);
        all.map(|(&agent, &(until, _))| (agent, until))
    }

    pub(crate) fn has_exclusions(&self) -> bool {
        self.0.as_ref().is_some_and(|things| !things.exclusions.is_empty())
    }

    pub(crate) fn exclusion(&self, agent: AgentId) -> Option<Instant> {
        self.0.as_ref()?.exclusions.get(&agent).map(|&(until, _)| until)
    }

    /// The only way to give an interaction something rare or to take it away: the box comes and goes with it.
    pub(super) fn change<T>(&mut self, spare: &mut Spare, change: impl FnOnce(&mut Things) -> T) -> T {
        let things = self.0.get_or_insert_with(|| spare.0.pop().unwrap_or_default());
        let changed = change(things);
        if things.is_empty() {
            spare.0.extend(self.0.take());
        }
        changed
    }

    /// The interaction is gone.
    pub(super) fn end(self, spare: &mut Spare) {
        spare.0.extend(self.0.map(|mut things| {
            things.clear();
            things
        }));
    }
}
