//! Stories in which phones die, reboot and move, the network parts, the PBX starts anew, timers are late, the machine
//! stands still and the DNS fails.

use std::time::Duration;

use acd::{Exit, ExitId, MaxWait, QueueSettings};
use engine::{Leave, Treatment};
use sim::network::Conditions;
use sim::phone::{Answer, CallPlan, Hold, Manner, Plan};
use sim::story::Broken;
use sim::world::{Appointment, Fault, Harm, MUSIC, Owner, Side, State, Struck, Verdict};
use sim::{Chance, PhoneId, Scenario, Span, Story};
use timing::Instant;

use crate::people::{contact_centre, line};
use crate::{fresh_seed, from_environment, in_parallel};

/// Stories of a run from a fresh seed, where the environment says nothing else; `cargo xtask soak` plays more.
const STORIES: u64 = 4;
/// The first of the seeds that are always the same.
pub(crate) const FIXED_SEED: u64 = 500_000;
/// Plays that a failing story may take until it is as small as it gets.
const PLAYS_MAX: usize = 400;
/// Leaves to a number outside.
const TO_NUMBER: ExitId = ExitId(2);
/// Two phones that are both dead end with their call.
const CALL_MAX: Duration = Duration::from_secs(600);
/// When agents are at their phones, and how long callers come.
const DOORS_OPEN: Duration = Duration::from_secs(3);
const DAY: Duration = Duration::from_secs(90);

/// As people are where phones die: nobody listens to silence for ever.
fn human() -> Plan {
    let answers =
        Manner::answers_after(Span::between_millis(500, 6_000)).talking(Span::between_millis(15_000, 40_000));
    let hold = Hold { after: Span::between_millis(500, 3_000), lasting: Span::between_millis(500, 3_000) };
    Plan::Mixed(vec![
        (50, answers),
        (15, answers.talking(Span::between_millis(1_000, 8_000))),
        (20, answers.holding(hold)),
        (3, Manner::only(Answer::Busy)),
        (3, Manner::only(Answer::RejectAfter(Span::between_millis(100, 4_000)))),
        (3, Manner::only(Answer::RingOut)),
        (6, Manner::only(Answer::AtOnce).talking(Span::between_millis(5_000, 20_000))),
    ])
}

fn scenario(chance: &mut Chance) -> Scenario {
    let mut scenario = contact_centre(3 + chance.below(12) as usize);
    let rules = QueueSettings {
        max_wait: Some(MaxWait { after: Duration::from_secs(5), exit: Exit::Leave(TO_NUMBER) }),
        ..scenario.lines[0].settings.clone()
    };
    scenario.lines.push(line("400", 4, Treatment::Ringback, rules));
    if chance.happens(500) {
        scenario.lines[0].treatment = Treatment::Music(MUSIC);
        scenario.lines[3].treatment = Treatment::Music(MUSIC);
    }
    scenario.seats.iter_mut().for_each(|seat| seat.plan = human());
    scenario.exits.insert(TO_NUMBER, Leave::Dial("0301234".to_owned()));
    scenario.outside =
        Some(Plan::Always(Manner::answers_after(Span::secs(1)).talking(Span::between_millis(1_000, 20_000))));
    scenario.outside_host = Some("gateway.example.net".to_owned());
    scenario.conditions = match chance.below(3) {
        0 => Conditions::CLEAN,
        1 => Conditions::BAD,
        _other => {
            Conditions { loss: 5, reordering: 50, detour: Span::between_millis(1, 300), ..Conditions::CLEAN }
        }
    };
    scenario.ring_latency = Span::between_millis(0, chance.below(20));
    scenario.has_pbx = chance.happens(500);
    scenario.expires = Duration::from_secs(60 + chance.below(240));
    scenario.settings.calls.call_max = Some(CALL_MAX);
    scenario.settings.sip.limits.is_amplification_bounded = chance.happens(300);
    scenario.check_every = 3;
    scenario
}

fn moment(chance: &mut Chance) -> Instant {
    Instant::ORIGIN + DOORS_OPEN + chance.length(Span { least: Duration::ZERO, most: DAY })
}

fn story(seed: u64) -> Story {
    let mut chance = Chance::new(seed ^ 0xFA17);
    let scenario = scenario(&mut chance);
    let agents = scenario.seats.len() as u32;
    let mut story = Story::new(scenario, seed);
    for agent in 0..agents {
        let at = Instant::ORIGIN + chance.length(Span::between_millis(0, 2_000));
        story.add(at, Appointment::Register(PhoneId(agent)));
    }
    let callers = 30 + chance.below(90) as u32;
    for caller in 0..callers {
        let (at, number, plan) = call(&mut chance);
        story.add(at, Appointment::CallOf(caller, number.to_owned(), plan));
    }
    for _ in 0..2 + agents / 2 {
        let phone = PhoneId(chance.below(u64::from(agents)) as u32);
        let state = State::OF_AGENTS[chance.below(7) as usize];
        let at = if state == State::Registering { Instant::ORIGIN } else { moment(&mut chance) };
        story.add(at, ambush(&mut chance, phone, state));
    }
    for _ in 0..callers / 5 {
        let phone = PhoneId(agents + chance.below(u64::from(callers)) as u32);
        let state = State::OF_CALLERS[chance.below(5) as usize];
        story.add(Instant::ORIGIN, ambush(&mut chance, phone, state));
    }
    for _ in 0..chance.below(6) {
        let at = moment(&mut chance);
        let fault = trouble(&mut chance, agents + callers);
        story.add(at, Appointment::Fault(fault));
    }
    if chance.happens(300) {
        story.add(moment(&mut chance), Appointment::Rewrite);
    }
    story
}

fn call(chance: &mut Chance) -> (Instant, &'static str, CallPlan) {
    let number = match chance.below(100) {
        0 => "404",
        1..=45 => "100",
        46..=65 => "200",
        66..=85 => "300",
        _other => "400",
    };
    let plan = CallPlan::talking(Span::between_millis(200, 12_000))
        .giving_up_after(Span::between_millis(500, 30_000));
    let hold = Hold { after: Span::between_millis(200, 3_000), lasting: Span::between_millis(200, 2_000) };
    let plan = if chance.happens(250) { plan.holding(hold) } else { plan };
    (moment(chance), number, plan)
}

fn ambush(chance: &mut Chance, phone: PhoneId, state: State) -> Appointment {
    let harm = Harm::ALL[chance.below(3) as usize];
    let after = match chance.below(3) {
        0 => Duration::ZERO,
        // Within the way of a message, and within the time of an answer.
        1 => Duration::from_millis(chance.below(12)),
        _other => Duration::from_millis(chance.below(600)),
    };
    let off = if chance.happens(300) { Duration::ZERO } else { Duration::from_millis(chance.below(40_000)) };
    Appointment::Fault(Fault::Ambush { phone, state, after, harm, off })
}

fn trouble(chance: &mut Chance, phones: u32) -> Fault {
    let millis = |chance: &mut Chance, most| Duration::from_millis(chance.below(most));
    match chance.below(8) {
        0..=2 => {
            let side = match chance.below(3) {
                0 => Side::Callers,
                1 => Side::Agents,
                _other => Side::Phone(PhoneId(chance.below(u64::from(phones)) as u32)),
            };
            let (from, to) = if chance.happens(500) { (Side::Centre, side) } else { (side, Side::Centre) };
            let most = if chance.happens(200) { 45_000 } else { 8_000 };
            let lasting = millis(chance, most);
            Fault::Cut { from, to, is_mutual: chance.happens(500), lasting }
        }
        3 => Fault::PbxRestarts { silent: millis(chance, 5_000), refusing: millis(chance, 5_000) },
        4 => Fault::NoDns { lasting: millis(chance, 30_000), after: millis(chance, 10_000) },
        5 => Fault::Stall { lasting: millis(chance, 4_000), are_timers_first: chance.happens(500) },
        _other => Fault::TimersLate { by: millis(chance, 4_000), lasting: millis(chance, 20_000) },
    }
}

/// Plays a story; one that fails is made smaller and told.
fn play(story: Story) -> Verdict {
    story.play().unwrap_or_else(|broken| panic!("{}", tell(story, broken)))
}

fn tell(story: Story, broken: Broken) -> String {
    let seed = story.seed;
    let plays_max = from_environment("CORDBOARD_SIM_PLAYS").map_or(PLAYS_MAX, |plays| plays as usize);
    let shrunk = story.shrink(broken, plays_max);
    let (left, before, plays) = (shrunk.story.entries.len(), shrunk.entries_before, shrunk.plays);
    format!(
        "{}\n{left} of {before} entries are enough, found in {plays} plays:\n{}\n\
         repeat with: CORDBOARD_SIM_STORY={seed} cargo test -p cordboard-sim --test crowd one_story -- --nocapture\n",
        shrunk.broken, shrunk.story
    )
}

fn add(total: &mut Struck, struck: &Struck) {
    struck.iter().for_each(|(&what, count)| *total.entry(what).or_default() += count);
}

/// What must have befallen phones: every kind of harm in every state.
fn all_harms() -> impl Iterator<Item = (Owner, State, Harm)> {
    let agents = State::OF_AGENTS.map(|state| (Owner::Agent, state));
    let callers = State::OF_CALLERS.map(|state| (Owner::Caller, state));
    let states = agents.into_iter().chain(callers);
    states.flat_map(|(owner, state)| Harm::ALL.map(|harm| (owner, state, harm)))
}

/// Plays many stories from this seed on, on all cores: how many calls there were, and what befell phones.
pub(crate) fn play_stories(first: u64, stories: u64) -> (u64, Struck) {
    let outcomes = in_parallel(first..first + stories, |seed| {
        let story = story(seed);
        (story.calls(), play(story).struck)
    });
    let mut total = (0, Struck::new());
    for (calls, struck) in outcomes {
        total.0 += calls;
        add(&mut total.1, &struck);
    }
    total
}

/// Every kind of harm must have come over phones in every state.
pub(crate) fn assert_all_harms(struck: &Struck) {
    let missing: Vec<_> = all_harms().filter(|what| !struck.contains_key(what)).collect();
    assert!(missing.is_empty(), "never happened: {missing:?}, but {struck:?}");
}

#[test]
fn whatever_goes_wrong_no_other_call_suffers_whatever_the_seed() {
    let first = fresh_seed() >> 1;
    println!("from seed {first}");
    let stories = from_environment("CORDBOARD_SIM_STORIES").unwrap_or(STORIES);
    let (calls, _) = play_stories(first, stories);
    assert!(calls >= stories * 30, "{calls} calls");
}

/// Repeats the story with a seed that a failure has named.
#[test]
fn one_story() {
    let seed = from_environment("CORDBOARD_SIM_STORY").unwrap_or(FIXED_SEED);
    play(story(seed));
}

/// A fault is planted: calls to numbers outside go over a name, where no world has a DNS. One call of many is enough.
#[test]
fn a_failing_story_is_made_smaller_until_only_its_cause_is_left() {
    let mut story = story(FIXED_SEED);
    story.scenario.outside_host = None;
    let proxy = sip::Uri::parse(b"sip:proxy.example.org;lr").expect("a URI");
    story.scenario.settings.sip.trunks[0].outbound_proxy = Some(proxy);
    let before = story.entries.len();
    let broken = story.play().expect_err("somebody asks the DNS");
    let told = tell(story, broken);
    println!("{told}");
    assert!(told.contains("the engine asks the DNS"), "{told}");
    assert!(told.contains(&format!("1 of {before} entries are enough")), "{told}");
    assert!(told.contains("calls 400"), "{told}");
    assert!(told.contains(&format!("repeat with: CORDBOARD_SIM_STORY={FIXED_SEED} cargo test")), "{told}");
}
