//! What is said of a file that is to run.

use super::{LEAST, loaded, told};

/// What is said of the least file with this behind it.
fn behind(more: &str) -> Vec<String> {
    told(&format!("{LEAST}{more}"))
}

fn one(text: &str, message: &str) {
    let told = told(text);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(message), "{message} not in {told:?}");
}

const LEE: &str = "[[agent]]\nid = \"lee\"\ncontact = \"sip:2001@pbx.example.com\"\n";

#[test]
fn two_agents_at_one_phone_are_pointed_out() {
    let park = |contact: &str| format!("{LEAST}{LEE}[[agent]]\nid = \"park\"\ncontact = \"{contact}\"\n");
    assert_eq!(told(&park("sip:2002@pbx.example.com")), [""; 0]);
    assert_eq!(told(&park("sip:2001@pbx.example.com;transport=tcp")), [""; 0]);
    one(
        &park("sip:2001@PBX.example.com:5060"),
        "cordboard.toml:23:11: warning: agent \"park\": `contact` is that of agent \"lee\", too",
    );
    assert_eq!(loaded(&park("sip:2001@PBX.example.com:5060")).warnings, [], "a simulation rings no phone");
}

#[test]
fn a_contact_that_is_our_own_socket_is_refused() {
    let lee = |contact: &str| format!("{LEAST}{}", LEE.replace("sip:2001@pbx.example.com", contact));
    for own in ["sip:2001@192.0.2.10", "sip:2001@127.0.0.1:5060", "sip:2001@192.0.2.10;transport=tcp"] {
        one(&lee(own), "agent \"lee\": `contact` is our own socket");
    }
    for other in ["sip:2001@192.0.2.10:5070", "sip:2001@192.0.2.11"] {
        assert_eq!(told(&lee(other)), [""; 0], "{other}");
    }
}

#[test]
fn a_skill_that_is_asked_for_under_a_similar_name_is_pointed_out() {
    let text = LEAST
        .replace("skills = { billing = 8 }", "skills = { billing = 8, bilings = 5, korean = 9 }")
        .replace("name = \"billing\"\n", "name = \"billing\"\nrequire = \"billing >= 3\"\n");
    one(
        &text,
        "cordboard.toml:12:25: warning: nothing asks for the skill \"bilings\" (did you mean `billing`?)",
    );
    assert_eq!(told(&text.replace(", bilings = 5", "")), [""; 0], "korean is like nothing else");
}

#[test]
fn an_agent_who_serves_no_queue_is_pointed_out_unless_a_number_is_theirs() {
    let text = LEAST.replace("name = \"billing\"\n", "name = \"billing\"\nrequire = \"billing >= 3\"\n");
    let with_lee = format!("{text}{LEE}");
    one(&with_lee, "warning: agent \"lee\": serves no queue");
    let own = "[[entry]]\nnumber = \"2001\"\nqueue = \"billing\"\nagent = \"lee\"\n";
    assert_eq!(told(&format!("{with_lee}{own}")), [""; 0]);
    one(&text.replace("billing >= 3", "bilings >= 3"), "no agent has the skill \"bilings\"");
}

#[test]
fn a_queue_that_nothing_leads_to_is_pointed_out() {
    let second = "[[queue]]\nname = \"second\"\n";
    let told = behind(second);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("cordboard.toml:19:8: warning: queue \"second\": no [[entry]] and no exit"),
        "{told:?}"
    );
    let rule = "overflow = [{ when = \"waiting > 9\", then = \"queue:second\" }]\n";
    let leads = LEAST.replace("name = \"billing\"\n", &format!("name = \"billing\"\n{rule}"));
    assert_eq!(super::told(&format!("{leads}{second}")), [""; 0]);
}

#[test]
fn ports_of_audio_that_hold_another_socket_are_pointed_out() {
    let media = |lines: &str| LEAST.replace("[media]", &format!("{lines}[media]"));
    let sip = media("listen = [\"udp:0.0.0.0:20060\"]\n");
    one(&sip, "[media]: `ports` has the port of udp:0.0.0.0:20060 in [sip]");
    one(&media("[http]\nlisten = \"127.0.0.1:28080\"\n"), "`ports` has the port of `listen` in [http]");
}

#[test]
fn two_sockets_that_the_system_cannot_give_both_are_refused() {
    let listen = |list: &str| LEAST.replace("[media]", &format!("listen = [{list}]\n[media]"));
    one(
        &listen("\"udp:0.0.0.0:5060\", \"udp:192.0.2.10:5060\""),
        "cordboard.toml:4:32: [sip]: `listen` has udp:192.0.2.10:5060 and udp:0.0.0.0:5060, which are one socket",
    );
    for apart in
        ["\"udp:0.0.0.0:5060\", \"tcp:0.0.0.0:5060\"", "\"udp:192.0.2.10:5060\", \"udp:192.0.2.10:5070\""]
    {
        assert_eq!(told(&listen(apart)), [""; 0], "{apart}");
    }
    let http =
        listen("\"tcp:0.0.0.0:8080\"").replace("[media]", "[http]\nlisten = \"127.0.0.1:8080\"\n[media]");
    one(
        &http,
        "[http]: `listen` is 127.0.0.1:8080, where [sip] listens with tcp:0.0.0.0:8080; choose another port",
    );
}

#[test]
fn what_stands_in_the_way_is_told_without_the_warnings() {
    let text = format!("{LEAST}[[queue]]\nname = \"second\"\nring_every = \"5s\"\nring_timeuot = \"5s\"\n");
    let refused = super::parse("cordboard.toml", &text, super::Passwords::Strong).expect_err("it is wrong");
    assert_eq!(refused.problems.len(), 2, "{refused}");
    let errors: Vec<String> = refused.errors().map(ToString::to_string).collect();
    assert!(errors.len() == 1 && errors[0].contains("ring_timeuot"), "{errors:?}");
}
