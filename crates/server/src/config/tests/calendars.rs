//! Calendars, and queues that keep their hours.

use super::{AtClosing, Closed, Exit, LEAST, example, loaded, refused};

const OFFICE: &str = r#"
[[calendar]]
name = "office"
time_zone = "Europe/Berlin"
hours = ["mon-fri 09:00-18:00", "sat 10:00-14:00"]
exceptions = [
  { on = "12-25", name = "Christmas Day" },
  { on = "2026-12-24", hours = "09:00-12:00" },
]
"#;

/// The least file, its queue with `more`, and the calendar.
fn office(more: &str) -> String {
    LEAST.replace("name = \"billing\"\n", &format!("name = \"billing\"\n{more}")) + OFFICE
}

/// The calendar with one of its lines replaced, which must be refused with one line about it.
fn one_error(old: &str, new: &str, message: &str) {
    assert!(OFFICE.contains(old), "the calendar has no {old}");
    let text = LEAST.to_owned() + &OFFICE.replacen(old, new, 1);
    let wrong = refused(&text);
    assert!(wrong.contains(message), "{message}\nnot in\n{wrong}");
    assert_eq!(wrong.lines().count(), 1, "{wrong}");
}

fn warnings(text: &str) -> Vec<String> {
    loaded(text).warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_queue_keeps_the_hours_of_its_calendar() {
    let config = loaded(&office("hours = \"office\"\nclosed = { then = \"busy\" }\n")).config;
    assert_eq!(config.queues[0].hours.as_deref(), Some("office"));
    assert_eq!(config.queues[0].closed, Some(Closed { waiting: AtClosing::Stay, then: Exit::Busy }));
    let calendar = &config.calendars[0];
    assert_eq!((calendar.name.as_str(), calendar.hours.zone().name()), ("office", "Europe/Berlin"));
    // 11:59 and 12:00 in Berlin on Christmas Eve of 2026, and noon of a Thursday before.
    for (seconds, open) in [(1_798_109_940, true), (1_798_110_000, false), (1_797_505_200, true)] {
        assert_eq!(calendar.hours.is_open(hours::Utc::from_seconds(seconds)), open, "{seconds}");
    }
    let example = loaded(example()).config;
    assert_eq!(example.queues[0].hours.as_deref(), Some("office"));
    assert!(example.queues[1].hours.is_none() && example.queues[1].closed.is_none());
}

#[test]
fn a_text_that_cannot_be_read_is_shown_at_its_place_with_its_remedy() {
    let text = LEAST.to_owned() + &OFFICE.replace("sat 10:00-14:00", "sat 10:00-25:00");
    assert_eq!(
        refused(&text),
        "cordboard.toml:22:44: calendar \"office\": `hours`: \"25:00\" is no time of day; write 09:00, from 00:00 to 24:00"
    );
    one_error("sat 10", "fri 10", "`hours`: friday has its hours already; write all of a day in one place");
    one_error(
        "\"12-25\"",
        "\"25.12.\"",
        "calendar \"office\" exceptions 1: `on`: \"25.12.\" is no day; write",
    );
    one_error(
        "\"2026-12-24\"",
        "\"2026-12-32\"",
        "exceptions 2: `on`: there is no 2026-12-32; correct the date",
    );
    one_error("\"09:00-12:00\"", "\"9-12\"", "exceptions 2: `hours`: \"9\" is no time of day; write 09:00");
    one_error("on = \"12-25\", ", "", "exceptions 1: `on` is missing; add on = \"12-25\"");
    one_error(
        "Europe/Berlin",
        "Europe/Berln",
        "there is no \"Europe/Berln\" (did you mean `Europe/Berlin`?)",
    );
    one_error(
        "time_zone = \"Europe/Berlin\"\n",
        "",
        "`time_zone` is missing; add time_zone = \"Europe/Berlin\"",
    );
    one_error("[[calendar]]", "[calendar]", "two brackets; write [[calendar]]");
    one_error("name = \"office\"", "name = \"office\"\nopen = 9", "there is no setting `open`");
}

#[test]
fn hours_and_the_exit_of_a_closed_queue_belong_together() {
    let alone = refused(&office("hours = \"office\"\n"));
    assert!(
        alone.contains("cordboard.toml:15:9: queue \"billing\": `hours` change nothing without `closed`"),
        "{alone}"
    );
    assert_eq!(alone.lines().count(), 1, "{alone}");
    let never = warnings(&office("closed = { then = \"busy\" }\n"));
    assert!(never.len() == 1 && never[0].contains("`closed` never acts"), "{never:?}");
    let unknown = refused(&office("hours = \"ofice\"\nclosed = { then = \"busy\" }\n"));
    assert!(
        unknown.contains("there is no calendar \"ofice\" (did you mean `office`?); add a [[calendar]]"),
        "{unknown}"
    );
    let itself = refused(&office("hours = \"office\"\nclosed = { then = \"queue:billing\" }\n"));
    assert!(itself.contains("leads back to the same queue"), "{itself}");
}

#[test]
fn a_calendar_that_is_never_open_is_a_warning() {
    let text =
        LEAST.to_owned() + "[[calendar]]\nname = \"no\"\ntime_zone = \"UTC\"\nhours = \"daily closed\"\n";
    let warned = warnings(&text);
    assert!(
        warned.len() == 1 && warned[0].contains("calendar \"no\": is never open; add hours"),
        "{warned:?}"
    );
    let once = text + "exceptions = [{ on = \"2027-01-01\", hours = \"24h\" }]\n";
    assert_eq!(warnings(&once), [""; 0]);
}

#[test]
fn sites_may_hand_over_to_each_other_but_not_while_both_are_closed_by_one_calendar() {
    let sites = |second: &str| {
        format!(
            "{LEAST}{OFFICE}[[calendar]]\nname = \"seoul\"\ntime_zone = \"Asia/Seoul\"\nhours = \"mon-fri 09:00-18:00\"\n\
             [[queue]]\nname = \"west\"\nhours = \"office\"\nclosed = {{ then = \"queue:east\" }}\n\
             [[queue]]\nname = \"east\"\nhours = \"{second}\"\nclosed = {{ then = \"queue:west\" }}\n"
        )
    };
    assert_eq!(warnings(&sites("seoul")), [""; 0]);
    let wrong = refused(&sites("office"));
    assert!(wrong.contains("callers overflow in a circle, \"west\" to \"east\" to \"west\""), "{wrong}");
    assert_eq!(wrong.lines().count(), 1, "{wrong}");
    let mixed = sites("seoul").replace(
        "closed = { then = \"queue:west\" }",
        "closed = { then = \"busy\" }\nmax_wait = { after = \"1m\", then = \"queue:west\" }",
    );
    assert!(refused(&mixed).contains("circle, \"west\" to \"east\" to \"west\""), "{}", refused(&mixed));
}
