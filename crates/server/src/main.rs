//! The binary `cordboard`: see the library `server`.

use std::process::ExitCode;

/// A call is some thousand small values, many of which one thread makes and another drops.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    server::cli::main()
}
