use super::*;

#[test]
fn session_expires_says_how_long_and_who_refreshes() {
    let read = |text: &str| SessionExpires::parse(text.as_bytes());
    assert_eq!(read("1800"), Ok(SessionExpires { seconds: 1_800, refresher: None }));
    let both = read("90 ; Refresher=UAS;x").unwrap();
    assert_eq!((both.refresher, both.to_string().as_str()), (Some(Refresher::Uas), "90;refresher=uas"));
    for text in ["", "x", "-1", "4294967296", "90;refresher=me", "90;refresher"] {
        let is_open = text == "90;refresher";
        assert_eq!(read(text).is_ok(), is_open, "{text:?}");
    }
}

#[test]
fn a_reason_carries_cause_and_text() {
    let reason: Reason = "Q.850 ;cause=16 ;text=\"Terminated; \\\"ok\\\"\"".parse().unwrap();
    assert_eq!(reason, Reason::q850(16, "Terminated; \"ok\""));
    assert_eq!(reason.to_string(), "Q.850;cause=16;text=\"Terminated; \\\"ok\\\"\"");
    assert_eq!(Reason::parse(b"SIP"), Ok(Reason { protocol: "SIP".into(), cause: None, text: None }));
    assert!(Reason::parse(b";cause=1").is_err() && Reason::parse(b"SIP;cause=x").is_err());
    let elsewhere = Reason::sip(200, "Call completed elsewhere");
    assert_eq!(elsewhere.to_string().parse(), Ok(elsewhere));
}

#[test]
fn replaces_needs_both_tags() {
    let replaces: Replaces = "a84b@h ;to-tag=1;from-tag=2;early-only".parse().unwrap();
    assert_eq!(replaces.to_string(), "a84b@h;to-tag=1;from-tag=2;early-only");
    assert!(Replaces::parse(b"a84b@h;to-tag=1").is_err());
    assert!(Replaces::parse(b";to-tag=1;from-tag=2").is_err());
    let from_uri = unescape("a84b%40h%3Bto-tag%3D1%3Bfrom-tag%3D2");
    assert_eq!(Replaces::parse(&from_uri).unwrap().call_id, "a84b@h");
}

#[test]
fn rack_names_a_response() {
    let rack = RAck::parse(b"776656  1 INVITE").unwrap();
    assert_eq!(
        (rack.rseq, rack.cseq, rack.method.clone(), rack.to_string().as_str()),
        (776_656, 1, Method::Invite, "776656 1 INVITE")
    );
    assert!(RAck::parse(b"1 INVITE").is_err() && RAck::parse(b"1 2 INVITE x").is_err());
}

#[test]
fn a_diversion_says_who_why_and_how_often() {
    let diversion =
        Diversion::parse(b"\"Kim\" <tel:+15551234>;reason=user-busy;counter=3;privacy=off;x=\"y\"").unwrap();
    assert_eq!((diversion.reason.as_deref(), diversion.counter), (Some("user-busy"), 3));
    assert_eq!(
        Diversion::parse(b"<sip:a@h>;reason=\"no-answer\"").unwrap().reason.as_deref(),
        Some("no-answer")
    );
    assert_eq!(Diversion::parse(b"<sip:a@h>").unwrap().counter, 1);
    assert_eq!(Diversion::parse(diversion.to_string().as_bytes()), Ok(diversion));
}

#[test]
fn history_says_the_station_its_place_and_why_the_call_left_it() {
    let entry =
        HistoryEntry::parse(b"<sip:kim@h?Reason=SIP%3Bcause%3D302%3Btext%3D%22Moved%22>;index=1.12;mp=1")
            .unwrap();
    assert_eq!((entry.index.as_slice(), &entry.reason), (&[1, 12][..], &Some(Reason::sip(302, "Moved"))));
    assert_eq!(HistoryEntry::parse(entry.to_string().as_bytes()), Ok(entry));
    assert!(
        HistoryEntry::parse(b"<sip:a@h>").is_err() && HistoryEntry::parse(b"<sip:a@h>;index=1.x").is_err()
    );
}
