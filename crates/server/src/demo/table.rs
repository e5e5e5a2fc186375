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
    "queue      waiting longest talking offered answered abandoned overflow service level";

fn queue_line(queue: &QueueRow) -> String {
    let longest = queue.longest_wait_seconds.map_or("-".to_owned(), |wait| format!("{wait:.0} s"));
    let level = &queue.service_level;
    let ratio = level.ratio.map_or("-".to_owned(), |ratio| format!("{:.0} %", ratio * 100.0));
    format!(
        "{:<11}{:>7}{longest:>8}{:>8}{:>8}{:>9}{:>10}{:>9}  {ratio:>5} in {:.0} s",
        queue.name,
        queue.waiting,
        queue.in_progress,
        queue.offered,
        queue.answered,
        queue.abandoned,
        queue.overflowed,
        level.within_seconds,
    )
}

/// A state of the report in words.
fn state(name: &str) -> String {
    match name {
        "reserved" => "ringing".to_owned(),
        "handling" => "talking".to_owned(),
        "backing_off" => "pausing".to_owned(),
        other => other.replace('_', " "),
    }
}

/// The summary at the end of the day.
pub(super) fn summary(board: &Wallboard, experience: &Experience, lasted: Duration) -> String {
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let mut text = String::new();
    put(&mut text, &format!("The day lasted {}.", clock_time(lasted)));
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
        put(&mut text, &format!("service level is the variant {variant} of docs/metrics.md"));
    }
    put(&mut text, "");
    let line = format!(
        "{} calls made, {} phones picked up; in finished calls {} callers heard their agent and {} agents their caller",
        count(&experience.calls),
        count(&experience.picked_up),
        count(&experience.callers_heard),
        count(&experience.agents_heard),
    );
    put(&mut text, &line);
    let not_made = count(&experience.not_made);
    if not_made > 0 {
        put(&mut text, &format!("{not_made} calls were not made: every caller of the demo was on the phone"));
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

    #[test]
    fn an_empty_board_has_its_headings() {
        let board = Wallboard { queues: Vec::new(), agents: Vec::new(), occupancy: None };
        let text = wallboard(&board, &["first".to_owned()]);
        assert!(text.starts_with("first\nagents' occupancy -\n\nqueue "), "{text}");
    }
}
