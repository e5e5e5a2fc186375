//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use hours::{LOOK_AHEAD_DAYS, Utc};

use crate::clock::Wall;
use crate::config::{self, Config, Passwords, Queue};
use crate::demo;
use crate::doctor;
use crate::exit::Exit;
use crate::health;
use crate::load;
use crate::run;
use crate::simulate;

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
    /// Simulate a day: who calls, who works, and what becomes of it; with variants, and with the fewest agents
    /// that suffice. The scenario's language is explained in docs/simulate.md.
    Simulate(Box<simulate::Options>),
    /// Call this or any other SIP system as often as the scenario says, answer as its agents, and tell what it made of
    /// that: failures, latencies, the highest rate that it holds. The scenario's language is explained in docs/load.md.
    Load(Box<load::Options>),
    /// Look at everything of this machine that the configuration needs: sockets, ports, limits, names, the clock, who may
    /// read the file; each with its remedy.
    Doctor(doctor::Options),
    /// Ask the process that runs this configuration whether it lives: 0 where it does.
    Health {
        /// The configuration.
        #[arg(short, long, value_name = "FILE", default_value = "cordboard.toml")]
        config: PathBuf,
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
        Command::Simulate(told) => simulate::run(&told),
        Command::Load(told) => load::run(&told),
        Command::Doctor(told) => doctor::run(&told),
        Command::Health { config } => health::run(&config),
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
            let now = Wall::system().now();
            for line in config.queues.iter().filter_map(|queue| hours(config, queue, now)) {
                println!("{line}");
            }
            Exit::Well
        }
        Err(refused) => {
            eprintln!("{refused}");
            Exit::Configuration
        }
    }
}

/// Whether a queue that keeps hours is open, why, and until when by the clock on its wall.
fn hours(config: &Config, queue: &Queue, now: Utc) -> Option<String> {
    let calendar = config.calendars.iter().find(|calendar| Some(&calendar.name) == queue.hours.as_ref())?;
    let (standing, zone) = (calendar.hours.standing(now), calendar.hours.zone());
    let is = if standing.open { "open" } else { "closed" };
    let until = standing.until.map_or_else(
        || format!("for the next {LOOK_AHEAD_DAYS} days at least"),
        |until| format!("until {} in {}", zone.local(until), zone.name()),
    );
    let why = standing.exception.map_or_else(String::new, |exception| match &exception.name {
        Some(name) => format!("; today is {name}"),
        None => format!("; today is an exception ({})", exception.on),
    });
    Some(format!("queue \"{}\": {is} {until}{why}", queue.name))
}

/// A number of things, in words.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
