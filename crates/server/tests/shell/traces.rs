//! Spans of calls at a collector, decoded by OpenTelemetry's own messages.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use sha2::{Digest, Sha256};

use super::support::*;

/// What a collector was sent: the head of the request and what it says.
struct Received {
    head: String,
    request: ExportTraceServiceRequest,
}

/// A collector that answers every request with this status.
fn collector(status: &'static str) -> (SocketAddr, mpsc::Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let (sender, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream.try_clone().expect("a socket that is open"));
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert!(reader.read_line(&mut head).expect("a head") > 0, "{head}");
            }
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.expect("a length").parse().expect("a number")];
            reader.read_exact(&mut body).expect("a body");
            let request = ExportTraceServiceRequest::decode(body.as_slice()).expect("OTLP");
            let mut stream = stream;
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").expect("whoever asks reads");
            if sender.send(Received { head, request }).is_err() {
                return;
            }
        }
    });
    (address, received)
}

/// The lines of a centre whose calls are told to a collector.
fn told_to(collector: SocketAddr) -> String {
    format!("[otlp]\nendpoint = \"http://{collector}\"\nservice = \"cc-1\"\n")
}

fn of<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span {name}: {spans:#?}"))
}

fn attribute(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{key} is {other:?} in {span:#?}"),
    }
}

#[test]
fn a_call_s_wait_ring_and_talk_are_spans_of_one_trace_that_its_call_id_names() {
    let (address, received) = collector("200 OK");
    let mut agent = Phone::udp("kim", nobody());
    let running = start(configuration(agent.address(), &told_to(address)));
    let mut caller = Phone::udp("01012345678", udp(&running));
    let answer = caller.call("15881000", "traced");
    let invite = agent.expect("INVITE");
    agent.send(&response(&invite, "200 OK", agent.address(), "udp", &sdp()));
    agent.expect("ACK");
    eventually("they talk", || {
        let metrics = fetch(&running, "/metrics").body;
        metrics.contains("cordboard_handling{queue=\"billing\"} 1").then_some(())
    });
    let bye = caller.inside(&answer, "BYE", 2);
    caller.send(&bye);
    caller.expect("200");
    let ended = agent.expect("BYE");
    agent.send(&response(&ended, "200 OK", agent.address(), "udp", ""));

    let Received { head, request } = received.recv_timeout(PATIENCE).expect("the collector is told");
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/x-protobuf\r\n"), "{head}");
    let resource = &request.resource_spans[0];
    let service = &resource.resource.as_ref().expect("a resource").attributes[0];
    assert_eq!(service.key, "service.name");
    assert_eq!(
        service.value.as_ref().and_then(|value| value.value.clone()),
        Some(Value::StringValue("cc-1".into()))
    );
    let spans = &resource.scope_spans[0].spans;
    let (call, wait, ring, talk) =
        (of(spans, "call"), of(spans, "wait"), of(spans, "ring"), of(spans, "talk"));
    let call_id = attribute(call, "cordboard.call_id");
    assert_eq!(call_id, answer.header("Call-ID"));
    assert_eq!(call.trace_id, Sha256::digest(call_id.as_bytes())[..16]);
    assert!(call.parent_span_id.is_empty());
    for part in [wait, ring, talk] {
        assert_eq!((&part.trace_id, &part.parent_span_id), (&call.trace_id, &call.span_id), "{}", part.name);
        assert_ne!(part.span_id, call.span_id);
        assert!(call.start_time_unix_nano <= part.start_time_unix_nano, "{}", part.name);
        assert!(part.start_time_unix_nano <= part.end_time_unix_nano, "{}", part.name);
        assert!(part.end_time_unix_nano <= call.end_time_unix_nano, "{}", part.name);
    }
    assert_eq!(wait.end_time_unix_nano, talk.start_time_unix_nano, "the wait ends with the answer");
    assert_eq!(attribute(wait, "cordboard.queue"), "billing");
    assert_eq!(attribute(ring, "cordboard.agent"), "kim");
    assert_eq!(attribute(ring, "cordboard.result"), "answered");
    assert_eq!(attribute(call, "cordboard.outcome"), "answered");
    assert_eq!(attribute(call, "cordboard.caller"), "0101234****", "as in the log");
    eventually("it counts as exported", || {
        let metrics = fetch(&running, "/metrics").body;
        metrics.contains("cordboard_traces_total{outcome=\"exported\"} 1").then_some(())
    });
    running.shut_down();
}

/// One caller comes and gives up, and the trace of that call is dropped.
fn dropped(collector: SocketAddr) {
    let running = start(unstaffed(&told_to(collector)));
    let mut caller = Phone::udp("01012345678", udp(&running));
    let answer = caller.call("15881000", "dropped");
    let bye = caller.inside(&answer, "BYE", 2);
    caller.send(&bye);
    caller.expect("200");
    eventually("it counts as dropped", || {
        let metrics = fetch(&running, "/metrics").body;
        metrics.contains("cordboard_traces_total{outcome=\"dropped\"} 1").then_some(())
    });
    running.shut_down();
}

#[test]
fn what_a_collector_refuses_or_nobody_takes_is_dropped_and_counted() {
    let (address, _received) = collector("503 Service Unavailable");
    dropped(address);
    dropped(nobody());
}
