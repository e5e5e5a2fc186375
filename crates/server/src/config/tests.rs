//! What a user sees of a good and of a bad file.

use std::time::Duration;

use super::*;

mod calendars;
mod callers;
mod channels;
mod errors;
mod mutations;
mod page;
mod references;
mod typical;

/// The least that runs.
const LEAST: &str = r#"
[sip]
domain = "cc.example.com"
[media]
address = "192.0.2.10"
[[trunk]]
name = "pbx"
from = ["192.0.2.0/24"]
[[agent]]
id = "kim"
password = "glass-otter-51"
skills = { billing = 8 }
[[queue]]
name = "billing"
[[entry]]
number = "*"
queue = "billing"
"#;

fn example() -> &'static str {
    include_str!("../../../../docs/examples/cordboard.toml")
}

fn loaded(text: &str) -> Loaded {
    parse("cordboard.toml", text, Passwords::Strong).unwrap_or_else(|refused| panic!("refused:\n{refused}"))
}

/// What `check` would print for a file that is refused.
fn refused(text: &str) -> String {
    parse("cordboard.toml", text, Passwords::Strong).expect_err("the file is wrong").to_string()
}

/// What is said of a file that is to run, errors and warnings; files that it names are not looked for.
fn told(text: &str) -> Vec<String> {
    let problems = match check("cordboard.toml", text, Passwords::Strong, live::check) {
        Ok(loaded) => loaded.warnings,
        Err(refused) => refused.problems,
    };
    problems.iter().map(ToString::to_string).collect()
}

/// The least file with `old` replaced by `new`, which must be refused with exactly one line that holds
/// `message` at the place of `new`'s line.
fn one_error(old: &str, new: &str, message: &str) {
    assert!(LEAST.contains(old), "the least file has no {old}");
    let text = refused(&LEAST.replacen(old, new, 1));
    assert!(text.contains(message), "{message}\nnot in\n{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn the_least_file_runs_with_the_defaults() {
    let Loaded { config, warnings } = loaded(LEAST);
    assert_eq!(warnings, []);
    assert_eq!(config.sip.timers.t1, Duration::from_millis(500));
    assert_eq!(config.sip.listen.len(), 2);
    assert_eq!(config.media.ports, PortRange { first: 20_000, last: 29_999 });
    assert_eq!(config.media.ports.ports(), 10_000);
    let queue = &config.queues[0];
    assert_eq!((queue.strategy, queue.ring_timeout), (Strategy::LongestIdle, Duration::from_secs(15)));
    assert_eq!(queue.service_level, ServiceLevel { target: 0.8, within: Duration::from_secs(20) });
    assert_eq!(config.agents[0].name, "kim");
    assert_eq!(config.http.token, None);
    assert!(config.log.mask_numbers);
}

#[test]
fn the_documented_example_is_accepted_without_a_warning_and_says_what_it_says() {
    let Loaded { config, warnings } = loaded(example());
    assert_eq!(warnings, []);
    assert_eq!(config.trunks[1].media, MediaPath::Direct);
    assert_eq!(config.agents[0].skills.get("billing"), Some(&8));
    assert_eq!(config.agents[1].reach, Reach::Contact("sip:2002@pbx.example.com".to_owned()));
    let billing = &config.queues[0];
    assert_eq!(billing.steps[1].mode, StepMode::Add);
    assert_eq!(billing.max_wait.as_ref().map(|rule| &rule.then), Some(&Exit::Queue("technical".to_owned())));
    assert_eq!(billing.max_length.as_ref().map(|rule| &rule.then), Some(&Exit::Busy));
    assert_eq!(config.queues[1].waiting, Waiting::Ringback);
    assert_eq!(config.skills(), ["billing", "english", "technical"]);
}

#[test]
fn a_call_enters_by_its_number_then_by_the_longest_prefix_then_by_the_star() {
    let config = loaded(example()).config;
    let queue = |number| config.entry_for(number).map(|entry| (entry.queue.as_str(), entry.priority));
    assert_eq!(queue("15881000"), Some(("billing", 5)));
    assert_eq!(queue("15889999"), Some(("billing", 0)));
    assert_eq!(queue("anything"), Some(("technical", 0)));
}

#[test]
fn a_number_that_no_entry_fits_enters_nowhere() {
    let config = loaded(&LEAST.replace("\"*\"", "\"100\"")).config;
    assert_eq!(config.entry_for("101"), None);
}

#[test]
fn the_addresses_of_media_and_sip_follow_each_other() {
    let text = LEAST.replace("[media]\naddress = \"192.0.2.10\"", "listen = \"udp:192.0.2.77:5060\"");
    let config = loaded(&text).config;
    assert_eq!(config.sip.advertised.v4, Some([192, 0, 2, 77].into()));
    assert_eq!(config.media.addresses, config.sip.advertised);
    let other_way = loaded(LEAST).config;
    assert_eq!(other_way.sip.advertised, other_way.media.addresses);
}

#[test]
fn no_secret_is_ever_printed() {
    let config = loaded(example()).config;
    let shown = format!("{config:?}");
    for secret in ["glass-otter-51", "k3Vq-79-maple", "3f9c-71ab-c2d8-66e0"] {
        assert!(example().contains(secret), "{secret}");
        assert!(!shown.contains(secret), "{secret}");
    }
    let wrong = refused(&LEAST.replace("glass-otter-51", "kim12345"));
    assert!(
        wrong.contains("the password is the name that it protects") && !wrong.contains("kim12345"),
        "{wrong}"
    );
    let wrong = refused(&LEAST.replace("\"glass-otter-51\"", "[\"glass-otter-51\"]"));
    assert!(!wrong.contains("otter"), "{wrong}");
}

#[test]
fn the_demo_may_use_weak_passwords() {
    let text = LEAST.replace("glass-otter-51", "1234");
    assert!(parse("demo", &text, Passwords::Any).is_ok());
    assert!(parse("demo", &text, Passwords::Strong).is_err());
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let missing =
        load(Path::new("no/such/cordboard.toml"), Passwords::Strong).expect_err("there is no such file");
    assert!(missing.to_string().starts_with("no/such/cordboard.toml:1:1: cannot be read: "), "{missing}");
}

#[test]
fn music_that_is_not_there_is_reported_where_it_is_named() {
    let folder = std::env::temp_dir().join(format!("cordboard-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let path = folder.join("cordboard.toml");
    let text = LEAST.replace("name = \"billing\"", "name = \"billing\"\nmusic = \"waltz.wav\"");
    std::fs::write(&path, &text).expect("a temporary file");
    let error = load(&path, Passwords::Strong).expect_err("there is no music").to_string();
    std::fs::write(folder.join("waltz.wav"), "").expect("a temporary file");
    let found = load(&path, Passwords::Strong);
    std::fs::remove_dir_all(&folder).expect("our own folder");
    assert!(error.contains(":15:9: queue \"billing\": there is no file waltz.wav"), "{error}");
    assert!(found.is_ok());
}
