//! Reading WAV files.

use hound::{SampleFormat, WavReader};

use super::{LONGEST_SECONDS, MusicError};

/// Samples mixed down to one channel in the 16-bit scale, and the sample rate.
pub(super) fn read(file: &[u8]) -> Result<(Vec<i16>, u32), MusicError> {
    let mut reader = WavReader::new(file).map_err(|error| MusicError::NotWave(error.to_string()))?;
    let spec = reader.spec();
    match spec.sample_format {
        SampleFormat::Int => {}
        SampleFormat::Float => return Err(MusicError::Float),
    }
    if spec.bits_per_sample != 8 && spec.bits_per_sample != 16 {
        return Err(MusicError::Bits(spec.bits_per_sample));
    }
    if spec.channels != 1 && spec.channels != 2 {
        return Err(MusicError::Channels(spec.channels));
    }
    if !(8_000..=48_000).contains(&spec.sample_rate) {
        return Err(MusicError::SampleRate(spec.sample_rate));
    }
    if reader.duration() > LONGEST_SECONDS * spec.sample_rate {
        return Err(MusicError::TooLong);
    }
    // 8-bit samples come as -128 to 127.
    let scale = if spec.bits_per_sample == 8 { 256 } else { 1 };
    let samples: Vec<i32> = reader
        .samples::<i32>()
        .map(|sample| sample.map(|sample| sample * scale))
        .collect::<Result<_, _>>()
        .map_err(|error| MusicError::NotWave(error.to_string()))?;
    let channels = usize::from(spec.channels);
    let mixed = samples
        .chunks_exact(channels)
        .map(|frame| {
            let mean = frame.iter().sum::<i32>() / i32::from(spec.channels);
            mean.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
        })
        .collect();
    Ok((mixed, spec.sample_rate))
}
