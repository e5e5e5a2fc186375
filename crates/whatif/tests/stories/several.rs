//! Customers who wait in several queues at once.

use acd::{AgentSettings, Exit, ExitId, MaxWait, QueueId, Requirement, SkillId};
use whatif::{
    AgentGroup, Arrivals, CustomerType, Distribution, Ending, Law, Measure, Model, ModelFault, Queue,
    Retrial, Scope, ServiceLevel,
};

use crate::{at, one_agent, play, seconds};

/// Skill 1 is asked for in the first queue, and nothing in the second, in which one agent without skills works.
fn two_queues(customers: CustomerType) -> Model {
    let mut model = one_agent(CustomerType { also: vec![QueueId(2)], ..customers });
    model.queues[0].settings.requirement = Requirement::at_least(SkillId(1), 1);
    model.queues.push(Queue::new(2, "second"));
    model
}

fn specialist() -> AgentGroup {
    let settings = AgentSettings { skills: [(SkillId(1), 5)].into(), ..AgentSettings::default() };
    AgentGroup::alike("specialists", settings, 1)
}

fn patient_for(wait: u64) -> Option<Law> {
    Some(Law::same(Distribution::constant(seconds(wait))))
}

#[test]
fn who_waits_in_two_queues_is_answered_in_one_and_dequeued_in_the_other() {
    let day = play(&two_queues(at(&[10, 20], seconds(60))));
    let (first, second, customers) = (day.queues[0].day(), day.queues[1].day(), day.customers[0].day());
    assert_eq!((first.offered, first.answered, first.dequeued), (2, 0, 2));
    assert_eq!((second.offered, second.answered, second.dequeued), (2, 2, 0));
    assert_eq!((customers.offered, customers.answered, customers.dequeued), (2, 2, 0));
    assert_eq!((second.wait_answered, customers.wait_answered), (seconds(50), seconds(50)));
    // The second customer waited in both, and is the only one who did.
    assert!((first.waiting_area - 50.0).abs() < 1e-9 && (second.waiting_area - 50.0).abs() < 1e-9);
    assert_eq!((second.handled, second.finished, first.finished), (seconds(120), 2, 0));
    let days = [day];
    let of = |scope, measure| whatif::estimate(&days, scope, measure).map(|figure| figure.mean);
    assert_eq!(of(Scope::Queue(0), Measure::Dequeued), Some(2.0));
    let level = Measure::ServiceLevel(ServiceLevel::OfOffered);
    assert_eq!(of(Scope::Queue(0), level), None, "whom another queue kept is in nobody's service level");
    assert_eq!(of(Scope::Queue(1), level), Some(0.5));
}

#[test]
fn agents_of_both_queues_take_who_waits_in_both() {
    let mut model = two_queues(at(&[10, 20, 30], seconds(60)));
    model.groups.push(specialist());
    let day = play(&model);
    let (first, second) = (day.queues[0].day(), day.queues[1].day());
    assert_eq!((first.offered, second.offered, day.customers[0].day().answered), (3, 3, 3));
    assert_eq!((first.answered + second.answered, first.dequeued + second.dequeued), (3, 3));
    assert_eq!(day.customers[0].day().wait_answered, seconds(40));
}

#[test]
fn who_gives_up_counts_once_and_comes_back_to_both() {
    let again = Retrial {
        after_abandonment: 1.0,
        after_blocking: 0.0,
        after_answer: 0.0,
        delay: Law::same(Distribution::constant(seconds(100))),
    };
    let mut model =
        two_queues(CustomerType { patience: patient_for(30), retrial: again, ..at(&[10, 20], seconds(200)) });
    let day = play(&model);
    let (first, second, customers) = (day.queues[0].all(), day.queues[1].all(), day.customers[0].all());
    // At 50 s and 180 s; from 210 s on the agent is free again.
    assert_eq!((customers.abandoned, customers.retrials, customers.answered), (2, 2, 2));
    assert_eq!((first.abandoned, first.dequeued), (2, 2));
    assert_eq!((second.abandoned, second.dequeued, second.answered), (0, 2, 2));
    assert_eq!((first.offered, second.offered), (4, 4));
    model.ending = Ending::Stop;
    model.horizon = seconds(40);
    let day = play(&model);
    let left =
        [day.queues[0].all().in_system, day.queues[1].all().in_system, day.customers[0].all().in_system];
    assert_eq!(left, [1, 1, 1], "the second customer waits in both");
}

#[test]
fn exit_of_one_queue_leaves_the_customer_in_the_other() {
    let mut model = two_queues(at(&[10, 20], seconds(60)));
    let exit = Exit::Leave(ExitId(1));
    model.queues[0].settings.max_wait = Some(MaxWait { after: seconds(30), exit });
    let day = play(&model);
    let (first, second, customers) = (day.queues[0].day(), day.queues[1].day(), day.customers[0].day());
    assert_eq!((first.overflowed, first.dequeued, first.wait_overflowed.as_secs()), (1, 1, 30));
    assert_eq!((second.answered, customers.answered, customers.overflowed), (2, 2, 0));
    model.queues[1].settings.max_wait = Some(MaxWait { after: seconds(40), exit });
    let day = play(&model);
    assert_eq!((day.queues[1].day().overflowed, day.customers[0].day().overflowed), (1, 1));
}

#[test]
fn agent_who_does_not_pick_up_leaves_the_customer_in_both_lines() {
    let mut model = two_queues(at(&[10], seconds(60)));
    model.groups[0].pick_up = Some(Law::same(Distribution::constant(seconds(3_600))));
    model.queues[1].settings.ring_timeout = seconds(20);
    let mut late = specialist();
    late.members = whatif::Members::Alike {
        settings: AgentSettings { skills: [(SkillId(1), 5)].into(), ..AgentSettings::default() },
        heads: vec![whatif::HeadCount { from: seconds(35), agents: 1 }],
    };
    model.groups.push(late);
    let day = play(&model);
    let (first, second) = (day.queues[0].day(), day.queues[1].day());
    assert_eq!((second.missed, first.missed), (1, 0));
    assert_eq!((first.answered + second.answered, day.customers[0].day().wait_answered), (1, seconds(25)));
    // From the end of the ringing to the answer; deadlines are met up to 1.024 ms late.
    assert!((first.waiting_area - 5.0).abs() < 2e-3 && (second.waiting_area - 5.0).abs() < 2e-3);
}

#[test]
fn types_of_customers_may_have_some_queues_at_once_and_each_of_them_once() {
    let fault = |also: Vec<u32>| {
        let mut model = two_queues(CustomerType::new(
            "listed",
            QueueId(1),
            Arrivals::Times(vec![]),
            whatif::Handling::same(Distribution::constant(seconds(60))),
        ));
        model.queues.extend((3..10).map(|number| Queue::new(number, number.to_string())));
        model.customers[0].also = also.into_iter().map(QueueId).collect();
        model.check()
    };
    let twice = Err(ModelFault::Queues("listed".to_owned()));
    assert_eq!(fault((2..9).collect()), Ok(()));
    assert_eq!(
        [fault(vec![1]), fault(vec![2, 2]), fault((2..10).collect())],
        [twice.clone(), twice.clone(), twice]
    );
    assert_eq!(fault(vec![77]), Err(ModelFault::UnknownQueue("listed".to_owned(), QueueId(77))));
}
