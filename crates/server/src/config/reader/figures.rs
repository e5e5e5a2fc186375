//! Numbers with decimals, shares from nothing on, lists of numbers and times of day.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::Section;
use crate::config::report::Span;
use crate::config::units;

/// The latest time of day: a night shift ends on the next morning, `32:00` is eight o'clock then.
const LATEST: Duration = Duration::from_secs(48 * 3_600);

impl<'a> Section<'a> {
    /// A value as it stands, whatever it is.
    pub(crate) fn raw(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.value(key)
    }

    /// A table inside that must be there; where it is not, the remedy is told.
    pub(crate) fn required_table(
        &mut self,
        key: &'static str,
        what: &str,
        example: &str,
    ) -> Option<Section<'a>> {
        self.describe(key, "", "");
        if !self.gives(key) {
            self.error(self.span(), format!("`{key}` is missing; {what}, as in {key} = {example}"));
            return None;
        }
        self.if_table(key, example)
    }

    /// A whole number that may be absent, within bounds.
    pub(crate) fn optional_integer(&mut self, key: &'static str, bounds: RangeInclusive<u32>) -> Option<u32> {
        self.describe(key, "none", &format!("{} to {}", bounds.start(), bounds.end()));
        self.bounded_integer(key, bounds)
    }

    /// A number with a default, within bounds.
    pub(crate) fn number(&mut self, key: &'static str, default: f64, bounds: RangeInclusive<f64>) -> f64 {
        self.describe(key, &default.to_string(), &format!("{} to {}", bounds.start(), bounds.end()));
        let Some(value) = self.value(key) else { return default };
        self.bounded_number(key, value, &bounds).unwrap_or(default)
    }

    /// One number, or a list with one for each interval.
    pub(crate) fn one_number_or_more(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<f64>,
    ) -> Option<(Vec<f64>, Span)> {
        self.describe(key, "none", &format!("{} to {}", bounds.start(), bounds.end()));
        let value = self.value(key)?;
        // A wrong one was reported, and stands for the least.
        let one = |item| self.bounded_number(key, item, &bounds).unwrap_or(*bounds.start());
        let numbers = match value.get_ref() {
            DeValue::Array(items) => items.iter().map(one).collect(),
            _ => vec![one(value)],
        };
        Some((numbers, value.span()))
    }

    fn bounded_number(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        bounds: &RangeInclusive<f64>,
    ) -> Option<f64> {
        let whole = super::whole(value.get_ref()).map(|number| number as f64);
        let decimal = || value.get_ref().as_float()?.as_str().replace('_', "").parse::<f64>().ok();
        let Some(number) = whole.or_else(decimal) else {
            self.wrong_kind(key, value.span(), "a number without quotes", value.get_ref());
            return None;
        };
        if !bounds.contains(&number) {
            let (min, max) = (bounds.start(), bounds.end());
            self.error(
                value.span(),
                format!("`{key}`: {number} is out of range; choose from {min} to {max}"),
            );
            return None;
        }
        Some(number)
    }

    /// A share that may be absent, as a percentage within bounds; all as they are written in the file.
    pub(crate) fn portion(&mut self, key: &'static str, default: &str, min: &str, max: &str) -> Option<f64> {
        self.describe(key, default, &format!("{min} to {max}"));
        let known = |text: &str| units::share(text).expect("defaults and bounds are percentages");
        let fallback = units::share(default);
        let Some(value) = self.value(key) else { return fallback };
        let share = value.get_ref().as_str().and_then(units::share);
        let share = share.filter(|share| (known(min)..=known(max)).contains(share));
        if share.is_none() {
            let bare =
                super::whole(value.get_ref()).filter(|number| units::share(&format!("{number}%")).is_some());
            let remedy = bare.map_or_else(|| max.to_owned(), |number| format!("{number}%"));
            let remedy = format!("write it as \"{remedy}\"");
            self.error(value.span(), format!("`{key}` is no percentage from {min} to {max}; {remedy}"));
        }
        share.or(fallback)
    }

    /// A time of day that must be there.
    pub(crate) fn time_of_day(&mut self, key: &'static str, example: &str) -> Option<(Duration, Span)> {
        let (text, span) = self.required(key, example)?;
        let time = time_of_day(&text);
        if time.is_none() {
            self.error(
                span.clone(),
                format!("`{key}`: \"{text}\" is no time of day; write it as \"{example}\""),
            );
        }
        Some((time?, span))
    }

    /// Spans of a day, `08:00-12:00`, each in order; nothing where the key is absent.
    pub(crate) fn spans_of_day(&mut self, key: &'static str) -> Vec<(Duration, Duration, Span)> {
        let texts = self.one_or_more(key, "");
        let mut spans = Vec::new();
        for (text, place) in texts {
            let ends = text.split_once('-');
            let ends = ends.and_then(|(from, to)| Some((time_of_day(from.trim())?, time_of_day(to.trim())?)));
            match ends {
                Some((from, to)) if from < to => spans.push((from, to, place)),
                Some(_) => {
                    let remedy = "the next morning is written past 24:00, as in \"22:00-30:00\"";
                    self.error(place, format!("`{key}`: \"{text}\" ends before it begins; {remedy}"));
                }
                None => {
                    let message =
                        format!("`{key}`: \"{text}\" is no span of a day; write it as \"08:00-12:00\"");
                    self.error(place, message);
                }
            }
        }
        spans
    }
}

/// `08:00` or `08:00:30`, up to `48:00`, since midnight.
pub(crate) fn time_of_day(text: &str) -> Option<Duration> {
    let mut parts = text.split(':');
    let mut part = |max: u64| {
        let text = parts.next()?;
        let is_plain = (1..=2).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit());
        is_plain.then(|| text.parse::<u64>().ok())?.filter(|&number| number <= max)
    };
    let (hours, minutes) = (part(48)?, part(59)?);
    let rest = text.splitn(3, ':').nth(2);
    let seconds = if rest.is_some() { part(59)? } else { 0 };
    let time = Duration::from_secs(hours * 3_600 + minutes * 60 + seconds);
    (text.matches(':').count() <= 2 && time <= LATEST).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_read_and_nonsense_is_not() {
        let read = |text| time_of_day(text).map(|time| time.as_secs());
        assert_eq!(read("08:00"), Some(8 * 3_600));
        assert_eq!(read("9:05"), Some(9 * 3_600 + 300));
        assert_eq!(read("23:59:30"), Some(86_370));
        assert_eq!(read("48:00"), Some(172_800));
        for bad in ["", "8", "08:60", "48:01", "08:00:60", "08:00:00:00", "-1:00", "08-00", "+8:00", "008:00"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
