//! Durations and shares as people write them.

use std::time::Duration;

/// Suffixes of a duration, longest time first, in milliseconds. `ms` stands before `m` would match it.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];

/// `20s`, `1m30s`, `500ms`, `2h`: whole numbers with units, each unit once, largest first.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut smallest = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let (unit, millis) = UNITS.into_iter().find(|(unit, _)| rest[digits..].starts_with(unit))?;
        if millis >= smallest {
            return None;
        }
        smallest = millis;
        total = total.checked_add(number.checked_mul(millis)?)?;
        rest = &rest[digits + unit.len()..];
    }
    (smallest != u64::MAX).then(|| Duration::from_millis(total))
}

/// `80%` or `99.5%` as a share between 0 and 1.
pub(crate) fn share(text: &str) -> Option<f64> {
    let number = text.strip_suffix('%')?.trim();
    let is_plain =
        !number.is_empty() && number.chars().all(|letter| letter.is_ascii_digit() || letter == '.');
    let percent: f64 = is_plain.then(|| number.parse().ok())??;
    Some(percent / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_units() {
        let read = |text| duration(text).map(|duration| duration.as_millis());
        assert_eq!(read("20s"), Some(20_000));
        assert_eq!(read("1m30s"), Some(90_000));
        assert_eq!(read("500ms"), Some(500));
        assert_eq!(read("1d2h"), Some(93_600_000));
        assert_eq!(read("0s"), Some(0));
        for bad in ["", "20", "s", "20x", "1.5s", "-1s", "30s1m", "1s1s", "99999999999999999d", " 1s"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn shares_are_read_as_percentages() {
        assert_eq!(share("80%"), Some(0.8));
        assert_eq!(share("99.5%"), Some(0.995));
        for bad in ["80", "%", "1e3%", "-5%", "nan%", "1.2.3%"] {
            assert_eq!(share(bad), None, "{bad}");
        }
    }
}
