//! Calendars as time passes.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::calendar::{Calendar, LOOK_AHEAD_DAYS};
use crate::utc::Utc;

/// A clock that is set back by no more than this (a correction by NTP) does not take back what has opened or
/// closed: time stands still until the clock has caught up. One that is set back by more was wrong before, and is
/// believed now.
pub const SETBACK_IGNORED_SECONDS: i64 = 60;

/// Several calendars, and which of them are open. A pure machine: [`Timetable::handle_time`] takes what the wall
/// clock shows, [`Timetable::poll_turn`] tells what has turned, [`Timetable::poll_timeout`] when to come again.
///
/// The wall clock may jump in both directions: what counts is what it shows now, so that a change is never missed
/// and never comes twice. Because it may be set while the caller sleeps, the caller should come again after a short
/// while even when the next change is far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timetable {
    calendars: BTreeMap<String, Entry>,
    latest: Option<Utc>,
    turns: VecDeque<Turn>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    calendar: Calendar,
    state: Option<State>,
}

/// What holds from one moment to another, the latter not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    open: bool,
    from: Utc,
    until: Option<Utc>,
}

/// A calendar has opened or closed, or was looked at for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Its name.
    pub calendar: String,
    /// How it is now.
    pub open: bool,
    /// When it will be otherwise; `None`: not in sight.
    pub until: Option<Utc>,
}

impl Timetable {
    /// One in which nothing has been looked at.
    pub fn new(calendars: BTreeMap<String, Calendar>) -> Timetable {
        let entry = |(name, calendar)| (name, Entry { calendar, state: None });
        Timetable { calendars: calendars.into_iter().map(entry).collect(), ..Timetable::default() }
    }

    /// Puts other calendars in force. Those that are the same keep their state; the others are looked at with the
    /// next [`Timetable::handle_time`], which says how each of them is.
    pub fn replace(&mut self, calendars: BTreeMap<String, Calendar>) {
        let mut old = std::mem::take(&mut self.calendars);
        let entry = |(name, calendar): (String, Calendar)| {
            let same = old.remove(&name).filter(|entry| entry.calendar == calendar);
            (name, same.unwrap_or(Entry { calendar, state: None }))
        };
        self.calendars = calendars.into_iter().map(entry).collect();
        self.turns.retain(|turn| self.calendars.contains_key(&turn.calendar));
    }

    /// Looks at what the wall clock shows.
    pub fn handle_time(&mut self, shown: Utc) {
        let now = match self.latest {
            Some(latest)
                if shown < latest && latest.seconds() - shown.seconds() <= SETBACK_IGNORED_SECONDS =>
            {
                latest
            }
            Some(_) | None => shown,
        };
        self.latest = Some(now);
        for (name, Entry { calendar, state }) in &mut self.calendars {
            if state.is_some_and(|state| state.holds(now)) {
                continue;
            }
            let standing = calendar.standing(now);
            let turned = state.is_none_or(|state| state.open != standing.open);
            *state = Some(State { open: standing.open, from: now, until: standing.until });
            if turned {
                let turn = Turn { calendar: name.clone(), open: standing.open, until: standing.until };
                self.turns.push_back(turn);
            }
        }
    }

    /// What has turned, in the order in which it was seen.
    pub fn poll_turn(&mut self) -> Option<Turn> {
        self.turns.pop_front()
    }

    /// When something turns next, by the wall clock; `None`: nothing in sight, or nothing has been looked at.
    pub fn poll_timeout(&self) -> Option<Utc> {
        self.calendars.values().filter_map(|entry| entry.state?.end()).min()
    }

    /// How a calendar was when it was last looked at, and until when; `None`: unknown, or not looked at.
    pub fn turn(&self, calendar: &str) -> Option<Turn> {
        let State { open, until, .. } = self.calendars.get(calendar)?.state?;
        Some(Turn { calendar: calendar.to_owned(), open, until })
    }

    /// The calendar of a name.
    pub fn calendar(&self, name: &str) -> Option<&Calendar> {
        self.calendars.get(name).map(|entry| &entry.calendar)
    }
}

impl State {
    /// The moment at which to look again: also where nothing changed as far as we could see.
    fn end(self) -> Option<Utc> {
        Some(self.until.unwrap_or_else(|| self.from.plus(LOOK_AHEAD_DAYS * 86_400)))
    }

    fn holds(self, now: Utc) -> bool {
        self.from <= now && self.end().is_none_or(|end| now < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Week, Zone};

    fn calendar(week: &str) -> Calendar {
        let zone = Zone::named("Asia/Seoul").expect("known");
        Calendar::new(zone, Week::parse(week).expect("good"), Vec::new())
    }

    fn timetable(week: &str) -> Timetable {
        Timetable::new(BTreeMap::from([("office".to_owned(), calendar(week))]))
    }

    /// A time of Monday, 2 November 2026, in Seoul.
    fn at(hour: i64, minute: i64, second: i64) -> Utc {
        Utc::from_seconds(1_793_545_200 + (hour * 60 + minute) * 60 + second)
    }

    fn turns(timetable: &mut Timetable) -> Vec<(String, bool)> {
        std::iter::from_fn(|| timetable.poll_turn()).map(|turn| (turn.calendar, turn.open)).collect()
    }

    fn office(open: bool) -> Vec<(String, bool)> {
        vec![("office".to_owned(), open)]
    }

    #[test]
    fn the_first_look_tells_how_it_is_and_later_ones_what_has_turned() {
        let mut timetable = timetable("mon 09:00-18:00");
        assert_eq!((timetable.poll_timeout(), timetable.turn("office")), (None, None));
        timetable.handle_time(at(8, 59, 59));
        assert_eq!(turns(&mut timetable), office(false));
        assert_eq!(timetable.poll_timeout(), Some(at(9, 0, 0)));
        timetable.handle_time(at(8, 59, 59));
        assert_eq!(turns(&mut timetable), []);
        timetable.handle_time(at(9, 0, 0));
        assert_eq!(turns(&mut timetable), office(true));
        assert_eq!(timetable.turn("office").and_then(|turn| turn.until), Some(at(18, 0, 0)));
    }

    #[test]
    fn a_jump_forward_over_two_changes_ends_in_what_the_clock_shows() {
        let mut timetable = timetable("mon 09:00-18:00");
        timetable.handle_time(at(8, 0, 0));
        assert_eq!(turns(&mut timetable), office(false));
        timetable.handle_time(at(20, 0, 0));
        assert_eq!(turns(&mut timetable), [], "it was open meanwhile, and nobody was there to see");
        assert_eq!(timetable.poll_timeout(), Some(at(9 + 7 * 24, 0, 0)));
        timetable.handle_time(at(10 + 7 * 24, 0, 0));
        assert_eq!(turns(&mut timetable), office(true), "a machine that slept for a week");
    }

    #[test]
    fn a_small_step_back_takes_nothing_back_and_a_large_one_is_believed() {
        let mut timetable = timetable("mon 09:00-18:00");
        timetable.handle_time(at(9, 0, 0));
        assert_eq!(turns(&mut timetable), office(true));
        timetable.handle_time(at(8, 59, 1));
        assert_eq!(turns(&mut timetable), []);
        timetable.handle_time(at(8, 30, 0));
        assert_eq!(turns(&mut timetable), office(false));
        assert_eq!(timetable.poll_timeout(), Some(at(9, 0, 0)));
        timetable.handle_time(at(9, 0, 0));
        assert_eq!(turns(&mut timetable), office(true));
    }

    #[test]
    fn other_calendars_are_looked_at_at_once_and_the_same_ones_stay() {
        let mut timetable = timetable("mon 09:00-18:00");
        timetable.handle_time(at(10, 0, 0));
        assert_eq!(turns(&mut timetable), office(true));
        let two = BTreeMap::from([
            ("office".to_owned(), calendar("mon 09:00-18:00")),
            ("night".to_owned(), calendar("daily 22:00-06:00")),
        ]);
        timetable.replace(two);
        timetable.handle_time(at(10, 0, 1));
        assert_eq!(turns(&mut timetable), [("night".to_owned(), false)]);
        timetable.replace(BTreeMap::from([("office".to_owned(), calendar("mon 11:00-18:00"))]));
        timetable.handle_time(at(10, 0, 2));
        assert_eq!(turns(&mut timetable), office(false));
        assert_eq!(timetable.turn("night"), None);
    }

    #[test]
    fn what_never_changes_is_looked_at_again_in_time() {
        let mut timetable = timetable("daily 24h");
        timetable.handle_time(at(0, 0, 0));
        assert_eq!(turns(&mut timetable), office(true));
        assert_eq!(timetable.turn("office").and_then(|turn| turn.until), None);
        assert_eq!(timetable.poll_timeout(), Some(at(0, 0, 0).plus(LOOK_AHEAD_DAYS * 86_400)));
        timetable.handle_time(at(0, 0, 0).plus(LOOK_AHEAD_DAYS * 86_400));
        assert_eq!(turns(&mut timetable), []);
        assert!(timetable.poll_timeout() > Some(at(0, 0, 0).plus(LOOK_AHEAD_DAYS * 86_400)));
    }

    #[test]
    fn it_can_be_written_down_and_continued() {
        let mut timetable = timetable("mon 09:00-18:00");
        timetable.handle_time(at(10, 0, 0));
        let text = serde_json::to_string(&timetable).expect("plain data");
        let mut again: Timetable = serde_json::from_str(&text).expect("our own text");
        assert_eq!(again, timetable);
        for machine in [&mut timetable, &mut again] {
            machine.handle_time(at(18, 0, 0));
        }
        assert_eq!(again, timetable);
        assert_eq!(turns(&mut again), [("office".to_owned(), true), ("office".to_owned(), false)]);
    }
}
