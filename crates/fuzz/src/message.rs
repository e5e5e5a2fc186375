//! The index over a message, and the cutting of streams into messages.

use bytes::Bytes;
use sip::{Frame, Limits, Message, Name, StreamFramer, compose};
use timing::Instant;

/// One message in a datagram; the same octets on a stream, cut in the middle.
pub(super) fn run(octets: &[u8]) {
    let limits = Limits::default();
    match Message::parse(Bytes::copy_from_slice(octets), &limits) {
        Ok(message) => look_at(&message),
        Err(error) => error.answerable.iter().for_each(|request| answer(request, error.fault.status())),
    }
    let whole = frames(&[octets], limits);
    let (front, back) = octets.split_at(octets.len() / 2);
    assert_eq!(whole, frames(&[front, back], limits), "a stream is the same however it is cut");
    for frame in whole {
        match frame {
            Frame::Message(message) => look_at(&message),
            Frame::Broken(error) | Frame::Fatal(error) => {
                error.answerable.iter().for_each(|request| answer(request, error.fault.status()));
            }
            Frame::Ping => {}
        }
    }
}

fn frames(pieces: &[&[u8]], limits: Limits) -> Vec<Frame> {
    let mut framer = StreamFramer::new(limits);
    pieces.iter().for_each(|piece| framer.handle_input(Instant::ORIGIN, piece));
    framer.handle_timeout(Instant::from_secs(3_600));
    std::iter::from_fn(|| framer.poll_output()).collect()
}

/// Asks for all that anybody asks for, and answers it.
fn look_at(message: &Message) {
    for field in message.headers() {
        // What cannot be read is an error, never a panic.
        let _read = (field.value(), message.number(field.name), message.name_addrs(field.name));
        let _values = message.values(field.name).count();
    }
    let _read = (message.cseq(), message.top_via(), message.contact(), message.body(), message.to_rsip());
    if message.validate().is_ok() && message.is_request() {
        answer(message, 200);
    }
}

/// An answer of ours can be read, and belongs to its request (RFC 3261 §8.2.6.2).
fn answer(request: &Message, status: u16) {
    if !request.is_answerable() {
        return;
    }
    let answer = compose::response_to(request, status).and_then(|answer| answer.to_tag("ours").build());
    let answer = answer.unwrap_or_else(|error| panic!("what can be answered is answered: {error:?}"));
    let read =
        Message::parse(answer.bytes().clone(), &Limits { head_bytes: usize::MAX, ..Limits::default() });
    let read = read.unwrap_or_else(|error| panic!("an answer of ours: {error:?} in {:?}", answer.bytes()));
    assert_eq!((read.status(), read.call_id()), (status, request.call_id()));
    let vias = |message: &Message| message.values(Name::Via).count();
    assert_eq!(vias(&read), vias(request), "every Via goes back");
}
