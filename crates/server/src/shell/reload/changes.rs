//! What differs between two configurations, in the words of the file.

use std::collections::BTreeMap;

use crate::config::{Calendar, Channel, Config, Number, Routing, Sip};

/// How many names are written out for each kind of change; of the others there is a number.
const NAMED: usize = 5;

/// Each section and each kind of table that differs.
pub(super) fn between(old: &Config, new: &Config) -> Vec<String> {
    let sections = [
        ("[sip]", !is_same_sip(&old.sip, &new.sip)),
        ("[sip.timers]", old.sip.timers != new.sip.timers),
        ("[sip.registrar]", old.sip.registrar != new.sip.registrar),
        ("[sip.limits]", old.sip.limits != new.sip.limits),
        ("[media]", old.media != new.media),
        ("[log] level", old.log.level != new.log.level),
    ];
    let mut changes: Vec<String> =
        sections.into_iter().filter(|(_, differs)| *differs).map(|(section, _)| section.to_owned()).collect();
    changes.extend(routing(&old.routing, &new.routing));
    changes.extend(tables(["trunk", "trunks"], &old.trunks, &new.trunks, |trunk| trunk.name.clone()));
    changes.extend(tables(["agent", "agents"], &old.agents, &new.agents, |agent| agent.id.clone()));
    let name = |calendar: &Calendar| calendar.name.clone();
    changes.extend(tables(["calendar", "calendars"], &old.calendars, &new.calendars, name));
    let name = |channel: &Channel| channel.name.clone();
    changes.extend(tables(["channel", "channels"], &old.channels, &new.channels, name));
    changes.extend(tables(["queue", "queues"], &old.queues, &new.queues, |queue| queue.name.clone()));
    changes.extend(tables(["entry", "entries"], &old.entries, &new.entries, |entry| number(&entry.number)));
    changes.extend(tables(["reason", "reasons"], &old.reasons, &new.reasons, |reason| reason.id.clone()));
    let supervisor = ["supervisor", "supervisors"];
    changes
        .extend(tables(supervisor, &old.supervisors, &new.supervisors, |supervisor| supervisor.id.clone()));
    changes
}

/// Each setting of `[routing]` that differs: it counts for everybody who is here.
fn routing(old: &Routing, new: &Routing) -> Option<String> {
    let Routing {
        head_start,
        misses_max,
        missed_pause,
        phone_grace,
        callers_max,
        waiting_max,
        overflows_max,
        after_call_work_max,
        estimate_half_life,
        estimate_samples_min,
        estimate_error_max,
        forced_presence,
        lease,
        capacity,
        selection,
        late_guard,
        // Waits for a restart.
        distributor_thread: _,
    } = old;
    let settings = [
        ("head_start", *head_start != new.head_start),
        ("misses_max", *misses_max != new.misses_max),
        ("missed_pause", *missed_pause != new.missed_pause),
        ("phone_grace", *phone_grace != new.phone_grace),
        ("callers_max", *callers_max != new.callers_max),
        ("waiting_max", *waiting_max != new.waiting_max),
        ("overflows_max", *overflows_max != new.overflows_max),
        ("after_call_work_max", *after_call_work_max != new.after_call_work_max),
        ("estimate_half_life", *estimate_half_life != new.estimate_half_life),
        ("estimate_samples_min", *estimate_samples_min != new.estimate_samples_min),
        ("estimate_error_max", *estimate_error_max != new.estimate_error_max),
        ("forced_presence", *forced_presence != new.forced_presence),
        ("lease", *lease != new.lease),
        ("capacity", *capacity != new.capacity),
        ("selection", *selection != new.selection),
        ("late_guard", *late_guard != new.late_guard),
    ];
    let differing: Vec<&str> =
        settings.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect();
    (!differing.is_empty()).then(|| format!("[routing] ({})", differing.join(", ")))
}

/// The settings of the section itself, without the sections inside it.
fn is_same_sip(old: &Sip, new: &Sip) -> bool {
    Sip { timers: new.timers, registrar: new.registrar, limits: new.limits, ..old.clone() } == *new
}

fn number(number: &Number) -> String {
    match number {
        Number::Exact(number) => number.clone(),
        Number::Prefix(prefix) => format!("{prefix}*"),
        Number::Any => "*".to_owned(),
    }
}

fn tables<T: PartialEq>(
    [one, many]: [&str; 2],
    old: &[T],
    new: &[T],
    name: impl Fn(&T) -> String,
) -> Vec<String> {
    let by_name = |list: &'_ [T]| -> BTreeMap<String, usize> {
        list.iter().enumerate().map(|(at, table)| (name(table), at)).collect()
    };
    let (before, after) = (by_name(old), by_name(new));
    let missing = |from: &BTreeMap<String, usize>, list: &BTreeMap<String, usize>| -> Vec<String> {
        list.keys().filter(|name| !from.contains_key(*name)).cloned().collect()
    };
    let differs = |name: &String, at: usize| before.get(name).is_some_and(|&was| old[was] != new[at]);
    let changed =
        after.iter().filter(|&(name, &at)| differs(name, at)).map(|(name, _)| name.clone()).collect();
    let kinds =
        [("added", missing(&before, &after)), ("changed", changed), ("removed", missing(&after, &before))];
    let mut said: Vec<String> = kinds
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(verb, names)| {
            let count = names.len();
            let noun = if count == 1 { one } else { many };
            let more = if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() };
            format!("{count} {noun} {verb} ({}{more})", names[..count.min(NAMED)].join(", "))
        })
        .collect();
    if said.is_empty() && old != new {
        said.push(format!("order of {many}"));
    }
    said
}
