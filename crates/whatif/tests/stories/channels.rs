//! Several at once, and conversations that are interrupted.

use acd::{AgentSettings, Capacity, Channel, Interruptions, QueueId};
use whatif::erlang::Queueing;
use whatif::{
    AgentGroup, Arrivals, CustomerType, Distribution, Ending, Handling, Measure, Model, ModelFault, Queue,
    RunError, Scope, Watch, estimate, replicate, run,
};

use crate::{HOUR, MINUTE, exponential, play, seconds};

const CHAT: Channel = Channel(1);

fn chats_at_once(chats: u8) -> AgentSettings {
    AgentSettings { capacity: Capacity::NOTHING.with(CHAT, chats), ..AgentSettings::default() }
}

/// A hundred chats an hour of six minutes each, and so many agents who take so many at once.
fn chats(agents: u32, at_once: u8) -> Model {
    let mut model = Model::new(12 * HOUR);
    let mut queue = Queue::new(1, "chats");
    queue.settings.channel = CHAT;
    model.queues.push(queue);
    let handling = Handling::same(Distribution::exponential(6 * MINUTE));
    model.customers.push(CustomerType::new("chats", QueueId(1), Arrivals::poisson(100.0), handling));
    model.groups.push(AgentGroup::alike("all", chats_at_once(at_once), agents));
    model
}

#[test]
fn six_agents_who_take_two_chats_each_serve_as_twelve_who_take_one() {
    for seed in 1..=3 {
        let of = |model: &Model| run(model, seed, 0, Watch::Steps).unwrap().queues;
        let (six, twelve) = (of(&chats(6, 2)), of(&chats(12, 1)));
        assert!(six[0].all().delayed > 100, "they were busy: {:?}", six[0].all());
        assert_eq!(six, twelve, "every chat waits as long");
    }
    let all = play(&Model { horizon: HOUR, ..chats(4, 3) });
    assert!(all.groups[0].all().handling < all.queues[0].all().handled, "two at the same time count once");
}

/// Erlang C for 10 erlangs on 12 servers: 44.9 % wait, 81 s on average over all.
#[test]
fn the_waits_are_those_of_the_formula_for_so_many_places() {
    let formula = Queueing {
        arrivals: 100.0 / 3_600.0,
        service: 1.0 / 360.0,
        abandonment: 0.0,
        servers: 12,
        places: None,
    };
    let formula = formula.steady_state().unwrap();
    assert!((formula.delayed() - 0.449).abs() < 5e-4, "{}", formula.delayed());
    assert!((formula.wait() - 80.9).abs() < 0.1, "{}", formula.wait());
    let model = Model { warm_up: 2 * HOUR, horizon: 22 * HOUR, ending: Ending::Stop, ..chats(4, 3) };
    let days = replicate(&model, 1, 0..40, Watch::End).unwrap();
    let wait = estimate(&days, Scope::Queue(0), Measure::AverageSpeedOfAnswer).unwrap();
    assert!(wait.interval(0.999).contains(formula.wait()), "{} and {wait:?}", formula.wait());
    assert!(wait.standard_error < 0.1 * formula.wait(), "{wait:?}");
}

/// Calls may interrupt chats. A chat of ten minutes begins at 0:00, a call of two minutes at 0:05.
fn call_into_a_chat() -> Model {
    let mut model = Model::new(HOUR);
    model.distributor.interruptions = Interruptions::default().allow(CHAT, Channel::VOICE);
    let mut queue = Queue::new(2, "chats");
    queue.settings.channel = CHAT;
    model.queues.extend([Queue::new(1, "calls"), queue]);
    let listed = |name: &str, queue, times: &[u64], minutes| {
        let times = Arrivals::Times(times.iter().copied().map(seconds).collect());
        let handling = Handling::same(Distribution::constant(minutes * MINUTE));
        CustomerType::new(name, QueueId(queue), times, handling)
    };
    model.customers.extend([listed("calls", 1, &[300], 2), listed("chats", 2, &[0], 10)]);
    let capacity = Capacity::default().with(CHAT, 2);
    let settings = AgentSettings { capacity, ..AgentSettings::default() };
    model.groups.push(AgentGroup::alike("all", settings, 1));
    model
}

#[test]
fn a_chat_that_a_call_interrupts_ends_later_by_the_length_of_the_call() {
    let day = play(&call_into_a_chat());
    let [calls, chats] = &day.queues[..] else { panic!("two queues") };
    assert_eq!((calls.all().wait_answered, calls.all().handled), (seconds(0), 2 * MINUTE));
    assert_eq!(chats.all().handled, 12 * MINUTE);
    assert_eq!(day.groups[0].all().handling, 12 * MINUTE);

    let mut model = call_into_a_chat();
    model.distributor.interruptions = Interruptions::default();
    let day = play(&model);
    assert_eq!(day.queues[0].all().wait_answered, 5 * MINUTE, "the call waits for the end of the chat");
    assert_eq!(day.queues[1].all().handled, 10 * MINUTE);
}

#[test]
fn chats_need_no_telephone_line() {
    let mut model = call_into_a_chat();
    model.trunks = Some(1);
    let day = play(&model);
    assert_eq!((day.queues[0].all().blocked, day.trunks.max), (0, 1));
}

#[test]
fn drawn_after_call_work_is_refused_where_somebody_could_have_two_at_once() {
    let mut model = chats(4, 2);
    model.customers[0].after_call_work = Some(exponential(MINUTE));
    let fault = ModelFault::AfterCallWorkOfSeveral("chats".to_owned());
    assert!(matches!(run(&model, 1, 0, Watch::End), Err(RunError::Model(other)) if other == fault));
    let mut alone = chats(4, 1);
    alone.customers[0].after_call_work = Some(exponential(MINUTE));
    alone.queues[0].settings.after_call_work = MINUTE;
    assert!(play(&Model { horizon: HOUR, ..alone }).groups[0].all().after_call_work > MINUTE);
}
