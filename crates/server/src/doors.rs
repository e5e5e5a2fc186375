//! Which queues are open: their calendars, and what the distributor was told of them.
//!
//! The distributor has no clock of the day. [`Doors`] is the pure machine that has the calendars; its owner says
//! what the wall clock shows and which queues there are, and passes on each [`Door`].

use std::collections::BTreeMap;

use acd::QueueId;
use hours::{Calendar, Timetable, Turn, Utc};

/// Which queues keep which hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hours {
    /// Calendars by name.
    pub calendars: BTreeMap<String, Calendar>,
    /// The calendar of each queue that has one. A queue that has none is always open.
    pub queues: BTreeMap<QueueId, String>,
}

/// What the distributor is to be told of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// Which queue.
    pub queue: QueueId,
    /// Open, or closed.
    pub open: bool,
}

/// The hours of a queue, as far as somebody looks at them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The calendar.
    pub calendar: String,
    /// Open, or closed.
    pub open: bool,
    /// When that changes; `None`: not in sight.
    pub until: Option<Utc>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Doors {
    timetable: Timetable,
    hours: BTreeMap<QueueId, String>,
    /// The queues that the distributor has, and how it believes they are.
    told: BTreeMap<QueueId, bool>,
    /// Whether all queues must be compared with their calendars, because other hours are in force.
    is_stale: bool,
}

impl Doors {
    /// Of a distributor that has no queues yet.
    pub fn new(hours: Hours) -> Doors {
        let mut doors = Doors::default();
        doors.replace(hours);
        doors
    }

    /// Puts other hours in force, with the next [`Doors::look`].
    pub fn replace(&mut self, hours: Hours) {
        self.timetable.replace(hours.calendars);
        self.hours = hours.queues;
        self.is_stale = true;
    }

    /// Whether any queue has hours. Where none has, nobody needs to look.
    pub fn is_needed(&self) -> bool {
        self.is_stale || !self.hours.is_empty()
    }

    /// The distributor has this queue (still, or now): a queue that is new is open until it is told otherwise.
    pub fn defined(&mut self, queue: QueueId) -> Option<Door> {
        self.told.entry(queue).or_insert(true);
        self.compare(queue)
    }

    /// The distributor has it no more.
    pub fn removed(&mut self, queue: QueueId) {
        self.told.remove(&queue);
    }

    /// Looks at what the wall clock shows: calendars that have turned, and the doors that they open and close.
    pub fn look(&mut self, shown: Utc) -> (Vec<Turn>, Vec<Door>) {
        self.timetable.handle_time(shown);
        let turns: Vec<Turn> = std::iter::from_fn(|| self.timetable.poll_turn()).collect();
        if turns.is_empty() && !self.is_stale {
            return (turns, Vec::new());
        }
        self.is_stale = false;
        let queues: Vec<QueueId> = self.told.keys().copied().collect();
        let doors = queues.into_iter().filter_map(|queue| self.compare(queue)).collect();
        (turns, doors)
    }

    /// When a calendar turns next, by the wall clock.
    pub fn poll_timeout(&self) -> Option<Utc> {
        self.timetable.poll_timeout()
    }

    /// The hours of every queue that has some.
    pub fn openings(&self) -> BTreeMap<QueueId, Opening> {
        let opening = |(&queue, calendar): (&QueueId, &String)| {
            let Turn { calendar, open, until } = self.timetable.turn(calendar)?;
            Some((queue, Opening { calendar, open, until }))
        };
        self.hours.iter().filter_map(opening).collect()
    }

    /// What to tell of a queue that is not as its calendar says.
    fn compare(&mut self, queue: QueueId) -> Option<Door> {
        let calendar = self.hours.get(&queue).and_then(|calendar| self.timetable.turn(calendar));
        let open = calendar.is_none_or(|turn| turn.open);
        let told = self.told.get_mut(&queue)?;
        (std::mem::replace(told, open) != open).then_some(Door { queue, open })
    }
}

#[cfg(test)]
mod tests {
    use hours::{Week, Zone};

    use super::*;

    const DAY: QueueId = QueueId(1);
    const NIGHT: QueueId = QueueId(2);
    const ALWAYS: QueueId = QueueId(3);

    fn calendar(week: &str) -> Calendar {
        Calendar::new(Zone::named("UTC").expect("known"), Week::parse(week).expect("good"), Vec::new())
    }

    fn hours() -> Hours {
        let name = str::to_owned;
        Hours {
            calendars: BTreeMap::from([
                (name("day"), calendar("daily 09:00-18:00")),
                (name("night"), calendar("daily 18:00-09:00")),
            ]),
            queues: BTreeMap::from([(DAY, name("day")), (NIGHT, name("night"))]),
        }
    }

    /// An hour of the first of January 1970.
    fn at(hour: i64) -> Utc {
        Utc::from_seconds(hour * 3_600)
    }

    fn door(queue: QueueId, open: bool) -> Door {
        Door { queue, open }
    }

    #[test]
    fn a_queue_is_told_at_once_when_it_is_new_and_closed() {
        let mut doors = Doors::new(hours());
        let (turns, told) = doors.look(at(8));
        assert_eq!((turns.len(), told), (2, Vec::new()), "there are no queues yet");
        assert_eq!(doors.defined(DAY), Some(door(DAY, false)));
        assert_eq!(doors.defined(DAY), None, "defined anew, it stays as it was");
        assert_eq!(doors.defined(NIGHT), None);
        assert_eq!(doors.defined(ALWAYS), None);
        assert_eq!(doors.poll_timeout(), Some(at(9)));
        assert_eq!(doors.look(at(9)).1, [door(DAY, true), door(NIGHT, false)]);
        assert_eq!(doors.look(at(10)), (Vec::new(), Vec::new()));
        doors.removed(NIGHT);
        assert_eq!(doors.look(at(18)).1, [door(DAY, false)]);
        assert_eq!(doors.defined(NIGHT), None, "it comes back when it is open");
    }

    #[test]
    fn other_hours_act_at_once_also_where_only_the_name_is_another() {
        let mut doors = Doors::new(hours());
        doors.look(at(8));
        for queue in [DAY, NIGHT, ALWAYS] {
            doors.defined(queue);
        }
        let mut swapped = hours();
        swapped.queues = BTreeMap::from([(DAY, "night".to_owned()), (ALWAYS, "day".to_owned())]);
        doors.replace(swapped);
        assert_eq!(doors.look(at(8)), (Vec::new(), vec![door(DAY, true), door(ALWAYS, false)]));
        let opening = &doors.openings()[&ALWAYS];
        assert_eq!((opening.calendar.as_str(), opening.open, opening.until), ("day", false, Some(at(9))));
        doors.replace(Hours::default());
        assert!(doors.is_needed(), "somebody has to open what is closed");
        assert_eq!(doors.look(at(8)).1, [door(ALWAYS, true)]);
        assert!(!doors.is_needed() && doors.poll_timeout().is_none());
    }
}
