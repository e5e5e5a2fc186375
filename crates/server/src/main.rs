//! The binary `cordboard`: see the library `server`.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::cli::main()
}
