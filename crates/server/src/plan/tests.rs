use acd::{Command, Exit, Requirement};
use engine::{Leave, NumberPattern, Reach, Treatment, Way};

use super::*;
use crate::config::{Passwords, Transport, parse};

const CENTRE: &str = r#"
[sip]
domain = "cc.example.com"
listen = "udp:192.0.2.10:5060"
[media]
address = "192.0.2.10"
ports = "20000-29999"
[[trunk]]
name = "pbx"
from = ["192.0.2.0/24"]
outbound_proxy = "sip:192.0.2.1:5070;lr"
[[agent]]
id = "kim"
name = "Kim Minji"
password = "a-long-password-77"
skills = { billing = 8 }
[[agent]]
id = "lee"
name = "Lee Jun"
contact = "sip:2001@192.0.2.1"
skills = { billing = 4 }
[[queue]]
name = "billing"
require = "billing >= 3"
max_wait = { after = "5m", then = "number:027001000" }
[[queue]]
name = "english"
require = "billing >= 5"
priority = 2
[[entry]]
number = "*"
queue = "english"
[[entry]]
number = "1588*"
queue = "billing"
also = "english"
[[entry]]
number = "15881000"
queue = "english"
priority = 3
require = "billing >= 7"
"#;

fn config(text: &str) -> Config {
    parse("test.toml", text, Passwords::Strong).unwrap_or_else(|refused| panic!("{refused}")).config
}

fn bound() -> [Bound; 1] {
    [Bound { transport: Transport::Udp, address: "192.0.2.10:5060".parse().expect("an address") }]
}

fn plan(text: &str, numbering: &mut Numbering) -> Plan {
    Plan::new(&config(text), Path::new("conf"), &bound(), numbering)
}

#[test]
fn the_most_particular_number_is_looked_at_first() {
    let plan = plan(CENTRE, &mut Numbering::default());
    let patterns: Vec<NumberPattern> =
        plan.directory.entries.iter().map(|entry| entry.number.clone()).collect();
    let expected = [
        NumberPattern::Exact("15881000".to_owned()),
        NumberPattern::Prefix("1588".to_owned()),
        NumberPattern::Any,
    ];
    assert_eq!(patterns, expected);
    assert_eq!(plan.directory.entries[0].priority, 5, "the points of the queue and of the entry");
}

#[test]
fn an_entry_leads_to_the_queues_that_it_names_in_their_order() {
    let mut numbering = Numbering::default();
    let plan = plan(CENTRE, &mut numbering);
    let [billing, english] = ["billing", "english"].map(|name| numbering.queue(name));
    let ways: Vec<_> = plan.directory.entries.iter().map(|one| (one.queue, one.also.clone())).collect();
    assert_eq!(ways, [(english, vec![]), (billing, vec![english]), (english, vec![])]);
}

#[test]
fn an_entry_s_requirement_is_beside_that_of_its_queue() {
    let mut numbering = Numbering::default();
    let plan = plan(CENTRE, &mut numbering);
    let billing = numbering.skill("billing");
    let own = plan.directory.entries[0].requirement.as_ref().expect("it has one");
    assert!(own.is_met_by(&[(billing, 7)].into()));
    assert!(!own.is_met_by(&[(billing, 6)].into()));
    assert!(plan.directory.entries[1].requirement.is_none());
}

fn way(plan: &Plan, agent: AgentId) -> Way {
    match &plan.directory.agents[&agent].reach {
        Reach::Contact { way, .. } => *way,
        Reach::Account(account) => panic!("{account} registers"),
    }
}

#[test]
fn a_trunk_s_proxy_leads_to_no_agent_with_an_address_of_their_own() {
    let mut numbering = Numbering::default();
    let lee = numbering.agent("lee");
    let ways = |contact: &str, numbering: &mut Numbering| {
        let plan = plan(&CENTRE.replace("sip:2001@192.0.2.1", contact), numbering);
        (way(&plan, lee), plan.sip.trunks[0].id)
    };
    for beside in ["sip:2001@192.0.2.7", "sip:2001@192.0.2.7:5070", "sip:2001@192.0.2.1:5090"] {
        let (way, pbx) = ways(beside, &mut numbering);
        assert_eq!(way, Way::Behind(pbx), "{beside}");
    }
    let (way, pbx) = ways("sip:2001@192.0.2.1:5070", &mut numbering);
    assert_eq!(way, Way::Through(pbx), "it is the proxy");
    let (way, _) = ways("sip:2001@198.51.100.7", &mut numbering);
    assert_eq!(way, Way::Open);
}

#[test]
fn an_agent_behind_the_pbx_is_reached_over_its_trunk() {
    let mut numbering = Numbering::default();
    let plan = plan(CENTRE, &mut numbering);
    let (kim, lee) = (numbering.agent("kim"), numbering.agent("lee"));
    assert_eq!(plan.directory.agents[&kim].reach, Reach::Account("kim".to_owned()));
    let pbx = plan.sip.trunks[0].id;
    assert_eq!(way(&plan, lee), Way::Through(pbx));
    let outbound = plan.directory.outbound.as_ref().expect("the trunk takes calls");
    assert_eq!((outbound.trunk, outbound.host.as_str()), (plan.sip.trunks[0].id, "192.0.2.1:5070"));
    assert_eq!(plan.accounts.keys().collect::<Vec<_>>(), ["kim"]);
}

#[test]
fn a_queue_calls_back_over_its_trunk_or_the_first_that_takes_calls() {
    let text = CENTRE.replacen(
        "name = \"billing\"\n",
        "name = \"billing\"\ncallback = { first = \"customer\", allow = \"02\", trunk = \"outside\" }\n",
        1,
    );
    let text = text.replacen("priority = 2\n", "priority = 2\ncallback = {}\n", 1)
        + "[[trunk]]\nname = \"outside\"\noutbound_proxy = \"sip:192.0.2.9;lr\"\n";
    let mut numbering = Numbering::default();
    let plan = plan(&text, &mut numbering);
    let (billing, english) = (numbering.queue("billing"), numbering.queue("english"));
    let line = &plan.directory.callbacks[&billing];
    assert_eq!((line.outbound.trunk, line.outbound.host.as_str()), (plan.sip.trunks[1].id, "192.0.2.9"));
    assert_eq!((line.allow.as_slice(), line.deny.is_empty()), (["02".to_owned()].as_slice(), true));
    assert_eq!(plan.directory.callbacks[&english].outbound.trunk, plan.sip.trunks[0].id);
    let mode = |queue| plan.queues[queue].callback.as_ref().map(|rules| rules.mode);
    assert_eq!(mode(&billing), Some(acd::CallbackMode::CustomerFirst));
    assert_eq!(mode(&english), Some(acd::CallbackMode::AgentFirst));
    assert!(plan.hours.callbacks.is_empty());
}

#[test]
fn a_way_out_of_a_queue_is_known_to_the_engine() {
    let mut numbering = Numbering::default();
    let plan = plan(CENTRE, &mut numbering);
    let billing = &plan.queues[&numbering.queue("billing")];
    let Some(Exit::Leave(exit)) = billing.max_wait.map(|rule| rule.exit) else {
        panic!("it leaves to a number")
    };
    assert_eq!(plan.directory.exits[&exit], Leave::Dial("027001000".to_owned()));
    assert_eq!(plan.directory.exits[&plan.closed], Leave::Busy);
}

#[test]
fn music_files_are_relative_to_the_configuration() {
    let text = CENTRE.replace("require = \"billing >= 5\"", "waiting = \"music\"\nmusic = \"english.wav\"");
    let mut numbering = Numbering::default();
    let plan = plan(&text, &mut numbering);
    let Treatment::Music(id) = plan.directory.queues[&numbering.queue("english")] else {
        panic!("it plays music")
    };
    assert_eq!(plan.music[&id], Music::File(PathBuf::from("conf/english.wav")));
}

#[test]
fn a_reload_of_the_same_file_changes_nothing() {
    let mut numbering = Numbering::default();
    let first = plan(CENTRE, &mut numbering);
    let second = plan(CENTRE, &mut numbering);
    assert_eq!(between(&first, &second), []);
    assert_eq!(first.directory, second.directory);
}

#[test]
fn a_reload_costs_only_what_it_changes() {
    let mut numbering = Numbering::default();
    let first = plan(CENTRE, &mut numbering);
    let second = plan(&CENTRE.replace("{ billing = 4 }", "{ billing = 5 }"), &mut numbering);
    let lee = numbering.agent("lee");
    let [Command::DefineAgent { agent, settings }] = &between(&first, &second)[..] else {
        panic!("one agent has changed: {:?}", between(&first, &second))
    };
    assert_eq!(*agent, lee);
    assert_eq!(settings.skills[&numbering.skill("billing")], 5);
}

#[test]
fn what_all_queues_share_is_one_command_before_all_others() {
    let mut numbering = Numbering::default();
    let first = plan(CENTRE, &mut numbering);
    let text = CENTRE.replace("billing = 8", "billing = 9");
    let more = "[routing]\nmisses_max = 5\n[[channel]]\nname = \"chat\"\n[[channel]]\nname = \"voice\"\n\
        interrupts = \"chat\"\n";
    let second = plan(&format!("{text}{more}"), &mut numbering);
    let changes = between(&first, &second);
    let [Command::Configure { settings }, Command::DefineAgent { .. }] = &changes[..] else {
        panic!("the settings of all and one agent: {changes:?}")
    };
    let changed = first.shared.difference(settings);
    assert_eq!(changed, [acd::Setting::MissesMax, acd::Setting::Interruptions]);
    let chat = numbering.channel("chat");
    assert!(settings.interruptions.of(chat).contains(acd::Channel::VOICE));
    let mut distributor = acd::Distributor::new(first.shared.clone());
    for command in from_nothing(&first).into_iter().chain(changes) {
        distributor.handle_command(timing::Instant::ORIGIN, command).expect("the file was checked");
    }
    assert_eq!(distributor.settings(), &second.shared);
}

#[test]
fn names_keep_their_numbers_when_their_places_in_the_file_change() {
    let mut numbering = Numbering::default();
    let first = plan(CENTRE, &mut numbering);
    let kim = CENTRE.find("[[agent]]").expect("kim is there");
    let lee = kim + CENTRE[kim..].rfind("[[agent]]").expect("lee is there");
    let queues = CENTRE.find("[[queue]]").expect("a queue is there");
    let swapped = [&CENTRE[..kim], &CENTRE[lee..queues], &CENTRE[kim..lee], &CENTRE[queues..]].concat();
    let second = plan(&swapped, &mut numbering);
    assert_eq!(between(&first, &second), []);
}

#[test]
fn what_is_gone_goes_last_and_agents_before_queues() {
    let mut numbering = Numbering::default();
    let first = plan(CENTRE, &mut numbering);
    let lee = CENTRE.rfind("[[agent]]").expect("lee is there");
    let queues = CENTRE.find("[[queue]]").expect("a queue is there");
    let text = [&CENTRE[..lee], &CENTRE[queues..]].concat().replace("english", "spanish");
    let second = plan(&text, &mut numbering);
    let (english, spanish) = (numbering.queue("english"), numbering.queue("spanish"));
    let changes = between(&first, &second);
    let [new, gone_agent, gone_queue] = &changes[..] else { panic!("three changes: {changes:?}") };
    assert!(matches!(new, Command::DefineQueue { queue, .. } if *queue == spanish));
    assert_eq!(*gone_agent, Command::RemoveAgent { agent: numbering.agent("lee") });
    assert_eq!(*gone_queue, Command::RemoveQueue { queue: english, exit: Exit::Leave(second.closed) });
}

#[test]
fn more_calls_may_have_more_to_say() {
    let mut numbering = Numbering::default();
    let few = plan(&format!("[sip.limits]\ncalls_max = 100\n{CENTRE}"), &mut numbering);
    let many = plan(&format!("[sip.limits]\ncalls_max = 2000\n{CENTRE}"), &mut numbering);
    assert_eq!(many.engine_backlog() - few.engine_backlog(), 1_900 * BACKLOG_PER_CALL);
    let agent = "[[agent]]\nid = \"park\"\npassword = \"a-long-password-78\"\n";
    let third = plan(&format!("{CENTRE}{agent}"), &mut numbering);
    assert_eq!(third.distributor_backlog() - few.distributor_backlog(), BACKLOG_PER_PARTY);
}

#[test]
fn an_agent_selects_as_all_do_unless_the_agent_has_a_selection_and_a_reload_changes_it() {
    let mut numbering = Numbering::default();
    let text = CENTRE.replace("name = \"Lee Jun\"", "name = \"Lee Jun\"\nselection = \"oldest\"");
    let first = plan(&text, &mut numbering);
    let second =
        plan(&format!("[routing]\nselection = \"late-last\"\nlate_guard = \"2m\"\n{text}"), &mut numbering);
    let (kim, guard) = (numbering.agent("kim"), Duration::from_secs(120));
    let changes = between(&first, &second);
    let [Command::DefineAgent { agent, settings }] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!((*agent, settings.selection), (kim, Some(acd::Selection::LateLast { guard })));
}

#[test]
fn a_queue_takes_its_objective_from_its_service_level() {
    let rules = "band = 3\nweight = 200\nratio = 4\nservice_level = { within = \"45s\" }";
    let text = CENTRE.replace("priority = 2", rules);
    let mut numbering = Numbering::default();
    let plan = plan(&text, &mut numbering);
    let queue = &plan.queues[&numbering.queue("english")];
    let objective = Duration::from_secs(45);
    assert_eq!((queue.band, queue.weight, queue.ratio, queue.objective), (3, 200, 4, objective));
}

#[test]
fn a_queue_has_the_reserves_that_are_configured() {
    let reserves = "reserves = [{ after = \"30s\", require = \"trainer\" }]\nreserves_close = \"10s\"";
    let mut numbering = Numbering::default();
    let plan = plan(&CENTRE.replace("priority = 2", reserves), &mut numbering);
    let queue = &plan.queues[&numbering.queue("english")];
    let (requirement, after) =
        (Requirement::at_least(numbering.skill("trainer"), 1), Duration::from_secs(30));
    assert_eq!(queue.reserves, [acd::Reserve { requirement, after }]);
    assert_eq!(queue.reserves_close, Some(Duration::from_secs(10)));
}

const OFFICE: &str = r#"
[[calendar]]
name = "office"
time_zone = "Asia/Seoul"
hours = "mon-fri 09:00-18:00"
"#;

#[test]
fn a_queue_that_keeps_hours_has_its_calendar_and_the_way_out() {
    let closed = "name = \"english\"\nhours = \"office\"\nclosed = { waiting = \"leave\", then = \"number:027001001\" }";
    let text = CENTRE.replace("name = \"english\"", closed) + OFFICE;
    let mut numbering = Numbering::default();
    let plan = plan(&text, &mut numbering);
    let (english, billing) = (numbering.queue("english"), numbering.queue("billing"));
    assert_eq!(plan.hours.queues, BTreeMap::from([(english, "office".to_owned())]));
    assert_eq!(plan.hours.calendars["office"].zone().name(), "Asia/Seoul");
    let rule = plan.queues[&english].closed.expect("it has one");
    assert_eq!((rule.waiting, plan.queues[&billing].closed), (acd::AtClosing::Leave, None));
    let Exit::Leave(exit) = rule.exit else { panic!("a number is outside") };
    assert_eq!(plan.directory.exits.get(&exit), Some(&Leave::Dial("027001001".to_owned())));
    let earlier = text.replace("18:00", "17:00");
    let after = Plan::new(&config(&earlier), Path::new("conf"), &bound(), &mut numbering);
    assert_ne!(plan.hours, after.hours);
    assert!(between(&plan, &after).is_empty(), "the distributor's rules are the same");
}

#[test]
fn what_is_known_of_waits_is_as_configured() {
    let rules =
        "[routing]\nestimate_half_life = \"30m\"\nestimate_samples_min = 5\nestimate_error_max = 80\n";
    let shared = plan(&format!("{rules}{CENTRE}"), &mut Numbering::default()).shared.estimate;
    let (half_life, samples_min) = (shared.half_life, shared.samples_min);
    assert_eq!((half_life, samples_min, shared.error_max_percent), (Duration::from_secs(1_800), 5, 80));
    let usual = plan(CENTRE, &mut Numbering::default()).shared.estimate;
    assert_eq!(usual, acd::estimate::EstimateRules::default(), "the defaults are those of the distributor");
}

#[test]
fn only_queues_that_remember_callers_have_rules_for_them() {
    let mut numbering = Numbering::default();
    assert!(plan(CENTRE, &mut numbering).directory.callers.is_empty());
    let text = CENTRE.replace("priority = 2", "priority = 2\nkeep_place = \"5m\"");
    let plan = plan(&format!("[routing]\ncallers_max = 7\n{text}"), &mut numbering);
    let keep_place = Some(Duration::from_secs(300));
    let rules = engine::CallerRules { keep_place, ..engine::CallerRules::default() };
    assert_eq!(plan.directory.callers, BTreeMap::from([(numbering.queue("english"), rules)]));
    assert_eq!(plan.engine_settings().callers_max, 7);
}

#[test]
fn the_last_agent_and_the_agents_of_a_number_are_wanted_as_the_file_says() {
    let mut numbering = Numbering::default();
    let text = CENTRE
        .replace("priority = 2", "priority = 2\nlast_agent = { remember = \"1d\", wait = \"5s\" }")
        .replace("number = \"*\"", "number = \"*\"\nagent = \"lee\"\nagent_wait = \"10s\"")
        .replace("number = \"1588*\"", "number = \"1588*\"\nprefer_agents = [\"lee\", \"kim\"]")
        .replace("also = \"english\"\n", "");
    let directory = plan(&text, &mut numbering).directory;
    let (kim, lee) = (numbering.agent("kim"), numbering.agent("lee"));
    let rule = directory.callers[&numbering.queue("english")].last_agent.expect("it is given");
    assert_eq!((rule.remember, rule.wait), (Duration::from_secs(86_400), Duration::from_secs(5)));
    let wishes: Vec<Option<engine::Wish>> = directory.entries.iter().map(|entry| entry.wish).collect();
    let mut preferred = acd::Wanted::preferred(lee, Duration::from_secs(30));
    preferred.agents[1] = Some(kim);
    let direct = acd::Wanted::direct(lee, Some(Duration::from_secs(10)), acd::Otherwise::Anybody);
    let wish = |cause, wanted| Some(engine::Wish { cause, wanted });
    assert_eq!(
        wishes,
        [None, wish(engine::WishCause::Preferred, preferred), wish(engine::WishCause::DirectNumber, direct)]
    );
}

/// Whoever adds a setting of the distributor decides here where it comes from.
#[test]
fn every_setting_of_the_distributor_is_in_the_file_or_the_page_says_why_not() {
    let acd::Settings {
        agents_max,
        queues_max,
        skills_max,
        requirement_terms_max,
        requirement_depth_max,
        exclusions_max,
        pooled_from,
        pools_max,
        followed_requirements_max,
        log_in_lease,
        selection,
        seed,
        // In the file.
        waiting_max: _,
        flow_outs_max: _,
        head_start_per_point: _,
        misses_max: _,
        after_call_work_max: _,
        estimate: _,
        handling_lease: _,
        occupied_lease: _,
        forced_presence: _,
        interruptions: _,
    } = plan(CENTRE, &mut Numbering::default()).shared;
    let page = include_str!("../../../../docs/configuration.md");
    let section = page.split("\n## ").find(|section| section.starts_with("Bounds without a setting\n"));
    let section = section.expect("the page has this section");
    for (what, is) in [
        ("agents", u64::from(agents_max)),
        ("queues", queues_max.into()),
        ("skills of one agent", skills_max.into()),
        ("comparisons in one requirement", requirement_terms_max.into()),
        ("brackets within brackets", requirement_depth_max.into()),
        ("agents whom one call is not offered to again", exclusions_max.into()),
        ("agents of the same skills who are looked at as one", pooled_from.into()),
        ("such groups", pools_max.into()),
        ("own requirements followed at a time", followed_requirements_max.into()),
    ] {
        assert!(section.contains(&format!("| {what} | {is} |")), "{what}");
    }
    assert_eq!(
        (log_in_lease, seed),
        (None, 0),
        "the phone is the sign of life; the seed is drawn at the start"
    );
    assert!(section.contains("lease of a log-in") && section.contains("seed of the lots"));
    assert_eq!(selection, acd::Selection::Oldest, "each agent has one of their own, as the file says");
}
