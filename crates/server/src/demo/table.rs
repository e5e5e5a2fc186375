//! The live table in the terminal, and the day's summary.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use report::{QueueRow, Wallboard};

use super::people::Experience;

/// The wallboard as text of at most 80 columns and, in the demo, 21 lines.
pub(super) fn wallboard(board: &Wallboard, lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines {
        put(&mut text, line);
    }
    let occupancy = board.occupancy.map_or("-".to_owned(), |occupancy| format!("{:.0} %", occupancy * 100.0));
    put(&mut text, &format!("agents' occupancy {occupancy}"));
    put(&mut text, "");
    put(&mut text, QUEUE_HEADINGS);
    for queue in &board.queues {
        put(&mut text, &queue_line(queue));
    }
    put(&mut text, "");
    put(&mut text, &format!("{:<18}{:<18}{:>8}  {:<14}{:>8}", "agent", "state", "for", "queue", "handled"));
    for agent in &board.agents {
        let queue = agent.queue.as_deref().unwrap_or("");
        let since = clock_time(Duration::from_secs_f64(agent.since_seconds.max(0.0)));
        let state = state(agent.state);
        put(&mut text, &format!("{:<18}{state:<18}{since:>8}  {queue:<14}{:>8}", agent.name, agent.handled));
    }
    text
}

const QUEUE_HEADINGS: &str =
    "queue      waiting longest talking offered answered abandoned overflow   in time";

fn queue_line(queue: &QueueRow) -> String {
    let longest = queue.longest_wait_seconds.map_or("-".to_owned(), |wait| format!("{wait:.0} s"));
    let level = &queue.service_level;
    let ratio = level.ratio.map_or("-".to_owned(), |ratio| format!("{:.0} %", ratio * 100.0));
    let in_time = format!("{ratio}/{:.0}s", level.within_seconds);
    format!(
        "{:<11}{:>7}{longest:>8}{:>8}{:>8}{:>9}{:>10}{:>9}{:>10}",
        queue.name,
        queue.waiting,
        queue.in_progress,
        queue.offered,
        queue.answered,
        queue.abandoned,
        queue.overflowed,
        in_time,
    )
}

/// A state of the report in words.
fn state(name: &str) -> String {
    match name {
        "reserved" => "ringing".to_owned(),
        "handling" => "talking".to_owned(),
        "backing_off" => "pausing".to_owned(),
        "unreachable" => "no phone".to_owned(),
        other => other.replace('_', " "),
    }
}

/// The summary at the end of the day.
pub(super) fn summary(board: &Wallboard, experience: &Experience, lasted: Duration, seed: u64) -> String {
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let mut text = String::new();
    put(
        &mut text,
        &format!("The day lasted {}; --seed {seed} draws the same people again.", clock_time(lasted)),
    );
    put(&mut text, "");
    put(&mut text, QUEUE_HEADINGS);
    for queue in &board.queues {
        put(&mut text, &queue_line(queue));
    }
    put(&mut text, "");
    for queue in &board.queues {
        let seconds = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1} s"));
        let line = format!(
            "{:<11}average speed of answer {}, average handle time {}",
            queue.name,
            seconds(queue.average_speed_of_answer_seconds),
            seconds(queue.average_handle_time_seconds),
        );
        put(&mut text, &line);
    }
    if let Some(queue) = board.queues.first() {
        let variant = queue.service_level.variant;
        put(&mut text, &format!("in time: the service level, variant {variant} of docs/metrics.md"));
    }
    put(&mut text, "");
    let (calls, picked_up) = (count(&experience.calls), count(&experience.picked_up));
    put(&mut text, &format!("calls made: {calls}; phones picked up: {picked_up}"));
    let (callers, agents) = (count(&experience.callers_heard), count(&experience.agents_heard));
    put(&mut text, &format!("heard the other, in calls that are over: {callers} callers, {agents} agents"));
    let not_made = count(&experience.not_made);
    if not_made > 0 {
        put(&mut text, &format!("calls not made, because every caller was on the phone: {not_made}"));
    }
    text
}

fn put(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a String takes everything");
}

/// Minutes and seconds.
fn clock_time(duration: Duration) -> String {
    format!("{}:{:02}", duration.as_secs() / 60, duration.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_and_seconds_read_as_on_a_clock() {
        assert_eq!(clock_time(Duration::from_millis(754_900)), "12:34");
    }

    fn row(name: &str) -> QueueRow {
        let figures = report::ServiceLevelRow {
            variant: "abandons_negative",
            ratio: Some(1.0),
            target: 0.8,
            within_seconds: 20.0,
        };
        QueueRow {
            open: true,
            name: name.to_owned(),
            waiting: 48,
            ringing: 12,
            longest_wait_seconds: Some(3_599.0),
            in_progress: 12,
            offered: 123_456,
            answered: 123_456,
            abandoned: 12_345,
            short_abandons: 12_345,
            overflowed: 12_345,
            dequeued: 0,
            called_back: 0,
            callbacks: 0,
            callbacks_ended: 0,
            service_level: figures,
            average_speed_of_answer_seconds: Some(3_599.9),
            average_handle_time_seconds: Some(3_599.9),
            estimated_wait: report::EstimatedWait {
                seconds: None,
                at_most_seconds: None,
                method: None,
                unknown: Some("poor_sample"),
            },
            estimated_wait_error: None,
            agents_idle: 12,
            agents_here: 12,
        }
    }

    #[test]
    fn a_busy_day_fits_into_eighty_columns() {
        let agents = vec![report::AgentRow {
            id: "park".to_owned(),
            name: "Park Seoyeon".to_owned(),
            state: "after_call_work",
            reason: None,
            queue: Some("technical".to_owned()),
            since_seconds: 59_999.0,
            works: Vec::new(),
            channels: Vec::new(),
            handled: 12_345,
        }];
        let queues = vec![row("billing"), row("sales"), row("technical")];
        let board = Wallboard { queues, agents, occupancy: Some(1.0) };
        let day = summary(&board, &Experience::default(), Duration::from_secs(86_400), u64::MAX);
        for line in wallboard(&board, &[]).lines().chain(day.lines()) {
            assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
        }
    }

    #[test]
    fn an_empty_board_has_its_headings() {
        let board = Wallboard { queues: Vec::new(), agents: Vec::new(), occupancy: None };
        let text = wallboard(&board, &["first".to_owned()]);
        assert!(text.starts_with("first\nagents' occupancy -\n\nqueue "), "{text}");
    }
}
