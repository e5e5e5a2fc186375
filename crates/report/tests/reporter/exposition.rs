//! The page as a whole: calls, media, rings, and what any scraper asks of it.

use std::collections::BTreeSet;
use std::time::Duration;

use acd::{InteractionId, QueueId};
use b2bua::{HangUp, Side, Summary};
use engine::{CallRecord, Notice, Outcome, RefusalCause, RefusalCount, RequestKind, Story};
use report::{
    CallReporter, Exposition, MediaSeries, ProcessFigures, ProcessSeries, RingSeries, SocketSeries,
    TrafficCounts,
};
use timing::Instant;

use crate::centre::{BILLING, Centre, KIM, Scrape, TECHNICAL, names, secs};

fn record(queue: QueueId, outcome: Outcome) -> CallRecord {
    CallRecord {
        story: Story {
            interaction: InteractionId(1),
            call_id: "a84b4c76e66710".to_owned(),
            caller: "0212345678".to_owned(),
            called: "15881000".to_owned(),
            origin: sip::user_agent::Origin::Account("kim".to_owned()),
            attributes: Vec::new(),
            entry: queue,
            queue,
            arrived: Instant::from_secs(100),
            regained: None,
            wish: None,
            wish_ended: None,
            priority: 0,
            requirement: None,
            changes: Vec::new(),
            changes_total: 0,
            answered: (outcome == Outcome::Answered).then_some(Instant::from_secs(110)),
            outside_answered: None,
            agent: Some(KIM),
            visits: Vec::new(),
            visits_total: 1,
            attempts: Vec::new(),
            attempts_total: 1,
            callback: None,
        },
        outcome,
        ended: Instant::from_secs(200),
        cause: HangUp::By(Side::Callee),
        summary: Summary {
            held: secs(15),
            caller: Some(media::Statistics {
                received_packets: 980,
                lost: 20,
                jitter_micros: 4_000,
                sent_packets: 1_000,
                refused_source: 3,
                ..media::Statistics::default()
            }),
            callee: None,
        },
    }
}

fn ended(record: CallRecord) -> Notice {
    Notice::CallEnded(Box::new(record))
}

#[test]
fn a_conversation_in_which_a_side_was_never_heard_is_counted_by_that_side() {
    let exposition = Exposition::new("0.1.0");
    let mut calls = CallReporter::new(&exposition, &names());
    let heard = |received_packets| media::Statistics { received_packets, ..media::Statistics::default() };
    let mut end = |caller: Option<u64>, agent: Option<u64>, talked: u64| {
        let mut record = record(BILLING, Outcome::Answered);
        record.ended = Instant::from_secs(110 + talked);
        record.summary =
            Summary { held: Duration::ZERO, caller: caller.map(heard), callee: agent.map(heard) };
        calls.handle_notice(&ended(record));
    };
    end(Some(50), Some(50), 60);
    end(Some(0), Some(50), 60);
    end(Some(50), Some(0), 5);
    end(Some(0), Some(0), 60);
    // Too short to tell, and media that do not pass here.
    end(Some(0), Some(50), 4);
    end(None, None, 60);
    end(Some(0), None, 60);
    let scrape = Scrape::of(&exposition.render(Instant::from_secs(300)));
    for side in ["caller", "agent", "both"] {
        assert_eq!(scrape.value("cordboard_calls_silent_total", &[("side", side)]), 1.0, "{side}");
    }
}

#[test]
fn a_call_that_is_over_leaves_its_talk_hold_and_media_figures() {
    let exposition = Exposition::new("0.1.0");
    let mut calls = CallReporter::new(&exposition, &names());
    calls.handle_notice(&ended(record(BILLING, Outcome::Answered)));
    let scrape = Scrape::of(&exposition.render(Instant::from_secs(300)));
    assert_eq!(scrape.value("cordboard_calls_total", &[("outcome", "answered")]), 1.0);
    assert_eq!(scrape.value("cordboard_call_ends_total", &[("cause", "by_agent")]), 1.0);
    assert_eq!(scrape.of_queue("cordboard_talk_seconds_sum", "billing"), 75.0);
    assert_eq!(scrape.of_queue("cordboard_hold_seconds_sum", "billing"), 15.0);
    let received = [("direction", "received"), ("side", "caller")];
    let sent = [("direction", "sent"), ("side", "caller")];
    assert_eq!(scrape.value("cordboard_rtp_packets_total", &received), 980.0);
    assert_eq!(scrape.value("cordboard_rtp_lost_total", &received), 20.0);
    assert_eq!(scrape.value("cordboard_rtp_loss_ratio_sum", &received), 0.02);
    assert_eq!(scrape.value("cordboard_rtp_jitter_seconds_sum", &received), 0.004);
    assert_eq!(scrape.value("cordboard_rtp_packets_total", &sent), 1_000.0);
    assert_eq!(scrape.value("cordboard_rtp_jitter_seconds_count", &sent), 0.0, "no RTCP said anything");
    assert_eq!(scrape.value("cordboard_rtp_refused_total", &[("cause", "source"), ("side", "caller")]), 3.0);
}

#[test]
fn a_place_that_was_regained_counts_in_the_queue_of_the_number_dialled() {
    let exposition = Exposition::new("0.1.0");
    let mut calls = CallReporter::new(&exposition, &names());
    let mut moved = record(BILLING, Outcome::Answered);
    (moved.story.entry, moved.story.regained) = (TECHNICAL, Some(Instant::from_secs(40)));
    for record in [record(BILLING, Outcome::Abandoned), moved] {
        calls.handle_notice(&ended(record));
    }
    calls.set_counts(&engine::Counts { served: 5, places: 7, ..engine::Counts::default() });
    let scrape = Scrape::of(&exposition.render(Instant::from_secs(300)));
    let regained = |queue| scrape.of_queue("cordboard_places_regained_total", queue);
    assert_eq!((regained("billing"), regained("technical")), (0.0, 1.0));
    assert_eq!(scrape.value("cordboard_callers_remembered", &[("kind", "place")]), 7.0);
    assert_eq!(scrape.value("cordboard_callers_remembered", &[("kind", "last_agent")]), 5.0);
}

#[test]
fn duplicates_do_not_make_the_counter_of_lost_packets_fall() {
    let exposition = Exposition::new("0.1.0");
    let mut calls = CallReporter::new(&exposition, &names());
    let mut doubled = record(BILLING, Outcome::Answered);
    doubled.summary.caller.as_mut().unwrap().lost = -5;
    calls.handle_notice(&ended(doubled));
    let scrape = Scrape::of(&exposition.render(Instant::ORIGIN));
    assert_eq!(
        scrape.value("cordboard_rtp_lost_total", &[("direction", "received"), ("side", "caller")]),
        0.0
    );
}

#[test]
fn a_call_that_nobody_answered_or_whose_queue_is_gone_counts_as_a_call_only() {
    let exposition = Exposition::new("0.1.0");
    let mut calls = CallReporter::new(&exposition, &names());
    calls.handle_notice(&ended(record(BILLING, Outcome::Abandoned)));
    calls.handle_notice(&ended(record(QueueId(77), Outcome::Answered)));
    let scrape = Scrape::of(&exposition.render(Instant::ORIGIN));
    assert_eq!(scrape.value("cordboard_calls_total", &[("outcome", "abandoned")]), 1.0);
    assert_eq!(scrape.value("cordboard_calls_total", &[("outcome", "answered")]), 1.0);
    assert_eq!(scrape.of_queue("cordboard_talk_seconds_count", "billing"), 0.0);
}

#[test]
fn a_refused_call_counts_by_cause() {
    let exposition = Exposition::new("0.1.0");
    let calls = CallReporter::new(&exposition, &names());
    let mut totals = engine::Totals {
        sip: sip::Totals { invites: 7, invites_challenged: 2, malformed: 4, ..sip::Totals::default() },
        refused: vec![
            refused(RequestKind::Call, RefusalCause::UnknownNumber, 1),
            refused(RequestKind::Call, WRONG_PASSWORD, 2),
            refused(RequestKind::Registration, WRONG_PASSWORD, 9),
        ],
    };
    calls.set_totals(&totals);
    totals.refused[1].count += 1;
    calls.set_totals(&totals);
    let scrape = Scrape::of(&exposition.render(Instant::ORIGIN));
    let count = |cause| scrape.value("cordboard_calls_refused_total", &[("cause", cause)]);
    let causes = ["unknown_number", "draining", "full", "calls", "wrong_password"];
    assert_eq!(causes.map(count), [1.0, 0.0, 0.0, 0.0, 3.0]);
    let registrations = [("cause", "wrong_password"), ("request", "registration")];
    assert_eq!(scrape.value("cordboard_sip_requests_refused_total", &registrations), 9.0);
    assert_eq!(scrape.value("cordboard_calls_arrived_total", &[]), 5.0);
    assert_eq!(scrape.value("cordboard_sip_challenges_total", &[("request", "call")]), 2.0);
    assert_eq!(scrape.value("cordboard_sip_messages_dropped_total", &[("reason", "malformed")]), 4.0);
}

const WRONG_PASSWORD: RefusalCause = RefusalCause::Request(sip::RefusalCause::WrongPassword);

fn refused(request: RequestKind, cause: RefusalCause, count: u64) -> RefusalCount {
    RefusalCount { request, cause, count }
}

#[test]
fn every_cause_of_every_request_has_its_series_from_the_start() {
    let exposition = Exposition::new("0.1.0");
    let calls = CallReporter::new(&exposition, &names());
    let mut all: Vec<RefusalCount> =
        RefusalCause::all().map(|cause| refused(RequestKind::Call, cause, 1)).collect();
    for request in [RequestKind::Registration, RequestKind::Other] {
        all.extend(RefusalCause::of_requests().map(|cause| refused(request, cause, 1)));
    }
    let series = all.len();
    calls.set_totals(&engine::Totals { refused: all, ..engine::Totals::default() });
    let page = exposition.render(Instant::ORIGIN);
    let shown = page.lines().filter(|line| !line.starts_with('#') && line.contains("refused_total{"));
    let ones = shown.filter(|line| line.contains("cause=\"") && line.ends_with(" 1")).count();
    assert_eq!(ones, series);
}

#[test]
fn a_conversation_that_outlives_its_queue_is_counted() {
    let exposition = Exposition::new("0.1.0");
    let mut calls = CallReporter::new(&exposition, &names());
    calls.handle_notice(&ended(record(BILLING, Outcome::Answered)));
    let mut reloaded = names();
    reloaded.queues.remove(&TECHNICAL);
    calls.set_names(&reloaded);
    calls.handle_notice(&ended(record(TECHNICAL, Outcome::Answered)));
    let talks = |queue| {
        Scrape::of(&exposition.render(Instant::ORIGIN)).of_queue("cordboard_talk_seconds_count", queue)
    };
    assert_eq!(["billing", "technical"].map(talks), [1.0, 1.0]);
    // Another queue may take the name; its conversations are others.
    reloaded.queues.get_mut(&BILLING).unwrap().name = "technical".to_owned();
    calls.set_names(&reloaded);
    assert_eq!(talks("technical"), 0.0);
}

#[test]
fn totals_given_as_numbers_become_counters_that_never_fall() {
    let exposition = Exposition::new("0.1.0");
    let ring = RingSeries::new(&exposition, "events");
    ring.set(3, 1024, 10);
    ring.set(4, 1024, 8);
    let sockets = SocketSeries::new(&exposition, "rtp");
    sockets.set(&TrafficCounts { received: 7, sent: 5, received_lost: 1, sent_lost: 0 });
    let process = ProcessSeries::new(&exposition, secs(1_700_000_000));
    let figures = |cpu| ProcessFigures { cpu, resident_bytes: 4_096, open_files: 12, open_files_max: 1_024 };
    process.set(&figures(secs(3)));
    process.set(&figures(secs(2)));
    let scrape = Scrape::of(&exposition.render(Instant::ORIGIN));
    assert_eq!(scrape.value("cordboard_ring_depth", &[("ring", "events")]), 4.0);
    assert_eq!(scrape.value("cordboard_ring_dropped_total", &[("ring", "events")]), 10.0);
    assert_eq!(scrape.value("cordboard_datagrams_total", &[("direction", "received"), ("kind", "rtp")]), 7.0);
    assert_eq!(scrape.value("process_cpu_seconds_total", &[]), 3.0);
    assert_eq!(scrape.value("cordboard_build_info", &[("version", "0.1.0")]), 1.0);
    drop(ring);
    let scrape = Scrape::of(&exposition.render(Instant::ORIGIN));
    assert_eq!(scrape.find("cordboard_ring_depth", &[("ring", "events")]), None);
}

#[test]
fn the_gauges_of_the_engine_are_what_it_holds() {
    let exposition = Exposition::new("0.1.0");
    let calls = CallReporter::new(&exposition, &names());
    let mut counts = engine::Counts::default();
    counts.calls.calls = 5;
    counts.calls.connected = 2;
    counts.calls.ports.in_use = 9;
    counts.calls.sip.sessions = 7;
    calls.set_counts(&counts);
    let scrape = Scrape::of(&exposition.render(Instant::ORIGIN));
    assert_eq!(scrape.value("cordboard_calls", &[("state", "connected")]), 2.0);
    assert_eq!(scrape.value("cordboard_calls", &[("state", "not_connected")]), 3.0);
    assert_eq!(scrape.value("cordboard_media_ports", &[("state", "in_use")]), 9.0);
    assert_eq!(scrape.value("cordboard_sip_sessions", &[]), 7.0);
}

/// A busy page with a series of every metric.
fn everything() -> String {
    let mut centre = Centre::new(&acd::QueueSettings::default());
    let mut calls = CallReporter::new(&centre.exposition, &names());
    let _ring = RingSeries::new(&centre.exposition, "events");
    let _sip = SocketSeries::new(&centre.exposition, "sip");
    let _rtp = SocketSeries::new(&centre.exposition, "rtp");
    let media = MediaSeries::new(&centre.exposition);
    media.set(&media::Counts { terminations: 2, ..media::Counts::default() });
    let _process = ProcessSeries::new(&centre.exposition, secs(1_700_000_000));
    calls.handle_notice(&ended(record(BILLING, Outcome::Answered)));
    centre.log_in(KIM);
    centre.enqueue(1, BILLING);
    centre.pass(Duration::from_millis(2_500));
    centre.accept(1);
    centre.snapshot();
    centre.exposition.render(centre.now)
}

#[test]
fn each_family_is_there_once_with_its_help_and_its_type_and_keeps_together() {
    let text = everything();
    let mut families = BTreeSet::new();
    let mut current = "";
    for line in text.lines() {
        let family = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE "));
        match family.and_then(|rest| rest.split(' ').next()) {
            Some(name) if line.starts_with("# HELP ") => {
                assert!(families.insert(name), "{name} is there twice");
                current = name;
            }
            Some(name) => assert_eq!(name, current),
            None => assert!(line.starts_with(current), "{line} belongs to {current}"),
        }
    }
    assert!(families.len() > 50, "{}", families.len());
    for name in families {
        assert!(name.starts_with("cordboard_") || name.starts_with("process_"), "{name}");
    }
}

#[test]
fn no_label_names_a_person_a_call_or_a_number() {
    let known = [
        "cause",
        "channel",
        "direction",
        "fault",
        "figure",
        "kind",
        "le",
        "outcome",
        "owner",
        "queue",
        "reason",
        "request",
        "ring",
        "side",
        "state",
        "version",
    ];
    for (name, labels) in Scrape::of(&everything()).samples.keys() {
        for label in labels.keys() {
            assert!(known.contains(&label.as_str()), "{name} has a label {label}");
        }
    }
}

#[test]
fn equal_histories_render_equal_pages() {
    assert_eq!(everything(), everything());
}

#[test]
fn a_name_with_quotes_backslashes_and_line_breaks_does_not_break_the_page() {
    let exposition = Exposition::new("0.1.0");
    let mut odd = names();
    odd.queues.get_mut(&BILLING).unwrap().name = "a\"b\\c\nd".to_owned();
    let _calls = CallReporter::new(&exposition, &odd);
    let text = exposition.render(Instant::ORIGIN);
    assert!(text.contains(r#"cordboard_talk_seconds_count{queue="a\"b\\c\nd"} 0"#), "{text}");
}

#[test]
fn every_end_and_every_outcome_of_a_call_has_a_series_of_its_own() {
    let exposition = Exposition::new("0.1.0");
    let mut calls = CallReporter::new(&exposition, &names());
    for cause in HangUp::ALL {
        calls.handle_notice(&ended(CallRecord { cause, ..record(BILLING, Outcome::Abandoned) }));
    }
    for outcome in Outcome::ALL {
        calls.handle_notice(&ended(record(BILLING, outcome)));
    }
    let scrape = Scrape::of(&exposition.render(Instant::from_secs(300)));
    for cause in HangUp::ALL {
        let more = if cause == HangUp::By(Side::Callee) { Outcome::ALL.len() as f64 } else { 0.0 };
        assert_eq!(scrape.value("cordboard_call_ends_total", &[("cause", cause.name())]), 1.0 + more);
    }
    for outcome in Outcome::ALL {
        let more = if outcome == Outcome::Abandoned { HangUp::ALL.len() as f64 } else { 0.0 };
        assert_eq!(scrape.value("cordboard_calls_total", &[("outcome", outcome.name())]), 1.0 + more);
    }
}
