//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::config::{self, Passwords};
use crate::demo;
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
    /// A whole contact centre on this machine: real SIP and RTP on loopback, a live table, nothing to
    /// install.
    Demo {
        /// Where the wallboard and the metrics are; port 0 is any.
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
        http: SocketAddr,
        /// End the day after so many seconds; without it, on Ctrl-C.
        #[arg(long, value_name = "SECONDS")]
        seconds: Option<u64>,
        /// How many people call in a minute.
        #[arg(long, value_name = "CALLS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=600))]
        calls_per_minute: u32,
        /// The seed of everything random about the callers and agents; without it, another one each time.
        #[arg(long, value_name = "NUMBER")]
        seed: Option<u64>,
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
        Command::Demo { http, seconds, calls_per_minute, seed } => {
            let duration = seconds.map(Duration::from_secs);
            demo::run(&demo::Options { http, duration, calls_per_minute, seed })
        }
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
                "{}: can be run; {}, {}, {}, {}",
                file.display(),
                counted(config.queues.len(), "queue", "queues"),
                counted(config.agents.len(), "agent", "agents"),
                counted(config.trunks.len(), "trunk", "trunks"),
                counted(config.entries.len(), "entry", "entries"),
            );
            Exit::Well
        }
        Err(refused) => {
            eprintln!("{refused}");
            Exit::Configuration
        }
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
