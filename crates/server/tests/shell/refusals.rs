use std::net::UdpSocket;

use server::config::Config;
use server::shell::Running;

use super::support::*;

/// Only 127.0.0.1 is a trunk; the agent registers.
fn guarded() -> Config {
    let mut config = unstaffed("");
    let narrow = read(
        "[sip]\ndomain = \"cc.example.com\"\n[media]\naddress = \"127.0.0.1\"\n\
         [[trunk]]\nname = \"pbx\"\nfrom = [\"127.0.0.1\"]\n",
    );
    config.trunks = narrow.trunks;
    config
}

/// A telephone at an address that is no trunk's.
fn stranger(name: &'static str, running: &Running) -> Phone {
    let socket = UdpSocket::bind("127.0.0.2:0").expect("all of 127.0.0.0/8 is ours");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    Phone { line: Line::Udp(socket, udp(running)), name }
}

/// The sum of all series of a name that carry this text in their labels.
fn sum(page: &str, name: &str, label: &str) -> f64 {
    page.lines()
        .filter(|line| {
            let series = line.rsplit_once(' ').map_or("", |(series, _)| series);
            series.split('{').next() == Some(name) && series.contains(label)
        })
        .map(|line| line.rsplit_once(' ').expect("a value").1.parse::<f64>().expect("a number"))
        .sum()
}

/// Both equations of docs/metrics.md, once the threads agree.
fn the_sums_hold(running: &Running) -> String {
    eventually("arrived = offered + refused, offered = left + waiting", || {
        let page = fetch(running, "/metrics").body;
        let value = |name| sum(&page, name, "");
        let again = value("cordboard_flow_ins_total") + value("cordboard_returns_total");
        let entered = value("cordboard_interactions_offered_total") - again;
        let arrived = value("cordboard_calls_arrived_total");
        let is_whole = arrived == entered + value("cordboard_calls_refused_total");
        let left = value("cordboard_interactions_total") + value("cordboard_waiting");
        (is_whole && arrived > 0.0 && value("cordboard_interactions_offered_total") == left).then_some(page)
    })
}

/// The figures once this many calls have arrived: a page that the threads were too busy to renew is older.
fn counted(running: &Running, arrived: f64) -> String {
    eventually("every call is counted", || {
        let page = the_sums_hold(running);
        (sum(&page, "cordboard_calls_arrived_total", "") == arrived).then_some(page)
    })
}

/// The REGISTER of an agent, with further lines.
fn register(phone: &Phone, sequence: u32, more: &str) -> String {
    let address = phone.address();
    format!(
        "REGISTER sip:cc.example.com SIP/2.0\r\nVia: SIP/2.0/UDP {address};rport;branch=z9hG4bK-r{sequence}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:kim@cc.example.com>;tag=r\r\nTo: <sip:kim@cc.example.com>\r\n\
         Call-ID: register@test\r\nCSeq: {sequence} REGISTER\r\nContact: <sip:kim@{address}>\r\n{more}\
         User-Agent: a telephone that somebody has set up in a hurry, with a wrong password\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

#[test]
fn every_call_is_either_offered_or_refused_whatever_it_is_refused_for() {
    let mut config = guarded();
    config.sip.limits.calls_max = 2;
    let running = start(config);
    let mut caller = Phone::udp("01012345678", udp(&running));
    let mut refuse =
        |running: &Running, from: Option<&str>, number: &str, call: &str, status: &str, odd: bool| {
            let invite = caller.request("INVITE", number, call);
            let invite = if odd { invite.replace("m=audio", "x=audio") } else { invite };
            match from {
                None => {
                    caller.send(&invite);
                    caller.expect(status);
                }
                Some(_) => {
                    let mut stranger = stranger("mallory", running);
                    let invite = stranger.request("INVITE", number, call);
                    stranger.send(&invite);
                    stranger.expect(status);
                }
            }
        };
    refuse(&running, None, "999", "unknown", "404", false);
    refuse(&running, Some("127.0.0.2"), "15881000", "stranger", "403", false);
    refuse(&running, None, "15881000", "odd", "488", true);
    let mut waiting: Vec<Phone> = ["one", "two"].map(|_| Phone::udp("01087654321", udp(&running))).into();
    let answers = [waiting[0].call("15881000", "one"), waiting[1].call("15881000", "two")];
    refuse(&running, None, "15881000", "full", "503", false);
    refuse(&running, None, "15881000", "full-too", "503", false);
    let page = counted(&running, 7.0);
    let refused = |cause: &str| sum(&page, "cordboard_calls_refused_total", &format!("cause=\"{cause}\""));
    let causes = ["unknown_number", "unknown_source", "nothing_to_relay", "calls", "draining"];
    assert_eq!(causes.map(refused), [1.0, 1.0, 1.0, 2.0, 0.0]);
    assert_eq!(sum(&page, "cordboard_waiting", ""), 2.0);
    for (phone, answer) in waiting.iter_mut().zip(&answers) {
        let bye = phone.inside(answer, "BYE", 2);
        phone.send(&bye);
        phone.expect("200");
    }
    eventually("there is room for calls again", || (running.calls() == 0).then_some(()));
    running.drain();
    refuse(&running, None, "15881000", "late", "503", false);
    let page = counted(&running, 8.0);
    assert_eq!(sum(&page, "cordboard_calls_refused_total", "cause=\"draining\""), 1.0);
    assert_eq!(sum(&page, "cordboard_interactions_total", "abandoned"), 2.0);
    running.shut_down();
}

#[test]
fn wrong_passwords_and_what_may_not_be_answered_are_counted_and_name_nobody() {
    let mut config = guarded();
    config.sip.registrar.failures_max = 1;
    let running = start(config);
    let mut phone = stranger("kim", &running);
    let first = register(&phone, 1, "");
    phone.send(&first);
    let challenge = phone.expect("401");
    let nonce = challenge.header("WWW-Authenticate").split("nonce=\"").nth(1).expect("a nonce");
    let nonce = nonce.split('"').next().expect("its end").to_owned();
    for (sequence, status) in [(2, "401"), (3, "401"), (4, "503"), (5, "503")] {
        let credentials = format!(
            "Authorization: Digest username=\"kim\", realm=\"cc.example.com\", nonce=\"{nonce}\", \
             uri=\"sip:cc.example.com\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"0a4f113b\", \
             response=\"{sequence:032x}\"\r\n"
        );
        let again = register(&phone, sequence, &credentials);
        phone.send(&again);
        phone.expect(status);
    }
    phone.send("this is not SIP");
    let page = eventually("what was dropped", || {
        let page = fetch(&running, "/metrics").body;
        (sum(&page, "cordboard_sip_messages_dropped_total", "malformed") == 1.0).then_some(page)
    });
    let refused = |cause: &str| {
        let labels = ["request=\"registration\"".to_owned(), format!("cause=\"{cause}\"")];
        let mut lines = page.lines().filter(|line| line.starts_with("cordboard_sip_requests_refused_total"));
        let line = lines.find(|line| labels.iter().all(|label| line.contains(label)));
        line.and_then(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
    };
    assert_eq!(["wrong_password", "back_off", "malformed"].map(refused), [Some(2.0), Some(2.0), Some(0.0)]);
    assert_eq!(sum(&page, "cordboard_sip_challenges_total", "request=\"other\""), 1.0);
    assert_eq!(sum(&page, "cordboard_calls_arrived_total", ""), 0.0);
    assert!(!page.contains("kim"), "no name in a metric");
    running.shut_down();
}
