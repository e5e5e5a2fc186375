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

impl Exit {
    fn code(self) -> u8 {
        match self {
            Exit::Well => 0,
            Exit::Missed => 1,
            Exit::CallsCut => 75,
            Exit::Fault => 70,
            Exit::System => 71,
            Exit::Configuration => 78,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_looks_a_code_up_finds_it() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");
        let page = std::fs::read_to_string(page).expect("the page is there");
        let all = [Exit::Well, Exit::Missed, Exit::CallsCut, Exit::Fault, Exit::System, Exit::Configuration];
        for code in all.map(Exit::code) {
            assert!(page.contains(&format!("\n| {code} | ")), "{code} is not in the table");
        }
    }
}
