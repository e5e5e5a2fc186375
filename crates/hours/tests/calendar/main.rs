//! What a calendar answers: stories, and random calendars against the naive definition.

mod histories;
mod naive;
mod stories;
