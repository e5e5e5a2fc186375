//! The configuration file.

use std::path::Path;

use server::config::{self, Passwords};
use server::plan::{Numbering, Plan};

/// A file: what is wrong with it is told with its place, what is right can be planned.
pub(super) fn run(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else { return };
    match config::parse("fuzz.toml", text, Passwords::Strong) {
        Ok(loaded) => {
            let _plan = Plan::new(&loaded.config, Path::new("/nonexistent"), &[], &mut Numbering::default());
        }
        Err(refused) => assert!(refused.to_string().contains("fuzz.toml"), "{refused}"),
    }
}
