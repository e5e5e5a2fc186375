//! What people see.

use acd::{Command, QueueSettings, ReasonCode};
use report::{ReasonName, Wallboard};
use serde_json::json;

use crate::centre::{BILLING, Centre, KIM, TECHNICAL, names, secs};

const CHAT: acd::Channel = acd::Channel(1);

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
               "since_seconds": 0.0, "handled": 1, "works": [],
               "channels": [{"channel": "voice", "capacity": 1, "used": 0, "free": 0}]})
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

#[test]
fn an_agent_with_several_in_hand_is_shown_with_all_of_them_and_what_is_free() {
    let settings = acd::Settings {
        interruptions: acd::Interruptions::default().allow(CHAT, acd::Channel::VOICE),
        ..acd::Settings::default()
    };
    let mut names = names();
    names.channels.insert(CHAT, "chat".to_owned());
    let mut centre = Centre::with(settings, &names);
    centre.apply(Command::DefineQueue { queue: BILLING, settings: Box::default() });
    let chats = QueueSettings { channel: CHAT, ..QueueSettings::default() };
    centre.apply(Command::DefineQueue { queue: TECHNICAL, settings: Box::new(chats) });
    let capacity = acd::Capacity::default().with(CHAT, 3);
    let settings = Box::new(acd::AgentSettings { capacity, ..acd::AgentSettings::default() });
    centre.apply(Command::DefineAgent { agent: KIM, settings });
    centre.apply(Command::LogIn { agent: KIM, not_ready: None });
    for (interaction, queue) in [(1, TECHNICAL), (2, TECHNICAL), (3, BILLING)] {
        centre.enqueue(interaction, queue);
        centre.accept(interaction);
        centre.pass(secs(10));
    }
    let snapshot = centre.snapshot();
    let board = Wallboard::new(centre.now, &snapshot, &centre.reporter.figures(), &names);
    let kim = serde_json::to_value(&board.agents[0]).unwrap();
    assert_eq!(
        (&kim["state"], &kim["queue"], &kim["since_seconds"]),
        (&json!("handling"), &json!("billing"), &json!(10.0))
    );
    let chat = |since: f64| json!({"queue": "technical", "channel": "chat", "state": "interrupted", "since_seconds": since});
    let call = json!({"queue": "billing", "channel": "voice", "state": "handling", "since_seconds": 10.0});
    assert_eq!(kim["works"], json!([call, chat(30.0), chat(20.0)]));
    let channels = json!([
        {"channel": "chat", "capacity": 3, "used": 2, "free": 0},
        {"channel": "voice", "capacity": 1, "used": 1, "free": 0}
    ]);
    assert_eq!(kim["channels"], channels);
    let scrape = centre.scrape();
    let in_hand = |channel, state| {
        scrape.value("cordboard_agent_interactions", &[("channel", channel), ("state", state)])
    };
    assert_eq!((in_hand("chat", "interrupted"), in_hand("chat", "handling")), (2.0, 0.0));
    assert_eq!((in_hand("voice", "handling"), in_hand("voice", "after_call_work")), (1.0, 0.0));
    let free = |centre: &Centre, channel| {
        centre.scrape().value("cordboard_agent_places_free", &[("channel", channel)])
    };
    assert_eq!((free(&centre, "chat"), free(&centre, "voice")), (0.0, 0.0));
    centre.finish(3);
    centre.snapshot();
    assert_eq!((free(&centre, "chat"), free(&centre, "voice")), (1.0, 1.0));
    names.channels.clear();
    centre.reporter.set_names(&names);
    let gone = [("channel", "chat"), ("state", "handling")];
    assert_eq!(
        centre.scrape().find("cordboard_agent_interactions", &gone),
        None,
        "the channel is configured no longer"
    );
}
