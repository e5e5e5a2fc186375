//! Chats: several at once, beside calls and interrupted by them.

use std::path::Path;

use whatif::Measure;

use super::super::figures::{Column, Kind};
use super::super::{Results, scenario};
use super::{options, played};

/// Six who take two chats each, and as many chats as keep them busy.
const CHATS: &str = r#"
[day]
from = "09:00"
to = "13:00"
interval = "1h"

[runs]
replications = 10

[[channel]]
name = "chat"

[[channel]]
name = "voice"
interrupts = ["chat"]

[routing]
capacity = { voice = 0, chat = 2 }

[[queue]]
name = "chats"
channel = "chat"

[[arrivals]]
queue = "chats"
count = 110
talk = { mean = "6m" }

[[group]]
name = "all"
count = 6

[[variant]]
name = "twelve who take one"
group.all.count = 12
group.all.capacity.chat = 1

[[variant]]
name = "three at once"
routing.capacity.chat = 3
"#;

fn of_chats(results: &Results, number: usize, measure: Measure) -> f64 {
    let part = results.outcomes[number].parts.iter().find(|part| part.kind == Kind::Queue);
    part.expect("there is a queue").day.get(Column::Callers(measure)).expect("it is told").value
}

fn refused(text: &str) -> String {
    scenario::parse("chats.toml", text, Path::new(""), None).expect_err("it is wrong").to_string()
}

#[test]
fn who_takes_two_chats_at_once_serves_as_two_and_with_three_everybody_waits_less() {
    let results = played(CHATS, &options());
    for measure in [Measure::Answered, Measure::AverageSpeedOfAnswer, Measure::AverageHandlingTime] {
        let of = |number| of_chats(&results, number, measure);
        assert_eq!(of(0), of(1), "{measure:?}");
    }
    let waits = |number| of_chats(&results, number, Measure::AverageSpeedOfAnswer);
    assert!(waits(0) > 20.0, "they are busy: {}", waits(0));
    assert!(waits(2) < 0.2 * waits(0), "{} and {}", waits(2), waits(0));
}

#[test]
fn mistakes_about_channels_are_told_as_in_the_configuration() {
    let wrong = |old: &str, new: &str| refused(&CHATS.replacen(old, new, 1));
    assert!(wrong("channel = \"chat\"", "channel = \"chatt\"").contains("there is no channel \"chatt\""));
    let of_group = wrong("count = 6", "count = 6\ncapacity = { mail = 1 }");
    assert!(of_group.contains("group \"all\": there is no channel \"mail\""), "{of_group}");
    let beyond = wrong("routing.capacity.chat = 3", "routing.capacity.chat = 30");
    assert!(beyond.contains("so many at once are 0 to 25"), "{beyond}");
}
