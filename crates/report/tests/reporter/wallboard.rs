//! What people see.

use acd::{Command, QueueSettings, ReasonCode};
use report::{ReasonName, Wallboard};
use serde_json::json;

use crate::centre::{BILLING, Centre, KIM, names, secs};

fn board(centre: &mut Centre) -> Wallboard {
    let snapshot = centre.snapshot();
    Wallboard::new(centre.now, &snapshot, &centre.reporter.figures(), &names())
}

#[test]
fn the_board_shows_names_waits_and_the_service_level_with_its_variant() {
    let mut centre = Centre::new(&QueueSettings { after_call_work: secs(30), ..QueueSettings::default() });
    centre.log_in(KIM);
    for interaction in [1, 2, 3] {
        centre.enqueue(interaction, BILLING);
    }
    centre.pass(secs(4));
    centre.accept(1);
    centre.pass(secs(21));
    centre.cancel(2);
    let board = board(&mut centre);
    let billing = &board.queues[0];
    assert_eq!((billing.name.as_str(), billing.waiting, billing.in_progress), ("billing", 1, 1));
    assert_eq!((billing.offered, billing.answered, billing.abandoned), (3, 1, 1));
    assert_eq!(billing.longest_wait_seconds, Some(25.0));
    assert_eq!(billing.service_level.ratio, Some(0.5));
    assert_eq!(billing.service_level.variant, "abandons_negative");
    assert_eq!(billing.average_speed_of_answer_seconds, Some(4.0));
    assert_eq!(billing.average_handle_time_seconds, None);
    let kim = &board.agents[0];
    assert_eq!(
        (kim.name.as_str(), kim.state, kim.queue.as_deref()),
        ("Kim Minji", "handling", Some("billing"))
    );
    assert_eq!(kim.since_seconds, 21.0);
}

#[test]
fn waits_and_states_are_as_old_as_they_are_now_and_not_as_at_the_snapshot() {
    let mut centre = Centre::new(&QueueSettings::default());
    centre.enqueue(1, BILLING);
    let snapshot = centre.snapshot();
    let figures = centre.reporter.figures();
    let board = Wallboard::new(centre.now + secs(9), &snapshot, &figures, &names());
    assert_eq!(board.queues[0].longest_wait_seconds, Some(9.0));
}

#[test]
fn an_agent_on_a_break_is_shown_with_the_reason_and_without_a_queue() {
    let mut centre = Centre::new(&QueueSettings::default());
    centre.log_in(KIM);
    centre.enqueue(1, BILLING);
    centre.accept(1);
    centre.finish(1);
    centre.apply(Command::SetNotReady { agent: KIM, reason: ReasonCode(4) });
    let mut names = names();
    names.reasons.insert(ReasonCode(4), ReasonName { id: "l".to_owned(), name: "lunch".to_owned() });
    let snapshot = centre.snapshot();
    let board = Wallboard::new(centre.now, &snapshot, &centre.reporter.figures(), &names);
    let kim = serde_json::to_value(&board.agents[0]).unwrap();
    assert_eq!(
        kim,
        json!({"id": "kim", "name": "Kim Minji", "state": "not_ready", "reason": "lunch", "queue": null,
               "since_seconds": 0.0, "handled": 1})
    );
}

#[test]
fn a_closed_queue_is_shown_as_closed_and_who_came_by_the_cause() {
    let closed = acd::Closed { waiting: acd::AtClosing::Stay, exit: acd::Exit::Leave(acd::ExitId(1)) };
    let mut centre = Centre::new(&QueueSettings { closed: Some(closed), ..QueueSettings::default() });
    assert!(board(&mut centre).queues[0].open);
    assert_eq!(centre.scrape().of_queue("cordboard_queue_open", "billing"), 1.0);
    centre.apply(Command::SetOpen { queue: BILLING, open: false });
    centre.enqueue(1, BILLING);
    let queue = serde_json::to_value(&board(&mut centre).queues[0]).unwrap();
    assert_eq!(
        (&queue["open"], &queue["overflowed"], &queue["waiting"]),
        (&json!(false), &json!(1), &json!(0))
    );
    let scrape = centre.scrape();
    assert_eq!(scrape.of_queue("cordboard_queue_open", "billing"), 0.0);
    let cause = [("cause", "closed"), ("queue", "billing")];
    assert_eq!(scrape.value("cordboard_overflows_total", &cause), 1.0);
}

#[test]
fn an_empty_queue_is_shown_with_nulls_where_there_is_nothing_to_say() {
    let mut centre = Centre::new(&QueueSettings::default());
    let queue = serde_json::to_value(&board(&mut centre).queues[0]).unwrap();
    assert_eq!(queue["longest_wait_seconds"], json!(null));
    assert_eq!(
        queue["estimated_wait"],
        json!({"seconds": null, "at_most_seconds": null, "method": null, "unknown": "nobody_logged_in"})
    );
    assert_eq!(queue["estimated_wait_error"], json!(null));
    assert_eq!(
        queue["service_level"],
        json!({"variant": "abandons_negative", "ratio": null, "target": 0.8, "within_seconds": 20.0})
    );
}
