//! The calls of a bank in Israel in February 1999, known as the Anonymous Bank (Mandelbaum, Sakov and Zeltyn, Technion,
//! 2000): its figures, and the month played again.
//!
//! The file is not part of the project, because nothing says under which licence it may be passed on. It is table
//! with tabs, one call a line, with a head.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::Duration;

use acd::{AgentSettings, QueueId};
use whatif::{
    AgentGroup, Arrivals, CustomerType, Distribution, Ending, Handling, HeadCount, Law, Members, Model,
    Queue, Watch,
};

const COLUMNS: usize = 17;
const DAY: u64 = 86_400;

/// One call.
struct Call {
    priority: usize,
    /// Seconds since the beginning of the month, when the caller left the voice response unit.
    arrived: u64,
    waited: u64,
    served: u64,
    outcome: String,
    server: String,
}

/// Prints the block of the page.
pub(crate) fn report(path: Option<&str>) -> ExitCode {
    let Some(path) = path else {
        eprintln!("--trace needs the file: data_anonymous_bank_february.txt");
        return ExitCode::FAILURE;
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("cannot read {path}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let calls: Result<Vec<Call>, String> = text
        .lines()
        .zip(1..)
        .skip(1)
        .map(|(line, number)| read(line).ok_or(format!("line {number}")))
        .collect();
    match calls {
        Ok(calls) if !calls.is_empty() => {
            println!("<!-- block: trace -->");
            figures(&calls);
            println!("<!-- block: replay -->");
            replay(calls);
            ExitCode::SUCCESS
        }
        Ok(_) => {
            eprintln!("{path} holds no calls");
            ExitCode::FAILURE
        }
        Err(line) => {
            eprintln!("{path}: {line} is not a call with {COLUMNS} columns");
            ExitCode::FAILURE
        }
    }
}

fn read(line: &str) -> Option<Call> {
    let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
    if fields.len() != COLUMNS {
        return None;
    }
    let day: u64 = fields[5].get(4..)?.parse().ok()?;
    let mut clock = fields[7].split(':').map(|part| part.parse::<u64>().ok());
    let (hours, minutes, seconds) = (clock.next()??, clock.next()??, clock.next()??);
    Some(Call {
        priority: fields[3].parse().ok()?,
        arrived: day.checked_sub(1)? * DAY + hours * 3_600 + minutes * 60 + seconds,
        waited: fields[11].parse().ok()?,
        served: fields[15].parse().ok()?,
        outcome: fields[12].to_owned(),
        server: fields[16].to_owned(),
    })
}

fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    values.clone().sum::<f64>() / values.count() as f64
}

fn deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let mean = mean(values.clone());
    let squares: f64 = values.clone().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.count() as f64 - 1.0)).sqrt()
}

/// Each figure of the case beside what the file gives, to the digits that are printed.
fn figures(calls: &[Call]) {
    let of = |outcome: &str| calls.iter().filter(|call| call.outcome == outcome).count() as f64;
    let real: Vec<&Call> = calls.iter().filter(|call| call.outcome != "PHANTOM").collect();
    let waits = real.iter().map(|call| call.waited as f64);
    let served: Vec<f64> = real
        .iter()
        .filter(|call| call.outcome == "AGENT" && call.served > 0)
        .map(|call| call.served as f64)
        .collect();
    let logs = served.iter().map(|served| served.ln());
    let gave_up = real.iter().filter(|call| call.outcome == "HANG" && call.waited > 0).count() as f64;
    let of_priority = |priority: usize| {
        let calls = real.iter().filter(move |call| call.priority == priority);
        mean(calls.map(|call| call.waited as f64))
    };
    let queued = real.iter().filter(|call| call.waited > 0).count() as f64 / real.len() as f64;
    let rows = [
        ("records", "33344", calls.len() as f64, 0),
        ("answered (AGENT)", "27162", of("AGENT"), 0),
        ("gave up (HANG)", "5904", of("HANG"), 0),
        ("neither (PHANTOM; left out below)", "278", of("PHANTOM"), 0),
        ("calls a day", "1190.9", calls.len() as f64 / 28.0, 1),
        ("queued, %", "54.5", 100.0 * queued, 1),
        ("gave up, %", "17.86", 100.0 * of("HANG") / real.len() as f64, 2),
        ("mean time in queue, s", "41.31", mean(waits.clone()), 2),
        ("mean service of those longer than zero, s", "176.9", mean(served.iter().copied()), 1),
        ("its standard deviation, s", "217.3", deviation(served.iter().copied()), 1),
        ("mean of its logarithm", "4.563", mean(logs.clone()), 3),
        ("standard deviation of its logarithm", "1.260", deviation(logs), 3),
        ("mean patience if exponential, s", "347.7", waits.sum::<f64>() / gave_up, 1),
        ("mean time in queue, priority 0, s", "23.6", of_priority(0), 1),
        ("priority 1, s", "72.4", of_priority(1), 1),
        ("priority 2, s", "64.3", of_priority(2), 1),
    ];
    println!("| figure | expected | found | verdict |\n|---|---|---|---|");
    for (name, expected, found, digits) in rows {
        let found = format!("{found:.digits$}");
        let verdict = if found == expected { "equal" } else { "**differs**" };
        println!("| {name} | {expected} | {found} | {verdict} |");
    }
}

/// The month again: the recorded arrivals and service times, in each hour as many agents as were seen serving in it,
/// and an exponential patience with the mean that the figures give.
fn replay(mut calls: Vec<Call>) {
    calls.retain(|call| call.outcome != "PHANTOM");
    calls.sort_by_key(|call| call.arrived);
    let mut at_work: BTreeMap<u64, BTreeSet<&str>> =
        (0..28 * 24).map(|hour| (hour, BTreeSet::new())).collect();
    for call in calls.iter().filter(|call| call.served > 0 && call.server != "NO_SERVER") {
        let begin = call.arrived + call.waited;
        for hour in begin / 3_600..=(begin + call.served) / 3_600 {
            at_work.entry(hour).or_default().insert(&call.server);
        }
    }
    let heads = at_work.iter().map(|(&hour, servers)| HeadCount {
        from: Duration::from_secs(hour * 3_600),
        agents: u32::try_from(servers.len()).expect("a few servers"),
    });
    // Who gave up was never served: such a call gets the service time of the answered call before it.
    let mut last = Duration::from_secs(177);
    let mut served = |call: &Call| {
        if call.served > 0 {
            last = Duration::from_secs(call.served);
        }
        last
    };
    let times = calls.iter().map(|call| Duration::from_secs(call.arrived)).collect();
    let services = Distribution::Recorded(calls.iter().map(&mut served).collect());
    let mut model = Model::new(Duration::from_secs(28 * DAY));
    model.interval = Duration::from_secs(3_600);
    model.ending = Ending::Serve { at_most: Duration::from_secs(DAY) };
    model.queues.push(Queue::new(1, "bank"));
    model.customers.push(CustomerType {
        patience: Some(Law::same(Distribution::exponential(Duration::from_secs_f64(347.7)))),
        ..CustomerType::new("callers", QueueId(1), Arrivals::Times(times), Handling::same(services))
    });
    let members = Members::Alike { settings: AgentSettings::default(), heads: heads.collect() };
    model.groups.push(AgentGroup { members, ..AgentGroup::alike("agents", AgentSettings::default(), 0) });
    let day = whatif::run(&model, 1, 0, Watch::EveryEvent).expect("the recorded month can be played");
    let tally = day.queues[0].all();
    let recorded_wait = mean(calls.iter().map(|call| call.waited as f64));
    let waited = (tally.wait_answered + tally.wait_abandoned).as_secs_f64() / tally.offered as f64;
    let gave_up = calls.iter().filter(|call| call.outcome == "HANG").count();
    println!("| figure | recorded | played again |\n|---|---|---|");
    println!("| calls | {} | {} |", calls.len(), tally.offered);
    println!("| answered | {} | {} |", calls.len() - gave_up, tally.answered);
    println!("| gave up | {gave_up} | {} |", tally.abandoned);
    println!("| mean time in queue, s | {recorded_wait:.1} | {waited:.1} |");
    println!("| longest queue | not recorded | {} |", tally.waiting_max);
    println!("| agents' hours | {:.0} | {:.0} |", head_hours(&at_work), hours(day.groups[0].all().present()));
}

fn head_hours(at_work: &BTreeMap<u64, BTreeSet<&str>>) -> f64 {
    at_work.values().map(|servers| servers.len() as f64).sum()
}

fn hours(time: Duration) -> f64 {
    time.as_secs_f64() / 3_600.0
}
