//! One wrong value, one line that explains it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{LEAST, Reserve, Selection, Strategy, loaded, one_error, refused, told};

#[test]
fn a_skill_level_out_of_range_is_shown_with_its_place() {
    let wrong = refused(&LEAST.replace("billing = 8", "billing = 11"));
    assert_eq!(
        wrong,
        "cordboard.toml:12:22: agent \"kim\": skill level 11 is out of range; levels are 1 to 10"
    );
}

#[test]
fn several_errors_are_reported_at_once_in_order_of_place() {
    let text = LEAST
        .replace("name = \"pbx\"", "name = \"pbx\"\nmedia = \"anchord\"")
        .replace("billing = 8", "billing = 0");
    let wrong = refused(&text.replace("queue = \"billing\"", "queue = \"biling\""));
    let lines: Vec<&str> = wrong.lines().collect();
    assert_eq!(lines.len(), 3, "{wrong}");
    assert!(lines[0].starts_with(
        "cordboard.toml:8:9: trunk \"pbx\": `media` cannot be \"anchord\" (did you mean `anchored`?)"
    ));
    assert!(lines[1].contains("skill level 0"));
    assert!(lines[2].contains("there is no queue \"biling\" (did you mean `billing`?)"));
}

#[test]
fn an_unknown_setting_gets_the_nearest_known_one() {
    one_error(
        "name = \"billing\"",
        "name = \"billing\"\nring-timeuot = \"5s\"",
        "no setting `ring-timeuot` (did you mean `ring_timeout`?)",
    );
    one_error("[media]", "[medai]\n[media]", "no setting `medai` (did you mean `media`?)");
    one_error(
        "skills = {",
        "colour = \"red\"\nskills = {",
        "agent \"kim\": there is no setting `colour`; correct it or leave it out",
    );
}

#[test]
fn one_bracket_where_two_belong_is_explained_and_nothing_else_is_reported() {
    for table in ["trunk", "agent", "queue", "entry"] {
        one_error(
            &format!("[[{table}]]"),
            &format!("[{table}]"),
            &format!("two brackets; write [[{table}]]"),
        );
    }
    one_error("[sip]", "[[sip]]", "there is one [sip] only, headed with one bracket; write [sip]");
    let reason = format!("{LEAST}[reason]\nid = \"lunch\"\n");
    assert!(refused(&reason).contains("write [[reason]]"), "{}", refused(&reason));
    let twice = format!("{}[queue]\nname = \"english\"\n", LEAST.replace("[[queue]]", "[queue]"));
    let wrong = refused(&twice);
    let line = twice.lines().count() - 1;
    assert!(
        wrong.starts_with(&format!("cordboard.toml:{line}:")) && wrong.contains("write [[queue]]"),
        "{wrong}"
    );
}

#[test]
fn broken_syntax_is_reported_with_its_place() {
    let wrong = refused("[sip]\ndomain = \"cc.example.com\nlisten = 1\n");
    assert!(wrong.starts_with("cordboard.toml:2:"), "{wrong}");
}

#[test]
fn characters_are_counted_not_bytes() {
    let wrong =
        refused(&LEAST.replace("skills = { billing = 8 }", "name = \"김민지\"\nskills = { \"청구\" = 11 }"));
    assert!(wrong.starts_with("cordboard.toml:13:19: "), "{wrong}");
}

#[test]
fn missing_parts_say_what_to_add() {
    one_error(
        "domain = \"cc.example.com\"",
        "",
        "[sip]: `domain` is missing; add domain = \"cc.example.com\"",
    );
    one_error("address = \"192.0.2.10\"", "", "[media]: `address` is missing");
    one_error("password = \"glass-otter-51\"", "", "agent \"kim\": has no phone; add `password`");
    one_error("queue = \"billing\"", "", "entry \"*\": `queue` is missing");
    one_error("id = \"kim\"", "", "agent 1: `id` is missing");
    one_error("from = [\"192.0.2.0/24\"]", "", "trunk \"pbx\": no call can come from it or go to it");
}

#[test]
fn values_of_the_wrong_kind_say_what_to_write() {
    one_error("domain = \"cc.example.com\"", "domain = 5", "`domain` is an integer; write a text in quotes");
    one_error("billing = 8", "billing = \"8\"", "`billing` is a string; write a whole number without quotes");
    one_error("[[queue]]\n", "[[queue]]\nring_timeout = 15\n", "write a time with its unit, such as \"20s\"");
    one_error(
        "[[queue]]\n",
        "[[queue]]\nring_timeout = \"15\"\n",
        "\"15\" is no time; write whole numbers with d, h, m, s or ms",
    );
    one_error("[media]", "[log]\nmask_numbers = \"no\"\n[media]", "write true or false without quotes");
    one_error("[[queue]]\n", "[[queue]]\nservice_level = { target = \"0.8\" }\n", "write it as \"80%\"");
    one_error(
        "[media]",
        "[log]\nlevel = \"inof\"\n[media]",
        "`level` cannot be \"inof\" (did you mean `info`?)",
    );
    let wrong = refused("trunk = 5\n[sip]\ndomain = \"a.example\"\n[media]\naddress = \"192.0.2.1\"\n");
    assert!(wrong.contains("`trunk` is an integer; write tables, each headed [[trunk]]"), "{wrong}");
}

#[test]
fn bounds_are_told() {
    one_error(
        "[[queue]]\n",
        "[[queue]]\nring_timeout = \"1s\"\n",
        "1s is out of range; choose from 3s to 2m",
    );
    one_error(
        "[[queue]]\n",
        "[[queue]]\nring_timeout = \"1h\"\n",
        "1h is out of range; choose from 3s to 2m",
    );
    one_error(
        "[media]",
        "[sip.limits]\ncalls_max = 0\n[media]",
        "[sip.limits]: `calls_max`: 0 is out of range; choose from 1 to 250000",
    );
    one_error("[media]", "[sip.timers]\nt1 = \"5s\"\n[media]", "`t2` is shorter than `t1`");
    one_error("[media]", "[sip.registrar]\nexpires_min = \"30m\"\n[media]", "put the three in order");
}

#[test]
fn sockets_and_addresses_must_make_sense() {
    one_error("[media]", "listen = \"0.0.0.0:5060\"\n[media]", "does not begin with udp: or tcp:");
    one_error(
        "[media]",
        "listen = [\"udp:192.0.2.1:5060\", \"udp:192.0.2.1:5060\"]\n[media]",
        "names udp:192.0.2.1:5060 twice",
    );
    one_error("[media]", "listen = \"udp:2001:db8::1:5060\"\n[media]", "IPv6 as [2001:db8::1]:5060");
    one_error("[media]", "advertised = \"0.0.0.0\"\n[media]", "0.0.0.0 cannot be reached by others");
    one_error("\"192.0.2.10\"", "\"224.0.0.1\"", "224.0.0.1 cannot be reached by others");
    one_error("\"192.0.2.10\"", "\"media.example.com\"", "is no IP address");
    one_error("\"192.0.2.10\"", "[\"192.0.2.10\", \"192.0.2.11\"]", "two addresses of one family");
    one_error(
        "[media]",
        "advertised = \"192.0.2.10\"\nlisten = \"udp:[::]:5060\"\n[media]",
        "`listen` has udp:[::]:5060, but no IPv6 address is advertised",
    );
    one_error(
        "[media]",
        "[http]\nlisten = \"8080\"\n[media]",
        "[http]: `listen`: \"8080\" is no address with a port",
    );
    one_error("domain = \"cc.example.com\"", "domain = \"sip:cc.example.com\"", "`domain` is no host name");
    one_error("[media]", "outbound_proxy = \"192.0.2.1\"\n[media]", "is no SIP address");
}

#[test]
fn port_ranges_must_have_room_and_whole_pairs() {
    let ports =
        |ports: &str, message| one_error("[media]", &format!("[media]\nports = \"{ports}\""), message);
    ports("20000", "write it as \"20000-29999\"");
    ports("20001-29999", "begin with an even number and end with an odd one");
    ports("20000-30000", "begin with an even number and end with an odd one");
    ports("29998-20001", "has no room for a call");
    ports("20000-20001", "has no room for a call");
    ports("80-29999", "is a port of the system");
    ports("20000-70000", "is no range of ports");
}

#[test]
fn a_port_range_too_narrow_for_the_calls_is_a_warning() {
    let text = LEAST.replace("[media]", "[media]\nports = \"20000-20399\"");
    let warnings = told(&text);
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].contains(
            "cordboard.toml:5:9: warning: [media]: `ports` has room for 100 calls, calls_max is 2500"
        ),
        "{warnings:?}"
    );
    assert_eq!(loaded(&text).warnings, [], "a simulation has no ports");
}

#[test]
fn weak_passwords_are_refused() {
    let password = |password: &str, message| one_error("glass-otter-51", password, message);
    password("", "agent \"kim\": the password is empty");
    password("abc", "is shorter than 8 characters");
    password("Password123", "is one of those that everybody tries first");
    password("zzzzzzzzzz", "repeats one character");
    password("kim-2026", "is the name that it protects");
    one_error(
        "name = \"pbx\"",
        "name = \"pbx\"\nusername = \"pbx-seoul\"\npassword = \"12345678\"",
        "trunk \"pbx\": the password is one of those",
    );
    one_error("[media]", "[http]\ntoken = \"short\"\n[media]", "`token` is easily guessed");
}

#[test]
fn a_trunk_open_to_everybody_needs_a_password() {
    one_error("192.0.2.0/24", "0.0.0.0/0", "0.0.0.0/0 lets everybody call without a password");
    let with_password = "from = [\"0.0.0.0/0\"]\nusername = \"pbx-seoul\"\npassword = \"k3Vq-79-maple\"";
    assert_eq!(loaded(&LEAST.replace("from = [\"192.0.2.0/24\"]", with_password)).warnings, []);
    one_error("name = \"pbx\"", "name = \"pbx\"\nusername = \"a\"", "`username` stands alone");
    one_error("name = \"pbx\"", "name = \"pbx\"\npassword = \"k3Vq-79-maple\"", "`password` stands alone");
    one_error("192.0.2.0/24", "192.0.2.5/24", "has bits beyond its prefix; write 192.0.2.0/24");
}

#[test]
fn an_agent_has_one_phone_and_a_usable_name() {
    one_error("skills =", "contact = \"sip:2001@pbx\"\nskills =", "has both `password` and `contact`");
    one_error("password = \"glass-otter-51\"", "contact = \"2001@pbx\"", "is no SIP address");
    one_error("id = \"kim\"", "id = \"kim minji\"", "cannot stand in a SIP address");
}

#[test]
fn requirements_are_read_as_the_distributor_reads_them() {
    let require = |text: &str, message| {
        one_error("name = \"billing\"\n", &format!("name = \"billing\"\nrequire = \"{text}\"\n"), message);
    };
    require("billing >=", "a level from 0 to 10 should follow");
    require("billing >= 11", "a level from 0 to 10");
    require("(billing", "no `)` closes");
    one_error("queue = \"billing\"", "queue = \"billing\"\nrequire = \"and\"", "entry \"*\": `require`: ");
    let wrong = refused(
        &LEAST.replace("name = \"billing\"\n", "name = \"billing\"\nrequire = \"billing & english\"\n"),
    );
    assert!(wrong.starts_with("cordboard.toml:15:20: "), "{wrong}");
}

#[test]
fn reserves_rise_and_close_before_they_open() {
    let reserves = |lines: &str, message| {
        one_error("name = \"billing\"\n", &format!("name = \"billing\"\n{lines}\n"), message);
    };
    let one = "reserves = [{ after = \"30s\", require = \"billing\" }]";
    reserves("reserves = [{ require = \"billing\" }]", "`after` is missing");
    reserves("reserves = [{ after = \"30s\" }]", "`require` is missing");
    reserves(
        "reserves = [{ after = \"30s\", require = \"billing\" }, { after = \"30s\", require = \"billing\" }]",
        "reserves 2: `after` is not later",
    );
    let many: Vec<String> =
        (10..13).map(|n| format!("{{ after = \"{n}s\", require = \"billing\" }}")).collect();
    reserves(&format!("reserves = [{}]", many.join(", ")), "more than 2 reserves");
    reserves(&format!("{one}\nreserves_close = \"31s\""), "which would close as it opens");
    reserves("reserves_close = \"10s\"", "`reserves_close` without `reserves`");
    let good = format!("name = \"billing\"\n{one}\nreserves_close = \"10s\"\n");
    let config = loaded(&LEAST.replace("name = \"billing\"\n", &good)).config;
    let (queue, after) = (&config.queues[0], Duration::from_secs(30));
    assert_eq!(queue.reserves, [Reserve { after, require: "billing".to_owned() }]);
    assert_eq!(queue.reserves_close, Some(Duration::from_secs(10)));
}

#[test]
fn steps_rise_and_are_complete() {
    let steps = |steps: &str, message| {
        one_error("name = \"billing\"\n", &format!("name = \"billing\"\nsteps = [{steps}]\n"), message);
    };
    steps(
        "{ after = \"20s\", require = \"billing\" }, { after = \"20s\", require = \"billing\" }",
        "steps 2: `after` is not later",
    );
    steps("{ require = \"billing\" }", "`after` is missing");
    steps("{ after = \"20s\" }", "`require` is missing");
    steps("{ after = \"20s\", require = \"billing\", mode = \"ad\" }", "did you mean `add`?");
    steps("5", "`steps` is an integer; write a table");
    let many: Vec<String> =
        (1..=11).map(|step| format!("{{ after = \"{step}s\", require = \"billing\" }}")).collect();
    steps(&many.join(", "), "more than 10 steps");
}

#[test]
fn callbacks_need_a_way_and_prefixes_are_digits() {
    let callback = |rules: &str, message| {
        one_error(
            "name = \"billing\"\n",
            &format!("name = \"billing\"\ncallback = {{ {rules} }}\n"),
            message,
        );
    };
    callback("", "no way leads to the customers to call back; give a [[trunk]] an outbound_proxy");
    callback("trunk = \"pbx\"", "over the trunk \"pbx\", which takes no calls; give it an outbound_proxy");
    let with_a_way = |rules: &str| {
        let queue = format!("name = \"billing\"\ncallback = {{ {rules} }}\n");
        let text = LEAST.replacen("name = \"billing\"\n", &queue, 1);
        text.replacen("[media]", "outbound_proxy = \"sip:192.0.2.1;lr\"\n[media]", 1)
    };
    assert_eq!(loaded(&with_a_way("allow = [\"02\", \"+82\"], deny = \"060\"")).warnings, []);
    for (rules, message) in [
        ("allow = \"\"", "no beginning of a telephone number"),
        ("deny = [\"060\", \"*7\"]", "\"*7\" is no beginning of a telephone number"),
        ("trunk = \"outside\"", "there is no trunk \"outside\""),
        ("hours = \"office\"", "there is no calendar \"office\""),
        ("first = \"nobody\"", "`first` cannot be \"nobody\""),
        ("attempts = 0", "`attempts`: 0 is out of range"),
    ] {
        let text = refused(&with_a_way(rules));
        assert!(text.contains(message), "{message}\nnot in\n{text}");
    }
    let office =
        "[[calendar]]\nname = \"office\"\ntime_zone = \"Asia/Seoul\"\nhours = \"mon-fri 09:00-18:00\"\n";
    let in_hours = |keep: &str| {
        let text = with_a_way(&format!("hours = \"office\", keep = \"{keep}\""));
        loaded(&text.replacen("[media]", &format!("{office}[media]"), 1)).warnings
    };
    let lost = in_hours("1d");
    let message = "stay closed for up to 63 hours, and it does not `keep` a promise for so long";
    assert!(lost.iter().any(|one| one.to_string().contains(message)), "{lost:?}");
    assert_eq!(in_hours("63h").len(), 1, "it ends in the moment in which they begin");
    assert_eq!(in_hours("64h"), []);
    let odd = loaded(&with_a_way("spacing = \"1d\", ring_timeout = \"2m\"")).warnings;
    assert!(
        odd.iter().any(|one| one.to_string().contains("`spacing` of `callback` is not shorter")),
        "{odd:?}"
    );
}

#[test]
fn exits_are_written_as_documented() {
    let then = |then: &str, message| {
        let rule = format!("name = \"billing\"\nmax_length = {{ waiting = 5, then = \"{then}\" }}\n");
        one_error("name = \"billing\"\n", &rule, message);
    };
    then("hangup", "`then` cannot be \"hangup\" (did you mean `hang-up`?)");
    then("queue:billing", "leads back to the same queue");
    then("number:abc", "\"abc\" is no telephone number");
    then(
        "number:+82215881000",
        "no way leads to the number +82215881000; give a [[trunk]] an outbound_proxy",
    );
    then("queue:sales", "there is no queue \"sales\"");
    one_error(
        "name = \"billing\"\n",
        "name = \"billing\"\nmax_length = { then = \"busy\" }\n",
        "`waiting` is missing",
    );
    one_error(
        "name = \"billing\"\n",
        "name = \"billing\"\nmax_wait = { after = \"5m\" }\n",
        "`then` is missing",
    );
}

#[test]
fn rules_of_overflow_are_written_as_documented() {
    let rule = |rule: &str, message: &str| {
        let lines = format!("name = \"billing\"\noverflow = [{{ {rule} }}]\n");
        one_error("name = \"billing\"\n", &lines, message);
    };
    let when = |condition: &str, message: &str| {
        rule(&format!("when = \"{condition}\", then = \"busy\""), message);
    };
    rule(
        "then = \"busy\"",
        "queue \"billing\" overflow 1: `when` is missing; add when = \"oldest_wait >= 60s\"",
    );
    rule("when = [], then = \"busy\"", "`when` is empty; write when = \"oldest_wait >= 60s\"");
    rule("when = \"waiting >= 1\"", "`then` is missing");
    rule("when = \"waiting >= 1\", then = \"queue:billing\"", "leads back to the same queue");
    rule(
        "when = \"waiting >= 1\", then = \"busy\", wehn = 1",
        "there is no setting `wehn` (did you mean `when`?)",
    );
    rule("after = \"2d\", when = \"waiting >= 1\", then = \"busy\"", "`after`: 2d is out of range");
    when(
        "oldest wait",
        "15:23: queue \"billing\" overflow 1: `when`: \"oldest wait\" is no condition; write \"oldest_wait >= 60s\"",
    );
    when("oldest_wiat >= 60s", "\"oldest_wiat\" cannot be measured (did you mean `oldest_wait`?)");
    when("oldest_wait => 60s", "\"=>\" does not compare; write >=, >, <= or <");
    when("oldest_wait >= 60", "15:38: queue \"billing\" overflow 1: `when`: \"60\" is no time");
    when("waiting >= 1m", "\"1m\" is no whole number; write `waiting >= 3`");
    when("waiting < 0", "nothing is beyond 0");
    when("estimated_wait >= 2d", "2d is out of range; no wait is compared with more than a day");
    when("technical waiting >= 1", "\"technical\" names no queue");
    when("queue:sales waiting >= 1", "there is no queue \"sales\"");
    let list = "where all of them must hold write a list: when = [\"estimated_wait > 2m\", \"waiting > 3\"]";
    when("estimated_wait > 2m and waiting > 3", list);
    when("estimated_wait > 2m, waiting > 3", list);
    when("queue:a and b waiting > 3 and waiting > 4", "is several conditions");
    when("oldest_wait > 2m or waiting > 3", "is several conditions; write a rule of `overflow` for each");
    let five = ["\"waiting >= 1\""; 5].join(", ");
    rule(&format!("when = [{five}], then = \"busy\""), "`when` has more than 4 conditions");
    let nine = [r#"{ when = "waiting >= 1", then = "busy" }"#; 9].join(", ");
    let lines = format!("name = \"billing\"\noverflow = [{nine}]\n");
    one_error("name = \"billing\"\n", &lines, "more than 8 rules of overflow");
}

#[test]
fn numbers_of_entries_are_written_as_documented() {
    for number in ["15 88", "1*2", "sip:100"] {
        one_error("number = \"*\"", &format!("number = \"{number}\""), "`number` is no number");
    }
    one_error("number = \"*\"", "number = \"\"", "`number` is empty");
}

#[test]
fn music_must_be_wav_and_heard() {
    one_error("name = \"billing\"\n", "name = \"billing\"\nmusic = \"waltz.mp3\"\n", "is no WAV file");
    let text = LEAST
        .replace("name = \"billing\"\n", "name = \"billing\"\nwaiting = \"ringback\"\nmusic = \"a.wav\"\n");
    let warnings = loaded(&text).warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].message.contains("is never played"));
}

#[test]
fn more_than_the_distributor_has_room_for_is_refused() {
    let queues: String = (0..1_000).map(|number| format!("[[queue]]\nname = \"q{number}\"\n")).collect();
    assert!(refused(&format!("{LEAST}{queues}")).contains("there are 1001 queues; 1000 are the most"));
    let skills: Vec<String> = (0..201).map(|number| format!("s{number} = 1")).collect();
    one_error("billing = 8", &skills.join(", "), "agent \"kim\": 201 skills; 200 are the most");
}

#[test]
fn an_address_that_asks_for_tls_is_refused() {
    one_error("[media]", "outbound_proxy = \"sips:192.0.2.1\"\n[media]", "asks for TLS, which is not spoken");
    one_error("[media]", "outbound_proxy = \"tel:123\"\n[media]", "is no SIP address");
}

#[test]
fn late_last_without_a_guard_is_refused_wherever_it_is_chosen() {
    let shared = format!("{LEAST}\n[routing]\nselection = \"late-last\"\n");
    let wrong = refused(&shared);
    assert!(wrong.contains("[routing]: selection = \"late-last\" lets who is late wait for ever"), "{wrong}");
    assert!(wrong.contains("add late_guard = \"2m\""), "{wrong}");
    one_error(
        "skills = {",
        "selection = \"late-last\"\nskills = {",
        "agent \"kim\": selection = \"late-last\" lets",
    );
    loaded(&format!("{shared}late_guard = \"2m\"\n"));
}

#[test]
fn weights_and_shares_are_whole_numbers_in_their_range() {
    one_error("skills = {", "weight = 0\nskills = {", "`weight`: 0 is out of range; choose from 1 to 1000");
    one_error("name = \"billing\"\n", "name = \"billing\"\nweight = 1.5\n", "queue \"billing\": `weight` is");
    one_error(
        "skills = {",
        "shares = { billing = 0 }\nskills = {",
        "share 0 is out of range; shares are 1 to",
    );
    one_error(
        "skills = {",
        "selection = \"percent-allocation\"\nshares = { biling = 1 }\nskills = {",
        "did you mean `billing`?",
    );
}

#[test]
fn lots_and_shares_are_read_as_documented() {
    let text = LEAST
        .replace("name = \"billing\"\n", "name = \"billing\"\nstrategy = \"weighted-random\"\nweight = 250\n")
        .replace(
            "skills = {",
            "weight = 3\nselection = \"percent-allocation\"\nshares = { billing = 70 }\nskills = {",
        );
    let config = loaded(&text).config;
    assert_eq!((config.queues[0].strategy, config.queues[0].weight), (Strategy::WeightedRandom, 250));
    let kim = &config.agents[0];
    assert_eq!((kim.weight, kim.selection), (3, Some(Selection::PercentAllocation)));
    assert_eq!(kim.shares, BTreeMap::from([("billing".to_owned(), 70)]));
}

#[test]
fn weights_and_shares_that_nothing_reads_are_pointed_out() {
    let text = LEAST.replace("skills = {", "weight = 3\nshares = { billing = 70 }\nskills = {");
    let messages: Vec<String> = loaded(&text).warnings.into_iter().map(|problem| problem.message).collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages[0].starts_with("agent \"kim\": `shares` count nothing"), "{messages:?}");
    assert!(messages[1].starts_with("agent \"kim\": `weight` counts nothing"), "{messages:?}");
}

#[test]
fn a_lease_that_a_pause_of_the_machine_would_end_is_refused() {
    one_error(
        "[media]",
        "[routing]\nlease = \"5s\"\n[media]",
        "`lease` of less than 30s would end conversations",
    );
    loaded(&format!("{LEAST}[routing]\nlease = \"0s\"\n"));
}

#[test]
fn what_is_no_table_is_shown_as_one_and_nothing_else_is_said_of_it() {
    let rule = |rule: &str| format!("name = \"billing\"\n{rule}\n");
    one_error(
        "name = \"billing\"\n",
        &rule("max_wait = \"5m\""),
        "`max_wait` is a string; write a table such as { after = \"5m\", then = \"queue:other\" }",
    );
    one_error(
        "name = \"billing\"\n",
        &rule("nobody_logged_in = true"),
        "write a table such as { grace = \"30s\", then = \"busy\" }",
    );
}
