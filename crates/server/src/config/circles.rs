//! Exits that lead in a circle.

use std::collections::BTreeSet;

use super::report::{Kind, Report};
use super::{Config, Exit, Queue};

/// A caller must not wander through the same queues for ever. An exit of a closed queue counts together with those
/// of queues that keep the same hours: two sites that close at different times may well hand over to each other.
pub(super) fn check(config: &Config, report: &Report<'_>) {
    let calendars: BTreeSet<&str> = config.queues.iter().filter_map(|queue| queue.hours.as_deref()).collect();
    let closed = std::iter::once(None).chain(calendars.into_iter().map(Some));
    let mut known: Vec<Vec<&str>> = Vec::new();
    for (closed, queue) in closed.flat_map(|closed| config.queues.iter().map(move |queue| (closed, queue))) {
        let Some(path) = circle_from(config, queue, closed) else { continue };
        let mut members = path.clone();
        members.sort_unstable();
        if known.contains(&members) {
            continue;
        }
        known.push(members);
        let place = report.place_of(Kind::Queue, &queue.name);
        let way = path.iter().chain(path.first()).copied().collect::<Vec<&str>>().join("\" to \"");
        let remedy = "let one of them end with \"number:..\", \"busy\" or \"hang-up\"";
        report.error(
            place,
            format!("queue \"{}\": callers overflow in a circle, \"{way}\"; {remedy}", queue.name),
        );
    }
}

/// The queues from `start` back to itself, without the return, by the exits that there are while the queues of the
/// calendar `closed` are closed. Exits to the same queue were reported where they stand.
fn circle_from<'a>(config: &'a Config, start: &'a Queue, closed: Option<&str>) -> Option<Vec<&'a str>> {
    let mut paths: Vec<Vec<&str>> = vec![vec![&start.name]];
    let mut seen: Vec<&str> = Vec::new();
    while let Some(path) = paths.pop() {
        let here = *path.last().expect("a path has a beginning");
        let queue = config.queues.iter().find(|queue| queue.name == here);
        for exit in queue.into_iter().flat_map(|queue| exits(queue, closed)) {
            let Exit::Queue(next) = exit else { continue };
            if *next == start.name && path.len() > 1 {
                return Some(path);
            }
            if *next != start.name && !seen.contains(&next.as_str()) {
                seen.push(next);
                paths.push(path.iter().copied().chain([next.as_str()]).collect());
            }
        }
    }
    None
}

/// The exits that a queue has while the calendar `closed` is closed.
fn exits<'a>(queue: &'a Queue, closed: Option<&str>) -> impl Iterator<Item = &'a Exit> {
    let is_closed = queue.hours.is_some() && queue.hours.as_deref() == closed;
    queue.exits_while_open().chain(queue.closed.iter().filter(move |_| is_closed).map(|rule| &rule.then))
}
