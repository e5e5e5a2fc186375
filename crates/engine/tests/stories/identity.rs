//! Who the agent's phone says is calling, and what else it is told.

use engine::Treatment;
use sip::{HeaderField, Identity};

use crate::world::{Manner, World};

/// The INVITE that an agent's phone gets, and what the record says of the caller, for a caller at this
/// address with these headers.
fn told(headers: &[(&str, &str)], from: Identity) -> (Box<sip::Invite>, engine::CallRecord) {
    let mut world = World::new(Treatment::Ringback);
    let phone = world.agent(1, Manner::ByHand);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let headers = headers.iter().map(|(name, value)| HeaderField::new(name, value)).collect();
    let session = world.call_with(caller, "100", headers, from);
    world.run(100);
    let (_, invite) = world.rung(phone);
    world.cancel(caller, session);
    world.assert_nothing_left();
    (invite, world.records()[0].clone())
}

fn header<'a>(invite: &'a sip::Invite, name: &str) -> Option<&'a str> {
    invite.headers.iter().find(|header| header.name == name).map(|header| header.value.as_str())
}

const ASSERTED: (&str, &str) =
    ("P-Asserted-Identity", "\"Park\" <sip:0255556666@pbx.example>, <tel:+82255556666>");

#[test]
fn a_trunks_assertion_is_who_calls() {
    let (invite, record) =
        told(&[ASSERTED, ("X-Ticket", "42"), ("Diversion", "<sip:1@x>")], Identity::user("9"));
    assert_eq!((invite.from.user.as_str(), invite.from.display_name.as_str()), ("0255556666", "Park"));
    assert_eq!(header(&invite, "X-Ticket"), Some("42"));
    assert_eq!(header(&invite, "Diversion"), Some("<sip:1@x>"));
    assert_eq!(header(&invite, "P-Asserted-Identity"), Some(ASSERTED.1));
    assert_eq!(record.story.caller, "0255556666");
    assert!(record.story.attributes.iter().any(|header| header.name == "X-Ticket"));
}

#[test]
fn without_an_assertion_it_is_from() {
    let (invite, record) = told(&[("Subject", "not ours to keep")], Identity::user("0311112222"));
    assert_eq!(invite.from.user, "0311112222");
    assert_eq!(header(&invite, "Subject"), None);
    assert_eq!(record.story.caller, "0311112222");
}

#[test]
fn a_withheld_identity_stays_with_the_operator() {
    for privacy in ["id", "user; id;critical", "Header"] {
        let (invite, record) = told(&[ASSERTED, ("Privacy", privacy)], Identity::anonymous());
        assert_eq!(invite.from.uri, "sip:anonymous@anonymous.invalid");
        assert_eq!(header(&invite, "P-Asserted-Identity"), None);
        assert_eq!(header(&invite, "Privacy"), Some(privacy));
        assert_eq!(record.story.caller, "0255556666");
    }
    let (invite, _) = told(&[ASSERTED, ("Privacy", "none")], Identity::user("9"));
    assert_eq!(invite.from.user, "0255556666");
}

#[test]
fn an_account_asserts_nothing() {
    let lease = Some(std::time::Duration::from_secs(6));
    let settings = acd::Settings { handling_lease: lease, occupied_lease: lease, ..acd::Settings::default() };
    let mut world = World::with(Treatment::Ringback, settings, 1);
    let phone = world.agent(1, Manner::ByHand);
    let colleague = world.registering_agent(7, Manner::ByHand);
    let president = "P-Asserted-Identity: <sip:president@cc.example.com>\r\n";
    world.call_of_account(colleague, "agent7", "100", president);
    world.run(100);
    let (_, invite) = world.rung(phone);
    assert_eq!(invite.from.user, "agent7");
    assert_eq!(header(&invite, "P-Asserted-Identity"), None);
    let activity = |world: &World| world.activity(7).expect("agent7 is known");
    assert!(matches!(activity(&world), acd::Activity::Occupied { .. }), "nobody is given to whoever calls");
    world.run(13_000);
    assert!(matches!(activity(&world), acd::Activity::Occupied { .. }), "as long as the call goes on");
    world.engine.hang_up_all(world.now);
    world.run(40_000);
    assert!(matches!(activity(&world), acd::Activity::Unreachable { .. }));
}
