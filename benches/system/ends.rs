//! Callers and agents: SIPp at both ends, or `cordboard load` at both ends. The same calls: INVITE with PCMU, 180 and 200
//! at once, ACK, a second, BYE.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::process::Process;
use crate::spread::Spread;
use crate::systems::{AGENT_PORT, AGENTS, CALLER_PORT, Place, System};

/// A call that SIPp has begun may take so long before SIPp gives up altogether, in seconds.
const SIPP_LIMIT: u64 = 60;

/// What callers and agents saw of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Calls that were to be made.
    pub(crate) calls: u64,
    /// Those that did not end as planned.
    pub(crate) failed: u64,
    /// CPU seconds of the callers alone; only where they have a process of their own.
    pub(crate) callers: Option<f64>,
    /// CPU seconds of callers and agents.
    pub(crate) ends: f64,
    /// What `cordboard load` measured.
    pub(crate) times: Value,
}

impl Seen {
    /// Calls that ended as planned; at least 1, to divide by.
    pub(crate) fn completed(&self) -> f64 {
        self.calls.saturating_sub(self.failed).max(1) as f64
    }

    /// A quantile of a time that `cordboard load` measured, in milliseconds.
    pub(crate) fn millis(&self, measure: &str, quantile: &str) -> Option<f64> {
        self.times.get(measure)?.get(quantile)?.as_f64()
    }
}

/// Who plays callers and agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ends {
    Sipp,
    Load,
}

impl Ends {
    pub(crate) const ALL: [Ends; 2] = [Ends::Sipp, Ends::Load];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Ends::Sipp => "SIPp",
            Ends::Load => "cordboard load",
        }
    }

    /// Makes calls through a system that is there.
    pub(crate) fn call(self, place: &Place, system: System, rate: u64, seconds: u64) -> Result<Seen, String> {
        match self {
            Ends::Sipp => sipp(place, system.port(), rate, rate * seconds),
            Ends::Load => Calls { rate: rate as f64, seconds, ..Calls::through(system) }.make(place, "load"),
        }
    }
}

fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name)
}

fn sipp(place: &Place, target: u16, rate: u64, calls: u64) -> Result<Seen, String> {
    let mut command = Command::new("sipp");
    command.current_dir(&place.folder).arg("127.0.0.1").arg("-sf").arg(scenario("agent.xml"));
    command.args(["-i", "127.0.0.1", "-p", &AGENT_PORT.to_string(), "-nostdin"]);
    let mut agents = Process::start("sipp-agents", &mut command, &place.folder)?;
    agents.awaits("SIPp listens", || {
        std::net::UdpSocket::bind(("127.0.0.1", AGENT_PORT)).is_err().then_some(())
    })?;
    let before = agents.usage().cpu;
    let (failed, callers) = sipp_callers(place, target, rate, calls)?;
    // To start is no part of a call, and would make short runs dear.
    let callers = (callers - place.sipp_start).max(0.0);
    let ends = callers + agents.usage().cpu - before;
    Ok(Seen { calls, failed, callers: Some(callers), ends, times: Value::Null })
}

/// CPU seconds of SIPp as callers with a single call, the median of three: its start, and next to nothing beside.
///
/// # Errors
///
/// Where it does not run.
pub(crate) fn sipp_start(place: &Place) -> Result<f64, String> {
    let single = || sipp(place, AGENT_PORT, 1, 1).map(|seen| seen.callers.unwrap_or_default());
    let three = [single()?, single()?, single()?];
    Ok(Spread::of(three).map_or(0.0, |spread| spread.median))
}

/// Calls that failed, and SIPp's CPU seconds.
fn sipp_callers(place: &Place, target: u16, rate: u64, calls: u64) -> Result<(u64, f64), String> {
    let statistics = place.folder.join("callers.csv");
    let _: std::io::Result<()> = std::fs::remove_file(&statistics);
    // The shell's own `times` tells the CPU time of its children, SIPp alone.
    let script = "sipp \"$@\" >/dev/null 2>&1; times";
    let output = Command::new("bash")
        .current_dir(&place.folder)
        .args(["-c", script, "callers", &format!("127.0.0.1:{target}"), "-sf"])
        .arg(scenario("caller.xml"))
        .args(["-i", "127.0.0.1", "-p", &CALLER_PORT.to_string(), "-nostdin", "-s", "100"])
        .args(["-r", &rate.to_string(), "-m", &calls.to_string(), "-l", &(rate * 20).to_string()])
        .args(["-timeout", &format!("{SIPP_LIMIT}s"), "-trace_stat", "-stf"])
        .arg(&statistics)
        .output()
        .map_err(|error| format!("bash does not start: {error}"))?;
    let wrong = |what: &str| format!("SIPp as callers: {what}");
    let times = String::from_utf8_lossy(&output.stdout).into_owned();
    let children = times.lines().nth(1).ok_or_else(|| wrong("the shell tells no times"))?;
    let cpu = children.split_whitespace().map(minutes).sum::<Option<f64>>();
    let text =
        std::fs::read_to_string(&statistics).map_err(|error| wrong(&format!("no statistics: {error}")))?;
    let succeeded = column(&text, "SuccessfulCall(C)").ok_or_else(|| wrong("statistics without a result"))?;
    Ok((calls.saturating_sub(succeeded), cpu.ok_or_else(|| wrong("the shell tells strange times"))?))
}

/// The last figure in a column of SIPp's statistics.
fn column(statistics: &str, name: &str) -> Option<u64> {
    let mut lines = statistics.lines();
    let place = lines.next()?.split(';').position(|head| head == name)?;
    lines.next_back()?.split(';').nth(place)?.parse().ok()
}

/// `0m1.234s` in seconds.
fn minutes(text: &str) -> Option<f64> {
    let (minutes, seconds) = text.strip_suffix('s')?.split_once('m')?;
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
}

/// Calls by `cordboard load`.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    /// The port that is called.
    pub(crate) port: u16,
    /// Calls a second, evenly spaced.
    pub(crate) rate: f64,
    /// For how long they begin.
    pub(crate) seconds: u64,
    /// How long each talks, as a scenario says it.
    pub(crate) talk: &'static str,
    /// After which wait they give up; none: never.
    pub(crate) patience: Option<&'static str>,
    /// What their numbers begin with.
    pub(crate) from: &'static str,
    /// Who answers; 0: nobody of this process.
    pub(crate) agents: usize,
}

impl Calls {
    pub(crate) fn through(system: System) -> Calls {
        Calls {
            port: system.port(),
            rate: 20.0,
            seconds: 5,
            talk: "1s",
            patience: None,
            from: "0000",
            agents: AGENTS,
        }
    }

    /// Starts them under a name of their own.
    pub(crate) fn start(&self, place: &Place, name: &'static str) -> Result<Process, String> {
        let file = place.write(&format!("{name}.toml"), &self.scenario())?;
        let mut command = Command::new(&place.cordboard);
        command.arg("load").arg(file).arg("--json").arg(result_of(place, name));
        Process::start(name, &mut command, &place.folder)
    }

    /// Makes them all.
    pub(crate) fn make(&self, place: &Place, name: &'static str) -> Result<Seen, String> {
        let limit = Duration::from_secs(self.seconds + 60);
        self.start(place, name)?.succeeds(limit)?;
        self.result(place, name)
    }

    /// What came of them, once they are over.
    pub(crate) fn result(&self, place: &Place, name: &str) -> Result<Seen, String> {
        let file = result_of(place, name);
        let text =
            std::fs::read(&file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        let found: Value =
            serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        seen(&found["test"]).ok_or_else(|| format!("{} lacks a figure", file.display()))
    }

    fn scenario(&self) -> String {
        let constant = |time: &str| format!("{{ shape = \"constant\", mean = \"{time}\" }}");
        let patience = self.patience.map(|patience| format!("patience = {}\n", constant(patience)));
        // Without agents of this process callers wait for the agents of nobody.
        let agents = format!(
            "[[agents]]\nuser = \"a{{}}\"\nfirst = 0\ncount = {}\nregister = false\nany_number = true\nring = {}\n",
            self.agents,
            constant("0s")
        );
        format!(
            "[system]\naddress = \"127.0.0.1:{}\"\ndomain = \"cc.test\"\n{}\
             [run]\nwarm_up = \"0s\"\nlength = \"{}s\"\ndrain = \"20s\"\n\
             [[callers]]\nnumber = \"100\"\nfrom = \"{}\"\nper_second = {}\nspacing = \"even\"\ntalk_from = \"agent\"\n\
             talk = {}\n{}{}",
            self.port,
            if self.agents > 0 { format!("agents_port = {AGENT_PORT}\n") } else { String::new() },
            self.seconds,
            self.from,
            self.rate,
            constant(self.talk),
            patience.unwrap_or_default(),
            if self.agents > 0 { agents } else { String::new() },
        )
    }
}

fn result_of(place: &Place, name: &str) -> PathBuf {
    place.folder.join(format!("{name}.json"))
}

fn seen(test: &Value) -> Option<Seen> {
    let calls = test["calls"].as_u64()?;
    let micros = test["own_processor_microseconds_per_call"].as_f64()?;
    Some(Seen {
        calls,
        failed: test["failed"].as_u64()?,
        callers: None,
        ends: micros * calls as f64 / 1e6,
        times: test["milliseconds"].clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_s_times_are_read() {
        assert_eq!(minutes("1m2.500s"), Some(62.5));
        assert_eq!((minutes("2.5s"), minutes("1m"), minutes("")), (None, None, None));
    }

    #[test]
    fn the_last_row_of_sipp_s_statistics_counts() {
        let text = "StartTime;SuccessfulCall(C);FailedCall(C)\nx;1;0\nx;99;1\n";
        assert_eq!((column(text, "SuccessfulCall(C)"), column(text, "No")), (Some(99), None));
    }

    #[test]
    fn what_a_load_found_is_read_and_nothing_is_guessed() {
        let test = serde_json::json!({
            "calls": 200, "failed": 50, "own_processor_microseconds_per_call": 100.0,
            "milliseconds": { "invite_to_agent": { "p50": 0.25 } },
        });
        let found = seen(&test).expect("all of it is there");
        assert_eq!((found.completed(), found.ends), (150.0, 0.02));
        assert_eq!(found.millis("invite_to_agent", "p50"), Some(0.25));
        assert_eq!(found.millis("invite_to_agent", "p99"), None);
        assert!(seen(&serde_json::json!({ "calls": 200 })).is_none());
    }
}
