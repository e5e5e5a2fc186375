//! Drawing lots: who of many is the first at random, each as likely as the own weight says, by keys that stand still.
//!
//! A lot is a time drawn from the exponential distribution and divided by the agent's weight. Whoever has the
//! smallest of several comes first with the probability weight / sum of the weights, and so does the next of those who
//! are left (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", Information Processing Letters
//! 97(5), 2006, with logarithms taken). So it can stand in an ordered line.
//!
//! Lots are counted from where they have got to: the greatest that has come first. An exponential time does not know how
//! long it has lasted, so what is left of a lot beyond that point is as good as a new one, whoever else has come and gone
//! meanwhile; a lot that is not beyond it says nothing, and whoever is to be first by such a one draws anew
//! (`docs/decisions/0014-lots.md`).

use serde::{Deserialize, Serialize};

/// 2^64 times the natural logarithm of 2, rounded down.
const LN_2: u128 = 0xB172_17F7_D1CF_79AB;
/// Binary digits of the fraction of a logarithm. What is cut off is less than 2^-48, and so is the error of a lot
/// before it is divided; probabilities differ from their weights by less than that.
const DIGITS: u32 = 48;
/// What the state of the stream grows by: 2^64 divided by the golden ratio, which is odd.
const STRIDE: u64 = 0x9e37_79b9_7f4a_7c15;

/// A lot: a number with 64 binary places, which nothing that anybody lives to see makes too large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lot {
    /// Before the point.
    pub whole: u64,
    /// Behind it, in units of 2^-64.
    pub part: u64,
}

impl Lot {
    /// The end of the scale.
    const LAST: Lot = Lot { whole: u64::MAX, part: u64::MAX };
}

/// Where lots come from, and where they have got to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lots {
    /// The state of the stream of random numbers: the seed, and one stride more for each draw.
    pub stream: u64,
    /// The greatest lot that has come first.
    pub reached: Lot,
}

impl Lots {
    /// None drawn yet.
    pub fn new(seed: u64) -> Lots {
        Lots { stream: seed, reached: Lot::default() }
    }

    /// A new lot for somebody of this weight, which is more than zero.
    pub fn draw(&mut self, weight: u32) -> Lot {
        self.stream = self.stream.wrapping_add(STRIDE);
        // Never nothing, so that whoever has drawn takes part.
        let way = (exponential(mixed(self.stream)) / u128::from(weight)).max(1);
        Lot::from(u128::from(self.reached).saturating_add(way))
    }

    /// Whether a lot was drawn too long ago to say anything, or never. At the end of the scale all are as good.
    pub fn is_behind(&self, lot: Lot) -> bool {
        lot <= self.reached && lot < Lot::LAST
    }

    /// Somebody has come first by this lot.
    pub fn reach(&mut self, lot: Lot) {
        self.reached = self.reached.max(lot);
    }
}

impl From<Lot> for u128 {
    fn from(lot: Lot) -> u128 {
        (u128::from(lot.whole) << 64) | u128::from(lot.part)
    }
}

impl From<u128> for Lot {
    fn from(value: u128) -> Lot {
        // Both halves fit.
        Lot { whole: (value >> 64) as u64, part: value as u64 }
    }
}

/// A random number from the state of the stream: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014), whose output function lets each bit depend on all of the state.
fn mixed(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// -ln(u) with 64 binary places for the u between 0 and 1 whose digits these are; 0 counts as 2^-64.
///
/// The logarithm to base 2 comes digit by digit: squaring a number between 1 and 2 doubles its logarithm, whose next
/// digit is whether the square has reached 2 (Knuth, *The Art of Computer Programming* 1, section 1.2.2, exercise 25
/// has the same idea the other way). What a square loses to rounding weighs half as much at each digit, so that the
/// sum stays below 2^-61.
fn exponential(digits: u64) -> u128 {
    let digits = digits.max(1);
    let zeros = digits.leading_zeros();
    // u is 2^-(zeros + 1) times a number from 1 to less than 2, which is kept with 63 binary places.
    let mut number = digits << zeros;
    let mut fraction: u64 = 0;
    for digit in 1..=DIGITS {
        let square = (u128::from(number) * u128::from(number)) >> 63;
        let reaches_two = square >> 64 != 0;
        fraction |= u64::from(reaches_two) << (64 - digit);
        number = if reaches_two { square >> 1 } else { square } as u64;
    }
    let base_2 = (u128::from(zeros + 1) << 64) - u128::from(fraction);
    let (whole, part) = (base_2 >> 64, base_2 & u128::from(u64::MAX));
    whole * LN_2 + ((part * LN_2) >> 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_real(value: u128) -> f64 {
        value as f64 / 2f64.powi(64)
    }

    #[test]
    fn the_logarithm_is_exact_to_fourteen_places() {
        assert_eq!(exponential(1 << 63), LN_2, "-ln(1/2)");
        let mut stream = 7u64;
        for _ in 0..100_000 {
            stream = stream.wrapping_add(STRIDE);
            let digits = mixed(stream) >> (stream % 60);
            let expected = -(digits.max(1) as f64 / 2f64.powi(64)).ln();
            let error = (as_real(exponential(digits)) - expected).abs();
            assert!(error < 1e-14 * expected.max(1.0), "-ln({digits} / 2^64) is off by {error}");
        }
        assert!((as_real(exponential(0)) - 64.0 * 2f64.ln()).abs() < 1e-13);
        assert!(exponential(u64::MAX) < 1 << 17, "nearly nothing");
    }

    #[test]
    fn lots_have_the_mean_and_the_spread_of_an_exponential_time() {
        let mut lots = Lots::new(1);
        let (mut sum, mut squares) = (0.0, 0.0);
        const DRAWS: u32 = 100_000;
        for _ in 0..DRAWS {
            let lot = 4.0 * as_real(lots.draw(4).into());
            (sum, squares) = (sum + lot, squares + lot * lot);
        }
        let (mean, square) = (sum / f64::from(DRAWS), squares / f64::from(DRAWS));
        // Both are off by a standard error of 0.003 and 0.014.
        assert!((mean - 1.0).abs() < 0.01 && (square - 2.0).abs() < 0.05, "{mean} {square}");
    }

    #[test]
    fn a_lot_lies_beyond_what_was_reached_and_says_nothing_once_that_was_passed() {
        let mut lots = Lots::new(3);
        let (first, second) = (lots.draw(1), lots.draw(1));
        assert!(lots.is_behind(Lot::default()) && !lots.is_behind(first) && !lots.is_behind(second));
        lots.reach(first.max(second));
        assert!(lots.is_behind(first) && lots.is_behind(second));
        let next = lots.draw(1_000);
        assert!(next > lots.reached);
        lots.reach(first);
        assert_eq!(lots.reached, first.max(second), "it never goes back");
    }

    #[test]
    fn the_end_of_the_scale_is_no_end() {
        let mut lots = Lots { stream: 0, reached: Lot { whole: u64::MAX, part: u64::MAX - 1 } };
        let last = lots.draw(1);
        lots.reach(last);
        assert_eq!((last, lots.draw(1)), (Lot::LAST, Lot::LAST));
        assert!(!lots.is_behind(last), "nobody draws for ever");
    }
}
