//! The service level by its names: those of `/metrics` where the live report has the formula too.

use whatif::ServiceLevel;

/// Every variant by the word of the scenario. With underscores it is the name of the column.
pub(crate) const WORDS: [(&str, ServiceLevel); 11] = [
    ("answered-only", ServiceLevel::OfAnswered),
    ("abandons-negative", ServiceLevel::OfAnsweredAndAbandoned),
    ("abandons-ignored", ServiceLevel::OfAnsweredAndLateAbandoned),
    ("abandons-positive", ServiceLevel::EarlyAbandonsCountAsMetOfEnded),
    ("short-abandons-excluded", ServiceLevel::OfAnsweredAndAbandonedWithoutShort),
    ("overflows-negative", ServiceLevel::OfAnsweredAbandonedAndOverflowed),
    ("blocked-negative", ServiceLevel::OfAnsweredAndBlocked),
    ("of-offered", ServiceLevel::OfOffered),
    ("of-offered-short-excluded", ServiceLevel::OfOfferedWithoutShort),
    ("of-offered-early-ignored", ServiceLevel::EarlyAbandonsIgnored),
    ("of-offered-early-positive", ServiceLevel::EarlyAbandonsCountAsMet),
];

/// The word of a variant, as in the scenario.
pub(crate) fn word(level: ServiceLevel) -> &'static str {
    WORDS.iter().find(|(_, known)| *known == level).map_or("", |(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_has_one_word_and_the_live_names_have_the_live_formulas() {
        for level in ServiceLevel::ALL {
            assert_eq!(WORDS.iter().filter(|(_, known)| *known == level).count(), 1, "{level:?}");
        }
        // 70 answered and 10 given up within the threshold, 4 of these at once; later 12 answered, 8 given up: the
        // worked example of docs/metrics.md.
        let live = report::Tally {
            offered: 100,
            answered: 82,
            answered_within: 70,
            abandoned: 18,
            abandoned_within: 10,
            short_abandons: 4,
            ..report::Tally::default()
        };
        let simulated = whatif::Tally {
            offered: 100,
            answered: 82,
            answered_within: 70,
            abandoned: 18,
            abandoned_within: 10,
            abandoned_short: 4,
            ..whatif::Tally::default()
        };
        for live_level in report::ServiceLevel::ALL {
            let name = live_level.name().replace('_', "-");
            let (_, level) =
                WORDS.iter().find(|(word, _)| *word == name).expect("the simulator has each live one");
            let ratio = level.ratio(&simulated);
            assert_eq!(live_level.of(&live), Some(ratio.numerator / ratio.denominator), "{name}");
        }
    }
}
