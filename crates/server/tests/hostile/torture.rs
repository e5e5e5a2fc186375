//! The messages of RFC 4475 and RFC 5118 over real sockets: each gets the answer that
//! `crates/sip/tests/data/answers.txt` has for it, and whoever comes next is served.

use std::path::PathBuf;

use crate::centre::{Centre, before_the_next, send, trunk_phone, trunk_stream};
use crate::phone::Message;

/// A row of the table.
struct Row {
    name: String,
    datagram: Vec<String>,
    stream: Vec<String>,
}

fn messages() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sip/tests/data")
}

fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(messages().join("answers.txt")).expect("the table is there");
    let rows: Vec<Row> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, rest) = line.split_once(' ').expect("a name and its answers");
            let (datagram, stream) = rest.trim().split_once(' ').expect("datagram and stream");
            let datagram: Vec<String> = datagram.split('|').map(str::to_owned).collect();
            let stream = match stream.trim() {
                "=" => datagram.clone(),
                other => vec![other.to_owned()],
            };
            Row { name: name.to_owned(), datagram, stream }
        })
        .collect();
    assert_eq!(rows.len(), 49 + 12, "a row for each message");
    rows
}

fn octets(name: &str) -> Vec<u8> {
    std::fs::read(messages().join(format!("{name}.dat"))).expect("the message is there")
}

/// The port that the first Via of a message names: where its answer goes (RFC 3261 §18.2.2).
fn via_port(name: &str) -> u16 {
    match name {
        "rfc4475/bext01" => 5061,
        "rfc4475/mpart01" => 5070,
        "rfc4475/quotbal" => 5050,
        "rfc5118/mult-ip-in-header" => 6050,
        "rfc5118/ipv4-mapped-ipv6" => 19_823,
        _ => 5060,
    }
}

fn first(answers: &[Message]) -> String {
    answers
        .first()
        .map_or_else(|| "silence".to_owned(), |answer| answer.status().expect("a response").to_string())
}

#[test]
fn every_torture_message_in_a_datagram_is_answered_as_it_must_be_and_does_no_harm() {
    let mut centre = Centre::start("torture_datagrams", "");
    let mut wrong = Vec::new();
    for (number, row) in rows().iter().enumerate() {
        let mut phone = trunk_phone(&centre, via_port(&row.name));
        let (answers, next) = before_the_next(&mut phone, &octets(&row.name), &format!("next-{number}"));
        assert_eq!(next.and_then(|next| next.status()), Some(200), "{}", row.name);
        if !row.datagram.contains(&first(&answers)) {
            wrong.push(format!("{}: {} is not among {:?}", row.name, first(&answers), row.datagram));
        }
        centre.is_alive(&row.name);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_torture_message_on_a_stream_is_answered_as_it_must_be_and_does_no_harm() {
    let mut centre = Centre::start("torture_streams", "");
    let mut wrong = Vec::new();
    for (number, row) in rows().iter().enumerate() {
        let mut phone = trunk_stream(&centre);
        println!("{}", row.name);
        let is_cut_wrongly = row.stream[0].ends_with("goes astray");
        let said = if row.stream == ["waits"] {
            send(&mut phone, &octets(&row.name));
            "waits".to_owned()
        } else if is_cut_wrongly {
            send(&mut phone, &octets(&row.name));
            let answer = phone.receive().expect("the stream goes on");
            format!("{} goes astray", first(&[answer]))
        } else {
            let (answers, next) = before_the_next(&mut phone, &octets(&row.name), &format!("next-{number}"));
            match next {
                Some(next) => {
                    assert_eq!(next.status(), Some(200), "{}", row.name);
                    first(&answers)
                }
                None => format!("{} closed", first(&answers)),
            }
        };
        if !row.stream.contains(&said) {
            wrong.push(format!("{}: {said} is not among {:?}", row.name, row.stream));
        }
        centre.takes_streams(&row.name);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
