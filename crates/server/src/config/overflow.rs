//! `[[queue.overflow]]`: who leaves because of how this queue, or another one, stands.

use std::time::Duration;

use acd::estimate::ESTIMATE_MAX;
use acd::{CONDITIONS_MAX, Limit, Measure, OVERFLOWS_MAX};

use super::queue::{Exit, read_exit};
use super::reader::Section;
use super::report::{Kind, Span};
use super::{spelling, units};

/// Leaving where the queues stand so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overflow {
    /// Since entry into this queue; zero: at entry.
    pub after: Duration,
    /// All of them must hold.
    pub when: Vec<Condition>,
    /// Where to.
    pub then: Exit,
}

/// How a queue must stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Which; none: the one with the rule.
    pub queue: Option<String>,
    /// On which side of the bound.
    pub limit: Limit,
    /// What is looked at, with its bound.
    pub measure: Measure,
}

/// What is looked at, as it is written.
const MEASURES: [&str; 6] =
    ["waiting", "oldest_wait", "estimated_wait", "agents_idle", "agents_working", "agents_logged_in"];
/// The signs of comparison.
const SIGNS: [&str; 4] = [">=", ">", "<=", "<"];
const EXAMPLES: &str = "write \"oldest_wait >= 60s\" or \"queue:sales agents_idle >= 1\"";
/// The least difference of two times that are written.
const INSTANT: Duration = Duration::from_millis(1);

pub(super) fn read(section: &mut Section<'_>, queue: &str) -> Vec<Overflow> {
    let tables = section.tables("overflow", "");
    if tables.len() > OVERFLOWS_MAX {
        let wrong = format!("more than {OVERFLOWS_MAX} rules of overflow; merge some");
        section.error(tables[OVERFLOWS_MAX].span(), wrong);
    }
    tables.into_iter().map(|mut table| read_one(&mut table, queue)).collect()
}

fn read_one(table: &mut Section<'_>, queue: &str) -> Overflow {
    let after = table.duration("after", "0s", "0s", "1d");
    let texts = table.one_at_least("when", "oldest_wait >= 60s");
    if let Some((_, span)) = texts.get(CONDITIONS_MAX) {
        let remedy = "a rule may lead to a queue that has rules of its own";
        table.error(span.clone(), format!("`when` has more than {CONDITIONS_MAX} conditions; {remedy}"));
    }
    let when = texts.into_iter().filter_map(|(text, span)| read_condition(table, &text, span)).collect();
    Overflow { after, when, then: read_exit(table, queue) }
}

/// What is wrong with a condition, and where in its text.
struct Wrong {
    at: usize,
    what: String,
}

fn read_condition(table: &Section<'_>, text: &str, span: Span) -> Option<Condition> {
    match parse(text) {
        Ok(condition) => {
            if let Some(name) = &condition.queue {
                table.report().mention(Kind::Queue, name, span, table.label());
            }
            Some(condition)
        }
        Err(Wrong { at, what }) => {
            // The text begins after its quotation mark.
            let place = (span.start + 1 + at).min(span.end)..span.end;
            table.error(place, format!("`when`: {what}"));
            None
        }
    }
}

/// `oldest_wait >= 60s`, `queue:NAME agents_idle >= 1`. The last three words are the comparison, so that the name of a
/// queue may have blanks.
fn parse(text: &str) -> Result<Condition, Wrong> {
    let wrong = |at: usize, what: String| Wrong { at, what };
    let mut words: Vec<(usize, &str)> = Vec::new();
    for word in text.split_whitespace() {
        let from = words.last().map_or(0, |&(at, before): &(usize, &str)| at + before.len());
        words.push((from + text[from..].find(word).unwrap_or(0), word));
    }
    let [before @ .., measure, sign, bound] = &words[..] else {
        return Err(wrong(0, format!("\"{text}\" is no condition; {EXAMPLES}")));
    };
    // The name of a queue has no sign of comparison.
    if before.iter().any(|(_, word)| SIGNS.contains(word)) {
        return Err(wrong(0, several(text)));
    }
    let queue = match before.first() {
        None => None,
        Some(&(at, _)) => {
            let name = text[at..measure.0].trim_end();
            let Some(name) = name.strip_prefix("queue:").filter(|name| !name.is_empty()) else {
                return Err(wrong(at, format!("\"{name}\" names no queue; {EXAMPLES}")));
            };
            Some(name.to_owned())
        }
    };
    let (limit, is_strict) = match sign.1 {
        ">=" => (Limit::AtLeast, false),
        ">" => (Limit::AtLeast, true),
        "<=" => (Limit::AtMost, false),
        "<" => (Limit::AtMost, true),
        other => {
            return Err(wrong(sign.0, format!("\"{other}\" does not compare; write >=, >, <= or <")));
        }
    };
    let measure = measured(measure.1, bound.1, is_strict.then_some(limit))
        .map_err(|(is_measure, what)| wrong(if is_measure { measure.0 } else { bound.0 }, what))?;
    Ok(Condition { queue, limit, measure })
}

/// What is said of a text with more than one comparison.
fn several(text: &str) -> String {
    const JOINTS: [&str; 3] = ["and", "&&", ","];
    let apart = text.replace(',', " , ");
    let words: Vec<&str> = apart.split_whitespace().collect();
    if words.iter().any(|word| ["or", "||"].contains(word)) {
        return format!("\"{text}\" is several conditions; write a rule of `overflow` for each");
    }
    let parts = words.split(|word| JOINTS.contains(&word.to_lowercase().as_str()));
    let parts: Vec<String> = parts.map(|part| format!("\"{}\"", part.join(" "))).collect();
    let list = parts.join(", ");
    format!("\"{text}\" is several conditions; where all of them must hold write a list: when = [{list}]")
}

/// A measure with its bound, which `strictly` moves one step further: `> 3` is `>= 4`. What is wrong is the measure, or
/// the bound.
fn measured(name: &str, bound: &str, strictly: Option<Limit>) -> Result<Measure, (bool, String)> {
    let number = || {
        let read: u32 = bound
            .parse()
            .map_err(|_| (false, format!("\"{bound}\" is no whole number; write `{name} >= 3`")))?;
        let moved = match strictly {
            None => Some(read),
            Some(Limit::AtLeast) => read.checked_add(1),
            Some(Limit::AtMost) => read.checked_sub(1),
        };
        moved.ok_or_else(|| (false, format!("nothing is beyond {bound}; write another number")))
    };
    let time = || {
        let read = units::duration(bound).ok_or_else(|| {
            (
                false,
                format!("\"{bound}\" is no time; write whole numbers with d, h, m, s or ms, as in \"1m30s\""),
            )
        })?;
        let moved = match strictly {
            None => Some(read),
            Some(Limit::AtLeast) => read.checked_add(INSTANT),
            Some(Limit::AtMost) => read.checked_sub(INSTANT),
        };
        moved.filter(|&moved| moved <= ESTIMATE_MAX).ok_or_else(|| {
            (false, format!("{bound} is out of range; no wait is compared with more than a day"))
        })
    };
    match name {
        "waiting" => Ok(Measure::Waiting(number()?)),
        "oldest_wait" => Ok(Measure::OldestWait(time()?)),
        "estimated_wait" => Ok(Measure::EstimatedWait(time()?)),
        "agents_idle" => Ok(Measure::AgentsIdle(number()?)),
        "agents_working" => Ok(Measure::AgentsWorking(number()?)),
        "agents_logged_in" => Ok(Measure::AgentsLoggedIn(number()?)),
        other => {
            let hint = spelling::hint(other, MEASURES.into_iter());
            let listed = MEASURES.map(|name| format!("`{name}`")).join(", ");
            Err((true, format!("\"{other}\" cannot be measured{hint}; choose one of {listed}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<String>, Limit, Measure) {
        let condition = parse(text).unwrap_or_else(|wrong| panic!("{text}: {}", wrong.what));
        (condition.queue, condition.limit, condition.measure)
    }

    #[test]
    fn condition_is_a_measure_of_this_queue_or_a_named_one_and_a_bound() {
        let seconds = Duration::from_secs;
        assert_eq!(read("waiting >= 10"), (None, Limit::AtLeast, Measure::Waiting(10)));
        assert_eq!(read(" oldest_wait  <= 1m30s "), (None, Limit::AtMost, Measure::OldestWait(seconds(90))));
        let sales = || Some("sales east".to_owned());
        assert_eq!(
            read("queue:sales east agents_idle >= 1"),
            (sales(), Limit::AtLeast, Measure::AgentsIdle(1))
        );
        assert_eq!(read("agents_logged_in <= 0"), (None, Limit::AtMost, Measure::AgentsLoggedIn(0)));
        assert_eq!(read("agents_working >= 2"), (None, Limit::AtLeast, Measure::AgentsWorking(2)));
        let long = Measure::EstimatedWait(seconds(1_200));
        assert_eq!(read("estimated_wait >= 20m"), (None, Limit::AtLeast, long));
    }

    #[test]
    fn strict_comparison_leaves_the_bound_out() {
        assert_eq!(read("waiting > 10"), (None, Limit::AtLeast, Measure::Waiting(11)));
        assert_eq!(read("waiting < 10"), (None, Limit::AtMost, Measure::Waiting(9)));
        let just_less = Measure::OldestWait(Duration::from_millis(9_999));
        assert_eq!(read("oldest_wait < 10s"), (None, Limit::AtMost, just_less));
    }
}
