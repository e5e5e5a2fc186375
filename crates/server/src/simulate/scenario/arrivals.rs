//! `[[arrivals]]`: who calls, how long they talk, and how long they are patient.

use std::time::Duration;

use whatif::Distribution;

use super::sheet::Sheets;
use super::{Day, lasting};
use crate::config::Config;
use crate::config::entry::read_also;
use crate::config::reader::Section;
use crate::config::report::{Kind, Span};

/// The most calls in one interval, and in the whole day.
const PER_INTERVAL_MAX: f64 = 1_000_000.0;
const CALLS_MAX: f64 = 1_000_000.0;

/// One kind of callers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arrivals {
    /// Its own name, or that of the queue or the number.
    pub(crate) name: String,
    /// Where they enter.
    pub(crate) target: Target,
    /// When they come.
    pub(crate) pattern: Pattern,
    /// Conversation and hold, without after-call work.
    pub(crate) talk: Distribution,
    /// After which wait they give up; none: never.
    pub(crate) patience: Option<Distribution>,
    /// Work after the conversation, instead of the length that queue and agent have.
    pub(crate) after_call_work: Option<Distribution>,
    /// Whether who gave up calls again.
    pub(crate) retrials: Option<Retrials>,
}

/// Where callers enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A queue, and further ones in which they wait at the same time.
    Queue { name: String, also: Vec<String> },
    /// Whatever this dialled number leads to, with its priority and requirement.
    Number(String),
}

/// When callers come.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pattern {
    /// By chance (a Poisson process), with this mean number in each interval of the day.
    Poisson(Vec<f64>),
    /// So many in each interval of the day, at times by chance.
    Counted(Vec<u32>),
    /// At these times, the same in every replication; since midnight.
    Recorded(Vec<Duration>),
}

/// Who gave up, found no line, or was answered calls again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Retrials {
    /// The share of those who gave up.
    pub(crate) share: f64,
    /// The share of those who found no line.
    pub(crate) share_blocked: f64,
    /// The share of those who were answered.
    pub(crate) share_answered: f64,
    /// How long after.
    pub(crate) after: Distribution,
}

impl Arrivals {
    /// The mean number of first calls in a day.
    pub(crate) fn calls(&self) -> f64 {
        match &self.pattern {
            Pattern::Poisson(counts) => counts.iter().sum(),
            Pattern::Counted(counts) => counts.iter().copied().map(f64::from).sum(),
            Pattern::Recorded(times) => times.len() as f64,
        }
    }
}

pub(super) fn read(file: &mut Section<'_>, day: &Day, config: &Config, sheets: &Sheets) -> Vec<Arrivals> {
    let sections = file.tables("arrivals", "name");
    if sections.is_empty() && !file.gives("arrivals") {
        let remedy = "add [[arrivals]] with `queue`, `per_hour` and `talk`";
        file.error(0..0, format!("nobody calls; {remedy}"));
    }
    let mut all = Vec::new();
    let mut spans = Vec::new();
    for mut section in sections {
        if let Some(arrivals) = read_one(&mut section, day, config, sheets) {
            section.report().define(Kind::Arrivals, &arrivals.name, section.span());
            spans.push(section.span());
            all.push(arrivals);
        }
    }
    sheets.warn_of_unused();
    let calls: f64 = all.iter().map(Arrivals::calls).sum();
    if calls > CALLS_MAX {
        let place = spans.first().cloned().unwrap_or(0..0);
        file.error(
            place,
            format!("{calls:.0} calls a day; {CALLS_MAX:.0} are the most: simulate a part of the day"),
        );
    }
    all
}

fn read_one(section: &mut Section<'_>, day: &Day, config: &Config, sheets: &Sheets) -> Option<Arrivals> {
    let name = section.text("name");
    let target = read_target(section, config);
    let shown = match &target {
        Some(Target::Queue { name, .. } | Target::Number(name)) => name.clone(),
        None => String::new(),
    };
    let queues: Vec<String> = match &target {
        Some(Target::Queue { name, also }) => std::iter::once(name).chain(also).cloned().collect(),
        Some(Target::Number(number)) => {
            config.entry_for(number).into_iter().flat_map(|entry| entry.queues().map(str::to_owned)).collect()
        }
        None => Vec::new(),
    };
    let file_queue = section.text("file_queue").map(|(name, _)| name);
    let file_queue = file_queue.or(queues.first().cloned()).unwrap_or_default();
    let pattern = read_pattern(section, day, sheets, &file_queue);
    let talk = section.required_table("talk", "say how long a conversation lasts", lasting::EXAMPLE);
    let talk = talk.and_then(|mut table| lasting::read(&mut table, sheets, Some(&file_queue)));
    let mut optional = |key| {
        let table = section.optional_table(key, lasting::EXAMPLE);
        table.and_then(|mut table| lasting::read(&mut table, sheets, Some(&file_queue)))
    };
    // A distribution that is wrong was reported, and the scenario is not used.
    let patience = optional("patience");
    let after_call_work = optional("after_call_work");
    let mut entered = config.queues.iter().filter(|known| queues.contains(&known.name));
    if after_call_work.is_some() && entered.any(|queue| queue.after_call_work.is_zero()) {
        let remedy = "set its `after_call_work` to any time above 0s, or leave it out here";
        section.error(
            section.span(),
            format!("`after_call_work`, but the queue has none, so nobody wraps up; {remedy}"),
        );
    }
    let retrials = section
        .optional_table("retrials", "{ share = \"50%\", after = { mean = \"20m\" } }")
        .map(|mut table| read_retrials(&mut table, sheets));
    let by_answered =
        |retrials: &Option<Retrials>| retrials.as_ref().is_none_or(|it| it.share_answered > 0.0);
    let is_idle = retrials.as_ref().is_some_and(|retrials| !by_answered(retrials));
    if is_idle && patience.is_none() && day.lines.is_none() {
        let remedy = "add `patience`, `lines` in [day], or `share_answered`";
        section.warning(
            section.span(),
            format!("`retrials`, but nobody gives up or finds no line, so nobody calls again; {remedy}"),
        );
    }
    Some(Arrivals {
        name: name.map_or(shown, |(name, _)| name),
        target: target?,
        pattern: pattern?,
        talk: talk?,
        patience,
        after_call_work,
        retrials: retrials.flatten(),
    })
}

fn read_target(section: &mut Section<'_>, config: &Config) -> Option<Target> {
    let queue = section.text("queue");
    let number = section.text("number");
    if number.is_some() && section.gives("also") {
        section
            .error(section.span(), "has `also` beside `number`, whose [[entry]] says it; leave it out here");
    }
    let also = read_also(section, queue.as_ref().map(|(queue, _)| queue.as_str()));
    match (queue, number) {
        (Some((name, span)), None) => {
            section.report().mention(Kind::Queue, &name, span, section.label());
            Some(Target::Queue { name, also })
        }
        (None, Some((number, span))) => {
            if config.entry_for(&number).is_none() {
                let remedy = "add an [[entry]], or correct the number";
                section.error(span, format!("no entry takes the number {number}; {remedy}"));
                return None;
            }
            Some(Target::Number(number))
        }
        (Some((_, span)), Some(_)) => {
            section.error(span, "has both `queue` and `number`; leave one of the two out");
            None
        }
        (None, None) => {
            section.error(
                section.span(),
                "says not where they call; add queue = \"billing\" or number = \"15881000\"",
            );
            None
        }
    }
}

/// How callers come, as it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Come {
    ByChance,
    AsCounted,
    AsRecorded,
}

fn read_pattern(section: &mut Section<'_>, day: &Day, sheets: &Sheets, file_queue: &str) -> Option<Pattern> {
    let per_hour = section.one_number_or_more("per_hour", 0.0..=PER_INTERVAL_MAX);
    let count = section.one_number_or_more("count", 0.0..=PER_INTERVAL_MAX);
    let file = section.text("file");
    let ways =
        [("by-chance", Come::ByChance), ("as-counted", Come::AsCounted), ("as-recorded", Come::AsRecorded)];
    let come = section.word("come", "by-chance", &ways);
    let factor = section.number("factor", 1.0, 0.0..=100.0);
    let mut times = None;
    let counts: Vec<f64> = match (per_hour, count, file) {
        (Some((rates, span)), None, None) => {
            let hours = day.interval.as_secs_f64() / 3_600.0;
            let rates = by_interval(section, "per_hour", rates, span, day)?;
            rates.into_iter().map(|rate| rate * hours).collect()
        }
        (None, Some((counts, span)), None) => by_interval(section, "count", counts, span, day)?,
        (None, None, Some((file, span))) => {
            let calls = sheets.calls(section, (&file, span), file_queue, day)?;
            times = calls.times;
            calls.counts
        }
        (per_hour, count, file) if per_hour.is_some() || count.is_some() || file.is_some() => {
            let given =
                [("per_hour", per_hour.is_some()), ("count", count.is_some()), ("file", file.is_some())];
            let given = given.iter().filter(|(_, is_given)| *is_given).map(|(key, _)| format!("`{key}`"));
            let given = given.collect::<Vec<String>>().join(" and ");
            section.error(
                section.span(),
                format!("has {given}, and each says how many call; leave all but one out"),
            );
            return None;
        }
        _ => {
            let remedy = "write per_hour = 120, or file = \"day.csv\"";
            section.error(section.span(), format!("needs one of `per_hour`, `count` and `file`; {remedy}"));
            return None;
        }
    };
    let counts = counts.into_iter().map(|count| count * factor);
    match (come, times) {
        (Come::ByChance, _) => Some(Pattern::Poisson(counts.collect())),
        (Come::AsCounted, _) => Some(Pattern::Counted(counted(section, &counts.collect::<Vec<f64>>()))),
        (Come::AsRecorded, Some(times)) if factor == 1.0 => Some(Pattern::Recorded(times)),
        (Come::AsRecorded, _) => {
            let remedy = "leave `come` out, and they come by chance with the same mean numbers";
            section.error(
                section.span(),
                format!(
                    "come = \"as-recorded\" needs a `file` with the `time` of \
             each call of one day, and no `factor`; {remedy}"
                ),
            );
            None
        }
    }
}

/// Whole numbers of callers, and a word about it where some were none.
fn counted(section: &Section<'_>, counts: &[f64]) -> Vec<u32> {
    let counted = whole(counts);
    if counts.iter().zip(&counted).any(|(count, whole)| (count - f64::from(*whole)).abs() > 1e-9) {
        let (sum, calls) = (counts.iter().sum::<f64>(), counted.iter().copied().map(u64::from).sum::<u64>());
        section.warning(
            section.span(),
            format!(
                "come = \"as-counted\", but not every number of callers is whole; they are rounded so that the day \
                 has {calls} calls of {sum:.1}: leave `come` out for a mean"
            ),
        );
    }
    counted
}

/// Whole numbers whose sum is that of the counts, rounded: each is rounded down, and those with the largest
/// remainders, the earlier ones first, get what is left (the method of largest remainders).
fn whole(counts: &[f64]) -> Vec<u32> {
    // Counts are zero or more and bounded when they are read; the casts saturate.
    let mut whole: Vec<u32> = counts.iter().map(|count| count.floor() as u32).collect();
    let sum = counts.iter().sum::<f64>().round() as u64;
    let left = sum.saturating_sub(whole.iter().copied().map(u64::from).sum());
    let mut places: Vec<usize> = (0..counts.len()).collect();
    places.sort_by(|&one, &other| counts[other].fract().total_cmp(&counts[one].fract()));
    let left = usize::try_from(left).unwrap_or(usize::MAX);
    places.into_iter().take(left).for_each(|place| whole[place] = whole[place].saturating_add(1));
    whole
}

/// One number counts for every interval.
fn by_interval(
    section: &Section<'_>,
    key: &str,
    numbers: Vec<f64>,
    span: Span,
    day: &Day,
) -> Option<Vec<f64>> {
    let wanted = day.intervals();
    if !day.is_known() {
        return Some(numbers);
    }
    match numbers[..] {
        [every] => Some(vec![every; wanted]),
        _ if numbers.len() == wanted => Some(numbers),
        _ => {
            let given = numbers.len();
            section.error(
                span,
                format!(
                    "`{key}` has {given} numbers and the day {wanted} intervals; give \
             one number, or one for each interval"
                ),
            );
            None
        }
    }
}

fn read_retrials(section: &mut Section<'_>, sheets: &Sheets) -> Option<Retrials> {
    let share = section.portion("share", "50%", "0%", "100%").unwrap_or_default();
    let share_blocked = section.portion("share_blocked", "0%", "0%", "100%").unwrap_or_default();
    let share_answered = section.portion("share_answered", "0%", "0%", "100%").unwrap_or_default();
    let after = section.required_table("after", "say how long after the call before", lasting::EXAMPLE);
    let after = after.and_then(|mut table| lasting::read(&mut table, sheets, None))?;
    Some(Retrials { share, share_blocked, share_answered, after })
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn rounding_keeps_the_sum() {
        assert_eq!(whole(&[0.4; 5]), [1, 1, 0, 0, 0]);
        assert_eq!(whole(&[1.2, 0.9, 3.0, 0.4]), [1, 1, 3, 1]);
        assert_eq!(whole(&[2.0, 7.0]), [2, 7]);
        assert_eq!(whole(&[]), Vec::<u32>::new());
    }
}
