//! Several channels: how much an agent has in hand at once, and what may interrupt what.

use acd::{Aside, CAPACITY_MAX, CHANNELS_MAX, Capacity, Channel, HandlingEnd, Interruptions, Invalid, Lease};

use super::*;

const CHAT: Channel = Channel(1);
const CALLS: u32 = 1;
const CHATS: u32 = 2;

/// Queue 1 of calls, queue 2 of chats, and agent 1 who takes one call and so many chats.
fn world(settings: Settings, chats: u8) -> World {
    let mut world = World::with(settings);
    world.queue(CALLS, |_| {});
    world.queue(CHATS, |queue| queue.channel = CHAT);
    world.define_agent(1, &[], |agent| agent.capacity = Capacity::default().with(CHAT, chats));
    world.log_in(1);
    world
}

/// Calls may interrupt chats.
fn interrupting() -> Settings {
    let interruptions = Interruptions::default().allow(CHAT, Channel::VOICE);
    Settings { interruptions, ..Settings::default() }
}

impl World {
    /// An interaction enters a queue and the agent takes it at once.
    fn take(&mut self, id: u64, queue: u32) {
        self.call(id, queue);
        assert_eq!(self.rings(1), Some(id));
        self.accept(1);
    }

    fn in_hand(&self) -> Vec<u64> {
        let state = self.acd.state();
        state.agents[&AgentId(1)].works.iter().map(|work| work.interaction.0).collect()
    }

    fn is_waiting(&self, id: u64) -> bool {
        self.acd.state().interactions[&InteractionId(id)].stage == Stage::Waiting
    }
}

#[test]
fn an_agent_takes_as_many_chats_at_once_as_the_capacity_says() {
    let mut world = world(Settings::default(), 3);
    for chat in 1..=3 {
        world.take(chat, CHATS);
    }
    world.call(4, CHATS);
    assert!(world.is_waiting(4));
    world.finish(2);
    assert_eq!(world.rings(1), Some(4), "in place of the one that is over");
    assert_eq!(world.in_hand(), [1, 3, 4]);
}

#[test]
fn whoever_logs_in_while_chats_wait_is_given_as_many_as_fit() {
    let mut world = world(Settings::default(), 3);
    world.log_out(1);
    for chat in 1..=4 {
        world.call(chat, CHATS);
    }
    world.log_in(1);
    assert_eq!(world.in_hand(), [1, 2, 3]);
    assert!(world.is_waiting(4));
}

#[test]
fn without_a_rule_nothing_of_another_channel_is_offered() {
    let mut world = world(Settings::default(), 3);
    world.take(1, CHATS);
    world.call(2, CALLS);
    assert!(world.is_waiting(2), "a chat is in hand");
    world.finish(1);
    assert_eq!(world.rings(1), Some(2));
    world.call(3, CHATS);
    assert!(world.is_waiting(3), "a call rings");
}

#[test]
fn a_call_interrupts_chats_until_its_after_call_work_is_over() {
    let mut world = world(interrupting(), 2);
    world.queue(CALLS, |queue| queue.after_call_work = seconds(20));
    world.take(1, CHATS);
    world.wait(seconds(10));
    world.call(2, CALLS);
    assert_eq!(world.rings(1), Some(2));
    world.take_events();
    world.accept(1);
    let (agent, queue) = (AgentId(1), QueueId(CHATS));
    let (chat, by) = (InteractionId(1), InteractionId(2));
    let events = world.take_events();
    assert!(events.contains(&Event::Interrupted { interaction: chat, queue, agent, by }));
    world.call(3, CHATS);
    assert!(world.is_waiting(3), "chats do not interrupt calls");
    world.wait(seconds(60));
    world.finish(2);
    assert!(matches!(world.activity(1), Activity::AfterCallWork { interaction: InteractionId(2), .. }));
    world.take_events();
    world.wait(seconds(15));
    world.tell(Command::EndAfterCallWork { agent, interaction: None });
    let events = world.take_events();
    assert!(events.contains(&Event::Resumed {
        interaction: chat,
        queue,
        agent,
        interrupted_for: seconds(75)
    }));
    assert_eq!(world.rings(1), Some(3), "chats again");
    world.finish(1);
    let ended = Event::HandlingEnded {
        interaction: chat,
        queue,
        agent,
        handled_for: seconds(85),
        interrupted_for: seconds(75),
        cause: HandlingEnd::Finished,
    };
    assert!(world.take_events().contains(&ended));
}

#[test]
fn a_chat_that_ends_during_the_call_says_how_long_it_was_interrupted() {
    let mut world = world(interrupting(), 2);
    world.take(1, CHATS);
    world.take(2, CALLS);
    world.wait(seconds(30));
    world.take_events();
    world.finish(1);
    let said = world.take_events();
    let interrupted = said.iter().find_map(|event| match event {
        Event::HandlingEnded { interrupted_for, .. } => Some(*interrupted_for),
        _ => None,
    });
    assert_eq!(interrupted, Some(seconds(30)));
    assert!(!said.iter().any(|event| matches!(event, Event::Resumed { .. })), "it ended instead");
}

#[test]
fn channels_that_interrupt_each_other_leave_the_last_answered_in_front() {
    let each_other = Interruptions::default().allow(CHAT, Channel::VOICE).allow(Channel::VOICE, CHAT);
    let mut world = world(Settings { interruptions: each_other, ..Settings::default() }, 2);
    world.take(1, CHATS);
    world.take(2, CALLS);
    world.take_events();
    world.take(3, CHATS);
    let events = world.take_events();
    let is_about = |event: &&Event| matches!(event, Event::Interrupted { .. } | Event::Resumed { .. });
    let about: Vec<&Event> = events.iter().filter(is_about).collect();
    assert!(matches!(about[0], Event::Resumed { interaction: InteractionId(1), .. }), "a chat like the last");
    assert!(matches!(about[1], Event::Interrupted { interaction: InteractionId(2), .. }));
    assert_eq!(about.len(), 2);
}

#[test]
fn after_call_work_is_work_of_its_channel() {
    let mut world = world(Settings::default(), 2);
    world.queue(CHATS, |queue| {
        queue.channel = CHAT;
        queue.after_call_work = seconds(20);
    });
    world.take(1, CHATS);
    world.take(2, CHATS);
    world.finish(1);
    world.call(3, CHATS);
    assert!(world.is_waiting(3), "one conversation and one wrap-up are two");
    assert!(matches!(world.activity(1), Activity::Handling { interaction: InteractionId(2), .. }));
    world.wait(seconds(21));
    assert_eq!(world.rings(1), Some(3));
}

#[test]
fn of_several_wrap_ups_the_first_is_ended_or_extended() {
    let mut world = world(Settings::default(), 2);
    world.queue(CHATS, |queue| {
        queue.channel = CHAT;
        queue.after_call_work = seconds(20);
    });
    world.take(1, CHATS);
    world.take(2, CHATS);
    world.finish(2);
    world.wait(seconds(5));
    world.finish(1);
    world.tell(Command::ExtendAfterCallWork { agent: AgentId(1), interaction: None, by: seconds(30) });
    world.wait(seconds(16));
    assert_eq!(world.in_hand(), [1], "answered first, and extended");
    world.tell(Command::EndAfterCallWork { agent: AgentId(1), interaction: None });
    assert!(world.is_available(1));
}

#[test]
fn of_several_wrap_ups_one_can_be_named() {
    let mut world = world(Settings::default(), 2);
    world.queue(CHATS, |queue| {
        queue.channel = CHAT;
        queue.after_call_work = seconds(20);
    });
    world.take(1, CHATS);
    world.take(2, CHATS);
    world.finish(1);
    world.finish(2);
    let (agent, second) = (AgentId(1), Some(InteractionId(2)));
    world.tell(Command::ExtendAfterCallWork { agent, interaction: second, by: seconds(30) });
    world.wait(seconds(21));
    assert_eq!(world.in_hand(), [2]);
    let stranger = Some(InteractionId(1));
    let over = world.try_to(Command::EndAfterCallWork { agent, interaction: stranger });
    assert_eq!(over, Err(Refusal::WrongActivity(agent)), "not that of somebody else instead");
    world.tell(Command::EndAfterCallWork { agent, interaction: second });
    assert!(world.is_available(1));
}

#[test]
fn time_with_two_chats_is_counted_once() {
    let mut world = world(Settings::default(), 2);
    world.take(1, CHATS);
    world.wait(seconds(30));
    world.take(2, CHATS);
    world.wait(seconds(30));
    world.finish(1);
    world.finish(2);
    world.wait(seconds(40));
    world.not_ready(1, 1);
    world.ready(1);
    assert_eq!(world.occupancy(1), 600_000, "60 s of 100 s");
}

#[test]
fn a_log_out_leaves_each_conversation_to_its_end() {
    let mut world = world(Settings::default(), 3);
    world.take(1, CHATS);
    world.take(2, CHATS);
    world.call(3, CHATS);
    world.log_out(1);
    assert!(world.is_waiting(3), "what rang is given back");
    assert_eq!(world.in_hand(), [1, 2]);
    world.finish(1);
    assert!(matches!(world.activity(1), Activity::Handling { interaction: InteractionId(2), .. }));
    world.finish(2);
    assert!(matches!(world.activity(1), Activity::Idle { .. }));
}

#[test]
fn a_removed_agent_is_gone_with_the_last_conversation() {
    let mut world = world(Settings::default(), 2);
    world.take(1, CHATS);
    world.take(2, CHATS);
    world.tell(Command::RemoveAgent { agent: AgentId(1) });
    world.finish(2);
    assert!(!world.take_events().contains(&Event::AgentRemoved { agent: AgentId(1) }));
    world.finish(1);
    assert!(world.take_events().contains(&Event::AgentRemoved { agent: AgentId(1) }));
}

#[test]
fn every_conversation_has_a_lease_of_its_own() {
    let leased = Settings { handling_lease: Some(seconds(60)), ..Settings::default() };
    let mut world = world(leased, 2);
    world.take(1, CHATS);
    world.take(2, CHATS);
    world.wait(seconds(40));
    world.tell(Command::Renew { lease: Lease::Handling(InteractionId(2)) });
    world.wait(seconds(30));
    assert_eq!(world.in_hand(), [2]);
    world.wait(seconds(40));
    assert!(world.in_hand().is_empty());
}

#[test]
fn who_declines_a_chat_is_left_alone_while_the_others_go_on() {
    let mut world = world(Settings::default(), 3);
    world.define_agent(2, &[], |agent| agent.capacity = Capacity::default().with(CHAT, 1));
    world.tell(Command::LogIn { agent: AgentId(2), not_ready: Some(ReasonCode(1)) });
    world.take(1, CHATS);
    world.call(2, CHATS);
    world.take_events();
    world.reject(1, RejectCause::Rejected);
    let aside = world.take_events().into_iter().find_map(|event| match event {
        Event::AgentAside { aside, .. } => Some(aside),
        _ => None,
    });
    assert!(matches!(aside, Some(Aside::BackingOff { .. })));
    assert!(matches!(world.activity(1), Activity::Handling { .. }), "in front");
    world.call(3, CHATS);
    assert!(world.is_waiting(3));
    world.wait(seconds(6));
    assert_eq!(world.rings(1), Some(3), "the other is still excluded");
}

#[test]
fn a_call_of_the_agent_s_own_leaves_chats_alone_and_brings_no_more() {
    let mut world = world(interrupting(), 3);
    world.take(1, CHATS);
    world.tell(Command::Occupy { agent: AgentId(1) });
    world.call(2, CHATS);
    world.call(3, CALLS);
    assert!(world.is_waiting(2) && world.is_waiting(3));
    world.finish(1);
    assert!(matches!(world.activity(1), Activity::Occupied { .. }));
    world.tell(Command::Release { agent: AgentId(1) });
    assert_eq!(world.rings(1), Some(2), "the first in line");
    assert!(world.is_waiting(3) || world.in_hand() == [2, 3]);
}

#[test]
fn a_smaller_capacity_ends_nothing_and_counts_for_the_next() {
    let mut world = world(Settings::default(), 3);
    for chat in 1..=3 {
        world.take(chat, CHATS);
    }
    world.define_agent(1, &[], |agent| agent.capacity = Capacity::default().with(CHAT, 2));
    world.finish(1);
    world.call(4, CHATS);
    assert!(world.is_waiting(4), "two are in hand");
    world.finish(2);
    assert_eq!(world.rings(1), Some(4));
}

#[test]
fn nobody_is_there_for_a_queue_whose_channel_nobody_takes() {
    let mut world = World::new();
    let gone = acd::NobodyLoggedIn { grace: Duration::ZERO, exit: Exit::Leave(ExitId(1)) };
    world.queue(CHATS, |queue| {
        queue.channel = CHAT;
        queue.nobody_logged_in = Some(gone);
    });
    world.agent(1, &[]);
    world.call(1, CHATS);
    assert!(world.acd.state().interactions.is_empty(), "calls only");
    world.define_agent(1, &[], |agent| agent.capacity = Capacity::default().with(CHAT, 1));
    world.call(2, CHATS);
    assert_eq!(world.rings(1), Some(2));
}

#[test]
fn a_queue_of_another_channel_offers_by_that() {
    let mut world = world(Settings::default(), 2);
    world.take(1, CHATS);
    world.call(2, CALLS);
    assert!(world.is_waiting(2));
    world.queue(CALLS, |queue| queue.channel = CHAT);
    assert_eq!(world.rings(1), Some(2), "it is a queue of chats now");
}

fn in_both(id: u64) -> Command {
    let request = Request { also: vec![QueueId(CHATS)], ..Request::new(QueueId(CALLS)) };
    Command::Enqueue { interaction: InteractionId(id), request }
}

#[test]
fn nobody_waits_in_queues_of_two_channels_at_once() {
    let mut world = world(Settings::default(), 2);
    assert_eq!(world.try_to(in_both(1)), Err(Refusal::OtherChannel(QueueId(CHATS))));
    assert_eq!(Refusal::OtherChannel(QueueId(CHATS)).fault(), acd::Fault::Sender);
}

#[test]
fn where_one_of_the_queues_becomes_one_of_another_channel_each_offers_by_its_own() {
    let mut world = world(Settings::default(), 2);
    world.queue(CHATS, |_| {});
    world.take(1, CALLS);
    world.tell(in_both(2));
    world.queue(CHATS, |queue| queue.channel = CHAT);
    assert!(world.is_waiting(2), "a chat does not interrupt a call");
    world.finish(1);
    assert_eq!(world.rings(1), Some(2));
    let works: Vec<Channel> =
        world.acd.state().agents[&AgentId(1)].works.iter().map(|work| work.channel).collect();
    assert_eq!(works, [Channel::VOICE], "the first of the two queues");
}

#[test]
fn what_cannot_be_a_channel_or_a_capacity_is_refused() {
    let mut world = World::new();
    let channel = Channel(CHANNELS_MAX as u8);
    let queue = Box::new(QueueSettings { channel, ..QueueSettings::default() });
    let refusal = world.try_to(Command::DefineQueue { queue: QueueId(1), settings: queue });
    assert_eq!(refusal, Err(Refusal::Invalid(Invalid::Channel(channel.0))));
    let mut try_capacity = |capacity| {
        let settings = Box::new(AgentSettings { capacity, ..AgentSettings::default() });
        world.try_to(Command::DefineAgent { agent: AgentId(1), settings })
    };
    assert_eq!(try_capacity(Capacity::NOTHING), Err(Refusal::Invalid(Invalid::NoCapacity)));
    let too_much = Capacity::default().with(CHAT, CAPACITY_MAX + 1);
    assert_eq!(try_capacity(too_much), Err(Refusal::Invalid(Invalid::Capacity(CAPACITY_MAX + 1))));
    assert_eq!(try_capacity(Capacity::default().with(CHAT, CAPACITY_MAX)), Ok(()));
}
