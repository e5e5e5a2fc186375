//! The whole system, measured from outside: Cordboard beside Kamailio and beside nothing, with SIPp and with `cordboard
//! load` as callers and agents; one figure each for latency, waiting, memory, many agents and idleness; and what relaying a
//! packet of audio costs, beside rtpengine and beside the bare system calls.
//!
//! `cargo xtask system-bench` builds everything and runs this; `docs/performance.md` says what is measured and how. Loopback
//! only; SIPp, Kamailio and rtpengine must be installed (`cargo xtask test` does that).
//!
//! It ends with 1 where something could not be measured, and with 0 whatever the figures are.

#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "times real programs")]

mod awake;
mod ends;
mod goals;
mod media;
mod process;
mod rates;
mod soak;
mod spread;
mod systems;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use awake::Awake;
use goals::{Extent, Goal};
use media::{Forward, Media};
use rates::Rates;
use systems::Place;

/// Measures the whole system from outside.
#[derive(Debug, Parser)]
struct Options {
    /// The program `cordboard`.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["spin", "forward"])]
    cordboard: Option<PathBuf>,
    /// Prove in about a minute that everything works; the figures mean nothing, and a call that fails is a failure.
    #[arg(long)]
    quick: bool,
    /// Calls a second.
    #[arg(long, value_delimiter = ',', value_name = "RATES", default_value = "100,400,800,1600")]
    rates: Vec<u64>,
    /// How often everything is measured.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// Only what calls cost at several rates, only the single figures, or only the relay of audio.
    #[arg(long)]
    only: Option<Part>,
    /// Keep the cores from halting by a loop of the lowest priority on each.
    #[arg(long)]
    keep_awake: bool,
    /// Write everything into this file, for programs.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Instead of everything else: make calls for so many minutes at half the highest rate, and fail where anything grows.
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    soak: Option<u64>,
    /// Be such a loop, on this core.
    #[arg(long, hide = true)]
    spin: Option<usize>,
    /// Be the least that a relay can do.
    #[arg(long, hide = true)]
    forward: Option<Forward>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Rates,
    Goals,
    Media,
}

impl Options {
    fn wants(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }

    fn rates(&self) -> &[u64] {
        if self.quick { &[50] } else { &self.rates }
    }

    fn rounds(&self) -> usize {
        if self.quick { 1 } else { self.rounds.into() }
    }

    fn extent(&self) -> Extent {
        let rounds = self.rounds();
        if self.quick {
            Extent { rounds, seconds: 2, crowd: 40, agents: 100, idle: Duration::from_secs(1) }
        } else {
            Extent { rounds, seconds: 8, crowd: 2_000, agents: 10_000, idle: Duration::from_secs(20) }
        }
    }

    /// For how long calls begin at a rate: CPU time is counted in hundredths of a second, so few calls need more time.
    fn seconds(&self, rate: u64) -> u64 {
        match rate {
            _ if self.quick => 1,
            ..200 => 6,
            200.. => 3,
        }
    }

    /// Calls whose audio is relayed, and for how long they talk.
    fn audio(&self) -> (&[usize], Duration) {
        let (calls, seconds): (&[usize], u64) = if self.quick { (&[4], 1) } else { (&[100, 500, 1_000], 3) };
        (calls, Duration::from_secs(seconds))
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    raise_open_files();
    if let Some(core) = options.spin {
        awake::spin(core);
        return ExitCode::SUCCESS;
    }
    let faults = match options.forward {
        Some(told) => media::forward(told).err().map(|error| vec![error.to_string()]).unwrap_or_default(),
        None => measure(&options).unwrap_or_else(|fault| vec![fault]),
    };
    if faults.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("FAILED:\n  {}", faults.join("\n  "));
    ExitCode::FAILURE
}

/// As many files as the system allows, for this program and those that it starts: a relay has some for each call.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    // Where it may not, what needs more says so.
    let _: rustix::io::Result<()> =
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// Everything that was measured.
struct Found {
    rates: Option<Rates>,
    media: Option<Media>,
    goals: Vec<Goal>,
    conditions: String,
}

/// What could not be measured.
fn measure(options: &Options) -> Result<Vec<String>, String> {
    let begun = Instant::now();
    let folder = std::env::temp_dir().join(format!("cordboard-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let cordboard = options.cordboard.clone().ok_or("--cordboard is missing")?;
    let cordboard = cordboard.canonicalize().map_err(|error| format!("{}: {error}", cordboard.display()))?;
    let mut place = Place { folder, cordboard, sipp_start: 0.0 };
    if let Some(minutes) = options.soak {
        println!("{}", soak::soak(&place, minutes)?);
        return place.leave().map(|()| Vec::new());
    }
    if options.wants(Part::Rates) {
        place.sipp_start = ends::sipp_start(&place)?;
    }
    let mut broken = Vec::new();
    let found = find(options, &place, &mut broken)?;
    print(options, &found);
    if let Some(file) = &options.json {
        let text = format!("{:#}\n", found.json(options, &broken));
        std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    if options.quick {
        broken.extend(found.losses());
    }
    // Where something failed, configurations and logs stay for who wants to know why.
    if broken.is_empty() {
        place.leave()?;
    } else {
        eprintln!("logs are in {}", place.folder.display());
    }
    eprintln!("done in {} s", begun.elapsed().as_secs());
    Ok(broken)
}

fn find(options: &Options, place: &Place, broken: &mut Vec<String>) -> Result<Found, String> {
    let versions = versions(place).join(", ");
    let before = benches::conditions::describe();
    let awake = options.keep_awake.then(|| Awake::keep(&place.folder)).transpose()?;
    let rounds = options.rounds();
    let rates = options.wants(Part::Rates).then(|| {
        let seconds = |rate| options.seconds(rate);
        Rates::measure(place, options.rates(), rounds, seconds, broken)
    });
    let mut goals: Vec<Goal> = rates.iter().flat_map(Rates::goals).collect();
    if options.wants(Part::Goals) {
        goals.extend(goals::measure(place, options.extent(), broken));
    }
    let media = options.wants(Part::Media).then(|| {
        let (calls, length) = options.audio();
        Media::measure(place, calls, rounds, length, broken)
    });
    goals.extend(media.iter().flat_map(Media::goals));
    drop(awake);
    let halting = if options.keep_awake { "Cores were kept from halting." } else { "Cores might halt." };
    let after = benches::conditions::describe();
    let conditions = format!("{versions}; rounds: {rounds}. {halting} Before: {before}.\nAfter: {after}.\n");
    Ok(Found { rates, media, goals, conditions })
}

impl Found {
    fn json(&self, options: &Options, broken: &[String]) -> serde_json::Value {
        json!({
            "conditions": self.conditions,
            "quick": options.quick,
            "keep_awake": options.keep_awake,
            "rates": self.rates.as_ref().map(Rates::json),
            "media": self.media.as_ref().map(Media::json),
            "goals": self.goals.iter().map(Goal::json).collect::<Vec<serde_json::Value>>(),
            "broken": broken,
        })
    }

    /// What must not be where so little is asked.
    fn losses(&self) -> Vec<String> {
        let failed = self.rates.as_ref().map_or(0, Rates::failed);
        let lost = self.media.as_ref().map_or(0, Media::lost);
        let failed = (failed > 0).then(|| format!("{failed} calls failed at a rate that everything holds"));
        let lost = (lost > 0).then(|| format!("{lost} packets of a few calls were lost"));
        failed.into_iter().chain(lost).collect()
    }
}

/// Tables, each after the name by which `cargo xtask system-bench --write` finds its place in a page.
fn print(options: &Options, found: &Found) {
    if options.quick {
        println!("quick: everything was tried, and no figure here means anything");
    }
    let rows: String = found.goals.iter().map(Goal::row).collect();
    let goals = Some(format!("| what | goal | measured | |\n|---|---|---|---|\n{rows}"));
    let tables = [
        ("rates", found.rates.as_ref().map(Rates::table)),
        ("media", found.media.as_ref().map(Media::table)),
        ("goals", goals),
        ("conditions", Some(found.conditions.clone())),
    ];
    for (name, table) in tables {
        if let Some(table) = table {
            println!("<!-- block: system-{name} -->\n{table}");
        }
    }
}

/// What was measured with: each program's name and the first word with a digit that it says of its version.
fn versions(place: &Place) -> Vec<String> {
    let ask = |name: &str, program: &std::ffi::OsStr, argument: &str| {
        let output = Command::new(program).arg(argument).output().ok()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let version = said.split_whitespace().find(|word| word.contains(|one: char| one.is_ascii_digit()))?;
        Some(format!("{name} {}", version.trim_end_matches('.')))
    };
    let asked = [
        ("Cordboard", place.cordboard.as_os_str(), "--version"),
        ("Kamailio", "kamailio".as_ref(), "-v"),
        ("SIPp", "sipp".as_ref(), "-v"),
        ("rtpengine", "rtpengine".as_ref(), "--version"),
    ];
    asked.into_iter().filter_map(|(name, program, argument)| ask(name, program, argument)).collect()
}
