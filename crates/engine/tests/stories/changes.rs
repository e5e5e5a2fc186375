//! Somebody changes a call that waits.

use acd::{
    Change, Command, InteractionId, OverflowCause, QueueSettings, Refusal, Requirement, SkillId, SupervisorId,
};
use engine::{CHANGES_MAX, ChangeRecord, Outcome, Standing, Treatment};

use crate::world::{BILLING, MUSIC, Manner, OTHER, World};

const PARK: Option<SupervisorId> = Some(SupervisorId(3));

impl World {
    /// What the API does with a change.
    fn change(
        &mut self,
        call: InteractionId,
        change: Change,
        by: Option<SupervisorId>,
    ) -> Result<(), Refusal> {
        let command = Command::Change { interaction: call, change, by };
        let done = self.distributor.handle_command(self.now, command);
        self.run(20);
        done
    }

    /// Those in progress, oldest first.
    fn calls(&self) -> Vec<InteractionId> {
        self.engine.interactions(None, 9, None, None).iter().map(|one| one.story.interaction).collect()
    }
}

/// Two queues whose callers hear different things, and nobody there.
fn unstaffed() -> World {
    let mut world = World::new(Treatment::Ringback);
    world.directory.queues.insert(OTHER, Treatment::Music(MUSIC));
    world.reload(Vec::new());
    world
}

#[test]
fn a_call_with_more_points_than_before_is_answered_before_those_who_came_first() {
    let mut world = unstaffed();
    let callers = [world.peer("10.0.0.2", Manner::ByHand), world.peer("10.0.0.3", Manner::ByHand)];
    let sessions = callers.map(|caller| {
        let session = world.call(caller, "100");
        world.run(1_000);
        session
    });
    let calls = world.calls();
    let at = world.now;
    assert_eq!(world.change(calls[1], Change::priority(2), PARK), Ok(()));
    world.agent(1, Manner::Answers(1_000));
    world.run(2_000);
    let told = calls.iter().map(|&call| world.engine.interaction(call).map(|one| one.standing));
    assert_eq!(told.collect::<Vec<_>>(), [Some(Standing::Waiting), Some(Standing::Talking)]);
    assert_eq!(world.change(calls[1], Change::priority(0), None), Err(Refusal::WrongStage(calls[1])));
    world.bye(callers[1], sessions[1]);
    world.run(2_000);
    world.bye(callers[0], sessions[0]);
    world.assert_nothing_left();
    let stories: Vec<_> = world.records().iter().map(|record| record.story.clone()).collect();
    assert_eq!(stories.iter().map(|one| one.interaction).collect::<Vec<_>>(), [calls[1], calls[0]]);
    let change = ChangeRecord { at, by: PARK, change: Change::priority(2) };
    assert_eq!((stories[0].priority, &stories[0].changes), (2, &vec![change]));
    assert_eq!((stories[1].priority, stories[1].changes_total), (0, 0));
}

#[test]
fn a_call_that_is_moved_hears_what_the_other_queue_plays_and_its_visits_say_so() {
    let mut world = unstaffed();
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(5_000);
    assert_eq!(world.sent("SIP/2.0 200", world.at(caller)), 0, "it rings");
    let call = world.calls()[0];
    let needs = Requirement::at_least(SkillId(1), 3);
    let change = Change { requirement: Some(Some(needs.clone())), ..Change::queue(OTHER) };
    assert_eq!(world.change(call, change, None), Ok(()));
    assert_eq!(world.sent("SIP/2.0 200", world.at(caller)), 1, "answered by music");
    world.agent(1, Manner::Answers(1_000));
    world.run(2_000);
    let story = world.engine.interaction(call).expect("it goes on").story;
    assert_eq!((story.queue, story.requirement.as_ref()), (OTHER, Some(&needs)));
    assert!(story.attempts.is_empty(), "agent 1 has no such skill");
    let visits: Vec<_> =
        story.visits.iter().map(|one| (one.queue, one.overflowed.map(|(_, why)| why))).collect();
    assert_eq!(visits, [(BILLING, Some(OverflowCause::Moved)), (OTHER, None)]);
    assert_eq!(world.change(call, Change::requirement(None), None), Ok(()));
    world.run(2_000);
    world.bye(caller, session);
    world.assert_nothing_left();
    let record = world.records()[0].clone();
    assert_eq!((record.outcome, record.story.changes_total), (Outcome::Answered, 2));
    assert_eq!(record.story.requirement, None);
}

#[test]
fn changes_are_listed_up_to_a_bound_and_what_changes_nothing_is_not() {
    let mut world = unstaffed();
    world.define(OTHER, QueueSettings::default());
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "300");
    world.run(100);
    let call = world.calls()[0];
    for points in 1..=CHANGES_MAX as i32 + 4 {
        assert_eq!(world.change(call, Change::priority(points), PARK), Ok(()));
        assert_eq!(world.change(call, Change::priority(points), None), Ok(()));
    }
    let story = world.engine.interaction(call).expect("it waits").story;
    assert_eq!((story.changes.len(), story.changes_total), (CHANGES_MAX, CHANGES_MAX as u32 + 4));
    assert_eq!(story.priority, CHANGES_MAX as i32 + 4);
    assert_eq!(story.changes[0].change, Change::priority(5), "the last ones");
    assert_eq!(world.change(call, Change::queue(OTHER), None), Ok(()));
    let story = world.engine.interaction(call).expect("it waits").story;
    assert_eq!((story.queue, story.visits_total), (OTHER, 2), "it waited in both and has left one");
    world.cancel(caller, session);
    world.assert_nothing_left();
}
