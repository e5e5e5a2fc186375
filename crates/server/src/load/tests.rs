//! What a scenario may say, and what is said of one that is wrong.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use load::{Audio, Load, Outcome, Spacing, TalkFrom};
use serde_json::Value;
use sip::{Host, Protocol};
use timing::Instant;
use whatif::Distribution;

use super::drive::{Driven, Ends};
use super::report::audio::Silence;
use super::report::{self, Outcomes, Results};
use super::scenario::{self, Scenario};
use super::search::Verdict;
use super::{Options, load};
use crate::results::Files;

fn read(text: &str) -> Scenario {
    scenario::parse("calls.toml", text, Path::new("")).expect("the scenario is right")
}

/// What is said of a scenario that is wrong.
fn problems(text: &str) -> Vec<String> {
    let refused = scenario::parse("calls.toml", text, Path::new("")).expect_err("the scenario is wrong");
    refused.problems.iter().map(ToString::to_string).collect()
}

const SHORT: &str = r#"
[system]
address = "127.0.0.1:5060"

[[callers]]
number = "100"
per_second = 50
"#;

#[test]
fn the_shortest_scenario_has_sensible_defaults() {
    let scenario = read(SHORT);
    assert_eq!((scenario.system.port(), scenario.protocol), (5_060, Protocol::Udp));
    assert_eq!(scenario.domain, Host::parse(b"127.0.0.1").expect("a host"));
    assert_eq!((scenario.warm_up, scenario.length), (Duration::from_secs(2), Duration::from_secs(60)));
    assert_eq!(
        scenario.callers[0].talk_from,
        TalkFrom::Answer,
        "without agents whatever answers is talked to"
    );
    assert_eq!(scenario.callers[0].pace.spacing, Spacing::Poisson);
    assert_eq!(scenario.peak(), 50.0);
    assert_eq!(scenario.audio, None);
    assert!(scenario.agents.is_empty() && !scenario.wants_search && scenario.warnings.is_empty());
}

#[test]
fn everything_that_can_be_said_is_read() {
    let scenario = read(
        r#"
        [system]
        address = "[::1]:5062"
        transport = "tcp"
        domain = "centre.example"
        local = "::1"
        [run]
        warm_up = "0s"
        length = "5m"
        drain = "10s"
        calls_max = 500
        registrations_per_second = 20
        seed = 7
        [search]
        from = 20
        to = 900
        length = "10s"
        failures = "1%"
        precision = "10%"
        [[callers]]
        name = "morning"
        number = ["100", "200"]
        may_be_hung_up = true
        from = "0301"
        people = 5000
        spacing = "even"
        profile = [{ at = "0s", per_second = 0 }, { at = "1m", per_second = 80.5 }]
        talk = { mean = "30s" }
        talk_from = "answer"
        patience = { shape = "constant", mean = "20s" }
        user = "trunk"
        password = "t0p secret"
        [[agents]]
        name = "floor"
        user = "agent{}"
        first = 11
        count = 40
        password = "secret-{}"
        expires = "10m"
        ring = { shape = "uniform", min = "1s", max = "4s" }
        busy = "1%"
        decline = "2%"
        no_answer = "3.5%"
        talk = { shape = "lognormal", mean = "40s", sd = "20s" }
        after_call_work = "5s"
        any_number = true
        "#,
    );
    assert_eq!((scenario.protocol, scenario.seed, scenario.peak()), (Protocol::Tcp, 7, 80.5));
    let callers = &scenario.callers[0];
    assert_eq!((callers.numbers.len(), callers.people), (2, 5_000));
    assert_eq!(callers.patience, Some(Distribution::constant(Duration::from_secs(20))));
    assert_eq!(callers.credentials.as_ref().map(|own| own.user.as_str()), Some("trunk"));
    let agents = &scenario.agents[0];
    assert_eq!((agents.accounts[0].user.as_str(), agents.accounts.len()), ("agent11", 40));
    assert_eq!(agents.accounts[39].password, "secret-50");
    assert_eq!(agents.answers.no_answer, 0.035);
    assert!(agents.take_any && scenario.wants_search);
    assert_eq!((scenario.search.from, scenario.search.failures), (20.0, 0.01));
}

#[test]
fn calls_have_audio_where_there_is_a_table_for_it_even_an_empty_one() {
    let agents = "[[agents]]\nuser = \"kim\"\nregister = false\n";
    let audio = |table: &str| read(&format!("{SHORT}{agents}{table}")).audio;
    assert_eq!(audio(""), None);
    let whole = audio("[audio]").expect("it is wanted");
    assert_eq!((whole.calls, whole.loss, whole.unheard, whole.delay), (100, 0.01, 0.0, None));
    let said = "[audio]\ncalls = 20\ngap = \"60ms\"\nheard_within = \"500ms\"\nloss = \"2%\"\nunheard = \"3%\"\ndelay = \"30ms\"";
    let said = audio(said).expect("it is wanted");
    assert_eq!((said.calls, said.loss, said.unheard), (20, 0.02, 0.03));
    let (gap, heard_within) = (said.judged.gap, said.judged.heard_within);
    assert_eq!((gap, heard_within), (Duration::from_millis(60), Duration::from_millis(500)));
    assert_eq!(said.delay, Some(Duration::from_millis(30)));
}

/// One mistake each, and what must be said of it.
#[test]
fn every_mistake_is_told_with_its_line_and_the_remedy() {
    let agents = "[[agents]]\nuser = \"agent{}\"\ncount = 2\npassword = \"x\"\n";
    let cases = [
        ("", "address", "`address` is missing"),
        (
            "[system]\naddress = \"nowhere\"",
            "calls.toml:2",
            "cannot be found; write an address or a name with a port",
        ),
        ("[system]\naddress = \"127.0.0.1:0\"", "calls.toml:2", "cannot be found"),
        (
            "[system]\naddress = \"127.0.0.1:5060\"\nlocal = \"0.0.0.0\"",
            "calls.toml:3",
            "no address that others can send to",
        ),
        ("[system]\naddress = \"127.0.0.1:5060\"\nlocal = \"::1\"", "calls.toml:2", "different families"),
        (
            "[system]\naddress = \"127.0.0.1:5060\"\ntransport = \"tls\"",
            "calls.toml:3",
            "load tests do not speak TLS yet; choose `udp` or `tcp`",
        ),
        ("[run]\nlength = \"5s\"\nwarm_up = \"5s\"", "calls.toml:1", "nothing would be counted"),
        ("[run]\nlenght = \"5s\"", "calls.toml:2", "there is no setting `lenght` (did you mean `length`?)"),
        ("[search]\nfrom = 900\nto = 20", "calls.toml:1", "exchange the two"),
        ("[[callers]]\nper_second = 5", "calls.toml:1", "`number` is missing"),
        ("[[callers]]\nnumber = \"1\"", "calls.toml:1", "how often they call is missing"),
        ("[[callers]]\nnumber = \"1\"\nper_second = 0", "calls.toml:3", "out of range"),
        (
            "[[callers]]\nnumber = \"1\"\nprofile = [{ at = \"5s\", per_second = 1 }, { at = \"1s\", per_second = 1 }]",
            "calls.toml:3",
            "earlier than that of the point before",
        ),
        ("[[callers]]\nnumber = \"1\"\nper_second = 1\nuser = \"u\"", "calls.toml:4", "go together"),
        (
            "[[agents]]\nuser = \"agent\"\ncount = 2\npassword = \"x\"",
            "calls.toml:2",
            "no place for the number",
        ),
        ("[[agents]]\nuser = \"agent{}\"", "calls.toml:1", "`password` is missing"),
        (
            "[[agents]]\nuser = \"a\"\npassword = \"x\"\nbusy = \"60%\"\ndecline = \"50%\"",
            "calls.toml:1",
            "more than 100%",
        ),
        (&[agents, agents].concat(), "calls.toml:5", "2 of its users are in another [[agents]] too"),
        (
            "[[callers]]\nnumber = \"1\"\nper_second = 1\npeople = 10",
            "calls.toml:1",
            "lower `calls_max` in [run]",
        ),
        ("[[callers]]\nnumber = \"1\\n2\"\nper_second = 1", "calls.toml:2", "control character"),
        (
            "[[callers]]\nnumber = \"1\"\nper_second = 1\nfrom = \"7\"\n[[callers]]\nnumber = \"2\"\nper_second = 1\nfrom = \"7\"",
            "calls.toml:5",
            "begin `from` with other digits",
        ),
        ("[audio]\n[[callers]]\nnumber = \"1\"\nper_second = 1", "calls.toml:1", "one of them is missing"),
        ("[search]\n[[agents]]\nuser = \"a\"\npassword = \"x\"", "calls.toml:1", "[search] needs callers"),
    ];
    for (text, place, message) in cases {
        let told = problems(text);
        let is_told = told.iter().any(|problem| problem.contains(place) && problem.contains(message));
        assert!(is_told, "{text}\nmust say: {place}: {message}\nsays: {told:#?}");
    }
}

#[test]
fn nothing_that_is_read_is_overwritten() {
    let folder = std::env::temp_dir().join(format!("cordboard-{}-load", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder for temporary files is there");
    let (file, talks) = (folder.join("calls.toml"), folder.join("talks.csv"));
    let text =
        format!("{SHORT}talk = {{ shape = \"empirical\", file = \"talks.csv\", column = \"talk\" }}\n");
    std::fs::write(&file, &text).expect("it can be written to");
    std::fs::write(&talks, "talk\n10\n20\n").expect("it can be written to");
    for read in [&file, &talks] {
        let files = Files { json: Some(read.clone()), ..Files::default() };
        let refused = load(&Options { scenario: file.clone(), files, ..Options::default() });
        let refused = refused.expect_err("it would be lost").to_string();
        assert!(refused.starts_with("--json would overwrite"), "{refused}");
    }
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), text);
    std::fs::remove_dir_all(&folder).expect("our own folder");
}

#[test]
fn who_waits_for_an_agent_needs_no_word_where_there_are_agents() {
    let text = format!("{SHORT}\n[[agents]]\nuser = \"kim\"\nregister = false\n");
    let scenario = read(&text);
    assert_eq!(scenario.callers[0].talk_from, TalkFrom::Agent);
    assert_eq!(scenario.agents[0].expires, None);
    assert_eq!(scenario.agents[0].accounts[0].user, "kim");
}

#[test]
fn the_example_can_be_run() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/load/calls.toml");
    let scenario = scenario::load(&file).expect("the example is right");
    assert_eq!(scenario.agents[0].accounts.len(), 60);
    assert!(scenario.warnings.is_empty(), "{:?}", scenario.warnings);
}

/// A scenario with audio, and a test of it with ten calls in which nobody talked.
fn silent() -> (Scenario, Driven) {
    let mut ends = Ends::open(&read(SHORT)).expect("loopback has ports");
    let plan = ends.plan(&read(SHORT), 1).expect("the sockets have addresses");
    let scenario = read(&format!("{SHORT}[[agents]]\nuser = \"kim\"\nregister = false\n[audio]\n"));
    let judged = scenario.audio.as_ref().expect("it is wanted").judged;
    let mut figures = Load::new(Instant::from_secs(1), plan).figures().clone();
    (figures.begun, figures.rung) = (10, 10);
    let driven = Driven {
        figures,
        audio: Some(Audio::new(1, 1, judged).figures().clone()),
        processor: Duration::ZERO,
        elapsed: Duration::ZERO,
        was_stopped: false,
        lost: None,
    };
    (scenario, driven)
}

#[test]
fn why_nobody_talked_is_told_apart_and_to_stop_a_test_is_no_fault() {
    type Case = (fn(&mut Driven), Silence, &'static str);
    let cases: [Case; 4] = [
        (|driven| driven.figures.strangers = 10, Silence::NoFrom, "let the system pass From on"),
        (|driven| driven.figures.without_audio = 3, Silence::NoPorts, "raise `calls` in [audio]"),
        // Two had hung up when an agent was rung for them.
        (|driven| driven.figures.strangers = 2, Silence::NoAnswer, "see what became of the calls"),
        (|driven| driven.was_stopped = true, Silence::EndedEarly, ""),
    ];
    for (change, silence, remedy) in cases {
        let (scenario, mut driven) = silent();
        change(&mut driven);
        assert_eq!(Silence::of(&driven), Some(silence));
        let missed = report::missed(&scenario, &driven);
        assert_eq!(missed.len(), usize::from(!remedy.is_empty()), "{missed:?}");
        assert!(missed.iter().all(|(en, _)| en.contains(remedy)), "{missed:?}");
    }
}

#[test]
fn a_rate_at_which_nobody_talked_was_not_made_and_is_not_too_high() {
    let (scenario, mut driven) = silent();
    assert_eq!(Verdict::of(&driven, &scenario), Verdict::Silent);
    assert!(Verdict::Silent.words().starts_with("not made"));
    driven.figures.outcomes.insert(Outcome::Unanswered, 10);
    assert_eq!(Verdict::of(&driven, &scenario), Verdict::Failed, "nobody was answered");
    driven.was_stopped = true;
    assert_eq!(Verdict::of(&driven, &scenario), Verdict::Stopped);
}

/// The keys of an object and of those in it.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        found.insert(key.clone());
        keys(value, found);
    }
}

#[test]
fn every_key_of_the_audio_in_json_is_explained() {
    let (scenario, driven) = silent();
    let found = report::json(&Results { scenario, found: Outcomes::Test(Box::new(driven)) });
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/load.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let section = page.split("\n## ").find(|section| section.starts_with("Audio\n")).expect("it has one");
    let mut wanted = BTreeSet::new();
    keys(&found["test"]["audio"], &mut wanted);
    assert!(wanted.len() > 20, "{wanted:?}");
    wanted.retain(|key| !section.contains(&format!("`{key}`")));
    assert_eq!(wanted, BTreeSet::new(), "docs/load.md says nothing of these");
}
