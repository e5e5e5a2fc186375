//! A seeded generator that costs next to nothing beside what is measured.

/// SplitMix64 (Steele, Lea, Flood: *Fast splittable pseudorandom number generators*, OOPSLA 2014).
#[derive(Clone, Copy, Debug)]
pub struct Random(u64);

impl Random {
    /// The same seed gives the same numbers on any machine.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is more than zero.
    pub fn below(&mut self, limit: usize) -> usize {
        assert!(limit > 0, "nothing is below zero");
        // The high half of the product; its bias is 2^-32 at the sizes here.
        ((u128::from(self.number()) * limit as u128) >> 64) as usize
    }

    /// An exponentially distributed number with this mean: the gap between two Poisson arrivals.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        let uniform = ((self.number() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        -mean * uniform.ln()
    }
}
