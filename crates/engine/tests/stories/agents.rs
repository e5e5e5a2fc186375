//! Shifts that follow phones, and what a reload changes.

use std::time::Duration;

use acd::{Activity, AgentId, AgentSettings, Presence, QueueSettings};
use engine::{AgentLine, LogIn, Notice, Reach, Treatment};

use crate::world::{BILLING, BUSY, MUSIC, Manner, World};

#[test]
fn a_phone_that_registers_begins_a_shift_and_one_that_leaves_ends_it() {
    let mut world = World::new(Treatment::Ringback);
    let phone = world.registering_agent(1, Manner::Answers(50));
    assert!(!world.is_logged_in(1));
    world.register(phone, "agent1", 300);
    assert!(world.is_logged_in(1));
    world.register(phone, "agent1", 300);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(1_000);
    assert!(matches!(world.activity(1), Some(Activity::Handling { .. })));
    world.bye(caller, session);
    world.register(phone, "agent1", 0);
    assert!(matches!(world.activity(1), Some(Activity::Unreachable { .. })), "at once");
    world.run(31_000);
    assert!(!world.is_logged_in(1));
    let changes: Vec<usize> = world
        .notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::RegistrationChanged { contacts, .. } => Some(*contacts),
            _ => None,
        })
        .collect();
    assert_eq!(changes, [1, 0]);
    world.assert_nothing_left();
}

/// Agent 1, whose shift follows the phone, registered.
fn with_phone(manner: Manner) -> (World, crate::world::Peer) {
    let mut world = World::new(Treatment::Ringback);
    let phone = world.registering_agent(1, manner);
    world.register(phone, "agent1", 3_600);
    (world, phone)
}

/// Somebody says what agent 1 wants, as the API does.
fn wish(world: &mut World, presence: Presence) {
    let command = world.engine.presence(AgentId(1), presence).expect("the phone is there");
    tell(world, command);
}

fn tell(world: &mut World, command: acd::Command) {
    world.distributor.apply(world.now, command);
    world.run(100);
}

fn presence(world: &World) -> Presence {
    world.distributor.agent_snapshot(AgentId(1)).expect("agent 1 is there").presence
}

/// The phone is gone for so many seconds.
fn blink(world: &mut World, phone: crate::world::Peer, seconds: u64) {
    world.register(phone, "agent1", 0);
    world.run(seconds * 1_000);
    world.register(phone, "agent1", 3_600);
}

const LUNCH: Presence = Presence::NotReady(acd::ReasonCode(7));

#[test]
fn a_blink_of_the_network_changes_neither_presence_nor_shift_and_nobody_is_rung_meanwhile() {
    let (mut world, phone) = with_phone(Manner::Answers(50));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(60_000);
    world.bye(caller, session);
    let shift = |world: &World| {
        let seen = world.distributor.agent_snapshot(AgentId(1)).expect("agent 1 is there");
        let state = world.distributor.state();
        (seen.presence, seen.handled, state.agents[&AgentId(1)].logged_in_at)
    };
    let before = shift(&world);
    assert_eq!((before.0, before.1), (Presence::Ready, 1));
    world.register(phone, "agent1", 0);
    let session = world.call(caller, "100");
    world.run(5_000);
    assert_eq!(world.sent("INVITE", world.at(phone)), 1, "there is no phone to ring");
    world.register(phone, "agent1", 3_600);
    world.run(1_000);
    assert_eq!(world.sent("INVITE", world.at(phone)), 2);
    world.bye(caller, session);
    assert_eq!(shift(&world), (Presence::Ready, 2, before.2), "it is still the same shift");
    wish(&mut world, LUNCH);
    blink(&mut world, phone, 20);
    assert_eq!(shift(&world), (LUNCH, 2, before.2), "whoever went to lunch is there still");
    world.assert_nothing_left();
}

#[test]
fn a_break_ends_with_the_shift_and_the_next_one_begins_ready() {
    let (mut world, phone) = with_phone(Manner::Answers(50));
    wish(&mut world, LUNCH);
    blink(&mut world, phone, 15 * 3_600);
    assert_eq!(presence(&world), Presence::Ready, "a new day");
    world.assert_nothing_left();
}

#[test]
fn what_a_supervisor_has_forced_is_so_in_the_next_shift_too() {
    let (mut world, phone) = with_phone(Manner::Answers(50));
    let (agent, by, why) = (AgentId(1), acd::SupervisorId(1), acd::ReasonCode(3));
    let coaching = Presence::NotReady(why);
    tell(&mut world, acd::Command::ForcePresence { agent, presence: coaching, by, why });
    blink(&mut world, phone, 3_600);
    assert_eq!(presence(&world), coaching);
    assert!(world.distributor.agent_snapshot(agent).is_some_and(|seen| seen.forced.is_some()));
    world.assert_nothing_left();
}

#[test]
fn a_log_out_by_the_api_holds_until_the_phone_was_away_or_somebody_logs_in() {
    let (mut world, phone) = with_phone(Manner::Answers(50));
    wish(&mut world, Presence::LoggedOut);
    world.register(phone, "agent1", 3_600);
    assert!(!world.is_logged_in(1), "a refresh logs nobody in");
    blink(&mut world, phone, 20);
    world.reload(Vec::new());
    assert!(!world.is_logged_in(1), "nor does a blink, nor a reload");
    wish(&mut world, Presence::Ready);
    assert!(world.is_logged_in(1));
    wish(&mut world, Presence::LoggedOut);
    blink(&mut world, phone, 31);
    assert!(world.is_logged_in(1), "who went home and comes back");
    world.assert_nothing_left();
}

#[test]
fn a_phone_that_is_gone_ends_the_shift_of_a_desktop_agent_too() {
    let mut world = World::new(Treatment::Ringback);
    let phone = world.registering_agent(1, Manner::Answers(50));
    let reach = Reach::Account("agent1".to_owned());
    world.directory.agents.insert(AgentId(1), AgentLine { reach, log_in: LogIn::Desktop });
    world.reload(Vec::new());
    wish(&mut world, LUNCH);
    world.run(60_000);
    assert!(world.is_logged_in(1), "who logs in first and plugs the phone in then");
    world.register(phone, "agent1", 3_600);
    wish(&mut world, Presence::Ready);
    blink(&mut world, phone, 20);
    assert_eq!(presence(&world), Presence::Ready);
    blink(&mut world, phone, 31);
    assert!(!world.is_logged_in(1), "the desktop logs in anew");
    world.assert_nothing_left();
}

#[test]
fn a_caller_who_wants_an_agent_by_name_waits_for_a_phone_that_blinks() {
    let (mut world, phone) = with_phone(Manner::Answers(50));
    let other = world.agent(2, Manner::Answers(50));
    let wanted = acd::Wanted::preferred(AgentId(1), Duration::from_secs(600));
    world.directory.entries[0].wish = Some(engine::Wish { cause: engine::WishCause::DirectNumber, wanted });
    world.reload(Vec::new());
    world.register(phone, "agent1", 0);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(10_000);
    assert_eq!(world.sent("INVITE", world.at(other)), 0);
    world.register(phone, "agent1", 3_600);
    world.run(1_000);
    assert_eq!(world.sent("INVITE", world.at(phone)), 1);
    world.bye(caller, session);
    world.register(phone, "agent1", 0);
    let session = world.call(caller, "100");
    world.run(31_000);
    assert_eq!(world.sent("INVITE", world.at(other)), 1, "who is gone for good is not waited for");
    world.bye(caller, session);
    world.assert_nothing_left();
}

/// The phone is gone for good after the file has been changed: what was said when the call came holds.
#[test]
fn who_waits_for_an_agent_by_name_leaves_by_the_exit_of_then_also_when_a_reload_has_taken_it_away() {
    let (mut world, phone) = with_phone(Manner::Answers(50));
    let otherwise = acd::Otherwise::Exit(acd::Exit::Leave(BUSY));
    let wanted = acd::Wanted::direct(AgentId(1), Some(Duration::from_secs(600)), otherwise);
    world.directory.entries[0].wish = Some(engine::Wish { cause: engine::WishCause::DirectNumber, wanted });
    world.reload(Vec::new());
    world.register(phone, "agent1", 0);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    world.call(caller, "100");
    world.run(1_000);
    world.directory.entries[0].wish = None;
    world.directory.exits.remove(&BUSY);
    world.reload(Vec::new());
    world.run(31_000);
    assert_eq!(world.refusal(caller), Some(486));
    world.assert_nothing_left();
}

#[test]
fn a_day_begins_a_shift_for_whoever_nobody_logs_out_and_for_nobody_else() {
    let (mut world, _) = with_phone(Manner::Answers(50));
    world.agent(2, Manner::Answers(50));
    world.agent(3, Manner::Answers(50));
    let line = world.directory.agents[&AgentId(3)].clone();
    world.directory.agents.insert(AgentId(3), AgentLine { log_in: LogIn::Desktop, ..line });
    world.reload(Vec::new());
    let began = |world: &World| {
        let state = world.distributor.state();
        [1, 2, 3].map(|number| state.agents[&AgentId(number)].logged_in_at)
    };
    let before = began(&world);
    world.run(1_000);
    world.engine.new_day(world.now);
    world.run(100);
    let after = began(&world);
    assert!(
        after[0] > before[0] && after[1] > before[1],
        "a phone, or a fixed contact, that is always there"
    );
    assert_eq!(after[2], before[2], "whoever logs in by hand logs out by hand");
    world.assert_nothing_left();
}

#[test]
fn a_registration_that_is_not_refreshed_ends_the_shift() {
    let mut world = World::new(Treatment::Ringback);
    let phone = world.registering_agent(1, Manner::Answers(50));
    world.register(phone, "agent1", 120);
    world.run(119_000);
    assert!(world.is_logged_in(1));
    world.run(2_000);
    assert!(matches!(world.activity(1), Some(Activity::Unreachable { .. })));
    world.run(30_000);
    assert!(!world.is_logged_in(1));
    world.assert_nothing_left();
}

#[test]
fn a_registration_lost_while_the_phone_rings_leaves_the_caller_waiting() {
    let mut world = World::new(Treatment::Ringback);
    let phone = world.registering_agent(1, Manner::Ignores);
    world.register(phone, "agent1", 300);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(1_000);
    world.register(phone, "agent1", 0);
    world.run(1_000);
    assert_eq!(world.sent("CANCEL", world.at(phone)), 1);
    assert_eq!(world.distributor.first_in_line(BILLING, 9).len(), 1);
    world.register(phone, "agent1", 300);
    world.run(1_000);
    assert_eq!(world.sent("INVITE", world.at(phone)), 2);
    world.cancel(caller, session);
    world.assert_nothing_left();
}

#[test]
fn an_own_call_that_begins_during_a_conversation_is_not_forgotten() {
    let mut world = World::new(Treatment::Ringback);
    let phone = world.registering_agent(1, Manner::Answers(50));
    world.register(phone, "agent1", 3_600);
    let (first, second) = (world.peer("10.0.0.2", Manner::ByHand), world.peer("10.0.0.3", Manner::ByHand));
    let session = world.call(first, "100");
    world.run(1_000);
    assert!(matches!(world.activity(1), Some(Activity::Handling { .. })));
    world.call_of_account(phone, "agent1", "200", "");
    world.run(1_000);
    assert!(matches!(world.activity(1), Some(Activity::Handling { .. })), "which goes on");
    world.bye(first, session);
    world.run(1_000);
    assert!(matches!(world.activity(1), Some(Activity::Occupied { .. })));
    let session = world.call(second, "100");
    world.run(30_000);
    assert_eq!(world.sent("INVITE", world.at(phone)), 1, "nobody is given to who speaks with somebody else");
    world.cancel_of_account(phone, "agent1", "200");
    world.run(1_000);
    assert_eq!(world.sent("INVITE", world.at(phone)), 2);
    assert!(matches!(world.activity(1), Some(Activity::Handling { .. })));
    world.bye(second, session);
    world.run(40_000);
    world.register(phone, "agent1", 0);
    world.assert_nothing_left();
}

#[test]
fn the_only_phone_that_registers_anew_leaves_the_line_at_its_step() {
    let mut world = World::new(Treatment::Ringback);
    let step = acd::Step {
        after: Duration::from_secs(600),
        requirement: acd::Requirement::anyone(),
        effect: acd::StepEffect::Add,
    };
    let billing = acd::SkillId(1);
    world.define(
        BILLING,
        QueueSettings {
            requirement: acd::Requirement::at_least(billing, 5),
            steps: vec![step],
            unstaffed_grace: Duration::from_secs(30),
            ..QueueSettings::default()
        },
    );
    let phone = world.registering_agent(1, Manner::Ignores);
    let skilled = AgentSettings { skills: [(billing, 7)].into(), ..AgentSettings::default() };
    world.reload(vec![acd::Command::DefineAgent { agent: AgentId(1), settings: Box::new(skilled) }]);
    world.register(phone, "agent1", 3_600);
    let helper = world.agent(2, Manner::Answers(50));
    let (caller, other) = (world.peer("10.0.0.2", Manner::ByHand), world.peer("10.0.0.3", Manner::ByHand));
    let sessions = [world.call(caller, "100"), world.call(other, "100")];
    world.run(1_000);
    world.register(phone, "agent1", 0);
    world.run(1_000);
    world.register(phone, "agent1", 3_600);
    world.run(1_000);
    assert_eq!(world.sent("INVITE", world.at(phone)), 2, "rung again");
    assert_eq!(world.sent("INVITE", world.at(helper)), 0);
    assert!(world.distributor.first_in_line(BILLING, 9).iter().all(|waiting| waiting.step == 0));
    world.register(phone, "agent1", 0);
    world.run(61_000);
    assert_eq!(world.sent("INVITE", world.at(helper)), 1, "who is gone for good is not waited for");
    world.bye(caller, sessions[0]);
    world.run(1_000);
    world.bye(other, sessions[1]);
    world.assert_nothing_left();
}

#[test]
fn a_desktop_agent_is_not_logged_in_by_the_phone() {
    let mut world = World::new(Treatment::Ringback);
    let phone = world.registering_agent(1, Manner::Answers(50));
    let reach = Reach::Account("agent1".to_owned());
    world.directory.agents.insert(AgentId(1), AgentLine { reach: reach.clone(), log_in: LogIn::Desktop });
    world.reload(Vec::new());
    world.register(phone, "agent1", 300);
    assert!(!world.is_logged_in(1));
    // The setting is taken back while the phone is there.
    world.directory.agents.insert(AgentId(1), AgentLine { reach, log_in: LogIn::OnRegister });
    world.reload(Vec::new());
    assert!(world.is_logged_in(1));
    world.assert_nothing_left();
}

#[test]
fn an_agent_added_while_the_phone_is_registered_already_is_logged_in() {
    let mut world = World::new(Treatment::Ringback);
    let phone = world.peer("10.1.0.1", Manner::Answers(50));
    world.engine.set_account("agent1", sip::digest::Secret::Password("open sesame".to_owned()));
    world.register(phone, "agent1", 300);
    let reach = Reach::Account("agent1".to_owned());
    world.hire(1, AgentLine { reach, log_in: LogIn::OnRegister });
    assert!(world.is_logged_in(1));
    world.assert_nothing_left();
}

#[test]
fn an_agent_taken_away_while_talking_talks_on() {
    let mut world = World::new(Treatment::Ringback);
    world.agent(1, Manner::Answers(50));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(1_000);
    world.directory.agents.remove(&AgentId(1));
    world.reload(vec![acd::Command::RemoveAgent { agent: AgentId(1) }]);
    world.run(5_000);
    assert_eq!(world.engine.counts().calls.connected, 1);
    world.bye(caller, session);
    world.assert_nothing_left();
    // The same agent comes back.
    world.agent(1, Manner::Answers(50));
    assert!(world.is_logged_in(1));
}

#[test]
fn an_agent_taken_away_while_ringing_gives_the_call_to_the_next() {
    let mut world = World::new(Treatment::Ringback);
    let first = world.agent(1, Manner::Ignores);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(1_000);
    world.agent(2, Manner::Answers(50));
    world.directory.agents.remove(&AgentId(1));
    world.reload(vec![acd::Command::RemoveAgent { agent: AgentId(1) }]);
    world.run(1_000);
    assert_eq!(world.sent("CANCEL", world.at(first)), 1);
    assert_eq!(world.totals().answered, 1);
    world.bye(caller, session);
    world.assert_nothing_left();
}

#[test]
fn a_changed_treatment_is_for_the_next_caller() {
    let mut world = World::new(Treatment::Ringback);
    let (first, second) = (world.peer("10.0.0.2", Manner::ByHand), world.peer("10.0.0.3", Manner::ByHand));
    let waiting = world.call(first, "100");
    world.run(1_000);
    world.directory.queues.insert(BILLING, Treatment::Music(MUSIC));
    world.define(BILLING, QueueSettings::default());
    let listening = world.call(second, "100");
    world.run(1_000);
    assert_eq!(world.sent("SIP/2.0 200", world.at(first)), 0);
    assert_eq!(world.sent("SIP/2.0 200", world.at(second)), 1);
    world.cancel(first, waiting);
    world.bye(second, listening);
    world.assert_nothing_left();
}

#[test]
fn an_agent_without_a_phone_is_unreachable_and_costs_nothing() {
    let mut world = World::new(Treatment::Ringback);
    let reach = Reach::Account("nobody".to_owned());
    world.hire(1, AgentLine { reach, log_in: LogIn::Desktop });
    world.reload(vec![
        acd::Command::DefineAgent { agent: AgentId(1), settings: Box::new(AgentSettings::default()) },
        acd::Command::LogIn { agent: AgentId(1), not_ready: None },
    ]);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(200_000);
    let snapshot = world.distributor.snapshot(world.now);
    assert_eq!((snapshot.agents[0].presence, snapshot.totals.reservations), (Presence::Ready, 0));
    assert!(matches!(snapshot.agents[0].activity, Activity::Unreachable { .. }));
    world.cancel(caller, session);
    world.assert_nothing_left();
}

#[test]
fn a_dead_phone_is_given_up_when_the_reservation_ends() {
    let mut world = World::new(Treatment::Ringback);
    world.agent(1, Manner::Dead);
    world.agent(2, Manner::Answers(100));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(16_000);
    assert_eq!(world.totals().answered, 1);
    world.bye(caller, session);
    world.assert_nothing_left();
}

#[test]
fn an_agent_who_missed_too_many_calls_gets_another_chance_after_a_pause() {
    let mut world = World::new(Treatment::Ringback);
    let phone = world.registering_agent(1, Manner::Ignores);
    world.register(phone, "agent1", 3_600);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    // Three times 15 s of ringing, each 10 s after the one before ended, because nobody else is there; then two minutes
    // of nothing.
    world.run(180_000);
    assert_eq!(world.sent("INVITE", world.at(phone)), 3);
    world.run(20_000);
    assert_eq!(world.sent("INVITE", world.at(phone)), 4, "ready again after the pause");
    world.cancel(caller, session);
    world.register(phone, "agent1", 0);
    world.assert_nothing_left();
}

#[test]
fn another_grace_of_phones_counts_for_the_next_phone_that_goes() {
    let mut world = World::new(Treatment::Ringback);
    let phone = world.registering_agent(1, Manner::Answers(50));
    world.register(phone, "agent1", 300);
    world.register(phone, "agent1", 0);
    world.configure(|engine, _| engine.phone_grace = Duration::from_secs(5));
    world.run(20_000);
    assert!(world.is_logged_in(1), "the grace that runs goes on as it began");
    world.register(phone, "agent1", 300);
    world.register(phone, "agent1", 0);
    world.run(4_000);
    assert!(world.is_logged_in(1));
    world.run(2_000);
    assert!(!world.is_logged_in(1));
    world.assert_nothing_left();
}

#[test]
fn another_pause_after_misses_counts_for_whoever_misses_from_then_on() {
    let mut world = World::new(Treatment::Ringback);
    world.define(
        BILLING,
        QueueSettings {
            back_offs: acd::BackOffs { no_answer: NO_BACK_OFF, ..Default::default() },
            ..Default::default()
        },
    );
    world.agent(1, Manner::Ignores);
    world.configure(|engine, shared| {
        engine.missed_pause = Some(Duration::from_secs(10));
        shared.misses_max = 1;
    });
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    let has_missed = |world: &World| {
        let agent = world.distributor.agent_snapshot(AgentId(1)).expect("it is defined");
        agent.presence == Presence::NotReady(acd::ReasonCode::MISSED)
    };
    world.run(16_000);
    assert!(has_missed(&world), "by the first, after 15 s");
    world.run(8_000);
    assert!(has_missed(&world));
    world.run(3_000);
    assert!(!has_missed(&world), "ready again after 10 s, and rung again");
    world.cancel(caller, session);
    world.assert_nothing_left();
}

const NO_BACK_OFF: acd::BackOff = acd::BackOff { pause: Duration::ZERO, exclusion: Duration::ZERO };
