//! What queues remember of their callers, and whom numbers lead to by name.

use std::time::Duration;

use super::{LEAST, loaded, one_error, refused};
use crate::config::{Exit, WithoutThem};

#[test]
fn a_place_is_kept_for_a_time_and_for_so_many_callers() {
    one_error(
        "name = \"billing\"\n",
        "name = \"billing\"\nkeep_place = \"2d\"\n",
        "queue \"billing\": `keep_place`: 2d is out of range; choose from 1s to 1d",
    );
    one_error(
        "[media]",
        "[routing]\ncallers_max = 0\n[media]",
        "`callers_max`: 0 is out of range; choose from 1 to 1000000",
    );
    let config =
        loaded(&LEAST.replace("name = \"billing\"", "name = \"billing\"\nkeep_place = \"5m\"")).config;
    assert_eq!(
        (config.queues[0].keep_place, config.routing.callers_max),
        (Some(Duration::from_secs(300)), 100_000)
    );
    assert_eq!(loaded(LEAST).config.queues[0].keep_place, None);
}

#[test]
fn a_last_agent_is_remembered_and_waited_for_within_bounds() {
    let rule = |text: &str| format!("name = \"billing\"\nlast_agent = {text}\n");
    let text = LEAST.replace("name = \"billing\"\n", &rule("{ remember = \"7d\" }"));
    let rules = loaded(&text).config.queues[0].last_agent.expect("it is given");
    assert_eq!((rules.remember.as_secs(), rules.wait.as_secs()), (7 * 86_400, 20));
    one_error("name = \"billing\"\n", &rule("{ wait = \"5s\" }"), "last_agent: `remember` is missing");
    one_error("name = \"billing\"\n", &rule("{ remember = \"1s\" }"), "choose from 1m to 90d");
    one_error("name = \"billing\"\n", &rule("\"7d\""), "`last_agent` is a string; write a table");
}

#[test]
fn a_number_leads_to_agents_by_name_who_are_there_once_and_in_one_queue() {
    let entry = |lines: &str| format!("number = \"*\"\n{lines}");
    let read = |lines: &str| loaded(&LEAST.replace("number = \"*\"\n", &entry(lines)));
    let direct = read("agent = \"kim\"\nagent_wait = \"1m\"\n").config.entries[0].wanted.clone();
    let direct = direct.expect("it is given");
    assert_eq!((direct.agents, direct.is_direct, direct.wait.as_secs()), (vec!["kim".to_owned()], true, 60));
    let preferred = read("prefer_agents = [\"kim\"]\n").config.entries[0].wanted.clone();
    let preferred = preferred.expect("it is given");
    assert_eq!((preferred.is_direct, preferred.wait.as_secs()), (false, 30));
    let wrong = |lines: &str, message: &str| one_error("number = \"*\"\n", &entry(lines), message);
    wrong("agent = \"kmi\"\n", "entry \"*\": there is no agent \"kmi\" (did you mean `kim`?)");
    wrong("prefer_agents = [\"kim\", \"kim\"]\n", "agent \"kim\" is named twice");
    wrong("prefer_agents = []\n", "`prefer_agents` names nobody");
    wrong("agent = \"kim\"\nagent_wait = \"2h\"\n", "2h is out of range; choose from 0s to 1h");
    let several = "[[queue]]\nname = \"other\"\n[[entry]]\nnumber = \"1\"\nqueue = \"billing\"\nalso = \"other\"\n\
                   agent = \"kim\"\n";
    let refused = refused(&format!("{LEAST}{several}"));
    assert!(refused.contains("entry \"1\": who waits in several queues wants nobody by name"), "{refused}");
    let waits = read("agent_wait = \"1m\"\n").warnings;
    assert!(waits[0].message.contains("`agent_wait` waits for nobody without"), "{waits:?}");
}

#[test]
fn a_call_without_the_agents_whom_it_wants_goes_where_the_number_says() {
    let entry = |lines: &str| format!("number = \"*\"\nagent = \"kim\"\n{lines}");
    let then = |lines: &str| {
        let config = loaded(&LEAST.replace("number = \"*\"\n", &entry(lines))).config;
        config.entries[0].wanted.clone().expect("it is given").then
    };
    assert_eq!(then(""), WithoutThem::Anybody);
    assert_eq!(then("agent_then = \"anybody\"\n"), WithoutThem::Anybody);
    assert_eq!(then("agent_then = \"stay\"\n"), WithoutThem::Stay);
    assert_eq!(then("agent_wait = \"5m\"\nagent_then = \"busy\"\n"), WithoutThem::Exit(Exit::Busy));
    let wrong = |lines: &str, message: &str| one_error("number = \"*\"\n", &entry(lines), message);
    wrong("agent_then = \"saty\"\n", "`agent_then` cannot be \"saty\" (did you mean `stay`?)");
    wrong("agent_then = \"queue:billing\"\n", "`agent_then` leads back to the same queue");
    wrong("agent_then = \"queue:biling\"\n", "there is no queue \"biling\" (did you mean `billing`?)");
    wrong("agent_then = \"number:0\"\n", "entry \"*\": no way leads to the number 0");
    wrong("agent_then = \"stay\"\nagent_wait = \"5s\"\n", "who stays waits without an end");
    let idle = loaded(&LEAST.replace("number = \"*\"\n", "number = \"*\"\nagent_then = \"busy\"\n")).warnings;
    assert!(idle[0].message.contains("`agent_then` waits for nobody without"), "{idle:?}");
}

#[test]
fn agents_are_named_directly_or_preferred_and_at_most_four() {
    let people: String = ["lee", "park", "seo", "han"]
        .map(|id| format!("[[agent]]\nid = \"{id}\"\npassword = \"glass-otter-52\"\n"))
        .concat();
    let with =
        |lines: &str| format!("{LEAST}{people}[[entry]]\nnumber = \"1\"\nqueue = \"billing\"\n{lines}");
    let both = refused(&with("agent = \"kim\"\nprefer_agents = \"lee\"\n"));
    assert!(both.contains("`agent` and `prefer_agents` exclude each other"), "{both}");
    loaded(&with("prefer_agents = [\"kim\", \"lee\", \"park\", \"seo\"]\n"));
    let many = refused(&with("prefer_agents = [\"kim\", \"lee\", \"park\", \"seo\", \"han\"]\n"));
    assert!(many.contains("`prefer_agents` has more than 4"), "{many}");
}

#[test]
fn a_preferred_agent_whom_the_queue_never_accepts_is_a_warning_and_a_direct_one_is_none() {
    let warned = |lines: &str| {
        let text = LEAST
            .replace("name = \"billing\"\n", "name = \"billing\"\nrequire = \"english\"\n")
            .replace("number = \"*\"\n", &format!("number = \"*\"\n{lines}"));
        let lee = "[[agent]]\nid = \"lee\"\npassword = \"glass-otter-52\"\nskills = { english = 5 }\n";
        let warnings = loaded(&format!("{text}{lee}")).warnings;
        warnings.into_iter().map(|problem| problem.message).collect::<Vec<String>>()
    };
    assert_eq!(
        warned("prefer_agents = [\"kim\", \"lee\"]\n"),
        [
            "entry \"*\": agent \"kim\", whom it prefers, does not meet what queue \"billing\" requires; give the agent \
          these skills, or leave the name out"
        ]
    );
    assert_eq!(warned("agent = \"kim\"\n"), [""; 0]);
}
