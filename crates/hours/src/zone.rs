//! What the clock on the wall shows.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

use crate::date::{Date, split};
use crate::utc::Utc;

/// A time zone of the IANA database, as it was when this program was built.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

/// A local date and time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Local {
    /// The date on the wall.
    pub date: Date,
    /// Seconds since the clock on the wall showed 00:00.
    pub second: u32,
}

impl Zone {
    /// By its name, `Europe/Berlin`, in capitals or not; `None` where the database has no such zone.
    pub fn named(name: &str) -> Option<Zone> {
        let zone = TimeZoneDatabase::bundled().get(name).ok()?;
        (!zone.is_unknown() && zone.iana_name().is_some()).then_some(Zone(zone))
    }

    /// The names of all zones.
    pub fn names() -> Vec<String> {
        let names = TimeZoneDatabase::bundled();
        let mut names: Vec<String> = names.available().map(|name| name.to_string()).collect();
        names.sort_unstable();
        names
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.iana_name().expect("a zone comes from the database by its name")
    }

    /// What the clock on the wall shows.
    pub fn local(&self, at: Utc) -> Local {
        let (date, second) = split(at.seconds() + self.offset(at));
        Local { date, second: u32::try_from(second).expect("a day has fewer seconds than 2^32") }
    }

    /// When the clock on the wall shows this: the first time where it does so twice, and as long after the shift as
    /// the skipped time is after it began where it never does.
    pub fn moment(&self, shown: Local) -> Utc {
        let shown = i64::from(shown.date.days()) * 86_400 + i64::from(shown.second);
        // The offsets on either side of any shift that is near.
        let [before, after] = [-86_400, 86_400].map(|aside| self.offset(Utc::from_seconds(shown + aside)));
        let at = |offset: i64| Utc::from_seconds(shown - offset);
        let shows_it = |&offset: &i64| self.offset(at(offset)) == offset;
        at([before, after].into_iter().find(shows_it).unwrap_or(before))
    }

    /// Seconds that the clock on the wall is ahead of UTC.
    pub(crate) fn offset(&self, at: Utc) -> i64 {
        i64::from(self.0.to_offset(timestamp(at)).seconds())
    }

    /// The next moment after this one at which the clock on the wall may be put forward or back.
    pub(crate) fn next_shift(&self, after: Utc) -> Option<Utc> {
        let shift = self.0.following(timestamp(after)).next()?;
        Some(Utc::from_seconds(shift.timestamp().as_second()))
    }
}

fn timestamp(at: Utc) -> Timestamp {
    Timestamp::from_second(at.seconds()).expect("a moment between the years 1 and 9998")
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zone").field(&self.name()).finish()
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Zone, String> {
        Zone::named(&name).ok_or_else(|| format!("there is no time zone \"{name}\""))
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.name().to_owned()
    }
}

/// `2026-12-24 09:00`
impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:02}:{:02}", self.date, self.second / 3_600, self.second / 60 % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_by_name_and_others_are_not() {
        assert_eq!(Zone::named("asia/seoul").expect("known").name(), "Asia/Seoul");
        for unknown in ["Mars/Olympus", "", "Etc/Unknown", "CET-1CEST"] {
            assert_eq!(Zone::named(unknown), None, "{unknown}");
        }
        assert!(Zone::names().iter().any(|name| name == "America/New_York"));
    }

    #[test]
    fn a_local_time_is_a_moment_also_where_it_comes_twice_or_never() {
        let zone = Zone::named("Europe/Berlin").expect("known");
        let moment = |month, day, hour: u32, minute: u32| {
            let date = Date::new(2026, month, day).expect("it is a day");
            zone.moment(Local { date, second: hour * 3_600 + minute * 60 }).to_string()
        };
        assert_eq!(moment(1, 5, 9, 0), "2026-01-05T08:00:00Z");
        assert_eq!(moment(7, 5, 9, 0), "2026-07-05T07:00:00Z");
        // Summer time begins on 29 March at 02:00 and ends on 25 October at 03:00.
        assert_eq!(moment(3, 29, 1, 59), "2026-03-29T00:59:00Z");
        assert_eq!(moment(3, 29, 2, 30), "2026-03-29T01:30:00Z");
        assert_eq!(moment(3, 29, 3, 0), "2026-03-29T01:00:00Z");
        assert_eq!(moment(10, 25, 2, 30), "2026-10-25T00:30:00Z");
        assert_eq!(moment(10, 25, 3, 0), "2026-10-25T02:00:00Z");
        for second in (0..7 * 86_400).step_by(1_800) {
            let at = Utc::from_seconds(1_774_224_000 + second);
            let shown = zone.local(at);
            assert_eq!(zone.local(zone.moment(shown)), shown, "{at}");
        }
    }

    #[test]
    fn the_ends_of_time_have_a_local_date_everywhere() {
        for name in ["UTC", "Pacific/Kiritimati", "Pacific/Niue", "Europe/Berlin"] {
            let zone = Zone::named(name).expect("known");
            for at in [Utc::MIN, Utc::MAX] {
                assert!((zone.local(at).date.days() - split(at.seconds()).0.days()).abs() <= 1);
                let _no_panic = zone.next_shift(at);
            }
        }
    }
}
