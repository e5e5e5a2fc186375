//! What one figure each says: latencies, waiting callers, memory, many agents, an idle process.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::ends::{Calls, Seen};
use crate::process::Process;
use crate::spread::{Spread, cell};
use crate::systems::{AGENTS, Centre, Place, System, await_gauge, cordboard, gauge};

/// Callers who wait, by the metrics.
const WAITING: &str = "cordboard_waiting{queue=\"all\"}";
/// Calls that an agent is in.
const CONNECTED: &str = "cordboard_calls{state=\"connected\"}";
/// Agents of a small centre.
const FEW: usize = 50;
/// What has just begun comes to rest.
const SETTLING: Duration = Duration::from_secs(1);
/// An idle process may use so much of a core: what its own clock and its reports need once a second.
const IDLE_MICROS: f64 = 100.0;

/// One figure beside what it should be.
pub(crate) struct Goal {
    what: String,
    /// None: shown beside others, and nothing is asked of it.
    at_most: Option<f64>,
    unit: &'static str,
    measured: Option<Spread>,
}

impl Goal {
    pub(crate) fn at_most(
        what: impl Into<String>,
        limit: f64,
        unit: &'static str,
        measured: Option<Spread>,
    ) -> Goal {
        Goal { what: what.into(), at_most: Some(limit), unit, measured }
    }

    fn beside(what: impl Into<String>, unit: &'static str, measured: Option<Spread>) -> Goal {
        Goal { what: what.into(), at_most: None, unit, measured }
    }

    fn verdict(&self) -> &'static str {
        match (self.measured, self.at_most) {
            (Some(measured), Some(limit)) => benches::table::verdict(measured.median <= limit),
            (Some(_), None) => "–",
            (None, _) => "not measured",
        }
    }

    /// A line of the table.
    pub(crate) fn row(&self) -> String {
        let goal =
            self.at_most.map_or_else(|| "–".to_owned(), |limit| format!("at most {limit} {}", self.unit));
        format!("| {} | {goal} | {} {} | {} |\n", self.what, cell(self.measured), self.unit, self.verdict())
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "what": self.what,
            "at_most": self.at_most,
            "unit": self.unit,
            "measured": self.measured.map(|measured| measured.json()),
            "verdict": self.verdict(),
        })
    }
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// How often each latency and each cost is measured.
    pub(crate) rounds: usize,
    /// For how long calls begin.
    pub(crate) seconds: u64,
    /// Calls that wait or talk at once when memory is looked at the second time; a quarter at the first.
    pub(crate) crowd: u64,
    /// Agents of the large centre.
    pub(crate) agents: usize,
    /// How long the idle process is watched.
    pub(crate) idle: Duration,
}

type Measured = Result<Vec<Goal>, String>;
type Part = fn(&Place, Extent) -> Measured;

/// All of them; what cannot be measured is added to `broken`.
pub(crate) fn measure(place: &Place, extent: Extent, broken: &mut Vec<String>) -> Vec<Goal> {
    let parts: [(&str, Part); 6] = [
        ("from INVITE to INVITE", set_up),
        ("from an agent who is free to the next ring", next_ring),
        ("waiting callers", waiting),
        ("calls in progress", in_progress),
        ("many agents", many_agents),
        ("an idle process", idle),
    ];
    let mut goals = Vec::new();
    for (name, part) in parts {
        eprintln!("{name}");
        match part(place, extent) {
            Ok(found) => goals.extend(found),
            Err(fault) => {
                eprintln!("{name}: {fault}");
                broken.push(format!("{name}: {fault}"));
            }
        }
    }
    goals
}

/// Everything that a load measured must have gone well, or its times are of another thing.
fn all_well(seen: Seen) -> Result<Seen, String> {
    if seen.failed == 0 { Ok(seen) } else { Err(format!("{} of {} calls failed", seen.failed, seen.calls)) }
}

/// 20 calls a second: the path alone, nobody waits for a core.
fn set_up(place: &Place, extent: Extent) -> Measured {
    let mut seen = [Vec::new(), Vec::new()];
    for _ in 0..extent.rounds {
        for (seen, system) in seen.iter_mut().zip([System::Cordboard, System::Kamailio]) {
            let _server = system.start(place)?;
            let calls = Calls { seconds: extent.seconds, ..Calls::through(system) };
            seen.push(all_well(calls.make(place, "load")?)?);
        }
    }
    let [ours, theirs] = seen;
    let of = |seen: &[Seen], quantile| {
        Spread::of(seen.iter().filter_map(|seen| seen.millis("invite_to_agent", quantile)))
    };
    Ok(vec![
        Goal::at_most("caller's INVITE to the agent's at 20 calls/s, p50", 0.3, "ms", of(&ours, "p50")),
        Goal::at_most("the same, p99", 2.0, "ms", of(&ours, "p99")),
        Goal::beside("the same through Kamailio, which only proxies, p50", "ms", of(&theirs, "p50")),
        Goal::beside("the same, p99", "ms", of(&theirs, "p99")),
    ])
}

/// Twice as many callers as ten agents can serve.
fn next_ring(place: &Place, extent: Extent) -> Measured {
    let mut rings = Vec::new();
    for _ in 0..extent.rounds {
        let _server = cordboard(place, &Centre { agents: 10, ..Centre::default() })?;
        let calls = Calls {
            seconds: extent.seconds,
            patience: Some("3s"),
            agents: 10,
            ..Calls::through(System::Cordboard)
        };
        rings.push(all_well(calls.make(place, "load")?)?);
    }
    let of =
        |quantile| Spread::of(rings.iter().filter_map(|seen| seen.millis("agent_free_to_ring", quantile)));
    Ok(vec![
        Goal::at_most("agent free to the next ring, callers waiting, p50", 1.0, "ms", of("p50")),
        Goal::beside("the same, p99", "ms", of("p99")),
    ])
}

/// A crowd that comes in two parts, so that what a process has anyway does not count.
struct Crowd {
    server: Process,
    /// What holds the calls; they are gone with it.
    _loads: [Process; 2],
    /// KiB resident for each call more.
    kib: f64,
    size: f64,
}

impl Crowd {
    fn gather(
        place: &Place,
        mut server: Process,
        extent: Extent,
        series: &str,
        agents: usize,
    ) -> Result<Crowd, String> {
        let first = extent.crowd / 4;
        // Calls that are evenly spaced are as many as rate and time say, or one fewer.
        let settled = |server: &mut Process, number: u64| -> Result<(f64, f64), String> {
            await_gauge(server, series, number as f64 - 4.0)?;
            std::thread::sleep(SETTLING);
            let calls = gauge(series).ok_or_else(|| format!("{series} is not told"))?;
            Ok((calls, server.resident_kib()))
        };
        // They come in three seconds and stay until they are sent away.
        let calls = |number: u64, from| Calls {
            rate: number as f64 / 3.0,
            seconds: 3,
            talk: "10m",
            from,
            agents,
            ..Calls::through(System::Cordboard)
        };
        let one = calls(first, "0001").start(place, "load-first")?;
        let (few, before) = settled(&mut server, first)?;
        let rest = extent.crowd - first;
        // The agents of the first answer these, too.
        let other = Calls { agents: 0, ..calls(rest, "0002") }.start(place, "load-rest")?;
        let (size, after) = settled(&mut server, extent.crowd)?;
        Ok(Crowd { server, _loads: [one, other], kib: (after - before) / (size - few), size })
    }

    /// CPU microseconds for each call and second, over some seconds.
    fn micros(&self, seconds: u64) -> f64 {
        let (begun, before) = (Instant::now(), self.server.running());
        std::thread::sleep(Duration::from_secs(seconds));
        let used = self.server.running().saturating_sub(before);
        used.as_secs_f64() * 1e6 / begun.elapsed().as_secs_f64() / self.size
    }
    /// Ends it with all of its calls; it would let them talk to their end.
    fn dissolve(self) {
        self.server.kill();
    }
}

fn waiting(place: &Place, extent: Extent) -> Measured {
    let server = cordboard(place, &Centre { agents: 0, waiting: "music", ..Centre::default() })?;
    let crowd = Crowd::gather(place, server, extent, WAITING, 0)?;
    let (kib, size) = (crowd.kib, crowd.size);
    let music: Vec<f64> = (0..extent.rounds).map(|_| crowd.micros(extent.seconds.min(5))).collect();
    crowd.dissolve();
    Ok(vec![
        Goal::at_most(
            format!("CPU of a caller who waits with music, a second, {size} of them"),
            200.0,
            "µs",
            Spread::of(music),
        ),
        Goal::at_most("resident memory of a waiting call, music included", 12.0, "KiB", Spread::of([kib])),
    ])
}

fn in_progress(place: &Place, extent: Extent) -> Measured {
    let server = cordboard(place, &Centre::default())?;
    let crowd = Crowd::gather(place, server, extent, CONNECTED, AGENTS)?;
    let (kib, size) = (crowd.kib, crowd.size);
    crowd.dissolve();
    let what = format!("resident memory of an anchored call in progress, {size} of them");
    Ok(vec![Goal::at_most(what, 24.0, "KiB", Spread::of([kib]))])
}

/// The same calls with few agents and with many, by turns.
fn many_agents(place: &Place, extent: Extent) -> Measured {
    let mut ratios = Vec::new();
    for _ in 0..extent.rounds {
        let mut micros = [0.0; 2];
        for (micros, agents) in micros.iter_mut().zip([FEW, extent.agents]) {
            let server = cordboard(place, &Centre { agents, ..Centre::default() })?;
            let calls = Calls {
                rate: 100.0,
                seconds: extent.seconds,
                talk: "200ms",
                agents,
                ..Calls::through(System::Cordboard)
            };
            let before = server.usage().cpu;
            let seen = all_well(calls.make(place, "load")?)?;
            *micros = (server.usage().cpu - before) * 1e6 / seen.completed();
        }
        let [few, many] = micros;
        ratios.push((many / few - 1.0) * 100.0);
    }
    let what = format!(
        "CPU of a call with {} agents logged in, above that with {FEW}, at 100 calls/s",
        extent.agents
    );
    Ok(vec![Goal::at_most(what, 10.0, "%", Spread::of(ratios))])
}

fn idle(place: &Place, extent: Extent) -> Measured {
    let server = cordboard(place, &Centre { agents: FEW, ..Centre::default() })?;
    std::thread::sleep(2 * SETTLING);
    let (begun, before, used) = (Instant::now(), server.usage().switches, server.running());
    std::thread::sleep(extent.idle);
    let seconds = begun.elapsed().as_secs_f64();
    let micros = server.running().saturating_sub(used).as_secs_f64() * 1e6 / seconds;
    let switches = server.usage().switches.saturating_sub(before) as f64 / seconds;
    let what = format!("CPU of an idle process with {FEW} agents, a second");
    Ok(vec![
        Goal::at_most(what, IDLE_MICROS, "µs", Spread::of([micros])),
        Goal::beside("its context switches, a second", "times", Spread::of([switches])),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_at_its_limit_and_missed_above_and_not_judged_unmeasured() {
        let goal = |measured: &[f64]| Goal::at_most("wait", 2.0, "ms", Spread::of(measured.iter().copied()));
        assert_eq!(goal(&[2.0]).row(), "| wait | at most 2 ms | 2.00 (2.00–2.00) ms | met |\n");
        assert_eq!(goal(&[2.1]).verdict(), "missed");
        assert_eq!(goal(&[]).verdict(), "not measured");
        assert_eq!(goal(&[2.1]).json()["measured"]["median"], 2.1);
    }
}
