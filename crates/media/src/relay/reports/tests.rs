use super::*;

#[test]
fn time_is_split_into_seconds_and_their_binary_fraction() {
    assert_eq!(ntp(Instant::from_micros(2_500_000)), (2 << 32) | (1 << 31));
    assert_eq!(short(Duration::from_millis(1_500)), 98_304);
    assert_eq!(short(Duration::MAX), u32::MAX);
}

#[test]
fn only_whole_reports_that_begin_with_a_report_are_compound_packets() {
    let receiver = [0x80, 201, 0, 1, 0, 0, 0, 1];
    assert!(is_compound(&receiver));
    assert!(is_compound(&[receiver, receiver].concat()));
    assert!(!is_compound(&[&receiver[..], &[0x80, 203]].concat()));
    assert!(!is_compound(&[0x80, 202, 0, 0]));
    assert!(!is_compound(&[&receiver[..], &[0x40, 203, 0, 0]].concat()));
    assert!(!is_compound(&[0x80, 201, 0xFF, 0xFF, 0, 0, 0, 1]));
    assert!(!is_compound(&[]));
}
