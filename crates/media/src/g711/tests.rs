use super::*;

const LAWS: [Law; 2] = [Law::Mu, Law::A];

/// G.711 tables 1a to 2b: quantised values at the ends of the segments, in the 16-bit scale.
#[test]
fn decoded_values_are_those_of_the_recommendation() {
    let mu = [
        (0x80, 32_124),
        (0x8F, 16_764),
        (0x9F, 8_316),
        (0xAF, 4_092),
        (0xBF, 1_980),
        (0xCF, 924),
        (0xDF, 396),
        (0xEF, 132),
        (0xFE, 8),
        (0xFF, 0),
        (0x7F, 0),
        (0x7E, -8),
        (0x00, -32_124),
    ];
    for (byte, sample) in mu {
        assert_eq!(Law::Mu.decode(byte), sample, "µ-law {byte:#04x}");
    }
    let a = [
        (0xAA, 32_256),
        (0xA5, 16_896),
        (0xB5, 8_448),
        (0x85, 4_224),
        (0x95, 2_112),
        (0xE5, 1_056),
        (0xF5, 528),
        (0xC5, 264),
        (0xD5, 8),
        (0x55, -8),
        (0x2A, -32_256),
    ];
    for (byte, sample) in a {
        assert_eq!(Law::A.decode(byte), sample, "A-law {byte:#04x}");
    }
}

/// G.711 tables 5 and 6: the octets of a 1 kHz sine at 0 dBm0, which is 3.17 dB (µ) or 3.14 dB (A)
/// below the largest.
#[test]
fn a_milliwatt_of_one_kilohertz_is_encoded_as_published() {
    let published = [
        (Law::Mu, 8_159.0 * 4.0, 317, [0x1E, 0x0B, 0x0B, 0x1E, 0x9E, 0x8B, 0x8B, 0x9E]),
        (Law::A, 4_096.0 * 8.0, 314, [0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4]),
    ];
    for (law, largest, below, octets) in published {
        let peak = largest / 10.0_f64.powf(f64::from(below) / 2_000.0);
        let encoded: Vec<u8> = (0..8)
            .map(|index| {
                let phase = std::f64::consts::TAU * (f64::from(index) + 0.5) / 8.0;
                law.encode((-peak * phase.sin()) as i16)
            })
            .collect();
        assert_eq!(encoded, octets, "{law:?}");
    }
}

#[test]
fn every_byte_survives_decoding_and_encoding() {
    for law in LAWS {
        for byte in 0..=u8::MAX {
            let again = law.encode(law.decode(byte));
            // µ-law has two zeros; a sample has one.
            let expected = if law == Law::Mu && byte == 0x7F { 0xFF } else { byte };
            assert_eq!(again, expected, "{law:?} {byte:#04x}");
        }
    }
}

#[test]
fn no_sample_is_further_off_than_half_a_step_and_order_is_kept() {
    for law in LAWS {
        let mut before = i16::MIN;
        for sample in i16::MIN..=i16::MAX {
            let decoded = law.decode(law.encode(sample));
            assert!(decoded >= before, "{law:?} {sample}");
            before = decoded;
            let off = (i32::from(decoded) - i32::from(sample)).abs();
            let magnitude = i32::from(sample).abs();
            // A step is a sixteenth of its segment; beyond the last level everything is clipped.
            assert!(magnitude > 32_124 || off <= magnitude / 32 + 9, "{law:?} {sample} -> {decoded}");
        }
    }
}

#[test]
fn silence_is_the_byte_of_zero() {
    for law in LAWS {
        assert_eq!(law.encode(0), law.silence());
    }
}
