//! Contact centres, and the people in them.

use std::collections::BTreeMap;
use std::time::Duration;

use acd::requirement::Requirement;
use acd::{
    AgentSettings, BackOff, BackOffs, Exit, ExitId, MaxWait, QueueId, QueueSettings, Ring, SkillId, Strategy,
};
use engine::{Leave, Treatment};
use sim::network::Conditions;
use sim::phone::{Answer, Hold, Manner, Plan};
use sim::world::{Line, Seat};
use sim::{Scenario, Span};

const BILLING: SkillId = SkillId(1);

/// Agents as they are: most answer, some hang up first or hold, a few are busy, refuse or are away.
fn human() -> Plan {
    let answers = Manner::answers_after(Span::between_millis(500, 6_000));
    let hold = Hold { after: Span::between_millis(500, 3_000), lasting: Span::between_millis(500, 3_000) };
    Plan::Mixed(vec![
        (60, answers),
        (15, answers.talking(Span::between_millis(1_000, 8_000))),
        (10, answers.holding(hold)),
        (3, Manner::only(Answer::Busy)),
        (3, Manner::only(Answer::RejectAfter(Span::between_millis(100, 4_000)))),
        (3, Manner::only(Answer::RingOut)),
        (6, Manner::only(Answer::AtOnce)),
    ])
}

pub(crate) fn line(number: &str, queue: u32, treatment: Treatment, settings: QueueSettings) -> Line {
    Line { number: number.to_owned(), queue: QueueId(queue), settings, treatment }
}

/// A contact centre with three queues, on a bad network.
pub(crate) fn contact_centre(agents: usize) -> Scenario {
    let short = |pause, exclusion| BackOff {
        pause: Duration::from_secs(pause),
        exclusion: Duration::from_secs(exclusion),
    };
    let rules = QueueSettings {
        ring_timeout: Duration::from_secs(8),
        after_call_work: Duration::from_secs(1),
        back_offs: BackOffs {
            no_answer: short(3, 10),
            busy: short(5, 5),
            rejected: short(2, 20),
            unreachable: short(10, 10),
            no_resources: short(1, 0),
        },
        ..QueueSettings::default()
    };
    let billing = QueueSettings {
        requirement: Requirement::at_least(BILLING, 7),
        strategy: Strategy::MostSkilled,
        max_wait: Some(MaxWait { after: Duration::from_secs(6), exit: Exit::Queue(QueueId(1)) }),
        ..rules.clone()
    };
    let hurried = QueueSettings {
        ring: Ring { most: 3, every: Duration::from_secs(1) },
        max_wait: Some(MaxWait { after: Duration::from_secs(4), exit: Exit::Leave(ExitId(1)) }),
        ..rules.clone()
    };
    let seat = |number: usize| Seat {
        settings: AgentSettings {
            skills: BTreeMap::from([(BILLING, (number % 10) as u8 + 1)]),
            ..AgentSettings::default()
        },
        plan: human(),
    };
    Scenario {
        conditions: Conditions::BAD,
        check_every: 23,
        lines: vec![
            line("100", 1, Treatment::Ringback, rules),
            line("200", 2, Treatment::Ringback, billing),
            line("300", 3, Treatment::Ringback, hurried),
        ],
        seats: (0..agents).map(seat).collect(),
        exits: BTreeMap::from([(ExitId(1), Leave::Busy)]),
        expires: Duration::from_secs(300),
        keeps_diary: false,
        ..Scenario::quiet()
    }
}
