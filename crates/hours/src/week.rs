//! The hours of an ordinary week.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::date::Weekday;
use crate::day_hours::DayHours;
use crate::unreadable::{Unreadable, Why};

/// Hours for each day of the week; a day that was not given is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Week([Option<DayHours>; 7]);

impl Week {
    /// Reads rules that are parted by `;`: see [`Week::add`].
    ///
    /// # Errors
    /// What cannot be read, and where.
    pub fn parse(text: &str) -> Result<Week, Unreadable> {
        let mut week = Week::default();
        week.add(text)?;
        Ok(week)
    }

    /// Adds rules that are parted by `;`, each days and then hours: `mon-fri 09:00-12:00, 13:00-18:00`,
    /// `sat,sun closed`, `daily 24h`.
    ///
    /// # Errors
    /// What cannot be read, or has hours already, and where.
    pub fn add(&mut self, text: &str) -> Result<(), Unreadable> {
        let mut at = 0;
        for rule in text.split(';') {
            self.add_rule(rule).map_err(|unreadable| unreadable.within(at))?;
            at += rule.len() + 1;
        }
        Ok(())
    }

    fn add_rule(&mut self, rule: &str) -> Result<(), Unreadable> {
        let start = rule.len() - rule.trim_start().len();
        let begin = begin_of_hours(rule);
        let (days, hours) = rule.split_at(begin);
        if days.trim().is_empty() {
            return Err(Unreadable::new(start, Why::NoDays));
        }
        let days = weekdays(days)?;
        if hours.trim().is_empty() {
            return Err(Unreadable::new(rule.trim_end().len(), Why::NoHours));
        }
        let hours = DayHours::parse(hours).map_err(|unreadable| unreadable.within(begin))?;
        for day in Weekday::ALL.into_iter().filter(|day| days[day.index()]) {
            if self.0[day.index()].is_some() {
                return Err(Unreadable::new(start, Why::Twice(day)));
            }
            self.0[day.index()] = Some(hours.clone());
        }
        Ok(())
    }

    /// The hours of a day, where some were given.
    pub fn on(&self, day: Weekday) -> Option<&DayHours> {
        self.0[day.index()].as_ref()
    }

    /// Whether no day has any hours.
    pub fn is_closed(&self) -> bool {
        self.0.iter().flatten().all(|hours| hours.intervals().is_empty())
    }
}

/// Hours begin with a digit or with the word `closed`.
fn begin_of_hours(rule: &str) -> usize {
    let digit = rule.find(|letter: char| letter.is_ascii_digit());
    digit.or_else(|| rule.to_ascii_lowercase().find("closed")).unwrap_or(rule.len())
}

/// `mon-fri`, `sat, sun`, `fri-mon`, `daily`
fn weekdays(text: &str) -> Result<[bool; 7], Unreadable> {
    let mut days = [false; 7];
    if text.trim().eq_ignore_ascii_case("daily") {
        return Ok([true; 7]);
    }
    let mut at = 0;
    for piece in text.split(',') {
        let day = |text: &str, at: usize| {
            let start = at + text.len() - text.trim_start().len();
            let unknown = || Unreadable::new(start, Why::Weekday(text.trim().to_owned()));
            Weekday::parse(text.trim()).ok_or_else(unknown)
        };
        let (first, last) = match piece.split_once('-') {
            Some((first, last)) => (day(first, at)?, day(last, at + first.len() + 1)?),
            None => (day(piece, at)?, day(piece, at)?),
        };
        let length = (last.index() + 7 - first.index()) % 7;
        for step in 0..=length {
            let index = (first.index() + step) % 7;
            if days[index] {
                return Err(Unreadable::new(at, Why::Twice(Weekday::ALL[index])));
            }
            days[index] = true;
        }
        at += piece.len() + 1;
    }
    Ok(days)
}

/// As [`Week::parse`] reads it; days in a row with the same hours are joined.
impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut runs: Vec<(Weekday, Weekday, &DayHours)> = Vec::new();
        for day in Weekday::ALL {
            let Some(hours) = self.on(day) else { continue };
            match runs.last_mut() {
                Some((_, last, same)) if *same == hours && last.index() + 1 == day.index() => *last = day,
                Some(_) | None => runs.push((day, day, hours)),
            }
        }
        for (number, (first, last, hours)) in runs.into_iter().enumerate() {
            let parted = if number == 0 { "" } else { "; " };
            match first == last {
                true => write!(f, "{parted}{} {hours}", first.short())?,
                false => write!(f, "{parted}{}-{} {hours}", first.short(), last.short())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_read_and_written_as_people_write_it() {
        for (text, canonical) in [
            ("mon-fri 09:00-18:00; sat 10:00-14:00", "mon-fri 09:00-18:00; sat 10:00-14:00"),
            ("Daily 24h", "mon-sun 24h"),
            ("Saturday, sun 10:00-14:00, 15:00-16:00", "sat-sun 10:00-14:00, 15:00-16:00"),
            ("fri-mon 22:00-02:00;wed closed", "mon 22:00-02:00; wed closed; fri-sun 22:00-02:00"),
            ("mon,wed,fri 08:00-12:00", "mon 08:00-12:00; wed 08:00-12:00; fri 08:00-12:00"),
        ] {
            let week = Week::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(week.to_string(), canonical);
            assert_eq!(Week::parse(canonical).as_ref(), Ok(&week));
        }
    }

    #[test]
    fn what_cannot_be_read_is_shown_with_its_place_and_its_remedy() {
        for (text, at, message) in [
            ("09:00-18:00", 0, "the days are missing"),
            ("mon-fri", 7, "the hours are missing"),
            ("mon-fri 09:00-18:00; fri 10:00-14:00", 21, "friday has its hours already"),
            ("mon-wed, tue 09:00-18:00", 8, "tuesday has its hours already"),
            ("mon-freitag 09:00-18:00", 4, "\"freitag\" is no day of the week"),
            ("mon-fri 09:00-18:00; sat 10-14", 25, "\"10\" is no time of day"),
            ("mon-fri 09:00-18:00;", 20, "the days are missing"),
            ("closed", 0, "the days are missing"),
            ("", 0, "the days are missing"),
        ] {
            let error = Week::parse(text).expect_err(text);
            assert_eq!(error.at, at, "{text}: {error}");
            assert!(error.to_string().contains(message), "{text}: {error}");
        }
    }
}
