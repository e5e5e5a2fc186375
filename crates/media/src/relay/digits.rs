//! Reads keys from RFC 4733 telephone-events.

use std::time::Duration;

use timing::Instant;

use super::Digit;

/// An event whose end was lost is over after this long without a packet of it (senders repeat
/// every 20 to 50 ms).
const LOST_END: Duration = Duration::from_millis(150);
/// An event packet: code, flags and volume, duration.
const EVENT_BYTES: usize = 4;
const END_FLAG: u8 = 0x80;

/// The key that is down, if any.
#[derive(Clone, Debug, Default)]
pub(super) struct DigitReader {
    current: Option<Pressed>,
}

#[derive(Clone, Copy, Debug)]
struct Pressed {
    timestamp: u32,
    event: u8,
    /// Timestamp units.
    duration: u16,
    clock_rate: u32,
    last: Instant,
    said: bool,
}

/// A key that was released.
pub(super) type Released = (Digit, Duration);

impl DigitReader {
    /// A telephone-event packet. At most one key is released by it.
    pub(super) fn event(
        &mut self,
        now: Instant,
        timestamp: u32,
        clock_rate: u32,
        payload: &[u8],
    ) -> Option<Released> {
        let [event, flags, high, low] = *payload.get(..EVENT_BYTES)? else { return None };
        let duration = u16::from_be_bytes([high, low]);
        let mut missed = None;
        let pressed = match self.current {
            Some(pressed) if pressed.timestamp == timestamp => pressed,
            // A packet of an event that is over already.
            Some(pressed) if (timestamp.wrapping_sub(pressed.timestamp) as i32) < 0 => return None,
            Some(_) | None => {
                missed = self.finish();
                Pressed { timestamp, event, duration: 0, clock_rate, last: now, said: false }
            }
        };
        let longer = pressed.duration.max(duration);
        self.current = Some(Pressed { duration: longer, last: now, ..pressed });
        if missed.is_none() && flags & END_FLAG != 0 { self.finish() } else { missed }
    }

    /// Sound came: the key whose end was lost is up by now.
    pub(super) fn sound(&mut self, now: Instant) -> Option<Released> {
        let pressed = self.current.filter(|pressed| !pressed.said)?;
        if now.since(pressed.last) < LOST_END { None } else { self.finish() }
    }

    /// Says the current key once.
    fn finish(&mut self) -> Option<Released> {
        let pressed = self.current.as_mut().filter(|pressed| !pressed.said)?;
        pressed.said = true;
        let micros = u64::from(pressed.duration) * 1_000_000 / u64::from(pressed.clock_rate.max(1));
        Some((Digit::from_event(pressed.event)?, Duration::from_micros(micros)))
    }
}
