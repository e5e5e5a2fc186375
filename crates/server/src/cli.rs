//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{self, Passwords};
use crate::exit::Exit;
use crate::run;

/// Cordboard distributes calls to the people who can solve them soonest.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
enum Command {
    /// Take calls. SIGHUP reads the configuration again, SIGTERM lets calls in progress end first.
    Run {
        /// The configuration.
        #[arg(short, long, value_name = "FILE", default_value = "cordboard.toml")]
        config: PathBuf,
        /// Log the SIP messages whose From, To or Call-ID contains this; without a value, all.
        #[arg(long, value_name = "PATTERN", num_args = 0..=1, default_missing_value = "")]
        sip_trace: Option<String>,
    },
    /// Check a configuration and explain every error in it.
    Check {
        /// The configuration.
        #[arg(short, long, value_name = "FILE", default_value = "cordboard.toml")]
        config: PathBuf,
    },
}

/// Does what the command line says.
pub fn main() -> ExitCode {
    let exit = match Arguments::parse().command {
        Command::Run { config, sip_trace } => run::run(&config, sip_trace),
        Command::Check { config } => check(&config),
    };
    exit.into()
}

fn check(file: &std::path::Path) -> Exit {
    match config::load(file, Passwords::Strong) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                eprintln!("{warning}");
            }
            let config = &loaded.config;
            println!(
                "{}: can be run; {} queues, {} agents, {} trunks, {} entries",
                file.display(),
                config.queues.len(),
                config.agents.len(),
                config.trunks.len(),
                config.entries.len()
            );
            Exit::Well
        }
        Err(refused) => {
            eprintln!("{refused}");
            Exit::Configuration
        }
    }
}
