use super::*;

const CLOCK: u32 = 8_000;

fn header(sequence: u16, timestamp: u32) -> Header {
    Header { ssrc: 1, sequence, timestamp, clock_rate: CLOCK, timed: true }
}

/// Packet `number` sent at `number` * 20 ms, arriving `late_ms` after that.
fn arrive(reception: &mut Reception, number: u16, late_ms: u64) -> Arrival {
    let at = Instant::from_millis(1_000 + u64::from(number) * 20 + late_ms);
    reception.record(at, header(number, u32::from(number) * 160))
}

#[test]
fn an_even_stream_has_no_jitter_whatever_its_delay() {
    let mut reception = Reception::default();
    for number in 0..100 {
        arrive(&mut reception, number, 35);
    }
    assert_eq!((reception.jitter_micros(), reception.lost()), (0, 0));
}

/// RFC 3550 A.8 by hand, in sixteenths of a unit: a packet 9 ms late differs by 72 units from the
/// one before it and from the one after it.
#[test]
fn jitter_is_as_computed_by_hand() {
    let mut reception = Reception::default();
    let mut after = |number, late_ms| {
        arrive(&mut reception, number, late_ms);
        (reception.stream.as_ref().unwrap().jitter, reception.jitter_micros())
    };
    assert_eq!(after(0, 0), (0, 0));
    // 0 + 72 - ((0 + 8) >> 4): 4 whole units of 125 us.
    assert_eq!(after(1, 9), (72, 500));
    // 72 + 72 - ((72 + 8) >> 4)
    assert_eq!(after(2, 0), (139, 1_000));
    // 139 + 0 - ((139 + 8) >> 4)
    assert_eq!(after(3, 0), (130, 1_000));
    assert_eq!(reception.report().unwrap().jitter, 8);
}

#[test]
fn a_senders_clock_that_jumps_does_not_drown_the_figure() {
    let mut reception = Reception::default();
    arrive(&mut reception, 0, 0);
    reception.record(Instant::from_millis(1_020), header(1, 1_000_000));
    reception.record(Instant::from_millis(1_040), header(2, 1_000_160));
    assert_eq!(reception.jitter_micros(), 0);
}

#[test]
fn events_do_not_count_for_jitter() {
    let mut reception = Reception::default();
    arrive(&mut reception, 0, 0);
    for number in 1..20 {
        let at = Instant::from_millis(1_000 + u64::from(number) * 20);
        reception.record(at, Header { timed: false, ..header(number, 160) });
    }
    assert_eq!(reception.jitter_micros(), 0);
}

/// RFC 3550 A.3 by hand: of 100 expected 10 are missing; of the next 50 none, one comes twice.
#[test]
fn loss_is_reported_by_interval_and_in_all() {
    let mut reception = Reception::default();
    for number in (0..100).filter(|number| number % 10 != 5) {
        arrive(&mut reception, number, 0);
    }
    let first = reception.report().unwrap();
    assert_eq!((first.fraction_lost, first.cumulative_lost), (25, 10), "10 * 256 / 100");
    assert_eq!(reception.gaps, 10);
    for number in 100..150 {
        arrive(&mut reception, number, 0);
    }
    arrive(&mut reception, 149, 3);
    let second = reception.report().unwrap();
    assert_eq!((second.fraction_lost, second.cumulative_lost), (0, 9));
    assert_eq!((reception.late, reception.lost()), (1, 9));
}

#[test]
fn extended_numbers_count_the_turns() {
    let mut reception = Reception::default();
    for number in [65_534_u16, 65_535, 0, 1, 65_533] {
        reception.record(Instant::from_secs(1), header(number, 0));
    }
    let block = reception.report().unwrap();
    assert_eq!((block.extended_sequence, block.cumulative_lost), ((1 << 16) + 1, -1));
}

#[test]
fn a_jump_is_believed_with_its_second_packet_and_starts_anew() {
    let mut reception = Reception::default();
    assert_eq!(arrive(&mut reception, 0, 0), Arrival::New);
    assert_eq!(arrive(&mut reception, 1, 0), Arrival::Usual);
    assert_eq!(arrive(&mut reception, 20_000, 0), Arrival::Astray);
    assert_eq!(arrive(&mut reception, 2, 0), Arrival::Usual);
    assert_eq!(arrive(&mut reception, 20_001, 0), Arrival::Astray, "the old numbering went on meanwhile");
    assert_eq!(arrive(&mut reception, 30_000, 0), Arrival::Astray);
    let before = reception.generation();
    assert_eq!(arrive(&mut reception, 30_001, 0), Arrival::New);
    assert_ne!(reception.generation(), before);
    assert_eq!(reception.lost(), 0);
}

#[test]
fn loss_is_kept_over_a_change_of_ssrc() {
    let mut reception = Reception::default();
    arrive(&mut reception, 0, 0);
    arrive(&mut reception, 5, 0);
    assert_eq!(reception.lost(), 4);
    reception.record(Instant::from_secs(9), Header { ssrc: 2, ..header(900, 0) });
    assert_eq!(reception.lost(), 4);
    assert_eq!(reception.report().unwrap().ssrc, 2);
}
