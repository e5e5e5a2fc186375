use std::f64::consts::TAU;
use std::io::Cursor;

use hound::{SampleFormat, WavSpec, WavWriter};
use proptest::prelude::*;

use super::*;
use crate::tone;

fn wav(channels: u16, rate: u32, bits: u16, samples: impl Iterator<Item = f64>) -> Vec<u8> {
    let spec =
        WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format: SampleFormat::Int };
    let mut file = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut file, spec).unwrap();
    let scale = f64::from((1_i32 << (bits - 1)) - 1);
    for sample in samples {
        for _ in 0..channels {
            writer.write_sample((sample * scale) as i32).unwrap();
        }
    }
    writer.finalize().unwrap();
    file.into_inner()
}

fn sine(hertz: f64, rate: u32) -> impl Iterator<Item = f64> {
    (0..rate).map(move |index| 0.4 * (TAU * hertz * f64::from(index) / f64::from(rate)).sin())
}

fn audio(music: &Music, law: Law) -> Vec<u8> {
    (0..music.frames()).flat_map(|number| music.frame(law, number).to_vec()).collect()
}

fn rms(music: &Music) -> f64 {
    let audio = audio(music, Law::Mu);
    let power: f64 = audio.iter().map(|&byte| f64::from(Law::Mu.decode(byte)).powi(2)).sum();
    (power / audio.len() as f64).sqrt()
}

#[test]
fn music_is_whole_frames_that_wrap_around_in_both_laws() {
    let music = Music::from_samples(&[1_000; FRAME + 1]).unwrap();
    assert_eq!(music.frames(), 2);
    for law in [Law::Mu, Law::A] {
        assert_eq!(music.frame(law, 0), [law.encode(1_000); FRAME]);
        assert_eq!(music.frame(law, 1)[..2], [law.encode(1_000), law.silence()]);
        assert_eq!(music.frame(law, 2), music.frame(law, 0));
    }
    assert_eq!(Music::from_samples(&[]), None);
}

#[test]
fn a_wav_file_of_any_usual_kind_becomes_the_same_sound_at_8_kilohertz() {
    for (channels, rate, bits) in [
        (1, 8_000, 16),
        (1, 8_000, 8),
        (2, 8_000, 16),
        (1, 11_025, 16),
        (1, 16_000, 16),
        (2, 44_100, 16),
        (2, 48_000, 8),
    ] {
        let music = Music::from_wav(&wav(channels, rate, bits, sine(1_004.0, rate))).unwrap();
        assert_eq!(music.frames(), 50, "{rate} Hz");
        for law in [Law::Mu, Law::A] {
            let share = tone::share_at(1_004.0, law, &audio(&music, law));
            assert!(share > 0.99, "{channels} channels, {rate} Hz, {bits} bits, {law:?}: {share}");
        }
        let expected = 0.4 * 32_767.0 / 2.0_f64.sqrt();
        assert!((rms(&music) / expected - 1.0).abs() < 0.03, "{rate} Hz: as loud as it was");
    }
}

#[test]
fn what_8_kilohertz_cannot_carry_is_kept_out_instead_of_folded_back() {
    // Without the first and last frame: a tone that begins at once is every frequency at once.
    let middle = |hertz| {
        let music = Music::from_wav(&wav(1, 44_100, 16, sine(hertz, 44_100))).unwrap();
        let audio = audio(&music, Law::Mu);
        let power: f64 = audio[FRAME..audio.len() - FRAME]
            .iter()
            .map(|&byte| f64::from(Law::Mu.decode(byte)).powi(2))
            .sum();
        power.sqrt()
    };
    let low = middle(3_000.0);
    for hertz in [4_700.0, 5_000.0, 6_000.0, 11_000.0] {
        let folded = middle(hertz);
        assert!(folded < low / 1_000.0, "{hertz} Hz: {folded} against {low}");
    }
}

#[test]
fn files_that_cannot_be_played_say_why() {
    let refused = |file: &[u8]| Music::from_wav(file).unwrap_err();
    assert!(matches!(refused(b"no music"), MusicError::NotWave(_)));
    assert_eq!(refused(&wav(1, 8_000, 24, sine(440.0, 100))), MusicError::Bits(24));
    assert_eq!(refused(&wav(3, 8_000, 16, sine(440.0, 100))), MusicError::Channels(3));
    assert_eq!(refused(&wav(1, 96_000, 16, sine(440.0, 100))), MusicError::SampleRate(96_000));
    assert_eq!(refused(&wav(1, 4_000, 16, sine(440.0, 100))), MusicError::SampleRate(4_000));
    assert_eq!(refused(&wav(1, 8_000, 16, std::iter::empty())), MusicError::Empty);
    let whole = wav(1, 8_000, 16, sine(440.0, 8_000));
    assert!(matches!(refused(&whole[..whole.len() / 2]), MusicError::NotWave(_)));
}

#[test]
fn the_default_tune_is_the_same_every_time_soft_and_without_a_seam() {
    let music = Music::generated();
    assert_eq!(music, Music::generated());
    assert_eq!(music.frames(), 16 * 4 * 6_000 / FRAME, "sixteen bars of four beats");
    assert!((500.0..4_000.0).contains(&rms(&music)), "{}", rms(&music));
    let audio = audio(&music, Law::Mu);
    let sample = |byte: u8| i32::from(Law::Mu.decode(byte));
    let largest_step =
        |range: &[u8]| range.windows(2).map(|two| (sample(two[1]) - sample(two[0])).abs()).max();
    let seam = (sample(audio[0]) - sample(audio[audio.len() - 1])).abs();
    assert!(Some(seam) <= largest_step(&audio), "the loop does not click");
    let quiet = audio.chunks(4_000).filter(|half| half.iter().all(|&byte| sample(byte).abs() < 64)).count();
    assert_eq!(quiet, 0, "there is always something to hear");
}

proptest! {
    #[test]
    fn random_files_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), place in 0..44_usize) {
        let _ = Music::from_wav(&bytes);
        let mut file = wav(1, 11_025, 16, sine(440.0, 300));
        let end = (place + bytes.len()).min(file.len());
        file[place..end].copy_from_slice(&bytes[..end - place]);
        let _ = Music::from_wav(&file);
    }
}
