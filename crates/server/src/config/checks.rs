//! What only the whole shows: circles, figures that do not fit each other, parts that are missing.

use std::path::Path;

use acd::WEIGHT_USUAL;

use super::network::{Listen, Transport};
use super::report::{Kind, Report, Span};
use super::routing::LACKS_GUARD;
use super::{Config, Exit, Queue, Reach, Selection, Strategy, Waiting, circles};

pub(super) fn whole(config: &Config, report: &Report<'_>) {
    families(config, report);
    numbers_of_things(config, report);
    circles::check(config, report);
    numbers_need_a_trunk(config, report);
    callbacks_need_a_trunk(config, report);
    callbacks_outlive_the_night(config, report);
    times_fit(config, report);
    selections_fit(config, report);
    weights_and_shares_are_read(config, report);
    sockets_are_apart(config, report);
    absent_parts(config, report);
}

/// The distributor has room for so many.
fn numbers_of_things(config: &Config, report: &Report<'_>) {
    let bounds = acd::Settings::default();
    for (word, there, most) in
        [("agent", config.agents.len(), bounds.agents_max), ("queue", config.queues.len(), bounds.queues_max)]
    {
        if there > most as usize {
            report.error(0..0, format!("there are {there} {word}s; {most} are the most"));
        }
    }
    for agent in config.agents.iter().filter(|agent| agent.skills.len() > bounds.skills_max as usize) {
        let place = report.place_of(Kind::Agent, &agent.id);
        let (there, most) = (agent.skills.len(), bounds.skills_max);
        report.error(place, format!("agent \"{}\": {there} skills; {most} are the most", agent.id));
    }
}

/// What is heard on a family of addresses must be answered from an address of that family.
fn families(config: &Config, report: &Report<'_>) {
    let advertised = &config.sip.advertised;
    let silent = config.sip.listen.iter().find(|listen| advertised.like(listen.address.ip()).is_none());
    if let Some(listen) = silent.filter(|_| !advertised.is_empty()) {
        let family = if listen.address.is_ipv4() { "IPv4" } else { "IPv6" };
        let remedy = format!("add an {family} address to `advertised`, or leave the socket out");
        report.error(
            report.place_of(Kind::Table, "sip"),
            format!("[sip]: `listen` has {listen}, but no {family} address is advertised; {remedy}"),
        );
    }
}

fn numbers_need_a_trunk(config: &Config, report: &Report<'_>) {
    if config.trunks.iter().any(|trunk| trunk.outbound_proxy.is_some()) || config.sip.outbound_proxy.is_some()
    {
        return;
    }
    let remedy = "give a [[trunk]] an outbound_proxy";
    for queue in &config.queues {
        if let Some(Exit::Number(number)) = queue.exits().find(|exit| matches!(exit, Exit::Number(_))) {
            let place = report.place_of(Kind::Queue, &queue.name);
            report.error(
                place,
                format!("queue \"{}\": no way leads to the number {number}; {remedy}", queue.name),
            );
        }
    }
    for entry in &config.entries {
        if let Some(Exit::Number(number)) = entry.exit() {
            let written = entry.number.written();
            let place = report.place_of(Kind::Number, &written);
            report
                .error(place, format!("entry \"{written}\": no way leads to the number {number}; {remedy}"));
        }
    }
}

/// Whoever is promised a callback when its hours end is still promised it when they begin.
fn callbacks_outlive_the_night(config: &Config, report: &Report<'_>) {
    const HOUR: u64 = 3_600;
    for queue in &config.queues {
        let Some(callback) = &queue.callback else { continue };
        let calendar =
            config.calendars.iter().find(|calendar| Some(&calendar.name) == callback.hours.as_ref());
        // One that never opens is told elsewhere.
        let closed = calendar.and_then(|calendar| calendar.hours.longest_closed_in_a_week());
        let Some(closed) = closed.filter(|&closed| closed >= callback.keep) else { continue };
        let hours = closed.as_secs().div_ceil(HOUR);
        let label = format!("queue \"{}\"", queue.name);
        let place = report.place_of_setting(&[(&format!("{label} callback"), "keep"), (&label, "callback")]);
        let place = place.unwrap_or_else(|| report.place_of(Kind::Queue, &queue.name));
        let message = format!(
            "the `hours` of `callback` stay closed for up to {hours} hours, and it does not `keep` a promise for so long: \
             who asks before that is never called; make `keep` longer than {hours}h"
        );
        report.warning(place, format!("{label}: {message}"));
    }
}

/// A callback goes out over a trunk that takes calls: the one it names, else any.
fn callbacks_need_a_trunk(config: &Config, report: &Report<'_>) {
    let goes_out = |name: &String| {
        config.trunks.iter().any(|trunk| trunk.name == *name && trunk.outbound_proxy.is_some())
    };
    let any = config.trunks.iter().any(|trunk| trunk.outbound_proxy.is_some());
    let any = any || config.sip.outbound_proxy.is_some();
    for queue in &config.queues {
        let Some(callback) = &queue.callback else { continue };
        let message = match &callback.trunk {
            // One that is not there at all is told elsewhere.
            Some(name) if config.trunks.iter().all(|trunk| trunk.name != *name) || goes_out(name) => continue,
            Some(name) => {
                format!(
                    "calls back over the trunk \"{name}\", which takes no calls; give it an outbound_proxy"
                )
            }
            None if any => continue,
            None => {
                "no way leads to the customers to call back; give a [[trunk]] an outbound_proxy".to_owned()
            }
        };
        let place = report.place_of(Kind::Queue, &queue.name);
        report.error(place, format!("queue \"{}\": {message}", queue.name));
    }
}

/// Times of one queue that a bound of the whole cuts short, or that are never reached.
fn times_fit(config: &Config, report: &Report<'_>) {
    for queue in &config.queues {
        times_of_queue_fit(config, queue, report);
    }
    let work_max = config.routing.after_call_work_max;
    let long = config.agents.iter().filter(|agent| agent.after_call_work.is_some_and(|work| work > work_max));
    for agent in long {
        let message = "`after_call_work` is longer than after_call_work_max in [routing], which ends it";
        let label = format!("agent \"{}\"", agent.id);
        let place = report.place_of_setting(&[(&label, "after_call_work")]);
        let place = place.unwrap_or_else(|| report.place_of(Kind::Agent, &agent.id));
        report.warning(place, format!("{label}: {message}; put the two times in order"));
    }
}

/// A possible mistake about two times: whether it is one, the settings at which it may be told, and what it is.
type Odd<'a> = (bool, Vec<(&'a str, &'static str)>, &'static str);

fn times_of_queue_fit(config: &Config, queue: &Queue, report: &Report<'_>) {
    let label = format!("queue \"{}\"", queue.name);
    let callback = format!("{label} callback");
    let place = |settings: &[(&str, &'static str)]| {
        report.place_of_setting(settings).unwrap_or_else(|| report.place_of(Kind::Queue, &queue.name))
    };
    let own_max = queue.after_call_work_max;
    if own_max.is_some_and(|max| queue.after_call_work_min > max) {
        let message = "`after_call_work_min` is longer than `after_call_work_max`; put the two in order";
        report.error(place(&[(&label, "after_call_work_min")]), format!("{label}: {message}"));
    }
    let rings = ring_times(config, queue, &label, &callback);
    let works = work_times(config, queue, &label);
    for (_, settings, message) in rings.iter().chain(&works).filter(|(is_odd, ..)| *is_odd) {
        report.warning(place(settings), format!("{label}: {message}; put the two times in order"));
    }
    let Some(leaves_after) = queue.max_wait.as_ref().map(|rule| rule.after) else { return };
    let steps = queue.steps.iter().map(|step| step.after >= leaves_after);
    let rules = queue.overflows.iter().map(|rule| rule.after > leaves_after);
    let late = [
        ("steps", steps.collect::<Vec<bool>>(), "a step begins when `max_wait` has ended the wait"),
        ("overflow", rules.collect(), "a rule of `overflow` is looked at when `max_wait` has ended the wait"),
    ];
    for (table, are_late, message) in late {
        let Some(first) = are_late.iter().position(|is_late| *is_late) else { continue };
        let inner = format!("{label} {table} {}", first + 1);
        let place = place(&[(&inner, "after"), (&label, table)]);
        report.warning(place, format!("{label}: {message}; put the two times in order"));
    }
}

fn ring_times<'a>(config: &Config, queue: &Queue, label: &'a str, callback: &'a str) -> Vec<Odd<'a>> {
    let ring_max = config.sip.timers.ring_max;
    let rules = queue.callback.as_ref();
    vec![
        (
            queue.ring_timeout > ring_max,
            vec![(label, "ring_timeout"), ("[sip.timers]", "ring_max")],
            "`ring_timeout` is longer than ring_max in [sip.timers], which ends it",
        ),
        (
            !queue.ring_every.is_zero() && (queue.ring == 1 || queue.ring_every >= queue.ring_timeout),
            vec![(label, "ring_every")],
            "`ring_every` never rings a second agent: it needs `ring` of 2 or more, and less than `ring_timeout`",
        ),
        (
            rules.is_some_and(|callback| callback.ring_timeout > ring_max),
            vec![(callback, "ring_timeout"), (label, "callback")],
            "`ring_timeout` of `callback` is longer than ring_max in [sip.timers], which ends it",
        ),
        (
            rules.is_some_and(|callback| callback.spacing >= callback.keep),
            vec![(callback, "keep"), (callback, "spacing"), (label, "callback")],
            "`spacing` of `callback` is not shorter than `keep`, which ends it after one attempt",
        ),
    ]
}

fn work_times<'a>(config: &Config, queue: &Queue, label: &'a str) -> Vec<Odd<'a>> {
    let work_max = config.routing.after_call_work_max;
    let own_max = queue.after_call_work_max;
    let (work, least, most) = ("after_call_work", "after_call_work_min", "after_call_work_max");
    let bound = if queue.after_call_work_min > work_max { least } else { most };
    vec![
        (
            queue.after_call_work > work_max,
            vec![(label, work), ("[routing]", most)],
            "`after_call_work` is longer than after_call_work_max in [routing], which ends it",
        ),
        (
            queue.after_call_work_min > work_max || own_max.is_some_and(|max| max > work_max),
            vec![(label, bound)],
            "`after_call_work_min` or `after_call_work_max` is longer than after_call_work_max in [routing], \
             which stands above them",
        ),
        (
            own_max.is_some_and(|max| queue.after_call_work > max),
            vec![(label, work)],
            "`after_call_work` is longer than `after_call_work_max`, which ends it",
        ),
        (
            !queue.after_call_work.is_zero() && queue.after_call_work < queue.after_call_work_min,
            vec![(label, least)],
            "`after_call_work` is shorter than `after_call_work_min`, which counts instead",
        ),
    ]
}

/// Late last needs a guard, and one that comes after what it guards.
fn selections_fit(config: &Config, report: &Report<'_>) {
    let routing = &config.routing;
    for agent in config.agents.iter().filter(|agent| routing.lacks_guard(agent.selection)) {
        let place = report.place_of(Kind::Agent, &agent.id);
        report.error(place, format!("agent \"{}\": selection = \"late-last\" {LACKS_GUARD}", agent.id));
    }
    let Some(guard) = routing.late_guard else { return };
    let is_used = |selection| selection == Some(Selection::LateLast);
    if !is_used(Some(routing.selection)) && !config.agents.iter().any(|agent| is_used(agent.selection)) {
        let place = report.place_of(Kind::Table, "routing");
        report.warning(
            place,
            "[routing]: `late_guard` guards nothing because nobody selects by late-last; leave it out"
                .to_owned(),
        );
        return;
    }
    for queue in config.queues.iter().filter(|queue| queue.service_level.within >= guard) {
        let place = report.place_of(Kind::Queue, &queue.name);
        let what = "late_guard in [routing] is not longer than `within` of its service level, so nobody here is ever late";
        report.warning(place, format!("queue \"{}\": {what}; make the guard longer", queue.name));
    }
}

/// What the choice by lot or by shares reads is of use there only.
fn weights_and_shares_are_read(config: &Config, report: &Report<'_>) {
    let draws_lots = config.queues.iter().any(|queue| queue.strategy == Strategy::WeightedRandom);
    for agent in &config.agents {
        let selection = agent.selection.unwrap_or(config.routing.selection);
        let without_effect = [
            (
                !agent.shares.is_empty() && selection != Selection::PercentAllocation,
                "`shares` count nothing because the selection is not percent-allocation; \
                 add selection = \"percent-allocation\" or leave them out",
            ),
            (
                agent.shares.is_empty() && agent.selection == Some(Selection::PercentAllocation),
                "selection = \"percent-allocation\" has no `shares` to go by; add shares = { billing = \"60%\" } or \
                 another selection",
            ),
            (
                agent.weight != WEIGHT_USUAL && !draws_lots,
                "`weight` counts nothing because no queue has strategy = \"weighted-random\"; leave it out",
            ),
        ];
        for (_, message) in without_effect.iter().filter(|(is_without, _)| *is_without) {
            let place = report.place_of(Kind::Agent, &agent.id);
            report.warning(place, format!("agent \"{}\": {message}", agent.id));
        }
    }
}

/// A socket that two settings want can be had by one of them only. What two wildcards of different families want is
/// apart.
fn sockets_are_apart(config: &Config, report: &Report<'_>) {
    let listen = &config.sip.listen;
    let place = |label: &str, text: &str| {
        let given = report.place_of_setting(&[(label, "listen")]);
        let inside = |span: Span| {
            let at = report.text().get(span.clone()).and_then(|written| written.find(text)).unwrap_or(0);
            span.start + at..span.end
        };
        given.map_or_else(|| report.place_of(Kind::Table, label.trim_matches(['[', ']'])), inside)
    };
    for (number, socket) in listen.iter().enumerate() {
        if let Some(other) = listen[..number].iter().find(|other| other.conflicts(socket)) {
            let remedy = "leave one out, or choose another port";
            let message = format!("`listen` has {socket} and {other}, which are one socket; {remedy}");
            report.error(place("[sip]", &socket.to_string()), format!("[sip]: {message}"));
        }
    }
    let http = Listen { transport: Transport::Tcp, address: config.http.listen };
    if let Some(sip) = listen.iter().find(|sip| sip.conflicts(&http)) {
        let message =
            format!("`listen` is {}, where [sip] listens with {sip}; choose another port", http.address);
        report.error(place("[http]", &http.address.to_string()), format!("[http]: {message}"));
    }
}

fn absent_parts(config: &Config, report: &Report<'_>) {
    let registers = config.agents.iter().any(|agent| matches!(agent.reach, Reach::Registers(_)));
    let absent = [
        (config.entries.is_empty(), "there is no [[entry]]: no call will be accepted"),
        (config.agents.is_empty(), "there is no [[agent]]: nobody will answer"),
        (config.trunks.is_empty() && !registers, "there is no [[trunk]]: nobody can call"),
    ];
    for (_, message) in absent.iter().filter(|(is_absent, _)| *is_absent) {
        report.warning(0..0, format!("{message}; add one"));
    }
}

/// Sound files must be there, relative to the configuration. Paths become absolute only when they are opened.
pub(super) fn files(config: &Config, folder: &Path, report: &Report<'_>) {
    let of_queues = config.queues.iter().filter_map(|queue| match &queue.waiting {
        Waiting::Music(Some(file)) => Some((file, format!("queue \"{}\"", queue.name))),
        Waiting::Music(None) | Waiting::Ringback => None,
    });
    let default = config.media.music.iter().map(|file| (file, "[media]".to_owned()));
    for (file, label) in of_queues.chain(default) {
        let place = place_of_file(report, file);
        if !folder.join(file).is_file() {
            let shown = file.display();
            report.error(
                place,
                format!("{label}: there is no file {shown} beside the configuration; correct the path"),
            );
        }
    }
}

fn place_of_file(report: &Report<'_>, file: &Path) -> std::ops::Range<usize> {
    let quoted = format!("\"{}\"", file.display());
    let start = report.text().find(&quoted).unwrap_or(0);
    start..start + quoted.len()
}
