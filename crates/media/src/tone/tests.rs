use super::*;

const LAWS: [Law; 2] = [Law::Mu, Law::A];
/// 400 ms.
const LENGTH: usize = 3_200;

#[test]
fn a_tone_is_found_at_its_own_frequency_and_nowhere_else() {
    for law in LAWS {
        let audio = Sine::new(1_010.0).next(law, LENGTH);
        assert!(share_at(1_010.0, law, &audio) > 0.98);
        for other in [440.0, 980.0, 1_040.0, 2_020.0] {
            assert!(share_at(other, law, &audio) < 0.02, "{other} Hz");
        }
        assert_eq!(detect(&[440.0, 1_010.0, 2_000.0], law, &audio), Some(1_010.0));
        assert_eq!(detect(&[440.0, 2_000.0], law, &audio), None);
    }
}

#[test]
fn packets_join_without_a_jump() {
    let mut sine = Sine::new(697.0);
    let packets: Vec<u8> = (0..20).flat_map(|_| sine.next(Law::A, 160)).collect();
    assert_eq!(packets, Sine::new(697.0).next(Law::A, LENGTH));
}

#[test]
fn silence_and_nothing_have_no_frequency() {
    for law in LAWS {
        assert_eq!(share_at(1_000.0, law, &[law.silence(); 800]), 0.0);
        assert_eq!(share_at(1_000.0, law, &[]), 0.0);
    }
}

#[test]
fn the_wrong_law_is_noticed() {
    let audio = Sine::new(1_000.0).next(Law::Mu, LENGTH);
    assert!(share_at(1_000.0, Law::A, &audio) < 0.98);
}

#[test]
fn a_tone_is_still_found_when_packets_are_missing() {
    let mut sine = Sine::new(1_000.0);
    let audio: Vec<u8> = (0..20)
        .flat_map(|packet| {
            let sound = sine.next(Law::Mu, 160);
            if packet % 7 == 3 { vec![Law::Mu.silence(); 160] } else { sound }
        })
        .collect();
    assert_eq!(detect(&[1_000.0, 1_100.0], Law::Mu, &audio), Some(1_000.0));
}
