//! Service level in its named variants.

use crate::Tally;

/// Which formula. A is answered, B abandoned, each up to the threshold `(T)` or at all; S is short abandons.
/// Interactions that left by rule count in no variant, for they count in the queue they went to; those that
/// still wait count in none until they are answered or abandoned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceLevel {
    /// A(T) / A: abandons do not count at all.
    AnsweredOnly,
    /// A(T) / (A + B): each abandon counts against the queue.
    #[default]
    AbandonsNegative,
    /// A(T) / (A + B - B(T)): who gave up within the threshold does not count.
    AbandonsIgnored,
    /// (A(T) + B(T)) / (A + B): who gave up within the threshold counts as served.
    AbandonsPositive,
    /// A(T) / (A + B - S): who gave up at once (a wrong number) does not count.
    ShortAbandonsExcluded,
}

impl ServiceLevel {
    /// All variants.
    pub const ALL: [ServiceLevel; 5] = [
        ServiceLevel::AnsweredOnly,
        ServiceLevel::AbandonsNegative,
        ServiceLevel::AbandonsIgnored,
        ServiceLevel::AbandonsPositive,
        ServiceLevel::ShortAbandonsExcluded,
    ];

    /// Its name in `docs/metrics.md`.
    pub fn name(self) -> &'static str {
        match self {
            ServiceLevel::AnsweredOnly => "answered_only",
            ServiceLevel::AbandonsNegative => "abandons_negative",
            ServiceLevel::AbandonsIgnored => "abandons_ignored",
            ServiceLevel::AbandonsPositive => "abandons_positive",
            ServiceLevel::ShortAbandonsExcluded => "short_abandons_excluded",
        }
    }

    /// 0 to 1; `None` where nothing counts yet.
    pub fn of(self, tally: &Tally) -> Option<f64> {
        let Tally { answered, answered_within, abandoned, abandoned_within, short_abandons, .. } = *tally;
        let (served, counted) = match self {
            ServiceLevel::AnsweredOnly => (answered_within, answered),
            ServiceLevel::AbandonsNegative => (answered_within, answered + abandoned),
            ServiceLevel::AbandonsIgnored => (answered_within, answered + abandoned - abandoned_within),
            ServiceLevel::AbandonsPositive => (answered_within + abandoned_within, answered + abandoned),
            ServiceLevel::ShortAbandonsExcluded => (answered_within, answered + abandoned - short_abandons),
        };
        (counted > 0).then(|| served as f64 / counted as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of docs/metrics.md: 70 answered and 10 abandoned within the threshold, 4 of these at
    /// once; later 12 answered and 8 abandoned; 100 in all.
    #[test]
    fn the_worked_example_gives_its_percentages_in_each_variant() {
        let tally = Tally {
            offered: 100,
            answered: 82,
            answered_within: 70,
            abandoned: 18,
            abandoned_within: 10,
            short_abandons: 4,
            ..Tally::default()
        };
        let percent = |variant: ServiceLevel| (variant.of(&tally).unwrap() * 1000.0).round() / 10.0;
        assert_eq!(ServiceLevel::ALL.map(percent), [85.4, 70.0, 77.8, 80.0, 72.9]);
    }

    #[test]
    fn nothing_counted_is_no_service_level() {
        for variant in ServiceLevel::ALL {
            assert_eq!(variant.of(&Tally::default()), None, "{}", variant.name());
        }
        let only_short =
            Tally { offered: 1, abandoned: 1, abandoned_within: 1, short_abandons: 1, ..Tally::default() };
        assert_eq!(ServiceLevel::AbandonsIgnored.of(&only_short), None);
        assert_eq!(ServiceLevel::ShortAbandonsExcluded.of(&only_short), None);
    }
}
