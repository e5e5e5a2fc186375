//! Each violation is seen: a sound distributor passes, and one thing that is wrong in it is found by its name.

use std::time::Duration;

use timing::TimerWheel;

use super::*;
use crate::distributor::{Alarm, Deadline};
use crate::table::Slot;
use crate::{
    AgentSettings, Command, NobodyLoggedIn, QueueSettings, Request, Requirement, Reserve, SkillId, Wanted,
};

const BILLING: SkillId = SkillId(1);
const QUEUE: QueueId = QueueId(1);
const KIM: AgentId = AgentId(1);
/// Without the skill.
const PARK: AgentId = AgentId(3);
const TALKING: InteractionId = InteractionId(1);
const RUNG: InteractionId = InteractionId(2);
const WAITING: InteractionId = InteractionId(3);

/// Kim talks, Lee is rung, one waits, and Park, who lacks the skill, is idle.
fn sound() -> Distributor {
    let mut acd = Distributor::new(Settings::default());
    let requirement = Requirement::at_least(BILLING, 5);
    let reserve = Reserve { after: Duration::from_secs(60), requirement: Requirement::at_least(BILLING, 10) };
    let settings = QueueSettings {
        requirement,
        reserves: vec![reserve],
        nobody_logged_in: Some(NobodyLoggedIn {
            grace: Duration::ZERO,
            exit: crate::Exit::Leave(crate::ExitId(1)),
        }),
        ..QueueSettings::default()
    };
    let mut tell = |command| acd.handle_command(Instant::from_secs(1), command).expect("it is right");
    tell(Command::DefineQueue { queue: QUEUE, settings: Box::new(settings) });
    for number in 1..=3 {
        let skills = [(BILLING, 8)].into_iter().filter(|_| number < 3).collect();
        let settings = Box::new(AgentSettings { skills, ..AgentSettings::default() });
        tell(Command::DefineAgent { agent: AgentId(number), settings });
        tell(Command::LogIn { agent: AgentId(number), not_ready: None });
    }
    for number in 1..=3 {
        tell(Command::Enqueue { interaction: InteractionId(number), request: Request::new(QUEUE) });
    }
    tell(Command::Accept { reservation: ReservationId(1) });
    acd
}

/// What is found in a sound state with this change.
fn found(change: impl FnOnce(&mut State)) -> Violation {
    let mut state = sound().state();
    change(&mut state);
    check_state(&state).expect_err("it is broken")
}

/// What is found in a sound distributor with this change.
fn found_inside(change: impl FnOnce(&mut Distributor)) -> Violation {
    let mut acd = sound();
    change(&mut acd);
    check(&acd).expect_err("it is broken")
}

fn interaction(state: &mut State, id: InteractionId) -> &mut InteractionState {
    state.interactions.get_mut(&id).expect("it is there")
}

fn agent(state: &mut State, id: AgentId) -> &mut AgentState {
    state.agents.get_mut(&id).expect("it is there")
}

fn queue(state: &mut State) -> &mut QueueState {
    state.queues.get_mut(&QUEUE).expect("it is there")
}

fn reservation(state: &mut State) -> &mut crate::state::ReservationState {
    state.reservations.get_mut(&ReservationId(2)).expect("it is there")
}

#[test]
fn what_is_sound_passes() {
    assert_eq!(check(&sound()), Ok(()));
}

#[test]
fn bonds_that_are_not_of_both_sides_are_found() {
    let to_park = |state: &mut State| {
        interaction(state, TALKING).stage = Stage::Handling { agent: PARK, since: Instant::from_secs(1) };
    };
    assert_eq!(found(to_park), Violation::BrokenBond(TALKING));
    let twice = |state: &mut State| {
        let entries = &mut interaction(state, WAITING).entries;
        entries.push(entries[0]);
    };
    assert_eq!(found(twice), Violation::BrokenBond(WAITING));
    let nobody = |state: &mut State| state.reservations.clear();
    assert_eq!(found(nobody), Violation::BrokenBond(RUNG));
    let lost = Violation::LostReservation(ReservationId(2));
    assert_eq!(found(|state| reservation(state).deadline = Instant::ORIGIN), lost);
    assert_eq!(found(|state| state.last_reservation = 1), lost);
    assert_eq!(found(|state| reservation(state).agent = PARK), lost);
    let in_nothing = |state: &mut State| {
        let of_kim = *agent(state, KIM).works.iter().next().expect("Kim talks");
        agent(state, PARK).works = [of_kim].into_iter().collect();
    };
    assert_eq!(found(in_nothing), Violation::LostAgent(PARK));
    let no_list = |acd: &mut Distributor| {
        let slot = acd.interactions.slot(RUNG).expect("it is rung for");
        acd.interactions[slot].begin_reservations_with(Slot::NOWHERE);
    };
    assert_eq!(found_inside(no_list), Violation::BrokenBond(RUNG));
}

#[test]
fn an_agent_who_contradicts_himself_is_found() {
    let contradiction = Violation::Contradiction(PARK);
    assert_eq!(found(|state| agent(state, PARK).leaving = true), contradiction);
    let working = |state: &mut State| agent(state, PARK).worked.since = Some(Instant::from_secs(1));
    assert_eq!(found(working), contradiction);
    let pausing = |state: &mut State| {
        let (since, until) = (Instant::from_secs(1), Instant::from_secs(9));
        agent(state, PARK).aside = Aside::BackingOff { since, until };
        agent(state, PARK).presence = Presence::LoggedOut;
    };
    assert_eq!(found(pausing), contradiction);
}

#[test]
fn work_that_is_not_given_is_found() {
    let can = |state: &mut State| {
        agent(state, PARK).settings.skills.insert(BILLING, 9);
    };
    assert_eq!(found(can), Violation::WorkNotConserved(PARK, WAITING));
    let has_room = |state: &mut State| {
        can(state);
        interaction(state, RUNG).stage = Stage::Reserved { since: Instant::from_secs(1), most: 2 };
    };
    assert_eq!(found(has_room), Violation::RoomUnused(PARK, RUNG));
}

#[test]
fn steps_rules_and_reserves_that_are_not_there_are_found() {
    assert_eq!(found(|state| interaction(state, WAITING).entries[0].step = 1), Violation::WrongStep(WAITING));
    let seen = |state: &mut State| interaction(state, WAITING).entries[0].overflows_seen = 1;
    assert_eq!(found(seen), Violation::WrongOverflow(WAITING));
    assert_eq!(found(|state| queue(state).reserves_open = 1), Violation::OpenReserve(QUEUE));
    let forsaken = |state: &mut State| {
        interaction(state, WAITING).entries[0].wanted =
            Some(Wanted::preferred(AgentId(9), Duration::from_secs(30)));
    };
    assert_eq!(found(forsaken), Violation::Forsaken(WAITING));
}

#[test]
fn a_count_that_does_not_add_up_is_found() {
    assert_eq!(found(|state| queue(state).counters.offered += 1), Violation::LostCount(Some(QUEUE)));
    assert_eq!(found(|state| queue(state).counters.flowed_out += 1), Violation::LostCount(Some(QUEUE)));
    assert_eq!(found(|state| state.totals.offered += 1), Violation::LostCount(None));
    assert_eq!(found(|state| state.totals.finished += 1), Violation::LostCount(None));
}

#[test]
fn a_bound_that_is_exceeded_is_found() {
    assert_eq!(found(|state| state.settings.agents_max = 2), Violation::BoundExceeded);
    assert_eq!(found(|state| state.settings.queues_max = 0), Violation::BoundExceeded);
}

#[test]
fn an_index_that_is_not_what_a_rebuild_gives_is_found() {
    let staffing = Staffing::Deserted { since: Instant::ORIGIN };
    assert_eq!(found(|state| queue(state).staffing = staffing), Violation::StaleIndex(Some(QUEUE)));
    assert_eq!(found_inside(|acd| acd.unanswered += 1), Violation::StaleIndex(None));
    assert_eq!(found_inside(|acd| acd.with_room += 1), Violation::StaleIndex(None));
    assert_eq!(found_inside(|acd| acd.selecting += 1), Violation::StaleIndex(None));
    let unlisted = |acd: &mut Distributor| {
        let slot = acd.agents.slot(PARK).expect("Park is here");
        acd.agents[slot].is_listed = false;
    };
    assert_eq!(found_inside(unlisted), Violation::StaleIndex(None));
    let queue = |acd: &Distributor| acd.queues.slot(QUEUE).expect("it is defined");
    let uncounted = |acd: &mut Distributor| {
        let slot = queue(acd);
        acd.queues[slot].lines.len -= 1;
    };
    assert_eq!(found_inside(uncounted), Violation::StaleIndex(Some(QUEUE)));
    let behind = |acd: &mut Distributor| {
        let slot = queue(acd);
        acd.fronts[slot.number() as usize].waiting += 1;
    };
    assert_eq!(found_inside(behind), Violation::StaleIndex(Some(QUEUE)));
}

#[test]
fn deadlines_that_are_not_set_or_set_for_nothing_are_found() {
    assert_eq!(found_inside(|acd| acd.deadlines = TimerWheel::new()), Violation::Deadlines);
    let for_nothing = |acd: &mut Distributor| {
        let at = Instant::from_secs(77);
        acd.deadlines.schedule(at, Alarm::Single(at, Deadline::BackOff(PARK)));
    };
    assert_eq!(found_inside(for_nothing), Violation::Deadlines);
}

/// One waits at the second step who needs what Kim lacks: Park has it, and meets that step alone.
fn with_an_own_requirement() -> State {
    let mut acd = Distributor::new(Settings::default());
    let korean = SkillId(2);
    let step = crate::Step {
        after: Duration::from_secs(60),
        requirement: Requirement::anyone(),
        effect: StepEffect::Add,
    };
    let requirement = Requirement::at_least(BILLING, 5);
    let settings = QueueSettings { requirement, steps: vec![step], ..QueueSettings::default() };
    let mut tell = |command| acd.handle_command(Instant::from_secs(1), command).expect("it is right");
    tell(Command::DefineQueue { queue: QUEUE, settings: Box::new(settings) });
    for (agent, skill) in [(KIM, BILLING), (PARK, korean)] {
        let settings = AgentSettings { skills: [(skill, 8)].into(), ..AgentSettings::default() };
        tell(Command::DefineAgent { agent, settings: Box::new(settings) });
        tell(Command::LogIn { agent, not_ready: Some(ReasonCode(1)) });
    }
    let own = Some(Requirement::at_least(korean, 1));
    let request = Request { requirement: own, ..Request::new(QUEUE) };
    tell(Command::Enqueue { interaction: WAITING, request });
    acd.state()
}

#[test]
fn an_own_requirement_that_is_followed_wrongly_is_found() {
    let found = |change: fn(&mut State)| {
        let mut state = with_an_own_requirement();
        change(&mut state);
        check_state(&state)
    };
    assert_eq!(found(|_| {}), Ok(()));
    let stale = Violation::StaleIndex;
    assert_eq!(found(|state| state.own_staffing.clear()), Err(stale(None)));
    assert_eq!(found(|state| state.own_staffing[0].steps.truncate(1)), Err(stale(Some(QUEUE))));
    assert_eq!(found(|state| state.own_staffing[0].steps.reverse()), Err(stale(Some(QUEUE))));
    let at_the_first = |state: &mut State| {
        state.interactions.get_mut(&WAITING).expect("it waits").entries[0].step = 0;
    };
    assert_eq!(found(at_the_first), Err(Violation::WrongStep(WAITING)));
}
