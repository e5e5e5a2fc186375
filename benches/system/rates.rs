//! What a call costs: nothing, Kamailio and Cordboard in between, by turns, at several rates, with either kind of ends.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::ends::{Ends, Seen};
use crate::goals::Goal;
use crate::spread::{Spread, cell};
use crate::systems::{Place, System};

/// What a server does for calls that are over counts with them, up to this long.
const AFTERWARDS: Duration = Duration::from_millis(500);
/// Failures beyond this share mean that a rate does not hold.
const FAILURES: f64 = 0.001;
/// The rate at which the ratio to the callers' CPU is the steadiest.
const STEADIEST: u64 = 800;

/// One run.
struct Sample {
    seen: Seen,
    /// CPU seconds of the system, all processes.
    server: f64,
    resident_mib: f64,
}

impl Sample {
    fn take(place: &Place, run: Run, seconds: u64) -> Result<Sample, String> {
        let server = run.system.start(place)?;
        let used = || server.as_ref().map_or(0.0, |server| server.usage().cpu);
        let before = used();
        let seen = run.ends.call(place, run.system, run.rate, seconds)?;
        std::thread::sleep(AFTERWARDS);
        let resident_mib = server.as_ref().map_or(0.0, |server| server.resident_kib() / 1_024.0);
        Ok(Sample { seen, server: used() - before, resident_mib })
    }

    fn micros(&self) -> f64 {
        self.server * 1e6 / self.seen.completed()
    }

    /// Of the callers alone.
    fn caller_micros(&self) -> Option<f64> {
        Some(self.seen.callers? * 1e6 / self.seen.completed())
    }

    fn ends_micros(&self) -> f64 {
        self.seen.ends * 1e6 / self.seen.completed()
    }

    fn ratio(&self) -> Option<f64> {
        Some(self.micros() / self.caller_micros()?)
    }
}

/// What is measured in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    rate: u64,
    ends: Ends,
    system: System,
}

/// All rounds.
pub(crate) struct Rates {
    samples: BTreeMap<Run, Vec<Sample>>,
}

impl Rates {
    /// Measures every rate as often as there are rounds; what cannot be measured is added to `broken`.
    pub(crate) fn measure(
        place: &Place,
        rates: &[u64],
        rounds: usize,
        seconds: impl Fn(u64) -> u64,
        broken: &mut Vec<String>,
    ) -> Rates {
        let mut samples: BTreeMap<Run, Vec<Sample>> = BTreeMap::new();
        for round in 0..rounds {
            for &rate in rates {
                for ends in Ends::ALL {
                    // Whoever comes first has the cooler machine.
                    let first = round % System::ALL.len();
                    for system in System::ALL.into_iter().cycle().skip(first).take(System::ALL.len()) {
                        let run = Run { rate, ends, system };
                        let said = format!(
                            "round {}, {rate} calls/s, {} by {}",
                            round + 1,
                            system.name(),
                            ends.name()
                        );
                        match Sample::take(place, run, seconds(rate)) {
                            Ok(sample) => {
                                eprintln!(
                                    "{said}: {:.0} µs a call, {} failed",
                                    sample.micros(),
                                    sample.seen.failed
                                );
                                samples.entry(run).or_default().push(sample);
                            }
                            Err(fault) => {
                                eprintln!("{said}: {fault}");
                                broken.push(format!("{said}: {fault}"));
                            }
                        }
                    }
                }
            }
        }
        Rates { samples }
    }

    /// Failed calls of all runs together.
    pub(crate) fn failed(&self) -> u64 {
        self.samples.values().flatten().map(|sample| sample.seen.failed).sum()
    }

    fn of(&self, rate: u64, ends: Ends, system: System) -> &[Sample] {
        self.samples.get(&Run { rate, ends, system }).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn table(&self) -> String {
        let mut text = "| calls/s | system | ends | calls | failed | server µs/call | of the SIPp caller's | ends µs/call | \
                        to the agent, ms: p50 | p99 | p99.9 | resident MiB |\n\
                        |---|---|---|---|---|---|---|---|---|---|---|---|\n"
            .to_owned();
        for (run, samples) in &self.samples {
            let spread =
                |figure: &dyn Fn(&Sample) -> Option<f64>| Spread::of(samples.iter().filter_map(figure));
            let millis = |quantile| cell(spread(&|sample| sample.seen.millis("invite_to_agent", quantile)));
            let sum = |figure: fn(&Sample) -> u64| samples.iter().map(figure).sum::<u64>();
            let of_server = |figure: fn(&Sample) -> Option<f64>| match run.system {
                System::Direct => "–".to_owned(),
                System::Kamailio | System::Cordboard => cell(spread(&figure)),
            };
            text.push_str(&format!(
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
                run.rate,
                run.system.name(),
                run.ends.name(),
                sum(|sample| sample.seen.calls),
                sum(|sample| sample.seen.failed),
                of_server(|sample| Some(sample.micros())),
                of_server(Sample::ratio),
                cell(spread(&|sample| Some(sample.ends_micros()))),
                millis("p50"),
                millis("p99"),
                millis("p99.9"),
                of_server(|sample| Some(sample.resident_mib)),
            ));
        }
        text
    }

    pub(crate) fn json(&self) -> Value {
        let runs = self.samples.iter().map(|(run, samples)| {
            let rounds = samples.iter().map(|sample| {
                json!({
                    "calls": sample.seen.calls,
                    "failed": sample.seen.failed,
                    "server_microseconds_per_call": sample.micros(),
                    "caller_microseconds_per_call": sample.caller_micros(),
                    "ends_microseconds_per_call": sample.ends_micros(),
                    "server_to_caller_ratio": sample.ratio(),
                    "resident_mib": sample.resident_mib,
                    "milliseconds": sample.seen.times,
                })
            });
            json!({
                "calls_per_second": run.rate,
                "system": run.system.name(),
                "ends": run.ends.name(),
                "rounds": rounds.collect::<Vec<Value>>(),
            })
        });
        Value::Array(runs.collect())
    }

    /// What the rates say of the goals.
    pub(crate) fn goals(&self) -> Vec<Goal> {
        let mut rates: Vec<u64> = self.samples.keys().map(|run| run.rate).collect();
        rates.dedup();
        let mut goals = Vec::new();
        for &rate in &rates {
            goals.push(self.beside_kamailio(rate));
        }
        if rates.contains(&STEADIEST) {
            let ratio = Spread::of(
                self.of(STEADIEST, Ends::Sipp, System::Cordboard).iter().filter_map(Sample::ratio),
            );
            let what = format!(
                "CPU of an ACD call, of the SIPp caller's own in the same run, at {STEADIEST} calls/s"
            );
            goals.push(Goal::at_most(what, 2.0, "times", ratio));
        }
        goals.extend(rates.last().map(|&highest| self.sustained(highest)));
        for &rate in &rates {
            goals.push(self.load_beside_sipp(rate));
        }
        goals
    }

    /// Round by round, because the speed of the machine drifts and both drift together.
    fn beside_kamailio(&self, rate: u64) -> Goal {
        let ours = self.of(rate, Ends::Sipp, System::Cordboard);
        let theirs = self.of(rate, Ends::Sipp, System::Kamailio);
        let ratios = ours.iter().zip(theirs).map(|(ours, theirs)| ours.micros() / theirs.micros());
        let what = format!("CPU of an ACD call, of Kamailio's for a proxied one, at {rate} calls/s");
        Goal::at_most(what, 1.2, "times", Spread::of(ratios))
    }

    fn sustained(&self, rate: u64) -> Goal {
        let samples = self.of(rate, Ends::Sipp, System::Cordboard);
        let share = |sample: &Sample| sample.seen.failed as f64 / sample.seen.calls.max(1) as f64 * 100.0;
        let what = format!("calls that fail at {rate} calls/s, two cores shared with SIPp at both ends");
        Goal::at_most(what, FAILURES * 100.0, "%", Spread::of(samples.iter().map(share)))
    }

    fn load_beside_sipp(&self, rate: u64) -> Goal {
        let theirs = self.of(rate, Ends::Sipp, System::Cordboard);
        let own = self.of(rate, Ends::Load, System::Cordboard);
        let ratios = own.iter().zip(theirs).map(|(own, theirs)| own.ends_micros() / theirs.ends_micros());
        let what =
            format!("CPU of `cordboard load`, both ends, of SIPp's two in the same round, at {rate} calls/s");
        Goal::at_most(what, 1.0, "times", Spread::of(ratios))
    }
}
