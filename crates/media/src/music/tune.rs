//! The default music: sixteen bars in C, a soft plucked voice over slow chords.

use std::f64::consts::TAU;

use crate::g711::SAMPLE_RATE;

/// Samples in a beat: 80 beats a minute.
const BEAT: usize = SAMPLE_RATE as usize * 60 / 80;
const BEATS_IN_BAR: usize = 4;
/// Peak of the finished tune: about -12 dBm0, so that nobody holds the phone away.
const PEAK: f64 = 8_000.0;

/// One chord a bar, as MIDI note numbers.
const CHORDS: [[u8; 3]; 8] = [
    [48, 55, 64], // C
    [45, 57, 64], // A minor
    [41, 57, 65], // F
    [43, 59, 62], // G
    [48, 55, 64], // C
    [52, 55, 59], // E minor
    [41, 60, 65], // F
    [43, 59, 65], // G7
];

/// The melody in half beats, one row a bar; 0 = the note before rings on.
const MELODY: [[u8; 8]; 16] = [
    [76, 0, 79, 0, 72, 0, 74, 76],
    [72, 0, 0, 69, 72, 0, 0, 0],
    [77, 0, 76, 0, 72, 0, 69, 0],
    [74, 0, 0, 71, 67, 0, 0, 0],
    [67, 0, 72, 0, 76, 0, 79, 0],
    [79, 0, 78, 76, 71, 0, 0, 0],
    [72, 0, 77, 0, 76, 0, 74, 72],
    [71, 0, 74, 0, 67, 0, 0, 0],
    [76, 0, 79, 0, 84, 0, 83, 79],
    [81, 0, 0, 76, 72, 0, 0, 0],
    [77, 0, 81, 0, 79, 0, 77, 0],
    [79, 0, 0, 74, 71, 0, 0, 0],
    [72, 0, 76, 0, 79, 0, 76, 0],
    [74, 0, 71, 0, 67, 0, 0, 0],
    [69, 0, 72, 0, 77, 0, 74, 71],
    [72, 0, 0, 0, 0, 0, 0, 0],
];

/// The whole tune at 8 kHz. The tail of the last notes rings into the beginning, so that the loop
/// has no seam.
pub(super) fn samples() -> Vec<i16> {
    let mut sound = vec![0.0; MELODY.len() * BEATS_IN_BAR * BEAT];
    for (bar, row) in MELODY.iter().enumerate() {
        let start = bar * BEATS_IN_BAR * BEAT;
        for (position, &note) in row.iter().enumerate().filter(|&(_, &note)| note != 0) {
            add_note(&mut sound, start + position * BEAT / 2, note, 1.0, 1.2);
        }
        // The last bar comes home instead of following the row of chords.
        let chord = if bar + 1 == MELODY.len() { CHORDS[0] } else { CHORDS[bar % CHORDS.len()] };
        for (voice, &note) in chord.iter().enumerate() {
            add_note(&mut sound, start + voice * BEAT, note, 0.55, 2.2);
        }
    }
    let loudest = sound.iter().fold(1e-9_f64, |loudest, sample| loudest.max(sample.abs()));
    sound.iter().map(|sample| (sample / loudest * PEAK) as i16).collect()
}

/// Adds a plucked note: three partials that die away, the higher the faster. `decay` is the time
/// in seconds in which the fundamental falls to 1/e of its loudness.
fn add_note(sound: &mut [f64], start: usize, note: u8, loudness: f64, decay: f64) {
    const PARTIALS: [(f64, f64); 3] = [(1.0, 1.0), (2.0, 0.35), (3.0, 0.12)];
    /// Seconds until full loudness: a soft finger rather than a hammer.
    const ATTACK: f64 = 0.012;
    let hertz = 440.0 * 2.0_f64.powf((f64::from(note) - 69.0) / 12.0);
    let rate = f64::from(SAMPLE_RATE);
    let length = (decay * 4.0 * rate) as usize;
    let whole = sound.len();
    for index in 0..length {
        let time = index as f64 / rate;
        let voice: f64 = PARTIALS
            .iter()
            .map(|(order, share)| share * (-time * order / decay).exp() * (TAU * hertz * order * time).sin())
            .sum();
        // The last tenth fades out, so that the cut is not heard.
        let end = ((length - index) as f64 / (length as f64 * 0.1)).min(1.0);
        sound[(start + index) % whole] += loudness * voice * (time / ATTACK).min(1.0) * end;
    }
}
