//! Names that the parts of a file give each other.

use super::{LEAST, loaded, one_error, refused};

fn queues(text: &str) -> String {
    format!("{LEAST}{text}")
}

#[test]
fn a_name_given_twice_is_reported_with_both_places() {
    let agent = "\n[[agent]]\nid = \"kim\"\npassword = \"glass-otter-52\"\n";
    assert_eq!(
        refused(&queues(agent)),
        "cordboard.toml:20:6: agent \"kim\" is there twice, first in line 10; rename one of the two"
    );
    assert!(refused(&queues("[[queue]]\nname = \"billing\"\n")).contains("queue \"billing\" is there twice"));
    assert!(
        refused(&queues("[[entry]]\nnumber = \"*\"\nqueue = \"billing\"\n"))
            .contains("number \"*\" is there twice")
    );
    assert!(
        refused(&queues("[[trunk]]\nname = \"pbx\"\nfrom = \"203.0.113.1\"\n"))
            .contains("trunk \"pbx\" is there twice")
    );
    assert!(
        refused(&queues("[[reason]]\nid = \"a\"\n[[reason]]\nid = \"a\"\n"))
            .contains("reason \"a\" is there twice")
    );
}

#[test]
fn queues_that_an_entry_names_beside_the_first_are_others_and_are_there() {
    let with = |also: &str| LEAST.replace("number = \"*\"\n", &format!("number = \"*\"\nalso = {also}\n"));
    assert!(refused(&with("\"billing\"")).contains("`also` names the queue \"billing\" a second time"));
    let unknown = refused(&with("[\"bilings\"]"));
    assert!(
        unknown.contains("there is no queue \"bilings\" (did you mean `billing`?); add a [[queue]]"),
        "{unknown}"
    );
    let second = |also: &str| format!("{}\n[[queue]]\nname = \"second\"\n", with(also));
    let entry = &loaded(&second("\"second\"")).config.entries[0];
    assert_eq!(entry.queues().collect::<Vec<_>>(), ["billing", "second"]);
    let twice = refused(&second("[\"second\", \"second\"]"));
    assert!(
        twice.ends_with("entry \"*\": `also` names the queue \"second\" a second time; name it once"),
        "{twice}"
    );
    let many: Vec<String> = (0..9).map(|number| format!("\"q{number}\"")).collect();
    let defined: String = (0..9).map(|number| format!("\n[[queue]]\nname = \"q{number}\"\n")).collect();
    let text = |most: usize| format!("{}{defined}", with(&format!("[{}]", many[..most].join(", "))));
    assert_eq!(loaded(&text(7)).config.entries[0].also.len(), 7);
    let refused = refused(&text(9));
    assert!(
        refused.contains("a caller waits in at most 8 queues at once; leave some out of `also`"),
        "{refused}"
    );
    assert_eq!(refused.lines().count(), 1, "said once: {refused}");
}

#[test]
fn a_reason_cannot_pass_for_one_of_the_system() {
    for id in ["missed", "other"] {
        let problem = refused(&queues(&format!("[[reason]]\nid = \"{id}\"\n")));
        assert!(problem.contains(&format!("`id` must not be `{id}`")), "{problem}");
    }
}

#[test]
fn a_skill_that_no_agent_has_is_a_warning_with_the_nearest_one() {
    let text = LEAST.replace("name = \"billing\"\n", "name = \"billing\"\nrequire = \"biling >= 3\"\n");
    let warnings = loaded(&text).warnings;
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        warnings[0].to_string(),
        "cordboard.toml:15:12: warning: queue \"billing\": no agent has the skill \"biling\" (did you mean \
         `billing`?); give it to an agent or correct the name"
    );
}

/// The warnings about the least file with this in the place of its queue's and its entry's first line.
fn warned(queue: &str, entry: &str) -> Vec<String> {
    let text = LEAST
        .replace("name = \"billing\"\n", &format!("name = \"billing\"\n{queue}"))
        .replace("number = \"*\"\n", &format!("number = \"*\"\n{entry}"));
    loaded(&text).warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_queue_whose_requirement_no_agent_meets_is_a_warning() {
    assert_eq!(
        warned("require = \"billing >= 9\"\n", ""),
        [
            "cordboard.toml:14:8: warning: queue \"billing\": no agent meets what it requires; give an agent these \
          skills, or relax `require`"
        ]
    );
    assert_eq!(warned("require = \"billing >= 8\"\n", "require = \"billing < 9\"\n"), [""; 0]);
    let steps = |level: u8| {
        format!(
            "require = \"billing >= 10\"\nsteps = [{{ after = \"1m\", require = \"billing >= {level}\" }}]\n"
        )
    };
    let waits = warned(&steps(8), "");
    assert_eq!(
        waits,
        [
            "cordboard.toml:15:11: warning: queue \"billing\": no agent meets `require`, so its callers wait for a step; \
          give an agent these skills, or relax it"
        ]
    );
    let idle = warned("steps = [{ after = \"1m\", require = \"billing >= 9\" }]\n", "");
    assert_eq!(
        idle,
        [
            "cordboard.toml:15:36: warning: queue \"billing\": no agent meets step 1, \"billing >= 9\"; give an agent these \
          skills, or relax it"
        ]
    );
    assert_eq!(
        warned(&steps(9), ""),
        [
            "cordboard.toml:14:8: warning: queue \"billing\": no agent meets what it requires, nor any of its steps; \
          give an agent these skills, or relax `require`"
        ]
    );
}

#[test]
fn an_entry_that_asks_with_its_queue_for_what_no_agent_has_is_a_warning() {
    assert_eq!(
        warned("require = \"billing >= 5\"\n", "require = \"billing < 8\"\n"),
        [
            "cordboard.toml:17:10: warning: entry \"*\": no agent meets what it and its queue \"billing\" require \
          together; give an agent these skills, or relax one of the two"
        ]
    );
    let both = warned("require = \"billing >= 9\"\n", "require = \"billing >= 9\"\n");
    assert_eq!(both.len(), 1, "the queue alone is the cause: {both:?}");
}

#[test]
fn a_skill_that_nobody_holds_is_told_once_unless_there_is_more_amiss() {
    let one = warned("require = \"billing and spanish >= 3\"\n", "");
    assert_eq!(one.len(), 1, "{one:?}");
    assert!(one[0].contains("no agent has the skill \"spanish\""), "{one:?}");
    let two = warned("require = \"billing >= 9 and spanish >= 3\"\n", "");
    assert_eq!(two.len(), 2, "{two:?}");
    assert!(two[0].contains("no agent meets what it requires;"), "{two:?}");
    assert_eq!(warned("require = \"not spanish\"\n", "").len(), 1, "met by all, the name may be wrong");
}

#[test]
fn queues_that_overflow_in_a_circle_are_refused() {
    let circle = "[[queue]]\nname = \"a\"\nmax_wait = { after = \"1m\", then = \"queue:b\" }\n\
                  [[queue]]\nname = \"b\"\nmax_length = { waiting = 5, then = \"queue:c\" }\n\
                  [[queue]]\nname = \"c\"\nnobody_logged_in = { then = \"queue:a\" }\n";
    let wrong = refused(&queues(circle));
    assert!(
        wrong.contains("queue \"a\": callers overflow in a circle, \"a\" to \"b\" to \"c\" to \"a\""),
        "{wrong}"
    );
    assert_eq!(wrong.lines().count(), 1, "{wrong}");
    let line = circle.replace("then = \"queue:a\"", "then = \"hang-up\"");
    assert_eq!(loaded(&queues(&line)).warnings, []);
}

#[test]
fn queues_may_lend_to_each_other_by_rules_of_overflow() {
    let lends = |from: &str, to: &str| {
        format!(
            "[[queue]]\nname = \"{from}\"\noverflow = [{{ when = \"queue:{to} waiting < 1\", then = \"queue:{to}\" }}]\n"
        )
    };
    let config = loaded(&queues(&format!("{}{}", lends("a", "b"), lends("b", "a")))).config;
    let rule = &config.queues[1].overflows[0];
    assert_eq!(rule.when[0].measure, acd::Measure::Waiting(0));
    assert_eq!(
        (rule.when[0].queue.as_deref(), &rule.then),
        (Some("b"), &super::super::Exit::Queue("b".to_owned()))
    );
}

#[test]
fn an_address_belongs_to_one_trunk() {
    let second = "[[trunk]]\nname = \"carrier\"\nfrom = [\"203.0.113.0/24\", \"192.0.2.128/25\"]\n";
    let wrong = refused(&queues(second));
    assert!(
        wrong.contains("trunk \"carrier\": `from`: 192.0.2.128/25 overlaps 192.0.2.0/24 of trunk \"pbx\""),
        "{wrong}"
    );
    assert_eq!(wrong.lines().count(), 1, "{wrong}");
}

#[test]
fn a_queue_that_nobody_named_is_reported_where_it_is_used() {
    one_error(
        "queue = \"billing\"",
        "queue = \"sales\"",
        "cordboard.toml:17:9: entry \"*\": there is no queue \"sales\"; add a [[queue]]",
    );
}

#[test]
fn a_file_without_entries_agents_or_trunks_runs_with_warnings() {
    let text = "[sip]\ndomain = \"a.example\"\n[media]\naddress = \"192.0.2.1\"\n";
    let warnings: Vec<String> = loaded(text).warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings.iter().all(|warning| warning.contains("warning: there is no [[")), "{warnings:?}");
}

#[test]
fn times_that_a_bound_cuts_short_are_warned_about() {
    let warned = |old: &str, new: &str, message: &str| {
        let text = LEAST.replacen(old, new, 1);
        let warnings: Vec<String> = loaded(&text).warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains(message), "{message} not in {warnings:?}");
    };
    warned(
        "[media]",
        "[sip.timers]\nring_max = \"5s\"\n[media]",
        "queue \"billing\": `ring_timeout` is longer than ring_max",
    );
    let short = "[routing]\nafter_call_work_max = \"5s\"\n";
    warned(
        "[[queue]]\n",
        &format!("{short}[[queue]]\nafter_call_work = \"10s\"\n"),
        "queue \"billing\": `after_call_work` is longer",
    );
    warned(
        "[[agent]]\n",
        &format!("{short}[[agent]]\nafter_call_work = \"10s\"\n"),
        "agent \"kim\": `after_call_work` is longer",
    );
    let queue = |times: &str| format!("[[queue]]\n{times}\n");
    for times in ["ring_every = \"5s\"", "ring = 2\nring_every = \"15s\""] {
        warned("[[queue]]\n", &queue(times), "queue \"billing\": `ring_every` never rings a second agent");
    }
    warned(
        "[[queue]]\n",
        &queue("after_call_work = \"10s\"\nafter_call_work_max = \"5s\""),
        "queue \"billing\": `after_call_work` is longer than `after_call_work_max`",
    );
    warned(
        "[[queue]]\n",
        &queue("after_call_work = \"10s\"\nafter_call_work_min = \"15s\""),
        "queue \"billing\": `after_call_work` is shorter than `after_call_work_min`",
    );
    warned(
        "[[queue]]\n",
        &format!("{short}{}", queue("after_call_work_max = \"10s\"")),
        "queue \"billing\": `after_call_work_min` or `after_call_work_max` is longer",
    );
    one_error(
        "[[queue]]\n",
        &queue("after_call_work_min = \"10s\"\nafter_call_work_max = \"5s\""),
        "queue \"billing\": `after_call_work_min` is longer than `after_call_work_max`",
    );
    let step = "steps = [{ after = \"2m\", require = \"billing\" }]\nmax_wait = { after = \"1m\", then = \"busy\" }\n";
    warned("[[queue]]\n", &format!("[[queue]]\n{step}"), "a step begins when `max_wait` has ended the wait");
    let rule = step
        .replace("steps = ", "overflow = ")
        .replace("require = \"billing\"", "when = \"waiting > 1\", then = \"busy\"");
    warned(
        "[[queue]]\n",
        &format!("[[queue]]\n{rule}"),
        "a rule of `overflow` is looked at when `max_wait` has ended",
    );
}

#[test]
fn a_mistake_about_times_is_told_in_the_line_of_the_setting() {
    let line = |lines: &str| {
        let text = LEAST.replacen("name = \"billing\"\n", &format!("name = \"billing\"\n{lines}"), 1);
        let problems = match super::parse("cordboard.toml", &text, super::Passwords::Strong) {
            Ok(loaded) => loaded.warnings,
            Err(refused) => refused.problems,
        };
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems[0].line
    };
    assert_eq!(line("priority = 1\nafter_call_work_max = \"5s\"\nafter_call_work_min = \"10s\"\n"), 17);
    assert_eq!(line("after_call_work_min = \"15s\"\nafter_call_work = \"10s\"\n"), 15);
    assert_eq!(line("priority = 1\nring_every = \"5s\"\n"), 16);
    assert_eq!(line("priority = 1\nclosed = { then = \"busy\" }\n"), 16);
    let late = "max_wait = { after = \"1m\", then = \"busy\" }\nsteps = [\n{ after = \"30s\", require = \"billing\" },\n\
                { after = \"2m\", require = \"billing\" }]\n";
    assert_eq!(line(late), 18);
    assert_eq!(
        line(
            &late
                .replace("steps", "overflow")
                .replace("require = \"billing\"", "when = \"waiting > 1\", then = \"busy\"")
        ),
        18
    );
    let callback = "[queue.callback]\ntrunk = \"pbx\"\nspacing = \"5m\"\nkeep = \"4m\"\n";
    let text = LEAST.replace("from = [", "outbound_proxy = \"sip:192.0.2.3\"\nfrom = [").replacen(
        "name = \"billing\"\n",
        &format!("name = \"billing\"\n{callback}"),
        1,
    );
    let warnings = loaded(&text).warnings;
    assert_eq!((warnings.len(), warnings[0].line), (1, 19), "{warnings:?}");
    let both = LEAST.replace("number = \"*\"\n", "number = \"*\"\nagent = \"kim\"\nalso = \"other\"\n");
    let wrong = refused(&format!("{both}[[queue]]\nname = \"other\"\n"));
    assert!(wrong.starts_with("cordboard.toml:18:8: entry \"*\": who waits in several queues"), "{wrong}");
}

#[test]
fn a_trunk_is_not_called_like_one_of_ours() {
    one_error("name = \"pbx\"", "name = \"(outbound proxy)\"", "names in parentheses are ours");
}
