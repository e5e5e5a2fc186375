//! A figure that was measured several times.

use std::fmt;

use serde_json::{Value, json};

/// The median of some rounds and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// None where nothing was measured.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Spread { median, least, most })
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "median": self.median, "least": self.least, "most": self.most })
    }
}

/// `721 (690–750)`, with the digits that mean something.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spread { median, least, most } = self;
        let digits = match median.abs() {
            ..10.0 => 2,
            10.0..100.0 => 1,
            _ => 0,
        };
        write!(f, "{median:.digits$} ({least:.digits$}–{most:.digits$})")
    }
}

/// A cell of a table; a dash where nothing was measured.
pub(crate) fn cell(spread: Option<Spread>) -> String {
    spread.map_or_else(|| "–".to_owned(), |spread| spread.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_ends_are_shown_with_digits_that_mean_something() {
        let shown = |values: &[f64]| cell(Spread::of(values.iter().copied()));
        assert_eq!(shown(&[721.4, 750.0, 690.2]), "721 (690–750)");
        assert_eq!(shown(&[0.25, 0.5]), "0.38 (0.25–0.50)");
        assert_eq!(shown(&[12.34]), "12.3 (12.3–12.3)");
        assert_eq!(shown(&[]), "–");
    }
}
