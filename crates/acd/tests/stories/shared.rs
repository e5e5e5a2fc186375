//! Settings of the whole change while people wait, talk and wrap up: at once, and nobody is lost.

use acd::estimate::{EstimateRules, NoEstimate};
use acd::{
    Activity, AgentId, AgentSettings, Capacity, Channel, Command, Event, ForcedPresence, IdleClock,
    InteractionId, Interruptions, Invalid, Lease, Presence, QueueId, ReasonCode, Refusal, RejectCause,
    Requirement, Selection, Setting, Settings, Strategy, SupervisorId,
};

use crate::{BILLING, World, seconds};

const CHAT: Channel = Channel(1);

impl World {
    fn try_configure(&mut self, change: impl FnOnce(&mut Settings)) -> Result<(), Refusal> {
        let mut settings = Box::new(self.acd.settings().clone());
        change(&mut settings);
        self.try_to(Command::Configure { settings })
    }

    fn configure(&mut self, change: impl FnOnce(&mut Settings)) {
        self.try_configure(change).expect("the settings are right in this story");
    }

    /// In the order in which one agent who serves the queue would take them.
    fn line(&self, queue: u32) -> Vec<u64> {
        self.acd.first_in_line(QueueId(queue), 10).iter().map(|waiting| waiting.interaction.0).collect()
    }
}

fn lasts_until(world: &World, agent: u32) -> u64 {
    match world.activity(agent) {
        Activity::AfterCallWork { since, until, .. } => (until - since).as_secs(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_told_what_is_another_and_nothing_where_all_is_as_before() {
    let mut world = World::with_queue();
    world.take_events();
    world.configure(|settings| {
        settings.misses_max = 1;
        settings.head_start_per_point = seconds(10);
        settings.estimate.samples_min = 5;
    });
    let changed = vec![Setting::HeadStartPerPoint, Setting::MissesMax, Setting::Estimate];
    assert_eq!(world.take_events(), [Event::Configured { changed }]);
    assert_eq!(world.acd.settings().misses_max, 1);
    let before = world.acd.state_hash();
    world.configure(|_| {});
    assert_eq!((world.take_events(), world.acd.state_hash()), (Vec::new(), before));
}

#[test]
fn each_wrong_value_has_its_own_refusal_and_nothing_of_the_rest_is_taken() {
    let mut world = World::with_queue();
    world.agent(1, &[(BILLING, 3)]);
    let before = world.acd.state_hash();
    let mut refused = |change: fn(&mut Settings)| {
        let refusal = world.try_configure(|settings| {
            settings.misses_max = 9;
            change(settings);
        });
        assert_eq!(world.acd.state_hash(), before);
        refusal.expect_err("a wrong value")
    };
    let no_lease = |lease| Refusal::Invalid(Invalid::NoLease(lease));
    assert_eq!(
        refused(|settings| settings.handling_lease = Some(seconds(0))),
        no_lease(Setting::HandlingLease)
    );
    assert_eq!(
        refused(|settings| settings.occupied_lease = Some(seconds(0))),
        no_lease(Setting::OccupiedLease)
    );
    assert_eq!(refused(|settings| settings.log_in_lease = Some(seconds(0))), no_lease(Setting::LogInLease));
    assert_eq!(
        refused(|settings| settings.selection = Selection::LateLast { guard: seconds(0) }),
        Refusal::Invalid(Invalid::NoGuard)
    );
    assert_eq!(refused(|settings| settings.seed += 1), Refusal::FixedAtStart(Setting::Seed));
    assert_eq!(refused(|settings| settings.pooled_from += 1), Refusal::FixedAtStart(Setting::PooledFrom));
    assert_eq!(refused(|settings| settings.pools_max += 1), Refusal::FixedAtStart(Setting::PoolsMax));
    assert_eq!(refused(|settings| settings.agents_max = 0), Refusal::TooManyAgents);
    assert_eq!(refused(|settings| settings.queues_max = 0), Refusal::TooManyQueues);
    assert_eq!(refused(|settings| settings.skills_max = 0), Refusal::Invalid(Invalid::TooManySkills));
    let text = no_lease(Setting::LogInLease).to_string();
    assert_eq!(text, "the settings are wrong: log_in_lease must be more than zero, or none");
    let text = Refusal::FixedAtStart(Setting::Seed).to_string();
    assert_eq!(text, "seed cannot change while the distributor runs");
}

#[test]
fn a_bound_of_requirements_is_not_lowered_below_one_that_somebody_brought() {
    let mut world = World::with_queue();
    let nested = Requirement::Not(Box::new(Requirement::Not(Box::new(Requirement::at_least(BILLING, 1)))));
    world.call_with(1, 1, 0, Some(nested));
    let refusal = world.try_configure(|settings| settings.requirement_depth_max = 1);
    assert_eq!(refusal, Err(Refusal::Invalid(Invalid::RequirementTooDeep)));
    world.hang_up(1);
    world.configure(|settings| settings.requirement_depth_max = 1);
}

#[test]
fn a_new_head_start_counts_for_everybody_who_waits_at_once() {
    let mut world = World::with_queue();
    world.call_with(1, 1, 0, None);
    world.wait(seconds(30));
    world.call_with(2, 1, 1, None);
    world.wait(seconds(30));
    world.call_with(3, 1, 2, None);
    world.call_with(4, 1, -1, None);
    assert_eq!(world.line(1), [3, 2, 1, 4], "60 s a point");
    world.configure(|settings| settings.head_start_per_point = seconds(20));
    assert_eq!(world.line(1), [1, 2, 3, 4]);
    world.configure(|settings| settings.head_start_per_point = seconds(25));
    assert_eq!(world.line(1), [1, 2, 3, 4], "25 s and 50 s are not enough for 30 s and 60 s");
    world.configure(|settings| settings.head_start_per_point = seconds(0));
    assert_eq!(world.line(1), [1, 2, 3, 4], "by arrival, then by number");
    world.configure(|settings| settings.head_start_per_point = seconds(45));
    assert_eq!(world.line(1), [3, 2, 1, 4]);
    world.agent(1, &[]);
    assert_eq!(world.rings(1), Some(3));
}

#[test]
fn who_is_rung_for_stands_by_the_new_head_start_when_that_has_failed() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call_with(1, 1, 3, None);
    world.wait(seconds(1));
    world.call_with(2, 1, 0, None);
    world.configure(|settings| settings.head_start_per_point = seconds(0));
    world.accept(1);
    world.configure(|settings| settings.head_start_per_point = seconds(60));
    world.give_back(1);
    assert_eq!(world.line(1), [1], "the agent takes the other, because this one is excluded");
    world.call_with(3, 1, 2, None);
    assert_eq!(world.line(1), [1, 3]);
}

#[test]
fn a_longer_lease_counts_from_the_last_renewal_and_so_does_a_shorter_one() {
    let mut world = World::with(Settings { handling_lease: Some(seconds(60)), ..Settings::default() });
    world.queue(1, |_| {});
    for id in 1..=2 {
        world.agent(id, &[]);
        world.call(id.into(), 1);
        world.accept(id);
    }
    world.wait(seconds(30));
    world.tell(Command::Renew { lease: Lease::Handling(InteractionId(2)) });
    world.wait(seconds(20));
    world.configure(|settings| settings.handling_lease = Some(seconds(100)));
    world.wait(seconds(45));
    assert!(matches!(world.activity(1), Activity::Handling { .. }), "95 s after the answer");
    world.wait(seconds(6));
    assert!(matches!(world.activity(1), Activity::Idle { .. }));
    // 71 s after the renewal of the other.
    world.configure(|settings| settings.handling_lease = Some(seconds(70)));
    world.wait(seconds(1));
    assert!(matches!(world.activity(2), Activity::Idle { .. }));
}

#[test]
fn a_lease_may_come_and_go_while_people_talk() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    world.accept(1);
    world.wait(seconds(50));
    world.configure(|settings| {
        settings.handling_lease = Some(seconds(60));
        settings.log_in_lease = Some(seconds(300));
    });
    world.wait(seconds(5));
    world.configure(|settings| settings.handling_lease = None);
    world.wait(seconds(100));
    assert!(matches!(world.activity(1), Activity::Handling { .. }), "nothing ends it any more");
    world.wait(seconds(150));
    assert_eq!(world.presence(1), Presence::LoggedOut, "the log-in has a lease since");
}

#[test]
fn lowered_after_call_work_gets_a_new_end_or_ends_at_once_and_raised_it_may_be_extended() {
    let mut world = World::new();
    world.queue(1, |queue| queue.after_call_work = seconds(600));
    for id in 1..=2 {
        world.agent(id, &[]);
        world.call(id.into(), 1);
        world.accept(id);
    }
    world.finish(1);
    world.wait(seconds(50));
    world.finish(2);
    world.wait(seconds(20));
    world.call(3, 1);
    world.take_events();
    world.configure(|settings| settings.after_call_work_max = seconds(60));
    let told = world.take_events();
    assert!(matches!(told[1], Event::AfterCallWorkEnded { agent: AgentId(1), .. }), "{told:?}");
    assert_eq!(world.rings(1), Some(3), "and is rung in the same call");
    assert_eq!(lasts_until(&world, 2), 60);
    world.configure(|settings| settings.after_call_work_max = seconds(3_600));
    assert_eq!(lasts_until(&world, 2), 60, "a bound that is raised gives time to who asks for it");
    let agent = AgentId(2);
    world.tell(Command::ExtendAfterCallWork { agent, interaction: None, by: seconds(100) });
    assert_eq!(lasts_until(&world, 2), 160);
}

#[test]
fn a_smaller_bound_of_those_who_wait_refuses_the_next_and_sends_nobody_away() {
    let mut world = World::with_queue();
    (1..=3).for_each(|id| world.call(id, 1));
    world.configure(|settings| settings.waiting_max = 2);
    assert_eq!(world.line(1), [1, 2, 3]);
    let request = acd::Request::new(QueueId(1));
    let enqueue = |id| Command::Enqueue { interaction: InteractionId(id), request: request.clone() };
    assert_eq!(world.try_to(enqueue(4)), Err(Refusal::TooManyWaiting));
    world.hang_up(1);
    world.hang_up(2);
    world.tell(enqueue(4));
    let written = serde_json::to_string(&world.acd).expect("plain data");
    assert!(serde_json::from_str::<acd::Distributor>(&written).is_ok());
}

#[test]
fn misses_go_on_being_counted() {
    let mut world = World::new();
    world.queue(1, |queue| queue.back_offs = acd::BackOffs { no_answer: none(), ..Default::default() });
    world.agent(1, &[]);
    for call in 1..=2 {
        world.call(call, 1);
        world.reject(1, RejectCause::NoAnswer);
        world.hang_up(call);
    }
    world.configure(|settings| settings.misses_max = 2);
    assert_eq!(world.presence(1), Presence::Ready, "it is looked at when the next one is missed");
    world.call(3, 1);
    world.reject(1, RejectCause::NoAnswer);
    assert_eq!(world.presence(1), Presence::NotReady(ReasonCode::MISSED));
}

fn none() -> acd::BackOff {
    acd::BackOff { pause: seconds(0), exclusion: seconds(0) }
}

fn force(world: &mut World, presence: Presence) {
    let (agent, by, why) = (AgentId(1), SupervisorId(1), ReasonCode(4));
    world.tell(Command::ForcePresence { agent, presence, by, why });
}

#[test]
fn what_is_forced_holds_from_the_change_on_or_may_be_changed() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    force(&mut world, Presence::NotReady(ReasonCode(4)));
    world.configure(|settings| settings.forced_presence = ForcedPresence::HoldsUntilLifted);
    assert_eq!(world.try_to(Command::SetReady { agent: AgentId(1) }), Err(Refusal::Forced(AgentId(1))));
    world.configure(|settings| settings.forced_presence = ForcedPresence::AgentMayChange);
    world.ready(1);
    assert_eq!(world.presence(1), Presence::Ready);
}

#[test]
fn an_agent_who_missed_too_much_although_forced_is_forced_no_more_where_agents_may_change_it() {
    let mut world = World::with(Settings {
        forced_presence: ForcedPresence::HoldsUntilLifted,
        misses_max: 1,
        ..Settings::default()
    });
    world.queue(1, |_| {});
    world.agent(1, &[]);
    force(&mut world, Presence::Ready);
    world.call(1, 1);
    world.reject(1, RejectCause::NoAnswer);
    assert!(world.acd.state().agents[&AgentId(1)].forced.is_some());
    world.configure(|settings| settings.forced_presence = ForcedPresence::AgentMayChange);
    assert!(world.take_events().contains(&Event::AgentForced { agent: AgentId(1), forced: None }));
}

/// Agent 1 chats; a call waits.
fn a_chat_and_a_call(interruptions: Interruptions) -> World {
    let mut world = World::with(Settings { interruptions, ..Settings::default() });
    world.queue(1, |_| {});
    world.queue(2, |queue| queue.channel = CHAT);
    let capacity = Capacity::default().with(CHAT, 1);
    world.define_agent(1, &[], |agent| agent.capacity = capacity);
    world.log_in(1);
    world.call(1, 2);
    world.accept(1);
    world
}

#[test]
fn who_may_be_interrupted_from_now_on_is_offered_what_waits_in_the_same_call() {
    let mut world = a_chat_and_a_call(Interruptions::default());
    world.call(2, 1);
    assert_eq!(world.rings(1), None);
    let allowed = Interruptions::default().allow(CHAT, Channel::VOICE);
    world.configure(|settings| settings.interruptions = allowed);
    assert_eq!(world.rings(1), Some(2));
    world.accept(1);
    world.configure(|settings| settings.interruptions = Interruptions::default());
    assert!(matches!(world.activity(1), Activity::Handling { .. }), "what is in hand stays there");
}

#[test]
fn who_may_not_be_interrupted_any_more_is_offered_nothing_and_what_rings_goes_on() {
    let allowed = Interruptions::default().allow(CHAT, Channel::VOICE);
    let mut world = a_chat_and_a_call(allowed);
    world.configure(|settings| settings.interruptions = Interruptions::default());
    world.call(2, 1);
    assert_eq!(world.rings(1), None);
    world.configure(|settings| settings.interruptions = allowed);
    assert_eq!(world.rings(1), Some(2));
    world.configure(|settings| settings.interruptions = Interruptions::default());
    assert_eq!(world.rings(1), Some(2), "what rings, rings");
}

#[test]
fn who_becomes_available_by_other_interruptions_is_so_since_then() {
    let mut world = World::new();
    world.queue(1, |queue| queue.strategy = Strategy::LongestIdle(IdleClock::SinceReady));
    world.queue(2, |queue| queue.channel = CHAT);
    world.define_agent(1, &[], |agent| agent.capacity = Capacity::default().with(CHAT, 1));
    world.log_in(1);
    world.call(1, 2);
    world.accept(1);
    world.wait(seconds(10));
    world.agent(2, &[]);
    world.wait(seconds(10));
    let allowed = Interruptions::default().allow(CHAT, Channel::VOICE);
    world.configure(|settings| settings.interruptions = allowed);
    assert_eq!(world.occupancy(1), 1_000_000, "taken in that moment");
    world.wait(seconds(10));
    world.call(2, 1);
    assert_eq!((world.rings(2), world.rings(1)), (Some(2), None), "the other has been available for longer");
}

#[test]
fn agents_who_are_looked_at_as_one_are_so_again_by_other_interruptions() {
    let mut world = World::new();
    world.queue(1, |_| {});
    world.queue(2, |queue| queue.channel = CHAT);
    let capacity = Capacity::default().with(CHAT, 1);
    for id in 1..=20 {
        world.define_agent(id, &[(BILLING, 1)], |agent| agent.capacity = capacity);
        world.log_in(id);
    }
    let allowed = Interruptions::default().allow(CHAT, Channel::VOICE);
    world.call(1, 2);
    world.accept(1);
    world.configure(|settings| settings.interruptions = allowed);
    (2..=21).for_each(|id| world.call(id, 1));
    let rung: Vec<u32> = (1..=20).filter(|&id| world.rings(id).is_some()).collect();
    assert_eq!(rung, (1..=20).collect::<Vec<u32>>(), "the one who chats, too");
    world.configure(|settings| settings.interruptions = Interruptions::default());
}

#[test]
fn the_usual_selection_is_another_for_who_has_none_of_their_own() {
    let mut world = World::new();
    world.queue(1, |queue| queue.weight = 1);
    world.queue(2, |queue| queue.weight = 100);
    for id in 1..=2 {
        world.define_agent(id, &[], |_: &mut AgentSettings| {});
    }
    world.define_agent(3, &[], |agent| agent.selection = Some(Selection::Oldest));
    world.call(1, 1);
    world.call(2, 1);
    world.wait(seconds(5));
    world.call(3, 2);
    world.wait(seconds(5));
    world.configure(|settings| settings.selection = Selection::Weight);
    world.log_in(1);
    assert_eq!(world.rings(1), Some(3));
    world.log_in(3);
    assert_eq!(world.rings(3), Some(1));
    world.configure(|settings| settings.selection = Selection::Oldest);
    world.log_in(2);
    assert_eq!(world.rings(2), Some(2));
}

#[test]
fn beyond_a_lower_bound_of_exclusions_the_one_that_ends_first_ends_now() {
    let mut world = World::new();
    let back_off = acd::BackOff { pause: seconds(0), exclusion: seconds(500) };
    world.queue(1, |queue| queue.back_offs.rejected = back_off);
    (1..=3).for_each(|id| world.agent(id, &[]));
    world.not_ready(3, 1);
    world.call(1, 1);
    world.reject(1, RejectCause::Rejected);
    world.wait(seconds(1));
    world.reject(2, RejectCause::Rejected);
    assert_eq!((world.rings(1), world.rings(2)), (None, None));
    world.configure(|settings| settings.exclusions_max = 1);
    assert_eq!((world.rings(1), world.rings(2)), (Some(1), None));
}

#[test]
fn other_rules_of_estimates_count_at_once_for_what_was_seen_so_far() {
    let estimate = EstimateRules { samples_min: 3, ..EstimateRules::default() };
    let mut world = World::with(Settings { estimate, ..Settings::default() });
    world.queue(1, |_| {});
    world.agent(1, &[]);
    world.call(1, 1);
    for call in 2..=6 {
        world.call(call, 1);
        world.talk(1, seconds(20));
    }
    let asks = |world: &World| world.acd.estimate(world.now, QueueId(1)).expect("it is defined");
    let before = asks(&world).expect("enough was seen");
    world.configure(|settings| settings.estimate.samples_min = 1_000);
    assert!(matches!(asks(&world), Err(NoEstimate::PoorSample { .. })), "{:?}", asks(&world));
    world.configure(|settings| settings.estimate.samples_min = 3);
    assert_eq!(asks(&world), Ok(before), "nothing was forgotten");
    world.configure(|settings| settings.estimate.half_life = seconds(60));
    assert_eq!(asks(&world).expect("enough was seen").wait, before.wait, "it weighs what it weighed");
    world.wait(seconds(600));
    assert!(asks(&world).is_err(), "and fades faster from here");
}
