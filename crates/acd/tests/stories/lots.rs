//! Choosing by lot. The seeds are fixed, so that what is counted here is the same every time.

use acd::{
    AgentId, AgentSettings, Command, Distributor, Event, InteractionId, Invalid, QueueId, QueueSettings,
    Refusal, Request, Requirement, ReservationId, SHARE_MAX, Settings, SkillId, Strategy,
};
use timing::Instant;

use crate::{BILLING, ENGLISH, World, seconds};

const CALLS: u64 = 10_000;
/// What chi-square with so many degrees of freedom exceeds once in a thousand times.
const CHI_SQUARE_1: f64 = 10.83;
const CHI_SQUARE_2: f64 = 13.82;
const CHI_SQUARE_3: f64 = 16.27;

/// Agents 1 to 4 of weights 1 to 4; queue 1 takes anybody, queue 2 those with billing.
struct Centre {
    acd: Distributor,
    now: Instant,
    calls: u64,
}

impl Centre {
    fn new(settings: Settings, skills: impl Fn(u32) -> Vec<SkillId>) -> Centre {
        let mut centre = Centre { acd: Distributor::new(settings), now: Instant::from_secs(1), calls: 0 };
        for (queue, requirement) in [(1, Requirement::anyone()), (2, Requirement::at_least(BILLING, 1))] {
            let strategy = Strategy::WeightedRandom;
            let settings = QueueSettings { requirement, strategy, ..QueueSettings::default() };
            centre.tell(Command::DefineQueue { queue: QueueId(queue), settings: Box::new(settings) });
        }
        for weight in 1..=4 {
            let agent = AgentId(weight);
            let skills = skills(weight).into_iter().map(|skill| (skill, 5)).collect();
            let settings = AgentSettings { weight, skills, ..AgentSettings::default() };
            centre.tell(Command::DefineAgent { agent, settings: Box::new(settings) });
            centre.tell(Command::LogIn { agent, not_ready: None });
        }
        centre
    }

    fn tell(&mut self, command: Command) {
        self.now += seconds(1);
        self.acd.handle_command(self.now, command).expect("the command is right in this story");
    }

    /// A call comes; who is rung, by which reservation.
    fn ring(&mut self, queue: u32) -> (u32, ReservationId) {
        self.calls += 1;
        let request = Request::new(QueueId(queue));
        self.tell(Command::Enqueue { interaction: InteractionId(self.calls), request });
        let rung = |event: Event| match event {
            Event::Reserved { agent, reservation, .. } => Some((agent.0, reservation)),
            _ => None,
        };
        std::iter::from_fn(|| self.acd.poll_event()).find_map(rung).expect("somebody is idle")
    }

    /// A call that is over before the next one comes; who took it.
    fn call(&mut self, queue: u32) -> u32 {
        let (agent, reservation) = self.ring(queue);
        self.tell(Command::Accept { reservation });
        self.tell(Command::Finish { interaction: InteractionId(self.calls) });
        while self.acd.poll_event().is_some() {}
        agent
    }
}

/// How far counts are from what weights from `first` on let expect.
fn chi_square(counts: &[u64], weights: &[u32]) -> f64 {
    let all: u64 = counts.iter().sum();
    let weight: u32 = weights.iter().sum();
    let term = |(&count, &of): (&u64, &u32)| {
        let expected = all as f64 * f64::from(of) / f64::from(weight);
        (count as f64 - expected).powi(2) / expected
    };
    counts.iter().zip(weights).map(term).sum()
}

fn alike(_: u32) -> Vec<SkillId> {
    vec![BILLING]
}

fn unlike(agent: u32) -> Vec<SkillId> {
    if agent <= 2 { vec![BILLING] } else { vec![ENGLISH] }
}

#[test]
fn everybody_is_as_likely_as_the_weight_says_in_pools_and_outside() {
    for (pooled_from, skills) in [(1, alike as fn(u32) -> _), (100, alike), (1, unlike), (100, unlike)] {
        let mut centre = Centre::new(Settings { pooled_from, seed: 1, ..Settings::default() }, skills);
        let mut counts = [0; 4];
        (0..CALLS).for_each(|_| counts[centre.call(1) as usize - 1] += 1);
        let distance = chi_square(&counts, &[1, 2, 3, 4]);
        assert!(distance < CHI_SQUARE_3, "{counts:?} by {distance} (pools from {pooled_from} on)");
    }
}

#[test]
fn who_has_just_been_chosen_is_as_likely_as_before() {
    let mut centre = Centre::new(Settings { seed: 2, ..Settings::default() }, alike);
    let takers: Vec<u32> = (0..CALLS).map(|_| centre.call(1)).collect();
    let again = takers.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
    let counts = [again, CALLS - 1 - again];
    // The sum of the squared probabilities of 10, 20, 30 and 40 %.
    let distance = chi_square(&counts, &[30, 70]);
    assert!(distance < CHI_SQUARE_1, "{again} of {CALLS} were chosen again at once");
}

#[test]
fn while_one_is_rung_the_others_are_as_likely_as_their_weights_say() {
    let mut centre = Centre::new(Settings { seed: 3, ..Settings::default() }, alike);
    let mut counts = [0; 3];
    for _ in 0..2 * CALLS {
        let (first, reservation) = centre.ring(1);
        let held = InteractionId(centre.calls);
        let second = centre.call(1);
        if first == 4 {
            counts[second as usize - 1] += 1;
        }
        centre.tell(Command::Accept { reservation });
        centre.tell(Command::Finish { interaction: held });
        while centre.acd.poll_event().is_some() {}
    }
    let distance = chi_square(&counts, &[1, 2, 3]);
    assert!(distance < CHI_SQUARE_2, "{counts:?} by {distance}");
}

#[test]
fn what_another_queue_chooses_makes_nobody_more_likely() {
    for pooled_from in [1, 100] {
        let mut centre = Centre::new(Settings { pooled_from, seed: 4, ..Settings::default() }, unlike);
        let (mut of_all, mut of_two) = ([0; 4], [0; 2]);
        for _ in 0..CALLS {
            (0..3).for_each(|_| of_two[centre.call(2) as usize - 1] += 1);
            of_all[centre.call(1) as usize - 1] += 1;
        }
        let distances = (chi_square(&of_all, &[1, 2, 3, 4]), chi_square(&of_two, &[1, 2]));
        assert!(distances.0 < CHI_SQUARE_3 && distances.1 < CHI_SQUARE_1, "{of_all:?} {of_two:?}");
    }
}

#[test]
fn equal_seeds_choose_alike_and_go_on_alike_after_they_were_written_down() {
    let centre = |seed| Centre::new(Settings { seed, ..Settings::default() }, alike);
    let takers = |centre: &mut Centre, calls| (0..calls).map(|_| centre.call(1)).collect::<Vec<u32>>();
    let (mut one, mut same, mut other) = (centre(5), centre(5), centre(6));
    let first = takers(&mut one, 200);
    assert_eq!(takers(&mut same, 100), first[..100]);
    let written = serde_json::to_string(&same.acd).expect("plain data");
    same.acd = serde_json::from_str(&written).expect("what was written");
    assert_eq!(takers(&mut same, 100), first[100..]);
    assert_ne!(takers(&mut other, 200), first);
}

#[test]
fn whom_the_queue_prefers_comes_before_the_lot() {
    let mut world = World::new();
    world.queue(1, |queue| {
        queue.strategy = Strategy::WeightedRandom;
        queue.prefer = vec![Requirement::at_least(ENGLISH, 1)];
    });
    world.define_agent(1, &[], |agent| agent.weight = SHARE_MAX);
    world.log_in(1);
    world.agent(2, &[(ENGLISH, 5)]);
    for call in 1..=5 {
        world.call(call, 1);
        assert_eq!(world.rings(2), Some(call));
        world.talk(2, seconds(1));
    }
}

#[test]
fn a_weight_out_of_range_is_refused() {
    for weight in [0, SHARE_MAX + 1] {
        let settings = Box::new(AgentSettings { weight, ..AgentSettings::default() });
        let refused = World::new().try_to(Command::DefineAgent { agent: AgentId(1), settings });
        assert_eq!(refused, Err(Refusal::Invalid(Invalid::Share(weight))));
    }
}
