use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use timing::Instant;

use super::*;
use crate::{Limits, Message, Name};

const REALM: &str = "cc.example.com";
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

fn authenticator() -> Authenticator {
    Authenticator::new(AuthenticatorSettings::new(REALM), ChaCha20Rng::seed_from_u64(7))
}

fn request(extra: &str) -> Message {
    let text = format!(
        "REGISTER sip:cc.example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
         From: <sip:kim@cc.example.com>;tag=1\r\nTo: <sip:kim@cc.example.com>\r\nCall-ID: a\r\n\
         CSeq: 1 REGISTER\r\n{extra}Content-Length: 0\r\n\r\n"
    );
    Message::parse(Bytes::from(text), &Limits::default()).unwrap()
}

fn challenged(values: &[String]) -> Message {
    let mut builder = crate::compose::response_to(&request(""), 401).unwrap().to_tag("x");
    for value in values {
        builder = builder.header(Name::WwwAuthenticate, value);
    }
    builder.build().unwrap()
}

fn account(user: &str, password: &str) -> ClientAccount {
    ClientAccount { user: user.into(), secret: Secret::Password(password.into()), realm: None }
}

fn answered(challenges: &[String], user: &str, password: &str, count: u32) -> Message {
    let response = challenged(challenges);
    let answer = answer(&account(user, password), &request(""), &response, "0a4f113b", count).unwrap();
    assert_eq!(answer.name, Name::Authorization);
    request(&format!("Authorization: {}\r\n", answer.value))
}

fn verify(authenticator: &mut Authenticator, now: Instant, request: &Message) -> Verdict {
    let secret = Secret::Password("secret".into());
    authenticator.verify(now, HERE, request, |user| (user == "kim").then_some(&secret))
}

fn stale() -> Verdict {
    Verdict::Stale { user: "kim".into() }
}

fn kim() -> Verdict {
    Verdict::Accepted { user: "kim".into() }
}

/// RFC 7616 §3.9.1, MD5 and SHA-256.
#[test]
fn digests_are_those_of_rfc_7616() {
    let response = |algorithm| {
        let secret = Secret::Password("Circle of Life".into());
        let ha1 = secret.ha1(algorithm, "Mufasa", "http-auth@example.org").unwrap();
        let inputs = Inputs {
            algorithm,
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            qop: Qop::Auth,
            nonce_count: "00000001",
            cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            method: "GET",
            uri: b"/dir/index.html",
            body: b"",
        };
        inputs.response(&ha1)
    };
    assert_eq!(response(Algorithm::Md5), "8ca523f5e9506fed4657c9700eebdbec");
    let sha256 = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
    assert_eq!(response(Algorithm::Sha256), sha256);
}

/// The last one is the HA1 of RFC 2617 §3.5.
#[test]
fn the_hash_joins_its_parts_with_colons() {
    assert_eq!(Algorithm::Md5.hash(&[b""]), "d41d8cd98f00b204e9800998ecf8427e");
    assert_eq!(
        Algorithm::Sha512T256.hash(&[b""]),
        "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a"
    );
    assert_eq!(
        Algorithm::Md5.hash(&[b"Mufasa", b"testrealm@host.com", b"Circle Of Life"]),
        "939e7578ed9e3c518a452acee763bce9"
    );
}

#[test]
fn the_right_secret_is_accepted_in_every_algorithm_offered() {
    for algorithm in [Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha512T256] {
        let settings =
            AuthenticatorSettings { algorithms: vec![algorithm], ..AuthenticatorSettings::new(REALM) };
        let mut authenticator = Authenticator::new(settings, ChaCha20Rng::seed_from_u64(1));
        let challenges = authenticator.challenges(Instant::ORIGIN, HERE, false);
        let request = answered(&challenges, "kim", "secret", 1);
        assert_eq!(verify(&mut authenticator, Instant::ORIGIN, &request), kim(), "{algorithm:?}");
    }
}

#[test]
fn one_challenge_stands_for_each_algorithm_the_strongest_first() {
    let challenges = authenticator().challenges(Instant::ORIGIN, HERE, false);
    assert_eq!(challenges.len(), 2);
    assert!(challenges[0].contains("algorithm=SHA-256"));
    assert!(challenges[1].contains("algorithm=MD5"));
}

#[test]
fn a_stored_hash_serves_instead_of_the_password() {
    let mut authenticator = authenticator();
    let request = answered(&authenticator.challenges(Instant::ORIGIN, HERE, false), "kim", "secret", 1);
    let ha1 = Algorithm::Sha256.hash(&[b"kim", REALM.as_bytes(), b"secret"]);
    let secret = Secret::Ha1(vec![(Algorithm::Sha256, ha1)]);
    assert_eq!(authenticator.verify(Instant::ORIGIN, HERE, &request, |_| Some(&secret)), kim());
}

#[test]
fn unknown_users_and_wrong_secrets_get_the_same_verdict() {
    let mut authenticator = authenticator();
    let challenges = authenticator.challenges(Instant::ORIGIN, HERE, false);
    let wrong = answered(&challenges, "kim", "guess", 1);
    let unknown = answered(&challenges, "nobody", "guess", 1);
    assert_eq!(verify(&mut authenticator, Instant::ORIGIN, &wrong), Verdict::Wrong { user: "kim".into() });
    assert_eq!(
        verify(&mut authenticator, Instant::ORIGIN, &unknown),
        Verdict::Wrong { user: "nobody".into() }
    );
}

#[test]
fn recorded_credentials_are_stale_when_sent_again() {
    let mut authenticator = authenticator();
    let challenges = authenticator.challenges(Instant::ORIGIN, HERE, false);
    let second = answered(&challenges, "kim", "secret", 2);
    assert_eq!(verify(&mut authenticator, Instant::ORIGIN, &second), kim());
    assert_eq!(verify(&mut authenticator, Instant::ORIGIN, &second), stale());
    let first = answered(&challenges, "kim", "secret", 1);
    assert_eq!(verify(&mut authenticator, Instant::ORIGIN, &first), stale());
    let third = answered(&challenges, "kim", "secret", 3);
    assert_eq!(verify(&mut authenticator, Instant::ORIGIN, &third), kim());
}

#[test]
fn a_nonce_ends_with_its_lifetime_and_a_wrong_secret_is_not_told_so() {
    let mut authenticator = authenticator();
    let challenges = authenticator.challenges(Instant::ORIGIN, HERE, false);
    let late = Instant::ORIGIN + Duration::from_secs(300);
    assert_eq!(verify(&mut authenticator, late, &answered(&challenges, "kim", "secret", 1)), stale());
    let guess = answered(&challenges, "kim", "guess", 1);
    assert_eq!(verify(&mut authenticator, late, &guess), Verdict::Wrong { user: "kim".into() });
    assert!(authenticator.challenges(late, HERE, true)[0].ends_with(", stale=true"));
}

#[test]
fn a_forged_nonce_is_stale() {
    let mut ours = authenticator();
    let mut theirs = Authenticator::new(AuthenticatorSettings::new(REALM), ChaCha20Rng::seed_from_u64(8));
    let request = answered(&theirs.challenges(Instant::ORIGIN, HERE, false), "kim", "secret", 1);
    assert_eq!(verify(&mut ours, Instant::ORIGIN, &request), stale());
}

#[test]
fn remembered_nonces_are_bounded_and_a_forgotten_one_cannot_be_replayed() {
    let settings = AuthenticatorSettings { nonces: 2, ..AuthenticatorSettings::new(REALM) };
    let mut authenticator = Authenticator::new(settings, ChaCha20Rng::seed_from_u64(7));
    let requests: Vec<Message> = (0..4)
        .map(|second| {
            answered(&authenticator.challenges(Instant::from_secs(second), HERE, false), "kim", "secret", 1)
        })
        .collect();
    let now = Instant::from_secs(4);
    for request in &requests {
        assert_eq!(verify(&mut authenticator, now, request), kim());
    }
    for request in &requests {
        assert_eq!(verify(&mut authenticator, now, request), stale());
    }
}

#[test]
fn other_schemes_and_other_realms_count_as_no_credentials() {
    let mut authenticator = authenticator();
    let other = "Authorization: NoOneKnowsThisScheme opaque-data=here\r\n";
    assert_eq!(verify(&mut authenticator, Instant::ORIGIN, &request(other)), Verdict::Missing);
    let realm = "Authorization: Digest username=\"kim\", realm=\"x\", nonce=\"n\", uri=\"sip:x\", response=\"00\"\r\n";
    assert_eq!(verify(&mut authenticator, Instant::ORIGIN, &request(realm)), Verdict::Missing);
    assert_eq!(verify(&mut authenticator, Instant::ORIGIN, &request("")), Verdict::Missing);
}

#[test]
fn the_same_future_follows_after_writing_down_and_reading_back() {
    let mut one = authenticator();
    let used = answered(&one.challenges(Instant::ORIGIN, HERE, false), "kim", "secret", 1);
    assert_eq!(verify(&mut one, Instant::ORIGIN, &used), kim());
    let mut two: Authenticator = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
    assert_eq!(verify(&mut two, Instant::ORIGIN, &used), stale());
    assert_eq!(one.challenges(Instant::ORIGIN, HERE, false), two.challenges(Instant::ORIGIN, HERE, false));
}

#[test]
fn a_trunk_is_answered_only_for_its_realm_and_only_once() {
    let response = challenged(&["Digest realm=\"elsewhere\", nonce=\"n\", algorithm=MD5".to_owned()]);
    let pinned = ClientAccount { realm: Some(REALM.into()), ..account("kim", "secret") };
    assert_eq!(answer(&pinned, &request(""), &response, "c", 1), Err(Refusal::OtherRealm));
    let first = answer(&account("kim", "secret"), &request(""), &response, "c", 1).unwrap();
    assert!(!first.value.contains("qop"));
    let again = request(&format!("Authorization: {}\r\n", first.value));
    assert_eq!(answer(&account("kim", "secret"), &again, &response, "c", 1), Err(Refusal::Rejected));
    let stale = challenged(&["Digest realm=\"elsewhere\", nonce=\"m\", stale=TRUE".to_owned()]);
    assert!(answer(&account("kim", "secret"), &again, &stale, "c", 1).is_ok());
}

#[test]
fn a_challenge_that_we_do_not_know_is_passed_over() {
    let lines = [
        "Basic realm=\"cc.example.com\"".to_owned(),
        "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-1024".to_owned(),
        "Digest realm=\"r,s\", nonce=\"n\", qop=\"auth-int\", opaque=\"o\", Digest realm=\"t\", nonce=\"u\""
            .to_owned(),
    ];
    let answer = answer(&account("kim", "secret"), &request(""), &challenged(&lines), "c", 1).unwrap();
    assert!(answer.value.contains("realm=\"r,s\""));
    assert!(answer.value.contains("qop=auth-int, cnonce=\"c\", nc=00000001, opaque=\"o\""));
    let unknown = challenged(&lines[1..2]);
    assert_eq!(super::answer(&account("k", "s"), &request(""), &unknown, "c", 1), Err(Refusal::Unsupported));
}

#[test]
fn secrets_are_never_printed() {
    let debug = format!("{:?} {:?}", account("kim", "hunter2"), Secret::Password("hunter2".into()));
    assert!(debug.contains("kim") && !debug.contains("hunter2"), "{debug}");
}

fn source(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_source_that_keeps_failing_waits_longer_each_time_and_is_forgiven_by_success() {
    let mut backoff = Backoff::new(BackoffSettings::default());
    let guesser = source("192.0.2.9");
    let mut now = Instant::ORIGIN;
    for _ in 0..5 {
        backoff.note_failure(now, guesser, "kim");
        assert_eq!(backoff.pause_of(now, guesser, "kim"), None);
    }
    backoff.note_failure(now, guesser, "kim");
    assert_eq!(backoff.pause_of(now, guesser, "kim"), Some(Duration::from_secs(4)));
    now += Duration::from_secs(4);
    assert_eq!(backoff.pause_of(now, guesser, "kim"), None);
    backoff.note_failure(now, guesser, "kim");
    assert_eq!(backoff.pause_of(now, guesser, "kim"), Some(Duration::from_secs(8)));
    assert_eq!(backoff.pause_of(now, source("192.0.2.10"), "kim"), None);
    backoff.note_success(guesser, "kim");
    assert_eq!(backoff.pause_of(now, guesser, "kim"), None);
    for _ in 0..5 {
        backoff.note_failure(now, guesser, "kim");
        assert_eq!(backoff.pause_of(now, guesser, "kim"), None);
    }
}

#[test]
fn one_phone_with_a_wrong_password_does_not_lock_its_office_out_and_many_names_do() {
    let mut backoff = Backoff::new(BackoffSettings::default());
    let office = source("192.0.2.9");
    let mut now = Instant::ORIGIN;
    for _ in 0..100 {
        now += Duration::from_secs(30);
        backoff.note_failure(now, office, "broken");
        assert!(backoff.pause_of(now, office, "broken").is_none_or(|pause| pause.as_secs() <= 300));
        assert_eq!(backoff.pause_of(now, office, "kim"), None);
        // Another phone of the same user knows the password.
        backoff.note_success(office, "broken");
    }
    for number in 0..=20 {
        backoff.note_failure(now, office, &format!("guess-{number}"));
    }
    assert_eq!(backoff.pause_of(now, office, "kim"), Some(Duration::from_secs(4)));
    assert_eq!(backoff.pause_of(now, source("192.0.2.8"), "kim"), None);
}

#[test]
fn sources_are_bounded_forgotten_and_counted_by_ipv6_network() {
    let mut backoff = Backoff::new(BackoffSettings { sources: 3, ..BackoffSettings::default() });
    for host in 1..=9 {
        backoff.note_failure(
            Instant::from_secs(host),
            source(&format!("192.0.2.{host}")),
            &"x".repeat(9_999),
        );
    }
    assert_eq!(backoff.len(), 3);
    backoff.note_failure(Instant::from_secs(2_000), source("2001:db8::1"), "kim");
    backoff.note_failure(Instant::from_secs(2_000), source("2001:db8::ffff:2"), "kim");
    // A user, and the network that it failed from.
    assert_eq!(backoff.len(), 2);
}

#[test]
fn a_nonce_serves_only_the_source_that_it_was_issued_to() {
    let mut authenticator = authenticator();
    let challenges = authenticator.challenges(Instant::ORIGIN, HERE, false);
    let (right, wrong) =
        (answered(&challenges, "kim", "secret", 1), answered(&challenges, "kim", "guess", 1));
    let elsewhere = "192.0.2.2".parse().unwrap();
    let secret = Secret::Password("secret".into());
    for request in [&right, &wrong] {
        let verdict = authenticator.verify(Instant::ORIGIN, elsewhere, request, |_| Some(&secret));
        assert_eq!(verdict, stale());
    }
    let mapped = "::ffff:192.0.2.1".parse().unwrap();
    assert_eq!(authenticator.verify(Instant::ORIGIN, mapped, &right, |_| Some(&secret)), kim());
}
