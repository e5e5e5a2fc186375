//! The highest rate that a system holds.

use std::io;
use std::time::Duration;

use load::{Measure, Outcome, Plan};

use super::drive::{self, Driven, Ends, Interrupt, Shown};
use super::report::{self, audio::Silence};
use super::scenario::{Scenario, Search};

/// A load whose own INVITEs are later than this in one of a hundred cases has not made the rate that it should.
const LATE: Duration = Duration::from_millis(20);

/// All trials, and the highest rate that held.
pub(crate) struct Found {
    pub(crate) trials: Vec<Trial>,
    pub(crate) highest: Option<f64>,
}

/// One rate that was tried.
pub(crate) struct Trial {
    /// Calls a second, all callers together.
    pub(crate) rate: f64,
    pub(crate) driven: Driven,
    pub(crate) verdict: Verdict,
}

/// Whether a rate held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It did.
    Held,
    /// Too many calls failed.
    Failed,
    /// Too many callers gave up.
    Abandoned,
    /// The audio was worse than `[audio]` wants.
    Audio,
    /// `calls_max` calls were in progress: the load itself made no more.
    Full,
    /// The connection to the system was lost.
    Lost,
    /// The load itself came too late: this machine cannot make that rate.
    Late,
    /// Nobody talked, so nothing is known of the audio.
    Silent,
    /// It was stopped.
    Stopped,
}

impl Verdict {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Verdict::Held => "held",
            Verdict::Failed => "too high",
            Verdict::Abandoned => "too high: too many gave up",
            Verdict::Audio => "too high: the audio",
            Verdict::Full => "not made: `calls_max` calls in progress",
            Verdict::Lost => "too high: the connection was lost",
            Verdict::Late => "not made: the load itself was late",
            Verdict::Silent => "not made: nobody talked",
            Verdict::Stopped => "stopped",
        }
    }

    pub(crate) fn key(self) -> &'static str {
        match self {
            Verdict::Held => "held",
            Verdict::Failed => "failed",
            Verdict::Abandoned => "abandoned",
            Verdict::Audio => "audio",
            Verdict::Full => "full",
            Verdict::Lost => "lost",
            Verdict::Late => "late",
            Verdict::Silent => "silent",
            Verdict::Stopped => "stopped",
        }
    }

    pub(super) fn of(driven: &Driven, scenario: &Scenario) -> Verdict {
        let (figures, search) = (&driven.figures, &scenario.search);
        let left_out = driven.audio.as_ref().map_or(0, |audio| audio.left_out);
        let late = Duration::from_micros(figures.times(Measure::Lateness).value_at_quantile(0.99));
        if driven.was_stopped {
            Verdict::Stopped
        } else if driven.lost.is_some() {
            Verdict::Lost
        } else if late > LATE || left_out > 0 {
            // Before the failures: whoever comes late may fail by that alone.
            Verdict::Late
        } else if figures.ended(Outcome::NotMade) > 0 {
            Verdict::Full
        } else if figures.begun == 0 || figures.failure_share() > search.failures {
            Verdict::Failed
        } else if figures.abandoned_share() > search.abandoned {
            Verdict::Abandoned
        } else if !report::worse(scenario, driven).is_empty() {
            Verdict::Audio
        } else if Silence::of(driven).is_some() {
            Verdict::Silent
        } else {
            Verdict::Held
        }
    }
}

/// Which rate comes next: doubled until one does not hold, then halfway between, until the two are close.
#[derive(Clone, Copy, Debug)]
struct Bracket {
    held: Option<f64>,
    fallen: Option<f64>,
}

impl Bracket {
    fn next(&self, search: &Search) -> Option<f64> {
        match (self.held, self.fallen) {
            (None, None) => Some(search.from),
            (Some(held), None) if held >= search.to => None,
            (Some(held), None) => Some((held * 2.0).min(search.to)),
            (Some(held), Some(fallen)) if fallen / held <= 1.0 + search.precision => None,
            // Halfway as ratios go.
            (Some(held), Some(fallen)) => Some((held * fallen).sqrt()),
            (None, Some(_)) => None,
        }
    }
}

/// Tries rates until the highest that holds is known closely enough.
///
/// # Errors
/// Those of a test.
pub(crate) fn search(
    scenario: &Scenario,
    ends: &mut Ends,
    interrupt: &Interrupt,
    shown: &mut Shown,
) -> io::Result<Found> {
    let mut bracket = Bracket { held: None, fallen: None };
    let mut trials: Vec<Trial> = Vec::new();
    while let Some(rate) = bracket.next(&scenario.search) {
        let number = u64::try_from(trials.len()).unwrap_or(u64::MAX);
        let plan = at_rate(ends.plan(scenario, u64::from(scenario.seed) << 32 | number)?, scenario, rate);
        shown.entitle(format!("{rate:.1} calls/s: "));
        let driven = drive::drive(ends, plan, interrupt, shown);
        let verdict = Verdict::of(&driven, scenario);
        // Once may be a mishap: a rate is too high when it has failed twice.
        let is_second = trials.last().is_some_and(|last| last.rate == rate);
        match verdict {
            Verdict::Held => bracket.held = Some(rate),
            Verdict::Failed
            | Verdict::Abandoned
            | Verdict::Audio
            | Verdict::Full
            | Verdict::Lost
            | Verdict::Late
            | Verdict::Silent => {
                bracket.fallen = is_second.then_some(rate).or(bracket.fallen);
            }
            Verdict::Stopped => {}
        }
        if driven.lost.is_some() {
            *ends = Ends::open(scenario)?;
        }
        trials.push(Trial { rate, driven, verdict });
        if verdict == Verdict::Stopped {
            break;
        }
    }
    Ok(Found { trials, highest: bracket.held })
}

/// The plan with all callers together at a constant rate, in the proportion of their peaks.
fn at_rate(mut plan: Plan, scenario: &Scenario, rate: f64) -> Plan {
    let factor = rate / scenario.peak();
    for callers in &mut plan.callers {
        let peak = callers.pace.peak() * factor;
        callers.pace = load::Pace::constant(callers.pace.spacing, peak);
    }
    plan.length = scenario.search.length;
    plan.warm_up = scenario.warm_up.min(scenario.search.length / 3);
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_double_until_one_falls_and_close_in_on_the_highest() {
        let search = Search {
            from: 10.0,
            to: 5_000.0,
            length: Duration::ZERO,
            failures: 0.001,
            abandoned: 0.05,
            precision: 0.05,
        };
        let mut bracket = Bracket { held: None, fallen: None };
        let mut tried = Vec::new();
        while let Some(rate) = bracket.next(&search) {
            tried.push(rate);
            *if rate <= 333.0 { &mut bracket.held } else { &mut bracket.fallen } = Some(rate);
        }
        assert_eq!(tried[..7], [10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0]);
        assert!(tried.len() <= 12, "{tried:?}");
        let (held, fallen) = (bracket.held.expect("one held"), bracket.fallen.expect("one fell"));
        assert!(held <= 333.0 && fallen > 333.0 && fallen / held <= 1.05);
    }

    #[test]
    fn what_holds_to_the_end_and_what_never_holds_end_it_too() {
        let search = Search {
            from: 100.0,
            to: 150.0,
            length: Duration::ZERO,
            failures: 0.0,
            abandoned: 0.05,
            precision: 0.05,
        };
        let mut bracket = Bracket { held: Some(100.0), fallen: None };
        assert_eq!(bracket.next(&search), Some(150.0));
        bracket.held = Some(150.0);
        assert_eq!(bracket.next(&search), None);
        assert_eq!(Bracket { held: None, fallen: Some(100.0) }.next(&search), None);
    }
}
