use super::*;

fn locator(uri: &str) -> Locator {
    Locator::new(LocateSettings::default(), &uri.parse().unwrap(), 1)
}

/// Answers every question from `zone` and gives the questions and the outcome.
fn settle(mut locator: Locator, zone: impl Fn(&Question) -> Option<Records>) -> (Vec<Question>, Outcome) {
    let mut asked = Vec::new();
    while let Some(question) = locator.poll_output() {
        let nothing = match &question {
            Question::Naptr(_) => Records::Naptr(Vec::new()),
            Question::Srv(_) => Records::Srv(Vec::new()),
            Question::A(_) => Records::A(Vec::new()),
            Question::Aaaa(_) => Records::Aaaa(Vec::new()),
        };
        locator.handle_input(&question, Ok(zone(&question).unwrap_or(nothing)));
        asked.push(question);
    }
    (asked, locator.outcome().clone())
}

fn target(protocol: Protocol, address: &str) -> Target {
    Target { protocol, address: address.parse().unwrap() }
}

fn found(outcome: Outcome) -> Vec<Target> {
    let Outcome::Found(targets) = outcome else { panic!("{outcome:?}") };
    targets
}

fn srv(priority: u16, weight: u16, port: u16, target: &str) -> Srv {
    Srv { priority, weight, port, target: target.into() }
}

fn naptr(order: u16, service: &str, replacement: &str) -> Naptr {
    Naptr {
        order,
        preference: 50,
        flags: "s".into(),
        service: service.into(),
        replacement: replacement.into(),
    }
}

fn a(last: u8) -> Option<Records> {
    Some(Records::A(vec![Ipv4Addr::new(192, 0, 2, last)]))
}

#[test]
fn a_numeric_host_is_found_without_questions() {
    for (uri, protocol, address) in [
        ("sip:kim@192.0.2.1", Protocol::Udp, "192.0.2.1:5060"),
        ("sip:[2001:db8::1]:5070", Protocol::Udp, "[2001:db8::1]:5070"),
        ("sip:192.0.2.1;transport=TCP", Protocol::Tcp, "192.0.2.1:5060"),
        ("sip:example.com:5080;maddr=192.0.2.7", Protocol::Udp, "192.0.2.7:5080"),
    ] {
        let (asked, outcome) = settle(locator(uri), |_| None);
        assert_eq!((asked, found(outcome)), (Vec::new(), vec![target(protocol, address)]), "{uri}");
    }
}

#[test]
fn a_name_with_a_port_is_looked_up_directly() {
    let (asked, outcome) = settle(locator("sip:Host.Example.com:5070"), |question| match question {
        Question::A(_) => a(1),
        Question::Aaaa(_) => Some(Records::Aaaa(vec!["2001:db8::1".parse().unwrap()])),
        Question::Naptr(_) | Question::Srv(_) => None,
    });
    assert_eq!(asked, [Question::Aaaa("host.example.com".into()), Question::A("host.example.com".into())]);
    let expected = [target(Protocol::Udp, "[2001:db8::1]:5070"), target(Protocol::Udp, "192.0.2.1:5070")];
    assert_eq!(found(outcome), expected);
}

#[test]
fn naptr_says_which_transport_the_domain_prefers() {
    let (asked, outcome) = settle(locator("sip:example.com"), |question| match question {
        Question::Naptr(_) => Some(Records::Naptr(vec![
            naptr(90, "SIP+D2U", "_sip._udp.example.com"),
            naptr(50, "SIP+D2T", "_SIP._tcp.Example.com."),
            naptr(10, "SIPS+D2T", "_sips._tcp.example.com"),
        ])),
        Question::Srv(name) if name == "_sip._tcp.example.com" => {
            Some(Records::Srv(vec![srv(0, 0, 5080, "t.example.com")]))
        }
        Question::Srv(_) => Some(Records::Srv(vec![srv(0, 0, 5060, "u.example.com.")])),
        Question::A(name) => a(if name == "t.example.com" { 1 } else { 2 }),
        Question::Aaaa(_) => None,
    });
    assert_eq!(asked[0], Question::Naptr("example.com".into()));
    assert!(!asked.contains(&Question::Srv("_sips._tcp.example.com".into())));
    assert_eq!(
        found(outcome),
        [target(Protocol::Tcp, "192.0.2.1:5080"), target(Protocol::Udp, "192.0.2.2:5060")]
    );
}

#[test]
fn without_naptr_each_of_our_transports_is_asked_for() {
    let (asked, outcome) = settle(locator("sip:example.com"), |question| match question {
        Question::Srv(name) if name.starts_with("_sip._tcp") => {
            Some(Records::Srv(vec![srv(1, 1, 5099, "h.example.com")]))
        }
        Question::A(_) => a(1),
        Question::Naptr(_) | Question::Srv(_) | Question::Aaaa(_) => None,
    });
    assert_eq!(
        asked[1..3],
        [Question::Srv("_sip._udp.example.com".into()), Question::Srv("_sip._tcp.example.com".into())]
    );
    assert_eq!(found(outcome), [target(Protocol::Tcp, "192.0.2.1:5099")]);
}

#[test]
fn without_srv_the_domain_itself_is_the_host() {
    for (uri, protocol) in
        [("sip:example.com", Protocol::Udp), ("sip:example.com;transport=tcp", Protocol::Tcp)]
    {
        let (_, outcome) = settle(locator(uri), |question| match question {
            Question::A(name) if name == "example.com" => a(9),
            Question::A(_) | Question::Naptr(_) | Question::Srv(_) | Question::Aaaa(_) => None,
        });
        assert_eq!(found(outcome), [target(protocol, "192.0.2.9:5060")]);
    }
}

#[test]
fn lower_priorities_come_first_and_weights_share_the_load() {
    let zone = |question: &Question| match question {
        Question::Srv(_) => Some(Records::Srv(vec![
            srv(20, 0, 5063, "c.example.com"),
            srv(10, 90, 5061, "a.example.com"),
            srv(10, 10, 5062, "b.example.com"),
            srv(5, 0, 5064, "."),
        ])),
        Question::A(_) => a(1),
        Question::Naptr(_) | Question::Aaaa(_) => None,
    };
    let uri: Uri = "sip:example.com;transport=udp".parse().unwrap();
    let mut first_is_a = 0;
    for seed in 0..1_000 {
        let (_, outcome) = settle(Locator::new(LocateSettings::default(), &uri, seed), zone);
        let ports: Vec<u16> = found(outcome).iter().map(|target| target.address.port()).collect();
        assert!(ports == [5061, 5062, 5063] || ports == [5062, 5061, 5063], "{ports:?}");
        first_is_a += u32::from(ports[0] == 5061);
    }
    assert!((850..950).contains(&first_is_a), "{first_is_a}");
}

#[test]
fn what_cannot_be_reached_says_why() {
    for (uri, failure) in [
        ("tel:+15551234", Failure::NotSip),
        ("sips:example.com", Failure::NoTransport),
        ("sip:192.0.2.1;transport=tls", Failure::NoTransport),
        ("sip:nowhere.example.com", Failure::NotFound),
    ] {
        let (_, outcome) = settle(locator(uri), |_| None);
        assert_eq!(outcome, Outcome::Failed(failure), "{uri}");
    }
    let mut locator = locator("sip:example.com:5060");
    while let Some(question) = locator.poll_output() {
        locator.handle_input(&question, Err(ResolverFailed));
    }
    assert_eq!(locator.outcome(), &Outcome::Failed(Failure::Resolver));
}

#[test]
fn a_resolver_that_fails_on_naptr_does_not_stop_the_search() {
    let mut locator = locator("sip:example.com");
    while let Some(question) = locator.poll_output() {
        let answer = match &question {
            Question::A(_) => Ok(Records::A(vec![Ipv4Addr::LOCALHOST])),
            Question::Naptr(_) | Question::Srv(_) | Question::Aaaa(_) => Err(ResolverFailed),
        };
        locator.handle_input(&question, answer);
    }
    assert_eq!(locator.outcome(), &Outcome::Found(vec![target(Protocol::Udp, "127.0.0.1:5060")]));
}

#[test]
fn a_hostile_zone_is_followed_only_so_far() {
    let (asked, outcome) = settle(locator("sip:example.com;transport=udp"), |question| match question {
        Question::Srv(_) => Some(Records::Srv(
            (0..1_000).map(|host| srv(0, host, 5060, &format!("h{host}.example.com"))).collect(),
        )),
        Question::A(_) => Some(Records::A((0..200).map(|last| Ipv4Addr::new(192, 0, 2, last)).collect())),
        Question::Naptr(_) | Question::Aaaa(_) => None,
    });
    assert_eq!(asked.len(), 1 + 2 * 8);
    assert_eq!(found(outcome).len(), 16);
}

#[test]
fn answers_to_questions_never_asked_are_ignored() {
    let mut locator = locator("sip:example.com:5060");
    locator.handle_input(&Question::A("example.com".into()), Ok(Records::A(vec![Ipv4Addr::LOCALHOST])));
    assert_eq!(locator.outcome(), &Outcome::Asking);
    let question = locator.poll_output().unwrap();
    locator.handle_input(&question, Ok(Records::Srv(vec![srv(0, 0, 1, "x")])));
    assert_eq!(locator.outcome(), &Outcome::Asking);
}
