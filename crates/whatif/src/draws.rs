//! Random numbers that belong to a customer: the same whatever the routing does.
//!
//! Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy
//! as 1, 2, 3" (SC 2011). The key is the seed; the counter names the replication, the purpose, the customer and
//! the number of the draw. So nothing is kept between customers, and any draw can be made at any moment.
//! Why this one: `docs/decisions/0060-the-simulator.md`.

/// Multipliers and key increments of Philox4x32 (table 2 and section 3.1 of the paper).
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const KEY_STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// What a draw is for. Draws of different purposes are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The time between a customer and the one before.
    Arrival,
    /// How long a customer waits at most.
    Patience,
    /// How long the conversation lasts.
    Handling,
    /// How long the after-call work lasts.
    AfterCallWork,
    /// How long an agent takes to pick up; one for each attempt.
    PickUp,
    /// Whether a customer tries again, and after how long; one for each attempt.
    Retrial,
    /// How busy the day is.
    Busyness,
    /// In which order idle agents stand ([`crate::Model::shuffled`]).
    Order,
}

impl Purpose {
    fn number(self) -> u32 {
        match self {
            Purpose::Arrival => 0,
            Purpose::Patience => 1,
            Purpose::Handling => 2,
            Purpose::AfterCallWork => 3,
            Purpose::PickUp => 4,
            Purpose::Retrial => 5,
            Purpose::Busyness => 6,
            Purpose::Order => 7,
        }
    }
}

/// The random numbers of one customer for one purpose.
#[derive(Clone, Debug)]
pub struct Draws {
    key: [u32; 2],
    counter: [u32; 4],
    /// The second half of the block in hand.
    spare: Option<u64>,
}

/// Bits of the counter's third word: eight for the attempt, four for the purpose, the rest for the type.
const ATTEMPT_BITS: u32 = 8;
const PURPOSE_BITS: u32 = 4;

impl Draws {
    /// The draws of customer `number` of `customer_type` (its index in the model) for one purpose and attempt
    /// (counted from 0; only the low eight bits count).
    pub fn new(
        seed: u64,
        replication: u32,
        customer_type: u32,
        number: u32,
        purpose: Purpose,
        attempt: u8,
    ) -> Draws {
        let stream = customer_type << (ATTEMPT_BITS + PURPOSE_BITS)
            | purpose.number() << ATTEMPT_BITS
            | u32::from(attempt);
        #[allow(clippy::cast_possible_truncation, reason = "the two halves")]
        let key = [seed as u32, (seed >> 32) as u32];
        Draws { key, counter: [0, number, stream, replication], spare: None }
    }

    /// The number of the customer.
    pub fn number(&self) -> u32 {
        self.counter[1]
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let block = philox(self.counter, self.key);
        self.counter[0] = self.counter[0].wrapping_add(1);
        self.spare = Some(u64::from(block[2]) | u64::from(block[3]) << 32);
        u64::from(block[0]) | u64::from(block[1]) << 32
    }

    /// The next number, uniform over the open interval from 0 to 1: 53 bits, and half a step away from 0.
    pub fn uniform(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1u64 << 53) as f64;
        ((self.bits() >> 11) as f64 + 0.5) * STEP
    }

    /// The next number of the exponential distribution with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -libm::log(self.uniform())
    }

    /// The next number of the standard normal distribution (Box and Muller, 1958; one of the pair).
    pub fn normal(&mut self) -> f64 {
        let radius = (2.0 * self.exponential()).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// The next number of the gamma distribution with this shape and scale 1 (Marsaglia and Tsang, "A simple
    /// method for generating gamma variables", ACM TOMS 26, 2000).
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let lift = libm::pow(self.uniform(), 1.0 / shape);
            return lift * self.gamma(shape + 1.0);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let normal = self.normal();
            let cube = 1.0 + c * normal;
            if cube <= 0.0 {
                continue;
            }
            let v = cube * cube * cube;
            if libm::log(self.uniform()) < 0.5 * normal * normal + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }
}

fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        let first = u64::from(MULTIPLIERS[0]) * u64::from(counter[0]);
        let second = u64::from(MULTIPLIERS[1]) * u64::from(counter[2]);
        #[allow(clippy::cast_possible_truncation, reason = "the high and the low half of a product")]
        let halves = |product: u64| ((product >> 32) as u32, product as u32);
        let ((high_0, low_0), (high_1, low_1)) = (halves(first), halves(second));
        counter = [high_1 ^ counter[1] ^ key[0], low_1, high_0 ^ counter[3] ^ key[1], low_0];
        key = [key[0].wrapping_add(KEY_STEPS[0]), key[1].wrapping_add(KEY_STEPS[1])];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_gives_the_known_answers_of_its_authors() {
        // The vectors of Random123, `kat_vectors`, philox4x32 with 10 rounds.
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn draws_belong_to_seed_replication_type_customer_purpose_and_attempt() {
        let first = |seed, replication, customer_type, number, purpose, attempt| {
            Draws::new(seed, replication, customer_type, number, purpose, attempt).bits()
        };
        let one = first(1, 0, 0, 0, Purpose::Arrival, 0);
        assert_eq!(one, first(1, 0, 0, 0, Purpose::Arrival, 0));
        let others = [
            first(2, 0, 0, 0, Purpose::Arrival, 0),
            first(1 << 32 | 1, 0, 0, 0, Purpose::Arrival, 0),
            first(1, 1, 0, 0, Purpose::Arrival, 0),
            first(1, 0, 1, 0, Purpose::Arrival, 0),
            first(1, 0, 0, 1, Purpose::Arrival, 0),
            first(1, 0, 0, 0, Purpose::Patience, 0),
            first(1, 0, 0, 0, Purpose::Arrival, 1),
        ];
        assert!(others.iter().all(|&other| other != one));
    }

    fn moments(mut draw: impl FnMut(&mut Draws) -> f64) -> (f64, f64) {
        const CUSTOMERS: u32 = 200_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for number in 0..CUSTOMERS {
            let value = draw(&mut Draws::new(7, 0, 0, number, Purpose::Handling, 0));
            sum += value;
            squares += value * value;
        }
        let mean = sum / f64::from(CUSTOMERS);
        (mean, squares / f64::from(CUSTOMERS) - mean * mean)
    }

    #[test]
    fn every_generator_has_the_mean_and_the_variance_of_its_law() {
        let near = |(mean, variance): (f64, f64), (expected, spread): (f64, f64)| {
            // Five standard errors of the mean, and five hundredths of the variance.
            assert!((mean - expected).abs() < 5.0 * (spread / 200_000.0).sqrt(), "mean {mean}");
            assert!((variance / spread - 1.0).abs() < 0.05, "variance {variance}");
        };
        near(moments(Draws::uniform), (0.5, 1.0 / 12.0));
        near(moments(Draws::exponential), (1.0, 1.0));
        near(moments(Draws::normal), (0.0, 1.0));
        near(moments(|draws| draws.gamma(0.3)), (0.3, 0.3));
        near(moments(|draws| draws.gamma(28.7)), (28.7, 28.7));
    }
}
