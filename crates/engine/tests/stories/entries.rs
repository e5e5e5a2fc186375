//! A dialled number whose callers wait in two queues at once.

use acd::{DequeueCause, QueueSettings, Requirement, SkillId};
use engine::{Outcome, Standing, Story, Treatment};

use crate::world::{BILLING, MUSIC, Manner, OTHER, World};

/// The number 300 leads to both queues; whoever is hired serves the second.
fn two_queues(treatment: Treatment) -> World {
    let mut world = World::new(treatment);
    let requirement = Requirement::at_least(SkillId(1), 5);
    world.define(BILLING, QueueSettings { requirement, ..QueueSettings::default() });
    world
}

fn visits(story: &Story) -> Vec<(acd::QueueId, Option<DequeueCause>)> {
    story.visits.iter().map(|one| (one.queue, one.dequeued.map(|(_, cause)| cause))).collect()
}

#[test]
fn caller_of_two_queues_hears_the_first_and_talks_to_the_agent_of_the_second() {
    let mut world = two_queues(Treatment::Ringback);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "300");
    world.run(5_000);
    for queue in [BILLING, OTHER] {
        let seen = world.engine.interactions(None, 9, Some(queue), None);
        assert_eq!(seen.iter().map(|one| one.standing).collect::<Vec<_>>(), [Standing::Waiting]);
        assert_eq!(seen[0].story.queue, BILLING);
    }
    assert_eq!(world.sent("SIP/2.0 180", world.at(caller)), 1);
    world.agent(1, Manner::Answers(2_000));
    world.run(4_000);
    let talking = world.engine.interactions(None, 9, Some(OTHER), Some(acd::AgentId(1)));
    assert_eq!(talking.iter().map(|one| one.standing).collect::<Vec<_>>(), [Standing::Talking]);
    assert!(world.engine.interactions(None, 9, Some(BILLING), None).is_empty(), "it is there no longer");
    world.bye(caller, session);
    world.assert_nothing_left();
    let record = world.records()[0];
    assert_eq!((record.outcome, record.story.queue), (Outcome::Answered, OTHER));
    assert_eq!(visits(&record.story), [(BILLING, Some(DequeueCause::Answered)), (OTHER, None)]);
    assert_eq!(record.waited().as_secs(), 7);
}

#[test]
fn caller_of_two_queues_who_gives_up_is_an_abandon_of_the_first() {
    let mut world = two_queues(Treatment::Music(MUSIC));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "300");
    world.run(5_000);
    world.bye(caller, session);
    world.assert_nothing_left();
    let record = world.records()[0];
    assert_eq!((record.outcome, record.story.queue), (Outcome::Abandoned, BILLING));
    assert_eq!(visits(&record.story), [(BILLING, None), (OTHER, Some(DequeueCause::Abandoned))]);
    let totals = world.totals();
    assert_eq!((totals.offered, totals.abandoned, totals.dequeued), (2, 1, 1));
}
