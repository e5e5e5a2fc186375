//! Customers who come again, and those who want agents by name.

use acd::{AgentSettings, Otherwise, QueueId, Requirement, SkillId};
use whatif::{
    AgentGroup, Arrivals, CustomerType, Day, Distribution, Handling, HeadCount, LastAgent, Law, Member,
    Members, Model, Retrial, RunError, Tally, Watch, Wish,
};

use crate::{HOUR, at, one_agent, play, seconds};

fn constant(length: u64) -> Law {
    Law::same(Distribution::constant(seconds(length)))
}

fn again(after_abandonment: f64, after_answer: f64, delay: u64) -> Retrial {
    Retrial { after_abandonment, after_blocking: 1.0, after_answer, delay: constant(delay) }
}

/// The one agent talks until 6:40. A comes at 0:01, gives up after three minutes, and comes again two minutes later; B
/// comes at 2:00 and stays. Both talk for ten seconds.
fn line(keep_place: Option<u64>) -> Model {
    let mut model = one_agent(at(&[0], seconds(400)));
    model.queues[0].keep_place = keep_place.map(seconds);
    model.customers.push(CustomerType {
        patience: Some(constant(180)),
        retrial: again(1.0, 0.0, 120),
        ..at(&[1], seconds(10))
    });
    model.customers.push(at(&[120], seconds(10)));
    model
}

/// How long A waited, both tries together, and how long B did.
fn waits(model: &Model) -> (u64, u64) {
    let day = play(model);
    let waited = |place: usize| day.customers[place].day().wait_answered.as_secs();
    (waited(1), waited(2))
}

#[test]
fn who_gave_up_and_comes_again_in_time_stands_where_they_stood() {
    // A's second try begins at 5:01. The wait is that of both tries, whatever place the second one has.
    assert_eq!(waits(&line(Some(300))), (180 + 99, 290), "A at 6:40, B at 6:50");
    assert_eq!(waits(&line(None)), (180 + 109, 280), "B at 6:40, A at 6:50");
    assert_eq!(waits(&line(Some(119))), (180 + 109, 280), "the place is gone a second too early");
}

#[test]
fn who_gives_up_twice_has_the_first_place_again() {
    // A waits a minute each time: from 0:01, 3:01 and 6:01.
    let twice = |keep_place| {
        let mut model = line(keep_place);
        model.customers[1].patience = Some(constant(60));
        waits(&model)
    };
    assert_eq!(twice(Some(150)), (120 + 39, 290), "the third try stands as of 0:01");
    assert_eq!(twice(None), (120 + 49, 280));
}

#[test]
fn a_place_that_was_not_used_because_the_centre_was_full_is_still_there() {
    // Two may wait. A gives up at 0:21; when A comes again at 1:21 two others wait, who give up at 1:30. C comes at 1:40,
    // and A once more at 2:21: in time after 1:21, not after 0:21.
    let mut model = line(Some(70));
    model.distributor.waiting_max = 2;
    model.customers[1] =
        CustomerType { patience: Some(constant(20)), retrial: again(1.0, 0.0, 60), ..at(&[1], seconds(10)) };
    model.customers[2] = CustomerType { patience: Some(constant(60)), ..at(&[30, 31], seconds(10)) };
    model.customers.push(at(&[100], seconds(10)));
    // The agent is free at 2:30.
    model.customers[0] = at(&[0], seconds(150));
    let day = play(&model);
    let (a, c): (Tally, Tally) = (day.customers[1].all(), day.customers[3].all());
    assert_eq!((a.blocked, a.answered, c.wait_answered), (1, 1, seconds(60)), "A at 2:30, C at 2:40");
    model.queues[0].keep_place = Some(seconds(59));
    assert_eq!(play(&model).customers[3].all().wait_answered, seconds(50), "C at 2:30");
}

/// Two agents, each a group; everybody is served at once.
fn two_agents(customers: CustomerType) -> Model {
    let mut model = one_agent(customers);
    model.groups.push(AgentGroup::alike("second", AgentSettings::default(), 1));
    model
}

fn answered(day: &Day) -> [u64; 2] {
    [day.groups[0].all().answered, day.groups[1].all().answered]
}

fn wish(agents: &[(usize, usize)]) -> Wish {
    Wish {
        agents: agents.iter().map(|&(group, place)| Some(Member { group, place })).collect(),
        within: Some(seconds(30)),
        otherwise: Otherwise::Anybody,
        regardless_of_skills: false,
    }
}

#[test]
fn customers_wait_for_the_agent_whom_they_want_by_name_and_no_longer_than_they_say() {
    let mut model = two_agents(at(&[1, 10, 22], seconds(25)));
    assert_eq!(answered(&play(&model)), [2, 1], "whoever is free");
    model.customers[0].wanted = Some(wish(&[(1, 0)]));
    let day = play(&model);
    assert_eq!(answered(&day), [0, 3], "at 0:01, 0:26 and 0:51, which is 29 s after 0:22");
    assert_eq!(day.queues[0].day().wait_answered, seconds(16 + 29));
    model.customers[0].wanted = Some(Wish { within: Some(seconds(10)), ..wish(&[(1, 0)]) });
    let day = play(&model);
    assert_eq!(answered(&day), [1, 2], "at 0:01; the first at 0:20, and the second at 0:26");
    model.customers[0].wanted = Some(Wish { agents: vec![None], ..wish(&[]) });
    assert_eq!(answered(&play(&model)), [2, 1], "who stays at home is not waited for");
    model.customers[0].wanted = Some(wish(&[(1, 7)]));
    assert_eq!(answered(&play(&model)), [2, 1], "nor is who is beyond the group");
}

#[test]
fn a_wish_regardless_of_skills_and_with_an_exit_means_what_it_means_live() {
    let mut model = two_agents(at(&[1], seconds(25)));
    model.queues[0].settings.requirement = Requirement::at_least(SkillId(1), 1);
    let skilled = AgentSettings { skills: [(SkillId(1), 1)].into(), ..AgentSettings::default() };
    model.groups[0] = AgentGroup::alike("skilled", skilled, 1);
    model.customers[0].wanted = Some(wish(&[(1, 0)]));
    assert_eq!(answered(&play(&model)), [1, 0], "the second does not have the skill, and will not come");
    model.customers[0].wanted = Some(Wish { regardless_of_skills: true, ..wish(&[(1, 0)]) });
    assert_eq!(answered(&play(&model)), [0, 1]);
    let exit = Otherwise::Exit(acd::Exit::Leave(acd::ExitId(1)));
    model.customers[0].wanted = Some(Wish { agents: vec![None], otherwise: exit, ..wish(&[]) });
    let day = play(&model);
    assert_eq!((answered(&day), day.queues[0].day().overflowed), ([0, 0], 1));
}

#[test]
fn a_wish_that_nobody_can_have_is_refused() {
    let refused = |wanted: Wish, also: &[QueueId]| {
        let mut model = two_agents(at(&[1], seconds(25)));
        model.queues.push(whatif::Queue::new(2, "other"));
        model.customers[0].wanted = Some(wanted);
        model.customers[0].also = also.to_vec();
        matches!(whatif::run(&model, 1, 0, Watch::End), Err(RunError::Model(whatif::ModelFault::Wish(_))))
    };
    assert!(refused(wish(&[]), &[]) && refused(wish(&[(0, 0); 2]), &[]) && refused(wish(&[(2, 0)]), &[]));
    assert!(refused(wish(&[(0, 0)]), &[QueueId(2)]), "in several queues nobody is wanted");
    assert!(!refused(wish(&[(0, 0), (1, 0)]), &[]));
}

/// A is served by the first agent until 1:00 and comes with something else five minutes later; meanwhile B is with the second,
/// who is idle longest or not at all.
fn returns(last_agent: Option<LastAgent>) -> Model {
    let mut model = two_agents(CustomerType { retrial: again(0.0, 1.0, 300), ..at(&[10], seconds(50)) });
    model.horizon = seconds(600);
    model.queues[0].last_agent = last_agent;
    model
}

#[test]
fn who_was_served_and_comes_again_wants_the_agent_of_the_last_conversation() {
    // At 0:10 the first takes A; the second has been idle longer when A is back at 6:00.
    assert_eq!(answered(&play(&returns(None))), [1, 1]);
    let rule = |remember, wait| Some(LastAgent { remember: seconds(remember), wait: seconds(wait) });
    assert_eq!(answered(&play(&returns(rule(600, 20)))), [2, 0]);
    assert_eq!(answered(&play(&returns(rule(299, 20)))), [1, 1], "forgotten a second before");

    let mut busy = returns(rule(600, 20));
    // From 5:50 on the first agent is with somebody who wants this one, for a minute.
    busy.customers.push(CustomerType { wanted: Some(wish(&[(0, 0)])), ..at(&[350], seconds(60)) });
    let day = play(&busy);
    assert_eq!(answered(&day), [2, 1], "after 20 s the second takes A");
    let waited = day.customers[0].day().wait_answered.as_secs_f64();
    assert!((waited - 20.0).abs() < 0.005, "{waited}");

    let mut named = returns(rule(600, 20));
    named.customers[0].wanted = Some(wish(&[(1, 0)]));
    assert_eq!(answered(&play(&named)), [0, 2], "those whom the number names come first");
}

#[test]
fn a_new_matter_has_a_wait_and_a_length_of_its_own_and_none_begins_when_the_doors_are_closed() {
    let mut model = returns(None);
    model.customers[0].handling = Handling::same(Distribution::exponential(seconds(50)));
    let tally = play(&model).customers[0].all();
    assert_eq!((tally.offered, tally.retrials, tally.answered), (2, 1, 2));
    let one = {
        let mut model = model.clone();
        model.customers[0].retrial.after_answer = 0.0;
        play(&model).customers[0].all().handled
    };
    assert_ne!(tally.handled, 2 * one, "the second conversation is drawn anew");
    model.horizon = seconds(300);
    assert_eq!(play(&model).customers[0].all().offered, 1);

    // One agent, and somebody else on the line when A comes with the second matter: only that wait counts for it.
    let mut waits = one_agent(CustomerType { retrial: again(0.0, 1.0, 300), ..at(&[20], seconds(40)) });
    waits.horizon = seconds(600);
    waits.customers.push(at(&[0, 360], seconds(30)));
    let tally = play(&waits).customers[0].all();
    assert_eq!((tally.wait_answered, tally.wait_max), (seconds(10 + 20), seconds(20)));
}

#[test]
fn a_day_full_of_wishes_and_returns_keeps_every_invariant() {
    let mut model = crate::small();
    model.queues[0].keep_place = Some(seconds(600));
    model.queues[0].last_agent = Some(LastAgent { remember: HOUR, wait: seconds(40) });
    model.queues[0].settings.max_length =
        Some(acd::MaxLength { waiting: 8, exit: acd::Exit::Leave(acd::ExitId(1)) });
    model.distributor.waiting_max = 9;
    model.customers[0].retrial = again(0.7, 0.4, 200);
    let mut named = CustomerType::new(
        "named",
        QueueId(1),
        Arrivals::poisson(30.0),
        Handling::same(Distribution::exponential(seconds(120))),
    );
    named.patience = Some(Law::same(Distribution::exponential(seconds(150))));
    named.wanted = Some(wish(&[(0, 3), (0, 5), (0, 9)]));
    model.customers.push(named);
    let heads = [(0, 6), (3_600, 3), (7_200, 8)];
    let heads = heads.map(|(from, agents)| HeadCount { from: seconds(from), agents }).to_vec();
    model.groups[0].members = Members::Alike { settings: AgentSettings::default(), heads };
    for replication in 0..4 {
        let close = whatif::run(&model, 5, replication, Watch::EveryEvent).expect("every invariant holds");
        let few = std::num::NonZeroU32::new(7).expect("seven");
        assert_eq!(whatif::run(&model, 5, replication, Watch::EveryNth(few)), Ok(close.clone()));
        assert_eq!(whatif::run(&model, 5, replication, Watch::End), Ok(close));
    }
}
