use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use timing::Instant;

use super::*;
use crate::{Limits, Protocol};

struct Phone {
    call_id: &'static str,
    cseq: u32,
    flow: Flow,
}

fn udp(port: u16) -> Flow {
    let remote = format!("198.51.100.7:{port}").parse().unwrap();
    Flow { protocol: Protocol::Udp, local: "192.0.2.1:5060".parse().unwrap(), remote, connection: None }
}

fn tcp(number: u64) -> Flow {
    Flow { protocol: Protocol::Tcp, connection: Some(ConnectionId(number)), ..udp(40_000) }
}

fn phone(call_id: &'static str, flow: Flow) -> Phone {
    Phone { call_id, cseq: 0, flow }
}

impl Phone {
    fn request(&self, headers: &str) -> Message {
        let text = format!(
            "REGISTER sip:cc.example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\n\
             From: <sip:kim@cc.example.com>;tag=1\r\nTo: <sip:kim@cc.example.com>\r\nCall-ID: {}\r\n\
             CSeq: {} REGISTER\r\n{headers}\r\n",
            self.call_id, self.cseq
        );
        Message::parse(Bytes::from(text), &Limits::default()).unwrap()
    }

    fn register(&mut self, registrar: &mut Registrar, now: Instant, headers: &str) -> Reply {
        self.cseq += 1;
        registrar.handle_register(now, "kim", self.flow, &self.request(headers))
    }
}

fn registrar() -> Registrar {
    Registrar::new(RegistrarSettings::default())
}

fn events(registrar: &mut Registrar) -> Vec<Event> {
    std::iter::from_fn(|| registrar.poll_output()).collect()
}

fn causes(registrar: &mut Registrar) -> Vec<(Cause, usize)> {
    let gone = |event| match event {
        Event::Unregistered { cause, remaining, .. } => Some((cause, remaining)),
        Event::Registered { .. } => None,
    };
    events(registrar).into_iter().filter_map(gone).collect()
}

fn contact_headers(reply: &Reply) -> Vec<&str> {
    assert_eq!(reply.status, 200);
    reply.headers.iter().map(|(_, value)| value.as_str()).collect()
}

#[test]
fn a_phone_registers_refreshes_and_is_told_what_is_left() {
    let (mut registrar, mut kim) = (registrar(), phone("a", udp(5060)));
    let reply =
        kim.register(&mut registrar, Instant::ORIGIN, "Contact: <sip:kim@10.0.0.1>;expires=600;q=0.5\r\n");
    assert_eq!(contact_headers(&reply), ["<sip:kim@10.0.0.1>;q=0.5;expires=600"]);
    let query = kim.register(&mut registrar, Instant::from_secs(100), "");
    assert_eq!(contact_headers(&query), ["<sip:kim@10.0.0.1>;q=0.5;expires=500"]);
    kim.register(&mut registrar, Instant::from_secs(500), "Contact: <sip:kim@10.0.0.1>\r\nExpires: 600\r\n");
    registrar.handle_timeout(Instant::from_secs(1_099));
    assert_eq!(registrar.contacts("kim").len(), 1);
    let is_new: Vec<bool> = events(&mut registrar)
        .iter()
        .map(|event| matches!(event, Event::Registered { is_new: true, .. }))
        .collect();
    assert_eq!(is_new, [true, false]);
}

#[test]
fn a_contact_that_is_not_refreshed_expires() {
    let (mut registrar, mut kim) = (registrar(), phone("a", udp(5060)));
    kim.register(&mut registrar, Instant::ORIGIN, "Contact: <sip:kim@10.0.0.1>;expires=60\r\n");
    events(&mut registrar);
    let end = Instant::from_secs(60);
    while let Some(deadline) = registrar.poll_timeout() {
        assert!(deadline <= end + Duration::from_millis(2));
        registrar.handle_timeout(deadline);
    }
    assert_eq!(causes(&mut registrar), [(Cause::Expired, 0)]);
    assert!(registrar.is_empty() && registrar.contacts("kim").is_empty());
}

#[test]
fn several_contacts_come_in_the_order_of_their_preference() {
    let (mut registrar, mut kim) = (registrar(), phone("a", udp(5060)));
    let contacts = "Contact: <sip:a@h>;q=0.2, <sip:b@h>;q=1.0\r\nm: \"C, c\" <sip:c@h>;q=0.25\r\n";
    kim.register(&mut registrar, Instant::ORIGIN, contacts);
    let users: Vec<String> =
        registrar.contacts("kim").iter().filter_map(|contact| contact.uri.user()).collect();
    assert_eq!(users, ["b", "c", "a"]);
}

#[test]
fn too_brief_is_423_and_too_long_is_cut() {
    let (mut registrar, mut kim) = (registrar(), phone("a", udp(5060)));
    let brief = kim.register(&mut registrar, Instant::ORIGIN, "Contact: <sip:kim@h>;expires=10\r\n");
    assert_eq!(brief, Reply { status: 423, headers: vec![(Name::MinExpires, "60".to_owned())] });
    assert!(registrar.is_empty());
    let long = kim.register(&mut registrar, Instant::ORIGIN, "Contact: <sip:kim@h>;expires=4294967295\r\n");
    assert_eq!(contact_headers(&long), ["<sip:kim@h>;expires=7200"]);
}

#[test]
fn a_phone_takes_one_contact_or_all_of_them_back() {
    let (mut registrar, mut kim) = (registrar(), phone("a", udp(5060)));
    kim.register(&mut registrar, Instant::ORIGIN, "Contact: <sip:a@h>, <sip:b@h>, <sip:c@h>\r\n");
    kim.register(&mut registrar, Instant::ORIGIN, "Contact: <sip:a@H>;expires=0\r\n");
    assert_eq!(causes(&mut registrar), [(Cause::Removed, 2)]);
    let reply = kim.register(&mut registrar, Instant::ORIGIN, "Contact: *\r\nExpires: 0\r\n");
    assert!(contact_headers(&reply).is_empty());
    assert_eq!(causes(&mut registrar), [(Cause::Removed, 1), (Cause::Removed, 0)]);
    assert_eq!(registrar.poll_timeout(), None);
}

#[test]
fn a_star_with_anything_else_is_a_bad_request() {
    let (mut registrar, mut kim) = (registrar(), phone("a", udp(5060)));
    for headers in [
        "Contact: *\r\n",
        "Contact: *\r\nExpires: 60\r\n",
        "Contact: *, <sip:a@h>\r\nExpires: 0\r\n",
        "Contact: <name:John>\r\n",
        "Contact: <sip:a@h>;q=2\r\n",
    ] {
        assert_eq!(kim.register(&mut registrar, Instant::ORIGIN, headers).status, 400, "{headers}");
    }
}

#[test]
fn replayed_and_older_requests_change_nothing() {
    let (mut registrar, mut kim) = (registrar(), phone("a", udp(5060)));
    kim.register(&mut registrar, Instant::ORIGIN, "Contact: <sip:a@h>\r\n");
    let removal = kim.request("Contact: <sip:a@h>;expires=0\r\n");
    assert_eq!(registrar.handle_register(Instant::ORIGIN, "kim", kim.flow, &removal).status, 500);
    kim.cseq = 0;
    let star = kim.request("Contact: *\r\nExpires: 0\r\n");
    assert_eq!(registrar.handle_register(Instant::ORIGIN, "kim", kim.flow, &star).status, 500);
    assert_eq!(registrar.contacts("kim").len(), 1);
}

#[test]
fn one_old_contact_spoils_the_whole_request() {
    let (mut registrar, mut kim) = (registrar(), phone("a", udp(5060)));
    kim.register(&mut registrar, Instant::ORIGIN, "Contact: <sip:a@h>\r\n");
    let mixed = kim.request("Contact: <sip:new@h>, <sip:a@h>\r\n");
    assert_eq!(registrar.handle_register(Instant::ORIGIN, "kim", kim.flow, &mixed).status, 500);
    assert_eq!(registrar.len(), 1);
}

#[test]
fn contacts_are_bounded_per_account_and_altogether() {
    let settings = RegistrarSettings { contacts_per_account: 2, contacts: 3, ..RegistrarSettings::default() };
    let mut registrar = Registrar::new(settings);
    let mut kim = phone("a", udp(5060));
    kim.register(&mut registrar, Instant::ORIGIN, "Contact: <sip:a@h>, <sip:b@h>\r\n");
    let third = kim.register(&mut registrar, Instant::ORIGIN, "Contact: <sip:c@h>\r\n");
    assert_eq!(third, Reply { status: 503, headers: vec![(Name::RetryAfter, "60".to_owned())] });
    assert_eq!(kim.register(&mut registrar, Instant::ORIGIN, "Contact: <sip:a@h>\r\n").status, 200);
    let lee = phone("b", udp(5061)).request("Contact: <sip:x@h>, <sip:y@h>\r\n");
    assert_eq!(registrar.handle_register(Instant::ORIGIN, "lee", udp(5061), &lee).status, 503);
    assert_eq!(registrar.len(), 2);
}

#[test]
fn a_phone_that_restarts_replaces_its_old_contact() {
    let mut registrar = registrar();
    let instance = "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>\"";
    let first = format!("Contact: <sip:kim@10.0.0.1:1111>;{instance}\r\n");
    phone("a", tcp(1)).register(&mut registrar, Instant::ORIGIN, &first);
    let second = format!("Contact: <sip:kim@10.0.0.1:2222>;{instance}\r\n");
    phone("b", tcp(2)).register(&mut registrar, Instant::ORIGIN, &second);
    let contacts = registrar.contacts("kim");
    assert_eq!(contacts.len(), 1);
    assert_eq!((contacts[0].uri.port(), contacts[0].flow), (Some(2222), tcp(2)));
    registrar.handle_connection_closed(ConnectionId(1));
    assert_eq!(registrar.len(), 1);
}

#[test]
fn contacts_go_with_their_connection_and_with_their_account() {
    let mut registrar = registrar();
    phone("a", tcp(1)).register(&mut registrar, Instant::ORIGIN, "Contact: <sip:a@h>\r\n");
    phone("b", udp(5060)).register(&mut registrar, Instant::ORIGIN, "Contact: <sip:b@h>\r\n");
    registrar.handle_connection_closed(ConnectionId(1));
    registrar.handle_connection_closed(ConnectionId(1));
    assert_eq!(causes(&mut registrar), [(Cause::FlowLost, 1)]);
    registrar.remove_account("kim");
    assert_eq!(causes(&mut registrar), [(Cause::AccountRemoved, 0)]);
    assert_eq!((registrar.len(), registrar.poll_timeout()), (0, None));
}

#[test]
fn the_source_of_the_request_is_kept_for_calls_through_nat() {
    let (mut registrar, mut kim) = (registrar(), phone("a", udp(41_234)));
    kim.register(&mut registrar, Instant::ORIGIN, "Contact: <sip:kim@10.0.0.1>\r\n");
    assert_eq!(registrar.contacts("kim")[0].flow.remote, "198.51.100.7:41234".parse().unwrap());
}

#[test]
fn written_down_and_read_back_it_has_the_same_future() {
    let (mut one, mut kim) = (registrar(), phone("a", tcp(1)));
    kim.register(&mut one, Instant::ORIGIN, "Contact: <sip:a@h>;expires=60, <sip:b@h>;expires=90\r\n");
    let mut two: Registrar = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
    for registrar in [&mut one, &mut two] {
        registrar.handle_timeout(Instant::from_secs(61));
        registrar.handle_connection_closed(ConnectionId(1));
    }
    assert_eq!(events(&mut one), events(&mut two));
}

/// What may happen to a registrar.
#[derive(Clone, Debug)]
enum Happening {
    Register { account: u8, device: u8, expires: u16, connection: u8 },
    RemoveAll { account: u8 },
    Close { connection: u8 },
    Wait { seconds: u16 },
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        (0_u8..3, 0_u8..4, prop_oneof![Just(0), 60_u16..600], 0_u8..3).prop_map(
            |(account, device, expires, connection)| Happening::Register {
                account,
                device,
                expires,
                connection
            }
        ),
        (0_u8..3).prop_map(|account| Happening::RemoveAll { account }),
        (0_u8..3).prop_map(|connection| Happening::Close { connection }),
        (0_u16..400).prop_map(|seconds| Happening::Wait { seconds }),
    ]
}

fn happen(registrar: &mut Registrar, now: &mut Instant, cseq: u32, happening: &Happening) {
    let request = |headers: &str| Phone { call_id: "c", cseq, flow: udp(1) }.request(headers);
    match happening {
        Happening::Register { account, device, expires, connection } => {
            let request = request(&format!("Contact: <sip:{device}@h>;expires={expires}\r\n"));
            let flow = tcp(u64::from(*connection));
            assert_eq!(registrar.handle_register(*now, &account.to_string(), flow, &request).status, 200);
        }
        Happening::RemoveAll { account } => {
            let request = request("Contact: *\r\nExpires: 0\r\n");
            assert_eq!(registrar.handle_register(*now, &account.to_string(), udp(1), &request).status, 200);
        }
        Happening::Close { connection } => {
            registrar.handle_connection_closed(ConnectionId(u64::from(*connection)));
        }
        Happening::Wait { seconds } => {
            *now += Duration::from_secs(u64::from(*seconds));
            registrar.handle_timeout(*now);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn after_any_history_the_events_add_up_and_nothing_is_left_over(
        history in prop::collection::vec(happening(), 0..60),
    ) {
        let mut registrar = registrar();
        let mut now = Instant::ORIGIN;
        let mut there = 0_usize;
        for (step, what) in history.iter().enumerate() {
            happen(&mut registrar, &mut now, u32::try_from(step).unwrap() + 1, what);
            for event in events(&mut registrar) {
                match event {
                    Event::Registered { is_new, .. } => there += usize::from(is_new),
                    Event::Unregistered { .. } => there -= 1,
                }
            }
            let contacts: Vec<Contact> =
                (0..3).flat_map(|account| registrar.contacts(&account.to_string())).collect();
            prop_assert_eq!((contacts.len(), registrar.len()), (there, there));
            // The wheel is at most a tick late.
            let late = Duration::from_millis(2);
            prop_assert!(contacts.iter().all(|contact| contact.expires + late > now));
            let there_by_connection: usize = registrar.connections.values().map(Vec::len).sum();
            prop_assert_eq!((registrar.timers.len(), there_by_connection), (there, there));
        }
        registrar.handle_timeout(now + Duration::from_secs(10_000));
        prop_assert!(registrar.is_empty() && registrar.poll_timeout().is_none());
    }
}

#[test]
fn a_phone_on_this_side_of_nat_is_reached_at_the_port_it_names_and_one_behind_it_by_the_way_it_came() {
    let mut registrar = registrar();
    let reached = |registrar: &Registrar| registrar.contacts("kim")[0].flow.remote.to_string();
    phone("near", udp(40_000)).register(
        &mut registrar,
        Instant::ORIGIN,
        "Contact: <sip:kim@198.51.100.7:5070>\r\n",
    );
    assert_eq!(reached(&registrar), "198.51.100.7:5070");
    registrar.remove_account("kim");
    phone("behind", udp(40_000)).register(
        &mut registrar,
        Instant::ORIGIN,
        "Contact: <sip:kim@10.0.0.7:5070>\r\n",
    );
    assert_eq!(reached(&registrar), "198.51.100.7:40000");
    registrar.remove_account("kim");
    phone("stream", tcp(7)).register(
        &mut registrar,
        Instant::ORIGIN,
        "Contact: <sip:kim@198.51.100.7:5070>\r\n",
    );
    assert_eq!(reached(&registrar), "198.51.100.7:40000");
}
