//! Questions to a machine from outside of its thread.

use std::fmt;

/// Looks of one ring that are taken in a turn: each may copy a page of what the machine holds.
pub(super) const LOOKS_PER_TURN: usize = 1;

/// A look at a machine: it runs on the machine's thread, between two inputs, and can change nothing. It must
/// not copy more than a page of what the machine holds.
pub struct Look<M>(Box<dyn FnOnce(&M) + Send>);

impl<M> Look<M> {
    /// What to do with the machine once it is there to be looked at.
    pub fn new(look: impl FnOnce(&M) + Send + 'static) -> Look<M> {
        Look(Box::new(look))
    }

    /// Looks.
    pub(super) fn at(self, machine: &M) {
        (self.0)(machine);
    }
}

impl<M> fmt::Debug for Look<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Look")
    }
}
