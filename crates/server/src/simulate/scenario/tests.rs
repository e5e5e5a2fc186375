//! What a user sees of a good and of a bad scenario.

use std::path::PathBuf;

use whatif::Distribution;

use super::*;
use crate::config::Strategy;

mod page;

/// The least that runs.
const LEAST: &str = r#"
[day]
from = "08:00"
to = "10:00"

[[queue]]
name = "billing"
require = "billing >= 7"

[[arrivals]]
queue = "billing"
per_hour = 60
talk = { mean = "3m" }

[[group]]
name = "day shift"
count = 4
skills = { billing = 8 }
"#;

fn read_text(text: &str) -> Result<Scenario, Refused> {
    parse("day.toml", text, Path::new(""), None)
}

fn scenario(text: &str) -> Scenario {
    read_text(text).unwrap_or_else(|refused| panic!("refused:\n{refused}"))
}

/// What `--check` would print for a scenario that is refused.
fn refused(text: &str) -> String {
    read_text(text).expect_err("the scenario is wrong").to_string()
}

/// The least scenario with `old` replaced by `new`, which must be refused with exactly one line that holds
/// `message`.
fn one_error(old: &str, new: &str, message: &str) {
    assert!(LEAST.contains(old), "the least scenario has no {old}");
    let text = refused(&LEAST.replacen(old, new, 1));
    assert!(text.contains(message), "{message}\nnot in\n{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

/// A folder of this test process with files in it.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("cordboard-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder for temporary files is there");
    for (file, text) in files {
        std::fs::write(folder.join(file), text).expect("it can be written to");
    }
    folder
}

#[test]
fn the_least_scenario_is_read_with_the_defaults() {
    let scenario = scenario(LEAST);
    assert_eq!(scenario.warnings, []);
    assert_eq!(scenario.day.intervals(), 4);
    assert_eq!(scenario.day.label(3), "09:30-10:00");
    assert_eq!(scenario.runs.replications, 100);
    let case = &scenario.cases[0];
    assert_eq!(case.config.queues[0].strategy, Strategy::LongestIdle);
    assert_eq!(case.config.agents.len(), 4);
    assert_eq!(case.groups[0].agents[0], "day shift 1");
    assert_eq!(case.groups[0].shifts, [(scenario.day.from, scenario.day.to)]);
    assert_eq!(case.arrivals[0].pattern, Pattern::Poisson(vec![30.0; 4]));
    assert_eq!(case.arrivals[0].patience, None);
}

#[test]
fn what_is_missing_is_said_with_what_to_add() {
    one_error("from = \"08:00\"", "", "[day]: `from` is missing; add from = \"08:00\"");
    one_error("per_hour = 60", "", "arrivals 1: needs one of `per_hour`, `count` and `file`");
    one_error("talk = { mean = \"3m\" }", "", "`talk` is missing; say how long a conversation lasts");
    one_error("talk = { mean = \"3m\" }", "talk = {}", "`mean` is missing; add a time, as in mean = \"3m\"");
    one_error("count = 4\n", "", "needs either `agents` (ids of the configuration) or `count`");
    let (before, after) = LEAST.split_once("[[queue]]").expect("there is one");
    let (_, after) = after.split_once("[[arrivals]]").expect("there is one");
    let nowhere = refused(&format!("{before}[[arrivals]]{after}"));
    assert!(nowhere.starts_with("day.toml:1:1: there is no queue; name your configuration"), "{nowhere}");
}

#[test]
fn wrong_values_are_told_with_line_and_remedy() {
    one_error("to = \"10:00\"", "to = \"07:00\"", "day.toml:4:6: [day]: `to` is not later than `from`");
    one_error("to = \"10:00\"", "to = \"10:10\"", "`interval` does not divide the time");
    one_error("from = \"08:00\"", "from = \"8am\"", "\"8am\" is no time of day; write it as \"08:00\"");
    one_error("per_hour = 60", "per_hour = [60, 70]", "`per_hour` has 2 numbers and the day 4 intervals");
    one_error("per_hour = 60", "per_hour = -1", "`per_hour`: -1 is out of range; choose from 0 to 1000000");
    one_error("per_hour = 60", "per_hour = 900000", "1800000 calls a day; 1000000 are the most");
    one_error(
        "per_hour = 60",
        "per_huor = 60\nper_hour = 60",
        "no setting `per_huor` (did you mean `per_hour`?)",
    );
    one_error(
        "queue = \"billing\"",
        "queue = \"biling\"",
        "there is no queue \"biling\" (did you mean `billing`?)",
    );
    one_error("mean = \"3m\"", "mean = \"3m\", shape = \"normal\"", "`shape` cannot be \"normal\"");
    one_error(
        "mean = \"3m\"",
        "mean = \"3m\", sd = \"1m\"",
        "`sd` says nothing to this shape, which has `mean`",
    );
    one_error("count = 4", "count = 4\nshifts = \"08:00\"", "\"08:00\" is no span of a day");
    one_error("count = 4", "count = 4\nshifts = \"10:00-08:00\"", "ends before it begins");
    one_error(
        "count = 4",
        "count = 4\nshifts = \"08:00-09:00\"\nbreaks = \"09:30-09:45\"",
        "is not inside a shift",
    );
    one_error(
        "billing = 8",
        "billing = 11",
        "day.toml:18:22: group \"day shift\": skill level 11 is out of range",
    );
    one_error("[day]", "[staffing]\ngroup = \"night\"\n[day]", "there is no group \"night\"");
}

#[test]
fn a_mistake_in_a_queue_comes_without_remarks_about_telephones() {
    one_error("billing >= 7", "billing >=", "`require`: the requirement ends where a level");
}

#[test]
fn a_lognormal_law_is_given_by_deviation_or_median() {
    let law = |text: &str| {
        let scenario = scenario(&LEAST.replace("mean = \"3m\"", &format!("shape = \"lognormal\", {text}")));
        scenario.cases[0].arrivals[0].talk.clone()
    };
    assert_eq!(
        law("mean = \"3m\", sd = \"4m\""),
        Distribution::Lognormal { mean: Duration::from_secs(180), deviation: Duration::from_secs(240) }
    );
    // mean / median = sqrt(1 + (sd / mean)²): 180 / 108 is 5/3, and (5/3)² - 1 is (4/3)².
    let Distribution::Lognormal { deviation, .. } = law("mean = \"180s\", median = \"108s\"") else {
        panic!()
    };
    assert!((deviation.as_secs_f64() - 240.0).abs() < 1e-6, "{deviation:?}");
    one_error("mean = \"3m\"", "shape = \"lognormal\", mean = \"3m\"", "one of `sd` and `median`");
    one_error(
        "mean = \"3m\"",
        "shape = \"lognormal\", mean = \"3m\", median = \"4m\"",
        "long tail to the right",
    );
}

#[test]
fn a_variant_changes_single_settings_of_any_table() {
    let text = format!(
        "{LEAST}\n[[variant]]\nname = \"more\"\ngroup.\"day shift\".count = 5\ngroup.\"day \
         shift\".skills.english = 3\n\
         queue.billing.strategy = \"top-down\"\nqueue.billing.require = \"none\"\narrivals.billing.factor = 2\n\
         routing.misses_max = 0\n"
    );
    let scenario = scenario(&text);
    let [base, more] = &scenario.cases[..] else { panic!("{} cases", scenario.cases.len()) };
    assert_eq!(more.name, "more");
    assert_eq!((base.config.agents.len(), more.config.agents.len()), (4, 5));
    assert_eq!(more.config.agents[4].skills.get("english"), Some(&3));
    assert_eq!(more.config.agents[4].skills.get("billing"), Some(&8));
    assert_eq!(more.config.queues[0].strategy, Strategy::TopDown);
    assert_eq!(more.config.queues[0].require, None);
    assert_eq!(more.arrivals[0].pattern, Pattern::Poisson(vec![60.0; 4]));
    assert_eq!((base.config.routing.misses_max, more.config.routing.misses_max), (3, 0));
}

#[test]
fn what_is_wrong_with_a_variant_is_told_at_the_change() {
    let with = |change: &str| refused(&format!("{LEAST}\n[[variant]]\nname = \"x\"\n{change}\n"));
    let unknown = with("group.\"day shfit\".count = 5");
    assert!(unknown.contains("there is no group \"day shfit\" (did you mean `day shift`?)"), "{unknown}");
    let range = with("queue.billing.ring_timeout = \"20s\"\nqueue.billing.strategy = \"luck\"");
    assert!(range.starts_with("day.toml:23:"), "{range}");
    assert!(
        range.contains("with queue.billing.strategy: queue \"billing\": `strategy` cannot be \"luck\""),
        "{range}"
    );
    assert!(with("").contains("changes nothing"), "{}", with(""));
    assert!(with("qeue.billing.priority = 1").contains("there is no setting `qeue` (did you mean `queue`?)"));
    assert!(with("queue.billing = 5").contains("must name a setting of it"), "{}", with("queue.billing = 5"));
    assert!(with("queue.billing.steps.x = 5").contains("`steps`"), "{}", with("queue.billing.steps.x = 5"));
}

#[test]
fn a_configuration_file_gives_queues_and_agents_and_its_errors_have_its_name() {
    let live = include_str!("../../../../../docs/examples/cordboard.toml");
    let folder = folder("live", &[("cordboard.toml", live), ("bad.toml", "[[queue]]\nname = 5\n")]);
    let text = "config = \"cordboard.toml\"\n[day]\ndate = \"2026-11-24\"\nfrom = \"08:00\"\nto = \"09:00\"\n[[arrivals]]\nnumber \
     = \"15881000\"\n\
                per_hour = 60\ntalk = { mean = \"3m\" }\n";
    let read = |text: &str| parse("day.toml", text, &folder, None).map_err(|refused| refused.to_string());
    let scenario = read(text).expect("it is right");
    let case = &scenario.cases[0];
    assert_eq!(case.groups[0].agents.len(), case.config.agents.len());
    assert!(case.config.agents.len() > 1);
    let kim =
        read(&format!("{text}[[group]]\nname = \"a\"\nagents = [\"kim\", \"kmi\"]\n")).expect_err("kmi");
    assert!(kim.contains("there is no agent \"kmi\" (did you mean `kim`?)"), "{kim}");
    let twice =
        read(&format!("{text}[[queue]]\nname = \"b\"\n")).expect_err("queues stand in the configuration");
    assert!(twice.starts_with("day.toml:10:") && twice.contains("stands in the configuration"), "{twice}");
    let bad = read(&text.replace("cordboard.toml", "bad.toml")).expect_err("it is wrong");
    assert!(bad.contains("bad.toml:2:8: queue 1: `name` is an integer"), "{bad}");
    let both = text.replace("cordboard.toml", "bad.toml").replace("per_hour = 60", "per_huor = 60");
    let both = read(&both).expect_err("both files are wrong");
    assert!(both.contains("day.toml:8:1: ") && both.contains("did you mean `per_hour`?"), "{both}");
    assert!(both.contains("bad.toml:2:8: queue 1: `name` is an integer"), "{both}");
    let gone = read(&text.replace("cordboard.toml", "gone.toml")).expect_err("it is not there");
    assert!(gone.contains("gone.toml:1:1: cannot be read") && gone.contains("--config FILE"), "{gone}");
}

#[test]
fn a_day_of_real_calls_gives_arrivals_and_lengths() {
    let calls = "time;queue;talk\n2026-11-20 08:10:00;billing;90\n2026-11-20 08:20:00;sales;1\n\
                 2026-11-20 09:40:00;billing;0:03:30\n2026-11-20 11:00:00;billing;\n";
    let counts = "interval,count\n08:00-09:00,30\n09:00,12\n";
    let folder = folder("calls", &[("calls.csv", calls), ("counts.csv", counts)]);
    let read = |pattern: &str, talk: &str| {
        let text = LEAST.replace("per_hour = 60", pattern).replace("mean = \"3m\"", talk);
        parse("day.toml", &text, &folder, None)
            .map(|mut scenario| scenario.cases.remove(0).arrivals.remove(0))
    };
    let talk = "shape = \"empirical\", file = \"calls.csv\", column = \"talk\"";
    let arrivals = read("file = \"calls.csv\"", talk).expect("it is right");
    assert_eq!(arrivals.pattern, Pattern::Poisson(vec![1.0, 0.0, 0.0, 1.0]));
    let seconds = Duration::from_secs;
    assert_eq!(arrivals.talk, Distribution::Empirical(vec![seconds(90), seconds(210)]));
    let recorded = read("file = \"calls.csv\"\ncome = \"as-recorded\"", talk).expect("it is right");
    assert_eq!(recorded.pattern, Pattern::Recorded(vec![seconds(29_400), seconds(34_800)]));
    let counted = read("file = \"counts.csv\"", talk).expect("it is right");
    assert_eq!(counted.pattern, Pattern::Poisson(vec![15.0, 15.0, 12.0, 0.0]));
}

#[test]
fn what_is_wrong_in_a_day_of_calls_is_told_with_its_line() {
    let folder = folder("wrong", &[("calls.csv", "time,talk\n08:10,90\nnoon,x\n"), ("odd.csv", "hour\n1\n")]);
    let refused = |pattern: &str, talk: &str| {
        let text = LEAST.replace("per_hour = 60", pattern).replace("mean = \"3m\"", talk);
        parse("day.toml", &text, &folder, None).expect_err("it is wrong").to_string()
    };
    let talk = "shape = \"empirical\", file = \"calls.csv\", column = \"talk\"";
    let wrong = refused("file = \"calls.csv\"", talk);
    assert!(wrong.contains("calls.csv:3:1: `time`: \"noon\" is no time"), "{wrong}");
    assert!(wrong.contains("calls.csv:3:1: `talk`: \"x\" is no length of time"), "{wrong}");
    assert_eq!(wrong.lines().count(), 2, "{wrong}");
    let column = refused("per_hour = 1", &talk.replace("\"talk\"", "\"tlak\""));
    assert!(
        column.starts_with("day.toml:13:") && column.contains("no column \"tlak\" (did you mean `talk`?)"),
        "{column}"
    );
    assert!(
        refused("file = \"odd.csv\"", "mean = \"3m\"").contains("has the columns hour; head it with `time`")
    );
    assert!(refused("file = \"no.csv\"", "mean = \"3m\"").contains("no.csv cannot be read"));
}

#[test]
fn lines_of_a_file_by_which_nobody_calls_are_counted_and_told() {
    let lines = "time,queue\n08:10,billing\n08:20,sales\n08:30,sales\n08:40,\n";
    let folder = folder("unused", &[("calls.csv", lines)]);
    let text = LEAST.replace("per_hour = 60", "file = \"calls.csv\"");
    let told = |text: &str| -> Vec<String> {
        let scenario = parse("day.toml", text, &folder, None).unwrap_or_else(|refused| panic!("{refused}"));
        scenario.warnings.iter().map(|problem| problem.message.clone()).collect()
    };
    let warnings = told(&text);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("1 line without a queue counts"), "{warnings:?}");
    assert!(
        warnings[1].starts_with("2 lines of queue \"sales\" count for none of the [[arrivals]]"),
        "{warnings:?}"
    );
    let sales = "[[arrivals]]\nname = \"sales\"\nqueue = \"billing\"\nfile = \"calls.csv\"\nfile_queue = \"sales\"\n\
                 talk = { mean = \"1m\" }\n";
    assert_eq!(told(&format!("{text}{sales}")).len(), 1, "all but the line without a queue");
}

#[test]
fn a_variant_of_what_is_not_there_lists_what_is() {
    let variant = "[[variant]]\nname = \"x\"\narrivals.technical.factor = 2\n";
    let text = refused(&format!("{LEAST}{variant}"));
    assert!(
        text.contains("there is no arrivals \"technical\"; name one of those here: \"billing\""),
        "{text}"
    );
}

#[test]
fn a_skill_that_nobody_has_or_asks_for_is_pointed_out() {
    let warned = |text: &str| {
        let warnings = scenario(text).warnings;
        warnings.iter().map(ToString::to_string).collect::<Vec<String>>().join("\n")
    };
    let group = warned(&LEAST.replace("billing = 8", "billing = 8, biling = 3"));
    assert!(group.contains("no queue asks for \"biling\" (did you mean `billing`?)"), "{group}");
    assert_eq!(group.lines().count(), 1, "{group}");
    let queue = warned(&LEAST.replace("billing >= 7", "billling >= 7"));
    assert!(
        queue.contains("nobody who works has the skill \"billling\" (did you mean `billing`?)"),
        "{queue}"
    );
    let low = warned(&LEAST.replace("billing = 8", "billing = 6"));
    assert!(low.contains("queue \"billing\": no agent meets what it requires"), "{low}");
    let kim =
        "[[agent]]\nid = \"kim\"\nskills = { billing = 8 }\n[[group]]\nname = \"x\"\nagents = \"kim\"\n";
    let variant = format!("{LEAST}{kim}[[variant]]\nname = \"y\"\nagent.kim.skills.blling = 6\n");
    let variant = warned(&variant);
    assert!(variant.contains("no queue asks for \"blling\" (did you mean `billing`?)"), "{variant}");
    assert!(variant.starts_with("day.toml:27:"), "{variant}");
}

#[test]
fn where_the_day_is_wrong_only_that_is_said() {
    let shifts = LEAST.replace("count = 4", "count = 4\nshifts = \"08:30-09:30\"");
    let shifts = shifts.replace("per_hour = 60", "per_hour = [1, 2, 3, 4]");
    let text = refused(&shifts.replace("to = \"10:00\"", "to = \"07:00\""));
    assert!(text.contains("`to` is not later than `from`"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn a_queue_that_is_there_twice_is_told_once() {
    one_error(
        "[[arrivals]]",
        "[[queue]]\nname = \"billing\"\n[[arrivals]]",
        "queue \"billing\" is there twice",
    );
    one_error("per_hour = 60", "per_hour = 60\ncount = 5", "has `per_hour` and `count`");
}

#[test]
fn files_in_another_encoding_and_of_odd_form_are_told() {
    let folder = folder("odd", &[("empty.csv", "\n"), ("twice.csv", "interval,count,count\n08:00,1,2\n")]);
    std::fs::write(folder.join("latin.csv"), b"time,queue\n08:10,b\xfcro\n").expect("it can be written to");
    let read = |file: &str| {
        let text = LEAST.replace("per_hour = 60", &format!("file = \"{file}\""));
        parse("day.toml", &text, &folder, None).expect_err("it is wrong").to_string()
    };
    assert!(read("empty.csv").contains("empty.csv is empty"), "{}", read("empty.csv"));
    assert!(read("twice.csv").contains("has two columns `count`"), "{}", read("twice.csv"));
    assert!(read("latin.csv").contains("line 2 holds octets that are no UTF-8; save it as UTF-8"));
    std::fs::write(folder.join("latin.toml"), b"[day]\n# b\xfcro\n").expect("it can be written to");
    let text = load(&folder.join("latin.toml"), None).expect_err("it is wrong").to_string();
    assert!(text.contains("latin.toml:2:1: holds octets that are no UTF-8; save it as UTF-8"), "{text}");
}
