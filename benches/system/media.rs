//! What relaying a packet costs: Cordboard, rtpengine in user space, and the bare system calls, each with the same audio.

mod bare;
mod description;
mod pump;
mod rtpengine;
mod signalling;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::goals::Goal;
use crate::process::Process;
use crate::spread::{Spread, cell};
use crate::systems::{Centre, Place, cordboard};
pub(crate) use bare::{Forward, forward};
use pump::{Heard, Parties, Ways};
use signalling::Signalling;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Nobody,
    Bare,
    Rtpengine,
    Cordboard,
}

impl By {
    const ALL: [By; 4] = [By::Nobody, By::Bare, By::Rtpengine, By::Cordboard];

    fn name(self) -> &'static str {
        match self {
            By::Nobody => "nobody, straight",
            By::Bare => "the bare system calls",
            By::Rtpengine => "rtpengine, user space",
            By::Cordboard => "Cordboard",
        }
    }

    /// Starts it with calls that are in progress, and where their people send.
    fn start(
        self,
        place: &Place,
        calls: usize,
        parties: &Parties,
    ) -> Result<(Option<Process>, Vec<Ways>), String> {
        let ports = parties.ports()?;
        let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        match self {
            By::Nobody => Ok((None, vec![[at(ports[1]), at(ports[0])]; calls])),
            By::Bare => {
                let server = start_bare(place, calls, ports)?;
                // Neighbours: what is sent to the first leaves from the second.
                let first = |call: usize| bare::FIRST_PORT + (call * 2) as u16;
                Ok((Some(server), (0..calls).map(|call| [at(first(call)), at(first(call) + 1)]).collect()))
            }
            By::Rtpengine => {
                let server = rtpengine::start(place)?;
                let socket = rtpengine::control_socket()?;
                let ways = (0..calls).map(|call| rtpengine::call(&socket, call, ports));
                Ok((Some(server), ways.collect::<Result<_, _>>()?))
            }
            By::Cordboard => {
                let server = cordboard(place, &Centre { agents: calls, ..Centre::default() })?;
                let signalling = Signalling::new()?;
                let ways = (0..calls).map(|call| signalling.call(call, ports));
                Ok((Some(server), ways.collect::<Result<_, _>>()?))
            }
        }
    }
}

fn start_bare(place: &Place, calls: usize, [one, other]: [u16; 2]) -> Result<Process, String> {
    let own = std::env::current_exe().map_err(|error| format!("this program has no path: {error}"))?;
    let mut command = Command::new(own);
    command.args(["--forward", &format!("{calls},{one},{other}")]);
    let mut server = Process::start("forward", &mut command, &place.folder)?;
    let last = bare::FIRST_PORT + (calls * 2 - 1) as u16;
    server.awaits("its last port", || UdpSocket::bind((Ipv4Addr::LOCALHOST, last)).is_err().then_some(()))?;
    Ok(server)
}

/// One run.
struct Sample {
    heard: Heard,
    /// Microseconds of CPU for each packet that came through.
    micros: f64,
}

impl Sample {
    fn take(place: &Place, by: By, calls: usize, length: Duration) -> Result<Sample, String> {
        let parties = Parties::new()?;
        let (server, ways) = by.start(place, calls, &parties)?;
        let used = || server.as_ref().map_or(Duration::ZERO, Process::running);
        let before = used();
        let heard = parties.talk(&ways, length);
        let micros = used().saturating_sub(before).as_secs_f64() * 1e6 / heard.received.max(1) as f64;
        // Whoever has calls in progress would let them end first.
        if let Some(server) = server {
            server.kill();
        }
        if heard.received == 0 {
            return Err("no packet came through".to_owned());
        }
        Ok(Sample { heard, micros })
    }

    fn lost_percent(&self) -> f64 {
        let Heard { sent, received, .. } = self.heard;
        sent.saturating_sub(received) as f64 * 100.0 / sent.max(1) as f64
    }

    fn micros_at(&self, share: f64) -> f64 {
        self.heard.delays.value_at_quantile(share) as f64 / 1e3
    }
}

/// All rounds.
pub(crate) struct Media {
    samples: BTreeMap<(usize, By), Vec<Sample>>,
}

impl Media {
    /// Measures with each number of calls as often as there are rounds; what cannot be measured is added to `broken`.
    pub(crate) fn measure(
        place: &Place,
        calls: &[usize],
        rounds: usize,
        length: Duration,
        broken: &mut Vec<String>,
    ) -> Media {
        let mut samples: BTreeMap<(usize, By), Vec<Sample>> = BTreeMap::new();
        for round in 1..=rounds {
            for &calls in calls {
                for by in By::ALL {
                    let said = format!("round {round}, audio of {calls} calls by {}", by.name());
                    match Sample::take(place, by, calls, length) {
                        Ok(sample) => {
                            let lost = sample.lost_percent();
                            eprintln!("{said}: {:.2} µs a packet, {lost:.3} % lost", sample.micros);
                            samples.entry((calls, by)).or_default().push(sample);
                        }
                        Err(fault) => {
                            eprintln!("{said}: {fault}");
                            broken.push(format!("{said}: {fault}"));
                        }
                    }
                }
            }
        }
        Media { samples }
    }

    fn of(&self, calls: usize, by: By) -> &[Sample] {
        self.samples.get(&(calls, by)).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn table(&self) -> String {
        let mut text =
            "| calls | relayed by | packets | CPU µs/packet | lost % | delay µs: p50 | p99 | p99.9 |\n\
                        |---|---|---|---|---|---|---|---|\n"
                .to_owned();
        for ((calls, by), samples) in &self.samples {
            let spread = |figure: &dyn Fn(&Sample) -> f64| cell(Spread::of(samples.iter().map(figure)));
            let packets = samples.iter().map(|sample| sample.heard.sent).sum::<u64>();
            let cpu = if *by == By::Nobody { "–".to_owned() } else { spread(&|sample| sample.micros) };
            let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| spread(&|sample| sample.micros_at(share)));
            let lost = spread(&Sample::lost_percent);
            text.push_str(&format!(
                "| {calls} | {} | {packets} | {cpu} | {lost} | {p50} | {p99} | {p999} |\n",
                by.name()
            ));
        }
        text
    }

    pub(crate) fn json(&self) -> Value {
        let runs = self.samples.iter().map(|((calls, by), samples)| {
            let rounds = samples.iter().map(|sample| {
                json!({
                    "sent": sample.heard.sent,
                    "received": sample.heard.received,
                    "cpu_microseconds_per_packet": sample.micros,
                    "delay_microseconds": {
                        "p50": sample.micros_at(0.5), "p99": sample.micros_at(0.99), "p99.9": sample.micros_at(0.999),
                    },
                })
            });
            json!({ "calls": calls, "relayed_by": by.name(), "rounds": rounds.collect::<Vec<Value>>() })
        });
        Value::Array(runs.collect())
    }

    /// Round by round, because the speed of the machine drifts and both drift together.
    pub(crate) fn goals(&self) -> Vec<Goal> {
        let mut sizes: Vec<usize> = self.samples.keys().map(|(calls, _)| *calls).collect();
        sizes.dedup();
        let ratio = |calls, of| {
            let pairs = self.of(calls, By::Cordboard).iter().zip(self.of(calls, of));
            Spread::of(pairs.map(|(ours, theirs)| ours.micros / theirs.micros))
        };
        let goals = sizes.into_iter().flat_map(|calls| {
            let bare = format!("CPU of a relayed packet, of its bare system calls, {calls} calls");
            let theirs = format!("the same, of rtpengine's in user space, {calls} calls");
            [
                Goal::at_most(bare, 1.3, "times", ratio(calls, By::Bare)),
                Goal::at_most(theirs, 1.0, "times", ratio(calls, By::Rtpengine)),
            ]
        });
        goals.collect()
    }

    /// Whether packets were lost, and all of them must come through.
    pub(crate) fn lost(&self) -> u64 {
        self.samples
            .values()
            .flatten()
            .map(|sample| sample.heard.sent.saturating_sub(sample.heard.received))
            .sum()
    }
}
