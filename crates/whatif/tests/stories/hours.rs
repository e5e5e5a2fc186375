//! A queue that opens and closes in the course of the day.

use acd::{AtClosing, Closed, Exit, ExitId, QueueId};
use whatif::{Ending, Measure, Model, ModelFault, Opening, Queue, RunError, Scope, Watch};

use crate::{at, one_agent, play, seconds};

fn opening(at: u64, open: bool) -> Opening {
    Opening { at: seconds(at), open }
}

/// One agent; the queue closes at 100 s, with who comes then sent to an announcement, and opens again at 200 s.
fn closes(waiting: AtClosing, customers: &[u64]) -> Model {
    let mut model = one_agent(at(customers, seconds(60)));
    model.queues[0].settings.closed = Some(Closed { waiting, exit: Exit::Leave(ExitId(1)) });
    model.queues[0].openings = vec![opening(100, false), opening(200, true)];
    model
}

#[test]
fn who_comes_while_it_is_closed_leaves_at_once_and_is_counted_as_such() {
    // At the very moment of a change it is as it is afterwards.
    let day = play(&closes(AtClosing::Stay, &[10, 100, 150, 200]));
    let (queue, customers) = (day.queues[0].day(), day.customers[0].day());
    for tally in [queue, customers] {
        assert_eq!((tally.offered, tally.answered, tally.overflowed, tally.closed), (4, 2, 2, 2));
        assert_eq!((tally.wait_overflowed, tally.wait_answered), (seconds(0), seconds(0)));
    }
    let closed = whatif::estimate(&[day], Scope::Queue(0), Measure::Closed).map(|figure| figure.mean);
    assert_eq!(closed, Some(2.0));
}

#[test]
fn who_waits_when_it_closes_stays_or_leaves_as_the_rule_says() {
    let customers = [60, 90, 95];
    let stay = play(&closes(AtClosing::Stay, &customers)).queues[0].day();
    assert_eq!((stay.answered, stay.closed, stay.wait_answered), (3, 0, seconds(30 + 85)));
    let leave = play(&closes(AtClosing::Leave, &customers)).queues[0].day();
    assert_eq!((leave.answered, leave.closed, leave.wait_overflowed), (1, 2, seconds(10 + 5)));
}

#[test]
fn by_night_another_queue_takes_them_and_they_are_counted_in_both() {
    let mut model = closes(AtClosing::Stay, &[10, 150]);
    model.queues.push(Queue::new(2, "night"));
    model.queues[0].settings.closed =
        Some(Closed { waiting: AtClosing::Stay, exit: Exit::Queue(QueueId(2)) });
    let day = play(&model);
    let (by_day, by_night, customers) = (day.queues[0].day(), day.queues[1].day(), day.customers[0].day());
    assert_eq!((by_day.offered, by_day.answered, by_day.closed), (2, 1, 1));
    assert_eq!((by_night.offered, by_night.answered, by_night.closed), (1, 1, 0));
    assert_eq!((customers.offered, customers.answered, customers.overflowed, customers.closed), (2, 2, 0, 0));
}

#[test]
fn a_queue_that_begins_the_day_closed_takes_nobody_before_it_opens() {
    let mut model = closes(AtClosing::Stay, &[0, 30, 60]);
    model.queues[0].openings = vec![opening(0, false), opening(45, true)];
    let tally = play(&model).queues[0].day();
    assert_eq!((tally.closed, tally.answered), (2, 1));
}

#[test]
fn a_queue_closes_after_the_last_customer_has_come_as_well() {
    let mut model = closes(AtClosing::Leave, &[3_550, 3_560]);
    model.queues[0].openings = vec![opening(3_600, false)];
    let tally = play(&model).queues[0].all();
    assert_eq!((tally.answered, tally.closed, tally.wait_overflowed), (1, 1, seconds(40)));
    // With the time stopped at the end of the day, the closing is never seen.
    model.ending = Ending::Stop;
    let tally = play(&model).queues[0].all();
    assert_eq!((tally.answered, tally.closed, tally.in_system), (1, 0, 1));
}

#[test]
fn hours_that_do_not_rise_are_refused() {
    let mut model = closes(AtClosing::Stay, &[10]);
    model.queues[0].openings = vec![opening(200, false), opening(200, true)];
    let refused = whatif::run(&model, 1, 0, Watch::End).expect_err("both at once");
    assert_eq!(refused, RunError::Model(ModelFault::Openings("queue".to_owned())));
    assert!(refused.to_string().contains("queue \"queue\""), "{refused}");
}
