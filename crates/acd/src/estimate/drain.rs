//! How long a line takes to pass, from rates alone.

/// Neighbours are put together while the rate changes by less than one part in this over them; with the second-order
/// term the sum is then right to 5e-4.
const PARTS: f64 = 2.0;

/// The time until a place in line is reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Passage {
    /// Microseconds.
    pub(super) mean: f64,
    /// Square microseconds.
    pub(super) variance: f64,
}

/// The time until all `ahead` are gone and one more agent is free: the sum over j = 0..=ahead of exponential times
/// with the rates `drain + j * patience_rate` (Whitt 1999, "Predicting queueing delays"; QLm in Ibrahim & Whitt 2009).
///
/// `drain`: interactions a microsecond that agents take while the line is not empty, more than zero.
/// `patience_rate`: at which each who waits gives up, a microsecond.
///
/// In O(log ahead): where the rate hardly changes from place to place, neighbours are put together around their
/// middle. Only `+ - * /`, so the result is the same on every machine.
pub(super) fn passage(drain: f64, patience_rate: f64, ahead: u32) -> Passage {
    let places = u64::from(ahead) + 1;
    let mut sum = Passage { mean: 0.0, variance: 0.0 };
    let mut place = 0;
    while place < places {
        let first = drain + place as f64 * patience_rate;
        let left = places - place;
        let block = if patience_rate > 0.0 {
            // Saturates where the quotient is too large for an integer.
            ((first / (PARTS * patience_rate)) as u64).clamp(1, left)
        } else {
            left
        };
        let length = block as f64;
        let middle = first + patience_rate * (length - 1.0) / 2.0;
        let bend = patience_rate / middle;
        let second_order = bend * bend * (length * length - 1.0) / 12.0;
        sum.mean += length / middle * (1.0 + second_order);
        sum.variance += length / (middle * middle) * (1.0 + 3.0 * second_order);
        place += block;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain_sum(drain: f64, patience_rate: f64, ahead: u32) -> Passage {
        let rates = (0..=ahead).map(|place| drain + f64::from(place) * patience_rate);
        rates.fold(Passage { mean: 0.0, variance: 0.0 }, |sum, rate| Passage {
            mean: sum.mean + 1.0 / rate,
            variance: sum.variance + 1.0 / (rate * rate),
        })
    }

    #[test]
    fn without_impatience_it_is_the_length_by_the_rate() {
        let line = passage(0.5, 0.0, 9);
        assert_eq!(line, Passage { mean: 20.0, variance: 40.0 });
        assert_eq!(passage(0.5, 0.0, u32::MAX).mean, 8_589_934_592.0);
    }

    #[test]
    fn blocks_agree_with_the_sum_place_by_place() {
        for drain in [0.001, 0.02, 1.0, 50.0] {
            for patience_rate in [1e-6, 0.001, 0.02, 1.0, 30.0] {
                for ahead in [0, 1, 2, 7, 40, 999, 100_000] {
                    let (fast, plain) =
                        (passage(drain, patience_rate, ahead), plain_sum(drain, patience_rate, ahead));
                    assert!((fast.mean / plain.mean - 1.0).abs() < 5e-4, "{drain} {patience_rate} {ahead}");
                    assert!(
                        (fast.variance / plain.variance - 1.0).abs() < 3e-3,
                        "{drain} {patience_rate} {ahead}"
                    );
                }
            }
        }
    }
}
