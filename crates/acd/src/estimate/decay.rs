//! Exponential forgetting in integers: what happened one half-life ago weighs half.

use serde::{Deserialize, Serialize};

/// One event, in the fixed point of [`Count`]: 24 binary digits after the point, so that rounding down once a tick
/// costs less than a ten-thousandth of an event.
const ONE: u64 = 1 << 24;
/// Weights are fixed point with 63 binary digits: this is 1.
const WHOLE: u64 = 1 << 63;
/// Binary digits of the fraction of a half-life.
const FRACTION_BITS: u32 = 24;
/// 1 / ln 2 with 62 binary digits.
const RECIPROCAL_LN_2: u64 = 6_653_256_548_922_161_246;
/// Nothing is left of a weight after so many half-lives.
const HALF_LIVES_MAX: u128 = 62;

/// 2 to the power of -1/2, -1/4, -1/8 and so on, with 63 binary digits.
const ROOTS: [u64; FRACTION_BITS as usize] = [
    0x5a82_7999_fcef_3242,
    0x6ba2_7e65_6b4e_b57a,
    0x7560_6373_ee92_1c97,
    0x7a92_be8a_9243_6616,
    0x7d41_d96d_b915_019d,
    0x7e9f_0606_7a43_60ba,
    0x7f4f_08ae_3dc7_c426,
    0x7fa7_65ac_a88f_6453,
    0x7fd3_ab29_0e46_d769,
    0x7fe9_d3a8_e07b_f086,
    0x7ff4_e959_7bed_93ab,
    0x7ffa_748d_ff8d_c61f,
    0x7ffd_3a3f_5002_0332,
    0x7ffe_9d1d_bc0a_75aa,
    0x7fff_4e8e_6306_ed59,
    0x7fff_a747_12c3_cdfd,
    0x7fff_d3a3_81b1_fa29,
    0x7fff_e9d1_beed_018a,
    0x7fff_f4e8_defb_81d7,
    0x7fff_fa74_6f5f_012f,
    0x7fff_fd3a_37a7_d0a8,
    0x7fff_fe9d_1bd1_fc58,
    0x7fff_ff4e_8de8_832d,
    0x7fff_ffa7_46f4_22d7,
];

/// How much of something is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight(u64);

impl Weight {
    /// What is left after a time, both in microseconds.
    pub(super) fn after(elapsed: u64, half_life: u64) -> Weight {
        let exponent = (u128::from(elapsed) << FRACTION_BITS) / u128::from(half_life.max(1));
        if exponent >> FRACTION_BITS > HALF_LIVES_MAX {
            return Weight(0);
        }
        let mut weight = WHOLE;
        for (bit, &root) in (0..FRACTION_BITS).rev().zip(&ROOTS) {
            if (exponent >> bit) & 1 == 1 {
                weight = ((u128::from(weight) * u128::from(root)) >> 63) as u64;
            }
        }
        Weight(weight >> (exponent >> FRACTION_BITS))
    }

    /// So much of a value.
    pub(super) fn of(self, value: u64) -> u64 {
        // A weight is at most 1, so the product fits again.
        ((u128::from(value) * u128::from(self.0)) >> 63) as u64
    }

    /// The weight of all the time since, in microseconds of now: the integral of the weight over it.
    pub(super) fn area(self, half_life: u64) -> u64 {
        let mean_life = (u128::from(half_life) * u128::from(RECIPROCAL_LN_2)) >> 62;
        let lost = u128::from(WHOLE - self.0);
        u64::try_from((mean_life * lost) >> 63).unwrap_or(u64::MAX)
    }
}

/// A number of events, the older the less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Count(u64);

impl Count {
    pub(super) fn add(&mut self) {
        self.0 = self.0.saturating_add(ONE);
    }

    pub(super) fn take_back(&mut self) {
        self.0 = self.0.saturating_sub(ONE);
    }

    pub(super) fn fade(&mut self, weight: Weight) {
        self.0 = weight.of(self.0);
    }

    /// In whole events, rounded down.
    pub(super) fn whole(self) -> u32 {
        u32::try_from(self.0 / ONE).unwrap_or(u32::MAX)
    }

    /// With its fraction.
    pub(super) fn number(self) -> f64 {
        self.0 as f64 / ONE as f64
    }
}

/// A sum of whole units (microseconds and the like), the older the less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Sum(u64);

impl Sum {
    pub(super) fn add(&mut self, value: u64) {
        self.0 = self.0.saturating_add(value);
    }

    pub(super) fn fade(&mut self, weight: Weight) {
        self.0 = weight.of(self.0);
    }

    pub(super) fn number(self) -> f64 {
        self.0 as f64
    }

    /// The mean of the values; `None` where there is none.
    pub(super) fn mean(self, count: Count) -> Option<f64> {
        (count.0 > 0).then(|| self.number() / count.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_is_left_after_a_half_life() {
        assert_eq!(Weight::after(0, 1_000), Weight(WHOLE));
        assert_eq!(Weight::after(1_000, 1_000), Weight(WHOLE / 2));
        assert_eq!(Weight::after(10_000, 1_000).of(1 << 20), 1 << 10);
        assert_eq!(Weight::after(u64::MAX, 1_000), Weight(0));
        assert_eq!(Weight::after(5, 0), Weight(WHOLE / 32), "a half-life of nothing counts as a microsecond");
    }

    #[test]
    fn fractions_of_a_half_life_follow_the_exponential() {
        let half_life = 3_600_000_000;
        for elapsed in [1_u64, 3_515_625, 60_000_000, 900_000_000, 1_234_567_890, 7_777_777_777] {
            let exact = (-(elapsed as f64) / half_life as f64).exp2();
            let weight = Weight::after(elapsed, half_life).0 as f64 / WHOLE as f64;
            assert!((weight - exact).abs() < 1e-7, "{elapsed}: {weight} {exact}");
        }
    }

    #[test]
    fn area_of_all_the_past_is_the_mean_life() {
        assert_eq!(Weight::after(u64::MAX, 1_000_000).area(1_000_000), 1_442_695);
        let hour = Weight::after(3_600_000_000, 3_600_000_000).area(3_600_000_000);
        assert_eq!(hour, 2_596_851_073, "half of 1.4427 hours");
    }

    #[test]
    fn counts_fade_and_do_not_sink_by_rounding() {
        let mut count = Count::default();
        // A thousand ticks of a thousandth of a half-life each, an event in each: 1 / (1 - 2^-0.001) in the end.
        for _ in 0..20_000 {
            count.fade(Weight::after(1, 1_000));
            count.add();
        }
        assert!((count.number() - 1_443.2).abs() < 0.2, "{}", count.number());
    }
}
