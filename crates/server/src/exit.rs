//! With which code the process ends, in the words of sysexits.h, which systemd knows.

use std::process::ExitCode;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// As it was asked to.
    Well,
    /// As it was asked to, and what it measured is worse than was asked for.
    Missed,
    /// As it was asked to, and calls that were in progress were cut (`EX_TEMPFAIL`).
    CallsCut,
    /// A thread died: a fault of ours (`EX_SOFTWARE`). Start again.
    Fault,
    /// The system refused a socket, a file or a thread (`EX_OSERR`). Starting again may help.
    System,
    /// The configuration is wrong (`EX_CONFIG`). Starting again does not help.
    Configuration,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Well => 0,
            Exit::Missed => 1,
            Exit::CallsCut => 75,
            Exit::Fault => 70,
            Exit::System => 71,
            Exit::Configuration => 78,
        })
    }
}
