//! Keeps the cores from halting, so that their speed drifts less: a busy loop on each, which runs only when nobody else
//! wants to (`SCHED_IDLE`).

use std::os::unix::process::parent_id;
use std::path::Path;
use std::process::Command;

use crate::process::Process;

/// The loops; they end with this.
pub(crate) struct Awake {
    _loops: Vec<Process>,
}

impl Awake {
    /// Starts a loop on each core.
    ///
    /// # Errors
    ///
    /// Where `chrt` (package util-linux) is not there.
    pub(crate) fn keep(folder: &Path) -> Result<Awake, String> {
        let own = std::env::current_exe().map_err(|error| format!("this program has no path: {error}"))?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let start = |core: usize| {
            let mut command = Command::new("chrt");
            command.args(["--idle", "0"]).arg(&own).args(["--spin", &core.to_string()]);
            Process::start("spin", &mut command, folder)
        };
        Ok(Awake { _loops: (0..cores).map(start).collect::<Result<_, _>>()? })
    }
}

/// What such a loop does: nothing, until whoever started it is gone.
pub(crate) fn spin(core: usize) {
    // Where it may not choose its core, the scheduler spreads the loops by itself.
    benches::conditions::pin(core);
    let parent = parent_id();
    while parent_id() == parent {
        for _ in 0..1_000_000 {
            std::hint::spin_loop();
        }
    }
}
