//! Opening hours: when is something open, and when does that change next.
//!
//! A [`Calendar`] is plain data: a time zone, the hours of a week, and exceptions. It answers for any moment in
//! UTC. A [`Timetable`] follows several calendars as time passes and says which of them open and close.
//!
//! **What decides is the clock on the wall there.** Something is open when the local date and time of day lie in
//! its hours. So an hour that summer time skips is not there to be open in, and an hour that comes twice is open
//! both times. Hours that run past midnight belong to the day on which they begin, tail included.
//!
//! What is deliberately absent: any clock (the caller says what time it is), any file of the machine (the time
//! zone database is part of the program, so the same release answers the same everywhere), and any knowledge of
//! what opens.
//!
//! Read first: [`Calendar`], then [`DayHours`] and [`Days`] for what can be written, then [`Timetable`].
//!
//! ```
//! use hours::{Calendar, DayHours, Days, Exception, Utc, Week, Zone};
//!
//! let zone = Zone::named("Europe/Berlin").expect("it is in the database");
//! let week = Week::parse("mon-fri 09:00-18:00; sat 10:00-14:00").expect("it can be read");
//! let christmas = Exception {
//!     on: Days::parse("12-25").expect("it can be read"),
//!     hours: DayHours::closed(),
//!     name: Some("Christmas Day".into()),
//! };
//! let calendar = Calendar::new(zone, week, vec![christmas]);
//! // Friday, 25 December 2026, noon in Berlin.
//! let noon = Utc::from_seconds(1_798_196_400);
//! assert!(!calendar.is_open(noon));
//! let change = calendar.changes(noon).next().expect("a Saturday follows");
//! assert_eq!((change.at.to_string().as_str(), change.open), ("2026-12-26T09:00:00Z", true));
//! ```

mod calendar;
mod date;
mod day_hours;
mod days;
mod timetable;
mod unreadable;
mod utc;
mod week;
mod zone;

pub use calendar::{Calendar, Change, Changes, EXCEPTIONS_MAX, Exception, LOOK_AHEAD_DAYS, Standing};
pub use date::{Date, MonthDay, Weekday};
pub use day_hours::{DayHours, INTERVALS_MAX, Interval};
pub use days::{Days, Nth};
pub use timetable::{SETBACK_IGNORED_SECONDS, Timetable, Turn};
pub use unreadable::{Unreadable, Why};
pub use utc::Utc;
pub use week::Week;
pub use zone::{Local, Zone};
