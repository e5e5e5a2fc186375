//! `[[calendar]]`

use hours::{DayHours, Days, EXCEPTIONS_MAX, Exception, Unreadable, Week, Zone};

use super::reader::Section;
use super::report::{Kind, Span};
use super::spelling;

/// The most calendars.
const CALENDARS_MAX: usize = 1_000;

/// Opening hours under a name, which queues refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Its name.
    pub name: String,
    /// The hours.
    pub hours: hours::Calendar,
}

pub(super) fn read(sections: Vec<Section<'_>>) -> Vec<Calendar> {
    if let Some(section) = sections.get(CALENDARS_MAX) {
        section.error(section.span(), format!("more than {CALENDARS_MAX} calendars; merge some"));
    }
    sections.into_iter().map(|mut section| read_one(&mut section)).collect()
}

fn read_one(section: &mut Section<'_>) -> Calendar {
    let name = section.name("name", Kind::Calendar, "office");
    let zone = read_zone(section);
    let week = read_week(section);
    let exceptions = read_exceptions(section);
    let ever_open =
        !week.is_closed() || exceptions.iter().any(|exception| !exception.hours.intervals().is_empty());
    if !ever_open {
        section.warning(
            section.report().place_of(Kind::Calendar, &name),
            "is never open; add hours = [\"mon-fri 09:00-18:00\"]",
        );
    }
    Calendar { name, hours: hours::Calendar::new(zone, week, exceptions) }
}

fn read_zone(section: &mut Section<'_>) -> Zone {
    let fallback = || Zone::named("UTC").expect("every database has UTC");
    let Some((text, span)) = section.required("time_zone", "Europe/Berlin") else { return fallback() };
    zone(section, &text, span).unwrap_or_else(fallback)
}

/// The zone of this name; reported where there is none.
pub(crate) fn zone(section: &Section<'_>, name: &str, span: Span) -> Option<Zone> {
    let zone = Zone::named(name);
    if zone.is_none() {
        let names = Zone::names();
        let hint = spelling::hint(name, names.iter().map(String::as_str));
        let remedy = "write a name of the IANA database, as in \"Europe/Berlin\" or \"UTC\"";
        section.error(span, format!("`time_zone`: there is no \"{name}\"{hint}; {remedy}"));
    }
    zone
}

fn read_week(section: &mut Section<'_>) -> Week {
    let mut week = Week::default();
    for (text, span) in section.one_or_more("hours", "") {
        if let Err(unreadable) = week.add(&text) {
            explain(section, "hours", &unreadable, &span);
        }
    }
    week
}

fn read_exceptions(section: &mut Section<'_>) -> Vec<Exception> {
    let tables = section.tables("exceptions", "");
    if let Some(table) = tables.get(EXCEPTIONS_MAX) {
        let message = format!("more than {EXCEPTIONS_MAX} exceptions; leave out those that have passed");
        section.error(table.span(), message);
    }
    tables.into_iter().filter_map(|mut table| read_exception(&mut table)).collect()
}

fn read_exception(table: &mut Section<'_>) -> Option<Exception> {
    let on = table.required("on", "12-25").and_then(|(text, span)| {
        Days::parse(&text).map_err(|unreadable| explain(table, "on", &unreadable, &span)).ok()
    });
    let hours = table.text_or("hours", "closed").map_or_else(DayHours::closed, |(text, span)| {
        DayHours::parse(&text).unwrap_or_else(|unreadable| {
            explain(table, "hours", &unreadable, &span);
            DayHours::closed()
        })
    });
    let name = table.text("name").map(|(name, _)| name);
    Some(Exception { on: on?, hours, name })
}

/// Reports a text that cannot be read, at the place in it where the trouble begins.
fn explain(section: &Section<'_>, key: &str, unreadable: &Unreadable, span: &Span) {
    // The text begins after its quotation mark.
    let start = (span.start + 1 + unreadable.at).min(span.end);
    section.error(start..span.end, format!("`{key}`: {unreadable}"));
}
