//! Callers who wait in several queues at once.

use std::path::Path;

use whatif::Measure;

use super::super::figures::{Column, Kind};
use super::super::{Results, scenario, text};
use super::{options, played};

/// Kim serves the shop, and whoever is in the second queue; nobody else works.
const SHOP: &str = r#"
[day]
from = "09:00"
to = "11:00"
interval = "1h"

[runs]
replications = 5

[[queue]]
name = "shop"
require = "shop"

[[queue]]
name = "second"

[[agent]]
id = "kim"
contact = "sip:kim@192.0.2.1"
skills = { english = 5 }

[[agent]]
id = "lee"
contact = "sip:lee@192.0.2.1"
skills = { shop = 5 }

[[entry]]
number = "100"
queue = "shop"
also = "second"

[[arrivals]]
number = "100"
count = 10
come = "as-counted"
talk = { shape = "constant", mean = "1m" }

[[group]]
name = "all"
agents = ["kim"]

[[variant]]
name = "one queue at a time"
entry.100.also = "none"

[[variant]]
name = "lee works too"
group.all.agents = ["kim", "lee"]
"#;

fn refused(text: &str) -> String {
    scenario::parse("shop.toml", text, Path::new(""), None).expect_err("it is wrong").to_string()
}

fn count(results: &Results, number: usize, (kind, name): (Kind, &str), measure: Measure) -> f64 {
    let part = results.outcomes[number].parts.iter().find(|part| part.kind == kind && part.name == name);
    let part = part.unwrap_or_else(|| panic!("there is no {name}"));
    part.day.get(Column::Callers(measure)).expect("it is a count").value
}

#[test]
fn callers_of_a_number_with_two_queues_are_served_by_either() {
    let results = played(SHOP, &options());
    let of = |number, queue, measure| count(&results, number, (Kind::Queue, queue), measure);
    assert_eq!((of(0, "shop", Measure::Offered), of(0, "shop", Measure::Dequeued)), (20.0, 20.0));
    assert_eq!((of(0, "second", Measure::Answered), of(0, "second", Measure::Dequeued)), (20.0, 0.0));
    assert_eq!(count(&results, 0, (Kind::Centre, ""), Measure::Answered), 20.0);
    assert_eq!(of(1, "shop", Measure::Dequeued), 0.0, "nobody serves the shop alone");
    let by_lee = of(2, "shop", Measure::Answered);
    assert!(by_lee > 0.0 && by_lee + of(2, "second", Measure::Answered) == 20.0, "{by_lee}");
    let shown = text(&results);
    assert!(shown.contains("overflow  dequeued\n"), "{shown}");
}

#[test]
fn queues_of_arrivals_are_named_as_those_of_an_entry() {
    let direct = SHOP.replace("number = \"100\"\ncount", "queue = \"shop\"\nalso = \"second\"\ncount");
    let direct = direct.replace("entry.100.also", "arrivals.shop.also");
    let (named, dialled) = (played(&direct, &options()), played(SHOP, &options()));
    for measure in [Measure::Answered, Measure::Dequeued] {
        let of = |results| count(results, 0, (Kind::Queue, "second"), measure);
        assert_eq!(of(&named), of(&dialled));
    }
    let wrong =
        |also: &str| refused(&direct.replace("also = \"second\"\ncount", &format!("also = {also}\ncount")));
    assert!(wrong("\"shop\"").contains("`also` names the queue \"shop\" a second time"));
    assert!(wrong("\"third\"").contains("there is no queue \"third\""));
    let both = SHOP.replace("number = \"100\"\ncount", "number = \"100\"\nalso = \"second\"\ncount");
    assert!(refused(&both).contains("has `also` beside `number`, whose [[entry]] says it"));
}
