//! A soak: calls at half the highest rate for a long time, and nothing that a process holds may grow with them.
//!
//! The highest rate is found first, by doubling, as the last one with fewer than a failure in a thousand. Then one load runs
//! at half of it. Its first part warms up: tables and pools take their size, and the first transactions are forgotten. What
//! comes after is cut into thirds, and the last is held against the first. What is bounded by number and not by time, the API's
//! memory of interactions, is small enough to be full by then.

use std::time::{Duration, Instant};

use crate::ends::{Calls, Seen};
use crate::process::Process;
use crate::spread::Spread;
use crate::systems::{Centre, Place, System, cordboard, sum};

/// Rates that are tried; beyond the last no agent of the benchmark's centre would be idle.
const RATES: [u64; 6] = [50, 100, 200, 400, 800, 1_600];
/// How long each is tried.
const TRIAL: u64 = 5;
/// Failures among the calls of a rate that is held.
const FAILED_MAX: f64 = 0.001;
/// Failures among the calls of a soak. A shared machine that stands still for seconds fails some, and to find that is not what a
/// soak is for.
const LOST_MAX: f64 = 0.05;
/// Transactions are remembered for half a minute and the sockets of media for a minute.
const WARM_UP: Duration = Duration::from_secs(75);
/// At the lowest rate of a soak more calls than these end while it warms up.
const REMEMBERED: u32 = 1_000;
/// Between two looks at the process.
const INTERVAL: Duration = Duration::from_secs(2);
/// Memory of a process that is in use is never quite the same: what may be added without being growth.
const MEMORY_SLACK_KIB: f64 = 1_024.0;
const MEMORY_SLACK: f64 = 0.02;
/// Files come and go with the calls that are there at the moment.
const FILES_SLACK: f64 = 0.1;
/// When the last call is over, what was kept for it is given back within this time.
const REST: Duration = Duration::from_secs(150);

/// What a centre holds for calls and for nothing else.
const HELD: [&str; 7] = [
    "cordboard_calls",
    "cordboard_waiting",
    "cordboard_sip_sessions",
    "cordboard_sip_dialogs",
    "cordboard_sip_transactions",
    "cordboard_media_terminations",
    "cordboard_timers",
];

/// What was seen at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Look {
    resident_kib: f64,
    files: f64,
}

impl Look {
    fn at(server: &Process) -> Look {
        Look { resident_kib: server.resident_kib(), files: server.files() }
    }
}

/// Soaks for so many minutes; says what was seen.
///
/// # Errors
///
/// What grew, what was left behind, which counters disagree; or what could not be measured.
pub(crate) fn soak(place: &Place, minutes: u64) -> Result<String, String> {
    let (highest, made_before) = highest_rate(place)?;
    let server = cordboard(place, &Centre { remembered: REMEMBERED, ..Centre::default() })?;
    let before = Look::at(&server);
    let idle = HELD.iter().map(|name| sum(name).ok_or_else(|| format!("there is no metric {name}")));
    let idle = idle.collect::<Result<Vec<f64>, String>>()?;
    let length = Duration::from_secs(minutes * 60) + WARM_UP;
    let calls =
        Calls { rate: highest as f64 / 2.0, seconds: length.as_secs(), ..Calls::through(System::Cordboard) };
    eprintln!("{} calls/s for {} s, half of the highest rate", calls.rate, calls.seconds);
    let looks = watch(&server, &calls, place)?;
    let seen = calls.result(place, "load")?;
    let mut faults = growth(&looks);
    faults.extend(at_rest(|| {
        let mut faults = disagreements(&seen, sum);
        faults.extend(left(server.files(), &before, &idle));
        faults
    }));
    let (first, last) = thirds(&looks);
    let said = format!(
        "soak: {} calls at {} a second ({highest} is the highest rate, after {made_before} calls to find it), {} failed; \
         resident {:.1} MiB and {} files in the first third, {:.1} MiB and {} in the last",
        seen.calls,
        calls.rate,
        seen.failed,
        first.resident_kib / 1_024.0,
        first.files,
        last.resident_kib / 1_024.0,
        last.files,
    );
    if faults.is_empty() { Ok(said) } else { Err(format!("{said}\n  {}", faults.join("\n  "))) }
}

/// The highest rate that was held, and how many calls it took to find it.
fn highest_rate(place: &Place) -> Result<(u64, u64), String> {
    let mut highest = None;
    let mut made = 0;
    for rate in RATES {
        let _server = cordboard(place, &Centre::default())?;
        let calls = Calls { rate: rate as f64, seconds: TRIAL, ..Calls::through(System::Cordboard) };
        let seen = calls.make(place, "load")?;
        made += seen.calls;
        if !is_held(&seen) {
            break;
        }
        highest = Some(rate);
    }
    let highest = highest.ok_or_else(|| format!("not even {} calls a second are held", RATES[0]))?;
    Ok((highest, made))
}

fn is_held(seen: &Seen) -> bool {
    seen.failed as f64 <= FAILED_MAX * seen.calls as f64
}

/// Looks at the server while calls are made, once it has warmed up.
fn watch(server: &Process, calls: &Calls, place: &Place) -> Result<Vec<Look>, String> {
    let mut load = calls.start(place, "load")?;
    let begun = Instant::now();
    let mut looks = Vec::new();
    while begun.elapsed() < Duration::from_secs(calls.seconds) && load.is_running() {
        std::thread::sleep(INTERVAL);
        if begun.elapsed() > WARM_UP {
            looks.push(Look::at(server));
        }
    }
    load.succeeds(Duration::from_secs(60))?;
    if looks.len() < 3 { Err("it was over before anything could be seen".to_owned()) } else { Ok(looks) }
}

/// The medians of the first and of the last third.
fn thirds(looks: &[Look]) -> (Look, Look) {
    let third = looks.len() / 3;
    let median = |part: &[Look]| {
        let of = |figure: fn(&Look) -> f64| {
            Spread::of(part.iter().map(figure)).map_or(0.0, |spread| spread.median)
        };
        Look { resident_kib: of(|look| look.resident_kib), files: of(|look| look.files) }
    };
    (median(&looks[..third]), median(&looks[looks.len() - third..]))
}

fn growth(looks: &[Look]) -> Vec<String> {
    let (first, last) = thirds(looks);
    let mut faults = Vec::new();
    let grown = last.resident_kib - first.resident_kib;
    if grown > MEMORY_SLACK_KIB + first.resident_kib * MEMORY_SLACK {
        faults.push(format!("memory grows: {grown:.0} KiB from the first third to the last"));
    }
    if last.files > first.files * (1.0 + FILES_SLACK) {
        faults
            .push(format!("open files grow: {} in the first third, {} in the last", first.files, last.files));
    }
    faults
}

/// Callers and server must have counted the same calls. One that failed may have been answered before.
fn disagreements(seen: &Seen, told: impl Fn(&str) -> Option<f64>) -> Vec<String> {
    let mut faults = Vec::new();
    if seen.failed as f64 > LOST_MAX * seen.calls as f64 {
        faults.push(format!("{} of {} calls failed at half of the highest rate", seen.failed, seen.calls));
    }
    let answered = told("cordboard_calls_total{outcome=\"answered\"}").unwrap_or_default();
    let completed = seen.completed();
    if !(completed..=completed + seen.failed as f64).contains(&answered) {
        faults.push(format!("the callers completed {completed} calls, the server counts {answered}"));
    }
    let (arrived, ended) = (told("cordboard_calls_arrived_total"), told("cordboard_calls_total"));
    let refused = told("cordboard_calls_refused_total").unwrap_or_default();
    if arrived != ended.map(|ended| ended + refused) {
        faults.push(format!("{arrived:?} calls arrived, {ended:?} ended and {refused} were refused"));
    }
    faults
}

/// What is still held when nothing should be; who tells nothing any more has ended by itself.
fn left(files: f64, before: &Look, idle: &[f64]) -> Vec<String> {
    let more = HELD.iter().zip(idle).filter_map(|(name, &idle)| match sum(name) {
        None => Some(format!("{name} is told no more")),
        Some(now) => (now > idle).then(|| format!("{name} is {now} without a call, and was {idle} before")),
    });
    // A question for the metrics is a file, too.
    let file =
        (files > before.files + 2.0).then(|| format!("{files} files are open, and were {}", before.files));
    more.chain(file).collect()
}

/// The faults that stay when everything has had time to be given back.
fn at_rest(mut faults: impl FnMut() -> Vec<String>) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let found = faults();
        if found.is_empty() || begun.elapsed() > REST {
            return found;
        }
        std::thread::sleep(INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(memory: impl Fn(f64) -> f64) -> Vec<Look> {
        (0..90).map(|at| Look { resident_kib: memory(f64::from(at)), files: 100.0 }).collect()
    }

    #[test]
    fn what_comes_and_goes_is_no_growth_and_a_leak_is() {
        assert!(growth(&looks(|at| 50_000.0 + 800.0 * (at % 7.0))).is_empty());
        let leak = growth(&looks(|at| 50_000.0 + 60.0 * at));
        assert!(leak.len() == 1 && leak[0].contains("memory grows"), "{leak:?}");
        let mut files = looks(|_| 50_000.0);
        files[60..].iter_mut().for_each(|look| look.files = 120.0);
        assert!(growth(&files)[0].contains("open files grow"));
    }

    #[test]
    fn counters_that_disagree_are_found() {
        let seen = Seen { calls: 1_000, failed: 1, ..Seen::default() };
        let told = |answered: f64, arrived: f64| {
            move |name: &str| match name {
                "cordboard_calls_total{outcome=\"answered\"}" => Some(answered),
                "cordboard_calls_arrived_total" => Some(arrived),
                "cordboard_calls_total" => Some(999.0),
                "cordboard_calls_refused_total" => Some(1.0),
                _ => None,
            }
        };
        assert_eq!(disagreements(&seen, told(999.0, 1_000.0)), Vec::<String>::new());
        assert!(disagreements(&seen, told(998.0, 1_000.0))[0].contains("the server counts 998"));
        assert!(disagreements(&seen, told(999.0, 1_001.0))[0].contains("arrived"));
        // It was answered, and failed later.
        assert_eq!(disagreements(&seen, told(1_000.0, 1_000.0)), Vec::<String>::new());
        assert!(!disagreements(&seen, told(1_001.0, 1_000.0)).is_empty());
        let failing = Seen { calls: 1_000, failed: 60, ..Seen::default() };
        assert!(disagreements(&failing, told(940.0, 1_000.0))[0].contains("failed"));
    }
}
